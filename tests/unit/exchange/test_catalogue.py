"""The catalogue: registering, publishing, finding, and endpoints that cannot lead into our own network."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from exchange.catalogue import routes
from exchange.catalogue.endpoint import Network, addresses, check_endpoint
from exchange.catalogue.model import State
from exchange.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated, Unprocessable
from specs.finding import SpecError
from specs.model import Kind

LIBRARY = Path(__file__).parents[3] / "specs" / "library"
REAL = Path(__file__).parents[2] / "data" / "openapi"
MARRIAGES = (LIBRARY / "civil-affairs/marriages/openapi.yaml").read_text()
RECORDS = (LIBRARY / "civil-affairs/marriage-records/odcs.yaml").read_text()
PROCESS = (LIBRARY / "matters/newborn/process.arazzo.yaml").read_text()


def api(
    version: str = "1.0.0", title: str = "窗口", department: str = "civil-affairs", id: str = "civil-affairs.windows"
) -> str:
    return f"""openapi: 3.1.0
info:
  title: {title}
  description: 各办事窗口的排队情况，100% 实时；under_score
  version: {version}
  x-interface-id: {id}
  x-department: {department}
  x-en: {{title: Service windows, description: How long people wait}}
paths:
  /windows:
    get:
      operationId: listWindows
      summary: 列出窗口
      x-en: {{summary: List windows}}
      responses:
        "200":
          description: 窗口列表
          content:
            application/json:
              schema: {{type: array, items: {{type: string}}, title: 窗口, x-en: {{title: Windows}}}}
