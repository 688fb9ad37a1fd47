"""The ledger on both databases: same transaction, contiguous, append-only, provable; notes, tiles, erasure."""

from __future__ import annotations

import base64
import hashlib
import threading
from pathlib import Path
from typing import Any

import orjson
import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from exchange.errors import Conflict, NotFound, Unavailable, Unprocessable
from exchange.ledger import note, routes, tiles, tree
from exchange.ledger.keeper import Keeper
from exchange.ledger.model import canonical, commitment
from exchange.ledger.service import Draft, Ledger
from exchange.ledger.verify import verify

NUMBER = "11010519491231002X"
EXCHANGED = "UPDATE ledger_entries SET data = (SELECT data FROM ledger_entries WHERE idx = 1) WHERE idx = {}"
floats = st.floats(allow_nan=False, allow_infinity=False)
json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


def fill(ledger: Ledger, count: int) -> None:
    with ledger.database.transaction() as tx:
        ledger.append_all(tx, [Draft("test.made", {"n": n}) for n in range(count)])


# ---- entries


@given(json)
def test_canonical_json_is_rfc_8785(value: Any) -> None:
    try:
        expected = rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError):
        return
    assert canonical(value) == expected


def test_an_entry_says_what_when_and_where(services: Any) -> None:
    with services.database.transaction() as tx:
        services.ledger.append(tx, "agreement.granted", {"agreement": "agr_1", "fields": ["ZT"]})
    found = services.ledger.entry(0)
    assert found.data == (
        b'{"agreement":"agr_1","at":"2026-11-02T01:00:00.000Z","fields":["ZT"],"index":0,'
        b'"kind":"agreement.granted","version":1}'
    )
    assert found.body["fields"] == ["ZT"]
    assert found.leaf == hashlib.sha256(b"\x00" + found.data).digest()


def test_an_entry_exists_only_if_its_transaction_commits(services: Any) -> None:
    fill(services.ledger, 3)

    def undone() -> None:
        with services.database.transaction() as tx:
            services.ledger.append(tx, "test.made", {})
            raise RuntimeError("undo")

    with pytest.raises(RuntimeError, match="undo"):
        undone()
    fill(services.ledger, 1)
    assert [entry.index for entry in services.ledger.entries()] == [0, 1, 2, 3]
    services.ledger.check(deep=True)


def test_threads_never_leave_a_gap(services: Any) -> None:
    def work() -> None:
        for _ in range(10):
            with services.database.transaction() as tx:
                services.ledger.append(tx, "test.made", {})

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [entry.index for entry in services.ledger.entries(limit=100)] == list(range(60))
    services.ledger.check(deep=True)


@pytest.mark.parametrize("place", ["plain", "inside"])
def test_a_citizen_number_never_enters_an_entry(services: Any, place: str) -> None:
    body = {"number": NUMBER} if place == "plain" else {"deep": [{"text": f"about {NUMBER.lower()}."}]}
    with pytest.raises(Unprocessable), services.database.transaction() as tx:
        services.ledger.append(tx, "test.made", body)
    with services.database.transaction() as tx:  # 18 digits that are no citizen number are fine
        services.ledger.append(tx, "test.made", {"number": NUMBER[:-1] + "1", "hash": f"a{NUMBER}"})


def test_text_that_is_no_unicode_is_refused(services: Any) -> None:
    for body in ({"text": "\ud800"}, {"text": "\ud800", "number": 0.5}):
        with pytest.raises(Unprocessable, match="half a character"), services.database.transaction() as tx:
            services.ledger.append(tx, "test.made", body)
    with pytest.raises(ValueError, match="object"), services.database.transaction() as tx:  # our mistake stays one
        services.ledger.append(tx, "test.made", {"at_once": object()})


def test_an_entry_over_65535_bytes_is_refused(services: Any) -> None:
    with pytest.raises(Unprocessable, match="over the limit"), services.database.transaction() as tx:
        services.ledger.append(tx, "test.made", {"text": "x" * 65_535})
    assert services.ledger.size() == 0


