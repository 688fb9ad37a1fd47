"""The fund suite: its people, its world and the cases of its rules."""

from __future__ import annotations

from typing import Any

from conformance.suites.assembling import assemble
from conformance.suites.fund_withdrawal import account, family, grounds
from conformance.suites.fund_withdrawal.world import Fund
from conformance.suites.suite import Suite


def load() -> Suite[Any]:
    """The suite, from the shipped library. Raises `OracleError` when the two do not fit together."""
    return assemble("fund-withdrawal", Fund, [account.scripts, grounds.scripts, family.scripts])
