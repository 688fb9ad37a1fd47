"""Rules over operations: paths, parameters, answers, paging, access."""

from __future__ import annotations

import re
from collections.abc import Iterator

from specs.finding import Severity
from specs.model import Interface, Operation, Parameter
from specs.rules import Hit, rule
from specs.rules.places import parameters, schemas, some
from specs.schema import escape

_LOST = {"unresolved-ref", "remote-ref", "outside-ref", "circular-ref"}
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_GET = "paths:\n  /marriages/{ZSBH}:\n    get: "
_PAGING = {"limit", "offset", "cursor", "start", "skip", "top", "count", "size", "rows", "first", "after", "from",
           "token", "marker", "max", "per", "begin", "num"}  # fmt: skip
_LISTS = {"items", "data", "results", "records", "rows", "list", "entries", "content", "values"}
_CITIZEN_NUMBERS = ("11010519491231002X", "440524188001010014")


@rule(
    Severity.ERROR,
    bad=_GET + "{responses: {'200': null}}",
    good=_GET + "{responses: {'200': {description: The marriage}}}",
)
def missing_success_response(interface: Interface) -> Iterator[Hit]:
    """Nobody can use an operation that does not say what comes back when it works; no mock can answer it."""
    for operation in interface.operations:
        if not any(r.status[0] in "123d" for r in operation.responses):
            hint = "describe the 2xx answer and its body"
            yield f"{operation.pointer}/responses", f"{_name(operation)} documents no success", hint


@rule(
    Severity.WARNING,
    bad=_GET + "{responses: {'404': null}}",
    good=_GET + "{responses: {'404': {description: There is no such marriage}}}",
)
def undocumented_error(interface: Interface) -> Iterator[Hit]:
    """Every operation can fail. Consumers handle the failures they are told of; undocumented ones surprise
    them."""
    for operation in interface.operations:
        if operation.responses and not any(r.status[0] in "45d" for r in operation.responses):
            hint = "describe at least one 4xx or default answer"
            yield f"{operation.pointer}/responses", f"{_name(operation)} documents no error", hint


@rule(
    Severity.WARNING,
    bad="""
paths:
  /marriages:
    get:
      operationId: listMarriages
      summary: All marriages
      responses:
        '200':
          description: The marriages
          content: {application/json: {schema: {type: array, items: {$ref: '#/components/schemas/Marriage'}}}}
        '403': {description: Not allowed}
""",
    good="""
paths:
  /marriages:
    get:
      operationId: listMarriages
      summary: Marriages, page by page
      parameters:
        - {name: page_token, in: query, description: Where to go on, schema: {type: string}}
      responses:
        '200':
          description: The marriages
          content: {application/json: {schema: {type: array, items: {$ref: '#/components/schemas/Marriage'}}}}
        '403': {description: Not allowed}
""",
)
def missing_paging(interface: Interface) -> Iterator[Hit]:
    """A list without pages grows until it breaks its consumers. Bound it (maxItems) or let them ask for a
    page."""
    for operation in interface.operations:
        content = operation.success.content() if operation.success else None
        if operation.method != "GET" or content is None or content.schema is None:
            continue
        schema = interface.resolve(content.schema)
        lists = [schema] if schema.get("type") == "array" else []
        for name, member in schema.get("properties", {}).items():
            if name.lower() in _LISTS:
                lists.append(interface.resolve(member))
        unbounded = any(part.get("type") == "array" and "maxItems" not in part for part in lists)
        asked = any(_asks_for_a_page(p.name) for p in operation.parameters if p.location == "query")
        if unbounded and not asked:
            hint = "add a page parameter (page_token, limit), or maxItems if the list is short by nature"
            yield operation.pointer, f"{_name(operation)} answers a list without pages", hint


def _asks_for_a_page(name: str) -> bool:
    spelled = re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)
    return any(word.lower().startswith("page") or word.lower() in _PAGING for word in spelled)


@rule(
    Severity.ERROR,
    bad=_GET + "{parameters: [{name: number, in: path, required: true, description: Number, schema: {type: string}}]}",
    good=_GET + "{parameters: [{name: ZSBH, in: path, required: true, description: Number, schema: {type: string}}]}",
)
def path_parameter_mismatch(interface: Interface) -> Iterator[Hit]:
    """Each {name} of a path is a declared path parameter and the reverse, or nobody knows how to build the
    URL."""
    # A parameter whose $ref leads nowhere may well be the missing one; that it leads nowhere is told already.
    lost = {
        f.pointer.split("/parameters/")[0]
        for f in interface.findings
        if f.rule in _LOST and "/parameters/" in f.pointer
    }
    for operation in interface.operations:
        wanted = _PLACEHOLDER.findall(operation.path)
        declared = {p.name: p for p in operation.parameters if p.location == "path"}
        place = interface.place(operation.pointer)[1]
        unsure = place in lost or place.rpartition("/")[0] in lost
        for name in wanted:
            if name not in declared and not unsure:
                yield operation.pointer, f"{{{name}}} of the path is not declared", "add it, in: path"
        for name, parameter in declared.items():
            if name not in wanted:
                yield parameter.pointer, f"the path has no {{{name}}}: {operation.path}", "correct the name"


