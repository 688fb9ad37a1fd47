"""The newborn suite: how each case is played. What is expected follows from the published rules and the data."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib.resources import files
from typing import Any

import yaml

from conformance.case import Case, Kind, Outcome, Requirement, Text
from conformance.checks import judge, quote, rule_ids, shown_steps
from conformance.expressions import months_after
from conformance.fuzz import Class, fuzz
from conformance.oracle import COMPLETED, Expectation, OracleError, rules, text
from conformance.stage import Episode, Stage
from conformance.suites import observations
from conformance.suites.newborn_world import Newborn, subject
from conformance.suites.suite import Suite
from conformance.transport import Ask
from conformance.workflow import Order
from specs import library
from specs.model import Kind as InterfaceKind

Script = Callable[[Stage[Newborn]], None]
SCRIPTS: dict[str, Script] = {}
CARD = "human-resources.social-security-cards"
REGISTRATION = "police.birth-registrations"
CERTIFICATES = "health.birth-certificates"
HOUSEHOLDS = "police.households"


def script(*cases: str) -> Callable[[Script], Script]:
    """Play these cases with the function; it sees on its stage which one."""

    def register(function: Script) -> Script:
        for case in cases:
            SCRIPTS[case] = function
        return function

    return register


# -- one application, one answer ---------------------------------------------------------------------------


def put(
    stage: Stage[Newborn],
    application: Mapping[str, Any],
    intended: frozenset[str] | None,
    *,
    name: str = "citizen",
    launch: str | None = None,
    key: str | None = None,
    what: Text | None = None,
) -> Episode:
    """Submit an application and hold the answer against what follows from the data.

    `intended` are the rules the case means to break: when the oracle sees others the subject is wrong, which is
    our error and not the app's.
    """
    expectation = stage.world.expect(application)
    if intended is not None and expectation.failed != intended:
        raise OracleError(
            f"the subject was to break {sorted(intended) or 'nothing'}, but breaks {sorted(expectation.failed)}"
        )
    stage.subject = stage.subject or subject(application, what)
    launch = launch or stage.launch(name)
    episode = stage.submit(application, launch, key=key, expectation=expectation)
    if not judge(stage, episode) and intended and not intended & rule_ids(episode.answer):
        stage.world.ignored |= intended
    return episode


def rule_of(stage: Stage[Newborn]) -> frozenset[str]:
    """The rule a case is called after: `E3.divorced` → E3."""
    return frozenset({stage.case.id.split(".")[0]})


@script("complete.father")
def joins_father(stage: Stage[Newborn]) -> None:
    put(stage, stage.world.application(stage.case.id), frozenset())


@script("complete.mother")
def joins_mother(stage: Stage[Newborn]) -> None:
    put(stage, stage.world.application(stage.case.id, follow="mother"), frozenset())


@script("complete.required-only", "complete.some")
def chosen(stage: Stage[Newborn]) -> None:
    services = ["N6"] if stage.case.id == "complete.some" else []
    episode = put(stage, stage.world.application(stage.case.id, services=services), frozenset())
    skipped = set(stage.suite.optional) - set(services)
    done = stage.suite.order.done(item.call for item in episode.calls) & skipped
    if done:
        stage.problem(
            "choice",
            {"zh_CN": f"未选办的 {', '.join(sorted(skipped))} 不办理", "en": f"{', '.join(sorted(skipped))} not done"},
            f"{', '.join(sorted(done))} was done without being wanted",
        )


@script("complete.twins")
def twins(stage: Stage[Newborn]) -> None:
    world, label = stage.world, stage.case.id
    born = world.days_old(9)
    first = world.application(label, name="first", born=born, order=1)
    second = world.application(label, name="second", born=born, order=2)
    second["newborn"]["JGDM"] = first["newborn"]["JGDM"]
    put(stage, first, frozenset(), name="first")
    put(stage, second, frozenset(), name="second")


@script("E1.no-power")
def no_power(stage: Stage[Newborn]) -> None:
    world, label = stage.world, stage.case.id
    institution = world.institution(label, world.families[label].province, power=False)
    put(stage, world.application(label, institution=institution), rule_of(stage))


@script("E1.unknown-institution")
def unknown_institution(stage: Stage[Newborn]) -> None:
    world, label = stage.world, stage.case.id
    put(stage, world.application(label, institution=world.no_institution(label)), rule_of(stage))


@script("E1.second-certificate")
def second_certificate(stage: Stage[Newborn]) -> None:
    application = stage.world.application(stage.case.id)
    put(stage, application, frozenset(), name="first")
    again = {**application, "follow": "mother"}
    rule = next(rule for rule in stage.suite.rules if rule.id == "E1")
    expectation = Expectation(
        state=rule.outcome,
        why={
            "zh_CN": f"该新生儿已经签发过出生医学证明（{rule.law['zh_CN']}）",
            "en": f"a birth certificate has been issued for this newborn already ({rule.law['en']})",
        },
        failed=frozenset({"E1"}),
    )
    episode = stage.submit(again, stage.launch("second"), expectation=expectation)
    judge(stage, episode)


@script("E2.born-today", "E2.last-day", "E2.exactly-one-year", "E2.over", "E2.future")
def age(stage: Stage[Newborn]) -> None:
    world, case = stage.world, stage.case.id
    limit = int(stage.suite.settings["E2_limit_months"])
    ago = months_after(world.today, -limit)
    born = {
        "E2.born-today": world.today,
        "E2.last-day": world.days_old((world.today - ago).days - 1),
        "E2.exactly-one-year": ago,
        "E2.over": world.days_old((world.today - ago).days + 40),
        "E2.future": world.days_old(-1),
    }[case]
    label = case if case in ("E2.born-today", "E2.future") else "E2"
    accepted = case in ("E2.born-today", "E2.last-day")
    put(stage, world.application(label, name=case, born=born), frozenset() if accepted else rule_of(stage))


@script("E3.strangers", "E3.divorced", "E4.mother-elsewhere", "E4.father-elsewhere")
def parents(stage: Stage[Newborn]) -> None:
    put(stage, stage.world.application(stage.case.id), rule_of(stage))


@script("E4.institution-elsewhere")
def institution_elsewhere(stage: Stage[Newborn]) -> None:
    world, label = stage.world, stage.case.id
    institution = world.institution(label, world.families[label].province, elsewhere=True)
    put(stage, world.application(label, institution=institution), rule_of(stage))


@script("E5.collective", "E5.other-parent")
def household(stage: Stage[Newborn]) -> None:
    collective = stage.case.id == "E5.collective"
    # The second child of a delivery, so that an app that accepts the first is not tripped by the certificate.
    application = stage.world.application(
        "E5", name=stage.case.id, follow="father" if collective else "mother", order=1 if collective else 2
    )
    put(stage, application, rule_of(stage) if collective else frozenset())


@script("E6.in-time", "E6.late")
def declared(stage: Stage[Newborn]) -> None:
    world, late = stage.world, stage.case.id == "E6.late"
    born = months_after(world.today, -1)
    application = world.application(stage.case.id, born=world.days_old((world.today - born).days + late))
    if ("E6" in world.expect(application).notices) is not late:
        raise OracleError("the birth date does not lie on the boundary of E6")
    put(stage, application, frozenset())


@script("X1.mother-name", "X1.father-name", "X2.mother-unknown", "X2.father-unknown")
def mismatch(stage: Stage[Newborn]) -> None:
    world, case = stage.world, stage.case.id
    application = world.application(case)
    role = case.split(".")[1].split("-")[0]
    parent = application[role]
    if case.startswith("X1"):
        other = "".join("晔琪"[letter == "晔"] for letter in parent["XM"][-1])
        parent["XM"] = parent["XM"][:-1] + other
    else:
        parent["GMSFHM"] = world.nobodys(parent["GMSFHM"])
    put(stage, application, rule_of(stage))


@script("C31.absent", "C31.refused")
def consent(stage: Stage[Newborn]) -> None:
    application = stage.world.application("C31")
    if stage.case.id == "C31.absent":
        del application["guardian_consent"]
    else:
        application["guardian_consent"] = False
    put(stage, application, rule_of(stage))


@script("M1.parents", "M1.one-number", "M1.everything")
def gaps(stage: Stage[Newborn]) -> None:
    application = stage.world.application("M1")
    if stage.case.id == "M1.parents":
        del application["mother"], application["father"]
    elif stage.case.id == "M1.one-number":
        del application["father"]["GMSFHM"]
    else:
        application = {}
    put(stage, application, rule_of(stage) | ({"C31"} if not application else set()))


@script("notice.all-rules")
def all_rules(stage: Stage[Newborn]) -> None:
    """Three rules fail at once. A rule the app ignores altogether is the fault of that rule's own case."""
    world, label = stage.world, stage.case.id
    application = world.application(label, born=world.days_old(800))
    expectation = world.expect(application)
    if expectation.failed != {"E2", "E3", "E4"}:
        raise OracleError(f"the subject breaks {sorted(expectation.failed)}")
    stage.subject = subject(application)
    episode = stage.submit(application, stage.launch(), expectation=expectation)
    excused = expectation.failed & world.ignored - rule_ids(episode.answer)
    judge(stage, replace(episode, expectation=replace(expectation, failed=expectation.failed - excused)))


