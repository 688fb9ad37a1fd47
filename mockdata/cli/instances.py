"""`tongban mock instances`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mockdata.cli.asking import Seed, interface_of
from mockdata.cli.output import BAD_INPUT, NEGATIVE, USAGE, end, faults

if TYPE_CHECKING:
    from mockdata.instances import Boundary, Broken, Instances, Spot

DRAFTS = ("2020-12", "2019-09", "draft-7")


def instances(
    schema: Annotated[str, typer.Option(help="A JSON Schema file, or - for standard input; with --of an API.")],
    of: Annotated[
        str | None, typer.Option(help="A schema of the API: a component, 'OPERATION' (its body), 'OPERATION 200'.")
    ] = None,
    draft: Annotated[str, typer.Option(help="2020-12, 2019-09 or draft-7, where the schema does not say.")] = "2020-12",
    number: Annotated[
        int | None, typer.Option("-n", "--number", min=1, help="How many instances (1; one of each if named).")
    ] = None,
    seed: Seed = "1",
    invalid: Annotated[
        bool, typer.Option("--invalid", help="Violate exactly one keyword in each, and name it.")
    ] = False,
    boundary: Annotated[bool, typer.Option("--boundary", help="Valid ones at or just inside a limit, named.")] = False,
    keyword: Annotated[str | None, typer.Option(help="With --invalid or --boundary: only this keyword.")] = None,
    at: Annotated[str | None, typer.Option(help="The same: only at or below this pointer into the schema.")] = None,
    listing: Annotated[bool, typer.Option("--list", help="List what can be violated (or touched) instead.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object a line: the value and its names.")] = False,
) -> None:
    """Print valid instances of a JSON Schema, one JSON value a line; or invalid ones with one fault each, or values at
    the limits. What each is about goes to standard error, or with --json beside the value.

    Example: echo '{"type":"integer","minimum":3}' | tongban mock instances --schema - -n 3

    Example: tongban mock instances --schema api.yaml --of createPerson --invalid --keyword minLength --json
    """
    with faults():
        if invalid and boundary:
            end(USAGE, "--invalid and --boundary exclude each other", "ask for them one after the other")
        if (keyword or at) and not (invalid or boundary or listing):
            end(USAGE, "--keyword and --at choose among named instances", "add --invalid or --boundary")
        made = _made(schema, of, draft)
        if not (invalid or boundary or listing):
            _valid(made, number or 1, seed, as_json)
            return
        spots = made.spots(keyword, at, invalid=not boundary)
        if not spots:
            _nothing(made, keyword, at, not boundary)
        if listing:
            _list(made, spots, not boundary, as_json)
            return
        for one in _named(made, spots, number, seed, not boundary):
            _show(one, as_json)


def _made(schema: str, of: str | None, draft: str) -> Instances:
    from mockdata.instances import Instances, Unsatisfiable

    if draft not in DRAFTS:
        end(USAGE, f"unknown draft {draft!r}", "2020-12, 2019-09 or draft-7")
    document = _read(schema) if of is None else _chosen(schema, of)
    try:
        return Instances(document, draft, tolerant=of is not None)
    except Unsatisfiable as error:
        end(BAD_INPUT, f"no valid instance: {error.pointer or '#'}: {error.reason}")


def _read(schema: str) -> Any:
    try:
        text = sys.stdin.read() if schema == "-" else Path(schema).read_text(encoding="utf-8")
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        end(BAD_INPUT, f"{schema if schema != '-' else 'standard input'}: no JSON: {error}", "give one JSON Schema")
    if isinstance(document, dict) and ("openapi" in document or "swagger" in document):
        end(USAGE, f"{schema} is an API, not a schema", "--of names a component of it, or an operation")
    return document


def _chosen(spec: str, of: str) -> Any:
    """The schema of an API that `--of` names."""
    import difflib

    interface = interface_of(Path(spec).as_posix() if Path(spec).is_file() else spec)
    bodies = {operation.id: operation for operation in interface.operations}
    if of in interface.definitions:
        return interface.standalone(interface.definitions[of])
    name, status = of, ""
    if name not in bodies:
        name, _, status = of.rpartition(" ")
    if name not in bodies:
        known = [*interface.definitions, *bodies]
        near = difflib.get_close_matches(of, known, 4, 0.4)
        end(
            USAGE,
            f"{spec} has no schema {of!r}",
            f"near: {', '.join(near)}" if near else f"there are {', '.join(known[:12])}",
        )
    holder = bodies[name].response(status) if status else bodies[name].body
    contents = [one for one in (holder.contents if holder else ()) if one.schema is not None]
    if not contents:
        end(USAGE, f"{name} has no {f'answer {status}' if status else 'body'} with a schema")
    content = next((one for one in contents if one.is_json), contents[0])
    return interface.standalone(content.schema or {})


def _valid(made: Instances, number: int, seed: str, as_json: bool) -> None:
    from mockdata.instances import Unsatisfiable
    from mockdata.seeds import stream

    try:
        values = [made.example(stream(seed, at)) for at in range(number)]
    except Unsatisfiable as error:
        end(BAD_INPUT, f"no valid instance: {error.pointer or '#'}: {error.reason}")
    for value in values:
        print(json.dumps({"value": value} if as_json else value, ensure_ascii=False))


def _nothing(made: Instances, keyword: str | None, at: str | None, invalid: bool) -> None:
    there = sorted({one.keyword for one in made.spots(invalid=invalid)})
    what = "violated" if invalid else "touched"
    wanted = " ".join(filter(None, [keyword, at and f"at {at}"]))
    if not there or not wanted:
        end(NEGATIVE, f"the schema demands nothing that could be {what}")
    end(USAGE, f"the schema has no {wanted} to be {what}", f"there are {', '.join(there)}; --list shows where")


def _named(
    made: Instances, spots: tuple[Spot, ...], number: int | None, seed: str, invalid: bool
) -> Iterator[Broken | Boundary]:
    """`number` named instances, going through the spots in a drawn order again and again; without it one of each."""
    from mockdata.instances import Unsatisfiable
    from mockdata.instances.draws import Draws
    from mockdata.seeds import stream

    make = made.invalid if invalid else made.boundary
    order = list(spots) if number is None else Draws(stream(seed)).shuffled(spots)
    given, failure = 0, ""
    for turn in count():
        before = given
        for at, spot in enumerate(order):
            if given == number:
                return
            try:
                found = make(stream(seed, turn * len(order) + at), spot)
            except Unsatisfiable as error:
                failure = str(error)
                if number is None:
                    print(f"  left out: {failure}", file=sys.stderr)
                continue
            given += 1
            yield found
        if not given:
            end(NEGATIVE, failure)
        if number is None or given == before:
            return


def _show(one: Broken | Boundary, as_json: bool) -> None:
    if as_json:
        print(json.dumps(asdict(one), ensure_ascii=False))
        return
    print(json.dumps(one.value, ensure_ascii=False), flush=True)
    print(f"  {one.told}  ({one.schema_pointer or '#'}, value {one.instance_pointer or '#'})", file=sys.stderr)


def _list(made: Instances, spots: tuple[Spot, ...], invalid: bool, as_json: bool) -> None:
    """The spots that can be had, and on standard error (with --json: with a reason) those that cannot."""
    refused = {one.spot: one.reason for one in made.refusals(invalid=invalid)}
    for spot in spots:
        told = {**asdict(spot), "reason": refused.get(spot)}
        if as_json:
            print(json.dumps(told, ensure_ascii=False))
        elif spot in refused:
            print(f"  cannot be had: {spot.schema_pointer} {spot.case}: {refused[spot]}", file=sys.stderr)
        else:
            print(f"{spot.keyword}\t{spot.schema_pointer}\t{spot.instance_pointer or '#'}\t{spot.case}".rstrip())
