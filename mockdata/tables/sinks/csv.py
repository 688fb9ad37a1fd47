"""CSV files (RFC 4180) in UTF-8, UTF-8 with a byte order mark (which Excel asks for), or GB18030.

An absent value is nothing between commas, an empty text is "".
"""

from __future__ import annotations

import codecs
from io import RawIOBase
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.csv

from mockdata.tables.jsonlines import nested_as_text


class Csv:
    """Nested values are JSON text."""

    def __init__(self, path: Path, schema: pa.Schema, encoding: str = "utf-8") -> None:
        flat = nested_as_text(pa.RecordBatch.from_pylist([], schema=schema)).schema
        options = pyarrow.csv.WriteOptions(include_header=True, quoting_style="needed")
        self.file: Any = None
        if encoding == "gb18030":
            self.file = pa.PythonFile(_Recoded(path.open("wb"), encoding), mode="w")
        elif encoding == "utf-8-bom":
            self.file = pa.OSFile(str(path), "wb")
            self.file.write(codecs.BOM_UTF8)
        self.writer = pyarrow.csv.CSVWriter(path if self.file is None else self.file, flat, write_options=options)

    def write(self, batch: pa.RecordBatch) -> None:
        self.writer.write_batch(nested_as_text(batch))

    def close(self) -> None:
        self.writer.close()
        if self.file is not None:
            self.file.close()


class _Recoded(RawIOBase):
    """UTF-8 in, another encoding out."""

    def __init__(self, file: BinaryIO, encoding: str) -> None:
        self.file, self.encoding = file, encoding
        self.decoder = codecs.getincrementaldecoder("utf-8")()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.file.write(self.decoder.decode(bytes(data)).encode(self.encoding))
        return len(data)

    def close(self) -> None:
        if not self.closed:
            super().close()
            self.file.close()
