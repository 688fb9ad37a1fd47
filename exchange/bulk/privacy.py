"""Differential privacy as arithmetic: what an agreement allows, what a question may ask, how much noise hides it. Pure.

A budget is worth what its smallest question costs: an epsilon that vanishes in the sum would be free, and a group asked
twice in one question would be answered twice for one price. Both are refused here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from exchange.bulk.terms import Terms
from exchange.errors import Unavailable, Unprocessable

MOST_GROUPS = 10_000
LEAST_EPSILON, LARGEST_EPSILON = 0.0001, 100.0
MOST_STEPS = 2**40
"""Whole steps a value may have: beyond it a sum is not exact any more."""
LARGEST_VALUE = 2**62
Noise = Callable[[int, float], int]
"""(exact value, scale) → noisy value."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What an agreement allows of aggregates. ``measures``: column → (low, high, step) a value is clamped and rounded
    to; ``groups``: column → its public values; ``person``: whose rows are limited to ``contributions`` each.
    """

    epsilon: float
    measures: Mapping[str, tuple[float, float, float]]
    groups: Mapping[str, tuple[str, ...]]
    person: str | None
    contributions: int


@dataclass(frozen=True, slots=True)
class Question:
    """What a consumer asks: a count, sums, by groups, of rows a CEL filter over agreed columns keeps."""

    epsilon: float
    count: bool = True
    sums: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    where: str = ""


def allowance(terms: Terms) -> Allowance:
    """The allowance of an agreement's terms. Raises `Unprocessable` for one that does not bound what may be learnt."""
    told = terms.aggregates or {}
    try:
        epsilon, times = float(told["epsilon"]), int(told.get("contributions", 1))
        measures = {
            name: (float(one["low"]), float(one["high"]), float(one.get("step", 1)))
            for name, one in told.get("measures", {}).items()
        }
        groups = {name: tuple(dict.fromkeys(map(str, values))) for name, values in told.get("groups", {}).items()}
        person = told.get("person")
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Unprocessable("the aggregates of the agreement cannot be read", rule="unknown-term") from None
    bounds = [low < high and step > 0 and math.isfinite(low + high + step) for low, high, step in measures.values()]
    bounds += [
        _steps(max(abs(low), abs(high)), step) <= MOST_STEPS for low, high, step in measures.values() if all(bounds)
    ]
    if not LEAST_EPSILON <= epsilon <= LARGEST_EPSILON or not 1 <= times <= 1000 or not all(bounds):
        raise Unprocessable("the aggregates of the agreement have no sound bounds", rule="unknown-term")
    if terms.masks:
        raise Unprocessable("masks are of rows, and aggregates give none", rule="unknown-term")
    if foreign := sorted((measures.keys() | groups.keys()) - set(terms.columns)):
        raise Unprocessable(f"aggregates name columns that are not agreed: {', '.join(foreign)}", rule="unknown-term")
    return Allowance(epsilon, measures, groups, person, times)


def check(question: Question, allowed: Allowance) -> None:
    """Raises `Unprocessable` for a question the allowance does not cover."""
    if not (question.count or question.sums) or not LEAST_EPSILON <= question.epsilon <= LARGEST_EPSILON:
        raise Unprocessable(f"ask for a count or sums, with an epsilon from {LEAST_EPSILON}", pointer="/epsilon")
    for name, known in (("sums", allowed.measures), ("by", allowed.groups)):
        asked: tuple[str, ...] = getattr(question, name)
        if beyond := [one for one in asked if one not in known]:
            raise Unprocessable(
                f"{name} beyond the agreement: {', '.join(beyond)}",
                hint=f"agreed are: {', '.join(sorted(known)) or 'none'}",
                pointer=f"/{name}",
            )
        if len(set(asked)) != len(asked):
            raise Unprocessable(f"{name} names a column twice", pointer=f"/{name}")
    if math.prod(len(allowed.groups[name]) for name in question.by) > MOST_GROUPS:
        raise Unprocessable(f"that makes more than {MOST_GROUPS} groups", pointer="/by")


def scales(question: Question, allowed: Allowance) -> dict[str, float]:
    """Scale of the noise of each measure, in whole steps: its sensitivity over its share of epsilon.

    Groups share it: a row is in one group only (parallel composition); measures divide it (sequential).
    """
    share = question.epsilon / (int(question.count) + len(question.sums))
    found = {"count": allowed.contributions / share} if question.count else {}
    for name in question.sums:
        low, high, step = allowed.measures[name]
        found[name] = allowed.contributions * _steps(max(abs(low), abs(high)), step) / share
    return found


def laplace(value: int, scale: float) -> int:
    """``value`` with discrete Laplace noise of this scale. Raises `Unavailable` when OpenDP is not installed."""
    try:
        import opendp.prelude as dp
    except ImportError:
        raise Unavailable("differential privacy needs OpenDP", hint="the operator installs tongban[privacy]") from None
    dp.enable_features("contrib")
    space = dp.atom_domain(T="i64"), dp.absolute_distance(T="i64")
    bounded = max(-LARGEST_VALUE, min(LARGEST_VALUE, value))
    return int(dp.m.make_laplace(*space, scale=scale)(bounded))


def _steps(value: float, step: float) -> int:
    return math.ceil(value / step)
