"""Datasets of the records for which a condition holds: "pensioners in Hangzhou".

Row i of such a dataset is the i-th record, in the order all datasets have, for which the condition is true. How many
there are in each block of candidates is counted once, before the work is shared out; with those counts any worker finds
any row by looking at one block, so parts stay independent of each other. Conditions on the division alone are asked
once a division, and cells of the population without one are never looked at.
"""

from __future__ import annotations

import pickle
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mockdata import kernels
from mockdata.seeds import Ints
from mockdata.tables.columns import FromRegister, innermost
from mockdata.tables.expressions import Expression, ExpressionError, compile
from mockdata.tables.expressions.nodes import STRING, Node
from mockdata.tables.place import PlanError
from mockdata.tables.sampling import CELL, Sample, sample
from mockdata.tables.scale import others

if TYPE_CHECKING:
    from mockdata.population import Population
    from mockdata.population.registers import Register
    from mockdata.tables.plan import Plan

BLOCK = 65_536
"""Candidates that are counted together."""
KEPT = 16
"""Blocks whose matches are remembered."""
PATIENCE = 1 << 24
"""Candidates of a table without a register that are looked at in vain before a condition counts as never true."""
MANY, TOGETHER = 8, 8
"""Blocks from which compiled loops are worth their loading, and blocks one worker counts at a time."""
SHORT = 2.0
"""Seconds a search may last before it is shared out: starting processes takes about as long."""
AGE = "age"
QUICK = frozenset({AGE, "sex", "birth_date", "division", "division_name", "province"})
"""Facts that cost little."""

Told = Callable[[int, int], None]


