"""Callbacks, webhooks and links: what a provider does after its answer, over real connections."""

import http.server
import json
import socket
import threading
import time
from concurrent.futures import Future
from datetime import UTC, datetime

import jsonschema
import pytest

import specs
from mockdata.sandbox import Sandbox
from mockdata.sandbox.clock import VirtualClock
from mockdata.sandbox.control import Controlled
from mockdata.sandbox.expressions import Exchange, Message, evaluate, expand
from mockdata.sandbox.messages import Request
from mockdata.sandbox.record import Recorder
from mockdata.sandbox.sandbox import wall_clock
from mockdata.sandbox.sending import BackgroundSender, Destinations, Forbidden, OutgoingCall

ORDER = {
    "type": "object",
    "required": ["orderId", "dish"],
    "properties": {"orderId": {"type": "string", "format": "uuid"}, "dish": {"type": "string"}},
}
DONE = {
    "type": "object",
    "required": ["orderId", "state", "note"],
    "properties": {
        "orderId": {"type": "string"},
        "dish": {"type": "string"},
        "state": {"enum": ["cooked"]},
        "note": {"type": "string", "maxLength": 5},
    },
    "additionalProperties": False,
}
NEW = {
    "type": "object",
    "required": ["dish"],
    "properties": {"dish": {"type": "string"}, "callbackUrl": {"type": "string", "format": "uri"}},
}


def content(schema: dict) -> dict:
    return {"content": {"application/json": {"schema": schema}}}


DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "Kitchen", "version": "1", "x-interface-id": "shop.kitchen"},
    "paths": {
        "/orders": {
            "post": {
                "operationId": "order",
                "parameters": [{"name": "Idempotency-Key", "in": "header", "schema": {"type": "string"}}],
                "requestBody": content(NEW),
                "responses": {
                    "201": {
                        "description": "-",
                        **content(ORDER),
                        "links": {
                            "same": {"operationId": "read", "parameters": {"orderId": "$response.body#/orderId"}},
                            "bill": {"operationId": "bill", "parameters": {"order": "$response.body#/orderId"}},
                        },
                    }
                },
                "callbacks": {
                    "done": {
                        "{$request.body#/callbackUrl}?order={$response.body#/orderId}": {
                            "post": {"requestBody": content(DONE), "responses": {"200": {"description": "-"}}}
                        }
                    }
                },
            }
        },
        "/orders/{orderId}": {
            "parameters": [{"name": "orderId", "in": "path", "required": True, "schema": {"type": "string"}}],
            "get": {"operationId": "read", "responses": {"200": {"description": "-", **content(ORDER)}}},
        },
        "/bills/{order}": {
            "parameters": [{"name": "order", "in": "path", "required": True, "schema": {"type": "string"}}],
            "get": {"operationId": "bill", "responses": {"200": {"description": "-", **content(ORDER)}}},
        },
    },
    "webhooks": {"closed": {"post": {"requestBody": content(DONE), "responses": {"200": {"description": "-"}}}}},
}


@pytest.fixture(scope="module")
def kitchen():
    return specs.read(json.dumps(DOCUMENT).encode(), "kitchen.json")


class Listener:
    """A real server that keeps what it is sent and answers with the statuses it was told, then 204."""

    def __init__(self, *statuses: int) -> None:
        self.got: list[tuple[str, str, dict, bytes]] = []
        waiting = list(statuses)
        listener = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                listener.got.append((self.command, self.path, dict(self.headers), body))
                self.send_response(waiting.pop(0) if waiting else 204)
                self.send_header("location", "http://169.254.169.254/")
                self.end_headers()

            def log_message(self, *_) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/done"

    def __enter__(self) -> "Listener":
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self._server.shutdown()
        self._server.server_close()


class Watched(BackgroundSender):
    """Keeps the futures, so that a test can wait."""

    def __init__(self, *args, **more) -> None:
        super().__init__(*args, pause=0, **more)
        self.sent: list[Future[OutgoingCall]] = []

    def __call__(self, message):
        self.sent.append(super().__call__(message))
        return self.sent[-1]


def last(recorder: Recorder):
    """The latest record of an outgoing call: it comes just after its future."""
    end = time.monotonic() + 5
    while not (sent := [call for call in recorder.calls if isinstance(call, OutgoingCall)]):
        assert time.monotonic() < end
        time.sleep(0.01)
    return sent[-1]


def order(sandbox: Sandbox, url: str, *headers: tuple[str, str]):
    body = json.dumps({"dish": "soup", "callbackUrl": url}).encode()
    return sandbox.handle(Request("POST", "/orders", "", (("Content-Type", "application/json"), *headers), body))


