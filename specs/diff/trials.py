"""Trials: whether one schema takes in another, found out without noting anything.

The pairs met on the way count as proved while they are being tried, so recursive schemas end (as in the comparison of
recursive types); when a trial fails, whatever rested on it is forgotten.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

from specs.diff.change import Level, Relation, Side
from specs.diff.checks import CHECKS
from specs.diff.report import Node

if TYPE_CHECKING:
    from specs.diff.schemas import Schemas

MOST = 2_000
"""Pairs of schemas tried in one comparison of two interfaces; beyond it nothing more is decided."""
DEEPEST = 12
"""Trials inside trials."""
_SAID_ONLY = frozenset({
    "default-changed", "deprecated", "no-longer-deprecated", "element-added", "element-removed", "sensitivity-raised",
    "sensitivity-lowered", "extension-changed", "behaviour-changed", "text-changed", "xml-changed",
})  # fmt: skip


class Refuted(Exception):
    """The trial failed: this side would break."""


class Trials:
    """What is known of pairs of schemas."""

    def __init__(self) -> None:
        self.proved: set[Hashable] = set()
        self.refuted: set[Hashable] = set()
        self.unsure: set[Hashable] = set()
        self.assumed: dict[Hashable, None] = {}
        self.alike: dict[Hashable, bool] = {}
        self.depth = 0
        self.spent = 0

    def covers(self, schemas: Schemas, old: Any, new: Any, side: Side, at: tuple[str, str]) -> bool | None:
        """Whether nothing on this side breaks when `old` becomes `new`; None when it cannot be told."""
        key = schemas.key(old, new, side, at)
        for known, said in ((self.proved, True), (self.assumed, True), (self.refuted, False), (self.unsure, None)):
            if key in known:
                return said
        if self.depth >= DEEPEST or self.spent >= MOST:
            return None
        mark, trial = len(self.assumed), Trial(self)
        self.depth += 1
        try:
            inner = schemas.trying(trial)
            inner.compare(Node(), old, new, side, at)
            inner.finish()
        except Refuted:
            self._forget(mark)
            self.refuted.add(key)
            return False
        finally:
            self.depth -= 1
        if trial.unsure:
            self._forget(mark)
            self.unsure.add(key)
            return None
        if self.depth == 0:
            self.proved.update(self.assumed)
            self.assumed.clear()
        return True

    def _forget(self, mark: int) -> None:
        for key in list(self.assumed)[mark:]:
            del self.assumed[key]


class Trial:
    """Takes the place of a report: stops at the first change that breaks."""

    quiet = True

    def __init__(self, trials: Trials) -> None:
        self.trials = trials
        self.unsure = False

    def enter(self, node: Node, key: Hashable, *, loose: bool) -> Node | None:
        """A node for a pair that has to be looked at; None for one that is known to hold."""
        trials = self.trials
        if key in trials.refuted:
            raise Refuted
        if key in trials.unsure or trials.spent >= MOST:
            self.unsure = True
            return None
        if key in trials.proved or key in trials.assumed:
            return None
        trials.assumed[key] = None
        trials.spent += 1
        return Node(loose=loose)

    def add(
        self, node: Node, check: str, side: Side, message: str, old: str | None, new: str | None, *, hint: str = ""
    ) -> None:
        """A change: the end of the trial when it breaks."""
        if check in _SAID_ONLY:
            return
        level = CHECKS[check].level(side)
        if level is Level.BREAKING:
            raise Refuted
        self.unsure = self.unsure or level is Level.UNKNOWN

    def relate(
        self, node: Node, constraint: str, relation: Relation, side: Side, message: str, old: str, new: str
    ) -> None:
        """A constraint that moved."""
        if relation is not Relation.SAME:
            self.add(node, f"{constraint}-{relation}", side, message, old, new)
