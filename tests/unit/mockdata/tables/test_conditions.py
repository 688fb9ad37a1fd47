"""Fields that look at other fields, and rows that belong to rows of another table."""

from collections import Counter
from itertools import groupby

import numpy as np
import pyarrow as pa
import pytest
import yaml

from mockdata.population import Population
from mockdata.tables import children
from mockdata.tables.generate import at_rows, generate
from mockdata.tables.lookup import lookup
from mockdata.tables.plan import PlanError, plan
from specs.reading import read

ROWS = 20_000


def custom(**said):
    names = {"depends_on": "dependsOn", "null_share": "nullShare"}
    return {"customProperties": [{"property": names.get(name, name), "value": value} for name, value in said.items()]}


def field(kind, required=True, **said):
    options = {k: v for k, v in said.items() if k in ("minimum", "maximum", "multipleOf", "pattern", "maxLength")}
    rest = {k: v for k, v in said.items() if k not in options}
    return {"logicalType": kind, "required": required, **({"logicalTypeOptions": options} if options else {}), **rest}


def to(target, **said):
    return {"relationships": [{"type": "foreignKey", "to": target, **said}]}


def codes(*values):
    return {"enum": [{"value": value} for value in values]}


def contract(**tables):
    schema = []
    for name, fields in tables.items():
        rest = fields.pop("_", {})
        properties = [{"name": field, **said} for field, said in fields.items()]
        schema.append({"name": name, "logicalType": "object", "properties": properties, **rest})
    document = {"apiVersion": "v3.1.0", "kind": "DataContract", "id": "health.things", "version": "1.0.0",
                "status": "active", "schema": schema}  # fmt: skip
    return read(yaml.safe_dump(document, allow_unicode=True).encode(), "things.odcs.yaml")


def rows(fields, count=ROWS, **options):
    made = plan(contract(things=fields), None, seed=3, **options)
    return pa.Table.from_batches(generate(made, 0, count, 7000))


def money(low, high):
    return field("number", minimum=low, maximum=high, multipleOf=0.01)


def test_computed_fields_follow_from_each_other():
    table = rows(
        {
            "label": {**field("string"), **custom(compute="kind + '-' + string(year)")},
            "yearly": {**money(0, 10**7), **custom(compute="monthly * 12")},
            "kind": {**field("string"), **codes("a", "b")},
            "year": {**field("integer"), **custom(compute="opened.getFullYear()")},
            "opened": field("date"),
            "monthly": money(1, 9000),
            "late": {**field("boolean"), **custom(compute="opened > '2020-06-30' && kind in ['a']")},
            "mark": {**field("string", required=False), **custom(compute="monthly > 4500 ? 'high' : null")},
        }
    ).to_pylist()
    for row in table:
        assert row["yearly"] == row["monthly"] * 12
        assert row["year"] == row["opened"].year
        assert row["label"] == f"{row['kind']}-{row['year']}"
        assert row["late"] == (row["opened"].isoformat() > "2020-06-30" and row["kind"] == "a")
        assert row["mark"] == ("high" if row["monthly"] > 4500 else None)


def test_computed_from_facts_of_the_population_and_found_by_key():
    fields = {
        "GMSFHM": {**field("string"), "primaryKey": True},
        "CSRQ": field("date"),
        "grown": {**field("boolean"), **custom(compute="CSRQ.getFullYear() < 2008")},
    }
    interface, population = contract(things=fields), Population(3, 50_000)
    made = plan(interface, None, population)
    row = at_rows(made, np.array([17]))
    assert row["grown"][0].as_py() == (row["CSRQ"][0].as_py().year < 2008)
    found = lookup(interface, row["GMSFHM"][0].as_py(), population)
    assert found["grown"] == row["grown"][0].as_py()


