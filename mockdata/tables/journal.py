"""What an unfinished dataset knows of itself, so that the same command continues where it was stopped.

Parts come to be in a hidden folder beside the target, `.people.parquet.unfinished`. Its `journal` holds what run it is
of (`run.json`: plan, layout, rows, versions) and one note a finished part, written by whoever made the part after its
files have their names. A part counts when its note is there and its files have the digests noted.
"""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mockdata.tables.manifest import File, measured, save

FOLDER = "journal"
Files = tuple[File, ...]


class Unfinished(FileExistsError):
    """An unfinished dataset of another run lies beside the target."""

    def __init__(self, hidden: Path) -> None:
        super().__init__(errno.EEXIST, "an unfinished dataset of another run is there", str(hidden))


class Busy(OSError):
    """Another process is writing the same target now."""

    def __init__(self, target: Path) -> None:
        super().__init__(errno.EBUSY, "another run is writing it now", str(target))


@dataclass(frozen=True, slots=True)
class Journal:
    """An opened hidden folder and the parts found finished in it."""

    folder: Path
    done: Mapping[int, Files]


def hidden(target: Path) -> Path:
    """The folder in which a dataset comes to be."""
    return target.with_name(f".{target.name}.unfinished")


@contextmanager
def opened(target: Path, run: Mapping[str, Any], force: bool = False) -> Iterator[Journal]:
    """The journal of a run, kept for this process alone while it is open.

    What an interrupted run of the same identity finished is found again; anything else in the folder is removed. Raises
    Unfinished when the folder is of another run (`force` removes it), Busy, OSError.
    """
    import fcntl

    folder = hidden(target)
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    with (folder / FOLDER / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(target) from None
        yield Journal(folder, _continued(folder, json.loads(json.dumps(run, default=str)), force))


def _continued(folder: Path, identity: Any, force: bool) -> dict[int, Files]:
    noted = folder / FOLDER / "run.json"
    if noted.exists() and _read(noted) == identity:
        done = _finished(folder)
        sweep(folder, done)
        return done
    if noted.exists() and not force:
        raise Unfinished(folder)
    try:
        noted.unlink(missing_ok=True)
        sweep(folder, {})
        save(noted, identity)
    except OSError:
        discard(folder)
        raise
    return {}


def remember(folder: Path, part: int, files: Sequence[File]) -> None:
    """Note that a part is finished."""
    save(folder / FOLDER / f"part-{part:05d}.json", [asdict(file) for file in files])


def discard(folder: Path) -> None:
    """Remove the hidden folder and all in it."""
    shutil.rmtree(folder, ignore_errors=True)


def finished(folder: Path) -> int:
    """How many parts are noted as finished."""
    return len(list((folder / FOLDER).glob("part-*.json")))


def strip(folder: Path) -> None:
    """Leave nothing but the data."""
    shutil.rmtree(folder / FOLDER)


def _finished(folder: Path) -> dict[int, Files]:
    found: dict[int, Files] = {}
    for note in sorted((folder / FOLDER).glob("part-*.json")):
        try:
            files = tuple(File(**entry) for entry in _read(note) or [])
            whole = bool(files) and all(measured(folder / f.name, f.name, f.rows) == f for f in files)
        except (TypeError, OSError):
            whole = False
        if whole:
            found[int(note.stem.removeprefix("part-"))] = files
        else:
            note.unlink()
    return found


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return None


def sweep(folder: Path, done: Mapping[int, Files]) -> None:
    """Remove what no note knows: halves of parts, and parts of another run."""
    keep = {folder / file.name for files in done.values() for file in files}
    for path in folder.iterdir():
        if path.name != FOLDER and not keep:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for path in folder.rglob("*"):
        if path.is_file() and path not in keep and path.parent != folder / FOLDER:
            path.unlink(missing_ok=True)
    if not keep:
        for note in (folder / FOLDER).glob("part-*.json"):
            note.unlink()
