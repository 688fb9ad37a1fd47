"""The real Delta Sharing client and a running exchange: every type, both formats, revocation, one delivery a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from exchange.agreements import store as agreements
from exchange.database import Database
from exchange.serving import Serving
from exchange.settings import Settings

delta_sharing = pytest.importorskip("delta_sharing", reason="the client has a compiled part some machines lack")

# the client leaves its temporary folder to the garbage collector
pytestmark = pytest.mark.filterwarnings("ignore:.*finalize object.*:pytest.PytestUnraisableExceptionWarning")

PURPOSE, TABLE, ROWS = "人口统计", "人口_登记", 300
COLUMNS: dict[str, tuple[pa.DataType, list[Any]]] = {
    "text": (pa.string(), ["赵一鸣", "", "𠮷", "line\u2028break"]),
    "long": (pa.int64(), [2**62, -1, 0, 7]),
    "integer": (pa.int32(), [2**31 - 1, -1, 0, 7]),
    "short": (pa.int16(), [2**15 - 1, -1, 0, 7]),
    "byte": (pa.int8(), [127, -1, 0, 7]),
    "unsigned": (pa.uint32(), [2**32 - 1, 1, 0, 7]),
    "float": (pa.float32(), [1.5, -0.25, 0.0, 7.0]),
    "double": (pa.float64(), [1e300, -0.1, 0.0, 7.0]),
    "flag": (pa.bool_(), [True, False, True, False]),
    "money": (pa.decimal128(12, 2), [Decimal("1234567890.12"), Decimal("-0.01"), Decimal("0.00"), Decimal("7.00")]),
    "day": (pa.date32(), [date(1949, 10, 1), date(2024, 2, 29), date(1970, 1, 1), date(2026, 1, 31)]),
    "moment": (pa.timestamp("us"), [datetime(2024, 2, 29, 12, 30), datetime(1949, 10, 1), datetime(1970, 1, 1, 0, 0, 1),
                                    datetime(2026, 12, 31, 23, 59, 59, 999999)]),
    "zoned": (pa.timestamp("ns", "Asia/Shanghai"), [datetime(2024, 2, 29, 12, 30), datetime(1949, 10, 1),
                                                    datetime(1970, 1, 1, 0, 0, 1), datetime(2026, 12, 31)]),
    "coded": (pa.dictionary(pa.int32(), pa.string()), ["110101", "", "310101", "110101"]),
    "raw": (pa.binary(), [b"\x00\xff", b"", b"a", b"b"]),
    "list": (pa.list_(pa.int64()), [[1, 2], [], [None], [3]]),
    "object": (pa.struct({"a": pa.string(), "b": pa.int32()}), [{"a": "x", "b": 1}, {"a": None, "b": 2}, None,
                                                                {"a": "", "b": None}]),
}  # fmt: skip


def contract() -> str:
    fields = "\n".join(f"      - {{name: {name}, logicalType: string}}" for name in [*COLUMNS, "hidden"])
    return f"""
apiVersion: v3.1.0
kind: DataContract
id: police.register
name: 人口登记
version: 1.0.0
status: active
schema:
  - name: {TABLE}
    logicalType: object
    properties:
{fields}
"""


def source() -> pa.Table:
    """Every type with nulls: each column's values over and over, every fifth null."""
    made = {
        name: pa.array([None if n % 5 == 4 else values[n % len(values)] for n in range(ROWS)], type)
        for name, (type, values) in COLUMNS.items()
    }
    return pa.table(made | {"hidden": ["must never leave"] * ROWS})


class World:
    """A running exchange with a provider's file, and a consumer's agreement on all columns but one."""

    def __init__(self, base: str, settings: Settings, folder: Path) -> None:
        self.base, self.settings, self.folder = base, settings, folder
        self.http = httpx2.Client(base_url=base, timeout=60)
        self.operator = self.token("operator", settings.operator_secret)
        self.police, self.asking = self.party("police"), self.party("statistics")
        self.send("POST", "/api/v1/interfaces", self.police, {"filename": "a.odcs.yaml", "document": contract()})
        self.send("POST", "/api/v1/interfaces/police.register/versions/1.0.0/publication", self.police)
        body = {"kind": "files", "location": "register.parquet"}
        self.send("PUT", f"/api/v1/interfaces/police.register/tables/{quote(TABLE)}/source", self.police, body)
        wish = {"interface": "police.register", "table": TABLE, "fields": list(COLUMNS), "legal_basis": "b",
                "scenario": "s", "purpose": PURPOSE, "mode": "bulk", "duration_days": 30}  # fmt: skip
        filed = self.send("POST", "/api/v1/applications", self.asking, wish)
        answered = self.send("POST", f"/api/v1/applications/{filed['id']}/answer", self.police, {"decision": "consent"})
        self.agreement = answered["agreement"]

    def token(self, id: str, secret: str) -> dict[str, str]:
        data = {"grant_type": "client_credentials", "client_id": id, "client_secret": secret}
        return {"Authorization": f"Bearer {self.http.post('/oauth/token', data=data).json()['access_token']}"}

    def party(self, id: str) -> dict[str, str]:
        body = {"id": id, "kind": "department", "name": {"zh_CN": id, "en": id}}
        self.send("POST", "/api/v1/parties", self.operator, body)
        client = {"label": "t", "roles": ["admin", "engineer", "reviewer"]}
        made = self.send("POST", f"/api/v1/parties/{id}/clients", self.operator, client)
        return self.token(made["client_id"], made["client_secret"])

    def send(self, method: str, path: str, who: dict[str, str], body: Any = None) -> Any:
        answer = self.http.request(method, path, json=body, headers=who)
        assert answer.status_code < 300, f"{path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def profile(self, name: str = "a.share") -> str:
        made = self.send("POST", f"/api/v1/agreements/{self.agreement}/shares", self.asking, {"purpose": PURPOSE})
        path = self.folder / name
        path.write_text(json.dumps(made))
        return str(path)

    def table(self, profile: str) -> str:
        return f"{profile}#{self.agreement}.police_register.{TABLE}"

    def deliveries(self, state: str = "delivered") -> list[dict[str, Any]]:
        found = self.send("GET", f"/api/v1/deliveries?state={state}&interface=police.register", self.police)
        return list(found["items"])

    def under(self, **terms: Any) -> None:
        """Put terms under the agreement, as its sides agree on them."""
        database = Database(self.settings.url)
        with database.transaction() as tx:
            found = agreements.agreement(tx, self.agreement)
            assert found is not None
            agreements.save_agreement(tx, replace(found, terms=terms))
        database.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = tmp_path_factory.mktemp("bulk")
    (home / "files" / "police").mkdir(parents=True)
    pq.write_table(source(), home / "files" / "police" / "register.parquet")
    wanted = Settings(
        home=home / "home", port=0, operator_secret="operator-secret-of-the-test", bulk_folder=str(home / "files")
    )
    with Serving(wanted) as serving:
        yield World(serving.settings.base_url, serving.settings, home)


