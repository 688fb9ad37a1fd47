"""Rules over the keywords of schemas: what has no effect, what contradicts itself, what has no bound."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from specs.finding import Severity
from specs.model import Interface
from specs.rules import Hit, rule
from specs.rules.places import (
    is_ignored,
    operations,
    parameters,
    requests,
    schema_pointer,
    schemas,
    some,
    title_of,
    types_of,
)
from specs.schema import Schema

_FIELD = "components: {schemas: {Marriage: {properties: {ZSBH: {%s}}}}}"
_MARRIAGE = "components: {schemas: {Marriage: {%s}}}"
_BOTH = frozenset({"integer", "number"})
_KEYWORDS: dict[str, frozenset[str]] = {
    **dict.fromkeys(("minLength", "maxLength", "pattern"), frozenset({"string"})),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"), _BOTH),
    **dict.fromkeys(("items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains"), frozenset({"array"})),
    **dict.fromkeys(("properties", "required", "additionalProperties", "patternProperties"), frozenset({"object"})),
    **dict.fromkeys(("propertyNames", "minProperties", "maxProperties"), frozenset({"object"})),
}
_TEXT_FORMATS = {"date", "date-time", "time", "duration", "email", "idn-email", "hostname", "ipv4", "ipv6", "uri",
                 "uri-reference", "iri", "uuid", "byte", "binary", "password", "regex", "json-pointer"}  # fmt: skip
_NUMBER_FORMATS = {"int8", "int16", "int32", "uint8", "uint16", "uint32", "float", "double"}


@rule(Severity.WARNING, bad=_FIELD % "maximum: 20", good=_FIELD % "maxLength: 20")
def keyword_of_other_type(interface: Interface) -> Iterator[Hit]:
    """Keywords bind values of one type only: maximum says nothing of a string, maxLength nothing of a number. What
    was meant to be checked is not."""
    for pointer, schema in schemas(interface):
        if types := types_of(schema):
            idle = [word for word in schema if word in _KEYWORDS and not _KEYWORDS[word] & types]
            idle = [word for word in idle if word != "uniqueItems" or schema[word]]
            if idle:
                said = f"{some(idle)} without effect on type {' or '.join(sorted(types))}"
                yield pointer, said, "correct the type or the keyword"


@rule(Severity.WARNING, bad=_FIELD % "type: integer, format: date", good=_FIELD % "format: date")
def format_of_other_type(interface: Interface) -> Iterator[Hit]:
    """A format belongs to a type: no integer is a date of the form CCYY-MM-DD, no string a double."""
    for pointer, schema in schemas(interface):
        types, form = types_of(schema), schema.get("format")
        if not types or not isinstance(form, str):
            continue
        if (form in _TEXT_FORMATS and "string" not in types) or (form in _NUMBER_FORMATS and not types & _BOTH):
            said = f"format {form} does not fit type {' or '.join(sorted(types))}"
            yield pointer, said, "correct the type or the format"


_SPEAK_OF_ITEMS = {"items", "prefixItems", "contains", "$ref", "allOf", "anyOf", "oneOf", "const", "enum"}


@rule(
    Severity.WARNING,
    bad=_FIELD % "type: array",
    good=_FIELD % "type: array, items: {type: string}",
)
def array_without_items(interface: Interface) -> Iterator[Hit]:
    """A list of anything: nobody can read what it holds, and no mock can fill it."""
    for pointer, schema in schemas(interface):
        inside = pointer.endswith(("/not", "/if", "/then", "/else")) or pointer.rpartition("/")[0].endswith("/allOf")
        if types_of(schema) == {"array"} and not _SPEAK_OF_ITEMS & schema.keys() and not inside:
            yield pointer, "the array does not say what it holds", "add items:"


@rule(Severity.WARNING, bad=_FIELD % "enum: [A, B, A]", good=_FIELD % "enum: [A, B]")
def repeated_enum_value(interface: Interface) -> Iterator[Hit]:
    """A value listed twice is a slip of the pen: one of the two was meant to be another. Generators of code stop at
    it."""
    for pointer, schema in schemas(interface):
        seen: set[str] = set()
        again: list[str] = []
        for value in schema["enum"] if isinstance(schema.get("enum"), list) else ():
            key = json.dumps(value, sort_keys=True, default=str)
            again += [str(value)] if key in seen else []
            seen.add(key)
        if again:
            yield f"{pointer}/enum", f"listed twice: {some(again)}", "correct or remove one"


@rule(
    Severity.WARNING,
    bad=_FIELD % "type: [string, 'null'], enum: [A, B]",
    good=_FIELD % "type: [string, 'null'], enum: [A, B, null]",
)
def null_not_in_enum(interface: Interface) -> Iterator[Hit]:
    """An enum lists every value there is. A type that allows null beside an enum that does not allows no null."""
    for pointer, schema in schemas(interface):
        types, values = schema.get("type"), schema.get("enum")
        if isinstance(types, list) and "null" in types and isinstance(values, list) and None not in values:
            yield f"{pointer}/enum", "the type allows null, the enum does not", "add null to the enum, or drop it"


@rule(
    Severity.WARNING,
    bad=_FIELD % "readOnly: true, writeOnly: true",
    good=_FIELD % "readOnly: true",
)
def read_only_and_write_only(interface: Interface) -> Iterator[Hit]:
    """A field that is never sent and never answered does not exist (OpenAPI forbids both at once)."""
    for pointer, schema in schemas(interface):
        if schema.get("readOnly") is True and schema.get("writeOnly") is True:
            yield pointer, "readOnly and writeOnly at once", "keep one"


_LANG = """
paths:
  /marriages/{ZSBH}:
    parameters:
      - {name: lang, in: query, required: %s, description: Language, schema: {type: string, default: zh}}
