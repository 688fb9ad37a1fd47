"""What readers notice while they read. The reader decides; here stand severity, reason and examples."""

from __future__ import annotations

from specs.finding import Severity
from specs.rules import noticed

ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO

for _id, _severity in {
    "unreadable": ERROR,
    "unknown-format": ERROR,
    "duplicate-key": ERROR,
    "not-strict-json": WARNING,
    "many-documents": WARNING,
    "custom-tag": WARNING,
    "wrong-type": ERROR,
    "loose-type": WARNING,
    "missing-field": ERROR,
    "unresolved-ref": ERROR,
    "remote-ref": ERROR,
    "outside-ref": ERROR,
    "circular-ref": ERROR,
    "ref-siblings": WARNING,
    "invalid-schema": ERROR,
    "invalid-pattern": ERROR,
    "nullable-ignored": WARNING,
    "boolean-required": WARNING,
    "enum-type-mismatch": ERROR,
    "too-deep": ERROR,
    "duplicate-parameter": ERROR,
    "duplicate-operation-id": ERROR,
    "missing-operation-id": WARNING,
    "path-parameter-optional": WARNING,
    "interface-id": ERROR,
    "duplicate-name": ERROR,
    "invalid-relationship": ERROR,
    "unknown-step": ERROR,
    "forward-reference": ERROR,
    "dependency-cycle": ERROR,
    "unknown-source": ERROR,
}.items():
    noticed(_id, _severity, "", bad="", good="")
