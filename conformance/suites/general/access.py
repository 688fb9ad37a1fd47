"""Cases of repeated submissions and of strangers: once is once, and a matter is its owner's."""

from __future__ import annotations

import hashlib
from urllib.parse import quote as escaped

from conformance import observe
from conformance.case import Outcome
from conformance.checks import judge, quote
from conformance.stage import Stage
from conformance.suites.playing import Scripts, described, put, refused, written
from conformance.suites.world import World
from conformance.transport import Ask

scripts = Scripts[World]()
FALSE_FRIENDS = ("127.0.0.1@gateway.invalid", "127.0.0.1:80@gateway.invalid", "127.0.0.1.gateway.invalid")
"""Hosts that begin like this machine's address and are others (RFC 2606: they exist nowhere)."""
TAKEN = {
    "X-Forwarded-For": "127.0.0.1",
    "X-Real-IP": "127.0.0.1",
    "X-Forwarded-User": "admin",
    "X-Remote-User": "admin",
}
"""Headers by which servers in front of an app tell it who is there."""


@scripts("once.repeat")
def repeat(stage: Stage[World]) -> None:
    application = stage.world.application(stage.case.id)
    launch = stage.launch()
    first = put(stage, application, frozenset(), launch=launch)
    again = stage.submit(application, launch)
    same = [first.answer.get(name) == again.answer.get(name) for name in ("id", "state", "result")]
    wrote = stage.suite.order.done(item.call for item in again.calls) & written(stage)
    if not all(same) or again.reply.status not in (200, 201) or wrote:
        stage.problem(
            "once",
            {
                "zh_CN": f"同一办件 {first.answer.get('id')}，不再办理",
                "en": f"the same handled matter {first.answer.get('id')}, nothing done again",
            },
            f"HTTP {again.reply.status}, id {again.answer.get('id')}, state {again.answer.get('state')!r}"
            + (f", did {', '.join(sorted(wrote))} again" if wrote else ""),
        )


@scripts("once.other-body")
def other_body(stage: Stage[World]) -> None:
    launch = stage.launch()
    application, broken = stage.world.refusable(stage.case.id)
    put(stage, application, broken, launch=launch)
    other, _ = stage.world.refusable(stage.case.id, 1)
    refused(
        stage,
        stage.submit(other, launch),
        422,
        {"zh_CN": "同一键另一内容：422", "en": "the same key with another body: 422"},
    )


@scripts("once.at-once")
def at_once(stage: Stage[World]) -> None:
    """The same submission arrives twice at one moment, as an impatient client or a proxy sends it: it is one matter."""
    application = stage.world.application(stage.case.id)
    stage.subject = described(stage, application)
    launch = stage.launch()
    both = stage.together("submitHandledMatter", stage.submission(application, launch), launch)
    first, second = [stage.settled(one) for one in both]
    calls = stage.gateway.record([launch])
    expected = {"zh_CN": "同一办件，只办理一次", "en": "one handled matter, done once"}
    told, statuses = {first.answer.get("id"), second.answer.get("id")}, (first.reply.status, second.reply.status)
    if {*statuses} <= {200, 201} and len(told) > 1:
        stage.problem("once", expected, " and ".join(sorted(map(str, told))))
    if not {*statuses} & {200, 201} or max(statuses) >= 500:
        stage.problem("once", expected, "HTTP {} and {}".format(*statuses))
    if twice := observe.doubled(calls, stage.suite.writes):
        stage.problem("once", expected, f"{twice[0].call.interface}#{twice[0].call.operation} sent under two keys")


@scripts("access.read-back")
def read_back(stage: Stage[World]) -> None:
    launch = stage.launch()
    first = put(stage, stage.world.application(stage.case.id), frozenset(), launch=launch)
    again = stage.read(str(first.answer.get("id")), launch)
    told = ("id", "state", "failed_rules", "missing", "notices", "steps", "result")
    if again.reply.status != 200 or [first.answer.get(n) for n in told] != [again.answer.get(n) for n in told]:
        stage.problem(
            "access.read-back",
            {"zh_CN": "本人读到提交时的同一办件", "en": "the owner reads what was answered on submission"},
            f"HTTP {again.reply.status} {quote(again.turn.answer)}",
        )


@scripts("access.foreign-token")
def foreign_token(stage: Stage[World]) -> None:
    first = put(stage, *stage.world.refusable(stage.case.id), name="owner")
    answer = stage.read(str(first.answer.get("id")), stage.launch("stranger"))
    refused(stage, answer, 404, {"zh_CN": "他人令牌得到 404", "en": "404 for any other token"})
    unknown = stage.read("hm-" + hashlib.sha256(stage.seed.encode()).hexdigest()[:32], stage.launch("third"))
    refused(stage, unknown, 404, {"zh_CN": "不存在的办件得到 404", "en": "404 for a matter that does not exist"})


@scripts("access.foreign-resumption")
def foreign_resumption(stage: Stage[World]) -> None:
    first = put(stage, *stage.world.refusable(stage.case.id), name="owner")
    launch = stage.launch("stranger")
    path = stage.path("resumeHandledMatter").replace("{id}", str(first.answer.get("id")))
    answer = stage.send("resumeHandledMatter", Ask("POST", path, stage.headers(launch)), launch)
    refused(stage, answer, 404, {"zh_CN": "他人令牌得到 404", "en": "404 for any other token"})


