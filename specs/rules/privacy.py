"""Rules over personal data and data elements."""

from __future__ import annotations

import re
from collections.abc import Iterator

from specs.finding import Severity
from specs.model import Field, Interface
from specs.rules import Hit, rule
from specs.rules.places import objects, parameters, schema_pointer, schemas, some

# Names that mean a fact of a person wherever they occur, as whole words of a field's name.
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
_PRIVATE_LEVELS = {"core", "important", "general-4", "general-3", "general-2"}


@rule(
    Severity.WARNING,
    bad="components: {schemas: {Marriage: {properties: {mobile: {type: string, description: Mobile phone}}}}}",
    good="components: {schemas: {Marriage: {properties: {mobile: {type: string, description: Mobile phone, "
    "x-sensitivity: general-3}}}}}",
)
def personal_data_without_sensitivity(interface: Interface) -> Iterator[Hit]:
    """Who may see a field, how it is masked and how long it is kept follow from its level (GB/T 43697).
    Personal data without one is treated by guess."""
    for pointer, fields in objects(interface):
        bare = [field.name for field in fields if field.sensitivity is None and _is_personal(field)]
        if bare:
            problem = f"personal data without a sensitivity level: {some(bare)}"
            yield pointer, problem, "add x-sensitivity: general-3 (core, important, general-4 … general-1)"


@rule(
    Severity.ERROR,
    bad="components: {schemas: {Marriage: {properties: {ZSBH: {x-element: NOSUCHTHING}}}}}",
    good="components: {schemas: {Marriage: {properties: {ZSBH: {x-element: ZSBH, x-sensitivity: general-2}}}}}",
)
def unknown_element(interface: Interface) -> Iterator[Hit]:
    """A field bound to a data element has that element's meaning everywhere. A name outside the dictionary
    binds it to nothing."""
    named: dict[str, str] = {}
    for table in interface.tables:
        named |= {field.pointer: field.element for field in table.fields if field.element}
    for pointer, schema in schemas(interface) if not interface.tables else ():
        if isinstance(element := schema.get("x-element"), str):
            named[pointer] = element
    for parameter in parameters(interface):
        if parameter.element:
            named[schema_pointer(interface, parameter.pointer)] = parameter.element
    for pointer, element in named.items():
        if problem := _unknown(element):
            yield pointer, problem, "see the dictionary of data elements, or leave the binding out"


def _unknown(element: str) -> str:
    if element.lower() == "none":  # the author's word that the field is no standard element
        return ""
    from specs.elements import resolve  # loads the dictionary: only documents that bind elements pay for it

    try:
        resolve(element)
    except KeyError as error:
        return str(error.args[0])
    return ""


def _is_personal(field: Field) -> bool:
    if field.element and field.element.lower() != "none":
        from specs.elements import resolve

        try:
            return resolve(field.element)[1].sensitivity in _PRIVATE_LEVELS
        except KeyError:
            return False
    spelled = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", field.name).replace("-", "_").replace(" ", "_")
    scalar = field.schema.get("type") not in ("array", "object", "boolean")
    return scalar and _PERSONAL.fullmatch(spelled) is not None
