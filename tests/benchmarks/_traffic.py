"""Simulated ordinary traffic of flows, and anomalies planted into it: what detection is measured on."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np

from exchange.oversight.anomalies import Traffic

DAY = (date(2026, 6, 1) - date(1970, 1, 1)).days
OFFICE = np.array([0, 0, 0, 0, 0, 0, 0, 0.2, 1.5, 3, 3, 2.4, 0.6, 1.4, 2.8, 3, 2.6, 1, 0.2, 0.1, 0, 0, 0, 0])
CITIZENS = np.array(
    [
        0.2,
        0.1,
        0.05,
        0.03,
        0.03,
        0.1,
        0.3,
        0.8,
        1.5,
        2,
        2,
        1.8,
        1.5,
        1.4,
        1.6,
        1.7,
        1.6,
        1.5,
        1.4,
        1.6,
        1.8,
        1.5,
        1,
        0.5,
    ]
)


def working(day: int) -> bool:
    """Monday to Friday."""
    return (date(1970, 1, 1) + timedelta(days=day)).weekday() < 5


def ordinary(flows: int, days: int, seed: int, steady: float = 25) -> Traffic:
    """Five habits side by side: offices, citizens' apps, a nightly batch, rare use, and growth; counts are
    overdispersed (a gamma factor per hour, one per day), Mondays are half as busy again, records are heavy-tailed.
    """
    random = np.random.default_rng(seed)
    calls = np.zeros((flows, days, 24))
    weekday = np.array([(date(1970, 1, 1) + timedelta(days=DAY + day)).weekday() for day in range(days)])
    for flow in range(flows):
        habit, size = flow % 5, float(np.exp(random.normal(2.5, 1.2)))
        if habit == 0:
            rate = np.outer(np.where(weekday < 5, 1.0, 0.02), OFFICE)
        elif habit == 1:
            rate = np.outer(np.where(weekday < 5, 1.0, 0.7), CITIZENS)
        elif habit == 2:
            rate = np.zeros((days, 24))
            rate[:, random.integers(1, 5)] = 20
        elif habit == 3:
            rate, size = np.outer(np.where(weekday < 5, 1.0, 0.0), OFFICE / OFFICE.sum()), float(random.uniform(0.2, 4))
        else:
            rate = np.outer(np.where(weekday < 5, 1.0, 0.05) * 1.01 ** np.arange(days), OFFICE)
        rate = rate * size * np.where(weekday == 0, 1.5, 1.0)[:, None]
        rate *= random.gamma(steady, 1 / steady, (days, 1)) * random.gamma(steady, 1 / steady, (days, 24))
        calls[flow] = random.poisson(rate)
    each = np.exp(random.normal(0.5, 1.0, (flows, days, 24))).clip(1, 60)
    each[np.arange(flows) % 3 == 0] = 1
    names = [(f"p{flow}", f"c{flow}", f"i{flow}", "get", "delivered") for flow in range(flows)]
    began = np.zeros(flows, dtype=np.int64)
    return Traffic(names, DAY, began, calls, np.round(calls * each), np.zeros((flows, days, 24), dtype=np.int64))


def planted(traffic: Traffic, since: int, seed: int) -> list[tuple[str, int, int]]:
    """Puts one anomaly into every flow, on a day from place ``since`` on; gives (kind, flow, day place)."""
    random = np.random.default_rng(seed)
    told = []
    days = traffic.calls.shape[1]
    for flow in range(len(traffic.flows)):
        day = int(random.integers(since, days))
        while not working(traffic.day + day):
            day = int(random.integers(since, days))
        calls, records = traffic.calls[flow], traffic.records[flow]
        busy = int(calls[:, :].mean(axis=0).argmax())
        kind = ("many-calls", "many-records", "unusual-hour")[flow % 3]
        if kind == "many-calls":  # five times the usual, at least 60
            extra = max(60, 4 * int(np.median(calls[:, busy])))
            calls[day, busy] += extra
            records[day, busy] += extra
        elif kind == "many-records":  # a few calls that carry the register away
            records[day, busy] += max(2000, 30 * int(records[:, busy].mean()))
            calls[day, busy] = max(calls[day, busy], 1)
        else:  # fifteen calls at the flow's quietest hour
            quiet = int(calls.mean(axis=0).argmin())
            calls[day, quiet] += 15
            records[day, quiet] += 15
        told.append((kind, flow, day))
    return told


def measured(flows: int, days: int, seed: int, detect: Any, steady: float = 25) -> dict[str, float]:
    """Alarms a flow and month on ordinary traffic; the share of planted anomalies found (recall), by kind; and of the
    flow days with an alarm in the spoiled traffic, the share in which something was planted (precision).
    """
    calm = ordinary(flows, days, seed, steady)
    judged = days - 28
    alarms = detect(calm, calm.day + 28, working)
    spoiled = ordinary(flows, days, seed, steady)
    told = planted(spoiled, 28, seed + 1)
    found = {
        (int(alarm.consumer[1:]), (alarm.hour + 8) // 24 - spoiled.day)
        for alarm in detect(spoiled, spoiled.day + 28, working)
    }
    truly = {(flow, day) for _, flow, day in told}
    result = {"false_month": len(alarms) / flows / judged * 30, "precision": len(found & truly) / max(1, len(found))}
    for kind in sorted({kind for kind, _, _ in told}):
        mine = [(flow, day) for name, flow, day in told if name == kind]
        result[kind] = sum(pair in found for pair in mine) / len(mine)
    return result


def fields_measured(flows: int, days: int, seed: int, new_fields: Any) -> dict[str, float]:
    """The same for fields: answers have four fields always and two now and then (in a half and a fiftieth of the
    calls); into every second flow, on a day of the last 30, another field is planted. False: a flow with an alarm on
    which nothing was planted, or before it was.
    """
    random = np.random.default_rng(seed)
    traffic = ordinary(flows, days, seed)
    since, found, false = days - 30, 0, 0
    for flow in range(flows):
        day = int(random.integers(since, days)) if flow % 2 else days
        seen = []
        for place, hour in np.argwhere(traffic.calls[flow]):
            calls = int(traffic.calls[flow, place, hour])
            often, rarely = random.binomial(calls, 0.5), random.binomial(calls, 0.02)
            more = ("NEW",) if place >= day else ()
            at = int((traffic.day + place) * 24 + hour - 8)
            for names, times in ((("A", "B", "C", "D"), calls - often), (("A", "B", "C", "D", "E"), often)):
                seen.append((at, names + more, int(times), 0))
            seen.append((at, ("A", "B", "C", "D", "F", *more), int(rarely), 0))
        told = new_fields(traffic.flows[flow], [one for one in seen if one[2]], (traffic.day + since) * 24 - 8)
        begun = any("NEW" in alarm.detail_en for alarm in told)
        found += begun
        false += len(told) > begun
    return {
        "recall": found / (flows // 2),
        "precision": found / max(1, found + false),
        "false_month": false / flows,
    }
