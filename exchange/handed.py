"""What features are handed by the place that wires them, because none of them may import the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import Connection, Text, cast, select

from exchange.agreements.model import Agreement
from exchange.agreements.wish import Mode
from exchange.brokering.model import Launch
from exchange.brokering.service import Broker
from exchange.brokering.sources import Outgoing, ServiceSource, Source, SourceFailure
from exchange.brokering.terms import check_terms as check_calls
from exchange.bulk.checking import check_terms as check_bulk
from exchange.catalogue.model import Record
from exchange.clock import Clock
from exchange.errors import Upstream
from exchange.ledger.service import Ledger
from exchange.ledger.stamping import Stamping
from exchange.market.service import Market
from exchange.parties.oidc import Outside, Registration
from exchange.parties.service import Parties
from exchange.parties.tokens import Tokens
from exchange.portal import signing
from exchange.sandboxes.store import SANDBOXES
from exchange.settings import Settings


def probe_call(
    source: ServiceSource, record: Record, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
) -> tuple[int, Mapping[str, str], bytes]:
    """A probe's call, made as the broker makes its own: same limits, same guard against our own network."""
    call = Outgoing(record.id, record.department, record.endpoint or "", method, path, query, headers, body)
    try:
        answer = source.fetch(call)
    except SourceFailure as failure:
        raise Upstream(failure.rule) from None
    return answer.status, answer.headers, answer.body


def stamping_of(ledger: Ledger, settings: Settings) -> Stamping | None:
    """Time stamps over checkpoints, where the operator names an authority."""
    return Stamping(ledger, settings.timestamp_url, settings.timestamp_roots) if settings.timestamp_url else None


def check_terms(agreement: Agreement) -> None:
    """Raises `Unprocessable` for terms that nobody here could keep."""
    (check_calls if agreement.mode is Mode.SERVICE else check_bulk)(agreement)


def like_broker(like: Broker, key: bytes, source: Source) -> Broker:
    """Another broker with a source of its own."""
    return Broker(like.database, like.ledger, like.catalogue, like.agreements, source, like.clock, key)


def launch_of(market: Market, parties: Parties, token: str) -> Launch:
    """The launch behind a gateway token, while the vendor of its app may act."""
    launch = market.resolve(token)
    parties.check_standing(launch.vendor)
    return launch


def outside_of(settings: Settings, tokens: Tokens, clock: Clock) -> Outside | None:
    """The OpenID Connect issuer people may sign in with, where the operator names one."""
    if not settings.oidc_issuer:
        return None
    names = settings.oidc_issuer, settings.oidc_client_id, settings.oidc_client_secret
    back = f"{settings.base_url}{signing.OUTSIDE}/back"
    return Outside(Registration(*names, back, settings.oidc_claim), tokens, clock)


def people(settings: Settings) -> Callable[[], object]:
    """Makes the population behind calls tried on a reference page."""

    def population() -> object:
        from mockdata.population import Population  # NumPy and Arrow: loaded by the first call tried

        return Population(settings.population_seed, settings.population_size)

    return population


def trying(tx: Connection, interface: str) -> set[str]:
    """Parties with a hosted sandbox of an interface: what they build on it breaks with it, agreement or not."""
    near = cast(SANDBOXES.c.interfaces, Text).contains(f'"{interface}"', autoescape=True)
    rows = tx.execute(select(SANDBOXES.c.owner, SANDBOXES.c.interfaces).where(near))
    return {row.owner for row in rows if any(name == interface for name, _ in row.interfaces)}


def names_of(parties: Parties) -> Callable[[str], dict[str, str]]:
    """Gives the names of a party by its id, the id itself for one nobody knows."""
    known: dict[str, dict[str, str]] = {}

    def name(identifier: str) -> dict[str, str]:
        # a party's name never changes, so it is asked for once
        if identifier not in known:
            known.update({party.id: dict(party.name) for party in parties.parties()})
        return known.get(identifier, {"zh_CN": identifier, "en": identifier})

    return name


def chinese(names: Callable[[str], dict[str, str]], identifier: str) -> str:
    """The Chinese name of a party."""
    return names(identifier).get("zh_CN") or identifier
