import json
from pathlib import Path

import jsonschema_rs
import pytest

from conformance import grade as grading
from conformance.case import Expected, Outcome
from conformance.published import schema
from conformance.report import to_json

FILE = Path(__file__).parents[3] / "docs" / "conformance-report.schema.json"


def test_the_published_schema_is_that_of_the_reports() -> None:
    assert json.loads(FILE.read_text()) == schema(), "run: tongban conform schema > docs/conformance-report.schema.json"


def test_reports_keep_to_it_and_others_do_not(make) -> None:
    import dataclasses

    turn = dataclasses.replace(make.turn(), expected=Expected("completed", notices=("E6",)), calls=1)
    run = make.run(Outcome.FAIL, "E3", turns=(turn,), calls=(make.call("check", 200, "ZT"),))
    report = make.report({make.case("E3.divorced", "E3"): (run,)})
    told = to_json(report) | {"grade": grading.to_json(grading.grade(report, grading.policy()))}
    check = jsonschema_rs.validator_for(schema())
    check.validate(json.loads(json.dumps(told)))
    check.validate(to_json(report) | {"grade": None})
    for change in ({"format": "x"}, {"cases": [{}]}, {"requests": "many"}, {"grade": {"letter": "F"}}):
        with pytest.raises(jsonschema_rs.ValidationError):
            check.validate(told | change)
