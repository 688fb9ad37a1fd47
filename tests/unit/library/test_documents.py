from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jsonschema
import pytest

from specs import elements, library
from specs.finding import Severity
from specs.model import Content, Interface, Kind

Walk = Callable[[Any], Iterator[tuple[str, dict[str, Any]]]]
LEVELS = {"core", "important", "general-4", "general-3", "general-2", "general-1"}
CATALOGUE = set(
    re.findall(
        r"\w+",
        "name code provider abstract items resource_kind format_class update_frequency sharing_class sharing_mode"
        " use_conditions open_to_public classification legal_basis issue_date secrecy_assessment"
        " impact_assessment approval",
    )
)
# The province digits of GB/T 2260: a number that starts with one of them could be a real person's.
ASSIGNED = set(
    re.findall(
        r"\w+",
        "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82 83 91",
    )
)
OPERATIONS = {
    "civil-affairs.marriages": {"verifyMarriage": "POST /marriage-checks"},
    "police.households": {"checkHousehold": "POST /household-checks"},
    "police.residents": {"queryResident": "POST /resident-queries"},
    "health.birth-certificates": {
        "issueBirthCertificate": "POST /birth-certificates",
        "getBirthCertificate": "GET /birth-certificates/{CSZMBH}",
        "getInstitution": "GET /midwifery-institutions/{JGDM}",
    },
    "police.birth-registrations": {
        "registerBirth": "POST /birth-registrations",
        "getBirthRegistration": "GET /birth-registrations/{YWLSH}",
    },
    "medical-insurance.enrolments": {
        "enrolResident": "POST /resident-insurance/enrolments",
        "getEnrolment": "GET /resident-insurance/enrolments/{CBBH}",
    },
    "medical-insurance.maternity-claims": {"claimMaternity": "POST /maternity-claims"},
    "tax.premiums": {"payPremium": "POST /premiums"},
    "human-resources.social-security-cards": {"orderCard": "POST /social-security-cards"},
    "disease-control.immunization-files": {"openImmunizationFile": "POST /immunization-files"},
    "market-regulation.names": {"declareName": "POST /names"},
    "police.real-name-checks": {"checkRealName": "POST /real-name-checks"},
    "court.legal-rep-checks": {"checkCourtRecords": "POST /legal-rep-checks"},
    "market-regulation.legal-rep-checks": {"checkRevocations": "POST /legal-rep-checks"},
    "central-bank.legal-rep-checks": {"checkOverdueDebt": "POST /legal-rep-checks"},
    "market-regulation.company-registrations": {"registerCompany": "POST /company-registrations"},
    "police.seals": {"engraveSeals": "POST /seals"},
    "tax.tax-registrations": {"registerTaxpayer": "POST /tax-registrations"},
    "human-resources.employer-registrations": {"registerEmployer": "POST /employer-registrations"},
    "housing-fund.fund-registrations": {"registerDeposits": "POST /fund-registrations"},
    "bank.account-appointments": {"appointAccount": "POST /account-appointments"},
    "market-regulation.start-up-app": {
        "getHealth": "GET /health",
        "submitHandledMatter": "POST /handled-matters",
        "getHandledMatter": "GET /handled-matters/{id}",
        "resumeHandledMatter": "POST /handled-matters/{id}/resumption",
    },
    "housing-fund.accounts": {"queryAccount": "POST /account-queries"},
    "housing-fund.withdrawals": {"decideWithdrawal": "POST /withdrawals"},
    "real-estate.property-checks": {"checkProperty": "POST /property-checks"},
    "police.registration-checks": {
        "checkRegistration": "POST /registration-checks",
        "checkKinship": "POST /kinship-checks",
    },
    "central-bank.loan-checks": {"checkLoan": "POST /loan-checks"},
    "human-resources.retirement-checks": {"checkRetirement": "POST /retirement-checks"},
    "tax.wage-checks": {"checkWages": "POST /wage-checks"},
    "housing-fund.withdrawal-app": {
        "getHealth": "GET /health",
        "submitHandledMatter": "POST /handled-matters",
        "getHandledMatter": "GET /handled-matters/{id}",
        "resumeHandledMatter": "POST /handled-matters/{id}/resumption",
    },
    "health.newborn-app": {
        "getHealth": "GET /health",
        "submitHandledMatter": "POST /handled-matters",
        "getHandledMatter": "GET /handled-matters/{id}",
        "resumeHandledMatter": "POST /handled-matters/{id}/resumption",
    },
}


