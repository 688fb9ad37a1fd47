"""Nothing that was not agreed is in a reduced answer, whatever its shape."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import specs
from exchange.agreements.scope import label, names, places, resolve, token
from exchange.brokering.compiled import Compiled
from exchange.brokering.reduce import PROBLEM_MEMBERS, Reducer

PERSON = {"XM": "王芳", "GMSFHM": "x", "father": {"XM": "王伟", "phones": ["1", "2"]}, "rows": [{"a": 1, "b": 2}]}

NAMES = st.sampled_from(["a", "b", "*", "a/b", "0", "~"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=24,
)
TEMPLATES = st.lists(
    st.lists(NAMES.map(token) | st.just("*"), min_size=1, max_size=4).map(lambda parts: "/" + "/".join(parts)),
    max_size=5,
)


def leaves(value: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """Every scalar with its place, arrays by ``#`` so that they cannot be mistaken for members."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from leaves(member, f"{at}/{token(name)}")
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from leaves(member, f"{at}/#{index}")
    else:
        yield at, value


def agreed(place: str, templates: list[str]) -> bool:
    parts = place.split("/")[1:]
    for template in templates:
        wanted = template.split("/")[1:]
        fits = len(wanted) <= len(parts) and all(
            want in ("*", part.removeprefix("#")) for want, part in zip(wanted, parts, strict=False)
        )
        if fits:
            return True
    return False


@given(JSON, TEMPLATES)
def test_only_agreed_places_are_left_and_all_of_them(value: Any, templates: list[str]) -> None:
    reduced = Reducer(templates).apply(value)
    wanted = [(re.sub("#[0-9]+", "#", place), leaf) for place, leaf in leaves(value) if agreed(place, templates)]
    got = [(re.sub("#[0-9]+", "#", place), leaf) for place, leaf in leaves(reduced.value)]
    if isinstance(value, dict | list):
        assert got == wanted
    else:
        assert reduced.value is None


@given(JSON)
def test_without_agreed_fields_nothing_leaves(value: Any) -> None:
    reduced = Reducer([]).apply(value)
    assert list(leaves(reduced.value)) in ([], [("", None)])
    assert reduced.fields == ()
    assert reduced.records == 0


@pytest.mark.parametrize(
    ("templates", "left"),
    [
        (["/XM"], {"XM": "王芳"}),
        (["/father/XM"], {"father": {"XM": "王伟"}}),
        (["/father/phones/*"], {"father": {"phones": ["1", "2"]}}),
        (["/rows/*/b"], {"rows": [{"b": 2}]}),
        (["/father"], {"father": {"XM": "王伟", "phones": ["1", "2"]}}),
        (["/nothing"], {}),
        ([""], PERSON),
    ],
)
def test_by_example(templates: list[str], left: object) -> None:
    assert Reducer(templates).apply(PERSON).value == left


def test_a_name_in_one_place_does_not_open_the_same_name_elsewhere() -> None:
    assert "father" not in Reducer(["/XM"]).apply(PERSON).value


def test_a_property_called_star_is_no_wildcard() -> None:
    value = {"*": 1, "a": 2}
    assert Reducer([f"/{token('*')}"]).apply(value).value == {"*": 1}


def test_rows_and_labels_are_counted() -> None:
    reduced = Reducer(["/rows/*/a"]).apply({"rows": [{"a": 1}, {"a": 2}, {"b": 3}], "total": 9})
    assert reduced.value == {"rows": [{"a": 1}, {"a": 2}, {}]}
    assert (reduced.fields, reduced.records) == (("rows/a",), 3)


def test_an_error_keeps_its_kind_and_loses_its_words() -> None:
    problem = {"type": "urn:x", "title": "已有记录", "status": 409, "detail": "王芳已登记", "existing": "C9"}
    reducer = Reducer([], PROBLEM_MEMBERS)
    assert reducer.apply(problem).value == {"type": "urn:x", "title": "已有记录", "status": 409}
    hiding = {"type": {"XM": "王芳"}, "title": [["王芳"]], "code": {}, "status": 409, "rule": None}
    assert reducer.apply(hiding).value == {"status": 409, "rule": None}
    assert Reducer(["/title/XM"], PROBLEM_MEMBERS).apply({"title": {"XM": "a", "b": 1}}).value == {"title": {"XM": "a"}}


