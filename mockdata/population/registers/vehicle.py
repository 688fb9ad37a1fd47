"""机动车: one row a car of a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import numpy as np
import pyarrow as pa

from mockdata import identifiers
from mockdata.population import calendar, plates
from mockdata.population.attributes import ATTRIBUTES
from mockdata.population.belongings import CARS
from mockdata.population.divisions import Mode
from mockdata.population.entries import Entries
from mockdata.population.population import Population
from mockdata.population.registers.entry import Belonging, number, numbered, of_entries, of_person, split
from mockdata.population.registers.register import Column
from mockdata.population.rows import Rows, codes, dates, touched
from mockdata.seeds import Bijection, Ints, Words, below
from mockdata.texts import taken

_BY_FUEL = tuple(np.array([at for at, model in enumerate(plates.MODELS) if model[3] == fuel]) for fuel in range(3))


@dataclass(frozen=True)
class Car(Belonging):
    """Cars: (first owner, number of the car)."""

    @cached_property
    def fuel(self) -> Ints:
        """Position in `belongings`: 0 petrol, 1 battery, 2 hybrid."""
        return self.things.fuel[self.rows.slot, self.turn]

    @cached_property
    def model(self) -> Ints:
        """Position in `plates.MODELS`."""
        return models(self.fuel, self.words("model"))

    @cached_property
    def month(self) -> Ints:
        """Month of registration."""
        return self.things.car_months[self.rows.slot, self.turn]

    @cached_property
    def day(self) -> Ints:
        """Day of registration."""
        return calendar.early(self.month, self.words("car registered"))

    @cached_property
    def owner(self) -> Ints:
        """Who owns the car on the date: the first owner or the heir."""
        return owners(self.population, self.person, self.rows)

    @cached_property
    def number(self) -> Ints:
        """Number of the car among all there will ever be."""
        return self.things.cars.row(self.person, self.turn)


def models(fuel: Ints, words: Words) -> Ints:
    """Positions in `plates.MODELS` for cars of these fuels."""
    found = np.zeros(len(fuel), dtype=np.int64)
    for kind, some in enumerate(_BY_FUEL):
        found = np.where(fuel == kind, some[below(words, len(some))], found)
    return found


def owners(population: Population, person: Ints, rows: Rows) -> Ints:
    """The owners on the date of what was a person's."""
    if not population.world.later:
        return person
    return rows.relative(np.concatenate([population.belongings.heir, np.zeros(0, np.int64)]))


def scope(population: Population) -> Ints:
    """First populated division of each one's plate region."""
    world = population.world
    province, letter = (part[world.layout.division] for part in plates.regions(_mode(population)))
    starts = np.append(True, (np.diff(province) != 0) | (np.diff(letter) != 0))
    return np.maximum.accumulate(np.where(starts, np.arange(len(starts)), 0))


def _mode(population: Population) -> Mode:
    return population.identifiers


def _serial(car: Car) -> Ints:
    """Serial number of each plate within its region."""
    world, mode = car.population.world, _mode(car.population)
    first = scope(car.population)[car.rows.place]
    rank = car.things.rank(car.rows.slot, car.turn)
    found = np.zeros(len(car.person), dtype=np.int64)
    for fuel in range(3):
        here = car.fuel == fuel
        entries, capacity = car.things.cars_of(fuel), plates.series(mode, fuel).capacity
        _fitting(car.population, entries, capacity)
        within = entries.row(car.person[here], rank[here]) - entries.offset[first[here]]
        found[here] = Bijection(world.key(f"plate {fuel}")).forward(within, capacity)
    return found


def _fitting(population: Population, entries: Entries, capacity: int) -> None:
    first = scope(population)
    last = np.append(np.nonzero(np.diff(first))[0] + 1, len(first))
    if int((entries.offset[last] - entries.offset[first[last - 1]]).max()) > capacity:
        raise ValueError("more cars in a city than plates")


def _plate(car: Car) -> pa.Array:
    return plates.spelled(_mode(car.population), car.rows.division, car.fuel, _serial(car))


