"""Bulk sharing: only agreed columns and rows leave, masked before they are written, each file with its receipt."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import create_engine, make_url, select, text

from exchange.agreements import store as agreement_store
from exchange.agreements.model import Agreement
from exchange.agreements.service import Agreements
from exchange.agreements.wish import Mode, Wish
from exchange.bulk import delta
from exchange.bulk.aggregates import Aggregates
from exchange.bulk.connecting import Connecting
from exchange.bulk.desk import Desk
from exchange.bulk.masks import agreement_key
from exchange.bulk.model import RULES, permitted, shareable
from exchange.bulk.routes import router
from exchange.bulk.service import Bulk
from exchange.bulk.sharing_routes import router as sharing_router
from exchange.bulk.sources import Sources
from exchange.bulk.store import SOURCES
from exchange.bulk.streams import Streams
from exchange.bulk.terms import check_terms
from exchange.bulk.urls import Urls
from exchange.catalogue.endpoint import Network
from exchange.errors import Unavailable, Unprocessable, Upstream

PURPOSE, TABLE = "办卡", "persons"
CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: police.register
name: 人口登记
version: 1.0.0
status: active
schema:
  - name: persons
    logicalType: object
    properties:
      - {name: GMSFHM, logicalType: string, required: true, customProperties: [{property: element, value: GMSFHM}]}
      - {name: XM, logicalType: string, customProperties: [{property: element, value: XM}]}
      - {name: CSRQ, logicalType: date}
      - {name: HJXZQH, logicalType: string}
      - {name: income, logicalType: number}
      - {name: secret, logicalType: string}
"""
ROWS = 400
NUMBERS = [f"09990119930830{n:03d}{n % 10}" for n in range(ROWS)]
"""Of a division no citizen number has, and with a zero that a number read as a number would lose."""
MASKS = b"m" * 32


def people() -> pa.Table:
    return pa.table(
        {
            "GMSFHM": NUMBERS,
            "XM": [f"名{n}" for n in range(ROWS)],
            "CSRQ": pa.array([date(1950 + n % 60, 1 + n % 12, 1 + n % 28) for n in range(ROWS)]),
            "HJXZQH": [["110101", "310101", None][n % 3] for n in range(ROWS)],
            "income": pa.array([Decimal(n) * 10 for n in range(ROWS)], pa.decimal128(10, 2)),
            "secret": ["must never leave"] * ROWS,
        }
    )


class World:
    """A dataset with a connected Parquet file, an agreement on three of its columns, and all the ways out."""

    def __init__(self, services: Any, folder: Path) -> None:
        self.services, self.folder = services, folder
        (folder / "police").mkdir(parents=True)
        pq.write_table(people(), folder / "police" / "persons.parquet")
        self.asking, self.giving = services.department("human-resources"), services.department("police")
        made = services.catalogue.register(self.giving, "register.odcs.yaml", CONTRACT)
        services.lifecycle.publish(self.giving, made.interface, made.version)
        self.interface = made.interface
        self.agreements = Agreements(services.database, services.ledger, services.catalogue, services.clock)
        self.sources = Sources(folder, folder / "spill", Network.of("10.0.0.0/8", loopback=True).admits, threads=2)
        self.connecting = Connecting(
            services.database, services.ledger, services.catalogue, self.sources, b"s" * 32, services.clock
        )
        self.desk = Desk(self.connecting, self.agreements, MASKS, services.clock)
        self.bulk = Bulk(
            self.desk, folder / "kept", folder / "work", Urls(b"u" * 32, "http://tongban.test", services.clock, 3600)
        )
        self.streams = Streams(self.desk, folder / "work")
        self.aggregates = Aggregates(self.desk)
        self.connecting.connect(self.giving, self.interface, TABLE, "files", "persons.parquet")
        self.agreement = self.agree()

    def agree(self, fields: tuple[str, ...] = ("GMSFHM", "CSRQ", "HJXZQH"), **terms: Any) -> Agreement:
        wish = Wish(
            interface=self.interface, table=TABLE, fields=fields, legal_basis="b", scenario="s", purpose=PURPOSE,
            mode="bulk", duration_days=30,
        )  # fmt: skip
        application = self.agreements.apply(self.asking, wish)
        assert application.missing == ()
        made = self.agreements.answer(self.giving, application.id, "consent")
        assert made is not None
        return self.under(made, **terms) if terms else made

    def under(self, agreement: Agreement, **terms: Any) -> Agreement:
        changed = replace(agreement, terms=terms)
        with self.services.database.transaction() as tx:
            agreement_store.save_agreement(tx, changed)
        return changed

    def recipient(self, agreement: Agreement | None = None) -> Any:
        _, secret = self.bulk.shares.issue(self.asking, (agreement or self.agreement).id, PURPOSE)
        return self.bulk.shares.recipient(secret)

    def stream(self, agreement: Agreement | None = None, format: str = "parquet", **how: Any) -> pa.Table:
        made = self.streams.fetch(self.asking, (agreement or self.agreement).id, TABLE, PURPOSE, format, **how)
        try:
            if format == "parquet":
                return pq.read_table(made.path)
            if format == "arrow":
                return pa.ipc.open_stream(made.path).read_all()
            return made.path.read_text()
        finally:
            made.done()


once = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what has nothing to do with the service's own database."""


@pytest.fixture
def world(services: Any, tmp_path: Path) -> World:
    return World(services, tmp_path / "bulk")


@pytest.fixture
def web(world: World) -> Iterator[TestClient]:
    services = world.services
    routes = router(world.bulk, world.streams, world.aggregates, services.access, "http://tongban.test")
    with services.web(sharing_router(world.bulk), routes) as client:
        yield client


def refused(raised: Any) -> str:
    return str(raised.value.extra.get("rule", raised.value.extra))


