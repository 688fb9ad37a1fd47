"""OpenAPI 3.x and Swagger 2.0 to the same model; references; refusals."""

import json
from pathlib import Path
from typing import Any

import pytest

import specs
from specs.finding import SpecError

HEAD = "openapi: 3.1.0\ninfo: {title: t, version: '1'}\n"


def read(text: str, **options: Any) -> specs.Interface:
    return specs.read(text.encode(), "spec.yaml", **options)


def told(interface: specs.Interface) -> set[tuple[str, str]]:
    return {(finding.rule, finding.pointer) for finding in interface.findings}


def test_parameters_of_the_path_are_inherited_and_overridden() -> None:
    interface = read(
        HEAD
        + """
paths:
  /a/{id}:
    parameters:
      - {name: id, in: path, required: true, schema: {type: string}}
      - {name: q, in: query, schema: {type: string}}
      - {$ref: '#/components/parameters/Trace'}
    get:
      operationId: g
      parameters:
        - {name: q, in: query, required: true, schema: {type: integer}}
        - {name: filter, in: query, content: {application/json: {schema: {type: object}}}}
      responses: {200: {description: ok}, 4xx: {description: bad}, default: {description: other}}
components:
  parameters:
    Trace: {name: Trace, in: header, description: d, schema: {type: string, x-element: XM, x-sensitivity: general-2}}
"""
    )
    operation = interface.operation("g")
    by_name = {parameter.name: parameter for parameter in operation.parameters}
    assert [*by_name] == ["id", "Trace", "q", "filter"]
    assert by_name["q"].required
    assert by_name["q"].schema == {"type": "integer"}
    assert (by_name["q"].style, by_name["q"].explode) == ("form", True)
    assert by_name["filter"].media_type == "application/json"
    assert (by_name["Trace"].element, by_name["Trace"].sensitivity) == ("XM", "general-2")
    assert by_name["Trace"].pointer == "/components/parameters/Trace"
    assert [response.status for response in operation.responses] == ["200", "4XX", "default"]
    assert (operation.response(404), operation.response(500)) == (operation.responses[1], operation.responses[2])
    assert interface.findings == ()


def test_what_is_missing_gets_a_name_that_is_its_own() -> None:
    interface = read(
        HEAD
        + """
paths:
  /a/{b}: {get: {responses: {'200': {description: d}}}}
  /a/b: {get: {operationId: x, responses: {'200': {description: d}}}, put: {operationId: x, responses: {}}}
  /a-b: {get: {responses: {'200': {description: d}}}}
"""
    )
    assert [operation.id for operation in interface.operations] == ["get-a-b", "x", "put-a-b", "get-a-b-2"]
    with pytest.raises(KeyError, match="get-a-b"):
        interface.operation("get-a-c")


def test_bilingual_words() -> None:
    interface = read(
        """
openapi: 3.1.0
info: {title: 婚姻核验, version: '1', x-en: {title: Marriages}, x-interface-id: civil-affairs.marriages}
paths:
  /a:
    post:
      operationId: a
      summary: 核验
      x-en: {summary: Check}
      x-mock-rules: [{id: r, status: '200'}]
      requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/A'}}}}
      responses: {'200': {description: d}}
components:
  schemas:
    Base: {type: object, required: [XM], properties: {XM: {type: string, title: 姓名, x-en: {title: Name}}}}
    A:
      allOf:
        - {$ref: '#/components/schemas/Base'}
        - {properties: {N: {allOf: [{$ref: '#/components/schemas/Number'}]}}, required: [N]}
    Number: {type: string, x-element: GMSFHM, x-sensitivity: general-3}
"""
    )
    assert (interface.id, interface.department) == ("civil-affairs.marriages", "civil-affairs")
    assert interface.title == {"zh_CN": "婚姻核验", "en": "Marriages"}
    operation = interface.operation("a")
    assert operation.summary == {"zh_CN": "核验", "en": "Check"}
    assert operation.extensions["x-mock-rules"] == [{"id": "r", "status": "200"}]
    assert operation.body is not None
    name, number = interface.fields(operation.body.contents[0].schema)
    assert (name.name, name.title, name.required) == ("XM", {"zh_CN": "姓名", "en": "Name"}, True)
    assert (number.name, number.element, number.sensitivity, number.required) == ("N", "GMSFHM", "general-3", True)


