"""Unusual traffic, flow by flow: volume, hour of day, a field that never left before. Pure and robust.

A flow (who asks whom for what) is compared with its own last 28 days and with nothing else. A count c becomes
2·√(c + 3/8), which gives Poisson counts a spread near 1 whatever their size (Anscombe 1948). Usual is the median of the
same hour on days of the same kind (working or not), the spread 1.4826 × the median absolute deviation, never below what
chance and the flow's own restlessness make. Medians do not move while less than half of the past is itself unusual.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from exchange.oversight.model import MORE, hour_text, listed

HISTORY_DAYS = 28
LEAST_DAYS = 14
"""A flow younger than this is not judged: there is nothing to compare it with."""
RECENT_DAYS = 5
LEAST_ALIKE = 6
"""Days of one kind needed in the history; else all of its days serve."""
THRESHOLD = 5.0
"""Spreads above the usual value from which a volume is unusual."""
FLOOR = 1.2
"""Least spread: chance alone makes 1, real traffic a little more."""
BULK_TIMES, BULK_LEAST = 3, 100
"""Records are many when they are this many times those of nearly every hour of the past, and this many more."""
FEW_HOURS = 100
LEAST_EXCESS = 20
"""Calls (records) above the usual value below which nobody is called, however quiet the flow."""
RARE = 1e-7
"""An hour of day is unusual when its calls would be less likely than this, had the flow kept its habits."""
QUIET = 0.5
"""Calls a day in an hour (and those beside it) up to which the flow counts as not active then."""
LEAST_DELIVERIES = 200
"""A field is new only after so many deliveries without it."""
CHINA_OFFSET = 8

Numbers = npt.NDArray[np.float64]
Working = Callable[[int], bool]
Flow = tuple[str, str, str, str, str]
"""provider, consumer, interface, operation, outcome (delivered | refused)."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """Calls and records of flows; arrays are (flow, day, hour of day in China).

    ``day``: the first day, counted from 1970; ``began``: per flow the place of its first day ever, may be negative.
    ``entries``: newest ledger entry of each hour.
    """

    flows: Sequence[Flow]
    day: int
    began: npt.NDArray[np.int64]
    calls: Numbers
    records: Numbers
    entries: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something unusual in one hour of one flow, in words and with the figures behind them. ``entry``: evidence."""

    kind: str
    hour: int
    provider: str
    consumer: str
    interface: str
    operation: str
    observed: float
    usual: float
    score: float
    detail_zh: str
    detail_en: str
    entry: int

    def to_dict(self) -> dict[str, Any]:
        """The JSON shape of the API."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__} | {"hour": hour_text(self.hour)}


def detect(traffic: Traffic, since: int, working: Working) -> list[Alarm]:
    """Alarms of the days from ``since`` (counted from 1970) to the last, newest first.

    ``working`` says of a day whether it is a working day.
    """
    found: list[Alarm] = []
    days = traffic.calls.shape[1]
    kinds = np.array([working(traffic.day + place) for place in range(days)], dtype=bool)
    calls, records = _rooted(traffic, traffic.calls), _since_begun(traffic, traffic.records)
    refused = np.array([flow[4] == "refused" for flow in traffic.flows], dtype=bool)
    for place in range(max(LEAST_DAYS, since - traffic.day), days):
        judged = traffic.began + LEAST_DAYS <= place
        past = _past(place, kinds)
        if not judged.any():
            continue
        usual, score = _scored(traffic.calls[:, place], calls, past)
        excess = traffic.calls[:, place] - usual
        loud = judged[:, None] & (score >= THRESHOLD) & (excess >= LEAST_EXCESS) & (excess >= usual)
        for flow, hour in np.argwhere(loud):
            found.append(_many_calls(traffic, (flow, place, hour), usual[flow, hour], score[flow, hour], len(past)))
        most = _most(records[:, max(0, place - HISTORY_DAYS) : place])[:, None]
        much = (traffic.records[:, place] >= BULK_TIMES * most + BULK_LEAST) & judged[:, None] & ~loud
        much[refused] = False
        for flow, hour in np.argwhere(much):
            found.append(_many_records(traffic, (flow, place, hour), float(most[flow, 0])))
        odd, rate, likely = _odd(traffic.calls, place, past, traffic.began)
        odd &= judged[:, None] & ~loud
        odd[refused] = False
        for flow, hour in np.argwhere(odd):
            at = (int(flow), place, int(hour))
            found.append(
                _hour(traffic, at, float(rate[flow, hour]), float(likely[flow, hour]), kinds[place], len(past))
            )
    return sorted(found, key=lambda alarm: (-alarm.hour, -alarm.score))


def new_fields(flow: Flow, seen: Sequence[tuple[int, tuple[str, ...], int, int]], since: int) -> list[Alarm]:
    """Fields that left for the first time from hour ``since`` on.

    ``seen``: (hour, fields that left, calls, newest entry) of one flow, in order of time.
    """
    known: set[str] = set()
    sets: set[tuple[str, ...]] = set()
    before, found = 0, []
    start = hour_text(seen[0][0])[:10] if seen else ""
    for hour, fields, calls, entry in seen:
        # nearly always the same fields leave again
        fresh = [] if fields in sets else sorted(set(fields) - known - {MORE})
        sets.add(fields)
        if fresh and hour >= since and before >= LEAST_DELIVERIES:
            zh = f"首次提供字段 {listed(fresh, '、', '等 {} 项')}：自 {start} 以来的 {before} 次交付中从未出现"
            en = f"{listed(fresh)} left; the {before} deliveries since {start} had none of it"
            found.append(Alarm("new-field", hour, *flow[:4], float(len(fresh)), 0.0, float(before), zh, en, entry))
        known.update(fresh)
        before += calls
    return found


# ---- volume


def _since_begun(traffic: Traffic, values: Numbers) -> Numbers:
    """The values, NaN before a flow's first day: it had no habits then."""
    made = values.astype(float)
    for flow in np.flatnonzero(traffic.began > 0):
        made[flow, : traffic.began[flow]] = np.nan
    return made


