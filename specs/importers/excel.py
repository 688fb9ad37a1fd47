"""The resource catalogue sheet of 政务信息资源目录编制指南 to draft contracts: one for each resource.

Title rows above the header, headers of one or two rows, merged cells, several rows of items a resource, code words or
code numbers, dates as dates or text. Nothing a row says is lost: what the standard does not know is kept and told.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from specs.importers.catalogue_columns import SheetColumn, bare, column_of
from specs.importers.contracts import contract
from specs.importers.draft import Draft
from specs.importers.names import slug_of, unused
from specs.importers.points import Points
from specs.importers.resources import Resource, entry_of, found_of, item_of
from specs.importers.sheets import Cell, Sheet, sheets

HEADER_ROWS = 40
"""A header is looked for in so many first rows."""
Layout = dict[int, "SheetColumn | str"]
"""What each column (from 0) holds: one of the standard's, or the header of one that is not."""


def read_catalogue(path: Path, *, department: str | None = None) -> tuple[Draft, ...]:
    """The drafts of a workbook. Raises SpecError (`import-unreadable`) when no sheet has the header of a catalogue."""
    points = Points(str(path))
    found: list[tuple[Sheet, Resource]] = []
    for sheet in sheets(path, points):
        found += [(sheet, resource) for resource in _resources(sheet, points)]
    if not found:
        hint = "the header needs 信息资源名称 and 信息项名称 (or 数据目录名称, 数据项)"
        raise points.refuse("no sheet holds a resource catalogue", hint)
    taken: set[str] = set()
    made: list[Draft] = []
    told = points.findings
    for sheet, resource in found:
        own = Points(str(path))
        draft = _draft(own, sheet, resource, department, taken)
        made.append(Draft(draft["id"], draft, (*told, *own.findings)))
        told = ()  # what concerns the workbook is said once, with its first resource
    return tuple(made)


def _draft(points: Points, sheet: Sheet, resource: Resource, department: str | None, taken: set[str]) -> dict[str, Any]:
    title = resource.values.get("name", "")
    name = unused(slug_of(title) or slug_of(resource.values.get("code", "")) or "resource", taken).replace("_", "-")
    taken.add(name.lower())
    pointer = f"/{sheet.name}/A{resource.row}"
    table = found_of(resource, sheet.name, points)
    made = contract(
        points,
        [table],
        name=name,
        title=title or name,
        department=department,
        description=resource.values.get("abstract", ""),
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
        if any(cell.text for row in sheet.rows for cell in row):
            told = f"the sheet {sheet.name} has no header of a catalogue"
            points.say("import-skipped", told, pointer=f"/{sheet.name}")
        return []
    top, rows, layout = place
    for cell in (cell for row in sheet.rows[:top] for cell in row if cell.own):
        told = f"{sheet.name}!{cell.place}: what stands above the header is not taken over: {cell.text[:60]!r}"
        points.say("import-skipped", told, pointer=f"/{sheet.name}/{cell.place}", line=cell.row, column=cell.column)
    strange = [header for header in layout.values() if isinstance(header, str)]
    if strange:
        told = f"{sheet.name}: columns the guide does not know are kept as they are: {', '.join(strange)}"
        points.say("import-kept", told, pointer=f"/{sheet.name}", line=top + 1)
    return _gather(sheet, sheet.rows[top + rows :], layout, points)


def _header(sheet: Sheet) -> tuple[int, int, Layout] | None:
    """Where the header starts (from 0), how many rows it has, and its columns."""
    best: tuple[int, int, Layout] | None = None
    most = 1
    for at, row in enumerate(sheet.rows[:HEADER_ROWS]):
        below = sheet.rows[at + 1] if at + 1 < len(sheet.rows) else ()
        for rows, layout in ((1, _layout(row, ())), (2, _layout(below, row))):
            known = {column.key for column in layout.values() if isinstance(column, SheetColumn)}
            if "name" in known and len(known) > most and (rows == 1 or _is_head(row, below)):
                best, most = (at, rows, layout), len(known)
    return best


def _is_head(row: Sequence[Cell], below: Sequence[Cell]) -> bool:
    """Whether a row heads the one below it: some cell of it reaches over several columns or down to the next row."""
    return any(cell.wide and cell.own for cell in row) or any(cell.tall and cell.text for cell in below)


def _layout(row: Sequence[Cell], above: Sequence[Cell]) -> Layout:
    made: Layout = {}
    taken: set[str] = set()
    for at, cell in enumerate(row):
        group = above[at].text if at < len(above) else ""
        header = cell.text or group
        if not header:
            continue
        column = column_of(header, group if group != header else "")
        if column is not None and column.key not in taken:
            made[at] = column
            taken.add(column.key)
        else:
            made[at] = f"{group}/{header}" if group and group != header else header
    return made


def _gather(sheet: Sheet, rows: Sequence[Sequence[Cell]], layout: Layout, points: Points) -> list[Resource]:
    found: list[Resource] = []
    places = {column.key: at for at, column in layout.items() if isinstance(column, SheetColumn)}
    for row in rows:
        texts = {at: row[at] for at in layout if at < len(row)}
        if not any(cell.text for cell in texts.values()):
            continue
        if _is_note(row, layout):
            cell = next(cell for cell in row if cell.text)
            told = f"{sheet.name}!{cell.place}: a note is not taken over: {cell.text[:60]!r}"
            points.say("import-skipped", told, pointer=f"/{sheet.name}/{cell.place}", line=cell.row, column=cell.column)
            continue
        name = texts.get(places["name"])
        code = texts.get(places["code"]) if "code" in places else None
        if not found or _begins(found[-1], name, code):
            if name is None or not name.text:
                _nameless(sheet, row, points)
            found.append(Resource(row=row[0].row, cells={}))
        item_of(found[-1], texts, layout, sheet.name, points)
    return found


def _begins(current: Resource, name: Cell | None, code: Cell | None) -> bool:
    """Whether a row begins a new resource: its own name (or code) is another, or heads a merged block."""
    if name is None or not name.own:
        return (
            code is not None
            and code.own
            and name is not None
            and not name.text
            and code.text != current.values.get("code", "")
        )
    if name.tall:
        return True
    another = name.text != current.values.get("name", "")
    return another or (code is not None and code.own and code.text != current.values.get("code", code.text))


def _nameless(sheet: Sheet, row: Sequence[Cell], points: Points) -> None:
    cell = next(cell for cell in row if cell.text)
    told = f"{sheet.name}!{cell.place}: a row before any resource has a name; a resource without a name was made of it"
    points.say(
        "import-odd-value",
        told,
        "fill in 信息资源名称",
        pointer=f"/{sheet.name}/{cell.place}",
        line=cell.row,
        column=cell.column,
    )


def _is_note(row: Sequence[Cell], layout: Layout) -> bool:
    """Whether the row is one long remark: a block over half of the columns, or 填表说明, 填报人 … alone in its row."""
    said = [cell for cell in row if cell.own]
    texts = {cell.text for cell in row if cell.text}
    if len(texts) != 1 or len(said) > 1:
        return False
    reach = sum(1 for cell in row if cell.text and cell.wide)
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
