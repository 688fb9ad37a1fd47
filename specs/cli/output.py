"""What the commands share: exit codes, JSON on stdout, files that are whole or not there."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

import typer

FOUND, BAD_INPUT, NOT_WRITTEN = 1, 3, 4


def as_text(value: object) -> str:
    """JSON for programs, Chinese as it is."""
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def print_json(value: object) -> None:
    """Write JSON to stdout."""
    sys.stdout.write(as_text(value))


def folder(path: Path) -> None:
    """Make a folder if it is not there. Ends the command with a line when that cannot be done."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        typer.echo(f"error: {path} is no folder files can be written into: {error.strerror}", err=True)
        raise typer.Exit(NOT_WRITTEN) from None


def save(path: Path, content: str | bytes) -> None:
    """Write a file under a temporary name and rename it. Ends the command with a line when that cannot be done."""
    data = content.encode() if isinstance(content, str) else content
    partial = ""
    try:
        handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(partial).chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
        Path(partial).replace(path)
    except OSError as error:
        if partial:
            Path(partial).unlink(missing_ok=True)
        typer.echo(f"error: {path} cannot be written: {error.strerror} — choose another place", err=True)
        raise typer.Exit(NOT_WRITTEN) from None
