"""The market: demand → order → app version → certificate → listing → launch → handled matter → rating."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Any

from exchange.errors import Conflict, Forbidden, Unprocessable

LEVELS = {5: "非常满意", 4: "满意", 3: "基本满意", 2: "不满意", 1: "非常不满意"}
"""The five 好差评 levels (国办发〔2019〕51号; GB/T 39735); numbers as stars are a product rule."""


class VersionState(StrEnum):
    """Life of an app version; only a version whose certificate is valid is ever listed."""

    REGISTERED = "registered"
    IN_TEST = "in_test"
    LISTED = "listed"
    REFUSED = "refused"
    DELISTED = "delisted"


@dataclass(frozen=True, slots=True)
class Demand:
    """需求: a department asks the market for an app of one matter."""

    id: str
    department: str
    matter: str
    title_zh: str
    title_en: str
    published_at: str


@dataclass(frozen=True, slots=True)
class Order:
    """求购订单: one vendor has taken a demand; several vendors may take the same."""

    id: str
    demand: str
    vendor: str
    taken_at: str


@dataclass(frozen=True, slots=True)
class App:
    """应用: a vendor's product for the matter of an order."""

    id: str
    order_id: str
    vendor: str
    matter: str
    name_zh: str
    name_en: str


@dataclass(frozen=True, slots=True)
class AppVersion:
    """One build of an app, bound by its artefact digest to what was tested."""

    id: str
    app: str
    vendor: str
    matter: str
    version: str
    url: str
    artefact_digest: str
    state: VersionState
    certification: str | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """上架: a certified app version that citizens may choose, until its certificate ends."""

    id: str
    app_version: str
    app: str
    vendor: str
    matter: str
    certification: str
    grade: str
    listed_at: str
    valid_until: str
    active: bool = True


@dataclass(frozen=True, slots=True)
class HandledMatter:
    """办件: what came of one launch. Completed only by the gateway's own record, never on the vendor's word.
    ``reminded_at``: when the person was reminded of the rating.
    """

    id: str
    launch: str
    listing: str
    vendor: str
    matter: str
    citizen: str
    opened_at: str
    steps: tuple[str, ...] = ()
    completed_at: str | None = None
    reminded_at: str | None = None

    @property
    def state(self) -> str:
        """``open`` or ``completed``."""
        return "completed" if self.completed_at else "open"


@dataclass(frozen=True, slots=True)
class Rating:
    """评价: one level for one finished handled matter, by the person whose matter it was."""

    handled_matter: str
    listing: str
    level: int
    comment: str
    rated_at: str


def neutral_order(listings: list[Listing], day: date) -> list[Listing]:
    """Order of display that favours nobody (优化营商环境条例 art 37): shuffled anew each day by a hash."""
    return sorted(listings, key=lambda listing: hashlib.sha256(f"{day.isoformat()}/{listing.id}".encode()).digest())


def progress(matter: HandledMatter, done: str, required: frozenset[str], at: str) -> HandledMatter:
    """The handled matter after a department confirmed one more operation (``interface#operation``)."""
    steps = matter.steps if done in matter.steps else (*matter.steps, done)
    completed = matter.completed_at or (at if required <= set(steps) else None)
    return replace(matter, steps=steps, completed_at=completed)


def check_rating(matter: HandledMatter, citizen: str, level: int, already: bool) -> None:
    """一次一评: raises unless this person may rate this handled matter now, once, with one of the five levels."""
    if matter.citizen != citizen:
        raise Forbidden("only the person whose matter it was rates it", rule="rating.own-matter")
    if level not in LEVELS:
        raise Unprocessable(f"there is no rating level {level}", hint="levels are 1 to 5", pointer="/level")
    if matter.completed_at is None:
        raise Conflict("this handled matter is not finished", hint="rate it when its result is there")
    if already:
        raise Conflict("this handled matter was rated already", hint="one rating for each handled matter")


def to_dict(value: Any) -> dict[str, Any]:
    """The JSON shape of any market value."""
    body = {name: getattr(value, name) for name in value.__dataclass_fields__}
    if isinstance(value, HandledMatter):
        body["state"] = value.state
    return body
