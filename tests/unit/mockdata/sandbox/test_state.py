"""The sandbox against a plain dictionary: whatever is created, changed, deleted, listed, in any order, must agree.

Interfaces of four kinds are played at random; `STATE_STEPS` sets how many steps (the suite plays some 600).
"""

import json
import os
from collections.abc import Mapping
from copy import deepcopy
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

import specs
from mockdata.sandbox import Sandbox
from mockdata.sandbox.messages import Request

STEPS = int(os.environ.get("STATE_STEPS", "600"))
LENGTH = 30

STATE = {"enum": ["open", "shut", "lost"]}
MEMBERS = {
    "name": {"type": "string", "minLength": 1, "maxLength": 12},
    "state": STATE,
    "size": {"type": "integer", "minimum": 0, "maximum": 99},
    "note": {"type": ["string", "null"], "maxLength": 8},
    "tags": {"type": "array", "items": {"type": "string", "maxLength": 4}, "maxItems": 3},
    "place": {"type": "object", "properties": {"x": {"type": "integer"}, "y": {"type": "integer"}}},
}
TEXT = st.text("abcxyz äß中/~%", max_size=4)
VALUES = {
    "name": st.text("abcxyz ,%/?#&中", min_size=1, max_size=12),
    "state": st.sampled_from(STATE["enum"]),
    "size": st.integers(0, 99),
    "note": st.none() | TEXT,
    "tags": st.lists(TEXT, max_size=3),
    "place": st.fixed_dictionaries({}, optional={"x": st.integers(0, 9), "y": st.integers(0, 9)}),
}
NEEDED = ("name", "state")
BODIES = st.fixed_dictionaries(
    {name: VALUES[name] for name in NEEDED},
    optional={name: value for name, value in VALUES.items() if name not in NEEDED},
)


def content(schema: dict, kind: str = "application/json") -> dict:
    return {"content": {kind: {"schema": schema}}}


def answer(schema: dict, **headers: dict) -> dict:
    return {"description": "-", **content(schema), **({"headers": headers} if headers else {})}


def parameter(name: str, where: str, schema: dict) -> dict:
    return {"name": name, "in": where, "schema": schema, "required": where == "path"}


def thing(field: str, schema: dict, **more: dict) -> dict:
    return {"type": "object", "required": [field, *NEEDED], "properties": {field: schema, **MEMBERS, **more}}


def body() -> dict:
    return {"type": "object", "required": list(NEEDED), "properties": deepcopy(MEMBERS)}


class Shape:
    """An interface, and how its clients use it. `wrap` is the member around a thing, `items` the one around a list."""

    def __init__(self, name: str, **said: Any) -> None:
        self.name = name
        self.collection: str = said["collection"]
        self.item: str = said["item"]
        self.field: str = said["field"]
        self.wrap: str | None = said.get("wrap")
        self.items: str | None = said.get("items")
        self.total: str | None = said.get("total")
        self.pages: tuple[str, str] = said.get("pages", ("limit", "offset"))
        self.creates: bool = said.get("creates", True)
        self.patches: tuple[str, ...] = said.get("patches", ())
        self.tags: bool = said.get("tags", False)
        self.interface = specs.read(json.dumps(self._document(said)).encode(), f"{name}.json")

    def _document(self, said: Mapping[str, Any]) -> dict:
        shown = thing(self.field, said["id"], **said.get("own", {}))
        one = {"type": "object", "required": [self.wrap], "properties": {self.wrap: shown}} if self.wrap else shown
        rows: dict = {"type": "array", "items": shown}
        if self.items:
            members = {self.items: rows, **({self.total: {"type": "integer"}} if self.total else {})}
            rows = {"type": "object", "required": list(members), "properties": members}
        tag = {"ETag": {"schema": {"type": "string"}}} if self.tags else {}
        size, start = self.pages
        query = [parameter(size, "query", {"type": "integer", "minimum": 1, "maximum": 100})]
        query += [parameter(start, "query", {"type": "integer", "minimum": 0})]
        query += [parameter("state", "query", STATE), parameter("sort", "query", {"type": "string"})]
        problem = {"description": "-"}
        above = [parameter(name, "path", {"type": "string"}) for name in said.get("above", ())]
        collection: dict = {"get": {"parameters": query, "responses": {"200": answer(rows)}}}
        if self.creates:
            collection["post"] = {"requestBody": content(body()), "responses": {"201": answer(one, **tag)}}
        conditions = [parameter("If-Match", "header", {"type": "string"})] if self.tags else []
        put = {"200": answer(one, **tag), "201": answer(one, **tag)}
        put |= {"412": problem} if self.tags else {}
        item: dict = {
            "get": {"responses": {"200": answer(one, **tag), "404": problem}},
            "put": {"parameters": conditions, "requestBody": content(body()), "responses": put},
            "delete": {"parameters": conditions, "responses": {"204": problem}},
        }
        if self.patches:
            kinds = {kind: {"schema": {"type": ["object", "array"]}} for kind in self.patches}
            item["patch"] = {"requestBody": {"content": kinds}, "responses": {"200": answer(one)}}
        hint = said.get("hint")
        for path in (collection, item):
            for operation in path.values():
                if hint:
                    operation["x-resource"] = hint
        collection["parameters"] = above
        item["parameters"] = [*above, parameter(said["parameter"], "path", said["id"])]
        return {
            "openapi": "3.1.0",
            "info": {"title": self.name, "version": "1"},
            "paths": {said["collection_template"]: collection, said["item_template"]: item},
        }


