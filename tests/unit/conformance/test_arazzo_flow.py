"""Workflows carried out against a real service: order, calls, actions, retries, sub-workflows, outputs."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from conformance.arazzo import flow
from conformance.arazzo.actions import pause
from conformance.arazzo.report import Report, lines, to_json
from conformance.arazzo.running import Bounds
from specs.process import Action
from tests.unit.conformance.arazzo_service import Service, serving, written


@pytest.fixture(scope="module")
def listening() -> Iterator[Service]:
    with serving() as service:
        yield service


@pytest.fixture
def service(listening: Service) -> Service:
    listening.answers.clear()
    listening.asked.clear()
    return listening


@pytest.fixture
def go(service: Service, tmp_path: Path) -> Any:
    def run(workflows: str, given: dict[str, Any] | None = None, *, sources: str = "", **more: Any) -> Report:
        path = written(tmp_path, workflows, sources)
        chosen = more.pop("workflow", ())
        planned = flow.plan(path, servers={"shop": service.url}, workflows=chosen)
        return flow.run(planned, given or {}, **more)[0]

    return run


def steps(report: Report) -> list[str]:
    return [f"{'+' if s.passed else '-'}{s.step}x{len(s.attempts)}" for one in report.flows for s in one.all_steps()]


def test_parameters_go_where_they_belong_and_outputs_come_back(go: Any, service: Service) -> None:
    service.answers["POST /orders"] = [(201, {"id": "a/b", "n": 5}, {"X-Rate": "7"})]
    report = go(
        """
  - workflowId: w
    inputs: {type: object, required: [who], properties: {who: {type: string}, n: {type: integer}}}
    parameters: [{name: X-Trace, in: header, value: 'trace-{$inputs.n}'}, {name: state, in: query, value: [x]}]
    steps:
      - stepId: create
        operationId: createOrder
        requestBody: {payload: {who: $inputs.who, n: $inputs.n, note: 'for {$inputs.who}', cost: $5}}
        outputs: {id: $response.body#/id, rate: $response.header.x-rate, all: $response.body,
                  n: {context: $response.body, selector: $.n, type: jsonpath}, none: $response.body#/none}
      - stepId: list
        operationPath: '{$sourceDescriptions.shop.url}#/paths/~1orders/get'
        parameters:
          - {name: state, in: query, value: [open, 'a,b']}
          - {name: tag, in: query, value: [x, y]}
          - {name: session, in: cookie, value: $steps.create.outputs.n}
          - {name: Absent, in: header, value: $steps.create.outputs.none}
      - stepId: get
        operationId: $sourceDescriptions.shop.getOrder
        parameters: [{name: id, in: path, value: $steps.create.outputs.id}]
        successCriteria:
          - {condition: $request.path.id == 'A/B' && $url != null && $request.header.x-trace == 'trace-3'}
    outputs: {rate: $steps.create.outputs.rate, deep: $steps.create.outputs.all#/n, n: $steps.create.outputs.n}
""",
        {"who": 'Li "x"', "n": 3},
    )
    assert report.passed, [*lines(report)]
    assert report.flows[0].outputs == {"rate": "7", "deep": 5, "n": 5}
    create, listed, got = service.asked
    assert json.loads(create["body"]) == {"who": 'Li "x"', "n": 3, "note": 'for Li "x"', "cost": "$5"}
    assert create["headers"]["x-trace"] == "trace-3"
    assert listed["path"] == "/orders?state=open,a%2Cb&tag=x&tag=y"
    assert listed["headers"]["cookie"] == "session=5"
    assert "absent" not in listed["headers"]
    assert got["path"] == "/orders/a%2Fb?state=x"
    assert [one.expression for one in report.flows[0].steps[0].missing] == ["$response.body#/none"]


def test_bodies_of_every_kind(go: Any, service: Service) -> None:
    report = go(
        """
  - workflowId: w
    steps:
      - {stepId: form, operationId: login, requestBody: {payload: {user: $inputs.u, tags: [1, 2], none: null}}}
      - {stepId: text, operationId: login, requestBody: {payload: 'user={$inputs.u}&x=1'}}
      - stepId: template
        operationId: createOrder
        requestBody: {payload: '{"who": "{$inputs.u}", "n": {$inputs.n}, "all": "{$inputs.o}"}'}
        successCriteria: [{condition: $statusCode == 200}]
      - stepId: replaced
        operationId: createOrder
        successCriteria: [{condition: $request.body#/a/1/b == 3}]
        requestBody:
          payload: {a: [{b: 1}, {b: 2}], c: 0}
          replacements:
            - {target: /c, value: $inputs.u}
            - {target: '$.a[?@.b == 2].b', targetSelectorType: jsonpath, value: $inputs.n}
            - {target: /a/-, value: new}
      - {stepId: whole, operationId: search,
         parameters: [{name: q, in: querystring, value: 'a={$inputs.u}&b=1'}]}
      - {stepId: xml, operationId: createOrder, successCriteria: [{condition: $statusCode == 200}],
         requestBody: {contentType: application/xml, payload: '<n>{$inputs.n}</n>'}}
      - {stepId: parts, operationId: createOrder, successCriteria: [{condition: $statusCode == 200}],
         requestBody: {contentType: multipart/form-data, payload: {a: x, b: {c: 1}}}}
""",
        {"u": 'a&"b=c', "n": 3, "o": {"k": [1]}},
    )
    assert report.passed, [*lines(report)]
    bodies = [one["body"] for one in service.asked]
    assert bodies[:2] == ["user=a%26%22b%3Dc&tags=1&tags=2", "user=a%26%22b%3Dc&x=1"]
    assert json.loads(bodies[2]) == {"who": 'a&"b=c', "n": 3, "all": {"k": [1]}}
    assert json.loads(bodies[3]) == {"a": [{"b": 1}, {"b": 3}, "new"], "c": 'a&"b=c'}
    assert service.asked[4]["path"] == "/search?a=a%26%22b%3Dc&b=1"
    assert (bodies[5], service.asked[5]["headers"]["content-type"]) == ("<n>3</n>", "application/xml")
    assert 'name="b"\r\nContent-Type: application/json\r\n\r\n{"c":1}' in bodies[6]


def test_without_criteria_only_a_documented_success_passes(go: Any, service: Service) -> None:
    one = "  - workflowId: w\n    steps: [{stepId: a, operationId: createOrder}, {stepId: b, operationId: search}]\n"
    service.answers["POST /orders"] = [(201, {}), (200, {}), (500, {})]
    assert steps(go(one)) == ["+ax1", "+bx1"]
    undocumented = go(one)
    assert steps(undocumented) == ["-ax1"]
    assert undocumented.flows[0].reason == "the step 'a' failed: 200 is not documented as a success of createOrder"
    assert steps(go(one)) == ["-ax1"]


ACTIONS = """
  - workflowId: w
    successActions: [{name: far, type: end, criteria: [{condition: $response.body#/stop == true}]}]
    failureActions: [{name: again, type: goto, stepId: last}]
    steps:
      - stepId: first
        operationId: search
        onSuccess:
          - {name: no, type: goto, stepId: last,
             criteria: [{condition: $response.body#/skip == true}, {condition: 'false'}]}
          - {name: skip, type: goto, stepId: last, criteria: [{condition: $response.body#/skip == true}]}
          - {name: never, type: end, criteria: [{condition: $response.body#/skip == true}]}
        onFailure: [{name: give up, type: end, criteria: [{condition: $statusCode == 400}]}]
      - {stepId: middle, operationId: listOrders, onFailure: [{name: again, type: end}]}
      - {stepId: last, operationId: login, successCriteria: [{condition: $statusCode == 200}]}
    outputs: {last: $steps.last.outputs.x}
"""


@pytest.mark.parametrize(
    ("search", "orders", "expected", "passed"),
    [
        ((200, {}), (200, {}), ["+firstx1", "+middlex1", "+lastx1"], True),
        ((200, {"skip": True}), (200, {}), ["+firstx1", "+lastx1"], True),  # the first action that matches
        ((200, {"stop": True}), (200, {}), ["+firstx1"], True),  # inherited from the workflow
        ((400, {}), (200, {}), ["-firstx1"], False),  # end after a failure
        ((500, {}), (200, {}), ["-firstx1", "+lastx1"], True),  # inherited goto: dealt with
        ((200, {}), (500, {}), ["+firstx1", "-middlex1"], False),  # the step overrides it by name
    ],
)
def test_the_first_action_that_matches_is_taken(
    go: Any, service: Service, search: Any, orders: Any, expected: list[str], passed: bool
) -> None:
    service.answers |= {"GET /search": [search], "GET /orders": [orders]}
    report = go(ACTIONS)
    assert (steps(report), report.passed) == (expected, passed)


RETRY = """
  - workflowId: w
    steps:
      - {stepId: login, operationId: login}
      - stepId: a
        operationId: search
        onFailure:
          - {name: busy, type: retry, retryAfter: 0.01, retryLimit: 2, criteria: [{condition: $statusCode == 503}]}
          - {name: token, type: retry, stepId: login, criteria: [{condition: $statusCode == 401}]}
          - {name: else, type: goto, stepId: b}
      - {stepId: b, operationId: listOrders}
"""


def test_retries_are_counted_and_used_up_before_later_actions(go: Any, service: Service) -> None:
    service.answers["GET /search"] = [(503, {}), (503, {}), (200, {})]
    assert steps(go(RETRY)) == ["+loginx1", "+ax3", "+bx1"]
    service.answers["GET /search"] = [(503, {})]
    used_up = go(RETRY)
    assert steps(used_up) == ["+loginx1", "-ax3", "+bx1"]
    assert [one.action for one in used_up.flows[0].steps[1].attempts] == ["retry (busy)"] * 2 + ["goto b (else)"]


def test_a_retry_runs_another_step_first_and_once_if_no_limit_is_set(go: Any, service: Service) -> None:
    service.answers["GET /search"] = [(401, {}), (200, {})]
    report = go(RETRY)
    assert service.paths == ["POST /login", "GET /search", "POST /login", "GET /search", "GET /orders"]
    assert [s.aside for s in report.flows[0].steps] == [False, True, False, False]
    service.asked.clear()
    service.answers["GET /search"] = [(401, {})]
    assert steps(go(RETRY))[-2:] == ["-ax2", "+bx1"]


def test_retry_after_overrules_and_has_a_limit(go: Any, service: Service) -> None:
    slow = RETRY.replace("retryAfter: 0.01", "retryAfter: 50")
    service.answers["GET /search"] = [(503, {}, {"Retry-After": "0"}), (200, {})]
    assert steps(go(slow)) == ["+loginx1", "+ax2", "+bx1"]
    service.answers["GET /search"] = [(503, {}, {"Retry-After": "86400"})]
    report = go(RETRY)
    assert not report.passed
    assert "asks to wait 86400 s" in report.flows[0].steps[1].attempts[0].action
    now = datetime(2026, 1, 1, tzinfo=UTC)
    retry = Action("r", "retry", retry_after=3)
    assert pause(retry, {"retry-after": "Thu, 01 Jan 2026 00:00:09 GMT"}, now) == 9
    assert pause(retry, {"retry-after": "Wed, 31 Dec 2025 00:00:09 GMT"}, now) == 0
    assert pause(retry, {"retry-after": "soon"}, now) == pause(retry, {}, now + timedelta(1)) == 3


SUB = """
  - workflowId: main
    dependsOn: [ready]
    inputs: {type: object, properties: {user: {type: string}}}
    steps:
      - stepId: call
        workflowId: child
        parameters: [{name: id, value: $inputs.user}]
        successCriteria: [{condition: $statusCode == 200}, {condition: $outputs.got == '/orders/Zed'},
          {condition: $workflows.child.outputs.got != null}]
        outputs: {renamed: $outputs.got}
      - stepId: other
        workflowId: $sourceDescriptions.more.far
        onSuccess:
          - {name: on, type: goto, workflowId: end, parameters: [{name: x, value: $steps.call.outputs.renamed}]}
    outputs: {got: $steps.call.outputs.got, renamed: $steps.call.outputs.renamed, end: $workflows.end.outputs.x,
      far: $steps.other.outputs.n}
  - workflowId: ready
    steps: [{stepId: look, operationId: search}]
  - workflowId: child
    inputs: {type: object, required: [id], properties: {id: {type: string, minLength: 2}}}
    steps: [{stepId: get, operationId: getOrder, parameters: [{name: id, in: path, value: $inputs.id}],
             outputs: {got: $response.body#/path}}]
    outputs: {got: $steps.get.outputs.got}
  - workflowId: end
    inputs: {type: object, properties: {x: {type: string}}}
    steps: [{stepId: last, operationId: listOrders}]
    outputs: {x: $inputs.x}
"""
MORE = """
arazzo: 1.0.1
info: {title: more, version: '1'}
sourceDescriptions: [{name: shop, url: ./shop.yaml, type: openapi}]
workflows:
  - workflowId: far
    steps: [{stepId: s, operationId: login, successCriteria: [{condition: $statusCode == 200}],
             outputs: {n: $components.parameters.n}}]
    outputs: {n: $steps.s.outputs.n}
components: {parameters: {n: {name: n, in: query, value: 8}}}
"""


def test_workflows_call_and_follow_each_other_across_documents(go: Any, service: Service, tmp_path: Path) -> None:
    (tmp_path / "more.yaml").write_text(MORE, encoding="utf-8")
    source = ", {name: more, url: ./more.yaml, type: arazzo}"
    report = go(SUB, {"user": "zed"}, sources=source)
    assert report.passed, [*lines(report)]
    assert service.paths == ["GET /search", "GET /orders/zed", "POST /login", "GET /orders"]
    assert report.flows[0].outputs == {"got": "/orders/zed", "renamed": "/orders/zed", "end": "/orders/zed", "far": 8}
    assert [one.workflow for one in report.flows] == ["main"]
    service.asked.clear()
    refused = go(SUB, {"user": "z"}, sources=source)
    assert "the inputs of 'child' do not fit: id: " in refused.flows[0].reason
    assert service.paths == ["GET /search"]
    service.answers["GET /search"] = [(500, {})]
    assert go(SUB, {"user": "zed"}, sources=source).flows[0].reason.startswith("it depends on 'ready', which did not")


def test_steps_wait_for_what_they_depend_on(go: Any, service: Service) -> None:
    report = go(
        """
  - workflowId: w
    steps:
      - {stepId: c, operationId: listOrders, dependsOn: [b], successCriteria: [{condition: $statusCode == 200}]}
      - {stepId: b, operationId: getOrder, parameters: [{name: id, in: path, value: $steps.a.outputs.p}]}
      - {stepId: a, operationId: search, outputs: {p: $response.body#/path}}
"""
    )
    assert steps(report) == ["+ax1", "+bx1", "+cx1"]
    skipped = go(
        """
  - workflowId: w
    steps:
      - {stepId: a, operationId: search, onSuccess: [{name: on, type: goto, stepId: c}]}
      - {stepId: b, operationId: listOrders}
      - {stepId: c, operationId: search, dependsOn: [b]}
"""
    )
    assert skipped.flows[0].reason == "the step 'c' failed: the step needs 'b', which has not completed"


def test_time_steps_and_depth_have_bounds(go: Any, service: Service) -> None:
    service.answers["GET /search"] = [0.5]
    late = go("  - workflowId: w\n    steps: [{stepId: a, operationId: search, timeout: 50}]\n")
    assert late.flows[0].reason == "the step 'a' failed: no answer within 0.05 s"
    service.answers.clear()
    back = "{stepId: a, operationId: search, onSuccess: [{name: x, type: goto, stepId: a}]}"
    circle = f"  - workflowId: w\n    steps: [{back}]\n"
    turned = go(circle, bounds=Bounds(steps=7))
    assert (turned.flows[0].reason, len(service.asked)) == ("the run has more than 7 steps", 1 + 7)
    deep = go("  - workflowId: w\n    steps: [{stepId: a, workflowId: w}]\n", workflow=["w"])
    assert "deeper than 12 levels" in deep.flows[0].reason
    service.answers["GET /search"] = [(200, b"x" * 6_000_000)]
    assert (
        "more than 5,000,000 bytes"
        in go("  - workflowId: w\n    steps: [{stepId: a, operationId: search}]\n").flows[0].reason
    )


def test_answers_that_are_no_json_are_text(go: Any, service: Service) -> None:
    service.answers["GET /search"] = [(200, b"[" * 900 + b"]" * 900)]
    deep = go("  - workflowId: w\n    steps: [{stepId: a, operationId: search, outputs: {x: $response.body}}]\n")
    assert len(json.dumps(to_json(deep))) > 900
    service.answers["GET /search"] = [(200, b"<ok/>", {"content-type": "application/xml"}), (200, b'{"a": NaN}')]
    one = """
  - workflowId: w
    steps:
      - {stepId: a, operationId: search, successCriteria: [{context: $response.body, type: regex, condition: '<ok/>'}]}
      - {stepId: b, operationId: search, successCriteria: [{context: $response.body, type: jsonpath, condition: $}]}
"""
    report = go(one)
    assert steps(report) == ["+ax1", "-bx1"]
    assert "JSONPath needs JSON" in report.flows[0].reason


def test_a_failure_tells_expression_request_response_and_curl_without_secrets(go: Any, service: Service) -> None:
    service.answers["POST /login"] = [(200, {"state": "CLOSED", "echo": "hunter22"}, {"Set-Cookie": "s=1"})]
    workflow = """
  - workflowId: w
    inputs: {type: object, properties: {pw: {type: string, format: password}}}
    steps:
      - stepId: enter
        operationId: login
        requestBody: {payload: {pw: $inputs.pw}}
        successCriteria: [{condition: $statusCode == 200}, {condition: $response.body#/state == 'open'}]
"""
    path_less = go(workflow, {"pw": "hunter22"}, headers={"authorization": "Bearer sesame"})
    told = "\n".join(line for _, line in lines(path_less))
    assert "✗ $response.body#/state == 'open'" in told
    assert '$response.body#/state → "CLOSED"' in told
    assert "response 200" in told
    assert "curl -sS -X POST" in told
    assert "/workflows/0/steps/0" in told
    assert service.asked[0]["headers"]["authorization"] == "Bearer sesame"
    document = json.dumps(to_json(path_less, lambda text: text.replace("hunter22", "***")))
    assert "sesame" not in document
    assert "hunter22" not in document
    assert '"set-cookie": "***"' in document


def test_a_connection_that_the_server_drops_is_not_met_again(tmp_path: Path) -> None:
    """The server answers once a connection without saying so, and hangs up when asked again."""

    class Once(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65536)
            head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n"
            self.request.sendall(head + b"{}")
            self.request.recv(65536)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Once) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        steps = "[{stepId: a, operationId: search}, {stepId: b, operationId: search}]"
        path = written(tmp_path, f"  - workflowId: w\n    steps: {steps}\n")
        planned = flow.plan(path, servers={"shop": f"http://127.0.0.1:{server.server_address[1]}"})
        report = flow.run(planned, {})[0]
        server.shutdown()
    assert report.passed, [*lines(report)]
