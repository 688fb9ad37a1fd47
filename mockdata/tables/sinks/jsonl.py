"""JSON Lines files: one object a row, UTF-8."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from mockdata.tables.jsonlines import lines


class JsonLines:
    """Columns in `json_text` hold JSON already; those in `always` are named even when null."""

    def __init__(self, path: Path, json_text: frozenset[str], always: frozenset[str]) -> None:
        self.file = path.open("wb")
        self.json_text, self.always = json_text, always

    def write(self, batch: pa.RecordBatch) -> None:
        self.file.write(lines(batch, self.json_text, self.always))

    def close(self) -> None:
        self.file.close()
