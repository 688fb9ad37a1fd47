"""Does a body keep the interface? Findings name the rule and the place in the schema, never a value."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jsonschema_rs
import orjson

from exchange import digits
from specs.model import Content, Interface, Operation, Response
from specs.schema import Schema, escape

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Breach:
    """How a body breaks its interface: ``rule`` and a JSON pointer into the schema, which holds nobody's
    data.
    """

    rule: str
    pointer: str = ""

    def __str__(self) -> str:
        return f"{self.rule} at {self.pointer}" if self.pointer else self.rule


@dataclass(frozen=True, slots=True)
class Parsed:
    """A body that keeps the interface. ``schema`` None: the document does not say what is inside."""

    value: Any
    schema: Schema | None


class Checker:
    """Validators of one interface version, compiled on first use."""

    def __init__(self, interface: Interface) -> None:
        self.interface = interface
        self._validators: dict[tuple[str, tuple[str, ...] | None], jsonschema_rs.Draft202012Validator] = {}
        self._responses: dict[tuple[str, int], Response | None] = {}

    def request(self, operation: Operation, media_type: str, body: bytes) -> Parsed | Breach:
        """A request body against the operation; a body where none is declared breaks it too."""
        declared = operation.body
        if not body:
            required = declared is not None and declared.required
            return Breach("body-missing", declared.pointer) if declared and required else Parsed(None, None)
        if declared is None:
            return Breach("body-undeclared", operation.pointer)
        content = _content(declared.contents, media_type)
        if content is None:
            return Breach("media-type-undeclared", declared.pointer)
        return self._check(content, media_type, body, None, as_sent=True)

    def answer(
        self,
        operation: Operation,
        status: int,
        media_type: str,
        body: bytes,
        fields: Iterable[str] = (),
        *,
        apart: bool = False,
    ) -> Parsed | Breach:
        """An answer against the operation. ``fields``: the query asked for these only, so others may be
        absent. ``apart``: there is a body, too large to look into, and it is no JSON.
        """
        key = (operation.pointer, status)
        response = self._responses.get(key) or self._responses.setdefault(key, operation.response(status))
        if response is None:
            return Breach("status-undeclared", operation.pointer)
        if not body and not apart:
            return self._empty(response, status)
        content = _content(response.contents, media_type)
        if content is None:
            return Breach("media-type-undeclared", response.pointer)
        asked = tuple(sorted(set(fields)))
        return self._check(content, media_type, body, asked if asked and response.is_success else None)

    def _empty(self, response: Response, status: int) -> Parsed | Breach:
        if response.contents and status not in (204, 205, 304):
            return Breach("body-missing", response.pointer)
        return Parsed(None, None)

    def _check(
        self, content: Content, media_type: str, body: bytes, asked: tuple[str, ...] | None, *, as_sent: bool = False
    ) -> Parsed | Breach:
        if not is_json(media_type):
            return Parsed(body, None)
        try:
            value = _plain(body, as_sent)
        except (ValueError, RecursionError):
            return Breach("not-json", content.pointer)
        if content.schema is None:
            return Parsed(value, None)
        validator = self._validator(content, asked)
        if validator.is_valid(value):
            return Parsed(value, content.schema)
        error = next(iter(validator.iter_errors(value)))
        place = "".join(f"/{escape(str(part))}" for part in error.schema_path)
        return Breach(f"schema-{error.schema_path[-1] if error.schema_path else 'false'}", f"{content.pointer}{place}")

    def _validator(self, content: Content, asked: tuple[str, ...] | None) -> jsonschema_rs.Draft202012Validator:
        key = (content.pointer, asked)
        found = self._validators.get(key)
        if found is None:
            if len(self._validators) > 500:  # a consumer that varies ``fields`` must not fill the memory
                self._validators.clear()
            schema = content.schema or {}
            if asked is not None:
                schema = partial(self.interface, schema, frozenset(asked))
            found = jsonschema_rs.Draft202012Validator(self.interface.standalone(schema), validate_formats=True)
            self._validators[key] = found
        return found


def _plain(body: bytes, as_sent: bool) -> Any:
    """JSON that everybody reads alike. Raises ValueError, also for integers beyond 64 bits, which would lose digits,
    and in a body that goes on ``as_sent`` for a member given twice, of which its reader might take the other one.
    """
    value = orjson.loads(body)
    again = as_sent and not _same(body, value)
    if again or digits.row(body, 19):
        json.loads(body, parse_int=_integer, object_pairs_hook=_once if again else None)
    return value


def _same(body: bytes, value: Any) -> bool:
    try:
        return orjson.dumps(value) == body
    except TypeError:  # nested too deep to be written again
        return False


def _integer(digits: str) -> int:
    if len(digits) > 20 or not -(2**63) <= int(digits) < 2**64:
        raise ValueError("an integer beyond 64 bits")
    return int(digits)


def _once(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("a member is given twice")


def partial(interface: Interface, schema: Schema, asked: frozenset[str]) -> Schema:
    """``schema`` for an answer cut by ``fields=``: at the top level (records of a list too) only asked ones
    are required.
    """
    return _loosen(interface, schema, asked, 0)


def _loosen(interface: Interface, schema: Schema, asked: frozenset[str], depth: int) -> Schema:
    if depth > 8:
        return schema
    made = dict(interface.resolve(schema))
    if "required" in made:
        made["required"] = [name for name in made["required"] if name in asked]
    made.pop("dependentRequired", None)
    for word in ("allOf", "anyOf", "oneOf"):
        if word in made:
            made[word] = [_loosen(interface, part, asked, depth + 1) for part in made[word] if isinstance(part, dict)]
    if isinstance(made.get("items"), dict):
        made["items"] = _loosen(interface, made["items"], asked, depth + 1)
    return made


@lru_cache(maxsize=1024)
def is_json(media_type: str) -> bool:
    """Whether a concrete media type carries JSON."""
    kind = media_type.split(";")[0].strip().lower()
    return kind in (JSON, "text/json") or kind.endswith("+json")


def header(headers: Mapping[str, str], name: str) -> str:
    """A header's value whatever its case; "" when absent."""
    return next((value for key, value in headers.items() if key.lower() == name.lower()), "")


def _content(contents: tuple[Content, ...], media_type: str) -> Content | None:
    kind = media_type.split(";")[0].strip().lower()
    for content in contents:  # nearly always
        if content.media_type == kind:
            return content
    family = f"{kind.split('/')[0]}/*"
    by_type = {content.media_type.split(";")[0].strip().lower(): content for content in contents}
    return by_type.get(kind) or by_type.get(family) or by_type.get("*/*")
