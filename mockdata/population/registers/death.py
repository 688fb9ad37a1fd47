"""死亡: one row a death, of the ten years before the base date and since."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from mockdata import identifiers
from mockdata.population.attributes import ATTRIBUTES
from mockdata.population.population import Population
from mockdata.population.registers.crowd import PARENTS, by_number, of_crowd
from mockdata.population.rows import Rows, codes, dates, touched, within_province
from mockdata.population.waves import day_number
from mockdata.seeds import Bijection, Ints, below, unit
from mockdata.texts import Digits, joined, taken

_CAPACITY = 10**10
_CAUSES = (
    "心脏病",
    "脑血管病",
    "恶性肿瘤",
    "呼吸系统疾病",
    "损伤和中毒",
    "内分泌、营养和代谢疾病",
    "消化系统疾病",
    "其他",
)
_OLD, _YOUNG = (24, 21, 23, 9, 5, 4, 3, 11), (6, 4, 14, 5, 48, 2, 2, 19)
"""Deaths in a hundred by cause, over 45 and under; a model."""
_PLACES = ("医疗卫生机构", "家中", "养老服务机构", "其他场所")


def _number(rows: Rows) -> pa.Array:
    """SW and twelve digits, unique."""
    mixed = Bijection(rows.world.key("death certificate")).forward(rows.index, _CAPACITY)
    return joined((codes("SW"), np.zeros(len(rows), np.int64)), Digits(mixed, 12))


def _by_certificate(population: Population, values: pa.Array) -> Ints:
    matrix, usable = identifiers.byte_matrix(values, 14)
    mixed = identifiers.number_of(matrix[:, 2:])
    usable &= (mixed >= 0) & (mixed < _CAPACITY) & (matrix[:, 0] == ord("S")) & (matrix[:, 1] == ord("W"))
    index = Bijection(population.world.key("death certificate")).backward(np.where(usable, mixed, 0), _CAPACITY)
    return np.where(usable & (index < population.world.everybody.count), index, -1)


def _cause(rows: Rows) -> pa.Array:
    old = rows.death - rows.day > 45 * 365
    words = rows.words("cause of death")
    picks = [np.repeat(np.arange(len(_CAUSES)), shares)[below(words, 100)] for shares in (_OLD, _YOUNG)]
    cause = np.where(old, picks[0], picks[1])
    for wave in rows.world.waves:
        if wave.cause is not None and wave.deaths > 1:
            inside = (rows.death >= day_number(wave.first)) & (rows.death <= day_number(wave.last))
            beyond = unit(rows.words("death of a wave")) < 1 - 1 / wave.deaths
            cause = np.where(inside & beyond, _CAUSES.index(wave.cause), cause)
    return taken(codes(*_CAUSES), cause)


def _place(rows: Rows) -> pa.Array:
    return taken(codes(*_PLACES), np.repeat(np.arange(4), (22, 70, 3, 5))[below(rows.words("place of death"), 100)])


def _division(rows: Rows) -> pa.Array:
    away = below(rows.words("died away"), 100) < 4
    where = np.where(away, within_province(rows, "division of death"), rows.division)
    return taken(rows.world.divisions.codes, where)


def _issued(rows: Rows) -> pa.Array:
    """The day of death: a later one might lie after the population's date."""
    return dates(rows.death)


DEATH = of_crowd(
    "death", lambda p: p.crowds.deaths,
    {
        **{
            name: ATTRIBUTES[name]
            for name in (
                "citizen_number", "name", "sex", "birth_date", "ethnic_group", "division", "hukou_division",
                "hukou_address", "marital_status", "education", "address", "household_number",
            )
        },
        "death_certificate_number": _number,
        "death_date": lambda rows: dates(rows.death),
        "death_division": _division,
        "death_place": _place,
        "death_cause": _cause,
        "issued_on": _issued,
        "updated_at": lambda rows: touched(rows, rows.death),
    },
    PARENTS,
    {"SWZMBH": _by_certificate, "GMSFHM": by_number},
)  # fmt: skip
