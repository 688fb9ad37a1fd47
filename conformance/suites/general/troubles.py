"""Cases of departments that are slow, overrun, cut off in the middle of an answer, and of an app that is restarted.

Whatever happens to one answer: no wrong conclusion, nothing lost, nothing done twice, and the citizen is told.
"""

from __future__ import annotations

from conformance.case import Outcome, Text
from conformance.checks import quote, shown_steps
from conformance.gateway import Trouble
from conformance.oracle import COMPLETED
from conformance.stage import Episode, Inconclusive, Stage
from conformance.suites.general.outages import broken_down
from conformance.suites.playing import Scripts, described, put
from conformance.suites.world import World

scripts = Scripts[World]()
HALF = "partially_completed"
ENDED: Text = {"zh_CN": "部门恢复后办结，不重复办理", "en": "completed once the department is back, nothing twice"}


def late_step(stage: Stage[World]) -> tuple[str, str]:
    """A writing step that comes late in the process (where there is only one, that one), and its operation."""
    step = stage.suite.faults.get("branch") or stage.suite.faults["first-write"]
    return step, operation(stage, step)


def operation(stage: Stage[World], step: str) -> str:
    """The operation of a step."""
    node = stage.suite.order.nodes[step]
    return f"{node.interface}#{node.operation}"


def limit(stage: Stage[World]) -> float:
    """Seconds a department may take to answer."""
    return float(stage.suite.service_level.get("department_timeout_ms", 5000)) / 1000


@scripts("fault.slow")
def slow(stage: Stage[World]) -> None:
    """Within the declared time a slow department is no outage."""
    _, name = late_step(stage)
    launch = stage.launch(troubles={name: Trouble(delay=0.3 * limit(stage), times=1)})
    put(stage, stage.world.application(stage.case.id), frozenset(), launch=launch)


@scripts("fault.late", "fault.cut", "fault.too-many")
def unheard(stage: Stage[World]) -> None:
    """One answer does not arrive (too late, cut off, turned away). The app may ask again at once or say what failed."""
    step, name = late_step(stage)
    trouble = {
        "fault.late": Trouble(delay=1.6 * limit(stage), times=1),
        "fault.cut": Trouble(cut=True, times=1),
        "fault.too-many": Trouble(status=429, retry_after=1, times=1),
    }[stage.case.id]
    application = stage.world.application(stage.case.id)
    stage.subject = described(stage, application)
    launch = stage.launch(troubles={name: trouble})
    first = stage.submit(application, launch)
    if first.answer.get("state") == COMPLETED:
        _in_time(stage, first, name, step)
        return
    honest = first.answer.get("state") == HALF and shown_steps(first).get(step) in ("failed", "pending")
    nothing = first.reply.status in (429, 502, 503) and stage.suite.faults.get("first-write") == step
    if not honest and not nothing:
        unforeseen = stage.case.id in ("fault.too-many", "fault.cut") and first.reply.status >= 500
        stage.problem(
            "fault.state",
            {
                "zh_CN": f"{step} 没有得到答复：再次办理，或状态 {HALF}、{step} 为 failed",
                "en": f"{step} got no answer: tried again, or state {HALF} with {step} failed",
            },
            f"HTTP {first.reply.status}, state {first.answer.get('state')!r}, {step} {shown_steps(first).get(step)!r}",
            requirements=("honest.outage",),
            outcome=Outcome.WARN if unforeseen else Outcome.FAIL,
        )
        return
    stage.gateway.restore(launch)
    _goes_on(stage, first, application, launch, name)


def _in_time(stage: Stage[World], first: Episode, name: str, step: str) -> None:
    """Completed at once: by asking again, which is well, or by waiting longer than agreed."""
    asked = [item for item in first.calls if f"{item.call.interface}#{item.call.operation}" == name]
    if not any(item.answer is not None and item.call.status < 300 for item in asked):
        stage.problem(
            "fault.claimed",
            {
                "zh_CN": f"{step} 没有得到答复，不得显示为办结",
                "en": f"{step} got no answer, so it is not known to be done",
            },
            f"state {first.answer.get('state')!r}, {step} {shown_steps(first).get(step)!r}",
            requirements=("honest.outage",),
        )
    elif stage.case.id == "fault.late" and len(asked) == 1:
        stage.problem(
            "fault.wait",
            {
                "zh_CN": f"最多等待部门 {limit(stage):g} 秒",
                "en": f"a department is waited for {limit(stage):g} s at most",
            },
            {"zh_CN": f"等待 {step} 更久", "en": f"waited longer for {step}"},
            requirements=("honest.outage",),
            outcome=Outcome.WARN,
        )
    _one_key(stage, first, name)


