"""What can go wrong in the exchange, as values. Features raise these; `exchange.http.problems` maps each to a status.

TongbanError
├── Invalid          the request or document is wrong            400
├── Unauthenticated  nobody, or nobody we know                   401
├── Forbidden        known, but a rule refuses                   403  (carries the rule)
├── NotFound         no such thing, or none the caller may see   404
├── Conflict         the state does not allow it, or it exists   409
├── Gone             it was there, and is not kept any more      410
├── Stale            edited by someone else meanwhile            412
├── TooLarge         more bytes than are taken                   413
├── Unprocessable    well-formed, but against a rule of content  422
├── TooMany          a quota is used up                          429
├── Upstream         a provider failed                           502
└── Unavailable      we cannot do it now                         503
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class TongbanError(Exception):
    """Root of all expected errors. ``detail`` one sentence, ``hint`` the next step, ``extra`` for the problem."""

    def __init__(self, detail: str, *, hint: str = "", **extra: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.hint = hint
        self.extra: Mapping[str, Any] = extra

    def __str__(self) -> str:
        return f"{self.detail} — {self.hint}" if self.hint else self.detail


class Invalid(TongbanError):
    """The request cannot be understood."""


class Unauthenticated(TongbanError):
    """No credential, or one that is unknown, expired or revoked."""


class Forbidden(TongbanError):
    """A rule refuses. ``rule`` names it; refusal is the product's proof, so the name is never empty."""

    def __init__(self, detail: str, *, rule: str, hint: str = "", **extra: Any) -> None:
        super().__init__(detail, hint=hint, rule=rule, **extra)
        self.rule = rule


class NotFound(TongbanError):
    """Nothing there that this caller may see."""


class Conflict(TongbanError):
    """The present state does not allow it."""


class Gone(TongbanError):
    """It was there and is not kept any more."""


class Stale(TongbanError):
    """The caller edited an older version."""


class TooLarge(TongbanError):
    """More bytes than are taken."""


class Unprocessable(TongbanError):
    """Understood, but the content breaks a rule."""


class TooMany(TongbanError):
    """A quota or rate limit is used up."""


class Upstream(TongbanError):
    """A provider's system failed or broke its own interface."""


class Unavailable(TongbanError):
    """Not possible at the moment."""
