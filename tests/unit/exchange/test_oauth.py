"""OAuth 2.0 for clients: errors of RFC 6749, secrets two at a time, signed assertions, revocation, keys, metadata."""

from __future__ import annotations

import base64
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey, RSAKey

from exchange.errors import Conflict, Forbidden, NotFound, Unauthenticated, Unprocessable
from exchange.keys import Keys
from exchange.parties import oauth_routes, routes
from exchange.parties.access import AUDIENCE, SYSTEM
from exchange.parties.assertions import TYPE
from exchange.parties.tokens import Tokens

GRANT = {"grant_type": "client_credentials"}
ISSUER = "http://tongban.test"


@pytest.fixture
def web(services: Any) -> Any:
    return services.web(
        routes.router(services.parties, services.access), oauth_routes.router(services.parties, services.access)
    )


def client_of(services: Any, *roles: str) -> tuple[str, str]:
    services.department("police")
    client, secret = services.parties.add_client(SYSTEM, "police", "nightly", roles or ("engineer",))
    return client.id, secret


def basic(name: str, secret: str) -> dict[str, str]:
    pair = f"{quote_plus(name)}:{quote_plus(secret)}".encode()
    return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}


def me(web: Any, token: str) -> Any:
    return web.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})


# ---- the token endpoint


def test_a_secret_is_shown_in_the_header_or_in_the_form(services: Any, web: Any) -> None:
    name, secret = client_of(services)
    for form, headers in ((GRANT | {"client_id": name, "client_secret": secret}, {}), (GRANT, basic(name, secret))):
        answer = web.post("/oauth/token", data=form, headers=headers)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/json"
        assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")
        assert answer.json().keys() == {"access_token", "token_type", "expires_in"}
        assert me(web, answer.json()["access_token"]).json()["id"] == name


