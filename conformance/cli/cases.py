"""`tongban conform cases`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from conformance.cli.terminal import USAGE, stop


def cases(
    matter: Annotated[str, typer.Option(help="The matter whose suite is listed.")] = "newborn",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the cases of a suite with the requirements they verify.

    Example: tongban conform cases --matter newborn
    """
    from conformance import suites

    try:
        suite = suites.load(matter)
    except suites.UnknownSuite as error:
        stop(str(error), USAGE, hint=f"suites: {', '.join(suites.names())}")
    laws = {requirement.id: requirement for requirement in suite.requirements}
    if as_json:
        rows = [
            {
                "case": case.id,
                "kind": case.kind.value,
                "title": dict(case.title),
                "requirements": [{"id": r, "law": dict(laws[r].law)} for r in case.requirements],
                "control": case.control,
            }
            for case in suite.cases
        ]
        print(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("case", "kind", "verifies", "title", box=None)
    for case in suite.cases:
        table.add_row(case.id, case.kind.value, ", ".join(case.requirements), case.title["en"])
    Console().print(table)
