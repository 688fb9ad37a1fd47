"""An agreement's conditions in words of either language: which records leave, and how each field does. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from exchange.agreements.scope import label
from exchange.portal.language import translations

Words = Callable[[str], str]
KNOWN = frozenset({"rows", "masks", "aggregates"})


@dataclass(frozen=True, slots=True)
class Told:
    """Conditions in words. ``rows``: what must hold of a record, all of it; ``masks``: label of a field → how it
    leaves; ``more``: what concerns no single field.
    """

    rows: tuple[str, ...] = ()
    masks: Mapping[str, str] | None = None
    more: tuple[str, ...] = ()

    def of(self, field: str) -> str:
        """How an agreed field leaves, "" for as it is: by its own mask, or by that of what holds it."""
        found = self.masks or {}
        parts = field.split("/")
        upward = ("/".join(parts[:count]) for count in range(len(parts), 0, -1))
        return next((found[name] for name in (*upward, "(body)") if name in found), "")


def told(terms: Mapping[str, Any], titles: Mapping[str, str], code: str, *, bulk: bool = False) -> Told:
    """Terms as service calls or bulk sharing write them. ``titles``: name of a field → what it is called."""
    _ = translations(code).gettext
    rows, masks = terms.get("rows", ()), terms.get("masks", ())
    more = []
    said: list[str] = []
    if isinstance(rows, str | Mapping):
        for text in [rows] if isinstance(rows, str) else rows.values():
            said += [_("the expression %(text)s holds") % {"text": text}] if text else []
    else:
        said += [_row(one, titles, _, code) for one in rows]
    pairs = masks.items() if isinstance(masks, Mapping) else ((one.get("place", ""), one) for one in masks)
    found = {label(place) if place.startswith("/") else place: _mask(mask, _, bulk=bulk) for place, mask in pairs}
    if terms.get("aggregates"):
        more.append(_aggregates(terms["aggregates"], titles, _, code))
    for name in sorted(terms.keys() - KNOWN):
        body = json.dumps(terms[name], ensure_ascii=False)
        more.append(_("%(name)s: %(body)s (not understood: every call is refused)") % {"name": name, "body": body})
    return Told(tuple(said), found, tuple(more))


def comparisons(code: str) -> list[tuple[str, str]]:
    """The words a row condition may use, with what they are called."""
    _ = translations(code).gettext
    return [
        ("eq", _("is")),
        ("neq", _("is not")),
        ("startsWith", _("begins with")),
        ("isAnyOf", _("is one of")),
        ("isNoneOf", _("is none of")),
        ("lt", _("is below, or before")),
        ("lteq", _("is at most, or by")),
        ("gt", _("is above, or after")),
        ("gteq", _("is at least, or from")),
    ]


def field_named(name: str, titles: Mapping[str, str]) -> str:
    """A field as people call it, with its name behind."""
    title = titles.get(name) or titles.get(name.rpartition("/")[2], "")
    return f"{title} {name}" if title and title != name else name


def _row(one: Mapping[str, Any], titles: Mapping[str, str], _: Words, code: str) -> str:
    value = one.get("value")
    values = value if isinstance(value, list) else [value]
    shown = _listed((_value(item, _) for item in values), code)
    called = dict(comparisons(code)).get(str(one.get("is")), str(one.get("is")))
    return f"{field_named(label(str(one.get('place', ''))), titles)} {called} {shown}"


def _value(value: Any, _: Words) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return str(value) if isinstance(value, int | float) else f"“{value}”"


def _listed(parts: Iterable[str], code: str) -> str:
    return ("、" if code == "zh_CN" else ", ").join(parts)


def _mask(mask: Any, _: Words, *, bulk: bool) -> str:
    if isinstance(mask, str):
        mask = {"as": mask}
    kind = mask.get("as", mask.get("mask"))
    if kind == "hash":
        return _("as a hash under a key of this agreement alone: the same value stays recognisable, none is readable")
    if kind == "truncate":
        return _("only its first characters: %(count)s") % {"count": mask.get("keep")}
    if kind == "noise":
        return _("a count with random noise, off by about %(scale)s, never below 0") % {"scale": mask.get("scale")}
    if kind == "remove":
        return _("not at all")
    if kind == "generalise":
        return _generalised(mask.get("to"), _, bulk=bulk)
    return _("%(mask)s (not understood: every call is refused)") % {"mask": json.dumps(mask, ensure_ascii=False)}


def _generalised(to: Any, _: Words, *, bulk: bool) -> str:
    if isinstance(to, int | float) and not isinstance(to, bool):
        low = math.floor(3.7) * to
        said = _("rounded down to whole steps of %(step)s, such as %(value)s to %(low)s")
        return said % {"step": f"{to:g}", "value": f"{3.7 * to:g}", "low": f"{low:g}"}
    # a table keeps the type of its column, an answer of a service is text
    left = {"year": ("1987", "1987-01-01"), "month": ("1987-05", "1987-05-01"), "decade": ("1980", "1980-01-01")}
    said = {
        "year": _("only the year, such as 1987-05-12 as %(left)s"),
        "month": _("only year and month, such as 1987-05-12 as %(left)s"),
        "decade": _("only the decade, such as 1987-05-12 as %(left)s"),
    }.get(str(to), "")
    return said % {"left": left[str(to)][bulk]} if said else str(to)


def _aggregates(said: Mapping[str, Any], titles: Mapping[str, str], _: Words, code: str) -> str:
    groups, measures = said.get("groups", {}), said.get("measures", {})
    parts = [_("no record leaves, only counts and sums with noise; privacy budget %(epsilon)s in all")]
    if measures:
        parts.append(_("summed: %(names)s"))
    if groups:
        parts.append(_("grouped by: %(groups)s"))
    if said.get("person"):
        parts.append(_("records of one person counted: %(count)s"))

    def named(names: Sequence[str]) -> str:
        return _listed((field_named(name, titles) for name in names), code)

    return ("；" if code == "zh_CN" else "; ").join(parts) % {
        "epsilon": said.get("epsilon"),
        "names": named(list(measures)),
        "groups": named(list(groups)),
        "count": said.get("contributions", 1),
    }
