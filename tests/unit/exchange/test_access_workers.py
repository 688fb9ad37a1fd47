"""What ends in one process is refused by the next request in another that shares database and keys."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from exchange.keys import Keys
from exchange.parties.access import COOKIE, SYSTEM
from exchange.parties.model import csrf_token
from tests.unit.exchange.conftest import ISSUER, Services

RIGHT = "a sentence is easiest"
WORKER = """
import json, sys
from pathlib import Path
from argon2 import PasswordHasher
from datetime import datetime
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from fastapi.testclient import TestClient
from exchange.database import Database
from exchange.http import problems
from exchange.keys import Keys
from exchange.ledger.service import Ledger
from exchange.parties import oauth_routes, routes
from exchange.parties.access import Access
from exchange.parties.gates import GATES
from exchange.parties.service import Parties
from exchange.parties.tokens import Tokens
url, home, issuer, now = sys.argv[1:]
clock = lambda: datetime.fromisoformat(now)
database, ring = Database(url), Keys(Path(home)).ring("tokens")
tokens = Tokens(ring, issuer, clock)
ledger = Ledger(database, Ed25519PrivateKey.generate(), "x.test/ledger", b"i" * 32, clock)
parties = Parties(database, ledger, tokens, clock, PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
access = Access(database, tokens, clock, gates=GATES)
app = FastAPI()
problems.install(app)
app.include_router(routes.router(parties, access))
app.include_router(oauth_routes.router(parties, access))
web = TestClient(app, base_url=issuer)
print("ready", flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    answer = web.request(asked["method"], asked["path"], headers=asked["headers"], data=asked["form"])
    print(json.dumps([answer.status_code, answer.text]), flush=True)
"""


@dataclass
class Elsewhere:
    """A second worker process."""

    process: subprocess.Popen[str]

    def ask(
        self, headers: dict[str, str], method: str = "GET", path: str = "/api/v1/me", **form: str
    ) -> tuple[int, str]:
        """Status and body of one request there."""
        assert self.process.stdin
        assert self.process.stdout
        line = json.dumps({"method": method, "path": path, "headers": headers, "form": form})
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        status, body = json.loads(self.process.stdout.readline())
        return int(status), str(body)


@pytest.fixture
def elsewhere(services: Services, tmp_path: Path) -> Iterator[Elsewhere]:
    ring = Keys(tmp_path / "one").ring("tokens")
    services.tokens._keys = services.parties._ring = ring  # type: ignore[assignment]
    two = tmp_path / "two"
    two.mkdir()
    (two / "keys").symlink_to(tmp_path / "one" / "keys")  # a worker has a folder of its own, but for the keys
    now = services.clock().isoformat()
    command = [sys.executable, "-c", WORKER, services.database.url, str(two), ISSUER, now]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        yield Elsewhere(process)
        assert process.stdin
        process.stdin.close()
        assert process.wait(timeout=20) == 0


def what_ends_here_is_refused_there(services: Services, elsewhere: Elsewhere) -> None:
    parties, admin = services.parties, services.department("police")

    def token() -> tuple[str, str, dict[str, str]]:
        client, secret = parties.add_client(admin, "police", "x", ["engineer"])
        return client.id, secret, {"Authorization": f"Bearer {parties.token(client.id, secret)}"}

    def session() -> tuple[str, str, dict[str, str]]:
        login = f"user{len(parties.members(admin, 'police'))}"
        member, _ = parties.add_member(admin, "police", login, "x", ["engineer"], RIGHT)
        signed = parties.sign_in(login, RIGHT)
        return member.id, signed.token, {"Cookie": f"{COOKIE}={signed.token}", "X-CSRF-Token": csrf_token(signed.token)}

    client_ends: list[Callable[[str, str, dict[str, str]], Any]] = [
        lambda _id, _secret, headers: parties.revoke_token(
            services.access.bearer(headers["Authorization"]), headers["Authorization"].removeprefix("Bearer ")
        ),
        lambda id, _secret, _headers: parties.revoke_client(admin, "police", id),
        lambda _id, _secret, _headers: parties.suspend_party(SYSTEM, "police"),
        lambda _id, _secret, _headers: parties.renew_keys(SYSTEM, at_once=True),
    ]
    member_ends: list[Callable[[str, str, dict[str, str]], Any]] = [
        lambda _id, token, _headers: parties.sign_out(token),
        lambda _id, token, _headers: parties.sign_out_everywhere(services.access.session(token)),
        lambda id, _token, _headers: parties.end_member(admin, "police", id),
        lambda id, _token, _headers: parties.reset_password(admin, "police", id),
        lambda _id, _token, _headers: parties.suspend_party(SYSTEM, "police"),
    ]
    for make, ends in ((token, client_ends), (session, member_ends)):
        for number, end in enumerate(ends):
            name, secret, headers = make()
            assert elsewhere.ask(headers)[0] == 200, (make.__name__, number)
            end(name, secret, headers)
            assert elsewhere.ask(headers)[0] == 401, (make.__name__, number)
            parties.resume_party(SYSTEM, "police")


def less_is_allowed_there(services: Services, elsewhere: Elsewhere) -> None:
    parties, admin = services.parties, services.department("police")
    parties.add_member(admin, "police", "second", "x", ["admin"])
    member, _ = parties.add_member(admin, "police", "first", "x", ["admin"], RIGHT)
    signed = parties.sign_in("first", RIGHT)
    headers = {"Cookie": f"{COOKIE}={signed.token}"}
    assert elsewhere.ask(headers, path="/api/v1/parties/police/members")[0] == 200
    parties.change_member(admin, "police", member.id, roles=["reviewer"])
    assert elsewhere.ask(headers, path="/api/v1/parties/police/members")[0] == 403
    assert elsewhere.ask(headers)[0] == 200
    client, old = parties.add_client(admin, "police", "x", ["engineer"])
    made, new = parties.add_secret(admin, "police", client.id)
    grant = {"grant_type": "client_credentials", "client_id": client.id}
    assert elsewhere.ask({}, "POST", "/oauth/token", **grant, client_secret=new)[0] == 200
    parties.drop_secret(admin, "police", client.id, made.id)
    assert elsewhere.ask({}, "POST", "/oauth/token", **grant, client_secret=new)[0] == 401
    assert elsewhere.ask({}, "POST", "/oauth/token", **grant, client_secret=old)[0] == 200


def a_key_made_here_signs_there(services: Services, elsewhere: Elsewhere) -> None:
    client, secret = services.parties.add_client(services.department("police"), "police", "x", ["engineer"])
    assert elsewhere.ask({}, path="/oauth/jwks")[0] == 200
    kid = services.parties.renew_keys(SYSTEM)
    headers = {"Authorization": f"Bearer {services.parties.token(client.id, secret)}"}
    assert elsewhere.ask(headers)[0] == 200
    assert json.loads(elsewhere.ask({}, path="/oauth/jwks")[1])["keys"][0]["kid"] == kid
    grant = {"grant_type": "client_credentials", "client_id": client.id, "client_secret": secret}
    made = json.loads(elsewhere.ask({}, "POST", "/oauth/token", **grant)[1])["access_token"]
    assert services.access.bearer(f"Bearer {made}").id == client.id


def test_nothing_is_cached_between_processes(services: Services, elsewhere: Elsewhere) -> None:
    # one test: starting the other process takes longer than all three
    less_is_allowed_there(services, elsewhere)
    a_key_made_here_signs_there(services, elsewhere)
    what_ends_here_is_refused_there(services, elsewhere)
