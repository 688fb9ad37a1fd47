"""Planning: every declared constraint becomes a recipe, and what cannot hold is said before a row is made."""

from datetime import date

import pyarrow as pa
import pytest
import yaml

from mockdata.population import Population
from mockdata.tables.columns import Codes, FromRegister, Grid, Nullable, Pool, Reference, Spelled, Text
from mockdata.tables.generate import columns
from mockdata.tables.plan import PlanError, World, plan
from specs import library
from specs.reading import read

WORLD = {"seed": 3}


def contract(*tables):
    """A data contract of tables (name, {field: rest}, rest)."""
    schema = []
    for name, fields, rest in tables:
        properties = [{"name": field, "required": True, **said} for field, said in fields.items()]
        schema.append({"name": name, "logicalType": "object", "properties": properties, **rest})
    document = {
        "apiVersion": "v3.1.0", "kind": "DataContract", "id": "health.things", "version": "1.0.0", "status": "active",
        "schema": schema,
    }  # fmt: skip
    return read(yaml.safe_dump(document, allow_unicode=True).encode(), "things.odcs.yaml")


def one(said, name="thing", **rest):
    """The planned column of a contract with one field."""
    return plan(contract(("things", {name: said}, rest)), None, **WORLD).columns[0]


def string(**options):
    return {"logicalType": "string", "logicalTypeOptions": options}


def number(kind="number", **options):
    return {"logicalType": kind, "logicalTypeOptions": options}


def custom(name, value):
    return {"customProperties": [{"property": name, "value": value}]}


@pytest.fixture(scope="module")
def population():
    return Population(3, 50_000)


@pytest.mark.parametrize(
    ("said", "kind", "type"),
    [
        (string(pattern="^A[0-9]{4}$"), Text, pa.string()),
        (string(format="email"), Text, pa.string()),
        ({"logicalType": "date"}, Grid, pa.date32()),
        ({"logicalType": "timestamp"}, Grid, pa.timestamp("us", tz="UTC")),
        ({"logicalType": "string", "enum": [{"value": "a"}, {"value": "b"}]}, Codes, pa.string()),
        ({"logicalType": "boolean"}, Codes, pa.bool_()),
        (number("integer", minimum=1, maximum=6), Grid, pa.int64()),
        (number(multipleOf=0.01), Grid, pa.decimal128(18, 2)),
        ({**number(), "physicalType": "DECIMAL(8,3)"}, Grid, pa.decimal128(8, 3)),
        (number(), Grid, pa.float64()),
        ({**string(), **custom("faker", "company@zh_CN")}, Pool, pa.string()),
    ],
)
def test_recipe_and_type_follow_the_schema(said, kind, type):
    column = one(said)
    assert isinstance(column.recipe, kind)
    assert column.type == type


def test_eight_digit_dates_are_real_dates():
    column = one({**string(pattern="^[0-9]{8}$"), "businessName": "签发日期"})
    assert isinstance(column.recipe, Spelled)


def test_optional_fields_are_sometimes_absent_and_the_share_can_be_said():
    usual = one({**string(), "required": False})
    chosen = one({**string(), "required": False, **custom("nullShare", 0.5)})
    assert (usual.recipe.share, chosen.recipe.share) == (0.05, 0.5)
    assert isinstance(usual.recipe, Nullable)
    assert usual.nullable


def test_library_fields_bind_to_the_population(population):
    made = plan(library.interfaces()["police.resident-register"], None, population)
    assert all(isinstance(column.recipe, FromRegister) for column in made.columns)
    assert made.register == "person"
    assert made.limit == population.size


def test_fields_are_bound_by_name_and_title_and_it_can_be_overruled():
    fields = {"number": {**string(), "businessName": "身份证号"}, "XM": string()}
    made = plan(contract(("things", fields, {})), None, **WORLD)
    assert [column.recipe.element for column in made.columns] == ["GMSFHM", "XM"]
    assert all(0.8 <= column.confidence < 1 for column in made.columns)
    fields["XM"] = {**string(), **custom("element", "none")}
    assert not isinstance(plan(contract(("things", fields, {})), None, **WORLD).columns[1].recipe, FromRegister)


def test_foreign_keys_are_drawn_from_the_parents_rows():
    parent = ("shops", {"code": {**string(pattern="^S[0-9]{6}$"), "primaryKey": True}}, {})
    key = {"relationships": [{"type": "foreignKey", "to": "shops.code"}]}
    made = plan(contract(parent, ("sales", {"shop": {**string(), **key}}, {})), "sales", parent_rows=50, **WORLD)
    assert made.columns[0].recipe == Reference("health.things#shops", "code", 50)
    assert made.columns[0].type == pa.string()


