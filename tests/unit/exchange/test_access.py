"""The table of who may do what, cell by cell; tokens, sessions, CSRF; every route asks who is calling."""

from __future__ import annotations

from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import APIRouter, Depends, Request
from fastapi.testclient import TestClient
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey

from exchange.errors import Forbidden, Unauthenticated
from exchange.parties.access import COOKIE, EVERYWHERE, SYSTEM, TABLE, Caller, permit
from exchange.parties.model import ROLES, Kind
from exchange.parties.tokens import Tokens

ACTIONS = [
    "party.register",
    "party.suspend",
    "key.renew",
    "party.member",
    "party.client",
    "interface.register",
    "interface.publish",
    "interface.endpoint",
    "interface.read",
    "catalogue.tidy",
    "application.file",
    "application.answer",
    "agreement.read",
    "agreement.suspend",
    "agreement.terminate",
    "proceeding.act",
    "exchange.call",
    "delivery.read",
    "push.subscribe",
    "push.read",
    "push.publish",
    "sandbox.open",
    "sandbox.read",
    "dataset.request",
    "dataset.realistic",
    "certification.request",
    "certification.read",
    "certification.revoke",
    "demand.publish",
    "order.take",
    "app.register",
    "listing.launch",
    "matter.read",
    "matter.rate",
    "settlement.make",
    "settlement.read",
    "flow.read",
    "quality.read",
    "quality.answer",
    "usage.rule",
    "ledger.read",
    "ledger.export",
    "party.read",
]
CELLS = [(action, kind, role) for action in TABLE for kind in Kind for role in sorted(ROLES[kind])]
# what must never be, whoever edits the table
NEVER = [
    ("exchange.call", "vendor", "developer"),  # a vendor reaches departments through the gateway only
    ("exchange.call", "operator", "admin"),  # the operator runs the machine, and sees nobody's data
    ("delivery.read", "operator", "admin"),
    ("application.answer", "department", "engineer"),
    ("matter.rate", "vendor", "admin"),  # vendors do not rate themselves
    ("settlement.make", "vendor", "admin"),
    ("ledger.read", "vendor", "admin"),
    ("party.register", "department", "admin"),
    ("certification.request", "operator", "certifier"),
    ("certification.revoke", "vendor", "admin"),
    ("interface.register", "data_office", "officer"),
    ("catalogue.tidy", "vendor", "admin"),
    ("flow.read", "department", "engineer"),  # who builds a service is no data officer
    ("flow.read", "operator", "admin"),
    ("usage.rule", "department", "officer"),  # nobody hides their own flows
]


def caller(kind: str, *roles: str, party: str = "ours", via: str = "client") -> Caller:
    return Caller("cli_1", party, kind, frozenset(roles), "somebody", via)


# ---- the table


def test_every_action_of_the_design_has_a_row() -> None:
    assert set(ACTIONS) == set(TABLE)


def test_rows_name_real_roles_only() -> None:
    known = {(kind.value, role) for kind in Kind for role in ROLES[kind]}
    assert all(pairs <= known for pairs in TABLE.values())
    assert all((kind, role) in TABLE[action] for action, kind, role in EVERYWHERE)


@pytest.mark.parametrize("action", sorted(TABLE))
def test_nobody_may_do_anything(action: str) -> None:
    with pytest.raises(Unauthenticated):
        permit(None, action)


@pytest.mark.parametrize(("action", "kind", "role"), CELLS)
def test_a_cell_allows_exactly_what_it_says(action: str, kind: Kind, role: str) -> None:
    who = caller(kind.value, role)
    if (kind.value, role) not in TABLE[action]:
        for owner in (None, "ours", "theirs"):
            with pytest.raises(Forbidden) as refused:
                permit(who, action, owner=owner)
            assert refused.value.rule == f"access.{action}"
        return
    assert permit(who, action) is who
    assert permit(who, action, owner="ours") is who
    if (action, kind.value, role) in EVERYWHERE:
        assert permit(who, action, owner="theirs") is who
    else:
        with pytest.raises(Forbidden):
            permit(who, action, owner="theirs")


@pytest.mark.parametrize(("action", "kind", "role"), NEVER)
def test_what_must_never_be_allowed(action: str, kind: str, role: str) -> None:
    with pytest.raises(Forbidden):
        permit(caller(kind, role), action)


