"""Bulk sharing: what an agreement gives of a table at each version, and files that leave one by one."""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row

from exchange.agreements.model import Agreement, AgreementState
from exchange.brokering.model import Decision
from exchange.brokering.sources import SourceFailure
from exchange.bulk import making, store
from exchange.bulk.desk import Desk
from exchange.bulk.evidence import Ask
from exchange.bulk.model import File, Opened, Snapshot, Source, refuse
from exchange.bulk.plan import Unenforceable
from exchange.bulk.shares import Recipient, Shares
from exchange.bulk.terms import Terms, digest
from exchange.bulk.urls import Urls
from exchange.catalogue.model import Record
from exchange.clock import new_id, stamp
from exchange.errors import NotFound
from exchange.parties.access import Caller

SMALL_ROWS = 8192
"""Up to this many rows a limit gets a file of its own instead of a whole one."""
HEADS = 1_000_000
"""Numbers of such files begin here."""
ENDED = (AgreementState.TERMINATED, AgreementState.EXPIRED)


@dataclass(frozen=True, slots=True)
class _Leaving:
    """All that decides whether a file may leave. ``first``: it would be for the first time in its query."""

    ask: Ask
    agreement: Agreement
    decision: Decision
    snapshot: Snapshot | None
    file: File | None
    first: bool


