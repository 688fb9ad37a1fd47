"""Does somebody share this already? Elements, not names; what is collected twice; entries that mean the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import specs
from exchange.catalogue.items import ASKS, GIVES, KEY, Holder, items
from exchange.catalogue.reuse import ALIKE, LITTLE, TRIVIAL, findings, likeness
from specs import elements, library


def dataset(id: str, *fields: str, version: str = "1.0.0") -> str:
    """A data contract of one table; a field is written ``name=ELEMENT`` or ``name:title``."""
    department = id.partition(".")[0]
    head = f"""apiVersion: v3.1.0
kind: DataContract
id: {id}
name: {id}
version: {version}
status: active
domain: {department}
customProperties:
  - {{property: interfaceId, value: {id}}}
  - {{property: department, value: {department}}}
description: {{purpose: 测试}}
schema:
  - name: rows
    logicalType: object
    physicalType: table
    businessName: 记录
    description: 记录
    properties:
"""
    for field in fields:
        name, mark, meaning = field.partition("=")
        if mark:
            said = f"authoritativeDefinitions: [{{type: element, url: 'urn:tongban:element:{meaning}'}}]"
        else:
            name, _, title = field.partition(":")
            none = "authoritativeDefinitions: [{type: element, url: 'urn:tongban:element:none'}]"
            said = f"businessName: {title}, {none}"
        head += f"      - {{name: {name}, logicalType: string, description: 字段, {said}}}\n"
    return head


def holder(text: str) -> Holder:
    spec = specs.read(text.encode(), "odcs.yaml")
    assert spec.department is not None
    return Holder(spec.id, spec.kind, spec.department, spec.title, items(spec))


SERVICE = """openapi: 3.1.0
info: {title: 生育登记, description: 生育登记, version: 1.0.0, x-interface-id: health.births, x-department: health}
paths:
  /births/{number}:
    parameters:
      - {name: number, in: path, required: true, schema: {type: string, x-element: CSZMBH}}
      - {name: limit, in: query, schema: {type: integer}}
    post:
      operationId: register
      requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/Wish'}}}}
      responses:
        "200":
          description: 结果
          content: {application/json: {schema: {type: array, items: {$ref: '#/components/schemas/Answer'}}}}
        "400": {description: 错误, content: {application/json: {schema: {$ref: '#/components/schemas/Problem'}}}}
components:
  schemas:
    Wish:
      type: object
      properties:
        mother: {type: object, properties: {ethnic: {type: string, x-element: MQ_MZDM}}}
        house: {type: string, x-element: HJDZ}
    Answer:
      type: object
      properties: {school: {type: string, x-element: XXMC}, wish: {$ref: '#/components/schemas/Wish'}}
    Problem: {type: object, properties: {blood: {type: string, x-element: XXDM}}}
