"""Bulk sharing: only agreed columns and rows leave, masked before they are written, each file with its receipt."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient

from exchange.agreements.model import Agreement
from exchange.agreements.wish import Mode
from exchange.bulk.checking import check_terms
from exchange.bulk.masks import agreement_key
from exchange.bulk.model import RULES, permitted, shareable
from exchange.bulk.sending import Sent
from exchange.errors import Unprocessable
from tests.unit.exchange.bulked import CONTRACT, MASKS, NUMBERS, PURPOSE, ROWS, TABLE, World, once, people, refused


@pytest.fixture
def world(services: Any, tmp_path: Path) -> World:
    return World(services, tmp_path / "bulk")


@pytest.fixture
def web(world: World) -> Iterator[TestClient]:
    with world.web() as client:
        yield client


# ---- who may


@once
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


@once
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
    assert not world.made()


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
        assert not world.made()


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
    world.streams.done(made, True)
    assert not made.path.exists()


@once
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
        assert not world.made()


@once
def test_a_file_is_about_the_persons_in_it_and_no_others(world: World) -> None:
    def about(**how: Any) -> set[str]:
        made = world.streams.fetch(world.asking, agreed.id, TABLE, PURPOSE, "parquet", **how)
        index = world.services.last("delivery.made")["index"]
        inside = {hashes[value] for value in pq.read_table(made.path)["GMSFHM"].to_pylist()}
        world.streams.done(made, True)
        for number in [*sorted(inside)[:9], *sorted(set(NUMBERS) - inside)[::25]]:
            entries = world.services.ledger.entries(subject=number, limit=100)
            assert (index in {one.index for one in entries}) == (number in inside)
        return inside

    agreed = world.agree(masks={"GMSFHM": "hash"}, rows="HJXZQH == '110101'")
    key = agreement_key(MASKS, agreed.id)
    hashes = {hmac.new(key, b"hash\0" + n.encode(), hashlib.sha256).hexdigest()[:32]: n for n in NUMBERS}
    assert about() == set(NUMBERS[::3])
    assert about(where="CSRQ < '1951-01-01'") == {NUMBERS[n] for n in range(0, ROWS, 60)}
    assert len(about(limit=5)) == 5
    # a source without the column, which is not agreed either, is about nobody we know
    pq.write_table(people().drop(["GMSFHM"]), world.folder / "police" / "persons.parquet")
    assert world.stream(world.agree(("CSRQ",))).num_rows == ROWS


@once
def test_what_cannot_be_given_is_no_fault_of_the_provider(world: World, web: TestClient) -> None:
    made = world.agree(masks={"GMSFHM": "remove"})
    assert world.stream(made, columns=("GMSFHM", "CSRQ")).column_names == ["CSRQ"]
    with pytest.raises(Unprocessable):
        world.stream(made, columns=("GMSFHM",))
    assert world.services.last("delivery.refused")["rule"] == "request-filter"
    who = world.services.bearer(world.asking)
    assert web.get(f"/api/v1/bulk/{made.id}/tables/{TABLE}?limit={10**30}", headers=who).status_code == 422
    # a day or a number out of range must not answer by an error whether its row is there
    with duckdb.connect() as beyond:
        beyond.execute(
            "COPY (SELECT 'a' AS GMSFHM, DATE '5000000-01-01' AS CSRQ, '1' AS HJXZQH, 18446744073709551615::UBIGINT "
            "AS income UNION ALL SELECT 'b', DATE '2000-01-01', '1', 7) "
            f"TO '{world.folder}/police/persons.parquet' (FORMAT parquet)"
        )
    for rows in ("income < 10", "CSRQ < '2001-01-01T00:00:01Z'", "CSRQ.getFullYear() < 2001"):
        assert world.stream(world.under(world.agreement, rows=rows), columns=("GMSFHM",)).num_rows == 1, rows
    assert "delivery.failed" not in world.services.kinds()


@once
def test_moments_of_every_kind_are_compared_and_generalised(world: World) -> None:
    day = datetime(2024, 2, 29, 23, 30)
    for type in (pa.timestamp("ns", "Asia/Shanghai"), pa.timestamp("us", "UTC"), pa.timestamp("ns"), pa.timestamp("s")):
        moments = people().set_column(2, "CSRQ", pa.array([day, None] * (ROWS // 2), type))
        pq.write_table(moments, world.folder / "police" / "persons.parquet")
        terms = {"rows": "CSRQ >= '2024-02-29T00:00:00Z'", "masks": {"CSRQ": {"mask": "generalise", "to": "month"}}}
        found = world.stream(world.under(world.agreement, **terms))["CSRQ"].to_pylist()
        assert found == [date(2024, 2, 1)] * (ROWS // 2), type


@once
def test_a_reader_of_parts_gets_one_file_and_it_is_one_delivery(world: World, web: TestClient) -> None:
    path, who = f"/api/v1/bulk/{world.agreement.id}/tables/{TABLE}", world.services.bearer(world.asking)
    who |= {"Tongban-Purpose": "%E5%8A%9E%E5%8D%A1"}
    made = world.services.kinds

    def part(first: int, last: int | str = "") -> Any:
        return web.get(path, headers=who | {"Range": f"bytes={first}-{last}"})

    # a part of what nobody began fits nothing: rows come in no particular order
    assert (part(10).status_code, made().count("delivery.made")) == (200, 1)
    size = int(web.head(path, headers=who).headers["content-length"])
    assert made().count("delivery.made") == 1
    parts = [part(0, 99), part(100, size - 1)]
    assert [one.status_code for one in parts] == [206, 206]
    whole = b"".join(one.content for one in parts)
    assert hashlib.sha256(whole).hexdigest() == parts[0].headers["etag"].strip('"')
    assert pq.read_table(pa.BufferReader(whole)).num_rows == ROWS
    assert parts[0].headers["tongban-receipt"] == parts[1].headers["tongban-receipt"]
    assert made().count("delivery.made") == 2
    # another filter, another file; another caller likewise
    assert web.get(path, headers=who | {"Range": "bytes=5-"}, params={"limit": 3}).status_code == 200
    world.agreements.suspend(world.giving, world.agreement.id, "misuse")
    assert (part(100).status_code, part(100).json()["rule"]) == (403, "agreement-not-active")
    world.agreements.resume(world.giving, world.agreement.id, "corrected")
    assert part(100).status_code == 206
    world.services.clock.advance(minutes=11)
    world.streams.due()
    assert not list((world.folder / "work" / "streams").iterdir())
    assert part(100).status_code == 200


@once
def test_a_broken_download_goes_on_and_counts_what_was_sent(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exchange.bulk.streams.MOST_KEPT", 2)
    fetch = partial(world.streams.fetch, world.asking, world.agreement.id, TABLE, PURPOSE, "csv")
    begun = fetch()
    begun.path.write_bytes(b"x" * 5_000_000)
    told: list[tuple[int, bool]] = []

    async def received() -> dict[str, Any]:
        await asyncio.sleep(0)
        return {"type": "http.disconnect"} if len(sent) > 2 else {"type": "http.request"}

    async def send(message: Any) -> None:
        sent.append(message)
        await asyncio.sleep(0.001)

    for hangs_up in (True, False):
        sent: list[Any] = []
        answer = Sent(begun.path, "text/csv", {}, lambda *what: told.append(what))
        scope = {"type": "http", "method": "GET", "headers": []}
        asyncio.run(answer(scope, received if hangs_up else asyncio.Event().wait, send))
    (cut, whole), (rest, all_) = told
    assert (0 < cut < 5_000_000, whole, rest, all_) == (True, False, 5_000_000, True)
    world.streams.done(begun, False)
    assert fetch(part=True).path == begun.path
    many = [fetch(look=True, limit=n) for n in range(4)]
    assert [one.path.exists() for one in many] == [False, False, True, True]
    again = fetch()
    world.streams.done(again, True)
    assert not again.path.exists()


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
    unsound = {"aggregates": {"epsilon": 0}}
    for terms in ({"quota": 1}, {"rows": 3}, {"masks": [{"as": "hash"}]}, {"aggregates": "x"}, unsound):
        with pytest.raises(Unprocessable):
            check_terms(replace(world.agreement, terms=terms))


def test_names_delta_sharing_cannot_carry_are_refused_when_a_source_is_connected() -> None:
    for name in ("persons", "人口_登记", "a-b"):
        assert shareable(name) == name
    for name in ("a.b", "a b", "a/b", "a#b", "a?b", "a%41", "", "x" * 256, "a\n"):
        with pytest.raises(Unprocessable):
            shareable(name)


def test_every_rule_has_words_in_both_languages() -> None:
    assert all(chinese and english and hint for chinese, english, hint in RULES.values())
