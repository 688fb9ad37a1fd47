"""A workbook as a grid of texts: merged cells filled, dates and numbers as people read them, each with its place.

A catalogue saved as text (CSV) is one sheet of it.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from specs.importers.points import Points
from specs.importers.worksheet import Said, Worksheet, book_of, column_letters, plain, worksheet

MAX_BYTES = 32 * 1024 * 1024
MAX_UNPACKED = 192 * 1024 * 1024
MAX_COLUMNS = 200
MAX_ROWS = 100_000
MAX_BLOCKS = 5_000_000
"""How many cells may lie in merged blocks."""


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
        return f"{column_letters(self.column)}{self.row}"


Row = Mapping[int, Cell]
"""The cells of a row that say something or are in trouble, by column from 1; never empty."""


@dataclass(frozen=True)
class Sheet:
    """One visible sheet: the rows that say something."""

    name: str
    rows: tuple[Row, ...]


def sheets(path: Path, points: Points) -> Iterator[Sheet]:
    """The visible sheets of an .xlsx workbook, or the one a text is.

    Raises SpecError (`import-unreadable`) when it is neither, or too large.
    """
    if (start := _start(path, points)).startswith(b"PK"):
        yield from _workbook(path, points)
        return
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        raise _old(path, points)
    if not start:
        raise points.refuse("is empty", "take the file that holds the catalogue")
    yield _text(path, points)


def _start(path: Path, points: Points) -> bytes:
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            start = stream.read(512)
    except OSError as error:
        raise points.refuse(f"cannot be read: {(error.strerror or 'error').lower()}", "check the path") from None
    if size > MAX_BYTES:
        raise points.refuse(f"the workbook has more than {MAX_BYTES // 2**20} MiB", "split it by department")
    return start


def _old(path: Path, points: Points) -> Exception:
    """What an OLE container is: a workbook with a password, or one of Excel 97–2003 (or of WPS, .et)."""
    if "EncryptedPackage".encode("utf-16-le") in path.read_bytes():
        return points.refuse("is a workbook with a password", "take the password off in Excel and save it as .xlsx")
    return points.refuse("is a workbook of Excel 97–2003", "open it in Excel or WPS and save it as .xlsx")


def _workbook(path: Path, points: Points) -> Iterator[Sheet]:
    import openpyxl

    _checked(path, points)
    damaged = "open it in Excel and save it again"
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
        known = book_of(book)
    except Exception as error:  # openpyxl raises whatever its XML parsers and its own code come across
        raise points.refuse(f"is no workbook that can be read: {type(error).__name__}", damaged) from None
    try:
        for sheet in book.worksheets:
            if sheet.sheet_state != "visible":
                told = f"the hidden sheet {sheet.title} was passed over"
                points.say("import-skipped", told, "show it, if it belongs", pointer=f"/{sheet.title}")
                continue
            try:
                with sheet._get_source() as part:
                    found = worksheet(part, known)
            except Exception as error:
                told = f"is no workbook that can be read: sheet {sheet.title}, {type(error).__name__}"
                raise points.refuse(told, damaged, pointer=f"/{sheet.title}") from None
            yield Sheet(sheet.title, _rows(sheet.title, found, points))
    finally:
        book.close()


def _checked(path: Path, points: Points) -> None:
    try:
        with zipfile.ZipFile(path) as packed:
            parts = packed.infolist()
            unpacked = sum(part.file_size for part in parts)
            names = {part.filename for part in parts}
            strict = "xl/workbook.xml" in names and b"purl.oclc.org/ooxml" in packed.open("xl/workbook.xml").read(4096)
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, NotImplementedError):
        raise points.refuse("is no .xlsx workbook", "save it as .xlsx") from None
    if unpacked > MAX_UNPACKED:
        raise points.refuse(f"the workbook unpacks to {unpacked // 2**20} MiB", "split it by department")
    if strict:
        raise points.refuse("is a workbook of the strict form of Office Open XML", "save it as a plain .xlsx workbook")
    if any(name.startswith("xl/") and name.endswith(".bin") for name in names) and "xl/workbook.xml" not in names:
        raise points.refuse("is a binary workbook (.xlsb)", "save it as .xlsx")
    if "content.xml" in names and "mimetype" in names:
        raise points.refuse("is an OpenDocument workbook (.ods)", "save it as .xlsx")


def _rows(name: str, found: Worksheet, points: Points) -> tuple[Row, ...]:
    """The rows with what merged blocks say in all of their cells; tells of what is hidden and what lies too far out."""
    if len(found.cells) > MAX_ROWS:
        told = f"the sheet {name} has {len(found.cells):,} rows"
        raise points.refuse(told, f"no more than {MAX_ROWS:,} are read", pointer=f"/{name}")
    _hidden(name, found, points)
    last = max(found.cells, default=0)
    made = {number: _cells(number, cells) for number, cells in found.cells.items()}
    left = MAX_BLOCKS
    for top, start, bottom, end in found.blocks:
        said = found.cells.get(top, {}).get(start)
        bottom, right = min(bottom, last), min(end, MAX_COLUMNS)
        left -= max(0, bottom - top + 1) * max(0, right - start + 1)
        if left < 0:
            raise points.refuse(f"the sheet {name} has more merged cells than are read", "take the merging off")
        if said is None or start > right:
            continue
        for number in range(top, bottom + 1):
            row = made.setdefault(number, {})
            for column in range(start, right + 1):
                own = (number, column) == (top, start)
                trouble = said[1] if own else ""
                row[column] = Cell(said[0], own and bool(said[0]), number, column, bottom > top, right > start, trouble)
    far = [(number, column) for number, row in found.cells.items() for column in row if column > MAX_COLUMNS]
    if far:
        row_, column = far[0]
        told = (
            f"{name}!{column_letters(column)}{row_}: {len(far):,} cells right of column {column_letters(MAX_COLUMNS)}"
        )
        points.say("import-lost", f"{told} are not read", "move them to the left", pointer=f"/{name}", line=row_)
    return tuple(made[number] for number in sorted(made) if made[number])


def _cells(number: int, cells: Mapping[int, Said]) -> dict[int, Cell]:
    return {
        column: Cell(text, bool(text), number, column, trouble=trouble)
        for column, (text, trouble) in cells.items()
        if column <= MAX_COLUMNS
    }


def _hidden(name: str, found: Worksheet, points: Points) -> None:
    used = {column for cells in found.cells.values() for column in cells}
    columns = [
        column_letters(column) for low, high in found.hidden_columns for column in sorted(used) if low <= column <= high
    ]
    for what, listed in (("columns", columns), ("rows", [str(number) for number in found.hidden_rows])):
        if listed:
            some = ", ".join(listed[:8]) + (f" and {len(listed) - 8} more" if len(listed) > 8 else "")
            told = f"{name}: hidden {what} are taken over like the others: {some}"
            points.say("import-hidden", told, "delete them from the sheet, if they do not belong", pointer=f"/{name}")


def _text(path: Path, points: Points) -> Sheet:
    """A catalogue saved as CSV as a sheet called after its file."""
    from specs.importers.reading import decoded

    data = path.read_bytes()
    if data.lstrip()[:1] == b"<":
        raise points.refuse("is a web page or XML called a workbook", "open it in Excel and save it as .xlsx")
    try:
        text, _ = decoded(data)
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise points.refuse("is no .xlsx workbook", "save it as .xlsx")
    mark = max(",\t;|", key=text[:65536].count)
    found = Worksheet()
    try:
        for number, row in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=mark), 1):
            if cells := {at: (plain(value), "") for at, value in enumerate(row, 1) if plain(value)}:
                found.cells[number] = cells
    except csv.Error as error:
        raise points.refuse(f"is no .xlsx workbook, and no CSV: {error}", "save it as .xlsx") from None
    return Sheet(path.stem, _rows(path.stem, found, points))
