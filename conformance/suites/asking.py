"""What the app asked of the departments, judged over the whole run: with need, on grounds, in order, of nobody else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from conformance import observe
from conformance.case import DepartmentCall
from conformance.checks import in_chinese, rule_ids
from conformance.observe import Source
from conformance.stage import Episode
from conformance.suites.applying import process_of, telling, unconditional
from conformance.suites.seeing import histories, recorded, sighting, where
from conformance.suites.suite import Sighting, Suite
from conformance.workflow import Order


def fields(suite: Suite[Any], episodes: Sequence[Episode]) -> Iterator[Sighting]:
    """Every field read has a need; said once per operation and set of fields."""
    said: set[tuple[str, str, tuple[str, ...]]] = set()
    for item in recorded(episodes):
        call = item.call
        if not observe.succeeded(call) or (call.interface, call.operation) not in _needed(suite):
            continue
        needed = tuple(suite.needs[call.interface][call.operation])
        extra = tuple(sorted(set(call.fields) - set(needed)))
        if extra and (call.interface, call.operation, extra) not in said:
            said.add((call.interface, call.operation, extra))
            name = f"{call.interface}#{call.operation}"
            yield sighting(
                "read.needed-only",
                "read.needed-only",
                {
                    "zh_CN": f"{name} 只需字段 {', '.join(needed)}",
                    "en": f"of {name} only {', '.join(needed)} is needed",
                },
                {
                    "zh_CN": f"无需而读取：{_titled(suite, call, extra, 'zh_CN')}",
                    "en": f"read without need: {_titled(suite, call, extra, 'en')}",
                },
                where(episodes, item),
            )


def process(suite: Suite[Any], episodes: Sequence[Episode]) -> Iterator[Sighting]:
    """Only operations of the process are called; said once per operation."""
    said: set[tuple[str, str]] = set()
    allowed = suite.order.operations() | _needed(suite)
    for item in recorded(episodes):
        place = (item.call.interface, item.call.operation or item.call.path)
        if (item.call.interface, item.call.operation) in allowed or place in said:
            continue
        said.add(place)
        read = item.call.fields if observe.succeeded(item.call) else ()
        yield sighting(
            "read.process-only",
            "read.process-only",
            {"zh_CN": "只调用流程文件中的接口", "en": "only operations of the process document are called"},
            {
                "zh_CN": f"调用了 {place[0]}#{place[1]}（{item.call.status}），"
                f"读取 {_titled(suite, item.call, read, 'zh_CN')}",
                "en": f"called {place[0]}#{place[1]} ({item.call.status}), "
                f"read {_titled(suite, item.call, read, 'en')}",
            },
            where(episodes, item),
        )


def grounds(suite: Suite[Any], episodes: Sequence[Episode]) -> Iterator[Sighting]:
    """A right answer is credited only if the app asked for what it rests on."""
    for episode, history in histories(episodes):
        expectation = episode.expectation
        if expectation is None or episode.answer.get("state") != expectation.state:
            continue
        calls = [item.call for item in history]
        missing: list[Any] = list(observe.ungrounded(expectation.grounds, calls))
        if not missing:  # the fields were read, but perhaps of somebody else
            about = {(source.interface, source.operation) for source in expectation.grounds}
            needed = [i for i in expectation.inquiries if (i.interface, i.operation) in about]
            missing = [inquiry for inquiry in needed if not inquiry.answered(calls)]
        if missing:
            yield sighting(
                "read.grounded",
                "read.grounded",
                {
                    "zh_CN": f"结论 {in_chinese(expectation.state)} 以 {_listed(expectation.grounds)} 为依据",
                    "en": f"the answer {expectation.state} rests on {_listed(expectation.grounds)}",
                },
                {
                    "zh_CN": f"没有读取 {_listed(missing)} 就作了结论",
                    "en": f"answered without reading {_listed(missing)}",
                },
                episode,
            )


def order(suite: Suite[Any], episodes: Sequence[Episode]) -> Iterator[Sighting]:
    """No step comes before what it needs has succeeded."""
    orders = _orders(suite, episodes)
    for item, breach in observe.breaches(recorded(episodes), unconditional(suite), orders):
        missing = ", ".join(breach.missing)
        yield sighting(
            "order",
            "order",
            {"zh_CN": f"{breach.step} 在 {missing} 办结之后", "en": f"{breach.step} only after {missing} succeeded"},
            {
                "zh_CN": f"此前已调用 {item.call.interface}#{item.call.operation}（{item.call.status}）",
                "en": f"{item.call.interface}#{item.call.operation} was called before ({item.call.status})",
            },
            where(episodes, item),
        )


def purpose(suite: Suite[Any], episodes: Sequence[Episode]) -> Iterator[Sighting]:
    """Of the process only what this application needs: no check, no field of another ground, nobody else's data.

    Judged where the app's answer is right; what no application needs is told by `fields` and `process`. Said once
    per operation and what was taken.
    """
    said: set[tuple[str, str, tuple[str, ...]]] = set()
    for episode in episodes:
        steps = _right_steps(episode)
        if steps is None:
            continue
        order = telling(suite, episode.ask.body)
        reads = {step.id: set(step.reads) for step in suite.steps}
        for item in episode.calls:
            call = item.call
            if (call.interface, call.operation) not in _needed(suite) - suite.writes or call.status >= 500:
                continue
            due = {node.id for node in order.fitting(call) if node.id in steps}
            allowed = {name for step in due for name in reads[step]}
            extra = tuple(sorted(set(call.fields) & set(suite.needs[call.interface][call.operation]) - allowed))
            place = (call.interface, call.operation, extra)
            if (due and not extra) or place in said:
                continue
            said.add(place)
            name = f"{call.interface}#{call.operation}"
            only = ", ".join(sorted(allowed)) or "–"
            yield sighting(
                "read.purpose",
                "read.needed-only" if due else "read.process-only",
                {
                    "zh_CN": f"办理这份申请，{name} 只需字段 {only}" if due else f"办理这份申请不需要这次 {name} 调用",
                    "en": f"for this application {name} is needed for {only} only"
                    if due
                    else f"for this application this call of {name} is not needed",
                },
                {
                    "zh_CN": f"超出用途：{_titled(suite, call, extra or call.fields, 'zh_CN')}",
                    "en": f"beyond the purpose: {_titled(suite, call, extra or call.fields, 'en')}",
                },
                episode,
            )


def urls(suite: Suite[Any], episodes: Sequence[Episode]) -> Iterator[Sighting]:
    """No citizen number, name or telephone number in a path or query."""
    for episode in episodes:
        for item in observe.personal_in_urls(episode.calls, _personal(episode.ask.body)):
            yield sighting(
                "privacy.url",
                "privacy.url",
                {
                    "zh_CN": "身份号码、姓名、电话只放在请求体中",
                    "en": "identity numbers, names and telephone numbers travel in bodies only",
                },
                {
                    "zh_CN": f"{item.call.method} {item.call.interface}{item.call.path} 的网址中带有个人信息",
                    "en": f"{item.call.method} {item.call.interface}{item.call.path} carries one in its address",
                },
                episode,
            )


ALL: Mapping[str, Callable[[Suite[Any], Sequence[Episode]], Iterable[Sighting]]] = {
    "observe.fields": fields,
    "observe.process": process,
    "observe.grounds": grounds,
    "observe.purpose": purpose,
    "observe.order": order,
    "observe.urls": urls,
}


def _right_steps(episode: Episode) -> frozenset[str] | None:
    """The steps the process has for an application that was answered rightly, None for any other episode."""
    expectation = episode.expectation
    if expectation is None or expectation.steps is None or episode.answer.get("state") != expectation.state:
        return None
    if expectation.state == "incomplete" or rule_ids(episode.answer) != expectation.failed:
        return None  # that nobody is asked about an incomplete application, `refusals` says
    return expectation.steps


def _orders(suite: Suite[Any], episodes: Iterable[Episode]) -> dict[str, Order]:
    """Launch → the process as it is for the application submitted under it, where the answer was foretold."""
    found: dict[str, Order] = {}
    for episode in episodes:
        if episode.expectation is not None and episode.expectation.steps is not None:
            found.setdefault(episode.launch, process_of(suite, episode.ask.body, episode.expectation.steps))
    return found


def _needed(suite: Suite[Any]) -> frozenset[tuple[str, str]]:
    return frozenset((interface, name) for interface, names in suite.needs.items() for name in names)


def _personal(body: Any) -> Iterator[str]:
    """Names, identity and telephone numbers an application holds."""
    if isinstance(body, Mapping):
        for name, value in body.items():
            if name in ("XM", "GMSFHM", "LXDH") and isinstance(value, str):
                yield value
            else:
                yield from _personal(value)


def _titled(suite: Suite[Any], call: DepartmentCall, names: Iterable[str], language: str) -> str:
    """Field names with what they mean."""
    titles = suite.field_titles(call.interface, call.operation)
    return ", ".join(f"{name} ({titles[name].get(language, '')})" if name in titles else name for name in names) or "–"


def _listed(sources: Iterable[Source | observe.Inquiry]) -> str:
    return ", ".join(dict.fromkeys(str(source) for source in sources))
