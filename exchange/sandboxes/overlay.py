"""An overlay that survives the process: what a request wrote is in the database before it is answered."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from exchange.sandboxes import store
from mockdata.sandbox.messages import Response
from mockdata.sandbox.overlay import Overlay, Record, Snapshot


class DurableOverlay(Overlay):
    """The writes of one world. Used under a lock: one request writes, then `keep` stores what it wrote.

    Reading goes to memory, as in `Overlay`; the database is read once, by `load`.
    """

    def __init__(self, world: str) -> None:
        super().__init__()
        self.world = world
        self._written: dict[tuple[str, ...], Any] = {}

    @property
    def dirty(self) -> bool:
        """Whether something waits to be kept."""
        return bool(self._written)

    def put(self, interface: str, collection: str, id: str, value: Mapping[str, Any]) -> Record:
        """Create or replace a record."""
        return self._note(super().put(interface, collection, id, value))

    def delete(self, interface: str, collection: str, id: str) -> Record:
        """Leave a tombstone."""
        return self._note(super().delete(interface, collection, id))

    def count(self, name: str) -> int:
        """The next number of a counter, from 1."""
        number = super().count(name)
        self._written["note", json.dumps(["count", name], ensure_ascii=False)] = number
        return number

    def remember(self, key: tuple[str, ...], answer: Any) -> None:
        """Remember an answer under a key."""
        super().remember(key, answer)
        self._written["note", json.dumps(["answer", *key], ensure_ascii=False)] = _frozen(answer)

    def keep(self, tx: Connection) -> None:
        """Store everything written since the last time."""
        for kind, value in self._written.items():
            if kind[0] == "record":
                store.keep_record(tx, self.world, value)
            else:
                store.keep_note(tx, self.world, kind[1], value)
        self._written = {}

    def load(self, tx: Connection) -> None:
        """Take up what was kept in an earlier life."""
        self.restore(held(tx, self.world))
        self._written = {}

    def _note(self, record: Record) -> Record:
        self._written["record", record.interface, record.collection, record.id] = {
            "interface": record.interface,
            "collection": record.collection,
            "id": record.id,
            "number": record.number,
            "deleted": record.deleted,
            "value": None if record.value is None else dict(record.value),
        }
        return record


def held(tx: Connection, world: str) -> Snapshot:
    """Everything kept of a world."""
    collections: dict[tuple[str, str], dict[str, Record]] = {}
    writes = 0
    for row in store.records(tx, world):
        value = None if row.deleted else row.value
        record = Record(row.interface, row.collection, row.id, value, row.number)
        collections.setdefault((row.interface, row.collection), {})[row.id] = record
        writes = max(writes, row.number)
    answers: dict[tuple[str, ...], Any] = {}
    counters: dict[str, int] = {}
    for row in store.notes(tx, world):
        kind, *key = json.loads(row.key)
        if kind == "count":
            counters[key[0]] = row.value
        else:
            answers[tuple(key)] = _thawed(row.value)
    return Snapshot(collections, answers, counters, writes)


def _frozen(answer: Any) -> Any:
    """A remembered answer as JSON: a mark, a text, or (path, request body, response) for a request sent twice."""
    if answer is True or isinstance(answer, str):
        return answer
    path, body, response = answer
    if not isinstance(response, Response):
        raise TypeError(f"a sandbox remembered a {type(response).__name__}")
    return {
        "path": path,
        "request": base64.b64encode(body).decode(),
        "status": response.status,
        "headers": [list(pair) for pair in response.headers],
        "body": base64.b64encode(response.body).decode(),
        "value": response.value,
        "rule": response.rule,
        "valid": response.valid,
    }


def _thawed(kept: Any) -> Any:
    if kept is True or isinstance(kept, str):
        return kept
    response = Response(
        kept["status"],
        [(name, value) for name, value in kept["headers"]],
        base64.b64decode(kept["body"]),
        value=kept["value"],
        rule=kept["rule"],
        valid=kept["valid"],
    )
    return kept["path"], base64.b64decode(kept["request"]), response