def _by_plate(population: Population, values: pa.Array) -> tuple[Ints, Ints]:
    mode, world, things = _mode(population), population.world, population.belongings
    province, letter, fuel, serial = plates.read(mode, values)
    regions = tuple(part[world.layout.division] for part in plates.regions(mode))
    place = np.searchsorted(regions[0] * 64 + regions[1], province * 64 + letter)
    known = serial >= 0
    place = np.minimum(place, len(regions[0]) - 1)
    known &= (regions[0][place] == province) & (regions[1][place] == letter)
    person, turn = np.full(len(values), -1, dtype=np.int64), np.zeros(len(values), dtype=np.int64)
    scopes = scope(population)
    after = np.searchsorted(scopes, scopes, side="right")
    for kind in range(3):
        here = np.nonzero(known & (fuel == kind))[0]
        if not len(here):
            continue
        entries, capacity = things.cars_of(kind), plates.series(mode, kind).capacity
        within = Bijection(world.key(f"plate {kind}")).backward(serial[here], capacity)
        row = within + entries.offset[place[here]]
        inside = row < entries.offset[after[place[here]]]
        here, row = here[inside], row[inside]
        if len(here):
            owner, rank = entries.at(row)
            slot = world.layout.where(owner)[2]
            person[here] = owner
            turn[here] = things.turn(slot, np.full(len(here), kind), rank)
    return person, turn


def _vin(car: Car) -> pa.Array:
    world = car.population.world
    mixed = Bijection(world.key("vin")).forward(car.number, plates.VIN_CAPACITY)
    return identifiers.text_column(plates.vins(_mode(car.population), car.model, car.month // 12, mixed))


def _by_vin(population: Population, values: pa.Array) -> tuple[Ints, Ints]:
    matrix, usable = identifiers.byte_matrix(values, 17)
    mixed = plates.vin_numbers(matrix)
    usable &= mixed >= 0
    row = Bijection(population.world.key("vin")).backward(np.where(usable, mixed, 0), plates.VIN_CAPACITY)
    cars = population.belongings.cars
    usable &= row < cars.count
    person, turn = cars.at(np.where(usable, row, 0))
    if usable.any():
        again, _ = identifiers.byte_matrix(_vin(Car(population, person, turn)), 17)
        usable &= (again == matrix).all(axis=1)
    return np.where(usable, person, -1), turn


def inspected_until(day: Ints, as_of: Ints) -> Ints:
    """Inspections are due every two years for ten years, then every year: the first due day after `as_of`."""
    years = (as_of - day) // 365
    due = np.where(years < 10, (years // 2 + 1) * 2, years + 1)
    return np.asarray(day + due * 366)


def _model(place: int) -> Column:
    values = pa.array([str(model[place]) for model in plates.MODELS])
    return lambda car: taken(values, car.model)


def _owner(car: Car) -> Rows:
    return car.population.rows(car.owner)


ABOUT: Mapping[str, Column] = MappingProxyType(
    {
        "plate_kind": lambda car: taken(codes("02", "52"), (car.fuel > 0).astype(np.int64)),
        "make": _model(1),
        "model": _model(2),
        "vehicle_type": lambda car: taken(codes("K33"), np.zeros(len(car.person), np.int64)),
        "vehicle_use": lambda car: taken(codes("A"), np.zeros(len(car.person), np.int64)),
        "vehicle_state": lambda car: taken(codes("A"), np.zeros(len(car.person), np.int64)),
        "colour": lambda car: taken(codes("A", "B", "D", "E", "H", "J"), below(car.words("colour"), 6)),
        "fuel": lambda car: taken(codes("A", "C", "O"), car.fuel),
        "displacement": lambda car: pa.array(np.array([model[4] for model in plates.MODELS])[car.model]),
        "seats": lambda car: pa.array(np.where(below(car.words("seats"), 10) == 0, 7, 5)),
        "engine_number": lambda car: numbered("F", below(car.words("engine"), 10**8), 8),
        "made_in": lambda car: numbered("", car.month // 12, 4),
        "vehicle_registered_on": lambda car: dates(car.day),
        "inspected_until": lambda car: dates(
            inspected_until(car.day, np.full(len(car.person), car.population.world.as_of))
        ),
    }
)
"""What is known of a car, whoever owns it."""


VEHICLE = of_entries(
    "vehicle", lambda p: p.belongings.cars_now, Car,
    {
        **of_person("citizen_number", "name", "address", "mobile", "sex", "birth_date", whose=_owner),
        **ABOUT,
        "division": lambda car: ATTRIBUTES["division"](car.rows),
        "plate": _plate,
        "vin": _vin,
        "vehicle_certificate_number": lambda car: numbered("", car.person * CARS + car.turn, 12),
        "updated_at": lambda car: touched(car.rows, car.day),
    },
    {
        "HPHM": _by_plate,
        "CLSBDH": _by_vin,
        "JDCDJZSBH": lambda p, values: split(number(values, "", 12), CARS, p.size),
    },
)  # fmt: skip