class Bulk:
    """Tables shared in bulk. Its methods are safe to call from any thread and process."""

    def __init__(self, desk: Desk, home: Path, work: Path, urls: Urls) -> None:
        """``home``: where snapshots are kept; ``work``: the worker's own folder for what is being made."""
        self.desk, self.home, self.work, self.urls, self.clock = desk, home, work, urls, desk.clock
        self.database, self.ledger = desk.database, desk.ledger
        self.shares = Shares(desk)
        self._making: defaultdict[tuple[str, str], threading.Lock] = defaultdict(threading.Lock)

    # ---- what a table is

    def look(self, recipient: Recipient, table: str) -> Snapshot:
        """What the token gives of a table now. Raises `NotFound`, `Forbidden` with the rule, `Upstream`."""
        if table not in recipient.agreement.scope:
            raise NotFound("no such table is shared with this token", hint="list what there is: GET {endpoint}/shares")
        ask = recipient.ask(table)
        agreement, record = self.desk.hold(recipient.agreement, recipient.record, ask)
        return self._current(ask, agreement, record)

    def open(self, recipient: Recipient, table: str, limit: int | None) -> tuple[Opened, Snapshot, tuple[File, ...]]:
        """Permit a query: the files that answer it, which may be fetched by URL while the agreement lasts."""
        snapshot = self.look(recipient, table)
        files = self._chosen(snapshot, limit)
        now, agreement, share = self.clock(), recipient.agreement, recipient.share
        numbers = tuple(file.number for file in files)
        opened = Opened(
            new_id("qry", now), agreement.id, snapshot.id, table, share.id, share.issued_by, stamp(now), numbers
        )
        body = {
            "query": opened.id,
            "agreement": opened.agreement,
            "consumer": agreement.consumer,
            "provider": agreement.provider,
            "interface": agreement.interface,
            "table": table,
            "table_version": snapshot.version,
            "share": opened.share,
            "files": len(files),
            "files_sha256": hashlib.sha256("\n".join(file.sha256 for file in files).encode()).hexdigest(),
        }
        with self.database.transaction() as tx:
            store.add_query(tx, opened)
            self.ledger.append(tx, "bulk.opened", body)
        return opened, snapshot, files

    def reopened(self, recipient: Recipient, table: str, token: str) -> tuple[Opened, Snapshot, tuple[File, ...]]:
        """New URLs for the files of an earlier query of this token: the same flow goes on."""
        id = self.urls.query_of(token)
        ask = recipient.ask(table)
        agreement, record = self.desk.hold(recipient.agreement, recipient.record, ask)
        with self.database.transaction() as tx:
            opened = store.query(tx, id)
            snapshot = store.snapshot(tx, opened.snapshot) if opened else None
            if opened is None or snapshot is None or (opened.share, opened.table) != (recipient.share.id, table):
                raise NotFound("these files are not kept any more", hint="query the table again")
            decision = self.desk.unchanged(tx, agreement, record, table, snapshot.terms)
            store.renew_query(tx, id, stamp(self.clock()))
        if not decision.allowed:
            raise self.desk.evidence.refused(ask, agreement, decision)
        return opened, snapshot, tuple(file for file in snapshot.files if file.number in opened.numbers)

    # ---- files

    def file(self, query: str, number: int, expires: str, signature: str, *, look: bool) -> tuple[Path, File]:
        """A file by its signed URL. The first time it leaves, its receipt is committed before this returns.

        ``look``: only its size is asked for, nothing leaves. Raises `Forbidden` with the rule, recorded, and
        `NotFound` once the files are gone.
        """
        now = self.clock()
        self.urls.check(query, number, expires, signature, now)
        with self.database.reading() as tx:
            found = self._leaving(tx, query, number, now)
        if found.decision.allowed and found.first and not look and found.snapshot:
            about = making.subjects_of(self._folder(found.snapshot))
            with self.database.transaction() as tx:
                # decided again in the transaction that proves it: who ends an agreement waits for it, or it for them
                found = self._leaving(tx, query, number, now)
                if found.decision.allowed and found.first and found.snapshot and found.file:
                    more = {"query": query, "table_version": found.snapshot.version, "file": number}
                    columns = found.snapshot.columns
                    made = self.desk.evidence.delivered(
                        tx, found.ask, found.agreement, found.file, columns, about, more
                    )
                    store.add_flow(tx, query, number, made.id, made.at)
        if not found.decision.allowed:
            raise self.desk.evidence.refused(found.ask, found.agreement, found.decision)
        path = self._folder(found.snapshot) / found.file.name if found.snapshot and found.file else None
        if path is None or found.file is None or not _whole(path, found.file):
            raise NotFound("the file is not kept any more", hint="query the table again")
        return path, found.file

    def sent(self, query: str, number: int, count: int) -> None:
        """Count the bytes a request really moved; a file that never left has no flow to count in."""
        with self.database.transaction() as tx:
            store.count_flow(tx, query, number, count, stamp(self.clock()))

    def flows(self, caller: Caller | None, agreement_id: str) -> list[Row[Any]]:
        """Files that left under an agreement, with requests and bytes, for both its sides and the authority."""
        found = self.desk.agreements.agreement(caller, agreement_id)
        with self.database.reading() as tx:
            return store.flows(tx, found.id)

    def tables(self, caller: Caller | None, agreement_id: str) -> list[tuple[str, bool, Snapshot | None]]:
        """Each table of an agreement: its name, whether a source is connected, and the newest version that was made.

        For both sides of the agreement and the authority.
        """
        found = self.desk.agreements.agreement(caller, agreement_id)
        with self.database.reading() as tx:
            return [
                (name, store.source(tx, found.interface, name) is not None, store.newest(tx, found.id, name))
                for name in sorted(found.scope)
            ]

    def due(self) -> None:
        """Remove files nobody may fetch any more: of ended agreements, and versions no URL leads to."""
        now = self.clock()
        with self.database.reading() as tx:
            over = [snapshot for snapshot in store.kept(tx) if self._over(tx, snapshot, now)]
        for snapshot in over:
            with self.database.transaction() as tx:
                store.gone(tx, snapshot.id, stamp(now))
            shutil.rmtree(self._folder(snapshot), ignore_errors=True)

    def clear(self) -> None:
        """At start: remove what a killed service left half made, and files that no snapshot ever became."""
        shutil.rmtree(self.work, ignore_errors=True)
        with self.database.transaction() as tx:  # a folder takes its place in the transaction that writes its row
            known = {snapshot.id for snapshot in store.kept(tx)}
            left = [path for path in (self.home / "snapshots").glob("*/*") if path.name not in known]
        for path in left:
            shutil.rmtree(path, ignore_errors=True)

    # ---- inside

    def _current(self, ask: Ask, agreement: Agreement, record: Record) -> Snapshot:
        """The newest snapshot, made first if the source, the scope or the terms are other than last time."""
        source, terms = self.desk.readable(ask, agreement, record)
        with self._making[agreement.id, ask.table]:
            try:
                now = self._fingerprint(source, terms)
                with self.database.reading() as tx:
                    found = store.newest(tx, agreement.id, ask.table)
                if found and found.fingerprint == now and self._kept(found):
                    return found
                return self._make(source, terms, agreement, record, ask.table, now)
            except (Unenforceable, SourceFailure) as error:
                raise self.desk.stopped(ask, agreement, error) from None

    def _make(
        self, source: Source, terms: Terms, agreement: Agreement, record: Record, table: str, state: str
    ) -> Snapshot:
        now = self.clock()
        id = new_id("snp", now)
        folder = self.work / "made" / id
        person, key = self.desk.person(record, table), self.desk.key(agreement.id)
        made = making.snapshot(self.desk.connecting.sources, source, terms, key, folder, person)
        with self.database.transaction() as tx:
            other = store.newest(tx, agreement.id, table)
            if other and other.fingerprint == state and self._kept(other):
                shutil.rmtree(folder)  # another worker was quicker
                return other
            version = store.last_version(tx, agreement.id, table) + 1
            snapshot = Snapshot(
                id, agreement.id, table, version, state, stamp(now), made.schema, made.columns, made.files
            )
            store.add_snapshot(tx, snapshot)
            place = self._folder(snapshot)
            place.parent.mkdir(parents=True, exist_ok=True)
            os.replace(folder, place)
        return snapshot

    def _kept(self, snapshot: Snapshot) -> bool:
        return all(_whole(self._folder(snapshot) / file.name, file) for file in snapshot.files)

    def _fingerprint(self, source: Source, terms: Terms) -> str:
        return f"{digest(terms)}:{self.desk.connecting.sources.stamp(source, self.clock())}"

    def _chosen(self, snapshot: Snapshot, limit: int | None) -> tuple[File, ...]:
        """The files that hold at least the first ``limit`` rows: the client reads whole files before it cuts."""
        if limit is None:
            return snapshot.whole
        if limit == 0:
            return ()
        # a file of few rows is about persons the ledger names one by one, so it leaves as it is
        if limit <= SMALL_ROWS and snapshot.whole[0].records > max(2 * limit, making.MOST_SUBJECTS):
            return (self._head(snapshot, 1 << (limit - 1).bit_length()),)
        chosen: list[File] = []
        for file in snapshot.whole:
            if chosen and sum(one.records for one in chosen) >= limit:
                break
            chosen.append(file)
        return tuple(chosen)

    def _head(self, snapshot: Snapshot, rows: int) -> File:
        known = next((file for file in snapshot.files if file.head == rows), None)
        if known is not None:
            return known
        folder = self._folder(snapshot)
        path = folder / f"head-{rows}.parquet"
        with self._making[snapshot.agreement, snapshot.table]:
            count = making.head(folder / snapshot.whole[0].name, rows, path)
            made = making.measured(HEADS + rows, path, count, rows)
            with self.database.transaction() as tx:
                again = store.snapshot(tx, snapshot.id)
                known = next((file for file in again.files if file.head == rows), None) if again else made
                if known is None:
                    store.add_file(tx, snapshot.id, made)
        return known or made

    def _over(self, tx: Connection, snapshot: Snapshot, now: datetime) -> bool:
        agreement, _ = self.desk.agreement(snapshot.agreement, tx)
        if agreement is None or agreement.state_at(now) in ENDED:
            return True
        newest = store.newest(tx, snapshot.agreement, snapshot.table)
        opened = store.last_opened(tx, snapshot.id) or snapshot.made_at
        # twice as long as a URL lasts: one made at the last moment is still good
        return newest is not None and newest.id != snapshot.id and opened < stamp(now - 2 * self.urls.lasting)

    def _leaving(self, tx: Connection, query: str, number: int, now: datetime) -> _Leaving:
        opened = store.query(tx, query)
        share = store.share(tx, id=opened.share) if opened else None
        agreement, record = self.desk.agreement(opened.agreement, tx) if opened else (None, None)
        if opened is None or share is None or agreement is None:
            raise NotFound("the file is not kept any more", hint="query the table again")
        ask = Recipient(share, agreement, record).ask(opened.table)
        decision = self.desk.decide(agreement, record, ask, now)
        if decision.allowed and share.revoked_at is not None:
            decision = refuse("share-revoked")
        snapshot = store.snapshot(tx, opened.snapshot)
        if decision.allowed and snapshot:
            decision = self.desk.unchanged(tx, agreement, record, opened.table, snapshot.terms)
        files = snapshot.files if snapshot else ()
        file = next((one for one in files if one.number == number and number in opened.numbers), None)
        return _Leaving(ask, agreement, decision, snapshot, file, store.flow(tx, query, number) is None)

    def _folder(self, snapshot: Snapshot) -> Path:
        return self.home / "snapshots" / snapshot.agreement / snapshot.id


def _whole(path: Path, file: File) -> bool:
    """Whether a file is there to its last byte: one a power cut shortened never leaves."""
    try:
        return path.stat().st_size == file.bytes
    except OSError:
        return False
