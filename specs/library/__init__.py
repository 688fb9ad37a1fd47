"""The shipped library: the departments, their interfaces, and the matters that join them.

Documents are read on first use and kept; a process pays for what it asks for. Interface files lie at
`<department>/<name>/openapi.yaml` or `odcs.yaml`, a matter's at `matters/<matter>/`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from specs.finding import Finding, Severity, SpecError
from specs.model import Interface
from specs.parse import parse
from specs.reading import read
from specs.words import Text, named

ROOT = Path(__file__).parent
"""The folder of the library; every document's relative references stay inside it."""


@dataclass(frozen=True, slots=True)
class Department:
    """A department. `uscc` is an example code: valid check characters, province digits never assigned."""

    id: str
    name: Text
    uscc: str


@dataclass(frozen=True, slots=True)
class MatterStep:
    """One step of a matter as its participants see it.

    `id` is the step id of the process document, `department` and `interface`#`operation` who does it.
    `writes`: the call changes something. `required`: a handled matter counts as completed only with a
    success of this step; the others are the citizen's choice. `needs` are the steps before it, `sends` the
    request fields, `reads` the response fields an app may read. `when`: CEL over the rules' variables; the process
    has the step only for applications for which it holds (None: for all). `about`: request field → JSON pointers into
    the application (`*`: every element of a list) at one of which its value stands; they tell the step from others of
    the same operation, and a step with several places is made once for each value.
    """

    id: str
    title: Text
    department: str
    interface: str
    operation: str
    writes: bool
    required: bool
    needs: tuple[str, ...]
    sends: tuple[str, ...]
    reads: tuple[str, ...]
    when: str | None = None
    about: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Matter:
    """A matter several departments handle jointly.

    `department` leads. `interface` is what a vendor's app must offer, `process` the Arazzo document.
    `interfaces` are those the process calls, by id. `needs` are the response fields an app may read:
    interface id → operation id → fields. `rules` are the `x-rules` of the app interface. `settings` are the
    defaults of the rules' settings, `suite` what a conformance run must keep (service level: milliseconds,
    requests per second).
    """

    id: str
    title: Text
    description: Text
    department: str
    interface: Interface
    process: Interface
    interfaces: Mapping[str, Interface]
    steps: tuple[MatterStep, ...]
    needs: Mapping[str, Mapping[str, tuple[str, ...]]]
    rules: tuple[Mapping[str, Any], ...]
    settings: Mapping[str, Any]
    suite: Mapping[str, Any]

    def step(self, id: str) -> MatterStep:
        """The step of that id. Raises KeyError naming near ones."""
        return named(id, {step.id: step for step in self.steps}, "step")


@cache
def departments() -> tuple[Department, ...]:
    """The departments in the order of the departments file."""
    entries = parse(ROOT / "departments.yaml", "departments.yaml").value["departments"]
    return tuple(Department(entry["id"], entry["name"], entry["uscc"]) for entry in entries)


@cache
def interfaces() -> Mapping[str, Interface]:
    """Every interface of the departments by id, services before datasets.

    Raises SpecError for a document with an error, or when two documents carry one id.
    """
    found: dict[str, Interface] = {}
    for file in ("openapi.yaml", "odcs.yaml"):
        for path in sorted(ROOT.glob(f"*/*/{file}")):
            interface = _read(path)
            if interface.id in found:
                raise _broken(path, f"the id {interface.id} is taken by {found[interface.id].document.name}")
            found[interface.id] = interface
    return MappingProxyType(found)


def around(id: str) -> Mapping[str, Interface]:
    """The departments' interfaces of a matter and of none: without those that only other matters call.

    Raises as `matter` does.
    """
    own = matter(id).interfaces
    foreign = {name for other in matters() if other != id for name in matter(other).interfaces} - set(own)
    return MappingProxyType({name: interface for name, interface in interfaces().items() if name not in foreign})


def matters() -> tuple[str, ...]:
    """The ids of the shipped matters."""
    return tuple(sorted(path.parent.name for path in ROOT.glob("matters/*/matter.yaml")))


@cache
def matter(id: str) -> Matter:
    """The matter of that id. Raises KeyError naming near ones, SpecError for a broken document."""
    path = named(id, {name: ROOT / "matters" / name / "matter.yaml" for name in matters()}, "matter")
    said = parse(path, _name(path)).value
    app, process = _read(path.parent / said["app"]), _read(path.parent / said["process"])
    needs = {
        interface: MappingProxyType({operation: tuple(fields) for operation, fields in operations.items()})
        for interface, operations in said["needs"].items()
    }
    steps = tuple(_step(entry) for entry in said["steps"])
    used = dict.fromkeys(step.interface for step in steps)
    return Matter(
        id=said["id"],
        title=said["title"],
        description=said["description"],
        department=said["lead"],
        interface=app,
        process=process,
        interfaces=MappingProxyType({name: named(name, interfaces(), "interface") for name in used}),
        steps=steps,
        needs=MappingProxyType(needs),
        rules=tuple(app.extensions["x-rules"]),
        settings=MappingProxyType(said["settings"]),
        suite=MappingProxyType(said["suite"]),
    )


def _step(entry: Mapping[str, Any]) -> MatterStep:
    return MatterStep(
        id=entry["step"],
        title=entry["title"],
        department=entry["department"],
        interface=entry["interface"],
        operation=entry["operation"],
        writes=entry["writes"],
        required=entry["required"],
        needs=tuple(entry["needs"]),
        sends=tuple(entry["sends"]),
        reads=tuple(entry["reads"]),
        when=entry.get("when"),
        about=MappingProxyType({name: _places(said) for name, said in entry.get("about", {}).items()}),
    )


def _read(path: Path) -> Interface:
    return read(path, _name(path), strict=True, root=ROOT)


def _name(path: Path) -> str:
    # Relative to the library, so that findings and digests read the same on every machine.
    return path.relative_to(ROOT).as_posix()


def _broken(path: Path, message: str) -> SpecError:
    return SpecError([Finding("library", Severity.ERROR, message, _name(path))])


def _places(said: str | Sequence[str]) -> tuple[str, ...]:
    return (said,) if isinstance(said, str) else tuple(said)
