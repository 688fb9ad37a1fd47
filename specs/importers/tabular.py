"""A CSV or Parquet file to a draft contract: DuckDB looks at the rows, nothing of them is kept but codes and limits.

Files are read as streams: memory stays within `MEMORY` however long they are. Every column of a CSV is text until all
its values say otherwise, so that leading zeros and 18-digit numbers survive.
"""

from __future__ import annotations

import codecs
import csv
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from specs.importers.contracts import contract
from specs.importers.draft import Column, Draft, Found
from specs.importers.names import slug_of, unused
from specs.importers.points import Points
from specs.importers.profile import Profile, interpret, keys, parquet_column, profiles

MEMORY = "512MB"
_CHUNK = 1 << 20


def read_table(
    path: Path, kind: str, *, department: str | None = None, name: str | None = None, rows: int | None = None
) -> Draft:
    """The draft of a `csv` or `parquet` file, from its first `rows` rows (default: all).

    Raises SpecError (`import-unreadable`) when it is neither, or has no columns.
    """
    import duckdb

    points = Points(str(path))
    if not path.is_file():
        raise points.refuse("cannot be read: no such file", "check the path")
    with tempfile.TemporaryDirectory(prefix="tongban-import-") as folder:
        base = duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": folder})
        try:
            base.execute("SET preserve_insertion_order = true")
            source, told = _csv(base, path, Path(folder), points, rows) if kind == "csv" else _parquet(path)
            limit = f" LIMIT {rows}" if rows is not None else ""
            base.execute(f"CREATE VIEW data AS SELECT * FROM {source}{limit}")
            table, seen = _table(base, path, points, rows, kind == "csv")
            if kind == "csv":
                _rejected(base, points)
        except duckdb.Error as error:
            reason = str(error).splitlines()[0][:200]
            raise points.refuse(f"is no {kind} file DuckDB can read: {reason}", "check the format") from None
        finally:
            base.close()
    stem = name or slug_of(path.stem) or "table"
    made = contract(points, [table], name=stem, title=path.stem, department=department, catalogue={"format_class": "3"})
    made["customProperties"].append({"property": "source", "value": f"{told}; {seen}"})
    return Draft(made["id"], made, points.findings)


def _parquet(path: Path) -> tuple[str, str]:
    return f"read_parquet({_text(str(path))})", "Parquet"


def _csv(base: Any, path: Path, folder: Path, points: Points, rows: int | None) -> tuple[str, str]:
    encoding = _encoding(path, points)
    if encoding != "utf-8":
        path = _in_utf8(path, encoding, folder / "utf8.csv", rows)
    delimiter = _delimiter(path)
    options = [f"delim = {_text(delimiter)}", "quote = '\"'", "escape = '\"'", "auto_detect = false"]
    options += ["all_varchar = true", "store_rejects = true", "ignore_errors = true", "max_line_size = 4194304"]
    names, header = _columns(path, delimiter, points)
    options.append("columns = {" + ", ".join(f"{_text(name)}: 'VARCHAR'" for name in names) + "}")
    told = {"utf-8": "UTF-8", "gb18030": "GB18030", "utf-16": "UTF-16"}[encoding]
    source = f"read_csv({_text(str(path))}, {', '.join(options)}, header = {str(header).lower()})"
    return source, f"CSV ({told}, delimiter {delimiter!r})"


