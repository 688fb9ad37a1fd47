"""Parameters in every style, bodies in every media type, and what is said about faulty ones."""

import json

import pytest

import specs
from mockdata.sandbox.asking import ask, written
from mockdata.sandbox.contract import Contract
from mockdata.sandbox.messages import Request
from mockdata.sandbox.requests import read
from mockdata.sandbox.routing import Match, Router

INTEGERS = {"type": "array", "items": {"type": "integer"}}
STEP = {"enum": ["a", "b"]}
POINT = {"type": "object", "properties": {"x": {"type": "integer"}, "y": {"type": "integer"}}, "required": ["x"]}


def interface(paths: dict, **more: object):
    document = {"openapi": "3.1.0", "info": {"title": "T", "version": "1"}, "paths": paths, **more}
    return specs.read(json.dumps(document).encode(), name="t.json")


def parsed(parameter: dict, path: str = "/a", query: str = "", headers: tuple = ()):
    template = "/{p}" if parameter["in"] == "path" else "/a"
    made = interface({template: {"get": {"parameters": [parameter], "responses": {"200": {"description": "ok"}}}}})
    found = Router([made], bare=True).match("GET", path)
    assert isinstance(found, Match)
    return read(Contract(made, found.route.operation), Request("GET", path, query, headers), found.values)


@pytest.mark.parametrize(
    ("style", "explode", "schema", "text", "value"),
    [
        ("simple", False, {"type": "integer"}, "5", 5),
        ("simple", False, {"type": "string"}, "5", "5"),
        ("simple", False, {"type": "string"}, "a%2Fb", "a/b"),
        ("simple", False, INTEGERS, "3,4,5", [3, 4, 5]),
        ("simple", False, POINT, "x,1,y,2", {"x": 1, "y": 2}),
        ("simple", True, POINT, "x=1,y=2", {"x": 1, "y": 2}),
        ("label", False, {"type": "integer"}, ".5", 5),
        ("label", False, INTEGERS, ".3,4", [3, 4]),
        ("label", True, INTEGERS, ".3.4", [3, 4]),
        ("label", True, POINT, ".x=1.y=2", {"x": 1, "y": 2}),
        ("matrix", False, {"type": "integer"}, ";p=5", 5),
        ("matrix", False, INTEGERS, ";p=3,4", [3, 4]),
        ("matrix", True, INTEGERS, ";p=3;p=4", [3, 4]),
        ("matrix", False, POINT, ";p=x,1,y,2", {"x": 1, "y": 2}),
        ("matrix", True, POINT, ";x=1;y=2", {"x": 1, "y": 2}),
    ],
)
def test_path_styles(style, explode, schema, text, value):
    got = parsed(
        {"name": "p", "in": "path", "required": True, "style": style, "explode": explode, "schema": schema}, f"/{text}"
    )
    assert got.path["p"] == value
    assert got.violations == []


@pytest.mark.parametrize(
    ("style", "explode", "schema", "query", "value"),
    [
        ("form", True, {"type": "integer"}, "p=5", 5),
        ("form", True, {"type": "boolean"}, "p=true", True),
        ("form", True, {"type": ["integer", "null"]}, "p=null", None),
        ("form", True, {"anyOf": [{"type": "integer"}, {"type": "string"}]}, "p=x", "x"),
        ("form", True, INTEGERS, "p=3&p=4", [3, 4]),
        ("form", True, INTEGERS, "p%5B%5D=3&p[]=4", [3, 4]),
        ("form", False, INTEGERS, "p=3,4", [3, 4]),
        ("form", False, {"type": "array", "items": {"type": "string"}}, "p=a%2Cb,c", ["a,b", "c"]),
        ("form", True, POINT, "x=1&y=2", {"x": 1, "y": 2}),
        ("form", False, POINT, "p=x,1,y,2", {"x": 1, "y": 2}),
        ("spaceDelimited", False, INTEGERS, "p=3%204+5", [3, 4, 5]),
        ("pipeDelimited", False, INTEGERS, "p=3|4%7C5", [3, 4, 5]),
        ("deepObject", True, POINT, "p[x]=1&p%5By%5D=2", {"x": 1, "y": 2}),
    ],
)
def test_query_styles(style, explode, schema, query, value):
    got = parsed({"name": "p", "in": "query", "style": style, "explode": explode, "schema": schema}, query=query)
    assert got.query["p"] == value
    assert got.violations == []


def test_header_and_cookie():
    header = parsed({"name": "X-Ids", "in": "header", "schema": INTEGERS}, headers=(("x-ids", "1, 2"),))
    assert header.header["x-ids"] == [1, 2]
    cookie = parsed({"name": "n", "in": "cookie", "schema": {"type": "integer"}}, headers=(("Cookie", "m=1; n=2"),))
    assert cookie.cookie == {"n": 2}


def test_parameter_as_json():
    got = parsed(
        {"name": "p", "in": "query", "content": {"application/json": {"schema": POINT}}}, query="p=%7B%22x%22:1%7D"
    )
    assert got.query["p"] == {"x": 1}


@pytest.mark.parametrize(
    ("parameter", "query", "pointer"),
    [
        ({"name": "p", "in": "query", "required": True, "schema": {}}, "", "/query/p"),
        ({"name": "p", "in": "query", "schema": {"type": "integer"}}, "p=x", "/query/p"),
        ({"name": "p", "in": "query", "explode": True, "schema": INTEGERS}, "p=1&p=x", "/query/p/1"),
        ({"name": "p", "in": "query", "style": "deepObject", "schema": POINT}, "p[y]=1", "/query/p/x"),
        ({"name": "p", "in": "query", "schema": {"type": "string", "format": "date"}}, "p=2026-02-30", "/query/p"),
    ],
)
def test_faulty_parameters_are_named(parameter, query, pointer):
    assert [one.pointer for one in parsed(parameter, query=query).violations] == [pointer]


