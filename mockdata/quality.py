"""Great Expectations over a written dataset: the interface judges the file, not the generator its own work.

The only module that knows Great Expectations. It runs in a process of its own (`python -m mockdata.quality`):
importing it takes seconds and 300 MB, and DuckDB's bindings complain when an interpreter that used both ends. In that
process the data are copied into a scratch DuckDB database with external access switched off, because a contract's SQL
rules come from whoever wrote the contract.

Two traps of GX 1.24 on DuckDB are dealt with here. It reads cursors after their connection went back to the pool, and
duckdb-engine then gives **empty results**, so every rule would hold: the execution engine buffers results. And its
regular expression metric has no DuckDB dialect: patterns are SQL conditions.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from mockdata.expectations import BOUNDS, COLUMNS, Expectation, duck_type, literal, quoted, suite
from mockdata.write import FORMATS, beside, save
from specs.model import Interface, Table

EXAMPLES = 5
"""Offending values shown for a rule that fails."""


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


def check(path: Path, interface: Interface, table: Table, *, html: bool = False) -> QualityResult:
    """Check a dataset file (or folder of parts) against its interface; writes `<file>.quality.json` beside it.

    Parquet, CSV and JSON Lines are told by the name's ending. With `html` the Data Docs page is written too. Raises
    QualityError when no verdict is possible, OSError when the folder cannot be written.
    """
    return check_all([(path, interface, table)], html=html)[0]


def check_all(datasets: Sequence[tuple[Path, Interface, Table]], *, html: bool = False) -> tuple[QualityResult, ...]:
    """`check` for several datasets in one go: Great Expectations is started once."""
    jobs = [_job(path, interface, table, html) for path, interface, table in datasets]
    environment = {**os.environ, "GX_ANALYTICS_ENABLED": "false", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [sys.executable, "-m", "mockdata.quality"],
        input=json.dumps(jobs).encode(),
        capture_output=True,
        env=environment,
        check=False,
    )
    try:
        answers = json.loads(done.stdout)
    except ValueError:
        told = [line for line in done.stderr.decode(errors="replace").splitlines() if line.strip()]
        said = next((line for line in reversed(told) if re.match(r"[\w.]+(Error|Exception)\b", line)), "no answer")
        raise QualityError(f"the quality check ended with code {done.returncode}: {said[:300]}") from None
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
    endings = {ending: format for format, ending in FORMATS.items() if format != "arrow"}
    format = endings.get(path.suffix)
    if format is None:
        raise QualityError(f"{path.name}: quality checks read {', '.join(endings)} files")
    if not path.exists():
        raise QualityError(f"{path.name}: there is no such file")
    files = sorted(path.glob(f"*{path.suffix}")) if path.is_dir() else [path]
    from pyarrow.types import is_list

    from mockdata.arrow import type_of

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


# ---- in the process of its own
# ------------------------------------------------------------------------------------


def main() -> None:
    """Reads jobs (JSON) from standard input, writes their answers to standard output."""
    out = os.dup(1)
    os.dup2(2, 1)  # whatever the libraries print goes to standard error
    answers = [_answer(job) for job in json.load(sys.stdin)]
    with os.fdopen(out, "w", encoding="utf-8") as file:
        json.dump(answers, file, default=str)


def _answer(job: dict[str, Any]) -> dict[str, Any]:
    import duckdb

    table = job["suite"]["table"]
    with tempfile.TemporaryDirectory(prefix="tongban-quality-") as folder:
        database = str(Path(folder) / "data.duckdb")
        try:
            rows = _load(database, table, job)
            return {**_judged(database, table, rows, job), "unchecked": job["suite"]["unchecked"]}
        except (duckdb.Error, QualityError) as error:
            return {"fault": str(error).splitlines()[0]}


def _load(database: str, table: str, job: Mapping[str, Any]) -> int:
    """Copies the files into a table, with moments as UTC without a zone (DuckDB needs pytz to hand out others)."""
    import duckdb

    files = "[" + ", ".join(literal(file) for file in job["files"]) + "]"
    struct = "{" + ", ".join(f"{literal(n)}: {literal(t)}" for n, t in job["types"].items()) + "}"
    source = {
        "parquet": f"read_parquet({files})",
        "csv": f"read_csv({files}, header = true, columns = {struct}, nullstr = '', allow_quoted_nulls = false)",
        "jsonl": f"read_json({files}, format = 'newline_delimited', columns = {struct})",
    }[job["format"]]
    with duckdb.connect(database) as connection:
        described = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
        columns = [(name, type) for name, type, *_ in described]
        zoned = [name for name, type in columns if type == "TIMESTAMP WITH TIME ZONE"]
        moved = [f"make_timestamp(epoch_us({quoted(name)})) AS {quoted(name)}" for name in zoned]
        moved += [f"json_extract_string({quoted(name)}, '$[*]') AS {quoted(name)}" for name in job["lists"]]
        replaced = f" REPLACE ({', '.join(moved)})" if moved else ""
        connection.execute(f"CREATE TABLE {quoted(table)} AS SELECT *{replaced} FROM {source}")
        connection.execute(f"CREATE TABLE {quoted(table + COLUMNS)} (name VARCHAR, type VARCHAR)")
        if columns:
            connection.executemany(f"INSERT INTO {quoted(table + COLUMNS)} VALUES (?, ?)", columns)
        counted = connection.execute(f"SELECT COUNT(*) FROM {quoted(table)}").fetchone()
    return int(counted[0]) if counted else 0


def _judged(database: str, table: str, rows: int, job: Mapping[str, Any]) -> dict[str, Any]:
    gx = import_module("great_expectations")
    classes = _classes()
    rules = [Expectation(**{**part, "values": tuple(part["values"])}) for part in job["suite"]["expectations"]]
    if job["rows"] is not None:
        rules.append(Expectation("rows", "rows of the manifest", values=(job["rows"],)))
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    shut = {"enable_external_access": "false", "autoinstall_known_extensions": "false", "lock_configuration": "true"}
    source = context.data_sources.add_sql(
        name="dataset",
        connection_string=f"duckdb:///{database}",
        create_temp_table=False,
        kwargs={"connect_args": {"read_only": True, "config": shut}},
    )
    asset = source.add_query_asset(name=table, query=f"SELECT * FROM {quoted(table)}")
    expectations = [_expectation(rule, number, table, classes) for number, rule in enumerate(rules)]
    made = context.suites.add(gx.ExpectationSuite(name=job["name"], expectations=expectations))
    definition = context.validation_definitions.add(
        gx.ValidationDefinition(name=job["name"], data=asset.add_batch_definition_whole_table("all"), suite=made)
    )
    result = definition.run(result_format={"result_format": "SUMMARY", "partial_unexpected_count": EXAMPLES})
    by_number = {one.expectation_config.meta["number"]: one for one in result.results}
    outcomes = [_outcome(rule, by_number[number]) for number, rule in enumerate(rules)]
    page = _page(result) if job["html"] else ""
    return {"rows": rows, "outcomes": outcomes, "great_expectations": gx.__version__, "html": page}


def _expectation(rule: Expectation, number: int, table: str, classes: Mapping[str, Any]) -> Any:
    """The rule as an object of Great Expectations; its number travels in `meta` because GX reorders results."""
    gxe = import_module("great_expectations.expectations")
    meta = {"number": number, "rule": rule.rule, "pointer": rule.pointer}
    match rule.kind:
        case "columns":
            return gxe.ExpectTableColumnsToMatchOrderedList(column_list=list(rule.columns), meta=meta)
        case "rows":
            return gxe.ExpectTableRowCountToEqual(value=rule.values[0], meta=meta)
        case "not_null":
            return gxe.ExpectColumnValuesToNotBeNull(column=rule.column, meta=meta)
        case "unique":
            return gxe.ExpectColumnValuesToBeUnique(column=rule.column, meta=meta)
        case "unique_together":
            return gxe.ExpectCompoundColumnsToBeUnique(column_list=list(rule.columns), meta=meta)
        case "in_set":
            return gxe.ExpectColumnValuesToBeInSet(column=rule.column, value_set=list(rule.values), meta=meta)
        case "meets":
            return classes["meets"](column=rule.column, condition=rule.condition, meta=meta)
    query = rule.condition.strip().rstrip(";").replace("${table}" + COLUMNS, quoted(table + COLUMNS))
    query = query.replace("${table}", quoted(table))
    return classes["query"](query=query, bounds=dict(rule.bounds), meta=meta)


@cache
def _classes() -> Mapping[str, Any]:
    """Our expectations (a condition over one column, a query giving one number) and the buffering engine, installed."""
    import sqlalchemy as sa

    engine: Any = import_module("great_expectations.execution_engine").SqlAlchemyExecutionEngine
    expectation: Any = import_module("great_expectations.expectations.expectation")
    columns: Any = import_module("great_expectations.expectations.metrics.map_metric_provider")
    tables: Any = import_module("great_expectations.expectations.metrics.table_metric_provider")
    metric: Any = import_module("great_expectations.expectations.metrics.metric_provider")
    sources: Any = import_module("great_expectations.datasource.fluent")

    class Buffering(engine):  # type: ignore[misc]
        """Reads every result to its end while the connection is still ours, and quotes DuckDB's own key words."""

        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            with self.engine.connect() as connection:
                words = connection.execute(sa.text("SELECT keyword_name FROM duckdb_keywords()")).scalars().all()
            preparer = self.engine.dialect.identifier_preparer
            preparer.reserved_words = {*preparer.reserved_words, *words}

        def execute_query(self, query: Any) -> Any:
            with self.get_connection() as connection:
                return connection.execute(query).freeze()()

        execute_query_in_transaction = execute_query

    sources.SQLDatasource.execution_engine_override = Buffering

    class ColumnValuesMeet(columns.ColumnMapMetricProvider):  # type: ignore[misc]
        condition_metric_name = "column_values.meet_condition"
        condition_value_keys = ("condition",)

        @columns.column_condition_partial(engine=engine)  # type: ignore[untyped-decorator]
        def _sqlalchemy(cls, column: Any, condition: str, **_: Any) -> Any:
            return sa.literal_column(f"coalesce(({condition}), FALSE)", sa.Boolean())

    class ExpectColumnValuesToMeet(expectation.ColumnMapExpectation):  # type: ignore[misc]
        """Every value that is not null meets a condition written in SQL."""

        condition: str
        map_metric = "column_values.meet_condition"
        success_keys = ("condition", "mostly")

    class TableContractQuery(tables.TableMetricProvider):  # type: ignore[misc]
        metric_name = "table.contract_query"
        value_keys = ("query",)

        @metric.metric_value(engine=engine)  # type: ignore[untyped-decorator]
        def _sqlalchemy(
            cls, execution_engine: Any, metric_domain_kwargs: Any, metric_value_kwargs: Any, **_: Any
        ) -> Any:
            # A colon would begin a bound parameter.
            text = sa.text(metric_value_kwargs["query"].replace(":", "\\:"))
            return execution_engine.execute_query(text).scalar()

    class ExpectContractQueryToHold(expectation.BatchExpectation):  # type: ignore[misc]
        """The number a query of the contract gives lies within the contract's bounds."""

        query: str
        bounds: dict[str, float]
        metric_dependencies = ("table.contract_query",)
        success_keys = ("query", "bounds")

        def _validate(self, metrics: Any, runtime_configuration: Any = None, execution_engine: Any = None) -> Any:
            observed = metrics["table.contract_query"]
            held = observed is not None and all(_compare(observed, w, b) for w, b in self.bounds.items())
            return {"success": held, "result": {"observed_value": observed}}

    return {"meets": ExpectColumnValuesToMeet, "query": ExpectContractQueryToHold}


