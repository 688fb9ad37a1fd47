"""What the app did to the departments, judged from the gateway's record: pure functions, no opinion on answers.

The gateway records every call with the fields of the answer that reached the app. What was returned counts as
read: an app that does not want a field asks for the others with `fields=`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from conformance.case import DepartmentCall
from conformance.report import Reading
from conformance.workflow import Breach, Order

Needs = Mapping[str, Mapping[str, Sequence[str]]]
"""What the matter needs: interface id → operation id → response fields."""

CITIZEN_NUMBER = re.compile(
    r"(?<![0-9A-Z])[1-9]\d{5}(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?![0-9A-Z])"
)
"""Told from other 18-digit codes (an institution's credit code) by the birth date inside."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One department call with what only the gateway sees.

    `launch` names the citizen's launch (never the token), `url` is the path and query as sent, `matter` the
    app's own handled-matter id, `key` the idempotency key it sent, `answer` what the department answered and the
    app heard; `troubled`: the department's trouble was made by the run.
    """

    call: DepartmentCall
    launch: str
    url: str
    matter: str | None = None
    key: str | None = None
    answer: Any = None
    troubled: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """A field of a department's answer a rule depends on, from `interface#operation/response/FIELD`."""

    interface: str
    operation: str
    field: str

    @staticmethod
    def parse(text: str) -> Source | None:
        """The source `text` names, or None when it names no answer (a request field, the clock)."""
        match = re.fullmatch(r"([^#]+)#([^/]+)/response/(.+)", text)
        return Source(*match.groups()) if match else None

    def __str__(self) -> str:
        return f"{self.interface}#{self.operation}/{self.field}"


@dataclass(frozen=True, slots=True)
class Inquiry:
    """One question whose answer a conclusion rests on: the operation, and whom or what it was about (`values`)."""

    interface: str
    operation: str
    values: frozenset[str]

    def __str__(self) -> str:
        return f"{self.interface}#{self.operation} ({', '.join(sorted(self.values))})"

    def answered(self, calls: Iterable[DepartmentCall]) -> bool:
        """Whether one of the calls asked the same about the same."""
        return any(
            (call.interface, call.operation) == (self.interface, self.operation)
            and call.status < 500
            and self.values <= subject(call.path, call.request)
            for call in calls
        )


def subject(path: str, body: Any) -> frozenset[str]:
    """Every single value a request carries in path or body: what it is about."""
    found = [unquote_plus(part) for part in path.partition("?")[0].split("/") if part]
    waiting = [body]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping):
            waiting += value.values()
        elif isinstance(value, (list, tuple)):
            waiting += value
        elif value is not None:
            found.append(str(value))
    return frozenset(found)


def succeeded(call: DepartmentCall) -> bool:
    """Whether the department gave a positive answer."""
    return 200 <= call.status < 300


def readings(calls: Iterable[DepartmentCall], needs: Needs, order: Order) -> tuple[Reading, ...]:
    """Per operation: how often called, which fields read, which of them without need."""
    counts: dict[tuple[str, str], int] = {}
    fields: dict[tuple[str, str], set[str]] = {}
    for call in calls:
        place = (call.interface, call.operation)
        counts[place] = counts.get(place, 0) + 1
        read = fields.setdefault(place, set())
        if succeeded(call):
            read |= set(call.fields)
    allowed = order.operations() | {(i, o) for i, operations in needs.items() for o in operations}
    return tuple(
        Reading(
            interface=interface,
            operation=operation,
            calls=count,
            needed=tuple(sorted(needed)),
            read=tuple(sorted(fields[interface, operation])),
            unneeded=tuple(sorted(fields[interface, operation] - needed)),
            in_process=(interface, operation) in allowed,
        )
        for (interface, operation), count in sorted(counts.items())
        for needed in [set(needs.get(interface, {}).get(operation, ()))]
    )


def read_fields(calls: Iterable[DepartmentCall]) -> frozenset[tuple[str, str, str]]:
    """Every (interface, operation, field) that reached the app in a positive answer."""
    return frozenset(
        (call.interface, call.operation, name) for call in calls if succeeded(call) for name in call.fields
    )


def ungrounded(sources: Iterable[Source], calls: Sequence[DepartmentCall]) -> tuple[Source, ...]:
    """The sources an answer depends on that the app never asked for.

    Asked for is what counts: a department that answered 404 or gave no such field was still asked.
    """
    asked = {(call.interface, call.operation) for call in calls if not succeeded(call) and call.status < 500}
    read = read_fields(calls)
    return tuple(
        source
        for source in dict.fromkeys(sources)
        if (source.interface, source.operation, source.field) not in read
        and (source.interface, source.operation) not in asked
    )


def breaches(
    record: Iterable[Recorded], order: Order, orders: Mapping[str, Order] | None = None
) -> tuple[tuple[Recorded, Breach], ...]:
    """Calls out of order, judged per launch; `orders` are the orders of single launches, where they have one.

    Not per handled matter: an app may well check eligibility before it opens one, so its first calls carry
    no handled-matter id.
    """
    found: list[tuple[Recorded, Breach]] = []
    groups: dict[str, list[Recorded]] = {}
    for item in record:
        groups.setdefault(item.launch, []).append(item)
    for launch, group in groups.items():
        for breach in (orders or {}).get(launch, order).breaches([item.call for item in group]):
            found.append((group[breach.position], breach))
    return tuple(found)


def personal_in_urls(record: Iterable[Recorded], personal: Iterable[str]) -> tuple[Recorded, ...]:
    """Calls whose path or query carries a citizen number or one of the given personal values."""
    values = [value for value in dict.fromkeys(personal) if len(value) >= 2]
    return tuple(
        item
        for item in record
        for url in [unquote_plus(item.url)]
        if CITIZEN_NUMBER.search(url) or any(value in url for value in values)
    )


def doubled(record: Iterable[Recorded], writes: frozenset[tuple[str, str]]) -> tuple[Recorded, ...]:
    """Writes sent again, under another idempotency key, after the same write of the same launch had succeeded.

    Sending the same key again is what keys are for: the department does nothing twice.
    """
    found: list[Recorded] = []
    done: dict[tuple[str, str, str, str], str | None] = {}
    for item in record:
        place = (item.call.interface, item.call.operation)
        if place not in writes:
            continue
        name = (item.launch, *place, json.dumps(item.call.request, sort_keys=True, ensure_ascii=False))
        if name in done and done[name] != item.key:
            found.append(item)
        elif succeeded(item.call):
            done[name] = item.key
    return tuple(found)
