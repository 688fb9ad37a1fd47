"""Writing data contracts: valid against the standard's own schema, and nothing lost on the way through the model."""

import copy
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
from tests.unit.specs.exporters.contract_shapes import ANY, CUSTOM, NAMES, common, head
from tests.unit.specs.standard import STANDARD

DATA = Path(__file__).parents[3] / "data"
INTERFACES = library.interfaces()


def faults(made: dict[str, Any]) -> list[str]:
    return [f"{list(error.instance_path)} {error.message[:200]}" for error in STANDARD.iter_errors(made)]


def read(made: dict[str, Any], name: str = "again.yaml") -> specs.Interface:
    return specs.read(yaml_text(made).encode(), name)


# --- contracts of any shape

ELEMENT = common("SchemaObject")
FIELD = common("SchemaBaseProperty")
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


LEVELS = st.sampled_from(["general-3", "secret"])
SCALARS = {
    kind: st.fixed_dictionaries(
        {"logicalType": st.just(kind)},
        optional=FIELD | {"logicalTypeOptions": st.fixed_dictionaries({}, optional=options), "classification": LEVELS},
    )
    for kind, options in OPTIONS.items()
}
NESTED = {
    "object": {"minProperties": SIZES, "maxProperties": SIZES},
    "array": {"minItems": SIZES, "maxItems": SIZES, "uniqueItems": st.booleans()},
}
MORE = {
    kind: st.fixed_dictionaries(
        {"logicalType": st.just(kind)},
        optional=FIELD | {"logicalTypeOptions": st.fixed_dictionaries({}, optional=options)},
    )
    for kind, options in NESTED.items()
}


@st.composite
def fields(draw: st.DrawFn, depth: int = 0) -> dict[str, Any]:
    kind = draw(st.sampled_from([*OPTIONS, *(NESTED if depth < 3 else ())]))
    if kind in SCALARS:
        return draw(SCALARS[kind])
    made = draw(MORE[kind])
    if kind == "array":
        return {**made, "items": draw(fields(depth + 1))}
    names = draw(st.lists(NAMES, max_size=3, unique=True))
    return {**made, "properties": [{"name": name, **draw(fields(depth + 1))} for name in names]}


@st.composite
def contracts(draw: st.DrawFn) -> dict[str, Any]:
    tables = []
    for name in draw(st.lists(NAMES, max_size=2, unique=True)):
        columns = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
        described = [{"name": column, **draw(fields())} for column in columns]
        keys = draw(st.lists(st.sampled_from(range(len(columns))), max_size=2, unique=True))
        for place, at in enumerate(keys, 1):
            described[at] |= {"primaryKey": True, "primaryKeyPosition": place}
        more = draw(st.fixed_dictionaries({}, optional=ELEMENT))
        table = {"name": name, "properties": described, **more}
        if draw(st.booleans()):
            table["relationships"] = [
                {"type": "foreignKey", "from": f"{name}.{columns[0]}", "to": f"{name}.{columns[-1]}",
                 **draw(st.fixed_dictionaries({}, optional={"customProperties": CUSTOM}))}
            ]  # fmt: skip
        if draw(st.booleans()):
            described[-1]["relationships"] = [{"to": f"{name}.{columns[0]}"}]
        tables.append(table)
    return {**draw(head()), "schema": tables}


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


@settings(max_examples=60, deadline=None)
@given(contracts())
def test_a_contract_through_the_model_is_the_same_contract(written: dict[str, Any]) -> None:
    assert faults(written) == []
    interface = specs.read(yaml_text(written).encode(), "x.yaml")
    assert contract(interface) == written


def places(made: dict[str, Any]) -> list[dict[str, Any]]:
    """The contract, its tables and its fields, with those inside others."""
    found, waiting = [made], list(made["schema"])
    while waiting:
        found.append(node := waiting.pop())
        waiting += [*node.get("properties", ()), *([node["items"]] if "items" in node else [])]
    return found


