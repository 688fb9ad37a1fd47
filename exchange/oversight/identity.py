"""Proof of who somebody is: a code told to the person by a way of which we know it is theirs.

The way is pluggable (`Tell`): an SMS gateway, a certified identity service; the demo shows the code on the page. The
number travels in sealed tokens the person keeps (AES-256-GCM), so the database knows keyed hashes only. A number that
is nobody's is answered like any other: whoever guesses learns nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from exchange.clock import Clock, moment, new_id, stamp
from exchange.database import Database
from exchange.errors import Forbidden, Invalid, TooMany, Unauthenticated, Unavailable
from exchange.ledger.service import Ledger
from exchange.oversight import usage_store as store
from specs.check_digits import citizen_check
from specs.words import Text

Tell = Callable[[str, str], str]
"""(citizen number, code) → what the page may show of the message: "" where it reached the person another way.

It tells nothing when the number is nobody's, and takes as long as if it were somebody's.
"""
CODE_LASTS = timedelta(minutes=10)
PROOF_LASTS = timedelta(minutes=15)
TRIES = 5
WINDOW = timedelta(hours=1)
A_PERSON, AN_ADDRESS = 5, 30
"""Codes asked for in an hour for one number, and from one address."""
WRONG: Text = {"zh_CN": "验证码不对或已失效", "en": "the code is wrong or no longer good"}


@dataclass(frozen=True, slots=True)
class Asked:
    """A code is on its way. ``challenge`` goes back with it; ``told``: the message, in the demo only."""

    challenge: str
    expires_at: str
    told: str = ""


@dataclass(frozen=True, slots=True)
class Proven:
    """Whom a proof speaks for. ``guardian``: the number of who holds it, when that is somebody else; "" else."""

    number: str
    until: str
    guardian: str = ""

    @property
    def holder(self) -> str:
        """Who proved their identity."""
        return self.guardian or self.number


class Identity:
    """Codes asked for, tried, and the proofs they give."""

    def __init__(self, database: Database, ledger: Ledger, key: bytes, clock: Clock, tell: Tell | None) -> None:
        """``tell`` None: nobody can prove who they are here."""
        self.database, self.ledger, self.clock, self.tell = database, ledger, clock, tell
        self._key, self._seal = key, AESGCM(hashlib.sha256(b"seal" + key).digest())

    def ask(self, number: str, address: str) -> Asked:
        """Send a code to whoever the number belongs to. Raises `Invalid`, `TooMany`, `Unavailable`."""
        if self.tell is None:
            raise Unavailable("nobody can prove who they are here", hint="the operator sets TONGBAN_IDENTITY_PROOF")
        number = checked(number)
        now = self.clock()
        id, code = new_id("chl", now), f"{secrets.randbelow(10**6):06d}"
        limits = ((b"n" + number.encode(), A_PERSON), (b"a" + address.encode(), AN_ADDRESS))
        with self.database.transaction() as tx:
            # every limit is counted, whatever the others say
            times = [(store.count(tx, self.keyed(who), stamp(now), stamp(now - WINDOW)), most) for who, most in limits]
            over = any(count > most for count, most in times)
            if not over:
                store.add_code(tx, id, self.keyed(f"{id}{code}".encode()), stamp(now + CODE_LASTS), stamp(now))
                self.ledger.append(tx, "usage.code-sent", {"challenge": id}, subjects=[number])
        if over:
            raise TooMany("too many codes were asked for", hint="try again in an hour", retry_after=3600)
        expires = stamp(now + CODE_LASTS)
        return Asked(self._sealed("challenge", number, expires, id), expires, self.tell(number, code))

    def prove(self, challenge: str, code: str) -> str:
        """A proof, good for 15 minutes, for the right code. Raises `Forbidden` for a wrong, late or used one."""
        number, id = self._opened("challenge", challenge)[0::2]
        now = self.clock()
        with self.database.transaction() as tx:
            wanted = store.try_code(tx, id, stamp(now), TRIES)
            right = wanted is not None and hmac.compare_digest(wanted, self.keyed(f"{id}{code.strip()}".encode()))
            if right:
                store.drop_code(tx, id)
            kind = "usage.proved" if right else "usage.proof-failed"
            self.ledger.append(tx, kind, {"challenge": id}, subjects=[number])
        if not right:
            raise Forbidden(WRONG["en"], rule="usage.code", hint="ask for a new one", reason=dict(WRONG))
        return self._sealed("proof", number, stamp(now + PROOF_LASTS), id)

    def proven(self, proof: str) -> Proven:
        """Whom a proof stands for. Raises `Unauthenticated`."""
        number, until, _, guardian = self._opened("proof", proof)
        return Proven(number, until, guardian)

    def for_child(self, holder: Proven, child: str, id: str) -> str:
        """A proof that speaks for a child, as long as the guardian's own lasts. Whoever gives it has checked that."""
        return self._sealed("proof", child, holder.until, id, holder.number)

    def _sealed(self, use: str, number: str, expires: str, id: str, guardian: str = "") -> str:
        nonce = secrets.token_bytes(12)
        told = json.dumps([number, expires, id, guardian]).encode()
        return urlsafe_b64encode(nonce + self._seal.encrypt(nonce, told, use.encode())).decode()

    def _opened(self, use: str, token: str) -> tuple[str, str, str, str]:
        try:
            data = urlsafe_b64decode(token.encode())
            number, expires, id, guardian = json.loads(self._seal.decrypt(data[:12], data[12:], use.encode()))
            late = moment(expires) <= self.clock()
        except (ValueError, InvalidTag):
            late = True
        if late:
            raise Unauthenticated("prove who you are first", hint="ask for a code at /my-data")
        return str(number), str(expires), str(id), str(guardian)

    def keyed(self, value: bytes) -> bytes:
        """What stands in the database for a number, a code or an address (HMAC-SHA-256)."""
        return hmac.new(self._key, value, hashlib.sha256).digest()


def checked(number: str) -> str:
    """The citizen number in its one form. Raises `Invalid`, without repeating it, for what cannot be one."""
    number = number.strip().upper()
    first = number[:17]
    if len(number) == 18 and first.isascii() and first.isdigit() and number[17] == citizen_check(first):
        return number
    raise Invalid("this is no citizen number", hint="18 characters; the last one is a check digit", pointer="/number")


def shown(number: str, code: str) -> str:
    """The demo's way: the message appears on the page, as it would on the persona's telephone."""
    return f"【通办】验证码 {code}（{number[:6]}********{number[-4:]}），10 分钟内有效。"
