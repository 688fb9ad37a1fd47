"""`tongban conform flow`: carry out an Arazzo document against running services."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, NoReturn

import typer

NOT_PASSED, USAGE, BAD_INPUT, ENVIRONMENT = 1, 2, 3, 4


def flow(
    file: Annotated[Path, typer.Argument(help="The Arazzo document, 1.0 or 1.1.")],
    server: Annotated[
        list[str] | None, typer.Option("--server", metavar="NAME=URL", help="Base URL of a source (repeatable).")
    ] = None,
    input: Annotated[
        list[str] | None,
        typer.Option("--input", metavar="NAME=VALUE|@FILE", help="An input, or a JSON file of inputs (repeatable)."),
    ] = None,
    workflow: Annotated[
        list[str] | None, typer.Option("--workflow", metavar="ID", help="Only this workflow (repeatable).")
    ] = None,
    source: Annotated[
        list[str] | None, typer.Option("--source", metavar="NAME=FILE", help="The document of a source (repeatable).")
    ] = None,
    header: Annotated[
        list[str] | None,
        typer.Option("--header", metavar="NAME: VALUE", help="A header for every request, a token say (repeatable)."),
    ] = None,
    root: Annotated[Path | None, typer.Option(help="Sources may lie in this folder. [default: the document's]")] = None,
    seconds: Annotated[float, typer.Option(min=1, max=86_400, help="Most seconds of the whole run.")] = 600,
    steps: Annotated[int, typer.Option(min=1, max=100_000, help="Most steps of the whole run.")] = 1_000,
    check: Annotated[bool, typer.Option("--check", help="Only read and check; send nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON on stdout.")] = False,
) -> None:
    """Carry out the workflows of an Arazzo document against running services.

    Only the servers of its sources are called. Without --workflow every workflow runs that no other leads to.

    Example: tongban conform flow process.arazzo.yaml --server orders=http://127.0.0.1:8080 --input number=7
    """
    from conformance.arazzo import flow as flows
    from conformance.arazzo import inputs
    from conformance.arazzo.documents import Refused
    from conformance.arazzo.report import to_json
    from conformance.arazzo.running import Bounds
    from specs import SpecError

    try:
        servers = dict(_pairs(server, "--server NAME=URL"))
        files = {name: Path(path) for name, path in _pairs(source, "--source NAME=FILE")}
        headers = dict(_headers(header))
        planned = flows.plan(file, servers=servers, sources=files, root=root, workflows=workflow or ())
        given = inputs.read(input or (), [(book.interface, one) for book, one in planned.flows])
    except (flows.UsageError, inputs.InputError) as error:
        _stop(str(error), USAGE)
    except (Refused, SpecError) as error:
        for finding in error.findings:
            _say(str(finding))
        _stop(f"{file} is not run", BAD_INPUT)
    if check:
        _checked([str(one) for one in planned.warnings], [one.id for one in planned.entries], as_json)
        return
    try:
        with _Line() as progress:
            report, hide = flows.run(planned, given, headers=headers, bounds=Bounds(steps, seconds), progress=progress)
    except flows.UsageError as error:
        _stop(str(error), USAGE, hint="give them with --input NAME=VALUE or --input @FILE")
    if as_json:
        print(json.dumps(to_json(report, hide), ensure_ascii=False, indent=1))
    else:
        _show(report, hide)
    if unreachable := report.unreachable:
        _stop(unreachable, ENVIRONMENT, hint="start the service, or correct --server")
    raise typer.Exit(0 if report.passed else NOT_PASSED)


def _show(report: object, hide: Callable[[str], str]) -> None:
    from rich.console import Console
    from rich.text import Text

    from conformance.arazzo.report import Report, lines
    from specs.words import harmless

    assert isinstance(report, Report)
    console = Console(soft_wrap=True, highlight=False)
    styles = {"good": "green", "bad": "red", "dim": "dim", "plain": ""}
    for style, line in lines(report):
        console.print(Text(harmless(hide(line)), style=styles[style]))


def _checked(warnings: list[str], entries: list[str], as_json: bool) -> None:
    if as_json:
        print(json.dumps({"runs": entries, "warnings": warnings}, ensure_ascii=False))
        return
    for warning in warnings:
        print(f"warning: {warning}")
    print(f"ready to run: {', '.join(entries)}")


def _pairs(words: Iterable[str] | None, form: str) -> Iterable[tuple[str, str]]:
    from conformance.arazzo.flow import UsageError

    for word in words or ():
        name, mark, value = word.partition("=")
        if not mark or not name or not value:
            raise UsageError(f"{word!r} is not {form}")
        yield name, value


def _headers(words: Iterable[str] | None) -> Iterable[tuple[str, str]]:
    from conformance.arazzo.flow import UsageError
    from conformance.arazzo.requests import FORBIDDEN

    for word in words or ():
        name, mark, value = word.partition(":")
        plain = name.strip().lower()
        if not mark or not plain.replace("-", "").isalnum() or not plain.isascii() or plain in FORBIDDEN:
            raise UsageError(f"{name!r} is no header that can be set; write --header 'Name: value'")
        if not value.strip().isprintable():
            raise UsageError(f"the value of the header {name!r} holds a control character")
        yield plain, value.strip()


class _Line:
    """The step being done, on stderr when a person looks."""

    def __enter__(self) -> Callable[[int, str], None]:
        self.on = sys.stderr.isatty()
        return self.show

    def show(self, done: int, what: str) -> None:
        if self.on:
            print(f"\r\x1b[2Kstep {done}: {what}", end="", file=sys.stderr, flush=True)

    def __exit__(self, *_: object) -> None:
        if self.on:
            print("\r\x1b[2K", end="", file=sys.stderr, flush=True)


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _stop(message: str, code: int, hint: str = "") -> NoReturn:
    _say(f"error: {message}" + (f" — {hint}" if hint else ""))
    raise typer.Exit(code)
