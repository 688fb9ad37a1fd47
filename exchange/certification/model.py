"""A certification: one graded black-box run of one app version on hidden data, committed to before it starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from exchange.errors import Conflict


class State(StrEnum):
    """Life of a certification. ``errored`` is our fault and counts against nobody."""

    QUEUED = "queued"
    RUNNING = "running"
    PASSED = "passed"
    REFUSED = "refused"
    ERRORED = "errored"


MOVES: Mapping[State, frozenset[State]] = {
    State.QUEUED: frozenset({State.RUNNING, State.ERRORED}),
    # a run interrupted by a crash starts again under the same seeds, so running → running is a legal move
    State.RUNNING: frozenset({State.RUNNING, State.PASSED, State.REFUSED, State.ERRORED}),
    State.PASSED: frozenset(),
    State.REFUSED: frozenset(),
    State.ERRORED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Subject:
    """What is certified: a hosted app at a URL. Without an artefact the digest binds a claim, not code; we say so."""

    app_version: str
    app: str
    vendor: str
    matter: str
    version: str
    url: str
    artefact_digest: str


@dataclass(frozen=True, slots=True)
class Certification:
    """One row of the register of certifications; what anyone may know of it but for the hidden seeds."""

    id: str
    subject: Subject
    state: State
    commitment: str
    requested_at: str
    requested_by: str
    finished_at: str | None = None
    grade: str | None = None
    score: float | None = None
    reasons: tuple[Mapping[str, str], ...] = ()
    failing: tuple[str, ...] = ()
    report_digest: str | None = None
    certificate_digest: str | None = None
    valid_until: str | None = None
    certificate_id: str | None = None
    revoked_at: str | None = None
    revoked_because: str | None = None
    revealed_at: str | None = None

    def over(self, now: datetime) -> bool:
        """Whether its certificate has ended, by its day or by revocation: the seeds may be known then."""
        if self.valid_until is None:
            return False
        return self.revoked_at is not None or datetime.fromisoformat(self.valid_until) <= now

    @property
    def finished(self) -> bool:
        """True once nothing more will happen."""
        return not MOVES[self.state]

    def to_dict(self) -> dict[str, Any]:
        """The JSON shape of the API."""
        subject = {name: getattr(self.subject, name) for name in Subject.__dataclass_fields__}
        rest = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "subject"}
        return {
            **rest,
            "state": self.state.value,
            **subject,
            "reasons": list(self.reasons),
            "failing": list(self.failing),
        }


def move(present: State, wanted: State) -> State:
    """The next state. Raises `Conflict` when the machine has no such step."""
    if wanted not in MOVES[present]:
        raise Conflict(f"a certification that is {present.value} cannot become {wanted.value}")
    return wanted
