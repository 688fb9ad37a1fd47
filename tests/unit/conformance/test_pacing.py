from datetime import UTC, datetime

import pytest

from conformance.pacing import MARGIN, SLOWEST, Pace, Rate, declared, remaining, retry_after


@pytest.mark.parametrize(
    ("text", "pause"), [("100/m", 0.6), ("5/s", 0.2), ("20/10s", 0.5), ("3600/h", 1.0), (" 0.5/s ", 2.0)]
)
def test_a_declared_limit_is_read(text, pause) -> None:
    assert Rate.parse(text).pause == pytest.approx(MARGIN * pause)


@pytest.mark.parametrize("text", ["", "100", "0/s", "5/0s", "-1/m", "5/day", "fast"])
def test_what_is_no_limit_is_said(text) -> None:
    with pytest.raises(ValueError, match="no rate"):
        Rate.parse(text)


@pytest.mark.parametrize(
    ("headers", "rate"),
    [
        ({"ratelimit-policy": '"default";q=100;w=60'}, Rate(100, 60)),
        ({"ratelimit-policy": "100;w=60"}, Rate(100, 60)),
        ({"ratelimit-policy": '"burst";q=10;w=1, "day";q=100;w=60'}, Rate(100, 60)),
        ({"ratelimit-policy": '"none";q=0;w=60'}, None),
        ({"ratelimit-policy": "nonsense"}, None),
        ({}, None),
    ],
)
def test_the_limit_an_answer_declares(headers, rate) -> None:
    assert declared(headers) == rate


@pytest.mark.parametrize(
    ("headers", "left"),
    [
        ({"ratelimit": '"default";r=0;t=30'}, (0, 30.0)),
        ({"ratelimit-remaining": "3", "ratelimit-reset": "9"}, (3, 9.0)),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "9"}, (0, 9.0)),
        ({"x-ratelimit-remaining": "many", "x-ratelimit-reset": "9"}, None),
        ({}, None),
    ],
)
def test_what_is_left_of_it(headers, left) -> None:
    assert remaining(headers) == left


def test_both_forms_of_retry_after() -> None:
    noon = datetime(2026, 11, 5, 12, tzinfo=UTC)
    assert retry_after("7") == 7.0
    assert retry_after("Thu, 05 Nov 2026 12:00:30 GMT", noon) == 30.0
    assert retry_after("Thu, 05 Nov 2026 11:00:00 GMT", noon) == 0.1
    assert (retry_after("soon"), retry_after(None)) == (None, None)


def test_the_pace_follows_what_the_app_declares_and_slows_down_when_refused() -> None:
    told = Pace(0.01)
    told.heard(200, {"ratelimit-policy": '"d";q=100;w=60', "ratelimit": '"d";r=0;t=20'}, now=5.0)
    assert (told.pause, told.full_until) == (Rate(100, 60).pause, 25.0)
    silent = Pace(0.01)
    for _ in range(20):
        silent.heard(429, {}, now=0.0)
    assert silent.pause == SLOWEST
    assert Pace(0.01, Rate(1, 10)).pause == Rate(1, 10).pause


def test_no_app_can_stop_a_run_by_what_it_declares() -> None:
    stalling = Pace(0.01)
    stalling.heard(200, {"ratelimit-policy": '"d";q=1;w=86400'}, now=0.0)
    assert stalling.pause <= SLOWEST * MARGIN
