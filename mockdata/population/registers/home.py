"""不动产: one row a registered home of a family."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from mockdata import identifiers
from mockdata.population import calendar
from mockdata.population.addresses import addresses
from mockdata.population.attributes import ATTRIBUTES
from mockdata.population.incomes import money
from mockdata.population.population import Population
from mockdata.population.registers.entry import Belonging, numbered, of_entries, of_person
from mockdata.population.registers.vehicle import owners
from mockdata.population.rows import Rows, codes, dates, touched
from mockdata.seeds import Bijection, Ints, below, hashed
from mockdata.texts import Digits, joined, taken

_CAPACITY = 10**9
"""Unit numbers of one division."""


@dataclass(frozen=True)
class Home(Belonging):
    """Homes: (first head of the family, number of the home)."""

    @cached_property
    def day(self) -> Ints:
        """Day of registration."""
        return calendar.early(self.things.home_months[self.rows.slot, self.turn], self.words("home registered"))

    @cached_property
    def owner(self) -> Ints:
        """Who owns the home on the date: the first owner or the heir."""
        return owners(self.population, self.person, self.rows)

    @cached_property
    def joint(self) -> Ints:
        """The owner's spouse of the same household where the home belongs to both, else -1."""
        spouse = self.population.spouse(self.owner)
        together = self.population.head(self.owner) == self.population.head(spouse)
        return np.where((spouse >= 0) & together & (below(self.words("joint"), 10) < 6), spouse, -1)

    @cached_property
    def within(self) -> Ints:
        """Number of the home within its division."""
        entries = self.things.homes
        return entries.row(self.person, self.turn) - entries.offset[self.rows.place]


def _unit(home: Home) -> pa.Array:
    """Division, cadastral zone and sub-zone, right, parcel, kind, building and unit (GB/T 37346)."""
    mixed = Bijection(home.population.world.key("real-estate unit")).forward(home.within, _CAPACITY)
    rest, unit = np.divmod(mixed, 100)
    rest, building = np.divmod(rest, 10)
    rest, parcel = np.divmod(rest, 1000)
    zone, part = np.divmod(rest, 10)
    matrix = np.empty((len(mixed), 28), dtype=np.uint8)
    matrix[:, :6] = identifiers.digits(home.population.divisions.numbers[home.rows.division], 6)
    matrix[:, 6:9], matrix[:, 9:12] = identifiers.digits(zone + 1, 3), identifiers.digits(part + 1, 3)
    matrix[:, 12:14] = np.frombuffer(b"GB", np.uint8)
    matrix[:, 14:19] = identifiers.digits(parcel + 1, 5)
    matrix[:, 19] = ord("F")
    matrix[:, 20:24], matrix[:, 24:] = identifiers.digits(building + 1, 4), identifiers.digits(unit + 1, 4)
    return identifiers.text_column(matrix)


def _by_unit(population: Population, values: pa.Array) -> tuple[Ints, Ints]:
    matrix, usable = identifiers.byte_matrix(values, 28)
    parts = [(0, 6), (6, 9), (9, 12), (14, 19), (20, 24), (24, 28)]
    area, zone, part, parcel, building, unit = (identifiers.number_of(matrix[:, a:b]) for a, b in parts)
    usable &= (area >= 0) & (zone > 0) & (part > 0) & (parcel > 0) & (building > 0) & (unit > 0)
    usable &= (zone <= 100) & (part <= 10) & (parcel <= 1000) & (building <= 10) & (unit <= 100)
    mixed = ((((zone - 1) * 10 + part - 1) * 1000 + parcel - 1) * 10 + building - 1) * 100 + unit - 1
    place = population.world.layout.find_place(population.divisions.find(np.where(usable, area, 0)))
    usable &= place >= 0
    place = np.where(usable, place, 0)
    entries = population.belongings.homes
    key = Bijection(population.world.key("real-estate unit"))
    row = key.backward(np.where(usable, mixed, 0), _CAPACITY) + entries.offset[place]
    usable &= row < entries.offset[place + 1]
    person, turn = entries.at(np.where(usable, row, 0))
    if usable.any():
        again, _ = identifiers.byte_matrix(_unit(Home(population, person, turn)), 28)
        usable &= (again == matrix).all(axis=1)
    return np.where(usable, person, -1), turn


def _certificate(home: Home) -> pa.Array:
    """浙(2019)西湖区不动产权第0012345号: unique within division and year."""
    table = home.population.divisions
    mixed = Bijection(home.population.world.key("title deed")).forward(home.within, 10**7)
    year = identifiers.text_column(identifiers.day_bytes(home.day)[:, :4])
    return joined(
        (pa.array(list(identifiers.PLATE_PROVINCES)), table.provinces[home.rows.division]), (codes("("), _zero(home)),
        (year, None), (codes(")"), _zero(home)), (table.names, home.rows.division), (codes("不动产权第"), _zero(home)),
        Digits(mixed, 7), (codes("号"), _zero(home)),
    )  # fmt: skip


def _zero(home: Home) -> Ints:
    return np.zeros(len(home.person), dtype=np.int64)


def _place(home: Home) -> pa.Array:
    """The first home is where the family lives (lived on the base date), the second one elsewhere in the division."""
    world = home.population.world
    lived = hashed(world.key("address"), home.person)
    words = np.where(home.turn == 0, lived, home.words("second home"))
    none = np.zeros(len(home.person), dtype=np.bool_)
    return addresses(world.divisions, home.rows.division, words, world.key("way"), none)


def _area(home: Home) -> pa.Array:
    words = home.words("floor area")
    cents = 4_000 + below(words, 6_000) + below(words << np.uint64(13), 6_000)
    return money(cents, np.ones(len(cents), dtype=np.bool_))


def _price(home: Home) -> pa.Array:
    words = home.words("floor area")
    metres = (4_000 + below(words, 6_000) + below(words << np.uint64(13), 6_000)) // 100
    yuan = metres * (3_000 + below(home.words("price"), 17_000)) // 100 * 100
    return money(yuan * 100, np.ones(len(yuan), dtype=np.bool_))


def _built(home: Home) -> Ints:
    registered = home.things.home_months[home.rows.slot, home.turn] // 12
    age = below(home.words("age of the home"), 25) * below(home.words("age of the home") << np.uint64(9), 25) // 25
    return np.maximum(registered - age, 1955)


def _owner(home: Home) -> Rows:
    return home.population.rows(home.owner)


HOME = of_entries(
    "home", lambda p: p.belongings.homes_now, Home,
    {
        **of_person("citizen_number", "name", "mobile", "sex", "birth_date", whose=_owner),
        "division": lambda home: ATTRIBUTES["division"](home.rows),
        "real_estate_unit": _unit,
        "title_deed": _certificate,
        "home_address": _place,
        "floor_area": _area,
        "purchase_price": _price,
        "built_in": lambda home: numbered("", _built(home), 4),
        "floors": lambda home: pa.array(np.array([6, 6, 7, 11, 18, 26, 33])[below(home.words("floors"), 7)]),
        "shared_ownership": lambda home: taken(codes("0", "1"), (home.joint >= 0).astype(np.int64)),
        "home_registered_on": lambda home: dates(home.day),
        "updated_at": lambda home: touched(home.rows, home.day),
    },
    {"BDCDYH": _by_unit},
    {"GYR": lambda home: home.joint},
)  # fmt: skip
