"""Settings of the service: environment variables with the prefix ``TONGBAN_``, read once at start."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from exchange.errors import Invalid


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of one running service. Every field is documented in docs/settings.md (a test holds that)."""

    home: Path = Path(".tongban")
    """TONGBAN_HOME: data folder (database, keys, datasets, reports)."""
    database_url: str = ""
    """TONGBAN_DATABASE_URL: SQLAlchemy URL; empty means SQLite inside the data folder."""
    host: str = "127.0.0.1"
    """TONGBAN_HOST: address to listen on."""
    port: int = 8000
    """TONGBAN_PORT: port to listen on."""
    public_url: str = ""
    """TONGBAN_PUBLIC_URL: the URL people and programs reach the service under; empty means http://host:port."""
    origin: str = "tongban.example/ledger"
    """TONGBAN_ORIGIN: name of the ledger, first line of every checkpoint and name of its key."""
    allow_loopback_endpoints: bool = False
    """TONGBAN_ALLOW_LOOPBACK_ENDPOINTS: let departments register endpoints on this machine (demo and tests)."""
    provider_networks: str = ""
    """TONGBAN_PROVIDER_NETWORKS: ranges providers may be in besides public addresses, such as 10.0.0.0/8, fd00::/8."""
    xroad_instance: str = "CN"
    """TONGBAN_XROAD_INSTANCE: the X-Road instance this exchange answers as under /r1."""
    operator_secret: str = field(default="", repr=False)
    """TONGBAN_OPERATOR_SECRET: first operator's client secret; empty means one is made and printed once."""
    oidc_issuer: str = ""
    """TONGBAN_OIDC_ISSUER: OpenID Connect issuer people may sign in with; empty means by password only."""
    oidc_client_id: str = ""
    """TONGBAN_OIDC_CLIENT_ID: what that issuer calls this service."""
    oidc_client_secret: str = field(default="", repr=False)
    """TONGBAN_OIDC_CLIENT_SECRET: secret agreed with that issuer; empty for a client without one."""
    oidc_claim: str = "sub"
    """TONGBAN_OIDC_CLAIM: claim of its ID token that names a person, as entered with the member here."""
    worker_id: str = "worker-1"
    """TONGBAN_WORKER_ID: name of this process among those sharing the database; jobs resume under it."""
    population_seed: str = "tongban"
    """TONGBAN_POPULATION_SEED: seed of the population behind public sandboxes and datasets."""
    population_size: int = 1_400_000_000
    """TONGBAN_POPULATION_SIZE: persons in that population; nothing is stored, so size costs nothing."""
    sandbox_destinations: str = ""
    """TONGBAN_SANDBOX_DESTINATIONS: where callbacks and webhooks of hosted sandboxes may go, separated by commas: hosts
    (`app.example:8443`), networks (`203.0.113.0/24`), `*` for every public address; empty: nothing is sent."""
    push_days: int = 7
    """TONGBAN_PUSH_DAYS: days the content of pushed messages is kept for tries and replays."""
    push_listed_days: int = 90
    """TONGBAN_PUSH_LISTED_DAYS: days a pushed message is listed with its fate; after that the ledger alone knows it."""
    job_days: int = 2
    """TONGBAN_JOB_DAYS: days the steps of finished jobs are kept; what came of a job stays, its steps do not."""
    clocks: str = "national"
    """TONGBAN_CLOCKS: statutory clocks in force: national, local-sx, or a YAML file with a tighter local set."""

    witnesses: str = ""
    """TONGBAN_WITNESSES: who cosigns the ledger's checkpoints: "url vkey", several with commas between."""
    timestamp_url: str = ""
    """TONGBAN_TIMESTAMP_URL: RFC 3161 authority that stamps a checkpoint once an hour; empty means none."""
    timestamp_roots: Path = Path("timestamp-roots.pem")
    """TONGBAN_TIMESTAMP_ROOTS: PEM file of the certificates that authority's stamps must lead to."""

    identity_proof: str = ""
    """TONGBAN_IDENTITY_PROOF: how citizens prove who they are: empty (nobody can) or ``demo`` (code on the page)."""
    guardian_department: str = ""
    """TONGBAN_GUARDIAN_DEPARTMENT: under whose agreement the register of births is asked whether somebody is a child's
    guardian; empty: nobody can ask for a child."""

    dataset_days: int = 30
    """TONGBAN_DATASET_DAYS: days a requested dataset is kept; then its files go and its entry stays."""
    dataset_open: int = 20
    """TONGBAN_DATASET_OPEN: datasets of one party waiting or being made at a time."""
    dataset_rows_a_day: int = 50_000_000
    """TONGBAN_DATASET_ROWS_A_DAY: rows one party may ask for in 24 hours."""
    dataset_bytes: int = 20_000_000_000
    """TONGBAN_DATASET_BYTES: bytes of datasets kept for one party."""
    bulk_folder: str = ""
    """TONGBAN_BULK_FOLDER: providers' files for bulk sharing, one sub-folder a department; empty: none."""
    bulk_url_seconds: int = 3600
    """TONGBAN_BULK_URL_SECONDS: how long a shared file's URL is good; it has to outlast a download."""

    @property
    def url(self) -> str:
        """SQLAlchemy URL of the database."""
        return self.database_url or f"sqlite:///{self.home.resolve() / 'tongban.sqlite'}"

    @property
    def base_url(self) -> str:
        """URL of the service without a trailing slash."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")


def from_environment(environment: Mapping[str, str] = os.environ) -> Settings:
    """Settings from ``TONGBAN_*`` variables. Raises `Invalid` for a value of the wrong type or an unknown name."""
    known = {f"TONGBAN_{one.name.upper()}": one for one in fields(Settings)}
    values: dict[str, object] = {}
    for name, text in environment.items():
        if not name.startswith("TONGBAN_"):
            continue
        one = known.get(name)
        if one is None:
            raise Invalid(f"unknown setting {name}", hint=f"known settings: {', '.join(sorted(known))}")
        values[one.name] = _convert(name, text, one.default)
    return Settings(**values)  # type: ignore[arg-type]  # each value was converted to its field's type


def _convert(name: str, text: str, default: object) -> object:
    if isinstance(default, bool):
        if text.lower() in {"1", "true", "yes", "on"}:
            return True
        if text.lower() in {"", "0", "false", "no", "off"}:
            return False
        raise Invalid(f"{name} must be true or false, not {text!r}", hint=f"set {name}=true or unset it")
    if isinstance(default, int):
        try:
            return int(text)
        except ValueError:
            raise Invalid(
                f"{name} must be a whole number, not {text!r}", hint=f"for example {name}={default}"
            ) from None
    return Path(text) if isinstance(default, Path) else text
