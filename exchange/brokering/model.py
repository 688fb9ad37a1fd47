"""The broker's decision: a pure function with named rules. Whatever no agreement permits is refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from exchange.agreements.model import Agreement, AgreementState
from exchange.agreements.scope import name_of
from exchange.agreements.wish import Mode
from exchange.brokering import terms
from exchange.clock import moment
from specs.words import Text

UNLISTED = "(other)"
"""Stands for a purpose no agreement has: what a refused caller wrote could be anything, and erasable payload only."""


class Launch(Protocol):
    """What a gateway token stands for: a citizen's use of one listed app. The market above knows how to
    resolve it.
    """

    @property
    def id(self) -> str: ...
    @property
    def vendor(self) -> str: ...
    @property
    def matter(self) -> str: ...
    @property
    def handled_matter(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Request:
    """A call as far as the decision goes. ``operation`` None: method and path match none of the interface.

    ``fields``: top-level answer fields asked for by name (query ``fields=``). ``matter``: of the launch, for
    an app.
    """

    consumer: str
    interface: str
    operation: str | None
    purpose: str
    fields: tuple[str, ...] = ()
    matter: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """``rule`` names what decided; ``fields`` are the pointer templates that may leave (empty when
    refused).
    """

    allowed: bool
    rule: str
    reason: Text
    hint: str = ""
    fields: tuple[str, ...] = ()


class State(StrEnum):
    """Life of a delivery. ``permitted`` with no end is a call whose outcome is unknown: the service was
    killed.
    """

    PERMITTED = "permitted"
    DELIVERED = "delivered"
    FAILED = "failed"
    WITHHELD = "withheld"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One call through the broker and what became of it. Names and counts only, never values or raw paths.

    ``fields``: labels of the fields that left. ``entry``: ledger index of the last thing recorded about it:
    the receipt once delivered. ``claimed``: the purpose the consumer stated, `UNLISTED` when no agreement has it.
    """

    id: str
    at: str
    state: State
    rule: str
    consumer: str
    interface: str
    entry: int
    caller: str = ""
    provider: str | None = None
    version: str | None = None
    operation: str | None = None
    method: str = ""
    path: str | None = None
    agreement: str | None = None
    purpose: str | None = None
    claimed: str = ""
    legal_basis: str | None = None
    launch: str | None = None
    handled_matter: str | None = None
    status: int | None = None
    fields: tuple[str, ...] = ()
    records: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    done_at: str | None = None

    @property
    def allowed(self) -> bool:
        """Whether data left under this delivery."""
        return self.state is State.DELIVERED


@dataclass(frozen=True, slots=True)
class End:
    """What became of a delivery: the part of it that is not known when it is permitted."""

    state: State
    rule: str
    status: int | None = None
    fields: tuple[str, ...] = ()
    records: int = 0
    bytes_out: int = 0
    done_at: str | None = None


@dataclass(frozen=True, slots=True)
class QualityFinding:
    """A provider did not keep its own interface. ``pointer`` leads into the schema, so it holds nobody's
    data.
    """

    id: str
    at: str
    delivery: str
    provider: str
    interface: str
    version: str
    operation: str
    rule: str
    pointer: str
    status: int | None


