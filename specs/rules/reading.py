"""What readers notice while they read. The reader decides; here stand severity, reason and examples."""

from __future__ import annotations

from specs.finding import Severity
from specs.rules import noticed

ERROR, WARNING = Severity.ERROR, Severity.WARNING

_HEAD = 'openapi: 3.1.0\ninfo: {title: Marriages, version: "1.0.0", x-interface-id: civil-affairs.marriages}\n'
_FIELD = "components: {schemas: {Marriage: {properties: {ZSBH: {%s}}}}}"
_PATH = "paths:\n  /marriages/{ZSBH}:\n    "
_GET = _PATH + "get: {%s}"
_SECOND = """
paths:
  /marriages:
    head:
      operationId: %s
      summary: Is there any?
      responses: {'200': {description: 'Yes'}, default: {$ref: '#/components/responses/Problem'}}
"""
_OFFICES = """{operationId: listOffices, summary: The offices, responses: {
      '200': {description: Them, content: {application/json: {schema: {type: string}}}},
      default: {$ref: '#/components/responses/Problem'}}}"""
_PARTS = (
    """
paths:
  /offices:
    get: %s
components: {x-operations: {offices: """
    + _OFFICES
    + "}}\n"
)
_MARRIAGE = "components: {schemas: {Marriage: {%s}}}"

# --- the document as a text

noticed(
    "unreadable",
    ERROR,
    "Nothing can be said about a document that is not UTF-8, not JSON or YAML, empty, above 64 MiB, nested above 512 "
    "levels, or that its YAML aliases blow up.",
    base="",
    bad=_HEAD + "paths: [",
    good=_HEAD + "paths: {}\n",
)
noticed(
    "unknown-format",
    ERROR,
    "The format is told by the member openapi, swagger, apiVersion + kind: DataContract, arazzo, or by JSON Schema's "
    "own keywords; other versions and formats are not guessed.",
    base="",
    bad='openapi: 4.0.0\ninfo: {title: Marriages, version: "1"}\npaths: {}\n',
    good=_HEAD + "paths: {}\n",
)
noticed(
    "duplicate-key",
    ERROR,
    "Of two equal keys one is lost without a word, and which one depends on the tool.",
    base="",
    bad=_HEAD + "paths: {}\npaths: {}\n",
    good=_HEAD + "paths: {}\n",
)
noticed(
    "not-strict-json",
    WARNING,
    "Comments and trailing commas are not JSON; other tools refuse the file.",
    base="",
    bad='{"openapi": "3.1.0", "info": {"title": "Marriages", "version": "1.0.0", "x-interface-id": "civil.m"},\n'
    ' "paths": {},}',
    good='{"openapi": "3.1.0", "info": {"title": "Marriages", "version": "1.0.0", "x-interface-id": "civil.m"},\n'
    ' "paths": {}}',
)
noticed(
    "many-documents",
    WARNING,
    "Only the first of several YAML documents in one file is read.",
    base="",
    bad=_HEAD + "paths: {}\n---\nmore: true\n",
    good=_HEAD + "paths: {}\n",
)
noticed(
    "custom-tag",
    WARNING,
    "A YAML tag such as !include is understood by one tool only.",
    base="",
    bad=_HEAD + "paths: !ours {}\n",
    good=_HEAD + "paths: {}\n",
)

# --- values

noticed(
    "wrong-type",
    ERROR,
    "A value of a type the format does not allow there is ignored: what it said is lost.",
    bad=_GET % "description: [long]",
    good=_GET % "description: long",
)
noticed(
    "reference-as-operation",
    WARNING,
    "A reference may stand for a path, not for one method of it. It is read as meant; many tools see an empty "
    "operation without parameters and answers.",
    bad=_PARTS % "{$ref: '#/components/x-operations/offices'}",
    good=_PARTS % _OFFICES,
)
noticed(
    "loose-type",
    WARNING,
    "A value of the wrong type whose meaning is clear (a number in quotes, one string for a list) is read as meant, "
    "but other tools will not.",
    bad=_FIELD % "maxLength: '20'",
    good=_FIELD % "maxLength: 20",
)
noticed(
    "missing-field",
    ERROR,
    "The format requires this member.",
    bad="info: {version: null}",
    good="info: {version: 1.2.0}",
)
noticed(
    "interface-id",
    ERROR,
    "Interface ids are <department>.<name>, lower case, digits and hyphens: they are part of URLs and agreements.",
    bad="info: {x-interface-id: Marriages}",
    good="info: {x-interface-id: civil-affairs.marriages}",
)

