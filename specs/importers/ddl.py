"""SQL DDL to a draft contract: tables, columns, keys, checks and comments of one script.

Dialects: MySQL, PostgreSQL, Oracle, DM (达梦), SQL Server; told by the text unless named. What cannot be read is a
finding with its line; the rest is taken.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from specs.importers.contracts import contract
from specs.importers.definitions import Script
from specs.importers.draft import Draft
from specs.importers.names import listed, slug_of
from specs.importers.points import Points
from specs.importers.reading import decoded
from specs.importers.statements import DIALECTS, Statement, bracketed, guess, statements, without_data

MAX_BYTES = 32 * 1024 * 1024
_PASSED = listed(
    "INSERT SET USE BEGIN COMMIT START LOCK UNLOCK DROP GRANT REVOKE PRINT IF SELECT UPDATE DELETE ANALYZE TRUNCATE"
    " DECLARE END PROMPT REM SPOOL CALL COPY MERGE WHENEVER PURGE"
)


def read_ddl(
    path: Path, *, department: str | None = None, name: str | None = None, dialect: str | None = None
) -> Draft:
    """The draft of a script. Raises SpecError (`import-unreadable`) when it holds no table that can be read."""
    points = Points(str(path))
    text, encoding = _load(path, points)
    chosen = dialect or guess(text)
    if chosen not in DIALECTS:
        raise points.refuse(f"{chosen} is no dialect known here", f"one of {', '.join(DIALECTS)}")
    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    script = Script(points, DIALECTS[chosen])
    text, inserted = without_data(text, chosen)
    passed = {word: count for word, count in inserted.items() if count}
    try:
        for statement in statements(text, chosen):
            _statement(script, statement, passed)
    except ValueError as error:
        message, line = error.args
        if not script.tables:
            raise points.refuse(message, "the rest of the script cannot be told apart", line=line) from None
        points.say("import-lost", message, "the rest of the script was not read", line=line)
    if not script.tables and not text.strip():
        raise points.refuse("is empty")
    if not script.tables:
        raise points.refuse("no CREATE TABLE that can be read", f"it was read as {chosen}; name another with --dialect")
    if passed:
        told = ", ".join(f"{word} × {count}" for word, count in sorted(passed.items()))
        points.say("import-skipped", f"statements that describe no table: {told}")
    script.finish()
    stem = name or slug_of(path.stem) or "tables"
    tables = list(script.tables.values())
    title = tables[0].title if len(tables) == 1 and tables[0].title else path.stem
    made = contract(points, tables, name=stem, title=title, department=department, catalogue={"format_class": "3"})
    made["customProperties"].append({"property": "source", "value": f"SQL DDL ({chosen}, {encoding})"})
    return Draft(made["id"], made, points.findings)


def _load(path: Path, points: Points) -> tuple[str, str]:
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise points.refuse(f"cannot be read: {(error.strerror or 'error').lower()}", "check the path") from None
    if len(data) > MAX_BYTES:
        raise points.refuse(f"the script has more than {MAX_BYTES // 2**20} MiB", "leave the data out: schema only")
    try:
        return decoded(data)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise points.refuse("is neither UTF-8 nor GB18030", "save it as UTF-8", line=line) from None


def _statement(script: Script, statement: Statement, passed: dict[str, int]) -> None:
    words = statement.words
    if words[0] == "CREATE" and "TABLE" in words[:5]:
        _create(script, statement, passed)
    elif words[:2] == ("CREATE", "TYPE") and script.enum(statement):
        return
    elif words[0] == "CREATE" and "INDEX" in words[:5]:
        if "UNIQUE" in words[:4]:
            script.unique_index(statement)
    elif words[:2] == ("ALTER", "TABLE"):
        script.alter(statement)
    elif words[:2] == ("COMMENT", "ON"):
        script.comment_on(statement)
    elif any("ADDEXTENDEDPROPERTY" in word for word in words):
        script.extended_property(statement)
    elif words[0] in _PASSED or words[0].startswith(("\\", "@")):
        passed[words[0]] = passed.get(words[0], 0) + 1
    elif words[0] == "CREATE" or words[0] == "ALTER":
        what = " ".join(words[:3])
        script.points.say("import-skipped", f"{what} … describes no table", line=statement.line)
    else:
        told = f"no statement known here: {' '.join(token.text for token in statement.tokens[:6])} …"
        script.points.say("import-lost", told, "name the dialect with --dialect", line=statement.line)


def _create(script: Script, statement: Statement, passed: dict[str, int]) -> None:
    tokens: Sequence[Any] = statement.tokens
    at = next(index for index, token in enumerate(tokens) if token.text.upper() == "TABLE") + 1
    while at < len(tokens) and tokens[at].text.upper() in {"IF", "NOT", "EXISTS"}:
        at += 1
    name: list[str] = []
    while at < len(tokens) and tokens[at].token_type.name != "L_PAREN":
        if tokens[at].token_type.name not in {"DOT"}:
            name.append(tokens[at].text)
        if (
            at + 1 < len(tokens)
            and tokens[at + 1].token_type.name not in {"DOT", "L_PAREN"}
            and tokens[at].token_type.name != "DOT"
        ):
            at += 1
            break
        at += 1
    if tuple(token.text.upper() for token in tokens[at : at + 2]) == ("PARTITION", "OF"):
        passed["PARTITION OF"] = passed.get("PARTITION OF", 0) + 1
        return
    if at >= len(tokens) or tokens[at].token_type.name != "L_PAREN" or not name:
        told = f"CREATE TABLE {'.'.join(name)} lists no columns"
        script.points.say("import-lost", told, "import the statement that defines them", line=statement.line)
        return
    after, parts = bracketed(tokens, at)
    script.table(name, statement.line, parts, tokens[after:])
