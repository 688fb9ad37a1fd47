"""The world of the tests of bulk sharing: a provider with a file, an agreement on some of it, every way out."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient

from exchange.agreements import store as agreement_store
from exchange.agreements.model import Agreement
from exchange.agreements.service import Agreements
from exchange.agreements.wish import Wish
from exchange.bulk.aggregates import Aggregates
from exchange.bulk.connecting import Connecting
from exchange.bulk.desk import Desk
from exchange.bulk.routes import router
from exchange.bulk.service import Bulk
from exchange.bulk.sharing_routes import router as sharing_router
from exchange.bulk.sources import Sources
from exchange.bulk.streams import Streams
from exchange.bulk.urls import Urls
from exchange.catalogue.endpoint import Network

PURPOSE, TABLE = "办卡", "persons"
CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: police.register
name: 人口登记
version: 1.0.0
status: active
schema:
  - name: persons
    logicalType: object
    properties:
      - {name: GMSFHM, logicalType: string, required: true, customProperties: [{property: element, value: GMSFHM}]}
      - {name: XM, logicalType: string, customProperties: [{property: element, value: XM}]}
      - {name: CSRQ, logicalType: date}
      - {name: HJXZQH, logicalType: string}
      - {name: income, logicalType: number}
      - {name: secret, logicalType: string}
"""
ROWS = 400
NUMBERS = [f"09990119930830{n:03d}{n % 10}" for n in range(ROWS)]
"""Of a division no citizen number has, and with a zero that a number read as a number would lose."""
MASKS = b"m" * 32


def people() -> pa.Table:
    return pa.table(
        {
            "GMSFHM": NUMBERS,
            "XM": [f"名{n}" for n in range(ROWS)],
            "CSRQ": pa.array([date(1950 + n % 60, 1 + n % 12, 1 + n % 28) for n in range(ROWS)]),
            "HJXZQH": [["110101", "310101", None][n % 3] for n in range(ROWS)],
            "income": pa.array([Decimal(n) * 10 for n in range(ROWS)], pa.decimal128(10, 2)),
            "secret": ["must never leave"] * ROWS,
        }
    )


class World:
    """A dataset with a connected Parquet file, an agreement on three of its columns, and all the ways out."""

    def __init__(self, services: Any, folder: Path) -> None:
        self.services, self.folder = services, folder
        (folder / "police").mkdir(parents=True)
        pq.write_table(people(), folder / "police" / "persons.parquet")
        self.asking, self.giving = services.department("human-resources"), services.department("police")
        made = services.catalogue.register(self.giving, "register.odcs.yaml", CONTRACT)
        services.lifecycle.publish(self.giving, made.interface, made.version)
        self.interface = made.interface
        self.agreements = Agreements(services.database, services.ledger, services.catalogue, services.clock)
        self.sources = Sources(folder, folder / "spill", Network.of("10.0.0.0/8", loopback=True).admits, threads=2)
        self.connecting = Connecting(
            services.database, services.ledger, services.catalogue, self.sources, b"s" * 32, services.clock
        )
        self.desk = Desk(self.connecting, self.agreements, MASKS, services.clock)
        urls = Urls(b"u" * 32, "http://tongban.test", services.clock, 3600)
        self.bulk = Bulk(self.desk, folder / "kept", folder / "work", urls)
        self.streams = Streams(self.desk, folder / "work")
        self.aggregates = Aggregates(self.desk)
        self.connecting.connect(self.giving, self.interface, TABLE, "files", "persons.parquet")
        self.agreement = self.agree()

    def made(self) -> list[Path]:
        """Every file that was made and is there."""
        return [path for of in ("kept", "work") for path in (self.folder / of).rglob("*") if path.is_file()]

    def web(self) -> Any:
        """All routes, as a client reaches them."""
        routes = router(self.bulk, self.streams, self.aggregates, self.services.access, "http://tongban.test")
        return self.services.web(sharing_router(self.bulk), routes)

    def agree(self, fields: tuple[str, ...] = ("GMSFHM", "CSRQ", "HJXZQH"), **terms: Any) -> Agreement:
        wish = Wish(
            interface=self.interface, table=TABLE, fields=fields, legal_basis="b", scenario="s", purpose=PURPOSE,
            mode="bulk", duration_days=30,
        )  # fmt: skip
        application = self.agreements.apply(self.asking, wish)
        assert application.missing == ()
        made = self.agreements.answer(self.giving, application.id, "consent")
        assert made is not None
        return self.under(made, **terms) if terms else made

    def under(self, agreement: Agreement, **terms: Any) -> Agreement:
        return self.save(replace(agreement, terms=terms))

    def save(self, agreement: Agreement) -> Agreement:
        """Put an agreement as its sides agree on it."""
        with self.services.database.transaction() as tx:
            agreement_store.save_agreement(tx, agreement)
        return agreement

    def recipient(self, agreement: Agreement | None = None) -> Any:
        _, secret = self.bulk.shares.issue(self.asking, (agreement or self.agreement).id, PURPOSE)
        return self.bulk.shares.recipient(secret)

    def stream(self, agreement: Agreement | None = None, format: str = "parquet", **how: Any) -> pa.Table:
        made = self.streams.fetch(self.asking, (agreement or self.agreement).id, TABLE, PURPOSE, format, **how)
        try:
            if format == "parquet":
                return pq.read_table(made.path)
            if format == "arrow":
                return pa.ipc.open_stream(made.path).read_all()
            return made.path.read_text()
        finally:
            self.streams.done(made, True)


once = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what has nothing to do with the service's own database."""


def refused(raised: Any) -> str:
    return str(raised.value.extra.get("rule", raised.value.extra))


def base(world: World) -> str:
    return f"/delta-sharing/shares/{world.agreement.id}/schemas/police_register/tables/{TABLE}"


def bearer(world: World, web: TestClient, agreement: Agreement | None = None) -> dict[str, str]:
    id = (agreement or world.agreement).id
    answer = web.post(f"/api/v1/agreements/{id}/shares", json={"purpose": PURPOSE},
                      headers=world.services.bearer(world.asking))  # fmt: skip
    assert answer.status_code == 201, answer.text
    profile = answer.json()
    assert profile["shareCredentialsVersion"] == 1
    assert profile["endpoint"] == "http://tongban.test/delta-sharing"
    assert answer.headers["content-disposition"].endswith('.share"')
    return {"Authorization": f"Bearer {profile['bearerToken']}"}


def lines_of(answer: Any) -> list[dict[str, Any]]:
    assert answer.text.isascii()
    assert answer.text.endswith("\n")
    assert not answer.text.endswith("\n\n")
    return [json.loads(line) for line in answer.text[:-1].split("\n")]


def path_of(url: str) -> str:
    return url.removeprefix("http://tongban.test")