# --- references

noticed(
    "unresolved-ref",
    ERROR,
    "A reference that leads nowhere leaves a hole: anything is allowed where the schema should be.",
    bad=_MARRIAGE % "properties: {party: {description: A party, $ref: '#/components/schemas/Person'}}",
    good=_MARRIAGE % "properties: {party: {description: A party, type: string}}",
)
noticed(
    "remote-ref",
    ERROR,
    "Nothing is ever fetched from the network: what is published must not change behind its digest.",
    bad=_MARRIAGE % "properties: {party: {description: A party, $ref: 'https://example.com/person.json'}}",
    good=_MARRIAGE % "properties: {party: {description: A party, type: string}}",
)
noticed(
    "outside-ref",
    ERROR,
    "References to files stay inside the folder of the document, so that a document from a stranger cannot read "
    "others.",
    base="",
    bad=_HEAD + "paths: {/marriages: {$ref: '../../paths.yaml'}}\n",
    good=_HEAD + "paths: {}\n",
)
noticed(
    "circular-ref",
    ERROR,
    "A schema that consists of itself (not: contains itself in a property) is never done; validators hang or crash.",
    bad=_MARRIAGE % "allOf: [{$ref: '#/components/schemas/Marriage'}]",
    good=_MARRIAGE % "properties: {earlier: {$ref: '#/components/schemas/Marriage', description: The one before}}",
)
noticed(
    "ref-siblings",
    WARNING,
    "OpenAPI 3.0 and Swagger 2.0 ignore all that stands beside a $ref: what was meant to restrict does not.",
    bad="openapi: 3.0.3\n"
    + _MARRIAGE
    % "properties: {party: {$ref: '#/components/schemas/Marriage', maxProperties: 5, "
    "description: A party}}",
    good="openapi: 3.0.3\n"
    + _MARRIAGE
    % "properties: {party: {allOf: [{$ref: '#/components/schemas/Marriage'}], maxProperties: 5, "
    "description: A party}}",
)

# --- schemas

noticed(
    "invalid-schema",
    ERROR,
    "A keyword with a value JSON Schema does not allow is dropped: the rule it meant is not checked.",
    bad=_FIELD % "maxLength: many",
    good=_FIELD % "maxLength: 20",
)
noticed(
    "invalid-pattern",
    ERROR,
    "Patterns are regular expressions of ECMA-262; another dialect's pattern means something else, or nothing.",
    bad=_FIELD % "pattern: '^([0-9]{3}$'",
    good=_FIELD % "pattern: '^([0-9]{3})$'",
)
noticed(
    "heavy-pattern",
    WARNING,
    "A pattern that repeats many thousand times is refused by some engines and holds up others; lengths have keywords.",
    bad=_FIELD % "pattern: '^.{0,262144}$'",
    good=_FIELD % "maxLength: 262144",
)
noticed(
    "nullable-ignored",
    WARNING,
    "nullable belongs to OpenAPI 3.0, beside type. Anywhere else it has no effect and null stays forbidden.",
    bad=_FIELD % "nullable: true",
    good=_FIELD % "type: [string, 'null']",
)
noticed(
    "boolean-required",
    WARNING,
    "required lists field names in the object around them; a boolean beside one field (draft 3) requires nothing.",
    bad=_FIELD % "required: true",
    good=_MARRIAGE % "required: [ZSBH, DJRQ]",
)
noticed(
    "enum-type-mismatch",
    ERROR,
    "An enum value of another type than the schema's is never valid. YAML makes numbers of unquoted codes.",
    bad=_FIELD % "enum: [10, 20]",
    good=_FIELD % "enum: ['10', '20']",
)
noticed(
    "too-deep",
    ERROR,
    "Schemas written more than 120 levels inside each other, or applied more than 100 in a row to a single value, "
    "exhaust the stack of validators; more than 2,000 applied to a single value exhaust their time.",
    bad=_FIELD % ("not: {" * 130 + "}" * 130),
    good=_FIELD % "not: {const: '0'}",
)

# --- operations

