"""The fund app: the published interface over how a withdrawal is handled."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from conformance.examples.fund import rules
from conformance.examples.fund.handling import Handling
from conformance.examples.fund.matter import Matter
from conformance.examples.service import VendorApp, main, stamp

__all__ = ["FundApp", "main"]


class FundApp(Handling, VendorApp):
    """A fund app as the published documents ask for it."""

    MATTER = "fund-withdrawal"
    MESSAGES = rules.MESSAGES

    def open(self, token: str, key: str, application: Mapping[str, Any], day: date) -> Matter:
        return Matter(self.new_id(), token, application, day, stamp(), key)

    def show(self, matter: Matter) -> dict[str, Any]:
        return super().show(matter) | {"due_on": self.due(matter.today).isoformat()}
