"""The newborn app: the published interface over how a birth is handled."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from conformance.examples.newborn import rules
from conformance.examples.newborn.handling import Handling
from conformance.examples.newborn.matter import Matter
from conformance.examples.service import LOOPBACK, VendorApp, main, stamp

__all__ = ["LOOPBACK", "NewbornApp", "main"]


class NewbornApp(Handling, VendorApp):
    """A newborn app as the published documents ask for it."""

    MATTER = "newborn"
    MESSAGES = rules.MESSAGES

    def open(self, token: str, key: str, application: Mapping[str, Any], day: date) -> Matter:
        return Matter(self.new_id(), token, application, day, stamp(), key)
