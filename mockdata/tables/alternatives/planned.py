"""Columns of a table whose rows are bound as a whole."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa

from mockdata.instances import Instances, Unsatisfiable
from mockdata.seeds import stream
from mockdata.tables import arrow
from mockdata.tables.alternatives.accepting import Accepts
from mockdata.tables.alternatives.choice import Choice, Considered, Followed, Late, Listed, Option, nested
from mockdata.tables.alternatives.clauses import Clause, Clauses
from mockdata.tables.alternatives.described import OFFERED
from mockdata.tables.alternatives.meeting import meet
from mockdata.tables.alternatives.ways import InvalidSchema, TooMany, Unresolved, Way, Ways
from mockdata.tables.columns import Codes, FromRegister, Nullable, Recipe, Reference, innermost, needs
from mockdata.tables.dependent import Computed
from mockdata.tables.nested import Instance
from mockdata.tables.place import Place, PlanError
from mockdata.tables.plan import Column, Plan
from mockdata.tables.recipes import recipe

FOUND = 96
"""Values found one by one for a column whose demands no recipe can keep."""
TRIAL = 512
"""Rows made and judged by the schema itself before a plan counts as good."""
_SHAPED = ("x-weights", "x-distribution", "x-faker", "x-depends-on", "x-compute", "enum", "const")


@dataclass(frozen=True)
class Bound:
    """A table whose rows are bound: its finished columns, what binds them, and a recipe for a field's demands."""

    columns: tuple[Column, ...]
    rules: Clauses
    schema: Mapping[str, Any]
    pointer: str
    place: Callable[[Column], Place]
    resolve: arrow.Resolve
    standalone: Callable[[dict[str, Any]], dict[str, Any]]
    key: int
    known: dict[tuple[str, str], Recipe | None] = field(default_factory=dict)

    def plan(self) -> tuple[tuple[Column, ...], tuple[Column, ...]]:
        """The columns, and those behind them that no row shows. Raises PlanError."""
        shown = {column.name: column for column in self.columns}
        hidden: list[Column] = []
        groups = self.rules.groups(shown)
        spoken = frozenset(name for names, _ in groups for name in names)
        rest = frozenset(shown) - spoken
        if rest and (len(self.rules.plain) > 1 or self._closed):
            groups.append((rest, ()))
        for number, (names, choices) in enumerate(groups):
            made, behind = self._group(number, names & shown.keys(), choices, shown)
            shown |= made
            hidden += behind
        return tuple(shown[column.name] for column in self.columns), tuple(hidden)

    @property
    def _closed(self) -> bool:
        words = {"patternProperties", "additionalProperties", "propertyNames"}
        return any(words & part.keys() for part in self.rules.plain)

    def _group(
        self, number: int, names: frozenset[str], choices: Sequence[Clause], shown: Mapping[str, Column]
    ) -> tuple[dict[str, Column], list[Column]]:
        words = tuple(dict.fromkeys(choice.word for choice in choices)) or ("allOf",)
        ways = self._ways(words, choices)
        columns = [column for column in self.columns if column.name in names]
        told = [_Told(self, column, ways) for column in columns]
        usable = [at for at in range(len(ways)) if all(one.possible(at) for one in told)]
        if not usable:
            first = next((one for at in range(len(ways)) for one in told if not one.possible(at)), None)
            why = f": {first.column.name} cannot be what they ask for" if first is not None else ""
            name = first.column.name if first is not None else ""
            raise self._none(words, why, name)
        ways = [ways[at] for at in usable]
        told = [_Told(self, one.column, ways) for one in told]
        counts = any(way.low > len(way.required) or way.high is not None for way in ways)
        touched = [one for one in told if one.touched or counts]
        if not touched:
            return {}, []
        if all(one.direct for one in touched):
            touched[0].checked = True  # somebody has to look at the choice, or no row would be held against it
        late = self._late({one.column.name for one in touched if not one.fixed or one.optional})
        name = f"\0choice {number}"
        considered = tuple(one.considered(one.column.name in late) for one in touched)
        least = [way.low if counts else 0 for way in ways]
        choice = Choice(considered, tuple(zip(least, (way.high for way in ways), strict=True)), words, self._at(words))
        if counts and len(considered) < max(least):
            raise PlanError("", self._at(words), f"rows have {len(considered)} fields, fewer than their minProperties")
        by_row = any(one.column.by_row for one in touched)
        behind = [
            Column(
                name, choice.type, choice, stream(self.key, name), False, False, "choice", 1.0, self.pointer, {},
                by_row=by_row,
            )
        ]  # fmt: skip
        made = {}
        for one in touched:
            is_late = one.column.name in late
            if one.direct and not is_late:
                continue
            made[one.column.name] = replace(
                one.column, recipe=one.followed(name, is_late), nullable=one.nullable, always=one.named,
                by_row=by_row or one.column.by_row, source=f"{one.column.source}, by {', '.join(words)}",
            )  # fmt: skip
            if one.given is not None and not is_late:
                behind.append(replace(one.column, name=one.given, recipe=innermost(one.column.recipe), nullable=True))
        return made, behind

    def _ways(self, words: tuple[str, ...], choices: Sequence[Clause]) -> list[Way]:
        definitions = self.standalone(dict(self.schema)).get("$defs", {})
        parts = [*self.rules.plain, *(choice.schema for choice in choices)]
        try:
            ways = Ways(parts, definitions, [column.name for column in self.columns])
            found = ways.all()
        except InvalidSchema as error:
            raise PlanError("", self._at(words), f"{', '.join(words)}: {error.reason}") from None
        except Unresolved as error:
            raise PlanError("", self._at(words), str(error)) from None
        except TooMany as error:
            hint = "say it with fewer alternatives, or draw whole objects: tongban mock instances"
            told = f"rows of the table are bound by {', '.join(words)} in {error}"
            raise PlanError("", self._at(words), told, hint) from None
        if not found and ways.beyond:
            told = f"rows of the table are bound by {', '.join(words)} in a way that columns cannot keep"
            raise PlanError("", self._at(words), told, "draw whole objects: tongban mock instances")
        if not found:
            raise self._none(words)
        return found

    def _none(self, words: tuple[str, ...], why: str = "", column: str = "") -> PlanError:
        told = f"no row meets {', '.join(words)}{why}"
        return PlanError(column, self._at(words), told, "correct the conditions of the row")

    def _at(self, words: tuple[str, ...]) -> str:
        first = next((word for word in words if word in self.schema), None)
        return self.pointer if first is None else f"{self.pointer}/{first}"

    def _late(self, followed: set[str]) -> frozenset[str]:
        """Computed columns that look, maybe through others, at columns that follow the choice."""
        looks = {column.name: set(needs(column.recipe)) for column in self.columns}
        found: set[str] = set()
        for _ in looks:
            found |= {name for name, seen in looks.items() if seen & (followed | found)}
        return frozenset(found)


