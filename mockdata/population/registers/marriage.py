"""婚姻登记: one row a marriage, in force or ended, told by the husband."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from mockdata.population import marriages
from mockdata.population.attributes import ATTRIBUTES
from mockdata.population.population import Population
from mockdata.population.registers.crowd import by_number, of_crowd, same
from mockdata.population.registers.register import plain
from mockdata.population.rows import Rows, touched
from mockdata.seeds import Ints

_FACTS = (
    "marriage_certificate_number", "marriage_date", "marriage_state", "divorce_date", "registering_authority",
    "division",
)  # fmt: skip


def _wife(population: Population, index: Ints) -> Ints:
    return population.rows(index).partner


def _wifes_husband(population: Population, numbers: pa.Array) -> Ints:
    index = population.index_of(numbers)
    return np.where(index >= 0, population.rows(np.maximum(index, 0)).partner, -1)


def _touched(rows: Rows) -> pa.Array:
    return touched(rows, np.maximum(np.where(rows.divorced, rows.divorce, rows.wedding), 0))


MARRIAGE = of_crowd(
    "marriage", lambda p: p.couples, {**{name: ATTRIBUTES[name] for name in _FACTS}, "updated_at": _touched},
    {"NAN": same, "NV": _wife},
    {
        "ZSBH": lambda p, numbers: marriages.find(p.world, numbers),
        "NAN_GMSFHM": by_number,
        "NV_GMSFHM": _wifes_husband,
    },
)  # fmt: skip


def married(population: Population, one: str, other: str) -> dict[str, Any] | None:
    """The registered marriage of two citizen numbers in either order, in force or ended, or None.

    ZT state (20 in force, 30 ended by death, 40 dissolved), DJRQ date of registration, DJJG registering authority, ZSBH
    certificate number, LHRQ date of divorce or None.
    """
    pair = population.index_of([one, other])
    rows = population.rows(np.maximum(pair[:1], 0))
    registered = (rows.wed | rows.divorced) & (rows.partner == pair[1])
    if pair.min() < 0 or not registered[0]:
        return None
    names = {
        "ZT": "marriage_state", "DJRQ": "marriage_date", "DJJG": "registering_authority",
        "ZSBH": "marriage_certificate_number", "LHRQ": "divorce_date",
    }  # fmt: skip
    return {name: plain(ATTRIBUTES[attribute](rows)[0].as_py()) for name, attribute in names.items()}
