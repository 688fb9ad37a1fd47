"""The lawful ways an agreement ends (政务数据共享条例 arts 20, 27), and what each has to state."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from enum import StrEnum

from sqlalchemy import Connection

from exchange.agreements import proceeding_store, store
from exchange.agreements.model import Agreement
from exchange.agreements.proceedings import Kind, Proceeding, Side
from exchange.agreements.violations import check_misuse
from exchange.errors import Conflict, Unprocessable


class Way(StrEnum):
    """Why an agreement ended: the ledger entry of the end says it.

    ``given-up`` by the requester; ``announced`` by the provider, consulted and filed; ``uncorrected``: a misuse was not
    corrected; ``misuse``: so grave that the authority ends the use at once; ``expired``: its period is over;
    ``superseded``: an entrustment by the next one of the same vendor and matter.
    """

    GIVEN_UP = "given-up"
    ANNOUNCED = "announced"
    UNCORRECTED = "uncorrected"
    MISUSE = "misuse"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"


def way_of(side: Side, uncorrected: bool, basis: str, code: str) -> Way:
    """How ``side`` may end an agreement at once now.

    Raises `Conflict` where a provider has to announce the end first, `Unprocessable` for an authority that states
    neither an uncorrected misuse nor a new one, and for a code where no misuse is decided.
    """
    if code and (side is not Side.AUTHORITY or uncorrected):
        raise Unprocessable(
            "a misuse is named in an order to correct, or by the authority that ends the use for it",
            hint="open a proceeding of kind order, or leave code out",
            pointer="/code",
        )
    if side is Side.CONSUMER:
        return Way.GIVEN_UP
    if uncorrected:
        return Way.UNCORRECTED
    if side is Side.PROVIDER:
        raise Conflict(
            "a provider does not end a running service without notice (art 27)",
            hint="POST /api/v1/proceedings with kind ending, the day (due), a reason (text) and its basis: it takes"
            " effect when the requester was consulted and the authority filed it; or order the correction of a misuse",
        )
    missing = [name for name, said in (("code", code), ("basis", basis)) if not said.strip()]
    if missing:
        raise Unprocessable(
            f"the authority ends an agreement for misuse; to do so at once it states: {', '.join(missing)}",
            hint="code: which misuse (R40-2 …), basis: the law it rests on; or open an order to correct it first",
            pointers=[f"/{name}" for name in missing],
        )
    check_misuse(code)
    return Way.MISUSE


def orders(tx: Connection, agreement: Agreement) -> Sequence[Proceeding]:
    """Orders to correct a misuse under an agreement, oldest first."""
    return proceeding_store.listed(tx, subjects=[agreement.id], kind=Kind.ORDER)


def uncorrected(tx: Connection, agreement: Agreement, day: date) -> bool:
    """Whether the user refused to correct a misuse, corrected it poorly, or is late with it."""
    given = orders(tx, agreement)
    if not given:
        return False
    running = store.clocks(tx, subject=given[-1].id, open_only=True)
    return given[-1].state == "failed" or any(clock.breached_at or clock.is_late(day) for clock in running)


def check_correctable(tx: Connection, agreement: Agreement) -> None:
    """Raises `Conflict` while the correction of a misuse is awaited, or was not made."""
    given = orders(tx, agreement)
    if given and (given[-1].is_open or given[-1].state == "failed"):
        raise Conflict(
            f"agreement {agreement.id} waits for the correction of a misuse",
            hint="accept the report of the correction, or give another order",
        )