class _Told:
    """What the ways say of one column."""

    def __init__(self, table: Bound, column: Column, ways: Sequence[Way]) -> None:
        self.table, self.column, self.ways = table, column, ways
        self.inner: Any = innermost(column.recipe)
        name = column.name
        self.demands = [way.demands[name] if name not in way.forbidden else (False,) for way in ways]
        self.needed = [name in way.required for way in ways]
        shut = any(name in way.forbidden for way in ways)
        counted = any(way.low or way.high is not None for way in ways)
        self.named = column.always and not ((shut or counted) and not all(self.needed))
        self.fixed = isinstance(self.inner, FromRegister | Reference | Computed) or bool(
            getattr(self.inner, "unique", False)
        )
        shaped = any(word in column.schema for word in _SHAPED) or pa.types.is_boolean(column.type)
        self.given = f"\0given {name}" if self.fixed or (shaped and not column.text) else None
        self.checked = False
        self.recipes: list[Recipe] = []
        self.which = [self._drawn(demands) for demands in self.demands]

    @property
    def optional(self) -> bool:
        """Whether some row may be without it."""
        return not all(self.needed)

    @property
    def direct(self) -> bool:
        """Whether its own recipe already gives what every way asks for."""
        return self.fixed and not self.nullable and not self.checked

    @property
    def nullable(self) -> bool:
        return self.optional or self.column.nullable

    @property
    def touched(self) -> bool:
        """Whether the ways differ in this column, or say more of it than its own schema."""
        return len(set(map(_told, self.demands))) > 1 or len(set(self.needed)) > 1 or self._more(self.demands[0])

    def _more(self, demands: tuple[Any, ...]) -> bool:
        """Whether demands are more than the field's own schema."""
        resolve = self.table.resolve
        own = {w: v for w, v in self.column.schema.items() if not w.startswith("x-")}
        known = [resolve(part) if isinstance(part, dict) else part for part in demands]
        kept = [part for part in known if part is not True and not _silent(part)]
        return any(
            part is False or not {w: v for w, v in part.items() if w[:2] != "x-"}.items() <= own.items()
            for part in kept
        )

    def possible(self, at: int) -> bool:
        """Whether a row can take that way, as far as this column goes."""
        return self.fixed or self.which[at] >= 0 or self._absent(at)

    def _absent(self, at: int) -> bool:
        if self.named:
            return bool(self.accepts(at).null) if self.column.nullable or arrow.nullable(self.column.schema) else False
        return not self.needed[at]

    def accepts(self, at: int) -> Accepts:
        whole = self.table.standalone(_all(self.demands[at]))
        return Accepts(json.dumps(whole, sort_keys=True, default=str), self.column.text)

    def considered(self, late: bool) -> Considered:
        """The column as the choice sees it."""
        options = tuple(Option(self.accepts(at), self._absent(at), self.which[at] >= 0) for at in range(len(self.ways)))
        given = None if late else self.column.name if self.direct else self.given
        made = Considered(
            self.column.name, self.column.key, options, given, self.fixed, late, self.named,
            weighty=self.given is not None and not self.fixed,
        )  # fmt: skip
        if isinstance(self.column.recipe, Nullable):
            share = self.column.recipe
            made = replace(made, share=share.share, when=share.when, otherwise=share.otherwise)
            made = replace(made, weighty=made.weighty or "x-null-share" in self.column.schema)
        elif self.optional and not self.fixed and not self.column.nullable:
            made = replace(made, share=0.05)
        return made

    def followed(self, choice: str, late: bool) -> Recipe:
        """The recipe of the column that rows show."""
        if late:
            options = self.considered(True).options
            return Late(choice, self.column.name, self.inner, options, self.column.pointer)
        return Followed(choice, self.column.name, self.given, tuple(self.recipes), tuple(self.which), self.column.type)

    def _drawn(self, demands: tuple[Any, ...]) -> int:
        """The number of the recipe that draws values of these demands, -1 when there is none."""
        if self.fixed:
            return -1
        known_as = (self.column.name, _told(demands))
        if known_as not in self.table.known:
            self.table.known[known_as] = self._recipe(demands)
        made = self.table.known[known_as]
        if made is None:
            return -1
        for number, known in enumerate(self.recipes):
            if known == made:
                return number
        self.recipes.append(made)
        return len(self.recipes) - 1

    def _recipe(self, demands: tuple[Any, ...]) -> Recipe | None:
        """A recipe of these demands: as the field's own schema has it, or as one of its alternatives has where nothing
        is demanded; else of the demands alone.
        """
        column = self.column
        if any(part is False for part in demands):
            return None
        if column.text:
            return self._instance(demands)
        own = {w: v for w, v in column.schema.items() if w not in ("x-depends-on", "x-null-share", OFFERED)}
        offered = column.schema.get(OFFERED, ())[:1] if not demands else ()
        bare = {w: v for w, v in own.items() if w in ("type", "format", "title") or w.startswith("x-")}
        for first in ((own, *offered), (bare,)):
            made = self._drawing(first, demands)
            if made is not None:
                return made
        return self._found(demands)

    def _drawing(self, own: tuple[Any, ...], demands: tuple[Any, ...]) -> Recipe | None:
        table, column = self.table, self.column
        merged = meet([*own, *demands], table.resolve)
        if "type" in merged:
            names = [merged["type"]] if isinstance(merged["type"], str) else merged["type"]
            merged["type"] = next((name for name in names if name != "null"), "null")
        if merged.get("type") == "integer" and not pa.types.is_integer(column.type):
            merged = meet([merged, {"multipleOf": 1}], table.resolve)
        for schema in (merged, {w: v for w, v in merged.items() if w not in _SHAPED[:4]}):
            if arrow.is_irregular(schema):
                return None
            try:
                made = recipe(schema, table.place(column), type=column.type)
            except (PlanError, *arrow.UNFIT):
                continue
            if not isinstance(made, Instance) and self._good(made, demands):
                return made
        return None

    def _good(self, made: Recipe, demands: tuple[Any, ...]) -> bool:
        """Whether what a recipe draws is what was demanded, by a look at some of it."""
        whole = self.table.standalone(_all(demands))
        try:
            values = arrow.convert(made.draw(np.arange(64), 0), self.column.type, {})
            return bool(Accepts(json.dumps(whole, sort_keys=True, default=str)).met(values).all())
        except arrow.UNFIT:
            return False

    def _instance(self, demands: tuple[Any, ...]) -> Recipe | None:
        whole = self.table.standalone(_all(demands))
        try:
            Instances(whole).example(0)
        except Unsatisfiable:
            return None
        return Instance(whole)

    def _found(self, demands: tuple[Any, ...]) -> Recipe | None:
        """Values found one by one, None when there are none."""
        column = self.column
        kind = arrow.json_type(column.schema)
        typed = ({"type": kind},) if kind is not None else ()
        whole = self.table.standalone(_all((*typed, *demands)))
        judge = Accepts(json.dumps(whole, sort_keys=True, default=str))
        try:
            drawn = Instances(whole)
            values = [drawn.example(stream(column.key, "found", at)) for at in range(FOUND)]
        except Unsatisfiable:
            return None
        texts = tuple(dict.fromkeys(json.dumps(value, ensure_ascii=False) for value in values if value is not None))
        try:
            if pa.types.is_nested(column.type):
                kept = nested(texts, column.type) if texts else pa.nulls(0, column.type)
                texts = tuple(t for t, ok in zip(texts, judge.met(kept).tolist(), strict=True) if ok)
                return Listed(texts, column.type) if texts else None
            made = Codes(tuple(json.loads(text) for text in texts), column.type)
            good = judge.met(made.nth(np.arange(len(texts)))) if texts else np.zeros(0, np.bool_)
        except arrow.UNFIT:
            return None
        left = tuple(value for value, ok in zip(made.values, good.tolist(), strict=True) if ok)
        return replace(made, values=left) if left else None