"""


@rule(Severity.INFO, bad=_LANG % "true", good=_LANG % "false")
def default_of_required_parameter(interface: Interface) -> Iterator[Hit]:
    """A default is what holds when nothing is sent. A parameter that must be sent has none."""
    for parameter in parameters(interface):
        if is_ignored(parameter):
            continue
        if parameter.required and interface.resolve(parameter.schema).get("default") is not None:
            at = schema_pointer(interface, parameter.pointer)
            yield at, f"{parameter.name!r} is required, its default never counts", "make it optional, or drop default"


_BODY = """
paths:
  /marriages:
    post:
      operationId: addMarriage
      summary: Add a marriage
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              additionalProperties: %s
              properties: {note: {type: string, description: A note%s}}
      responses: {'201': {description: Added}, default: {$ref: '#/components/responses/Problem'}}
"""
_BOUNDED = {"maxLength", "pattern", "enum", "const", "format", "$ref", "allOf", "anyOf", "oneOf"}


@rule(Severity.INFO, bad=_BODY % ("false", ""), good=_BODY % ("false", ", maxLength: 200"))
def unbounded_request(interface: Interface) -> Iterator[Hit]:
    """What a caller may send without limit fills memory, disk and columns of the receiver. Strings and lists of
    requests have an upper bound."""
    for pointer, schema in requests(interface):
        members = schema.get("properties")
        if not isinstance(members, dict):
            continue
        if free := [name for name, one in members.items() if _unbounded(one)]:
            said = f"{len(free)} of {len(members)} fields of the request have no upper bound: {some(free)}"
            yield f"{pointer}/properties", said, "add maxLength, pattern, enum or maxItems"


def _unbounded(schema: Schema) -> bool:
    types = types_of(schema)
    if schema.get("readOnly") is True:
        return False
    free_text = types == {"string"} and not _BOUNDED & schema.keys() and "x-date-format" not in schema
    return free_text or (types == {"array"} and "maxItems" not in schema and not _closed(schema.get("items")))


def _closed(items: Any) -> bool:
    """Whether a list of such items, each once, is bounded by itself."""
    return isinstance(items, dict) and ("enum" in items or "const" in items)


@rule(Severity.INFO, optional=True, bad=_BODY % ("true", ", maxLength: 9"), good=_BODY % ("false", ", maxLength: 9"))
def open_request(interface: Interface) -> Iterator[Hit]:
    """A misspelt field of an open request is dropped without a word, and the caller believes it was taken. Closed
    requests refuse it. (Answers stay open, so that they can grow.)"""
    for pointer, schema in requests(interface):
        plain = schema.get("properties") and not {"allOf", "anyOf", "oneOf", "$ref"} & schema.keys()
        closed = schema.get("additionalProperties", True) is not True or schema.get("unevaluatedProperties") is False
        if plain and not closed and not pointer.rpartition("/")[0].endswith(("Of", "/if")):
            yield pointer, "the request accepts fields it does not know", "add additionalProperties: false"


@rule(
    Severity.WARNING,
    bad=_FIELD % "oneOf: [{maxLength: 9}, {maxLength: 9}]",
    good=_FIELD % "oneOf: [{maxLength: 9}, {minLength: 10}]",
)
def repeated_alternative(interface: Interface) -> Iterator[Hit]:
    """Of oneOf exactly one alternative may hold. Written twice, none of the values it means is valid; in anyOf it says
    nothing."""
    for pointer, schema in schemas(interface):
        for word in ("oneOf", "anyOf"):
            parts = schema.get(word)
            if not isinstance(parts, list) or len(parts) < 2:
                continue
            keys = [json.dumps(part, sort_keys=True, default=str) for part in parts]
            if len(set(keys)) < len(keys):
                again = next(index for index, key in enumerate(keys) if key in keys[:index])
                yield f"{pointer}/{word}/{again}", f"the same alternative of {word} twice", "remove or correct one"


_KINDS = """
components:
  schemas:
    Marriage:
      discriminator: {propertyName: %s}
      oneOf: [{$ref: '#/components/schemas/Kept'}]
    Kept: {type: object, required: [kind], properties: {kind: {type: string, description: Which}}}
