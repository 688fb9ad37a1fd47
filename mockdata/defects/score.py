"""How well a cleaning tool repaired a spoiled dataset: its output against the ledger, by kind of defect.

A cell is repaired when it holds the right value again. Precision: of the cells the tool changed, how many are right
now; recall: of the spoiled cells, how many are. Changing a cell that was right is a false alarm and counts against
the precision of the whole. Records are matched by primary key (the right one or the spoiled one) where both files have
it, else by row. A duplicate is repaired when its record is there once; a displaced row when the two records stand in
their right order again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mockdata.defects.ledger import METADATA_KEY
from mockdata.quality.expectations import literal, quoted


class ScoreError(ValueError):
    """Files that cannot be compared: one of them is unreadable, or they have nothing to match records by."""


@dataclass(frozen=True, slots=True)
class KindScore:
    """One kind: spoiled cells, those of them the tool changed, those it repaired."""

    kind: str
    spoiled: int
    changed: int
    repaired: int

    @property
    def precision(self) -> float | None:
        """Repaired of changed; None when nothing was changed."""
        return self.repaired / self.changed if self.changed else None

    @property
    def recall(self) -> float | None:
        """Repaired of spoiled."""
        return self.repaired / self.spoiled if self.spoiled else None


@dataclass(frozen=True, slots=True)
class Score:
    """Scores by kind, cells changed that were right (`false_alarms`), records that are gone without having been
    duplicates (`lost`), and how records were matched (`key` or `row`)."""

    matched_by: str
    kinds: tuple[KindScore, ...]
    false_alarms: int
    lost: int

    @property
    def total(self) -> KindScore:
        """All kinds together, false alarms and lost records among the changes."""
        spoiled, changed, repaired = (
            sum(getattr(kind, word) for kind in self.kinds) for word in ("spoiled", "changed", "repaired")
        )
        return KindScore("all", spoiled, changed + self.false_alarms + self.lost, repaired)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        told = [
            {**asdict(kind), "precision": kind.precision, "recall": kind.recall} for kind in (*self.kinds, self.total)
        ]
        return {"matched_by": self.matched_by, "kinds": told, "false_alarms": self.false_alarms, "lost": self.lost}


def score(ledger: Path, cleaned: Path, data: Path | None = None) -> Score:
    """The score of `cleaned`, made from `data` (without it: the dataset the ledger lies beside). Raises ScoreError."""
    import duckdb
    import pyarrow.parquet as pq

    dirty = data or ledger.with_name(ledger.name.removesuffix(".defects.parquet"))
    for path in (ledger, cleaned, dirty):
        if not path.exists():
            raise ScoreError(f"{path}: there is no such file")
    try:
        known = json.loads((pq.read_schema(ledger).metadata or {})[METADATA_KEY])
    except (KeyError, ValueError, OSError):
        raise ScoreError(f"{ledger}: is no defect ledger") from None
    with duckdb.connect() as connection:
        try:
            connection.execute(f"CREATE TABLE ledger AS SELECT * FROM read_parquet({literal(ledger)})")
            columns = list(known["columns"])
            there = _load(connection, "cleaned", cleaned, columns)
            given = _load(connection, "dirty", dirty, columns)
        except duckdb.Error as error:
            raise ScoreError(f"cannot be read: {str(error).splitlines()[0]}") from None
        if missing := [name for name in columns if name not in given]:
            raise ScoreError(f"{dirty}: has no column {missing[0]!r}")
        return _Match(connection, known, there).score(cleaned)


def _load(connection: Any, table: str, path: Path, columns: list[str]) -> list[str]:
    """The file as a table of text with its row numbers; names of the wanted columns it has."""
    files = literal(f"{path}/*{path.suffix}" if path.is_dir() else path)
    source = {
        ".csv": f"read_csv({files}, header = true, all_varchar = true, nullstr = '', allow_quoted_nulls = false)",
        ".jsonl": f"read_json({files}, format = 'newline_delimited')",
    }.get(path.suffix, f"read_parquet({files})")
    described = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
    types = {name: type for name, type, *_ in described}
    found = [name for name in columns if name in types]
    spelled = [f"{_text(name, types[name])} AS {quoted(name)}" for name in found]
    made = ", ".join([*spelled, "row_number() OVER () - 1 AS __row"])
    connection.execute(f"CREATE TABLE {table} AS SELECT {made} FROM {source}")
    return found


def _text(name: str, type: str) -> str:
    if type == "TIMESTAMP WITH TIME ZONE":
        return f"CAST(make_timestamp(epoch_us({quoted(name)})) AS VARCHAR)"
    return f"CAST({quoted(name)} AS VARCHAR)"


_ALIKE = {
    "number": "CAST(TRY_CAST({0} AS DOUBLE) AS VARCHAR)",
    "date": "CAST(TRY_CAST({0} AS DATE) AS VARCHAR)",
    "moment": "CAST(TRY_CAST(rtrim({0}, 'Z') AS TIMESTAMP) AS VARCHAR)",
    "boolean": "CAST(TRY_CAST({0} AS BOOLEAN) AS VARCHAR)",
}
"""Values are the same whatever they are spelled like: 12.5 and 12.50."""


class _Match:
    def __init__(self, connection: Any, known: Mapping[str, Any], there: list[str]) -> None:
        self.connection, self.known = connection, known
        self.columns = [name for name in known["columns"] if name in there]
        self.by_key = bool(known["key"]) and set(known["key"]) <= set(there)

    def _one(self, query: str) -> tuple[int, ...]:
        return tuple(int(value or 0) for value in self.connection.execute(query).fetchone())

    def _same(self, name: str, value: str) -> str:
        form = _ALIKE.get(self.known["columns"][name])
        return f"coalesce({form.format(value)}, {value})" if form else value

    def score(self, cleaned: Path) -> Score:
        rows, kept = self._one("SELECT (SELECT COUNT(*) FROM dirty), (SELECT COUNT(*) FROM cleaned)")
        if not self.by_key and rows != kept:
            raise ScoreError(f"{cleaned}: has {kept:,} rows instead of {rows:,} and no key to match records by")
        self._pair()
        counts: dict[str, list[int]] = {}
        for kind, spoiled in self.connection.execute(
            "SELECT kind, COUNT(*) FROM ledger GROUP BY 1 ORDER BY 1"
        ).fetchall():
            counts[kind] = [spoiled, 0, 0]
        alarms = sum(self._column(name, counts) for name in self.columns)
        self._whole_rows(counts)
        lost = self._one("SELECT COUNT(*) FROM pairs WHERE place IS NULL")[0]
        kinds = tuple(KindScore(kind, *numbers) for kind, numbers in counts.items())
        return Score("key" if self.by_key else "row", kinds, alarms, lost)

    def _pair(self) -> None:
        """pairs(row, place): each dirty row that is no duplicate, and the cleaned row of the same record."""
        copies = "SELECT row FROM ledger WHERE kind = 'duplicate'"
        single = f"SELECT * FROM dirty WHERE __row NOT IN ({copies})"
        if not self.by_key:
            self.connection.execute(f"CREATE TABLE pairs AS SELECT __row AS row, __row AS place FROM ({single})")
            return
        key = " || '|' || ".join(quoted(name) for name in self.known["key"])
        # a spoiled key leads to its record under its right value, and as long as it is not repaired under the wrong one
        names = ", ".join(literal(name) for name in self.known["key"])
        right = f'SELECT row, any_value(key) AS key FROM ledger WHERE "column" IN ({names}) GROUP BY 1'
        self.connection.execute(
            f"CREATE TABLE pairs AS WITH single AS ({single}), "
            f"keyed AS (SELECT __row, {key} AS key FROM single), right_key AS ({right}), "
            f"found AS (SELECT {key} AS key, MIN(__row) AS place FROM cleaned GROUP BY 1) "
            "SELECT k.__row AS row, coalesce(a.place, b.place) AS place "
            "FROM keyed k LEFT JOIN right_key r ON r.row = k.__row "
            "LEFT JOIN found a ON a.key = coalesce(r.key, k.key) LEFT JOIN found b ON b.key = k.key"
        )

    def _column(self, name: str, counts: dict[str, list[int]]) -> int:
        """Adds the changes and repairs of one column's cells; returns its false alarms."""
        now, before, right = (
            self._same(name, value) for value in (f"c.{quoted(name)}", f"d.{quoted(name)}", "l.original")
        )
        told = self.connection.execute(
            f"SELECT l.kind, COUNT(*) FILTER (WHERE {now} IS DISTINCT FROM {before}), "
            f"COUNT(*) FILTER (WHERE l.kind IS NOT NULL AND {now} IS NOT DISTINCT FROM {right}) "
            "FROM pairs p JOIN cleaned c ON c.__row = p.place JOIN dirty d ON d.__row = p.row "
            f'LEFT JOIN (SELECT * FROM ledger WHERE "column" = {literal(name)}) l ON l.row = p.row '
            # a displaced row matched by its place shows another record: judged as a whole, not cell by cell
            "WHERE NOT EXISTS (SELECT 1 FROM ledger m WHERE m.row = p.row AND m.kind = 'displaced') GROUP BY 1"
        ).fetchall()
        for kind, changed, repaired in told:
            if kind is not None:
                counts[kind][1] += changed
                counts[kind][2] += repaired
        return sum(changed for kind, changed, _ in told if kind is None)

    def _whole_rows(self, counts: dict[str, list[int]]) -> None:
        if not self.by_key:
            return
        key = " || '|' || ".join(quoted(name) for name in self.known["key"])
        if "duplicate" in counts:
            gone = self._one(
                f"WITH held AS (SELECT {key} AS key, COUNT(*) AS n FROM cleaned GROUP BY 1) "
                "SELECT COUNT(*) FROM ledger l JOIN held ON held.key = l.spoiled "
                "WHERE l.kind = 'duplicate' AND held.n = 1"
            )[0]
            counts["duplicate"][1] = counts["duplicate"][2] = gone
        if "displaced" in counts:
            ordered = self._one(
                f"WITH held AS (SELECT {key} AS key, MIN(__row) AS place FROM cleaned GROUP BY 1) "
                "SELECT COUNT(*) FROM ledger l "
                "JOIN held own ON own.key = l.original JOIN held other ON other.key = l.spoiled "
                "WHERE l.kind = 'displaced' AND (own.place < other.place) = (l.row % 2 = 0)"
            )[0]
            counts["displaced"][1] = counts["displaced"][2] = ordered
