"""Cases of those who mean harm: odd tokens, other people's matters, planted text, members nobody offers."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote as escaped

from conformance.case import Outcome, Text
from conformance.checks import judge, quote, rule_ids
from conformance.oracle import OracleError
from conformance.stage import NOTHING, Episode, Stage
from conformance.suites.playing import Scripts, described, put, refused
from conformance.suites.world import World
from conformance.transport import Ask

scripts = Scripts[World]()
CANARIES = (
    "' OR '1'='1", "{{7919*7907}}", "<svg onload=1>", "${7919*7907}", "%s%n%x", "../../etc/passwd", "$(id)", "\\u0000x",
)  # fmt: skip
EVALUATED = re.compile(r"62615533|\buid=\d|\broot:\w*:0")
"""What comes out where a canary was carried out instead of kept."""


def turned_away(
    stage: Stage[World], episode: Episode, allowed: tuple[int, ...], expected: Text, *requirements: str
) -> None:
    """An attempt got nothing: one of these statuses, and no department was asked for it."""
    if episode.reply.status not in allowed or episode.calls:
        asked = f", and called {episode.calls[0].call.interface}" if episode.calls else ""
        got = f"HTTP {episode.reply.status} {quote(episode.turn.answer)}{asked}"
        stage.problem("refused", expected, got, requirements=requirements or None)


def _nothing_got(episode: Episode) -> bool:
    """Whether what the interface does not know of was turned away in one of the ways servers have for it.

    A redirection leads elsewhere and is not followed; 501 is what some servers say to a method they do not have.
    """
    status = episode.reply.status
    return status in (NOTHING, 501) or 300 <= status < 500


@scripts("access.bad-token")
def bad_token(stage: Stage[World]) -> None:
    """What is nearly a token is none."""
    first = put(stage, *stage.world.refusable(stage.case.id), name="owner")
    launch = f"{stage.case.id}/owner"
    token, path = stage.token(launch), stage.path("getHandledMatter").replace("{id}", str(first.answer.get("id")))
    expected = {"zh_CN": "不是令牌的一律 401 或 404", "en": "401 or 404 for what is no token of this matter"}
    for words in ("", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", f"Bearer {token[:-1]}", f"Bearer {token.swapcase()}",
                  f"Bearer {token}.{token}", "Bearer null", "Bearer undefined"):  # fmt: skip
        headers = stage.headers(None) | {"Authorization": words.strip()}
        other = ("access.owner",) if words.startswith("Bearer ") and len(words) > len("Bearer ") else ()
        episode = stage.send("getHandledMatter", Ask("GET", path, headers), "")
        turned_away(stage, episode, (400, 401, 403, 404), expected, *other)
    for query in ("access_token", "token", "Authorization"):
        ask = Ask("GET", f"{path}?{query}={token}", stage.headers(None))
        turned_away(stage, stage.send("getHandledMatter", ask, ""), (400, 401, 403, 404), expected)


@scripts("access.expired-token")
def expired_token(stage: Stage[World]) -> None:
    """The departments no longer accept the launch: nothing can be known, so nothing is concluded."""
    application = stage.world.application(stage.case.id)
    stage.subject = described(stage, application)
    launch = stage.launch()
    stage.gateway.expire(launch)
    episode = stage.submit(application, launch)
    if episode.reply.status < 400:
        stage.problem(
            "access.expired",
            {"zh_CN": "令牌已失效：不作结论", "en": "an expired token: no conclusion"},
            f"HTTP {episode.reply.status}, state {episode.answer.get('state')!r}",
        )


@scripts("access.other-methods")
def other_methods(stage: Stage[World]) -> None:
    """No method changes or shows another citizen's matter."""
    first = put(stage, *stage.world.refusable("access.foreign-token", 1), name="owner")
    owner, stranger = f"{stage.case.id}/owner", stage.launch("stranger")
    path = stage.path("getHandledMatter").replace("{id}", str(first.answer.get("id")))
    expected = {"zh_CN": "他人不得以任何方法触及办件", "en": "no method reaches another citizen's matter"}
    for method in ("PUT", "PATCH", "DELETE", "POST"):
        body = {"state": "completed"} if method != "DELETE" else None
        episode = stage.attempt(Ask(method, path, stage.headers(stranger, stage.key(method)), body), stranger)
        if not _nothing_got(episode):
            stage.problem("refused", expected, f"{method}: HTTP {episode.reply.status} {quote(episode.turn.answer)}")
    again = stage.read(str(first.answer.get("id")), owner)
    if again.reply.status != 200 or again.answer.get("state") != first.answer.get("state"):
        stage.problem("access.touched", expected, f"HTTP {again.reply.status} {quote(again.turn.answer)}")


