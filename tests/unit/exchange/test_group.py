"""Group commit: one transaction for those who wait, each with its own fate, nobody answered before it is durable."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, text

from exchange.errors import NotFound, Unavailable, Unprocessable
from exchange.ledger.group import Group
from exchange.ledger.service import Draft, Ledger

NUMBER = "11010519491231002X"


@pytest.fixture
def group(services: Any) -> Iterator[Group]:
    made = Group(services.ledger)
    yield made
    made.close()


class Held:
    """Keeps the writing thread busy until let go, so that what is submitted meanwhile becomes one batch."""

    def __init__(self, group: Group) -> None:
        self._go, begun = threading.Event(), threading.Event()

        def wait(_tx: Connection) -> None:
            begun.set()
            self._go.wait(10)

        self._first = group.submit(wait)
        assert begun.wait(10)

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_error: object) -> None:
        self._go.set()
        self._first.result(10)


def transactions(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One item for every write transaction from now on."""
    seen: list[int] = []
    original = ledger.database.transaction

    def counted() -> Any:
        seen.append(1)
        return original()

    monkeypatch.setattr(ledger.database, "transaction", counted)
    return seen


def test_those_who_wait_share_one_transaction(services: Any, group: Group, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = services.ledger
    seen = transactions(ledger, monkeypatch)
    with Held(group):
        waiting = [group.submit(lambda tx, n=n: ledger.append(tx, "test.made", {"n": n}).index) for n in range(50)]
    assert [told.result(10) for told in waiting] == list(range(50))
    assert len(seen) == 2  # the one that was held, and one for all fifty
    assert [entry.body["n"] for entry in ledger.entries(limit=100)] == list(range(50))
    ledger.check(deep=True)


def test_one_that_fails_takes_back_only_its_own(services: Any, group: Group) -> None:
    ledger = services.ledger

    def good(n: int) -> Any:
        def work(tx: Connection) -> int:
            return ledger.append(tx, "test.made", {"n": n}, subjects=[NUMBER], payload={"n": n}).index

        return work

    def bad(tx: Connection) -> None:
        ledger.append(tx, "test.made", {"bad": True}, subjects=[NUMBER], payload={"bad": True})
        tx.execute(text("INSERT INTO ledger_subjects (epoch, subject, idx) VALUES (0, :tag, 9)"), {"tag": b"x"})
        raise NotFound("not this one")

    def unfit(tx: Connection) -> None:
        ledger.append_all(tx, [Draft("test.made", {}), Draft("test.made", {"number": NUMBER})])

    def read_back(tx: Connection) -> Any:
        """Writes the whole batch early, then fails: what others have appended is still written."""
        index = ledger.append(tx, "test.made", {}, payload={"read": True}).index
        assert ledger.payload(tx, index).value == {"read": True}
        assert ledger.entries(tx=tx, limit=1, newest_first=True)[0].index == index
        raise NotFound("nor this one")

    with Held(group):
        told = [group.submit(work) for work in (good(0), bad, good(1), unfit, read_back, good(2))]
    assert [told[place].result(10) for place in (0, 2, 5)] == [0, 1, 2]
    for place, error in ((1, NotFound), (3, Unprocessable), (4, NotFound)):
        with pytest.raises(error):
            told[place].result(10)
    assert [entry.body.get("n") for entry in ledger.entries()] == [0, 1, 2]
    assert [entry.index for entry in ledger.entries(subject=NUMBER)] == [0, 1, 2]
    with services.database.reading() as tx:
        assert [ledger.payload(tx, index).value for index in range(3)] == [{"n": 0}, {"n": 1}, {"n": 2}]
        assert tx.execute(text("SELECT count(*) FROM ledger_subjects")).scalar() == 3
        assert tx.execute(text("SELECT count(*) FROM ledger_payloads")).scalar() == 3
    ledger.check(deep=True)


def test_nobody_is_answered_before_the_commit(services: Any, group: Group, monkeypatch: pytest.MonkeyPatch) -> None:
    """The transaction as a whole fails: everybody in it hears so, and nothing of it is there."""
    ledger = services.ledger
    monkeypatch.setattr("exchange.ledger.store.add", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with Held(group):
        told = [group.submit(lambda tx: ledger.append(tx, "test.made", {})) for _ in range(3)]
    for one in told:
        with pytest.raises(OSError, match="disk full"):
            one.result(10)
    monkeypatch.undo()
    assert ledger.size() == 0
    assert group.run(lambda tx: ledger.append(tx, "test.made", {}).index) == 0  # the thread lives on


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_tiles_of_any_grouping_are_the_same(services: Any, group: Group) -> None:
    """Entries that come alone, in threads, and in batches across tile borders: one sound tree."""
    ledger = services.ledger

    def work(count: int) -> None:
        for _ in range(4):
            drafts = [Draft("test.made", {"n": n}) for n in range(count)]
            group.run(lambda tx, drafts=drafts: ledger.append_all(tx, drafts))

    threads = [threading.Thread(target=work, args=(count,)) for count in (1, 2, 3, 100, 255, 256, 257, 600)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ledger.size() == 4 * (1 + 2 + 3 + 100 + 255 + 256 + 257 + 600)
    ledger.checkpoint()
    ledger.check(deep=True)


def test_from_an_event_loop(services: Any, group: Group) -> None:
    async def both() -> list[int]:
        works = [group.submit(lambda tx: services.ledger.append(tx, "test.made", {}).index) for _ in range(5)]
        return list(await asyncio.gather(*map(asyncio.wrap_future, works)))

    assert asyncio.run(both()) == [0, 1, 2, 3, 4]


def test_who_gave_up_before_its_turn_is_not_run(services: Any, group: Group) -> None:
    with Held(group):
        told = group.submit(lambda tx: services.ledger.append(tx, "test.made", {}))
        assert told.cancel()
    assert group.run(lambda _tx: "next") == "next"
    assert services.ledger.size() == 0


def test_closing_finishes_what_waits(services: Any) -> None:
    group = Group(services.ledger, most=2)
    with Held(group):
        told = [group.submit(lambda tx: services.ledger.append(tx, "test.made", {}).index) for _ in range(5)]
        closing = threading.Thread(target=group.close)
        closing.start()
    closing.join(10)
    assert [one.result(0) for one in told] == [0, 1, 2, 3, 4]
    with pytest.raises(Unavailable):
        group.run(lambda _tx: None)
    Group(services.ledger).close()  # never used
