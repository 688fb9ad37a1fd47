"""The virtual clock: what it shows, what moves it, and that people and rules follow it."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest

import specs
from mockdata.population import Population
from mockdata.sandbox import Sandbox
from mockdata.sandbox.clock import ClockError, VirtualClock, duration, moment, setting
from mockdata.sandbox.messages import Request

START = datetime(2026, 11, 30, 9, tzinfo=UTC)


class Real:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("P13M", "2027-12-30T09:00:00Z"),
        ("P3M", "2027-02-28T09:00:00Z"),
        ("P1Y2M3DT4H5M6S", "2028-02-02T13:05:06Z"),
        ("-P1D", "2026-11-29T09:00:00Z"),
        ("P2W", "2026-12-14T09:00:00Z"),
        ("PT90S", "2026-11-30T09:01:30Z"),
    ],
)
def test_durations_move_by_the_calendar(text, after):
    assert duration(text).after(START) == moment(after)


@pytest.mark.parametrize("text", ["", "P", "PT", "13M", "P1.5M", "p1d", "P1D ", None, 5, "P1D1M"])
def test_what_is_no_duration(text):
    with pytest.raises(ClockError):
        duration(text)


@pytest.mark.parametrize(
    "change",
    [
        {}, [], {"set": "yesterday"}, {"set": 5}, {"advance": "P9999Y"}, {"advance": "-P9999Y"}, {"running": 1},
        {"real": False}, {"real": True, "running": True}, {"stop": True}, {"set": "0001-01-01T00:00:00+14:00"},
    ],
)  # fmt: skip
def test_changes_that_are_refused_change_nothing(change):
    clock = VirtualClock(Real())
    with pytest.raises(ClockError):
        clock.change(change)
    assert clock() == START
    assert not clock.virtual


def test_a_clock_runs_stands_and_comes_back():
    real = Real()
    clock = VirtualClock(real)
    clock.change({"set": "2027-12-01"})
    real.now += timedelta(hours=1)
    assert clock() == datetime(2027, 12, 1, 1, tzinfo=UTC)
    clock.change({"running": False})
    real.now += timedelta(hours=1)
    assert clock() == datetime(2027, 12, 1, 1, tzinfo=UTC)
    clock.change({"advance": "P1D"})
    assert clock() == datetime(2027, 12, 2, 1, tzinfo=UTC)
    assert clock.to_json() == {"now": "2027-12-02T01:00:00.000Z", "virtual": True, "running": False}
    kept = setting(json.loads(json.dumps(clock.held.to_json())))
    assert VirtualClock(real, kept)() == clock()
    clock.change({"real": True})
    assert clock() == real.now
    clock.change({"set": "9999-12-31T23:59:59Z"})
    real.now += timedelta(days=2)
    assert clock() == datetime.max.replace(tzinfo=UTC)


def person_document():
    facts = {"type": "object", "required": ["age"], "properties": {"age": {"type": "string"}}}
    number = {"type": "object", "required": ["GMSFHM"], "properties": {"GMSFHM": {"type": "string"}}}
    rule = {"when": "person(body.GMSFHM) != null", "status": "200", "body": {"age": "person(body.GMSFHM).HYZKDM"}}
    operation = {
        "operationId": "ask",
        "requestBody": {"required": True, "content": {"application/json": {"schema": number}}},
        "x-mock-rules": [rule, {"when": "true", "status": "200", "body": {"age": "today"}}],
        "responses": {"200": {"description": "-", "content": {"application/json": {"schema": facts}}}},
    }
    document = {"openapi": "3.1.0", "info": {"title": "T", "version": "1"}, "paths": {"/ask": {"post": operation}}}
    return specs.read(json.dumps(document).encode(), name="people.json")


def test_rules_and_people_follow_the_clock():
    country = Population(7, 100_000)
    later = Population(7, 100_000, date(2036, 11, 1))
    numbers = [country.record(index, ("citizen_number",))["citizen_number"] for index in range(0, 3000, 10)]

    def status(world, number):
        found = world.person(number, ("marital_status",))
        return found and found["marital_status"]

    changed = next(number for number in numbers if status(country, number) != status(later, number))
    clock = VirtualClock(lambda: datetime(2026, 11, 1, 9, tzinfo=UTC))
    sandbox = Sandbox([person_document()], country, clock=clock, bare=True)

    def ask(number):
        body = json.dumps({"GMSFHM": number}).encode()
        return sandbox.handle(Request("POST", "/ask", "", (("content-type", "application/json"),), body)).json()["age"]

    assert ask("nobody") == "2026-11-01"
    assert ask(changed) == status(country, changed)
    clock.change({"advance": "P10Y"})
    assert ask("nobody") == "2036-11-01"
    assert ask(changed) == status(later, changed)
    clock.change({"set": "1949-10-01"})  # before the population begins: told of its first day
    assert ask(changed) == status(country, changed)
    clock.change({"set": "2999-01-01"})
    assert ask("nobody") == "2999-01-01"
    clock.change({"real": True})
    assert ask(changed) == status(country, changed)
