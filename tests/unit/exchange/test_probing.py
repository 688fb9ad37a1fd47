"""A service is seen to work before it is published: real calls to a real server, which they must not change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest

import specs
from exchange.brokering.sources import ServiceSource
from exchange.catalogue.endpoint import Network
from exchange.catalogue.model import State
from exchange.catalogue.probing import Probing
from exchange.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from exchange.handed import probe_call
from mockdata.sandbox import Sandbox
from mockdata.sandbox.faults import Fault
from mockdata.sandbox.record import Recorder
from mockdata.sandbox.serve import ServedSandbox

ID = "civil-affairs.windows"
DOCUMENT = """openapi: 3.1.0
info:
  title: 窗口
  description: 办事窗口
  version: 1.0.0
  x-interface-id: civil-affairs.windows
  x-department: civil-affairs
paths:
  /windows:
    get:
      operationId: listWindows
      summary: 列出窗口
      responses:
        "200":
          description: 窗口列表
          content:
            application/json: {schema: {type: array, items: {$ref: '#/components/schemas/Window'}}}
    post:
      operationId: openWindow
      summary: 开设窗口
      requestBody:
        required: true
        content: {application/json: {schema: {$ref: '#/components/schemas/Window'}}}
      responses:
        "201": {description: 已开设}
        "422": {description: 不合要求}
components:
  schemas:
    Window:
      type: object
      required: [name, number]
      properties:
        name: {type: string, minLength: 1, description: 名称}
        number: {type: integer, minimum: 1, description: 编号}
"""


@pytest.fixture
def engineer(services: Any) -> Any:
    return services.department("civil-affairs")


@pytest.fixture
def probing(services: Any) -> Iterator[Probing]:
    source = ServiceSource(lambda *_names: None, Network.of(loopback=True))
    made = Probing(services.catalogue, partial(probe_call, source))
    services.lifecycle.ready = made.ready
    yield made
    source.close()


@pytest.fixture
def serve(services: Any, engineer: Any) -> Iterator[Callable[..., Sandbox]]:
    """Serves a document (default: the registered one) as the department's endpoint."""
    record = Recorder()
    with ExitStack() as stack:

        def start(text: str = DOCUMENT) -> Sandbox:
            sandbox = Sandbox([specs.read(text.encode(), "a.yaml")], seed=1, bare=True, recorder=record)
            served = stack.enter_context(ServedSandbox(sandbox))
            services.catalogue.set_endpoint(engineer, ID, served.url)
            return sandbox

        yield start


@pytest.fixture
def registered(services: Any, engineer: Any) -> None:
    services.catalogue.register(engineer, "a.yaml", DOCUMENT)


def test_only_the_departments_engineers_probe_and_waive(services: Any, probing: Probing, registered: None) -> None:
    for caller, error in (
        (None, Unauthenticated),
        (services.department("police"), Forbidden),
        (services.vendor(), Forbidden),
    ):
        with pytest.raises(error):
            probing.probe(caller, ID)
        with pytest.raises(error):
            probing.waive(caller, ID, "not reachable from here yet", 10)
    with pytest.raises(NotFound):
        probing.last(services.vendor(), ID)


def test_a_service_that_answers_as_documented_is_published(
    services: Any, engineer: Any, probing: Probing, registered: None, serve: Callable[..., Sandbox]
) -> None:
    with pytest.raises(Conflict) as refused:
        services.lifecycle.publish(engineer, ID, "1.0.0")
    assert refused.value.extra["rule"] == "interface.probe"
    with pytest.raises(Conflict, match="no endpoint"):
        probing.probe(engineer, ID)
    sandbox = serve()
    probe = probing.probe(engineer, ID)
    assert (probe.passed, probe.live) == (True, 1.0)
    assert [(r.operation, r.way, r.status) for r in probe.results] == [
        ("listWindows", "read", 200),
        ("openWindow", "refusal", 422),
    ]
    assert [call.status for call in sandbox.recorder.calls] == [200, 422]
    assert services.last("interface.probed")["passed"] is True
    assert services.lifecycle.publish(engineer, ID, "1.0.0").version.state is State.PUBLISHED
    assert probing.last(services.vendor(), ID) == probe
    assert probing.live([ID, "x.y"]) == {ID: 1.0}


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda s: s.faults.set("*", Fault(status=503)), "answered 503"),
        (lambda s: s.faults.set("*", Fault(drop=True)), "provider-unreachable"),
        (lambda s: s.close(), ""),
    ],
)
def test_a_service_that_fails_is_not_published(
    services: Any,
    engineer: Any,
    probing: Probing,
    registered: None,
    serve: Callable[..., Sandbox],
    break_it: Callable[[Any], object],
    said: str,
) -> None:
    sandbox = serve()
    if not said:
        services.catalogue.set_endpoint(engineer, ID, "http://127.0.0.1:9/")
        said = "provider-unreachable"
    else:
        break_it(sandbox)
    probe = probing.probe(engineer, ID)
    assert (probe.passed, probe.live) == (False, 0.0)
    assert all(said in result.problem for result in probe.results)
    with pytest.raises(Conflict, match="does not answer as documented"):
        services.lifecycle.publish(engineer, ID, "1.0.0")
    assert services.catalogue.interface(ID).state is State.DRAFT


