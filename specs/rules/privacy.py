"""Rules over personal data and data elements."""

from __future__ import annotations

from collections.abc import Iterator

from specs.finding import Severity
from specs.model import Interface
from specs.rules import Hit, rule
from specs.rules.persons import LIKELY, OF_PERSONS, facts_among, is_fact, is_identity_number, is_meant
from specs.rules.places import bound, parameters, schema_pointer, schemas, some


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
    among = facts_among(interface)
    for carrier, binding in bound(interface):
        field = carrier.field
        if field.sensitivity is not None:
            continue
        holder = carrier.pointer if carrier.place == "parameter" else _holder(carrier.pointer)
        if is_fact(carrier, binding, among):
            bare.setdefault(holder, []).append(field.name)
        elif is_meant(field, binding, LIKELY):
            unsure.setdefault(holder, []).append(field.name)
    for pointer, names in bare.items():  # `name` is a person's beside a date of birth; alone it may be anything's
        problem = f"personal data without a sensitivity level: {some([*names, *unsure.get(pointer, ())])}"
        yield pointer, problem, "add x-sensitivity: general-3 (core, important, general-4 … general-1)"


def _holder(pointer: str) -> str:
    """The object schema or table around a field."""
    return pointer.rsplit("/", 2)[0]


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
    among = facts_among(interface)
    for carrier, binding in bound(interface):
        parameter = places.get(carrier.pointer) if carrier.place == "parameter" else None
        if parameter is None or parameter.location not in ("path", "query"):
            continue
        stated = binding is not None and binding.explicit and binding.element.id in OF_PERSONS
        told = stated or (carrier.field.element is None and is_fact(carrier, binding, among))
        if told and not is_identity_number(interface, parameter, binding):
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
    meant = {carrier.pointer: binding for carrier, binding in bound(interface) if carrier.place == "parameter"}
    for parameter in parameters(interface):
        if parameter.location not in {"path", "query"}:
            continue
        if is_identity_number(interface, parameter, meant.get(schema_pointer(interface, parameter.pointer))):
            problem = f"{parameter.name!r} in the {parameter.location} is the number of an identity document"
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
