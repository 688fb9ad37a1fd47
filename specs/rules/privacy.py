"""Rules over personal data and data elements."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from specs.finding import Severity
from specs.model import Field, Interface, Parameter
from specs.rules import Hit, rule
from specs.rules.places import bound, parameters, schema_pointer, schemas, some, types_of

if TYPE_CHECKING:
    from specs.binding import Binding

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
_NO_TEXT = {"boolean", "array", "object"}
_PRIVATE_LEVELS = {"core", "important", "general-4", "general-3", "general-2"}


_OF_PERSONS = frozenset(
    {"GMSFHM", "XM", "CYM", "XBDM", "CSRQ", "CSSJ", "GJDM", "DZYX", "MZDM", "LXDH", "GDDH", "HYZKDM", "ZJHM",
     "SWRQ", "HZHM", "ZJXY", "ZZMMDM", "JKZKDM", "ZP", "XXDM", "XS", "MING", "YWXM", "HJDZ", "XZZXZ", "SBKH",
     "YHKH", "CSDXZ", "LHSFZ", "DZJKKH", "JSZH", "JBDM", "JBMC", "GMS", "GZSR", "CJZH"}
)  # fmt: skip
"""Elements that are facts of a person whoever holds them: what inference may find without being told."""


@rule(
    Severity.WARNING,
    bad="components: {schemas: {Marriage: {properties: {mobile: {type: string, description: Mobile phone}}}}}",
    good="components: {schemas: {Marriage: {properties: {mobile: {type: string, description: Mobile phone, "
    "x-sensitivity: general-3}}}}}",
)
def personal_data_without_sensitivity(interface: Interface) -> Iterator[Hit]:
    """Who may see a field, how it is masked and how long it is kept follow from its level (GB/T 43697).
    Personal data without one is treated by guess."""
    bare: dict[str, list[str]] = {}
    unsure: dict[str, list[str]] = {}
    for carrier, binding in bound(interface):
        field = carrier.field
        if field.sensitivity is not None:
            continue
        holder = carrier.pointer if carrier.place == "parameter" else _holder(carrier.pointer)
        if _is_personal(field) or _meant(field, binding, _SURE):
            bare.setdefault(holder, []).append(field.name)
        elif _meant(field, binding, _LIKELY):
            unsure.setdefault(holder, []).append(field.name)
    for pointer, names in bare.items():  # `name` is a person's beside a date of birth; alone it may be anything's
        problem = f"personal data without a sensitivity level: {some([*names, *unsure.get(pointer, ())])}"
        yield pointer, problem, "add x-sensitivity: general-3 (core, important, general-4 … general-1)"


_SURE, _LIKELY = 0.9, 0.8
"""Confidence of inference from which a field is taken for personal data: alone, and among such data."""


def _holder(pointer: str) -> str:
    """The object schema or table around a field."""
    return pointer.rsplit("/", 2)[0]


def _meant(field: Field, binding: Binding | None, least: float) -> bool:
    """Whether inference finds, at least that surely, a fact of a person in a field that declares none."""
    if binding is None or field.element is not None or types_of(field.schema) & _NO_TEXT:
        return False
    return binding.confidence >= least and binding.element.id in _OF_PERSONS


_XM = "components: {schemas: {Marriage: {properties: {NAN_XM: {type: string, description: His name, " \
      "x-element: NAN_XM, x-sensitivity: %s}}}}}"  # fmt: skip


@rule(Severity.WARNING, bad=_XM % "general-1", good=_XM % "general-2")
def sensitivity_below_element(interface: Interface) -> Iterator[Hit]:
    """A data element has a level wherever it goes. A field graded below it is protected less here than there, and the
    weakest copy counts."""
    from specs.binding import CERTAIN
    from specs.entry import LEVELS

    for carrier, binding in bound(interface):
        stated = carrier.field.sensitivity
        if binding is None or stated not in LEVELS or binding.confidence < CERTAIN:
            continue
        wanted = binding.element.sensitivity
        if LEVELS.index(stated) > LEVELS.index(wanted):
            said = f"{carrier.field.name!r} is graded {stated}, the element {binding.element.id} {wanted}"
            yield carrier.pointer, said, f"grade it {wanted} or above"


@rule(Severity.WARNING, bad=_XM % "secret", good=_XM % "general-2")
def unknown_sensitivity(interface: Interface) -> Iterator[Hit]:
    """Masking, keeping and access go by the levels of GB/T 43697. A word outside them is no level: the field is treated
    as if it had none."""
    from specs.entry import LEVELS

    for carrier, _ in bound(interface):
        stated = carrier.field.sensitivity
        if stated is not None and stated not in LEVELS:
            yield carrier.pointer, f"{stated!r} is no level of sensitivity", f"one of {', '.join(LEVELS)}"


_SEARCH = """
paths:
  /marriages:
    %s:
      operationId: findMarriage
      summary: The marriage of a person
      %s
      responses:
        '200': {description: The marriage, content: {application/json: {schema: {type: object, description: One}}}}
        default: {$ref: '#/components/responses/Problem'}
