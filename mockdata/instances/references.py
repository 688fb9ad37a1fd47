"""Where the schemas of a document are, and what a `$ref` or `$dynamicRef` means at a place.

Follows JSON Schema 2020-12 core, sections 8 and 9 (and the same sections of 2019-09 and of draft-7, where
`$ref` silences its neighbours and `definitions` stands for `$defs`). Schemas are told apart by object
identity: the document must stay as it is while a `References` reads it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, urldefrag, urljoin

import jsonschema_rs

Schema = dict[str, Any] | bool

ROOT = "json-schema:///document"
_FRAGMENT = "/~!$&'()*+,;=:@-._"  # RFC 3986, 3.5
SINGLE = frozenset(
    [
        "additionalItems",
        "additionalProperties",
        "contains",
        "contentSchema",
        "else",
        "if",
        "items",
        "not",
        "propertyNames",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
    ]
)
LISTS = frozenset(["allOf", "anyOf", "oneOf", "prefixItems", "items"])
NAMED = frozenset(["$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties", "properties"])

DRAFTS = {
    "2020-12": "https://json-schema.org/draft/2020-12/schema",
    "2019-09": "https://json-schema.org/draft/2019-09/schema",
    "draft-7": "http://json-schema.org/draft-07/schema",
    "draft-6": "http://json-schema.org/draft-06/schema",
    "draft-4": "http://json-schema.org/draft-04/schema",
}


class Scope(NamedTuple):
    """Where evaluation stands: the base URI, and the resources entered on the way (outermost first, once
    each).
    """

    base: str
    entered: tuple[str, ...]

    def enter(self, uri: str) -> Scope:
        """The scope after stepping into the resource `uri`."""
        return Scope(uri, self.entered if uri in self.entered else (*self.entered, uri))


class Unresolved(LookupError):
    """A reference that leads nowhere; `reference` is its text."""

    def __init__(self, reference: str) -> None:
        super().__init__(f"nothing found at $ref {reference!r}")
        self.reference = reference


def draft_of(schema: Any, default: str = "2020-12") -> str:
    """The draft a schema names with `$schema` (a key of DRAFTS), else `default`."""
    named = schema.get("$schema") if isinstance(schema, dict) else None
    if isinstance(named, str):
        for draft, uri in DRAFTS.items():
            if named.rstrip("#") == uri:
                return draft
    return default


def subschemas(schema: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The schemas directly inside a schema, each with its relative JSON pointer."""
    for word, value in schema.items():
        if word in NAMED and isinstance(value, dict):
            for name, inner in value.items():
                yield f"/{word}/{escape(name)}", inner
        elif word in LISTS and isinstance(value, list):
            for at, inner in enumerate(value):
                yield f"/{word}/{at}", inner
        elif word in SINGLE:
            yield f"/{word}", value


def escape(token: str) -> str:
    """One JSON pointer token (RFC 6901)."""
    return token.replace("~", "~0").replace("/", "~1")


@lru_cache(maxsize=1)
def metaschemas() -> dict[str, dict[str, Any]]:
    """Every metaschema jsonschema-rs knows, by URI."""
    found: dict[str, dict[str, Any]] = {}
    for draft, uri in DRAFTS.items():
        bundled: Any = jsonschema_rs.bundle({"$schema": uri, "$ref": uri})
        holder: Any = bundled.get("$defs" if draft.startswith("20") else "definitions", {})
        found.update({name.rstrip("#"): value for name, value in holder.items()})
    return found


