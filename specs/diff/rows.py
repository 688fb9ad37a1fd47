"""A JSON Schema on its own compared as a whole: what its table shows is only the fields of a row."""

from __future__ import annotations

from specs.diff.change import Side
from specs.diff.report import Node, Report
from specs.diff.schemas import Schemas
from specs.model import Interface
from specs.normalise import Dialect, Normaliser
from specs.schema import Schema
from specs.sources import Sources


def are(old: Interface, new: Interface) -> bool:
    """Whether both are such schemas."""
    return all(one.format.startswith("JSON Schema") for one in (old, new))


def compare(report: Report, schemas: Schemas, node: Node) -> None:
    """Note every difference between the values of both."""
    schemas.compare(node, _row(report.old), _row(report.new), Side.RESPONSE, ("", ""))


def _row(interface: Interface) -> Schema:
    """The schema at the root; its references name the definitions of the interface."""
    sources = Sources(interface.document)
    declared = str(sources.root.value.get("$schema", ""))
    return Normaliser(Dialect.CURRENT if not declared or "2020-12" in declared else Dialect.DRAFT).schema(sources.root)
