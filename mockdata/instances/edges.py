"""The values at and just inside the limits a schema sets, named by keyword and case."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from mockdata.instances import margins
from mockdata.instances.negation import kinds
from mockdata.instances.numbers import FORMAT_LIMITS
from mockdata.instances.places import Place
from mockdata.instances.ways import LARGEST, Way

ASTRAL = "𠮷"
"""One character (U+20BB7), two code units of UTF-16 and four bytes of UTF-8: what counts units miscounts it."""
LONGEST = 100_000

DAYS = {
    "leap day": "2024-02-29",
    "leap day of a century": "2000-02-29",
    "last day of February": "2023-02-28",
    "last day of a month": "2024-04-30",
    "last day of a year": "2023-12-31",
    "first day of a year": "2024-01-01",
    "first day": "0001-01-01",
    "last day": "9999-12-31",
}
TIMES = {
    "midnight": "00:00:00Z",
    "last second": "23:59:59Z",
    "leap second": "23:59:60Z",
    "fraction": "12:00:00.123456Z",
    "zone east": "12:00:00+14:00",
    "zone west": "12:00:00-12:00",
    "zone of minutes": "12:00:00+05:45",
    "zone nought": "12:00:00-00:00",
}
FORMATS: dict[str, dict[str, str]] = {
    "date": DAYS,
    "time": TIMES,
    "date-time": {case: f"{day}T12:00:00Z" for case, day in DAYS.items()}
    | {case: f"{'2016-12-31' if case == 'leap second' else '2024-06-30'}T{time}" for case, time in TIMES.items()},
    "duration": {"nothing": "PT0S", "years": "P1Y", "weeks": "P4W", "all parts": "P1Y2M3DT4H5M6S"},
    "email": {"shortest": "a@b.example", "longest local part": f"{'a' * 64}@example.com", "tag": "amber+x@example.com"},
    "hostname": {"one label": "a", "longest label": f"{'a' * 63}.example.com", "hyphen": "a-b.example.com"},
    "ipv4": {"lowest": "0.0.0.0", "highest": "255.255.255.255"},
    "ipv6": {"lowest": "::", "loopback": "::1", "highest": ":".join(["ffff"] * 8), "mapped": "::ffff:192.0.2.1"},
    "uri": {"no path": "https://example.com", "no host": "urn:example:a", "highest port": "https://example.com:65535/",
            "escaped": "https://example.com/%E4%B8%AD"},
    "uri-reference": {"empty": "", "fragment": "#a", "parent": "../a"},
    "uuid": {"lowest": "00000000-0000-0000-0000-000000000000", "highest": "ffffffff-ffff-ffff-ffff-ffffffffffff",
             "capitals": "2EB8AA08-AA98-11EA-B4AA-73B441D16380"},
    "json-pointer": {"whole": "", "empty name": "/", "escaped": "/~0~1"},
    "regex": {"empty": "", "anything": ".*"},
}  # fmt: skip
"""Format → case → text. Those a judge of the format refuses are not given out."""


class Edge(NamedTuple):
    """One limit: keyword, case and what a value at it fulfils."""

    keyword: str
    case: str
    demand: dict[str, Any]


def edges(place: Place) -> Iterator[Way]:
    """The edges at one place."""
    if place.false is not None:
        return
    schema = place.schema
    seen: list[Any] = []
    for word, value in schema.items():
        maker = _MAKERS.get(word)
        for edge in maker(schema, value) if maker is not None else ():
            if edge.demand not in seen:
                seen.append(edge.demand)
                yield _way(place, edge)


def _way(place: Place, edge: Edge) -> Way:
    return Way(place, edge.keyword, f"{place.pointer}/{edge.keyword}", edge.case, place.schema, ([edge.demand],))


def _numbers(keyword: str, found: dict[str, int | float | None]) -> Iterator[Edge]:
    yield from (Edge(keyword, case, {"const": number}) for case, number in found.items() if number is not None)


def _limit(word: str, plain: str, inwards: Callable[..., Any]) -> Callable[[dict[str, Any], Any], Iterator[Edge]]:
    """The edges of a limit: `plain` is its inclusive keyword, `inwards` the margin that lies inside of it."""
    exclusive = f"exclusive{plain.capitalize()}"

    def made(schema: dict[str, Any], value: Any) -> Iterator[Edge]:
        if isinstance(value, bool):
            return
        at = word == plain and schema.get(exclusive) is not True
        first, second = (inwards(schema, value, at=at, steps=steps) for steps in (0, 1))
        yield from _numbers(word, {"at the limit" if at and first == value else "just inside": first})
        yield from _numbers(word, {"one step inside" if at else "two steps inside": second})

    return made


def _multiple(schema: dict[str, Any], value: Any) -> Iterator[Edge]:
    yield from _numbers("multipleOf", {"nought": 0, "one step": value, "minus one step": -value})


def _size(word: str) -> Callable[[dict[str, Any], Any], Iterator[Edge]]:
    what = word[3:]
    kind = {"Length": "string", "Items": "array", "Properties": "object"}[what]
    inward = 1 if word.startswith("min") else -1

    def made(schema: dict[str, Any], value: Any) -> Iterator[Edge]:
        limit = int(value)
        for case, size in (("at the limit", limit), ("one inside", limit + inward)):
            if 0 <= size <= (LONGEST if kind == "string" else LARGEST):
                yield Edge(word, case, {"type": kind, f"min{what}": size, f"max{what}": size})
        if kind == "string" and 0 < limit <= LONGEST and not {"pattern", "format", "enum", "const"} & schema.keys():
            yield Edge(word, "at the limit, beyond the basic plane", {"const": ASTRAL * limit})

    return made


def _items(schema: dict[str, Any], value: Any) -> Iterator[Edge]:
    for case, size in (("no item", 0), ("one item", 1)):
        if int(schema.get("minItems", 0)) <= size:
            yield Edge("items", case, {"type": "array", "minItems": size, "maxItems": size})


def _counts(word: str) -> Callable[[dict[str, Any], Any], Iterator[Edge]]:
    def made(schema: dict[str, Any], value: Any) -> Iterator[Edge]:
        if "contains" in schema and 0 < value <= LARGEST:
            counts = {"minContains": int(value), "maxContains": int(value)}
            yield Edge(word, "at the limit", {"type": "array", "contains": schema["contains"], **counts})

    return made


def _properties(schema: dict[str, Any], value: Any) -> Iterator[Edge]:
    needed = schema.get("required", ())
    optional = [name for name, inner in value.items() if inner is not False and name not in needed]
    if optional:
        yield Edge("properties", "all optional members present", {"type": "object", "required": optional})
        absent = dict.fromkeys(optional, False)
        yield Edge("properties", "all optional members absent", {"type": "object", "properties": absent})


def _enum(schema: dict[str, Any], value: Any) -> Iterator[Edge]:
    if value:
        yield Edge("enum", "first", {"const": value[0]})
        yield Edge("enum", "last", {"const": value[-1]})


def _type(schema: dict[str, Any], value: Any) -> Iterator[Edge]:
    if "enum" in schema or "const" in schema:
        return
    allowed = kinds(value)
    if "boolean" in allowed:
        yield Edge("type", "true", {"const": True})
        yield Edge("type", "false", {"const": False})
    if "null" in allowed:
        yield Edge("type", "null", {"const": None})


def _format(schema: dict[str, Any], value: Any) -> Iterator[Edge]:
    for case, text in FORMATS.get(str(value), {}).items():
        yield Edge("format", case, {"const": text})
    if value in FORMAT_LIMITS and "string" not in kinds(schema.get("type", "integer")):
        lowest, highest = FORMAT_LIMITS[value]
        yield from _numbers("format", {"lowest": lowest, "highest": highest})


_MAKERS: dict[str, Callable[[dict[str, Any], Any], Iterator[Edge]]] = {
    **{word: _limit(word, "minimum", margins.above) for word in ("minimum", "exclusiveMinimum")},
    **{word: _limit(word, "maximum", margins.below) for word in ("maximum", "exclusiveMaximum")},
    **{
        word: _size(word)
        for word in ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")
    },
    **{word: _counts(word) for word in ("minContains", "maxContains")},
    "multipleOf": _multiple,
    "items": _items,
    "properties": _properties,
    "enum": _enum,
    "type": _type,
    "format": _format,
}
