"""Regular expressions of ECMA-262 as documents write them, made readable for every engine that meets them.

A schema's `pattern` is read later by Rust's regex (jsonschema-rs), Python's `re` (jsonschema) and the
generators. `portable` rewrites what only ECMA-262 spells its own way (`\\p{L}`, `\\u{…}`, `(?<name>…)`,
`[^]`, a lone brace, a class such as `[\\w-.]` that Annex B allows) and says what is no regular expression at
all.
"""

from __future__ import annotations

import itertools
import re
import sys
import unicodedata
import warnings
from functools import lru_cache

_HAN = (
    (0x3005, 0x3005), (0x3007, 0x3007), (0x3021, 0x3029), (0x3038, 0x303B), (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x323AF),
)  # fmt: skip
_REPEAT = re.compile(r"\{([0-9]*)(,?)([0-9]*)\}")
_PROPERTY = re.compile(r"([pP])\{(?:(?:General_Category|gc|Script|sc|Script_Extensions|scx)=)?\^?([A-Za-z_]+)\}")
_NAMED_GROUP = re.compile(r"\(\?<([A-Za-z_$][A-Za-z0-9_$]*)>")
_MAX_LENGTH = 100_000
_SCRIPTS = frozenset({
    "Arabic", "Armenian", "Bengali", "Bopomofo", "Cyrillic", "Devanagari", "Ethiopic", "Georgian", "Greek", "Gujarati",
    "Gurmukhi", "Hangul", "Hebrew", "Hiragana", "Kannada", "Katakana", "Khmer", "Lao", "Latin", "Malayalam",
    "Mongolian", "Myanmar", "Sinhala", "Tamil", "Telugu", "Thaana", "Thai", "Tibetan", "Yi",
})  # fmt: skip
TOO_LARGE = "it is too large to be compiled"
"""What `portable` says of an expression that is right, but that no engine here can hold."""

_LONG = {
    "Letter": "L", "Uppercase_Letter": "Lu", "Lowercase_Letter": "Ll", "Mark": "M", "Number": "N",
    "Decimal_Number": "Nd", "Punctuation": "P", "Symbol": "S", "Separator": "Z", "Space_Separator": "Zs",
    "Other": "C", "Control": "Cc", "Alphabetic": "L", "Uppercase": "Lu", "Lowercase": "Ll",
}  # fmt: skip


@lru_cache(maxsize=4096)
def portable(pattern: str) -> tuple[str | None, str]:
    """The same expression for all engines (None if there is none) and what is wrong with it ("" when
    nothing).

    Both can be set: `(?i)abc` or `\\Aabc\\Z` is not ECMA-262, but its meaning is clear.
    """
    source, flags = _without_delimiters(pattern)
    complaint = "it is written with / delimiters" if source != pattern else ""
    try:
        made, odd = _Rewriter(source).run()
    except ValueError as error:
        return None, str(error)
    if len(made) > _MAX_LENGTH:
        return None, TOO_LARGE
    made = f"(?{flags}:{made})" if flags else made
    complaint = complaint or odd
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            re.compile(made)
    except (OverflowError, RecursionError):
        return None, TOO_LARGE
    except re.error as error:
        return None, str(error)
    return (made, complaint) if _held_by_rust(made) else (None, TOO_LARGE)


def weight(pattern: str) -> int:
    """A rough measure of what compiling takes: 50 million are a second or two."""
    length = len(pattern) + 1_000 * pattern.count("\\p") + 1_000 * pattern.count("\\P")
    bounds = [int(bound) for match in _REPEAT.finditer(pattern) for bound in (match[1], match[3]) if 0 < len(bound) < 9]
    return length * max(bounds, default=1)


def _without_delimiters(pattern: str) -> tuple[str, str]:
    match = re.fullmatch(r"/(\^.*|.*\$)/([dgimsuvy]*)", pattern, re.DOTALL)
    return (match[1], "".join(flag for flag in "ims" if flag in match[2])) if match else (pattern, "")


def _held_by_rust(pattern: str) -> bool:
    """Whether Rust's engine takes what Python's has compiled already: it refuses what becomes too large."""
    import jsonschema_rs

    try:
        jsonschema_rs.Draft202012Validator({"pattern": pattern})
    except (ValueError, jsonschema_rs.ValidationError):
        return False
    return True


