"""What a field means: explicitly its element, else inferred from its name and title, with a confidence.

A confidence is a number from 0 to 1 an author can see and overrule (`x-element: NAME`, or `x-element: none` for "this
is no standard element"). Inference: identifier of an element (with or without a qualifier), Chinese title, synonyms,
and the initials of the title's pinyin, which is how GA/T 543 makes identifiers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from mockdata.arrow import json_type
from specs import elements
from specs.elements import Element
from specs.model import Field, Interface

BY_NAME, BY_TITLE, BY_SYNONYM, BY_PINYIN = 0.95, 0.9, 0.8, 0.7
LENT = {"faker": "x-faker", "distribution": "x-distribution", "weights": "x-weights", "nullShare": "x-null-share"}
"""Custom properties of a data contract's field → the schema extension that says the same."""


@dataclass(frozen=True, slots=True)
class Binding:
    """A field bound to an element. `name` is the identifier with its qualifier ("MQ_GMSFHM"), as registers know it;
    `reason` says in a few words what it rests on.
    """

    element: Element
    qualifier: str | None
    confidence: float
    reason: str

    @property
    def name(self) -> str:
        return f"{self.qualifier}_{self.element.id}" if self.qualifier else self.element.id

    @property
    def explicit(self) -> bool:
        return self.confidence == 1.0


def bind(field: Field, interface: Interface) -> Binding | None:
    """The element a field carries, or None. Raises KeyError (near names) for an explicit element nobody knows."""
    if field.element is not None:
        if field.element.lower() == "none":
            return None
        qualifier, element = elements.resolve(field.element)
        if qualifier is None:
            qualifier = _qualifier_of(field.name, element)
        return Binding(element, qualifier, 1.0, "declared")
    schema = interface.resolve(field.schema)
    found = _inferred(field.name, field.title.get("zh_CN", ""), field.title.get("en", ""))
    return found if found is not None and _fits(found.element, schema) else None


def _qualifier_of(name: str, element: Element) -> str | None:
    """The qualifier in a field's name whose declared element is the bare one (`MQ_XM` declared as XM)."""
    try:
        qualifier, named = elements.resolve(name)
    except KeyError:
        return None
    return qualifier if named is element else None


@cache
def _inferred(name: str, chinese: str, english: str) -> Binding | None:
    try:
        qualifier, element = elements.resolve(name)
    except KeyError:
        pass
    else:
        return Binding(element, qualifier, BY_NAME, "identifier")
    titles = _titles()
    for text, confidence, reason in (
        (chinese, BY_TITLE, "title"),
        (english, BY_SYNONYM, "English title"),
        (name, BY_SYNONYM, "synonym"),
        (re.sub(r"[_\-]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)), BY_SYNONYM, "synonym"),
    ):
        element_id = titles.get(text.strip().lower())
        if element_id is not None:
            return Binding(elements.dictionary()[element_id], None, confidence, reason)
    if chinese:
        try:
            qualifier, element = elements.resolve(_initials(chinese))
        except KeyError:
            return None
        return Binding(element, qualifier, BY_PINYIN, "pinyin initials of the title")
    return None


@cache
def _titles() -> Mapping[str, str]:
    found: dict[str, str] = {}
    for element in elements.dictionary().values():
        for text in (element.title.get("zh_CN", ""), element.title.get("en", ""), *element.synonyms):
            if len(text) > 1:
                found.setdefault(text.strip().lower(), element.id)
    return found


def _initials(title: str) -> str:
    from pypinyin import Style, lazy_pinyin

    return "".join(lazy_pinyin(title, style=Style.FIRST_LETTER)).upper()


def _fits(element: Element, schema: Mapping[str, Any]) -> bool:
    """Whether an inferred element can be meant: same JSON type, lengths and codes that meet somewhere."""
    if json_type(schema) not in (json_type(element.schema), None):
        return False
    if schema.get("format", "") not in ("", element.schema.get("format", "")):
        return False
    if int(schema.get("maxLength", 10**9)) < int(element.schema.get("minLength", 0)):
        return False
    if int(schema.get("minLength", 0)) > int(element.schema.get("maxLength", 10**9)):
        return False
    theirs, ours = schema.get("enum"), element.schema.get("enum")
    return not theirs or not ours or bool(set(map(str, theirs)) & set(map(str, ours)))


def declared(field: Field, interface: Interface) -> dict[str, Any]:
    """The field's schema, with what a data contract says about generation in its custom properties lent to it."""
    schema = interface.resolve(field.schema)
    node: Any = interface.document.value
    for token in field.pointer.split("/")[1:]:
        token = token.replace("~1", "/").replace("~0", "~")
        if isinstance(node, list):
            node = node[int(token)] if token.isdigit() and int(token) < len(node) else None
        else:
            node = node.get(token) if isinstance(node, dict) else None
    entries = node.get("customProperties") if isinstance(node, dict) else None
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and entry.get("property") in LENT:
            schema = {**schema, LENT[entry["property"]]: entry.get("value")}
    return schema
