"""`tongban spec import`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from specs.cli.lint import FailOn
from specs.cli.output import BAD_INPUT, FOUND, folder, print_json, save
from specs.finding import Finding, Severity, SpecError

if TYPE_CHECKING:
    from specs.importers.draft import Draft


class From(StrEnum):
    """What a file holds."""

    AUTO = "auto"
    EXCEL = "excel"
    DDL = "ddl"
    CSV = "csv"
    PARQUET = "parquet"


class Dialect(StrEnum):
    """Whose SQL it is."""

    AUTO = "auto"
    MYSQL = "mysql"
    POSTGRES = "postgres"
    ORACLE = "oracle"
    DM = "dm"
    SQLSERVER = "sqlserver"


def import_(
    file: Annotated[
        Path, typer.Argument(help="The catalogue sheet, SQL script, CSV or Parquet file.", show_default=False)
    ],
    output: Annotated[Path, typer.Option(help="The folder drafts are written into.", show_default=False)],
    format: Annotated[From, typer.Option(help="What the file holds; auto: told by its bytes and name.")] = From.AUTO,
    department: Annotated[str | None, typer.Option(help="The id of the department that answers for the data.")] = None,
    name: Annotated[
        str | None, typer.Option(help="The last part of the interface id (default: the file's name).")
    ] = None,
    dialect: Annotated[Dialect, typer.Option(help="Whose SQL it is.")] = Dialect.AUTO,
    rows: Annotated[
        int | None, typer.Option(min=1, help="Look at so many first rows of a CSV or Parquet file.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over drafts that are there.")] = False,
    fail_on: Annotated[FailOn, typer.Option(help="Exit with 1 from this severity on.")] = FailOn.ERROR,
    as_json: Annotated[bool, typer.Option("--json", help="Print drafts and findings as JSON.")] = False,
) -> None:
    """Make draft data contracts from a file a department has.

    A resource catalogue sheet (Excel) gives one draft for each resource; an SQL script, CSV or Parquet file gives one.
    Findings say what could not be taken over and what a person has to decide; `tongban spec lint` finds the latter in
    the draft.
    """
    from specs.importers.reading import Source, drafts
    from specs.naming import slug

    for word, value in (("--department", department), ("--name", name)):
        if value is not None and slug(value) != value:
            typer.echo(
                f"error: {word} {value!r} — lower-case letters, digits and hyphens, as in civil-affairs", err=True
            )
            raise typer.Exit(2)
    try:
        made = drafts(
            file,
            None if format is From.AUTO else Source(format.value),
            department=department,
            name=name,
            dialect=None if dialect is Dialect.AUTO else dialect.value,
            rows=rows,
        )
        paths = _written(made, output, force)
    except SpecError as error:
        _say(list(error.findings), [], as_json)
        raise typer.Exit(BAD_INPUT) from None
    found = [finding for draft in made for finding in draft.findings]
    _say(found, [(draft.id, path) for draft, path in zip(made, paths, strict=True)], as_json)
    if fail_on is not FailOn.NEVER and any(one.severity.rank <= Severity(fail_on).rank for one in found):
        raise typer.Exit(FOUND)


def _written(made: tuple[Draft, ...], output: Path, force: bool) -> list[Path]:
    paths = [output / f"{draft.id}.odcs.yaml" for draft in made]
    there = [path for path in paths if path.exists()]
    if there and not force:
        typer.echo(f"error: {there[0]} is there already — take another --output, or --force", err=True)
        raise typer.Exit(2)
    folder(output)
    for draft, path in zip(made, paths, strict=True):
        save(path, draft.text)
    return paths


def _say(found: list[Finding], drafts: list[tuple[str, Path]], as_json: bool) -> None:
    if as_json:
        written = [{"id": id, "path": str(path)} for id, path in drafts]
        print_json({"drafts": written, "findings": [one.to_json() for one in found]})
        return
    for id, path in drafts:
        typer.echo(f"{path} {id}")
    for one in found:
        typer.echo(f"{one.severity.value} {one.rule} {one}", err=True)
    counts = {severity: sum(one.severity is severity for one in found) for severity in Severity}
    told = ", ".join(f"{count} {severity.value}(s)" for severity, count in counts.items() if count)
    typer.echo(f"{len(drafts)} draft(s): {told or 'nothing to decide'}", err=True)
