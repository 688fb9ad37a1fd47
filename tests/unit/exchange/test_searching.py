"""Finding interfaces in Chinese and English: any part of a word, the best place first, filters, facets, highlights."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from exchange.catalogue import routes
from exchange.catalogue.searching import Found, Searching, Snippet, Wish, snippets, words_of
from exchange.errors import Invalid
from specs import library
from tests.unit.exchange.test_catalogue import api
from tests.unit.exchange.test_reuse import publish


@pytest.fixture
def searching(services: Any) -> Searching:
    """The library, published."""
    for interface in library.interfaces().values():
        engineer = services.department(str(interface.department))
        services.catalogue.register(engineer, interface.document.name, interface.document.text.decode())
        services.lifecycle.publish(engineer, interface.id, interface.version)
    return Searching(services.catalogue)


def ids(found: Found) -> list[str]:
    return [hit.record.id for hit in found.hits]


def test_words_of_either_language_are_found_wherever_they_stand(services: Any, searching: Searching) -> None:
    who = services.vendor()

    def find(q: str, **wish: str) -> list[str]:
        return ids(searching.find(who, Wish(q, **wish)))

    # two characters, though no trigram holds them; one character; part of an English word
    assert {"civil-affairs.marriages", "civil-affairs.marriage-records"} <= set(find("婚姻"))
    assert "disease-control.immunization-files" in find("疫")
    assert find("immuniz")[0] == "disease-control.immunization-files"
    assert find("MARRIAGE")[:2] == ["civil-affairs.marriage-records", "civil-affairs.marriages"]
    assert find("ＭＡＲＲＩＡＧＥ") == find("marriage")  # full width
    # all words, in any order, across places
    assert set(find("结婚 civil-affairs")) <= {"civil-affairs.marriages", "civil-affairs.marriage-records"}
    assert find("结婚 疫苗 税") == []
    assert find("' OR 1=1 --") == []
    assert find("  ") == find("") == sorted(library.interfaces())
    # a field under every name of its element
    assert {"police.residents", "civil-affairs.marriage-records", "tax.premiums"} <= set(find("身份证号码"))
    assert "身份证号码" not in library.interfaces()["tax.premiums"].document.text.decode()


def test_the_title_weighs_most_then_fields_then_descriptions(services: Any) -> None:
    engineer = services.department("civil-affairs")

    def put(name: str, title: str, description: str, operation: str) -> None:
        text = api(title=title, id=f"civil-affairs.{name}")
        text = text.replace("各办事窗口的排队情况，100% 实时；under_score", description).replace("列出窗口", operation)
        publish(services, engineer, text)

    put("a-description", "甲", "含有鸟巢二字", "丙")
    put("b-field", "甲", "乙", "查鸟巢")
    put("c-title", "北京鸟巢情况", "乙", "丙")
    put("d-exactly", "鸟巢", "乙", "丙")
    put("e-nothing", "甲", "乙", "丙")
    found = Searching(services.catalogue).find(engineer, Wish("鸟巢"))
    assert ids(found) == [f"civil-affairs.{n}" for n in ("d-exactly", "c-title", "b-field", "a-description")]
    assert [hit.snippets[0].where for hit in found.hits] == ["title", "title", "field", "description"]
    assert found.hits[1].snippets[0].pieces == (("北京", False), ("鸟巢", True), ("情况", False))


WISHES: list[tuple[dict[str, str], set[str]]] = [
    ({"kind": "process"}, set()),
    ({"kind": "dataset", "department": "police"}, {"police.resident-register", "police.vehicles"}),
    ({"element": "HYZKDM"}, {"police.residents", "police.resident-register"}),
    ({"element": "婚姻状况"}, {"police.residents", "police.resident-register"}),
    ({"element": "民族", "way": "asks"}, {"health.birth-certificates", "police.birth-registrations"}),
    ({"element": "CSZMBH", "way": "key"}, {"health.birth-certificates"}),
    ({"element": "没有这样的数据元"}, set()),
    ({"sharing": "1"}, set()),
    ({"sharing": "2", "q": "疫苗"}, {"disease-control.immunization-files"}),
    ({"sensitivity": "core"}, set()),
    ({"state": "deprecated"}, set()),
    ({"q": "婚姻", "department": "tax"}, set()),
]


def test_filters_and_facets(services: Any, searching: Searching) -> None:
    who = services.vendor()
    for wish, found in WISHES:
        assert set(ids(searching.find(who, Wish(**wish)))) == found, wish
    found = searching.find(who, Wish(), limit=3)
    everything = found.facets
    assert (len(found.hits), found.total) == (3, len(library.interfaces()))
    assert everything["kind"] == {"api": 28, "dataset": 8}
    assert sum(everything["department"].values()) == len(library.interfaces())
    assert everything["state"] == {"published": len(library.interfaces())}
    narrow = searching.find(who, Wish(department="police")).facets
    assert narrow["kind"] == {"api": 6, "dataset": 2}
    assert searching.find(None, Wish("没有这样的东西")).facets == {name: {} for name in everything}


def test_drafts_are_found_by_their_department_alone_and_retired_ones_by_asking(services: Any, clock: Any) -> None:
    engineer, searching = services.department("civil-affairs"), Searching(services.catalogue)
    services.catalogue.register(engineer, "a.yaml", api())
    for who, seen in ((engineer, ["civil-affairs.windows"]), (services.vendor(), []), (None, [])):
        assert ids(searching.find(who, Wish("窗口"))) == seen
        assert ids(searching.find(who, Wish(state="draft"))) == seen
    services.lifecycle.publish(engineer, "civil-affairs.windows", "1.0.0")
    services.lifecycle.deprecate(engineer, "civil-affairs.windows", clock().date().replace(year=2027), "over")
    assert ids(searching.find(None, Wish(state="deprecated"))) == ["civil-affairs.windows"]
    clock.advance(days=400)
    services.lifecycle.retire(engineer, "civil-affairs.windows")
    assert ids(searching.find(None, Wish("窗口"))) == []
    assert ids(searching.find(None, Wish("窗口", state="retired"))) == ["civil-affairs.windows"]


def test_pages_follow_one_another_without_gap_or_repetition(services: Any, searching: Searching) -> None:
    who = services.vendor()
    for q in ("", "police", "出生"):
        whole, pages, after = ids(searching.find(who, Wish(q))), list[str](), None
        while (page := searching.find(who, Wish(q), after=after, limit=2)).hits:
            pages += ids(page)
            after = page.hits[-1].key
        assert pages == whole, q
    for wrong in ("x", "a:b", ":"):
        with pytest.raises(Invalid):
            searching.find(who, Wish(), after=wrong)


def test_snippets_cut_long_lines_and_mark_every_word() -> None:
    line = "f|" + "前" * 80 + "出生日期" + "后" * 10 + "日期" + "尾" * 80
    (found,) = snippets("t|标题\n" + line, ["日期", "出生"])
    assert found.where == "field"
    assert [piece for piece, marked in found.pieces if marked] == ["出生", "日期", "日期"]
    assert found.text.startswith("…前")
    assert found.text.endswith("尾…")
    assert len(found.text) < 80
    assert snippets("t|ABC abc", ["abc"])[0].pieces == (("ABC", True), (" ", False), ("abc", True))
    assert snippets("t|İabc", ["abc"]) == (Snippet("title", (("İabc", False),)),)  # its small form has two characters
    assert snippets("", ["abc"]) == ()
    assert snippets("t|aaa", ["aa"])[0].text == "aaa"
    assert words_of("A a  ｂ B") == ["a", "b"]


def test_over_http(services: Any, searching: Searching) -> None:
    web: TestClient = services.web(
        routes.router(services.catalogue, services.lifecycle, services.probing, services.access)
    )
    headers, base = services.bearer(services.vendor()), "/api/v1/interfaces"
    answer = web.get(base, headers=headers, params={"q": "婚姻", "limit": 1}).json()
    first = answer["items"][0]
    assert first["found"][0]["where"] == "title"
    assert ["婚姻", True] in first["found"][0]["pieces"]
    again = web.get(base, headers=headers, params={"q": "婚姻", "limit": 1, "page_token": answer["next_page_token"]})
    assert again.json()["items"][0]["id"] != first["id"]
    assert web.get(base, headers=headers, params={"page_token": "bm90aGluZw=="}).status_code == 400
    who = web.get(base, headers=headers, params={"element": "公民身份号码", "way": "gives", "kind": "dataset"}).json()
    assert len(who["items"]) == 8
    police = web.get(base, headers=headers, params={"department": "police", "limit": 1}).json()
    assert (police["total"], police["facets"]["kind"]) == (8, {"api": 6, "dataset": 2})
    assert web.get(base).status_code == 401
    assert web.get(base, headers=headers, params={"way": "sideways"}).status_code == 422
