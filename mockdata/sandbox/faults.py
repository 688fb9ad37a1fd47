"""Faults a sandbox shows on purpose: which calls go wrong, how, how often and how long."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from mockdata.sandbox.clock import Duration
from mockdata.sandbox.latency import Latency
from mockdata.sandbox.messages import Response
from mockdata.seeds import hashed, stream


@dataclass(frozen=True, slots=True)
class Stale:
    """Answers as of an earlier state: so long ago by the sandbox's clock, or of a named snapshot."""

    lag: Duration | None = None
    snapshot: str | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """How calls of an interface go wrong. `latency_ms` is added to every answer, `latency` drawn for each; with
    `status` (503, 500, 429) the call is refused with it, `retry_after` seconds in Retry-After; with `drop` the
    connection is cut. `truncate` sends that share of a body and cuts the connection, `bytes_per_second` sends it
    slowly, `malformed` makes JSON unreadable, `stale` answers readings from an earlier state.

    `calls` None: until taken away, else for so many calls. `operations` empty: all operations. `share` and `every`
    choose among the calls: so many of them, or each so-manieth. `since` and `until` limit it by the sandbox's clock.
    """

    latency_ms: float = 0.0
    status: int | None = None
    retry_after: int | None = None
    drop: bool = False
    calls: int | None = None
    operations: frozenset[str] = frozenset()
    latency: Latency | None = None
    truncate: float | None = None
    bytes_per_second: float | None = None
    malformed: bool = False
    stale: Stale | None = None
    share: float = 1.0
    every: int = 1
    since: datetime | None = None
    until: datetime | None = None

    @property
    def refuses(self) -> bool:
        """Whether calls get no proper answer."""
        return self.drop or self.status is not None