"""


@rule(Severity.WARNING, bad=_KINDS % "type", good=_KINDS % "kind")
def discriminator_without_property(interface: Interface) -> Iterator[Hit]:
    """A discriminator names the field that tells the alternatives apart. One that an alternative does not have tells
    nothing."""
    for pointer, schema in schemas(interface):
        named = schema.get("discriminator")
        name = named.get("propertyName") if isinstance(named, dict) else None
        if not isinstance(name, str):
            continue
        own = {field.name for field in interface.fields({k: v for k, v in schema.items() if k not in _ALTERNATIVES})}
        for word in _ALTERNATIVES:
            for index, part in enumerate(schema.get(word, ())):
                fields = {field.name for field in interface.fields(part)}
                if fields and name not in fields | own:
                    yield f"{pointer}/{word}/{index}", f"this alternative has no field {name!r}", "add it, required"


_ALTERNATIVES = ("oneOf", "anyOf")


_NEEDED = _BODY.replace("properties:", "required: [note]\n              properties:") % ("false", ", maxLength: 9")


@rule(Severity.INFO, bad=_NEEDED.replace("        required: true\n", ""), good=_NEEDED)
def optional_request_body(interface: Interface) -> Iterator[Hit]:
    """A body may be left out unless it is said to be required. Where fields of it are required, leaving it all out is
    hardly meant."""
    for operation in operations(interface):
        body = operation.body
        if body is None or body.required or operation.method not in ("POST", "PUT", "PATCH"):
            continue
        needed = [f.name for c in body.contents[:1] for f in interface.fields(c.schema) if f.required]
        if needed:
            said = f"the body of {title_of(operation)} may be missing, yet {some(needed)} must be there"
            yield body.pointer, said, "add required: true"
