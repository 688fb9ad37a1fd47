"""The tables of a script while it is read: column definitions, constraints and comments, each parsed for itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from specs.importers import checks
from specs.importers.comments import comment
from specs.importers.draft import Column, Found, Relation
from specs.importers.names import listed
from specs.importers.points import Points
from specs.importers.sqltypes import typed
from specs.importers.statements import Statement, bracketed, words

if TYPE_CHECKING:
    from sqlglot import exp

_CONSTRAINTS = listed(
    "CONSTRAINT PRIMARY UNIQUE FOREIGN CHECK KEY INDEX FULLTEXT SPATIAL EXCLUDE PERIOD CLUSTER NOT LIKE SUPPLEMENTAL"
)
# What products write after a definition and the parser does not know; all of it is about storage or checking.
_NOISE = re.compile(
    r"(\bCOLLATE\s+\S+(\s*\.\s*\S+)?)|\b(USING\s+INDEX\b.*|(NO)?VALIDATE\b|NOCHECK\b|ENABLE\b|DISABLE\b|(NO)?RELY\b|STORAGE\s*\(.*?\)|TABLESPACE\s+\S+"
    r"|(NOT\s+)?CLUSTER\b|SPARSE\b|ROWGUIDCOL\b|NOT\s+FOR\s+REPLICATION\b|INITIALLY\s+\w+|(NOT\s+)?DEFERRABLE\b"
    r"|WITH\s*\(.*\)(\s+ON\s+.*)?$|ON\s+\[?PRIMARY\]?\s*$|TEXTIMAGE_ON.*$|USING\s+(BTREE|HASH)\b|VISIBLE\b|INVISIBLE\b)",
    re.IGNORECASE | re.DOTALL,
)


class Script:
    """Collects the tables of a script, by name in lower case."""

    def __init__(self, points: Points, dialect: str) -> None:
        self.points = points
        self.dialect = dialect
        self.tables: dict[str, Found] = {}
        self._enums: dict[str, tuple[str, ...]] = {}
        self._checks: list[tuple[Found, exp.Expr, int]] = []

    def table(self, name: Sequence[str], line: int, parts: Sequence[Sequence[Any]], options: Sequence[Any]) -> None:
        """A CREATE TABLE: its name's parts, the definitions in its bracket and what stands after it."""
        if name[-1].lower() in self.tables:
            self.points.say("import-lost", f"the table {name[-1]} is created twice; the first counts", line=line)
            return
        found = Found(name[-1], line=line)
        self.tables[name[-1].lower()] = found
        for part in parts:
            if _is_constraint(part):
                self._constraint(found, part)
            else:
                self._column(found, part)
        if any(token.text.upper() == "INHERITS" for token in options):
            at = next(index for index, token in enumerate(options) if token.text.upper() == "INHERITS")
            parents = ", ".join(one[-1].text for one in bracketed(options, at + 1)[1])
            told = f"{found.name} inherits columns of {parents}; they are not in its draft"
            self.points.say("import-lost", told, "add them to the fields of the table", line=line)
        for before, token in pairwise(options):
            if before.text.upper() == "COMMENT" and token.token_type.name == "STRING":
                self._say_table(found, token.text)
        for index, token in enumerate(options[:-2]):
            if token.text.upper() == "COMMENT" and options[index + 1].text == "=":
                self._say_table(found, options[index + 2].text)

    def _column(self, table: Found, part: Sequence[Any]) -> None:
        parsed = self._parsed(part)
        column = Column(part[0].text, line=part[0].line)
        found = parsed.expressions[0] if parsed is not None and parsed.expressions else None
        read: Any = found if type(found).__name__ == "ColumnDef" else None
        if read is None and not self._unread(table, part):
            return
        kind = read.args.get("kind") if read else None
        written = _type_text(part[1:])
        values = self._enums.get(written.split(".")[-1].strip().lower())
        problem = typed(column, kind, written) if read and not values else ""
        if values:
            column.logical, column.physical, column.values = "string", written, values
        if not read:
            column.physical = written
            column.required = ("NOT", "NULL") in pairwise(words(part, len(part)))
        if problem:
            column.open.append(
                self.points.say("decide-type", f"{table.name}.{column.name}: {problem}", line=column.line)
            )
        if any(one.name.lower() == column.name.lower() for one in table.columns):
            self.points.say(
                "import-lost", f"{table.name}.{column.name} is defined twice; the first counts", line=column.line
            )
            return
        table.columns.append(column)
        for one in read.constraints if read else ():
            self._column_constraint(table, column, one.kind)

    def _unread(self, table: Found, part: Sequence[Any]) -> bool:
        """Tell of a definition the parser does not know; whether a name and a type can be seen in it all the same."""
        named = part[0].token_type.name in {"IDENTIFIER", "VAR"} and len(part) > 1 and part[1].text.isidentifier()
        kept = "; the draft has it as a string" if named else ""
        told = f"{table.name}: the definition of {part[0].text} cannot be read{kept}"
        self.points.say("import-lost", told, "name the dialect with --dialect", line=part[0].line)
        return named

    def _column_constraint(self, table: Found, column: Column, kind: Any) -> None:
        word = type(kind).__name__
        if word == "NotNullColumnConstraint":
            column.required = not kind.args.get("allow_null")
        elif word == "PrimaryKeyColumnConstraint":
            column.key = 1
        elif word == "UniqueColumnConstraint" and kind.this is None:
            column.unique = True
        elif word == "CommentColumnConstraint":
            self._say_column(table, column, kind.this.name)
        elif word == "CheckColumnConstraint":
            self._checks.append((table, kind.this, column.line or 0))
        elif word == "Reference":
            self._relate(table, (column.name,), kind, column.line or 0)
        elif word == "DefaultColumnConstraint":
            self._default(column, kind.this)

    def _default(self, column: Column, value: exp.Expr) -> None:
        bare = checks.literal(value)
        if bare is not None:
            column.custom["default"] = str(bare)
        elif type(value).__name__ != "Null":
            column.custom["defaultExpression"] = value.sql(dialect=self.dialect)

    def _constraint(self, table: Found, part: Sequence[Any]) -> None:
        said = words(part, 5)
        line = part[0].line
        if "PRIMARY" in said:
            for place, name in enumerate(_names(part), 1):
                self._with(table, name, line, key=place)
        elif said[0] == "UNIQUE" or (said[0] == "CONSTRAINT" and "UNIQUE" in said):
            names = _names(part)
            if len(names) == 1:
                self._with(table, names[0], line, unique=True)
            elif names:
                table.custom.setdefault("uniqueTogether", []).append(names)
        elif said[0] in {"KEY", "INDEX", "FULLTEXT", "SPATIAL", "CLUSTER", "PERIOD", "SUPPLEMENTAL"}:
            return
        elif "DEFAULT" in said and "FOR" in words(part, len(part)):
            self._default_for(table, part, line)
        else:
            self._parsed_constraint(table, part, line)

    def _default_for(self, table: Found, part: Sequence[Any], line: int) -> None:
        """SQL Server: CONSTRAINT name DEFAULT value FOR column."""
        start = next(at for at, token in enumerate(part) if token.text.upper() == "DEFAULT")
        end = max(at for at, token in enumerate(part) if token.text.upper() == "FOR")
        name = part[end + 1].text if end + 1 < len(part) else ""
        column = next((one for one in table.columns if one.name.lower() == name.lower()), None)
        if column is None:
            self.points.say("import-lost", f"{table.name}: a default names {name}, which is not defined", line=line)
            return
        value = list(part[start + 1 : end])
        while len(value) > 2 and value[0].text == "(" and value[-1].text == ")":
            value = value[1:-1]
        if len(value) == 1 and value[0].token_type.name in {"STRING", "NATIONAL_STRING", "NUMBER"}:
            column.custom["default"] = value[0].text
        else:
            column.custom["defaultExpression"] = _source(value, '"')

    def _parsed_constraint(self, table: Found, part: Sequence[Any], line: int) -> None:
        from sqlglot import exp

        parsed = self._parsed(part)
        keys = list(parsed.find_all(exp.ForeignKey)) if parsed is not None else []
        found = list(parsed.find_all(exp.CheckColumnConstraint)) if parsed is not None else []
        for key in keys:
            names = tuple(one.name for one in key.expressions)
            self._relate(table, names, key.args.get("reference"), line)
        for check in found:
            self._checks.append((table, check.this, line))
        if not keys and not found:
            told = f"{table.name}: a constraint cannot be read: {' '.join(token.text for token in part[:8])} …"
            self.points.say("import-lost", told, "name the dialect with --dialect", line=line)

    def _relate(self, table: Found, names: tuple[str, ...], reference: Any, line: int) -> None:
        shape = reference.this if reference is not None else None
        if shape is None:
            return
        target = shape.this if type(shape).__name__ == "Schema" else shape
        ends = tuple(one.name for one in shape.expressions) if type(shape).__name__ == "Schema" else ()
        table.relations.append(Relation(names, target.name, ends, line))

    def alter(self, statement: Statement) -> None:
        """ALTER TABLE … ADD …: constraints and columns; anything else is passed over with a finding."""
        tokens = statement.tokens
        at = 2
        while at < len(tokens) and tokens[at].text.upper() in {"ONLY", "IF", "EXISTS"}:
            at += 1
        while at + 2 < len(tokens) and tokens[at + 1].token_type.name == "DOT":
            at += 2
        table = self.tables.get(tokens[at].text.lower()) if at < len(tokens) else None
        rest = list(tokens[at + 1 :])
        if words(rest, 2) in {("WITH", "CHECK"), ("WITH", "NOCHECK")}:
            rest = rest[2:]
        said = words(rest, 3)
        if not said or said[0] != "ADD":
            if said and said[0] not in {"OWNER", "ENABLE", "DISABLE", "CHECK", "ALTER", "CLUSTER", "REPLICA", "SET"}:
                told = f"ALTER TABLE {tokens[at].text} {said[0]} … was passed over"
                self.points.say("import-skipped", told, line=statement.line)
            return
        if table is None:
            name = tokens[at].text if at < len(tokens) else "?"
            self.points.say("import-lost", f"ALTER TABLE {name}: the script creates no such table", line=statement.line)
            return
        rest = rest[2:] if said[1:2] == ("COLUMN",) else rest[1:]
        parts = bracketed(rest, 0)[1] if rest and rest[0].token_type.name == "L_PAREN" else [rest]
        for part in parts:
            if part and _is_constraint(part):
                self._constraint(table, part)
            elif part:
                self._column(table, part)

    def unique_index(self, statement: Statement) -> None:
        """CREATE UNIQUE INDEX … ON table (column)."""
        tokens = statement.tokens
        at = next((index for index, token in enumerate(tokens) if token.text.upper() == "ON"), len(tokens)) + 1
        names = _names(tokens[at:])
        while at + 2 < len(tokens) and tokens[at + 1].token_type.name == "DOT":
            at += 2
        table = self.tables.get(tokens[at].text.lower()) if at < len(tokens) else None
        if table is not None and len(names) == 1:
            self._with(table, names[0], statement.line, unique=True)

    def comment_on(self, statement: Statement) -> None:
        """COMMENT ON TABLE|COLUMN … IS '…'."""
        tokens = statement.tokens
        at = next((index for index, token in enumerate(tokens) if token.text.upper() == "IS"), 0)
        if not at or at + 1 >= len(tokens) or tokens[at + 1].token_type.name not in {"STRING", "NATIONAL_STRING"}:
            return
        path = [token.text for token in tokens[3:at] if token.token_type.name != "DOT"]
        what, text = tokens[2].text.upper(), tokens[at + 1].text
        table = (
            self.tables.get((path[-1] if what == "TABLE" else path[-2] if len(path) > 1 else "").lower())
            if path
            else None
        )
        if table is None:
            told = f"COMMENT ON {what} {'.'.join(path)}: the script creates no such table"
            if what in {"TABLE", "COLUMN"}:
                self.points.say("import-lost", told, line=statement.line)
        elif what == "TABLE":
            self._say_table(table, text)
        elif what == "COLUMN":
            self._comment(table, path[-1], text, statement.line)

    def extended_property(self, statement: Statement) -> None:
        """SQL Server: EXEC sp_addextendedproperty N'MS_Description', N'…', …, N'TABLE', N't', N'COLUMN', N'c'."""
        said = [token.text for token in statement.tokens if token.token_type.name in {"STRING", "NATIONAL_STRING"}]
        if len(said) < 2 or said[0] != "MS_Description":
            return
        levels = {said[i].upper(): said[i + 1] for i in range(2, len(said) - 1, 2)}
        table = self.tables.get(levels.get("TABLE", "").lower())
        if table is not None and "COLUMN" in levels:
            self._comment(table, levels["COLUMN"], said[1], statement.line)
        elif table is not None:
            self._say_table(table, said[1])

    def enum(self, statement: Statement) -> bool:
        """CREATE TYPE name AS ENUM ('…', …): False when it is another type."""
        tokens = statement.tokens
        at = next((index for index, token in enumerate(tokens) if token.text.upper() == "ENUM"), 0)
        if at < 3 or tokens[at - 1].text.upper() != "AS":
            return False
        values = [token.text for token in tokens[at:] if token.token_type.name == "STRING"]
        self._enums[tokens[at - 2].text.lower()] = tuple(values)
        return True

    def finish(self) -> None:
        """Apply the checks, now that every column is known."""
        for table, check, line in self._checks:
            columns = {column.name.lower(): column for column in table.columns}
            if not checks.apply(check, columns):
                text = check.sql(dialect=self.dialect)
                table.quality.append({"type": "sql", "name": f"CHECK {text}"[:200], "mustBe": 0, "unit": "rows",
                                      "query": f"SELECT COUNT(*) FROM ${{table}} WHERE NOT ({text})"})  # fmt: skip
                self.points.say("decide-rule", f"{table.name}: CHECK ({text}) is kept as an SQL rule", line=line)

    def _comment(self, table: Found, name: str, text: str, line: int) -> None:
        column = next((one for one in table.columns if one.name.lower() == name.lower()), None)
        if column is None:
            self.points.say("import-lost", f"a comment on {table.name}.{name}, which is not defined", line=line)
        else:
            self._say_column(table, column, text)

    def _say_table(self, table: Found, text: str) -> None:
        said = comment(text)
        table.title, table.description = said.title, said.description

    def _say_column(self, table: Found, column: Column, text: str) -> None:
        said = comment(text)
        column.title, column.description = said.title, said.description
        if said.codes and not column.values:
            whole = column.logical == "integer"
            if whole and not all(code.isdigit() for code in said.codes):
                return
            column.values = tuple(int(code) if whole else code for code in said.codes)
            told = f"{table.name}.{column.name}: the codes {', '.join(said.codes)} were read from the comment"
            column.open.append(self.points.say("decide-enum", told, "say whether these are all", line=column.line))

    def _with(self, table: Found, name: str, line: int, *, key: int = 0, unique: bool = False) -> None:
        column = next((one for one in table.columns if one.name.lower() == name.lower()), None)
        if column is None:
            self.points.say("import-lost", f"{table.name}: a key names {name}, which is not defined", line=line)
            return
        column.key, column.unique = key or column.key, unique or column.unique

    def _parsed(self, part: Sequence[Any]) -> Any:
        """The definition as the parser sees it inside CREATE TABLE, or None. Tried as written, then without noise."""
        import sqlglot
        from sqlglot.errors import SqlglotError

        for noisy in (True, False):
            for dialect in dict.fromkeys((self.dialect, "postgres", "mysql", "tsql")):
                text = _source(part, "`" if dialect == "mysql" else '"')
                attempt = text if noisy else _NOISE.sub(" ", text).strip()
                try:
                    parsed = sqlglot.parse_one(f"CREATE TABLE t ({attempt})", dialect=dialect)
                except (SqlglotError, RecursionError):
                    continue
                schema = getattr(parsed, "this", None)
                if type(parsed).__name__ == "Create" and type(schema).__name__ == "Schema":
                    return schema
        return None


