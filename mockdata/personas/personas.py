"""Personas: who they are, how they are found, what is known about them and where.

A persona is the first person, in the order in which persons come into datasets, who fits its description on the base
date. So it is somebody in every population of a seed, stands among the first rows of large datasets, and has the same
facts in every department's data. One that a small population has nobody for is left out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from mockdata.population import Population
from mockdata.population.population import AS_OF
from mockdata.population.registers import register
from specs import elements
from specs.model import Interface

_FILE = Path(__file__).parent / "personas.yaml"
FACTS = ("sex", "birth_date", "ethnic_group", "division_name", "marital_status", "occupation")
"""What is told of every persona besides name and number."""


@dataclass(frozen=True, slots=True)
class Shown:
    """An interface that has a record of the persona: which table, under which key element."""

    interface: str
    table: str
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Persona:
    """One of the golden people. `relatives`: role → (citizen number, name); `title` and `story` by language."""

    id: str
    title: Mapping[str, str]
    story: Mapping[str, str]
    index: int
    citizen_number: str
    name: str
    facts: Mapping[str, Any]
    relatives: Mapping[str, tuple[str, str]]
    shown: tuple[Shown, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "facts": {name: str(value) for name, value in self.facts.items() if value is not None}}


@cache
def _entries() -> tuple[dict[str, Any], ...]:
    import yaml

    return tuple(yaml.safe_load(_FILE.read_text(encoding="utf-8"))["personas"])


def personas(population: Population) -> tuple[Persona, ...]:
    """The personas of a population, in the order of the documentation."""
    base = population
    if population.as_of != AS_OF:  # who they are does not change with the day
        base = Population(population.seed, population.size, AS_OF, population.identifiers, population.scenarios)
    golden = base.golden()
    taken = set(golden.values())
    found = []
    for entry in _entries():
        index = golden[entry["golden"]] if "golden" in entry else _find(base, entry, taken)
        if index >= 0:
            taken.add(index)
            found.append(_persona(population, entry, index))
    return tuple(found)


def _find(population: Population, entry: Mapping[str, Any], taken: Collection[int]) -> int:
    """The person of an entry: nobody is two personas."""
    if "take" not in entry:
        return population.first(entry["where"], taken)
    index = population.first(entry["where"])
    return index if index < 0 else int(getattr(population, entry["take"])([index])[0])


def _persona(population: Population, entry: Mapping[str, Any], index: int) -> Persona:
    roles = [role for role in entry["relatives"] if getattr(population, role)([index])[0] not in (-1, index)]
    wanted = ["citizen_number", "name", *FACTS]
    wanted += [f"{role}.{fact}" for role in roles for fact in ("citizen_number", "name")]
    record = population.record(index, wanted)
    return Persona(
        id=entry["id"], title=entry["title"], story=entry["story"], index=index,
        citizen_number=record["citizen_number"], name=record["name"], facts={name: record[name] for name in FACTS},
        relatives={role: (record[f"{role}.citizen_number"], record[f"{role}.name"]) for role in roles},
        shown=_shown(population, record["citizen_number"]),
    )  # fmt: skip


def _shown(population: Population, number: str) -> tuple[Shown, ...]:
    """The shipped datasets with a record of this person, and the key that leads to it."""
    found = []
    for interface, table, name, held in _datasets():
        view = register(name)
        for key, find in view.keys.items():
            element = elements.find(key)
            if element is None or element[1].attribute != "citizen_number":
                continue
            subject = find(population, pa.array([number], pa.string()))
            if subject[0] >= 0:
                # a table without the person's own number is looked up by its other key
                by = key if key in held else held[0]
                value = number if by == key else str(view.describe(population, subject, [by])[by][0])
                found.append(Shown(interface, table, by, value))
                break
    return tuple(found)


@cache
def _datasets() -> tuple[tuple[str, str, str, tuple[str, ...]], ...]:
    """Interface, table, register and the keys of the register that the table holds, for every shipped dataset."""
    from specs import library

    known: Mapping[str, Interface] = library.interfaces()
    found = []
    for one in known.values():
        for table in one.tables:
            if table.register is not None:
                keys = register(table.register).keys
                held = tuple(field.element for field in table.fields if field.element in keys)
                found.append((one.id, table.name, table.register, tuple(map(str, held))))
    return tuple(found)
