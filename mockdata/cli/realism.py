"""`tongban mock realism`."""

from __future__ import annotations

import errno
import os
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mockdata.cli.asking import PEOPLE, TODAY, AsOf, Identifiers, Json, Mode, Scenario, Seed, Size, population_of
from mockdata.cli.output import NEGATIVE, USAGE, end, faults, print_json, progress
from mockdata.cli.personas import Language

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mockdata.population.figures import Marginal

PAGE = Path("realism.html")


def realism(
    data: Annotated[
        Path | None,
        typer.Argument(help="Parquet, CSV or JSON Lines file, or a folder of parts; the population without it."),
    ] = None,
    spec: Annotated[str | None, typer.Option(metavar="INTERFACE|FILE", help="Whose table DATA holds.")] = None,
    table: Annotated[str | None, typer.Option(help="Which table DATA holds.")] = None,
    rows: Annotated[int, typer.Option(min=1, help="Persons to count, spread evenly over the population.")] = 1_000_000,
    seed: Seed = "1",
    population: Size = PEOPLE,
    as_of: AsOf = TODAY,
    identifiers: Mode = Identifiers.RESERVED,
    scenario: Scenario = None,
    out: Annotated[
        Path | None, typer.Option(help="The page to write; none with --json.", show_default=str(PAGE))
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what is there already.")] = False,
    language: Annotated[Language, typer.Option(help="Language of the page.")] = Language.CHINESE,
    as_json: Json = False,
) -> None:
    """Set a population's shares, or those of a dataset, beside published figures: a table here, plots on a page.

    Ends with 1 when a group the population is held to lies outside 2 % of its figure, and chance does not explain it.
    Datasets are only shown.

    Example: tongban mock realism --rows 1000000 --seed 7 --language en
    """
    with faults():
        from mockdata.tables.write import TargetExists

        if data is None and (spec is not None or table is not None):
            end(USAGE, "--spec and --table say what DATA holds", "name a file, or leave them out")
        if data is not None and spec is None:
            end(USAGE, f"{data} is a table of which interface?", "name it: --spec police.resident-register")
        target = out if out is not None or as_json else PAGE
        if target is not None and target.exists() and not force:
            raise TargetExists(target)
        if target is not None and not target.parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(target.parent))
        if data is not None and spec is not None:
            _of_dataset(data, spec, table, as_of, target, language, as_json)
            return
        from mockdata.realism import measure
        from mockdata.realism.page import page

        world = population_of(seed, population, as_of, identifiers, scenario)
        counted = min(rows, world.people.count)
        with progress("counting persons", counted) as tick:
            report = measure(world, rows, tick)
        if target is not None:
            _write(target, page(report, language.value))
        if as_json:
            print_json(report.to_json())
        else:
            _tell(report.marginals, language)
            _close(target, f"{report.rows:,} persons of {report.living:,}")
        if report.missed:
            raise typer.Exit(NEGATIVE)


def _of_dataset(
    data: Path, spec: str, table: str | None, as_of: str, target: Path | None, language: Language, as_json: bool
) -> None:
    from datetime import date

    from mockdata.cli.asking import interface_of
    from mockdata.realism.datapage import datapage, distinct, share
    from mockdata.realism.dataset import profile
    from mockdata.realism.words import word
    from mockdata.tables.relations import table_of

    try:
        day = date.fromisoformat(as_of)
    except ValueError:
        end(USAGE, f"--as-of {as_of!r} is no date", "write it as yyyy-MM-dd")
    interface = interface_of(spec)
    report = profile(data, interface, table_of(interface, table), day, language.value)
    if target is not None:
        _write(target, datapage(report, language.value))
    if as_json:
        print_json(report.to_json())
        return
    rows = [
        (column.name, column.type.split("(")[0].lower(), column.element or "", share(column.nulls, report.rows),
         distinct(column, language.value))
        for column in report.columns
    ]  # fmt: skip
    _print(("column", "type", "element", "nulls", "distinct"), (3, 4), rows, language)
    for key, names in (("missing", report.missing), ("foreign", report.foreign)):
        if names:
            typer.echo(f"{word(key, language.value)}: {', '.join(names)}")
    if report.marginals:
        _tell(report.marginals, language)
    _close(target, f"{report.rows:,} rows")


def _tell(marginals: Sequence[Marginal], language: Language) -> None:
    """One line a distribution, then every held group that is not within the tolerance."""
    from mockdata.realism.plots import signed, told
    from mockdata.realism.report import lines
    from mockdata.realism.words import distribution, word

    rows = [
        (distribution(one.distribution, language.value), str(one.held), str(len(one.groups) - one.held),
         signed(one.worst.relative), word(one.worst.verdict, language.value))
        for one in lines(marginals)
    ]  # fmt: skip
    _print(("distribution", "held groups", "shown groups", "worst", "verdict"), (1, 2, 3), rows, language)
    for one in marginals:
        if one.verdict in ("misses", "open"):
            name = distribution(one.distribution, language.value)
            typer.echo(f"{word(one.verdict, language.value)}: {name}: {told(one, language.value)}")


def _print(heads: Sequence[str], numbers: Sequence[int], rows: Sequence[Sequence[str]], language: Language) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    from mockdata.realism.words import word

    shown = Table(box=SIMPLE_HEAD, pad_edge=False)
    for at, head in enumerate(heads):
        shown.add_column(word(head, language.value), justify="right" if at in numbers else "left", overflow="fold")
    for row in rows:
        shown.add_row(*row)
    Console(highlight=False, markup=False).print(shown)


def _close(target: Path | None, counted: str) -> None:
    typer.echo(f"{target}  {counted}" if target is not None else counted)


def _write(target: Path, text: str) -> None:
    """A file, all of it or nothing."""
    hidden = target.with_name(f".{target.name}.{uuid.uuid4().hex}.unfinished")
    try:
        hidden.write_text(text, encoding="utf-8")
        os.replace(hidden, target)
    except BaseException:
        hidden.unlink(missing_ok=True)
        raise
