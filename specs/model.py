"""What an interface is, whatever document it was read from: frozen values, JSON Schema 2020-12 throughout.

Schemas are plain dicts shared between the values of one interface: read them, never change them in place.
A `$ref` inside a schema always has the form `#/$defs/NAME` and names an entry of `Interface.definitions`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import quote, unquote

from specs.finding import Finding
from specs.parse import Document

Text = Mapping[str, str]
"""What a person reads, by language: {"zh_CN": …, "en": …}; either may be missing."""

Schema = dict[str, Any]
"""A JSON Schema 2020-12 object."""

Named = TypeVar("Named")

NOTHING: Mapping[str, Any] = MappingProxyType({})


def say(text: Text, language: str = "zh_CN") -> str:
    """The words in `language`, else in whatever language there is, else ""."""
    return text.get(language) or next((words for words in text.values() if words), "")


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


@dataclass(frozen=True, slots=True)
class Content:
    """One media type of a body or response. `schema` None: the document does not say. `examples` by name."""

    media_type: str
    schema: Schema | None = None
    examples: Mapping[str, Any] = NOTHING
    pointer: str = ""

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
    scopes; an empty tuple means anyone may call. `extensions`: the x- keywords of the operation."""

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
        return _named(name, {f.name: f for f in self.fields}, "field")

    @property
    def schema(self) -> Schema:
        """One row as an object schema (refs still point at the interface's definitions)."""
        required = [f.name for f in self.fields if f.required]
        shape: Schema = {"type": "object", "properties": {f.name: f.schema for f in self.fields}}
        return {**shape, "required": required} if required else shape


@dataclass(frozen=True, slots=True)
class Source:
    """An Arazzo source description. `type` openapi | arazzo | asyncapi; `interface` is the interface id."""

    name: str
    url: str
    type: str = "openapi"
    interface: str | None = None
    pointer: str = ""


@dataclass(frozen=True, slots=True)
class Argument:
    """A parameter of a step. `location` None: an input of the workflow the step calls. `value` is a constant,
    a runtime expression ("$steps.N1.outputs.x") or a string with `{$…}` inside."""

    name: str
    location: str | None
    value: Any
    pointer: str = ""


@dataclass(frozen=True, slots=True)
class Payload:
    """The request body of a step; `replacements` are (target, value) applied to `value` in order."""

    value: Any
    content_type: str | None = None
    replacements: tuple[tuple[str, Any], ...] = ()
    pointer: str = ""


@dataclass(frozen=True, slots=True)
class Criterion:
    """A condition. `type` simple | regex | jsonpath | xpath | jsonpointer; `context` an expression, or None
    for simple ones."""

    condition: str
    type: str = "simple"
    context: str | None = None
    pointer: str = ""


@dataclass(frozen=True, slots=True)
class Action:
    """What follows a step. `type` end | goto | retry; `retry_after` in seconds."""

    name: str
    type: str
    step: str | None = None
    workflow: str | None = None
    retry_after: float | None = None
    retry_limit: int = 1
    criteria: tuple[Criterion, ...] = ()
    pointer: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One step: exactly one of `operation` (with `interface`, when its source is known), `operation_path` or
    `workflow` is set. `depends_on` holds step ids of the same workflow. `timeout` in milliseconds."""

    id: str
    description: Text = NOTHING
    interface: str | None = None
    operation: str | None = None
    operation_path: str | None = None
    workflow: str | None = None
    depends_on: tuple[str, ...] = ()
    parameters: tuple[Argument, ...] = ()
    payload: Payload | None = None
    criteria: tuple[Criterion, ...] = ()
    on_success: tuple[Action, ...] = ()
    on_failure: tuple[Action, ...] = ()
    outputs: Mapping[str, Any] = NOTHING
    timeout: int | None = None
    extensions: Mapping[str, Any] = NOTHING
    pointer: str = ""


@dataclass(frozen=True, slots=True)
class Workflow:
    """One workflow of a process."""

    id: str
    summary: Text = NOTHING
    description: Text = NOTHING
    inputs: Schema = field(default_factory=dict)
    depends_on: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    parameters: tuple[Argument, ...] = ()
    success_actions: tuple[Action, ...] = ()
    failure_actions: tuple[Action, ...] = ()
    outputs: Mapping[str, Any] = NOTHING
    extensions: Mapping[str, Any] = NOTHING
    pointer: str = ""

    def step(self, id: str) -> Step:
        """The step of that id. Raises KeyError naming near ones."""
        return _named(id, {s.id: s for s in self.steps}, "step")


@dataclass(frozen=True, slots=True)
class Process:
    """A cross-department process (Arazzo)."""

    workflows: tuple[Workflow, ...] = ()
    sources: tuple[Source, ...] = ()

    def workflow(self, id: str) -> Workflow:
        """The workflow of that id. Raises KeyError naming near ones."""
        return _named(id, {w.id: w for w in self.workflows}, "workflow")


@dataclass(frozen=True)
class Interface:
    """One interface: an API, a dataset or a process, with everything said about it.

    `id` is `<department>.<name>` where the document names its department, else made from the file name.
    `version` is the publisher's. `format` names the document's format ("OpenAPI 3.0.3"). `definitions` are
    the named schemas. `findings` is what reading tolerated. `digest` is the SHA-256 of the document's bytes,
    hexadecimal.
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
    definitions: Mapping[str, Schema] = NOTHING
    servers: tuple[Server, ...] = ()
    security_schemes: Mapping[str, Any] = NOTHING
    extensions: Mapping[str, Any] = NOTHING
    findings: tuple[Finding, ...] = ()
    format: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 of the document's bytes, hexadecimal: the identity of this version."""
        return self.document.digest

    def operation(self, id: str) -> Operation:
        """The operation of that id. Raises KeyError naming near ones."""
        return _named(id, self._operations, "operation")

    def table(self, name: str) -> Table:
        """The table of that name. Raises KeyError naming near ones."""
        return _named(name, {t.name: t for t in self.tables}, "table")

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
        if schema is not None:
            self._gather(schema, found, required=True, depth=0)
        return tuple(found.values())

    def _gather(self, schema: Schema, found: dict[str, Field], *, required: bool, depth: int) -> None:
        if depth > 32:  # a schema that contains itself through allOf or items
            return
        schema = self.resolve(schema)
        names = schema.get("required", ())
        for name, member in schema.get("properties", {}).items():
            made = make_field(name, self.resolve(member), required=required and name in names)
            if name not in found or (made.required and not found[name].required):
                found[name] = made
        for part in schema.get("allOf", ()):
            self._gather(part, found, required=required, depth=depth + 1)
        for word in ("oneOf", "anyOf"):
            for part in schema.get(word, ()):
                self._gather(part, found, required=False, depth=depth + 1)
        if isinstance(items := schema.get("items"), dict):
            self._gather(items, found, required=required, depth=depth + 1)

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


