"""`tongban conform`: run the suite against an app, list its cases, verify a certificate offline.

Exit codes: 0 passed · 1 not passed, or a certificate refused · 2 usage · 3 unreadable document or key ·
4 environment (app unreachable, output not writable).
"""

from __future__ import annotations

import json
import os
import secrets
import sys
import tempfile
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from conformance.arazzo.cli import flow

if TYPE_CHECKING:
    from conformance.grade import Grade
    from conformance.report import Report

app = typer.Typer(
    name="conform",
    help="Test a running app black box, on fresh synthetic data, and check certificates.",
    no_args_is_help=True,
    add_completion=False,
)

app.command()(flow)

NOT_PASSED, USAGE, BAD_INPUT, ENVIRONMENT = 1, 2, 3, 4


@app.command()
def run(
    url: Annotated[str, typer.Option("--app", help="Base URL of the app under test.")],
    matter: Annotated[str, typer.Option(help="The matter whose suite is run.")] = "newborn",
    seed: Annotated[str | None, typer.Option(help="Practice seed; drawn at random and printed if absent.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="One seed, no fuzzing.")] = False,
    case: Annotated[
        list[str] | None, typer.Option("--case", help="Only this case and its control, on one seed (repeatable).")
    ] = None,
    keep_gateway: Annotated[
        bool, typer.Option("--keep-gateway", help="Keep the departments up afterwards, so that curl lines work.")
    ] = False,
    restart_command: Annotated[
        str | None, typer.Option(help="Command that restarts the app; tried in the middle of a matter.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON on stdout.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write the report as HTML (zh_CN and English).")] = None,
    junit: Annotated[Path | None, typer.Option(help="Write the report as JUnit XML.")] = None,
) -> None:
    """Run a suite against an app on practice data and grade it.

    Example: tongban conform run --app http://127.0.0.1:9001 --matter newborn --html report.html
    """
    from conformance import suites
    from conformance.grade import grade, policy
    from conformance.plan import PlanError
    from conformance.report import to_json
    from conformance.run import RunError, second_seed
    from conformance.run import run as conduct
    from conformance.transport import base_url

    try:
        suite = suites.load(matter)
        base_url(url)
    except suites.UnknownSuite as error:
        _stop(str(error), USAGE, hint=f"suites: {', '.join(suites.names())}")
    except ValueError as error:
        _stop(str(error), USAGE, hint="for instance --app http://127.0.0.1:9001")
    for target in (html, junit):
        _writable(target)
    first = seed or secrets.token_hex(8)
    if "," in first:
        _stop("a seed holds no comma", USAGE)
    seeds = (first,) if quick or case else (first, second_seed(first))
    _say(f"practice seed {first}: repeat with --seed {first}")

    def linger(report: Report, gateway: str) -> None:
        if keep_gateway:
            _show(report, None, as_json=False, failures=True)
            _say(f"the departments stay up at {gateway}; press Ctrl-C to end")
            try:
                threading.Event().wait()
            except KeyboardInterrupt:
                _say("")

    try:
        with _progress() as progress:
            report = conduct(
                suite,
                url,
                seeds,
                nonce=secrets.token_hex(16),
                progress=progress,
                hidden=False,
                quick=quick,
                only=case or (),
                restart=_restart(restart_command),
                linger=linger if keep_gateway else None,
            )
    except PlanError as error:
        _stop(str(error), USAGE, hint=f"list them with: tongban conform cases --matter {matter}")
    except RunError as error:
        _stop(str(error), ENVIRONMENT, hint="start the app first, then give its base URL with --app")
    verdict = None if case else grade(report, policy())
    _write(html, lambda: _html(report, verdict))
    _write(junit, lambda: _junit(report))
    if as_json:
        document = to_json(report)
        document["grade"] = None if verdict is None else _grade_json(verdict)
        print(json.dumps(document, ensure_ascii=False, indent=1))
    elif not keep_gateway:
        _show(report, verdict, as_json=False, failures=True)
    passed = verdict.listable if verdict else not report.failing
    raise typer.Exit(0 if passed else NOT_PASSED)


@app.command()
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
        _stop(str(error), USAGE, hint=f"suites: {', '.join(suites.names())}")
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


@app.command()
def verify(
    certificate: Annotated[Path, typer.Argument(help="The certificate file.")],
    key: Annotated[Path, typer.Option(help="Public key of the certifier: PEM, vkey or JWK.")],
    app_digest: Annotated[str | None, typer.Option(help="sha256 the certificate must be for.")] = None,
    app_version: Annotated[str | None, typer.Option(help="Version the certificate must be for.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Verify a certificate offline.

    Example: tongban conform verify certificate.json --key certifier.pem
    """
    from conformance.certificate import CertificateError, read_public_key
    from conformance.certificate import verify as check

    try:
        document = json.loads(certificate.read_text(encoding="utf-8"))
        if not isinstance(document, dict):
            raise ValueError("it holds no JSON object")
    except OSError as error:
        _stop(f"{certificate}: {error.strerror}", BAD_INPUT)
    except ValueError as error:
        _stop(f"{certificate}: no certificate ({error})", BAD_INPUT)
    try:
        public = read_public_key(key.read_text(encoding="utf-8"))
    except OSError as error:
        _stop(f"{key}: {error.strerror}", BAD_INPUT)
    except (ValueError, KeyError) as error:
        _stop(f"{key}: {error}", BAD_INPUT, hint="a PEM public key, a vkey or a JWK is needed")
    try:
        found = check(document, public, now=datetime.now(UTC), subject_digest=app_digest, version=app_version)
    except CertificateError as error:
        if as_json:
            print(json.dumps({"valid": False, "reason": error.reason, "detail": str(error)}, ensure_ascii=False))
        _stop(f"refused ({error.reason}): {error}", NOT_PASSED)
    if as_json:
        told = {
            "valid": True,
            "app": found.subject.name,
            "version": found.subject.version,
            "digest": found.subject.digest,
            "binds": found.subject.binds,
            "suite": f"{found.suite} {found.suite_version}",
            "grade": found.grade,
            "score": found.score,
            "issued": found.issued,
            "expires": found.expires,
            "commitment": found.commitment,
            "passed": len(found.passed),
            "warned": len(found.warned),
            "failed": len(found.failed),
        }
        print(json.dumps(told, ensure_ascii=False, indent=1))
        return
    print(
        f"valid: {found.subject.name} {found.subject.version}, grade {found.grade} ({found.score:.3f}) in suite "
        f"{found.suite} {found.suite_version}, until {found.expires}"
    )
    if found.subject.binds == "claim":
        print("it binds the declared address, interface and version of a hosted app, not its code")


# -- output ------------------------------------------------------------------------------------------------


class _progress:
    """A live bar on stderr when a person looks, else nothing."""

    def __init__(self) -> None:
        self._bar: Any = None

    def __enter__(self) -> Callable[[int, int, str], None]:
        if not sys.stderr.isatty():
            return lambda done, total, what: None
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        columns = (TextColumn("testing"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
        self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
        self._bar.start()
        task = self._bar.add_task("", total=None)

        def show(done: int, total: int, what: str) -> None:
            self._bar.update(task, completed=done, total=total, description=what)

        return show

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()


def _show(report: Report, verdict: Grade | None, *, as_json: bool, failures: bool) -> None:
    from rich.console import Console
    from rich.markup import escape

    from conformance.case import Outcome

    console = Console(soft_wrap=True, highlight=False)
    colours = {"PASS": "green", "FAIL": "red", "WARN": "yellow", "INCONCLUSIVE": "blue", "ERROR": "magenta"}
    laws = {requirement.id: requirement for requirement in report.requirements}
    for case in report.cases:
        outcome = case.outcome
        flaky = " [yellow](the seeds disagree: flaky)[/]" if case.flaky else ""
        name = f"[{colours[outcome.value]}]{outcome.value:<12}[/] {case.case.id:<34}"
        console.print(f"{name} {escape(case.case.title['en'])}{flaky}")
        if outcome is Outcome.PASS or not failures:
            continue
        for number, run in enumerate(case.runs, start=1):
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
        console.print(f"    [dim]again: {escape(case.reproduce)}[/]")
    counts = "  ".join(f"{count} {name}" for name, count in report.counts().items() if count)
    console.print(f"\n{counts}   {report.requests} requests")
    if verdict is not None:
        colour = "green" if verdict.listable else "red"
        console.print(f"[bold {colour}]grade {verdict.letter}[/]  score {verdict.score:.3f}  {verdict.policy}")
        for reason in verdict.reasons:
            console.print(f"  {escape(reason['en'])}")


def _grade_json(verdict: Grade) -> dict[str, Any]:
    return {
        "letter": verdict.letter,
        "score": verdict.score,
        "listable": verdict.listable,
        "reasons": [dict(reason) for reason in verdict.reasons],
        "policy": verdict.policy,
        "policy_digest": verdict.policy_digest,
    }


def _html(report: Report, verdict: Grade | None) -> str:
    from conformance import render

    return render.html(report, grade=verdict)


def _junit(report: Report) -> str:
    from conformance import render

    return render.junit(report)


def _restart(command: str | None) -> Callable[[], None] | None:
    """What runs a vendor's own restart command; a command that fails says so and shows nothing about the app."""
    if command is None:
        return None
    import shlex
    import subprocess

    from conformance.stage import Inconclusive

    words = shlex.split(command)
    if not words:
        _stop("--restart-command is empty", USAGE)

    def restart() -> None:
        try:
            done = subprocess.run(words, capture_output=True, timeout=60, check=False)
            failed = f"exit code {done.returncode}" if done.returncode else ""
        except (OSError, subprocess.TimeoutExpired) as error:
            failed = str(error)
        if failed:
            raise Inconclusive({"zh_CN": f"重启命令失败：{failed}", "en": f"the restart command failed: {failed}"})

    return restart


def _writable(target: Path | None) -> None:
    """Said before the run, not after it."""
    if target is not None and not (target.parent.is_dir() and os.access(target.parent, os.W_OK)):
        _stop(f"{target}: the folder does not exist or cannot be written", ENVIRONMENT)


def _write(target: Path | None, content: Callable[[], str]) -> None:
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
        _stop(f"{target}: {error.strerror}", ENVIRONMENT)
    _say(f"wrote {target}")


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _stop(message: str, code: int, hint: str = "") -> NoReturn:
    _say(f"error: {message}" + (f" — {hint}" if hint else ""))
    raise typer.Exit(code)
