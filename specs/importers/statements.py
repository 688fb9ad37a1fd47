"""SQL text to statements: tokens of a dialect, cut at semicolons, `GO` and `/`, with their lines.

Statements are taken apart by their tokens first and given to the parser piece by piece, so that storage clauses and
other matters of one product do not hide the columns beside them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

DIALECTS = {"mysql": "mysql", "postgres": "postgres", "oracle": "oracle", "dm": "oracle", "sqlserver": "tsql"}
"""Names a user gives, and the grammar each is read with. 达梦 (dm) follows Oracle."""
_SIGNS = {
    "mysql": (r"`\w+`", r"\bENGINE\s*=", r"\bAUTO_INCREMENT\b", r"(?i)\bCOMMENT\s*=?\s*'"),
    "sqlserver": (
        r"\[\w+\]\s*[.(\[]",
        r"(?im)^\s*GO\s*$",
        r"(?i)\bNVARCHAR\s*\(",
        r"(?i)\bIDENTITY\s*\(",
        r"(?i)sp_addextendedproperty",
    ),
    "oracle": (
        r"(?i)\bVARCHAR2\b",
        r"(?i)\bNUMBER\s*[\(,\s]",
        r"(?i)\b(TABLESPACE|STORAGE\s*\()",
        r"(?i)\bCLUSTER\s+PRIMARY\b",
        r"(?i)\bENABLE\b",
    ),
    "postgres": (
        r"::\w+",
        r"(?i)\b(character varying|JSONB|TIMESTAMPTZ)\b",
        r"(?i)\b(BIG)?SERIAL\b",
        r"(?i)\bOWNER TO\b",
        r"(?i)\bSET search_path\b",
        r"\$\$",
    ),
}


@dataclass(frozen=True, slots=True)
class Statement:
    """The tokens of one statement (without its end) and the line of the first."""

    tokens: tuple[Any, ...]
    line: int

    @property
    def words(self) -> tuple[str, ...]:
        """The first words in capitals."""
        return words(self.tokens, 6)


def words(tokens: Sequence[Any], count: int) -> tuple[str, ...]:
    """The first words of some tokens in capitals; a token such as PRIMARY KEY is two."""
    return tuple(word for token in tokens[:count] for word in token.text.upper().split())[:count]


_STRING = re.compile(r"'(?:[^']|'')*'")


def guess(text: str) -> str:
    """The dialect that shows most of its marks in the text; "postgres" (nearest to the standard) when none does."""
    bare = re.sub(r"--[^\n]*|/\*.*?\*/", " ", _STRING.sub("''", text), flags=re.DOTALL)
    counted = {name: sum(1 for sign in signs if re.search(sign, bare)) for name, signs in _SIGNS.items()}
    best = max(counted, key=lambda name: counted[name])
    return best if counted[best] else "postgres"


def without_data(text: str, dialect: str) -> tuple[str, dict[str, int]]:
    """The script without its INSERT and COPY statements and what MySQL writes between DELIMITER lines, and how many
    there were of each; lines keep their numbers.

    A dump is mostly data, and nothing of it is wanted.
    """
    counts: dict[str, int] = {}
    for word, pattern in _BLOCKS.items():
        text, counts[word] = pattern.subn(lambda found: "\n" * found[0].count("\n"), text)
    string = r"'(?:[^'\\]|''|\\.)*+'" if dialect == "mysql" else r"'(?:[^']|'')*+'"
    begins = (
        r"\n(?!\s*(?:CREATE|ALTER|COMMENT|INSERT|COMMIT|SET|DROP|GO|/)\b)"  # an INSERT need not end with a semicolon
    )
    inside = rf"(?:[^';\n]++|{begins}|{string})*+;?"
    pattern = re.compile(rf"^[ \t]*INSERT\s+INTO\b{inside}", re.IGNORECASE | re.MULTILINE | re.DOTALL)
    text, counts["INSERT"] = pattern.subn(lambda found: "\n" * found[0].count("\n"), text)
    return text, counts


_BLOCKS = {
    "COPY": re.compile(
        r"^COPY\s[^;\n]*\bFROM\s+stdin\b[^\n]*\n(?:(?!\\\.$)[^\n]*\n)*+\\\.$", re.IGNORECASE | re.MULTILINE
    ),
    "DELIMITER": re.compile(
        r"^[ \t]*DELIMITER[ \t]+(?!;[ \t]*$)[^\n]*\n(?:(?![ \t]*DELIMITER[ \t]+;)[^\n]*\n)*+"
        r"[ \t]*DELIMITER[ \t]+;[ \t]*$",
        re.IGNORECASE | re.MULTILINE,
    ),
}
"""What stands between two marks and holds no definition of a table."""


def statements(text: str, dialect: str) -> Iterator[Statement]:
    """The statements of a script. Raises ValueError("message", line) where the text is no SQL (an open quote); what
    stands before the line is given first."""
    from sqlglot.dialects.dialect import Dialect
    from sqlglot.errors import SqlglotError

    if dialect == "sqlserver":
        text = re.sub(r"(?im)^[ \t]*GO[ \t]*$", ";", text)
    if dialect in {"oracle", "dm"}:
        text = re.sub(r"(?m)^[ \t]*/[ \t]*$", ";", text)
    grammar = Dialect.get_or_raise(DIALECTS[dialect])
    open_at = 0
    try:
        tokens = grammar.tokenize(text)
    except SqlglotError:
        open_at = _open_line(text)
        try:
            tokens = grammar.tokenize("\n".join(text.split("\n")[: open_at - 1]))
        except SqlglotError:
            tokens = []
    gathered: list[Any] = []
    for token in tokens:
        if token.token_type.name == "SEMICOLON":
            if gathered:
                yield Statement(tuple(gathered), gathered[0].line)
            gathered = []
        else:
            gathered.append(token)
    if open_at:  # the statement it is in cannot be taken apart
        raise ValueError("a quote or comment is not closed", open_at)
    if gathered:
        yield Statement(tuple(gathered), gathered[0].line)


_CLOSED = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*+'|\"[^\"]*+\"|`[^`]*+`|\$(\w*)\$.*?\$\1\$", re.DOTALL)


def _open_line(text: str) -> int:
    """The line of the first quote or comment that does not end; the last one when all do."""
    rest = _CLOSED.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)
    found = re.search(r"['\"`]|/\*", rest)
    return rest.count("\n", 0, found.start() if found else len(rest)) + 1


def bracketed(tokens: Sequence[Any], start: int) -> tuple[int, list[Sequence[Any]]]:
    """The parts between commas of the bracket that opens at `start`, and the index after its end.

    An end that is missing is the end of the tokens.
    """
    parts: list[Sequence[Any]] = []
    depth, begin = 0, start + 1
    for index in range(start, len(tokens)):
        text = tokens[index].text
        if _is_mark(tokens[index], "("):
            depth += 1
        elif _is_mark(tokens[index], ")"):
            depth -= 1
        if (depth == 1 and _is_mark(tokens[index], ",")) or depth == 0:
            if index > begin:
                parts.append(tokens[begin:index])
            begin = index + 1
        if depth == 0 and text:
            return index + 1, parts
    if begin < len(tokens):
        parts.append(tokens[begin:])
    return len(tokens), parts


def _is_mark(token: Any, mark: str) -> bool:
    return bool(token.text == mark and token.token_type.name in {"L_PAREN", "R_PAREN", "COMMA"})
