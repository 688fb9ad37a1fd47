"""Tries, rests and the lane: what may be repeated, who is left alone, and that nobody's fate is another's."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from typing import Any

import pytest

from exchange.brokering.front import deliver
from exchange.brokering.patience import FAILURES, LONGEST_REST, REST, Breakers, fetch
from exchange.brokering.service import Answer
from exchange.brokering.sources import Incoming, Outgoing, SourceFailure
from exchange.brokering.spool import Spool
from exchange.database import Turns
from exchange.errors import Unavailable
from exchange.ledger.lane import Lane, Loop


class Provider:
    """Fails as it is told to, then answers."""

    def __init__(self, *answers: Incoming | str) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def ask(self, call: Outgoing) -> Incoming:
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, str):
            raise SourceFailure(answer)
        return answer


GOOD, AWAY = Incoming(200, {}, b""), Incoming(503, {}, b"")


def call(method: str = "GET", **headers: str) -> Outgoing:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Outgoing("i", "d", "http://p", method, "/", "", named, b"")


def tried(provider: Provider, one: Outgoing) -> tuple[Incoming, int]:
    return asyncio.run(fetch(provider, one, pauses=(0.0,)))


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("fault", ["provider-unreachable", AWAY])
def test_an_idempotent_call_is_tried_three_times_at_most(method: str, fault: Any) -> None:
    provider = Provider(fault, fault, GOOD)
    assert tried(provider, call(method)) == (GOOD, 3)
    assert provider.asked == 3
    gone = Provider(fault)
    if isinstance(fault, str):
        with pytest.raises(SourceFailure):
            tried(gone, call(method))
    else:
        assert tried(gone, call(method))[0] is AWAY
    assert gone.asked == 3


def test_a_call_that_may_have_had_its_effect_is_never_repeated() -> None:
    for method in ("POST", "PATCH"):
        provider = Provider("provider-unreachable", GOOD)
        with pytest.raises(SourceFailure):
            tried(provider, call(method))
        assert provider.asked == 1
        # the consumer says that repeating is safe
        assert tried(Provider("provider-unreachable", GOOD), call(method, idempotency_key='"k"')) == (GOOD, 2)


@pytest.mark.parametrize("rule", ["provider-timeout", "answer-too-large", "answer-encoded"])
def test_what_will_not_pass_is_not_tried_again(rule: str) -> None:
    provider = Provider(rule, GOOD)
    with pytest.raises(SourceFailure, match=rule):
        tried(provider, call())
    assert provider.asked == 1


def test_a_provider_that_keeps_failing_rests_then_one_call_tries() -> None:
    now = [0.0]
    breakers = Breakers(lambda: now[0])
    for _ in range(FAILURES - 1):
        breakers.note("http://p", good=False)
    assert breakers.pause("http://p") == 0
    breakers.note("http://p", good=False)
    assert breakers.pause("http://p") == REST
    assert breakers.pause("http://q") == 0
    now[0] += REST + 1
    assert [breakers.pause("http://p") > 0 for _ in range(3)] == [False, True, True]
    breakers.note("http://p", good=False)
    assert breakers.pause("http://p") == 2 * REST
    for _ in range(10):
        breakers.note("http://p", good=False)
    assert breakers.pause("http://p") == LONGEST_REST
    breakers.note("http://p", good=True)
    assert breakers.pause("http://p") == 0


def test_a_large_body_leaves_in_pieces_and_is_given_up() -> None:
    async def sent() -> list[Any]:
        spool, told = Spool(), []

        async def send(message: Any) -> None:
            told.append(message)

        for _ in range(24):
            spool.add(b"x" * 65536)
        await deliver(Answer(200, {}, b"", "dlv_1", spool), {}, send)
        with pytest.raises(ValueError, match="closed"):
            next(spool.pieces())
        return told

    start, *bodies = asyncio.run(sent())
    assert (b"content-length", b"1572864") in start["headers"]
    assert sum(len(one["body"]) for one in bodies) == 24 * 65536
    assert max(len(one["body"]) for one in bodies) <= 262144
    assert [one.get("more_body", False) for one in bodies] == [True] * (len(bodies) - 1) + [False]


def test_the_lane_writes_together_what_waits_together() -> None:
    groups: list[int] = []
    begun, go = threading.Event(), threading.Event()

    def write(jobs: Sequence[Any]) -> list[Any]:
        groups.append(len(jobs))
        begun.set()
        assert go.wait(5)
        return [ValueError(job) if job % 2 else job for job in jobs]

    async def all() -> list[Any]:
        first = asyncio.create_task(lane(0))
        await asyncio.to_thread(begun.wait, 5)
        rest = [asyncio.create_task(lane(number)) for number in range(1, 21)]
        await asyncio.sleep(0)
        go.set()
        return await asyncio.gather(first, *rest, return_exceptions=True)

    lane = Lane(write)
    told = asyncio.run(all())
    lane.close()
    assert groups == [1, 20]
    assert [isinstance(one, ValueError) for one in told] == [bool(number % 2) for number in range(21)]


def test_a_waiter_that_gave_up_does_not_take_its_job_along() -> None:
    written: list[Any] = []
    go = threading.Event()

    def write(jobs: Sequence[Any]) -> list[Any]:
        go.wait(5)
        written.extend(jobs)
        return list(jobs)

    async def all() -> None:
        tasks = [asyncio.create_task(lane(number)) for number in range(3)]
        await asyncio.sleep(0.05)
        tasks[1].cancel()
        go.set()
        assert await asyncio.gather(*tasks, return_exceptions=True)

    lane = Lane(write)
    asyncio.run(all())
    lane.close()
    assert sorted(written) == [0, 1, 2]


def test_a_writer_that_breaks_is_told_to_everybody_and_the_lane_goes_on() -> None:
    faults = [OSError("disk full")]

    def write(jobs: Sequence[Any]) -> list[Any]:
        if faults:
            raise faults.pop()
        return list(jobs)

    lane, loop = Lane(write), Loop("t")
    with pytest.raises(OSError, match="disk full"):
        loop.run(lane(1))
    assert loop.run(lane(2)) == 2
    lane.close()
    assert loop.run(lane(3)) == 3
    lane.close()
    loop.close()


def test_turns_go_to_whoever_waits_longest() -> None:
    turns, order = Turns(seconds=5), []
    turns.take()

    def wait(number: int) -> None:
        turns.take()
        order.append(number)
        turns.give()

    threads = []
    for number in range(5):
        threads.append(threading.Thread(target=wait, args=(number,)))
        threads[-1].start()
        while len(turns._waiting) <= number:
            time.sleep(0.001)
    turns.give()
    turns.take()  # a busy writer that comes back at once is served after those who waited
    assert order == [0, 1, 2, 3, 4]
    turns.give()
    for thread in threads:
        thread.join()


def test_who_waits_too_long_for_a_turn_is_told_and_takes_nobodys_place() -> None:
    turns = Turns(seconds=0.05)
    turns.take()
    with pytest.raises(Unavailable, match="busy"):
        turns.take()
    turns.give()
    turns.take()
    turns.give()
