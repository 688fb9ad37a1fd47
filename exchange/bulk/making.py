"""Files made by DuckDB: written under another name, hashed, then renamed. Memory does not grow with rows."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exchange.brokering.sources import SourceFailure
from exchange.bulk.conditions import Fragment, quoted
from exchange.bulk.model import File, Source
from exchange.bulk.plan import CARRIED, Plan, arrow_types, filtered, planned
from exchange.bulk.sources import Reading, Sources
from exchange.bulk.terms import Terms

FILE_BYTES = 128 * 1024 * 1024
FORMATS = {
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.stream",
    "csv": "text/csv; charset=utf-8",
}
"""What a stream can be, with its media type."""
SUBJECTS = "subjects.json"
MOST_SUBJECTS = 1000
"""Persons of one file that the ledger indexes; a larger one is found through its agreement."""
ATTEMPTS = 8
"""How often files that change while they are read are read before that is told."""


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

    ``person``: the column with citizen numbers. Raises `Unenforceable` and `SourceFailure`; then nothing is
    left behind.
    """
    return _made(_Job(sources, source, terms, key, folder, person, "parquet", f"FILE_SIZE_BYTES {FILE_BYTES}"))


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
    return _made(_Job(sources, source, terms, key, folder, person, format, "", narrowed, where, limit))


def head(path: Path, rows: int, into: Path) -> int:
    """Write the first ``rows`` rows of a Parquet file to ``into``; gives how many there were."""
    import pyarrow.parquet as pq

    part = into.with_name(f"{into.name}.{secrets.token_hex(4)}.part")
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


@dataclass(frozen=True, slots=True)
class _Job:
    sources: Sources
    source: Source
    terms: Terms
    key: bytes
    folder: Path
    person: str | None
    format: str
    options: str = ""
    narrowed: Sequence[str] = ()
    where: str = ""
    limit: int | None = None


def _made(job: _Job) -> Made:
    for _ in range(ATTEMPTS):
        before = job.sources.state(job.source)
        made: Made | SourceFailure
        try:
            made = _attempt(job)
        except SourceFailure as failure:
            made = failure
        if job.sources.state(job.source) == before:
            if isinstance(made, SourceFailure):
                raise made
            return made
        # files were replaced while they were read: nobody knows of which state the rows are
        shutil.rmtree(job.folder, ignore_errors=True)
    raise SourceFailure("source-changing")


def _attempt(job: _Job) -> Made:
    import duckdb
    from pyarrow import ArrowException

    part = job.folder.with_name(job.folder.name + ".part")
    part.mkdir(parents=True)
    try:
        with job.sources.open(job.source, part) as reading:
            connection = reading.connection
            filter = filtered(connection, job.terms)
            person = job.person if job.person in arrow_types(connection) else None
            plan = planned(
                connection, job.terms, filter, job.key, narrowed=job.narrowed, where=job.where, person=person
            )
            reading.rows(plan.reads)
            files, about = _written(reading, plan, part, job.format, job.options, job.limit)
        (part / SUBJECTS).write_text(json.dumps(about))
        os.replace(part, job.folder)
    except (duckdb.ParserException, duckdb.NotImplementedException, duckdb.InternalException):
        raise  # ours, not the provider's
    except duckdb.InterruptException:
        raise SourceFailure("source-slow") from None
    except (duckdb.Error, ArrowException):
        raise SourceFailure("source-unreadable") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return Made(tuple(files), plan.schema, tuple(column.name for column in plan.columns))


def subjects_of(folder: Path) -> tuple[str, ...]:
    """Whom a small result is about; kept beside its files and removed with them."""
    return tuple(json.loads((folder / SUBJECTS).read_text()))


def _written(
    reading: Reading, plan: Plan, part: Path, format: str, options: str, limit: int | None
) -> tuple[list[File], tuple[str, ...]]:
    """The files, and whom they are about by the unmasked number: who used my data must find the masked too."""
    connection, few = reading.connection, limit is not None and limit <= MOST_SUBJECTS
    if plan.carried and few:
        # which rows a limit takes is known once they are taken, so they are, together with whom they are about
        connection.execute(f"CREATE TEMP TABLE taken AS {plan.carried.sql} LIMIT {limit}", list(plan.carried.values))
        files = _copied(connection, Fragment(plan.of("taken")), part, format, options)
        return files, _persons(connection, Fragment("taken"))
    select = plan.select if limit is None else Fragment(f"{plan.select.sql} LIMIT {limit}", plan.select.values)
    files = _copied(connection, select, part, format, options)
    if plan.carried is None or not 0 < sum(file.records for file in files) <= MOST_SUBJECTS:
        return files, ()
    reading.rows(plan.reads)
    return files, _persons(connection, Fragment(f"({plan.carried.sql})", plan.carried.values))


def _persons(connection: Any, rows: Fragment) -> tuple[str, ...]:
    found = connection.execute(f"SELECT DISTINCT {quoted(CARRIED)} FROM {rows.sql}", list(rows.values)).fetchall()
    return tuple(sorted(row[0] for row in found if row[0]))


def _copied(connection: Any, select: Fragment, part: Path, format: str, options: str) -> list[File]:
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
