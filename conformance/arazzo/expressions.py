"""Runtime expressions: text to parts, by the ABNF of Arazzo 1.1 and nothing else.

`parse` reads one expression, `embedded` finds those inside a string. Nothing is evaluated here, see `frame`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from specs.parse import pointers

LONGEST = 4_000
"""Characters of one expression."""

_ROOTS = (
    r"url|method|statusCode|self|request|response|message|inputs|outputs|steps|workflows|sourceDescriptions|components"
)
_MEANT = re.compile(rf"\$(?:url|method|statusCode|self)\Z|\$(?:{_ROOTS})[.#\[]")
_EMBEDDED = re.compile(rf"\{{(\$(?:{_ROOTS})(?:[.#\[][^{{}}]*)?)\}}")
_STRICT = r"[A-Za-z0-9_-]+"
_NAME = r"[A-Za-z0-9._-]+"
_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_POINTER = r"(?:/(?:[^~/{}]|~[01])*)*"
_FORMS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(form, re.DOTALL))
    for kind, form in (
        ("whole", r"\$(?P<name>url|method|statusCode|self)"),
        ("header", rf"\$(?P<side>request|response)\.header\.(?P<name>{_TOKEN})"),
        ("query", r"\$(?P<side>request|response)\.query\.(?P<name>[^{}]*)"),
        ("path", r"\$(?P<side>request|response)\.path\.(?P<name>[^{}]*)"),
        ("body", rf"\$(?P<side>request|response)\.body(?:#(?P<pointer>{_POINTER}))?"),
        ("message", r"\$(?:message\.|(?:request|response)\.payload)(?P<name>.*)"),
        ("inputs", rf"\$inputs\.(?P<name>{_NAME})(?:#(?P<pointer>{_POINTER}))?"),
        ("outputs", rf"\$outputs\.(?P<name>{_NAME})(?:#(?P<pointer>{_POINTER}))?"),
        ("steps", rf"\$steps\.(?P<owner>{_STRICT})\.outputs\.(?P<name>{_NAME})(?:#(?P<pointer>{_POINTER}))?"),
        (
            "workflows",
            rf"\$workflows\.(?P<owner>{_STRICT})\.(?P<side>inputs|outputs)\.(?P<name>{_NAME})"
            rf"(?:#(?P<pointer>{_POINTER}))?",
        ),
        ("sources", rf"\$sourceDescriptions\.(?P<owner>{_STRICT})\.(?P<name>[^{{}}]+)"),
        ("components", rf"\$components\.(?P<side>parameters|successActions|failureActions)\.(?P<name>{_NAME})"),
    )
)


class ExpressionSyntax(ValueError):
    """Text that is meant as a runtime expression and is none; the message quotes it."""


@dataclass(frozen=True, slots=True)
class Expression:
    """One runtime expression.

    `kind`: whole (url, method, statusCode, self by `name`) | header | query | path | body (of the `side` request or
    response) | inputs | outputs | steps | workflows (`owner` is the id, `side` inputs or outputs) | sources |
    components | message (AsyncAPI's). `pointer` is the RFC 6901 pointer behind `#`, None when there is none.
    """

    text: str
    kind: str
    name: str = ""
    owner: str = ""
    side: str = ""
    pointer: str | None = None

    @property
    def needs_answer(self) -> bool:
        """Whether it can only be known once the step has been answered."""
        return self.side == "response" or (self.kind == "whole" and self.name == "statusCode")


def is_meant(text: str) -> bool:
    """Whether a whole string is meant as a runtime expression: `$5.00` and `$.a` are not, `$response.bdy` is."""
    return _MEANT.match(text) is not None


@lru_cache(maxsize=4096)
def parse(text: str) -> Expression:
    """The parts of one expression. Raises `ExpressionSyntax`."""
    if len(text) > LONGEST:
        raise ExpressionSyntax(f"an expression of {len(text):,} characters; {LONGEST:,} are read")
    for kind, form in _FORMS:
        if found := form.fullmatch(text):
            return Expression(text, kind, **found.groupdict())
    raise ExpressionSyntax(f"{text!r} is no runtime expression{_hint(text)}")


def embedded(text: str) -> list[str | Expression]:
    """A string as literal text and the expressions in braces in it, in order. Raises `ExpressionSyntax`.

    Braces that hold none of Arazzo's names are literal text: templates of JSON are full of them.
    """
    parts: list[str | Expression] = []
    at = 0
    for found in _EMBEDDED.finditer(text):
        parts += [text[at : found.start()], parse(found[1])]
        at = found.end()
    return [part for part in [*parts, text[at:]] if part != ""]


def expressions(value: Any, at: str = "") -> Iterator[tuple[str, str, Expression | ExpressionSyntax]]:
    """Every expression in a value, whole or embedded: (pointer, string, expression or what is wrong with it)."""
    for pointer, node in pointers(value, at):
        if not isinstance(node, str) or "$" not in node:
            continue
        try:
            found = [parse(node)] if is_meant(node) else [p for p in embedded(node) if isinstance(p, Expression)]
        except ExpressionSyntax as wrong:
            yield pointer, node, wrong
            continue
        for expression in found:
            yield pointer, node, expression


def _hint(text: str) -> str:
    for side in ("$request", "$response"):
        if text.startswith(f"{side}.body."):
            return f"; a part of the body is {side}.body#/{text.removeprefix(side + '.body.').replace('.', '/')}"
    if text.startswith("$steps.") and ".outputs." not in text:
        return "; an output of a step is $steps.ID.outputs.NAME"
    return ""
