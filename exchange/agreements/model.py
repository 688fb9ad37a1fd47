"""Sharing applications and agreements (政务数据共享条例 arts 14, 20–22, 27): values and state machines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from exchange.agreements.scope import label
from exchange.agreements.wish import Gap, Mode, Wish, scope_of
from exchange.clock import moment, stamp
from exchange.errors import Conflict, Unprocessable
from specs.model import Interface


class Sharing(StrEnum):
    """共享属性 of a catalogue entry (art 14)."""

    UNCONDITIONAL = "unconditional"
    CONDITIONAL = "conditional"
    NONE = "none"


class ApplicationState(StrEnum):
    """Life of an application. There is no rejection for being incomplete: the law forbids it."""

    INCOMPLETE = "incomplete"
    FILED = "filed"
    CONSENTED = "consented"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class AgreementState(StrEnum):
    """Life of an agreement; it expires by itself at ``expires_at`` whatever the stored state says."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    TERMINATED = "terminated"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Reply:
    """The provider's answer (art 21). ``basis``: the law a refusal, or a consent under ``terms``, rests on.

    ``disposal``: what the provider demands of the requester once the use has ended (art 27), within
    ``disposal_days``. ``terms``: conditions of the consent, which the broker enforces.
    """

    consent: bool
    by: str
    at: str
    reason: str = ""
    basis: str = ""
    automatic: bool = False
    disposal: str = ""
    disposal_days: int | None = None
    terms: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Application:
    """共享申请. ``missing`` is the one notice of everything missing; it is never extended afterwards."""

    id: str
    consumer: str
    provider: str
    wish: Wish
    sharing: Sharing
    state: ApplicationState
    filed_by: str
    filed_at: str
    missing: tuple[Gap, ...] = ()
    completed_at: str | None = None
    reply: Reply | None = None
    agreement: str | None = None


@dataclass(frozen=True, slots=True)
class Agreement:
    """共享授权: who may call what of whom, for which purpose, and which places of the answers may leave.

    ``scope`` maps operation id (or table name) to pointer templates. ``matter`` is set on an entrustment to a
    vendor (art 36): usable only on behalf of a citizen's launch. ``terms``: further conditions, each of which
    the broker must know how to enforce; one it does not know refuses every call.
    """

    id: str
    application: str | None
    consumer: str
    provider: str
    interface: str
    version: str
    mode: Mode
    purpose: str
    legal_basis: str
    scenario: str
    fields: tuple[str, ...]
    scope: Mapping[str, tuple[str, ...]]
    starts_at: str
    expires_at: str
    state: AgreementState = AgreementState.ACTIVE
    matter: str | None = None
    terms: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""

    @property
    def labels(self) -> tuple[str, ...]:
        """The agreed fields under the names deliveries record, so that the two can be compared."""
        return tuple(sorted({label(template) for templates in self.scope.values() for template in templates}))

    def state_at(self, now: datetime) -> AgreementState:
        """The state in force at ``now``: an agreement whose time has passed is expired even if nobody noted
        it.
        """
        ended = self.state in (AgreementState.TERMINATED, AgreementState.EXPIRED)
        return self.state if ended or now < moment(self.expires_at) else AgreementState.EXPIRED


CLASSES = {"1": Sharing.UNCONDITIONAL, "2": Sharing.CONDITIONAL, "3": Sharing.NONE}
"""Codes of 共享类型 in catalogue entries (发改高技〔2017〕1272号)."""


def sharing_class(interface: Interface) -> Sharing:
    """共享属性 of the catalogue entry an interface carries (``x-catalogue``), conditional by default."""
    return CLASSES.get(str(_entry(interface).get("sharing_class", "")), Sharing.CONDITIONAL)


def sharing_basis(interface: Interface) -> str:
    """The law the catalogue entry names, as one line; "" when it names none."""
    laws = _entry(interface).get("legal_basis", ())
    named = [f"{law.get('law', '')} {law.get('article', '')}".strip() for law in laws if isinstance(law, Mapping)]
    return "; ".join(part for part in named if part)


def _entry(interface: Interface) -> Mapping[str, Any]:
    entry = interface.extensions.get("x-catalogue")
    return entry if isinstance(entry, Mapping) else {}


