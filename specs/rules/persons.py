"""What is a fact of a person: by the element declared, by name, by inference, by what stands beside it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from specs.model import Field, Interface, Parameter
from specs.namewords import namewords
from specs.rules.places import parameters, schema_pointer, spelled, types_of

if TYPE_CHECKING:
    from specs.binding import Binding
    from specs.carriers import Carrier

# Names that mean a fact of a person wherever they occur, as whole words of a field's name, unless they are in _OPEN.
_PERSONAL = re.compile(
    r"(first|last|full|given|family|middle|maiden)_?names?|surname|patronymic"
    r"|birth_?(date|day|place)|(date|place|year|day)_?of_?birth|dob|yob"
    r"|(e_?)?mail(_?(id|address))?|mobile(_?(no|num|number|phone))?|(tele)?phone(_?(no|num|number))?"
    r"|(home|residential|street|postal)_?address|gender|ethnicity|ethnic|religion|marital_?status"
    r"|ssn|national_?id|passport(_?(no|num|number))?|aadhaar(_?(no|num|number))?|id_?card(_?(no|num|number))?"
    r"|health_?id(_?number)?|bank_?account|card_?number|cardholder_?name|profile_?photo|fingerprint"
    r"|姓名|出生日期|手机号码?|联系电话|住址|家庭住址|身份证号码?|公民身份号码|民族|婚姻状况",
    re.IGNORECASE,
)
# Names that things and organisations have as well: they count beside another fact of a person, or in a record of one.
_OPEN = re.compile(
    r"(full|family|given)_?names?|(street|postal)_?address|gender|ethnicity|ethnic|religion|fingerprint"
    r"|(birth_?place|place_?of_?birth)",
    re.IGNORECASE,
)
_CONTACT = re.compile(r"(e_?)?mail(_?(id|address))?|(tele)?phone(_?(no|num|number))?|联系电话", re.IGNORECASE)
_NO_TEXT = {"boolean", "array", "object"}
_PRIVATE_LEVELS = {"core", "important", "general-4", "general-3", "general-2"}


OF_PERSONS = frozenset(
    {"GMSFHM", "XM", "CYM", "XBDM", "CSRQ", "CSSJ", "GJDM", "DZYX", "MZDM", "LXDH", "GDDH", "HYZKDM", "ZJHM",
     "SWRQ", "HZHM", "ZJXY", "ZZMMDM", "JKZKDM", "ZP", "XXDM", "XS", "MING", "YWXM", "HJDZ", "XZZXZ", "SBKH",
     "YHKH", "CSDXZ", "LHSFZ", "DZJKKH", "JSZH", "JBDM", "JBMC", "GMS", "GZSR", "CJZH"}
)  # fmt: skip
"""Elements that are facts of a person whoever holds them: what inference may find without being told."""

SURE, LIKELY = 0.9, 0.8
"""Confidence of inference from which a field is taken for personal data: alone, and among such data."""


def is_fact(carrier: Carrier, binding: Binding | None, among: frozenset[str]) -> bool:
    """Whether a field holds a fact of a person. `among`: see `facts_among`."""
    field = carrier.field
    if field.element and field.element.lower() != "none":
        return _is_graded(field)
    if _OPEN.fullmatch(_joined(field.name)):
        return carrier.pointer in among and not types_of(field.schema) & _NO_TEXT
    contact = _CONTACT.fullmatch(_joined(field.name)) or (binding is not None and binding.element.id in _REACHED_BY)
    if contact and carrier.pointer not in among and _of_organisation(carrier.owner):
        return False  # the telephone of an office
    return _is_named(field) or is_meant(field, binding, SURE)


def facts_among(interface: Interface) -> frozenset[str]:
    """The pointers of fields beside a name or number only persons have, or in a record named for persons."""
    from specs.carriers import carriers

    found: set[str] = set()
    judged: dict[int, bool] = {}
    for carrier in carriers(interface):
        if carrier.place != "parameter":
            key = id(carrier.siblings)
            if key not in judged:
                judged[key] = _of_person(carrier.owner) or any(_is_telling(field) for field in carrier.siblings)
            if judged[key]:
                found.add(carrier.pointer)
    places = {parameter.pointer: schema_pointer(interface, parameter.pointer) for parameter in parameters(interface)}
    for operation in interface.operations:
        beside = [p.name for p in operation.parameters]
        if _of_person(operation.path) or any(_is_telling_name(name) for name in beside):
            found |= {places[p.pointer] for p in operation.parameters}
    return frozenset(found)


def _is_telling(field: Field) -> bool:
    return not types_of(field.schema) & _NO_TEXT and _is_telling_name(field.name)


def _is_telling_name(name: str) -> bool:
    """Whether a name alone speaks of a person: not one that organisations and things have as well."""
    joined = _joined(name)
    known = _PERSONAL.fullmatch(joined) is not None
    return known and not _OPEN.fullmatch(joined) and not _CONTACT.fullmatch(joined)


def _of_person(owner: str) -> bool:
    return not _singular(owner).isdisjoint(namewords().person)


def _of_organisation(owner: str) -> bool:
    return not _singular(owner).isdisjoint(namewords().organisation | _GROUPS)


_REACHED_BY = {"LXDH", "GDDH", "DZYX"}
_GROUPS = {"team", "site", "location", "branch", "unit"}


def _singular(owner: str) -> set[str]:
    words = spelled(owner)
    return {*words, *(word.removesuffix("s") for word in words)}


def is_meant(field: Field, binding: Binding | None, least: float) -> bool:
    """Whether inference finds, at least that surely, a fact of a person in a field that declares none."""
    if binding is None or field.element is not None or types_of(field.schema) & _NO_TEXT:
        return False
    return binding.confidence >= least and binding.element.id in OF_PERSONS


def _is_graded(field: Field) -> bool:
    """Whether the element a field declares is graded above what anybody may see."""
    from specs.elements import resolve

    try:
        return resolve(field.element or "")[1].sensitivity in _PRIVATE_LEVELS
    except KeyError:
        return False


def _is_named(field: Field) -> bool:
    return not types_of(field.schema) & _NO_TEXT and _PERSONAL.fullmatch(_joined(field.name)) is not None


def _joined(name: str) -> str:
    """A name in snake case, in the case it has."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).replace("-", "_").replace(" ", "_")


