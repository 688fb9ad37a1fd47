"""Rules of handled matters, ratings and the order of display."""

from __future__ import annotations

from datetime import date

import pytest

from exchange.errors import Conflict, Forbidden, Unprocessable
from exchange.market.model import HandledMatter, Listing, check_rating, neutral_order, progress

OPEN = HandledMatter("h", "l", "lst", "v", "newborn", "citizen", "t0")
REQUIRED = frozenset({"a#x", "b#y"})


def test_a_matter_completes_with_its_last_required_step() -> None:
    first = progress(OPEN, "a#x", REQUIRED, "t1")
    assert first.state == "open"
    done = progress(first, "b#y", REQUIRED, "t2")
    assert (done.state, done.completed_at) == ("completed", "t2")
    assert progress(done, "c#z", REQUIRED, "t3").completed_at == "t2"


def test_a_repeated_step_is_counted_once() -> None:
    once = progress(OPEN, "a#x", REQUIRED, "t1")
    assert progress(once, "a#x", REQUIRED, "t2") == once


def test_only_the_person_rates_once_after_completion() -> None:
    done = progress(progress(OPEN, "a#x", REQUIRED, "t"), "b#y", REQUIRED, "t")
    check_rating(done, "citizen", 5, already=False)
    with pytest.raises(Forbidden):
        check_rating(done, "somebody", 5, already=False)
    with pytest.raises(Conflict, match="not finished"):
        check_rating(OPEN, "citizen", 5, already=False)
    with pytest.raises(Conflict, match="already"):
        check_rating(done, "citizen", 5, already=True)
    for level in (0, 6):
        with pytest.raises(Unprocessable):
            check_rating(done, "citizen", level, already=False)


def test_no_listing_is_always_first() -> None:
    listings = [Listing(f"lst{i}", "v", "a", "x", "m", "c", "A", "t", "t") for i in range(3)]
    firsts = {neutral_order(listings, date(2026, 11, day))[0].id for day in range(1, 29)}
    assert firsts == {"lst0", "lst1", "lst2"}
    day = date(2026, 11, 1)
    assert neutral_order(listings, day) == neutral_order(list(reversed(listings)), day)
