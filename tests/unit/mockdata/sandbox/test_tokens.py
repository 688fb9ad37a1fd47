"""OAuth 2 client credentials: the token endpoint (RFC 6749) and what its tokens open (RFC 6750)."""

import base64
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest

import specs
from mockdata.sandbox import Sandbox
from mockdata.sandbox.messages import Request
from mockdata.sandbox.record import Recorder

FORM = "application/x-www-form-urlencoded"
ANSWER = {"200": {"description": "-", "content": {"application/json": {"schema": {"const": 1}}}}}
TOKEN_URL = "https://login.example/auth/v1/token"


def document(token_url: str = TOKEN_URL, paths: dict | None = None) -> bytes:
    flow = {"tokenUrl": token_url, "scopes": {"read": "-", "write": "-"}}
    code = {"authorizationUrl": "https://login.example/a", "tokenUrl": "https://login.example/t", "scopes": {}}
    ways = {"app": {"type": "oauth2", "flows": {"clientCredentials": flow}}}
    ways["person"] = {"type": "oauth2", "flows": {"authorizationCode": code}}
    served = {
        "/reading": {"get": {"operationId": "reading", "security": [{"app": ["read"]}], "responses": ANSWER}},
        "/writing": {"get": {"operationId": "writing", "security": [{"app": ["read", "write"]}], "responses": ANSWER}},
        "/person": {"get": {"operationId": "person", "security": [{"person": []}], "responses": ANSWER}},
    }
    made = {
        "openapi": "3.1.0",
        "info": {"title": "T", "version": "1", "x-interface-id": "shop.orders"},
        "servers": [{"url": "https://shop.example/api/v2"}],
        "components": {"securitySchemes": ways},
        "paths": {**served, **(paths or {})},
    }
    return json.dumps(made).encode()


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock():
    return Clock()


def opened(clock, text: bytes | None = None, **more) -> Sandbox:
    return Sandbox([specs.read(text or document(), "t.json")], bare=True, clock=clock, **more)


def ask(sandbox: Sandbox, path: str = "/auth/v1/token", basic: str = "", kind: str = FORM, method="POST", **form):
    headers = [("Content-Type", kind)]
    if basic:
        headers.append(("Authorization", "Basic " + base64.b64encode(basic.encode()).decode()))
    return sandbox.handle(Request(method, path, "", tuple(headers), urlencode(form).encode()))


def grant(sandbox: Sandbox, **form) -> str:
    got = ask(sandbox, grant_type="client_credentials", client_id="me", client_secret="s", **form)
    assert got.status == 200, got.body
    return got.json()["access_token"]


def get(sandbox: Sandbox, path: str, token: str):
    return sandbox.handle(Request("GET", path, "", (("Authorization", f"Bearer {token}"),)))


def test_a_token_opens_what_its_scopes_name(clock):
    sandbox = opened(clock)
    got = ask(sandbox, basic="me:s%3Acret", grant_type="client_credentials", scope="read")
    assert got.header("cache-control") == "no-store"
    token = got.json()["access_token"]
    assert {key: got.json()[key] for key in ("token_type", "expires_in", "scope")} == {
        "token_type": "Bearer",
        "expires_in": 3600,
        "scope": "read",
    }
    assert get(sandbox, "/reading", token).status == 200
    refused = get(sandbox, "/writing", token)
    assert refused.status == 403
    assert 'error="insufficient_scope"' in refused.header("www-authenticate")
    assert 'scope="read write"' in refused.header("www-authenticate")
    assert get(sandbox, "/writing", grant(sandbox)).status == 200  # no scope asked for: all that are declared


def test_the_virtual_clock_ends_a_token_and_a_restart_does_not(clock):
    sandbox = opened(clock)
    token = grant(sandbox)
    again = opened(clock)
    clock.now += timedelta(seconds=3599)
    assert get(again, "/reading", token).status == 200
    clock.now += timedelta(seconds=1)
    ended = get(again, "/reading", token)
    assert ended.status == 401
    assert 'error="invalid_token"' in ended.header("www-authenticate")


def test_a_forged_token_is_refused(clock):
    sandbox = opened(clock)
    said, seal = grant(sandbox, scope="read").rsplit(".", 1)
    longer = base64.urlsafe_b64encode(json.dumps(["me", ["read", "write"], 9999999999]).encode()).decode().rstrip("=")
    for token in (f"tbt.{longer}.{seal}", f"{said}.{seal[:-1]}", f"{said}.", "tbt.", "tbt.é.ü"):
        assert get(sandbox, "/writing", token).status == 401, token
    other = opened(clock, secret=b"another")
    assert get(other, "/reading", grant(sandbox)).status == 401


