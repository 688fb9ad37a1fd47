"""Writing data contracts: valid against the standard's own schema, and nothing lost on the way through the model."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import specs
from specs import library
from specs.exporters.odcs import contract, from_model
from specs.exporters.writing import yaml_text
from tests.unit.specs.standard import STANDARD

DATA = Path(__file__).parents[3] / "data"
INTERFACES = library.interfaces()


def faults(made: dict[str, Any]) -> list[str]:
    return [f"{list(error.instance_path)} {error.message[:200]}" for error in STANDARD.iter_errors(made)]


def read(made: dict[str, Any], name: str = "again.yaml") -> specs.Interface:
    return specs.read(yaml_text(made).encode(), name)


# --- contracts of any shape

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,9}", fullmatch=True)
TEXT = st.text("abc 中文，。:#'\"-{}\n", min_size=1, max_size=16).filter(str.strip)
PLAIN = st.none() | st.booleans() | st.integers(-999, 999) | TEXT
JSON = st.recursive(PLAIN, lambda x: st.lists(x, max_size=3) | st.dictionaries(TEXT, x, max_size=3), max_leaves=5)
RESERVED = {"department", "register", "catalogue", "title_en", "description_en", "en", "element", "sensitivity"}
CUSTOM = st.lists(
    st.fixed_dictionaries(
        {"property": NAMES.filter(lambda name: name not in RESERVED), "value": JSON}, optional={"description": TEXT}
    ),
    max_size=3,
    unique_by=lambda one: one["property"],
)
ELEMENT = {
    "businessName": TEXT,
    "description": TEXT,
    "tags": st.lists(TEXT, max_size=2),
    "customProperties": CUSTOM,
    "physicalType": TEXT,
}
NUMBERS = st.integers(-50, 50) | st.floats(-5, 5).map(lambda x: round(x, 3))
BOUNDS = dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), NUMBERS)
DATES = {word: st.dates().map(str) for word in BOUNDS} | {
    "format": st.sampled_from(["yyyyMMdd", "yyyy-MM-dd", "yyyy/M/d"])
}
TIMES = DATES | {"timezone": st.booleans(), "defaultTimezone": st.just("Asia/Shanghai")}
SIZES = st.integers(0, 20)
OPTIONS = {
    "string": {"minLength": SIZES, "maxLength": SIZES, "pattern": st.just("^[A-Z]+$"), "format": st.just("email")},
    "integer": BOUNDS | {"format": st.sampled_from(["i32", "u8"])},
    "number": BOUNDS | {"multipleOf": st.sampled_from([0.01, 5])},
    "date": DATES,
    "timestamp": TIMES,
    "time": {"format": st.just("HH:mm:ss")},
    "boolean": {},
}
QUALITY = st.lists(
    st.one_of(
        st.fixed_dictionaries({"type": st.just("text"), "description": TEXT}),
        st.fixed_dictionaries({"type": st.just("library"), "metric": st.just("nullValues"), "mustBe": st.just(0)}),
        st.fixed_dictionaries(
            {
                "type": st.just("library"),
                "metric": st.just("invalidValues"),
                "mustBe": st.just(0),
                "arguments": st.fixed_dictionaries({"validValues": st.lists(TEXT, min_size=1, max_size=3)}),
            }
        ),
        st.fixed_dictionaries({"type": st.just("sql"), "query": TEXT, "mustBeLessThan": NUMBERS}),
        st.fixed_dictionaries({"type": st.just("custom"), "engine": TEXT, "implementation": TEXT}),
    ),
    max_size=2,
)


def scalars(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    options = st.fixed_dictionaries({}, optional=OPTIONS[kind])
    known = {
        "required": st.booleans(),
        "unique": st.booleans(),
        "classification": st.sampled_from(["general-3", "secret"]),
        "logicalTypeOptions": options,
        "quality": QUALITY,
        "criticalDataElement": st.booleans(),
        "transformLogic": TEXT,
        "examples": st.lists(PLAIN, max_size=2),
    }
    return st.fixed_dictionaries({"logicalType": st.just(kind)}, optional=ELEMENT | known)


def nested(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    members = st.lists(st.tuples(NAMES, inner), max_size=3, unique_by=lambda one: one[0])
    objects = st.fixed_dictionaries(
        {
            "logicalType": st.just("object"),
            "properties": members.map(lambda all: [{"name": n, **one} for n, one in all]),
        },
        optional=ELEMENT,
    )
    return objects | st.fixed_dictionaries({"logicalType": st.just("array"), "items": inner}, optional=ELEMENT)


FIELDS = st.recursive(st.one_of(*(scalars(kind) for kind in OPTIONS)), nested, max_leaves=3)


@st.composite
def contracts(draw: st.DrawFn) -> dict[str, Any]:
    tables = []
    for name in draw(st.lists(NAMES, max_size=2, unique=True)):
        columns = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
        fields = [{"name": column, **draw(FIELDS)} for column in columns]
        keys = draw(st.lists(st.sampled_from(range(len(columns))), max_size=2, unique=True))
        for place, at in enumerate(keys, 1):
            fields[at] |= {"primaryKey": True, "primaryKeyPosition": place}
        more = draw(
            st.fixed_dictionaries({}, optional=ELEMENT | {"quality": QUALITY, "dataGranularityDescription": TEXT})
        )
        table = {"name": name, "properties": fields, **more}
        if draw(st.booleans()):
            table["relationships"] = [
                {"type": "foreignKey", "from": f"{name}.{columns[0]}", "to": f"{name}.{columns[-1]}"}
            ]
        tables.append(table)
    head = {"apiVersion": "v3.1.0", "kind": "DataContract", "id": "a.b", "version": draw(TEXT), "status": draw(TEXT)}
    more = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "name": TEXT,
                "domain": TEXT,
                "tenant": TEXT,
                "customProperties": CUSTOM,
                "description": st.fixed_dictionaries(
                    {}, optional={"purpose": TEXT, "usage": TEXT, "limitations": TEXT}
                ),
                "servers": st.just([{"server": "s", "type": "local", "path": "x", "format": "csv"}]),
                "slaProperties": st.just([{"property": "frequency", "value": 1, "unit": "d"}]),
            },
        )
    )
    return {**head, **more, "schema": tables}


def told(interface: specs.Interface, *, rules: bool = True) -> Any:
    """What a contract says, without where it says it. `rules`: with the quality rules, whatever was made of them."""

    def bare(schema: Any) -> Any:
        if isinstance(schema, dict):
            return {key: bare(value) for key, value in schema.items() if rules or key != "x-quality"}
        return [bare(one) for one in schema] if isinstance(schema, list) else schema

    tables = [
        replace(
            table,
            pointer="",
            fields=tuple(replace(field, pointer="", schema=bare(field.schema)) for field in table.fields),
            foreign_keys=tuple(replace(key, pointer="") for key in table.foreign_keys),
        )
        for table in interface.tables
    ]
    return (
        interface.id,
        interface.version,
        dict(interface.title),
        dict(interface.description),
        interface.department,
        tables,
    )


@settings(max_examples=100, deadline=None)
@given(contracts())
def test_a_contract_through_the_model_is_the_same_contract(written: dict[str, Any]) -> None:
    assert faults(written) == []
    interface = specs.read(yaml_text(written).encode(), "x.yaml")
    assert contract(interface) == written


@settings(max_examples=120, deadline=None)
@given(contracts())
def test_the_model_alone_says_all_that_reading_understood(written: dict[str, Any]) -> None:
    interface = specs.read(yaml_text(written).encode(), "x.yaml")
    again = from_model(interface)
    assert faults(again) == []
    assert told(read(again), rules=False) == told(interface, rules=False)


@pytest.mark.parametrize("interface", INTERFACES.values(), ids=INTERFACES.keys())
def test_every_shipped_interface_makes_a_valid_contract(interface: specs.Interface) -> None:
    made = contract(interface)
    assert faults(made) == []
    again = read(made)
    assert again.findings == ()
    assert (again.id, again.title, again.description) == (interface.id, interface.title, interface.description)
    assert again.department == interface.department
    if interface.kind is specs.Kind.DATASET:
        assert made == interface.document.value
        assert told(read(from_model(interface))) == told(interface)


@pytest.mark.parametrize("path", sorted((DATA / "openapi").glob("*.json")), ids=lambda path: path.stem)
def test_answers_of_real_services_become_tables(path: Path) -> None:
    interface = specs.read(path)
    made = contract(interface)
    assert faults(made) == []
    again = read(made)
    schemas = [operation.success.content() for operation in interface.operations if operation.success]
    wanted = {
        field.name for content in schemas if content for field in interface.fields(content.schema) if content.is_json
    }
    assert {field.name for table in again.tables for field in table.fields} == wanted


# --- what the model says otherwise than the document


def test_what_changed_in_the_model_is_written_and_the_rest_stays() -> None:
    interface = INTERFACES["medical-insurance.insured-persons"]
    table = interface.tables[0]
    field = table.field("GXSJ")
    changed = replace(field, title={"zh_CN": "更新于"}, element=None, sensitivity="general-2")
    fields = tuple(changed if one is field else one for one in table.fields)
    made = contract(replace(interface, version="1.1.0", tables=(replace(table, fields=fields),)))
    assert faults(made) == []
    before = interface.document.value
    assert made["version"] == "1.1.0"
    assert made["schema"][0]["properties"][:-1] == before["schema"][0]["properties"][:-1]
    now, was = made["schema"][0]["properties"][-1], before["schema"][0]["properties"][-1]
    assert (now["businessName"], now["classification"]) == ("更新于", "general-2")
    assert now["logicalTypeOptions"]["timezone"] is True
    assert was["required"] is False  # the default needs no saying, and the element is no longer bound
    assert {word for word in was if word not in now} == {"required", "authoritativeDefinitions"}
    assert read(made).tables[0].field("GXSJ").element is None
    assert {word for word in before if before[word] != made.get(word)} == {"version", "schema"}


# --- other versions


def test_members_of_3_2_are_kept_as_custom_properties() -> None:
    newer = """
