"""One rule decides for each use: show unless a reasoned rule delays or hides it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from exchange.errors import Unprocessable
from exchange.oversight.disclosure import Action, Rule, check, chosen, released, shown_from

AT = "2026-11-02T01:00:00.000Z"
USE = {"purpose": "tax audit", "legal_basis": "law 1", "interface": "police.residents", "consumer": "tax"}


def rule(action: str = "delay", **changes: object) -> Rule:
    values: dict[str, object] = {
        "id": "dsr1", "action": Action(action), "purpose": "", "law": "", "interface": "", "consumer": "",
        "delay_days": 30 if action == "delay" else 0, "basis": "law 2 art 3", "by": "m", "at": AT,
        "review_on": "2027-11-02",
    }  # fmt: skip
    return Rule(**{**values, **changes})  # type: ignore[arg-type]


def test_without_a_rule_a_use_is_shown_at_once() -> None:
    assert chosen([], USE) is None
    assert shown_from(None, AT) == datetime(2026, 11, 2, 1, tzinfo=UTC)


def test_the_most_particular_rule_holds_and_the_newest_of_equals() -> None:
    wide, narrow = rule("hide", purpose="tax audit"), rule("show", purpose="tax audit", consumer="tax", id="dsr2")
    assert chosen([wide, narrow], USE) is narrow
    newer = rule("hide", purpose="tax audit", id="dsr3", at="2026-11-03T01:00:00.000Z")
    assert chosen([wide, newer], USE) is newer
    assert chosen([wide], USE | {"purpose": "other"}) is None
    assert chosen([rule("hide", purpose="tax audit", ended_at=AT)], USE) is None


def test_delayed_uses_appear_later_and_say_so_hidden_ones_never() -> None:
    late = rule(purpose="tax audit")
    assert shown_from(late, AT) == datetime(2026, 12, 2, 1, tzinfo=UTC)
    assert released(late, AT) == "2026-12-02T01:00:00.000Z"
    assert shown_from(rule("hide", purpose="p"), AT) is None
    assert released(rule("show", purpose="p"), AT) is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"basis": " "}, "names the law"),
        ({"purpose": ""}, "names a purpose"),
        ({"delay_days": 0}, "a delay has"),
        ({"delay_days": 9999}, "a delay has"),
        ({"action": "hide", "delay_days": 5}, "a delay has"),
    ],
)
def test_a_rule_without_a_reason_is_refused(changes: dict[str, object], words: str) -> None:
    good = rule(purpose="tax audit")
    assert check(good) is good
    with pytest.raises(Unprocessable, match=words):
        check(rule(**{"purpose": "tax audit", **changes}))
