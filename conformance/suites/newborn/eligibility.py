"""Cases of who may use the joint path, with everything else right: each rule met, just met, just missed."""

from __future__ import annotations

import copy
from dataclasses import replace

from conformance.checks import judge, rule_ids
from conformance.expressions import months_after
from conformance.oracle import Expectation, OracleError
from conformance.stage import Stage
from conformance.suites.newborn.world import Newborn
from conformance.suites.playing import Scripts, described, put, rule_of

scripts = Scripts[Newborn]()


@scripts("complete.father")
def joins_father(stage: Stage[Newborn]) -> None:
    put(stage, stage.world.application(stage.case.id), frozenset())


@scripts("complete.mother")
def joins_mother(stage: Stage[Newborn]) -> None:
    put(stage, stage.world.application(stage.case.id, follow="mother"), frozenset())


@scripts("complete.required-only", "complete.some")
def chosen(stage: Stage[Newborn]) -> None:
    services = ["N6"] if stage.case.id == "complete.some" else []
    episode = put(stage, stage.world.application(stage.case.id, services=services), frozenset())
    skipped = set(stage.suite.optional) - set(services)
    done = stage.suite.order.done(item.call for item in episode.calls) & skipped
    if done:
        stage.problem(
            "choice",
            {"zh_CN": f"未选办的 {', '.join(sorted(skipped))} 不办理", "en": f"{', '.join(sorted(skipped))} not done"},
            {
                "zh_CN": f"未选办而办理了 {', '.join(sorted(done))}",
                "en": f"{', '.join(sorted(done))} was done without being wanted",
            },
        )


@scripts("complete.twins")
def twins(stage: Stage[Newborn]) -> None:
    world, label = stage.world, stage.case.id
    born = world.days_old(9)
    first = world.application(label, name="first", born=born, order=1)
    second = world.application(label, name="second", born=born, order=2)
    second["newborn"]["JGDM"] = first["newborn"]["JGDM"]
    put(stage, first, frozenset(), name="first")
    put(stage, second, frozenset(), name="second")


@scripts("E1.no-power")
def no_power(stage: Stage[Newborn]) -> None:
    world, label = stage.world, stage.case.id
    institution = world.institution(label, world.families[label].province, power=False)
    put(stage, world.application(label, institution=institution), rule_of(stage))


@scripts("E1.unknown-institution")
def unknown_institution(stage: Stage[Newborn]) -> None:
    world, label = stage.world, stage.case.id
    put(stage, world.application(label, institution=world.no_institution(label)), rule_of(stage))


@scripts("E1.second-certificate")
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


@scripts("E2.born-today", "E2.last-day", "E2.exactly-one-year", "E2.over", "E2.future")
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


@scripts("E3.strangers", "E3.divorced", "E4.mother-elsewhere", "E4.father-elsewhere")
def parents(stage: Stage[Newborn]) -> None:
    put(stage, stage.world.application(stage.case.id), rule_of(stage))


@scripts("E4.institution-elsewhere")
def institution_elsewhere(stage: Stage[Newborn]) -> None:
    world, label = stage.world, stage.case.id
    institution = world.institution(label, world.families[label].province, elsewhere=True)
    put(stage, world.application(label, institution=institution), rule_of(stage))


@scripts("E5.collective", "E5.other-parent")
def household(stage: Stage[Newborn]) -> None:
    collective = stage.case.id == "E5.collective"
    # The second child of a delivery, so that an app that accepts the first is not tripped by the certificate.
    application = stage.world.application(
        "E5", name=stage.case.id, follow="father" if collective else "mother", order=1 if collective else 2
    )
    put(stage, application, rule_of(stage) if collective else frozenset())


@scripts("E6.in-time", "E6.late")
def declared(stage: Stage[Newborn]) -> None:
    world, late = stage.world, stage.case.id == "E6.late"
    born = months_after(world.today, -1)
    application = world.application(stage.case.id, born=world.days_old((world.today - born).days + late))
    if ("E6" in world.expect(application).notices) is not late:
        raise OracleError("the birth date does not lie on the boundary of E6")
    put(stage, application, frozenset())


@scripts("X1.mother-name", "X1.father-name", "X2.mother-unknown", "X2.father-unknown")
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


@scripts("C31.absent", "C31.refused")
def consent(stage: Stage[Newborn]) -> None:
    application = stage.world.application("C31")
    if stage.case.id == "C31.absent":
        del application["guardian_consent"]
    else:
        application["guardian_consent"] = False
    put(stage, application, rule_of(stage))


@scripts("M1.parents", "M1.one-number", "M1.everything")
def gaps(stage: Stage[Newborn]) -> None:
    application = stage.world.application("M1")
    if stage.case.id == "M1.parents":
        del application["mother"], application["father"]
    elif stage.case.id == "M1.one-number":
        del application["father"]["GMSFHM"]
    else:
        application = {}
    put(stage, application, rule_of(stage) | ({"C31"} if not application else set()))


@scripts("notice.all-rules")
def all_rules(stage: Stage[Newborn]) -> None:
    """Three rules fail at once. A rule the app ignores altogether is the fault of that rule's own case."""
    world, label = stage.world, stage.case.id
    application = world.application(label, born=world.days_old(800))
    expectation = world.expect(application)
    if expectation.failed != {"E2", "E3", "E4"}:
        raise OracleError(f"the subject breaks {sorted(expectation.failed)}")
    stage.subject = described(stage, application)
    episode = stage.submit(application, stage.launch(), expectation=expectation)
    excused = expectation.failed & world.ignored - rule_ids(episode.answer)
    judge(stage, replace(episode, expectation=replace(expectation, failed=expectation.failed - excused)))


@scripts("facts.irrelevant")
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
    stage.subject = described(stage, first)
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
