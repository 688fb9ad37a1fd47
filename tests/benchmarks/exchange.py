"""Everything the exchange is measured by, part by part: `tongban bench exchange`."""

from __future__ import annotations

from typing import Any

from exchange.bench import load

PARTS = (
    "exchange_broker", "exchange_bulk", "exchange_kill", "exchange_ledger", "exchange_oversight", "exchange_push",
)  # fmt: skip


def measure() -> list[dict[str, Any]]:
    """The rows of all parts."""
    return [row for part in PARTS for row in load(part).measure()]
