"""Quality feedback: what providers deliver is sampled, judged by their own contract, and told them as tickets."""

from __future__ import annotations

import json
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from exchange.brokering.service import Broker
from exchange.catalogue.service import Catalogue
from exchange.clock import Clock, new_id, stamp
from exchange.database import Database
from exchange.errors import Conflict, NotFound, TongbanError, Unprocessable
from exchange.ledger.service import Ledger
from exchange.oversight import quality_store as store
from exchange.oversight.model import day_of, day_text
from exchange.oversight.quality_store import Ticket
from exchange.oversight.sampling import Samples, table_of
from exchange.parties.access import SYSTEM, Caller, permit
from specs.model import Interface, Table

if TYPE_CHECKING:
    from mockdata.quality.quality import Outcome

LEAST_ROWS = 30
"""A sample of fewer records is not judged yet."""
FINDINGS = 1000
ANSWERS = {"acknowledge": "acknowledged", "fix": "fixed", "keep": "kept"}
"""What a provider says: seen and being worked on; mended; right as it is, with reasons."""

Check = Callable[[Path, Interface, Table], "Sequence[Outcome]"]


@dataclass(frozen=True, slots=True)
class _Judged:
    interface: str
    operation: str
    provider: str
    rows: int
    outcomes: Sequence[Outcome]


