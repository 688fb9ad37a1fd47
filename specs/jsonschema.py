"""A JSON Schema on its own: a dataset with one table, whose row the schema describes.

Follows: JSON Schema drafts 4, 6, 7, 2019-09 and 2020-12.
"""

from __future__ import annotations

from dataclasses import replace

from specs.model import Interface, Kind, Table
from specs.naming import department_of, interface_id
from specs.normalise import Dialect, Normaliser
from specs.parts import english
from specs.schema import escape
from specs.sources import Sources
from specs.words import say, words


def read(sources: Sources) -> Interface:
    """The dataset a JSON Schema describes. Never raises for what the document holds."""
    root = sources.root
    declared = str(root.value.get("$schema", ""))
    current = not declared or "2020-12" in declared
    schemas = Normaliser(Dialect.CURRENT if current else Dialect.DRAFT)
    for word in ("$defs", "definitions"):
        for name, node in root.mapping(word).members():
            schemas.define(name, node)
    row = schemas.schema(root)
    definitions = schemas.finish()
    title = words(root.text("title"), english(root, "title"))
    made = Interface(
        kind=Kind.DATASET,
        id=interface_id(sources, root),
        version=root.text("version") or root.text("x-version") or "0",
        title=title,
        description=words(root.text("description"), english(root, "description")),
        department=department_of(root),
        document=sources.main,
        definitions=definitions,
        extensions=root.extensions(),
        findings=sources.findings,
        format=f"JSON Schema {declared}".strip(),
        documents=sources.documents,
        origins=schemas.origins,
    )
    fields = tuple(
        replace(field, pointer=f"/properties/{escape(field.name)}") if "properties" in root else field
        for field in made.fields(row)
    )
    name = made.id.rsplit(".", 1)[-1] or say(title)
    table = Table(name=name, title=title, fields=fields, extensions={"schema": row})
    return replace(made, tables=(table,) if fields else ())
