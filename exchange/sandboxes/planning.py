"""From a wish to plans: what the generator, the layout and the defects have against it, found before a job starts."""

from __future__ import annotations

import difflib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from exchange.catalogue.service import Catalogue
from exchange.errors import NotFound
from exchange.sandboxes.wishes import Faults, Wish
from specs import library
from specs.model import Interface, Table

if TYPE_CHECKING:
    from mockdata.defects import Defects
    from mockdata.population import Population
    from mockdata.scenarios.pack import Pack
    from mockdata.tables.layout import Layout
    from mockdata.tables.plan import Plan

PATIENCE = 0.7
"""Seconds for which records are counted while the asker waits; what takes longer is left to the job."""
SOON = 5000
"""Rows of a scenario pack that are found while the asker waits: the rarest pack takes half a second."""


@dataclass(frozen=True)
class Planned:
    """The tables of a wish, parents first, each with its plan, and how all of them lie on disk."""

    tables: tuple[Table, ...]
    plans: tuple[Plan, ...]
    layout: Layout


class Published(Mapping[str, Interface]):
    """Where foreign keys may lead: what the catalogue publishes, then the library."""

    def __init__(self, catalogue: Catalogue, own: Interface) -> None:
        self._catalogue, self._own = catalogue, own

    def __getitem__(self, id: str) -> Interface:
        if id == self._own.id:
            return self._own
        try:
            record = self._catalogue.interface(id)
        except NotFound:
            return library.interfaces()[id]
        return record.spec if record.state.live else library.interfaces()[id]

    def __iter__(self) -> Iterator[str]:
        return iter(library.interfaces())

    def __len__(self) -> int:
        return len(library.interfaces())


def planned(wish: Wish, spec: Interface, known: Mapping[str, Interface], size: int, faults: Faults) -> Planned | None:
    """Plans for every table of a wish; what cannot be goes to ``faults``, and then there is nothing.

    A condition that would have to look at many records to count them is left to the job.
    """
    from mockdata.tables.layout import Layout
    from mockdata.tables.place import PlanError
    from mockdata.tables.relations import tables_of

    tables: list[Table] = []
    try:
        tables = tables_of(spec, wish.table or None)
    except PlanError as error:
        faults.add("/table", str(error), error.hint)
    if wish.where is not None and len(tables) > 1:
        names = ", ".join(table.name for table in tables[:12])
        faults.add("/where", "a condition chooses the records of one table", f"name it in table: {names}")
    packs, dirt = _packs(wish, faults), _defects(wish, faults)
    if wish.where is not None and any(pack.rows for pack in packs):
        faults.add("/where", "a condition and a scenario pack both choose records", "use one of them")
    population = None if faults.at("as_of", "identifiers") else _population(wish, size, packs, faults)
    if population is None or faults.at("table"):
        return None
    layout = Layout(wish.format, wish.encoding, wish.partition_by, wish.part_rows)
    plans = [_plan(wish, spec, table, population, known, layout, dirt, faults) for table in tables]
    return Planned(tuple(tables), tuple(plan for plan in plans if plan is not None), layout)


def _plan(
    wish: Wish,
    spec: Interface,
    table: Table,
    population: Population,
    known: Mapping[str, Interface],
    layout: Layout,
    dirt: Defects | None,
    faults: Faults,
) -> Plan | None:
    from mockdata.tables.place import PlanError
    from mockdata.tables.plan import plan

    rows = wish.rows
    where = None if faults.at("where") else wish.where
    try:
        # as many parents may be named as there are rows, because so many of them would be delivered
        made = plan(spec, table, population, parent_rows=max(rows, 1), interfaces=known, where=where)
    except PlanError as error:
        _blame(error, "/where" if error.column == "where" else "/table", table, faults)
        if error.column != "where":
            return None
        made = plan(spec, table, population, parent_rows=max(rows, 1), interfaces=known)
    if not faults.at("rows"):
        _enough(made, rows, faults)
    if dirt is not None:
        made = _spoiled(made, dirt, spec, table, wish, faults)
    if not faults.at("format", "encoding", "rows"):
        _fits(made, layout, rows, faults)
    return made