_CITIZEN_NUMBERS = ("11010519491231002X", "440524188001010014")
_IDENTITY_NAME = re.compile(
    r"gmsfhm|sfzh|sfzhm|shenfenzheng|身份证|公民身份号码|id_?card(_?(no|num|number))?|identity_?(card_?)?(no|num|number)"
    r"|citizen_?(id|no|num|number)|national_?(id|insurance|identity)(_?(no|num|number))?|ssn|social_?security_?"
    r"(no|num|number)|aadhaar(_?(no|num|number))?|nhs_?(no|num|number)|passport_?(no|num|number)",
    re.IGNORECASE,
)


_IDENTITY_PHRASE = re.compile(
    r"(?:[^，。,.;；:：=不非]{0,12}(?:身份证号码?|公民身份号码|身份号码)"
    r"|(?:(?:the|a|an|\w+['’]s|of|citizen|applicant|person|resident|user|patient) )*"
    r"(?:identity card|citizen|social security|national insurance|national identity|passport) (?:number|no\.?))"
    r"\s*(?:$|[，。,.;；（(])",
    re.IGNORECASE,
)
"""A first clause that ends in the number of an identity document."""


def is_identity_number(interface: Interface, parameter: Parameter, binding: Binding | None) -> bool:
    """Whether a parameter carries the number of a person's identity document: by element, name, pattern, or by
    inference from its words."""
    schema = interface.resolve(parameter.schema)
    element = parameter.element or schema.get("x-element")
    if isinstance(element, str):
        return element.upper().endswith("GMSFHM")
    if _IDENTITY_NAME.fullmatch(parameter.name.replace("-", "_")):
        return True
    if binding is not None and binding.element.id == "GMSFHM" and binding.confidence >= LIKELY:
        return True
    if "enum" not in schema and any(_IDENTITY_PHRASE.match(text) for text in parameter.description.values()):
        return True
    return _accepts_only_citizen_numbers(schema.get("pattern"))


def _accepts_only_citizen_numbers(pattern: object) -> bool:
    """Whether a pattern describes the 18 characters of a citizen number and nothing shorter or longer."""
    if not isinstance(pattern, str) or len(pattern) > 200 or not pattern.startswith("^"):
        return False
    try:
        shape = re.compile(pattern)
    except re.error:
        return False
    wrong = ("1" * 17, "1" * 19, "A" * 18, "ABCDEFGHJKLMNPQRT")
    return all(shape.search(n) for n in _CITIZEN_NUMBERS) and not any(shape.search(n) for n in wrong)
