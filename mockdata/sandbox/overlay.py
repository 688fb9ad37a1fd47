"""What callers have written over the virtual world: records, tombstones, and answers already given.

Copy-on-write: values are never changed in place, so a snapshot is a copy of a few dictionaries, whatever
their size.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Record:
    """One written record. `value` None is a tombstone. `collection` is the concrete path of its collection
    inside the interface ("/users/7/orders"), `number` counts writes, oldest first."""

    interface: str
    collection: str
    id: str
    value: Mapping[str, Any] | None
    number: int

    @property
    def deleted(self) -> bool:
        """Whether this marks a deletion."""
        return self.value is None


@dataclass(frozen=True)
class Snapshot:
    """The state of an overlay at one moment."""

    collections: Mapping[tuple[str, str], Mapping[str, Record]]
    answers: Mapping[tuple[str, ...], Any]
    counters: Mapping[str, int]
    writes: int


class Overlay:
    """The writes of one sandbox, in memory. Every method may be called from any thread."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._collections: dict[tuple[str, str], dict[str, Record]] = {}
        self._answers: dict[tuple[str, ...], Any] = {}
        self._counters: dict[str, int] = {}
        self._writes = 0
        self._version = 0

    @property
    def writes(self) -> int:
        """How often something was written or taken back: another number, another state of the records."""
        return self._version

    @property
    def changes(self) -> tuple[int, ...]:
        """The same for everything kept: records, counters, answers."""
        with self.lock:
            return self._version, sum(self._counters.values()), len(self._answers)

    def get(self, interface: str, collection: str, id: str) -> Record | None:
        """The record of that id, a tombstone, or None when nobody wrote there."""
        with self.lock:
            return self._collections.get((interface, collection), {}).get(id)

    def put(self, interface: str, collection: str, id: str, value: Mapping[str, Any]) -> Record:
        """Create or replace a record."""
        return self._write(interface, collection, id, dict(value))

    def delete(self, interface: str, collection: str, id: str) -> Record:
        """Leave a tombstone."""
        return self._write(interface, collection, id, None)

    def _write(self, interface: str, collection: str, id: str, value: Mapping[str, Any] | None) -> Record:
        with self.lock:
            self._writes += 1
            self._version += 1
            records = self._collections.setdefault((interface, collection), {})
            number = records[id].number if id in records else self._writes
            records[id] = Record(interface, collection, id, value, number)
            return records[id]

    def records(self, interface: str, collection: str) -> dict[str, Record]:
        """All records and tombstones of a collection by id, oldest first."""
        with self.lock:
            return dict(self._collections.get((interface, collection), {}))

    def find(self, interface: str, fields: Sequence[str], values: Sequence[Any]) -> Record | None:
        """The latest live record of an interface whose fields have these values."""
        with self.lock:
            for record in sorted(self._all(interface), key=lambda one: -one.number):
                value = record.value
                if value is not None and all(
                    name in value and value[name] == wanted for name, wanted in zip(fields, values, strict=True)
                ):
                    return record
        return None

    def _all(self, interface: str) -> Iterable[Record]:
        return [one for key, records in self._collections.items() if key[0] == interface for one in records.values()]

    def count(self, name: str) -> int:
        """The next number of a counter, from 1."""
        with self.lock:
            self._counters[name] = self._counters.get(name, 0) + 1
            return self._counters[name]

    def answered(self, key: tuple[str, ...]) -> Any:
        """What was remembered under a key, None when nothing was."""
        with self.lock:
            return self._answers.get(key)

    def remember(self, key: tuple[str, ...], answer: Any) -> None:
        """Remember an answer, for a request sent twice under one idempotency key."""
        with self.lock:
            self._answers[key] = answer

    def snapshot(self) -> Snapshot:
        """The state now."""
        with self.lock:
            collections = {key: dict(records) for key, records in self._collections.items()}
            return Snapshot(collections, dict(self._answers), dict(self._counters), self._writes)

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a snapshot."""
        with self.lock:
            self._collections = {key: dict(records) for key, records in snapshot.collections.items()}
            self._answers = dict(snapshot.answers)
            self._counters = dict(snapshot.counters)
            self._writes = snapshot.writes
            self._version += 1

    def reset(self) -> None:
        """Forget everything."""
        self.restore(Snapshot({}, {}, {}, 0))
