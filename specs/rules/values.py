"""Rules over the types of values: dates, numbers, money, codes and numbers of identity."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from specs.finding import Severity
from specs.model import Field, Interface
from specs.rules import Hit, rule
from specs.rules.places import bound, some, spelled, types_of
from specs.schema import Schema

if TYPE_CHECKING:
    from specs.elements import Element

_FIELDS = "components: {schemas: {Marriage: {properties: {%s}}}}"
_SPECIFIC = {"format", "pattern", "enum", "const", "x-date-format", "$ref", "allOf", "anyOf", "oneOf"}


def _fields(interface: Interface) -> Iterator[tuple[str, Field, Schema, Element | None]]:
    """Every field with its pointer, its resolved schema, and the element it is known to carry."""
    from specs.binding import CERTAIN

    for carrier, binding in bound(interface):
        known = binding.element if binding is not None and binding.confidence >= CERTAIN else None
        yield carrier.pointer, carrier.field, interface.resolve(carrier.field.schema), known


_DATE_WORDS = {"date", "datetime", "timestamp", "dob"}
_MOMENTS = {"created", "updated", "modified", "deleted", "issued", "expires", "expired", "registered", "signed"}


@rule(
    Severity.WARNING,
    bad=_FIELDS % "issueDate: {type: string, description: Day of issue}",
    good=_FIELDS % "issueDate: {type: string, format: date, description: Day of issue}",
)
def date_without_format(interface: Interface) -> Iterator[Hit]:
    """03/04/2025 is March or April. A date says how it is written: format date or date-time, or a pattern."""
    for pointer, field, schema, element in _fields(interface):
        if types_of(schema) != {"string"} or _SPECIFIC & schema.keys():
            continue
        dated = element is not None and element.schema.get("format") in ("date", "date-time")
        if (dated or _date_name(field.name)) and _dates(schema):
            yield pointer, f"{field.name!r} is a date without a format", "add format: date, date-time, or a pattern"


def _date_name(name: str) -> bool:
    words = spelled(name)
    last = words[-1] if words else ""
    moment = last == "at" and len(words) > 1 and words[-2] in _MOMENTS
    return last in _DATE_WORDS or moment or name.endswith("日期") or words[:2] == ["date", "of"]


def _dates(schema: Schema) -> bool:
    """Whether the examples, if there are any, look like dates."""
    return all(isinstance(one, str) and re.search(r"\d", one) for one in schema.get("examples", ()))


_COUNTS = {"count", "quantity", "latitude", "longitude", "percent", "percentage"}


@rule(
    Severity.INFO,
    bad=_FIELDS % "childCount: {type: string, description: How many children}",
    good=_FIELDS % "childCount: {type: integer, description: How many children}",
)
def number_as_string(interface: Interface) -> Iterator[Hit]:
    """Strings sort 10 before 9 and cannot be added. What is counted or measured is a number."""
    for pointer, field, schema, _ in _fields(interface):
        words = spelled(field.name)
        plain = types_of(schema) == {"string"} and not _SPECIFIC & schema.keys()
        numeric = all(re.fullmatch(r"-?[0-9.,]+%?", str(one)) for one in schema.get("examples", ()))
        if plain and numeric and words and words[-1] in _COUNTS:
            yield pointer, f"{field.name!r} is a number written as a string", "type: integer or number"


_MONEY = {"amount", "price", "fee", "fees", "salary", "wage", "cost"}


@rule(
    Severity.WARNING,
    bad=_FIELDS % "fee: {type: number, format: double, description: Fee for the certificate}",
    good=_FIELDS % "fee: {type: number, multipleOf: 0.01, description: Fee for the certificate}",
)
def money_as_float(interface: Interface) -> Iterator[Hit]:
    """Binary floats cannot hold 0.10, and sums of them drift. Money is an exact number of smallest units: a decimal
    with multipleOf 0.01, or an integer."""
    for pointer, field, schema, _ in _fields(interface):
        words = spelled(field.name)
        named = (words and words[-1] in _MONEY) or field.name.endswith(("金额", "单价", "费用"))
        if named and types_of(schema) == {"number"} and schema.get("format") in ("float", "double"):
            said = f"{field.name!r} is money as {schema['format']}"
            yield pointer, said, "multipleOf: 0.01 without format, or an integer"


_PAIRS = ({"true", "false"}, {"yes", "no"}, {"y", "n"}, {"t", "f"}, {"0", "1"}, {"on", "off"})


@rule(
    Severity.INFO,
    bad=_FIELDS % "valid: {type: string, enum: ['0', '1'], description: Whether it is valid}",
    good=_FIELDS % "valid: {type: boolean, description: Whether it is valid}",
)
def boolean_as_code(interface: Interface) -> Iterator[Hit]:
    """Yes and no have a type of their own. Codes for them (0/1, Y/N, "true") are read wrongly sooner or later: the
    string "0" is true in half of all languages."""
    for pointer, field, schema, element in _fields(interface):
        values = schema.get("enum")
        if not isinstance(values, list) or len(values) != 2 or (element is not None and element.codes):
            continue
        plain = all(isinstance(value, str | int) and not isinstance(value, bool) for value in values)
        if plain and {str(value).lower() for value in values} in _PAIRS:
            yield pointer, f"{field.name!r} is a boolean written as {some(map(str, values))}", "type: boolean"


_NUMBER_NAMES = re.compile(
    r"(.*_)?(phone|mobile|telephone|fax)(_?(no|num|number))?|(.*_)?(postcode|postal_code|zip|zip_?code)|ssn"
    r"|(.*_)?(passport|id_card|bank_card|card|account|bank_account)_?(no|num|number)|.*(身份证号码?|手机号码?|邮政编码|银行卡号)",
    re.IGNORECASE,
)


@rule(
    Severity.WARNING,
    bad=_FIELDS % "mobile: {type: integer, description: Mobile phone, x-sensitivity: general-3}",
    good=_FIELDS % "mobile: {type: string, description: Mobile phone, x-sensitivity: general-3}",
)
def identifier_as_number(interface: Interface) -> Iterator[Hit]:
    """Numbers that nobody adds up are no numbers: as integers they lose leading zeros, + and the check character X,
    and above 2^53 their last digits."""
    for pointer, field, schema, element in _fields(interface):
        if _counted(schema) and _is_identifier(field, element):
            yield pointer, f"{field.name!r} is an identifier of type {schema['type']}", "type: string, with a pattern"


def _counted(schema: Schema) -> bool:
    types = types_of(schema)
    return bool(types) and types <= {"integer", "number"}


def _is_identifier(field: Field, element: Element | None) -> bool:
    if element is not None:
        return element.check is not None or element.id in ("LXDH", "GDDH", "ZXDH", "TSDH", "CZHM", "YZBM")
    return _NUMBER_NAMES.fullmatch("_".join(spelled(field.name))) is not None


@rule(
    Severity.WARNING,
    bad=_FIELDS % "DJRQ: {type: integer, format: null, x-element: HYDJRQ, x-sensitivity: general-3}",
    good=_FIELDS % "DJRQ: {type: string, x-element: HYDJRQ, x-sensitivity: general-3}",
)
def element_of_other_type(interface: Interface) -> Iterator[Hit]:
    """A data element has the same values everywhere. A field that declares one and has another type holds something
    else, or cannot be compared."""
    for pointer, field, schema, element in _fields(interface):
        if element is None or field.element is None:
            continue
        one = schema.get("items") if types_of(schema) == {"array"} else schema  # a list of values of the element
        types, wanted = types_of(interface.resolve(one) if isinstance(one, dict) else schema), types_of(element.schema)
        alike = bool(types & wanted) or (types | wanted) <= {"integer", "number"}
        if types and wanted and not alike and not (_counted(schema) and _is_identifier(field, element)):
            said = f"{field.name!r} is of type {' or '.join(sorted(types))}, its element {' or '.join(sorted(wanted))}"
            yield pointer, said, "correct the type or the binding"


@rule(
    Severity.WARNING,
    bad=_FIELDS % "sex: {type: string, enum: [M, F], description: Sex, x-element: XBDM, x-sensitivity: general-2}",
    good=_FIELDS % "sex: {type: string, enum: ['1', '2'], description: Sex, x-element: XBDM, x-sensitivity: general-2}",
)
def code_outside_its_list(interface: Interface) -> Iterator[Hit]:
    """A field that declares a coded data element takes its codes from that list. Others cannot be looked up."""
    for pointer, field, schema, element in _fields(interface):
        values = schema.get("enum")
        if element is None or field.element is None or not element.codes or not isinstance(values, list):
            continue
        strange = [str(value) for value in values if value is not None and str(value) not in element.codes]
        if strange:
            known = some(element.codes, 8)
            yield f"{pointer}/enum", f"not in the list of {element.id}: {some(strange)}", f"its codes are {known}"
