"""What is judged over the whole run beyond right and wrong answers: whose data are shown, what is given away."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from conformance import observe
from conformance.case import Outcome, Problem, Text, told
from conformance.checks import rule_ids
from conformance.stage import Episode
from conformance.suites.applying import applications, telling
from conformance.suites.suite import Sighting, Suite

TELEPHONE = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)")
INTERNALS = {
    "a stack trace": re.compile(
        r"Traceback \(most recent call last\)|File \"[^\"]+\", line \d+|^\s+at [\w.$<>]+\([\w./]+:\d+|"
        r"\bat [\w.$]+\([\w$]+\.(?:java|kt|scala):\d+\)|goroutine \d+ \[|node_modules/|vendor/bundle|"
        r"[\w/\\]+\.(?:php|rb|go|rs|py|js|ts):\d+",
        re.MULTILINE,
    ),
    "a database error": re.compile(
        r"SQLSTATE|ORA-\d{5}|syntax error at or near|sqlite3?\.|psycopg|SELECT .+ FROM ", re.I
    ),
    "a private key or password": re.compile(
        r"-----BEGIN [A-Z ]*PRIVATE KEY|\b(?:password|passwd|secret_key)\b\s*[\"']?\s*[:=]", re.I
    ),
}
UNWATCHED = "unwatched"
"""The case in which citizens come as they come to any app."""
REREAD = 3
"""So often may one request of a citizen read the very same data; beyond it is collecting."""


def _sighting(
    check: str, expected: Text, got: str | Text, episode: Episode | None, outcome: Outcome = Outcome.FAIL
) -> Sighting:
    return Sighting(Problem(check, outcome, (check,), expected, told(got), episode.case if episode else ""), episode)


def rereads(suite: Suite[Any], episodes: Sequence[Episode]) -> Iterator[Sighting]:
    """Within one request of a citizen the same data are read once; said once per operation."""
    said: set[tuple[str, str]] = set()
    for episode in episodes:
        counts: dict[str, int] = {}
        for item in episode.calls:
            place = (item.call.interface, item.call.operation)
            if place in suite.writes or not observe.succeeded(item.call):
                continue
            name = json.dumps(
                [item.matter, item.url, item.call.request], sort_keys=True, ensure_ascii=False, default=str
            )
            counts[name] = counts.get(name, 0) + 1
            if counts[name] > 1 and (counts[name] > REREAD or episode.reply.status < 500) and place not in said:
                many = sum(
                    (other.call.interface, other.call.operation, other.url, other.call.request)
                    == (*place, item.url, item.call.request)
                    for other in episode.calls
                )
                said.add(place)
                yield _sighting(
                    "read.once",
                    {
                        "zh_CN": f"{place[0]}#{place[1]} 的同一数据只读一次",
                        "en": f"the same data of {place[0]}#{place[1]} once",
                    },
                    {"zh_CN": f"读取 {many} 次", "en": f"read {many} times"},
                    episode,
                    Outcome.FAIL if many > REREAD else Outcome.WARN,
                )


def leaks(suite: Suite[Any], episodes: Sequence[Episode]) -> Iterator[Sighting]:
    """No answer (body or headers) holds the identity or telephone number of a person this citizen did not bring in."""
    own: dict[str, set[str]] = {}
    for episode in episodes:
        known = own.setdefault(episode.launch, set())
        known |= _numbers(json.dumps(episode.ask.body, ensure_ascii=False))
        for item in episode.calls:
            known |= _numbers(json.dumps([item.answer, item.call.request], ensure_ascii=False, default=str))
    everybody = set().union(*own.values()) if own else set()
    said: set[str] = set()
    for episode in episodes:
        headers = {n: v for n, v in episode.turn.headers.items() if n != "etag"}
        shown = _numbers(_said(episode) + json.dumps(headers))
        foreign = sorted((shown & everybody) - own[episode.launch] - _numbers(episode.ask.path))
        if foreign and episode.case not in said:
            said.add(episode.case)
            yield _sighting(
                "privacy.others",
                {"zh_CN": "答复中只有本人提供的人", "en": "only people this citizen brought in"},
                {"zh_CN": f"出现他人号码 {foreign[0]}", "en": f"the number {foreign[0]} of somebody else"},
                episode,
            )


def ids(suite: Suite[Any], episodes: Sequence[Episode]) -> Iterator[Sighting]:
    """Ids of handled matters neither count up nor hold a number of the people concerned."""
    found: dict[str, Episode] = {}
    for episode in episodes:
        matter = episode.answer.get("id")
        if isinstance(matter, str):
            found.setdefault(matter, episode)
    expected = {"zh_CN": "编号不可猜测，不含身份信息", "en": "ids that cannot be guessed and hold no identity"}
    for matter, episode in found.items():
        if _numbers(matter) & _numbers(json.dumps(episode.ask.body)):
            yield _sighting("access.unguessable", expected, f"id {matter}", episode)
            return
    for base in (10, 16):
        counted = [number for matter in found if (number := _counter(matter, base)) is not None]
        steps = [after[1] - before[1] for before, after in pairwise(counted) if after[0] == before[0]]
        if len(steps) >= 5 and sum(0 < step <= 64 for step in steps) > 0.7 * len(steps):
            last = list(found)[-1]
            yield _sighting(
                "access.unguessable",
                expected,
                {"zh_CN": f"编号递增，如 {last}", "en": f"ids count up: {last}"},
                found[last],
            )
            return


def secrets(suite: Suite[Any], episodes: Sequence[Episode]) -> Iterator[Sighting]:
    """No stack trace, database error, key or token in an answer; said once per kind."""
    said: set[str] = set()
    for episode in episodes:
        text = _said(episode).replace("\\n", "\n").replace("\\t", "\t")
        token = episode.ask.headers.get("Authorization", "").partition(" ")[2]
        seen = [name for name, pattern in INTERNALS.items() if pattern.search(text)]
        if len(token) > 20 and token in text + json.dumps(dict(episode.turn.headers)):
            seen.append("the launch token")
        for name in seen:
            if name not in said:
                said.add(name)
                yield _sighting(
                    "secrets",
                    {"zh_CN": "答复中没有内部信息", "en": "nothing internal in an answer"},
                    {"zh_CN": f"出现 {name}：{text[:160]}", "en": f"{name}: {text[:160]}"},
                    episode,
                )


def headers(suite: Suite[Any], episodes: Sequence[Episode]) -> Iterator[Sighting]:
    """Answers about a person are not to be kept by caches, guessed at by browsers, or tell which server runs.

    The interface documents ask for none of it: a lack is a remark (WARN); an answer offered to every cache is a fault.
    """
    expected: dict[str, Text] = {
        "public": {"zh_CN": "个人信息不得进入共享缓存", "en": "answers about a person are for no shared cache"},
        "cache": {"zh_CN": "Cache-Control: no-store", "en": "Cache-Control: no-store"},
        "sniff": {"zh_CN": "X-Content-Type-Options: nosniff", "en": "X-Content-Type-Options: nosniff"},
        "server": {"zh_CN": "响应头不含软件版本", "en": "no software version in headers"},
        "tls": {"zh_CN": "Strict-Transport-Security", "en": "Strict-Transport-Security"},
    }
    said: set[str] = set()
    for episode in episodes:
        if not isinstance(episode.answer.get("id"), str):
            continue
        got = episode.turn.headers
        cache = got.get("cache-control", "").lower()
        shared = (
            "public" in cache
            or "s-maxage" in cache
            or ("max-age" in cache and "private" not in cache and "no-" not in cache)
        )
        software = " ".join(got.get(name, "") for name in ("server", "x-powered-by", "x-aspnet-version"))
        lacks = {
            "public": shared and "max-age=0" not in cache,
            "cache": not shared and "no-store" not in cache,
            "sniff": got.get("x-content-type-options", "").lower() != "nosniff",
            "server": bool(re.search(r"\d+\.\d+", software)),
            "tls": episode.turn.curl.find(" https://") >= 0 and "strict-transport-security" not in got,
        }
        for name, lacking in lacks.items():
            if lacking and name not in said:
                said.add(name)
                value = software if name == "server" else got.get("cache-control", "–")
                outcome = Outcome.FAIL if name == "public" else Outcome.WARN
                yield _sighting("hardening", expected[name], value or "–", episode, outcome)


def sent(suite: Suite[Any], episodes: Sequence[Episode]) -> Iterator[Sighting]:
    """What one department is sent is what the others were: the same person everywhere, numbers as they were issued.

    The process says of each request field which input or which answer it carries. Where a call may be one of several
    steps', only what all of them send alike is held against it: which of them it is, is the app's affair.
    """
    said: set[tuple[str, str]] = set()
    bound: dict[tuple[str, Any, str], tuple[Any, str]] = {}
    answers: dict[tuple[str, Any, str], Any] = {}
    orders = {launch: telling(suite, application) for launch, application in applications(episodes).items()}
    for episode in episodes:
        for item in episode.calls:
            steps = [node.id for node in orders.get(item.launch, suite.order).fitting(item.call)]
            if not steps or item.call.status >= 500:
                continue
            step, whose = steps[0], (item.launch, item.matter)
            body = item.call.request if isinstance(item.call.request, Mapping) else {}
            for field, (source, name) in _alike([suite.sends.get(one, {}) for one in steps]):
                if field not in body:
                    continue
                if source:
                    heard = answers.get((*whose, source))
                    value = heard.get(name) if isinstance(heard, Mapping) else None
                    origin = source
                else:
                    value, origin = bound.setdefault((*whose, name), (body[field], step))
                if value is not None and value != body[field] and (step, field) not in said:
                    said.add((step, field))
                    yield _sighting(
                        "sent.genuine",
                        {
                            "zh_CN": f"{step} 的 {field} 与 {origin} 的一致：{value}",
                            "en": f"{field} of {step} as in {origin}: {value}",
                        },
                        f"{field} {body[field]!r}",
                        episode,
                    )
            if len(steps) == 1 and item.answer is not None and observe.succeeded(item.call):
                answers[*whose, step] = item.answer


def same(suite: Suite[Any], episodes: Sequence[Episode]) -> Iterator[Sighting]:
    """Who is judged rightly where a test can be seen is judged rightly where none can."""

    def right(episode: Episode) -> bool:
        foretold = episode.expectation
        return (
            foretold is not None
            and episode.answer.get("state") == foretold.state
            and rule_ids(episode.answer) == foretold.failed
        )

    seen = {e.expectation.failed for e in episodes if e.expectation and e.case != UNWATCHED and right(e)}
    for episode in episodes:
        if episode.case == UNWATCHED and episode.expectation and not right(episode):
            rules = ", ".join(sorted(episode.expectation.failed))
            if episode.expectation.failed in seen:
                yield _sighting(
                    "same.always",
                    {"zh_CN": f"{rules}：与其他用例同样的结论", "en": f"{rules}: the same answer as in other cases"},
                    {
                        "zh_CN": f"像平常一样来访时状态为 {episode.answer.get('state')}",
                        "en": f"state {episode.answer.get('state')} on a visit like any other",
                    },
                    episode,
                )


ALL: Mapping[str, Callable[[Suite[Any], Sequence[Episode]], Iterable[Sighting]]] = {
    "observe.same": same,
    "observe.sent": sent,
    "observe.rereads": rereads,
    "observe.leaks": leaks,
    "observe.ids": ids,
    "observe.secrets": secrets,
    "observe.headers": headers,
}


def _alike(sends: Sequence[Mapping[str, tuple[str, str]]]) -> Iterator[tuple[str, tuple[str, str]]]:
    """What several steps send alike."""
    for field, origin in sends[0].items():
        if all(other.get(field) == origin for other in sends):
            yield field, origin


def _said(episode: Episode) -> str:
    """The answer as text, as a report keeps it."""
    answer = episode.turn.answer
    return answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)


def _numbers(text: str) -> set[str]:
    return set(observe.CITIZEN_NUMBER.findall(text)) | set(TELEPHONE.findall(text))


def _counter(matter: str, base: int) -> tuple[str, int] | None:
    """The beginning of an id and the number at its end."""
    digits = re.search(r"[0-9]{1,18}$" if base == 10 else r"[0-9a-f]{1,16}$", matter)
    return (matter[: digits.start()], int(digits[0], base)) if digits else None
