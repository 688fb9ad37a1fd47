"""The one way in: any document this project understands to an interface."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from pathlib import Path

from specs.finding import Finding, Severity, SpecError
from specs.keywords import TYPES
from specs.model import Interface
from specs.parse import Document, collector_paused, parse
from specs.sources import Sources, kind_of

# The member that gives a format away, the versions read (major, highest minor), the format's name, its reader.
_FORMATS = {
    "openapi": (3, 2, "OpenAPI", "openapi"),
    "swagger": (2, 0, "Swagger", "swagger"),
    "arazzo": (1, 1, "Arazzo", "arazzo"),
    "apiVersion": (3, 2, "ODCS", "odcs"),
}
_JSON_SCHEMA = {
    "$schema",
    "$defs",
    "definitions",
    "properties",
    "$id",
    "allOf",
    "oneOf",
    "anyOf",
    "$ref",
}
_OTHERS = {"asyncapi": "AsyncAPI", "swaggerVersion": "Swagger", "openrpc": "OpenRPC", "raml": "RAML"}
HINT = "OpenAPI 3.0–3.2, Swagger 2.0, ODCS 2.2 and 3.0–3.2, Arazzo 1.0–1.1 and JSON Schema are understood"


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
    elif word == "apiVersion" and "kind" in value:
        raise _unknown(document, f"a {value['kind']} is no interface document", "/kind")
    if word:
        module = _module(document, word)
    elif named := next((name for name in _OTHERS if name in value), ""):
        raise _unknown(document, f"{_OTHERS[named]} {value[named]} is not understood", f"/{named}")
    elif _JSON_SCHEMA & value.keys() or _is_type(value.get("type")):
        module = "jsonschema"
    else:
        raise _unknown(document, "this is no interface document")
    # Imported when needed: `tongban --help` and most documents use one reader or none.
    reader: Callable[[Sources], Interface] = importlib.import_module(f"specs.{module}").read
    return reader


def _is_type(written: object) -> bool:
    return isinstance(written, list) or (isinstance(written, str) and written in TYPES)


def _module(document: Document, word: str) -> str:
    """The reader for the version that the member `word` states: 3.0.3, "3.1", 2, v3.1.0, with blanks or a suffix."""
    major, minor, format, module = _FORMATS[word]
    written = document.value.get(word)
    stated = re.match(r"\s*v?([0-9]{1,4})(?:\.([0-9]{1,4}))?(?![0-9])", str(written))
    if word == "apiVersion" and stated and int(stated[1]) == 2 and stated[2] == "2":
        return module
    if stated is None or int(stated[1]) != major or int(stated[2] or 0) > minor:
        other = "swagger" if word == "openapi" else "openapi" if word == "swagger" else ""
        if other and stated and int(stated[1]) == _FORMATS[other][0] and int(stated[2] or 0) <= _FORMATS[other][1]:
            return other  # `openapi: 2.0` and `swagger: 3.0` are slips of the pen; the reader tells
        raise _unknown(document, f"{format} {written} is not understood", f"/{word}")
    return module


def _unknown(document: Document, message: str, pointer: str = "") -> SpecError:
    line, column = document.position(pointer) or (None, None)
    return SpecError([Finding("unknown-format", Severity.ERROR, message, document.name, pointer, line, column, HINT)])
