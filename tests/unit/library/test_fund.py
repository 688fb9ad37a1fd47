"""The fund withdrawal: its documents agree, and its rules, gaps and steps are those of article 24."""

from __future__ import annotations

import re
from typing import Any

import cel
import pytest

from specs import library
from specs.library import Matter

GROUNDS = ("G1", "G2", "G3", "G4", "G5", "G6", "G7")
CHECKS_OF = {
    "G1": {"H2-purchase"},
    "G2": {"H6-retired"},
    "G3": {"H6-capacity"},
    "G4": {"H4-abroad"},
    "G5": {"H5"},
    "G6": {"H2-rent", "H3", "H2-spouse", "H7", "H7-spouse"},
    "G7": {"H4-death", "H4-kin"},
}


@pytest.fixture(scope="module")
def fund() -> Matter:
    return library.matter("fund-withdrawal")


def holds(expression: str, **variables: Any) -> bool:
    return cel.compile(expression).execute(cel.Context(variables, {})) is True


def test_matter_and_process_agree(fund: Matter) -> None:
    assert fund.process.process is not None
    (workflow,) = fund.process.process.workflows
    assert [step.id for step in fund.steps] == [step.id for step in workflow.steps]
    reads: dict[str, dict[str, set[str]]] = {}
    for step in fund.steps:
        arazzo = workflow.step(step.id)
        assert (step.interface, step.operation) == (arazzo.interface, arazzo.operation)
        assert set(step.needs) == set(arazzo.depends_on)
        assert set(step.reads) == set(arazzo.outputs)
        assert arazzo.payload is not None
        assert set(step.sends) == set(arazzo.payload.value)
        assert set(step.about) <= set(step.sends)
        interface = fund.interfaces[step.interface]
        operation = interface.operation(step.operation)
        assert operation.success is not None
        assert step.writes == (operation.success.status == "201")
        names = {field.name for field in interface.fields(operation.success.contents[0].schema)}
        assert set(step.reads) <= names
        reads.setdefault(step.interface, {}).setdefault(step.operation, set()).update(step.reads)
    shown = {i: {o: set(fields) for o, fields in operations.items()} for i, operations in fund.needs.items()}
    assert shown == reads
    written = {step["stepId"]: step.get("x-when") for step in fund.process.document.value["workflows"][0]["steps"]}
    assert written == {step.id: step.when for step in fund.steps}


@pytest.mark.parametrize("ground", GROUNDS)
def test_a_ground_has_its_own_checks(fund: Matter, ground: str) -> None:
    married = {"PPJG": "1", "ZT": "20"}
    application = {"ground": ground, "marital": "married"}
    due = {s.id for s in fund.steps if s.when and holds(s.when, application=application, marriage=married)}
    assert due == CHECKS_OF[ground]


@pytest.mark.parametrize("marriage", [None, {"PPJG": "1", "ZT": "40"}, {"PPJG": "2", "ZT": None}])
def test_nothing_of_the_spouse_before_the_marriage_is_confirmed(fund: Matter, marriage: Any) -> None:
    for step in (fund.step("H2-spouse"), fund.step("H7-spouse")):
        assert step.when is not None
        assert not holds(step.when, application={"ground": "G6", "marital": "married"}, marriage=marriage)
        assert step.needs == ("H3",)
        assert step.about == {"GMSFHM": ("/spouse/GMSFHM",)}


def test_stages_steps_and_states_agree(fund: Matter) -> None:
    stages = fund.interface.extensions["x-rule-stages"]
    assert [rule for stage in stages for rule in stage["rules"]] == [rule["id"] for rule in fund.rules]
    by_id = {rule["id"]: rule for rule in fund.rules}
    assert all(by_id[rule]["outcome"] == stage["state"] for stage in stages for rule in stage["rules"])
    called = [step for stage in stages for step in stage["calls"]]
    assert sorted(called) == sorted(step.id for step in fund.steps if not step.writes)
    schemas = fund.interface.definitions
    assert schemas["Step"]["properties"]["step"]["enum"] == [step.id for step in fund.steps]
    assert fund.settings == fund.interface.extensions["x-settings"]


