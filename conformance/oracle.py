"""The right answer, from the data: rules of the matter evaluated over what the departments really hold.

Nothing here knows the app. An expectation carries the reason in both languages and the fields it rests on, so
that a failed case can be disputed on its merits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from conformance import expressions
from conformance.case import Expected, Requirement, Text
from conformance.observe import Inquiry, Source

NOTICE = "notice"
COMPLETED = "completed"


class OracleError(Exception):
    """The runner itself cannot know the right answer here: an ERROR of ours, never a fault of the app."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the matter: `holds` is CEL over the facts, `uses` the department fields it rests on.

    `outcome` is the state of a handled matter when it does not hold; "notice" means that nobody is refused and
    the citizen is only told (a duty with a date). `gaps` are the JSON pointers whose absence breaks it; `gaps_when`
    holds the condition (CEL over the application) of those that are asked of some applications only.
    """

    id: str
    title: Text
    law: Text
    holds: str
    outcome: str
    uses: tuple[Source, ...] = ()
    gaps: tuple[str, ...] = ()
    gaps_when: Mapping[str, str] = field(default_factory=dict)

    def missing(self, application: Mapping[str, Any]) -> frozenset[str]:
        """The gaps of an application; raises `OracleError` for a condition that cannot be evaluated."""
        try:
            asked = [
                gap
                for gap in self.gaps
                if gap not in self.gaps_when or expressions.holds(self.gaps_when[gap], {"application": application})
            ]
        except expressions.ExpressionError as error:
            raise OracleError(f"rule {self.id}: {error}") from None
        return frozenset(gap for gap in asked if absent(application, gap))

    @property
    def requirement(self) -> Requirement:
        return Requirement(self.id, self.title, self.law, rule=True)


@dataclass(frozen=True, slots=True)
class Expectation:
    """What must be answered: `failed` and `notices` are rule ids, `missing` JSON pointers into the application.

    `stage` is the position of the stage of rules that decided, the number of stages when none did; `steps` are the
    steps the process has for the application (None: not known). `inquiries` are the questions to departments that
    were needed to know.
    """

    state: str
    why: Text
    failed: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()
    notices: frozenset[str] = frozenset()
    grounds: tuple[Source, ...] = ()
    stage: int = 0
    steps: frozenset[str] | None = None
    inquiries: tuple[Inquiry, ...] = ()

    @property
    def expected(self) -> Expected:
        """The part an answer is compared with, in a fixed order."""
        return Expected(self.state, *(tuple(sorted(names)) for names in (self.failed, self.missing, self.notices)))


def text(value: Any) -> Text:
    """A document's text as zh_CN and en, whichever form it was written in."""
    if isinstance(value, Mapping):
        words = {str(language): str(words) for language, words in value.items()}
        return {"zh_CN": words.get("zh_CN") or words.get("en", ""), "en": words.get("en") or words.get("zh_CN", "")}
    return {"zh_CN": str(value or ""), "en": str(value or "")}


def rules(entries: Iterable[Mapping[str, Any]]) -> tuple[Rule, ...]:
    """The rules of an `x-rules` list; raises `OracleError` for one that cannot be used."""
    found: list[Rule] = []
    for entry in entries:
        try:
            expressions.check(entry["holds"])
            rule = Rule(
                id=str(entry["id"]),
                title=text(entry["title"]),
                law=text(entry["law"]),
                holds=entry["holds"],
                uses=tuple(s for use in entry.get("uses", ()) if (s := Source.parse(use))),
                outcome=str(entry["outcome"]),
                gaps=tuple(gap["pointer"] for gap in entry.get("gaps", ())),
                gaps_when={gap["pointer"]: gap["when"] for gap in entry.get("gaps", ()) if "when" in gap},
            )
            for condition in rule.gaps_when.values():
                expressions.check(condition)
        except KeyError as error:
            raise OracleError(f"rule {entry.get('id', '?')}: {error} is missing") from None
        except expressions.ExpressionError as error:
            raise OracleError(f"rule {entry.get('id', '?')}: {error}") from None
        found.append(rule)
    return tuple(found)


def broken(rules: Iterable[Rule], facts: Mapping[str, Any]) -> tuple[Rule, ...]:
    """The rules that do not hold over the facts; raises `OracleError` when one cannot be evaluated."""
    found: list[Rule] = []
    for rule in rules:
        try:
            if not expressions.holds(rule.holds, facts):
                found.append(rule)
        except expressions.ExpressionError as error:
            raise OracleError(f"rule {rule.id}: {error}") from None
    return tuple(found)


def expect(
    rules: Sequence[Rule],
    stages: Sequence[Sequence[str]],
    application: Mapping[str, Any],
    facts: Mapping[str, Any],
    learn: Callable[[], Mapping[str, Any]],
) -> Expectation:
    """What must be answered to an application.

    `stages` are rule ids judged together; the first stage with a broken rule decides the state, naming all of
    its broken rules. The first stage sees the application only; `learn` gives the departments' answers before
    the second. Rules whose outcome is "notice" never decide.
    """
    known = {rule.id: rule for rule in rules}
    seen: dict[str, Any] = {**facts, "application": application}
    judged: list[Rule] = []
    for position, stage in enumerate(stages):
        if position == 1:
            seen |= learn()
        barring = [known[name] for name in stage if known[name].outcome != NOTICE]
        judged += barring
        failed = broken(barring, seen)
        if failed:
            return Expectation(
                state=failed[0].outcome,
                why=_reasons(failed),
                failed=frozenset(rule.id for rule in failed),
                missing=frozenset(p for rule in failed for p in rule.missing(application)),
                grounds=tuple(source for rule in failed for source in rule.uses),
                stage=position,
            )
    told = broken([rule for rule in rules if rule.outcome == NOTICE], seen)
    return Expectation(
        state=COMPLETED,
        why={"zh_CN": "全部条件满足", "en": "every condition is met"},
        notices=frozenset(rule.id for rule in told),
        grounds=tuple(source for rule in judged for source in rule.uses),
        stage=len(stages),
    )


def absent(document: Any, pointer: str) -> bool:
    """Whether nothing stands at a JSON pointer; false counts as absent (a consent that is not given)."""
    for name in pointer[1:].split("/"):
        if not isinstance(document, Mapping) or name not in document:
            return True
        document = document[name]
    return document is None or document is False


def _reasons(failed: Sequence[Rule]) -> Text:
    return {
        "zh_CN": "；".join(f"{rule.id} 未满足（{rule.title['zh_CN']}，{rule.law['zh_CN']}）" for rule in failed),
        "en": "; ".join(f"{rule.id} does not hold ({rule.title['en']}; {rule.law['en']})" for rule in failed),
    }
