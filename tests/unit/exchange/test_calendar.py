"""The working-day calendar and the statutory clocks: pure arithmetic, checked against the State Council's notices."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.agreements import calendar, clocks
from exchange.agreements.calendar import Calendar, Due
from exchange.errors import Conflict, Invalid, Unprocessable

KNOWN = Calendar(calendar.shipped())
NATIONAL = clocks.presets()["national"]
MAKE_UP_2026 = [date(2026, m, d) for m, d in ((1, 4), (2, 14), (2, 28), (5, 9), (9, 20), (10, 10))]


@pytest.mark.parametrize("day", MAKE_UP_2026)
def test_make_up_days_are_worked_although_they_are_weekends(day: date) -> None:
    assert day.weekday() >= 5
    assert KNOWN.is_working(day)


def test_2026_has_as_many_working_days_as_the_notice_leaves() -> None:
    worked = [n for n in range(365) if KNOWN.is_working(date.fromordinal(date(2026, 1, 1).toordinal() + n))]
    # 261 weekdays − 19 weekdays off + 6 make-up days
    assert len(worked) == 248


def test_golden_week_is_stepped_over() -> None:
    assert KNOWN.after(date(2026, 9, 30), 1) == Due(date(2026, 10, 8), provisional=False)
    assert KNOWN.after(date(2026, 9, 30), 3) == Due(date(2026, 10, 10), provisional=False)


def test_the_first_day_counts_only_where_the_setting_says_so() -> None:
    monday = date(2026, 11, 2)
    assert KNOWN.after(monday, 1).day == date(2026, 11, 3)
    assert KNOWN.after(monday, 1, count_first=True).day == monday
    assert KNOWN.after(date(2026, 11, 7), 1, count_first=True).day == date(2026, 11, 9)


def test_a_day_reached_through_an_unloaded_year_is_provisional() -> None:
    assert KNOWN.after(date(2026, 12, 25), 10).provisional
    assert not KNOWN.after(date(2026, 12, 1), 10).provisional


@given(st.dates(date(2025, 1, 1), date(2026, 11, 30)), st.integers(1, 15))
def test_a_due_day_is_worked_and_exactly_that_many_days_away(start: date, days: int) -> None:
    due = KNOWN.after(start, days).day
    between = [date.fromordinal(n) for n in range(start.toordinal() + 1, due.toordinal() + 1)]
    assert KNOWN.is_working(due)
    assert sum(map(KNOWN.is_working, between)) == days


def test_a_contradicting_notice_is_refused_with_every_mistake_at_once() -> None:
    with pytest.raises(Unprocessable) as wrong:
        calendar.year(2027, [date(2026, 1, 1), date(2027, 1, 2)], [date(2027, 1, 2), date(2027, 1, 4)], source=" ")
    text = str(wrong.value)
    assert "2026-01-01 is not in 2027" in text
    assert "both a holiday and a working day" in text
    assert "2027-01-04 is a weekday" in text
    assert "source" in text


@pytest.mark.parametrize("entry", ["2026-13-01", "tomorrow", "2026-05-05..2026-05-01", ""])
def test_what_is_no_day_is_refused(entry: str) -> None:
    with pytest.raises(Unprocessable):
        calendar.days([entry])


def test_the_day_is_that_of_beijing() -> None:
    assert calendar.today(datetime(2026, 11, 1, 16, 30, tzinfo=UTC)) == date(2026, 11, 2)


def test_national_limits_are_those_of_the_regulation() -> None:
    limits = {name: (rule.limit, rule.extension, rule.breach) for name, rule in NATIONAL.rules.items()}
    assert limits["C1"] == (10, 5, "P39-1")
    assert limits["C2"] == (2, 0, "A41-3")
    assert limits["C3"] == (1, 10, "P39-4")
    assert limits["C4"] == (10, 10, "P39-4")
    assert limits["C6"] == (20, 0, "P39-4")
    assert limits["C7"] == (10, 0, "P39-6")


def test_the_local_preset_is_tighter() -> None:
    local = clocks.presets()["local-sx"]
    assert (local.rules["C3"].limit, local.rules["C4"].limit, local.rules["C6"].limit) == (0, 5, 20)


def test_a_local_file_gives_a_tighter_set(tmp_path: Path) -> None:
    file = tmp_path / "here.yaml"
    file.write_text("here: {base: national, title: {zh_CN: 本市, en: here}, clocks: {C4: {limit: 7}}}", "utf-8")
    assert clocks.preset(str(file)).rules["C4"].limit == 7
    assert clocks.preset("local-sx").rules["L1"].limit == 2
    file.write_text("here: {base: national, clocks: {C4: {limit: 70}}}", "utf-8")
    with pytest.raises(Unprocessable, match="looser"):
        clocks.preset(str(file))


@pytest.mark.parametrize("text", ["", "[]", "a: {}", "a: {base: nowhere}", "a: b", "a: {base: national}\nb: {}", "{"])
def test_a_file_that_holds_no_clocks_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "here.yaml"
    file.write_text(text)
    with pytest.raises(Invalid, match="here"):
        clocks.preset(str(file))
    with pytest.raises(Invalid, match="no clocks 'nowhere'"):
        clocks.preset("nowhere")


def test_a_year_entered_before_its_notice_counts_and_stays_provisional() -> None:
    expected = calendar.year(2027, [date(2027, 1, 1)], [], "expected", provisional=True)
    due = Calendar([*calendar.shipped(), expected]).after(date(2026, 12, 25), 10)
    assert due == Due(date(2027, 1, 11), provisional=True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"C4": {"limit": 11}}, "C4: limit 11 is looser than 10"),
        ({"C3": {"extension": 11}}, "C3: extension 11 is looser than 10"),
        ({"C7": {"limit": None}}, "cannot be dropped"),
        ({"C4": {"breach": None}}, "not a local matter"),
        ({"C4": {"limit": "5"}}, "no number of days"),
        ({"C99": {"limit": 1}}, "no clock of national"),
    ],
)
def test_a_looser_or_senseless_local_value_is_refused(change: dict[str, object], said: str) -> None:
    with pytest.raises(Unprocessable, match=said):
        clocks.tighten(NATIONAL, "here", {"clocks": change})


def test_all_looser_values_are_named_at_once() -> None:
    with pytest.raises(Unprocessable) as wrong:
        clocks.tighten(NATIONAL, "here", {"clocks": {"C4": {"limit": 12}, "C6": {"limit": 30}}})
    assert "C4" in str(wrong.value)
    assert "C6" in str(wrong.value)


def started(rule: str = "C4", day: date = date(2026, 11, 2)) -> clocks.Running:
    return clocks.start("clk_1", NATIONAL, rule, "apl_1", "police", day, KNOWN)


def test_a_clock_is_late_after_its_day_not_on_it() -> None:
    clock = started()
    assert clock.due == date(2026, 11, 16)
    assert not clock.is_late(date(2026, 11, 16))
    assert clock.is_late(date(2026, 11, 17))
    assert not replace(clock, met_at="2026-11-20").is_late(date(2026, 11, 21))


def test_a_clock_that_stands_still_is_not_late_and_goes_on_with_the_days_it_stood() -> None:
    still = clocks.stopped(started(), date(2026, 11, 9))
    assert not still.is_late(date(2026, 12, 31))
    assert clocks.breached(still, "t", date(2026, 12, 31)) == (still, False)
    again = clocks.resumed(still, NATIONAL, KNOWN, date(2026, 11, 23))
    assert (again.stood, again.due, again.former) == (10, date(2026, 11, 30), ("2026-11-16",))
    late = started()
    assert clocks.stopped(late, date(2026, 11, 17)) == late  # too late to stop


def test_an_extension_needs_both_consents_and_never_passes_the_ceiling() -> None:
    consent = {"authority": "data-office 2026-11-10", "notice": "2026-11-10"}
    with pytest.raises(Unprocessable, match="notice"):
        clocks.extended(started(), NATIONAL, KNOWN, 5, {"authority": "data-office"})
    once = clocks.extended(started(), NATIONAL, KNOWN, 6, consent)
    assert (once.due, once.former) == (date(2026, 11, 24), ("2026-11-16",))
    with pytest.raises(Unprocessable, match="10 in all; 6 are used"):
        clocks.extended(once, NATIONAL, KNOWN, 5, consent)
    assert clocks.extended(once, NATIONAL, KNOWN, 4, consent).extended == 10
    with pytest.raises(Conflict):
        clocks.extended(replace(once, met_at="2026-11-11"), NATIONAL, KNOWN, 1, consent)


def test_loading_the_year_moves_a_provisional_day_and_keeps_the_old_one() -> None:
    clock = started(day=date(2026, 12, 25))
    assert (clock.due, clock.provisional) == (date(2027, 1, 8), True)
    notice = calendar.year(2027, [date(2027, 1, 1)], [], "notice of 2027")
    moved = clocks.recomputed(clock, NATIONAL, Calendar([*calendar.shipped(), notice]))
    assert (moved.due, moved.provisional, moved.former) == (date(2027, 1, 11), False, ("2027-01-08",))
    assert clocks.recomputed(moved, NATIONAL, Calendar([*calendar.shipped(), notice])) == moved


def test_months_end_on_the_last_day_where_the_month_is_short() -> None:
    rule = replace(NATIONAL.rules["C4"], unit=clocks.Unit.MONTHS, limit=1)
    assert clocks.due(rule, date(2026, 1, 31), KNOWN, count_first=False) == Due(date(2026, 2, 28), False)
    assert clocks.due(rule, date(2026, 12, 15), KNOWN, count_first=False) == Due(date(2027, 1, 15), False)
