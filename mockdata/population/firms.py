"""Firms and who works for them: jobs of a division joined to its employees by a keyed permutation.

Like persons, firms come from a block (4,096 firms with heavy-tailed sizes) that a division repeats until every employee
of the division has a job there. Employee number e of a division holds job π(e), π a keyed bijection, so "employer of a
person" and "employees of a firm" both cost the same whatever the population. Who is an employee is settled in the
template (a model: no figures exist); firms employ people of their own division only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from mockdata import identifiers
from mockdata.kernels import compiled
from mockdata.population import pools
from mockdata.population.divisions import Divisions
from mockdata.population.layout import Layout, Selection, intervals
from mockdata.seeds import Bijection, Ints, apportion, below, hashed, order, stream
from mockdata.texts import joined

BLOCK = 4_096
_SIZES = (1, 2, 3, 5, 8, 13, 21, 40, 80, 160, 400, 1_000)
_WEIGHTS = (300, 200, 140, 110, 90, 60, 40, 30, 18, 8, 3, 1)
"""Employees of a firm and how common that is (per thousand): mean about 10; a model."""


@dataclass(frozen=True)
class Firms:
    """All firms of a population; a firm is a number 0 … count-1 in the order of divisions."""

    seed: int | str
    layout: Layout
    divisions: Divisions
    employees: Selection

    @cached_property
    def _edges(self) -> Ints:
        """Jobs before each firm of the block; one entry more than firms."""
        sizes = np.repeat(_SIZES, apportion(_WEIGHTS, BLOCK))[order(stream(self.seed, "firm sizes"), BLOCK)]
        return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)

    @property
    def block_sizes(self) -> Ints:
        """Employees of each firm of the block."""
        return np.diff(self._edges)

    @cached_property
    def _holder(self) -> Ints:
        """The firm of the block that each job of the block belongs to."""
        return np.repeat(np.arange(BLOCK), self.block_sizes)

    @cached_property
    def first(self) -> Ints:
        """The firm of the block with which each populated division begins."""
        return below(hashed(stream(self.seed, "first firm"), self.layout.division), BLOCK)

    @cached_property
    def _jobs(self) -> Ints:
        """Employees (= jobs) of each populated division."""
        return np.diff(self.employees.offset)

    @cached_property
    def offset(self) -> Ints:
        """First firm of each populated division; the last entry is the count."""
        jobs = self._jobs
        last = np.maximum(jobs - 1, 0)
        each = np.where(jobs > 0, self._firm_of_job(np.arange(len(jobs)), last) + 1, 0)
        return np.concatenate([[0], np.cumsum(each)]).astype(np.int64)

    @property
    def count(self) -> int:
        """How many firms there are."""
        return int(self.offset[-1])

    @cached_property
    def _mixer(self) -> Bijection:
        return Bijection(stream(self.seed, "jobs"))

    @cached_property
    def _bodies(self) -> Bijection:
        return Bijection(stream(self.seed, "firm bodies"))

    def _firm_of_job(self, place: Ints, job: Ints) -> Ints:
        """Firm, counted within the division, of a job of the division."""
        block, turn = np.divmod(job, self._edges[-1])
        at = turn + self._edges[self.first[place]]
        at = np.where(at >= self._edges[-1], at - self._edges[-1], at)
        firm = self._holder[at] - self.first[place]
        return block * BLOCK + np.where(firm < 0, firm + BLOCK, firm)

    def _first_job(self, place: Ints, local: Ints) -> Ints:
        block, turn = np.divmod(local, BLOCK)
        firm = self.first[place] + turn
        wraps = firm >= BLOCK
        start = self._edges[np.where(wraps, firm - BLOCK, firm)] - self._edges[self.first[place]]
        return np.asarray(block * self._edges[-1] + start + np.where(wraps, self._edges[-1], 0))

    def employer(self, index: Ints, known: Sequence[Ints] | None = None) -> Ints:
        """The firm each person works for, -1 for persons who are nobody's employees. `known`: their place, block and
        slot, when they have been looked up already (see `Layout.where`)."""
        if loops := compiled(len(index)):
            place, block, slot = known or self.layout.where(np.maximum(index, 0))[:3]
            staff, key = self.employees, np.uint64(self._mixer.key)
            found: Ints = loops.employers(
                place, block, slot, self.layout.start, staff.marked, staff.before,
                key, self._mixer.rounds, self._jobs, self.first, self._edges, self._holder, self.offset,
            )  # fmt: skip
            return np.where(index >= 0, found, -1)
        row = self.employees.row(index)
        safe = np.maximum(row, 0)
        place = intervals(self.employees.offset, safe)
        within = safe - self.employees.offset[place]
        job = self._mixer.forward(np.where(row >= 0, within, 0), np.maximum(self._jobs[place], 1))
        return np.where(row >= 0, self.offset[place] + self._firm_of_job(place, job), -1)

    def _span(self, firm: Ints) -> tuple[Ints, Ints, Ints]:
        """(place among populated divisions, first job, number of jobs)."""
        place = intervals(self.offset, firm)
        local = firm - self.offset[place]
        first = self._first_job(place, local)
        end = np.minimum(self._first_job(place, local + 1), self._jobs[place])
        return place, first, end - first

    def sizes(self, firm: Ints) -> Ints:
        """Number of employees of each firm, at least 1."""
        return self._span(firm)[2]

    def staff(self, firm: int) -> Ints:
        """The persons who work for one firm (ascending index)."""
        place, first, size = self._span(np.array([firm]))
        job = np.arange(first[0], first[0] + size[0])
        at = np.repeat(place, len(job))
        return np.sort(self.employees.in_division(at, self._mixer.backward(job, int(self._jobs[place[0]]))))

    def representative(self, firm: Ints) -> Ints:
        """The legal representative of each firm: the person in its first job, an adult of the population."""
        return self.holder(firm, 0)

    def holder(self, firm: Ints, job: int) -> Ints:
        """The person who held each firm's job of that number on the base date (below its size)."""
        place, first, _ = self._span(firm)
        return self.employees.in_division(place, self._mixer.backward(first + job, self._jobs[place]))

    def division(self, firm: Ints) -> Ints:
        """The division of each firm (position in `divisions`)."""
        return self.layout.division[intervals(self.offset, firm)]

    def codes(self, firm: Ints) -> pa.Array:
        """Unified social credit codes: 91, the division, a body that can be turned back into the firm."""
        if self.count > identifiers.BODY_CAPACITY:
            raise ValueError("more firms than unified social credit codes")
        body = identifiers.bodies(self._bodies.forward(firm, identifiers.BODY_CAPACITY))
        return identifiers.text_column(
            identifiers.credit_codes("91", self.divisions.numbers[self.division(firm)], body)
        )

    def find(self, codes: pa.Array | list[str]) -> Ints:
        """The firms with these unified social credit codes, -1 for a code that is none of theirs."""
        matrix, usable = identifiers.byte_matrix(codes, 18)
        body = identifiers.body_numbers(matrix[:, 8:16])
        usable &= body >= 0
        firm = self._bodies.backward(np.where(usable, body, 0), identifiers.BODY_CAPACITY)
        usable &= firm < self.count
        firm = np.where(usable, firm, 0)
        if usable.any():
            again, _ = identifiers.byte_matrix(self.codes(firm), 18)
            usable &= (again == matrix).all(axis=1)
        return np.where(usable, firm, -1)

    def trade(self, firm: Ints) -> Ints:
        """Position of each firm's trade in `pools.TRADES`."""
        return below(hashed(stream(self.seed, "trade"), firm), len(pools.TRADES))

    def names(self, firm: Ints) -> pa.Array:
        """Registered names: division, brand, trade, legal form."""
        words = hashed(stream(self.seed, "firm name"), firm)
        forms, table = pools.legal_forms()
        brands = pools.brands()
        return joined(
            (self._places, self.division(firm)),
            (brands, below(words << np.uint64(16), len(brands))),
            (pools.trades(), self.trade(firm)),
            (forms, table[(words >> np.uint64(48)).astype(np.int64)]),
        )

    @cached_property
    def _places(self) -> pa.Array:
        """How a division begins a firm's name: the city and the county without their last character."""
        short = []
        for entry in self.divisions.entries:
            city = entry.city.removesuffix("市") if entry.city else entry.province.removesuffix("市")
            county = entry.name[:-1] if len(entry.name) > 2 and entry.name[-1] in "区县市" else entry.name
            short.append((city if len(city) <= 4 else "") + county)
        return pa.array(short, pa.string())
