"""出生: one row a birth since 1996 whose mother is known."""

from __future__ import annotations

import pyarrow as pa

from mockdata.population import births
from mockdata.population.attributes import ATTRIBUTES
from mockdata.population.registers.crowd import PARENTS, by_number, of_crowd
from mockdata.population.rows import Rows, touched


def _touched(rows: Rows) -> pa.Array:
    return touched(rows, rows.day + 10)


BIRTH = of_crowd(
    "birth", lambda p: p.births,
    {**ATTRIBUTES, "issued_on": births.birth_certificate_date, "updated_at": _touched},
    PARENTS,
    {"CSZMBH": lambda p, numbers: births.find(p.world, numbers), "GMSFHM": by_number},
)  # fmt: skip
