"""Opaque-cursor paging: stable under inserts, with ``Link: rel="next"``."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from fastapi import Request, Response

from exchange.errors import Invalid

LIMIT = 50
MAXIMUM = 1000
T = TypeVar("T")


def decode(token: str | None) -> str | None:
    """The key after which the page starts. Raises `Invalid` for a token not made by `page`."""
    if token is None:
        return None
    try:
        return base64.b64decode(token.encode(), altchars=b"-_", validate=True).decode()
    except (ValueError, UnicodeDecodeError):
        raise Invalid(
            "page_token was not made by this service", hint="use next_page_token of the page before"
        ) from None


def encode(key: str) -> str:
    """The token of a page that starts after ``key``; `decode` reads it."""
    return base64.urlsafe_b64encode(key.encode()).decode()


def page(
    request: Request,
    response: Response,
    rows: Sequence[T],
    limit: int,
    key: Callable[[T], str],
    show: Callable[[T], Any],
) -> dict[str, Any]:
    """A page from up to ``limit + 1`` rows in order of ``key``; sets the Link header when there is more."""
    shown, more = rows[:limit], len(rows) > limit
    token = encode(key(shown[-1])) if more else None
    if token:
        response.headers["Link"] = f'<{request.url.include_query_params(page_token=token)}>; rel="next"'
    return {"items": [show(row) for row in shown], "next_page_token": token}
