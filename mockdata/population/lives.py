"""What becomes of the template's persons after the base date, and who died in the ten years before it.

Deaths, weddings, divorces and births until the HORIZON are settled once for the block, like everything relatives have
to agree on; a date of the population only decides how much of it has happened. Persons who are not among the living of
the base date (children to come, the recently dead) take further slots behind the template's. Each is *filed* under a
slot of the template and exists wherever that slot does. A couple to come stands between two cuts of the layout, so that
no division holds only one of the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from mockdata.population import ages, mortality
from mockdata.population.ages import BASE
from mockdata.population.kin import Chances
from mockdata.population.layout import Layout
from mockdata.population.lifetimes import GAP
from mockdata.population.mortality import NEVER
from mockdata.population.template import MAN, WOMAN, Template
from mockdata.population.waves import Pace, pace
from mockdata.scenarios import Wave
from mockdata.seeds import Ints

YEARS = 20
HORIZON = date(BASE.year + YEARS, BASE.month, BASE.day)
"""The last day a population can be told of."""
DEAD_YEARS = 10
"""The dead of so many years before the base date are known."""

_FERTILITY = np.array([2, 4, 6, 8, 9, 10, 10, 10, 9, 9, 8, 7, 6, 5, 4, 3, 3, 2, 2, 1, 1, 1], dtype=np.float64)
"""Weight of a married woman of 20, 21, … 41 among the mothers of a year; a model."""
_BY_CHILDREN = np.array([1.0, 0.45, 0.12, 0.05])
_DIVORCES = 0.006
"""Share of the marriages dissolved in a year; a model."""
_NEVER_WED = 0.12

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Lives:
    """Arrays over the template's slots and the further ones behind them; days are day numbers, NEVER = not at all.

    template: all slots, weddings to come included · living: slots of the template alone · filed: template slot of each
    further one, ascending · born: day of birth after the base date, -1 for everybody else · death · wedding, parting:
    days of marriages made or dissolved after the base date · moves: (day, home) twice a slot; a home is the slot that
    heads it on the base date, or the slot of who moved out.
    """

    template: Template
    living: int
    filed: Ints
    born: Ints
    death: Ints
    wedding: Ints
    parting: Ints
    moves: tuple[tuple[Ints, Ints], tuple[Ints, Ints]]

    def homes(self, day: int | Ints) -> Ints:
        """The home of every slot on a day (of the dead: their last one)."""
        (first_day, first), (second_day, second) = self.moves
        return np.select([second_day <= day, first_day <= day], [second, first], self.template.head)


def unfold(layout: Layout, seed: int | str, base_day: int, waves: Sequence[Wave] = ()) -> Lives:
    """Settles everything; a function of the seed, the layout and the waves of its scenarios. Takes about a second."""
    dying, bearing = pace(waves, "deaths"), pace(waves, "births")
    block = layout.template
    chances = Chances(seed, "lives")
    n = len(block)
    age = BASE.year - block.year
    death = mortality.deaths(
        chances.uniform("death", n), chances.uniform("moment of death", n), block.sex, np.maximum(age - 1, 0),
        np.full(n, base_day), YEARS, dying,
    )  # fmt: skip
    partner, wedding = _weddings(chances, layout, death, base_day)
    married = np.where(wedding < NEVER, BASE.year + _years_after(wedding, base_day), block.married)
    parting, moves = _partings(chances, replace(block, partner=partner), wedding, death, base_day)
    couples = replace(block, partner=partner, married=married)
    base = Lives(couples, n, np.zeros(0, np.int64), np.full(n, -1), death, wedding, parting, moves)
    born = _births(chances, base, base_day, dying, bearing)
    dead = _dead(chances, block, base_day, dying)
    return _joined(base, born, dead)


def _years_after(day: Ints, base_day: int) -> Ints:
    """Calendar years from the base year to each day."""
    starts = base_day + np.array([(date(BASE.year + k, 1, 1) - BASE).days for k in range(1, YEARS + 2)])
    return np.searchsorted(starts, day, side="right").astype(np.int64)


def _new_years_day(years: Ints, base_day: int) -> Ints:
    """1 January of BASE.year + years (1 … YEARS)."""
    starts = np.array([(date(BASE.year + k, 1, 1) - BASE).days for k in range(YEARS + 2)])
    return np.asarray(base_day + starts[years])


# ---- weddings and divorces ------------------------------------------------------------------------------------


def _segments(layout: Layout) -> Ints:
    """The stretch between two cuts of the layout that each slot lies in: it is in a block as a whole or not at all."""
    length = len(layout.template)
    ends = (layout.start + layout.size % length) % length
    cuts = np.unique(np.concatenate([[0], layout.start, ends]))
    return np.searchsorted(cuts, np.arange(length), side="right").astype(np.int64)


def _weddings(chances: Chances, layout: Layout, death: Ints, base_day: int) -> tuple[Ints, Ints]:
    """(partner of every slot, day of the wedding to come)."""
    block = layout.template
    n = len(block)
    segment = _segments(layout)
    parent = np.zeros(n, dtype=np.bool_)
    for links in (block.father, block.mother):
        parent[links[links >= 0]] = True
    free = (block.marital == 10) & (block.partner < 0) & ~parent & (block.year > BASE.year - 45)
    free &= chances.uniform("never to marry", n) >= _NEVER_WED
    chance = chances.uniform("age at the wedding", n)
    wish = block.year + np.where(block.sex == MAN, 24, 22) + (12 * chance * chance).astype(np.int64)
    late = chances.uniform("late wedding", n)
    wish = np.maximum(wish, BASE.year + 1 + (12 * late).astype(np.int64))
    free &= wish < BASE.year + YEARS
    partner, wedding = block.partner.copy(), np.full(n, NEVER, dtype=np.int64)
    moment = chances.uniform("wedding day", n)
    for turn in range(4):
        noise = chances.uniform(f"match {turn}", n) * 4
        sides = []
        for sex in (MAN, WOMAN):
            side = np.nonzero(free & (block.sex == sex))[0]
            side = side[np.lexsort((block.year[side] + noise[side], segment[side]))]
            sides.append((side, segment[side] * n + _ranks(segment[side])))
        (men, men_keys), (women, women_keys) = sides
        _, at_men, at_women = np.intersect1d(men_keys, women_keys, assume_unique=True, return_indices=True)
        man, woman = men[at_men], women[at_women]
        gap = block.year[woman] - block.year[man]
        year = np.maximum(wish[man], wish[woman])
        year = np.maximum(year, np.maximum(block.year[man] + 23, block.year[woman] + 21))
        fits = (gap >= -4) & (gap <= 9) & (block.head[man] != block.head[woman]) & (year < BASE.year + YEARS)
        fits &= ~(block.collective[man] & block.collective[woman])
        day = _new_years_day(np.minimum(year - BASE.year, YEARS), base_day) + (moment[man] * 365).astype(np.int64)
        fits &= (death[man] > day) & (death[woman] > day)
        man, woman, day = man[fits], woman[fits], day[fits]
        partner[man], partner[woman] = woman, man
        wedding[man] = wedding[woman] = day
        free[man] = free[woman] = False
    return partner, wedding


def _ranks(group: Ints) -> Ints:
    """The place of each entry within its run of equal values."""
    first = np.append(True, np.diff(group) != 0)
    return np.arange(len(group)) - np.maximum.accumulate(np.where(first, np.arange(len(group)), 0))


def _partings(
    chances: Chances, block: Template, wedding: Ints, death: Ints, base_day: int
) -> tuple[Ints, tuple[tuple[Ints, Ints], tuple[Ints, Ints]]]:
    """(day of the divorce, moves): who marries moves in, who divorces moves out."""
    n = len(block)
    man = np.nonzero((block.partner >= 0) & (block.sex == MAN) & (block.dissolved == 0))[0]
    woman = block.partner[man]
    since = np.where(wedding[man] < NEVER, wedding[man], base_day)
    years = np.searchsorted(np.cumsum(np.full(YEARS, _DIVORCES)), chances.uniform("divorce", n)[man], side="right")
    day = since + 400 + (365 * (years + chances.uniform("divorce day", n)[man])).astype(np.int64)
    parts = (years < YEARS) & (day < base_day + YEARS * 365) & (death[man] > day) & (death[woman] > day)
    never = np.full(n, NEVER, dtype=np.int64)
    parting, first_day, second_day = never.copy(), never.copy(), never.copy()
    parting[man[parts]] = parting[woman[parts]] = day[parts]
    first, second = block.head.copy(), block.head.copy()
    weds = wedding[man] < NEVER
    # the wife moves in with the husband, unless he lives in a dormitory and she does not
    to_her = block.collective[man] & ~block.collective[woman]
    mover, host = np.where(to_her, man, woman), np.where(to_her, woman, man)
    first_day[mover[weds]] = wedding[man[weds]]
    first[mover[weds]] = block.head[host[weds]]
    # whoever divorces from a common home leaves it, the one who heads it stays
    home_man, home_woman = (np.where(first_day[one] < NEVER, first[one], block.head[one]) for one in (man, woman))
    leaves = np.where(home_man == man, woman, man)
    out = parts & (home_man == home_woman)
    second_day[leaves[out]] = day[out]
    second[leaves[out]] = leaves[out]
    return parting, ((first_day, first), (second_day, second))


# ---- births and deaths ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Further:
    """Further slots before they are put in order: a template's columns by name, and days."""

    columns: dict[str, Ints]
    filed: Ints
    born: Ints
    death: Ints


