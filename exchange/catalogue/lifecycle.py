"""From draft to retired: no subscriber is surprised, no number lies about what changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import Connection

from exchange.catalogue import index, items, reuse, store, subscriptions
from exchange.catalogue.model import State, Version, move
from exchange.catalogue.news import SHOWN, News
from exchange.catalogue.service import Catalogue
from exchange.catalogue.texts import texts
from exchange.clock import moment, stamp
from exchange.errors import Conflict, Invalid, NotFound, Unprocessable
from exchange.parties.access import Caller, permit
from specs.diff import Change, Level, diff
from specs.model import Interface
from specs.versions import misfit

NOTICE_DAYS = 14
"""Days between telling subscribers of a breaking version, or of an end, and its taking effect."""


@dataclass(frozen=True, slots=True)
class Step:
    """What publishing came to: the version, what changed, who was told, and who shares the same fields already."""

    version: Version
    changes: tuple[Change, ...]
    told: tuple[str, ...]
    reuse: tuple[reuse.Reuse, ...] = ()


class Lifecycle:
    """Publication, announcements, deprecation, retirement, and who is told of them."""

    def __init__(self, catalogue: Catalogue, news: News) -> None:
        self.catalogue = catalogue
        self.database, self.ledger, self.clock = catalogue.database, catalogue.ledger, catalogue.clock
        self.news = news
        self.ready: Callable[[Connection, Interface, str], None] = lambda _tx, _spec, _version: None
        """Called before anything is published; raises when the service has not been seen to work."""

    # ---- publishing

    def publish(self, caller: Caller | None, interface: str, version: str, effective: datetime | None = None) -> Step:
        """Make a draft the version in force, now or at ``effective``; doing it again changes nothing.

        Raises `Unprocessable` (rule ``interface.version``) when the number does not fit the changes, `Conflict` (rule
        ``interface.notice``) when a breaking version would take effect before subscribers had their notice, `NotFound`.
        """
        permit(caller, "interface.publish")
        now = self.clock()
        with self.database.transaction() as tx:
            line, found = store.line(tx, interface), store.version(tx, interface, version)
            if line is None or found is None:
                raise NotFound(f"there is no version {version} of {interface}")
            by = permit(caller, "interface.publish", owner=line.department)
            if found.state.live or (found.state is State.ANNOUNCED and effective is None):
                return Step(found, (), ())
            later = effective is not None and effective > now
            move(found.state, State.ANNOUNCED if later else State.PUBLISHED, f"{interface} {version}")
            spec = self.catalogue.read(found)
            changes = self._fitting(tx, line, found, spec)
            told = self.news.parties(tx, interface, line.department)
            self._noticed(tx, line, version, changes, told, effective if later and effective else now)
            self.ready(tx, spec, version)
            own = items.Holder(line.id, line.kind, line.department, spec.title, items.items(spec))
            known = reuse.against(tx, own)
            if later and effective is not None:
                return replace(self._announce(tx, line, found, changes, told, effective, by), reuse=known)
            made = self._enforce(tx, line, found, spec, by.id, known)
            self.news.tell(tx, told, made, "published", None, changes)
            return Step(made, changes, tuple(told), known)

    def withdraw(self, caller: Caller | None, interface: str, version: str) -> Version:
        """Take an announcement back. Raises `Conflict` for a version that is not announced."""
        with self.database.transaction() as tx:
            line, found = store.line(tx, interface), store.version(tx, interface, version)
            if line is None or found is None:
                raise NotFound(f"there is no version {version} of {interface}")
            by = permit(caller, "interface.publish", owner=line.department)
            move(found.state, State.DRAFT, f"{interface} {version}")
            store.announce(tx, interface, version, State.DRAFT, None)
            made = replace(found, state=State.DRAFT, effective_at=None)
            self.news.tell(tx, self.news.parties(tx, interface, line.department), made, "withdrawn", None, ())
            body = {"interface": interface, "interface_version": version, "by": by.id}
            self.ledger.append(tx, "interface.withdrawn", body)
        return made

    def due(self) -> list[Version]:
        """Put every announced version in force whose time has come; called by the clock of the service."""
        made = []
        with self.database.transaction() as tx:
            for found in store.due(tx, stamp(self.clock())):
                line = store.line(tx, found.interface)
                if line is not None:
                    made.append(self._enforce(tx, line, found, self.catalogue.read(found), "clock"))
                    told = self.news.parties(tx, found.interface, line.department)
                    self.news.tell(tx, told, made[-1], "published", None, ())
        return made

    def changes(self, interface: str, old: str, new: str) -> tuple[Change, ...]:
        """What changed between two versions. Raises `NotFound`."""
        before, after = (self.catalogue.version(interface, number)[1] for number in (old, new))
        return diff(before, after)

    # ---- ending

    def deprecate(self, caller: Caller | None, interface: str, retire_on: date, reason: str) -> store.Line:
        """Announce the end of an interface. Raises `Unprocessable` for a day too near, `Conflict` for a wrong state."""
        if not reason.strip():
            raise Invalid("an end needs a reason", hint="subscribers read it")
        with self.database.transaction() as tx:
            line = self._line(tx, interface)
            by = permit(caller, "interface.publish", owner=line.department)
            move(line.state, State.DEPRECATED, interface)
            least = (self.clock() + timedelta(days=NOTICE_DAYS)).date()
            if retire_on < least:
                raise Unprocessable(
                    f"{interface} may not end on {retire_on}: subscribers have {NOTICE_DAYS} days",
                    rule="interface.notice",
                    hint=f"the earliest day is {least}",
                )
            store.set_state(tx, interface, State.DEPRECATED, retire_on.isoformat())
            body = {"interface": interface, "retire_on": retire_on.isoformat(), "reason": reason, "by": by.id}
            self.ledger.append(tx, "interface.deprecated", body)
            found = self._version(tx, line)
            told = self.news.parties(tx, interface, line.department)
            self.news.tell(tx, told, found, "deprecated", retire_on.isoformat(), (), reason)
            return replace(line, state=State.DEPRECATED, retire_on=retire_on.isoformat())

    def keep(self, caller: Caller | None, interface: str) -> store.Line:
        """Take a deprecation back."""
        with self.database.transaction() as tx:
            line = self._line(tx, interface)
            by = permit(caller, "interface.publish", owner=line.department)
            move(line.state, State.PUBLISHED, interface)
            store.set_state(tx, interface, State.PUBLISHED, None)
            self.ledger.append(tx, "interface.kept", {"interface": interface, "by": by.id})
            told = self.news.parties(tx, interface, line.department)
            self.news.tell(tx, told, self._version(tx, line), "kept", None, ())
            return replace(line, state=State.PUBLISHED, retire_on=None)

    def retire(self, caller: Caller | None, interface: str) -> store.Line:
        """End a deprecated interface. Raises `Conflict` before its day, and while agreements rely on it (art 27)."""
        with self.database.transaction() as tx:
            line = self._line(tx, interface)
            by = permit(caller, "interface.publish", owner=line.department)
            move(line.state, State.RETIRED, interface)
            if self.clock().date().isoformat() < (line.retire_on or ""):
                raise Conflict(f"{interface} was promised until {line.retire_on}", hint="wait, or take the end back")
            relying = sorted(set(self.news.dependants(tx, interface)) - {line.department})
            if relying:
                raise Conflict(
                    f"{', '.join(relying[:5])} still hold agreements on {interface}",
                    hint="agreements end first: consult their holders (art 27)",
                )
            found = self._version(tx, line)
            store.set_state(tx, interface, State.RETIRED, line.retire_on)
            self.ledger.append(tx, "interface.retired", {"interface": interface, "by": by.id})
            self.news.tell(tx, self.news.parties(tx, interface, line.department), found, "retired", None, ())
            return replace(line, state=State.RETIRED)

    # ---- inside

    def _line(self, tx: Connection, interface: str) -> store.Line:
        line = store.line(tx, interface)
        if line is None:
            raise NotFound(f"there is no interface {interface}")
        return line

    def _version(self, tx: Connection, line: store.Line) -> Version:
        found = store.version(tx, line.id, line.version)
        assert found is not None  # a line always names one of its versions
        return found

    def _fitting(self, tx: Connection, line: store.Line, found: Version, spec: Interface) -> tuple[Change, ...]:
        """The changes against the version in force. Raises `Unprocessable` when the number does not fit them."""
        if not line.state.live:
            return ()
        changes = diff(self.catalogue.read(self._version(tx, line)), spec)
        problem = misfit(line.version, found.version, changes)
        if problem is not None:
            raise Unprocessable(
                problem,
                rule="interface.version",
                hint="register the document again under a number that fits",
                breaking=[change.to_json() for change in changes if change.level is Level.BREAKING][:SHOWN],
            )
        return changes

    def _noticed(
        self,
        tx: Connection,
        line: store.Line,
        version: str,
        changes: Sequence[Change],
        told: Sequence[str],
        effective: datetime,
    ) -> None:
        """Raises `Conflict` when subscribers of a breaking version would have too little notice."""
        breaking = [change for change in changes if change.level is Level.BREAKING]
        least = self.clock() + timedelta(days=NOTICE_DAYS)
        consented = {one.party for one in subscriptions.subscriptions(tx, line.id) if one.consented == version}
        unaware = [party for party in told if party not in consented]
        if breaking and unaware and effective < least:
            raise Conflict(
                f"{version} breaks {', '.join(unaware[:5])}: they need {NOTICE_DAYS} days of notice",
                rule="interface.notice",
                hint=f"publish it with effective_at {stamp(least)} or later, or ask for their consent",
                breaking=[change.to_json() for change in breaking][:SHOWN],
            )

    def _announce(
        self,
        tx: Connection,
        line: store.Line,
        found: Version,
        changes: tuple[Change, ...],
        told: list[str],
        effective: datetime,
        by: Caller,
    ) -> Step:
        at = stamp(effective)
        store.announce(tx, line.id, found.version, State.ANNOUNCED, at)
        made = replace(found, state=State.ANNOUNCED, effective_at=at)
        body = {
            "interface": line.id,
            "interface_version": found.version,
            "digest": found.digest,
            "effective_at": at,
            "breaking": sum(change.level is Level.BREAKING for change in changes),
            "told": told,
            "by": by.id,
        }
        self.ledger.append(tx, "interface.announced", body)
        self.news.tell(tx, told, made, "announced", at, changes)
        return Step(made, changes, tuple(told))

    def _enforce(
        self,
        tx: Connection,
        line: store.Line,
        found: Version,
        spec: Interface,
        by: str,
        known: Sequence[reuse.Reuse] = (),
    ) -> Version:
        at = stamp(self.clock())
        store.publish(tx, line.id, found.version, at)
        row = replace(
            line,
            title=dict(spec.title),
            state=State.PUBLISHED,
            version=found.version,
            digest=found.digest,
            retire_on=None,
        )
        store.put(tx, row, texts(spec))
        index.write(tx, spec)
        body = {
            "interface": line.id,
            "interface_version": found.version,
            "digest": found.digest,
            "replaces": line.version if line.state.live else None,
            "reuse": [f"{one.kind}:{one.element or one.sources[0].interface}" for one in known[:SHOWN]],
            "by": by,
        }
        self.ledger.append(tx, "interface.published", body)
        return replace(found, state=State.PUBLISHED, published_at=at)


def effective_of(text: str | None) -> datetime | None:
    """An instant of a request body. Raises `Invalid` for anything but RFC 3339 with an offset."""
    if text is None:
        return None
    try:
        found = moment(text.replace("Z", "+00:00"))
    except ValueError:
        found = datetime.min
    if found.tzinfo is None:
        raise Invalid(f"{text!r} is no instant", hint="write 2026-12-24T08:00:00+08:00")
    return found
