"""The newborn suite, put together from the shipped library and the cases of this folder."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import yaml

from conformance.case import Case, Kind, Requirement
from conformance.oracle import OracleError, rules, text
from conformance.sources import digest
from conformance.suites import observations
from conformance.suites.newborn import access, eligibility, forms, outages
from conformance.suites.newborn.play import SCRIPTS
from conformance.suites.newborn.world import Newborn
from conformance.suites.suite import Suite
from conformance.workflow import Order
from specs import library
from specs.model import Kind as InterfaceKind

PLAYED = (access, eligibility, forms, outages)
"""Importing these registers their scripts."""


def load() -> Suite[Newborn]:
    """The newborn suite from the shipped library; raises `OracleError` when the two do not fit together."""
    matter = library.matter("newborn")
    data = (files("conformance") / "suites" / "newborn" / "suite.yaml").read_bytes()
    document = yaml.safe_load(data)
    found = rules(matter.rules)
    requirements = [rule.requirement for rule in found]
    requirements += [Requirement(e["id"], text(e["title"]), text(e["law"])) for e in document["requirements"]]
    cases = tuple(_case(entry) for entry in document["cases"])
    played = dict(SCRIPTS)
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
            "runner:conformance": digest("conformance"),
            "generator:mockdata": digest("mockdata"),
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
