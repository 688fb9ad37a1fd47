"""The suites this package ships: one per matter that can be certified."""

from __future__ import annotations

from functools import cache
from typing import Any

from conformance.suites.suite import Sighting, Suite

__all__ = ["Sighting", "Suite", "UnknownSuite", "load", "names"]


class UnknownSuite(ValueError):
    """No suite has this name."""


def names() -> tuple[str, ...]:
    """The matters that have a suite."""
    return ("newborn",)


@cache
def load(name: str) -> Suite[Any]:
    """The suite of a matter; raises `UnknownSuite`."""
    if name == "newborn":
        from conformance.suites.newborn import load as newborn

        return newborn.load()
    raise UnknownSuite(f"there is no suite {name!r}")
