"""Conditions on changes: 428 where it is declared, and what was modified when."""

import json
from datetime import UTC, datetime

import pytest

import specs
from mockdata.sandbox import Sandbox
from mockdata.sandbox.clock import VirtualClock
from mockdata.sandbox.messages import Request

NOTE = {
    "type": "object",
    "required": ["id", "text"],
    "properties": {"id": {"type": "string"}, "text": {"type": "string"}},
}
CONTENT = {"content": {"application/json": {"schema": NOTE}}}
DATED = {"description": "-", **CONTENT, "headers": {"Last-Modified": {"schema": {"type": "string"}}}}


def document(*statuses: str) -> dict:
    answers = {"200": DATED, **{status: {"description": "-"} for status in statuses}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Notes", "version": "1", "x-interface-id": "shop.notes"},
        "paths": {
            "/notes/{id}": {
                "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
                "get": {"operationId": "read", "responses": {"200": DATED, "304": {"description": "-"}}},
                "put": {"operationId": "write", "requestBody": CONTENT, "responses": answers},
                "delete": {"operationId": "drop", "responses": answers},
            }
        },
    }


@pytest.fixture
def clock():
    return VirtualClock(lambda: datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC))


def sandbox(clock, *statuses: str) -> Sandbox:
    return Sandbox([specs.read(json.dumps(document(*statuses)).encode(), "notes.json")], bare=True, clock=clock)


def call(served: Sandbox, method: str, body: bytes = b"", **headers: str):
    sent = {"content-type": "application/json", **{name.replace("_", "-"): text for name, text in headers.items()}}
    return served.handle(Request(method, "/notes/a", "", tuple(sent.items()), body))


CHANGE = b'{"id": "a", "text": "b"}'


def test_a_change_without_a_condition_is_refused_where_428_is_declared(clock):
    served = sandbox(clock, "412", "428")
    tag = call(served, "GET").header("etag")
    for method in ("PUT", "DELETE"):
        assert call(served, method, CHANGE).status == 428
    assert call(served, "PUT", CHANGE, if_match='"other"').status == 412
    assert call(served, "GET").header("etag") == tag, "a refused change changes nothing"
    assert call(served, "PUT", CHANGE, if_match=tag).status == 200
    assert call(sandbox(clock, "412"), "PUT", CHANGE).status == 200, "no 428 is declared here"


def test_last_modified_is_when_a_thing_was_written(clock):
    served = sandbox(clock, "412")
    first = call(served, "GET").header("last-modified")
    assert first.endswith("GMT")
    assert call(served, "GET").header("last-modified") == first
    assert call(served, "GET", if_modified_since=first).status == 304
    written = call(served, "PUT", CHANGE, if_unmodified_since=first)
    assert (written.status, written.header("last-modified")) == (200, "Mon, 04 May 2026 03:02:01 GMT")
    assert call(served, "GET", if_modified_since=first).header("last-modified") == written.header("last-modified")
    assert call(served, "PUT", CHANGE, if_unmodified_since=first).status == 412
    assert call(served, "GET", if_modified_since="yesterday").status == 200, "what cannot be read is no condition"
    clock.change({"advance": "P1D"})
    call(served, "PUT", CHANGE)
    assert call(served, "GET").header("last-modified") == "Tue, 05 May 2026 03:02:01 GMT"
