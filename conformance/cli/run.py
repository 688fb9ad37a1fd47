"""`tongban conform run`."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from conformance.cli.terminal import ENVIRONMENT, NOT_PASSED, USAGE, Live, say, show, stop, writable, write

if TYPE_CHECKING:
    from conformance.grade import Grade
    from conformance.pacing import Rate
    from conformance.report import Report
    from conformance.suites.suite import Suite


def run(
    url: Annotated[str, typer.Option("--app", help="Base URL of the app under test.")],
    matter: Annotated[str, typer.Option(help="The matter whose suite is run.")] = "newborn",
    seed: Annotated[str | None, typer.Option(help="Practice seed; drawn at random and printed if absent.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="One seed, no fuzzing.")] = False,
    case: Annotated[
        list[str] | None, typer.Option("--case", help="Only this case and its control, on one seed (repeatable).")
    ] = None,
    rate: Annotated[str | None, typer.Option(help="Limit the app declares, for instance 100/m: kept to.")] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Run again when the app restarts or files change, failing cases first.")
    ] = False,
    watched: Annotated[
        list[Path] | None, typer.Option("--watched", help="File or folder to watch (repeatable).", show_default=".")
    ] = None,
    keep_gateway: Annotated[
        bool, typer.Option("--keep-gateway", help="Keep the departments up afterwards, so that curl lines work.")
    ] = False,
    restart_command: Annotated[
        str | None, typer.Option(help="Command that restarts the app; tried in the middle of a matter.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON on stdout.")] = False,
    report: Annotated[Path | None, typer.Option(help="Write the report as JSON, for replay and compare.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write the report as HTML (zh_CN and English).")] = None,
    junit: Annotated[Path | None, typer.Option(help="Write the report as JUnit XML.")] = None,
    sarif: Annotated[Path | None, typer.Option(help="Write the findings as SARIF 2.1.0.")] = None,
    sarif_location: Annotated[
        str, typer.Option(help="File of your repository at which SARIF shows findings.")
    ] = "app.openapi.yaml",
) -> None:
    """Run a suite against an app on practice data and grade it.

    Example: tongban conform run --app http://127.0.0.1:9001 --matter newborn --html report.html

    Example: tongban conform run --app http://127.0.0.1:9001 --seed s7 --junit junit.xml --sarif findings.sarif

    Example: tongban conform run --app http://127.0.0.1:9001 --watch --watched src
    """
    from conformance import suites
    from conformance.cli.restarting import restarting
    from conformance.pacing import Rate
    from conformance.transport import base_url

    try:
        suite = suites.load(matter)
        base_url(url)
    except suites.UnknownSuite as error:
        stop(str(error), USAGE, hint=f"suites: {', '.join(suites.names())}")
    except ValueError as error:
        stop(str(error), USAGE, hint="for instance --app http://127.0.0.1:9001")
    try:
        pace = Rate.parse(rate) if rate else None
        restart = restarting(restart_command)
    except ValueError as error:
        stop(str(error), USAGE)
    for target in (report, html, junit, sarif):
        writable(target)
    first = seed or secrets.token_hex(8)
    if "," in first:
        stop("a seed holds no comma", USAGE)
    if watch and (keep_gateway or as_json):
        stop("--watch goes with neither --keep-gateway nor --json", USAGE, hint="--report writes every run to a file")
    say(f"practice seed {first}: repeat with --seed {first}")
    trial = _Trial(suite, url, first, pace, quick, restart, _Files(report, html, junit, sarif, sarif_location))
    if watch:
        _watch(trial, watched or [Path()], case or ())
    made, verdict = trial.run(case or (), keep=keep_gateway)
    if as_json:
        print(trial.text(made, verdict))
    elif not keep_gateway:
        show(made, verdict)
    passed = verdict.listable if verdict else not made.failing
    raise typer.Exit(0 if passed else NOT_PASSED)


@dataclass(frozen=True, slots=True)
class _Files:
    """Where a report is written, in each of its forms."""

    report: Path | None
    html: Path | None
    junit: Path | None
    sarif: Path | None
    location: str


@dataclass(frozen=True, slots=True)
class _Trial:
    """One app put to one suite as often as wanted, always on the same practice seed."""

    suite: Suite[Any]
    url: str
    seed: str
    rate: Rate | None
    quick: bool
    restart: Callable[[], None] | None
    files: _Files

    def run(self, only: Sequence[str] = (), *, keep: bool = False) -> tuple[Report, Grade | None]:
        """Run, grade (not single cases) and write the files; ends the command when the run could not be made."""
        from conformance.grade import grade, policy
        from conformance.plan import PlanError
        from conformance.run import RunError, second_seed
        from conformance.run import run as conduct

        def linger(report: Report, gateway: str) -> None:
            show(report, None)
            say(f"the departments stay up at {gateway}; press Ctrl-C to end")
            try:
                threading.Event().wait()
            except KeyboardInterrupt:
                say("")

        seeds = (self.seed,) if self.quick or only else (self.seed, second_seed(self.seed))
        try:
            with Live(quiet=keep) as live:
                made = conduct(
                    self.suite,
                    self.url,
                    seeds,
                    nonce=secrets.token_hex(16),
                    progress=live.progress,
                    told=live.told,
                    hidden=False,
                    quick=self.quick,
                    only=only,
                    rate=self.rate,
                    restart=self.restart,
                    linger=linger if keep else None,
                )
        except PlanError as error:
            stop(str(error), USAGE, hint=f"list them with: tongban conform cases --matter {self.suite.name}")
        except RunError as error:
            stop(str(error), ENVIRONMENT, hint="start the app first, then give its base URL with --app")
        verdict = None if only else grade(made, policy())
        self._write(made, verdict)
        return made, verdict

    def text(self, made: Report, verdict: Grade | None) -> str:
        """The report with its grade as JSON."""
        from conformance import grade
        from conformance.report import to_json

        told = to_json(made) | {"grade": None if verdict is None else grade.to_json(verdict)}
        return json.dumps(told, ensure_ascii=False, indent=1)

    def _write(self, made: Report, verdict: Grade | None) -> None:
        from conformance import render, sarif

        files = self.files
        write(files.report, lambda: self.text(made, verdict) + "\n")
        write(files.html, lambda: render.html(made, grade=verdict))
        write(files.junit, lambda: render.junit(made))
        write(
            files.sarif,
            lambda: json.dumps(sarif.sarif(made, files.location), ensure_ascii=False, indent=1) + "\n",
        )


def _watch(trial: _Trial, paths: Sequence[Path], wanted: Sequence[str]) -> None:
    """Run, wait for a change, run what failed; when that passes, everything again. Ctrl-C ends it."""
    from conformance.watching import change, stamps

    only, passed = tuple(wanted), False
    try:
        while True:
            before = stamps(paths)
            made, verdict = trial.run(only)
            show(made, verdict)
            passed = verdict.listable if verdict else not made.failing
            if only and not made.failing and not wanted:
                only = ()
                say("what failed passes now: the whole suite again")
                continue
            only = tuple(wanted) or made.failing
            say(f"waiting for a change ({len(only)} case(s) first)" if only else "waiting for a change")
            say(f"{change(trial.url, paths, before)}: again")
    except KeyboardInterrupt:
        raise typer.Exit(0 if passed else NOT_PASSED) from None
