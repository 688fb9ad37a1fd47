"""Cases of who may head a firm, with everything else right: each rule met, just met, just missed."""

from __future__ import annotations

from dataclasses import replace

from conformance.checks import judge, rule_ids
from conformance.oracle import OracleError
from conformance.stage import Stage
from conformance.suites.playing import Scripts, described, put, rule_of
from conformance.suites.start_up.world import FORBIDDEN, StartUp, changed

scripts = Scripts[StartUp]()


@scripts("R1.representative", "R1.shareholder", "R1.director", "R1.supervisor", "R1.liaison", "R1.agent")
def faces(stage: Stage[StartUp]) -> None:
    """One person fails. Who stands at several places has the same face at all of them."""
    case = stage.case.id
    application = stage.world.application(case, agent=case == "R1.agent")
    places = {
        "representative": ("/legal_representative", "/shareholders/0", "/directors/0"),
        "shareholder": ("/shareholders/1", "/liaison"),
        "director": ("/directors/1",),
        "supervisor": ("/supervisors/0",),
        "liaison": ("/liaison",),
        "agent": ("/agent",),
    }[case.split(".")[1]]
    if case == "R1.liaison":
        # A contact person who is nothing else.
        fourth = stage.world.team(case)[3]
        application["liaison"] = {**application["supervisors"][0], "LXDH": fourth.mobile}
        application["supervisors"] = [dict(application["directors"][1])]
    elif case == "R1.agent":
        application["directors"] = application["directors"][:1]
    stage.world.other_face(application, *places)
    put(stage, application, rule_of(stage))


REFUSED = (
    "D1.incapable", "D1.minor", "D2.last-day", "D2.serving", "D2.deprived", "D3.last-day", "D4.last-day",
    "D5.exactly",
)  # fmt: skip
ALLOWED = (
    "D1.of-age", "D2.five-years", "D2.other-crime", "D2.deprived-over", "D3.three-years", "D3.supervisor",
    "D3.not-liable", "D4.three-years", "D4.director", "D4.not-liable", "D5.below",
)  # fmt: skip


@scripts(*REFUSED, *ALLOWED)
def records(stage: Stage[StartUp]) -> None:
    case = stage.case.id
    application = stage.world.application(case, representative=stage.world.subject(case))
    put(stage, application, rule_of(stage) if case in REFUSED else frozenset())


@scripts("D2.replaced")
def replaced(stage: Stage[StartUp]) -> None:
    """The same company with another legal representative: the one fact that decides has changed."""
    world, label = stage.world, stage.case.id
    put(stage, world.application(label, representative=world.subject(label)), rule_of(stage), name="before")
    put(stage, world.application(label), frozenset(), name="after")


@scripts("D2.director")
def director(stage: Stage[StartUp]) -> None:
    """Article 12 is about the legal representative: a director may have a record."""
    world, label = stage.world, stage.case.id
    application = world.application(label)
    convicted = world.application(label, representative=world.subject(label))["legal_representative"]
    application["directors"][1] = convicted
    put(stage, application, frozenset())


@scripts("notice.all-rules")
def all_rules(stage: Stage[StartUp]) -> None:
    """Three rules fail at once. A rule the app ignores altogether is the fault of that rule's own case."""
    world, label = stage.world, stage.case.id
    application = world.application(label, representative=world.subject("D5.all"))
    application = changed(application, DWMC=FORBIDDEN + application["company"]["DWMC"])
    world.other_face(application, "/supervisors/0")
    expectation = world.expect(application)
    if expectation.failed != {"N1", "R1", "D5"}:
        raise OracleError(f"the subject breaks {sorted(expectation.failed)}")
    stage.subject = described(stage, application)
    episode = stage.submit(application, stage.launch(), expectation=expectation)
    excused = expectation.failed & world.ignored - rule_ids(episode.answer)
    judge(stage, replace(episode, expectation=replace(expectation, failed=expectation.failed - excused)))


@scripts("facts.irrelevant")
def irrelevant(stage: Stage[StartUp]) -> None:
    """The same barred legal representative with another name, capital, address, scope and staff: the same answer.

    Only the two answers are compared; whether they are right is the case of the rule itself.
    """
    world, label = stage.world, stage.case.id
    first = world.application(label, representative=world.subject(label))
    second = world.application(label, representative=world.subject(label), variant=1)
    second = changed(second, ZCZB=50_000_000, JYFW="企业管理咨询")
    second["deposits"] = {"ZGRS": 0, "JCBL": 0.12, "JCJS": 20_000}
    stage.subject = described(stage, first)
    if world.expect(first).failed != world.expect(second).failed:
        raise OracleError("the changed fact is not irrelevant")
    told = []
    for name, application in (("first", first), ("second", second)):
        episode = stage.submit(application, stage.launch(name), expectation=world.expect(application))
        told.append((episode.reply.status, episode.answer.get("state"), rule_ids(episode.answer)))
    if told[0] != told[1]:
        stage.problem(
            "facts.decide",
            {
                "zh_CN": "改变名称、注册资本、住所、经营范围和职工人数，结论不变",
                "en": "another name, capital, address, scope and staff: the same answer",
            },
            " / ".join(f"HTTP {status} {state} {sorted(rules)}" for status, state, rules in told),
        )
