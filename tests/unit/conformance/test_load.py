"""Arrivals do not wait; latency counts from the intended start; our own delay is told from the app's."""

import threading

import pytest

from conformance.load import Load, Shot, arrivals, fire


def test_arrivals_follow_from_the_seed_and_keep_the_rate() -> None:
    moments = arrivals("s", 5.0, 400)
    assert moments == arrivals("s", 5.0, 400)
    assert moments != arrivals("t", 5.0, 400)
    assert list(moments) == sorted(moments)
    assert moments[-1] / 400 == pytest.approx(0.2, rel=0.2)


def test_a_slow_answer_does_not_hold_back_the_next_request() -> None:
    free = threading.Event()

    def shoot(number: int) -> bool:
        if number == 4:
            free.set()
        return free.wait(5)  # the first answers come only after the last request was sent

    load = fire((0.0, 0.01, 0.02, 0.03, 0.04), shoot)
    assert load.errors == 0
    assert load.percentile(0.95) < 5


def test_waiting_before_a_request_counts() -> None:
    load = Load(tuple(Shot(meant=n, sent=n + 2.0, answered=n + 2.1, well=n != 3) for n in range(10)), busy=0.1)
    assert load.percentile(0.5) == pytest.approx(2.1)
    assert load.errors == pytest.approx(0.1)
    assert load.saturated(3.0)  # it was we who were late
    ours = Load(tuple(Shot(n, n, n + 2.1, True) for n in range(10)), busy=0.1)
    assert not ours.saturated(3.0)
    assert Load(ours.shots, busy=0.95).saturated(3.0)
