"""Parties, members, clients and signing in, on both databases and over HTTP."""

from __future__ import annotations

import base64
import logging
import os
import stat
import threading
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from exchange import telemetry
from exchange.errors import Conflict, Forbidden, NotFound, TooMany, Unauthenticated, Unavailable, Unprocessable
from exchange.http import health
from exchange.keys import Keys
from exchange.parties import oauth_routes, routes
from exchange.parties.access import COOKIE, SYSTEM

NAME = {"zh_CN": "公安局", "en": "Police"}


@pytest.fixture
def web(services: Any) -> Any:
    return services.web(
        routes.router(services.parties, services.access), oauth_routes.router(services.parties, services.access)
    )


def everything(services: Any) -> bytes:
    """All that is stored, to look for secrets in."""
    with services.database.reading() as tx:
        tables = ("clients", "members", "sessions", "sign_in_attempts", "ledger_entries", "idempotency_keys")
        rows = [row for table in tables for row in tx.execute(text(f"SELECT * FROM {table}"))]
    return b"\n".join(bytes(v) if isinstance(v, bytes | memoryview) else str(v).encode() for row in rows for v in row)


# ---- parties


def test_the_first_start_makes_the_operator_once(services: Any) -> None:
    made = services.parties.bootstrap()
    client, secret = made
    assert (client.id, client.party, client.roles) == ("operator", "operator", {"admin"})
    assert services.parties.token("operator", secret)
    assert services.parties.bootstrap() is None
    assert services.parties.bootstrap(secret) is None
    assert services.kinds() == ["party.registered", "client.added"]


def test_a_new_operator_secret_replaces_the_lost_one(services: Any) -> None:
    _, lost = services.parties.bootstrap()
    assert services.parties.bootstrap("a-secret-from-the-environment")
    assert services.parties.token("operator", "a-secret-from-the-environment")
    with pytest.raises(Unauthenticated):
        services.parties.token("operator", lost)
    assert services.last("client.rotated")["client"] == "operator"


def test_a_party_is_registered_with_evidence(services: Any) -> None:
    party = services.parties.register_party(SYSTEM, "police", "department", NAME, "11110000000123456X")
    assert services.parties.party("police") == party
    assert services.last("party.registered") | {"at": "", "index": 0} == {
        "at": "",
        "by": "system",
        "index": 0,
        "kind": "party.registered",
        "party": "police",
        "party_kind": "department",
        "version": 1,
    }
    assert [p.id for p in services.parties.parties("department")] == ["police"]
    assert services.parties.parties("vendor") == []
    with pytest.raises(NotFound):
        services.parties.party("tax")


@pytest.mark.parametrize(
    ("party", "kind", "name", "uscc", "error"),
    [
        ("Police", "department", NAME, None, Unprocessable),
        ("police_1", "department", NAME, None, Unprocessable),
        ("a" * 64, "department", NAME, None, Unprocessable),
        ("tax", "department", {"en": "Tax"}, None, Unprocessable),
        ("tax", "department", {"zh_CN": " ", "en": "Tax"}, None, Unprocessable),
        ("tax", "department", NAME, "123", Unprocessable),
        ("tax", "ministry", NAME, None, Unprocessable),
        ("police", "vendor", NAME, None, Conflict),
        ("tax", "department", NAME, "11110000000123456X", Conflict),
    ],
)
def test_a_malformed_or_taken_party_is_refused(
    services: Any, party: str, kind: str, name: dict[str, str], uscc: str | None, error: type[Exception]
) -> None:
    services.parties.register_party(SYSTEM, "police", "department", NAME, "11110000000123456X")
    with pytest.raises(error):
        services.parties.register_party(SYSTEM, party, kind, name, uscc)
    assert services.ledger.size() == 1


def test_only_the_operator_registers_parties(services: Any) -> None:
    with pytest.raises(Unauthenticated):
        services.parties.register_party(None, "tax", "department", NAME)
    with pytest.raises(Forbidden):
        services.parties.register_party(services.department(), "tax", "department", NAME)


# ---- members


