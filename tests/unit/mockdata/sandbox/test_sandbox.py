"""The sandbox as its callers see it: routes, state, lists, errors, negotiation, faults, the record."""

import json
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest

import specs
from mockdata.sandbox import Sandbox
from mockdata.sandbox.faults import Fault
from mockdata.sandbox.messages import Request
from mockdata.sandbox.record import REDACTED, Recorder

ORDER = {
    "type": "object",
    "required": ["id", "title", "state"],
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "title": {"type": "string", "minLength": 1, "maxLength": 40},
        "state": {"enum": ["open", "done"]},
        "lines": {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "integer"}}}},
        "secret": {"type": "string", "writeOnly": True},
    },
}
NEW = {"type": "object", "required": ["title"], "properties": {"title": {"type": "string", "minLength": 1}}}
ERROR = {
    "type": "object",
    "required": ["code", "message"],
    "properties": {"code": {"type": "integer"}, "message": {"type": "string"}},
    "additionalProperties": False,
}


def content(schema: dict) -> dict:
    return {"application/json": {"schema": schema}}


def answer(schema: dict) -> dict:
    return {"description": "-", "content": content(schema)}


ID = {"name": "orderId", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
QUERY = [
    {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 50, "default": 10}},
    {"name": "offset", "in": "query", "schema": {"type": "integer", "minimum": 0}},
    {"name": "state", "in": "query", "schema": {"enum": ["open", "done"]}},
    {"name": "sort", "in": "query", "schema": {"type": "string"}},
]
FIELDS = {
    "name": "fields",
    "in": "query",
    "explode": False,
    "schema": {"type": "array", "items": {"type": "string"}},
}
PAGE = {
    "type": "object",
    "required": ["items", "total"],
    "properties": {"items": {"type": "array", "items": ORDER}, "total": {"type": "integer"}},
}
DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "Orders", "version": "1", "x-interface-id": "shop.orders"},
    "servers": [{"url": "https://shop.example/api/v2"}],
    "components": {
        "securitySchemes": {
            "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
            "bearer": {"type": "http", "scheme": "bearer"},
        }
    },
    "paths": {
        "/orders": {
            "get": {
                "operationId": "list",
                "parameters": QUERY,
                "responses": {"200": answer(PAGE), "400": answer(ERROR)},
            },
            "post": {
                "operationId": "create",
                "parameters": [{"name": "Idempotency-Key", "in": "header", "schema": {"type": "string"}}],
                "requestBody": {"required": True, "content": content(NEW)},
                "responses": {"201": answer(ORDER), "400": answer(ERROR)},
            },
        },
        "/orders/{orderId}": {
            "parameters": [ID],
            "get": {
                "operationId": "read",
                "parameters": [FIELDS],
                "responses": {"200": answer(ORDER), "404": answer(ERROR)},
            },
            "put": {
                "operationId": "replace",
                "requestBody": {"content": content(NEW)},
                "responses": {"200": answer(ORDER)},
            },
            "patch": {
                "operationId": "patch",
                "requestBody": {"content": {"application/merge-patch+json": {"schema": {"type": "object"}}}},
                "responses": {"200": answer(ORDER)},
            },
            "delete": {"operationId": "delete", "responses": {"204": {"description": "gone"}}},
        },
        "/orders/latest": {"get": {"operationId": "latest", "responses": {"200": answer({"const": "latest"})}}},
        "/orders/{orderId}.pdf": {
            "parameters": [ID],
            "get": {
                "operationId": "pdf",
                "responses": {"200": {"description": "-", "content": {"application/pdf": {}}}},
            },
        },
        "/safe": {
            "get": {
                "operationId": "safe",
                "security": [{"key": []}, {"bearer": []}],
                "responses": {"200": answer({"const": 1}), "401": answer(ERROR)},
            }
        },
        "/menu": {
            "get": {
                "operationId": "menu",
                "responses": {
                    "200": {
                        "description": "-",
                        "headers": {"X-Left": {"schema": {"type": "integer", "minimum": 3, "maximum": 3}}},
                        "content": {
                            "application/json": {
                                "schema": {"type": "object", "properties": {"dish": {"type": "string"}}},
                                "examples": {"soup": {"value": {"dish": "soup"}}, "wrong": {"value": {"dish": 1}}},
                            },
                            "application/xml": {
                                "schema": {
                                    "type": "object",
                                    "xml": {"name": "menu"},
                                    "required": ["dish"],
                                    "properties": {"dish": {"type": "string", "xml": {"attribute": True}}},
                                }
                            },
                        },
                    }
                },
            }
        },
    },
}


