"""Adding up: reads the ledger from where it last stopped, once each entry, in the transaction that moves the mark.

The ledger is what is proved, so everything oversight shows follows from it and can be made again from it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection

from exchange.database import Database
from exchange.ledger.model import Entry
from exchange.ledger.service import Ledger
from exchange.oversight import store
from exchange.oversight.model import Channel, Overdue, day_of, grave, hour_of

BATCH = 5000
"""Entries of one transaction: others who write wait that long, some 100 ms."""
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


@dataclass(slots=True)
class _Batch:
    hours: dict[tuple[int, int], list[int]] = field(default_factory=dict)
    days: dict[tuple[int, int], list[int]] = field(default_factory=dict)
    events: Counter[tuple[int, str, str, str, str]] = field(default_factory=Counter)
    breaches: list[Overdue] = field(default_factory=list)


class Adding:
    """Keeps the sums up to date. Safe to call from any thread and process: each entry counts once."""

    def __init__(self, database: Database, ledger: Ledger, sensitivity: Sensitivity) -> None:
        self.database, self.ledger, self.sensitivity = database, ledger, sensitivity
        self._levels: dict[str, Mapping[str, str]] = {}

    def catch_up(self) -> int:
        """Add up every entry not yet added; gives how many."""
        done = 0
        while True:
            with self.database.reading() as tx:
                if not self.ledger.entries(after=store.head(tx) - 1, limit=1, tx=tx):
                    return done
            self._levels.clear()
            with self.database.transaction() as tx:
                found = self.ledger.entries(after=store.head(tx) - 1, limit=BATCH, tx=tx)
                if found:
                    self._add(tx, found)
                    store.move(tx, found[-1].index + 1)
            done += len(found)

    def _add(self, tx: Connection, found: Sequence[Entry]) -> None:
        calls, others = [], []
        for entry in found:
            if entry.kind in ENDS:
                calls.append((entry, entry.body))
            elif not entry.kind.startswith(_QUIET):
                others.append((entry, entry.body))
        batch = _Batch()
        self._add_calls(tx, calls, batch)
        self._add_others(tx, others, batch)
        store.add(tx, store.HOURS, batch.hours)
        store.add(tx, store.DAYS, batch.days)
        store.add_events(tx, batch.events)
        store.add_breaches(tx, batch.breaches)

    # ---- calls

    def _add_calls(self, tx: Connection, calls: Sequence[tuple[Entry, dict[str, Any]]], batch: _Batch) -> None:
        # calls of a batch are mostly alike: what is alike is made and looked up once
        told = [(_likeness(entry.kind, body), entry, int(body.get("records", 0))) for entry, body in calls]
        alike = {likeness: self._channel(*likeness) for likeness, _, _ in told}
        keys = {likeness: store.key(channel) for likeness, channel in alike.items()}
        numbers = self._numbers(tx, {keys[likeness]: channel for likeness, channel in alike.items()})
        for likeness, entry, records in told:
            number, hour = numbers[keys[likeness]], _hour(entry.at[:13])
            for counts, when in ((batch.hours, hour), (batch.days, (hour + 8) // 24)):
                cell = counts.setdefault((when, number), [0, 0, 0])
                cell[0] += 1
                cell[1] += records
                cell[2] = entry.index

    def _numbers(self, tx: Connection, wanted: Mapping[str, Channel]) -> dict[str, int]:
        numbers = store.known(tx, wanted)
        new = {key: channel for key, channel in wanted.items() if key not in numbers}
        return numbers | store.add_channels(tx, new)

    def _channel(self, kind: str, words: tuple[str, ...], names: tuple[str, ...]) -> Channel:
        provider, consumer, interface, operation, agreement, purpose, law, rule = words
        fields = tuple(sorted(set(names)))
        levels = self._of(interface) if fields else {}
        gravest = max((levels.get(name, "") for name in fields), key=grave, default="")
        return Channel(
            provider, consumer, interface, operation, agreement, purpose, law, ENDS[kind], rule, fields, gravest
        )

    def _of(self, interface: str) -> Mapping[str, str]:
        # asked for once in a round: a class changed meanwhile holds from the next round on
        if interface not in self._levels:
            self._levels[interface] = self.sensitivity(interface)
        return self._levels[interface]

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


def _likeness(kind: str, body: Mapping[str, Any]) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """What of a call makes its channel."""
    words = (
        str(body.get("provider") or "?"),
        str(body.get("consumer") or "?"),
        str(body.get("interface", "")),
        str(body.get("operation") or "?"),
        str(body.get("agreement", "")),
        str(body.get("purpose", "")),
        str(body.get("legal_basis", "")),
        str(body.get("rule", "")),
    )
    return kind, words, tuple(map(str, body.get("fields", ())))


@lru_cache(maxsize=64)
def _hour(beginning: str) -> int:
    return hour_of(f"{beginning}:00:00.000Z")


def _overdue(entry: Entry, body: Mapping[str, Any]) -> Overdue:
    told = {name: str(body.get(name, "")) for name in ("clock", "rule", "subject", "party", "due", "code")}
    return Overdue(**told, entry=entry.index)