def test_a_member_signs_in_with_a_password_stored_as_a_hash(services: Any) -> None:
    admin = services.department("police")
    member, password = services.parties.add_member(admin, "police", " Li.Wei@police ", "李伟", ["engineer"])
    assert member.login == "li.wei@police"
    session = services.parties.sign_in("LI.WEI@police", password)
    found = services.access.session(session.token)
    assert (found.id, found.party, found.kind, found.roles) == (member.id, "police", "department", {"engineer"})
    stored = everything(services)
    assert password.encode() not in stored
    assert session.token.encode() not in stored
    assert "李伟".encode() not in b"".join(entry.data for entry in services.ledger.entries())
    services.parties.sign_out(session.token)
    assert services.access.session(session.token) is None


def test_passwords_made_here_differ_and_read_well(services: Any) -> None:
    admin = services.department("police")
    made = {services.parties.add_member(admin, "police", f"user{n}", "x", ["engineer"])[1] for n in range(20)}
    assert len(made) == 20
    assert all(len(password) == 19 and not set(password) & set("01ilo") for password in made)


@pytest.mark.parametrize(
    ("login", "roles", "password", "error"),
    [
        ("ab", ["engineer"], None, Unprocessable),
        ("a b c", ["engineer"], None, Unprocessable),
        ("new.one", [], None, Unprocessable),
        ("new.one", ["certifier"], None, Unprocessable),
        ("new.one", ["engineer"], "short", Unprocessable),
        ("taken", ["engineer"], None, Conflict),
    ],
)
def test_a_malformed_or_taken_member_is_refused(
    services: Any, login: str, roles: list[str], password: str | None, error: type[Exception]
) -> None:
    admin = services.department("police")
    services.parties.add_member(admin, "police", "taken", "x", ["engineer"])
    before = services.ledger.size()
    with pytest.raises(error):
        services.parties.add_member(admin, "police", login, "x", roles, password)
    assert services.ledger.size() == before


def test_members_belong_to_their_party(services: Any) -> None:
    police, tax = services.department("police"), services.department("tax")
    member, _ = services.parties.add_member(police, "police", "li.wei", "x", ["engineer"])
    with pytest.raises(Forbidden):
        services.parties.add_member(tax, "police", "spy", "x", ["engineer"])
    with pytest.raises(Forbidden):
        services.parties.members(tax, "police")
    with pytest.raises(NotFound):
        services.parties.end_member(tax, "tax", member.id)
    with pytest.raises(NotFound):
        services.parties.add_member(SYSTEM, "nobody", "spy", "x", ["engineer"])
    assert [m.login for m in services.parties.members(police, "police")] == ["li.wei"]


def test_a_member_who_leaves_is_out_at_once(services: Any) -> None:
    admin = services.department("police")
    member, password = services.parties.add_member(admin, "police", "li.wei", "x", ["engineer"])
    session = services.parties.sign_in("li.wei", password)
    assert services.parties.end_member(admin, "police", member.id).active is False
    services.parties.end_member(admin, "police", member.id)  # again changes nothing
    assert services.access.session(session.token) is None
    with pytest.raises(Unauthenticated):
        services.parties.sign_in("li.wei", password)
    assert services.kinds().count("member.ended") == 1


# ---- signing in


def test_the_refusal_does_not_say_what_was_wrong(services: Any) -> None:
    admin = services.department("police")
    services.parties.add_member(admin, "police", "li.wei", "x", ["engineer"], "the right one")
    told = set()
    for login, password in (("li.wei", "wrong"), ("nobody", "wrong"), ("", ""), ("li.wei", "")):
        with pytest.raises(Unauthenticated) as refused:
            services.parties.sign_in(login, password)
        told.add(str(refused.value))
    assert len(told) == 1


def test_guessing_is_slowed_down_per_login_and_address(services: Any) -> None:
    admin = services.department("police")
    services.parties.add_member(admin, "police", "li.wei", "x", ["engineer"], "the right one")
    sign_in = services.parties.sign_in
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            sign_in("li.wei", "wrong", "10.0.0.1")
    with pytest.raises(TooMany) as slowed:
        sign_in("li.wei", "the right one", "10.0.0.1")
    assert slowed.value.extra["retry_after"] == 900
    assert sign_in("li.wei", "the right one", "10.0.0.2")  # strangers do not lock the owner out
    services.clock.advance(minutes=15, seconds=1)
    assert sign_in("li.wei", "the right one", "10.0.0.1")


