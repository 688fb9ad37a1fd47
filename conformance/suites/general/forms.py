"""Cases of requests out of form, and a round of odd input."""

from __future__ import annotations

import hashlib
import json

from conformance.case import Outcome
from conformance.checks import quote
from conformance.fuzz import Class, Finding, fuzz
from conformance.observe import CITIZEN_NUMBER
from conformance.oracle import COMPLETED
from conformance.stage import Stage
from conformance.suites.playing import Scripts, refused
from conformance.suites.world import World
from conformance.transport import AppUnreachable, Ask

scripts = Scripts[World]()
CONNECTION = ("connection", "content-length", "content-type", "host", "transfer-encoding", "accept-encoding")
"""Headers of a request that the next connection makes anew."""


@scripts("input.types")
def types(stage: Stage[World]) -> None:
    application = stage.world.application("input")
    wanted = set(stage.suite.malformed)
    for pointer, value in stage.suite.malformed.items():
        *way, last = pointer[1:].split("/")
        place = application
        for name in way:
            place = place[name]
        place[last] = value
    episode = stage.submit(application, stage.launch())
    if refused(stage, episode, 422, {"zh_CN": "格式错误：422", "en": "values of a wrong type: 422"}):
        numbers = CITIZEN_NUMBER.findall(json.dumps(application))
        if any(number in episode.reply.text for number in numbers):
            expected = {"zh_CN": "错误说明不回显提交的值", "en": "an error does not repeat the value sent"}
            stage.problem("input.echo", expected, quote(episode.turn.answer), outcome=Outcome.WARN)
        errors = episode.answer.get("errors")
        told = {e.get("pointer") for e in errors if isinstance(e, dict)} if isinstance(errors, list) else set()
        if told != wanted:
            stage.problem(
                "input.pointers",
                {"zh_CN": f"errors 列出 {sorted(wanted)}", "en": f"errors list {sorted(wanted)}"},
                f"errors list {sorted(map(str, told))}",
            )


@scripts("input.extra")
def extra(stage: Stage[World]) -> None:
    application = {**stage.world.application("input"), "state": COMPLETED, "result": {"GMSFHM": "1"}}
    expected = {"zh_CN": "未定义的字段：422", "en": "fields the interface does not know: 422"}
    refused(stage, stage.submit(application, stage.launch()), 422, expected)


@scripts("input.broken")
def broken(stage: Stage[World]) -> None:
    launch = stage.launch()
    headers = stage.headers(launch, stage.key())
    ask = Ask("POST", stage.path("submitHandledMatter"), headers, raw=b'{"newborn": {"XM": ')
    answer = stage.send("submitHandledMatter", ask, launch)
    refused(
        stage, answer, 400, {"zh_CN": "无法解析的请求：400", "en": "a request that cannot be parsed: 400"}, also=422
    )


@scripts("input.no-key")
def no_key(stage: Stage[World]) -> None:
    launch = stage.launch()
    ask = Ask("POST", stage.path("submitHandledMatter"), stage.headers(launch), stage.world.application("input"))
    answer = stage.send("submitHandledMatter", ask, launch)
    refused(stage, answer, 400, {"zh_CN": "缺少幂等键：400", "en": "no idempotency key: 400"}, also=422)


@scripts("fuzz")
def odd_input(stage: Stage[World]) -> None:
    """A bounded round of the fuzzing engine; what it finds is classified before it counts."""
    headers = stage.headers(stage.launch())
    seed = int(hashlib.sha256(stage.seed.encode()).hexdigest()[:8], 16)
    transport, document = stage.transport, stage.suite.app.document.text
    for number, finding in enumerate(
        fuzz(document, transport.url, headers, seed=seed, pause=0.005, least=transport.pause)
    ):
        if finding.kind in (Class.NOISE, Class.OPEN):
            continue
        defect = finding.kind is Class.DEFECT and not (finding.status >= 500 and _misled(stage, finding, f"{number}"))
        stage.problem(
            f"fuzz.{finding.check}",
            {"zh_CN": f"{finding.operation}：合规的答复", "en": f"{finding.operation}: an orderly answer"},
            f"{finding.title} (HTTP {finding.status}): {finding.message.splitlines()[0] if finding.message else ''}"
            f" — {finding.curl}",
            outcome=Outcome.FAIL if defect else Outcome.WARN,
        )


def _misled(stage: Stage[World], finding: Finding, name: str) -> bool:
    """Whether an app broke down only because a department refused odd values its own interface lets pass.

    The documents do not say what an app tells the citizen then. The request is made again to see.
    """
    if not finding.method:
        return False
    launch = stage.launch(name)
    headers = {n: v for n, v in finding.headers.items() if n.lower() not in CONNECTION}
    headers |= {n: v for n, v in stage.headers(launch).items() if n == "Authorization" and n in headers}
    raw = None if finding.body is None else finding.body.encode("utf-8", "replace")
    try:
        stage.transport.send(Ask(finding.method, finding.path, headers, raw=raw))
    except AppUnreachable:
        return False
    return any(item.call.status in (400, 422) for item in stage.gateway.record([launch]))