def test_weights_and_distributions_by_another_column():
    shapes = {"small": {"type": "normal", "mean": 40, "deviation": 5}, "*": {"type": "normal", "mean": 400}}
    table = rows(
        {
            "size": {**field("string"), **codes("small", "large")},
            "owner": {**field("string"), **codes("town", "state"),
                      **custom(depends_on="size", weights={"small": {"town": 9, "state": 1}, "large": {"state": 1}})},
            "beds": {**field("integer", minimum=1, maximum=900),
                     **custom(depends_on="size", distribution={"by": shapes})},
        }
    )  # fmt: skip
    small = [row for row in table.to_pylist() if row["size"] == "small"]
    large = [row for row in table.to_pylist() if row["size"] == "large"]
    assert 0.87 < sum(row["owner"] == "town" for row in small) / len(small) < 0.93
    assert {row["owner"] for row in large} == {"state"}
    assert 39 < np.mean([row["beds"] for row in small]) < 41
    assert 380 < np.mean([row["beds"] for row in large]) < 420


def ranks(values):
    return np.argsort(np.argsort(np.array(values, dtype=np.float64), kind="stable"))


@pytest.mark.parametrize("rho", [-0.8, 0.0, 0.5, 0.95])
def test_rank_correlation_keeps_the_own_distribution(rho):
    shape = {"type": "lognormal", "median": 100, "sigma": 0.5}
    table = rows(
        {
            "beds": {**field("integer", minimum=1, maximum=900),
                     **custom(distribution={"type": "exponential", "mean": 80})},
            "staff": {**field("integer", minimum=1, maximum=5000),
                      **custom(depends_on="beds", correlation=rho, distribution=shape)},
        }
    )  # fmt: skip
    found = np.corrcoef(ranks(table["beds"]), ranks(table["staff"]))[0, 1]
    assert abs(found - rho) < 0.03
    assert 95 < np.median(table["staff"]) < 105


def test_a_line_with_noise():
    line = {"type": "linear", "intercept": 100, "slope": 2.5, "deviation": 20}
    table = rows(
        {
            "beds": field("integer", minimum=10, maximum=500, required=False),
            "cost": {**money(0, 10_000), **custom(depends_on="beds", distribution=line)},
            "close": {**field("date"), **custom(depends_on="open", distribution={"type": "linear", "intercept": 30})},
            "open": {**field("date", minimum="2020-01-01", maximum="2020-12-31")},
        }
    )
    beds, cost = np.array(table["beds"], dtype=float), np.array(table["cost"], dtype=float)
    there = ~np.isnan(beds)
    slope, start = np.polyfit(beds[there], cost[there], 1)
    assert abs(slope - 2.5) < 0.02
    assert abs(start - 100) < 3
    assert 19 < np.std((cost - 100 - 2.5 * beds)[there]) < 21
    assert 0.03 < 1 - there.mean() < 0.07
    assert {(row["close"] - row["open"]).days for row in table.to_pylist()} == {30}


def test_missing_more_often_where_a_condition_holds():
    table = rows(
        {
            "age": field("integer", minimum=0, maximum=99),
            "phone": {**field("string", required=False, pattern="^1[0-9]{10}$"),
                      **custom(null_share={"when": "age < 18", "share": 0.9, "otherwise": 0.1})},
        }
    )  # fmt: skip
    missing = [(row["age"] < 18, row["phone"] is None) for row in table.to_pylist()]
    assert 0.87 < np.mean([gone for young, gone in missing if young]) < 0.93
    assert 0.08 < np.mean([gone for young, gone in missing if not young]) < 0.12


def test_facts_of_the_population_may_be_missing_too():
    fields = {"GMSFHM": field("string"), "XM": {**field("string", required=False), **custom(null_share=0.4)}}
    made = plan(contract(things=fields), None, Population(3, 50_000))
    assert 0.37 < at_rows(made, np.arange(5000))["XM"].null_count / 5000 < 0.43


