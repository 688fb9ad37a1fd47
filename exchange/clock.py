"""Time and names for new things: the only two places where the exchange touches the outside world for them."""

from __future__ import annotations

import os
import random
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache

Clock = Callable[[], datetime]
"""Gives the present instant, aware, in UTC."""


def system_clock() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


def stamp(moment: datetime) -> str:
    """RFC 3339 text with milliseconds and ``Z``: the one form stored and shown to programs; sorts as text."""
    global _second
    begun, text = _second
    past = moment - begun
    if past.days or past.seconds:  # another second than the one asked for last
        begun = moment.astimezone(UTC).replace(microsecond=0)
        past, text = moment - begun, begun.isoformat()[:-6]
        _second = begun, text
    return f"{text}.{past.microseconds // 1000:03d}Z"


@lru_cache(maxsize=4096)
def moment(text: str) -> datetime:
    """Inverse of `stamp`."""
    return datetime.fromisoformat(text)


def new_id(prefix: str, at: datetime) -> str:
    """A fresh identifier such as ``agr_0193f2c4a1b2k9q3…``: sorts by time of creation, 60 random bits."""
    return f"{prefix}_{(at - _EPOCH) // _MILLISECOND:012x}{_random.getrandbits(60):015x}"


_second = datetime(1970, 1, 1, tzinfo=UTC), "1970-01-01T00:00:00"
_EPOCH, _MILLISECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(milliseconds=1)
# ids have to differ, not to be secret; asking the system for every one would give up the interpreter's lock each time
_random = random.Random(secrets.randbits(256))
os.register_at_fork(after_in_child=lambda: _random.seed(secrets.randbits(256)))
