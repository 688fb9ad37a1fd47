"""What may happen beside an agreement: one table of states and moves for each kind of proceeding.

政务数据共享条例: extension (art 21), order to correct misuse (27), ending of a service (27), disposal (27), correction
of disputed data (26), dispute in its tiers (28), update of a catalogue entry (17), return flow (24), rectification of
a bad rating; and the review a local rule may ask for. Pure: time, names and keys come in as arguments.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from exchange.errors import Conflict, Forbidden, Invalid, Unprocessable


class Side(StrEnum):
    """Who acts in a proceeding. ``system``: the sweep, and what follows from another act."""

    CONSUMER = "consumer"
    PROVIDER = "provider"
    AUTHORITY = "authority"
    SYSTEM = "system"


class Kind(StrEnum):
    """延期, 整改, 终止服务, 数据处置, 校核, 争议, 合规审查, 目录更新, 数据回流, 差评整改."""

    EXTENSION = "extension"
    ORDER = "order"
    ENDING = "ending"
    DISPOSAL = "disposal"
    TICKET = "ticket"
    DISPUTE = "dispute"
    REVIEW = "review"
    UPDATE = "update"
    RETURN = "return"
    RECTIFICATION = "rectification"


@dataclass(frozen=True, slots=True)
class Act:
    """One thing somebody did: ``verb`` of `RULES`, by which side, who, when, and what they said."""

    verb: str
    side: Side
    by: str
    at: str
    text: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Proceeding:
    """One proceeding about ``subject`` between its two sides: an application or agreement, a catalogue entry (an
    update), a handled matter (a rectification) or another proceeding (its extension). ``consumer`` is "" where only
    the provider and the authority take part.

    ``facts`` are what is known by now: those of the opening, overlaid by those of each act. ``acts`` begins with
    the opening.
    """

    id: str
    kind: Kind
    subject: str
    consumer: str
    provider: str
    interface: str
    state: str
    opened_at: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    acts: tuple[Act, ...] = ()
    closed_at: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether any move is left."""
        return self.closed_at is None


@dataclass(frozen=True, slots=True)
class Move:
    """One verb: from which state to which, which sides may, and what has to be said with it."""

    ways: Mapping[str, str]
    by: frozenset[Side]
    wants: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rules:
    """A kind of proceeding: how it is opened and how it goes on."""

    first: str
    by: frozenset[Side]
    wants: tuple[str, ...]
    moves: Mapping[str, Move]
    article: str

    @property
    def states(self) -> frozenset[str]:
        """Every state there is."""
        return frozenset({self.first}) | {to for move in self.moves.values() for to in move.ways.values()}

    @property
    def final(self) -> frozenset[str]:
        """States nothing leads out of."""
        return self.states - {source for move in self.moves.values() for source in move.ways}


def _move(ways: str, by: str, *wants: str) -> Move:
    pairs = (pair.split(">") for pair in ways.split())
    found = {source: target for sources, target in pairs for source in sources.split("|")}
    return Move(found, _sides(by), wants)


def _sides(by: str) -> frozenset[Side]:
    letters = {"c": Side.CONSUMER, "p": Side.PROVIDER, "a": Side.AUTHORITY, "s": Side.SYSTEM}
    return frozenset(letters[letter] for letter in by)


