"""Several schemas one value has to meet, as one schema of plain keywords where that can be written down."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from math import lcm
from typing import Any

from mockdata.instances.equality import common, kind, same
from mockdata.tables import arrow

Schema = dict[str, Any]
TYPES = ("null", "boolean", "integer", "number", "string", "array", "object")
_ANNOTATIONS = ("title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "$comment")
_MOST: Mapping[str, Callable[[Any, Any], Any]] = {
    "minimum": max, "exclusiveMinimum": max, "minLength": max, "minItems": max, "minProperties": max,
    "maximum": min, "exclusiveMaximum": min, "maxLength": min, "maxItems": min, "maxProperties": min,
}  # fmt: skip
"""Keywords of which the stricter limit holds."""
_OPPOSITE = {
    "minimum": "exclusiveMaximum", "exclusiveMinimum": "maximum",
    "maximum": "exclusiveMinimum", "exclusiveMaximum": "minimum",
}  # fmt: skip
"""What breaks a limit of numbers."""


def meet(schemas: Sequence[Any], resolve: arrow.Resolve) -> Schema:
    """One schema for all of these (booleans among them). What cannot be written as plain keywords stays an `allOf`, or
    a `not`, in it.
    """
    made: Schema = {}
    forbidden = []
    for part in _flat(schemas, resolve, ()):
        if part is False:
            return {"not": {}}
        if isinstance(part, dict):
            forbidden += [part["not"]] if "not" in part else []
            made = _both(made, part, resolve)
    for inner in forbidden:  # when all is known that is allowed
        left = _without(made, inner, resolve)
        made = {**made, "allOf": [*made.get("allOf", ()), left]} if left else made
    made = _listed(made)
    if made.get("enum") == []:
        return {"not": {}}
    return made


def _flat(schemas: Sequence[Any], resolve: arrow.Resolve, within: tuple[str, ...]) -> Iterator[Any]:
    for schema in schemas:
        if not isinstance(schema, dict):
            yield schema
            continue
        reference = schema.get("$ref")
        if isinstance(reference, str) and reference in within:
            yield schema  # recursion stays what it is
            continue
        known = within if not isinstance(reference, str) else (*within, reference)
        if known is not within:
            yield from _flat([resolve({"$ref": reference})], resolve, known)
        rest = {word: value for word, value in schema.items() if word not in ("$ref", "allOf", "$defs")}
        if rest:
            yield rest
        yield from _flat(schema.get("allOf", ()), resolve, known)


def _both(left: Schema, right: Schema, resolve: arrow.Resolve) -> Schema:
    made, beyond = dict(left), dict[str, Any]()
    for word, value in right.items():
        if word == "not":
            continue
        if word == "const":
            word, value = "enum", [value]
        if word not in made:
            made[word] = value
        elif made[word] == value or word.startswith("x-") or word in _ANNOTATIONS:
            continue
        elif (agreed := _agreed(word, made[word], value, resolve)) is not None:
            made[word] = agreed
        else:
            beyond[word] = value
    if beyond:
        made["allOf"] = [*made.get("allOf", ()), *({word: value} for word, value in beyond.items())]
    return made


def _agreed(word: str, left: Any, right: Any, resolve: arrow.Resolve) -> Any:
    """What meets both values of a keyword, None when no one value says so."""
    if word in _MOST:
        return _MOST[word](left, right)
    match word:
        case "type":
            return _types(left, right)
        case "enum":
            return common(left, right)
        case "required":
            return list(dict.fromkeys([*left, *right]))
        case "uniqueItems":
            return bool(left or right)
        case "properties":
            names = dict.fromkeys([*left, *right])
            return {n: meet([part[n] for part in (left, right) if n in part], resolve) for n in names}
        case "items" if isinstance(left, dict | bool) and isinstance(right, dict | bool):
            return meet([left, right], resolve)
        case "multipleOf":
            a, b = Fraction(str(left)), Fraction(str(right))
            both = Fraction(
                lcm(a.numerator * b.denominator, b.numerator * a.denominator), a.denominator * b.denominator
            )
            return int(both) if both.denominator == 1 else float(both)
    return None


def _types(left: Any, right: Any) -> Any:
    one = [left] if isinstance(left, str) else list(left)
    two = [right] if isinstance(right, str) else list(right)
    kept = [t for t in one if t in two or (t == "integer" and "number" in two)]
    kept += [t for t in two if t == "integer" and "number" in one and t not in kept]
    return kept[0] if len(kept) == 1 else kept


def _without(made: Schema, inner: Any, resolve: arrow.Resolve) -> Schema:
    """Takes out of `made` what a `not` forbids; what is left of the `not` comes back."""
    if inner is False:
        return {}
    if isinstance(inner, dict):
        inner = meet([inner], resolve)
        words = [word for word in inner if not word.startswith("x-") and word not in _ANNOTATIONS]
        if "type" in words and len(words) > 1 and _covers(inner["type"], made.get("type")):
            words.remove("type")  # a value is of that type in any case
        if len(words) == 1 and _taken(made, words[0], inner[words[0]]):
            return {}
    return {"not": inner}


def _covers(types: Any, declared: Any) -> bool:
    if declared is None:
        return False
    wide = {types} if isinstance(types, str) else set(types)
    wide |= {"integer"} if "number" in wide else set()
    return ({declared} if isinstance(declared, str) else set(declared)) <= wide


def _taken(made: Schema, word: str, value: Any) -> bool:
    """Whether breaking one keyword could be written as another one."""
    declared = made.get("type")
    kinds = {declared} if isinstance(declared, str) else set(declared or ())
    match word:
        case "enum" if "enum" in made:
            made["enum"] = [one for one in made["enum"] if not any(same(one, other) for other in value)]
        case "enum" if kinds == {"boolean"}:
            made["enum"] = [one for one in (False, True) if not any(same(one, other) for other in value)]
        case "enum" if None in value and len(value) == 1 and "null" in kinds:
            return _taken(made, "type", "null")
        case "type" if kinds:
            gone = {value} if isinstance(value, str) else set(value)
            if "integer" in gone and "number" not in gone and "number" in kinds:
                return False
            left = [kind for kind in TYPES if kind in kinds - gone and not (kind == "integer" and "number" in gone)]
            if left:
                made["type"] = left[0] if len(left) == 1 else left
            else:
                made["enum"] = []
        case "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" if kinds and kinds <= {
            "integer",
            "number",
        }:
            opposite = _OPPOSITE[word]
            made[opposite] = _MOST[opposite](made.get(opposite, value), value)
        case "minLength" if kinds == {"string"} and value > 0:
            made["maxLength"] = min(made.get("maxLength", value - 1), value - 1)
        case "maxLength" if kinds == {"string"}:
            made["minLength"] = max(made.get("minLength", value + 1), value + 1)
        case _:
            return False
    return True


def _listed(schema: Schema) -> Schema:
    """A list of constants without those that the other keywords forbid, and weights of those that are left."""
    if "enum" not in schema:
        return schema
    rest = {w: v for w, v in schema.items() if w not in ("enum", "x-weights") and not w.startswith("x-")}
    values = schema["enum"]
    if not _self_contained(rest):
        return schema
    if set(rest) - {"type", *_ANNOTATIONS}:
        import jsonschema_rs

        judge = jsonschema_rs.validator_for(rest, validate_formats=True)
        kept = [value for value in values if judge.is_valid(value)]
        schema = {w: v for w, v in schema.items() if w not in ("allOf", "not")} | {"enum": kept}
    else:
        kept = [value for value in values if "type" not in rest or _is_of(value, rest["type"])]
        schema = schema | {"enum": kept}
    weights = schema.get("x-weights")
    if isinstance(weights, Mapping) and all(not isinstance(part, Mapping | list) for part in weights.values()):
        names = {("false", "true")[v] if isinstance(v, bool) else str(v) for v in kept}
        left = {n: w for n, w in weights.items() if (("false", "true")[n] if isinstance(n, bool) else str(n)) in names}
        schema = schema | {"x-weights": left}
        usable = any(left.values())
    elif isinstance(weights, list) and len(weights) == len(values):
        left_list = [w for v, w in zip(values, weights, strict=True) if any(same(v, one) for one in kept)]
        schema, usable = schema | {"x-weights": left_list}, any(left_list)
    else:
        usable = True
    return schema if usable else {w: v for w, v in schema.items() if w != "x-weights"}


def _is_of(value: Any, types: Any) -> bool:
    found = kind(value)
    names = {types} if isinstance(types, str) else set(types)
    return found in names or (found in ("integer", "fraction") and "number" in names)


def _self_contained(schema: Any) -> bool:
    """Whether a schema can be judged without the definitions of its document."""
    if isinstance(schema, dict):
        return "$ref" not in schema and "$dynamicRef" not in schema and all(map(_self_contained, schema.values()))
    return not isinstance(schema, list) or all(map(_self_contained, schema))
