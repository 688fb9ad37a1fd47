"""What the catalogue holds: interfaces, their immutable versions, and the endpoint a department answers under."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from exchange.errors import Unprocessable
from specs.model import Interface, Kind


class State(StrEnum):
    """Draft until published; superseded once a newer version is published. A superseded one stays readable."""

    DRAFT = "draft"
    PUBLISHED = "published"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class Version:
    """One document, for ever the same: ``digest`` is the SHA-256 of its bytes. ``findings`` is what lint said."""

    interface: str
    version: str
    digest: str
    filename: str
    state: State
    findings: tuple[Mapping[str, Any], ...]
    registered_at: str
    published_at: str | None


@dataclass(frozen=True, slots=True)
class Record:
    """An interface as it stands: its published version, else its newest draft. ``spec`` is read when asked for."""

    id: str
    kind: Kind
    department: str
    title: Mapping[str, str]
    state: State
    version: str
    digest: str
    endpoint: str | None
    load: Callable[[], Interface] = field(repr=False, compare=False)

    @property
    def spec(self) -> Interface:
        """The parsed document; kept by digest, so asking again costs nothing."""
        return self.load()


def check_ownership(interface: Interface) -> str:
    """The department that owns a document. Raises `Unprocessable` when it names none, or its id is another's."""
    if not interface.department:
        raise Unprocessable("the document does not name its department", hint="add x-department under info")
    if not interface.id.startswith(f"{interface.department}."):
        raise Unprocessable(
            f"the interface id {interface.id} does not begin with its department",
            hint=f"x-interface-id: {interface.department}.<name>",
        )
    if not interface.version:
        raise Unprocessable("the document has no version", hint="add info.version, for example 1.0.0")
    return interface.department


def search_text(interface: Interface) -> str:
    """Lower-case text a search looks through: id, titles and descriptions in both languages, operations, fields."""
    words = [interface.id, *interface.title.values(), *interface.description.values()]
    for operation in interface.operations:
        words += [operation.id, operation.path, *operation.summary.values()]
    for table in interface.tables:
        words += [table.name, *table.title.values()]
        for column in table.fields:
            words += [column.name, *column.title.values()]
    return "\n".join(word for word in words if word).lower()