@script("facts.irrelevant")
def irrelevant(stage: Stage[Newborn]) -> None:
    """Two children of the same unmarried parents: another applicant, name, sex and hour, the same answer.

    Only the two answers are compared; whether they are right is the case of the rule itself.
    """
    world, label = stage.world, stage.case.id
    first = world.application(label, name="first", order=1)
    changed = copy.deepcopy(first)
    other = "mother" if first["applicant"]["GMSFHM"] == first["father"]["GMSFHM"] else "father"
    changed["applicant"] = {**first[other], "LXDH": first["applicant"]["LXDH"][:-2] + "07"}
    changed["newborn"] |= {"XM": first["newborn"]["XM"] + "安", "CSSJ": "11:11", "XBDM": "2", "CSSX": 2}
    stage.subject = subject(first)
    if world.expect(first).failed != world.expect(changed).failed:
        raise OracleError("the changed fact is not irrelevant")
    told = []
    for name, application in (("first", first), ("second", changed)):
        episode = stage.submit(application, stage.launch(name), expectation=world.expect(application))
        told.append((episode.reply.status, episode.answer.get("state"), rule_ids(episode.answer)))
    if told[0] != told[1]:
        stage.problem(
            "facts.decide",
            {
                "zh_CN": "改变申请人、电话、姓名和时辰，结论不变",
                "en": "another applicant, name and hour: the same answer",
            },
            " / ".join(f"HTTP {status} {state} {sorted(rules)}" for status, state, rules in told),
        )


