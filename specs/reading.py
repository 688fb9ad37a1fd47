"""The one way in: any document this project understands to an interface."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

from specs.finding import Finding, Severity, SpecError
from specs.model import Interface
from specs.parse import Document, collector_paused, parse
from specs.sources import Sources, kind_of

# The member that gives a format away, the beginning of the versions read, the format's name, its reader.
_FORMATS = {
    "openapi": ("3.", "OpenAPI", "openapi"),
    "swagger": ("2", "Swagger", "swagger"),
    "arazzo": ("1.", "Arazzo", "arazzo"),
    "apiVersion": ("v3.", "ODCS", "odcs"),
}
_JSON_SCHEMA = {
    "$schema",
    "$defs",
    "definitions",
    "properties",
    "$id",
    "type",
    "allOf",
    "oneOf",
    "anyOf",
    "$ref",
}
HINT = "OpenAPI 3.0–3.2, Swagger 2.0, ODCS 3.0–3.2, Arazzo 1.0–1.1 and JSON Schema are understood"


def read(source: Path | bytes, name: str | None = None, *, strict: bool = False, root: Path | None = None) -> Interface:
    """Read a document whatever its format: OpenAPI 3.x, Swagger 2.0, ODCS 3.x, Arazzo 1.x, JSON Schema.

    `name` is what findings call it. References to other files are followed inside `root` (default: the folder
    of the document); nothing is fetched from the network. What the document gets wrong is tolerated and told
    in `Interface.findings`; with `strict`, findings of severity error are raised. Raises SpecError when there
    is nothing to read: see `parse`, and rule `unknown-format` for a document of no known kind.
    """
    document = parse(source, name)
    with collector_paused():
        interface = _reader(document)(Sources(document, root))
    if strict:
        errors = [finding for finding in interface.findings if finding.severity is Severity.ERROR]
        if errors:
            raise SpecError(errors)
    return interface


def _reader(document: Document) -> Callable[[Sources], Interface]:
    value = document.value
    if not isinstance(value, dict):
        raise _unknown(document, f"{kind_of(value)} is no interface document")
    word = next((word for word in _FORMATS if word in value), "")
    if value.get("kind") == "DataContract":
        word = "apiVersion"
    if word:
        prefix, format, module = _FORMATS[word]
        if not str(value.get(word)).startswith(prefix):
            raise _unknown(document, f"{format} {value.get(word)} is not understood", f"/{word}")
    elif _JSON_SCHEMA & value.keys():
        module = "jsonschema"
    else:
        raise _unknown(document, "this is no interface document")
    # Imported when needed: `tongban --help` and most documents use one reader or none.
    reader: Callable[[Sources], Interface] = importlib.import_module(f"specs.{module}").read
    return reader


def _unknown(document: Document, message: str, pointer: str = "") -> SpecError:
    line, column = document.position(pointer) or (None, None)
    return SpecError([Finding("unknown-format", Severity.ERROR, message, document.name, pointer, line, column, HINT)])