def test_only_offices_act_for_any_party() -> None:
    reading = {"party.read", "interface.read"}
    far = {(kind, role) for action, kind, role in EVERYWHERE if action not in reading}
    assert far == {
        ("operator", "admin"),
        ("operator", "certifier"),
        ("data_office", "officer"),
        ("finance", "admin"),
        ("finance", "finance"),
    }


def test_a_role_counts_only_with_its_kind_of_party() -> None:
    with pytest.raises(Forbidden):
        permit(caller("vendor", "reviewer", "officer", "finance"), "application.answer")


def test_a_far_reaching_role_does_not_lend_its_reach_to_another() -> None:
    # the officer's row reaches every party; the admin's own rows do not become far-reaching beside it
    with pytest.raises(Forbidden):
        permit(caller("data_office", "officer", "admin"), "party.member", owner="theirs")


def test_an_unknown_action_is_our_mistake() -> None:
    with pytest.raises(KeyError):
        permit(caller("operator", "admin"), "no.such")


def test_the_service_itself_may(services: Any) -> None:
    assert all(permit(SYSTEM, action, owner="theirs") is SYSTEM for action in TABLE)
    with pytest.raises(Unauthenticated):  # and no token can claim to be it
        services.access.bearer(f"Bearer {services.tokens.make('system', 'api', timedelta(minutes=1))}")


# ---- tokens


@pytest.fixture
def tokens(clock: Any) -> Tokens:
    return Tokens(Ed25519PrivateKey.generate(), "http://tongban.test", clock)


def test_a_token_says_who_for_a_while(tokens: Tokens, clock: Any) -> None:
    made = tokens.make("cli_1", "api", timedelta(minutes=15), party="police")
    claims = tokens.read(made, "api")
    assert (claims["sub"], claims["party"], claims["iss"]) == ("cli_1", "police", "http://tongban.test")
    clock.advance(minutes=14, seconds=59)
    tokens.read(made, "api")
    clock.advance(seconds=2)
    with pytest.raises(Unauthenticated):
        tokens.read(made, "api")


def test_claims_given_do_not_replace_ours(tokens: Tokens) -> None:
    made = tokens.make("cli_1", "api", timedelta(minutes=1), sub="other", iss="other", exp=9**12)
    assert tokens.read(made, "api")["sub"] == "cli_1"


def test_forged_tokens_are_refused(clock: Any) -> None:
    own = Ed25519PrivateKey.generate()
    tokens = Tokens(own, "http://tongban.test", clock)
    now = int(clock().timestamp())
    claims = {"iss": "http://tongban.test", "sub": "cli_1", "aud": "api", "iat": now, "exp": now + 60, "jti": "1"}
    headers = {"alg": "Ed25519", "kid": tokens.newest(), "typ": "at+jwt"}
    key = OKPKey.import_key(own)
    good = jwt.encode(headers, claims, key, algorithms=["Ed25519"])
    assert tokens.read(good, "api")["sub"] == "cli_1"  # so what is refused below is so for one reason
    head, body, signature = good.split(".")
    bad = [
        jwt.encode(headers, claims, OKPKey.generate_key("Ed25519"), algorithms=["Ed25519"]),
        jwt.encode({**headers, "alg": "HS256"}, claims, OctKey.import_key(b"k" * 32)),
        jwt.encode({**headers, "alg": "HS256"}, claims, OctKey.import_key(own.public_key().public_bytes_raw())),
        jwt.encode({**headers, "kid": "another"}, claims, key, algorithms=["Ed25519"]),
        jwt.encode({"alg": "Ed25519", "typ": "at+jwt"}, claims, key, algorithms=["Ed25519"]),
        jwt.encode({**headers, "typ": "JWT"}, claims, key, algorithms=["Ed25519"]),
        jwt.encode({**headers, "jwk": key.as_dict(private=False)}, claims, OKPKey.generate_key("Ed25519"), ["Ed25519"]),
        f"eyJhbGciOiJub25lIn0.{body}.",
        f"{head}.{body}.{signature[:-4]}AAAA",
        f"{head}.{body[:-2]}AA.{signature}",
        good + ".x",
        "x",
        "",
        "é.é.é",
    ]
    for name in ("iss", "aud", "exp", "sub", "jti"):
        fewer = {claim: value for claim, value in claims.items() if claim != name}
        bad.append(jwt.encode(headers, fewer, key, algorithms=["Ed25519"]))
    for token in bad:
        with pytest.raises(Unauthenticated):
            tokens.read(token, "api")
    with pytest.raises(Unauthenticated):
        tokens.read(good, "gateway")


