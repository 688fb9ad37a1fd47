"""Pages of the catalogue: who may do what, exact bytes, findings beside their lines, words in both languages."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

import mockdata.sandbox
from exchange.catalogue import health
from exchange.catalogue.model import State
from exchange.catalogue.service import LARGEST
from exchange.catalogue.store import INTERFACES
from exchange.parties.access import COOKIE, SYSTEM
from exchange.parties.model import csrf_token
from exchange.portal import catalogue, problem, publishing, tending, trials
from exchange.portal.findings import CHINESE, excerpts
from exchange.portal.pages import Pages
from mockdata.sandbox import Sandbox
from specs.finding import Finding, Severity
from specs.rules import rules
from tests.unit.exchange.test_catalogue import MARRIAGES, RECORDS, api
from tests.unit.exchange.test_lifecycle import ID, breaking
from tests.unit.exchange.test_reuse import dataset, publish

PAGE = f"/catalogue/{ID}"
HTML = {"accept": "text/html"}


@pytest.fixture
def engineer(services: Any) -> Any:
    return services.department("civil-affairs")


@pytest.fixture
def web(services: Any) -> TestClient:
    s = services
    pages = Pages(s.access, lambda name: {"zh_CN": f"{name}局", "en": name})
    client: TestClient = s.web(
        publishing.router(pages, s.access, s.parties, s.checking, s.tidying),
        tending.router(pages, s.access, s.lifecycle, s.probing, s.tidying),
        trials.router(s.catalogue, lambda: None),
        catalogue.router(pages, s.access, s.parties, s.catalogue, s.lifecycle, s.probing, s.checking),
    )
    client.follow_redirects = False
    return client


@pytest.fixture
def heads(services: Any) -> Callable[[Any], dict[str, str]]:
    known: dict[str, dict[str, str]] = {}

    def of(caller: Any) -> dict[str, str]:
        if caller.id + str(sorted(caller.roles)) not in known:
            known[caller.id + str(sorted(caller.roles))] = {**services.bearer(caller), **HTML, "accept-language": "en"}
        return known[caller.id + str(sorted(caller.roles))]

    return of


def upload(web: TestClient, headers: dict[str, str], data: bytes, name: str = "a.yaml") -> Any:
    return web.post("/catalogue/publish", headers=headers, files={"file": (name, data)})


def sent_back(page: str) -> dict[str, str]:
    """What the form under a checked file would send."""
    form = page.partition('action="/catalogue/register"')[2].partition("</form>")[0]
    return dict(re.findall(r'name="(filename|document)" value="([^"]*)"', form))


# ---- who may

POSTS: dict[str, dict[str, str]] = {
    "endpoint": {"url": "https://example.org"},
    "probes": {},
    "waiver": {"reason": "the firewall opens on Friday", "days": "3"},
    "publication": {"version": "2.0.0"},
    "withdrawal": {"version": "2.0.0"},
    "deprecation": {"retire_on": "2027-06-01", "reason": "over"},
    "keeping": {},
    "retirement": {},
    "refresh": {},
}


def test_every_form_is_for_the_departments_engineers_alone(
    services: Any, engineer: Any, web: TestClient, heads: Any
) -> None:
    services.catalogue.register(engineer, "a.yaml", api())
    services.lifecycle.publish(engineer, ID, "1.0.0")
    services.catalogue.register(engineer, "a.yaml", breaking("2.0.0"))
    before = moves(services)
    offered = {route.path.rpartition("/")[2] for route in tending_routes(services)}
    assert offered == {*POSTS, "subscription", "unsubscription"}
    reviewer = services.caller("civil-affairs", "department", "reviewer")
    for name, form in POSTS.items():
        anonymous = web.post(f"{PAGE}/{name}", data=form, headers=HTML)
        assert (anonymous.status_code, anonymous.headers["location"][:13]) == (303, "/sign-in?next"), name
        assert web.post(f"{PAGE}/{name}", data=form).status_code == 401, name
        for caller in (services.department("police"), services.vendor(), services.officer(), reviewer):
            assert web.post(f"{PAGE}/{name}", data=form, headers=heads(caller)).status_code == 403, (name, caller.party)
    for name in ("subscription", "unsubscription"):
        assert web.post(f"{PAGE}/{name}").status_code == 401
    assert moves(services) == before


def moves(services: Any) -> list[str]:
    return [kind for kind in services.kinds() if kind.startswith("interface.")]


def tending_routes(services: Any) -> list[Any]:
    pages = Pages(services.access, lambda name: {"en": name})
    made = tending.router(pages, services.access, services.lifecycle, services.probing, services.tidying)
    return list(made.routes)


def test_pages_for_those_who_publish_or_review(services: Any, engineer: Any, web: TestClient, heads: Any) -> None:
    data = base64.urlsafe_b64encode(api().encode()).decode()
    form = {"filename": "a.yaml", "document": data}
    for path in ("/catalogue/publish", "/catalogue/review"):
        assert web.get(path, headers=HTML).headers["location"] == f"/sign-in?next={path}"
        assert web.get(path, headers=heads(services.vendor())).status_code == 403
        assert web.get(path, headers=heads(engineer)).status_code == 200
    assert web.post("/catalogue/register", data=form).status_code == 401
    assert upload(web, {}, b"x").status_code == 401
    for caller in (services.vendor(), services.officer()):
        assert upload(web, heads(caller), b"x").status_code == 403
        assert web.post("/catalogue/register", data=form, headers=heads(caller)).status_code == 403
    # another department's engineer may check, and is told; registering is refused
    told = upload(web, heads(services.department("police")), api().encode())
    assert "cannot be registered" in told.text
    assert "belongs to civil-affairs" in told.text
    refused = web.post("/catalogue/register", data=form, headers=heads(services.department("police")))
    assert refused.status_code == 403
    assert services.catalogue.search(drafts_of="civil-affairs") == []


def test_a_session_needs_the_pages_own_token(services: Any, engineer: Any, web: TestClient) -> None:
    services.parties.add_member(SYSTEM, engineer.party, "e@x", "E", {"engineer"}, "a password of length")
    session = services.parties.sign_in("e@x", "a password of length")
    token = getattr(session, "token", session)
    web.cookies.set(COOKIE, token)
    assert upload(web, HTML, api().encode()).status_code == 403
    files = {"file": ("a.yaml", api().encode())}
    good = web.post("/catalogue/publish", headers=HTML, files=files, data={"csrf_token": csrf_token(token)})
    assert good.status_code == 200


# ---- a file keeps its bytes


@pytest.mark.parametrize(
    "data",
    [
        api().encode(),
        api().replace("\n", "\r\n").encode(),
        b"\xef\xbb\xbf" + api().encode(),
        api().encode("utf-16"),
        (api() + '# <script>alert(1)</script> " &amp; \t \n\n').encode(),
    ],
    ids=["plain", "crlf", "bom", "utf-16", "markup"],
)
def test_what_is_registered_is_the_file_byte_for_byte(
    services: Any, engineer: Any, web: TestClient, heads: Any, data: bytes
) -> None:
    page = upload(web, heads(engineer), data, "my file.yaml")
    assert page.status_code == 200
    assert hashlib.sha256(data).hexdigest() in page.text
    assert "<script>alert" not in page.text
    assert services.catalogue.search(drafts_of="civil-affairs") == []  # a dry run keeps nothing
    done = web.post("/catalogue/register", data=sent_back(page.text), headers=heads(engineer))
    assert (done.status_code, done.headers["location"]) == (303, PAGE)
    assert services.catalogue.document(ID, "1.0.0") == ("my file.yaml", data)
    shown = web.get(f"{PAGE}/document", headers=heads(engineer))
    assert shown.content == data
    assert "attachment" in shown.headers["content-disposition"]


def test_what_cannot_be_read_is_told_and_what_did_not_arrive_whole_is_refused(
    services: Any, engineer: Any, web: TestClient, heads: Any
) -> None:
    for data, said in (
        (b"a: [", "cannot be registered"),
        ("题目: 户籍".encode("gbk"), "not UTF-8"),
        (b"\x00\x01\xff", "cannot be registered"),
        (b"", "cannot be registered"),
    ):
        page = upload(web, heads(engineer), data)
        assert (page.status_code, said in page.text) == (200, True), data
        assert "/catalogue/register" not in page.text
    assert upload(web, heads(engineer), b"x" * (LARGEST + 1)).status_code == 400
    form = {"filename": "a.yaml", "document": "not base64!"}
    assert web.post("/catalogue/register", data=form, headers=heads(engineer)).status_code == 400
    wrong = api().replace("items: {type: string}", "items: {type: strng}").encode()
    form["document"] = base64.urlsafe_b64encode(wrong).decode()
    page = web.post("/catalogue/register", data=form, headers=heads(engineer))
    assert page.status_code == 422
    assert "strng" in page.text


def test_a_form_too_large_is_refused_before_it_is_read(
    services: Any, engineer: Any, web: TestClient, heads: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(problem, "LARGEST", 1000)
    assert upload(web, heads(engineer), b"x" * 1000).status_code == 413
    answer = web.post("/catalogue/publish", content=b"x" * 1001, headers={"content-type": "text/plain"})
    assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")
    chunked = web.post("/catalogue/publish", content=iter([b"x"]), headers=heads(engineer))
    assert chunked.status_code == 413


def test_findings_stand_beside_their_lines_in_the_readers_language(
    services: Any, engineer: Any, web: TestClient, heads: Any
) -> None:
    data = MARRIAGES.replace("x-element: HYDJRQ", "x-element: HYDJR", 1)
    data = data.replace("DJRQ:\n", "DJRQ: # <b>here</b>\n").encode()
    chinese = {**heads(engineer), "accept-language": "zh-CN"}
    for headers, said in ((chinese, CHINESE["unknown-element"]), (heads(engineer), "no data element")):
        text = upload(web, headers, data).text
        assert said in text
        if headers is chinese:
            assert "暂时不能登记" in text
    lines = data.decode().split("\n")
    found = next(f for f in services.checking.check(engineer, "a.yaml", data).findings if f.rule == "unknown-element")
    assert f'<span class="no">{found.line}</span>' in text
    assert lines[found.line - 1].strip().replace("<", "&lt;").replace(">", "&gt;") in text
    assert "<b>here" not in text


def test_excerpts_count_lines_as_readers_do() -> None:
    def finding(line: int | None, message: str = "m") -> Finding:
        return Finding("r", Severity.ERROR, message, "a", "", line, 1)

    found = excerpts(b"a\r\nb\rc\nd\ne", [finding(4), finding(None, "whole"), finding(4, "n"), finding(99)])
    assert [e.lines for e in found] == [(), ((3, "c", False), (4, "d", True), (5, "e", False)), ()]
    assert [len(e.findings) for e in found] == [1, 2, 1]
    assert len(excerpts(b"x" * 999, [finding(1)])[0].lines[0][1]) == 201
    assert sum(len(e.findings) for e in excerpts(b"x\n" * 500, [finding(n + 1) for n in range(500)])) == 200


def test_chinese_words_are_of_rules_that_exist_and_of_nearly_all() -> None:
    known = set(rules())
    assert set(CHINESE) <= known
    assert len(CHINESE) >= 0.9 * len(known)


# ---- from draft to the end of an interface


def test_an_engineer_publishes_and_errors_say_what_to_do_next(
    services: Any, engineer: Any, web: TestClient, heads: Any, clock: Any
) -> None:
    services.lifecycle.ready = services.probing.ready
    web.post("/catalogue/register", data=sent_back(upload(web, heads(engineer), api().encode()).text),
             headers=heads(engineer))  # fmt: skip
    assert web.get(PAGE, headers=heads(engineer)).text.count(f'action="{PAGE}/publication"') == 1
    for stranger in (HTML, heads(services.vendor())):  # a draft is nobody's business
        for path in (PAGE, f"{PAGE}/reference", f"{PAGE}/document"):
            assert web.get(path, headers=stranger).status_code == 404
    refused = web.post(f"{PAGE}/publication", data={"version": "1.0.0"}, headers=heads(engineer))
    assert refused.status_code == 409
    assert "write a waiver" in refused.text
    waiver = {"reason": "the firewall opens on Friday", "days": "3"}
    assert web.post(f"{PAGE}/waiver", data=waiver, headers=heads(engineer)).status_code == 303
    assert web.post(f"{PAGE}/publication", data={"version": "1.0.0"}, headers=heads(engineer)).status_code == 303
    # a vendor subscribes on the page; a breaking version waits for its notice, and says until when
    vendor = heads(services.vendor())
    assert web.post(f"{PAGE}/subscription", headers=vendor).status_code == 303
    assert "told of changes before" in web.get(PAGE, headers=vendor).text
    services.catalogue.register(engineer, "a.yaml", breaking("2.0.0"))
    page = web.get(PAGE, headers=heads(engineer)).text
    (day,) = re.findall(r'name="effective" type="date" value="([0-9-]+)"', page)
    early = web.post(f"{PAGE}/publication", data={"version": "2.0.0"}, headers=heads(engineer))
    assert (early.status_code, "later day on" in early.text) == (409, True)
    assert "string" in early.text  # the breaking change itself is named
    form = {"version": "2.0.0", "effective": "tomorrow"}
    assert web.post(f"{PAGE}/publication", data=form, headers=heads(engineer)).status_code == 422
    form = {"version": "2.0.0", "effective": day}
    assert web.post(f"{PAGE}/publication", data=form, headers=heads(engineer)).status_code == 303
    assert services.catalogue.versions(ID)[-1].state is State.ANNOUNCED
    assert "2.0.0" in web.get("/notices", headers=vendor).text
    assert web.post(f"{PAGE}/withdrawal", data={"version": "2.0.0"}, headers=heads(engineer)).status_code == 303
    assert web.post(f"{PAGE}/unsubscription", headers=vendor).status_code == 303
    # an end, taken back, and an end that comes
    end = {"retire_on": "2026-12-01", "reason": "<b>over</b>"}
    for name in ("deprecation", "keeping", "deprecation"):
        assert web.post(f"{PAGE}/{name}", data=end, headers=heads(engineer)).status_code == 303, name
    clock.advance(days=30)
    headers = {**services.bearer(engineer), **HTML}
    assert web.post(f"{PAGE}/retirement", headers=headers).status_code == 303
    assert services.catalogue.interface(ID).state is State.RETIRED


def test_versions_have_their_own_reference_and_drafts_only_for_their_department(
    services: Any, engineer: Any, web: TestClient, heads: Any
) -> None:
    publish(services, engineer, api())
    services.catalogue.register(engineer, "a.yaml", api("1.0.1", title="新窗口"))
    path = f"{PAGE}/reference?version=1.0.1"
    assert web.get(path, headers=HTML).status_code == 404
    assert web.get(path, headers=heads(services.vendor())).status_code == 404
    shown = web.get(path, headers=heads(engineer))
    assert "新窗口" in shown.text
    assert "sandbox allow-scripts" in shown.headers["content-security-policy"]
    assert "allow-same-origin" not in shown.headers["content-security-policy"]
    assert f"{PAGE}/try" not in shown.text  # only what is in force is tried here
    assert f"{PAGE}/try" in web.get(f"{PAGE}/reference").text


def test_the_list_counts_what_its_filters_would_find(services: Any, engineer: Any, web: TestClient, heads: Any) -> None:
    publish(services, engineer, MARRIAGES)
    publish(services, engineer, RECORDS)
    text = web.get("/catalogue", params={"q": "婚姻", "lang": "en"}).text
    assert "2 interfaces" in text
    for value, count in (("api", 1), ("dataset", 1)):
        assert re.search(rf'value="{value}">\w+ \({count}\)', text)
    levels = dict(re.findall(r'<option value="(general-\d)">[^(]*\((\d+)\)', text))
    assert levels
    for level, count in levels.items():
        assert f"{count} interface" in web.get("/catalogue", params={"sensitivity": level, "lang": "en"}).text
    assert "Publish an interface" not in text
    assert "Publish an interface" in web.get("/catalogue", headers=heads(engineer)).text


def test_pages_of_a_long_list_follow_one_another(
    services: Any, engineer: Any, web: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue, "SHOWN", 2)
    for number in range(5):
        publish(services, engineer, api(id=f"civil-affairs.w{number}"))
    seen: list[str] = []
    path = "/catalogue?q=窗口&lang=en"
    while path:
        text = web.get(path).text
        seen += re.findall(r"<code>(civil-affairs\.w\d)</code>", text)
        path = "".join(re.findall(r'href="([^"]*)">Next page', text)).replace("&amp;", "&")
        assert ("First page" in text) == (len(seen) > 2)
    assert seen == [f"civil-affairs.w{n}" for n in range(5)]


# ---- trying


def test_anyone_tries_what_is_in_force_and_its_answers_cannot_act_here(
    services: Any, engineer: Any, web: TestClient
) -> None:
    services.catalogue.register(engineer, "a.yaml", api())
    assert web.get(f"{PAGE}/try/windows").status_code == 404
    services.lifecycle.publish(engineer, ID, "1.0.0")
    answer = web.get(f"{PAGE}/try/windows", headers={"origin": "null"})
    assert answer.status_code == 200
    assert isinstance(answer.json(), list)
    assert answer.headers["access-control-allow-origin"] == "null"
    assert answer.headers["content-security-policy"].startswith("sandbox;")
    wish = {"origin": "null", "access-control-request-method": "GET", "access-control-request-headers": "prefer"}
    assert web.options(f"{PAGE}/try/windows", headers=wish).status_code == 204
    assert web.get(f"{PAGE}/try/nothing").status_code == 404
    assert web.post(f"{PAGE}/try/windows", content=b"x" * (trials.LARGEST + 1)).status_code == 413
    hostile = [("Set-Cookie", "tongban_session=x"), ("Location", "https://evil.example"), ("X-Total", "3")]
    assert set(trials._harmless(302, hostile)) == {"X-Total", "Content-Security-Policy", "X-Content-Type-Options"}
    assert "Location" in trials._harmless(201, hostile)


def test_a_tried_world_forgets(services: Any, engineer: Any, web: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(services, engineer, api())
    monkeypatch.setattr(trials, "FORGETS", 2)
    made: list[int] = []

    def counted(*given: Any, **options: Any) -> Sandbox:
        made.append(1)
        return Sandbox(*given, **options)

    monkeypatch.setattr(mockdata.sandbox, "Sandbox", counted)
    for _ in range(5):
        assert web.get(f"{PAGE}/try/windows").status_code == 200
    assert len(made) == 3


# ---- what needs a look


def test_entries_that_lack_something_and_elements_shared_twice(
    services: Any, engineer: Any, web: TestClient, heads: Any
) -> None:
    publish(services, engineer, dataset("civil-affairs.a", "x=HYZKDM", "y:甲", "z:乙", "w:丙"))
    publish(services, services.department("police"), dataset("police.b", "x=HYZKDM"))
    publish(services, engineer, MARRIAGES)
    with services.database.transaction() as tx:
        tx.execute(INTERFACES.update().where(INTERFACES.c.id == "civil-affairs.marriages").values(endpoint="http://x"))
    gaps = {gap.interface: gap.lacks for gap in services.tidying.gaps(services.officer())}
    assert gaps["civil-affairs.a"] == ("no-entry", "unbound-fields", "one-language")
    assert gaps["police.b"] == ("no-entry", "one-language")
    assert gaps["civil-affairs.marriages"] == ("never-probed",)
    services.probing.waive(engineer, "civil-affairs.marriages", "the firewall opens on Friday", 3)
    assert set(gaps) - {gap.interface for gap in services.tidying.gaps(engineer)} == {
        "civil-affairs.marriages",
        "police.b",
    }
    (one,) = services.tidying.shared(services.officer())
    assert (one.element, one.givers, one.askers) == ("HYZKDM", ("civil-affairs", "police"), ())
    text = web.get("/catalogue/review", headers={**heads(services.officer()), "accept-language": "zh-CN"}).text
    for said in ("没有目录条目", "多数字段没有对应数据元", "HYZKDM", "civil-affairs局"):
        assert said in text
    assert (
        "police.b" not in web.get("/catalogue/review?department=civil-affairs", headers=heads(services.officer())).text
    )
    own = web.get("/catalogue/review?department=police", headers=heads(engineer))
    assert own.status_code == 403
    assert set(health.LACKS) == {"no-entry", "no-classification", "no-frequency", "no-endpoint", "never-probed",
                                 "unbound-fields", "one-language"}  # fmt: skip


def test_each_department_sees_how_much_of_it_is_live(services: Any, engineer: Any, web: TestClient) -> None:
    publish(services, engineer, MARRIAGES)
    publish(services, engineer, RECORDS)
    services.catalogue.set_endpoint(engineer, "civil-affairs.marriages", "http://127.0.0.1:9")
    services.probing.probe(engineer, "civil-affairs.marriages")
    (one,) = services.tidying.health(None)
    assert (one.interfaces, one.services, one.probed, one.failing, one.asked, one.live) == (2, 1, 1, 1, 1, 0.0)
    text = web.get("/catalogue/departments?lang=zh_CN").text
    assert "civil-affairs局" in text
    assert "0 %" in text