@rule(
    Severity.ERROR,
    bad="""
paths:
  /marriages/{number}:
    get:
      operationId: getMarriageByNumber
      summary: One marriage by its number
      parameters: [{name: number, in: path, required: true, description: Number, schema: {type: string}}]
      responses: {'200': {description: The marriage}, '404': {description: None}}
""",
    good="""
paths:
  /certificates/{number}:
    get:
      operationId: getMarriageByNumber
      summary: One marriage by its number
      parameters: [{name: number, in: path, required: true, description: Number, schema: {type: string}}]
      responses: {'200': {description: The marriage}, '404': {description: None}}
""",
)
def ambiguous_path(interface: Interface) -> Iterator[Hit]:
    """Two templates that differ only in the names of their parameters are the same path (OpenAPI forbids
    it)."""
    seen: dict[tuple[str, str], Operation] = {}
    for operation in interface.operations:
        shape = (operation.method, _PLACEHOLDER.sub("{}", operation.path))
        first = seen.setdefault(shape, operation)
        if first.path != operation.path:
            yield operation.pointer, f"{operation.path} is the same path as {first.path}", "merge them"


@rule(
    Severity.ERROR,
    bad="security: [{tokn: []}]",
    good="security: [{token: []}]",
)
def security_undefined(interface: Interface) -> Iterator[Hit]:
    """A security requirement that names no scheme protects nothing and cannot be met."""
    known = set(interface.security_schemes)
    reported: set[str] = set()
    for operation in interface.operations:
        for requirement in operation.security:
            for name in requirement:
                if name not in known and name not in reported:
                    reported.add(name)
                    near = some(sorted(known)) or "none is defined"
                    hint = f"define it in securitySchemes ({near})"
                    yield operation.pointer, f"the security scheme {name!r} is not defined", hint


@rule(
    Severity.WARNING,
    bad="servers: [{url: 'http://civil-affairs.example'}]",
    good="servers: [{url: 'https://civil-affairs.example'}]",
)
def http_server_url(interface: Interface) -> Iterator[Hit]:
    """Personal data over plain HTTP can be read by anyone on the way."""
    servers = {s.pointer + s.url: s for s in interface.servers}
    servers |= {s.pointer + s.url: s for o in interface.operations for s in o.servers}
    for server in servers.values():
        local = re.match(r"http://(localhost|127\.|\[::1\]|0\.0\.0\.0)", server.url)
        if server.url.lower().startswith("http://") and not local:
            yield server.pointer, f"the server {server.url} is not encrypted", "offer https"


@rule(
    Severity.ERROR,
    bad="""
paths:
  /marriages:
    get:
      operationId: findMarriage
      summary: The marriage of a person
      parameters:
        - {name: GMSFHM, in: query, description: Citizen number, schema: {$ref: '#/components/schemas/Number'}}
      responses: {'200': {description: The marriage}, '404': {description: None}}
components:
  schemas:
    Number: {type: string, x-element: GMSFHM, x-sensitivity: general-3}
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
      responses: {'200': {description: The marriage}, '404': {description: None}}
components:
  schemas:
    Number: {type: string, x-element: GMSFHM, x-sensitivity: general-3}
""",
)
def identity_number_in_path_or_query(interface: Interface) -> Iterator[Hit]:
    """URLs end up in logs, histories and proxies. Identity numbers travel in the request body."""
    for parameter in parameters(interface):
        if parameter.location in {"path", "query"} and _is_identity_number(interface, parameter):
            problem = f"{parameter.name!r} in the {parameter.location} carries an identity number"
            yield parameter.pointer, problem, "take it in the request body of a POST"


_IDENTITY_NAME = re.compile(
    r"gmsfhm|sfzh|sfzhm|shenfenzheng|身份证|公民身份号码|id_?card(_?(no|num|number))?|identity_?(card_?)?(no|num|number)"
    r"|citizen_?(id|no|num|number)|national_?(id|insurance|identity)(_?(no|num|number))?|ssn|social_?security_?"
    r"(no|num|number)|aadhaar(_?(no|num|number))?|nhs_?(no|num|number)|passport_?(no|num|number)",
    re.IGNORECASE,
)


def _is_identity_number(interface: Interface, parameter: Parameter) -> bool:
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


_STYLES = (
    ("camelCase", re.compile(r"[a-z]+[a-z0-9]*([A-Z][a-z0-9]*)+\Z")),
    ("snake_case", re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)+\Z")),
    ("kebab-case", re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)+\Z")),
    ("PascalCase", re.compile(r"[A-Z][a-z0-9]+([A-Z][a-z0-9]*)*\Z")),
)  # one lower-case word fits every style; identifiers of data elements (GMSFHM) are a style of their own


@rule(
    Severity.INFO,
    bad="components: {schemas: {Marriage: {properties: {first_party: {type: string, description: One}, "
    "second_party: {type: string, description: Two}, placeOfMarriage: {type: string, description: Place}}}}}",
    good="components: {schemas: {Marriage: {properties: {first_party: {type: string, description: One}, "
    "second_party: {type: string, description: Two}, place_of_marriage: {type: string, description: Place}}}}}",
)
def naming_style(interface: Interface) -> Iterator[Hit]:
    """One interface, one way to write field names: mixed styles make consumers guess each time."""
    found: dict[str, dict[str, str]] = {}
    for pointer, schema in schemas(interface):
        for name in schema.get("properties", {}):
            style = next((style for style, shape in _STYLES if shape.match(name)), None)
            if style:
                found.setdefault(style, {}).setdefault(name, f"{pointer}/properties/{escape(name)}")
    if len(found) > 1:
        usual = max(found, key=lambda style: len(found[style]))
        for style, names in found.items():
            if style != usual:
                problem = f"{len(found[usual])} field names are {usual}, but {some(list(names))} {style}"
                yield next(iter(names.values())), problem, f"write them in {usual} in the next major version"


def _name(operation: Operation) -> str:
    return f"{operation.method} {operation.path}"
