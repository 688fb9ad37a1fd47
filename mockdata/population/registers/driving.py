"""机动车驾驶证: one row a licensed driver."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from mockdata import identifiers
from mockdata.population import calendar
from mockdata.population.attributes import ATTRIBUTES
from mockdata.population.population import Population
from mockdata.population.registers.entry import Entry, of_entries, of_person
from mockdata.population.rows import codes, dates, touched
from mockdata.seeds import Bijection, Ints, below, hashed
from mockdata.texts import taken

_CAPACITY = 10**8
_CLASSES = ("C1", "C1", "C1", "C1", "C1", "C1", "C2", "C2", "C2", "B2", "A2", "E")


@dataclass(frozen=True)
class Licence(Entry):
    """Driving licences: (driver, 0)."""

    @cached_property
    def day(self) -> Ints:
        """Day of the first issue."""
        month = self.population.belongings.licence_months[self.rows.slot]
        return calendar.early(month, hashed(self.population.world.key("first licence"), self.person))

    @cached_property
    def until(self) -> tuple[Ints, Ints]:
        """(first and last day of the present licence): six years, ten years, then without end (-1)."""
        years = (self.population.world.as_of - self.day) // 365
        begin = np.select([years < 6, years < 16], [0, 6], 16)
        end = np.select([years < 6, years < 16], [6, 16], -1)
        first = _anniversary(self.day, begin)
        return first, np.where(end < 0, -1, _anniversary(self.day, end))


def _anniversary(day: Ints, years: Ints) -> Ints:
    text = identifiers.day_bytes(day).astype(np.int64) - 48
    spelled = (
        text @ np.array([10_000_000, 1_000_000, 100_000, 10_000, 1_000, 100, 10, 1]) + np.maximum(years, 0) * 10_000
    )
    # days run from the 1st to the 14th of a month: every anniversary is a date
    return identifiers.day_numbers(spelled)


def _file_number(licence: Licence) -> pa.Array:
    """Twelve digits: the city's four and eight of its own."""
    world = licence.population.world
    entries = licence.population.belongings.licences
    within = entries.row(licence.person) - entries.offset[_city_start(licence.population)[licence.rows.place]]
    mixed = Bijection(world.key("driver's file")).forward(within, _CAPACITY)
    city = identifiers.digits(world.divisions.numbers[licence.rows.division] // 100, 4)
    return identifiers.text_column(np.concatenate([city, identifiers.digits(mixed, 8)], axis=1))


def _city_start(population: Population) -> Ints:
    """First populated division of each one's city."""
    city = population.divisions.numbers[population.world.layout.division] // 100
    starts = np.append(True, np.diff(city) != 0)
    return np.maximum.accumulate(np.where(starts, np.arange(len(city)), 0))


def _by_file(population: Population, values: pa.Array) -> tuple[Ints, Ints]:
    matrix, usable = identifiers.byte_matrix(values, 12)
    city, mixed = identifiers.number_of(matrix[:, :4]), identifiers.number_of(matrix[:, 4:])
    cities = population.divisions.numbers[population.world.layout.division] // 100
    place = np.minimum(np.searchsorted(cities, city), len(cities) - 1)
    usable &= (city >= 0) & (mixed >= 0) & (cities[place] == city)
    after = np.searchsorted(cities, cities[place], side="right")
    entries = population.belongings.licences
    key = Bijection(population.world.key("driver's file"))
    row = key.backward(np.where(usable, mixed, 0), _CAPACITY) + entries.offset[place]
    usable &= row < entries.offset[after]
    person, turn = entries.at(np.where(usable, row, 0))
    return np.where(usable, person, -1), turn


def _kind(licence: Licence) -> pa.Array:
    words = hashed(licence.population.world.key("licence class"), licence.person)
    return taken(codes(*_CLASSES), below(words, len(_CLASSES)))


def _authority(licence: Licence) -> pa.Array:
    places = taken(licence.population.divisions.full_names, licence.rows.division)
    return pa.compute.binary_join_element_wise(places, "公安局交通警察大队", "")


LICENCE = of_entries(
    "driving_licence", lambda p: p.belongings.licences_now, Licence,
    {
        **of_person("citizen_number", "name", "sex", "birth_date", "address", "mobile", "division"),
        "licence_number": lambda licence: ATTRIBUTES["citizen_number"](licence.rows),
        "file_number": _file_number,
        "licence_class": _kind,
        "first_licence_on": lambda licence: dates(licence.day),
        "valid_from": lambda licence: dates(licence.until[0]),
        "valid_until": lambda licence: dates(licence.until[1], licence.until[1] >= 0),
        "licence_state": lambda licence: taken(codes("A"), np.zeros(len(licence.person), np.int64)),
        "issuing_authority": _authority,
        "updated_at": lambda licence: touched(licence.rows, licence.day),
    },
    {"DABH": _by_file},
)  # fmt: skip
