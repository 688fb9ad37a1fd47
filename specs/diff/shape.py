"""A schema as it acts: references followed, `allOf` parts united, every keyword with the place that says it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from specs.model import Interface
from specs.schema import Schema, definition_name, escape

_LOWER = {"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "minContains"}
_UPPER = {"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties", "maxContains"}
TEXT = frozenset({"title", "description", "examples", "example", "externalDocs", "x-en", "xml", "$comment", "summary"})
"""Keywords for people: what they say changes nothing that is sent."""
_NOT_MERGED = TEXT | {"allOf", "$ref", "$defs", "$anchor", "$id", "$schema"}


@dataclass(slots=True)
class Shape:
    """`words`: keyword → value without `properties` and `allOf`; `at`: keyword → pointer of the schema that says it;
    `properties`: name → (schema, pointer); `rest`: parts of `allOf` that could not be united, with their pointers."""

    pointer: str
    words: dict[str, Any] = field(default_factory=dict)
    at: dict[str, str] = field(default_factory=dict)
    properties: dict[str, tuple[Schema, str]] = field(default_factory=dict)
    rest: list[tuple[Schema, str]] = field(default_factory=list)

    def place(self, *keywords: str) -> str:
        """The pointer of the first of these keywords that is said, else of the schema."""
        return next((f"{self.at[word]}/{word}" for word in keywords if word in self.at), self.pointer)

    def types(self) -> frozenset[str] | None:
        """The JSON types allowed, as far as the keywords tell; None for any."""
        said = self.words.get("type")
        if said is not None:
            return frozenset([said] if isinstance(said, str) else said)
        values = self.values()
        return None if values is None else frozenset(json_type(value) for value in values)

    def values(self) -> list[Any] | None:
        """The values allowed one by one (const, enum), None when they are not listed."""
        if "const" in self.words:
            return [self.words["const"]]
        values = self.words.get("enum")
        return values if isinstance(values, list) else None


def shape(interface: Interface, schema: Schema, pointer: str) -> Shape:
    """The shape of a schema that stands at `pointer`; definitions are placed where the document has them."""
    made = Shape(pointer)
    _gather(interface, schema, pointer, made, frozenset())
    return made


def _gather(interface: Interface, schema: Any, pointer: str, into: Shape, seen: frozenset[str]) -> None:
    if not isinstance(schema, dict):  # true allows all; false, nothing
        if schema is False:
            into.words["not"], into.at["not"] = {}, pointer
        return
    for word, value in schema.items():
        if word == "properties":
            for name, member in value.items():
                _property(into, name, member, f"{pointer}/properties/{escape(name)}")
        elif word in TEXT:
            into.words.setdefault(word, value)
            into.at.setdefault(word, pointer)
        elif word not in _NOT_MERGED:
            _word(into, word, value, pointer)
    if isinstance(target := schema.get("$ref"), str):
        name = definition_name(target)
        if name in interface.definitions and name not in seen:
            _gather(interface, interface.definitions[name], interface.origins.get(name, ""), into, seen | {name})
    for index, part in enumerate(schema.get("allOf", ())):
        _gather(interface, part, f"{pointer}/allOf/{index}", into, seen)


def _property(into: Shape, name: str, member: Any, pointer: str) -> None:
    if name not in into.properties:
        into.properties[name] = (member, pointer)
    elif (known := into.properties[name])[0] != member:
        into.properties[name] = ({"allOf": [known[0], member]}, known[1])


def _word(into: Shape, word: str, value: Any, pointer: str) -> None:
    """Both hold: the tighter of two bounds, what two lists share; anything else that differs goes to the rest."""
    if word not in into.words:
        into.words[word], into.at[word] = value, pointer
        return
    known = into.words[word]
    if known == value or word.startswith("x-") or word in ("default", "deprecated", "readOnly", "writeOnly"):
        return
    if word == "required":
        into.words[word] = [*known, *(name for name in value if name not in known)]
    elif word in _LOWER | _UPPER and isinstance(known, int | float) and isinstance(value, int | float):
        into.words[word] = (max if word in _LOWER else min)(known, value)
    elif word == "enum":
        into.words[word] = [one for one in known if one in value]
    elif word == "type":
        ours, theirs = ([one] if isinstance(one, str) else list(one) for one in (known, value))
        into.words[word] = [one for one in ours if one in theirs or (one == "integer" and "number" in theirs)]
    else:
        into.rest.append(({word: value}, pointer))


def json_type(value: Any) -> str:
    """The JSON Schema type of a JSON value; a whole number is an integer."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return "integer"
    for kind, name in ((float, "number"), (str, "string"), (list, "array")):
        if isinstance(value, kind):
            return name
    return "object"
