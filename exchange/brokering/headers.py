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
    {"accept", "accept-language", "content-type", "idempotency-key"}
    | {"traceparent", "tracestate", "tongban-handled-matter"}
)
"""Request headers sent on to every provider; besides these only header parameters the operation declares. Conditions
on entity tags are not among them: the tag is one of the uncut body, and whoever may ask whether it is X can guess at
the rest.
"""
_LANGUAGE = r"[A-Za-z]{2,3}(?:-[A-Za-z]{4})?(?:-[A-Za-z]{2}|-[0-9]{3})?"
_DIRECTIVE = (
    r"(?:(?:max-age|stale-while-revalidate|stale-if-error)=[0-9]{1,10}"
    r"|no-cache|no-store|no-transform|must-revalidate|must-understand|immutable|private)"
)
RETURNED = {
    "content-language": re.compile(rf"{_LANGUAGE}(?:, *{_LANGUAGE})*"),
    "cache-control": re.compile(rf"{_DIRECTIVE}(?: *, *{_DIRECTIVE})*", re.I),
    "retry-after": re.compile(
        r"[0-9]{1,8}|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT"
    ),
}
"""Answer headers that leave, in the forms in which they say nothing else; what would let a cache of others keep the
answer (``public``) is none of them. Other headers (Set-Cookie, Location, ETag of the uncut body …) could carry unagreed
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
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
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
    return {name: headers[name] for name, form in RETURNED.items() if name in headers and form.fullmatch(headers[name])}


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


def purpose(headers: Mapping[str, str], *names: str) -> str:
    """The purpose stated under the first of these names that says one (default ``Tongban-Purpose``): percent-encoded
    UTF-8, because header values are ASCII. Raises `Invalid` for other bytes and for control characters.
    """
    return _unquoted(next((headers[name] for name in names or ("tongban-purpose",) if headers.get(name)), ""))


@lru_cache(maxsize=1024)
def _unquoted(value: str) -> str:
    try:
        text = unquote(value, errors="strict").strip()[:500]
    except UnicodeDecodeError:
        raise Invalid("the purpose is not UTF-8", hint="percent-encode it as UTF-8") from None
    if _CONTROL.search(text):
        raise Invalid("the purpose holds a control character", hint="send it as the agreement writes it")
    return text


def reference(headers: Mapping[str, str]) -> str:
    """The consumer's own number of its case (``Tongban-Handled-Matter``, else ``X-Road-Id``); "" when absent or not
    a plain reference.
    """
    value = headers.get("tongban-handled-matter") or headers.get("x-road-id", "")
    return value if _REFERENCE.fullmatch(value) else ""
