"""`tongban spec show`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from specs.cli.output import BAD_INPUT, print_json
from specs.finding import SpecError
from specs.words import harmless


def show(
    file: Annotated[Path, typer.Argument(help="The document.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
    root: Annotated[Path | None, typer.Option(help="Folder that references may reach; default: its own.")] = None,
) -> None:
    """Describe a document: what it offers, with which parameters, fields, elements and sensitivity."""
    from specs.picture import picture
    from specs.reading import read
    from specs.summary import to_json

    try:
        interface = read(file, root=root)
    except SpecError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(BAD_INPUT) from None
    if as_json:
        print_json(to_json(interface))
    else:
        picture(interface)
    if interface.findings:
        problems = len(interface.findings)
        typer.echo(harmless(f"{problems} finding(s) while reading; see: tongban spec lint {file}"), err=True)
