"""`tongban spec bind`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from specs.cli.output import BAD_INPUT, print_json, save
from specs.finding import SpecError

if TYPE_CHECKING:
    from specs.binding import Binding
    from specs.carriers import Carrier
    from specs.model import Interface

USAGE = 2


def bind(
    file: Annotated[Path, typer.Argument(help="The document.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    min_confidence: Annotated[
        float, typer.Option(min=0.3, max=1.0, help="Below this a field counts as undecided.")
    ] = 0.6,
    write: Annotated[bool, typer.Option("--write", help="Write every inferred binding into the document.")] = False,
    confirm: Annotated[
        list[str] | None,
        typer.Option(metavar="POINTER=ELEMENT", help="Write this element at this field, whatever was inferred."),
    ] = None,
    deny: Annotated[
        list[str] | None, typer.Option(metavar="POINTER", help="Write x-element: none: no standard element.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Write the result here and leave the document as it is.", show_default=False)
    ] = None,
) -> None:
    """Show which data element each field carries, how sure that is and why; confirm or overrule it in the document.

    Only x-element is written; every other byte of the document stays as its author left it.
    """
    from specs.binding import bindings
    from specs.reading import read

    try:
        interface = read(file)
    except SpecError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(BAD_INPUT) from None
    found = list(bindings(interface))
    marks = _marks(interface, found, min_confidence if write else None, confirm or [], deny or [])
    if marks:
        _write(interface, marks, output or file)
        typer.echo(f"{len(marks)} field(s) marked in {output or file}", err=True)
        return
    if write:
        typer.echo("nothing to write: every field that could be bound already is", err=True)
        return
    if as_json:
        print_json([_json(carrier, binding, min_confidence) for carrier, binding in found])
    else:
        _table(found, min_confidence)


def _json(carrier: Carrier, binding: Binding | None, least: float) -> dict[str, Any]:
    return {
        "pointer": carrier.pointer,
        "field": carrier.field.name,
        "owner": carrier.owner,
        "state": _state(carrier, binding, least),
        "element": binding.name if binding else None,
        "title": dict(binding.element.title) if binding else None,
        "confidence": binding.confidence if binding else None,
        "reason": binding.reason if binding else None,
    }


def _state(carrier: Carrier, binding: Binding | None, least: float) -> str:
    """declared | denied | inferred | undecided | none"""
    if carrier.field.element is not None:
        return "declared" if binding else "denied" if carrier.field.element.lower() == "none" else "unknown element"
    if binding is None:
        return "none"
    return "inferred" if binding.confidence >= least else "undecided"


def _table(found: list[tuple[Carrier, Binding | None]], least: float) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from specs.picture import WIDTH
    from specs.words import say

    out = Console(highlight=False)
    if not out.is_terminal:
        out = Console(highlight=False, width=WIDTH)
    counts: dict[str, int] = {}
    table = Table(pad_edge=False)
    for column in ("field", "element", "confidence", "reason"):
        table.add_column(column, overflow="fold")
    for carrier, binding in found:
        state = _state(carrier, binding, least)
        counts[state] = counts.get(state, 0) + 1
        if state == "none":
            continue
        title = say(carrier.field.title)
        name = f"{carrier.field.name} {title}" if title and title != carrier.field.name else carrier.field.name
        what, sure, why = "", "", state
        if binding is not None:
            what = f"{binding.name} {say(binding.element.title)}"
            sure = "declared" if binding.explicit else f"{binding.confidence:.2f}"
            why = "" if binding.explicit else binding.reason
            if state == "undecided":
                what, why = f"{binding.name}?", f"undecided: {binding.reason}"
        table.add_row(*map(escape, (f"{name}\n{carrier.pointer}", what, sure, why)))
    if table.row_count:
        out.print(table)
    told = ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
    typer.echo(f"{len(found)} field(s): {told or 'nothing to bind'}", err=True)


def _marks(
    interface: Interface,
    found: list[tuple[Carrier, Binding | None]],
    least: float | None,
    confirm: list[str],
    deny: list[str],
) -> dict[str, str]:
    """What to write where. Ends with exit code 2 for a field or an element that does not exist."""
    from specs.elements import resolve

    marks: dict[str, str] = {}
    if least is not None:
        marks = {
            carrier.pointer: binding.name
            for carrier, binding in found
            if binding and not binding.explicit and binding.confidence >= least and "#" not in carrier.pointer
            and _holds_a_word(interface, carrier.pointer)
        }  # fmt: skip
    known = {carrier.pointer for carrier, _ in found}
    for said in confirm:
        pointer, equals, element = said.rpartition("=")
        if not equals:
            raise _usage(f"--confirm {said!r} names no element", "write POINTER=ELEMENT")
        try:
            resolve(element)
        except KeyError as error:
            raise _usage(str(error.args[0]), "see docs/elements-table.md") from None
        marks[pointer] = element.upper()
    marks |= dict.fromkeys(deny, "none")
    for pointer in marks:
        if pointer not in known:
            raise _usage(f"no field at {pointer!r}", "tongban spec bind FILE --json lists the pointers")
        if "#" in pointer:
            raise _usage(f"{pointer} is in another file", "run the command on that file")
    return marks


def _holds_a_word(interface: Interface, pointer: str) -> bool:
    """Whether x-element may stand at the place: not beside a $ref, which would hide it or mark all its users."""
    from specs.rules.places import written

    value = written(interface, pointer)
    return isinstance(value, dict) and "$ref" not in value


def _usage(message: str, hint: str) -> typer.Exit:
    typer.echo(f"error: {message} — {hint}", err=True)
    return typer.Exit(USAGE)


def _write(interface: Interface, marks: dict[str, str], target: Path) -> None:
    from specs.annotate import annotate

    try:
        text = annotate(interface.document, marks)
    except SpecError as error:
        for finding in error.findings:
            typer.echo(f"error: {finding}", err=True)
        raise typer.Exit(BAD_INPUT) from None
    save(target, text)