def make_field(
    name: str, schema: Schema, *, required: bool = False, key: bool = False, pointer: str = ""
) -> Field:
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


def words(text: Any, english: Any = None) -> Text:
    """`text` under its own language, guessed from its script, and `english` under "en"."""
    made: dict[str, str] = {}
    if isinstance(text, str) and text.strip():
        made["zh_CN" if any("\u3400" <= letter <= "\u9fff" for letter in text) else "en"] = text
    if isinstance(english, str) and english.strip():
        made["en"] = english
    return made


def reference(name: str) -> str:
    """The `$ref` that names a definition: JSON-pointer escaped, then percent-encoded as a URI fragment."""
    return "#/$defs/" + quote(name.replace("~", "~0").replace("/", "~1"), safe="~!$&'()*+,;=:@-._")


def definition_name(reference: str) -> str:
    """The name inside a `$ref` made by `reference`."""
    return unquote(reference.removeprefix("#/$defs/")).replace("~1", "/").replace("~0", "~")


# Keywords whose value is a schema, a list of schemas, or a map of schemas; everything else is data.
ONE_SCHEMA = frozenset(
    {
        "additionalProperties",
        "contains",
        "contentSchema",
        "else",
        "if",
        "items",
        "not",
        "propertyNames",
        "then",
    }
    | {"unevaluatedItems", "unevaluatedProperties"}
)
MANY_SCHEMAS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
NAMED_SCHEMAS = frozenset({"$defs", "dependentSchemas", "patternProperties", "properties"})


def subschemas(schema: Schema, pointer: str = "") -> Iterator[tuple[str, Schema]]:
    """`schema` and every schema inside it (references are not followed), each with its JSON pointer."""
    waiting: list[tuple[str, Any]] = [(pointer, schema)]
    while waiting:
        at, node = waiting.pop()
        if not isinstance(node, dict):
            continue
        yield at, node
        inner: list[tuple[str, Any]] = []
        for word, value in node.items():
            if word in ONE_SCHEMA:
                inner.append((f"{at}/{word}", value))
            elif word in MANY_SCHEMAS and isinstance(value, Sequence):
                inner += [(f"{at}/{word}/{index}", part) for index, part in enumerate(value)]
            elif word in NAMED_SCHEMAS and isinstance(value, Mapping):
                inner += [(f"{at}/{word}/{escape(name)}", part) for name, part in value.items()]
        waiting.extend(reversed(inner))


def references(schema: Schema) -> Iterator[str]:
    """The definition names `schema` refers to directly."""
    for _, node in subschemas(schema):
        if isinstance(target := node.get("$ref"), str):
            yield definition_name(target)


def escape(token: str) -> str:
    """One JSON pointer token (RFC 6901)."""
    return token.replace("~", "~0").replace("/", "~1")


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _named(name: str, values: Mapping[str, Named], what: str) -> Named:
    if name in values:
        return values[name]
    near = difflib.get_close_matches(name, values, n=3, cutoff=0.4) or sorted(values)[:3]
    raise KeyError(f"no {what} {name!r}; near: {', '.join(near) or 'none'}")
