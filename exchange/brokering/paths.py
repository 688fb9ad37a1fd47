"""Which operation a raw request path means. Everything ambiguous is refused before it is matched, never
repaired.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes

from exchange.errors import Invalid
from specs.model import Interface, Operation

LONGEST = 2000
"""Characters of a path, as X-Road allows."""
_PLAIN = re.compile(r"(?:/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._~-]+)+")
"""Paths that mean the same to everybody: nothing encoded, no empty and no dot segment."""
_SAFE = re.compile(r"[A-Za-z0-9._~-]+")
_AMBIGUOUS = re.compile(r"%(?![0-9A-Fa-f]{2})|%2[fF]|%5[cC]|\\")


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
    if _PLAIN.fullmatch(raw):  # nearly always
        return tuple(raw[1:].split("/"))
    if _AMBIGUOUS.search(raw):
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
        self._templates: dict[tuple[str, int], list[_Template]] = {}
        for operation in ordered:
            parts = _parts(operation.path)
            names = [re.findall(r"\{([^{}]*)\}", part) for part in parts]
            patterns = [_pattern(part) if held else part for part, held in zip(parts, names, strict=True)]
            self._templates.setdefault((operation.method, len(parts)), []).append(_Template(operation, patterns, names))

    def match(self, method: str, parts: tuple[str, ...]) -> Match | None:
        """The operation with this method whose template fits, literal templates before parametric; None:
        none fits.
        """
        for template in self._templates.get((method.upper(), len(parts)), ()):
            values = template.values(parts)
            if values is not None:
                return Match(template.operation, values, "".join([f"/{_quoted(part)}" for part in parts]))
        return None


@dataclass(frozen=True, slots=True)
class _Template:
    """A path of the interface: each part a text or, where it has parameters, a pattern and their names."""

    operation: Operation
    parts: list[str | re.Pattern[str]]
    names: list[list[str]]

    def values(self, parts: tuple[str, ...]) -> dict[str, str] | None:
        """The parameters' values when all parts fit."""
        values: dict[str, str] = {}
        for wanted, names, part in zip(self.parts, self.names, parts, strict=True):
            if isinstance(wanted, str):
                if wanted != part:
                    return None
                continue
            fits = wanted.fullmatch(part)
            if fits is None:
                return None
            values.update(zip(names, fits.groups(), strict=True))
        return values


def _quoted(part: str) -> str:
    return part if _SAFE.fullmatch(part) else quote(part, safe="")


def _parts(template: str) -> list[str]:
    return [part for part in template.split("/") if part]


def _pattern(part: str) -> re.Pattern[str]:
    return re.compile("(.+?)".join(re.escape(piece) for piece in re.split(r"\{[^{}]*\}", part)), re.DOTALL)
