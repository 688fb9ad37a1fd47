"""The faultless documents that the examples of the rules change in one place."""

from __future__ import annotations

from typing import Any

from specs.parse import parse
from specs.rules import Rule

BASES = {
    "api": """
openapi: 3.1.0
info:
  title: Marriage checks
  version: 1.0.0
  description: For departments that handle a joint matter.
  contact: {name: Civil affairs, url: 'https://civil-affairs.example'}
  x-interface-id: civil-affairs.marriages
  x-department: civil-affairs
servers: [{url: 'https://civil-affairs.example'}]
security: [{token: []}]
paths:
  /marriages/{ZSBH}:
    get:
      operationId: getMarriage
      summary: One marriage by its certificate number
      parameters:
        - {name: ZSBH, in: path, required: true, description: Certificate number, schema: {type: string}}
      responses:
        '200':
          description: The marriage
          content: {application/json: {schema: {$ref: '#/components/schemas/Marriage'}}}
        '404': {$ref: '#/components/responses/Problem'}
        default: {$ref: '#/components/responses/Problem'}
components:
  securitySchemes: {token: {type: http, scheme: bearer}}
  responses:
    Problem:
      description: What went wrong
      content: {application/problem+json: {schema: {$ref: '#/components/schemas/Problem'}}}
  schemas:
    Problem: {type: object, description: Problem details (RFC 9457)}
    Marriage:
      type: object
      required: [ZSBH]
      properties:
        ZSBH: {type: string, description: Certificate number}
        DJRQ: {type: string, format: date, description: Date of registration}
""",
    "dataset": """
apiVersion: v3.1.0
kind: DataContract
id: civil-affairs.marriage-records
name: Marriage records
version: 1.0.0
status: active
description: {purpose: Bulk comparison by departments under agreement.}
schema:
  - name: marriages
    businessName: Marriages
    properties:
      - {name: ZSBH, logicalType: string, description: Certificate number, required: true, primaryKey: true}
      - {name: DJRQ, logicalType: date, description: Date of registration}
    quality: [{type: library, metric: rowCount, mustBeGreaterThan: 0}]
slaProperties: [{property: frequency, value: 1, unit: d}]
support: [{channel: Civil affairs, url: 'https://civil-affairs.example'}]
""",
    "process": """
arazzo: 1.1.0
info: {title: Newborn, version: 1.0.0, x-interface-id: health.newborn-process}
sourceDescriptions:
  - {name: marriages, url: ./marriages.yaml, type: openapi, x-interface-id: civil-affairs.marriages}
workflows:
  - workflowId: newborn
    summary: From the marriage check to the card
    steps:
      - stepId: check
        description: Check the marriage
        operationId: $sourceDescriptions.marriages.getMarriage
        successCriteria: [{condition: $statusCode == 200}]
        outputs: {ZT: $response.body#/ZT}
""",
}


def document(rule: Rule, fragment: str) -> bytes:
    """The whole document an example of `rule` stands for: JSON, or the fragment itself if it is a whole
    document."""
    import json

    if not rule.base:
        return fragment.encode()
    base = parse(BASES[rule.base].encode()).value
    return json.dumps(_merged(base, parse(fragment.encode()).value), ensure_ascii=False, indent=2).encode()


def _merged(target: Any, patch: Any) -> Any:
    """JSON merge patch (RFC 7396)."""
    if not isinstance(patch, dict):
        return patch
    made = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            made.pop(key, None)
        else:
            made[key] = _merged(made.get(key), value)
    return made
