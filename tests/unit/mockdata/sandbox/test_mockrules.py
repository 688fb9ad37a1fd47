"""x-mock-rules: answers that depend on the request, the population and what was stored."""

import json
from datetime import UTC, datetime

import pytest

import specs
from mockdata.identifiers import why_not_citizen_number
from mockdata.population import Population, registers
from mockdata.sandbox import Sandbox
from mockdata.sandbox.facts import days_between
from mockdata.sandbox.messages import Request
from mockdata.sandbox.record import Recorder
from specs import library
from specs.finding import SpecError

NOW = datetime(2026, 10, 20, 8, 30, tzinfo=UTC)


def document(rules: list, schema: dict | None = None) -> bytes:
    shape = schema or {
        "type": "object",
        "required": ["result"],
        "properties": {"result": {"type": "string"}, "day": {"type": "string"}, "n": {"type": "integer"}},
    }
    answers = {
        status: {"description": "-", "content": {"application/json": {"schema": shape}}}
        for status in ("200", "201", "409")
    }
    body = {"content": {"application/json": {"schema": {"type": "object"}}}}
    operation = {"operationId": "check", "requestBody": body, "responses": answers, "x-mock-rules": rules}
    paths = {"/checks": {"post": operation}}
    info = {"title": "T", "version": "1", "x-interface-id": "a.b"}
    return json.dumps({"openapi": "3.1.0", "info": info, "paths": paths}).encode()


def sandbox_of(rules: list, schema: dict | None = None, **more: object) -> Sandbox:
    made = specs.read(document(rules, schema), name="rules.json")
    return Sandbox([made], bare=True, clock=lambda: NOW, **more)


def post(sandbox: Sandbox, path: str, body: dict, query: str = "", **headers: str):
    sent = {"content-type": "application/json", "authorization": "Bearer t", **headers}
    return sandbox.handle(Request("POST", path, query, tuple(sent.items()), json.dumps(body).encode()))


def test_first_rule_that_holds_decides():
    sandbox = sandbox_of(
        [
            {"id": "few", "when": "body.n < 3", "status": "409", "body": {"result": "'few'"}},
            {"id": "some", "when": "body.n < 6", "body": {"result": "'some'", "n": "body.n + 1"}},
            {"id": "many", "status": "201", "body": {"result": "'many'", "day": "today"}},
        ]
    )
    few, some, many = (post(sandbox, "/checks", {"n": n}) for n in (1, 4, 9))
    assert (few.status, few.json(), few.rule) == (409, {"result": "few"}, "few")
    assert (some.status, some.json()) == (200, {"result": "some", "n": 5})
    assert (many.status, many.json()) == (201, {"result": "many", "day": "2026-10-20"})


def test_an_expression_without_value_does_not_hold():
    sandbox = sandbox_of(
        [
            {"id": "absent", "when": "body.absent == 1", "body": {"result": "'no'"}},
            {"id": "mixed", "when": "body.n == 'text' + 1", "body": {"result": "'no'"}},
            {"id": "last", "body": {"result": "'yes'", "n": "body.absent"}},
        ]
    )
    answer = post(sandbox, "/checks", {"n": 1})
    assert answer.json() == {"result": "yes"}
    assert not answer.valid  # the rule could not give `n`: the record says so


def test_a_rule_cannot_make_an_answer_its_schema_forbids():
    answer = post(sandbox_of([{"body": {"result": "17"}}]), "/checks", {})
    assert isinstance(answer.json()["result"], str)
    assert not answer.valid


def test_no_rule_holds_then_plain_behaviour():
    answer = post(sandbox_of([{"when": "false", "status": "409"}]), "/checks", {})
    assert answer.status == 201
    assert "result" in answer.json()


