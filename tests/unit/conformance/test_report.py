import json

import pytest

from conformance.case import Kind, Outcome
from conformance.report import ReportError, from_json, reveal, stable, to_json


@pytest.fixture
def report(make):
    control = make.case("complete", "eligible")
    negative = make.case("E3.divorced", "E3", kind=Kind.NEGATIVE, control="complete")
    failed = make.run(
        Outcome.FAIL, "E3", subject=make.text("a couple"), turns=(make.turn(),), calls=(make.call("check", 200, "ZT"),)
    )
    return make.report({control: (make.run(), make.run()), negative: (make.run(), failed)})


def test_json_and_back_loses_nothing(report) -> None:
    assert from_json(json.loads(json.dumps(to_json(report)))) == report


def test_two_seeds_that_disagree_are_flaky_and_the_graver_counts(report) -> None:
    case = report.case("E3.divorced")
    assert case.flaky
    assert case.outcome is Outcome.FAIL
    assert to_json(report)["cases"][1]["flaky"] is True
    assert report.failing == ("E3.divorced",)


def test_requirements_follow_their_problems(make) -> None:
    both = make.case("fault", "honest", "keep")
    report = make.report({both: (make.run(Outcome.FAIL, "keep"),)})
    assert report.requirement("keep") is Outcome.FAIL
    assert report.requirement("honest") is Outcome.PASS
    assert report.requirement("unknown") is None


def test_a_case_that_showed_nothing_leaves_its_requirement_open(make) -> None:
    report = make.report({make.case("a", "r"): (make.run(Outcome.INCONCLUSIVE),), make.case("b", "r"): (make.run(),)})
    assert report.requirement("r") is Outcome.INCONCLUSIVE


def test_a_hidden_report_holds_no_seed_until_it_is_revealed(report) -> None:
    assert '"seeds": null' in json.dumps(to_json(report))
    assert to_json(reveal(report, ("s1", "s2"), "n" * 32))["seeds"] == ["s1", "s2"]


def test_the_stable_part_forgets_ports_times_and_ids(make, report) -> None:
    import dataclasses

    moved = json.loads(json.dumps(to_json(report)).replace(":9001", ":9555").replace("hm-1", "hm-2"))
    other = dataclasses.replace(from_json(moved), started="2026-11-02T00:00:00+00:00")
    assert other != report
    assert stable(other) == stable(report)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"format": "x"}, "format"),
        ({"suite": 5}, "/suite"),
        ({"cases": {}}, "/cases"),
        ({"cases": [{"runs": []}]}, "/cases/0/case"),
        ({"requirements": [5]}, "/requirements/0"),
    ],
)
def test_what_is_no_report_is_refused_with_its_place(report, change, place) -> None:
    with pytest.raises(ReportError, match=place):
        from_json({**to_json(report), **change})


def test_an_unknown_outcome_is_refused(report) -> None:
    document = to_json(report)
    document["cases"][0]["runs"][0]["outcome"] = "FINE"
    with pytest.raises(ReportError, match="FINE"):
        from_json(document)