@pytest.mark.parametrize(
    ("kind", "body"), [("Bad Kind", {}), ("test.made", {"index": 7}), ("test.made", {"kind": "x"})]
)
def test_the_ledger_writes_its_own_members(services: Any, kind: str, body: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"entry kind|itself"), services.database.transaction() as tx:
        services.ledger.append(tx, kind, body)


def test_entries_are_found_by_kind_and_subject(services: Any) -> None:
    with services.database.transaction() as tx:
        services.ledger.append(tx, "delivery.made", {}, subjects=[NUMBER, NUMBER.lower()])
        services.ledger.append(tx, "delivery", {})
        services.ledger.append(tx, "deliverymen.hired", {}, subjects=["110105194912310011"])
    found = services.ledger.entries
    assert [entry.index for entry in found(kind="delivery")] == [0, 1]
    assert [entry.index for entry in found(subject=NUMBER)] == [0]
    assert [entry.index for entry in found(newest_first=True, limit=2)] == [2, 1]
    assert [entry.index for entry in found(after=0, before=2)] == [1]
    with services.database.reading() as tx:  # the number itself is nowhere
        rows = tx.execute(text("SELECT subject FROM ledger_subjects")).all()
    assert len(rows) == 2
    assert all(NUMBER.encode() not in bytes(row.subject) for row in rows)


def test_a_payload_can_be_forgotten_and_the_tree_stays_valid(services: Any) -> None:
    ledger = services.ledger
    with services.database.transaction() as tx:
        index = ledger.append(tx, "delivery.made", {"rule": "allowed"}, payload={"number": NUMBER}).index
    with services.database.reading() as tx:
        kept = ledger.payload(tx, index)
    assert kept.value == {"number": NUMBER}
    assert ledger.entry(index).body["payload"] == commitment(kept.data, kept.salt)
    with services.database.transaction() as tx:
        ledger.erase(tx, index, "asked by the person")
    with services.database.reading() as tx:
        gone = ledger.payload(tx, index)
    assert (gone.salt, gone.data, gone.value) == (None, None, None)
    assert services.last("payload.erased")["of"] == index
    ledger.check(deep=True)
    with pytest.raises(Conflict), services.database.transaction() as tx:
        ledger.erase(tx, index, "again")
    with pytest.raises(NotFound), services.database.reading() as tx:
        ledger.payload(tx, 99)


# ---- append-only


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_entries SET kind = 'x'",
        "DELETE FROM ledger_entries",
        "DELETE FROM ledger_tiles",
        "UPDATE ledger_tiles SET root = hashes",
        "UPDATE ledger_checkpoints SET note = ''",
        "DELETE FROM ledger_checkpoints",
        "UPDATE ledger_head SET size = size - 1",
        "DELETE FROM ledger_head",
        "DELETE FROM ledger_payloads",
        "UPDATE ledger_payloads SET data = salt",
    ],
)
def test_what_was_recorded_cannot_be_changed_by_a_slip(services: Any, statement: str) -> None:
    with services.database.transaction() as tx:
        services.ledger.append(tx, "test.made", {}, payload={"a": 1})
    fill(services.ledger, 300)
    services.ledger.checkpoint()
    with pytest.raises(DBAPIError, match="append-only"), services.database.transaction() as tx:
        tx.execute(text(statement))
    services.ledger.check(deep=True)


def test_a_replaced_row_is_refused_too(services: Any) -> None:
    fill(services.ledger, 2)
    statement = "INSERT OR REPLACE INTO ledger_entries VALUES (0, 'x', '', '')"
    if services.database.dialect == "postgresql":
        statement = "TRUNCATE ledger_entries"
    with pytest.raises(DBAPIError, match="append-only"), services.database.transaction() as tx:
        tx.execute(text(statement))


# ---- the start-up check


def unguarded(services: Any, *statements: str) -> None:
    """Change tables the way an attacker with the database would: the triggers are gone."""
    with services.database.transaction() as tx:
        for table in ("ledger_entries", "ledger_tiles", "ledger_checkpoints", "ledger_head"):
            for action in ("update", "delete", "no_replace"):
                name = f"{table}_no_{action}".replace("no_no_", "no_")
                if services.database.dialect == "sqlite":
                    tx.execute(text(f"DROP TRIGGER IF EXISTS {name}"))
                elif action != "no_replace":
                    tx.execute(text(f"DROP TRIGGER IF EXISTS {name} ON {table}"))
        for statement in statements:
            tx.execute(text(statement))