def test_guessing_from_everywhere_is_slowed_down_too(services: Any) -> None:
    for number in range(50):
        with pytest.raises(Unauthenticated):
            services.parties.sign_in("li.wei", "wrong", f"10.0.0.{number}")
    with pytest.raises(TooMany):
        services.parties.sign_in("li.wei", "wrong", "10.0.1.1")


def test_many_guesses_at_once_do_not_slip_through(services: Any) -> None:
    outcomes: list[type[Exception]] = []

    def guess() -> None:
        try:
            services.parties.sign_in("li.wei", "wrong", "10.0.0.1")
        except (Unauthenticated, TooMany) as refused:
            outcomes.append(type(refused))

    threads = [threading.Thread(target=guess) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(kind.__name__ for kind in outcomes) == ["TooMany"] * 7 + ["Unauthenticated"] * 5


def test_a_success_forgets_the_failures(services: Any) -> None:
    admin = services.department("police")
    services.parties.add_member(admin, "police", "li.wei", "x", ["engineer"], "the right one")
    for _ in range(3):
        for _ in range(4):
            with pytest.raises(Unauthenticated):
                services.parties.sign_in("li.wei", "wrong")
        assert services.parties.sign_in("li.wei", "the right one")


# ---- clients


def test_a_revoked_client_is_out_at_once_tokens_included(services: Any) -> None:
    admin = services.department("police")
    client, secret = services.parties.add_client(admin, "police", "nightly", ["engineer"])
    header = f"Bearer {services.parties.token(client.id, secret)}"
    found = services.access.bearer(header)
    assert (found.id, found.party, found.roles, found.via) == (client.id, "police", {"engineer"}, "client")
    assert services.parties.revoke_client(admin, "police", client.id).revoked_at
    services.parties.revoke_client(admin, "police", client.id)
    with pytest.raises(Unauthenticated):
        services.access.bearer(header)
    with pytest.raises(Unauthenticated):
        services.parties.token(client.id, secret)
    assert services.kinds().count("client.revoked") == 1
    assert secret.encode() not in everything(services)


def test_a_token_lasts_a_quarter_of_an_hour(services: Any) -> None:
    headers = services.bearer(services.department("police"))
    services.clock.advance(minutes=14, seconds=59)
    services.access.bearer(headers["Authorization"])
    services.clock.advance(seconds=2)
    with pytest.raises(Unauthenticated):
        services.access.bearer(headers["Authorization"])


def test_wrong_client_credentials_are_all_the_same(services: Any) -> None:
    admin = services.department("police")
    client, _ = services.parties.add_client(admin, "police", "nightly", ["engineer"])
    told = set()
    for client_id, secret in ((client.id, "x"), ("cli_x", "x"), (client.id, ""), ("", "")):
        with pytest.raises(Unauthenticated) as refused:
            services.parties.token(client_id, secret)
        told.add(str(refused.value))
    assert len(told) == 1


def test_clients_belong_to_their_party_and_its_roles(services: Any) -> None:
    police, tax = services.department("police"), services.department("tax")
    client, _ = services.parties.add_client(police, "police", "nightly", ["engineer"])
    for act in (
        lambda: services.parties.add_client(tax, "police", "spy", ["engineer"]),
        lambda: services.parties.revoke_client(tax, "police", client.id),
        lambda: services.parties.clients(tax, "police"),
    ):
        with pytest.raises(Forbidden):
            act()
    with pytest.raises(NotFound):
        services.parties.revoke_client(tax, "tax", client.id)
    with pytest.raises(Unprocessable):
        services.parties.add_client(police, "police", "x", ["certifier"])


def test_an_engineer_cannot_lift_itself_to_admin(services: Any) -> None:
    services.department("police")
    engineer = services.caller("police", "department", "engineer")
    with pytest.raises(Forbidden) as refused:
        services.parties.add_client(engineer, "police", "mine", ["admin"])
    assert refused.value.rule == "access.party.client"
    client, _ = services.parties.add_client(engineer, "police", "mine", ["engineer"])
    admins, _ = services.parties.add_client(services.department("police"), "police", "theirs", ["admin"])
    assert services.parties.revoke_client(engineer, "police", client.id)
    assert admins


# ---- over HTTP


def test_the_story_over_http(services: Any, web: Any) -> None:
    client, secret = services.parties.bootstrap()
    form = {"grant_type": "client_credentials", "client_id": client.id, "client_secret": secret}
    answer = web.post("/oauth/token", data=form)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["expires_in"] == 900
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert web.get("/api/v1/me", headers=headers).json()["party"] == "operator"
    body = {"id": "police", "kind": "department", "name": NAME}
    assert web.post("/api/v1/parties", json=body, headers=headers).status_code == 201
    assert web.post("/api/v1/parties", json=body, headers=headers).status_code == 409
    member = {"login": "li.wei", "name": "李伟", "roles": ["admin"]}
    made = web.post("/api/v1/parties/police/members", json=member, headers=headers)
    assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
    signed = web.post("/api/v1/sessions", json={"login": "li.wei", "password": made.json()["password"]})
    assert signed.status_code == 201
    cookie = signed.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    csrf = {"X-CSRF-Token": signed.json()["csrf_token"]}
    assert web.get("/api/v1/me").json()["via"] == "session"
    wanted = {"label": "nightly", "roles": ["engineer"]}
    assert web.post("/api/v1/parties/police/clients", json=wanted).status_code == 403  # without the CSRF token
    made = web.post("/api/v1/parties/police/clients", json=wanted, headers=csrf).json()
    basic = base64.b64encode(f"{made['client_id']}:{made['client_secret']}".encode()).decode()
    granted = web.post(
        "/oauth/token", data={"grant_type": "client_credentials"}, headers={"Authorization": f"Basic {basic}"}
    )
    bearer = {"Authorization": f"Bearer {granted.json()['access_token']}"}
    assert web.get("/api/v1/me", headers=bearer).json()["roles"] == ["engineer"]
    ended = web.delete(f"/api/v1/parties/police/clients/{made['client_id']}", headers=csrf)
    assert ended.json()["revoked_at"]
    assert web.get("/api/v1/me", headers=bearer).status_code == 401
    assert web.delete("/api/v1/sessions", headers=csrf).status_code == 204
    assert COOKIE not in web.cookies
    assert web.get("/api/v1/me").status_code == 401


def test_strangers_and_other_parties(services: Any, web: Any) -> None:
    services.department("police")
    tax = services.bearer(services.department("tax"))
    for method, path, body in (
        ("POST", "/api/v1/parties/police/members", {"login": "spy", "name": "x", "roles": ["admin"]}),
        ("POST", "/api/v1/parties/police/clients", {"label": "spy", "roles": ["admin"]}),
        ("GET", "/api/v1/parties/police/clients", None),
        ("GET", "/api/v1/parties/police/members", None),
        ("DELETE", "/api/v1/parties/police/clients/cli_x", None),
        ("DELETE", "/api/v1/parties/police/members/mem_x", None),
    ):
        assert web.request(method, path, json=body).status_code == 401
        answer = web.request(method, path, json=body, headers=tax)
        assert answer.status_code == 403
        assert answer.headers["content-type"] == "application/problem+json"
    assert web.get("/api/v1/parties/police", headers=tax).json()["id"] == "police"
    assert web.get("/api/v1/parties/nobody", headers=tax).status_code == 404


def test_problems_of_the_token_endpoint(web: Any) -> None:
    assert web.post("/oauth/token", data={"grant_type": "password"}).json()["error"] == "unsupported_grant_type"
    refused = web.post("/oauth/token", data={"grant_type": "client_credentials", "client_id": "x"})
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    for header in ("Basic !!!", "Basic /w==", "Digest x"):
        form = {"grant_type": "client_credentials"}
        assert web.post("/oauth/token", data=form, headers={"Authorization": header}).status_code == 401
    assert web.post("/oauth/token").json()["error"] == "invalid_request"


def test_too_many_sign_ins_say_when_to_come_back(web: Any) -> None:
    for _ in range(5):
        assert web.post("/api/v1/sessions", json={"login": "x.y", "password": "z"}).status_code == 401
    slowed = web.post("/api/v1/sessions", json={"login": "x.y", "password": "z"})
    assert (slowed.status_code, slowed.headers["retry-after"]) == (429, "900")


def test_pages_of_parties(services: Any, web: Any) -> None:
    headers = services.bearer(services.department("p-00"))
    for number in range(1, 7):
        services.department(f"p-{number:02}")
    first = web.get("/api/v1/parties", params={"limit": 4}, headers=headers)
    assert [item["id"] for item in first.json()["items"]] == ["p-00", "p-01", "p-02", "p-03"]
    rest = web.get(first.links["next"]["url"], headers=headers).json()
    assert [item["id"] for item in rest["items"]] == ["p-04", "p-05", "p-06"]
    assert web.get("/api/v1/parties", params={"page_token": "é"}, headers=headers).status_code == 400
    assert web.get("/api/v1/parties", params={"limit": 0}, headers=headers).status_code == 422


# ---- the same request twice


def test_a_repeated_post_with_a_key_is_done_once(services: Any, web: Any) -> None:
    _, secret = services.parties.bootstrap()
    headers = {"Authorization": f"Bearer {services.parties.token('operator', secret)}", "Idempotency-Key": '"k-1"'}
    body = {"id": "police", "kind": "department", "name": NAME}
    first = web.post("/api/v1/parties", json=body, headers=headers)
    again = web.post("/api/v1/parties", json=body, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    other = web.post("/api/v1/parties", json={**body, "id": "tax"}, headers=headers)
    assert other.status_code == 422
    fresh = web.post("/api/v1/parties", json=body, headers={**headers, "Idempotency-Key": '"k-2"'})
    assert fresh.status_code == 409  # done anew, and refused by the catalogue of parties
    renewed = {**headers, "Authorization": f"Bearer {services.parties.token('operator', secret)}"}
    assert web.post("/api/v1/parties", json=body, headers=renewed).status_code == 201  # a new token, the same caller
    services.clock.advance(hours=25)
    headers["Authorization"] = f"Bearer {services.parties.token('operator', secret)}"
    assert web.post("/api/v1/parties", json=body, headers=headers).status_code == 409  # forgotten after a day


def test_a_key_replays_nothing_to_others(services: Any, web: Any) -> None:
    _, secret = services.parties.bootstrap()
    token = services.parties.token("operator", secret)
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "k-1"}
    body = {"id": "police", "kind": "department", "name": NAME}
    assert web.post("/api/v1/parties", json=body, headers=headers).status_code == 201
    forged = ".".join([*token.split(".")[:2], "AAAA"])
    assert (
        web.post("/api/v1/parties", json=body, headers={**headers, "Authorization": f"Bearer {forged}"}).status_code
        == 401
    )
    assert web.post("/api/v1/parties", json=body, headers={"Idempotency-Key": "k-1"}).status_code == 401
    vendor = services.bearer(services.vendor())
    assert web.post("/api/v1/parties", json=body, headers={**vendor, "Idempotency-Key": "k-1"}).status_code == 403


def test_a_secret_is_not_kept_for_a_repetition(services: Any, web: Any) -> None:
    headers = {**services.bearer(services.department("police")), "Idempotency-Key": "k-1"}
    body = {"label": "nightly", "roles": ["engineer"]}
    made = web.post("/api/v1/parties/police/clients", json=body, headers=headers)
    assert made.status_code == 201
    again = web.post("/api/v1/parties/police/clients", json=body, headers=headers)
    assert again.status_code == 409
    assert made.json()["client_secret"].encode() not in everything(services)


def test_a_refused_request_frees_its_key(services: Any, web: Any) -> None:
    headers = {**services.bearer(services.department("police")), "Idempotency-Key": "k-1"}
    url = "/api/v1/parties/police/members"
    assert web.post(url, json={"login": "x", "name": "x", "roles": ["admin"]}, headers=headers).status_code == 422
    assert web.post(url, json={"login": "li.wei", "name": "x", "roles": ["admin"]}, headers=headers).status_code == 201


def test_a_first_request_cut_off_by_a_crash_is_never_done_again(services: Any, web: Any) -> None:
    headers = {**services.bearer(services.department("police")), "Idempotency-Key": "k-1"}
    url, body = "/api/v1/parties/police/members", {"login": "li.wei", "name": "x", "roles": ["admin"]}
    assert web.post(url, json=body, headers=headers).status_code == 201
    with services.database.transaction() as tx:  # as a kill between doing and keeping the answer leaves it
        tx.execute(text("UPDATE idempotency_keys SET status = NULL, body = NULL"))
    assert web.post(url, json=body, headers=headers).status_code == 409


@pytest.mark.parametrize("key", ['""', "a" * 256, "a\tb"])
def test_a_malformed_key_is_refused(services: Any, web: Any, key: str) -> None:
    headers = {**services.bearer(services.department("police")), "Idempotency-Key": key}
    assert web.post("/api/v1/parties/police/members", json={}, headers=headers).status_code == 400


# ---- keys, logs, health


def test_keys_are_made_once_and_for_the_owner_only(tmp_path: Path) -> None:
    first, again = Keys(tmp_path), Keys(tmp_path)
    assert first.signing("ledger").private_bytes_raw() == again.signing("ledger").private_bytes_raw()
    assert first.signing("tokens").private_bytes_raw() != first.signing("ledger").private_bytes_raw()
    assert len(first.secret("index")) == 32
    assert first.secret("index") == again.secret("index")
    files = list((tmp_path / "keys").iterdir())
    assert sorted(path.name for path in files) == ["index.key", "ledger.pem", "tokens.pem"]
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in files)


