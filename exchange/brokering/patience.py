"""Providers that fail: try again where that is safe, and leave alone who keeps failing."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from exchange.brokering.sources import TOTAL_SECONDS, Incoming, Outgoing, Source, SourceFailure

TRIES = 3
"""Times one permitted call may be put to its provider."""
PAUSES = (0.05, 0.25)
"""Seconds between tries, each drawn between half and the whole of it, so that many callers do not come at once."""
IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
"""RFC 9110 §9.2.2; other methods count as idempotent when the consumer sends an Idempotency-Key."""
PASSING = frozenset({"provider-unreachable"})
AGAIN = frozenset({502, 503, 504})
FAILURES = 10
"""Failures in a row after which a provider is left alone."""
REST = 5.0
LONGEST_REST = 60.0
MOST = 10_000
"""Endpoints whose failures are remembered."""


async def fetch(source: Source, call: Outgoing, *, pauses: tuple[float, ...] = PAUSES) -> tuple[Incoming, int]:
    """The answer and how often it was asked for. Raises `SourceFailure` of the last try.

    A call that may have had its effect is never repeated: only idempotent ones are, at most `TRIES` times in all, and
    none is begun after the time for the whole call is over.
    """
    again = call.method in IDEMPOTENT or bool(call.headers.get("idempotency-key"))
    begun = time.monotonic()
    for tried in range(1, TRIES + 1):
        last = tried == TRIES or not again
        try:
            answer = await source.ask(call)
        except SourceFailure as failure:
            if last or failure.rule not in PASSING or time.monotonic() - begun > TOTAL_SECONDS:
                raise
        else:
            if last or answer.status not in AGAIN or time.monotonic() - begun > TOTAL_SECONDS:
                return answer, tried
        pause = pauses[min(tried, len(pauses)) - 1]
        await asyncio.sleep(pause * (0.5 + random.random() / 2))
    raise AssertionError("the last try returns or raises")


@dataclass(slots=True)
class _Tally:
    failures: int = 0
    until: float = 0.0
    rest: float = REST


class Breakers:
    """One circuit breaker an endpoint: closed, open while it rests, then one call tries whether it is back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._tallies: dict[str, _Tally] = {}

    def pause(self, endpoint: str) -> float:
        """Seconds a call has to wait; 0: it may go. After a rest the first call that asks is the one that tries."""
        if endpoint not in self._tallies:  # nearly always
            return 0.0
        with self._lock:
            tally = self._tallies.get(endpoint)
            if tally is None or tally.failures < FAILURES:
                return 0.0
            left = tally.until - self._clock()
            if left > 0:
                return left
            # this one tries; should it never come back, another may after the next rest
            tally.until = self._clock() + tally.rest
            return 0.0

    def note(self, endpoint: str, good: bool) -> None:
        """How a call ended. A provider that answers at all, even with 4xx, is good."""
        if good:
            if endpoint in self._tallies:
                with self._lock:
                    self._tallies.pop(endpoint, None)
            return
        with self._lock:
            if len(self._tallies) >= MOST:
                self._tallies.clear()
            tally = self._tallies.setdefault(endpoint, _Tally())
            tally.failures += 1
            if tally.failures >= FAILURES:
                if tally.failures > FAILURES:
                    tally.rest = min(tally.rest * 2, LONGEST_REST)
                tally.until = self._clock() + tally.rest
