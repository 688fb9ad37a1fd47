"""Forged tokens: what is sent for each way of signing, and what is refused before the run."""

from __future__ import annotations

import base64
import hmac
import json
from pathlib import Path
from typing import Any

import pytest

from conformance.arazzo import flow
from conformance.arazzo.documents import Refused
from conformance.arazzo.tokens import TokenError, forged
from tests.unit.conformance.arazzo_service import serving, written


def part(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def issued(key: str, algorithm: str = "HS256") -> str:
    head, body = (part(json.dumps(one).encode()) for one in ({"alg": algorithm, "typ": "JWT"}, {"sub": "a", "exp": 9}))
    signed = f"{head}.{body}"
    return f"{signed}.{part(hmac.new(key.encode(), signed.encode(), 'sha256').digest())}"


def claims(token: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))


def test_each_way_of_signing() -> None:
    token = issued("random")
    kept, none, word = (forged(token, {"sub": "b"}, sign) for sign in ("kept", "none", "word"))
    assert kept is not None
    assert none is not None
    assert word is not None
    assert [claims(one) for one in (kept, none, word)] == [{"sub": "b", "exp": 9}] * 3
    assert kept.split(".")[2] == token.split(".")[2]
    assert none.endswith(".")
    assert json.loads(base64.urlsafe_b64decode(none.split(".")[0] + "=="))["alg"] == "none"
    signed, _, signature = word.rpartition(".")
    assert signature == part(hmac.new(b"random", signed.encode(), "sha256").digest())
    assert forged(token, {}, "word") != word


def test_a_key_that_nobody_guesses_forges_nothing() -> None:
    assert forged(issued("f2a1c7d0-no-word"), {}, "word") is None
    assert forged(issued("random", "RS256"), {}, "word") is None


@pytest.mark.parametrize("token", [None, 7, "abc", "a.b.c", "e30.W10.x", "é.e30.x"])
def test_what_is_no_token(token: Any) -> None:
    with pytest.raises(TokenError):
        forged(token, {}, "kept")


STEPS = """
  - workflowId: w
    steps:
      - {stepId: login, operationId: login, successCriteria: [{condition: $statusCode == 200}],
         outputs: {token: $response.body#/token}}
      - stepId: forged
        operationId: search
        parameters:
          - {name: Authorization, in: header,
             value: {x-token: $steps.login.outputs.token, claims: {sub: '{$inputs.who}'}, sign: %s, prefix: 'Bearer '}}
"""


def test_a_step_sends_it_and_sends_nothing_when_there_is_none(tmp_path: Path) -> None:
    with serving() as service:
        path = written(tmp_path, STEPS % "word")
        planned = flow.plan(path, servers={"shop": service.url})
        for key in ("secret", "f2a1c7d0-no-word"):
            service.answers["POST /login"] = [(200, {"token": issued(key)})]
            assert flow.run(planned, {"who": "b"})[0].passed
        service.answers["POST /login"] = [(200, {"token": "opaque"})]
        failed = flow.run(planned, {"who": "b"})[0]
    sent = [one["headers"].get("authorization") for one in service.asked if one["method"] == "GET"]
    assert sent[0].startswith("Bearer ")
    assert claims(sent[0].removeprefix("Bearer "))["sub"] == "b"
    assert sent[1:] == [None]
    assert "no JSON Web Token" in failed.flows[0].reason


@pytest.mark.parametrize(
    ("written_as", "told"),
    [("guess", "sign is one of kept, none, word"), ("word, key: x", "x-token has no member 'key'"),
     ("word, claims: 7", "claims is an object")],
)  # fmt: skip
def test_a_form_that_is_wrong_is_refused(tmp_path: Path, written_as: str, told: str) -> None:
    steps = STEPS.replace("claims: {sub: '{$inputs.who}'}, ", "") if "claims" in written_as else STEPS
    with pytest.raises(Refused) as refused:
        flow.plan(written(tmp_path, steps % written_as), servers={"shop": "http://127.0.0.1:1"})
    assert told in str(refused.value)
