"""Oversight on both databases: counted once from the ledger, shown to whom it concerns, exported, reported."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import jsonschema_rs
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient

from exchange.agreements.service import Agreements
from exchange.agreements.supervising import Supervising
from exchange.app import Services, create_app
from exchange.errors import Forbidden, Invalid, NotFound, Unauthenticated
from exchange.oversight import exporting, store
from exchange.oversight.model import Filter, Flow
from exchange.oversight.report_pdf import pdf
from exchange.oversight.service import Oversight
from exchange.parties.access import SYSTEM, Caller
from exchange.settings import Settings
from tests.conftest import named, run_sql
from tests.unit.exchange.conftest import TestClock
from tests.unit.exchange.test_agreements import WISH, publish

OFFICER = Caller("mem_o", "data-office", "data_office", frozenset({"officer"}), "o", "session")
POLICE = Caller("mem_p", "police", "department", frozenset({"officer"}), "p", "session")
HEALTH = Caller("mem_h", "health", "department", frozenset({"officer"}), "h", "session")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Services]]:
    """A whole exchange with three departments, and what passed between them written into its ledger."""
    home, url = tmp_path_factory.mktemp("oversight"), ""
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres")
        run_sql(server, "CREATE DATABASE oversight")
        url = named(server, "oversight")
    clock = TestClock()
    app = create_app(Settings(home=home, database_url=url, identity_proof="demo"), clock)
    services: Services = app.state.services
    for party in ("police", "tax", "health"):
        services.parties.register_party(SYSTEM, party, "department", {"zh_CN": f"{party}局", "en": party})
    services.parties.register_party(SYSTEM, "data-office", "data_office", {"zh_CN": "数据局", "en": "Office"})
    write(services, [call("police", "tax", ("XM",), records=2), call("police", "tax", ("CSRQ", "XM"), purpose="q")])
    clock.advance(days=1)
    write(
        services, [call("police", "tax", ("XM",))] * 3 + [refused("police", "health"), call("tax", "police", ("SE",))]
    )
    yield app, services
    services.database.close()


def call(provider: str, consumer: str, fields: tuple[str, ...], **more: Any) -> tuple[str, dict[str, Any]]:
    told = {"agreement": f"agr-{consumer}", "purpose": "p", "legal_basis": "law 1", "records": 1, "rule": "permitted"}
    about = {"provider": provider, "consumer": consumer, "interface": f"{provider}.data", "operation": "get"}
    return "delivery.made", {**about, **told, "fields": list(fields), **more}


def refused(provider: str, consumer: str) -> tuple[str, dict[str, Any]]:
    about = {"provider": provider, "consumer": consumer, "interface": f"{provider}.data", "operation": "get"}
    return "delivery.refused", {**about, "rule": "no-agreement"}


def write(services: Services, entries: list[tuple[str, dict[str, Any]]]) -> None:
    with services.database.transaction() as tx:
        for kind, body in entries:
            services.ledger.append(tx, kind, body)


# ---- who may see


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/flows",
        "/api/v1/flows/matrix",
        "/api/v1/flows/by/purpose",
        "/api/v1/flows/export",
        "/api/v1/flows/alarms",
        "/api/v1/findings",
        "/api/v1/supervision/police",
        "/api/v1/supervision/police/report.pdf",
        "/api/v1/quality/tickets",
        "/api/v1/quality/trends",
        "/api/v1/usage/rules",
        "/api/v1/usage/hidden",
    ],
)
def test_nobody_and_no_citizen_or_vendor_sees_anything(world: tuple[Any, Services], path: str) -> None:
    app, services = world
    web = TestClient(app)
    assert web.get(path).status_code == 401
    for party, kind, role in (("acme", "vendor", "developer"), ("people", "public", "citizen")):
        if party not in {p.id for p in services.parties.parties()}:
            services.parties.register_party(SYSTEM, party, kind, {"zh_CN": party, "en": party})
        client, secret = services.parties.add_client(SYSTEM, party, "t", {role})
        headers = {"Authorization": f"Bearer {services.parties.token(client.id, secret)}"}
        answer = web.get(path, headers=headers)
        assert answer.status_code == 403, (path, party)
        assert answer.json()["rule"].startswith("access.")


def test_an_engineer_is_no_data_officer(world: tuple[Any, Services]) -> None:
    engineer = Caller("mem_e", "police", "department", frozenset({"engineer"}), "e", "session")
    for asked in (world[1].oversight.overview, world[1].oversight.flows, world[1].oversight.findings):
        with pytest.raises(Forbidden):
            asked(engineer)
        with pytest.raises(Unauthenticated):
            asked(None)


def test_a_department_sees_the_flows_it_takes_part_in(world: tuple[Any, Services]) -> None:
    oversight = world[1].oversight
    assert {(p["provider"], p["consumer"]) for p in oversight.matrix(HEALTH)} == {("police", "health")}
    assert len(oversight.matrix(OFFICER)) == 3
    mine = exporting.sum_rows(oversight.overview(HEALTH).sums)
    assert [row["state"] for row in mine] == ["refused"]


# ---- sums


def test_every_call_counts_once_however_often_it_is_looked_at(world: tuple[Any, Services]) -> None:
    oversight = world[1].oversight
    for _ in range(3):
        oversight.due()
        found = oversight.overview(OFFICER)
        assert found.matrix[0] == {"provider": "police", "consumer": "tax", "delivered": 5, "refused": 0, "records": 6}


def test_filters_combine_and_days_are_days_in_china(world: tuple[Any, Services]) -> None:
    oversight = world[1].oversight
    assert oversight.overview(OFFICER, Filter(purpose="q", provider="police")).by("field") == [
        {"value": "CSRQ", "calls": 1, "records": 1},
        {"value": "XM", "calls": 1, "records": 1},
    ]
    assert oversight.overview(OFFICER, Filter(field="CSRQ", consumer="health")).sums == ()
    first = oversight.overview(OFFICER, Filter(since="2026-11-02", until="2026-11-02"))
    assert sum(one.calls for one in first.sums) == 2
    assert oversight.overview(OFFICER).by_day() == [
        {"day": "2026-11-02", "delivered": 2, "refused": 0, "records": 3},
        {"day": "2026-11-03", "delivered": 4, "refused": 1, "records": 4},
    ]


def test_the_api_takes_the_same_filters(world: tuple[Any, Services]) -> None:
    app, services = world
    client, secret = services.parties.add_client(SYSTEM, "data-office", "t", {"officer"})
    web = TestClient(app, headers={"Authorization": f"Bearer {services.parties.token(client.id, secret)}"})
    found = web.get("/api/v1/flows/by/purpose", params={"provider": "police", "since": "2026-11-03"}).json()["items"]
    assert found == [{"value": "p", "calls": 3, "records": 3}]
    assert web.get("/api/v1/flows/by/colour").status_code == 400
    assert web.get("/api/v1/flows", params={"since": "soon"}).status_code == 400
    assert web.get("/api/v1/flows/by/day").json()["items"][0]["day"] == "2026-11-02"
    for format, start in (("csv", b"\xef\xbb\xbfid,"), ("parquet", b"PAR1"), ("openlineage", b"")):
        answer = web.get("/api/v1/flows/export", params={"format": format})
        assert answer.status_code == 200
        assert answer.content.startswith(start)


def test_findings_name_refusals_and_overdue_clocks_that_still_run(world: tuple[Any, Services]) -> None:
    services = world[1]
    kinds = {(f.kind, f.subject) for f in services.oversight.findings(OFFICER)}
    assert ("refused-attempt", "health") in kinds
    told = {"clock": "clk_x", "rule": "C4", "subject": "apl_x", "party": "police", "due": "2026-11-02", "code": "P39-4"}
    write(services, [("clock.breached", told)])
    services.oversight.due()
    # the breach is on record; no such application is there any more, so nothing is overdue
    assert services.oversight.overdue(OFFICER) == []


def test_a_clock_that_ran_out_is_overdue_until_somebody_acts(world_of_agreements: tuple[Any, Any, Oversight]) -> None:
    services, agreements, oversight = world_of_agreements
    tax, police = services.department("tax"), services.department("police")
    filed = agreements.apply(tax, replace(WISH, approved_by="head"))
    assert oversight.overdue(services.officer()) == []
    services.clock.advance(days=40)
    agreements.due()
    oversight.due()
    (late,) = oversight.overdue(services.officer())
    assert (late.rule, late.subject, late.party, late.code) == ("C4", filed.id, "police", "P39-4")
    assert services.ledger.entry(late.entry).kind == "clock.breached"
    assert oversight.overdue(services.department("health")) == []
    assert [one.clock for one in oversight.overdue(police)] == [late.clock]
    agreements.answer(police, filed.id, "refuse", reason="no need", basis="law 1")
    oversight.due()
    assert oversight.overdue(services.officer()) == []
    # so is a clock of what goes on beside an application or agreement
    entry = {"reference": "law", "since": "2026-10-01"}
    update = Supervising(agreements).open(services.officer(), "update", "police.residents", "a field", entry)
    agreements.due()
    oversight.due()
    assert [(one.rule, one.subject) for one in oversight.overdue(police)] == [("C1", update.id)]
    with services.database.reading() as tx:
        told = {key[3] for key in store.events(tx, "police", 0, 10**6) if key[2] == "application.refused"}
    assert told == {"late"}


@pytest.fixture
def world_of_agreements(services: Any) -> tuple[Any, Agreements, Oversight]:
    """Real applications; nothing is called, so there is no broker."""
    publish(services, "police/residents/openapi.yaml")
    agreements = Agreements(services.database, services.ledger, services.catalogue, services.clock)
    oversight = Oversight(
        services.database,
        services.ledger,
        services.catalogue,
        agreements,
        None,
        services.clock,  # type: ignore[arg-type]
    )
    return services, agreements, oversight


# ---- exports


def flow(**changes: Any) -> Flow:
    values: dict[str, Any] = {
        "id": "dlv_1", "at": "2026-11-02T01:00:00.000Z", "provider": "police", "consumer": "tax",
        "interface": "police.data", "operation": "get", "agreement": "agr_1", "purpose": "p", "legal_basis": "law",
        "state": "delivered", "rule": "permitted", "fields": ("XM",), "records": 2, "launch": None, "entry": 7,
    }  # fmt: skip
    return Flow(**{**values, **changes})


_NAMED = {"type": "object", "required": ["namespace", "name"], "properties": {"facets": {"$ref": "#/$defs/facets"}}}
SHAPE = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["eventTime", "producer", "schemaURL", "eventType", "run", "job", "inputs", "outputs"],
    "properties": {
        "eventTime": {"type": "string", "format": "date-time"},
        "producer": {"type": "string", "format": "uri"},
        "schemaURL": {"const": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"},
        "eventType": {"enum": ["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"]},
        "run": {
            "type": "object",
            "required": ["runId"],
            "properties": {"runId": {"type": "string", "format": "uuid"}, "facets": {"$ref": "#/$defs/facets"}},
        },
        "job": _NAMED,
        "inputs": {"type": "array", "items": _NAMED},
        "outputs": {"type": "array", "items": _NAMED},
    },
    "$defs": {
        "facets": {
            "type": "object",
            "properties": {
                "schema": {
                    "properties": {
                        "fields": {"type": "array", "items": {"type": "object", "required": ["name"]}},
                    }
                }
            },
            "additionalProperties": {
                "type": "object",
                "required": ["_producer", "_schemaURL"],
                "properties": {"_schemaURL": {"type": "string", "format": "uri"}},
            },
        }
    },
}
"""What OpenLineage 2-0-2 (openlineage.io/spec) demands of a run event, in our own words."""


def validator() -> Any:
    made = jsonschema_rs.Draft202012Validator(SHAPE, validate_formats=True)

    def check(event: dict[str, Any]) -> list[str]:
        return [error.message for error in made.iter_errors(event)]

    return check


def test_openlineage_events_fit_the_published_schema() -> None:
    check = validator()
    for state, ends in (
        ("delivered", ["START", "COMPLETE"]),
        ("refused", ["START", "ABORT"]),
        ("failed", ["START", "FAIL"]),
    ):
        made = exporting.events(
            flow(state=state, fields=() if state != "delivered" else ("XM",)), "http://tongban.test"
        )
        assert [event["eventType"] for event in made] == ends
        assert [check(event) for event in made] == [[]] * len(made)
        assert len({event["run"]["runId"] for event in made}) == 1
    broken = exporting.events(flow(), "http://tongban.test")[1]
    broken["run"]["runId"] = "no uuid"
    del broken["outputs"][0]["facets"]["schema"]["fields"][0]["name"]
    wrong = " ".join(check(broken))
    assert '"no uuid" is not a "uuid"' in wrong
    assert '"name" is a required property' in wrong


def test_csv_is_read_by_spreadsheets_and_runs_nothing_in_them() -> None:
    begins = [f"{sign}1+1" for sign in ("=", "+", "-", "@", "\t=", "\r=", "\n=", "＝", "＋", "－", "＠")]
    flows = [flow(purpose="=cmd|' /C calc'!A0"), flow(purpose='“婚姻”, "核验"\n'), flow(fields=("@SUM(A1)", "XM"))]
    rows = exporting.rows([*flows, *(flow(claimed=begin) for begin in begins)])
    text = b"".join(exporting.as_csv(rows, exporting.COLUMNS)).decode("utf-8-sig")
    read = list(csv.DictReader(io.StringIO(text)))
    assert read[0]["purpose"] == "'=cmd|' /C calc'!A0"
    assert read[1]["purpose"] == '“婚姻”, "核验"\n'
    assert read[0]["fields"] == "XM"
    assert read[2]["fields"] == "'@SUM(A1) XM"
    assert [row["claimed"] for row in read[3:]] == [f"'{begin}" for begin in begins]


def test_parquet_comes_in_pieces_and_is_whole() -> None:
    rows = exporting.rows(flow(id=f"dlv_{number}", entry=number) for number in range(12_000))
    parts = list(exporting.as_parquet(rows, exporting.COLUMNS))
    assert len(parts) > 3
    table = pq.read_table(io.BytesIO(b"".join(parts)))
    assert table.num_rows == 12_000
    assert table.column("entry")[11_999].as_py() == 11_999
    assert table.schema.names == list(exporting.COLUMNS)
    first = table.slice(0, 1).to_pylist()[0]
    assert (first["at"], first["fields"], first["records"]) == (datetime(2026, 11, 2, 1, tzinfo=UTC), ["XM"], 2)
    assert (first["launch"], first["done_at"]) == (None, None)


# ---- supervision


def test_a_report_is_for_the_department_and_the_office(world: tuple[Any, Services]) -> None:
    reporting = world[1].reporting
    for wrong, caller in ((Unauthenticated, None), (Forbidden, HEALTH)):
        with pytest.raises(wrong):
            reporting.report(caller, "police")
    with pytest.raises(NotFound):
        reporting.report(OFFICER, "data-office")
    with pytest.raises(Invalid):
        reporting.report(OFFICER, "police", "2026-11-09", "2026-11-01")
    assert reporting.report(POLICE, "police").department == "police"
    assert {report.department for report in reporting.reports(OFFICER)} == {"police", "tax", "health"}
    assert [report.department for report in reporting.reports(HEALTH)] == ["health"]


def test_a_report_counts_what_the_ledger_says(world: tuple[Any, Services]) -> None:
    services = world[1]
    both = {"provider": "police", "consumer": "tax"}
    late = {"clock": "c2", "rule": "C4", "subject": "a2", "party": "police", "due": "2026-11-02", "code": "P"}
    decided: list[tuple[str, dict[str, Any]]] = [
        ("application.filed", {"application": "a1", **both}),
        ("agreement.granted", {"application": "a1", **both, "by": "m", "automatic": False}),
        ("clock.breached", late),
        ("application.refused", {"application": "a2", **both, "by": "m"}),
        ("agreement.granted", {"application": "a3", **both, "by": "system", "automatic": True}),
    ]  # fmt: skip
    write(services, decided)
    report = services.reporting.report(OFFICER, "police", "2026-11-01", "2026-11-30")
    figures = {one.id: (one.value, one.look) for section in report.sections for one in section.figures}
    assert figures["answers"] == ("2", False)
    assert figures["on_time"] == ("50.0 %", True)
    assert figures["automatic"] == ("1", False)
    assert figures["refusals"] == ("1", False)
    assert int(figures["late_answers"][0]) >= 1
    assert figures["given"] == ("5", False)
    assert figures["sound"] == ("100.0 %", False)
    assert figures["turned_away"] == ("1", False)
    assert report.size == services.ledger.size()
    before = services.reporting.report(OFFICER, "police", "2026-10-01", "2026-10-31")
    assert {one.value for section in before.sections for one in section.figures if one.id == "given"} == {"0"}


def test_the_pdf_holds_the_figures_in_both_languages_and_is_reproducible(world: tuple[Any, Services]) -> None:
    report = world[1].reporting.report(OFFICER, "police", "2026-11-01", "2026-11-30")
    for language in ("zh_CN", "en"):
        made = pdf(report, language, "公安局 <A&B>")
        assert made.startswith(b"%PDF-")
        assert made == pdf(report, language, "公安局 <A&B>")
        assert b"STSong-Light" in made
    assert datetime.now(UTC).strftime("%Y%m%d%H").encode() not in made  # no time of its own
