"""`tongban conform replay`."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from conformance.cli.terminal import ENVIRONMENT, NOT_PASSED, USAGE, Live, report_in, say, show, stop

if TYPE_CHECKING:
    from conformance.report import CaseReport


def replay(
    report: Annotated[Path, typer.Argument(help="Report (JSON) of an earlier run.")],
    case: Annotated[str, typer.Argument(help="The case to play again.")],
    url: Annotated[str, typer.Option("--app", help="Base URL of the app under test.")],
    rate: Annotated[str | None, typer.Option(help="Limit the app declares, for instance 100/m.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the new report as JSON on stdout.")] = False,
) -> None:
    """Play one case of a report again, with its positive control, on the same data when the report holds its seeds.

    Example: tongban conform replay report.json E3.divorced --app http://127.0.0.1:9001
    """
    from conformance import suites
    from conformance.pacing import Rate
    from conformance.plan import PlanError
    from conformance.report import to_json
    from conformance.run import RunError, run
    from conformance.transport import base_url

    earlier = report_in(report)
    names = [found.case.id for found in earlier.cases]
    if case not in names:
        stop(f"{report}: the run had no case {case}", USAGE, hint=f"it had: {', '.join(names)}")
    then = earlier.case(case)
    try:
        suite = suites.load(earlier.suite)
        base_url(url)
        pace = Rate.parse(rate) if rate else None
    except ValueError as error:
        stop(str(error), USAGE)
    if earlier.seeds is None:
        seeds: tuple[str, ...] = (secrets.token_hex(8),)
        say(f"the seeds of this run are hidden until its certificate ends: played on practice seed {seeds[0]} instead")
    else:
        wrong = tuple(
            seed for seed, run_ in zip(earlier.seeds, then.runs, strict=False) if run_.outcome.value != "PASS"
        )
        seeds = wrong or earlier.seeds[: len(then.runs)] or earlier.seeds
    if any(earlier.documents.get(name) != digest for name, digest in suite.documents.items()):
        say("the suite here is not the one of the report: expectations may differ")
    try:
        with Live() as live:
            made = run(
                suite,
                url,
                seeds,
                nonce=secrets.token_hex(16),
                hidden=False,
                only=[case],
                rate=pace,
                progress=live.progress,
                told=live.told,
            )
    except PlanError as error:
        stop(str(error), USAGE)
    except RunError as error:
        stop(str(error), ENVIRONMENT, hint="start the app first, then give its base URL with --app")
    now = made.case(case)
    if as_json:
        print(json.dumps(to_json(made), ensure_ascii=False, indent=1))
    else:
        show(made, None)
    say(f"{case}: {then.outcome.value} then, {now.outcome.value} now{_same(then, now, earlier.seeds is not None)}")
    raise typer.Exit(0 if now.outcome.value in ("PASS", "WARN") else NOT_PASSED)


def _same(then: CaseReport, now: CaseReport, same_data: bool) -> str:
    if not same_data or then.outcome is not now.outcome:
        return ""
    said, says = (sorted({p.got["en"] for p in case.problems()}) for case in (then, now))
    return ", with the same findings" if said == says else ", with other findings"
