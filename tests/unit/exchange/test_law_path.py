"""The path of the law over HTTP as an engineer, a reviewer and a data officer go it, from an application to disposal.

Whatever is refused says in the problem what to do next.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from exchange.agreements import proceeding_routes
from exchange.agreements import routes as agreements_routes
from exchange.agreements.service import Agreements
from exchange.agreements.supervising import Supervising
from tests.unit.exchange.test_agreements import LIBRARY, publish

WHOLE = {
    "interface": "police.residents",
    "operations": ["queryResident"],
    "fields": ["XM", "CSRQ"],
    "legal_basis": "社会保险经办条例第六条",
    "scenario": "社会保障卡申领",
    "purpose": "social-security-card",
    "mode": "service",
    "duration_days": 30,
    "approved_by": "王主任",
}


class Office:
    """Three people at their programs: ``office("engineer", "GET /clocks")``."""

    def __init__(self, services: Any, agreements: Agreements, web: TestClient) -> None:
        self.services, self.agreements, self.web = services, agreements, web
        self.sign_in()

    def sign_in(self) -> None:
        """New tokens for all three; they are short-lived."""
        services = self.services
        self.heads = {
            "engineer": services.bearer(services.caller("human-resources", "department", "engineer")),
            "reviewer": services.bearer(services.caller("police", "department", "reviewer")),
            "officer": services.bearer(services.officer()),
        }

    def __call__(self, who: str, line: str, body: Any = None, status: int = 200) -> Any:
        method, path = line.split()
        answer = self.web.request(method, f"/api/v1{path}", json=body, headers=self.heads[who])
        assert answer.status_code == status, answer.text
        told = answer.json()
        if status >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
            assert told.get("hint") or told.get("findings"), told
        return told

    def opened(self, who: str, kind: str, subject: str, text: str, **facts: Any) -> str:
        """Id of a new proceeding."""
        body = {"kind": kind, "subject": subject, "text": text, **facts}
        return str(self(who, "POST /proceedings", body, 201)["id"])

    def act(self, who: str, id: str, verb: str, **said: Any) -> str:
        """State of a proceeding after an act."""
        return str(self(who, f"POST /proceedings/{id}/{verb}", said)["state"])


@pytest.fixture
def office(services: Any) -> Iterator[Office]:
    publish(services, "police/residents/openapi.yaml")
    agreements = Agreements(services.database, services.ledger, services.catalogue, services.clock)
    supervising = Supervising(agreements)
    supervising.publish = services.lifecycle.publish
    routers = agreements_routes.router, proceeding_routes.router
    served = agreements, supervising
    with services.web(*(router(one, services.access) for router, one in zip(routers, served, strict=True))) as web:
        yield Office(services, agreements, web)


def test_from_an_application_with_gaps_to_a_confirmed_disposal(office: Office) -> None:
    # told once, all together; completed, never refused for it
    told = office("engineer", "POST /applications", {"interface": "police.residents"}, 201)
    missing = [gap["pointer"].strip("/") for gap in told["missing"]]
    assert sorted(missing) == sorted(WHOLE.keys() - {"interface"})
    application = f"/applications/{told['id']}"
    refusal = {"decision": "refuse", "reason": "incomplete", "basis": "none"}
    office("reviewer", f"POST {application}/answer", refusal, 409)
    office("engineer", f"PUT {application}", {**WHOLE, "purpose": ""}, 422)
    office("engineer", f"PUT {application}", {**WHOLE, "colour": "red"}, 422)
    assert [clock["rule"] for clock in office("engineer", f"PUT {application}", WHOLE)["clocks"]] == ["C4"]
    # more time with the authority's consent
    asked = {"kind": "extension", "subject": told["id"], "days": 11, "text": "many questions"}
    assert office("reviewer", "POST /proceedings", asked, 422)["pointer"] == "/days"
    office("engineer", "POST /proceedings", asked, 403)
    extension = office.opened("reviewer", "extension", told["id"], "many questions", days=5)
    office("reviewer", f"POST /proceedings/{extension}/grant", {}, 403)
    assert office.act("officer", extension, "grant") == "granted"
    (clock,) = office("engineer", "GET /clocks")["items"]
    assert (clock["due"], clock["former"], clock["about"]) == ("2026-11-23", ["2026-11-16"], told["id"])
    # an answer with its reasons
    office("engineer", f"POST {application}/answer", {"decision": "consent"}, 403)
    assert office("reviewer", f"POST {application}/answer", {**refusal, "basis": ""}, 422)["pointers"] == ["/basis"]
    office("reviewer", f"POST {application}/answer", {"decision": "perhaps"}, 422)
    consent = {"decision": "consent", "disposal": "delete all copies", "disposal_days": 5}
    agreement = office("reviewer", f"POST {application}/answer", consent)["agreement"]
    assert office("engineer", f"GET /agreements/{agreement}")["delivery_awaited"]
    # a disputed value
    ticket = {"field": "XM", "key": "k", "observed": "a", "claimed": "b"}
    body = {"kind": "ticket", "subject": agreement, "text": "t", **ticket, "field": "MZ"}
    office("engineer", "POST /proceedings", body, 422)
    disputed = office.opened("engineer", "ticket", agreement, "see the card", **ticket)
    office("reviewer", f"POST /proceedings/{disputed}/keep", {"text": "it is right"}, 409)
    for verb, state in (("verify", "verifying"), ("keep", "kept"), ("feed-back", "fed-back")):
        assert office.act("reviewer", disputed, verb, text="it is right") == state
    # misuse, a dispute about it, and the end
    for who, status in (("reviewer", 409), ("officer", 422), ("engineer", 403)):
        office(who, f"POST /agreements/{agreement}/termination", {"reason": "tired"}, status)
    misuse = {"code": "R40-2", "due": "2026-11-09"}
    body = {"kind": "order", "subject": agreement, "text": "other purpose", **misuse, "code": "P39-1"}
    office("reviewer", "POST /proceedings", body, 422)
    order = office.opened("reviewer", "order", agreement, "other purpose", **misuse)
    assert office.act("engineer", order, "refuse", text="we did not") == "failed"
    office("officer", f"POST /agreements/{agreement}/resumption", {"reason": "x"}, 409)
    dispute = office.opened("engineer", "dispute", agreement, "no misuse")
    office("engineer", f"POST /proceedings/{dispute}/accept", {}, 409)
    assert office.act("reviewer", dispute, "escalate", text="we cannot agree") == "authority"
    assert office.act("officer", dispute, "decide", text="it was misuse") == "authority-decided"
    assert [office.act(who, dispute, "accept") for who in ("engineer", "reviewer")] == ["authority-decided", "settled"]
    ended = office("reviewer", f"POST /agreements/{agreement}/termination", {"reason": "not corrected"})
    assert ended["state"] == "terminated"
    office("reviewer", f"POST /agreements/{agreement}/suspension", {"reason": "x"}, 409)
    # late disposal: on the overdue list, a violation, then confirmed
    office.services.clock.advance(days=6)
    office.sign_in()
    office.agreements.due()
    (late,) = office("officer", "GET /clocks?late=true")["items"]
    assert (late["rule"], late["code"], late["about"]) == ("C10", "R40-4", agreement)
    (disposal,) = office("engineer", "GET /proceedings?kind=disposal&open=true")["items"]
    office("engineer", f"POST /proceedings/{disposal['id']}/report", {}, 422)
    report = {"method": "wiped", "done_on": "2026-11-08", "evidence": "sha256:00"}
    assert office.act("engineer", disposal["id"], "report", **report) == "reported"
    assert office.act("reviewer", disposal["id"], "confirm") == "confirmed"
    assert office("officer", "GET /clocks")["items"] == []
    found = office("officer", "GET /violations")["items"]
    assert sorted((one["code"], one["party"]) for one in found) == [
        ("R40-2", "human-resources"), ("R40-4", "human-resources"),
    ]  # fmt: skip
    cleared = office("officer", f"POST /violations/{found[1]['id']}/clearance", {"reason": "flood"})
    assert cleared["cleared_by"].startswith("cli_")


def test_an_entry_is_updated_and_what_is_asked_wrongly_says_how(office: Office) -> None:
    said = {"reference": "户口登记条例", "since": "2026-10-30"}
    body = {"kind": "update", "subject": "police.residents", "text": "a new field"}
    assert office("officer", "POST /proceedings", body, 422)["pointers"] == ["/reference"]
    office("engineer", "POST /proceedings", {**body, **said}, 404)
    update = office.opened("officer", "update", "police.residents", "a new field", **said)
    office("reviewer", f"POST /proceedings/{update}/send", {"version": "9.9.9"}, 422)
    text = (LIBRARY / "police/residents/openapi.yaml").read_text(encoding="utf-8")
    document = text.replace("version: 1.0.0", "version: 1.0.1", 1)
    office.services.catalogue.register(office.services.department("police"), "openapi.yaml", document)
    assert office.act("reviewer", update, "send", version="1.0.1") == "sent"
    due = {clock["rule"]: clock["due"] for clock in office("officer", "GET /clocks")["items"]}
    assert due == {"C1": "2026-11-13", "C2": "2026-11-04"}
    assert office.act("officer", update, "audit") == "audited"
    assert office.services.catalogue.interface("police.residents").version == "1.0.1"
    assert office("officer", "GET /clocks")["items"] == []
    for line, wrong, status in (
        ("PUT /calendar/2027", {"source": "", "holidays": [], "workdays": []}, 422),
        ("PUT /calendar/2027", {"source": "notice", "holidays": ["soon"], "workdays": []}, 422),
        ("GET /calendar/2027", None, 404),
        ("GET /applications/apl_none", None, 404),
        ("POST /agreements/agr_none/suspension", {"reason": "x"}, 404),
        ("POST /proceedings", {"kind": "party", "subject": "police.residents"}, 400),
        ("POST /proceedings", {**body, "kind": "return", "division": "330106"}, 403),
        ("POST /proceedings", {**body, "kind": "order", "code": "R40-2", "due": "2026-12-01"}, 422),
        ("POST /violations/vio_none/clearance", {"reason": "x"}, 404),
    ):
        office("officer", line, wrong, status)
