"""Where two datasets disagree about the same persons: joined on citizen number, every fact both of them tell compared.

A dataset may tell of several persons a row (husband and wife, mother and father); each is joined by its own number. Two
values contradict each other when both are there and differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mockdata.population.attributes import ATTRIBUTES
from mockdata.population.registers import register
from mockdata.quality.expectations import literal, quoted
from specs import elements
from specs.model import Interface, Table

_OF_THE_RECORD = frozenset({"updated_at", "registered_at"})
"""Facts about the entry in a register and not about the person."""
_IN_FORCE = "20"


@dataclass(frozen=True, slots=True)
class Dataset:
    """A Parquet, CSV or JSON Lines file (or folder of parts) of an interface's table."""

    path: Path
    interface: Interface
    table: Table


@dataclass(frozen=True, slots=True)
class Contradiction:
    """One fact told twice: the columns, the persons both datasets know, and those whose values differ. `persons`: some
    of their citizen numbers, the first in ascending order."""

    fact: str
    left: str
    right: str
    compared: int
    contradictions: int
    persons: tuple[str, ...]


def contradictions(left: Dataset, right: Dataset, examples: int = 10) -> tuple[Contradiction, ...]:
    """Every fact both datasets tell of the same persons, with the number of contradictions (0 where they agree).

    Values are compared as text. Raises duckdb.Error for unreadable files.
    """
    import duckdb

    found = []
    with duckdb.connect() as connection:
        for facts in _roles(left.table).values():
            for others in _roles(right.table).values():
                for fact in facts.keys() & others.keys() - {"citizen_number"}:
                    pair = (facts["citizen_number"], facts[fact]), (others["citizen_number"], others[fact])
                    found.append(_compare(connection, fact, (left, *pair[0]), (right, *pair[1]), examples))
    return tuple(sorted(found, key=lambda one: (one.fact, one.left, one.right)))


def _roles(table: Table) -> dict[str, dict[str, str]]:
    """The persons a table tells of, by qualifier: fact → SQL of its value, the citizen number among them."""
    known: dict[str, dict[str, str]] = {}
    facts = register(table.register).facts if table.register else {}
    state = None
    for field in table.fields:
        element = elements.find(field.element) if field.element else None
        if element is None or element[1].attribute is None:
            continue
        qualifier, attribute = element[0] or "", element[1].attribute
        if attribute == "marriage_state" and not qualifier:
            state = quoted(field.name)
        own = facts.get(attribute) if not qualifier else None
        if own not in (None, ATTRIBUTES.get(attribute)):
            continue  # of the row and not of the person, like the employer of one month
        if attribute in ATTRIBUTES and attribute not in _OF_THE_RECORD:
            known.setdefault(qualifier, {}).setdefault(attribute, quoted(field.name))
    persons = {role: facts for role, facts in known.items() if "citizen_number" in facts}
    if state is not None:  # whoever has a marriage in force is married
        for role in persons.keys() & {"NAN", "NV"}:
            persons[role]["marital_status"] = f"CASE WHEN {state} = '{_IN_FORCE}' THEN '{_IN_FORCE}' END"
    return persons


def _source(dataset: Dataset) -> str:
    path = dataset.path
    files = literal(f"{path}/*{path.suffix}" if path.is_dir() else path)
    readers: Mapping[str, str] = {
        ".csv": f"read_csv({files}, header = true, all_varchar = true)",
        ".jsonl": f"read_json({files}, format = 'newline_delimited')",
    }
    return readers.get(path.suffix, f"read_parquet({files})")


def _compare(
    connection: Any, fact: str, left: tuple[Dataset, str, str], right: tuple[Dataset, str, str], examples: int
) -> Contradiction:
    def side(dataset: Dataset, number: str, value: str) -> str:
        told = f"SELECT {number} AS number, any_value(CAST({value} AS VARCHAR)) AS value FROM {_source(dataset)}"
        return f"({told} WHERE {number} IS NOT NULL AND {value} IS NOT NULL GROUP BY 1)"

    query = (
        f"SELECT COUNT(*), COUNT(*) FILTER (WHERE l.value <> r.value), "
        f"(min(number, {examples}) FILTER (WHERE l.value <> r.value)) "
        f"FROM {side(*left)} l JOIN {side(*right)} r USING (number)"
    )
    compared, differing, persons = connection.execute(query).fetchone()
    names = [f"{dataset.interface.id}.{value.split(chr(34))[1]}" for dataset, _, value in (left, right)]
    return Contradiction(fact, names[0], names[1], compared, differing, tuple(persons or ()))