def test_tokens_of_others_count_unless_only_issued_ones_are_to(clock):
    assert get(opened(clock), "/reading", "of-another-gateway").status == 200
    strict = opened(clock, issued_only=True)
    assert get(strict, "/reading", "of-another-gateway").status == 401
    assert get(strict, "/reading", grant(strict)).status == 200
    assert get(strict, "/person", "anything").status == 200  # no flow that could be played


@pytest.mark.parametrize(
    ("form", "code", "status"),
    [
        ({"client_id": "me", "client_secret": "s"}, "invalid_request", 400),
        ({"client_id": "me", "client_secret": "s", "grant_type": "password"}, "unsupported_grant_type", 400),
        ({"grant_type": "client_credentials"}, "invalid_client", 401),
        ({"client_id": "me", "grant_type": "client_credentials"}, "invalid_client", 401),
        ({"basic": "me", "grant_type": "client_credentials"}, "invalid_client", 401),
        ({"basic": "a:b", "client_secret": "s", "grant_type": "client_credentials"}, "invalid_request", 400),
        (
            {"basic": "a:b", "grant_type": "client_credentials", "scope": "read admin"},
            "invalid_scope",
            400,
        ),
        ({"basic": "a:b", "grant_type": "client_credentials", "kind": "application/json"}, "invalid_request", 400),
    ],
)
def test_errors_of_the_token_endpoint(clock, form, code, status):
    refused = ask(opened(clock), **form)
    assert (refused.status, refused.json()["error"]) == (status, code)
    assert (refused.header("www-authenticate") is not None) == (status == 401)


def test_a_parameter_twice_and_other_methods_are_refused(clock):
    sandbox = opened(clock)
    twice = b"grant_type=client_credentials&grant_type=client_credentials&client_id=a&client_secret=b"
    refused = sandbox.handle(Request("POST", "/oauth/token", "", (("Content-Type", FORM),), twice))
    assert refused.json()["error"] == "invalid_request"
    wrong = ask(sandbox, method="GET")
    assert (wrong.status, wrong.header("allow")) == (405, "POST")


def test_secrets_reach_no_record_and_clients_may_be_judged(clock):
    recorder = Recorder()
    sandbox = opened(clock, recorder=recorder, accept=lambda secret: secret == "s")
    token = grant(sandbox)
    assert ask(sandbox, basic="me:wrong", grant_type="client_credentials").json()["error"] == "invalid_client"
    assert recorder.calls[0].valid
    assert not recorder.calls[1].valid
    assert token not in str(recorder.calls)
    assert "wrong" not in str(recorder.calls)
    assert get(sandbox, "/reading", token).status == 200
    assert get(sandbox, "/reading", "other").status == 401


def test_where_the_endpoint_is(clock):
    several = Sandbox([specs.read(document(), "t.json")], clock=clock)
    for path in ("/shop.orders/auth/v1/token", "/shop.orders/oauth/token", "/oauth/token"):
        assert ask(several, path, basic="a:b", grant_type="client_credentials").status == 200, path
    relative = opened(clock, document("token"))
    assert ask(relative, "/api/v2/token", basic="a:b", grant_type="client_credentials").status == 200
    without = json.loads(document())
    without["components"] = {}
    assert ask(opened(clock, json.dumps(without).encode()), "/oauth/token", basic="a:b").status == 404


def test_a_declared_token_operation_answers_as_declared(clock):
    shape = {"type": "object", "required": ["access_token"], "properties": {"access_token": {"type": "string"}}}
    error = {"type": "object", "required": ["fault"], "properties": {"fault": {"const": "no"}}}
    shape["additionalProperties"] = True
    responses = {
        "200": {"description": "-", "content": {"application/json": {"schema": shape}}},
        "400": {"description": "-", "content": {"application/json": {"schema": error}}},
    }
    paths = {"/auth/v1/token": {"post": {"operationId": "token", "responses": responses}}}
    sandbox = opened(clock, document(paths=paths))
    assert get(sandbox, "/reading", grant(sandbox)).status == 200
    refused = ask(sandbox, basic="a:b", grant_type="password")
    assert (refused.status, refused.json()["fault"]) == (400, "no")
