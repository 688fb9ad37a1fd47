"""Where Great Expectations judges datasets: ``python -m mockdata.quality.judge``, one JSON line a request.

The only module that knows Great Expectations. It has a process of its own because importing it takes seconds and
300 MB, and DuckDB's bindings complain when an interpreter that used both ends. The database the data are judged in
is made by `opening`.

Two traps of GX 1.24 on DuckDB are dealt with here. It reads cursors after their connection went back to the pool, and
duckdb-engine then gives **empty results**, so every rule would hold: the execution engine buffers results. And its
regular expression metric has no DuckDB dialect: patterns are SQL conditions.
"""

from __future__ import annotations

import json
import os
import re
import select
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any

from mockdata.quality.expectations import BOUNDS, COLUMNS, Expectation, quoted
from mockdata.quality.opening import SETTINGS, load, shut

EXAMPLES = 5
"""Offending values shown for a rule that fails."""
IDLE_SECONDS = 5.0
"""Without a request for so long the process ends and gives its memory back; the next request starts another."""


class Unjudgeable(RuntimeError):
    """The check itself could not be made: no verdict on the data."""


def main() -> None:
    """Answers each line of standard input (a JSON list of jobs) with a line of standard output (a list of their
    answers). Lines before that are texts that say how far it is.
    """
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever the libraries print goes to standard error
    import_module("great_expectations")

    def say(value: Any) -> None:
        out.write(json.dumps(value, default=str) + "\n")
        out.flush()

    while select.select([sys.stdin], [], [], IDLE_SECONDS)[0] and (line := sys.stdin.readline()):
        jobs = json.loads(line)
        answers = []
        for number, job in enumerate(jobs, 1):
            which = f"{number} of {len(jobs)}: " if len(jobs) > 1 else ""
            answers.append(_answer(job, lambda text, which=which, job=job: say(f"{which}{job['name']}: {text}")))  # type: ignore[misc]
        say(answers)


def _answer(job: dict[str, Any], tell: Callable[[str], None]) -> dict[str, Any]:
    import duckdb
    import pyarrow as pa

    table = job["suite"]["table"]
    with tempfile.TemporaryDirectory(prefix="tongban-quality-") as folder:
        scratch = Path(folder)
        database = str(scratch / "data.duckdb")
        try:
            tell("reading")
            rows = load(database, table, job, scratch)
            tell(f"{rows:,} rows")
            with _shutting(job, scratch):
                judged = _judged(database, table, rows, job, tell)
            return {**judged, "unchecked": job["suite"]["unchecked"]}
        except (duckdb.Error, Unjudgeable, OSError, UnicodeDecodeError, pa.ArrowException) as error:
            return {"fault": str(error).splitlines()[0]}


@contextmanager
def _shutting(job: Mapping[str, Any], scratch: Path) -> Iterator[None]:
    """Every connection Great Expectations opens is shut before it is used."""
    from sqlalchemy import event
    from sqlalchemy.pool import Pool

    def first(connection: Any, record: Any) -> None:
        shut(connection, job, scratch)

    event.listen(Pool, "connect", first)
    try:
        yield
    finally:
        event.remove(Pool, "connect", first)


def _judged(
    database: str, table: str, rows: int, job: Mapping[str, Any], tell: Callable[[str], None]
) -> dict[str, Any]:
    gx = import_module("great_expectations")
    classes = _classes()
    rules = [Expectation(**{**part, "values": tuple(part["values"])}) for part in job["suite"]["expectations"]]
    if job["rows"] is not None:
        rules.append(Expectation("rows", "rows of the manifest", values=(job["rows"],)))
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    source = context.data_sources.add_sql(
        name="dataset",
        connection_string=f"duckdb:///{database}",
        create_temp_table=False,
        kwargs={"connect_args": {"read_only": True, "config": SETTINGS}},
    )
    asset = source.add_query_asset(name=table, query=f"SELECT * FROM {quoted(table)}")
    expectations = [_expectation(rule, number, table, classes) for number, rule in enumerate(rules)]
    made = context.suites.add(gx.ExpectationSuite(name=job["name"], expectations=expectations))
    definition = context.validation_definitions.add(
        gx.ValidationDefinition(name=job["name"], data=asset.add_batch_definition_whole_table("all"), suite=made)
    )
    queries = count()
    classes["engine"].heard = lambda: tell(f"{rows:,} rows, {len(rules)} expectations, query {next(queries) + 1}")
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

        heard: Callable[[], None] = staticmethod(lambda: None)

        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            with self.engine.connect() as connection:
                words = connection.execute(sa.text("SELECT keyword_name FROM duckdb_keywords()")).scalars().all()
            preparer = self.engine.dialect.identifier_preparer
            preparer.reserved_words = {*preparer.reserved_words, *words}

        def execute_query(self, query: Any) -> Any:
            type(self).heard()
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

    return {"meets": ExpectColumnValuesToMeet, "query": ExpectContractQueryToHold, "engine": Buffering}


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
