"""What every importer finds, as values: columns, tables, keys; and the draft that is made of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from specs.binding import Binding
from specs.exporters.writing import yaml_text
from specs.finding import Finding


@dataclass
class Column:
    """A column as found. `name` is what the source calls it, `title` what people do; `logical` a logicalType of ODCS,
    "" when unknown; `key` its place in the primary key from 1; `open` what is still to decide about it."""

    name: str
    title: str = ""
    description: str = ""
    physical: str = ""
    logical: str = "string"
    options: dict[str, Any] = field(default_factory=dict)
    values: tuple[Any, ...] = ()
    pattern: str = ""
    required: bool = False
    unique: bool = False
    key: int = 0
    custom: dict[str, Any] = field(default_factory=dict)
    examples: tuple[Any, ...] = ()
    quality: list[dict[str, Any]] = field(default_factory=list)
    inner: tuple[Column, ...] = ()
    open: list[str] = field(default_factory=list)
    line: int | None = None
    pointer: str = ""
    code: str = ""
    bound: Binding | None = None
    """The name in the contract and the element, both given by `specs.importers.contracts`."""


@dataclass
class Relation:
    """A foreign key as found: `columns` of this table name `targets` of `table`, in the source's own names."""

    columns: tuple[str, ...]
    table: str
    targets: tuple[str, ...] = ()
    line: int | None = None


@dataclass
class Found:
    """A table as found."""

    name: str
    title: str = ""
    description: str = ""
    columns: list[Column] = field(default_factory=list)
    relations: list[Relation] = field(default_factory=list)
    quality: list[dict[str, Any]] = field(default_factory=list)
    custom: dict[str, Any] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)
    line: int | None = None
    pointer: str = ""
    code: str = ""


@dataclass(frozen=True)
class Draft:
    """A draft contract and what there is to say about it. `id` is the interface id."""

    id: str
    contract: Mapping[str, Any]
    findings: tuple[Finding, ...] = ()

    @property
    def text(self) -> str:
        """The contract as YAML."""
        return yaml_text(
            dict(self.contract), "Draft. Decide the open points (tongban spec lint names them), then remove them."
        )
