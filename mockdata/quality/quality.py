"""Great Expectations over a written dataset: the interface judges the file, not the generator its own work.

What is judged and what came of it are here; the judging itself happens in another process, `mockdata.quality.judge`.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from mockdata.quality.expectations import Expectation, duck_type, suite
from mockdata.tables.alternatives.described import completed
from mockdata.tables.write import FORMATS, beside, save
from specs.model import Interface, Table

Tell = Callable[[str], None]
JUDGED = ("parquet", "csv", "jsonl", "arrow", "duckdb")
"""Formats that can be judged."""


class QualityError(RuntimeError):
    """The check itself could not be made (unreadable file, missing package, faulty SQL): no verdict on the data."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One expectation's result. `unexpected` rows break it; None when it is about the whole table: then `observed` is
    what was found there, or why the rule could not be evaluated, which counts as broken.
    """

    rule: str
    column: str | None
    success: bool
    severity: str
    expectation: str
    unexpected: int | None
    observed: Any
    examples: tuple[Any, ...]
    pointer: str


@dataclass(frozen=True, slots=True)
class QualityResult:
    """The verdict on one dataset. `success`: every rule of severity error holds. `failed_columns` in field order."""

    interface: str
    version: str
    digest: str
    table: str
    file: str
    rows: int
    success: bool
    outcomes: tuple[Outcome, ...]
    unchecked: tuple[Mapping[str, str], ...]
    great_expectations: str

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """The outcomes that are no success, whatever their severity."""
        return tuple(outcome for outcome in self.outcomes if not outcome.success)

    @property
    def failed_columns(self) -> tuple[str, ...]:
        """Columns with a rule that does not hold."""
        return tuple(dict.fromkeys(outcome.column for outcome in self.failed if outcome.column))

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        counted = {"evaluated": len(self.outcomes), "failed": len(self.failed)}
        return {**asdict(self), "statistics": counted, "failed_columns": list(self.failed_columns)}


class Judge:
    """The judging process, started at the first request and kept for the next ones: starting it takes seconds.

    Usable from several threads; one request at a time. Ends with `close`, or by itself when nothing was asked for long.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._complaints = tempfile.TemporaryFile("w+", prefix="tongban-judge-")  # noqa: SIM115  lives as long as this

    def __enter__(self) -> Judge:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process; a later request starts another."""
        with self._lock:
            self._end()

    def ask(self, jobs: Sequence[Mapping[str, Any]], tell: Tell | None = None) -> list[dict[str, Any]]:
        """Answers to jobs, in order; `tell` hears how far it is. Raises QualityError when the process ends instead of
        answering.
        """
        with self._lock:
            line = json.dumps(jobs) + "\n"
            # one that ended for want of work is found out by its silence and replaced once
            answer = self._exchange(line, tell) if self._process is not None else None
            if answer is None:
                self._end()
                answer = self._exchange(line, tell)
            if answer is not None:
                return answer
            code = self._end()
            self._complaints.seek(0)
            told = [row for row in self._complaints.read().splitlines() if row.strip()]
            said = next((row for row in reversed(told) if re.match(r"[\w.]+(Error|Exception)\b", row)), "no answer")
            raise QualityError(f"the quality check ended with code {code}: {said[:300]}")

    def _exchange(self, line: str, tell: Tell | None) -> list[dict[str, Any]] | None:
        if self._process is None:
            environment = {**os.environ, "GX_ANALYTICS_ENABLED": "false", "PYTHONWARNINGS": "ignore"}
            self._process = subprocess.Popen(
                [sys.executable, "-m", "mockdata.quality.judge"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._complaints,
                text=True,
                env=environment,
            )
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(line)
            process.stdin.flush()
            for answer in iter(process.stdout.readline, ""):
                said = json.loads(answer)
                if isinstance(said, list):
                    return said
                if tell is not None:
                    tell(said)
        except BrokenPipeError:
            pass
        except BaseException:  # cancelled: a judge that goes on would answer the next question with this one's answer
            process.kill()
            raise
        return None

    def _end(self) -> int | None:
        process, self._process = self._process, None
        if process is None:
            return None
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        try:
            return process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()


def check(
    path: Path, interface: Interface, table: Table, *, html: bool = False, judge: Judge | None = None
) -> QualityResult:
    """Check a dataset file (or folder of parts) against its interface; writes `<file>.quality.json` beside it.

    Formats (JUDGED) are told by the name's ending, CSV's encoding by the manifest, columns that folders name by the
    folders. With `html` the Data Docs page is written too. A `judge`
    kept by the caller saves starting one. Raises QualityError when no verdict is possible, OSError when the folder
    cannot be written.
    """
    return check_all([(path, interface, table)], html=html, judge=judge)[0]


def check_all(
    datasets: Sequence[tuple[Path, Interface, Table]],
    *,
    html: bool = False,
    judge: Judge | None = None,
    tell: Tell | None = None,
) -> tuple[QualityResult, ...]:
    """`check` for several datasets in one go: Great Expectations is started once. `tell` hears how far it is."""
    jobs = [_job(path, interface, table, html) for path, interface, table in datasets]
    with contextlib.nullcontext(judge) if judge else Judge() as asked:
        answers = asked.ask(jobs, tell)
    results = []
    for (path, interface, table), answer in zip(datasets, answers, strict=True):
        if "fault" in answer:
            raise QualityError(f"{path.name}: {answer['fault']}")
        results.append(_result(path, interface, table, answer))
        save(beside(path, "quality"), results[-1].to_json())
        if html:
            beside(path, "quality").with_suffix(".html").write_text(answer["html"], encoding="utf-8")
    return tuple(results)


def _job(path: Path, interface: Interface, table: Table, html: bool) -> dict[str, Any]:
    from pyarrow.types import is_list

    from mockdata.tables.arrow import type_of

    table = completed(interface, table)
    format = _format(path)
    files, folders = _files(path)
    kinds = {f.name: type_of(f.schema, interface.resolve) for f in table.fields}
    types = {name: duck_type(kind) or "JSON" for name, kind in kinds.items()}
    lists = [name for name, kind in kinds.items() if is_list(kind)] if format in ("csv", "jsonl") else []
    made = suite(interface, table)
    for rule in made.expectations:
        if rule.kind == "query":
            _single_select(rule)
    expected, encoding = None, "utf-8"
    if beside(path, "manifest").exists():
        manifest = json.loads(beside(path, "manifest").read_text(encoding="utf-8"))
        expected, encoding = manifest.get("rows"), manifest.get("options", {}).get("encoding", encoding)
    return {
        "files": files, "folders": folders, "format": format, "encoding": encoding, "types": types, "rows": expected,
        "lists": lists, "suite": asdict(made), "name": f"{interface.id} {table.name}", "html": html,
    }  # fmt: skip


def _format(path: Path) -> str:
    format = next((format for format, ending in FORMATS.items() if ending == path.suffix), None)
    if format not in JUDGED:
        endings = ", ".join(ending for format, ending in FORMATS.items() if format in JUDGED)
        why = "; a workbook's cells have lost their types" if format == "xlsx" else ""
        raise QualityError(f"{path.name}: quality checks read {endings}{why}")
    if not path.exists():
        raise QualityError(f"{path.name}: there is no such file")
    return str(format)


def _files(path: Path) -> tuple[list[str], list[str]]:
    """The files of a dataset, and the columns its folders name (`COLUMN=value`, Hive's way)."""
    if path.is_file():
        return [str(path.resolve())], []
    files = sorted(
        file for file in path.rglob(f"*{path.suffix}")
        if file.is_file() and not any(part.startswith((".", "_")) for part in file.relative_to(path).parts)
    )  # fmt: skip
    if not files:
        raise QualityError(f"{path.name}: the folder holds no {path.suffix} files")
    named = {tuple(unquote(part.partition("=")[0]) for part in file.relative_to(path).parts[:-1]) for file in files}
    told = all("=" in part for file in files for part in file.relative_to(path).parts[:-1])
    if len(named) > 1 or not told:
        raise QualityError(f"{path.name}: its folders are not named COLUMN=value at one depth")
    return [str(file.resolve()) for file in files], list(next(iter(named)))


def _single_select(rule: Expectation) -> None:
    """Nothing for a rule that is one SELECT. Raises QualityError for anything else."""
    import duckdb

    try:
        statements = duckdb.extract_statements(rule.condition.replace("${table}", "t"))
    except duckdb.Error as error:
        raise QualityError(f"the rule {rule.rule!r} is not SQL of DuckDB: {str(error).splitlines()[0]}") from None
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise QualityError(f"the rule {rule.rule!r} must be one SELECT, not {rule.condition!r}")


def _result(path: Path, interface: Interface, table: Table, answer: Mapping[str, Any]) -> QualityResult:
    outcomes = tuple(Outcome(**{**outcome, "examples": tuple(outcome["examples"])}) for outcome in answer["outcomes"])
    return QualityResult(
        interface=interface.id,
        version=interface.version,
        digest=interface.digest,
        table=table.name,
        file=path.name,
        rows=answer["rows"],
        success=all(outcome.success for outcome in outcomes if outcome.severity == "error"),
        outcomes=outcomes,
        unchecked=tuple(answer["unchecked"]),
        great_expectations=answer["great_expectations"],
    )
