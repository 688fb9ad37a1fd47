"""Detection finds what was planted, says it in words, and leaves ordinary traffic alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np

from exchange.oversight.anomalies import Traffic, detect, new_fields
from tests.benchmarks._traffic import measured, ordinary, planted, working

FLOW = ("police", "tax", "police.residents", "queryResident", "delivered")
DAY = 20_605  # a Monday


def one(calls: np.ndarray, outcome: str = "delivered", began: int = 0) -> Traffic:
    values = calls[None].astype(float)
    flow = (*FLOW[:4], outcome)
    return Traffic([flow], DAY, np.array([began]), values, values, np.arange(values.size).reshape(values.shape))


def office(days: int = 36, size: int = 40) -> np.ndarray:
    """The same calls at the same hours of every working day."""
    calls = np.zeros((days, 24))
    for day in range(days):
        if working(DAY + day):
            calls[day, 9:17] = size
    return calls


def test_steady_traffic_raises_nothing() -> None:
    assert detect(one(office()), DAY + 28, working) == []


def test_a_burst_is_found_with_its_figures_and_its_evidence() -> None:
    calls = office()
    calls[30, 10] = 400
    (alarm,) = detect(one(calls), DAY + 28, working)
    assert (alarm.kind, alarm.observed, round(alarm.usual)) == ("many-calls", 400, 40)
    assert alarm.entry == 30 * 24 + 10
    assert alarm.to_dict()["hour"].endswith("10:00")
    assert "400 calls" in alarm.detail_en
    assert "400 次" in alarm.detail_zh


def test_an_earlier_burst_does_not_hide_the_next() -> None:
    calls = office()
    calls[20:23, 10] = 900
    calls[30, 10] = 400
    assert [alarm.kind for alarm in detect(one(calls), DAY + 28, working)] == ["many-calls"]


def test_calls_at_night_are_found_and_half_an_hour_early_is_not() -> None:
    calls = office()
    calls[30, 3] = 12
    calls[31, 8] = 12
    found = detect(one(calls), DAY + 28, working)
    assert [(alarm.kind, alarm.to_dict()["hour"][-5:]) for alarm in found] == [("unusual-hour", "03:00")]


def test_a_few_calls_that_carry_a_register_away_are_found() -> None:
    traffic = one(office())
    records = traffic.records.copy()
    records[0, 30, 10] = 50_000
    (alarm,) = detect(replace(traffic, records=records), DAY + 28, working)
    assert (alarm.kind, alarm.observed) == ("many-records", 50_000)


def test_refusals_are_their_own_flow() -> None:
    calls = np.zeros((36, 24))
    calls[30, 14] = 90
    (alarm,) = detect(one(calls, "refused"), DAY + 28, working)
    assert alarm.kind == "many-refusals"


def test_a_young_flow_is_not_judged_and_its_beginning_is_no_past() -> None:
    calls = office()
    calls[:25] = 0
    assert detect(one(calls, began=25), DAY + 28, working) == []


def test_a_field_is_new_only_after_many_deliveries_without_it() -> None:
    seen = [(hour, ("XM",), 10, hour) for hour in range(30)] + [(30, ("LXDH", "XM"), 1, 999)]
    (alarm,) = new_fields(FLOW, seen, since=25)
    assert (alarm.kind, alarm.entry, alarm.hour) == ("new-field", 999, 30)
    assert "LXDH" in alarm.detail_en
    assert "XM," not in alarm.detail_en
    assert new_fields(FLOW, seen[20:], since=25) == []  # too few deliveries to say so
    assert new_fields(FLOW, seen, since=31) == []


def test_ordinary_traffic_is_left_alone_and_planted_anomalies_are_found() -> None:
    # the figures themselves are in docs/oversight.md; here only that they do not fall apart
    told = measured(60, 58, 3, detect)
    assert told["false_month"] < 0.5
    assert told["many-calls"] > 0.6
    assert told["many-records"] > 0.8
    assert told["unusual-hour"] > 0.6


def test_the_measurement_can_fail() -> None:
    told = measured(60, 58, 3, lambda *_: [])
    assert (told["false_month"], told["many-calls"]) == (0, 0)
    spoiled = ordinary(6, 58, 1)
    assert len(Counter(kind for kind, _, _ in planted(spoiled, 28, 2))) == 3