def test_workers_that_start_together_share_a_key(tmp_path: Path) -> None:
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(Keys(tmp_path).secret("index"))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 16
    assert len(set(found)) == 1
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["index.key"]


def test_damaged_and_exposed_keys_are_refused(tmp_path: Path) -> None:
    Keys(tmp_path).signing("ledger")
    path = tmp_path / "keys" / "ledger.pem"
    path.chmod(0o644)
    with pytest.raises(Unavailable, match="read by others"):
        Keys(tmp_path).signing("ledger")
    path.chmod(0o600)
    path.write_bytes(b"x")
    with pytest.raises(Unavailable, match="not an Ed25519 key"):
        Keys(tmp_path).signing("ledger")
    (tmp_path / "keys" / "index.key").write_bytes(b"short")
    os.chmod(tmp_path / "keys" / "index.key", 0o600)
    with pytest.raises(Unavailable, match="damaged"):
        Keys(tmp_path).secret("index")
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="TONGBAN_HOME"):
        Keys(tmp_path / "file").secret("index")


def test_logs_hold_no_secret_and_nobody() -> None:
    stream = StringIO()
    handler = telemetry.install(stream=stream)
    log = logging.getLogger("exchange.test")
    try:
        log.info("Authorization: Bearer eyJhbGciOiJ.eyJzdWIi.c2ln for 11010519491231002X, tbs_0123456789abcdef")
        log.info(
            "at postgresql://tongban:hunter2@host/name?password=hunter2", extra={"fields": {"secret": "token=hunter2"}}
        )
        try:
            raise ValueError('{"client_secret": "hunter2"}')
        except ValueError:
            log.exception("failed")
    finally:
        root = logging.getLogger("exchange")
        root.removeHandler(handler)
        root.propagate = True
        root.setLevel(logging.NOTSET)
    lines = stream.getvalue()
    assert len(lines.splitlines()) == 3
    for secret in ("hunter2", "11010519491231002X", "tbs_0123", "c2ln"):
        assert secret not in lines
    assert "postgresql://tongban:…@host/name" in lines


def test_health_says_which_part_cannot_work(services: Any) -> None:
    def broken() -> None:
        raise Unavailable("the disk is full")

    web = services.web(health.router({"database": services.database.check, "disk": broken}))
    assert web.get("/health").json() == {"status": "ok"}
    answer = web.get("/ready")
    assert answer.status_code == 503
    assert answer.json()["parts"] == {"database": "ok", "disk": "the disk is full"}


def test_a_disk_without_room_is_said_before_it_is_full(tmp_path: Path) -> None:
    health.room(tmp_path)
    with pytest.raises(Unavailable, match="bytes left"):
        health.room(tmp_path, least=1 << 60)
