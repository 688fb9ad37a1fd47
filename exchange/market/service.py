"""Use cases of the market, from a demand to a rated handled matter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from exchange.agreements.duties import Duties
from exchange.agreements.service import Agreements
from exchange.certification.model import Certification, Subject
from exchange.certification.model import State as CertificationState
from exchange.certification.service import Certifications
from exchange.clock import Clock, moment, new_id, stamp
from exchange.database import Database
from exchange.errors import Conflict, Forbidden, NotFound, Unauthenticated, Unprocessable
from exchange.ledger.service import Ledger
from exchange.market import store
from exchange.market.model import (
    App,
    AppVersion,
    Demand,
    HandledMatter,
    Listing,
    Order,
    Rating,
    VersionState,
    check_rating,
    neutral_order,
    progress,
)
from exchange.parties.access import Caller, permit
from exchange.parties.tokens import Tokens
from specs import library

LAUNCH_LIFE = timedelta(hours=24)
REMINDED = 200
"""Persons reminded in one transaction."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What a citizen's browser takes along to the app: where it is, and the token it speaks for the citizen with."""

    handled_matter: str
    launch: str
    token: str
    app_url: str
    gateway: str


@dataclass(frozen=True, slots=True)
class Launch:
    """What the gateway learns from a launch token."""

    id: str
    vendor: str
    matter: str
    listing: str
    handled_matter: str


