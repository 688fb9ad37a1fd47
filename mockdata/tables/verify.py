"""Whether a dataset is what its manifest says, and whether seed, spec and version give it again."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mockdata.seeds import hashed, stream
from mockdata.tables import scale
from mockdata.tables.differing import first_difference
from mockdata.tables.digest import digest
from mockdata.tables.journal import FOLDER
from mockdata.tables.layout import FORMATS, Layout
from mockdata.tables.manifest import File, Manifest, beside, libraries
from mockdata.tables.parts import Part, write_part

if TYPE_CHECKING:
    from mockdata.tables.plan import Plan
    from specs.model import Table


class ManifestError(ValueError):
    """There is no manifest, or what there is cannot be read as one."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One file that is not what it should be."""

    file: str
    reason: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """`files` and `bytes` looked at, `parts` generated again (None: not asked for), and what was found."""

    dataset: str
    rows: int
    files: int
    bytes: int
    parts: int | None
    differences: tuple[Difference, ...]

    @property
    def success(self) -> bool:
        """Whether everything is as it should be."""
        return not self.differences

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "success": self.success}


def manifest_of(dataset: Path) -> tuple[Path, Manifest]:
    """The dataset and its manifest; `dataset` may be either. Raises ManifestError."""
    path = dataset if dataset.name.endswith(".manifest.json") else beside(dataset, "manifest")
    try:
        manifest = Manifest.from_json(json.loads(path.read_text(encoding="utf-8")))
        Layout(manifest.format, **_options(manifest))
    except FileNotFoundError:
        raise ManifestError(f"{path}: there is no such manifest") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ManifestError(f"{path}: no manifest of a dataset") from None
    if manifest.format not in FORMATS or any(Path(f.name).is_absolute() or ".." in Path(f.name).parts
                                             for f in manifest.files):  # fmt: skip
        raise ManifestError(f"{path}: no manifest of a dataset")
    return path.with_name(path.name.removesuffix(".manifest.json")), manifest


def verify(target: Path, manifest: Manifest, progress: Callable[[int], None] | None = None) -> Verdict:
    """Size and digest of every file, and no file besides. `progress` hears of rows looked at."""
    found: list[Difference] = []
    for file in manifest.files:
        reason = _changed(target.parent / file.name, file)
        if reason:
            found.append(Difference(file.name, reason))
        if progress is not None:
            progress(file.rows)
    known = {file.name for file in manifest.files}
    for path in sorted(target.rglob("*")) if target.is_dir() else ():
        name = path.relative_to(target.parent).as_posix()
        if path.is_file() and name not in known:
            found.append(Difference(name, "is not in the manifest"))
    if sum(file.rows for file in manifest.files) != manifest.rows:
        found.append(Difference(target.name, f"the manifest's files do not have {manifest.rows:,} rows together"))
    size = sum(file.bytes for file in manifest.files)
    return Verdict(str(target), manifest.rows, len(manifest.files), size, None, tuple(found))


def _changed(path: Path, file: File) -> str | None:
    try:
        size = path.stat().st_size
        if size != file.bytes:
            return f"has {size:,} bytes, not {file.bytes:,}"
        with path.open("rb") as opened:
            same = hashlib.file_digest(opened, "sha256").hexdigest() == file.sha256
        return None if same else "has other bytes than its digest says"
    except OSError as error:
        return (error.strerror or str(error)).lower()


def regenerate(
    target: Path,
    manifest: Manifest,
    plan: Plan,
    table: Table | None = None,
    *,
    sample: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Verdict:
    """Parts made again from the plan and compared with what lies there: all, or `sample` of them chosen by the
    manifest's own digest. Ends at the first difference and says where it is.
    """
    reason = disagreement(manifest, plan)
    if reason is not None:
        return Verdict(str(target), manifest.rows, 0, 0, 0, (Difference(target.name, reason),))
    layout = Layout(manifest.format, **_options(manifest))
    ranges = scale.parts(manifest.rows, layout.rows_of_part(manifest.rows))
    chosen = _chosen(manifest, len(ranges), sample)
    single = len(ranges) == 1 and not layout.partition_by
    files = size = 0
    for done, number in enumerate(chosen):
        with tempfile.TemporaryDirectory(prefix="tongban-again-", dir=_scratch(target)) as scratch:
            folder = Path(scratch)
            (folder / FOLDER).mkdir()
            part = Part(plan, ranges[number], folder, layout, table)
            again = write_part(part)
            if single:
                again = (replace(again[0], name=target.name),)
                os.replace(folder / part.name, folder / target.name)
                pairs = [(target, folder / target.name)]
            else:
                pairs = [(target / file.name, folder / file.name) for file in again]
            for there, made in pairs:
                found = first_difference(there, made, layout)
                if found is not None:
                    name = there.relative_to(target.parent).as_posix()
                    return Verdict(str(target), manifest.rows, files, size, done + 1, (Difference(name, found),))
            files += len(again)
            size += sum(file.bytes for file in again)
        if progress is not None:
            progress(ranges[number].stop - ranges[number].start)
    return Verdict(str(target), manifest.rows, files, size, len(chosen), ())


def disagreement(manifest: Manifest, plan: Plan) -> str | None:
    """Why the plan cannot give the bytes of the manifest: another document, population, version or library."""
    theirs, ours = manifest.origin, plan.origin
    words = {"digest": "the interface document", "generator": "Tongban", "population": "the population"}
    for key in sorted(theirs.keys() | ours.keys()):
        if json.dumps(theirs.get(key), sort_keys=True) != json.dumps(ours.get(key), sort_keys=True):
            return f"was made of another {key}: {words.get(key, key)} is {theirs.get(key)} there, {ours.get(key)} here"
    if dict(manifest.libraries) != libraries():
        return f"was written with other libraries: {dict(manifest.libraries)} there, {libraries()} here"
    if manifest.plan and manifest.plan != digest(plan):
        return "the same document is planned in another way here: this Tongban differs from the one that made it"
    return None


def _options(manifest: Manifest) -> dict[str, Any]:
    options = {name: value for name, value in manifest.options.items() if name != "parent_rows"}
    return {**options, "partition_by": tuple(options.get("partition_by", ()))}


def _chosen(manifest: Manifest, parts: int, sample: int | None) -> list[int]:
    if sample is None or sample >= parts:
        return list(range(parts))
    key = stream("verify", *(file.sha256 for file in manifest.files[:1]))
    order = np.argsort(hashed(key, np.arange(parts, dtype=np.int64)), kind="stable")
    return sorted(order[:sample].tolist())


def _scratch(target: Path) -> Path | None:
    """Beside the data where that can be written: a temporary folder may lie in memory."""
    return target.parent if os.access(target.parent, os.W_OK) else None


__all__ = ["Difference", "ManifestError", "Verdict", "disagreement", "manifest_of", "regenerate", "verify"]
