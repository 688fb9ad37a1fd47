"""The request the sandbox is given and the response it gives back, free of any server."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

PROBLEM = "application/problem+json"


@dataclass(frozen=True)
class Request:
    """One HTTP request. `path` is percent-encoded as it came, `query` without the question mark, `headers` in
    the order they came."""

    method: str
    path: str
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    @cached_property
    def fields(self) -> Mapping[str, str]:
        """Headers by lower-case name; repeated ones joined with a comma (RFC 9110, 5.2)."""
        found: dict[str, str] = {}
        for name, value in self.headers:
            key = name.lower()
            joint = "; " if key == "cookie" else ", "
            found[key] = f"{found[key]}{joint}{value}" if key in found else value
        return found

    @cached_property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """The query as decoded (name, value) pairs."""
        return tuple(parse_qsl(self.query, keep_blank_values=True)) if self.query else ()

    @cached_property
    def raw_pairs(self) -> tuple[tuple[str, str], ...]:
        """The query as (name, value) pairs still percent-encoded: delimiters inside values stay told
        apart.
        """
        parts = [part.partition("=") for part in self.query.split("&") if part]
        return tuple((name, value) for name, _, value in parts)

    @property
    def media_type(self) -> str:
        """The media type of the body without parameters, lower-case, "" when not stated."""
        return self.fields.get("content-type", "").partition(";")[0].strip().lower()


@dataclass(slots=True)
class Response:
    """One HTTP response. `drop`: cut the connection instead of answering. `delay` in seconds, spent before
    answering. `truncate`: the share of the body that is sent before the connection is cut.

    The rest is what the sandbox knows about its answer and records: `value` is the body before it was
    encoded.
    """

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    delay: float = 0.0
    drop: bool = False
    value: Any = None
    rule: str | None = None
    valid: bool = True
    truncate: float | None = None
    bytes_per_second: float | None = None
    faults: tuple[str, ...] = ()

    def header(self, name: str) -> str | None:
        """The first header of that name, whatever its case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def json(self) -> Any:
        """The body read as JSON. Raises ValueError."""
        return json.loads(self.body)


_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def dump(value: Any) -> bytes:
    """Compact JSON text."""
    return _COMPACT.encode(value).encode("utf-8", "surrogatepass")


def problem(status: int, title: str, detail: str = "", **members: Any) -> Response:
    """A problem document (RFC 9457); `members` are extension members."""
    value = {"type": "about:blank", "title": title, "status": status}
    if detail:
        value["detail"] = detail
    value.update(members)
    return Response(status, [("content-type", PROBLEM)], dump(value), value=value)
