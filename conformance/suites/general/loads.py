"""The declared service level, under the declared load."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.load import Load, arrivals, fire
from conformance.stage import Inconclusive, Stage
from conformance.suites.playing import Scripts
from conformance.suites.world import World
from conformance.transport import AppUnreachable, Ask, RateLimited

scripts = Scripts[World]()
SECONDS = 5.0
LEAST, MOST = 25, 400
"""Requests of one load."""
ATTEMPTS, ENOUGH = 4, 2
"""Loads at most, of which one has to go well (what else a machine does at the moment is no app's fault); so many that
went ill while we ourselves were not busy are enough."""


@scripts("load")
def service_level(stage: Stage[World]) -> None:
    """Citizens arrive by themselves, at the declared rate; what they are told is judged as well as how fast.

    Every application is refused after the checks, so that each is a full decision and none uses up a subject.
    """
    level = stage.suite.service_level
    rate, limit = float(level["requests_per_second"]), float(level["p95_ms"]) / 1000
    count = max(LEAST, min(MOST, round(rate * SECONDS)))
    if stage.transport.pause > 1 / rate:
        raise Inconclusive(
            {"zh_CN": "应用声明的限流低于服务水平", "en": "the limit the app declares is below the load"}
        )
    limited: list[int] = []
    asks: Sequence[tuple[Ask, frozenset[str]]] = ()

    def shoot(number: int) -> bool:
        ask, broken = asks[number]
        try:
            reply = stage.transport.send(ask)
        except RateLimited:
            limited.append(number)
            return False
        except AppUnreachable:
            return False
        answer = reply.json if isinstance(reply.json, dict) else {}
        entries = answer.get("failed_rules")
        named = {e.get("rule") for e in entries if isinstance(e, dict)} if isinstance(entries, list) else set()
        return reply.status in (200, 201) and named == broken

    sound = []
    for attempt in range(ATTEMPTS):
        asks = _asks(stage, attempt, count)
        load = fire(arrivals(f"{stage.seed}/{stage.salt}/{attempt}", rate, count), shoot)
        stage.note = _told(load)
        if limited:
            raise Inconclusive({"zh_CN": "应用限流", "en": "rate limited below the declared load"})
        slow, wrong = load.percentile(0.95) > limit, load.errors > max(float(level["error_rate"]), 1 / count)
        if not slow and not wrong:
            return
        if not load.saturated(limit):
            sound.append((slow, wrong, stage.note))
        if len(sound) == ENOUGH:
            break
    if not sound:
        raise Inconclusive(
            {"zh_CN": "测试程序自身过载，请重新测试", "en": "the tester itself was overloaded: run again"}
        )
    slow, wrong, stage.note = sound[-1]
    if slow:
        stage.problem(
            "load.latency",
            {
                "zh_CN": f"每秒 {rate:g} 个请求时 p95 不超过 {limit:g} 秒",
                "en": f"p95 within {limit:g} s at {rate:g} requests a second",
            },
            stage.note,
        )
    if wrong:
        stage.problem(
            "load.errors",
            {
                "zh_CN": f"错误不超过 {float(level['error_rate']):.1%}",
                "en": f"at most {float(level['error_rate']):.1%} wrong",
            },
            stage.note,
        )


def _asks(stage: Stage[World], attempt: int, count: int) -> list[tuple[Ask, frozenset[str]]]:
    """The applications of one load with the rules they break; every load has citizens of its own."""
    asks = []
    for number in range(count):
        application, broken = stage.world.refusable(stage.case.id, number % 20)
        asks.append((stage.submission(application, stage.launch(f"{attempt}-{number}")), broken))
    return asks


def _told(load: Load) -> dict[str, str]:
    figures = ", ".join(f"p{round(share * 100)} {load.percentile(share) * 1000:.0f} ms" for share in (0.5, 0.95, 0.99))
    return {
        "zh_CN": f"{len(load.shots)} 个请求：{figures}，错误 {load.errors:.1%}",
        "en": f"{len(load.shots)} requests: {figures}, wrong {load.errors:.1%}",
    }
