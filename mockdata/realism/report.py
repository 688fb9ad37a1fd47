"""A population measured: persons spread evenly over it, counted chunk by chunk, beside the published figures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from mockdata.population.ages import BASE
from mockdata.population.figures import LEAST, TOLERANCE, Marginal, compared
from mockdata.population.marginals import OLDEST, Counts, added, count
from mockdata.population.pools import surnames
from mockdata.population.population import Population
from mockdata.population.vitals import Year, vitals
from mockdata.seeds import Floats, Ints
from mockdata.tables.manifest import generator_version

CHUNK = 262_144
"""Persons counted at a time: what the memory of a report depends on."""
NAMED = 300
"""Surnames told of by name."""


@dataclass(frozen=True)
class Report:
    """What was found. `population`: its arguments · `rows`: persons looked at, of `living` · `pyramid`: shares by sex
    (men first) and year of age · `surnames`: the commonest, with shares · `years`: births and deaths · `free`: why
    nothing is held, None where it is: `date`, a census is of one day; `small`, the population is itself a sample."""

    population: Mapping[str, Any]
    generator: str
    rows: int
    living: int
    free: str | None
    marginals: tuple[Marginal, ...]
    pyramid: tuple[tuple[float, ...], tuple[float, ...]]
    surnames: tuple[tuple[str, float], ...]
    years: tuple[Year, ...]

    @property
    def missed(self) -> tuple[Marginal, ...]:
        """Held groups outside the tolerance."""
        return tuple(one for one in self.marginals if one.verdict == "misses")

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        groups = [{**asdict(one), "relative": one.relative, "verdict": one.verdict} for one in self.marginals]
        return {
            "kind": "population", "population": dict(self.population), "generator": self.generator, "rows": self.rows,
            "living": self.living, "free": self.free, "tolerance": TOLERANCE, "least": LEAST,
            "success": not self.missed, "marginals": groups,
            "pyramid": {"men": self.pyramid[0], "women": self.pyramid[1]}, "surnames": dict(self.surnames),
            "years": [asdict(year) for year in self.years],
        }  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One distribution in short: its groups, how many of them are held, and the one that is farthest off."""

    distribution: str
    groups: tuple[Marginal, ...]
    held: int
    worst: Marginal


def lines(marginals: Sequence[Marginal]) -> list[Line]:
    """The distributions in order. The worst is looked for among the held groups, else among those of LEAST and more."""
    found = []
    for name in dict.fromkeys(one.distribution for one in marginals):
        groups = tuple(one for one in marginals if one.distribution == name)
        held = [one for one in groups if one.holds is not None]
        large = [one for one in groups if one.expected >= LEAST]
        found.append(Line(name, groups, len(held), max(held or large or groups, key=lambda one: abs(one.relative))))
    return found


def measure(population: Population, rows: int, progress: Callable[[int], None] | None = None) -> Report:
    """Counts `rows` of the living, evenly spread (all of them when there are no more). Memory of one chunk.

    The same population and number give the same report. Raises ValueError for fewer than one row.
    """
    if rows < 1:
        raise ValueError("a report looks at one person at least")
    living = population.people.count
    rows = min(rows, living)
    whole = len(population.world.layout.division) == len(population.divisions)
    free = "date" if population.as_of != BASE else None if whole else "small"
    total = added(_counted(population, rows, living, progress))
    found = tuple(replace(one, held=one.held and free is None) for one in compared(total))
    packs = {"scenarios": [pack.name for pack in population.scenarios]} if population.scenarios else {}
    told = {
        "seed": population.seed, "size": population.size, "as_of": population.as_of.isoformat(),
        "identifiers": population.identifiers, **packs,
    }  # fmt: skip
    both = total["pyramid"].reshape(2, OLDEST + 1) / rows
    return Report(
        population=told, generator=generator_version(), rows=rows, living=living, free=free, marginals=found,
        pyramid=(tuple(both[0].tolist()), tuple(both[1].tolist())), surnames=commonest(total["surname"]),
        years=vitals(population),
    )  # fmt: skip


def _counted(
    population: Population, rows: int, living: int, progress: Callable[[int], None] | None
) -> Iterator[Counts]:
    for start in range(0, rows, CHUNK):
        stop = min(start + CHUNK, rows)
        yield count(population, population.people.index(spread_out(start, stop, rows, living)))
        if progress is not None:
            progress(stop - start)


def spread_out(start: int, stop: int, rows: int, count: int) -> Ints:
    """Places start … stop-1 of `rows` ones evenly spread over 0 … count-1."""
    place = np.arange(start, stop, dtype=np.int64)
    whole, part = divmod(count, rows)
    # (place + ½) · count / rows without leaving whole numbers
    return place * whole + (place * (2 * part) + count) // (2 * rows)


def commonest(counts: Floats) -> tuple[tuple[str, float], ...]:
    """The NAMED commonest surnames with their shares."""
    order = np.argsort(-counts, kind="stable")[:NAMED]
    names, total = surnames()[0].to_pylist(), counts.sum()
    return tuple((names[at], float(counts[at] / total)) for at in order if counts[at] > 0)
