"""Arrow IPC files, zstd."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa


class ArrowFile:
    """The file format (with a footer), so that any batch is found without reading those before it."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.writer = pa.ipc.new_file(str(path), schema, options=pa.ipc.IpcWriteOptions(compression="zstd"))

    def write(self, batch: pa.RecordBatch) -> None:
        self.writer.write_batch(batch)

    def close(self) -> None:
        self.writer.close()