def test_a_plan_is_a_function_of_its_arguments(population):
    interface = library.interfaces()["civil-affairs.marriage-records"]
    assert plan(interface, None, population).columns == plan(interface, None, population).columns
    assert plan(interface, None, population).world == World(3, 50_000, date(2026, 11, 1), "reserved")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (number("integer", minimum=5, maximum=3), ["minimum 5", "maximum 3"]),
        (number("integer", minimum=5, maximum=6, multipleOf=10), ["multipleOf 10"]),
        (string(minLength=5, maxLength=3), ["minLength 5", "maxLength 3"]),
        (string(pattern="^[0-9]{6}$", maxLength=4), ["shortest match has 6", "maxLength is 4"]),
        ({**string(pattern="^a$"), "enum": [{"value": "b"}]}, ["enum", "none of its values"]),
        ({**string(), **custom("faker", "companny")}, ["unknown Faker provider 'companny'"]),
        ({**string(), **custom("faker", "company@xx_XX")}, ["unknown Faker locale 'xx_XX'"]),
        ({**string(maxLength=2), **custom("faker", "company")}, ["the field's own constraints forbid"]),
        ({**string(), **custom("faker", {"provider": "pystr", "arguments": {"nonsense": 1}})}, ["refused its arg"]),
        ({**number("integer", minimum=1), **custom("faker", "company")}, ["constraints forbid"]),
        ({**number(), **custom("distribution", {"type": "bell"})}, ["unknown distribution 'bell'"]),
        ({**string(), "enum": [{"value": "a"}], **custom("weights", {"b": 1})}, ["'b'", "not in the enum"]),
        ({**string(), "required": False, **custom("nullShare", 7)}, ["x-null-share", "from 0 to 1"]),
        ({**number("date", minimum="2020-01-02", maximum="2020-01-01")}, ["no date"]),
        ({**string(), **custom("element", "GMSFHMM")}, ["unknown element 'GMSFHMM'"]),
        ({**number("array", minItems=3, maxItems=1), "items": {"logicalType": "integer"}}, ["minItems 3"]),
    ],
)  # fmt: skip
def test_contradictions_name_column_and_pointer(said, words):
    with pytest.raises(PlanError) as caught:
        one(said)
    assert caught.value.column.startswith("thing")
    assert caught.value.pointer.startswith("/schema/0/properties/0")
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_near_names_are_offered():
    with pytest.raises(PlanError) as caught:
        one({**string(), **custom("faker", "companny")})
    assert "company" in caught.value.hint


def test_unique_over_too_small_a_domain():
    made = plan(contract(("things", {"code": {**string(pattern="^[A-C][0-9]$"), "unique": True}}, {})), None, **WORLD)
    made.allow(30)
    with pytest.raises(PlanError, match="code: must be unique, but only 30 values are possible for 31 rows"):
        made.allow(31)


def test_a_register_runs_out(population):
    made = plan(library.interfaces()["police.resident-register"], None, population)
    with pytest.raises(PlanError, match="has 50,000 rows, not 50,001"):
        made.allow(50_001)


def test_facts_that_break_the_fields_constraints_are_refused(population):
    fields = {"GMSFHM": string(), "XM": {**string(maxLength=2), **custom("element", "XM")}}
    with pytest.raises(PlanError, match=r"XM: carries XM .*maxLength 2"):
        plan(contract(("people", fields, {})), None, population)
    del fields["XM"]["customProperties"]  # a binding that is only inferred gives way
    made = plan(contract(("people", fields, {})), None, population)
    assert isinstance(made.columns[1].recipe, Text)


def test_unique_patterns_with_look_around_are_refused():
    with pytest.raises(PlanError, match="look-around"):
        one({**string(pattern="^(?!0)[0-9]{4}$"), "unique": True})


def test_cyclic_foreign_keys():
    def to(target):
        return {"relationships": [{"type": "foreignKey", "to": target}]}

    a = ("a", {"id": string(pattern="^A[0-9]$"), "b": {**string(), **to("b.id")}}, {})
    b = ("b", {"id": string(pattern="^B[0-9]$"), "a": {**string(), **to("a.id")}}, {})
    with pytest.raises(PlanError, match=r"cyclic foreign keys: health.things#a → .*#b → .*#a"):
        plan(contract(a, b), "a", **WORLD)


def test_unknown_tables_registers_and_interfaces():
    interface = contract(("things", {"x": string()}, {}), ("others", {"x": string()}, {}))
    with pytest.raises(PlanError) as caught:
        plan(interface, "thing", **WORLD)
    assert "things" in caught.value.hint
    with pytest.raises(PlanError, match="has 2 tables"):
        plan(interface, None, **WORLD)
    with pytest.raises(PlanError, match="no register 'people'"):
        plan(contract(("things", {"x": string()}, custom("register", "people"))), None, **WORLD)
    key = {"relationships": [{"type": "foreignKey", "to": "../../tax/rolls/odcs.yaml#/schema/rolls/properties/id"}]}
    with pytest.raises(PlanError, match=r"interface 'tax\.rolls', which is not known"):
        plan(contract(("things", {"x": {**string(), **key}}, {})), None, **WORLD)


def test_a_composite_key_is_made_unique():
    fields = {
        "a": {**string(pattern="^[A-C]$"), "primaryKey": True, "primaryKeyPosition": 1},
        "b": {**number("integer", minimum=1, maximum=9999), "primaryKey": True, "primaryKeyPosition": 2},
    }
    made = plan(contract(("things", fields, {})), None, **WORLD)
    rows = columns(made, 0, 3 * 9999)
    assert len(set(zip(rows["a"].to_pylist(), rows["b"].to_pylist(), strict=True))) == 3 * 9999
    with pytest.raises(PlanError, match="only 29,997 values are possible for 29,998 rows"):
        made.allow(29_998)


def test_decimal_steps_are_exact():
    column = one(number(minimum=0, exclusiveMinimum=0, maximum=0.3, multipleOf=0.1))
    assert (column.recipe.low, column.recipe.high) == (1, 3)
