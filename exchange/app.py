"""The only place that wires: settings in, a FastAPI application out."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi import Depends, FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.concurrency import run_in_threadpool

from exchange import handed, migrations, telemetry
from exchange.agreements import clocks, needs_routes, proceeding_routes
from exchange.agreements import routes as agreements_routes
from exchange.agreements.deriving import Deriving
from exchange.agreements.service import Agreements
from exchange.agreements.supervising import Supervising
from exchange.brokering import routes as brokering_routes
from exchange.brokering.credentials import Vault
from exchange.brokering.front import App, Front, Receive, Scope, Send, shortcut
from exchange.brokering.service import Broker
from exchange.brokering.sources import ServiceSource
from exchange.brokering.xroad_front import XRoad
from exchange.bulk import routes as bulk_routes
from exchange.bulk import sharing_routes
from exchange.bulk.aggregates import Aggregates
from exchange.bulk.connecting import Connecting
from exchange.bulk.desk import Desk
from exchange.bulk.service import Bulk
from exchange.bulk.sources import Sources
from exchange.bulk.streams import Streams
from exchange.bulk.urls import Urls
from exchange.catalogue import review_routes
from exchange.catalogue import routes as catalogue_routes
from exchange.catalogue.checking import Checking
from exchange.catalogue.endpoint import Network, addresses, check_endpoint
from exchange.catalogue.lifecycle import Lifecycle
from exchange.catalogue.news import News
from exchange.catalogue.probing import Probing
from exchange.catalogue.rounds import Rounds
from exchange.catalogue.service import Catalogue
from exchange.catalogue.tidying import Tidying
from exchange.certification import routes as certification_routes
from exchange.certification.service import Certifications
from exchange.clock import Clock, system_clock
from exchange.database import Database
from exchange.errors import Invalid
from exchange.http import health, problems
from exchange.http.text import well_formed
from exchange.jobs import Jobs
from exchange.keys import Keys
from exchange.ledger import routes as ledger_routes
from exchange.ledger.attesting import Attesting
from exchange.ledger.cosigning import Cosigning, read_peers
from exchange.ledger.keeper import Keeper
from exchange.ledger.service import Ledger
from exchange.ledger.subjects import SubjectKeys
from exchange.market import routes as market_routes
from exchange.market.service import Market
from exchange.market.statements import Statements
from exchange.oversight import identity as proofs
from exchange.oversight import routes as oversight_routes
from exchange.oversight import usage_routes
from exchange.oversight.guardians import Guardians
from exchange.oversight.identity import Identity
from exchange.oversight.quality import Quality
from exchange.oversight.reporting import Reporting
from exchange.oversight.service import Oversight
from exchange.oversight.usage import Usage
from exchange.parties import oauth_routes
from exchange.parties import routes as parties_routes
from exchange.parties.access import Access
from exchange.parties.gates import GATES
from exchange.parties.service import Parties
from exchange.parties.tokens import Tokens
from exchange.periodic import every
from exchange.portal import agreements as agreement_pages
from exchange.portal import (
    answering,
    applying,
    calendars,
    launches,
    my_child,
    my_data,
    organisations,
    overseeing,
    publishing,
    pushes,
    shares,
    signing,
    tending,
    testing,
    trials,
    witnesses,
)
from exchange.portal import catalogue as catalogue_pages
from exchange.portal import datasets as dataset_pages
from exchange.portal import routes as portal_routes
from exchange.portal.pages import Pages
from exchange.pushing import routes as pushing_routes
from exchange.pushing.passing import Passing
from exchange.pushing.sending import Sender
from exchange.pushing.service import Pushing
from exchange.sandboxes import control_routes, dataset_routes
from exchange.sandboxes import routes as sandboxes_routes
from exchange.sandboxes.service import Sandboxes
from exchange.settings import Settings
from mockdata.sandbox.delivery import showing

SWEEP_SECONDS = 60.0
PUSH_SECONDS = 3.0
JUDGE_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class Services:
    """Every service of one running exchange, lowest first."""

    database: Database
    ledger: Ledger
    jobs: Jobs
    parties: Parties
    catalogue: Catalogue
    lifecycle: Lifecycle
    probing: Probing
    checking: Checking
    tidying: Tidying
    agreements: Agreements
    supervising: Supervising
    deriving: Deriving
    broker: Broker
    pushing: Pushing
    bulk: Bulk
    sandboxes: Sandboxes
    certifications: Certifications
    market: Market
    statements: Statements
    oversight: Oversight
    usage: Usage
    quality: Quality
    reporting: Reporting


class Exchange(FastAPI):
    """The application. Calls of the broker do not enter its framework, which would cost more than their receipts."""

    fronts: Mapping[str, App] = MappingProxyType({})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection of any kind."""
        front = shortcut(self.fronts, scope) or self._framework
        await front(scope, receive, send)

    @cached_property
    def _framework(self) -> App:
        return showing(super().__call__)  # sandboxes cut connections on purpose


