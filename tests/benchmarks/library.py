"""The library's datasets judged by their own suites, and every two of them compared person by person.

`TONGBAN_BENCH_ROWS` (default 1000000) sizes the datasets; the many spoiled ones that suites are tried on have a tenth
of it. Tables of APIs whose persons are all of the population take part. Files are deleted as soon as they were looked
at.
"""

from __future__ import annotations

import os
import resource
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from exchange.bench import row
from mockdata.defects import Defects, conflicts, read_defects, spoiled
from mockdata.defects.contradictions import Dataset, contradictions, persons
from mockdata.defects.declared import declared
from mockdata.defects.ledger import Ledger, write_ledger
from mockdata.defects.rules import KINDS, ROW_KINDS, Rule
from mockdata.defects.target import Target, swaps, targets
from mockdata.population import Population
from mockdata.quality import Judge
from mockdata.quality.quality import QualityResult, check_all
from mockdata.scenarios import packs
from mockdata.tables.columns import FromRegister, innermost
from mockdata.tables.plan import Column, Plan, PlanError, plan
from mockdata.tables.relations import component_tables
from mockdata.tables.write import write
from specs import library
from specs.model import Interface, Table

ROWS = int(os.environ.get("TONGBAN_BENCH_ROWS", 1_000_000))
SEED = 1
RATE = 0.005
"""Share of the cells of a column that are spoiled."""
MOST = 100_000
"""Contradictions of one fact that are told by name: more than are ever asked for here."""
TOGETHER = 6
"""Spoiled files that are on disk at once."""


@dataclass(frozen=True)
class Shipped:
    """One table of the library that is made from a register."""

    interface: Interface
    table: Table
    plan: Plan

    @property
    def name(self) -> str:
        return f"{self.interface.id} {self.table.name}"

    def rows(self, wanted: int) -> int:
        return wanted if self.plan.limit is None else min(wanted, self.plan.limit)

    def target(self, folder: Path, ending: str = "parquet") -> Path:
        return folder / f"{self.interface.id}.{self.table.name}.{ending}"

    def at(self, folder: Path, ending: str = "parquet") -> Dataset:
        return Dataset(self.target(folder, ending), self.interface, self.table)