@pytest.fixture(scope="module")
def orders():
    return specs.read(json.dumps(DOCUMENT).encode(), name="orders.json")


@pytest.fixture
def recorder():
    return Recorder()


@pytest.fixture
def sandbox(orders, recorder):
    return Sandbox([orders], seed=5, bare=True, recorder=recorder, clock=lambda: datetime(2026, 11, 1, tzinfo=UTC))


def call(sandbox, method, path, body=None, **headers):
    path, _, query = path.partition("?")
    sent = {"content-type": "application/json"} if body is not None else {}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    data = json.dumps(body).encode() if body is not None else b""
    return sandbox.handle(Request(method, path, query, tuple(sent.items()), data))


def some_id(number: int = 0) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


# ---- routes --------------------------------------------------------------------------------------------------------


def test_literal_path_wins_over_parameter(sandbox):
    assert call(sandbox, "GET", "/orders/latest").json() == "latest"
    assert call(sandbox, "GET", f"/orders/{some_id()}").json()["id"] == some_id()
    assert call(sandbox, "GET", f"/orders/{some_id()}.pdf").body.startswith(b"%PDF-")


@pytest.mark.parametrize("path", ["/api/v2/orders/latest", "/orders/latest/"])
def test_server_base_path_and_trailing_slash(sandbox, path):
    assert call(sandbox, "GET", path).status == 200


def test_interface_prefix(orders):
    both = Sandbox([orders], seed=5)
    assert call(both, "GET", "/shop.orders/orders/latest").status == 200
    missing = call(both, "GET", "/orders/latest")
    assert missing.status == 404
    assert "/shop.orders" in missing.json()["detail"]


def test_unknown_path_and_method(sandbox):
    assert call(sandbox, "GET", "/nothing").status == 404
    refused = call(sandbox, "DELETE", "/orders")
    assert refused.status == 405
    assert refused.header("allow") == "GET, POST"
    assert call(sandbox, "HEAD", "/orders/latest").body == b""


def test_bare_needs_one_interface(orders):
    with pytest.raises(ValueError, match="exactly one"):
        Sandbox([orders, orders], bare=True)


# ---- state ---------------------------------------------------------------------------------------------------------


def test_what_is_posted_can_be_read_changed_and_deleted(sandbox):
    made = call(sandbox, "POST", "/orders", {"title": "first"})
    assert made.status == 201
    order = made.json()
    assert order["title"] == "first"
    assert made.header("location") == f"/orders/{order['id']}"
    assert call(sandbox, "GET", f"/orders/{order['id']}").json() == order
    replaced = call(sandbox, "PUT", f"/orders/{order['id']}", {"title": "second"}).json()
    assert (replaced["id"], replaced["title"]) == (order["id"], "second")
    patch = call(
        sandbox, "PATCH", f"/orders/{order['id']}", {"state": "done"}, content_type="application/merge-patch+json"
    )
    assert (patch.json()["title"], patch.json()["state"]) == ("second", "done")
    assert call(sandbox, "GET", f"/orders/{order['id']}").json()["state"] == "done"
    listed = call(sandbox, "GET", "/orders?limit=50&offset=50").json()["items"]
    assert [item["title"] for item in listed if item["id"] == order["id"]] == ["second"]
    assert call(sandbox, "DELETE", f"/orders/{order['id']}").status == 204
    gone = call(sandbox, "GET", f"/orders/{order['id']}")
    assert gone.status == 404
    assert gone.json()["code"] == 404
    assert call(sandbox, "DELETE", f"/orders/{order['id']}").status == 404


