"""The control API of a served sandbox, and the record as JSON, HAR and live tail."""

import json
import threading
import urllib.error
import urllib.request
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pytest

import specs
from mockdata.sandbox import Sandbox
from mockdata.sandbox.calls import fields_used, line, shown
from mockdata.sandbox.clock import VirtualClock
from mockdata.sandbox.control import Controlled
from mockdata.sandbox.messages import Request
from mockdata.sandbox.record import REDACTED, Recorder
from mockdata.sandbox.serve import ServedSandbox
from tests.unit.mockdata.sandbox.test_sandbox import DOCUMENT

CITIZENS = specs.read(Path(__file__).parents[3] / "data" / "citizens.openapi.yaml")
NEW = {"name": "张三", "sex": "1", "birth": "2000-01-01"}
ORDERS = specs.read(json.dumps(DOCUMENT).encode(), name="orders.json")
NOW = datetime(2026, 11, 1, 9, tzinfo=UTC)


def controlled(token=None, document=CITIZENS):
    def make(seed, clock, recorder):
        return Sandbox([document], seed=seed, bare=True, clock=clock, recorder=recorder)

    people = [{"id": "newborn", "citizen_number": "1"}]
    return Controlled(
        make, "1", clock=VirtualClock(lambda: NOW), recorder=Recorder(1000), token=token, personas=lambda seed: people
    )


@pytest.fixture(scope="module")
def served():
    with ServedSandbox(controlled()) as running:
        yield running


@pytest.fixture
def url(served):
    for method, path in (("POST", "reset"), ("DELETE", "faults"), ("DELETE", "calls")):
        http(served.url, method, f"/.tongban/{path}", {})
    http(served.url, "POST", "/.tongban/clock", {"real": True})
    http(served.url, "POST", "/.tongban/seed", {"seed": 1})
    return served.url