def _births(chances: Chances, base: Lives, base_day: int, dying: Pace | None, bearing: Pace | None) -> _Further:
    """Children of the couples of each year after the base date; as many a year as the youngest whole cohort has."""
    block, death = base.template, base.death
    mother = np.nonzero((block.partner >= 0) & (block.sex == WOMAN) & (block.dissolved == 0))[0]
    father = block.partner[mother]
    since = np.where(base.wedding[mother] < NEVER, base.wedding[mother] + 200, base_day)
    until = np.minimum(np.minimum(base.parting[mother], death[father]), death[mother])
    children = np.bincount(block.mother[block.mother >= 0], minlength=len(block))[mother]
    youngest = np.full(len(block), -99, dtype=np.int64)
    known = np.nonzero(block.mother >= 0)[0]
    np.maximum.at(youngest, block.mother[known], block.year[known] - BASE.year)
    last = youngest[mother]
    wanted = ages.cohort_shares()[1] * len(block)
    found = []
    for year in range(YEARS):
        age = BASE.year + year - block.year[mother]
        weight = np.where((age >= 20) & (age < 42), _FERTILITY[np.clip(age - 20, 0, 21)], 0.0)
        weight = weight * _BY_CHILDREN[np.minimum(children, 3)] * (last <= year - 2)
        moment = chances.uniform(f"birth day {year}", len(mother))
        day, many = base_day + 1 + (365.25 * (year + moment)).astype(np.int64), 1.0
        if bearing is not None:
            begin, end = base_day + 365.25 * year, base_day + 365.25 * (year + 1)
            day, many = 1 + bearing.within(begin, end, moment), float(bearing.at(end) - bearing.at(begin)) / 365.25
        weight = weight * ((day > since) & (day < until))
        chance = np.minimum(weight * (wanted * many / max(weight.sum(), 1.0)), 0.6)
        here = np.nonzero(chances.uniform(f"birth {year}", len(mother)) < chance)[0]
        children[here] += 1
        last[here] = year
        found.append((mother[here], father[here], day[here]))
    her, his, day = (np.concatenate(part) for part in zip(*found, strict=True))
    n = len(her)
    male = float(ages.male_shares()[0])
    sex = np.where(chances.uniform("sex of the born", n) < male, MAN, WOMAN)
    # brothers and sisters carry one surname: that of an elder one, else one draw a couple
    eldest = np.full(len(block), -1, dtype=np.int64)
    both = known[block.partner[block.mother[known]] == block.father[known]]
    eldest[block.mother[both[::-1]]] = both[::-1]
    draw = chances.uniform("surname of the born", len(block))[her]
    root = np.where(draw < 1 / 13, block.root[her], block.root[his])
    root = np.where(eldest[her] >= 0, block.root[eldest[her]], root)
    years = _years_after(day, base_day)
    start = base_day + np.array([(date(BASE.year + k, 1, 1) - BASE).days for k in range(YEARS + 2)])
    chance, moment = chances.uniform("death of the born", n), chances.uniform("moment of death of the born", n)
    (first_day, first), (second_day, second) = base.moves
    home = np.select([second_day[her] <= day, first_day[her] <= day], [second[her], first[her]], block.head[her])
    columns = {
        "year": BASE.year + years, "day": day - start[years], "sex": sex, "relation": sex + 1,
        "father": his, "mother": her, "partner": np.full(n, -1), "marital": np.full(n, 10), "root": root,
        "ethnic_root": block.ethnic_root[his], "head": home, "born_rank": _cell_ranks(day * 2 + sex),
    }  # fmt: skip
    return _Further(columns, her, day, mortality.deaths(chance, moment, sex, np.zeros(n, np.int64), day, YEARS, dying))


