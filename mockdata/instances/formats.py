"""Strings of the formats JSON Schema and OpenAPI name.

Everything points nowhere on purpose: example domains (RFC 2606), documentation addresses (RFC 5737, RFC
3849).
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from mockdata.instances.draws import Draws

WORDS = [
    "amber",
    "basin",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "grove",
    "harbor",
    "island",
    "jasper",
    "kernel",
    "lagoon",
    "meadow",
    "nectar",
    "orchid",
    "pebble",
    "quartz",
    "river",
    "summit",
    "timber",
    "umbra",
    "valley",
    "willow",
    "yarrow",
    "zephyr",
    "anchor",
    "beacon",
    "canyon",
    "daisy",
    "falcon",
    "garnet",
    "hazel",
]
_HOSTS = ("example.com", "example.org", "example.net")
_FIRST_DAY = date(1960, 1, 1)
_DAYS = (date(2026, 10, 31) - _FIRST_DAY).days
_IDEOGRAPHS = "春夏秋冬山水云风江河湖海"


def words(draws: Draws, count: int) -> str:
    """`count` plain words with a space between."""
    return " ".join(draws.pick(WORDS) for _ in range(count))


def _date(draws: Draws) -> str:
    return (_FIRST_DAY + timedelta(days=draws.below(_DAYS))).isoformat()


def _moment(draws: Draws) -> datetime:
    return datetime(2000, 1, 1, tzinfo=UTC) + timedelta(seconds=draws.below(26 * 365 * 86_400))


def _date_time(draws: Draws) -> str:
    return f"{_moment(draws).replace(tzinfo=None).isoformat()}Z"


def _duration(draws: Draws) -> str:
    return draws.pick(("P{}D", "PT{}H", "PT{}M", "P{}W", "P{}Y", "P1DT{}H")).format(1 + draws.below(30))


def _host(draws: Draws) -> str:
    return f"{draws.pick(WORDS)}.{draws.pick(_HOSTS)}"


def _email(draws: Draws) -> str:
    return f"{draws.pick(WORDS)}.{draws.pick(WORDS)}{draws.below(100)}@{draws.pick(_HOSTS)}"


def _uri(draws: Draws) -> str:
    return f"https://{draws.pick(_HOSTS)}/{draws.pick(WORDS)}/{draws.below(100_000)}"


def _ipv4(draws: Draws) -> str:
    return f"{draws.pick(('192.0.2', '198.51.100', '203.0.113'))}.{draws.below(256)}"


def _ipv6(draws: Draws) -> str:
    return f"2001:db8::{draws.below(65_536):x}:{1 + draws.below(65_535):x}"


def _uuid(draws: Draws) -> str:
    text = f"{draws.hash():016x}{draws.hash():016x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{draws.pick('89ab')}{text[17:20]}-{text[20:]}"


def _regex(draws: Draws) -> str:
    return draws.pick(("^[a-z]+$", "^[0-9]{3}$", "^a.c$", "[A-Z]{2,4}", "^(yes|no)$", r"^\d+$"))


def _byte(draws: Draws) -> str:
    return base64.b64encode(words(draws, 2).encode()).decode()


_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
PATTERNS = {
    "email": r"^[a-zA-Z0-9._-]+@[a-z0-9]+(?:\.[a-z0-9]+)+$",
    "hostname": r"^[a-z0-9]+(?:[.-][a-z0-9]+)*$",
    "ipv4": rf"^(?:{_OCTET}\.){{3}}{_OCTET}$",
    "date": "^(?:19|20)[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])$",
    "uuid": "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$",
    "uri": "^https?://[a-z0-9]+(?:\\.[a-z0-9]+)+(?:/[a-z0-9]+)*$",
}
"""Strings of some formats, for where a pattern is asked for beside the format."""
SHORTEST = {"email": "a@b.c", "idn-email": "a@b.c", "uri": "a:b", "hostname": "a", "ipv6": "::1", "ipv4": "1.1.1.1"}
"""The shortest string of some formats, for where a length is asked for beside the format."""

FORMATS: dict[str, Callable[[Draws], str]] = {
    "date": _date,
    "date-time": _date_time,
    "time": lambda draws: _moment(draws).strftime("%H:%M:%SZ"),
    "duration": _duration,
    "email": _email,
    "idn-email": _email,
    "hostname": _host,
    "idn-hostname": _host,
    "ipv4": _ipv4,
    "ipv6": _ipv6,
    "uri": _uri,
    "url": _uri,
    "iri": _uri,
    "uri-reference": lambda draws: draws.pick(("/{}/{}", "../{}/{}", "{}?page={}")).format(
        draws.pick(WORDS), draws.below(100)
    ),
    "iri-reference": lambda draws: f"/{draws.pick(_IDEOGRAPHS)}/{draws.below(100)}",
    "uri-template": lambda draws: f"https://{draws.pick(_HOSTS)}/{draws.pick(WORDS)}/{{id}}",
    "uuid": _uuid,
    "guid": _uuid,
    "json-pointer": lambda draws: f"/{draws.pick(WORDS)}/{draws.below(10)}",
    "relative-json-pointer": lambda draws: f"{draws.below(4)}/{draws.pick(WORDS)}",
    "regex": _regex,
    "byte": _byte,
    "base64": _byte,
    "binary": lambda draws: words(draws, 3),
    "password": lambda draws: f"{draws.pick(WORDS).title()}-{draws.pick(WORDS)}-{draws.below(1000)}",
    "partial-date": _date,
    "local-date": _date,
    "local-date-time": lambda draws: _moment(draws).strftime("%Y-%m-%dT%H:%M:%S"),
    "datetime": _date_time,
    "phone": lambda draws: f"+1-202-555-01{draws.below(100):02d}",
    "color": lambda draws: f"#{draws.below(1 << 24):06x}",
}
"""Format name → a maker of such strings."""


def example(name: str, draws: Draws) -> str | None:
    """A string of the format, None when the format is unknown."""
    maker = FORMATS.get(name) or FORMATS.get(name.strip().lower().replace("_", "-"))
    return None if maker is None else maker(draws)