def _compare(observed: float, word: str, bound: float) -> bool:
    match BOUNDS[word]:
        case "==":
            return observed == bound
        case "!=":
            return observed != bound
        case ">":
            return observed > bound
        case ">=":
            return observed >= bound
        case "<":
            return observed < bound
    return observed <= bound


def _outcome(rule: Expectation, result: Any) -> dict[str, Any]:
    said = result.result or {}
    raised = _exception(result.exception_info)
    if raised:  # data of another type than the rule supposes, or a rule that reaches for what it may not
        said = {"observed_value": f"could not be evaluated: {raised}"}
    return {
        "rule": rule.rule,
        "column": rule.column,
        "success": bool(result.success) and not raised,
        "severity": rule.severity,
        "expectation": result.expectation_config.type,
        "unexpected": said.get("unexpected_count"),
        "observed": said.get("observed_value"),
        "examples": list(said.get("partial_unexpected_list", ()))[:EXAMPLES],
        "pointer": rule.pointer,
    }


def _exception(told: Any) -> str:
    """The message of an exception GX swallowed: its place in the result differs by expectation."""
    if not isinstance(told, Mapping):
        return ""
    if told.get("raised_exception"):
        return str(told.get("exception_message")).strip().splitlines()[0]
    return next((text for part in told.values() if isinstance(part, Mapping) and (text := _exception(part))), "")


def _page(result: Any) -> str:
    """The Data Docs page, without the scripts and styles it would load from the network."""
    renderer: Any = import_module("great_expectations.render.renderer.page_renderer").ValidationResultsPageRenderer()
    view: Any = import_module("great_expectations.render.view").DefaultJinjaPageView()
    page: str = view.render(renderer.render(result))
    page = re.sub(r"<script[^>]*\bsrc=[^>]*>\s*</script>", "", page)
    page = re.sub(r"<link[^>]*\bhref=[\"']?(?:https?:)?//[^>]*>", "", page)
    return re.sub(r"<img[^>]*\bsrc=[\"']?https?://[^>]*>", "", page)


if __name__ == "__main__":
    main()