# ---- who may


def test_nobody_gets_anything_without_a_credential(world: World, web: TestClient) -> None:
    before = world.services.kinds()
    id, table = world.agreement.id, f"/api/v1/interfaces/{world.interface}/tables/{TABLE}/source"
    paths = [("GET", f"/api/v1/bulk/{id}/tables/{TABLE}"), ("GET", f"/api/v1/bulk/{id}/flows"), ("GET", table),
             ("GET", f"/api/v1/agreements/{id}/shares"), ("DELETE", "/api/v1/shares/shr_1"), ("DELETE", table),
             ("GET", f"/api/v1/bulk/{id}/tables/{TABLE}/budget")]  # fmt: skip
    schema = f"/delta-sharing/shares/{id}/schemas/police_register/tables"
    paths += [("GET", path) for path in ("/delta-sharing/shares", f"/delta-sharing/shares/{id}", schema,
              f"/delta-sharing/shares/{id}/schemas", f"/delta-sharing/shares/{id}/all-tables",
              f"{schema}/{TABLE}/version", f"{schema}/{TABLE}/metadata", f"{schema}/{TABLE}/changes")]  # fmt: skip
    paths.append(("POST", f"{schema}/{TABLE}/query"))
    for method, path in paths:
        assert web.request(method, path).status_code == 401, path
        wrong = web.request(method, path, headers={"Authorization": "Bearer wrong"})
        assert wrong.status_code == 401, path
    assert web.get("/delta-sharing/files/qry_1/0.parquet?Expires=9&X-Amz-Signature=x").status_code == 403
    assert web.post(f"/api/v1/agreements/{id}/shares", json={"purpose": PURPOSE}).status_code == 401
    assert web.put(table, json={"kind": "files", "location": "x"}).status_code == 401
    asked = web.post(f"/api/v1/bulk/{id}/tables/{TABLE}/aggregates", json={"epsilon": 1})
    assert asked.status_code == 401
    assert world.services.kinds() == before


def test_only_the_consumer_of_the_agreement_gets_a_token_or_a_stream(world: World) -> None:
    for caller, rule in (
        (world.services.department("tax"), "other-consumer"),
        (world.giving, "other-consumer"),
        (world.services.vendor(), "access.exchange.call"),
        (replace(world.asking, roles=frozenset({"reviewer"})), "access.exchange.call"),
    ):
        for ask in (
            lambda who=caller: world.bulk.shares.issue(who, world.agreement.id, PURPOSE),
            lambda who=caller: world.streams.fetch(who, world.agreement.id, TABLE, PURPOSE, "csv"),
        ):
            with pytest.raises(Exception) as raised:  # noqa: PT011
                ask()
            assert refused(raised) == rule
            assert world.services.last("delivery.refused")["rule"] == rule
    with pytest.raises(Exception) as raised:  # noqa: PT011
        world.streams.fetch(world.asking, world.agreement.id, TABLE, "something else", "csv")
    assert refused(raised) == "purpose-mismatch"
    assert not [path for path in (world.folder / "work").rglob("*") if path.is_file()]


@once
def test_only_the_provider_connects_a_source(world: World) -> None:
    for caller in (world.services.department("tax"), world.services.vendor(), world.services.officer()):
        with pytest.raises(Exception) as raised:  # noqa: PT011
            world.connecting.connect(caller, world.interface, TABLE, "files", "persons.parquet")
        assert refused(raised) == "access.interface.endpoint"


def test_a_service_agreement_and_one_with_a_foreign_term_give_no_file() -> None:
    now = datetime(2026, 11, 2, tzinfo=UTC)
    made = Agreement(
        id="agr_1", application="apl_1", consumer="tax", provider="police", interface="police.register",
        version="1.0.0", mode=Mode.BULK, purpose="p", legal_basis="b", scenario="s", fields=("XM",),
        scope={TABLE: ("/*/XM",)}, starts_at="2026-11-01T00:00:00.000Z", expires_at="2026-12-01T00:00:00.000Z",
    )  # fmt: skip
    ask: dict[str, Any] = {
        "consumer": "tax",
        "interface": "police.register",
        "table": TABLE,
        "purpose": "p",
        "now": now,
    }
    assert permitted(made, **ask).allowed
    assert permitted(replace(made, mode=Mode.FILE), **ask).allowed
    assert permitted(replace(made, mode=Mode.SERVICE), **ask).rule == "other-mode"
    assert permitted(replace(made, terms={"rows": "true", "quota": 3}), **ask).rule == "unknown-term"
    assert permitted(replace(made, terms={"rows": "true"}), **ask).allowed
    assert permitted(replace(made, terms={"aggregates": {}}), **ask).rule == "aggregates-only"
    assert permitted(made, **ask, aggregates=True).rule == "no-aggregates"
    assert permitted(made, **ask, fields=("secret",)).rule == "fields-beyond-scope"
    assert permitted(made, **(ask | {"table": "other"})).rule == "operation-not-agreed"
    assert permitted(None, **ask).rule == "no-agreement"


# ---- what leaves


