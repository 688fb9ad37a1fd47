"""The fuzzing engine leaves no mark at a real server, and its findings are classified before they count."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from conformance.fuzz import Class, classify, fuzz
from conformance.transport import visitor

DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "t", "version": "1"},
    "paths": {
        "/things/{id}": {
            "get": {
                "operationId": "getThing",
                "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}],
                "responses": {"200": {"description": "ok"}, "404": {"description": "none"}},
            }
        }
    },
}


def test_nothing_at_the_server_tells_the_engine() -> None:
    heard = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append((self.path, dict(self.headers)))
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_HEAD = do_TRACE = do_GET

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    citizen = visitor("citizen")
    try:
        url = f"http://127.0.0.1:{server.server_port}"
        fuzz(
            json.dumps(DOCUMENT).encode(),
            url,
            {"Authorization": "Bearer t", **citizen},
            seed=1,
            examples=3,
            pause=0.001,
        )
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert len(heard) > 5
    for path, headers in heard:
        told = f"{path} {headers}".lower()
        assert not any(
            word in told for word in ("schemathesis", "hypothesis", "python", "requests/", "tongban", "test")
        )
        assert {name: headers[name] for name in citizen} == citizen


@pytest.mark.parametrize(
    ("check", "message", "status", "kind"),
    [
        ("not_a_server_error", "", 500, Class.DEFECT),
        ("not_a_server_error", "", 502, Class.NOISE),
        ("response_schema_conformance", "", 200, Class.DEFECT),
        ("status_code_conformance", "", 422, Class.NOISE),
        ("status_code_conformance", "", 429, Class.NOISE),
        ("positive_data_acceptance", "", 422, Class.OPEN),
        ("content_type_conformance", "application/problem+json", 404, Class.NOISE),
        ("negative_data_rejection", "", 200, Class.DEVIATION),
    ],
)
def test_findings_are_classified(check, message, status, kind) -> None:
    assert classify(check, message, status) is kind