MERGE, STEPPED = "application/merge-patch+json", "application/json-patch+json"
SHAPES = [
    Shape(
        "envelope",
        collection="/things",
        collection_template="/things",
        item="/things/{}",
        item_template="/things/{thingId}",
        parameter="thingId",
        field="id",
        id={"type": "string", "format": "uuid"},
        items="items",
        total="total",
        patches=(MERGE, STEPPED),
        tags=True,
    ),
    Shape(
        "wrapped",
        collection="/api/cars",
        collection_template="/api/cars",
        item="/api/cars/{}",
        item_template="/api/cars/{id}",
        parameter="id",
        field="id",
        id={"type": "integer", "minimum": 1},
        wrap="data",
        pages=("per_page", "page"),
        patches=(MERGE,),
        own={"createdAt": {"type": "string", "format": "date-time", "readOnly": True}},
    ),
    Shape(
        "nested",
        collection="/owners/Li%20%2F%20Wang/pets",
        collection_template="/owners/{owner}/pets",
        item="/owners/Li%20%2F%20Wang/pets/{}",
        item_template="/owners/{owner}/pets/{petId}",
        above=("owner",),
        parameter="petId",
        field="petId",
        id={"type": "string", "pattern": "^P[0-9]{5}$"},
        items="pets",
        total="count",
        patches=(STEPPED,),
        tags=True,
    ),
    Shape(
        "hinted",
        collection="/all-permits",
        collection_template="/all-permits",
        item="/permit/by-number/{}",
        item_template="/permit/by-number/{code}",
        parameter="code",
        field="number",
        id={"type": "string", "pattern": "^[A-Z]{3}-[0-9]{4}$"},
        hint={"collection": "/all-permits", "id": "code", "field": "number"},
        creates=False,
    ),
]


