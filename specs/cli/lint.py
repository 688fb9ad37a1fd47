"""`tongban spec lint`, `tongban spec rules` and `tongban spec rulesets`."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from specs.cli.output import BAD_INPUT, FOUND, as_text, print_json, save
from specs.finding import Finding, Severity, SpecError
from specs.words import harmless

if TYPE_CHECKING:
    from specs.baseline import Compared


class Format(StrEnum):
    """How findings are printed."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"


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
    ruleset: Annotated[str, typer.Option(help="A shipped rule set by name, or a file of your own.")] = "recommended",
    baseline: Annotated[Path | None, typer.Option(help="Known findings, which are left out.")] = None,
    write_baseline: Annotated[bool, typer.Option(help="Write what is found now to --baseline.")] = False,
    output: Annotated[Path | None, typer.Option(help="Write the findings to this file.")] = None,
    root: Annotated[Path | None, typer.Option(help="Folder that references may reach; default: its own.")] = None,
) -> None:
    """Check documents: each finding with file, line, column and JSON pointer."""
    from specs import baseline as known
    from specs.lint import lint as check
    from specs.reading import read
    from specs.rulesets import load

    if write_baseline and baseline is None:
        typer.echo("error: --write-baseline needs a file — add --baseline FILE", err=True)
        raise typer.Exit(2)
    try:
        chosen = load(ruleset)
        old = known.read(baseline) if baseline is not None and not write_baseline else known.Baseline()
    except SpecError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None
    found: list[Finding] = []
    unreadable = False
    for file in files:
        try:
            found += check(read(file, root=root), ruleset=chosen)
        except SpecError as error:
            unreadable = True
            found += error.findings
    if write_baseline and baseline is not None:
        save(baseline, known.text(known.baseline(found)))
        typer.echo(f"{len(found)} finding(s) written to {baseline}", err=True)
        return
    compared = old.compare(found)
    shown = _shown(compared.fresh, Format.JSON if as_json else format)
    if output is not None:
        save(output, shown)
    else:
        typer.echo(shown, nl=False)
    _tell(len(files), compared)
    if unreadable:
        raise typer.Exit(BAD_INPUT)
    if fail_on is not FailOn.NEVER and any(f.severity.rank <= Severity(fail_on).rank for f in compared.fresh):
        raise typer.Exit(FOUND)


def _shown(findings: Sequence[Finding], format: Format) -> str:
    from specs.sarif import annotation, sarif

    if format is Format.JSON:
        return as_text([finding.to_json() for finding in findings])
    if format is Format.SARIF:
        return as_text(sarif(findings))
    lines = map(annotation if format is Format.GITHUB else _line, findings)
    return "".join(f"{line}\n" for line in lines)


def _tell(files: int, compared: Compared) -> None:
    counts = {severity: sum(f.severity is severity for f in compared.fresh) for severity in Severity}
    told = ", ".join(f"{count} {severity.value}(s)" for severity, count in counts.items() if count)
    known = f"; {compared.known} known" if compared.known else ""
    typer.echo(f"{files} document(s): {told or 'no findings'}{known}", err=True)
    for what in compared.stale:
        typer.echo(f"no longer found, take it out of the baseline: {what}", err=True)


def rulesets(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the shipped rule sets: what each is for, and what it changes."""
    from specs.rulesets import load, shipped

    every = [load(name) for name in shipped()]
    if as_json:
        print_json(
            [
                {
                    "name": one.name,
                    "description": one.description,
                    "rules": {id: level.value if level else "off" for id, level in one.severities.items()},
                }
                for one in every
            ]
        )
    else:
        for one in every:
            typer.echo(f"{one.name:12} {one.description}")


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
    return harmless(f"{place} {finding.severity.value} {finding.rule} {message}{hint}")
