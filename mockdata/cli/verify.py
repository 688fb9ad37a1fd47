"""`tongban mock verify`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mockdata.cli.asking import Identifiers, Json, interface_of, known_to, population_of
from mockdata.cli.output import BAD_INPUT, NEGATIVE, USAGE, end, faults, print_json, progress

if TYPE_CHECKING:
    from mockdata.tables.manifest import Manifest
    from mockdata.tables.plan import Plan
    from specs.model import Table


def verify(
    dataset: Annotated[Path, typer.Argument(help="A dataset, or its manifest.")],
    regenerate: Annotated[bool, typer.Option("--regenerate", help="Make it again and compare.")] = False,
    sample: Annotated[
        int | None, typer.Option(min=1, help="Make only so many of its parts again.", show_default="all")
    ] = None,
    spec: Annotated[str | None, typer.Option(help="The interface's document, when it is not a shipped one.")] = None,
    as_json: Json = False,
) -> None:
    """Check a dataset against its manifest, and that seed, spec and version give the same again.

    Example: tongban mock verify data/police.resident-register.residents.parquet --regenerate
    """
    with faults():
        from dataclasses import replace

        from mockdata.tables import verify as checks

        if sample is not None and not regenerate:
            end(USAGE, "--sample says how much to make again", "add --regenerate")
        try:
            target, manifest = checks.manifest_of(dataset)
        except checks.ManifestError as error:
            end(BAD_INPUT, str(error), "name a dataset with its .manifest.json beside it")
        with progress(f"digests of {target.name}", manifest.rows) as tick:
            verdict = checks.verify(target, manifest, tick)
        if regenerate:
            plan, table = _planned(manifest, spec)
            with progress(f"{target.name} again", manifest.rows) as tick:
                again = checks.regenerate(target, manifest, plan, table, sample=sample, progress=tick)
            told = {difference.file for difference in again.differences}
            kept = tuple(one for one in verdict.differences if one.file not in told)
            verdict = replace(verdict, parts=again.parts, differences=(*again.differences, *kept))
        if as_json:
            print_json(verdict.to_json())
        else:
            made = "" if verdict.parts is None else f"  {verdict.parts:,} parts made again"
            result = "is as its manifest says" if verdict.success else "DIFFERS"
            typer.echo(f"{target}  {result}  {verdict.files:,} files  {verdict.bytes:,} bytes{made}")
            for one in verdict.differences:
                typer.echo(f"  {one.file}: {one.reason}")
        if not verdict.success:
            raise typer.Exit(NEGATIVE)


def _planned(manifest: Manifest, spec: str | None) -> tuple[Plan, Table]:
    from mockdata.tables.plan import PARENTS, plan
    from mockdata.tables.relations import table_of

    try:
        world = dict(manifest.origin["population"])
        seed, mode = str(world["seed"]), Identifiers(world["identifiers"])
        packs = ",".join(manifest.origin["population"].get("scenarios", {})) or None
        population = population_of(seed, int(world["size"]), str(world["as_of"]), mode, packs)
    except (KeyError, TypeError, ValueError):
        end(BAD_INPUT, "the manifest does not say which population the data are of")
    interface = interface_of(spec or manifest.interface)
    table = table_of(interface, manifest.table)
    rows = manifest.options.get("parent_rows") or PARENTS
    where = manifest.origin.get("where")
    made = plan(interface, table, population, interfaces=known_to(interface), parent_rows=rows, where=where)
    if defects := manifest.origin.get("defects"):
        from dataclasses import replace

        from mockdata.cli.spoiling import defects_of
        from mockdata.defects import spoiled

        dirt = replace(defects_of(",".join(defects["rules"])), salt=defects["salt"])
        made = spoiled(made, dirt, interface, table, format=manifest.format, rows=manifest.rows)
    return made, table
