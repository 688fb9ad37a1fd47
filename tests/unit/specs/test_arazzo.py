"""Arazzo documents to processes; order and references are checked."""

import random

import pytest

import specs

PROCESS = """
arazzo: 1.1.0
info: {title: 新生儿, version: '1', x-en: {title: Newborn}, x-interface-id: health.newborn-process}
sourceDescriptions:
  - {name: marriages, url: ./m.yaml, type: openapi, x-interface-id: civil-affairs.marriages}
  - {name: births, url: ../../health/births/openapi.yaml, type: openapi}
workflows:
  - workflowId: newborn
    summary: 出生
    inputs: {type: object, required: [name], properties: {name: {type: string, nullable: true}}}
    steps:
      - stepId: check
        operationId: $sourceDescriptions.marriages.verifyMarriage
        parameters: [{name: fields, in: query, value: [ZT]}, {reference: $components.parameters.trace, value: b}]
        requestBody: {contentType: application/json, payload: {XM: $inputs.name},
          replacements: [{target: /XM, value: x}]}
        successCriteria:
          - {condition: $statusCode == 200}
          - {context: $response.body, condition: '$.ZT', type: {type: jsonpath, version: rfc9535}}
        onFailure: [{name: again, type: retry, retryAfter: 2, retryLimit: 3}]
        outputs: {ZT: $response.body#/ZT}
        timeout: 500
      - stepId: issue
        operationPath: '{$sourceDescriptions.births.url}#/paths/~1births/post'
        dependsOn: [check]
        requestBody: {payload: {state: 'is {$steps.check.outputs.ZT}'}}
        outputs: {number: $response.body#/number}
    outputs: {number: $steps.issue.outputs.number}
components: {parameters: {trace: {name: Trace, in: header, value: a}}}
"""


def test_a_process_is_read() -> None:
    interface = specs.read(PROCESS.encode(), "p.yaml")
    assert [f.rule for f in interface.findings] == ["nullable-ignored"]
    assert interface.title == {"zh_CN": "新生儿", "en": "Newborn"}
    assert interface.process is not None
    assert [source.interface for source in interface.process.sources] == ["civil-affairs.marriages", "health.births"]
    workflow = interface.process.workflow("newborn")
    assert workflow.inputs["required"] == ["name"]
    check, issue = workflow.steps
    assert (check.interface, check.operation, check.timeout) == ("civil-affairs.marriages", "verifyMarriage", 500)
    assert [(a.name, a.location, a.value) for a in check.parameters] == [
        ("fields", "query", ["ZT"]),
        ("Trace", "header", "b"),
    ]
    assert check.payload is not None
    assert check.payload.value == {"XM": "$inputs.name"}
    assert [(one.target, one.value) for one in check.payload.replacements] == [("/XM", "x")]
    assert [(c.condition, c.type, c.context) for c in check.criteria] == [
        ("$statusCode == 200", "simple", None),
        ("$.ZT", "jsonpath", "$response.body"),
    ]
    (again,) = check.on_failure
    assert (again.type, again.retry_after, again.retry_limit) == ("retry", 2.0, 3)
    assert (issue.interface, issue.operation_path, issue.depends_on) == (
        "health.births",
        "/paths/~1births/post",
        ("check",),
    )


CALL = "operationId: o"
ONE = "arazzo: 1.0.1\ninfo: {title: t, version: '1'}\nsourceDescriptions: [{name: s, url: ./s.yaml, type: openapi}]\n"


