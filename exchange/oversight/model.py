"""What a data officer looks for, as pure functions over recorded flows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Flow:
    """One call through the broker: data that left, a refusal or a failure. Field names only, never values."""

    id: str
    at: str
    provider: str
    consumer: str
    interface: str
    operation: str
    agreement: str | None
    purpose: str
    legal_basis: str
    state: str
    rule: str
    fields: tuple[str, ...]
    records: int
    launch: str | None = None
    entry: int | None = None

    @property
    def refused(self) -> bool:
        """A rule refused the call; nothing left."""
        return self.state == "refused"

    @property
    def delivered(self) -> bool:
        """Data left."""
        return self.state == "delivered"

    def to_dict(self) -> dict[str, Any]:
        """The JSON shape of the API."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__} | {"fields": list(self.fields)}


@dataclass(frozen=True, slots=True)
class Granted:
    """An agreement as oversight sees it: who may send which fields to whom."""

    id: str
    provider: str
    consumer: str
    interface: str
    fields: tuple[str, ...]
    state: str
    since: str


@dataclass(frozen=True, slots=True)
class Finding:
    """发现: something a data officer should look at, with what to do about it."""

    kind: str
    severity: str
    subject: str
    detail_zh: str
    detail_en: str
    evidence: tuple[str, ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """The JSON shape of the API."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__} | {"evidence": list(self.evidence)}


def matrix(flows: Iterable[Flow]) -> list[dict[str, Any]]:
    """Provider × consumer: how often data left and how often it was refused, most first."""
    left: Counter[tuple[str, str]] = Counter()
    refused: Counter[tuple[str, str]] = Counter()
    for flow in flows:
        pair = (flow.provider, flow.consumer)
        left[pair] += flow.delivered
        refused[pair] += flow.refused
    pairs = sorted(left.keys() | refused.keys(), key=lambda pair: (-left[pair], pair))
    return [
        {
            "provider": provider,
            "consumer": consumer,
            "delivered": left[provider, consumer],
            "refused": refused[provider, consumer],
        }
        for provider, consumer in pairs
    ]


def findings(flows: Sequence[Flow], granted: Iterable[Granted]) -> list[Finding]:
    """Refused attempts, agreements nobody uses, agreed fields nobody asked for."""
    found: list[Finding] = []
    refused: dict[tuple[str, str, str], list[Flow]] = {}
    used: dict[str, set[str]] = {}
    for flow in flows:
        if flow.refused:
            refused.setdefault((flow.consumer, flow.interface, flow.rule), []).append(flow)
        elif flow.delivered and flow.agreement:
            used.setdefault(flow.agreement, set()).update(flow.fields)
    for (consumer, interface, rule), attempts in refused.items():
        found.append(
            Finding(
                "refused-attempt",
                "warning",
                consumer,
                f"{consumer} 调用 {interface} 被拒绝 {len(attempts)} 次（规则 {rule}）",
                f"{consumer} was refused {len(attempts)} time(s) at {interface} by the rule {rule}",
                tuple(flow.id for flow in attempts[:20]),
            )
        )
    for agreement in granted:
        if agreement.state != "active":
            continue
        if agreement.id not in used:
            found.append(
                Finding(
                    "unused-agreement",
                    "info",
                    agreement.id,
                    f"授权 {agreement.id} 尚未使用：{agreement.provider} → {agreement.consumer}，{agreement.interface}",
                    f"agreement {agreement.id} was never used: {agreement.provider} → {agreement.consumer}, "
                    f"{agreement.interface}",
                )
            )
        elif unused := sorted(set(agreement.fields) - used[agreement.id]):
            found.append(
                Finding(
                    "unused-fields",
                    "info",
                    agreement.id,
                    f"授权 {agreement.id} 可以收窄：从未使用字段 {'、'.join(unused)}",
                    f"agreement {agreement.id} can be narrowed: never used {', '.join(unused)}",
                )
            )
    return found
