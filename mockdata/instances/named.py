"""What instances made for tests are called by: the keyword and the place they are about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Spot:
    """A keyword at a place: the pointer to it through the schema (the keywordLocation of JSON Schema) and to the
    value it judges (`*` stands for a member nobody has named). `case` tells apart what one keyword can have several
    of: the missing member, `none` or `several` branches of `oneOf`, `just inside`, `leap day`.
    """

    keyword: str
    schema_pointer: str
    instance_pointer: str
    case: str = ""


@dataclass(frozen=True, slots=True)
class Broken:
    """A value, the one keyword it violates, where in the schema and where in the value, and what was done."""

    value: Any
    keyword: str
    schema_pointer: str
    instance_pointer: str
    told: str


@dataclass(frozen=True, slots=True)
class Boundary:
    """A valid value, the keyword whose limit it touches, where in the schema and where in the value, and how."""

    value: Any
    keyword: str
    schema_pointer: str
    instance_pointer: str
    told: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A spot for which there is no such value, and why."""

    spot: Spot
    reason: str
