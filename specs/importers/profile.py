"""What the rows of a column have in common: type, form, lengths, range, codes, and which columns tell rows apart.

All of it comes from aggregates; single values leave this module only as a short list of codes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from specs.importers.draft import Column
from specs.importers.meaning import meaning
from specs.importers.points import Points

MAX_CODES, MIN_ROWS = 20, 30
"""A code list is guessed from at most so many values in at least so many rows, each occurring ten times on average."""

_FORMS = (
    # logicalType, ODCS format ("" = ISO), regular expression, strptime
    ("date", "", r"\d{4}-\d{2}-\d{2}", "%Y-%m-%d"),
    ("date", "yyyyMMdd", r"(18|19|20)\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])", "%Y%m%d"),
    ("date", "yyyy/M/d", r"\d{4}/\d{1,2}/\d{1,2}", "%Y/%m/%d"),
    ("date", "yyyy-M-d", r"\d{4}-\d{1,2}-\d{1,2}", "%Y-%m-%d"),
    ("date", "yyyy年M月d日", r"\d{4}年\d{1,2}月\d{1,2}日", "%Y年%m月%d日"),
    ("timestamp", "yyyy-MM-dd HH:mm:ss", r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}", "%Y-%m-%d %H:%M:%S"),
    ("timestamp", "yyyy/M/d H:mm:ss", r"\d{4}/\d{1,2}/\d{1,2} \d{1,2}:\d{2}:\d{2}", "%Y/%m/%d %H:%M:%S"),
    ("timestamp", "yyyy/M/d H:mm", r"\d{4}/\d{1,2}/\d{1,2} \d{1,2}:\d{2}", "%Y/%m/%d %H:%M"),
    ("timestamp", "", r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})", ""),
    ("timestamp", "yyyyMMddHHmmss", r"(19|20)\d{12}", "%Y%m%d%H%M%S"),
    ("time", "HH:mm:ss", r"\d{2}:\d{2}:\d{2}", "%H:%M:%S"),
)
_INTEGER = r"-?(0|[1-9]\d{0,17})"
_NUMBER = r"-?(0|[1-9]\d{0,14})(\.\d{1,9})?"
_POWER = r"-?[0-9]([.][0-9]+)?E[+][0-9]+"
_AMOUNT = r"[¥￥$]?-?[0-9]+([0-9,]*[0-9])?([.][0-9]+)?[%％元]?"
_BOOLEAN = r"(true|false|TRUE|FALSE|True|False)"
_IDENTIFIER = re.compile(
    r"(?i)(编号|编码|代码|号码|证号|卡号|电话|手机|号|_?(code|dm|bh|hm|no|num|number|id|phone|tel|zip))$"
)
_OF_PEOPLE = re.compile(
    r"(?i)(人|者|员|姓名|名称|地址|住址|单位|机构|备注|说明|_?(name|address|remark|note|person|user))$"
)
"""Names of columns whose values are of people or free text, however few: never taken for codes."""


@dataclass(frozen=True)
class Profile:
    """Counts of one column. `numbers`: how many values match each form, by its name."""

    name: str
    kind: str
    rows: int
    filled: int
    distinct: int
    shortest: int | None = None
    longest: int | None = None
    least: Any = None
    most: Any = None
    scale: int = 0
    zeros: int = 0
    powers: int = 0
    guarded: int = 0
    numbers: dict[str, int] = field(default_factory=dict)


SAMPLE = 50_000
"""Forms no value in so many first rows has are not looked for in the rest."""


def profiles(base: Any, names: Sequence[str], kinds: Sequence[str]) -> list[Profile]:
    """The profile of every column of the view `data`, in one pass over the rows for each twelve columns."""
    made: list[Profile] = []
    for start in range(0, len(names), 12):
        part, types = names[start : start + 12], kinds[start : start + 12]
        wanted = ", ".join(map(_name, part))
        first = _pass(base, part, types, f"(SELECT {wanted} FROM data LIMIT {SAMPLE})", None)
        if first and first[0].rows < SAMPLE:
            made += first
            continue
        likely = {
            one.name: {word for word, count in one.numbers.items() if count >= 0.9 * one.filled > 0 or not one.filled}
            for one in first
        }
        made += _pass(base, part, types, "data", likely)
    return made


def _pass(
    base: Any, names: Sequence[str], kinds: Sequence[str], source: str, likely: dict[str, set[str]] | None
) -> list[Profile]:
    parts: list[str] = ["count(*)"]
    layout: list[list[str]] = []
    for name, kind in zip(names, kinds, strict=True):
        asked = _asked(_name(name), kind, None if likely is None else likely[name])
        layout.append(list(asked))
        parts += asked.values()
    row = list(base.execute(f"SELECT {', '.join(parts)} FROM {source}").fetchone())
    rows, at = int(row[0]), 1
    made = []
    for name, kind, words in zip(names, kinds, layout, strict=True):
        said = dict(zip(words, row[at : at + len(words)], strict=True))
        at += len(words)
        numbers = dict.fromkeys(_WORDS, 0) | {
            word[1:]: int(value or 0) for word, value in said.items() if word[0] == "#"
        }
        plain = {word: value for word, value in said.items() if word[0] != "#"}
        plain |= {word: int(plain.get(word) or 0) for word in ("scale", "zeros", "powers", "guarded")}
        made.append(Profile(name=name, kind=kind, rows=rows, numbers=numbers, **plain))
    return made


_WORDS = ("integer", "number", "boolean", "digits", "amount", *(str(number) for number in range(len(_FORMS))))


def _asked(name: str, kind: str, likely: set[str] | None) -> dict[str, str]:
    """What to ask of a column: words of a `Profile` (and `#form` for its counts) with SQL expressions."""
    asked = {"filled": f"count({name})", "distinct": f"approx_count_distinct({name})"}
    if kind == "VARCHAR":
        return _asked_of_text(f"nullif(trim({name}), '')", set(_WORDS) if likely is None else likely)
    if re.match(r"(U?(TINY|SMALL|BIG|HUGE)?INT|U?INTEGER|DECIMAL|FLOAT|DOUBLE)(?![A-Z])", kind):
        asked |= {"least": f"min({name})", "most": f"max({name})"}
    elif re.match(r"(DATE|TIME)", kind):
        asked |= {"least": f"CAST(min({name}) AS VARCHAR)", "most": f"CAST(max({name}) AS VARCHAR)"}
    return asked


def _asked_of_text(value: str, likely: set[str]) -> dict[str, str]:
    asked = {"filled": f"count({value})", "distinct": f"approx_count_distinct({value})"}
    asked |= {"shortest": f"min(length({value}))", "longest": f"max(length({value}))"}
    asked["powers"] = f"count_if(contains({value}, 'E+') AND regexp_full_match({value}, '{_POWER}'))"
    asked["guarded"] = f"count_if(starts_with({value}, chr(39)) OR starts_with({value}, '=\"'))"
    if "number" in likely:
        number = f"CASE WHEN regexp_full_match({value}, '{_NUMBER}') THEN try_cast({value} AS DECIMAL(28, 9)) END"
        asked |= {"least": f"min({number})", "most": f"max({number})"}
        asked["scale"] = f"max(length(regexp_extract({value}, '^-?[0-9]+\\.([0-9]+)$', 1)))"
    if "digits" in likely:
        asked["zeros"] = f"count_if(regexp_full_match({value}, '0\\d+'))"
    patterns = {"integer": _INTEGER, "number": _NUMBER, "boolean": _BOOLEAN, "digits": r"\d+", "amount": _AMOUNT}
    for word in _WORDS:
        if word not in likely:
            continue
        if word in patterns:
            asked[f"#{word}"] = f"count_if(regexp_full_match({value}, '{patterns[word]}'))"
            continue
        _, _, form, pattern = _FORMS[int(word)]
        valid = f" AND try_strptime({value}, '{pattern}') IS NOT NULL" if pattern else ""
        asked[f"#{word}"] = f"count_if(regexp_full_match({value}, '{form}'){valid})"
    return asked


def interpret(base: Any, column: Column, profile: Profile, points: Points, seen: str) -> None:
    """Type and limits of a text column from its profile."""
    column.physical = "VARCHAR"
    if not profile.filled:
        column.logical = "string"
        column.open.append(points.say("decide-type", f"{column.name}: every value is empty", pointer=column.pointer))
        return
    for number, (logical, form, _, _) in enumerate(_FORMS):
        if profile.numbers[str(number)] == profile.filled and not _is_identifier(column, profile):
            column.logical = logical
            column.options = {"format": form} if form else {}
            return
    if profile.numbers["boolean"] == profile.filled:
        column.logical = "boolean"
    elif profile.numbers["number"] == profile.filled and not _is_identifier(column, profile):
        _number(column, profile)
    else:
        column.logical = "string"
        column.options = {"minLength": profile.shortest, "maxLength": profile.longest}
        if profile.numbers["digits"] == profile.filled and profile.shortest == profile.longest:
            column.options["pattern"] = f"^[0-9]{{{profile.longest}}}$"
        _nearly(column, profile, points)
    if column.logical in {"string", "integer"}:
        _codes(base, column, profile, points, seen)


def _number(column: Column, profile: Profile) -> None:
    whole = profile.numbers["integer"] == profile.filled
    column.logical = "integer" if whole else "number"
    column.options = {"minimum": _plain(profile.least, whole), "maximum": _plain(profile.most, whole)}
    if not whole and profile.scale <= 6:
        column.options["multipleOf"] = float(f"1e-{profile.scale}")


def _plain(value: Any, whole: bool) -> Any:
    return int(value) if whole else float(value)


def _is_identifier(column: Column, profile: Profile) -> bool:
    """Whether digits are an identifier, no quantity and no date: by leading zeros, element, or name and length."""
    found = meaning(column.name, column.title)
    if found is not None:
        return found.element.schema.get("type") == "string" and "format" not in found.element.schema
    if profile.zeros:
        return profile.numbers["digits"] == profile.filled
    return bool(_IDENTIFIER.search(column.name)) and (profile.shortest or 0) >= 4


def _nearly(column: Column, profile: Profile, points: Points) -> None:
    """Say so when all but a few values have one form: the few are probably wrong."""
    counts = {"a number": profile.numbers["number"]}
    for number, (logical, *_) in enumerate(_FORMS):
        counts[f"a {logical}"] = max(counts.get(f"a {logical}", 0), profile.numbers[str(number)])
    best = max(counts, key=lambda word: counts[word])
    if profile.powers:
        told = f"{column.name}: {profile.powers:,} values are written like 1.1E+17; Excel has lost their last digits"
        hint = "export the column again as text"
        column.open.append(points.say("import-lost", told, hint, pointer=column.pointer))
    if profile.guarded:
        told = f"{column.name}: {profile.guarded:,} values begin with ' or =\", which Excel was to take for text"
        column.open.append(points.say("import-odd-value", told, "export it without the signs", pointer=column.pointer))
    if profile.numbers["amount"] == profile.filled > profile.numbers["digits"] and not _is_identifier(column, profile):
        told = f"{column.name}: numbers with separators, signs or units; the draft says string"
        hint = "write them as plain numbers"
        column.open.append(points.say("decide-type", told, hint, pointer=column.pointer))
    if profile.filled > counts[best] >= 0.95 * profile.filled and not _is_identifier(column, profile):
        odd = profile.filled - counts[best]
        told = f"{column.name}: {odd:,} of {profile.filled:,} values are not {best}; the draft says string"
        column.open.append(
            points.say("import-odd-value", told, "correct them, or say what they mean", pointer=column.pointer)
        )


def _codes(base: Any, column: Column, profile: Profile, points: Points, seen: str) -> None:
    found = meaning(column.name, column.title)
    personal = bool(_OF_PEOPLE.search(column.name)) or (found is not None and found.element.codes is None)
    few = 1 < profile.distinct <= MAX_CODES * 2 and profile.filled >= MIN_ROWS and (profile.longest or 0) <= 20
    if not few or personal:
        return
    name = _name(column.name)
    rows = base.execute(
        f"SELECT DISTINCT nullif(trim({name}), '') AS value FROM data WHERE nullif(trim({name}), '') IS NOT NULL "
        f"ORDER BY value LIMIT {MAX_CODES + 1}"
    ).fetchall()
    if not 1 < len(rows) <= MAX_CODES or profile.filled < 10 * len(rows):
        return
    values = [value for (value,) in rows]
    if found is not None and found.element.codes is not None and set(values) <= set(found.element.codes):
        column.values = tuple(found.element.codes)
        return
    if found is not None:
        told = f"{column.name}: the values are not those of the code list of {found.name}"
        column.open.append(
            points.say("import-odd-value", told, "translate them, or unbind the field", pointer=column.pointer)
        )
    if column.logical == "integer" and not (
        _IDENTIFIER.search(column.name) or re.search(r"(类|状态|标志|级别|type|status|flag)", column.name)
    ):
        return  # a small number range is a quantity unless its name says it is a code
    column.values = tuple(int(value) if column.logical == "integer" else value for value in values)
    column.options = {}
    told = f"{column.name}: a code list was guessed from {seen}: {', '.join(values)}"
    column.open.append(
        points.say("decide-enum", told, "say whether these are all, and what they mean", pointer=column.pointer)
    )


_KINDS = (
    (r"(U?(TINY|SMALL|BIG|HUGE)?INT|U?INTEGER)(?![A-Z])", "integer"), (r"DECIMAL|FLOAT|DOUBLE|REAL", "number"),
    (r"BOOLEAN", "boolean"), (r"TIMESTAMP", "timestamp"), (r"DATE", "date"), (r"TIME", "time"),
    (r"VARCHAR|UUID|ENUM", "string"), (r"BLOB|BIT", "string"),
)  # fmt: skip


def parquet_column(column: Column, profile: Profile | None, kind: Any, points: Points) -> None:
    """Type and limits of a typed column; nested types have their members described."""
    written = str(kind)
    column.physical = written if len(written) <= 120 else f"{written[:117]}..."
    if kind.id in {"list", "array"}:
        column.logical = "array"
        column.inner = (_inner("items", dict(kind.children)["child"], points),)
    elif kind.id == "struct":
        column.logical = "object"
        column.inner = tuple(_inner(name, child, points) for name, child in kind.children)
    elif kind.id == "map":
        column.logical = "object"
        told = f"{column.name}: {column.physical}: say which keys there are, or what they mean"
        column.open.append(points.say("decide-type", told, pointer=column.pointer))
    else:
        column.logical = next((logical for form, logical in _KINDS if re.match(form, written)), "")
        if not column.logical:
            column.logical = "string"
            column.open.append(
                points.say("decide-type", f"{column.name}: {written} has no counterpart", pointer=column.pointer)
            )
        if scale := re.match(r"DECIMAL\(\d+,\s*(\d+)\)", written):
            column.logical = "number" if int(scale[1]) else "integer"
            column.options = {"multipleOf": float(f"1e-{scale[1]}")} if int(scale[1]) else {}
        if written in {"BLOB", "UUID"}:
            column.options = {"format": {"BLOB": "binary", "UUID": "uuid"}[written]}
        if profile is not None and profile.least is not None:
            _range(column, profile)


def _range(column: Column, profile: Profile) -> None:
    if column.logical in {"integer", "number"}:
        whole = column.logical == "integer"
        low, high = float(profile.least), float(profile.most)
        if whole or max(abs(low), abs(high)) < 1e15:  # beyond, a limit would not be the value that was seen
            column.options |= {"minimum": _plain(profile.least, whole), "maximum": _plain(profile.most, whole)}
    elif column.logical == "date" and str(profile.least)[:1].isdigit() and str(profile.most)[:1].isdigit():
        column.options |= {"minimum": str(profile.least)[:10], "maximum": str(profile.most)[:10]}


def _inner(name: str, kind: Any, points: Points) -> Column:
    column = Column(name, pointer=f"/{name}")
    parquet_column(column, None, kind, points)
    return column


def keys(base: Any, found: Sequence[Profile]) -> list[tuple[str, ...]]:
    """Columns whose values all differ and are never missing, identifiers first; else pairs that do so together.

    The first entry is the best guess. Long texts never count; the caller leaves out dates and quantities.
    """
    able = [one for one in found if one.filled == one.rows > 1]
    likely = [one for one in able if one.distinct >= 0.9 * one.rows and (one.longest or 0) <= 64]
    single = [(one.name,) for one in likely if _differ(base, (one.name,))]
    if single:
        return sorted(single, key=lambda names: not _IDENTIFIER.search(names[0]))
    best = sorted(able, key=lambda one: -one.distinct)[:5]
    enough = [(a, b) for a, b in combinations(best, 2) if a.distinct * b.distinct >= a.rows]
    return [(a.name, b.name) for a, b in enough if _differ(base, (a.name, b.name))]


def _differ(base: Any, names: tuple[str, ...]) -> bool:
    listed = ", ".join(_name(name) for name in names)
    twice = base.execute(f"SELECT 1 FROM data GROUP BY {listed} HAVING count(*) > 1 LIMIT 1").fetchone()
    return twice is None


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
