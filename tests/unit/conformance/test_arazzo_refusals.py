"""What is refused before the first request: unsupported features by name, names that lead nowhere, hostile places."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.arazzo import flow
from conformance.arazzo.calling import Caller, CallError, forbidden, origin
from conformance.arazzo.documents import Refused
from conformance.arazzo.form import errors
from conformance.arazzo.frame import Exchange
from conformance.arazzo.requests import Request
from tests.unit.conformance.arazzo_service import HEAD, serving, written

ASYNC = ", {name: events, url: ./events.yaml, type: asyncapi}"


def step(text: str, more: str = "") -> str:
    inputs = "inputs: {type: object, properties: {a: {type: string}}}"
    return f"  - workflowId: w\n    {inputs}\n    steps:\n      - {{stepId: s, {text}}}\n{more}"


@pytest.mark.parametrize(
    ("workflows", "sources", "pointer", "message"),
    [
        (step("channelPath: x, action: send"), ASYNC, "/workflows/0/steps/0/channelPath", "channelPath belongs"),
        (step("operationId: $sourceDescriptions.events.x"), ASYNC, "/workflows/0/steps/0", "'events' is asyncapi"),
        (
            step("operationId: search, action: receive, correlationId: $inputs.a"),
            "",
            "/workflows/0/steps/0/action",
            "action belongs to AsyncAPI",
        ),
        (
            step("operationId: search, successCriteria: [{type: xpath, context: $response.body, condition: /a}]"),
            "",
            "/workflows/0/steps/0/successCriteria/0",
            "xpath is not supported",
        ),
        (
            step(
                "operationId: search, onFailure: [{name: x, type: end, criteria: [{context: $response.body,"
                " condition: $.a, type: {type: jsonpath, version: draft-goessner-dispatch-jsonpath-00}}]}]"
            ),
            "",
            "/workflows/0/steps/0/onFailure/0/criteria/0",
            "draft-goessner-dispatch-jsonpath-00 is not supported",
        ),
        (
            step("operationId: search, outputs: {a: {context: $response.body, selector: /a, type: xpath}}"),
            "",
            "/workflows/0/steps/0/outputs/a",
            "xpath is not supported",
        ),
        (
            step("operationId: createOrder, requestBody: {contentType: text/xml, payload: <a/>,"
                 " replacements: [{target: /a, value: 1}]}"),
            "",
            "/workflows/0/steps/0/requestBody/replacements/0",
            "xpath is not supported",
        ),
        (
            step("operationId: createOrder, requestBody: {contentType: application/xml, payload: {a: 1}}"),
            "",
            "/workflows/0/steps/0/requestBody",
            "structures are not turned into XML",
        ),
        (step("operationId: search, outputs: {a: $message.payload}"), "", "/workflows/0/steps/0/outputs/a", "AsyncAPI"),
        (step("operationId: serch"), "", "/workflows/0/steps/0", "has no operation 'serch'"),
        (step("operationPath: '{$sourceDescriptions.shop.url}#/paths/~1x/get'"), "", "/workflows/0/steps/0", "no op"),
        (step("operationId: getOrder"), "", "/workflows/0/steps/0", "needs a parameter 'id'"),
        (step("workflowId: gone"), "", "/workflows/0/steps/0/workflowId", "no workflow 'gone'"),
        (
            step("operationId: search, parameters: [{name: a, in: query, value: $response.bdy}]"),
            "",
            "/workflows/0/steps/0/parameters/0/value",
            "'$response.bdy' is no runtime expression",
        ),
        (
            step("operationId: search, parameters: [{name: a, in: query, value: $response.body}]"),
            "",
            "/workflows/0/steps/0/parameters/0/value",
            "not known before the request is sent",
        ),
        (
            step("operationId: search, parameters: [{name: Host, in: header, value: evil.example}]"),
            "",
            "/workflows/0/steps/0/parameters/0",
            "the header 'Host' cannot be set",
        ),
        (
            step("operationId: search, parameters: [{name: a, in: query, value: 1}, {name: b, in: querystring,"
                 " value: x}]"),
            "",
            "/workflows/0/steps/0",
            "stands alone",
        ),
        (
            step("operationId: search, parameters: [{name: a, in: query, value: $steps.t.outputs.x}]")
            + "      - {stepId: t, operationId: search, outputs: {x: $response.body}}\n",
            "",
            "/workflows/0/steps/0",
            "uses an output of 't', which comes later",
        ),
        (
            step("operationId: search, dependsOn: [t]") + "      - {stepId: t, operationId: search, dependsOn: [s]}\n",
            "",
            "/workflows/0/steps/",
            "circle",
        ),
        (
            step("operationId: search, onSuccess: [{name: x, type: goto, stepId: nowhere}]"),
            "",
            "/workflows/0/steps/0/onSuccess/0",
            "no step 'nowhere'",
        ),
        (
            step("operationId: search, parameters: [{reference: $components.parameters.gone}]"),
            "",
            "/workflows/0/steps/0/parameters/0",
            "leads nowhere",
        ),
        (step("operationId: search, retries: 3"), "", "/workflows/0/steps/0", "retries"),
    ],
)  # fmt: skip
def test_it_is_refused_by_name_with_line_and_pointer(
    tmp_path: Path, workflows: str, sources: str, pointer: str, message: str
) -> None:
    path = written(tmp_path, workflows, sources)
    with pytest.raises(Refused) as refused:
        flow.plan(path, servers={"shop": "http://127.0.0.1:9"})
    found = [one for one in refused.value.findings if one.pointer.startswith(pointer) and message in one.message]
    assert found, [str(one) for one in refused.value.findings]
    assert found[0].line is not None
    assert found[0].line > 6


def test_conditions_that_cannot_be_read_are_told_before_the_run_and_fail_in_it(tmp_path: Path) -> None:
    bad = step("operationId: search, successCriteria: [{condition: $statusCode = 200}, {condition: $inputs.b == 1}]")
    planned = flow.plan(written(tmp_path, bad), servers={"shop": "http://127.0.0.1:9"})
    assert ["always fails: '= 200' at character 13" in one.message for one in planned.warnings] == [True]


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("file:///etc/passwd", "is on the network; nothing is fetched"),
        ("https://example.com/openapi.yaml", "is on the network; nothing is fetched"),
        ("../../../../../../etc/passwd", "outside the document's folder"),
        ("./missing.yaml", "not there"),
        ("./flow.arazzo.yaml", "not the openapi document it says it is"),
    ],
)
def test_sources_are_files_beside_the_document(tmp_path: Path, url: str, told: str) -> None:
    path = written(tmp_path, step("operationId: $sourceDescriptions.shop.search"), f", {{name: odd, url: '{url}'}}")
    with pytest.raises(Refused, match=told):
        flow.plan(path, servers={"shop": "http://127.0.0.1:9"})


@pytest.mark.parametrize("server", ["/v1", "ftp://x/y", "http://u:p@h/", "{scheme}://x"])
def test_a_source_needs_a_server_that_can_be_called(tmp_path: Path, server: str) -> None:
    path = written(tmp_path, step("operationId: search"), server=f"'{server}'")
    with pytest.raises(Refused, match="has no server that can be called"):
        flow.plan(path)


@pytest.mark.parametrize(
    "server",
    [
        "http://127.0.0.1:%d",
        "http://localhost:%d",
        "http://2130706433:%d",
        "http://[::1]:%d",
        "http://169.254.169.254:%d",
    ],
)
def test_a_document_cannot_send_requests_to_this_machine_or_to_metadata(tmp_path: Path, server: str) -> None:
    with serving() as service:
        port = int(service.url.rsplit(":", 1)[1])
        planned = flow.plan(written(tmp_path, step("operationId: search"), server=f"'{server % port}'"))
        report, _ = flow.run(planned, {})
        assert "it was not called" in report.flows[0].reason
        assert service.asked == []


def test_addresses_that_nobody_may_name() -> None:
    for address in (
        "169.254.169.254",
        "fe80::1%eth0",
        "::ffff:169.254.169.254",
        "100.100.100.200",
        "0.0.0.0",
        "224.0.0.1",
    ):
        assert forbidden(address, trusted=True), address
    for address in ("127.0.0.1", "10.0.0.1", "::1", "192.168.1.1"):
        assert not forbidden(address, trusted=True)
        assert forbidden(address, trusted=False)
    assert not forbidden("93.184.216.34", trusted=False)
    assert origin("http://h:99999/") is None


def test_only_listed_servers_are_called_and_redirects_are_answers(tmp_path: Path) -> None:
    with serving() as service:
        caller = Caller({("http", "127.0.0.1", 1)})
        request = Request("GET", f"{service.url}/x", (), None, Exchange("", "GET"), trusted=True)
        with pytest.raises(CallError, match="no server of the listed sources"):
            caller.send(request, 1)
        caller.close()
        service.answers["GET /search"] = [(302, {}, {"Location": "http://169.254.169.254/"})]
        planned = flow.plan(written(tmp_path, step("operationId: search")), servers={"shop": service.url})
        report, _ = flow.run(planned, {})
        assert report.flows[0].steps[0].attempts[0].status == 302
        assert service.paths == ["GET /search"]


def test_what_an_answer_holds_cannot_split_a_header_or_leave_its_path(tmp_path: Path) -> None:
    chained = """
  - workflowId: w
    steps:
      - {stepId: a, operationId: search, outputs: {v: $response.body#/v}}
      - {stepId: b, operationId: %s}
"""
    header = chained % "search, parameters: [{name: X-V, in: header, value: $steps.a.outputs.v}]"
    path = chained % "getOrder, parameters: [{name: id, in: path, value: $steps.a.outputs.v}]"
    for workflows, value, told in ((header, "x\r\nHost: evil", "line break"), (path, "..", "would change the path")):
        with serving() as service:
            service.answers["GET /search"] = [(200, {"v": value})]
            report, _ = flow.run(flow.plan(written(tmp_path, workflows), servers={"shop": service.url}), {})
            assert told in report.flows[0].reason
            assert len(service.asked) == 1


def test_the_form_of_a_document() -> None:
    right = {
        "arazzo": "1.0.1",
        "info": {"title": "t", "version": "1"},
        "sourceDescriptions": [{"name": "a", "url": "a.yaml"}],
        "workflows": [{"workflowId": "w", "steps": [{"stepId": "s", "operationId": "o", "x-own": 1}]}],
    }
    assert list(errors(right)) == []
    assert [place for place, _ in errors({**right, "arazzo": "2.0.0"})] == ["/arazzo"]
    assert [place for place, _ in errors({**right, "$self": "https://e.x/a#b"})] == ["/$self"]
    assert next(iter(errors([])))[0] == ""
    assert HEAD.strip().startswith("arazzo: 1.1.0")
