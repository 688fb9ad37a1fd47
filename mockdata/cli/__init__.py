"""`tongban mock`: synthetic datasets, lookups, JSON instances and mock servers for any spec. One module a command.

Exit codes: 0 done · 1 nothing found, or data that fail their check · 2 wrong usage · 3 a spec or a plan that cannot be
used · 4 the environment (folder, target, disk, database, cluster, port) · 130 cancelled.
"""

from __future__ import annotations

import typer

from mockdata.cli.check import check
from mockdata.cli.generate import generate
from mockdata.cli.instances import instances
from mockdata.cli.lookup import lookup
from mockdata.cli.personas import personas
from mockdata.cli.realism import realism
from mockdata.cli.score import score
from mockdata.cli.serve import serve
from mockdata.cli.tail import tail
from mockdata.cli.verify import verify

app = typer.Typer(
    help="Synthetic data, lookups and mock servers for any spec.", no_args_is_help=True, add_completion=False
)
for command in (generate, check, realism, verify, score, lookup, personas, instances, serve, tail):
    app.command()(command)
