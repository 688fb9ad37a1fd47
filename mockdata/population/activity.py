"""What the persons of a template do: child, pupil, employee, self-employed, retired, at home; and their education.

Settled once in the template, so that every division has the same shares. A model: the facts give only the share with
college education (15,467 in 100,000), which the education table keeps.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mockdata.population.ages import BASE
from mockdata.population.kin import Chances
from mockdata.population.template import MAN, Template
from mockdata.seeds import Floats, Ints

CHILD, PUPIL, EMPLOYEE, SELF_EMPLOYED, RETIRED, AT_HOME = range(6)

EDUCATION = ("90", "80", "70", "60", "40", "30", "20", "10")
"""GB/T 4658: none, primary, junior middle, senior middle, vocational, junior college, bachelor, postgraduate."""

_BY_AGE = (
    # from this age on: percent with each of EDUCATION
    (24, (0.2, 2.5, 30.0, 13.0, 12.0, 20.5, 19.2, 2.6)),
    (35, (0.5, 6.5, 42.0, 13.5, 10.0, 14.0, 11.8, 1.7)),
    (45, (1.5, 19.0, 50.0, 12.5, 5.0, 7.0, 4.4, 0.6)),
    (60, (6.0, 44.0, 33.0, 10.5, 2.0, 2.8, 1.6, 0.1)),
    (75, (25.0, 50.0, 15.0, 5.5, 1.0, 2.0, 1.5, 0.0)),
)


@dataclass(frozen=True)
class Activity:
    """Arrays over slots: kind (constants above), education (position in EDUCATION), earnings rank in [0, 1) among
    earners."""

    kind: Ints
    education: Ints
    rank: Floats


@lru_cache(maxsize=4)
def _for(seed: int | str, households: int) -> Activity:
    from mockdata.population.template import template

    return _settle(seed, template(seed, households))


def activity(seed: int | str, households: int) -> Activity:
    """The activity of every slot of `template(seed, households)`."""
    return _for(seed, households)


def _settle(seed: int | str, block: Template) -> Activity:
    chances = Chances(seed, "activity")
    n = len(block)
    # the birthday may still be to come this year: nobody works before the eighteenth
    age = BASE.year - block.year - 1
    education = _education(chances, age)
    chance = chances.uniform("activity", n)
    leaving = np.where(block.sex == MAN, 60, 54)
    # better educated people are more often somebody's employee, the others more often farmers or self-employed
    employed = np.array([0.35, 0.4, 0.5, 0.6, 0.68, 0.76, 0.82, 0.85])[education]
    working = np.select([chance < employed, chance < employed + 0.3], [EMPLOYEE, SELF_EMPLOYED], AT_HOME)
    old = np.where((age < 75) & (chance < 0.22), SELF_EMPLOYED, RETIRED)
    pupil = (age < 18) | ((age < 23) & block.collective) | ((age < 23) & (chance > 0.55))
    kind = np.select([age < 6, pupil, age < leaving, age >= leaving], [CHILD, PUPIL, working, old], AT_HOME)
    earns = np.nonzero((kind == EMPLOYEE) | (kind == SELF_EMPLOYED))[0]
    # earnings follow education and age loosely; ranks, so that their distribution stays what it is
    prime = 1 - np.abs(age[earns] - 43) / 40
    score = 0.9 * chances.uniform("earnings", len(earns)) + 0.09 * education[earns] + 0.25 * prime
    score += 0.06 * (block.sex[earns] == MAN) + 0.08 * (kind[earns] == EMPLOYEE)
    rank = np.zeros(n)
    rank[earns[np.argsort(score, kind="stable")]] = (np.arange(len(earns)) + 0.5) / max(len(earns), 1)
    return Activity(kind.astype(np.int64), education, rank)


def grown(then: Activity, block: Template, year: int) -> Activity:
    """What the same persons do in a later year; `block` may have further slots, `then` is that of the base year.

    Children go to school, pupils leave it for a trade of their own or home, employees and the old self-employed
    retire. Jobs that fall vacant are not filled again.
    """
    known, n = len(then.kind), len(block)
    age = year - block.year - 1
    chances = Chances("later", "activity")
    kind = np.concatenate([then.kind, np.full(n - known, CHILD)])
    kind[known:] = np.where(block.year[known:] > BASE.year - 1, CHILD, RETIRED)
    rank = np.concatenate([then.rank, np.zeros(n - known)])
    leaving = np.where(block.sex == MAN, 60, 54)
    trade = chances.uniform("trade", n) < 0.65
    kind = np.where((kind == CHILD) & (age >= 6), PUPIL, kind)
    done = (kind == PUPIL) & (age >= 22) & (np.arange(n) < known)
    rank = np.where(done & trade, 0.05 + 0.6 * chances.uniform("earnings", n), rank)
    kind = np.where(done, np.where(trade, SELF_EMPLOYED, AT_HOME), kind)
    working = (kind == EMPLOYEE) | ((kind == SELF_EMPLOYED) & (age >= 75)) | (kind == AT_HOME)
    kind = np.where(working & (age >= leaving), RETIRED, kind)
    rank = np.where(kind == RETIRED, 0.0, rank)
    education = np.concatenate([then.education, np.zeros(n - known, dtype=np.int64)])
    growing = np.nonzero((block.year > BASE.year - 25) & (np.arange(n) < known) | (np.arange(n) >= known))[0]
    later = _education(Chances("later", "education"), age)
    education[growing] = np.maximum(education[growing], later[growing])
    return Activity(kind, education, rank)


def _education(chances: Chances, age: Ints) -> Ints:
    chance = chances.uniform("education", len(age)) * 100
    result = np.zeros(len(age), dtype=np.int64)
    for least, shares in _BY_AGE:
        here = age >= least
        cumulative = np.cumsum(shares)
        result[here] = np.searchsorted(cumulative, chance[here] * cumulative[-1] / 100, side="right")
    # up to 23 the attained level is the school already finished
    school = np.select([age < 12, age < 15, age < 18], [0, 1, 2], np.where(chance < 60, 3, 4))
    college = (age >= 22) & (chance < 45)
    return np.where(age < 24, np.where(college, 6, school), result)
