"""Ten real documents of public bodies, mocked without special cases.

Every operation answers, and every JSON success answer is valid against its own response schema: judged by the Python
`jsonschema` package with numbers read as decimals, for 20 seeds each, over the synchronous core and once over HTTP.
"""

import http.client
import json
import time
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import jsonschema
import pytest

import specs
from mockdata.sandbox import Sandbox
from mockdata.sandbox.asking import ask
from mockdata.sandbox.bodies import is_json
from mockdata.sandbox.faults import Fault
from mockdata.sandbox.messages import Request
from mockdata.sandbox.serve import ServedSandbox

DOCUMENTS = sorted((Path(__file__).parents[1] / "data" / "openapi").glob("*.json"))
SEEDS = range(20)


def credentials(interface) -> tuple[dict[str, str], list[tuple[str, str]]]:
    headers, query = {"authorization": "Bearer anything"}, []
    for scheme in interface.security_schemes.values():
        if scheme.get("type") == "apiKey" and scheme.get("in") == "header":
            headers.setdefault(scheme["name"].lower(), "anything")
        elif scheme.get("type") == "apiKey" and scheme.get("in") == "query":
            query.append((scheme["name"], "anything"))
    return headers, query


def valid_request(interface, operation, seed: int) -> Request:
    """A valid call with whatever credential the document asks for."""
    headers, query = credentials(interface)
    asked = ask(interface, operation, seed, tuple(headers.items()))
    both = "&".join(part for part in (urlencode(query), asked.query) if part)
    return Request(asked.method, asked.path, both, asked.headers, asked.body)


class Judge:
    """Checks answers against the document by another validator than the sandbox uses."""

    def __init__(self, interface) -> None:
        self.interface = interface
        self.kept: dict[tuple[str, str, str], jsonschema.Draft202012Validator | None] = {}

    def __call__(self, operation, status: int, media_type: str, body: bytes) -> bool:
        """Whether there was a schema to judge by; asserts that the body is valid."""
        declared = operation.response(status)
        content = next((one for one in declared.contents if one.media_type in (media_type, "*/*")), None)
        if content is None or content.schema is None or not is_json(media_type):
            return False
        key = (operation.id, declared.status, content.media_type)
        if key not in self.kept:
            schema = json.dumps(self.interface.standalone(content.schema))
            self.kept[key] = jsonschema.Draft202012Validator(json.loads(schema, parse_float=Decimal))
        self.kept[key].validate(json.loads(body, parse_float=Decimal))
        return True


@pytest.mark.parametrize("path", DOCUMENTS, ids=[path.stem for path in DOCUMENTS])
def test_every_operation_answers_validly(path):
    interface = specs.read(path)
    judge, judged, promised = Judge(interface), 0, 0
    for seed in SEEDS:
        sandbox = Sandbox([interface], seed=seed, bare=True)
        for operation in interface.operations:
            sandbox.reset()
            request = valid_request(interface, operation, seed)
            response = sandbox.handle(request)
            wanted = operation.success
            assert wanted is not None
            where = f"seed {seed} {operation.id} {request.path}?{request.query}: {response.body[:300]!r}"
            assert 200 <= response.status < 300, where
            promised += any(is_json(one.media_type) and one.schema is not None for one in wanted.contents)
            judged += judge(operation, response.status, response.header("content-type") or "", response.body)
    assert judged >= promised


@pytest.mark.parametrize("path", DOCUMENTS, ids=[path.stem for path in DOCUMENTS])
def test_every_declared_error_can_be_had_and_is_valid(path):
    interface = specs.read(path)
    judge, sandbox = Judge(interface), Sandbox([interface], seed=3, bare=True)
    for operation in interface.operations:
        request = valid_request(interface, operation, 3)
        for declared in operation.responses:
            if declared.status[0] not in "45" or not declared.status.isdigit():
                continue
            headers = (*request.headers, ("prefer", f"code={declared.status}"))
            response = sandbox.handle(Request(request.method, request.path, request.query, headers, request.body))
            assert response.status == int(declared.status), (operation.id, declared.status, response.body[:200])
            if response.body and "has no instance" not in (response.header("tongban-findings") or ""):
                judge(operation, response.status, response.header("content-type") or "", response.body)


def fetch(base: str, request: Request) -> tuple[int, str, bytes]:
    place = urlsplit(base)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=20)
    try:
        target = request.path + (f"?{request.query}" if request.query else "")
        connection.request(request.method, target, request.body or None, dict(request.headers))
        response = connection.getresponse()
        return response.status, response.getheader("content-type") or "", response.read()
    finally:
        connection.close()


def test_over_http_the_answers_are_the_same():
    interface = specs.read(next(path for path in DOCUMENTS if "gov-pay" in path.name))
    judge, alone = Judge(interface), Sandbox([interface], seed=1, bare=True)
    with ServedSandbox(Sandbox([interface], seed=1, bare=True)) as served:
        for operation in interface.operations:
            request = valid_request(interface, operation, 1)
            status, media_type, body = fetch(served.url, request)
            expected = alone.handle(request)
            assert status == expected.status
            if operation.method != "GET":  # lists link to themselves, and the address differs
                assert body == expected.body
            judge(operation, status, media_type, body)


def test_a_dropped_connection_and_a_slow_answer():
    interface = specs.read(next(path for path in DOCUMENTS if "dvla" in path.name))
    sandbox = Sandbox([interface], seed=1, bare=True)
    request = valid_request(interface, interface.operations[0], 1)
    with ServedSandbox(sandbox) as served:
        sandbox.faults.set("*", Fault(latency_ms=200, calls=1))
        started = time.perf_counter()
        assert fetch(served.url, request)[0] == 200
        assert time.perf_counter() - started >= 0.2
        sandbox.faults.set("*", Fault(drop=True, calls=1))
        with pytest.raises((http.client.HTTPException, ConnectionError)):
            fetch(served.url, request)
        assert fetch(served.url, request)[0] == 200


def test_a_taken_port_is_told_at_once():
    interface = specs.read(DOCUMENTS[0])
    with ServedSandbox(Sandbox([interface], bare=True)) as served, pytest.raises(OSError, match="in use"):
        ServedSandbox(Sandbox([interface], bare=True), port=urlsplit(served.url).port)
