"""Witnesses: the protocol to the letter, and the two lies that no log can detect by itself."""

from __future__ import annotations

import base64
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.testclient import TestClient

from exchange.clock import system_clock
from exchange.database import Database
from exchange.errors import Invalid, Unavailable, Unprocessable
from exchange.ledger import note, routes, store
from exchange.ledger.attesting import Attesting
from exchange.ledger.cosigning import Cosigning, Peer, read_peers
from exchange.ledger.service import Draft, Ledger
from exchange.ledger.verify import verify
from exchange.ledger.witness import Answer, Witness, request
from exchange.ledger.witness_cli import application
from mockdata.sandbox.serve import listen, url_of

ORIGIN = "tongban.test/ledger"
LOG = Ed25519PrivateKey.from_private_bytes(bytes(31) + b"\1")


def fill(ledger: Ledger, count: int, **more: Any) -> str:
    with ledger.database.transaction() as tx:
        ledger.append_all(tx, [Draft("test.made", {"n": n, **more}) for n in range(count)])
    return ledger.checkpoint().note


def opened(path: Path) -> Ledger:
    database = Database(f"sqlite:///{path}")
    database.create()
    return Ledger(database, LOG, ORIGIN, b"i" * 32, system_clock)


def watching(folder: Path, name: str = "audit.test/witness", seconds: float = 1_800_000_000) -> Witness:
    vkey = note.read_vkey(note.SigningKey(ORIGIN, LOG).vkey)
    return Witness(folder, note.CosigningKey(name, Ed25519PrivateKey.generate()), [vkey], lambda: seconds)


class Web:
    """A witness on a port, as `tongban witness` serves it."""

    def __init__(self, witness: Witness) -> None:
        self.witness = witness
        self._listener = listen()
        config = uvicorn.Config(application(witness), log_level="critical", lifespan="off", access_log=False)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._listener]}, daemon=True)
        self._thread.start()
        self.peer = Peer(url_of(self._listener), note.read_vkey(witness.key.vkey))

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._listener.close()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = opened(tmp_path / "one.sqlite")
    yield made
    made.database.close()


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    made = Web(watching(tmp_path / "witness"))
    yield made
    made.close()


def proof(ledger: Ledger, old: int, size: int) -> list[bytes]:
    return ledger.consistency(old, size) if old else []


# ---- the protocol


def test_what_extends_is_cosigned_and_remembered(ledger: Ledger, tmp_path: Path) -> None:
    witness = watching(tmp_path / "w")
    key, old = note.read_vkey(witness.key.vkey), 0
    for count in (3, 1, 300):
        checkpoint = fill(ledger, count)
        answer = witness.add_checkpoint(request(old, proof(ledger, old, old + count), checkpoint))
        assert answer.status == 200, answer.body
        old += count
        text = checkpoint.rpartition("\n\n")[0] + "\n"
        line, seconds = note.cosignature(answer.body, text, key)
        assert (line, seconds) == (answer.body, 1_800_000_000)
        kept = witness.kept(ORIGIN)
        assert kept == checkpoint + line
        assert note.open_note(kept, [note.read_vkey(ledger.vkey), key])[1] == {ORIGIN, "audit.test/witness"}
    again = witness.add_checkpoint(request(old, [], checkpoint))
    assert again.status == 200  # the same once more: a lost answer can be asked for


