"""A workbook as a grid of texts: merged cells filled, dates and numbers as people read them, each with its place."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from specs.importers.points import Points

MAX_BYTES = 32 * 1024 * 1024
MAX_UNPACKED = 192 * 1024 * 1024
MAX_COLUMNS = 200
MAX_ROWS = 100_000


@dataclass(frozen=True, slots=True)
class Cell:
    """`text` is what a person reads. `own`: the text stands in this cell, not only in the merged block around it.
    `wide`: the block reaches over several columns, `tall`: over several rows."""

    text: str
    own: bool
    row: int
    column: int
    tall: bool = False
    wide: bool = False
    trouble: str = ""

    @property
    def place(self) -> str:
        """The cell as Excel names it."""
        from openpyxl.utils import get_column_letter

        return f"{get_column_letter(self.column)}{self.row}"


@dataclass(frozen=True)
class Sheet:
    """One visible sheet."""

    name: str
    rows: tuple[tuple[Cell, ...], ...]


def sheets(path: Path, points: Points) -> Iterator[Sheet]:
    """The visible sheets of an .xlsx workbook. Raises SpecError (`import-unreadable`) when it is none, or too large."""
    import openpyxl

    formulas = _checked(path, points)
    try:
        book = openpyxl.load_workbook(path, data_only=True, keep_links=False)
        written = openpyxl.load_workbook(path, keep_links=False) if formulas else None
    except Exception as error:  # openpyxl raises whatever its XML parsers and its own code come across
        raise points.refuse(
            f"is no workbook that can be read: {type(error).__name__}", "open it in Excel and save it again"
        ) from None
    for sheet in book.worksheets:
        if sheet.sheet_state != "visible":
            points.say("import-skipped", f"the hidden sheet {sheet.title} was passed over", pointer=f"/{sheet.title}")
            continue
        if sheet.max_row > MAX_ROWS or sheet.max_column > 16384:
            raise points.refuse(
                f"the sheet {sheet.title} has {sheet.max_row:,} rows", f"no more than {MAX_ROWS:,} are read"
            )
        yield Sheet(sheet.title, tuple(_rows(sheet, written[sheet.title] if written else None)))


def _checked(path: Path, points: Points) -> bool:
    """Whether a sheet of the workbook holds formulas. Raises SpecError for what is none or too large."""
    try:
        with path.open("rb") as stream:
            start = stream.read(8)
        size = path.stat().st_size
    except OSError as error:
        raise points.refuse(f"cannot be read: {(error.strerror or 'error').lower()}", "check the path") from None
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        raise points.refuse(
            "is a workbook of Excel 97–2003 or one with a password", "save it as .xlsx without a password"
        )
    if size > MAX_BYTES:
        raise points.refuse(f"the workbook has more than {MAX_BYTES // 2**20} MiB", "split it by department")
    try:
        with zipfile.ZipFile(path) as packed:
            unpacked = sum(part.file_size for part in packed.infolist())
            parts = [part for part in packed.infolist() if part.filename.startswith("xl/worksheets/")]
            formulas = unpacked <= MAX_UNPACKED and any(b"<f" in packed.read(part) for part in parts)
    except (zipfile.BadZipFile, OSError, ValueError):
        raise points.refuse("is no .xlsx workbook", "save it as .xlsx") from None
    if unpacked > MAX_UNPACKED:
        raise points.refuse(f"the workbook unpacks to {unpacked // 2**20} MiB", "split it by department")
    return formulas


def _rows(sheet: Any, written: Any) -> Iterator[tuple[Cell, ...]]:
    blocks: dict[tuple[int, int], Any] = {}
    for block in sheet.merged_cells.ranges:
        rows = range(block.min_row, min(block.max_row, sheet.max_row) + 1)
        for row in rows:
            for column in range(block.min_col, min(block.max_col, MAX_COLUMNS) + 1):
                blocks[row, column] = block
    width = min(sheet.max_column or 0, MAX_COLUMNS)
    for number, cells in enumerate(sheet.iter_rows(max_col=width), 1):
        made = []
        for at, cell in enumerate(cells, 1):
            block = blocks.get((number, at))
            if block is None:
                text, trouble = _text(cell)
                if written is not None and cell.value is None and written.cell(number, at).value is not None:
                    trouble = "a formula without a saved result: open the workbook in Excel and save it"
                made.append(Cell(text, bool(text), number, at, trouble=trouble))
                continue
            first = sheet.cell(block.min_row, block.min_col)
            text, trouble = _text(first)
            own = (number, at) == (block.min_row, block.min_col)
            tall, wide = block.max_row > block.min_row, block.max_col > block.min_col
            made.append(Cell(text, own and bool(text), number, at, tall, wide, trouble if own else ""))
        yield tuple(made)


def _text(cell: Any) -> tuple[str, str]:
    """What a cell says, and what is wrong with it."""
    value = cell.value
    if value is None:
        return "", ""
    if isinstance(value, str):
        text = value.replace("\r\n", "\n").replace("_x000D_", "").strip()
        trouble = "the formula has no result" if cell.data_type == "e" else ""
        return text, trouble
    if isinstance(value, bool):
        return ("是" if value else "否"), ""
    if isinstance(value, datetime):
        plain = value.time() == time(0)
        return (value.date().isoformat() if plain else value.isoformat(sep=" ", timespec="seconds")), ""
    if isinstance(value, date | time):
        return value.isoformat(), ""
    if isinstance(value, int | float):
        return _number(value, str(cell.number_format or ""))
    return str(value), ""


def _number(value: float, form: str) -> tuple[str, str]:
    trouble = (
        "Excel keeps 15 digits of a number; the last ones are lost: write it as text" if abs(value) >= 1e15 else ""
    )
    if float(value).is_integer():
        text = str(int(value))
        width = len(form) if form and set(form) == {"0"} else 0  # a format of zeros shows leading ones
        return text.zfill(width), trouble
    return repr(float(value)), trouble
