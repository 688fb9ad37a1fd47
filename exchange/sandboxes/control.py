"""A hosted sandbox in its owner's hand: what was written, its clock, its faults, its seed. All of it is durable."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection

from exchange.catalogue.service import Catalogue
from exchange.clock import Clock, new_id
from exchange.database import Database
from exchange.errors import Conflict, NotFound, TooMany, Unprocessable
from exchange.ledger.service import Ledger
from exchange.parties.access import Caller, permit
from exchange.sandboxes import store
from exchange.sandboxes.hosting import Hosting
from exchange.sandboxes.model import MOST_SNAPSHOTS, Hosted, Kept, check_name, check_seed, world_of
from mockdata.instances import Unsatisfiable
from mockdata.sandbox.clock import ClockError, VirtualClock, changed, setting, written
from mockdata.sandbox.plans import PlanFault, check_target, plan_json, plan_of
from mockdata.sandbox.sending import OutgoingCall

LONGEST_SEND = 30.0
"""Seconds a webhook takes at most, with all its tries."""


class Control:
    """Use cases on one sandbox of the caller's own party. Every change is an entry of the ledger.

    Whoever may not see a sandbox is told `NotFound`; whoever may see and not change it, `Forbidden`.
    """

    def __init__(
        self, database: Database, ledger: Ledger, catalogue: Catalogue, hosting: Hosting, clock: Clock
    ) -> None:
        self.database, self.ledger, self.catalogue = database, ledger, catalogue
        self.hosting, self.clock = hosting, clock
        self._golden = lru_cache(maxsize=16)(self._people)

    def visible(self, caller: Caller | None, id: str) -> Hosted:
        """A sandbox the caller may see. Raises `NotFound`."""
        caller = permit(caller, "sandbox.read")
        with self.database.reading() as tx:
            return self._visible(tx, caller, id)

    def state(self, caller: Caller | None, id: str) -> dict[str, Any]:
        """Everything about a sandbox in one look."""
        caller = permit(caller, "sandbox.read")
        with self.database.reading() as tx:
            hosted = self._visible(tx, caller, id)
            kept, records = store.snapshots(tx, id), store.written(tx, hosted.world)
            calls, invalid, failed = store.call_counts(tx, id)
            shared = sorted({owner for other, owner in store.neighbours(tx, hosted.world) if other != id})
        return {
            "interfaces": [{"id": name, "version": version} for name, version in hosted.interfaces],
            "seed": hosted.seed,
            "clock": self.shown_clock(hosted),
            "faults": list(hosted.faults),
            "written": records,
            "calls": calls,
            "invalid_calls": invalid,
            "failed_calls": failed,
            "shared_with": shared,
            "snapshots": [{"name": one.name, "at": one.at, "seed": one.seed} for one in kept],
        }

    def shown_clock(self, hosted: Hosted) -> dict[str, Any]:
        """What a sandbox's clock shows and how it is set."""
        return VirtualClock(self.clock, setting(hosted.clock)).to_json()

    def reset(self, caller: Caller | None, id: str) -> None:
        """Forget everything written. Raises `Conflict` where others see the same world."""
        caller, hosted = self._mine(caller, id)

        def work(tx: Connection) -> None:
            current = self._alone(tx, caller, id)
            store.clear_world(tx, current.world)
            store.taken_back(tx, current.world)
            self._told(tx, "sandbox.reset", caller, id)

        self.hosting.change(hosted, work)

    def snapshot(self, caller: Caller | None, id: str, name: str) -> None:
        """Keep what is written now under a name, in place of what it stood for. Raises `TooMany`."""
        caller, hosted = self._mine(caller, id)
        check_name(name)
        now = self.clock()
        with self.database.transaction() as tx:
            hosted = self._visible(tx, caller, id)
            kept = store.snapshots(tx, id)
            for old in kept:
                if old.name == name:
                    store.drop_snapshot(tx, old)
            if len([one for one in kept if one.name != name]) >= MOST_SNAPSHOTS:
                raise TooMany(f"{MOST_SNAPSHOTS} snapshots are kept", hint="use one of their names again")
            at = written(VirtualClock(self.clock, setting(hosted.clock))())
            made = Kept(id, name, new_id("snp", now), at, hosted.seed, caller.id)
            store.save_snapshot(tx, made)
            store.copy_world(tx, hosted.world, made.world)
            self._told(tx, "sandbox.snapshot", caller, id, name=name)

    def restore(self, caller: Caller | None, id: str, name: str) -> None:
        """Go back to a snapshot. Raises `NotFound`, `Conflict` for one of another seed or in a shared world."""
        caller, hosted = self._mine(caller, id)

        def work(tx: Connection) -> None:
            current = self._alone(tx, caller, id)
            found = next((one for one in store.snapshots(tx, id) if one.name == name), None)
            if found is None:
                raise NotFound(f"no snapshot {name[:64]}", hint=f"GET /api/v1/sandboxes/{id}/snapshots lists them")
            if found.seed != current.seed:
                hint = f"set the seed to {found.seed} first"
                raise Conflict(f"the snapshot is of seed {found.seed}, where other people live", hint=hint)
            store.clear_world(tx, current.world)
            store.copy_world(tx, found.world, current.world)
            store.taken_back(tx, current.world)
            self._told(tx, "sandbox.restored", caller, id, name=name)

        self.hosting.change(hosted, work)

    def set_seed(self, caller: Caller | None, id: str, seed: str | int) -> None:
        """Another country: what was written in a vendor's is forgotten; a department joins those on that seed."""
        caller, hosted = self._mine(caller, id)
        text = check_seed(seed, "")

        def work(tx: Connection) -> None:
            current = self._visible(tx, caller, id)
            world = world_of(id, caller.kind, text)
            if world == current.world:
                store.clear_world(tx, world)
            store.change(tx, id, seed=text, world=world, revision=current.revision + 1)
            self._told(tx, "sandbox.seeded", caller, id, seed=text)

        self.hosting.change(hosted, work)

    def set_clock(self, caller: Caller | None, id: str, change: Any) -> dict[str, Any]:
        """Set, advance, stop or start the clock (`mockdata.sandbox.clock.changed`). Raises `Unprocessable`."""
        caller, _ = self._mine(caller, id)
        with self.database.transaction() as tx:
            hosted = self._visible(tx, caller, id)
            try:
                made = changed(setting(hosted.clock), change, self.clock())
            except ClockError as error:
                raise Unprocessable(str(error), hint='for example {"advance": "P13M"}') from None
            value = None if made is None else made.to_json()
            store.change(tx, id, clock=value)
            self._told(tx, "sandbox.clock", caller, id, clock=value)
            return self.shown_clock(self._visible(tx, caller, id))

    def set_faults(self, caller: Caller | None, id: str, plan: Any) -> list[Mapping[str, Any]]:
        """Put exactly these faults in force. Raises `Unprocessable` with the pointer of what is wrong."""
        caller, _ = self._mine(caller, id)
        with self.database.transaction() as tx:
            hosted = self._visible(tx, caller, id)
            try:
                faults = plan_of(plan)
                interfaces = [self.catalogue.version(name, version)[1] for name, version in hosted.interfaces]
                for number, (target, fault) in enumerate(faults):
                    check_target(interfaces, number, target, fault)
            except PlanFault as error:
                hint = "docs/sandbox-control.md lists what can go wrong"
                raise Unprocessable(str(error), pointer=error.pointer, hint=hint) from None
            known = {one.name for one in store.snapshots(tx, id)}
            for number, (_, fault) in enumerate(faults):
                if fault.stale is not None and fault.stale.snapshot is not None and fault.stale.snapshot not in known:
                    place = f"/{number}/stale/snapshot"
                    raise Unprocessable(f"{place}: no snapshot {fault.stale.snapshot[:64]}", pointer=place)
            value = plan_json(faults)
            store.change(tx, id, faults=value, fault_counts=None)  # all counting begins anew
            self._told(tx, "sandbox.faults", caller, id, faults=value)
        self.hosting.recount(id)
        return list(value)

    def fire(
        self,
        caller: Caller | None,
        id: str,
        webhook: str,
        url: str,
        interface: str | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> OutgoingCall:
        """Send a webhook of the sandbox's interfaces to a URL and wait for what comes of it.

        Raises `NotFound` for a webhook no document has, `Conflict` where nothing is sent or its body has no instance.
        """
        caller, hosted = self._mine(caller, id)
        try:
            sent = self.hosting.fire(hosted, webhook, url, interface, body)
        except KeyError as error:
            raise NotFound(str(error.args[0]), hint="webhooks are named as the document names them") from None
        except (RuntimeError, Unsatisfiable) as error:
            raise Conflict(str(error), hint="TONGBAN_SANDBOX_DESTINATIONS says where sandboxes may call") from None
        return sent.result(LONGEST_SEND)

    def personas(self, caller: Caller | None, id: str) -> list[dict[str, Any]]:
        """The golden people of the sandbox's country, as they are at its time."""
        hosted = self.visible(caller, id)
        clock = VirtualClock(self.clock, setting(hosted.clock))
        return self._golden(hosted.seed, clock().date() if clock.virtual else None)

    # ---- inside

    def _people(self, seed: str, day: date | None) -> list[dict[str, Any]]:
        from mockdata.personas import personas
        from mockdata.sandbox.past import told_of

        population = self.hosting.population(seed)
        return [one.to_json() for one in personas(population if day is None else told_of(population, day))]

    def _mine(self, caller: Caller | None, id: str) -> tuple[Caller, Hosted]:
        seen = self.visible(caller, id)
        return permit(caller, "sandbox.open", owner=seen.owner), seen

    @staticmethod
    def _visible(tx: Connection, caller: Caller, id: str) -> Hosted:
        found = store.sandbox(tx, id)
        if found is None or (caller.kind != "data_office" and caller.party != found[0].owner):
            raise NotFound(f"no sandbox {id[:64]} of yours", hint="GET /api/v1/sandboxes lists them")
        return found[0]

    def _alone(self, tx: Connection, caller: Caller, id: str) -> Hosted:
        """The sandbox, whose world nobody else sees: what others wrote is not ours to take back."""
        hosted = self._visible(tx, caller, id)
        others = sorted({owner for _, owner in store.neighbours(tx, hosted.world) if owner != hosted.owner})
        if others:
            raise Conflict(
                f"the departments of seed {hosted.seed} share one world, with what {', '.join(others)} wrote",
                hint="open a sandbox on a seed of your own",
            )
        return hosted

    def _told(self, tx: Connection, kind: str, caller: Caller, id: str, **more: Any) -> None:
        self.ledger.append(tx, kind, {"sandbox": id, "owner": caller.party, "by": caller.id, **more})