def test_quality_rules_of_the_library_kind_hold():
    rules = {"quality": [{"type": "library", "metric": "nullValues", "mustBe": 0}]}
    few = {"quality": [{"type": "library", "metric": "nullValues", "mustBeLessThan": 2, "unit": "percent"}]}
    pairs = {"quality": [{"type": "library", "metric": "duplicateValues", "mustBe": 0,
                          "arguments": {"properties": ["a", "b"]}}]}  # fmt: skip
    once = {"quality": [{"type": "library", "metric": "duplicateValues", "mustBe": 0}]}
    table = rows(
        {
            "_": pairs,
            "a": field("integer", minimum=1, maximum=200),
            "b": {**field("string"), **codes(*(f"c{number}" for number in range(100)))},
            "never": {**field("string", required=False), **rules},
            "seldom": {**field("string", required=False), **few},
            "single": {**field("integer", minimum=1, maximum=30_000), **once},
        }
    )
    assert len({(row["a"], row["b"]) for row in table.to_pylist()}) == ROWS  # all the pairs there are
    assert table["never"].null_count == 0
    assert 0 < table["seldom"].null_count < ROWS * 0.02
    assert len(set(table["single"].to_pylist())) == ROWS


def family(children_, **line):
    parent = {"code": {**field("string", pattern="^S[0-9]{6}$"), "primaryKey": True}}
    sales = {
        "shop": {
            **field("string"),
            **to("shops.code", customProperties=[{"property": "children", "value": children_}]),
        },
        **({"line": {**field("integer", **line), "primaryKey": True}} if line else {}),
    }
    if line:
        sales["shop"]["primaryKey"] = True
    return contract(shops=parent, sales=sales)


@pytest.mark.parametrize(
    ("shape", "low", "high", "mean"),
    [
        ({"type": "poisson", "mean": 3}, 0, 20, 3.0),
        ({"type": "fixed", "count": 4}, 4, 4, 4.0),
        ({"type": "uniform", "minimum": 1, "maximum": 5}, 1, 5, 3.0),
        ({"type": "zipf", "exponent": 2, "maximum": 50}, 1, 50, 2.7),
        ({"type": "geometric", "mean": 4}, 1, 100, 4.0),
        ({"type": "counts", "weights": {0: 1, 2: 3}}, 0, 2, 1.5),
    ],
)
def test_children_stand_side_by_side_in_the_numbers_asked_for(shape, low, high, mean):
    parents = 6000
    interface = family(shape)
    made = plan(interface, "sales", seed=3, parent_rows=parents)
    total = made.columns[0].recipe.family.round
    names = pa.Table.from_batches(generate(made, 0, total, 5000))["shop"].to_pylist()
    groups = [(name, len(list(group))) for name, group in groupby(names)]
    assert len(groups) == len({name for name, _ in groups}), "children of one parent stand side by side"
    known = at_rows(plan(interface, "shops", seed=3), np.arange(parents))["code"].to_pylist()
    counts = [dict(groups).get(name, 0) for name in known]
    assert sum(counts) == total
    assert (min(counts), max(counts) <= high) == (low, True)
    assert abs(np.mean(counts) - mean) < 0.1 * mean
    if low != high:
        ends = min(parents - children.BLOCK, 100)
        assert counts[:ends] != counts[children.BLOCK : children.BLOCK + ends], "each block is turned by its own number"
    again = pa.Table.from_batches(generate(made, total, total + 50))["shop"].to_pylist()
    assert set(again) <= set(known)  # the next round


def test_lines_are_numbered_within_their_parent():
    made = plan(family({"type": "poisson", "mean": 3}, minimum=1, maximum=40), "sales", seed=3, parent_rows=500)
    total = made.columns[0].recipe.family.round
    lines = [tuple(row.values()) for row in pa.Table.from_batches(generate(made, 0, total)).to_pylist()]
    for _, group in groupby(lines, key=lambda pair: pair[0]):
        numbers = [number for _, number in group]
        assert numbers == list(range(1, len(numbers) + 1))
    more = [tuple(row.values()) for row in pa.Table.from_batches(generate(made, 0, total * 2)).to_pylist()]
    assert len(set(more)) == total * 2
    with pytest.raises(PlanError, match="line: must be unique"):
        made.allow(total * 40)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ({"type": "bell"}, "unknown type 'bell'"),
        ({"type": "poisson", "mean": -1}, "mean must be a number above 0"),
        ({"type": "fixed", "count": 0}, "no parent has a child"),
        ({"type": "uniform", "minimum": 5, "maximum": 2}, "minimum 5 is more than maximum 2"),
        ({"type": "counts", "weights": {}}, "counts need weights"),
        ({"type": "counts", "weights": {"a": 1}}, "must be numbers"),
        ({"type": "zipf", "exponent": "x"}, "exponent must be a number"),
        (3, "write a distribution"),
    ],
)
def test_families_that_cannot_be(shape, words):
    with pytest.raises(PlanError) as caught:
        plan(family(shape), "sales", seed=3)
    assert words in str(caught.value)
    assert caught.value.column == "shop"
    assert caught.value.pointer == "/schema/1/properties/0/relationships/0"
    with pytest.raises(ValueError, match=r"."):
        children.family(shape, 10, 0)


