"""Where two datasets disagree about the same persons: joined on citizen number, every fact both of them tell compared.

A dataset may tell of several persons a row (husband and wife, mother and father); each is joined by its own number. Two
values contradict each other when both are there and differ. What is compared follows from the data elements of the
columns, declared or inferred as for generation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mockdata.population.attributes import ATTRIBUTES
from mockdata.population.registers import register
from mockdata.quality.expectations import literal, quoted
from mockdata.tables.binding import bind
from specs.model import Interface, Table

MEMORY = "768MB"
"""What a comparison keeps in memory, whatever the size of the datasets."""
_OF_THE_RECORD = frozenset({"updated_at", "registered_at"})
"""Facts about the entry in a register and not about the person."""
_IN_FORCE = "20"
_EMPLOYER = ("employer_uscc", "employer_name")
_COUPLE = {"NAN": "NV", "NV": "NAN"}
_RELATIVES = frozenset({"FQ", "MQ", "PO", "HZ", "JHR", "JHRY"})
"""Qualifiers of other persons that are facts of the person a row is about."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """A Parquet, CSV or JSON Lines file (or folder of parts) of an interface's table."""

    path: Path
    interface: Interface
    table: Table


@dataclass(frozen=True, slots=True)
class Told:
    """How a table tells a fact of a person: the column, and the SQL of the value."""

    column: str
    sql: str


@dataclass(frozen=True, slots=True)
class Contradiction:
    """One fact told twice: the columns, the persons both datasets tell it of, and those whose values differ.
    `persons`: some of their citizen numbers, the first in ascending order."""

    fact: str
    left: str
    right: str
    compared: int
    contradictions: int
    persons: tuple[str, ...]


def contradictions(left: Dataset, right: Dataset, examples: int = 10) -> tuple[Contradiction, ...]:
    """Every fact both datasets tell of the same persons, with the number of contradictions (0 where they agree).

    Values are compared as text, by digests of 64 bits; of a person in several rows all are. A dataset can be compared
    with itself. Raises duckdb.Error for unreadable files, KeyError for an element nobody knows.
    """
    found: list[Contradiction] = []
    with opened() as connection:
        for one in persons(left.interface, left.table).values():
            for other in persons(right.interface, right.table).values():
                facts = sorted(one.keys() & other.keys() - {"citizen_number"})
                if facts:
                    found += _compare(connection, facts, (left, one), (right, other), examples)
    return tuple(sorted(found, key=lambda one: (one.fact, one.left, one.right)))


@contextmanager
def opened() -> Iterator[Any]:
    """A connection of DuckDB that puts on disk what is beyond its share of memory."""
    import duckdb

    with (
        TemporaryDirectory(prefix="tongban-join-") as folder,
        duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": folder}) as connection,
    ):
        yield connection


def persons(interface: Interface, table: Table) -> dict[str, dict[str, Told]]:
    """The persons a table tells of, by qualifier ("" whom the row is about): fact → how it is told, the citizen
    number among them. Facts of relatives are called `MQ.name`. Raises KeyError for an element nobody knows.
    """
    told: dict[str, dict[str, Told]] = {}
    rows = register(table.register) if table.register else None
    entry: dict[str, str] = {}
    for field in table.fields:
        binding = bind(field, interface, table)
        fact = None if binding is None else binding.element.attribute
        if binding is None or fact is None:
            continue
        role = binding.qualifier or ""
        if not role:
            entry.setdefault(fact, field.name)
        if not role and rows is not None and fact in rows.facts and not rows.personal(fact):
            continue  # of the row and not of the person, like the employer of one month
        if fact in ATTRIBUTES and fact not in _OF_THE_RECORD:
            told.setdefault(role, {}).setdefault(fact, Told(field.name, quoted(field.name)))
    found = {role: dict(facts) for role, facts in told.items() if "citizen_number" in facts}
    for role in _RELATIVES & told.keys() if "" in found else ():
        found[""] |= {f"{role}.{fact}": how for fact, how in told[role].items()}
    if "" in found and "left_on" in entry:
        found[""] |= _still(entry, found[""])
    for role in found.keys() & _COUPLE.keys() if "marriage_state" in entry else ():
        found[role] |= _in_force(entry["marriage_state"], told.get(_COUPLE[role], {}))
    return found