def _goes_on(stage: Stage[World], first: Episode, application: object, launch: str, name: str) -> None:
    matter = first.answer.get("id")
    again = stage.resume(matter, launch) if isinstance(matter, str) else stage.submit(application, launch)
    if again.answer.get("state") != COMPLETED:
        stage.problem(
            "resume", ENDED, f"HTTP {again.reply.status} {quote(again.turn.answer)}", requirements=("resume",)
        )
    _one_key(stage, first, name)


def _one_key(stage: Stage[World], first: Episode, name: str) -> None:
    """What was not heard may have been done: asked again it is the same request, under the same key."""
    asked = [i for i in stage.gateway.record([first.launch]) if f"{i.call.interface}#{i.call.operation}" == name]
    if len({item.key for item in asked}) > 1:
        stage.problem(
            "once.key",
            {"zh_CN": f"{name} 再次办理使用同一幂等键", "en": f"{name} is tried again under the same idempotency key"},
            {"zh_CN": "使用了另一幂等键", "en": "another idempotency key was used"},
            requirements=("once",),
        )


@scripts("fault.cut-first")
def cut_first(stage: Stage[World]) -> None:
    """The first write is done, but its answer breaks off: the same submission again must find its way."""
    name = operation(stage, stage.suite.faults["first-write"])
    application = stage.world.application(stage.case.id)
    stage.subject = described(stage, application)
    launch = stage.launch(troubles={name: Trouble(cut=True, times=1)})
    first = stage.submit(application, launch)
    if first.answer.get("state") == COMPLETED:
        return
    if first.reply.status != 502 and first.answer.get("state") != HALF:
        stage.problem(
            "fault.nothing-done",
            {"zh_CN": "答复中断：502 或部分办结", "en": "the answer breaks off: 502, or partially completed"},
            f"HTTP {first.reply.status} {quote(first.turn.answer)}",
            outcome=Outcome.WARN if first.reply.status >= 500 else Outcome.FAIL,
        )
        return
    stage.gateway.restore(launch)
    matter = first.answer.get("id")
    again = stage.resume(matter, launch) if isinstance(matter, str) else stage.submit(application, launch)
    if again.answer.get("state") != COMPLETED:
        # Only an app that keeps the department's key over a 502 can do better; the documents do not say so.
        stage.problem(
            "fault.lost",
            ENDED,
            f"HTTP {again.reply.status} {quote(again.turn.answer)}",
            requirements=("once",),
            outcome=Outcome.WARN,
        )


@scripts("fault.check-too-many")
def check_turned_away(stage: Stage[World]) -> None:
    """A check is answered 429: nothing is known, so nothing is concluded."""
    name = operation(stage, stage.suite.faults["check"])
    application = stage.world.application(stage.case.id)
    stage.subject = described(stage, application)
    launch = stage.launch(troubles={name: Trouble(status=429, retry_after=1)})
    episode = stage.submit(application, launch)
    if episode.reply.status < 400:
        stage.problem(
            "fault.unknown",
            {"zh_CN": "核验未得到答复，不作结论（502）", "en": "the check was not answered: no conclusion (502)"},
            f"HTTP {episode.reply.status}, state {episode.answer.get('state')!r}",
        )


@scripts("fault.restart")
def restarted(stage: Stage[World]) -> None:
    """The app ends and comes back while a matter is half done: it is still there, and goes on.

    Where nothing can be half done, a completed matter is still there.
    """
    if stage.restart is None:
        raise Inconclusive({"zh_CN": "没有给出重启命令", "en": "no restart command was given"})
    half = next((name for name in ("trunk", "branch") if name in stage.suite.faults), None)
    if half is not None:
        first, launch = broken_down(stage, half)
    else:
        launch = stage.launch()
        first = put(stage, stage.world.application(stage.case.id), frozenset(), launch=launch)
    matter = first.answer.get("id")
    if stage.problems or not isinstance(matter, str):
        return
    stage.restart()
    again = stage.read(matter, launch)
    told = ("id", "state", "steps", "result")
    if [again.answer.get(name) for name in told] != [first.answer.get(name) for name in told]:
        stage.problem(
            "durable",
            {"zh_CN": "重启后仍是同一办件", "en": "the same handled matter after a restart"},
            f"HTTP {again.reply.status} {quote(again.turn.answer)}",
        )
        return
    if half is None:
        return
    stage.gateway.restore(launch)
    done = stage.resume(matter, launch)
    if done.answer.get("state") != COMPLETED:
        stage.problem("resume", ENDED, f"HTTP {done.reply.status} {quote(done.turn.answer)}")
