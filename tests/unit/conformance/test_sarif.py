import json

from sarif_pydantic import Sarif

from conformance.case import Outcome
from conformance.sarif import sarif


def test_findings_are_sarif_with_request_law_and_one_alert_for_both_seeds(make) -> None:
    bad = make.run(Outcome.FAIL, "E3", turns=(make.turn(answer={"state": "completed"}),))
    report = make.report(
        {
            make.case("complete"): (make.run(), make.run()),
            make.case("E3.divorced", "E3"): (bad, bad),
            make.case("odd", "context"): (make.run(Outcome.WARN, "context"),),
            make.case("slow", "once"): (make.run(Outcome.INCONCLUSIVE, note=make.text("rate limited")),),
        }
    )
    document = json.loads(json.dumps(sarif(report, "src\\my app.py")))
    Sarif.model_validate(document)
    [run] = document["runs"]
    assert [(r["ruleId"], r["level"]) for r in run["results"]] == [("E3", "error"), ("context", "warning")]
    first = run["results"][0]
    assert first["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "src/my%20app.py"
    assert (first["webRequest"]["method"], first["webResponse"]["statusCode"]) == ("POST", 200)
    assert first["webResponse"]["body"]["text"] == '{"state": "completed"}'
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["E3", "context"]
    assert "law of E3" in run["tool"]["driver"]["rules"][0]["help"]["text"]
    assert run["results"][1]["ruleIndex"] == 1
    [silence] = run["invocations"][0]["toolExecutionNotifications"]
    assert silence["message"]["text"] == "slow: rate limited"
