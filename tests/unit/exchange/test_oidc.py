"""Signing people in through an outside issuer: a small real one is served, and each thing it may do wrong is done."""

from __future__ import annotations

import base64
import hashlib
import secrets
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from fastapi.testclient import TestClient
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from exchange.errors import Invalid, Unauthenticated, Upstream
from exchange.parties.access import COOKIE, SYSTEM, Access
from exchange.parties.oidc import Outside, Registration
from exchange.portal import signing
from exchange.portal.pages import Pages

BACK = "http://tongban.test/sign-in/outside/back"
SECRET = "agreed with the issuer"
BROWSER = httpx2.Client(follow_redirects=False, trust_env=False)
KEYS = [RSAKey.generate_key(2048, {"kid": "one"}) for _ in range(2)]
"""The issuer's, and one that is not."""


@dataclass
class Issuer:
    """An OpenID provider that signs everybody in as ``who``; ``wrong`` says what it does wrong."""

    url: str = ""
    who: dict[str, Any] = field(default_factory=lambda: {"sub": "e-4711"})
    wrong: dict[str, Any] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: KEYS[0])

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/.well-known/openid-configuration")
        def configuration() -> dict[str, Any]:
            told = {"issuer": self.url, "jwks_uri": f"{self.url}/jwks", "token_endpoint": f"{self.url}/token"}
            told |= {"authorization_endpoint": f"{self.url}/authorize"}
            return told | {"authorization_response_iss_parameter_supported": True} | self.wrong.get("metadata", {})

        @app.get("/jwks")
        def jwks() -> dict[str, Any]:
            return {"keys": [{**self.key.as_dict(private=False), "use": "sig"}]}

        @app.get("/authorize")
        def authorize(request: Request) -> Response:
            asked = dict(request.query_params)
            assert asked["response_type"] == "code"
            assert asked["code_challenge_method"] == "S256"
            code = secrets.token_urlsafe(16)
            self.codes[code] = asked
            given = {"code": code, "state": asked["state"], "iss": self.url} | self.wrong.get("answer", {})
            query = "&".join(f"{name}={value}" for name, value in given.items() if value is not None)
            return RedirectResponse(f"{asked['redirect_uri']}?{query}", status_code=302)

        @app.post("/token")
        async def token(request: Request) -> Response:
            form = await request.form()
            asked = self.codes.pop(str(form["code"]), None)
            pair = base64.b64decode(request.headers["authorization"].partition(" ")[2]).decode()
            challenge = hashlib.sha256(str(form["code_verifier"]).encode()).digest()
            fits = asked is not None and asked["redirect_uri"] == form["redirect_uri"]
            fits = fits and base64.urlsafe_b64encode(challenge).rstrip(b"=").decode() == asked["code_challenge"]  # type: ignore[index]
            if not fits or pair != f"tongban:{SECRET}" or form["grant_type"] != "authorization_code":
                return JSONResponse({"error": "invalid_grant"}, status_code=400)
            now = int(datetime.now(UTC).timestamp())
            claims = {"iss": self.url, "aud": "tongban", "iat": now, "exp": now + 300, "nonce": asked["nonce"]}  # type: ignore[index]
            claims = {k: v for k, v in (claims | self.who | self.wrong.get("claims", {})).items() if v is not None}
            key, algorithm = self.wrong.get("sign", (self.key, "RS256"))
            made = jwt.encode({"alg": algorithm, "kid": "one"}, claims, key, algorithms=[algorithm])
            return JSONResponse({"id_token": self.wrong.get("id_token", made), "token_type": "Bearer"})

        return app


@pytest.fixture
def database_url(tmp_path: Path, _sqlite_template: Path) -> str:
    """SQLite alone: what the issuer says is judged before any database is asked."""
    shutil.copyfile(_sqlite_template, tmp_path / "tongban.sqlite")
    return f"sqlite:///{tmp_path / 'tongban.sqlite'}"