# -- departments that fail ---------------------------------------------------------------------------------


def broken_down(stage: Stage[Newborn], label: str, down: str, failed: str) -> tuple[Episode, str]:
    """Apply while a department is down, and judge the half-finished answer."""
    application = stage.world.application(label)
    if stage.world.expect(application).failed:
        raise OracleError("the subject of a fault case is not eligible")
    stage.subject = stage.subject or subject(application)
    launch = stage.launch("citizen", down=[down])
    episode = stage.submit(application, launch)
    lost = {failed} | stage.suite.order.downstream(failed)
    kept = [step for step in stage.suite.order.sequence() if step not in lost]
    state, done = episode.answer.get("state"), stage.suite.order.done(item.call for item in episode.calls)
    if state != "partially_completed":
        swallowed = state == COMPLETED
        stage.problem(
            "fault.state",
            {
                "zh_CN": f"{failed} 的部门故障：状态 partially_completed，其余步骤办结",
                "en": f"the department of {failed} is down: partially_completed, the other steps done",
            },
            f"HTTP {episode.reply.status}, state {state!r}" + (", though a step failed" if swallowed else ""),
            requirements=("honest.outage",) if swallowed or not done & _written(stage) else ("keep.finished",),
        )
        return episode, launch
    shown = shown_steps(episode)
    written = _written(stage)
    wrong = [s for s in kept if shown.get(s) != "done" or (s in written and s not in done)]
    if wrong:
        stage.problem(
            "fault.kept",
            {"zh_CN": f"不依赖 {failed} 的步骤办结并保留", "en": f"steps that do not need {failed} are done and kept"},
            ", ".join(f"{s} {shown.get(s)!r}" for s in wrong),
            requirements=("keep.finished",),
        )
    lying = {s: shown.get(s) for s in sorted(lost) if s not in done}
    expected = {s: "failed" if s == failed else "pending" for s in lying}
    if lying != expected:
        stage.problem(
            "fault.shown",
            {"zh_CN": f"各步状态 {expected}", "en": f"step states {expected}"},
            f"step states {lying}",
            requirements=("honest.outage",),
        )
    result = episode.answer.get("result")
    missing = sorted(_results_of(stage, kept) - set(result if isinstance(result, dict) else {}))
    if missing and not wrong:
        stage.problem(
            "fault.results",
            {"zh_CN": "已办结步骤的结果保留", "en": "the results of finished steps are kept"},
            f"{', '.join(missing)} lost",
            requirements=("keep.finished",),
        )
    return episode, launch


