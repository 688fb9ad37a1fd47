"""The resource catalogue sheet of 政务信息资源目录编制指南 to draft contracts: one for each resource.

Title rows above the header, headers of one or two rows, merged cells, several rows of items a resource, code words or
code numbers, dates as dates or text. Nothing a row says is lost: what the standard does not know is kept and told.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, count
from pathlib import Path
from typing import Any

from specs.finding import SpecError
from specs.importers.catalogue_columns import SheetColumn, bare, column_of
from specs.importers.contracts import contract
from specs.importers.draft import Draft
from specs.importers.names import slug_of, unused
from specs.importers.points import Points
from specs.importers.resources import Resource, entry_of, found_of, item_of
from specs.importers.sheets import Cell, Row, Sheet, sheets
from specs.importers.worksheet import column_letters

HEADER_ROWS = 40
"""A header is looked for in so many first rows."""
Layout = dict[int, "SheetColumn | str"]
"""What each column (from 1) holds: one of the standard's, or the header of one that is not."""


def read_catalogue(path: Path, *, department: str | None = None) -> tuple[Draft, ...]:
    """The drafts of a workbook. Raises SpecError (`import-unreadable`) when no sheet has the header of a catalogue."""
    points = Points(str(path))
    found: list[tuple[Sheet, Resource]] = []
    seen: list[Sheet] = []
    for sheet in sheets(path, points):
        seen.append(sheet)
        found += [(sheet, resource) for resource in _resources(sheet, points)]
    if not found:
        passed = points.findings
        if any(_header(sheet) for sheet in seen):
            raise SpecError([*points.refuse("the catalogue has a header and no rows").findings, *passed])
        hint = "the header needs 信息资源名称 and 信息项名称 (or 数据目录名称, 数据项)"
        raise SpecError([*points.refuse("no sheet holds a resource catalogue", hint).findings, *passed])
    taken: dict[str, int] = {}
    made: list[Draft] = []
    told = points.findings
    for sheet, resource in found:
        own = Points(str(path))
        draft = _draft(own, sheet, resource, department, taken)
        made.append(Draft(draft["id"], draft, (*told, *own.findings)))
        told = ()  # what concerns the workbook is said once, with its first resource
    return tuple(made)


def is_catalogue(path: Path) -> bool:
    """Whether a text (CSV) begins like a catalogue: some row names resources and items."""
    try:
        rows = next(iter(sheets(path, Points(str(path))))).rows[:HEADER_ROWS]
    except (SpecError, StopIteration):
        return False
    place = _header(Sheet("", rows))
    keys = {column.key for column in place[2].values() if isinstance(column, SheetColumn)} if place else set()
    return {"name", "item_name"} <= keys


def _draft(
    points: Points, sheet: Sheet, resource: Resource, department: str | None, taken: dict[str, int]
) -> dict[str, Any]:
    title = resource.text("name")
    slug = slug_of(title) or slug_of(resource.text("code")) or "resource"
    name = unused(slug.replace("-", "_"), taken).replace("_", "-")
    pointer = f"/{sheet.name}/A{resource.row}"
    table = found_of(resource, sheet.name, points)
    made = contract(
        points,
        [table],
        name=name,
        title=title or name,
        department=department,
        description=resource.text("abstract"),
        catalogue=entry_of(resource, sheet.name, points),
        pointer=pointer,
        line=resource.row,
    )
    made["customProperties"].append(
        {"property": "source", "value": f"catalogue sheet {sheet.name!r}, row {resource.row}"}
    )
    return made


def _resources(sheet: Sheet, points: Points) -> list[Resource]:
    place = _header(sheet)
    if place is None:
        if sheet.rows:
            told = f"the sheet {sheet.name} has no header of a catalogue"
            points.say("import-skipped", told, pointer=f"/{sheet.name}")
        return []
    top, rows, layout = place
    for cell in (cell for row in sheet.rows[:top] for cell in row.values() if cell.own):
        told = f"{sheet.name}!{cell.place}: what stands above the header is not taken over: {cell.text[:60]!r}"
        points.say("import-skipped", told, pointer=f"/{sheet.name}/{cell.place}", line=cell.row, column=cell.column)
    below = sheet.rows[top + rows :]
    line = _number(sheet.rows[top])
    _headless(sheet, below, layout)
    strange = [header for header in layout.values() if isinstance(header, str)]
    if strange:
        told = f"{sheet.name}: columns the guide does not know are kept as they are: {', '.join(strange)}"
        points.say("import-kept", told, pointer=f"/{sheet.name}", line=line)
    return _gather(sheet, _without_heads(sheet, below, sheet.rows[: top + rows], points), layout, points)


def _without_heads(sheet: Sheet, rows: Sequence[Row], heads: Sequence[Row], points: Points) -> Sequence[Row]:
    """The rows below a header without those that repeat it, or a title above it, as every page of a print does."""
    written = [_words(head) for head in heads]
    again = [row for row in rows if _words(row) in written]
    if again:
        told = f"{sheet.name}: {len(again)} row(s) repeat the header, the first is row {_number(again[0])}"
        points.say("import-skipped", told, pointer=f"/{sheet.name}", line=_number(again[0]))
    return [row for row in rows if row not in again] if again else rows


