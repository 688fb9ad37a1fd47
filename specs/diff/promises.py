"""What a data contract promises beyond its fields: quality rules, uniqueness, service levels. A weaker promise breaks
readers, a stronger one does not."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from specs.diff.change import Relation, Side
from specs.diff.report import Node, Report
from specs.diff.scalars import combined
from specs.diff.shape import Shape, canonical
from specs.model import Interface

if TYPE_CHECKING:
    from specs.diff.trials import Trial

_SIDE = Side.RESPONSE
_DESCRIBING = {"name", "description", "tags", "customProperties", "authoritativeDefinitions", "id"}
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "mo": 2_592_000, "y": 31_536_000}
_UNITS = {
    "second": "s", "seconds": "s", "sec": "s", "min": "m", "minute": "m", "minutes": "m", "hour": "h", "hours": "h",
    "hr": "h", "day": "d", "days": "d", "week": "w", "weeks": "w", "month": "mo", "months": "mo", "year": "y",
    "years": "y", "yr": "y",
}  # fmt: skip
_LESS_IS_BETTER = {
    "latency",
    "frequency",
    "errorrate",
    "timetodetect",
    "timetonotify",
    "timetorepair",
    "timeofavailability",
}
_MORE_IS_BETTER = {"retention", "availability", "throughput"}


def field(report: Report | Trial, node: Node, old: Shape, new: Shape, side: Side) -> None:
    """What a contract says of one field beside its values: uniqueness, storage, quality rules."""
    words = old.words.keys() | new.words.keys()
    at = old.pointer, new.pointer
    if "x-unique" in words and bool(old.words.get("x-unique")) != bool(new.words.get("x-unique")):
        check = "uniqueness-gained" if new.words.get("x-unique") else "uniqueness-lost"
        said = f"values {'are unique now' if new.words.get('x-unique') else 'may repeat now'}"
        report.add(node, check, side, said, *at)
    if "x-physical-type" in words and old.words.get("x-physical-type") != new.words.get("x-physical-type"):
        said = f"{old.words.get('x-physical-type', '–')} became {new.words.get('x-physical-type', '–')}"
        report.add(node, "physical-type-changed", side, said, *at)
    if "x-quality" in words:
        rules(report, node, old.words.get("x-quality", ()), new.words.get("x-quality", ()), at)


def rules(report: Report | Trial, node: Node, old: Sequence[Any], new: Sequence[Any], at: tuple[str, str]) -> None:
    """Quality rules: matched by equality, by name, then by what they measure."""
    gone = [rule for rule in old if rule not in new]
    come = [rule for rule in new if rule not in old]
    for label in (_named, _measured):
        for rule in list(gone):
            mark = label(rule)
            same = [one for one in come if mark and label(one) == mark]
            if len(same) == 1 and len([one for one in gone if label(one) == mark]) == 1:
                gone.remove(rule)
                come.remove(same[0])
                _rule(report, node, rule, same[0], at)
    for check, left in (("quality-rule-removed", gone), ("quality-rule-added", come)):
        for rule in left:
            report.add(node, check, _SIDE, f"{_title(rule)} was {check.rpartition('-')[2]}", *at)


def _rule(
    report: Report | Trial, node: Node, old: Mapping[str, Any], new: Mapping[str, Any], at: tuple[str, str]
) -> None:
    words = (old.keys() | new.keys()) - _DESCRIBING
    moved = {word for word in words if old.get(word) != new.get(word)}
    if not moved:
        report.add(node, "text-changed", _SIDE, f"the words of {_title(new)} changed", *at)
        return
    relation = combined([_thresholds(old, new), _arguments(old.get("arguments"), new.get("arguments"))])
    plain = all(word.startswith(("mustBe", "mustNotBe")) or word == "arguments" for word in moved)
    if not plain or relation not in (Relation.NARROWER, Relation.WIDER):
        report.add(node, "quality-rule-changed", _SIDE, f"{_title(new)}: {', '.join(sorted(moved))} changed", *at)
        return
    check = "quality-rule-tightened" if relation is Relation.NARROWER else "quality-rule-loosened"
    told = ", ".join(f"{word} {old.get(word, '–')} became {new.get(word, '–')}" for word in sorted(moved))
    report.add(node, check, _SIDE, f"{_title(new)}: {told}", *at)


def _thresholds(old: Mapping[str, Any], new: Mapping[str, Any]) -> Relation:
    """The measured values a rule lets pass, as ranges."""
    if not {word for one in (old, new) for word in one if word.startswith("must")}:
        return Relation.SAME
    ours, theirs = _passing(old), _passing(new)
    if ours == theirs:
        return Relation.SAME
    if ours is None or theirs is None:
        return Relation.UNSURE
    narrower = theirs[0] > ours[0] or theirs[1] < ours[1]
    wider = theirs[0] < ours[0] or theirs[1] > ours[1]
    return combined([Relation.NARROWER] * narrower + [Relation.WIDER] * wider)


def _passing(rule: Mapping[str, Any]) -> tuple[tuple[float, int], tuple[float, int]] | None:
    """(least, greatest), each as (value, step inward); None when the rule is not such a range."""
    low, high = (-math.inf, 0), (math.inf, 0)
    for word, value in rule.items():
        if not word.startswith("must"):
            continue
        numbers = value if isinstance(value, list) else [value]
        if not all(isinstance(n, int | float) and not isinstance(n, bool) for n in numbers):
            return None
        match word, numbers:
            case "mustBe", [n]:
                low, high = max(low, (n, 0)), min(high, (n, 0))
            case "mustBeGreaterThan", [n]:
                low = max(low, (n, 1))
            case "mustBeGreaterThanOrEqualTo" | "mustBeGreaterOrEqualTo", [n]:
                low = max(low, (n, 0))
            case "mustBeLessThan", [n]:
                high = min(high, (n, -1))
            case "mustBeLessThanOrEqualTo" | "mustBeLessOrEqualTo", [n]:
                high = min(high, (n, 0))
            case "mustBeBetween", [n, m]:
                low, high = max(low, (n, 0)), min(high, (m, 0))
            case _:
                return None
    return low, high


def _arguments(old: Any, new: Any) -> Relation:
    """Arguments of a rule: lists of valid values are sets."""
    if old == new:
        return Relation.SAME
    if not isinstance(old, dict) or not isinstance(new, dict) or old.keys() != new.keys():
        return Relation.UNSURE
    moved = [word for word in old if old[word] != new[word]]
    if moved != ["validValues"] or not all(isinstance(one["validValues"], list) for one in (old, new)):
        return Relation.UNSURE
    ours, theirs = ({canonical(value) for value in one["validValues"]} for one in (old, new))
    if ours == theirs:
        return Relation.SAME
    return Relation.NARROWER if theirs < ours else Relation.WIDER if ours < theirs else Relation.DIFFERENT


def _named(rule: Mapping[str, Any]) -> Any:
    return rule.get("id") or rule.get("name")


def _measured(rule: Mapping[str, Any]) -> Any:
    """What is measured, when a rule says so."""
    metric = rule.get("metric") or rule.get("rule")
    return (metric, rule.get("dimension"), rule.get("type"), rule.get("query")) if metric else None


def _title(rule: Mapping[str, Any]) -> str:
    named = (rule.get(word) for word in ("name", "metric", "rule", "description"))
    return str(next((one for one in named if one), "a rule"))


def service_levels(report: Report, node: Node) -> None:
    """Freshness, retention, latency and the like."""
    ours, theirs = (dict(_levels(one)) for one in (report.old, report.new))
    for name in sorted(ours.keys() | theirs.keys()):
        at = ours.get(name, ({}, "/slaProperties"))[1], theirs.get(name, ({}, "/slaProperties"))[1]
        if name not in theirs:
            report.add(node, "service-level-removed", _SIDE, f"{name} was removed", *at)
        elif name not in ours:
            report.add(node, "service-level-added", _SIDE, f"{name} was added", *at)
        elif ours[name][0] != theirs[name][0]:
            before, after = ours[name][0], theirs[name][0]
            said = f"{name}: {_amount(before)} became {_amount(after)}"
            report.add(node, _moved(name.split(" ")[0].lower(), before, after), _SIDE, said, *at)


def _levels(interface: Interface) -> Iterator[tuple[str, tuple[dict[str, Any], str]]]:
    value = interface.document.value
    listed = value.get("slaProperties") if isinstance(value, dict) else None
    for index, one in enumerate(listed if isinstance(listed, list) else []):
        if isinstance(one, dict):
            name = f"{one.get('property')} {one.get('element') or ''}".strip()
            yield name, (one, f"/slaProperties/{index}")


def _moved(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """The check for a level that changed: better, worse, or untold."""
    kind = name.removeprefix("service").removeprefix("data")
    others = {word for word in old.keys() | new.keys() if old.get(word) != new.get(word)} - {
        "value",
        "unit",
        "valueExt",
    }
    ours, theirs = _measure(old), _measure(new)
    if others <= _DESCRIBING and ours is not None and theirs is not None:
        if ours == theirs:
            return "text-changed"
        if kind in _LESS_IS_BETTER:
            return "service-level-raised" if theirs < ours else "service-level-lowered"
        if kind in _MORE_IS_BETTER:
            return "service-level-raised" if theirs > ours else "service-level-lowered"
    return "service-level-changed"


def _measure(level: Mapping[str, Any]) -> float | None:
    value, unit = level.get("value"), str(level.get("unit", "")).lower()
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    unit = _UNITS.get(unit, unit)
    return number * _SECONDS[unit] if unit in _SECONDS else number if not unit or unit == "%" else None


def _amount(level: Mapping[str, Any]) -> str:
    return f"{level.get('value')} {level.get('unit') or ''}".strip()
