"""Who fits a description: conditions on traits, over many persons at once, and the first person who meets them.

A condition is a value, a list of values, a range {minimum, maximum}, a pattern {pattern} or presence {present}. Traits
are the attributes of persons (see docs/population.md) and those of `TRAITS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mockdata import identifiers
from mockdata.population.rows import Rows, World
from mockdata.seeds import Bijection, Ints, stream

Flags = NDArray[np.bool_]
CELL = 512
"""Neighbours that come into datasets together; datasets take the cells in the order of `dataset_order`."""
_STEP = 64
_LONGEST = 8_000_000
"""So many persons are looked at before a search is given up."""


def _age(rows: Rows) -> Ints:
    spelled = identifiers.number_of(identifiers.day_bytes(np.append(rows.day, rows.world.as_of)))
    return np.asarray((spelled[-1] - spelled[:-1]) // 10_000)


def _birth_day(rows: Rows) -> pa.Array:
    spelled = identifiers.text_column(np.ascontiguousarray(identifiers.day_bytes(rows.day)[:, 4:]))
    return pc.utf8_replace_slice(spelled, 2, 2, "-")


def _check_character(rows: Rows) -> pa.Array:
    return identifiers.text_column(np.ascontiguousarray(rows.number[:, 17:]))


def _generations(rows: Rows) -> Ints:
    """Generations of the household by relation to its head; lodgers and other relatives count for none."""
    block = rows.template
    kept: Ints | None = rows.world.memory.get("generations")
    if kept is None:
        level = np.array([2, 2, 1, 1, 0, 3, 4, 2, 2])[block.relation]
        there = np.zeros((int(block.household[-1]) + 1, 5), dtype=np.int64)
        there[block.household, level] = 1
        kept = there.sum(axis=1)[block.household]
        rows.world.memory["generations"] = kept
    return kept[rows.slot]


def _household_size(rows: Rows) -> Ints:
    household = rows.template.household
    return np.bincount(household)[household[rows.slot]]


def _children(rows: Rows) -> Ints:
    """Children who are known in the population."""
    block = rows.template
    kept: Ints | None = rows.world.memory.get("children")
    if kept is None:
        kept = np.zeros(len(block), dtype=np.int64)
        for link in (block.father, block.mother):
            np.add.at(kept, link[link >= 0], 1)
        rows.world.memory["children"] = kept
    return kept[rows.slot]


def _migrant(rows: Rows) -> Flags:
    from mockdata.population.attributes import hukou_province, province

    return np.asarray(pc.not_equal(hukou_province(rows), province(rows)).to_numpy(zero_copy_only=False))


def _represents(rows: Rows) -> Flags:
    """Legal representatives of the firms they work for."""
    from mockdata.population.crowds import living_representative

    firm = rows.employer
    has = firm >= 0
    found = np.zeros(len(rows), dtype=np.bool_)
    found[has] = living_representative(rows.world, firm[has]) == rows.index[has]
    return found


def _named(rows: Rows) -> pa.Array:
    from mockdata.population.naming import named

    return named(rows)


TRAITS: Mapping[str, Callable[[Rows], Any]] = MappingProxyType(
    {
        "age": _age,
        "birth_year": lambda rows: rows.year,
        "birth_day": _birth_day,
        "check_character": _check_character,
        "generations": _generations,
        "household_size": _household_size,
        "children": _children,
        "migrant": _migrant,
        "represents_firm": _represents,
        "named": _named,
        "father_known": lambda rows: rows.template.father[rows.slot] >= 0,
        "mother_known": lambda rows: rows.template.mother[rows.slot] >= 0,
        "twin": lambda rows: rows.template.delivery[rows.slot] == 2,
    }
)
"""Traits that are no attributes."""


def unknown(where: Mapping[str, Any]) -> str | None:
    """The first trait of a description nobody has, None when all are known."""
    from mockdata.population.attributes import ATTRIBUTES

    return next((name for name in where if name not in TRAITS and name not in ATTRIBUTES), None)


def fits(rows: Rows, where: Mapping[str, Any]) -> Flags:
    """For each person whether every condition holds. Conditions are put in turn, each only to whom the ones before
    left over, so the cheap ones belong first. Raises KeyError for an unknown trait.
    """
    from mockdata.population.attributes import ATTRIBUTES

    found = np.ones(len(rows), dtype=np.bool_)
    left = rows
    for name, condition in where.items():
        trait = TRAITS.get(name) or ATTRIBUTES[name]
        holds = _holds(trait(left), condition)
        found[found] = holds
        if not holds.all():
            left = Rows(rows.world, rows.index[found])
        if not len(left):
            break
    return found


def _holds(values: Any, condition: Any) -> Flags:
    column = values if isinstance(values, pa.Array) else pa.array(values)
    if isinstance(condition, Mapping):
        held = pa.array(np.ones(len(column), dtype=np.bool_))
        for word, bound in condition.items():
            held = pc.and_(held, _compared(column, word, bound))
    elif isinstance(condition, list | tuple):
        held = pc.is_in(column, pa.array(list(condition)).cast(column.type))
    else:
        held = pc.equal(column, pa.scalar(condition).cast(column.type))
    return np.asarray(pc.fill_null(held, False).to_numpy(zero_copy_only=False))


def _compared(column: pa.Array, word: str, bound: Any) -> pa.Array:
    if word == "present":
        return column.is_valid() if bound else column.is_null()
    if word == "pattern":
        return pc.match_substring_regex(column, re.compile(bound).pattern)
    compare = pc.greater_equal if word == "minimum" else pc.less_equal
    return compare(column, pa.scalar(bound).cast(column.type))


def dataset_order(world: World) -> Iterator[Ints]:
    """All persons in the order in which they come into datasets, some cells at a time."""
    size = int(world.layout.offset[-1])
    cells = -(-size // CELL)
    mixer = Bijection(stream(world.seed, "cells", size))
    step = 4
    at = 0
    while at < cells:
        cell = mixer.forward(np.arange(at, min(at + step, cells)), cells)
        index = (cell[:, None] * CELL + np.arange(CELL)).ravel()
        yield index[index < size]
        at += step
        step = min(step * 2, _STEP)


def first(world: World, where: Mapping[str, Any], besides: Collection[int] = ()) -> int:
    """The first person in the order of datasets who fits and is none of `besides`, -1 when none of the first eight
    million does.
    """
    seen = 0
    for index in dataset_order(world):
        found = index[fits(Rows(world, index), where)]
        for one in found.tolist():
            if one not in besides:
                return int(one)
        seen += len(index)
        if seen > _LONGEST:
            break
    return -1
