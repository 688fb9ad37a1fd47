"""Rules over schemas: what no value can satisfy, what says too little, what contradicts its example."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from specs.finding import Severity
from specs.model import Interface
from specs.rules import Hit, rule
from specs.rules.places import contents, parameters, schema_pointer, schemas, some, written
from specs.schema import Schema

_PAIRS = (
    ("minimum", "maximum"), ("minLength", "maxLength"), ("minItems", "maxItems"),
    ("minProperties", "maxProperties"), ("minContains", "maxContains"),
)  # fmt: skip
_MAY_BE_OPEN = ("/additionalProperties", "/not", "/if", "/then", "/else", "/contains", "/propertyNames")
_DESCRIBES = {"title", "description", "examples", "default", "deprecated", "readOnly", "writeOnly", "x-en"}
_SAYS_TYPE = {"type", "$ref", "enum", "const", "allOf", "anyOf", "oneOf", "not", "properties", "items", "if"}


@rule(
    Severity.ERROR,
    bad="components: {schemas: {Marriage: {properties: {ZSBH: {minLength: 30, maxLength: 20}}}}}",
    good="components: {schemas: {Marriage: {properties: {ZSBH: {minLength: 10, maxLength: 20}}}}}",
)
def unsatisfiable_bounds(interface: Interface) -> Iterator[Hit]:
    """A lower bound above the upper one: no value is valid, so no answer can be right and none can be
    mocked."""
    for pointer, schema in schemas(interface):
        for low, high in _PAIRS:
            if low in schema and high in schema and schema[low] > schema[high]:
                yield pointer, f"{low} {schema[low]} is above {high} {schema[high]}", "swap or correct the bounds"
        floor, ceiling = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
        top, bottom = schema.get("maximum", ceiling), schema.get("minimum", floor)
        if (floor is not None and top is not None and floor >= top) or (
            ceiling is not None and bottom is not None and bottom >= ceiling
        ):
            yield pointer, "no number lies between the exclusive bounds", "correct the bounds"


@rule(
    Severity.WARNING,
    bad="components: {schemas: {Marriage: {required: [ZSBH, DJRQI]}}}",
    good="components: {schemas: {Marriage: {required: [ZSBH, DJRQ]}}}",
)
def required_not_in_properties(interface: Interface) -> Iterator[Hit]:
    """A required field that is not described: usually a misspelt name, and nobody knows what to put there."""
    for pointer, schema in schemas(interface):
        combined = {"allOf", "anyOf", "oneOf", "$ref", "patternProperties"} & schema.keys()
        if "required" not in schema or combined or pointer.rpartition("/")[0].endswith(("Of", "/if")):
            continue  # the fields may be described in another part of the combination
        missing = [name for name in schema["required"] if name not in schema.get("properties", {})]
        if missing and ("properties" in schema or schema.get("additionalProperties") is False):
            yield f"{pointer}/required", f"required but not described: {some(missing)}", "describe or correct the name"


@rule(
    Severity.WARNING,
    bad="components: {schemas: {Marriage: {properties: {note: {description: Anything else}}}}}",
    good="components: {schemas: {Marriage: {properties: {note: {description: Anything else, type: string}}}}}",
)
def untyped_schema(interface: Interface) -> Iterator[Hit]:
    """A schema without a type allows anything: a consumer cannot prepare for it, a mock can only guess."""
    for pointer, schema in schemas(interface):
        if _SAYS_TYPE & schema.keys() or pointer.endswith(_MAY_BE_OPEN) or _means_any(pointer):
            continue
        around = pointer.rpartition("/")[0]
        if around.endswith("/allOf") or (around.endswith(("/anyOf", "/oneOf")) and schema.keys() - _DESCRIBES):
            continue  # a part that narrows what stands around it
        source = written(interface, pointer)
        if not (isinstance(source, dict) and _TOLD & source.keys()):
            yield pointer, "the schema has no type: it allows any value", "add type:"


_TOLD = {"$ref", "type", "content"}
"""Where one of these stands and still no type was read, the flaw in it is told already."""


def _means_any(pointer: str) -> bool:
    """Whether a definition is there to say that any value is allowed."""
    return pointer.rpartition("/")[2].lower() in ("any", "anyvalue", "anytype")


@rule(
    Severity.WARNING,
    bad="components: {schemas: {Marriage: {properties: {DJRQ: {type: string, examples: [20240101]}}}}}",
    good="components: {schemas: {Marriage: {properties: {DJRQ: {type: string, examples: ['2024-01-01']}}}}}",
)
def example_does_not_match_schema(interface: Interface) -> Iterator[Hit]:
    """Examples are what people copy. One that its own schema refuses teaches the wrong thing."""
    checker = _checker(interface)
    for pointer, schema in schemas(interface):
        for index, example in enumerate(schema.get("examples", ())):
            if problem := checker.mismatch(schema, example):
                yield f"{pointer}/examples/{index}", f"the example {problem}", "correct the example or the schema"
    for content in contents(interface):
        if content.schema is not None and content.is_json:
            for name, example in content.examples.items():
                if problem := checker.mismatch(content.schema, example):
                    yield content.pointer, f"the example {name!r} {problem}", "correct the example or the schema"
    for parameter in parameters(interface):
        for name, example in parameter.examples.items() if parameter.media_type is None else ():
            if problem := checker.mismatch(parameter.schema, example):
                at = schema_pointer(interface, parameter.pointer)
                yield at, f"the example {name!r} {problem}", "correct the example or the schema"
    if checker.left_out:
        yield "", f"{checker.left_out} examples were not checked: too many schemas refer to each other", "none needed"


@rule(
    Severity.WARNING,
    bad="components: {schemas: {Marriage: {properties: {ZSBH: {maxLength: 4, default: none at all}}}}}",
    good="components: {schemas: {Marriage: {properties: {ZSBH: {maxLength: 4, default: none}}}}}",
)
def default_does_not_match_schema(interface: Interface) -> Iterator[Hit]:
    """A default is what counts when nothing is sent. One that its own schema refuses makes every silent request
    invalid."""
    checker = _checker(interface)
    for pointer, schema in schemas(interface):
        value = schema.get("default")
        if value is not None and (problem := checker.mismatch(schema, value)):
            yield f"{pointer}/default", f"the default {problem}", "correct the default or the schema"


@lru_cache(maxsize=8)
def _checker(interface: Interface) -> _Examples:
    return _Examples(interface)


class _Examples:
    """Checks examples, each schema compiled once; gives up where compiling would take minutes."""

    BUDGET = 60_000  # definitions compiled, all schemas together: a few seconds

    def __init__(self, interface: Interface) -> None:
        self.interface = interface
        self.left_out = 0
        self._spent = 0
        self._compiled: dict[int, Any] = {}
        # `required` does not bind read-only fields in requests or write-only ones in answers.
        self._one_way = any(s.get("readOnly") or s.get("writeOnly") for _, s in schemas(interface))

    def mismatch(self, schema: Schema, example: Any) -> str:
        """How `schema` refuses `example`; "" if it does not."""
        if not schema.keys() - {"title", "description", "examples", "default"}:
            return ""
        if "$ref" not in schema and isinstance(example, str) and _any_string(schema):
            return ""
        validator = self._validator(schema)
        if validator is None:
            return ""
        errors = validator.iter_errors(example)
        error = next((e for e in errors if not (self._one_way and "is a required property" in e.message)), None)
        if error is None:
            return ""
        place = "".join(f"/{step}" for step in error.instance_path)
        told = error.message if len(error.message) <= 160 else error.message[:157] + "…"
        return f"is refused{' at ' + place if place else ''}: {told}"

    def _validator(self, schema: Schema) -> Any:
        import jsonschema_rs

        # Equal references are one schema; others are told apart by identity (they live as long as the interface).
        key = hash(schema["$ref"]) if schema.keys() == {"$ref"} else id(schema)
        if key not in self._compiled:
            if self._spent > self.BUDGET:
                self.left_out += 1
                return None
            alone = self.interface.standalone(schema)
            self._spent += 1 + len(alone.get("$defs", ()))
            try:
                self._compiled[key] = jsonschema_rs.Draft202012Validator(alone, validate_formats=False)
            except (ValueError, jsonschema_rs.ValidationError):
                self._compiled[key] = None  # the schema itself is at fault, which other rules tell
        return self._compiled[key]


def _any_string(schema: Schema) -> bool:
    limits = {"enum", "const", "pattern", "minLength", "maxLength", "allOf", "anyOf", "oneOf", "not", "if"}
    return schema.get("type") == "string" and not limits & schema.keys()
