"""From the sums of hours to what detection reads, and back to alarms with their evidence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from exchange.oversight.anomalies import HISTORY_DAYS, Alarm, Flow, Traffic, detect, new_fields
from exchange.oversight.model import Channel

__all__ = ["HISTORY_DAYS", "watched"]


def watched(
    channels: Mapping[int, Channel],
    rows: Sequence[Any],
    began: Mapping[int, int],
    days: tuple[int, int, int],
    working: Callable[[int], bool],
) -> list[Alarm]:
    """Alarms, newest first. ``rows``: (hour, channel, calls, records, entry) in order of time; ``began``: a channel's
    first hour; ``days``: first day of the history, first day judged, last day.
    """
    if not rows:
        return []
    first, since, last = days
    traffic = _traffic(channels, rows, began, first, last - first + 1)
    found = detect(traffic, since, working)
    for flow, seen in _fields_seen(channels, rows).items():
        found += new_fields(flow, seen, since * 24 - 8)
    return sorted(found, key=lambda alarm: (-alarm.hour, -alarm.score))


def _key(channel: Channel) -> Flow:
    outcome = "delivered" if channel.state == "delivered" else "refused"
    return channel.provider, channel.consumer, channel.interface, channel.operation, outcome


def _traffic(
    channels: Mapping[int, Channel], rows: Sequence[Any], began: Mapping[int, int], first: int, days: int
) -> Traffic:
    keys: dict[Flow, int] = {}
    places = {}
    for number, channel in channels.items():
        if channel.state in ("delivered", "refused"):
            places[number] = keys.setdefault(_key(channel), len(keys))
    starts = np.full(len(keys), days, dtype=np.int64)
    for number, place in places.items():
        if number in began:
            starts[place] = min(starts[place], (began[number] + 8) // 24 - first)
    calls, records = np.zeros((2, len(keys), days, 24))
    entries = np.zeros((len(keys), days, 24), dtype=np.int64)
    for hour, number, count, left, entry in rows:
        if number in places:
            day, of_day = divmod(hour + 8, 24)
            at = (places[number], day - first, of_day)
            calls[at] += count
            records[at] += left
            entries[at] = max(entries[at], entry)
    return Traffic(list(keys), first, starts, calls, records, entries)


def _fields_seen(
    channels: Mapping[int, Channel], rows: Sequence[Any]
) -> dict[Flow, list[tuple[int, tuple[str, ...], int, int]]]:
    seen: dict[Flow, list[tuple[int, tuple[str, ...], int, int]]] = {}
    for hour, number, count, _left, entry in rows:
        channel = channels[number]
        if channel.state == "delivered":
            seen.setdefault(_key(channel), []).append((hour, channel.fields, count, entry))
    return seen