"""


def test_items_tell_what_is_given_from_what_is_asked_and_what_finds_the_record() -> None:
    found = {(item.way, item.name) for item in items(specs.read(SERVICE.encode(), "openapi.yaml"))}
    wish = {"MQ_MZDM", "HJDZ"}
    assert found == {(KEY, "CSZMBH"), (GIVES, "XXMC"), *((way, name) for way in (GIVES, ASKS) for name in wish)}
    assert not any(name == "XXDM" for _, name in found)  # an error's body gives nothing away


def test_a_field_counts_by_meaning_however_it_is_called() -> None:
    named = items(
        specs.read(dataset("police.a", "sfzh=GMSFHM", "a:婚姻 状况代码", "b:婚姻-状况").encode(), "odcs.yaml")
    )
    assert [item.meaning for item in named] == ["GMSFHM", "~婚姻状况"]


def test_what_another_department_gives_is_shared_already() -> None:
    police = holder(dataset("police.people", "id=GMSFHM", "marital=HYZKDM", "home=HJDZ"))
    ours = holder(dataset("tax.payers", "sfzh=GMSFHM", "hyzk=HYZKDM", "zz:住址"))
    (found,) = findings(ours, [police, replace(police, interface="tax.other", department="tax")])
    assert (found.kind, found.element, found.fields) == ("shared", "HYZKDM", ("hyzk",))
    assert found.title["zh_CN"] == elements.dictionary()["HYZKDM"].title["zh_CN"]
    assert [(s.interface, s.department, s.field) for s in found.sources] == [("police.people", "police", "marital")]
    assert findings(police, [police]) == ()  # nobody is told of himself


def test_what_is_asked_for_though_another_shares_it_is_collected_twice() -> None:
    own = holder(SERVICE)
    police = holder(dataset("police.people", "id=GMSFHM", "people=MZDM", "home=HJDZ", "school=XXMC"))
    found = {(one.kind, one.element): one.fields for one in findings(own, [police])}
    # the ethnic group is the mother's here; what is given back to the caller is not counted as given
    assert found == {
        ("shared", "XXMC"): ("school",),
        ("collected", "MZDM"): ("ethnic",),
        ("collected", "HJDZ"): ("house",),
    }


def test_what_a_service_was_handed_it_is_no_source_of() -> None:
    assert [one.element for one in findings(holder(dataset("police.p", "a=HJDZ", "s=XXMC")), [holder(SERVICE)])] == [
        "XXMC"
    ]


def test_what_everybody_has_makes_no_finding() -> None:
    assert elements.dictionary().keys() >= TRIVIAL
    every = [f"f{number}={element}" for number, element in enumerate(sorted(TRIVIAL))]
    assert findings(holder(dataset("police.a", *every)), [holder(dataset("tax.b", *every))]) == ()


def test_entries_that_mean_the_same_are_duplicates_though_no_name_agrees() -> None:
    one = holder(dataset("police.a", "sfzh=GMSFHM", "a=HJDZ", "b=HYZKDM", "c=MZDM", "d=XLDM", "e:备案 情况"))
    other = holder(dataset("tax.b", "idcard=GMSFHM", "u=HJDZ", "v=HYZKDM", "w=MZDM", "x=ZW", "备案情况:备案情况"))
    alike = likeness(one.items, other.items)
    assert alike == pytest.approx((4 + LITTLE) / (6 + LITTLE))
    first = findings(one, [other])[0]
    assert (first.kind, first.likeness, first.sources[0].interface) == ("duplicate", round(alike, 2), "tax.b")
    assert first.likeness >= ALIKE
    assert set(first.common) == {"GMSFHM", "HJDZ", "HYZKDM", "MZDM", "~备案情况"}
    # a service and a dataset of one department are two ways to the same data
    assert [f.kind for f in findings(one, [replace(other, department="police", kind="api")])] == []
    assert [f.kind for f in findings(one, [replace(other, department="police")])] == ["duplicate"]


def test_few_fields_in_common_are_chance() -> None:
    one, other = (
        holder(dataset(id, "x=GMSFHM", "n=XM", "s=XBDM", "d=CSRQ", "m=HYZKDM", "e=MZDM")) for id in ("a.a", "b.b")
    )
    assert likeness(one.items, other.items) == 0.0
    assert likeness([], []) == 0.0
    assert {f.kind for f in findings(one, [other])} == {"shared"}


def test_the_library_has_no_duplicates_and_few_shared_elements() -> None:
    holders = [Holder(i.id, i.kind, i.department or "", i.title, items(i)) for i in library.interfaces().values()]
    found = {h.interface: [(f.kind, f.element) for f in findings(h, holders)] for h in holders}
    # licences have numbers, of births as of businesses
    assert found["health.birth-certificates"] == [("shared", "ZZBS"), ("collected", "MZDM")]
    assert found["police.birth-registrations"] == [("collected", e) for e in ("CSDSSXQ", "CSSJ", "CSZMBH", "MZDM")]
    assert not any(kind == "duplicate" for listed in found.values() for kind, _ in listed)


# ---- in the catalogue


def publish(services: Any, engineer: Any, text: str) -> Any:
    made = services.catalogue.register(engineer, "odcs.yaml", text)
    return services.lifecycle.publish(engineer, made.interface, made.version)


def test_publication_tells_who_shares_it_and_keeps_that_in_the_ledger(services: Any) -> None:
    police, tax = services.department("police"), services.department("tax")
    publish(services, police, dataset("police.people", "id=GMSFHM", "marital=HYZKDM"))
    step = publish(services, tax, dataset("tax.payers", "sfzh=GMSFHM", "hyzk=HYZKDM"))
    assert [(one.kind, one.element) for one in step.reuse] == [("shared", "HYZKDM")]
    assert services.last("interface.published")["reuse"] == ["shared:HYZKDM"]
    assert [one.element for one in services.checking.reuse(police, "police.people")] == ["HYZKDM"]
    publish(services, police, dataset("police.people", "id=GMSFHM", "marital:不再是标准数据元", version="2.0.0"))
    assert services.checking.reuse(tax, "tax.payers") == ()  # the index follows the version in force
