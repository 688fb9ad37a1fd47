"""A signed message brought to a consumer's server (Standard Webhooks), by the one rule for addresses.

The name is resolved at every try, each of its addresses judged, and one of those connected to: so a name that changes
its mind leads nowhere. Redirects are not followed, proxies not used.
"""

from __future__ import annotations

import http.client
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from exchange.errors import Unprocessable
from mockdata.sandbox.sending import post

SECONDS = 10.0
"""A try takes no longer, however slowly the destination answers."""
GONE = 410
Check = Callable[[str], str]
Judged = Callable[[str, int], list[str]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a try: the status (0: nobody answered) and why it failed."""

    status: int
    error: str = ""

    @property
    def arrived(self) -> bool:
        """Whether the consumer took it."""
        return 200 <= self.status < 300

    @property
    def away(self) -> bool:
        """Whether the destination is at fault, not the message: it is let alone for a while."""
        return self.status in (0, 429) or self.status >= 500


class Sender:
    """Sends to destinations, by the rule for providers' endpoints: ``check`` judges a URL when it is given
    (`catalogue.endpoint.check_endpoint`), ``judged`` gives the addresses of a host that may be connected to, at every
    try (`addresses` there); both raise `Unprocessable`.
    """

    def __init__(self, check: Check, judged: Judged, seconds: float = SECONDS) -> None:
        self.check, self.judged, self.seconds = check, judged, seconds

    def __call__(self, url: str, headers: dict[str, str], body: bytes) -> Outcome:
        """POST a body. Never raises for what a destination does."""
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        try:
            allowed = self.judged(parts.hostname or "", port)
            return Outcome(post("POST", parts, allowed, headers, body, self.seconds))
        except Unprocessable as refusal:
            return Outcome(0, refusal.detail)
        except (OSError, http.client.HTTPException, ValueError) as failure:
            # the class says enough, and holds nothing of the destination's words
            return Outcome(0, type(failure).__name__)
