"""Firms and midwifery institutions as rows of registers: their columns by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mockdata.population import institutions, pools
from mockdata.population.addresses import addresses
from mockdata.population.incomes import money
from mockdata.population.rows import BASE_DAY, YEAR_STARTS, World, dates
from mockdata.seeds import Ints, Words, below, hashed


@dataclass(frozen=True)
class Organisations:
    """Some firms, or some institutions, by number."""

    world: World
    index: Ints

    @cached_property
    def division(self) -> Ints:
        """Division of each firm (position in the divisions)."""
        return self.world.firms.division(self.index)

    def words(self, purpose: str) -> Words:
        """64 pseudo-random bits an organisation."""
        return hashed(self.world.key(purpose), self.index)


def founded(firms: Organisations) -> Ints:
    """Day number of the founding of each firm."""
    first = int(YEAR_STARTS[1984 - 1880])
    # the product of two draws: young firms are the most frequent
    words = firms.words("founded")
    age = below(words, 1_000) * below(words << np.uint64(17), 1_000) // 1_000
    return BASE_DAY - 30 - age * (BASE_DAY - 30 - first) // 1_000


def _capital(firms: Organisations) -> Any:
    steps = np.array([3, 5, 10, 20, 50, 50, 100, 100, 200, 300, 500, 500, 1_000, 2_000, 5_000]) * 1_000_000
    amounts = steps[below(firms.words("capital"), len(steps))]
    return money(amounts, np.ones(len(amounts), dtype=np.bool_))


def _industry(firms: Organisations) -> pa.Array:
    codes = pa.array([code for _, code in pools.TRADES], pa.string())
    return codes.take(pa.array(firms.world.firms.trade(firms.index)))


def _address(firms: Organisations) -> pa.Array:
    none = np.zeros(len(firms.index), dtype=np.bool_)
    words = firms.words("firm address")
    return addresses(firms.world.divisions, firms.division, words, firms.world.key("way"), none)


def _authority(firms: Organisations) -> pa.Array:
    places = firms.world.divisions.full_names.take(pa.array(firms.division))
    return pc.binary_join_element_wise(places, "市场监督管理局", "")


FIRMS: MappingProxyType[str, Callable[[Organisations], pa.Array]] = MappingProxyType(
    {
        "employer_uscc": lambda firms: firms.world.firms.codes(firms.index),
        "employer_name": lambda firms: firms.world.firms.names(firms.index),
        "employer_address": _address,
        "division": lambda firms: firms.world.divisions.codes.take(pa.array(firms.division)),
        "registering_authority": _authority,
        "founded_on": lambda firms: dates(founded(firms)),
        "registered_capital": _capital,
        "industry": _industry,
        "staff": lambda firms: pa.array(firms.world.firms.sizes(firms.index)),
    }
)
"""Columns of a firm by attribute."""

INSTITUTIONS: MappingProxyType[str, Callable[[Organisations], pa.Array]] = MappingProxyType(
    {
        "institution_code": lambda some: institutions.codes(some.world, some.index),
        "institution_name": lambda some: institutions.names(some.world, some.index),
        "institution_kind": lambda some: institutions.kinds(some.world, some.index),
        "issuing_power": lambda some: institutions.issuing_power(some.world, some.index),
        "employer_uscc": lambda some: institutions.codes(some.world, some.index),
        "employer_name": lambda some: institutions.names(some.world, some.index),
        "employer_address": lambda some: institutions.address(some.world, some.index),
        "address": lambda some: institutions.address(some.world, some.index),
        "division": lambda some: institutions.division(some.world, some.index),
    }
)
"""Columns of a midwifery institution by attribute."""
