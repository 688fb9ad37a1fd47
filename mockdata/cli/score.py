"""`tongban mock score`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mockdata.cli.asking import Json
from mockdata.cli.output import BAD_INPUT, end, faults, print_json


def score(
    ledger: Annotated[Path, typer.Argument(help="The defect ledger: FILE.defects.parquet.")],
    cleaned: Annotated[Path, typer.Argument(help="What a cleaning tool made of the dataset.")],
    data: Annotated[Path | None, typer.Option(help="The spoiled dataset, when it is not beside the ledger.")] = None,
    as_json: Json = False,
) -> None:
    """Score a cleaning tool: how many spoiled cells of each kind it repaired, and what it broke.

    Example: tongban mock score people.csv.defects.parquet cleaned.csv
    """
    with faults():
        from mockdata.defects.score import ScoreError
        from mockdata.defects.score import score as scored

        try:
            result = scored(ledger, cleaned, data)
        except ScoreError as error:
            end(BAD_INPUT, str(error), "give the ledger, the cleaned file and, with --data, the spoiled one")
        if as_json:
            print_json(result.to_json())
            return
        typer.echo(f"{'kind':<12}{'spoiled':>10}{'changed':>10}{'repaired':>10}{'precision':>11}{'recall':>9}")
        for kind in (*result.kinds, result.total):
            shares = ["–" if share is None else f"{share:.3f}" for share in (kind.precision, kind.recall)]
            numbers = f"{kind.spoiled:>10,}{kind.changed:>10,}{kind.repaired:>10,}"
            typer.echo(f"{kind.kind:<12}{numbers}{shares[0]:>11}{shares[1]:>9}")
        typer.echo(
            f"{result.false_alarms:,} right cells changed, {result.lost:,} records lost, matched by {result.matched_by}"
        )
