"""What of a provider's answer may leave: checked against the interface, rows chosen, cut to the scope, masked."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from exchange.brokering import headers as passing
from exchange.brokering.check import JSON, Breach, is_json
from exchange.brokering.enforce import Masks, question, rows
from exchange.brokering.evidence import Passage
from exchange.brokering.sources import Incoming
from exchange.brokering.spool import Spool
from exchange.brokering.subjects import numbered
from exchange.brokering.terms import Terms, read


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
            return Leaving(b"", kept)
        kept["Content-Type"] = media_type.split(";")[0].strip() or JSON
        terms = read(passage.agreement.terms)
        if not is_json(media_type):
            if "" not in passage.scope or not terms.none:
                return Breach("answer-not-reducible")
            return Leaving(answered.body, kept, ("(body)",), 1, spool=spool)
        value = rows(parsed.value, terms.rows) if status < 400 else parsed.value
        reduced = passage.compiled.reducer(passage.scope, error=status >= 400).apply(value)
        numbers = passage.compiled.numbers
        about = numbers.find(parsed.schema, reduced.value) if numbered(answered.body) else frozenset()
        value, masked = self._masked(passage, terms, reduced.value, query)
        return Leaving(orjson.dumps(value), kept, reduced.fields, reduced.records, about, masked)

    def _masked(self, passage: Passage, terms: Terms, value: Any, query: str) -> tuple[Any, tuple[str, ...]]:
        if not terms.masks:
            return value, ()
        ask = passage.ask
        asked = question(passage.delivery.operation or "", ask.match.path if ask.match else "", query, ask.body)
        return Masks(terms, self._key, passage.agreement.id).apply(value, asked)
