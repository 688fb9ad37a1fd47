"""What is compared when an answer comes: named checks, exact, each with the reason of its expectation.

A check's name is its public id: it stands in reports, JUnit and docs/conformance.md. String comparison is
exact (Arazzo's `==` ignores case and would let a wrong answer pass).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import jsonschema_rs

from conformance.case import Text, told
from conformance.oracle import COMPLETED, Expectation
from conformance.stage import Episode, Stage
from conformance.suites.suite import Suite

Complaint = tuple[Text, Text, frozenset[str]]
"""Expected, got, and the rules it is about (empty: what the case verifies)."""
Check = Callable[[Suite[Any], Episode, Expectation], Iterator[Complaint]]
CHECKS: dict[str, Check] = {}
STATES = {
    "completed": "已办结",
    "partially_completed": "部分办结",
    "in_progress": "办理中",
    "not_eligible": "不符合条件",
    "incomplete": "材料不齐",
    "needs_correction": "需校核",
}


def check(name: str) -> Callable[[Check], Check]:
    """Register a check under its public id."""

    def register(function: Check) -> Check:
        if name in CHECKS:
            raise ValueError(f"two checks are called {name}")
        CHECKS[name] = function
        return function

    return register


def judge(stage: Stage[Any], episode: Episode, *names: str) -> bool:
    """Run the named checks (default: all) on an answer that was foretold; True when nothing was wrong."""
    expectation = episode.expectation
    if expectation is None:
        raise ValueError("an answer that was not foretold cannot be judged")
    before = len(stage.problems)
    for name in names or tuple(CHECKS):
        for expected, got, about in CHECKS[name](stage.suite, episode, expectation):
            stage.problem(name, expected, got, requirements=_blamed(stage, expectation, about) or None)
        if len(stage.problems) > before:
            break  # what follows from a wrong state is the same fault told again
    return len(stage.problems) == before


@check("answer.state")
def answer_state(suite: Suite[Any], episode: Episode, expectation: Expectation) -> Iterator[Complaint]:
    """The answer is a handled matter in the state that follows from the data."""
    if episode.reply.status not in (200, 201) or not episode.answer:
        yield (
            {
                "zh_CN": f"办件状态 {in_chinese(expectation.state)}：{expectation.why['zh_CN']}",
                "en": f"a handled matter in state {expectation.state}: {expectation.why['en']}",
            },
            told(f"HTTP {episode.reply.status} {quote(episode.turn.answer)}"),
            frozenset(),
        )
    elif (state := episode.answer.get("state")) != expectation.state:
        yield (
            {
                "zh_CN": f"办件状态 {in_chinese(expectation.state)}：{expectation.why['zh_CN']}",
                "en": f"state {expectation.state}: {expectation.why['en']}",
            },
            {
                "zh_CN": f"办件状态 {in_chinese(state)}{_named(episode.answer, '未满足', '缺项')}",
                "en": f"state {state}{_named(episode.answer, 'failed rules', 'gaps')}",
            },
            # Refused for a rule that holds: that rule is misread, whatever the case is about.
            rule_ids(episode.answer) if expectation.state == COMPLETED else frozenset(),
        )


@check("answer.rules")
def answer_rules(suite: Suite[Any], episode: Episode, expectation: Expectation) -> Iterator[Complaint]:
    """Exactly the rules that do not hold are named: a refusal for another reason is a wrong refusal."""
    got = rule_ids(episode.answer)
    if got != expectation.failed:
        wanted = ", ".join(sorted(expectation.failed)) or "–"
        yield (
            {
                "zh_CN": f"未满足的规则应为 {wanted}：{expectation.why['zh_CN']}",
                "en": f"failed rules {wanted}: {expectation.why['en']}",
            },
            _list("未满足的规则", "failed rules", got),
            got - expectation.failed if expectation.failed <= got else expectation.failed - got,
        )


@check("answer.gaps")
def answer_gaps(suite: Suite[Any], episode: Episode, expectation: Expectation) -> Iterator[Complaint]:
    """Every gap of the application is named in this one notice, and nothing that is there."""
    got = pointers(episode.answer)
    if got != expectation.missing:
        wanted = ", ".join(sorted(expectation.missing)) or "–"
        yield (
            {
                "zh_CN": f"应一次告知全部缺项 {wanted}：{expectation.why['zh_CN']}",
                "en": f"all gaps in one notice, {wanted}: {expectation.why['en']}",
            },
            _list("缺项", "gaps", got),
            frozenset(rule.id for rule in suite.rules if set(rule.gaps) & (got ^ expectation.missing)),
        )


@check("answer.notices")
def answer_notices(suite: Suite[Any], episode: Episode, expectation: Expectation) -> Iterator[Complaint]:
    """The duties that were missed are told, and only those."""
    if expectation.state != COMPLETED:
        return
    got = rule_ids(episode.answer, "notices")
    if got != expectation.notices:
        wanted = ", ".join(sorted(expectation.notices)) or "–"
        yield (
            {"zh_CN": f"提示应为 {wanted}", "en": f"notices {wanted}"},
            _list("提示", "notices", got),
            got ^ expectation.notices,
        )


def _blamed(stage: Stage[Any], expectation: Expectation, about: frozenset[str]) -> list[str]:
    """The rules a complaint speaks against; a rule that rightly fails only where the case is about it."""
    known = {rule.id for rule in stage.suite.rules}
    return sorted(name for name in about & known if name not in expectation.failed or name in stage.case.requirements)


def rule_ids(answer: Mapping[str, Any], where: str = "failed_rules") -> frozenset[str]:
    """The rule ids an answer names as not met (or as notices)."""
    entries = answer.get(where)
    found = [e.get("rule") for e in entries if isinstance(e, dict)] if isinstance(entries, list) else []
    return frozenset(str(name) for name in found)


def pointers(answer: Mapping[str, Any]) -> frozenset[str]:
    """The JSON pointers an answer says are missing."""
    entries = answer.get("missing")
    found = [e.get("pointer") for e in entries if isinstance(e, dict)] if isinstance(entries, list) else []
    return frozenset(str(name) for name in found)


def shown_steps(episode: Episode) -> dict[str, Any]:
    """Step id → the state an answer shows for it; what is out of form is left out."""
    entries = episode.answer.get("steps")
    found = [e for e in entries if isinstance(e, dict)] if isinstance(entries, list) else []
    return {e["step"]: e.get("state") for e in found if isinstance(e.get("step"), str)}


def quote(value: Any, longest: int = 300) -> str:
    """A value on one line, cut."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def breaks_interface(suite: Suite[Any], episode: Episode) -> str | None:
    """How an answer breaks the app's own interface document, or None when it keeps to it."""
    operation = suite.app.operation(episode.operation)
    response = operation.response(episode.reply.status)
    if response is None:
        return f"status {episode.reply.status} is not in the interface"
    content = next((c for c in response.contents if c.schema is not None and c.is_json), None)
    if content is None or content.schema is None:
        return None
    if episode.reply.json is None:
        return f"status {episode.reply.status} without a JSON body"
    schema = json.dumps(suite.app.standalone(content.schema), sort_keys=True)
    error = next(iter(_validator(schema).iter_errors(episode.reply.json)), None)
    if error is None:
        return None
    place = "/" + "/".join(str(part) for part in error.instance_path)
    return f"status {episode.reply.status}, {place}: {error.message}"


@lru_cache(maxsize=64)
def _validator(schema: str) -> Any:
    return jsonschema_rs.validator_for(json.loads(schema))


def in_chinese(state: Any) -> str:
    """A state of a handled matter with its Chinese word."""
    return f"{state}（{STATES[state]}）" if isinstance(state, str) and state in STATES else str(state)


def _list(zh: str, en: str, names: Iterable[str]) -> Text:
    listed = ", ".join(sorted(names)) or "–"
    return {"zh_CN": f"{zh} {listed}", "en": f"{en} {listed}"}


def _named(answer: Mapping[str, Any], failed: str, missing: str) -> str:
    parts = []
    if rules := rule_ids(answer):
        parts.append(f"{failed} {', '.join(sorted(rules))}")
    if gaps := pointers(answer):
        parts.append(f"{missing} {', '.join(sorted(gaps))}")
    return f" ({'; '.join(parts)})" if parts else ""
