"""The record of a call: what was asked, what was answered, what was read; without secrets."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mockdata.sandbox.requests import Violation
from specs.model import Interface

REDACTED = "[redacted]"
SECRETS = frozenset(
    ("authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "api-key", "x-auth-token")
)


@dataclass(frozen=True, slots=True)
class Call:
    """One call as the sandbox saw it.

    `interface` and `operation` are None when nothing matched. `path` is the path as called, `query` its
    pairs, `headers` lower-case and redacted, `body` the request body's value. `answer` is the value sent back
    and `fields_returned` its top-level field names (those of the items for a list): what was returned counts
    as read. `valid`: the request kept its contract. `token` is a short hash of the bearer token.
    `handled_matter` is the header by which an app names the handled matter it works for. `faults` are the targets of
    the faults that hit it, `answer_headers` lower-case and redacted, `answer_size` in bytes.
    """

    at: datetime
    interface: str | None
    operation: str | None
    method: str
    path: str
    path_template: str | None
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: Any
    status: int
    answer: Any
    fields_returned: tuple[str, ...]
    valid: bool
    violations: tuple[Violation, ...]
    rule: str | None
    token: str | None
    handled_matter: str | None
    duration_ms: float
    dropped: bool = False
    faults: tuple[str, ...] = ()
    answer_headers: tuple[tuple[str, str], ...] = ()
    answer_size: int = 0


def secrets_of(interface: Interface | None) -> frozenset[str]:
    """Lower-case names of the headers and query parameters that carry secrets: the usual ones and those of the
    interface's API keys.
    """
    schemes = interface.security_schemes.values() if interface is not None else ()
    return SECRETS.union(
        str(one["name"]).lower()
        for one in schemes
        if isinstance(one, Mapping) and one.get("type") == "apiKey" and "name" in one
    )


def redacted(pairs: Iterable[tuple[str, str]], secrets: frozenset[str]) -> list[tuple[str, str]]:
    """The pairs with the values of secret names taken out."""
    return [(name, REDACTED if name.lower() in secrets else value) for name, value in pairs]


def fields_of(value: Any) -> tuple[str, ...]:
    """Top-level field names of an object, of the items of a list."""
    if isinstance(value, dict):
        return tuple(value)
    if isinstance(value, list):
        return tuple(dict.fromkeys(name for item in value if isinstance(item, dict) for name in item))
    return ()


class Recorder:
    """Keeps the latest calls in memory; may be given to a Sandbox as its recorder."""

    def __init__(self, limit: int = 10_000) -> None:
        self._lock = threading.Lock()
        self._calls: deque[Call] = deque(maxlen=limit)
        self._number = 0

    def __call__(self, call: Call) -> None:
        with self._lock:
            self._number += 1
            self._calls.append(call)

    @property
    def calls(self) -> list[Call]:
        """The calls kept, oldest first."""
        with self._lock:
            return list(self._calls)

    @property
    def number(self) -> int:
        """How many calls there have been: the number of the latest."""
        return self._number

    def since(self, number: int) -> list[tuple[int, Call]]:
        """The calls kept after one of that number, with their numbers, oldest first."""
        with self._lock:
            first = self._number - len(self._calls) + 1
            skip = max(0, number + 1 - first)
            return [(first + place, call) for place, call in enumerate(self._calls) if place >= skip]

    def clear(self) -> None:
        """Forget all calls."""
        with self._lock:
            self._calls.clear()
