"""How the commands end and what they print: exit codes, one line and a hint for every expected error, progress."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import typer

NEGATIVE, USAGE, BAD_INPUT, ENVIRONMENT = 1, 2, 3, 4


def end(code: int, line: str, hint: str = "") -> NoReturn:
    print(f"tongban: {line}", file=sys.stderr)
    if hint:
        print(f"  hint: {hint}", file=sys.stderr)
    raise typer.Exit(code)


@contextmanager
def faults() -> Iterator[None]:
    """Every expected error is one line, a hint and an exit code."""
    from mockdata.quality.quality import QualityError
    from mockdata.tables.recipes import PlanError
    from specs.finding import SpecError

    try:
        yield
    except PlanError as error:
        place = f"{error.pointer}: " if error.pointer else ""
        end(BAD_INPUT, f"{place}{error}", error.hint)
    except SpecError as error:
        end(BAD_INPUT, str(error))
    except QualityError as error:
        end(BAD_INPUT, str(error))
    except FileExistsError as error:
        end(ENVIRONMENT, f"{error.filename} exists already", "--force replaces it; --out names another folder")
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        place = f": {error.filename}" if error.filename else ""
        end(ENVIRONMENT, f"{error.strerror or error}{place}", "check that the folder exists and may be written")


def print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2, default=str))


@contextmanager
def progress(title: str, rows: int) -> Iterator[Callable[[int], None] | None]:
    """A bar with rate and time left on standard error; nothing when that is no terminal."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal or not rows:
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(title, total=rows)
        yield lambda done: bar.advance(task, done)