def create_app(settings: Settings, clock: Clock = system_clock) -> Exchange:
    """The whole service. Migrates the database, checks the ledger here and with its witnesses; raises `Unavailable`."""
    settings.home.mkdir(parents=True, exist_ok=True)
    keys = Keys(settings.home)
    database = Database(settings.url)
    database.check()
    migrations.upgrade(database)
    subject_keys = SubjectKeys(keys.secrets("subjects"))
    ledger = Ledger(database, keys.signing("ledger"), settings.origin, subject_keys, clock)
    ledger.check()
    cosigning = Cosigning(ledger, read_peers(settings.witnesses))
    ledger.attest = cosigning.round
    cosigning.round(again=True)  # before anything is signed: a ledger that was turned back must not serve
    jobs = Jobs(database, settings.home, settings.worker_id, clock)
    ring = keys.ring("tokens")
    tokens = Tokens(ring, settings.base_url, clock)
    parties = Parties(database, ledger, tokens, clock, ring=ring)
    access = Access(database, tokens, clock, secure=settings.base_url.startswith("https://"), gates=GATES)
    network = Network.of(settings.provider_networks, loopback=settings.allow_loopback_endpoints)
    catalogue = Catalogue(database, ledger, clock, network=network)
    lifecycle = Lifecycle(catalogue, News(database, ledger, clock))
    agreements = Agreements(database, ledger, catalogue, clock, clocks.preset(settings.clocks))
    supervising = Supervising(agreements)
    supervising.publish = lifecycle.publish
    lifecycle.news.dependants = agreements.holders
    lifecycle.news.users = handed.trying
    vault = Vault(database, ledger, catalogue, keys.secret("vault"))
    source = ServiceSource(vault, network)
    broker = Broker(database, ledger, catalogue, agreements, source, clock, keys.secret("masks"))
    passing = Passing(catalogue, agreements, source, partial(handed.like_broker, broker, keys.secret("masks")), clock)
    sender = Sender(partial(check_endpoint, network=network), partial(addresses, network=network))
    pushing = Pushing(database, ledger, jobs, passing, sender, keys.secret("pushing"), clock, settings.push_days,
                      settings.push_listed_days)  # fmt: skip
    agreements.enforceable = handed.check_terms
    bulk_home = settings.home / "bulk"
    folder = Path(settings.bulk_folder) if settings.bulk_folder else None
    work = bulk_home / "work" / f"of-{quote(settings.worker_id, safe='')}"
    tables = Sources(folder, work / "spill", network.admits)
    connecting = Connecting(database, ledger, catalogue, tables, keys.secret("sources"), clock)
    desk = Desk(connecting, agreements, keys.secret("masks"), clock)
    bulk = Bulk(desk, bulk_home, work, Urls(keys.secret("urls"), settings.base_url, clock, settings.bulk_url_seconds))
    streams = Streams(desk, work)
    sandboxes = Sandboxes(database, ledger, jobs, catalogue, settings, keys.secret("sandboxes"), clock)
    vault.derived = sandboxes.credential
    probing = Probing(catalogue, partial(handed.probe_call, source))
    rounds = Rounds(probing, jobs)
    lifecycle.ready = probing.ready
    checking = Checking(lifecycle)
    deriving = Deriving(agreements, checking)
    tidying = Tidying(catalogue, lifecycle.news)
    tidying.used = broker.last_delivered
    certificates = keys.signing("certificates")
    certifications = Certifications(
        database, ledger, jobs, certificates, settings.home / "certifications", settings.base_url, clock
    )
    market = Market(
        database,
        ledger,
        agreements,
        certifications,
        tokens,
        settings.base_url,
        partial(check_endpoint, network=network),
        clock,
    )
    broker.delivered = market.delivered
    front = Front(broker, access, partial(handed.launch_of, market, parties))
    statements = Statements(database, ledger, jobs, clock)
    oversight = Oversight(database, ledger, catalogue, agreements, broker, clock)
    tell = {"": None, "demo": proofs.shown}.get(settings.identity_proof)
    if settings.identity_proof and tell is None:
        raise Invalid("TONGBAN_IDENTITY_PROOF is empty or demo", hint="see docs/settings.md")
    identity = Identity(database, ledger, keys.secret("identity"), clock, tell)
    guardians = Guardians(database, ledger, identity, agreements, broker, clock, settings.guardian_department)
    usage = Usage(database, ledger, identity, clock, guardians)
    quality = Quality(database, ledger, catalogue, broker, clock)
    broker.sampled = quality.samples.offer
    reporting = Reporting(database, ledger, parties, oversight, clock)
    services = Services(
        database,
        ledger,
        jobs,
        parties,
        catalogue,
        lifecycle,
        probing,
        checking,
        tidying,
        agreements,
        supervising,
        deriving,
        broker,
        pushing,
        bulk,
        sandboxes,
        certifications,
        market,
        statements,
        oversight,
        usage,
        quality,
        reporting,
    )
    created = parties.bootstrap(settings.operator_secret)

    keeper = Keeper(ledger)
    attesting = Attesting(cosigning, handed.stamping_of(ledger, settings))
    stop = threading.Event()
    threads: list[threading.Thread] = []

    def up() -> None:
        telemetry.install()
        checking.reindex()
        broker.recover()
        bulk.clear()
        jobs.start()
        attesting.start()
        keeper.start()
        threads.append(every(SWEEP_SECONDS, agreements.due, stop, "clocks"))
        threads.append(every(SWEEP_SECONDS, market.due, stop, "reminders"))
        threads.append(every(SWEEP_SECONDS, certifications.due, stop, "reveals"))
        threads.append(every(SWEEP_SECONDS, lifecycle.due, stop, "publications"))
        threads.append(every(SWEEP_SECONDS, rounds.due, stop, "probes"))
        threads.append(every(SWEEP_SECONDS, oversight.due, stop, "flows"))
        threads.append(every(JUDGE_SECONDS, quality.due, stop, "quality"))
        threads.append(every(SWEEP_SECONDS, sandboxes.datasets.due, stop, "datasets"))
        threads.append(every(PUSH_SECONDS, pushing.due, stop, "pushes"))
        threads.append(every(SWEEP_SECONDS, partial(jobs.tidy, settings.job_days), stop, "jobs"))
        threads.append(every(SWEEP_SECONDS, bulk.due, stop, "bulk"))
        threads.append(every(SWEEP_SECONDS, streams.due, stop, "streams"))

    def down() -> None:
        stop.set()
        for thread in threads:
            thread.join()
        jobs.stop()
        passing.close()
        broker.close()
        source.close()
        sandboxes.close()
        keeper.stop()
        attesting.stop()
        database.close()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        # everything here is blocking code; DBOS refuses to be started inside an event loop
        await run_in_threadpool(up)
        yield
        await source.leave()
        await run_in_threadpool(down)

    app = Exchange(
        title="Tongban",
        version="0.1.0",
        lifespan=lifespan,
        docs_url="/docs/api",
        redoc_url=None,
        dependencies=[Depends(well_formed)],
    )
    app.state.services = services
    app.state.operator_secret = created[1] if created and not settings.operator_secret else ""
    problems.install(app)
    xroad = XRoad(front, parties, settings.xroad_instance)
    app.fronts = {"exchange": front, "gateway": front, "r1": xroad}
    pages = Pages(access, handed.names_of(parties))
    outside = handed.outside_of(settings, tokens, clock)
    public_key = certificates.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    for router in (
        health.router(
            {
                "database": database.check,
                "disk": partial(health.room, settings.home),
                "ledger": keeper.check,
                "witnesses": attesting.check,
            }
        ),
        ledger_routes.router(ledger, access),
        parties_routes.router(parties, access),
        oauth_routes.router(parties, access),
        review_routes.router(checking, tidying, access),
        catalogue_routes.router(catalogue, lifecycle, probing, access),
        agreements_routes.router(agreements, access),
        proceeding_routes.router(supervising, access),
        needs_routes.router(deriving, access),
        brokering_routes.router(front, xroad, vault, access),
        pushing_routes.router(pushing, access),
        sharing_routes.router(bulk),
        bulk_routes.router(bulk, streams, Aggregates(desk), access, settings.base_url),
        control_routes.router(sandboxes, access),
        sandboxes_routes.router(sandboxes, access),
        dataset_routes.router(sandboxes.datasets, access),
        certification_routes.router(certifications, access, public_key),
        market_routes.router(market, statements, access),
        oversight_routes.router(oversight, reporting, quality, access, settings.base_url),
        usage_routes.router(usage, access, partial(handed.chinese, handed.names_of(parties))),
        publishing.router(pages, access, parties, checking, tidying),
        tending.router(pages, access, lifecycle, probing, tidying),
        trials.router(catalogue, handed.people(settings)),
        testing.router(pages, access, catalogue, sandboxes),
        catalogue_pages.router(pages, access, parties, catalogue, lifecycle, probing, checking),
        dataset_pages.router(pages, access, catalogue, sandboxes.datasets),
        applying.router(pages, access, agreements),
        answering.router(pages, access, supervising),
        shares.router(pages, access, bulk, broker, settings.base_url),
        agreement_pages.router(pages, access, supervising),
        pushes.router(pages, access, pushing),
        calendars.router(pages, access, supervising, deriving),
        launches.router(pages, access, market, settings.base_url),
        overseeing.router(pages, access, catalogue, oversight, reporting, quality, usage),
        my_data.router(pages, access, catalogue, usage, settings.base_url.startswith("https://")),
        my_child.router(pages, access, catalogue, usage, settings.base_url.startswith("https://")),
        signing.router(pages, access, parties, outside, secure=settings.base_url.startswith("https://")),
        organisations.router(pages, access, parties, outside=outside is not None),
        witnesses.router(pages, access, cosigning, settings.base_url),
        portal_routes.router(
            pages,
            access,
            catalogue,
            certifications,
            market,
            statements,
            ledger,
            settings.base_url,
        ),
    ):
        app.include_router(router)
    app.mount("/sandboxes", sandboxes)
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "portal" / "static"))
    return app