@scripts("access.listing")
def listing(stage: Stage[World]) -> None:
    """Nobody gets a list of handled matters, nor the matter of nobody by an odd id."""
    launch = stage.launch()
    place = stage.path("submitHandledMatter")
    expected = {"zh_CN": "不列出办件", "en": "handled matters are not listed"}
    answer = stage.attempt(Ask("GET", place, stage.headers(launch)), launch)
    if not _nothing_got(answer):
        stage.problem("refused", expected, f"HTTP {answer.reply.status} {quote(answer.turn.answer)}")
    template = stage.path("getHandledMatter")
    for name in ("' OR '1'='1", "..%2f..%2fetc%2fpasswd", "*", "0", "null", "a" * 300, "%00", "hm-1;select 1"):
        path = template.replace("{id}", name if "%" in name else escaped(name, safe=""))
        answer = stage.attempt(Ask("GET", path, stage.headers(launch)), launch)
        if not _nothing_got(answer):
            stage.problem(
                "refused",
                {"zh_CN": "不存在的办件得到 404", "en": "404 for a matter that does not exist"},
                f"GET {path}: HTTP {answer.reply.status} {quote(answer.turn.answer)}",
            )


@scripts("input.extra-deep")
def extra_deep(stage: Stage[World]) -> None:
    """Members the interface does not offer, inside the parts of an application: nobody may set more than is offered."""
    application = stage.world.application("input")
    expected = {"zh_CN": "未定义的字段：422", "en": "fields the interface does not know: 422"}
    for way in objects(application):
        changed = copy.deepcopy(application)
        place: Any = changed
        for name in way:
            place = place[name]
        place |= {"state": "completed", "verified": True}
        refused(stage, stage.submit(changed, stage.launch("-".join(map(str, way)))), 422, expected)


@scripts("security.canaries")
def canaries(stage: Stage[World]) -> None:
    """Text that means something to a database, a page, a template or a shell stays text: judged as any other value."""
    world = stage.world
    application, _ = world.refusable(stage.case.id)
    stage.subject = described(stage, application)
    for number, (way, longest) in enumerate(texts(stage, application)):
        fitting = [canary for canary in CANARIES if len(canary) <= longest]
        chosen = fitting if number == 0 else fitting[number % len(fitting) :][:1] if fitting else []
        for canary in chosen:
            changed = copy.deepcopy(application)
            place: Any = changed
            for name in way[:-1]:
                place = place[name]
            place[way[-1]] = canary
            try:
                expectation = world.expect(changed)
            except OracleError:
                continue  # a department itself takes it for malformed
            launch = stage.launch(f"{number}-{CANARIES.index(canary)}")
            _kept(stage, stage.submit(changed, launch, expectation=expectation), canary)


def _kept(stage: Stage[World], episode: Episode, canary: str) -> None:
    status, text = episode.reply.status, episode.reply.text
    expected = {"zh_CN": f"{canary} 只是文字", "en": f"{canary} is only text"}
    page = "html" in episode.reply.headers.get("content-type", "")
    if status >= 500 or (page and canary in text) or EVALUATED.search(text):
        stage.problem("security.canary", expected, f"HTTP {status} {quote(episode.turn.answer)}")
    elif status == 422:
        stage.problem("security.canary", expected, f"HTTP 422 {quote(episode.turn.answer)}", outcome=Outcome.WARN)
    elif expected_here := episode.expectation:
        # A rule the app ignores altogether is the fault of that rule's own case.
        excused = expected_here.failed & stage.world.ignored - rule_ids(episode.answer)
        if not excused:
            judge(stage, episode)


def objects(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where objects stand below the top."""
    for name, item in (
        value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    ):
        if isinstance(item, Mapping):
            yield (*way, name)
        yield from objects(item, (*way, name))


def texts(stage: Stage[World], application: Mapping[str, Any]) -> list[tuple[tuple[Any, ...], int]]:
    """Where free text stands in an application, with the characters the interface allows there."""
    operation = stage.suite.app.operation("submitHandledMatter")
    content = operation.body.contents[0] if operation.body else None
    if content is None or content.schema is None:
        return []
    root = stage.suite.app.standalone(content.schema)
    return list(_texts(application, root, root, ()))


def _texts(value: Any, schema: Any, root: Any, way: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], int]]:
    while isinstance(schema, Mapping) and "$ref" in schema:
        found: Any = root
        for part in str(schema["$ref"]).lstrip("#/").split("/"):
            found = found[part.replace("~1", "/").replace("~0", "~")]
        schema = found
    if not isinstance(schema, Mapping):
        return
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _texts(item, (schema.get("properties") or {}).get(name), root, (*way, name))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _texts(item, schema.get("items"), root, (*way, number))
    elif isinstance(value, str) and not {"enum", "const", "pattern", "format"} & set(schema):
        yield way, int(schema.get("maxLength", 40))
