"""Pages of pushes, bulk shares and witnesses: who may see them first, then what they show and do."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi.testclient import TestClient

from exchange.brokering.service import Broker
from exchange.errors import Unprocessable
from exchange.ledger import note, store
from exchange.ledger.cosigning import Cosigning, Peer
from exchange.portal import pushes, shares, witnesses
from exchange.portal.pages import Pages
from tests.unit.exchange import test_bulk
from tests.unit.exchange.hosted import Listener
from tests.unit.exchange.test_pushing import Pushed

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # pages only ask the services
HTML = {"accept": "text/html", "accept-language": "en"}


def people(services: Any, **callers: Any) -> dict[str, dict[str, str]]:
    """Headers of everybody a page may meet, by name; nobody is ``nobody``."""
    others = {"stranger": services.department("tax"), "officer": services.officer(), "vendor": services.vendor()}
    known = {name: {**services.bearer(caller), **HTML} for name, caller in {**others, **callers}.items()}
    return {"nobody": HTML, **known}


def opened(services: Any, *routers: Any) -> TestClient:
    web: TestClient = services.web(*routers)
    web.follow_redirects = False
    return web


def pages_of(services: Any) -> Pages:
    return Pages(services.access, lambda name: {"zh_CN": f"{name}局", "en": name})


@pytest.fixture
def pushed(services: Any) -> Pushed:
    return Pushed(services)


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as made:
        yield made


@SQLITE
def test_pushes_are_seen_by_both_sides_and_changed_by_their_consumer(pushed: Pushed, listener: Listener) -> None:
    services = pushed.services
    web = opened(services, pushes.router(pages_of(services), services.access, pushed.pushing))
    who = people(services, mine=pushed.asking, theirs=pushed.giving)
    agreement = pushed.agreement.id
    form = {"agreement": agreement, "operation": "queryResident", "destination": listener.url, "kind": "event"}
    for name, status in (("nobody", 303), ("vendor", 404), ("stranger", 404), ("theirs", 404)):
        assert web.post("/pushes/new", headers=who[name], data=form).status_code == status, name
    wrong = web.post(
        "/pushes/new", headers=who["mine"], data={**form, "every": "soon", "kind": "schedule", "call": "{"}
    )
    assert wrong.status_code == 422
    assert 'aria-describedby="wrong-call"' in wrong.text
    wrong = web.post("/pushes/new", headers=who["mine"], data={**form, "every": "soon", "kind": "schedule"})
    assert 'aria-describedby="wrong-every"' in wrong.text
    made = web.post("/pushes/new", headers=who["mine"], data=form)
    assert made.status_code == 201
    assert re.search(r"whsec_[\w+/=]+", made.text)
    (found,) = pushed.pushing.listed(pushed.asking)
    place = f"/pushes/{found.id}"
    listener.statuses = [400] * 8
    pushed.event("e1")
    for _try in range(9):
        pushed.later(hours=10)
    who = people(services, mine=pushed.asking, theirs=pushed.giving)  # the first tokens have expired
    for name, status in (("nobody", 303), ("vendor", 403), ("stranger", 404), ("theirs", 200), ("officer", 200)):
        assert web.get(place, headers=who[name]).status_code == status, name
        for verb in ("replay", "pause", "secret", "end"):
            answer = web.post(f"{place}/{verb}", headers=who[name], data={})
            assert answer.status_code in ((303,) if name == "nobody" else (403, 404)), (name, verb)
            assert "sign-in" in answer.headers.get("location", "sign-in"), (name, verb)
    assert listener.url not in web.get(place, headers=who["theirs"]).text  # where it goes is its consumer's business
    assert found.id not in web.get("/pushes", headers=who["stranger"]).text
    shown = web.get(f"{place}?fate=dead", headers=who["mine"]).text
    for words in ("Dead letters", "HTTP 400", "Send again", listener.url, "whsec_"):
        assert (words in shown) == (words != "whsec_"), words
    again = web.post(f"{place}/replay", headers=who["mine"], data={"first": "1", "fate": "dead"})
    assert again.headers["location"] == f"{place}?again=1"
    pushed.play()
    assert pushed.fates(found.id) == ["delivered"]
    listed = web.get(f"/pushes?agreement={agreement}", headers=who["mine"]).text
    assert "Have records pushed" in listed
    assert "2026-11-06" in listed  # the last delivery
    assert web.post(f"{place}/explode", headers=who["mine"], data={}).status_code == 404
    assert web.post(f"{place}/end", headers=who["mine"], data={}).status_code == 303
    assert "End it for good" not in web.get(place, headers=who["mine"]).text


@SQLITE
def test_shares_of_an_agreement_are_issued_once_and_revoked(services: Any, tmp_path: Path) -> None:
    world = test_bulk.World(services, tmp_path)
    broker = Broker(
        services.database, services.ledger, services.catalogue, world.agreements, None, services.clock, b"k" * 32
    )  # type: ignore[arg-type]
    web = opened(services, shares.router(pages_of(services), services.access, world.bulk, broker, "http://x.test"))
    who = people(services, mine=world.asking, theirs=world.giving)
    place = f"/agreements/{world.agreement.id}/shares"
    form = {"purpose": test_bulk.PURPOSE}
    for name, seen, issued in (
        ("nobody", 303, 303),
        ("stranger", 404, 403),
        ("officer", 200, 403),
        ("theirs", 200, 403),
    ):
        assert web.get(place, headers=who[name]).status_code == seen, name
        assert web.post(place, headers=who[name], data=form).status_code == issued, name
    assert "New token" not in web.get(place, headers=who["theirs"]).text
    made = web.post(place, headers=who["mine"], data=form)
    assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
    inside = re.search(r"base64,([\w+/=]+)", made.text)
    assert inside is not None
    token = json.loads(base64.b64decode(inside[1]))["bearerToken"]
    held = world.bulk.shares.recipient(token)
    opened_, snapshot, files = world.bulk.open(held, test_bulk.TABLE, None)
    shown = web.get(place, headers=who["mine"]).text
    for words in ("police_register", "GMSFHM", "connected", held.share.id, "400"):
        assert words in shown, words
    assert token not in shown
    world.stream()
    assert "receipt" in web.get(place, headers=who["theirs"]).text
    end = f"{place}/{held.share.id}/revocation"
    for name, status in (("nobody", 303), ("stranger", 404), ("theirs", 303)):
        assert web.post(end, headers=who[name], data={}).status_code == status, name
    assert "revoked" in web.get(place, headers=who["mine"]).text
    services.clock.advance(days=31)
    later = {**services.bearer(world.asking), **HTML}
    assert "no file leaves" in web.get(place, headers=later).text
    assert web.post(place, headers=later, data=form).status_code == 403
    assert (opened_.table, len(files)) == (snapshot.table, 1)


@SQLITE
def test_everybody_sees_who_cosigned_what_and_readers_why_one_is_silent(services: Any) -> None:
    key = note.CosigningKey("audit.test/witness", Ed25519PrivateKey.generate())
    cosigning = Cosigning(services.ledger, [Peer("http://127.0.0.1:9", note.read_vkey(key.vkey))])
    web = opened(services, witnesses.router(pages_of(services), services.access, cosigning, "http://x.test"))
    services.department()
    assert "has not cosigned yet" in web.get("/ledger/witnesses", headers=HTML).text
    made = services.ledger.checkpoint()
    line = key.cosign(f"{made.note.rpartition(chr(10) * 2)[0]}\n", 1_795_000_000)
    with services.database.transaction() as tx:
        store.add_cosignature(tx, made.size, key.name, line, "2026-11-02T01:00:00Z")
    services.department("tax")
    services.ledger.checkpoint()
    cosigning.round()  # nobody listens there
    shown = web.get("/ledger/witnesses", headers=HTML).text
    for words in ("audit.test/witness", key.vkey, "did not answer", "2026-11-18 19:06", "tongban witness --name"):
        assert words in shown, words
    assert "refused" not in shown
    officer = people(services)["officer"]
    assert "refused" in web.get("/ledger/witnesses", headers=officer).text
    without = opened(
        services, witnesses.router(pages_of(services), services.access, Cosigning(services.ledger, []), "")
    )
    assert "has no witness" in without.get("/ledger/witnesses", headers=HTML).text


def test_a_line_that_is_no_signature_tells_no_time() -> None:
    with pytest.raises(Unprocessable):
        note.cosigned_at("nothing")
