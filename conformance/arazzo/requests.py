"""A step's call as an HTTP request: where it goes, with which parameters and body.

Parameters travel in the style the operation declares (OpenAPI 3.1); one it does not declare in the default style of its
place. A parameter whose value is null is not sent.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, quote_plus

from conformance.arazzo.documents import Api
from conformance.arazzo.frame import Exchange, Frame, Seen
from conformance.arazzo.payloads import PayloadError, body, form_escape, resolve
from conformance.arazzo.values import kind, text
from mockdata.sandbox.asking import queried
from specs.model import Operation, Parameter
from specs.process import Argument, Payload

FORBIDDEN = frozenset(
    [
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "keep-alive",
        "upgrade",
        "te",
        "trailer",
        "expect",
        "proxy-authorization",
        "proxy-connection",
        "http2-settings",
    ]
)
"""Headers that belong to the connection, not to a document."""

LARGEST = 5_000_000
"""Bytes of a request body."""

_STYLES = {"query": "form", "cookie": "form"}
_BREAKS = re.compile(r"[\r\n\0]")


@dataclass(frozen=True, slots=True)
class Request:
    """A request ready to be sent; `exchange` is how expressions see it. `seen`: what its values came from."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    content: bytes | None
    exchange: Exchange
    trusted: bool


def merged(own: Iterable[Argument], inherited: Iterable[Argument], by_name: bool = False) -> tuple[Argument, ...]:
    """A step's parameters with those of its workflow that it does not override."""
    own = list(own)

    def key(one: Argument) -> tuple[str, str | None]:
        name = one.name.lower() if one.location == "header" else one.name
        return (name, None if by_name else one.location)

    known = {key(one) for one in own}
    return (*(one for one in inherited if key(one) not in known), *own)


def server_of(api: Api, operation: Operation) -> str:
    """The base URL of an operation without a trailing slash; "" when nothing is known."""
    known = [server.url for server in (*operation.servers, *api.interface.servers)]
    return (api.server or next(iter(known), "")).rstrip("/")


def media_type_of(payload: Payload, operation: Operation) -> str:
    """The media type a payload is sent as: its own, else the operation's (JSON where there is a choice)."""
    if payload.content_type:
        return payload.content_type
    contents = operation.body.contents if operation.body else ()
    found = next((one for one in contents if one.is_json), None) or next(iter(contents), None)
    return "application/json" if found is None or "*" in found.media_type else found.media_type


def prepare(
    api: Api,
    operation: Operation,
    arguments: Iterable[Argument],
    payload: Payload | None,
    frame: Frame,
    seen: list[Seen],
    extra: Mapping[str, str],
) -> Request:
    """The request of a step; `extra` are headers for every request. Raises `PayloadError`."""
    declared = {(one.name, one.location): one for one in operation.parameters}
    path = operation.path.partition("#")[0]
    query: list[str] = []
    cookies: list[str] = []
    headers: dict[str, str] = {"accept": _accept(operation)}
    values: dict[str, dict[str, Any]] = {"path": {}, "query": {}, "querystring": {}, "header": {}, "cookie": {}}
    for argument in arguments:
        where = argument.location or "query"
        escape = form_escape if where == "querystring" else str
        value = resolve(argument.value, frame, seen, escape=escape)
        spec = declared.get((argument.name, where)) or Parameter(
            argument.name, where, style=_STYLES.get(where, "simple"), explode=where == "query"
        )
        if value is None:
            if where == "path":
                raise PayloadError(f"the path parameter {argument.name!r} has no value")
            continue
        values[where][argument.name.lower() if where == "header" else argument.name] = value
        if where == "path":
            path = path.replace(f"{{{argument.name}}}", _in_path(spec, value))
        elif where == "query":
            query += queried(spec, value)
        elif where == "querystring":
            query.append(_whole_query(argument.name, value))
        elif where == "header":
            headers[argument.name.lower()] = _line(argument.name, _simple(spec, value))
        else:
            cookies.append(f"{argument.name}={quote(_simple(spec, value), safe='!#$&()*+-./:<=>?@[]^_`{|}~')}")
    if cookies:
        headers["cookie"] = _line("cookie", "; ".join(cookies))
    headers |= {name.lower(): value for name, value in extra.items()}
    content, sent = None, None
    if payload is not None and (payload.value is not None or payload.replacements):
        media_type = media_type_of(payload, operation)
        started = payload if payload.value is not None else Payload({}, payload.content_type, payload.replacements)
        sent = body(started, media_type, frame, seen)
        media_type, content = _encoded(sent, media_type)
        headers["content-type"] = media_type
        if len(content) > LARGEST:
            raise PayloadError(f"the request body has {len(content):,} bytes; {LARGEST:,} are sent")
    url = server_of(api, operation) + path + (f"?{'&'.join(query)}" if query else "")
    seen_headers = {**headers, **values["header"]}
    seen_query = {**values["query"], **values["querystring"]}
    exchange = Exchange(url, operation.method.upper(), values["path"], seen_query, seen_headers, sent)
    return Request(exchange.method, url, tuple(headers.items()), content, exchange, api.server is not None)