def test_an_operation_calls_back_with_what_it_has_answered(kitchen):
    recorder, sender = Recorder(), Watched()
    sandbox = Sandbox([kitchen], bare=True, recorder=recorder, sender=sender)
    with Listener() as listener:
        made = order(sandbox, listener.url).json()
        call = sender.sent[0].result(5)
    method, path, headers, body = listener.got[0]
    assert (method, path) == ("POST", f"/done?order={made['orderId']}")
    assert headers["content-type"] == "application/json"
    told = json.loads(body)
    jsonschema.validate(told, DONE)
    assert told["orderId"] == made["orderId"]
    assert told.get("dish", "soup") == "soup"
    assert (call.status, call.tries, call.rule, call.operation, call.body) == (204, 1, "done", "order", told)
    assert last(recorder) == call


def test_nothing_is_sent_without_a_sender_for_a_repeated_or_for_a_preferred_answer(kitchen):
    sender = Watched()
    sandbox = Sandbox([kitchen], bare=True, sender=sender)
    with Listener() as listener:
        order(Sandbox([kitchen], bare=True), listener.url)
        order(sandbox, listener.url, ("Prefer", "code=201"))
        for _ in range(2):
            order(sandbox, listener.url, ("Idempotency-Key", "one"))
        assert [one.result(5).status for one in sender.sent] == [204]
    body = json.dumps({"dish": "soup"}).encode()  # no callbackUrl: the expression has no value
    assert sandbox.handle(Request("POST", "/orders", "", (("Content-Type", "application/json"),), body)).status == 201
    assert len(sender.sent) == 1


def test_trying_again_and_not_following_redirects(kitchen):
    sender = Watched()
    sandbox = Sandbox([kitchen], bare=True, sender=sender)
    with Listener(503, 302) as listener:
        order(sandbox, listener.url)
        call = sender.sent[0].result(5)
    assert (call.status, call.tries, len(listener.got)) == (302, 2, 2)
    dead = Watched(tries=2, timeout=0.5)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: refused at once
        order(Sandbox([kitchen], bare=True, sender=dead), f"http://127.0.0.1:{taken.getsockname()[1]}/")
        call = dead.sent[0].result(5)
    assert (call.status, call.tries, call.valid) == (0, 2, False)
    assert "refused" in call.error.lower()


def test_a_server_that_never_ends_its_answer_is_given_up(kitchen):
    sender = Watched(tries=1, timeout=0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        order(Sandbox([kitchen], bare=True, sender=sender), f"http://127.0.0.1:{silent.getsockname()[1]}/")
        call = sender.sent[0].result(5)
    assert call.status == 0
    assert call.error


def test_what_waits_is_bounded(kitchen):
    sender = Watched(waiting=1, tries=1, timeout=0.3)
    sandbox = Sandbox([kitchen], bare=True, sender=sender)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for _ in range(4):
            order(sandbox, f"http://127.0.0.1:{silent.getsockname()[1]}/")
        assert "too many" in sender.sent[-1].result(5).error


def test_webhooks_are_fired_by_name(kitchen):
    sender, recorder = Watched(), Recorder()
    sandbox = Sandbox([kitchen], bare=True, sender=sender, recorder=recorder)
    with Listener() as listener:
        call = sandbox.fire(
            "closed", listener.url, body={"orderId": "A1", "dish": "tea", "note": "far too long"}
        ).result(5)
    told = json.loads(listener.got[0][3])
    jsonschema.validate(told, DONE)
    assert (told["orderId"], told["dish"]) == ("A1", "tea")
    assert (call.status, call.operation, call.rule) == (204, None, "closed")
    assert recorder.calls == [call]
    with pytest.raises(KeyError, match="closed"):
        sandbox.fire("other", listener.url)
    with pytest.raises(RuntimeError, match="sender"):
        Sandbox([kitchen], bare=True).fire("closed", listener.url)


def test_webhooks_are_fired_by_the_control_api(kitchen):
    def made(sender):
        make = lambda seed, clock, recorder: Sandbox([kitchen], bare=True, sender=sender)  # noqa: E731
        return Controlled(make, "1", clock=VirtualClock(wall_clock), recorder=Recorder())

    def fire(control, **said):
        return control.answer(Request("POST", "/.tongban/webhook", body=json.dumps(said).encode()))

    with Listener() as listener:
        sending = made(Watched())
        assert fire(sending, webhook="closed", url=listener.url).json() == {"status": 204, "tries": 1, "error": ""}
        assert fire(sending, webhook="other", url=listener.url).status == 404
        assert fire(sending, webhook="closed").status == 422
        assert fire(made(None), webhook="closed", url=listener.url).status == 409
    assert len(listener.got) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://[::ffff:169.254.169.254]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://[fd00:ec2::254]/",
        "http://[fe80::1]/",
        "http://100.100.100.200/",
        "http://0.0.0.0/",
        "http://224.0.0.1/",
        "http://2852039166/",  # 169.254.169.254 as one number
        "http://8.8.8.8/",
        "http://user:secret@127.0.0.1/",
        "http://127.0.0.1/ x",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "http://127.0.0.1:99999/",
        "not a url",
        "",
    ],
)
def test_destinations_that_are_never_called(url):
    with pytest.raises(Forbidden):
        Destinations().addresses(url)


