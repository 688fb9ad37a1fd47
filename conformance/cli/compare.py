"""`tongban conform compare`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from conformance.cli.terminal import NOT_PASSED, USAGE, report_in, stop

HEADINGS = (
    ("broken", "red", "broken"),
    ("fixed", "green", "fixed"),
    ("still", "yellow", "still wrong"),
    ("flaky", "yellow", "flaky"),
    ("undecided", "blue", "undecided now"),
    ("added", "blue", "only in the later run"),
    ("gone", "blue", "only in the earlier run"),
    ("slower", "yellow", "slower"),
)


def compare(
    before: Annotated[Path, typer.Argument(help="Report (JSON) of the earlier run.")],
    after: Annotated[Path, typer.Argument(help="Report (JSON) of the later run.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare two runs: what was fixed, what broke, what wavers, what became slower. Exits 1 when something broke.

    Example: tongban conform compare main.json change.json
    """
    from rich.console import Console

    from conformance.comparison import compare as judge

    earlier, later = report_in(before), report_in(after)
    try:
        found = judge(earlier, later)
    except ValueError as error:
        stop(str(error), USAGE)
    if as_json:
        print(json.dumps(found.to_json(), ensure_ascii=False, indent=1))
        raise typer.Exit(NOT_PASSED if found.broken else 0)
    console = Console(soft_wrap=True, highlight=False)
    for name, colour, heading in HEADINGS:
        changes = getattr(found, name)
        if changes:
            console.print(f"[bold {colour}]{heading}[/] ({len(changes)})")
        for change in changes:
            times = f"   {change.milliseconds[0]:.0f} → {change.milliseconds[1]:.0f} ms" if name == "slower" else ""
            console.print(f"  {change.case:<34} {change.before or '–'} → {change.after or '–'}{times}")
    total = [sum(case.milliseconds for case in report.cases) / 1000 for report in (earlier, later)]
    console.print(f"the app's own time: {total[0]:.1f} s → {total[1]:.1f} s")
    if not found.same_documents:
        console.print("the two runs rest on different documents (suite, interfaces or runner)")
    if not found.same_seeds:
        console.print("the two runs had different data: run both with the same --seed to compare answers")
    raise typer.Exit(NOT_PASSED if found.broken else 0)
