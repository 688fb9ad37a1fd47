"""`tongban spec lint` and `tongban spec rules`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from specs.cli.output import BAD_INPUT, FOUND, print_json
from specs.finding import Finding, Severity, SpecError


class Format(StrEnum):
    """How findings are printed."""

    TEXT = "text"
    JSON = "json"


class PageFormat(StrEnum):
    """How the rules are printed."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


class FailOn(StrEnum):
    """From which severity on `lint` fails."""

    ERROR = "error"
    WARNING = "warning"
    NEVER = "never"


def lint(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="The documents.", show_default=False)],
    format: Annotated[Format, typer.Option(help="How to print the findings.")] = Format.TEXT,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    fail_on: Annotated[FailOn, typer.Option(help="Exit with 1 from this severity on.")] = FailOn.ERROR,
) -> None:
    """Check documents: each finding with file, line, column and JSON pointer."""
    from specs.lint import lint as check
    from specs.reading import read

    found: list[Finding] = []
    unreadable = False
    for file in files:
        try:
            found += check(read(file))
        except SpecError as error:
            unreadable = True
            found += error.findings
    if as_json or format is Format.JSON:
        print_json([finding.to_json() for finding in found])
    else:
        for finding in found:
            typer.echo(_line(finding))
    counts = {severity: sum(f.severity is severity for f in found) for severity in Severity}
    told = ", ".join(f"{count} {severity.value}(s)" for severity, count in counts.items() if count)
    typer.echo(f"{len(files)} document(s): {told or 'no findings'}", err=True)
    if unreadable:
        raise typer.Exit(BAD_INPUT)
    if fail_on is not FailOn.NEVER and any(f.severity.rank <= Severity(fail_on).rank for f in found):
        raise typer.Exit(FOUND)


def rules(
    id: Annotated[str | None, typer.Argument(help="Only this rule, with its examples.")] = None,
    format: Annotated[PageFormat, typer.Option(help="How to print the rules.")] = PageFormat.TEXT,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """List the rules with severity and reason; with an id, one rule with a bad and a good example."""
    from specs.rules import rules as every
    from specs.rules.page import markdown

    known = every()
    if id is not None and id not in known:
        import difflib

        near = difflib.get_close_matches(id, known, n=3)
        typer.echo(
            f"error: no rule {id!r} — {'near: ' + ', '.join(near) if near else 'see tongban spec rules'}", err=True
        )
        raise typer.Exit(2)
    chosen = list(known.values()) if id is None else [known[id]]
    if as_json or format is PageFormat.JSON:
        print_json(
            [
                {"id": r.id, "severity": r.severity.value, "reason": r.reason, "bad": r.bad, "good": r.good}
                for r in chosen
            ]
        )
    elif format is PageFormat.MARKDOWN:
        typer.echo(markdown(), nl=False)
    else:
        for rule in chosen:
            typer.echo(f"{rule.severity.value:8} {rule.id}: {rule.reason}")
            if id is not None:
                typer.echo(f"\nbad:\n{rule.bad.strip()}\n\ngood:\n{rule.good.strip()}")


def _line(finding: Finding) -> str:
    """`file:line:column severity rule pointer message — hint`: what editors turn into a link."""
    place = ":".join(str(part) for part in (finding.file, finding.line, finding.column) if part is not None)
    message = " ".join(f"{finding.pointer} {finding.message}".split())
    hint = f" — {' '.join(finding.hint.split())}" if finding.hint else ""
    return f"{place} {finding.severity.value} {finding.rule} {message}{hint}"