"""
_TAKEN = """requestBody:
        content:
          application/json:
            schema:
              type: object
              properties:
                mobile: {type: string, maxLength: 20, description: Phone, x-element: LXDH, x-sensitivity: general-3}"""
_MOBILE = "type: string, maxLength: 20, x-element: LXDH, x-sensitivity: general-3"


@rule(
    Severity.WARNING,
    bad=_SEARCH % ("get", f"parameters: [{{name: mobile, in: query, description: Phone, schema: {{{_MOBILE}}}}}]"),
    good=_SEARCH % ("post", _TAKEN),
)
def personal_data_in_url(interface: Interface) -> Iterator[Hit]:
    """URLs end up in logs, histories and proxies of third parties. Names, phone numbers and addresses of persons travel
    in the request body."""
    places = {schema_pointer(interface, p.pointer): p for p in parameters(interface)}
    for carrier, binding in bound(interface):
        parameter = places.get(carrier.pointer) if carrier.place == "parameter" else None
        if parameter is None or parameter.location not in ("path", "query"):
            continue
        stated = binding is not None and binding.explicit and binding.element.id in _OF_PERSONS
        plain = carrier.field.element is None and _is_personal(carrier.field)
        told = stated or plain or _meant(carrier.field, binding, _SURE)
        if told and not is_identity_number(interface, parameter):
            said = f"{parameter.name!r} in the {parameter.location} is a fact of a person"
            yield parameter.pointer, said, "take it in the request body of a POST"


@rule(
    Severity.WARNING,
    bad="""
paths:
  /marriages:
    get:
      operationId: findMarriage
      summary: The marriage of a person
      parameters:
        - {name: GMSFHM, in: query, description: Citizen number, schema: {$ref: '#/components/schemas/Number'}}
      responses:
        '200': {description: The marriage, content: {application/json: {schema: {type: object, description: One}}}}
        default: {$ref: '#/components/responses/Problem'}
components:
  schemas:
    Number: {type: string, maxLength: 18, x-element: GMSFHM, x-sensitivity: general-3}
""",
    good="""
paths:
  /marriage-queries:
    post:
      operationId: findMarriage
      summary: The marriage of a person
      requestBody:
        content:
          application/json:
            schema:
              type: object
              properties:
                GMSFHM: {$ref: '#/components/schemas/Number', description: Citizen number}
      responses:
        '200': {description: The marriage, content: {application/json: {schema: {type: object, description: One}}}}
        default: {$ref: '#/components/responses/Problem'}
components:
  schemas:
    Number: {type: string, maxLength: 18, x-element: GMSFHM, x-sensitivity: general-3}
""",
)
def identity_number_in_path_or_query(interface: Interface) -> Iterator[Hit]:
    """URLs end up in logs, histories and proxies. Identity numbers travel in the request body."""
    for parameter in parameters(interface):
        if parameter.location in {"path", "query"} and is_identity_number(interface, parameter):
            problem = f"{parameter.name!r} in the {parameter.location} carries an identity number"
            yield parameter.pointer, problem, "take it in the request body of a POST"


@rule(
    Severity.INFO,
    bad="components: {schemas: {Marriage: {properties: {ZSBH: {x-element: ZSBH, x-sensitivity: general-3}, DJRQ: "
    "{x-element: HYDJRQ, x-sensitivity: general-3}, DJJG: {type: string, description: Who registered it, "
    "x-element: DJJG}, NAN_GMSFHM: {type: string, description: His number, "
    "x-sensitivity: general-3}}}}}",
    good="components: {schemas: {Marriage: {properties: {ZSBH: {x-element: ZSBH, x-sensitivity: general-3}, DJRQ: "
    "{x-element: HYDJRQ, x-sensitivity: general-3}, DJJG: {type: string, description: Who registered it, "
    "x-element: DJJG}, NAN_GMSFHM: {type: string, description: His number, "
    "x-element: NAN_GMSFHM, x-sensitivity: general-3}}}}}",
)
def unbound_field(interface: Interface) -> Iterator[Hit]:
    """Where most fields declare their data element, one that certainly is an element and does not is left out of reuse
    checks, mock data and joins across departments."""
    from specs.binding import CERTAIN

    every = [(carrier, binding) for carrier, binding in bound(interface) if binding is not None]
    said = sum(binding.explicit for _, binding in every)
    if 4 * said < 3 * sum(binding.confidence >= CERTAIN for _, binding in every):
        return  # a document that seldom speaks of elements owes none of them
    free: dict[str, list[str]] = {}
    for carrier, binding in every:
        if CERTAIN <= binding.confidence < 1 and carrier.place != "parameter":
            free.setdefault(_holder(carrier.pointer), []).append(f"{carrier.field.name} ({binding.name})")
    for pointer, names in free.items():
        yield pointer, f"fields that are data elements and do not say so: {some(names)}", "x-element: NAME, or none"


@rule(
    Severity.ERROR,
    bad="components: {schemas: {Marriage: {properties: {ZSBH: {x-element: NOSUCHTHING}}}}}",
    good="components: {schemas: {Marriage: {properties: {ZSBH: {x-element: ZSBH, x-sensitivity: general-3}}}}}",
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
    return not types_of(field.schema) & _NO_TEXT and _PERSONAL.fullmatch(spelled) is not None


_CITIZEN_NUMBERS = ("11010519491231002X", "440524188001010014")
_IDENTITY_NAME = re.compile(
    r"gmsfhm|sfzh|sfzhm|shenfenzheng|身份证|公民身份号码|id_?card(_?(no|num|number))?|identity_?(card_?)?(no|num|number)"
    r"|citizen_?(id|no|num|number)|national_?(id|insurance|identity)(_?(no|num|number))?|ssn|social_?security_?"
    r"(no|num|number)|aadhaar(_?(no|num|number))?|nhs_?(no|num|number)|passport_?(no|num|number)",
    re.IGNORECASE,
)


def is_identity_number(interface: Interface, parameter: Parameter) -> bool:
    """Whether a parameter carries the number of a person's identity document, by element, name or pattern."""
    schema = interface.resolve(parameter.schema)
    element = parameter.element or schema.get("x-element")
    if isinstance(element, str):
        return element.upper().endswith("GMSFHM")
    if _IDENTITY_NAME.fullmatch(parameter.name.replace("-", "_")):
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
