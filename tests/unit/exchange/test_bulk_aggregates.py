"""Noisy aggregates: sound bounds, a budget that is never overdrawn, no rows, and noise of the promised size."""

from __future__ import annotations

import math
import statistics
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from exchange.bulk.aggregates import Aggregates
from exchange.bulk.privacy import Question, allowance, check, laplace, scales
from exchange.bulk.terms import Terms
from exchange.errors import Forbidden, Unprocessable
from tests.unit.exchange.bulked import PURPOSE, ROWS, TABLE, World, once, refused

ALLOWED = {
    "epsilon": 2.0,
    "measures": {"income": {"low": 0, "high": 1000, "step": 10}},
    "groups": {"HJXZQH": ["110101", "310101", "440301"]},
}
FIELDS = ("HJXZQH", "income")


@pytest.fixture
def world(services: Any, tmp_path: Path) -> World:
    return World(services, tmp_path / "bulk")


def exact(value: int, _scale: float) -> int:
    return value


def test_no_noise_no_bounds_no_answer() -> None:
    for wrong in (
        {}, {"epsilon": 0}, {"epsilon": 1000}, {"epsilon": "x"}, {"epsilon": float("nan")},
        {"epsilon": 1, "contributions": 0},
        {"epsilon": 1, "measures": {"income": {"low": 5, "high": 5}}},
        {"epsilon": 1, "measures": {"income": {"low": 0, "high": float("inf")}}},
        {"epsilon": 1, "measures": {"income": {"low": 0, "high": 5, "step": 0}}},
        {"epsilon": 1, "measures": {"secret": {"low": 0, "high": 5}}},
        {"epsilon": 1, "groups": {"secret": ["1"]}},
        {"epsilon": 1, "measures": 3},
        {"epsilon": 1, "measures": {"income": {"low": 0, "high": 1e300}}},  # sums would not be exact
    ):  # fmt: skip
        with pytest.raises(Unprocessable):
            allowance(Terms(FIELDS, aggregates=wrong))


def test_a_question_stays_inside_what_is_agreed() -> None:
    with pytest.raises(Unprocessable):  # a mask nobody would apply
        allowance(Terms(FIELDS, masks={"income": {"mask": "hash"}}, aggregates=ALLOWED))
    allowed = allowance(Terms(FIELDS, aggregates=ALLOWED))
    check(Question(0.5, sums=("income",), by=("HJXZQH",)), allowed)
    for wrong in (
        Question(0.0), Question(1e-17), Question(-1.0), Question(float("nan")), Question(0.5, count=False),
        Question(0.5, sums=("XM",)),
        Question(0.5, by=("income",)), Question(0.5, sums=("income", "income")),
    ):  # fmt: skip
        with pytest.raises(Unprocessable):
            check(wrong, allowed)


def test_scales_follow_from_sensitivity_and_shares_of_epsilon() -> None:
    allowed = allowance(Terms(FIELDS, aggregates=ALLOWED | {"contributions": 3}))
    assert scales(Question(0.5), allowed) == {"count": 3 / 0.5}
    assert scales(Question(0.5, sums=("income",)), allowed) == {"count": 3 / 0.25, "income": 3 * 100 / 0.25}


def test_the_noise_is_discrete_laplace_of_that_scale() -> None:
    pytest.importorskip("opendp")
    drawn = [laplace(1000, 4.0) - 1000 for _ in range(4000)]
    assert all(isinstance(value, int) for value in drawn)
    # mean absolute deviation of a Laplace is its scale; four standard errors on each side
    assert abs(statistics.mean(map(abs, drawn)) - 4.0) < 4 * 4.0 / math.sqrt(len(drawn))
    assert abs(statistics.mean(drawn)) < 4 * 4.0 * math.sqrt(2 / len(drawn))


@once
def test_counts_and_clamped_sums_of_public_groups_under_the_row_filter(world: World) -> None:
    made = world.agree(FIELDS, aggregates=ALLOWED, rows="income >= 100.0")
    answered = Aggregates(world.desk, exact).ask(
        world.asking, made.id, TABLE, PURPOSE, Question(0.5, sums=("income",), by=("HJXZQH",))
    )
    found = {row["HJXZQH"]: row for row in answered.rows}
    kept = [n for n in range(ROWS) if n * 10 >= 100]
    for remainder, division in enumerate(("110101", "310101")):
        mine = [n for n in kept if n % 3 == remainder]
        assert found[division]["count"] == len(mine)
        assert found[division]["sum_income"] == sum(min(n * 10, 1000) for n in mine)
    assert found["440301"] == {"HJXZQH": "440301", "count": 0, "sum_income": 0}  # a group nobody is in is told as one
    assert len(found) == 3
    assert answered.remaining == 1.5
    entry = world.services.last("delivery.made")
    assert (entry["delivery"], entry["epsilon"], entry["epsilon_spent"]) == (answered.delivery, "0.5", "0.5")
    assert world.aggregates.remaining(world.giving, made.id, TABLE) == 1.5
    narrowed = Aggregates(world.desk, exact).ask(
        world.asking, made.id, TABLE, PURPOSE, Question(0.5, where="HJXZQH == '310101'")
    )
    assert narrowed.rows == ({"count": len([n for n in kept if n % 3 == 1])},)
    with pytest.raises(Unprocessable):
        world.aggregates.ask(world.asking, made.id, TABLE, PURPOSE, Question(0.1, where="secret == 'x'"))


