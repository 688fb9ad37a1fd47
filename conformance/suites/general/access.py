"""Cases of repeated submissions and of strangers: once is once, and a matter is its owner's."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from conformance import observe
from conformance.checks import judge, quote
from conformance.stage import Stage
from conformance.suites.playing import Scripts, described, put, refused, written
from conformance.suites.world import World
from conformance.transport import Ask

scripts = Scripts[World]()


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
    ask = stage.submission(application, launch)
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(stage.transport.send, ask)
        first = stage.settled(stage.send("submitHandledMatter", ask, launch))
        second = other.result()
    calls = stage.gateway.record([launch])
    # What either set off belongs to the one matter they are about.
    own = tuple(item for item in calls if item.matter in (first.answer.get("id"), None))
    stage.episodes[-1] = first = replace(first, calls=own)
    told = second.json if isinstance(second.json, dict) else {}
    expected = {"zh_CN": "同一办件，只办理一次", "en": "one handled matter, done once"}
    if first.reply.status in (200, 201) and second.status in (200, 201) and told.get("id") != first.answer.get("id"):
        stage.problem("once", expected, f"{first.answer.get('id')} and {told.get('id')}")
    if not {first.reply.status, second.status} & {200, 201} or max(first.reply.status, second.status) >= 500:
        stage.problem("once", expected, f"HTTP {first.reply.status} and {second.status}")
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
    refused(stage, answer, 403, {"zh_CN": "未获许可的入口地址得到 403", "en": "403 for a gateway that is not allowed"})