# ---- who is calling


@pytest.fixture
def web(services: Any) -> TestClient:
    routes = APIRouter()

    @routes.get("/who")
    @routes.post("/who")
    def who(found: Caller | None = Depends(services.access.caller)) -> dict[str, Any]:
        return {"party": found.party if found else None, "via": found.via if found else None}

    @routes.get("/must")
    def must(found: Caller = Depends(services.access.required)) -> str:
        return found.party

    @routes.post("/form")
    async def form(request: Request, found: Caller = Depends(services.access.required)) -> dict[str, Any]:
        return {"party": found.party, "field": (await request.form())["field"]}

    @routes.get("/ledger-only", dependencies=[Depends(services.access("ledger.read"))])
    def only() -> str:
        return "seen"

    return services.web(routes)


def signed_in(services: Any, web: TestClient) -> str:
    services.department("police")
    _, password = services.parties.add_member(SYSTEM, "police", "li.wei", "李伟", ["engineer"])
    session = services.parties.sign_in("li.wei", password)
    web.cookies.set(COOKIE, session.token)
    return str(session.csrf)


def test_nobody_a_client_and_a_person(services: Any, web: TestClient) -> None:
    assert web.get("/who").json() == {"party": None, "via": None}
    assert web.get("/must").status_code == 401
    assert web.get("/must").headers["www-authenticate"] == "Bearer"
    headers = services.bearer(services.department("police"))
    assert web.get("/who", headers=headers).json() == {"party": "police", "via": "client"}
    signed_in(services, web)
    assert web.get("/who").json() == {"party": "police", "via": "session"}
    assert web.get("/must").json() == "police"


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer x", "Basic eDp5", "bearer x.y.z", "Token abc"])
def test_a_bad_header_is_401_everywhere_alike(web: TestClient, header: str) -> None:
    assert web.get("/must", headers={"Authorization": header}).status_code == 401


def test_a_bad_header_beside_a_good_session_is_still_401(services: Any, web: TestClient) -> None:
    signed_in(services, web)
    assert web.get("/must", headers={"Authorization": "Bearer x"}).status_code == 401


def test_a_form_needs_the_token_of_its_session(services: Any, web: TestClient) -> None:
    csrf = signed_in(services, web)
    refused = web.post("/who")
    assert (refused.status_code, refused.json()["rule"]) == (403, "access.csrf")
    assert web.post("/who", headers={"X-CSRF-Token": csrf[:-1]}).status_code == 403
    assert web.post("/form", data={"field": "x", "csrf_token": "wrong"}).status_code == 403
    assert web.post("/form", data={"field": "x", "csrf_token": "错"}).status_code == 403
    assert web.post("/who", headers={"X-CSRF-Token": csrf}).json()["via"] == "session"
    assert web.post("/form", data={"field": "x", "csrf_token": csrf}).json() == {"party": "police", "field": "x"}
    assert web.post("/form", files={"f": b""}, data={"field": "x", "csrf_token": csrf}).status_code == 200
    headers = services.bearer(services.department("police"))
    assert web.post("/who", headers=headers).json()["via"] == "client"  # a bearer token cannot be ridden on


def test_a_dependency_for_one_action(services: Any, web: TestClient) -> None:
    assert web.get("/ledger-only").status_code == 401
    assert web.get("/ledger-only", headers=services.bearer(services.vendor())).json()["rule"] == "access.ledger.read"
    assert web.get("/ledger-only", headers=services.bearer(services.officer())).json() == "seen"
    with pytest.raises(KeyError):
        services.access("no.such")


def test_the_session_ends(services: Any, web: TestClient) -> None:
    signed_in(services, web)
    services.clock.advance(hours=12)
    assert web.get("/must").status_code == 401


def test_kinds_and_roles_cross_into_the_table() -> None:
    pairs = set(product([kind.value for kind in Kind], {role for roles in ROLES.values() for role in roles}))
    assert {pair for row in TABLE.values() for pair in row} <= pairs
