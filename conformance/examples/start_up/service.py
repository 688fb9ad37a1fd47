"""The start-up app: the published interface over how a start-up is handled."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from conformance.examples.service import VendorApp, main, stamp
from conformance.examples.start_up import rules
from conformance.examples.start_up.handling import Handling
from conformance.examples.start_up.matter import Matter

__all__ = ["StartUpApp", "main"]


class StartUpApp(Handling, VendorApp):
    """A start-up app as the published documents ask for it."""

    MATTER = "start-up"
    MESSAGES = rules.MESSAGES

    def open(self, token: str, key: str, application: Mapping[str, Any], day: date) -> Matter:
        return Matter(self.new_id(), token, application, day, stamp(), key)

    def told(self, matter: Matter, rule: str) -> dict[str, Any]:
        told = super().told(matter, rule)
        return told | ({"concerns": matter.concerns[rule]} if rule in matter.concerns else {})
