"""Streams: one Parquet, Arrow IPC or CSV file over HTTP, made for one request, or for several of one reader."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from exchange.brokering.model import Decision
from exchange.brokering.sources import SourceFailure
from exchange.bulk import making
from exchange.bulk.desk import Desk
from exchange.bulk.evidence import Ask
from exchange.bulk.making import FORMATS
from exchange.bulk.plan import Unenforceable
from exchange.bulk.terms import Terms, digest
from exchange.clock import new_id
from exchange.errors import Unprocessable
from exchange.parties.access import Caller

KEPT = timedelta(minutes=10)
"""How long a file waits for the next request of its reader."""
MOST_KEPT = 8
"""Files that wait for one consumer."""


Key = tuple[Any, ...]
"""Whose file it is, then all that says which."""


@dataclass
class _File:
    """A finished file. ``delivery``: its receipt, None while nothing of it left; ``until``: how long it waits."""

    folder: Path
    made: making.Made
    until: datetime
    delivery: str | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True, slots=True)
class Streamed:
    """A file ready to leave; its receipt is durable. ``delivery`` None: only its size may be told. ``again``: it is the
    one an earlier request began to read, so a part of it fits. Whoever sends it calls `Streams.done` afterwards.
    """

    path: Path
    delivery: str | None
    records: int
    sha256: str
    again: bool
    key: Key
    held: _File = field(repr=False)


class Streams:
    """Makes files for one request each. They wait on disk, not in memory, until their receipt is written.

    A reader that asks for the size first, for parts, or goes on after its connection broke gets the same file for a
    while: rows come in no particular order, so a part of another file would fit nothing. It is one delivery.
    """

    def __init__(self, desk: Desk, work: Path) -> None:
        """``work``: the worker's own folder for what does not outlive it."""
        self.desk, self.home = desk, work / "streams"
        self._lock = threading.Lock()
        self._waiting: dict[Key, _File] = {}

    def fetch(
        self,
        caller: Caller | None,
        agreement_id: str,
        table: str,
        purpose: str,
        format: str,
        *,
        columns: Sequence[str] = (),
        where: str = "",
        limit: int | None = None,
        look: bool = False,
        part: bool = False,
    ) -> Streamed:
        """A table as one file. ``columns``, ``where`` (CEL) and ``limit`` narrow what is agreed, never widen it.
        ``look``: only its size is asked for; ``part``: a part of a file that was begun is asked for.

        Raises `Forbidden` with the rule, `Unprocessable` for a filter that cannot be used, `Upstream` for a source
        that cannot be read: all recorded.
        """
        desk = self.desk
        caller = desk.caller(caller, agreement_id, table, purpose)
        if format not in FORMATS:
            raise Unprocessable(f"there is no format {format}", hint=f"one of {', '.join(FORMATS)}")
        found, of = desk.agreement(agreement_id)
        known = found.scope.get(table) if found else None
        ask = Ask(caller.party, caller.id, of, table if known else "-", purpose, "/tables/{table}")
        agreement, record = desk.hold(found, of, ask, tuple(columns))
        source, terms = desk.readable(ask, agreement, record)
        under = digest(terms)
        key = (caller.party, caller.id, agreement.id, table, purpose, format, tuple(columns), where, limit, under)
        file = self._begun(key) if look or part else None
        again = file is not None
        if file is None:
            folder = self.home / new_id("str", desk.clock())
            try:
                made = making.stream(
                    desk.connecting.sources,
                    source,
                    terms,
                    desk.key(agreement.id),
                    folder,
                    desk.person(record, table),
                    format,
                    narrowed=columns,
                    where=where,
                    limit=limit,
                )
            except (Unenforceable, SourceFailure) as error:
                raise desk.stopped(ask, agreement, error) from None
            except Unprocessable as error:
                decision = Decision(
                    False, "request-filter", {"zh_CN": "查询条件无法使用", "en": error.detail}, error.hint
                )
                told = desk.evidence.refused(ask, agreement, decision)
                raise Unprocessable(error.detail, hint=error.hint, **told.extra) from None
            file = _File(folder, made, desk.clock() + KEPT)
            if look:
                self._wait(key, file)
        if not look:
            with file.lock:
                try:
                    file.delivery = self._released(ask, agreement_id, terms, file)
                except BaseException:
                    self._drop(key, file)
                    raise
        one = file.made.files[0]
        return Streamed(file.folder / one.name, file.delivery, one.records, one.sha256, again, key, file)

    def done(self, streamed: Streamed, whole: bool) -> None:
        """A request for a file is over. ``whole``: its reader has all of it; if not, it may come back for the rest."""
        file, waiting = streamed.held, self._waiting.get(streamed.key) is streamed.held
        file.until = self.desk.clock() + KEPT
        if whole and not waiting:
            shutil.rmtree(file.folder, ignore_errors=True)
        elif not waiting:
            self._wait(streamed.key, file)

    def due(self) -> None:
        """Remove files whose reader did not come back."""
        now = self.desk.clock()
        with self._lock:
            over = [(key, file) for key, file in self._waiting.items() if file.until <= now]
        for key, file in over:
            self._drop(key, file)

    def _begun(self, key: Key) -> _File | None:
        with self._lock:
            file = self._waiting.get(key)
        if file is None or not file.folder.is_dir():
            return None
        file.until = self.desk.clock() + KEPT
        return file

    def _wait(self, key: Key, file: _File) -> None:
        with self._lock:
            former = self._waiting.pop(key, None)
            self._waiting[key] = file
            mine = [other for other in self._waiting if other[0] == key[0]]
            beyond = [(other, self._waiting[other]) for other in mine[:-MOST_KEPT]]
        if former is not None:
            shutil.rmtree(former.folder, ignore_errors=True)
        for other, old in beyond:
            self._drop(other, old)

    def _drop(self, key: Key, file: _File) -> None:
        with self._lock:
            if self._waiting.get(key) is file:
                del self._waiting[key]
        shutil.rmtree(file.folder, ignore_errors=True)

    def _released(self, ask: Ask, agreement_id: str, terms: Terms, file: _File) -> str:
        """The receipt of a file. It is decided in the transaction that proves it: an agreement may have ended while
        the file was made.
        """
        desk = self.desk
        with desk.database.transaction() as tx:
            agreement, record = desk.agreement(agreement_id, tx)
            decision = desk.decide(agreement, record, ask, desk.clock())
            if decision.allowed and agreement is not None:
                decision = desk.unchanged(tx, agreement, record, ask.table, digest(terms))
            if decision.allowed and agreement is not None:
                if file.delivery is not None:
                    return file.delivery
                made, about = file.made, making.subjects_of(file.folder)
                return desk.evidence.delivered(tx, ask, agreement, made.files[0], made.columns, about, {}).id
        raise desk.evidence.refused(ask, agreement, decision)
