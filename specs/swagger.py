"""Swagger 2.0 documents to the same interface an OpenAPI 3.1 document gives.

Follows: OpenAPI Specification 2.0. Body and form parameters become the request body, `produces` and
`consumes` the media types, `host`, `basePath`, `schemes` the servers, `collectionFormat` style and explode,
`flow` the flows.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from specs.model import Body, Content, Interface, Parameter, Server
from specs.normalise import Dialect
from specs.openapi import ApiReader
from specs.parts import english
from specs.schema import Schema
from specs.sources import Node, Sources
from specs.words import NOTHING, words

_NOT_SCHEMA = {"name", "in", "required", "description", "collectionFormat", "allowEmptyValue", "schema"}
_STYLES = {
    "csv": (None, False), "multi": (None, True), "ssv": ("spaceDelimited", False),
    "pipes": ("pipeDelimited", False), "tsv": ("tabDelimited", False),
}  # fmt: skip
_FLOW_WORDS = ("flow", "authorizationUrl", "tokenUrl", "scopes")
_FLOWS = {"application": "clientCredentials", "accessCode": "authorizationCode"}
_FORM = ("multipart/form-data", "application/x-www-form-urlencoded")


def read(sources: Sources) -> Interface:
    """The interface a Swagger 2.0 document describes. Never raises for what the document holds."""
    if "swagger" not in sources.root:
        sources.root.get("openapi").report("loose-type", "2.0 is stated by swagger, not openapi", "swagger: '2.0'")
    return _SwaggerReader(sources, Dialect.SWAGGER_2, "Swagger 2.0").interface()


class _SwaggerReader(ApiReader):
    def components(self, kind: str) -> Node:
        return self.root.mapping({"schemas": "definitions", "securitySchemes": "securityDefinitions"}[kind])

    def scheme(self, node: Node) -> Any:
        if not isinstance(node.value, dict):
            return node.value
        made = {word: value for word, value in node.value.items() if word not in _FLOW_WORDS}
        if node.value.get("type") == "basic":
            return {**made, "type": "http", "scheme": "basic"}
        if node.value.get("type") == "oauth2":
            flow = {word: node.value[word] for word in _FLOW_WORDS if word in node.value and word != "flow"}
            spoken = str(node.value.get("flow"))
            return {**made, "flows": {_FLOWS.get(spoken, spoken): {"scopes": {}, **flow}}}
        return made

    def answered_as(self, operation: Node) -> tuple[str, ...]:
        return tuple(self.media_types("produces", operation))

    def servers(self, node: Node) -> tuple[Server, ...]:
        schemes = [str(part.value) for part in node.items("schemes")]
        if node.pointer and not schemes:
            return ()
        host, base = self.root.text("host"), self.root.text("basePath") or "/"
        if host is None:
            return (Server(base, base, pointer=self.root.where),) if "basePath" in self.root else ()
        urls = [f"{scheme}://{host}{base}".rstrip("/") for scheme in schemes or ["https"]]
        return tuple(Server(url, url, pointer=node.where) for url in urls)

    def parameter(self, node: Node, name: str, location: str) -> Parameter:
        words_kept = {word: value for word, value in node.value.items() if word not in _NOT_SCHEMA}
        plain = Node(node.sources, node.document, node.pointer, words_kept)
        made = super().parameter(node, name, location)
        schema = self.schemas.schema(node.get("schema") if "schema" in node else plain)
        style, explode = _STYLES.get(node.text("collectionFormat") or "csv", (None, False))
        return replace(made, schema=schema, style=style or made.style, explode=explode)

    def parameters(self, node: Node) -> tuple[Parameter, ...]:
        """The parameters that are not part of the body."""
        entries = node.items("parameters")
        kept = [entry for entry in entries if entry.follow().value and _place(entry) not in {"body", "formdata"}]
        return self.distinct(kept)

    def body(self, operation: Node, item: Node) -> Body | None:
        consumes = self.media_types("consumes", operation)
        fields: dict[str, Node] = {}
        for entry in (*item.items("parameters"), *operation.items("parameters")):
            part, place = entry.follow(), _place(entry)
            if place == "body":
                media = consumes or ["application/json"]
                schema = self.schemas.schema(part.get("schema"))
                contents = tuple(Content(kind, schema, self.examples(part), part.where) for kind in media)
                description = words(part.text("description"), english(part, "description"))
                return Body(part.flag("required"), contents, description, part.where)
            if place == "formdata" and (name := part.text("name")):
                fields[name] = part
        if not fields:
            return None
        return self.form(fields, [kind for kind in consumes if kind in _FORM], operation)

    def form(self, fields: dict[str, Node], media: list[str], operation: Node) -> Body:
        schema: Schema = {"type": "object", "properties": {}}
        for name, part in fields.items():
            made = self.parameter(part, name, "query").schema
            described = {"description": part.value["description"]} if "description" in part else {}
            schema["properties"][name] = {**described, **made}
        required = [name for name, part in fields.items() if part.flag("required")]
        if required:
            schema["required"] = required
        has_file = any(part.value.get("type") == "file" for part in fields.values())
        kinds = media or [_FORM[0] if has_file else _FORM[1]]
        where = operation.get("parameters").where
        return Body(bool(required), tuple(Content(kind, schema, NOTHING, where) for kind in kinds), NOTHING, where)

    def answers(self, response: Node, operation: Node) -> tuple[Content, ...]:
        if "schema" not in response and "examples" not in response:
            return ()
        schema = self.schemas.schema(response.get("schema")) if "schema" in response else None
        examples: dict[str, Any] = response.mapping("examples").value
        kinds = self.media_types("produces", operation) or list(examples) or ["application/json"]
        return tuple(
            Content(kind, schema, {"example": examples[kind]} if kind in examples else NOTHING, response.where)
            for kind in kinds
        )

    def headers(self, node: Node) -> tuple[Parameter, ...]:
        return tuple(
            self.parameter(part, name, "header")
            for name, part in node.mapping("headers").members()
            if isinstance(part.value, dict)
        )

    def media_types(self, word: str, operation: Node) -> list[str]:
        holder = operation if word in operation else self.root
        return [str(part.value) for part in holder.items(word)]


def _place(entry: Node) -> str:
    part = entry.follow()
    return str(part.value.get("in", "")).strip().lower() if isinstance(part.value, dict) else ""
