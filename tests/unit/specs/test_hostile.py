"""Documents meant to hurt: each is read, shown and linted, or refused in one line, in bounded time and memory.

Every case here once was a traceback, an endless loop or gigabytes; a relapse shows as that, not as a failed time.
"""

import io
import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

import specs
from specs.finding import SpecError
from specs.lint import lint
from specs.loops import MAX_APPLIED
from specs.parse import parse
from specs.picture import picture
from specs.sources import MAX_FILES

HEAD: dict[str, Any] = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}}
MANY = 2_000  # twice as many as Python's stack has room for


def looked_at(document: dict[str, Any], path: Path | None = None) -> specs.Interface:
    """Read, shown and linted; every finding has its line."""
    text = json.dumps({**HEAD, **document}).encode()
    if path is not None:
        path.write_bytes(text)
    interface = specs.read(path or text, None if path else "spec.json")
    picture(interface, Console(file=io.StringIO(), width=132))
    assert all(finding.line is not None for finding in lint(interface))
    return interface


def using(schemas: dict[str, Any], name: str = "S0", uses: int = 1) -> dict[str, Any]:
    """Operations that answer with one of the schemas."""
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}
    answer = {"responses": {"200": {"description": "d", "content": content}}}
    paths = {f"/p{n}": {"get": {"operationId": f"o{n}", **answer}} for n in range(uses)}
    return {"paths": paths, "components": {"schemas": schemas}}


def chain(link: Callable[[str], dict[str, Any]], length: int, last: dict[str, Any]) -> dict[str, Any]:
    """Schemas of which each refers to the next by `link`."""
    made = {f"S{n}": link(f"#/components/schemas/S{n + 1}") for n in range(length)}
    return {**made, f"S{length}": last}


def rules(interface: specs.Interface) -> set[str]:
    return {finding.rule for finding in interface.findings}


def test_a_long_chain_of_references_is_followed() -> None:
    interface = looked_at(using(chain(lambda target: {"$ref": target}, 20_000, {"properties": {"a": {}}})))
    answer = interface.operations[0].success
    assert answer is not None
    assert [field.name for field in interface.fields(answer.contents[0].schema)] == ["a"]
    assert rules(interface) == set()


def test_a_long_row_of_parts_is_cut_where_validators_lose_their_stack() -> None:
    def part(target: str) -> dict[str, Any]:
        return {"allOf": [{"$ref": target}], "unevaluatedProperties": False, "example": {"a": 1}}

    interface = looked_at(using(chain(part, MANY, {"properties": {"a": {}}})))
    assert rules(interface) == {"too-deep"}
    whole = sum("$ref" in schema["allOf"][0] for schema in interface.definitions.values() if "allOf" in schema)
    assert whole > MANY * 0.8
    assert rules(looked_at(using(chain(part, 8, {"properties": {"a": {}}})))) == set()


def test_a_long_chain_through_properties_stays_as_it_is() -> None:
    interface = looked_at(
        using(chain(lambda target: {"properties": {"n": {"$ref": target}}}, MANY, {"type": "string"}))
    )
    assert len(interface.definitions) == MANY + 1
    assert rules(interface) == set()


@pytest.mark.parametrize("word", ["allOf", "anyOf", "oneOf"])
def test_what_doubles_at_every_step_is_cut(word: str) -> None:
    def twice(target: str) -> dict[str, Any]:
        return {word: [{"$ref": target}, {"$ref": target}], "example": {"a": 1}}

    interface = looked_at(using(chain(twice, 200, {"properties": {"a": {"type": "string"}}})))
    assert rules(interface) == {"too-deep"}
    applied: dict[str, int] = {}
    for name in reversed([*interface.definitions]):
        inner = [part["$ref"].rsplit("/", 1)[1] for part in interface.definitions[name].get(word, ()) if "$ref" in part]
        applied[name] = max(1, sum(applied[other] for other in inner))
    assert max(applied.values()) <= MAX_APPLIED
    few = looked_at(using(chain(twice, 10, {"properties": {"a": {"type": "string"}}})))
    assert rules(few) == set()


