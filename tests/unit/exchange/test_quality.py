"""What providers deliver is sampled fairly, judged by their contract, and told them as tickets they answer."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import orjson
import pytest

from exchange.brokering.model import QualityFinding
from exchange.errors import Conflict, Forbidden, NotFound, Unauthenticated, Unprocessable
from exchange.oversight import sampling
from exchange.oversight.quality import LEAST_ROWS, Quality
from exchange.oversight.sampling import Samples, records, table_of
from specs import library
from specs.model import Interface, Table
from tests.unit.exchange.conftest import Services

NAME, OPERATION = "police.residents", "queryResident"


class Findings:
    """The one thing of the broker that quality reads: its findings, newest first."""

    def __init__(self) -> None:
        self.made: list[QualityFinding] = []

    def findings(self, _caller: object, *, limit: int) -> list[QualityFinding]:
        return self.made[::-1][:limit]

    def add(self, number: int, rule: str = "body-mismatch") -> None:
        at = f"2026-11-02T01:00:{number:02d}.000Z"
        self.made.append(
            QualityFinding(f"qlf_{number:03d}", at, "dlv_1", "police", NAME, "1.0.0", OPERATION, rule, "/x", 200)
        )


class Judge:
    """Expectations that fail for the columns named, as the real library would answer."""

    def __init__(self) -> None:
        self.failing: dict[str, int] = {}
        self.asked: list[tuple[str, list[str], int]] = []
        self.paths: list[Path] = []

    def __call__(self, path: Path, interface: Interface, table: Table) -> Sequence[Any]:
        from mockdata.quality.quality import Outcome

        rows = path.read_text(encoding="utf-8").count("\n")
        self.paths.append(path)
        self.asked.append((interface.id, [field.name for field in table.fields], rows))
        return [
            Outcome(
                "not null",
                f.name,
                f.name not in self.failing,
                "error",
                "e",
                self.failing.get(f.name, 0),
                None,
                (),
                "/p",
            )
            for f in table.fields
        ]


@pytest.fixture
def world(services: Services) -> tuple[Services, Quality, Judge, Findings]:
    police = services.department("police")
    spec = library.interfaces()[NAME]
    services.catalogue.register(police, spec.document.name, spec.document.text.decode())
    judge, found = Judge(), Findings()
    quality = Quality(
        services.database, services.ledger, services.catalogue, found, services.clock, lambda: nullcontext(judge)
    )  # type: ignore[arg-type]
    return services, quality, judge, found


def offer(quality: Quality, answers: int, **cells: object) -> None:
    for number in range(answers):
        body = orjson.dumps({"XM": f"王{number}", "CSRQ": "1990-03-07", **cells})
        quality.samples.offer(NAME, OPERATION, ("CSRQ", "XM"), body)


# ---- sampling


def test_every_answer_has_the_same_chance() -> None:
    hits = [0] * 10
    for seed in range(40):
        samples = Samples(seed)
        for number in range(2000):
            samples.offer("i", "o", ("n",), b'{"n":%d}' % number)
        (rows,) = samples.take(1).values()
        assert len(rows) == sampling.BODIES
        for row in rows:
            hits[row["n"] // 200] += 1
    assert sum(hits) == 40 * sampling.BODIES
    assert all(0.8 < count / (4 * sampling.BODIES) < 1.2 for count in hits)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "BUDGET", 1000)
    samples = Samples(1)
    for number in range(5000):
        samples.offer(f"i{number % 300}", "o", (), b"x" * 90)
    assert samples._bytes <= 1000
    assert len(samples._kinds) <= sampling.KINDS
    samples.take(0)
    assert samples._bytes == 0


def test_records_of_an_answer_are_its_plain_rows() -> None:
    assert records({"items": [{"a": 1, "b": {"c": 1}}, {"a": 2}], "total": 2}) == [{"a": 1}, {"a": 2}]
    assert records([{"a": 1}, 5]) == [{"a": 1}]
    assert records({"a": 1, "b": [1, 2]}) == [{"a": 1}]
    assert records("x") == []


def test_masked_fields_are_not_judged_and_small_samples_wait() -> None:
    samples = Samples(1)
    samples.offer("i", "o", ("a", "b"), b'{"a":1,"b":"***"}', ("items/b",))
    assert samples.take(2) == {}
    assert samples.take(1) == {("i", "o", ("a", "b"), ("items/b",)): [{"a": 1}]}
    assert samples.take(1) == {}


def test_the_contract_of_an_answer_is_read_from_its_interface() -> None:
    spec = library.interfaces()[NAME]
    table = table_of(spec, OPERATION, [{"XM": "王", "CSRQ": "1990-03-07"}])
    assert table is not None
    assert {field.name for field in table.fields} == {"XM", "CSRQ"}
    assert table_of(spec, "noSuch", [{"XM": "王"}]) is None
    assert table_of(spec, OPERATION, [{"unknown": 1}]) is None


# ---- tickets


def test_a_broken_expectation_becomes_one_ticket_and_a_trend(world: tuple[Services, Quality, Judge, Findings]) -> None:
    services, quality, judge, _ = world
    judge.failing = {"XM": 7}
    offer(quality, LEAST_ROWS - 1)
    assert quality.due() == 0  # too few to judge
    offer(quality, 1)
    assert quality.due() == 1
    services.clock.advance(days=1)
    offer(quality, LEAST_ROWS)
    quality.due()
    (ticket,) = quality.tickets(services.officer())
    assert (ticket.field, ticket.rule, ticket.times, ticket.rows, ticket.broken) == ("XM", "not null", 2, LEAST_ROWS, 7)
    assert [(row["day"], row["checks"], row["failed"]) for row in quality.trends(services.department("police"))] == [
        ("2026-11-02", 2, 1),
        ("2026-11-03", 2, 1),
    ]
    assert judge.asked[0] == (NAME, ["XM", "CSRQ"], LEAST_ROWS)
    assert not any(path.exists() for path in judge.paths)  # nothing of a sample stays
    assert services.kinds().count("quality.ticket-opened") == 1


def test_what_the_broker_found_is_counted_once(world: tuple[Services, Quality, Judge, Findings]) -> None:
    services, quality, _, found = world
    for number in range(3):
        found.add(number)
    assert quality.due() == 3
    assert quality.due() == 0
    found.add(4, "status-undeclared")
    quality.due()
    told = {(t.source, t.rule, t.times) for t in quality.tickets(services.officer())}
    assert told == {("spec", "body-mismatch", 3), ("spec", "status-undeclared", 1)}


def test_a_ticket_is_seen_and_answered_by_its_department_only(world: tuple[Services, Quality, Judge, Findings]) -> None:
    services, quality, _, found = world
    found.add(1)
    quality.due()
    police, health, officer = services.department("police"), services.department("health"), services.officer()
    (ticket,) = quality.tickets(police)
    assert quality.tickets(health) == []
    for wrong, caller in (
        (Unauthenticated, None),
        (NotFound, health),
        (Forbidden, officer),
        (Forbidden, services.vendor()),
    ):
        with pytest.raises(wrong):
            quality.answer(caller, ticket.id, "fix", "")
    with pytest.raises(Unprocessable):
        quality.answer(police, ticket.id, "keep", " ")
    with pytest.raises(Unprocessable):
        quality.answer(police, ticket.id, "deny", "x")
    assert quality.answer(police, ticket.id, "acknowledge", "on it").state == "acknowledged"
    assert quality.answer(police, ticket.id, "fix", "done").state == "fixed"
    with pytest.raises(Conflict):
        quality.answer(police, ticket.id, "fix", "again")
    assert quality.tickets(police, open_only=True) == []


def test_what_comes_back_opens_anew_and_what_is_kept_stays_quiet(
    world: tuple[Services, Quality, Judge, Findings],
) -> None:
    services, quality, judge, _ = world
    police = services.department("police")
    judge.failing = {"XM": 1, "CSRQ": 2}
    offer(quality, LEAST_ROWS)
    quality.due()
    by_field = {ticket.field: ticket.id for ticket in quality.tickets(police)}
    quality.answer(police, by_field["XM"], "fix", "")
    quality.answer(police, by_field["CSRQ"], "keep", "historic records")
    services.clock.advance(days=1)
    offer(quality, LEAST_ROWS)
    quality.due()
    again = {ticket.field for ticket in quality.tickets(police, open_only=True)}
    assert again == {"XM"}
    assert services.last("quality.ticket-opened")["again"] is True


def test_the_real_library_judges_a_sample(services: Services) -> None:
    if services.database.dialect != "sqlite":
        pytest.skip("one database is enough: nothing of the judging is in it")
    police = services.department("police")
    spec = library.interfaces()[NAME]
    services.catalogue.register(police, spec.document.name, spec.document.text.decode())
    quality = Quality(services.database, services.ledger, services.catalogue, Findings(), services.clock)  # type: ignore[arg-type]
    offer(quality, LEAST_ROWS)
    offer(quality, 4, CSRQ="1990-13-45")
    quality.due()
    found = {(ticket.field, ticket.broken) for ticket in quality.tickets(police)}
    assert any(field == "CSRQ" for field, _ in found), found
    assert not any(field == "XM" for field, _ in found)
