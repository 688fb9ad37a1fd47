"""What is asked of a command: its common options, and the interface, tables and population they mean."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mockdata.cli.output import BAD_INPUT, USAGE, end

if TYPE_CHECKING:
    from mockdata.population import Population
    from specs.model import Interface


class Identifiers(StrEnum):
    """Whether identifiers can be anybody's."""

    RESERVED = "reserved"
    REALISTIC = "realistic"


Spec = Annotated[str, typer.Argument(metavar="INTERFACE|FILE", help="Id of a shipped interface, or a document.")]
Seed = Annotated[str, typer.Option(help="Same seed, same data.")]
Size = Annotated[int, typer.Option(min=1000, help="Persons of the virtual population.")]
AsOf = Annotated[str, typer.Option(help="The day the data are of, yyyy-MM-dd.")]
Mode = Annotated[Identifiers, typer.Option(help="reserved: numbers nobody can have.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Scenario = Annotated[str | None, typer.Option(help="Scenario packs: names or YAML files, with commas between.")]
TOLD = 5
PEOPLE, TODAY = 1_400_000_000, "2026-11-01"


def interface_of(spec: str) -> Interface:
    from specs import library
    from specs.reading import read

    path = Path(spec)
    known = library.interfaces()
    if spec not in known and path.is_file():
        found = read(path)
        _tell_removed(found)
        return found
    if spec not in known and (path.suffix in (".yaml", ".yml", ".json") or "/" in spec):
        end(BAD_INPUT, f"{spec}: there is no such file", "give a document, or the id of a shipped interface")
    if spec not in known:
        import difflib

        near = difflib.get_close_matches(spec, known, 4, 0.4)
        hint = f"near: {', '.join(near)}" if near else f"there are {', '.join(known)}"
        end(BAD_INPUT, f"no interface {spec!r}", hint)
    return known[spec]


def _tell_removed(interface: Interface) -> None:
    """What a document says and nobody can read is not kept, and that is told."""
    from specs.finding import Severity

    removed = [f for f in interface.findings if f.severity is Severity.ERROR and "removed" in f.message]
    for finding in removed[:TOLD]:
        print(f"tongban: not kept: line {finding.line}: {finding.pointer}: {finding.message}", file=sys.stderr)
    if len(removed) > TOLD:
        print(f"tongban: not kept: {len(removed) - TOLD:,} more; tongban spec lint names all", file=sys.stderr)


def known_to(interface: Interface) -> dict[str, Interface]:
    from specs import library

    return {**library.interfaces(), interface.id: interface}


def population_of(seed: str, size: int, as_of: str, mode: Identifiers, scenario: str | None = None) -> Population:
    from datetime import date

    from mockdata.population import Population
    from mockdata.scenarios import ScenarioError, read_pack

    try:
        packs = [read_pack(name.strip()) for name in scenario.split(",")] if scenario else []
    except ScenarioError as error:
        end(USAGE, str(error), error.hint)

    try:
        day = date.fromisoformat(as_of)
    except ValueError:
        end(USAGE, f"--as-of {as_of!r} is no date", "write it as yyyy-MM-dd")
    try:
        return Population(int(seed) if seed.lstrip("-").isdigit() else seed, size, day, mode.value, packs)
    except ValueError as error:
        end(USAGE, str(error))
