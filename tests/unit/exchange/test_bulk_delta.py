"""The Delta Sharing protocol as its clients read it: lists, formats, signed URLs, versions, and every refusal."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient

from exchange.bulk import delta
from tests.unit.exchange.bulked import ROWS, TABLE, World, base, bearer, lines_of, once, path_of, people


@pytest.fixture
def world(services: Any, tmp_path: Path) -> World:
    return World(services, tmp_path / "bulk")


@pytest.fixture
def web(world: World) -> Iterator[TestClient]:
    with world.web() as client:
        yield client


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
    for token in ("x", "LTE=", "OTk5OTk5"):
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
def test_hints_narrow_and_history_is_refused(world: World, web: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    # a file whose persons are known one by one is not cut again, so let these be too many
    monkeypatch.setattr("exchange.bulk.making.MOST_SUBJECTS", 100)
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


@once
def test_terms_narrowed_amid_a_list_of_files_stop_the_next_and_its_renewal(world: World, web: TestClient) -> None:
    who = bearer(world, web)

    def ask(**more: Any) -> list[dict[str, Any]]:
        return lines_of(web.post(f"{base(world)}/query", headers=who, json=more))

    def rule(url: str) -> tuple[int, str]:
        answer = web.get(path_of(url))
        return answer.status_code, answer.json()["rule"]

    *_, file, end = ask(includeRefreshToken=True)
    url, token = file["file"]["url"], end["endStreamAction"]["refreshToken"]
    for narrowed in (
        replace(world.agreement, terms={"masks": {"GMSFHM": "hash"}}),
        replace(world.agreement, terms={"rows": "HJXZQH == '110101'"}),
        replace(world.agreement, scope={TABLE: ("/*/CSRQ", "/*/HJXZQH")}),
        replace(world.agreement, terms={"rows": 5}),
    ):
        world.save(narrowed)
        assert rule(url) == (403, "terms-changed")
        renewed = web.post(f"{base(world)}/query", headers=who, json={"refreshToken": token})
        assert (renewed.status_code, renewed.json()["rule"]) == (403, "terms-changed")
        assert world.services.last("delivery.refused")["rule"] == "terms-changed"
    assert "delivery.made" not in world.services.kinds()
    world.save(world.agreement)
    world.connecting.disconnect(world.giving, world.interface, TABLE)
    assert rule(url) == (403, "no-source")
    world.connecting.connect(world.giving, world.interface, TABLE, "files", "persons.parquet")
    assert web.get(path_of(url)).status_code == 200


@once
def test_files_that_are_renewed_are_kept(world: World, web: TestClient) -> None:
    who = bearer(world, web)
    *_, end = lines_of(web.post(f"{base(world)}/query", headers=who, json={"includeRefreshToken": True}))
    pq.write_table(people().slice(0, 9), world.folder / "police" / "persons.parquet")
    web.get(f"{base(world)}/version", headers=who)  # the files are of an older version now
    body = {"refreshToken": end["endStreamAction"]["refreshToken"]}
    for _ in range(4):
        world.services.clock.advance(minutes=50)
        world.bulk.due()
        *_, file = lines_of(web.post(f"{base(world)}/query", headers=who, json=body))
    assert web.get(path_of(file["file"]["url"])).status_code == 200
    world.services.clock.advance(hours=3)
    world.bulk.due()
    assert web.post(f"{base(world)}/query", headers=who, json=body).status_code == 404


@once
def test_what_is_not_offered_is_refused_by_name_in_the_protocols_words(world: World, web: TestClient) -> None:
    who = bearer(world, web)
    for method, path, named in (
        ("GET", f"{base(world)}/changes?startingVersion=0", "change data feed"),
        ("POST", f"{base(world)}/temporary-table-credentials", "directory access"),
        ("POST", f"{base(world)}/queries/1", "asynchronous"),
        ("GET", f"{base(world)}/metadata?timestamp=2026-01-01T00:00:00Z", "timestamp"),
        ("GET", f"{base(world)}/version?startingTimestamp=2026-01-01T00:00:00Z", "startingTimestamp"),
        ("GET", "/delta-sharing/shares?maxResults=x", "maxResults"),
        ("GET", "/delta-sharing/shares?maxResults=-1", "maxResults"),
    ):
        answer = web.request(method, path, headers=who)
        [told] = lines_of(answer)
        assert (answer.status_code, told["errorCode"]) == (400, "INVALID_PARAMETER_VALUE"), path
        assert named in told["message"]
    for body in (b"[" * 100_000, b"\xff", b"null", b'{"startingVersion": 0}'):
        assert web.post(f"{base(world)}/query", headers=who, content=body).status_code == 400
    assert web.get("/delta-sharing/files/qry_1/x.parquet").json()["errorCode"] == "RESOURCE_DOES_NOT_EXIST"
    for method in ("GET", "POST"):
        path = f"{base(world)}/{'metadata' if method == 'GET' else 'query'}"
        assert web.request(method, path, headers=who | {"fileidhash": "md5"}).status_code == 400
        echoed = web.request(method, path, headers=who | {"fileidhash": "Delta"}, content=b"{}")
        assert echoed.headers["fileidhash"] == "delta"
    assert web.head(base(world), headers=who).headers["delta-table-version"] == "0"
    wants = who | {"delta-sharing-capabilities": "responseformat=delta;includeEndStreamAction=true"}
    ends = web.post(f"{base(world)}/query", headers=wants, json={})
    assert ends.headers["delta-sharing-capabilities"] == "responseformat=delta;includeendstreamaction=true"
    assert lines_of(ends)[-1].keys() == {"endStreamAction"}


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
