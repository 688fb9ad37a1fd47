"""The offline verifier: proves a sound bundle, finds and locates every change, runs alone."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from typer.testing import CliRunner

from exchange.clock import system_clock
from exchange.database import Database
from exchange.ledger import cli
from exchange.ledger import verify as verifier
from exchange.ledger.note import CosigningKey, SigningKey
from exchange.ledger.service import Draft, Ledger
from exchange.ledger.verify import Problem, Result, verify, verify_entry

Records = list[tuple[bytes, bytes]]
LENGTHS = [3, 200, 61, 300, 26]  # entries before each checkpoint; 590 together, so three tiles, the last one partial


def made(folder: Path, lengths: list[int], origin: str = "tongban.test/ledger") -> Ledger:
    database = Database(f"sqlite:///{folder / f'{len(list(folder.iterdir()))}.sqlite'}")
    database.create()
    ledger = Ledger(database, Ed25519PrivateKey.generate(), origin, b"i" * 32, system_clock)
    number = 0
    for length in lengths:
        with database.transaction() as tx:
            drafts = [
                Draft("test.made", {"number": number + n, "pad": "x" * ((number + n) % 40)}) for n in range(length)
            ]
            ledger.append_all(tx, drafts)
        number += length
        ledger.checkpoint()
    return ledger


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    folder = tmp_path_factory.mktemp("verify")
    ledger = made(folder, LENGTHS)
    ledger.export(folder / "bundle")
    data = (folder / "bundle").read_bytes()
    yield SimpleNamespace(ledger=ledger, path=folder / "bundle", data=data, target=folder / "changed", folder=folder)
    ledger.database.close()


def of(sound: SimpleNamespace, data: bytes) -> Result:
    sound.target.write_bytes(data)
    return verify(sound.target)


def parts(data: bytes) -> Records:
    """The records of a bundle, for changes that a forger would make with a tool."""
    at, found = len(verifier.MAGIC), []
    while at < len(data):
        length = int.from_bytes(data[at + 4 : at + 8], "big")
        found.append((data[at : at + 4], data[at + 40 : at + 40 + length]))
        at += 40 + length
    return found


def joined(records: Records) -> bytes:
    pieces = [verifier.MAGIC]
    for kind, body in records:
        head = kind + len(body).to_bytes(4, "big")
        pieces += [head, hashlib.sha256(head + body).digest(), body]
    return b"".join(pieces)


def entries(body: bytes) -> list[bytes]:
    return list(verifier._split(body))


def packed(found: list[bytes]) -> bytes:
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in found)


def hashed(found: list[bytes]) -> bytes:
    return b"".join(hashlib.sha256(b"\x00" + entry).digest() for entry in found)


def forged(sound: SimpleNamespace, change: Callable[[list[bytes]], list[bytes]], *, cunning: bool) -> Result:
    """Change the entries of the second tile (256–511); a cunning forger recomputes the recorded hashes as well."""
    records = parts(sound.data)
    places = [number for number, (kind, _) in enumerate(records) if kind == b"DATA"]
    found = change(entries(records[places[1]][1]))
    records[places[1]] = (b"DATA", packed(found))
    if cunning:
        records[places[1] - 1] = (b"LEAF", hashed(found))
    return of(sound, joined(records))


# ---- a sound bundle


def test_a_sound_bundle_is_proved(sound: SimpleNamespace) -> None:
    result = verify(sound.path, sound.ledger.vkey)
    assert result.ok, result.text()
    assert (result.entries, result.checkpoints, result.bytes) == (590, 5, len(sound.data))
    assert result.root == sound.ledger.latest().root.hex()
    assert result.key_from == "given"
    assert verify(sound.path).key_from == "bundle"
    assert "compare it" in verify(sound.path).text()


@pytest.mark.parametrize("lengths", [[], [1], [255], [256], [257], [256, 256], [1] * 40])
def test_bundles_of_any_size_are_proved(tmp_path: Path, lengths: list[int]) -> None:
    ledger = made(tmp_path, lengths)
    ledger.export(tmp_path / "bundle")
    result = verify(tmp_path / "bundle")
    assert result.ok, result.text()
    assert result.entries == sum(lengths)
    ledger.database.close()


def test_the_same_ledger_gives_the_same_bytes(sound: SimpleNamespace) -> None:
    sound.ledger.export(sound.target)
    assert sound.target.read_bytes() == sound.data


def test_it_runs_alone(sound: SimpleNamespace, tmp_path: Path) -> None:
    shutil.copy(verifier.__file__, tmp_path / "verify.py")
    command = [sys.executable, "-I", "verify.py", str(sound.path), "--json", "--vkey", sound.ledger.vkey]
    # a finder that knows nothing but the standard library and cryptography
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["ok"] is True
    source = (tmp_path / "verify.py").read_text()
    imported = {line.split()[1].split(".")[0] for line in source.splitlines() if line.startswith(("import ", "from "))}
    assert imported - {"__future__"} <= set(sys.stdlib_module_names) | {"cryptography"}


# ---- one byte


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_changed_byte_is_found_and_named(sound: SimpleNamespace, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(sound.data) - 1))
    value = data.draw(st.integers(1, 255)) ^ sound.data[at]
    result = of(sound, sound.data[:at] + bytes([value]) + sound.data[at + 1 :])
    assert [problem.offset for problem in result.problems] == [at], result.text()


def test_every_byte_of_the_frame_counts(tmp_path: Path) -> None:
    """All bytes that hold a small bundle together, and a quarter of those inside its records."""
    ledger = made(tmp_path, [2, 1])
    ledger.export(tmp_path / "bundle")
    ledger.database.close()
    data, chance = (tmp_path / "bundle").read_bytes(), random.Random(7)
    frame, place = set(range(len(verifier.MAGIC))), len(verifier.MAGIC)
    for _, body in parts(data):
        frame |= set(range(place, place + 40))
        place += 40 + len(body)
    for at in sorted(frame | set(range(0, len(data), 4))):
        value = data[at] ^ chance.randrange(1, 256)
        (tmp_path / "changed").write_bytes(data[:at] + bytes([value]) + data[at + 1 :])
        result = verify(tmp_path / "changed")
        assert [problem.offset for problem in result.problems] == [at], result.text()


def test_a_changed_byte_of_an_entry_names_the_entry(sound: SimpleNamespace) -> None:
    target = sound.ledger.entry(300).data
    at = sound.data.index(target) + 10
    result = of(sound, sound.data[:at] + b"\x00" + sound.data[at + 1 :])
    (problem,) = result.problems
    assert (problem.section, problem.entry, problem.offset, problem.length) == ("entries", 300, at, 1)
    assert f"from 0x{sound.data[at]:02x} to 0x00" in problem.message


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_other_change_of_bytes_is_found_at_or_before_its_place(sound: SimpleNamespace, data: st.DataObject) -> None:
    size = len(sound.data)
    at = data.draw(st.integers(0, size - 1))
    change = data.draw(st.sampled_from(["truncate", "take out", "put in", "overwrite", "append"]))
    length = data.draw(st.integers(1, 300))
    rest = sound.data[at + length :] if change in {"take out", "overwrite"} else sound.data[at:]
    if change == "truncate":
        changed = sound.data[:at]
    elif change == "append":
        at, changed = size, sound.data + bytes(length)
    else:
        middle = {"take out": b"", "put in": b"\xff" * length, "overwrite": b"\xfe" * (size - at - len(rest))}[change]
        changed = sound.data[:at] + middle + rest
    result = of(sound, changed)
    assert not result.ok
    assert result.problems
    first = result.problems[0]
    # somewhere in the record that holds the place: never after it, and the entry that holds it is named if one does
    assert first.offset <= at + length
    if first.section == "entries":
        assert first.entry is not None


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=600), st.booleans())
def test_garbage_is_a_finding_not_an_accident(sound: SimpleNamespace, garbage: bytes, begun: bool) -> None:
    assert not of(sound, verifier.MAGIC + garbage if begun else garbage).ok


def test_deeply_nested_garbage_is_a_finding(sound: SimpleNamespace) -> None:
    assert not of(sound, joined([(b"HEAD", b"[" * 4000)])).ok


# ---- entries


def swap(found: list[bytes]) -> list[bytes]:
    return [*found[:10], found[11], found[10], *found[12:]]


CHANGES: list[tuple[str, Callable[[list[bytes]], list[bytes]], int, str]] = [
    ("edited", lambda e: [*e[:10], e[10].replace(b"test", b"rest"), *e[11:]], 266, "was changed from"),
    ("rewritten", lambda e: [*e[:10], b'{"index":266}', *e[11:]], 266, "not the recorded entry"),
    ("taken out", lambda e: [*e[:10], *e[11:]], 266, "taken out"),
    ("put in", lambda e: [*e[:10], b'{"index":266}', *e[10:]], 266, "put in before"),
    ("swapped", swap, 266, "entry 267 was put before it"),
    ("cut off", lambda e: e[:200], 456, "missing"),
]


@pytest.mark.parametrize(("name", "change", "index", "message"), CHANGES, ids=[c[0] for c in CHANGES])
def test_changed_entries_are_located(
    sound: SimpleNamespace, name: str, change: Callable[[list[bytes]], list[bytes]], index: int, message: str
) -> None:
    result = forged(sound, change, cunning=False)
    assert not result.ok
    assert result.problems[0].entry == index, result.text()
    assert message in result.problems[0].message


@pytest.mark.parametrize(("name", "change", "index", "message"), CHANGES, ids=[c[0] for c in CHANGES])
def test_a_cunning_forger_is_located_between_two_checkpoints(
    sound: SimpleNamespace, name: str, change: Callable[[list[bytes]], list[bytes]], index: int, message: str
) -> None:
    """Hashes recomputed to fit: only the signed roots tell, and the numbers inside the entries where they are wrong."""
    result = forged(sound, change, cunning=True)
    assert not result.ok
    problem = result.problems[0]
    assert problem.entry is not None
    assert problem.last_entry is not None
    # checkpoints stand at 3, 203, 264 and 564
    assert 264 <= problem.entry <= index + 1, result.text()
    assert index <= problem.last_entry
    if name in {"taken out", "put in", "swapped", "cut off"}:
        assert problem.last_entry - problem.entry <= 1, result.text()


def test_an_entry_changed_in_the_database_is_named(tmp_path: Path) -> None:
    ledger = made(tmp_path, [300])
    with ledger.database.transaction() as tx:
        tx.execute(text("DROP TRIGGER ledger_entries_no_update"))
        tx.execute(text("UPDATE ledger_entries SET data = replace(data, 'test', 'rest') WHERE idx = 77"))
        changed = tx.execute(text("SELECT data FROM ledger_entries WHERE idx = 77")).scalar_one()
        tx.execute(text("UPDATE ledger_entries SET data = CAST(data AS BLOB) WHERE idx = 77"))
    assert changed
    ledger.export(tmp_path / "bundle")
    ledger.database.close()
    result = verify(tmp_path / "bundle")
    assert [problem.entry for problem in result.problems] == [77], result.text()


# ---- the parts around the entries


def test_a_checkpoint_taken_out_is_found(sound: SimpleNamespace) -> None:
    records = parts(sound.data)
    del records[next(number for number, (kind, _) in enumerate(records) if kind == b"NOTE")]
    result = of(sound, joined(records))
    assert [problem.section for problem in result.problems] == ["seal"]


def test_a_bundle_of_another_ledger_is_not_ours(sound: SimpleNamespace, tmp_path: Path) -> None:
    other = made(tmp_path, [5])
    other.export(tmp_path / "bundle")
    other.database.close()
    assert verify(tmp_path / "bundle").ok
    result = verify(tmp_path / "bundle", sound.ledger.vkey)
    assert not result.ok
    assert "not by the key you gave" in result.problems[0].message
    assert not verify(sound.path, "nonsense").ok


def test_whole_tiles_taken_out_are_found(sound: SimpleNamespace) -> None:
    records = parts(sound.data)
    place = [number for number, (kind, _) in enumerate(records) if kind == b"LEAF"][1]
    result = of(sound, joined(records[:place] + records[place + 2 :]))
    assert not result.ok
    assert result.problems[0].entry is not None


def test_a_shorter_bundle_is_found_by_a_kept_checkpoint(tmp_path: Path) -> None:
    ledger = made(tmp_path, [10])
    ledger.export(tmp_path / "old")
    with ledger.database.transaction() as tx:
        ledger.append(tx, "test.made", {})
    kept = ledger.checkpoint().note
    ledger.export(tmp_path / "new")
    ledger.database.close()
    assert verify(tmp_path / "new", checkpoint=kept).ok
    assert verify(tmp_path / "old").ok  # by itself a rollback cannot be seen
    result = verify(tmp_path / "old", checkpoint=kept)
    assert [problem.section for problem in result.problems] == ["your checkpoint"]
    assert "rolled back" in result.problems[0].message


def test_a_fork_is_found_by_a_kept_checkpoint(tmp_path: Path) -> None:
    """The operator rewrites history with the real key: only what an outside party kept tells."""
    key, now = Ed25519PrivateKey.generate(), system_clock()
    bundles, notes = [], []
    for history in ("one", "other"):
        database = Database(f"sqlite:///{tmp_path / history}.sqlite")
        database.create()
        ledger = Ledger(database, key, "tongban.test/ledger", b"i" * 32, lambda: now)
        for number in range(4):
            with database.transaction() as tx:
                ledger.append(tx, "test.made", {"history": history if number == 2 else "both"})
            notes.append(ledger.checkpoint().note)
        bundles.append(tmp_path / history)
        ledger.export(bundles[-1])
        database.close()
    assert verify(bundles[1]).ok
    for kept in (2, 3):
        result = verify(bundles[1], checkpoint=notes[kept])
        (problem,) = result.problems
        assert (problem.section, problem.entry, problem.last_entry) == ("your checkpoint", 0, kept)
    assert notes[1] == notes[5]
    assert verify(bundles[1], checkpoint=notes[1]).ok  # before the fork both are the same


def test_receipts_are_checked_against_the_bundle(sound: SimpleNamespace) -> None:
    receipts = [sound.ledger.proof(index) for index in (0, 255, 256, 589)]
    assert verify(sound.path, receipts=receipts).ok
    moved = receipts[1].replace("index 255", "index 254")
    result = verify(sound.path, receipts=[receipts[0], moved])
    assert [problem.section for problem in result.problems] == ["receipt 2"]
    for bad in ("", "x", receipts[0].replace("index 0", "index ²"), receipts[0].replace("index 0", "index 999999")):
        assert not verify(sound.path, receipts=[bad]).ok


def test_base64_has_one_form() -> None:
    assert verifier._base64("AA==") == b"\0"
    for other in ("AB==", "AA", "AA==\n", "A A=", "AA=A"):
        with pytest.raises(verifier.NotProved):
            verifier._base64(other)


# ---- one entry, without a bundle


def test_an_entry_is_proved_by_its_receipt_alone(sound: SimpleNamespace, tmp_path: Path) -> None:
    entry, receipt, vkey = sound.ledger.entry(300), sound.ledger.proof(300), sound.ledger.vkey
    written = json.dumps(entry.body, indent=2).encode()  # as a person may have kept it
    for form in (entry.data, written):
        assert verify_entry(form, receipt, vkey) == (300, 590, {})
    other = sound.ledger.entry(301).data
    for changed in (other, entry.data.replace(b"300", b"301"), written.replace(b"test.made", b"rest.made"), b"[", b""):
        with pytest.raises(verifier.NotProved):
            verify_entry(changed, receipt, vkey)
    with pytest.raises(verifier.NotProved):
        verify_entry(entry.data, sound.ledger.proof(301), vkey)
    stranger = SigningKey("tongban.test/ledger", Ed25519PrivateKey.generate()).vkey
    with pytest.raises(verifier.NotProved, match="not signed by this ledger"):
        verify_entry(entry.data, receipt, stranger)
    witness = CosigningKey("audit.test/witness", Ed25519PrivateKey.generate())
    with pytest.raises(verifier.NotProved, match="0 of the 1 witnesses"):
        verify_entry(entry.data, receipt, vkey, [witness.vkey])
    text = receipt.partition("\n\n")[2].rpartition("\n\n")[0] + "\n"
    seen = receipt + witness.cosign(text, 0)
    assert verify_entry(entry.data, seen, vkey, [witness.vkey])[2] == {"audit.test/witness": "1970-01-01T00:00:00Z"}

    (tmp_path / "entry.json").write_bytes(entry.data)
    (tmp_path / "receipt").write_text(seen)
    arguments = ["verify", "--entry", str(tmp_path / "entry.json"), "--receipt", str(tmp_path / "receipt")]
    run = CliRunner().invoke
    told = run(cli.app, [*arguments, "--vkey", vkey, "--witness", witness.vkey, "--quorum", "1"])
    assert (told.exit_code, told.stdout.splitlines()[0]) == (0, "PROVED  entry 300 of 590")
    assert "cosigned by audit.test/witness" in told.stdout
    assert json.loads(run(cli.app, [*arguments, "--vkey", vkey, "--json"]).stdout)["entry"] == 300
    assert run(cli.app, arguments).exit_code == 2  # whose is it?
    assert run(cli.app, [*arguments, "--vkey", stranger]).exit_code == 1
    assert run(cli.app, [*arguments, "--vkey", vkey, "--quorum", "1"]).exit_code == 2


def test_memory_does_not_grow_with_the_ledger(tmp_path: Path) -> None:
    """Export and verification of eight times as much need no more."""

    def peak(tiles: int) -> int:
        (tmp_path / str(tiles)).mkdir()
        ledger = made(tmp_path / str(tiles), [256] * tiles)
        heard: list[tuple[int, int]] = []
        tracemalloc.start()
        ledger.export(tmp_path / f"{tiles}.bundle", lambda done, total: heard.append((done, total)))
        assert verify(tmp_path / f"{tiles}.bundle").ok
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        ledger.database.close()
        assert heard == [(256 * (n + 1), 256 * tiles) for n in range(tiles)]
        return found

    peak(1)  # whatever is loaded the first time
    small, large = peak(2), peak(16)
    assert large < small + 100_000, (small, large)  # 14 tiles more are 500,000 bytes


# ---- the command


def test_the_command_says_where_and_gives_the_code(sound: SimpleNamespace) -> None:
    run = CliRunner().invoke
    good = run(cli.app, ["verify", str(sound.path)])
    assert (good.exit_code, good.stdout.split()[0]) == (0, "PROVED")
    at = sound.data.index(sound.ledger.entry(7).data)
    sound.target.write_bytes(sound.data[:at] + b"X" + sound.data[at + 1 :])
    bad = run(cli.app, ["verify", str(sound.target)])
    assert bad.exit_code == 1
    assert f"entries, entry 7, byte {at}: this byte was changed from 0x7b to 0x58" in bad.stdout
    told = run(cli.app, ["verify", str(sound.target), "--json"])
    assert told.exit_code == 1
    assert json.loads(told.stdout)["problems"][0]["entry"] == 7
    assert run(cli.app, ["verify", str(sound.folder / "nothing")]).exit_code == 3
    assert run(cli.app, ["verify"]).exit_code == 2


def test_export_and_show_work_on_the_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TONGBAN_DATABASE_URL", "TONGBAN_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TONGBAN_HOME", str(tmp_path / "home"))
    run = CliRunner().invoke
    assert run(cli.app, ["show"]).exit_code == 1  # no such folder: told as an error by the command's entry point
    assert not (tmp_path / "home").exists()
    from exchange.keys import Keys
    from exchange.settings import from_environment

    Keys(tmp_path / "home").signing("ledger")
    database = Database(from_environment({"TONGBAN_HOME": str(tmp_path / "home")}).url)
    database.create()
    database.close()
    ledger: Any = cli._ledger()
    with ledger.database.transaction() as tx:
        ledger.append(tx, "test.made", {"text": "婚姻"})
    shown = run(cli.app, ["show"])
    assert "test.made" in shown.stdout
    assert json.loads(run(cli.app, ["show", "0", "--json"]).stdout)[0]["text"] == "婚姻"
    target = tmp_path / "ledger.bundle"
    exported = run(cli.app, ["export", str(target), "--json"])
    assert json.loads(exported.stdout)["entries"] == 1
    assert verify(target, ledger.vkey).ok
    ledger.database.close()
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".tmp")] == []


def test_problems_read_well() -> None:
    result = Result(problems=[Problem("entries", "taken out", 12, 0, 3, 5), Problem("seal", "broken", 99)])
    assert result.text().splitlines()[1:] == ["entries, entries 3–5, byte 12: taken out", "seal, byte 99: broken"]
