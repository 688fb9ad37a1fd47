"""Rules over what operations take and answer: bodies, statuses, the shape of errors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from specs.finding import Severity
from specs.model import Content, Interface, Operation, Response
from specs.rules import Hit, rule
from specs.rules.places import answers, is_reference, operations, schema_pointer, some, title_of

_PROBLEM = "{$ref: '#/components/responses/Problem'}"
_OPERATION = """
paths:
  /marriages/{ZSBH}:
    %s:
      operationId: otherMarriage
      summary: Another
      parameters: [{name: ZSBH, in: path, required: true, description: Number, schema: {type: string}}]
      %s
"""
_NO_BODY = ("204", "205", "304")


def _errors(operation: Operation) -> list[Response]:
    """The responses that tell of a failure; a lone `default` is what the operation answers at all."""
    successful = any(response.status[0] in "123" for response in operation.responses)
    return [r for r in operation.responses if r.status[0] in "45" or (r.status == "default" and successful)]


def _tells(operation: Operation, *statuses: str) -> bool:
    """Whether the operation documents one of these statuses, by itself, by a range or by default."""
    return any(operation.response(status) is not None for status in statuses)


_GET = "paths: {'/marriages/{ZSBH}': {get: {responses: {%s}}}}"


@rule(
    Severity.WARNING,
    bad=_GET % "'200': {content: null}" + "\ncomponents: {schemas: {Marriage: null}}",
    good=_GET % "'200': {content: {application/json: {schema: {$ref: '#/components/schemas/Marriage'}}}}",
)
def answer_without_schema(interface: Interface) -> Iterator[Hit]:
    """Who reads an answer must know its shape. Without a schema there is nothing to build on, to check, or to mock."""
    for operation, response in answers(interface):
        if not response.is_success or response.status in _NO_BODY or operation.method == "HEAD":
            continue
        if is_reference(interface, response.pointer):
            continue
        if not response.contents and operation.method == "GET" and response.status in ("200", "2XX", "203", "206"):
            said = f"{title_of(operation)} does not say what {response.status} holds"
            yield response.pointer, said, "add content: with a schema"
        yield from _bare(interface, response.contents)


def _bare(interface: Interface, contents: tuple[Content, ...]) -> Iterator[Hit]:
    for content in contents:
        if content.is_json and not content.schema:
            at = schema_pointer(interface, content.pointer)
            if not is_reference(interface, at) and not is_reference(interface, content.pointer):
                yield at, f"{content.media_type} without a schema", "add schema:"
            return


@rule(
    Severity.WARNING,
    bad=_OPERATION % ("put", "requestBody: {content: {application/json: {}}}\n      responses: {'204': {description: "
                      f"Done}}, default: {_PROBLEM}}}"),
    good=_OPERATION % ("put", "requestBody: {content: {application/json: {schema: {type: integer}}}}\n      responses: "
                       f"{{'204': {{description: Done}}, default: {_PROBLEM}}}"),
)  # fmt: skip
def request_without_schema(interface: Interface) -> Iterator[Hit]:
    """Nobody can send what is not described; the receiver will refuse, or take anything."""
    told: set[str] = set()
    for operation in operations(interface):
        body = operation.body
        if body is not None and body.pointer not in told:
            told.add(body.pointer)
            if not body.contents and not is_reference(interface, body.pointer):
                yield (
                    body.pointer,
                    f"{title_of(operation)} does not say what its body holds",
                    "add content:",
                )
            yield from _bare(interface, body.contents)


@rule(
    Severity.WARNING,
    bad=_OPERATION % ("delete", f"responses: {{'204': {{description: Done, content: {{application/json: {{schema: "
                      f"{{type: string}}}}}}}}, default: {_PROBLEM}}}"),
    good=_OPERATION % ("delete", f"responses: {{'204': {{description: Done}}, default: {_PROBLEM}}}"),
)  # fmt: skip
def content_of_empty_status(interface: Interface) -> Iterator[Hit]:
    """Answers with status 204, 205 or 304 have no body (RFC 9110). What is described there never arrives."""
    for _, response in answers(interface):
        if response.status in _NO_BODY and response.contents:
            yield response.pointer, f"status {response.status} has no body", "answer 200, or drop content"


@rule(
    Severity.WARNING,
    bad=_OPERATION % ("delete", "requestBody: {content: {application/json: {schema: {type: integer}}}}\n      "
                      f"responses: {{'204': {{description: Done}}, default: {_PROBLEM}}}"),
    good=_OPERATION % ("delete", f"responses: {{'204': {{description: Done}}, default: {_PROBLEM}}}"),
)  # fmt: skip
def body_of_bodyless_method(interface: Interface) -> Iterator[Hit]:
    """A body has no meaning in GET, HEAD and DELETE (RFC 9110): proxies, gateways and libraries drop it, OpenAPI 3.0
    ignores it."""
    for operation in operations(interface):
        if operation.body is not None and operation.body.contents and operation.method in ("GET", "HEAD", "DELETE"):
            yield operation.body.pointer, f"{title_of(operation)} takes a body", "use parameters, or POST"


_ONLY = "responses: {default: null, '404': {$ref: '#/components/responses/Problem'}, %s}"
_TELLING = "'401': {$ref: '#/components/responses/Problem'}, '503': {$ref: '#/components/responses/Problem'}"
_READ = "paths: {'/marriages/{ZSBH}': {get: {%s}}}"


def _example(missing: str) -> tuple[str, str]:
    """Bad: every status an operation with a path, a query and a credential tells, but one; good: all of them."""
    shown = dict.fromkeys(("400", "401", "404", "503"), _PROBLEM)
    good = ", ".join(f"'{status}': {answer}" for status, answer in shown.items())
    query = "{name: year, in: query, description: Year, schema: {type: integer}}"
    path = "{name: ZSBH, in: path, required: true, description: Number, schema: {type: string}}"
    head = f"parameters: [{path}, {query}], responses: {{default: null, "
    bad = good.replace(f"'{missing}': {_PROBLEM}", f"'{missing}': null")
    return _READ % (head + bad + "}"), _READ % (head + good + "}")


def _faulty(interface: Interface) -> Iterator[Operation]:
    """The operations that document some error: of the others `undocumented-error` tells."""
    return (operation for operation in operations(interface) if _errors(operation))


def _missing(operation: Operation, what: str, hint: str) -> Hit:
    return f"{operation.pointer}/responses", f"{title_of(operation)} does not tell {what}", hint


@rule(Severity.INFO, bad=_example("401")[0], good=_example("401")[1])
def missing_unauthorized_answer(interface: Interface) -> Iterator[Hit]:
    """Tokens expire and grants end. An operation that needs a credential tells what it answers then."""
    for operation in _faulty(interface):
        if operation.security and all(operation.security) and not _tells(operation, "401", "403"):
            yield _missing(operation, "what a missing or expired credential gets", "describe 401 or 403")


@rule(Severity.INFO, bad=_example("404")[0], good=_example("404")[1])
def missing_not_found_answer(interface: Interface) -> Iterator[Hit]:
    """A number in a path may name nothing. Whether the answer is 404, 410 or empty decides how callers go on."""
    for operation in _faulty(interface):
        named = operation.path.endswith("}") and operation.method in ("GET", "PUT", "PATCH", "DELETE")
        if named and not _tells(operation, "404", "410") and not _listed(interface, operation):
            yield _missing(operation, "what is answered when there is no such thing", "describe 404")


def _listed(interface: Interface, operation: Operation) -> bool:
    """Whether the last part of the path is one of a few fixed words."""
    last = operation.path.rpartition("{")[2].rstrip("}")
    found = [p for p in operation.parameters if p.location == "path" and p.name == last]
    return any("enum" in interface.resolve(parameter.schema) for parameter in found)


@rule(Severity.INFO, bad=_example("400")[0], good=_example("400")[1])
def missing_invalid_request_answer(interface: Interface) -> Iterator[Hit]:
    """Whatever takes input gets wrong input. Callers need to know how they are told which field is wrong."""
    for operation in _faulty(interface):
        takes = operation.body is not None or any(
            (p.location == "query" and interface.resolve(p.schema).keys() & {"enum", "pattern", "format", "minimum"})
            or (interface.resolve(p.schema).get("type") in ("integer", "number", "boolean") and p.location == "query")
            for p in operation.parameters
        )  # fmt: skip
        if takes and not _tells(operation, "400", "422"):
            yield _missing(operation, "what wrong input gets", "describe 400 or 422")


@rule(Severity.INFO, bad=_example("503")[0], good=_example("503")[1])
def missing_server_error_answer(interface: Interface) -> Iterator[Hit]:
    """Every service is down at some time. Callers that know the answer (503, Retry-After) wait; others lose the
    case."""
    for operation in _faulty(interface):
        if not any(response.status[0] == "5" or response.status == "default" for response in operation.responses):
            yield _missing(operation, "what is answered when the service fails", "describe 500, 503 or default")


_CREATE = """
paths:
  /marriages:
    post:
      operationId: addMarriage
      summary: Add a marriage
      responses:
        '201': {description: Added}
        '401': {$ref: '#/components/responses/Problem'}
        '503': {$ref: '#/components/responses/Problem'}
