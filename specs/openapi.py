"""OpenAPI 3.0, 3.1 and 3.2 documents to interfaces, with all the flaws real documents have.

Follows: OpenAPI 3.0.4, 3.1.1, 3.2.0. Flaws become findings; the reading never stops at one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from specs.model import Body, Content, Interface, Kind, Operation, Parameter, Response, Server
from specs.naming import department_of, interface_id
from specs.normalise import Dialect, Normaliser
from specs.schema import Schema
from specs.sources import Node, Sources
from specs.words import NOTHING, Text, words

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")
LOCATIONS = ("path", "query", "header", "cookie", "querystring")
_STATUS = re.compile(r"[1-5](?:[0-9]{2}|XX)\Z")
_STYLE = {"query": "form", "cookie": "form", "path": "simple", "header": "simple", "querystring": "form"}


def read(sources: Sources) -> Interface:
    """The interface an OpenAPI 3 document describes. Never raises for what the document holds."""
    version = str(sources.root.value.get("openapi"))
    dialect = Dialect.OPENAPI_30 if version.startswith("3.0") else Dialect.CURRENT
    return ApiReader(sources, dialect, f"OpenAPI {version}").interface()


class ApiReader:
    """Reads an OpenAPI 3 document; `specs.swagger` overrides what Swagger 2.0 does differently."""

    def __init__(self, sources: Sources, dialect: Dialect, format: str) -> None:
        self.sources = sources
        self.root = sources.root
        self.format = format
        self.schemas = Normaliser(dialect)
        self.taken: dict[str, int] = {}  # operation id → how often it was wanted
        self.contents: dict[tuple[str, str], Content] = {}

    def interface(self) -> Interface:
        """The whole document."""
        root, info = self.root, self.root.mapping("info")
        for name, node in self.components("schemas").members():
            self.schemas.define(name, node)
        operations = tuple(self.operations(self.security(root)))
        schemes = {name: node.follow().value for name, node in self.components("securitySchemes").members()}
        if "paths" not in root and "components" not in root and "webhooks" not in root:
            root.report("missing-field", "the document has no paths", "describe at least one path")
        return Interface(
            kind=Kind.API,
            id=interface_id(self.sources, info),
            version=version_of(info),
            title=title_of(info),
            description=words(info.text("description"), english(info, "description")),
            department=department_of(info),
            document=self.sources.main,
            operations=operations,
            definitions=self.schemas.finish(),
            servers=self.servers(root),
            security_schemes=schemes,
            extensions={**info.extensions(), **root.extensions()},
            findings=self.sources.findings,
            format=self.format,
            documents=self.sources.documents,
            origins=self.schemas.origins,
        )

    def components(self, kind: str) -> Node:
        """The mapping of named schemas, securitySchemes, …"""
        return self.root.mapping("components").mapping(kind)

    # --- operations

    def operations(self, security: tuple[Mapping[str, tuple[str, ...]], ...]) -> Iterator[Operation]:
        for path, item in self.root.mapping("paths").members():
            if path.startswith("x-"):
                continue
            if not path.startswith("/"):
                item.report("wrong-type", f"the path {path!r} does not start with /; read as it is")
            item = item.follow()
            if not isinstance(item.value, dict):
                item.wrong("a path item (a mapping)")
                continue
            common = self.parameters(item)
            servers = self.servers(item)
            for word, node in item.members():
                if word.lower() in METHODS and isinstance(node.value, dict):
                    yield self.operation(word.upper(), path, node, item, common, servers, security)
                elif word.lower() in METHODS:
                    node.wrong("an operation (a mapping)")
            for word, node in item.mapping("additionalOperations").members():  # OpenAPI 3.2
                if isinstance(node.value, dict):
                    yield self.operation(word.upper(), path, node, item, common, servers, security)

    def operation(
        self,
        method: str,
        path: str,
        node: Node,
        item: Node,
        common: tuple[Parameter, ...],
        servers: tuple[Server, ...],
        security: tuple[Mapping[str, tuple[str, ...]], ...],
    ) -> Operation:
        own = self.parameters(node)
        replaced = {(p.name, p.location) for p in own}
        return Operation(
            id=operation_identity(node, method, path, self.taken),
            method=method,
            path=path,
            summary=words(node.text("summary"), english(node, "summary")),
            description=words(node.text("description"), english(node, "description")),
            tags=tuple(str(tag.value) for tag in node.items("tags")),
            parameters=(*(p for p in common if (p.name, p.location) not in replaced), *own),
            body=self.body(node, item),
            responses=self.responses(node),
            security=self.security(node) if "security" in node else security,
            extensions=node.extensions(),
            deprecated=node.flag("deprecated"),
            pointer=node.where,
            servers=self.servers(node) or servers,
        )

    def security(self, node: Node) -> tuple[Mapping[str, tuple[str, ...]], ...]:
        return tuple(
            {name: tuple(str(s.value) for s in part.items(name)) for name, _ in part.members()}
            for part in node.items("security")
            if isinstance(part.value, dict)
        )

    def servers(self, node: Node) -> tuple[Server, ...]:
        made = []
        for server in node.items("servers"):
            if not isinstance(server.value, dict):
                server.wrong("a server (a mapping)")
                continue
            template = server.text("url") or "/"
            url = template
            for name, variable in server.mapping("variables").members():
                if (default := variable.text("default")) is not None:
                    url = url.replace("{" + name + "}", default)
            made.append(Server(url, template, words(server.text("description")), server.where))
        return tuple(made)

    # --- parameters and headers

    def parameters(self, node: Node) -> tuple[Parameter, ...]:
        """The parameters of an operation or a path item."""
        return self.distinct(node.items("parameters"))

    def distinct(self, entries: list[Node]) -> tuple[Parameter, ...]:
        """One parameter for each name and place."""
        found: dict[tuple[str, str], Parameter] = {}
        for entry in entries:
            part = entry.follow()
            if not isinstance(part.value, dict) or not part.value:
                part.wrong("a parameter (a mapping)")
                continue
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
            found[name, location] = self.parameter(part, name, location)
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
        seen = {**schema, **node.extensions()}
        return Parameter(
            name=name,
            location=location,
            required=required,
            schema=schema,
            style=style,
            explode=node.flag("explode", default=style in {"form", "cookie"}),
            description=words(node.text("description"), english(node, "description")),
            element=string(seen.get("x-element")),
            sensitivity=string(seen.get("x-sensitivity")),
            pointer=node.where,
            media_type=media_type,
            examples=self.examples(node),
            deprecated=node.flag("deprecated"),
        )

    def headers(self, node: Node) -> tuple[Parameter, ...]:
        return tuple(
            self.parameter(part, name, "header")
            for name, header in node.mapping("headers").members()
            if name.lower() != "content-type" and (part := header.follow()).value
        )

    # --- bodies and responses

    def body(self, operation: Node, item: Node) -> Body | None:
        """The request body of an operation (`item` is the path item around it)."""
        node = operation.get("requestBody").follow()
        if not isinstance(node.value, dict) or not node.value:
            if node.value is not None and not isinstance(node.value, dict):
                node.wrong("a request body (a mapping)")
            return None
        description = words(node.text("description"), english(node, "description"))
        return Body(node.flag("required"), self.media(node), description, node.where)

    def responses(self, node: Node) -> tuple[Response, ...]:
        made: list[Response] = []
        for status, entry in node.mapping("responses").members():
            if status.startswith("x-"):
                continue
            known = status.upper()
            if not _STATUS.match(known) and status != "default":
                problem = f"{status!r} is neither a status, a range such as 4XX, nor default; ignored"
                entry.report("wrong-type", problem)
                continue
            part = entry.follow()
            if not isinstance(part.value, dict):
                part.wrong("a response (a mapping)")
                part = Node(part.sources, part.document, part.pointer, {})
            made.append(
                Response(
                    status=known if status != "default" else status,
                    description=words(part.text("description"), english(part, "description")),
                    headers=self.headers(part),
                    contents=self.answers(part, node),
                    pointer=part.where,
                    links=part.mapping("links").value,
                )
            )
        return tuple(made)

    def answers(self, response: Node, operation: Node) -> tuple[Content, ...]:
        """The contents of a response."""
        return self.media(response)

    def media(self, node: Node) -> tuple[Content, ...]:
        return tuple(self.content(media_type, part) for media_type, part in node.mapping("content").members())

    def content(self, media_type: str, node: Node) -> Content:
        node = node.follow()
        if node.identity not in self.contents:
            if not isinstance(node.value, dict):
                node.wrong("a media type (a mapping)")
                node = Node(node.sources, node.document, node.pointer, {})
            schema = self.schemas.schema(node.get("schema")) if "schema" in node else None
            if schema is None and "itemSchema" in node:  # OpenAPI 3.2: a stream of items
                schema = {"type": "array", "items": self.schemas.schema(node.get("itemSchema"))}
            self.contents[node.identity] = Content(media_type, schema, self.examples(node), node.where)
        return self.contents[node.identity]

    def examples(self, node: Node) -> Mapping[str, Any]:
        """Examples by name; the unnamed `example` is called "example". Ones elsewhere are left out."""
        found: dict[str, Any] = {}
        if "example" in node:
            found["example"] = node.value["example"]
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


def operation_identity(node: Node, method: str, path: str, taken: dict[str, int]) -> str:
    """The operationId; one made of method and path where it is missing or already taken."""
    written = node.text("operationId")
    slug = re.sub(r"[^0-9A-Za-z\u3400-\u9fff]+", "-", path).strip("-") or "root"
    made = f"{method.lower()}-{slug}"
    if written is None or not written.strip():
        node.report(
            "missing-operation-id",
            f"{method} {path} has no operationId; called {made!r} here",
            "add operationId: a name that never changes",
        )
        written = made
    elif written in taken:
        node.get("operationId").report(
            "duplicate-operation-id", f"the operationId {written!r} is used before", "give each its own name"
        )
        written = made
    name = written
    while name in taken:
        taken[written] += 1
        name = f"{written}-{taken[written]}"
    taken[name] = 1
    return name


def version_of(info: Node) -> str:
    """The publisher's version; "0" when there is none."""
    version = info.text("version")
    if version is None:
        info.report("missing-field", "info.version is missing", "add version: 1.0.0")
    return version or "0"


def title_of(info: Node) -> Text:
    """The title in its language and, from `x-en`, in English."""
    title = info.text("title")
    if not title:
        info.report("missing-field", "info.title is missing", "say what the interface is called")
    return words(title, english(info, "title"))


def english(node: Node, word: str) -> Any:
    """What `x-en` beside a text says in English."""
    beside = node.value.get("x-en") if isinstance(node.value, dict) else None
    return beside.get(word) if isinstance(beside, dict) else None


def string(value: Any) -> str | None:
    """A non-empty string, else None."""
    return value if isinstance(value, str) and value else None
