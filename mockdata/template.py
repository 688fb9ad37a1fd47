"""The template block: one closed society of 65,000 households that every division repeats as often as it needs.

Everything that has to agree between relatives is settled here once: who is whose kin, birth years, sexes, marriages,
who works. What may differ from copy to copy (names, birth days, addresses, income) is hashed later.

Households that hold parts of one family (divorced parents, couples living apart) stand side by side and form a *group*;
blocks are cut only between groups, so no link ever leads out of a block.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mockdata import ages, couples
from mockdata.ages import BASE, OLDEST
from mockdata.kin import BLOOD, LEVELS, OTHERS, SPOUSE, Chances, Households, compose
from mockdata.seeds import Floats, Ints, apportion

HOUSEHOLDS = 65_000
GAP = 17
"""Least difference in birth years between parent and child: at least 16 full years whatever the birth days."""
MAN, WOMAN = 1, 2

Flags = NDArray[np.bool_]

_MOTHER_AGE = np.array([1, 2, 3, 5, 7, 8, 9, 10, 10, 9, 8, 7, 6, 5, 4, 3, 2, 2, 1, 1], dtype=np.float64)
"""Mother's age (20, 21, … 39) when her first child of the household was born; a model."""
_HUSBAND_OLDER = np.array([2, 3, 6, 12, 16, 17, 14, 11, 8, 5, 3, 2, 1], dtype=np.float64)
"""Years (-3 … 9) by which husbands are older; a model."""


@dataclass(frozen=True)
class Template:
    """Arrays over slots (one person each) in household order; links are slots, -1 = nobody in the block.

    year, day: birth year and day of the year (0 = 1 January) before rotation · sex 1 man, 2 woman · relation: GB/T 4761
    as in the code list (0 head … 8 other) · household: household number · group_start: True where a block may be cut ·
    marital: 10, 20, 30, 40 once all marriages of the template have happened · partner: the spouse (marital 20) or
    former spouse (40) · married, dissolved: years, 0 = never · root: slot whose surname is carried · ethnic_root: slot
    whose ethnic group is shared · born_rank: place among the slots of equal year, day and sex.
    """

    year: Ints
    day: Ints
    sex: Ints
    household: Ints
    collective: Flags
    relation: Ints
    father: Ints
    mother: Ints
    partner: Ints
    marital: Ints
    married: Ints
    dissolved: Ints
    root: Ints
    ethnic_root: Ints
    born_rank: Ints
    group_start: Flags
    head: Ints

    def __len__(self) -> int:
        return len(self.year)


@dataclass
class _Draft:
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


@lru_cache(maxsize=4)
def template(seed: int | str, households: int = HOUSEHOLDS) -> Template:
    """Draws the block; the same seed and size give the same arrays. Takes a fraction of a second."""
    homes = compose(seed, households)
    draft = _expand(homes)
    chances = Chances(seed, "template")
    _draw_years(chances, draft, homes.generations)
    _draw_sexes(chances, draft)
    _fit_to_census(chances, draft)
    _settle(draft)
    return _finish(chances, draft, homes.generations)


def _expand(homes: Households) -> _Draft:
    counts = homes.counts
    flat = counts.reshape(-1)
    start = (np.cumsum(flat) - flat).reshape(counts.shape)
    role = np.repeat(np.tile(np.arange(LEVELS * 3), len(counts)), flat)
    household = np.repeat(np.arange(len(counts)), homes.sizes)
    zeros = np.zeros(len(role), dtype=np.int64)
    return _Draft(
        household, role // 3, role % 3, homes.generations[household] - 1, counts, start,
        homes.collective[household], zeros.copy(), zeros.copy(), zeros.astype(np.bool_),
    )  # fmt: skip


# ---- birth years ----------------------------------------------------------------------------------------------


def _pick(chance: Floats, weights: Floats, first: int) -> Ints:
    cumulative = np.cumsum(weights)
    return np.asarray(first + np.searchsorted(cumulative, chance * cumulative[-1], side="right"), dtype=np.int64)


def _draw_years(chances: Chances, draft: _Draft, generations: Ints) -> None:
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
    level_back[~family, 0] = dormitory[~family].astype(np.int64)

    _apply_levels(chances, draft, level_back, older, on_bottom)
    _fill_rest(chances, draft, family & (generations == 1), older)


