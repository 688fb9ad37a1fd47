"""`tongban mock lookup`."""

from __future__ import annotations

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
    population_of,
)
from mockdata.cli.output import NEGATIVE, end, faults, print_json


def lookup(
    spec: Spec,
    key: Annotated[str, typer.Option(help="Primary key of the record, or a citizen number.")],
    table: Annotated[str | None, typer.Option(help="Which table, when there are several.")] = None,
    seed: Seed = "1",
    population: Size = PEOPLE,
    as_of: AsOf = TODAY,
    identifiers: Mode = Identifiers.RESERVED,
    scenario: Scenario = None,
    as_json: Json = False,
) -> None:
    """Show one record by its key, exactly as datasets and sandboxes of the same seed have it.

    Example: tongban mock lookup police.resident-register --key 160101199811300304
    """
    with faults():
        from mockdata.tables.lookup import lookup as find

        record = find(interface_of(spec), key, population_of(seed, population, as_of, identifiers, scenario), table)
        if record is None:
            end(NEGATIVE, f"no record has the key {key!r}", "keys come from a dataset of the same seed and population")
        if as_json:
            print_json(record)
        else:
            for name, value in record.items():
                typer.echo(f"{name}\t{'' if value is None else value}")