class Market:
    """The market. Listings appear and end here and nowhere else."""

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        agreements: Agreements,
        certifications: Certifications,
        tokens: Tokens,
        base_url: str,
        check_url: Callable[[str], str],
        clock: Clock,
    ) -> None:
        self.database, self.ledger, self.agreements = database, ledger, agreements
        self.duties = Duties(agreements)
        self.certifications, self.tokens, self.base_url = certifications, tokens, base_url
        self.check_url, self.clock = check_url, clock
        certifications.concluded, certifications.revoked = self.concluded, self.revoked

    def publish_demand(self, caller: Caller, matter: str, title: Mapping[str, str]) -> Demand:
        """A department asks for an app of a matter it leads."""
        permit(caller, "demand.publish")
        known = self._matter(matter)
        if known.department != caller.party:
            raise Forbidden(
                f"{known.department} leads the matter {matter}",
                rule="demand.lead-department",
                hint="ask it to publish the demand",
            )
        now = self.clock()
        demand = Demand(new_id("dmd", now), caller.party, matter, title["zh_CN"], title["en"], stamp(now))
        with self.database.transaction() as tx:
            store.add(tx, demand)
            self._record(tx, "demand.published", demand=demand.id, department=caller.party, matter=matter)
        return demand

    def demands(self) -> list[Demand]:
        """All demands, newest first; anyone may read them."""
        with self.database.reading() as tx:
            return store.listed(tx, Demand)

    def orders(self, demand: str) -> list[Order]:
        """Who took a demand; anyone may read it."""
        with self.database.reading() as tx:
            return store.listed(tx, Order, demand=demand)

    def take(self, caller: Caller, demand: str) -> Order:
        """A vendor takes a demand; the same vendor taking it again gets the same order."""
        permit(caller, "order.take")
        now = self.clock()
        with self.database.transaction() as tx:
            store.need(tx, Demand, id=demand)
            taken = store.find(tx, Order, demand=demand, vendor=caller.party)
            if taken is not None:
                return taken
            order = store.add(tx, Order(new_id("ord", now), demand, caller.party, stamp(now)))
            self._record(tx, "order.taken", order=order.id, demand=demand, vendor=caller.party)
        return order

    def register_app(self, caller: Caller, order: str, name: Mapping[str, str]) -> App:
        """A vendor names the app it will deliver for its order."""
        permit(caller, "app.register")
        with self.database.transaction() as tx:
            found = store.find(tx, Order, id=order, vendor=caller.party)
            if found is None:
                raise NotFound(f"you have no order {order}", hint="take the demand first")
            demand = store.need(tx, Demand, id=found.demand)
            app = App(new_id("app", self.clock()), order, caller.party, demand.matter, name["zh_CN"], name["en"])
            store.add(tx, app)
            self._record(tx, "app.registered", app=app.id, vendor=caller.party, matter=app.matter)
        return app

    def add_version(self, caller: Caller, app: str, version: str, url: str, artefact_digest: str) -> AppVersion:
        """A build of an app and where it runs. The same version cannot be registered with another digest."""
        permit(caller, "app.register")
        url = self.check_url(url)
        with self.database.transaction() as tx:
            owner = store.find(tx, App, id=app, vendor=caller.party)
            if owner is None:
                raise NotFound(f"you have no app {app}", hint="register it first")
            present = store.find(tx, AppVersion, app=app, version=version)
            if present is not None:
                if present.artefact_digest != artefact_digest:
                    raise Conflict(
                        f"version {version} is registered with another build",
                        hint="give the new build a new version",
                    )
                return present
            added = AppVersion(
                new_id("apv", self.clock()),
                app,
                caller.party,
                owner.matter,
                version,
                url,
                artefact_digest,
                VersionState.REGISTERED,
            )
            store.add(tx, added)
            self._record(
                tx,
                "app.version",
                app_version=added.id,
                app=app,
                vendor=caller.party,
                number=version,
                artefact_digest=artefact_digest,
            )
        return added

    def apps(self, caller: Caller) -> list[tuple[App, list[AppVersion]]]:
        """A vendor's own apps with their versions; everyone's for who reads certifications."""
        permit(caller, "certification.read")
        own: dict[str, Any] = {"vendor": caller.party} if caller.kind == "vendor" else {}
        with self.database.reading() as tx:
            return [(app, store.listed(tx, AppVersion, app=app.id)) for app in store.listed(tx, App, **own)]

    def submit(self, caller: Caller, app_version: str) -> Certification:
        """Ask for certification of a version; while a run is under way, that run is the answer."""
        with self.database.transaction() as tx:
            version = store.find(tx, AppVersion, id=app_version)
            if version is None or (caller.kind == "vendor" and version.vendor != caller.party):
                raise NotFound(f"you have no app version {app_version}", hint="register it first")
            if version.state is VersionState.IN_TEST and version.certification:
                return self.certifications.get(caller, version.certification)
            if version.state is VersionState.LISTED:
                raise Conflict("this version is listed already", hint="register a new version to have it tested")
            subject = Subject(
                version.id,
                version.app,
                version.vendor,
                version.matter,
                version.version,
                version.url,
                version.artefact_digest,
            )
            certification = self.certifications.request(tx, caller, subject)
            store.save(tx, replace(version, state=VersionState.IN_TEST, certification=certification.id))
        return certification

    def concluded(self, tx: Connection, certification: Certification) -> None:
        """List the version when its certification passed; called in the transaction that stores the verdict."""
        version = store.need(tx, AppVersion, id=certification.subject.app_version)
        if certification.state is not CertificationState.PASSED:
            state = (
                VersionState.REFUSED if certification.state is CertificationState.REFUSED else VersionState.REGISTERED
            )
            store.save(tx, replace(version, state=state))
            return
        assert certification.grade is not None
        assert certification.valid_until is not None
        store.save(tx, replace(version, state=VersionState.LISTED))
        for older in store.listed(tx, Listing, app=version.app, active=True):
            store.save(tx, replace(older, active=False))
        listing = Listing(
            id=new_id("lst", self.clock()),
            app_version=version.id,
            app=version.app,
            vendor=version.vendor,
            matter=version.matter,
            certification=certification.id,
            grade=certification.grade,
            listed_at=stamp(self.clock()),
            valid_until=certification.valid_until,
        )
        store.add(tx, listing)
        agreements = self.agreements.entrust(
            tx,
            matter=self._matter(version.matter),
            vendor=version.vendor,
            until=moment(certification.valid_until),
        )
        self._record(
            tx,
            "listing.listed",
            listing=listing.id,
            app_version=version.id,
            vendor=version.vendor,
            matter=version.matter,
            certification=certification.id,
            agreements=[agreement.id for agreement in agreements],
        )

    def revoked(self, tx: Connection, certification: Certification) -> None:
        """End the listing that rests on a certificate; called in the transaction that takes it back."""
        for listing in store.listed(tx, Listing, certification=certification.id, active=True):
            store.save(tx, replace(listing, active=False))
            version = store.need(tx, AppVersion, id=listing.app_version)
            store.save(tx, replace(version, state=VersionState.DELISTED))
            told = {"listing": listing.id, "app_version": version.id, "certification": certification.id}
            self._record(tx, "listing.ended", **told)

    def listings(self, matter: str | None = None) -> list[Listing]:
        """Active listings in neutral order; anyone may read them."""
        where: dict[str, Any] = {"matter": matter} if matter else {}
        with self.database.reading() as tx:
            found = store.listed(tx, Listing, active=True, **where)
        now = self.clock()
        return neutral_order([listing for listing in found if moment(listing.valid_until) > now], now.date())

    def app_of(self, listing: Listing) -> tuple[App, AppVersion, list[Rating]]:
        """What a page shows beside a listing: its app, the version listed and its ratings."""
        with self.database.reading() as tx:
            version = store.need(tx, AppVersion, id=listing.app_version)
            return store.need(tx, App, id=listing.app), version, store.ratings_of(tx, listing=listing.id)

    def launch(self, caller: Caller, listing: str) -> Opened:
        """A citizen opens a listed app: a handled matter is opened and a token issued that the gateway will know."""
        permit(caller, "listing.launch")
        now = self.clock()
        with self.database.transaction() as tx:
            found = self._live(tx, listing)
            version = store.need(tx, AppVersion, id=found.app_version)
            matter = HandledMatter(
                new_id("hdm", now),
                new_id("lch", now),
                found.id,
                found.vendor,
                found.matter,
                caller.id,
                stamp(now),
            )
            store.add(tx, matter)
            self._record(
                tx,
                "listing.launched",
                launch=matter.launch,
                handled_matter=matter.id,
                listing=found.id,
                vendor=found.vendor,
            )
        token = self.tokens.make(matter.launch, "gateway", LAUNCH_LIFE)
        return Opened(matter.id, matter.launch, token, version.url, f"{self.base_url}/gateway")

    def resolve(self, token: str) -> Launch:
        """The launch behind a gateway token; ends at once with its listing. Raises `Unauthenticated` or `Forbidden`."""
        launch = str(self.tokens.read(token, "gateway")["sub"])
        with self.database.reading() as tx:
            matter = store.find(tx, HandledMatter, launch=launch)
            if matter is None:
                raise Unauthenticated("this launch is not known", hint="open the app from its listing")
            self._live(tx, matter.listing)
        return Launch(launch, matter.vendor, matter.matter, matter.listing, matter.id)

    def delivered(self, tx: Connection, launch: str, interface: str, operation: str) -> None:
        """A department confirmed an operation for a launch; the last required one completes the handled matter."""
        matter = store.find(tx, HandledMatter, launch=launch)
        if matter is None or matter.completed_at:
            return
        steps = self._matter(matter.matter).steps
        required = frozenset(f"{step.interface}#{step.operation}" for step in steps if step.required)
        moved = progress(matter, f"{interface}#{operation}", required, stamp(self.clock()))
        if moved == matter:
            return
        store.save(tx, moved)
        if moved.completed_at:
            self._record(
                tx,
                "matter.completed",
                handled_matter=moved.id,
                launch=launch,
                listing=moved.listing,
                vendor=moved.vendor,
                matter=moved.matter,
                steps=list(moved.steps),
            )
            self.duties.finished(tx, moved.id)

    def handled_matters(self, caller: Caller) -> list[HandledMatter]:
        """A citizen's own, a vendor's own, those of matters a department leads; all for offices that may read them.

        Vendors and departments do not learn whose account it was: whoever rates them stays unknown.
        """
        permit(caller, "matter.read")
        where: dict[str, Any] = {"public": {"citizen": caller.id}, "vendor": {"vendor": caller.party}}.get(
            caller.kind, {}
        )
        with self.database.reading() as tx:
            found = store.listed(tx, HandledMatter, **where)
        if caller.kind == "department":
            led = {one for one in library.matters() if library.matter(one).department == caller.party}
            found = [matter for matter in found if matter.matter in led]
        if caller.kind in ("department", "vendor"):
            return [replace(matter, citizen="") for matter in found]
        return found

    def handled_matter(self, caller: Caller, identifier: str) -> HandledMatter:
        """One of `handled_matters`. Raises `NotFound`."""
        found = next((matter for matter in self.handled_matters(caller) if matter.id == identifier), None)
        if found is None:
            raise NotFound(f"no handled matter {identifier} of yours", hint="list them at /api/v1/handled-matters")
        return found

    def ratings(self, handled_matter: str) -> list[Rating]:
        """The rating of a handled matter, as a list of none or one."""
        with self.database.reading() as tx:
            return store.ratings_of(tx, handled_matter=handled_matter)

    def rate(self, caller: Caller, handled_matter: str, level: int, comment: str) -> Rating:
        """一次一评: raises `NotFound`, `Conflict` or `Unprocessable` when this may not be rated."""
        permit(caller, "matter.rate")
        if len(comment) > 1000:
            raise Unprocessable("a comment has at most 1000 characters", pointer="/comment")
        with self.database.transaction() as tx:
            matter = store.find(tx, HandledMatter, id=handled_matter)
            if matter is None or matter.citizen != caller.id:
                raise NotFound(
                    f"no handled matter {handled_matter} of yours",
                    hint="list them at /api/v1/handled-matters",
                )
            check_rating(matter, caller.id, level, already=bool(store.ratings_of(tx, handled_matter=matter.id)))
            rating = Rating(matter.id, matter.listing, level, comment, stamp(self.clock()))
            store.add_rating(tx, rating)
            # the rater stays sealed: neither person nor comment is in the entry
            self._record(
                tx,
                "matter.rated",
                handled_matter=matter.id,
                listing=matter.listing,
                vendor=matter.vendor,
                level=level,
            )
            served = self._matter(matter.matter)
            self.duties.rated(tx, matter.id, level, served.department, served.interface.id)
        return rating

    def due(self) -> int:
        """Remind persons whose finished matters have waited for a rating until their day; how many. Run it often.

        They read it on the page of their matters and in the API: the exchange keeps nobody's telephone or address.
        """
        count = 0
        while True:
            with self.database.reading() as tx:
                if not self.duties.to_remind(tx, 1):
                    return count
            with self.database.transaction() as tx:
                for clock in self.duties.to_remind(tx, REMINDED):
                    matter = store.need(tx, HandledMatter, id=clock.subject)
                    store.save(tx, replace(matter, reminded_at=stamp(self.clock())))
                    self._record(tx, "matter.reminded", handled_matter=matter.id, listing=matter.listing)
                    self.duties.reminded(tx, matter.id)
                    count += 1

    def _live(self, tx: Connection, listing: str) -> Listing:
        found = store.need(tx, Listing, id=listing)
        if not found.active or moment(found.valid_until) <= self.clock():
            raise Forbidden(
                "this app is no longer listed",
                rule="listing.active",
                hint="choose another app of this matter",
            )
        return found

    def _matter(self, identifier: str) -> library.Matter:
        try:
            return library.matter(identifier)
        except KeyError as error:
            raise NotFound(f"no matter {identifier}", hint=str(error)) from None

    def _record(self, tx: Connection, kind: str, **body: Any) -> None:
        self.ledger.append(tx, kind, body)
