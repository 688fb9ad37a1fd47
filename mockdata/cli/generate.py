"""`tongban mock generate`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from mockdata.cli.asking import (
    PEOPLE,
    TODAY,
    AsOf,
    Identifiers,
    Json,
    Mode,
    Scenario,
    Seed,
    Size,
    Spec,
    interface_of,
    known_to,
    population_of,
)
from mockdata.cli.check import judged, tell
from mockdata.cli.loading import load_into
from mockdata.cli.output import NEGATIVE, USAGE, end, faults, print_json, progress
from mockdata.cli.searching import absent, searched
from mockdata.cli.spoiling import defects_of, enough, note, noted, tell_ledger

PART_ROWS = 1_048_576


class Format(StrEnum):
    """Formats of a dataset."""

    PARQUET = "parquet"
    CSV = "csv"
    JSONL = "jsonl"
    ARROW = "arrow"
    XLSX = "xlsx"
    DUCKDB = "duckdb"


class Encoding(StrEnum):
    """Encodings of CSV."""

    UTF_8 = "utf-8"
    UTF_8_BOM = "utf-8-bom"
    GB18030 = "gb18030"


def generate(
    spec: Spec,
    table: Annotated[str | None, typer.Option(help="Which table; all tables of a dataset without it.")] = None,
    rows: Annotated[int, typer.Option(min=0, help="Rows of each table.")] = 1000,
    seed: Seed = "1",
    format: Annotated[Format, typer.Option(help="File format.")] = Format.PARQUET,
    encoding: Annotated[Encoding, typer.Option(help="Encoding of CSV; Excel asks for a byte order mark.")] = (
        Encoding.UTF_8
    ),
    partition_by: Annotated[
        str | None, typer.Option(metavar="COLUMN[,COLUMN]", help="A folder for each value: COLUMN=VALUE/part-….")
    ] = None,
    part_rows: Annotated[
        int, typer.Option(min=1, help="Rows of one file; more rows make a folder of such.", show_default="1,048,576")
    ] = PART_ROWS,
    out: Annotated[Path, typer.Option(help="Folder to write into; made when missing.")] = Path(),
    into: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Fill a database instead: sqlite:///F, duckdb:///F, postgresql://U@H/D."),
    ] = None,
    table_name: Annotated[str | None, typer.Option(help="Name of the database table, SCHEMA.TABLE or TABLE.")] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1, max=61, help="Processes; the bytes are the same for any number.", show_default="one a processor"
        ),
    ] = None,
    dask: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Share the parts out over a Dask cluster: tcp://HOST:8786.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what is there already.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Judge the files by the interface (Great Expectations).")
    ] = False,
    defects: Annotated[
        str | None, typer.Option(help="Controlled dirt: a YAML file, or kind[.form][@COLUMN]=rate,… with a ledger.")
    ] = None,
    where: Annotated[
        str | None, typer.Option(help='Only records for which this holds (CEL), like "age >= 60"; of one table.')
    ] = None,
    population: Size = PEOPLE,
    as_of: AsOf = TODAY,
    identifiers: Mode = Identifiers.RESERVED,
    scenario: Scenario = None,
    as_json: Json = False,
) -> None:
    """Write synthetic rows of an interface's tables, each with a manifest beside it, or fill a database with them.

    A run of many parts that was stopped is continued by the same command.

    Example: tongban mock generate police.resident-register --rows 100000 --out data
    """
    with faults():
        from mockdata.tables.layout import Layout
        from mockdata.tables.plan import plan
        from mockdata.tables.relations import tables_of
        from mockdata.tables.scale import cores
        from mockdata.tables.write import write

        dirt = defects_of(defects) if defects is not None else None
        interface = interface_of(spec)
        tables = tables_of(interface, table)
        if where is not None and len(tables) > 1:
            names = ", ".join(one.name for one in tables)
            end(USAGE, "--where chooses records of one table", f"name it with --table: {names}")
        if check and (format == Format.XLSX or into is not None):
            what = "databases" if into is not None else "workbooks, whose cells have lost their types"
            end(USAGE, f"--check does not read {what}", "leave it out, or write parquet, csv, jsonl, arrow or duckdb")
        if table_name is not None and into is None:
            end(USAGE, "--table-name names a database table", "add --into, or leave it out")
        if dirt is not None and into is not None:
            end(USAGE, "--defects writes its ledger beside files", "write files, or leave --into out")
        world = population_of(seed, population, as_of, identifiers, scenario)
        if where is not None and any(pack.rows for pack in world.scenarios):
            end(USAGE, "--where and --scenario both choose records", "use one of them; conditions reach every record")
        known = known_to(interface)
        plans = [plan(interface, one, world, parent_rows=max(rows, 1), interfaces=known, where=where) for one in tables]
        if into is not None:
            searched(plans, rows, workers or cores())
            load_into(into, plans, tables, rows, table_name, force, as_json)
            return
        if dirt is not None:
            from mockdata.defects import spoiled

            plans = [
                spoiled(made, dirt, interface, one, format=format.value, rows=rows)
                for made, one in zip(plans, tables, strict=True)
            ]
        folders = tuple(partition_by.split(",")) if partition_by else ()
        layout = Layout(format.value, encoding.value, folders, part_rows)
        targets = [out / f"{made.interface}.{made.table}{layout.ending}" for made in plans]
        absent(targets, force)
        searched(plans, rows, workers or cores())
        for made in plans:
            made.allow(rows)
            layout.allow(made, rows)
            enough(made, rows)
        manifests = []
        for made, one, target in zip(plans, tables, targets, strict=True):
            ledger = note(made, interface, one, rows, target)
            began = time.perf_counter()
            with _executor(dask) as executor, progress(f"{made.interface} {made.table}", rows) as tick:
                manifest = write(
                    made, rows, target, layout.format, encoding=layout.encoding, partition_by=layout.partition_by,
                    table=one, force=force, workers=workers or cores(), executor=executor, progress=tick,
                    part_rows=part_rows,
                )  # fmt: skip
            seconds = time.perf_counter() - began
            manifests.append(noted(manifest, ledger, target))
            if not as_json:
                size = sum(file.bytes for file in manifest.files)
                rate = f"{rows / seconds:,.0f} rows/s" if rows else "no rows"
                typer.echo(f"{target}  {rows:,} rows  {size:,} bytes  {seconds:.1f} s  {rate}")
                if ledger is not None:
                    tell_ledger(ledger, target)
        results = judged(list(zip(targets, [interface] * len(tables), tables, strict=True))) if check else ()
        if as_json:
            for entry, result in zip(manifests, results, strict=False):
                entry["quality"] = result.to_json()
            print_json(manifests)
        else:
            tell(results)
        if not all(result.success for result in results):
            raise typer.Exit(NEGATIVE)


@contextmanager
def _executor(dask: str | None) -> Iterator[Executor | None]:
    if dask is None:
        yield None
        return
    from mockdata.tables.cluster import cluster

    with cluster(dask) as executor:
        yield executor
