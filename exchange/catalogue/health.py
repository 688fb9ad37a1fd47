"""How well each department keeps its part of the catalogue: what was seen to work, what its entries lack, and what
several departments share. Read from the rows of the catalogue alone, never from documents."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, case, func, select

from exchange.catalogue.index import ITEMS
from exchange.catalogue.items import ASKS, GIVES
from exchange.catalogue.model import State
from exchange.catalogue.probing import PROBES, WAIVERS, newest
from exchange.catalogue.reuse import TRIVIAL
from exchange.catalogue.store import INTERFACES
from specs import elements
from specs.model import Kind

LIVE = INTERFACES.c.state.in_([State.PUBLISHED, State.DEPRECATED])
OWN = func.coalesce(INTERFACES.c.offered_by, "") == ""
"""What apps of vendors offer has no endpoint of a department and shares none of its data."""
SERVICE = (INTERFACES.c.kind == Kind.API) & OWN

Words = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Health:
    """Of what a department has in force: interfaces, services among them, of these how many were probed and failed,
    and how many operations were asked and answered well."""

    department: str
    interfaces: int
    services: int
    probed: int
    failing: int
    asked: int
    answered: int

    @property
    def live(self) -> float | None:
        """Share of the operations asked that answered well, 0 to 1; None when none was asked."""
        return self.answered / self.asked if self.asked else None

    def to_json(self) -> dict[str, Any]:
        """The shape of the API."""
        return {**asdict(self), "live": None if self.live is None else round(self.live, 4)}


@dataclass(frozen=True, slots=True)
class Gap:
    """An interface in force whose entry is not whole. ``lacks``: keys of `LACKS`; ``unbound`` of its ``fields`` carry
    no data element."""

    interface: str
    department: str
    title: Words
    lacks: tuple[str, ...]
    unbound: int
    fields: int

    def to_json(self) -> dict[str, Any]:
        """The shape of the API."""
        return {**asdict(self), "lacks": [{"rule": rule, "words": dict(LACKS[rule])} for rule in self.lacks]}


LACKS: Mapping[str, Words] = {
    "no-entry": {"zh_CN": "没有目录条目（第十三条）", "en": "no catalogue entry (art 13)"},
    "no-classification": {"zh_CN": "未定数据级别", "en": "no data classification"},
    "no-frequency": {"zh_CN": "未写更新频率", "en": "no update frequency"},
    "no-endpoint": {"zh_CN": "未登记服务地址", "en": "no endpoint"},
    "never-probed": {"zh_CN": "从未探测，也没有豁免", "en": "never probed, and no waiver"},
    "unbound-fields": {"zh_CN": "多数字段没有对应数据元", "en": "most fields carry no data element"},
    "one-language": {"zh_CN": "名称只有一种语言", "en": "named in one language only"},
}
"""What an entry may lack, gravest first, in words."""


@dataclass(frozen=True, slots=True)
class Shared:
    """A data element that several departments give, or that one gives and another still asks for."""

    element: str
    title: Words
    givers: tuple[str, ...]
    askers: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The shape of the API."""
        return asdict(self)


def health(tx: Connection) -> list[Health]:
    """How much of each department's services was seen to work, by department."""
    columns = (INTERFACES.c.id, INTERFACES.c.department, case((SERVICE, 1), else_=0).label("service"))
    rows = tx.execute(select(*columns).where(LIVE).order_by(INTERFACES.c.department)).all()
    probes = {probe.interface: probe for probe in newest(tx)}
    made = []
    for department, group in groupby(rows, lambda row: str(row.department)):
        own = list(group)
        seen = [probes[row.id] for row in own if row.service and row.id in probes]
        made.append(
            Health(
                department,
                len(own),
                sum(row.service for row in own),
                len(seen),
                sum(not probe.passed for probe in seen),
                sum(probe.asked for probe in seen),
                sum(result.live for probe in seen for result in probe.results),
            )
        )
    return made


def gaps(tx: Connection, department: str | None, now: str) -> list[Gap]:
    """Entries in force that lack something, those that lack most first; of one department or of all."""
    bare = func.sum(case((ITEMS.c.element == "", 1), else_=0)).label("bare")
    counted = select(ITEMS.c.interface, func.count().label("fields"), bare).group_by(ITEMS.c.interface)
    fields = {row.interface: (int(row.bare), int(row.fields)) for row in tx.execute(counted)}
    probed = set(tx.execute(select(PROBES.c.interface).distinct()).scalars())
    probed |= set(tx.execute(select(WAIVERS.c.interface).where(WAIVERS.c.until > now)).scalars())
    columns = [INTERFACES.c[name] for name in ("id", "department", "title", "kind", "endpoint")]
    columns += [INTERFACES.c[name] for name in ("sharing_class", "classification", "update_frequency")]
    query = select(*columns, case((SERVICE, 1), else_=0).label("service")).where(LIVE, OWN)
    if department is not None:
        query = query.where(INTERFACES.c.department == department)
    made = []
    for row in tx.execute(query):
        unbound, whole = fields.get(row.id, (0, 0))
        entry = row.kind != Kind.PROCESS  # a process shares no data of its own
        speaks = {
            "no-entry": entry and not row.sharing_class,
            "no-classification": entry and bool(row.sharing_class) and not row.classification,
            "no-frequency": entry and bool(row.sharing_class) and not row.update_frequency,
            "no-endpoint": bool(row.service) and not row.endpoint,
            "never-probed": bool(row.service) and bool(row.endpoint) and row.id not in probed,
            "unbound-fields": unbound * 2 > whole,
            "one-language": len([words for words in row.title.values() if words]) < 2,
        }
        lacks = tuple(rule for rule in LACKS if speaks[rule])
        if lacks:
            made.append(Gap(row.id, row.department, row.title, lacks, unbound, whole))
    return sorted(made, key=lambda gap: (-len(gap.lacks), gap.department, gap.interface))


def shared(tx: Connection, most: int = 100) -> list[Shared]:
    """Elements to name one lead source for, or to stop collecting: those of most departments first."""
    own = select(INTERFACES.c.id, INTERFACES.c.department).where(LIVE, OWN)
    departments = {row.id: row.department for row in tx.execute(own)}
    columns = (ITEMS.c.interface, ITEMS.c.way, ITEMS.c.element, ITEMS.c.qualifier)
    rows = tx.execute(select(*columns).where(ITEMS.c.element != "", ITEMS.c.element.not_in(TRIVIAL))).all()
    handed = {(interface, element, whose) for interface, way, element, whose in rows if way != GIVES}
    givers, askers = defaultdict[str, set[str]](set), defaultdict[str, set[str]](set)
    for interface, way, element, whose in rows:
        department = departments.get(interface)
        # what it was handed by its caller and gives back is no source of it
        if department and way == GIVES and (interface, element, whose) not in handed:
            givers[element].add(department)
        elif department and way == ASKS:
            askers[element].add(department)
    made = []
    for element, giving in givers.items():
        asking = askers.get(element, set()) - giving
        if len(giving) > 1 or asking:
            known = elements.dictionary().get(element)
            title = dict(known.title) if known else {"zh_CN": element}
            made.append(Shared(element, title, tuple(sorted(giving)), tuple(sorted(asking))))
    return sorted(made, key=lambda one: (-len(one.givers) - len(one.askers), one.element))[:most]