def _cell_ranks(cell: Ints) -> Ints:
    """The place of each entry among those of equal value."""
    order = np.argsort(cell, kind="stable")
    rank = np.empty(len(cell), dtype=np.int64)
    rank[order] = _ranks(cell[order])
    return rank


def _dead(chances: Chances, block: Template, base_day: int, dying: Pace | None) -> _Further:
    """The dead of the DEAD_YEARS before the base date: former members of the households that are there now."""
    table = mortality.chances()
    age = np.clip(BASE.year - block.year, 0, table.shape[1] - 1)
    each = np.cumsum(table[block.sex - 1, age])
    begin = base_day - DEAD_YEARS * 365.25
    n = round(float(each[-1]) * (DEAD_YEARS if dying is None else float(dying.at(base_day) - dying.at(begin)) / 365.25))
    like = np.searchsorted(each, chances.uniform("the dead", n) * each[-1], side="right")
    like = np.minimum(like, len(block) - 1)
    moment = chances.uniform("day of death before", n)
    back = (moment * DEAD_YEARS * 365.25).astype(np.int64)
    if dying is not None:
        back = np.maximum(base_day - 1 - dying.within(begin, base_day, 1 - moment), 0)
    day = base_day - 1 - back
    year = block.year[like] - back // 365
    sex = block.sex[like]
    # nobody dies in the year of birth here: a block turns birth days within their year
    year = np.clip(np.minimum(year, BASE.year - back // 365 - 2), 1881, None)
    heads = np.nonzero((block.head == np.arange(len(block))) & ~block.collective)[0]
    picked = heads[(chances.uniform("family of the dead", n) * len(heads)).astype(np.int64)]
    # the eldest of the dead belong to the eldest heads, so that most are of the parents' generation
    head = np.empty(n, dtype=np.int64)
    head[np.argsort(year, kind="stable")] = picked[np.argsort(block.year[picked], kind="stable")]
    related = (np.abs(block.year[head] - year) >= GAP) & (sex == MAN)
    own = np.full(n, -1)
    birthday = (chances.uniform("birth day of the dead", n) * ages.year_length(year)).astype(np.int64)
    marital = np.select([year > day // 366 + 1880 - 24, chances.uniform("status of the dead", n) < 0.55], [10, 20], 30)
    cells = (year * 400 + birthday) * 2 + sex - 1
    alive = (block.year * 400 + block.day) * 2 + block.sex - 1
    taken = np.bincount(alive, minlength=int(max(alive.max(), cells.max())) + 1)
    columns = {
        "year": year, "day": birthday, "sex": sex, "relation": np.full(n, 5), "father": own, "mother": own,
        "partner": own, "marital": marital, "root": np.where(related, block.root[head], -2),
        "ethnic_root": block.ethnic_root[head], "head": head, "born_rank": taken[cells] + _cell_ranks(cells),
    }  # fmt: skip
    return _Further(columns, head, np.full(n, -1), day)


def _joined(base: Lives, *parts: _Further) -> Lives:
    filed = np.concatenate([part.filed for part in parts])
    order = np.argsort(filed, kind="stable")
    n, more = base.living, len(filed)
    columns = {}
    for field in fields(Template):
        old = getattr(base.template, field.name)
        if field.name in parts[0].columns:
            new = np.concatenate([part.columns[field.name] for part in parts])[order]
        else:
            new = np.full(more, 1 if field.name == "delivery" else 0).astype(old.dtype)
        columns[field.name] = np.concatenate([old, new])
    own = columns["root"] == -2
    columns["root"][own] = np.nonzero(own)[0]
    never = np.full(more, NEVER)
    (first_day, first), (second_day, second) = base.moves
    home = columns["head"][n:]
    return Lives(
        template=Template(**columns), living=n, filed=filed[order],
        born=np.concatenate([base.born, *(part.born for part in parts)])[
            np.concatenate([np.arange(n), n + order])
        ],
        death=np.concatenate([base.death, np.concatenate([part.death for part in parts])[order]]),
        wedding=np.concatenate([base.wedding, never]), parting=np.concatenate([base.parting, never]),
        moves=(
            (np.concatenate([first_day, never]), np.concatenate([first, home])),
            (np.concatenate([second_day, never]), np.concatenate([second, home])),
        ),
    )  # fmt: skip
