"""A reference page of an interface as blocks: who gives it, under which conditions, every field, answer and example."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from specs.entry import FORMAT_CLASSES, SHARING_CLASSES, SHARING_MODES, UPDATE_FREQUENCIES, CatalogueEntry, entry
from specs.exporters.blocks import Block, Cell, Facts, Grid, Heading, Link, Mono, Prose, Sample, Trial
from specs.exporters.fields import FIELD_COLUMNS, field_rows, type_words
from specs.exporters.labels import KINDS, LABELS, LEVELS, PLACES
from specs.exporters.samples import sample
from specs.model import Body, Content, Field, Interface, Operation, Parameter, Response, Table
from specs.schema import definition_name
from specs.words import NOTHING, Text, say

MAX_EXAMPLE = 4000
"""How many characters of an example a page shows."""


def reference(interface: Interface) -> tuple[Block, ...]:
    """The page, top to bottom."""
    return tuple(_blocks(interface))


def _blocks(interface: Interface) -> Iterator[Block]:
    yield Heading(1, interface.title or {"en": interface.id}, "top")
    yield Facts(tuple(_head(interface)))
    if interface.description:
        yield Prose(interface.description)
    if found := entry(interface):
        yield Heading(2, LABELS["catalogue"], "catalogue")
        yield Facts(tuple((LABELS[label], cell) for label, cell in _catalogue(found) if _says(cell)))
    if interface.operations:
        yield Heading(2, LABELS["operations"], "operations")
        shown: dict[str, Link] = {}
        for operation in interface.operations:
            yield from _operation(interface, operation, shown)
    if interface.tables:
        yield Heading(2, LABELS["tables"], "tables")
        for table in interface.tables:
            yield from _table(interface, table)
    if interface.process:
        yield from _process(interface)
    yield from _codes(interface)


def _head(interface: Interface) -> Iterator[tuple[Text, Cell]]:
    yield LABELS["id"], Mono(interface.id)
    yield LABELS["version"], Mono(interface.version)
    yield LABELS["kind"], KINDS[interface.kind]
    if interface.department:
        yield LABELS["department"], Mono(interface.department)
    yield LABELS["format"], {"en": interface.format}
    for server in interface.servers:
        yield LABELS["server"], Mono(server.url)
    yield LABELS["digest"], Mono(interface.digest)


def _catalogue(found: CatalogueEntry) -> Iterator[tuple[str, Cell]]:
    yield "name", found.name
    yield "resource_code", Mono(found.code)
    yield "provider", Mono(" ".join(part for part in (found.department, found.uscc) if part))
    yield "abstract", found.abstract
    yield "items", Mono(", ".join(found.items))
    yield "resource_kind", {"zh_CN": found.resource_kind}
    for word, value, known in (
        ("format_class", found.format_class, FORMAT_CLASSES),
        ("update_frequency", found.update_frequency, UPDATE_FREQUENCIES),
        ("sharing_class", found.sharing_class, SHARING_CLASSES),
        ("sharing_mode", found.sharing_mode, SHARING_MODES),
    ):
        yield word, known.get(value) or Mono(value)
    yield "scope", found.scope
    yield "use", found.use
    yield "refusal", found.refusal_reason
    if found.open_to_public is not None:
        yield "open", LABELS["yes" if found.open_to_public else "no"]
    yield "open_conditions", found.open_conditions
    yield "classification", LEVELS.get(found.classification) or Mono(found.classification)
    laws = [
        f"《{one.law}》" + (f"第{one.article}条" if one.article.isdecimal() else one.article)
        for one in found.legal_basis
    ]
    yield "legal_basis", {"zh_CN": "；".join(laws)}
    yield "issue_date", Mono(found.issue_date)
    yield "related", Mono(", ".join(found.related))
    yield "approval", Mono(" ".join(part for part in (found.approval.reference, found.approval.date) if part))


def _says(cell: Cell) -> bool:
    return bool(cell.text) if isinstance(cell, Mono | Link) else any(said.strip() for said in cell.values())


def _operation(interface: Interface, operation: Operation, shown: dict[str, Link]) -> Iterator[Block]:
    words = dict(operation.summary)
    if operation.deprecated:
        words = {
            language: f"{words.get(language, '')} ({mark})".strip() for language, mark in LABELS["deprecated"].items()
        }
    yield Heading(3, words, anchor("operation", operation.id), f"{operation.method} {operation.path}")
    if operation.description:
        yield Prose(operation.description)
    yield Facts(((LABELS["security"], _security(operation)),))
    if operation.parameters:
        columns = tuple(LABELS[word] for word in ("parameter", "place", "type", "presence", "meaning"))
        yield Heading(4, LABELS["parameters"])
        yield Grid(columns, tuple(_parameter(interface, one) for one in operation.parameters))
    if operation.body:
        yield from _body(interface, operation, operation.body, shown)
    yield Heading(4, LABELS["answers"])
    columns = tuple(LABELS[word] for word in ("status", "meaning", "content"))
    yield Grid(columns, tuple(_answer(response) for response in operation.responses))
    yield from _answers(interface, operation, shown)
    yield Trial(operation)


def _security(operation: Operation) -> Cell:
    if not operation.security:
        return LABELS["nobody"]
    told = [
        " + ".join(f"{name} {' '.join(scopes)}".strip() for name, scopes in one.items()) for one in operation.security
    ]
    return Mono(" | ".join(one or "-" for one in told))


def _parameter(interface: Interface, parameter: Parameter) -> tuple[Cell, ...]:
    schema = interface.resolve(parameter.schema)
    return (
        Mono(parameter.name),
        PLACES.get(parameter.location) or Mono(parameter.location),
        type_words(interface, schema),
        LABELS["required" if parameter.required else "optional"],
        parameter.description or _words(schema),
    )


def _words(schema: dict[str, Any]) -> Text:
    said = schema.get("description") or schema.get("title")
    return {"en": said} if isinstance(said, str) else NOTHING


def _body(interface: Interface, operation: Operation, body: Body, shown: dict[str, Link]) -> Iterator[Block]:
    yield Heading(4, LABELS["body"])
    if body.description:
        yield Prose(body.description)
    for content in body.contents:
        yield from _content(interface, operation, content, shown)


def _content(interface: Interface, operation: Operation, content: Content, shown: dict[str, Link]) -> Iterator[Block]:
    """Fields and examples of a body. `shown`: the named shapes that are on the page already; those are linked to."""
    schema = content.schema or {}
    target = schema.get("$ref") or (schema.get("items") or {}).get("$ref")
    known = shown.get(target) if isinstance(target, str) else None
    if isinstance(target, str):
        here = Link(f"{definition_name(target)} ({operation.id})", anchor("operation", operation.id))
        shown.setdefault(target, here)
    if known:
        yield Facts(((LABELS["described"], known),))
    elif rows := field_rows(interface, interface.fields(content.schema)):
        yield Grid(FIELD_COLUMNS, rows)
    elif content.schema:
        yield Facts(((LABELS["content"], type_words(interface, interface.resolve(content.schema))),))
    if not content.examples and content.is_json and content.schema:
        yield _example(content.media_type, sample(interface, content))
    for name, value in list(content.examples.items())[:3]:
        yield _example(f"{content.media_type} {name}", value)


def _example(about: str, value: Any) -> Sample:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
    shown = text if len(text) <= MAX_EXAMPLE else f"{text[:MAX_EXAMPLE]}\n…"
    return Sample({language: f"{word} · {about}" for language, word in LABELS["example"].items()}, shown)


def _answer(response: Response) -> tuple[Cell, ...]:
    content = [content.media_type for content in response.contents]
    content += [f"{header.name}:" for header in response.headers]
    return Mono(response.status), response.description, Mono(", ".join(content))


def _answers(interface: Interface, operation: Operation, shown: dict[str, Link]) -> Iterator[Block]:
    """Fields and examples of the success, then of the errors: one table for all that share a shape."""
    success = operation.success
    for content in success.contents if success else ():
        yield Heading(4, LABELS["answer"], "", success.status if success else "")
        yield from _content(interface, operation, content, shown)
    shapes: dict[str, tuple[list[str], Content]] = {}
    for response in operation.responses:
        for content in response.contents:
            if response is not success and content.is_json and content.schema is not None:
                shape = json.dumps(content.schema, sort_keys=True, default=str)
                shapes.setdefault(shape, ([], content))[0].append(response.status)
    for statuses, content in shapes.values():
        yield Heading(4, LABELS["errors"], "", ", ".join(dict.fromkeys(statuses)))
        yield from _content(interface, operation, content, shown)


def _table(interface: Interface, table: Table) -> Iterator[Block]:
    yield Heading(3, table.title, anchor("table", table.name), table.name)
    if table.description:
        yield Prose(table.description)
    facts: list[tuple[Text, Cell]] = []
    if table.primary_key:
        facts.append((LABELS["keys"], Mono(", ".join(table.primary_key))))
    for key in table.foreign_keys:
        target = f"{key.interface}: {key.table}" if key.interface else key.table
        facts.append((LABELS["foreign"], Mono(f"{', '.join(key.fields)} → {target} ({', '.join(key.target_fields)})")))
    for rule in table.quality:
        said = rule.get("description") or rule.get("name")
        if isinstance(said, str) and said:
            facts.append((LABELS["rules"], {"zh_CN": said}))
    if facts:
        yield Facts(tuple(facts))
    yield Grid(FIELD_COLUMNS, field_rows(interface, table.fields))


def _process(interface: Interface) -> Iterator[Block]:
    columns = tuple(LABELS[word] for word in ("step", "calls", "after", "meaning"))
    for workflow in interface.process.workflows if interface.process else ():
        yield Heading(2, workflow.summary or LABELS["process"], anchor("workflow", workflow.id), workflow.id)
        if workflow.description:
            yield Prose(workflow.description)
        rows: list[tuple[Cell, ...]] = []
        for step in workflow.steps:
            called = step.operation or step.operation_path or step.workflow or ""
            target = f"{step.interface}#{called}" if step.interface else called
            rows.append((Mono(step.id), Mono(target), Mono(", ".join(step.depends_on)), step.description))
        yield Grid(columns, tuple(rows))


def _codes(interface: Interface) -> Iterator[Block]:
    """The code lists of the elements the interface's fields are bound to."""
    from specs.elements import CodeList, code_lists, resolve

    used: dict[str, CodeList] = {}
    for field in _every(interface):
        if field.element:
            try:
                element = resolve(field.element)[1]
            except KeyError:
                continue
            if element.code_list and len(element.codes or ()) <= 80:
                used[element.code_list] = code_lists()[element.code_list]
    if not used:
        return
    yield Heading(2, LABELS["codes"], "codes")
    for listed in used.values():
        yield Heading(3, listed.title, anchor("codes", listed.id), "")
        rows: list[tuple[Cell, ...]] = [(Mono(code), meaning) for code, meaning in listed.values.items()]
        yield Grid((LABELS["code"], LABELS["meaning"]), tuple(rows))


def _every(interface: Interface) -> Sequence[Field]:
    found: list[Field] = [field for table in interface.tables for field in table.fields]
    for operation in interface.operations:
        asked = operation.body.contents if operation.body else ()
        for content in (*asked, *(one for response in operation.responses for one in response.contents)):
            found += interface.fields(content.schema)
    return found


def anchor(kind: str, name: str) -> str:
    """Where links to an operation, table, workflow or code list lead."""
    return f"{kind}-{re.sub(r'[^A-Za-z0-9_.-]+', '-', name)}"


def outline(blocks: Sequence[Block]) -> list[Heading]:
    """The headings a list of contents shows."""
    return [block for block in blocks if isinstance(block, Heading) and 2 <= block.level <= 3 and block.anchor]


def title_of(interface: Interface, language: str) -> str:
    """The page's title in one language."""
    return say(interface.title, language) or interface.id
