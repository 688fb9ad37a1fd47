"""What is judged over the whole run, whatever the matter: reading, order, results, repeats, shape of answers.

An observation believes the app's own words and holds them against the record: an app that accepts what it
should refuse fails the case of that rule, and is not told the same thing again here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from conformance import observe
from conformance.case import Outcome
from conformance.checks import breaks_interface, in_chinese, quote, shown_steps
from conformance.observe import Recorded
from conformance.stage import Episode
from conformance.suites import asking, conduct
from conformance.suites.applying import applications, telling
from conformance.suites.seeing import histories, recorded, sighting, where
from conformance.suites.suite import Sighting, Suite
from conformance.workflow import Node

Observation = Callable[[Suite[Any], Sequence[Episode]], Iterable[Sighting]]
HALF = "partially_completed"
UNFORESEEN = ("access.expired-token", "fault.cut", "fault.cut-first", "fault.too-many", "fault.check-too-many")
"""Cases of what the app's interface document does not speak of."""
PLAIN = (400, 404, 405, 406, 413, 414, 415, 422, 429, 431)
"""Refusals that documents forget and servers give by themselves."""
REFUSALS = ("incomplete", "needs_correction", "not_eligible")


def results(suite: Suite[Any], episodes: Sequence[Episode]) -> Iterator[Sighting]:
    """The result shown is what the departments answered, number by number."""
    for episode, history in histories(episodes):
        shown = episode.answer.get("result")
        if not isinstance(shown, Mapping):
            continue
        issued = _issued(suite, history)
        for name, value in shown.items():
            if value not in issued.get(name, ()):
                wanted = ", ".join(map(str, issued.get(name, ()))) or "–"
                yield sighting(
                    "result.genuine",
                    "result.genuine",
                    {"zh_CN": f"{name} 为部门签发的 {wanted}", "en": f"{name} as issued: {wanted}"},
                    f"{name} {value!r}",
                    episode,
                )
        if episode.answer.get("state") == HALF:
            continue  # what must be kept of a half-finished matter is the fault cases' business
        for name in sorted(issued.keys() - shown.keys()):
            yield sighting(
                "result.genuine",
                "result.genuine",
                {"zh_CN": f"结果中有 {name}", "en": f"{name} among the results"},
                {
                    "zh_CN": f"{suite.results[name][0]} 已办结，却没有 {name}",
                    "en": f"{name} is missing, though {suite.results[name][0]} was done",
                },
                episode,
            )


def steps(suite: Suite[Any], episodes: Sequence[Episode]) -> Iterator[Sighting]:
    """A step shown as done was done, and a write that was done is shown as done."""
    submitted = applications(episodes)
    for episode, history in histories(episodes):
        shown = shown_steps(episode)
        order = telling(suite, submitted.get(episode.launch, {}))
        done = order.done(item.call for item in history)
        heard = order.done(item.call for item in history if item.answer is not None)
        # A check that was answered is done, whatever the answer ("there is no such institution" is one).
        asked = {
            node.id
            for item in history
            if item.call.status < 500
            for node in order.fitting(item.call)
            if (node.interface, node.operation) not in suite.writes
        }
        for name, state in shown.items():
            if name not in suite.order.nodes:
                continue  # the interface document forbids it, and that is another observation
            node = suite.order.nodes[name]
            claimed, recorded = state == "done", name in done | asked
            unheard = name not in asked and name not in heard
            if claimed and not recorded:
                got = {
                    "zh_CN": f"{name} 显示为已办结，记录中没有",
                    "en": f"{name} shown as done, but the record has no success",
                }
            elif (
                recorded
                and not claimed
                and not unheard
                and episode.answer.get("state") != HALF
                and _writes(suite, node)
            ):
                got = {"zh_CN": f"{name} 已办结，却显示为 {state}", "en": f"{name} was done, but is shown as {state}"}
            else:
                continue
            yield sighting(
                "steps.honest",
                "steps.honest",
                {"zh_CN": f"{name} 的状态与办理记录一致", "en": f"the state of {name} as the record has it"},
                got,
                episode,
            )


def refusals(suite: Suite[Any], episodes: Sequence[Episode]) -> Iterator[Sighting]:
    """An app that refuses has written nothing; one that finds gaps has not even asked."""
    for episode in episodes:
        state = episode.answer.get("state")
        if state not in REFUSALS or episode.operation != "submitHandledMatter" or not episode.calls:
            continue
        asked = [item for item in episode.calls if state == "incomplete"]
        wrote = [
            item
            for item in episode.calls
            if (item.call.interface, item.call.operation) in suite.writes and observe.succeeded(item.call)
        ]
        for item in (wrote or asked)[:1]:
            yield sighting(
                "refusal.clean",
                "refusal.clean",
                {
                    "zh_CN": f"状态 {in_chinese(state)} 时不"
                    + ("调用任何部门" if state == "incomplete" else "办理任何事项"),
                    "en": f"in state {state} "
                    + ("no department is called" if state == "incomplete" else "nothing is done"),
                },
                f"{item.call.method} {item.call.interface}{item.call.path} ({item.call.status})",
                episode,
            )