@settings(max_examples=40, deadline=None)
@given(contracts(), st.dictionaries(NAMES.map("x{}".format), ANY, min_size=1, max_size=2), st.data())
def test_members_nobody_knows_become_custom_properties_of_their_place(
    written: dict[str, Any], strange: dict[str, Any], data: st.DataObject
) -> None:
    with_them = copy.deepcopy(written)
    at = data.draw(st.integers(0, len(places(written)) - 1))
    places(with_them)[at] |= strange
    made = contract(specs.read(yaml_text(with_them).encode(), "x.yaml"))
    assert faults(made) == []
    added = [{"property": word, "value": value} for word, value in strange.items()]
    place = places(made)[at]
    assert place["customProperties"][-len(added) :] == added
    del place["customProperties"][-len(added) :]
    if not place["customProperties"] and "customProperties" not in places(written)[at]:
        del place["customProperties"]
    assert made == written


@settings(max_examples=40, deadline=None)
@given(contracts(), st.data())
def test_what_is_raised_or_renamed_in_the_model_changes_nothing_else(
    written: dict[str, Any], data: st.DataObject
) -> None:
    interface = specs.read(yaml_text(written).encode(), "x.yaml")
    tables = list(interface.tables)
    expected = copy.deepcopy(written) | {"version": "9.9.9"}
    if tables:
        at = data.draw(st.integers(0, len(tables) - 1))
        fields = list(tables[at].fields)
        of = data.draw(st.integers(0, len(fields) - 1))
        fields[of] = replace(fields[of], title={"zh_CN": "新名"})
        tables[at] = replace(tables[at], fields=tuple(fields))
        expected["schema"][at]["properties"][of]["businessName"] = "新名"
    made = contract(replace(interface, version="9.9.9", tables=tuple(tables)))
    assert faults(made) == []
    assert made == expected


@settings(max_examples=60, deadline=None)
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
    assert {word for word in was if word not in now} == {"authoritativeDefinitions"}
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


def test_what_reading_leaves_out_is_still_written() -> None:
    text = """
apiVersion: v3.1.0
kind: DataContract
id: a.b
version: 1.0.0
status: draft
schema:
  - {name: t, properties: [{name: x, logicalType: string}, {logicalType: date}, {name: x, logicalType: integer}]}
  - {businessName: no name}
  - {name: t, description: again}
"""
    interface = specs.read(text.encode(), "x.yaml")
    assert len(interface.findings) == 4
    table = interface.tables[0]
    changed = replace(table, fields=(replace(table.fields[0], title={"zh_CN": "甲"}),))
    made = contract(replace(interface, tables=(changed,)))
    expected = copy.deepcopy(interface.document.value)
    expected["schema"][0]["properties"][0]["businessName"] = "甲"
    assert made == expected


def test_a_contract_of_version_2_becomes_one_of_version_3() -> None:
    text = """
apiVersion: v2.2.2
kind: DataContract
uuid: '5358'
datasetName: Sales
quantumName: q
version: 1.0.0
status: current
slaProperties: [{property: latency, value: 4, unit: d, column: tbl.id}]
dataset:
  - table: tbl
    quality: [{code: nullCheck, templateName: n}]
    columns:
      - {column: id, isPrimaryKey: true, isNullable: false, logicalType: string, sampleValues: [a], clusterStatus: true}
"""
    interface = specs.read(text.encode(), "x.yaml")
    made = contract(interface)
    assert faults(made) == []
    again = read(made)
    assert (again.title, again.version) == (interface.title, interface.version)
    assert [field.name for field in again.tables[0].fields] == ["id"]
    column = made["schema"][0]["properties"][0]
    assert column == {"name": "id", "primaryKey": True, "required": True, "logicalType": "string", "examples": ["a"],
                      "customProperties": [{"property": "clusterStatus", "value": True}]}  # fmt: skip
    assert made["schema"][0]["customProperties"][0]["value"] == [{"code": "nullCheck", "templateName": "n"}]
    assert {one["property"]: one["value"] for one in made["customProperties"]} == {"quantumName": "q"}
    renamed = replace(interface.tables[0], title={"zh_CN": "销售"})
    assert contract(replace(interface, tables=(renamed,)))["schema"][0]["businessName"] == "销售"
