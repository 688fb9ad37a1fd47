"""Streams: one Parquet, Arrow IPC or CSV file over HTTP, made for one request of a department."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from exchange.brokering.model import Decision
from exchange.brokering.sources import SourceFailure
from exchange.bulk import making
from exchange.bulk.desk import Desk
from exchange.bulk.evidence import Ask
from exchange.bulk.making import FORMATS
from exchange.bulk.model import refuse
from exchange.bulk.plan import Unenforceable
from exchange.bulk.terms import digest, stand
from exchange.clock import new_id
from exchange.errors import Unprocessable
from exchange.parties.access import Caller


@dataclass(frozen=True, slots=True)
class Streamed:
    """A file ready to leave; its receipt is durable. Whoever sends it calls `done` afterwards."""

    path: Path
    delivery: str
    records: int
    sha256: str

    def done(self) -> None:
        """Remove it."""
        shutil.rmtree(self.path.parent, ignore_errors=True)


class Streams:
    """Makes files for one request each. They wait on disk, not in memory, until their receipt is written."""

    def __init__(self, desk: Desk, work: Path) -> None:
        """``work``: the worker's own folder for what does not outlive it."""
        self.desk, self.home = desk, work / "streams"

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
    ) -> Streamed:
        """A table as one file. ``columns``, ``where`` (CEL) and ``limit`` narrow what is agreed, never widen it.

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
            decision = Decision(False, "request-filter", {"zh_CN": "查询条件无法使用", "en": error.detail}, error.hint)
            told = desk.evidence.refused(ask, agreement, decision)
            raise Unprocessable(error.detail, hint=error.hint, **told.extra) from None
        path = folder / made.files[0].name
        try:
            delivery = self._released(ask, agreement_id, made, folder, digest(terms))
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return Streamed(path, delivery, made.records, made.files[0].sha256)

    def _released(self, ask: Ask, agreement_id: str, made: making.Made, folder: Path, made_by: str) -> str:
        desk = self.desk
        with desk.database.transaction() as tx:
            # decided again in the transaction that proves it: an agreement may have ended or changed meanwhile
            agreement, record = desk.agreement(agreement_id, tx)
            decision = desk.decide(agreement, record, ask, desk.clock())
            if decision.allowed and agreement is not None and not stand(agreement, ask.table, made_by):
                decision = refuse("terms-changed")
            if decision.allowed and agreement is not None:
                about = making.subjects_of(folder)
                return desk.evidence.delivered(tx, ask, agreement, made.files[0], made.columns, about, {}).id
        raise desk.evidence.refused(ask, agreement, decision)