RULES: Mapping[Kind, Rules] = {
    Kind.EXTENSION: Rules(
        "asked",
        _sides("p"),
        ("days", "text"),
        {
            "grant": _move("asked>granted", "a"),
            "decline": _move("asked>declined", "a", "text"),
            "lapse": _move("asked>lapsed", "s"),
        },
        "21",
    ),
    Kind.ORDER: Rules(
        "ordered",
        _sides("pa"),
        ("code", "due", "text"),
        {
            "report": _move("ordered>reported", "c", "text"),
            "refuse": _move("ordered>failed", "c", "text"),
            "accept": _move("reported>corrected", "pa"),
            "reject": _move("reported>failed", "pa", "text"),
            "close": _move("ordered|reported>closed", "s"),
        },
        "27",
    ),
    Kind.ENDING: Rules(
        "announced",
        _sides("p"),
        ("due", "basis", "text"),
        {
            "consult": _move("announced>consulted", "c", "text"),
            # a requester that says nothing when it is asked does not hold the end up for ever
            "note-silence": _move("announced>consulted", "a", "text"),
            "file": _move("consulted>filed", "a", "text"),
            "decline": _move("announced|consulted>declined", "a", "text"),
            "retract": _move("announced|consulted|filed>retracted", "p"),
            "effect": _move("filed>effective", "s"),
            "close": _move("announced|consulted|filed>closed", "s"),
        },
        "27",
    ),
    Kind.DISPOSAL: Rules(
        "demanded",
        _sides("s"),
        (),
        {
            "demand": _move("demanded>demanded", "p", "method", "due"),
            "report": _move("demanded>reported", "c", "method", "done_on", "evidence"),
            "confirm": _move("reported>confirmed", "pa"),
            "reject": _move("reported>demanded", "pa", "text", "due"),
        },
        "27",
    ),
    Kind.TICKET: Rules(
        "filed",
        _sides("c"),
        ("field", "key", "observed", "claimed", "text"),
        {
            "verify": _move("filed>verifying", "p"),
            "correct": _move("verifying>corrected", "p", "text"),
            "keep": _move("verifying>kept", "p", "text"),
            "feed-back": _move("corrected|kept>fed-back", "p"),
            "withdraw": _move("filed|verifying>withdrawn", "c"),
        },
        "26",
    ),
    Kind.DISPUTE: Rules(
        "consulting",
        _sides("cp"),
        ("text",),
        {
            "offer": _move("consulting|offered>offered", "cp", "text"),
            "accept": _move("offered>settled authority-decided|superior-decided>settled", "cp"),
            "escalate": _move(
                "consulting|offered>authority authority-decided>superior superior-decided>government", "cp", "text"
            ),
            "refer": _move("authority>superior superior>government", "a", "text"),
            "decide": _move("authority>authority-decided superior>superior-decided government>decided", "a", "text"),
            "withdraw": _move("consulting|offered|authority|superior|government>withdrawn", "cp"),
        },
        "28",
    ),
    Kind.REVIEW: Rules(
        "waiting",
        _sides("s"),
        (),
        {
            "approve": _move("waiting>approved", "a"),
            "object": _move("waiting>objected", "a", "text"),
            "close": _move("waiting>closed", "s"),
        },
        "local rule",
    ),
    Kind.UPDATE: Rules(
        "noticed",
        _sides("pa"),
        ("reference", "text"),
        {
            "send": _move("noticed|returned>sent", "p", "version"),
            "audit": _move("sent|escalated>audited", "a"),
            "return": _move("sent|escalated>returned", "a", "text"),
            "drop": _move("noticed|returned>dropped", "a", "text"),
            "escalate": _move("sent>escalated", "s"),
        },
        "17",
    ),
    Kind.RETURN: Rules(
        "wanted",
        _sides("c"),
        ("division",),
        {
            "set-day": _move("wanted>wanted", "a", "due", "text"),
            "return": _move("wanted>returned", "ps"),
            "object": _move("returned>wanted", "c", "text"),
            "confirm": _move("returned>confirmed", "c"),
            "withdraw": _move("wanted|returned>withdrawn", "c"),
            "close": _move("wanted|returned>closed", "s"),
        },
        "24",
    ),
    Kind.RECTIFICATION: Rules(
        "rated",
        _sides("s"),
        (),
        {
            "rectify": _move("rated>rectified", "p", "text"),
            "reject": _move("rectified>rated", "a", "text"),
            "call-back": _move("rectified>called-back", "p", "text"),
        },
        "local practice",
    ),
}

SUBJECTS: Mapping[Kind, str] = {
    **dict.fromkeys((Kind.ORDER, Kind.ENDING, Kind.TICKET, Kind.RETURN), "its subject is an agreement (agr_…)"),
    Kind.EXTENSION: "its subject is an application (apl_…) that waits for its answer, or an unsent update (prc_…)",
    Kind.DISPUTE: "its subject is an application (apl_…) or an agreement (agr_…)",
    Kind.UPDATE: "its subject is a catalogue entry, by the id of its interface",
}
"""What those that somebody opens are about."""


def naming(kind: Kind) -> str:
    """A kind as a sentence names it: "an order", "a dispute"."""
    return f"an {kind}" if kind.value[0] in "aeiou" else f"a {kind}"


