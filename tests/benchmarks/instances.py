"""Instances of the schemas of JSON-Schema-Test-Suite that have a valid instance and no remote references; instances
with one fault of those that have an invalid one, and of the component schemas of real APIs.

`JSON_SCHEMA_TEST_SUITE` names a checkout of the suite, without it a row says that it was left out;
`TONGBAN_BENCH_CORPUS` a folder of OpenAPI documents (those of tests/data). The judge is the `jsonschema` package.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import jsonschema_rs

from exchange.bench import row
from mockdata.instances import Instances, Unsatisfiable
from specs.reading import read

FOLDERS = {"2020-12": "draft2020-12", "draft-7": "draft7"}
EACH = 5
SAMPLE = Path(__file__).parents[1] / "data" / "openapi"


def measure() -> list[dict[str, Any]]:
    """Rows for `exchange.bench`."""
    folder = os.environ.get("JSON_SCHEMA_TEST_SUITE")
    if folder is None:
        return [row("JSON-Schema-Test-Suite", None, "", "left out: JSON_SCHEMA_TEST_SUITE is not set", None, "", None)]
    found = []
    for draft, least in (("2020-12", 0.99), ("draft-7", 1.0)):
        told = judged(Path(folder), draft)
        share = told["passed"] / told["schemas"]
        found += [
            row(f"{draft}: schemas with 5 of 5 valid instances", told["passed"], f"of {told['schemas']}",
                "the best peer", round(share / PEER[draft], 3), f">= {least:.0%}", share >= least),
            row(f"{draft}: invalid instances", told["invalid"], "", "", None, "= 0", told["invalid"] == 0),
            row(f"{draft}: fewer than 3 distinct values", told["uniform"], "schemas", "", None, "= 0",
                told["uniform"] == 0),
            row(f"{draft}: a schema, median", round(told["ms"], 2), "ms", "5 ms", round(told["ms"] / 5, 2), "<= 5",
                told["ms"] <= 5),
        ]  # fmt: skip
        found += [row(f"{draft}: {failure}", None, "", "", None, "", None) for failure in told["failures"]]
        found += fault_rows(draft, faulted(invalidated(Path(folder), draft), draft))
    corpus = Path(os.environ.get("TONGBAN_BENCH_CORPUS", SAMPLE))
    return [*found, *fault_rows("OpenAPI components", faulted(components(corpus), "2020-12"))]


def fault_rows(what: str, told: dict[str, Any]) -> list[dict[str, Any]]:
    share = told["broken"] / told["schemas"]
    return [
        row(f"{what}: schemas with a keyword violated alone", told["broken"], f"of {told['schemas']}", "", None,
            ">= 99%", share >= 0.99),
        row(f"{what}: faults made, each in every place", told["faults"], f"of {told['spots']}", "", None, "", None),
        row(f"{what}: faults the judge does not see alone", told["wrong"], "", "", None, "= 0", told["wrong"] == 0),
        row(f"{what}: all faults of a schema, median", round(told["ms"], 2), "ms", "", None, "", None),
        row(f"{what}: boundaries made", told["boundaries"], f"of {told['limits']}", "", None, "", None),
        row(f"{what}: boundaries the judge refuses", told["refused"], "", "", None, "= 0", told["refused"] == 0),
        *(row(f"{what}: {failure}", None, "", "", None, "", None) for failure in told["failures"]),
    ]  # fmt: skip


PEER = {"2020-12": 0.982, "draft-7": 1.0}
"""Share passed by the best generator measured (schemathesis 4.32, facts)."""


def judged(suite: Path, draft: str) -> dict[str, Any]:
    """schemas, passed (5 of 5 valid by the `jsonschema` package), invalid instances, unsatisfiable, uniform (fewer
    than 3 distinct values although the suite knows 3 valid ones), ms a schema in the median, failures by name."""
    validator = {"2020-12": jsonschema.Draft202012Validator, "draft-7": jsonschema.Draft7Validator}[draft]
    told: dict[str, Any] = {"schemas": 0, "passed": 0, "invalid": 0, "unsatisfiable": 0, "uniform": 0, "failures": []}
    took = []
    for name, schema, valid in schemas(suite, draft):
        told["schemas"] += 1
        began = time.perf_counter()
        try:
            instances = Instances(schema, draft)
            made = [instances.example(seed) for seed in range(EACH)]
        except Unsatisfiable as error:
            told["unsatisfiable"] += 1
            told["failures"].append(f"{name}: {error}")
            continue
        finally:
            took.append((time.perf_counter() - began) * 1000)
        wrong = [value for value in made if not _valid(validator(schema), schema, value)]
        told["invalid"] += len(wrong)
        told["passed"] += not wrong
        if wrong:
            told["failures"].append(f"{name}: invalid {json.dumps(wrong[0])[:80]}")
        distinct = {json.dumps(value, sort_keys=True) for value in made}
        if len(distinct) < 3 <= len({json.dumps(value, sort_keys=True) for value in valid}):
            told["uniform"] += 1
            told["failures"].append(f"{name}: only {len(distinct)} distinct")
    told["ms"] = statistics.median(took)
    return told


def _valid(judge: Any, schema: Any, value: Any) -> bool:
    try:
        return bool(judge.is_valid(value))
    except re.error:
        # patterns of ECMA 262 that Python has not
        return jsonschema_rs.is_valid(schema, value)


def schemas(suite: Path, draft: str) -> Iterator[tuple[str, Any, list[Any]]]:
    """(name, schema, the suite's valid instances) of every group that can be used."""
    for path in sorted((suite / "tests" / FOLDERS[draft]).glob("*.json")):
        for group in json.loads(path.read_text(encoding="utf-8")):
            valid = [test["data"] for test in group["tests"] if test["valid"]]
            text = json.dumps(group["schema"])
            if valid and "localhost:1234" not in text:
                yield f"{path.stem}: {group['description']}", group["schema"], valid


def faulted(found: Iterator[tuple[str, Any]], draft: str) -> dict[str, Any]:
    """Of schemas that can be violated: how many give a value with one fault, all faults and boundaries, those the judge
    sees otherwise, and the median of ms for all faults of a schema."""
    names = ("schemas", "broken", "spots", "faults", "wrong", "limits", "boundaries", "refused")
    told: dict[str, Any] = {**dict.fromkeys(names, 0), "failures": []}
    took = []
    for name, schema in found:
        instances = Instances(schema, draft, tolerant=True)
        began = time.perf_counter()
        spots, refused = instances.violations(), instances.refusals()
        took.append((time.perf_counter() - began) * 1000)
        if not spots and not refused:
            continue  # demands nothing
        told["schemas"] += 1
        told["spots"] += len(spots) + len(refused)
        told["faults"] += len(spots)
        told["broken"] += bool(spots)
        if not spots:
            told["failures"].append(f"{name}: {refused[0].reason}")
        judge = validator(instances.schema, draft)
        for spot in spots:
            broken = instances.invalid(0, spot)
            seen = causes(judge, broken.value)
            if seen is not None and len(seen) != 1:
                told["wrong"] += 1
                told["failures"].append(f"{name}: {broken.schema_pointer}: {seen or 'nothing'} in {broken.value}"[:200])
        limits = instances.boundaries()
        told["limits"] += len(limits) + len(instances.refusals(invalid=False))
        told["boundaries"] += len(limits)
        unknown = ("leap second",)  # the judge has none
        values = [instances.boundary(0, spot).value for spot in limits if spot.case not in unknown]
        told["refused"] += sum(bool(causes(judge, value)) for value in values)
    told["ms"] = statistics.median(took)
    return told


def validator(schema: Any, draft: str) -> Any:
    kind = jsonschema.validators.validator_for(
        schema, {"2020-12": jsonschema.Draft202012Validator, "draft-7": jsonschema.Draft7Validator}[draft]
    )
    return kind(decimals(schema), format_checker=kind.FORMAT_CHECKER)


def decimals(value: Any) -> Any:
    return json.loads(json.dumps(value), parse_float=Decimal)


def causes(judge: Any, value: Any) -> set[tuple[Any, ...]] | None:
    """The keywords the judge sees violated, each with its place; `unevaluated` ones do not count beside others, as
    they follow from them. None where the judge cannot read the schema."""
    try:
        found = list(judge.iter_errors(decimals(value)))
    except re.error:
        return None
    own = [error for error in found if not str(error.validator).startswith("unevaluated")] or found
    return {
        (str(error.validator), id(error.schema), *error.absolute_path, error.message * (error.validator == "required"))
        for error in own
    }


def invalidated(suite: Path, draft: str) -> Iterator[tuple[str, Any]]:
    """(name, schema) of every group of the suite that has an invalid instance, references to metaschemas left out:
    the judge has others than jsonschema-rs."""
    for path in sorted((suite / "tests" / FOLDERS[draft]).glob("*.json")):
        for group in json.loads(path.read_text(encoding="utf-8")):
            text = json.dumps(group["schema"].get("$ref") if isinstance(group["schema"], dict) else "")
            foreign = "localhost:1234" in json.dumps(group["schema"]) or "json-schema.org" in text
            if not foreign and not all(test["valid"] for test in group["tests"]):
                yield f"{path.stem}: {group['description']}", group["schema"]


def components(folder: Path) -> Iterator[tuple[str, Any]]:
    """(name, schema) of every component of the API documents of a folder."""
    for path in sorted(folder.glob("*.json")):
        interface = read(path)
        for name, schema in interface.definitions.items():
            yield f"{path.stem}: {name}", interface.standalone(schema)
