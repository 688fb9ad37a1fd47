"""What an interface gives and what it asks for, field by field, in data elements: a pure function of its document."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from specs.binding import LIKELY, bindings
from specs.model import Interface, Operation
from specs.rules.places import schema_pointer
from specs.schema import Schema, references, subschemas

GIVES, ASKS, KEY = "gives", "asks", "key"


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


@lru_cache(maxsize=8)
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
