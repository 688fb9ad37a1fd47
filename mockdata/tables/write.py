"""Datasets on disk: Parquet, CSV, JSON Lines or Arrow IPC, each with a manifest.

A file comes to be under a temporary name in its own folder and gets its final name in one rename; whatever goes wrong
before leaves nothing under the final name. Tables of over a million rows become a folder of parts. The manifest says
what the data are a function of, and the digest of every file, so that anyone can make them again and compare.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa

from mockdata.tables import scale
from mockdata.tables.jsonlines import lines, nested_as_text

if TYPE_CHECKING:
    from mockdata.tables.plan import Plan

FORMATS: Mapping[str, str] = {"parquet": ".parquet", "csv": ".csv", "jsonl": ".jsonl", "arrow": ".arrow"}
"""Format → file name ending."""
METADATA_KEY = b"tongban"


class TargetExists(FileExistsError):
    """The target is there already and was not to be replaced."""

    def __init__(self, target: Path) -> None:
        super().__init__(errno.EEXIST, "the target exists already", str(target))


@dataclass(frozen=True, slots=True)
class File:
    """One written file: name relative to the manifest's folder, rows, size in bytes, SHA-256 (hexadecimal)."""

    name: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a dataset is: same origin, same generator, same libraries → same bytes."""

    interface: str
    version: str
    table: str
    rows: int
    format: str
    origin: Mapping[str, Any]
    columns: tuple[Mapping[str, str], ...]
    files: tuple[File, ...]
    libraries: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The manifest as plain JSON values."""
        return {**asdict(self), "columns": [dict(column) for column in self.columns]}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Manifest:
        """The manifest written by `to_json`. Raises KeyError or TypeError for anything else."""
        files = tuple(File(**file) for file in value["files"])
        return Manifest(**{**value, "files": files, "columns": tuple(value["columns"])})


def generator_version() -> str:
    """The version of the generator, as installed."""
    try:
        return version("tongban")
    except PackageNotFoundError:
        return "0"


def beside(target: Path, kind: str) -> Path:
    """The companion of a dataset: `people.parquet` → `people.parquet.manifest.json`."""
    return target.with_name(f"{target.name}.{kind}.json")


class _Sink(Protocol):
    def write(self, batch: pa.RecordBatch) -> None: ...
    def close(self) -> None: ...


class _Parquet:
    def __init__(self, path: Path, schema: pa.Schema, dictionary: tuple[str, ...], row_group: int) -> None:
        import pyarrow.parquet as pq

        # Dictionaries pay only where values repeat; trying them on every column costs 15 % of the writer's
        # time.
        self.writer = pq.ParquetWriter(
            path, schema, compression="zstd", use_dictionary=list(dictionary), write_statistics=True, version="2.6"
        )
        self.row_group = row_group

    def write(self, batch: pa.RecordBatch) -> None:
        self.writer.write_batch(batch, row_group_size=self.row_group)

    def close(self) -> None:
        self.writer.close()


class _Csv:
    def __init__(self, path: Path, schema: pa.Schema) -> None:
        import pyarrow.csv

        flat = nested_as_text(pa.RecordBatch.from_pylist([], schema=schema)).schema
        options = pyarrow.csv.WriteOptions(include_header=True, quoting_style="needed")
        self.writer = pyarrow.csv.CSVWriter(path, flat, write_options=options)

    def write(self, batch: pa.RecordBatch) -> None:
        self.writer.write_batch(nested_as_text(batch))

    def close(self) -> None:
        self.writer.close()


class _JsonLines:
    def __init__(self, path: Path, json_text: frozenset[str], always: frozenset[str]) -> None:
        self.file = path.open("wb")
        self.json_text, self.always = json_text, always

    def write(self, batch: pa.RecordBatch) -> None:
        self.file.write(lines(batch, self.json_text, self.always))

    def close(self) -> None:
        self.file.close()


class _Arrow:
    def __init__(self, path: Path, schema: pa.Schema) -> None:
        options = pa.ipc.IpcWriteOptions(compression="zstd")
        self.writer = pa.ipc.new_file(str(path), schema, options=options)

    def write(self, batch: pa.RecordBatch) -> None:
        self.writer.write_batch(batch)

    def close(self) -> None:
        self.writer.close()


