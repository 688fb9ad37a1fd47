"""Who takes part: parties (organisations), their members (people) and clients (programs)."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from exchange.errors import Unprocessable

_PARTY = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*\Z")
_LOGIN = re.compile(r"[a-z0-9](?:[a-z0-9._@-]{1,62})[a-z0-9]\Z")
_USCC = re.compile(r"[0-9A-HJ-NPQRTUWXY]{18}\Z")
SHORTEST_PASSWORD = 10
LANGUAGES = ("zh_CN", "en")


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
    """An organisation; ``name`` in both languages, ``uscc`` its 18-character social credit code."""

    id: str
    kind: Kind
    name: Mapping[str, str]
    uscc: str | None
    created_at: str


@dataclass(frozen=True, slots=True)
class Member:
    """A person who signs in for a party. An inactive one cannot, and loses every session at once."""

    id: str
    party: str
    login: str
    name: str
    roles: frozenset[str]
    active: bool
    created_at: str


@dataclass(frozen=True, slots=True)
class Client:
    """A program of a party: OAuth2 client credentials. ``revoked_at`` ends it at once, tokens included."""

    id: str
    party: str
    label: str
    roles: frozenset[str]
    created_at: str
    revoked_at: str | None


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


def check_password(password: str) -> None:
    """Raises `Unprocessable` when the password is too short to withstand guessing."""
    if len(password) < SHORTEST_PASSWORD:
        raise Unprocessable(f"a password has at least {SHORTEST_PASSWORD} characters", hint="a sentence is easiest")


def secret_hash(secret: str) -> bytes:
    """SHA-256 of a random 256-bit secret: it cannot be guessed, so a slow hash adds nothing."""
    return hashlib.sha256(secret.encode()).digest()


def csrf_token(session_token: str) -> str:
    """Derived from the cookie, so nothing more has to be stored, and useless without it."""
    return hmac.new(session_token.encode(), b"csrf", hashlib.sha256).hexdigest()
