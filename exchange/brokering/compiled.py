"""Everything the broker derives from one interface version, made once and kept while it is in use."""

from __future__ import annotations

import threading
from collections import OrderedDict
from urllib.parse import parse_qsl, quote

from exchange.agreements.scope import places, plain
from exchange.brokering.check import Checker
from exchange.brokering.model import heads
from exchange.brokering.paths import Paths
from exchange.brokering.reduce import PROBLEM_MEMBERS, Reducer
from exchange.brokering.subjects import Numbers
from specs.model import Interface, Operation

SELECTOR = "fields"
"""Query parameter with which departments let a caller choose top-level answer fields."""
KEPT = 64


class Compiled:
    """Path matcher, validators and reducers of one interface version."""

    def __init__(self, interface: Interface) -> None:
        self.interface = interface
        self.paths = Paths(interface)
        self.checker = Checker(interface)
        self.numbers = Numbers(interface)
        self._reducers: dict[tuple[str, tuple[str, ...], bool], Reducer] = {}
        self._heads: dict[str, frozenset[str]] = {}

    def reducer(self, operation: Operation, scope: tuple[str, ...], *, error: bool) -> Reducer:
        """The reducer of a scope; for an error answer also the members that name the error pass."""
        key = (operation.id, scope, error)
        if key not in self._reducers:
            if len(self._reducers) > 500:
                self._reducers.clear()
            alone = plain(places(self.interface, operation), scope)
            self._reducers[key] = Reducer(scope, (*alone, *PROBLEM_MEMBERS) if error else alone)
        return self._reducers[key]

    def selects(self, operation: Operation) -> bool:
        """Whether the operation lets its caller choose fields."""
        return any(p.location == "query" and p.name == SELECTOR for p in operation.parameters)

    def asked(self, operation: Operation | None, query: str) -> tuple[str, ...]:
        """Fields a query asks for; empty when it does not choose or the operation does not offer it."""
        if operation is None or not self.selects(operation):
            return ()
        values = [value for name, value in self.pairs(query) if name == SELECTOR]
        return tuple(sorted({part.strip() for value in values for part in value.split(",") if part.strip()}))

    @staticmethod
    def pairs(query: str) -> list[tuple[str, str]]:
        """The decoded name and value pairs of a raw query."""
        return parse_qsl(query, keep_blank_values=True)

    def narrowed(
        self, operation: Operation, query: str, asked: tuple[str, ...], scope: tuple[str, ...]
    ) -> tuple[str, tuple[str, ...]]:
        """Query and chosen fields to send: a caller that did not choose gets the agreed ones chosen at the
        source.
        """
        if asked or "" in scope or not self.selects(operation):
            return query, asked
        if operation.id not in self._heads:
            good = tuple(place.pointer for place in places(self.interface, operation) if place.ok)
            self._heads[operation.id] = heads(good)
        chosen = tuple(sorted(heads(scope) & self._heads[operation.id]))
        if not chosen:
            return query, ()
        choice = f"{SELECTOR}={','.join(quote(name, safe='') for name in chosen)}"
        return f"{query}&{choice}" if query else choice, chosen


class Versions:
    """The interface versions in use, most recently used kept. Safe from any thread."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Compiled] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, interface: Interface) -> Compiled:
        """The compiled form of this version."""
        with self._lock:
            found = self._kept.get(interface.digest)
            if found is None:
                found = self._kept[interface.digest] = Compiled(interface)
                if len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(interface.digest)
            return found
