"""Use cases of derived needs: look a published process through, and file what is missing in one go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from exchange.agreements import store
from exchange.agreements.model import Application
from exchange.agreements.needs import Derived, Draft, Giver, Known, Offer, completed, derive
from exchange.agreements.service import Agreements
from exchange.catalogue.checking import Checking
from exchange.catalogue.items import GIVES
from exchange.catalogue.reuse import TRIVIAL
from exchange.errors import Conflict, NotFound, Unprocessable
from exchange.parties.access import Caller, permit
from specs import elements, library
from specs.model import Interface, Kind

MOST_GIVERS = 10


class Deriving:
    """Needs of published processes, on top of agreements and the catalogue's index of fields."""

    def __init__(self, agreements: Agreements, checking: Checking) -> None:
        self.agreements, self.checking = agreements, checking
        self.catalogue = agreements.catalogue

    def processes(self) -> list[dict[str, Any]]:
        """Processes in force: id, title and department."""
        found = [record for record in self.catalogue.search() if record.kind is Kind.PROCESS and record.state.live]
        return [{"id": record.id, "title": record.title, "department": record.department} for record in found]

    def needs(self, caller: Caller | None, process: str, consumer: str | None = None) -> Derived:
        """What a process needs on behalf of ``consumer``: the caller's own party, or any for the data office; the
        department that leads the matter when nobody is named.

        Raises `NotFound` for what is no process in force, or for somebody else's needs.
        """
        caller = permit(caller, "agreement.read")
        record = self.catalogue.interface(process)
        if record.kind is not Kind.PROCESS or not record.state.live:
            raise NotFound(f"there is no published process {process}", hint="search the catalogue for kind process")
        whole = caller.kind == "data_office" or caller.via == "system"
        wanted = consumer or (record.department if whole else caller.party)
        if not whole and wanted != caller.party:
            raise NotFound(f"the needs of {wanted} are its own", hint="leave consumer out to see your own")
        spec = record.spec
        matter = str(spec.extensions.get("x-matter") or process)
        told = library.matter(matter) if matter in library.matters() else None
        with self.agreements.database.reading() as tx:
            held = store.agreements(tx, consumer=wanted)
            waiting = [one for one in store.applications(tx, party=wanted) if one.consumer == wanted]
        known = Known(
            wanted,
            self._offers(spec),
            held,
            waiting,
            self._givers(caller),
            self.agreements.clock(),
            {step.id: step for step in told.steps} if told else {},
            told.needs if told else {},
        )
        return derive(spec, matter, known, TRIVIAL)

    def file(
        self, caller: Caller | None, process: str, *, legal_basis: str, duration_days: int, approved_by: str = ""
    ) -> list[Application]:
        """File every missing application of a process for the caller's department; none while any of them lacks
        something. Done again after an interruption it files the rest: what waits already is not missing.

        Raises `Conflict` when nothing is missing, `Unprocessable` naming what a draft still lacks.
        """
        caller = permit(caller, "application.file")
        drafts = self.needs(caller, process).drafts
        if not drafts:
            raise Conflict(f"{process} lacks no application", hint="see its needs for what nobody shares")
        heads = caller.roles & {"reviewer", "admin"}
        approval = approved_by or (caller.name if heads else "")
        whole = [self._completed(draft, legal_basis, duration_days, approval) for draft in drafts]
        lacks = {gap.pointer: dict(gap.message) for draft in whole for gap in draft.missing}
        if lacks:
            raise Unprocessable(
                f"still missing or wrong: {', '.join(lacks)}",
                hint="nothing was filed; say it and file again",
                missing=[{"pointer": pointer, "message": message} for pointer, message in lacks.items()],
            )
        return [self.agreements.apply(caller, draft.wish) for draft in whole]

    def _completed(self, draft: Draft, legal_basis: str, duration_days: int, approved_by: str) -> Draft:
        offer = self.catalogue.interface(draft.wish.interface).spec
        return completed(draft, offer, legal_basis, duration_days, approved_by)

    def _offers(self, process: Interface) -> dict[str, Offer]:
        found: dict[str, Offer] = {}
        for workflow in process.process.workflows if process.process else ():
            for step in workflow.steps:
                if step.interface and step.interface not in found:
                    try:
                        record = self.catalogue.interface(step.interface)
                    except NotFound:
                        continue
                    if record.state.public:
                        found[step.interface] = Offer(record.spec, record.department, record.state.live)
        return found

    def _givers(self, caller: Caller) -> Any:
        kept: dict[str, tuple[Giver, ...]] = {}

        def givers(element: str) -> tuple[Giver, ...]:
            if element not in kept:
                kept[element] = tuple(self._holders(caller, element))[:MOST_GIVERS]
            return kept[element]

        return givers

    def _holders(self, caller: Caller, element: str) -> Sequence[Giver]:
        try:
            _, holders = self.checking.holders(caller, element)
        except NotFound:
            return []
        # whose it is matters: the mother's number is not given by whoever gives a number
        found = elements.find(element)
        qualifier = found[0] or "" if found else ""
        return [
            Giver(holder.department, holder.interface, item.field, holder.title)
            for holder in holders
            for item in holder.items
            if item.way == GIVES and item.qualifier == qualifier
        ]