@pytest.mark.parametrize(
    ("steps", "rules"),
    [
        ("{stepId: a, operationId: o}", []),
        ("{stepId: a, operationId: o, dependsOn: [b]}", ["unknown-step"]),
        ("{stepId: a, operationId: o, dependsOn: [a]}", ["dependency-cycle"]),
        ("{stepId: a, operationId: o}, {stepId: a, operationId: o}", ["duplicate-name"]),
        ("{stepId: a, workflowId: nobody}", ["unknown-step"]),
        ("{stepId: a}", ["missing-field"]),
        ("{operationId: o}", ["missing-field", "missing-field"]),
        ("{stepId: a, operationId: $sourceDescriptions.x.o}", ["unknown-source"]),
        (
            "{stepId: a, operationId: o, parameters: [{name: n, in: query, value: $steps.b.outputs.y}]}",
            ["unknown-step"],
        ),
        (
            "{stepId: a, operationId: o, parameters: [{name: n, in: query, value: $steps.b.outputs.y}]},"
            "{stepId: b, operationId: o, outputs: {y: $statusCode}}",
            ["forward-reference"],
        ),
        (
            "{stepId: a, operationId: o, dependsOn: [b],"
            "parameters: [{name: n, in: query, value: $steps.b.outputs.y}]},"
            "{stepId: b, operationId: o, outputs: {y: $statusCode}}",
            [],
        ),
        (
            "{stepId: a, operationId: o, parameters: [{name: n, in: query, value: $steps.a.outputs.y}],"
            "outputs: {y: $statusCode}}",
            ["forward-reference"],
        ),
        (
            "{stepId: a, operationId: o, outputs: {y: $statusCode}},"
            "{stepId: b, operationId: o, requestBody: {payload: 'x {$steps.a.outputs.z}'}}",
            ["unknown-step"],
        ),
        ("{stepId: a, operationId: o, onSuccess: [{name: n, type: jump}], successCriteria: [{}]}", ["wrong-type"] * 2),
        ("{stepId: a, operationId: o, x-depends-on: [a]}", ["dependency-cycle"]),
    ],
)
def test_order_and_references(steps: str, rules: list[str]) -> None:
    interface = specs.read(f"{ONE}workflows: [{{workflowId: w, steps: [{steps}]}}]\n".encode(), "p.yaml")
    assert [finding.rule for finding in interface.findings] == rules, [str(f) for f in interface.findings]


@pytest.mark.parametrize("seed", range(5))
def test_a_cycle_is_found_exactly_when_there_is_one(seed: int) -> None:
    luck = random.Random(seed)
    count = 60
    edges = {(a, b) for a in range(count) for b in range(a) if luck.random() < 0.5}

    def rules() -> list[str]:
        steps = ", ".join(
            f"{{stepId: s{a}, operationId: o, dependsOn: [{', '.join(f's{y}' for x, y in edges if x == a)}]}}"
            for a in range(count)
        )
        text = f"{ONE}workflows: [{{workflowId: w, steps: [{steps}]}}]\n"
        return [finding.rule for finding in specs.read(text.encode(), "p.yaml").findings]

    assert rules() == []
    edges.add((luck.randrange(5), luck.randrange(50, count)))
    edges |= {(a + 1, a) for a in range(count - 1)}
    assert rules() == ["dependency-cycle"]


def test_a_called_workflow_gives_its_outputs_and_a_plain_source_is_understood() -> None:
    interface = specs.read(
        b"""
arazzo: 1.0.1
info: {title: t, version: '1'}
sourceDescriptions: [{name: registers, url: registers.yaml, type: openapi}, {name: other, url: o.yaml, type: openapi}]
workflows:
  - workflowId: parent
    steps:
      - {stepId: call, workflowId: child}
      - stepId: use
        operationPath: registers#/paths/~1a/get
        parameters:
          - {name: a, in: query, value: $steps.call.outputs.url}
          - {name: b, in: query, value: $steps.call.outputs.no}
  - workflowId: child
    steps:
      - stepId: one
        operationPath: '{$sourceDescriptions.registers.url}#/paths/~1a/get'
        outputs: {u: $response.body}
    outputs: {url: $steps.one.outputs.u}
""",
        "process.yaml",
    )
    assert {(finding.rule, finding.pointer) for finding in interface.findings} == {
        ("loose-type", "/workflows/0/steps/1/operationPath"),
        ("unknown-step", "/workflows/0/steps/1/parameters/1/value"),
    }
    assert interface.process is not None
    assert interface.process.workflow("parent").step("use").operation_path == "/paths/~1a/get"
