"""Which data element a column of a draft probably carries: what `specs.binding` infers and is worth proposing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from specs.binding import POSSIBLE, Binding, Surroundings, infer, surroundings
from specs.model import Field
from specs.words import words


def meaning(
    name: str, title: str, schema: dict[str, Any] | None = None, near: Surroundings | None = None
) -> Binding | None:
    """The element of a column called `name`, titled `title`, with values of `schema` (default: any string)."""
    shape = schema or {"type": "string"}
    field = Field(name, shape, title=words(title))
    found = infer(field, shape, near or surroundings((field,), ""))
    return found if found is not None and found.confidence >= POSSIBLE else None


def around(columns: Iterable[tuple[str, str]], table: str) -> Surroundings:
    """What columns (name, title) of one table have in common."""
    return surroundings([Field(name, {"type": "string"}, title=words(title)) for name, title in columns], table)
