"""The command ``tongban``: one word a package, plus what runs the service.

Heavy imports happen inside commands, so ``tongban --help`` is quick and the base install (specs alone) works.
Exit codes: 0 ok · 1 negative verdict · 2 usage · 3 bad input · 4 environment · 5 our own error (docs/errors.md).
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from exchange.errors import TongbanError, Unavailable
from exchange.ledger.witness_cli import EXAMPLE as WITNESS_EXAMPLE
from exchange.ledger.witness_cli import witness
from specs.finding import SpecError

if TYPE_CHECKING:
    from exchange.settings import Settings

app = typer.Typer(
    name="tongban",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Data-sharing exchange and mock-data sandbox. Start with: tongban demo",
)
for name, module, line in (
    ("spec", "specs.cli", "Read, describe and lint interface specs."),
    ("mock", "mockdata.cli", "Synthetic data, lookups and mock servers for any spec."),
    ("conform", "conformance.cli", "Test an app black-box, verify a certificate."),
    ("ledger", "exchange.ledger.cli", "Export, show and verify the ledger."),
):
    app.add_typer(importlib.import_module(module).app, name=name, help=line)
app.command(epilog=WITNESS_EXAMPLE)(witness)


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on [TONGBAN_HOST].")] = "",
    port: Annotated[int, typer.Option(help="Port to listen on [TONGBAN_PORT].")] = 0,
) -> None:
    """Run the service. Example: TONGBAN_HOME=/srv/tongban tongban serve --port 8000"""
    from exchange.serving import few_heaps, run

    few_heaps()
    run(_settings(host, port))


@app.command()
def demo(
    once: Annotated[bool, typer.Option("--once", help="Run the story, print one line a step, end.")] = False,
    port: Annotated[int, typer.Option(help="Port of the portal [TONGBAN_PORT].")] = 0,
    rows: Annotated[int, typer.Option(help="Rows of each synthetic dataset.", min=100)] = 100_000,
    json: Annotated[bool, typer.Option("--json", help="Print the steps as JSON (with --once).")] = False,
) -> None:
    """Run the newborn story from published spec to audited flow, then serve the portal.

    Example: tongban demo --once
    """
    from exchange.demo import play
    from exchange.serving import few_heaps

    few_heaps()
    raise typer.Exit(play(_settings("", port), once=once, rows=rows, as_json=json))


@app.command()
def bench(
    name: Annotated[str, typer.Argument(help="Which benchmark; 'list' names them.")] = "list",
    json: Annotated[bool, typer.Option("--json", help="Print the rows as a JSON array.")] = False,
) -> None:
    """Measure against the bars and the peers, side by side in one run. Example: tongban bench story --json"""
    from exchange.bench import run

    raise typer.Exit(run(name, as_json=json))


def _settings(host: str, port: int) -> Settings:
    from exchange.settings import from_environment

    environment = dict(os.environ)
    if host:
        environment["TONGBAN_HOST"] = host
    if port:
        environment["TONGBAN_PORT"] = str(port)
    return from_environment(environment)


def _end(code: int, line: str, hint: str = "") -> NoReturn:
    print(f"tongban: {line}", file=sys.stderr)
    if hint:
        print(f"  hint: {hint}", file=sys.stderr)
    raise SystemExit(code)


def main() -> None:
    """Entry point: every expected error is one line and a hint, never a traceback."""
    try:
        app()
    except SpecError as error:
        for finding in error.findings[:20]:
            place = f"{finding.file}:{finding.line}" if finding.line else finding.file
            print(f"{place} {finding.pointer} {finding.message}".strip(), file=sys.stderr)
        first = error.findings[0]
        _end(3, f"{first.file} cannot be used", first.hint)
    except Unavailable as error:
        _end(4, error.detail, error.hint)
    except TongbanError as error:
        _end(3, error.detail, error.hint)
    except BrokenPipeError:
        raise SystemExit(0) from None
    except KeyboardInterrupt:
        _end(130, "interrupted")
    except ImportError as error:
        extra = {
            "numpy": "mock",
            "pyarrow": "mock",
            "httpx2": "conform",
            "fastapi": "exchange",
            "sqlalchemy": "exchange",
        }
        missing = (error.name or "").split(".")[0]
        _end(
            4,
            f"this command needs {missing or error}",
            f"pip install 'tongban[{extra.get(missing, 'exchange')}]'",
        )
    except OSError as error:
        place = f" {Path(error.filename)}" if isinstance(error.filename, str) else ""
        _end(4, f"{error.strerror or error}{place}", "check that the folder exists and may be written")


if __name__ == "__main__":
    main()
