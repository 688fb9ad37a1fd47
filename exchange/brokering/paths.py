"""Which operation a raw request path means. Everything ambiguous is refused before it is matched, never
repaired.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes

from exchange.errors import Invalid
from specs.model import Interface, Operation

LONGEST = 2000
"""Characters of a path, as X-Road allows."""


@dataclass(frozen=True, slots=True)
class Match:
    """An operation, the decoded values of its path parameters, and the path to send on: rebuilt, not
    copied.
    """

    operation: Operation
    parameters: Mapping[str, str]
    path: str


def segments(raw: str) -> tuple[str, ...]:
    """The decoded segments of a raw (percent-encoded) path below the interface.

    Raises `Invalid` for dot segments, empty segments, encoded separators, control characters and broken
    encodings: what two programs could read differently must not reach a provider (X-Road XRDDEV-3054).
    """
    if len(raw) > LONGEST:
        raise Invalid(f"the path is longer than {LONGEST} characters")
    if re.search(r"%(?![0-9A-Fa-f]{2})", raw) or re.search(r"%2[fF]|%5[cC]|\\", raw):
        raise Invalid("the path holds an encoded separator or a broken escape", hint="send plain path segments")
    parts = raw.removeprefix("/").split("/") if raw not in ("", "/") else []
    try:
        decoded = tuple(unquote_to_bytes(part).decode() for part in parts)
    except UnicodeDecodeError:
        raise Invalid("the path is not UTF-8") from None
    if any(
        part in ("", ".", "..") or any(ord(letter) < 32 or ord(letter) == 127 for letter in part) for part in decoded
    ):
        raise Invalid("the path holds an empty, dot or control segment", hint="send the path as the document writes it")
    return decoded


class Paths:
    """The operations of one interface version, ready to be matched; build once per version."""

    def __init__(self, interface: Interface) -> None:
        ordered = sorted(interface.operations, key=lambda operation: (operation.path.count("{"), operation.path))
        self._templates = [(operation, [_pattern(part) for part in _parts(operation.path)]) for operation in ordered]

    def match(self, method: str, parts: tuple[str, ...]) -> Match | None:
        """The operation with this method whose template fits, literal templates before parametric; None:
        none fits.
        """
        for operation, patterns in self._templates:
            if operation.method != method.upper() or len(patterns) != len(parts):
                continue
            found = [pattern.fullmatch(part) for pattern, part in zip(patterns, parts, strict=True)]
            fits = [one for one in found if one is not None]
            if len(fits) == len(parts):
                values = {name: value for one in fits for name, value in _parameters(operation, one, fits)}
                return Match(operation, values, "".join(f"/{quote(part, safe='')}" for part in parts))
        return None


def _parts(template: str) -> list[str]:
    return [part for part in template.split("/") if part]


def _pattern(part: str) -> re.Pattern[str]:
    return re.compile("(.+?)".join(re.escape(piece) for piece in re.split(r"\{[^{}]*\}", part)), re.DOTALL)


def _parameters(operation: Operation, one: re.Match[str], fits: list[re.Match[str]]) -> Iterator[tuple[str, str]]:
    names = re.findall(r"\{([^{}]*)\}", _parts(operation.path)[fits.index(one)])
    yield from zip(names, one.groups(), strict=True)
