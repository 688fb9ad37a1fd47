"""Requests read against their operation: values out of the message, and everything wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import unquote

from mockdata.instances.references import escape
from mockdata.sandbox.bodies import Unreadable, decode, is_json
from mockdata.sandbox.contract import Contract, Reader
from mockdata.sandbox.messages import Request
from mockdata.sandbox.parameters import from_content, from_path, from_query, from_text, listed
from specs.model import Content

IGNORED = frozenset(
    ("accept", "content-type", "authorization")
)  # OpenAPI 3.1, Parameter Object: these are not parameters
LARGEST = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Violation:
    """One way a request breaks its contract. `pointer` starts with /path, /query, /header, /cookie or
    /body.
    """

    pointer: str
    message: str

    def to_json(self) -> dict[str, str]:
        """The violation as plain JSON."""
        return {"pointer": self.pointer, "detail": self.message}


@dataclass(slots=True)
class Parsed:
    """The values of a request. `status` is the natural answer to its violations, 0 when there are none."""

    path: dict[str, Any] = field(default_factory=dict)
    query: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    cookie: dict[str, Any] = field(default_factory=dict)
    body: Any = None
    has_body: bool = False
    violations: list[Violation] = field(default_factory=list)
    status: int = 0

    def violate(self, pointer: str, message: str, status: int = 422) -> None:
        """Note a violation; the first one decides the status."""
        self.violations.append(Violation(pointer, message))
        self.status = self.status or status


def read(contract: Contract, request: Request, raw: Mapping[str, str]) -> Parsed:
    """Read and check a request. `raw` are the path parameters as they came."""
    parsed = Parsed(header=dict(request.fields), query=dict(request.pairs))
    parsed.path = {name: unquote(value) for name, value in raw.items()}
    cookies = _cookies(request)
    for reader in contract.readers:
        _parameter(reader, request, raw, cookies, parsed)
    _body(contract, request, parsed)
    return parsed


def _cookies(request: Request) -> dict[str, str]:
    text = request.fields.get("cookie")
    if not text:
        return {}
    jar = SimpleCookie()
    try:
        jar.load(text)
    except CookieError:
        return {}
    return {name: morsel.value for name, morsel in jar.items()}


def _parameter(
    reader: Reader, request: Request, raw: Mapping[str, str], cookies: Mapping[str, str], parsed: Parsed
) -> None:
    parameter = reader.parameter
    if parameter.location == "header" and parameter.name.lower() in IGNORED:
        return
    present, value = _value(reader, request, raw, cookies)
    pointer = f"/{parameter.location}/{escape(parameter.name)}"
    if not present:
        if parameter.required and parameter.location != "path":
            parsed.violate(pointer, f"required {parameter.location} parameter {parameter.name!r} is missing")
        return
    held: dict[str, Any] = getattr(parsed, parameter.location)
    held[parameter.name] = value
    if parameter.location == "header":
        held[parameter.name.lower()] = value
    wrong = reader.check.errors(value)
    if wrong and isinstance(value, list) and len(value) == 1 and not parameter.explode and "," in str(value[0]):
        again = listed(str(value[0]).split(","), reader.shape)  # clients encode delimiters, too
        if reader.check.accepts(again):
            held[parameter.name], wrong = again, []
    for inner, message in wrong:
        parsed.violate(pointer + inner, message)


def _value(reader: Reader, request: Request, raw: Mapping[str, str], cookies: Mapping[str, str]) -> tuple[bool, Any]:
    parameter, shape = reader.parameter, reader.shape
    if parameter.location == "query" and parameter.media_type is None:
        return from_query(parameter, request.raw_pairs, shape)
    texts: Mapping[str, str] = {
        "path": raw,
        "query": dict(request.pairs),
        "header": request.fields,
        "cookie": cookies,
    }.get(parameter.location, {})
    name = parameter.name.lower() if parameter.location == "header" else parameter.name
    if name not in texts:
        return False, None
    if parameter.media_type is not None:
        return True, from_content(unquote(texts[name]) if parameter.location == "path" else texts[name])
    if parameter.location == "path":
        return True, from_path(parameter, texts[name], shape)
    return True, from_text(parameter, texts[name], shape)


def _body(contract: Contract, request: Request, parsed: Parsed) -> None:
    body = contract.operation.body
    if body is None:
        parsed.body = _unasked(request)
        return
    if not request.body:
        if body.required and body.contents and not _bodiless(contract, request):
            parsed.violate("/body", "a body is required")
        return
    content = find_content(body.contents, request.media_type)
    if content is None:
        offered = ", ".join(one.media_type for one in body.contents)
        parsed.violate("/body", f"media type {request.media_type!r} is not accepted, only: {offered}", 415)
        return
    content_type = request.fields.get("content-type") or content.media_type
    try:
        parsed.body = decode(request.body, content_type, content.schema, contract.resolve)
    except Unreadable as error:
        parsed.violate("/body", str(error), 400)
        return
    parsed.has_body = True
    if content.schema is None or (isinstance(parsed.body, str) and not is_json(content_type)):
        return
    for inner, message in contract.body(content).errors(parsed.body):
        parsed.violate("/body" + inner, message)


def _bodiless(contract: Contract, request: Request) -> bool:
    """Documents ask for bodies on GET and HEAD that no client may send (RFC 9110, 9.3.1)."""
    return request.method in ("GET", "HEAD")


def _unasked(request: Request) -> Any:
    """A body nobody asked for, where it can be read, so that rules and the record see it."""
    if not request.body or not is_json(request.media_type or "application/json"):
        return None
    try:
        return decode(request.body, "application/json", None, lambda schema: schema)
    except Unreadable:
        return None


def find_content(contents: tuple[Content, ...], media_type: str) -> Content | None:
    """The content for a media type: exact, then by range ("image/*"); the first one when none is stated."""
    if not contents:
        return Content("*/*")
    if not media_type:
        return contents[0]
    kinds = [(one.media_type.partition(";")[0].strip().lower(), one) for one in contents]
    exact = next((one for kind, one in kinds if kind == media_type), None)
    return exact or next((one for kind, one in kinds if "*" in kind and fnmatchcase(media_type, kind)), None)