def test_virtual_things_are_stable_and_can_be_written_over(sandbox, orders):
    path = f"/orders/{some_id(1)}"
    before = call(sandbox, "GET", path).json()
    assert call(sandbox, "GET", path).json() == before
    assert call(Sandbox([orders], seed=5, bare=True), "GET", path).json() == before
    assert call(Sandbox([orders], seed=6, bare=True), "GET", path).json() != before
    changed = {"state": "done" if before["state"] == "open" else "open"}
    after = call(sandbox, "PATCH", path, changed, content_type="application/merge-patch+json").json()
    assert after == {**before, **changed}


def test_list_pages_filters_and_agrees_with_reading(sandbox):
    first = call(sandbox, "GET", "/orders?limit=5").json()
    second = call(sandbox, "GET", "/orders?limit=5&offset=5").json()
    assert len(first["items"]) == len(second["items"]) == 5
    assert not {one["id"] for one in first["items"]} & {one["id"] for one in second["items"]}
    assert first["total"] == second["total"] > 10
    for item in first["items"]:
        assert call(sandbox, "GET", f"/orders/{item['id']}").json() == item
    done = call(sandbox, "GET", "/orders?limit=50&state=done").json()
    assert {item["state"] for item in done["items"]} == {"done"}
    assert done["total"] < first["total"]
    titles = [item["title"] for item in call(sandbox, "GET", "/orders?limit=50&sort=-title").json()["items"]]
    assert titles == sorted(titles, reverse=True)
    victim = first["items"][0]["id"]
    call(sandbox, "DELETE", f"/orders/{victim}")
    after = call(sandbox, "GET", "/orders?limit=50").json()
    assert victim not in {item["id"] for item in after["items"]}
    assert after["total"] == first["total"] - 1


def test_reset_snapshot_restore(sandbox):
    order = call(sandbox, "POST", "/orders", {"title": "kept"}).json()
    state = sandbox.snapshot()
    call(sandbox, "DELETE", f"/orders/{order['id']}")
    sandbox.restore(state)
    assert call(sandbox, "GET", f"/orders/{order['id']}").json()["title"] == "kept"
    sandbox.reset()
    assert call(sandbox, "GET", f"/orders/{order['id']}").json()["title"] != "kept"


def test_sandboxes_do_not_see_each_other(orders):
    one, other = Sandbox([orders], seed=1, bare=True), Sandbox([orders], seed=1, bare=True)
    order = call(one, "POST", "/orders", {"title": "mine"}).json()
    assert call(other, "GET", f"/orders/{order['id']}").json()["title"] != "mine"


def test_idempotency_key(sandbox):
    first = call(sandbox, "POST", "/orders", {"title": "a"}, idempotency_key="k")
    again = call(sandbox, "POST", "/orders", {"title": "a"}, idempotency_key="k")
    assert again.json() == first.json()
    assert again.header("tongban-replayed") == "true"
    other = call(sandbox, "POST", "/orders", {"title": "b"}, idempotency_key="k")
    assert other.status == 422
    assert call(sandbox, "POST", "/orders", {"title": "a"}, idempotency_key="l").json()["id"] != first.json()["id"]


# ---- answers -------------------------------------------------------------------------------------------------------


def test_a_broken_request_gets_the_declared_error(sandbox, recorder):
    refused = call(sandbox, "POST", "/orders", {"title": ""})
    assert refused.status == 400
    jsonschema.validate(refused.json(), ERROR)
    assert "/body/title" in refused.json()["message"]
    assert "/body/title" in refused.header("tongban-findings")
    assert recorder.calls[-1].violations[0].pointer == "/body/title"
    assert not recorder.calls[-1].valid


def test_an_undeclared_error_is_a_problem_with_the_pointer(sandbox):
    refused = call(sandbox, "PUT", f"/orders/{some_id()}", {"title": 1})
    assert refused.status == 422
    assert refused.header("content-type") == "application/problem+json"
    assert refused.json()["pointer"] == "/body/title"


