"""Interfaces as the resource catalogue sheet of 政务信息资源目录编制指南: a workbook, one block of rows a resource.

The inverse of `specs.importers.excel`: what a sheet said comes back in its own words, everything else in the guide's.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from specs.exporters.tables import tables
from specs.importers.catalogue_columns import COLUMNS, text_of, value_of
from specs.importers.resources import CODED, item_text, related_text
from specs.model import Field, Interface, Kind
from specs.parse import Document
from specs.words import NOTHING, say

SHEET, TITLE = "政务信息资源目录", "政务信息资源目录"


@dataclass(frozen=True)
class Row:
    """One item of a resource: texts by column key, by the header of a column the guide does not know, and by the key of
    a column of the resource in which this row says something else."""

    values: Mapping[str, str]
    other: Mapping[str, str] = NOTHING
    differs: Mapping[str, str] = NOTHING


@dataclass(frozen=True)
class Block:
    """One resource: texts by column key, columns the guide does not know, and its items (at least one row)."""

    values: Mapping[str, str]
    other: Mapping[str, str]
    rows: tuple[Row, ...]


def catalogue_sheet(interfaces: Iterable[Interface]) -> bytes:
    """The workbook. Processes are no resources and are left out. The same interfaces give the same bytes."""
    import openpyxl
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter

    blocks = [block(interface) for interface in interfaces if interface.kind is not Kind.PROCESS]
    strange = list(dict.fromkeys(word for one in blocks for word in one.other))
    items = list(dict.fromkeys(word for one in blocks for row in one.rows for word in row.other))
    items = [word for word in items if word not in strange]
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = SHEET
    width = len(COLUMNS) + len(strange) + len(items)
    _put(sheet, 1, 1, TITLE)
    _merge(sheet, 1, 1, 1, width)
    _head(sheet, [*strange, *items])
    row = 4
    for one in blocks:
        _block(sheet, row, one, strange, items)
        row += len(one.rows)
    _draw(sheet, max(3, row - 1), width)
    sheet["A1"].font, sheet["A1"].alignment = Font(bold=True, size=14), Alignment(horizontal="center")
    for at, column in enumerate(COLUMNS, 1):
        sheet.column_dimensions[get_column_letter(at)].width = column.width
    sheet.freeze_panes = "F4"
    return _bytes(book)


def _draw(sheet: Any, last: int, width: int) -> None:
    """Borders, and a header to be told from the rows. Cells that look alike share one style."""
    from openpyxl.styles import Alignment, Border, Font, PatternFill, Side

    line = Side(style="thin", color="BFC7D5")
    for first, end in ((2, 3), (4, last)):
        shared = None
        for cells in sheet.iter_rows(min_row=first, max_row=end, max_col=width):
            for cell in cells:
                if shared is None:
                    cell.border = Border(left=line, right=line, top=line, bottom=line)
                    cell.alignment = Alignment(vertical="top", wrap_text=True)
                    cell.number_format = "@"
                    if first == 2:
                        cell.alignment = Alignment(vertical="center", horizontal="center", wrap_text=True)
                        cell.font, cell.fill = Font(bold=True), PatternFill("solid", fgColor="E8EDF5")
                    shared = cell._style
                cell._style = shared


def _merge(sheet: Any, top: int, left: int, bottom: int, right: int) -> None:
    """Make cells one. (`merge_cells` looks through all merged blocks for each further one.)"""
    from openpyxl.worksheet.cell_range import CellRange

    if (bottom, right) > (top, left):
        sheet.merged_cells.ranges.add(CellRange(min_row=top, min_col=left, max_row=bottom, max_col=right))


def _bytes(book: Any) -> bytes:
    """The workbook's bytes, with no time of day in them."""
    import zipfile

    book.properties.creator = "tongban"
    book.properties.created = book.properties.modified = datetime(2000, 1, 1)
    first, second = io.BytesIO(), io.BytesIO()
    book.save(first)
    with zipfile.ZipFile(first) as old, zipfile.ZipFile(second, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            data = old.read(part)
            if part.filename == "docProps/core.xml":
                data = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>2000-01-01T00:00:00Z", data)
            new.writestr(zipfile.ZipInfo(part.filename, (2000, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
    return second.getvalue()


def _head(sheet: Any, more: Sequence[str]) -> None:
    """Two rows: groups above their columns, other headers over both."""
    at = 1
    for column in COLUMNS:
        _put(sheet, 2, at, column.group or column.header)
        if column.group:
            _put(sheet, 3, at, column.header)
        at += 1
    for word in more:
        _put(sheet, 2, at, word)
        at += 1
    start = 1
    for at, following in enumerate([*COLUMNS, None], 1):
        before = COLUMNS[at - 2] if at > 1 else None
        if before is not None and (following is None or following.group != before.group or not before.group):
            if before.group and at - start > 1:
                for inner in range(start + 1, at):
                    sheet.cell(2, inner).value = None
                _merge(sheet, 2, start, 2, at - 1)
            elif not before.group:
                _merge(sheet, 2, at - 1, 3, at - 1)
            start = at
    for at in range(len(COLUMNS) + 1, len(COLUMNS) + 1 + len(more)):
        _merge(sheet, 2, at, 3, at)


def _block(sheet: Any, top: int, one: Block, strange: Sequence[str], items: Sequence[str]) -> None:
    last = top + len(one.rows) - 1
    for at, column in enumerate(COLUMNS, 1):
        if column.item:
            for number, row in enumerate(one.rows):
                _put(sheet, top + number, at, row.values.get(column.key, ""))
        else:
            same = one.values.get(column.key, "")
            _tall(sheet, top, last, at, same, [row.differs.get(column.key, "") for row in one.rows])
    for at, word in enumerate(strange, len(COLUMNS) + 1):
        _tall(sheet, top, last, at, one.other.get(word, ""), [row.other.get(word, "") for row in one.rows])
    for at, word in enumerate(items, len(COLUMNS) + len(strange) + 1):
        for number, row in enumerate(one.rows):
            _put(sheet, top + number, at, row.other.get(word, ""))


def _tall(sheet: Any, top: int, last: int, at: int, text: str, others: Sequence[str]) -> None:
    """A text for all rows of a resource: one merged cell, unless some row says otherwise."""
    if any(others):
        for number, other in enumerate(others):
            _put(sheet, top + number, at, other or text)
        return
    _put(sheet, top, at, text)
    _merge(sheet, top, at, last, at)


def _put(sheet: Any, row: int, column: int, text: str) -> None:
    if text:
        cell = sheet.cell(row, column)
        cell.value = _ILLEGAL.sub("\ufffd", text)[:32767]
        cell.data_type = "s"  # never a formula, whatever the text begins with


_ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
"""What no XML may hold."""


def block(interface: Interface) -> Block:
    """What the sheet says of an interface."""
    raw = _entry(interface)
    kept = _mapping(raw.get("_sheet"))
    values: dict[str, str] = {}
    levels = raw.get("_classes")
    parts = levels if isinstance(levels, list) else str(raw.get("resource_kind") or "").split("/", 3)
    values |= {f"class_{number}": str(part) for number, part in enumerate(parts[:4], 1) if part}
    provider = _mapping(raw.get("provider"))
    values["name"] = _said(raw.get("name")) or ("" if raw else say(interface.title) or interface.id)
    values["code"] = _text(raw.get("code"))
    values["provider"] = _text(provider.get("name")) or ("" if "_sheet" in raw else interface.department or "")
    values["uscc"] = _text(provider.get("uscc"))
    values["abstract"] = _said(raw.get("abstract"))
    for key in CODED:
        value = raw.get(key)
        written = kept.get(key, "")
        values[key] = (
            written if written and value_of(key, written) == value else "" if value is None else text_of(key, value)
        )
    values["format_type"] = _text(raw.get("format_type"))
    values["conditions"] = _conditions(raw)
    values["open_conditions"] = _said(raw.get("open_conditions"))
    related = raw.get("related")
    plain = related_text([str(one) for one in related]) if isinstance(related, list) else ""
    values["related"] = kept["related"] if kept.get("related") and _codes(kept["related"]) == _codes(plain) else plain
    rows = tuple(_row(interface.document, field) for field in _fields(interface, raw))
    other = {str(word): str(text) for word, text in _mapping(raw.get("_other")).items()}
    return Block({key: text for key, text in values.items() if text}, other, rows or (Row({}),))


def _codes(text: str) -> list[str]:
    return [part for part in re.split(r"[;；,，、\s]+", text) if part]


def _conditions(raw: Mapping[str, Any]) -> str:
    conditions = _mapping(raw.get("use_conditions"))
    scope, use = _said(conditions.get("scope")), _said(conditions.get("use"))
    if scope and use:
        return f"共享范围：{scope}；使用用途：{use}"
    return _said(raw.get("refusal_reason")) or use or (f"共享范围：{scope}" if scope else "")


def _entry(interface: Interface) -> Mapping[str, Any]:
    """The catalogue entry as written: it may hold more than the model knows."""
    found = interface.extensions.get("catalogue") or interface.extensions.get("x-catalogue")
    return _mapping(found)


def _fields(interface: Interface, raw: Mapping[str, Any]) -> list[Field]:
    """The fields of all tables; of a service those its entry lists, when it lists some."""
    found = [field for table in tables(interface) for field in table.fields]
    listed = raw.get("items")
    if interface.kind is Kind.API and isinstance(listed, list):
        named = {name: field for field in reversed(found) for name in (field.element, field.name) if name}
        chosen = [named[one] for one in listed if one in named]
        return chosen or found
    return found


def _row(document: Document, field: Field) -> Row:
    raw = _node(document, field.pointer)
    own = _mapping(_custom(raw).get("catalogueItem"))
    schema = field.schema
    logical = _text(raw.get("logicalType")) or _logical(schema)
    physical = _text(raw.get("physicalName")) or field.name
    values = {
        "item_name": _text(own["name"]) if "name" in own else say(field.title) or field.name,
        "item_code": _text(own["item_code"]) if "item_code" in own else physical,
    }
    for key in ("item_type", "item_length"):
        values[key] = _text(own.get(key)) or (
            "" if key == "item_type" and not logical else item_text(key, logical, schema)
        )
    other, differs = (
        {str(word): str(text) for word, text in _mapping(own.get(part)).items()} for part in ("_other", "_differs")
    )
    if "name" in own and not own["name"] and not own.keys() - {"name", "_other", "_differs"}:
        values = {}
    return Row({key: text for key, text in values.items() if text}, other, differs)


def _logical(schema: Mapping[str, Any]) -> str:
    named = schema.get("type")
    kind = next((one for one in named if one != "null"), "") if isinstance(named, list) else named or ""
    return {"date": "date", "date-time": "timestamp"}.get(str(schema.get("format")), str(kind))


def _node(document: Document, pointer: str) -> Mapping[str, Any]:
    node: Any = document.value
    for token in pointer.split("/")[1:] if "customProperties" not in pointer else ():
        try:
            node = node[int(token)] if isinstance(node, list) else node[token.replace("~1", "/").replace("~0", "~")]
        except (KeyError, IndexError, TypeError, ValueError):
            return {}
    return node if pointer and isinstance(node, dict) else {}


def _custom(node: Mapping[str, Any]) -> dict[str, Any]:
    listed = node.get("customProperties")
    found = [one for one in listed if isinstance(one, dict) and "property" in one] if isinstance(listed, list) else []
    return {str(one["property"]): one.get("value") for one in found}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _said(value: Any) -> str:
    return say(value) if isinstance(value, dict) else _text(value)