def test_store_and_stored():
    sandbox = sandbox_of(
        [
            {"id": "again", "when": "stored('a.b', 'n', body.n) != null", "status": "409",
             "body": {"result": "stored('a.b', ['n', 'm'], [body.n, body.m]).result"}},
            {"id": "new", "status": "201", "body": {"result": "'r' + string(body.n)"}, "store": True},
        ]
    )  # fmt: skip
    assert post(sandbox, "/checks", {"n": 1, "m": 2}).json()["result"] == "r1"
    again = post(sandbox, "/checks", {"n": 1, "m": 2})
    assert (again.status, again.json()["result"]) == (409, "r1")
    assert post(sandbox, "/checks", {"n": 2, "m": 2}).status == 201


@pytest.mark.parametrize(
    ("rules", "pointer"),
    [
        ([{"when": "body.n <"}], "/paths/~1checks/post/x-mock-rules/0"),
        ([{"when": "true"}, {"body": {"result": "'open"}}], "/paths/~1checks/post/x-mock-rules/1"),
        ([{"status": "many"}], "/paths/~1checks/post/x-mock-rules/0"),
        ({"when": "true"}, "/paths/~1checks/post/x-mock-rules"),
    ],
)
def test_a_faulty_rule_is_named_before_anything_is_served(rules, pointer):
    with pytest.raises(SpecError) as caught:
        sandbox_of(rules)
    assert caught.value.findings[0].pointer == pointer


def test_rules_reach_nothing_else():
    answer = post(sandbox_of([{"body": {"result": "__import__('os').name"}}]), "/checks", {})
    assert answer.json()["result"] != "posix"
    assert not answer.valid


def test_days_between():
    assert days_between("2026-01-01", "2026-03-01T10:00:00Z") == 59
    assert days_between("2026-03-01", "2026-01-01") == -59


# ---- the shipped interfaces over the virtual population ------------------------------------------------------------


@pytest.fixture(scope="module")
def population():
    return Population("rules", 100_000)


@pytest.fixture(scope="module")
def couple(population):
    """A husband and a wife in a family household, and the facts of both."""
    for index in range(1000, 6000):
        partner = int(population.spouse([index])[0])
        if partner < 0:
            continue
        numbers = [population.record(one, ("citizen_number",))["citizen_number"] for one in (index, partner)]
        pair = [registers.person(population, one, ("GMSFHM", "XM", "XBDM", "HJXZQH", "LXDH")) for one in numbers]
        if pair[0]["XBDM"] == "1":
            return pair
    raise AssertionError("no couple")


@pytest.fixture
def country(population):
    return Sandbox(library.interfaces().values(), population, clock=lambda: NOW, recorder=Recorder())


def names(couple):
    husband, wife = couple
    return {"NAN_XM": husband["XM"], "NAN_GMSFHM": husband["GMSFHM"], "NV_XM": wife["XM"], "NV_GMSFHM": wife["GMSFHM"]}


def test_marriage_check_follows_the_population(country, couple):
    path = "/civil-affairs.marriages/marriage-checks"
    assert post(country, path, names(couple), "fields=PPJG,ZT").json() == {"PPJG": "1", "ZT": "20"}
    assert country.recorder.calls[-1].fields_returned == ("PPJG", "ZT")
    wrong = post(country, path, {**names(couple), "NV_XM": "某某"}).json()
    assert (wrong["PPJG"], wrong["ZT"]) == ("2", None)


def test_facts_of_a_person_are_the_same_everywhere(country, couple):
    who = {"XM": couple[0]["XM"], "GMSFHM": couple[0]["GMSFHM"]}
    resident = post(country, "/police.residents/resident-queries", who).json()
    household = post(country, "/police.households/household-checks", who).json()
    assert resident["LXDH"] == couple[0]["LXDH"]
    assert resident["HJXZQH"] == household["HJXZQH"] == couple[0]["HJXZQH"]


