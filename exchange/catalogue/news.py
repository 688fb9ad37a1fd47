"""Who hears of an interface's changes: parties that asked, and parties that rely on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from sqlalchemy import Connection

from exchange.catalogue import store, subscriptions
from exchange.catalogue.model import Version
from exchange.catalogue.subscriptions import Notice, Subscription
from exchange.clock import Clock, new_id, stamp
from exchange.database import Database
from exchange.errors import NotFound
from exchange.ledger.service import Ledger
from exchange.parties.access import Caller, permit
from specs.diff import Change, Level

SHOWN = 20
"""Changes told one by one in a notice or a refusal; the rest is counted."""
Dependants = Callable[[Connection, str], Iterable[str]]
"""Parties an interface's changes concern though they never asked to be told."""


class News:
    """Subscriptions and notices. Supplied from above when the service is wired: ``dependants``, who hold agreements
    and whom an end waits for; ``users``, who only try an interface (in a sandbox of theirs) and must hear of it too."""

    def __init__(self, database: Database, ledger: Ledger, clock: Clock) -> None:
        self.database, self.ledger, self.clock = database, ledger, clock
        self.dependants: Dependants = lambda _tx, _interface: ()
        self.users: Dependants = lambda _tx, _interface: ()

    def subscribe(self, caller: Caller | None, interface: str, consent: str | None = None) -> Subscription:
        """Ask to be told of an interface; ``consent`` names a version the party takes at once, however it breaks."""
        by = permit(caller, "interface.read")
        with self.database.transaction() as tx:
            line = store.line(tx, interface)
            if line is None or not line.state.public:
                raise NotFound(f"there is no interface {interface}", hint="search the catalogue")
            if consent is not None and store.version(tx, interface, consent) is None:
                raise NotFound(f"there is no version {consent} of {interface}")
            known = {one.party: one for one in subscriptions.subscriptions(tx, interface)}.get(by.party)
            since = known.since if known else stamp(self.clock())
            made = Subscription(interface, by.party, since, consent or (known.consented if known else None))
            subscriptions.subscribe(tx, made)
            body = {"interface": interface, "party": by.party, "consented": made.consented, "by": by.id}
            self.ledger.append(tx, "interface.subscribed", body)
        return made

    def unsubscribe(self, caller: Caller | None, interface: str) -> None:
        """Ask to be told no more. Raises `NotFound` without a subscription."""
        by = permit(caller, "interface.read")
        with self.database.transaction() as tx:
            if not subscriptions.unsubscribe(tx, interface, by.party):
                raise NotFound(f"{by.party} has not subscribed to {interface}")
            body = {"interface": interface, "party": by.party, "by": by.id}
            self.ledger.append(tx, "interface.unsubscribed", body)

    def subscribers(self, caller: Caller | None, interface: str) -> list[str]:
        """Parties that will be told: those who asked, rely on it or try it. Its department and the data office see
        them; anyone else sees whether they are among them."""
        by = permit(caller, "interface.read")
        with self.database.reading() as tx:
            line = store.line(tx, interface)
            if line is None:
                raise NotFound(f"there is no interface {interface}")
            found = self.parties(tx, interface, line.department)
        whole = by.party == line.department or by.kind in ("data_office", "operator")
        return found if whole else [party for party in found if party == by.party]

    def asked(self, caller: Caller, interface: str) -> bool:
        """Whether the caller's party subscribed itself, and may take that back."""
        with self.database.reading() as tx:
            return caller.party in {one.party for one in subscriptions.subscriptions(tx, interface)}

    def notices(self, caller: Caller | None, *, before: str | None = None, limit: int = 50) -> list[Notice]:
        """What the caller's party was told, newest first."""
        by = permit(caller, "interface.read")
        with self.database.reading() as tx:
            return subscriptions.notices(tx, by.party, before=before, limit=limit)

    def parties(self, tx: Connection, interface: str, department: str) -> list[str]:
        """Everybody but its department who will be told of an interface."""
        asked = {one.party for one in subscriptions.subscriptions(tx, interface)}
        concerned = {*self.dependants(tx, interface), *self.users(tx, interface)}
        return sorted((asked | concerned) - {department})

    def tell(
        self,
        tx: Connection,
        parties: Iterable[str],
        version: Version,
        kind: str,
        effective: str | None,
        changes: Sequence[Change],
        reason: str = "",
    ) -> None:
        """Write one notice for each party, with the breaking changes one by one."""
        now = self.clock()
        counts = {level.value: sum(change.level is level for change in changes) for level in Level}
        breaking = [change.to_json() for change in changes if change.level is Level.BREAKING]
        body = {"counts": counts, "breaking": breaking[:SHOWN], "reason": reason}
        for party in parties:
            id = new_id("ntc", now)
            notice = Notice(id, party, version.interface, version.version, kind, stamp(now), effective, body)
            subscriptions.tell(tx, notice)