def _rooted(traffic: Traffic, values: Numbers) -> Numbers:
    rooted: Numbers = 2 * np.sqrt(_since_begun(traffic, values) + 0.375)
    return rooted


def _past(place: int, kinds: npt.NDArray[np.bool_]) -> list[int]:
    """The days a day is compared with: of the 28 before it those of its kind, if there are enough."""
    every = list(range(max(0, place - HISTORY_DAYS), place))
    alike = [day for day in every if kinds[day] == kinds[place]]
    return alike if len(alike) >= LEAST_ALIKE else every


def _middle(values: Numbers) -> Numbers:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a flow without any past: NaN is what is wanted
        return np.nanmedian(values, axis=1) if np.isnan(values).any() else np.median(values, axis=1)


def _scored(observed: Numbers, rooted: Numbers, past: Sequence[int]) -> tuple[Numbers, Numbers]:
    """Usual calls of each flow and hour, and how many spreads the observed ones are above."""
    before = rooted[:, past]
    # a flow that grows is compared with what it has become, not with what it was a month ago
    size = np.nansum(before**2, axis=2)
    level = _middle(size[:, -RECENT_DAYS:]) / np.maximum(_middle(size), 1e-9)
    middle = _middle(before) * np.sqrt(np.clip(np.nan_to_num(level, nan=1.0), 1, 2))[:, None]
    usual = np.maximum(0, (middle / 2) ** 2 - 0.375)
    own = 1.4826 * _middle(np.abs(before - middle[:, None]))
    # restlessness: by how much an hour varies beyond chance, relative to its size, over all hours of the flow. One hour
    # alone has too few days to tell.
    weight = np.where(usual >= 1, usual, 0)
    beyond = np.nansum(np.maximum(own**2 - 1, 0) * (weight > 0), axis=1) / np.maximum(np.nansum(weight, axis=1), 1e-9)
    spread = np.maximum(np.maximum(own, FLOOR), np.sqrt(1 + beyond[:, None] * usual))
    return usual, (2 * np.sqrt(observed + 0.375) - middle) / spread


def _most(past: Numbers) -> Numbers:
    """The third largest hour of each flow: two hours that were unusual themselves do not hide the next.

    Of a flow with few hours of use, as a nightly batch has, the largest: among few the third says little.
    """
    flat = np.nan_to_num(past, nan=0).reshape(len(past), -1)
    largest = np.partition(flat, -3, axis=1)
    few = np.count_nonzero(flat, axis=1) < FEW_HOURS
    most: Numbers = np.where(few, largest[:, -3:].max(axis=1), largest[:, -3])
    return most


