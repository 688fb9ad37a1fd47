"""Bulk sharing as values: what a share is called, which terms narrow it, and whether a file of it may leave."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from exchange.agreements.model import Agreement
from exchange.agreements.wish import Mode
from exchange.brokering.model import Decision, Request, decide
from exchange.errors import Unprocessable

ROWS, MASKS, AGGREGATES = "rows", "masks", "aggregates"
ENFORCED = frozenset({ROWS, MASKS, AGGREGATES})
"""Terms of an agreement that bulk enforces. One that is not here refuses, as it does in a service call."""
BULK_MODES = frozenset({Mode.BULK, Mode.FILE})
URL_SECONDS = 3600
"""How long a file URL is good. The Delta Sharing client cannot renew one, so it has to outlast a download."""
_NAME = re.compile(r"[^\W]+(?:[-_][^\W]+)*\Z")

RULES: Mapping[str, tuple[str, str, str]] = {
    # rule: (zh_CN, en, what to do)
    "no-source": (
        "提供方尚未登记数据来源",
        "the provider has not connected a source of this table",
        "ask the department: PUT /api/v1/interfaces/{id}/tables/{table}/source",
    ),
    "aggregates-only": (
        "授权只允许带噪声的统计结果",
        "the agreement gives noisy aggregates only, no rows",
        "ask POST /api/v1/bulk/{agreement}/tables/{table}/aggregates",
    ),
    "no-aggregates": (
        "授权不包含统计结果",
        "the agreement says nothing of aggregates",
        "read the rows it gives, or apply for aggregates",
    ),
    "row-filter-untranslatable": (
        "行条件无法在批量交换中执行",
        "the agreed row filter cannot be enforced in bulk",
        "the provider words it with comparisons, in, &&, ||, !, has(row.x), startsWith, endsWith, contains",
    ),
    "mask-unenforceable": (
        "脱敏规则无法在批量交换中执行",
        "an agreed mask cannot be enforced in bulk",
        "masks are hash, truncate, generalise and remove; see docs/bulk.md",
    ),
    "column-missing": (
        "数据来源缺少授权的字段",
        "the provider's source lacks an agreed column",
        "the provider was told; try again later",
    ),
    "budget-spent": (
        "隐私预算已用完",
        "the privacy budget of the agreement does not cover this question",
        "ask with a smaller epsilon, or apply for a new agreement",
    ),
    "terms-changed": (
        "授权范围或条件已变更",
        "the agreement gives something else than when this was asked",
        "ask again: what is agreed now is made anew",
    ),
    "share-revoked": (
        "共享令牌已撤销",
        "the token this file was opened with has been revoked",
        "fetch a new profile: POST /api/v1/agreements/{id}/shares",
    ),
}
"""Rules of bulk beside those every call has (`brokering.model.RULES`)."""


class Kind(StrEnum):
    """Where a provider's table comes from: Parquet or CSV files, a DuckDB file, a database by SQLAlchemy URL."""

    FILES = "files"
    DUCKDB = "duckdb"
    DATABASE = "database"


@dataclass(frozen=True, slots=True)
class Source:
    """A table as its provider connected it. ``location``: a path below the department's folder, or the URL without
    its password; ``item``: table (or schema.table) in a database. ``fresh_seconds``: how long what was read counts as
    current, for databases that cannot tell when they changed. ``texts``: columns the contract calls text, so that a CSV
    file's numbers of that kind keep their zeros.
    """

    interface: str
    table: str
    department: str
    kind: Kind
    location: str
    item: str
    fresh_seconds: int
    set_at: str
    set_by: str
    url: str = field(default="", repr=False)
    texts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Share:
    """A recipient's token: one agreement, dies with it. Only a hash of the secret is kept."""

    id: str
    agreement: str
    purpose: str
    issued_at: str
    issued_by: str
    expires_at: str
    revoked_at: str | None = None


@dataclass(frozen=True, slots=True)
class File:
    """One Parquet file of a snapshot; its id is its content's SHA-256. ``head`` > 0: only the first so many rows."""

    number: int
    name: str
    sha256: str
    bytes: int
    records: int
    head: int = 0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What an agreement gives of a table at one version: filtered, projected and masked. ``schema``: Spark's JSON;
    ``fingerprint``: of the terms and of the source's state it was made from, with a colon between.
    """

    id: str
    agreement: str
    table: str
    version: int
    fingerprint: str
    made_at: str
    schema: str
    columns: tuple[str, ...]
    files: tuple[File, ...] = ()

    @property
    def terms(self) -> str:
        """Digest of the terms it was made under."""
        return self.fingerprint.partition(":")[0]

    @property
    def whole(self) -> tuple[File, ...]:
        """The files that together are the table."""
        return tuple(file for file in self.files if not file.head)


@dataclass(frozen=True, slots=True)
class Opened:
    """A query that was permitted: its files (``numbers``) may be fetched by signed URL while the agreement lasts."""

    id: str
    agreement: str
    snapshot: str
    table: str
    share: str
    caller: str
    at: str
    numbers: tuple[int, ...] = ()


def permitted(
    agreement: Agreement | None,
    *,
    consumer: str,
    interface: str,
    table: str,
    purpose: str,
    now: datetime,
    fields: tuple[str, ...] = (),
    aggregates: bool = False,
) -> Decision:
    """Whether a file (or a noisy aggregate) may leave: the broker's own `decide`, for the two bulk modes.

    `decide` knows the mode of service calls, so an agreement for bulk is put to it as what bulk is to us, and one for
    service calls as foreign. Terms that bulk enforces are taken out before; any other refuses.
    """
    asked = agreement
    if agreement is not None:
        mode = Mode.SERVICE if agreement.mode in BULK_MODES else Mode.BULK
        left = {name: term for name, term in agreement.terms.items() if name not in ENFORCED}
        asked = replace(agreement, mode=mode, terms=left)
    decision = decide(asked, Request(consumer, interface, table, purpose, fields), now)
    if decision.rule == "other-mode":
        return replace(decision, hint="apply for the mode bulk")
    if not decision.allowed or agreement is None:
        return decision
    only = AGGREGATES in agreement.terms
    if only != aggregates:
        return refuse("aggregates-only" if only else "no-aggregates")
    return decision


def refuse(rule: str, more: str = "") -> Decision:
    """A refusal in the words of `RULES`; ``more`` adds what is particular to this case."""
    chinese, english, hint = RULES[rule]
    tail = f" ({more})" if more else ""
    return Decision(False, rule, {"zh_CN": chinese + tail, "en": english + tail}, hint)


def shareable(name: str) -> str:
    """The name, if Delta Sharing's client can carry it in a path. Raises `Unprocessable`.

    Letters of any script, digits, ``_`` and ``-``: a dot splits a table's address, the rest breaks its URL.
    """
    if not _NAME.match(name) or len(name) > 255:
        raise Unprocessable(
            f"{name!r} cannot be shared under that name", hint="letters, digits, _ and -; at most 255 characters"
        )
    return name


def schema_name(interface: str) -> str:
    """The schema an interface's tables stand in: ``police.residents`` → ``police_residents``."""
    return interface.replace(".", "_")