class _Rewriter:
    """One left-to-right pass over an expression."""

    def __init__(self, source: str) -> None:
        self.source, self.at, self.out = source, 0, list[str]()
        self.complaint = ""

    def run(self) -> tuple[str, str]:
        while self.at < len(self.source):
            letter = self.source[self.at]
            if letter == "\\":
                self.out.append(self.escape(in_class=False))
            elif letter == "[":
                self.out.append(self.character_class())
            elif letter == "(":
                self.group()
            elif letter in "{}":
                self.brace()
            else:
                self.out.append(letter)
                self.at += 1
        return "".join(self.out), self.complaint

    def group(self) -> None:
        named = _NAMED_GROUP.match(self.source, self.at)
        if named:  # the name is lost: no schema reads groups
            self.out.append("(")
            self.at = named.end()
            return
        head = self.source[self.at : self.at + 4]
        if head.startswith("(?") and not head.startswith(("(?:", "(?=", "(?!", "(?<=", "(?<!")):
            self.complaint = f"{head}… is not a group of ECMA-262"
        self.out.append("(")
        self.at += 1

    def brace(self) -> None:
        repeat = _REPEAT.match(self.source, self.at)
        if repeat and (repeat[1] or repeat[2]) and self.out:
            low, comma, high = repeat.groups()
            if not low:
                self.complaint = f"{repeat[0]} is not a quantifier of ECMA-262"
            self.out.append("{" + (low or "0") + comma + high + "}")
            self.at = repeat.end()
            return
        self.out.append("\\" + self.source[self.at])
        self.at += 1

    def character_class(self) -> str:
        for written, meant in (("[^]", r"[\s\S]"), ("[]", r"(?!)")):
            if self.source.startswith(written, self.at):
                self.at += len(written)
                return meant
        parts = ["[^" if self.source.startswith("[^", self.at) else "["]
        self.at += len(parts[0])
        after_set = False
        while self.at < len(self.source) and self.source[self.at] != "]":
            letter = self.source[self.at]
            following = self.source[self.at + 1 : self.at + 3]
            if letter == "\\":
                parts.append(self.escape(in_class=True))
                after_set = len(parts[-1]) > 2 or parts[-1][1:] in set("dDwWsS")
                continue
            # Annex B: a hyphen next to a set (`\w-.`) is a hyphen, not a range.
            hyphen = letter == "-" and (after_set or re.match(r"\\[dDwWsSpP]", following))
            nested = letter in "[&~|"  # Rust and Python's future read these as set operations
            parts.append("\\" + letter if hyphen or nested else letter)
            after_set = False
            self.at += 1
        if self.at >= len(self.source):
            raise ValueError("a character class is not closed")
        self.at += 1
        return "".join(parts) + "]"

    def escape(self, *, in_class: bool) -> str:
        rest = self.source[self.at + 1 :]
        if not rest:
            raise ValueError("it ends with a backslash")
        if match := _PROPERTY.match(rest):
            self.at += 1 + match.end()
            ranges = _ranges(_LONG.get(match[2], match[2]), negated=match[1] == "P")
            return ranges if in_class else f"[{ranges}]"
        if match := re.match(r"u\{([0-9A-Fa-f]{1,6})\}", rest):
            self.at += 1 + match.end()
            return _literal(int(match[1], 16))
        if match := re.match(r"c([A-Za-z])", rest):
            self.at += 1 + match.end()
            return f"\\x{ord(match[1]) % 32:02x}"
        self.at += 2
        letter = rest[0]
        if letter in "AZz" and not in_class:
            self.complaint = f"\\{letter} is not an assertion of ECMA-262"
            return "^" if letter == "A" else "$"
        if letter == "k":
            raise ValueError("a back-reference by name cannot be checked")
        if letter.isalnum() and letter not in "bBdDfnrsStvwWxu0123456789":
            return letter  # Annex B: an identity escape
        if letter == "/" or ord(letter) > 127:
            return letter
        return "\\" + letter


def _literal(code: int) -> str:
    if code > sys.maxunicode:
        raise ValueError(f"\\u{{{code:x}}} is no character")
    return re.escape(chr(code))


@lru_cache(maxsize=128)
def _ranges(category: str, *, negated: bool) -> str:
    """The inside of a character class: all characters of a general category, or of the script Han."""
    if category in {"Han", "Hani", "Ideographic", "Unified_Ideograph"}:
        spans = list(_HAN)
    elif category in _SCRIPTS:
        spans = list(_script(category))
    else:
        spans = [span for key, part in _categories().items() if key.startswith(category) for span in part]
    if not spans:
        raise ValueError(f"the property {category} is not known here")
    if negated:
        spans.append((0xD800, 0xDFFF))  # half characters cannot be written
    joined: list[tuple[int, int]] = []
    for low, high in sorted(spans):
        if joined and joined[-1][1] == low - 1:
            joined[-1] = (joined[-1][0], high)
        else:
            joined.append((low, high))
    if negated:
        edges = [0, *(edge for low, high in joined for edge in (low - 1, high + 1)), sys.maxunicode]
        joined = [(low, high) for low, high in zip(edges[::2], edges[1::2], strict=True) if low <= high]
    return "".join(_span(low, high) for low, high in joined)


def _span(low: int, high: int) -> str:
    first, last = re.escape(chr(low)), re.escape(chr(high))
    return first if low == high else f"{first}-{last}"


@lru_cache(maxsize=len(_SCRIPTS))
def _script(name: str) -> tuple[tuple[int, int], ...]:
    """The characters whose names begin with the name of a script: close to its Script property, exact for letters."""
    spelled = tuple(f"{width}{name.upper()} " for width in ("", "HALFWIDTH ", "FULLWIDTH "))
    codes = [code for code in range(0x1FFFF) if unicodedata.name(chr(code), "").startswith(spelled)]
    breaks = [index for index, code in enumerate(codes) if not index or codes[index - 1] != code - 1]
    ends = [*(codes[index - 1] for index in breaks[1:]), codes[-1]]
    return tuple(zip((codes[index] for index in breaks), ends, strict=True))


@lru_cache(maxsize=1)
def _categories() -> dict[str, list[tuple[int, int]]]:
    found: dict[str, list[tuple[int, int]]] = {}
    for category, run in itertools.groupby(range(sys.maxunicode + 1), lambda code: unicodedata.category(chr(code))):
        codes = list(run)
        if category != "Cs":
            found.setdefault(category, []).append((codes[0], codes[-1]))
    return found
