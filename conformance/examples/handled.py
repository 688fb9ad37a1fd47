"""One handled matter as the example apps keep it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta, timezone
from typing import Any

CHINA = timezone(timedelta(hours=8))


@dataclass
class Handled:
    """One handled matter; `key` is the idempotency key it was submitted under."""

    id: str
    token: str
    application: Mapping[str, Any]
    today: date
    created: str
    key: str = ""
    state: str = "in_progress"
    failed_rules: list[str] = field(default_factory=list)
    missing: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    steps: dict[str, str] = field(default_factory=dict)
    references: dict[str, str] = field(default_factory=dict)
    result: dict[str, str] = field(default_factory=dict)
    updated: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)
