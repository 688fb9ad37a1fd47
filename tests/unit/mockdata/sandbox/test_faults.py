"""Fault plans: what hits which call, that a run repeats, and what a client sees on the wire."""

import http.client
import json
import socket
import statistics
import time
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import specs
from mockdata.sandbox import Sandbox
from mockdata.sandbox.clock import VirtualClock
from mockdata.sandbox.faults import FaultPlan, covers
from mockdata.sandbox.latency import Latency
from mockdata.sandbox.messages import Request
from mockdata.sandbox.plans import PlanFault, plan_json, plan_of
from mockdata.sandbox.record import Recorder
from mockdata.sandbox.serve import ServedSandbox
from tests.unit.mockdata.sandbox.test_sandbox import DOCUMENT

NOW = datetime(2026, 11, 1, 9, tzinfo=UTC)
CITIZENS = specs.read(Path(__file__).parents[3] / "data" / "citizens.openapi.yaml")
ORDERS = specs.read(json.dumps(DOCUMENT).encode(), name="orders.json")


def put(plan, *faults):
    plan.replace(plan_of(list(faults)))


def statuses(plan, calls, interface="police.households", operation="check", now=NOW):
    found = [plan.strike(interface, operation, now) for _ in range(calls)]
    return [strike.status if strike else None for strike in found]


def test_shares_and_every_nth_repeat_with_the_seed():
    plans = [FaultPlan(seed) for seed in (1, "1", 2)]
    for plan in plans:
        put(plan, {"target": "*", "status": 503, "share": 0.3})
    one, same, other = (statuses(plan, 1000) for plan in plans)
    assert one == same != other
    assert 250 < sum(status == 503 for status in one) < 350
    put(plans[0], {"target": "*", "status": 429, "every": 3})
    assert statuses(plans[0], 7) == [None, None, 429, None, None, 429, None]


@pytest.mark.parametrize(
    ("latency", "p50", "p99"),
    [
        ({"distribution": "fixed", "ms": 40}, 40, 40),
        ({"distribution": "uniform", "min_ms": 10, "max_ms": 30}, 20, 29.8),
        ({"distribution": "normal", "mean_ms": 100, "sd_ms": 10}, 100, 123.3),
        ({"distribution": "lognormal", "p50_ms": 50, "p99_ms": 400}, 50, 400),
    ],
)
def test_latencies_have_their_distribution(latency, p50, p99):
    plan = FaultPlan(3)
    put(plan, {"target": "*", "latency": latency})
    drawn = sorted(plan.strike("a", "b", NOW).delay * 1000 for _ in range(4000))
    assert statistics.median(drawn) == pytest.approx(p50, rel=0.06)
    assert drawn[3960] == pytest.approx(p99, rel=0.15)
    again = FaultPlan(3)
    put(again, {"target": "*", "latency": latency})
    assert sorted(again.strike("a", "b", NOW).delay * 1000 for _ in range(4000)) == drawn


def test_a_normal_latency_is_never_negative():
    assert Latency("normal", 1, 100).draw(0.001) == 0


def test_targets_operations_calls_and_times():
    assert [covers(target, "police.households") for target in ("*", "police.", "police.households", "tax.")] == [
        True, True, True, False,
    ]  # fmt: skip
    assert not covers("police.", "policewomen.register")
    plan = FaultPlan()
    put(
        plan,
        {"target": "police.", "status": 503, "calls": 2},
        {"target": "tax.premiums", "status": 500, "operations": ["pay"]},
        {"target": "health.", "status": 502, "since": "2026-11-01T09:00:00Z", "until": "2026-11-01T10:00:00Z"},
    )
    assert statuses(plan, 3) == [503, 503, None]
    assert statuses(plan, 1, "tax.premiums", "read") + statuses(plan, 1, "tax.premiums", "pay") == [None, 500]
    hours = [NOW.replace(hour=hour) for hour in (8, 9, 10)]
    assert [statuses(plan, 1, "health.births", "x", now)[0] for now in hours] == [None, 502, None]
    assert len(plan.listed()) == 2  # what has struck often enough is gone


def test_several_faults_hit_together_and_the_first_refusal_counts():
    plan = FaultPlan()
    slow = {"target": "*", "latency": {"distribution": "fixed", "ms": 30}}
    put(plan, slow, {"target": "police.", "status": 429, "retry_after": 9}, {"target": "*", "drop": True})
    strike = plan.strike("police.x", "y", NOW)
    assert (strike.delay, strike.status, strike.retry_after, strike.drop) == (0.03, 429, 9, False)
    assert strike.targets == ["*", "police.", "*"]


def test_a_plan_is_read_back_as_it_was_said():
    said = [
        {"target": "police.", "operations": ["a", "b"], "status": 503, "retry_after": 5, "share": 0.25, "calls": 7},
        {"target": "*", "latency": {"distribution": "lognormal", "p50_ms": 50.0, "p99_ms": 400.0}, "every": 2},
        {"target": "a.b", "truncate": 0.5, "bytes_per_second": 100.0, "since": "2026-11-01T00:00:00.000Z"},
        {"target": "a.b", "stale": {"lag": "P2MT3600S"}, "malformed": True},
        {"target": "a.b", "stale": {"snapshot": "before"}},
    ]
    assert plan_json(plan_of(said)) == said
    assert plan_of({"faults": said}) == plan_of(said)


