"""Fees follow exactly from ledger entries and the policy."""

from __future__ import annotations

from fractions import Fraction
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.errors import Unprocessable
from exchange.market import settlement
from exchange.market.settlement import Use

POLICY = settlement.load(resources.files("exchange.market").joinpath("policy.yaml").read_text())


def completed(matter: str, listing: str = "lst", vendor: str = "v") -> dict[str, object]:
    return {"kind": "matter.completed", "handled_matter": matter, "listing": listing, "vendor": vendor}


def rated(matter: str, level: int) -> dict[str, object]:
    return {"kind": "matter.rated", "handled_matter": matter, "level": level}


def test_a_matter_counts_once_however_often_it_is_told() -> None:
    found = settlement.uses(enumerate([completed("a"), completed("a"), rated("a", 5), rated("a", 1), completed("b")]))
    assert found == (Use(0, "lst", "v", 5, 2), Use(4, "lst", "v"))


def test_a_rating_of_a_matter_that_did_not_complete_counts_for_nothing() -> None:
    assert settlement.uses(enumerate([rated("ghost", 5)])) == ()


@pytest.mark.parametrize(
    ("levels", "factor", "amount"),
    [
        ([], "1", 300),
        ([5], "6/5", 360),
        ([4], "11/10", 330),
        ([3], "1", 300),
        ([2], "7/10", 210),
        ([1], "2/5", 120),
    ],
)
def test_factor_by_mean_rating(levels: list[int], factor: str, amount: int) -> None:
    (line,) = settlement.settle(POLICY, [Use(0, "l", "v", levels[0] if levels else None)])
    assert (line.factor, line.amount_fen) == (factor, amount)


def test_mean_is_exact_at_its_boundary() -> None:
    # 4.5 exactly earns the higher factor; a float mean of many ratings must not fall just below
    uses = [Use(i, "l", "v", 5 if i % 2 else 4) for i in range(1000)]
    (line,) = settlement.settle(POLICY, uses)
    assert line.factor == "6/5"


def test_half_a_fen_is_rounded_up() -> None:
    odd = settlement.Policy("t", 5, 1, Fraction(1, 2), (), "d")
    (line,) = settlement.settle(odd, [Use(0, "l", "v")])
    assert line.amount_fen == 3


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["l1", "l2"]), st.sampled_from([None, 1, 2, 3, 4, 5])))
)
def test_order_of_entries_changes_nothing(rows: list[tuple[str, str, int | None]]) -> None:
    uses = [Use(i, listing, vendor, level) for i, (vendor, listing, level) in enumerate(rows)]
    assert settlement.settle(POLICY, uses) == settlement.settle(POLICY, list(reversed(uses)))
    assert sum(line.completed for line in settlement.settle(POLICY, uses)) == len(rows)


def test_a_policy_without_a_fee_is_refused() -> None:
    with pytest.raises(Unprocessable, match="fee_fen"):
        settlement.load("version: '1'")
