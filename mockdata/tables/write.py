"""Datasets on disk, each with a manifest.

A dataset comes to be in a hidden folder beside its target and gets its final name in one rename; whatever goes wrong
before leaves nothing under the final name. Tables of over a million rows become a folder of parts, and the parts that
an interrupted run finished are found again by the next run of the same plan. The manifest says what the data are a
function of, and the digest of every file, so that anyone can make them again and compare.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mockdata.tables import journal, scale, space
from mockdata.tables.digest import digest
from mockdata.tables.journal import Journal
from mockdata.tables.layout import FORMATS, Layout
from mockdata.tables.manifest import File, Manifest, beside, generator_version, libraries, save
from mockdata.tables.parts import Part, write_batches, write_part

if TYPE_CHECKING:
    from mockdata.tables.plan import Plan
    from specs.model import Table

__all__ = [
    "FORMATS", "File", "Manifest", "TargetExists", "beside", "described", "generator_version", "save", "write",
    "write_batches",
]  # fmt: skip

Progress = Callable[[int], None]


class TargetExists(FileExistsError):
    """The target is there already and was not to be replaced."""

    def __init__(self, target: Path) -> None:
        super().__init__(errno.EEXIST, "the target exists already", str(target))


def write(
    plan: Plan,
    rows: int,
    target: Path,
    format: str = "parquet",
    *,
    encoding: str = "utf-8",
    partition_by: tuple[str, ...] = (),
    table: Table | None = None,
    force: bool = False,
    workers: int = 1,
    executor: Executor | None = None,
    progress: Progress | None = None,
    part_rows: int = scale.PART_ROWS,
) -> Manifest:
    """Generate rows 0 … rows-1 of the plan into `target` and its manifest beside it; `progress` hears of rows done.

    Up to `part_rows` rows make one file; more make a folder of that name with one file a part. `encoding` is for CSV
    (layout.ENCODINGS); `partition_by` names columns whose values become folders; `table` tells a DuckDB file its
    primary key. The bytes depend neither on workers nor on executor nor on how often the run was interrupted.

    Raises TargetExists or journal.Unfinished (without `force`), journal.Busy, plan.PlanError when the plan has fewer
    rows to give, layout.LayoutError for a layout that cannot be, space.NoSpace, OSError when the folder cannot be
    written; nothing is left under the final name. After an OSError, a cancellation or the death of workers the finished
    parts stay for the next run of the same plan, and the error has a note that says so.
    """
    layout = Layout(format, encoding, tuple(partition_by), part_rows)
    plan.allow(rows)
    layout.allow(plan, rows)
    if target.exists() and not force:
        raise TargetExists(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    if format == "parquet":
        _ = plan.repeating  # found once, not by every worker
    ranges = scale.parts(rows, layout.rows_of_part(rows))
    manifest = described(plan, rows, layout)
    with journal.opened(target, manifest.to_json(), force) as run, _kept(run, len(ranges)):
        missing = [Part(plan, part, run.folder, layout, table) for part in ranges if part.part not in run.done]
        left = sum(part.range.stop - part.range.start for part in missing)
        space.require(plan, left, layout, run.folder, table)
        if progress is not None and run.done:
            progress(rows - left)
        done = dict(run.done)
        for part, files in zip(missing, _made(missing, workers, executor, progress), strict=True):
            done[part.range.part] = files
        journal.sweep(run.folder, done)  # halves of parts whose worker was killed
        whole = len(ranges) == 1 and not partition_by
        files = tuple(file for number in sorted(done) for file in done[number])
        named = (File(target.name if whole else f"{target.name}/{f.name}", f.rows, f.bytes, f.sha256) for f in files)
        manifest = described(plan, rows, layout, tuple(named))
        _put(run.folder, run.folder / files[0].name if whole else run.folder, target, manifest)
    return manifest


def described(plan: Plan, rows: int, layout: Layout, files: tuple[File, ...] = ()) -> Manifest:
    """The manifest of rows of a plan."""
    return Manifest(
        interface=plan.interface, version=plan.version, table=plan.table, rows=rows, format=layout.format,
        origin=plan.origin, columns=plan.described, files=files, libraries=libraries(),
        options={**layout.options, "parent_rows": _parent_rows(plan)}, plan=digest(plan),
    )  # fmt: skip


def _parent_rows(plan: Plan) -> int | None:
    """How many rows of parents its foreign keys may name, None without any."""
    own = [column.recipe.parents for column in plan.made if hasattr(column.recipe, "parents")]
    theirs = [_parent_rows(parent) for parent in plan.parents.values()]
    return max((rows for rows in (*own, *theirs) if rows is not None), default=None)


def _made(
    parts: list[Part], workers: int, executor: Executor | None, progress: Progress | None
) -> list[tuple[File, ...]]:
    if executor is None and (workers <= 1 or len(parts) <= 1):
        return scale.each(partial(write_part, progress=progress), parts)

    def done(files: tuple[File, ...]) -> None:
        gone = next((file.name for file in files if not (parts[0].folder / file.name).exists()), None)
        if gone is not None:
            told = "a worker wrote its part to a disk that is not seen here"
            raise OSError(errno.ENOENT, told, str(parts[0].folder / gone))
        if progress is not None:
            progress(sum(file.rows for file in files))

    return scale.each(write_part, parts, workers, executor, done)


@contextmanager
def _kept(run: Journal, parts: int) -> Iterator[None]:
    """Finished parts outlive what may go better next time; nothing else does."""
    try:
        yield
    except BaseException as error:
        finished = journal.finished(run.folder)
        if finished and parts > 1 and isinstance(error, OSError | KeyboardInterrupt | BrokenExecutor):
            error.add_note(f"{finished} of {parts} parts are finished; the same command continues with the others")
        else:
            journal.discard(run.folder)
        raise


def _put(folder: Path, made: Path, target: Path, manifest: Manifest) -> None:
    """Gives the finished data their name and their manifest. A folder cannot be renamed over anything, so what is there
    steps aside.
    """
    waiting = folder.with_suffix(".manifest")
    aside = folder.with_suffix(".replaced")
    try:
        save(waiting, manifest.to_json())
        for companion in ("manifest", "quality"):
            beside(target, companion).unlink(missing_ok=True)  # those of an older dataset of this name
        journal.strip(folder)
        if target.exists() and not (target.is_file() and made.is_file()):
            _remove(aside)
            os.replace(target, aside)
        os.replace(made, target)
        os.replace(waiting, beside(target, "manifest"))
    finally:
        waiting.unlink(missing_ok=True)
    if folder != made:
        journal.discard(folder)
    _remove(aside)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