def test_optional_parents_are_missing_as_a_whole():
    parent = {"a": field("string", pattern="^A[0-9]{3}$"), "b": field("integer", minimum=1, maximum=900)}
    child = {
        "x": {**field("string", required=False), **custom(null_share=0.3)},
        "y": field("integer", required=False),
        "_": {
            "relationships": [{"type": "foreignKey", "from": ["child.x", "child.y"], "to": ["parent.a", "parent.b"]}]
        },
    }
    interface = contract(parent=parent, child=child)
    known = at_rows(plan(interface, "parent", seed=3), np.arange(300))
    pairs = set(zip(known["a"].to_pylist(), known["b"].to_pylist(), strict=True))
    made = at_rows(plan(interface, "child", seed=3, parent_rows=300), np.arange(4000))
    found = Counter(zip(made["x"].to_pylist(), made["y"].to_pylist(), strict=True))
    assert 0.27 < found.pop((None, None)) / 4000 < 0.33
    assert found.keys() <= pairs


def test_a_table_may_name_its_own_earlier_rows():
    fields = {"id": {**field("string", pattern="^U[0-9]{5}$"), "primaryKey": True},
              "above": {**field("string", required=False), **to("units.id")}}  # fmt: skip
    made = plan(contract(units=fields), None, seed=3)
    table = pa.Table.from_batches(generate(made, 0, 3000, 700)).to_pylist()
    seen = set()
    for row in table:
        assert row["above"] is None or row["above"] in seen
        seen.add(row["id"])
    assert table[0]["above"] is None
    assert 0.02 < sum(row["above"] is None for row in table) / 3000 < 0.08
    fields["id"] |= to("units.above")
    with pytest.raises(PlanError, match="cyclic foreign keys: the key names a column that is itself a key"):
        plan(contract(units=fields), None, seed=3)


def test_different_items_and_bounds_of_arrays():
    def array(items, **options):
        return {"logicalType": "array", "required": True, "items": items, "logicalTypeOptions": options}

    table = rows(
        {
            "days": array({"logicalType": "integer", "logicalTypeOptions": {"minimum": 1, "maximum": 7}},
                          uniqueItems=True, minItems=2, maxItems=7),
            "tags": array({"logicalType": "string", **codes("x", "y")}, uniqueItems=True, maxItems=9),
            "free": array({"logicalType": "string"}, uniqueItems=True, minItems=3),
        }, 2000,
    )  # fmt: skip
    assert table.schema.field("days").type == pa.list_(pa.int64())
    for row in table.to_pylist():
        assert all(len(set(items)) == len(items) for items in row.values())
        assert 2 <= len(row["days"]) <= 7
        assert len(row["tags"]) <= 2
        assert len(row["free"]) >= 3
    assert len({tuple(row["days"]) for row in table.to_pylist()}) > 700


KIND = {**field("string"), **codes("a", "b")}