def _eldest_first(draft: _Draft, young: Ints) -> None:
    """Sorts the children of a household so that the blood line's own place holds the eldest."""
    ranked = np.lexsort((-draft.back[young], draft.household[young]))
    draft.back[young] = draft.back[young][ranked]


def _apply_levels(
    chances: Chances, draft: _Draft, level_back: NDArray[np.int64], older: NDArray[np.int64], done: Flags
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


def _fill_rest(chances: Chances, draft: _Draft, single_generation: Flags, older: NDArray[np.int64]) -> None:
    """One-generation households take the ages the census has and nobody else took."""
    filling = single_generation[draft.household]
    want = np.bincount(draft.back[~filling], minlength=OLDEST + 1)
    rest = np.maximum(sum(ages.quotas(len(draft.back))) - want, 0).astype(np.float64)
    rest[:19] = 0
    homes = np.nonzero(single_generation)[0]
    pool = np.repeat(np.arange(OLDEST + 1), apportion(rest, len(homes)))
    couple = draft.counts[homes, 0, SPOUSE] > 0
    chance = chances.uniform("age of the household", len(homes))
    # couples begin later than lodgers of twenty
    back = np.empty(len(homes), dtype=np.int64)
    back[np.argsort(np.where(couple, 0.1 + 0.9 * chance, chance), kind="stable")] = pool
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


def _draw_sexes(chances: Chances, draft: _Draft) -> None:
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


def _fit_to_census(chances: Chances, draft: _Draft) -> None:
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


def _settle(draft: _Draft) -> None:
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


def _space_siblings(draft: _Draft, only: int | None = None) -> None:
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


def _refill(draft: _Draft, generations: Ints) -> None:
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


# ---- kin ------------------------------------------------------------------------------------------------------


@dataclass
class _Ties:
    head: Ints
    relation: Ints
    father: Ints
    mother: Ints
    partner: Ints
    marital: Ints
    married: Ints
    dissolved: Ints
    group: Ints


def _tie(chances: Chances, draft: _Draft, generations: Ints) -> _Ties:
    n, n_homes = len(draft.back), len(generations)
    slot = np.arange(n)
    head, relation = _relations(chances, draft, generations)
    blood = draft.slot(draft.household, draft.level, BLOOD)
    spouse = draft.slot(draft.household, draft.level, SPOUSE)
    none = np.full(n, -1, dtype=np.int64)
    child = (draft.level > 0) & (draft.kind != SPOUSE)
    above = [np.where(child, draft.slot(draft.household, draft.level - 1, kind), -1) for kind in (BLOOD, SPOUSE)]
    father, mother = none.copy(), none.copy()
    for parent in above:
        is_man = (parent >= 0) & (draft.sex[parent] == MAN)
        father = np.where(is_man, parent, father)
        mother = np.where((parent >= 0) & ~is_man, parent, mother)
    partner = np.select([draft.kind == BLOOD, draft.kind == SPOUSE], [spouse, blood], -1)
    marital = np.where(partner >= 0, couples.MARRIED, couples.SINGLE)
    ties = _Ties(head, relation, father, mother, partner, marital, none.copy(), none.copy(), np.arange(n_homes))
    _lone_pairs(chances, draft, ties)
    _marry(chances, draft, ties, slot)
    return ties


def _relations(chances: Chances, draft: _Draft, generations: Ints) -> tuple[Ints, Ints]:
    n_homes = len(generations)
    home = np.arange(n_homes)
    chance = chances.uniform("head", n_homes)
    young_couple = (draft.counts[home, generations - 1, SPOUSE] > 0) & (chance < 0.7)
    head_level = np.select(
        [generations == 1, generations == 2, generations == 3, generations == 4],
        [0, young_couple, chance < 0.65, np.where(chance < 0.7, 1, 2)],
        2,
    ).astype(np.int64)
    head = draft.start[home, head_level, BLOOD][draft.household]
    below = draft.level - head_level[draft.household]
    child = np.where(draft.sex == MAN, 2, 3)
    by_blood = np.select([below == 0, below == 1, below == 2, below == -1, below == -2], [0, child, 4, 5, 6], 8)
    by_marriage = np.select([below == 0, below == -1, below == -2], [1, 5, 6], 8)
    beside = np.select([draft.collective, below == 0, below == 1, below == 2], [8, 7, child, 4], 8)
    return head, np.select([draft.kind == BLOOD, draft.kind == SPOUSE], [by_blood, by_marriage], beside)


def _lone_pairs(chances: Chances, draft: _Draft, ties: _Ties) -> None:
    """Settles everybody of age without a partner at home; see `couples`."""
    single = np.nonzero((ties.partner < 0) & (draft.back >= 24))[0]
    parent = (draft.level < draft.top) & (draft.kind == BLOOD)
    eligible = single[(parent | (draft.top == 0))[single] & (draft.kind[single] == BLOOD)]
    # of several generations without a partner in one household the youngest is taken
    last = np.lexsort((draft.level[eligible], draft.household[eligible]))
    eligible = eligible[last]
    keep = np.append(np.diff(draft.household[eligible]) != 0, True)
    slot = eligible[keep]
    lone = couples.Lone(slot, draft.back[slot], draft.sex[slot] == MAN, parent[slot], draft.collective[slot])
    intention = couples.intentions(chances, lone)
    rest = single[~np.isin(single, slot)]
    others = couples.Lone(rest, draft.back[rest], draft.sex[rest] == MAN, parent[rest], draft.collective[rest])
    ties.marital[rest] = couples.leftover(chances.uniform("status of others", len(rest)), others)
    ties.marital[slot] = couples.leftover(chances.uniform("status of lone", len(slot)), lone)
    for wanted in (couples.DIVORCED, couples.MARRIED):
        men, women = couples.pair_up(chances, lone, intention, wanted)
        man, woman = slot[men], slot[women]
        ties.partner[man], ties.partner[woman] = woman, man
        ties.marital[man] = ties.marital[woman] = wanted
        ties.group[draft.household[woman]] = ties.group[draft.household[man]]
        _adopt(draft, ties, man, woman)


def _adopt(draft: _Draft, ties: _Ties, man: Ints, woman: Ints) -> None:
    """Makes the partner elsewhere the other parent of the children at home, where the ages allow it."""
    for at_home, other, missing in ((man, woman, ties.mother), (woman, man, ties.father)):
        known = ties.father if missing is ties.mother else ties.mother
        partner_of = np.full(len(draft.back), -1, dtype=np.int64)
        partner_of[at_home] = other
        child = np.nonzero(known >= 0)[0]
        child = child[(partner_of[known[child]] >= 0) & (missing[child] < 0)]
        new = partner_of[known[child]]
        fits = draft.back[new] >= draft.back[child] + GAP
        # brothers and sisters share both parents or none: the eldest decides
        eldest = draft.slot(draft.household[child], draft.level[child], BLOOD)
        fits &= draft.back[new] >= draft.back[eldest] + GAP
        missing[child[fits]] = new[fits]


def _marry(chances: Chances, draft: _Draft, ties: _Ties, slot: Ints) -> None:
    man = np.nonzero((ties.partner >= 0) & (draft.sex == MAN))[0]
    woman = ties.partner[man]
    both = (ties.father >= 0) & (ties.mother >= 0)
    child = slot[both]
    child = child[ties.partner[ties.father[child]] == ties.mother[child]]
    eldest = np.full(len(slot), -1, dtype=np.int64)
    youngest = np.full(len(slot), 1000, dtype=np.int64)
    np.maximum.at(eldest, ties.father[child], draft.back[child])
    np.minimum.at(youngest, ties.father[child], draft.back[child])
    youngest[youngest == 1000] = -1
    year = couples.marriage_years(chances, draft.back[man], draft.back[woman], eldest[man])
    ties.married[man] = ties.married[woman] = year
    end = couples.divorce_years(chances, year, youngest[man])
    # whoever could only marry in the base year has not divorced yet
    divorced = (ties.marital[man] == couples.DIVORCED) & (end > year)
    ties.dissolved[man[divorced]] = ties.dissolved[woman[divorced]] = end[divorced]
    ties.marital[man] = ties.marital[woman] = np.where(divorced, couples.DIVORCED, couples.MARRIED)


# ---- the block in its final order -----------------------------------------------------------------------------


def _finish(chances: Chances, draft: _Draft, generations: Ints) -> Template:
    ties = _tie(chances, draft, generations)
    root, ethnic_root = _roots(chances, draft, ties)
    group = ties.group[draft.household]
    shuffle = chances.order("group order", len(generations))
    moved = np.lexsort((np.arange(len(group)), shuffle[group]))
    place = np.empty(len(moved), dtype=np.int64)
    place[moved] = np.arange(len(moved))

    def link(slots: Ints) -> Ints:
        at = slots[moved]
        return np.where(at >= 0, place[at], -1)

    year, sex = BASE.year - draft.back[moved], draft.sex[moved]
    elder_twin = np.where(draft.twin, np.where(draft.kind == OTHERS, _elder(draft), -1), -1)
    day = _days(chances, year, sex, link(elder_twin))
    household = draft.household[moved]
    starts = np.append(True, np.diff(household) != 0)
    final_group = group[moved]
    return Template(
        year=year, day=day, sex=sex, household=np.cumsum(starts) - 1, collective=draft.collective[moved],
        relation=ties.relation[moved], father=link(ties.father), mother=link(ties.mother),
        partner=link(ties.partner), marital=ties.marital[moved], married=np.maximum(ties.married[moved], 0),
        dissolved=np.maximum(ties.dissolved[moved], 0), root=link(root), ethnic_root=link(ethnic_root),
        born_rank=_ranks(year, day, sex), group_start=np.append(True, np.diff(final_group) != 0),
        head=link(ties.head),
    )  # fmt: skip


def _elder(draft: _Draft) -> Ints:
    """The brother or sister before each of the OTHERS."""
    slot = np.arange(len(draft.back))
    first = slot == draft.start[draft.household, draft.level, OTHERS]
    return np.where(first, draft.slot(draft.household, draft.level, BLOOD), slot - 1)


def _days(chances: Chances, year: Ints, sex: Ints, elder_twin: Ints) -> Ints:
    """Days of the year, spread so evenly that few share one (the number's sequence has room for 14 of a sex)."""
    chance = chances.uniform("birth day", len(year))
    ranked = np.lexsort((chance, sex, year))
    cohort = year[ranked] * 2 + sex[ranked]
    first = np.append(True, np.diff(cohort) != 0)
    start = np.maximum.accumulate(np.where(first, np.arange(len(ranked)), 0))
    size = np.bincount(np.cumsum(first) - 1)[np.cumsum(first) - 1]
    place = np.arange(len(ranked)) - start
    day = np.empty(len(year), dtype=np.int64)
    day[ranked] = (place * 2 + 1) * ages.year_length(year[ranked]) // (2 * size)
    twin = np.nonzero(elder_twin >= 0)[0]
    twin = twin[year[elder_twin[twin]] == year[twin]]
    day[twin] = day[elder_twin[twin]]
    return day


def _ranks(year: Ints, day: Ints, sex: Ints) -> Ints:
    ranked = np.lexsort((day, sex, year))
    key = (year * 400 + day) * 2 + sex - 1
    first = np.append(True, np.diff(key[ranked]) != 0)
    start = np.maximum.accumulate(np.where(first, np.arange(len(key)), 0))
    rank = np.empty(len(key), dtype=np.int64)
    rank[ranked] = np.arange(len(key)) - start
    return rank


def _roots(chances: Chances, draft: _Draft, ties: _Ties) -> tuple[Ints, Ints]:
    """(whose surname, whose ethnic group) each slot carries, followed up to the oldest one in the block."""
    slot = np.arange(len(draft.back))
    blood = draft.slot(draft.household, draft.level, BLOOD)
    family = ~draft.collective
    beside = np.where(family & (draft.kind == OTHERS), blood, slot)
    # one draw for all children of a couple: 12 : 1 for the father's surname
    of_home = chances.uniform("surname", len(draft.counts) * LEVELS)[draft.household * LEVELS + draft.level]
    both = (ties.father >= 0) & (ties.mother >= 0)
    by_mother = np.where(of_home < 1 / 13, ties.mother, ties.father)
    # the surname of a father who is not in the population is a new one, shared by the children
    lone = np.where((ties.mother >= 0) & (of_home < 0.15), ties.mother, blood)
    surname = np.select([both, ties.father >= 0, ties.mother >= 0], [by_mother, ties.father, lone], beside)
    same = chances.uniform("same ethnic group", len(slot)) < 0.9
    beside = np.where((draft.kind == SPOUSE) & same, blood, beside)
    ethnic = np.select([ties.father >= 0, ties.mother >= 0], [ties.father, ties.mother], beside)
    for _ in range(4):
        surname, ethnic = surname[surname], ethnic[ethnic]
    return surname, ethnic
