from datetime import date

import pytest

from conformance.expressions import ExpressionError, check, evaluate, holds, months_after


def test_a_rule_is_evaluated_over_maps() -> None:
    facts = {"marriage": {"ZT": "20"}, "today": "2026-11-05"}
    assert holds("marriage.ZT == '20' && today < months_after('2026-01-31', 12)", facts)
    assert not holds("marriage.ZT == '40'", facts)


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("marriage.", "cannot read"),
        ("marriage.ZT == '20'", "cannot evaluate"),
        ("nobody.knows == 1", "cannot evaluate"),
        ("'yes'", "neither true nor false"),
        ("days_between('2026-13-01', '2026-01-01') > 0", "not a day"),
        ("__import__('os').system('true')", "cannot"),
    ],
)
def test_a_rule_that_cannot_be_evaluated_is_neither_true_nor_false(rule: str, reason: str) -> None:
    with pytest.raises(ExpressionError, match=reason):
        holds(rule, {"marriage": None})


def test_checking_needs_no_facts() -> None:
    check("a.b == c")
    with pytest.raises(ExpressionError):
        check("a.b ==")


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        ((2026, 1, 31), 1, (2026, 2, 28)),
        ((2024, 2, 29), 12, (2025, 2, 28)),
        ((2026, 11, 5), -12, (2025, 11, 5)),
        ((2026, 12, 31), 2, (2027, 2, 28)),
    ],
)
def test_months_end_with_the_month(start: tuple[int, int, int], months: int, end: tuple[int, int, int]) -> None:
    assert months_after(date(*start), months) == date(*end)


def test_both_spellings_of_a_day_count() -> None:
    assert evaluate("days_between('20260101', '2026-02-01')", {}) == 31


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("size(name)", 3),
        ("name.size()", 3),
        ("size('size(x)')", 7),
        ("size('😀a')", 2),
        ("size([1, 2]) + size({'a': 1})", 3),
        (r"size(r'\d')", 2),
    ],
)
def test_size_counts_characters_and_not_bytes(text, value) -> None:
    assert evaluate(text, {"name": "张三丰"}) == value
