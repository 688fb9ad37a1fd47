"""The subject index: people are found under every key there ever was; an old key alone finds nobody."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text
from typer.testing import CliRunner

from exchange.clock import system_clock
from exchange.database import Database
from exchange.errors import Unavailable
from exchange.keys import Keys
from exchange.ledger import cli, subjects
from exchange.ledger.model import subject_key
from exchange.ledger.opening import opened
from exchange.ledger.service import Draft, Ledger
from exchange.ledger.subjects import SubjectKeys, rewrap
from exchange.locking import locked

A, B = "11010519491231002X", "110105194912310011"
ONE, TWO, THREE = b"1" * 32, b"2" * 32, b"3" * 32


def under(database: Database, *keys: bytes) -> Ledger:
    return Ledger(database, Ed25519PrivateKey.generate(), "tongban.test/ledger", SubjectKeys(keys), system_clock)


def add(ledger: Ledger, *numbers: str) -> None:
    with ledger.database.transaction() as tx:
        ledger.append_all(tx, [Draft("test.made", {}, subjects=[number]) for number in numbers])


def found(ledger: Ledger, number: str) -> list[int]:
    return [entry.index for entry in ledger.entries(subject=number)]


def stored(database: Database) -> set[bytes]:
    with database.reading() as tx:
        return {bytes(tag) for tag in tx.execute(text("SELECT subject FROM ledger_subjects")).scalars()}


def test_people_are_found_through_every_exchange(database: Database) -> None:
    add(under(database, ONE), A, B, A)
    ledger = under(database, ONE, TWO)
    assert found(ledger, A) == [0, 2]  # a new key, nothing wrapped yet
    add(ledger, A)
    assert rewrap(database, ledger.subjects) == 3
    assert found(ledger, A) == [0, 2, 3]
    ledger = under(database, ONE, TWO, THREE)
    add(ledger, B)
    assert rewrap(database, ledger.subjects) == 4
    assert (found(ledger, A), found(ledger, B)) == ([0, 2, 3], [1, 4])
    assert rewrap(database, ledger.subjects) == 0


def test_an_old_key_alone_finds_nobody(database: Database) -> None:
    add(under(database, ONE), A)
    assert subject_key(A, ONE) in stored(database)  # whoever has the key and the table can try numbers
    rewrap(database, SubjectKeys((ONE, TWO)))
    assert not stored(database) & {subject_key(A, ONE), subject_key(A, TWO)}
    assert found(under(database, ONE), A) == []
    assert found(under(database, ONE, TWO), A) == [0]


def test_an_interrupted_exchange_can_be_finished(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    add(under(database, ONE), *([A, B] * 5))
    monkeypatch.setattr(subjects, "ROWS", 3)
    ledger = under(database, ONE, TWO)

    def stop(_done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rewrap(database, ledger.subjects, stop)
    assert len(stored(database)) > 2  # some old, some new
    assert found(ledger, A) == [0, 2, 4, 6, 8]
    later = under(database, ONE, TWO, THREE)  # and one more key before it was finished
    assert found(later, A) == [0, 2, 4, 6, 8]
    assert rewrap(database, later.subjects) == 10
    assert found(later, B) == [1, 3, 5, 7, 9]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("TONGBAN_DATABASE_URL", "TONGBAN_WITNESSES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TONGBAN_HOME", str(tmp_path))
    Keys(tmp_path).signing("ledger")
    database = Database(f"sqlite:///{tmp_path / 'tongban.sqlite'}")
    database.create()
    database.close()
    return tmp_path


def test_the_command_exchanges_keys(home: Path) -> None:
    ledger = opened()
    add(ledger, A, B)
    run = CliRunner().invoke
    renewed = run(cli.app, ["renew-keys"])
    assert "2 tags are under key 2" in renewed.stdout, renewed.output
    assert len(Keys(home).secrets("subjects")) == 2
    assert (home / "keys" / "subjects.2.key").stat().st_mode & 0o777 == 0o600
    assert found(opened(), A) == [0]
    shown = run(cli.app, ["show", "--person", "--json"], input=f"{A.lower()}\n")
    assert shown.stdout.count('"index"') == 1
    with locked(home):  # a service that runs would go on with the old key
        assert isinstance(run(cli.app, ["renew-keys"]).exception, Unavailable)
    assert len(Keys(home).secrets("subjects")) == 2
    Keys(home).renew("subjects")  # interrupted right after the key was made
    assert "as was begun before" in run(cli.app, ["renew-keys"]).stdout
    assert len(Keys(home).secrets("subjects")) == 3
    assert found(opened(), B) == [1]


def test_erased_bytes_are_nowhere_in_the_files(home: Path) -> None:
    ledger = opened()
    secret = "a secret that nobody may find again"
    with ledger.database.transaction() as tx:
        for _ in range(3):
            index = ledger.append(tx, "test.made", {}, payload={"secret": secret}).index
        ledger.append(tx, "test.made", {}, payload={"kept": "kept as long as it is needed"})
    ledger.export(home / "before")
    files = [home / "tongban.sqlite", home / "tongban.sqlite-wal"]
    assert any(secret.encode() in file.read_bytes() for file in files)
    run = CliRunner().invoke
    for index in range(3):
        told = run(cli.app, ["erase", str(index), "--reason", "asked by the person"])
        assert f"entry {index} is erased" in told.stdout, told.output
    assert not any(secret.encode() in file.read_bytes() for file in files if file.exists())
    assert any(b"kept as long" in file.read_bytes() for file in files if file.exists())
    ledger.export(home / "after")
    from exchange.ledger.verify import verify

    result: Any = verify(home / "after", ledger.vkey, ledger.latest().note)
    assert (result.ok, result.entries) == (True, 7), result.text()  # the tree never held it
    assert run(cli.app, ["erase", "0", "--reason", "again"]).exit_code == 1
    ledger.database.close()
