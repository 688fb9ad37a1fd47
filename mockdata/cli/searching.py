"""How far a search for the records of a condition is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mockdata.tables.plan import Plan


def absent(targets: Sequence[Path], force: bool) -> None:
    """Nothing when no target is there, or they may be replaced: told before anything is searched for."""
    from mockdata.tables.write import TargetExists

    for target in targets:
        if target.exists() and not force:
            raise TargetExists(target)


def searched(plans: Sequence[Plan], rows: int, workers: int) -> None:
    """Counts the records that the plans' conditions choose until there are `rows`, telling so on a terminal.

    Raises PlanError when there are not so many.
    """
    for plan in plans:
        if plan.where is not None:
            with _bar(plan, rows) as told:
                plan.where.reach(rows, workers, told)
            plan.allow(rows)


@contextmanager
def _bar(plan: Plan, rows: int) -> Iterator[Callable[[int, int], None] | None]:
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal or not rows or plan.where is None:
        yield None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        TextColumn("looking"), BarColumn(), TextColumn("{task.fields[found]:,} of {task.fields[rows]:,} found in "
        "{task.fields[looked]:,} records"), TextColumn("{task.fields[rate]}"), TimeElapsedColumn(),
        TimeRemainingColumn(), TextColumn("left"),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True) as bar:
        # whichever comes first: all that were asked for, or the end of the population
        task = bar.add_task("", total=1.0, found=0, rows=rows, looked=0, rate="")
        candidates = plan.where.candidates

        def told(looked: int, found: int) -> None:
            share = max(found / rows, looked / candidates if candidates else 0.0)
            seconds = bar.tasks[0].elapsed or 0.0
            rate = f"{looked / seconds / 1e6:,.1f} million/s" if seconds > 1 else ""
            bar.update(task, completed=min(share, 1.0), found=found, looked=looked, rate=rate)

        yield told