def with_body(media_type: str, schema: dict, body: bytes, content_type: str | None = None):
    content = {media_type: {"schema": schema}}
    made = interface({"/a": {"post": {"requestBody": {"required": True, "content": content}, "responses": {}}}})
    headers = (("content-type", content_type or media_type),)
    return read(Contract(made, made.operations[0]), Request("POST", "/a", "", headers, body), {})


PERSON = {
    "type": "object", "required": ["name", "age"],
    "properties": {
        "name": {"type": "string"}, "age": {"type": "integer"}, "tags": {"type": "array", "items": {"type": "string"}},
    },
}  # fmt: skip
ANN = {"name": "Ann", "age": 7, "tags": ["a", "b"]}
PARTS = (("name", "Ann"), ("age", "7"), ("tags", "a"), ("tags", "b"))
MULTIPART = b"".join(
    f'--B\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'.encode() for name, text in PARTS
)
MULTIPART += b"--B--\r\n"


@pytest.mark.parametrize(
    ("media_type", "content_type", "body"),
    [
        ("application/json", None, json.dumps(ANN).encode()),
        ("application/json", "application/json; charset=utf-8", json.dumps(ANN).encode()),
        ("application/*", "application/vnd.x+json", json.dumps(ANN).encode()),
        ("application/x-www-form-urlencoded", None, b"name=Ann&age=7&tags=a&tags=b"),
        ("multipart/form-data", "multipart/form-data; boundary=B", MULTIPART),
        ("application/xml", None, b"<p><name>Ann</name><age>7</age><tags>a</tags><tags>b</tags></p>"),
    ],
)
def test_bodies(media_type, content_type, body):
    got = with_body(media_type, PERSON, body, content_type)
    assert got.body == ANN
    assert got.violations == []


@pytest.mark.parametrize(
    ("body", "content_type", "pointer", "status"),
    [
        (b"{", None, "/body", 400),
        (b'{"name": NaN}', None, "/body", 400),
        (b"[" * 100_000, None, "/body", 400),
        (b'{"name": "Ann"}', None, "/body/age", 422),
        (b'{"name": 1, "age": 2}', None, "/body/name", 422),
        (b"", None, "/body", 422),
        (b"a,b", "text/csv", "/body", 415),
    ],
)
def test_faulty_bodies_are_named(body, content_type, pointer, status):
    got = with_body("application/json", PERSON, body, content_type)
    assert got.violations[0].pointer == pointer
    assert got.status == status


def test_xml_entities_are_refused():
    bomb = b'<!DOCTYPE p [<!ENTITY a "aaaa">]><p><name>&a;</name></p>'
    assert with_body("application/xml", PERSON, bomb).status == 400


def test_delimiters_that_a_client_has_encoded():
    choices = {"type": "array", "items": {"enum": ["a", "b"]}}
    parameter = {"name": "p", "in": "query", "explode": False, "schema": choices}
    assert parsed(parameter, query="p=a%2Cb").query["p"] == ["a", "b"]
    assert parsed(parameter, query="p=a%2Cc").violations
    texts = {"name": "p", "in": "query", "explode": False, "schema": {"type": "array", "items": {"type": "string"}}}
    assert parsed(texts, query="p=a%2Cb,c").query["p"] == ["a,b", "c"]


def test_objects_inside_lists_and_forms_travel_as_json():
    points = {"type": "array", "items": POINT}
    parameter = {"name": "p", "in": "query", "schema": points}
    assert parsed(parameter, query="p=%7B%22x%22%3A1%7D&p=%7B%22x%22%3A2%7D").query["p"] == [{"x": 1}, {"x": 2}]
    form = {"type": "object", "properties": {"on": {"type": "boolean"}, "at": POINT, "all": points}}
    document = {"/a": {"post": {"operationId": "a", "responses": {"200": {"description": "ok"}}}}}
    document["/a"]["post"]["requestBody"] = {"content": {"application/x-www-form-urlencoded": {"schema": form}}}
    made = interface(document)
    value = {"on": False, "at": {"x": 1}, "all": [{"x": 2}, {"x": 3}]}
    kind, data = written(made.operations[0].body.contents[0], value, Contract(made, made.operations[0]))
    got = read(Contract(made, made.operations[0]), Request("POST", "/a", "", (("content-type", kind),), data), {})
    assert (got.body, got.violations) == (value, [])


def test_a_call_leaves_out_what_has_no_value_and_keeps_what_tells_operations_apart():
    parameters = [
        {"name": "never", "in": "query", "schema": {"type": "boolean", "enum": ["YES"]}},
        {"name": "list", "in": "query", "explode": False, "schema": {"type": "array", "minItems": 2, "items": STEP}},
    ]
    paths = {"/a?method=one": {"get": {"parameters": parameters, "responses": {"200": {"description": "ok"}}}}}
    made = interface(paths)
    request = ask(made, made.operations[0], 1)
    assert request.path == "/a"
    assert request.query.startswith("method=one&list=")
    found = Router([made], bare=True).match("GET", request.path, request.pairs)
    assert isinstance(found, Match)
    assert read(Contract(made, made.operations[0]), request, found.values).violations == []


def test_forms_are_objects_though_their_schema_does_not_say_so():
    form = {"required": ["topic"], "properties": {"topic": {"type": "string", "minLength": 1}}}
    body = {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": form}}}
    made = interface({"/a": {"post": {"requestBody": body, "responses": {"200": {"description": "ok"}}}}})
    for seed in range(8):
        request = ask(made, made.operations[0], seed)
        assert read(Contract(made, made.operations[0]), request, {}).violations == []
