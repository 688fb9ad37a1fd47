"""Whether a document has the form of Arazzo 1.0 or 1.1: strict, where the reader of `specs` is tolerant.

A process that is only shown may be read generously; one that is going to change things on somebody's servers may not.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

import jsonschema_rs

from specs.parse import parse
from specs.schema import escape

MOST = 20
"""Findings told of one document."""


@cache
def _validator() -> jsonschema_rs.Draft202012Validator:
    text = files("conformance.arazzo").joinpath("form.yaml").read_bytes()
    return jsonschema_rs.Draft202012Validator(parse(text, "form.yaml").value)


def errors(document: Any) -> Iterator[tuple[str, str]]:
    """(JSON pointer, what is wrong there), at most `MOST`; nothing for a document of the right form."""
    told: set[str] = set()
    for error in _validator().iter_errors(document):
        place = [*error.instance_path]
        pointer = "".join(f"/{escape(part) if isinstance(part, str) else part}" for part in place)
        if pointer in told:
            continue
        told.add(pointer)
        yield pointer, _words(error)
        if len(told) == MOST:
            return


def _words(error: Any) -> str:
    rule = str(error.schema_path[-1]) if error.schema_path else ""
    if rule == "oneOf":
        names = "operationId, operationPath, workflowId, channelPath" if _is_step(error) else "workflowId, stepId"
        return f"exactly one of {names} is needed"
    if rule == "uniqueItems":
        return "an entry occurs twice"
    if rule == "not":
        return "workflowId and stepId exclude each other"
    return str(error.message.splitlines()[0][:200])


def _is_step(error: Any) -> bool:
    path = [str(part) for part in error.instance_path]
    return len(path) >= 2 and path[-2] == "steps"
