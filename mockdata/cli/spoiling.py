"""What `--defects` adds to a dataset: plans that spoil, a ledger beside each file, and a word about both."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from mockdata.cli.output import USAGE, end

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


def note(made: Plan, interface: Interface, table: Table, rows: int, target: Path) -> Ledger | None:
    """The ledger of a spoiled dataset, written before the data: no spoiled file lies about without one."""
    from mockdata.defects import Spoiler
    from mockdata.defects.ledger import beside_data, write_ledger

    if isinstance(made.finish, Spoiler):
        return write_ledger(made.finish, interface, table, rows, target)
    beside_data(target).unlink(missing_ok=True)  # that of an older dataset of this name
    return None


def noted(manifest: Manifest, ledger: Ledger | None, target: Path) -> dict[str, Any]:
    """The manifest with the ledger in it, saved again."""
    from mockdata.tables.write import beside, save

    told = manifest.to_json()
    if ledger is not None:
        origin = dict(manifest.origin)
        origin["defects"] = {**origin["defects"], "ledger": ledger.to_json()}
        told["origin"] = origin
        save(beside(target, "manifest"), told)
    return told


def tell_ledger(ledger: Ledger, target: Path) -> None:
    kinds = ", ".join(f"{kind} {count:,}" for kind, count in ledger.kinds.items()) or "none"
    typer.echo(f"{target.with_name(ledger.file)}  {ledger.rows:,} defects: {kinds}")
    if ledger.invisible:
        hidden = ", ".join(f"{kind} {count:,}" for kind, count in ledger.invisible.items())
        typer.echo(f"  not visible to the expectation suite: {hidden}")
