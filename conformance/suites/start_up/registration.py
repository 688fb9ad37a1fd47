"""Cases of the name, of the credit code a department answers, and of the branches that follow registration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from conformance.checks import judge, quote
from conformance.gateway import Trouble
from conformance.oracle import COMPLETED, Expectation, OracleError
from conformance.stage import Episode, Stage
from conformance.suites.general.outages import taken_up
from conformance.suites.playing import Scripts, described, put, rule_of
from conformance.suites.start_up.world import FORBIDDEN, StartUp, changed
from specs.check_digits import uscc_check, uscc_problem

scripts = Scripts[StartUp]()

FAN_OUT = ("B5", "B6", "B7", "B8", "B9")
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


@scripts("N1.taken", "N1.words")
def not_usable(stage: Stage[StartUp]) -> None:
    application = stage.world.application(stage.case.id)
    taken = stage.world.taken_name(application)
    name = taken if stage.case.id == "N1.taken" else FORBIDDEN + application["company"]["DWMC"]
    put(stage, changed(application, DWMC=name), rule_of(stage))


@scripts("N1.before")
def before(stage: Stage[StartUp]) -> None:
    """A name nobody had this morning: another founder was registered under it meanwhile."""
    application = stage.world.application(stage.case.id)
    stage.world.rival(application, "N1.before/first")
    put(stage, application, rule_of(stage))


@scripts("N1.between")
def between(stage: Stage[StartUp]) -> None:
    """Free when it is declared, taken when the company is to be registered: refused, and nothing half done."""
    world, rule = stage.world, next(rule for rule in stage.suite.rules if rule.id == "N1")
    application = world.application(stage.case.id)
    if world.expect(application).failed:
        raise OracleError("the subject is not eligible")
    stage.subject = described(
        stage,
        application,
        {
            "zh_CN": "名称在申报之后、登记之前被他人登记",
            "en": "somebody takes the name between declaration and registration",
        },
    )
    mistakes = list[OracleError]()

    def act(answer: Any) -> Any:
        try:
            world.rival(application, "N1.between/rival")
        except OracleError as error:
            mistakes.append(error)
        return answer

    launch = stage.launch(troubles={"market-regulation.names#declareName": Trouble(meanwhile=act, times=1)})
    expectation = Expectation(
        state=rule.outcome,
        why={
            "zh_CN": f"名称已被他人登记，B4 答复 409（{rule.law['zh_CN']}）",
            "en": f"somebody else was registered under the name, B4 answers 409 ({rule.law['en']})",
        },
        failed=frozenset({"N1"}),
    )
    episode = stage.submit(application, launch, expectation=expectation)
    if mistakes:
        raise mistakes[0]
    judge(stage, episode)


@scripts("code.outer", "code.inner")
def code(stage: Stage[StartUp]) -> None:
    """A department answers a credit code with a wrong check character: not to be believed, and on it goes later."""
    world = stage.world
    application = world.application(stage.case.id)
    if world.expect(application).failed:
        raise OracleError("the subject is not eligible")
    outer = stage.case.id == "code.outer"
    stage.subject = described(
        stage,
        application,
        {
            "zh_CN": f"B4 答复的统一社会信用代码第{18 if outer else 17}位校验码有误",
            "en": f"check character {18 if outer else 17} of the credit code B4 answers is wrong",
        },
    )
    seen = list[str]()

    def act(answer: Any) -> Any:
        seen.append(spoilt(answer["TYSHXYDM"], outer))
        return {**answer, "TYSHXYDM": seen[0]}

    register = "market-regulation.company-registrations#registerCompany"
    launch = stage.launch(troubles={register: Trouble(meanwhile=act, times=1)})
    episode = stage.submit(application, launch)
    if not seen:
        stage.problem(
            "code.asked",
            {"zh_CN": "办理设立登记", "en": "the company is registered"},
            f"HTTP {episode.reply.status} {quote(episode.turn.answer)}",
        )
    elif not _believed(stage, episode, seen[0]):
        _later(stage, application, launch)


def _believed(stage: Stage[StartUp], episode: Episode, wrong: str) -> bool:
    after = [item.call for item in episode.calls if wrong in str(item.call.request)]
    if episode.reply.status == 502 and not after:
        return False
    stage.problem(
        "code.checked",
        {
            "zh_CN": "校验码有误的代码不得使用：视为部门没有正常应答，返回 502，不再办理",
            "en": "a code with a wrong check character is not used: 502, as for a department that is down",
        },
        f"HTTP {episode.reply.status} {quote(episode.turn.answer)}"
        + (f", and sent it to {after[0].interface}#{after[0].operation}" if after else ""),
    )
    return True


def _later(stage: Stage[StartUp], application: Mapping[str, Any], launch: str) -> None:
    """The same key again: the department answers what it has registered, now spelled right."""
    episode = stage.submit(application, launch)
    if episode.answer.get("state") != COMPLETED:
        stage.problem(
            "code.later",
            {
                "zh_CN": "以同一幂等键再次提交：部门幂等键不变，不重复登记，全部办结",
                "en": "the same key again: the same keys for the departments, registered once, completed",
            },
            f"HTTP {episode.reply.status} {quote(episode.turn.answer)}",
            requirements=("once",),
        )


def spoilt(code: str, outer: bool) -> str:
    """A credit code with the outer (18th) check character wrong, or only the inner (17th)."""
    tries: Callable[[str], str] = (
        (lambda letter: code[:17] + letter)
        if outer
        else (lambda letter: code[:16] + letter + uscc_check(code[:16] + letter))
    )
    for letter in ALPHABET:
        made = tries(letter)
        if made != code and len(made) == 18 and uscc_problem(made):
            return made
    raise OracleError(f"{code} cannot be spoilt")


@scripts(*(f"fanout.{step}" for step in FAN_OUT))
def branch(stage: Stage[StartUp]) -> None:
    """One branch fails: the four others finish, and the failed one is tried again alone."""
    taken_up(stage, stage.case.id.removeprefix("fanout."))
