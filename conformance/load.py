"""Load as citizens make it: arrivals do not wait for answers, and every latency counts from when it was meant to begin.

A closed loop that waits for a slow answer before it sends the next request hides the waiting (coordinated
omission). Here the moments of arrival are drawn beforehand; a request that could not be sent in time has its
delay counted. Whether the delay was ours is measured too: a saturated tester shows nothing about an app.
"""

from __future__ import annotations

import hashlib
import math
import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

MOST_AT_ONCE = 64
"""Requests under way at one time; real citizens are not fewer when an app is slow."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One request: seconds from the start of the load at which it was meant, sent and answered; `well`: as expected."""

    meant: float
    sent: float
    answered: float
    well: bool

    @property
    def latency(self) -> float:
        """Seconds from when the request was meant to begin."""
        return self.answered - self.meant


@dataclass(frozen=True, slots=True)
class Load:
    """What came of a load. `busy` is the share of one processor this process used meanwhile."""

    shots: tuple[Shot, ...]
    busy: float

    def percentile(self, share: float) -> float:
        """The latency (seconds) that so large a share of the requests kept; nearest rank."""
        ranked = sorted(shot.latency for shot in self.shots)
        return ranked[max(0, math.ceil(share * len(ranked)) - 1)]

    @property
    def errors(self) -> float:
        """The share of requests that were not answered as expected."""
        return sum(not shot.well for shot in self.shots) / len(self.shots)

    @property
    def own_delay(self) -> float:
        """How late we ourselves were (seconds), at the 95th percentile."""
        ranked = sorted(shot.sent - shot.meant for shot in self.shots)
        return ranked[max(0, math.ceil(0.95 * len(ranked)) - 1)]

    def saturated(self, limit: float) -> bool:
        """Whether this process, and not the app, may be what was slow; `limit` is the latency allowed (seconds)."""
        return self.busy > 0.85 or self.own_delay > 0.1 * limit


def arrivals(seed: str, rate: float, count: int) -> tuple[float, ...]:
    """Moments (seconds) of `count` independent arrivals, `rate` a second on average: the same for the same seed."""
    drawn = random.Random(hashlib.sha256(f"{seed}/arrivals".encode()).digest())
    moments, now = [], 0.0
    for _ in range(count):
        now += drawn.expovariate(rate)
        moments.append(now)
    return tuple(moments)


def fire(
    moments: Sequence[float],
    shoot: Callable[[int], bool],
    *,
    clock: Callable[[], float] = time.perf_counter,
    sleep: Callable[[float], None] = time.sleep,
) -> Load:
    """Send one request at each moment, whatever became of those before; `shoot(number)` says whether it went well."""
    start, used = clock(), time.process_time()

    def one(number: int, meant: float) -> Shot:
        sent = clock() - start
        well = shoot(number)
        return Shot(meant, sent, clock() - start, well)

    with ThreadPoolExecutor(MOST_AT_ONCE) as pool:
        waiting = []
        for number, meant in enumerate(moments):
            ahead = meant - (clock() - start)
            if ahead > 0:
                sleep(ahead)
            waiting.append(pool.submit(one, number, meant))
        shots = tuple(future.result() for future in waiting)
    wall = clock() - start
    return Load(shots, (time.process_time() - used) / wall if wall > 0 else 0.0)
