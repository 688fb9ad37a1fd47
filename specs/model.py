"""What an interface is, whatever document it was read from: frozen values, JSON Schema 2020-12 throughout.

Schemas are plain dicts shared between the values of one interface: read them, never change them in place.
A `$ref` inside a schema always has the form `#/$defs/NAME` and names an entry of `Interface.definitions`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from specs.finding import Finding, Severity
from specs.parse import Document
from specs.process import Process
from specs.schema import Schema, definition_name, references
from specs.words import NOTHING, Text, named, words


class Kind(StrEnum):
    """What an interface offers."""

    API = "api"
    DATASET = "dataset"
    PROCESS = "process"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a table, a body or a response. `key`: part of the primary key. `element`: data element id
    (GMSFHM). `sensitivity`: core | important | general-4 … general-1, only when the document states it."""

    name: str
    schema: Schema
    title: Text = NOTHING
    description: Text = NOTHING
    element: str | None = None
    sensitivity: str | None = None
    required: bool = False
    key: bool = False
    pointer: str = ""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of an operation or a header of a response. `location` is path | query | header | cookie |
    querystring. With `media_type` the value travels serialised in that media type, else by `style`."""

    name: str
    location: str
    required: bool = False
    schema: Schema = field(default_factory=dict)
    style: str = "simple"
    explode: bool = False
    description: Text = NOTHING
    element: str | None = None
    sensitivity: str | None = None
    pointer: str = ""
    media_type: str | None = None
    examples: Mapping[str, Any] = NOTHING
    deprecated: bool = False
    allow_reserved: bool = False


@dataclass(frozen=True, slots=True)
class Content:
    """One media type of a body or response. `schema` None: the document does not say. `examples` by name. `item`:
    the schema of each item of a stream (OpenAPI 3.2). `encoding`: how parts of a form travel, as written."""

    media_type: str
    schema: Schema | None = None
    examples: Mapping[str, Any] = NOTHING
    pointer: str = ""
    item: Schema | None = None
    encoding: Mapping[str, Any] = NOTHING

    @property
    def is_json(self) -> bool:
        """Whether the media type carries JSON (application/json, */*+json, or a JSON wildcard)."""
        kind = self.media_type.split(";")[0].strip().lower()
        return kind in {"application/json", "text/json", "*/*", "application/*"} or kind.endswith("+json")


@dataclass(frozen=True, slots=True)
class Body:
    """A request body."""

    required: bool = False
    contents: tuple[Content, ...] = ()
    description: Text = NOTHING
    pointer: str = ""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer. `status` is "200", a range "4XX", or "default"."""

    status: str
    description: Text = NOTHING
    headers: tuple[Parameter, ...] = ()
    contents: tuple[Content, ...] = ()
    pointer: str = ""
    links: Mapping[str, Any] = NOTHING

    @property
    def is_success(self) -> bool:
        """Whether the status is a 2xx."""
        return self.status.startswith("2")

    def content(self, media_type: str = "application/json") -> Content | None:
        """The content of that media type, else the first JSON one, else None."""
        exact = [c for c in self.contents if c.media_type.split(";")[0].strip().lower() == media_type.lower()]
        return next(iter(exact or [c for c in self.contents if c.is_json]), None)


@dataclass(frozen=True, slots=True)
class Server:
    """A base URL with its variables already replaced by their defaults; `template` is as written."""

    url: str
    template: str = ""
    description: Text = NOTHING
    pointer: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of an API. `path` is a template as written ("/citizens/{id}"). `id` is the operationId,
    or one made from method and path when the document has none. `security`: alternatives, each scheme →
    scopes; an empty tuple means anyone may call. `extensions`: the x- keywords of the operation. `callbacks`: by
    name, what the provider calls in return; their `path` is a runtime expression ("{$request.body#/url}")."""

    id: str
    method: str
    path: str
    summary: Text = NOTHING
    description: Text = NOTHING
    tags: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    body: Body | None = None
    responses: tuple[Response, ...] = ()
    security: tuple[Mapping[str, tuple[str, ...]], ...] = ()
    extensions: Mapping[str, Any] = NOTHING
    deprecated: bool = False
    pointer: str = ""
    servers: tuple[Server, ...] = ()
    callbacks: Mapping[str, tuple[Operation, ...]] = NOTHING

    def response(self, status: int | str) -> Response | None:
        """What the document says for this status: exact, else its range ("4XX"), else "default", else
        None."""
        wanted = str(status)
        by_status = {r.status: r for r in self.responses}
        return by_status.get(wanted) or by_status.get(f"{wanted[:1]}XX") or by_status.get("default")

    @property
    def success(self) -> Response | None:
        """The first documented 2xx answer, lowest status first, else "default", else None."""
        good = sorted((r for r in self.responses if r.is_success), key=lambda r: r.status)
        return good[0] if good else next((r for r in self.responses if r.status == "default"), None)


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag of an API. `parent` names the tag above it and `kind` says what it is for (OpenAPI 3.2)."""

    name: str
    title: Text = NOTHING
    description: Text = NOTHING
    parent: str | None = None
    kind: str | None = None
    pointer: str = ""


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """`fields` of this table name `target_fields` of `table`; `interface` None: in the same interface."""

    fields: tuple[str, ...]
    interface: str | None
    table: str
    target_fields: tuple[str, ...]
    pointer: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """One table of a dataset. `register`: the population register its rows come from. `quality`: the
    contract's own quality rules, as written."""

    name: str
    title: Text = NOTHING
    fields: tuple[Field, ...] = ()
    primary_key: tuple[str, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    register: str | None = None
    extensions: Mapping[str, Any] = NOTHING
    pointer: str = ""
    description: Text = NOTHING
    quality: tuple[Mapping[str, Any], ...] = ()

    def field(self, name: str) -> Field:
        """The field of that name. Raises KeyError naming near ones."""
        return named(name, {f.name: f for f in self.fields}, "field")

    @property
    def schema(self) -> Schema:
        """One row as an object schema (refs still point at the interface's definitions)."""
        required = [f.name for f in self.fields if f.required]
        shape: Schema = {"type": "object", "properties": {f.name: f.schema for f in self.fields}}
        return {**shape, "required": required} if required else shape


@dataclass(frozen=True, eq=False)
class Interface:
    """One interface: an API, a dataset or a process, with everything said about it.

    `id` is `<department>.<name>` where the document names its department, else made from the file name.
    `version` is the publisher's. `format` names the document's format ("OpenAPI 3.0.3"). `definitions` are
    the named schemas, `origins` where each was read. `findings` is what reading tolerated. `documents` are
    the further files the document refers to, by name. `webhooks`: what the provider calls by itself; their `path` is
    the webhook's name. `security_schemes` are written as OpenAPI 3 has them.

    Pointers are JSON pointers into `document`; one into another file has the form `NAME#/pointer`.
    """

    kind: Kind
    id: str
    version: str
    title: Text
    description: Text
    department: str | None
    document: Document
    operations: tuple[Operation, ...] = ()
    tables: tuple[Table, ...] = ()
    process: Process | None = None
    webhooks: tuple[Operation, ...] = ()
    definitions: Mapping[str, Schema] = NOTHING
    servers: tuple[Server, ...] = ()
    security_schemes: Mapping[str, Any] = NOTHING
    extensions: Mapping[str, Any] = NOTHING
    findings: tuple[Finding, ...] = ()
    format: str = ""
    tags: tuple[Tag, ...] = ()
    documents: Mapping[str, Document] = NOTHING
    origins: Mapping[str, str] = NOTHING

    @property
    def digest(self) -> str:
        """SHA-256 of the document's bytes, hexadecimal: the identity of this version."""
        return self.document.digest

    def place(self, pointer: str) -> tuple[Document, str]:
        """The document a pointer of this interface leads into, and the JSON pointer inside it."""
        name, mark, inner = pointer.rpartition("#")
        if mark and name in self.documents:
            return self.documents[name], inner
        return self.document, pointer

    def finding(self, rule: str, severity: Severity, message: str, pointer: str, hint: str = "") -> Finding:
        """A finding at a pointer of this interface, with file, line and column filled in."""
        document, inner = self.place(pointer)
        line, column = document.position(inner) or (None, None)
        return Finding(rule, severity, message, document.name, inner, line, column, hint)

    def operation(self, id: str) -> Operation:
        """The operation of that id. Raises KeyError naming near ones."""
        return named(id, self._operations, "operation")

    def table(self, name: str) -> Table:
        """The table of that name. Raises KeyError naming near ones."""
        return named(name, {t.name: t for t in self.tables}, "table")

    def standalone(self, schema: Schema) -> Schema:
        """`schema` with only the definitions it reaches, as a self-contained JSON Schema 2020-12.

        Recursive schemas stay references, so the result is finite and its size is bounded by the document's.
        Raises KeyError for a reference that is not one of this interface's.
        """
        reached: dict[str, Schema] = {}
        waiting = list(references(schema))
        while waiting:
            name = waiting.pop()
            if name not in reached:
                reached[name] = self.definitions[name]
                waiting.extend(self._edges(name))
        if not reached:
            return dict(schema)
        return {**schema, "$defs": {name: reached[name] for name in sorted(reached)}}

    def resolve(self, schema: Schema) -> Schema:
        """`schema` with a leading `$ref` followed; keywords beside the reference win over the target's."""
        seen: set[str] = set()
        while isinstance(reference := schema.get("$ref"), str):
            name = definition_name(reference)
            if name in seen or name not in self.definitions:
                return {key: value for key, value in schema.items() if key != "$ref"}
            seen.add(name)
            beside = {key: value for key, value in schema.items() if key != "$ref"}
            schema = {**self.definitions[name], **beside}
        return schema

    def fields(self, schema: Schema | None) -> tuple[Field, ...]:
        """The fields a value of `schema` has at its top level, in the document's order.

        References and `allOf` are merged, alternatives (`oneOf`, `anyOf`) united (a field that only an
        alternative asks for counts as optional), an array stands for its items. Anything else has no fields.
        """
        found: dict[str, Field] = {}
        seen: set[tuple[str, bool]] = set()
        waiting = [(schema, True)] if schema is not None else []
        while waiting:  # what stands first in the document comes first; chains may be longer than the stack
            part, needed = waiting.pop()
            inner: list[tuple[Schema, bool]] = []
            if isinstance(target := part.get("$ref"), str):
                name = definition_name(target)
                if (name, needed) not in seen and name in self.definitions:
                    seen.add((name, needed))
                    inner.append((self.definitions[name], needed))
            inner.append(({word: part[word] for word in ("properties", "required") if word in part}, needed))
            inner += [(one, needed) for one in part.get("allOf", ())]
            inner += [(one, False) for word in ("oneOf", "anyOf") for one in part.get(word, ())]
            if isinstance(items := part.get("items"), dict):
                inner.append((items, needed))
            if len(inner) > 1:
                waiting += reversed(inner)
            else:
                self._gather(part, found, required=needed)
        return tuple(found.values())

    def _gather(self, schema: Schema, found: dict[str, Field], *, required: bool) -> None:
        names = set(schema.get("required", ()))
        for name, member in schema.get("properties", {}).items():
            needed = required and name in names
            if name not in found or (needed and not found[name].required):
                found[name] = make_field(name, self._annotated(member), required=needed)

    def _annotated(self, schema: Schema) -> Schema:
        """`schema` resolved, with element, sensitivity and words taken from its `allOf` parts where it has
        none."""
        schema = self.resolve(schema)
        for part in schema.get("allOf", ()):
            said = self.resolve(part)
            lent = {word: said[word] for word in _ANNOTATIONS if word in said and word not in schema}
            schema = {**schema, **lent}
        return schema

    @cached_property
    def _operations(self) -> dict[str, Operation]:
        return {operation.id: operation for operation in self.operations}

    @cached_property
    def _known_edges(self) -> dict[str, tuple[str, ...]]:
        return {}

    def _edges(self, name: str) -> tuple[str, ...]:
        if name not in self._known_edges:
            self._known_edges[name] = tuple(dict.fromkeys(references(self.definitions[name])))
        return self._known_edges[name]


_ANNOTATIONS = ("title", "description", "x-en", "x-element", "x-sensitivity")


def make_field(name: str, schema: Schema, *, required: bool = False, key: bool = False, pointer: str = "") -> Field:
    """A field whose words, element and sensitivity are those its (resolved) schema carries."""
    english = schema.get("x-en")
    english = english if isinstance(english, dict) else {}
    return Field(
        name=name,
        schema=schema,
        title=words(schema.get("title"), english.get("title")),
        description=words(schema.get("description"), english.get("description")),
        element=_string(schema.get("x-element")),
        sensitivity=_string(schema.get("x-sensitivity")),
        required=required,
        key=key,
        pointer=pointer,
    )


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
