"""Ways to violate one keyword of a schema and nothing else: what is left of the schema, and what holds instead.

What holds instead is a list of alternatives, the nearest miss first: one below the minimum, one character too
many, the 29th of February of a common year. Those further off come from `negation`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from mockdata.instances import margins
from mockdata.instances.equality import kind
from mockdata.instances.misses import listed, misspelled, unformatted
from mockdata.instances.negation import MEMBER, STRANGER, TYPES, UNLIKE, Alternative, kinds, negation, prefix_items
from mockdata.instances.places import REFERENCES, Place, changed

LARGEST = 100_000
"""Items or members beyond which an array or object is not made."""
NUMBERS = ("integer", "fraction")
_REFERENCES = frozenset(REFERENCES)


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """One way to violate a keyword at a place.

    `pointer` leads to the keyword, as a validator writes it; `case` says which member or manner is meant, where there
    are several. `rest` is the schema without the keyword, `alternatives` what holds instead, one of them. `refusal`:
    why there is no such value, where that is known beforehand.
    """

    place: Place
    keyword: str
    pointer: str
    case: str
    rest: Any
    alternatives: tuple[Alternative, ...]
    refusal: str = ""

    @property
    def left(self) -> Any:
        """The rest, made when it is wanted where it is long."""
        return self.rest() if callable(self.rest) else self.rest


class _Break(NamedTuple):
    """What a breaker finds: the rest of the schema, the alternatives; case and refusal as in `Way`. `inner` is the
    keyword inside the one broken, where that is what a validator names."""

    rest: Any
    alternatives: list[Alternative]
    case: str = ""
    refusal: str = ""
    inner: str = ""


def ways(place: Place) -> Iterator[Way]:
    """All ways at one place."""
    if place.false is not None:
        yield _false(place, *place.false)
        return
    for word, value in place.schema.items():
        breaker = _BREAKERS.get(word)
        for one in breaker(place, word, value) if breaker is not None else ():
            pointer = f"{place.pointer}/{word}" + (f"/{one.inner}" if one.inner else "")
            yield Way(place, one.inner or word, pointer, one.case, one.rest, tuple(one.alternatives), one.refusal)


def _false(place: Place, word: str, inner: str | int | None) -> Way:
    """The way to have what a schema that is `false` stands for."""
    schema = place.schema
    held = schema.get(word)
    instead: Alternative
    if isinstance(held, dict):
        rest = changed(place, **{word: {**held, str(inner): True}})
    elif isinstance(held, list) and isinstance(inner, int):
        rest = changed(place, **{word: [*held[:inner], True, *held[inner + 1 :]]})
    else:
        rest = changed(place, **{word: None}) if word else {}
    match word:
        case "properties" | "dependentSchemas" | "dependencies":
            instead = [{"type": "object", "required": [inner]}]
        case "patternProperties":
            instead = [{"type": "object", MEMBER: ({"type": "string", "pattern": inner}, True)}]
        case "prefixItems" | "items" if isinstance(inner, int):
            instead = [{"type": "array", "minItems": inner + 1}]
        case "then":
            instead = [schema["if"]]
        case "else":
            instead = [{"not": schema["if"]}]
        case _:
            instead = [{}]
    return Way(place, word or "false", place.pointer, "", rest, (instead,))


def _general(place: Place, word: str) -> list[Alternative]:
    return list(negation(place.schema, word))


def _plain(place: Place, word: str, value: Any) -> Iterator[_Break]:
    yield _Break(changed(place, **{word: None}), _general(place, word))


def _typed(place: Place, word: str, value: Any) -> Iterator[_Break]:
    listed = [place.schema["const"]] if "const" in place.schema else place.schema.get("enum")
    beside = "const" if "const" in place.schema else "enum"
    if isinstance(listed, list) and all(kind(one) in kinds(value) for one in listed):
        yield _Break(None, [], refusal=f"with it goes {place.pointer}/{beside}")
        return
    yield from _plain(place, word, value)


def _listed(place: Place, word: str, value: Any) -> Iterator[_Break]:
    near = listed(value if word == "enum" else [value])
    if isinstance(names := place.schema.get("type"), str | list):
        allowed = kinds(names)
        if not near and allowed <= {"boolean", "null"}:
            yield _Break(None, [], refusal="every value of the type is listed")
            return
    yield _Break(changed(place, **{word: None}), [[{"enum": near}]] * bool(near) + _general(place, word))


def _limit(place: Place, word: str, value: Any) -> Iterator[_Break]:
    if isinstance(value, bool):
        return
    schema = place.schema
    low = "inimum" in word
    reach = margins.below if low else margins.above
    strict = word.startswith("exclusive") or schema.get(f"exclusiveM{word[1:]}") is True
    whole = {**schema, "type": "integer"}
    reached = (
        reach(schema, value, at=strict),
        reach(schema, value),
        reach(whole, value, at=strict),
        reach(whole, value),
    )
    near = list(dict.fromkeys(number for number in reached if number is not None))
    drop = {word: None} | ({f"exclusiveM{word[1:]}": None} if schema.get(f"exclusiveM{word[1:]}") is True else {})
    yield _Break(changed(place, **drop), [[{"const": number}] for number in near] + _general(place, word))


def _multiple(place: Place, word: str, value: Any) -> Iterator[_Break]:
    near = margins.between(place.schema)
    unlike = {TYPES: NUMBERS, UNLIKE: {"multipleOf": value}}
    rest = changed(place, multipleOf=None)
    yield _Break(rest, [[{"enum": near, **unlike}]] * bool(near) + _general(place, word))


def _size(place: Place, word: str, value: Any) -> Iterator[_Break]:
    what = word[3:]
    name = {"Length": "string", "Items": "array", "Properties": "object"}[what]
    if word.startswith("min") and value <= 0:
        return
    size = int(value) + (1 if word.startswith("max") else -1)
    if name != "string" and size > LARGEST:
        yield _Break(None, [], refusal=f"it would take {size:,} {what.lower()}")
        return
    exactly = [{"type": name, f"min{what}": size, f"max{what}": size}]
    yield _Break(changed(place, **{word: None}), [exactly, *_general(place, word)])


def _pattern(place: Place, word: str, value: Any) -> Iterator[_Break]:
    schema = place.schema
    near = misspelled(value, int(schema.get("minLength", 0)), schema.get("maxLength"))
    unlike = {"type": "string", UNLIKE: {"pattern": value}}
    yield _Break(changed(place, pattern=None), [[{"enum": near, **unlike}]] * bool(near) + _general(place, word))


def _format(place: Place, word: str, value: Any) -> Iterator[_Break]:
    unlike = {"type": "string", UNLIKE: {"format": value}}
    near = unformatted(str(value))
    yield _Break(changed(place, format=None), [[{"enum": near[:1], **unlike}], [{"enum": near, **unlike}], [unlike]])


def _required(place: Place, word: str, value: Any) -> Iterator[_Break]:
    for name in value if isinstance(value, list) else ():
        rest = partial(_unrequired, place, name)
        yield _Break(rest, [[{"type": "object", "properties": {name: False}}]], name)


def _unrequired(place: Place, name: str) -> dict[str, Any]:
    return changed(place, required=[other for other in place.schema["required"] if other != name])


def _dependent(place: Place, word: str, value: Any) -> Iterator[_Break]:
    for name, needed in value.items():
        for other in needed if isinstance(needed, list) else ():
            rest = changed(place, **{word: {**value, name: [one for one in needed if one != other]}})
            yield _Break(rest, [[{"type": "object", "required": [name], "properties": {other: False}}]], other)


def _names(place: Place, word: str, value: Any) -> Iterator[_Break]:
    """One member whose name breaks one keyword of `propertyNames`, beside others whose names keep it."""
    if isinstance(value, dict) and not _REFERENCES & value.keys():
        for way in ways(Place(value, place.scope, "", (), frozenset())):
            strange: list[Alternative] = [
                [{"type": "object", STRANGER: ({"type": "string", "allOf": [way.left, *each]}, True)}]
                for each in way.alternatives
            ]
            yield _Break(place.schema, strange, way.case, way.refusal, way.keyword)
        return
    text = {"type": "string", "allOf": [_not(value)]}
    yield _Break(place.schema, [[{"type": "object", STRANGER: (text, True)}]])


def _none_left(place: Place, word: str, value: Any) -> Iterator[_Break]:
    """`additionalProperties` that is false; another schema is a place of its own."""
    if value is False:
        yield _Break(changed(place, **{word: True}), _general(place, word))


def _items(place: Place, word: str, value: Any) -> Iterator[_Break]:
    if value is False and (word == "items" or isinstance(place.schema.get("items"), list)):
        size = len(prefix_items(place.schema)) + 1
        yield _Break(changed(place, **{word: True}), [[{"type": "array", "minItems": size, "maxItems": size}]])


def _unevaluated(place: Place, word: str, value: Any) -> Iterator[_Break]:
    if value is True or value == {}:
        return
    unlike = {UNLIKE: place.schema}
    found: list[Alternative] = [[{**first, **unlike}, *more] for first, *more in _general(place, word)]
    if word == "unevaluatedItems":
        size = len(prefix_items(place.schema))
        first = {"prefixItems": [*[True] * size, _not(value)], "items": value or True}
        found.insert(0, [{"type": "array", "minItems": size + 1, **first, **unlike}])
        found += [[{"type": "array", "minItems": size + more, **unlike}] for more in (2, 3)]
    yield _Break(changed(place, **{word: None}), found)


def _contains(place: Place, word: str, value: Any) -> Iterator[_Break]:
    if "minContains" in place.schema:
        return  # it says how many
    yield _Break(changed(place, contains=None), [[{"type": "array", "items": _not(value)}]])


def _counted(place: Place, word: str, value: Any) -> Iterator[_Break]:
    wanted = place.schema.get("contains")
    if wanted is None or (word == "minContains" and value <= 0):
        return
    if value > LARGEST:
        yield _Break(None, [], refusal=f"it would take {value:,} items")
        return
    if word == "maxContains":
        counts = {"minContains": int(value) + 1}
        rest = changed(place, maxContains=None)
    else:
        counts = {"minContains": int(value) - 1, "maxContains": int(value) - 1}
        rest = changed(place, minContains=0)
    yield _Break(rest, [[{"type": "array", "contains": wanted, **counts}]])


def _one_of(place: Place, word: str, value: Any) -> Iterator[_Break]:
    rest = changed(place, oneOf=None)
    found = _general(place, word)
    yield _Break(rest, [[_not(part) for part in value]], "none")
    if len(value) > 1:
        yield _Break(rest, found[1:], "several")


def _any_of(place: Place, word: str, value: Any) -> Iterator[_Break]:
    yield _Break(changed(place, anyOf=None), [[_not(part) for part in value]])


def _not(schema: Any) -> Any:
    return (not schema) if isinstance(schema, bool) else {"not": schema}


_BREAKERS: dict[str, Callable[[Place, str, Any], Iterator[_Break]]] = {
    **dict.fromkeys(("not", "uniqueItems"), _plain),
    "type": _typed,
    **dict.fromkeys(("enum", "const"), _listed),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _limit),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"), _size),
    **dict.fromkeys(("dependentRequired", "dependencies"), _dependent),
    **dict.fromkeys(("unevaluatedProperties", "unevaluatedItems"), _unevaluated),
    **dict.fromkeys(("minContains", "maxContains"), _counted),
    **dict.fromkeys(("items", "additionalItems"), _items),
    "multipleOf": _multiple,
    "pattern": _pattern,
    "format": _format,
    "required": _required,
    "propertyNames": _names,
    "additionalProperties": _none_left,
    "contains": _contains,
    "oneOf": _one_of,
    "anyOf": _any_of,
}
