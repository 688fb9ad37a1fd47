"""Hosted sandboxes: keys, isolation, writes that survive, and the department behind the broker."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import orjson
import pytest
from fastapi.testclient import TestClient

from exchange.catalogue.model import State
from exchange.errors import Forbidden, NotFound, TooMany, Unauthenticated, Unprocessable
from exchange.sandboxes import model, store
from exchange.sandboxes.overlay import DurableOverlay
from exchange.sandboxes.service import Sandboxes
from tests.unit.exchange.hosted import NOTES, ask, made

# ---- who may


def test_nobody_gets_nothing(web: TestClient) -> None:
    for method, path in (
        ("POST", "sandboxes"),
        ("GET", "sandboxes"),
        ("GET", "sandboxes/sbx_1"),
        ("GET", "sandboxes/sbx_1/calls"),
    ):
        assert web.request(method, f"/api/v1/{path}", json={}).status_code == 401, path
    assert web.get("/sandboxes/sbx_1/police.notes/notes").status_code == 401


def test_a_sandbox_and_its_calls_are_its_owners(services: Any, sandboxes: Sandboxes) -> None:
    opened = sandboxes.open(services.vendor("acme"), ["police.notes"])
    rival = services.vendor("rival")
    for use in (lambda: sandboxes.get(rival, opened.hosted.id), lambda: sandboxes.calls(rival, opened.hosted.id)):
        with pytest.raises(NotFound):
            use()
    assert sandboxes.listed(rival) == []
    assert [one.id for one in sandboxes.listed(services.officer())] == [opened.hosted.id]
    for caller in (services.caller("citizens", "public", "citizen"), services.officer()):
        with pytest.raises(Forbidden):
            sandboxes.open(caller, ["police.notes"])


def test_only_the_key_opens_it_and_only_its_hash_is_kept(services: Any, sandboxes: Sandboxes) -> None:
    opened = sandboxes.open(services.vendor(), ["police.notes"])
    other = sandboxes.open(services.vendor("rival"), ["police.notes"])
    assert ask(sandboxes, opened, "GET", "/notes").status == 200
    for key in ("", "wrong", other.key, model.provider_key(b"x" * 32, opened.hosted.id)):
        with pytest.raises(Unauthenticated):
            ask(sandboxes, replace(opened, key=key), "GET", "/notes")
    with services.database.reading() as tx:
        row = tx.execute(store.SANDBOXES.select()).first()
    assert opened.key not in str(row)
    assert opened.key not in str([entry.data for entry in services.ledger.entries(limit=100)])


# ---- opening


def test_what_cannot_be_opened(services: Any, sandboxes: Sandboxes, monkeypatch: pytest.MonkeyPatch) -> None:
    vendor = services.vendor()
    with pytest.raises(Unprocessable):
        sandboxes.open(vendor, [])
    with pytest.raises(Unprocessable):
        sandboxes.open(vendor, ["police.notes"], matter="newborn")
    with pytest.raises(Unprocessable):
        sandboxes.open(vendor, ["police.notes"], seed="x" * 65)
    with pytest.raises(NotFound, match=r"police\.nothing, tax\.nothing"):
        sandboxes.open(vendor, ["police.notes", "police.nothing", "tax.nothing"])
    with pytest.raises(NotFound, match="no matter"):
        sandboxes.open(vendor, matter="nothing")
    with pytest.raises(NotFound, match=r"civil-affairs\.marriages"):
        sandboxes.open(vendor, matter="newborn")
    monkeypatch.setattr("exchange.sandboxes.service.MOST_OPEN", 0)
    with pytest.raises(TooMany):
        sandboxes.open(vendor, ["police.notes"])
    assert "sandbox.opened" not in services.kinds()


def test_a_draft_is_for_its_own_department_only(services: Any, sandboxes: Sandboxes) -> None:
    police = services.department("police")
    draft = services.catalogue.register(police, "d.yaml", NOTES.replace("police.notes", "police.drafts"))
    assert draft.state is State.DRAFT
    assert sandboxes.open(police, ["police.drafts"]).hosted.interfaces == (("police.drafts", "1.0.0"),)
    with pytest.raises(NotFound):
        sandboxes.open(services.vendor(), ["police.drafts"])


# ---- worlds


def test_vendors_never_see_each_others_writes_and_departments_share_a_country(
    services: Any, sandboxes: Sandboxes
) -> None:
    one, two = (sandboxes.open(services.vendor(name), ["police.notes"], seed="7") for name in ("acme", "rival"))
    police, tax = (sandboxes.open(services.department(name), ["police.notes"], seed="7") for name in ("police", "tax"))
    note = {"id": "n1", "text": "mine"}
    assert ask(sandboxes, one, "POST", "/notes", note).status == 201
    assert ask(sandboxes, police, "POST", "/notes", {"id": "n2", "text": "ours"}).status == 201
    assert orjson.loads(ask(sandboxes, one, "GET", "/notes/n1").body) == note
    # what nobody wrote, the virtual base makes up; what the neighbour wrote must not show through
    assert b"mine" not in ask(sandboxes, two, "GET", "/notes/n1").body
    assert b"mine" not in ask(sandboxes, police, "GET", "/notes/n1").body
    assert b"ours" in ask(sandboxes, tax, "GET", "/notes/n2").body
    assert b"ours" not in ask(sandboxes, one, "GET", "/notes/n2").body


def test_acknowledged_writes_survive_a_restart(services: Any, sandboxes: Sandboxes) -> None:
    opened = sandboxes.open(services.vendor(), ["police.notes"])
    for number in range(5):
        note = {"id": f"n{number}", "text": f"t{number}"}
        assert ask(sandboxes, opened, "POST", "/notes", note, **{"idempotency-key": f"key-{number}"}).status == 201
    assert ask(sandboxes, opened, "DELETE", "/notes/n3").status == 204
    # nothing is closed or flushed: the first service is simply gone, as after kill -9
    again = made(services)
    try:
        assert orjson.loads(ask(again, opened, "GET", "/notes/n1").body) == {"id": "n1", "text": "t1"}
        assert ask(again, opened, "GET", "/notes/n3").status == 404
        before, after = (ask(service, opened, "GET", "/notes").body for service in (sandboxes, again))
        assert orjson.loads(before) == orjson.loads(after)
        repeat = {"id": "n4", "text": "t4"}
        first = ask(again, opened, "POST", "/notes", repeat, **{"idempotency-key": "key-4"})
        assert (first.status, orjson.loads(first.body)) == (201, repeat)
        assert (
            ask(again, opened, "POST", "/notes", {"id": "n9", "text": ""}, **{"idempotency-key": "key-4"}).status == 422
        )
    finally:
        again.close()


def test_a_write_that_cannot_be_kept_is_not_acknowledged_and_not_remembered(
    services: Any, sandboxes: Sandboxes, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = sandboxes.open(services.vendor(), ["police.notes"])

    def full(*_: object) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(DurableOverlay, "keep", full)
        with pytest.raises(OSError, match="space"):
            ask(sandboxes, opened, "POST", "/notes", {"id": "n1", "text": "lost"})
    assert b"lost" not in ask(sandboxes, opened, "GET", "/notes/n1").body


def test_many_sandboxes_and_threads_keep_their_writes_apart(
    services: Any, sandboxes: Sandboxes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exchange.sandboxes.hosting.KEPT", 2)
    opened = [sandboxes.open(services.vendor(), ["police.notes"]) for _ in range(5)]

    def work(number: int) -> int:
        one = opened[number % 5]
        return ask(sandboxes, one, "POST", "/notes", {"id": f"n{number}", "text": f"t{number}"}).status

    with ThreadPoolExecutor(6) as threads:
        assert set(threads.map(work, range(60))) == {201}
    for number in range(60):
        assert b'"t%d"' % number in ask(sandboxes, opened[number % 5], "GET", f"/notes/n{number}").body


# ---- calls


def test_calls_are_recorded_without_the_key_and_bounded(
    services: Any, sandboxes: Sandboxes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "CALLS_KEPT", 5)
    vendor = services.vendor()
    opened = sandboxes.open(vendor, ["police.notes"])
    for number in range(8):
        services.clock.advance(milliseconds=1)
        ask(sandboxes, opened, "GET", f"/notes/n{number}")
    services.clock.advance(milliseconds=1)
    ask(sandboxes, opened, "POST", "/notes", {"id": 7, "text": "x" * 20_000})
    calls = sandboxes.calls(vendor, opened.hosted.id)
    assert len(calls) == 5
    newest = calls[0]
    assert (newest.operation, newest.valid, newest.path_template) == ("addNote", False, "/notes")
    assert newest.detail["body"] == {"cut": 20_021}
    assert newest.detail["violations"]
    assert calls[1].fields_returned == ("id", "text")
    assert calls[1].detail["path"] == "/police.notes/notes/n7"
    assert opened.key not in str(calls)


# ---- in the place of a department


def test_the_broker_gets_a_key_to_the_departments_own_sandbox_only(services: Any, sandboxes: Sandboxes) -> None:
    police = sandboxes.open(services.department("police"), ["police.notes"])
    foreign = sandboxes.open(services.vendor(), ["police.notes"])
    header = sandboxes.credential("police.notes", "police", f"{police.url}/police.notes")
    assert header is not None
    assert header[0] == "Authorization"
    key = header[1].removeprefix("Bearer ")
    assert ask(sandboxes, replace(police, key=key), "GET", "/notes").status == 200
    with pytest.raises(Unauthenticated):
        ask(sandboxes, replace(foreign, key=key), "GET", "/notes")
    assert sandboxes.credential("police.notes", "police", f"{foreign.url}/police.notes") is None
    assert sandboxes.credential("police.notes", "police", "http://tongban.test.evil/sandboxes/x") is None
    assert sandboxes.credential("police.notes", "police", "https://police.gov.example/notes") is None


def test_over_http(services: Any, sandboxes: Sandboxes, web: TestClient) -> None:
    headers = services.bearer(services.vendor())
    answer = web.post("/api/v1/sandboxes", json={"interfaces": ["police.notes"], "seed": 7}, headers=headers)
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    box = answer.json()
    path = box["url"].removeprefix("http://tongban.test")
    key = {"Authorization": f"Bearer {box['key']}"}
    assert web.post(f"{path}/police.notes/notes", json={"id": "a b/c", "text": "t"}, headers=key).status_code == 201
    got = web.get(f"{path}/police.notes/notes/a%20b%2Fc", headers=key)
    assert got.json() == {"id": "a b/c", "text": "t"}
    refused = web.get(f"{path}/police.notes/notes", headers={"Authorization": "Bearer no"})
    assert (refused.status_code, refused.headers["content-type"]) == (401, "application/problem+json")
    assert web.get(f"{path}/police.nothing/x", headers=key).status_code == 404
    assert web.post(f"{path}/police.notes/notes", content=b"x" * (4 * 2**20 + 1), headers=key).status_code == 413
    shown = web.get(f"/api/v1/sandboxes/{box['id']}", headers=headers).json()
    assert "key" not in shown
    calls = web.get(f"/api/v1/sandboxes/{box['id']}/calls", headers=headers).json()["items"]
    assert [call["operation"] for call in calls if call["operation"]] == ["getNote", "addNote"]
