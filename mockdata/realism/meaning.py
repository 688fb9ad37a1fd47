"""What a dataset's columns say about the people in it, counted in DuckDB the way a population is counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from mockdata.population.activity import EDUCATION
from mockdata.population.divisions import PROVINCES, REAL, every_division
from mockdata.population.figures import Marginal, compared
from mockdata.population.marginals import OLDEST, of_pyramid
from mockdata.population.pools import surnames
from mockdata.quality.expectations import literal
from mockdata.seeds import Floats

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_OTHERS = 2_000
"""Surnames that are none of the population's, told apart by frequency."""


def meant(connection: DuckDBPyConnection, facts: Mapping[str, str], as_of: date) -> tuple[Marginal, ...]:
    """The comparisons that the columns of the view `data` allow. `facts`: attribute of a person → SQL of its value.

    Nothing is held: a dataset need not tell of everybody.
    """
    known = _derived(facts)
    total: dict[str, Floats] = {}
    if "birth_date" in known:
        total |= _ages(connection, known["birth_date"], known.get("sex"), as_of)
    if "sex" in known:
        total["sex"] = _codes(connection, known["sex"], ("1", "2"))
    if "province" in known:
        total["province"] = _provinces(connection, known["province"])
    if "ethnic_group" in known:
        total["ethnic"] = _codes(connection, known["ethnic_group"], [f"{code:02d}" for code in range(100)])
    if "name" in known:
        total["surname"] = _surnames(connection, known["name"])
    if "education" in known:
        total["education"] = _codes(connection, known["education"], EDUCATION)
    if "household_kind" in known:
        total["kind"] = _codes(connection, known["household_kind"], ("1", "2"))
    return tuple(replace(one, held=False) for one in compared(total))


def _derived(facts: Mapping[str, str]) -> dict[str, str]:
    """The facts, and those that can be read from a citizen number or a division where they have no column."""
    known = dict(facts)
    if "citizen_number" in known:
        number = f"CAST({known['citizen_number']} AS VARCHAR)"
        known.setdefault("birth_date", f"CAST(try_strptime(substr({number}, 7, 8), '%Y%m%d') AS DATE)")
        known.setdefault(
            "sex", f"CASE TRY_CAST(substr({number}, 17, 1) AS INTEGER) % 2 WHEN 1 THEN '1' WHEN 0 THEN '2' END"
        )
        known.setdefault("division", number)
    if "province" not in known and "division" in known:
        known["province"] = f"substr(CAST({known['division']} AS VARCHAR), 1, 2)"
    return known


def _counted(connection: DuckDBPyConnection, value: str, limit: int | None = None) -> dict[Any, int]:
    end = "" if limit is None else f" ORDER BY n DESC, v LIMIT {limit}"
    query = f"SELECT {value} AS v, count(*) AS n FROM data WHERE {value} IS NOT NULL GROUP BY v{end}"
    return dict(connection.execute(query).fetchall())


def _codes(connection: DuckDBPyConnection, value: str, codes: Any) -> Floats:
    found = _counted(connection, f"CAST({value} AS VARCHAR)", 10_000)
    return np.array([found.get(code, 0) for code in codes], dtype=np.float64)


def _ages(connection: DuckDBPyConnection, birth: str, sex: str | None, as_of: date) -> dict[str, Floats]:
    born = f"CAST({birth} AS DATE)"
    age = f"least(date_sub('year', {born}, DATE {literal(as_of.isoformat())}), {OLDEST})"
    mark = f"CASE WHEN CAST({sex} AS VARCHAR) = '2' THEN {OLDEST + 1} ELSE 0 END" if sex else "0"
    found = _counted(connection, f"CASE WHEN {born} <= DATE {literal(as_of.isoformat())} THEN {age} + {mark} END")
    pyramid = np.zeros(2 * (OLDEST + 1), dtype=np.int64)
    for cell, rows in found.items():
        pyramid[int(cell)] = rows
    made = dict(of_pyramid(pyramid))
    kept = ("age", "newborn") if sex else ("age",)
    return {name: np.asarray(made[name], dtype=np.float64) for name in kept}


def _provinces(connection: DuckDBPyConnection, value: str) -> Floats:
    """By province code, real or reserved, or by name."""
    place: dict[str, int] = {code: at for at, code in enumerate(PROVINCES)}
    names = {entry.province: place[entry.real_code[:2]] for entry in every_division()}
    reserved = {code: place[real] for code, real in REAL.items()}
    out = np.zeros(len(PROVINCES))
    for said, rows in _counted(connection, f"CAST({value} AS VARCHAR)", 10_000).items():
        at = (place | reserved | names).get(said)
        if at is not None:
            out[at] += rows
    return out


def _surnames(connection: DuckDBPyConnection, value: str) -> Floats:
    """By surname: the population's first, then others by frequency; names with a middle dot have none."""
    pool = surnames()[0].to_pylist()
    compound = ", ".join(literal(name) for name in pool if len(name) > 1)
    first = f"CASE WHEN substr({value}, 1, 2) IN ({compound}) THEN substr({value}, 1, 2) ELSE substr({value}, 1, 1) END"
    found = _counted(connection, f"CASE WHEN {value} NOT LIKE '%·%' THEN {first} END", len(pool) + _OTHERS)
    others = [rows for name, rows in found.items() if name not in set(pool)]
    return np.array([found.get(name, 0) for name in pool] + others, dtype=np.float64)
