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


def test_openapi_3_2_is_read_whole() -> None:
    interface = read(
        """
openapi: 3.2.0
$self: https://api.example.gov/registers.yaml
info: {title: t, version: '1'}
tags:
  - {name: registers, summary: Registers, kind: nav}
  - {name: marriages, parent: registers}
  - {name: lost, parent: nowhere}
servers: [{url: 'https://{region}.example.gov/{region}', name: production, variables: {region: {default: south}}}]
paths:
  /registers:
    query:
      operationId: search
      parameters:
        - {name: all, in: querystring, content: {application/x-www-form-urlencoded: {schema: {type: object}}}}
        - {name: c, in: cookie, style: cookie, allowReserved: true, schema: {type: string}}
      requestBody: {content: {application/json: {schema: {type: object}}}}
      responses:
        '200':
          summary: A stream
          content: {application/jsonl: {itemSchema: {$ref: '#/components/schemas/Register'}}}
    additionalOperations:
      Link: {operationId: link, responses: {'204': {description: d}}}
  /events:
    get:
      operationId: events
      responses:
        '200': {description: d, content: {text/event-stream: {$ref: '#/components/mediaTypes/Events'}}}
        '201': {description: d, content: {application/json-seq: {$ref: '#/components/mediaTypes/Events'}}}
components:
  mediaTypes:
    Events: {itemSchema: {type: string}, examples: {one: {dataValue: a}, raw: {serializedValue: b}}}
  securitySchemes:
    device: {type: oauth2, flows: {deviceAuthorization: {deviceAuthorizationUrl: /d, tokenUrl: /t, scopes: {}}}}
  schemas:
    Register:
      oneOf: [{$ref: 'https://api.example.gov/registers.yaml#/components/schemas/Marriage'}]
      discriminator: {propertyName: kind, defaultMapping: Marriage, mapping: {m: Marriage, n: Nobody}}
    Marriage: {type: object, properties: {kind: {type: string}}}
"""
    )
    by_id = {operation.id: operation for operation in interface.operations}
    assert [(o.method, o.path) for o in interface.operations] == [
        ("QUERY", "/registers"), ("Link", "/registers"), ("GET", "/events"),
    ]  # fmt: skip
    everything, cookie = by_id["search"].parameters
    assert (everything.location, everything.media_type) == ("querystring", "application/x-www-form-urlencoded")
    assert (cookie.style, cookie.allow_reserved) == ("cookie", True)
    stream = by_id["search"].responses[0].contents[0]
    assert stream.item == {"$ref": "#/$defs/Register"}
    assert stream.schema == {"type": "array", "items": stream.item}
    assert by_id["search"].responses[0].description == {"en": "A stream"}
    kinds = [content.media_type for response in by_id["events"].responses for content in response.contents]
    assert kinds == ["text/event-stream", "application/json-seq"]
    assert by_id["events"].responses[0].contents[0].examples == {"one": "a"}
    assert interface.servers[0].url == "https://south.example.gov/south"
    assert [(tag.name, tag.parent, tag.kind) for tag in interface.tags][:2] == [
        ("registers", None, "nav"), ("marriages", "registers", None),
    ]  # fmt: skip
    assert "deviceAuthorization" in interface.security_schemes["device"]["flows"]
    register = interface.definitions["Register"]
    assert register["oneOf"] == [{"$ref": "#/$defs/Marriage"}]
    assert register["discriminator"]["defaultMapping"] == "#/$defs/Marriage"
    assert told(interface) == {
        ("unresolved-ref", "/tags/2/parent"),
        ("unresolved-ref", "/components/schemas/Register/discriminator/mapping/n"),
    }


def test_webhooks_callbacks_links_and_path_items() -> None:
    interface = read(
        HEAD
        + """
paths:
  /subscriptions:
    $ref: '#/components/pathItems/Subscriptions'
    delete: {operationId: end, responses: {'204': {description: d}}}
webhooks:
  moved:
    post:
      summary: A person moved
      requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/P'}}}}
      responses: {'200': {description: d}}
components:
  pathItems:
    Subscriptions:
      post:
        operationId: subscribe
        callbacks:
          told: {'{$request.body#/url}': {post: {responses: {'200': {description: d}}}}}
          again: {$ref: '#/components/callbacks/Again'}
        responses:
          '201': {description: d, links: {one: {$ref: '#/components/links/One'}}}
  callbacks: {Again: {'{$request.body#/other}': {put: {operationId: put-it, responses: {}}}}}
  links: {One: {operationId: end}}
  schemas: {P: {type: object, properties: {a: {type: string}}}}
"""
    )
    assert [operation.id for operation in interface.operations] == ["subscribe", "end"]
    subscribe = interface.operation("subscribe")
    assert subscribe.callbacks["told"][0].path == "{$request.body#/url}"
    assert (subscribe.callbacks["again"][0].method, subscribe.callbacks["again"][0].id) == ("PUT", "put-it")
    assert subscribe.responses[0].links == {"one": {"operationId": "end"}}
    (moved,) = interface.webhooks
    assert (moved.method, moved.path, moved.summary) == ("POST", "moved", {"en": "A person moved"})
    assert moved.body is not None
    assert [field.name for field in interface.fields(moved.body.contents[0].schema)] == ["a"]
    assert interface.findings == ()