@scripts("access.same-key")
def same_key(stage: Stage[World]) -> None:
    world, label = stage.world, stage.case.id
    key = stage.key("shared")
    first = put(stage, *world.refusable(label), name="owner", key=key)
    other, _ = world.refusable(f"{label}/other", 1)
    second = stage.submit(other, stage.launch("stranger"), key=key, expectation=world.expect(other))
    if judge(stage, second) and second.answer.get("id") == first.answer.get("id"):
        stage.problem(
            "access.owner",
            {"zh_CN": "他人的申请是另一办件", "en": "another citizen's application is another handled matter"},
            f"both are {first.answer.get('id')}",
        )


@scripts("access.no-token")
def no_token(stage: Stage[World]) -> None:
    application, broken = stage.world.refusable(stage.case.id)
    first = put(stage, application, broken)
    expected = {"zh_CN": "没有令牌得到 401", "en": "401 without a token"}
    refused(stage, stage.read(str(first.answer.get("id")), None), 401, expected)
    ask = Ask("POST", stage.path("submitHandledMatter"), stage.headers(None, stage.key("nobody")), application)
    refused(stage, stage.send("submitHandledMatter", ask, ""), 401, expected)


@scripts("access.gateway")
def foreign_gateway(stage: Stage[World]) -> None:
    """The address is of a documentation network (RFC 5737): nothing can be there."""
    launch = stage.launch()
    headers = stage.headers(launch, stage.key()) | {"Tongban-Gateway": "http://192.0.2.17:8600/gateway"}
    application = stage.world.application(stage.case.id)
    stage.subject = described(stage, application)
    ask = Ask("POST", stage.path("submitHandledMatter"), headers, application)
    answer = stage.send("submitHandledMatter", ask, launch)
    expected = {"zh_CN": "未获许可的入口地址得到 403", "en": "403 for a gateway that is not allowed"}
    refused(stage, answer, 403, expected)
    # Who compares the beginning of the address only lets these in. The interface document speaks of no more than that.
    for number, address in enumerate(FALSE_FRIENDS):
        other = headers | {"Tongban-Gateway": f"http://{address}/gateway", "Idempotency-Key": stage.key(str(number))}
        answer = stage.attempt(Ask("POST", ask.path, other, application), launch)
        if answer.reply.status in (200, 201, 502):
            got = f"{address}: HTTP {answer.reply.status}"
            stage.problem("refused", expected, got, outcome=Outcome.WARN)


@scripts("access.smuggled")
def smuggled(stage: Stage[World]) -> None:
    """A stranger with a good token of their own tries to get past the check: other spellings of the address, and what
    a server in front of the app may take for the address, the method or the citizen."""
    first = put(stage, *stage.world.refusable(stage.case.id), name="owner")
    owner, stranger = f"{stage.case.id}/owner", stage.launch("stranger")
    matter, key = str(first.answer.get("id")), first.ask.headers["Idempotency-Key"]
    place = stage.path("submitHandledMatter")
    path = stage.path("getHandledMatter").replace("{id}", escaped(matter, safe=""))
    own = stage.headers(stranger)
    spelt = f"/%{ord(path[1]):02X}{path[2:]}"
    ways = (f"{path}/", f"{path}?id={matter}", f"{place}//{matter}", spelt, f"{path}%2Ejson", f"{path};a=b")
    both = {"X-Original-URL": path, "X-Rewrite-URL": path}
    keyed = {"Idempotency-Key": key}
    asks = [
        *(Ask("GET", way, own) for way in ways),
        *(Ask("GET", path, own | {name: value}) for name, value in TAKEN.items()),
        Ask("GET", path, own | keyed),
        Ask("GET", path, own | {"Tongban-Handled-Matter": matter}),
        Ask("GET", f"{place}?id={matter}", own),
        Ask("GET", place, own | both),
        Ask("GET", "/health", own | both),
        Ask("HEAD", path, own),
        Ask("GET", f"{path}/", stage.headers(None)),
        Ask("POST", path, own | keyed | {"X-HTTP-Method-Override": "GET"}, {}),
        Ask("POST", f"{path}/resumption/", own | keyed),
        Ask("POST", f"{path}/resumption?id={matter}", own | keyed),
    ]
    for ask in asks:
        answer = stage.attempt(ask, stranger)
        if 200 <= answer.reply.status < 300 and (answer.answer.get("id") == matter or ask.method == "HEAD"):
            more = [name for name in ask.headers if name not in own]
            stage.problem(
                "refused",
                {"zh_CN": "他人得不到办件", "en": "nobody else gets the handled matter"},
                f"{ask.method} {ask.path} {' '.join(more)}: HTTP {answer.reply.status} {quote(answer.turn.answer)}",
            )
    again = stage.read(matter, owner)
    if again.reply.status != 200 or again.answer.get("state") != first.answer.get("state"):
        stage.problem(
            "access.touched",
            {"zh_CN": "他人不得改变办件", "en": "nobody else changes the handled matter"},
            f"HTTP {again.reply.status} {quote(again.turn.answer)}",
        )