def test_rules_use_only_fields_an_app_may_read(fund: Matter) -> None:
    for rule in fund.rules:
        assert rule["law"]["zh_CN"]
        assert set(rule["message"]) == set(rule["title"]) == {"zh_CN", "en"}
        for use in rule["uses"]:
            match = re.fullmatch(r"([a-z.-]+)#([A-Za-z]+)/response/([A-Z0-9]+)", use)
            assert match or use.startswith("application"), use
            if match:
                assert match[3] in fund.needs[match[1]][match[2]], use


RULES = {rule["id"]: rule for rule in library.matter("fund-withdrawal").rules}
CONDITIONS = {gap["pointer"]: gap.get("when") for gap in RULES["M1"]["gaps"]}


def test_gaps_are_asked_of_their_ground_only() -> None:
    def asked(**application: str) -> set[str]:
        return {p for p, when in CONDITIONS.items() if when is not None and holds(when, application=application)}

    assert asked(ground="G1") == {"/contract/WQHTBH"}
    assert asked(ground="G2") == asked(ground="G3") == asked(ground="G4") == asked() == set()
    assert asked(ground="G6", marital="unmarried") == {"/rent/YZJ", "/marital"}
    assert asked(ground="G6", marital="married") == {"/rent/YZJ", "/marital", "/spouse/XM", "/spouse/GMSFHM"}


OPEN = {"PPJG": "1", "ZHYE": 9_000, "ZHZT": "01"}
NONE = dict.fromkeys(
    (
        "property",
        "spouse_property",
        "marriage",
        "registration",
        "kinship",
        "loan",
        "retirement",
        "wages",
        "spouse_wages",
    )
)


@pytest.mark.parametrize(
    ("ground", "change", "broken"),
    [
        ("G1", {"amount": 9_000, "property": {"HTHYJG": "1"}}, set()),
        ("G1", {"amount": 9_001, "property": {"HTHYJG": "2"}}, {"E2", "E11"}),
        ("G1", {"account": OPEN | {"ZHZT": "09"}, "amount": 1, "property": {"HTHYJG": "1"}}, {"E1"}),
        ("G2", {"amount": 9_000, "retirement": {"TXZT": "1", "TXRQ": "2026-11-05"}}, set()),
        ("G2", {"amount": 9_000, "retirement": {"TXZT": "1", "TXRQ": "2026-11-06"}}, {"E12"}),
        ("G2", {"amount": 8_999, "retirement": {"TXZT": "0", "TXRQ": None}}, {"E3", "E12"}),
        ("G3", {"amount": 9_000, "retirement": {"LDNL": "2", "LDGX": "1"}}, {"E13", "E14"}),
        ("G4", {"amount": 9_000, "registration": {"CJDJPZ": "0"}}, {"E15"}),
        ("G5", {"amount": 600, "loan": {"HTHYJG": "1", "HKZE": 600}}, set()),
        ("G5", {"amount": 601, "loan": {"HTHYJG": "1", "HKZE": 600}}, {"E17"}),
        ("G5", {"amount": 601, "loan": {"HTHYJG": "2", "HKZE": None}}, {"E16"}),
        ("G6", {"property": {"ZFTS": 0}, "wages": {"NGZSR": 48_000}}, {"E20"}),
        ("G6", {"property": {"ZFTS": 0}, "wages": {"NGZSR": 47_999}}, set()),
        ("G6", {"property": {"ZFTS": 1}, "wages": {"NGZSR": 47_999}}, {"E19"}),
        ("G7", {"registration": {"HJZT": "2"}, "kinship": {"QSGX": "3"}}, set()),
        ("G7", {"registration": {"HJZT": "1"}, "kinship": {"QSGX": None}}, {"E21", "E22"}),
    ],
)
def test_each_fact_breaks_its_rules(ground: str, change: dict[str, Any], broken: set[str]) -> None:
    application = {
        "ground": ground,
        "amount": change.pop("amount", 100),
        "rent": {"YZJ": 1_000},
        "marital": "unmarried",
    }
    answers = {name: {"PPJG": "1", **value} if value else value for name, value in change.items()}
    facts = {"account": OPEN, **NONE, **answers, "application": application, "today": "2026-11-05"}
    facts["settings"] = {"G6_rent_percent": 25}
    failed = {name for name, rule in RULES.items() if name != "M1" and not holds(rule["holds"], **facts)}
    assert failed == broken