apiVersion: v3.2.0
kind: DataContract
id: a.b
version: 1.0.0
schema:
  - name: t
    synonyms: [{synonym: 表}]
    properties:
      - name: XB
        logicalType: string
        deprecated: true
        enum: [{value: '1', label: 男}, {value: '2', label: 女}]
      - {name: V, logicalType: vector}
      - {name: O, logicalType: object, properties: [{name: x, logicalType: string, context: here}]}
x-own: {a: 1}
"""
    made = contract(specs.read(newer.encode(), "x.yaml"))
    assert faults(made) == []
    assert (made["apiVersion"], made["status"]) == ("v3.1.0", "draft")
    assert made["customProperties"] == [{"property": "x-own", "value": {"a": 1}}]
    table = made["schema"][0]
    assert table["customProperties"] == [{"property": "synonyms", "value": [{"synonym": "表"}]}]
    field = read(made).tables[0].field("XB")
    assert field.schema["enum"] == ["1", "2"]
    kept = {one["property"]: one["value"] for one in table["properties"][0]["customProperties"]}
    assert kept == {"deprecated": True, "enum": [{"value": "1", "label": "男"}, {"value": "2", "label": "女"}]}
    assert table["properties"][2]["properties"][0]["customProperties"] == [{"property": "context", "value": "here"}]


def test_a_recursive_answer_ends_and_what_odcs_cannot_say_is_kept() -> None:
    service = """
