"""How the commands end and what they print: exit codes, one line and a hint for every expected error, progress."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import typer

NEGATIVE, USAGE, BAD_INPUT, ENVIRONMENT, CANCELLED = 1, 2, 3, 4, 130


def end(code: int, line: str, hint: str = "") -> NoReturn:
    print(f"tongban: {line}", file=sys.stderr)
    if hint:
        print(f"  hint: {hint}", file=sys.stderr)
    raise typer.Exit(code)


@contextmanager
def faults() -> Iterator[None]:
    """Every expected error is one line, a hint and an exit code."""
    try:
        yield
    except (typer.Exit, typer.Abort, BrokenPipeError):
        raise
    except KeyboardInterrupt as error:
        end(CANCELLED, "cancelled", _kept(error) or "nothing was left behind")
    except Exception as error:
        told = _told(error)
        if told is None:
            raise
        code, line, hint = told
        end(code, line, _kept(error) or hint)


def _kept(error: BaseException) -> str:
    """What an interrupted run has kept."""
    return "; ".join(getattr(error, "__notes__", ()))


def _told(error: Exception) -> tuple[int, str, str] | None:
    """Exit code, line and hint of an expected error."""
    from concurrent.futures import BrokenExecutor

    from mockdata.quality.quality import QualityError
    from mockdata.tables.cluster import ClusterError
    from mockdata.tables.databases import AddressError, DatabaseError
    from mockdata.tables.layout import LayoutError
    from mockdata.tables.recipes import PlanError
    from specs.finding import SpecError

    match error:
        case PlanError():
            return BAD_INPUT, f"{error.pointer}: {error}" if error.pointer else str(error), error.hint
        case SpecError() | QualityError():
            return BAD_INPUT, str(error), ""
        case LayoutError() | AddressError():
            return USAGE, str(error), error.hint
        case DatabaseError() | ClusterError():
            return ENVIRONMENT, str(error), error.hint
        case BrokenExecutor():
            return ENVIRONMENT, "the worker processes were killed again and again", "give them more memory"
        case OSError():
            return _environment(error)
    return None


def _environment(error: OSError) -> tuple[int, str, str]:
    from mockdata.tables.databases import TableExists
    from mockdata.tables.journal import Unfinished

    match error:
        case Unfinished():
            line = f"{error.filename} is an unfinished dataset of another plan, seed, layout or version"
            return ENVIRONMENT, line, "run its own command again to finish it, or --force removes it"
        case TableExists():
            return ENVIRONMENT, f"{error.filename} exists already", "--force replaces it; --table-name names another"
        case FileExistsError():
            return ENVIRONMENT, f"{error.filename} exists already", "--force replaces it; --out names another folder"
    place = f": {error.filename}" if error.filename else ""
    said = error.strerror or str(error)
    if "[errno" in said and error.errno:  # Arrow wraps the system's words in its own
        said = os.strerror(error.errno)
    hints = {
        errno.ENOSPC: "make room, or name a folder of a larger disk with --out",
        errno.EFBIG: "files may not become so large here (ulimit -f)",
        errno.EDQUOT: "make room in the quota, or name another folder with --out",
        errno.EBUSY: "wait for it, or name another folder with --out",
    }
    return ENVIRONMENT, f"{said}{place}", hints.get(error.errno or 0, "check that the folder exists and may be written")


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
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, Task, TextColumn, TimeRemainingColumn
    from rich.text import Text

    class Rate(TextColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:,.0f} rows/s" if task.speed else "")

    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Rate(""), TimeRemainingColumn(),
        TextColumn("left"),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(title, total=rows)
        yield lambda done: bar.advance(task, done)
