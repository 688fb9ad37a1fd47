"""One resource of a catalogue sheet: gathered from its rows, and turned into table and catalogue entry.

`_sheet` keeps, by column, every text the guide's own words would not give back (01, 2017年6月1日, varchar(50)), so that
the sheet can be written again as it was.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from specs.importers.catalogue_columns import BY_KEY, SheetColumn, text_of, type_of, type_text, value_of
from specs.importers.draft import Column, Found
from specs.importers.names import slug_of
from specs.importers.points import Points
from specs.importers.sheets import Cell

CODED = (
    "format_class",
    "sharing_class",
    "sharing_mode",
    "update_frequency",
    "issue_date",
    "classification",
    "open_to_public",
)
_SCOPE = re.compile(r"共享范围：(.+?)；使用用途：(.+)", re.DOTALL)


@dataclass
class Item:
    """A row: what it says of the item by column key, columns nobody knows (`other`), and what it says of the resource
    otherwise than the first row (`differs`)."""

    row: int
    values: dict[str, str] = field(default_factory=dict)
    other: dict[str, str] = field(default_factory=dict)
    differs: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)


@dataclass
class Resource:
    """A resource: the texts of its columns with their cells, columns nobody knows, and its items."""

    row: int
    cells: dict[str, Cell]
    other: dict[str, str] = field(default_factory=dict)
    items: list[Item] = field(default_factory=list)

    @property
    def values(self) -> Mapping[str, str]:
        """The texts by column key."""
        return {key: cell.text for key, cell in self.cells.items()}

    def text(self, key: str, otherwise: str = "") -> str:
        """The text of one column."""
        return self.cells[key].text if key in self.cells else otherwise


def item_of(
    resource: Resource, row: Mapping[int, Cell], layout: Mapping[int, SheetColumn | str], sheet: str, points: Points
) -> None:
    """Add a row to its resource."""
    first = next(iter(row.values())).row
    item = Item(first)
    for at, cell in row.items():
        column = layout[at]
        if cell.trouble:
            told = f"{sheet}!{cell.place}: {cell.trouble}"
            points.say(
                "import-lost",
                told,
                "correct the cell",
                pointer=f"/{sheet}/{cell.place}",
                line=cell.row,
                column=cell.column,
            )
        if not cell.text:
            continue
        if isinstance(column, str):
            _unknown(resource, item, column, cell)
        elif column.item:
            item.values[column.key] = cell.text
            item.places[column.key] = cell.place
        else:
            _said(resource, item, column, cell, sheet, points)
    if item.values or item.other or item.differs or not resource.items:
        resource.items.append(item)


def _unknown(resource: Resource, item: Item, header: str, cell: Cell) -> None:
    """A column nobody knows: of the resource when it reaches over its rows, else of the item."""
    if cell.tall:
        resource.other.setdefault(header, cell.text)
        if resource.other[header] != cell.text:
            item.other[header] = cell.text
    elif cell.own:
        item.other[header] = cell.text


def _said(resource: Resource, item: Item, column: SheetColumn, cell: Cell, sheet: str, points: Points) -> None:
    known = resource.cells.setdefault(column.key, cell)
    if known.text != cell.text:
        item.differs[column.key] = cell.text
        told = f"{sheet}!{cell.place}: {column.header} is {cell.text[:40]!r}, but {known.text[:40]!r} in {known.place}"
        hint = "one resource has one value; give each its own row block, or make them equal"
        points.say("import-conflict", told, hint, pointer=f"/{sheet}/{cell.place}", line=cell.row, column=cell.column)


def entry_of(resource: Resource, sheet: str, points: Points) -> dict[str, Any]:
    """The catalogue entry; odd values are told with their cells and kept as written."""
    said = resource.values
    entry: dict[str, Any] = {}
    kept: dict[str, str] = {}
    if "name" in said:
        entry["name"] = {"zh_CN": said["name"]}
    if "code" in said:
        entry["code"] = said["code"]
    provider = {word: said[key] for word, key in (("uscc", "uscc"), ("name", "provider")) if key in said}
    if provider:
        entry["provider"] = provider
    if "abstract" in said:
        entry["abstract"] = {"zh_CN": said["abstract"]}
    _classes(said, entry)
    for key in CODED:
        if key not in said:
            continue
        value = value_of(key, said[key])
        if value is None:
            _odd(resource, key, sheet, points)
            kept[key] = said[key]
            continue
        entry[key] = value
        if text_of(key, value) != said[key]:
            kept[key] = said[key]
    if "format_type" in said:
        entry["format_type"] = said["format_type"]
    _conditions(said, entry)
    if "open_conditions" in said:
        entry["open_conditions"] = {"zh_CN": said["open_conditions"]}
    if "related" in said:
        entry["related"] = [part for part in re.split(r"[;；,，、\s]+", said["related"]) if part]
        if related_text(entry["related"]) != said["related"]:
            kept["related"] = said["related"]
    _checks(resource, entry, sheet, points)
    entry["_sheet"] = kept
    if resource.other:
        entry["_other"] = dict(resource.other)
    return entry


def related_text(codes: list[str]) -> str:
    """Codes of related resources in one cell."""
    return "；".join(codes)


def _classes(said: Mapping[str, str], entry: dict[str, Any]) -> None:
    levels = [said.get(f"class_{level}", "") for level in range(1, 5)]
    if any(levels):
        while not levels[-1]:
            levels.pop()
        entry["resource_kind"] = "/".join(levels)
        if entry["resource_kind"].split("/", 3) != levels:  # a slash inside a level
            entry["_classes"] = levels


def _conditions(said: Mapping[str, str], entry: dict[str, Any]) -> None:
    text = said.get("conditions")
    if text is None:
        return
    if entry.get("sharing_class") == "3":
        entry["refusal_reason"] = {"zh_CN": text}
        return
    found = _SCOPE.fullmatch(text)
    if found:
        entry["use_conditions"] = {"scope": {"zh_CN": found[1]}, "use": {"zh_CN": found[2]}}
    else:
        entry["use_conditions"] = {"use": {"zh_CN": text}}


def _checks(resource: Resource, entry: Mapping[str, Any], sheet: str, points: Points) -> None:
    """What the law refuses, said at the cell."""
    cell = resource.cells.get("conditions")
    if cell is not None and entry.get("sharing_class") == "1":
        told = f"{sheet}!{cell.place}: a resource shared without conditions has conditions: {cell.text[:40]!r}"
        hint = "article 14: take them out, or class it 有条件共享"
        points.say("import-odd-value", told, hint, pointer=f"/{sheet}/{cell.place}", line=cell.row, column=cell.column)
    cell = resource.cells.get("uscc")
    if cell is not None and not re.fullmatch(r"[0-9A-HJ-NP-RTUWXY]{18}", cell.text):
        told = f"{sheet}!{cell.place}: {cell.text[:40]!r} is no credit code of 18 characters"
        points.say(
            "import-odd-value",
            told,
            "write it as text",
            pointer=f"/{sheet}/{cell.place}",
            line=cell.row,
            column=cell.column,
        )


def _odd(resource: Resource, key: str, sheet: str, points: Points) -> None:
    cell = resource.cells[key]
    told = f"{sheet}!{cell.place}: {BY_KEY[key].header} {cell.text[:40]!r} is not one of the guide's values"
    hint = "it is kept as written"
    if key == "issue_date":
        told = f"{sheet}!{cell.place}: 发布日期 {cell.text[:40]!r} is no date"
        if re.fullmatch(r"[3-5]\d{4}", cell.text):
            counted = date(1899, 12, 30) + timedelta(days=int(cell.text))
            hint = f"Excel counts {counted.isoformat()} so: give the cell the format of a date; {hint}"
    points.say(
        "import-odd-value",
        told,
        hint,
        pointer=f"/{sheet}/{cell.place}",
        line=cell.row,
        column=cell.column,
    )


def found_of(resource: Resource, sheet: str, points: Points) -> Found:
    """The table of a resource: one column an item."""
    title = resource.values.get("name", "")
    table = Found(
        slug_of(title).replace("-", "_") or "resource", title, line=resource.row, pointer=f"/{sheet}/A{resource.row}"
    )
    for item in resource.items:
        if item.values:
            table.columns.append(_column(item, sheet, points))
        elif item.other or item.differs:
            table.columns.append(Column("item", line=item.row, custom={"catalogueItem": {**_kept(item), "name": ""}}))
    if not table.columns:
        told = f"{sheet}!A{resource.row}: {title} has no items"
        table.open.append(
            points.say("decide-catalogue", told, "list 信息项名称 below it", line=resource.row, pointer=table.pointer)
        )
    seen: dict[str, int] = {}
    for column in table.columns:
        if column.title and column.title in seen:
            told = f"{sheet}: {title} has the item {column.title} in row {seen[column.title]} and row {column.line}"
            column.open.append(
                points.say("import-odd-value", told, "name each once", line=column.line, pointer=column.pointer)
            )
        seen.setdefault(column.title, column.line or 0)
    return table


def _column(item: Item, sheet: str, points: Points) -> Column:
    said = item.values
    name, type, length = (said.get(key, "") for key in ("item_name", "item_type", "item_length"))
    pointer = f"/{sheet}/{item.places.get('item_name', f'A{item.row}')}"
    column = Column(said.get("item_code") or name or "item", name, line=item.row, pointer=pointer)
    column.logical, inside = type_of(type) if type else ("", "")
    if not column.logical:
        what = f"the type {type!r} is not one of the guide's" if type else "no type is given"
        place = item.places.get("item_type") or item.places.get("item_name") or f"A{item.row}"
        told = f"{sheet}!{place}: {name[:40]}: {what}"
        column.open.append(points.say("decide-type", told, "say what its values are", line=item.row, pointer=pointer))
    _length(column, length or inside)
    kept = {key: text for key, text in said.items() if key not in {"item_name", "item_code"}}
    kept = {key: text for key, text in kept.items() if item_text(key, column.logical, column.options) != text}
    extra: dict[str, Any] = {**kept, **_kept(item)}
    if name and "item_code" not in said:
        extra["item_code"] = ""
    if not name:
        extra["name"] = ""
    if extra:
        column.custom["catalogueItem"] = extra
    return column


def _kept(item: Item) -> dict[str, Any]:
    return {word: value for word, value in (("_other", item.other), ("_differs", item.differs)) if value}


def _length(column: Column, text: str) -> None:
    plain = text.strip().lstrip(".")
    if column.logical == "string" and plain.isdecimal() and 0 < int(plain) < 10**9:
        column.options["maxLength"] = int(plain)
    found = re.fullmatch(r"(\d{1,2})[,，.](\d{1,2})", plain)
    if column.logical == "number" and found and int(found[2]):
        column.options["multipleOf"] = float(f"1e-{int(found[2])}")


def item_text(key: str, logical: str, options: Mapping[str, Any]) -> str:
    """What a cell says of an item's type or length, in the guide's own words."""
    if key == "item_type":
        return type_text(logical)
    if key == "item_length" and logical == "string" and isinstance(options.get("maxLength"), int):
        return str(options["maxLength"])
    return ""
