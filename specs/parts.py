"""The parts of operations: parameters, headers, media types, examples. What several places refer to is read once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from specs.model import Content, Parameter
from specs.normalise import Normaliser
from specs.schema import Schema
from specs.sources import Node
from specs.words import NOTHING, words

LOCATIONS = ("path", "query", "header", "cookie", "querystring")
_STYLE = {"query": "form", "cookie": "form", "path": "simple", "header": "simple", "querystring": "form"}


class PartsReader:
    """Reads parameters and media types; their schemas go through `schemas`."""

    def __init__(self, schemas: Normaliser) -> None:
        self.schemas = schemas
        self.contents: dict[tuple[str, str], Content] = {}
        self.shared_parameters: dict[tuple[str, str], Parameter] = {}

    # --- parameters and headers

    def parameters(self, node: Node) -> tuple[Parameter, ...]:
        """The parameters of an operation or a path item."""
        return self.distinct(node.items("parameters"))

    def distinct(self, entries: list[Node]) -> tuple[Parameter, ...]:
        """One parameter for each name and place."""
        found: dict[tuple[str, str], Parameter] = {}
        for entry in entries:
            part = entry.follow()
            if not isinstance(part.value, dict):
                part.wrong("a parameter (a mapping)")
                continue
            if not part.value and part is not entry:
                continue  # the reference leads nowhere, which is told already
            name, location = part.text("name"), (part.text("in") or "").strip().lower()
            if not name or location not in LOCATIONS:
                problem = "has no name" if not name else f"is in {location!r}"
                part.report("wrong-type", f"the parameter {problem}; ignored", f"in: {' | '.join(LOCATIONS)}")
                continue
            if (name, location) in found:
                entry.report(
                    "duplicate-parameter",
                    f"{name!r} in {location} is declared twice; the first counts",
                    "remove one",
                )
                continue
            if part is entry:
                found[name, location] = self.parameter(part, name, location)
                continue
            if part.identity not in self.shared_parameters:
                self.shared_parameters[part.identity] = self.parameter(part, name, location)
            found[name, location] = self.shared_parameters[part.identity]
        return tuple(found.values())

    def parameter(self, node: Node, name: str, location: str) -> Parameter:
        schema: Schema = {}
        media_type: str | None = None
        if "schema" in node:
            schema = self.schemas.schema(node.get("schema"))
        else:
            for media_type, content in node.mapping("content").members():  # noqa: B007
                schema = self.schemas.schema(content.get("schema"))
                break
        required = node.flag("required")
        if location == "path" and not required:
            problem = "a path parameter must say required: true; taken as said"
            node.report("path-parameter-optional", problem, "add required: true")
            required = True
        style = node.text("style") or _STYLE[location]
        return Parameter(
            name=name,
            location=location,
            required=required,
            schema=schema,
            style=style,
            explode=node.flag("explode", default=style in {"form", "cookie"}),
            description=words(node.text("description"), english(node, "description")),
            element=string(node.value.get("x-element", schema.get("x-element"))),
            sensitivity=string(node.value.get("x-sensitivity", schema.get("x-sensitivity"))),
            pointer=node.where,
            media_type=media_type,
            examples=self.examples(node),
            deprecated=node.flag("deprecated"),
            allow_reserved=node.flag("allowReserved"),
        )

    def headers(self, node: Node) -> tuple[Parameter, ...]:
        if "headers" not in node:
            return ()
        return tuple(
            self.parameter(part, name, "header")
            for name, header in node.mapping("headers").members()
            if name.lower() != "content-type" and (part := header.follow()).value
        )

    # --- media types

    def media(self, node: Node) -> tuple[Content, ...]:
        return tuple(self.content(media_type, part) for media_type, part in node.mapping("content").members())

    def content(self, media_type: str, node: Node) -> Content:
        node = node.follow()
        if node.identity not in self.contents:
            if not isinstance(node.value, dict):
                node.wrong("a media type (a mapping)")
                node = Node(node.sources, node.document, node.pointer, {})
            schema = self.schemas.schema(node.get("schema")) if "schema" in node else None
            item = self.schemas.schema(node.get("itemSchema")) if "itemSchema" in node else None
            if schema is None and item is not None:  # OpenAPI 3.2: a stream of items
                schema = {"type": "array", "items": item}
            encoding = node.mapping("encoding").value if "encoding" in node else NOTHING
            examples = self.examples(node)
            self.contents[node.identity] = Content(media_type, schema, examples, node.where, item, encoding)
        made = self.contents[node.identity]
        return made if made.media_type == media_type else replace(made, media_type=media_type)

    def examples(self, node: Node) -> Mapping[str, Any]:
        """Examples by name; the unnamed `example` is called "example". Ones elsewhere are left out."""
        found: dict[str, Any] = {}
        if "example" in node:
            found["example"] = node.value["example"]
        if node.value is None or node.value.get("examples") is None:
            return found or NOTHING
        several = node.get("examples")
        if isinstance(several.value, list):
            several.report("loose-type", "examples is a list, not a mapping of names", "give each a name")
            found |= {str(index): value for index, value in enumerate(several.value, 1)}
        elif isinstance(several.value, dict):
            for name, entry in several.members():
                part = entry.follow()
                if not isinstance(part.value, dict):
                    part.report("loose-type", "an example is a mapping with value:", "write value: …")
                    found[name] = part.value
                elif "value" in part or "dataValue" in part:
                    found[name] = part.value.get("value", part.value.get("dataValue"))
        else:
            several.wrong("a mapping of examples")
        return found or NOTHING


def english(node: Node, word: str) -> Any:
    """What `x-en` beside a text says in English."""
    beside = node.value.get("x-en") if isinstance(node.value, dict) else None
    return beside.get(word) if isinstance(beside, dict) else None


def string(value: Any) -> str | None:
    """A non-empty string, else None."""
    return value if isinstance(value, str) and value else None
