"""企业机动车: one row a car of a firm."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from mockdata import identifiers
from mockdata.population import calendar, plates
from mockdata.population.fleets import MOST, Fleets
from mockdata.population.organisations import FIRMS, Organisations, founded
from mockdata.population.population import Population
from mockdata.population.registers.entry import Entry, number, numbered, of_entries
from mockdata.population.registers.register import Column
from mockdata.population.registers.vehicle import ABOUT, models, scope
from mockdata.population.rows import BASE_DAY, office_time
from mockdata.seeds import Bijection, Ints, Words, below, hashed

_OLDEST = 96 * 30
"""Days before the base date: no car is older."""
_CERTIFICATES = 10**12


@dataclass(frozen=True)
class FirmCar(Entry):
    """Cars: (firm, number of its car)."""

    @property
    def things(self) -> Fleets:
        """What firms own."""
        return self.population.fleets

    def words(self, purpose: str) -> Words:
        """64 pseudo-random bits a car."""
        return hashed(self.population.world.key(f"fleet {purpose}"), self.person * MOST + self.turn)

    @cached_property
    def firm(self) -> Organisations:
        """The firms."""
        return Organisations(self.population.world, self.person)

    @cached_property
    def _where(self) -> tuple[Ints, Ints, Ints]:
        return self.things.ring.where(self.person)

    @property
    def place(self) -> Ints:
        """Populated division of each firm."""
        return self._where[0]

    @property
    def slot(self) -> Ints:
        """Firm of the block."""
        return self._where[2]

    @cached_property
    def fuel(self) -> Ints:
        """0 petrol, 1 battery, 2 hybrid."""
        return self.things.fuel[self.slot, self.turn]

    @cached_property
    def model(self) -> Ints:
        """Position in `plates.MODELS`."""
        return models(self.fuel, self.words("model"))

    @cached_property
    def day(self) -> Ints:
        """Day of registration: after the firm's founding, before the base date."""
        first = np.maximum(founded(self.firm) + 1, BASE_DAY - _OLDEST)
        return first + below(self.words("registered"), BASE_DAY - first)

    @cached_property
    def month(self) -> Ints:
        """Month of registration."""
        return calendar.month_of(self.day)

    @cached_property
    def row(self) -> Ints:
        """Number of each car among all of firms."""
        return self.things.cars.row(self.person, self.turn)


def _serial(car: FirmCar) -> Ints:
    """Serial number of each plate within its region, counted from the end, where no person's car is."""
    world, mode = car.population.world, car.population.identifiers
    first = scope(car.population)[car.place]
    rank = car.things.rank(car.slot, car.turn)
    found = np.zeros(len(car.person), dtype=np.int64)
    for fuel in range(3):
        here, entries, capacity = car.fuel == fuel, car.things.by_fuel[fuel], plates.series(mode, fuel).capacity
        _fitting(car.population, fuel, capacity)
        within = entries.row(car.person[here], rank[here]) - entries.offset[first[here]]
        found[here] = Bijection(world.key(f"plate {fuel}")).forward(capacity - 1 - within, capacity)
    return found


def _fitting(population: Population, fuel: int, capacity: int) -> None:
    first = scope(population)
    last = np.append(np.nonzero(np.diff(first))[0] + 1, len(first))
    both = (population.belongings.cars_of(fuel), population.fleets.by_fuel[fuel])
    if int(sum(one.offset[last] - one.offset[first[last - 1]] for one in both).max()) > capacity:
        raise ValueError("more cars in a city than plates")


def _plate(car: FirmCar) -> pa.Array:
    return plates.spelled(car.population.identifiers, car.firm.division, car.fuel, _serial(car))


def _by_plate(population: Population, values: pa.Array) -> tuple[Ints, Ints]:
    mode, world, things = population.identifiers, population.world, population.fleets
    province, letter, fuel, serial = plates.read(mode, values)
    provinces, letters = (part[world.layout.division] for part in plates.regions(mode))
    place = np.searchsorted(provinces * 64 + letters, province * 64 + letter)
    place = np.minimum(place, len(provinces) - 1)
    known = (serial >= 0) & (provinces[place] == province) & (letters[place] == letter)
    firm, turn = np.full(len(values), -1, dtype=np.int64), np.zeros(len(values), dtype=np.int64)
    scopes = scope(population)
    after = np.searchsorted(scopes, scopes, side="right")
    for kind in range(3):
        here = np.nonzero(known & (fuel == kind))[0]
        if not len(here):
            continue
        entries, capacity = things.by_fuel[kind], plates.series(mode, kind).capacity
        mixed = Bijection(world.key(f"plate {kind}")).backward(serial[here], capacity)
        row = capacity - 1 - mixed + entries.offset[place[here]]
        inside = row < entries.offset[after[place[here]]]
        here, row = here[inside], row[inside]
        if len(here):
            owner, rank = entries.at(row)
            firm[here], turn[here] = owner, things.turn(things.ring.where(owner)[2], kind, rank)
    return firm, turn


def _vin(car: FirmCar) -> pa.Array:
    population = car.population
    mixed = Bijection(population.world.key("vin")).forward(plates.VIN_CAPACITY - 1 - car.row, plates.VIN_CAPACITY)
    return identifiers.text_column(plates.vins(population.identifiers, car.model, car.month // 12, mixed))


def _by_vin(population: Population, values: pa.Array) -> tuple[Ints, Ints]:
    matrix, usable = identifiers.byte_matrix(values, 17)
    mixed = plates.vin_numbers(matrix)
    usable &= mixed >= 0
    place = Bijection(population.world.key("vin")).backward(np.where(usable, mixed, 0), plates.VIN_CAPACITY)
    row, cars = plates.VIN_CAPACITY - 1 - place, population.fleets.cars
    usable &= row < cars.count
    firm, turn = cars.at(np.where(usable, row, 0))
    if usable.any():
        again, _ = identifiers.byte_matrix(_vin(FirmCar(population, firm, turn)), 17)
        usable &= (again == matrix).all(axis=1)
    return np.where(usable, firm, -1), turn


def _by_certificate(population: Population, values: pa.Array) -> tuple[Ints, Ints]:
    read, cars = number(values, "", 12), population.fleets.cars
    row = _CERTIFICATES - 1 - read
    known = (read >= 0) & (row < cars.count)
    firm, turn = cars.at(np.where(known, row, 0))
    return np.where(known, firm, -1), turn


def _by_firm(population: Population, values: pa.Array) -> tuple[Ints, Ints]:
    """The last of each firm's cars."""
    firm = population.firms.find(values)
    slot = population.fleets.ring.where(np.maximum(firm, 0))[2]
    return firm, population.fleets.counts[slot] - 1


def _of_firm(name: str) -> Column:
    return lambda car: FIRMS[name](car.firm)


FIRM_VEHICLE = of_entries(
    "firm_vehicle", lambda p: p.fleets.cars, FirmCar,
    {
        **{name: _of_firm(name) for name in ("employer_uscc", "employer_name", "employer_address", "division")},
        **ABOUT,
        "plate": _plate,
        "vin": _vin,
        "vehicle_certificate_number": lambda car: numbered("", _CERTIFICATES - 1 - car.row, 12),
        "updated_at": lambda car: office_time(
            car.day + below(car.words("updated"), BASE_DAY - car.day), car.words("updated") << np.uint64(21)
        ),
    },
    {"HPHM": _by_plate, "CLSBDH": _by_vin, "JDCDJZSBH": _by_certificate, "TYSHXYDM": _by_firm},
    {"FR": lambda car: car.population.representative(car.person)},
    by_person=None,
)  # fmt: skip
