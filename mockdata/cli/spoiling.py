"""What `--defects` adds to a dataset: plans that spoil, a ledger beside each file, and a word about both."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from mockdata.cli.output import BAD_INPUT, USAGE, end

if TYPE_CHECKING:
    from mockdata.defects import Defects
    from mockdata.defects.ledger import Ledger
    from mockdata.tables.plan import Plan
    from mockdata.tables.write import Manifest
    from specs.model import Interface, Table


def defects_of(given: str) -> Defects:
    from mockdata.defects import DefectsError, read_defects

    try:
        return read_defects(given)
    except DefectsError as error:
        end(USAGE, str(error), error.hint)


def enough(made: Plan, rows: int) -> None:
    """Nothing when the register has the records that the scenario wants for so many rows."""
    import numpy as np

    from mockdata.tables.chosen import PATTERN, TooFew
    from mockdata.tables.records import places

    try:
        if made.world.scenarios and rows:
            places(made, np.arange(max(0, rows - PATTERN), rows))
    except TooFew as error:
        end(BAD_INPUT, str(error), "ask for fewer rows or a larger population")


def note(made: Plan, interface: Interface, table: Table, rows: int, target: Path) -> Ledger | None:
    """The ledgers of a spoiled dataset, written before the data: no spoiled file lies about without one."""
    from mockdata.defects import Spoiler, conflicts
    from mockdata.defects.ledger import beside_data, write_ledger

    if conflicts.conflicted(made):
        path, count = conflicts.write_conflicts(made, table, rows, target)
        typer.echo(f"{path}  {count:,} values this department has against the others", err=True)
    else:
        conflicts.beside_data(target).unlink(missing_ok=True)
    if isinstance(made.finish, Spoiler):
        return write_ledger(made.finish, interface, table, rows, target)
    beside_data(target).unlink(missing_ok=True)  # that of an older dataset of this name
    return None


def noted(manifest: Manifest, ledger: Ledger | None, target: Path) -> dict[str, Any]:
    """The manifest with the ledger in it, saved again."""
    from mockdata.tables.write import beside, save

    told = manifest.to_json()
    if ledger is not None:
        told["ledger"] = ledger.to_json()
        save(beside(target, "manifest"), told)
    return told


def tell_ledger(ledger: Ledger, target: Path) -> None:
    kinds = ", ".join(f"{kind} {count:,}" for kind, count in ledger.kinds.items()) or "none"
    typer.echo(f"{target.with_name(ledger.file)}  {ledger.rows:,} defects: {kinds}")
    if ledger.invisible:
        hidden = ", ".join(f"{kind} {count:,}" for kind, count in ledger.invisible.items())
        typer.echo(f"  not visible to the expectation suite: {hidden}")