def apis(documents: Mapping[str, Interface]) -> list[Interface]:
    return [document for document in documents.values() if document.kind is Kind.API]


def is_chinese(text: str) -> bool:
    return any("\u4e00" <= letter <= "\u9fff" for letter in text)


def test_every_document_loads_without_an_error(documents: Mapping[str, Interface]) -> None:
    assert len(documents) == 42
    for document in documents.values():
        errors = [str(finding) for finding in document.findings if finding.severity is Severity.ERROR]
        assert errors == []
        assert document.department in {department.id for department in library.departments()}
        assert document.id.startswith(f"{document.department}.")


def test_the_operations_are_those_of_the_story(documents: Mapping[str, Interface]) -> None:
    shown = {
        api.id: {operation.id: f"{operation.method} {operation.path}" for operation in api.operations}
        for api in apis(documents)
    }
    assert shown == OPERATIONS


def contents(api: Interface) -> Iterator[tuple[str, Content]]:
    for operation in api.operations:
        if operation.body:
            yield from ((f"{operation.id} request", content) for content in operation.body.contents)
        for response in operation.responses:
            yield from ((f"{operation.id} {response.status}", content) for content in response.contents)


def test_every_content_has_examples_and_they_are_valid(documents: Mapping[str, Interface]) -> None:
    checked = 0
    for api in apis(documents):
        for place, content in contents(api):
            assert content.schema is not None, place
            assert content.examples, f"{api.id} {place} has no example"
            validator = jsonschema.Draft202012Validator(
                api.standalone(content.schema), format_checker=jsonschema.FormatChecker()
            )
            for name, example in content.examples.items():
                value = example.get("value", example) if isinstance(example, dict) else example
                faults = [f"{list(e.path)} {e.message}" for e in validator.iter_errors(value)]
                assert faults == [], f"{api.id} {place} {name}"
                checked += 1
    assert checked > 100


def test_parameter_examples_are_valid(documents: Mapping[str, Interface]) -> None:
    for api in apis(documents):
        for _, parameter in ((o.id, p) for o in api.operations for p in o.parameters):
            assert parameter.examples, f"{api.id} {parameter.name} has no example"
            for value in parameter.examples.values():
                jsonschema.validate(value, api.standalone(parameter.schema))


def test_every_field_is_described_in_both_languages(documents: Mapping[str, Interface], nodes: Walk) -> None:
    for document in documents.values():
        if document.kind is Kind.DATASET:
            continue
        for pointer, node in nodes(document.document.value):
            for name, schema in node.get("properties", {}).items() if "properties" in node else ():
                if "/examples/" in pointer or "$ref" in schema:
                    continue
                where = f"{document.id} {pointer}/properties/{name}"
                assert is_chinese(schema["title"]), where
                assert is_chinese(schema["description"]), where
                assert schema["x-en"]["title"], where
                assert not is_chinese(schema["x-en"]["title"] + schema["x-en"]["description"]), where
                if schema.get("type") != "object":
                    assert schema["x-sensitivity"] in LEVELS, where


