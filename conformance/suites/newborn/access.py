"""Cases of repeated submissions and of strangers: once is once, and a matter is its owner's."""

from __future__ import annotations

import copy
import hashlib

from conformance.checks import judge, quote
from conformance.stage import Stage
from conformance.suites.newborn.play import late, put, refused, script, written
from conformance.suites.newborn.world import Newborn, subject
from conformance.transport import Ask


@script("once.repeat")
def repeat(stage: Stage[Newborn]) -> None:
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


@script("once.other-body")
def other_body(stage: Stage[Newborn]) -> None:
    world, label = stage.world, stage.case.id
    launch = stage.launch()
    old = world.application(label, born=world.days_old(900))
    put(stage, old, frozenset({"E2"}), launch=launch)
    other = copy.deepcopy(old)
    other["newborn"]["CSRQ"] = world.days_old(901).isoformat()
    refused(
        stage,
        stage.submit(other, launch),
        422,
        {"zh_CN": "同一键另一内容：422", "en": "the same key with another body: 422"},
    )


@script("access.read-back")
def read_back(stage: Stage[Newborn]) -> None:
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


@script("access.foreign-token")
def foreign_token(stage: Stage[Newborn]) -> None:
    first = put(stage, late(stage), frozenset({"E2"}), name="owner")
    answer = stage.read(str(first.answer.get("id")), stage.launch("stranger"))
    refused(stage, answer, 404, {"zh_CN": "他人令牌得到 404", "en": "404 for any other token"})
    unknown = stage.read("hm-" + hashlib.sha256(stage.seed.encode()).hexdigest()[:32], stage.launch("third"))
    refused(stage, unknown, 404, {"zh_CN": "不存在的办件得到 404", "en": "404 for a matter that does not exist"})


@script("access.foreign-resumption")
def foreign_resumption(stage: Stage[Newborn]) -> None:
    first = put(stage, late(stage), frozenset({"E2"}), name="owner")
    launch = stage.launch("stranger")
    path = stage.path("resumeHandledMatter").replace("{id}", str(first.answer.get("id")))
    answer = stage.send("resumeHandledMatter", Ask("POST", path, stage.headers(launch)), launch)
    refused(stage, answer, 404, {"zh_CN": "他人令牌得到 404", "en": "404 for any other token"})


@script("access.same-key")
def same_key(stage: Stage[Newborn]) -> None:
    world, label = stage.world, stage.case.id
    key = stage.key("shared")
    first = put(stage, world.application(label, born=world.days_old(900)), frozenset({"E2"}), name="owner", key=key)
    other = world.application(f"{label}/other", born=world.days_old(901))
    second = stage.submit(other, stage.launch("stranger"), key=key, expectation=world.expect(other))
    if judge(stage, second) and second.answer.get("id") == first.answer.get("id"):
        stage.problem(
            "access.owner",
            {"zh_CN": "他人的申请是另一办件", "en": "another citizen's application is another handled matter"},
            f"both are {first.answer.get('id')}",
        )


@script("access.no-token")
def no_token(stage: Stage[Newborn]) -> None:
    first = put(stage, late(stage), frozenset({"E2"}))
    expected = {"zh_CN": "没有令牌得到 401", "en": "401 without a token"}
    refused(stage, stage.read(str(first.answer.get("id")), None), 401, expected)
    ask = Ask("POST", stage.path("submitHandledMatter"), stage.headers(None, stage.key("nobody")), late(stage))
    refused(stage, stage.send("submitHandledMatter", ask, ""), 401, expected)


@script("access.gateway")
def foreign_gateway(stage: Stage[Newborn]) -> None:
    """The address is of a documentation network (RFC 5737): nothing can be there."""
    launch = stage.launch()
    headers = stage.headers(launch, stage.key()) | {"Tongban-Gateway": "http://192.0.2.17:8600/gateway"}
    application = stage.world.application(stage.case.id)
    stage.subject = subject(application)
    ask = Ask("POST", stage.path("submitHandledMatter"), headers, application)
    answer = stage.send("submitHandledMatter", ask, launch)
    refused(stage, answer, 403, {"zh_CN": "未获许可的入口地址得到 403", "en": "403 for a gateway that is not allowed"})
