"""What consumers and providers ask of pushing, and what is wrong with it before anything is looked up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from exchange.errors import Unprocessable
from exchange.pushing.model import NOTHING, Call, Kind


@dataclass(frozen=True, slots=True)
class Wish:
    """What a consumer asks for. ``call`` is what a schedule asks the provider; events bring their own."""

    agreement: str
    operation: str
    purpose: str
    destination: str
    kind: str = Kind.EVENT
    every: str | None = None
    at: str | None = None
    call: Call | None = None
    division: str | None = None
    division_field: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """What a provider says has happened: the call whose answer changed, and the answer (``record``) if it likes.

    Without a record the exchange asks the provider for it, once for each subscription. ``division`` is for return
    flows, where the record itself does not say.
    """

    interface: str
    operation: str
    id: str
    call: Call
    record: Any = NOTHING
    division: str | None = None


def kind_of(wish: Wish) -> Kind:
    """What is wished for. Raises `Unprocessable` for what does not go together."""
    kinds = [kind.value for kind in Kind]
    if wish.kind not in kinds:
        raise Unprocessable(f"a push is one of: {', '.join(kinds)}", pointer="/kind")
    kind = Kind(wish.kind)
    if (kind is Kind.SCHEDULE) != (wish.every is not None) and kind is not Kind.RETURN:
        raise Unprocessable("a schedule says every, an event does not", hint='"every": "P1D"', pointer="/every")
    if (kind is Kind.RETURN) != (wish.division is not None):
        raise Unprocessable("a return flow names its division, others do not", pointer="/division")
    if wish.every is None and (wish.call is not None or wish.at is not None):
        raise Unprocessable("only a schedule has a call and a time of its own", pointer="/call")
    return kind


def divides(name: str) -> bool:
    """Whether a data element, or a field of that name, is the code of a division."""
    return name.upper().endswith(("XZQH", "XZQHDM"))


def call_json(call: Call) -> dict[str, Any]:
    """A call as it is kept."""
    return {"path": dict(call.path), "query": call.query, "body": call.body}
