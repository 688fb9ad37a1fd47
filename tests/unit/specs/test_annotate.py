"""Writing x-element: where it belongs, and not a byte of the author's text changed besides."""

from __future__ import annotations

import difflib
import json
from pathlib import Path

import pytest

import specs
from specs.annotate import annotate
from specs.binding import bindings
from specs.finding import SpecError

ROOT = Path(__file__).parents[3]
DOCUMENTS = sorted((ROOT / "tests" / "data" / "openapi").glob("*.json"))
LIBRARY = sorted((ROOT / "specs" / "library").glob("**/o*.yaml"))

YAML = """\
# 核验接口 🙂
openapi: 3.1.0
info: {title: 核验, version: '1'}
paths: {}
components:
  schemas:
    Person:
      type: object
      properties:
        number:   # 号码
          title: 身份证号
          type: string
        "flow": {type: string, title: '姓名'}
        empty: {}
        said: {x-element: "XB", type: string}
        plain:
          x-element: none   # the author's word
          type: string
        "quoted key":
          "type": "string"
"""
AT = "/components/schemas/Person/properties"


def only_added(before: str, after: str) -> bool:
    """Whether every line of `before` is in `after`, in order, with nothing taken away from it."""
    kept = [line for line in difflib.ndiff(before.splitlines(), after.splitlines()) if line.startswith("- ")]
    return not kept


def test_block_yaml_gets_a_line_and_nothing_else() -> None:
    made = annotate(specs.parse(YAML.encode(), "a.yaml"), {f"{AT}/number": "GMSFHM"}).decode()
    assert "        number:   # 号码\n          x-element: GMSFHM\n          title: 身份证号\n" in made
    assert made.replace("          x-element: GMSFHM\n", "", 1) == YAML


def test_every_way_to_write_a_field() -> None:
    marks = {
        f"{AT}/number": "GMSFHM", f"{AT}/flow": "XM", f"{AT}/empty": "MQ_XM", f"{AT}/said": "XBDM", f"{AT}/plain": "BZ",
        f"{AT}/quoted key": "none",
    }  # fmt: skip
    made = annotate(specs.parse(YAML.encode(), "a.yaml"), marks).decode()
    for line in (
        '"flow": {x-element: XM, type: string, title: \'姓名\'}', 'empty: {"x-element": "MQ_XM"}',
        'said: {x-element: "XBDM", type: string}', "x-element: BZ   # the author's word",
        '"quoted key":\n          "x-element": "none"\n          "type": "string"',
    ):  # fmt: skip
        assert line in made
    properties = specs.parse(made.encode(), "a.yaml").value["components"]["schemas"]["Person"]["properties"]
    assert {name: node["x-element"] for name, node in properties.items()} == {
        pointer.rsplit("/", 1)[1]: element for pointer, element in marks.items()
    }


def test_line_ends_and_byte_order_marks_stay() -> None:
    windows = YAML.replace("\n", "\r\n")
    made = annotate(specs.parse(windows.encode(), "a.yaml"), {f"{AT}/number": "GMSFHM"}).decode()
    assert made.replace("          x-element: GMSFHM\r\n", "", 1) == windows
    for encoding, mark in (("utf-8", b"\xef\xbb\xbf"), ("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff")):
        raw = mark + YAML.encode(encoding)
        made_bytes = annotate(specs.parse(raw, "a.yaml"), {f"{AT}/number": "GMSFHM"})
        assert made_bytes.startswith(mark)
        text = made_bytes[len(mark) :].decode(encoding)
        assert text.replace("          x-element: GMSFHM\n", "", 1) == YAML


@pytest.mark.parametrize("indent", [None, 2, 4, "\t"])
def test_json_keeps_its_shape(indent: int | str | None) -> None:
    value = {"$schema": "x", "properties": {"a": {"type": "string"}, "b": {}, "c": {"x-element": "XM"}}}
    text = json.dumps(value, indent=indent)
    marks = {"/properties/a": "GMSFHM", "/properties/b": "none", "/properties/c": "BZ"}
    made = annotate(specs.parse(text.encode(), "a.json"), marks).decode()
    found = json.loads(made)["properties"]
    assert [found[name]["x-element"] for name in "abc"] == ["GMSFHM", "none", "BZ"]
    assert made.count("\n") == text.count("\n") + (0 if indent is None else 1)


ALIAS = "openapi: 3.1.0\nx: &a {type: string}\ncomponents: {schemas: {P: {properties: {one: *a, two: true}}}}\n"


@pytest.mark.parametrize("name", ["one", "two"])
def test_what_cannot_be_marked_is_refused(name: str) -> None:
    pointer = f"/components/schemas/P/properties/{name}"
    with pytest.raises(SpecError, match="by hand"):
        annotate(specs.parse(ALIAS.encode(), "a.yaml"), {pointer: "XM"})


SHARED = """\
openapi: 3.1.0
components:
  schemas:
    P:
      properties:
        one: &a
          type: string
        two: *a
"""


def test_a_field_whose_text_stands_for_another_too_is_refused() -> None:
    with pytest.raises(SpecError, match="anchor"):
        annotate(specs.parse(SHARED.encode(), "a.yaml"), {"/components/schemas/P/properties/one": "XM"})


CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: police.persons
version: 1.0.0
schema:
  - name: persons
    properties:
      - name: sfzh   # 号码
        logicalType: string
      - name: xm
        logicalType: string
        authoritativeDefinitions:
          - type: law
            url: https://example.org/law
      - {name: xb, logicalType: string}
      - name: mz
        authoritativeDefinitions: [{type: element, url: "urn:tongban:element:XM"}]
"""


def test_a_data_contract_gets_authoritative_definitions() -> None:
    marks = {f"/schema/0/properties/{at}": element for at, element in enumerate(("GMSFHM", "XM", "XBDM", "none"))}
    made = annotate(specs.parse(CONTRACT.encode(), "c.yaml"), marks).decode()
    fields = specs.read(made.encode(), "c.yaml").tables[0].fields
    assert [field.element for field in fields] == ["GMSFHM", "XM", "XBDM", "none"]
    assert "url: https://example.org/law" in made
    assert "      - authoritativeDefinitions: [" in made
    assert "# 号码" in made


@pytest.mark.parametrize("path", [*DOCUMENTS, *LIBRARY], ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_all_fields_of_real_documents(path: Path) -> None:
    interface = specs.read(path)
    marks = {}
    for carrier, binding in bindings(interface):
        node = specs.rules.places.written(interface, carrier.pointer)
        if isinstance(node, dict) and "$ref" not in node and "x-element" not in node and not carrier.field.element:
            marks[carrier.pointer] = binding.name if binding else "none"
    made = annotate(interface.document, marks)
    again = specs.read(made, path.name)
    found = {carrier.pointer: carrier.field.element for carrier, _ in bindings(again)}
    assert all(found[pointer] == element for pointer, element in marks.items())
    if interface.kind.value != "dataset" and "\n" in interface.document.text.decode():
        assert only_added(interface.document.text.decode(), made.decode())
