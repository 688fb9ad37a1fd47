"""Midwifery institutions: five in every division, with and without the power to issue birth certificates.

Each division has a general hospital, a maternal and child health hospital and a second general hospital with issuing
power, a maternity hospital that has it in seven cases of ten, and a community station that never has. So wherever a
child is born there is a subject for the rule "born in an institution with issuing power" and one against it. A model.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mockdata import identifiers
from mockdata.population.addresses import addresses
from mockdata.population.rows import World
from mockdata.seeds import Bijection, Ints, below, hashed

A_DIVISION = 5
WITH_POWER = 3
"""The first so many of a division always have issuing power."""

_NAMES = ("人民医院", "妇幼保健院", "第二人民医院", "妇产医院", "社区卫生服务中心")
_KINDS = ("A100", "G100", "A100", "A512", "B200")
_LEAD = "MB"


def count(world: World) -> int:
    """How many institutions there are."""
    return A_DIVISION * len(world.divisions)


def codes(world: World, institution: Ints) -> pa.Array:
    """Unified social credit codes (12: public institution)."""
    mixed = Bijection(world.key("institution body")).forward(institution, identifiers.BODY_CAPACITY)
    areas = world.divisions.numbers[institution // A_DIVISION]
    return identifiers.text_column(identifiers.credit_codes("12", areas, identifiers.bodies(mixed, _LEAD)))


def find(world: World, wanted: pa.Array | list[str]) -> Ints:
    """The institutions with these codes, -1 for a code that is none of theirs."""
    matrix, usable = identifiers.byte_matrix(wanted, 18)
    body = identifiers.body_numbers(matrix[:, 8:16])
    usable &= body >= 0
    at = Bijection(world.key("institution body")).backward(np.where(usable, body, 0), identifiers.BODY_CAPACITY)
    usable &= at < count(world)
    at = np.where(usable, at, 0)
    if usable.any():
        again, _ = identifiers.byte_matrix(codes(world, at), 18)
        usable &= (again == matrix).all(axis=1)
    return np.where(usable, at, -1)


def names(world: World, institution: Ints) -> pa.Array:
    """Registered names: division and kind."""
    places = world.divisions.city_names.take(pa.array(institution // A_DIVISION))
    return pc.binary_join_element_wise(places, _texts(_NAMES).take(pa.array(institution % A_DIVISION)), "")


def kinds(world: World, institution: Ints) -> pa.Array:
    """A100 general, A512 maternity, G100 maternal and child health hospital, B200 community station."""
    return _texts(_KINDS).take(pa.array(institution % A_DIVISION))


def has_power(world: World, institution: Ints) -> NDArray[np.bool_]:
    """Whether an institution may issue birth certificates."""
    kind = institution % A_DIVISION
    chance = below(hashed(world.key("issuing power"), institution), 10)
    return np.asarray((kind < WITH_POWER) | ((kind == WITH_POWER) & (chance < 7)))


def issuing_power(world: World, institution: Ints) -> pa.Array:
    """1 may issue birth certificates, 0 may not."""
    return _texts(("0", "1")).take(pa.array(has_power(world, institution).astype(np.int64)))


def division(world: World, institution: Ints) -> pa.Array:
    """Division code."""
    return world.divisions.codes.take(pa.array(institution // A_DIVISION))


def address(world: World, institution: Ints) -> pa.Array:
    """Street address."""
    words = hashed(world.key("institution address"), institution)
    none = np.zeros(len(institution), dtype=np.bool_)
    return addresses(world.divisions, institution // A_DIVISION, words, world.key("way"), none)


@cache
def _texts(values: tuple[str, ...]) -> pa.Array:
    return pa.array(values, pa.string())