def test_a_schema_made_of_itself_in_many_ways_has_finite_fields() -> None:
    many = ", ".join("{$ref: '#/components/schemas/A'}" for _ in range(8))
    interface = read(
        HEAD
        + f"""
paths: {{}}
components:
  schemas:
    A: {{properties: {{x: {{type: string}}}}, items: {{anyOf: [{many}]}}, oneOf: [{many}]}}
"""
    )
    assert [field.name for field in interface.fields({"$ref": "#/$defs/A"})] == ["x"]


def test_references_to_files_of_the_same_folder(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "paths.yaml").write_text(
        "one:\n  get:\n    operationId: one\n    responses:\n      '200': {$ref: '../answers.json#/Ok'}\n"
    )
    (tmp_path / "answers.json").write_text(
        '{"Ok": {"description": "d", "content": {"application/json": {"schema": {"$ref": "#/Thing"}}}},\n'
        ' "Thing": {"type": "object", "properties": {"back": {"$ref": "parts/../main.yaml#/components/schemas/M"}},\n'
        '  "required": "back"}}'
    )
    main = tmp_path / "main.yaml"
    main.write_text(
        HEAD + "paths:\n  /one: {$ref: 'parts/paths.yaml#/one'}\ncomponents: {schemas: {M: {type: 'null'}}}\n"
    )
    interface = specs.read(main, "main.yaml")
    content = interface.operation("one").responses[0].contents[0]
    assert content.schema is not None
    assert interface.resolve(content.schema)["properties"]["back"] == {"$ref": "#/$defs/M"}
    (finding,) = interface.findings
    assert (finding.rule, finding.file, finding.line, finding.pointer) == (
        "loose-type",
        "answers.json",
        3,
        "/Thing/required",
    )
    assert interface.place(content.pointer)[0].name == "answers.json"
    assert interface.finding("r", specs.Severity.INFO, "m", content.pointer).file == "answers.json"


@pytest.mark.parametrize(
    ("target", "rule"),
    [
        ("#/components/schemas/Nobody", "unresolved-ref"),
        ("nofile.yaml", "unresolved-ref"),
        ("broken.yaml#/a", "unresolved-ref"),
        ("../outside.yaml", "outside-ref"),
        ("/etc/passwd", "outside-ref"),
        ("link.yaml", "outside-ref"),
        ("https://example.com/a.json#/b", "remote-ref"),
        ("//example.com/a.json", "remote-ref"),
        ("file:///etc/passwd", "remote-ref"),
        ("http://[bad", "unresolved-ref"),
        ("a\x00b.yaml", "unresolved-ref"),
    ],
)
def test_references_that_lead_nowhere(tmp_path: Path, target: str, rule: str) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (tmp_path / "outside.yaml").write_text("type: string")
    (folder / "link.yaml").symlink_to(tmp_path / "outside.yaml")
    (folder / "broken.yaml").write_text("a: [")
    main = folder / "main.json"
    quoted = json.dumps(target)
    main.write_text(
        '{"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {},\n'
        f' "components": {{"schemas": {{"A":\n {{"$ref": {quoted}}}}}}}}}'
    )
    interface = specs.read(main)
    (finding,) = interface.findings
    assert (finding.rule, finding.line, finding.pointer) == (rule, 3, "/components/schemas/A/$ref")
    assert interface.definitions["A"] == {}
    with pytest.raises(SpecError) as caught:
        specs.read(main, strict=True)
    assert caught.value.findings == (finding,)


def test_bytes_have_no_folder() -> None:
    interface = read(HEAD + "paths: {/a: {$ref: 'spec.yaml'}}")
    assert [finding.rule for finding in interface.findings] == ["unresolved-ref"]


