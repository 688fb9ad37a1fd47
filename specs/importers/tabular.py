"""A CSV or Parquet file to a draft contract: DuckDB looks at the rows, nothing of them is kept but codes and limits.

Files are read as streams: memory stays within `MEMORY` however long they are. Every column of a CSV is text until all
its values say otherwise, so that leading zeros and 18-digit numbers survive.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from specs.importers.contracts import contract
from specs.importers.csvtext import TextTable, text_of
from specs.importers.draft import Column, Draft, Found
from specs.importers.names import slug_of
from specs.importers.points import Points
from specs.importers.profile import Profile, interpret, keys, parquet_column, profiles

MEMORY = "512MB"


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
    with tempfile.TemporaryDirectory(prefix="tongban-import-") as made_for_it:
        folder = Path(made_for_it)
        base = duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": made_for_it})
        try:
            base.execute("SET preserve_insertion_order = true")
            limit = f" LIMIT {rows}" if rows is not None else ""
            if kind == "csv":
                told = _load(base, text_of(path, folder, points, rows), points, limit)
            else:
                base.execute(f"CREATE VIEW data AS SELECT * FROM read_parquet({_text(str(path))}){limit}")
                told = "Parquet"
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


def _load(base: Any, text: TextTable, points: Points, limit: str) -> str:
    """Make the rows of a CSV the view `data`."""
    options = [f"delim = {_text(text.delimiter)}", "quote = '\"'", "escape = '\"'", "auto_detect = false"]
    options += ["all_varchar = true", "store_rejects = true", "ignore_errors = true", "max_line_size = 4194304"]
    options.append("columns = {" + ", ".join(f"{_text(name)}: 'VARCHAR'" for name in text.names) + "}")
    options.append(f"skip = {text.skipped}, header = {str(text.header).lower()}")

    source = f"read_csv({_text(str(text.path))}, {', '.join(options)})"
    base.execute(f"CREATE VIEW data AS SELECT * FROM {source}{limit}")
    return f"CSV ({text.encoding}, delimiter {text.delimiter!r})"


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