openapi: 3.1.0
info: {title: t, version: '1'}
paths:
  /a:
    get:
      operationId: tree
      responses:
        '200': {description: d, content: {application/json: {schema: {$ref: '#/components/schemas/Tree'}}}}
components:
  schemas:
    Tree:
      type: object
      properties:
        name: {oneOf: [{type: string}, {type: integer}]}
        children: {type: array, items: {$ref: '#/components/schemas/Tree'}}
"""
    made = contract(specs.read(service.encode(), "x.yaml"))
    assert faults(made) == []
    table = made["schema"][0]
    assert table["name"] == "Tree"
    assert table["properties"][0]["customProperties"] == [
        {"property": "jsonSchema", "value": {"oneOf": [{"type": "string"}, {"type": "integer"}]}}
    ]
    inner = table["properties"][1]["items"]["properties"][1]["items"]
    assert inner["customProperties"] == [{"property": "jsonSchema", "value": {"$ref": "#/$defs/Tree"}}]


def test_parts_are_taken_together_and_many_shapes_in_one_another_end() -> None:
    shapes: dict[str, Any] = {
        f"S{n}": {
            "type": "object",
            "properties": {f"p{m}": {"$ref": f"#/components/schemas/S{n + 1}"} for m in range(4)},
        }
        for n in range(30)
    }
    shapes["S30"] = {"type": "string"}
    lent = {"allOf": [{"$ref": "#/components/schemas/Person"}], "description": "who"}
    shapes["Person"] = {
        "allOf": [{"properties": {"a": {"type": "integer"}}, "required": ["a"]}, {"properties": {"b": {}}}]
    }
    shapes["Top"] = {"properties": {"who": lent, "deep": {"$ref": "#/components/schemas/S0"}}}
    answer = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Top"}}}, "description": "d"}
    service = {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "paths": {"/a": {"get": {"responses": {"200": answer}}}},
        "components": {"schemas": shapes},
    }
    made = contract(specs.read(json.dumps(service).encode(), "x.json"))
    assert faults(made) == []
    who = made["schema"][0]["properties"][0]
    assert [(one["name"], one.get("required", False)) for one in who["properties"]] == [("a", True), ("b", False)]
    assert len(yaml_text(made)) < 600_000


def test_names_no_reference_can_hold_stay_as_custom_properties() -> None:
    text = """
apiVersion: v3.1.0
kind: DataContract
id: a.b
version: 1.0.0
schema:
  - name: 人口
    properties: [{name: 号码, logicalType: string, relationships: [{to: 人口.号码}]}]
"""
    made = from_model(specs.read(text.encode(), "x.yaml"))
    assert faults(made) == []
    assert made["schema"][0]["customProperties"] == [
        {"property": "foreignKey", "value": {"fields": ["号码"], "table": "人口", "targetFields": ["号码"]}}
    ]