@once
def test_only_agreed_columns_rows_and_masks_leave_in_every_format(world: World) -> None:
    made = world.agree(
        rows="HJXZQH == '110101' && income < 3000.0",
        masks={"/*/GMSFHM": "hash", "CSRQ": {"mask": "generalise", "to": "year"}},
    )
    key = agreement_key(MASKS, made.id)
    wanted = [n for n in range(ROWS) if n % 3 == 0 and n * 10 < 3000]
    found = world.stream(made).sort_by("GMSFHM")
    assert found.column_names == ["CSRQ", "GMSFHM", "HJXZQH"]
    hashes = {hmac.new(key, b"hash\0" + NUMBERS[n].encode(), hashlib.sha256).hexdigest()[:32]: n for n in wanted}
    assert set(found["GMSFHM"].to_pylist()) == set(hashes)
    for row in found.to_pylist():
        assert row["CSRQ"] == date(1950 + hashes[row["GMSFHM"]] % 60, 1, 1)
    assert world.stream(made, "arrow").sort_by("GMSFHM").cast(found.schema).equals(found)
    lines = world.stream(made, "csv").splitlines()
    assert lines[0] == "CSRQ,GMSFHM,HJXZQH"
    assert len(lines) == len(wanted) + 1
    assert not any("must never leave" in line or number in line for line in lines for number in NUMBERS[:3])


@once
def test_terms_in_the_words_of_service_calls_keep_the_same_rows(world: World) -> None:
    def kept(place: str, word: str, value: Any) -> int:
        rows = [{"place": f"/*/{place}", "is": word, "value": value}]
        return int(world.stream(world.under(world.agreement, rows=rows)).num_rows)

    thirds = [len([n for n in range(ROWS) if n % 3 == rest]) for rest in range(3)]
    assert kept("HJXZQH", "eq", "110101") == thirds[0]
    assert kept("HJXZQH", "neq", "110101") == thirds[1]  # null is comparable with nothing
    assert kept("HJXZQH", "isAnyOf", ["110101", "310101"]) == thirds[0] + thirds[1]
    assert kept("HJXZQH", "isNoneOf", ["310101", 'it\'s \\ "q"']) == thirds[0]
    assert kept("HJXZQH", "startsWith", "31") == thirds[1]
    assert kept("income", "lt", 100) == 10
    assert kept("income", "gteq", 3900.0) == 10
    assert kept("CSRQ", "lteq", "1950-12-31") == len([n for n in range(ROWS) if n % 60 == 0])
    both = [{"place": "/*/HJXZQH", "is": "eq", "value": "110101"}, {"place": "/*/income", "is": "gt", "value": 3000}]
    masks = [{"place": "/*/GMSFHM", "as": "truncate", "keep": 6}]
    found = world.stream(world.under(world.agreement, rows=both, masks=masks))
    assert found.num_rows == len([n for n in range(301, ROWS) if n % 3 == 0])
    assert set(found["GMSFHM"].to_pylist()) == {"099901"}


@once
def test_a_consumer_narrows_but_never_widens(world: World) -> None:
    made = world.agree(rows="HJXZQH == '110101'", masks={"GMSFHM": {"mask": "truncate", "keep": 6}})
    found = world.stream(made, columns=("CSRQ",), where="CSRQ < '1980-01-01'", limit=5)
    assert found.column_names == ["CSRQ"]
    assert found.num_rows == 5
    # the filter sees what leaves: an unmasked value finds nothing, a column not agreed is not there
    assert world.stream(made, where=f"GMSFHM == '{NUMBERS[0]}'").num_rows == 0
    assert world.stream(made, where="GMSFHM == '099901'").num_rows == ROWS // 3 + 1
    for where in ("secret == 'x'", "income > 5.0", "XM.matches('.*')", "1 == 1; DROP TABLE source", "'", "HJXZQH"):
        with pytest.raises(Unprocessable):
            world.stream(made, where=where)
        assert world.services.last("delivery.refused")["rule"] == "request-filter"
    with pytest.raises(Exception) as raised:  # noqa: PT011
        world.stream(made, columns=("secret",))
    assert refused(raised) == "fields-beyond-scope"


TERMS = [
    ({"rows": "XM.matches('^a')"}, "row-filter-untranslatable"),
    ({"rows": "nothing == 1"}, "row-filter-untranslatable"),
    ({"rows": "income"}, "row-filter-untranslatable"),
    ({"masks": {"GMSFHM": "rot13"}}, "mask-unenforceable"),
    ({"masks": {"secret": "hash"}}, "mask-unenforceable"),
    ({"masks": {"HJXZQH": {"mask": "generalise", "to": 10}}}, "mask-unenforceable"),
    ({"masks": {"GMSFHM": "remove", "CSRQ": "remove", "HJXZQH": "remove"}}, "mask-unenforceable"),
    ({"masks": [1]}, "unknown-term"),
    ({"masks": [{"place": "/*/GMSFHM", "as": "noise", "scale": 2}]}, "mask-unenforceable"),
    ({"masks": [{"place": "GMSFHM", "as": "hash"}]}, "unknown-term"),
    ({"rows": [{"place": "/*/HJXZQH", "is": "like", "value": "1%"}]}, "unknown-term"),
    ({"rows": [{"place": "/*/HJXZQH", "is": "eq", "value": 5}]}, "row-filter-untranslatable"),
    ({"rows": [{"place": "/*/HJ`XZQH", "is": "eq", "value": "5"}]}, "unknown-term"),
    ({"rows": 5}, "unknown-term"),
]


@once
def test_terms_that_cannot_be_kept_refuse_by_name(world: World) -> None:
    for terms, rule in TERMS:
        made = world.under(world.agreement, **terms)
        with pytest.raises(Exception) as raised:  # noqa: PT011
            world.stream(made)
        assert refused(raised) == rule
        assert world.services.last("delivery.refused")["rule"] == rule
        assert not [path for of in ("kept", "work") for path in (world.folder / of).rglob("*") if path.is_file()]


