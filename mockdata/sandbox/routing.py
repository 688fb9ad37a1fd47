"""From a path to the operation that answers it.

Literal segments win over mixed ones ("{id}.json"), those over parameters (OpenAPI 3.1, Path Templating). A
path is tried as the document writes it and below the base path of each of its servers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl, unquote, urlsplit

from specs.model import Interface, Operation

_BRACES = re.compile(r"\{([^{}/]+)\}")


@dataclass(frozen=True, slots=True)
class Route:
    """One operation and the way its path is read. `interface` is the interface the operation belongs to."""

    interface: Interface
    operation: Operation
    expression: re.Pattern[str]
    names: tuple[str, ...]
    rank: tuple[int, ...]
    query: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Match:
    """A route and the raw (still percent-encoded) values of its path parameters."""

    route: Route
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Miss:
    """No operation answers. `allowed`: methods of the path, empty when the path itself is unknown;
    `interface` when the path lies in one."""

    allowed: tuple[str, ...] = ()
    interface: Interface | None = None


def compile_route(interface: Interface, operation: Operation) -> Route:
    """The route of one operation. A query or fragment written into the path becomes a condition or is
    ignored.
    """
    path, _, query = operation.path.partition("#")[0].partition("?")
    names: list[str] = []
    pattern, rank = "", []
    for segment in path.strip("/").split("/") if path.strip("/") else []:
        pieces = _BRACES.split(segment)
        literal = pieces[0::2]
        text = ""
        for at, piece in enumerate(pieces):
            if at % 2:
                names.append(piece)
                text += "([^/]+?)" if any(literal) else "([^/]+)"
            else:
                text += re.escape(piece)
        pattern += "/" + text
        rank.append(0 if len(pieces) == 1 else 1 if any(literal) else 2)
    conditions = tuple(parse_qsl(query, keep_blank_values=True)) if "{" not in query else ()
    return Route(interface, operation, re.compile(pattern + "/?"), tuple(names), tuple(rank), conditions)


class Router:
    """The routes of several interfaces, below `/{interface id}`, or at the root when `bare`."""

    def __init__(self, interfaces: Iterable[Interface], bare: bool = False) -> None:
        self.bare = bare
        self._routes: dict[str, dict[int, list[Route]]] = {}
        self._bases: dict[str, tuple[str, ...]] = {}
        self._interfaces: dict[str, Interface] = {}
        for interface in interfaces:
            key = "" if bare else interface.id
            self._interfaces[key] = interface
            by_length = self._routes.setdefault(key, {})
            for operation in interface.operations:
                route = compile_route(interface, operation)
                by_length.setdefault(len(route.rank), []).append(route)
            for routes in by_length.values():
                routes.sort(key=lambda route: (route.rank, not route.query))
            known = self._bases.get(key, ())
            self._bases[key] = tuple(dict.fromkeys((*known, *_base_paths(interface))))
        self._find = lru_cache(maxsize=8192)(self._search)

    def match(self, method: str, path: str, query: tuple[tuple[str, str], ...] = ()) -> Match | Miss:
        """The operation for a method and a percent-encoded path. HEAD falls back on GET."""
        key, inner = "", path
        if not self.bare:
            key, slash, rest = path.lstrip("/").partition("/")
            key, inner = unquote(key), slash + rest
        if key not in self._routes:
            return Miss()
        found = [hit for hit in self._find(key, inner) if set(hit.route.query) <= set(query)]
        for wanted in (method, "GET") if method == "HEAD" else (method,):
            for hit in found:
                if hit.route.operation.method == wanted:
                    return hit
        allowed = sorted({hit.route.operation.method for hit in found})
        return Miss(tuple(allowed), self._interfaces[key])

    def _search(self, key: str, path: str) -> tuple[Match, ...]:
        for inner in self._inner_paths(key, path or "/"):
            found = tuple(self._matches(key, inner))
            if found:
                return found
        return ()

    def _inner_paths(self, key: str, path: str) -> Iterable[str]:
        yield path
        for base in self._bases[key]:
            if path == base or path.startswith(base + "/"):
                yield path[len(base) :] or "/"

    def _matches(self, key: str, path: str) -> Iterable[Match]:
        stripped = path.rstrip("/")
        count = stripped.count("/")
        literal = unquote(stripped)
        for route in self._routes[key].get(count, ()):
            hit = route.expression.fullmatch(stripped) or (None if route.names else route.expression.fullmatch(literal))
            if hit is not None:
                yield Match(route, dict(zip(route.names, hit.groups(), strict=True)))


def _base_paths(interface: Interface) -> list[str]:
    """Base paths of the servers, longest first, without "/"."""
    servers = [*interface.servers, *(server for operation in interface.operations for server in operation.servers)]
    paths = {urlsplit(server.url).path.rstrip("/") for server in servers}
    return sorted((path for path in paths if path), key=len, reverse=True)
