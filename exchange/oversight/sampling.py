"""Samples of what providers deliver, in memory only: a fair choice of the answers that passed, forgotten once judged.

Each answer has the same chance to be in the sample, however many pass (reservoir, Vitter 1985). Nothing but agreed
fields ever comes here.
"""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from specs.model import Interface, Table
from specs.schema import Schema

BODIES = 200
"""Answers kept of one kind between two judgements."""
KINDS = 200
"""Kinds of answer sampled at a time; more wait for the next round."""
BUDGET = 64 * 1024 * 1024
"""Bytes of all samples together: what comes beyond is passed over."""
ROWS = 2000
"""Records judged of one kind."""

Kind = tuple[str, str, tuple[str, ...], tuple[str, ...]]
"""interface, operation, fields that left, fields that were masked. Answers under different agreements lack different
fields, and that is no flaw.
"""


@dataclass(slots=True)
class _Reservoir:
    seen: int = 0
    bodies: list[bytes] = field(default_factory=list)


class Samples:
    """Reservoirs of all kinds of answers. Safe to call from any thread."""

    def __init__(self, seed: int | None = None) -> None:
        self._lock = threading.Lock()
        self._kinds: dict[Kind, _Reservoir] = {}
        self._bytes = 0
        self._random = random.Random(seed)  # a fair choice, not a secret

    def offer(
        self, interface: str, operation: str, fields: tuple[str, ...], body: bytes, masked: tuple[str, ...] = ()
    ) -> None:
        """An answer (JSON) that was just delivered, as it left. Costs a call some microseconds: nothing is read yet."""
        with self._lock:
            kind = (interface, operation, fields, masked)
            kept = self._kinds.get(kind)
            if kept is None:
                if len(self._kinds) >= KINDS:
                    return
                kept = self._kinds[kind] = _Reservoir()
            kept.seen += 1
            place = len(kept.bodies)
            if place >= BODIES:
                place = self._random.randrange(kept.seen)
                if place >= BODIES:
                    return
            old = len(kept.bodies[place]) if place < len(kept.bodies) else 0
            if self._bytes + len(body) - old > BUDGET:
                return
            self._bytes += len(body) - old
            kept.bodies[place : place + 1] = [body]

    def take(self, least: int) -> dict[Kind, list[dict[str, Any]]]:
        """The records of the samples that have at least that many; they are forgotten here."""
        with self._lock:
            ready = {kind: kept.bodies for kind, kept in self._kinds.items()}
        found = {}
        for kind, bodies in ready.items():
            rows = _rows(list(bodies), kind[3])
            if len(rows) >= least:
                found[kind] = rows[:ROWS]
        with self._lock:
            for kind in found:
                self._bytes -= sum(map(len, self._kinds.pop(kind).bodies))
        return found


def _rows(bodies: list[bytes], masked: tuple[str, ...]) -> list[dict[str, Any]]:
    hidden = {label.rpartition("/")[2] for label in masked}
    rows: list[dict[str, Any]] = []
    for body in bodies:
        try:
            value = orjson.loads(body)
        except orjson.JSONDecodeError:
            continue
        # a masked value is no longer what the provider delivered
        rows += [{name: cell for name, cell in row.items() if name not in hidden} for row in records(value)]
    return rows


def records(value: Any) -> list[dict[str, Any]]:
    """The records of an answer: of a list its items, of an object with one list that list's, else itself; plain values
    only.
    """
    if isinstance(value, dict):
        lists = [member for member in value.values() if isinstance(member, list)]
        value = lists[0] if len(lists) == 1 and lists[0] and isinstance(lists[0][0], dict) else [value]
    if not isinstance(value, list):
        return []
    rows = [item for item in value if isinstance(item, dict)]
    flat = [{name: cell for name, cell in row.items() if not isinstance(cell, dict | list)} for row in rows]
    return [row for row in flat if row]


def table_of(interface: Interface, operation: str, rows: list[dict[str, Any]]) -> Table | None:
    """What the interface says of such records, as a table of the fields they have; None when it says nothing."""
    there = {name for row in rows for name in row}
    for table in interface.tables:
        if table.name == operation:
            return _of(table, there)
    for known in interface.operations:
        if known.id == operation:
            schemas = [
                content.schema
                for response in known.responses
                if response.is_success
                for content in response.contents
                if content.schema is not None
            ]
            for schema in schemas:
                if made := _table(interface, operation, schema, there):
                    return made
    return None


def _table(interface: Interface, operation: str, schema: Schema, there: set[str]) -> Table | None:
    fields = interface.fields(schema)
    named = {one.name for one in fields}
    if not there & named:
        # the records stand in a list below
        lists = [one for one in fields if interface.resolve(one.schema).get("type") == "array"]
        fields = interface.fields(lists[0].schema) if len(lists) == 1 else ()
    return _of(Table(operation.replace("-", "_"), fields=fields), there)


def _of(table: Table, there: set[str]) -> Table | None:
    # records of answers repeat when somebody is asked about twice: no key is unique here
    fields = tuple(replace(one, key=False) for one in table.fields if one.name in there)
    return replace(table, fields=fields, primary_key=(), foreign_keys=(), quality=()) if fields else None