def test_every_refusal_has_its_code(ledger: Ledger, tmp_path: Path) -> None:
    witness = watching(tmp_path / "w")
    one, two = fill(ledger, 3), fill(ledger, 4)
    stranger = note.SigningKey(ORIGIN, Ed25519PrivateKey.generate())
    other = note.SigningKey("other.test/ledger", LOG)
    text = note.checkpoint_text(ORIGIN, 3, bytes(32))
    seven = Answer(409, "7\n", "text/x.tlog.size")
    assert witness.add_checkpoint(request(0, [], other.sign(text.replace(ORIGIN, other.name)))).status == 404
    assert witness.add_checkpoint(request(0, [], stranger.sign(text))).status == 403
    assert witness.add_checkpoint(request(9, [], one)).status == 400
    assert witness.add_checkpoint(request(0, [bytes(32)], one)).status == 422
    assert witness.add_checkpoint(request(1, [], one)) == Answer(409, "0\n", "text/x.tlog.size")
    assert witness.kept(ORIGIN) is None  # nothing of that was remembered
    assert witness.add_checkpoint(request(0, [], two)).status == 200
    assert witness.add_checkpoint(request(3, proof(ledger, 3, 7), two)) == seven
    assert witness.add_checkpoint(request(0, [], one)) == seven  # turned back
    split = ledger.key.sign(note.checkpoint_text(ORIGIN, 7, bytes(32)))
    assert witness.add_checkpoint(request(7, [], split)) == seven  # another tree of the same size
    more = fill(ledger, 2)
    assert witness.add_checkpoint(request(7, proof(ledger, 3, 9), more)).status == 422
    assert witness.add_checkpoint(request(7, proof(ledger, 7, 9), more)).status == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 0",
        b"old 01\n\n",
        b"old -1\n\nx\n1\n\n\n",
        b"new 0\n\n" + b"x\n1\n" + base64.b64encode(bytes(32)) + b"\n\n",
        b"old 0\n!\n\nx",
        b"old 0\n" + b"AAAA\n" * 64 + b"\nx",
        b"old 0\nAAAA\n\nx",
        b"\xff\xfe",
        b"old 99999999999999999999\n\nx",
        "old ²\n\nx".encode(),
    ],
)
def test_garbage_is_refused(tmp_path: Path, body: bytes) -> None:
    assert watching(tmp_path / "w").add_checkpoint(body).status == 400


def test_two_at_once_cannot_turn_it_back(ledger: Ledger, tmp_path: Path) -> None:
    """Of many submissions that start from the same state one is cosigned; the others hear of a conflict."""
    witness = watching(tmp_path / "w")
    asked = [request(0, [], fill(ledger, 1)) for _ in range(8)]
    answers: list[Answer] = []
    threads = [threading.Thread(target=lambda b=body: answers.append(witness.add_checkpoint(b))) for body in asked]  # type: ignore[misc]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status for answer in answers) == [200] + [409] * 7


def test_its_memory_survives_its_end(ledger: Ledger, tmp_path: Path) -> None:
    witness, one, two = watching(tmp_path / "w"), fill(ledger, 3), fill(ledger, 1)
    assert witness.add_checkpoint(request(0, [], two)).status == 200
    again = watching(tmp_path / "w")
    assert again.add_checkpoint(request(0, [], one)).status == 409
    assert [path.name for path in (tmp_path / "w").iterdir() if path.name.endswith(".tmp")] == []


def test_over_http(ledger: Ledger, tmp_path: Path) -> None:
    witness = watching(tmp_path / "w")
    client = TestClient(application(witness))
    assert client.get("/vkey").text == witness.key.vkey + "\n"
    assert client.get(f"/checkpoint/{ORIGIN}").status_code == 404
    answer = client.post("/add-checkpoint", content=request(0, [], fill(ledger, 2)))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert client.get(f"/checkpoint/{ORIGIN}").text.endswith(answer.text)
    conflict = client.post("/add-checkpoint", content=request(1, [], fill(ledger, 2)))
    assert (conflict.status_code, conflict.headers["content-type"], conflict.text) == (409, "text/x.tlog.size", "2\n")
    assert client.post("/add-checkpoint", content=b"x" * 200_000).status_code == 413


# ---- the ledger's side


def test_checkpoints_and_receipts_carry_cosignatures(services: Any, tmp_path: Path) -> None:
    ledger = services.ledger
    ledger.key = note.SigningKey(ledger.origin, LOG)
    one, two = Web(watching(tmp_path / "a")), Web(watching(tmp_path / "b", "press.test/witness"))
    try:
        cosigning = Cosigning(ledger, [one.peer, two.peer])
        fill(ledger, 3)
        cosigning.round()
        fill(ledger, 300)
        cosigning.round()
        keys = [note.read_vkey(ledger.vkey), one.peer.key, two.peer.key]
        everybody = {key.name for key in keys}
        assert note.open_note(ledger.latest().note, keys)[1] == everybody
        fill(ledger, 1)  # a newer one that nobody has seen yet: a receipt shows the one that was seen
        assert note.open_note(ledger.proof(302).partition("\n\n")[2], keys)[1] == everybody
        assert note.open_note(ledger.proof(303).partition("\n\n")[2], keys)[1] == {ledger.origin}
        web = services.web(routes.router(ledger, services.access))
        cosigning.round()
        assert note.open_note(web.get("/ledger/checkpoint").text, keys)[1] == everybody
        assert [one.trouble for one in cosigning.standings()] == ["", ""]
    finally:
        one.close()
        two.close()