def test_fields_reduce_the_answer_and_are_recorded(sandbox, recorder):
    reduced = call(sandbox, "GET", f"/orders/{some_id()}?fields=lines").json()
    assert set(reduced) <= {"id", "title", "state", "lines"}  # required ones stay: the schema asks for them
    assert recorder.calls[-1].fields_returned == tuple(reduced)


def test_write_only_fields_are_never_returned(sandbox):
    assert all("secret" not in call(sandbox, "GET", f"/orders/{some_id(n)}").json() for n in range(8))


def test_negotiation_headers_and_xml(sandbox):
    menu = call(sandbox, "GET", "/menu", accept="application/xml;q=0.9, application/json;q=0.1")
    assert menu.header("content-type") == "application/xml"
    assert menu.body.startswith(b"<?xml")
    assert b'<menu dish="' in menu.body
    assert menu.header("x-left") == "3"
    assert call(sandbox, "GET", "/menu").header("content-type") == "application/json"
    assert call(sandbox, "GET", "/menu", accept="text/csv").status == 406


def test_prefer(sandbox):
    assert call(sandbox, "GET", "/menu", prefer="example=soup").json() == {"dish": "soup"}
    assert call(sandbox, "GET", "/menu", prefer="dynamic=false").json() == {"dish": "soup"}
    assert isinstance(call(sandbox, "GET", "/menu", prefer="example=wrong").json().get("dish", ""), str)
    refused = call(sandbox, "GET", f"/orders/{some_id()}", prefer="code=404")
    assert refused.status == 404
    jsonschema.validate(refused.json(), ERROR)
    assert "only: 200" in call(sandbox, "GET", "/menu", prefer="code=418").json()["detail"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 401), ({"x_key": "k"}, 200), ({"authorization": "Bearer t"}, 200), ({"authorization": "Basic t"}, 401)],
)
def test_credentials(sandbox, orders, headers, status):
    got = call(sandbox, "GET", "/safe", **headers)
    assert got.status == status
    if status == 401:
        jsonschema.validate(got.json(), ERROR)
        assert got.header("www-authenticate")
    assert call(Sandbox([orders], bare=True, authenticate=False), "GET", "/safe", **headers).status == 200


def test_credentials_may_be_judged(orders):
    strict = Sandbox([orders], bare=True, accept=lambda token: token == "right")
    assert call(strict, "GET", "/safe", authorization="Bearer wrong").status == 401
    assert call(strict, "GET", "/safe", authorization="Bearer right").status == 200


# ---- faults and the record -----------------------------------------------------------------------------------------


def test_faults(sandbox):
    sandbox.faults.set("shop.orders", Fault(status=503, retry_after=7, calls=1, operations=frozenset({"latest"})))
    assert call(sandbox, "GET", "/menu").status == 200
    down = call(sandbox, "GET", "/orders/latest")
    assert (down.status, down.header("retry-after")) == (503, "7")
    assert call(sandbox, "GET", "/orders/latest").status == 200
    sandbox.faults.set("*", Fault(latency_ms=250))
    assert call(sandbox, "GET", "/menu").delay == 0.25
    sandbox.faults.set("*", Fault(drop=True))
    assert call(sandbox, "GET", "/menu").drop
    sandbox.faults.clear()
    assert call(sandbox, "GET", "/menu").status == 200


def test_the_record_keeps_no_secret(sandbox, recorder):
    call(sandbox, "GET", "/safe", x_key="hush", authorization="Bearer hush-too", tongban_handled_matter="hm-1")
    (seen,) = recorder.calls
    assert (seen.interface, seen.operation, seen.path_template, seen.status) == ("shop.orders", "safe", "/safe", 200)
    assert seen.headers["x-key"] == seen.headers["authorization"] == REDACTED
    assert seen.handled_matter == "hm-1"
    assert len(seen.token) == 16
    assert "hush" not in repr(seen)


