"""`tongban mock generate --into URL`: rows straight into a database."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import typer

from mockdata.cli.output import USAGE, end, print_json, progress

if TYPE_CHECKING:
    from mockdata.tables.plan import Plan
    from specs.model import Table


def load_into(
    url: str, plans: Sequence[Plan], tables: Sequence[Table], rows: int, name: str | None, force: bool, as_json: bool
) -> None:
    """Fill the tables in one transaction and say so; the URL's password is said nowhere."""
    from mockdata.tables.databases import Address, Load, definitions, load
    from mockdata.tables.generate import generate
    from mockdata.tables.layout import Layout
    from mockdata.tables.write import described

    if name is not None and len(plans) > 1:
        end(USAGE, f"--table-name names one table, and there are {len(plans)}", "choose one with --table")
    address = Address.of(url)
    made = definitions(plans, tables, rows, name)
    loads = [Load(one, partial(generate, plan, 0, rows)) for one, plan in zip(made, plans, strict=True)]
    for plan in plans:
        plan.allow(rows)
    began = time.perf_counter()
    with progress(address.shown, rows * len(plans)) as tick:
        load(address, loads, force=force, progress=tick)
    seconds = time.perf_counter() - began
    if as_json:
        told: list[dict[str, Any]] = []
        for plan, one in zip(plans, made, strict=True):
            manifest = described(plan, rows, Layout()).to_json()
            told.append({**manifest, "format": address.kind, "into": address.shown, "table_name": one.name})
        print_json(told)
        return
    for one in made:
        typer.echo(f"{one.name}  {rows:,} rows  into {address.shown}")
    rate = f"{rows * len(plans) / seconds:,.0f} rows/s" if rows else "no rows"
    typer.echo(f"{seconds:.1f} s  {rate}")
