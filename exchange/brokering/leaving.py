"""What of a provider's answer may leave: checked against the interface, rows chosen, cut to the scope, masked."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from exchange.brokering import headers as passing
from exchange.brokering.check import JSON, Breach, is_json
from exchange.brokering.enforce import GONE, Masks, meant, question, rows
from exchange.brokering.evidence import Passage
from exchange.brokering.sources import Incoming
from exchange.brokering.spool import Spool
from exchange.brokering.subjects import numbered
from exchange.brokering.terms import Terms, read

HIDING = frozenset({403, 404, 410})
"""What a provider says of a record that is not there, or not for us."""
NOTHING_THERE = b'{"type":"about:blank","title":"Not Found","status":404}'
"""Said of a record outside the agreed rows and of one that does not exist: otherwise status or length would tell which
of the two it is.
"""


@dataclass(frozen=True, slots=True)
class Leaving:
    """A body that may leave, labels of its fields, how many records and which persons are in it."""

    body: bytes = field(repr=False)
    headers: Mapping[str, str]
    fields: tuple[str, ...] = ()
    records: int = 0
    about: frozenset[str] = frozenset()
    masked: tuple[str, ...] = ()
    spool: Spool | None = None
    """The body when it is too large for memory; ``body`` is empty then."""
    status: int = 200
    outside: bool = False
    """Whether it is a record outside the agreed rows; the consumer is not told, a push is none then."""

    @property
    def size(self) -> int:
        """Bytes that leave."""
        return self.spool.size if self.spool else len(self.body)

    @property
    def sha256(self) -> str:
        """Hex digest of what leaves."""
        return self.spool.sha256 if self.spool else hashlib.sha256(self.body).hexdigest()


class Cutter:
    """Turns answers into what the agreement lets out. Pure but for the key masks are derived from."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def cut(self, passage: Passage, answered: Incoming, chosen: tuple[str, ...], query: str) -> Leaving | Breach:
        """What leaves, or how the provider broke its promise. ``chosen``: fields the query asked for."""
        status, match = answered.status, passage.ask.match
        if status >= 500 or status < 200 or 300 <= status < 400 or status == 401:
            return Breach(f"provider-status-{status}")
        if match is None:
            return Breach("status-undeclared")
        media_type = answered.headers.get("content-type", "")
        spool = answered.spool
        check = passage.compiled.checker.answer
        parsed = check(match.operation, status, media_type, answered.body, chosen, apart=spool is not None)
        if isinstance(parsed, Breach):
            return parsed
        kept = passing.returned(answered.headers)
        if not answered.body and spool is None:
            return Leaving(b"", kept, status=status)
        terms = read(passage.agreement.terms)
        if not is_json(media_type):
            if "" not in passage.scope or not terms.none:
                return Breach("answer-not-reducible")
            kept["Content-Type"] = media_type.strip()
            return Leaving(answered.body, kept, ("(body)",), 1, spool=spool, status=status)
        kept["Content-Type"] = media_type.split(";")[0].strip() or JSON
        value = rows(parsed.value, terms.rows) if status < 400 else parsed.value
        if value is GONE or (status in HIDING and any("*" not in row.place for row in terms.rows)):
            kind = {"Content-Type": "application/problem+json"}
            return Leaving(NOTHING_THERE, kind, status=404, outside=value is GONE)
        # rows are conditions on answers that succeed: of an error only its kind leaves where there are any
        scope = () if status >= 400 and terms.rows else passage.scope
        try:
            reduced = passage.compiled.reducer(match.operation, scope, error=status >= 400).apply(value)
            numbers = passage.compiled.numbers
            about = numbers.find(parsed.schema, reduced.value) if numbered(answered.body) else frozenset()
            value, masked = self._masked(passage, terms, reduced.value, query)
            body = orjson.dumps(value)
        except (RecursionError, orjson.JSONEncodeError):
            return Breach("answer-too-deep")
        return Leaving(body, kept, reduced.fields, reduced.records, about, masked, status=status)

    def _masked(self, passage: Passage, terms: Terms, value: Any, query: str) -> tuple[Any, tuple[str, ...]]:
        if not terms.masks:
            return value, ()
        ask, match = passage.ask, passage.ask.match
        if match is None:
            raise AssertionError("a permitted call has an operation")
        asked = question(
            match.operation.id, match.path, *meant(passage.compiled.interface, match.operation, query, ask.body)
        )
        return Masks(terms, self._key, passage.agreement.id).apply(value, asked)
