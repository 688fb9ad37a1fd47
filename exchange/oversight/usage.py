"""Who used my data: what the ledger knows of a person, shown to that person, under rules of disclosure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from exchange.brokering.subjects import beside
from exchange.clock import Clock, moment, new_id, stamp
from exchange.database import Database
from exchange.errors import Forbidden, Invalid, NotFound, TooMany, Unavailable, Unprocessable
from exchange.ledger.model import Entry
from exchange.ledger.service import Ledger
from exchange.oversight import store as sums
from exchange.oversight import usage_store as store
from exchange.oversight.disclosure import Action, Rule, Viewer, check, chosen, released, shown_from
from exchange.oversight.guardians import Guardians
from exchange.oversight.identity import WINDOW, Identity, Proven
from exchange.oversight.model import Filter
from exchange.parties.access import Caller, permit
from specs import elements

USED = "delivery.made"
PAGE = 500
READ_AT_MOST = 100_000
"""Entries of one person looked at for one answer."""
VIEWS = 120
"""Views of one person in an hour."""
SYSTEM_NAME = "tongban"


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a person's data: who got which fields, for what, on which law. ``entry``: where it is proved.

    ``withheld_until``: until when a rule kept it back. ``role``: ``subject`` where the data are about the person,
    ``mentioned`` where the person only appears in data about somebody else; then ``fields`` are those of such persons.
    """

    at: str
    receiver: str
    provider: str
    interface: str
    operation: str
    purpose: str
    legal_basis: str
    fields: tuple[str, ...]
    entry: int
    agreement: str
    handled_matter: str
    withheld_until: str | None
    role: str = "subject"

    def to_dict(self) -> dict[str, Any]:
        """The JSON shape of the API."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__} | {"fields": list(self.fields)}


class Usage:
    """Use cases of disclosure. Whoever asks has proved who they are; each asking is recorded, and limited."""

    def __init__(
        self, database: Database, ledger: Ledger, identity: Identity, clock: Clock, guardians: Guardians | None = None
    ) -> None:
        """``guardians`` None: nobody can ask for somebody else."""
        self.database, self.ledger, self.identity, self.clock = database, ledger, identity, clock
        self._guardians = guardians

    # ---- for the person

    @property
    def guardians(self) -> Guardians:
        """Proofs of guardianship. Raises `Unavailable` where there are none."""
        if self._guardians is None:
            raise Unavailable("no register can be asked for guardians here")
        return self._guardians

    def uses(
        self, proof: str, *, since: str = "", until: str = "", offset: int = 0, limit: int = 100
    ) -> tuple[int, list[Use]]:
        """How many uses there are, and those from ``offset`` on, newest first. Raises `Unauthenticated`, `TooMany`.

        ``since`` and ``until`` are RFC 3339 instants, the first included, the last not. A guardian's ``proof`` for a
        child shows the child's.
        """
        who = self.identity.proven(proof)
        span = _instant(since, "periodStart"), _instant(until, "periodEnd")
        now = self.clock()
        with self.database.transaction() as tx:
            key = self.identity.keyed(b"v" + who.holder.encode())
            times = store.count(tx, key, stamp(now), stamp(now - WINDOW))
        if times > VIEWS:
            raise TooMany("you looked very often", hint="try again in an hour", retry_after=3600)
        found = list(self._shown(who, *span))
        page = found[offset : offset + limit]
        with self.database.transaction() as tx:
            told = {"uses": len(page)} | ({"as": "guardian"} if who.guardian else {})
            self.ledger.append(tx, "usage.shown", told, subjects=sorted({who.number, who.holder}))
        return len(found), page

    def receipt(self, proof: str, entry: int) -> str:
        """Proof that a use of one's own data is in the ledger (tlog-proof). Raises `NotFound` for any other entry."""
        who = self.identity.proven(proof)
        mine = self._entries(who.number, after=entry - 1, before=entry + 1, limit=1)
        with self.database.reading() as tx:
            rules = store.rules(tx)
        if not any(self._is_shown(rules, found, _viewers(who, role)) for found, role in mine):
            raise NotFound(f"entry {entry} is no use of your data that you may see")
        return self.ledger.proof(entry)

    def find_usage(
        self,
        proof: str,
        user: str,
        about: str,
        start: str,
        end: str,
        offset: int,
        limit: int,
        name: Callable[[str], str],
    ) -> dict[str, Any]:
        """The answer of findUsage 2.1.0 (Estonia's Data Tracker). Asking about others is refused, always alike."""
        who = self.identity.proven(proof)
        if (_bare(user), _bare(about)) != (who.holder, who.number):
            raise Forbidden(
                "you may ask about yourself only, or as a guardian about your child",
                rule="usage.self",
                hint="X-Road-UserId is your own number, userCode the one your proof speaks for",
            )
        total, page = self.uses(proof, since=start, until=end, offset=offset, limit=limit)
        return {
            "totalUsages": total,
            "usages": [
                {
                    "logtime": use.at,
                    "action": f"{use.purpose} ({use.legal_basis})" if use.legal_basis else use.purpose,
                    "receiverCode": use.receiver,
                    "receiverName": name(use.receiver),
                    "receiverSystem": use.agreement,
                }
                for use in page
            ],
        }

    def since(self) -> str:
        """From when on uses are known: the time of the first ledger entry."""
        first = self.ledger.entries(limit=1)
        return first[0].at if first else stamp(self.clock())

    # ---- for the authority

    def rules(self, caller: Caller | None, *, in_force: bool = True) -> list[Rule]:
        """Rules of disclosure, for data officers."""
        permit(caller, "flow.read")
        with self.database.reading() as tx:
            return store.rules(tx, in_force=in_force)

    def set_rule(self, caller: Caller | None, action: str, about: Mapping[str, str], **more: Any) -> Rule:
        """The data office makes a rule; who made it on which basis is in the ledger. Raises `Unprocessable`."""
        caller = permit(caller, "usage.rule")
        now = self.clock()
        try:
            kind = Action(action)
            review = str(date.fromisoformat(str(more.get("review_on", ""))))
        except ValueError:
            raise Unprocessable("a rule shows, delays or hides, and is reviewed on a day", pointer="/action") from None
        words = {name: about.get(name, "").strip() for name in ("purpose", "law", "interface", "consumer")}
        rule = Rule(
            new_id("dsr", now), kind, **words, delay_days=int(more.get("delay_days", 0)),
            basis=str(more.get("basis", "")).strip(), by=caller.id, at=stamp(now), review_on=review,
            viewer=str(more.get("viewer", "")),
        )  # fmt: skip
        check(rule)
        with self.database.transaction() as tx:
            store.add_rule(tx, rule)
            told = {name: value for name, value in rule.to_dict().items() if name not in ("at", "id", "ended_at")}
            self.ledger.append(tx, "disclosure.set", {"rule": rule.id, **told})
        return rule

    def end_rule(self, caller: Caller | None, id: str) -> None:
        """A rule holds no more: what it kept back is shown. Raises `NotFound`."""
        caller = permit(caller, "usage.rule")
        with self.database.transaction() as tx:
            if not store.end_rule(tx, id, stamp(self.clock())):
                raise NotFound(f"no rule {id} in force")
            self.ledger.append(tx, "disclosure.ended", {"rule": id, "by": caller.id})

    def hidden(self, caller: Caller | None) -> list[dict[str, Any]]:
        """How many calls each rule that hides or delays is about: hiding is itself supervised."""
        permit(caller, "usage.rule")
        with self.database.reading() as tx:
            rules = store.rules(tx)
            found = sums.sums(tx, Filter(outcome="delivered"), None)
        counted: Counter[str] = Counter()
        for one in found:
            channel = one.channel
            use = {"purpose": channel.purpose, "legal_basis": channel.law}
            use |= {"interface": channel.interface, "consumer": channel.consumer}
            for rule in {chosen(rules, use, viewer) for viewer in Viewer}:
                if rule is not None and rule.action is not Action.SHOW:
                    counted[rule.id] += one.calls
        return [rule.to_dict() | {"calls": counted[rule.id]} for rule in rules]

    # ---- inside

    def _shown(self, who: Proven, since: str, until: str) -> Iterator[Use]:
        with self.database.reading() as tx:
            rules = store.rules(tx)
        before: int | None = None
        for _ in range(READ_AT_MOST // PAGE):
            found = self._entries(who.number, before=before, limit=PAGE)
            for entry, role in found:
                if since and entry.at < since:
                    return
                viewers = _viewers(who, role)
                if (not until or entry.at < until) and self._is_shown(rules, entry, viewers):
                    yield _use(entry, role, [chosen(rules, entry.body, viewer) for viewer in viewers])
            if len(found) < PAGE:
                return
            before = found[-1][0].index

    def _entries(
        self, number: str, *, limit: int, before: int | None, after: int | None = None
    ) -> list[tuple[Entry, Viewer]]:
        """Uses a person appears in, newest first, with what they are in each."""
        span: dict[str, Any] = {"kind": USED, "limit": limit, "newest_first": True}
        found = self.ledger.entries(after, subject=number, before=before, **span)
        if not found:
            return []
        first, last = found[-1].index, found[0].index
        named = self.ledger.entries(first - 1, subject=beside(number), before=last + 1, **span)
        only = {entry.index for entry in named}
        return [(entry, Viewer.MENTIONED if entry.index in only else Viewer.SUBJECT) for entry in found]

    def _is_shown(self, rules: list[Rule], entry: Entry, viewers: Sequence[Viewer]) -> bool:
        """Whether every rule about those who look lets it be seen: a guardian never sees more than the child."""
        starts = [shown_from(chosen(rules, entry.body, viewer), entry.at) for viewer in viewers]
        now = self.clock()
        return all(start is not None and start <= now for start in starts)


def _viewers(who: Proven, role: Viewer) -> tuple[Viewer, ...]:
    return (role, Viewer.GUARDIAN) if who.guardian else (role,)


def _use(entry: Entry, role: Viewer, rules: Sequence[Rule | None]) -> Use:
    body = entry.body
    fields = tuple(map(str, body.get("fields", ())))
    return Use(
        at=entry.at,
        receiver=str(body.get("consumer", "")),
        provider=str(body.get("provider", "")),
        interface=str(body.get("interface", "")),
        operation=str(body.get("operation", "")),
        purpose=str(body.get("purpose", "")),
        legal_basis=str(body.get("legal_basis", "")),
        fields=tuple(filter(_of_others, fields)) if role is Viewer.MENTIONED else fields,
        entry=entry.index,
        agreement=str(body.get("agreement", "")),
        handled_matter=str(body.get("handled_matter", "")),
        withheld_until=max(filter(None, (released(rule, entry.at) for rule in rules)), default=None),
        role=role.value,
    )


@lru_cache(maxsize=4096)
def _of_others(label: str) -> bool:
    """Whether a field is about somebody named beside the person the data are about: it says whose it is."""
    found = elements.find(label.rpartition("/")[2])
    return found is not None and found[0] is not None


def _instant(text: str, name: str) -> str:
    try:
        return stamp(moment(text)) if text else ""
    except ValueError:
        raise Invalid(
            f"{name} is no instant", hint="RFC 3339, such as 2026-11-02T00:00:00Z", pointer=f"/{name}"
        ) from None


def _bare(code: str) -> str:
    # X-Road writes a country before the number
    return code.strip().upper().removeprefix("CN")
