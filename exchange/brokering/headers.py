"""Which headers pass the broker. Both ways it is a list of what may pass; everything else stays behind."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from urllib.parse import unquote

from exchange.brokering.xroad import PASSED as XROAD
from exchange.errors import Invalid
from specs.model import Operation

FORWARDED = frozenset(
    {"accept", "accept-language", "content-type", "idempotency-key", "if-match", "if-none-match"}
    | {"traceparent", "tracestate", "tongban-handled-matter"}
)
"""Request headers sent on to every provider; besides these only header parameters the operation declares."""
RETURNED = ("content-language", "cache-control", "retry-after")
"""Answer headers that leave. Others (Set-Cookie, Location, ETag of the uncut body …) could carry unagreed
data.
"""
NEVER = frozenset(
    {
        "authorization",
        "cookie",
        "host",
        "connection",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
    | {
        "content-length",
        "expect",
        "user-agent",
        "server",
        "tongban-agreement",
        "tongban-purpose",
        "tongban-gateway",
    }
)
"""Hop-by-hop headers (RFC 9110 §7.6.1), credentials and our own: not sent on even when a document declares
them.
"""
_BROKEN = re.compile(r"[\r\n\0]")
_REFERENCE = re.compile(r"[A-Za-z0-9._~-]{1,64}")


def outgoing(headers: Mapping[str, str], operation: Operation) -> dict[str, str]:
    """Headers for the provider, names in lower case; JSON is asked for when the consumer did not say."""
    allowed = FORWARDED
    if operation.parameters:
        declared = {parameter.name.lower() for parameter in operation.parameters if parameter.location == "header"}
        allowed = (allowed | declared) - NEVER
    if "connection" in headers:
        allowed = allowed - {name.strip().lower() for name in headers["connection"].split(",")}
    kept = {
        name: value
        for name, value in headers.items()
        if name in allowed and not name.startswith("proxy-") and not _BROKEN.search(value)
    }
    if "x-road-client" in headers:
        kept |= {name: headers[name] for name in sorted(XROAD) if name in headers and not _BROKEN.search(headers[name])}
    kept.setdefault("accept", "application/json")
    return kept


def returned(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers of the answer that may leave; names are lower case, as sources give them."""
    return {name: headers[name] for name in RETURNED if name in headers}


def lowered(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Headers by lower-case name. Raises `Invalid` when one of ours is repeated: which one counts must be
    plain.
    """
    made: dict[str, str] = {}
    for name, value in headers:
        key = name.lower()
        if key in made and (key.startswith("tongban-") or key == "authorization"):
            raise Invalid(f"the header {name} is given twice", hint="give it once")
        made[key] = f"{made[key]}, {value}" if key in made else value
    return made


def purpose(headers: Mapping[str, str]) -> str:
    """The purpose stated in ``Tongban-Purpose``: percent-encoded UTF-8, because header values are ASCII."""
    return _unquoted(headers.get("tongban-purpose", ""))


@lru_cache(maxsize=1024)
def _unquoted(value: str) -> str:
    return unquote(value, errors="strict").strip()[:500]


def reference(headers: Mapping[str, str]) -> str:
    """The consumer's own number of its case (``Tongban-Handled-Matter``, else ``X-Road-Id``); "" when absent or not
    a plain reference.
    """
    value = headers.get("tongban-handled-matter") or headers.get("x-road-id", "")
    return value if _REFERENCE.fullmatch(value) else ""
