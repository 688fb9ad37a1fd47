"""Probes of the day are durable jobs: asked for once by any number of workers, each service a step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from exchange.catalogue import rounds
from exchange.catalogue.probing import Probing
from exchange.catalogue.rounds import Rounds
from exchange.errors import Upstream
from exchange.jobs import Jobs
from exchange.parties.access import SYSTEM
from tests.unit.exchange.test_catalogue import api
from tests.unit.exchange.test_reuse import publish

NAMES = ["civil-affairs.a", "civil-affairs.b", "civil-affairs.c"]


@pytest.fixture
def jobs(services: Any) -> Iterator[Jobs]:
    made = Jobs(services.database, services.home, "worker-1", services.clock)
    yield made
    made.stop()


@pytest.fixture
def probing(services: Any) -> Probing:
    """Services a and c answer, b does not."""
    engineer = services.department("civil-affairs")

    def send(record: Any, *_call: Any) -> Any:
        if record.id == NAMES[1]:
            raise Upstream("provider-unreachable")
        return 200, {"content-type": "application/json"}, b'["1"]'

    for name in NAMES:
        publish(services, engineer, api(id=name))
        services.catalogue.set_endpoint(engineer, name, "http://127.0.0.1:9")
    return Probing(services.catalogue, send)


def test_one_round_however_many_ask_and_nothing_when_nothing_is_due(
    services: Any, jobs: Jobs, probing: Probing, clock: Any
) -> None:
    first, second = Rounds(probing, jobs), Rounds(probing, jobs)
    asked = first.due()
    assert asked is not None
    assert second.due() == asked
    clock.advance(minutes=1)
    assert first.due() == asked
    clock.advance(minutes=10)
    assert first.due() != asked
    for name in NAMES:
        probing.again(SYSTEM, name)
    assert first.due() is None
    clock.advance(hours=25)
    assert first.due() is not None


def test_a_round_asks_every_service_that_waits_longest_first(
    services: Any, jobs: Jobs, probing: Probing, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    probing.probe(SYSTEM, NAMES[0])
    clock.advance(hours=25)
    assert probing.due(9) == [NAMES[1], NAMES[2], NAMES[0]]
    assert probing.again(SYSTEM, NAMES[2]) is True
    assert probing.again(SYSTEM, NAMES[2]) is None  # done within the day
    assert probing.again(SYSTEM, "civil-affairs.nothing") is None
    round = Rounds(probing, jobs)
    jobs.start()
    job = round.due()
    assert job is not None
    done = jobs.wait(job, 20)
    assert (done.state, done.result) == ("done", {"passed": 1, "failed": 1, "left": 0})
    assert probing.live(NAMES) == {NAMES[0]: 1.0, NAMES[1]: 0.0, NAMES[2]: 1.0}
    assert round.due() is None


def test_a_service_that_cannot_be_asked_does_not_end_the_round(
    services: Any, jobs: Jobs, probing: Probing, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Probing.again

    def again(self: Probing, caller: Any, interface: str) -> Any:
        if interface == NAMES[0]:
            raise ZeroDivisionError("a mistake of ours")
        return asked(self, caller, interface)

    monkeypatch.setattr(Probing, "again", again)
    round = Rounds(probing, jobs)
    jobs.start()
    job = round.due()
    assert job is not None
    assert jobs.wait(job, 20).result == {"passed": 1, "failed": 1, "left": 1}
    assert rounds.MOST >= 3