"""
_MORE = "        '%s': {$ref: '#/components/responses/Problem'}\n"


@rule(
    Severity.INFO,
    optional=True,
    bad=_CREATE,
    good=_CREATE + _MORE % "409",
)
def missing_conflict_answer(interface: Interface) -> Iterator[Hit]:
    """What is created may be there already: the call is repeated after a lost answer, or two offices register at once.
    The caller must know whether that is 409 or the first record again."""
    for operation in _faulty(interface):
        creates = operation.method == "POST" and any(r.status == "201" for r in operation.responses)
        if creates and not _tells(operation, "409", "422"):
            yield _missing(operation, "what is answered when it is there already", "describe 409")


_KEY = "      parameters: [{name: Idempotency-Key, in: header, description: Key, schema: {type: string}}]\n"


@rule(Severity.INFO, optional=True, bad=_CREATE + _MORE % "409", good=_CREATE + _MORE % "409" + _KEY)
def missing_idempotency_key(interface: Interface) -> Iterator[Hit]:
    """Answers get lost, and callers try again. Without a key of the attempt the second call creates a second record."""
    for operation in operations(interface):
        creates = operation.method == "POST" and any(r.status == "201" for r in operation.responses)
        if creates and not any("idempoten" in p.name.lower() for p in operation.parameters):
            yield operation.pointer, f"{title_of(operation)} takes no Idempotency-Key", "add it as a header"


_LIMIT = "paths: {'/marriages/{ZSBH}': {get: {responses: {default: null, '401': %s, '503': %s%s}}}}"


@rule(
    Severity.INFO,
    optional=True,
    bad=_LIMIT % (_PROBLEM, _PROBLEM, ""),
    good=_LIMIT % (_PROBLEM, _PROBLEM, f", '429': {_PROBLEM}"),
)
def missing_rate_limit_answer(interface: Interface) -> Iterator[Hit]:
    """A gateway limits calls. A client that does not know 429 and Retry-After repeats at once and makes it worse."""
    for operation in _faulty(interface):
        if not _tells(operation, "429"):
            yield _missing(operation, "what too many calls get", "describe 429 with Retry-After")


_A = "{schema: {$ref: '#/components/schemas/A'}}"
_SHAPED = """
paths:
  /marriages/{ZSBH}:
    get:
      responses:
        '404': {$ref: null, description: None, content: {application/problem+json: %s}}
        default: {$ref: null, description: Bad, content: {application/problem+json: %s}}
