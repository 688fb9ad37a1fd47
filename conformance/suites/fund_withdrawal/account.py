"""Cases of the account, whatever the ground: balance, state, closing, the date due, and what may be shown."""

from __future__ import annotations

from datetime import timedelta

from conformance.checks import quote
from conformance.gateway import Trouble
from conformance.stage import Episode, Stage
from conformance.suites.fund_withdrawal.world import CLOSING, Fund
from conformance.suites.playing import Scripts, put, rule_of

scripts = Scripts[Fund]()


@scripts("E1.none", "E1.closed", "E1.frozen")
def unusable(stage: Stage[Fund]) -> None:
    put(stage, stage.world.purchase(stage.case.id, amount=100), rule_of(stage))


@scripts("E2.above", "E2.equal")
def balance(stage: Stage[Fund]) -> None:
    """One person, one yuan apart: the refusal comes first, so that it cannot be the second withdrawal's."""
    above = stage.case.id == "E2.above"
    application = stage.world.purchase("E2.edge", amount=stage.world.person("E2.edge").balance + above)
    put(stage, application, rule_of(stage) if above else frozenset())


@scripts("E2.rest")
def rest(stage: Stage[Fund]) -> None:
    """What was withdrawn is gone: an amount within the first balance and above what is left."""
    label = stage.case.id
    first = stage.world.person(label).balance * 2 // 3
    put(stage, stage.world.purchase(label, amount=first), frozenset(), name="first")
    put(stage, stage.world.purchase(label, amount=first), rule_of(stage), name="second")


@scripts("E3.less")
def whole(stage: Stage[Fund]) -> None:
    amount = stage.world.person("E3").balance - 1
    put(stage, stage.world.of("E3", "G2", amount=amount), rule_of(stage))


@scripts("close.after")
def closed(stage: Stage[Fund]) -> None:
    """A closing withdrawal, then a second one on another ground."""
    label = stage.case.id
    put(stage, stage.world.of(label, "G2"), frozenset(), name="first")
    again = stage.world.of(label, "G2", amount=1)
    state = stage.world.learn(again)["account"]["ZHZT"]
    if state != "09" and not stage.problems:
        stage.problem(
            "close",
            {"zh_CN": "退休提取后账户已销户", "en": "the account is closed after the withdrawal"},
            f"ZHZT {state}",
            requirements=("close",),
        )
    if state != "09":
        return
    put(stage, again, frozenset({"E1"}), name="second")


@scripts("close.sent", "close.kept")
def closing(stage: Stage[Fund]) -> None:
    """The decision closes the account on the grounds that say so and leaves it open on the others."""
    world, label = stage.world, stage.case.id
    application = world.of(label, "G2") if label == "close.sent" else world.purchase(label)
    wanted = "1" if application["ground"] in CLOSING else "0"
    sent = _decisions(stage, put(stage, application, frozenset()))
    if sent and wanted not in sent:
        stage.problem(
            "close",
            {"zh_CN": f"XHBZ 为 {wanted}", "en": f"XHBZ {wanted}"},
            f"XHBZ {', '.join(map(str, sent))}",
        )


def _decisions(stage: Stage[Fund], episode: Episode) -> list[object]:
    """What the app said about closing in its calls for a decision."""
    node = stage.suite.order.nodes["H8"]
    calls = (item.call for item in episode.calls)
    asked = [c.request for c in calls if (c.interface, c.operation) == (node.interface, node.operation)]
    return [request.get("XHBZ") for request in asked if isinstance(request, dict)]


@scripts("due.third-day")
def due(stage: Stage[Fund]) -> None:
    episode = put(stage, stage.world.application(stage.case.id), frozenset())
    wanted = (stage.today + timedelta(days=3)).isoformat()
    if not stage.problems and episode.answer.get("due_on") != wanted:
        stage.problem(
            "due",
            {
                "zh_CN": f"due_on 为 {wanted}（受理之日起第3日）",
                "en": f"due_on {wanted}, the third day from acceptance",
            },
            f"due_on {episode.answer.get('due_on')!r}",
        )


@scripts("read.generous")
def generous(stage: Stage[Fund]) -> None:
    """The department gives more than was asked for: it changes nothing and is shown nowhere."""
    node = stage.suite.order.nodes["H6-retired"]
    application = stage.world.of(stage.case.id, "G2")
    launch = stage.launch(troubles=dict.fromkeys([node.interface, "housing-fund.accounts"], Trouble(generous=True)))
    episode = put(stage, application, frozenset(), launch=launch)
    known = stage.world.learn(application)
    beyond = {
        name: known[answer][name]
        for answer, name in (("account", "GJJZH"), ("account", "KHRQ"), ("account", "FWCS"))
        if known[answer].get(name)
    }
    text = quote(episode.answer, 20_000)
    shown = [name for name, value in beyond.items() if str(value) in text]
    if shown:
        stage.problem(
            "read.generous",
            {"zh_CN": "不显示办理无需的字段", "en": "what was given without need is not shown"},
            {"zh_CN": f"显示了 {', '.join(shown)}", "en": f"{', '.join(shown)} shown"},
        )


@scripts("M1.evidence", "M1.spouse", "M1.everything")
def gaps(stage: Stage[Fund]) -> None:
    """What is missing depends on the ground."""
    world, case = stage.world, stage.case.id
    if case == "M1.evidence":
        for ground in ("G1", "G5", "G6", "G7"):
            put(stage, world.of("M1", ground), rule_of(stage), name=ground)
    elif case == "M1.spouse":
        put(stage, world.of("M1", "G6", rent={"YZJ": 3000}, marital="married"), rule_of(stage))
    else:
        put(stage, {}, rule_of(stage))


@scripts("X1.holder", "X2.holder")
def holder(stage: Stage[Fund]) -> None:
    label = stage.case.id.split(".")[0]
    application = stage.world.purchase(label)
    who = application["applicant"]
    if label == "X1":
        who["XM"] = who["XM"][:-1] + ("琪" if who["XM"][-1] == "晔" else "晔")
    else:
        who["GMSFHM"] = stage.world.nobodys(who["GMSFHM"])
    put(stage, application, rule_of(stage))
