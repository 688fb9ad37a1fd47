"""Who takes part: parties (organisations), their members (people) and clients (programs)."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from exchange.errors import Unprocessable

_PARTY = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*\Z")
_LOGIN = re.compile(r"[a-z0-9](?:[a-z0-9._@-]{1,62})[a-z0-9]\Z")
_USCC = re.compile(r"[0-9A-HJ-NPQRTUWXY]{18}\Z")
SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 200
SECRETS = 2
"""Secrets a client may have at a time: the old one works until the new one is everywhere."""
WINDOW = timedelta(minutes=15)
LONGEST_WAIT = timedelta(hours=24)
LANGUAGES = ("zh_CN", "en")
_ROWS_OF_KEYS = frozenset(
    {"1234567890", "0123456789", "0987654321", "qwertyuiop", "1qaz2wsx3edc", "password123", "admin12345"}
)


class Kind(StrEnum):
    """What a party is. ``public`` is the one party all citizens and firms belong to."""

    OPERATOR = "operator"
    DEPARTMENT = "department"
    VENDOR = "vendor"
    DATA_OFFICE = "data_office"
    FINANCE = "finance"
    PUBLIC = "public"


ROLES: Mapping[Kind, frozenset[str]] = {
    Kind.OPERATOR: frozenset({"admin", "certifier"}),
    Kind.DEPARTMENT: frozenset({"admin", "engineer", "officer", "reviewer"}),
    Kind.VENDOR: frozenset({"admin", "developer"}),
    Kind.DATA_OFFICE: frozenset({"admin", "officer"}),
    Kind.FINANCE: frozenset({"admin", "finance"}),
    Kind.PUBLIC: frozenset({"citizen"}),
}
"""The roles a member or client of each kind of party may have."""


@dataclass(frozen=True, slots=True)
class Party:
    """An organisation; ``name`` in both languages, ``uscc`` its 18-character social credit code.

    While ``suspended_at`` is set nobody acts for it: its sessions, tokens, secrets and launched apps are refused.
    """

    id: str
    kind: Kind
    name: Mapping[str, str]
    uscc: str | None
    created_at: str
    suspended_at: str | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """A person who signs in for a party. An inactive one cannot, and loses every session at once.

    ``subject`` is who they are at the outside issuer people may sign in with (`exchange.parties.oidc`).
    """

    id: str
    party: str
    login: str
    name: str
    roles: frozenset[str]
    active: bool
    created_at: str
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class Client:
    """A program of a party: OAuth2 client credentials. ``revoked_at`` ends it at once, tokens included.

    ``keys`` are public keys (JWK) it may sign assertions with instead of showing a secret.
    """

    id: str
    party: str
    label: str
    roles: frozenset[str]
    created_at: str
    revoked_at: str | None
    keys: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Secret:
    """One of the at most two secrets of a client; the text itself is kept nowhere, ``hash`` is."""

    id: str
    client: str
    hash: bytes
    created_at: str


@dataclass(frozen=True, slots=True)
class Session:
    """A browser session. ``token`` goes into the cookie and is stored nowhere; ``csrf`` into every form."""

    token: str
    member: str
    party: str
    expires_at: str

    @property
    def csrf(self) -> str:
        """Token that proves a form came from our own page."""
        return csrf_token(self.token)


def check_party(party: str, name: Mapping[str, str], uscc: str | None) -> None:
    """Raises `Unprocessable` for a malformed id, a missing language or a malformed social credit code."""
    if not _PARTY.match(party) or len(party) > 63:
        raise Unprocessable(
            f"{party!r} is no party id", hint="lower-case words joined by hyphens, such as civil-affairs"
        )
    if missing := [language for language in LANGUAGES if not name.get(language, "").strip()]:
        raise Unprocessable(f"the name lacks {', '.join(missing)}", hint="give zh_CN and en")
    if uscc is not None and not _USCC.match(uscc):
        raise Unprocessable("the unified social credit code is malformed", hint="18 characters of GB 32100")


def check_roles(kind: Kind, roles: Collection[str]) -> frozenset[str]:
    """The roles as a set. Raises `Unprocessable` for none, or one this kind of party does not have."""
    allowed = ROLES[kind]
    if not roles or not allowed.issuperset(roles):
        wrong = ", ".join(sorted(set(roles) - allowed)) or "none"
        raise Unprocessable(f"roles of a {kind} cannot be {wrong}", hint=f"choose among {', '.join(sorted(allowed))}")
    return frozenset(roles)


def check_login(login: str) -> str:
    """The login in its one form. Raises `Unprocessable`."""
    normal = login.strip().lower()
    if not _LOGIN.match(normal):
        raise Unprocessable("a login has 3–64 letters, digits or . _ @ -", hint="for example li.wei@police")
    return normal


def check_password(password: str, login: str = "") -> None:
    """Raises `Unprocessable` when the password is among the first a guesser would try, or too long to hash."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        words = f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters"
        raise Unprocessable(words, hint="a sentence is easiest")
    plain = password.lower()
    if len(set(plain)) < 5 or plain in _ROWS_OF_KEYS or (login and (plain in login or login in plain)):
        raise Unprocessable("that password is too easy to guess", hint="a sentence is easiest")


@dataclass(frozen=True, slots=True)
class Limit:
    """How many failed sign-ins are free; from then on every one costs a wait, a growing one doubles each time."""

    tries: int
    growing: bool = False

    def wait(self, failed: int, last: datetime, now: datetime) -> timedelta:
        """How long the next try has to wait, after ``failed`` ones of which the newest was at ``last``."""
        if failed < self.tries:
            return timedelta(0)
        # the exponent is bounded, so the multiplication cannot overflow
        lasts = WINDOW * 2 ** min(failed - self.tries, 10) if self.growing else WINDOW
        return max(last + min(lasts, LONGEST_WAIT) - now, timedelta(0))

    def counted(self, failed: int, last: datetime, now: datetime) -> int:
        """How many of the failures still count: they are forgotten after a quiet while."""
        quiet = LONGEST_WAIT if self.growing and failed >= self.tries else WINDOW
        return 0 if now - last >= quiet else failed


def secret_hash(secret: str) -> bytes:
    """SHA-256 of a random 256-bit secret: it cannot be guessed, so a slow hash adds nothing."""
    return hashlib.sha256(secret.encode()).digest()


def csrf_token(session_token: str) -> str:
    """Derived from the cookie, so nothing more has to be stored, and useless without it."""
    return hmac.new(session_token.encode(), b"csrf", hashlib.sha256).hexdigest()


def spent_key(use: str, name: str) -> bytes:
    """Under which something that is used up is remembered: ``token``, ``assertion`` or ``state``, and its own name."""
    return hashlib.sha256(f"{use}\n{name}".encode()).digest()
