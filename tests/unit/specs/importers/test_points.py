"""Every point an importer can make is known and documented."""

import re
from pathlib import Path

import pytest

from specs.importers.points import POINTS, Points

ROOT = Path(__file__).parents[4]
USED = {
    rule
    for path in (ROOT / "specs" / "importers").glob("*.py")
    for rule in re.findall(r'"((?:import|decide)-[a-z-]+)"', path.read_text("utf-8"))
}


def test_every_point_is_made_somewhere_and_every_one_made_is_known() -> None:
    assert set(POINTS) == USED


@pytest.mark.parametrize("rule", POINTS)
def test_every_point_is_documented(rule: str) -> None:
    severity, reason = POINTS[rule]
    row = f"| `{rule}` | {severity.value} | {reason} |"
    assert row in (ROOT / "docs" / "importing.md").read_text("utf-8"), row


def test_points_come_in_the_order_of_the_file() -> None:
    points = Points("x")
    points.say("decide-key", "second", line=9)
    points.say("decide-type", "first", line=2)
    assert [one.message for one in points.findings] == ["first", "second"]
    with pytest.raises(KeyError):
        points.say("no-such-point", "")
