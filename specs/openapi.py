"""OpenAPI 3.0, 3.1 and 3.2 documents to interfaces, with all the flaws real documents have.

Follows: OpenAPI 3.0.4, 3.1.1, 3.2.0. Flaws become findings; the reading never stops at one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from specs.model import Body, Content, Interface, Kind, Operation, Parameter, Response, Server
from specs.naming import department_of, interface_id, operation_id
from specs.normalise import Dialect, Normaliser
from specs.parts import PartsReader, english
from specs.sources import Node, Sources
from specs.tags import read_tags
from specs.words import NOTHING, Text, words

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")
_STATUS = re.compile(r"[1-5](?:[0-9]{2}|XX)\Z")
_VARIABLE = re.compile(r"\{([^{}]+)\}")
_LONGEST_URL = 8_000
_CALLBACK_LEVELS = 3  # a callback of a callback of a callback: no document means more, and some go in circles


def read(sources: Sources) -> Interface:
    """The interface an OpenAPI 3 document describes. Never raises for what the document holds."""
    version = str(sources.root.value.get("openapi") or sources.root.value.get("swagger") or "3.0")
    dialect = Dialect.OPENAPI_30 if re.match(r"\D*3(\.0|\D*$)", version) else Dialect.CURRENT
    if "openapi" not in sources.root:
        sources.root.get("swagger").report(
            "loose-type", "OpenAPI 3 is stated by openapi, not swagger", "openapi: 3.0.3"
        )
    if "draft-0" in str(sources.root.value.get("jsonSchemaDialect")):
        dialect = Dialect.DRAFT
    return ApiReader(sources, dialect, f"OpenAPI {version}").interface()


class ApiReader(PartsReader):
    """Reads an OpenAPI 3 document; `specs.swagger` overrides what Swagger 2.0 does differently."""

    def __init__(self, sources: Sources, dialect: Dialect, format: str) -> None:
        super().__init__(Normaliser(dialect))
        self.sources = sources
        self.root = sources.root
        self.format = format
        self.taken: dict[str, int] = {}  # operation id → how often it was wanted
        self.shared_responses: dict[tuple[Any, ...], Response] = {}

    def interface(self) -> Interface:
        """The whole document."""
        root, info = self.root, self.root.mapping("info")
        for name, node in self.components("schemas").members():
            self.schemas.define(name, node)
        security = self.security(root)
        operations = tuple(self.operations(root.mapping("paths"), security))
        webhooks = tuple(self.operations(root.mapping("webhooks"), security, level=1))
        schemes = {name: self.scheme(node.follow()) for name, node in self.components("securitySchemes").members()}
        if "paths" not in root and "components" not in root and "webhooks" not in root:
            root.report("missing-field", "the document has no paths", "describe at least one path")
        tags = read_tags(root)
        return Interface(
            kind=Kind.API,
            id=interface_id(self.sources, info),
            version=version_of(info),
            title=title_of(info),
            description=words(info.text("description"), english(info, "description")),
            department=department_of(info),
            document=self.sources.main,
            operations=operations,
            webhooks=webhooks,
            definitions=self.schemas.finish(),
            servers=self.servers(root),
            security_schemes=schemes,
            extensions={**info.extensions(), **root.extensions()},
            findings=self.sources.findings,
            format=self.format,
            tags=tags,
            documents=self.sources.documents,
            origins=self.schemas.origins,
        )

    def components(self, kind: str) -> Node:
        """The mapping of named schemas, securitySchemes, …"""
        return self.root.mapping("components").mapping(kind)

    def scheme(self, node: Node) -> Any:
        """A security scheme as OpenAPI 3 writes it."""
        return node.value

    # --- operations

    def operations(
        self, items: Node, security: tuple[Mapping[str, tuple[str, ...]], ...], level: int = 0
    ) -> Iterator[Operation]:
        """The operations of path items: of paths (level 0), webhooks (1), callbacks (1 and more)."""
        for path, written in items.members():
            if path.startswith("x-"):
                continue
            if level == 0 and not path.startswith("/"):
                written.report("wrong-type", f"the path {path!r} does not start with /; read as it is")
            item = written.follow()
            if not isinstance(item.value, dict):
                item.wrong("a path item (a mapping)")
                continue
            common = self.parameters(item)
            servers = self.servers(item)
            members = dict(item.members())
            if item is not written:  # what stands beside the $ref and not in its target
                members |= {word: node for word, node in written.members() if word not in members and word != "$ref"}
            for word, node in members.items():
                if word.lower() in METHODS and isinstance(node.value, dict):
                    if isinstance(node.value.get("$ref"), str):
                        node.report(
                            "reference-as-operation",
                            f"{word.upper()} {path} is a reference; read as what it leads to",
                            "bundle the document, or let the whole path refer to a file",
                        )
                        node = node.follow()
                    yield self.operation(word.upper(), path, node, item, common, servers, security, level)
                elif word.lower() in METHODS:
                    node.wrong("an operation (a mapping)")
            more = item.mapping("additionalOperations").members() if "additionalOperations" in item else ()
            for word, node in more:  # OpenAPI 3.2: methods as they are sent
                if isinstance(node.value, dict):
                    yield self.operation(word, path, node, item, common, servers, security, level)
                else:
                    node.wrong("an operation (a mapping)")

    def operation(
        self,
        method: str,
        path: str,
        node: Node,
        item: Node,
        common: tuple[Parameter, ...],
        servers: tuple[Server, ...],
        security: tuple[Mapping[str, tuple[str, ...]], ...],
        level: int,
    ) -> Operation:
        own = self.parameters(node)
        replaced = {(p.name, p.location) for p in own}
        return Operation(
            id=operation_id(node, method, path, self.taken, needed=level == 0),
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
            callbacks=self.callbacks(node, security, level + 1) or NOTHING,
        )

    def callbacks(
        self, node: Node, security: tuple[Mapping[str, tuple[str, ...]], ...], level: int
    ) -> Mapping[str, tuple[Operation, ...]]:
        if "callbacks" not in node or level > _CALLBACK_LEVELS:
            return NOTHING
        named = {name: entry.follow() for name, entry in node.mapping("callbacks").members()}
        for part in named.values():
            if not isinstance(part.value, dict):
                part.wrong("a callback (a mapping of expressions)")
        return {name: tuple(self.operations(part, security, level)) for name, part in named.items()}

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
            defaults = {name: variable.text("default") for name, variable in server.mapping("variables").members()}
            url = _filled(template, {name: value for name, value in defaults.items() if value is not None})
            told = words(server.text("description") or server.text("name"))
            made.append(Server(url, template, told, server.where))
        return tuple(made)

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
            key = (*part.identity, known, *self.answered_as(node)) if part is not entry else ()
            if not key or key not in self.shared_responses:
                answer = self.response(known if status != "default" else status, part, node)
                if not key:
                    made.append(answer)
                    continue
                self.shared_responses[key] = answer
            made.append(self.shared_responses[key])
        return tuple(made)

    def response(self, status: str, part: Node, operation: Node) -> Response:
        return Response(
            status=status,
            description=words(part.text("description") or part.text("summary"), english(part, "description")),
            headers=self.headers(part),
            contents=self.answers(part, operation),
            pointer=part.where,
            links={name: link.follow().value for name, link in part.mapping("links").members()}
            if "links" in part
            else NOTHING,
        )

    def answered_as(self, operation: Node) -> tuple[str, ...]:
        """What of an operation, beside the response itself, decides what the response is."""
        return ()

    def answers(self, response: Node, operation: Node) -> tuple[Content, ...]:
        """The contents of a response."""
        return self.media(response)


def _filled(template: str, defaults: Mapping[str, str]) -> str:
    """A server's URL with its variables replaced, once each; as written when it would get out of hand."""
    if sum(len(defaults.get(name, "")) for name in _VARIABLE.findall(template)) > _LONGEST_URL:
        return template
    return _VARIABLE.sub(lambda match: defaults.get(match[1], match[0]), template)


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
