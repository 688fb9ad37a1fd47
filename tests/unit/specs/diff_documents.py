"""Changes of whole documents with a known answer, each of one thing: of the API, contract and process in data/diff.

B: breaking. N: anything but breaking. C: compatible, and nothing to decide.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import yaml

Case = tuple[str, Callable[[Any], Any], str]
S = {"type": "string"}


@cache
def _read(name: str) -> Any:
    return yaml.safe_load((Path(__file__).parents[2] / "data" / "diff" / name).read_text(encoding="utf-8"))


def document(name: str) -> Any:
    """A copy of a document, to be changed."""
    return copy.deepcopy(_read(name))


def old_api() -> Any:
    """The API in the words of OpenAPI 3.0, with an end and a state."""
    made = document("api.yaml")
    made["openapi"] = "3.0.3"
    del made["webhooks"]
    schemas = made["components"]["schemas"]
    schemas["Person"]["properties"]["age"] = {
        "type": "integer",
        "nullable": True,
        "minimum": 0,
        "exclusiveMinimum": True,
    }
    schemas["Person"]["properties"]["friend"] = {"nullable": True, "allOf": [{"$ref": "#/components/schemas/Person"}]}
    _get(made).update({"deprecated": True, "x-sunset": "2027-01-01", "x-stability-level": "beta"})
    return made


def _rename(mapping: Any, old: str, new: str) -> None:
    mapping[new] = mapping.pop(old)


def _get(d: Any) -> Any:
    return d["paths"]["/people/{id}"]["get"]


def _post(d: Any) -> Any:
    return d["paths"]["/people"]["post"]


def _schema(d: Any, name: str) -> Any:
    return d["components"]["schemas"][name]


def _parameter(d: Any, name: str) -> Any:
    return next(p for p in _get(d)["parameters"] if p["name"] == name)


def _ok(d: Any) -> Any:
    return _get(d)["responses"]["200"]


def _form(d: Any) -> Any:
    return _post(d)["requestBody"]["content"]["multipart/form-data"]


def _called_back(d: Any) -> Any:
    called = _post(d)["callbacks"]["done"]["{$request.body#/url}"]["post"]
    return called["requestBody"]["content"]["application/json"]["schema"]


def _sent(d: Any) -> Any:
    return d["webhooks"]["moved"]["post"]["requestBody"]["content"]["application/json"]["schema"]


def _table(c: Any) -> Any:
    return c["schema"][0]


def _field(c: Any, name: str) -> Any:
    return next(p for p in _table(c)["properties"] if p["name"] == name)


def _options(c: Any, name: str) -> Any:
    return _field(c, name).setdefault("logicalTypeOptions", {})


def _flow(p: Any) -> Any:
    return p["workflows"][0]


def _step(p: Any, name: str) -> Any:
    return next(s for s in _flow(p)["steps"] if s["stepId"] == name)


API: tuple[Case, ...] = (
    ("server var enum value removed", lambda d: d["servers"][0]["variables"]["env"]["enum"].remove("test"), "B"),
    ("server var enum value added", lambda d: d["servers"][0]["variables"]["env"]["enum"].append("x"), "C"),
    ("server var default changed", lambda d: d["servers"][0]["variables"]["env"].update(default="test"), "N"),
    ("server added", lambda d: d["servers"].append({"url": "https://b.example"}), "C"),
    ("server removed", lambda d: (d["servers"].clear(), d["servers"].append({"url": "https://b.example"})), "B"),
    ("operation server override", lambda d: _get(d).update(servers=[{"url": "https://c.example"}]), "B"),
    ("global security dropped", lambda d: d.pop("security"), "C"),
    ("global security changed", lambda d: d.update(security=[{"jwt": []}]), "B"),
    ("global security alternative added", lambda d: d["security"].append({"jwt": []}), "C"),
    ("global security anded", lambda d: d["security"][0].update(jwt=[]), "B"),
    ("security alternative removed", lambda d: _post(d)["security"].pop(), "B"),
    ("scope added", lambda d: d["paths"]["/people/{id}"]["delete"]["security"][0]["oauth"].append("read"), "B"),
    ("scope removed", lambda d: d["paths"]["/people/{id}"]["delete"]["security"][0]["oauth"].clear(), "C"),
    ("security op emptied", lambda d: d["paths"]["/people/{id}"]["delete"].update(security=[]), "C"),
    ("apikey moved to query", lambda d: d["components"]["securitySchemes"]["key"].update({"in": "query"}), "B"),
    ("apikey renamed", lambda d: d["components"]["securitySchemes"]["key"].update(name="X-K2"), "B"),
    ("apikey case of header", lambda d: d["components"]["securitySchemes"]["key"].update(name="x-key"), "N"),
    ("scheme type", lambda d: d["components"]["securitySchemes"].update(key={"type": "http", "scheme": "basic"}), "B"),
    (
        "oauth flow changed",
        lambda d: _rename(d["components"]["securitySchemes"]["oauth"]["flows"], "clientCredentials", "password"),
        "B",
    ),
    (
        "scheme renamed",
        lambda d: (
            _rename(d["components"]["securitySchemes"], "key", "kee"),
            d.update(security=[{"kee": []}]),
            _post(d).update(security=[{"kee": []}, {"oauth": ["write"]}]),
        ),
        "N",
    ),
    ("unused scheme removed", lambda d: d["components"]["securitySchemes"].pop("jwt"), "C"),
    ("unused scheme changed", lambda d: d["components"]["securitySchemes"]["jwt"].update(scheme="basic"), "C"),
    ("path removed", lambda d: d["paths"].pop("/people"), "B"),
    ("op removed", lambda d: d["paths"]["/people/{id}"].pop("delete"), "B"),
    ("method changed", lambda d: _rename(d["paths"]["/people"], "post", "put"), "B"),
    ("path renamed literal", lambda d: _rename(d["paths"], "/people", "/persons"), "B"),
    ("path trailing slash", lambda d: _rename(d["paths"], "/people", "/people/"), "B"),
    (
        "path param renamed",
        lambda d: (
            _rename(d["paths"], "/people/{id}", "/people/{pid}"),
            d["paths"]["/people/{pid}"]["parameters"][0].update(name="pid"),
        ),
        "C",
    ),
    (
        "path param pattern tightened",
        lambda d: d["paths"]["/people/{id}"]["parameters"][0]["schema"].update(pattern="^[1-9][0-9]{17}$"),
        "B",
    ),
    (
        "path param pattern loosened",
        lambda d: d["paths"]["/people/{id}"]["parameters"][0]["schema"].update(pattern="^[0-9]{15,18}$"),
        "C",
    ),
    ("path param type", lambda d: d["paths"]["/people/{id}"]["parameters"][0].update(schema={"type": "integer"}), "B"),
    (
        "param moved to operation",
        lambda d: (
            _get(d)["parameters"].append(d["paths"]["/people/{id}"]["parameters"][0]),
            d["paths"]["/people/{id}"]["delete"].update(parameters=[d["paths"]["/people/{id}"]["parameters"][0]]),
            d["paths"]["/people/{id}"].pop("parameters"),
        ),
        "C",
    ),
    ("operationId changed", lambda d: _get(d).update(operationId="other"), "B"),
    ("query removed", lambda d: _get(d)["parameters"].remove(_parameter(d, "lang")), "B"),
    ("query required", lambda d: _parameter(d, "lang").update(required=True), "B"),
    ("query enum removed", lambda d: _parameter(d, "lang")["schema"].update(enum=["zh"]), "B"),
    ("query enum added", lambda d: _parameter(d, "lang")["schema"]["enum"].append("fr"), "C"),
    ("query default changed", lambda d: _parameter(d, "lang")["schema"].update(default="en"), "B"),
    ("query enum dropped", lambda d: _parameter(d, "lang")["schema"].pop("enum"), "C"),
    ("query renamed", lambda d: _parameter(d, "lang").update(name="language"), "B"),
    ("query case", lambda d: _parameter(d, "lang").update(name="Lang"), "B"),
    ("header case", lambda d: _parameter(d, "X-Trace").update(name="x-trace"), "C"),
    ("query to header", lambda d: _parameter(d, "lang").update({"in": "header"}), "B"),
    ("explode", lambda d: _parameter(d, "fields").update(explode=True), "B"),
    ("style", lambda d: _parameter(d, "fields").update(style="pipeDelimited"), "B"),
    ("deepobject to form", lambda d: _parameter(d, "flt").update(style="form"), "B"),
    ("deepobject prop removed", lambda d: _parameter(d, "flt")["schema"]["properties"].pop("a"), "B"),
    ("deepobject prop required", lambda d: _parameter(d, "flt")["schema"].update(required=["a"]), "B"),
    ("array maxItems", lambda d: _parameter(d, "fields")["schema"].update(maxItems=5), "B"),
    ("array maxItems up", lambda d: _parameter(d, "fields")["schema"].update(maxItems=50), "C"),
    ("allowEmptyValue gone", lambda d: _parameter(d, "flag").pop("allowEmptyValue"), "B"),
    ("allowEmptyValue come", lambda d: _parameter(d, "lang").update(allowEmptyValue=True), "C"),
    ("allowReserved come", lambda d: _parameter(d, "lang").update(allowReserved=True), "N"),
    ("cookie removed", lambda d: _get(d)["parameters"].remove(_parameter(d, "sid")), "B"),
    (
        "content param",
        lambda d: _parameter(d, "q").update(
            content={"application/xml": _parameter(d, "q")["content"]["application/json"]}
        ),
        "B",
    ),
    (
        "content param to schema",
        lambda d: (_parameter(d, "q").update(schema=S), _parameter(d, "q").pop("content")),
        "B",
    ),
    (
        "param integer to number",
        lambda d: _parameter(d, "flt")["schema"]["properties"].update(b={"type": "number"}),
        "C",
    ),
    ("param deprecated", lambda d: _parameter(d, "lang").update(deprecated=True), "C"),
    ("body optional", lambda d: _post(d)["requestBody"].update(required=False), "C"),
    ("body json removed", lambda d: _post(d)["requestBody"]["content"].pop("application/json"), "B"),
    ("body removed", lambda d: _post(d).pop("requestBody"), "B"),
    (
        "body added required",
        lambda d: _get(d).update(requestBody={"required": True, "content": {"application/json": {"schema": S}}}),
        "B",
    ),
    (
        "body added optional",
        lambda d: _get(d).update(requestBody={"content": {"application/json": {"schema": S}}}),
        "C",
    ),
    (
        "media type case/charset",
        lambda d: _rename(_post(d)["requestBody"]["content"], "application/json", "Application/JSON; charset=utf-8"),
        "C",
    ),
    ("media type to vendor", lambda d: _rename(_ok(d)["content"], "application/json", "application/vnd.x+json"), "B"),
    (
        "media widened req",
        lambda d: _rename(_post(d)["requestBody"]["content"], "application/json", "application/*"),
        "C",
    ),
    ("part type narrowed", lambda d: _form(d)["encoding"]["photo"].update(contentType="image/png"), "B"),
    (
        "part type widened",
        lambda d: _form(d)["encoding"]["photo"].update(contentType="image/png, image/jpeg, image/gif"),
        "C",
    ),
    ("part type changed", lambda d: _form(d)["encoding"]["meta"].update(contentType="text/xml"), "B"),
    ("body prop removed closed", lambda d: _schema(d, "NewPerson")["properties"].pop("url"), "B"),
    ("body prop added optional closed", lambda d: _schema(d, "NewPerson")["properties"].update(x=S), "C"),
    (
        "body prop added required",
        lambda d: (_schema(d, "NewPerson")["properties"].update(x=S), _schema(d, "NewPerson")["required"].append("x")),
        "B",
    ),
    ("body prop req", lambda d: _schema(d, "NewPerson")["required"].append("sex"), "B"),
    ("body opened", lambda d: _schema(d, "NewPerson").pop("additionalProperties"), "C"),
    ("body readonly required", lambda d: _schema(d, "NewPerson")["required"].append("made"), "N"),
    ("body enum added", lambda d: _schema(d, "NewPerson")["properties"]["sex"]["enum"].append("9"), "C"),
    ("body enum removed", lambda d: _schema(d, "NewPerson")["properties"]["sex"]["enum"].pop(), "B"),
    ("body const", lambda d: _schema(d, "NewPerson")["properties"].update(sex={"const": "1"}), "B"),
    ("resp enum added", lambda d: _schema(d, "Person")["properties"]["sex"]["enum"].append("9"), "B"),
    ("resp enum removed", lambda d: _schema(d, "Person")["properties"]["sex"]["enum"].pop(), "C"),
    ("resp prop added", lambda d: _schema(d, "Person")["properties"].update(x=S), "C"),
    (
        "resp required prop added",
        lambda d: (_schema(d, "Person")["properties"].update(x=S), _schema(d, "Person")["required"].append("x")),
        "C",
    ),
    ("resp prop removed", lambda d: _schema(d, "Person")["properties"].pop("sex"), "B"),
    ("resp writeonly removed", lambda d: _schema(d, "Person")["properties"].pop("pw"), "C"),
    ("resp optional", lambda d: _schema(d, "Person")["required"].remove("name"), "B"),
    ("resp became required", lambda d: _schema(d, "Person")["required"].append("sex"), "C"),
    ("resp null gone", lambda d: _schema(d, "Person")["properties"]["age"].update(type="integer"), "C"),
    ("resp null come", lambda d: _schema(d, "Person")["properties"]["name"].update(type=["string", "null"]), "B"),
    ("resp min lower", lambda d: _schema(d, "Person")["properties"]["age"].update(minimum=-1), "B"),
    ("resp min raised", lambda d: _schema(d, "Person")["properties"]["age"].update(minimum=1), "C"),
    ("resp maxLength up", lambda d: _schema(d, "Person")["properties"]["name"].update(maxLength=80), "B"),
    ("resp maxLength dropped", lambda d: _schema(d, "Person")["properties"]["name"].pop("maxLength"), "B"),
    ("resp type", lambda d: _schema(d, "Person")["properties"]["name"].update(type="integer"), "B"),
    ("resp became writeOnly", lambda d: _schema(d, "Person")["properties"]["name"].update(writeOnly=True), "B"),
    ("resp became readOnly", lambda d: _schema(d, "Person")["properties"]["name"].update(readOnly=True), "C"),
    ("resp closed", lambda d: _schema(d, "Person").update(additionalProperties=False), "C"),
    (
        "pet alternative added",
        lambda d: _schema(d, "Pet")["oneOf"].append(
            {"type": "object", "required": ["kind", "f"], "properties": {"kind": S, "f": S}}
        ),
        "B",
    ),
    (
        "pet alternative removed",
        lambda d: (_schema(d, "Pet")["oneOf"].pop(), _schema(d, "Pet")["discriminator"]["mapping"].pop("dog")),
        "C",
    ),
    ("discriminator property", lambda d: _schema(d, "Pet")["discriminator"].update(propertyName="type"), "B"),
    (
        "mapping swapped",
        lambda d: _schema(d, "Pet")["discriminator"].update(
            mapping={"cat": "#/components/schemas/Dog", "dog": "#/components/schemas/Cat"}
        ),
        "B",
    ),
    ("recursive prop", lambda d: _schema(d, "Person")["properties"].update(boss=S), "B"),
    ("unused schema removed", lambda d: _schema(d, "Unused") and d["components"]["schemas"].pop("Unused"), "C"),
    ("unused changed", lambda d: _schema(d, "Unused")["properties"].pop("a"), "C"),
    (
        "schema component renamed",
        lambda d: (
            _rename(d["components"]["schemas"], "Problem", "Err"),
            _get(d)["responses"]["404"]["content"]["application/problem+json"].update(
                schema={"$ref": "#/components/schemas/Err"}
            ),
        ),
        "C",
    ),
    (
        "ref inlined",
        lambda d: _post(d)["responses"]["201"]["content"]["application/json"].update(
            schema=copy.deepcopy(_schema(d, "Person"))
        ),
        "C",
    ),
    ("status 201 to 200", lambda d: _rename(_post(d)["responses"], "201", "200"), "B"),
    ("204 to 200", lambda d: _rename(d["paths"]["/people/{id}"]["delete"]["responses"], "204", "200"), "B"),
    ("error removed", lambda d: _get(d)["responses"].pop("404"), "N"),
    ("default removed", lambda d: _get(d)["responses"].pop("default"), "N"),
    ("status added 2xx", lambda d: _get(d)["responses"].update({"202": {"description": "later"}}), "N"),
    ("error added", lambda d: _get(d)["responses"].update({"500": {"description": "later"}}), "C"),
    ("error body prop removed", lambda d: _schema(d, "Problem")["properties"].pop("title"), "B"),
    ("resp header removed", lambda d: _ok(d)["headers"].pop("ETag"), "B"),
    ("resp header req removed", lambda d: _ok(d)["headers"].pop("X-Rate"), "B"),
    ("resp header optional", lambda d: _ok(d)["headers"]["X-Rate"].pop("required"), "B"),
    ("resp header required", lambda d: _ok(d)["headers"]["ETag"].update(required=True), "C"),
    ("resp header type", lambda d: _ok(d)["headers"]["X-Rate"].update(schema=S), "B"),
    ("resp header added", lambda d: _ok(d)["headers"].update(Z={"schema": S}), "C"),
    ("resp header case", lambda d: _rename(_ok(d)["headers"], "ETag", "etag"), "C"),
    ("resp media removed", lambda d: _ok(d)["content"].pop("application/xml"), "B"),
    ("resp media added", lambda d: _ok(d)["content"].update({"text/csv": {}}), "C"),
    ("resp body gone", lambda d: _ok(d).pop("content"), "B"),
    (
        "resp body come",
        lambda d: d["paths"]["/people/{id}"]["delete"]["responses"]["204"].update(
            content={"application/json": {"schema": S}}
        ),
        "N",
    ),
    ("link removed", lambda d: _ok(d)["links"].pop("Self"), "B"),
    ("link added", lambda d: _ok(d)["links"].update(Two={"operationId": "dropPerson"}), "C"),
    ("link operation", lambda d: _ok(d)["links"]["Self"].update(operationId="dropPerson"), "B"),
    ("link description", lambda d: _ok(d)["links"]["Self"].update(description="x"), "C"),
    ("link param", lambda d: _ok(d)["links"]["Self"].update(parameters={"id": "$response.body#/name"}), "B"),
    ("callback removed", lambda d: _post(d).pop("callbacks"), "B"),
    (
        "callback added",
        lambda d: _post(d)["callbacks"].update(
            more={"{$request.body#/url}": {"post": {"responses": {"200": {"description": "d"}}}}}
        ),
        "C",
    ),
    (
        "callback address",
        lambda d: _rename(_post(d)["callbacks"]["done"], "{$request.body#/url}", "{$request.body#/hook}"),
        "B",
    ),
    ("callback method", lambda d: _rename(_post(d)["callbacks"]["done"]["{$request.body#/url}"], "post", "put"), "B"),
    ("callback body widened", lambda d: _called_back(d)["properties"]["st"]["enum"].append("new"), "B"),
    ("callback body narrowed", lambda d: _called_back(d)["properties"]["st"]["enum"].pop(), "C"),
    ("callback prop added", lambda d: _called_back(d)["properties"].update(x=S), "C"),
    ("callback prop removed", lambda d: _called_back(d)["properties"].pop("st"), "B"),
    ("callback prop optional", lambda d: _called_back(d).pop("required"), "B"),
    ("webhook removed", lambda d: d["webhooks"].pop("moved"), "B"),
    ("webhook added", lambda d: d["webhooks"].update(x={"post": {"responses": {"200": {"description": "d"}}}}), "C"),
    ("webhook prop removed", lambda d: _sent(d)["properties"].pop("to"), "B"),
    ("webhook prop added", lambda d: _sent(d)["properties"].update(x=S), "C"),
    ("webhook required new", lambda d: _sent(d)["required"].append("to"), "C"),
    ("webhook optional", lambda d: _sent(d)["required"].clear(), "B"),
    ("webhook type", lambda d: _sent(d)["properties"].update(to={"type": "integer"}), "B"),
    ("license", lambda d: d["info"].update(license={"name": "Apache"}), "N"),
    ("contact", lambda d: d["info"].update(contact={"name": "x"}), "C"),
    ("tags", lambda d: d["tags"].append({"name": "y"}), "C"),
    ("op tag", lambda d: _get(d).update(tags=["y"]), "C"),
    ("externalDocs", lambda d: d.update(externalDocs={"url": "https://x.example"}), "C"),
    ("op deprecated", lambda d: _get(d).update(deprecated=True), "C"),
    ("schema xml", lambda d: _schema(d, "Person").update(xml={"name": "p"}), "N"),
)

OLD_API: tuple[Case, ...] = (
    ("null no longer", lambda d: _schema(d, "Person")["properties"]["age"].pop("nullable"), "C"),
    ("null too", lambda d: _schema(d, "Person")["properties"]["name"].update(nullable=True), "B"),
    ("null beside allOf no longer", lambda d: _schema(d, "Person")["properties"]["friend"].pop("nullable"), "C"),
    (
        "null beside allOf",
        lambda d: _schema(d, "Person")["properties"].update(
            pet={"nullable": True, "allOf": [{"$ref": "#/components/schemas/Pet"}]}
        ),
        "B",
    ),
    ("bound included", lambda d: _schema(d, "Person")["properties"]["age"].pop("exclusiveMinimum"), "B"),
    (
        "written for 3.1",
        lambda d: (
            d.update(openapi="3.1.0"),
            _schema(d, "Person")["properties"].update(
                age={"type": ["integer", "null"], "exclusiveMinimum": 0},
                friend={"anyOf": [{"$ref": "#/components/schemas/Person"}, {"type": "null"}]},
            ),
        ),
        "C",
    ),
    ("sunset earlier", lambda d: _get(d).update({"x-sunset": "2026-12-01"}), "B"),
    ("sunset later", lambda d: _get(d).update({"x-sunset": "2027-12-01"}), "C"),
    ("sunset dropped", lambda d: _get(d).pop("x-sunset"), "B"),
    ("sunset taken back", lambda d: (_get(d).pop("x-sunset"), _get(d).pop("deprecated")), "C"),
    ("less settled", lambda d: _get(d).update({"x-stability-level": "alpha"}), "B"),
    ("more settled", lambda d: _get(d).update({"x-stability-level": "stable"}), "C"),
)

CONTRACT: tuple[Case, ...] = (
    ("table removed", lambda c: c["schema"].pop(), "B"),
    ("table renamed", lambda c: c["schema"][1].update(name="o"), "B"),
    (
        "table added",
        lambda c: c["schema"].append({"name": "z", "properties": [{"name": "id", "logicalType": "string"}]}),
        "C",
    ),
    ("col removed", lambda c: _table(c)["properties"].pop(), "B"),
    ("col renamed", lambda c: _field(c, "age").update(name="years"), "B"),
    ("col added", lambda c: _table(c)["properties"].append({"name": "n", "logicalType": "string"}), "C"),
    (
        "col added req",
        lambda c: _table(c)["properties"].append({"name": "n", "logicalType": "string", "required": True}),
        "C",
    ),
    ("int to number", lambda c: _field(c, "age").update(logicalType="number"), "B"),
    ("int to string", lambda c: _field(c, "age").update(logicalType="string", logicalTypeOptions={}), "B"),
    ("bool to string", lambda c: _field(c, "ok").update(logicalType="string"), "B"),
    ("date to timestamp", lambda c: _field(c, "born").update(logicalType="timestamp"), "B"),
    ("date to string", lambda c: _field(c, "born").update(logicalType="string", logicalTypeOptions={}), "B"),
    ("string to date", lambda c: _field(c, "org").update(logicalType="date"), "B"),
    ("string to array", lambda c: _field(c, "org").update(logicalType="array", items={"logicalType": "string"}), "B"),
    ("array items type", lambda c: _field(c, "phones")["items"].update(logicalType="integer"), "B"),
    ("array more", lambda c: _options(c, "phones").update(maxItems=5), "B"),
    ("array fewer", lambda c: _options(c, "phones").update(maxItems=2), "C"),
    ("nullable", lambda c: _field(c, "sex").update(required=False), "B"),
    ("not nullable", lambda c: _field(c, "age").update(required=True), "C"),
    ("nested removed", lambda c: _field(c, "addr")["properties"].pop(), "B"),
    ("nested added", lambda c: _field(c, "addr")["properties"].append({"name": "st", "logicalType": "string"}), "C"),
    ("nested nullable", lambda c: _field(c, "addr")["properties"][0].pop("required"), "B"),
    ("nested type", lambda c: _field(c, "addr")["properties"][1].update(logicalType="integer"), "B"),
    ("unique lost", lambda c: _field(c, "org").pop("unique"), "B"),
    ("unique gained", lambda c: _field(c, "age").update(unique=True), "C"),
    ("pk moved", lambda c: (_field(c, "id").pop("primaryKey"), _field(c, "org").update(primaryKey=True)), "B"),
    ("pk lost", lambda c: _field(c, "id").pop("primaryKey"), "B"),
    ("pk grown", lambda c: _field(c, "org").update(primaryKey=True, primaryKeyPosition=2), "B"),
    ("maxLength up", lambda c: _options(c, "note").update(maxLength=20), "B"),
    ("maxLength gone", lambda c: _options(c, "note").pop("maxLength"), "B"),
    ("maxLength beside values", lambda c: _options(c, "sex").pop("maxLength"), "C"),
    ("maxLength set", lambda c: _options(c, "org").update(maxLength=9), "C"),
    ("pattern gone", lambda c: _options(c, "id").pop("pattern"), "B"),
    ("pattern changed", lambda c: _options(c, "id").update(pattern="^[0-9]{17}[0-9X]$"), "B"),
    ("pattern set", lambda c: _options(c, "org").update(pattern="^a"), "C"),
    ("max up", lambda c: _options(c, "age").update(maximum=200), "B"),
    ("max down", lambda c: _options(c, "age").update(maximum=120), "C"),
    ("min down", lambda c: _options(c, "age").update(minimum=-1), "B"),
    ("max gone", lambda c: _options(c, "age").pop("maximum"), "B"),
    ("excl max", lambda c: (_options(c, "age").pop("maximum"), _options(c, "age").update(exclusiveMaximum=150)), "C"),
    ("date format", lambda c: _options(c, "born").update(format="yyyyMMdd"), "B"),
    ("int format", lambda c: _options(c, "age").update(format="i64"), "B"),
    ("int format narrower", lambda c: _options(c, "age").update(format="i16"), "C"),
    ("quality removed", lambda c: _table(c)["quality"].pop(), "B"),
    ("quality loosened", lambda c: _table(c)["quality"][0].update(mustBeGreaterThan=5), "B"),
    ("quality tightened", lambda c: _table(c)["quality"][0].update(mustBeGreaterThan=50), "C"),
    ("quality added", lambda c: _field(c, "age").update(quality=[{"metric": "nullValues", "mustBe": 0}]), "C"),
    ("field quality removed", lambda c: _field(c, "sex").pop("quality"), "B"),
    ("valid values more", lambda c: _field(c, "sex")["quality"][0]["arguments"]["validValues"].append("9"), "B"),
    ("valid values fewer", lambda c: _field(c, "sex")["quality"][0]["arguments"]["validValues"].pop(), "C"),
    ("severity down", lambda c: _table(c)["quality"][0].update(severity="warning"), "N"),
    ("severity up", lambda c: _table(c)["quality"][0].update(severity="critical"), "N"),
    ("quality desc", lambda c: _table(c)["quality"][0].update(description="z"), "C"),
    ("sla removed", lambda c: c["slaProperties"].pop(), "B"),
    ("latency up", lambda c: c["slaProperties"][0].update(value=8), "B"),
    ("latency down", lambda c: c["slaProperties"][0].update(value=2), "C"),
    ("latency unit", lambda c: c["slaProperties"][0].update(unit="h", value=96), "C"),
    ("retention down", lambda c: c["slaProperties"][1].update(value=1), "B"),
    ("retention up", lambda c: c["slaProperties"][1].update(value=5), "C"),
    ("availability down", lambda c: c["slaProperties"][2].update(value=99), "B"),
    ("availability up", lambda c: c["slaProperties"][2].update(value=99.9), "C"),
    ("frequency rarer", lambda c: c["slaProperties"][3].update(value=7), "B"),
    ("sla added", lambda c: c["slaProperties"].append({"property": "errorRate", "value": 1, "unit": "%"}), "C"),
    ("sla removed all", lambda c: c.pop("slaProperties"), "B"),
    ("server removed", lambda c: c["servers"].pop(), "B"),
    ("server added", lambda c: c["servers"].append({"server": "x", "type": "s3", "location": "y"}), "C"),
    ("server host", lambda c: c["servers"][0].update(host="h2"), "B"),
    ("server type", lambda c: c["servers"][0].update(type="mysql"), "B"),
    ("server db", lambda c: c["servers"][0].update(database="e"), "B"),
    ("server format", lambda c: c["servers"][1].update(format="csv"), "B"),
    ("server desc", lambda c: c["servers"][0].update(description="e"), "C"),
    ("servers reordered", lambda c: c["servers"].reverse(), "C"),
    ("deprecated", lambda c: c.update(status="deprecated"), "C"),
    ("retired", lambda c: c.update(status="retired"), "B"),
    ("draft", lambda c: c.update(status="draft"), "N"),
    ("classification raised", lambda c: _field(c, "age").update(classification="restricted"), "N"),
    ("classification changed", lambda c: _field(c, "id").update(classification="public"), "N"),
    ("role removed", lambda c: c["roles"].clear(), "B"),
    ("role added", lambda c: c["roles"].append({"role": "w"}), "C"),
    ("price", lambda c: c["price"].update(priceAmount=2), "N"),
    ("support", lambda c: c["support"].clear(), "N"),
    ("team", lambda c: c["team"].clear(), "C"),
    ("tags", lambda c: c.update(tags=["z"]), "C"),
    ("purpose", lambda c: c["description"].update(purpose="q"), "C"),
    ("usage", lambda c: c["description"].update(usage="q"), "N"),
    ("custom", lambda c: c.update(customProperties=[{"property": "x", "value": 1}]), "N"),
    ("domain", lambda c: c.update(domain="q"), "N"),
    ("version", lambda c: c.update(version="2.0.0"), "C"),
    ("id", lambda c: c.update(id="police.persons"), "B"),
    ("physicalType widened", lambda c: _field(c, "id").update(physicalType="TEXT"), "N"),
    ("physicalName", lambda c: _field(c, "org").update(physicalName="o2"), "B"),
    ("table physicalName", lambda c: _table(c).update(physicalName="t2"), "B"),
    ("desc", lambda c: _field(c, "ok").update(description="z"), "C"),
    ("businessName", lambda c: _field(c, "ok").update(businessName="z"), "C"),
    ("fields reordered", lambda c: _table(c)["properties"].reverse(), "C"),
    ("tables reordered", lambda c: c["schema"].reverse(), "C"),
    ("fk removed", lambda c: _table(c).pop("relationships"), "B"),
    ("fk changed", lambda c: _table(c)["relationships"][0].update(to="orgs.code"), "B"),
    (
        "fk added",
        lambda c: c["schema"][1].update(relationships=[{"type": "foreignKey", "from": "orgs.id", "to": "people.org"}]),
        "C",
    ),
    ("example", lambda c: _field(c, "ok").update(examples=["false"]), "C"),
    ("critical", lambda c: _field(c, "ok").update(criticalDataElement=True), "C"),
    ("partitioned", lambda c: _field(c, "ok").update(partitioned=True), "N"),
    ("contractCreatedTs", lambda c: c.update(contractCreatedTs="2026-01-01T00:00:00Z"), "C"),
    ("slaDefaultElement", lambda c: c.update(slaDefaultElement="people.id"), "N"),
)

PROCESS: tuple[Case, ...] = (
    ("wf removed", lambda p: p["workflows"].pop(), "B"),
    ("wf renamed", lambda p: p["workflows"][1].update(workflowId="z"), "B"),
    (
        "wf added",
        lambda p: p["workflows"].append({"workflowId": "n", "steps": [{"stepId": "x", "workflowId": "w"}]}),
        "C",
    ),
    ("input required", lambda p: _flow(p)["inputs"]["required"].append("note"), "B"),
    (
        "input added req",
        lambda p: (_flow(p)["inputs"]["properties"].update(z=S), _flow(p)["inputs"]["required"].append("z")),
        "B",
    ),
    ("input added", lambda p: _flow(p)["inputs"]["properties"].update(z=S), "C"),
    ("input type", lambda p: _flow(p)["inputs"]["properties"].update(note={"type": "integer"}), "B"),
    ("input narrowed", lambda p: _flow(p)["inputs"]["properties"]["id"].update(maxLength=9), "B"),
    ("input widened", lambda p: _flow(p)["inputs"]["properties"]["id"].update(maxLength=19), "C"),
    ("input optional", lambda p: _flow(p)["inputs"]["required"].clear(), "C"),
    ("input removed", lambda p: _flow(p)["inputs"]["properties"].pop("id"), "B"),
    ("output removed", lambda p: _flow(p)["outputs"].clear(), "B"),
    ("output added", lambda p: _flow(p)["outputs"].update(k="$steps.a.outputs.name"), "C"),
    ("output changed", lambda p: _flow(p)["outputs"].update(no="$steps.a.outputs.name"), "B"),
    ("step output removed", lambda p: _step(p, "a")["outputs"].clear(), "B"),
    ("step output added", lambda p: _step(p, "a")["outputs"].update(z="$response.body#/z"), "C"),
    ("step removed", lambda p: _flow(p)["steps"].pop(), "B"),
    (
        "step added",
        lambda p: _flow(p)["steps"].append(
            {"stepId": "d", "operationId": "$sourceDescriptions.q.x", "dependsOn": ["a"]}
        ),
        "B",
    ),
    ("step renamed", lambda p: _step(p, "c").update(stepId="cc"), "B"),
    ("step op", lambda p: _step(p, "a").update(operationId="$sourceDescriptions.p.other"), "B"),
    ("step source", lambda p: _step(p, "a").update(operationId="$sourceDescriptions.q.getPerson"), "B"),
    ("dependsOn added", lambda p: _step(p, "c").update(dependsOn=["a", "b"]), "B"),
    ("dependsOn removed", lambda p: _step(p, "c").pop("dependsOn"), "C"),
    (
        "criterion added",
        lambda p: _step(p, "a")["successCriteria"].append({"condition": "$response.body#/x == 1"}),
        "B",
    ),
    ("criterion changed", lambda p: _step(p, "a")["successCriteria"][0].update(condition="$statusCode == 201"), "B"),
    (
        "criterion widened",
        lambda p: _step(p, "a")["successCriteria"][0].update(condition="$statusCode == 200 || $statusCode == 202"),
        "C",
    ),
    ("criterion removed", lambda p: _step(p, "b")["successCriteria"].pop(), "C"),
    ("criteria reordered", lambda p: _step(p, "b")["successCriteria"].reverse(), "C"),
    ("criterion spaces", lambda p: _step(p, "a")["successCriteria"][0].update(condition="$statusCode==200"), "C"),
    ("param value", lambda p: _step(p, "a")["parameters"][0].update(value="x"), "B"),
    ("param added", lambda p: _step(p, "a")["parameters"].append({"name": "z", "in": "query", "value": 1}), "B"),
    ("param removed", lambda p: _step(p, "a")["parameters"].clear(), "B"),
    ("payload", lambda p: _step(p, "b")["requestBody"].update(payload={"m": 1}), "B"),
    ("content type", lambda p: _step(p, "b")["requestBody"].update(contentType="application/xml"), "B"),
    ("retry", lambda p: _step(p, "b")["onFailure"][0].update(retryLimit=5), "N"),
    ("failure goto", lambda p: _step(p, "b").update(onFailure=[{"name": "g", "type": "goto", "stepId": "a"}]), "N"),
    ("success goto", lambda p: _step(p, "b").update(onSuccess=[{"name": "g", "type": "goto", "stepId": "a"}]), "B"),
    ("timeout", lambda p: _step(p, "c").update(timeout=9000), "N"),
    ("source removed", lambda p: (p["sourceDescriptions"].pop(),), "B"),
    (
        "source added",
        lambda p: p["sourceDescriptions"].append({"name": "r", "url": "./r.yaml", "type": "openapi"}),
        "C",
    ),
    ("source url", lambda p: p["sourceDescriptions"][1].update(url="./other.yaml"), "B"),
    (
        "source other interface",
        lambda p: p["sourceDescriptions"][0].update(url="https://x.example/police/cars/openapi.yaml"),
        "B",
    ),
    ("source type", lambda p: p["sourceDescriptions"][1].update(type="arazzo"), "B"),
    (
        "source renamed",
        lambda p: (
            p["sourceDescriptions"][1].update(name="qq"),
            _step(p, "b").update(operationId="$sourceDescriptions.qq.make"),
            _step(p, "c").update(operationId="$sourceDescriptions.qq.tell"),
        ),
        "N",
    ),
    ("desc", lambda p: _step(p, "a").update(description="x"), "C"),
    ("summary", lambda p: _flow(p).update(summary="x"), "C"),
    ("steps reordered", lambda p: _flow(p)["steps"].append(_flow(p)["steps"].pop(1)), "C"),
    ("title", lambda p: p["info"].update(title="z"), "C"),
    ("workflow dependsOn", lambda p: p["workflows"][1].update(dependsOn=["w"]), "B"),
    ("sub workflow", lambda p: p["workflows"][1]["steps"][0].update(workflowId="other"), "B"),
    ("components added", lambda p: p.update(components={"inputs": {"z": S}}), "N"),
)
