"""Duties that begin elsewhere in the exchange: returning data to a lower level (政务数据共享条例 art 24), rectifying
what was rated badly, reminding of a rating.

Who sees what begins or ends them calls these in its own transaction: pushing for a return flow, the market for ratings.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from exchange.agreements import proceeding_store, store
from exchange.agreements.calendar import today
from exchange.agreements.clocks import Running
from exchange.agreements.effects import effect
from exchange.agreements.model import Agreement
from exchange.agreements.proceedings import Kind, Proceeding, Side
from exchange.agreements.service import Agreements

PLATFORM = "operator"
"""Party whose duty the platform's own clocks are."""
POOR = 2
"""不满意 and 非常不满意: levels at which the office served has to rectify."""


class Duties:
    """C9, C13 and C14, begun and ended by what happens in features above."""

    def __init__(self, agreements: Agreements) -> None:
        self.clock, self.docket, self.deadlines = agreements.clock, agreements.docket, agreements.deadlines

    # ---- return flow (C9)

    def wanted(self, tx: Connection, agreement: Agreement, division: str, by: str) -> Proceeding:
        """A lower level wants the data of its division back under an agreement: the return clock runs, once each."""
        found = self._wanted(tx, agreement.id, division)
        if found is not None:
            return found
        sides = (agreement.consumer, agreement.provider)
        facts = {"division": division}
        made = self.docket.open(
            tx, Kind.RETURN, agreement.id, sides, agreement.interface, side=Side.CONSUMER, by=by, facts=facts
        )
        effect(tx, self.deadlines, made, "open")
        return made

    def returned(self, tx: Connection, agreement: str, division: str) -> None:
        """Records of a division reached the lower level: the clock is met by the first."""
        found = self._wanted(tx, agreement, division)
        if found is not None and found.state == "wanted":
            effect(tx, self.deadlines, self.docket.act(tx, found, "return"), "return")

    def unwanted(self, tx: Connection, agreement: str, division: str) -> None:
        """The lower level waits no more."""
        found = self._wanted(tx, agreement, division)
        if found is not None:
            effect(tx, self.deadlines, self.docket.act(tx, found, "close"), "close")

    def _wanted(self, tx: Connection, agreement: str, division: str) -> Proceeding | None:
        found = proceeding_store.listed(tx, subjects=[agreement], kind=Kind.RETURN, open_only=True)
        return next((one for one in found if one.facts["division"] == division), None)

    # ---- ratings (C13, C14)

    def finished(self, tx: Connection, matter: str) -> None:
        """A handled matter is finished and not rated yet: the clock of the reminder runs."""
        self.deadlines.start(tx, "C14", matter, PLATFORM)

    def rated(self, tx: Connection, matter: str, level: int, office: str, interface: str) -> Proceeding | None:
        """A handled matter was rated: no reminder any more; a poor level opens a rectification of the office served.

        Neither the person nor the comment is passed on.
        """
        self.deadlines.drop(tx, matter, "C14")
        if level > POOR:
            return None
        made = self.docket.open(tx, Kind.RECTIFICATION, matter, ("", office), interface, facts={"level": level})
        effect(tx, self.deadlines, made, "open")
        return made

    def to_remind(self, tx: Connection, limit: int) -> Sequence[Running]:
        """Reminders whose day has come, those due first."""
        return store.clocks(tx, rule="C14", open_only=True, due_by=today(self.clock()), limit=limit)

    def reminded(self, tx: Connection, matter: str) -> None:
        """The person was reminded."""
        self.deadlines.meet(tx, matter, "C14")
