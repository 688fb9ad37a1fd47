"""Birth years and sexes of the template's persons, drawn household by household and then fitted to the census.

Children take their ages from the census pool, parents and grandparents stand a drawn gap above them, one-generation
households take what is left; the fit then moves everybody a little, keeping the order, until every cohort of each sex
has its quota. Gaps between parents and children are repaired last.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mockdata.population import ages
from mockdata.population.ages import OLDEST
from mockdata.population.kin import BLOOD, LEVELS, OTHERS, SPOUSE, Chances, Households
from mockdata.seeds import Floats, Ints, apportion

GAP = 17
"""Least difference in birth years between parent and child: at least 16 full years whatever the birth days."""
MAN, WOMAN = 1, 2

Flags = NDArray[np.bool_]

_MOTHER_AGE = np.array([1, 2, 3, 5, 7, 8, 9, 10, 10, 9, 8, 7, 6, 5, 4, 3, 2, 2, 1, 1], dtype=np.float64)
"""Mother's age (20, 21, … 39) when her first child of the household was born; a model."""
_HUSBAND_OLDER = np.array([2, 3, 6, 12, 16, 17, 14, 11, 8, 5, 3, 2, 1], dtype=np.float64)
"""Years (-3 … 9) by which husbands are older; a model."""


@dataclass
class Draft:
    """Work in progress; `back` = BASE.year - birth year, so elder means larger."""

    household: Ints
    level: Ints
    kind: Ints
    top: Ints
    counts: NDArray[np.int64]
    start: NDArray[np.int64]
    collective: Flags
    back: Ints
    sex: Ints
    twin: Flags

    def slot(self, household: Ints, level: Ints, kind: int) -> Ints:
        """First slot of a kind on a level, -1 where there is none (negative levels included)."""
        safe = np.maximum(level, 0)
        there = (level >= 0) & (self.counts[household, safe, kind] > 0)
        return np.where(there, self.start[household, safe, kind], -1)


def draw(chances: Chances, homes: Households) -> Draft:
    """Everybody's birth year and sex, consistent between relatives and with the census."""
    draft = _expand(homes)
    _draw_years(chances, draft, homes.generations)
    _draw_sexes(chances, draft)
    _fit_to_census(chances, draft)
    _settle(draft)
    _refill(draft, homes.generations)
    return draft


def _expand(homes: Households) -> Draft:
    counts = homes.counts
    flat = counts.reshape(-1)
    start = (np.cumsum(flat) - flat).reshape(counts.shape)
    role = np.repeat(np.tile(np.arange(LEVELS * 3), len(counts)), flat)
    household = np.repeat(np.arange(len(counts)), homes.sizes)
    zeros = np.zeros(len(role), dtype=np.int64)
    return Draft(
        household, role // 3, role % 3, homes.generations[household] - 1, counts, start,
        homes.collective[household], zeros.copy(), zeros.copy(), zeros.astype(np.bool_),
    )  # fmt: skip


# ---- birth years ----------------------------------------------------------------------------------------------


def _pick(chance: Floats, weights: Floats, first: int) -> Ints:
    cumulative = np.cumsum(weights)
    return np.asarray(first + np.searchsorted(cumulative, chance * cumulative[-1], side="right"), dtype=np.int64)


