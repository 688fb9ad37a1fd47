"""Every difference between two versions of an interface, and whom it breaks.

    for change in diff(specs.read(Path("v1.yaml")), specs.read(Path("v2.yaml"))):
        print(change.level, change.check, change.new, change.message)

What can be noticed stands in `specs.diff.checks`; docs/diff.md explains it.
"""

from __future__ import annotations

from specs.diff import operations, processes, tables
from specs.diff.change import Change, Level, Side
from specs.diff.report import Report
from specs.diff.schemas import Schemas
from specs.model import Interface, Kind

__all__ = ["Change", "Level", "Side", "diff"]


def diff(old: Interface, new: Interface) -> tuple[Change, ...]:
    """What changed from `old` to `new`, the gravest first; nothing when only the order of things differs.

    Raises ValueError when the two are of different kind.
    """
    if old.kind is not new.kind:
        raise ValueError(f"{old.document.name} is of kind {old.kind}, {new.document.name} of kind {new.kind}")
    if old.digest == new.digest and not old.documents and not new.documents:
        return ()
    report = Report(old, new)
    schemas = Schemas(report)
    compare = {Kind.API: operations.compare, Kind.DATASET: tables.compare, Kind.PROCESS: processes.compare}
    compare[old.kind](report, schemas)
    schemas.finish()
    _whole(report)
    return report.changes()


def _whole(report: Report) -> None:
    """What is said about the interface as a whole."""
    from specs.entry import entry

    old, new, node = report.old, report.new, report.root("")
    if (old.id, old.department) != (new.id, new.department):
        said = f"{old.department or '–'}: {old.id} became {new.department or '–'}: {new.id}"
        if old.department or new.department:  # an id made from a file's name is nobody's promise
            report.add(node, "identity-changed", Side.BOTH, said, "", "")
    if (old.title, old.description) != (new.title, new.description):
        report.add(node, "text-changed", Side.BOTH, "title or description changed", "/info", "/info")
    cut = [[found.pointer for found in one.findings if found.rule == "too-deep"] for one in (old, new)]
    if any(cut):
        said = "what is nested too deeply to be read was not compared"
        report.add(node, "not-compared", Side.BOTH, said, *(places[0] if places else None for places in cut))
    ours, theirs = entry(old), entry(new)
    if ours != theirs:
        places = (ours.pointer if ours else "", theirs.pointer if theirs else "")
        report.add(node, "catalogue-changed", Side.BOTH, "the catalogue entry changed", *places)
