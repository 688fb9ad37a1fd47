"""Adding up: reads the ledger from where it last stopped, once each entry, in the transaction that moves the mark.

The ledger is what is proved, so everything oversight shows follows from it and can be made again from it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection

from exchange.database import Database
from exchange.ledger.model import Entry
from exchange.ledger.service import Ledger
from exchange.oversight import store
from exchange.oversight.model import MORE, Channel, Overdue, day_of, grave, hour_of, month_of

BATCH, READ, WIDTH = 5000, 250, 4_000_000
"""Entries of one transaction, of one read, and bytes of one transaction: others who write wait that long, some 100 ms,
and no more is held in memory.
"""
FIELDS, LETTERS = 300, 8000
"""Fields a channel names, and bytes of their names together; the gravest come first, what is beyond is `MORE`."""
VARIANTS = 100
"""Channels that differ in their fields only. A provider that leaves out other fields each time would fill the tables:
its further calls count under `MORE`, by class of sensitivity.
"""
ENDS = {
    "delivery.made": "delivered",
    "delivery.refused": "refused",
    "delivery.failed": "failed",
    "delivery.withheld": "withheld",
    "delivery.unknown": "unknown",
}
"""Entries that end a call; the one that permitted it stands beside and is not counted again."""
_QUIET = ("delivery.", "ledger.", "payload.", "party.", "member.", "client.", "usage.")

Sensitivity = Callable[[str], Mapping[str, str]]
"""Interface → field label → class of sensitivity."""
Agreed = Callable[[Connection, str], frozenset[str]]
"""Agreement → labels of the fields it lets out."""


@dataclass(slots=True)
class _Batch:
    hours: dict[tuple[int, int], list[int]] = field(default_factory=dict)
    days: dict[tuple[int, int], list[int]] = field(default_factory=dict)
    months: dict[tuple[int, int], list[int]] = field(default_factory=dict)
    events: Counter[tuple[int, str, str, str, str]] = field(default_factory=Counter)
    breaches: list[Overdue] = field(default_factory=list)
    beside: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Likeness:
    """What of a call makes its channel; ``names``: its fields as recorded."""

    kind: str
    words: tuple[str, ...]
    names: tuple[str, ...]


class Adding:
    """Keeps the sums up to date. Safe to call from any thread and process: each entry counts once."""

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        sensitivity: Sensitivity,
        agreed: Agreed = lambda _tx, _agreement: frozenset(),
    ) -> None:
        self.database, self.ledger, self.sensitivity, self.agreed = database, ledger, sensitivity, agreed
        self._levels: dict[str, dict[str, str]] = {}
        self._known: dict[str, Mapping[str, str]] = {}
        self._agreed: dict[str, frozenset[str]] = {}

    def catch_up(self) -> int:
        """Add up every entry not yet added; gives how many."""
        done = 0
        while True:
            with self.database.reading() as tx:
                if not self.ledger.entries(after=store.head(tx) - 1, limit=1, tx=tx):
                    return done
            for asked in (self._levels, self._known, self._agreed):
                asked.clear()
            with self.database.transaction() as tx:
                done += self._next(tx)

    def _next(self, tx: Connection) -> int:
        """One batch, up to its bounds; gives how many entries."""
        calls: list[tuple[_Likeness, Entry, int]] = []
        others: list[tuple[Entry, dict[str, Any]]] = []
        first = at = store.head(tx)
        width = 0
        while at - first < BATCH and width < WIDTH:
            found = self.ledger.entries(after=at - 1, limit=READ, tx=tx)
            for entry in found:
                width += len(entry.data)
                if entry.kind in ENDS:
                    body = entry.body
                    bare = replace(entry, data=b"")  # what was read is let go: wide entries would fill the memory
                    calls.append((_likeness(entry.kind, body), bare, int(body.get("records", 0))))
                elif not entry.kind.startswith(_QUIET):
                    others.append((entry, entry.body))
            if not found:
                break
            at = found[-1].index + 1
        if at > first:
            self._add(tx, calls, others)
            store.move(tx, at)
        return at - first

    def _add(
        self,
        tx: Connection,
        calls: Sequence[tuple[_Likeness, Entry, int]],
        others: Sequence[tuple[Entry, dict[str, Any]]],
    ) -> None:
        batch = _Batch()
        self._add_calls(tx, calls, batch)
        self._add_others(tx, others, batch)
        store.add(tx, store.HOURS, batch.hours)
        store.add(tx, store.DAYS, batch.days)
        store.add(tx, store.MONTHS, batch.months)
        store.add_events(tx, batch.events)
        store.add_breaches(tx, batch.breaches)
        store.add_beside(tx, batch.beside)

    # ---- calls

    def _add_calls(self, tx: Connection, calls: Sequence[tuple[_Likeness, Entry, int]], batch: _Batch) -> None:
        # calls of a batch are mostly alike: what is alike is made and looked up once
        began: dict[_Likeness, int] = {}
        for likeness, entry, _ in calls:
            began.setdefault(likeness, _hour(entry.at[:13]))
        alike = {likeness: self._channel(likeness) for likeness in began}
        numbers = self._numbers(tx, alike, began)
        for likeness, entry, records in calls:
            number, hour = numbers[likeness], _hour(entry.at[:13])
            day = (hour + 8) // 24
            for counts, when in ((batch.hours, hour), (batch.days, day), (batch.months, month_of(day))):
                cell = counts.setdefault((when, number), [0, 0, 0])
                cell[0] += 1
                cell[1] += records
                cell[2] = entry.index
            if MORE in alike[likeness].fields:
                self._keep(tx, alike[likeness].agreement, likeness.names, day, batch)

    def _numbers(
        self, tx: Connection, alike: dict[_Likeness, Channel], began: Mapping[_Likeness, int]
    ) -> dict[_Likeness, int]:
        """Numbers of channels; ``alike`` changes where a call counts under a channel that does not name its fields."""
        keys = {channel: store.key(channel) for channel in alike.values()}
        numbers = store.known(tx, keys.values())
        new = [channel for channel, key in keys.items() if key not in numbers]
        bases = {channel: store.base(channel) for channel in new}
        there = Counter(store.variants(tx, set(bases.values())))
        made: dict[str, Channel] = {}
        for channel in new:
            if there[bases[channel]] < VARIANTS:
                there[bases[channel]] += 1
                made[keys[channel]] = channel
        folded = {channel: replace(channel, fields=(MORE,)) for channel in new if keys[channel] not in made}
        for channel in set(folded.values()):
            keys[channel] = store.key(channel)
        numbers |= store.known(tx, {keys[channel] for channel in folded.values()})
        made |= {keys[channel]: channel for channel in folded.values() if keys[channel] not in numbers}
        first: dict[str, int] = {}
        for likeness, channel in alike.items():
            alike[likeness] = folded.get(channel, channel)
            first.setdefault(keys[alike[likeness]], began[likeness])
        numbers |= store.add_channels(tx, made, first)
        return {likeness: numbers[keys[channel]] for likeness, channel in alike.items()}

    def _channel(self, likeness: _Likeness) -> Channel:
        provider, consumer, interface, operation, agreement, purpose, law, rule, claimed = likeness.words
        levels = {name: self._level(interface, name) for name in likeness.names}
        gravest = max(levels.values(), key=grave, default="")
        fields = _named(levels)
        return Channel(
            provider, consumer, interface, operation, agreement, purpose, law, ENDS[likeness.kind], rule, fields,
            gravest, claimed,
        )  # fmt: skip

    def _level(self, interface: str, name: str) -> str:
        # asked for once in a batch: a class changed meanwhile holds from the next one on
        known = self._levels.setdefault(interface, {})
        if name not in known:
            if interface not in self._known:
                self._known[interface] = self.sensitivity(interface)
            known[name] = self._known[interface].get(name, "")
        return known[name]

    def _keep(self, tx: Connection, agreement: str, names: Sequence[str], day: int, batch: _Batch) -> None:
        """Remember of fields no channel names that they left: as many as were agreed, whatever the provider sends."""
        if agreement not in self._agreed:
            self._agreed[agreement] = self.agreed(tx, agreement)
        for name in self._agreed[agreement].intersection(names):
            first, _ = batch.beside.get((agreement, name), (day, day))
            batch.beside[agreement, name] = (first, day)

    # ---- what else parties did

    def _add_others(self, tx: Connection, others: Sequence[tuple[Entry, dict[str, Any]]], batch: _Batch) -> None:
        decided = [str(body.get("application", "")) for _, body in others]
        late = store.breached(tx, [subject for subject in decided if subject])
        for entry, body in others:
            detail = str(body.get("rule", ""))
            if entry.kind == "clock.breached":
                batch.breaches.append(_overdue(entry, body))
                late.add(str(body.get("subject", "")))
            elif entry.kind in ("application.refused", "agreement.granted"):
                on_time = "late" if body.get("application") in late else "on-time"
                detail = "automatic" if body.get("automatic") or body.get("by") == "system" else on_time
            day = day_of(entry.at)
            for role in ("provider", "consumer", "party"):
                if party := body.get(role):
                    batch.events[day, str(party), role, entry.kind, detail] += 1


def _named(levels: Mapping[str, str]) -> tuple[str, ...]:
    """The fields a channel names, in order: all of them, or the gravest, and `MORE`."""
    if len(levels) <= FIELDS and sum(map(len, levels)) <= LETTERS:
        return tuple(sorted(levels))
    kept: list[str] = []
    letters = 0
    for name in sorted(levels, key=lambda name: (-grave(levels[name]), name)):
        letters += len(name)
        if len(kept) == FIELDS or letters > LETTERS:
            break
        kept.append(name)
    return (*sorted(kept), MORE)


def _likeness(kind: str, body: Mapping[str, Any]) -> _Likeness:
    words = (
        str(body.get("provider") or "?"),
        str(body.get("consumer") or "?"),
        str(body.get("interface", "")),
        str(body.get("operation") or "?"),
        str(body.get("agreement", "")),
        str(body.get("purpose", "")),
        str(body.get("legal_basis", "")),
        str(body.get("rule", "")),
        str(body.get("claimed", "")),
    )
    return _Likeness(kind, words, tuple(map(str, body.get("fields", ()))))


@lru_cache(maxsize=64)
def _hour(beginning: str) -> int:
    return hour_of(f"{beginning}:00:00.000Z")


def _overdue(entry: Entry, body: Mapping[str, Any]) -> Overdue:
    told = {name: str(body.get(name, "")) for name in ("clock", "rule", "subject", "party", "due", "code")}
    return Overdue(**told, entry=entry.index)
