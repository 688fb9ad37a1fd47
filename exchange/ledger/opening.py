"""The ledger of the data folder and database in the environment, for commands; the service need not run."""

from __future__ import annotations

from exchange.clock import system_clock
from exchange.database import Database
from exchange.errors import NotFound
from exchange.keys import Keys
from exchange.ledger.cosigning import Cosigning, read_peers
from exchange.ledger.service import Ledger
from exchange.ledger.subjects import SubjectKeys
from exchange.settings import Settings, from_environment


def opened(settings: Settings | None = None) -> Ledger:
    """The ledger, with its witnesses. Raises `NotFound` for a folder without one, `Unavailable` without database."""
    settings = settings or from_environment()
    if not (settings.home / "keys" / "ledger.pem").exists():
        raise NotFound(f"there is no ledger in {settings.home}", hint="set TONGBAN_HOME to the service's data folder")
    keys, database = Keys(settings.home), Database(settings.url)
    database.check()
    subjects = SubjectKeys(keys.secrets("subjects"))
    ledger = Ledger(database, keys.signing("ledger"), settings.origin, subjects, system_clock)
    ledger.attest = Cosigning(ledger, read_peers(settings.witnesses)).round
    return ledger
