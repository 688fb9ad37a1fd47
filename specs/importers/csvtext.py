"""A CSV file before its rows are looked at: encoding, delimiter, where the header is, what the columns are called."""

from __future__ import annotations

import codecs
import csv
import re
from dataclasses import dataclass
from pathlib import Path

from specs.importers.names import unused
from specs.importers.points import Points

MAX_COLUMNS = 2000
_CHUNK = 1 << 20
_TOLD = {"utf-8": "UTF-8", "gb18030": "GB18030", "utf-16": "UTF-16", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16"}


@dataclass(frozen=True)
class TextTable:
    """A text in UTF-8 at `path`: its first `skipped` lines are no table; `header`: the next one names the columns."""

    path: Path
    encoding: str
    delimiter: str
    names: list[str]
    header: bool
    skipped: int


def text_of(path: Path, folder: Path, points: Points, rows: int | None) -> TextTable:
    """What a CSV file is, in UTF-8 with lines that end alike (else: a copy in `folder`, about `rows` rows of it).

    Raises SpecError (`import-unreadable`) for what is no CSV.
    """
    encoding, alike = _encoding(path, points)
    if encoding != "utf-8" or not alike:
        path = _in_utf8(path, encoding, folder / "utf8.csv", rows)
    with path.open(encoding="utf-8-sig", newline="") as stream:
        lines = [line for line, _ in zip(stream, range(200), strict=False)]
    if re.match(r"\s*<(!doctype|html|\?xml|table|head|body)\b", "".join(lines[:3]), re.IGNORECASE):
        raise points.refuse("is a web page or XML called a table", "export it again as CSV")
    named = re.fullmatch(r"\"?sep=(.)\"?\s*", lines[0]) if lines else None  # what Excel writes for itself
    start = 1 if named else 0
    delimiter = named[1] if named else _delimiter(lines)
    skipped, first = _first_row(lines[start:], delimiter, points)
    names, header = _columns(first, skipped + start + 1, points)
    if len(names) > MAX_COLUMNS:
        raise points.refuse(f"has {len(names):,} columns", f"no more than {MAX_COLUMNS:,} are looked at")
    return TextTable(path, _TOLD[encoding], delimiter, names, header, skipped + start)


def _encoding(path: Path, points: Points) -> tuple[str, bool]:
    """The encoding of the whole file, read as a stream, and whether its lines all end in the same way: where they do
    not, DuckDB leaves out rows without a word."""
    with path.open("rb") as stream:
        start = stream.read(4096)
        if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16", False
        if not start:
            raise points.refuse("the file is empty")
        for name, zeros in (("utf-16-le", start[1::2].count(0)), ("utf-16-be", start[::2].count(0))):
            if zeros * 4 > len(start):
                return name, False
        for name in ("utf-8", "gb18030"):
            stream.seek(0)
            decoder = codecs.getincrementaldecoder(name)()
            ends = [0, 0, 0]
            before = b""
            try:
                while chunk := stream.read(_CHUNK):
                    decoder.decode(chunk)
                    both = chunk.count(b"\r\n") + (before == b"\r" and chunk[:1] == b"\n")
                    ends = [ends[0] + both, ends[1] + chunk.count(b"\r"), ends[2] + chunk.count(b"\n")]
                    before = chunk[-1:]
                decoder.decode(b"", final=True)
            except UnicodeDecodeError:
                continue
            both, returns, feeds = ends
            return name, both == returns == feeds or (not both and not (returns and feeds))
    raise points.refuse("is neither UTF-8 nor GB18030", "save it as UTF-8")


def _in_utf8(path: Path, encoding: str, target: Path, rows: int | None) -> Path:
    name = "utf-8-sig" if encoding == "utf-8" else encoding
    with path.open(encoding=name) as stream, target.open("w", encoding="utf-8", newline="\n") as out:
        lines = 0
        while chunk := stream.read(_CHUNK):
            out.write(chunk)
            lines += chunk.count("\n")
            if rows is not None and lines > 2 * rows + 1000:
                break
    return target


def _delimiter(lines: list[str]) -> str:
    """The sign that parts most rows in equally many cells."""
    best, weight = ",", (0.0, 0)
    for sign in ",\t;|":
        try:
            widths = [len(row) for row in csv.reader(lines, delimiter=sign) if row]
        except csv.Error:
            continue
        usual = max(set(widths), key=lambda width: (widths.count(width), width), default=0)
        equal = widths.count(usual) / max(1, len(widths))
        if usual > 1 and (equal, usual) > weight:
            best, weight = sign, (equal, usual)
    return best


def _first_row(lines: list[str], delimiter: str, points: Points) -> tuple[int, list[str]]:
    """How many lines stand before the table, and its first row. Titles above it fill one cell of their rows."""
    reader = csv.reader(lines, delimiter=delimiter)
    found: list[tuple[int, list[str]]] = []
    before = 0
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                found.append((before, cells))
            before = reader.line_num
    except csv.Error as error:
        if not found:
            raise points.refuse(f"is no CSV file: {error}", line=1) from None
    if not found:
        raise points.refuse("has no columns", line=1)
    at = 0
    while at < min(10, len(found) - 1) and sum(map(bool, found[at][1])) == 1:
        at += 1
    if not at or len(found[at][1]) < 2 or not all(found[at][1]):
        return found[0]
    for number, cells in found[:at]:
        told = f"what stands above the header is not taken over: {' '.join(filter(None, cells))[:60]!r}"
        points.say("import-skipped", told, line=number + 1)
    return found[at]


def _columns(cells: list[str], line: int, points: Points) -> tuple[list[str], bool]:
    """The columns' names, and whether the first row holds them: its cells differ, none is a number or a date."""
    header = not any(re.fullmatch(r"[-+]?[0-9][0-9/.:, -]*", cell) for cell in cells)
    if not header:
        hint = "add a header row"
        points.say("import-odd-value", "the first row is no header; the columns have no names", hint, line=line)
        return [f"column{number}" for number in range(1, len(cells) + 1)], False
    names: list[str] = []
    taken: dict[str, int] = {}
    for number, cell in enumerate(cells, 1):
        name = unused(cell or f"column{number}", taken)
        if name != cell:
            told = f"column {number} is called {cell!r}; the draft calls it {name!r}"
            told = told if cell else f"column {number} has no name"
            points.say("import-odd-value", told, "give every column a name of its own", line=line)
        names.append(name)
    return names, True
