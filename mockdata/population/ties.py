"""Kin of the template's persons: heads and relations, parents, partners, and whose surname they carry.

Couples and lone parents come from the composition of the households; partners who live elsewhere are paired by
`couples`, and their two households then form one group of the block.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mockdata.population import couples
from mockdata.population.kin import BLOOD, LEVELS, OTHERS, SPOUSE, Chances
from mockdata.population.lifetimes import GAP, MAN, Draft
from mockdata.seeds import Ints


@dataclass
class Ties:
    """Links between slots of a draft (-1 none), statuses and years, and the group of each household."""

    head: Ints
    relation: Ints
    father: Ints
    mother: Ints
    partner: Ints
    marital: Ints
    married: Ints
    dissolved: Ints
    group: Ints


def tie(chances: Chances, draft: Draft, generations: Ints) -> Ties:
    """Settles who is whose kin and partner; `generations` by household."""
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
    ties = Ties(head, relation, father, mother, partner, marital, none.copy(), none.copy(), np.arange(n_homes))
    _lone_pairs(chances, draft, ties)
    _marry(chances, draft, ties, slot)
    return ties


def _relations(chances: Chances, draft: Draft, generations: Ints) -> tuple[Ints, Ints]:
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


def _lone_pairs(chances: Chances, draft: Draft, ties: Ties) -> None:
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


def _adopt(draft: Draft, ties: Ties, man: Ints, woman: Ints) -> None:
    """Makes the partner elsewhere the other parent of the children at home, where the ages allow it."""
    for at_home, other, missing in ((man, woman, ties.mother), (woman, man, ties.father)):
        known = ties.father if missing is ties.mother else ties.mother
        partner_of = np.full(len(draft.back), -1, dtype=np.int64)
        partner_of[at_home] = other
        child = np.nonzero(known >= 0)[0]
        child = child[(partner_of[known[child]] >= 0) & (missing[child] < 0)]
        new = partner_of[known[child]]
        # brothers and sisters share both parents or none: the eldest decides, and no mother bore a child past 46
        eldest = draft.slot(draft.household[child], draft.level[child], BLOOD)
        youngest = np.full(len(draft.back), 1000, dtype=np.int64)
        np.minimum.at(youngest, known[child], draft.back[child])
        latest = 46 if missing is ties.mother else 60
        fits = (draft.back[new] >= draft.back[eldest] + GAP) & (draft.back[new] <= youngest[known[child]] + latest)
        missing[child[fits]] = new[fits]


def _marry(chances: Chances, draft: Draft, ties: Ties, slot: Ints) -> None:
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


def roots(chances: Chances, draft: Draft, ties: Ties) -> tuple[Ints, Ints]:
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
