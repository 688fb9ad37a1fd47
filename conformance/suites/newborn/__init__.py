"""The newborn suite: its families, its world and the cases of its rules."""

from __future__ import annotations

from typing import Any

from conformance.suites.assembling import assemble
from conformance.suites.newborn import eligibility
from conformance.suites.newborn.world import Newborn
from conformance.suites.suite import Suite


def load() -> Suite[Any]:
    """The suite, from the shipped library. Raises `OracleError` when the two do not fit together."""
    return assemble("newborn", Newborn, [eligibility.scripts])