def test_security_of_swagger_reads_like_that_of_openapi() -> None:
    interface = read(
        """
swagger: '2.0'
info: {title: t, version: '1'}
paths: {}
securityDefinitions:
  plain: {type: basic, description: d}
  key: {type: apiKey, in: header, name: X-Key}
  flow: {type: oauth2, flow: accessCode, authorizationUrl: /a, tokenUrl: /t, scopes: {r: read}}
"""
    )
    assert interface.security_schemes == {
        "plain": {"type": "http", "scheme": "basic", "description": "d"},
        "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
        "flow": {
            "type": "oauth2",
            "flows": {"authorizationCode": {"authorizationUrl": "/a", "tokenUrl": "/t",
                                            "scopes": {"r": "read"}}},
        },
    }  # fmt: skip


@pytest.mark.parametrize(
    ("stated", "format"),
    [
        ("openapi: 3", "OpenAPI 3"), ("openapi: 3.0", "OpenAPI 3.0"), ("openapi: v3.1.0", "OpenAPI v3.1.0"),
        ("openapi: ' 3.0.3'", "OpenAPI  3.0.3"), ("openapi: 3.0.0-rc2", "OpenAPI 3.0.0-rc2"),
        ("swagger: 2", "Swagger 2.0"),
        ("openapi: '2.0'", "Swagger 2.0"), ("swagger: 3.0.1", "OpenAPI 3.0.1"), ("swagger: 2.0.0", "Swagger 2.0"),
    ],
)  # fmt: skip
def test_a_version_with_a_slip_is_read(stated: str, format: str) -> None:
    interface = read(f"{stated}\ninfo: {{title: t, version: '1'}}\npaths: {{}}\n")
    assert interface.format == format
    slip = stated in {"openapi: '2.0'", "swagger: 3.0.1"}
    assert [finding.rule for finding in interface.findings] == ["loose-type"] * slip


def test_a_parameter_that_leads_nowhere_is_told_once() -> None:
    from specs.lint import lint

    interface = read(
        HEAD
        + """
paths:
  /a/{id}:
    get: {operationId: g, parameters: [{$ref: '#/components/parameters/Id'}], responses: {'200': {description: d}}}
"""
    )
    assert [f.rule for f in lint(interface) if f.severity.value == "error"] == ["unresolved-ref"]


def test_schemas_with_an_id_of_their_own_resolve_inside_themselves() -> None:
    interface = specs.read(
        json.dumps(
            {
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "$id": "https://a.example/root.json",
                "type": "object",
                "properties": {"p": {"$ref": "part"}, "q": {"$ref": "https://a.example/part#/$defs/x"},
                               "m": {"$ref": "http://json-schema.org/draft-07/schema#"}},
                "$defs": {"part": {"$id": "part", "$defs": {"x": {"type": "integer"}}, "items": {"$ref": "#/$defs/x"}},
                          "x": {"type": "string"},
                          "far": {"$id": "https://a.example/part", "$defs": {"x": {"const": 1}}}},
            }
        ).encode(),
        "root.json",
    )  # fmt: skip
    assert interface.findings == ()
    inner = interface.resolve(interface.definitions["part"]["items"])
    assert inner == {"type": "integer"}
    (table,) = interface.tables
    assert interface.resolve(table.field("q").schema) == {"const": 1}


def test_a_remote_reference_to_a_sibling_by_the_own_id_is_the_file_beside(tmp_path: Path) -> None:
    (tmp_path / "part.json").write_text('{"type": "integer"}')
    document = tmp_path / "root.json"
    document.write_text(
        json.dumps(
            {"$id": "https://a.example/s/root.json", "type": "object",
             "properties": {"p": {"$ref": "https://a.example/s/part.json"}, "q": {"$ref": "https://a.example/s/no.json"}}}
        )
    )  # fmt: skip
    interface = specs.read(document)
    assert told(interface) == {("remote-ref", "/properties/q/$ref")}
    assert interface.resolve(interface.tables[0].field("p").schema)["type"] == "integer"


def test_a_reference_in_place_of_an_operation_is_followed() -> None:
    document = """
openapi: 3.0.3
info: {title: Offices, version: "1"}
paths:
  /offices:
    get: {$ref: '#/x-operations/offices'}
    put: {$ref: '#/x-operations/nowhere'}
x-operations:
  offices: {operationId: listOffices, responses: {'200': {description: Them}}}
"""
    interface = specs.read(document.encode(), "offices.yaml")
    get, put = interface.operations
    assert (get.id, get.method, [answer.status for answer in get.responses]) == ("listOffices", "GET", ["200"])
    assert (put.method, put.responses) == ("PUT", ())
    told = sorted(finding.rule for finding in interface.findings)
    assert told == ["missing-operation-id", *["reference-as-operation"] * 2, "unresolved-ref"]
