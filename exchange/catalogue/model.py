"""What the catalogue holds: interfaces, their immutable versions, and the endpoint a department answers under."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from exchange.errors import Conflict, Unprocessable
from specs.model import Interface, Kind


class State(StrEnum):
    """What a version is to others.

    draft → announced (subscribers know, it is not in force yet) → published → superseded by a newer one, or
    deprecated (a date is set) → retired. Whatever was published stays readable for ever.
    """

    DRAFT = "draft"
    ANNOUNCED = "announced"
    PUBLISHED = "published"
    SUPERSEDED = "superseded"
    DEPRECATED = "deprecated"
    RETIRED = "retired"

    @property
    def live(self) -> bool:
        """Whether it is in force: it can be called, agreed and tried."""
        return self in (State.PUBLISHED, State.DEPRECATED)

    @property
    def public(self) -> bool:
        """Whether others than its department may see it."""
        return self is not State.DRAFT


MOVES: Mapping[State, frozenset[State]] = {
    State.DRAFT: frozenset({State.ANNOUNCED, State.PUBLISHED}),
    State.ANNOUNCED: frozenset({State.PUBLISHED, State.DRAFT}),
    State.PUBLISHED: frozenset({State.SUPERSEDED, State.DEPRECATED}),
    State.DEPRECATED: frozenset({State.RETIRED, State.PUBLISHED, State.SUPERSEDED}),
    State.SUPERSEDED: frozenset(),
    State.RETIRED: frozenset(),
}
"""From each state the ones that may follow; an announcement and a deprecation can be taken back."""


def move(now: State, to: State, what: str) -> State:
    """``to``, if it may follow. Raises `Conflict` otherwise."""
    if to not in MOVES[now]:
        after = ", ".join(sorted(MOVES[now])) or "nothing"
        raise Conflict(f"{what} is {now}; it cannot become {to}", hint=f"what may follow: {after}")
    return to


@dataclass(frozen=True, slots=True)
class Version:
    """One document, for ever the same: ``digest`` is the SHA-256 of its bytes. ``findings`` is what lint said.
    ``effective_at``: when an announced version comes into force."""

    interface: str
    version: str
    digest: str
    filename: str
    state: State
    findings: tuple[Mapping[str, Any], ...]
    registered_at: str
    published_at: str | None
    effective_at: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """An interface as it stands: its published version, else its newest draft. ``spec`` is read when asked for.
    ``retire_on``: the day (YYYY-MM-DD) from which a deprecated one may go."""

    id: str
    kind: Kind
    department: str
    title: Mapping[str, str]
    state: State
    version: str
    digest: str
    endpoint: str | None
    retire_on: str | None
    load: Callable[[], Interface] = field(repr=False, compare=False)

    @property
    def spec(self) -> Interface:
        """The parsed document; kept by digest, so asking again costs nothing."""
        return self.load()


def check_ownership(interface: Interface) -> str:
    """The department that owns a document. Raises `Unprocessable` when it names none, or its id is another's."""
    if not interface.department:
        raise Unprocessable("the document does not name its department", hint="add x-department under info")
    if not interface.id.startswith(f"{interface.department}."):
        raise Unprocessable(
            f"the interface id {interface.id} does not begin with its department",
            hint=f"x-interface-id: {interface.department}.<name>",
        )
    if not interface.version:
        raise Unprocessable("the document has no version", hint="add info.version, for example 1.0.0")
    return interface.department
