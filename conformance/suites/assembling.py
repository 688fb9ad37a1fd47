"""A suite put together: the matter from the shipped library, its own cases, and those every matter has."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from importlib.resources import files
from typing import Any

import yaml

from conformance.case import Case, Kind, Requirement
from conformance.oracle import OracleError, rules, text
from conformance.sources import digest
from conformance.suites import observations
from conformance.suites.general import access, attacks, facts, forms, loads, outages, troubles
from conformance.suites.playing import Scripts
from conformance.suites.suite import Suite
from conformance.suites.world import World
from conformance.workflow import Order
from specs import library
from specs.model import Kind as InterfaceKind

GENERAL = (access, attacks, facts, forms, loads, outages, troubles)


def assemble(name: str, world: type[Any], played: Iterable[Scripts[Any]]) -> Suite[Any]:
    """The suite of a matter: its folder's suite.yaml, the scripts in `played` and those of every matter.

    Raises `OracleError` when they do not fit together.
    """
    if not issubclass(world, World):
        raise OracleError(f"{world.__name__} is no World")
    matter = library.matter(name)
    data = (files("conformance") / "suites" / name.replace("-", "_") / "suite.yaml").read_bytes()
    shared = (files("conformance") / "suites" / "general" / "general.yaml").read_bytes()
    document, general = yaml.safe_load(data), yaml.safe_load(shared)
    early = [entry for entry in general["cases"] if entry.get("early")]
    late = [entry for entry in general["cases"] if not entry.get("early")]
    cases = (*_general(early, document), *map(_case, document["cases"]), *_general(late, document))
    found = rules(matter.rules)
    verified = {requirement for case in cases for requirement in case.requirements}
    entries = [*document.get("requirements", ()), *(e for e in general["requirements"] if e["id"] in verified)]
    requirements = [rule.requirement for rule in found]
    requirements += [Requirement(e["id"], text(e["title"]), text(e["law"])) for e in entries]
    by_case = {
        case: function
        for scripts in (*(module.scripts for module in GENERAL), *played)
        for case, function in scripts.by_case.items()
    }
    _fit(cases, by_case, requirements)
    apis = {i: interface for i, interface in library.interfaces().items() if interface.kind is InterfaceKind.API}
    return Suite(
        name=name,
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
        calls=tuple(tuple(stage["calls"]) for stage in matter.interface.extensions["x-rule-stages"]),
        steps=matter.steps,
        settings=matter.settings,
        sends=_sends(matter),
        service_level=matter.suite["service_level"],
        faults=document.get("faults", {}),
        malformed=document["malformed"],
        requirements=tuple(requirements),
        cases=cases,
        scripts={case.id: by_case[case.id] for case in cases if case.id in by_case},
        observations={case.id: observations.ALL[case.id] for case in cases if case.id in observations.ALL},
        world=world,
        documents={
            f"suite:{name}@{document['version']}": hashlib.sha256(data).hexdigest(),
            "suite:general": hashlib.sha256(shared).hexdigest(),
            f"interface:{matter.interface.id}": matter.interface.digest,
            f"process:{matter.process.id}": matter.process.digest,
            **{f"interface:{name}": interface.digest for name, interface in matter.interfaces.items()},
            "runner:conformance": digest("conformance"),
            "generator:mockdata": digest("mockdata"),
        },
    )


def _general(entries: Iterable[Mapping[str, Any]], document: Mapping[str, Any]) -> Iterable[Case]:
    """The cases every matter has but for those the suite leaves out, their controls by the suite's own name."""
    left_out = document.get("without", ())
    for entry in entries:
        if not any(fnmatchcase(entry["id"], pattern) for pattern in left_out):
            case = _case(entry)
            yield replace(case, control=document["complete"]) if case.control == "complete" else case


def _fit(cases: Iterable[Case], scripts: Mapping[str, Any], requirements: Iterable[Requirement]) -> None:
    demanded = {requirement.id for requirement in requirements}
    for case in cases:
        if case.id not in scripts and case.id not in observations.ALL:
            raise OracleError(f"case {case.id} has neither script nor observation")
        for name in case.requirements:
            if name not in demanded:
                raise OracleError(f"case {case.id} verifies {name}, which nothing demands")


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


def _sends(matter: library.Matter) -> dict[str, dict[str, tuple[str, str]]]:
    """Step → request field → where the process takes its value from; what is composed or constant is left out, and
    steps that are made once for each of several people."""
    steps = [step for flow in matter.process.process.workflows for step in flow.steps] if matter.process.process else []
    outputs = {(step.id, name): str(source) for step in steps for name, source in step.outputs.items()}
    found: dict[str, dict[str, tuple[str, str]]] = {}
    several = {step.id for step in matter.steps for places in step.about.values() if len(places) > 1}
    for step in steps:
        value = step.payload.value if step.payload and step.id not in several else None
        for field, expression in value.items() if isinstance(value, Mapping) else ():
            if re.fullmatch(r"\$inputs\.[\w-]+", str(expression)):
                found.setdefault(step.id, {})[field] = ("", str(expression).removeprefix("$inputs."))
            elif given := re.fullmatch(r"\$steps\.([\w-]+)\.outputs\.([\w-]+)", str(expression)):
                source = outputs.get((given[1], given[2]), "")
                if re.fullmatch(r"\$response\.body#/\w+", source):
                    found.setdefault(step.id, {})[field] = (given[1], source.rpartition("/")[2])
    return found
