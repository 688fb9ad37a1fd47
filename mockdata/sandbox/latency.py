"""How long answers take: distributions drawn from a number in (0, 1), so that a run repeats."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import NormalDist

LONGEST_MS = 600_000.0
_NORMAL = NormalDist()
_P99 = _NORMAL.inv_cdf(0.99)

SHAPES: Mapping[str, tuple[str, str]] = {
    "fixed": ("ms", "ms"),
    "uniform": ("min_ms", "max_ms"),
    "normal": ("mean_ms", "sd_ms"),
    "lognormal": ("p50_ms", "p99_ms"),
}
"""Distribution → the names of its two numbers."""


@dataclass(frozen=True, slots=True)
class Latency:
    """A distribution of milliseconds: `shape` of `SHAPES`, with its two numbers."""

    shape: str
    first: float
    second: float

    def draw(self, unit: float) -> float:
        """The milliseconds at this place (0 to 1) of the distribution, 0 to ten minutes."""
        return min(max(_DRAWS[self.shape](self.first, self.second, unit), 0.0), LONGEST_MS)


def _lognormal(p50: float, p99: float, unit: float) -> float:
    return p50 * math.exp(math.log(p99 / p50) / _P99 * _NORMAL.inv_cdf(unit))


_DRAWS: Mapping[str, Callable[[float, float, float], float]] = {
    "fixed": lambda ms, _, unit: ms,
    "uniform": lambda least, most, unit: least + (most - least) * unit,
    "normal": lambda mean, sd, unit: mean + sd * _NORMAL.inv_cdf(unit),
    "lognormal": _lognormal,
}
