"""Where two files of a dataset differ first: the byte, and the row and column where the format has such."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pyarrow as pa

from mockdata.tables.layout import Layout

BLOCK = 1 << 20
SHOWN = 60


def first_difference(there: Path, made: Path, layout: Layout) -> str | None:
    """In words, None when the files are the same. DuckDB files are compared by their rows: their bytes hold more."""
    if not there.exists():
        return "is not there"
    if layout.format == "duckdb":
        try:
            return _between(_rows(there, layout), _rows(made, layout))
        except ValueError as error:
            return f"cannot be read: {str(error).splitlines()[0][:120]}"
    offset = _offset(there, made)
    if offset is None:
        return None
    try:
        told = _between(_rows(there, layout), _rows(made, layout))
    except (pa.ArrowException, OSError, ValueError) as error:
        told = f"it cannot be read: {str(error).splitlines()[0][:120]}"
    return f"byte {offset:,} differs" + (f"; {told}" if told else "; the rows read from it are the same")


def _offset(there: Path, made: Path) -> int | None:
    with there.open("rb") as one, made.open("rb") as other:
        at = 0
        while True:
            left, right = one.read(BLOCK), other.read(BLOCK)
            if left != right:
                pairs = enumerate(zip(left, right, strict=False))
                return at + next((place for place, (a, b) in pairs if a != b), min(len(left), len(right)))
            if not left:
                return None
            at += len(left)


def _between(there: Iterator[dict[str, Any]], made: Iterator[dict[str, Any]]) -> str | None:
    for number, (left, right) in enumerate(zip_longest(there, made)):
        if left == right:
            continue
        if left is None or right is None:
            return f"row {number:,} is {'missing' if left is None else 'one too many'}"
        name = next(key for key in {**left, **right} if left.get(key) != right.get(key))
        return f"row {number:,}, column {name}: {_short(left.get(name))} is there, {_short(right.get(name))} is right"
    return None


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"


def _rows(path: Path, layout: Layout) -> Iterator[dict[str, Any]]:
    match layout.format:
        case "parquet":
            import pyarrow.parquet as pq

            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(4096):
                    yield from batch.to_pylist()
        case "arrow":
            with pa.ipc.open_file(str(path)) as file:
                for at in range(file.num_record_batches):
                    yield from file.get_batch(at).to_pylist()
        case "jsonl":
            with path.open(encoding="utf-8") as lines:
                yield from map(json.loads, lines)
        case "csv":
            import csv

            spelled = {"utf-8-bom": "utf-8-sig"}.get(layout.encoding, layout.encoding)
            with path.open(encoding=spelled, newline="") as text:
                yield from csv.DictReader(text)
        case "duckdb":
            yield from _database_rows(path)
        case _:
            return


def _database_rows(path: Path) -> Iterator[dict[str, Any]]:
    import duckdb

    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            name = connection.sql("SELECT table_name FROM information_schema.tables").fetchall()[0][0]
            reader = connection.table('"' + str(name).replace('"', '""') + '"').to_arrow_reader(4096)
            for batch in reader:
                yield from batch.to_pylist()
    except (duckdb.Error, IndexError) as error:
        raise ValueError(str(error)) from None