def repeats(suite: Suite[Any], episodes: Sequence[Episode]) -> Iterator[Sighting]:
    """Nothing that succeeded is sent again as if it were new."""
    for item in observe.doubled(recorded(episodes), suite.writes):
        episode = where(episodes, item)
        yield sighting(
            "once",
            "once",
            {"zh_CN": "已办结的不再办理", "en": "what was done is not done again"},
            {
                "zh_CN": f"以另一幂等键再次提交 {item.call.interface}#{item.call.operation}（{item.call.status}）",
                "en": f"{item.call.interface}#{item.call.operation} was sent again under another key"
                f" ({item.call.status})",
            },
            episode,
            Outcome.WARN if episode is not None and episode.case in UNFORESEEN else Outcome.FAIL,
        )


def context(suite: Suite[Any], episodes: Sequence[Episode]) -> Iterator[Sighting]:
    """Calls carry the handled matter's id, writes an idempotency key too; said once per operation.

    A check without the id is a deviation (an app may look before it opens a matter), a write without either a fault.
    """
    said: set[str] = set()
    for item in recorded(episodes):
        name = f"{item.call.interface}#{item.call.operation}"
        lacking = [] if item.matter else ["Tongban-Handled-Matter"]
        if (item.call.interface, item.call.operation) in suite.writes and not item.key:
            lacking.append("Idempotency-Key")
        if lacking and name not in said:
            said.add(name)
            yield sighting(
                "context",
                "context",
                {"zh_CN": "调用部门时附带办件编号和幂等键", "en": "a department call names its handled matter and key"},
                {"zh_CN": f"{name} 缺少 {'、'.join(lacking)}", "en": f"{name} without {' and '.join(lacking)}"},
                where(episodes, item),
                Outcome.FAIL if (item.call.interface, item.call.operation) in suite.writes else Outcome.WARN,
            )


def answers(suite: Suite[Any], episodes: Sequence[Episode]) -> Iterator[Sighting]:
    """Every answer keeps to the app's own interface document; said once per complaint and operation."""
    said: set[tuple[str, str]] = set()
    for episode in episodes:
        complaint = breaks_interface(suite, episode) if episode.reply.status < 500 else None
        if complaint and (episode.operation, complaint) not in said:
            said.add((episode.operation, complaint))
            yield sighting(
                "contract.answer",
                "contract.answer",
                {
                    "zh_CN": f"{episode.operation} 的答复符合接口文件",
                    "en": f"{episode.operation} answers as documented",
                },
                complaint,
                episode,
                Outcome.WARN if _forgotten(suite, episode) else Outcome.FAIL,
            )


def robust(suite: Suite[Any], episodes: Sequence[Episode]) -> Iterator[Sighting]:
    """No internal error. A 502 is a documented answer; whether it is the right one, the case says."""
    for episode in episodes:
        status = episode.reply.status
        if status >= 500 and status != 502:
            unforeseen = episode.case in UNFORESEEN
            yield sighting(
                "robust",
                "robust",
                {"zh_CN": "答复而不是内部错误", "en": "an answer and no internal error"},
                f"HTTP {status} {quote(episode.turn.answer)}",
                episode,
                Outcome.WARN if unforeseen else Outcome.FAIL,
            )


ALL: Mapping[str, Observation] = {
    **asking.ALL,
    "observe.results": results,
    "observe.steps": steps,
    "observe.refusals": refusals,
    "observe.repeats": repeats,
    "observe.context": context,
    "observe.answers": answers,
    "observe.robust": robust,
    **conduct.ALL,
}


def _forgotten(suite: Suite[Any], episode: Episode) -> bool:
    """Whether an answer is out of the interface only because the document does not list its plain refusal."""
    status = episode.reply.status
    unlisted = suite.app.operation(episode.operation).response(status) is None
    return unlisted and (status in PLAIN or (episode.case in UNFORESEEN and status >= 400))


def _writes(suite: Suite[Any], node: Node) -> bool:
    return (node.interface, node.operation) in suite.writes


def _issued(suite: Suite[Any], history: Iterable[Recorded]) -> dict[str, list[Any]]:
    """Result name → the values departments answered, in order."""
    found: dict[str, list[Any]] = {}
    for item in history:
        if not observe.succeeded(item.call) or not isinstance(item.answer, Mapping):
            continue
        steps = {node.id for node in suite.order.steps(item.call.interface, item.call.operation)}
        for name, (step, field) in suite.results.items():
            if step in steps and item.answer.get(field) is not None:
                found.setdefault(name, []).append(item.answer[field])
    return found
