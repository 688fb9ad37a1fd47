"""Texts and values that just miss: a listed value misspelled, a pattern broken in one character, a day that the
calendar has not."""

from __future__ import annotations

import copy
from typing import Any

from mockdata.instances import formats, patterns
from mockdata.instances.checks import matches
from mockdata.instances.draws import Draws
from mockdata.instances.equality import same
from mockdata.instances.strings import spelled
from mockdata.seeds import stream

UNFORMATTED: dict[str, tuple[str, ...]] = {
    "date": ("2023-02-29", "2024-13-01", "2024-04-31", "2024-2-1", "20240229"),
    "date-time": ("2023-02-29T12:00:00Z", "2024-05-01T24:00:00Z", "2024-05-01T12:60:00Z", "2024-05-01T12:00:00",
                  "2024-05-01T12:00:00+24:00"),
    "time": ("24:00:00Z", "12:60:00Z", "12:00:00", "12:00:00+24:00"),
    "duration": ("P", "P1", "PT", "1D", "P1DT", "P1W2D"),
    "email": ("amber.example.com", "amber@", "@example.com", "amber@@example.com"),
    "idn-email": ("amber.example.com", "amber@", "@example.com"),
    "hostname": ("-amber.example.com", "amber..example.com", "amber_cedar.example.com", f"{'a' * 64}.example.com"),
    "idn-hostname": ("-amber.example.com", "amber..example.com", f"{'a' * 64}.example.com"),
    "ipv4": ("192.0.2.256", "192.0.2", "192.0.2.1.1", "192.0.02.1"),
    "ipv6": ("2001:db8::g", "2001:db8:::1", "1:2:3:4:5:6:7", "::192.0.2.256"),
    "uri": ("//example.com/amber", "https://example.com/a b", "https://[2001:db8::g]/", "/amber"),
    "iri": ("//example.com/amber", "https://example.com/a b", "/amber"),
    "uri-reference": ("/a b", "\\\\amber\\cedar", "https://[2001:db8::g]/"),
    "iri-reference": ("/a b", "\\\\amber\\cedar", "https://[2001:db8::g]/"),
    "uri-template": ("https://example.com/{id", "https://example.com/{<id>}"),
    "uuid": ("2eb8aa08-aa98-11ea-b4aa-73b441d1638", "2eb8aa08-aa98-11ea-b4aa-73b441d1638g",
             "2eb8aa08aa9811eab4aa73b441d16380"),
    "json-pointer": ("amber", "/amber~2", "/amber~"),
    "relative-json-pointer": ("/amber", "-1/amber", "01/amber"),
    "regex": ("(", "[a-", "a{2,1}", "^(abc]"),
    "byte": ("%%%%", "YW1iZXI"),
    "base64": ("%%%%", "YW1iZXI"),
}  # fmt: skip
"""Format → texts that have it not, the nearest misses first. A judge of formats decides which it takes for wrong."""


def unformatted(name: str) -> list[str]:
    """Texts that just miss a format; for one not known, a text of blanks and nothing at all."""
    return [*UNFORMATTED.get(name, ()), " ", ""]


def misspelled(pattern: str, shortest: int = 0, longest: int | None = None) -> list[str]:
    """Texts that differ from matches of a pattern by one character and do not match it."""
    try:
        made = patterns.compile(pattern, shortest, longest)
    except patterns.Unsupported:
        try:
            made = patterns.compile(pattern)
        except patterns.Unsupported:
            return []
    found: dict[str, None] = {}
    draws = Draws(stream(pattern))
    for _ in range(4):
        text = spelled(made, draws)
        at = draws.below(len(text)) if text else 0
        found.update(dict.fromkeys(text[:at] + letter + text[at + 1 :] for letter in "0aZ-!中 "))
        found.update(dict.fromkeys((text[:-1], text[1:], text + "!", "!" + text, text.swapcase())))
        if len(found) > 60:
            break
    found["\n"] = None  # all that `.` does not match
    return [text for text in found if not matches(pattern, text)]


def listed(values: list[Any]) -> list[Any]:
    """Values of the same kinds as the listed ones that are not among them."""
    found: list[Any] = []
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    if numbers:
        found += [max(numbers) + 1, min(numbers) - 1, max(numbers) + 0.5]
    for value in values[:4]:
        match value:
            case bool():
                found.append(not value)
            case str():
                found += [value + "x", value.swapcase(), value[:-1], formats.WORDS[len(value) % len(formats.WORDS)]]
                found += [value[:-1] + letter for letter in "xZ9" if value]
            case list():
                found += [[*copy.deepcopy(value), None], copy.deepcopy(value[:-1])]
            case dict():
                found += [{**copy.deepcopy(value), "other": 1}, {}]
    return [value for value in found if not any(same(value, other) for other in values)]