def test_everything_a_person_reads_is_in_both_languages(documents: Mapping[str, Interface], nodes: Walk) -> None:
    for api in apis(documents):
        assert all(say and is_chinese(say) for say in (api.title["zh_CN"], api.description["zh_CN"])), api.id
        assert api.title["en"]
        assert api.description["en"]
        for operation in api.operations:
            assert is_chinese(operation.summary["zh_CN"]), operation.id
            assert operation.summary["en"], operation.id
            assert operation.description["en"], operation.id
        for pointer, node in nodes(api.document.value):
            skipped = "/example" in pointer or "/x-" in pointer or "x-en" not in node
            for word in () if skipped else ("summary", "description", "title"):
                if isinstance(node.get(word), str):
                    assert is_chinese(node[word]), f"{api.id} {pointer}/{word}"
                    assert node["x-en"].get(word), f"{api.id} {pointer}/x-en/{word}"


def test_every_response_and_parameter_has_an_english_description(
    documents: Mapping[str, Interface], nodes: Walk
) -> None:
    for api in apis(documents):
        for pointer, node in nodes(api.document.value):
            if re.fullmatch(r".*/responses/[A-Za-z0-9]+|.*/parameters/[A-Za-z0-9]+", pointer) and "$ref" not in node:
                assert node["x-en"]["description"], f"{api.id} {pointer}"


def test_fields_of_departments_carry_known_elements(documents: Mapping[str, Interface]) -> None:
    for api in apis(documents):
        if api.id.endswith("-app"):
            continue
        for place, content in contents(api):
            if content.media_type == "application/problem+json":
                continue
            for field in api.fields(content.schema):
                assert field.element, f"{api.id} {place} {field.name}"
                _, element = elements.resolve(field.element)
                assert field.sensitivity == element.sensitivity or field.schema.get("type") == "array", field.name
                if element.codes is not None and "enum" in field.schema:
                    assert {code for code in field.schema["enum"] if code} <= set(element.codes), field.name


def test_datasets_carry_known_elements_and_both_languages(documents: Mapping[str, Interface]) -> None:
    datasets = [document for document in documents.values() if document.kind is Kind.DATASET]
    assert len(datasets) == 8
    for dataset in datasets:
        (table,) = dataset.tables
        assert len(table.primary_key) == 1
        assert table.register in {
            "person", "marriage", "birth", "insured", "death", "vehicle", "employment_spell", "contribution",
        }  # fmt: skip
        for field in table.fields:
            assert field.element is not None, field.name
            elements.resolve(field.element)
            assert field.sensitivity in LEVELS, field.name
            assert is_chinese(field.title["zh_CN"]), field.name
            assert is_chinese(field.description["zh_CN"]), field.name


def test_datasets_point_at_the_resident_register(documents: Mapping[str, Interface]) -> None:
    keys = {
        (dataset.id, key.fields, key.interface, key.table, key.target_fields)
        for dataset in documents.values()
        for table in dataset.tables
        for key in table.foreign_keys
    }
    target = ("police.resident-register", "residents", ("GMSFHM",))
    assert keys == {
        ("civil-affairs.marriage-records", ("NAN_GMSFHM",), *target),
        ("civil-affairs.marriage-records", ("NV_GMSFHM",), *target),
        ("health.birth-records", ("MQ_GMSFHM",), *target),
        ("health.birth-records", ("FQ_GMSFHM",), *target),
        ("medical-insurance.insured-persons", ("GMSFHM",), *target),
        ("police.vehicles", ("GMSFHM",), *target),
        ("human-resources.employment-spells", ("GMSFHM",), *target),
        ("human-resources.contributions", ("GMSFHM",), *target),
    }


def test_every_department_interface_has_a_complete_catalogue_entry() -> None:
    credit_codes = {department.id: department.uscc for department in library.departments()}
    for interface in library.interfaces().values():
        said = interface.document.value
        if interface.kind is Kind.API:
            entry = said["info"]["x-catalogue"]
        else:
            entry = next(p["value"] for p in said["customProperties"] if p["property"] == "catalogue")
        assert set(entry) == CATALOGUE, interface.id
        assert entry["provider"] == {
            "department": interface.department,
            "uscc": credit_codes[str(interface.department)],
        }
        assert entry["items"], interface.id
        for item in entry["items"]:
            elements.resolve(item)
        assert entry["use_conditions"]["scope"]["zh_CN"], "conditional sharing states its scope (art 14)"
        assert entry["use_conditions"]["use"]["en"]
        assert {"law", "article", "verified"} == set(entry["legal_basis"][0])