@dataclass(slots=True)
class Strike:
    """What happens to one call: the faults that hit it, taken together. `delay` in seconds."""

    targets: list[str] = field(default_factory=list)
    delay: float = 0.0
    status: int | None = None
    retry_after: int | None = None
    drop: bool = False
    truncate: float | None = None
    bytes_per_second: float | None = None
    malformed: bool = False
    stale: Stale | None = None

    @property
    def refuses(self) -> bool:
        """Whether the call gets no proper answer."""
        return self.drop or self.status is not None

    def add(self, target: str, fault: Fault, seed: int, number: int) -> None:
        """One more fault that hits the call; the first that refuses says how."""
        self.targets.append(target)
        drawn = fault.latency.draw(_unit(seed, 2 * number + 1)) if fault.latency is not None else 0.0
        self.delay += (fault.latency_ms + drawn) / 1000
        if fault.refuses and not self.refuses:
            self.status, self.retry_after, self.drop = fault.status, fault.retry_after, fault.drop
        self.truncate = fault.truncate if self.truncate is None else self.truncate
        self.bytes_per_second = fault.bytes_per_second if self.bytes_per_second is None else self.bytes_per_second
        self.malformed = self.malformed or fault.malformed
        self.stale = self.stale or fault.stale

    def spoil(self, response: Response) -> None:
        """Do to a response what the faults want done to it, and name them."""
        response.faults = tuple(self.targets)
        response.delay = self.delay
        response.truncate, response.bytes_per_second = self.truncate, self.bytes_per_second
        if self.malformed and "json" in (response.header("content-type") or "") and response.body:
            response.body = response.body[: -max(1, len(response.body) // 3)]


class _Entry:
    """A fault in force with how many calls it has met."""

    def __init__(self, number: int, target: str, fault: Fault, seed: int) -> None:
        self.number, self.target, self.fault, self.seed = number, target, fault, seed
        self.met = 0

    @property
    def counts(self) -> bool:
        """Whether what it does hangs on the calls before."""
        fault = self.fault
        return fault.calls is not None or fault.every > 1 or fault.share < 1 or fault.latency is not None

    def hits(self, interface: str, operation: str, now: datetime | None) -> bool:
        """Whether it hits this call, counting it."""
        fault = self.fault
        if not covers(self.target, interface) or (fault.operations and operation not in fault.operations):
            return False
        if now is not None and ((fault.since and now < fault.since) or (fault.until and now >= fault.until)):
            return False
        self.met += 1
        chosen = self.met % fault.every == 0
        return chosen and (fault.share >= 1 or _unit(self.seed, 2 * self.met) < fault.share)


class FaultPlan:
    """The faults in force, each on a target: an interface id, a department ("police."), or "*". All that cover a call
    hit it together. May be changed while the sandbox serves, from any thread; the same seed and the same calls meet
    the same faults.
    """

    def __init__(self, seed: int | str = 1) -> None:
        self.seed = seed
        self._lock = threading.Lock()
        self._entries: list[_Entry] = []

    def set(self, interface: str, fault: Fault) -> None:
        """Put a fault in force for a target, in place of those it had."""
        with self._lock:
            kept = [one for one in self._entries if one.target != interface]
            self._entries = [*kept, self._entry(len(kept), interface, fault)]

    def replace(self, faults: Iterable[tuple[str, Fault]]) -> None:
        """Put exactly these faults in force; all counting begins anew."""
        with self._lock:
            self._entries = [self._entry(number, *one) for number, one in enumerate(faults)]

    def counts(self) -> list[list[int | None]]:
        """How far the counting is: [number in the plan, calls met, calls left] of each fault still in force that
        counts; empty for a plan that does not. JSON."""
        if not self._entries:
            return []
        with self._lock:
            return [[one.number, one.met, one.fault.calls] for one in self._entries if one.counts]

    def resume(self, counts: Iterable[Sequence[int | None]]) -> None:
        """Go on counting where `counts` was read off a plan just put in force: faults it does not tell of are over."""
        told = {int(number or 0): (int(met or 0), left) for number, met, left in counts}
        with self._lock:
            for one in self._entries:
                if one.number in told:
                    one.met, left = told[one.number]
                    one.fault = replace(one.fault, calls=left)
            self._entries = [one for one in self._entries if one.number in told or not one.counts]

    def clear(self, interface: str | None = None) -> None:
        """Take away the faults of a target, or all."""
        with self._lock:
            self._entries = [] if interface is None else [one for one in self._entries if one.target != interface]

    def current(self) -> dict[str, Fault]:
        """The faults in force, by target; of several the last."""
        return dict(self.listed())

    @property
    def active(self) -> bool:
        """Whether any fault is in force."""
        return bool(self._entries)

    def listed(self) -> list[tuple[str, Fault]]:
        """The faults in force with their targets; `calls` is what is left."""
        with self._lock:
            return [(one.target, one.fault) for one in self._entries]

    def lags(self) -> list[Duration]:
        """How far back stale answers reach."""
        if not self._entries:
            return []
        return [stale.lag for _, fault in self.listed() if (stale := fault.stale) is not None and stale.lag is not None]

    def strike(self, interface: str, operation: str, now: datetime | None = None) -> Strike | None:
        """What hits this call, counting it off."""
        if not self._entries:
            return None
        found = Strike()
        with self._lock:
            for entry in self._entries:
                if not entry.hits(interface, operation, now):
                    continue
                found.add(entry.target, entry.fault, entry.seed, entry.met)
                if entry.fault.calls is not None:
                    entry.fault = replace(entry.fault, calls=entry.fault.calls - 1)
            self._entries = [one for one in self._entries if one.fault.calls is None or one.fault.calls > 0]
        return found if found.targets else None

    def _entry(self, number: int, target: str, fault: Fault) -> _Entry:
        return _Entry(number, target, fault, stream(self.seed, "fault", number, target))


def covers(target: str, interface: str) -> bool:
    """Whether a target takes in an interface: its id, its department with a dot, or "*"."""
    return target in ("*", interface) or (target.endswith(".") and interface.startswith(target))


def _unit(seed: int, number: Any) -> float:
    """A number in (0, 1): the same for the same seed and number."""
    return (int(hashed(seed, number).item()) + 0.5) / 2**64
