"""The market: who may do what, listings only by certificate, use counted by the gateway, one rating, exact fees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from exchange.agreements.service import Agreements
from exchange.agreements.supervising import Supervising
from exchange.certification import routes as certification_routes
from exchange.certification.model import Certification, State
from exchange.certification.service import Certifications
from exchange.clock import stamp
from exchange.errors import Conflict, Forbidden, NotFound, Unauthenticated, Unprocessable
from exchange.jobs import Jobs
from exchange.market import routes
from exchange.market.model import AppVersion, VersionState
from exchange.market.service import Market
from exchange.market.statements import Statements
from exchange.parties.access import Caller
from specs import library

from .conftest import Services

TITLE = {"zh_CN": "新生儿", "en": "newborn"}
DIGEST = "sha256:" + "a" * 64


@dataclass
class Bazaar:
    services: Services
    agreements: Agreements
    certifications: Certifications
    market: Market
    statements: Statements

    @property
    def vendor(self) -> Caller:
        return self.services.vendor()

    @property
    def citizen(self) -> Caller:
        return self.services.caller("citizens", "public", "citizen", via="session")

    def version(self, number: str = "1.0.0") -> AppVersion:
        lead, vendor = self.services.department("health"), self.vendor
        demand = next(iter(self.market.demands()), None) or self.market.publish_demand(lead, "newborn", TITLE)
        order = self.market.take(vendor, demand.id)
        app = next((app for app, _ in self.market.apps(vendor)), None) or self.market.register_app(
            vendor, order.id, TITLE
        )
        return self.market.add_version(vendor, app.id, number, "http://127.0.0.1:9/app/", DIGEST)

    def conclude(self, certification: Certification, state: State) -> None:
        passed = state is State.PASSED
        until = stamp(self.services.clock() + timedelta(days=365)) if passed else None
        done = replace(certification, state=state, grade="A" if passed else "refused", valid_until=until)
        with self.services.database.transaction() as tx:
            self.market.concluded(tx, done)

    def listed(self, number: str = "1.0.0") -> str:
        version = self.version(number)
        self.conclude(self.market.submit(self.vendor, version.id), State.PASSED)
        return next(item.id for item in self.market.listings() if item.app_version == version.id)


@pytest.fixture
def bazaar(services: Services) -> Bazaar:
    for interface in library.matter("newborn").interfaces.values():
        owner = services.department(str(interface.department))
        made = services.catalogue.register(owner, interface.document.name, interface.document.text.decode())
        services.lifecycle.publish(owner, made.interface, made.version)
    agreements = Agreements(services.database, services.ledger, services.catalogue, services.clock)
    jobs = Jobs(services.database, services.home, "w", services.clock)
    key = Ed25519PrivateKey.generate()
    certifications = Certifications(
        services.database, services.ledger, jobs, key, services.home / "c", "http://t", services.clock
    )
    market = Market(
        services.database,
        services.ledger,
        agreements,
        certifications,
        services.tokens,
        "http://t",
        lambda url: url.rstrip("/"),
        services.clock,
    )
    return Bazaar(
        services,
        agreements,
        certifications,
        market,
        Statements(services.database, services.ledger, jobs, services.clock),
    )


def complete(bazaar: Bazaar, launch: str) -> None:
    for step in library.matter("newborn").steps:
        with bazaar.services.database.transaction() as tx:
            bazaar.market.delivered(tx, launch, step.interface, step.operation)


@pytest.mark.parametrize(
    ("act", "who"),
    [
        (lambda m, c: m.publish_demand(c, "newborn", TITLE), "vendor"),
        (lambda m, c: m.take(c, "dmd_x"), "department"),
        (lambda m, c: m.register_app(c, "ord_x", TITLE), "public"),
        (lambda m, c: m.launch(c, "lst_x"), "vendor"),
        (lambda m, c: m.rate(c, "hdm_x", 5, ""), "vendor"),
        (lambda m, c: m.handled_matters(c), "finance"),
    ],
)
def test_the_wrong_kind_of_party_is_refused(bazaar: Bazaar, act: Callable[[Market, Caller], object], who: str) -> None:
    caller = Caller("x", "x", who, frozenset({"admin", "engineer", "developer", "citizen", "finance"}), "x", "client")
    with pytest.raises(Forbidden) as refused:
        act(bazaar.market, caller)
    assert refused.value.rule.startswith("access.")


def test_nobody_is_asked_to_sign_in_and_foreigners_see_nothing(bazaar: Bazaar) -> None:
    services = bazaar.services
    web = services.web(
        routes.router(bazaar.market, bazaar.statements, services.access),
        certification_routes.router(bazaar.certifications, services.access, "pem"),
    )
    version = bazaar.version()
    run = bazaar.market.submit(bazaar.vendor, version.id).id
    for method, path in [
        ("POST", "/api/v1/demands"),
        ("POST", "/api/v1/apps"),
        ("GET", "/api/v1/apps"),
        ("POST", "/api/v1/listings/x/launches"),
        ("GET", "/api/v1/handled-matters"),
        ("POST", "/api/v1/settlements"),
        ("GET", f"/api/v1/certifications/{run}"),
        ("GET", f"/api/v1/certifications/{run}/report.json"),
    ]:
        assert web.request(method, path).status_code == 401, path
    foreign = services.bearer(services.vendor("other"))
    assert web.get(f"/api/v1/certifications/{run}", headers=foreign).status_code == 404
    assert web.post(f"/api/v1/app-versions/{version.id}/certifications", headers=foreign).status_code == 404
    own = services.bearer(bazaar.vendor)
    assert web.get(f"/api/v1/certifications/{run}", headers=own).json()["state"] == "queued"
    assert web.get("/api/v1/demands").status_code == 200
    assert web.get(f"/api/v1/certifications/{run}/certificate").status_code == 404


def test_only_the_lead_department_publishes_the_demand(bazaar: Bazaar) -> None:
    with pytest.raises(Forbidden, match="health leads"):
        bazaar.market.publish_demand(bazaar.services.department("tax"), "newborn", TITLE)


def test_the_hidden_seeds_are_committed_to_before_the_run_and_shown_nowhere(bazaar: Bazaar) -> None:
    run = bazaar.market.submit(bazaar.vendor, bazaar.version().id)
    entry = bazaar.services.last("certification.committed")
    assert entry["commitment"] == run.commitment
    assert "seeds" not in str(run.to_dict())


def test_asking_again_while_in_test_gives_the_same_run(bazaar: Bazaar) -> None:
    version = bazaar.version()
    assert bazaar.market.submit(bazaar.vendor, version.id).id == bazaar.market.submit(bazaar.vendor, version.id).id


@pytest.mark.parametrize(
    ("state", "left"), [(State.REFUSED, VersionState.REFUSED), (State.ERRORED, VersionState.REGISTERED)]
)
def test_without_a_certificate_there_is_no_listing(bazaar: Bazaar, state: State, left: VersionState) -> None:
    version = bazaar.version()
    bazaar.conclude(bazaar.market.submit(bazaar.vendor, version.id), state)
    assert bazaar.market.listings() == []
    ((_, (found,)),) = bazaar.market.apps(bazaar.vendor)
    assert found.state is left


def test_a_pass_lists_the_app_and_entrusts_what_the_matter_needs(bazaar: Bazaar) -> None:
    bazaar.listed()
    agreements = bazaar.agreements.agreements(bazaar.vendor)
    needs = library.matter("newborn").needs
    assert {agreement.interface for agreement in agreements} == set(needs)
    assert {a.interface: set(a.fields) for a in agreements} == {
        name: {field for fields in operations.values() for field in fields} for name, operations in needs.items()
    }


def test_a_newer_version_takes_the_older_ones_place(bazaar: Bazaar) -> None:
    first, second = bazaar.listed("1.0.0"), bazaar.listed("1.1.0")
    assert [item.id for item in bazaar.market.listings()] == [second]
    with pytest.raises(Forbidden) as refused:
        bazaar.market.launch(bazaar.citizen, first)
    assert refused.value.rule == "listing.active"


def test_a_listing_ends_with_its_certificate(bazaar: Bazaar) -> None:
    listing = bazaar.listed()
    token = bazaar.market.launch(bazaar.citizen, listing).token
    bazaar.services.clock.advance(hours=23)
    assert bazaar.market.resolve(token).listing == listing
    bazaar.services.clock.advance(days=366)
    assert bazaar.market.listings() == []
    with pytest.raises(Unauthenticated):
        bazaar.market.resolve(token)


def test_another_build_needs_another_version(bazaar: Bazaar) -> None:
    version = bazaar.version()
    with pytest.raises(Conflict, match="another build"):
        bazaar.market.add_version(bazaar.vendor, version.app, "1.0.0", "http://127.0.0.1:9/app", "sha256:" + "b" * 64)


def test_a_matter_completes_by_the_gateways_record_and_is_rated_once(bazaar: Bazaar) -> None:
    opened = bazaar.market.launch(bazaar.citizen, bazaar.listed())
    with pytest.raises(Conflict, match="not finished"):
        bazaar.market.rate(bazaar.citizen, opened.handled_matter, 5, "")
    complete(bazaar, opened.launch)
    assert bazaar.market.handled_matter(bazaar.citizen, opened.handled_matter).state == "completed"
    with pytest.raises(Unprocessable):
        bazaar.market.rate(bazaar.citizen, opened.handled_matter, 6, "")
    bazaar.market.rate(bazaar.citizen, opened.handled_matter, 4, "好")
    with pytest.raises(Conflict, match="already"):
        bazaar.market.rate(bazaar.citizen, opened.handled_matter, 5, "")
    entry = bazaar.services.last("matter.rated")
    assert "citizen" not in entry
    assert "好" not in str(entry)
    for other in (bazaar.vendor, bazaar.services.department("health")):
        assert [(one.id, one.citizen) for one in bazaar.market.handled_matters(other)] == [(opened.handled_matter, "")]


def test_a_rating_is_reminded_of_on_the_third_day_and_a_poor_one_has_to_be_rectified(bazaar: Bazaar) -> None:
    listing = bazaar.listed()
    first, second = (bazaar.market.launch(bazaar.citizen, listing) for _ in range(2))
    for opened in (first, second):
        complete(bazaar, opened.launch)
    bazaar.market.rate(bazaar.citizen, first.handled_matter, 1, "等了三小时")
    assert bazaar.market.due() == 0
    bazaar.services.clock.advance(days=3)
    assert (bazaar.market.due(), bazaar.market.due()) == (1, 0)
    seen = {one.id: one.reminded_at for one in bazaar.market.handled_matters(bazaar.citizen)}
    assert seen == {first.handled_matter: None, second.handled_matter: "2026-11-05T01:00:00.000Z"}
    assert bazaar.services.last("matter.reminded")["handled_matter"] == second.handled_matter
    office, officer = bazaar.services.department("health"), bazaar.services.officer()
    ((running, about),) = bazaar.agreements.open_clocks(office)
    assert (running.rule, running.party, about) == ("C13", "health", first.handled_matter)
    (found,) = Supervising(bazaar.agreements).proceedings(officer, kind="rectification")
    assert (found.facts, found.consumer) == ({"level": 1}, "")
    assert "等了" not in str(bazaar.services.last("rectification.rated"))


def test_somebody_elses_matter_is_not_there(bazaar: Bazaar) -> None:
    opened = bazaar.market.launch(bazaar.citizen, bazaar.listed())
    other = replace(bazaar.citizen, id="somebody-else")
    with pytest.raises(NotFound):
        bazaar.market.handled_matter(other, opened.handled_matter)
    with pytest.raises(NotFound):
        bazaar.market.rate(other, opened.handled_matter, 5, "")


def test_a_call_told_twice_is_counted_once_and_the_fee_follows(bazaar: Bazaar) -> None:
    opened = bazaar.market.launch(bazaar.citizen, bazaar.listed())
    complete(bazaar, opened.launch)
    complete(bazaar, opened.launch)
    bazaar.market.rate(bazaar.citizen, opened.handled_matter, 5, "")
    assert bazaar.services.kinds().count("matter.completed") == 1
    finance = bazaar.services.caller("finance-office", "finance", "finance")
    asked = bazaar.statements.request(finance, date(2026, 11, 1), date(2026, 12, 1))
    bazaar.statements._settle(asked["id"])  # the job's only step
    statement = bazaar.statements.get(finance, asked["id"])["statement"]
    assert [(line["vendor"], line["completed"], line["amount_fen"]) for line in statement["lines"]] == [
        ("acme", 1, 360)
    ]
    assert bazaar.services.last("settlement.made")["statement"] == statement["digest"]
    again = bazaar.statements.request(finance, date(2026, 10, 1), date(2026, 11, 1))
    bazaar.statements._settle(again["id"])
    assert bazaar.statements.get(finance, again["id"])["statement"]["lines"] == []


def test_a_vendor_sees_its_own_lines_only(bazaar: Bazaar) -> None:
    opened = bazaar.market.launch(bazaar.citizen, bazaar.listed())
    complete(bazaar, opened.launch)
    finance = bazaar.services.caller("finance-office", "finance", "finance")
    asked = bazaar.statements.request(finance, date(2026, 11, 1), date(2026, 12, 1))
    bazaar.statements._settle(asked["id"])
    assert bazaar.statements.get(bazaar.vendor, asked["id"])["statement"]["lines"]
    other = bazaar.services.vendor("other")
    assert bazaar.statements.get(other, asked["id"])["statement"]["lines"] == []


def test_a_listing_ends_with_the_certificate_it_rests_on(bazaar: Bazaar) -> None:
    listing = bazaar.listed()
    found = next(item for item in bazaar.market.listings() if item.id == listing)
    certification = bazaar.certifications.get(bazaar.vendor, found.certification)
    with bazaar.services.database.transaction() as tx:
        bazaar.certifications.revoked(tx, certification)
    assert bazaar.market.listings() == []
    assert bazaar.services.last("listing.ended")["listing"] == listing
    with pytest.raises(Forbidden):
        bazaar.market.launch(bazaar.citizen, listing)
    versions = [version for _, versions in bazaar.market.apps(bazaar.vendor) for version in versions]
    assert [version.state for version in versions] == [VersionState.DELISTED]
