"""How fast the app may be asked: the limit it declares, in words or in its answers, is kept to.

An app declares a limit when it is registered ("100/m"), or with each answer: `RateLimit-Policy` and `RateLimit`
(IETF draft ratelimit-headers), or the older `RateLimit-Limit`/`-Remaining`/`-Reset` with or without `X-`.
Without any of these the pace starts quick and slows down with every 429.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}
SLOWEST = 2.0
"""Seconds between two requests that an app can bring us to without declaring a limit."""
MARGIN = 1.05
"""Clocks differ: a little slower than allowed."""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests in so many seconds."""

    requests: float
    seconds: float

    @property
    def pause(self) -> float:
        """Seconds between two requests that keep to it."""
        return MARGIN * self.seconds / self.requests

    @staticmethod
    def parse(text: str) -> Rate:
        """A rate from "100/m", "5/s" or "20/10s"; ValueError with a readable reason otherwise."""
        match = re.fullmatch(r"(\d+(?:\.\d+)?)/(\d*)([smh])", text.strip())
        if match is None or float(match[1]) <= 0 or match[2] == "0":
            raise ValueError(f"{text!r} is no rate: requests a second, minute or hour, for instance 100/m")
        return Rate(float(match[1]), float(match[2] or 1) * UNITS[match[3]])


class Pace:
    """The pause between two requests, learned from answers; `rate` is a limit declared beforehand."""

    def __init__(self, pause: float, rate: Rate | None = None) -> None:
        self.pause = max(pause, rate.pause) if rate else pause
        self.declared = rate
        self.full_until = 0.0
        """Until this moment of the caller's clock the app takes nothing more."""

    def heard(self, status: int, headers: Mapping[str, str], now: float) -> None:
        """Learn from an answer (header names in lower case)."""
        told = declared(headers)
        if told is not None:
            self.declared = told
            self.pause = max(self.pause, min(told.pause, SLOWEST * MARGIN))
        elif status == 429 and self.declared is None:
            self.pause = min(max(2 * self.pause, 0.05), SLOWEST)
        left = remaining(headers)
        if left is not None and left[0] <= 0:
            self.full_until = now + left[1]


def declared(headers: Mapping[str, str]) -> Rate | None:
    """The limit an answer declares, or None: the strictest of several policies."""
    found = [
        Rate(float(quota[1]), float(window[1]))
        for policy in headers.get("ratelimit-policy", "").split(",")
        if (quota := re.search(r";\s*q=(\d+)", policy) or re.match(r"\s*(\d+)\s*;", policy))
        and (window := re.search(r";\s*w=(\d+)", policy))
        and int(quota[1]) > 0
        and int(window[1]) > 0
    ]
    return max(found, key=lambda rate: rate.pause, default=None)


def remaining(headers: Mapping[str, str]) -> tuple[int, float] | None:
    """Requests left and seconds until there are more, where an answer tells both."""
    item = headers.get("ratelimit", "")
    left, reset = re.search(r";\s*r=(\d+)", item), re.search(r";\s*t=(\d+)", item)
    if left and reset:
        return int(left[1]), float(reset[1])
    for prefix in ("ratelimit-", "x-ratelimit-"):
        try:
            return int(headers[f"{prefix}remaining"]), _seconds(headers[f"{prefix}reset"])
        except (KeyError, ValueError):
            continue
    return None


def retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """Seconds a `Retry-After` asks for, in either of its forms (RFC 9110 §10.2.3); None when it says nothing."""
    if value is None:
        return None
    try:
        return max(0.1, float(value))
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.1, (moment - (now or datetime.now(UTC))).total_seconds())


def _seconds(value: str) -> float:
    """Seconds until a reset: some send them, some the moment itself."""
    told = float(value)
    return max(0.0, told - datetime.now(UTC).timestamp()) if told > 1_000_000_000 else told
