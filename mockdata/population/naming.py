"""Names that are not drawn like the others: those of scenario packs, and of two persons every population has.

A name is part of who somebody is: it is changed here, below every register, so datasets, look-ups, sandboxes and the
records of relatives agree.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mockdata.population import traits
from mockdata.population.rows import BASE_DAY, Rows, World
from mockdata.scenarios import Names
from mockdata.seeds import Ints, below, hashed, stream, unit

Flags = NDArray[np.bool_]

GOLDEN: MappingProxyType[str, tuple[dict[str, Any], dict[str, str]]] = MappingProxyType(
    {
        "middle-dot": (
            {"birth_year": {"minimum": 2004, "maximum": 2008}, "ethnic_group": "05", "occupation": "学生"},
            {"1": "阿不都热依木·买买提", "2": "阿依古丽·买买提"},
        ),
        "rare-character": (
            {"birth_year": {"minimum": 1985, "maximum": 1999}, "employer_uscc": {"present": True}},
            {"1": "𬭎", "2": "㛃"},
        ),
    }
)
"""Two persons of every population: how they are found, and their names by sex (without a dot: the given name)."""


def golden(world: World) -> dict[str, int]:
    """The persons of GOLDEN by what their names show; -1 where the population is too small to have one."""
    kept: dict[str, int] | None = world.memory.get("golden")
    if kept is None:
        # in the world as it was drawn: who they are must hang neither on scenarios nor on the date
        drawn = replace(world, as_of=BASE_DAY) if world.later else world
        kept = world.memory["golden"] = {name: traits.first(drawn, where) for name, (where, _) in GOLDEN.items()}
    return kept


def named(rows: Rows) -> pa.Array:
    """The scenario pack each person's name comes from, null for a drawn name."""
    found = pa.nulls(len(rows), pa.string())
    for number, names in _rules(rows.world):
        found = pc.if_else(pa.array(_chosen(rows, names, number)), number.partition(" ")[0], found)
    return found


def renamed(rows: Rows, drawn: pa.Array, surnames: Any) -> pa.Array:
    """The drawn names, and in their place those that are told here. `surnames(rows)` gives surnames as text."""
    made = drawn
    for number, names in _rules(rows.world):
        chosen = _chosen(rows, names, number)
        if chosen.any():
            some = Rows(rows.world, rows.index[chosen])
            new = _given(some, names, number, surnames) if names.given else _whole(some, names, number)
            made = _replaced(made, chosen, new)
    for name, index in golden(rows.world).items():
        chosen = rows.index == index
        if chosen.any():
            one = Rows(rows.world, rows.index[chosen])
            words = [GOLDEN[name][1][str(sex)] for sex in one.sex]
            new = pa.array(words, pa.string())
            if "·" not in words[0]:
                new = pc.binary_join_element_wise(surnames(one), new, "")
            made = _replaced(made, chosen, new)
    return made


def _rules(world: World) -> list[tuple[str, Names]]:
    return [(f"{pack.name} {at}", names) for pack in world.scenarios for at, names in enumerate(pack.names)]


def _chosen(rows: Rows, names: Names, number: str) -> Flags:
    chosen = unit(hashed(stream(rows.world.seed, "scenario name", number), rows.index)) < names.share
    if names.where and chosen.any():
        chosen[chosen] = traits.fits(Rows(rows.world, rows.index[chosen]), names.where)
    return chosen


def _pick(rows: Rows, index: Ints, words: tuple[str, ...], number: str, purpose: str) -> pa.Array:
    at = below(hashed(stream(rows.world.seed, "scenario word", number, purpose), index), len(words))
    return pa.array(words, pa.string()).take(pa.array(at))


def _given(rows: Rows, names: Names, number: str, surnames: Any) -> pa.Array:
    return pc.binary_join_element_wise(surnames(rows), _pick(rows, rows.index, names.given, number, "given"), "")


def _whole(rows: Rows, names: Names, number: str) -> pa.Array:
    """Own name and father's: the father's is the first part of his own name where he is known."""
    male = _pick(rows, rows.index, names.male, number, "own")
    female = _pick(rows, rows.index, names.female, number, "own")
    own = pc.if_else(pa.array(rows.sex == 1), male, female)
    father = rows.relative(rows.template.father)
    # brothers and sisters whose father is not in the population share the household's word for him
    known = _pick(rows, np.maximum(father, 0), names.male, number, "own")
    other = _pick(rows, rows.surname_root, names.male, number, "father")
    return pc.binary_join_element_wise(own, pc.if_else(pa.array(father >= 0), known, other), names.separator)


def _replaced(values: pa.Array, chosen: Flags, new: pa.Array) -> pa.Array:
    at = np.arange(len(values))
    at[chosen] = len(values) + np.arange(len(new))
    return pa.concat_arrays([values, new.cast(values.type)]).take(pa.array(at))
