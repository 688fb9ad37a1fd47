"""Structured logs: one JSON line per event on stderr, with no secret and no personal number in it."""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import IO

# what never goes into a log, whoever wrote the message: credentials of ours, bearer tokens, citizen numbers,
# passwords inside URLs, and the value of anything called password, secret or token
_HIDDEN = (
    (re.compile(r"tbs_[0-9a-f]{8,}"), "tbs_…"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]+"), r"\1 …"),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"), "eyJ…"),
    (re.compile(r"(?<![0-9A-Za-z])[1-9][0-9]{16}[0-9Xx](?![0-9A-Za-z])"), "[citizen number]"),
    (re.compile(r"(://[^/\s:@]+):[^/\s@]+@"), r"\1:…@"),
    (
        re.compile(r"""(?i)(["']?\b[\w-]*(?:password|secret|token)["']?\s*[:=]\s*)(["']?)[^\s"',}&]+\2"""),
        r"\1…",
    ),
)


def redact(text: str) -> str:
    """The text without anything secret or personal that has a form we know."""
    for pattern, shown in _HIDDEN:
        text = pattern.sub(shown, text)
    return text


class JsonLines(logging.Formatter):
    """One JSON object a record: at, level, logger, message, ``extra={"fields": {…}}``, error."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, redacted as a whole."""
        value: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            value["error"] = self.formatException(record.exc_info)
        # redacted value by value: afterwards the quotes of the JSON itself would be in the way
        return json.dumps({key: _clean(item) for key, item in value.items()}, ensure_ascii=False, default=str)


def install(level: int = logging.INFO, stream: IO[str] | None = None) -> logging.Handler:
    """Log to ``stream`` (stderr) as JSON lines. Gives the handler, so that a test can take it away again."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger("exchange")
    root.addHandler(handler)
    root.setLevel(level)
    root.propagate = False
    return handler


def _clean(value: object) -> object:
    return redact(value) if isinstance(value, str) else value
