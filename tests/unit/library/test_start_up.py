"""The start-up matter: its order, and its rules over facts that meet them, one changed at a time."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

import pytest

from conformance import expressions
from specs import library

MATTER = library.matter("start-up")
RULES: Mapping[str, Mapping[str, Any]] = {rule["id"]: rule for rule in MATTER.rules}
TODAY = "2027-03-15"
CLEAR = {"MSXWNLDM": "1", **dict.fromkeys(("ZMLBDM", "XFQMRQ", "BQQMRQ", "PCZWDM", "PCGRZR", "PCWJRQ"))}


@pytest.fixture
def facts() -> dict[str, Any]:
    application = next(iter(MATTER.interface.operation("submitHandledMatter").body.contents[0].examples.values()))
    passed = {"PPJG": "1", "RXBDJGDM": "1"}
    return {
        "application": application.get("value", application),
        "name": {"MCSBJGDM": "1", "MCSBH": "MC202610120001"},
        "persons": [{"pointer": "/legal_representative", **passed}, {"pointer": "/directors/0", **passed}],
        "court": dict(CLEAR),
        "market": {"DXZWDM": None, "DXGRZR": None, "DXRQ": None},
        "bank": {"YQWQCJE": 0.0},
        "settings": dict(MATTER.settings),
        "today": TODAY,
    }


def failed(facts: Mapping[str, Any]) -> set[str]:
    return {id for id, rule in RULES.items() if not expressions.holds(rule["holds"], facts)}


def test_the_order_is_that_of_the_matter() -> None:
    needs = {step.id: set(step.needs) for step in MATTER.steps}
    assert needs["B2"] == {"B1"}
    assert {*needs["B3-court"], *needs["B3-market"], *needs["B3-bank"]} == {"B2"}
    assert needs["B4"] == {"B3-court", "B3-market", "B3-bank"}
    assert all(needs[f"B{number}"] == {"B4"} for number in range(5, 10))
    workflow = MATTER.process.process.workflows[0]
    assert {step.id: set(step.depends_on) for step in workflow.steps} == needs
    for step in MATTER.steps:
        arazzo = workflow.step(step.id)
        assert set(step.reads) == set(arazzo.outputs) == set(MATTER.needs[step.interface][step.operation])
        assert set(step.sends) == set(arazzo.payload.value)
        assert step.writes == (MATTER.interfaces[step.interface].operation(step.operation).success.status == "201")
    result = MATTER.interface.definitions["HandledMatter"]["properties"]["result"]["properties"]
    assert set(workflow.outputs) == set(result)


def test_a_rule_rests_on_what_may_be_read() -> None:
    for rule in RULES.values():
        for use in rule["uses"]:
            match = re.fullmatch(r"([a-z.-]+)#([A-Za-z]+)/response/([A-Z0-9]+)", use)
            assert match or use.startswith("application"), use
            assert match is None or match[3] in MATTER.needs[match[1]][match[2]], use


def test_good_founders_meet_every_rule_but_the_duty_to_insure(facts: dict[str, Any]) -> None:
    assert failed(facts) == {"S58"}
    facts["application"] = {**facts["application"], "deposits": {"ZGRS": 0, "JCBL": 0.05, "JCJS": 3000}}
    assert failed(facts) == set()


@pytest.mark.parametrize(
    ("where", "change", "rules"),
    [
        ("name", {"MCSBJGDM": "2"}, {"N1"}),
        ("court", {"MSXWNLDM": "2"}, {"D1"}),
        ("court", {"MSXWNLDM": "3"}, {"D1"}),
        *[("court", {"ZMLBDM": f"0{kind}", "XFQMRQ": "2022-03-16"}, {"D2"}) for kind in range(1, 6)],
        ("court", {"ZMLBDM": "02", "XFQMRQ": "2022-03-15"}, set()),
        ("court", {"ZMLBDM": "02", "XFQMRQ": "2028-01-01"}, {"D2"}),
        ("court", {"ZMLBDM": "99", "XFQMRQ": "2026-03-16"}, set()),
        ("court", {"ZMLBDM": "99", "XFQMRQ": "2020-01-01", "BQQMRQ": "2022-03-16"}, {"D2"}),
        ("court", {"ZMLBDM": "99", "XFQMRQ": "2020-01-01", "BQQMRQ": "2022-03-15"}, set()),
        *[
            ("court", {"PCZWDM": role, "PCGRZR": blame, "PCWJRQ": day}, {"D3"} if barred else set())
            for role, blame, day, barred in (
                ("1", "1", "2024-03-16", True),
                ("2", "1", "2024-03-16", True),
                ("3", "1", "2024-03-16", True),
                ("4", "1", "2024-03-16", False),
                ("1", "0", "2024-03-16", False),
                ("1", "1", "2024-03-15", False),
            )
        ],
        ("market", {"DXZWDM": "1", "DXGRZR": "1", "DXRQ": "2024-03-16"}, {"D4"}),
        ("market", {"DXZWDM": "1", "DXGRZR": "1", "DXRQ": "2024-03-15"}, set()),
        ("market", {"DXZWDM": "2", "DXGRZR": "1", "DXRQ": "2026-03-16"}, set()),
        ("market", {"DXZWDM": "1", "DXGRZR": "0", "DXRQ": "2026-03-16"}, set()),
        ("bank", {"YQWQCJE": 500000.0}, {"D5"}),
        ("bank", {"YQWQCJE": 499999.99}, set()),
    ],
)
def test_each_fact_breaks_its_rule_alone(
    facts: dict[str, Any], where: str, change: dict[str, Any], rules: set[str]
) -> None:
    facts[where] = {**facts[where], **change}
    assert failed(facts) - {"S58"} == rules


@pytest.mark.parametrize(("change", "rule"), [({"PPJG": "2"}, "X1"), ({"PPJG": "3"}, "X2"), ({"RXBDJGDM": "2"}, "R1")])
def test_a_person_is_named_by_place(facts: dict[str, Any], change: dict[str, str], rule: str) -> None:
    facts["persons"][1] |= change
    assert rule in failed(facts)
    assert expressions.evaluate(RULES[rule]["concerns"], facts) == ["/directors/0"]


@pytest.mark.parametrize("rule", ["M1", "M2"])
def test_every_gap_is_noticed(facts: dict[str, Any], rule: str) -> None:
    for gap in RULES[rule]["gaps"]:
        application = copy.deepcopy(facts["application"])
        *parents, last = gap["pointer"].strip("/").split("/")
        del (application[parents[0]] if parents else application)[last]
        assert expressions.holds(RULES[rule]["holds"], {"application": application}) is False, gap
    assert expressions.holds(RULES[rule]["holds"], {"application": {}}) is False


def test_the_law_of_article_12_is_named() -> None:
    for number, rule in enumerate(("D1", "D2", "D3", "D4", "D5"), 1):
        assert RULES[rule]["law"]["article"] == "12"
        assert f"({number})" in RULES[rule]["law"]["en"]
    assert set(MATTER.suite["rules_required"]) == set(RULES) - {"S58"}
