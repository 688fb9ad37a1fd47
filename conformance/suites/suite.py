"""A suite: the matter's interface, process and rules, with the cases that put them to an app.

`Suite` is data plus, per case, a script (drives the app on a `Stage`) or an observation (judges everything the
run recorded). The type variable is the suite's world: what it knows about one hidden country.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from conformance.case import Case, Problem, Requirement, Text
from conformance.observe import Needs
from conformance.oracle import Rule
from conformance.workflow import Order
from specs.library import MatterStep
from specs.model import Interface

if TYPE_CHECKING:
    from conformance.gateway import Gateway
    from conformance.stage import Episode, Stage
    from mockdata.population import Population

W = TypeVar("W")


@dataclass(frozen=True, slots=True)
class Sighting:
    """A problem an observation saw, with the episode it happened in."""

    problem: Problem
    episode: Episode | None = None


@dataclass(frozen=True)
class Suite(Generic[W]):
    """Everything a run needs.

    `departments` are all services of the library (an app must be able to go astray), `needs` the fields the
    matter may read, `writes` the operations that change something, `results` result name → (step, field of its
    answer), `stages` the rule ids judged together, `calls` the checks made before each stage, `steps` the steps of
    the matter as its participants see them, `service_level` what the matter promises (milliseconds, requests per
    second, share of errors), `sends` step → request field → where its value comes from: ("", input) or (step, field
    of its answer). `faults` are the steps whose departments fail in the general
    fault cases, `malformed` JSON pointers into an application with values of a wrong type. `documents` maps each
    document the verdict rests on to its sha256.
    """

    name: str
    version: str
    title: Text
    app: Interface
    order: Order
    departments: Mapping[str, Interface]
    needs: Needs
    writes: frozenset[tuple[str, str]]
    optional: tuple[str, ...]
    results: Mapping[str, tuple[str, str]]
    rules: tuple[Rule, ...]
    stages: tuple[tuple[str, ...], ...]
    calls: tuple[tuple[str, ...], ...]
    steps: tuple[MatterStep, ...]
    settings: Mapping[str, Any]
    service_level: Mapping[str, float]
    sends: Mapping[str, Mapping[str, tuple[str, str]]]
    faults: Mapping[str, str]
    malformed: Mapping[str, Any]
    requirements: tuple[Requirement, ...]
    cases: tuple[Case, ...]
    scripts: Mapping[str, Callable[[Stage[W]], None]]
    observations: Mapping[str, Callable[[Suite[Any], Sequence[Episode]], Iterable[Sighting]]]
    world: Callable[[Suite[W], Gateway, Population, str, date], W]
    documents: Mapping[str, str]

    def case(self, case_id: str) -> Case:
        """The case with this id; KeyError naming it otherwise."""
        return {case.id: case for case in self.cases}[case_id]

    def field_titles(self, interface: str, operation: str) -> dict[str, Text]:
        """The answer's fields of a department operation with their titles; empty when there is no such operation."""
        known = self.departments.get(interface)
        found = next((o for o in known.operations if o.id == operation), None) if known else None
        content = found.success.content() if found and found.success else None
        if known is None or content is None:
            return {}
        return {field.name: field.title for field in known.fields(content.schema)}