@pytest.mark.parametrize(
    "statement",
    [
        EXCHANGED.format(299),
        "DELETE FROM ledger_entries WHERE idx = 3",
        "DELETE FROM ledger_entries WHERE idx = 299",
        "UPDATE ledger_tiles SET hashes = root WHERE n = 0",
        "DELETE FROM ledger_tiles",
        "UPDATE ledger_head SET root = (SELECT root FROM ledger_tiles)",
        "UPDATE ledger_head SET size = 299",
        "UPDATE ledger_checkpoints SET root = (SELECT root FROM ledger_tiles)",
        "DELETE FROM ledger_head",
        "UPDATE ledger_checkpoints SET note = replace(note, '300', '299')",
    ],
)
def test_a_changed_table_stops_the_start(services: Any, statement: str) -> None:
    fill(services.ledger, 300)
    services.ledger.checkpoint()
    services.ledger.check()
    unguarded(services, statement)
    with pytest.raises(Unavailable, match="altered"):
        services.ledger.check()


def test_an_old_changed_entry_is_found_by_the_deep_check(services: Any) -> None:
    fill(services.ledger, 600)
    unguarded(
        services, "UPDATE ledger_entries SET data = (SELECT data FROM ledger_entries WHERE idx = 1) WHERE idx = 7"
    )
    services.ledger.check()
    with pytest.raises(Unavailable, match="entry 7 "):
        services.ledger.check(deep=True)


def test_a_rolled_back_tree_is_not_signed(services: Any) -> None:
    fill(services.ledger, 5)
    services.ledger.checkpoint()
    fill(services.ledger, 1)
    unguarded(services, EXCHANGED.format(2))
    with pytest.raises(Unavailable, match="altered"):
        services.ledger.checkpoint()


# ---- checkpoints, proofs, tiles


def test_a_checkpoint_is_a_signed_note_of_three_lines(services: Any) -> None:
    fill(services.ledger, 4)
    made = services.ledger.checkpoint()
    key = note.read_vkey(services.ledger.vkey)
    opened, signers = note.open_note(made.note, [key])
    assert note.read_checkpoint(opened) == ("tongban.test/ledger", 4, made.root)
    assert signers == {"tongban.test/ledger"}
    assert services.ledger.checkpoint() == made  # nothing new, nothing signed
    assert services.ledger.behind() == 0