def plain(value: Any) -> Any:
    """A cell as the client's frame holds it, as the source held it."""
    import numpy as np
    import pandas as pd

    if isinstance(value, np.ndarray | list):
        return [plain(part) for part in value]
    if isinstance(value, dict):
        return {name: plain(part) for name, part in value.items()}
    if value is None or value is pd.NaT or (isinstance(value, float) and value != value):
        return None
    if isinstance(value, pd.Timestamp):
        return value.tz_convert(UTC).to_pydatetime().replace(tzinfo=None)
    value = value.item() if isinstance(value, np.generic) else value
    # pandas holds whole numbers beside nulls as fractions
    return int(value) if isinstance(value, float) and value.is_integer() else value


@pytest.mark.parametrize("delta", [True, False])
def test_every_type_arrives_cell_by_cell_and_what_is_not_agreed_does_not(world: World, delta: bool) -> None:
    profile = world.profile()
    client = delta_sharing.SharingClient(profile)
    [table] = client.list_all_tables()
    assert (table.name, table.schema, table.share) == (TABLE, "police_register", world.agreement)
    assert client.list_tables(client.list_schemas(client.list_shares()[0])[0]) == [table]
    before = len(world.deliveries())
    frame = delta_sharing.load_as_pandas(world.table(profile), use_delta_format=delta)
    assert sorted(frame.columns) == sorted(COLUMNS)
    rows = source().select(list(COLUMNS)).to_pylist()
    expected = [{name: plain(value) for name, value in row.items()} for row in rows]
    got = [{name: plain(value) for name, value in row.items()} for row in frame.to_dict("records")]
    key = repr
    assert sorted(key(sorted(row.items())) for row in got) == sorted(key(sorted(row.items())) for row in expected)
    # several HTTP requests by the client, one delivery
    assert len(world.deliveries()) == before + 1
    newest = world.deliveries()[0]
    assert (newest["records"], newest["operation"]) == (ROWS, TABLE)
    flows = world.send("GET", f"/api/v1/bulk/{world.agreement}/flows", world.police)["items"]
    mine = next(flow for flow in flows if flow["delivery"] == newest["id"])
    assert mine["requests"] >= 1
    assert mine["bytes"] > 0


def test_automatic_choice_limit_and_no_rows(world: World) -> None:
    url = world.table(world.profile())
    assert len(delta_sharing.load_as_pandas(url)) == ROWS
    assert len(delta_sharing.load_as_pandas(url, limit=3)) == 3
    version = delta_sharing.get_table_version(url)
    world.under(rows="long == 8")
    for delta in (True, False):
        empty = delta_sharing.load_as_pandas(url, use_delta_format=delta)
        assert len(empty) == 0
        assert sorted(empty.columns) == sorted(COLUMNS)
    assert delta_sharing.get_table_version(url) == version + 1
    world.under(rows="has(row.text) && text != ''", masks={"text": "hash"})
    masked = delta_sharing.load_as_pandas(url)
    assert set(masked["text"].str.len()) == {32}
    world.under()


def test_the_receipt_of_a_file_can_be_proved(world: World) -> None:
    delta_sharing.load_as_pandas(world.table(world.profile()))
    newest = world.deliveries()[0]
    proof = world.http.get(newest["receipt"], headers=world.asking)
    assert proof.status_code == 200
    assert proof.text.startswith("c2sp.org/tlog-proof")
    shown = world.send("GET", f"/api/v1/deliveries/{newest['id']}", world.asking)
    assert len(shown["evidence"]["payload"]["response_sha256"]) == 64


def test_a_revoked_agreement_stops_the_client_at_once(world: World) -> None:
    url = world.table(world.profile())
    assert len(delta_sharing.load_as_pandas(url, limit=1)) == 1
    world.send("POST", f"/api/v1/agreements/{world.agreement}/suspension", world.police, {"reason": "misuse"})
    before = len(world.deliveries())
    with pytest.raises(Exception, match="agreement is suspended") as raised:
        delta_sharing.load_as_pandas(url)
    assert world.agreement in str(raised.value)
    assert len(world.deliveries()) == before
    assert world.deliveries("refused")[0]["rule"] == "agreement-not-active"
    world.send("POST", f"/api/v1/agreements/{world.agreement}/resumption", world.police, {"reason": "corrected"})
    assert len(delta_sharing.load_as_pandas(url, limit=1)) == 1
