"""What each column of a table is, as far as spoiling it goes, and which kinds of defect it can have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from mockdata.tables.columns import Reference
from mockdata.tables.plan import Plan
from specs import elements
from specs.model import Interface, Table

_LOWER, _UPPER = ("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")


@dataclass(frozen=True)
class Target:
    """One column. `attribute`: the fact it carries, `check`: the rule of its check character, `key`: part of the
    primary key, `foreign`: names a record of another table, `json_text`: holds JSON text.
    """

    name: str
    type: pa.DataType
    schema: Mapping[str, Any]
    attribute: str | None
    check: str | None
    key: bool
    foreign: bool
    reference: Reference | None
    json_text: bool

    @property
    def text(self) -> bool:
        """Whether it holds plain text."""
        return pa.types.is_string(self.type) and not self.json_text

    @property
    def number(self) -> bool:
        """Whether it holds numbers."""
        return bool(pa.types.is_integer(self.type) or pa.types.is_floating(self.type) or pa.types.is_decimal(self.type))

    @property
    def dated(self) -> bool:
        """Whether it holds days or moments."""
        return bool(pa.types.is_date(self.type) or pa.types.is_timestamp(self.type))

    @property
    def codes(self) -> tuple[Any, ...]:
        """Its code list, empty without one."""
        listed = self.schema.get("enum", [self.schema["const"]] if "const" in self.schema else [])
        return tuple(value for value in listed if value is not None)

    @property
    def bounds(self) -> tuple[Any, Any]:
        """(lowest, highest) value of numbers, None where there is no limit."""
        low = next((self.schema[word] for word in _LOWER if word in self.schema), None)
        high = next((self.schema[word] for word in _UPPER if word in self.schema), None)
        return low, high

    def why_not(self, kind: str) -> str | None:
        """Why a kind of defect cannot come to this column, None when it can."""
        match kind:
            case "late" if not self.dated:
                return "only dates and times can be late"
            case "malformed" if not self.text:
                return "only text can be malformed; `type` puts text where numbers or dates belong"
            case "code" if not self.codes or not (self.text or pa.types.is_integer(self.type)):
                return "it has no code list"
            case "range" if not self.number or self.bounds == (None, None):
                return "it has no range of numbers"
            case "unit" if not self.number or self.codes:
                return "only numbers have a unit"
            case "dangling" if self.reference is None and not (self.foreign and self.attribute == "citizen_number"):
                return "it is no foreign key whose parents are known"
            case "type" if not (self.number or self.dated or pa.types.is_boolean(self.type)):
                return "it is text already"
        return None

    def usual(self, kind: str) -> bool:
        """Whether a kind comes to this column unasked, by a rule that names no columns."""
        if self.why_not(kind) is not None:
            return False
        return not (kind == "missing" and self.key) and not (kind == "malformed" and self.codes)


def targets(plan: Plan, interface: Interface, table: Table) -> dict[str, Target]:
    """Every column of a plan, by name."""
    foreign = {name for key in table.foreign_keys for name in key.fields}
    found = {}
    for column in plan.columns:
        field = table.field(column.name)
        element = elements.find(field.element) if field.element else None
        inner = getattr(column.recipe, "inner", column.recipe)
        found[column.name] = Target(
            name=column.name, type=column.type, schema=dict(interface.resolve(field.schema)),
            attribute=element[1].attribute if element else None, check=element[1].check if element else None,
            key=column.name in table.primary_key, foreign=column.name in foreign,
            reference=inner if isinstance(inner, Reference) else None, json_text=column.text,
        )  # fmt: skip
    return found


def swaps(known: Mapping[str, Target]) -> tuple[tuple[str, str], ...]:
    """Pairs of columns that are easily taken for each other: the same fact of two persons, or two dates."""
    names = list(known)
    pairs = []
    used: set[str] = set()
    for at, one in enumerate(names):
        for other in names[at + 1 :]:
            first, second = known[one], known[other]
            alike = first.attribute == second.attribute if first.text else first.dated
            if first.type == second.type and alike and (first.attribute or first.dated) and not used & {one, other}:
                pairs.append((one, other))
                used |= {one, other}
    return tuple(pairs)
