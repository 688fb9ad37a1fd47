"""ECMA-262 regular expressions as a small syntax tree.

JSON Schema's `pattern` is an ECMA-262 regular expression (JSON Schema 2020-12 core, 6.4). Python's own
parser cannot be used for it: `\\d` is ASCII here, `$` means the very end, `[^]` and `\\u{1F600}` exist, and a
group is named by `(?<name>…)`. `parse` yields a tree that is generated from (`shapes`) and checked against
(`matching`), so that one reading of a pattern serves both.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import import_module
from typing import Any

MAX_CODE_POINT = 0x10FFFF
Ranges = tuple[tuple[int, int], ...]

DIGITS: Ranges = ((0x30, 0x39),)
WORD: Ranges = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
# ECMA-262 WhiteSpace and LineTerminator.
SPACES: Ranges = (
    (0x09, 0x0D), (0x20, 0x20), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029),
    (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF),
)  # fmt: skip
LINE_ENDS: Ranges = ((0x0A, 0x0A), (0x0D, 0x0D), (0x2028, 0x2029))
_CONTROL = {"t": 0x09, "n": 0x0A, "v": 0x0B, "f": 0x0C, "r": 0x0D}


class Unsupported(ValueError):
    """A pattern that cannot be read, or from which no string could be made.

    `pattern` is the pattern as written, `reason` a short sentence fit for a person.
    """

    def __init__(self, pattern: str, reason: str) -> None:
        super().__init__(f"pattern {pattern!r}: {reason}")
        self.pattern = pattern
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Chars:
    """One character out of ranges and Unicode properties, or (negated) out of all others."""

    ranges: Ranges
    properties: tuple[tuple[str, bool], ...] = ()  # (name, negated)
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Seq:
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Alt:
    options: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    node: Node
    low: int
    high: int | None
    lazy: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    node: Node
    number: int


@dataclass(frozen=True, slots=True)
class Look:
    node: Node
    ahead: bool
    negated: bool


@dataclass(frozen=True, slots=True)
class Mark:
    """A zero-width assertion: `start`, `end`, `word` or `notword`."""

    kind: str


@dataclass(frozen=True, slots=True)
class Back:
    number: int


Node = Chars | Seq | Alt | Repeat | Group | Look | Mark | Back


@dataclass(frozen=True, slots=True)
class Syntax:
    """A parsed pattern: its tree, its capturing groups by number, and whether case is ignored."""

    pattern: str
    root: Node
    groups: dict[int, Node]
    ignore_case: bool


def complement(ranges: Ranges) -> Ranges:
    """The code points outside `ranges`, as sorted ranges."""
    out: list[tuple[int, int]] = []
    at = 0
    for low, high in sorted(ranges):
        if low > at:
            out.append((at, low - 1))
        at = max(at, high + 1)
    if at <= MAX_CODE_POINT:
        out.append((at, MAX_CODE_POINT))
    return tuple(out)


_ESCAPED: dict[str, Ranges] = {
    "d": DIGITS,
    "D": complement(DIGITS),
    "w": WORD,
    "W": complement(WORD),
    "s": SPACES,
    "S": complement(SPACES),
}


class _Reader:
    """Recursive descent over the pattern's characters (ECMA-262, 22.2.1, with the lenient Annex B forms)."""

    def __init__(self, pattern: str) -> None:
        self.text = pattern
        self.at = 0
        self.depth = 0
        self.groups: dict[int, Node] = {}
        self.names: dict[str, int] = {}
        self.count = 0
        self.ignore_case = False
        # Names may be referred to before the group is read, so number them first.
        number = 0
        tokens = r"\\.|\[(?:\\.|[^\]\\])*\]|\((?!\?)|\(\?P?<([A-Za-z_$][\w$]*)>"
        for found in re.finditer(tokens, pattern, re.DOTALL):
            if found.group(0).startswith("("):
                number += 1
                if found.group(1):
                    self.names[found.group(1)] = number

    def fail(self, reason: str) -> Unsupported:
        return Unsupported(self.text, f"{reason} at character {self.at + 1}")

    def peek(self, length: int = 1) -> str:
        return self.text[self.at : self.at + length]

    def take(self, token: str) -> bool:
        if self.text.startswith(token, self.at):
            self.at += len(token)
            return True
        return False

    def match(self, expression: str) -> re.Match[str] | None:
        found = re.compile(expression).match(self.text, self.at)
        if found:
            self.at = found.end()
        return found

    def alternation(self) -> Node:
        self.depth += 1
        if self.depth > 200:
            raise self.fail("groups are nested too deeply")
        options = [self.sequence()]
        while self.take("|"):
            options.append(self.sequence())
        self.depth -= 1
        return options[0] if len(options) == 1 else Alt(tuple(options))

    def sequence(self) -> Node:
        parts: list[Node] = []
        while self.at < len(self.text) and self.peek() not in "|)":
            node = self.quantified(self.atom())
            if node is not None:
                parts.append(node)
        return parts[0] if len(parts) == 1 else Seq(tuple(parts))

    def quantified(self, node: Node | None) -> Node | None:
        while node is not None:
            if self.take("*"):
                low, high = 0, None
            elif self.take("+"):
                low, high = 1, None
            elif self.take("?"):
                low, high = 0, 1
            elif found := self.match(r"\{(\d+)(,(\d*))?\}"):
                low = int(found.group(1))
                high = int(found.group(3)) if found.group(3) else (None if found.group(2) else low)
                if high is not None and high < low:
                    raise self.fail("the quantifier's numbers are out of order")
            else:
                return node
            lazy = self.take("?")
            if not lazy:
                self.take("+")  # possessive (Java, PCRE): the language generated from is the same or smaller
            if isinstance(node, Mark):
                raise self.fail("nothing to repeat")
            node = Repeat(node, low, high, lazy)
        return None

    def atom(self) -> Node | None:
        char = self.peek()
        if char == "(":
            return self.group()
        if char == "[":
            return self.char_class()
        if char == "\\":
            return self.escape()
        if char in "*+?":
            raise self.fail("nothing to repeat")
        self.at += 1
        if char == ".":
            return Chars(LINE_ENDS, negated=True)
        if char == "^":
            return Mark("start")
        if char == "$":
            return Mark("end")
        return Chars(((ord(char), ord(char)),))

    def group(self) -> Node | None:
        start = self.at
        number = 0
        wrap: tuple[bool, bool] | None = None
        if self.take("(?:"):
            pass
        elif self.take("(?="):
            wrap = (True, False)
        elif self.take("(?!"):
            wrap = (True, True)
        elif self.take("(?<="):
            wrap = (False, False)
        elif self.take("(?<!"):
            wrap = (False, True)
        elif self.match(r"\(\?P?<[A-Za-z_$][\w$]*>") or (self.peek(2) != "(?" and self.take("(")):
            self.count += 1
            number = self.count
        elif found := self.match(r"\(\?([a-zA-Z]*)(?:-[a-zA-Z]+)?([:)])"):
            if set(found.group(1)) - set("iu"):
                raise self.fail(f"the flag group {found.group(0)!r} is not supported")
            self.ignore_case = self.ignore_case or "i" in found.group(1)
            if found.group(2) == ")":
                return Seq(())
        else:
            raise self.fail("unknown kind of group")
        node = self.alternation()
        if not self.take(")"):
            self.at = start
            raise self.fail("this group is not closed")
        if wrap is not None:
            return Look(node, *wrap)
        if number:
            self.groups[number] = node
            return Group(node, number)
        return node

    def code_escape(self) -> int | None:
        """The code point of `\\xHH`, `\\uHHHH` (also as a surrogate pair) or `\\u{…}` after the backslash."""
        if found := self.match(r"x([0-9a-fA-F]{2})|u\{([0-9a-fA-F]{1,6})\}"):
            return int(found.group(1) or found.group(2), 16)
        if found := self.match(r"u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})"):
            high, low = int(found.group(1), 16), int(found.group(2), 16)
            return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)
        if found := self.match(r"u([0-9a-fA-F]{4})"):
            return int(found.group(1), 16)
        if found := self.match(r"c([A-Za-z])"):
            return ord(found.group(1)) % 32
        if self.match(r"0(?!\d)"):
            return 0
        return None

    def property_escape(self) -> tuple[str, bool] | None:
        if found := self.match(r"([pP])(?:\{([^{}]+)\}|([A-Z]))"):
            name = found.group(2) or found.group(3)
            if _property(name) is None:
                raise self.fail(f"unknown Unicode property {name!r}")
            return name, found.group(1) == "P"
        return None

    def escape(self) -> Node:
        self.at += 1
        if self.at >= len(self.text):
            raise self.fail("the pattern ends in a backslash")
        prop = self.property_escape()
        if prop is not None:
            return Chars((), (prop,))
        code = self.code_escape()
        if code is not None:
            return Chars(((code, code),))
        if found := self.match(r"k<([A-Za-z_$][\w$]*)>"):
            if found.group(1) not in self.names:
                raise self.fail(f"no group is called {found.group(1)!r}")
            return Back(self.names[found.group(1)])
        if found := self.match(r"[1-9]\d?"):
            return Back(int(found.group(0)))
        char = self.peek()
        self.at += 1
        if char in _ESCAPED:
            return Chars(_ESCAPED[char])
        if char in "bB":
            return Mark("word" if char == "b" else "notword")
        if char in "AzZ":  # not ECMA, but what authors of Java and Python patterns mean by them
            return Mark("start" if char == "A" else "end")
        code = _CONTROL.get(char, ord(char))
        return Chars(((code, code),))

    def char_class(self) -> Node:
        start = self.at
        self.at += 1
        negated = self.take("^")
        ranges: list[tuple[int, int]] = []
        properties: list[tuple[str, bool]] = []
        while not self.take("]"):
            if self.at >= len(self.text):
                self.at = start
                raise self.fail("this character class is not closed")
            low = self.class_member(ranges, properties)
            if low is None:
                continue
            if self.peek() == "-" and self.peek(2) not in ("-]", "-"):
                mark = self.at
                self.at += 1
                wide: list[tuple[int, int]] = []
                high = self.class_member(wide, properties)
                if high is None:  # `[a-\\d]`: Annex B reads the hyphen as itself
                    ranges += [(low, low), (0x2D, 0x2D), *wide]
                elif high < low:
                    self.at = mark
                    raise self.fail("the range in the character class is out of order")
                else:
                    ranges.append((low, high))
            else:
                ranges.append((low, low))
        return Chars(tuple(ranges), tuple(properties), negated)

    def class_member(self, ranges: list[tuple[int, int]], properties: list[tuple[str, bool]]) -> int | None:
        """One code point, or None after adding a whole class (`\\d`, `\\p{L}`) to what was given."""
        char = self.peek()
        if char != "\\":
            if found := self.match(r"\[:(\w+):\]"):  # POSIX names are not ECMA: refuse rather than misread
                raise self.fail(f"the POSIX class {found.group(0)} is not ECMA-262")
            self.at += 1
            return ord(char) if char else None
        self.at += 1
        prop = self.property_escape()
        if prop is not None:
            properties.append(prop)
            return None
        code = self.code_escape()
        if code is not None:
            return code
        char = self.peek()
        self.at += 1
        if not char:
            raise self.fail("the pattern ends in a backslash")
        if char in _ESCAPED:
            ranges.extend(_ESCAPED[char])
            return None
        return 0x08 if char == "b" else _CONTROL.get(char, ord(char))


def property_engine() -> Any:
    """The `regex` package: untyped, and only imported for patterns with Unicode properties."""
    return import_module("regex")


@cache
def _property(name: str) -> Any:
    """A compiled one-character matcher for a Unicode property, or None when the property is unknown."""
    engine = property_engine()
    try:
        return engine.compile(rf"\p{{{name}}}", engine.V1)
    except engine.error:
        return None


@cache
def property_members(name: str, negated: bool, low: int, high: int) -> tuple[int, ...]:
    """The code points in [low, high] that have (or lack) a Unicode property, surrogates left out."""
    matcher = _property(name)
    return tuple(
        code
        for code in range(low, high + 1)
        if not 0xD800 <= code <= 0xDFFF and bool(matcher.match(chr(code))) != negated
    )


@lru_cache(maxsize=1024)
def parse(pattern: str) -> Syntax:
    """The tree of an ECMA-262 pattern. Raises Unsupported when it cannot be read."""
    reader = _Reader(pattern)
    root = reader.alternation()
    if reader.at < len(pattern):
        raise reader.fail("unmatched closing parenthesis")
    return Syntax(pattern, root, reader.groups, reader.ignore_case)