@pytest.mark.parametrize(
    ("pointer", "fault"),
    [
        ("", None),
        ("/0", 5),
        ("/0/target", {"status": 503}),
        ("/0/target", {"target": "police households", "status": 503}),
        ("/0", {"target": "*"}),
        ("/0", {"target": "*", "share": 0.5}),
        ("/0", {"target": "*", "drop": True, "status": 503}),
        ("/0/status", {"target": "*", "status": 200}),
        ("/0/status", {"target": "*", "status": True}),
        ("/0/share", {"target": "*", "drop": True, "share": 1.5}),
        ("/0/calls", {"target": "*", "drop": True, "calls": 0}),
        ("/0/truncate", {"target": "*", "truncate": 1}),
        ("/0/bytes_per_second", {"target": "*", "bytes_per_second": 0}),
        ("/0/latency", {"target": "*", "latency": 5}),
        ("/0/latency", {"target": "*", "latency": {"distribution": "uniform", "min_ms": 5, "max_ms": 1}}),
        ("/0/latency", {"target": "*", "latency": {"distribution": "lognormal", "p50_ms": 0, "p99_ms": 1}}),
        ("/0/latency", {"target": "*", "latency": {"distribution": ["fixed"], "ms": 1}}),
        ("/0/latency", {"target": "*", "latency": {"distribution": "fixed", "ms": 1e9}}),
        ("/0/stale", {"target": "*", "stale": {"lag": "-PT1H"}}),
        ("/0/since", {"target": "*", "drop": True, "since": "soon"}),
        ("/0/delay", {"target": "*", "delay": 5}),
    ],
)
def test_what_is_no_plan_is_refused_with_its_place(pointer, fault):
    with pytest.raises(PlanFault) as wrong:
        plan_of(None if fault is None else [fault])
    assert wrong.value.pointer == pointer


def ask(sandbox, method, path, body=None):
    data = b"" if body is None else json.dumps(body).encode()
    return sandbox.handle(Request(method, path, "", (("content-type", "application/json"),), data))


def test_stale_answers_show_an_earlier_state_and_writes_are_never_stale():
    clock = VirtualClock(lambda: NOW)
    sandbox = Sandbox([ORDERS], bare=True, clock=clock)
    number = ask(sandbox, "POST", "/orders", {"title": "张三"}).json()["id"]

    def name():
        return ask(sandbox, "GET", f"/orders/{number}").json()["title"]

    put(sandbox.faults, {"target": "*", "stale": {"lag": "PT1H"}})
    assert name() == "张三"
    clock.change({"advance": "PT10M"})
    assert ask(sandbox, "PUT", f"/orders/{number}", {"title": "李四"}).json()["title"] == "李四"
    assert name() == "张三"
    made = ask(sandbox, "POST", "/orders", {"title": "王五"})
    assert made.status == 201
    clock.change({"advance": "PT59M"})
    assert name() == "张三"
    clock.change({"advance": "PT2M"})
    assert name() == "李四"
    sandbox.faults.clear()
    assert ask(sandbox, "GET", f"/orders/{made.json()['id']}").json()["title"] == "王五"


# ---- on the wire


def exchange(url, path="/citizens?limit=20"):
    """Everything that comes over one connection."""
    place = urlsplit(url)
    with socket.create_connection((place.hostname, place.port), timeout=5) as wire:
        wire.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        received = b""
        while part := wire.recv(65536):
            received += part
    head, _, body = received.partition(b"\r\n\r\n")
    length = next((int(one[15:]) for one in head.split(b"\r\n") if one.lower().startswith(b"content-length:")), None)
    return head, body, length


def test_what_a_client_sees():
    sandbox = Sandbox([CITIZENS], bare=True, recorder=Recorder())
    with ServedSandbox(sandbox) as served:
        _, whole, length = exchange(served.url)
        assert length == len(whole) > 500
        put(sandbox.faults, {"target": "*", "truncate": 0.5})
        _, body, promised = exchange(served.url)
        assert (body, promised) == (whole[: len(whole) // 2], len(whole))
        put(sandbox.faults, {"target": "*", "bytes_per_second": len(whole) * 4})
        started = time.perf_counter()
        assert exchange(served.url)[1] == whole
        assert 0.15 < time.perf_counter() - started < 2
        put(sandbox.faults, {"target": "*", "malformed": True})
        _, body, promised = exchange(served.url)
        assert promised == len(body)
        with pytest.raises(ValueError, match="line 1"):
            json.loads(body)
        put(sandbox.faults, {"target": "*", "status": 429, "retry_after": 30})
        head, _, _ = exchange(served.url)
        assert head.startswith(b"HTTP/1.1 429")
        assert b"retry-after: 30" in head.lower()
        put(sandbox.faults, {"target": "*", "drop": True})
        connection = http.client.HTTPConnection(urlsplit(served.url).netloc, timeout=5)
        connection.request("GET", "/citizens")
        with pytest.raises(ConnectionError):
            connection.getresponse()
        connection.close()
        sandbox.faults.clear()
        assert exchange(served.url)[1] == whole
    assert [call.faults for call in sandbox.recorder.calls] == [(), *[("*",)] * 5, ()]