def test_a_ring_of_references_is_cut_once() -> None:
    ring = {f"S{n}": {"$ref": f"#/components/schemas/S{(n + 1) % MANY}"} for n in range(MANY)}
    assert [finding.rule for finding in looked_at(using(ring)).findings] == ["circular-ref"]


def test_everything_made_of_everything_ends() -> None:
    every = {f"S{n}": {"oneOf": [{"$ref": f"#/components/schemas/S{m}"} for m in range(60)]} for n in range(60)}
    assert "circular-ref" in rules(looked_at(using(every)))


def test_parts_that_are_shared_are_read_once() -> None:
    links = {f"R{n}": {"$ref": f"#/components/responses/R{n + 1}"} for n in range(MANY)}
    paths = {f"/p{n}": {"get": {"operationId": f"o{n}", "responses": {"200": {"$ref": "#/components/responses/R0"}}}}
             for n in range(500)}  # fmt: skip
    interface = looked_at({"paths": paths, "components": {"responses": {**links, f"R{MANY}": {"description": "end"}}}})
    answers = {id(operation.responses[0]) for operation in interface.operations}
    assert len(answers) == 1
    assert interface.operations[0].responses[0].description == {"en": "end"}


def test_references_in_a_circle_are_told(tmp_path: Path) -> None:
    circle = {"A": {"$ref": "#/components/responses/B"}, "B": {"$ref": "#/components/responses/A"}}
    paths = {"/p": {"get": {"operationId": "o", "responses": {"200": {"$ref": "#/components/responses/A"}}}}}
    assert rules(looked_at({"paths": paths, "components": {"responses": circle}})) == {"circular-ref"}


def test_callbacks_that_call_each_other_end() -> None:
    call = {
        "{$request.body#/url}": {"post": {"responses": {}, "callbacks": {"c": {"$ref": "#/components/callbacks/C"}}}}
    }
    paths = {
        "/p": {"get": {"operationId": "o", "responses": {}, "callbacks": {"c": {"$ref": "#/components/callbacks/C"}}}}
    }
    interface = looked_at({"paths": paths, "components": {"callbacks": {"C": call}}})
    assert interface.operations[0].callbacks["c"][0].method == "POST"


def test_tags_in_a_circle_are_told_once() -> None:
    tags = [{"name": f"t{n}", "parent": f"t{(n + 1) % MANY}"} for n in range(MANY)]
    assert [finding.rule for finding in looked_at({"paths": {}, "tags": tags}).findings] == ["circular-ref"]


def test_a_server_that_grows_without_end_stays_as_written() -> None:
    variables = {"abcdefghij"[n]: {"default": f"{{{'abcdefghijk'[n + 1]}}}" * 10} for n in range(10)}
    bomb = looked_at({"paths": {}, "servers": [{"url": "{a}" * 10, "variables": variables}]})
    assert len(bomb.servers[0].url) < 10_000
    huge = {"url": "{a}" * 1000, "variables": {"a": {"default": "x" * 1000}}}
    assert looked_at({"paths": {}, "servers": [huge]}).servers[0].url == "{a}" * 1000


def test_names_that_are_all_the_same_stay_apart_quickly() -> None:
    paths = {f"/p{n}": {"get": {"operationId": "same", "responses": {}}} for n in range(MANY)}
    interface = looked_at({"paths": paths})
    assert len({operation.id for operation in interface.operations}) == MANY
    slugs = {f"/p{'-' * (n % 50)}{'_' * (n // 50)}": {"get": {"responses": {}}} for n in range(MANY)}
    assert len({operation.id for operation in looked_at({"paths": slugs}).operations}) == MANY


def test_patterns_do_not_compile_for_ever() -> None:
    evil = ["^(a+)+$", "((a{0,100}){0,100}){0,100}", r"\p{L}" * 3000, "(" * 5000, "(?:" * 400 + "a" + ")" * 400]
    many = [rf"^\p{{L}}[\p{{N}}x]{{{n}}}$" for n in range(9_900, 10_000)]
    fields = {
        f"p{n}": {"type": "string", "pattern": text, "example": "a" * 40 + "!"} for n, text in enumerate(evil + many)
    }
    interface = looked_at(using({"S0": {"properties": fields}}))
    assert rules(interface) == {"heavy-pattern"}
    assert {finding.severity.value for finding in interface.findings} == {"warning"}


