"""Who is calling, and what they may do: one table, denied unless a row allows it.

A row names an action, then cells ``kind:role|role`` (``any``: every role of that kind). A plain cell acts for
its own party only; one with ``*`` for any. Which action a route takes is said in `exchange.parties.gates`.
"""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request, Response

from exchange.clock import Clock, stamp
from exchange.database import Database
from exchange.errors import Forbidden, Unauthenticated
from exchange.parties import credential_store as store
from exchange.parties.model import ROLES, Kind, Session, csrf_token, secret_hash, spent_key
from exchange.parties.tokens import Tokens

COOKIE = "tongban_session"
AUDIENCE = "api"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

_ROWS = """
party.register         operator:admin*
party.suspend          operator:admin*
party.read             operator:any* department:any* vendor:any* data_office:any* finance:any* public:any*
party.member           operator:admin* department:admin vendor:admin data_office:admin finance:admin
party.client           operator:admin* department:admin|engineer vendor:any data_office:admin finance:admin
key.renew              operator:admin*
interface.register     department:admin|engineer
interface.publish      department:admin|engineer
interface.endpoint     department:admin|engineer
interface.read         operator:any* department:any* vendor:any* data_office:any* finance:any* public:any*
catalogue.tidy         operator:admin* department:any data_office:officer*
application.file       department:any
application.answer     department:admin|reviewer
agreement.read         department:any vendor:any data_office:officer*
agreement.suspend      department:admin|reviewer data_office:officer*
agreement.terminate    department:admin|reviewer data_office:officer*
proceeding.act         department:any vendor:any data_office:officer*
exchange.call          department:admin|engineer
delivery.read          department:any vendor:any data_office:officer*
push.subscribe         department:admin|engineer
push.read              department:any data_office:officer*
push.publish           department:admin|engineer
sandbox.open           department:admin|engineer vendor:any
sandbox.read           department:admin|engineer vendor:any data_office:officer*
dataset.request        department:admin|engineer vendor:any data_office:officer
dataset.realistic      department:admin|engineer data_office:officer
certification.request  vendor:any
certification.read     vendor:any operator:certifier* data_office:officer*
certification.revoke   operator:certifier* data_office:officer*
demand.publish         department:any
order.take             vendor:any
app.register           vendor:any
listing.launch         public:citizen
matter.read            public:citizen vendor:any department:admin|reviewer data_office:officer*
matter.rate            public:citizen
settlement.make        finance:any
settlement.read        finance:any* vendor:any data_office:officer*
flow.read              department:admin|officer|reviewer data_office:officer*
quality.read           department:any data_office:officer*
quality.answer         department:admin|engineer|reviewer
usage.rule             data_office:officer*
ledger.read            operator:admin* data_office:officer*
ledger.export          operator:admin* data_office:officer*
"""

Pair = tuple[str, str]


def _read(rows: str) -> tuple[Mapping[str, frozenset[Pair]], frozenset[tuple[str, str, str]]]:
    table: dict[str, frozenset[Pair]] = {}
    everywhere = set()
    for row in rows.strip().splitlines():
        action, *cells = row.split()
        pairs: set[Pair] = set()
        for cell in cells:
            kind, _, names = cell.rstrip("*").partition(":")
            roles = ROLES[Kind(kind)] if names == "any" else frozenset(names.split("|"))
            pairs |= {(kind, role) for role in roles}
            if cell.endswith("*"):
                everywhere |= {(action, kind, role) for role in roles}
        table[action] = frozenset(pairs)
    return table, frozenset(everywhere)


TABLE, EVERYWHERE = _read(_ROWS)
"""`TABLE`: action → the (kind, role) pairs that may; `EVERYWHERE`: which of them may for any party."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a member (``via`` "session"), a client ("client") or the service itself ("system")."""

    id: str
    party: str
    kind: str
    roles: frozenset[str]
    name: str
    via: str


SYSTEM = Caller("system", "operator", "operator", frozenset({"admin"}), "system", "system")
"""The service acting by itself (first start, clocks, jobs). No request can ever carry it."""