class Where:
    """The records of a plan for which `text` (CEL) holds. Raises PlanError when the text is no condition over it."""

    def __init__(self, text: str, plan: Plan) -> None:
        self.text = text
        self._plan = plan
        self._counted = np.zeros(0, dtype=np.int64)
        self._found: dict[int, Ints] = {}
        self._lock = Lock()
        self._types = self._known()
        try:
            self.condition: Expression = compile(text, self._types)
        except ExpressionError as error:
            raise self._fault(str(error)) from None
        if self.condition.kind not in ("bool", None):
            raise self._fault(f"gives a {self.condition.kind}, not true or false")
        if self.condition.kind is None:
            self._holds(self._candidates(0, 64))

    def __getstate__(self) -> dict[str, Any]:
        # the counts travel to other processes, what can be made again does not
        left = ("_lock", "_found", "_sample")
        return {name: value for name, value in self.__dict__.items() if name not in left}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock, self._found = Lock(), {}

    def allow(self, rows: int) -> None:
        """Nothing when there are so many records. Raises PlanError telling how many there are."""
        found = self.reach(rows)
        if found < rows:
            looked = "" if self._plan.register else f" among the first {len(self._counted) * BLOCK:,} rows"
            raise self._fault(f"holds for {found:,} records{looked}, not for {rows:,}",
                              "ask for fewer rows, a wider condition or a larger population")  # fmt: skip

    def reach(self, rows: int, workers: int = 1, told: Told | None = None) -> int:
        """Counts until so many records are found: how many there are, `rows` at most. `told` hears how many records
        were looked at and how many of them found. What lasts is shared out among `workers`.
        """
        kernels.load(rows)
        with self._lock:
            began = time.monotonic()
            while self._open(rows):
                block = len(self._counted)
                if block >= MANY:
                    kernels.load(kernels.LARGE)
                if workers > 1 and time.monotonic() - began > SHORT:
                    self._shared_out(rows, workers, told)
                    break
                matches = self._matches(block)
                if matches is None:
                    break
                self._count([len(matches)], told)
        return min(self._so_far(), rows)

    def _open(self, rows: int) -> bool:
        """Whether more records are to be looked at."""
        if not rows or (len(self._counted) and self._counted[-1] >= rows):
            return False
        looked = len(self._counted) * BLOCK
        return self._sample is not None or looked < PATIENCE * (1 + self._so_far() // 100)

    def _count(self, found: list[int], told: Told | None) -> None:
        """Takes down what was found in the next blocks."""
        self._counted = np.append(self._counted, self._so_far() + np.cumsum(np.array(found, dtype=np.int64)))
        if told is not None:
            told(len(self._counted) * BLOCK, self._so_far())

    def _shared_out(self, rows: int, workers: int, told: Told | None) -> None:
        """Goes on counting with several processes; the counts come in order, whoever made them."""
        mine = pickle.dumps(self)
        begin = len(self._counted)
        with others(workers - 1) as pool:
            waiting: deque[Future[list[int]] | list[int]] = deque()
            try:
                while self._open(rows):
                    for _ in range(workers - 1 - sum(isinstance(one, Future) and not one.done() for one in waiting)):
                        waiting.append(pool.submit(_counts, mine, begin, begin + TOGETHER))
                        begin += TOGETHER
                    first = waiting[0]
                    if isinstance(first, Future) and not first.done():  # meanwhile this process counts on
                        waiting.append(self.counts(begin, begin + TOGETHER))
                        begin += TOGETHER
                        continue
                    waiting.popleft()
                    found = first.result() if isinstance(first, Future) else first
                    for one in found:  # no further than a single process would have come
                        if self._open(rows):
                            self._count([one], None)
                    if told is not None:
                        told(len(self._counted) * BLOCK, self._so_far())
                    if len(found) < TOGETHER:
                        break
            finally:
                for future in waiting:
                    if isinstance(future, Future):
                        future.cancel()

    def counts(self, start: int, stop: int) -> list[int]:
        """How many records there are in each of these blocks, as far as there are blocks."""
        found = []
        for block in range(start, stop):
            matches = self._matches(block)
            if matches is None:
                break
            found.append(len(matches))
        return found

    @property
    def candidates(self) -> int | None:
        """How many records there are to look at, None for any number."""
        sample = self._sample
        return None if sample is None else min(sample.count, sample.cells_left * CELL)

    def records(self, positions: Ints) -> Ints:
        """The records at these rows of the dataset."""
        if not len(positions):
            return positions
        last = int(positions.max()) + 1
        if self.reach(last) < last:
            self.allow(last)
        found = np.empty(len(positions), dtype=np.int64)
        block = np.searchsorted(self._counted, positions, side="right")
        for number in np.unique(block).tolist():
            at = np.nonzero(block == number)[0]
            before = int(self._counted[number - 1]) if number else 0
            with self._lock:
                matches = self._matches(number)
            assert matches is not None
            found[at] = matches[positions[at] - before]
        return found

    def _so_far(self) -> int:
        return int(self._counted[-1]) if len(self._counted) else 0

    def _matches(self, block: int) -> Ints | None:
        """The records of a block for which the condition holds, None when there are no more candidates."""
        if block not in self._found:
            records = self._candidates(block * BLOCK, (block + 1) * BLOCK)
            if not len(records):
                return None
            if len(self._found) >= KEPT:
                del self._found[next(iter(self._found))]
            self._found[block] = records[self._holds(records)]
        return self._found[block]

    def _candidates(self, start: int, stop: int) -> Ints:
        if self._sample is None:
            return np.arange(start, stop, dtype=np.int64)
        return self._sample.rows(np.arange(start, self._sample.reach(stop), dtype=np.int64))

    def _holds(self, records: Ints) -> NDArray[np.bool_]:
        """Part by part, what costs little first: the others are only asked of the records that are left."""
        left = np.arange(len(records))
        try:
            for part in self._parts:
                if len(left):
                    left = left[part.holds(self._values(records[left], part.names), len(left))]
        except ExpressionError as error:
            raise self._fault(str(error)) from None
        found = np.zeros(len(records), dtype=np.bool_)
        found[left] = True
        return found

    @cached_property
    def _parts(self) -> tuple[Expression, ...]:
        recipes = {column.name: innermost(column.recipe) for column in self._plan.columns}

        def quick(name: str) -> bool:
            made = recipes.get(name)
            return name in QUICK or (isinstance(made, FromRegister) and made.attribute in QUICK and _own(made.element))

        return tuple(sorted(self.condition.parts, key=lambda part: not all(map(quick, part.names))))

    def _fault(self, reason: str, hint: str = "") -> PlanError:
        return PlanError("where", "", f"{self.text}: {reason}", hint)

    # ---- what a condition may speak of ------------------------------------------------------------------------

    def _known(self) -> dict[str, pa.DataType]:
        columns = {column.name: column.type for column in self._plan.columns if not self._by_row(column.name)}
        register = self._register
        if register is None:
            return columns
        some = np.zeros(1, dtype=np.int64)
        facts = {name: values.type for name, values in self._facts(some, tuple(register.facts)).items()}
        read = register.read(self._population, some, sorted(register.elements))
        elements = {name: values.type for name, values in read.items()}
        age = {AGE: pa.int64()} if "birth_date" in register.facts else {}
        return {**age, **facts, **elements, **columns}

    def _by_row(self, name: str) -> bool:
        """Whether a column is numbered by the dataset itself, so that no condition can look at it beforehand."""
        column = next(c for c in self._plan.columns if c.name == name)
        inner = {c.name: c for c in self._plan.columns}
        return column.by_row or any(inner[n].by_row for n in self._plan.with_needs([name]) if n in inner)

    def _values(self, records: Ints, names: tuple[str, ...]) -> Mapping[str, pa.Array]:
        from mockdata.tables.generate import of_records

        own = {column.name for column in self._plan.columns}
        made = of_records(self._plan, records, None, [name for name in names if name in own])
        register = self._register
        if register is not None:
            rest = [name for name in names if name not in made]
            elements = [name for name in rest if name in register.elements]
            if elements:
                made |= register.read(self._population, records, elements)
            facts = tuple(name for name in rest if name not in made)
            made |= self._facts(records, facts) if facts else {}
        return made

    def _facts(self, records: Ints, names: tuple[str, ...]) -> dict[str, pa.Array]:
        register = self._register
        assert register is not None
        opened = register.opened(self._population, register.subjects(self._population, records))
        made = {name: register.facts[name](opened) for name in names if name != AGE}
        if AGE in names:
            made[AGE] = _ages(register.facts["birth_date"](opened), self._plan.world.as_of)
        return made

    @property
    def _population(self) -> Population:
        return self._plan.world.open()

    @property
    def _register(self) -> Register | None:
        from mockdata.population.registers import register

        return None if self._plan.register is None else register(self._plan.register)

    @cached_property
    def _sample(self) -> Sample | None:
        register = self._register
        if register is None:
            return None
        whole = sample(register, self._population)
        named = self._named(register)
        if named is not None:
            return whole.only(named)
        places = self._places(register)
        return whole if places is None else whole.within(places)

    def _named(self, register: Register) -> Ints | None:
        """The cells of the records whose keys the condition names (`key == '…'`, `key in ['…', …]`); None when it names
        none.
        """
        if register.span is not None or self._plan.world.scenarios:
            return None
        carried = {name: name for name in register.keys}
        for column in self._plan.columns:
            carried.pop(column.name, None)
            if isinstance(column.recipe, FromRegister) and pa.types.is_string(column.type):
                carried[column.name] = column.recipe.element
        for part in self.condition.parts:
            name, values = _equal(part.tree)
            if carried.get(name) in register.keys:
                population = self._population
                things = register.keys[carried[name]](population, pa.array(values, pa.string()))
                rows = register.placed(population, np.unique(things[things >= 0]))
                return np.unique(register.subjects(population, rows[rows >= 0]) // CELL)
        return None

    def _places(self, register: Register) -> NDArray[np.bool_] | None:
        """Which divisions can have such records at all; None when the condition says nothing of that."""
        from mockdata.population.attributes import ATTRIBUTES

        local = {"division", "division_name", "province"}
        if any(register.facts.get(name) is not ATTRIBUTES[name] for name in ("division", "birth_date")):
            return None
        columns = {column.name: column.recipe for column in self._plan.columns}
        carried = {name: name for name in local if name not in columns}
        for name, recipe in columns.items():
            if isinstance(recipe, FromRegister) and recipe.attribute in local and _own(recipe.element):
                carried[name] = recipe.attribute
        asked = [part for part in self.condition.parts if part.names and set(part.names) <= carried.keys()]
        if not asked:
            return None
        layout = self._population.world.layout
        rows = self._population.rows(layout.offset[:-1])
        there = np.ones(len(layout.size), dtype=np.bool_)
        for part in asked:
            values = {name: ATTRIBUTES[carried[name]](rows) for name in part.names}
            there &= part.holds(values, len(there))
        return there


def _equal(tree: Node | None) -> tuple[str, list[str]]:
    """The column a part of a condition holds against texts, and these texts; nothing for other parts."""
    if tree is None or tree.op not in ("==", "in") or len(tree.args) != 2:
        return "", []
    name, other = sorted(tree.args, key=lambda part: part.op != "name")
    constants = other.args if other.op == "list" and tree.op == "in" else (other,)
    if name.op != "name" or not all(part.op == "constant" and part.kind == STRING for part in constants):
        return "", []
    return str(name.value), [str(part.value) for part in constants]


_KEPT: dict[bytes, Where] = {}


def _counts(pickled: bytes, start: int, stop: int) -> list[int]:
    """In a worker: the counts of these blocks."""
    if pickled not in _KEPT:
        kernels.load(kernels.LARGE)
        _KEPT.clear()
        _KEPT[pickled] = pickle.loads(pickled)
    return _KEPT[pickled].counts(start, stop)


def _own(element: str) -> bool:
    from specs import elements

    return elements.resolve(element)[0] is None


def _ages(births: pa.Array, today: Any) -> pa.Array:
    """Completed years, null without a birth date."""
    years, months, days = pc.year(births), pc.month(births), pc.day(births)
    early = pc.greater(pc.add(pc.multiply(months, 100), days), today.month * 100 + today.day)
    return pc.subtract(pc.subtract(pa.scalar(today.year, pa.int64()), years), pc.cast(early, pa.int64()))
