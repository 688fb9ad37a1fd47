"""`tongban mock personas`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from mockdata.cli.asking import PEOPLE, TODAY, AsOf, Identifiers, Json, Mode, Scenario, Seed, Size, population_of
from mockdata.cli.output import faults, print_json


class Language(StrEnum):
    """Languages of the stories."""

    CHINESE = "zh_CN"
    ENGLISH = "en"


def personas(
    seed: Seed = "1",
    population: Size = PEOPLE,
    as_of: AsOf = TODAY,
    identifiers: Mode = Identifiers.RESERVED,
    scenario: Scenario = None,
    language: Annotated[Language, typer.Option(help="Language of the stories.")] = Language.CHINESE,
    as_json: Json = False,
) -> None:
    """List the golden people of a population: number, story, relatives, and the datasets that show them.

    Example: tongban mock personas --seed 7 --language en
    """
    with faults():
        from mockdata.personas import personas as found

        people = found(population_of(seed, population, as_of, identifiers, scenario))
        if as_json:
            told = [one.to_json() for one in people]
            print_json([{**one, **{word: one[word][language.value] for word in ("title", "story")}} for one in told])
            return
        for one in people:
            typer.echo(f"{one.id}  {one.citizen_number}  {one.name}")
            typer.echo(f"  {one.title[language.value]}")
            typer.echo(f"  {one.story[language.value]}")
            for role, (number, name) in one.relatives.items():
                typer.echo(f"  {role}: {number} {name}")
            typer.echo(f"  {', '.join(shown.interface for shown in one.shown)}")