def _sink(plan: Plan, path: Path, format: str) -> _Sink:
    schema = plan.schema.with_metadata({METADATA_KEY: json.dumps(plan.origin, sort_keys=True).encode()})
    match format:
        case "parquet":
            return _Parquet(path, schema, plan.repeating, scale.ROW_GROUP)
        case "csv":
            return _Csv(path, plan.schema)
        case "jsonl":
            return _JsonLines(path, plan.json_text, plan.always)
        case "arrow":
            return _Arrow(path, schema)
    raise ValueError(f"unknown format {format!r}; known: {', '.join(FORMATS)}")


@dataclass(frozen=True, slots=True)
class _Task:
    plan: Plan
    range: scale.Range
    path: Path
    format: str


def _write_part(task: _Task) -> File:
    from mockdata.tables.generate import generate

    batches = generate(task.plan, task.range.start, task.range.stop)
    return write_batches(task.plan, batches, task.path, task.format)


def write_batches(
    plan: Plan,
    batches: Iterable[pa.RecordBatch],
    path: Path,
    format: str,
    progress: Callable[[int], None] | None = None,
) -> File:
    sink = _sink(plan, path, format)
    rows = 0
    try:
        for batch in batches:
            sink.write(batch)
            rows += batch.num_rows
            if progress is not None:
                progress(batch.num_rows)
    finally:
        sink.close()
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
    return File(path.name, rows, path.stat().st_size, digest)


def write(
    plan: Plan,
    rows: int,
    target: Path,
    format: str = "parquet",
    *,
    force: bool = False,
    workers: int = 1,
    executor: Executor | None = None,
    progress: Callable[[int], None] | None = None,
    part_rows: int = scale.PART_ROWS,
) -> Manifest:
    """Generate rows 0 … rows-1 of the plan into `target` and its manifest beside it; `progress` hears of rows done.

    Up to `part_rows` rows make one file; more make a folder of that name with one file a part. The bytes do not
    depend on workers or executor. Raises TargetExists (without `force`), plan.PlanError when the plan has fewer rows
    to give, ValueError for an unknown format, OSError when the folder cannot be written; nothing is left under the
    final name.
    """
    if format not in FORMATS:
        raise ValueError(f"unknown format {format!r}; known: {', '.join(FORMATS)}")
    plan.allow(rows)
    if target.exists() and not force:
        raise TargetExists(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    hidden = target.with_name(f".{target.name}.{os.getpid()}.unfinished")
    _remove(hidden)
    ranges = scale.parts(rows, part_rows)
    try:
        if len(ranges) == 1:
            from mockdata.tables.generate import generate

            batches = generate(plan, 0, rows)
            made = write_batches(plan, batches, hidden, format, progress)
            files: tuple[File, ...] = (File(target.name, made.rows, made.bytes, made.sha256),)
        else:
            hidden.mkdir()
            tasks = [_Task(plan, part, hidden / f"part-{part.part:05d}{FORMATS[format]}", format) for part in ranges]
            done = None if progress is None else (lambda file: progress(file.rows))
            written = scale.each(_write_part, tasks, workers, executor, done)
            files = tuple(File(f"{target.name}/{f.name}", f.rows, f.bytes, f.sha256) for f in written)
        manifest = Manifest(
            interface=plan.interface, version=plan.version, table=plan.table, rows=rows, format=format,
            origin=plan.origin, columns=plan.described, files=files, libraries={"pyarrow": pa.__version__},
        )  # fmt: skip
        for companion in ("manifest", "quality"):
            beside(target, companion).unlink(missing_ok=True)  # those of an older dataset of this name
        _put(hidden, target)
    except BaseException:
        _remove(hidden)
        raise
    save(beside(target, "manifest"), manifest.to_json())
    return manifest


def _put(hidden: Path, target: Path) -> None:
    """Gives the finished data their name. A folder cannot be renamed over anything, so what is there steps aside."""
    if not target.exists() or (target.is_file() and hidden.is_file()):
        os.replace(hidden, target)
        return
    aside = hidden.with_suffix(".replaced")
    os.replace(target, aside)
    os.replace(hidden, target)
    _remove(aside)


def save(path: Path, value: Any) -> None:
    """JSON into a file, all of it or nothing."""
    hidden = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    try:
        hidden.write_text(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n", encoding="utf-8")
        os.replace(hidden, path)
    except BaseException:
        hidden.unlink(missing_ok=True)
        raise


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
