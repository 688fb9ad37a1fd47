"""Guardians: who may see who used a child's data. The register of births says whose child it is, and nobody else does.

The register is asked through the broker, as any consumer asks: under an agreement of the department named for it,
for the agreed fields, with a receipt. So the question is itself a use of the child's data that the family can see. No
agreement, no answer, another answer: no access.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date

from exchange.agreements.model import Agreement
from exchange.agreements.service import Agreements
from exchange.brokering.model import in_force
from exchange.brokering.service import Answer, Broker
from exchange.clock import Clock, new_id, stamp
from exchange.database import Database
from exchange.errors import Forbidden, NotFound, TongbanError, TooMany, Unavailable
from exchange.ledger.service import Ledger
from exchange.oversight import usage_store as store
from exchange.oversight.identity import WINDOW, Identity, checked
from exchange.oversight.model import CHINA
from exchange.parties.access import Caller
from specs.words import Text

MAJORITY = 18
A_GUARDIAN, A_CHILD = 5, 10
"""Questions in an hour by one person, and about one child."""
REFUSED: Text = {
    "zh_CN": "登记机关未能证实您是该未成年人的监护人",
    "en": "the register does not show you as guardian of this child",
}


@dataclass(frozen=True, slots=True)
class Register:
    """An operation that reads one registration by its number. ``path``: with a place for that number, whose form
    ``reference`` says; ``child`` and ``guardians``: fields of the answer that hold citizen numbers.
    """

    interface: str
    operation: str
    path: str
    reference: re.Pattern[str]
    child: str
    guardians: tuple[str, ...]


BIRTHS = Register(
    "police.birth-registrations",
    "getBirthRegistration",
    "/birth-registrations/{}",
    re.compile(r"[0-9A-Z]{10,32}"),
    "GMSFHM",
    ("FQGMSFHM", "MQGMSFHM", "JHRYGMSFHM", "JHREGMSFHM"),
)
"""出生登记: father, mother, and the guardians entered, if any."""


class Guardians:
    """Proofs of guardianship."""

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        identity: Identity,
        agreements: Agreements,
        broker: Broker,
        clock: Clock,
        department: str,
        register: Register = BIRTHS,
    ) -> None:
        """``department``: under whose agreement the register is asked; "": it is not."""
        self.database, self.ledger, self.identity, self.department = database, ledger, identity, department
        self.agreements, self.broker, self.clock, self.register = agreements, broker, clock, register

    def prove(self, proof: str, child: str, reference: str) -> str:
        """A proof that speaks for a child, for a guardian who proved who they are and knows the registration's number.

        Raises `Unauthenticated`, `Invalid`, `TooMany`, `Unavailable` where no register can be asked, and `Forbidden`,
        always in the same words, for whoever is not shown as guardian of a child under 18.
        """
        holder, child = self.identity.proven(proof), checked(child)
        reference = reference.strip().upper()
        agreement = self._agreement()
        self._limit(holder.holder, child)
        now = self.clock()
        id = new_id("rep", now)
        delivery, shown = "", False
        if (
            not holder.guardian
            and child != holder.number
            and is_minor(child, now.astimezone(CHINA).date())
            and self.register.reference.fullmatch(reference)
        ):
            answer = self._ask(agreement, reference)
            delivery, shown = answer.delivery, self._shows(answer, holder.number, child)
        kind = "usage.represented" if shown else "usage.representation-failed"
        told = {"representation": id, "as": "guardian", "agreement": agreement.id, "register": self.register.interface}
        with self.database.transaction() as tx:
            if delivery:
                told["delivery"] = delivery
            self.ledger.append(tx, kind, told, subjects=sorted({holder.holder, child}))
        if not shown:
            raise Forbidden(
                REFUSED["en"],
                rule="usage.guardian",
                hint="ask the office that keeps the register",
                reason=dict(REFUSED),
            )
        return self.identity.for_child(holder, child, id)

    def ready(self) -> bool:
        """Whether a register can be asked."""
        try:
            self._agreement()
        except Unavailable:
            return False
        return True

    def _agreement(self) -> Agreement:
        """An agreement under which the register answers. Raises `Unavailable` without one."""
        register, now = self.register, self.clock()
        with self.database.reading() as tx:
            for found in self.agreements.for_call(tx, self.department, register.interface) if self.department else ():
                if in_force(found, now) and register.operation in found.scope and register.child in found.labels:
                    return found
        raise Unavailable(
            "no register can be asked for guardians here",
            hint=f"TONGBAN_GUARDIAN_DEPARTMENT names a department with an agreement on {register.interface}",
        )

    def _limit(self, holder: str, child: str) -> None:
        now = self.clock()
        limits = ((b"g" + holder.encode(), A_GUARDIAN), (b"c" + child.encode(), A_CHILD))
        with self.database.transaction() as tx:
            times = [
                (store.count(tx, self.identity.keyed(who), stamp(now), stamp(now - WINDOW)), most)
                for who, most in limits
            ]
        if any(count > most for count, most in times):
            raise TooMany("this was asked too often", hint="try again in an hour", retry_after=3600)

    def _ask(self, agreement: Agreement, reference: str) -> Answer:
        caller = Caller("usage", agreement.consumer, "department", frozenset(), "usage", "system")
        path = self.register.path.format(reference)
        try:
            return self.broker.call(
                caller, self.register.interface, "GET", path, "", {}, b"", agreement.id, agreement.purpose
            )
        except NotFound:
            raise Unavailable("the register does not answer now", hint="try again later") from None
        except TongbanError as error:
            raise Unavailable("the register does not answer now", hint="try again later") from error

    def _shows(self, answer: Answer, guardian: str, child: str) -> bool:
        if answer.status != 200:
            return False
        try:
            entry = json.loads(answer.body)
        except ValueError:
            return False
        if not isinstance(entry, dict) or _number(entry.get(self.register.child)) != child:
            return False
        return guardian in {_number(entry.get(name)) for name in self.register.guardians}


def is_minor(number: str, today: date) -> bool:
    """Whether the person of a citizen number is under 18."""
    born = int(number[6:10]), int(number[10:12]), int(number[12:14])
    now = today.year, today.month, today.day
    return born <= now < (born[0] + MAJORITY, *born[1:])


def _number(value: object) -> str:
    return value.strip().upper() if isinstance(value, str) else ""
