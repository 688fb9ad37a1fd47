"""Hosted sandboxes: values and the rules on them."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from exchange.errors import Unprocessable

MOST_OPEN = 200
"""Open sandboxes of one party."""
MOST_INTERFACES = 50
CALLS_KEPT = 1000
"""Calls kept per sandbox, newest first."""
MOST_SNAPSHOTS = 20
"""Snapshots kept of one sandbox."""
LONGEST_NAME = 64
LONGEST_SEED = 64


@dataclass(frozen=True, slots=True)
class Hosted:
    """A sandbox of one party: interface versions, a seed (its country) and a world (whose writes it sees).

    ``clock`` (None: the real time) and ``faults`` are as their owner set them, as JSON; ``fault_counts`` is how far
    these are counted (None: not begun). ``revision`` counts how often what was written in its world was taken back.
    """

    id: str
    owner: str
    interfaces: tuple[tuple[str, str], ...]
    seed: str
    world: str
    matter: str | None
    opened_by: str
    opened_at: str
    clock: Mapping[str, Any] | None = None
    faults: tuple[Mapping[str, Any], ...] = ()
    revision: int = 0
    fault_counts: tuple[tuple[int | None, ...], ...] | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """A named snapshot of what was written. ``at`` is the sandbox's own time then."""

    sandbox: str
    name: str
    id: str
    at: str
    seed: str
    taken_by: str

    @property
    def world(self) -> str:
        """The world that holds its copy."""
        return f"snapshot/{self.id}"


@dataclass(frozen=True, slots=True)
class Opened:
    """A sandbox just opened. ``key`` is shown once: only its hash is kept."""

    hosted: Hosted
    url: str
    key: str


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """One call to a sandbox as its owner sees it. ``detail``: path, query, headers without secrets, bodies."""

    id: str
    sandbox: str
    at: str
    interface: str | None
    operation: str | None
    method: str
    path_template: str | None
    status: int
    valid: bool
    fields_returned: tuple[str, ...]
    detail: Mapping[str, Any]


def world_of(id: str, owner_kind: str, seed: str) -> str:
    """Whose writes a sandbox sees. A vendor's sandbox is alone in its world; those departments open on one seed
    stand for the departments of one country, so a birth registered at one can be found by the others.
    """
    return f"departments/{seed}" if owner_kind == "department" else id


def key_hash(key: str) -> str:
    """What is kept of a key: keys are 256 random bits, so a fast hash is enough."""
    return hashlib.sha256(key.encode()).hexdigest()


def provider_key(secret: bytes, id: str) -> str:
    """The key under which the broker calls a sandbox that stands in for a department: derived, never stored."""
    made = hmac.new(secret, f"provider\n{id}".encode(), hashlib.sha256).digest()
    return "sbp_" + urlsafe_b64encode(made).decode().rstrip("=")


def check_seed(seed: str | int | None, default: str) -> str:
    """The seed as text. Raises `Unprocessable` when it is too long."""
    text = default if seed is None else str(seed)
    if not 1 <= len(text) <= LONGEST_SEED:
        raise Unprocessable(f"a seed has 1 to {LONGEST_SEED} characters", pointer="/seed")
    return text


def check_name(name: str) -> str:
    """The name of a snapshot. Raises `Unprocessable`."""
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise Unprocessable(f"a snapshot has a name of 1 to {LONGEST_NAME} characters", pointer="/name")
    return name
