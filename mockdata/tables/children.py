"""One to many: how many rows of a child table each row of its parent has, and which child belongs to whom.

The counts of 4,096 parents are drawn once; further parents have the same counts, turned by a keyed number. So the
parent of any child row is found with a division and one look into a table, children of one parent stand side by side,
and nothing is remembered. When every parent has had its children the next round begins.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from mockdata.seeds import Ints, hashed, unit

BLOCK = 4096
MOST = 100_000
"""Children one parent may have."""
TYPES = ("poisson", "zipf", "geometric", "uniform", "fixed", "counts")


@dataclass(frozen=True, slots=True)
class Family:
    """`counts` of the parents of one block; `parents` rows of the parent table."""

    counts: tuple[int, ...]
    parents: int

    @property
    def most(self) -> int:
        """The largest number of children."""
        return max(self.counts)

    @property
    def round(self) -> int:
        """Children of all parents together."""
        blocks, rest = divmod(self.parents, len(self.counts))
        starts, owners = _tables(self.counts)
        return blocks * len(owners) + int(starts[rest])

    def members(self, rows: Ints, key: int) -> tuple[Ints, Ints]:
        """Of each child row its parent's row, and its own number among that parent's children (from 0)."""
        starts, owners = _tables(self.counts)
        round_, within = np.divmod(rows, self.round)
        block, turn = np.divmod(within, len(owners))
        slot = owners[turn]
        # the last block may be a part; a slot is turned inside its own block, so that no parent is left out
        width = np.minimum(len(self.counts), self.parents - block * len(self.counts))
        shift = (hashed(key, block) % width.astype(np.uint64)).astype(np.int64)
        parent = block * len(self.counts) + (slot + shift) % width
        return parent, turn - starts[slot] + round_ * self.most


@lru_cache(maxsize=32)
def _tables(counts: tuple[int, ...]) -> tuple[Ints, Ints]:
    starts = np.concatenate([[0], np.cumsum(np.array(counts, dtype=np.int64))]).astype(np.int64)
    return starts, np.repeat(np.arange(len(counts), dtype=np.int64), counts)


def family(declared: Any, parents: int, key: int) -> Family:
    """The family sizes `x-children` asks for. Raises ValueError naming what is wrong.

    `{type: poisson, mean: 3}` · `{type: zipf, exponent: 2, maximum: 200}` · `{type: geometric, mean: 3}` ·
    `{type: uniform, minimum: 1, maximum: 4}` · `{type: fixed, count: 4}` · `{type: counts, weights: {0: 5, 1: 3}}`;
    `minimum` and `maximum` may stand beside any of them.
    """
    if not isinstance(declared, Mapping):
        raise ValueError("write a distribution, like {type: poisson, mean: 3}")
    kind = declared.get("type", "poisson")
    if kind not in TYPES:
        raise ValueError(f"unknown type {kind!r}; known: {', '.join(TYPES)}")
    low, high = _whole(declared, "minimum", 1 if kind in ("zipf", "geometric", "uniform") else 0), None
    if "maximum" in declared or kind in ("zipf", "uniform"):
        high = _whole(declared, "maximum", 100 if kind == "zipf" else 4)
        if high < low:
            raise ValueError(f"minimum {low} is more than maximum {high}")
    cumulative = np.cumsum(_weights(kind, declared, low, high))
    drawn = np.searchsorted(cumulative / cumulative[-1], unit(hashed(key, np.arange(BLOCK))), side="right")
    counts = np.minimum(drawn, len(cumulative) - 1)
    if not counts[: min(parents, BLOCK)].any():
        raise ValueError("no parent has a child")
    return Family(tuple(counts.tolist()), parents)


def _weights(kind: str, declared: Mapping[str, Any], low: int, high: int | None) -> Any:
    """Weights of 0, 1, 2 … children."""
    top = MOST
    if kind == "fixed":
        low = top = _whole(declared, "count", 1)
    elif kind in ("poisson", "geometric"):
        mean = _positive(declared, "mean", 2.0)
        if mean > 10_000:
            raise ValueError(f"a mean of {mean:g} children is too much; 10,000 at most")
        top = int(mean + 12 * math.sqrt(mean) + 20) if kind == "poisson" else int(mean * 25 + 20)
    elif kind == "counts":
        return _listed(declared.get("weights"))
    top = min(top, MOST if high is None else high)
    if top < low:
        raise ValueError(f"the minimum {low} is beyond what a mean like that gives")
    numbers = np.arange(top + 1)
    if kind == "poisson":
        steps = [0.0, *(math.log(mean) - math.log(number) for number in range(1, top + 1))]
        weights = np.exp(np.round(np.cumsum(steps) - mean, 9))
    elif kind == "geometric":
        ratio = 1 - 1 / max(mean - low + 1, 1.000001)
        weights = ratio ** np.maximum(numbers - low, 0).astype(np.float64)
    elif kind == "zipf":
        exponent = _positive(declared, "exponent", 2.0)
        weights = np.maximum(numbers, 1).astype(np.float64) ** -exponent
        weights[0] = weights[1] if low == 0 and top else 0.0
    else:
        weights = np.ones(top + 1)
    weights[:low] = 0
    return np.round(weights, 12)


def _listed(weights: Any) -> Any:
    if not isinstance(weights, Mapping) or not weights:
        raise ValueError("counts need weights, like {0: 5, 1: 3, 2: 1}")
    try:
        listed = {int(number): float(weight) for number, weight in weights.items()}
    except (TypeError, ValueError):
        raise ValueError(f"weights of counts must be numbers, not {weights!r}") from None
    if min(listed) < 0 or max(listed) > MOST or min(listed.values()) < 0 or not sum(listed.values()):
        raise ValueError(f"counts go from 0 to {MOST}, weights from 0 on, and not all are 0")
    found = np.zeros(max(listed) + 1)
    for number, weight in listed.items():
        found[number] = weight
    return found


def _whole(declared: Mapping[str, Any], name: str, default: int) -> int:
    value = declared.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST:
        raise ValueError(f"{name} must be a whole number from 0 to {MOST}, not {value!r}")
    return value


def _positive(declared: Mapping[str, Any], name: str, default: float) -> float:
    value = declared.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise ValueError(f"{name} must be a number above 0, not {value!r}")
    return float(value)