def _words(row: Row) -> dict[int, str]:
    return {at: cell.text for at, cell in row.items()}


def _number(row: Row) -> int:
    return next(iter(row.values())).row


def _headless(sheet: Sheet, rows: Sequence[Row], layout: Layout) -> None:
    """Columns without a header that say something are columns nobody knows, named by their letters."""
    for row in rows:
        for at, cell in row.items():
            if at not in layout and cell.own and not cell.wide:
                layout[at] = _distinct(f"列{column_letters(at)}", layout)


def _header(sheet: Sheet) -> tuple[int, int, Layout] | None:
    """Where the header starts (from 0), how many rows it has, and its columns."""
    best: tuple[int, int, Layout] | None = None
    most = 1
    for at, row in enumerate(sheet.rows[:HEADER_ROWS]):
        below: Row = sheet.rows[at + 1] if at + 1 < len(sheet.rows) else {}
        for rows, layout in ((1, _layout(row, {})), (2, _layout(below, row))):
            known = {column.key for column in layout.values() if isinstance(column, SheetColumn)}
            if "name" in known and len(known) > most and (rows == 1 or _is_head(row, below)):
                best, most = (at, rows, layout), len(known)
    return best


def _is_head(row: Row, below: Row) -> bool:
    """Whether a row heads the one below it: some cell of it reaches over several columns or down to the next row."""
    return any(cell.wide and cell.own for cell in row.values()) or any(
        cell.tall and cell.text for cell in below.values()
    )


def _layout(row: Row, above: Row) -> Layout:
    made: Layout = {}
    taken: set[str] = set()
    for at in sorted({*row, *above}):
        group = above[at].text if at in above else ""
        header = (row[at].text if at in row else "") or group
        if not header:
            continue
        column = column_of(header, group if group != header else "")
        if column is not None and column.key not in taken:
            made[at] = column
            taken.add(column.key)
        else:
            made[at] = _distinct(f"{group}/{header}" if group and group != header else header, made)
    return made


def _distinct(header: str, layout: Layout) -> str:
    """A header nobody knows under which nothing else is kept."""
    taken = {word for word in layout.values() if isinstance(word, str)}
    return next(word for word in chain([header], (f"{header} ({n})" for n in count(2))) if word not in taken)


def _gather(sheet: Sheet, rows: Sequence[Row], layout: Layout, points: Points) -> list[Resource]:
    found: list[Resource] = []
    places = {column.key: at for at, column in layout.items() if isinstance(column, SheetColumn)}
    for row in rows:
        cells = {at: row[at] for at in layout if at in row}
        if not cells:
            continue
        if _is_note(row, layout):
            cell = next(cell for cell in row.values() if cell.text)
            told = f"{sheet.name}!{cell.place}: a note is not taken over: {cell.text[:60]!r}"
            points.say("import-skipped", told, pointer=f"/{sheet.name}/{cell.place}", line=cell.row, column=cell.column)
            continue
        name = cells.get(places["name"]) if "name" in places else None
        code = cells.get(places["code"]) if "code" in places else None
        if not found or _begins(found[-1], name, code):
            if name is None or not name.text:
                _nameless(sheet, row, points)
            found.append(Resource(row=_number(row), cells={}))
        item_of(found[-1], cells, layout, sheet.name, points)
    return found


def _begins(current: Resource, name: Cell | None, code: Cell | None) -> bool:
    """Whether a row begins a new resource: its own name (or code) is another, or heads a merged block."""
    if name is None or not name.own:
        unnamed = name is None or not name.text
        return unnamed and code is not None and code.own and code.text != current.text("code")
    if name.tall:
        return True
    another = name.text != current.text("name")
    return another or (code is not None and code.own and code.text != current.text("code", code.text))


def _nameless(sheet: Sheet, row: Row, points: Points) -> None:
    cell = next(iter(row.values()))
    told = f"{sheet.name}!{cell.place}: a row before any resource has a name; a resource without a name was made of it"
    points.say(
        "import-odd-value",
        told,
        "fill in 信息资源名称",
        pointer=f"/{sheet.name}/{cell.place}",
        line=cell.row,
        column=cell.column,
    )


def _is_note(row: Row, layout: Layout) -> bool:
    """Whether the row is one long remark: a block over half of the columns, or 填表说明, 填报人 … alone in its row."""
    said = [cell for cell in row.values() if cell.own]
    texts = {cell.text for cell in row.values() if cell.text}
    if len(texts) != 1 or len(said) > 1:
        return False
    reach = sum(1 for cell in row.values() if cell.text and cell.wide)
    start = bare(next(iter(texts)))[:3]
    return reach * 2 >= len(layout) > 3 or start in {
        "填表说",
        "填报人",
        "说明",
        "备注",
        "填报单",
        "审核人",
        "注",
        "填表人",
    }
