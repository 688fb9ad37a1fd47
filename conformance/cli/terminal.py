"""What the commands share at the terminal: progress and failures as they come, a report in colours, files, mistakes."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

if TYPE_CHECKING:
    from conformance.case import Case, CaseRun, Requirement
    from conformance.grade import Grade
    from conformance.report import Report

NOT_PASSED, USAGE, BAD_INPUT, ENVIRONMENT = 1, 2, 3, 4
COLOURS = {"PASS": "green", "FAIL": "red", "WARN": "yellow", "INCONCLUSIVE": "blue", "ERROR": "magenta"}


class Live:
    """A bar with counts on stderr when a person looks, and what is wrong above it as soon as it is known."""

    def __init__(self, quiet: bool = False) -> None:
        self._counts: Counter[str] = Counter()
        self._bar: Any = None
        self._task: Any = None
        self._quiet = quiet or not sys.stderr.isatty()

    def __enter__(self) -> Live:
        if not self._quiet:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

            columns = (
                TextColumn("testing"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("{task.fields[counts]}"),
                TextColumn("{task.description}"),
            )
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self._bar.start()
            self._task = self._bar.add_task("", total=None, counts="")
        return self

    def progress(self, done: int, total: int, what: str) -> None:
        """How far the run is, and which case is being played."""
        if self._bar is not None:
            self._bar.update(self._task, completed=done, total=total, description=what, counts=self._told())

    def told(self, case: Case, seed: int, run: CaseRun) -> None:
        """A case has ended; a bad one is named at once."""
        from rich.markup import escape

        outcome = run.outcome.value
        self._counts[outcome] += 1
        if self._bar is not None and outcome != "PASS":
            said = run.problems[0].got.get("en", "") if run.problems else run.note.get("en", "")
            line = f"[{COLOURS[outcome]}]{outcome:<12}[/] {case.id} (seed {seed}) {escape(said[:160])}"
            self._bar.console.print(line, highlight=False)

    def _told(self) -> str:
        return " ".join(f"[{COLOURS[name]}]{count} {name}[/]" for name, count in self._counts.items())

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()


def show(report: Report, verdict: Grade | None) -> None:
    """A report on stdout: every case in one line, under a bad one what to act on, the grade last."""
    from rich.console import Console
    from rich.markup import escape

    console = Console(soft_wrap=True, highlight=False)
    laws = {requirement.id: requirement for requirement in report.requirements}
    for case in report.cases:
        outcome = case.outcome.value
        flaky = " [yellow](the seeds disagree: flaky)[/]" if case.flaky else ""
        console.print(f"[{COLOURS[outcome]}]{outcome:<12}[/] {case.case.id:<34} {escape(case.case.title['en'])}{flaky}")
        if outcome == "PASS":
            continue
        for number, run in enumerate(case.runs, start=1):
            _told(console, number, run, laws)
        console.print(f"    [dim]again: {escape(case.reproduce)}[/]")
    counts = "  ".join(f"{count} {name}" for name, count in report.counts().items() if count)
    console.print(f"\n{counts}   {report.requests} requests")
    if verdict is not None:
        colour = "green" if verdict.listable else "red"
        console.print(f"[bold {colour}]grade {verdict.letter}[/]  score {verdict.score:.3f}  {verdict.policy}")
        for reason in verdict.reasons:
            console.print(f"  {escape(reason['en'])}")


def _told(console: Any, number: int, run: CaseRun, laws: dict[str, Requirement]) -> None:
    from rich.markup import escape

    for problem in run.problems:
        law = "; ".join(dict.fromkeys(laws[r].law["en"] for r in problem.requirements if r in laws))
        seen = f" in {problem.seen_in}" if problem.seen_in else ""
        console.print(f"    seed {number}{seen}: expected {escape(problem.expected['en'])}")
        console.print(f"            got {escape(problem.got['en'])}")
        console.print(f"            [dim]{', '.join(problem.requirements)}: {escape(law)}[/]")
    if run.note:
        console.print(f"    seed {number}: {escape(run.note['en'])}")
    for turn in run.turns[:1] if run.problems else ():
        console.print(f"    [dim]{escape(turn.curl)}[/]")


def document(path: Path, what: str) -> dict[str, Any]:
    """The JSON object in a file; ends the command when there is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        stop(f"{path}: {error.strerror}", BAD_INPUT)
    except (ValueError, RecursionError) as error:
        stop(f"{path}: no {what} ({error})", BAD_INPUT)
    if not isinstance(found, dict):
        stop(f"{path}: no {what} (it holds no JSON object)", BAD_INPUT)
    return found


def report_in(path: Path) -> Report:
    """The report in a file; ends the command when there is none."""
    from conformance.report import ReportError, from_json

    try:
        return from_json(document(path, "report"))
    except ReportError as error:
        stop(f"{path}: {error}", BAD_INPUT, hint="a report is written by: tongban conform run --report FILE")


def writable(target: Path | None) -> None:
    """Said before the run, not after it."""
    if target is not None and not (target.parent.is_dir() and os.access(target.parent, os.W_OK)):
        stop(f"{target}: the folder does not exist or cannot be written", ENVIRONMENT)


def write(target: Path | None, content: Callable[[], str]) -> None:
    """Write a file whole or not at all."""
    if target is None:
        return
    text = content()
    try:
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".tmp")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, target)
    except OSError as error:
        stop(f"{target}: {error.strerror}", ENVIRONMENT)
    say(f"wrote {target}")


def say(text: str) -> None:
    """One line on stderr."""
    print(text, file=sys.stderr)


def stop(message: str, code: int, hint: str = "") -> NoReturn:
    """End the command with one line and its exit code."""
    say(f"error: {message}" + (f" — {hint}" if hint else ""))
    raise typer.Exit(code)
