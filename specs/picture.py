"""An interface as a person wants to see it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from specs.binding import Binding, surroundings
from specs.model import Content, Field, Interface, Operation, Parameter
from specs.process import Process
from specs.schema import Schema
from specs.summary import binding, shape_of, type_of
from specs.words import Text, harmless, say

if TYPE_CHECKING:
    from rich.console import Console

WIDTH = 132
"""Columns when the output is no terminal."""

MAX_FIELDS, MAX_BODIES, MAX_OPERATIONS, MAX_LINES = 60, 200, 1_000, 40
"""How many fields of one body, bodies, operations and lines of one cell the tables show; `--json` gives all."""


def picture(interface: Interface, console: Console | None = None) -> None:
    """Print what the interface offers as tables (to stdout)."""
    from rich.console import Console
    from rich.text import Text as Styled

    out = console or Console(highlight=False)
    if console is None and not out.is_terminal:
        out = Console(highlight=False, width=WIDTH)
    out.print(Styled(harmless(_both(interface.title) or interface.id), style="bold"))
    facts = [interface.format, f"{interface.kind.value} interface {interface.id}", f"version {interface.version}"]
    if interface.department:
        facts.append(f"department {interface.department}")
    out.print(_shown(" · ".join(facts)))
    out.print(_shown(f"sha256 {interface.digest}"))
    for server in interface.servers[:MAX_LINES]:
        out.print(_shown(f"server {server.url}"))
    if told := say(interface.description).strip():
        out.print(_shown(told.splitlines()[0][:300]))
    if interface.operations:
        _operations(interface, out)
    if interface.webhooks:
        _calls(f"{len(interface.webhooks)} webhooks", interface.webhooks, out)
    for table in interface.tables[:MAX_BODIES]:
        title = f"{table.name} {_both(table.title)}".strip()
        if table.register:
            title += f" · register {table.register}"
        _fields(out, interface, title, table.fields)
    _more(out, len(interface.tables) - MAX_BODIES, "tables")
    if interface.process:
        _process(interface.process, out)


def _operations(interface: Interface, out: Console) -> None:
    _calls(f"{len(interface.operations)} operations", interface.operations, out)
    shown = 0
    bodies = _bodies(interface)
    for name, (schema, users) in bodies.items():
        if shown < MAX_BODIES and (fields := interface.fields(schema)):
            told = ", ".join(islice(users, 3)) + (f" and {len(users) - 3} more" if len(users) > 3 else "")
            _fields(out, interface, name if told == name else f"{name} ({told})", fields)
            shown += 1
    _more(out, len(bodies) - MAX_BODIES, "bodies")


def _calls(title: str, operations: tuple[Operation, ...], out: Console) -> None:
    table = _table(title, "operation", "id", "parameters", "body", "responses")
    for operation in operations[:MAX_OPERATIONS]:
        what = f"{operation.method} {operation.path}"
        summary = say(operation.summary)
        asked = operation.body.contents if operation.body else ()
        table.add_row(
            _shown(f"{what}\n{summary}" if summary else what) + (" (deprecated)" if operation.deprecated else ""),
            _shown(operation.id),
            _lines(_parameter(parameter) for parameter in operation.parameters),
            _lines(_content(content) for content in asked),
            _lines(_answers(operation)),
        )
    out.print(table)
    _more(out, len(operations) - MAX_OPERATIONS, "operations")


def _fields(out: Console, interface: Interface, title: str, fields: tuple[Field, ...]) -> None:
    table = _table(title, "field", "type", "element", "sensitivity", "meaning")
    near = surroundings(fields, title)
    for field in fields[:MAX_FIELDS]:
        mark = " (key)" if field.key else " *" if field.required else ""
        meaning = _both(field.title) or say(field.description).strip().split("\n")[0][:120]
        element = field.element or _guess(binding(interface, field, near))
        cells = (field.name + mark, type_of(field.schema), element, field.sensitivity or "", meaning)
        table.add_row(*map(_shown, cells))
    if len(fields) > MAX_FIELDS:
        table.add_row(f"… {len(fields) - MAX_FIELDS} more", "", "", "", "")
    out.print(table)


def _guess(binding: Binding | None) -> str:
    return f"{binding.name}? {binding.confidence:.2f}" if binding is not None else ""


def _shown(text: str) -> str:
    from rich.markup import escape

    return escape(harmless(text))


def _lines(parts: Iterator[str]) -> str:
    shown = [_shown(part[:400]) for part in islice(parts, MAX_LINES)]
    rest = sum(1 for _ in parts)
    return "\n".join([*shown, f"… {rest} more"] if rest else shown)


def _more(out: Console, count: int, what: str) -> None:
    if count > 0:
        out.print(f"… and {count} more {what}; --json gives all")


def _process(process: Process, out: Console) -> None:
    for workflow in process.workflows[:MAX_BODIES]:
        title = f"{workflow.id} {_both(workflow.summary)}".strip()
        table = _table(title, "step", "calls", "after", "gives", "meaning")
        for step in workflow.steps[:MAX_OPERATIONS]:
            calls = step.operation or step.operation_path or step.workflow or ""
            cells = (
                step.id,
                f"{step.interface or '?'}#{calls}" if step.workflow is None else f"workflow {calls}",
                ", ".join(step.depends_on[:MAX_LINES]),
                ", ".join(islice(step.outputs, MAX_LINES)),
                say(step.description),
            )
            table.add_row(*map(_shown, cells))
        out.print(table)
        _more(out, len(workflow.steps) - MAX_OPERATIONS, "steps")
    _more(out, len(process.workflows) - MAX_BODIES, "workflows")


def _table(title: str, *columns: str) -> Any:
    from rich.table import Table

    made = Table(title=_shown(title), title_justify="left", show_lines=False, pad_edge=False)
    for column in columns:
        made.add_column(column, overflow="fold")
    return made


def _bodies(interface: Interface) -> dict[str, tuple[Schema, dict[str, None]]]:
    """The schema of each distinct body and the operations that use it, under the name of either."""
    found: dict[str, tuple[Schema, dict[str, None]]] = {}
    for operation in interface.operations:
        asked = operation.body.contents if operation.body else ()
        answered = [(r.status, c) for r in operation.responses if r.is_success for c in r.contents]
        for what, content in [("request", c) for c in asked] + answered:
            if content.schema is not None:
                use = f"{operation.id} {what}"
                name = shape_of(content.schema) if _named(content.schema) else use
                found.setdefault(name, (content.schema, {}))[1][use] = None
    return found


def _parameter(parameter: Parameter) -> str:
    mark = "*" if parameter.required else ""
    element = f" = {parameter.element}" if parameter.element else ""
    return f"{parameter.location} {parameter.name}{mark}: {type_of(parameter.schema)}{element}"


def _content(content: Content) -> str:
    if content.schema is None:
        return content.media_type
    plain = content.media_type in {"application/json", "application/problem+json"}
    return shape_of(content.schema) if plain else f"{shape_of(content.schema)} ({content.media_type})"


def _answers(operation: Operation) -> Iterator[str]:
    for response in operation.responses:
        yield " ".join([response.status, *(_content(content) for content in response.contents[:1])])


def _named(schema: Schema) -> bool:
    return "$ref" in schema or (isinstance(schema.get("items"), dict) and "$ref" in schema["items"])


def _both(text: Text) -> str:
    return " / ".join(dict.fromkeys(part for part in (text.get("zh_CN"), text.get("en")) if part))
