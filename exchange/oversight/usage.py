"""Who used my data: what the ledger knows of a person, shown to that person, under rules of disclosure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from exchange.clock import Clock, moment, new_id, stamp
from exchange.database import Database
from exchange.errors import Forbidden, Invalid, NotFound, TooMany, Unprocessable
from exchange.ledger.model import Entry
from exchange.ledger.service import Ledger
from exchange.oversight import store as sums
from exchange.oversight import usage_store as store
from exchange.oversight.disclosure import Action, Rule, check, chosen, released, shown_from
from exchange.oversight.identity import WINDOW, Identity
from exchange.oversight.model import Filter
from exchange.parties.access import Caller, permit

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

    ``withheld_until``: until when a rule kept it back.
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

    def to_dict(self) -> dict[str, Any]:
        """The JSON shape of the API."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__} | {"fields": list(self.fields)}


class Usage:
    """Use cases of disclosure. Whoever asks has proved who they are; each asking is recorded, and limited."""

    def __init__(self, database: Database, ledger: Ledger, identity: Identity, clock: Clock) -> None:
        self.database, self.ledger, self.identity, self.clock = database, ledger, identity, clock

    # ---- for the person

    def uses(
        self, proof: str, *, since: str = "", until: str = "", offset: int = 0, limit: int = 100
    ) -> tuple[int, list[Use]]:
        """How many uses there are, and those from ``offset`` on, newest first. Raises `Unauthenticated`, `TooMany`.

        ``since`` and ``until`` are RFC 3339 instants, the first included, the last not.
        """
        number = self.identity.proven(proof)
        span = _instant(since, "periodStart"), _instant(until, "periodEnd")
        now = self.clock()
        with self.database.transaction() as tx:
            key = self.identity.keyed(b"v" + number.encode())
            times = store.count(tx, key, stamp(now), stamp(now - WINDOW))
        if times > VIEWS:
            raise TooMany("you looked very often", hint="try again in an hour", retry_after=3600)
        found = list(self._shown(number, *span))
        page = found[offset : offset + limit]
        with self.database.transaction() as tx:
            self.ledger.append(tx, "usage.shown", {"uses": len(page)}, subjects=[number])
        return len(found), page

    def receipt(self, proof: str, entry: int) -> str:
        """Proof that a use of one's own data is in the ledger (tlog-proof). Raises `NotFound` for any other entry."""
        number = self.identity.proven(proof)
        mine = self.ledger.entries(after=entry - 1, before=entry + 1, kind=USED, subject=number, limit=1)
        with self.database.reading() as tx:
            rules = store.rules(tx)
        if not mine or not self._is_shown(rules, mine[0]):
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
        number = self.identity.proven(proof)
        if {_bare(user), _bare(about)} != {number}:
            raise Forbidden("you may ask about yourself only", rule="usage.self", hint="userCode is your own number")
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
            rule = chosen(rules, use | {"interface": channel.interface, "consumer": channel.consumer})
            if rule is not None and rule.action is not Action.SHOW:
                counted[rule.id] += one.calls
        return [rule.to_dict() | {"calls": counted[rule.id]} for rule in rules]

    # ---- inside

    def _shown(self, number: str, since: str, until: str) -> Iterator[Use]:
        with self.database.reading() as tx:
            rules = store.rules(tx)
        before: int | None = None
        for _ in range(READ_AT_MOST // PAGE):
            found = self.ledger.entries(before=before, kind=USED, subject=number, newest_first=True, limit=PAGE)
            for entry in found:
                if since and entry.at < since:
                    return
                if (not until or entry.at < until) and self._is_shown(rules, entry):
                    yield _use(entry, chosen(rules, entry.body))
            if len(found) < PAGE:
                return
            before = found[-1].index

    def _is_shown(self, rules: list[Rule], entry: Entry) -> bool:
        start = shown_from(chosen(rules, entry.body), entry.at)
        return start is not None and start <= self.clock()


def _use(entry: Entry, rule: Rule | None) -> Use:
    body = entry.body
    return Use(
        at=entry.at,
        receiver=str(body.get("consumer", "")),
        provider=str(body.get("provider", "")),
        interface=str(body.get("interface", "")),
        operation=str(body.get("operation", "")),
        purpose=str(body.get("purpose", "")),
        legal_basis=str(body.get("legal_basis", "")),
        fields=tuple(map(str, body.get("fields", ()))),
        entry=entry.index,
        agreement=str(body.get("agreement", "")),
        handled_matter=str(body.get("handled_matter", "")),
        withheld_until=released(rule, entry.at),
    )


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
