"""The departments' behaviour and the matter's rules, evaluated with stand-ins for the population."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cel
import pytest

from specs import library
from specs.model import Interface

CHECK = ("civil-affairs.marriages", "verifyMarriage")
HOUSEHOLD = ("police.households", "checkHousehold")
INSTITUTION = ("health.birth-certificates", "getInstitution")
CERTIFICATE = ("health.birth-certificates", "issueBirthCertificate")
REGISTRATION = ("police.birth-registrations", "registerBirth")
ENROLMENT = ("medical-insurance.enrolments", "enrolResident")
PREMIUM = ("tax.premiums", "payPremium")
CARD = ("human-resources.social-security-cards", "orderCard")
FILE = ("disease-control.immunization-files", "openImmunizationFile")
CLAIM = ("medical-insurance.maternity-claims", "claimMaternity")


@pytest.fixture
def couple(world: Any) -> dict[str, Any]:
    return {"NAN_XM": "赵一鸣", "NAN_GMSFHM": world.FATHER, "NV_XM": "钱思源", "NV_GMSFHM": world.MOTHER}


@pytest.fixture
def birth(world: Any) -> dict[str, Any]:
    """A body for N2."""
    parents = {"MQ_XM": "钱思源", "MQ_GMSFHM": world.MOTHER, "FQ_XM": "赵一鸣", "FQ_GMSFHM": world.FATHER}
    baby = {"XM": "赵安", "XBDM": "2", "CSRQ": "2026-10-08", "CSSJ": "09:25", "CSDXZQH": "550104", "CSSX": 1}
    return {**baby, "JGDM": world.HOSPITAL, **parents}


@pytest.fixture
def registration(world: Any, birth: dict[str, Any]) -> dict[str, Any]:
    """A body for N3; the certificate has been issued."""
    _, status, issued = world.answer(CERTIFICATE, body=birth)
    assert status == "201"
    parents = {"FQXM": "赵一鸣", "FQGMSFHM": world.FATHER, "MQXM": "钱思源", "MQGMSFHM": world.MOTHER}
    baby = {"XM": "赵安", "XB": "2", "CSRQ": "2026-10-08"}
    declarant = {"SBRXM": "钱思源", "SBRSFZ": world.MOTHER}
    return {"CSZMBH": issued["CSZMBH"], **baby, "LHSFZ": world.FATHER, **parents, **declarant}


@pytest.fixture
def child(world: Any, registration: dict[str, Any]) -> dict[str, Any]:
    """Citizen number, name and guardian of a registered newborn."""
    _, status, registered = world.answer(REGISTRATION, body=registration)
    assert status == "201"
    guardian = {"JHR_XM": "赵一鸣", "JHR_GMSFHM": world.FATHER}
    return {"GMSFHM": registered["GMSFHM"], "XM": "赵安", **guardian}


def operations_with_rules() -> list[tuple[Interface, Any]]:
    found = [(i, o) for i in library.interfaces().values() for o in i.operations]
    return [(i, o) for i, o in found if "x-mock-rules" in o.extensions]


def test_every_writing_and_checking_operation_has_rules() -> None:
    without = {
        operation.id
        for interface in library.interfaces().values()
        for operation in interface.operations
        if "x-mock-rules" not in operation.extensions
    }
    assert without == {"getBirthCertificate", "getBirthRegistration", "getEnrolment"}  # plain reads


def test_every_rule_compiles_and_answers_what_the_document_declares() -> None:
    expressions = 0
    for interface, operation in operations_with_rules():
        rules = operation.extensions["x-mock-rules"]
        assert len({rule["id"] for rule in rules}) == len(rules)
        assert [rule["id"] for rule in rules if "when" not in rule] == [rules[-1]["id"]], operation.id
        for rule in rules:
            response = next(r for r in operation.responses if r.status == rule["status"])
            fields = {field.name: field for field in interface.fields(response.contents[0].schema)}
            assert set(rule["body"]) <= set(fields), f"{operation.id} {rule['id']}"
            required = {name for name, field in fields.items() if field.required}
            assert required <= set(rule["body"]), f"{operation.id} {rule['id']}"
            assert rule.get("store", False) == (rule["status"] == "201")
            for expression in [rule.get("when", "true"), *rule["body"].values()]:
                cel.compile(expression)
                expressions += 1
    assert expressions > 150


def test_marriage_in_force(world: Any, couple: dict[str, Any]) -> None:
    rule, status, body = world.answer(CHECK, body=couple)
    assert (rule, status) == ("registered", "200")
    assert body == {"PPJG": "1", **world.married(world.FATHER, world.MOTHER)}


@pytest.mark.parametrize(
    ("change", "match", "state"),
    [
        ({"NV_XM": "钱思远"}, "2", None),
        ({"NAN_GMSFHM": "NOBODY"}, "3", None),
        ({"NAN_XM": "孙独行", "NAN_GMSFHM": "LONER"}, "1", "00"),
    ],
)
def test_no_marriage(world: Any, couple: dict[str, Any], change: dict[str, str], match: str, state: str | None) -> None:
    change = {field: getattr(world, value, value) for field, value in change.items()}
    _, status, body = world.answer(CHECK, body=couple | change)
    assert status == "200"
    assert (body["PPJG"], body["ZT"], body["DJRQ"], body["ZSBH"]) == (match, state, None, None)


@pytest.mark.parametrize(
    ("name", "number", "match", "kind"),
    [
        ("钱思源", "MOTHER", "1", "1"),
        ("孙独行", "LONER", "1", "2"),
        ("钱", "MOTHER", "2", None),
        ("钱思源", "NOBODY", "3", None),
    ],
)
def test_household(world: Any, name: str, number: str, match: str, kind: str | None) -> None:
    _, _, body = world.answer(HOUSEHOLD, body={"XM": name, "GMSFHM": getattr(world, number)})
    assert (body["PPJG"], body["HB"]) == (match, kind)
    assert (body["HJXZQH"] is None) == (match != "1")


def test_institutions(world: Any) -> None:
    assert world.answer(INSTITUTION, path={"JGDM": world.HOSPITAL})[2]["QFQX"] == "1"
    assert world.answer(INSTITUTION, path={"JGDM": world.CLINIC})[2]["QFQX"] == "0"
    assert world.answer(INSTITUTION, path={"JGDM": "nowhere"})[1] == "404"


def test_the_resident_query_answers_what_the_population_knows(world: Any) -> None:
    query = ("police.residents", "queryResident")
    _, _, body = world.answer(query, body={"XM": "钱思源", "GMSFHM": world.MOTHER})
    assert body == {"PPJG": "1", **world.person(world.MOTHER)}
    assert world.answer(query, body={"XM": "钱思源", "GMSFHM": world.NOBODY})[1] == "404"


def test_a_certificate_is_issued_once_and_twins_get_two(world: Any, birth: dict[str, Any]) -> None:
    _, status, first = world.answer(CERTIFICATE, body=birth)
    assert (status, first["QFRQ"], first["QFJG"]) == ("201", world.TODAY, "示例市妇幼保健院")
    rule, status, refusal = world.answer(CERTIFICATE, body=birth)
    assert (rule, status, refusal["existing"]) == ("already-issued", "409", first["CSZMBH"])
    _, status, twin = world.answer(CERTIFICATE, body=birth | {"CSSX": 2, "XM": "赵宁"})
    assert status == "201"
    assert twin["CSZMBH"] != first["CSZMBH"]


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"MQ_GMSFHM": "NOBODY"}, "parent-unknown"),
        ({"FQ_XM": "赵二鸣"}, "parent-name-differs"),
        ({"JGDM": "nowhere"}, "institution-unknown"),
        ({"JGDM": "CLINIC"}, "no-issuing-power"),
        ({"CSRQ": "2026-11-02"}, "born-in-the-future"),
    ],
)
def test_a_certificate_is_refused(world: Any, birth: dict[str, Any], change: dict[str, str], rule: str) -> None:
    change = {field: getattr(world, value, value) for field, value in change.items()}
    found, status, body = world.answer(CERTIFICATE, body=birth | change)
    assert (found, status, body["status"]) == (rule, "422", 422)
    assert world.records == {}


def test_a_birth_is_registered_once_by_an_issued_certificate(world: Any, registration: dict[str, Any]) -> None:
    _, status, body = world.answer(REGISTRATION, body=registration)
    assert status == "201"
    assert world.assigned[-3:] != []
    assert ("550106", "2026-10-08", "2") in world.assigned, "the number follows the father's division"
    rule, status, refusal = world.answer(REGISTRATION, body=registration)
    assert (rule, status, refusal["existing"]) == ("already-registered", "409", body["YWLSH"])


@pytest.mark.parametrize(
    ("change", "status", "rule"),
    [
        ({"CSZMBH": "A000000000"}, "409", "certificate-not-issued"),
        ({"XM": "赵某"}, "422", "differs-from-certificate"),
        ({"MQGMSFHM": "LONER"}, "422", "differs-from-certificate"),
        ({"LHSFZ": "LONER"}, "422", "follows-no-parent"),
        ({"FQXM": "赵二鸣"}, "422", "parent-name-differs"),
        ({"MZ": "03"}, "422", "ethnic-group-of-no-parent"),
        ({"MZ": "02"}, "201", "registered"),
    ],
)
def test_registration_rules(
    world: Any, registration: dict[str, Any], change: dict[str, str], status: str, rule: str
) -> None:
    change = {field: getattr(world, value, value) for field, value in change.items()}
    assert world.answer(REGISTRATION, body=registration | change)[:2] == (rule, status)


def test_one_parent_pair_is_enough(world: Any, registration: dict[str, Any]) -> None:
    for pair in (("FQXM", "FQGMSFHM"), ("MQXM", "MQGMSFHM")):
        rest = {field: value for field, value in registration.items() if field not in pair}
        follow = {"LHSFZ": rest.get("FQGMSFHM") or rest["MQGMSFHM"]}
        found = world.answer(REGISTRATION, body=rest | follow)[1]
        world.records.pop("police.birth-registrations")
        assert found == "201"


def test_insurance_card_and_premium_follow_the_registration(world: Any, child: dict[str, Any]) -> None:
    enrolment = {**child, "CBXZQH": "550106", "XZ": "390", "CBRQ": world.TODAY}
    _, status, enrolled = world.answer(ENROLMENT, body=enrolment)
    assert (status, enrolled["DYQSRQ"]) == ("201", "2026-10-08")
    premium = {"CBBH": enrolled["CBBH"], "GMSFHM": child["GMSFHM"], "ND": "2026"}
    _, status, paid = world.answer(PREMIUM, body=premium)
    assert (status, paid["JE"]) == ("201", 400.0)
    assert world.answer(CARD, body=child)[1] == "201"
    for operation, body, existing in (
        (ENROLMENT, enrolment, enrolled["CBBH"]),
        (PREMIUM, premium, paid["JFPZH"]),
        (CARD, child, None),
    ):
        _, status, refusal = world.answer(operation, body=body)
        assert status == "409"
        assert existing in (None, refusal["existing"])
    assert world.answer(PREMIUM, body=premium | {"ND": "2027"})[1] == "201"
    assert world.answer(PREMIUM, body=premium | {"GMSFHM": world.MOTHER})[1] == "422"


@pytest.mark.parametrize("operation", [ENROLMENT, CARD])
def test_order_is_kept_by_insurance_and_card(world: Any, child: dict[str, Any], operation: tuple[str, str]) -> None:
    world.records.pop("police.birth-registrations")
    rule, status, body = world.answer(operation, body=child)
    assert (rule, status) == ("birth-not-registered", "409")
    assert body["type"] == "urn:tongban:problem:order"


@pytest.mark.parametrize("operation", [ENROLMENT, CARD])
@pytest.mark.parametrize(("change", "rule"), [({"XM": "赵某"}, "name-differs"), ({"JHR_XM": "某"}, "guardian-differs")])
def test_insurance_and_card_check_names(
    world: Any, child: dict[str, Any], operation: tuple[str, str], change: dict[str, str], rule: str
) -> None:
    assert world.answer(operation, body=child | change)[:2] == (rule, "422")


def test_premium_needs_the_enrolment(world: Any, child: dict[str, Any]) -> None:
    body = {"CBBH": "0" * 16, "GMSFHM": child["GMSFHM"], "ND": "2026"}
    assert world.answer(PREMIUM, body=body)[:2] == ("not-enrolled", "409")


def test_file_and_claim_need_the_certificate(world: Any, registration: dict[str, Any]) -> None:
    mother = {"MQ_XM": "钱思源", "MQ_GMSFHM": world.MOTHER}
    file = {"CSZMBH": registration["CSZMBH"], "XM": "赵安", "CSRQ": "2026-10-08", **mother}
    claim = {"CSZMBH": registration["CSZMBH"], **mother}
    for operation, body in ((FILE, file), (CLAIM, claim)):
        assert world.answer(operation, body=body | {"CSZMBH": "A000000000"})[:2] == (
            "certificate-not-issued",
            "409",
        )
        other = {"MQ_XM": "孙独行", "MQ_GMSFHM": world.LONER}
        assert world.answer(operation, body=body | other)[:2] == ("differs-from-certificate", "422")
        assert world.answer(operation, body=body)[1] == "201"
        assert world.answer(operation, body=body)[1] == "409"


# --- the matter's rules

RULES: Mapping[str, Mapping[str, Any]] = {rule["id"]: rule for rule in library.matter("newborn").rules}


@pytest.fixture
def facts(world: Any) -> dict[str, Any]:
    """Everything the rules look at, for a family that meets them all."""
    parent = {"PPJG": "1", "HJXZQH": "550106", "HB": "1", "ZT": "1"}
    application = {
        "newborn": {
            "XM": "赵安",
            "XBDM": "2",
            "CSRQ": "2026-10-08",
            "CSSJ": "09:25",
            "JGDM": world.HOSPITAL,
        },
        "mother": {"XM": "钱思源", "GMSFHM": world.MOTHER},
        "father": {"XM": "赵一鸣", "GMSFHM": world.FATHER},
        "follow": "father",
        "guardian_consent": True,
        "applicant": {"XM": "钱思源", "GMSFHM": world.MOTHER, "LXDH": "15400000001"},
    }
    return {
        "application": application,
        **{party: application[party] for party in ("newborn", "mother", "father")},
        "marriage": {"PPJG": "1", "ZT": "20"},
        "mother_household": dict(parent),
        "father_household": dict(parent),
        "institution": {"QFQX": "1", "XZQH": "550104"},
        "settings": dict(library.matter("newborn").settings),
        "today": "2026-11-01",
    }


def failed(world: Any, facts: dict[str, Any]) -> set[str]:
    return {id for id, rule in RULES.items() if world.value(rule["holds"], **facts) is not True}


def test_the_rules_are_those_of_the_law() -> None:
    assert set(RULES) == {"M1", "C31", "X1", "X2", "E1", "E2", "E3", "E4", "E5", "E6"}
    outcomes = {id: rule["outcome"] for id, rule in RULES.items()}
    assert {id for id, outcome in outcomes.items() if outcome == "not_eligible"} == {
        "E1",
        "E2",
        "E3",
        "E4",
        "E5",
    }
    assert (outcomes["M1"], outcomes["C31"], outcomes["X1"], outcomes["E6"]) == (
        "incomplete",
        "incomplete",
        "needs_correction",
        "notice",
    )
    assert RULES["E6"]["duty"] is True
    for rule in RULES.values():
        assert rule["law"]["zh_CN"]
        assert rule["law"]["en"].isascii()
        assert set(rule["message"]) == set(rule["title"]) == {"zh_CN", "en"}


def test_a_good_family_meets_every_rule(world: Any, facts: dict[str, Any]) -> None:
    assert failed(world, facts) == set()


@pytest.mark.parametrize(
    ("place", "value", "rules"),
    [
        (("marriage", "ZT"), "40", {"E3"}),
        (("marriage", "ZT"), "00", {"E3"}),
        (("marriage", "PPJG"), "2", {"X1"}),
        (("father_household", "PPJG"), "3", {"X2"}),
        (("mother_household", "HJXZQH"), "250102", {"E4"}),
        (("father_household", "HJXZQH"), "250102", {"E4"}),
        (("mother_household", "ZT"), "2", {"E4"}),
        (("mother_household", "PPJG"), "2", {"X1"}),
        (("father_household", "PPJG"), "2", {"X1"}),
        (("mother_household", "PPJG"), "3", {"X2"}),
        (("marriage", "PPJG"), "3", {"X2"}),
        (("mother_household", "HJXZQH"), "550999", set()),
        (("father_household", "ZT"), "2", {"E4"}),
        (("father_household", "HB"), "2", {"E5"}),
        (("mother_household", "HB"), "2", set()),
        (("institution", "QFQX"), "0", {"E1"}),
        (("application", "guardian_consent"), False, {"C31"}),
        (("application", "follow"), "mother", set()),
    ],
)
def test_each_fact_breaks_its_rule_alone(
    world: Any, facts: dict[str, Any], place: tuple[str, str], value: Any, rules: set[str]
) -> None:
    facts[place[0]] = {**facts[place[0]], place[1]: value}
    assert failed(world, facts) == rules


def test_an_unknown_institution_fails_its_own_rule_only(world: Any, facts: dict[str, Any]) -> None:
    assert failed(world, facts | {"institution": None}) == {"E1"}


def test_following_the_mother_looks_at_her_household(world: Any, facts: dict[str, Any]) -> None:
    facts["application"] = {**facts["application"], "follow": "mother"}
    facts["mother_household"] = {**facts["mother_household"], "HB": "2"}
    assert failed(world, facts) == {"E5"}


@pytest.mark.parametrize("gap", [gap["pointer"] for gap in RULES["M1"]["gaps"]])
def test_every_gap_is_noticed(world: Any, facts: dict[str, Any], gap: str) -> None:
    *parents, last = gap.strip("/").split("/")
    application = dict(facts["application"])
    if parents:
        application[parents[0]] = {k: v for k, v in application[parents[0]].items() if k != last}
    else:
        del application[last]
    assert world.value(RULES["M1"]["holds"], application=application) is False
    assert world.value(RULES["M1"]["holds"], application={}) is False
    assert world.value(RULES["C31"]["holds"], application={}) is False


@pytest.mark.parametrize(
    ("born", "today", "months", "held"),
    [
        ("2025-11-01", "2026-11-01", 12, False),  # exactly one year
        ("2025-11-02", "2026-11-01", 12, True),  # one day less
        ("2025-10-31", "2026-11-01", 12, False),
        ("2026-11-01", "2026-11-01", 12, True),  # born today
        ("2026-11-02", "2026-11-01", 12, False),  # not born yet
        ("2024-02-29", "2025-02-27", 12, True),
        ("2024-02-29", "2025-02-28", 12, False),  # no 29 February: the last day of the month counts
        ("2026-05-01", "2026-11-01", 6, False),  # six months, as in Xiamen
        ("2026-05-02", "2026-11-01", 6, True),
    ],
)
def test_under_one_year(world: Any, facts: dict[str, Any], born: str, today: str, months: int, held: bool) -> None:
    facts |= {"newborn": {"CSRQ": born}, "today": today, "settings": {"E2_limit_months": months}}
    assert world.value(RULES["E2"]["holds"], **facts) is held


@pytest.mark.parametrize(
    ("born", "today", "held"),
    [
        ("2026-10-01", "2026-11-01", True),
        ("2026-09-30", "2026-11-01", False),
        ("2026-01-31", "2026-02-28", True),
        ("2026-01-31", "2026-03-01", False),
    ],
)
def test_declared_within_a_month(world: Any, facts: dict[str, Any], born: str, today: str, held: bool) -> None:
    facts |= {"newborn": {"CSRQ": born}, "today": today}
    assert world.value(RULES["E6"]["holds"], **facts) is held
