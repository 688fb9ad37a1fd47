"""Runtime expressions: values out of a call and its answer, by the ABNF of OpenAPI 3.1 and nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mockdata.instances.suggestions import lookup
from mockdata.sandbox.parameters import write

_EMBEDDED = re.compile(r"\{(\$[^{}]*)\}")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_ESCAPED = re.compile(r"~(?![01])")
_WHOLE = {"$url": "url", "$method": "method", "$statusCode": "status"}


@dataclass(frozen=True, slots=True)
class Message:
    """One side of an exchange: headers by lower-case name, query and path parameters, and the body's value."""

    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    path: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its answer, as expressions see them."""

    url: str
    method: str
    status: int
    request: Message
    response: Message


def evaluate(expression: str, exchange: Exchange) -> Any:
    """The value of one expression ("$request.body#/url").

    Raises LookupError when there is none, ValueError when it is no expression.
    """
    if expression in _WHOLE:
        return getattr(exchange, _WHOLE[expression])
    side, dot, source = expression.partition(".")
    if side not in ("$request", "$response") or not dot:
        raise ValueError(f"{expression!r} is no runtime expression")
    message = exchange.request if side == "$request" else exchange.response
    kind, mark, pointer = source.partition("#")
    if kind == "body":
        return _at(message.body, pointer, expression) if mark else message.body
    kind, dot, name = source.partition(".")
    if kind == "header" and _TOKEN.fullmatch(name):
        return message.headers[name.lower()]
    if kind in ("query", "path") and name:
        return (message.query if kind == "query" else message.path)[name]
    raise ValueError(f"{expression!r} is no runtime expression")


def _at(body: Any, pointer: str, expression: str) -> Any:
    if (pointer and not pointer.startswith("/")) or _ESCAPED.search(pointer):
        raise ValueError(f"{expression!r} holds no JSON pointer")
    tokens = [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]
    for token in tokens:
        number = isinstance(body, list) and (token == "0" or (token.isdecimal() and token[0] != "0"))
        body = lookup(body, (int(token) if number else token,))
    return body


def expand(template: str, exchange: Exchange) -> str:
    """A template with every embedded `{$expression}` replaced; a lone expression without braces counts, too.

    Raises LookupError or ValueError as `evaluate` does.
    """
    if template.startswith("$") and "{" not in template:
        return write(evaluate(template, exchange))
    return _EMBEDDED.sub(lambda found: write(evaluate(found[1], exchange)), template)
