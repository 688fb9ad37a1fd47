"""`tongban spec diff`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from specs.cli.output import BAD_INPUT, FOUND, print_json

if TYPE_CHECKING:
    from specs.diff import Change


class DiffFormat(StrEnum):
    """How changes are printed."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"
    GITHUB = "github"


class Breaks(StrEnum):
    """From which level on `diff` fails."""

    BREAKING = "breaking"
    UNKNOWN = "unknown"
    NEVER = "never"


def diff(
    old: Annotated[Path, typer.Argument(help="The version subscribers know.", show_default=False)],
    new: Annotated[Path, typer.Argument(help="The version that is to follow.", show_default=False)],
    format: Annotated[DiffFormat, typer.Option(help="How to print the changes.")] = DiffFormat.TEXT,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    fail_on: Annotated[Breaks, typer.Option(help="Exit with 1 from this level on.")] = Breaks.BREAKING,
    quiet: Annotated[bool, typer.Option(help="Leave out what is compatible.")] = False,
) -> None:
    """Compare two versions of a document: every change, whom it breaks, and the version number it needs."""
    from specs.diff import Level
    from specs.diff import diff as compare
    from specs.finding import SpecError
    from specs.reading import read
    from specs.versions import misfit, needed

    try:
        before, after = read(old), read(new)
        changes = compare(before, after)
    except (SpecError, ValueError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(BAD_INPUT) from None
    problem = misfit(before.version, after.version, changes)
    shown = [change for change in changes if not quiet or change.level is not Level.COMPATIBLE]
    if as_json or format is DiffFormat.JSON:
        print_json(
            {
                "old": {"file": old.name, "version": before.version, "digest": before.digest},
                "new": {"file": new.name, "version": after.version, "digest": after.digest},
                "needed": needed(changes).value,
                "misfit": problem,
                "changes": [change.to_json() for change in shown],
            }
        )
    else:
        writer = {DiffFormat.TEXT: _text, DiffFormat.MARKDOWN: _markdown, DiffFormat.GITHUB: _github}[format]
        for line in writer(shown, new):
            typer.echo(line)
    counts = {level: sum(change.level is level for change in changes) for level in Level}
    told = ", ".join(f"{count} {level.value}" for level, count in counts.items() if count) or "no changes"
    typer.echo(f"{told}; needs a {needed(changes)} step" if changes else told, err=True)
    if problem and changes:
        typer.echo(f"version: {problem}", err=True)
    failing = {Breaks.BREAKING: 0, Breaks.UNKNOWN: 1, Breaks.NEVER: -1}[fail_on]
    if any(change.level.rank <= failing for change in changes):
        raise typer.Exit(FOUND)


def _text(changes: list[Change], new: Path) -> list[str]:
    lines = []
    for change in changes:
        where = f" [{', '.join(change.operations[:3])}{'…' if len(change.operations) > 3 else ''}]"
        lines.append(f"{change}{where if change.operations else ''} ({change.side})")
    return lines


def _markdown(changes: list[Change], new: Path) -> list[str]:
    rows = ["| level | check | where | what | concerns |", "|---|---|---|---|---|"]
    for change in changes:
        cells = (
            change.level.value,
            change.check,
            change.new or change.old or "",
            change.message,
            ", ".join(change.operations) or change.side.value,
        )
        rows.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
    return rows


def _github(changes: list[Change], new: Path) -> list[str]:
    """Annotations of a GitHub workflow, at the file of the new version."""
    names = {"breaking": "error", "unknown": "warning", "compatible": "notice"}
    lines = []
    for change in changes:
        said = f"{change.check} {change.new or change.old or ''} {change.message}"
        escaped = said.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
        lines.append(f"::{names[change.level.value]} file={new},title={change.check}::{escaped}")
    return lines
