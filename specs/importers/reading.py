"""A file of any known kind to drafts, and bytes to text whatever Chinese encoding they are in."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from specs.importers.draft import Draft
from specs.importers.points import Points


class Source(StrEnum):
    """What a file holds."""

    EXCEL = "excel"
    DDL = "ddl"
    CSV = "csv"
    PARQUET = "parquet"


_SUFFIXES = {
    ".xlsx": Source.EXCEL, ".xlsm": Source.EXCEL, ".xls": Source.EXCEL, ".et": Source.EXCEL,
    ".sql": Source.DDL, ".ddl": Source.DDL,
    ".csv": Source.CSV, ".tsv": Source.CSV, ".txt": Source.CSV,
    ".parquet": Source.PARQUET, ".pq": Source.PARQUET,
}  # fmt: skip


def source_of(path: Path) -> Source:
    """What a file holds, by its first bytes, else by its name. Raises SpecError when neither says."""
    points = Points(str(path))
    try:
        with path.open("rb") as stream:
            start = stream.read(8)
    except OSError as error:
        raise points.refuse(f"cannot be read: {(error.strerror or 'error').lower()}", "check the path") from None
    if start.startswith(b"PAR1"):
        return Source.PARQUET
    if start.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        return Source.EXCEL
    known = _SUFFIXES.get(path.suffix.lower())
    if known is None:
        called = f"*{path.suffix}" if path.suffix else path.name
        raise points.refuse(f"nothing is known of files called {called}", "give --format excel, ddl, csv or parquet")
    return known


def drafts(
    path: Path,
    source: Source | None = None,
    *,
    department: str | None = None,
    name: str | None = None,
    dialect: str | None = None,
    rows: int | None = None,
) -> tuple[Draft, ...]:
    """The drafts a file gives: one for each resource of a catalogue sheet, else one.

    `name` is the last part of the interface id (default: the file's or the resource's name), `dialect` that of the SQL,
    `rows` how many rows of a CSV or Parquet file are looked at (default: all). Raises SpecError (`import-unreadable`).
    """
    kind = source or source_of(path)
    try:
        if kind is Source.EXCEL or (source is None and kind is Source.CSV and _holds_catalogue(path)):
            from specs.importers.excel import read_catalogue

            return read_catalogue(path, department=department)
        if kind is Source.DDL:
            from specs.importers.ddl import read_ddl

            return (read_ddl(path, department=department, name=name, dialect=dialect),)
        from specs.importers.tabular import read_table

        return (read_table(path, kind.value, department=department, name=name, rows=rows),)
    except ModuleNotFoundError as error:
        hint = "pip install 'tongban[import]'"
        raise Points(str(path)).refuse(f"reading it needs the package {error.name}", hint) from None


def _holds_catalogue(path: Path) -> bool:
    """Whether a CSV is a resource catalogue saved as text. Its first row is enough to tell that most are not."""
    from specs.importers.excel import is_catalogue

    with path.open("rb") as stream:
        start = stream.read(65536)
    marks = ("资源名称", "目录名称", "信息资源名")
    return any(mark.encode(code) in start for mark in marks for code in ("utf-8", "gb18030", "utf-16-le")) and (
        is_catalogue(path)
    )


def decoded(data: bytes) -> tuple[str, str]:
    """Text and the name of its encoding: UTF-8, UTF-16 with a byte order mark, else GB18030.

    Raises UnicodeDecodeError when it is none of them.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16"), "UTF-16"
    try:
        return data.decode("utf-8-sig"), "UTF-8"
    except UnicodeDecodeError:
        return data.decode("gb18030"), "GB18030"
