"""A schema as it acts: references followed, `allOf` parts united, every keyword with the place that says it."""

from __future__ import annotations

import json
import math
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

from specs.diff.witnesses import matches
from specs.model import Interface
from specs.rules.places import written
from specs.schema import Schema, definition_name, escape

_LOWER = {"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "minContains"}
_UPPER = {"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties", "maxContains"}
TEXT = frozenset({"title", "description", "examples", "example", "externalDocs", "x-en", "$comment", "summary"})
"""Keywords for people: what they say changes nothing that is sent."""
ANNOTATIONS = TEXT | {
    "default", "deprecated", "readOnly", "writeOnly", "discriminator", "x-element", "x-sensitivity", "xml",
}  # fmt: skip
"""Keywords that leave the values as they are."""
_NOT_MERGED = {"allOf", "$ref", "$defs", "$anchor", "$id", "$schema"}
_FIRST_WINS = {"default", "deprecated", "readOnly", "writeOnly", "discriminator", "xml"}
ANY = frozenset({"null", "boolean", "integer", "number", "string", "array", "object"})
Place = tuple[Any, str]
"""A schema and its pointer."""


@dataclass(eq=False)
class Shape:
    """`schema`: what it was made of; `words`: keyword → value without `properties` and `allOf`; `at`: keyword →
    pointer of the schema that says it; `properties`: name → where it is described; `rest`: what several parts of
    `allOf` say differently and that could not be united, each as a schema of one keyword."""

    schema: Any
    pointer: str
    words: dict[str, Any] = field(default_factory=dict)
    at: dict[str, str] = field(default_factory=dict)
    properties: dict[str, Place] = field(default_factory=dict)
    rest: list[Place] = field(default_factory=list)

    def place(self, *keywords: str) -> str:
        """The pointer of the first of these keywords that is said, else of the schema."""
        return next((f"{self.at[word]}/{word}" for word in keywords if word in self.at), self.pointer)

    @cached_property
    def required(self) -> frozenset[str]:
        return frozenset(self.words.get("required", ()))

    @cached_property
    def said(self) -> frozenset[str]:
        """The JSON types `type` allows, every one of them when it is not said; a number may be an integer."""
        said = self.words.get("type")
        if self.words.get("not") == {}:
            return frozenset()
        if said is None:
            return ANY
        named = frozenset([said] if isinstance(said, str) else said)
        return named | {"integer"} if "number" in named else named

    @cached_property
    def types(self) -> frozenset[str]:
        """The JSON types of the values allowed."""
        if self.values is None:
            return self.said
        found = frozenset(json_type(value) for value in self.values)
        return found | {"integer"} if "number" in found else found

    @cached_property
    def values(self) -> list[Any] | None:
        """The values listed one by one (const, enum) that nothing beside the list refuses; None when none are."""
        listed = [self.words["const"]] if "const" in self.words else self.words.get("enum")
        if not isinstance(listed, list):
            return None
        if "const" in self.words and isinstance(also := self.words.get("enum"), list):
            listed = [one for one in listed if canonical(one) in set(map(canonical, also))]
        return [one for one in listed if json_type(one) in self.said and not refused(self.words, one)]

    @property
    def union(self) -> str | None:
        """The keyword of its alternatives, when it has one list of them."""
        found = [word for word in ("oneOf", "anyOf") if word in self.words]
        return found[0] if len(found) == 1 else None

    @property
    def bare(self) -> bool:
        """Whether nothing but its alternatives limits the values."""
        limits = (word for word in self.words if word not in ANNOTATIONS and not word.startswith("x-"))
        return not self.properties and not self.rest and all(word == self.union for word in limits)


class Shapes:
    """The shapes of one interface, each made once. Schemas made on the way (two descriptions of one property, say) are
    kept and found again by their parts, so that recursive schemas stay finite."""

    def __init__(self, interface: Interface) -> None:
        self.interface = interface
        self._nulled: set[int] = set()
        self._old_nullable = interface.format.startswith("OpenAPI 3.0")
        self._known: dict[int, Shape] = {}
        self._all: list[Shape] = []
        self._names: dict[str, str] = {}
        self._made: dict[Hashable, Schema] = {}
        self._parts: dict[int, list[Place]] = {}
        self._built: dict[int, list[str]] | None = None

    def target(self, schema: Any, pointer: str) -> Place:
        """Where a bare reference leads; anything else is itself."""
        seen = set()
        while isinstance(schema, dict) and len(schema) == 1 and isinstance(said := schema.get("$ref"), str):
            name = self.name(said)
            if name in seen or name not in self.interface.definitions:
                return {}, pointer
            seen.add(name)
            schema, pointer = self.interface.definitions[name], self.interface.origins.get(name, pointer)
        return (self._or_null(schema), pointer) if self._null_meant(schema, pointer) else (schema, pointer)

    def _null_meant(self, schema: Any, pointer: str) -> bool:
        """Whether OpenAPI 3.0's `nullable` stands beside `allOf` and its like: without effect by the letter, and yet
        what everybody means by it."""
        if not self._old_nullable or not pointer or not isinstance(schema, dict) or "type" in schema:
            return False
        if id(schema) in self._nulled or not schema.keys() & {"allOf", "anyOf", "oneOf"}:
            return False
        said = written(self.interface, pointer)
        return isinstance(said, dict) and said.get("nullable") is True

    def _or_null(self, schema: Schema) -> Schema:
        key = (id(schema), "null")
        if key not in self._made:
            self._made[key] = {"anyOf": [schema, {"type": "null"}]}
            self._nulled.add(id(self._made[key]))
        return self._made[key]

    def name(self, reference: str) -> str:
        """The definition a reference names."""
        if reference not in self._names:
            self._names[reference] = definition_name(reference)
        return self._names[reference]

    def of(self, schema: Any, pointer: str) -> Shape:
        """The shape of a schema that stands at `pointer`; definitions are placed where the document has them."""
        schema, pointer = self.target(schema, pointer)
        known = self._known.get(id(schema)) if isinstance(schema, dict) else None
        if known is None or (pointer and not known.pointer):  # asked before by somebody who did not know the place
            known = Shape(schema, pointer)  # it holds the schema, so that the identity stays taken
            self._gather(known)
            if isinstance(schema, dict):
                self._all.append(known)
                self._known[id(schema)] = known
        return known

    def both(self, parts: Iterable[Place]) -> Place:
        """One schema for several that must all hold."""
        found: dict[int, Place] = {}
        for schema, pointer in parts:
            target = self.target(schema, pointer)
            inner = self._parts.get(id(target[0]), [target])
            for one in inner:
                found.setdefault(id(one[0]), one)
        if len(found) == 1:
            return next(iter(found.values()))
        key = frozenset(found)
        if key not in self._made:
            kept = list(found.values())
            self._made[key] = {"allOf": [schema for schema, _ in kept]}
            self._parts[id(self._made[key])] = kept
        made = self._made[key]
        return made, self._parts[id(made)][0][1]

    def built_on(self, schema: Any) -> list[str]:
        """The definitions whose `allOf` names a schema."""
        if self._built is None:
            self._built = {}
            for name, definition in self.interface.definitions.items():
                for part in definition.get("allOf", ()) if isinstance(definition, dict) else ():
                    self._built.setdefault(id(self.target(part, "")[0]), []).append(name)
        return self._built.get(id(schema), [])

    def base(self, of: Shape) -> Place:
        """The schema of a shape without its alternatives."""
        return self._derived(of, "base", [w for w in of.words if w not in ("oneOf", "anyOf", "discriminator")], {})

    def only(self, of: Shape) -> Place:
        """A schema of its types and nothing more."""
        key = (id(of.schema), "only")
        if key not in self._made:
            self._made[key] = {"type": sorted(of.types)}
        return self._made[key], of.pointer

    def split(self, of: Shape, *, plain: bool = False) -> list[Place]:
        """A schema as several whose values together are its own: by its alternatives, else by its types. `plain`:
        without what does not limit the values."""
        if (word := of.union) is not None and of.bare:
            return [(one, f"{of.place(word)}/{index}") for index, one in enumerate(of.words[word])]
        kinds = of.types if len(of.types) < len(ANY) else frozenset[str]()
        kinds -= {"integer"} if "number" in kinds else set()
        kept = [word for word in of.words if word not in ANNOTATIONS and word != "type"]
        if len(kinds) < 2 or of.union is not None:
            if plain and isinstance(of.schema, dict) and of.words.keys() & (ANNOTATIONS - TEXT):
                return [self._derived(of, "plain", [word for word in of.words if word not in ANNOTATIONS - TEXT], {})]
            return [(of.schema, of.pointer)]
        return [self._derived(of, kind, kept, {"type": kind}) for kind in sorted(kinds)]

    def _derived(self, of: Shape, what: str, kept: list[str], more: Schema) -> Place:
        key = (id(of.schema), what)
        if key not in self._made:
            made = {**{word: of.words[word] for word in kept}, **more}
            if of.properties:
                made["properties"] = {name: member for name, (member, _) in of.properties.items()}
            if of.rest:
                made["allOf"] = [part for part, _ in of.rest]
            self._made[key] = made
            derived = Shape(made, of.pointer, {**{word: of.words[word] for word in kept}, **more}, dict(of.at))
            derived.properties, derived.rest = dict(of.properties), list(of.rest)
            self._known[id(made)] = derived
        return self._made[key], of.pointer

    def _gather(self, into: Shape) -> None:
        waiting, seen = [(into.schema, into.pointer)], set[int]()
        described: dict[str, list[Place]] = {}
        while waiting:  # what stands first comes first; chains of references may be longer than the stack
            schema, pointer = waiting.pop()
            if not isinstance(schema, dict):  # true allows all; false, nothing
                if schema is False:
                    into.words["not"], into.at["not"] = {}, pointer
                continue
            if id(schema) in seen:
                continue
            seen.add(id(schema))
            for word, value in schema.items():
                if word == "properties":
                    for name, member in value.items():
                        described.setdefault(name, []).append((member, f"{pointer}/properties/{escape(name)}"))
                elif word in TEXT:
                    into.words.setdefault(word, value)
                    into.at.setdefault(word, pointer)
                elif word not in _NOT_MERGED:
                    self._word(into, word, value, pointer)
            inner: list[Place] = []
            if isinstance(said := schema.get("$ref"), str) and (name := self.name(said)) in self.interface.definitions:
                inner.append((self.interface.definitions[name], self.interface.origins.get(name, "")))
            parts = enumerate(schema.get("allOf", ()))
            inner += self._parts.get(id(schema)) or [(part, f"{pointer}/allOf/{i}") for i, part in parts]
            waiting += reversed(inner)
        into.properties = {name: self._one(places) for name, places in described.items()}
        if into.words.get("format") == "byte":  # OpenAPI 3.0's word for it
            into.words["contentEncoding"], into.at["contentEncoding"] = "base64", into.at["format"]
            del into.words["format"]

    def _one(self, places: list[Place]) -> Place:
        distinct: list[Place] = []
        for place in places:
            if all(place[0] != known[0] for known in distinct):
                distinct.append(place)
        return distinct[0] if len(distinct) == 1 else self.both(distinct)

    def _word(self, into: Shape, word: str, value: Any, pointer: str) -> None:
        """Both hold: the tighter of two bounds, what two lists share; what cannot be united goes to the rest."""
        if word not in into.words:
            into.words[word], into.at[word] = value, pointer
            return
        known = into.words[word]
        if known == value or word.startswith("x-") or word in _FIRST_WINS:
            return
        if word == "required":
            into.words[word] = list(dict.fromkeys([*known, *value]))
        elif word in _LOWER | _UPPER and isinstance(known, int | float) and isinstance(value, int | float):
            tighter = (max if word in _LOWER else min)(known, value)
            into.words[word], into.at[word] = tighter, into.at[word] if tighter == known else pointer
        elif word == "enum":
            into.words[word] = [one for one in known if one in value]
        elif word == "type":
            ours, theirs = ([one] if isinstance(one, str) else list(one) for one in (known, value))
            wide = "number" in theirs
            both = [one for one in ours if one in theirs or (one == "integer" and wide)]
            into.words[word] = both + ["integer"] * ("number" in ours and "integer" in theirs and not wide)
        elif word in ("items", "propertyNames"):
            into.words[word] = self._one([(known, f"{into.at[word]}/{word}"), (value, f"{pointer}/{word}")])[0]
        elif word == "patternProperties":
            into.words[word] = {
                name: known[name]
                if name not in value
                else value[name]
                if name not in known
                else self._one([(known[name], into.at[word]), (value[name], pointer)])[0]
                for name in {**known, **value}
            }
        else:
            into.rest.append(({word: value}, pointer))


def refused(words: Mapping[str, Any], value: Any) -> bool:
    """Whether a plain keyword of texts and numbers refuses a scalar value, as far as that is told."""
    if isinstance(value, str):
        least, most = words.get("minLength", 0), words.get("maxLength", math.inf)
        return not least <= len(value) <= most or ("pattern" in words and matches(words["pattern"], value) is False)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    low, high = words.get("minimum", -math.inf), words.get("maximum", math.inf)
    over, under = words.get("exclusiveMinimum", -math.inf), words.get("exclusiveMaximum", math.inf)
    if not (low <= value <= high and over < value < under):
        return True
    step = words.get("multipleOf")
    return bool(step) and Fraction(str(value)) % Fraction(str(step)) != 0


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


def canonical(value: Any) -> str:
    """A JSON value as text: the same for equal values, in whatever order their members stand; 1.0 is 1."""
    return json.dumps(_plain(value), sort_keys=True, default=str)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
