"""许可证: one row a business licence or a further permit of a firm."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pyarrow as pa

from mockdata import identifiers
from mockdata.population import firms, pools
from mockdata.population.entries import Entries, Ring
from mockdata.population.kin import Chances
from mockdata.population.organisations import FIRMS, Organisations, founded
from mockdata.population.population import Population
from mockdata.population.registers.entry import Entry, of_entries
from mockdata.population.registers.register import Column
from mockdata.population.rows import YEAR_STARTS, codes, dates
from mockdata.seeds import Bijection, Ints, below, hashed
from mockdata.texts import Digits, joined, taken

_CAPACITY = 10**8
_FURTHER = 0.35
"""Share of the firms that hold a permit besides the business licence; a model."""
_NAMES = (
    "营业执照", "食品生产许可证", "食品经营许可证", "道路运输经营许可证", "危险化学品经营许可证",
    "医疗器械经营许可证", "建筑业企业资质证书", "人力资源服务许可证", "排污许可证",
)  # fmt: skip
_MARKS = ("YZ", "SC", "JY", "DY", "WH", "YX", "JZ", "RL", "PW")
_BY_TRADE = {
    "C14": 1, "H62": 2, "H61": 2, "F52": 2, "G54": 3, "G59": 3, "C26": 4, "C35": 5, "C27": 5, "E47": 6, "E50": 6,
    "L72": 7,
}  # fmt: skip
_SCOPE = (
    "", "食品生产", "食品销售和餐饮服务", "道路普通货物运输", "危险化学品经营", "第二类医疗器械经营", "建筑工程施工",
    "人力资源服务", "污染物排放",
)  # fmt: skip


class Permit(Entry):
    """Permits: (firm, 0 the business licence, 1 a further permit)."""

    @property
    def firm(self) -> Organisations:
        """The firms."""
        return Organisations(self.population.world, self.person)

    @property
    def kind(self) -> Ints:
        """Position in the names of permits."""
        trade = np.array([_BY_TRADE.get(code, 8) for _, code in pools.TRADES])[self.population.firms.trade(self.person)]
        return np.where(self.turn == 0, 0, trade)

    @property
    def day(self) -> Ints:
        """First day: the firm's founding, or for a permit a day within the last five years."""
        start = founded(self.firm)
        words = hashed(self.population.world.key("permit"), self.person)
        last = int(YEAR_STARTS[2026 - 1880])
        return np.where(self.turn == 0, start, np.maximum(start, last - 365 * 4 + below(words, 365 * 4)))


@lru_cache(maxsize=8)
def _entries(population: Population) -> Entries:
    ring = Ring(population.firms.offset, population.firms.first, firms.BLOCK)
    more = Chances(population.seed, "permits").uniform("further", firms.BLOCK) < _FURTHER
    return Entries(ring, 1 + more.astype(np.int64))


def _number(permit: Permit) -> pa.Array:
    """A mark of the kind, the division and eight digits."""
    mixed = Bijection(permit.population.world.key("permit number")).forward(permit.person, _CAPACITY)
    area = permit.population.divisions.numbers[permit.firm.division]
    return joined((codes(*_MARKS), permit.kind), Digits(area, 6), Digits(mixed, 8))


def _by_number(population: Population, values: pa.Array) -> tuple[Ints, Ints]:
    matrix, usable = identifiers.byte_matrix(values, 16)
    mixed = identifiers.number_of(matrix[:, 8:])
    usable &= mixed >= 0
    firm = Bijection(population.world.key("permit number")).backward(np.where(usable, mixed, 0), _CAPACITY)
    usable &= firm < population.firms.count
    turn = 1 - ((matrix[:, 0] == ord("Y")) & (matrix[:, 1] == ord("Z"))).astype(np.int64)
    firm = np.where(usable, firm, 0)
    if usable.any():
        again, _ = identifiers.byte_matrix(_number(Permit(population, firm, turn)), 16)
        usable &= (again == matrix).all(axis=1)
    return np.where(usable, firm, -1), turn


def _content(permit: Permit) -> pa.Array:
    trade = taken(pools.trades(), permit.population.firms.trade(permit.person))
    own = pa.compute.binary_join_element_wise(trade, "；技术服务；货物销售", "")
    return pa.compute.if_else(pa.array(permit.turn == 0), own, taken(codes(*_SCOPE), permit.kind))


def _of_firm(name: str) -> Column:
    return lambda permit: FIRMS[name](permit.firm)


PERMIT = of_entries(
    "permit", _entries, Permit,
    {
        **{
            name: _of_firm(name)
            for name in ("employer_uscc", "employer_name", "employer_address", "division", "founded_on")
        },
        "permit_number": _number,
        "permit_name": lambda permit: taken(codes(*_NAMES), permit.kind),
        "permit_content": _content,
        "valid_from": lambda permit: dates(permit.day),
        # a business licence has no end, a permit five years
        "valid_until": lambda permit: dates(permit.day + 5 * 365, permit.turn > 0),
        "issued_on": lambda permit: dates(permit.day),
        "issuing_authority": _of_firm("registering_authority"),
    },
    {"XKZH": _by_number},
    {"FR": lambda permit: permit.population.representative(permit.person)},
    by_person=None,
)  # fmt: skip
