"""The index of fields: rows of every interface in force, made from its document alone, so they can be made again.

`stale` names the interfaces whose rows were made from another document, or by an older way of reading.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Column, Connection, Float, ForeignKey, Integer, Row, Table, Text, func, select
from sqlalchemy.types import JSON

from exchange.catalogue import store
from exchange.catalogue.items import Holder, Item, items
from exchange.catalogue.model import State
from exchange.catalogue.store import INTERFACES
from exchange.catalogue.texts import texts
from exchange.database import metadata
from specs.entry import entry
from specs.model import Interface

READING = "1"
"""Raised when items are read in another way, or the dictionary of elements changes what it says of old fields."""

ITEMS = Table(
    "interface_items",
    metadata,
    Column("interface", Text, ForeignKey("interfaces.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("way", Text, nullable=False),
    Column("field", Text, nullable=False),
    Column("title", JSON, nullable=False),
    Column("element", Text, nullable=False, index=True),
    Column("qualifier", Text, nullable=False),
    Column("meaning", Text, nullable=False, index=True),
    Column("confidence", Float, nullable=False),
    Column("sensitivity", Text, nullable=False),
)


def write(tx: Connection, spec: Interface) -> tuple[Item, ...]:
    """Make the rows of an interface anew from the document in force, with what lists filter by; gives the items."""
    found = items(spec)
    tx.execute(ITEMS.delete().where(ITEMS.c.interface == spec.id))
    rows = [
        {
            "interface": spec.id,
            "number": number,
            "way": item.way,
            "field": item.field,
            "title": dict(item.title),
            "element": item.element,
            "qualifier": item.qualifier,
            "meaning": item.meaning,
            "confidence": item.confidence,
            "sensitivity": item.sensitivity,
        }
        for number, item in enumerate(found)
    ]
    if rows:
        tx.execute(ITEMS.insert(), rows)
    known = entry(spec)
    values = {
        "indexed": f"{READING}:{spec.digest}",
        "sharing_class": known.sharing_class if known else "",
        "classification": known.classification if known else "",
        "update_frequency": known.update_frequency if known else "",
        "offered_by": str(spec.extensions.get("x-offered-by", "")),
        **store.searched(texts(spec, found)),
    }
    tx.execute(INTERFACES.update().where(INTERFACES.c.id == spec.id).values(**values))
    return found


def stale(tx: Connection) -> list[str]:
    """Interfaces in force whose rows are missing or were made from something else."""
    live = INTERFACES.c.state.in_([State.PUBLISHED, State.DEPRECATED])
    query = select(INTERFACES.c.id, INTERFACES.c.digest, INTERFACES.c.indexed).where(live).order_by(INTERFACES.c.id)
    return [row.id for row in tx.execute(query) if row.indexed != f"{READING}:{row.digest}"]


def near(tx: Connection, elements: Iterable[str], meanings: Iterable[str] = (), most: int = 200) -> list[str]:
    """Interfaces in force that have something of these elements or meanings; those with most of it first."""
    chosen = ITEMS.c.element.in_(set(elements)) | ITEMS.c.meaning.in_(set(meanings))
    live = select(INTERFACES.c.id).where(INTERFACES.c.state.in_([State.PUBLISHED, State.DEPRECATED]))
    counted = select(ITEMS.c.interface).where(chosen, ITEMS.c.interface.in_(live)).group_by(ITEMS.c.interface)
    ordered = counted.order_by(func.count().desc(), ITEMS.c.interface).limit(most)
    return [row.interface for row in tx.execute(ordered)]


def holding(tx: Connection, element: str, most: int = 200) -> list[Holder]:
    """Interfaces in force with just their items that carry an element, those with most of them first."""
    return _holders(tx, near(tx, [element], most=most), ITEMS.c.element == element)


def of(tx: Connection, interfaces: Iterable[str]) -> list[Holder]:
    """Interfaces with all of their items."""
    return _holders(tx, list(interfaces), None)


def _holders(tx: Connection, interfaces: list[str], chosen: Any) -> list[Holder]:
    joined = ITEMS.join(INTERFACES, ITEMS.c.interface == INTERFACES.c.id)
    columns = (INTERFACES.c.kind, INTERFACES.c.department, INTERFACES.c.title.label("called"))
    query = select(ITEMS, *columns).select_from(joined).where(ITEMS.c.interface.in_(interfaces))
    if chosen is not None:
        query = query.where(chosen)
    rows: dict[str, list[Row[Any]]] = {interface: [] for interface in interfaces}
    for row in tx.execute(query.order_by(ITEMS.c.interface, ITEMS.c.number)):
        rows[row.interface].append(row)
    return [
        Holder(interface, own[0].kind, own[0].department, own[0].called, tuple(_item(row) for row in own))
        for interface, own in rows.items()
        if own
    ]


def _item(row: Row[Any]) -> Item:
    return Item(row.way, row.field, row.title, row.element, row.qualifier, row.confidence, row.sensitivity)