components:
  responses: {Problem: null}
  schemas:
    Problem: null
    A: {type: object, properties: {title: {type: string, description: What}, status: {type: integer, description: No}}}
"""


@rule(
    Severity.WARNING,
    bad=_SHAPED % (_A, _A.replace("/A", "/B"))
    + "    B: {type: object, properties: {code: {type: string, description: C}}}\n",
    good=_SHAPED % (_A, _A),
)
def mixed_error_shape(interface: Interface) -> Iterator[Hit]:
    """One interface, one shape of errors: callers write one handler, not one for each operation."""
    shapes: Counter[frozenset[str]] = Counter()
    first: dict[frozenset[str], str] = {}
    for operation in operations(interface):
        for response in _errors(operation):
            content = response.content("application/problem+json")
            names = frozenset(f.name for f in interface.fields(content.schema)) if content and content.schema else None
            if names:
                shapes[names] += 1
                first.setdefault(names, response.pointer)
    if shapes:
        usual = shapes.most_common(1)[0][0]
        for names, pointer in first.items():
            if not names <= usual and not usual <= names and len(names & usual) * 2 < min(len(names), len(usual)):
                said = f"this error has {some(sorted(names))}, most others {some(sorted(usual))}"
                yield pointer, said, "use one schema for all errors"


@rule(
    Severity.INFO,
    bad=_GET % "'404': {$ref: null, description: There is none}",
    good=_GET % "'404': {description: There is none, content: {application/problem+json: {schema: "
    "{$ref: '#/components/schemas/Problem'}}}}",
)
def error_without_body(interface: Interface) -> Iterator[Hit]:
    """A status alone does not say what to do. The body of an error tells which field, which rule, which next step."""
    told: set[str] = set()
    for operation in operations(interface):
        bare = [r for r in _errors(operation) if not r.contents and operation.method != "HEAD"]
        new = [r for r in bare if r.pointer not in told]
        told |= {response.pointer for response in bare}
        if new:
            statuses = some(response.status for response in new)
            yield f"{operation.pointer}/responses", f"{title_of(operation)}: no body for {statuses}", "add content:"


@rule(
    Severity.INFO,
    bad="components: {responses: {Problem: {content: {application/problem+json: null, application/json: "
    "{schema: {$ref: '#/components/schemas/Problem'}}}}}}",
    good="components: {responses: {Problem: {content: {application/problem+json: "
    "{schema: {$ref: '#/components/schemas/Problem'}}}}}}",
)
def error_not_problem_json(interface: Interface) -> Iterator[Hit]:
    """Problem details (RFC 9457, application/problem+json) are read by every library and gateway; home-made errors
    have to be learnt."""
    found = [r for o in operations(interface) for r in _errors(o) if r.contents and o.method != "HEAD"]
    strange = [r for r in found if not any("problem" in content.media_type.lower() for content in r.contents)]
    if strange:
        said = f"{len(strange)} of {len(found)} errors are not application/problem+json"
        yield strange[0].pointer, said, "answer problem details in the next major version"