@pytest.fixture(scope="module")
def served() -> Iterator[Issuer]:
    issuer = Issuer()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        issuer.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        server = uvicorn.Server(uvicorn.Config(issuer.app(), log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        deadline = time.monotonic() + 20
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.01)
        yield issuer
        server.should_exit = True
        thread.join(timeout=10)


@pytest.fixture
def issuer(served: Issuer) -> Issuer:
    served.wrong, served.who, served.key = {}, {"sub": "e-4711"}, KEYS[0]
    return served


@pytest.fixture
def outside(services: Any, issuer: Issuer) -> Outside:
    services.clock.now = datetime.now(UTC)  # the issuer lives in the present
    return Outside(Registration(issuer.url, "tongban", SECRET, BACK), services.tokens, services.clock)


@pytest.fixture
def web(services: Any, outside: Outside) -> TestClient:
    access = Access(services.database, services.tokens, services.clock)
    pages = Pages(access, lambda party: {"zh_CN": party, "en": party})
    return services.web(signing.router(pages, access, services.parties, outside, secure=False))  # type: ignore[no-any-return]


@pytest.fixture
def member(services: Any) -> Any:
    staff = services.department("police")
    return services.parties.add_member(staff, "police", "li.wei", "x", ["engineer"], subject="e-4711")[0]


def through(web: TestClient, then: str = "/flows") -> Any:
    """The answer of our own callback, after the browser went to the issuer and came back."""
    begun = web.get("/sign-in/outside", params={"next": then}, follow_redirects=False)
    assert begun.status_code == 303
    came = BROWSER.get(begun.headers["location"])
    back = came.headers["location"]
    assert back.startswith(BACK)
    return web.get(back.removeprefix("http://tongban.test"), follow_redirects=False)


def test_a_person_comes_in_through_their_office(services: Any, web: TestClient, member: Any) -> None:
    web.cookies.set(COOKIE, "0" * 64)  # a session planted beforehand does not become theirs
    answer = through(web)
    assert (answer.status_code, answer.headers["location"]) == (303, "/flows")
    found = services.access.session(answer.cookies[COOKIE])
    assert (found.id, found.party, found.via) == (member.id, "police", "session")
    assert services.access.session("0" * 64) is None


def test_the_browser_is_sent_with_pkce_and_nothing_secret(web: TestClient, issuer: Issuer) -> None:
    begun = web.get("/sign-in/outside", follow_redirects=False)
    asked = {name: value[0] for name, value in parse_qs(urlsplit(begun.headers["location"]).query).items()}
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == BACK
    assert {"state", "nonce", "code_challenge"} <= asked.keys()
    assert SECRET not in begun.headers["location"]
    flags = begun.headers["set-cookie"].lower()
    assert "httponly" in flags
    assert "samesite=lax" in flags
    assert "path=/sign-in/outside" in flags


@pytest.mark.parametrize(
    "wrong",
    [
        {"claims": {"iss": "http://other.test"}},
        {"claims": {"aud": "somebody-else"}},
        {"claims": {"aud": ["tongban", "somebody-else"], "azp": "somebody-else"}},
        {"claims": {"aud": None}},
        {"claims": {"nonce": "another"}},
        {"claims": {"nonce": None}},
        {"claims": {"exp": 1_700_000_000}},
        {"claims": {"exp": None}},
        {"claims": {"sub": None}},
        {"sign": (KEYS[1], "RS256")},
        {"sign": (OctKey.import_key(SECRET), "HS256")},
        {"id_token": "eyJhbGciOiJub25lIn0.eyJzdWIiOiJlLTQ3MTEifQ."},
        {"id_token": ""},
        {"answer": {"state": "another"}},
        {"answer": {"iss": "http://other.test"}},
        {"answer": {"iss": None}},
        {"answer": {"error": "access_denied", "code": None}},
        {"answer": {"code": "made-up"}},
    ],
    ids=lambda wrong: "-".join(f"{name} {value[1] if name == 'sign' else value}" for name, value in wrong.items())[:60],
)
def test_whatever_does_not_fit_signs_nobody_in(
    services: Any, web: TestClient, member: Any, issuer: Issuer, wrong: dict[str, Any]
) -> None:
    issuer.wrong = wrong
    answer = through(web)
    assert answer.status_code == 401
    assert COOKIE not in answer.cookies
    assert "text/html" in answer.headers["content-type"]
    issuer.wrong = {}
    assert through(web).status_code == 303  # and the same works when it is put right


def test_a_stranger_to_us_is_refused_with_evidence(services: Any, web: TestClient, member: Any, issuer: Issuer) -> None:
    issuer.who = {"sub": "e-0815"}
    assert through(web).status_code == 401
    assert services.last("sign-in.refused")["reason"] == "unknown"
    issuer.who = {"sub": "e-4711"}
    services.parties.change_member(SYSTEM, "police", member.id, active=False)
    assert through(web).status_code == 401
    assert services.last("sign-in.refused")["member"] == member.id
    assert b"e-4711" not in b"".join(entry.data for entry in services.ledger.entries(limit=100))


def test_a_way_back_is_good_once_and_in_one_browser(services: Any, web: TestClient, member: Any) -> None:
    begun = web.get("/sign-in/outside", follow_redirects=False)
    cookie = begun.cookies[signing.STATE]
    back = BROWSER.get(begun.headers["location"]).headers["location"].removeprefix("http://tongban.test")
    web.cookies.clear()
    assert web.get(back, follow_redirects=False).status_code == 401  # another browser: the cookie is missing
    first = web.get(back, headers={"Cookie": f"{signing.STATE}={cookie}"}, follow_redirects=False)
    assert first.status_code == 303
    with pytest.raises(Unauthenticated):  # even an issuer that gives the same code twice
        services.parties.sign_in_as("e-4711", "", (services.tokens.read(cookie, "sign-in")["jti"], 2**31))
    services.clock.advance(minutes=11)
    late = web.get(back, headers={"Cookie": f"{signing.STATE}={cookie}"}, follow_redirects=False)
    assert late.status_code == 401


def test_nobody_is_sent_on_to_another_site(web: TestClient, member: Any) -> None:
    for then in ("https://evil.test", "//evil.test", "/\\evil.test", "javascript:x"):
        assert through(web, then).headers["location"] == "/"


def test_a_key_of_the_issuer_may_change(web: TestClient, member: Any, issuer: Issuer) -> None:
    assert through(web).status_code == 303
    issuer.key = KEYS[1]
    assert through(web).status_code == 303


def test_another_claim_may_name_people(services: Any, issuer: Issuer, member: Any) -> None:
    services.clock.now = datetime.now(UTC)
    named = Registration(issuer.url, "tongban", SECRET, BACK, claim="employee")
    outside = Outside(named, services.tokens, services.clock)
    for who, fits in (({"sub": "1", "employee": "e-4711"}, True), ({"sub": "e-4711"}, False)):
        issuer.who = who
        begun = outside.begin("/")
        back = urlsplit(BROWSER.get(begun.url).headers["location"])
        came = {name: value[0] for name, value in parse_qs(back.query).items()}
        if fits:
            assert outside.end(came, begun.cookie).subject == "e-4711"
        else:
            with pytest.raises(Unauthenticated, match="employee"):
                outside.end(came, begun.cookie)


def test_an_issuer_that_cannot_be_used_is_said_so(services: Any, issuer: Issuer) -> None:
    issuer.wrong = {"metadata": {"issuer": "http://other.test"}}
    for url in (issuer.url, "http://127.0.0.1:9"):
        outside = Outside(Registration(url, "tongban", SECRET, BACK), services.tokens, services.clock)
        with pytest.raises(Upstream):
            outside.begin("/")


@pytest.mark.parametrize("url", ["", "http://issuer.example", "ftp://issuer.example", "issuer"])
def test_an_issuer_without_https_is_refused_at_start(url: str) -> None:
    with pytest.raises(Invalid):
        Registration(url, "tongban", SECRET, BACK)
    with pytest.raises(Invalid):
        Registration("https://issuer.example", "", SECRET, BACK)


def test_without_an_issuer_there_is_only_the_password(services: Any) -> None:
    access = Access(services.database, services.tokens, services.clock)
    pages = Pages(access, lambda party: {"zh_CN": party, "en": party})
    web = services.web(signing.router(pages, access, services.parties, None, secure=False))
    assert "/sign-in/outside" not in web.get("/sign-in").text
    assert web.get("/sign-in/outside").status_code == 404
    assert web.get("/sign-in/outside/back").status_code == 404