class References:
    """An index over one document: its resources, anchors and the place of every schema."""

    def __init__(self, document: Schema, draft: str = "2020-12") -> None:
        self.draft = draft_of(document, draft)
        self.legacy = not self.draft.startswith("20")  # `$ref` silences its neighbours
        self.document = document
        self._resources: dict[str, Schema] = {}
        self._anchors: dict[tuple[str, str], dict[str, Any]] = {}
        self._dynamic: dict[tuple[str, str], dict[str, Any]] = {}
        self._places: dict[int, tuple[str, str, Scope]] = {}
        self._kept: list[Any] = []  # an id is only unique while its object lives
        named = document.get("$id") if isinstance(document, dict) else None
        self.uri = urldefrag(urljoin(ROOT, named))[0] if isinstance(named, str) else ROOT
        if self.legacy and isinstance(document, dict) and "$ref" in document:
            self.uri = ROOT
        self._index(document, self.uri)

    @property
    def start(self) -> Scope:
        """The scope at the root of the document."""
        return Scope(self.uri, (self.uri,))

    @property
    def size(self) -> int:
        """How many schemas have been read so far."""
        return len(self._kept)

    def place(self, schema: Any) -> str | None:
        """The URI with JSON pointer of a schema object of this document, else None (made up on the way)."""
        known = self._places.get(id(schema))
        return None if known is None else f"{known[0]}#{quote(known[1], safe=_FRAGMENT)}"

    def uses(self, word: str) -> bool:
        """Whether any schema read so far has that keyword."""
        return any(word in schema for schema in self._kept)

    def pointer(self, schema: Any) -> str:
        """The JSON pointer of a schema object in its resource, "" when it was made up on the way."""
        known = self._places.get(id(schema))
        return "" if known is None else known[1]

    def step(self, schema: dict[str, Any], scope: Scope) -> Scope:
        """The scope inside `schema`: another one when it starts a resource of its own."""
        named = schema.get("$id")
        if not isinstance(named, str) or named.startswith("#") or (self.legacy and "$ref" in schema):
            return scope
        uri = urldefrag(urljoin(scope.base, named))[0]
        known = self._places.get(id(schema))
        return scope.enter(known[0] if known and known[1] == "" else uri)

    def resolve(self, reference: str, scope: Scope) -> tuple[Schema, Scope]:
        """The schema a `$ref` names and the scope it is read in. Raises Unresolved."""
        uri, fragment = urldefrag(urljoin(scope.base, reference))
        uri = uri or scope.base
        resource = self._resource(uri, reference)
        if not fragment:
            return resource, scope.enter(uri)
        if not fragment.startswith("/"):
            anchored = self._anchors.get((uri, fragment))
            if anchored is None:
                raise Unresolved(reference)
            return anchored, scope.enter(uri)
        return self._walk(resource, uri, fragment, reference, scope)

    def resolve_dynamic(self, reference: str, scope: Scope) -> tuple[Schema, Scope]:
        """The same for `$dynamicRef`: the outermost entered resource with that dynamic anchor wins."""
        schema, inner = self.resolve(reference, scope)
        fragment = urldefrag(reference)[1]
        if self._dynamic.get((inner.base, fragment)) is not schema:
            return schema, inner
        for uri in scope.entered:
            found = self._dynamic.get((uri, fragment))
            if found is not None:
                return found, scope.enter(uri)
        return schema, inner

    def resolve_recursive(self, reference: str, scope: Scope) -> tuple[Schema, Scope]:
        """The same for 2019-09's `$recursiveRef`."""
        schema, inner = self.resolve(reference, scope)
        if not (isinstance(schema, dict) and schema.get("$recursiveAnchor") is True):
            return schema, inner
        for uri in scope.entered:
            found = self._resources.get(uri)
            if isinstance(found, dict) and found.get("$recursiveAnchor") is True:
                return found, scope.enter(uri)
        return schema, inner

    def _resource(self, uri: str, reference: str) -> Schema:
        if uri not in self._resources:
            known = metaschemas().get(uri)
            if known is None:
                raise Unresolved(reference)
            self._index(known, uri)
        return self._resources[uri]

    def _walk(self, node: Any, uri: str, fragment: str, reference: str, scope: Scope) -> tuple[Schema, Scope]:
        scope, pointer = scope.enter(uri), ""
        for token in unquote(fragment).split("/")[1:]:
            token = token.replace("~1", "/").replace("~0", "~")
            if isinstance(node, list) and token.isdigit() and int(token) < len(node):
                node = node[int(token)]
            elif isinstance(node, dict) and token in node:
                node = node[token]
            else:
                raise Unresolved(reference)
            pointer += "/" + escape(token)
            known = self._places.get(id(node))
            if known and known[1] == "" and known[0] != scope.base:
                scope, pointer = scope.enter(known[0]), ""
        if not isinstance(node, dict | bool):
            raise Unresolved(reference)
        if isinstance(node, dict) and id(node) not in self._places:
            self._index(node, scope.base, pointer)
        return node, scope

    def _index(self, document: Any, uri: str, pointer: str = "") -> None:
        if not pointer:
            self._resources.setdefault(uri, document)
        waiting: list[tuple[Any, str, str]] = [(document, uri, pointer)]
        while waiting:
            node, base, at = waiting.pop()
            if not isinstance(node, dict) or id(node) in self._places:
                continue
            base, at = self._register(node, base, at)
            self._places[id(node)] = (base, at, Scope(base, (base,)))
            self._kept.append(node)
            waiting.extend((inner, base, at + tail) for tail, inner in subschemas(node))

    def _register(self, node: dict[str, Any], base: str, at: str) -> tuple[str, str]:
        if self.legacy and "$ref" in node:
            return base, at
        named = node.get("$id")
        if isinstance(named, str):
            uri, fragment = urldefrag(urljoin(base, named))
            if fragment and self.legacy:
                self._anchors[(base if named.startswith("#") else uri, fragment)] = node
            if not named.startswith("#") and uri and uri != base:
                base, at = uri, ""
                self._resources.setdefault(uri, node)
        for word, table in (("$anchor", self._anchors), ("$dynamicAnchor", self._dynamic)):
            if isinstance(name := node.get(word), str):
                table[(base, name)] = node
                self._anchors[(base, name)] = node
        return base, at