def test_every_file_has_a_receipt_before_it_can_be_read_and_nobody_in_it(world: World) -> None:
    made = world.streams.fetch(world.asking, world.agreement.id, TABLE, PURPOSE, "parquet")
    entry = world.services.last("delivery.made")
    assert (entry["delivery"], entry["records"], entry["operation"]) == (made.delivery, ROWS, TABLE)
    assert entry["fields"] == ["CSRQ", "GMSFHM", "HJXZQH"]
    permit = world.services.ledger.entry(entry["permit"])
    assert permit.kind == "delivery.permitted"
    with world.services.database.reading() as tx:
        kept = world.services.ledger.payload(tx, entry["index"]).value
    assert kept["response_sha256"] == hashlib.sha256(made.path.read_bytes()).hexdigest() == made.sha256
    # the persons of a small file find it
    about = world.services.ledger.entries(subject=NUMBERS[7], limit=10)
    assert entry["index"] in [one.index for one in about]
    made.done()
    assert not made.path.exists()


def test_an_agreement_that_ends_or_changes_while_the_file_is_made_stops_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    import exchange.bulk.streams as streams

    whole = streams.making.stream
    for rule, happens in (
        ("terms-changed", lambda: world.under(world.agreement, masks={"GMSFHM": "hash"})),
        ("agreement-not-active", lambda: world.agreements.suspend(world.giving, world.agreement.id, "misuse")),
    ):

        def slow(*given: Any, happens: Any = happens, **named: Any) -> Any:
            made = whole(*given, **named)
            happens()
            return made

        monkeypatch.setattr(streams.making, "stream", slow)
        with pytest.raises(Exception) as raised:  # noqa: PT011
            world.stream()
        assert refused(raised) == rule
        assert "delivery.made" not in world.services.kinds()
        assert not [path for path in (world.folder / "work").rglob("*") if path.is_file()]


@once
def test_a_file_by_an_older_url_leaves_only_by_what_is_agreed_now(world: World, web: TestClient) -> None:
    who = bearer(world, web)

    def url() -> str:
        return path_of(lines_of(web.post(f"{base(world)}/query", headers=who, json={}))[2]["file"]["url"])

    first = url()
    world.under(world.agreement, masks={"GMSFHM": "hash"})
    answer = web.get(first)
    assert (answer.status_code, answer.json()["rule"]) == (403, "terms-changed")
    assert "delivery.made" not in world.services.kinds()
    second = url()
    assert web.get(second).status_code == 200
    narrowed = replace(world.agreement, scope={TABLE: ("/*/CSRQ",)})
    with world.services.database.transaction() as tx:
        agreement_store.save_agreement(tx, narrowed)
    assert web.get(second).status_code == 403, "also one that left before"
    assert web.get(url()).status_code == 200


@once
def test_what_a_kill_left_half_made_is_removed_at_start_and_shortened_files_are_made_again(
    world: World, web: TestClient
) -> None:
    who = bearer(world, web)

    def query() -> str:
        return path_of(lines_of(web.post(f"{base(world)}/query", headers=who, json={}))[2]["file"]["url"])

    first = query()
    (good,) = (world.folder / "kept" / "snapshots").glob("*/*")
    left = [world.folder / "work" / "made" / "snp_x.part", world.folder / "work" / "streams" / "str_x",
            good.with_name("snp_never_written_down")]  # fmt: skip
    for folder in left:
        folder.mkdir(parents=True)
        (folder / "part-0.parquet").write_bytes(b"PAR1")
    world.bulk.clear()
    assert not any(folder.exists() for folder in left)
    assert web.get(first).status_code == 200
    (file,) = good.glob("*.parquet")
    file.write_bytes(file.read_bytes()[:-1])  # what a power cut can do
    assert web.get(first).status_code == 404
    assert web.get(query()).status_code == 200


# ---- Delta Sharing


def base(world: World) -> str:
    return f"/delta-sharing/shares/{world.agreement.id}/schemas/police_register/tables/{TABLE}"


def bearer(world: World, web: TestClient, agreement: Agreement | None = None) -> dict[str, str]:
    id = (agreement or world.agreement).id
    answer = web.post(f"/api/v1/agreements/{id}/shares", json={"purpose": PURPOSE},
                      headers=world.services.bearer(world.asking))  # fmt: skip
    assert answer.status_code == 201, answer.text
    profile = answer.json()
    assert profile["shareCredentialsVersion"] == 1
    assert profile["endpoint"] == "http://tongban.test/delta-sharing"
    assert answer.headers["content-disposition"].endswith('.share"')
    return {"Authorization": f"Bearer {profile['bearerToken']}"}


def lines_of(answer: Any) -> list[dict[str, Any]]:
    assert answer.text.isascii()
    assert answer.text.endswith("\n")
    assert not answer.text.endswith("\n\n")
    return [json.loads(line) for line in answer.text[:-1].split("\n")]


def path_of(url: str) -> str:
    return url.removeprefix("http://tongban.test")


@once
def test_listing_shows_the_one_agreement_in_one_line_each(world: World, web: TestClient) -> None:
    who = bearer(world, web)
    share = world.agreement.id
    for path, names in (
        ("/delta-sharing/shares", [share]),
        (f"/delta-sharing/shares/{share}/schemas", ["police_register"]),
        (f"/delta-sharing/shares/{share}/schemas/police_register/tables", [TABLE]),
        (f"/delta-sharing/shares/{share.upper()}/all-tables", [TABLE]),
    ):
        answer = web.get(path, headers=who)
        assert answer.headers["content-type"] == "application/json; charset=utf-8"
        [body] = lines_of(answer)
        assert [item["name"] for item in body["items"]] == names
    foreign = world.agree()
    seen = [web.get(f"/delta-sharing/shares/{id}/all-tables", headers=who) for id in (foreign.id, "nothing")]
    assert [answer.status_code for answer in seen] == [404, 404]
    assert seen[0].text == seen[1].text
    assert seen[0].json()["errorCode"] == "RESOURCE_DOES_NOT_EXIST"


