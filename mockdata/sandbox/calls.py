"""Recorded calls as people and programs look at them: plain JSON, searched, and which answers were put to use."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from mockdata.sandbox.clock import moment, written
from mockdata.sandbox.record import REDACTED, Call

SECRETS = frozenset(
    ("password", "client_secret", "access_token", "refresh_token", "id_token", "assertion", "client_assertion")
)
"""Members of bodies whose values are taken out, whatever document they come from."""
Shown = Mapping[str, Any]


def shown(call: Call) -> dict[str, Any]:
    """A call as plain JSON, without secrets. What is not JSON (uploads, bytes) is told by its type."""
    return {
        "at": written(call.at),
        "interface": call.interface,
        "operation": call.operation,
        "method": call.method,
        "path": call.path,
        "path_template": call.path_template,
        "query": [[name, REDACTED if name.lower() in SECRETS else value] for name, value in call.query],
        "headers": dict(call.headers),
        "body": plain(call.body),
        "status": call.status,
        "answer": plain(call.answer),
        "answer_headers": [list(pair) for pair in call.answer_headers],
        "answer_size": call.answer_size,
        "fields_returned": list(call.fields_returned),
        "valid": call.valid,
        "violations": [violation.to_json() for violation in call.violations],
        "rule": call.rule,
        "faults": list(call.faults),
        "dropped": call.dropped,
        "token": call.token,
        "handled_matter": call.handled_matter,
        "duration_ms": round(call.duration_ms, 3),
    }


def plain(value: Any) -> Any:
    """A value as JSON without secrets; whatever is no JSON becomes {"not_json": its type}."""
    if isinstance(value, Mapping):
        return {str(name): REDACTED if str(name).lower() in SECRETS else plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if value is None or isinstance(value, str | bool | int | float):
        return value
    return {"not_json": type(value).__name__}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which calls are asked for. `status` is a code or a class ("4xx"); `text` is looked for everywhere in the call."""

    operation: str | None = None
    status: str | None = None
    valid: bool | None = None
    since: datetime | None = None
    text: str | None = None

    def takes(self, call: Shown) -> bool:
        """Whether a shown call is among them."""
        if self.operation and self.operation not in (call["operation"], f"{call['interface']}#{call['operation']}"):
            return False
        if self.status and self.status.lower() not in (str(call["status"]), f"{call['status'] // 100}xx"):
            return False
        if self.valid is not None and call["valid"] is not self.valid:
            return False
        if self.since is not None and moment(call["at"]) < self.since:
            return False
        return not self.text or self.text.lower() in json.dumps(call, ensure_ascii=False).lower()


def fields_used(calls: Sequence[Shown]) -> list[list[str]]:
    """For each call (oldest first) the fields of its answer whose values a later call sent.

    A value counts when it is long enough to be nobody's accident (4 characters, or a number of 4 digits) and the app
    had not sent it before it was answered: then the app can only have it from there, as far as can be seen.
    """
    sent: set[str] = set()
    origin: dict[str, list[tuple[int, str]]] = {}
    used: list[set[str]] = [set() for _ in calls]
    for number, call in enumerate(calls):
        asked = {text for _, text in _telling(_request(call))}
        for text in asked:
            for place, name in origin.pop(text, ()):
                used[place].add(name)
        sent |= asked
        if call["status"] < 400:
            for name, text in _telling(call["answer"]):
                if text not in sent:
                    origin.setdefault(text, []).append((number, name))
    return [sorted(one) for one in used]


def _request(call: Shown) -> list[Any]:
    segments = [unquote(part) for part in str(call["path"]).split("/")]
    return [segments, [value for _, value in call["query"]], call["body"]]


def _telling(value: Any, name: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    if depth > 12:
        return
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _telling(inner, str(key), depth + 1)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _telling(inner, name, depth + 1)
    elif (isinstance(value, str) and len(value) >= 4) or (
        isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 1000
    ):
        yield name, str(value)


def line(call: Shown) -> str:
    """One line about a call, safe to print: time, method, path, operation, status, and what was wrong first."""
    first = call["violations"][0] if call["violations"] else None
    said = f"{first['pointer']}: {first['detail']}" if isinstance(first, Mapping) else str(first or "")
    verdict = "valid" if call["valid"] else said or ("no such operation" if not call["operation"] else "not valid")
    struck = f"  fault {', '.join(call['faults'])}" if call.get("faults") else ""
    status = "dropped" if call.get("dropped") else call["status"]
    text = (
        f"{call['at'][11:23]} {call['method']} {call['path']} {call['operation'] or '-'} {status} {verdict}"
        f" {call['duration_ms']:.1f} ms{struck}"
    )
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)[:1000]
