"""Time and names for new things: the only two places where the exchange touches the outside world for them."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Gives the present instant, aware, in UTC."""


def system_clock() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


def stamp(moment: datetime) -> str:
    """RFC 3339 text with milliseconds and ``Z``: the one form stored and shown to programs; sorts as text."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment(text: str) -> datetime:
    """Inverse of `stamp`."""
    return datetime.fromisoformat(text)


def new_id(prefix: str, at: datetime) -> str:
    """A fresh identifier such as ``agr_0193f2c4a1b2k9q3…``: sorts by time of creation, 60 random bits."""
    return f"{prefix}_{int(at.timestamp() * 1000):012x}{secrets.token_hex(8)[:15]}"