"""


@pytest.fixture
def engineer(services: Any) -> Any:
    return services.department("civil-affairs")


@pytest.fixture
def web(services: Any) -> TestClient:
    client: TestClient = services.web(
        routes.router(services.catalogue, services.lifecycle, services.probing, services.access)
    )
    return client


# ---- registering


@pytest.mark.parametrize(
    ("name", "text", "id", "kind"),
    [
        ("openapi.yaml", MARRIAGES, "civil-affairs.marriages", Kind.API),
        ("odcs.yaml", RECORDS, "civil-affairs.marriage-records", Kind.DATASET),
    ],
)
def test_documents_of_any_kind_become_drafts(
    services: Any, engineer: Any, name: str, text: str, id: str, kind: Kind
) -> None:
    version = services.catalogue.register(engineer, name, text)
    assert (version.interface, version.state) == (id, State.DRAFT)
    assert version.digest == hashlib.sha256(text.encode()).hexdigest()
    record = services.catalogue.interface(id)
    assert (record.kind, record.department, record.state) == (kind, "civil-affairs", State.DRAFT)
    assert record.spec.digest == version.digest
    assert set(record.title) >= {"zh_CN", "en"}
    assert services.last("interface.registered")["digest"] == version.digest


def test_a_process_is_registered_by_its_lead_department(services: Any, engineer: Any) -> None:
    with pytest.raises(Forbidden):
        services.catalogue.register(engineer, "process.arazzo.yaml", PROCESS)
    version = services.catalogue.register(services.department("health"), "process.arazzo.yaml", PROCESS)
    assert services.catalogue.interface(version.interface).kind is Kind.PROCESS


def test_the_same_bytes_again_are_the_same_version(services: Any, engineer: Any) -> None:
    first = services.catalogue.register(engineer, "a.yaml", api())
    assert services.catalogue.register(engineer, "b.yaml", api()) == first
    assert services.kinds().count("interface.registered") == 1


def test_a_version_never_changes(services: Any, engineer: Any) -> None:
    first = services.catalogue.register(engineer, "a.yaml", api())
    with pytest.raises(Conflict) as refused:
        services.catalogue.register(engineer, "a.yaml", api(title="别的"))
    assert refused.value.extra["digest"] == first.digest
    assert services.catalogue.document("civil-affairs.windows", "1.0.0")[1].decode() == api()


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("a: [", SpecError),
        ("just text", SpecError),
        ("", SpecError),
        ("\ud800", Invalid),
        ("x" * (5 * 1024 * 1024 + 1), Invalid),
        (api().replace("type: string", "$ref: '#/components/schemas/Nowhere'"), SpecError),
        (api().replace("type: string", "$ref: /etc/passwd"), SpecError),
        (
            api()
            .replace("  x-department: civil-affairs\n", "")
            .replace("  x-interface-id: civil-affairs.windows\n", ""),
            Unprocessable,
        ),
        (api(department="police"), Unprocessable),
        (api(department="police", id="police.windows"), Forbidden),
    ],
)
def test_what_cannot_be_used_is_refused_and_nothing_stays(
    services: Any, engineer: Any, text: str, error: type[Exception]
) -> None:
    services.department("police")
    before = services.ledger.size()
    with pytest.raises(error):
        services.catalogue.register(engineer, "a.yaml", text)
    assert services.catalogue.search(drafts_of="civil-affairs") == []
    assert services.ledger.size() == before


def holding(name: str, place: str, words: str = "") -> str:
    """The windows of a person, asked for by one parameter."""
    path = f"/windows/{{{name}}}" if place == "path" else "/windows"
    parameter = f"{{name: {name}, in: {place}, required: true, description: '{words}', schema: {{type: string}}}}"
    text = api().replace("/windows:", f"{path}:")
    return text.replace("      operationId", f"      parameters: [{parameter}]\n      operationId")


@pytest.mark.parametrize(
    ("name", "place", "words"),
    [
        ("GMSFHM", "path", "公民身份号码"),
        ("sfzh", "query", ""),
        ("mqsfzh", "query", ""),
        ("number", "path", "申请人身份证号"),
        ("nationalId", "query", ""),
        ("no", "query", "Identity card number, 18 characters"),
    ],
)
def test_numbers_of_persons_do_not_travel_in_addresses(
    services: Any, engineer: Any, name: str, place: str, words: str
) -> None:
    with pytest.raises(SpecError) as refused:
        services.catalogue.register(engineer, "a.yaml", holding(name, place, words))
    (finding,) = refused.value.findings
    assert finding.rule == "identity-number-in-path-or-query"
    assert f"{name!r} in the {place} is the number of an identity document" in str(finding)
    assert "take it in the request body of a POST" in str(finding)
    assert finding.pointer.endswith("/parameters/0")
    told = services.checking.check(engineer, "a.yaml", holding(name, place, words))
    assert [why.split(":")[0] for why in told.blocking] == ["identity-number-in-path-or-query"]
    assert services.catalogue.search(drafts_of="civil-affairs") == []


@pytest.mark.parametrize(
    ("name", "words"),
    [("number", "窗口编号"), ("kind", "1=身份证号 2=手机号"), ("code", "内部编号，不是身份证号"), ("wellIdNumber", "")],
)
def test_other_numbers_do(services: Any, engineer: Any, name: str, words: str) -> None:
    assert services.catalogue.register(engineer, "a.yaml", holding(name, "query", words)).state is State.DRAFT


@pytest.mark.parametrize("path", sorted(REAL.glob("*.json")), ids=lambda path: path.stem)
def test_real_documents_can_be_registered_by_a_department(services: Any, engineer: Any, path: Path) -> None:
    document = json.loads(path.read_text())
    document["info"] |= {"x-interface-id": f"civil-affairs.{path.stem}", "x-department": "civil-affairs"}
    version = services.catalogue.register(engineer, path.name, json.dumps(document))
    assert version.state is State.DRAFT
    assert version.findings


def test_only_engineers_register(services: Any) -> None:
    with pytest.raises(Unauthenticated):
        services.catalogue.register(None, "a.yaml", api())
    for caller in (services.vendor(), services.officer(), services.caller("civil-affairs", "department", "reviewer")):
        with pytest.raises(Forbidden):
            services.catalogue.register(caller, "a.yaml", api())


# ---- publishing


def test_publication_moves_what_everybody_sees(services: Any, engineer: Any) -> None:
    catalogue = services.catalogue
    catalogue.register(engineer, "a.yaml", api())
    assert catalogue.search() == []
    published = services.lifecycle.publish(engineer, "civil-affairs.windows", "1.0.0").version
    assert (published.state, published.published_at) == (State.PUBLISHED, "2026-11-02T01:00:00.000Z")
    catalogue.register(engineer, "a.yaml", api("1.1.0", "新窗口"))
    assert catalogue.interface("civil-affairs.windows").version == "1.0.0"  # a new draft changes nothing yet
    services.lifecycle.publish(engineer, "civil-affairs.windows", "1.1.0")
    record = catalogue.interface("civil-affairs.windows")
    assert (record.version, record.state, record.title["zh_CN"]) == ("1.1.0", State.PUBLISHED, "新窗口")
    assert [(v.version, v.state) for v in catalogue.versions("civil-affairs.windows")] == [
        ("1.0.0", State.SUPERSEDED),
        ("1.1.0", State.PUBLISHED),
    ]
    assert catalogue.document("civil-affairs.windows", "1.0.0")[1].decode() == api()  # stays readable
    assert catalogue.version("civil-affairs.windows", "1.0.0")[1].version == "1.0.0"
    assert services.last("interface.published")["replaces"] == "1.0.0"


def test_publishing_again_changes_nothing_and_never_goes_back(services: Any, engineer: Any) -> None:
    catalogue = services.catalogue
    catalogue.register(engineer, "a.yaml", api())
    first = services.lifecycle.publish(engineer, "civil-affairs.windows", "1.0.0").version
    assert services.lifecycle.publish(engineer, "civil-affairs.windows", "1.0.0").version == first
    assert services.kinds().count("interface.published") == 1
    catalogue.register(engineer, "a.yaml", api("2.0.0"))
    services.lifecycle.publish(engineer, "civil-affairs.windows", "2.0.0")
    with pytest.raises(Conflict):
        services.lifecycle.publish(engineer, "civil-affairs.windows", "1.0.0")
    with pytest.raises(NotFound):
        services.lifecycle.publish(engineer, "civil-affairs.windows", "3.0.0")
    with pytest.raises(Forbidden):
        services.lifecycle.publish(services.department("police"), "civil-affairs.windows", "2.0.0")


def test_an_interface_keeps_its_kind(services: Any, engineer: Any) -> None:
    services.catalogue.register(engineer, "a.yaml", api("0.1.0", id="civil-affairs.marriage-records"))
    with pytest.raises(Conflict, match="is of kind api"):
        services.catalogue.register(engineer, "odcs.yaml", RECORDS)


# ---- finding


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("窗口", True),
        ("WINDOWS wait", True),
        ("listwindows", True),
        ("100%", True),
        ("under_score", True),
        ("1000%", False),
        ("1%%", False),
        ("underXscore", False),
        ("%", True),
        ("_", True),
        ("\\", False),
        ("窗口 婚姻", False),
        ("'; DROP TABLE interfaces; --", False),
        ("  ", True),
    ],
)
def test_search_takes_words_of_either_language_as_they_are(services: Any, engineer: Any, q: str, found: bool) -> None:
    services.catalogue.register(engineer, "a.yaml", api())
    services.lifecycle.publish(engineer, "civil-affairs.windows", "1.0.0")
    assert bool(services.catalogue.search(q)) is found


def test_search_filters_and_shows_own_drafts_only(services: Any, engineer: Any) -> None:
    catalogue = services.catalogue
    catalogue.register(engineer, "a.yaml", api())
    services.lifecycle.publish(engineer, "civil-affairs.windows", "1.0.0")
    catalogue.register(engineer, "odcs.yaml", RECORDS)
    police = services.department("police")
    catalogue.register(police, "a.yaml", api(department="police", id="police.windows"))

    def ids(**filters: Any) -> list[str]:
        return [record.id for record in catalogue.search(**filters)]

    assert ids() == ["civil-affairs.windows"]
    assert ids(drafts_of="police") == ["civil-affairs.windows", "police.windows"]
    assert ids(drafts_of="civil-affairs", kind="dataset") == ["civil-affairs.marriage-records"]
    assert ids(drafts_of="police", department="police") == ["police.windows"]
    assert ids(drafts_of="police", after="civil-affairs.windows") == ["police.windows"]


# ---- endpoints


def host(*found: str) -> Any:
    return lambda _host, _port: list(found)


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://api.police.example.cn/v1/", "https://api.police.example.cn/v1"),
        (" HTTP://API.example.cn:8080 ", "http://api.example.cn:8080"),
        ("https://[2606:4700::1]:8443/x", "https://[2606:4700::1]:8443/x"),
        ("https://例子.测试/x", "https://xn--fsqu00a.xn--0zwm56d/x"),
    ],
)
def test_a_public_endpoint_is_kept_in_one_form(url: str, kept: str) -> None:
    assert check_endpoint(url, resolving=host("93.184.216.34")) == kept


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.example.cn",
        "ftp://example.cn",
        "file:///etc/passwd",
        "https://",
        "https://user@example.cn",
        "https://user:secret@example.cn",
        "https://example.cn?x=1",
        "https://example.cn#x",
        "https://example.cn\\@evil.cn",
        "https://exam ple.cn",
        "https://example.cn:99999",
        "https://[::1",
        "https://example.cn\n/x",
        "https://example.cn/接口",
        "https://example.cn/\x7f",
        "https://example.cn/a/../b",
        "https://example.cn/%2e%2e/b",
        "https://example.cn:0/",
    ],
)
def test_a_malformed_endpoint_is_refused(url: str) -> None:
    with pytest.raises(Unprocessable) as refused:
        check_endpoint(url, network=Network.of(loopback=True), resolving=host("93.184.216.34"))
    assert refused.value.extra["rule"] == "endpoint.address"


INSIDE = [
    "127.0.0.1",
    "127.8.8.8",
    "::1",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",  # cloud metadata
    "100.64.0.1",
    "0.0.0.0",
    "::",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "fe80::1",
    "fc00::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::10.0.0.1",
    "2002:7f00:0001::",
    "fe80::1%eth0",
]


@pytest.mark.parametrize("address", INSIDE)
def test_no_address_of_our_own_network_whatever_its_name(address: str) -> None:
    with pytest.raises(Unprocessable, match="not a public address"):
        check_endpoint("https://innocent.example.cn", resolving=host(address))
    with pytest.raises(Unprocessable):  # one bad among good ones is enough
        check_endpoint("https://innocent.example.cn", resolving=host("93.184.216.34", address))


@pytest.mark.parametrize(
    "address",
    [a for a in INSIDE if not a.startswith("127.") and a not in {"::1", "::ffff:127.0.0.1", "2002:7f00:0001::"}],
)
def test_allowing_this_machine_allows_nothing_else(address: str) -> None:
    with pytest.raises(Unprocessable):
        addresses("innocent.example.cn", 443, network=Network.of(loopback=True), resolving=host(address))
    assert addresses("localhost", 80, network=Network.of(loopback=True), resolving=host("127.0.0.1", "::1")) == [
        "127.0.0.1",
        "::1",
    ]


@pytest.mark.parametrize(
    "written", ["http://127.1", "http://0x7f.1", "http://2130706433", "http://127.0.0.1.", "http://[::1]"]
)
def test_other_spellings_of_this_machine_are_refused(written: str) -> None:
    with pytest.raises(Unprocessable):
        check_endpoint(written)  # the real resolver


def test_an_unknown_host_is_refused() -> None:
    def nowhere(_host: str, _port: int) -> list[str]:
        raise OSError("no such host")

    with pytest.raises(Unprocessable, match="not known"):
        check_endpoint("https://nowhere.example.cn", resolving=nowhere)


def test_an_endpoint_is_recorded(services: Any, engineer: Any) -> None:
    catalogue = services.catalogue
    catalogue.register(engineer, "a.yaml", api())
    assert catalogue.interface("civil-affairs.windows").endpoint is None
    catalogue.set_endpoint(engineer, "civil-affairs.windows", "http://127.0.0.1:8123/base/")
    assert catalogue.interface("civil-affairs.windows").endpoint == "http://127.0.0.1:8123/base"
    catalogue.set_endpoint(engineer, "civil-affairs.windows", "http://127.0.0.1:8124")
    assert services.last("interface.endpoint")["replaces"] == "http://127.0.0.1:8123/base"
    services.lifecycle.publish(engineer, "civil-affairs.windows", "1.0.0")
    assert catalogue.interface("civil-affairs.windows").endpoint == "http://127.0.0.1:8124"  # survives publication
    with pytest.raises(Forbidden):
        catalogue.set_endpoint(services.department("police"), "civil-affairs.windows", "http://127.0.0.1:1")
    with pytest.raises(NotFound):
        catalogue.set_endpoint(engineer, "civil-affairs.nothing", "http://127.0.0.1:1")
    health = services.department("health")
    process = catalogue.register(health, "p.yaml", PROCESS).interface
    with pytest.raises(Conflict):
        catalogue.set_endpoint(health, process, "http://127.0.0.1:1")


# ---- over HTTP


def test_the_story_over_http(services: Any, engineer: Any, web: TestClient) -> None:
    headers, other = services.bearer(engineer), services.bearer(services.department("police"))
    made = web.post("/api/v1/interfaces", json={"filename": "../../a.yaml", "document": api()}, headers=headers)
    assert made.status_code == 201
    assert (made.json()["id"], made.json()["state"], made.json()["filename"]) == (
        "civil-affairs.windows",
        "draft",
        "a.yaml",
    )
    path = "/api/v1/interfaces/civil-affairs.windows"
    for hidden in (path, f"{path}/versions/1.0.0/document"):  # a draft is its department's own business
        assert web.get(hidden, headers=other).status_code == 404
        assert web.get(hidden, headers=headers).status_code == 200
    published = web.post(f"{path}/versions/1.0.0/publication", headers=headers)
    assert published.json()["state"] == "published"
    assert web.put(f"{path}/endpoint", json={"url": "http://127.0.0.1:9/"}, headers=headers).json()["endpoint"]
    document = web.get(f"{path}/versions/1.0.0/document", headers=other)
    assert document.content == api().encode()
    assert document.headers["etag"] == f'"{made.json()["digest"]}"'
    assert document.headers["x-content-type-options"] == "nosniff"
    web.post("/api/v1/interfaces", json={"filename": "a.yaml", "document": api("2.0.0")}, headers=headers)
    assert [v["version"] for v in web.get(path, headers=other).json()["versions"]] == ["1.0.0"]
    assert [v["version"] for v in web.get(path, headers=headers).json()["versions"]] == ["1.0.0", "2.0.0"]
    assert web.get(f"{path}/versions/2.0.0/document", headers=other).status_code == 404
    found = web.get("/api/v1/interfaces", params={"q": "窗口", "kind": "api"}, headers=other).json()
    assert [item["id"] for item in found["items"]] == ["civil-affairs.windows"]


def test_errors_of_a_document_are_told_with_their_lines(services: Any, engineer: Any, web: TestClient) -> None:
    broken = api().replace("type: string", "$ref: '#/components/schemas/Nowhere'")
    answer = web.post(
        "/api/v1/interfaces", json={"filename": "a.yaml", "document": broken}, headers=services.bearer(engineer)
    )
    assert answer.status_code == 422
    finding = answer.json()["findings"][0]
    assert (finding["rule"], finding["line"]) == ("unresolved-ref", 20)


def test_anonymous_and_other_departments(services: Any, engineer: Any, web: TestClient) -> None:
    services.catalogue.register(engineer, "a.yaml", api())
    path = "/api/v1/interfaces/civil-affairs.windows"
    calls: list[tuple[str, str, Any]] = [
        ("POST", "/api/v1/interfaces", {"filename": "a.yaml", "document": api("9.0.0")}),
        ("POST", f"{path}/versions/1.0.0/publication", None),
        ("PUT", f"{path}/endpoint", {"url": "http://127.0.0.1:9"}),
    ]
    police = services.bearer(services.department("police"))
    for method, url, body in calls:
        assert web.request(method, url, json=body).status_code == 401
        assert web.request(method, url, json=body, headers=police).status_code == 403
    assert web.get("/api/v1/interfaces").status_code == 401
