"""Cases in which departments say otherwise: what decides must change the answer, what does not must not.

No subject has to be found for them: the same application is made while a department tells one launch another fact.
Which facts decide is asked of the oracle, so the cases follow from the rules of any matter.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import Any

from conformance.checks import judge
from conformance.gateway import Trouble
from conformance.oracle import NOTICE
from conformance.stage import Episode, Inconclusive, Stage
from conformance.suites.playing import Scripts, described
from conformance.suites.world import World

scripts = Scripts[World]()
CHINA = timezone(timedelta(hours=8))
LEISURE, WANDER = 1.2, 0.8
"""Seconds that lie at least between two visits of citizens who are not many, and how many more may."""
VISITS = 3
"""Facts told otherwise to citizens whom nobody watches."""
MOST = 16
"""Turned facts of one kind put to the app in one case."""


@dataclass(frozen=True, slots=True)
class Turned:
    """One fact told otherwise, and the rules that do not hold then."""

    operation: str
    field: str
    value: Any
    failed: frozenset[str]

    @property
    def facts(self) -> Mapping[str, Mapping[str, Any]]:
        return {self.operation: {self.field: self.value}} if self.operation else {}

    @property
    def troubles(self) -> Mapping[str, Trouble]:
        return {name: Trouble(facts=facts) for name, facts in self.facts.items()}


def turned(world: World, application: Mapping[str, Any]) -> Iterator[Turned]:
    """Every field the checks may read, told otherwise in turn; without those the oracle cannot judge."""
    world.expect(application)
    reads = {f"{i}#{o}": fields for i, operations in world.suite.needs.items() for o, fields in operations.items()}
    said: dict[tuple[str, str], Any] = {}
    for inquiry, answer in world.heard:
        name = f"{inquiry.interface}#{inquiry.operation}"
        for field in reads.get(name, ()) if isinstance(answer, Mapping) else ():
            said.setdefault((name, field), answer.get(field))
    for (name, field), value in said.items():
        for other in otherwise(world, name, field, value):
            with world.believing({name: {field: other}}):
                yield Turned(name, field, other, world.expect(application).failed)


def otherwise(world: World, operation: str, field: str, value: Any) -> list[Any]:
    """Other values the field may have: those its schema lists, else some near and some far."""
    interface, _, name = operation.partition("#")
    known = world.suite.departments[interface]
    found = known.operation(name)
    content = found.success.content() if found.success else None
    fields = known.fields(content.schema) if content is not None and content.schema is not None else ()
    schema = next((one.schema for one in fields if one.name == field), {})
    listed = schema.get("enum") if isinstance(schema, Mapping) else None
    if listed:
        return [entry for entry in listed if entry not in (value, None)]
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, str) and len(value) == 6 and value.isdigit():  # a division: another county, another province
        return [
            value[:4] + f"{(int(value[4:]) + 7) % 90 + 1:02d}",
            f"{(int(value[:2]) - 10) % 50 + 11:02d}" + value[2:],
        ]
    return []


def deciding(world: World, application: Mapping[str, Any]) -> list[Turned]:
    """For every rule that can be turned by one fact the first such fact, then the others."""
    barring = {rule.id for rule in world.suite.rules if rule.outcome != NOTICE}
    found: dict[tuple[str, str, str], Turned] = {}
    for one in turned(world, application):
        if len(one.failed) == 1 and one.failed <= barring:
            found.setdefault((min(one.failed), one.operation, one.field), one)
    ones = list(found.values())
    rank = {id(one): sum(other.failed == one.failed for other in ones[:place]) for place, one in enumerate(ones)}
    return sorted(ones, key=lambda one: rank[id(one)])[:MOST]


def told(
    stage: Stage[World], world: World, application: Mapping[str, Any], one: Turned, launch: str, **more: str
) -> Episode:
    """Submit while a department says otherwise; what is wrong speaks against the rule that was turned."""
    with world.believing(one.facts):
        expectation = world.expect(application)
    episode = stage.submit(application, launch, expectation=expectation, **more)
    before = len(stage.problems)
    if not judge(stage, episode):
        blamed = tuple(sorted(one.failed)) or stage.case.requirements
        stage.problems[before:] = [
            replace(p, requirements=blamed) if p.requirements == stage.case.requirements else p
            for p in stage.problems[before:]
        ]
    return episode


@scripts("facts.deciding")
def decide(stage: Stage[World]) -> None:
    """The same application, one deciding fact told otherwise at a time."""
    world = stage.world
    application = world.application(stage.case.id)
    stage.subject = described(stage, application)
    found = deciding(world, application)
    if not found:
        raise Inconclusive({"zh_CN": "没有单独起决定作用的事实", "en": "no single fact decides"})
    for number, one in enumerate(found):
        told(stage, world, application, one, stage.launch(f"{number}", troubles=one.troubles))


@scripts("facts.changed")
def changed(stage: Stage[World]) -> None:
    """Refused by what the department said then; on a later visit it says what it holds now, and that counts."""
    world = stage.world
    application = world.application(stage.case.id)
    stage.subject = described(stage, application)
    found = deciding(world, application)
    if not found:
        raise Inconclusive({"zh_CN": "没有单独起决定作用的事实", "en": "no single fact decides"})
    first = told(stage, world, application, found[0], stage.launch("then", troubles=found[0].troubles))
    if not stage.problems and first.answer:
        judge(stage, stage.submit(application, stage.launch("now"), expectation=world.expect(application)))
        # Refused still for what is no longer so: not the rule is misread, but yesterday's answer is used.
        stage.problems[:] = [replace(p, requirements=stage.case.requirements) for p in stage.problems]


@scripts("facts.indifferent")
def indifferent(stage: Stage[World]) -> None:
    """A fact that no rule minds is told otherwise: the same answer."""
    world = stage.world
    application, broken = world.refusable(stage.case.id)
    stage.subject = described(stage, application)
    alike = {(one.operation, one.field): one for one in turned(world, application) if one.failed == broken}
    for number, one in enumerate(list(alike.values())[:MOST]):
        with world.believing(one.facts):
            expectation = world.expect(application)
        launch = stage.launch(f"{number}", troubles=one.troubles)
        judge(stage, stage.submit(application, launch, expectation=expectation))


@scripts("unwatched")
def unwatched(stage: Stage[World]) -> None:
    """The first thing a run does: citizens come one by one, at their own pace, on the day the clock shows.

    Nothing tells these visits from real ones: the platform's date header is optional and absent here, so the day is
    that of the clock. An app that behaves only where it sees a tester is found out before it sees one.
    """
    world = copy(stage.world)
    world.today = stage.day or datetime.now(CHINA).date()
    application = world.application(stage.case.id)
    stage.subject = described(stage, application)
    found: dict[frozenset[str], Turned] = {}
    for one in deciding(world, application):
        found.setdefault(one.failed, one)
    refusable, broken = world.refusable(stage.case.id)
    visits: list[tuple[Mapping[str, Any], Turned]] = [(application, one) for one in list(found.values())[:VISITS]]
    visits.append((refusable, Turned("", "", None, broken)))
    draw = hashlib.sha256(f"{stage.seed}/{stage.salt}/pace".encode()).digest()
    for number, (form, one) in enumerate(sorted(visits, key=lambda visit: draw[visits.index(visit)])):
        stage.sleep(LEISURE + WANDER * draw[-number - 1] / 255)
        launch = stage.launch(f"{number}", troubles=one.troubles)
        with world.believing(one.facts):
            expectation = world.expect(form)
        ask = stage.submission(form, launch)
        headers = {name: value for name, value in ask.headers.items() if name != "Tongban-Today"}
        episode = stage.settled(stage.send("submitHandledMatter", replace(ask, headers=headers), launch, expectation))
        before = len(stage.problems)
        if not judge(stage, episode):
            stage.problems[before:] = [
                replace(p, requirements=tuple(sorted(one.failed))) for p in stage.problems[before:]
            ]
