"""Parquet files: zstd, statistics, row groups of one size."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from mockdata.tables.scale import ROW_GROUP


class Parquet:
    """Batches wait until they make a row group. Dictionaries only for columns in `dictionary`: trying them on every
    column costs 15 % of the writer's time.
    """

    def __init__(self, path: Path, schema: pa.Schema, dictionary: tuple[str, ...]) -> None:
        self.writer = pq.ParquetWriter(
            path, schema, compression="zstd", use_dictionary=list(dictionary), write_statistics=True, version="2.6"
        )
        self.waiting: list[pa.RecordBatch] = []
        self.rows = 0

    def write(self, batch: pa.RecordBatch) -> None:
        self.waiting.append(batch)
        self.rows += batch.num_rows
        if self.rows >= ROW_GROUP:
            self._write(self.rows // ROW_GROUP * ROW_GROUP)

    def _write(self, rows: int) -> None:
        table = pa.Table.from_batches(self.waiting)
        self.writer.write_table(table.slice(0, rows), row_group_size=ROW_GROUP)
        self.rows -= rows
        self.waiting = table.slice(rows).to_batches() if self.rows else []

    def close(self) -> None:
        if self.waiting:
            self._write(self.rows)
        self.writer.close()