def _draw_years(chances: Chances, draft: Draft, generations: Ints) -> None:
    n_homes, _n = len(generations), len(draft.household)
    home = np.arange(n_homes)
    family = ~draft.collective[np.searchsorted(draft.household, home)]
    bottom = generations - 1
    paired_bottom = draft.counts[home, bottom, SPOUSE] > 0
    single_parent = draft.counts[home, 0, SPOUSE] == 0
    adult_chance = np.select(
        [paired_bottom, generations >= 4, generations == 3, single_parent, family],
        [1.0, 0.0, 0.06, 0.3, 0.12],
        default=0.0,
    )
    lineal = family & (generations >= 2)
    grown = lineal & (chances.uniform("grown child", n_homes) < adult_chance)
    elder = chances.uniform("grown child's age", n_homes)
    # grown children living with their parents: mostly twenties, fewer up to fifty-five
    reach = np.where(generations >= 3, 8, 33)
    grown_back = (24 + reach * elder * elder).astype(np.int64) + 2 * paired_bottom

    # minors: siblings are close in age because one draw of the household ranks them all
    on_bottom = (draft.level == draft.top) & lineal[draft.household] & ~grown[draft.household]
    anchor = chances.uniform("children of the household", n_homes)
    anchor = anchor * np.select([generations == 3, generations >= 4], [0.85, 0.4], 1.0)
    young = np.nonzero(on_bottom)[0]
    place = anchor[draft.household[young]] + 0.16 * chances.uniform("child of the household", len(young))
    pool = ages.cohort_shares()[:27].copy()
    pool[16:] *= np.linspace(0.62, 0.03, 11)
    draft.back[young[np.argsort(place, kind="stable")]] = np.repeat(np.arange(27), apportion(pool, len(young)))
    _eldest_first(draft, young)
    draft.twin[young] = chances.uniform("twin", len(young)) < 0.04
    draft.twin &= draft.kind == OTHERS
    _space_siblings(draft)

    mother_age = _pick(chances.uniform("mother's age", n_homes * LEVELS), _MOTHER_AGE, 20).reshape(n_homes, LEVELS)
    older = _pick(chances.uniform("husband older", n_homes * LEVELS), _HUSBAND_OLDER, -3).reshape(n_homes, LEVELS)
    level_back = np.zeros((n_homes, LEVELS), dtype=np.int64)
    at_bottom = draft.start[home, bottom, BLOOD]
    level_back[home, bottom] = np.where(grown, grown_back, draft.back[at_bottom])
    for level in range(LEVELS - 2, -1, -1):
        above = lineal & (level < bottom)
        level_back[above, level] = (level_back[:, level + 1] + mother_age[:, level] + older[:, level] // 2)[above]

    # collectives: dormitories of pupils and students, of workers, homes for the old
    kind = chances.uniform("kind of collective", n_homes)
    spread = chances.uniform("age in the collective", n_homes)
    dormitory = np.select([kind < 0.4, kind < 0.9], [16 + 4 * spread, 21 + 32 * spread * spread], 66 + 24 * spread)
    # a couple among them is of age
    dormitory = np.where(single_parent, dormitory, np.maximum(dormitory, 26 + 20 * spread * spread))
    level_back[~family, 0] = dormitory[~family].astype(np.int64)

    _apply_levels(chances, draft, level_back, older, on_bottom)
    _fill_rest(chances, draft, family & (generations == 1), older)


def _eldest_first(draft: Draft, young: Ints) -> None:
    """Sorts the children of a household so that the blood line's own place holds the eldest."""
    ranked = np.lexsort((-draft.back[young], draft.household[young]))
    draft.back[young] = draft.back[young][ranked]


def _apply_levels(
    chances: Chances, draft: Draft, level_back: NDArray[np.int64], older: NDArray[np.int64], done: Flags
) -> None:
    """Gives everybody above the youngest level an age from that of the level."""
    back = level_back[draft.household, draft.level]
    step = np.arange(len(back)) - draft.start[draft.household, draft.level, draft.kind] + 1
    shift = np.where(draft.kind == SPOUSE, -older[draft.household, draft.level], 0)
    near = (chances.uniform("near age", len(back)) * 7 - 3).astype(np.int64)
    # brothers and sisters are younger than the blood line's own person, so that the parents' gap holds for all
    shift = np.where(draft.kind == OTHERS, np.where(draft.collective, near, -2 * step), shift)
    value = np.clip(back + shift, 16, OLDEST - 4)
    draft.back[~done] = value[~done]


def _fill_rest(chances: Chances, draft: Draft, single_generation: Flags, older: NDArray[np.int64]) -> None:
    """One-generation households take the ages the census has and nobody else took."""
    filling = single_generation[draft.household]
    want = np.bincount(draft.back[~filling], minlength=OLDEST + 1)
    rest = np.maximum(sum(ages.quotas(len(draft.back))) - want, 0).astype(np.float64)
    rest[:18] = 0
    homes = np.nonzero(single_generation)[0]
    pool = np.repeat(np.arange(OLDEST + 1), apportion(rest, len(homes)))
    couple = draft.counts[homes, 0, SPOUSE] > 0
    chance = chances.uniform("age of the household", len(homes))
    # couples begin later than lodgers of twenty
    back = np.empty(len(homes), dtype=np.int64)
    back[np.argsort(np.where(couple, 0.2 + 0.8 * chance, chance), kind="stable")] = pool
    of_home = np.zeros(len(single_generation), dtype=np.int64)
    of_home[homes] = back
    slots = np.nonzero(filling)[0]
    home = draft.household[slots]
    step = slots - draft.start[home, 0, draft.kind[slots]] + 1
    shift = np.select(
        [draft.kind[slots] == SPOUSE, draft.kind[slots] == OTHERS], [-older[home, 0], -2 * step], default=0
    )
    draft.back[slots] = np.clip(of_home[home] + shift, 18, OLDEST - 4)


# ---- sexes ----------------------------------------------------------------------------------------------------


def _draw_sexes(chances: Chances, draft: Draft) -> None:
    """Couples are a man and a woman; everybody else makes up the census ratio, women more often among the old."""
    n = len(draft.back)
    has_spouse = draft.counts[draft.household, draft.level, SPOUSE] > 0
    chance = chances.uniform("sex", n)
    blood_is_man = (chance[draft.start[draft.household, draft.level, BLOOD]] < 0.88) | (draft.level == 0)
    coupled = has_spouse & (draft.kind != OTHERS)
    draft.sex[coupled] = np.where(blood_is_man == (draft.kind == BLOOD), MAN, WOMAN)[coupled]
    free = np.nonzero(~coupled)[0]
    young = draft.back[free] < 20
    men_wanted = int(ages.quotas(n)[0].sum()) - int((draft.sex == MAN).sum())
    male = ages.male_shares()
    boys = np.nonzero(young)[0]
    boy = chance[free[boys]] < male[draft.back[free[boys]]]
    draft.sex[free[boys]] = np.where(boy, MAN, WOMAN)
    grown = free[~young]
    men_wanted = int(np.clip(men_wanted - int(boy.sum()), 0, len(grown)))
    lone_parent = (draft.kind[grown] == BLOOD) & (draft.level[grown] < draft.top[grown])
    age = draft.back[grown] / OLDEST
    score = chance[grown] + 0.55 * age * age + 0.3 * lone_parent
    draft.sex[grown] = WOMAN
    draft.sex[grown[np.argsort(score, kind="stable")[:men_wanted]]] = MAN


def _fit_to_census(chances: Chances, draft: Draft) -> None:
    """Moves birth years so that every cohort of each sex has exactly its quota, keeping the order by age.

    Ties are broken by one draw a household, so that relatives move together.
    """
    tie = chances.uniform("tie", len(draft.counts))[draft.household]
    by_sex = ages.quotas(len(draft.back))
    missing = int((draft.sex == MAN).sum()) - int(by_sex[0].sum())
    for sex, quota in ((MAN, by_sex[0]), (WOMAN, by_sex[1])):
        slots = np.nonzero(draft.sex == sex)[0]
        if missing:
            quota = apportion(quota, len(slots))
        ranked = slots[np.lexsort((tie[slots], draft.back[slots]))]
        draft.back[ranked] = np.repeat(np.arange(OLDEST + 1), quota)


def _settle(draft: Draft) -> None:
    """Repairs what the fit bent: children of one mother at least two years apart (or twins), parents at least GAP
    years older, couples of age. Everybody only ever gets older, from the youngest level up, so it ends."""
    home, level, kind = draft.household, draft.level, draft.kind
    back, _n = draft.back, len(draft.back)
    adult = np.where(draft.sex == MAN, 23, 21)
    has_spouse = (draft.counts[home, level, SPOUSE] > 0) & (kind != OTHERS)
    back[has_spouse] = np.maximum(back, adult)[has_spouse]
    _space_siblings(draft)
    child_line = (draft.top > 0) & ~draft.collective
    for this in range(LEVELS - 1, 0, -1):
        people = np.nonzero(child_line & (level == this) & (kind != SPOUSE))[0]
        for parent_kind in (BLOOD, SPOUSE):
            parent = draft.slot(home[people], np.full(len(people), this - 1), parent_kind)
            np.maximum.at(back, parent[parent >= 0], back[people][parent >= 0] + GAP)
        _space_siblings(draft, this - 1)


def _space_siblings(draft: Draft, only: int | None = None) -> None:
    """From the last brother or sister to the first: each at least two years older than the next; twins of one age."""
    back = draft.back
    family = ~draft.collective & (draft.top > 0) & (draft.kind == OTHERS)
    for this in range(LEVELS) if only is None else (only,):
        here = np.nonzero(family & (draft.level == this))[0]
        home = draft.household[here]
        place = here - draft.start[home, this, OTHERS]
        for turn in range(int(place.max(initial=-1)), -1, -1):
            younger = here[place == turn]
            elder = (
                draft.slot(draft.household[younger], np.full(len(younger), this), BLOOD) if turn == 0 else younger - 1
            )
            twin = draft.twin[younger]
            back[elder] = np.where(twin, back[younger], np.maximum(back[elder], back[younger] + 2))


def _refill(draft: Draft, generations: Ints) -> None:
    """People living alone take the birth years still missing after the repairs."""
    alone = (generations[draft.household] == 1) & (draft.counts[draft.household].sum(axis=(1, 2)) == 1)
    alone &= ~draft.collective
    for sex, quota in zip((MAN, WOMAN), ages.quotas(len(draft.back)), strict=True):
        slots = np.nonzero(alone & (draft.sex == sex))[0]
        others = np.bincount(draft.back[~alone & (draft.sex == sex)], minlength=OLDEST + 1)
        rest = np.maximum(quota - others[: OLDEST + 1], 0).astype(np.float64)
        rest[:18] = 0
        ranked = slots[np.argsort(draft.back[slots], kind="stable")]
        draft.back[ranked] = np.repeat(np.arange(OLDEST + 1), apportion(rest, len(slots)))
