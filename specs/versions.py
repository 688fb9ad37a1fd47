"""Whether a version number fits what changed (Semantic Versioning 2.0.0)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum

from specs.diff.change import Change, Level

_NUMBER = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?"
)
_WORDS = frozenset({"text-changed", "path-parameter-renamed", "deprecated", "no-longer-deprecated", "element-added"})


class Step(StrEnum):
    """The part of a version number that has to grow."""

    MAJOR = "major"
    MINOR = "minor"
    PATCH = "patch"
    NONE = "none"


def needed(changes: Iterable[Change]) -> Step:
    """The smallest step that tells subscribers what happened: major when anybody breaks, minor for anything they can
    notice (also what cannot be judged), patch for words."""
    found = list(changes)
    if any(change.level is Level.BREAKING for change in found):
        return Step.MAJOR
    if any(change.check not in _WORDS for change in found):
        return Step.MINOR
    return Step.PATCH if found else Step.NONE


def misfit(old_version: str, new_version: str, changes: Iterable[Change]) -> str | None:
    """One sentence why `new_version` may not follow `old_version` after these changes, None when it may.

    Below 1.0.0 a breaking change needs a minor step, as nothing is promised yet.
    """
    old, new = parts(old_version), parts(new_version)
    if new is None:
        return f"{new_version} is no semantic version: write MAJOR.MINOR.PATCH, for example 1.0.0"
    if old is None:
        return None  # the one before followed no rule to measure this one by
    if new <= old:
        return f"{new_version} does not come after {old_version}"
    found = list(changes)
    step = needed(found)
    early = old[0] == 0 and new[0] == 0
    major, minor = new[0] > old[0], new[:2] > old[:2]
    if step is Step.MAJOR and not (minor if early else major):
        broken = [change for change in found if change.level is Level.BREAKING]
        least = f"0.{old[1] + 1}.0" if early else f"{old[0] + 1}.0.0"
        more = f" and {len(broken) - 1} more" if len(broken) > 1 else ""
        return f"{new_version} would break subscribers ({broken[0].message}{more}): {least} is the least that says so"
    if step is Step.MINOR and not minor and not early:
        first = next(change for change in found if change.check not in _WORDS)
        return f"{new_version} adds more than corrections ({first.message}): {old[0]}.{old[1] + 1}.0 is the least"
    return None


def parts(version: str) -> tuple[int, int, int, bool, tuple[tuple[int, int, str], ...]] | None:
    """A version as a value that sorts by precedence (a pre-release before its release), None when it is none."""
    found = _NUMBER.fullmatch(version)
    if found is None:
        return None
    major, minor, patch, early = found.groups()
    marks = tuple((0, int(m), "") if m.isdigit() else (1, 0, m) for m in early.split(".")) if early else ()
    return int(major), int(minor), int(patch), not early, marks