def test_pages_go_on_to_the_end_and_foreign_tokens_are_refused() -> None:
    items = [{"name": str(n)} for n in range(1000)]
    for most in (1, 7, 999, 1000, 1001, None):
        seen, token = [], None
        for _ in range(1001):
            body = json.loads(delta.page(items, most, token))
            seen += body["items"]
            token = body.get("nextPageToken")
            if not token:
                break
        assert seen == items
    assert json.loads(delta.page(items, 0, None))["items"] == []
    assert json.loads(delta.page([], None, None)) == {"items": []}
    for token in ("x", "LTE=", "OTk5OTk5", "MA=="):
        with pytest.raises(Exception, match="pageToken"):
            delta.page(items, None, token)


WANTS = [
    ("", "parquet"),
    ("responseformat=parquet", "parquet"),
    ("responseformat=delta", "delta"),
    ("responseFormat=Delta,Parquet;readerFeatures=deletionvectors", "delta"),
]


@once
def test_both_formats_say_all_the_client_needs(world: World, web: TestClient) -> None:
    token = bearer(world, web)
    for wants, format in WANTS:
        who = token | ({"delta-sharing-capabilities": wants} if wants else {})
        meta = web.get(f"{base(world)}/metadata", headers=who)
        query = web.post(f"{base(world)}/query", headers=who, json={"limitHint": 100000})
        for answer in (meta, query):
            assert answer.headers["content-type"] == "application/x-ndjson; charset=utf-8"
            assert answer.headers["delta-table-version"] == "0"
            told = answer.headers.get("delta-sharing-capabilities")
            assert told == ("responseformat=delta" if format == "delta" else None)
        protocol, metadata = lines_of(meta)
        assert lines_of(query)[:2] == [protocol, metadata]
        [file] = [line["file"] for line in lines_of(query)[2:]]
        about = metadata["metaData"]
        if format == "delta":
            assert protocol["protocol"]["deltaProtocol"] == {"minReaderVersion": 1, "minWriterVersion": 2}
            about = about["deltaMetadata"]
            assert about["format"] == {"provider": "parquet", "options": {}}
            assert about["configuration"] == {}
            add = file["deltaSingleAction"]["add"]
            assert {"path", "partitionValues", "size", "modificationTime", "dataChange"} <= add.keys()
            url = add["path"]
        else:
            assert protocol == {"protocol": {"minReaderVersion": 1}}
            url = file["url"]
        assert {"id", "size", "expirationTimestamp"} <= file.keys()
        fields = json.loads(about["schemaString"])["fields"]
        assert [(f["name"], f["type"]) for f in fields] == [
            ("CSRQ", "date"),
            ("GMSFHM", "string"),
            ("HJXZQH", "string"),
        ]
        body = web.get(path_of(url))
        assert hashlib.sha256(body.content).hexdigest() == file["id"]
        assert web.get(f"{base(world)}/version", headers=who).headers["delta-table-version"] == "0"


def test_a_file_is_one_delivery_however_often_it_is_asked_for(world: World, web: TestClient) -> None:
    who = bearer(world, web)
    query = web.post(f"{base(world)}/query", headers=who, json={})
    url = path_of(lines_of(query)[2]["file"]["url"])
    assert "delivery.made" not in world.services.kinds()
    head = web.head(url)
    assert (head.status_code, head.content) == (200, b"")
    assert "delivery.made" not in world.services.kinds()
    whole = web.get(url)
    size = len(whole.content)
    assert int(head.headers["content-length"]) == size
    part = web.get(url, headers={"Range": "bytes=4-9"})
    assert (part.status_code, part.content) == (206, whole.content[4:10])
    assert part.headers["content-range"] == f"bytes 4-9/{size}"
    assert world.services.kinds().count("delivery.made") == 1
    shown = web.get(f"/api/v1/bulk/{world.agreement.id}/flows", headers=world.services.bearer(world.giving))
    [flow] = shown.json()["items"]
    assert (flow["requests"], flow["bytes"]) == (2, size + 6)
    again = lines_of(web.post(f"{base(world)}/query", headers=who, json={}))[2]["file"]
    assert again["id"] == lines_of(query)[2]["file"]["id"]
    assert web.get(path_of(again["url"])).status_code == 200
    assert world.services.kinds().count("delivery.made") == 2


@once
def test_a_url_is_for_one_file_one_hour_and_no_other(world: World, web: TestClient) -> None:
    who = bearer(world, web)
    url = path_of(lines_of(web.post(f"{base(world)}/query", headers=who, json={}))[2]["file"]["url"])
    assert str(world.folder) not in url
    for wrong in (url.replace("/0.parquet", "/1.parquet"), url[:-1] + ("0" if url[-1] != "0" else "1"),
                  url.replace("Expires=", "Expires=1"), url.split("&")[0]):  # fmt: skip
        assert web.get(wrong).status_code == 403
    assert web.post(url).status_code == 405
    assert web.get(url).status_code == 200
    world.services.clock.advance(seconds=3600)
    late = web.get(url)
    assert (late.status_code, late.json()["rule"]) == (403, "url-expired")


def test_urls_are_renewed_for_the_same_flow(world: World, web: TestClient) -> None:
    who = bearer(world, web)
    asked = web.post(f"{base(world)}/query", headers=who, json={"includeRefreshToken": True})
    *_, file, end = lines_of(asked)
    assert web.get(path_of(file["file"]["url"])).status_code == 200
    world.services.clock.advance(seconds=3601)
    token = end["endStreamAction"]["refreshToken"]
    *_, renewed = lines_of(web.post(f"{base(world)}/query", headers=who, json={"refreshToken": token}))
    assert renewed["file"]["id"] == file["file"]["id"]
    assert web.get(path_of(renewed["file"]["url"])).status_code == 200
    assert world.services.kinds().count("delivery.made") == 1
    other = bearer(world, web)  # another token of the same agreement is another flow
    assert web.post(f"{base(world)}/query", headers=other, json={"refreshToken": token}).status_code == 404
    assert web.post(f"{base(world)}/query", headers=who, json={"refreshToken": token + "0"}).status_code == 422


