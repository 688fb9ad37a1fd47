"""One worksheet part of an .xlsx workbook in a single pass: the texts of its cells, its merged blocks, what is hidden.

Only what a catalogue needs is looked at: filters, drawings, rules of validation and formats cannot make a sheet
unreadable, and a row that holds nothing costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import IO, Any
from xml.etree.ElementTree import Element, iterparse

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_ROW, _CELL, _VALUE, _FORMULA, _INLINE = (f"{_MAIN}{tag}" for tag in ("row", "c", "v", "f", "is"))
_TEXT, _RUN, _MERGED, _COLUMN = (f"{_MAIN}{tag}" for tag in ("t", "r", "mergeCell", "col"))

Said = tuple[str, str]
"""What a cell says, and what is wrong with it."""
Block = tuple[int, int, int, int]
"""First row, first column, last row, last column of a merged block, from 1."""


@dataclass
class Worksheet:
    """Cells that say something or are in trouble, by row and column from 1."""

    cells: dict[int, dict[int, Said]] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)
    hidden_rows: list[int] = field(default_factory=list)
    hidden_columns: list[tuple[int, int]] = field(default_factory=list)


@dataclass(frozen=True)
class Book:
    """What the cells of all sheets refer to. `dates`, `spans` and `zeros` are numbers of styles: dates, lengths of
    time, and how many digits a format of zeros shows."""

    strings: Sequence[str]
    dates: frozenset[int]
    spans: frozenset[int]
    zeros: Mapping[int, int]
    epoch: datetime


def book_of(workbook: Any) -> Book:
    """What the cells of a workbook of openpyxl, opened for reading only, refer to."""
    from openpyxl.styles.numbers import BUILTIN_FORMATS

    zeros: dict[int, int] = {}
    for number, style in enumerate(workbook._cell_styles):
        own = style.numFmtId - 164
        known = workbook._number_formats
        form = known[own] if 0 <= own < len(known) else BUILTIN_FORMATS.get(style.numFmtId, "")
        if form and set(form) == {"0"}:
            zeros[number] = len(form)
    strings: Sequence[str] = next((sheet._shared_strings for sheet in workbook.worksheets), [])
    dates, spans = frozenset(workbook._date_formats), frozenset(workbook._timedelta_formats)
    return Book(strings, dates, spans, zeros, workbook.epoch)


def worksheet(part: IO[bytes], book: Book) -> Worksheet:
    """Read a part. Raises whatever XML parser and numbers raise on a damaged one."""
    from openpyxl.utils.cell import range_boundaries

    made = Worksheet()
    number = 0
    for _, element in iterparse(part):
        tag = element.tag
        if tag == _ROW:
            number = int(float(element.get("r") or number + 1))
            if cells := _row(element, book):
                made.cells.setdefault(number, {}).update(cells)
                if element.get("hidden") in {"1", "true"}:
                    made.hidden_rows.append(number)
            element.clear()
        elif tag == _MERGED:
            left, top, right, bottom = range_boundaries(element.get("ref", ""))
            if None not in (left, top, right, bottom):
                made.blocks.append((top, left, bottom, right))
            element.clear()
        elif tag == _COLUMN:
            if element.get("hidden") in {"1", "true"}:
                made.hidden_columns.append((int(element.get("min", 0)), int(element.get("max", 0))))
            element.clear()
    return made


def _row(row: Element, book: Book) -> dict[int, Said]:
    made: dict[int, Said] = {}
    at = 0
    for cell in row:
        if cell.tag != _CELL:
            continue
        place = cell.get("r")
        at = column_number(place) if place else at + 1
        text, trouble = _said(cell, book)
        if text or trouble:
            made[at] = (text, trouble)
    return made


def column_number(place: str) -> int:
    """The column of a cell, from 1: AB12 → 28."""
    made = 0
    for letter in place:
        if not letter.isalpha():
            break
        made = made * 26 + ord(letter.upper()) - 64
    return made


def column_letters(number: int) -> str:
    """The name of a column: 28 → AB."""
    made = ""
    while number > 0:
        number, rest = divmod(number - 1, 26)
        made = chr(65 + rest) + made
    return made


def _said(cell: Element, book: Book) -> Said:
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        inline = cell.find(_INLINE)
        return plain("" if inline is None else _inline(inline)), ""
    value = cell.find(_VALUE)
    text = "" if value is None else value.text or ""
    if not text:
        formula = kind != "str" and cell.find(_FORMULA) is not None
        return "", "a formula without a saved result: open the workbook in Excel and save it" if formula else ""
    return _READ.get(kind, _number)(text, int(cell.get("s", 0)), book)


def _inline(inline: Element) -> str:
    """The text of a string, its runs joined; how a word is pronounced is not part of it."""
    parts = [inline.find(_TEXT), *(run.find(_TEXT) for run in inline.findall(_RUN))]
    return "".join(part.text or "" for part in parts if part is not None)


def plain(text: str) -> str:
    """A text without what Excel writes for carriage returns, and without blanks around it."""
    return text.replace("\r\n", "\n").replace("_x000D_", "").strip()


def _shared(text: str, _: int, book: Book) -> Said:
    return plain(book.strings[int(text)]), ""


def _number(text: str, style: int, book: Book) -> Said:
    from openpyxl.utils.datetime import from_excel

    value = float(text)
    if style in book.dates:
        try:
            found = from_excel(value, book.epoch, timedelta=style in book.spans)
        except (OverflowError, ValueError):
            return text, "the number is shown as a date, but no date has it"
        return moment(found), ""
    lost = "Excel keeps 15 digits of a number; the last ones are lost: write it as text" if abs(value) >= 1e15 else ""
    if value.is_integer():
        whole = int(text) if text.lstrip("-").isdecimal() else int(value)
        return str(whole).zfill(book.zeros.get(style, 0)), lost  # a format of zeros shows leading ones
    return repr(value), lost


def moment(value: Any) -> str:
    """A date, a time or both, as ISO 8601 writes them."""
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time(0) else value.isoformat(sep=" ", timespec="seconds")
    return value.isoformat() if isinstance(value, date | time) else str(value)


def _written_date(text: str, _: int, __: Book) -> Said:
    from openpyxl.utils.datetime import from_ISO8601

    try:
        return moment(from_ISO8601(text)), ""
    except ValueError:
        return text, ""


_READ: Mapping[str, Callable[[str, int, Book], Said]] = {
    "s": _shared,
    "str": lambda text, _, __: (plain(text), ""),
    "b": lambda text, _, __: ("是" if text.strip() in {"1", "true"} else "否", ""),
    "e": lambda text, _, __: (text, "the formula has no result"),
    "d": _written_date,
}
