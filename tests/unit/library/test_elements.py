from __future__ import annotations

import re

import jsonschema_rs
import pytest

from mockdata.population.registers import REGISTERS
from specs import elements

GA_T_543 = re.findall(
    r"\w+",
    "GMSFHM XM XBDM XB MZDM MZ CSRQ CSSJ CSDSSXQ JGSSXQ HJDZ LXDH YHZGX CSZMBH CSDJLB HB LHSFZ JHRYXM"
    " JHRYGMSFHM JHRYLXDH JHRYJHGX JHREXM JHREGMSFHM JHRELXDH JHREJHGX FQXM FQGMSFHM MQXM MQGMSFHM FQ_XM"
    " FQ_GMSFHM MQ_XM MQ_GMSFHM SBRXM SBRSFZ SBRLXDH SBR_XM JTHZL PCS YWLSH CSDXZ",
)
# Facts of the virtual population (what a Register or Population column can be asked for).
ATTRIBUTES = {fact for register in REGISTERS.values() for fact in register.facts}
CHECKS = {None, "iso7064-mod11-2", "iso7064-mod37-36", "gb32100", "gb11714", "luhn"}


def test_there_are_at_least_180_elements_and_all_code_lists() -> None:
    assert len(elements.dictionary()) >= 180
    wanted = {"sex", "marital-status", "education", "kin", "professional-title", "document-type", "exercise-level"}
    assert {*wanted, "ethnic-group", "uscc-authority", "uscc-body-kind"} <= set(elements.code_lists())


def test_no_name_of_a_role_means_two_qualifiers() -> None:
    taken: dict[str, str] = {}
    for role in elements.qualifiers().values():
        for name in {role.id, *role.aliases, role.title["zh_CN"], role.title["en"], *role.synonyms}:
            assert taken.setdefault(name.lower(), role.id) == role.id, name


@pytest.mark.parametrize(("identifier", "meant"), [("FDDBRXM", ("FR", "XM")), ("fddbr_gmsfhm", ("FR", "GMSFHM"))])
def test_an_alias_of_a_qualifier_is_that_qualifier(identifier: str, meant: tuple[str, str]) -> None:
    qualifier, element = elements.resolve(identifier)
    assert (qualifier, element.id) == meant
    found = elements.find(identifier)
    assert found is not None
    assert found[1] is element
    assert elements.find("NOSUCHTHING") is None


def test_the_56_ethnic_groups_are_there_in_the_order_of_the_standard() -> None:
    groups = elements.code_lists()["ethnic-group"].values
    assert list(groups)[:56] == [f"{number:02d}" for number in range(1, 57)]
    assert set(groups) - {f"{number:02d}" for number in range(1, 57)} == {"97", "98"}
    shown = {code: groups[code]["zh_CN"] for code in ("01", "05", "22", "34", "56")}
    assert shown == {"01": "汉族", "05": "维吾尔族", "22": "畲族", "34": "布朗族", "56": "基诺族"}
    assert len({words["zh_CN"] for words in groups.values()}) == 58


@pytest.mark.parametrize("identifier", GA_T_543)
def test_every_ga_t_543_identifier_is_known(identifier: str) -> None:
    elements.resolve(identifier)


@pytest.mark.parametrize(
    ("identifier", "qualifier", "element"),
    [
        ("GMSFHM", None, "GMSFHM"),
        ("MQ_GMSFHM", "MQ", "GMSFHM"),
        ("MQGMSFHM", "MQ", "GMSFHM"),
        ("JHRYXM", "JHRY", "XM"),
        ("JHR_XM", "JHR", "XM"),
        ("SBRSFZ", "SBR", "GMSFHM"),
        ("NAN_XM", "NAN", "XM"),
        ("mqxm", "MQ", "XM"),
        ("XB", None, "XBDM"),
        ("HJDZ", None, "HJDZ"),
        ("QFJG", None, "QFJG"),
    ],
)
def test_identifiers_resolve(identifier: str, qualifier: str | None, element: str) -> None:
    found, resolved = elements.resolve(identifier)
    assert (found, resolved.id) == (qualifier, element)


def test_an_unknown_identifier_names_near_ones() -> None:
    with pytest.raises(KeyError, match="GMSFHM"):
        elements.resolve("GMSFHN")


@pytest.mark.parametrize("id", sorted(elements.dictionary()))
def test_an_element_says_everything(id: str) -> None:
    element = elements.dictionary()[id]
    for text in (element.title, element.description):
        assert any("\u4e00" <= letter <= "\u9fff" for letter in text["zh_CN"])
        assert text["en"].isascii()
    assert element.synonyms
    assert element.standard
    assert element.check in CHECKS
    assert element.attribute is None or element.attribute in ATTRIBUTES
    jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **element.schema})
    jsonschema_rs.validator_for(element.schema)


def test_codes_and_schemas_agree() -> None:
    for element in elements.dictionary().values():
        if element.codes is not None:
            assert element.schema == {"type": "string", "enum": list(element.codes)}
            assert element.code_list in elements.code_lists()
        else:
            assert "enum" not in element.schema


def test_no_name_means_two_elements() -> None:
    taken: dict[str, str] = {}
    for element in elements.dictionary().values():
        for name in {element.id, *element.aliases, element.title["zh_CN"], *element.synonyms}:
            assert taken.setdefault(name.lower(), element.id) == element.id, name


def test_only_what_was_read_counts_as_verified() -> None:
    verified = {element.id for element in elements.dictionary().values() if element.verified}
    assert verified == {"GMSFHM", "TYSHXYDM", "ZZJGDM"}