def test_openapi_32_and_odd_documents() -> None:
    interface = read(
        """
openapi: 3.2.0
info: {title: 5, version: 1.0}
servers: [{url: 'https://{host}/v1', variables: {host: {default: a.example}}}]
paths:
  x-internal: {}
  /a:
    query: {operationId: q, responses: {'200': {description: d, content: {application/jsonl:
      {itemSchema: {type: integer}}}}}}
    additionalOperations: {LINK: {operationId: l, responses: {'2xx': {description: d}, nonsense: {}, '999': {}}}}
    get: broken
  /b: [1]
"""
    )
    assert [(o.method, o.id) for o in interface.operations] == [("QUERY", "q"), ("LINK", "l")]
    assert interface.operation("q").responses[0].contents[0].schema == {"type": "array", "items": {"type": "integer"}}
    assert [r.status for r in interface.operation("l").responses] == ["2XX"]
    assert interface.servers[0].url == "https://a.example/v1"
    assert told(interface) >= {
        ("wrong-type", "/paths/~1a/get"),
        ("wrong-type", "/paths/~1b"),
        ("loose-type", "/info/title"),
    }


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("openapi: 4.0.0\npaths: {}", "OpenAPI 4.0.0"),
        ("swagger: '1.2'\n", "Swagger 1.2"),
        ("apiVersion: v1.0.0\nkind: DataContract", "ODCS v1.0.0"),
        ("arazzo: 2.0.0\n", "Arazzo 2.0.0"),
        ("asyncapi: 3.0.0\n", "AsyncAPI 3.0.0 is not understood"),
        ("- a\n- b\n", "a list is no interface document"),
        ("hello", "a string is no interface document"),
    ],
)
def test_unknown_formats_are_refused(text: str, says: str) -> None:
    with pytest.raises(SpecError, match=says) as caught:
        read(text)
    assert caught.value.findings[0].rule == "unknown-format"
    assert caught.value.findings[0].line == 1


def test_swagger_2_is_the_same_interface() -> None:
    interface = read(
        """
swagger: '2.0'
info: {title: t, version: '1'}
host: a.example
basePath: /v1/
schemes: [https, http]
consumes: [application/json]
produces: [application/json]
securityDefinitions: {key: {type: apiKey, in: header, name: K}}
security: [{key: []}]
parameters: {Body: {name: b, in: body, required: true, schema: {$ref: '#/definitions/A'}}}
paths:
  /a/{id}:
    parameters:
      - {name: id, in: path, required: true, type: integer, minimum: 1, exclusiveMinimum: true}
      - {name: tags, in: query, type: array, items: {type: string}, collectionFormat: pipes}
    post:
      operationId: p
      parameters: [{$ref: '#/parameters/Body'}]
      responses:
        200: {description: d, schema: {type: array, items: {$ref: '#/definitions/A'}}, examples: {application/json: []},
          headers: {X-Total: {type: integer}}}
        204: {description: nothing}
    put:
      operationId: f
      consumes: [multipart/form-data]
      security: []
      parameters:
        - {name: file, in: formData, type: file, required: true}
        - {name: note, in: formData, type: string, description: A note}
      responses: {default: {description: d}}
definitions:
  A: {type: object, properties: {x: {type: string, x-nullable: true}}}
"""
    )
    assert interface.findings == ()
    assert [server.url for server in interface.servers] == ["https://a.example/v1", "http://a.example/v1"]
    post, put = interface.operations
    assert [(p.name, p.schema) for p in post.parameters] == [
        ("id", {"type": "integer", "exclusiveMinimum": 1}),
        ("tags", {"type": "array", "items": {"type": "string"}}),
    ]
    assert (post.parameters[1].style, post.parameters[1].explode) == ("pipeDelimited", False)
    assert post.body is not None
    assert (post.body.required, post.body.contents[0].schema) == (True, {"$ref": "#/$defs/A"})
    assert post.security == ({"key": ()},)
    ok, nothing = post.responses
    assert ok.contents[0].schema == {"type": "array", "items": {"$ref": "#/$defs/A"}}
    assert ok.contents[0].examples == {"example": []}
    assert (ok.headers[0].name, ok.headers[0].schema) == ("X-Total", {"type": "integer"})
    assert nothing.contents == ()
    assert interface.definitions["A"]["properties"]["x"] == {"type": ["string", "null"]}
    assert put.body is not None
    assert put.body.contents[0].media_type == "multipart/form-data"
    assert put.body.contents[0].schema == {
        "type": "object",
        "properties": {
            "file": {"type": "string", "format": "binary"},
            "note": {"description": "A note", "type": "string"},
        },
        "required": ["file"],
    }
    assert (put.parameters[0].name, put.security) == ("id", ())


def test_a_json_schema_is_a_table() -> None:
    interface = read(
        """
$schema: http://json-schema.org/draft-07/schema#
title: Person
type: object
required: [XM]
properties:
  XM: {type: string, description: Name, x-element: XM}
  spouse: {$ref: '#'}
  home: {$ref: '#/definitions/Home'}
definitions: {Home: {type: string}}
"""
    )
    (table,) = interface.tables
    assert (interface.kind, table.name) == (specs.Kind.DATASET, "person")
    name = table.field("XM")
    assert (name.required, name.element, name.pointer) == (True, "XM", "/properties/XM")
    assert interface.findings == ()
