"""One digest for a whole plan: whether two runs would make the same bytes is whether their digests agree."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mockdata.tables.plan import Plan

_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def digest(plan: Plan) -> str:
    """SHA-256 over origin, columns with their recipes, and the plans of the parents."""
    found = hashlib.sha256()
    for piece in _pieces((plan.origin, plan.made, dict(plan.parents))):
        found.update(piece.encode("utf-8", "surrogatepass"))
        found.update(b"\0")
    return found.hexdigest()


def _pieces(value: Any) -> Iterator[str]:
    """The value spelled out; dataclasses by their fields, also by those they do not show."""
    if is_dataclass(value) and not isinstance(value, type):
        yield type(value).__name__
        for field in fields(value):
            yield field.name
            yield from _pieces(getattr(value, field.name))
    elif isinstance(value, Mapping):
        for name in sorted(value, key=str):
            yield str(name)
            yield from _pieces(value[name])
    elif isinstance(value, frozenset | set):
        yield from sorted(map(repr, value))
    elif isinstance(value, list | tuple):
        yield f"[{len(value)}"
        for part in value:
            yield from _pieces(part)
    else:
        yield _ADDRESS.sub("", repr(value))
