"""Which spoiled values the interface's own expectation suite can see: its rules for the column, put to each value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mockdata.defects.spoiler import Change
from mockdata.quality.expectations import Expectation, Suite, literal, quoted


class Sight:
    """The rules of a suite, by column. Rules over whole columns or tables (uniqueness, SQL) say nothing of a value."""

    def __init__(self, suite: Suite) -> None:
        import duckdb

        self._connection = duckdb.connect()
        self._rules: dict[str, list[Expectation]] = {}
        for rule in suite.expectations:
            if rule.column is not None:
                self._rules.setdefault(rule.column, []).append(rule)
        together = [c for r in suite.expectations if r.kind == "unique_together" for c in r.columns]
        self.unique = tuple(dict.fromkeys([*self._named("unique"), *together]))
        self.unique_columns = tuple(self._named("unique"))

    def _named(self, kind: str) -> Iterable[str]:
        return (name for name, rules in self._rules.items() if any(rule.kind == kind for rule in rules))

    def sees(self, change: Change) -> NDArray[np.bool_]:
        """For each spoiled cell whether a rule of its column fails on it."""
        if change.kind == "type":
            return np.ones(len(change.rows), dtype=np.bool_)
        rules = self._rules.get(change.column, ())
        name = quoted(change.column)
        broken = [f"({name} IS NULL)"] if any(rule.kind == "not_null" for rule in rules) else []
        for rule in rules:
            if rule.kind == "in_set":
                broken.append(f"({name} IS NOT NULL AND {name} NOT IN ({', '.join(map(literal, rule.values))}))")
            elif rule.kind == "meets":
                broken.append(f"({name} IS NOT NULL AND NOT coalesce(({rule.condition}), FALSE))")
        if not broken:
            return np.zeros(len(change.rows), dtype=np.bool_)
        values = change.spoiled
        if pa.types.is_timestamp(values.type):
            values = values.cast(pa.timestamp("us"))  # DuckDB as the quality check has it: UTC without a zone
        self._connection.register("cells", pa.table({change.column: values}))
        found = self._connection.execute(f"SELECT {' OR '.join(broken)} AS seen FROM cells").fetchnumpy()["seen"]
        return np.asarray(found, dtype=np.bool_)


def expected_failures(sight: Sight, seen: Mapping[str, bool], duplicates: bool) -> tuple[str, ...]:
    """Columns on which the suite must fail: those with a cell it sees, and unique ones when rows come twice."""
    return tuple(
        sorted({name for name, there in seen.items() if there} | set(sight.unique_columns if duplicates else ()))
    )
