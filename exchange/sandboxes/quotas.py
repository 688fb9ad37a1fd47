"""Quotas on requested datasets: how much of each is used, what is left, and when there is room again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from exchange.clock import moment, stamp
from exchange.errors import TooMany

DAY = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one party: requests under way, rows asked for in 24 hours, bytes kept."""

    open: int
    rows_a_day: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Used:
    """``rows``: (asked at, rows) of the last 24 hours; ``kept``: (expires at, bytes) of what lies on disk."""

    open: int
    rows: Sequence[tuple[str, int]]
    kept: Sequence[tuple[str, int]]


def state(limits: Limits, used: Used) -> dict[str, dict[str, int]]:
    """Limit, used and left of each quota."""
    taken = {
        "open": used.open,
        "rows_a_day": sum(rows for _, rows in used.rows),
        "bytes": sum(size for _, size in used.kept),
    }
    return {
        name: {"limit": (limit := getattr(limits, name)), "used": count, "left": max(0, limit - count)}
        for name, count in taken.items()
    }


def allow(limits: Limits, used: Used, rows: int, now: datetime) -> None:
    """Nothing when so many more rows may be asked for now.

    Raises `TooMany` with every quota that is used up, what is left of it (``quota``) and when there is room again
    (``again_at``; ``Retry-After``), as far as that is known.
    """
    told: dict[str, dict[str, Any]] = {name: dict(count) for name, count in state(limits, used).items()}
    said, times = [], []
    if told["open"]["left"] < 1:
        said.append(f"{used.open} datasets are under way, of {limits.open} at a time")
    if told["rows_a_day"]["left"] < rows:
        left = told["rows_a_day"]["left"]
        said.append(f"{left:,} rows are left of {limits.rows_a_day:,} in 24 hours, {rows:,} are asked for")
        times.append(_room(used.rows, told["rows_a_day"]["used"] + rows - limits.rows_a_day, DAY))
        told["rows_a_day"]["again_at"] = times[-1]
    if told["bytes"]["left"] < 1:
        said.append(f"{told['bytes']['used']:,} bytes are kept, of {limits.bytes:,}")
        times.append(_room(used.kept, told["bytes"]["used"] - limits.bytes + 1, timedelta()))
        told["bytes"]["again_at"] = times[-1]
    if not said:
        return
    known = [at for at in times if at is not None]
    wait = {"retry_after": max(1, int((moment(max(known)) - now).total_seconds()) + 1)} if known else {}
    when = f" there is room again at {max(known)};" if known else ""
    hint = f"wait for one to end, or cancel or delete one;{when} GET /api/v1/dataset-quota tells what is left"
    raise TooMany("; ".join(said), hint=hint, quota=told, **wait)


def _room(entries: Sequence[tuple[str, int]], needed: int, after: timedelta) -> str | None:
    """When so much has gone by itself, None if never."""
    for at, count in sorted(entries):
        needed -= count
        if needed <= 0:
            return stamp(moment(at) + after)
    return None