def _delimiter(path: Path) -> str:
    """The sign that parts most cells of the header, with as many cells in the rows below it."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        lines = [line for line, _ in zip(stream, range(200), strict=False)]
    best, weight = ",", (0.0, 0)
    for sign in ",\t;|":
        try:
            rows = [row for row in csv.reader(lines, delimiter=sign) if row]
        except csv.Error:
            continue
        columns = len(rows[0]) if rows else 0
        equal = sum(len(row) == columns for row in rows) / max(1, len(rows))
        if columns > 1 and (equal, columns) > weight:
            best, weight = sign, (equal, columns)
    return best


def _encoding(path: Path, points: Points) -> str:
    """The encoding of the whole file, read as a stream."""
    with path.open("rb") as stream:
        start = stream.read(2)
        if start in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}:
            return "utf-16"
        if not start:
            raise points.refuse("the file is empty")
        for name in ("utf-8", "gb18030"):
            stream.seek(0)
            decoder = codecs.getincrementaldecoder(name)()
            try:
                while chunk := stream.read(_CHUNK):
                    decoder.decode(chunk)
                decoder.decode(b"", final=True)
            except UnicodeDecodeError:
                continue
            return name
    raise points.refuse("is neither UTF-8 nor GB18030", "save it as UTF-8")


def _in_utf8(path: Path, encoding: str, target: Path, rows: int | None) -> Path:
    with path.open("r", encoding=encoding, newline="") as stream, target.open("w", encoding="utf-8", newline="") as out:
        lines = 0
        while chunk := stream.read(_CHUNK):
            out.write(chunk)
            lines += chunk.count("\n")
            if rows is not None and lines > 2 * rows + 1000:
                break
    return target


def _columns(path: Path, delimiter: str, points: Points) -> tuple[list[str], bool]:
    """The columns' names, and whether the first row holds them: its cells differ, none is a number or a date."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        try:
            first = next((row for row in csv.reader(stream, delimiter=delimiter) if row), [])
        except csv.Error as error:
            raise points.refuse(f"is no CSV file: {error}", line=1) from None
    cells = [cell.strip() for cell in first]
    if not cells:
        raise points.refuse("has no columns", line=1)
    header = not any(re.fullmatch(r"[-+]?[0-9][0-9/.:, -]*", cell) for cell in cells) and any(cells)
    if not header:
        hint = "add a header row"
        points.say("import-odd-value", "the first row is no header; the columns have no names", hint, line=1)
        return [f"column{number}" for number in range(1, len(cells) + 1)], False
    names: list[str] = []
    taken: dict[str, int] = {}
    for number, cell in enumerate(cells, 1):
        name = unused(cell or f"column{number}", taken)
        if name != cell:
            told = (
                f"column {number} is called {cell!r}; the draft calls it {name!r}"
                if cell
                else f"column {number} has no name"
            )
            points.say("import-odd-value", told, "give every column a name of its own", line=1)
        names.append(name)
    return names, True


def _table(base: Any, path: Path, points: Points, rows: int | None, text: bool) -> tuple[Found, str]:
    relation = base.sql("SELECT * FROM data")
    names, types = relation.columns, relation.types
    if not names:
        raise points.refuse("has no columns")
    table = Found(path.stem)
    found = profiles(base, names, [str(kind) for kind in types])
    count = found[0].rows if found else 0
    whole = rows is None or count < rows
    seen = f"all {count:,} rows" if whole else f"the first {count:,} rows"
    for profile, kind in zip(found, types, strict=True):
        column = Column(profile.name, pointer=f"/{profile.name}", line=1 if text else None)
        if str(kind) == "VARCHAR":
            interpret(base, column, profile, points, seen)
        else:
            parquet_column(column, profile, kind, points)
        column.required = bool(count) and profile.filled == count
        table.columns.append(column)
    if count == 0:
        points.say("import-odd-value", "the file has no rows; nothing is known but the names of its columns")
        return table, seen
    _key(base, table, found, points, seen)
    limited = [column.name for column in table.columns if column.options or column.required]
    if limited:
        told = f"lengths, ranges and what must be present are those of {seen}: {len(limited)} fields"
        table.open.append(points.say("decide-limits", told, "say what the rule allows, not what happened to occur"))
    return table, seen


def _key(base: Any, table: Found, found: Sequence[Profile], points: Points, seen: str) -> None:
    by_name = {column.name: column for column in table.columns}
    candidates = keys(base, [one for one in found if by_name[one.name].logical in {"string", "integer"}])
    if not candidates:
        return
    chosen = candidates[0]
    for place, name in enumerate(chosen, 1):
        by_name[name].key = place
    if len(candidates) > 1:
        told = f"several columns differ in {seen}: {', '.join(' + '.join(one) for one in candidates[:6])}"
        table.open.append(
            points.say("decide-key", f"{told}; the draft takes {' + '.join(chosen)}", "say which is the key")
        )
    else:
        told = f"{' + '.join(chosen)} differs in {seen}, so the draft takes it as the key"
        table.open.append(points.say("decide-key", told, "confirm it"))


def _rejected(base: Any, points: Points) -> None:
    import duckdb

    try:
        count, line = base.execute("SELECT count(DISTINCT line), min(line) FROM reject_errors").fetchone()
    except duckdb.CatalogException:  # made by the first scan that ends
        return
    if count:
        told = f"{count:,} rows do not have the columns of the header; the first is in line {line}"
        points.say("import-lost", told, "correct the rows, or quote the cells that hold the delimiter", line=int(line))


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
