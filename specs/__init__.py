"""What an interface is: reads OpenAPI, Swagger, ODCS, Arazzo and JSON Schema into one model, and lints it.

    interface = specs.read(Path("marriages.openapi.yaml"))
    interface.operation("verifyMarriage").body

`read` and `parse` raise `SpecError`; whatever else a document gets wrong is in `Interface.findings`.
"""

from specs.finding import Finding, Severity, SpecError
from specs.model import (
    Body,
    Content,
    Field,
    ForeignKey,
    Interface,
    Kind,
    Operation,
    Parameter,
    Response,
    Server,
    Table,
    Tag,
)
from specs.parse import Document, parse
from specs.process import Action, Argument, Criterion, Payload, Process, Source, Step, Workflow
from specs.reading import read
from specs.schema import Schema, definition_name, reference, references, subschemas
from specs.words import Text, say

__all__ = [
    "Action",
    "Argument",
    "Body",
    "Content",
    "Criterion",
    "Document",
    "Field",
    "Finding",
    "ForeignKey",
    "Interface",
    "Kind",
    "Operation",
    "Parameter",
    "Payload",
    "Process",
    "Response",
    "Schema",
    "Server",
    "Severity",
    "Source",
    "SpecError",
    "Step",
    "Table",
    "Tag",
    "Text",
    "Workflow",
    "definition_name",
    "parse",
    "read",
    "reference",
    "references",
    "say",
    "subschemas",
]