@given(st.data())
def test_a_note_with_a_changed_character_is_rejected(data: st.DataObject) -> None:
    key = note.SigningKey("example.gov/exchange", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
    signed = key.sign(note.checkpoint_text("example.gov/exchange", 20852163, bytes(32)))
    at = data.draw(st.integers(0, signed.index("\n\n")))
    changed = signed[:at] + chr(ord(signed[at]) ^ 1) + signed[at + 1 :]
    with pytest.raises(Unprocessable):
        note.open_note(changed, [note.read_vkey(key.vkey)])


def test_notes_ignore_strangers_but_not_forgers() -> None:
    ours = note.SigningKey("log.example", Ed25519PrivateKey.generate())
    other = note.SigningKey("witness.example", Ed25519PrivateKey.generate())
    signed = ours.sign("a\n") + other.sign("a\n").split("\n\n")[1]
    assert note.open_note(signed, [note.read_vkey(ours.vkey)])[1] == {"log.example"}
    assert note.open_note(signed, map(note.read_vkey, [ours.vkey, other.vkey]))[1] == {"log.example", "witness.example"}
    forged = ours.sign("a\n") + other.sign("b\n").split("\n\n")[1]
    with pytest.raises(Unprocessable, match="witness"):
        note.open_note(forged, map(note.read_vkey, [ours.vkey, other.vkey]))
    with pytest.raises(Unprocessable, match="not signed"):
        note.open_note(other.sign("a\n"), [note.read_vkey(ours.vkey)])


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb"])
def test_a_key_name_is_one_word(name: str) -> None:
    with pytest.raises(Unprocessable):
        note.SigningKey(name, Ed25519PrivateKey.generate())


@pytest.mark.parametrize(
    "text", ["", "a", "a+b", "a+00000000+AQ==", "a+00000000+" + base64.b64encode(b"\1" * 33).decode()]
)
def test_a_malformed_verifier_key_is_refused(text: str) -> None:
    with pytest.raises(Unprocessable):
        note.read_vkey(text)


@pytest.mark.parametrize("index", [0, 1, 255, 256, 511, 598, 599])
def test_a_receipt_leads_from_the_entry_to_the_checkpoint(services: Any, index: int) -> None:
    fill(services.ledger, 600)
    receipt = services.ledger.proof(index)
    head, _, checkpoint = receipt.partition("\n\n")
    lines = head.split("\n")
    assert lines[:2] == ["c2sp.org/tlog-proof@v1", f"index {index}"]
    opened, _ = note.open_note(checkpoint, [note.read_vkey(services.ledger.vkey)])
    _, size, root = note.read_checkpoint(opened)
    path = [base64.b64decode(line) for line in lines[2:]]
    assert tree.included(index, size, services.ledger.entry(index).leaf, path) == root


def test_no_receipt_for_what_never_was(services: Any) -> None:
    for index in (0, -1, 5):
        with pytest.raises(NotFound):
            services.ledger.proof(index)


def test_consistency_between_any_two_sizes(services: Any) -> None:
    roots = {}
    for _ in range(5):
        fill(services.ledger, 70)
        made = services.ledger.checkpoint()
        roots[made.size] = made.root
    for old in roots:
        for size in roots:
            if old <= size:
                proof = services.ledger.consistency(old, size)
                assert tree.consistent(old, roots[old], size, roots[size], proof)
    with pytest.raises(NotFound):
        services.ledger.consistency(1, 351)


@pytest.mark.parametrize(("number", "name"), [(0, "000"), (67, "067"), (1234067, "x001/x234/067")])
def test_tile_names(number: int, name: str) -> None:
    assert tiles.path(number) == name
    assert tiles.read_path(name) == (number, 256)
    assert tiles.read_path(f"{name}.p/112") == (number, 112)


@pytest.mark.parametrize(
    "name", ["0", "x000/000", "x001", "000.p/0", "000.p/256", "000.p/", "../000", "x01/000", "٠٠٠"]
)
def test_other_tile_names_are_not_found(name: str) -> None:
    with pytest.raises(NotFound):
        tiles.read_path(name)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the same code on both, and it takes seconds
def test_a_second_level_of_tiles(services: Any) -> None:
    """65,536 entries fill 256 tiles of level 0 and one of level 1; the roots agree with the frontier."""
    ledger = services.ledger
    for _ in range(66):
        fill(ledger, 1000)
    made = ledger.checkpoint()  # compares tiles, head and frontier
    level1 = ledger.tile(1, 0)
    assert level1[:32] == tree.root_of([ledger.tile(0, 0)[at : at + 32] for at in range(0, 8192, 32)])
    assert ledger.tile(2, 0, 1) == tree.root_of([level1[at : at + 32] for at in range(0, 8192, 32)])
    receipt = ledger.proof(40_000).split("\n\n")[0].split("\n")[2:]
    path = [base64.b64decode(line) for line in receipt]
    assert tree.included(40_000, 66_000, ledger.entry(40_000).leaf, path) == made.root
    with pytest.raises(NotFound):
        ledger.tile(1, 0, 257)
    with pytest.raises(NotFound):
        ledger.tile(2, 0, 2)


# ---- the keeper


def test_the_keeper_signs_beside_the_requests(services: Any) -> None:
    keeper = Keeper(services.ledger, seconds=0.05, poll=0.01)
    keeper.start()
    try:
        fill(services.ledger, 3)
        assert "index 2" in services.ledger.proof(2)  # waits for the thread, which signs
    finally:
        keeper.stop()
    fill(services.ledger, 1)
    keeper.stop()
    assert services.ledger.behind() == 1  # stopped: nothing signs by itself
    keeper.start()
    keeper.stop()
    assert services.ledger.behind() == 0  # its last act is to sign


def test_the_keeper_reports_a_ledger_it_refused_to_sign(services: Any, caplog: pytest.LogCaptureFixture) -> None:
    fill(services.ledger, 3)
    services.ledger.checkpoint()
    fill(services.ledger, 1)
    unguarded(services, "DELETE FROM ledger_entries WHERE idx = 1")
    keeper = Keeper(services.ledger, seconds=0.01, poll=0.01)
    keeper.start()
    try:
        with pytest.raises(Unavailable, match="altered"):
            services.ledger.proof(3)
    finally:
        keeper.stop()
    with pytest.raises(Unavailable, match="altered"):
        keeper.check()


# ---- over HTTP


def test_auditors_need_no_account_but_entries_do(services: Any) -> None:
    fill(services.ledger, 300)
    made = services.ledger.checkpoint()
    web = services.web(routes.router(services.ledger, services.access))
    assert web.get("/ledger/checkpoint").text == made.note
    assert web.get("/ledger/vkey").text == services.ledger.vkey + "\n"
    assert len(web.get("/ledger/tile/0/000").content) == 8192
    assert len(web.get("/ledger/tile/0/001.p/44").content) == 44 * 32
    assert "immutable" in web.get("/ledger/tile/0/000").headers["cache-control"]
    beyond = "x999/" * 7 + "999"  # no number a database could be asked for
    for path in (
        "/ledger/tile/0/002",
        "/ledger/tile/64/000",
        "/ledger/tile/0/001.p/45",
        "/ledger/tile/00/000",
        f"/ledger/tile/0/{beyond}",
    ):
        assert web.get(path).status_code == 404
    proof = web.get("/api/v1/ledger/consistency", params={"old": 300}).json()
    assert proof == {"old": 300, "new": 300, "hashes": []}
    for path in (
        "/ledger/tile/entries/000",
        "/api/v1/ledger/entries",
        "/api/v1/ledger/proofs/0",
        "/api/v1/ledger/bundle",
    ):
        assert web.get(path).status_code == 401
        assert web.get(path, headers=services.bearer(services.department())).status_code == 403


def test_the_officer_reads_pages_of_entries(services: Any) -> None:
    fill(services.ledger, 30)
    web = services.web(routes.router(services.ledger, services.access))
    headers = services.bearer(services.officer())
    first = web.get("/api/v1/ledger/entries", params={"limit": 20, "kind": "test"}, headers=headers)
    assert [item["index"] for item in first.json()["items"]] == list(range(20))
    second = web.get(first.links["next"]["url"], headers=headers).json()
    assert [item["index"] for item in second["items"]] == list(range(20, 30))
    assert second["next_page_token"] is None
    one = web.get("/api/v1/ledger/entries/5", headers=headers).json()
    assert one["entry"] == orjson.loads(services.ledger.entry(5).data)
    data = web.get("/ledger/tile/entries/000.p/2", headers=headers).content
    assert data[2 : 2 + int.from_bytes(data[:2], "big")] == services.ledger.entry(0).data
    assert web.get("/api/v1/ledger/proofs/5", headers=headers).text.startswith("c2sp.org/tlog-proof@v1\nindex 5\n")
    assert web.get("/api/v1/ledger/entries?page_token=eHg=", headers=headers).status_code == 400


def test_the_officer_takes_everything_home(services: Any, tmp_path: Path) -> None:
    fill(services.ledger, 600)
    web = services.web(routes.router(services.ledger, services.access))
    headers = services.bearer(services.officer())
    answer = web.get("/api/v1/ledger/bundle", headers=headers)
    assert answer.headers["x-ledger-size"] == str(services.ledger.size())
    (tmp_path / "bundle").write_bytes(answer.content)
    assert verify(tmp_path / "bundle", services.ledger.vkey).ok
    assert not verify_cut(tmp_path, answer.content)  # broken off on the way


def verify_cut(folder: Path, content: bytes) -> bool:
    (folder / "bundle").write_bytes(content[:-1000])
    return verify(folder / "bundle").ok