def begin(
    id: str,
    kind: Kind,
    subject: str,
    sides: tuple[str, str],
    interface: str,
    act: Act,
) -> Proceeding:
    """A new proceeding; ``sides`` are consumer and provider. Raises `Forbidden`, `Unprocessable`."""
    rules = RULES[kind]
    _check_side(kind, "open", act.side, rules.by)
    _check_said(kind, "open", act, rules.wants)
    consumer, provider = sides
    return Proceeding(id, kind, subject, consumer, provider, interface, rules.first, act.at, dict(act.facts), (act,))


def advance(found: Proceeding, act: Act) -> Proceeding:
    """The proceeding after ``act``. Raises `Invalid` for an unknown verb, `Forbidden` for a side that may not,
    `Conflict` for a state that does not allow it, `Unprocessable` when something has to be said with it.
    """
    rules = RULES[found.kind]
    move = rules.moves.get(act.verb)
    if move is None:
        raise Invalid(f"{naming(found.kind)} cannot {act.verb}", hint=f"it knows: {', '.join(sorted(rules.moves))}")
    _check_side(found.kind, act.verb, act.side, move.by)
    target = move.ways.get(found.state)
    if target is None:
        raise Conflict(
            f"{found.kind} {found.id} is {found.state}; it cannot {act.verb}",
            hint=f"what may follow: {', '.join(verbs(found)) or 'nothing'}",
        )
    _check_said(found.kind, act.verb, act, move.wants)
    if found.kind is Kind.DISPUTE:
        target = _dispute(found, act, target)
    closed = act.at if target in rules.final else None
    return replace(found, state=target, facts={**found.facts, **act.facts}, acts=(*found.acts, act), closed_at=closed)


def verbs(found: Proceeding, side: Side | None = None) -> list[str]:
    """What may be done now (by one side), in the order of the table."""
    moves = RULES[found.kind].moves
    able = [verb for verb, move in moves.items() if found.state in move.ways and (side is None or side in move.by)]
    if found.kind is Kind.DISPUTE and side is not None:
        own = side is _last(found, "offer") if found.state == "offered" else side in _accepted(found)
        able = [verb for verb in able if not (verb == "accept" and own)]
        able = [verb for verb in able if not (verb == "withdraw" and side is not found.acts[0].side)]
    return able


def wants(kind: Kind, verb: str) -> tuple[str, ...]:
    """What has to be said with a verb (``open`` for the opening)."""
    return RULES[kind].wants if verb == "open" else RULES[kind].moves[verb].wants


def _dispute(found: Proceeding, act: Act, target: str) -> str:
    """What a table cannot say: an offer is accepted by the other side, a decision by both."""
    if act.verb == "withdraw" and act.side is not found.acts[0].side:
        raise Forbidden(
            f"only the side that opened dispute {found.id} may withdraw it",
            rule="proceeding.side",
            hint="accept an offer, or take it up a tier",
        )
    if act.verb != "accept":
        return target
    if found.state == "offered":
        if _last(found, "offer") is act.side:
            raise Conflict("one's own offer is accepted by the other side", hint="wait, or take it up a tier")
        return target
    before = _accepted(found)
    if act.side in before:
        raise Conflict("this side has accepted the decision", hint="the other side has not yet")
    return target if before else found.state


def _last(found: Proceeding, verb: str) -> Side | None:
    return next((act.side for act in reversed(found.acts) if act.verb == verb), None)


def _accepted(found: Proceeding) -> frozenset[Side]:
    """Sides that accepted the decision now standing."""
    sides: set[Side] = set()
    for act in reversed(found.acts):
        if act.verb != "accept":
            break
        sides.add(act.side)
    return frozenset(sides)


def _check_side(kind: Kind, verb: str, side: Side, may: frozenset[Side]) -> None:
    if side not in may:
        raise Forbidden(
            f"the {side} does not {verb} {naming(kind)}",
            rule="proceeding.side",
            hint=f"it is for: {', '.join(sorted(may))}",
        )


def _check_said(kind: Kind, verb: str, act: Act, wanted: tuple[str, ...]) -> None:
    missing = [name for name in wanted if not str(act.text if name == "text" else act.facts.get(name, "")).strip()]
    if missing:
        where = f"art {RULES[kind].article}" if RULES[kind].article.isdigit() else RULES[kind].article
        raise Unprocessable(
            f"to {verb} {naming(kind)} needs: {', '.join(missing)}",
            hint=f"{where}: say them all in one request",
            pointers=[f"/{name}" for name in missing],
        )
