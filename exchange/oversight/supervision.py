"""The supervision report of a department for a period (政务数据共享条例第三十八条): timeliness, quality, use, security.

Every figure follows from ledger entries up to the size the report names, so whoever has the ledger can count again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from exchange.oversight.anomalies import Alarm
from exchange.oversight.model import Finding, Overdue, Sum, grave
from specs.words import Text

ANSWER_CLOCKS, DELIVERY_CLOCK, CORRECTION_CLOCK = ("C3", "C4"), "C6", "C7"
UPDATE_CLOCK, RETURN_CLOCK, DISPOSAL_CLOCK, RATING_CLOCK = "C1", "C9", "C10", "C13"
GRAVE = "general-3"

Events = Mapping[tuple[str, str, str, str], int]
"""(party, role, kind, detail) → how often."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One line: what it says, its value as people read it, and whether somebody should look at it."""

    id: str
    title: Text
    value: str
    look: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """One of the four parts article 38 names."""

    id: str
    title: Text
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Material:
    """What a report is made of: everything about one department in one period."""

    sums: Sequence[Sum]
    events: Events
    overdue: Sequence[Overdue]
    findings: Sequence[Finding]
    alarms: Sequence[Alarm]
    samples: Sequence[Mapping[str, Any]]
    open_tickets: int


@dataclass(frozen=True, slots=True)
class Report:
    """监督报告. ``size``: ledger entries it was counted from."""

    department: str
    since: date
    until: date
    made_at: str
    size: int
    sections: tuple[Section, ...]

    def to_dict(self) -> dict[str, Any]:
        """The JSON shape of the API."""
        return {
            "department": self.department,
            "since": str(self.since),
            "until": str(self.until),
            "made_at": self.made_at,
            "ledger_size": self.size,
            "article": "38",
            "sections": [
                {
                    "id": section.id,
                    "title": dict(section.title),
                    "figures": [
                        {"id": one.id, "title": dict(one.title), "value": one.value, "look": one.look}
                        for one in section.figures
                    ],
                }
                for section in self.sections
            ],
        }


def sections(department: str, material: Material) -> tuple[Section, ...]:
    """The four parts of a report."""
    return (
        Section("timeliness", {"zh_CN": "及时性", "en": "Timeliness"}, _timeliness(department, material)),
        Section("quality", {"zh_CN": "数据质量", "en": "Quality"}, _quality(department, material)),
        Section("use", {"zh_CN": "应用情况", "en": "Use"}, _use(department, material)),
        Section("security", {"zh_CN": "安全情况", "en": "Security"}, _security(department, material)),
    )


def _timeliness(department: str, material: Material) -> tuple[Figure, ...]:
    answers: Counter[str] = Counter()
    refusals = 0
    breaches: Counter[str] = Counter()
    for (party, role, kind, detail), times in material.events.items():
        if party != department:
            continue
        if role == "provider" and kind in ("application.refused", "agreement.granted"):
            answers[detail] += times
            refusals += times if kind == "application.refused" else 0
        elif role == "party" and kind == "clock.breached":
            breaches[detail] += times
    by_hand = answers["on-time"] + answers["late"]
    running = [clock for clock in material.overdue if clock.party == department]
    return (
        _count("answers", "答复的共享申请（人工）", "applications answered by people", by_hand),
        _share("on_time", "按期答复率", "answered in time", answers["on-time"], by_hand, least=1.0),
        _count("automatic", "自动答复", "answered by rule of their class", answers["automatic"]),
        _count("refusals", "拒绝共享（均附理由和依据）", "refused, with reason and basis", refusals),
        _count(
            "late_answers", "答复超期（第二十一条）", "late answers (art 21)", _of(breaches, ANSWER_CLOCKS), bad=True
        ),
        _count("late_data", "提供超期（第二十二条）", "late deliveries (art 22)", breaches[DELIVERY_CLOCK], bad=True),
        _count(
            "late_corrections",
            "校核超期（第二十六条）",
            "late corrections (art 26)",
            breaches[CORRECTION_CLOCK],
            bad=True,
        ),
        _count(
            "late_updates",
            "目录更新超期（第十七条）",
            "late updates of entries (art 17)",
            breaches[UPDATE_CLOCK],
            bad=True,
        ),
        _count(
            "late_returns", "回流超期（第二十四条）", "late return flows (art 24)", breaches[RETURN_CLOCK], bad=True
        ),
        _count(
            "late_disposals", "处置超期（第二十七条）", "late disposals (art 27)", breaches[DISPOSAL_CLOCK], bad=True
        ),
        _count(
            "late_rectifications",
            "差评整改超期",
            "late rectifications of poor ratings",
            breaches[RATING_CLOCK],
            bad=True,
        ),
        _count("overdue", "仍在超期的事项", "clocks still overdue", len(running), bad=True),
    )


