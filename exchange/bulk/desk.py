"""What every way out has in common: whose agreement it is, whether it holds, what is read and under which terms."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from exchange.agreements.model import Agreement
from exchange.agreements.service import Agreements
from exchange.brokering.model import Decision
from exchange.brokering.sources import SourceFailure
from exchange.bulk.connecting import Connecting
from exchange.bulk.evidence import Ask, Evidence
from exchange.bulk.masks import agreement_key
from exchange.bulk.model import Source, permitted, refuse, shareable
from exchange.bulk.plan import Unenforceable
from exchange.bulk.terms import Terms, stand, terms_of
from exchange.catalogue.model import Record
from exchange.clock import Clock
from exchange.errors import Forbidden, NotFound, TongbanError, Unprocessable
from exchange.parties.access import Caller, permit

PERSON = "GMSFHM"


class Desk:
    """Decides, and records what it refuses. The ways out only move bytes."""

    def __init__(self, connecting: Connecting, agreements: Agreements, masks: bytes, clock: Clock) -> None:
        """``masks``: 32 bytes that the mask keys of all agreements come from."""
        self.connecting, self.agreements, self.clock = connecting, agreements, clock
        self.database, self.ledger, self.catalogue = connecting.database, connecting.ledger, connecting.catalogue
        self.evidence = Evidence(self.database, self.ledger, agreements, clock)
        self._masks = masks

    def agreement(self, id: str, tx: Connection | None = None) -> tuple[Agreement | None, Record | None]:
        """An agreement by its id, whoever's, and the interface it is for while that is in force."""
        if tx is None:
            with self.database.reading() as inner:
                return self.agreement(id, inner)
        named = self.agreements.for_call(tx, "", "", id)
        if not named:
            return None, None
        try:
            record = self.catalogue.interface(named[0].interface)
        except NotFound:
            return named[0], None
        return named[0], record if record.state.live else None

    def caller(self, caller: Caller | None, agreement: str, table: str, purpose: str) -> Caller:
        """A caller whose role may fetch data. Raises `Unauthenticated`, or `Forbidden`, which is recorded."""
        try:
            return permit(caller, "exchange.call")
        except Forbidden as error:
            if caller is None:
                raise
            found, record = self.agreement(agreement)
            words = {"zh_CN": "该角色不得调用", "en": error.detail}
            ask = Ask(caller.party, caller.id, record, table, purpose, f"/tables/{table}")
            raise self.evidence.refused(ask, found, Decision(False, error.rule, words, error.hint)) from None

    def decide(
        self,
        agreement: Agreement | None,
        record: Record | None,
        ask: Ask,
        now: datetime,
        fields: tuple[str, ...] = (),
        *,
        aggregates: bool = False,
    ) -> Decision:
        """`permitted`, for a question as it is recorded."""
        return permitted(
            agreement,
            consumer=ask.consumer,
            interface=record.id if record else "",
            table=ask.table,
            purpose=ask.claimed,
            now=now,
            fields=fields,
            aggregates=aggregates,
        )

    def hold(
        self,
        agreement: Agreement | None,
        record: Record | None,
        ask: Ask,
        fields: tuple[str, ...] = (),
        *,
        aggregates: bool = False,
    ) -> tuple[Agreement, Record]:
        """Both, once it is certain that the question is permitted. Raises `Forbidden`, recorded."""
        decision = self.decide(agreement, record, ask, self.clock(), fields, aggregates=aggregates)
        if not decision.allowed:
            raise self.evidence.refused(ask, agreement, decision)
        if agreement is None or record is None:
            raise AssertionError("a permitted question has an agreement and an interface")
        return agreement, record

    def readable(self, ask: Ask, agreement: Agreement, record: Record) -> tuple[Source, Terms]:
        """The source of a table and the terms it is read under. Raises `Forbidden`, recorded."""
        try:
            shareable(ask.table)
            terms = terms_of(agreement, ask.table)
        except Unprocessable as error:
            decision = Decision(False, "unknown-term", {"zh_CN": "授权条件无法识别", "en": error.detail})
            raise self.evidence.refused(ask, agreement, decision) from None
        source = self.connecting.source(record, ask.table)
        if source is None:
            raise self.evidence.refused(ask, agreement, refuse("no-source"))
        return source, terms

    def unchanged(self, tx: Connection, agreement: Agreement, record: Record | None, table: str, made: str) -> Decision:
        """Whether what was made under terms of this `digest` may leave under those of now, from a source that is
        still connected. For an agreement that holds.
        """
        if not stand(agreement, table, made):
            return refuse("terms-changed")
        return Decision(True, "permitted", {}) if self.connecting.has(tx, record, table) else refuse("no-source")

    def stopped(self, ask: Ask, agreement: Agreement, error: Unenforceable | SourceFailure) -> TongbanError:
        """The error for terms that cannot be kept or a source that cannot be read, recorded."""
        if isinstance(error, SourceFailure) or error.rule == "column-missing":
            return self.evidence.failed(ask, agreement, error.rule)
        return self.evidence.refused(ask, agreement, refuse(error.rule, error.why))

    def key(self, agreement: str) -> bytes:
        """The mask key of an agreement."""
        return agreement_key(self._masks, agreement)

    def person(self, record: Record, table: str) -> str | None:
        """The column of a table that holds citizen numbers, by the element it is bound to."""
        fields = record.spec.table(table).fields
        return next((f.name for f in fields if (f.element or f.name).upper().endswith(PERSON)), None)