RULES: Mapping[str, tuple[str, str, str]] = {
    # rule: (zh_CN, en, what to do)
    "permitted": ("授权允许", "the agreement permits it", ""),
    "no-agreement": (
        "没有共享授权",
        "no agreement covers this interface",
        "file an application at POST /api/v1/applications",
    ),
    "other-consumer": (
        "该授权属于其他机构",
        "the agreement named was made with another party",
        "name an agreement of your own: GET /api/v1/agreements",
    ),
    "other-interface": (
        "该授权针对其他接口",
        "the agreement named is for another interface",
        "leave out Tongban-Agreement or name the one for this interface",
    ),
    "launch-required": (
        "该授权仅在公民使用应用时有效",
        "the agreement entrusts an app and holds only for a citizen's launch of that matter",
        "call through /gateway with the launch token the app was opened with",
    ),
    "other-mode": (
        "授权的共享方式不同",
        "the agreement is for another way of delivery",
        "apply for the mode service",
    ),
    "not-yet": ("授权尚未生效", "the agreement has not begun", "wait for its first day"),
    "agreement-not-active": (
        "授权已中止或终止",
        "the agreement is suspended or terminated",
        "read why at GET /api/v1/agreements and clear it with the provider",
    ),
    "expired": (
        "授权已到期",
        "the agreement has expired",
        "file a new application if the purpose still holds",
    ),
    "unknown-operation": (
        "接口没有该操作",
        "the interface has no operation with this method and path",
        "compare method and path with the published document",
    ),
    "operation-not-agreed": (
        "该操作不在授权范围内",
        "the agreement does not cover this operation",
        "apply for the operation",
    ),
    "purpose-missing": (
        "未说明用途",
        "the call states no purpose",
        "send the agreed purpose in Tongban-Purpose (percent-encoded UTF-8)",
    ),
    "purpose-mismatch": (
        "用途与授权不符",
        "the purpose stated is not the one agreed (art 25)",
        "use the data for the agreed purpose only, or apply for this one",
    ),
    "fields-beyond-scope": (
        "请求的数据项超出授权范围",
        "fields were asked for that are not agreed",
        "ask for agreed fields only, or apply for the others",
    ),
    "unknown-term": (
        "授权含有无法执行的条件",
        "the agreement has a condition this exchange cannot enforce",
        "tell the operator: an unenforceable condition refuses every call",
    ),
}
"""Every rule `decide` can name, in both languages, with the next step; docs/brokering.md lists them."""

_PERMITTED = {"zh_CN": RULES["permitted"][0], "en": RULES["permitted"][1]}


def decide(agreement: Agreement | None, request: Request, now: datetime) -> Decision:
    """Whether this call may pass under this agreement, the first rule that refuses, and the fields that may
    leave.
    """
    if agreement is None:
        return refuse("no-agreement")
    if rule := _wrong_agreement(agreement, request) or _not_in_force(agreement, now):
        return refuse(rule)
    if request.operation is None:
        return refuse("unknown-operation")
    scope = agreement.scope.get(request.operation)
    if not scope:
        return refuse("operation-not-agreed")
    if not request.purpose:
        return refuse("purpose-missing")
    if request.purpose != agreement.purpose:
        return refuse("purpose-mismatch")
    if request.fields and "" not in scope and (beyond := sorted(set(request.fields) - heads(scope))):
        return refuse("fields-beyond-scope", f"not agreed: {', '.join(beyond)}")
    return Decision(True, "permitted", _PERMITTED, fields=scope)


def covers(agreement: Agreement, operation: str, scope: Iterable[str], terms: Mapping[str, Any]) -> bool:
    """Whether an agreement lets out, just so, what was cut to a scope under terms: nothing was taken back since."""
    return set(scope) <= set(agreement.scope.get(operation, ())) and agreement.terms == terms


def refuse(rule: str, more: str = "") -> Decision:
    """A refusal in the words of `RULES`; ``more`` adds what is particular to this call."""
    chinese, english, hint = RULES[rule]
    tail = f" ({more})" if more else ""
    return Decision(False, rule, {"zh_CN": chinese + tail, "en": english + tail}, hint)


def heads(scope: tuple[str, ...]) -> frozenset[str]:
    """Names of the top-level answer fields under which something is agreed; the record of a list is top
    level too.
    """
    found = set()
    for template in scope:
        first = next((part for part in template.split("/")[1:] if part != "*"), "")
        found.add(name_of(first))
    return frozenset(found)


def _wrong_agreement(agreement: Agreement, request: Request) -> str | None:
    if agreement.consumer != request.consumer:
        return "other-consumer"
    if agreement.interface != request.interface:
        return "other-interface"
    if agreement.matter != request.matter:
        return "launch-required"
    if agreement.mode is not Mode.SERVICE:
        return "other-mode"
    try:
        terms.read(agreement.terms)
    except terms.Unreadable:
        return "unknown-term"
    return None


def in_force(agreement: Agreement, now: datetime) -> bool:
    """Whether calls may rest on it now: it has begun, and is neither over nor suspended."""
    return _not_in_force(agreement, now) is None


def _not_in_force(agreement: Agreement, now: datetime) -> str | None:
    state = agreement.state_at(now)
    if state is AgreementState.EXPIRED:
        return "expired"
    if state is not AgreementState.ACTIVE:
        return "agreement-not-active"
    return "not-yet" if now < moment(agreement.starts_at) else None
