"""Signing in against guessing and theft; changing people; suspending parties: what ended is refused at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from argon2 import PasswordHasher, extract_parameters
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from exchange.clock import system_clock
from exchange.errors import Conflict, Forbidden, NotFound, TooMany, Unauthenticated, Unavailable, Unprocessable
from exchange.parties import oauth_routes, routes, signing
from exchange.parties.access import COOKIE, SYSTEM, Access, Caller
from exchange.parties.model import LONGEST_WAIT, WINDOW, Limit, check_password

RIGHT = "a sentence is easiest"


@pytest.fixture
def web(services: Any) -> Any:
    return services.web(
        routes.router(services.parties, services.access), oauth_routes.router(services.parties, services.access)
    )


@pytest.fixture
def member(services: Any) -> Any:
    return services.parties.add_member(services.department("police"), "police", "li.wei", "李伟", ["admin"], RIGHT)[0]


def fails(services: Any, password: str = "wrong", address: str = "10.0.0.1", login: str = "li.wei") -> type[Exception]:
    with pytest.raises((Unauthenticated, TooMany)) as refused:
        services.parties.sign_in(login, password, address)
    return refused.type


# ---- guessing


def test_each_further_guess_waits_twice_as_long(services: Any, member: Any) -> None:
    for _ in range(5):
        assert fails(services) is Unauthenticated
    for wait in (15, 30, 60, 120):
        with pytest.raises(TooMany) as slowed:
            services.parties.sign_in("li.wei", RIGHT, "10.0.0.1")
        assert slowed.value.extra["retry_after"] == wait * 60
        services.clock.advance(minutes=wait, seconds=1)
        assert fails(services) is Unauthenticated
        assert fails(services) is TooMany
    assert services.parties.sign_in("li.wei", RIGHT, "10.0.0.2")  # the owner comes in from elsewhere meanwhile


def test_one_password_tried_on_everybody_is_guessing(
    services: Any, member: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing, "TRIES_ADDRESS", Limit(12))
    for number in range(12):
        assert fails(services, login=f"user{number}") is Unauthenticated
    assert fails(services, login="user12") is TooMany
    assert services.parties.sign_in("li.wei", RIGHT, "10.0.0.2")
    services.clock.advance(minutes=15, seconds=1)
    assert services.parties.sign_in("li.wei", RIGHT, "10.0.0.1")


def test_signing_in_rightly_counts_as_no_failure(services: Any, member: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing, "TRIES_ADDRESS", Limit(12))
    for _ in range(15):  # an office behind one address
        assert services.parties.sign_in("li.wei", RIGHT, "10.0.0.1")


@given(st.integers(0, 10**6), st.booleans(), st.integers(0, 10**6))
def test_no_wait_is_negative_or_longer_than_a_day(failed: int, growing: bool, seconds: int) -> None:
    now = system_clock()
    limit, last = Limit(5, growing), now - timedelta(seconds=seconds)
    wait = limit.wait(failed, last, now)
    assert timedelta(0) <= wait <= (LONGEST_WAIT if growing else WINDOW)
    if wait:
        assert limit.counted(failed, last, now) == failed  # whoever waits is not forgotten


def test_refused_sign_ins_are_evidence_without_anybodys_data(services: Any, member: Any) -> None:
    fails(services, "hunter2-hunter2")
    fails(services, login="li.wei2@example")
    services.parties.change_member(SYSTEM, "police", member.id, active=False)
    fails(services, RIGHT)
    refused = [entry for entry in services.ledger.entries(limit=100) if entry.kind == "sign-in.refused"]
    assert [entry.body["reason"] for entry in refused] == ["password", "unknown", "not-active"]
    assert [entry.body.get("member") for entry in refused] == [member.id, None, member.id]
    written = b"".join(entry.data for entry in services.ledger.entries(limit=100))
    for secret in (b"hunter2", b"li.wei", b"10.0.0.1", "李伟".encode(), RIGHT.encode()):
        assert secret not in written


@pytest.mark.parametrize(
    "password", ["aaaaaaaaaaaa", "1234567890", "li.wei@police", "abababababab", "short", "x" * 201]
)
def test_a_password_that_is_guessed_first_is_refused(password: str) -> None:
    with pytest.raises(Unprocessable):
        check_password(password, "li.wei@police")
    check_password("a sentence is easiest", "li.wei@police")


def test_a_hash_of_another_strength_is_renewed_when_it_is_used(services: Any, member: Any) -> None:
    session = services.parties.sign_in("li.wei", RIGHT)
    services.parties._hasher = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)
    assert services.parties.sign_in("li.wei", RIGHT)
    with services.database.reading() as tx:
        kept = extract_parameters(tx.execute(text("SELECT password FROM members")).scalar_one())
    assert (kept.time_cost, kept.memory_cost) == (2, 16)
    assert services.access.session(session.token)  # nobody is signed out by it
    assert services.parties.sign_in("li.wei", RIGHT)


def test_passwords_are_hashed_as_the_standard_says() -> None:
    assert (signing.HASHER.time_cost, signing.HASHER.memory_cost, signing.HASHER.parallelism) == (3, 65_536, 4)
    assert signing.HASHER.type.name == "ID"


def test_hashing_takes_turns_so_that_memory_is_bounded(
    services: Any, member: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing, "HASHING_WAITS", 0.01)
    for _ in range(signing.HASHINGS):
        services.parties._hashing.acquire()
    with pytest.raises(Unavailable):
        services.parties.sign_in("li.wei", RIGHT)
    services.parties._hashing.release()
    assert services.parties.sign_in("li.wei", RIGHT)


# ---- sessions


def test_a_session_laid_into_the_browser_beforehand_is_never_signed_in(services: Any, web: Any, member: Any) -> None:
    planted = "0" * 64
    web.cookies.set(COOKIE, planted)
    signed = web.post("/api/v1/sessions", json={"login": "li.wei", "password": RIGHT})
    first = signed.cookies[COOKIE]
    assert first != planted
    assert services.access.session(planted) is None
    second = web.post("/api/v1/sessions", json={"login": "li.wei", "password": RIGHT}).cookies[COOKIE]
    assert services.access.session(first) is None  # the session the browser had ends when another begins
    assert services.access.session(second)


def test_another_site_cannot_sign_a_reader_in(web: Any, member: Any) -> None:
    body = {"login": "li.wei", "password": RIGHT}
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "http://evil.test"}):
        refused = web.post("/api/v1/sessions", json=body, headers=headers)
        assert (refused.status_code, refused.json()["rule"]) == (403, "access.csrf")
    for headers in ({"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://tongban.test"}, {}):
        assert web.post("/api/v1/sessions", json=body, headers=headers).status_code == 201


def test_over_https_the_cookie_is_for_this_host_alone(services: Any, member: Any) -> None:
    access = Access(services.database, services.tokens, services.clock, secure=True)
    web = services.web(routes.router(services.parties, access))
    told = web.post("/api/v1/sessions", json={"login": "li.wei", "password": RIGHT}).headers["set-cookie"]
    assert told.startswith(f"__Host-{COOKIE}=")
    flags = {part.strip().lower() for part in told.split(";")[1:]}
    assert {"httponly", "secure", "samesite=lax", "path=/"} <= flags
    assert not any(flag.startswith("domain") for flag in flags)


def test_a_person_changes_their_password_and_is_out_elsewhere(services: Any, web: Any, member: Any) -> None:
    elsewhere = services.parties.sign_in("li.wei", RIGHT)
    csrf = web.post("/api/v1/sessions", json={"login": "li.wei", "password": RIGHT}).json()["csrf_token"]
    headers, new = {"X-CSRF-Token": csrf}, "another sentence, as easy"
    for body, status in (
        ({"old": "wrong", "new": new}, 401),
        ({"old": RIGHT, "new": "short"}, 422),
        ({"old": RIGHT, "new": new}, 204),
    ):
        assert web.put("/api/v1/me/password", json=body, headers=headers).status_code == status
    assert web.get("/api/v1/me").status_code == 200
    assert services.access.session(elsewhere.token) is None
    assert fails(services, RIGHT, "10.0.0.9") is Unauthenticated
    assert services.parties.sign_in("li.wei", new, "10.0.0.9")
    assert services.last("member.password")["member"] == member.id
    client = services.bearer(services.department("police"))
    web.cookies.clear()
    assert web.put("/api/v1/me/password", json=body, headers=client).status_code == 422  # a program has none


def test_guessing_the_present_password_from_a_stolen_session_is_slowed(services: Any, member: Any) -> None:
    session = services.parties.sign_in("li.wei", RIGHT)
    who = services.access.session(session.token)
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            services.parties.change_password(who, "wrong", "a new sentence here", "10.0.0.1", session.token)
    with pytest.raises(TooMany):
        services.parties.change_password(who, RIGHT, "a new sentence here", "10.0.0.1", session.token)


def test_signing_out_everywhere_ends_every_session(services: Any, web: Any, member: Any) -> None:
    elsewhere = services.parties.sign_in("li.wei", RIGHT)
    csrf = web.post("/api/v1/sessions", json={"login": "li.wei", "password": RIGHT}).json()["csrf_token"]
    assert web.delete("/api/v1/me/sessions", headers={"X-CSRF-Token": csrf}).status_code == 204
    assert services.access.session(elsewhere.token) is None
    assert services.kinds()[-1] == "sessions.ended"


# ---- people change


def test_another_role_counts_from_the_next_request(services: Any, web: Any, member: Any) -> None:
    session = services.parties.sign_in("li.wei", RIGHT)
    admin = services.department("police")
    services.parties.add_member(admin, "police", "second", "x", ["admin"])
    services.parties.change_member(admin, "police", member.id, roles=["reviewer"], name="李 伟")
    assert services.access.session(session.token).roles == {"reviewer"}
    told = services.last("member.changed")
    assert (told["what"], told["roles"]) == (["name", "roles"], ["reviewer"])
    assert "李" not in str(told)
    before = services.ledger.size()
    services.parties.change_member(admin, "police", member.id, roles=["reviewer"])  # nothing changes, nothing is told
    assert services.ledger.size() == before
    with pytest.raises(Unprocessable):
        services.parties.change_member(admin, "police", member.id, roles=["certifier"])
    with pytest.raises(NotFound):
        services.parties.change_member(services.department("tax"), "tax", member.id, roles=["admin"])


def test_a_party_keeps_an_admin_unless_the_operator_says_otherwise(services: Any, member: Any) -> None:
    own = Caller(member.id, "police", "department", frozenset({"admin"}), "x", "session")
    for change in ({"roles": ["engineer"]}, {"active": False}):
        with pytest.raises(Conflict):
            services.parties.change_member(own, "police", member.id, **change)
    operator = services.caller("operator", "operator", "admin")
    assert services.parties.change_member(operator, "police", member.id, active=False).active is False
    assert services.parties.change_member(operator, "police", member.id, active=True).active is True


def test_a_fresh_password_ends_every_session(services: Any, web: Any, member: Any) -> None:
    session = services.parties.sign_in("li.wei", RIGHT)
    here = f"/api/v1/parties/police/members/{member.id}"
    assert web.post(f"{here}/password").status_code == 401
    assert web.post(f"{here}/password", headers=services.bearer(services.department("tax"))).status_code == 403
    made = web.post(f"{here}/password", headers=services.bearer(services.department("police")))
    assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
    assert services.access.session(session.token) is None
    assert services.parties.sign_in("li.wei", made.json()["password"])


def test_members_change_over_http(services: Any, web: Any, member: Any) -> None:
    here = f"/api/v1/parties/police/members/{member.id}"
    admin = services.bearer(services.department("police"))
    assert web.patch(here, json={"roles": ["reviewer"]}, headers=admin).status_code == 409  # the last admin
    services.parties.add_member(SYSTEM, "police", "second", "x", ["admin"])
    assert web.patch(here, json={"roles": ["reviewer"], "subject": "e-1"}, headers=admin).json()["subject"] == "e-1"
    assert web.patch(here, json={"name": "x"}, headers=admin).json()["subject"] == "e-1"  # what is left out stays
    assert web.patch(here, json={"subject": None}, headers=admin).json()["subject"] is None
    assert web.patch(here, json={"password": "x"}, headers=admin).status_code == 422
    assert web.patch(here, json={"roles": ["reviewer"]}).status_code == 401


# ---- whole parties


def test_a_suspended_party_is_refused_at_once_in_every_way(services: Any, web: Any, member: Any) -> None:
    client, secret = services.parties.add_client(SYSTEM, "police", "x", ["engineer"])
    token = {"Authorization": f"Bearer {services.parties.token(client.id, secret)}"}
    session = services.parties.sign_in("li.wei", RIGHT)
    operator = services.bearer(services.caller("operator", "operator", "admin"))
    assert web.put("/api/v1/parties/police/suspension").status_code == 401
    assert web.put("/api/v1/parties/police/suspension", headers=token).status_code == 403
    assert web.put("/api/v1/parties/police/suspension", headers=operator).json()["suspended_at"]
    assert web.get("/api/v1/me", headers=token).status_code == 401
    assert services.access.session(session.token) is None
    assert fails(services, RIGHT, "10.0.0.5") is Unauthenticated
    with pytest.raises(Unauthenticated):
        services.parties.token(client.id, secret)
    with pytest.raises(Forbidden, match="suspended"):
        services.parties.check_standing("police")
    assert web.put("/api/v1/parties/operator/suspension", headers=operator).status_code == 409
    assert web.put("/api/v1/parties/nobody/suspension", headers=operator).status_code == 404
    assert web.delete("/api/v1/parties/police/suspension", headers=operator).json()["suspended_at"] is None
    assert web.get("/api/v1/me", headers=token).status_code == 200
    services.parties.check_standing("police")
    assert [kind for kind in services.kinds() if kind.startswith("party.")][-2:] == ["party.suspended", "party.resumed"]
