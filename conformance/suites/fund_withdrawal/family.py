"""Cases that rest on other people's data: the spouse's wages and homes, and the heirs of those who died."""

from __future__ import annotations

from conformance.checks import quote
from conformance.stage import Stage
from conformance.suites.fund_withdrawal.world import Fund
from conformance.suites.playing import Scripts, described, put, rule_of

scripts = Scripts[Fund]()


@scripts("complete.G6", "complete.G6-family")
def rents(stage: Stage[Fund]) -> None:
    put(stage, stage.world.renting(stage.case.id), frozenset())


@scripts("E20.exactly", "E20.one-more")
def ratio(stage: Stage[Fund]) -> None:
    """One person, one yuan of rent apart."""
    more = stage.case.id == "E20.one-more"
    rent = stage.world.share("E20") + more
    put(stage, stage.world.renting("E20", rent=rent), frozenset() if more else rule_of(stage))


@scripts("E20.family")
def family(stage: Stage[Fund]) -> None:
    """The rent is above the share of the applicant's own wages and exactly that of the family's."""
    put(stage, stage.world.renting(stage.case.id, rent=stage.world.share(stage.case.id)), rule_of(stage))


@scripts("E18.divorced", "E18.strangers", "E19.own", "E19.spouse")
def household(stage: Stage[Fund]) -> None:
    put(stage, stage.world.renting(stage.case.id, rent=60_000), rule_of(stage))


@scripts("X3.spouse", "X4.spouse", "X3.heir")
def mismatch(stage: Stage[Fund]) -> None:
    """A name or number other than the registers': the spouse's, or the heir's."""
    world, case = stage.world, stage.case.id
    application = world.inheriting(case) if case == "X3.heir" else world.renting(case)
    who = application["applicant" if case == "X3.heir" else "spouse"]
    if case.startswith("X3"):
        who["XM"] = who["XM"][:-1] + ("琪" if who["XM"][-1] == "晔" else "晔")
    else:
        who["GMSFHM"] = world.nobodys(who["GMSFHM"])
    put(stage, application, rule_of(stage))


@scripts("complete.G7")
def heir(stage: Stage[Fund]) -> None:
    put(stage, stage.world.inheriting(stage.case.id), frozenset())


@scripts("E22.stranger")
def stranger(stage: Stage[Fund]) -> None:
    """Somebody who is no heir of the person who died."""
    put(stage, stage.world.inheriting("E22", stage.world.person("E22.stranger")), rule_of(stage))


@scripts("E21.alive")
def alive(stage: Stage[Fund]) -> None:
    """The account holder lives; the spouse asks for the account."""
    put(stage, stage.world.inheriting(stage.case.id), rule_of(stage))


@scripts("fault.wages", "fault.spouse")
def outage(stage: Stage[Fund]) -> None:
    """A check the ground needs is down: nothing is concluded, least of all from half of the family's wages."""
    node = stage.suite.order.nodes["H7" if stage.case.id == "fault.wages" else "H3"]
    application = stage.world.renting(stage.case.id)
    stage.subject = described(stage, application)
    launch = stage.launch("citizen", down=[f"{node.interface}#{node.operation}"])
    first = stage.submit(application, launch)
    if first.reply.status != 502:
        stage.problem(
            "fault.nothing-done",
            {"zh_CN": "缺少核验结果时不作结论：502", "en": "nothing is concluded while a check is missing: 502"},
            f"HTTP {first.reply.status} {quote(first.turn.answer)}",
        )
        return
    stage.gateway.restore(launch)
    put(stage, application, frozenset(), launch=launch)