@script("fault.branch")
def branch(stage: Stage[Newborn]) -> None:
    broken_down(stage, stage.case.id, CARD, "N6")


@script("fault.trunk")
def trunk(stage: Stage[Newborn]) -> None:
    broken_down(stage, stage.case.id, REGISTRATION, "N3")


@script("fault.resume")
def resume(stage: Stage[Newborn]) -> None:
    episode, launch = broken_down(stage, stage.case.id, REGISTRATION, "N3")
    matter = episode.answer.get("id")
    if stage.problems or not isinstance(matter, str):
        return
    stage.gateway.restore(launch)
    path = stage.path("resumeHandledMatter").replace("{id}", matter)
    again = stage.send("resumeHandledMatter", Ask("POST", path, stage.headers(launch)), launch)
    if again.answer.get("state") != COMPLETED:
        stage.problem(
            "resume",
            {"zh_CN": "部门恢复后办结", "en": "completed once the department is back"},
            f"HTTP {again.reply.status} {quote(again.turn.answer)}",
            requirements=("resume",),
        )
    done = stage.suite.order.done(item.call for item in episode.calls) & _written(stage)
    repeated = sorted(
        node.id
        for item in again.calls
        for node in stage.suite.order.steps(item.call.interface, item.call.operation)
        if node.id in done
    )
    if repeated:
        stage.problem(
            "resume.repeats",
            {"zh_CN": "已办结的步骤不再调用", "en": "finished steps are not called again"},
            f"called again: {', '.join(repeated)}",
            requirements=("keep.finished",),
        )


@script("fault.check", "fault.first-write")
def nothing_known(stage: Stage[Newborn]) -> None:
    """A department without which nothing can be decided or begun is down; afterwards the same key must work."""
    check = stage.case.id == "fault.check"
    application = stage.world.application(stage.case.id)
    stage.subject = subject(application)
    launch = stage.launch("citizen", down=[HOUSEHOLDS if check else f"{CERTIFICATES}#issueBirthCertificate"])
    first = stage.submit(application, launch)
    wrote = stage.suite.order.done(item.call for item in first.calls) & _written(stage)
    if first.reply.status != 502 or wrote:
        stage.problem(
            "fault.nothing-done",
            {"zh_CN": "部门故障且未办理任何事项：502", "en": "a department is down and nothing was done: 502"},
            f"HTTP {first.reply.status} {quote(first.turn.answer)}" + (f", but did {sorted(wrote)}" if wrote else ""),
        )
        return
    stage.gateway.restore(launch)
    put(stage, application, frozenset(), launch=launch)


# -- repeats and strangers ---------------------------------------------------------------------------------


@script("once.repeat")
def repeat(stage: Stage[Newborn]) -> None:
    application = stage.world.application(stage.case.id)
    launch = stage.launch()
    first = put(stage, application, frozenset(), launch=launch)
    again = stage.submit(application, launch)
    same = [first.answer.get(name) == again.answer.get(name) for name in ("id", "state", "result")]
    wrote = stage.suite.order.done(item.call for item in again.calls) & _written(stage)
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
    first = put(stage, _late(stage), frozenset({"E2"}), name="owner")
    answer = stage.read(str(first.answer.get("id")), stage.launch("stranger"))
    refused(stage, answer, 404, {"zh_CN": "他人令牌得到 404", "en": "404 for any other token"})
    unknown = stage.read("hm-" + stage.key("unknown").replace("-", ""), stage.launch("third"))
    refused(stage, unknown, 404, {"zh_CN": "不存在的办件得到 404", "en": "404 for a matter that does not exist"})