def _accept(operation: Operation) -> str:
    kinds = dict.fromkeys(
        content.media_type
        for response in operation.responses
        if response.is_success or response.status == "default"
        for content in response.contents
    )
    return ", ".join([*kinds, "*/*;q=0.1"] if kinds else ["*/*"])


def _in_path(spec: Parameter, value: Any) -> str:
    prefix = {"label": ".", "matrix": f";{spec.name}="}.get(spec.style, "")
    made = prefix + quote(_simple(spec, value), safe=",=" if isinstance(value, dict | list) else "")
    if made in ("", ".", ".."):
        raise PayloadError(f"the path parameter {spec.name!r} is {made!r}: it would change the path")
    return made


def _simple(spec: Parameter, value: Any) -> str:
    """A value in style simple: items with commas, members as name,value or name=value."""
    if spec.media_type is not None:
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return ",".join(text(one) for one in value)
    if isinstance(value, dict):
        joint = "=" if spec.explode else ","
        return ",".join(f"{name}{joint}{text(one)}" for name, one in value.items())
    return text(value)


def _whole_query(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise PayloadError(f"the querystring {name!r} is {kind(value)}; a string is needed")
    return quote(value, safe="!$&'()*+,;=:@/?%-._~[]")


def _line(name: str, value: str) -> str:
    if _BREAKS.search(value):
        raise PayloadError(f"the value of the header {name!r} holds a line break")
    return value.strip()


def _encoded(value: Any, media_type: str) -> tuple[str, bytes]:
    """(media type, bytes) of a body."""
    what = media_type.split(";")[0].strip().lower()
    if what == "application/json" or what.endswith("+json"):
        return media_type, json.dumps(value, ensure_ascii=False).encode()
    if isinstance(value, str):
        return media_type, str(value).encode()
    if what == "application/x-www-form-urlencoded" and isinstance(value, dict):
        return media_type, "&".join(_fields(value)).encode()
    if what == "multipart/form-data" and isinstance(value, dict):
        return _multipart(value)
    if what.startswith("text/") and isinstance(value, bool | int | float):
        return media_type, text(value).encode()
    raise PayloadError(f"a payload that is {kind(value)} cannot be sent as {what}")


def _fields(value: Mapping[str, Any]) -> Iterable[str]:
    for name, member in value.items():
        for one in member if isinstance(member, list) else [member]:
            if one is not None:
                yield f"{quote_plus(name)}={quote_plus(text(one))}"


def _multipart(value: Mapping[str, Any]) -> tuple[str, bytes]:
    parts = [
        (name, one) for name, member in value.items() for one in (member if isinstance(member, list) else [member])
    ]
    mark = hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()[:32]
    made = ""
    for name, one in parts:
        if one is None:
            continue
        safe = name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
        kind_line = "Content-Type: application/json\r\n" if isinstance(one, dict | list) else ""
        made += f'--{mark}\r\nContent-Disposition: form-data; name="{safe}"\r\n{kind_line}\r\n{text(one)}\r\n'
    return f"multipart/form-data; boundary={mark}", f"{made}--{mark}--\r\n".encode()