class Machine(RuleBasedStateMachine):
    """Random calls; `held` is what must be there, `gone` what must not. Things nobody wrote join when first seen."""

    shape: Shape

    def __init__(self) -> None:
        super().__init__()
        self.sandbox = Sandbox([self.shape.interface], seed=7, bare=True)
        self.held: dict[str, dict] = {}
        self.gone: set[str] = set()
        self.order: list[str] = []
        self.kept: tuple[Any, dict, set] | None = None

    # -- calls

    def call(self, method: str, path: str, value: Any = None, kind: str = "application/json", **headers: str):
        path, _, query = path.partition("?")
        fields = [(name.replace("_", "-"), text) for name, text in headers.items()]
        text = b"" if value is None else json.dumps(value).encode()
        if value is not None:
            fields.append(("content-type", kind))
        return self.sandbox.handle(Request(method, path, query, tuple(fields), text))

    def at(self, key: str) -> str:
        return self.shape.item.format(quote(key, safe=""))

    def one(self, response) -> dict:
        value = response.json()
        return value[self.shape.wrap] if self.shape.wrap else value

    def rows(self, **query: Any) -> tuple[list[dict], int | None]:
        response = self.call("GET", f"{self.shape.collection}?{urlencode(query)}")
        assert response.status == 200, response.body
        value = response.json()
        total = value[self.shape.total] if self.shape.total else None
        return (value[self.shape.items] if self.shape.items else value), total

    def all(self, size: int, **query: Any) -> list[dict]:
        """Every page of a list, each checked against the total."""
        many, start = self.shape.pages
        found: list[dict] = []
        for page in range(200):
            at = page + 1 if start == "page" else page * size
            rows, total = self.rows(**{many: size, start: at, **query})
            found += rows
            assert len(rows) <= size
            if total is not None:
                assert len(rows) == max(0, min(size, total - page * size))
            if len(rows) < size:
                return found
        raise AssertionError("a list without end")

    def check(self, key: str) -> None:
        response = self.call("GET", self.at(key))
        assert response.status == 200, (key, response.body)
        assert self.one(response) == self.held[key]

    # -- rules

    @precondition(lambda self: self.shape.creates)
    @rule(new=BODIES)
    def create(self, new: dict) -> None:
        response = self.call("POST", self.shape.collection, new)
        assert response.status == 201, response.body
        made = self.one(response)
        assert {name: made[name] for name in new} == new
        key = str(made[self.shape.field])
        assert key not in self.held
        assert response.header("location") == f"{self.shape.collection}/{quote(key, safe='')}"
        self.held[key] = made
        self.gone.discard(key)
        self.check(key)

    @rule(number=st.integers(0, 60))
    def find(self, number: int) -> None:
        """A thing nobody wrote is taken from the list."""
        rows = self.all(20)
        row = rows[number % len(rows)] if rows else None
        if row is not None:
            key = str(row[self.shape.field])
            assert key not in self.gone
            self.held.setdefault(key, row)
            self.check(key)

    def pick(self, data) -> str:
        return data.draw(st.sampled_from(sorted(self.held)))

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def read(self, data) -> None:
        self.check(self.pick(data))

    @precondition(lambda self: self.held)
    @rule(data=st.data(), new=BODIES)
    def replace(self, data, new: dict) -> None:
        key = self.pick(data)
        self.put(key, new, 200)

    @precondition(lambda self: self.gone)
    @rule(data=st.data(), new=BODIES)
    def revive(self, data, new: dict) -> None:
        key = data.draw(st.sampled_from(sorted(self.gone)))
        self.put(key, new, 201)

    def put(self, key: str, new: dict, status: int) -> None:
        response = self.call("PUT", self.at(key), new)
        assert response.status == status, response.body
        made = self.one(response)
        before = self.held.get(key, {})
        kept = {name: value for name, value in before.items() if name not in MEMBERS}
        assert made == {**kept, **new, self.shape.field: made[self.shape.field]}
        assert str(made[self.shape.field]) == key
        self.held[key] = made
        self.gone.discard(key)
        self.check(key)

    @precondition(lambda self: self.held and MERGE in self.shape.patches)
    @rule(data=st.data(), new=BODIES, names=st.sets(st.sampled_from(sorted(MEMBERS))))
    def merge(self, data, new: dict, names: set) -> None:
        key = self.pick(data)
        patch = {name: new.get(name) for name in names if name not in NEEDED or new.get(name) is not None}
        response = self.call("PATCH", self.at(key), patch, MERGE)
        assert response.status == 200, response.body
        self.held[key] = merged(self.held[key], patch)
        assert self.one(response) == self.held[key]
        self.check(key)

    @precondition(lambda self: self.held and STEPPED in self.shape.patches)
    @rule(data=st.data(), new=BODIES, right=st.booleans())
    def step(self, data, new: dict, right: bool) -> None:
        key = self.pick(data)
        held = self.held[key]
        steps: list[dict] = [{"op": "test", "path": "/name", "value": held["name"] if right else held["name"] + "!"}]
        steps.insert(0, {"op": "replace", "path": "/size" if "size" in held else "/state", "value": new["state"]})
        steps[0] = {"op": "add", "path": "/state", "value": new["state"]}
        wanted = {**held, "state": new["state"]}
        if "tags" in wanted:
            steps.append({"op": "add", "path": "/tags/-", "value": "z"})
            steps.append({"op": "remove", "path": "/tags/0"})
            wanted["tags"] = [*wanted["tags"], "z"][1:]
        if "note" in wanted:
            steps.append({"op": "remove", "path": "/note"})
            wanted.pop("note")
        elif new.get("note"):
            steps.append({"op": "add", "path": "/note", "value": new["note"]})
            steps.append({"op": "copy", "from": "/note", "path": "/name"})
            wanted |= {"note": new["note"], "name": new["note"]}
        response = self.call("PATCH", self.at(key), steps, STEPPED)
        assert response.status == (200 if right else 422), response.body
        if right:
            self.held[key] = wanted
            assert self.one(response) == wanted
        self.check(key)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def delete(self, data) -> None:
        key = self.pick(data)
        assert self.call("DELETE", self.at(key)).status == 204
        del self.held[key]
        self.gone.add(key)

    @precondition(lambda self: self.gone)
    @rule(data=st.data(), new=BODIES)
    def miss(self, data, new: dict) -> None:
        path = self.at(data.draw(st.sampled_from(sorted(self.gone))))
        assert self.call("GET", path).status == 404
        assert self.call("DELETE", path).status == 404
        if self.shape.patches:
            assert self.call("PATCH", path, {}, self.shape.patches[0]).status == 404

    @rule(size=st.integers(5, 40))
    def list(self, size: int) -> None:
        rows = self.all(size)
        keys = [str(row[self.shape.field]) for row in rows]
        assert len(set(keys)) == len(keys)
        assert not set(keys) & self.gone
        assert set(keys) >= self.held.keys()
        for row in rows:
            assert self.held.get(str(row[self.shape.field]), row) == row

    @rule(state=VALUES["state"], down=st.booleans())
    def choose(self, state: str, down: bool) -> None:
        rows = self.all(40, state=state, sort="-name" if down else "name")
        names = [row["name"] for row in rows]
        assert names == sorted(names, reverse=down)
        assert all(row["state"] == state for row in rows)
        keys = {str(row[self.shape.field]) for row in rows}
        assert keys >= {key for key, held in self.held.items() if held["state"] == state}
        assert not keys & (self.gone | {key for key, held in self.held.items() if held["state"] != state})

    @precondition(lambda self: self.held and self.shape.tags)
    @rule(data=st.data(), new=BODIES, stale=st.booleans())
    def condition(self, data, new: dict, stale: bool) -> None:
        key = self.pick(data)
        path = self.at(key)
        tag = self.call("GET", path).header("etag")
        again = self.call("GET", path, if_none_match=f'"other", {tag}')
        assert (again.status, again.body, again.header("etag")) == (304, b"", tag)
        assert self.call("GET", path, if_none_match='"other"').status == 200
        assert self.call("PUT", path, new, if_none_match="*").status == 412
        if stale:
            assert self.call("PUT", path, new, if_match='"other"').status == 412
            assert self.call("DELETE", path, if_match='"other"').status == 412
        else:
            response = self.call("PUT", path, new, if_match=tag)
            assert response.status == 200
            changed = self.one(response) != self.held[key]
            self.held[key] = self.one(response)
            now = self.call("GET", path).header("etag")
            assert response.header("etag") == now
            assert (now != tag) == changed
        self.check(key)

    @rule()
    def keep(self) -> None:
        self.kept = (self.sandbox.snapshot(), deepcopy(self.held), set(self.gone))

    @precondition(lambda self: self.kept is not None)
    @rule()
    def go_back(self) -> None:
        assert self.kept is not None
        snapshot, held, gone = self.kept
        self.sandbox.restore(snapshot)
        self.held, self.gone = deepcopy(held), set(gone)
        for key in sorted(self.held)[:3]:
            self.check(key)


def merged(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    out = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        out = {key: old for key, old in out.items() if key != name}
        if value is not None:
            out[name] = merged(target.get(name) if isinstance(target, dict) else None, value)
    return out


@pytest.mark.parametrize("shape", SHAPES, ids=[shape.name for shape in SHAPES])
def test_the_sandbox_is_a_dictionary(shape):
    machine = type(f"Of{shape.name.title()}", (Machine,), {"shape": shape})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=max(1, STEPS // LENGTH // len(SHAPES)),
            stateful_step_count=LENGTH,
            deadline=None,
            database=None,
            derandomize=STEPS <= 600,
            phases=[Phase.generate],  # a failure is told at once, not made small first
            suppress_health_check=list(HealthCheck),
        ),
    )
