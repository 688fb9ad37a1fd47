"""Responses built to what the document promises: bodies, declared errors, headers, media types.

Nothing leaves that its own schema refuses: values are drawn as valid instances, or checked before they are
used.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any

from mockdata.instances import Unsatisfiable
from mockdata.instances.lifelike import tokens
from mockdata.instances.suggestions import Suggestions
from mockdata.sandbox.bodies import encode, is_json
from mockdata.sandbox.contract import Contract
from mockdata.sandbox.messages import PROBLEM, Response, dump, problem
from mockdata.sandbox.negotiation import choose
from mockdata.sandbox.parameters import write
from mockdata.sandbox.requests import Violation
from mockdata.seeds import stream
from specs.model import Content
from specs.model import Response as Declared

FINDINGS = "Tongban-Findings"
Make = Callable[[Content], Any]
"""Draws the body for one content. May raise Unsatisfiable."""

_DETAILS = frozenset(
    ("detail", "message", "description", "error description", "error message", "msg", "reason", "details", "text")
)
_TITLES = frozenset(("title", "error", "name", "summary", "error code", "key"))
_CODES = frozenset(("status", "status code", "http status", "code", "error code", "statuscode"))
_LISTS = frozenset(("errors", "violations", "invalid params", "problems", "issues", "details"))
_PLACES = frozenset(("pointer", "field", "property", "source", "location", "parameter", "path", "target"))


def title_of(status: int) -> str:
    """The phrase of a status code."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def answer(
    contract: Contract, status: int, declared: Declared | None, accept: str | None, make: Make, seed: int
) -> Response | None:
    """The response for a status, None when no media type on offer is accepted. `make` draws the body."""
    headers = declared_headers(contract, declared, seed)
    if status in (204, 205, 304) or declared is None or not declared.contents:
        return Response(status, headers)
    chosen = choose(declared.contents, accept)
    if chosen is None:
        return None
    content, media_type = chosen
    try:
        response = Response(status, headers, value=make(content))
    except Unsatisfiable as error:
        detail = f"the schema of the answer {status} has no instance: {error}"
        try:
            response = Response(status, headers, value=contract.eased(content).example(seed, lean=True), valid=False)
        except Unsatisfiable:
            return problem(500, "No valid answer", detail, pointer=content.pointer)
        set_header(response, FINDINGS, f"{content.pointer}: {detail}"[:900])
    if response.valid and content.schema is not None and contract.answer(content).lax(response.value):
        response.valid = False
        said = "no instance has every format it names: a format and its pattern, length or values disagree"
        set_header(response, FINDINGS, f"{content.pointer}: {said}")
    fill(response, contract, content, media_type)
    return response


def fill(response: Response, contract: Contract, content: Content, media_type: str) -> None:
    """Encode the value of a response in a media type."""
    name = str((content.schema or {}).get("$ref", "response")).rpartition("/")[2] or "response"
    response.body = encode(response.value, media_type, content.schema, contract.resolve, name)
    response.headers.append(("content-type", media_type))


def drawn(
    contract: Contract, content: Content, seed: int, suggest: Suggestions | None = None, lean: bool = False
) -> Any:
    """A body of a content: an instance of its schema; without a schema its example, else something small."""
    if content.schema is None:
        if content.examples:
            return next(iter(content.examples.values()))
        return {} if is_json(content.media_type) or content.is_json else "ok"
    return contract.answer(content).example(seed, suggest, lean=lean)


def example(contract: Contract, content: Content, name: str | None) -> tuple[bool, Any]:
    """(whether there is one, the example) of that name, or the first; only one its own schema accepts."""
    chosen = content.examples if name is None else {key: one for key, one in content.examples.items() if key == name}
    for value in chosen.values():
        value = _parsed(value, content)
        if content.schema is None or contract.answer(content).accepts(value):
            return True, value
    return False, None


def _parsed(value: Any, content: Content) -> Any:
    """Documents write JSON examples as text, too."""
    if isinstance(value, str) and content.is_json:
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def declared_headers(contract: Contract, declared: Declared | None, seed: int) -> list[tuple[str, str]]:
    """The headers a response declares, drawn from their schemas."""
    found: list[tuple[str, str]] = []
    for parameter, makers in contract.headers(declared) if declared is not None else ():
        try:
            text = write(makers.example(stream(seed, parameter.name)), parameter.style, parameter.explode)
        except Unsatisfiable:
            continue
        found.append((parameter.name, _one_line(text)))
    return found


def _one_line(text: str) -> str:
    return "".join(letter if 32 <= ord(letter) < 127 else "?" for letter in text)


def set_header(response: Response, name: str, value: str) -> None:
    """Set a header, replacing one of that name."""
    response.headers = [(key, old) for key, old in response.headers if key.lower() != name.lower()]
    response.headers.append((name, _one_line(value)))


def error(
    contract: Contract | None,
    statuses: Sequence[int],
    detail: str,
    accept: str | None = None,
    violations: Sequence[Violation] = (),
    seed: int = 0,
) -> Response:
    """The error the provider declares for the first of these statuses it knows, else a problem (RFC 9457)."""
    known = contract.declared(*statuses) if contract is not None else None
    if known is None or contract is None:
        return _problem(statuses[0], detail, violations)
    status, declared = known
    suggest = Suggestions().ask(lambda path, schemas: _say(path, status, detail, violations), speaks=True)
    response = answer(
        contract, status, declared, accept, lambda content: drawn(contract, content, seed, suggest, lean=True), seed
    )
    if response is None or response.status == 500 != status:
        return _problem(status, detail, violations)
    if not response.body and status != 304 and not declared.contents:
        plain = _problem(status, detail, violations)
        plain.headers = [*response.headers, *plain.headers]
        return plain
    if violations:
        named = "; ".join(f"{one.pointer}: {one.message}" for one in violations[:5])
        set_header(response, FINDINGS, named[:900])
    return response


def _problem(status: int, detail: str, violations: Sequence[Violation]) -> Response:
    members: dict[str, Any] = {}
    if violations:
        members = {"pointer": violations[0].pointer, "errors": [one.to_json() for one in violations]}
    return problem(status, title_of(status), detail, **members)


def _say(path: tuple[str | int, ...], status: int, detail: str, violations: Sequence[Violation]) -> list[Any]:
    """What a member of a provider's own error object should say."""
    if not path or not isinstance(path[-1], str):
        return []
    words = tokens(path[-1])
    offered: list[Any] = []
    if words in _CODES:
        offered.append(status)
    if words in _DETAILS:
        offered.append(detail)
    if words in _TITLES:
        offered.append(title_of(status))
    if words == "type":
        offered.append("about:blank")
    if words in _PLACES and violations:
        offered.append(violations[0].pointer)
    if words in _LISTS and violations:
        for place, text in (("pointer", "detail"), ("pointer", "message"), ("field", "message"), ("path", "message")):
            offered.append([{place: one.pointer, text: one.message} for one in violations])
        offered.append([f"{one.pointer}: {one.message}" for one in violations])
    return offered


def as_problem(response: Response) -> Response:
    """The response with its body as a problem document's media type, for answers no schema speaks of."""
    set_header(response, "content-type", PROBLEM)
    response.body = dump(response.value)
    return response
