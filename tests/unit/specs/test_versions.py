"""A version number must tell what changed."""

import pytest

from specs.diff import Change, Level, Side
from specs.versions import Step, misfit, needed, parts


def change(check: str, level: Level) -> Change:
    return Change(check, level, Side.REQUEST, "something", "", "")


BREAKS = change("property-removed", Level.BREAKING)
ADDS = change("property-added", Level.COMPATIBLE)
UNSURE = change("pattern-unsure", Level.UNKNOWN)
WORDS = change("text-changed", Level.COMPATIBLE)


def test_the_step_follows_the_gravest_change():
    assert needed([]) is Step.NONE
    assert needed([WORDS]) is Step.PATCH
    assert needed([WORDS, ADDS]) is Step.MINOR
    assert needed([UNSURE]) is Step.MINOR
    assert needed([ADDS, BREAKS]) is Step.MAJOR


@pytest.mark.parametrize(
    ("old", "new", "changes", "said"),
    [
        ("1.2.3", "2.0.0", [BREAKS], None),
        ("1.2.3", "1.3.0", [BREAKS], "2.0.0 is the least"),
        ("1.2.3", "1.3.0", [ADDS], None),
        ("1.2.3", "1.2.4", [ADDS], "1.3.0 is the least"),
        ("1.2.3", "1.2.4", [WORDS], None),
        ("1.2.3", "1.2.3", [WORDS], "does not come after"),
        ("1.2.3", "1.2.2", [], "does not come after"),
        ("0.2.0", "0.3.0", [BREAKS], None),
        ("0.2.0", "0.2.1", [BREAKS], "0.3.0 is the least"),
        ("0.2.0", "0.2.1", [ADDS], None),
        ("0.9.0", "1.0.0", [], None),
        ("1.0.0-rc.1", "1.0.0", [WORDS], None),
        ("1.0.0", "1.0.0-rc.1", [], "does not come after"),
        ("1.0.0-rc.2", "1.0.0-rc.10", [], None),
        ("1.0.0", "v2", [BREAKS], "no semantic version"),
        ("2024-01", "1.0.0", [BREAKS], None),
    ],
)
def test_a_number_that_does_not_fit_is_refused_with_the_least_that_does(old, new, changes, said):
    found = misfit(old, new, changes)
    assert found is None if said is None else said in (found or "")


def test_versions_sort_by_precedence():
    order = ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0", "1.0.1", "1.10.0"]
    assert sorted(set(order), key=lambda v: parts(v) or ()) == order
    assert parts("1.0") is None
    assert parts("01.0.0") is None
