"""Every dimension groups by itself and by nothing else: each splits the same calls in another way."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from exchange.oversight.model import DIMENSIONS, MORE, Channel, Sum, by, day_of, matrix, month_of, months_within
from exchange.portal import sankey

WORDS = ("provider", "consumer", "interface", "purpose", "law", "sensitivity")
CALLS = [10**place for place in range(len(WORDS) + 1)]


def channel(**changes: Any) -> Channel:
    told = {"provider": "p0", "consumer": "c0", "interface": "i0", "operation": "o", "agreement": "a", "purpose": "u0"}
    told |= {"law": "l0", "state": "delivered", "rule": "permitted", "sensitivity": "general-1"}
    return Channel(**{**told, "fields": ("XM",), **changes})


def sums() -> list[Sum]:
    """One sum that differs from the first in one word for each word; calls are powers of ten, so that a total tells
    which are in it. Two more were refused.
    """
    other = {"provider": "p1", "consumer": "c1", "interface": "i1", "purpose": "u1", "law": "l1"}
    other["sensitivity"] = "general-3"
    made = [channel(), *(channel(**{word: other[word]}) for word in WORDS)]
    refused = channel(state="refused", rule="no-agreement", fields=(), sensitivity="", claimed="u1")
    return [
        *(Sum(n, one, calls, 2 * calls, n) for n, (one, calls) in enumerate(zip(made, CALLS, strict=True))),
        Sum(98, refused, 7 * 10**7, 0, 98),
        Sum(99, channel(provider="p1", state="failed", rule="timeout", fields=()), 5 * 10**8, 0, 99),
    ]


@pytest.mark.parametrize("word", WORDS)
def test_each_dimension_parts_exactly_its_own(word: str) -> None:
    lone = CALLS[WORDS.index(word) + 1]
    rows = by(word, sums())
    assert {row["calls"] for row in rows} == {lone, sum(CALLS) - lone}
    assert all(row["records"] == 2 * row["calls"] for row in rows)
    assert [row["calls"] for row in rows] == sorted((row["calls"] for row in rows), reverse=True)


def test_outcomes_rules_claims_and_fields_are_parted_too() -> None:
    assert {row["value"]: row["calls"] for row in by("outcome", sums())} == {
        "delivered": sum(CALLS),
        "refused": 7 * 10**7,
        "failed": 5 * 10**8,
    }
    assert {row["value"] for row in by("rule", sums())} == {"permitted", "no-agreement", "timeout"}
    assert by("claimed", sums()) == [{"value": "u1", "calls": 7 * 10**7, "records": 0}]
    several = [Sum(1, channel(fields=("CSRQ", "XM")), 3, 3, 1), Sum(2, channel(fields=("XM", MORE)), 4, 4, 2)]
    assert {row["value"]: row["calls"] for row in by("field", several)} == {"CSRQ": 3, "XM": 7, MORE: 4}
    assert set(DIMENSIONS) == {*WORDS, "outcome", "rule", "claimed", "field"}


def test_the_matrix_has_both_sides_of_every_pair() -> None:
    cells = {(row["provider"], row["consumer"]): row for row in matrix(sums())}
    assert cells["p1", "c0"]["delivered"] == CALLS[1]
    assert cells["p0", "c1"]["delivered"] == CALLS[2]
    assert cells["p0", "c0"]["delivered"] == sum(CALLS) - CALLS[1] - CALLS[2]
    assert (cells["p0", "c0"]["refused"], cells["p1", "c0"]["refused"]) == (7 * 10**7, 0)
    assert sum(row["records"] for row in cells.values()) == 2 * sum(CALLS)


@pytest.mark.parametrize("word", [*WORDS[2:], "field"])
def test_a_sankey_flows_through_its_dimension_and_loses_nothing(word: str) -> None:
    found = sankey.through(sums(), word, str, str)
    assert found is not None
    links = Counter({(one["source"], one["target"]): one["value"] for one in found["series"][0]["links"]})
    middle = {row["value"]: row["calls"] for row in by(word, sums())}
    into: Counter[str] = Counter()
    out: Counter[str] = Counter()
    for (source, target), value in links.items():
        if source[0] == "m":
            out[source[2:]] += value
        else:
            into[target[2:]] += value
    assert into == out == middle
    for side, parties in (("p", by("provider", sums())), ("c", by("consumer", sums()))):
        ends = {
            party["value"]: sum(value for pair, value in links.items() if f"{side}:{party['value']}" in pair)
            for party in parties
        }
        assert ends == {party["value"]: party["calls"] for party in parties}


def test_rare_values_share_one_node_and_a_party_may_stand_on_both_sides() -> None:
    many = [Sum(n, channel(purpose=f"u{n}", consumer="p0"), n + 1, 1, n) for n in range(sankey.MOST + 5)]
    found = sankey.through(many, "purpose", str, str)
    assert found is not None
    names = {node["name"] for node in found["series"][0]["data"]}
    assert {"p:p0", "c:p0", f"m:{sankey.REST}"} <= names
    assert len(names) == sankey.MOST + 3
    links = found["series"][0]["links"]
    assert sum(one["value"] for one in links if one["target"] == "c:p0") == sum(one.calls for one in many)


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("2026-01-01", "2026-12-31"),
        ("2026-01-02", "2026-12-30"),
        ("2026-02-10", "2026-02-20"),
        ("2026-02-01", "2026-02-28"),
        ("2026-02-28", "2026-03-01"),
        ("2028-02-15", "2028-04-15"),
        ("2026-03-31", "2026-05-01"),
    ],
)
def test_a_period_is_cut_into_months_and_days_without_gap_or_overlap(first: str, last: str) -> None:
    start, end = (day_of(f"{day}T04:00:00Z") for day in (first, last))
    (begins, ends), *days = months_within(start, end)
    covered = [day for one in days for day in range(one[0], one[1] + 1)]
    covered += [day for day in range(start - 40, end + 41) if begins <= month_of(day) <= ends]
    assert sorted(covered) == list(range(start, end + 1))


def test_everything_is_whole_months() -> None:
    (begins, ends), before, after = months_within(0, 10**6)
    assert begins <= month_of(0)
    assert ends >= month_of(day_of("2199-12-31T04:00:00Z"))
    assert before[0] > before[1]
    assert after[0] >= day_of("2199-12-31T04:00:00Z")
