"""Any dataset on disk, profiled column by column by DuckDB: nulls, distinct values, histograms, and the comparison of
what its columns mean with published figures. Memory does not grow with the rows."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mockdata.population.figures import Marginal
from mockdata.quality.expectations import duck_type, literal, quoted
from mockdata.quality.quality import QualityError
from mockdata.realism.meaning import meant
from mockdata.tables.arrow import type_of
from mockdata.tables.binding import bind
from specs.model import Interface, Table

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

COMMON, BINS, FEW = 12, 24, 2_000
"""Common values told of a column, bins of a histogram, and how many distinct values are counted one by one."""
EXACT = 1_000_000
"""Rows up to which distinct values are counted; of more they are estimated, within a few per cent."""
_MEMORY = "600MB"
_READERS = {".parquet": "read_parquet", ".csv": "read_csv", ".jsonl": "read_json"}
_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
            "FLOAT", "DOUBLE", "DECIMAL")  # fmt: skip
_DAYS = ("DATE", "TIMESTAMP")


@dataclass(frozen=True)
class Bar:
    """Rows with one value, or from one value (included) to another (the last bin's included)."""

    label: str
    rows: int


@dataclass(frozen=True)
class Column:
    """What one column holds. `element`: the data element it carries · `unreadable`: values not of its type ·
    `distinct`: estimated unless `exact`; None for nested values · `bars`: common values, or a histogram in order."""

    name: str
    title: str
    type: str
    element: str | None
    nulls: int
    unreadable: int
    distinct: int | None
    exact: bool
    least: str | None
    most: str | None
    histogram: bool
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class DataReport:
    """A dataset's profile. `missing`: fields the file lacks · `foreign`: columns the interface does not know."""

    file: str
    interface: str
    version: str
    table: str
    rows: int
    columns: tuple[Column, ...]
    missing: tuple[str, ...]
    foreign: tuple[str, ...]
    marginals: tuple[Marginal, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        groups = [{**asdict(one), "relative": one.relative, "verdict": one.verdict} for one in self.marginals]
        return {"kind": "dataset", **asdict(self), "marginals": groups}


def profile(path: Path, interface: Interface, table: Table, as_of: date, language: str = "zh_CN") -> DataReport:
    """Reads a Parquet, CSV (UTF-8) or JSON Lines file, or a folder of parts; ages are those of `as_of`.

    Raises QualityError for a file that cannot be read.
    """
    import duckdb

    ending, files = _files(path)
    try:
        with _opened(ending, files) as connection:
            return _profiled(connection, ending, path, interface, table, as_of, language)
    except duckdb.Error as error:
        raise QualityError(f"{path.name}: {str(error).splitlines()[0]}") from None


def _files(path: Path) -> tuple[str, list[Path]]:
    if not path.exists():
        raise QualityError(f"{path}: there is no such file")
    found = [path]
    if path.is_dir():
        inside = sorted(part for part in path.rglob("*") if part.suffix in _READERS and part.is_file())
        found = [part for part in inside if not any(name.startswith(".") for name in part.relative_to(path).parts)]
        if not found:
            raise QualityError(f"{path}: no {', '.join(_READERS)} file in this folder")
    endings = {part.suffix for part in found}
    if len(endings) > 1 or not endings <= _READERS.keys():
        raise QualityError(f"{path.name}: a report reads {', '.join(_READERS)} files, of one kind at a time")
    return endings.pop(), found


@contextmanager
def _opened(ending: str, files: list[Path]) -> Iterator[DuckDBPyConnection]:
    """A connection with the view `data`: Parquet in its own types, everything of the others as text."""
    import duckdb

    listed = "[" + ", ".join(literal(str(file.resolve())) for file in files) + "]"
    with tempfile.TemporaryDirectory(prefix="tongban-realism-") as folder, duckdb.connect() as connection:
        connection.execute(f"SET memory_limit = '{_MEMORY}'")
        connection.execute(f"SET temp_directory = {literal(folder)}")
        # else a text file is read in the type of a TRY_CAST at once, and one odd value ends the reading
        connection.execute("SET disabled_optimizers = 'type_pushdown'")
        connection.execute("SET preserve_insertion_order = false")
        connection.execute("SET enable_progress_bar = false")
        source = {
            ".parquet": f"read_parquet({listed})",
            ".csv": f"read_csv({listed}, header = true, all_varchar = true, nullstr = '', allow_quoted_nulls = false)",
            ".jsonl": f"read_json({listed}, format = 'newline_delimited', map_inference_threshold = -1)",
        }[ending]
        if ending == ".jsonl":
            names = [name for name, *_ in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()]
            struct = "{" + ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names) + "}"
            source = f"read_json({listed}, format = 'newline_delimited', columns = {struct})"
        connection.execute(f"CREATE VIEW data AS SELECT * FROM {source}")
        yield connection


@dataclass(frozen=True)
class _Read:
    """How a column is read: the SQL of its raw and of its typed value, and the type."""

    name: str
    raw: str
    value: str
    type: str

    @property
    def kind(self) -> str:
        """number, day, nested or text."""
        base = self.type.split("(")[0]
        if "[" in self.type or base in ("STRUCT", "MAP", "JSON", "BLOB", "UNION"):
            return "nested"
        return "number" if base in _NUMBERS else "day" if base in _DAYS else "text"

    @property
    def scale(self) -> str:
        """SQL of the value as a number, for bins."""
        return f"CAST({self.value} AS DOUBLE)" if self.kind == "number" else f"epoch(CAST({self.value} AS TIMESTAMP))"


def _profiled(
    connection: DuckDBPyConnection,
    ending: str,
    path: Path,
    interface: Interface,
    table: Table,
    as_of: date,
    language: str,
) -> DataReport:
    described = connection.execute("DESCRIBE SELECT * FROM data").fetchall()
    there = {name: type for name, type, *_ in described}
    fields = {field.name: field for field in table.fields}
    reads = []
    for name, type in there.items():
        wanted = duck_type(type_of(fields[name].schema, interface.resolve)) if name in fields else None
        reads.append(_reading(name, type, wanted, ending))
    counted = connection.execute("SELECT count(*) FROM data").fetchone()
    rows = int(counted[0]) if counted else 0
    bound = {name: bind(fields[name], interface, table) for name in there if name in fields}
    columns = []
    for read, sums in zip(reads, _sums(connection, reads, rows), strict=True):
        field, binding = fields.get(read.name), bound.get(read.name)
        title = (field.title.get(language) or field.title.get("zh_CN") or "") if field else ""
        columns.append(_column(connection, read, sums, title, binding.name if binding else None, rows))
    facts = {
        binding.element.attribute: read.value
        for read in reads
        if (binding := bound.get(read.name)) is not None and binding.qualifier is None and binding.element.attribute
    }
    return DataReport(
        file=path.name, interface=interface.id, version=interface.version, table=table.name, rows=rows,
        columns=tuple(columns), missing=tuple(name for name in fields if name not in there),
        foreign=tuple(name for name in there if name not in fields), marginals=meant(connection, facts, as_of),
    )  # fmt: skip


def _reading(name: str, type: str, wanted: str | None, ending: str) -> _Read:
    raw = quoted(name)
    if type == "TIMESTAMP WITH TIME ZONE":  # DuckDB needs pytz to hand out others
        return _Read(name, raw, f"make_timestamp(epoch_us({raw}))", "TIMESTAMP")
    if ending == ".parquet" or wanted in (None, "VARCHAR", "JSON"):
        return _Read(name, raw, raw, type if ending == ".parquet" else wanted or "VARCHAR")
    if wanted == "TIMESTAMP WITH TIME ZONE":
        return _Read(name, raw, f"make_timestamp(epoch_us(TRY_CAST({raw} AS TIMESTAMPTZ)))", "TIMESTAMP")
    return _Read(name, raw, f"TRY_CAST({raw} AS {wanted})", str(wanted))


def _sums(connection: DuckDBPyConnection, reads: list[_Read], rows: int) -> list[tuple[Any, ...]]:
    """(values, readable values, distinct, least, most) of every column, in one look at the data."""
    parts = []
    distinct = "count(DISTINCT {})" if rows <= EXACT else "approx_count_distinct({})"
    for read in reads:
        nested = read.kind == "nested"
        least, most = (f"CAST({end}({read.value}) AS VARCHAR)" for end in ("min", "max"))
        ends = ("NULL", "NULL", "NULL") if nested else (distinct.format(read.value), least, most)
        parts += [f"count({read.raw})", f"count({read.value})", *ends]
    if not parts:
        return []
    found = connection.execute(f"SELECT {', '.join(parts)} FROM data").fetchone() or ()
    return [tuple(found[at : at + 5]) for at in range(0, len(found), 5)]


def _column(
    connection: DuckDBPyConnection, read: _Read, sums: tuple[Any, ...], title: str, element: str | None, rows: int
) -> Column:
    values, readable, distinct, least, most = sums
    distinct = min(distinct or 0, readable)
    bars: tuple[Bar, ...] = ()
    exact, histogram = rows <= EXACT, False
    if readable and read.kind != "nested":
        if distinct <= FEW:
            counted = connection.execute(
                f"SELECT CAST({read.value} AS VARCHAR) AS v, count(*) AS n, count(*) OVER () FROM data"
                f" WHERE {read.value} IS NOT NULL GROUP BY {read.value} ORDER BY n DESC, v LIMIT {COMMON}"
            ).fetchall()
            bars, distinct, exact = tuple(Bar(str(v), int(n)) for v, n, _ in counted), int(counted[0][2]), True
        if read.kind in ("number", "day") and distinct > BINS:
            bars, histogram = _histogram(connection, read), True
        elif not bars and distinct < readable / 2:
            bars = _common(connection, read, readable)
    return Column(
        read.name, title, read.type, element, rows - values, values - readable,
        None if read.kind == "nested" else int(distinct), exact, least, most, histogram, bars,
    )  # fmt: skip


def _histogram(connection: DuckDBPyConnection, read: _Read) -> tuple[Bar, ...]:
    low, high = connection.execute(f"SELECT min({read.scale}), max({read.scale}) FROM data").fetchone() or (0.0, 0.0)
    width = (high - low) / BINS
    if not width or width != width or width in (float("inf"), float("-inf")):
        return ()
    counted = dict(
        connection.execute(
            f"SELECT CAST(least(floor(({read.scale} - {low!r}) / {width!r}), {BINS - 1}) AS INTEGER) AS b, count(*)"
            f" FROM data WHERE {read.value} IS NOT NULL GROUP BY b"
        ).fetchall()
    )
    return tuple(Bar(_edge(read, low + at * width), int(counted.get(at, 0))) for at in range(BINS))


def _edge(read: _Read, value: float) -> str:
    if read.kind == "number":
        return f"{value:.6g}"
    return date.fromordinal(date(1970, 1, 1).toordinal() + int(value // 86_400)).isoformat()


def _common(connection: DuckDBPyConnection, read: _Read, readable: int) -> tuple[Bar, ...]:
    """The commonest of many values: candidates by a sketch, then their exact numbers."""
    sketch = connection.execute(f"SELECT approx_top_k({read.value}, {COMMON * 4}) FROM data").fetchone()
    candidates = [value for value in (sketch[0] if sketch else None) or [] if value is not None]
    if not candidates:
        return ()
    marks = ", ".join("?" for _ in candidates)
    counted = connection.execute(
        f"SELECT CAST({read.value} AS VARCHAR) AS v, count(*) AS n FROM data WHERE {read.value} IN ({marks})"
        f" GROUP BY v ORDER BY n DESC, v LIMIT {COMMON}",
        candidates,
    ).fetchall()
    # where even the commonest is rare, a list of common values would tell nothing
    return (
        tuple(Bar(str(value), int(rows)) for value, rows in counted)
        if counted and counted[0][1] * 1_000 >= readable
        else ()
    )