@pytest.mark.parametrize(
    ("fields", "column", "words"),
    [
        ({"x": {**field("integer"), **custom(compute="y +")}}, "x", "ends too early (at character 4)"),
        ({"x": {**field("integer"), **custom(compute="yy + 1")}, "y": field("integer")}, "x", "near: y"),
        ({"x": {**field("integer"), **custom(compute="y")}, "y": field("string")}, "x", "gives a string"),
        ({"x": {**field("integer"), **custom(compute="y * 1.5")}, "y": field("integer")}, "x", "gives a double"),
        ({"a": {**field("integer"), **custom(compute="b + 1")}, "b": {**field("integer"), **custom(compute="c")},
          "c": {**field("integer"), **custom(compute="a")}}, "a", "in a circle: a → "),
        ({"x": {**field("integer"), **custom(compute="x + 1")}}, "x", "in a circle: x → x"),
        ({"x": {**field("integer"), **custom(compute="1 / y")}, "y": field("integer", minimum=0, maximum=1)}, "x",
         "no value for some rows"),
        ({"x": {**field("integer", maximum=10), **custom(compute="y")}, "y": field("integer", minimum=11)}, "x",
         "against maximum 10"),
        ({"x": {**field("integer"), "unique": True, **custom(compute="y")}, "y": field("integer")}, "x", "unique"),
        ({"x": {**field("integer"), **custom(depends_on="z", correlation=0.5)}}, "x", "no field here"),
        ({"x": {**field("integer"), **custom(depends_on="k", correlation=0.5)}, "k": KIND}, "x", "no order of numbers"),
        ({"x": {**field("integer"), **custom(depends_on="y", correlation=5)}, "y": field("integer")}, "x", "-1 to 1"),
        ({"x": {**field("integer"), **custom(depends_on="y")}, "y": field("integer")}, "x", "says nothing of how"),
        ({"x": {**field("integer"), **custom(correlation=0.4)}}, "x", "needs x-depends-on"),
        ({"x": {**field("string"), **codes("p"), **custom(depends_on="k", weights={"c": {"p": 1}})}, "k": KIND}, "x",
         "names 'c', which 'k' never has"),
        ({"x": {**field("string"), **codes("p"), **custom(depends_on="k", weights={"a": {"q": 1}})}, "k": KIND}, "x",
         "names 'q', which is not in the enum"),
        ({"x": {**field("integer", minimum=0, maximum=5), **custom(
            depends_on="y", distribution={"type": "linear", "intercept": 900})}, "y": field("integer", minimum=0)}, "x",
         "misses the field's range"),
        ({"x": {**field("integer"), **custom(depends_on="y", distribution={"type": "linear", "deviation": -1})},
          "y": field("integer")}, "x", "deviation must be 0 or more"),
        ({"x": {**field("string", required=False), **custom(null_share={"when": "y > 'a'", "share": 1})},
          "y": field("integer")}, "x", "cannot be compared"),
        ({"x": {**field("string", required=False), **custom(null_share={"when": "y > 1", "share": 3})},
          "y": field("integer")}, "x", "from 0 to 1"),
        ({"x": {**field("string", required=False), **custom(null_share={"share": 0.5})}}, "x", "by a condition is"),
        ({"x": {**field("string"), **custom(distribution={"type": "normal"})}}, "x", "shapes numbers only"),
        ({"x": {**field("string"), **custom(weights={"a": 1})}}, "x", "there is none"),
        ({"x": {**field("integer"), **custom(distribution={"type": "exponential", "mean": -3})}}, "x", "mean"),
        ({"x": {**field("integer"), **custom(distribution={"type": "normal", "mean": float("nan")})}}, "x", "mean"),
        ({"x": {**field("integer"), **custom(distribution={"type": "normal", "meen": 3})}}, "x", "no parameter 'meen'"),
        ({"x": {**field("integer"), **custom(distribution="normal")}}, "x", "x-distribution"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_before_a_row_is_made(fields, column, words):
    with pytest.raises(PlanError) as caught:
        rows(fields, 10)
    assert words in f"{caught.value} {caught.value.hint}"
    assert caught.value.column == column
    assert caught.value.pointer.startswith("/schema/0/properties/")


def test_a_computed_value_that_breaks_its_field_stops_the_work():
    fields = {
        "x": {**field("integer", maximum=10**5), **custom(compute="y == 77777 ? 1000000 : y")},
        "y": {**field("integer", minimum=0, maximum=10**5)},
    }
    made = plan(contract(things=fields), None, seed=3)
    with pytest.raises(PlanError, match="x: x-compute: there is 1000000, against maximum 100000"):
        for _ in generate(made, 0, 10**6):
            pass
