"""Parquet files: zstd, statistics, row groups of one size."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from mockdata.tables.scale import ROW_GROUP


class Parquet:
    """Dictionaries only for columns in `dictionary`: trying them on every column costs 15 % of the writer's time."""

    def __init__(self, path: Path, schema: pa.Schema, dictionary: tuple[str, ...]) -> None:
        self.writer = pq.ParquetWriter(
            path, schema, compression="zstd", use_dictionary=list(dictionary), write_statistics=True, version="2.6"
        )

    def write(self, batch: pa.RecordBatch) -> None:
        self.writer.write_batch(batch, row_group_size=ROW_GROUP)

    def close(self) -> None:
        self.writer.close()