def _still(entry: Mapping[str, str], known: Mapping[str, Told]) -> dict[str, Told]:
    """What an employment that has not ended tells of a person: the employer."""
    there = [fact for fact in _EMPLOYER if fact in entry and fact not in known]
    when = f"CASE WHEN {quoted(entry['left_on'])} IS NULL THEN"
    return {fact: Told(entry[fact], f"{when} {quoted(entry[fact])} END") for fact in there}


def _in_force(state: str, spouse: Mapping[str, Told]) -> dict[str, Told]:
    """What a marriage in force tells of either partner: that he is married, and to whom."""
    when = f"CASE WHEN {quoted(state)} = '{_IN_FORCE}' THEN"
    facts = {f"PO.{fact}": Told(how.column, f"{when} {how.sql} END") for fact, how in spouse.items()}
    return {"marital_status": Told(state, f"{when} '{_IN_FORCE}' END"), **facts}


def source(dataset: Dataset) -> str:
    """The rows of a dataset as a table function of DuckDB."""
    path = dataset.path
    files = literal(f"{path}/*{path.suffix}" if path.is_dir() else path)
    readers: Mapping[str, str] = {
        ".csv": f"read_csv({files}, header = true, all_varchar = true)",
        ".jsonl": f"read_json({files}, format = 'newline_delimited')",
    }
    return readers.get(path.suffix, f"read_parquet({files})")


def _compare(
    connection: Any,
    facts: list[str],
    left: tuple[Dataset, Mapping[str, Told]],
    right: tuple[Dataset, Mapping[str, Told]],
    examples: int,
) -> list[Contradiction]:
    asked = []
    for at in range(len(facts)):
        both = f"l.low{at} IS NOT NULL AND r.low{at} IS NOT NULL"
        differ = f"{both} AND (l.low{at} <> r.low{at} OR l.high{at} <> r.high{at} OR l.low{at} <> l.high{at})"
        asked += [
            f"COUNT(*) FILTER ({both})",
            f"COUNT(*) FILTER ({differ})",
            f"min(number, {examples}) FILTER ({differ})",
        ]
    query = f"SELECT {', '.join(asked)} FROM {_side(facts, *left)} l JOIN {_side(facts, *right)} r USING (number)"
    answer = connection.execute(query).fetchone()
    found = []
    for at, fact in enumerate(facts):
        compared, differing, numbers = answer[3 * at : 3 * at + 3]
        names = [f"{dataset.interface.id}.{how[fact].column}" for dataset, how in (left, right)]
        found.append(Contradiction(fact, names[0], names[1], compared, differing, tuple(numbers or ())))
    return found


def digest(told: Told) -> str:
    """The SQL of a value's text as a number of 64 bits, null for nothing and for empty text: millions of persons and
    ten facts of each fit into memory."""
    text = f"NULLIF(CAST({told.sql} AS VARCHAR), '')"
    return f"CASE WHEN {text} IS NOT NULL THEN hash({text}) END"


def _side(facts: list[str], dataset: Dataset, told: Mapping[str, Told]) -> str:
    """One row a person: the least and the greatest digest of what is told of each fact."""
    number = told["citizen_number"].sql
    values = [digest(told[fact]) for fact in facts]
    ends = "".join(f", min({value}) AS low{at}, max({value}) AS high{at}" for at, value in enumerate(values))
    return f"(SELECT {number} AS number{ends} FROM {source(dataset)} WHERE {number} <> '' GROUP BY 1)"