@once
def test_a_person_counts_with_so_many_rows_and_no_more(world: World) -> None:
    made = world.agree(FIELDS, aggregates=ALLOWED | {"person": "secret", "contributions": 2})
    answered = Aggregates(world.desk, exact).ask(world.asking, made.id, TABLE, PURPOSE, Question(0.5))
    assert answered.rows == ({"count": 2},)  # one secret for all: one person


def test_the_budget_is_never_overdrawn_and_no_row_leaves(world: World) -> None:
    made = world.agree(FIELDS, aggregates=ALLOWED)
    with pytest.raises(Forbidden) as raised:
        world.stream(made)
    assert refused(raised) == "aggregates-only"
    with pytest.raises(Forbidden) as raised:
        world.bulk.shares.issue(world.asking, made.id, PURPOSE)
    assert refused(raised) == "aggregates-only"
    with pytest.raises(Forbidden) as raised:
        world.aggregates.ask(world.asking, world.agreement.id, TABLE, PURPOSE, Question(0.5))
    assert refused(raised) == "no-aggregates"
    outcomes: list[str] = []

    def ask() -> None:
        try:
            Aggregates(world.desk, exact).ask(world.asking, made.id, TABLE, PURPOSE, Question(0.5))
            outcomes.append("answered")
        except Forbidden as error:
            outcomes.append(error.rule)

    threads = [threading.Thread(target=ask) for _ in range(7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["answered"] * 4 + ["budget-spent"] * 3
    assert world.aggregates.remaining(world.asking, made.id, TABLE) == 0
    assert world.services.last("delivery.refused")["rule"] == "budget-spent"


def audited(world: World, agreement: str) -> float:
    """What the ledger says was spent under an agreement, whatever the table of budgets says."""
    entries = [world.services.ledger.entry(n) for n in range(world.services.ledger.size())]
    made = [one.body for one in entries if one.kind == "delivery.made" and one.body.get("agreement") == agreement]
    return sum(float(body["epsilon"]) for body in made)


@once
def test_asking_again_is_paid_again_and_an_overspend_is_seen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    groups = {"HJXZQH": ["110101", "110101", "310101"]}
    made = world.agree(FIELDS, aggregates=ALLOWED | {"epsilon": 1.0, "groups": groups})
    ours = Aggregates(world.desk, exact)

    def answered(times: int) -> int:
        """How many of so many questions are answered: the same one, parts of it, overlapping ones, over days."""
        kept = 0
        for n in range(times):
            where = ["", "HJXZQH == '110101'", "HJXZQH != '110101'", "income >= 0.0"][n % 4]
            question = Question(0.25, by=("HJXZQH",) if n % 3 else (), where=where)
            try:
                rows = ours.ask(world.asking, made.id, TABLE, PURPOSE, question).rows
            except Forbidden:
                continue
            kept += 1
            # a group is answered once for one price
            assert len(rows) == (2 if n % 3 else 1)
            world.services.clock.advance(hours=5)
        return kept

    # a question the agreement does not cover costs nothing and tells nothing
    with pytest.raises(Unprocessable):
        ours.ask(world.asking, made.id, TABLE, PURPOSE, Question(0.1, where="secret == 'x'"))
    assert answered(7) == 4
    assert audited(world, made.id) == pytest.approx(1.0)
    assert world.services.last("delivery.refused")["rule"] == "budget-spent"
    assert world.aggregates.remaining(world.giving, made.id, TABLE) == pytest.approx(0)
    made = world.agree(FIELDS, aggregates=ALLOWED | {"epsilon": 1.0, "groups": groups})
    monkeypatch.setattr("exchange.bulk.aggregates.store.spend", lambda *_: None)  # the planted fault
    assert answered(7) == 7
    assert audited(world, made.id) > 1.0


@once
def test_which_rows_of_a_person_count_depends_on_no_other_person(world: World) -> None:
    place = world.folder / "police" / "persons.parquet"
    allowed = ALLOWED | {"epsilon": 50.0, "person": "XM", "contributions": 3}
    made = world.agree(FIELDS, aggregates=allowed)
    ours = {"XM": ["a"] * 60, "HJXZQH": ["110101", "310101"] * 30, "income": [float(n) for n in range(60)]}
    others = pa.table({"XM": [str(n) for n in range(20_000)], "HJXZQH": ["440301"] * 20_000, "income": [0.0] * 20_000})
    seen = set()
    for count in (0, 1, 20_000):
        table = pa.concat_tables([others.slice(0, count), pa.table(ours)])
        pq.write_table(table.take(np.random.default_rng(count).permutation(len(table))), place, row_group_size=2048)
        rows = (
            Aggregates(world.desk, exact)
            .ask(world.asking, made.id, TABLE, PURPOSE, Question(0.5, sums=("income",), by=("HJXZQH",)))
            .rows
        )
        seen.add(tuple((row["count"], row["sum_income"]) for row in rows if row["HJXZQH"] != "440301"))
    [((one, _), (other, _))] = seen
    assert one + other == 3
