"""Cases of the grounds that rest on the applicant alone: met, just met, just missed, one condition at a time."""

from __future__ import annotations

from typing import Any

from conformance.checks import rule_ids
from conformance.oracle import OracleError
from conformance.stage import Stage
from conformance.suites.fund_withdrawal.world import Fund
from conformance.suites.playing import Scripts, described, put, rule_of

scripts = Scripts[Fund]()


@scripts("complete.G1", "complete.G2", "complete.G3", "complete.G4", "complete.G5")
def granted(stage: Stage[Fund]) -> None:
    world, label = stage.world, stage.case.id
    ground = label.removeprefix("complete.")
    made = {"G1": world.purchase, "G5": world.repaying}.get(ground)
    put(stage, made(label) if made else world.of(label, ground), frozenset())


@scripts("E11.other-name", "E11.no-contract")
def contract(stage: Stage[Fund]) -> None:
    """A contract that is somebody else's, or nobody's."""
    world, label = stage.world, stage.case.id
    other = str(world.person("X1").facts["contract"])
    put(stage, world.purchase(label, contract=other if label == "E11.other-name" else "WQ999999999999"), rule_of(stage))


@scripts("E12.employed", "E12.tomorrow", "E12.today")
def retirement(stage: Stage[Fund]) -> None:
    today = stage.case.id == "E12.today"
    put(stage, stage.world.of(stage.case.id, "G2"), frozenset() if today else rule_of(stage))


@scripts("E13.able", "E13.partly", "E14.employed")
def capacity(stage: Stage[Fund]) -> None:
    put(stage, stage.world.of(stage.case.id, "G3"), rule_of(stage))


@scripts("E15.not-approved")
def abroad(stage: Stage[Fund]) -> None:
    put(stage, stage.world.of("E15", "G4"), rule_of(stage))


@scripts("E16.other-name")
def loan(stage: Stage[Fund]) -> None:
    other = str(stage.world.person("complete.G5").facts["loan"])
    put(stage, stage.world.repaying("E16", loan=other), rule_of(stage))


@scripts("E17.above", "E17.equal")
def repaid(stage: Stage[Fund]) -> None:
    above = stage.case.id == "E17.above"
    application = stage.world.repaying("E17", amount=int(stage.world.person("E17").facts["repaid"]) + above)
    put(stage, application, rule_of(stage) if above else frozenset())


@scripts("notice.all-rules", "notice.capacity")
def all_rules(stage: Stage[Fund]) -> None:
    """Two rules of one stage fail at once. A rule the app ignores altogether is the fault of that rule's own case."""
    world, label = stage.world, stage.case.id
    if label == "notice.capacity":
        application, broken = world.of(label, "G3"), {"E13", "E14"}
    else:
        application, broken = world.renting(label, rent=1), {"E19", "E20"}
    expectation = world.expect(application)
    if expectation.failed != broken:
        raise OracleError(f"the subject breaks {sorted(expectation.failed)}")
    if broken & world.ignored:
        return
    put(stage, application, frozenset(broken))


@scripts("facts.irrelevant")
def irrelevant(stage: Stage[Fund]) -> None:
    """Evidence of other grounds, another telephone and another payee: the same answer.

    Only the two answers are compared; whether they are right is the case of the rule itself.
    """
    world, label = stage.world, stage.case.id
    if "E12" in world.ignored:
        return  # both would be granted, and that is told already
    person = world.person(label)
    first: dict[str, Any] = world.of(label, "G2")
    changed = {
        **first,
        "payee_account": "6217000000000000",
        "applicant": {**first["applicant"], "LXDH": "15400000007"},
        "contract": {"WQHTBH": str(person.facts["contract"])},
        "rent": {"YZJ": 99_000},
        "marital": "unmarried",
    }
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
                "zh_CN": "改变电话、收款账号和其他情形的内容，结论不变",
                "en": "another telephone, payee and evidence of other grounds: the same answer",
            },
            " / ".join(f"HTTP {status} {state} {sorted(rules)}" for status, state, rules in told),
        )
