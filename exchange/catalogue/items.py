"""What an interface gives and what it asks for, field by field, in data elements; and the table that remembers it.

The index holds interfaces in force only. It is made from the document alone, so it can be made again at any time:
`stale` names the interfaces whose rows were made from another document, or by an older way of reading.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, Float, ForeignKey, Integer, Row, Table, Text, func, select
from sqlalchemy.types import JSON

from exchange.catalogue.model import State
from exchange.catalogue.store import INTERFACES
from exchange.database import metadata
from specs.binding import LIKELY, bindings
from specs.entry import entry
from specs.model import Interface, Operation
from specs.rules.places import schema_pointer
from specs.schema import Schema, references, subschemas

READING = "1"
"""Raised when items are read in another way, or the dictionary of elements changes what it says of old fields."""
GIVES, ASKS, KEY = "gives", "asks", "key"

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


@dataclass(frozen=True, slots=True)
class Item:
    """A field an interface ``gives`` (in an answer, as a column), ``asks`` (in a body) or is asked by (``key``: a
    parameter). ``element`` is "" when nothing is known of it; ``qualifier`` says whose it is (MQ: the mother's)."""

    way: str
    field: str
    title: Mapping[str, str]
    element: str = ""
    qualifier: str = ""
    confidence: float = 0.0
    sensitivity: str = ""

    @property
    def name(self) -> str:
        """The element with its qualifier (``MQ_GMSFHM``), else ""."""
        return f"{self.qualifier}_{self.element}" if self.qualifier else self.element

    @property
    def meaning(self) -> str:
        """What two fields that mean the same have in common: the element, else the title without its decoration."""
        return self.name or "~" + _bare(self.title.get("zh_CN") or self.field)


@dataclass(frozen=True, slots=True)
class Holder:
    """An interface in force with some of its items."""

    interface: str
    kind: str
    department: str
    title: Mapping[str, str]
    items: tuple[Item, ...]


def items(interface: Interface) -> tuple[Item, ...]:
    """Every field that answers, tables, parameters and bodies have, in the document's order, each meaning once a way.

    A field counts as carrying an element it declares, or one inferred with at least the confidence `LIKELY`.
    """
    answered = set(_pointers(interface, _answers(interface)))
    asked = set(_pointers(interface, _bodies(interface)))
    found: dict[tuple[str, str], Item] = {}
    for carrier, binding in bindings(interface):
        sure = binding if binding is not None and binding.confidence >= LIKELY else None
        home = carrier.pointer.rpartition("/properties/")[0]
        ways = {
            "table": [GIVES],
            "parameter": [KEY],
            "schema": [way for way, places in ((GIVES, answered), (ASKS, asked)) if home in places],
        }[carrier.place]
        if sure is None and (carrier.place == "parameter" or _composed(carrier.field.schema, interface)):
            continue  # how to page or what to show, or fields of its own: no datum itself
        for way in ways:
            item = Item(
                way,
                carrier.field.name,
                dict(carrier.field.title) or {"zh_CN": sure.element.title["zh_CN"] if sure else carrier.field.name},
                sure.element.id if sure else "",
                (sure.qualifier or "") if sure else "",
                sure.confidence if sure else 0.0,
                carrier.field.sensitivity or (sure.element.sensitivity if sure else ""),
            )
            found.setdefault((way, item.meaning), item)
    return tuple(found.values())


def write(tx: Connection, spec: Interface) -> tuple[Item, ...]:
    """Replace the rows of an interface by those of the document in force, and what lists filter by; gives the items."""
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
    }
    tx.execute(INTERFACES.update().where(INTERFACES.c.id == spec.id).values(**values))
    return found


def stale(tx: Connection) -> list[str]:
    """Interfaces in force whose rows are missing or were made from something else."""
    live = INTERFACES.c.state.in_([State.PUBLISHED, State.DEPRECATED])
    query = select(INTERFACES.c.id, INTERFACES.c.digest, INTERFACES.c.indexed).where(live).order_by(INTERFACES.c.id)
    return [row.id for row in tx.execute(query) if row.indexed != f"{READING}:{row.digest}"]


def holding(
    tx: Connection, *, elements: Iterable[str] = (), meanings: Iterable[str] = (), most: int = 200
) -> list[Holder]:
    """Interfaces in force with their items that carry one of these elements or meanings; most of them first."""
    chosen = ITEMS.c.element.in_(set(elements)) | ITEMS.c.meaning.in_(set(meanings))
    live = INTERFACES.c.state.in_([State.PUBLISHED, State.DEPRECATED])
    joined = ITEMS.join(INTERFACES, ITEMS.c.interface == INTERFACES.c.id)
    counted = select(ITEMS.c.interface, func.count().label("n")).select_from(joined).where(chosen & live)
    first = counted.group_by(ITEMS.c.interface).order_by(func.count().desc(), ITEMS.c.interface).limit(most)
    return _holders(tx, [row.interface for row in tx.execute(first)], chosen)


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


def _composed(schema: Schema, interface: Interface) -> bool:
    """Whether a value has fields of its own, or is a list of such."""
    return bool(interface.fields(schema))  # an array stands for its items


# ---- where the fields of answers and of bodies stand


def _answers(interface: Interface) -> Iterator[tuple[Schema, str]]:
    for operation in interface.operations:
        for response in _good(operation):
            for content in response.contents:
                if content.schema is not None:
                    yield content.schema, schema_pointer(interface, content.pointer)


def _good(operation: Operation) -> list[Any]:
    good = [response for response in operation.responses if response.is_success]
    return good or [response for response in operation.responses if response.status == "default"]


def _bodies(interface: Interface) -> Iterator[tuple[Schema, str]]:
    for operation in interface.operations:
        for content in operation.body.contents if operation.body else ():
            if content.schema is not None:
                yield content.schema, schema_pointer(interface, content.pointer)


def _pointers(interface: Interface, roots: Iterable[tuple[Schema, str]]) -> Iterator[str]:
    """Pointers of every schema reached from the roots, through references too."""
    waiting, seen = list(roots), set[str]()
    while waiting:
        schema, pointer = waiting.pop()
        for at, _inner in subschemas(schema, pointer):
            yield at
        for name in references(schema):
            if name not in seen and name in interface.definitions:
                seen.add(name)
                waiting.append((interface.definitions[name], interface.origins.get(name, "")))


_DECORATION = re.compile(r"[\s_\-·.,，。、:：;；()（）\[\]【】《》<>/\\]+|代码$|编码$")


def _bare(title: str) -> str:
    return _DECORATION.sub("", unicodedata.normalize("NFKC", title)).lower() or title