def test_errors_are_problems_and_writes_are_idempotent(documents: Mapping[str, Interface]) -> None:
    for api in apis(documents):
        for operation in api.operations:
            for response in operation.responses:
                if not response.is_success:
                    assert [c.media_type for c in response.contents] == ["application/problem+json"]
            if api.id.endswith("-app"):
                continue
            assert operation.security == ({"bearer": ()},)
            statuses = {response.status for response in operation.responses}
            assert {"400", "401", "403", "503"} <= statuses
            headers = {p.name for p in operation.parameters if p.location == "header" and p.required}
            assert ("Idempotency-Key" in headers) == ("201" in statuses)
            (wanted,) = [p for p in operation.parameters if p.name == "fields"]
            success = operation.success
            assert success is not None
            names = [field.name for field in api.fields(success.contents[0].schema)]
            assert wanted.schema["items"]["enum"] == names, operation.id
            assert "required" not in api.resolve(success.contents[0].schema or {}), "fields= may leave any out"


def test_identity_numbers_travel_in_bodies_only(documents: Mapping[str, Interface]) -> None:
    for api in apis(documents):
        for operation in api.operations:
            for parameter in operation.parameters:
                named = parameter.element or parameter.schema.get("x-element")
                assert named is None or elements.resolve(named)[1].attribute != "citizen_number"


def citizen_check(number: str) -> str:
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return "10X98765432"[sum(int(d) * w for d, w in zip(number, weights, strict=False)) % 11]


def credit_check(code: str) -> str:
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    weights = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
    total = sum(alphabet.index(c) * w for c, w in zip(code, weights, strict=False))
    return alphabet[(31 - total % 31) % 31]


def certificate_check(text: str) -> str:
    alphabet, product = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", 36
    for letter in text:
        product = 2 * ((product + alphabet.index(letter)) % 36 or 36) % 37
    return alphabet[(37 - product) % 36]


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for member in value.values():
            yield from strings(member)
    elif isinstance(value, list):
        for member in value:
            yield from strings(member)
    elif isinstance(value, str):
        yield value


def test_example_identifiers_are_valid_and_nobodys(documents: Mapping[str, Interface]) -> None:
    numbers, codes, certificates = set(), set(), set()
    for text in {t for document in documents.values() for t in strings(document.document.value)}:
        if re.fullmatch(r"[1-9][0-9]{5}(19|20)[0-9]{9}[0-9X]", text):
            numbers.add(text)
        elif re.fullmatch(r"1[12][0-9A-Y]{16}", text):
            codes.add(text)
        elif text.startswith("1.2.156.3005.2.") and "[" not in text:
            certificates.add(text)
    assert len(numbers) >= 3
    assert len(codes) >= 8
    assert len(certificates) >= 2
    for number in numbers:
        assert number[17] == citizen_check(number), number
        assert number[:2] not in ASSIGNED, number
    for code in codes:
        assert code[17] == credit_check(code), code
        assert code[2:4] not in ASSIGNED, code
    for certificate in certificates:
        *parts, check = certificate.removeprefix("1.2.156.3005.2.").split(".")
        assert check == certificate_check("".join(parts)), certificate


def test_documents_stay_json(documents: Mapping[str, Interface]) -> None:
    for document in documents.values():
        json.dumps(document.document.value)  # a bare YAML date or a non-string key would not survive this


@pytest.mark.parametrize("division", ["440106", "550106", "160101", "820000"])
def test_real_and_reserved_divisions_fit(division: str) -> None:
    for name in ("XZQH", "HJXZQH", "CSDSSXQ"):
        jsonschema.validate(division, elements.resolve(name)[1].schema)
    assert re.search(elements.resolve("GMSFHM")[1].schema["pattern"], f"{division}199504120261")