def test_a_certificate_once_issued_is_found_by_others(country, couple, population):
    husband, wife = couple
    institutions = registers.register("institution").rows(population, 0, 20, ["JGDM", "QFQX"]).to_pylist()
    able = next(one["JGDM"] for one in institutions if one["QFQX"] == "1")
    birth = {
        "XM": "赵安", "XBDM": "2", "CSRQ": "2026-10-08", "CSSJ": "09:25", "CSDXZQH": wife["HJXZQH"], "CSSX": 1,
        "JGDM": able, "MQ_XM": wife["XM"], "MQ_GMSFHM": wife["GMSFHM"], "FQ_XM": husband["XM"],
        "FQ_GMSFHM": husband["GMSFHM"],
    }  # fmt: skip
    path = "/health.birth-certificates/birth-certificates"
    unknown = country.handle(Request("GET", f"{path}/T260000001", "", (("authorization", "Bearer t"),)))
    assert unknown.status == 404
    key = {"idempotency-key": "0123456789abcdef"}
    made = post(country, path, birth, **key)
    assert (made.status, made.json()["QFRQ"]) == (201, "2026-10-20")
    assert post(country, path, birth, **key).body == made.body
    twice = post(country, path, birth, **{"idempotency-key": "fedcba9876543210"})
    assert (twice.status, twice.json()["existing"]) == (409, made.json()["CSZMBH"])
    number = made.json()["CSZMBH"]
    found = country.handle(Request("GET", f"{path}/{number}", "fields=XM,XBDM", (("authorization", "Bearer t"),)))
    assert found.json() == {"XM": "赵安", "XBDM": "2"}
    assert country.facts.stored("health.birth-certificates", "CSZMBH", number)["MQ_GMSFHM"] == wife["GMSFHM"]


def test_assigned_numbers_follow_their_element(country, couple, population):
    division = couple[0]["HJXZQH"]
    numbers = [country.facts.assign_number(division, "2026-10-08", sex) for sex in ("2", "2", "1")]
    assert len(set(numbers)) == 3
    for number, sex in zip(numbers, (0, 0, 1), strict=True):
        assert why_not_citizen_number(number, strict=False) is None
        assert int(number[16]) % 2 == sex
        assert population.index_of([number])[0] == -1
    assert country.facts.assign("CSZMBH") != country.facts.assign("CSZMBH")
    with pytest.raises(ValueError, match="nosuchelement"):
        country.facts.assign("nosuchelement")


def test_fields_bound_to_elements_speak_of_the_person_named(population, couple):
    text = {"type": "string"}
    schema = {
        "type": "object",
        "required": ["MQ_XM", "MQ_LXDH", "FQ_XM", "nick"],
        "properties": {
            "MQ_XM": {**text, "x-element": "XM"},
            "MQ_LXDH": {**text, "x-element": "LXDH"},
            "FQ_XM": {**text, "x-element": "XM"},
            "nick": text,
        },
    }
    sandbox = sandbox_of([], schema, population=population)
    husband, wife = couple
    answer = post(sandbox, "/checks", {"MQ_GMSFHM": wife["GMSFHM"], "FQ_GMSFHM": husband["GMSFHM"]}).json()
    assert (answer["MQ_XM"], answer["MQ_LXDH"], answer["FQ_XM"]) == (wife["XM"], wife["LXDH"], husband["XM"])
    nobody = post(sandbox, "/checks", {}).json()
    assert nobody["MQ_XM"] != nobody["MQ_LXDH"]
    assert nobody == post(sandbox, "/checks", {}).json()


def test_a_population_is_made_only_when_a_fact_is_asked_for(population):
    made = []
    rule = {"when": "body.n == 1", "body": {"result": "person('11010519000101001X') == null ? 'nobody' : 'somebody'"}}
    sandbox = sandbox_of([rule], population=lambda: made.append(1) or population)
    post(sandbox, "/checks", {"n": 2})
    assert made == []
    for _ in range(2):
        assert post(sandbox, "/checks", {"n": 1}).json()["result"] == "nobody"
    assert made == [1]
