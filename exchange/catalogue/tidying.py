"""Gathers what is known of every interface in force, so that `exchange.catalogue.hygiene` can judge it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from sqlalchemy import Connection, Select, func, select

from exchange.catalogue import health, store
from exchange.catalogue.health import Gap, Health, Shared
from exchange.catalogue.hygiene import Proposal, Signs, proposals
from exchange.catalogue.model import State
from exchange.catalogue.news import News
from exchange.catalogue.probing import PROBES, WAIVERS
from exchange.catalogue.service import Catalogue
from exchange.catalogue.store import INTERFACES, VERSIONS
from exchange.clock import stamp
from exchange.errors import Invalid, NotFound
from exchange.parties.access import Caller, permit

Used = Callable[[Connection], Mapping[str, str]]
"""Interface → when it was last called with success."""


class Tidying:
    """Proposals to retire, mend or refresh. ``used`` is supplied from above: the broker knows the calls."""

    def __init__(self, catalogue: Catalogue, news: News) -> None:
        self.catalogue, self.news = catalogue, news
        self.database, self.ledger, self.clock = catalogue.database, catalogue.ledger, catalogue.clock
        self.used: Used = lambda _tx: {}

    def proposals(self, caller: Caller | None, department: str | None = None) -> list[Proposal]:
        """What seems dead: of the caller's own department; of all, or one, for the data office and the operator."""
        wanted = self._of(caller, department)
        with self.database.reading() as tx:
            return proposals(self._signs(tx, wanted), self.clock())

    def gaps(self, caller: Caller | None, department: str | None = None) -> list[Gap]:
        """Entries in force that lack something: of the caller's own department; of all, or one, for the data
        office and the operator."""
        wanted = self._of(caller, department)
        with self.database.reading() as tx:
            return health.gaps(tx, wanted, stamp(self.clock()))

    def shared(self, caller: Caller | None) -> list[Shared]:
        """Data elements several departments give, or one gives and another asks for."""
        permit(caller, "catalogue.tidy")
        with self.database.reading() as tx:
            return health.shared(tx)

    def health(self, caller: Caller | None) -> list[Health]:
        """How much of each department's services was seen to work."""
        if caller is not None:  # as much as the list of interfaces shows to anyone
            permit(caller, "interface.read")
        with self.database.reading() as tx:
            return health.health(tx)

    def refreshed(self, caller: Caller | None, interface: str, at: datetime | None = None) -> str:
        """Note that the data behind an interface were refreshed, now or at an instant of the past.

        Raises `NotFound`, `Invalid` for an instant to come.
        """
        permit(caller, "interface.endpoint")
        now = self.clock()
        when = at or now
        if when > now:
            raise Invalid(f"{stamp(when)} is still to come", hint="note it once it is done")
        with self.database.transaction() as tx:
            line = store.line(tx, interface)
            if line is None:
                raise NotFound(f"there is no interface {interface}")
            by = permit(caller, "interface.endpoint", owner=line.department)
            store.set_refreshed(tx, interface, stamp(when))
            body = {"interface": interface, "refreshed_at": stamp(when), "by": by.id}
            self.ledger.append(tx, "interface.refreshed", body)
        return stamp(when)

    @staticmethod
    def _of(caller: Caller | None, department: str | None) -> str | None:
        """The department whose entries the caller sees; None for all."""
        by = permit(caller, "catalogue.tidy")
        permit(by, "catalogue.tidy", owner=department if department is not None else by.party)
        return department if by.kind in ("data_office", "operator") else by.party

    def _signs(self, tx: Connection, department: str | None) -> list[Signs]:
        live = select(INTERFACES).where(INTERFACES.c.state.in_([State.PUBLISHED, State.DEPRECATED]))
        # what apps of vendors offer is not called through the exchange
        live = live.where(func.coalesce(INTERFACES.c.offered_by, "") == "")
        if department is not None:
            live = live.where(INTERFACES.c.department == department)
        first = _by_interface(
            tx, select(VERSIONS.c.interface, func.min(VERSIONS.c.published_at)).group_by(VERSIONS.c.interface)
        )
        passed = _by_interface(
            tx, select(PROBES.c.interface, func.max(PROBES.c.at)).where(PROBES.c.passed).group_by(PROBES.c.interface)
        )
        failing = _by_interface(tx, _failing())
        probed = _by_interface(tx, select(PROBES.c.interface, func.max(PROBES.c.at)).group_by(PROBES.c.interface))
        waived = _by_interface(tx, select(WAIVERS.c.interface, WAIVERS.c.until))
        called = self.used(tx)
        return [
            Signs(
                row.id,
                row.kind,
                row.department,
                row.title,
                first[row.id],
                called.get(row.id),
                len(self.news.parties(tx, row.id, row.department)),
                probed.get(row.id),
                failing.get(row.id),
                None if row.id in passed else waived.get(row.id),
                row.update_frequency or "",
                row.refreshed_at,
            )
            for row in tx.execute(live.order_by(INTERFACES.c.id)).all()
        ]


def _failing() -> Select[*tuple[object, ...]]:
    """For each interface the first probe that failed after the last one that passed."""
    good = PROBES.alias()
    last = select(func.max(good.c.at)).where(good.c.interface == PROBES.c.interface, good.c.passed).scalar_subquery()
    after = PROBES.c.at > func.coalesce(last, "")
    return select(PROBES.c.interface, func.min(PROBES.c.at)).where(~PROBES.c.passed, after).group_by(PROBES.c.interface)


def _by_interface(tx: Connection, query: Select[*tuple[object, ...]]) -> dict[str, str]:
    return {row[0]: row[1] for row in tx.execute(query)}  # type: ignore[misc]  # (interface, instant)