DOCUMENT = b"""
openapi: 3.1.0
info: {title: t, version: "1", x-interface-id: police.persons, x-department: police}
paths:
  /persons:
    get:
      operationId: list
      responses:
        "200":
          description: ok
          content:
            application/json:
              schema:
                type: object
                properties:
                  total: {type: integer}
                  items: {type: array, items: {$ref: "#/components/schemas/Person"}}
        "404":
          description: none
          content: {application/problem+json: {schema: {type: object, properties: {detail: {type: string}}}}}
  /photo:
    get:
      operationId: photo
      responses: {"200": {description: ok, content: {image/png: {}}}}
  /place:
    get:
      operationId: place
      responses:
        "200":
          description: ok
          content:
            application/json:
              schema:
                type: object
                properties:
                  address: {oneOf: [{type: string}, {type: object, properties: {city: {}, street: {}}}]}
                  parts: {type: [array, integer], items: {type: object, properties: {a: {type: string}}}}
                  house: {type: object, properties: {number: {type: string}}}
components:
  schemas:
    Person:
      type: object
      properties:
        XM: {type: string}
        tags: {type: array, items: {type: string}}
        address: {type: object, properties: {province: {type: string}, street: {type: string}}}
        father: {$ref: "#/components/schemas/Person"}
        free: {type: object}
"""


@pytest.fixture(scope="module")
def interface() -> specs.Interface:
    return specs.read(DOCUMENT, "persons.yaml")


def test_names_become_the_places_an_interface_declares(interface: specs.Interface) -> None:
    scope, lost = resolve(interface, ["list"], ["XM", "address", "tags", "detail"])
    assert scope == {
        "list": (
            "/detail",
            "/items/*/XM",
            "/items/*/address/province",
            "/items/*/address/street",
            "/items/*/tags/*",
        )
    }
    assert lost == []


def test_unknown_names_and_pointers_are_told(interface: specs.Interface) -> None:
    assert resolve(interface, ["list"], ["XN", "/items/*/YY", "street", ""])[1] == ["XN", "/items/*/YY", ""]


def test_a_recursive_schema_ends_where_it_repeats(interface: specs.Interface) -> None:
    pointers = [place.pointer for place in places(interface, interface.operation("list"))]
    assert "/items/*/father" in pointers
    assert not [pointer for pointer in pointers if pointer.startswith("/items/*/father/")]


def test_every_name_offered_can_be_asked_for(interface: specs.Interface) -> None:
    operation = interface.operation("list")
    offered = names(interface, operation)
    assert offered == ("total", "XM", "tags", "province", "street", "father", "free")
    assert resolve(interface, ["list"], offered)[1] == []


def test_a_file_is_agreed_as_a_whole_or_not_at_all(interface: specs.Interface) -> None:
    assert resolve(interface, ["photo"], ["(body)"]) == ({"photo": ("",)}, [])
    assert label("") == "(body)"


@pytest.mark.parametrize(
    ("fields", "value", "left"),
    [
        (["address"], {"address": "1 Road"}, {"address": "1 Road"}),
        (
            ["address"],
            {"address": {"city": "a", "street": "b", "more": "c"}},
            {"address": {"city": "a", "street": "b"}},
        ),
        (["address"], {"address": ["x"]}, {}),
        (["city"], {"address": "1 Road"}, {}),  # the text says the street, too
        (["city"], {"address": {"city": "a", "street": "b"}}, {"address": {"city": "a"}}),
        (["parts"], {"parts": 7}, {"parts": 7}),
        (["parts"], {"parts": [{"a": "x", "b": "y"}]}, {"parts": [{"a": "x"}]}),
        (["house"], {"house": "text where none is declared"}, {}),
        (["number"], {"house": {"number": "1"}, "address": "1 Road", "parts": 7}, {"house": {"number": "1"}}),
    ],
)
def test_a_text_beside_an_object_leaves_when_all_of_it_is_agreed(
    interface: specs.Interface, fields: list[str], value: Any, left: Any
) -> None:
    operation = interface.operation("place")
    scope, lost = resolve(interface, ["place"], fields)
    assert lost == []
    assert Compiled(interface).reducer(operation, scope["place"], error=False).apply(value).value == left