class Quality:
    """Use cases of quality feedback."""

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        catalogue: Catalogue,
        broker: Broker,
        clock: Clock,
        judging: Callable[[], AbstractContextManager[Check]] | None = None,
    ) -> None:
        self.database, self.ledger, self.catalogue, self.broker = database, ledger, catalogue, broker
        self.clock = clock
        self.samples = Samples()
        self._judging = judging or _great_expectations
        self._alone = threading.Lock()

    # ---- finding

    def due(self) -> int:
        """Judge the samples that are large enough, and take in what the broker found; gives the tickets touched."""
        if not self._alone.acquire(blocking=False):
            return 0
        try:
            taken = self.samples.take(LEAST_ROWS)
            judged = []
            if taken:
                with self._judging() as check:
                    found = [self._judge(check, *kind[:2], rows) for kind, rows in taken.items()]
                judged = [one for one in found if one is not None]
            return self._settle(judged) + self._take_in()
        finally:
            self._alone.release()

    def _judge(self, check: Check, name: str, operation: str, rows: list[dict[str, Any]]) -> _Judged | None:
        try:
            record = self.catalogue.interface(name)
            table = table_of(record.spec, operation, rows)
        except TongbanError:
            return None
        if table is None:
            return None
        # the records are on disk while they are judged, in a folder only this process may read, and nowhere else
        with tempfile.TemporaryDirectory(prefix="tongban-sample-") as folder:
            path = Path(folder) / "sample.jsonl"
            path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
            outcomes = check(path, record.spec, table)
        return _Judged(name, operation, record.department, len(rows), outcomes)

    def _settle(self, judged: Sequence[_Judged]) -> int:
        now, touched = stamp(self.clock()), 0
        if not judged:
            return 0
        with self.database.transaction() as tx:
            for one in judged:
                failed = [outcome for outcome in one.outcomes if not outcome.success]
                day = day_of(now)
                store.add_sample(
                    tx, day, one.interface, one.operation, one.provider, one.rows, len(one.outcomes), len(failed)
                )
                for outcome in failed:
                    found = Ticket(
                        "", one.provider, one.interface, one.operation, "sample", outcome.rule, outcome.column or "",
                        outcome.pointer, now, now, 1, one.rows, outcome.unexpected or 0,
                    )  # fmt: skip
                    self._note(tx, found)
                    touched += 1
        return touched

    def _take_in(self) -> int:
        with self.database.reading() as tx:
            newest = store.newest_finding(tx)
        found = [one for one in self.broker.findings(SYSTEM, limit=FINDINGS) if one.id > newest]
        if not found:
            return 0
        with self.database.transaction() as tx:
            for one in reversed(found):
                made = Ticket(
                    "", one.provider, one.interface, one.operation, "spec", one.rule, one.pointer, one.pointer, one.at,
                    one.at, 1, 1, 1, last=one.id,
                )  # fmt: skip
                self._note(tx, made)
        return len(found)

    def _note(self, tx: Connection, found: Ticket) -> None:
        """Count the finding in its ticket; one that was said to be mended opens anew."""
        known = store.find(tx, found.key)
        if known is None or known.state in ("fixed", "kept"):
            if known is not None and known.state == "kept":
                return
            made = replace(found, id=new_id("qlt", self.clock()))
            store.save(tx, made)
            told = {"ticket": made.id, "provider": made.provider, "interface": made.interface, "rule": made.rule}
            self.ledger.append(tx, "quality.ticket-opened", told | {"field": made.field, "again": known is not None})
            return
        store.save(
            tx,
            replace(
                known, last_at=found.last_at, times=known.times + 1, rows=found.rows, broken=found.broken,
                last=max(known.last, found.last),
            ),
        )  # fmt: skip

    # ---- reading and answering

    def tickets(self, caller: Caller | None, *, open_only: bool = False) -> list[Ticket]:
        """Tickets of the caller's department, or all for the data office."""
        caller = permit(caller, "quality.read")
        with self.database.reading() as tx:
            return store.tickets(tx, provider=_own(caller), states=("open", "acknowledged") if open_only else ())

    def trends(self, caller: Caller | None, days: int = 30) -> list[dict[str, Any]]:
        """Judged samples day by day: records, checks and how many failed."""
        caller = permit(caller, "quality.read")
        today = day_of(stamp(self.clock()))
        with self.database.reading() as tx:
            found = store.samples(tx, provider=_own(caller), first=today - days + 1, last=today)
        return [row | {"day": day_text(row["day"])} for row in found]

    def answer(self, caller: Caller | None, id: str, answer: str, note: str) -> Ticket:
        """The provider works on it, mended it or keeps it. Raises `NotFound`, `Conflict`, `Unprocessable`."""
        caller = permit(caller, "quality.answer")
        if answer not in ANSWERS:
            raise Unprocessable(f"an answer is one of {', '.join(ANSWERS)}", pointer="/answer")
        if answer == "keep" and not note.strip():
            raise Unprocessable("who keeps what the contract forbids gives a reason", pointer="/note")
        with self.database.transaction() as tx:
            found = store.ticket(tx, id)
            if found is None or _own(caller) not in (None, found.provider):
                raise NotFound(f"no ticket {id} that you may see", hint="GET /api/v1/quality/tickets lists yours")
            permit(caller, "quality.answer", owner=found.provider)
            if found.state in ("fixed", "kept"):
                raise Conflict(f"ticket {id} is {found.state}", hint="if it happens again, a new one opens")
            made = replace(found, state=ANSWERS[answer], note=note.strip()[:1000], by=caller.id)
            store.save(tx, made)
            told: Mapping[str, Any] = {"ticket": id, "provider": made.provider, "state": made.state, "by": caller.id}
            self.ledger.append(tx, "quality.ticket-answered", told)
        return made


def _own(caller: Caller) -> str | None:
    return None if caller.kind == "data_office" or caller.via == "system" else caller.party


@contextmanager
def _great_expectations() -> Iterator[Check]:
    """A check that lasts for one round: its process holds a large library and ends with the round."""
    from mockdata.quality.quality import Judge, QualityError, check

    with Judge() as judge:

        def checked(path: Path, interface: Interface, table: Table) -> Sequence[Outcome]:
            try:
                found = check(path, interface, table, judge=judge).outcomes
            except QualityError:
                return []  # nothing can be said of it; the next sample may be readable
            return [one for one in found if one.rule not in ("columns", "rows of the manifest")]

        yield checked
