"""SQL types to the types of a data contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from specs.importers.draft import Column
from specs.importers.names import listed

if TYPE_CHECKING:
    from sqlglot import exp

_STRINGS = listed(
    "CHAR NCHAR VARCHAR NVARCHAR TEXT TINYTEXT MEDIUMTEXT LONGTEXT BPCHAR NAME CLOB NTEXT XML XMLTYPE INET LONG"
)
_INTEGERS = listed(
    "TINYINT SMALLINT MEDIUMINT INT BIGINT UTINYINT USMALLINT UMEDIUMINT UINT UBIGINT INT128 SERIAL BIGSERIAL"
    " SMALLSERIAL YEAR"
)
_NUMBERS = listed("FLOAT DOUBLE MONEY SMALLMONEY UDOUBLE BIGDECIMAL DECFLOAT")
_DECIMALS = listed("DECIMAL UDECIMAL DECIMAL32 DECIMAL64 DECIMAL128 NUMERIC")
_TIMES = {"DATE": "date", "DATE32": "date", "TIME": "time", "TIMETZ": "time"} | dict.fromkeys(
    listed("DATETIME DATETIME2 SMALLDATETIME TIMESTAMP TIMESTAMPTZ TIMESTAMPLTZ TIMESTAMPNTZ TIMESTAMP_S"), "timestamp"
)
_BINARY = listed("BINARY VARBINARY BLOB TINYBLOB MEDIUMBLOB LONGBLOB IMAGE ROWVERSION BYTEA RAW BFILE")


def typed(column: Column, kind: exp.DataType | None, written: str) -> str:
    """Fill in the column's type from a parsed one; `written` is how the source spells it.

    Returns what a person must decide about it, "" when nothing.
    """
    column.physical = written
    word = str(getattr(kind.this, "name", kind.this)).upper() if kind is not None else ""
    if word == "USERDEFINED":  # a type of another product
        word = written.split("(")[0].strip().upper()
    sizes = [int(str(one)) for one in _sizes(kind) if str(one).isdigit()] if kind is not None else []
    if word in _STRINGS:
        column.logical = "string"
        if sizes and word not in {"TEXT", "XML"}:
            column.options["maxLength"] = sizes[0]
        return ""
    if word in _TIMES:
        column.logical = _TIMES[word]
        return ""
    return _number(column, word, sizes, written) or _other(column, word, kind, written)


def _number(column: Column, word: str, sizes: list[int], written: str) -> str:
    if word in _INTEGERS:
        column.logical = "integer"
        if word.startswith("U"):
            column.options["minimum"] = 0
    elif word in _DECIMALS:
        scale = sizes[1] if len(sizes) > 1 else 0
        column.logical = "number" if scale or not sizes else "integer"
        column.options |= _steps(scale)
        if sizes and sizes[0] <= 15:
            most = 10 ** (sizes[0] - scale)
            column.options |= {"minimum": _most(most, scale, -1), "maximum": _most(most, scale, 1)}
    elif word in _NUMBERS:
        column.logical = "number"
    elif word in {"BOOLEAN", "BIT"}:
        column.logical = "boolean"
    else:
        return ""
    return ""


def _steps(scale: int) -> dict[str, Any]:
    return {"multipleOf": float(f"1e-{scale}")} if scale else {}


def _most(most: int, scale: int, sign: int) -> Any:
    return sign * (most - 1) if not scale else float(f"{'-' if sign < 0 else ''}{most - 1}.{'9' * scale}")


def _other(column: Column, word: str, kind: exp.DataType | None, written: str) -> str:
    known = word in _INTEGERS or word in _DECIMALS or word in _NUMBERS or word in {"BOOLEAN", "BIT"}
    if known:
        return ""
    if word in {"ENUM", "SET", "ENUM8", "ENUM16"} and kind is not None:
        column.logical = "string"
        column.values = tuple(str(one.name) for one in kind.expressions) if word != "SET" else ()
        return "" if word != "SET" else f"{written} holds several values in one; the draft says string"
    if word == "UUID" or word == "UNIQUEIDENTIFIER":
        column.logical, column.options = "string", {"format": "uuid"}
        return ""
    if word in {"JSON", "JSONB"}:
        column.logical = "object"
        return f"{written}: describe what is inside"
    if word in {"ARRAY", "LIST"} and kind is not None:
        column.logical = "array"
        inner = Column("items")
        problem = typed(inner, kind.expressions[0], kind.expressions[0].sql()) if kind.expressions else ""
        column.inner = (inner,) if kind.expressions else ()
        return problem
    if word in _BINARY:
        column.logical, column.options = "string", {"format": "binary"}
        return f"{written} is binary data: say how it travels"
    column.logical = "string"
    return f"the type {written or 'nobody wrote'} has no counterpart; the draft says string"


def _sizes(kind: exp.DataType) -> list[str]:
    return [
        one.this.name if hasattr(one.this, "name") else str(one.this)
        for one in kind.expressions
        if hasattr(one, "this")
    ]