def http(base, method, path, body=None, **headers):
    data = None if body is None else json.dumps(body).encode()
    sent = {"Content-Type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(f"{base}{path}", data, sent, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read() or b"null")


def control(base, method, noun, body=None, status=200):
    got, value = http(base, method, f"/.tongban/{noun}", body)
    assert got == status, value
    return value


def test_reset_snapshot_restore(url):
    _, first = http(url, "POST", "/citizens", NEW)
    control(url, "POST", "snapshot", {"name": "one"})
    _, second = http(url, "POST", "/citizens", NEW | {"name": "李四"})
    state = control(url, "POST", "restore", {"name": "one"})
    assert state["written"] == 1
    names = [http(url, "GET", f"/citizens/{one['id']}")[1]["name"] for one in (first, second)]
    assert names[0] == "张三"
    assert names[1] != "李四"
    control(url, "POST", "reset", {})
    assert http(url, "GET", f"/citizens/{first['id']}")[1]["name"] != "张三"
    assert [one["name"] for one in control(url, "GET", "snapshots")["snapshots"]] == ["one"]
    control(url, "POST", "restore", {"name": "two"}, status=404)
    control(url, "POST", "snapshot", {"name": "a\nb"}, status=422)


def test_seed_clock_faults_and_personas(url):
    before = http(url, "GET", "/citizens/11010519000101001X")
    assert control(url, "POST", "clock", {"set": "2027-12-01", "running": False})["now"] == "2027-12-01T00:00:00.000Z"
    plan = [{"target": "*", "status": 503}]
    assert control(url, "PUT", "faults", plan)["faults"] == plan
    assert http(url, "GET", "/citizens/11010519000101001X")[0] == 503
    state = control(url, "POST", "seed", {"seed": "2"})
    assert (state["seed"], state["faults"], state["clock"]["running"]) == ("2", plan, False)
    assert control(url, "DELETE", "faults")["faults"] == []
    after = http(url, "GET", "/citizens/11010519000101001X")
    assert (after[0], before[0]) == (200, 200)
    assert after[1] != before[1]
    assert control(url, "GET", "personas")["items"][0]["id"] == "newborn"
    wrong = [{"target": "tax.", "status": 503}], [{"target": "*", "drop": True, "operations": ["nothing"]}]
    for plan, pointer in zip(wrong, ("/0/target", "/0/operations"), strict=True):
        assert control(url, "PUT", "faults", plan, status=422)["pointer"] == pointer
    stale = [{"target": "*", "stale": {"snapshot": "never"}}]
    assert control(url, "PUT", "faults", stale, status=422)["pointer"] == "/0/stale/snapshot"
    for noun, body in (("clock", {"advance": "1 day"}), ("seed", {"seed": ""}), ("seed", [1])):
        control(url, "POST", noun, body, status=422)
    control(url, "GET", "nothing", status=404)
    control(url, "PUT", "reset", {}, status=405)
    assert http(url, "POST", "/.tongban/clock")[0] == 400


def test_answers_as_of_a_snapshot():
    with ServedSandbox(controlled(document=ORDERS)) as running:
        _, made = http(running.url, "POST", "/orders", {"title": "first"})
        place = f"/orders/{made['id']}"
        control(running.url, "POST", "snapshot", {"name": "before"})
        assert http(running.url, "DELETE", place)[0] == 204
        control(running.url, "PUT", "faults", [{"target": "*", "stale": {"snapshot": "before"}}])
        assert http(running.url, "GET", place)[1]["title"] == "first"
        control(running.url, "DELETE", "faults")
        assert http(running.url, "GET", place)[0] == 404


def test_calls_are_searched_and_paged(url):
    _, made = http(url, "POST", "/citizens", NEW)
    http(url, "GET", f"/citizens/{made['id']}", authorization="Bearer hush")
    http(url, "POST", "/citizens", {"name": 5, "password": "hush"})
    http(url, "GET", "/nowhere")

    def found(query):
        return [(one["operation"], one["status"]) for one in control(url, "GET", f"calls?{query}")["items"]]

    every = found("")
    assert len(every) == 4
    assert every[0] == (None, 404)
    assert found("status=4xx") == [every[0], every[1]]
    assert found("valid=true") == [every[2], every[3]]
    assert found("operation=" + str(every[3][0])) == [every[1], every[3]]
    assert found("text=%E5%BC%A0%E4%B8%89")[-1] == every[3]
    assert found("since=2999-01-01") == []
    page = control(url, "GET", "calls?limit=3")
    rest = control(url, "GET", f"calls?limit=3&before={page['next_before']}")
    newest = page["items"][0]["id"]
    assert [newest - one["id"] for one in page["items"] + rest["items"]] == [0, 1, 2, 3]
    assert rest["next_before"] is None
    assert "hush" not in json.dumps(control(url, "GET", "calls"))
    made_id = next(one for one in control(url, "GET", "calls")["items"] if one["status"] == 201)
    assert "id" in made_id["fields_used"]
    for query in ("limit=0", "limit=x", "valid=maybe", "nothing=1"):
        control(url, "GET", f"calls?{query}", status=400)
    control(url, "GET", "calls?since=soon", status=422)


def test_the_archive_is_har(url):
    http(url, "POST", "/citizens?a=b", NEW, authorization="Bearer hush", x_api_key="hush")
    archive = control(url, "GET", "calls.har")["log"]
    assert archive["version"] == "1.2"
    (entry,) = archive["entries"]
    assert {"startedDateTime", "time", "request", "response", "cache", "timings"} <= entry.keys()
    assert {"method", "url", "httpVersion", "cookies", "headers", "queryString", "headersSize", "bodySize"} <= entry[
        "request"
    ].keys()
    assert {"status", "statusText", "content", "redirectURL", "headersSize", "bodySize"} <= entry["response"].keys()
    assert entry["request"]["url"] == f"{url}/citizens?a=b"
    assert json.loads(entry["request"]["postData"]["text"]) == NEW
    assert json.loads(entry["response"]["content"]["text"])["name"] == "张三"
    assert sum(entry["timings"][name] for name in ("send", "wait", "receive")) == entry["time"]
    assert {"name": "authorization", "value": REDACTED} in entry["request"]["headers"]
    assert "hush" not in json.dumps(archive)


def test_events_tell_each_call_as_it_comes(url):
    heard, ready = [], threading.Event()

    def listen():
        with urllib.request.urlopen(f"{url}/.tongban/events", timeout=10) as stream:
            assert stream.headers["content-type"] == "text/event-stream"
            for raw in stream:
                ready.set()
                if raw.startswith(b"data: "):
                    heard.append(json.loads(raw[6:]))
                    if len(heard) == 3:
                        return

    listener = threading.Thread(target=listen)
    listener.start()
    assert ready.wait(5)
    for number in range(3):
        http(url, "GET", f"/citizens?limit={number + 1}")
    listener.join(5)
    assert [call["query"] for call in heard] == [[["limit", "1"]], [["limit", "2"]], [["limit", "3"]]]
    request = urllib.request.Request(f"{url}/.tongban/events", headers={"Last-Event-ID": str(heard[0]["id"])})
    with urllib.request.urlopen(request, timeout=10) as stream:
        again = [json.loads(raw[6:]) for raw in islice((one for one in stream if one.startswith(b"data: ")), 2)]
    assert [call["id"] for call in again] == [heard[1]["id"], heard[2]["id"]]


def test_only_this_machine_and_its_own_pages_may_ask(url):
    assert http(url, "GET", "/.tongban/state")[0] == 200
    assert http(url, "GET", "/.tongban/state", origin=url)[0] == 200
    for headers in ({"origin": "http://evil.example"}, {"origin": "null"}, {"host": "evil.example"}):
        for method, noun in (("GET", "state"), ("POST", "reset"), ("GET", "events")):
            assert http(url, method, f"/.tongban/{noun}", **headers)[0] == 403, headers


def test_a_token_is_asked_for_where_others_can_listen():
    with ServedSandbox(controlled("right")) as running:
        for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": "Basic right"}):
            for noun in ("state", "calls", "calls.har", "events"):
                assert http(running.url, "GET", f"/.tongban/{noun}", **headers)[0] == 401
        assert http(running.url, "GET", "/.tongban/state", authorization="Bearer right")[0] == 200
        assert http(running.url, "GET", "/citizens?limit=1")[0] == 200


def one(path, body, answer, status=200):
    return {"path": path, "query": [], "body": body, "status": status, "answer": answer}


def test_fields_used_are_those_the_app_can_only_have_from_an_answer():
    calls = [
        one("/checks", {"number": "number-1"}, {"number": "number-1", "household": "H-0001", "sex": "1"}),
        one("/households/H-0001", None, {"members": [{"id": "P-77777"}, {"id": "P-88888"}], "size": 12345}),
        one("/people", {"who": "P-88888", "of": 12345}, None),
        one("/people", {"who": "number-1", "sex": "1"}, None),
    ]
    assert fields_used(calls) == [["household"], ["id", "size"], [], []]


def test_a_line_holds_no_control_characters():
    recorder = Recorder()
    sandbox = Sandbox([CITIZENS], bare=True, recorder=recorder)
    sandbox.handle(Request("GET", "/\x1b[31m\r\nred"))
    text = line(shown(recorder.calls[0]))
    assert text.isprintable()
    assert "404 no such operation" in text


def test_the_record_is_bounded_and_keeps_numbers():
    recorder = Recorder(3)
    sandbox = Sandbox([CITIZENS], bare=True, recorder=recorder)
    for _ in range(5):
        sandbox.handle(Request("GET", "/citizens"))
    assert [number for number, _ in recorder.since(0)] == [3, 4, 5]
    assert [number for number, _ in recorder.since(4)] == [5]
    assert recorder.since(9) == []
