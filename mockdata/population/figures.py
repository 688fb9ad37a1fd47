"""The published figures a population is measured by, each with its source, and what it is held to.

Held are shares the generator promises (docs/population.md, "What rests on published figures"): each must lie within
TOLERANCE of the figure, unless it is under LEAST. The others are only shown: the published figure means something else,
contradicts a better one, or has no mechanism of its own in the model; `_SHOWN` says why.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mockdata.population import ages, pools
from mockdata.population.divisions import PROVINCES, every_division
from mockdata.population.incomes import BY_FIFTHS
from mockdata.population.kin import COLLECTIVES, FAMILIES, SIZE_BY_GENERATIONS
from mockdata.seeds import Floats

TOLERANCE, LEAST = 0.02, 0.01
"""Relative tolerance, and the share from which a group is held to it."""

INCOME_STEP = 5_000
"""Cents of a bin of monthly incomes."""

Unit = Literal["share", "mean", "yuan"]
Verdict = Literal["holds", "misses", "open", "shown"]

CENSUS, NAMES, INCOMES = "2020年人口普查", "户籍人口姓名报告", "国家统计局2023年"
TABULATION = "2020年人口普查分户规模和代数表"
OLDER_NAMES = "早年姓氏统计（年份未载）"
SHOWN = {
    "城乡": "model",
    "姓氏单列": "older",
    "收入五等分": "other base",
    "随母姓": "few",
}
"""Distributions that are shown and not held, and why: `model`, the model has no mechanism of its own for it; `older`,
the figure contradicts the newer sum of the five; `other base`, published a head and used for earners; `few`, drawn for
the few couples with young children of the template, whose number leaves more than the tolerance to chance."""

EVERYBODY, COLLECTIVE = 1_411_778_724, 118_969_424
"""Persons of the 2020 census, the military included, and those in collective households."""
_MEN, _BOYS = 105.07 / 205.07, 111.3 / 211.3
_COLLEGE, _TOWNS = 0.15467, 0.6389
_MEAN_FAMILY = (EVERYBODY - COLLECTIVE) / FAMILIES
_BROAD = (
    ("0–14岁", 0, 3, 0.1795),
    ("15–59岁", 3, 12, 0.6335),
    ("60岁及以上", 12, 17, 0.1870),
    ("65岁及以上", 13, 17, 0.1350),
)
_SURNAMES = (("前5姓", 5, 0.308), ("前100姓", 100, 0.859))
_SINGLE = (("王", 0.0725, OLDER_NAMES), ("李", 0.0719, OLDER_NAMES), ("张", 0.0683, OLDER_NAMES))
_LARGEST_COMPOUND = ("欧阳", 1_112_000 / EVERYBODY, NAMES)


@dataclass(frozen=True)
class Marginal:
    """One group of one distribution: published figure and figure found; `source` says where the first is from.

    `unit`: a share of 1, a mean, or yuan a year · `held`: whether the population is held to it · `persons`: how many
    persons (or households) the found share was counted of.
    """

    distribution: str
    group: str
    expected: float
    found: float
    source: str
    unit: Unit = "share"
    held: bool = True
    persons: float = 0.0

    @property
    def relative(self) -> float:
        """Relative deviation of what was found."""
        return self.found / self.expected - 1 if self.expected else 0.0

    @property
    def holds(self) -> bool | None:
        """Whether it lies within the TOLERANCE; None for what is not held to it, shares under LEAST among it."""
        if not self.held or (self.unit == "share" and self.expected < LEAST):
            return None
        return abs(self.relative) <= TOLERANCE

    @property
    def chance(self) -> float:
        """Relative standard deviation of the share in a random sample of that many persons; 0 for other units."""
        if self.unit != "share" or not self.persons:
            return 0.0
        return float(np.sqrt((1 / self.expected - 1) / self.persons))

    @property
    def verdict(self) -> Verdict:
        """`misses` where the deviation is more than the tolerance and twice what chance explains; `open` where a larger
        sample has to tell."""
        if self.holds is None:
            return "shown"
        if self.holds:
            return "holds"
        return "misses" if abs(self.relative) > TOLERANCE + 2 * self.chance else "open"


def compared(total: Mapping[str, Floats]) -> Iterator[Marginal]:
    """The figures for counts of `marginals.count`, or for some of them."""
    for name, compare in _COMPARED.items():
        if name in total and total[name].sum() > 0:
            yield from compare(total[name])


def _shares(distribution: str, counts: Floats, groups: Iterator[tuple[str, float, float, str]]) -> Iterator[Marginal]:
    persons = float(counts.sum())
    for group, expected, weight, source in groups:
        found = float(weight) / persons
        held = distribution not in SHOWN
        yield Marginal(distribution, group, float(expected), found, source, held=held, persons=persons)


def _provinces(counts: Floats) -> Iterator[Marginal]:
    people = np.array(list(PROVINCES.values()), dtype=np.float64)
    names = {entry.real_code[:2]: entry.province for entry in every_division()}
    shares = people / people.sum()
    yield from _shares(
        "省份", counts, ((names[c], e, n, CENSUS) for c, e, n in zip(PROVINCES, shares, counts, strict=True))
    )


def _ages(counts: Floats) -> Iterator[Marginal]:
    bands = np.array(ages.BANDS) / sum(ages.BANDS)
    named = [f"{at * 5}–{at * 5 + 4}岁" for at in range(len(bands) - 1)] + [f"{(len(bands) - 1) * 5}岁及以上"]
    yield from _shares("年龄", counts, ((g, e, n, CENSUS) for g, e, n in zip(named, bands, counts, strict=True)))
    broad = ((group, share, counts[first:after].sum(), CENSUS) for group, first, after, share in _BROAD)
    yield from _shares("年龄段", counts, broad)


def _sexes(counts: Floats) -> Iterator[Marginal]:
    named = zip(("男", "女"), (_MEN, 1 - _MEN), counts, strict=True)
    yield from _shares("性别", counts, ((g, e, n, CENSUS) for g, e, n in named))


def _newborn(counts: Floats) -> Iterator[Marginal]:
    named = zip(("男（0–4岁）", "女（0–4岁）"), (_BOYS, 1 - _BOYS), counts, strict=True)
    yield from _shares("出生性别比", counts, ((g, e, n, CENSUS) for g, e, n in named))


def _households(counts: Floats) -> Iterator[Marginal]:
    cells = counts.reshape(10, 5)
    sizes, generations = SIZE_BY_GENERATIONS.sum(axis=1) / FAMILIES, SIZE_BY_GENERATIONS.sum(axis=0) / FAMILIES
    named = [f"{at}人户" if at < 10 else "10人及以上户" for at in range(1, 11)]
    by_size = zip(named, sizes, cells.sum(axis=1), strict=True)
    yield from _shares("家庭户规模", counts, ((g, e, n, TABULATION) for g, e, n in by_size))
    named = [*(f"{'一二三四'[at]}代户" for at in range(4)), "五代及以上户"]
    by_generation = zip(named, generations, cells.sum(axis=0), strict=True)
    yield from _shares("家庭户代数", counts, ((g, e, n, TABULATION) for g, e, n in by_generation))
    both = (
        (
            f"{size + 1}人{'一二三四五'[level]}代",
            SIZE_BY_GENERATIONS[size, level] / FAMILIES,
            cells[size, level],
            TABULATION,
        )
        for size in range(10)
        for level in range(5)
        if SIZE_BY_GENERATIONS[size, level] / FAMILIES >= LEAST
    )
    yield from _shares("户规模与代数", counts, both)


def _kinds(counts: Floats) -> Iterator[Marginal]:
    yield from _shares("户别", counts, iter([("集体户人口", COLLECTIVE / EVERYBODY, counts[1], CENSUS)]))


def _homes(counts: Floats) -> Iterator[Marginal]:
    share = COLLECTIVES / (FAMILIES + COLLECTIVES)
    yield from _shares("户别", counts, iter([("集体户户数", share, counts[1], CENSUS)]))


def _surnames(counts: Floats) -> Iterator[Marginal]:
    ranked = np.sort(counts)[::-1]
    yield from _shares(
        "姓氏", counts, ((group, share, ranked[:number].sum(), NAMES) for group, number, share in _SURNAMES)
    )
    place = {name: at for at, name in enumerate(pools.surnames()[0].to_pylist())}
    single = ((name, share, counts[place[name]], source) for name, share, source in (*_SINGLE, _LARGEST_COMPOUND))
    yield from _shares("姓氏单列", counts, single)


def _ethnic(counts: Floats) -> Iterator[Marginal]:
    shares = {"01": 1 - pools.MINORITIES / pools.EVERYBODY}
    shares |= {code: millions / pools.EVERYBODY for code, millions in pools.ETHNIC_MILLIONS.items()}
    yield from _shares("民族", counts, ((code, share, counts[int(code)], CENSUS) for code, share in shares.items()))


def _education(counts: Floats) -> Iterator[Marginal]:
    yield from _shares("受教育程度", counts, iter([("大专及以上", _COLLEGE, counts[5:].sum(), CENSUS)]))


def _settlement(counts: Floats) -> Iterator[Marginal]:
    yield from _shares("城乡", counts, iter([("城镇人口", _TOWNS, counts[0], CENSUS)]))


def _mothers_names(counts: Floats) -> Iterator[Marginal]:
    yield from _shares("随母姓", counts, iter([("随母姓（0–4岁）", 1 / 13, counts[1], NAMES)]))


def _incomes(counts: Floats) -> Iterator[Marginal]:
    """Mean yearly income of each fifth, from the bins of monthly incomes."""
    yearly = (np.arange(len(counts)) + 0.5) * INCOME_STEP * 12 / 100
    ends, sums = np.cumsum(counts), np.cumsum(counts * yearly)
    # a bin that two fifths share is cut between them
    cuts = np.interp(np.arange(6) * ends[-1] / 5, np.append(0, ends), np.append(0, sums))
    means = np.diff(cuts) / (ends[-1] / 5)
    named = ("低收入组", "中间偏下组", "中间收入组", "中间偏上组", "高收入组")
    for group, expected, found in zip(named, BY_FIFTHS, means, strict=True):
        yield Marginal("收入五等分", group, float(expected), float(found), INCOMES, "yuan", False, float(ends[-1]))


def _mean_sizes(counts: Floats) -> Iterator[Marginal]:
    persons, homes = counts
    yield Marginal("平均家庭户规模", "人/户", _MEAN_FAMILY, float(persons / homes), CENSUS, "mean", True, float(homes))


_COMPARED = {
    "province": _provinces,
    "age": _ages,
    "sex": _sexes,
    "newborn": _newborn,
    "household": _households,
    "family": _mean_sizes,
    "kind": _kinds,
    "homes": _homes,
    "surname": _surnames,
    "ethnic": _ethnic,
    "education": _education,
    "settlement": _settlement,
    "mothers name": _mothers_names,
    "income": _incomes,
}
"""What is counted → its figures, in the order of a report."""
