"""Contracts with every member of ODCS 3.1.0, made from the standard's own schema."""

import json
from importlib import resources
from typing import Any

from hypothesis import strategies as st

SCHEMA: dict[str, Any] = json.loads(
    resources.files("open_data_contract_standard").joinpath("schema.json").read_text("utf-8")
)
NEWER = {"context", "deprecated", "synonyms", "semanticType", "enum", "vendor"}
"""Members of 3.2.0, which 3.1.0 does not know."""
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,9}", fullmatch=True)
TEXT = st.text("abc 中文，。:#'\"-{}\n", min_size=1, max_size=16).filter(str.strip)
PLAIN = st.none() | st.booleans() | st.integers(-999, 999) | TEXT
ANY = st.recursive(PLAIN, lambda x: st.lists(x, max_size=3) | st.dictionaries(TEXT, x, max_size=3), max_leaves=5)
RESERVED = {"department", "register", "catalogue", "title_en", "description_en", "en", "element", "sensitivity"}
_PATTERNED = {"^[A-Za-z0-9_-]+$": st.from_regex(r"[A-Za-z0-9_-]{1,8}", fullmatch=True)}


def of(schema: Any, depth: int = 0) -> st.SearchStrategy[Any]:
    """Values of a part of the standard's schema: each optional member there or not."""
    if schema is True or not schema or depth > 20:
        return PLAIN
    if "$ref" in schema:
        return named(schema["$ref"].removeprefix("#/$defs/"), depth)
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    for word in ("oneOf", "anyOf"):
        if word in schema and "properties" not in schema:
            return st.one_of([of(part, depth + 1) for part in schema[word] if part.get("type") != "null"])
    kind = schema.get("type")
    if isinstance(kind, list):
        return st.one_of([of({**schema, "type": one}, depth) for one in kind])
    if kind == "object":
        return members(schema, depth)
    if kind == "array":
        items = st.lists(of(schema.get("items"), depth + 1), min_size=schema.get("minItems", 0), max_size=2)
        return items.filter(lambda made: len({json.dumps(one) for one in made}) == len(made))
    return _scalar(kind, schema)


def _scalar(kind: Any, schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    if kind == "string":
        if schema.get("format") in {"date", "date-time"}:
            return st.dates().map(str) if schema["format"] == "date" else st.just("2024-05-01T08:00:00Z")
        if schema.get("format") in {"uri", "url"}:
            return st.sampled_from(["https://a.example/x", "https://b.example/"])
        return _PATTERNED.get(schema.get("pattern", ""), TEXT)
    return {
        "integer": st.integers(1, 999), "number": st.integers(-50, 50) | st.floats(-5, 5).map(lambda x: round(x, 3)),
        "boolean": st.booleans(), "null": st.none(),
    }.get(str(kind), PLAIN)  # fmt: skip


def members(schema: dict[str, Any], depth: int = 0) -> st.SearchStrategy[Any]:
    """Objects: required members always, others sometimes."""
    parts = {word: of(part, depth + 1) for word, part in schema.get("properties", {}).items() if word not in NEWER}
    required = {word: parts.pop(word) for word in schema.get("required", ()) if word in parts}
    return st.fixed_dictionaries(required, optional=parts)


def named(name: str, depth: int = 0) -> st.SearchStrategy[Any]:
    """Values of a definition of the standard."""
    if name == "CustomProperties":
        return CUSTOM
    if name in {"AnyType", "AnyNonCollectionType"}:
        return ANY if name == "AnyType" else PLAIN.filter(lambda value: value is not None)
    if name == "StableId":
        return st.from_regex(r"[A-Za-z0-9_-]{1,8}", fullmatch=True)
    if name == "DataQualityChecks":
        return QUALITY
    return of(SCHEMA["$defs"][name], depth)


CUSTOM = st.lists(
    st.fixed_dictionaries(
        {"property": NAMES.filter(lambda name: name not in RESERVED), "value": ANY},
        optional={"description": TEXT, "id": named("StableId")},
    ),
    max_size=3,
    unique_by=lambda one: one["property"],
)


def _rules() -> st.SearchStrategy[Any]:
    common = {
        word: of(part, 1)
        for word, part in SCHEMA["$defs"]["DataQuality"]["properties"].items()
        if word not in NEWER | {"type"}
    }
    limits = st.sampled_from(["mustBe", "mustNotBe", "mustBeGreaterThan", "mustBeLessOrEqualTo"])
    numbers = st.integers(-50, 50)

    def rule(**required: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.fixed_dictionaries(required, optional={w: one for w, one in common.items() if w not in required})

    def limited(made: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.builds(lambda one, word, value: {**one, word: value}, made, limits, numbers)

    codes = st.fixed_dictionaries({"validValues": st.lists(TEXT, min_size=1, max_size=3)})
    return st.one_of(
        rule(type=st.just("text"), description=TEXT),
        limited(rule(type=st.just("library"), metric=st.sampled_from(["nullValues", "rowCount", "duplicateValues"]))),
        limited(rule(metric=st.just("missingValues"), arguments=ANY.filter(lambda value: isinstance(value, dict)))),
        rule(metric=st.just("invalidValues"), arguments=codes, mustBe=st.just(0)),
        limited(rule(type=st.just("sql"), query=TEXT)),
        rule(type=st.just("custom"), engine=TEXT, implementation=TEXT | ANY.filter(lambda one: isinstance(one, dict))),
    )


QUALITY = st.lists(_rules(), max_size=2)


def servers() -> st.SearchStrategy[Any]:
    """Servers of some types, each with its own members."""
    base = members(SCHEMA["$defs"]["Server"], 1)
    kinds = [("api", "ApiServer"), ("kafka", "KafkaServer"), ("postgres", "PostgresServer"), ("s3", "S3Server"),
             ("local", "LocalServer"), ("oracle", "OracleServer"), ("custom", "CustomServer")]  # fmt: skip
    sources = SCHEMA["$defs"]["ServerSource"]
    one = st.one_of(
        st.builds(
            lambda common, own, kind: {**common, **own, "type": kind}, base, members(sources[name], 2), st.just(kind)
        )
        for kind, name in kinds
    )
    return st.lists(one, max_size=2)


def head() -> st.SearchStrategy[dict[str, Any]]:
    """Everything of a contract but its tables."""
    written = {"version", "kind", "apiVersion", "id", "schema", "servers", "status", *NEWER}
    parts = {word: of(part, 1) for word, part in SCHEMA["properties"].items() if word not in written}
    fixed = {"apiVersion": st.just("v3.1.0"), "kind": st.just("DataContract"), "id": st.just("a.b"), "version": TEXT,
             "status": TEXT}  # fmt: skip
    return st.fixed_dictionaries(fixed, optional={**parts, "servers": servers()})


def common(name: str) -> dict[str, st.SearchStrategy[Any]]:
    """The members a table or a field may have, without those that decide what its values are."""
    shape = {"SchemaObject": "logicalType properties quality relationships name",
             "SchemaBaseProperty": "logicalType logicalTypeOptions primaryKey primaryKeyPosition items properties"
             " relationships name quality"}[name]  # fmt: skip
    own = {**SCHEMA["$defs"]["SchemaElement"]["properties"], **SCHEMA["$defs"][name]["properties"]}
    made = {word: of(part, 1) for word, part in own.items() if word not in NEWER | set(shape.split())}
    return {**made, "quality": QUALITY}
