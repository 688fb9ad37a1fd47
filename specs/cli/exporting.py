"""`tongban spec export`."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from specs.cli.output import BAD_INPUT, folder, save
from specs.finding import SpecError

if TYPE_CHECKING:
    from specs.exporters.dcat import CatalogueInfo
    from specs.model import Interface


class To(StrEnum):
    """What to write."""

    ODCS = "odcs"
    DCAT_JSONLD = "dcat-jsonld"
    DCAT_TURTLE = "dcat-turtle"
    JSONSCHEMA = "jsonschema"
    MARKDOWN = "markdown"
    HTML = "html"
    CATALOGUE_XLSX = "catalogue-xlsx"


class Language(StrEnum):
    """The language of a page."""

    ZH = "zh_CN"
    EN = "en"


_TOGETHER = {To.DCAT_JSONLD: ".jsonld", To.DCAT_TURTLE: ".ttl", To.CATALOGUE_XLSX: ".xlsx"}
"""Formats that hold all interfaces in one file."""
_EACH = {To.ODCS: ".odcs.yaml", To.MARKDOWN: ".md", To.HTML: ".html", To.JSONSCHEMA: ".schema.json"}


def export(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="The documents.", show_default=False)],
    format: Annotated[To, typer.Option(help="What to write.", show_default=False)],
    output: Annotated[
        Path | None, typer.Option(help="The file to write, or the folder when there are several (default: stdout).")
    ] = None,
    language: Annotated[
        Language, typer.Option(help="The language of a page; HTML holds both and shows it first.")
    ] = Language.ZH,
    sandbox: Annotated[str | None, typer.Option(help="Base URL of the sandbox the form of an HTML page calls.")] = None,
    url: Annotated[str | None, typer.Option(help="Address of the catalogue, for DCAT.")] = None,
) -> None:
    """Write interfaces in a form others read.

    DCAT and the catalogue sheet hold all interfaces together; the other formats give a file each (JSON Schema: one
    for each table, request and answer), named after the interface when --output is a folder.
    """
    from specs.reading import read

    if sandbox is not None and not sandbox.startswith(("http://", "https://")):
        typer.echo(f"error: --sandbox {sandbox!r} — a URL such as http://127.0.0.1:4010", err=True)
        raise typer.Exit(2)
    interfaces: list[Interface] = []
    for file in files:
        try:
            interfaces.append(read(file))
        except SpecError as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(BAD_INPUT) from None
    parts = _together(format, interfaces, url) if format in _TOGETHER else _each(format, interfaces, language, sandbox)
    _write(parts, output, format)


def _together(format: To, interfaces: list[Interface], url: str | None) -> dict[str, str | bytes]:
    name = f"catalogue{_TOGETHER[format]}"
    if format is To.CATALOGUE_XLSX:
        from specs.exporters.catalogue_sheet import catalogue_sheet

        try:
            return {name: catalogue_sheet(interfaces)}
        except ModuleNotFoundError as error:
            typer.echo(f"error: a workbook needs the package {error.name} — pip install 'tongban[import]'", err=True)
            raise typer.Exit(2) from None
    from specs.exporters.dcat import dcat, turtle

    info = _info(url)
    if format is To.DCAT_TURTLE:
        return {name: turtle(interfaces, info)}
    return {name: _json(dcat(interfaces, info))}


def _info(url: str | None) -> CatalogueInfo:
    from specs.exporters.dcat import CatalogueInfo

    return CatalogueInfo(url=url.rstrip("/")) if url else CatalogueInfo()


def _each(format: To, interfaces: list[Interface], language: Language, sandbox: str | None) -> dict[str, str | bytes]:
    made: dict[str, str | bytes] = {}
    one = _exporter(format, language, sandbox)
    for interface in interfaces:
        for part, text in one(interface).items():
            stem = ".".join(word for word in (interface.id, part) if word)
            made[f"{re.sub(r'[^A-Za-z0-9_.-]+', '-', stem)[:150]}{_EACH[format]}"] = text
    return made


def _exporter(format: To, language: Language, sandbox: str | None) -> Callable[[Interface], Mapping[str, str]]:
    if format is To.HTML:
        from specs.exporters.html import html

        return lambda interface: {"": html(interface, language.value, sandbox)}
    if format is To.MARKDOWN:
        from specs.exporters.markdown import markdown

        return lambda interface: {"": markdown(interface, language.value)}
    if format is To.JSONSCHEMA:
        from specs.exporters.jsonschema import jsonschema

        return lambda interface: {name: _json(schema) for name, schema in jsonschema(interface).items()}
    from specs.exporters.odcs import contract
    from specs.exporters.writing import yaml_text

    return lambda interface: {"": yaml_text(contract(interface))}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def _write(parts: Mapping[str, str | bytes], output: Path | None, format: To) -> None:
    if not parts:
        typer.echo(f"error: nothing to write: the documents describe no data for {format.value}", err=True)
        raise typer.Exit(2)
    single = len(parts) == 1
    content = next(iter(parts.values()))
    if output is None and single and (isinstance(content, str) or not sys.stdout.isatty()):
        sys.stdout.buffer.write(content.encode("utf-8") if isinstance(content, str) else content)
        return
    if output is None:
        why = "a workbook is no text" if single else f"{len(parts)} files"
        typer.echo(f"error: {why} — name a place: --output", err=True)
        raise typer.Exit(2)
    inside = not single or output.is_dir()
    folder(output if inside else output.parent)
    for name, text in parts.items():
        path = output / name if inside else output
        save(path, text)
        typer.echo(str(path), err=True)
