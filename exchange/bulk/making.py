"""Files made by DuckDB: written under another name, hashed, then renamed. Memory does not grow with rows."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exchange.brokering.sources import SourceFailure
from exchange.bulk.conditions import Fragment, quoted
from exchange.bulk.model import File, Source
from exchange.bulk.plan import Plan, filtered, planned
from exchange.bulk.sources import Sources
from exchange.bulk.terms import Terms

FILE_BYTES = 128 * 1024 * 1024
FORMATS = {
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.stream",
    "csv": "text/csv; charset=utf-8",
}
"""What a stream can be, with its media type."""
SUBJECTS = "subjects.txt"
MOST_SUBJECTS = 1000
"""Persons of one file that the ledger indexes; a larger one is found through its agreement."""


@dataclass(frozen=True, slots=True)
class Made:
    """A finished result in a folder of its own."""

    files: tuple[File, ...]
    schema: str
    columns: tuple[str, ...]

    @property
    def records(self) -> int:
        """Rows of all files."""
        return sum(file.records for file in self.files)


def snapshot(sources: Sources, source: Source, terms: Terms, key: bytes, folder: Path, person: str | None) -> Made:
    """The whole of what an agreement gives, as Parquet files of about 128 MB in ``folder``, which is new.

    ``person``: the agreed column with citizen numbers. Raises `Unenforceable` and `SourceFailure`; then nothing is
    left behind.
    """
    return _made(sources, source, terms, key, folder, person, "parquet", f"FILE_SIZE_BYTES {FILE_BYTES}")


def stream(
    sources: Sources,
    source: Source,
    terms: Terms,
    key: bytes,
    folder: Path,
    person: str | None,
    format: str,
    *,
    narrowed: Sequence[str] = (),
    where: str = "",
    limit: int | None = None,
) -> Made:
    """One file in one of `FORMATS`, as a consumer asked for it. Raises `Unprocessable` too, for the filter."""
    return _made(sources, source, terms, key, folder, person, format, "", narrowed, where, limit)


def head(path: Path, rows: int, into: Path) -> int:
    """Write the first ``rows`` rows of a Parquet file to ``into``; gives how many there were."""
    import pyarrow.parquet as pq

    part = into.with_name(into.name + ".part")
    with pq.ParquetFile(path) as file, pq.ParquetWriter(part, file.schema_arrow) as writer:
        left = rows
        for batch in file.iter_batches(batch_size=min(rows, 65_536)):
            writer.write_batch(batch.slice(0, left))
            left -= min(left, batch.num_rows)
            if not left:
                break
    os.replace(part, into)
    return rows - left


def measured(number: int, path: Path, records: int, head: int = 0) -> File:
    """A finished file as it is recorded."""
    with path.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    return File(number, path.name, digest, path.stat().st_size, records, head)


def told(body: bytes, records: int) -> File:
    """An answer that is no file, recorded as one."""
    return File(0, "", hashlib.sha256(body).hexdigest(), len(body), records)


def _made(
    sources: Sources,
    source: Source,
    terms: Terms,
    key: bytes,
    folder: Path,
    person: str | None,
    format: str,
    options: str,
    narrowed: Sequence[str] = (),
    where: str = "",
    limit: int | None = None,
) -> Made:
    import duckdb
    from pyarrow import ArrowException

    part = folder.with_name(folder.name + ".part")
    part.mkdir(parents=True)
    try:
        with sources.open(source, None, None) as connection:
            filter = filtered(connection, terms)
        with sources.open(source, filter.reads, part) as connection:
            plan = planned(connection, terms, filter, key, narrowed=narrowed, where=where)
            files = _written(connection, plan, part, format, options, limit)
        subjects = _subjects(sources, source, filter, person, sum(file.records for file in files))
        (part / SUBJECTS).write_text("\n".join(subjects))
        os.replace(part, folder)
    except (duckdb.ParserException, duckdb.NotImplementedException, duckdb.InternalException):
        raise  # ours, not the provider's
    except (duckdb.Error, ArrowException):
        raise SourceFailure("source-unreadable") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return Made(tuple(files), plan.schema, tuple(column.name for column in plan.columns))


def subjects_of(folder: Path) -> tuple[str, ...]:
    """Whom a small result is about; kept beside its files and removed with them."""
    return tuple((folder / SUBJECTS).read_text().split())


def _written(connection: Any, plan: Plan, part: Path, format: str, options: str, limit: int | None) -> list[File]:
    select = plan.select
    if limit is not None:
        select = Fragment(f"SELECT * FROM ({select.sql}) LIMIT {int(limit)}", select.values)
    if format == "arrow":
        return [_arrow(connection, select, part / "part-0.arrows")]
    target, form = part / f"part-0.{format}", "FORMAT csv, HEADER true"
    if format == "parquet":
        # a folder inside the one that may be written: DuckDB does not take that one itself
        target, form = (part / "files", f"{options}, FILENAME_PATTERN 'part-{{i}}', ") if options else (target, "")
        form = f"FORMAT parquet, {form}OVERWRITE_OR_IGNORE true, RETURN_STATS true"
    place = str(target).replace("'", "''")
    rows = connection.execute(f"COPY ({select.sql}) TO '{place}' ({form})", list(select.values)).fetchall()
    if format == "csv":
        return [measured(0, target, int(rows[0][0]))]
    counted = sorted(((_up(Path(row[0]), part), int(row[1])) for row in rows), key=lambda pair: _order(pair[0].name))
    return [measured(number, path, count) for number, (path, count) in enumerate(counted)]


def _up(path: Path, folder: Path) -> Path:
    return path.rename(folder / path.name)


def _order(name: str) -> tuple[int, str]:
    return len(name), name


def _arrow(connection: Any, select: Fragment, path: Path) -> File:
    import pyarrow as pa

    records = 0
    reader = connection.sql(select.sql, params=list(select.values)).to_arrow_reader(100_000)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, reader.schema) as writer:
        for batch in reader:
            records += batch.num_rows
            writer.write_batch(batch)
    return measured(0, path, records)


def _subjects(sources: Sources, source: Source, filter: Any, person: str | None, records: int) -> tuple[str, ...]:
    """The persons a small file is about, by the unmasked number: who used my data must find them masked too."""
    if person is None or not 0 < records <= MOST_SUBJECTS:
        return ()
    with sources.open(source, tuple(dict.fromkeys((*filter.reads, person))), None) as connection:
        where = f" WHERE {filter.where.sql}" if filter.where else ""
        values = list(filter.where.values) if filter.where else []
        select = f"SELECT DISTINCT CAST({quoted(person)} AS VARCHAR) FROM source{where} LIMIT {MOST_SUBJECTS}"
        return tuple(sorted(row[0] for row in connection.execute(select, values).fetchall() if row[0]))
