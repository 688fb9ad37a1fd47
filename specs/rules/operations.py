"""Rules over operations: paths, parameters, success and failure, pages."""

from __future__ import annotations

import re
from collections.abc import Iterator

from specs.finding import Severity
from specs.model import Interface, Operation
from specs.rules import Hit, rule
from specs.rules.places import operations, parameters, spelled, title_of, types_of

_LOST = {"unresolved-ref", "remote-ref", "outside-ref", "circular-ref"}
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_GET = "paths:\n  /marriages/{ZSBH}:\n    get: "
_SIGNS = "+#./;?&*"
"""What RFC 6570 writes around a name to say how it is expanded."""

_PAGING = {"limit", "offset", "cursor", "start", "skip", "top", "count", "size", "rows", "first", "after", "from",
           "token", "marker", "max", "per", "begin", "num"}  # fmt: skip
_LISTS = {"items", "data", "results", "records", "rows", "list", "entries", "content", "values"}


@rule(
    Severity.WARNING,
    bad=_GET + "{responses: {'200': null, default: null, '401': {$ref: '#/components/responses/Problem'}, "
    "'503': {$ref: '#/components/responses/Problem'}}}\ncomponents: {schemas: {Marriage: null}}",
    good=_GET + "{responses: {'200': {description: The marriage}}}",
)
def missing_success_response(interface: Interface) -> Iterator[Hit]:
    """Nobody can use an operation that does not say what comes back when it works; no mock can answer it."""
    for operation in operations(interface):
        if not any(r.status[0] in "123d" for r in operation.responses):
            hint = "describe the 2xx answer and its body"
            yield f"{operation.pointer}/responses", f"{title_of(operation)} documents no success", hint


@rule(
    Severity.WARNING,
    bad=_GET + "{responses: {'404': null, default: null}}\ncomponents: {responses: null, schemas: {Problem: null}}",
    good=_GET + "{responses: {'404': {$ref: '#/components/responses/Problem'}}}",
)
def undocumented_error(interface: Interface) -> Iterator[Hit]:
    """Every operation can fail. Consumers handle the failures they are told of; undocumented ones surprise
    them."""
    for operation in operations(interface):
        if operation.responses and not any(r.status[0] in "45d" for r in operation.responses):
            hint = "describe at least one 4xx or default answer"
            yield f"{operation.pointer}/responses", f"{title_of(operation)} documents no error", hint


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
          content:
            application/json:
              schema:
                type: object
                properties:
                  items: {type: array, description: Them, items: {$ref: '#/components/schemas/Marriage'}}
        default: {$ref: '#/components/responses/Problem'}
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
          content:
            application/json:
              schema:
                type: object
                properties:
                  items: {type: array, description: Them, items: {$ref: '#/components/schemas/Marriage'}}
        default: {$ref: '#/components/responses/Problem'}
""",
)
def missing_paging(interface: Interface) -> Iterator[Hit]:
    """A list without pages grows until it breaks its consumers. Bound it (maxItems) or let them ask for a
    page."""
    for operation in operations(interface):
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
            yield operation.pointer, f"{title_of(operation)} answers a list without pages", hint


def _asks_for_a_page(name: str) -> bool:
    spelled = re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)
    return any(word.lower().startswith("page") or word.lower() in _PAGING for word in spelled)


_SIZE = """
paths:
  /marriages/{ZSBH}:
    parameters: [{name: page_size, in: query, description: How many, schema: {type: integer, minimum: 1%s}}]
"""


@rule(Severity.INFO, bad=_SIZE % "", good=_SIZE % ", maximum: 100")
def unbounded_page_size(interface: Interface) -> Iterator[Hit]:
    """A page of any size is no page: one caller that asks for a million rows stops the service for all."""
    told: set[str] = set()
    for parameter in parameters(interface):
        name = "".join(spelled(parameter.name))
        schema = interface.resolve(parameter.schema)
        numeric = types_of(schema) == {"integer"} and not {"maximum", "exclusiveMaximum", "enum"} & schema.keys()
        if numeric and parameter.location == "query" and name in _SIZES and parameter.name not in told:
            told.add(parameter.name)
            yield parameter.pointer, f"{parameter.name!r} has no maximum", "add maximum:"


_SIZES = {"limit", "pagesize", "perpage", "maxresults", "maxitems", "pagelimit", "rowsperpage", "size"}


_PAGE = """
paths:
  /offices:
    get:
      operationId: listOffices
      summary: The offices
      responses:
        '200': {description: The offices, content: {application/json: {schema: %s}}}
        default: {$ref: '#/components/responses/Problem'}
"""
_OFFICES = "{type: array, maxItems: 100, items: {type: string}}"


@rule(
    Severity.INFO,
    bad=_PAGE % _OFFICES,
    good=_PAGE % f"{{type: object, properties: {{items: {{description: Them, {_OFFICES[1:]}}}}}",
)
def bare_list_answer(interface: Interface) -> Iterator[Hit]:
    """A bare list can never say more than its items: no next page, no total, no time of the data. An object around it
    can grow without breaking anybody."""
    for operation in operations(interface):
        content = operation.success.content() if operation.success else None
        schema = content.schema if content is not None and operation.method == "GET" else None
        if content is not None and schema is not None and types_of(interface.resolve(schema)) == {"array"}:
            yield content.pointer, f"{title_of(operation)} answers a bare list", "put it into an object: items:"


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
    for operation in operations(interface):
        wanted = _PLACEHOLDER.findall(operation.path)
        declared = {p.name: p for p in operation.parameters if p.location == "path"}
        place = interface.place(operation.pointer)[1]
        unsure = place in lost or place.rpartition("/")[0] in lost
        signed = {name: name.strip(_SIGNS) for name in wanted if name.strip(_SIGNS) != name}
        for name in wanted:
            if signed.get(name) in declared:
                said = f"{{{name}}}: for OpenAPI the sign is part of the name"
                yield operation.pointer, said, f"write {{{signed[name]}}}, and in its description what it may hold"
            elif name not in declared and not unsure:
                yield operation.pointer, f"{{{name}}} of the path is not declared", "add it, in: path"
        for name, parameter in declared.items():
            if name not in wanted and name not in signed.values():
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
      responses:
        '200': {description: It, content: {application/json: {schema: {type: string}}}}
        default: {$ref: '#/components/responses/Problem'}
""",
    good="""
paths:
  /certificates/{number}:
    get:
      operationId: getMarriageByNumber
      summary: One marriage by its number
      parameters: [{name: number, in: path, required: true, description: Number, schema: {type: string}}]
      responses:
        '200': {description: It, content: {application/json: {schema: {type: string}}}}
        default: {$ref: '#/components/responses/Problem'}
""",
)
def ambiguous_path(interface: Interface) -> Iterator[Hit]:
    """Two templates that differ only in the names of their parameters are the same path (OpenAPI forbids
    it)."""
    seen: dict[tuple[str, str], Operation] = {}
    for operation in operations(interface):
        shape = (operation.method, _PLACEHOLDER.sub("{}", operation.path))
        first = seen.setdefault(shape, operation)
        if first.path != operation.path:
            yield operation.pointer, f"{operation.path} is the same path as {first.path}", "merge them"


def _name(operation: Operation) -> str:
    return f"{operation.method} {operation.path}"