@script("access.foreign-resumption")
def foreign_resumption(stage: Stage[Newborn]) -> None:
    first = put(stage, _late(stage), frozenset({"E2"}), name="owner")
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
    first = put(stage, _late(stage), frozenset({"E2"}))
    expected = {"zh_CN": "没有令牌得到 401", "en": "401 without a token"}
    refused(stage, stage.read(str(first.answer.get("id")), None), 401, expected)
    ask = Ask("POST", stage.path("submitHandledMatter"), stage.headers(None, stage.key("nobody")), _late(stage))
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


# -- requests out of form ----------------------------------------------------------------------------------


@script("input.types")
def types(stage: Stage[Newborn]) -> None:
    application = stage.world.application("input")
    application["newborn"]["XM"] = 5
    application["follow"] = "nobody"
    application["guardian_consent"] = "yes"
    wanted = {"/newborn/XM", "/follow", "/guardian_consent"}
    episode = stage.submit(application, stage.launch())
    if refused(stage, episode, 422, {"zh_CN": "格式错误：422", "en": "values of a wrong type: 422"}):
        errors = episode.answer.get("errors")
        told = {e.get("pointer") for e in errors if isinstance(e, dict)} if isinstance(errors, list) else set()
        if told != wanted:
            stage.problem(
                "input.pointers",
                {"zh_CN": f"errors 列出 {sorted(wanted)}", "en": f"errors list {sorted(wanted)}"},
                f"errors list {sorted(map(str, told))}",
            )


@script("input.extra")
def extra(stage: Stage[Newborn]) -> None:
    application = {**stage.world.application("input"), "state": COMPLETED, "result": {"GMSFHM": "1"}}
    expected = {"zh_CN": "未定义的字段：422", "en": "fields the interface does not know: 422"}
    refused(stage, stage.submit(application, stage.launch()), 422, expected)


@script("input.broken")
def broken(stage: Stage[Newborn]) -> None:
    launch = stage.launch()
    headers = stage.headers(launch, stage.key())
    ask = Ask("POST", stage.path("submitHandledMatter"), headers, raw=b'{"newborn": {"XM": ')
    answer = stage.send("submitHandledMatter", ask, launch)
    refused(
        stage, answer, 400, {"zh_CN": "无法解析的请求：400", "en": "a request that cannot be parsed: 400"}, also=422
    )


@script("input.no-key")
def no_key(stage: Stage[Newborn]) -> None:
    launch = stage.launch()
    ask = Ask("POST", stage.path("submitHandledMatter"), stage.headers(launch), stage.world.application("input"))
    answer = stage.send("submitHandledMatter", ask, launch)
    refused(stage, answer, 400, {"zh_CN": "缺少幂等键：400", "en": "no idempotency key: 400"}, also=422)


@script("fuzz")
def odd_input(stage: Stage[Newborn]) -> None:
    """A bounded round of the fuzzing engine; what it finds is classified before it counts."""
    launch = stage.launch()
    headers = stage.headers(launch)
    seed = int(hashlib.sha256(stage.seed.encode()).hexdigest()[:8], 16)
    for finding in fuzz(stage.suite.app.document.text, stage.transport.url, headers, seed=seed):
        if finding.kind is Class.NOISE:
            continue
        stage.problem(
            f"fuzz.{finding.check}",
            {"zh_CN": f"{finding.operation}：合规的答复", "en": f"{finding.operation}: an orderly answer"},
            f"{finding.title} (HTTP {finding.status}): {finding.message.splitlines()[0] if finding.message else ''}"
            f" — {finding.curl}",
            outcome=Outcome.FAIL if finding.kind is Class.DEFECT else Outcome.WARN,
        )


