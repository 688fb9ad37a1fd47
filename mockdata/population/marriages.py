"""Registered marriages: their certificate numbers, and finding one by the number or by both partners."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa

from mockdata import identifiers
from mockdata.population.rows import Rows, World
from mockdata.population.template import MAN, Template
from mockdata.seeds import Ints


@lru_cache(maxsize=4)
def _ranks(template_id: int, holder: Any) -> tuple[Ints, Ints, Ints, Ints]:
    """(rank of a husband's slot among the marriages of its year, slots in that order, first by year, first year)."""
    template: Template = holder.template
    husbands = np.nonzero((template.married > 0) & (template.sex == MAN))[0]
    ranked = husbands[np.lexsort((husbands, template.married[husbands]))]
    years = template.married[ranked]
    first_year = int(years.min())
    starts = np.searchsorted(years, np.arange(first_year, int(years.max()) + 2))
    rank = np.full(len(template), -1, dtype=np.int64)
    rank[ranked] = np.arange(len(ranked)) - starts[years - first_year]
    return rank, ranked, starts.astype(np.int64), np.array(first_year)


class _Holder:
    """Gives a template an identity to cache by, since arrays cannot be hashed."""

    def __init__(self, template: Template) -> None:
        self.template = template

    def __hash__(self) -> int:
        return id(self.template)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Holder) and other.template is self.template


def _table(block: Template) -> tuple[Ints, Ints, Ints, Ints]:
    return _ranks(id(block), _Holder(block))


def certificate_numbers(rows: Rows) -> pa.Array:
    """J330106-2019-000123: kind (L after a divorce), division, year of the marriage, number within both. Unique, and
    the same for both partners; null without a registered marriage."""
    world = rows.world
    rank, _, _, _ = _table(rows.template)
    there = (rows.wed | rows.divorced) & (rows.partner >= 0)
    husband = np.where(rows.sex == MAN, rows.slot, np.maximum(rows.template.partner[rows.slot], 0))
    safe = np.where(there, husband, int(np.argmax(rank >= 0)))
    number = rank[safe] * world.layout.blocks[rows.place] + rows.block + 1
    year = rows.template.married[safe]
    matrix = np.empty((len(rows), 19), dtype=np.uint8)
    matrix[:, 0] = np.where(rows.divorced, ord("L"), ord("J"))
    matrix[:, 1:7] = identifiers.digits(world.divisions.numbers[rows.division], 6)
    matrix[:, [7, 12]] = ord("-")
    matrix[:, 8:12] = identifiers.digits(year, 4)
    matrix[:, 13:] = identifiers.digits(np.where(there, number, 0), 6)
    column = identifiers.text_column(matrix)
    return column if there.all() else pa.compute.if_else(pa.array(there), column, pa.scalar(None, pa.string()))


def find(world: World, numbers: Any) -> Ints:
    """The husbands of the marriages with these certificate numbers, -1 for numbers that are none of theirs."""
    matrix, usable = identifiers.byte_matrix(numbers, 19)
    _, ranked, starts, first_year = _table(world.lives.template if world.later else world.template)
    area, year = identifiers.number_of(matrix[:, 1:7]), identifiers.number_of(matrix[:, 8:12])
    number = identifiers.number_of(matrix[:, 13:]) - 1
    year_place = year - int(first_year)
    usable &= (area >= 0) & (number >= 0) & (year_place >= 0) & (year_place < len(starts) - 1)
    place = world.layout.find_place(world.divisions.find(np.where(usable, area, 0)))
    usable &= place >= 0
    place = np.where(usable, place, 0)
    rank, block = np.divmod(np.where(usable, number, 0), world.layout.blocks[place])
    start = starts[np.where(usable, year_place, 0)]
    end = starts[np.where(usable, year_place, 0) + 1]
    usable &= start + rank < end
    slot = ranked[np.where(usable, start + rank, 0)]
    index = np.where(usable, world.layout.at(place, block, slot), -1)
    found = index >= 0
    if found.any():
        again, _ = identifiers.byte_matrix(certificate_numbers(Rows(world, index[found])), 19)
        index[np.nonzero(found)[0][(again != matrix[found]).any(axis=1)]] = -1
    return index
