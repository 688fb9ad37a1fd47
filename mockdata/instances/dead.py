"""Ways that lead nowhere while an instance is drawn."""

from __future__ import annotations

from typing import Any


class Dead(Exception):
    """No value was found here; the caller tries another way. `schema` is the schema object to blame, if
    known.
    """

    def __init__(self, reason: str, schema: Any) -> None:
        super().__init__(reason)
        self.reason = reason
        self.schema = schema


class Exhausted(Exception):
    """The run has taken too many steps."""
