"""The start-up suite: its founders, its world and the cases of its rules."""

from __future__ import annotations

from typing import Any

from conformance.suites.assembling import assemble
from conformance.suites.start_up import completeness, eligibility, registration
from conformance.suites.start_up.world import StartUp
from conformance.suites.suite import Suite


def load() -> Suite[Any]:
    """The suite, from the shipped library. Raises `OracleError` when the two do not fit together."""
    return assemble("start-up", StartUp, [completeness.scripts, eligibility.scripts, registration.scripts])
