"""`tongban mock instances`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from mockdata.cli.asking import Seed
from mockdata.cli.output import BAD_INPUT, USAGE, end, faults


def instances(
    schema: Annotated[str, typer.Option(help="A JSON Schema file, or - for standard input.")],
    draft: Annotated[str, typer.Option(help="2020-12, 2019-09 or draft-7, where the schema does not say.")] = "2020-12",
    number: Annotated[int, typer.Option("-n", "--number", min=1, help="How many instances.")] = 1,
    seed: Seed = "1",
) -> None:
    """Print valid instances of a JSON Schema, one JSON value a line.

    Example: echo '{"type":"integer","minimum":3}' | tongban mock instances --schema - -n 3
    """
    with faults():
        from mockdata.instances import Instances, Unsatisfiable
        from mockdata.seeds import stream

        try:
            text = sys.stdin.read() if schema == "-" else Path(schema).read_text(encoding="utf-8")
            document = json.loads(text)
        except (ValueError, UnicodeDecodeError) as error:
            end(BAD_INPUT, f"{schema if schema != '-' else 'standard input'}: no JSON: {error}", "give one JSON Schema")
        if draft not in ("2020-12", "2019-09", "draft-7"):
            end(USAGE, f"unknown draft {draft!r}", "2020-12, 2019-09 or draft-7")
        try:
            made = Instances(document, draft)
            lines = [json.dumps(made.example(stream(seed, at)), ensure_ascii=False) for at in range(number)]
        except Unsatisfiable as error:
            end(BAD_INPUT, f"no valid instance: {error.pointer or '#'}: {error.reason}")
        for line in lines:
            print(line)