def test_errors_are_those_of_the_standard(services: Any, web: Any) -> None:
    name, secret = client_of(services)
    good = {**GRANT, "client_id": name, "client_secret": secret}
    cases: list[tuple[Any, dict[str, str], int, str]] = [
        ({"client_id": name, "client_secret": secret}, {}, 400, "invalid_request"),
        ({**good, "grant_type": "password"}, {}, 400, "unsupported_grant_type"),
        ({**good, "client_secret": "wrong"}, {}, 401, "invalid_client"),
        ({**good, "client_id": "nobody"}, {}, 401, "invalid_client"),
        (GRANT, {}, 401, "invalid_client"),
        (GRANT, basic(name, "wrong"), 401, "invalid_client"),
        (good, basic(name, secret), 400, "invalid_request"),  # in two ways at once
        ({**GRANT, "client_id": "other"}, basic(name, secret), 401, "invalid_client"),
        ({**good, "scope": "admin"}, {}, 400, "invalid_scope"),
        ({**good, "scope": ""}, {}, 400, "invalid_scope"),
    ]
    for form, headers, status, error in cases:
        answer = web.post("/oauth/token", data=form, headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (status, error), form
        assert answer.json()["error_description"]
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers.get("www-authenticate", "").startswith("Basic") == (status == 401)
    form = "application/x-www-form-urlencoded"
    twice = "grant_type=client_credentials&client_id=a&client_id=b"
    for content, kind in ((twice, form), ("{}", "application/json"), ("x=" + "y" * 40_000, form), (b"a=\xff", form)):
        answer = web.post("/oauth/token", content=content, headers={"Content-Type": kind})
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    # a secret in a URL would stand in logs
    assert web.post(f"/oauth/token?client_secret={secret}", data=good).json()["error"] == "invalid_request"


def test_a_token_can_have_fewer_roles_than_its_client(services: Any, web: Any) -> None:
    name, secret = client_of(services, "engineer", "reviewer")
    narrowed = web.post("/oauth/token", data={**GRANT, "scope": "reviewer"}, headers=basic(name, secret)).json()
    assert narrowed["scope"] == "reviewer"
    assert me(web, narrowed["access_token"]).json()["roles"] == ["reviewer"]


def test_metadata_and_keys_lead_a_stranger_through(services: Any, web: Any) -> None:
    name, secret = client_of(services)
    told = web.get("/.well-known/oauth-authorization-server").json()
    assert told["issuer"] == ISSUER
    path = told["token_endpoint"].removeprefix(ISSUER)
    token = web.post(path, data=GRANT, headers=basic(name, secret)).json()["access_token"]
    keys = KeySet.import_key_set(web.get(told["jwks_uri"].removeprefix(ISSUER)).json())
    read = jwt.decode(token, keys, algorithms=["Ed25519"])
    assert read.header["typ"] == "at+jwt"
    assert {"iss", "exp", "aud", "sub", "client_id", "iat", "jti"} <= set(read.claims)  # RFC 9068 §2.2
    assert "d" not in str(web.get("/oauth/jwks").json()["keys"][0].keys() - {"kid"})


def test_refused_secrets_are_evidence_but_not_without_end(services: Any, web: Any) -> None:
    name, secret = client_of(services)
    for _ in range(8):
        assert web.post("/oauth/token", data=GRANT, headers=basic(name, "wrong")).status_code == 401
    assert web.post("/oauth/token", data=GRANT, headers=basic("nobody", "wrong")).status_code == 401
    assert services.kinds().count("client.refused") == 5
    assert services.last("client.refused")["client"] == name
    assert web.post("/oauth/token", data=GRANT, headers=basic(name, secret)).status_code == 200  # nobody locks it out
    services.clock.advance(minutes=16)
    web.post("/oauth/token", data=GRANT, headers=basic(name, "wrong"))
    assert services.kinds().count("client.refused") == 6


# ---- revoking one token


def test_one_token_ends_at_once_and_others_stay(services: Any, web: Any) -> None:
    name, secret = client_of(services)
    first, second = (services.parties.token(name, secret) for _ in range(2))
    other, others = client_of(services)
    theirs = services.parties.token(other, others)
    assert web.post("/oauth/revoke", data={"token": theirs}, headers=basic(name, secret)).status_code == 200
    assert me(web, theirs).status_code == 200  # nobody ends the token of somebody else
    for _ in range(2):
        assert web.post("/oauth/revoke", data={"token": first}, headers=basic(name, secret)).status_code == 200
    assert (me(web, first).status_code, me(web, second).status_code) == (401, 200)
    assert web.post("/oauth/revoke", data={"token": "x"}, headers=basic(name, secret)).status_code == 200
    assert web.post("/oauth/revoke", data={"token": second}).status_code == 401
    assert web.post("/oauth/revoke", headers=basic(name, secret), data={}).json()["error"] == "invalid_request"


# ---- two secrets


def test_a_secret_is_replaced_without_a_gap(services: Any, web: Any) -> None:
    admin = services.department("police")
    name, old = client_of(services)
    services.clock.advance(seconds=1)
    made, new = services.parties.add_secret(admin, "police", name)
    assert services.parties.token(name, old)
    assert services.parties.token(name, new)
    with pytest.raises(Conflict):
        services.parties.add_secret(admin, "police", name)
    first = services.parties.secrets(admin, "police", name)[0]
    services.parties.drop_secret(admin, "police", name, first.id)
    with pytest.raises(Unauthenticated):
        services.parties.token(name, old)
    assert services.parties.token(name, new)
    with pytest.raises(NotFound):
        services.parties.drop_secret(admin, "police", name, first.id)
    assert [one.id for one in services.parties.secrets(admin, "police", name)] == [made.id]
    assert services.kinds()[-3:] == ["client.rotated", "client.secret-dropped", "client.refused"]
    services.parties.revoke_client(admin, "police", name)
    with pytest.raises(Conflict):
        services.parties.add_secret(admin, "police", name)


def test_secrets_and_keys_over_http(services: Any, web: Any) -> None:
    name, old = client_of(services)
    here = f"/api/v1/parties/police/clients/{name}"
    admin = services.bearer(services.department("police"))
    for headers, status in (({}, 401), (services.bearer(services.department("tax")), 403)):
        assert web.post(f"{here}/secrets", headers=headers).status_code == status
        assert web.put(f"{here}/keys", json={"keys": []}, headers=headers).status_code == status
    services.clock.advance(seconds=1)
    made = web.post(f"{here}/secrets", headers=admin)
    assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
    assert services.parties.token(name, made.json()["client_secret"])
    listed = web.get(f"{here}/secrets", headers=admin).json()["items"]
    assert [one["id"] for one in listed][1] == made.json()["id"]
    assert old not in str(listed)
    assert web.delete(f"{here}/secrets/{listed[0]['id']}", headers=admin).status_code == 204


# ---- signed assertions


def assertion(services: Any, name: str, key: Any, algorithm: str = "Ed25519", **claims: Any) -> str:
    now = int(services.clock().timestamp())
    fixed = {"iss": name, "sub": name, "aud": f"{ISSUER}/oauth/token", "exp": now + 60, "jti": "one"}
    value = {k: v for k, v in {**fixed, **claims}.items() if v is not None}
    return jwt.encode({"alg": algorithm}, value, key, algorithms=[algorithm])


def asked(web: Any, token: str) -> Any:
    return web.post("/oauth/token", data={**GRANT, "client_assertion": token, "client_assertion_type": TYPE})


@pytest.mark.parametrize(
    ("algorithm", "make"),
    [
        ("Ed25519", lambda: OKPKey.generate_key("Ed25519")),
        ("ES256", lambda: ECKey.generate_key("P-256")),
        ("PS256", lambda: RSAKey.generate_key(2048)),
    ],
)
def test_a_client_signs_instead_of_showing_a_secret(services: Any, web: Any, algorithm: str, make: Any) -> None:
    name, _ = client_of(services)
    key, admin = make(), services.department("police")
    assert asked(web, assertion(services, name, key, algorithm)).status_code == 401  # its key is not known yet
    kept = services.parties.set_keys(admin, "police", name, [key.as_dict(private=False)]).keys
    assert kept[0]["kid"] == key.thumbprint()
    granted = asked(web, assertion(services, name, key, algorithm))
    assert me(web, granted.json()["access_token"]).json()["id"] == name
    again = asked(web, assertion(services, name, key, algorithm))
    assert (again.status_code, again.json()["error"]) == (401, "invalid_client")  # each is good once
    assert asked(web, assertion(services, name, key, algorithm, jti="two")).status_code == 200
    services.parties.set_keys(admin, "police", name, [])
    assert asked(web, assertion(services, name, key, algorithm, jti="three")).status_code == 401


def test_assertions_that_do_not_fit_are_refused(services: Any, web: Any) -> None:
    name, _ = client_of(services)
    other, _ = client_of(services)
    key = OKPKey.generate_key("Ed25519")
    services.parties.set_keys(services.department("police"), "police", name, [key.as_dict(private=False)])
    now = int(services.clock().timestamp())
    bad: list[dict[str, Any]] = [
        {"aud": "http://elsewhere.test"},
        {"aud": None},
        {"iss": other},
        {"sub": other},
        {"sub": None},
        {"exp": now - 60},
        {"exp": now + 3600},
        {"exp": None},
        {"jti": None},
        {"nbf": now + 300},
    ]
    for claims in bad:
        assert asked(web, assertion(services, name, key, **claims)).json()["error"] == "invalid_client", claims
    stranger = OKPKey.generate_key("Ed25519")
    public = OctKey.import_key(key.public_key.public_bytes_raw())  # the public key taken for a shared secret
    for token in (assertion(services, name, stranger), assertion(services, name, public, "HS256"), "x", "a.b.c", "é"):
        assert asked(web, token).json()["error"] == "invalid_client"
    wrong = {**GRANT, "client_assertion": assertion(services, name, key), "client_assertion_type": "x"}
    assert web.post("/oauth/token", data=wrong).json()["error"] == "invalid_request"
    assert asked(web, assertion(services, name, key)).status_code == 200


def test_only_strong_public_keys_are_kept(services: Any) -> None:
    name, _ = client_of(services)
    admin = services.department("police")
    good = OKPKey.generate_key("Ed25519")
    bad: list[list[Any]] = [
        [good.as_dict(private=True)],
        [OctKey.generate_key(256).as_dict()],
        [OKPKey.generate_key("X25519").as_dict(private=False)],
        [ECKey.generate_key("P-521").as_dict(private=False)],
        [{"kty": "RSA"}],
        [{}],
        [good.as_dict(private=False)] * 5,
    ]
    for keys in bad:
        with pytest.raises(Unprocessable):
            services.parties.set_keys(admin, "police", name, keys)


# ---- renewing the signing key


@pytest.fixture
def renewable(services: Any, tmp_path: Path) -> Any:
    ring = Keys(tmp_path).ring("tokens")
    services.tokens._keys = ring
    services.parties._ring = ring
    services.caller("operator", "operator", "admin")
    return services


def test_a_new_key_signs_while_the_old_one_still_verifies(renewable: Any, tmp_path: Path) -> None:
    services = renewable
    name, secret = client_of(services)
    before = services.parties.token(name, secret)
    # another process with the same folder: its own ring, nothing told to it
    elsewhere = Tokens(Keys(tmp_path).ring("tokens"), ISSUER, services.clock)
    assert elsewhere.read(before, AUDIENCE)["sub"] == name
    kid = services.parties.renew_keys(services.caller("operator", "operator", "admin"))
    after = services.parties.token(name, secret)
    for tokens in (services.tokens, elsewhere):
        assert tokens.read(before, AUDIENCE)["sub"] == tokens.read(after, AUDIENCE)["sub"] == name
        assert tokens.public()["keys"][0]["kid"] == kid == tokens.newest()
        assert len(tokens.public()["keys"]) == 2
    assert services.last("key.renewed") | {"use": "tokens", "key": kid, "at_once": False} == services.last(
        "key.renewed"
    )


def test_a_key_that_leaked_ends_at_once_everywhere(renewable: Any, tmp_path: Path) -> None:
    services = renewable
    name, secret = client_of(services)
    before = services.parties.token(name, secret)
    elsewhere = Tokens(Keys(tmp_path).ring("tokens"), ISSUER, services.clock)
    assert elsewhere.read(before, AUDIENCE)
    services.parties.renew_keys(SYSTEM, at_once=True)
    for tokens in (services.tokens, elsewhere):
        with pytest.raises(Unauthenticated):
            tokens.read(before, AUDIENCE)
        assert tokens.read(services.parties.token(name, secret), AUDIENCE)
        assert len(tokens.public()["keys"]) == 1


def test_keys_replaced_long_ago_go_with_the_next(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    ring = keys.ring("tokens")
    first = ring()[0].private_bytes_raw()
    ring.renew(at_once=False, overlap=3600)
    assert len(ring()) == 2
    ring.renew(at_once=False, overlap=-1)  # the first was replaced before "an hour ago"; the second is only now
    assert [key.private_bytes_raw() for key in ring()].count(first) == 0
    assert len(ring()) == 2
    keys.signing("tokens-of-others")  # another purpose with a name that begins alike
    assert len(ring()) == 2


def test_only_the_operator_renews_keys(services: Any, web: Any) -> None:
    assert web.post("/api/v1/signing-keys").status_code == 401
    assert web.post("/api/v1/signing-keys", headers=services.bearer(services.department())).status_code == 403
    with pytest.raises(Forbidden):
        services.parties.renew_keys(services.officer())
    with pytest.raises(Conflict):  # the keys of these tests are fixed
        services.parties.renew_keys(SYSTEM)


def test_a_launch_token_is_no_access_token(services: Any) -> None:
    name, _ = client_of(services)
    made = services.tokens.make(name, "gateway", timedelta(minutes=1))
    with pytest.raises(Unauthenticated):
        services.access.bearer(f"Bearer {made}")
