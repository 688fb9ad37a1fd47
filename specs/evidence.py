"""What a schema says for or against an element: types, lengths, formats, patterns, listed values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

from specs import elements
from specs.elements import Element
from specs.namereading import Reading
from specs.patterns import portable
from specs.schema import Schema

_SAMPLES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "GMSFHM": (("11010519900307123X", "440301198812120026"), ("11010519900", "91110105MA01234567", "13812345678")),
    "TYSHXYDM": (("91110105MA01234567", "11370800MB28559184"), ("abc", "MA", "ABCD", "13812345678", "#8559184#")),
    "LXDH": (("13812345678", "19900001111"), ("03812345678", "1381234567", "23812345678")),
    "HPHM": (("京A12345", "粤B88888"), ("A12345", "12345678")),
}
"""Values that are one and values that are none, as far as a pattern can tell."""

_STRINGS = {"uuid", "ipv4", "ipv6", "hostname", "binary", "byte", "password", "duration", "json-pointer", "regex"}
_LINKS = {"uri", "url", "uri-reference", "iri"}


def fit(element: Element, schema: Schema) -> tuple[float, str]:
    """How well values of `schema` can be values of the element: a factor from 0 to 1 and a word on what counted."""
    kind = _kind(schema)
    wanted = element.schema.get("type", "string")
    if kind in ("object", "array", "null"):
        return 0.0, ""
    if kind == "boolean":
        return (0.95, "a flag") if element.code_list == "yes-no" else (0.0, "")
    form, own = str(schema.get("format", "")), str(element.schema.get("format", ""))
    factor, why = _of_format(form, own, wanted)
    if kind in ("integer", "number") and wanted == "string":
        factor *= 0.0 if own == "date-time" and "format" in schema and "int" not in form else 0.88
    elif kind == "string" and wanted in ("integer", "number"):
        factor *= 0.4 if form and form not in ("decimal", "double", "float") else 0.95
    factor *= _of_lengths(element, schema)
    if isinstance(listed := schema.get("enum"), list) and listed:
        of_values, said = _of_values(element, listed)
        factor, why = factor * of_values, said or why
        return factor, why
    pattern = schema.get("pattern")
    matched = _matches(pattern, element.id) if element.codes is None and isinstance(pattern, str) else None
    if matched is not None:
        factor, why = (min(1.0, factor * 1.1), "its pattern") if matched else (factor * 0.7, "another pattern")
    elif isinstance(pattern, str) and (other := _of_pattern(pattern)) and _checked(other) != element.check:
        factor, why = factor * 0.5, f"pattern of {other}"
    return factor, why


def holds(element: Element, schema: Schema) -> bool:
    """Whether values of the element, as the dictionary writes them, can be values of `schema`: the same JSON type and
    format, lengths and lists that meet. A field may well carry an element and write it another way."""
    if _kind(schema) not in (_kind(element.schema), None):
        return False
    if schema.get("format", "") not in ("", element.schema.get("format", "")):
        return False
    if _int(schema.get("maxLength"), 10**9) < _int(element.schema.get("minLength"), 0):
        return False
    if _int(schema.get("minLength"), 0) > _int(element.schema.get("maxLength"), 10**9):
        return False
    theirs, ours = schema.get("enum"), element.schema.get("enum")
    return not theirs or not ours or bool(set(map(str, theirs)) & set(map(str, ours)))


def by_values(schema: Schema) -> list[Reading]:
    """Elements the values alone speak for: an e-mail format, the pattern of a citizen number, a whole code list."""
    if schema.get("format") == "email":
        return [Reading("DZYX", None, 0.8, "format email")]
    pattern = schema.get("pattern")
    if isinstance(pattern, str) and _kind(schema) in ("string", None) and (id := _of_pattern(pattern)):
        return [Reading(id, None, 0.7, f"pattern of {id}")]
    if isinstance(listed := schema.get("enum"), list):
        values = frozenset(str(value) for value in listed if value is not None)
        if (listed_for := _lists().get(values)) is not None:
            return [Reading(listed_for, None, 0.8, "its list of values")]
    return []


def _kind(schema: Schema) -> str | None:
    kind: Any = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), None)
    if kind is None:
        if "properties" in schema or "additionalProperties" in schema:
            return "object"
        if "items" in schema:
            return "array"
        return None
    return str(kind)


def _of_format(form: str, own: str, wanted: str) -> tuple[float, str]:
    if not form or form == own:
        return 1.0, f"format {form}" if form else ""
    if {form, own} <= {"date", "date-time", "time", "time-date"}:
        return 0.95, ""
    if form in _LINKS:
        return (1.0, f"format {form}") if own == "uri" else (0.4, "")
    if form in _STRINGS or form == "email" or (form in ("date", "date-time", "time") and own != form):
        return (0.4, "") if wanted == "string" and form != "date" and form != "date-time" else (0.2, "")
    return 1.0, ""


def _of_lengths(element: Element, schema: Schema) -> float:
    ours, theirs = element.schema, schema
    if _int(theirs.get("maxLength"), 10**9) < _int(ours.get("minLength"), 0):
        return 0.75 if ours.get("format") or "pattern" not in ours else 0.5
    if _int(theirs.get("minLength"), 0) > _int(ours.get("maxLength"), 10**9):
        return 0.5
    if element.codes is not None and "enum" not in schema:
        return 0.9 if _int(theirs.get("minLength"), 0) > max(len(code) for code in element.codes) else 1.0
    return 1.0


def _int(value: Any, default: int) -> int:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else default


def _of_values(element: Element, listed: list[Any]) -> tuple[float, str]:
    values = {str(value) for value in listed if value is not None}
    if not values:
        return 1.0, ""
    if element.codes is None:
        return (0.9, "") if "pattern" not in element.schema else (0.6, "")
    if len(values & set(element.codes)) * 2 >= len(values):
        return 1.0, f"codes of {element.code_list}"
    meanings = _meanings(element.code_list or "")
    if sum(any(value.strip().lower() in said for said in meanings) for value in values) * 2 >= len(values):
        return 0.95, f"words of {element.code_list}"
    return 0.8, "other codes than the element's"


@cache
def _meanings(code_list: str) -> frozenset[str]:
    """What the codes of a list mean, in words and in their first letters (m, f)."""
    said: set[str] = set()
    for text in elements.code_lists()[code_list].values.values():
        for word in text.values():
            said |= {word.lower(), re.sub(r"(性|族|的性别)\Z", "", word), *word.lower().split()}
    return frozenset(said | {word[0] for word in said if word.isascii()} if code_list == "sex" else said)


@cache
def _lists() -> Mapping[frozenset[str], str]:
    """Sets of values that stand for one element alone: its codes, or their meanings."""
    made: dict[frozenset[str], str] = {
        frozenset({"男", "女"}): "XBDM", frozenset({"男性", "女性"}): "XBDM", frozenset({"male", "female"}): "XBDM",
        frozenset({"Male", "Female"}): "XBDM", frozenset({"MALE", "FEMALE"}): "XBDM",
    }  # fmt: skip
    for element in elements.dictionary().values():
        counted = element.codes is not None and all(len(code) == 1 for code in element.codes)  # 1 to 7 may be anything
        if element.codes is not None and not counted and len(element.codes) > 5:
            made.setdefault(frozenset(element.codes), element.id)
        if element.codes is not None and len(element.codes) > 2:
            for language in ("zh_CN", "en"):
                made.setdefault(frozenset(text[language] for text in element.codes.values()), element.id)
    return made


def _of_pattern(pattern: str) -> str:
    """The element whose values alone a pattern describes, "" for none."""
    return next((id for id in ("GMSFHM", "TYSHXYDM", "HPHM") if _matches(pattern, id)), "")


def _checked(id: str) -> str | None:
    return elements.dictionary()[id].check


@lru_cache(maxsize=4096)
def _matches(pattern: str, element: str) -> bool | None:
    """Whether a pattern takes values of the element and refuses others; None when it cannot tell."""
    samples = _SAMPLES.get(element)
    if samples is None or len(pattern) > 500:
        return None
    validator = _validator(pattern)
    if validator is None:
        return None
    good = [validator.is_valid(value) for value in samples[0]]
    if not any(good):
        return False
    return None if any(validator.is_valid(value) for value in samples[1]) else True


def _validator(pattern: str) -> Any:
    """A check in linear time whatever the author wrote, None for what is no regular expression."""
    import jsonschema_rs

    made, _ = portable(pattern)
    if made is None:
        return None
    try:
        return jsonschema_rs.validator_for({"pattern": made}, pattern_options=jsonschema_rs.RegexOptions())
    except Exception:  # whatever its engine cannot compile is no evidence either way
        return None
