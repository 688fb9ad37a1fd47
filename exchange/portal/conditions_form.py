"""The conditions of a consent as a form: what it offers of an application, and what was typed, read with its errors."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from exchange.agreements.model import Application
from exchange.agreements.scope import Place, label, places, token, type_of
from exchange.agreements.wish import scope_of
from exchange.portal.language import translations
from specs import Kind
from specs.model import Interface

LINES = 2
"""Empty lines for further row conditions; more appear as these are used."""
SEPARATORS = re.compile(r"[,，、;；\n]+")
LONGEST_KEEP, LARGEST = 1000, 1_000_000_000
NUMBERED = frozenset({"truncate", "step", "noise"})


@dataclass(frozen=True, slots=True)
class Choice:
    """A place of the answers: ``ways`` it may leave in, "" first (as it is); none where it is not asked for."""

    place: str
    name: str
    type: str
    ways: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Offer:
    """What conditions on an application may be about. ``operations``: id → every place of its answers."""

    bulk: bool
    fields: tuple[Choice, ...]
    places: tuple[Choice, ...]
    operations: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Line:
    """A row condition as it was typed."""

    place: str = ""
    word: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """What was typed, what it means, and what is wrong with it by the name of the input."""

    lines: tuple[Line, ...] = ()
    masks: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    terms: Mapping[str, Any] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)


def offer(application: Application, spec: Interface) -> Offer:
    """The fields asked for with the masks that suit their types, and every place a row condition may look at."""
    wish = application.wish
    scope = scope_of(wish, spec)
    wanted = {template for templates in scope.values() for template in templates}
    if spec.kind is not Kind.API:
        columns = spec.table(str(wish.table)).fields
        there = [Choice(f"/*/{token(one.name)}", one.name, type_of(one.schema)) for one in columns]
        found = [Choice(one.place, one.name, one.type, _ways(one.type, bulk=True)) for one in there]
        return Offer(True, tuple(one for one in found if one.place in wanted), tuple(there))
    operations = {id: places(spec, spec.operation(id)) for id in wish.operations}
    known: dict[str, Place] = {}
    for one in (place for listed in operations.values() for place in listed if place.leaf and place.ok):
        known.setdefault(one.pointer, one)
    there = [Choice(one.pointer, label(one.pointer), one.type) for one in known.values()]
    return Offer(
        False,
        tuple(Choice(one.place, one.name, one.type, _ways(one.type)) for one in there if one.place in wanted),
        tuple(one for one in there if one.place),
        {id: frozenset(place.pointer for place in listed) for id, listed in operations.items()},
    )


def read(offered: Offer, given: Mapping[str, Sequence[str]], code: str) -> Draft:
    """What was typed into the form. Inputs: ``row-place``, ``row-is``, ``row-value`` as often as there are lines, and
    ``as:PLACE``, ``n:PLACE`` for each field.
    """
    _ = translations(code).gettext
    columns = [given.get(name, ()) for name in ("row-place", "row-is", "row-value")]
    lines = [Line(*(part.strip() for part in parts)) for parts in zip(*columns, strict=False)]
    lines = [line for line in lines if line.place or line.value]
    errors: dict[str, str] = {}
    rows, masks = [], []
    known = {one.place: one for one in offered.places}
    for number, line in enumerate(lines):
        try:
            rows.append(_row(line, known.get(line.place), _, bulk=offered.bulk))
        except ValueError as error:
            errors[f"row-{number}"] = str(error)
    typed: dict[str, tuple[str, str]] = {}
    for one in offered.fields:
        way, amount = (next(iter(given.get(f"{name}:{one.place}", ())), "").strip() for name in ("as", "n"))
        typed[one.place] = (way, amount)
        try:
            masks += _mask(one, way, amount, _)
        except ValueError as error:
            errors[f"as:{one.place}"] = str(error)
    terms = {name: said for name, said in (("rows", rows), ("masks", masks)) if said}
    return Draft(tuple(lines), typed, terms, errors)


def beside(offered: Offer, draft: Draft, code: str) -> list[str]:
    """What a row condition means for operations whose answers do not have its field."""
    _ = translations(code).gettext
    told = []
    for row in draft.terms.get("rows", ()):
        head, star, _rest = row["place"].rpartition("/*")
        for operation, there in offered.operations.items():
            what = {"operation": operation, "field": label(row["place"])}
            if star and f"{head}/*" not in there:
                told.append(_("%(operation)s answers without such a list: %(field)s narrows nothing there") % what)
            elif row["place"] not in there:
                told.append(_("%(operation)s answers without %(field)s: nothing of its answers leaves") % what)
    return told


def _ways(type: str, *, bulk: bool = False) -> tuple[str, ...]:
    suited = {
        "date": ("hash", "year", "month", "decade"),
        "integer": ("hash", "step", "noise"),
        "number": ("hash", "step"),
        "boolean": ("hash",),
    }.get(type, ("hash", "truncate"))
    if bulk:
        return ("", *(way for way in suited if way != "noise"), "remove")
    return ("", *suited)


def _row(line: Line, choice: Choice | None, _: Callable[[str], str], *, bulk: bool) -> dict[str, Any]:
    if choice is None:
        raise ValueError(_("Choose the field the condition is about."))
    if not line.value:
        raise ValueError(_("Say what the field is compared with."))
    if line.word == "startsWith" and choice.type not in ("string", "", *(() if bulk else ("date",))):
        raise ValueError(_("Only text begins with something: choose another comparison."))
    if choice.type == "boolean" and line.word not in ("eq", "neq"):
        raise ValueError(_("This field is yes or no: compare it with is or is not."))
    several = line.word in ("isAnyOf", "isNoneOf")
    parts = [part.strip() for part in SEPARATORS.split(line.value) if part.strip()] if several else [line.value]
    if not parts or len(parts) > 100:
        raise ValueError(_("List 1 to 100 values, with commas between them."))
    values = [part if line.word == "startsWith" else _typed(part, choice.type, _) for part in parts]
    return {"place": line.place, "is": line.word, "value": values if several else values[0]}


def _typed(text: str, type: str, _: Callable[[str], str]) -> Any:
    if type == "boolean":
        known = {"true": True, "yes": True, "是": True, "false": False, "no": False, "否": False}
        if text.lower() not in known:
            raise ValueError(_("Write yes or no."))
        return known[text.lower()]
    if type == "date":
        try:
            date.fromisoformat(text[:10])
        except ValueError:
            raise ValueError(_("Write a day as 2001-01-31.")) from None
        return text
    if type == "integer" and re.fullmatch(r"[+-]?\d{1,15}", text, re.ASCII):
        return int(text)
    if type in ("number", "integer"):
        found = _number(text)
        if found is None or type == "integer":
            raise ValueError(
                _("This field holds whole numbers.") if type == "integer" else _("This field holds numbers.")
            )
        return found
    return text


def _mask(choice: Choice, way: str, amount: str, _: Callable[[str], str]) -> list[dict[str, Any]]:
    if not way:
        return []
    if way not in choice.ways:
        raise ValueError(_("This field cannot leave like that."))
    made: dict[str, Any] = {"place": choice.place}
    if way in NUMBERED:
        number = _number(amount)
        if number is None or not 0 < number <= LARGEST:
            raise ValueError(_("Say how much, as a number above 0."))
        if way == "truncate":
            if number != int(number) or number > LONGEST_KEEP:
                raise ValueError(_("Say how many characters, from 1 to 1000."))
            return [{**made, "as": "truncate", "keep": int(number)}]
        whole = int(number) if number == int(number) else number
        return [{**made, "as": "generalise", "to": whole} if way == "step" else {**made, "as": "noise", "scale": whole}]
    if way in ("year", "month", "decade"):
        return [{**made, "as": "generalise", "to": way}]
    return [{**made, "as": way}]


def _number(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if math.isfinite(found) else None