@pytest.mark.parametrize(
    "target",
    [
        "https://example.invalid/a.json#/a", "//example.invalid/a.json", "file:///etc/passwd", "/etc/passwd",
        "../../up.json", "/dev/zero", ".", "a\0b", "%00", "http://[::1", "#/%zz/%", "x" * 5000, "inside/../../out.json",
        "link.json", "loop.json",
    ],
)  # fmt: skip
def test_a_reference_never_leaves_the_folder_nor_the_machine(
    target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    (tmp_path / "out.json").write_text('{"type": "string", "title": "secret"}')
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "link.json").symlink_to(tmp_path / "out.json")
    (folder / "loop.json").symlink_to(folder / "loop.json")
    interface = looked_at(using({"S0": {"$ref": target}}), folder / "spec.json")
    assert rules(interface) <= {"unresolved-ref", "remote-ref", "outside-ref"}
    assert len(interface.findings) == 1
    assert "secret" not in json.dumps([*interface.definitions.values()])


def test_thousands_of_files_are_not_looked_for(tmp_path: Path) -> None:
    fields = {f"p{n}": {"$ref": f"./x{n}.json"} for n in range(MAX_FILES * 2)}
    interface = looked_at(using({"S0": {"properties": fields}}), tmp_path / "spec.json")
    assert sum(f"more than {MAX_FILES} files" in finding.message for finding in interface.findings) >= MAX_FILES - 1


def test_what_a_terminal_would_obey_is_not_shown() -> None:
    paths = {
        "/a\u001b[2J": {
            "get": {"operationId": "x\u0007", "summary": "\u001b]0;title\u0007[red]b[/red]\u202e", "responses": {}}
        }
    }
    text = json.dumps({**HEAD, "paths": paths}).encode()
    out = io.StringIO()
    picture(specs.read(text, "spec.json"), Console(file=out, width=200))
    assert not {"\u001b", "\u0007", "\u202e"} & set(out.getvalue())
    assert "[red]" in out.getvalue()


def test_show_keeps_its_length() -> None:
    fields = {f"f{n}": {"type": "string"} for n in range(200)}
    document = using({"S0": {"properties": fields}}, uses=1_500)
    out = io.StringIO()
    picture(specs.read(json.dumps({**HEAD, **document}).encode(), "spec.json"), Console(file=out, width=132))
    assert "and 500 more operations" in out.getvalue()
    assert "140 more" in out.getvalue()
    assert out.getvalue().count("\n") < 2_000


def test_wrong_types_everywhere_are_findings() -> None:
    wrong: list[Any] = [
        None, 1, "x", [], [1], True, {"get": None}, {"get": []}, {"get": {"responses": []}},
        {"get": {"responses": {"200": None, "2": {}}}}, {"get": {"parameters": [None, 1, "x", [], {}]}},
        {"get": {"requestBody": {"content": {"a/b": None}}}}, {"get": {"security": [None, 1, {"a": None}]}},
        {"get": {"callbacks": {"a": [1]}, "servers": [1, {"url": 5, "variables": [1]}], "tags": [[], {}]}},
        {"get": {"responses": {"200": {"headers": [], "links": [1], "content": {"a/b": {"schema": [], "encoding": 1}}}}}
         },
        {"$ref": 5}, {"$ref": "#/paths/~1p0"}, {"$ref": "#/nope"}, {"additionalOperations": {"COPY": 5}},
    ]  # fmt: skip
    schema = {
        "properties": [], "required": {}, "type": {}, "enum": {}, "allOf": {}, "items": 5, "not": [], "$ref": 5,
        "patternProperties": {"[": 1}, "dependentRequired": [1], "discriminator": [1], "examples": 1, "if": 1,
        "multipleOf": -1, "maximum": "1e999", "exclusiveMinimum": True, "minLength": 10**400, "x-element": 7,
    }  # fmt: skip
    document = {
        "paths": {f"/p{n}": item for n, item in enumerate(wrong)}, "info": [], "webhooks": [1],
        "servers": {"a": 1}, "tags": [5, {}, {"name": "a", "parent": 3}],
        "components": {"schemas": {"A": None, "B": [], "C": schema}, "securitySchemes": [1]},
    }  # fmt: skip
    interface = looked_at(document)
    assert {"wrong-type", "loose-type", "invalid-schema", "missing-field"} <= rules(interface)


