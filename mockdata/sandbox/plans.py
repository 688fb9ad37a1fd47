"""Fault plans as JSON: what a control API, a form or a file says, checked as a whole."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from mockdata.sandbox.clock import Duration, duration, moment, written
from mockdata.sandbox.faults import Fault, Stale, covers
from mockdata.sandbox.latency import LONGEST_MS, SHAPES, Latency
from specs.model import Interface

MOST = 100
_TARGET = re.compile(r"\*|[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?")


class PlanFault(ValueError):
    """A fault plan that cannot be understood; `pointer` names the place."""

    def __init__(self, pointer: str, message: str) -> None:
        super().__init__(f"{pointer}: {message}" if pointer else message)
        self.pointer = pointer


def plan_of(value: Any) -> list[tuple[str, Fault]]:
    """The faults of a plan: a list of objects (or {"faults": […]}), each with a `target` and what goes wrong.

    Raises PlanFault.
    """
    if isinstance(value, Mapping) and value.keys() == {"faults"}:
        value = value["faults"]
    if not isinstance(value, list):
        raise PlanFault("", "a fault plan is a list of faults")
    if len(value) > MOST:
        raise PlanFault("", f"a plan has at most {MOST} faults")
    return [_fault(f"/{number}", one) for number, one in enumerate(value)]


def plan_json(faults: list[tuple[str, Fault]]) -> list[dict[str, Any]]:
    """The inverse of `plan_of`: plain JSON, only what differs from no fault at all."""
    return [{"target": target, **_shown(fault)} for target, fault in faults]


def check_target(interfaces: Sequence[Interface], number: int, target: str, fault: Fault) -> None:
    """Raises PlanFault for a target or an operation these interfaces do not have; `number` counts it in its plan."""
    covered = [one for one in interfaces if covers(target, one.id)]
    if not covered:
        there = ", ".join(one.id for one in interfaces[:10])
        raise PlanFault(f"/{number}/target", f"{target!r} covers none of {there}")
    known = {one.id for interface in covered for one in interface.operations}
    if odd := sorted(fault.operations - known):
        raise PlanFault(f"/{number}/operations", f"no operation {', '.join(odd)[:200]}")


def _fault(place: str, value: Any) -> tuple[str, Fault]:
    if not isinstance(value, Mapping):
        raise PlanFault(place, "a fault is an object")
    target = value.get("target")
    if not isinstance(target, str) or len(target) > 200 or not _TARGET.fullmatch(target):
        said = 'an interface id, a department with a dot ("police."), or "*"'
        raise PlanFault(f"{place}/target", f"the target is {said}")
    given: dict[str, Any] = {}
    for name, member in value.items():
        if name == "target":
            continue
        if name not in _READERS:
            raise PlanFault(f"{place}/{name}", f"no such member; there are {', '.join(_READERS)}")
        try:
            given[name] = _READERS[name](member)
        except (ValueError, TypeError) as error:
            raise PlanFault(f"{place}/{name}", str(error)) from None
    made = Fault(**given)
    if not any((*(name in given for name in _EFFECTS), made.drop, made.malformed)):
        raise PlanFault(place, f"nothing goes wrong: it needs one of {', '.join(_EFFECTS)}")
    if made.drop and made.status is not None:
        raise PlanFault(place, "a call is dropped or refused with a status, not both")
    return target, made


_EFFECTS = ("latency", "status", "drop", "truncate", "bytes_per_second", "malformed", "stale", "latency_ms")


def _number(least: float, most: float, said: str) -> Callable[[Any], float]:
    def read(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise ValueError(said)
        return float(value)

    return read


def _whole(least: int, most: int, said: str) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError(said)
        return value

    return read


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def _latency(value: Any) -> Latency:
    shapes = "; ".join(f"{name} ({', '.join(dict.fromkeys(pair))})" for name, pair in SHAPES.items())
    kind = value.get("distribution", "fixed") if isinstance(value, Mapping) else None
    if not isinstance(kind, str) or kind not in SHAPES or value.keys() - {"distribution"} != set(SHAPES[kind]):
        raise ValueError(f"an object with distribution and its numbers: {shapes}")
    read = _number(0, LONGEST_MS, f"milliseconds are 0 to {LONGEST_MS:.0f}")
    first, second = (read(value[name]) for name in SHAPES[kind])
    if kind == "uniform" and first > second:
        raise ValueError("min_ms is at most max_ms")
    if kind == "lognormal" and not 0 < first <= second:
        raise ValueError("p50_ms is more than 0 and at most p99_ms")
    return Latency(kind, first, second)


def _stale(value: Any) -> Stale:
    if isinstance(value, Mapping) and value.keys() == {"lag"}:
        lag = duration(value["lag"])
        if lag.months < 0 or lag.seconds < 0 or not (lag.months or lag.seconds):
            raise ValueError("the lag is a duration of more than nothing")
        return Stale(lag=lag)
    if isinstance(value, Mapping) and value.keys() == {"snapshot"} and isinstance(value["snapshot"], str):
        return Stale(snapshot=value["snapshot"])
    raise ValueError('{"lag": "PT1H"} or {"snapshot": "name"}')


def _operations(value: Any) -> frozenset[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ValueError("a list of operation ids")
    return frozenset(value)


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "operations": _operations,
    "latency": _latency,
    "latency_ms": _number(0, LONGEST_MS, f"milliseconds are 0 to {LONGEST_MS:.0f}"),
    "status": _whole(400, 599, "the status of a refusal is 400 to 599"),
    "retry_after": _whole(0, 86_400, "seconds are 0 to 86400"),
    "drop": _flag,
    "truncate": _number(0, 0.999, "the share of the body that comes is 0 to 0.999"),
    "bytes_per_second": _number(1, 1e9, "bytes per second are 1 or more"),
    "malformed": _flag,
    "stale": _stale,
    "share": _number(0, 1, "a share is 0 to 1"),
    "every": _whole(1, 1_000_000, "every so-manieth call: 1 or more"),
    "calls": _whole(1, 1_000_000_000, "the number of calls is 1 or more"),
    "since": moment,
    "until": moment,
}


def _shown(fault: Fault) -> dict[str, Any]:
    plain = Fault()
    found: dict[str, Any] = {}
    for name in _READERS:
        value = getattr(fault, name)
        if value != getattr(plain, name):
            found[name] = _json(value)
    return found


def _json(value: Any) -> Any:
    match value:
        case frozenset():
            return sorted(value)
        case Latency(shape, first, second):
            return {"distribution": shape, **dict(zip(SHAPES[shape], (first, second), strict=True))}
        case Stale(Duration(months, seconds), None):
            return {"lag": "P" + (f"{months}M" if months else "") + (f"T{seconds}S" if seconds else "")}
        case Stale(None, snapshot):
            return {"snapshot": snapshot}
        case datetime():
            return written(value)
    return value
