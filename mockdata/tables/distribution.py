"""Shapes of numbers: where in its range a value falls.

A distribution is a table of quantiles, read off with additions and multiplications only, so that the same uniform
draw gives the same number on every machine (logarithms and exponentials may differ in their last bit). Declared on a
field as `x-distribution: {type: normal, mean: 40, deviation: 12}`; types and their parameters: uniform · normal(mean,
deviation) · lognormal(median, sigma) · exponential(mean) · triangular(mode) · zipf(exponent).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from mockdata.seeds import Floats

POINTS = 1025
PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "uniform": (), "normal": ("mean", "deviation"), "lognormal": ("median", "sigma"), "exponential": ("mean",),
    "triangular": ("mode",), "zipf": ("exponent",),
}  # fmt: skip
"""Type → the parameters it takes."""
TYPES = tuple(PARAMETERS)


@dataclass(frozen=True, slots=True)
class Distribution:
    """Quantiles at 0, 1/1024 … 1, in the unit of the value, non-decreasing."""

    quantiles: tuple[float, ...]

    def at(self, unit: Floats) -> Floats:
        """The values at these probabilities (floats in [0, 1))."""
        table = np.array(self.quantiles)
        place = unit * (len(table) - 1)
        below = place.astype(np.int64)
        result: Floats = table[below] + (place - below) * (table[below + 1] - table[below])
        return result


def read(declared: Mapping[str, Any], low: float, high: float) -> Distribution:
    """The declared distribution cut off at low … high. Raises ValueError naming what is wrong with it."""
    if not isinstance(declared, Mapping):
        raise ValueError(f"write {{type: …}} with parameters, not {declared!r}")
    kind = declared.get("type", "uniform")
    if kind not in TYPES:
        raise ValueError(f"unknown distribution {kind!r}; known: {', '.join(TYPES)}")
    for name in declared:
        if name != "type" and name not in PARAMETERS[kind]:
            takes = ", ".join(PARAMETERS[kind]) or "none"
            raise ValueError(f"a {kind} distribution has no parameter {name!r}; it takes {takes}")

    def number(name: str, default: float) -> float:
        value = declared.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ValueError(f"the distribution's {name} must be a number, not {value!r}")
        return float(value)

    span = high - low
    ends = [min(max(index / (POINTS - 1), 1e-6), 1 - 1e-6) for index in range(POINTS)]
    if kind == "normal":
        deviation = number("deviation", span / 6)
        if deviation <= 0 < span or deviation < 0:
            raise ValueError("the distribution's deviation must be above 0")
        curve = NormalDist(number("mean", low + span / 2), deviation or 1.0)
        raw = [curve.inv_cdf(p) for p in ends]
    elif kind == "lognormal":
        median, sigma = number("median", low + span / 10), number("sigma", 0.6)
        if median <= 0 < span or sigma <= 0:
            raise ValueError("a lognormal distribution needs a median and a sigma above 0")
        raw = [median * math.exp(sigma * NormalDist().inv_cdf(p)) for p in ends]
    elif kind == "exponential":
        mean = number("mean", span / 5)
        if mean <= 0 < span:
            raise ValueError("an exponential distribution needs a mean above 0")
        raw = [low - mean * math.log(1 - p) for p in ends]
    elif kind == "triangular":
        mode = min(max(number("mode", low + span / 2), low), high)
        rising, falling = (
            [low + math.sqrt(p * span * (mode - low)) for p in ends],
            [high - math.sqrt((1 - p) * span * (high - mode)) for p in ends],
        )
        cut = (mode - low) / span if span else 0.0
        raw = [up if p < cut else down for p, up, down in zip(ends, rising, falling, strict=True)]
    elif kind == "zipf":
        power = number("exponent", 1.5)
        if power <= 1:
            raise ValueError("a zipf distribution needs an exponent above 1")
        raw = [low + (1 - p) ** (-1 / (power - 1)) - 1 for p in ends]
    else:
        raw = [low + span * p for p in (index / (POINTS - 1) for index in range(POINTS))]
    # Twelve digits: what is left is the same whatever the machine's mathematics library rounds its last
    # bit to.
    return Distribution(tuple(float(f"{min(max(value, low), high):.12g}") for value in raw))