def permit(caller: Caller | None, action: str, *, owner: str | None = None) -> Caller:
    """The caller, if a row of `TABLE` lets them do ``action`` (to what ``owner`` owns, when given).

    Raises `Unauthenticated` for nobody, `Forbidden` with rule ``access.<action>`` otherwise, KeyError for an
    unknown action: that is a mistake in our code.
    """
    pairs = TABLE[action]
    if caller is None:
        raise Unauthenticated("sign in first", hint="a token from /oauth/token, or a session")
    if caller.via == "system":
        return caller
    held = [(caller.kind, role) for role in caller.roles if (caller.kind, role) in pairs]
    if not held:
        may = ", ".join(sorted({f"{kind} {role}" for kind, role in pairs}))
        raise Forbidden(f"your role may not do {action}", rule=f"access.{action}", hint=f"it takes: {may}")
    if owner is not None and caller.party != owner and not any((action, *pair) in EVERYWHERE for pair in held):
        raise Forbidden(
            f"{action} belongs to {owner}", rule=f"access.{action}", hint=f"you act for {caller.party} only"
        )
    return caller


def may(caller: Caller | None, action: str, *, owner: str | None = None) -> bool:
    """Whether `permit` would let them: for pages that offer only what the reader can do."""
    try:
        permit(caller, action, owner=owner)
    except (Unauthenticated, Forbidden):
        return False
    return True


@dataclass(frozen=True, slots=True)
class Gate:
    """What a route takes: an action, or one of `OPEN`, ``signed-in`` and ``credential`` (one of its own kind).

    ``own``: the path names something of a party; ``everywhere``: it concerns all parties, so the row needs its star.
    """

    action: str
    own: bool = False
    everywhere: bool = False

    def admit(self, caller: Caller | None, owner: str | None = None) -> None:
        """Raises `Unauthenticated` or `Forbidden` for a caller the row of this gate does not let through.

        ``owner`` where the path says it; otherwise only the service knows, and asks `permit` again.
        """
        if self.action in OPEN:
            return
        if self.action == SIGNED_IN:
            if caller is None:
                raise Unauthenticated("sign in first", hint="a token from /oauth/token, or a session")
            return
        permit(caller, self.action, owner="" if self.everywhere else owner)


SIGNED_IN = "signed-in"
OPEN = frozenset({"anyone", "credential"})
Gates = Mapping[tuple[str, str], Gate]
"""(method, path of the route) → its gate."""


async def _form_token(request: Request) -> AsyncIterator[str | None]:
    kind = request.headers.get("content-type", "")
    if request.method in SAFE or not any(COOKIE in name for name in request.cookies) or "form" not in kind:
        yield None
        return
    async with request.form() as form:  # kept by the request, so the route reads the same one; closed after it
        value = form.get("csrf_token")
        yield value if isinstance(value, str) else None


FormToken = Annotated[str | None, Depends(_form_token)]


