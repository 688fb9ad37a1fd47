"""Findings name what a data officer should look at, and stay silent otherwise; sums and filters are exact."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exchange.errors import Invalid
from exchange.oversight.model import Channel, Filter, Granted, Overdue, Sum, by, day_of, findings, hour_text, matrix

CHANNEL = Channel(
    "police", "tax", "police.residents", "queryResident", "agr1", "p", "law", "delivered", "permitted", ("XM",),
    "general-2",
)  # fmt: skip


def sums(state: str = "delivered", calls: int = 1, id: int = 1, **changes: object) -> Sum:
    channel = replace(CHANNEL, state=state, rule="permitted" if state == "delivered" else "purpose-mismatch")
    if state != "delivered":
        channel = replace(channel, fields=())
    return Sum(id, replace(channel, **changes), calls, calls, 7)  # type: ignore[arg-type]


GRANT = Granted("agr1", "police", "tax", "police.residents", ("XM",), "active", "t")


def test_a_used_agreement_with_used_fields_gives_no_finding() -> None:
    assert findings([sums()], [GRANT]) == []


def test_a_refused_attempt_is_found_with_its_rule() -> None:
    (found,) = findings([sums(), sums("refused", 3)], [GRANT])
    assert (found.kind, found.evidence) == ("refused-attempt", ("7",))
    assert "purpose-mismatch" in found.detail_en
    assert "3 time(s)" in found.detail_en


def test_an_unused_agreement_and_unused_fields_are_found() -> None:
    wide = Granted("agr1", "police", "tax", "police.residents", ("XM", "LXDH"), "active", "t")
    idle = Granted("agr2", "police", "health", "police.residents", ("XM",), "active", "t")
    assert [(f.kind, f.subject) for f in findings([sums()], [wide, idle])] == [
        ("unused-fields", "agr1"),
        ("unused-agreement", "agr2"),
    ]


def test_fields_of_several_channels_add_up() -> None:
    wide = Granted("agr1", "police", "tax", "police.residents", ("XM", "LXDH"), "active", "t")
    assert findings([sums(), sums(fields=("LXDH",))], [wide]) == []


def test_a_refusal_does_not_count_as_use() -> None:
    kinds = [f.kind for f in findings([sums("refused")], [GRANT])]
    assert kinds == ["refused-attempt", "unused-agreement"]


def test_an_ended_agreement_needs_no_use() -> None:
    ended = Granted("agr1", "police", "tax", "i", ("XM",), "terminated", "t")
    assert findings([], [ended]) == []


def test_an_overdue_clock_comes_first_with_its_proof() -> None:
    late = Overdue("clk1", "C4", "apl1", "police", "2026-11-02", "P39-4", 12)
    (found,) = findings([], [], [late])
    assert (found.kind, found.subject, found.evidence) == ("overdue-clock", "police", ("12",))
    assert "2026-11-02" in found.detail_zh
    assert "P39-4" in found.detail_en


def test_matrix_counts_both_outcomes() -> None:
    rows = matrix([sums(calls=2), sums("refused"), sums("failed")])
    assert rows == [{"provider": "police", "consumer": "tax", "delivered": 2, "refused": 1, "records": 2}]


def test_a_call_counts_under_every_field_and_only_when_something_left() -> None:
    found = by("field", [sums(calls=2, fields=("CSRQ", "XM")), sums(calls=3), sums("refused", 9)])
    assert [(row["value"], row["calls"]) for row in found] == [("XM", 5), ("CSRQ", 2)]
    assert [(row["value"], row["calls"]) for row in by("outcome", [sums(), sums("refused", 9)])] == [
        ("refused", 9),
        ("delivered", 1),
    ]
    with pytest.raises(Invalid, match="colour"):
        by("colour", [])


@pytest.mark.parametrize(
    ("wish", "through"),
    [
        ({"provider": "police", "consumer": "tax", "purpose": "p", "law": "law", "field": "XM"}, True),
        ({"provider": "police", "consumer": "health"}, False),
        ({"field": "LXDH"}, False),
        ({"sensitivity": "general-2"}, True),
        ({"sensitivity": "general-1"}, True),
        ({"sensitivity": "general-3"}, False),
        ({"outcome": "refused"}, False),
        ({}, True),
    ],
)
def test_filters_combine(wish: dict[str, str], through: bool) -> None:
    assert Filter(**wish).passes(CHANNEL) is through
    assert Filter(**wish).given == wish


def test_a_filter_that_means_nothing_is_refused() -> None:
    for wrong in ({"since": "yesterday"}, {"until": "2026-02-30"}, {"sensitivity": "secret"}):
        with pytest.raises(Invalid):
            Filter(**wrong)


def test_days_and_hours_are_those_of_china() -> None:
    assert day_of("2026-11-01T16:00:00.000Z") == day_of("2026-11-02T15:59:59.999Z")
    assert day_of("2026-11-01T15:59:59.999Z") == day_of("2026-11-01T16:00:00.000Z") - 1
    assert hour_text(0) == "1970-01-01 08:00"
