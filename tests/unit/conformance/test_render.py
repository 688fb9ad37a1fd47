from xml.etree import ElementTree

import pytest

from conformance.case import Kind, Outcome
from conformance.grade import grade, policy
from conformance.render import html, junit


@pytest.fixture
def report(make):
    bad = make.run(
        Outcome.FAIL,
        "E3",
        subject=make.text("a <b>couple</b>"),
        turns=(make.turn(answer={"state": "completed", "x": "\x00<script>"}),),
        calls=(make.call("verifyMarriage", 200, "ZT"),),
    )
    return make.report(
        {
            make.case("complete", "eligible"): (make.run(),),
            make.case("E3.divorced", "E3", kind=Kind.NEGATIVE): (bad,),
            make.case("slow", "once"): (make.run(Outcome.INCONCLUSIVE, note=make.text("rate limited")),),
            make.case("odd", "context"): (make.run(Outcome.WARN, "context"),),
            make.case("ours", "robust"): (make.run(Outcome.ERROR, note=make.text("our own error")),),
        }
    )


def test_the_page_holds_what_an_engineer_needs(report) -> None:
    page = html(report, "en", grade=grade(report, policy()))
    for words in (
        "E3.divorced",
        "law of E3",
        "expected",
        "got &lt;this&gt;",
        "curl -sS",
        "verifyMarriage",
        "refused",
        "c" * 64,
    ):
        assert words in page
    assert "<b>couple" not in page
    assert "<script" not in page
    assert "http" not in page.replace("http://127.0.0.1:9001", "").replace("HTTP", "")


def test_one_page_speaks_both_languages(report) -> None:
    both = html(report)
    assert '<span lang="zh">' in both
    assert '<span lang="en">' in both
    assert 'id="say-en"' in both
    assert '<span lang="zh">' not in html(report, "en")
    assert '<span lang="en">' not in html(report, "zh_CN")
    with pytest.raises(ValueError, match="fr"):
        html(report, "fr")


def test_junit_tells_the_outcomes_apart(report) -> None:
    suite = ElementTree.fromstring(junit(report)).find("testsuite")
    assert suite is not None
    kinds = {case.get("name"): [child.tag for child in case] for case in suite}
    assert kinds == {
        "complete": [],
        "E3.divorced": ["failure"],
        "slow": ["skipped"],
        "odd": ["system-out"],
        "ours": ["error"],
    }
    assert (suite.get("failures"), suite.get("errors"), suite.get("skipped")) == ("1", "1", "1")
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert "E3" in str(failure.get("message"))
    assert "curl -sS" in str(failure.text)
