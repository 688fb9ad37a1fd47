"""Files of a dataset: written and judged table by table; every reason why that cannot be is told in one sentence."""

from __future__ import annotations

import errno
import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exchange.errors import Unavailable, Unprocessable
from specs.model import Interface, Table

if TYPE_CHECKING:
    from mockdata.quality import Judge
    from mockdata.tables.layout import Layout
    from mockdata.tables.plan import Plan

COUNT_SECONDS = 600.0
"""A condition that has not found its records by then is given up: it would keep others waiting."""
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Paused(KeyboardInterrupt):
    """Leaves a table that is being written so that its finished parts are found again: ``why`` is raised then."""

    def __init__(self, why: BaseException) -> None:
        super().__init__()
        self.why = why


@contextmanager
def clearly() -> Iterator[None]:
    """What goes wrong inside becomes an error of ours with a reason a vendor understands."""
    from mockdata.quality.quality import QualityError
    from mockdata.tables.chosen import TooFew
    from mockdata.tables.layout import LayoutError
    from mockdata.tables.place import PlanError
    from mockdata.tables.space import NoSpace

    try:
        yield
    except Paused as paused:
        raise paused.why from None
    except (PlanError, LayoutError) as error:
        raise Unprocessable(str(error), hint=error.hint) from None
    except TooFew as error:
        raise Unprocessable(str(error), hint="ask for fewer rows") from None
    except QualityError as error:
        said = f"the data could not be checked against their interface: {error}"
        raise Unavailable(said, hint="ask again; if it stays so, tell the operator") from error
    except NoSpace as error:
        raise Unavailable(f"the disk is too small: {error.strerror}", hint="ask for fewer rows") from error
    except OSError as error:
        if error.errno in FULL:
            hint = "ask for fewer rows, or try again when the operator has made room"
            raise Unavailable("the disk was full before the data were written", hint=hint) from error
        # which file it was is the operator's business and in the log, not in the asker's answer
        said = f"the files could not be written: {errno.errorcode.get(error.errno or 0, 'input or output error')}"
        raise Unavailable(said, hint="tell the operator") from error


def counted(plan: Plan, rows: int, tell: Callable[[str], None]) -> None:
    """Look for the records a condition or a scenario pack finds, up to ``rows``; ``tell`` hears of it and may end it
    by raising.

    Raises `Unprocessable` when there are fewer, or they are not found for too long.
    """
    where, register = plan.where, plan.register
    if where is None and not (plan.world.scenarios and register is not None):
        return
    what = where.text if where is not None else "the scenario packs"
    end = time.monotonic() + COUNT_SECONDS

    def told(looked: int, found: int) -> None:
        tell(f"looking for records: {found:,} of {rows:,} among {looked:,}")
        if time.monotonic() > end:
            said = f"{what}: {found:,} records in {COUNT_SECONDS / 60:.0f} minutes, not {rows:,}"
            raise Unprocessable(said, hint="ask for fewer rows, or widen the condition")

    with clearly():
        if where is not None:
            where.reach(rows, told=told)
            where.allow(rows)
        elif register is not None:
            from mockdata.population.registers import register as named
            from mockdata.tables.chosen import chosen

            chosen(named(register), plan.world.open()).reach(rows, told)


def write(
    plan: Plan, table: Table, spec: Interface, rows: int, target: Path, layout: Layout, progress: Callable[[int], None]
) -> list[dict[str, Any]]:
    """Write a table with its ledgers and manifest; gives its data files. A second call continues a killed one.

    ``progress`` hears of rows done and may end it by raising anything.
    """
    from mockdata.defects import Spoiler, conflicts
    from mockdata.defects.ledger import write_ledger
    from mockdata.tables import write as writing

    def tell(done: int) -> None:
        try:
            progress(done)
        except BaseException as halt:
            raise Paused(halt) from halt

    with clearly():
        if conflicts.conflicted(plan):
            conflicts.write_conflicts(plan, table, rows, target)
        ledger = write_ledger(plan.finish, spec, table, rows, target) if isinstance(plan.finish, Spoiler) else None
        # replaces: a kill between the rename and the record of this step only costs the work again
        manifest = writing.write(
            plan, rows, target, layout.format, encoding=layout.encoding, partition_by=layout.partition_by, table=table,
            force=True, progress=tell, part_rows=layout.part_rows,
        )  # fmt: skip
        if ledger is not None:
            writing.save(writing.beside(target, "manifest"), {**manifest.to_json(), "ledger": ledger.to_json()})
    return [
        {"name": file.name, "kind": "data", "table": table.name, "rows": file.rows, "bytes": file.bytes,
         "sha256": file.sha256}
        for file in manifest.files
    ]  # fmt: skip


def judged(
    spec: Interface, table: Table, target: Path, layout: Layout, judge: Judge, tell: Callable[[], None]
) -> dict[str, Any]:
    """The verdict on a table; ``success`` is null, with a reason, where the check cannot read the format.

    ``tell`` is called now and then, and may end it by raising.
    """
    from mockdata.quality.quality import JUDGED, check_all
    from mockdata.tables.write import beside

    told: dict[str, Any] = {"table": table.name}
    if layout.format not in JUDGED:
        return told | {"success": None, "reason": f"the check reads {', '.join(JUDGED)}"}
    if layout.format == "arrow" and layout.partition_by:
        return told | {"success": None, "reason": "the check does not read the columns that folders of arrow name"}
    with clearly():
        result = check_all([(target, spec, table)], judge=judge, tell=lambda *_: tell())[0].to_json()
    names = ("success", "rows", "statistics", "failed_columns", "great_expectations")
    told |= {name: result[name] for name in names}
    ledger = _json(beside(target, "manifest")).get("ledger")
    if ledger:
        # dirt that was asked for must be seen, and nothing else
        told["as_ledger"] = set(told["failed_columns"]) == set(ledger["failing_columns"])
    return told


def companions(target: Path, table: Table) -> list[dict[str, Any]]:
    """What lies beside a table's data: manifest, verdict, ledgers."""
    kinds = {
        ".manifest.json": "manifest",
        ".quality.json": "quality",
        ".defects.parquet": "defects",
        ".conflicts.parquet": "conflicts",
    }
    found = []
    for ending, kind in kinds.items():
        path = target.with_name(target.name + ending)
        if path.exists():
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            entry = {"name": path.name, "kind": kind, "table": table.name, "rows": None}
            found.append(entry | {"bytes": path.stat().st_size, "sha256": digest})
    return found


def _json(path: Path) -> Mapping[str, Any]:
    import json

    made: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return made
