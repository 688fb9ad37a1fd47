"""A small service with flaws and a switch, examined by a suite: what is found, what is not, and what says nothing."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from conformance.arazzo import flow
from exchange.bench import load

calibration, driver = load("_calibration"), load("conformance_calibration")
API = """
openapi: 3.1.0
info: {title: Notes, version: '1'}
paths:
  /notes:
    post: {operationId: write, requestBody: {content: {application/json: {}}}, responses: {'201': {description: kept}}}
  /notes/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string}}]
    get: {operationId: read, responses: {'200': {description: a note}}}
  /lost:
    get: {operationId: lost, responses: {'200': {description: never there}}}
  /busy:
    get: {operationId: busy, responses: {'200': {description: always busy}}}
"""
SUITE = """
arazzo: 1.1.0
info: {title: notes, version: '1'}
sourceDescriptions: [{name: api, url: ./api.yaml, type: openapi}]
workflows:
  - workflowId: own-notes
    summary: 只读自己的笔记
    x-requirement: {category: 'API1:2023', flaw: notes of others can be read}
    steps:
      - stepId: write
        operationId: write
        parameters: [{name: X-User, in: header, value: a}]
        requestBody: {payload: {text: '{$inputs.run}'}}
        outputs: {id: $response.body#/id}
      - stepId: stranger
        x-judges: true
        operationId: read
        parameters: [{name: id, in: path, value: $steps.write.outputs.id}, {name: X-User, in: header, value: b}]
        successCriteria: [{condition: $statusCode == 403}]
  - workflowId: nothing-told
    summary: 不说明所用技术
    x-requirement: {category: 'API8:2023', flaw: it tells what it is made with, off: stays}
    steps:
      - stepId: read
        x-judges: true
        operationId: read
        parameters: [{name: id, in: path, value: '0'}]
        successCriteria: [{condition: $response.header.x-made-with == null}]
  - workflowId: well-hidden
    summary: 没有的缺陷
    x-requirement: {category: 'API8:2023', flaw: one that is not there}
    steps:
      - {stepId: read, x-judges: true, operationId: read, parameters: [{name: id, in: path, value: '0'}],
         successCriteria: [{condition: $statusCode == 404}]}
  - workflowId: unknown-is-404
    summary: 没有的笔记
    x-requirement: {category: sound}
    steps:
      - {stepId: read, x-judges: true, operationId: read, parameters: [{name: id, in: path, value: '99'}],
         successCriteria: [{condition: $statusCode == %d}]}
  - workflowId: not-reached
    summary: 问题之前已失败
    x-requirement: {category: 'API1:2023', flaw: nobody knows, told: source}
    steps:
      - {stepId: before, operationId: lost}
      - {stepId: question, x-judges: true, operationId: read, parameters: [{name: id, in: path, value: '0'}]}
  - workflowId: limited
    summary: 被限流
    x-requirement: {category: sound}
    steps: [{stepId: busy, x-judges: true, operationId: busy}]
"""


@contextmanager
def serving(flawed: bool) -> Iterator[str]:
    notes: dict[str, tuple[str, Any]] = {}

    class Notes(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            text = json.loads(self.rfile.read(int(self.headers["content-length"])))
            notes[str(len(notes) + 1)] = (self.headers["X-User"], text)
            self.reply(201, {"id": str(len(notes))})

        def do_GET(self) -> None:
            owner, text = notes.get(self.path.rpartition("/")[2], ("", None))
            if self.path == "/busy":
                self.reply(429, {})
            elif text is None:
                self.reply(404, {})
            elif flawed or owner == self.headers["X-User"]:
                self.reply(200, text)
            else:
                self.reply(403, {})

        def reply(self, status: int, value: Any) -> None:
            raw = json.dumps(value).encode()
            self.send_response(status)
            for name, word in {
                "content-type": "application/json",
                "content-length": len(raw),
                "x-made-with": "x",
            }.items():
                self.send_header(name, str(word))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Notes)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)


def scored(folder: Path, *, unknown: int = 404, switched: bool = True) -> Any:
    (folder / "api.yaml").write_text(API, "utf-8")
    suite = folder / "suite.yaml"
    suite.write_text(SUITE % unknown, "utf-8")
    sides = []
    for flawed in (True, False) if switched else (True,):
        with serving(flawed) as url:
            sides.append(calibration.examine(suite, url))
    return calibration.score(*sides, *([] if switched else [None]))


def test_what_is_found_with_the_flaws_there_and_with_the_switch_off(tmp_path: Path) -> None:
    made = scored(tmp_path)
    assert (made.found, made.missed) == (("own-notes", "nothing-told"), ("well-hidden",))
    assert (made.against, made.stayed) == ((), ("nothing-told",))
    assert [one.requirement.id for one in made.errors] == ["not-reached", "not-reached"]
    assert made.told_by_source == ()
    assert made.controls == 4  # the sound one twice, and two that the switch takes away; what was not reached is none
    limited = made.sides["off"].results(calibration.Verdict.INCONCLUSIVE)
    assert [one.requirement.id for one in limited] == ["limited"]
    assert made.sides["on"].calls == 7


def test_a_finding_on_a_sound_operation_is_against_the_suite(tmp_path: Path) -> None:
    made = scored(tmp_path, unknown=410, switched=False)
    assert [one.requirement.id for one in made.against] == ["unknown-is-404"]
    assert "the answer was 404" in made.against[0].reason


def test_services_that_are_not_given_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert driver.main([]) == 0
    assert capsys.readouterr().out.count("left out") == len(driver.SERVICES)


@pytest.mark.parametrize("name", [service.name for service in driver.SERVICES])
def test_the_suites_can_be_run_and_say_all_of_every_requirement(name: str) -> None:
    suite = driver.SUITES / name / "suite.arazzo.yaml"
    planned = flow.plan(suite, servers={"api": "http://127.0.0.1:1"})
    asked = calibration.requirements(suite)
    assert planned.warnings == ()
    assert {one.id for one in planned.entries} == set(asked)
    assert any(not one.flaw for one in asked.values())
    for workflow in planned.entries:
        assert set(workflow.summary) == {"zh_CN", "en"}, workflow.id
        assert any(step.extensions.get("x-judges") is True for step in workflow.steps), workflow.id
        assert bool(asked[workflow.id].flaw) is (asked[workflow.id].category != "sound"), workflow.id
