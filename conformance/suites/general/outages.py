"""Cases of departments that fail: an honest state, nothing lost, nothing doubled, and on it goes afterwards."""

from __future__ import annotations

from typing import Any

from conformance.case import Text
from conformance.checks import quote, shown_steps
from conformance.oracle import COMPLETED, OracleError
from conformance.stage import Episode, Inconclusive, Stage
from conformance.suites.playing import Scripts, described, put, results_of, written
from conformance.suites.world import World
from conformance.transport import Ask

scripts = Scripts[World]()

UNASKED: Text = {"zh_CN": "应用没有调用这个部门", "en": "the app never called this department"}


def broken_down(stage: Stage[World], name: str) -> tuple[Episode, str]:
    """Apply while the operation of the step that the suite calls `name` is down, and judge the half-finished answer."""
    failed = stage.suite.faults[name]
    node = stage.suite.order.nodes[failed]
    down = f"{node.interface}#{node.operation}"
    application = stage.world.application(stage.case.id)
    if stage.world.expect(application).failed:
        raise OracleError("the subject of a fault case is not eligible")
    stage.subject = stage.subject or described(stage, application)
    launch = stage.launch("citizen", down=[down])
    episode = stage.submit(application, launch)
    lost = {failed} | stage.suite.order.downstream(failed)
    kept = [step for step in stage.suite.order.sequence() if step not in lost]
    state, done = episode.answer.get("state"), stage.suite.order.done(item.call for item in episode.calls)
    if state != "partially_completed":
        swallowed = state == COMPLETED
        stage.problem(
            "fault.state",
            {
                "zh_CN": f"{failed} 的部门故障：状态 partially_completed（部分办结），其余步骤办结",
                "en": f"the department of {failed} is down: partially_completed, the other steps done",
            },
            f"HTTP {episode.reply.status}, state {state!r}" + (", though a step failed" if swallowed else ""),
            requirements=("honest.outage",) if swallowed or not done & written(stage) else ("keep.finished",),
        )
        return episode, launch
    shown = shown_steps(episode)
    writes = written(stage)
    wrong = [s for s in kept if shown.get(s) != "done" or (s in writes and s not in done)]
    if wrong:
        stage.problem(
            "fault.kept",
            {"zh_CN": f"不依赖 {failed} 的步骤办结并保留", "en": f"steps that do not need {failed} are done and kept"},
            ", ".join(f"{s} {shown.get(s)!r}" for s in wrong),
            requirements=("keep.finished",),
        )
    lying = {s: shown.get(s) for s in sorted(lost) if s not in done}
    expected = {s: "failed" if s == failed else "pending" for s in lying}
    if lying != expected:
        stage.problem(
            "fault.shown",
            {"zh_CN": f"各步状态 {expected}", "en": f"step states {expected}"},
            f"step states {lying}",
            requirements=("honest.outage",),
        )
    result = episode.answer.get("result")
    missing = sorted(results_of(stage, kept) - set(result if isinstance(result, dict) else {}))
    if missing and not wrong:
        stage.problem(
            "fault.results",
            {"zh_CN": "已办结步骤的结果保留", "en": "the results of finished steps are kept"},
            {"zh_CN": f"丢失 {', '.join(missing)}", "en": f"{', '.join(missing)} lost"},
            requirements=("keep.finished",),
        )
    return episode, launch


@scripts("fault.branch")
def branch(stage: Stage[World]) -> None:
    broken_down(stage, "branch")


@scripts("fault.trunk")
def trunk(stage: Stage[World]) -> None:
    broken_down(stage, "trunk")


@scripts("fault.resume")
def resume(stage: Stage[World]) -> None:
    taken_up(stage, "trunk")


def taken_up(stage: Stage[Any], name: str) -> None:
    """Apply while a step's operation is down, then resume: the rest is done, and what was done is left alone."""
    episode, launch = broken_down(stage, name)
    matter = episode.answer.get("id")
    if stage.problems or not isinstance(matter, str):
        return
    stage.gateway.restore(launch)
    path = stage.path("resumeHandledMatter").replace("{id}", matter)
    again = stage.send("resumeHandledMatter", Ask("POST", path, stage.headers(launch)), launch)
    if again.answer.get("state") != COMPLETED:
        stage.problem(
            "resume",
            {"zh_CN": "部门恢复后办结", "en": "completed once the department is back"},
            f"HTTP {again.reply.status} {quote(again.turn.answer)}",
            requirements=("resume",),
        )
    done = stage.suite.order.done(item.call for item in episode.calls) & written(stage)
    repeated = sorted(
        node.id
        for item in again.calls
        for node in stage.suite.order.steps(item.call.interface, item.call.operation)
        if node.id in done
    )
    if repeated:
        stage.problem(
            "resume.repeats",
            {"zh_CN": "已办结的步骤不再调用", "en": "finished steps are not called again"},
            {"zh_CN": f"再次调用 {', '.join(repeated)}", "en": f"called again: {', '.join(repeated)}"},
            requirements=("keep.finished",),
        )


@scripts("fault.check", "fault.first-write")
def nothing_known(stage: Stage[World]) -> None:
    """A department without which nothing can be decided or begun is down; afterwards the same key must work."""
    node = stage.suite.order.nodes[stage.suite.faults[stage.case.id.removeprefix("fault.")]]
    application = stage.world.application(stage.case.id)
    stage.subject = described(stage, application)
    launch = stage.launch("citizen", down=[f"{node.interface}#{node.operation}"])
    first = stage.submit(application, launch)
    wrote = stage.suite.order.done(item.call for item in first.calls) & written(stage)
    if not any((item.call.interface, item.call.operation) == (node.interface, node.operation) for item in first.calls):
        raise Inconclusive(UNASKED)  # an answer without asking is not about outages: `read.grounded` says it
    if first.reply.status != 502 or wrote:
        stage.problem(
            "fault.nothing-done",
            {"zh_CN": "部门故障且未办理任何事项：502", "en": "a department is down and nothing was done: 502"},
            f"HTTP {first.reply.status} {quote(first.turn.answer)}" + (f", but did {sorted(wrote)}" if wrote else ""),
        )
        return
    stage.gateway.restore(launch)
    put(stage, application, frozenset(), launch=launch)


@scripts("resume.settled")
def settled(stage: Stage[World]) -> None:
    """Going on with what is completed or refused changes nothing and asks nobody."""
    expected = {"zh_CN": "原样返回，不调用部门", "en": "answered as it is, and no department is called"}
    told = ("id", "state", "failed_rules", "missing", "notices", "steps", "result")
    refusable, broken = stage.world.refusable(stage.case.id)
    for name, application, intended in (
        ("refused", refusable, broken),
        ("completed", stage.world.application(stage.case.id), frozenset[str]()),
    ):
        first = put(stage, application, intended, name=name)
        matter = first.answer.get("id")
        if not isinstance(matter, str):
            return
        again = stage.resume(matter, first.launch)
        wrong = again.reply.status != 200 or any(first.answer.get(key) != again.answer.get(key) for key in told)
        if wrong or again.calls:
            asked = f", and called {again.calls[0].call.operation}" if again.calls else ""
            stage.problem("resume", expected, f"{name}: HTTP {again.reply.status} {quote(again.turn.answer)}{asked}")