@pytest.mark.parametrize(
    ("change", "operation", "said"),
    [
        (("number: {type: integer", "number: {type: string"), "listWindows", "breaks its schema at /0/number"),
        (("required: [name, number]", "required: []"), "openWindow", "without its required members was answered 201"),
        (("  /windows:", "  /counters:"), "listWindows", "is not there"),
    ],
)
def test_a_service_that_differs_from_its_document_is_told_where(
    engineer: Any,
    probing: Probing,
    registered: None,
    serve: Callable[..., Sandbox],
    change: tuple[str, str],
    operation: str,
    said: str,
) -> None:
    text = DOCUMENT.replace(*change)
    serve(text.replace(", minimum: 1", "") if "string" in change[1] else text)
    probe = probing.probe(engineer, ID)
    assert not probe.passed
    found = {result.operation: result.problem for result in probe.results}
    assert said in found[operation]


def test_a_probe_counts_for_a_day_and_for_its_endpoint(
    services: Any, engineer: Any, probing: Probing, registered: None, serve: Callable[..., Sandbox], clock: Any
) -> None:
    serve()
    probing.probe(engineer, ID)
    clock.advance(hours=25)
    with pytest.raises(Conflict, match="not been seen to work"):
        services.lifecycle.publish(engineer, ID, "1.0.0")
    probing.probe(engineer, ID)
    serve()  # another address
    with pytest.raises(Conflict, match="not been seen to work"):
        services.lifecycle.publish(engineer, ID, "1.0.0")


def test_a_waiver_is_written_has_a_reason_and_ends(
    services: Any, engineer: Any, probing: Probing, registered: None, clock: Any
) -> None:
    for reason, days in (("short", 10), ("not reachable from here yet", 0), ("not reachable from here yet", 181)):
        with pytest.raises(Invalid):
            probing.waive(engineer, ID, reason, days)
    probing.waive(engineer, ID, "the firewall opens on Friday", 3)
    assert services.last("interface.waived")["reason"] == "the firewall opens on Friday"
    clock.advance(days=4)
    with pytest.raises(Conflict):
        services.lifecycle.publish(engineer, ID, "1.0.0")
    probing.waive(engineer, ID, "the firewall opens on Monday", 3)
    assert services.lifecycle.publish(engineer, ID, "1.0.0").version.state is State.PUBLISHED


def test_published_services_are_asked_again_every_day(
    services: Any, engineer: Any, probing: Probing, registered: None, serve: Callable[..., Sandbox], clock: Any
) -> None:
    from exchange.parties.access import SYSTEM

    sandbox = serve()
    probing.probe(engineer, ID)
    services.lifecycle.publish(engineer, ID, "1.0.0")
    assert probing.due(5) == []
    clock.advance(hours=25)
    assert probing.due(5) == [ID]
    assert probing.again(SYSTEM, ID) is True
    assert services.kinds().count("interface.probed") == 1  # nothing new: no entry
    sandbox.faults.set("*", Fault(status=503))
    clock.advance(hours=25)
    assert probing.again(SYSTEM, ID) is False
    assert services.kinds().count("interface.probed") == 2
    assert probing.live([ID]) == {ID: 0.0}