def test_a_silent_witness_stops_nothing(ledger: Ledger, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    gone, there = Web(watching(tmp_path / "a")), Web(watching(tmp_path / "b", "press.test/witness"))
    gone.close()
    cosigning = Cosigning(ledger, [gone.peer, there.peer])
    fill(ledger, 3)
    cosigning.round()
    there.close()
    assert [one.name for one in cosigning.standings() if one.trouble] == ["audit.test/witness"]
    assert "did not cosign" in caplog.text
    assert "press.test/witness" in ledger.latest().note
    fill(ledger, 1)


def test_somebody_elses_signature_is_no_cosignature(ledger: Ledger, web: Web) -> None:
    other = note.CosigningKey("audit.test/witness", Ed25519PrivateKey.generate())
    cosigning = Cosigning(ledger, [Peer(web.peer.url, note.read_vkey(other.vkey))])
    fill(ledger, 1)
    cosigning.round()
    assert "no valid cosignature" in cosigning.standings()[0].trouble
    with ledger.database.reading() as tx:
        assert store.cosigned(tx) is None


def test_another_worker_may_be_quicker(ledger: Ledger, web: Web, tmp_path: Path) -> None:
    """Two workers on one database: neither takes the other's progress for a rollback."""
    fill(ledger, 2)
    web.witness.add_checkpoint(request(0, [], ledger.latest().note))  # cosigned, but our row was never written
    Cosigning(ledger, [web.peer]).round()
    assert "audit.test/witness" in ledger.latest().note
    stale = ledger.latest()
    fill(ledger, 2)
    Cosigning(ledger, [web.peer]).round()
    Cosigning(ledger, [web.peer])._ask(web.peer, stale, 0)  # what it read has become old meanwhile
    assert ledger.distrusted is None


@pytest.mark.parametrize(
    "text", ["http://x", "http://x a+b+c", "ftp://x {}", "x {}", "file:///etc/passwd {}", "http://x {log}"]
)
def test_witnesses_that_cannot_be_read_are_refused(text: str) -> None:
    key = note.CosigningKey("w", LOG).vkey
    with pytest.raises(Invalid):
        read_peers(text.format(key, log=note.SigningKey("w", LOG).vkey))


def test_witnesses_are_an_address_and_a_key() -> None:
    key = note.CosigningKey("w.test/a", LOG).vkey
    assert read_peers("") == []
    peers = read_peers(f"http://a.test/ {key}, https://b.test/x {key}")
    assert [peer.url for peer in peers] == ["http://a.test", "https://b.test/x"]


# ---- the two lies that no log can detect by itself


def turned_back(ledger: Ledger, web: Web, tmp_path: Path) -> SimpleNamespace:
    """A ledger of 10 entries, a backup of it at 6, and a witness that has seen all 10."""
    cosigning = Cosigning(ledger, [web.peer])
    fill(ledger, 6)
    cosigning.round()
    ledger.database.close()
    shutil.copy(tmp_path / "one.sqlite", tmp_path / "backup.sqlite")
    fill(ledger, 4, secret="what somebody wants to be forgotten")
    cosigning.round()
    ledger.export(tmp_path / "honest")
    kept = web.witness.kept(ORIGIN)
    assert kept is not None
    return SimpleNamespace(ledger=opened(tmp_path / "backup.sqlite"), kept=kept, witness=web.witness.key.vkey)


def test_a_rollback_is_detected_with_a_witness(ledger: Ledger, web: Web, tmp_path: Path) -> None:
    back = turned_back(ledger, web, tmp_path)
    back.ledger.check(deep=True)  # by itself it is sound
    back.ledger.export(tmp_path / "old")
    assert verify(tmp_path / "old", back.ledger.vkey).ok
    assert verify(tmp_path / "old", back.ledger.vkey, witnesses=[back.witness]).ok  # its last state was cosigned, once
    # what the witness remembers tells the auditor …
    result = verify(tmp_path / "old", back.ledger.vkey, back.kept, witnesses=[back.witness])
    assert "rolled back to 6" in result.text()
    # … and the service itself, before it signs anything
    with pytest.raises(Unavailable, match="has seen 10 entries, here are 6"):
        Cosigning(back.ledger, [web.peer]).round(again=True)  # as at every start
    with pytest.raises(Unavailable, match="altered"):
        fill(back.ledger, 1)
    with pytest.raises(Unavailable, match="altered"):
        Attesting(Cosigning(back.ledger, [])).check()
    back.ledger.database.close()


@pytest.mark.parametrize("count", [1, 4, 30])
def test_a_fork_is_detected_with_a_witness(ledger: Ledger, web: Web, tmp_path: Path, count: int) -> None:
    back = turned_back(ledger, web, tmp_path)
    fill(back.ledger, count, secret="another story")  # signed with the real key
    back.ledger.export(tmp_path / "forked")
    assert verify(tmp_path / "forked", back.ledger.vkey).ok  # by itself a fork cannot be seen
    result = verify(tmp_path / "forked", back.ledger.vkey, witnesses=[back.witness])
    (problem,) = result.problems
    assert (problem.section, problem.entry, problem.last_entry) == ("witnesses", 6, 5 + count)
    with pytest.raises(Unavailable, match="altered"):
        Cosigning(back.ledger, [web.peer]).round()
    honest = verify(tmp_path / "honest", back.ledger.vkey, back.kept, witnesses=[back.witness])
    assert honest.ok, honest.text()
    back.ledger.database.close()


def test_a_quorum_of_witnesses(ledger: Ledger, web: Web, tmp_path: Path) -> None:
    strangers = [watching(tmp_path / name, f"{name}.test/witness").key.vkey for name in ("x", "y")]
    Cosigning(ledger, [web.peer]).round()  # nothing there yet
    fill(ledger, 3)
    Cosigning(ledger, [web.peer]).round()
    ledger.export(tmp_path / "bundle")
    ours = web.witness.key.vkey
    assert verify(tmp_path / "bundle", witnesses=[ours]).ok
    assert verify(tmp_path / "bundle", witnesses=[ours, *strangers], quorum=1).ok
    short = verify(tmp_path / "bundle", witnesses=[ours, *strangers], quorum=2)
    assert "1 of the 2 witnesses" in short.text()
    assert not verify(tmp_path / "bundle", witnesses=[ours, *strangers]).ok
    assert not verify(
        tmp_path / "bundle", witnesses=[ours, ours], quorum=2
    ).ok  # one witness is one, named twice or not
    assert not verify(tmp_path / "bundle", witnesses=["nonsense"]).ok
    assert "cosigned by audit.test/witness at 2027-01-15" in verify(tmp_path / "bundle", witnesses=[ours]).text()


def test_a_forged_cosignature_is_a_finding(ledger: Ledger, web: Web, tmp_path: Path) -> None:
    fill(ledger, 3)
    forger = note.CosigningKey("audit.test/witness", Ed25519PrivateKey.generate())
    text = ledger.latest().note.rpartition("\n\n")[0] + "\n"
    blob = base64.b64decode(forger.cosign(text, 1).split(" ")[2])
    line = base64.b64encode(web.peer.key.id + blob[4:]).decode()
    with ledger.database.transaction() as tx:
        store.add_cosignature(tx, 3, "audit.test/witness", f"— audit.test/witness {line}\n", "")
    ledger.export(tmp_path / "bundle")
    assert verify(tmp_path / "bundle").ok  # unknown signers are ignored
    assert "does not verify" in verify(tmp_path / "bundle", witnesses=[web.witness.key.vkey]).text()
    with pytest.raises(Unprocessable):
        note.cosignature(f"— audit.test/witness {line}\n", text, web.peer.key)
