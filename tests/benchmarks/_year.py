"""A year of a large exchange, written straight into its tables: deliveries, their ledger entries, agreements.

The figures a report has to give are counted here too, while the calls are made up, so that the two can be compared.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import orjson
from sqlalchemy import Connection

from exchange.agreements.model import Agreement
from exchange.agreements.store import save_agreement
from exchange.agreements.wish import Mode
from exchange.clock import stamp
from exchange.database import Database
from exchange.parties.access import SYSTEM
from exchange.parties.service import Parties

DEPARTMENTS, INTERFACES, AGREEMENTS = 20, 50, 600
NOW = datetime(2026, 11, 2, 1, tzinfo=UTC)
CHINA = timedelta(hours=8)
ME = "11010119900307002X"
FIELDS = ("XM", "GMSFHM", "CSRQ", "XBDM", "LXDH", "HJDZ", "ZT", "JE")
OUTCOMES = ("made", "made", "made", "made", "made", "made", "made", "made", "refused", "failed")
PART = 20_000
_DELIVERY = (
    "id", "at", "state", "rule", "consumer", "interface", "entry", "caller", "provider", "version", "operation",
    "method", "path", "agreement", "purpose", "claimed", "legal_basis", "status", "fields", "records", "bytes_in",
    "bytes_out", "done_at",
)  # fmt: skip
_STATES = {"made": "delivered", "refused": "refused", "failed": "failed"}


@dataclass
class Counted:
    """What was made up, counted by other code than oversight's. Keys name department and month of China."""

    given: Counter[tuple[str, str]] = field(default_factory=Counter)
    records: Counter[tuple[str, str]] = field(default_factory=Counter)
    taken: Counter[tuple[str, str]] = field(default_factory=Counter)
    failed: Counter[tuple[str, str]] = field(default_factory=Counter)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    turned_away: Counter[tuple[str, str]] = field(default_factory=Counter)


def department(number: int) -> str:
    """Id of a department."""
    return f"department-{number:02d}"


def agreement(number: int) -> Agreement:
    """One of the agreements: its provider follows from its interface."""
    interface = number % INTERFACES
    provider = interface % DEPARTMENTS
    consumer = (provider + 1 + number // INTERFACES) % DEPARTMENTS
    names = tuple(sorted(FIELDS[(number + place) % len(FIELDS)] for place in range(4)))
    return Agreement(
        f"agr_{number:04d}", None, department(consumer), department(provider), f"{department(provider)}.i{interface}",
        "1.0.0", Mode.SERVICE, f"purpose {number % 40}", f"law {number % 15}", "scenario", names,
        {"get": tuple(f"/{name}" for name in names)}, stamp(NOW - timedelta(days=400)),
        stamp(NOW + timedelta(days=400)),
    )  # fmt: skip


def write(database: Database, parties: Parties, calls: int, days: int = 365, agreements: int = AGREEMENTS) -> Counted:
    """Fill an exchange that has nothing yet with calls of the ``days`` before `NOW`."""
    for number in range(DEPARTMENTS):
        name = {"zh_CN": f"{number} 局", "en": f"Department {number}"}
        parties.register_party(SYSTEM, department(number), "department", name)
    parties.register_party(SYSTEM, "data-office", "data_office", {"zh_CN": "数据局", "en": "Data Office"})
    made = [agreement(number) for number in range(agreements)]
    with database.transaction() as tx:
        for one in made:
            save_agreement(tx, one)
        # entries follow those of the parties
        first = int(tx.exec_driver_sql("SELECT count(*) FROM ledger_entries").scalar_one())
    counted = Counted()
    random = np.random.default_rng(1)
    moments = np.sort(random.integers(0, days * 86400, calls))
    # a thirtieth of the agreements is never used
    which = random.integers(0, agreements - agreements // 30, calls)
    for start in range(0, calls, PART):
        place = slice(start, start + PART)
        rows = list(_calls(made, which[place], moments[place], first + start, days, counted))
        with database.transaction() as tx:
            _insert(tx, "ledger_entries", ("idx", "kind", "at", "data"), [row[0] for row in rows])
            _insert(tx, "deliveries", _DELIVERY, [row[1] for row in rows])
    with database.transaction() as tx:
        tx.exec_driver_sql(f"UPDATE ledger_head SET size = {first + calls}")
        if database.dialect == "postgresql":
            tx.exec_driver_sql("ANALYZE")
    return counted


def _calls(
    made: list[Agreement], which: Any, moments: Any, first: int, days: int, counted: Counted
) -> Iterator[tuple[tuple[Any, ...], tuple[Any, ...]]]:
    for place, (number, moment) in enumerate(zip(which.tolist(), moments.tolist(), strict=True)):
        index, one = first + place, made[number]
        at = NOW - timedelta(days=days) + timedelta(seconds=moment)
        outcome, records = OUTCOMES[index * 7 % 10], 1 + index % 5
        rule = {"made": "permitted", "refused": "purpose-mismatch", "failed": "provider-status-503"}[outcome]
        fields = list(one.fields[: 3 + index % 2]) if outcome == "made" else []
        claimed = ("purpose 3", "(other)")[index % 2] if outcome == "refused" else one.purpose
        _count(counted, one, (at + CHINA).strftime("%Y-%m"), outcome, records)
        body = {
            "provider": one.provider, "consumer": one.consumer, "interface": one.interface, "operation": "get",
            "agreement": one.id, "purpose": one.purpose, "legal_basis": one.legal_basis, "rule": rule,
            "kind": f"delivery.{outcome}", "at": stamp(at), "index": index,
        }  # fmt: skip
        if outcome == "made":
            body |= {"fields": fields, "records": records}
        if claimed != one.purpose:
            body["claimed"] = claimed
        id = f"dlv_{int(at.timestamp() * 1000):012x}{index:015x}"
        row = (
            id, stamp(at), _STATES[outcome], rule, one.consumer, one.interface, index, "c", one.provider, "1.0.0",
            "get", "GET", "/get", one.id, one.purpose, claimed, one.legal_basis, 200, json.dumps(fields),
            records if outcome == "made" else 0, 10, 100, stamp(at),
        )  # fmt: skip
        yield (index, f"delivery.{outcome}", stamp(at), orjson.dumps(body)), row


def _count(counted: Counted, one: Agreement, month: str, outcome: str, records: int) -> None:
    given, taken = (one.provider, month), (one.consumer, month)
    if outcome == "made":
        counted.given[given] += 1
        counted.records[given] += records
        counted.taken[taken] += 1
    elif outcome == "failed":
        counted.failed[given] += 1
    else:
        counted.refused[taken] += 1
        counted.turned_away[given] += 1


def _insert(tx: Connection, table: str, names: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    if tx.dialect.name == "sqlite":
        marks = ", ".join("?" * len(names))
        tx.exec_driver_sql(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", rows)
        return
    driver: Any = tx.connection.dbapi_connection
    with driver.cursor().copy(f"COPY {table} ({', '.join(names)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
