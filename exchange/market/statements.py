"""Settlement as a durable job: count from the ledger, apply the policy, store the statement, record its digest."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from importlib import resources
from typing import Any

from exchange.clock import Clock, new_id, stamp
from exchange.database import Database
from exchange.errors import NotFound, Unprocessable
from exchange.jobs import JobContext, Jobs
from exchange.ledger.service import Ledger
from exchange.market import settlement, store
from exchange.parties.access import Caller, permit


class Statements:
    """Makes and shows settlement statements (费用核算)."""

    def __init__(self, database: Database, ledger: Ledger, jobs: Jobs, clock: Clock) -> None:
        self.database, self.ledger, self.jobs, self.clock = database, ledger, jobs, clock
        self.policy_text = resources.files("exchange.market").joinpath("policy.yaml").read_text()
        self.policy = settlement.load(self.policy_text)
        jobs.register("settlement", self._run)

    def request(self, caller: Caller, start: date, end: date) -> dict[str, Any]:
        """Queue a statement for entries at or after ``start`` and before ``end`` (days, UTC)."""
        permit(caller, "settlement.make")
        if start >= end:
            raise Unprocessable("the period ends before it starts", hint="period_end is the first day not counted")
        now = self.clock()
        identifier = new_id("stl", now)
        with self.database.transaction() as tx:
            job = self.jobs.submit("settlement", identifier, {"settlement": identifier}, tx=tx)
            store.add_settlement(
                tx,
                {
                    "id": identifier,
                    "period_start": start.isoformat(),
                    "period_end": end.isoformat(),
                    "requested_by": caller.id,
                    "job": job,
                },
            )
        return {"id": identifier, "job": job, "state": "queued"}

    def get(self, caller: Caller, identifier: str) -> dict[str, Any]:
        """A settlement with its statement once made. A vendor sees its own lines. Raises `NotFound`."""
        found = next((row for row in self.listed(caller) if row["id"] == identifier), None)
        if found is None:
            raise NotFound(f"no settlement {identifier}", hint="list them at /api/v1/settlements")
        return found

    def listed(self, caller: Caller) -> list[dict[str, Any]]:
        """Newest first; a vendor sees its own lines only."""
        permit(caller, "settlement.read")
        with self.database.reading() as tx:
            rows = store.settlements_listed(tx)
        for row in rows:
            statement = row["statement"]
            if statement and caller.kind == "vendor":
                statement["lines"] = [line for line in statement["lines"] if line["vendor"] == caller.party]
        return rows

    def _run(self, argument: Mapping[str, Any], job: JobContext) -> None:
        job.step("settle", lambda: self._settle(str(argument["settlement"])))

    def _settle(self, identifier: str) -> str:
        with self.database.reading() as tx:
            row = store.settlements_listed(tx, identifier)[0]
        if row["statement"]:
            return str(row["statement"]["digest"])
        lines = settlement.settle(self.policy, settlement.uses(self._entries(row["period_start"], row["period_end"])))
        statement: dict[str, Any] = {
            "settlement": identifier,
            "period_start": row["period_start"],
            "period_end": row["period_end"],
            "currency": "CNY",
            "policy": {
                "version": self.policy.version,
                "digest": self.policy.digest,
                "text": self.policy_text,
            },
            "lines": [{name: getattr(line, name) for name in line.__dataclass_fields__} for line in lines],
            "total_fen": sum(line.amount_fen for line in lines),
        }
        statement = json.loads(json.dumps(statement))
        statement["digest"] = settlement.statement_digest(statement)
        with self.database.transaction() as tx:
            store.finish_settlement(tx, identifier, stamp(self.clock()), statement)
            self.ledger.append(
                tx,
                "settlement.made",
                {
                    "settlement": identifier,
                    "period_start": row["period_start"],
                    "period_end": row["period_end"],
                    "policy": self.policy.digest,
                    "total_fen": statement["total_fen"],
                    "statement": statement["digest"],
                },
            )
        return str(statement["digest"])

    def _entries(self, start: str, end: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
        first, last = (stamp(datetime.fromisoformat(f"{day}T00:00:00+00:00")) for day in (start, end))
        after: int | None = None
        while batch := self.ledger.entries(after=after, limit=1000):
            for entry in batch:
                if entry.kind in {"matter.completed", "matter.rated"} and first <= entry.at < last:
                    yield entry.index, json.loads(entry.data)
            after = batch[-1].index
