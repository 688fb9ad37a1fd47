"""`tongban mock check`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mockdata.cli.asking import Json, Spec, interface_of
from mockdata.cli.output import NEGATIVE, faults, print_json

if TYPE_CHECKING:
    from mockdata.quality.quality import QualityResult
    from specs.model import Interface, Table


def check(
    spec: Spec,
    file: Annotated[Path, typer.Argument(help="Parquet, CSV, JSON Lines, Arrow or DuckDB file, or a folder of parts.")],
    table: Annotated[str | None, typer.Option(help="Which table the file holds.")] = None,
    html: Annotated[bool, typer.Option("--html", help="Write the Data Docs page too.")] = False,
    as_json: Json = False,
) -> None:
    """Judge a dataset by its interface; writes FILE.quality.json beside it.

    Example: tongban mock check police.resident-register data/residents.parquet --html
    """
    with faults():
        from mockdata.tables.relations import table_of

        interface = interface_of(spec)
        results = judged([(file, interface, table_of(interface, table))], html)
        if as_json:
            print_json([result.to_json() for result in results])
        else:
            tell(results)
        if not all(result.success for result in results):
            raise typer.Exit(NEGATIVE)


def judged(datasets: list[tuple[Path, Interface, Table]], html: bool = False) -> tuple[QualityResult, ...]:
    from rich.console import Console

    from mockdata.quality.quality import check_all

    console = Console(stderr=True)
    if not console.is_terminal:
        return check_all(datasets, html=html)
    with console.status("Great Expectations is judging the files") as status:
        return check_all(datasets, html=html, tell=status.update)


def tell(results: tuple[QualityResult, ...]) -> None:
    for result in results:
        verdict = "passes" if result.success else "FAILS"
        typer.echo(f"{result.file}  {verdict}  {len(result.outcomes)} expectations  {result.rows:,} rows")
        for outcome in result.failed:
            count = f"{outcome.unexpected:,} rows" if outcome.unexpected is not None else f"found {outcome.observed}"
            shown = f"  like {', '.join(repr(value) for value in outcome.examples[:3])}" if outcome.examples else ""
            typer.echo(f"  {outcome.severity}: {outcome.column or 'table'}: {outcome.rule}: {count}{shown}")
        for missing in result.unchecked:
            typer.echo(f"  not checked: {missing['column']}: {missing['rule']}: {missing['reason']}")