def refused(stage: Stage[Newborn], episode: Episode, status: int, expected: Text, also: int | None = None) -> bool:
    """Whether a request was turned down as documented, without asking any department."""
    wrong = episode.reply.status not in (status, also)
    asked = [item.call for item in episode.calls]
    if wrong or asked:
        got = f"HTTP {episode.reply.status} {quote(episode.turn.answer)}"
        stage.problem(
            "refused",
            expected,
            got + (f", and called {asked[0].interface}#{asked[0].operation}" if asked else ""),
        )
    return not (wrong or asked)


def _late(stage: Stage[Newborn]) -> dict[str, Any]:
    """An application that is refused after the checks: quick, and leaves nothing behind."""
    return stage.world.application(stage.case.id, name="late", born=stage.world.days_old(900))


def _written(stage: Stage[Newborn]) -> frozenset[str]:
    nodes = stage.suite.order.nodes.values()
    return frozenset(node.id for node in nodes if (node.interface, node.operation) in stage.suite.writes)


def _results_of(stage: Stage[Newborn], steps: list[str]) -> set[str]:
    return {name for name, (step, _) in stage.suite.results.items() if step in steps}


# -- the suite itself --------------------------------------------------------------------------------------


def load() -> Suite[Newborn]:
    """The newborn suite from the shipped library; raises `OracleError` when the two do not fit together."""
    matter = library.matter("newborn")
    data = (files("conformance") / "suites" / "newborn.yaml").read_bytes()
    document = yaml.safe_load(data)
    found = rules(matter.rules)
    requirements = [rule.requirement for rule in found]
    requirements += [Requirement(e["id"], text(e["title"]), text(e["law"])) for e in document["requirements"]]
    cases = tuple(_case(entry) for entry in document["cases"])
    played = SCRIPTS
    for case in cases:
        if case.id not in played and case.id not in observations.ALL:
            raise OracleError(f"case {case.id} has neither script nor observation")
        for name in case.requirements:
            if name not in {requirement.id for requirement in requirements}:
                raise OracleError(f"case {case.id} verifies {name}, which nothing demands")
    apis = {i: interface for i, interface in library.interfaces().items() if interface.kind is InterfaceKind.API}
    return Suite(
        name="newborn",
        version=str(document["version"]),
        title=text(matter.title),
        app=matter.interface,
        order=Order.of(matter.process),
        departments=apis,
        needs=matter.needs,
        writes=frozenset((step.interface, step.operation) for step in matter.steps if step.writes),
        optional=tuple(step.id for step in matter.steps if not step.required),
        results=_results(matter),
        rules=found,
        stages=tuple(tuple(stage["rules"]) for stage in matter.interface.extensions["x-rule-stages"]),
        settings=matter.settings,
        requirements=tuple(requirements),
        cases=cases,
        scripts={case.id: played[case.id] for case in cases if case.id in played},
        observations={case.id: observations.ALL[case.id] for case in cases if case.id in observations.ALL},
        world=Newborn,
        documents={
            f"suite:newborn@{document['version']}": hashlib.sha256(data).hexdigest(),
            f"interface:{matter.interface.id}": matter.interface.digest,
            f"process:{matter.process.id}": matter.process.digest,
            **{f"interface:{name}": interface.digest for name, interface in matter.interfaces.items()},
        },
    )


def _case(entry: Mapping[str, Any]) -> Case:
    return Case(
        id=entry["id"],
        title=text(entry["title"]),
        kind=Kind(entry["kind"]),
        requirements=tuple(entry["requirements"]),
        control=entry.get("control"),
        quick=entry.get("quick", True),
        every_seed=entry.get("every_seed", True),
    )


def _results(matter: library.Matter) -> dict[str, tuple[str, str]]:
    """Result name → (step, field of its answer), from the outputs of the process."""
    found: dict[str, tuple[str, str]] = {}
    for workflow in matter.process.process.workflows if matter.process.process else ():
        for name, expression in workflow.outputs.items():
            step, _, output = str(expression).removeprefix("$steps.").partition(".outputs.")
            source = str(workflow.step(step).outputs[output])
            found[name] = (step, source.rsplit("#/", 1)[-1])
    return found
