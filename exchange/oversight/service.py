"""What a data officer sees: flows, who gives to whom, findings. Reads through the services below, stores nothing."""

from __future__ import annotations

from typing import Any

from exchange.agreements.model import Agreement
from exchange.agreements.service import Agreements
from exchange.brokering.model import Delivery
from exchange.brokering.service import Broker
from exchange.oversight.model import Finding, Flow, Granted, findings, matrix
from exchange.parties.access import Caller, permit

EVERY = 100_000
"""Flows looked at for the matrix and findings: the newest ones."""


class Oversight:
    """Use cases of oversight. A department sees flows it takes part in, the data office all."""

    def __init__(self, agreements: Agreements, broker: Broker) -> None:
        self.agreements, self.broker = agreements, broker

    def flows(
        self,
        caller: Caller | None,
        *,
        outcome: str = "",
        consumer: str = "",
        interface: str = "",
        limit: int = 200,
    ) -> list[Flow]:
        """Newest first. ``outcome`` is ``delivered`` or ``refused``; empty filters let everything through."""
        caller = permit(caller, "flow.read")
        found = [flow(delivery) for delivery in self.broker.deliveries(caller, limit=EVERY)]
        chosen = (
            f
            for f in found
            if (not outcome or f.state == outcome)
            and (not consumer or f.consumer == consumer)
            and (not interface or f.interface == interface)
        )
        return [f for _, f in zip(range(limit), chosen, strict=False)]

    def matrix(self, caller: Caller | None) -> list[dict[str, Any]]:
        """Provider × consumer counts over the flows the caller may see."""
        return matrix(self.flows(caller, limit=EVERY))

    def findings(self, caller: Caller | None) -> list[Finding]:
        """What to look at, over the flows and agreements the caller may see."""
        caller = permit(caller, "flow.read")
        return findings(self.flows(caller, limit=EVERY), [granted(a) for a in self.agreements.agreements(caller)])


def flow(delivery: Delivery) -> Flow:
    """A delivery as oversight shows it."""
    return Flow(
        id=delivery.id,
        at=delivery.at,
        provider=delivery.provider or "?",
        consumer=delivery.consumer,
        interface=delivery.interface,
        operation=delivery.operation or "?",
        agreement=delivery.agreement,
        # a refused call shows the purpose it claimed: that is the news
        purpose=delivery.purpose or delivery.claimed,
        legal_basis=delivery.legal_basis or "",
        state=delivery.state.value,
        rule=delivery.rule,
        fields=delivery.fields,
        records=delivery.records,
        launch=delivery.launch,
        entry=delivery.entry,
    )


def granted(agreement: Agreement) -> Granted:
    """An agreement as oversight compares it with deliveries."""
    return Granted(
        id=agreement.id,
        provider=agreement.provider,
        consumer=agreement.consumer,
        interface=agreement.interface,
        fields=agreement.labels,
        state=agreement.state.value,
        since=agreement.starts_at,
    )
