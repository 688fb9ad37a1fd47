"""What one transaction has read: a group of calls asks the database once for what they share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from exchange.agreements.model import Agreement
from exchange.agreements.service import Agreements
from exchange.catalogue.model import Record
from exchange.parties import credential_store as credentials
from exchange.parties.access import Caller

MOST = 10_000
"""Things remembered at a time."""
LONGEST = 1000
"""Characters of a purpose that is looked for; no agreement has a longer one."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A caller whose token was verified before. The signature stays good; who they are is asked at every call."""

    caller: Caller
    until: float
    spent: bytes
    """The key under which the token is revoked."""
    keys: Sequence[object]
    """The signing keys there were when it was verified: it holds while they are the same."""


class Sight:
    """Reads of a transaction in which nobody else writes, so each answer holds until it commits."""

    def __init__(self, agreements: Agreements) -> None:
        self._service = agreements
        self.keys: Callable[[], Sequence[object]] = tuple
        """Gives the signing keys there are now; looked at once a transaction."""
        self._keys: Sequence[object] = ()
        self._agreements: dict[tuple[str, str, str | None, str | None], list[Agreement]] = {}
        self._records: dict[str, Record | None] = {}
        self._callers: dict[tuple[str, bytes], tuple[str, str, frozenset[str]] | None] = {}
        self._purposes: dict[str, bool] = {}

    def on(self, tx: Connection, *, holds: bool) -> None:
        """Look through this transaction. ``holds``: nobody else wrote since the last one, so what was seen is true."""
        self._tx, self._keys = tx, self.keys()
        seen = len(self._agreements) + len(self._records) + len(self._callers) + len(self._purposes)
        if not holds or seen > MOST:
            self.forget()

    def forget(self) -> None:
        """See everything anew."""
        self._agreements.clear()
        self._records.clear()
        self._callers.clear()
        self._purposes.clear()

    def agreements(self, consumer: str, interface: str, named: str | None, matter: str | None) -> list[Agreement]:
        """Agreements a call may rest on, newest first; the one named whoever it belongs to."""
        key = (consumer, interface, named, matter)
        found = self._agreements.get(key)
        if found is None:
            found = self._service.for_call(self._tx, consumer, interface, named, matter=matter)
            self._agreements[key] = found
        return found

    def known(self, purpose: str) -> bool:
        """Whether some agreement has this purpose."""
        if len(purpose) > LONGEST or "\0" in purpose:
            return False
        if purpose not in self._purposes:
            self._purposes[purpose] = self._service.is_purpose(self._tx, purpose)
        return self._purposes[purpose]

    def unchanged(self, record: Record) -> bool:
        """Whether the interface still stands as it did when the call was read."""
        if record.id not in self._records:
            self._records[record.id] = self._service.catalogue.standing(self._tx, record.id)
        return self._records[record.id] == record

    def stands(self, standing: Standing) -> bool:
        """Whether the caller is still who they were: not revoked, of the same party, with the same roles or more."""
        if standing.keys != self._keys:  # a key that was taken away ends its tokens at once
            return False
        caller = standing.caller
        key = (caller.id, standing.spent)
        if key not in self._callers:
            found = credentials.client_identity(self._tx, *key)
            self._callers[key] = (found.party, found.kind.value, found.roles) if found else None
        now = self._callers[key]
        return now is not None and now[:2] == (caller.party, caller.kind) and caller.roles <= now[2]