def _told(demands: tuple[Any, ...]) -> str:
    return json.dumps([part for part in demands if part is not True and not _silent(part)], default=str, sort_keys=True)


def _silent(part: Any) -> bool:
    return isinstance(part, dict) and all(word.startswith("x-") or word in ("title", "description") for word in part)


def _all(demands: tuple[Any, ...]) -> dict[str, Any]:
    return {"allOf": [_clean(part) for part in demands]} if demands else {}


def _clean(part: Any) -> Any:
    return {w: v for w, v in part.items() if not w.startswith("x-")} if isinstance(part, dict) else part


def judged(plan: Plan, schema: dict[str, Any], pointer: str, formats: bool = True) -> None:
    """Nothing when the first rows of a plan meet the schema of a row. Raises PlanError naming the keyword."""
    from mockdata.instances.checks import InvalidSchema as Faulty
    from mockdata.instances.checks import compile_schema
    from mockdata.tables.generate import at_rows
    from mockdata.tables.jsonlines import lines

    rows = TRIAL if plan.limit is None else min(TRIAL, plan.limit)
    for column in plan.made:
        inner: Any = innermost(column.recipe)
        if getattr(inner, "unique", False) and inner.size is not None:
            rows = min(rows, inner.size)
    made = at_rows(plan, np.arange(rows))
    batch = pa.RecordBatch.from_arrays([made[column.name] for column in plan.columns], schema=plan.schema)
    try:
        judge = compile_schema(schema)
    except Faulty as fault:
        raise PlanError("", pointer, f"the schema of its rows is no schema: {fault.reason}") from None
    for line in lines(batch, plan.json_text, plan.always).splitlines():
        error = next(iter(judge.iter_errors(json.loads(line))), None)
        if error is not None:
            at = "/".join(str(token) for token in error.schema_path)
            named = str(error.instance_path[0]) if error.instance_path else ""
            raise PlanError(named, f"{pointer}/{at}" if at else pointer, f"rows cannot be kept to it: {error.message}",
                            "draw whole objects: tongban mock instances")  # fmt: skip