def test_the_end_of_an_agreement_or_token_stops_the_next_file(world: World, web: TestClient) -> None:
    for way in ("suspend", "terminate", "revoke", "expire"):
        world.agreement = world.agree()
        before = world.services.kinds().count("delivery.made")
        who = bearer(world, web)
        taken, next_ = (
            path_of(lines_of(web.post(f"{base(world)}/query", headers=who, json={}))[2]["file"]["url"])
            for _ in range(2)
        )
        assert web.get(taken).status_code == 200
        if way == "expire":
            world.bulk.urls.lasting *= 10_000
            next_ = path_of(lines_of(web.post(f"{base(world)}/query", headers=who, json={}))[2]["file"]["url"])
            world.services.clock.advance(days=31)
        elif way == "revoke":
            [share] = world.bulk.shares.listed(world.giving, world.agreement.id)
            world.bulk.shares.revoke(world.giving, share.id)
        else:
            # a provider does not end a running service without notice; a consumer may
            side = world.giving if way == "suspend" else world.asking
            getattr(world.agreements, way)(side, world.agreement.id, "misuse")
        answer = web.get(next_)
        rule = {"expire": "expired", "revoke": "share-revoked"}.get(way, "agreement-not-active")
        assert (answer.status_code, answer.json()["rule"]) == (403, rule)
        assert answer.json()["errorCode"] == "PERMISSION_DENIED"
        assert world.services.last("delivery.refused")["rule"] == rule
        assert world.services.kinds().count("delivery.made") == before + 1
        for path in (f"{base(world)}/metadata", "/delta-sharing/shares"):
            assert web.get(path, headers=who).status_code == (401 if way == "revoke" else 403)
        world.bulk.due()
        kept = list((world.folder / "kept" / "snapshots" / world.agreement.id).rglob("*.parquet"))
        assert bool(kept) is (way in ("suspend", "revoke"))


