"""How close a population comes to the published shares: province, age, sex, household size, surname, ethnic group.

`count` tells how many persons of a chunk fall into each group; counts of chunks are added, so a sample of any size
needs the memory of one chunk. `compare` sets the sums beside the published shares.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from mockdata import kernels
from mockdata.population import ages, pools
from mockdata.population.attributes import ATTRIBUTES, surname_of
from mockdata.population.divisions import PROVINCES, every_division
from mockdata.population.kin import FAMILIES, SIZE_BY_GENERATIONS
from mockdata.population.population import Population
from mockdata.population.rows import Rows
from mockdata.seeds import Floats, Ints

TOLERANCE, LEAST = 0.02, 0.01
"""Relative tolerance, and the share from which a group is held to it."""
_SURNAMES = (("前5姓", 5, 0.308), ("前100姓", 100, 0.859))
_MEN = 105.07 / 205.07


@dataclass(frozen=True)
class Marginal:
    """One group of one distribution: published share and share found; `source` says where the share is from."""

    distribution: str
    group: str
    expected: float
    found: float
    source: str

    @property
    def relative(self) -> float:
        """Relative deviation of what was found."""
        return self.found / self.expected - 1 if self.expected else 0.0

    @property
    def holds(self) -> bool | None:
        """Whether it lies within the TOLERANCE; None for groups under LEAST, which are not held to it."""
        return abs(self.relative) <= TOLERANCE if self.expected >= LEAST else None


Counts = Mapping[str, Floats]


def count(population: Population, indices: Ints) -> Counts:
    """Weights of the groups among persons of `indices`, by distribution."""
    kernels.load(len(indices))
    rows = population.rows(indices)
    groups = ATTRIBUTES["ethnic_group"](rows)
    numbers = groups.cast("int64").to_numpy()
    size = _household_sizes(population, rows)
    family = ~rows.template.collective[rows.slot]
    return {
        "province": np.bincount(population.divisions.provinces[rows.division], minlength=len(PROVINCES)),
        "age": np.bincount(np.clip(population.ages(indices), 0, 84) // 5, minlength=len(ages.BANDS))[: len(ages.BANDS)],
        "sex": np.bincount(rows.sex, minlength=3)[1:],
        # one household counts once, whichever of its members are in the sample
        "household": np.bincount(np.minimum(size[family], 10), 1 / size[family], minlength=11)[1:],
        "kind": np.array([family.sum(), (~family).sum()]),
        "surname": np.bincount(rows.once("surname", surname_of), minlength=len(pools.surnames()[0])),
        "ethnic": np.bincount(numbers, minlength=100),
    }


def _household_sizes(population: Population, rows: Rows) -> Ints:
    if population.world.later:
        now = population.world.now
        sizes = np.bincount(now.head[now.alive], minlength=len(now.alive))
        return np.maximum(sizes[now.head[rows.slot]], 1)
    block = population.world.template
    return np.asarray(np.bincount(block.head, minlength=len(block))[block.head[rows.slot]])


def compare(counts: Iterable[Counts]) -> list[Marginal]:
    """The table of shares of all chunks together."""
    total: dict[str, Floats] = {}
    for chunk in counts:
        for name, values in chunk.items():
            total[name] = total.get(name, np.zeros(len(values))) + values
    share = {name: values / values.sum() for name, values in total.items()}
    return [*_provinces(share["province"]), *_ages(share["age"]), *_sexes(share["sex"]), *_households(share),
            *_surnames(share["surname"]), *_ethnic(share["ethnic"])]  # fmt: skip


def marginals(population: Population, chunks: Iterable[Ints]) -> list[Marginal]:
    """The table for persons given in chunks."""
    return compare(count(population, chunk) for chunk in chunks)


def _provinces(found: Floats) -> Iterable[Marginal]:
    people = np.array(list(PROVINCES.values()), dtype=np.float64)
    names = {entry.real_code[:2]: entry.province for entry in every_division()}
    for code, expected, value in zip(PROVINCES, people / people.sum(), found, strict=True):
        yield Marginal("省份", names[code], float(expected), float(value), "2020年人口普查")


def _ages(found: Floats) -> Iterable[Marginal]:
    bands = np.array(ages.BANDS) / sum(ages.BANDS)
    for at, (expected, value) in enumerate(zip(bands, found, strict=True)):
        group = f"{at * 5}–{at * 5 + 4}岁" if at < len(bands) - 1 else f"{at * 5}岁及以上"
        yield Marginal("年龄", group, float(expected), float(value), "2020年人口普查")


def _sexes(found: Floats) -> Iterable[Marginal]:
    for group, expected, value in zip(("男", "女"), (_MEN, 1 - _MEN), found, strict=True):
        yield Marginal("性别", group, expected, float(value), "2020年人口普查")


def _households(share: Counts) -> Iterable[Marginal]:
    sizes = SIZE_BY_GENERATIONS.sum(axis=1) / FAMILIES
    for at, (expected, value) in enumerate(zip(sizes, share["household"], strict=True), start=1):
        group = f"{at}人户" if at < 10 else "10人及以上户"
        yield Marginal("家庭户规模", group, float(expected), float(value), "2020年人口普查")
    people = 118_969_424 / 1_411_778_724
    yield Marginal("户别", "集体户人口", people, float(share["kind"][1]), "2020年人口普查")


def _surnames(found: Floats) -> Iterable[Marginal]:
    for group, number, expected in _SURNAMES:
        yield Marginal("姓氏", group, expected, float(np.sort(found)[::-1][:number].sum()), "户籍人口姓名报告")


def _ethnic(found: Floats) -> Iterable[Marginal]:
    yield Marginal("民族", "01", 1 - pools.MINORITIES / pools.EVERYBODY, float(found[1]), "2020年人口普查")
    for code, millions in pools.ETHNIC_MILLIONS.items():
        yield Marginal("民族", code, millions / pools.EVERYBODY, float(found[int(code)]), "2020年人口普查")
