"""户口迁移 and 姓名变更: one row a person and move, one row a change of name."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from mockdata.population import calendar, pools
from mockdata.population.addresses import addresses
from mockdata.population.attributes import surname_of
from mockdata.population.changes import BEFORE, Changes
from mockdata.population.registers.entry import Entry, number, numbered, of_entries, of_person, split
from mockdata.population.rows import Rows, address_words, codes, dates, neighbour, touched
from mockdata.seeds import Ints, below, hashed
from mockdata.texts import joined, taken

_EACH = 8


@dataclass(frozen=True)
class Move(Entry):
    """Moves: (person, number of the move)."""

    @property
    def _changes(self) -> Changes:
        return self.population.world.changes

    @cached_property
    def column(self) -> Ints:
        """The home's move that the person took part in."""
        return self._changes.move(self.rows.slot, self.turn)

    @cached_property
    def home(self) -> Rows:
        """The persons the homes are named after."""
        world = self.population.world
        place, block, slot, _ = world.layout.where(self.person)
        return self.population.rows(world.layout.at(place, block, world.template.head[slot]))

    @cached_property
    def states(self) -> tuple[Ints, Ints]:
        """(address before, address after) as `Changes.states` numbers them."""
        return self._changes.states(self.home.slot, self.column)

    @cached_property
    def day(self) -> Ints:
        """Day of the move, one for all who moved."""
        month = self._changes.home_moves[self.home.slot, self.column]
        words = hashed(self.population.world.key("moved on"), self.home.index * _EACH + self.column)
        return calendar.early(month, words)

    def division(self, state: Ints) -> Ints:
        """Division of an address: one in six earlier ones lay in another division of the province."""
        words = hashed(self.population.world.key("earlier division"), self.home.index * _EACH + state)
        elsewhere = (state < BEFORE) & (below(words << np.uint64(20), 6) == 0)
        return np.where(elsewhere, neighbour(self.home, words), self.home.division)

    def address(self, state: Ints) -> pa.Array:
        """The address in a state."""
        world = self.population.world
        words = address_words(world, self.home.index, state)
        none = np.zeros(len(state), dtype=np.bool_)
        return addresses(world.divisions, self.division(state), words, world.key("way"), none)

    def code(self, state: Ints) -> pa.Array:
        """Division code of an address."""
        return taken(self.population.world.divisions.codes, self.division(state))


def _reason(move: Move) -> pa.Array:
    words = hashed(move.population.world.key("reason of the move"), move.home.index * _EACH + move.column)
    return taken(codes("购房", "租房", "工作调动", "投靠亲属", "拆迁安置", "就学"), below(words, 6))


@dataclass(frozen=True)
class Renaming(Entry):
    """Changes of name: (person, 0)."""

    @cached_property
    def day(self) -> Ints:
        """Day of the change."""
        world = self.population.world
        return calendar.early(world.changes.renamed[self.rows.slot], hashed(world.key("renamed on"), self.person))

    @cached_property
    def by_surname(self) -> Ints:
        """1 where the surname changed, 0 where the given name did."""
        words = hashed(self.population.world.key("what was renamed"), self.person)
        return np.asarray(below(words, 10) == 0, dtype=np.int64)


def former_names(rows: Rows) -> pa.Array:
    """Names that persons would have had before a change: another given name, for one in ten another surname."""
    world = rows.world
    names, table = pools.surnames()
    pool, starts, counts = pools.given_names()
    kind = 2 * pools.era_of(rows.year) + rows.sex - 1
    words = hashed(world.key("former name"), rows.index)
    by_surname = below(hashed(world.key("what was renamed"), rows.index), 10) == 0
    surname = rows.once("surname", surname_of)
    earlier = np.where(by_surname, table[(words >> np.uint64(48)).astype(np.int64)], surname)
    # a draw that hit the present surname again takes the next one
    earlier = np.where(by_surname & (earlier == surname), (earlier + 1) % len(names), earlier)
    given = starts[kind] + below(rows.words("given name"), counts[kind])
    other = starts[kind] + (given - starts[kind] + 1 + below(words << np.uint64(16), counts[kind] - 1)) % counts[kind]
    return joined((names, earlier), (pool, np.where(by_surname, given, other)))


def _kind(renaming: Renaming) -> pa.Array:
    return taken(codes("名字变更", "姓氏变更"), renaming.by_surname)


MOVE = of_entries(
    "move", lambda p: p.changes.move_entries, Move,
    {
        **of_person("citizen_number", "name", "sex", "birth_date", "household_number"),
        "moved_on": lambda move: dates(move.day),
        "moved_from": lambda move: move.address(move.states[0]),
        "moved_from_division": lambda move: move.code(move.states[0]),
        "moved_to": lambda move: move.address(move.states[1]),
        "moved_to_division": lambda move: move.code(move.states[1]),
        "move_reason": _reason,
        "move_number": lambda move: numbered("QY", move.person * _EACH + move.turn, 12),
        "updated_at": lambda move: touched(move.rows, move.day),
    },
    {"QYZBH": lambda p, values: split(number(values, "QY", 12), _EACH, p.size)},
)  # fmt: skip

RENAMING = of_entries(
    "name_change", lambda p: p.changes.rename_entries, Renaming,
    {
        **of_person("citizen_number", "name", "sex", "birth_date", "division"),
        "former_name": lambda renaming: former_names(renaming.rows),
        "renamed_on": lambda renaming: dates(renaming.day),
        "renaming_kind": _kind,
        "updated_at": lambda renaming: touched(renaming.rows, renaming.day),
    },
    {},
)  # fmt: skip
