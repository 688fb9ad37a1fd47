"""Hosted sandboxes under control: who may, what is durable, what the ledger says, and the record over HTTP."""

from __future__ import annotations

import http.client
import json
from typing import Any

import anyio
import orjson
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from exchange.errors import Conflict, Forbidden, NotFound, TooMany, Unauthenticated, Unprocessable
from exchange.sandboxes import control_routes, model
from exchange.sandboxes.service import Sandboxes
from mockdata.sandbox.delivery import showing
from mockdata.sandbox.messages import Request, Response
from mockdata.sandbox.serve import ServedSandbox
from tests.unit.exchange.hosted import NOTES, Listener, ask, made

DOWN = [{"target": "police.", "status": 503, "retry_after": 4}]


def add(sandboxes: Sandboxes, opened: model.Opened, number: int) -> Response:
    return ask(sandboxes, opened, "POST", "/notes", {"id": f"n{number}", "text": f"t{number}"})


def text(sandboxes: Sandboxes, opened: model.Opened, number: int) -> str:
    return str(orjson.loads(ask(sandboxes, opened, "GET", f"/notes/n{number}").body)["text"])


ROUTES = (
    ("GET", "state", None),
    ("POST", "reset", None),
    ("GET", "snapshots", None),
    ("POST", "snapshot", {"name": "a"}),
    ("POST", "restore", {"name": "a"}),
    ("POST", "seed", {"seed": "8"}),
    ("GET", "clock", None),
    ("POST", "clock", {"advance": "P1D"}),
    ("GET", "faults", None),
    ("PUT", "faults", DOWN),
    ("DELETE", "faults", None),
    ("GET", "personas", None),
    ("GET", "calls", None),
    ("GET", "calls.har", None),
)
"""The webhook is asked for below: here nothing may be sent."""


def test_nobody_then_a_stranger_then_the_reader_then_the_owner(
    services: Any, sandboxes: Sandboxes, web: TestClient
) -> None:
    opened = sandboxes.open(services.vendor(), ["police.notes"])
    base = f"/api/v1/sandboxes/{opened.hosted.id}"

    def status(method: str, noun: str, body: Any, headers: dict[str, str]) -> int:
        return web.request(method, f"{base}/{noun}", json=body, headers=headers).status_code

    stranger, officer = services.bearer(services.vendor("rival")), services.bearer(services.officer())
    owner = services.bearer(services.vendor())
    for method, noun, body in ROUTES:
        assert status(method, noun, body, {}) == 401, noun
        assert status(method, noun, body, stranger) == 404, noun
        assert status(method, noun, body, officer) == (200 if method == "GET" else 403), noun
    assert sandboxes.control.state(services.vendor(), opened.hosted.id)["faults"] == []
    assert not [kind for kind in services.kinds() if kind.startswith("sandbox.") and kind != "sandbox.opened"]
    for method, noun, body in ROUTES:
        assert status(method, noun, body, owner) == 200, noun
    for headers in ({}, {"Authorization": "Bearer sbk_wrong"}, {"Authorization": f"Bearer {opened.key}x"}):
        assert status("GET", "events", None, headers) == 401
    assert status("GET", "events", None, stranger) == 404


def test_reset_snapshot_and_restore_are_durable_and_in_the_ledger(services: Any, sandboxes: Sandboxes) -> None:
    vendor, control = services.vendor(), sandboxes.control
    opened, other = (sandboxes.open(vendor, ["police.notes"]) for _ in range(2))
    id = opened.hosted.id
    add(sandboxes, opened, 1)
    add(sandboxes, other, 1)
    ask(sandboxes, opened, "DELETE", "/notes/n2")
    control.snapshot(vendor, id, "before")
    add(sandboxes, opened, 3)
    control.reset(vendor, id)
    assert text(sandboxes, opened, 1) != "t1"
    assert text(sandboxes, other, 1) == "t1"
    again = made(services)  # the first service is gone, as after kill -9
    try:
        again.control.restore(vendor, id, "before")
        assert text(again, opened, 1) == "t1"
        assert text(again, opened, 3) != "t3"
        assert ask(again, opened, "GET", "/notes/n2").status == 404
        # another worker that still holds the world as it was before learns of it with the next call
        assert text(sandboxes, opened, 1) == "t1"
        assert add(sandboxes, opened, 4).status == 201
    finally:
        again.close()
    with pytest.raises(NotFound, match="no snapshot"):
        control.restore(vendor, id, "never")
    with pytest.raises(Unprocessable):
        control.snapshot(vendor, id, "")
    kinds = [kind for kind in services.kinds() if kind.startswith("sandbox.")]
    assert kinds == ["sandbox.opened", "sandbox.opened", "sandbox.snapshot", "sandbox.reset", "sandbox.restored"]
    assert services.last("sandbox.restored")["name"] == "before"