@dataclass
class Agreement:
    """What comparing datasets came to: facts compared, contradictions found, those declared, missed and undeclared."""

    pairs: int = 0
    strangers: int = 0
    compared: int = 0
    found: int = 0
    declared: int = 0
    missed: int = 0
    undeclared: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, other: Agreement) -> None:
        for name in ("pairs", "strangers", "compared", "found", "declared", "missed", "undeclared"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.examples += other.examples

    @property
    def exact(self) -> bool:
        return not self.missed and not self.undeclared


def measure(rows: int = ROWS, population: Population | None = None) -> list[dict[str, Any]]:
    """Rows for `exchange.bench`."""
    began = time.perf_counter()
    world = population or Population(SEED)
    tables = list(shipped(world))
    with tempfile.TemporaryDirectory(prefix="tongban-library-") as scratch, Judge() as judge:
        clean, dirty = Path(scratch) / "clean", Path(scratch) / "dirty"
        clean.mkdir()
        found = [_passes(one, rows, clean, judge) for one in tables]
        agreed = {one.name: Agreement() for one in tables}
        everything = Agreement()
        for one, other in combinations(tables, 2):
            _tell(f"joining {one.name} and {other.name}")
            had = agreement(one.at(clean), other.at(clean))
            everything.add(had)
            agreed[one.name].add(had)
            agreed[other.name].add(had)
        found += [_compared(f"{name} against all others", had) for name, had in agreed.items()]
        found.append(_compared("all pairs", everything))
        found += _disagreeing(world, rows, dirty)
        found += _spoiled_facts(tables, rows, clean, dirty)
        shutil.rmtree(clean)
        found += _spoiled_suites(tables, rows, dirty, judge)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found.append(row("peak memory, without the judge's", round(peak), "MiB", "", None, "", None))
    found.append(row("time", round(time.perf_counter() - began), "s", "", None, "", None))
    return found


def shipped(world: Population) -> Iterator[Shipped]:
    """Every table of the library whose rows come from a register, as far as all persons in them do."""
    for interface in library.interfaces().values():
        for table in (*interface.tables, *component_tables(interface)):
            try:
                made = plan(interface, table, world)
            except PlanError:
                continue  # an API's record that is no table
            if made.register is not None and all(map(_known, made.columns)):
                yield Shipped(interface, table, made)


def _known(column: Column) -> bool:
    """Whether a citizen number is somebody's: one who applies for others is no part of a register."""
    return "GMSFHM" not in column.source or isinstance(innermost(column.recipe), FromRegister)


def agreement(left: Dataset, right: Dataset, *ledgers: Path | None) -> Agreement:
    """Two datasets compared; with ledgers (of the left, of the right) what they declare is held against it."""
    asked: dict[tuple[str, str, str], frozenset[str]] = declared(left, right, *ledgers) if any(ledgers) else {}
    had = Agreement(pairs=1)
    found: dict[tuple[str, str, str], frozenset[str]] = {}
    for one in contradictions(left, right, MOST):
        key = one.fact, one.left, one.right
        had.compared += one.compared
        had.found += one.contradictions
        found[key] = found.get(key, frozenset()) | frozenset(one.persons)
    for (fact, first, second), told in found.items():
        said = asked.get((fact, first, second), frozenset())
        had.declared += len(said)
        had.missed += len(said - told)
        had.undeclared += len(told - said)
        if told != said:
            had.examples.append(f"{fact} of {min(told ^ said)}: {first}, {second}")
    had.strangers = int(not had.compared)
    return had


def _tell(step: str) -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{time.strftime('%H:%M:%S')}  {peak:,} MiB  {step}", file=sys.stderr, flush=True)


def _passes(one: Shipped, rows: int, folder: Path, judge: Judge) -> dict[str, Any]:
    began = time.perf_counter()
    count = one.rows(rows)
    target = one.target(folder)
    write(one.plan, count, target)
    written = time.perf_counter() - began
    (result,) = check_all([(target, one.interface, one.table)], judge=judge)
    for outcome in result.failed:
        _tell(f"{one.name}: {outcome.column} {outcome.rule} {outcome.examples}")
    held = len(result.outcomes) - len(result.failed)
    _tell(f"{one.name}: {count:,} rows in {written:.1f} s, judged in {time.perf_counter() - began - written:.1f} s")
    return row(
        f"{one.name} passes its suite", held, "expectations", f"{len(result.outcomes)}, {result.rows:,} rows",
        round(held / len(result.outcomes), 3), "all", result.success and not result.failed and result.rows == count,
    )  # fmt: skip


def _compared(name: str, had: Agreement) -> dict[str, Any]:
    for example in had.examples[:3]:
        _tell(f"{name}: {example}")
    told = f"{had.compared:,} facts, {had.pairs} pairs ({had.strangers} with nothing in common)"
    return row(name, had.found, "contradictions", told, None, "= 0", had.found == 0)


def _held(name: str, had: Agreement) -> dict[str, Any]:
    for example in had.examples[:3]:
        _tell(f"{name}: {example}")
    told = f"{had.declared:,} declared, {had.missed} missed, {had.undeclared} others"
    return row(name, had.found, "contradictions", told, None, "exactly those", had.exact and had.declared > 0)


def _disagreeing(world: Population, rows: int, folder: Path) -> list[dict[str, Any]]:
    """Departments that disagree: what joins find against the ledgers of conflicts."""
    pack = packs()["conflicts"]
    tables = list(shipped(Population(world.seed, world.size, world.as_of, world.identifiers, [pack])))
    folder.mkdir()
    ledgers: dict[str, Path | None] = {}
    for one in tables:
        _tell(f"{one.name}, departments disagree")
        write(one.plan, one.rows(rows), one.target(folder))
        known = conflicts.conflicted(one.plan)
        ledgers[one.name] = (
            conflicts.write_conflicts(one.plan, one.table, one.rows(rows), one.target(folder))[0] if known else None
        )
    found = {name: Agreement() for name, ledger in ledgers.items() if ledger is not None}
    others = Agreement()
    for one, other in combinations(tables, 2):
        _tell(f"joining {one.name} and {other.name}, departments disagree")
        had = agreement(one.at(folder), other.at(folder), ledgers[one.name], ledgers[other.name])
        for name in {one.name, other.name} & found.keys():
            found[name].add(had)
        if not {one.name, other.name} & found.keys():
            others.add(had)
    shutil.rmtree(folder)
    return [
        *(_held(f"conflicts: {name} against all others", had) for name, had in found.items()),
        _compared("conflicts: pairs of departments that have none", others),
    ]


def _spoiled_facts(tables: Sequence[Shipped], rows: int, clean: Path, folder: Path) -> list[dict[str, Any]]:
    """Defects in facts about persons: what joins with the clean datasets find against the ledger."""
    found = []
    for one in tables:
        for defects in _of_facts(one):
            folder.mkdir()
            told = Agreement()
            ledger = _spoil(one, defects, one.rows(rows), one.target(folder))
            for other in tables:
                if other.name != one.name:
                    told.add(agreement(one.at(folder), other.at(clean), folder / ledger.file, None))
            kinds = ", ".join(f"{kind} {count:,}" for kind, count in ledger.kinds.items())
            _tell(f"{one.name} spoiled ({kinds})")
            shutil.rmtree(folder)
            if told.compared:
                found.append(_held(f"defects: {one.name} ({', '.join(ledger.kinds)}) against all others", told))
    return found


def _of_facts(one: Shipped) -> Iterator[Defects]:
    """Wrong values in every fact about a person, and citizen numbers that have changed places."""
    known = targets(one.plan, one.interface, one.table)
    told = persons(one.interface, one.table)
    numbers = {facts["citizen_number"].column for facts in told.values()}
    names = {how.column for facts in told.values() for how in facts.values() if how.sql == f'"{how.column}"'} - numbers
    rules = [_wrong(known[name]) for name in known if name in names]
    if rules:
        yield Defects(tuple(rules))
    pairs = [pair for pair in swaps(known) if set(pair) <= numbers]
    if pairs:
        yield Defects(tuple(Rule("swapped", RATE, pair) for pair in pairs))


def _wrong(target: Target) -> Rule:
    if target.dated:
        return Rule("late", RATE, (target.name,))
    if target.number:
        return Rule("unit", RATE, (target.name,))
    if target.codes:
        return Rule("code", RATE, (target.name,))
    form = ("swapped", "name-order") if target.attribute == "name" else ("malformed", "blanks")
    return Rule(form[0], RATE, (target.name,), (form[1],))


def _spoil(one: Shipped, defects: Defects, rows: int, target: Path) -> Ledger:
    format = target.suffix[1:]
    dirty = spoiled(one.plan, defects, one.interface, one.table, format=format, rows=rows)
    ledger = write_ledger(dirty.finish, one.interface, one.table, rows, target)
    write(dirty, rows, target, format)
    return ledger


def _spoiled_suites(tables: Sequence[Shipped], rows: int, folder: Path, judge: Judge) -> list[dict[str, Any]]:
    """Every kind of defect in every column that can have it: does the suite fail on exactly the columns it must?"""
    found = []
    cells: Counter[tuple[str, bool]] = Counter()
    for one in tables:
        files = exact = fails = 0
        asked = [(defects, max(min(rows, 2000), rows // 10)) for defects in spoilings(one)]
        asked.append((read_defects("missing=0.01,malformed=0.01,code=0.01,range=0.01,late=0.01,duplicate=0.001"), rows))
        for start in range(0, len(asked), TOGETHER):
            folder.mkdir()
            jobs, must, said = [], [], []
            for number, (defects, count) in enumerate(asked[start : start + TOGETHER]):
                text = any(rule.kind == "type" for rule in defects.rules)
                target = one.target(folder, f"{number}.{'csv' if text else 'parquet'}")
                defects = _possible(one, defects, target.suffix[1:])
                if not defects.rules:
                    continue
                ledger = _spoil(one, defects, one.rows(count), target)
                jobs.append((target, one.interface, one.table))
                must.append(set(ledger.failing_columns))
                said.append(", ".join(map(str, defects.rules)))
                cells.update(_seen(folder / ledger.file))
            for result, columns, text in zip(check_all(jobs, judge=judge), must, said, strict=True):
                files += 1
                fails += len(columns)
                exact += _exactly(one, result, columns, text)
            shutil.rmtree(folder)
            _tell(f"{one.name}: {exact} of {files} spoiled files fail as they must")
        found.append(
            row(f"{one.name} spoiled", exact, "files fail exactly", f"{files} files, {fails} columns",
                round(exact / max(1, files), 3), "all", exact == files > 0)
        )  # fmt: skip
    for kind in sorted({kind for kind, _ in cells}):
        seen, hidden = cells[kind, True], cells[kind, False]
        found.append(
            row(f"cells a suite sees: {kind}", seen, "cells", f"{seen + hidden:,}", round(seen / (seen + hidden), 3),
                "", None)
        )  # fmt: skip
    return found


def spoilings(one: Shipped) -> Iterator[Defects]:
    """Defects that bring every form of every kind to every column that can have it, to half of the columns at once at
    most, so that each file has columns that must not fail."""
    known = targets(one.plan, one.interface, one.table)
    yield from (Defects((Rule(kind, RATE),)) for kind in ROW_KINDS)
    yield from (Defects((Rule("swapped", RATE, pair),)) for pair in swaps(known))
    files: dict[tuple[bool, int], list[Rule]] = {}
    for place, target in enumerate(known.values()):
        turn = {False: 0, True: 0}
        for kind, forms in KINDS.items():
            if kind in ROW_KINDS or target.why_not(kind) is not None:
                continue
            for form in forms or ("",):
                if form == "columns" or (form == "name-order" and target.attribute != "name"):
                    continue
                text = kind == "type"
                rule = Rule(kind, RATE, (target.name,), (form,) if form else ())
                files.setdefault((text, 2 * turn[text] + place % 2), []).append(rule)
                turn[text] += 1
    yield from (Defects(tuple(rules)) for rules in files.values())


def _possible(one: Shipped, defects: Defects, format: str) -> Defects:
    """Those of the rules that the table can have: not every text has digits, and some keys all exist."""
    fits = []
    for rule in defects.rules:
        try:
            spoiled(one.plan, Defects((rule,)), one.interface, one.table, format=format, rows=1)
            fits.append(rule)
        except PlanError:
            continue
    return Defects(tuple(fits), defects.salt)


def _seen(ledger: Path) -> Counter[tuple[str, bool]]:
    """Cells by kind (and form, for those that have named ones) and whether the suite sees them."""
    told = pq.read_table(ledger, columns=["kind", "form", "visible"])
    counted = told.group_by(["kind", "form", "visible"]).aggregate([([], "count_all")]).to_pylist()
    cells: Counter[tuple[str, bool]] = Counter()
    for entry in counted:
        form = entry["form"] if entry["form"] in KINDS[entry["kind"]] else "columns" * (entry["kind"] == "swapped")
        cells[f"{entry['kind']} {form}".strip(), entry["visible"]] += entry["count_all"]
    return cells


def _exactly(one: Shipped, result: QualityResult, columns: set[str], text: str) -> bool:
    failed = set(result.failed_columns)
    if failed != columns:
        _tell(f"{one.name} with {text}: fails on {sorted(failed - columns)}, not on {sorted(columns - failed)}")
    return failed == columns