def _quality(department: str, material: Material) -> tuple[Figure, ...]:
    given: Counter[str] = Counter()
    for one in material.sums:
        if one.channel.provider == department:
            given[one.channel.state] += one.calls
    rows = sum(int(sample["rows"]) for sample in material.samples)
    checks = sum(int(sample["checks"]) for sample in material.samples)
    failed = sum(int(sample["failed"]) for sample in material.samples)
    asked = given["delivered"] + given["failed"]
    return (
        _share(
            "sound", "符合接口规范的响应", "answers that kept their interface", given["delivered"], asked, least=0.99
        ),
        _count("failed", "失败或不合规范的响应", "failures and answers that broke it", given["failed"], bad=True),
        _count("sampled", "抽检记录", "records sampled", rows),
        _share("expectations", "抽检期望通过率", "expectations met by samples", checks - failed, checks, least=1.0),
        _count("tickets", "未办结的质量工单", "quality tickets open", material.open_tickets, bad=True),
    )


def _use(department: str, material: Material) -> tuple[Figure, ...]:
    given, taken, records, partners = 0, 0, 0, set()
    for one in material.sums:
        channel = one.channel
        if channel.state == "delivered" and channel.provider == department:
            given += one.calls
            records += one.records
            partners.add(channel.consumer)
        elif channel.state == "delivered" and channel.consumer == department:
            taken += one.calls
    filed = sum(
        times
        for (party, role, kind, _), times in material.events.items()
        if (party, role, kind) == (department, "consumer", "application.filed")
    )
    done = {
        what: sum(
            times
            for (party, role, kind, _), times in material.events.items()
            if (party, role, kind) == (department, "provider", what)
        )
        for what in ("update.audited", "return.returned", "rectification.rated", "rectification.called-back")
    }
    kinds = Counter(finding.kind for finding in material.findings)
    return (
        _count("given", "对外提供次数", "calls answered for others", given),
        _count("records", "对外提供记录数", "records given to others", records),
        _count("partners", "使用其数据的机构", "parties that used its data", len(partners)),
        _count("taken", "使用他方数据次数", "calls for others' data", taken),
        _count("filed", "提出的共享申请", "applications filed", filed),
        _count("updates", "经审核的目录更新", "updates of entries audited", done["update.audited"]),
        _count("returns", "已开始的数据回流", "return flows begun", done["return.returned"]),
        _count("poor", "待整改的差评（含退回）", "poor ratings to rectify", done["rectification.rated"]),
        _count("called_back", "已整改并回访的差评", "rectified and called back", done["rectification.called-back"]),
        _count("unused", "从未使用的授权", "agreements never used", kinds["unused-agreement"], bad=True),
        _count("narrow", "可以收窄的授权", "agreements that can be narrowed", kinds["unused-fields"], bad=True),
    )


def _security(department: str, material: Material) -> tuple[Figure, ...]:
    tried, turned_away, sensitive = 0, 0, 0
    for one in material.sums:
        channel = one.channel
        if channel.state == "refused" and channel.consumer == department:
            tried += one.calls
        elif channel.state == "refused" and channel.provider == department:
            turned_away += one.calls
        elif (
            channel.state == "delivered"
            and channel.provider == department
            and grave(channel.sensitivity) >= grave(GRAVE)
        ):
            sensitive += one.calls
    stopped = sum(
        times
        for (party, role, kind, _), times in material.events.items()
        if party == department and role == "consumer" and kind in ("agreement.suspended", "agreement.terminated")
    )
    return (
        _count("refused", "本机构调用被拒绝", "its own calls refused", tried, bad=True),
        _count("turned_away", "他方调用本机构数据被拒绝", "others' calls for its data refused", turned_away),
        _count("stopped", "本机构授权被中止或终止", "its agreements suspended or ended", stopped, bad=True),
        _count("sensitive", "提供一般 3 级及以上数据的次数", "calls that gave data of general-3 or graver", sensitive),
        _count("unusual", "异常流量告警", "hours of unusual traffic", len(material.alarms), bad=True),
    )


def _of(counted: Counter[str], names: Iterable[str]) -> int:
    return sum(counted[name] for name in names)


def _count(id: str, zh: str, en: str, value: int, *, bad: bool = False) -> Figure:
    return Figure(id, {"zh_CN": zh, "en": en}, f"{value:,}", bad and value > 0)


def _share(id: str, zh: str, en: str, part: int, whole: int, *, least: float) -> Figure:
    value = "–" if whole == 0 else f"{100 * part / whole:.1f} %"
    return Figure(id, {"zh_CN": zh, "en": en}, value, whole > 0 and part / whole < least)