def _source(part: Sequence[Any], quote: str) -> str:
    """The definition written again from its tokens, strings quoted as the standard has it, names as the dialect does:
    to MySQL a name in double quotes would be a string."""
    pieces: list[str] = []
    for token in part:
        kind = token.token_type.name
        if kind in {"STRING", "NATIONAL_STRING"}:
            pieces.append("'" + token.text.replace("'", "''") + "'")
        elif kind == "IDENTIFIER":
            pieces.append(quote + token.text.replace(quote, quote * 2) + quote)
        else:
            pieces.append(token.text)
    return " ".join(pieces)


_AFTER_TYPE = listed(
    "NOT NULL DEFAULT PRIMARY UNIQUE COMMENT CHECK REFERENCES CONSTRAINT COLLATE GENERATED AUTO_INCREMENT IDENTITY ON"
    " AS CHARSET ENCODE ROWGUIDCOL SPARSE KEY INVISIBLE VISIBLE ENABLE VIRTUAL STORED"
)


def _type_text(tokens: Sequence[Any]) -> str:
    """The type of a column as it is written: what stands before its constraints."""
    text = ""
    for at, token in enumerate(tokens):
        said = words(tokens[at:], 2)
        if said[0] in _AFTER_TYPE or said == ("CHARACTER", "SET"):
            break
        glued = not text or text[-1] in "([." or token.text in {"(", ")", ",", "[", "]", "."}
        text += token.text if glued else f" {token.text}"
    return text.replace(",", ", ").replace(",  ", ", ")


def _names(part: Sequence[Any]) -> list[str]:
    """The first words of the parts of the first bracket: the columns of a key."""
    at = next((index for index, token in enumerate(part) if token.token_type.name == "L_PAREN"), None)
    return [one[0].text for one in bracketed(part, at)[1]] if at is not None else []


def _is_constraint(part: Sequence[Any]) -> bool:
    return part[0].token_type.name != "IDENTIFIER" and words(part, 1)[0] in _CONSTRAINTS