def _spoiled(made: Plan, dirt: Defects, spec: Interface, table: Table, wish: Wish, faults: Faults) -> Plan:
    from mockdata.defects import spoiled
    from mockdata.tables.place import PlanError

    before = len(faults.found)
    # every rule by itself, so that all that is wrong is told; then together
    for rules in (*((rule,) for rule in dirt.rules), dirt.rules):
        if len(rules) > 1 and len(faults.found) > before:
            return made
        try:
            last = spoiled(made, replace(dirt, rules=rules), spec, table, format=wish.format, rows=wish.rows)
        except PlanError as error:
            _blame(error, "/defects", table, faults)
    return made if len(faults.found) > before else last


def _enough(made: Plan, rows: int, faults: Faults) -> None:
    """What is wrong with the number of rows, where that is known soon."""
    import numpy as np

    from mockdata.tables.chosen import PATTERN, TooFew
    from mockdata.tables.place import PlanError
    from mockdata.tables.records import places

    try:
        replace(made, where=None).allow(rows)
        if made.where is not None:
            if counted(made, rows, PATIENCE) is not None:
                made.where.allow(rows)
        elif made.world.scenarios and rows <= SOON:
            places(made, np.arange(max(0, rows - PATTERN), rows))
    except TooFew as error:
        faults.add("/rows", str(error), "ask for fewer rows")
    except PlanError as error:
        faults.add("/rows", str(error), error.hint)


class _Enough(Exception):
    """Ends a count that takes long."""


def counted(made: Plan, rows: int, seconds: float) -> int | None:
    """How many of so many rows there are; None when it takes longer to find out. What was counted is remembered."""
    end = time.monotonic() + seconds

    def told(_looked: int, _found: int) -> None:
        if time.monotonic() > end:
            raise _Enough

    try:
        return rows if made.where is None else made.where.reach(rows, told=told)
    except _Enough:
        return None


def _fits(made: Plan, layout: Layout, rows: int, faults: Faults) -> None:
    from mockdata.tables.layout import LayoutError

    names = [column.name for column in made.columns]
    for number, name in enumerate(layout.partition_by):
        if name not in names:
            near = difflib.get_close_matches(name, names, 3, 0.4) or names[:8]
            said = f"{made.table} has no column {name[:60]!r} to partition by"
            faults.add(f"/partition_by/{number}", said, f"there is: {', '.join(near)}")
    if faults.at("partition_by"):
        layout = replace(layout, partition_by=())
    known = (counted(made, rows, 0.0) or 0) >= rows
    for part, looked, pointer in (
        (replace(layout, partition_by=()), rows, "/rows"),
        # whether the folders are too many is seen in rows; where those have to be searched for the job will tell
        (layout, rows if known else 0, "/partition_by"),
    ):
        try:
            part.allow(made, looked)
        except LayoutError as error:
            faults.add(pointer, str(error), error.hint)
            break


def _blame(error: Any, pointer: str, table: Table, faults: Faults) -> None:
    place = f" ({table.name}{f', {error.pointer}' if error.pointer else ''})"
    faults.add(pointer, f"{error}{'' if pointer == '/where' else place}", error.hint)


def _population(wish: Wish, size: int, packs: tuple[Pack, ...], faults: Faults) -> Population | None:
    from mockdata.tables.plan import World

    try:
        return World(wish.seed, size, date.fromisoformat(wish.as_of), wish.identifiers, packs).open()
    except ValueError as error:
        faults.add("/as_of", str(error))
        return None


def _packs(wish: Wish, faults: Faults) -> tuple[Pack, ...]:
    from mockdata.scenarios.pack import packs

    # shipped packs only: a name that is a path must not open a file of this machine
    shipped = packs() if wish.scenarios else {}
    found = []
    for number, name in enumerate(wish.scenarios):
        if name not in shipped:
            faults.add(f"/scenarios/{number}", f"there is no pack {name[:60]!r}", f"there are {', '.join(shipped)}")
        elif shipped[name] not in found:
            found.append(shipped[name])
    chosen = sum(pack.rows[1] for pack in found if pack.rows is not None)
    if chosen > 1:
        faults.add("/scenarios", f"the packs choose {chosen:.0%} of the rows", "use fewer of them")
    return tuple(found)


def _defects(wish: Wish, faults: Faults) -> Defects | None:
    from mockdata.defects import DefectsError, rules_of

    if wish.defects is None:
        return None
    try:
        return rules_of(wish.defects)
    except DefectsError as error:
        faults.add("/defects", str(error), error.hint)
        return None