def test_destinations_that_are():
    assert Destinations().addresses("http://127.0.0.1:8000/x")[1] == ["127.0.0.1"]
    assert Destinations().addresses("https://10.1.2.3/")[1] == ["10.1.2.3"]
    with pytest.raises(Forbidden):
        Destinations(local=False).addresses("http://10.1.2.3/")
    assert Destinations(local=False, allow=("10.1.2.3:81",)).addresses("http://10.1.2.3:81/")
    with pytest.raises(Forbidden):
        Destinations(local=False, allow=("10.1.2.3:81",)).addresses("http://10.1.2.3:82/")
    assert Destinations(allow=("8.8.8.0/24",)).addresses("http://8.8.8.8/")
    assert Destinations(allow=("*",)).addresses("http://8.8.8.8/")
    for allow in ("*", "169.254.0.0/16", "169.254.169.254"):
        with pytest.raises(Forbidden):
            Destinations(allow=(allow,)).addresses("http://169.254.169.254/")


def test_a_forbidden_destination_is_recorded(kitchen):
    sender, recorder = Watched(), Recorder()
    order(Sandbox([kitchen], bare=True, sender=sender, recorder=recorder), "http://169.254.169.254/?token=abc")
    call = sender.sent[0].result(5)
    assert (call.status, call.tries) == (0, 0)
    assert "169.254.169.254" in call.error
    assert "abc" not in str(last(recorder))


EXCHANGE = Exchange(
    "http://h/orders?a=1",
    "POST",
    201,
    Message({"x-url": "http://u"}, {"a": "1"}, {"id": 7}, {"a/b": [{"m~n": 1}], "": "empty", "list": ["x"], "01": 2}),
    Message({"location": "/orders/9"}, body={"id": 9}),
)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("$url", "http://h/orders?a=1"),
        ("$method", "POST"),
        ("$statusCode", 201),
        ("$request.header.X-Url", "http://u"),
        ("$request.query.a", "1"),
        ("$request.path.id", 7),
        ("$request.body#/a~1b/0/m~0n", 1),
        ("$request.body#/", "empty"),
        ("$request.body#/01", 2),
        ("$response.header.location", "/orders/9"),
        ("$response.body", {"id": 9}),
        ("$response.body#/id", 9),
    ],
)
def test_runtime_expressions(expression, value):
    assert evaluate(expression, EXCHANGE) == value


@pytest.mark.parametrize(
    "expression",
    [
        *("", "url", "$urls", "$request", "$request.", "$request.cookie.a", "$request.header.", "$request.header.a b"),
        *("$request.body#a", "$request.body#/~2", "$response.bodyx", "$request.query.", "__import__('os')"),
        *("$request.body#/list/-", "$request.body#/list/00", "$request.body#/list/1", "$request.query.none"),
    ],
)
def test_what_is_no_runtime_expression_or_has_no_value(expression):
    with pytest.raises((ValueError, LookupError)):
        evaluate(expression, EXCHANGE)


def test_templates():
    assert expand("{$request.header.x-url}/{$response.body#/id}/x", EXCHANGE) == "http://u/9/x"
    assert expand("$request.header.x-url", EXCHANGE) == "http://u"
    assert expand("http://fixed/{plain}", EXCHANGE) == "http://fixed/{plain}"


def test_links_lead_to_what_an_answer_speaks_of(kitchen):
    sandbox = Sandbox([kitchen], bare=True)
    made = order(sandbox, "http://127.0.0.1/").json()
    for name, link in kitchen.operation("order").response(201).links.items():
        seen = Exchange("", "POST", 201, Message(), Message(body=made))
        (parameter, expression), *_ = link["parameters"].items()
        path = kitchen.operation(link["operationId"]).path.replace(f"{{{parameter}}}", evaluate(expression, seen))
        linked = sandbox.handle(Request("GET", path))
        assert linked.status == 200, name
        assert linked.json()["orderId"] == made["orderId"]
        if name == "same":
            assert linked.json() == made


def test_the_same_call_sends_the_same(kitchen):
    def sent() -> list:
        found: list = []

        def sender(message):
            found.append(message)
            return Future()

        order(Sandbox([kitchen], bare=True, sender=sender, clock=lambda: datetime(2026, 1, 1, tzinfo=UTC)), "http://a/")
        return found

    assert sent() == sent()