STEPS: Mapping[str, tuple[frozenset[ApplicationState], ApplicationState]] = {
    "complete": (frozenset({ApplicationState.INCOMPLETE}), ApplicationState.FILED),
    "withdraw": (frozenset({ApplicationState.INCOMPLETE, ApplicationState.FILED}), ApplicationState.WITHDRAWN),
    "consent": (frozenset({ApplicationState.FILED}), ApplicationState.CONSENTED),
    "refuse": (frozenset({ApplicationState.FILED}), ApplicationState.REFUSED),
}
"""Every transition of an application. None leads from incomplete to refused: the law forbids it (art 21)."""
WHY = {
    "complete": "only an incomplete one is completed",
    "withdraw": "only an undecided one is withdrawn",
    "consent": "not waiting for an answer",
    "refuse": "not waiting for an answer",
}
LONGEST_DISPOSAL = 3650


def step(application: Application, verb: str) -> Application:
    """The application after ``complete``, ``withdraw``, ``consent`` or ``refuse``. Raises `Conflict`."""
    sources, target = STEPS[verb]
    if application.state not in sources:
        raise Conflict(
            f"application {application.id} is {application.state}, {WHY[verb]}",
            hint="an incomplete one is completed by its requester first; a decided one stays decided",
        )
    return replace(application, state=target)


def check_reply(application: Application, reply: Reply) -> None:
    """Raises unless this application may get this answer now; a refusal states reason **and** statutory
    basis.
    """
    consent, reason, basis = reply.consent, reply.reason, reply.basis
    step(application, "consent" if consent else "refuse")
    if reply.disposal_days is not None and not 0 <= reply.disposal_days <= LONGEST_DISPOSAL:
        raise Unprocessable(f"disposal_days must be 0 to {LONGEST_DISPOSAL}", pointer="/disposal_days")
    if reply.disposal_days is not None and not reply.disposal.strip():
        raise Unprocessable("say what has to be done with the data when the use ends", pointer="/disposal")
    if reply.terms and not (consent and basis.strip()):
        raise Unprocessable(
            "conditions of a consent must state their basis",
            hint="art 14: a condition without a basis obstructs sharing (P39-2)",
            pointer="/basis" if consent else "/terms",
        )
    missing = [name for name, text in (("reason", reason), ("basis", basis)) if not consent and not text.strip()]
    if missing:
        raise Unprocessable(
            f"a refusal must state: {', '.join(missing)}",
            hint="art 21: refuse with reasons and name the law, regulation or State Council decision",
            pointers=[f"/{name}" for name in missing],
        )


def grant(
    id: str, application: Application, interface: Interface, now: datetime, terms: Mapping[str, Any] | None = None
) -> Agreement:
    """The agreement a consent makes, under ``terms``; it ends by itself after the period asked for."""
    wish = application.wish
    if wish.duration_days is None:
        raise Conflict(f"application {application.id} is not complete")
    return Agreement(
        id=id,
        application=application.id,
        consumer=application.consumer,
        provider=application.provider,
        interface=wish.interface,
        version=interface.version,
        mode=Mode(wish.mode),
        purpose=wish.purpose,
        legal_basis=wish.legal_basis,
        scenario=wish.scenario,
        fields=wish.fields,
        scope=scope_of(wish, interface),
        starts_at=stamp(now),
        expires_at=stamp(now + timedelta(days=wish.duration_days)),
        terms=terms or {},
    )


MOVES: Mapping[str, tuple[frozenset[AgreementState], AgreementState]] = {
    "suspend": (frozenset({AgreementState.ACTIVE}), AgreementState.SUSPENDED),
    "resume": (frozenset({AgreementState.SUSPENDED}), AgreementState.ACTIVE),
    "terminate": (frozenset({AgreementState.ACTIVE, AgreementState.SUSPENDED}), AgreementState.TERMINATED),
    "expire": (frozenset({AgreementState.ACTIVE, AgreementState.SUSPENDED}), AgreementState.EXPIRED),
}


def move(agreement: Agreement, verb: str, reason: str, now: datetime) -> Agreement:
    """The agreement after ``suspend``, ``resume``, ``terminate`` or ``expire``. Raises `Conflict`,
    `Unprocessable`.
    """
    sources, target = MOVES[verb]
    stored = agreement.state if verb == "expire" else agreement.state_at(now)
    if stored not in sources:
        able = ", ".join(name for name, (states, _) in MOVES.items() if stored in states and name != "expire")
        hint = f"it can {able or 'do nothing any more'}"
        raise Conflict(f"agreement {agreement.id} is {stored}; it cannot {verb}", hint=hint)
    if not reason.strip():
        hint = "both sides read it, and the ledger keeps it"
        raise Unprocessable(f"to {verb} an agreement needs a reason", hint=hint, pointer="/reason")
    return replace(agreement, state=target, reason=reason)
