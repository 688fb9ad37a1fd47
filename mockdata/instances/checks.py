"""Compiled checks of schemas and of their parts, by jsonschema-rs.

The check of the whole schema is what an instance must pass before it leaves; the checks of parts steer the
drawing.
"""

from __future__ import annotations

import base64
import binascii
import copy
from functools import lru_cache
from typing import Any

import jsonschema_rs

from mockdata.instances.references import LISTS, NAMED, SINGLE, References, subschemas

_VALIDATORS: dict[str, type[jsonschema_rs.Validator]] = {
    "2020-12": jsonschema_rs.Draft202012Validator,
    "2019-09": jsonschema_rs.Draft201909Validator,
    "draft-7": jsonschema_rs.Draft7Validator,
    "draft-6": jsonschema_rs.Draft6Validator,
    "draft-4": jsonschema_rs.Draft4Validator,
}

_NUMBERS = {
    "2020-12": jsonschema_rs.Draft202012,
    "2019-09": jsonschema_rs.Draft201909,
    "draft-7": jsonschema_rs.Draft7,
    "draft-6": jsonschema_rs.Draft6,
    "draft-4": jsonschema_rs.Draft4,
}


def _is_base64(value: str) -> bool:
    try:
        base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


_NAMES = frozenset(("$id", "$schema", "$anchor", "$dynamicAnchor", "$recursiveAnchor", "$defs", "definitions"))
"""Keywords of a schema of the document that a copy of it must not repeat."""

FORMATS = {"byte": _is_base64, "base64": _is_base64}
"""Formats of OpenAPI's registry that jsonschema-rs does not know."""


class InvalidSchema(ValueError):
    """A schema no validator accepts. `path` leads to the faulty place inside the schema."""

    def __init__(self, path: tuple[str | int, ...], reason: str) -> None:
        super().__init__(reason)
        self.path = path
        self.reason = reason


def compile_schema(
    schema: Any, draft: str = "2020-12", formats: bool = True, **options: Any
) -> jsonschema_rs.Validator:
    """A validator of `schema`; `formats`: whether `format` is asserted. Raises InvalidSchema."""
    try:
        return _VALIDATORS[draft](schema, validate_formats=formats, formats=FORMATS, **options)
    except jsonschema_rs.ValidationError as error:
        raise InvalidSchema(tuple(error.instance_path), error.message.splitlines()[0]) from None
    except (jsonschema_rs.ReferencingError, ValueError) as error:
        raise InvalidSchema((), str(error).splitlines()[0]) from None


def repaired(schema: dict[str, Any], draft: str = "2020-12", limit: int = 200) -> dict[str, Any]:
    """`schema` without the keywords no validator accepts (an unreadable pattern, `required: true`, …).

    Published documents hold such keywords; without them the rest still says what it says. The argument is not
    changed. Raises InvalidSchema when it cannot be saved, for example with a reference that leads nowhere.
    """
    changed = False
    for _ in range(limit):
        try:
            compile_schema(schema, draft)
            return schema
        except InvalidSchema as error:
            if not error.path:
                raise
            schema = schema if changed else copy.deepcopy(schema)
            changed = True
            _drop(schema, error.path)
    raise InvalidSchema((), f"more than {limit} faulty keywords")


def _drop(schema: Any, path: tuple[str | int, ...]) -> None:
    node, word = schema, path[-1]
    for token in path[:-1]:
        inner = node[token]
        if isinstance(inner, list) and isinstance(path[path.index(token) + 1], int) and token in ("required", "enum"):
            word = token  # one bad entry makes the list meaningless
            break
        node = inner
    if isinstance(node, dict):
        node.pop(word, None)
    elif isinstance(node, list) and isinstance(word, int):
        node[word] = {}


class Checks:
    """The checks of one document. `formats`: whether `format` is asserted."""

    def __init__(self, references: References, formats: bool = True) -> None:
        self.references = references
        self.formats = formats
        self.whole = compile_schema(references.document, references.draft, formats)
        self._parts: dict[int, tuple[Any, jsonschema_rs.Validator]] = {}
        self._registry: jsonschema_rs.Registry | None = None

    def holds(self, schema: Any, value: Any) -> bool:
        """Whether a schema of the document, or one made up around schemas of it, accepts the value."""
        if isinstance(schema, bool):
            return schema
        known = self._parts.get(id(schema))
        if known is None:
            known = self._parts[id(schema)] = (schema, self._compile(schema))
        return known[1].is_valid(value)

    def _compile(self, schema: Any) -> jsonschema_rs.Validator:
        portable = self._portable(schema)
        options: dict[str, Any] = {}
        if portable is not schema or "$ref" in portable:
            if self._registry is None:
                document = self.references.document
                resources = [(self.references.uri, document if isinstance(document, dict) else {"allOf": [document]})]
                self._registry = jsonschema_rs.Registry(resources, draft=_NUMBERS[self.references.draft])
            options["registry"] = self._registry
        return compile_schema(portable, self.references.draft, self.formats, **options)

    def _portable(self, schema: Any) -> Any:
        """The schema with every part that lies in the document replaced by an absolute reference to it."""
        if not isinstance(schema, dict):
            return schema
        place = self.references.place(schema)
        if place is not None:
            return {"$ref": place}
        inner = {pointer: part for pointer, part in subschemas(schema) if isinstance(part, dict)}
        return self._rebuilt(schema) if inner else schema

    def _rebuilt(self, schema: dict[str, Any]) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for word, value in schema.items():
            if word in _NAMES:
                continue
            if word in NAMED and isinstance(value, dict):
                out[word] = {name: self._portable(part) for name, part in value.items()}
            elif word in LISTS and isinstance(value, list):
                out[word] = [self._portable(part) for part in value]
            else:
                out[word] = self._portable(value) if word in SINGLE else value
        return out


@lru_cache(maxsize=4096)
def _keyword(word: str, text: str) -> jsonschema_rs.Validator:
    return compile_schema({word: text})


def matches(pattern: str, text: str) -> bool:
    """Whether an ECMA-262 pattern is found in the text, as the final check will see it."""
    try:
        return _keyword("pattern", pattern).is_valid(text)
    except InvalidSchema:
        return False


def has_format(name: str, text: str) -> bool:
    """Whether the text has the format; formats nobody knows accept everything."""
    return _keyword("format", name).is_valid(text)
