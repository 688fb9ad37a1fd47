"""``tongban ledger``: prove a bundle, export one, look into the ledger, keep it in order."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from exchange.ledger import upkeep_cli

if TYPE_CHECKING:
    from exchange.ledger.service import Ledger

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Export, show and verify the ledger.")

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def verify(
    bundle: Annotated[Path | None, typer.Argument(help="A bundle made by: tongban ledger export")] = None,
    vkey: Annotated[str, typer.Option(help="The ledger's published key; else the one in the bundle is used.")] = "",
    witness: Annotated[list[str] | None, typer.Option(help="Key of a witness that has to cosign.")] = None,
    quorum: Annotated[int | None, typer.Option(help="How many of the witnesses; without it all.")] = None,
    checkpoint: Annotated[Path | None, typer.Option(help="A checkpoint you or a witness kept.")] = None,
    receipt: Annotated[list[Path] | None, typer.Option(help="A .tlog-proof to check as well.")] = None,
    entry: Annotated[
        Path | None,
        typer.Option(help="Prove this entry, or what /api/v1/deliveries/ID says, by its receipt, without a bundle."),
    ] = None,
    body: Annotated[Path | None, typer.Option(help="With --entry: the answer that came, byte for byte.")] = None,
    json: Json = False,
) -> None:
    """Prove a bundle offline, or say which byte was changed. Exit code 1 when it is not proved.

    Example: tongban ledger verify ledger.bundle --vkey "$(cat published.vkey)"
    """
    from exchange.ledger import verify as verifier

    arguments = [*([str(bundle)] if bundle else []), *(["--json"] if json else [])]
    single = {"--vkey": vkey, "--quorum": quorum, "--checkpoint": checkpoint, "--entry": entry}
    single["--body"] = body
    for name, value in single.items():
        arguments += [] if value in (None, "") else [name, str(value)]
    for key in witness or []:
        arguments += ["--witness", key]
    for path in receipt or []:
        arguments += ["--receipt", str(path)]
    raise typer.Exit(verifier.main(arguments))


@app.command()
def export(
    target: Annotated[Path, typer.Argument(help="File to write.")] = Path("ledger.bundle"),
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
    json: Json = False,
) -> None:
    """Write the whole ledger, up to a fresh checkpoint, as one file. Example: tongban ledger export ledger.bundle"""
    import json as encoder

    ledger = _ledger()
    with _progress(quiet) as told:
        checkpoint = ledger.export(target, told)
    if json:
        value = {"file": str(target), "entries": checkpoint.size, "root": checkpoint.root.hex(), "vkey": ledger.vkey}
        typer.echo(encoder.dumps(value))
    else:
        typer.echo(f"{checkpoint.size} entries, {target.stat().st_size} bytes in {target}")


@app.command()
def show(
    index: Annotated[int | None, typer.Argument(help="One entry; without it the newest ones.")] = None,
    kind: Annotated[str, typer.Option(help="Only this kind and what is below it, such as delivery.")] = "",
    person: Annotated[
        bool, typer.Option("--person", help="Only entries about the citizen whose number is read from standard input.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 20,
    json: Json = False,
) -> None:
    """Print entries, newest first. Example: tongban ledger show --kind delivery --limit 5"""
    import json as encoder

    ledger = _ledger()
    if index is not None:
        found = [ledger.entry(index)]
    else:
        # never as an argument: those are seen by everybody on the machine, and kept by shells
        number = sys.stdin.readline().strip() if person else None
        found = ledger.entries(limit=limit, kind=kind or None, subject=number, newest_first=True)
    if json:
        typer.echo(encoder.dumps([entry.body for entry in found], ensure_ascii=False))
        return
    for entry in found:
        typer.echo(f"{entry.index:>8}  {entry.at}  {entry.kind:<28}  {entry.data.decode()}")


app.command(epilog='Example: tongban ledger erase 57 --reason "asked by the person"')(upkeep_cli.erase)
app.command("renew-keys", epilog="Example: tongban ledger renew-keys")(upkeep_cli.renew_keys)
app.command(epilog="Example: tongban ledger timestamps stamps")(upkeep_cli.timestamps)


@contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[int, int], Any]]:
    """A bar on standard error while the block runs; nothing when that is no terminal."""
    if quiet or not sys.stderr.isatty():
        yield lambda _done, _all: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("entries", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _ledger() -> Ledger:
    from exchange.ledger.opening import opened

    return opened()
