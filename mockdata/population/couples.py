"""Couples of the template: who is or was married to whom, when, and what that makes of everybody's marital status.

Spouses mostly share a household. Some live apart (one of them in a dormitory, say), and divorced parents live in two
households: those pairs are made here from people without a partner at home. No figures exist for these shares, they
are a model; the codes are GB/T 2261.2 (10 never married, 20 married, 30 widowed, 40 divorced).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mockdata.population.ages import BASE
from mockdata.population.kin import Chances
from mockdata.seeds import Ints

SINGLE, MARRIED, WIDOWED, DIVORCED = 10, 20, 30, 40
_FIRST_YEAR = 1950
"""The first year a marriage can be in the register."""

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Lone:
    """People without a partner at home who may have one elsewhere; at most one a household.

    slot: who · back: years since birth · man: sex · parent: has children at home · collective: lives in a
    dormitory.
    """

    slot: Ints
    back: Ints
    man: Flags
    parent: Flags
    collective: Flags


def intentions(chances: Chances, lone: Lone) -> Ints:
    """What becomes of each lone person if a partner is found: 20 living apart, 40 divorced; 10 and 30 need none."""
    chance = chances.uniform("lone status", len(lone.slot))
    old, middle = lone.back >= 65, lone.back >= 40
    divorced = np.select(
        [lone.back < 27, lone.parent, lone.collective, old, middle], [0.0, 0.3, 0.05, 0.03, 0.16], 0.07
    )
    apart = np.select([lone.back < 25, lone.parent, lone.collective, old, middle], [0.0, 0.55, 0.6, 0.2, 0.62], 0.4)
    return np.select([chance < divorced, chance < divorced + apart], [DIVORCED, MARRIED], leftover(chance, lone))


def leftover(chance: NDArray[np.float64], lone: Lone) -> Ints:
    """The status of a lone person without any partner: widowed when old or a parent, else never married."""
    widowed = np.select([lone.back >= 75, lone.back >= 62, lone.parent, lone.back >= 50], [0.95, 0.8, 0.9, 0.3], 0.01)
    return np.where((1 - chance < widowed) & (lone.back >= 24), WIDOWED, SINGLE)


def pair_up(chances: Chances, lone: Lone, intention: Ints, wanted: int) -> tuple[Ints, Ints]:
    """(men, women) as positions in `lone` of equal length, matched by age with some noise."""
    noise = (chances.uniform(f"pair {wanted}", len(lone.slot)) * 5).astype(np.int64)
    sides = []
    for man in (True, False):
        side = np.nonzero((intention == wanted) & (lone.man == man))[0]
        # husbands are about two years older
        age = lone.back[side] + noise[side] - (2 if man else 0)
        sides.append(side[np.argsort(-age, kind="stable")])
    length = min(len(sides[0]), len(sides[1]))
    # the longer side loses people evenly over all ages
    thinned = [side[(np.arange(length) * len(side)) // max(length, 1)] for side in sides]
    return thinned[0], thinned[1]


def marriage_years(chances: Chances, man_back: Ints, woman_back: Ints, eldest_back: Ints) -> Ints:
    """Year of registration of each couple: both of legal age on its first day (22 and 20), before the eldest common
    child where age allows (`eldest_back` -1 = no child)."""
    n = len(man_back)
    legal = BASE.year - np.minimum(man_back - 23, woman_back - 21)
    legal = np.maximum(legal, _FIRST_YEAR)
    chance = chances.uniform("marriage year", n)
    wait = (1 + 11 * chance * chance).astype(np.int64)
    before_child = BASE.year - eldest_back - 1 - (3 * chance * chance).astype(np.int64)
    wish = np.where(eldest_back >= 0, before_child, legal + wait)
    return np.asarray(np.minimum(np.maximum(wish, legal), BASE.year), dtype=np.int64)


def divorce_years(chances: Chances, married: Ints, youngest_back: Ints) -> Ints:
    """Year of dissolution: at least one year after the marriage and after the youngest common child's birth."""
    chance = chances.uniform("divorce year", len(married))
    least = np.maximum(married + 1, np.where(youngest_back >= 0, BASE.year - youngest_back + 1, 0))
    span = np.maximum(BASE.year - least, 0)
    return np.asarray(np.minimum(least + (span * chance * chance).astype(np.int64), BASE.year), dtype=np.int64)
