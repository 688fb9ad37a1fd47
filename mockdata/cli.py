"""`tongban mock`: synthetic datasets, lookups, JSON instances and mock servers for any spec.

Exit codes: 0 done · 1 nothing found, or data that fail their check · 2 wrong usage · 3 a spec or a plan that cannot be
used · 4 the environment (folder, target, port).
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from mockdata.population import Population
    from mockdata.quality.quality import QualityResult
    from specs.model import Interface, Table

app = typer.Typer(
    help="Synthetic data, lookups and mock servers for any spec.", no_args_is_help=True, add_completion=False
)

_NEGATIVE, _USAGE, _BAD_INPUT, _ENVIRONMENT = 1, 2, 3, 4


class Format(StrEnum):
    """Formats of a dataset."""

    PARQUET = "parquet"
    CSV = "csv"
    JSONL = "jsonl"
    ARROW = "arrow"


class Identifiers(StrEnum):
    """Whether identifiers can be anybody's."""

    RESERVED = "reserved"
    REALISTIC = "realistic"


_Spec = Annotated[str, typer.Argument(metavar="INTERFACE|FILE", help="Id of a shipped interface, or a document.")]
_Seed = Annotated[str, typer.Option(help="Same seed, same data.")]
_Size = Annotated[int, typer.Option(min=1000, help="Persons of the virtual population.")]
_AsOf = Annotated[str, typer.Option(help="The day the data are of, yyyy-MM-dd.")]
_Mode = Annotated[Identifiers, typer.Option(help="reserved: numbers nobody can have.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
PEOPLE, TODAY = 1_400_000_000, "2026-11-01"


@app.command()
def generate(
    spec: _Spec,
    table: Annotated[str | None, typer.Option(help="Which table; all tables of a dataset without it.")] = None,
    rows: Annotated[int, typer.Option(min=0, help="Rows of each table.")] = 1000,
    seed: _Seed = "1",
    format: Annotated[Format, typer.Option(help="File format.")] = Format.PARQUET,
    out: Annotated[Path, typer.Option(help="Folder to write into; made when missing.")] = Path(),
    workers: Annotated[int, typer.Option(min=1, max=61, help="Processes; the bytes are the same for any number.")] = 1,
    force: Annotated[bool, typer.Option("--force", help="Replace what is there already.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Judge the files by the interface (Great Expectations).")
    ] = False,
    population: _Size = PEOPLE,
    as_of: _AsOf = TODAY,
    identifiers: _Mode = Identifiers.RESERVED,
    as_json: _Json = False,
) -> None:
    """Write synthetic rows of an interface's tables, each with a manifest beside it.

    Example: tongban mock generate police.resident-register --rows 100000 --out data
    """
    with _faults():
        from mockdata.tables.plan import plan
        from mockdata.tables.write import FORMATS, TargetExists, write

        interface = _interface(spec)
        tables = _tables(interface, table)
        world = _population(seed, population, as_of, identifiers)
        plans = [plan(interface, one, world, parent_rows=max(rows, 1), interfaces=_known(interface)) for one in tables]
        targets = [out / f"{made.interface}.{made.table}{FORMATS[format.value]}" for made in plans]
        for made, target in zip(plans, targets, strict=True):
            made.allow(rows)
            if target.exists() and not force:
                raise TargetExists(target)
        manifests = []
        for made, target in zip(plans, targets, strict=True):
            began = time.perf_counter()
            with _progress(f"{made.interface} {made.table}", rows) as tick:
                manifest = write(made, rows, target, format.value, force=force, workers=workers, progress=tick)
            seconds = time.perf_counter() - began
            manifests.append(manifest.to_json())
            if not as_json:
                size = sum(file.bytes for file in manifest.files)
                rate = f"{rows / seconds:,.0f} rows/s" if rows else "no rows"
                typer.echo(f"{target}  {rows:,} rows  {size:,} bytes  {seconds:.1f} s  {rate}")
        results = _checked(list(zip(targets, [interface] * len(tables), tables, strict=True))) if check else ()
        if as_json:
            for entry, result in zip(manifests, results, strict=False):
                entry["quality"] = result.to_json()
            _print(manifests)
        else:
            _tell(results)
        if not all(result.success for result in results):
            raise typer.Exit(_NEGATIVE)


@app.command()
def check(
    spec: _Spec,
    file: Annotated[Path, typer.Argument(help="Parquet, CSV or JSON Lines file, or a folder of parts.")],
    table: Annotated[str | None, typer.Option(help="Which table the file holds.")] = None,
    html: Annotated[bool, typer.Option("--html", help="Write the Data Docs page too.")] = False,
    as_json: _Json = False,
) -> None:
    """Judge a dataset by its interface; writes FILE.quality.json beside it.

    Example: tongban mock check police.resident-register data/residents.parquet --html
    """
    with _faults():
        from mockdata.tables.relations import table_of

        interface = _interface(spec)
        results = _checked([(file, interface, table_of(interface, table))], html)
        if as_json:
            _print([result.to_json() for result in results])
        else:
            _tell(results)
        if not all(result.success for result in results):
            raise typer.Exit(_NEGATIVE)


@app.command()
def lookup(
    spec: _Spec,
    key: Annotated[str, typer.Option(help="Primary key of the record, or a citizen number.")],
    table: Annotated[str | None, typer.Option(help="Which table, when there are several.")] = None,
    seed: _Seed = "1",
    population: _Size = PEOPLE,
    as_of: _AsOf = TODAY,
    identifiers: _Mode = Identifiers.RESERVED,
    as_json: _Json = False,
) -> None:
    """Show one record by its key, exactly as datasets and sandboxes of the same seed have it.

    Example: tongban mock lookup police.resident-register --key 160101199811300304
    """
    with _faults():
        from mockdata.tables.lookup import lookup as find

        record = find(_interface(spec), key, _population(seed, population, as_of, identifiers), table)
        if record is None:
            _end(
                _NEGATIVE, f"no record has the key {key!r}", "keys come from a dataset of the same seed and population"
            )
        if as_json:
            _print(record)
        else:
            for name, value in record.items():
                typer.echo(f"{name}\t{'' if value is None else value}")


@app.command()
def instances(
    schema: Annotated[str, typer.Option(help="A JSON Schema file, or - for standard input.")],
    draft: Annotated[str, typer.Option(help="2020-12, 2019-09 or draft-7, where the schema does not say.")] = "2020-12",
    number: Annotated[int, typer.Option("-n", "--number", min=1, help="How many instances.")] = 1,
    seed: _Seed = "1",
) -> None:
    """Print valid instances of a JSON Schema, one JSON value a line.

    Example: echo '{"type":"integer","minimum":3}' | tongban mock instances --schema - -n 3
    """
    with _faults():
        from mockdata.instances import Instances, Unsatisfiable
        from mockdata.seeds import stream

        try:
            text = sys.stdin.read() if schema == "-" else Path(schema).read_text(encoding="utf-8")
            document = json.loads(text)
        except (ValueError, UnicodeDecodeError) as error:
            _end(
                _BAD_INPUT, f"{schema if schema != '-' else 'standard input'}: no JSON: {error}", "give one JSON Schema"
            )
        if draft not in ("2020-12", "2019-09", "draft-7"):
            _end(_USAGE, f"unknown draft {draft!r}", "2020-12, 2019-09 or draft-7")
        try:
            made = Instances(document, draft)
            lines = [json.dumps(made.example(stream(seed, at)), ensure_ascii=False) for at in range(number)]
        except Unsatisfiable as error:
            _end(_BAD_INPUT, f"no valid instance: {error.pointer or '#'}: {error.reason}")
        for line in lines:
            print(line)


@app.command()
def serve(
    specs: Annotated[list[str], typer.Argument(metavar="SPEC...", help="Interface ids or documents.")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8080,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    seed: _Seed = "1",
    population: _Size = PEOPLE,
    as_of: _AsOf = TODAY,
    identifiers: _Mode = Identifiers.RESERVED,
    open_: Annotated[bool, typer.Option("--open", help="Ask for no credentials.")] = False,
) -> None:
    """Answer every documented operation of APIs; one alone at the root, several below /{interface id}.

    Example: tongban mock serve petstore.yaml --port 8080
    """
    with _faults():
        import socket

        import uvicorn

        from mockdata.sandbox import Sandbox

        read = [_interface(spec) for spec in specs]
        apis = [one for one in read if one.operations]
        if not apis:
            _end(
                _BAD_INPUT,
                f"{', '.join(specs)}: no operations to answer",
                "only OpenAPI and Swagger documents have any",
            )
        listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen(128)  # whoever reads the address below may call at once
        except OSError as error:
            _end(
                _ENVIRONMENT,
                f"cannot listen on {host}:{port}: {error.strerror}",
                "choose another --port; 0 takes a free one",
            )
        with listener:
            world = _population(seed, population, as_of, identifiers)
            sandbox = Sandbox(apis, world, seed=seed, bare=len(apis) == 1, authenticate=not open_)
            base = f"http://{host}:{listener.getsockname()[1]}"
            for one in apis:
                place = base if len(apis) == 1 else f"{base}/{one.id}"
                typer.echo(f"{one.id}: {len(one.operations)} operations at {place}", err=True)
            config = uvicorn.Config(sandbox, log_level="warning", lifespan="off", access_log=False)
            uvicorn.Server(config).run(sockets=[listener])


# ---- what the commands share ------------------------------------------------------------------------------------


def _end(code: int, line: str, hint: str = "") -> NoReturn:
    print(f"tongban: {line}", file=sys.stderr)
    if hint:
        print(f"  hint: {hint}", file=sys.stderr)
    raise typer.Exit(code)


@contextmanager
def _faults() -> Iterator[None]:
    """Every expected error is one line, a hint and an exit code."""
    from mockdata.quality.quality import QualityError
    from mockdata.tables.recipes import PlanError
    from specs.finding import SpecError

    try:
        yield
    except PlanError as error:
        place = f"{error.pointer}: " if error.pointer else ""
        _end(_BAD_INPUT, f"{place}{error}", error.hint)
    except SpecError as error:
        _end(_BAD_INPUT, str(error))
    except QualityError as error:
        _end(_BAD_INPUT, str(error))
    except FileExistsError as error:
        _end(_ENVIRONMENT, f"{error.filename} exists already", "--force replaces it; --out names another folder")
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        place = f": {error.filename}" if error.filename else ""
        _end(_ENVIRONMENT, f"{error.strerror or error}{place}", "check that the folder exists and may be written")


def _interface(spec: str) -> Interface:
    from specs import library
    from specs.reading import read

    path = Path(spec)
    known = library.interfaces()
    if spec in known:
        return known[spec]
    if path.is_file():
        return read(path)
    if path.suffix in (".yaml", ".yml", ".json") or "/" in spec:
        _end(_BAD_INPUT, f"{spec}: there is no such file", "give a document, or the id of a shipped interface")
    import difflib

    near = difflib.get_close_matches(spec, known, 4, 0.4)
    _end(_BAD_INPUT, f"no interface {spec!r}", f"near: {', '.join(near)}" if near else f"there are {', '.join(known)}")


def _known(interface: Interface) -> dict[str, Interface]:
    from specs import library

    return {**library.interfaces(), interface.id: interface}


def _tables(interface: Interface, name: str | None) -> list[Table]:
    """The table asked for, or all of a dataset, parents before those that name them."""
    from mockdata.tables.relations import table_of

    if name is not None or not interface.tables:
        return [table_of(interface, name)]
    left, done = list(interface.tables), list[Any]()
    while left:
        named = {table.name for table in left}
        ready = [
            table
            for table in left
            if not any(key.interface is None and key.table in named - {table.name} for key in table.foreign_keys)
        ]
        done += ready or left  # a circle is told by the plan
        left = [table for table in left if table not in done]
    return done


def _population(seed: str, size: int, as_of: str, mode: Identifiers) -> Population:
    from datetime import date

    from mockdata.population import Population

    try:
        day = date.fromisoformat(as_of)
    except ValueError:
        _end(_USAGE, f"--as-of {as_of!r} is no date", "write it as yyyy-MM-dd")
    try:
        return Population(int(seed) if seed.lstrip("-").isdigit() else seed, size, day, mode.value)
    except ValueError as error:
        _end(_USAGE, str(error))


def _checked(datasets: list[tuple[Path, Interface, Table]], html: bool = False) -> tuple[QualityResult, ...]:
    from rich.console import Console

    from mockdata.quality.quality import check_all

    console = Console(stderr=True)
    if not console.is_terminal:
        return check_all(datasets, html=html)
    with console.status("Great Expectations is judging the files"):
        return check_all(datasets, html=html)


def _tell(results: tuple[QualityResult, ...]) -> None:
    for result in results:
        verdict = "passes" if result.success else "FAILS"
        typer.echo(f"{result.file}  {verdict}  {len(result.outcomes)} expectations  {result.rows:,} rows")
        for outcome in result.failed:
            count = f"{outcome.unexpected:,} rows" if outcome.unexpected is not None else f"found {outcome.observed}"
            shown = f"  like {', '.join(repr(value) for value in outcome.examples[:3])}" if outcome.examples else ""
            typer.echo(f"  {outcome.severity}: {outcome.column or 'table'}: {outcome.rule}: {count}{shown}")
        for missing in result.unchecked:
            typer.echo(f"  not checked: {missing['column']}: {missing['rule']}: {missing['reason']}")


def _print(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2, default=str))


@contextmanager
def _progress(title: str, rows: int) -> Iterator[Callable[[int], None] | None]:
    """A bar with rate and time left on standard error; nothing when that is no terminal."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal or not rows:
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(title, total=rows)
        yield lambda done: bar.advance(task, done)
