"""``tongban ledger``: prove a bundle, export one, look into the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from exchange.ledger.service import Ledger

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Export, show and verify the ledger.")

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def verify(
    bundle: Annotated[Path, typer.Argument(help="A bundle made by: tongban ledger export")],
    vkey: Annotated[str, typer.Option(help="The ledger's published key; else the one in the bundle is used.")] = "",
    checkpoint: Annotated[Path | None, typer.Option(help="A checkpoint you kept earlier.")] = None,
    receipt: Annotated[list[Path] | None, typer.Option(help="A .tlog-proof to check as well.")] = None,
    json: Json = False,
) -> None:
    """Prove a bundle offline, or say which byte was changed. Exit code 1 when it is not proved.

    Example: tongban ledger verify ledger.bundle --vkey "$(cat published.vkey)"
    """
    from exchange.ledger import verify as verifier

    arguments = [str(bundle), *(["--json"] if json else []), *(["--vkey", vkey] if vkey else [])]
    arguments += ["--checkpoint", str(checkpoint)] if checkpoint else []
    for path in receipt or []:
        arguments += ["--receipt", str(path)]
    raise typer.Exit(verifier.main(arguments))


@app.command()
def export(
    target: Annotated[Path, typer.Argument(help="File to write.")] = Path("ledger.bundle"), json: Json = False
) -> None:
    """Write the whole ledger, up to a fresh checkpoint, as one file. Example: tongban ledger export ledger.bundle"""
    import json as encoder

    ledger = _ledger()
    checkpoint = ledger.export(target)
    if json:
        value = {"file": str(target), "entries": checkpoint.size, "root": checkpoint.root.hex(), "vkey": ledger.vkey}
        typer.echo(encoder.dumps(value))
    else:
        typer.echo(f"{checkpoint.size} entries, {target.stat().st_size} bytes in {target}")


@app.command()
def show(
    index: Annotated[int | None, typer.Argument(help="One entry; without it the newest ones.")] = None,
    kind: Annotated[str, typer.Option(help="Only this kind and what is below it, such as delivery.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 20,
    json: Json = False,
) -> None:
    """Print entries, newest first. Example: tongban ledger show --kind delivery --limit 5"""
    import json as encoder

    ledger = _ledger()
    if index is not None:
        found = [ledger.entry(index)]
    else:
        found = ledger.entries(limit=limit, kind=kind or None, newest_first=True)
    if json:
        typer.echo(encoder.dumps([entry.body for entry in found], ensure_ascii=False))
        return
    for entry in found:
        typer.echo(f"{entry.index:>8}  {entry.at}  {entry.kind:<28}  {entry.data.decode()}")


def _ledger() -> Ledger:
    """The ledger of the data folder and database in the environment, without starting the service."""
    from exchange.clock import system_clock
    from exchange.database import Database
    from exchange.errors import NotFound
    from exchange.keys import Keys
    from exchange.ledger.service import Ledger
    from exchange.settings import from_environment

    settings = from_environment()
    if not (settings.home / "keys" / "ledger.pem").exists():
        raise NotFound(f"there is no ledger in {settings.home}", hint="set TONGBAN_HOME to the service's data folder")
    keys = Keys(settings.home)
    database = Database(settings.url)
    database.check()
    return Ledger(database, keys.signing("ledger"), settings.origin, keys.secret("subjects"), system_clock)