@pytest.mark.parametrize(
    ("text", "says", "hint"),
    [
        ("标题: 婚姻登记核验\n".encode("gb18030"), "not UTF-8", "GB18030"),
        ("title: Données à caractère personnel\n".encode("latin-1"), "not UTF-8", "WINDOWS-1252"),
        ("title: abcdefgh\n".encode("utf-16-le"), "UTF-16LE", "iconv -f UTF-16LE"),
        ("title: abcdefgh\n".encode("utf-16-be"), "UTF-16BE", "iconv -f UTF-16BE"),
        ("title: abcdefgh\n".encode("utf-32"), "UTF-32", "iconv -f UTF-32"),
        ("title: abcdefgh\n".encode("utf-32-be"), "UTF-32", "iconv -f UTF-32"),
        ("title: abcdefgh\n".encode("utf-16") + b"x", "not UTF-16", "UTF-8"),
        (b"\0" * 100_000, "control character", "remove"),
        (b'{"openapi": "3.1.0", "x": "' + b"\\" * 2_000_001, "not JSON", "quotes"),
        (b"{a: " * 100_000, "deeper than 512", "$ref"),
        (b"? " * 100_000, "key", "string"),
        (b"x: &a [" + b"*a, " * 2, "contains itself", "$ref"),
    ],
)
def test_encodings_and_rubbish_are_named(text: bytes, says: str, hint: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse(text, "spec.yaml")
    (finding,) = caught.value.findings
    assert says in finding.message
    assert hint in finding.hint
    assert finding.line is not None


def test_long_strings_cost_what_they_weigh() -> None:
    document = parse(json.dumps({"a": "x" * 5_000_000, "b": ["\\" * 100_000, {"c": 1}]}).encode(), "spec.json")
    assert document.position("/b/1/c") == (1, document.text.index(b'"c"') + 1)


def test_values_are_counted_outside_strings() -> None:
    commas = json.dumps({"a": ",[{" * 1_000_000, "b": '"' * 10 + "\\"}).encode()
    assert parse(commas, "spec.json").value["b"] == '"' * 10 + "\\"
    with pytest.raises(SpecError, match="2,000,000 values"):
        parse(b'{"a": [' + b"{}," * 1_100_000 + b"1]}", "spec.json")


def test_aliases_that_repeat_a_schema_are_read() -> None:
    lines = ["openapi: 3.1.0", "info: {title: t, version: '1'}", "paths: {}", "x-0: &a0 {type: object}"]
    lines += [
        f"x-{n}: &a{n} {{properties: {{{', '.join(f'k{m}: *a{n - 1}' for m in range(10))}}}}}" for n in range(1, 4)
    ]
    interface = specs.read("\n".join([*lines, "components: {schemas: {A: *a3}}"]).encode(), "spec.yaml")
    assert len(interface.definitions["A"]["properties"]) == 10
    assert all(finding.line for finding in lint(interface))


def test_a_process_of_thousands_of_steps_is_ordered() -> None:
    steps = [{"stepId": f"s{n}", "operationId": f"o{n}", "dependsOn": [f"s{m}" for m in range(max(0, n - 5), n)],
              "parameters": [{"name": "a", "in": "query", "value": f"$steps.s{max(0, n - 1)}.outputs.x"}],
              "outputs": {"x": "$response.body#/a"}} for n in range(1, MANY)]  # fmt: skip
    steps[0]["parameters"], steps[0]["dependsOn"], steps[1]["dependsOn"] = [], [], ["s1"]
    sources = [{"name": "s", "url": "x.yaml", "type": "openapi"}]
    process = {"arazzo": "1.1.0", "info": {"title": "t", "version": "1"}, "sourceDescriptions": sources}
    text = json.dumps({**process, "workflows": [{"workflowId": "w", "steps": steps}]})
    interface = specs.read(text.encode(), "process.json")
    assert interface.process is not None
    assert len(interface.process.workflows[0].steps) == MANY - 1
    assert {finding.rule for finding in interface.findings} == {"unknown-step"}  # the dependencies on s0
