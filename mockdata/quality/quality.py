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
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mockdata.quality.expectations import Expectation, duck_type, suite
from mockdata.tables.write import FORMATS, beside, save
from specs.model import Interface, Table


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

    def ask(self, jobs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Answers to jobs, in order. Raises QualityError when the process ends instead of answering."""
        with self._lock:
            line = json.dumps(jobs) + "\n"
            # one that ended for want of work is found out by its silence and replaced once
            answer = self._exchange(line) if self._process is not None else ""
            if not answer:
                self._end()
                answer = self._exchange(line)
            if answer:
                return list(json.loads(answer))
            code = self._end()
            self._complaints.seek(0)
            told = [row for row in self._complaints.read().splitlines() if row.strip()]
            said = next((row for row in reversed(told) if re.match(r"[\w.]+(Error|Exception)\b", row)), "no answer")
            raise QualityError(f"the quality check ended with code {code}: {said[:300]}")

    def _exchange(self, line: str) -> str:
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
            return process.stdout.readline()
        except BrokenPipeError:
            return ""

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

    Parquet, CSV and JSON Lines are told by the name's ending. With `html` the Data Docs page is written too. A `judge`
    kept by the caller saves starting one. Raises QualityError when no verdict is possible, OSError when the folder
    cannot be written.
    """
    return check_all([(path, interface, table)], html=html, judge=judge)[0]


def check_all(
    datasets: Sequence[tuple[Path, Interface, Table]], *, html: bool = False, judge: Judge | None = None
) -> tuple[QualityResult, ...]:
    """`check` for several datasets in one go: Great Expectations is started once."""
    jobs = [_job(path, interface, table, html) for path, interface, table in datasets]
    with contextlib.nullcontext(judge) if judge else Judge() as asked:
        answers = asked.ask(jobs)
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
    endings = {ending: format for format, ending in FORMATS.items() if format in ("parquet", "csv", "jsonl")}
    format = endings.get(path.suffix)
    if format is None:
        raise QualityError(f"{path.name}: quality checks read {', '.join(endings)} files")
    if not path.exists():
        raise QualityError(f"{path.name}: there is no such file")
    files = sorted(path.glob(f"*{path.suffix}")) if path.is_dir() else [path]
    from pyarrow.types import is_list

    from mockdata.tables.arrow import type_of

    kinds = {f.name: type_of(f.schema, interface.resolve) for f in table.fields}
    types = {name: duck_type(kind) or "JSON" for name, kind in kinds.items()}
    lists = [name for name, kind in kinds.items() if is_list(kind)] if format != "parquet" else []
    made = suite(interface, table)
    for rule in made.expectations:
        if rule.kind == "query":
            _single_select(rule)
    expected = None
    if beside(path, "manifest").exists():
        expected = json.loads(beside(path, "manifest").read_text(encoding="utf-8")).get("rows")
    return {
        "files": [str(file.resolve()) for file in files], "format": format, "types": types, "rows": expected,
        "lists": lists, "suite": asdict(made), "name": f"{interface.id} {table.name}", "html": html,
    }  # fmt: skip


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