noticed(
    "duplicate-parameter",
    ERROR,
    "Two parameters of one name in one place contradict each other.",
    bad=_PATH + "parameters: [{name: lang, in: query, description: A, schema: {type: string}}, "
    "{name: lang, in: query, description: B, schema: {type: integer}}]",
    good=_PATH + "parameters: [{name: lang, in: query, description: A, schema: {type: string}}]",
)
noticed(
    "duplicate-operation-id",
    ERROR,
    "An operationId names one operation: agreements, processes and tests refer to it.",
    bad=_SECOND % "getMarriage",
    good=_SECOND % "hasMarriages",
)
noticed(
    "missing-operation-id",
    WARNING,
    "Without an operationId the operation is named after its path; agreements and processes lose it when the path "
    "changes.",
    bad=_GET % "operationId: null",
    good=_GET % "operationId: getMarriage",
)
noticed(
    "path-parameter-optional",
    WARNING,
    "A path without one of its parts is another path, so path parameters are always required.",
    bad=_GET % "parameters: [{name: ZSBH, in: path, description: Number, schema: {type: string}}]",
    good=_GET % "parameters: [{name: ZSBH, in: path, required: true, description: Number, schema: {type: string}}]",
)

# --- datasets and processes

noticed(
    "duplicate-name",
    ERROR,
    "Two fields, tables, steps or workflows of one name cannot be told apart.",
    base="dataset",
    bad="schema: [{name: marriages, quality: [{metric: rowCount, mustBe: 9}], "
    "properties: [{name: ZSBH, logicalType: string, description: A, primaryKey: true}, "
    "{name: ZSBH, logicalType: string, description: B}]}]",
    good="schema: [{name: marriages, quality: [{metric: rowCount, mustBe: 9}], "
    "properties: [{name: ZSBH, logicalType: string, description: A, "
    "primaryKey: true}]}]",
)
noticed(
    "invalid-relationship",
    ERROR,
    "A relationship leads from described fields to as many described fields of one table.",
    base="dataset",
    bad="schema: [{name: marriages, quality: [{metric: rowCount, mustBe: 9}], "
    "properties: [{name: ZSBH, logicalType: string, description: A, primaryKey: true, "
    "relationships: [{to: persons.number}]}]}]",
    good="schema: [{name: marriages, quality: [{metric: rowCount, mustBe: 9}], "
    "properties: [{name: ZSBH, logicalType: string, description: A, primaryKey: true}, "
    "{name: earlier, logicalType: string, description: B, relationships: [{to: marriages.ZSBH}]}]}]",
)
_STEPS = "workflows: [{workflowId: newborn, summary: All of it, steps: [%s]}]"
_SURE = "description: A step, successCriteria: [{condition: $statusCode == 200}]"
_CALL = f"operationId: $sourceDescriptions.marriages.getMarriage, {_SURE}"
noticed(
    "unknown-step",
    ERROR,
    "A step, workflow or output that is referred to must exist.",
    base="process",
    bad=_STEPS % f"{{stepId: check, {_CALL}, dependsOn: [chek]}}",
    good=_STEPS % f"{{stepId: check, {_CALL}}}, {{stepId: again, {_CALL}, dependsOn: [check]}}",
)
noticed(
    "forward-reference",
    ERROR,
    "A step can only use outputs of steps that ran before it (Arazzo: a forward reference is an error).",
    base="process",
    bad=_STEPS % f"{{stepId: a, {_CALL}, parameters: [{{name: q, in: query, value: $steps.b.outputs.ZT}}]}}, "
    f"{{stepId: b, {_CALL}, outputs: {{ZT: $response.body#/ZT}}}}",
    good=_STEPS % f"{{stepId: b, {_CALL}, outputs: {{ZT: $response.body#/ZT}}}}, "
    f"{{stepId: a, {_CALL}, parameters: [{{name: q, in: query, value: $steps.b.outputs.ZT}}]}}",
)
noticed(
    "dependency-cycle",
    ERROR,
    "Steps that wait for each other never start.",
    base="process",
    bad=_STEPS % f"{{stepId: a, {_CALL}, dependsOn: [b]}}, {{stepId: b, {_CALL}, dependsOn: [a]}}",
    good=_STEPS % f"{{stepId: a, {_CALL}}}, {{stepId: b, {_CALL}, dependsOn: [a]}}",
)
noticed(
    "unknown-source",
    ERROR,
    "Each step says whose operation it calls, by a source description that exists.",
    base="process",
    bad=_STEPS % f"{{stepId: check, operationId: $sourceDescriptions.weddings.getMarriage, {_SURE}}}",
    good=_STEPS % f"{{stepId: check, {_CALL}}}",
)
