"""`tongban spec`: show, lint, compare and explain interface documents. One module a command; this one only wires them.

Exit codes: 0 fine · 1 findings at or above --fail-on · 2 wrong usage · 3 a document that cannot be read ·
4 a file that cannot be written.
"""

from __future__ import annotations

import typer

from specs.cli.bind import bind
from specs.cli.diff import diff
from specs.cli.exporting import export
from specs.cli.importing import import_
from specs.cli.lint import lint, rules, rulesets
from specs.cli.show import show

app = typer.Typer(
    help="Read, describe and check interface documents (OpenAPI, Swagger, ODCS, Arazzo, JSON Schema).",
    no_args_is_help=True,
    add_completion=False,
)
app.command(epilog="Example: tongban spec show marriages.openapi.yaml")(show)
app.command(epilog="Example: tongban spec lint --fail-on warning marriages.openapi.yaml")(lint)
app.command(epilog="Example: tongban spec rules unresolved-ref")(rules)
app.command(epilog="Example: tongban spec diff v1.openapi.yaml v2.openapi.yaml --quiet")(diff)
app.command(epilog="Example: tongban spec rulesets")(rulesets)
app.command(epilog="Example: tongban spec bind --min-confidence 0.8 --write marriages.openapi.yaml")(bind)
app.command("import", epilog="Example: tongban spec import catalogue.xlsx --department health --output drafts")(import_)
app.command(epilog="Example: tongban spec export marriages.openapi.yaml --format html --output marriages.html")(export)