def _many_calls(traffic: Traffic, at: tuple[int, int, int], usual: float, score: float, days: int) -> Alarm:
    flow, place, of_day = map(int, at)
    observed, hour = float(traffic.calls[at]), _hour_of(traffic, place, of_day)
    refused = traffic.flows[flow][4] == "refused"
    zh, en = ("被拒绝的调用", "refused calls") if refused else ("调用", "calls")
    when = hour_text(hour)
    return Alarm(
        "many-refusals" if refused else "many-calls",
        hour,
        *traffic.flows[flow][:4],
        observed,
        float(usual),
        float(score),
        f"{when} 起一小时内{zh} {observed:.0f} 次；此前 {days} 个同类日期的同一时段通常约 {usual:.0f} 次"
        f"（高出 {score:.1f} 个离差）",
        f"{observed:.0f} {en} in the hour from {when}; about {usual:.0f} are usual in this hour on the {days} days of"
        f" its kind before ({score:.1f} spreads above)",
        int(traffic.entries[at]),
    )


def _many_records(traffic: Traffic, at: tuple[int, int, int], most: float) -> Alarm:
    flow, place, of_day = map(int, at)
    observed, hour = float(traffic.records[at]), _hour_of(traffic, place, of_day)
    when = hour_text(hour)
    return Alarm(
        "many-records",
        hour,
        *traffic.flows[flow][:4],
        observed,
        most,
        observed / max(most, 1.0),
        f"{when} 起一小时内提供记录 {observed:.0f} 条；"
        f"此前 {HISTORY_DAYS} 天中除最多的两个小时外，每小时不超过 {most:.0f} 条",
        f"{observed:.0f} records left in the hour from {when}; in the {HISTORY_DAYS} days before no hour but two had"
        f" more than {most:.0f}",
        int(traffic.entries[at]),
    )


# ---- hour of day


def _odd(
    calls: Numbers, place: int, past: Sequence[int], began: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.bool_], Numbers, Numbers]:
    """Where a flow is active in an hour it was hardly ever active in; its calls a day then; the chance of it."""
    before = calls[:, past]
    # who begins at nine may begin at half past eight: an hour counts with the hours beside it
    total = before.sum(axis=1)
    around = (np.roll(total, 1, axis=1) + total + np.roll(total, -1, axis=1)) / 3
    days = np.maximum(1, np.array([sum(day >= first for day in past) for first in began]))[:, None]
    rate = around / days
    # calls of one visit come together: they count as so many visits as the flow's quiet hours tell
    quiet = before * (rate <= 2)[:, None]
    visits = np.maximum(1, np.count_nonzero(quiet, axis=(1, 2)))
    bunch = np.maximum(1, quiet.sum(axis=(1, 2)) / visits)[:, None]
    count = np.floor(calls[:, place] / bunch)
    likely = np.ones_like(count)
    for flow, hour in np.argwhere((count >= 3) & (rate <= QUIET)):
        likely[flow, hour] = _tail(
            int(count[flow, hour]), float(around[flow, hour] / bunch[flow, 0]), int(days[flow, 0])
        )
    return likely < RARE, rate, likely


def _hour(traffic: Traffic, at: tuple[int, int, int], rate: float, likely: float, workday: bool, days: int) -> Alarm:
    flow, place, of_day = at
    hour = _hour_of(traffic, place, of_day)
    when, observed = hour_text(hour), float(traffic.calls[at])
    zh, en = ("工作日", "working days") if workday else ("非工作日", "days off")
    return Alarm(
        "unusual-hour",
        hour,
        *traffic.flows[flow][:4],
        observed,
        rate,
        -math.log10(max(likely, 1e-300)),
        f"{when} 起一小时内调用 {observed:.0f} 次；此前 {days} 个{zh}的这一时段平均每天只有 {rate:.2f} 次",
        f"{observed:.0f} calls in the hour from {when}; in this hour of the {days} {en} before there were {rate:.2f}"
        " a day",
        int(traffic.entries[at]),
    )


def _tail(count: int, seen: float, days: int) -> float:
    """Chance of ``count`` or more on one day after ``seen`` in ``days``: negative binomial, Jeffreys' prior."""
    shape, p = seen + 0.5, days / (days + 1)
    log = shape * math.log(p)
    for k in range(count):
        log += math.log((shape + k) / (k + 1) * (1 - p))
    term, total = math.exp(log), 0.0
    for k in range(count, count + 200):  # the terms fall quickly: 200 of them are the whole tail
        total += term
        term *= (shape + k) / (k + 1) * (1 - p)
    return min(1.0, total)


def _hour_of(traffic: Traffic, place: int, of_day: int) -> int:
    return (traffic.day + place) * 24 + of_day - CHINA_OFFSET