def test_the_bench_document_keeps_ids():
    document = specs.read(Path(__file__).parents[3] / "data" / "citizens.openapi.yaml")
    sandbox = Sandbox([document], bare=True)
    number = "11010519000101001X"
    assert call(sandbox, "GET", f"/citizens/{number}").json()["id"] == number
    new = {"name": "张三", "sex": "1", "birth": "2000-01-01"}
    made = call(sandbox, "POST", "/citizens", new).json()
    assert call(sandbox, "GET", f"/citizens/{made['id']}").json() | new == made | new
    assert len(call(sandbox, "GET", "/citizens?limit=7").json()) == 7


def test_an_id_that_cannot_be_gets_the_declared_404(sandbox):
    refused = call(sandbox, "GET", "/orders/not-a-uuid")
    assert refused.status == 404
    jsonschema.validate(refused.json(), ERROR)


def test_integer_formats_are_limits():
    parameter = {"name": "n", "in": "query", "schema": {"type": "integer", "format": "int32"}}
    operation = {"parameters": [parameter], "responses": {"200": {"description": "-"}}}
    document = {"openapi": "3.1.0", "info": {"title": "T", "version": "1"}, "paths": {"/a": {"get": operation}}}
    sandbox = Sandbox([specs.read(json.dumps(document).encode(), name="t.json")], bare=True)
    assert call(sandbox, "GET", "/a?n=2147483647").status == 200
    assert call(sandbox, "GET", "/a?n=2147483648").status == 422


@pytest.mark.parametrize(
    ("query", "down"),
    [
        *(("sort=name", False), ("sort=-name", True), ("sort=%2Bname", False), ("sort=name:desc", True)),
        *(("sort=name,desc", True), ("sort=name%20asc", False), ("sort=name&order=desc", True), ("order=asc", None)),
        *(("sort=name&direction=descending", True), ("sort=other", None), ("sort=", None)),
    ],
)
def test_ways_to_sort(query, down):
    item = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string", "minLength": 3}}}
    asked = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in ("sort", "order", "direction")]
    paths = {
        "/a": {"get": {"parameters": asked, "responses": {"200": answer({"type": "array", "items": item})}}},
        "/a/{id}": {"get": {"parameters": [{**ID, "name": "id"}], "responses": {"200": answer(item)}}},
    }
    document = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": paths}
    sandbox = Sandbox([specs.read(json.dumps(document).encode(), name="t.json")], bare=True)
    plain = [one["name"] for one in call(sandbox, "GET", "/a").json()]
    got = [one["name"] for one in call(sandbox, "GET", f"/a?{query}").json()]
    assert got == (plain if down is None else sorted(plain, reverse=down))
    assert plain != sorted(plain)


def test_what_lies_in_a_deleted_thing_is_gone_with_it():
    def named(name: str) -> dict:
        return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}

    pet = answer({"type": "object", "required": ["pet"], "properties": {"pet": {"type": "string"}}})
    gone = {"delete": {"responses": {"204": {"description": "-"}}}, "parameters": [named("owner")]}
    read, new = {"responses": {"200": pet}}, {"requestBody": {"content": content({})}, "responses": {"201": pet}}
    paths = {
        "/owners/{owner}": gone,
        "/owners/{owner}/pets": {"parameters": [named("owner")], "get": read, "post": new},
        "/owners/{owner}/pets/{pet}": {"parameters": [named("owner"), named("pet")], "get": read, "put": new},
    }
    document = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": paths}
    sandbox = Sandbox([specs.read(json.dumps(document).encode(), name="t.json")], bare=True)
    assert call(sandbox, "GET", "/owners/7/pets/1").status == 200
    assert call(sandbox, "DELETE", "/owners/7").status == 204
    for method, path in (("GET", "/pets/1"), ("PUT", "/pets/1"), ("GET", "/pets"), ("POST", "/pets")):
        assert call(sandbox, method, f"/owners/7{path}", {} if method[0] == "P" else None).status == 404
    assert call(sandbox, "GET", "/owners/8/pets/1").status == 200
