"""`tongban conform`: run a suite against an app, and judge what came of it. One module a command.

Exit codes: 0 passed · 1 not passed, something broke, or a certificate refused · 2 usage · 3 unreadable document or
key · 4 environment (app unreachable, output not writable).
"""

from __future__ import annotations

import typer

from conformance.arazzo.cli import flow
from conformance.cli.cases import cases
from conformance.cli.compare import compare
from conformance.cli.rederive import rederive
from conformance.cli.replay import replay
from conformance.cli.run import run
from conformance.cli.schema import schema
from conformance.cli.verify import verify

app = typer.Typer(
    name="conform",
    help="Test a running app black box, on fresh synthetic data, and check certificates.",
    no_args_is_help=True,
    add_completion=False,
)
for command in (run, cases, replay, compare, verify, rederive, schema, flow):
    app.command()(command)