@once
def test_a_large_table_leaves_in_several_files_and_the_next_one_is_stopped(
    world: World, web: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exchange.bulk.making.FILE_BYTES", 100_000)
    many = 400_000
    path = world.folder / "police" / "persons.parquet"
    with duckdb.connect() as made:
        made.execute(
            "COPY (SELECT CAST(i AS VARCHAR) AS GMSFHM, DATE '2000-01-01' AS CSRQ, '1' AS HJXZQH "
            f"FROM range({many}) r(i)) TO '{path}' (FORMAT parquet)"
        )
    who = bearer(world, web)
    files = [line["file"] for line in lines_of(web.post(f"{base(world)}/query", headers=who, json={}))[2:]]
    assert len(files) > 1
    assert len({file["id"] for file in files}) == len(files)
    assert sum(json.loads(file["stats"])["numRecords"] for file in files) == many
    bodies = [web.get(path_of(file["url"])) for file in files[:-1]]
    world.agreements.suspend(world.giving, world.agreement.id, "misuse")
    assert web.get(path_of(files[-1]["url"])).status_code == 403
    world.agreements.resume(world.giving, world.agreement.id, "corrected")
    bodies.append(web.get(path_of(files[-1]["url"])))
    seen = {number for body in bodies for number in pq.read_table(pa.BufferReader(body.content))["GMSFHM"].to_pylist()}
    assert len(seen) == many
    assert world.services.kinds().count("delivery.made") == len(files)
    assert world.services.kinds().count("delivery.refused") == 1


@once
def test_a_version_rises_with_the_source_and_with_the_terms(world: World, web: TestClient) -> None:
    who = bearer(world, web)

    def version() -> str:
        return str(web.get(f"{base(world)}/version", headers=who).headers["delta-table-version"])

    assert [version(), version()] == ["0", "0"]
    pq.write_table(people().slice(0, 10), world.folder / "police" / "persons.parquet")
    assert version() == "1"
    world.under(world.agreement, rows="income > 50.0")
    assert version() == "2"
    files = lines_of(web.post(f"{base(world)}/query", headers=who, json={}))[2:]
    assert json.loads(files[0]["file"]["stats"])["numRecords"] == 4
    folder = world.folder / "kept" / "snapshots" / world.agreement.id
    world.bulk.due()
    assert len(list(folder.iterdir())) == 3  # URLs of the older ones may still be good
    world.services.clock.advance(hours=2, seconds=1)
    world.bulk.due()
    assert len(list(folder.iterdir())) == 1
    assert version() == "2"


@once
def test_hints_narrow_and_history_is_refused(world: World, web: TestClient) -> None:
    who = bearer(world, web)
    for hint in ({"limitHint": 3}, {"limitHint": 3, "predicateHints": ["1=1 OR secret"]}, {"jsonPredicateHints": "{"}):
        lines = lines_of(web.post(f"{base(world)}/query", headers=who, json=hint))
        body = web.get(path_of(lines[2]["file"]["url"])).content
        table = pq.read_table(pa.BufferReader(body))
        assert table.column_names == ["CSRQ", "GMSFHM", "HJXZQH"]
        assert table.num_rows == (4 if "limitHint" in hint else ROWS)
    assert len(lines_of(web.post(f"{base(world)}/query", headers=who, json={"limitHint": 0}))) == 2
    for body in ({"version": 3}, {"timestamp": "2026-01-01T00:00:00Z"}, {"limitHint": -1}, {"limitHint": "1"}, [1]):
        assert web.post(f"{base(world)}/query", headers=who, json=body).status_code == 400
    assert web.get(f"{base(world)}/changes?startingVersion=0", headers=who).status_code == 400
    assert web.get(f"{base(world)}/metadata?version=1", headers=who).status_code == 400


@once
def test_no_rows_no_file_line_for_the_delta_kernel(world: World, web: TestClient) -> None:
    world.under(world.agreement, rows="income < 0.0")
    who = bearer(world, web)
    plain = lines_of(web.post(f"{base(world)}/query", headers=who, json={}))
    assert len(plain) == 3
    wants = who | {"delta-sharing-capabilities": "responseformat=delta"}
    assert len(lines_of(web.post(f"{base(world)}/query", headers=wants, json={}))) == 2


@once
def test_a_source_that_fails_is_told_to_its_provider_and_never_a_5xx(world: World, web: TestClient) -> None:
    who = bearer(world, web)
    (world.folder / "police" / "persons.parquet").write_bytes(b"PAR1 is no table PAR1")
    answer = web.get(f"{base(world)}/metadata", headers=who)
    assert (answer.status_code, answer.json()["rule"]) == (424, "source-unreadable")
    pq.write_table(people().drop(["CSRQ"]), world.folder / "police" / "persons.parquet")
    answer = web.get(f"{base(world)}/metadata", headers=who)
    assert (answer.status_code, answer.json()["rule"]) == (424, "column-missing")
    assert world.services.last("delivery.failed")["provider"] == "police"
    world.connecting.disconnect(world.giving, world.interface, TABLE)
    answer = web.get(f"{base(world)}/metadata", headers=who)
    assert (answer.status_code, answer.json()["rule"]) == (403, "no-source")


# ---- sources


@once
def test_every_kind_of_source_gives_the_same_rows(world: World) -> None:
    home = world.folder / "police"
    expected = world.stream().sort_by("GMSFHM")
    (home / "parts").mkdir()
    pq.write_table(people().slice(0, 100), home / "parts" / "a.parquet")
    pq.write_table(people().slice(100), home / "parts" / "b.parquet")
    with duckdb.connect(str(home / "kept.duckdb")) as made:
        made.register("p", people())
        made.execute("CREATE SCHEMA s; CREATE TABLE s.persons AS SELECT * FROM p")
        made.execute(f"COPY p TO '{home}/persons.csv' (FORMAT csv)")
    engine = create_engine(f"sqlite:///{home / 'kept.sqlite'}")
    with engine.begin() as tx:
        tx.execute(
            text(
                "CREATE TABLE persons (GMSFHM TEXT, XM TEXT, CSRQ DATE, HJXZQH TEXT, income NUMERIC(10,2), secret TEXT)"
            )
        )
        rows = [row | {"income": float(row["income"]), "CSRQ": str(row["CSRQ"])} for row in people().to_pylist()]
        tx.execute(text("INSERT INTO persons VALUES (:GMSFHM, :XM, :CSRQ, :HJXZQH, :income, :secret)"), rows)
    engine.dispose()
    for kind, location, item in (
        ("files", "parts", ""), ("files", "parts/*.parquet", ""), ("files", "persons.csv", ""),
        ("duckdb", "kept.duckdb", "s.persons"), ("database", "sqlite:///kept.sqlite", "persons"),
    ):  # fmt: skip
        world.connecting.connect(world.giving, world.interface, TABLE, kind, location, item)
        found = world.stream().sort_by("GMSFHM")
        text_ = pa.schema([("CSRQ", pa.date32()), ("GMSFHM", pa.string()), ("HJXZQH", pa.string())])
        assert found.cast(text_).equals(expected.cast(text_)), location


def test_a_database_url_is_sealed_and_never_shown(world: World, web: TestClient) -> None:
    kept = world.folder / "police" / "kept.sqlite"
    engine = create_engine(f"sqlite:///{kept}")
    with engine.begin() as tx:
        tx.execute(text("CREATE TABLE persons (GMSFHM TEXT, CSRQ DATE, HJXZQH TEXT)"))
    engine.dispose()
    path = f"/api/v1/interfaces/{world.interface}/tables/{TABLE}/source"
    who = world.services.bearer(world.giving)
    body = {"kind": "database", "location": "sqlite://u:hush-hush@/kept.sqlite", "item": "persons"}
    answer = web.put(path, json=body, headers=who)
    assert answer.status_code == 200, answer.text
    assert answer.json()["lacking"] == ["XM", "income", "secret"]
    assert "hush-hush" not in answer.text + web.get(path, headers=who).text
    with world.services.database.reading() as tx:
        row = tx.execute(select(SOURCES)).one()
        assert "hush-hush" not in str(row.location)
        assert b"hush-hush" not in bytes(row.sealed)
    assert "hush-hush" not in str(world.services.last("source.set"))
    found = world.connecting.source(world.services.catalogue.interface(world.interface), TABLE)
    assert found is not None
    assert "hush-hush" in found.url
    assert "hush-hush" not in repr(found)


@contextmanager
def over_tcp(url: str) -> Iterator[str]:
    """The URL of a PostgreSQL server that listens on a socket file, reached through a port of this machine."""
    parsed = make_url(url)
    path = f"{parsed.query['host']}/.s.PGSQL.{parsed.port or 5432}"

    async def piped(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner, outer = await asyncio.open_unix_connection(path)
        await asyncio.gather(piped(reader, outer), piped(inner, writer))

    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(accepted, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        port = server.sockets[0].getsockname()[1]
        yield str(parsed.set(host="localhost", port=port, query={}).render_as_string(hide_password=False))
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@once
def test_a_postgres_table_is_streamed_column_by_column(world: World, postgres: str) -> None:
    engine = create_engine(postgres)
    with engine.begin() as tx:
        tx.execute(text('DROP TABLE IF EXISTS "bulk people"'))
        shape = '"GMSFHM" TEXT, "CSRQ" DATE, "HJXZQH" TEXT, income NUMERIC(10,2), secret BYTEA'
        tx.execute(text(f'CREATE TABLE "bulk people" ({shape})'))
        rows = [{name: row[name] for name in ("GMSFHM", "CSRQ", "HJXZQH", "income")} for row in people().to_pylist()]
        tx.execute(text('INSERT INTO "bulk people" VALUES (:GMSFHM, :CSRQ, :HJXZQH, :income, NULL)'), rows)
    engine.dispose()
    expected = world.stream(world.under(world.agreement, rows="income > 500.0")).sort_by("GMSFHM")
    with over_tcp(postgres) as url:
        world.connecting.connect(world.giving, world.interface, TABLE, "database", url, "public.bulk people")
        assert world.stream().sort_by("GMSFHM").to_pylist() == expected.to_pylist()
        world.sources.admits = Network.of("10.0.0.0/8").admits
        with pytest.raises(Upstream) as raised:
            world.stream()
        assert refused(raised) == "source-unreachable"


OUTSIDE = [
    ("files", "../tax/persons.parquet"),
    ("files", "/etc/passwd"),
    ("files", "link.parquet"),
    ("files", "linked"),
    ("files", "*/../../tax/*.parquet"),
    ("files", "http://169.254.169.254/x.parquet"),
    ("files", "nothing.parquet"),
    ("duckdb", "evil.duckdb"),
    ("duckdb", "../tax/persons.parquet"),
    ("database", "sqlite:///../../../tongban.sqlite"),
    ("database", "sqlite:///link.sqlite"),
    ("database", "sqlite:////etc/passwd"),
    ("database", "sqlite://"),
    ("database", "duckdb:///kept.duckdb"),
    ("database", "postgresql+psycopg://u:p@169.254.169.254/db"),
    ("database", "postgresql+psycopg:///db?host=/var/run/postgresql"),
    ("database", "postgresql+psycopg://u:p@127.0.0.1/db?hostaddr=10.0.0.1"),
    ("database", "postgresql+psycopg://a,b/db"),
    ("database", "not a url"),
]


@once
def test_a_source_reaches_nothing_but_the_departments_own_folder(world: World) -> None:
    home = world.folder / "police"
    (world.folder / "tax").mkdir()
    pq.write_table(people(), world.folder / "tax" / "persons.parquet")
    (home / "link.parquet").symlink_to(world.folder / "tax" / "persons.parquet")
    (home / "linked").symlink_to(world.folder / "tax")
    # no DuckDB stands before this one: only the check of its path does
    engine = create_engine(f"sqlite:///{world.folder / 'tax' / 'other.sqlite'}")
    with engine.begin() as tx:
        tx.execute(text("CREATE TABLE persons (GMSFHM TEXT, CSRQ DATE, HJXZQH TEXT)"))
    engine.dispose()
    (home / "link.sqlite").symlink_to(world.folder / "tax" / "other.sqlite")
    with duckdb.connect(str(home / "evil.duckdb")) as made:
        foreign = world.folder / "tax" / "persons.parquet"
        made.execute(f"CREATE VIEW persons AS SELECT * FROM '{foreign}'")
    for kind, location in OUTSIDE:
        with pytest.raises(Unprocessable):
            world.connecting.connect(world.giving, world.interface, TABLE, kind, location, "persons")
    assert world.connecting.connected(world.giving, world.interface, TABLE).location == "persons.parquet"


@once
def test_column_names_are_no_code(world: World) -> None:
    name = 'a"; DROP TABLE source; --'
    contract = CONTRACT.replace("police.register", "police.odd").replace("{name: secret,", f"{{name: '{name}',")
    made = world.services.catalogue.register(world.giving, "odd.odcs.yaml", contract)
    world.services.lifecycle.publish(world.giving, made.interface, made.version)
    odd = people().rename_columns([*people().column_names[:-1], name])
    pq.write_table(odd, world.folder / "police" / "odd.parquet")
    world.interface = made.interface
    world.connecting.connect(world.giving, made.interface, TABLE, "files", "odd.parquet")
    agreed = world.agree((name, "GMSFHM"), masks={name: {"mask": "truncate", "keep": 4}}, rows=f"`{name}` != 'x'")
    found = world.stream(agreed)
    assert set(found[name].to_pylist()) == {"must"}


@once
def test_terms_are_checked_before_an_agreement_is_made(world: World) -> None:
    check_terms(replace(world.agreement, terms={"rows": "income > 1.0", "masks": {"GMSFHM": "hash"}}))
    for terms in ({"quota": 1}, {"rows": 3}, {"masks": [{"as": "hash"}]}, {"aggregates": "x"}):
        with pytest.raises(Unprocessable):
            check_terms(replace(world.agreement, terms=terms))


@once
def test_only_so_much_is_read_at_a_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exchange.bulk.sources.WAIT_SECONDS", 0.01)
    source = world.connecting.source(world.services.catalogue.interface(world.interface), TABLE)
    assert source is not None
    with world.sources.open(source, None, None), world.sources.open(source, None, None), pytest.raises(Unavailable):
        world.stream()
    assert world.stream().num_rows == ROWS


def test_names_delta_sharing_cannot_carry_are_refused_when_a_source_is_connected() -> None:
    for name in ("persons", "人口_登记", "a-b"):
        assert shareable(name) == name
    for name in ("a.b", "a b", "a/b", "a#b", "a?b", "a%41", "", "x" * 256, "a\n"):
        with pytest.raises(Unprocessable):
            shareable(name)


def test_every_rule_has_words_in_both_languages() -> None:
    assert all(chinese and english and hint for chinese, english, hint in RULES.values())