def test_snapshots_are_bounded_and_names_can_be_used_again(
    services: Any, sandboxes: Sandboxes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exchange.sandboxes.control.MOST_SNAPSHOTS", 2)
    vendor, control = services.vendor(), sandboxes.control
    opened = sandboxes.open(vendor, ["police.notes"])
    add(sandboxes, opened, 1)
    for name in ("a", "b", "a"):
        control.snapshot(vendor, opened.hosted.id, name)
    with pytest.raises(TooMany):
        control.snapshot(vendor, opened.hosted.id, "c")
    assert {one["name"] for one in control.state(vendor, opened.hosted.id)["snapshots"]} == {"a", "b"}


def test_clock_and_faults_are_durable_and_reach_every_worker(services: Any, sandboxes: Sandboxes) -> None:
    vendor, control = services.vendor(), sandboxes.control
    opened = sandboxes.open(vendor, ["police.notes"])
    id = opened.hosted.id
    assert ask(sandboxes, opened, "GET", "/notes").status == 200
    again = made(services)
    try:
        assert again.control.set_clock(vendor, id, {"advance": "P13M", "running": False})["now"].startswith(
            "2027-12-02"
        )
        again.control.set_faults(vendor, id, DOWN)
        for service in (sandboxes, again):
            down = ask(service, opened, "GET", "/notes")
            assert (down.status, down.header("retry-after")) == (503, "4")
        services.clock.advance(days=3)
        assert control.shown_clock(control.visible(vendor, id))["now"].startswith("2027-12-02")
        control.set_faults(vendor, id, [])
        control.set_clock(vendor, id, {"real": True})
        assert {ask(service, opened, "GET", "/notes").status for service in (sandboxes, again)} == {200}
        assert not control.shown_clock(control.visible(vendor, id))["virtual"]
    finally:
        again.close()
    for change in ({}, {"advance": "1 day"}, "soon", {"set": None}):
        with pytest.raises(Unprocessable):
            control.set_clock(vendor, id, change)
    for plan, pointer in (
        ([{"target": "tax.", "drop": True}], "/0/target"),
        ([{"target": "*", "drop": True, "operations": ["nothing"]}], "/0/operations"),
        ([{"target": "*", "stale": {"snapshot": "never"}}], "/0/stale/snapshot"),
        ([{"target": "*", "status": 200}], "/0/status"),
        ("down", ""),
    ):
        with pytest.raises(Unprocessable) as wrong:
            control.set_faults(vendor, id, plan)
        assert wrong.value.extra["pointer"] == pointer
    kinds = [kind for kind in services.kinds() if kind in ("sandbox.clock", "sandbox.faults")]
    assert kinds == ["sandbox.clock", "sandbox.faults", "sandbox.faults", "sandbox.clock"]


def test_answers_as_of_a_snapshot(services: Any, sandboxes: Sandboxes) -> None:
    vendor, control = services.vendor(), sandboxes.control
    opened = sandboxes.open(vendor, ["police.notes"])
    add(sandboxes, opened, 1)
    control.snapshot(vendor, opened.hosted.id, "before")
    assert ask(sandboxes, opened, "DELETE", "/notes/n1").status == 204
    control.set_faults(vendor, opened.hosted.id, [{"target": "*", "stale": {"snapshot": "before"}}])
    assert text(sandboxes, opened, 1) == "t1"
    assert add(sandboxes, opened, 2).status == 201
    control.set_faults(vendor, opened.hosted.id, [])
    assert ask(sandboxes, opened, "GET", "/notes/n1").status == 404
    assert text(sandboxes, opened, 2) == "t2"


def test_another_seed_is_another_country(services: Any, sandboxes: Sandboxes) -> None:
    vendor, control = services.vendor(), sandboxes.control
    opened = sandboxes.open(vendor, ["police.notes"], seed="7")
    id = opened.hosted.id
    before = [text(sandboxes, opened, number) for number in range(5, 15)]
    add(sandboxes, opened, 1)
    control.snapshot(vendor, id, "seven")
    control.set_seed(vendor, id, 8)
    assert [text(sandboxes, opened, number) for number in range(5, 15)] != before
    assert text(sandboxes, opened, 1) != "t1"
    with pytest.raises(Conflict, match="seed 7"):
        control.restore(vendor, id, "seven")
    control.set_seed(vendor, id, "7")
    assert [text(sandboxes, opened, number) for number in range(5, 15)] == before
    control.restore(vendor, id, "seven")
    assert text(sandboxes, opened, 1) == "t1"
    with pytest.raises(Unprocessable):
        control.set_seed(vendor, id, "x" * 65)


def test_departments_do_not_take_back_what_others_wrote(services: Any, sandboxes: Sandboxes) -> None:
    police, tax = services.department("police"), services.department("tax")
    one, two = (sandboxes.open(who, ["police.notes"], seed="7") for who in (police, tax))
    add(sandboxes, one, 1)
    control = sandboxes.control
    assert control.state(tax, two.hosted.id)["shared_with"] == ["police"]
    with pytest.raises(Conflict, match="share one world"):
        control.reset(tax, two.hosted.id)
    assert text(sandboxes, two, 1) == "t1"
    control.set_seed(tax, two.hosted.id, "9")
    assert text(sandboxes, two, 1) != "t1"
    control.reset(tax, two.hosted.id)
    assert text(sandboxes, one, 1) == "t1"
    with pytest.raises(Forbidden):
        control.reset(services.officer(), one.hosted.id)
    for caller, kind in ((None, Unauthenticated), (tax, NotFound)):
        with pytest.raises(kind):
            control.reset(caller, one.hosted.id)


def test_calls_are_searched_paged_exported_and_followed(services: Any, sandboxes: Sandboxes, web: TestClient) -> None:
    opened = sandboxes.open(services.vendor(), ["police.notes"])
    headers, base = services.bearer(services.vendor()), f"/api/v1/sandboxes/{opened.hosted.id}"
    for number in (1, 2):
        services.clock.advance(seconds=1)
        add(sandboxes, opened, number)
    services.clock.advance(seconds=1)
    ask(sandboxes, opened, "POST", "/notes", {"id": 7, "password": "hush"})
    services.clock.advance(seconds=1)
    listed = orjson.loads(ask(sandboxes, opened, "GET", "/notes").body)
    ask(sandboxes, opened, "GET", "/nothing")
    services.clock.advance(seconds=1)
    longest = max((one["id"] for one in listed if not one["id"].startswith("n")), key=len)
    ask(sandboxes, opened, "GET", f"/notes/{longest}")

    def found(query: str) -> list[Any]:
        answer = web.get(f"{base}/calls?{query}", headers=headers)
        assert answer.status_code == 200, answer.text
        return [(one["operation"], one["status"]) for one in answer.json()["items"]]

    assert len(found("")) == 6
    assert found("status=201") == [("addNote", 201)] * 2
    assert {status // 100 for _, status in found("status=4xx")} == {4}
    assert len(found("valid=false")) == 2
    assert len(found("operation=police.notes%23addNote")) == len(found("operation=addNote")) == 3
    assert found("text=T2&status=201") == [("addNote", 201)]
    assert len(found("since=2026-11-02T01:00:04Z")) == 3
    first = web.get(f"{base}/calls?limit=4", headers=headers).json()
    rest = web.get(f"{base}/calls", params={"limit": 4, "page_token": first["next_page_token"]}, headers=headers).json()
    assert len({one["id"] for one in first["items"] + rest["items"]}) == 6
    used = [one["fields_used"] for one in first["items"] if one["operation"] == "listNotes"]
    assert used == [["id"] if len(longest) >= 4 else []]
    for query, status in (("status=all", 400), ("since=soon", 422), ("valid=perhaps", 422)):
        assert web.get(f"{base}/calls?{query}", headers=headers).status_code == status
    archive = web.get(f"{base}/calls.har", headers=headers)
    entries = archive.json()["log"]["entries"]
    assert len(entries) == 6
    assert entries[0]["request"]["url"] == f"{opened.url}/police.notes/notes"
    assert json.loads(entries[0]["response"]["content"]["text"]) == {"id": "n1", "text": "t1"}
    for secret in (opened.key, "hush"):
        assert secret not in archive.text
        assert secret not in web.get(f"{base}/calls", headers=headers).text


def test_events_follow_and_go_on_where_one_was(
    services: Any, sandboxes: Sandboxes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exchange.sandboxes.watching.TICK", 0.01)
    opened = sandboxes.open(services.vendor(), ["police.notes"])
    id, watching = opened.hosted.id, sandboxes.watching
    add(sandboxes, opened, 1)
    start = watching.newest(id)

    async def follow(last: str, wanted: int, act: Any = None) -> list[dict[str, Any]]:
        heard = []
        stream = watching.events(id, last)
        async for part in stream:
            if act is not None and not heard and part.startswith(b":"):
                await anyio.to_thread.run_sync(act)
            if b"data: " in part:
                heard.append(orjson.loads(part.split(b"data: ")[1]))
                if len(heard) == wanted:
                    await stream.aclose()  # type: ignore[attr-defined]
                    break
        return heard

    def act() -> None:
        for number in (2, 3):
            services.clock.advance(milliseconds=5)
            add(sandboxes, opened, number)

    heard = anyio.run(follow, start, 2, act)
    assert [one["answer"]["id"] for one in heard] == ["n2", "n3"]
    assert [one["answer"]["id"] for one in anyio.run(follow, heard[0]["id"], 1)] == ["n3"]


def test_a_cut_connection_and_a_slow_body_over_http(services: Any, sandboxes: Sandboxes, web: TestClient) -> None:
    vendor = services.vendor()
    opened = sandboxes.open(vendor, ["police.notes"])
    place = f"/sandboxes/{opened.hosted.id}/police.notes/notes/n1"
    key = {"Authorization": f"Bearer {opened.key}"}
    whole = web.get(place, headers=key).content
    sandboxes.control.set_faults(vendor, opened.hosted.id, [{"target": "*", "bytes_per_second": len(whole) * 10}])
    assert web.get(place, headers=key).content == whole
    for fault in ({"drop": True}, {"truncate": 0.5}):
        sandboxes.control.set_faults(vendor, opened.hosted.id, [{"target": "*", **fault}])
        with pytest.raises(Exception, match="dropped"):
            web.get(place, headers=key)


def test_faults_are_counted_on_after_a_restart(services: Any, sandboxes: Sandboxes) -> None:
    vendor = services.vendor()
    opened = sandboxes.open(vendor, ["police.notes"])
    plan = [{"target": "*", "status": 503, "calls": 3}, {"target": "*", "latency_ms": 1, "every": 2}]

    def statuses(service: Sandboxes, times: int) -> list[int]:
        return [ask(service, opened, "GET", "/notes").status for _ in range(times)]

    sandboxes.control.set_faults(vendor, opened.hosted.id, plan)
    assert statuses(sandboxes, 2) == [503, 503]
    again = made(services)  # as after kill -9: nothing of the first one is closed or flushed
    try:
        assert statuses(again, 3) == [503, 200, 200]
    finally:
        again.close()
    last = made(services)
    try:
        assert statuses(last, 1) == [200], "what is used up stays used up"
        last.control.set_faults(vendor, opened.hosted.id, plan)
        assert statuses(last, 4) == [503, 503, 503, 200], "the same plan set again is counted from the start"
    finally:
        last.close()


def test_a_connection_is_dropped_over_a_real_server(services: Any, sandboxes: Sandboxes) -> None:
    vendor = services.vendor()
    opened = sandboxes.open(vendor, ["police.notes"])
    app = FastAPI()
    app.mount("/sandboxes", sandboxes)
    key = {"Authorization": f"Bearer {opened.key}"}
    place = f"/sandboxes/{opened.hosted.id}/police.notes/notes/n1"

    def get(port: int) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", place, headers=key)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    with ServedSandbox(showing(app)) as served:
        port = int(served.url.rpartition(":")[2])
        status, whole = get(port)
        assert status == 200
        sandboxes.control.set_faults(vendor, opened.hosted.id, [{"target": "*", "drop": True}])
        with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
            get(port)
        sandboxes.control.set_faults(vendor, opened.hosted.id, [{"target": "*", "truncate": 0.5}])
        with pytest.raises(http.client.IncompleteRead) as cut:
            get(port)
        assert cut.value.partial == whole[: len(whole) // 2]
        sandboxes.control.set_faults(vendor, opened.hosted.id, [])
        assert get(port) == (200, whole)
    sandboxes.hosting.flush()
    assert [call.detail["dropped"] for call in sandboxes.calls(vendor, opened.hosted.id)] == [False, False, True, False]


CALLING = NOTES.replace("police.notes", "police.calling").replace(
    "paths:\n", """webhooks:
  closed:
    post:
      requestBody: {content: {application/json: {schema: {type: object, required: [day],
        properties: {day: {type: string, format: date}}}}}}
      responses: {"204": {description: ok}}
paths:
""", 1).replace(
    "      operationId: addNote\n", """      operationId: addNote
      callbacks:
        added:
          'http://{$request.header.host}/added':
            post:
              requestBody: {content: {application/json: {schema: {$ref: "#/components/schemas/Note"}}}}
              responses: {"204": {description: ok}}
""")  # fmt: skip


def test_hosted_sandboxes_send_where_they_may(services: Any, sandboxes: Sandboxes) -> None:
    police, vendor = services.department("police"), services.vendor()
    version = services.catalogue.register(police, "calling.yaml", CALLING)
    services.lifecycle.publish(police, version.interface, version.version)
    opened = sandboxes.open(vendor, ["police.calling"])
    id = opened.hosted.id
    with pytest.raises(Conflict, match="sender"):
        sandboxes.control.fire(vendor, id, "closed", "http://127.0.0.1:1/")
    with Listener() as listener, Listener() as secret:
        host = listener.url.split("/")[2]
        calling = made(services, sandbox_destinations=host)
        try:
            headers = {"host": host, "authorization": f"Bearer {opened.key}", "content-type": "application/json"}
            body = orjson.dumps({"id": "n1", "text": "hello"})
            request = Request("POST", f"/{id}/police.calling/notes", "", tuple(headers.items()), body)
            assert calling.handle(request).status == 201
            listener.wait(1)
            assert listener.got[0][:2] == ("/added", {"id": "n1", "text": "hello"})
            with services.web(control_routes.router(calling, services.access)) as web:
                fire = {"webhook": "closed", "url": listener.url, "body": {"day": "2026-11-02"}}
                place = f"/api/v1/sandboxes/{id}/webhook"
                assert web.post(place, json=fire).status_code == 401
                rival = services.bearer(services.vendor("rival"))
                assert web.post(place, json=fire, headers=rival).status_code == 404
                mine = services.bearer(vendor)
                assert web.post(place, json=fire, headers=mine).json() == {"status": 204, "tries": 1, "error": ""}
                assert listener.got[1][1] == {"day": "2026-11-02"}
                # this machine and its networks are no places for strangers, whatever else is allowed
                away = web.post(place, json=fire | {"url": secret.url}, headers=mine).json()
                assert (away["status"], away["tries"]) == (0, 0)
                assert web.post(place, json=fire | {"webhook": "none"}, headers=mine).status_code == 404
                calling.hosting.flush()
                calls = web.get(f"/api/v1/sandboxes/{id}/calls", headers=mine).json()["items"]
            assert secret.got == []
            sent = [one for one in calls if one.get("outgoing")]
            assert [one["outgoing"]["tries"] for one in sent] == [0, 1, 1]
        finally:
            calling.close()
