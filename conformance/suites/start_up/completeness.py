"""Cases of what an application must hold, of names and numbers, and of whom a notice names."""

from __future__ import annotations

from typing import Any

from conformance.checks import rule_ids
from conformance.oracle import OracleError
from conformance.stage import Episode, Inconclusive, Stage
from conformance.suites.playing import Scripts, put, rule_of
from conformance.suites.start_up.world import StartUp, person_at

scripts = Scripts[StartUp]()


@scripts("complete", "complete.agent")
def whole(stage: Stage[StartUp]) -> None:
    agent = stage.case.id == "complete.agent"
    put(stage, stage.world.application(stage.case.id, agent=agent), frozenset())


@scripts("complete.required-only", "complete.some")
def chosen(stage: Stage[StartUp]) -> None:
    services = ["B9"] if stage.case.id == "complete.some" else []
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


@scripts("M1.everything", "M1.company", "M1.one-field", "M1.shareholders", "M2.both", "M2.articles")
def gaps(stage: Stage[StartUp]) -> None:
    application = stage.world.application(stage.case.id[:2])
    case = stage.case.id
    if case == "M1.everything":
        application = {}
    elif case == "M1.company":
        del application["company"], application["liaison"]
    elif case == "M1.one-field":
        del application["company"]["JYFW"]
    elif case == "M1.shareholders":
        del application["shareholders"]
    elif case == "M2.both":
        del application["documents"]
    else:
        del application["documents"]["articles"]
    put(stage, application, rule_of(stage) | ({"M2"} if not application else set()))


@scripts("X1.representative", "X1.director", "X1.supervisor", "X2.shareholder", "X2.liaison", "X1.agent")
def mismatch(stage: Stage[StartUp]) -> None:
    case = stage.case.id
    application = stage.world.application(case if case == "X1.agent" else case[:2], agent=case == "X1.agent")
    pointer = {
        "representative": "/legal_representative",
        "director": "/directors/1",
        "supervisor": "/supervisors/0",
        "shareholder": "/shareholders/1",
        "liaison": "/liaison",
        "agent": "/agent",
    }[case.split(".")[1]]
    spoil(stage, application, pointer)
    put(stage, application, rule_of(stage))


def spoil(stage: Stage[StartUp], application: dict[str, Any], pointer: str) -> None:
    """Another name, or for X2 a number nobody has."""
    entry = person_at(application, pointer)
    if stage.case.id.startswith("X2"):
        entry["GMSFHM"] = stage.world.nobodys(entry["GMSFHM"])
    else:
        entry["XM"] = entry["XM"][:-1] + "".join("晔琪"[letter == "晔"] for letter in entry["XM"][-1])


@scripts("persons.names", "persons.faces")
def all_persons(stage: Stage[StartUp]) -> None:
    """Several persons fail: the one notice names each place each of them stands at, and nobody else."""
    names = stage.case.id == "persons.names"
    rule = "X1" if names else "R1"
    if rule in stage.world.ignored:
        raise Inconclusive({"zh_CN": f"应用不判断 {rule}", "en": f"the app does not mind {rule} at all"})
    application = stage.world.application(stage.case.id)
    # The second shareholder is also the contact person, so two persons stand at three places.
    for pointer in ("/shareholders/1", "/liaison", "/supervisors/0"):
        if names:
            spoil(stage, application, pointer)
        else:
            stage.world.other_face(application, pointer)
    wanted = stage.world.concerned(application)
    if {name: len(places) for name, places in wanted.items()} != {rule: 3}:
        raise OracleError(f"the subject concerns {wanted}")
    episode = put(stage, application, frozenset({rule}))
    if rule_ids(episode.answer) == {rule} and (got := _named(episode, rule)) != wanted[rule]:
        stage.problem(
            "answer.persons",
            {
                "zh_CN": f"{rule} 一次列出全部涉及人员 {', '.join(sorted(wanted[rule]))}",
                "en": f"{rule} names every person concerned at once: {', '.join(sorted(wanted[rule]))}",
            },
            f"concerns {', '.join(sorted(got)) or '–'}",
        )


def _named(episode: Episode, rule: str) -> frozenset[str]:
    entries = episode.answer.get("failed_rules")
    found = [e for e in entries if isinstance(e, dict)] if isinstance(entries, list) else []
    places = next((e.get("concerns") for e in found if e.get("rule") == rule), None)
    return frozenset(map(str, places)) if isinstance(places, list) else frozenset()


@scripts("S58.staff", "S58.none")
def staff(stage: Stage[StartUp]) -> None:
    some = stage.case.id == "S58.staff"
    application = stage.world.application("S58.none", staff=1 if some else 0, variant=int(some))
    if ("S58" in stage.world.expect(application).notices) is not some:
        raise OracleError("the number of staff does not decide about S58")
    put(stage, application, frozenset())