class Access:
    """FastAPI dependencies that say who is calling; the credential is looked up at every call.

    With ``gates`` a caller also comes no further than the row of the route lets them, before the body is read as
    a document, and a route without a row is closed.
    """

    def __init__(
        self, database: Database, tokens: Tokens, clock: Clock, *, secure: bool = False, gates: Gates | None = None
    ) -> None:
        """``secure`` marks the session cookie for https only, and for this host only by its name."""
        self.database = database
        self.tokens = tokens
        self.cookie = f"__Host-{COOKIE}" if secure else COOKIE
        self._clock = clock
        self._secure = secure
        self._gates = gates

    def caller(self, request: Request, form_token: Annotated[str | None, Depends(_form_token)] = None) -> Caller | None:
        """Dependency: who calls, or None for nobody. Raises `Unauthenticated` for a bad credential."""
        found = self.standing(request, form_token)
        if self._gates is not None:
            path = getattr(request.scope.get("route"), "path", "")
            gate = self._gates.get((request.method, path)) or self._gates.get(("*", path))
            if gate is None:
                raise Forbidden("this route stands in no row of the table of access", rule="access.unlisted")
            # whose an organisation's own page is, the path says; for all else the service asks again
            gate.admit(found, request.path_params.get("party") if gate.own else None)
        return found

    def standing(self, request: Request, form_token: str | None = None) -> Caller | None:
        """Who the credential of a request stands for, whatever the route: for what has no row of its own and asks
        `permit` itself. Raises `Unauthenticated` for a bad one.
        """
        header = request.headers.get("authorization")
        if header is not None:
            return self.bearer(header)
        cookie = request.cookies.get(self.cookie)
        if cookie is None:
            return None
        caller = self.session(cookie)
        if caller is not None and request.method not in SAFE:
            given = request.headers.get("x-csrf-token") or form_token or ""
            if not hmac.compare_digest(given.encode(), csrf_token(cookie).encode()):
                raise _FOREIGN
        return caller

    def own_page(self, request: Request) -> None:
        """Dependency of sign-in forms, which have no session to be bound to yet: refuses other sites' forms.

        Raises `Forbidden`: otherwise another site could sign a reader in under somebody else's name.
        """
        site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
        foreign = site is not None and site not in {"same-origin", "none"}
        if foreign or (origin is not None and origin.partition("://")[2] != request.url.netloc and site is None):
            raise _FOREIGN

    def required(self, request: Request, form_token: Annotated[str | None, Depends(_form_token)] = None) -> Caller:
        """Dependency: who calls. Raises `Unauthenticated` for nobody."""
        found = self.caller(request, form_token)
        if found is None:
            raise Unauthenticated("sign in first", hint="a token from /oauth/token, or a session")
        return found

    def __call__(self, action: str) -> Callable[..., Caller]:
        """A dependency that gives the caller if they may do ``action``: ``Depends(access("ledger.read"))``."""
        TABLE[action]

        def allowed(request: Request, form_token: FormToken = None) -> Caller:
            return permit(self.caller(request, form_token), action)

        return allowed

    def who(self, request: Request) -> str | None:
        """The checked caller's id, or None for nobody; for `exchange.http.idempotency`."""
        try:
            header, cookie = request.headers.get("authorization"), request.cookies.get(self.cookie)
            found = self.bearer(header) if header else self.session(cookie) if cookie else None
        except Unauthenticated:
            return None
        return found.id if found else None

    def bearer(self, header: str) -> Caller:
        """Who an ``Authorization`` header stands for. Raises `Unauthenticated`, also for a revoked client."""
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("only bearer tokens are understood", hint="ask for one at /oauth/token")
        claims = self.tokens.read(token.strip(), AUDIENCE)
        with self.database.reading() as tx:
            found = store.client_identity(tx, str(claims["sub"]), spent_key("token", str(claims["jti"])))
        if found is None:
            raise Unauthenticated("the token is not valid", hint="ask for a new one at /oauth/token")
        return _caller(found, "client", str(claims["scope"]) if "scope" in claims else None)

    def session(self, token: str) -> Caller | None:
        """Who a session cookie stands for; None when it ended."""
        with self.database.reading() as tx:
            found = store.session_identity(tx, secret_hash(token), stamp(self._clock()))
        return None if found is None else _caller(found, "session")

    def csrf(self, request: Request) -> str:
        """Token to put into the forms of a page (field ``csrf_token``); empty without a session."""
        cookie = request.cookies.get(self.cookie)
        return csrf_token(cookie) if cookie else ""

    def cookie_of(self, request: Request) -> str:
        """The session's token as the browser sent it; empty without one."""
        return request.cookies.get(self.cookie, "")

    def remember(self, response: Response, session: Session) -> None:
        """Put a session into the cookie of a response."""
        flags: dict[str, Any] = {"httponly": True, "samesite": "lax", "secure": self._secure, "path": "/"}
        response.set_cookie(self.cookie, session.token, **flags)

    def forget(self, response: Response) -> None:
        """Take the session out of the cookie of a response."""
        response.delete_cookie(self.cookie, path="/", httponly=True, samesite="lax", secure=self._secure)


def _caller(found: store.Identity, via: str, scope: str | None = None) -> Caller:
    # a token asked for with fewer roles than its client has keeps to those
    roles = found.roles if scope is None else found.roles & set(scope.split())
    return Caller(found.id, found.party, found.kind.value, roles, found.name, via)


_FOREIGN = Forbidden(
    "the form did not come from our own page",
    rule="access.csrf",
    hint="reload the page, or send the header X-CSRF-Token",
)
