"""Instances of the schemas of JSON-Schema-Test-Suite that have a valid instance and no remote references.

`JSON_SCHEMA_TEST_SUITE` names a checkout of the suite; without it the one row says that it was left out.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import jsonschema_rs

from exchange.bench import row
from mockdata.instances import Instances, Unsatisfiable

FOLDERS = {"2020-12": "draft2020-12", "draft-7": "draft7"}
EACH = 5


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
    return found


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
