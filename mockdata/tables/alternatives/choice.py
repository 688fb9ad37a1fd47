"""Recipes of rows that are bound as a whole: which way a row takes, and the columns that follow from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
import pyarrow as pa

from mockdata.seeds import Floats, Ints, hashed, unit
from mockdata.tables.alternatives.accepting import Accepts, Mask
from mockdata.tables.columns import NULLS, Recipe
from mockdata.tables.dependent import NOTHING, Columns
from mockdata.tables.expressions import Expression
from mockdata.tables.place import PlanError

TAKEN = "\0taken"
"""The member of a choice that says which way."""
COUNTED = 0x636F756E746564


class State(IntEnum):
    """What a row has of a column: nothing, the value given, or one drawn as its way asks."""

    ABSENT, GIVEN, DRAWN = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Option:
    """What one way says of one column: which values it may have (any without `accepts`), whether it may be absent, and
    whether a value can be drawn that it accepts.
    """

    accepts: Accepts | None
    absent: bool
    drawn: bool


@dataclass(frozen=True, slots=True)
class Considered:
    """A column of a group. `given`: the column that holds its value before the way is known, None when it has none;
    `fixed`: that value is kept or left out, but not replaced; `late`: it is made after the way is known and its value
    judged then. `share` of the rows (`when`: where that holds, else `otherwise`) have none; `named`: rows always name
    the column, and absence is null.
    """

    name: str
    key: int
    options: tuple[Option, ...]
    given: str | None = None
    fixed: bool = False
    late: bool = False
    named: bool = False
    share: float = 0.0
    when: Expression | None = None
    otherwise: float = 0.0
    weighty: bool = False

    def missing(self, rows: Ints, columns: Columns) -> Mask:
        """In which rows it would be absent by itself."""
        share: float | Floats = self.share
        if self.when is not None:
            share = np.where(self.when.holds(columns, len(rows)), self.share, self.otherwise)
        found: Mask = unit(hashed(self.key ^ NULLS, rows)) < share
        return found


@dataclass(frozen=True, slots=True)
class Choice:
    """Which way each row takes, and what it has of each column: a struct of `TAKEN` and one State a column.

    Of the ways the given values leave open those come first that keep most of them; a hash takes one. `bounds`: how
    many of the columns each way must and may have. Raises PlanError for a row no way is open to.
    """

    columns: tuple[Considered, ...]
    bounds: tuple[tuple[int, int | None], ...]
    words: tuple[str, ...]
    pointer: str

    @property
    def needs(self) -> tuple[str, ...]:
        given = [column.given for column in self.columns if column.given is not None]
        asked = [name for column in self.columns if column.when is not None for name in column.when.names]
        return tuple(dict.fromkeys((*given, *asked)))

    @property
    def size(self) -> int | None:
        return None

    @property
    def type(self) -> pa.DataType:
        """The type of what it draws."""
        return pa.struct([(TAKEN, pa.int16()), *((column.name, pa.int8()) for column in self.columns)])

    def draw(self, rows: Ints, key: int, columns: Columns = NOTHING) -> pa.Array:
        fits = {column.name: self._fits(column, columns, len(rows)) for column in self.columns}
        missing = {column.name: column.missing(rows, columns) for column in self.columns}
        taken = self._taken(rows, key, fits, missing)
        states = [self._state(column, taken, fits[column.name], missing[column.name]) for column in self.columns]
        if any(low or high is not None for low, high in self.bounds):
            self._count(rows, taken, states, fits)
        parts = [pa.array(taken.astype(np.int16)), *(pa.array(state) for state in states)]
        return pa.StructArray.from_arrays(parts, fields=list(self.type))

    def _fits(self, column: Considered, columns: Columns, rows: int) -> list[Mask]:
        """For each way, in which rows the given value is one it accepts."""
        if column.given is None:
            nothing = np.zeros(rows, dtype=np.bool_)
            return [nothing] * len(column.options)
        values = columns[column.given]
        known: dict[Accepts | None, Mask] = {}
        for option in column.options:
            if option.accepts not in known:
                accepts = option.accepts
                known[accepts] = np.asarray(values.is_valid()) if accepts is None else accepts.met(values)
        return [known[option.accepts] for option in column.options]

    def _taken(self, rows: Ints, key: int, fits: Mapping[str, list[Mask]], missing: Mapping[str, Mask]) -> Ints:
        score = np.zeros((len(self.bounds), len(rows)), dtype=np.int32)
        for way, (low, high) in enumerate(self.bounds):
            must, may = np.zeros(len(rows), np.int32), np.zeros(len(rows), np.int32)
            for column in self.columns:
                option, fit = column.options[way], fits[column.name][way]
                possible = fit | option.drawn | column.late
                score[way][~(possible | option.absent)] = -(2**30)
                if column.weighty:
                    score[way] += (missing[column.name] & option.absent) | (fit & ~missing[column.name])
                must += np.int32(not option.absent or column.named)
                may += possible | column.named
            score[way][(may < low) | (must > (len(self.columns) if high is None else high))] = -(2**30)
        best = score.max(axis=0)
        if (best < 0).any():
            raise self._fault(int(np.argmax(best < 0)), fits)
        open_ = score == best
        nth = (hashed(key, rows) % open_.sum(axis=0).astype(np.uint64)).astype(np.int64) + 1
        taken: Ints = np.argmax(np.cumsum(open_, axis=0) == nth, axis=0)
        return taken

    def _state(self, column: Considered, taken: Ints, fits: list[Mask], missing: Mask) -> Any:
        fit = np.choose(taken, fits) if len(fits) <= 32 else np.stack(fits)[taken, np.arange(len(taken))]
        absent = np.array([option.absent for option in column.options])[taken]
        drawn = np.array([option.drawn or column.late for option in column.options])[taken]
        state = np.where(fit, State.GIVEN, np.where(drawn, State.DRAWN, State.ABSENT))
        return np.where(missing & absent, State.ABSENT, state).astype(np.int8)

    def _count(self, rows: Ints, taken: Ints, states: list[Any], fits: Mapping[str, list[Mask]]) -> None:
        """Adds and leaves out columns, in a drawn order, until every row has as many as its way wants."""
        low = np.array([low for low, _ in self.bounds])[taken]
        high = np.array([len(self.columns) if high is None else high for _, high in self.bounds])[taken]
        order = np.argsort(np.stack([hashed(column.key ^ COUNTED, rows) for column in self.columns]), axis=0)
        have = np.zeros(len(rows), dtype=np.int64)
        free, other = [], []
        for column, state in zip(self.columns, states, strict=True):
            have += (state != State.ABSENT) | column.named
            free.append(np.array([o.absent and not column.named for o in column.options])[taken])
            fit = np.stack(fits[column.name])[taken, np.arange(len(taken))]
            drawn = np.array([option.drawn or column.late for option in column.options])[taken]
            other.append(np.where(fit, State.GIVEN, np.where(drawn, State.DRAWN, State.ABSENT)))
        for place in range(len(self.columns)):
            for number, state in enumerate(states):
                here = (order[place] == number) & free[number]
                drop = here & (have > high) & (state != State.ABSENT)
                add = here & (have < low) & (state == State.ABSENT) & (other[number] != State.ABSENT)
                state[drop] = State.ABSENT
                state[add] = other[number][add]
                have += add.astype(np.int64) - drop

    def _fault(self, row: int, fits: Mapping[str, list[Mask]]) -> PlanError:
        words = ", ".join(self.words)
        for column in self.columns:
            closed = [
                not (fit[row] or option.drawn or option.absent or column.late)
                for option, fit in zip(column.options, fits[column.name], strict=True)
            ]
            if column.fixed and any(closed):
                return PlanError(
                    column.name, self.pointer, f"the rows' {words} leave no way open for a value it has",
                    "correct the condition, or say x-element: none when it is no such element",
                )  # fmt: skip
        return PlanError(
            "", self.pointer, f"the rows' {words} leave no way open for some rows", "correct the conditions"
        )


@dataclass(frozen=True, slots=True)
class Followed:
    """A column that follows a choice: absent, the value given, or drawn by the recipe of the way taken.

    `recipes` by the number `which` has for each way (-1: none).
    """

    choice: str
    name: str
    given: str | None
    recipes: tuple[Recipe, ...]
    which: tuple[int, ...]
    type: pa.DataType

    @property
    def needs(self) -> tuple[str, ...]:
        inner: list[str] = [name for made in self.recipes for name in getattr(made, "needs", ())]
        return tuple(dict.fromkeys((self.choice, *([self.given] if self.given else []), *inner)))

    @property
    def size(self) -> int | None:
        return None

    def draw(self, rows: Ints, key: int, columns: Columns = NOTHING) -> pa.Array:
        choice = columns[self.choice]
        state = np.asarray(choice.field(self.name))
        which = np.array(self.which)[np.asarray(choice.field(TAKEN))]
        source = np.where(state == State.DRAWN, which, np.where(state == State.GIVEN, -1, -2))
        parts, places = [], []
        for number in np.unique(source).tolist():
            at = np.nonzero(source == number)[0]
            if number == -2:
                parts.append(pa.nulls(len(at), self.type))
            elif number == -1:
                parts.append(columns[self.given or ""].take(pa.array(at)))
            else:
                parts.append(_part(self.recipes[number], rows[at], key, columns, at, self.type))
            places.append(at)
        if not parts:
            return pa.nulls(0, self.type)
        if len(parts) == 1:
            return parts[0]
        back = np.argsort(np.concatenate(places), kind="stable")
        return pa.concat_arrays(parts).take(pa.array(back))


def _part(made: Recipe, rows: Ints, key: int, columns: Columns, at: Ints, type: pa.DataType) -> pa.Array:
    needs: tuple[str, ...] = getattr(made, "needs", ())
    recipe: Any = made
    if needs:
        drawn = recipe.draw(rows, key, {name: columns[name].take(pa.array(at)) for name in needs})
    else:
        drawn = recipe.draw(rows, key)
    if drawn.type != type:
        from mockdata.tables.arrow import convert

        drawn = convert(drawn, type, {})
    return drawn


@dataclass(frozen=True, slots=True)
class Late:
    """A column computed from others that follow the same choice: its value is kept where the way taken accepts it, and
    left out where it may be absent. Raises PlanError where neither can be.
    """

    choice: str
    name: str
    inner: Recipe
    options: tuple[Option, ...]
    pointer: str

    @property
    def needs(self) -> tuple[str, ...]:
        inner: tuple[str, ...] = getattr(self.inner, "needs", ())
        return (self.choice, *inner)

    @property
    def size(self) -> int | None:
        return None

    def draw(self, rows: Ints, key: int, columns: Columns = NOTHING) -> pa.Array:
        inner: Any = self.inner
        values = inner.draw(rows, key, columns)
        choice = columns[self.choice]
        taken = np.asarray(choice.field(TAKEN))
        kept = np.asarray(choice.field(self.name)) != State.ABSENT
        for way in np.unique(taken).tolist():
            option, here = self.options[way], taken == way
            good = np.asarray(values.is_valid()) if option.accepts is None else option.accepts.met(values)
            if not option.absent and not good[here].all():
                told = "x-compute: its value is not what the rows' conditions ask for"
                raise PlanError(self.name, self.pointer, told, "correct the expression or the condition")
            kept &= ~here | good
        import pyarrow.compute as pc

        return pc.if_else(pa.array(kept), values, pa.scalar(None, values.type))


@dataclass(frozen=True, slots=True)
class Listed:
    """Nested values found one by one while planning, written as JSON and drawn by hash."""

    values: tuple[str, ...]
    type: pa.DataType

    @property
    def size(self) -> int | None:
        return len(self.values)

    def draw(self, rows: Ints, key: int) -> pa.Array:
        picks = (hashed(key, rows) % np.uint64(len(self.values))).astype(np.int64)
        return nested(self.values, self.type).take(pa.array(picks))


def nested(values: tuple[str, ...], type: pa.DataType) -> pa.Array:
    """JSON texts as values of an Arrow type. Raises pa.ArrowInvalid."""
    import io

    import pyarrow.json as pj

    text = "".join(f'{{"v":{value}}}\n' for value in values).encode()
    options = pj.ParseOptions(explicit_schema=pa.schema([("v", type)]), unexpected_field_behavior="error")
    return pj.read_json(io.BytesIO(text), parse_options=options)["v"].combine_chunks()
