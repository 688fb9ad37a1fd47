"""Believable values for well-known field names: a `city` is a city, a `postcode` a postcode.

The words come from Faker, drawn once into pools. Nothing here can reach a real person: addresses of mail and
web are example domains, telephone numbers lie in ranges kept for fiction.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from mockdata.instances.draws import Draws
from mockdata.instances.formats import example as of_format
from mockdata.instances.formats import words

POOL = 61

_POOLS = {
    "name": "name",
    "given": "first_name",
    "family": "last_name",
    "user": "user_name",
    "company": "company",
    "job": "job",
    "city": "city",
    "state": "state",
    "country": "country",
    "country code": "country_code",
    "street": "street_address",
    "address": "address",
    "postcode": "postcode",
    "currency": "currency_code",
    "language": "language_code",
    "colour": "color_name",
    "file": "file_name",
    "media type": "mime_type",
    "time zone": "timezone",
    "sentence": "sentence",
}
"""Our word for a kind → Faker's provider method."""

_SAID: dict[str, tuple[str, ...]] = {
    "name": (
        "name",
        "full name",
        "fullname",
        "person name",
        "applicant name",
        "contact name",
        "owner name",
        "cardholder name",
        "customer name",
    ),
    "given": ("first name", "firstname", "given name", "middle name", "fname"),
    "family": ("last name", "lastname", "surname", "family name", "lname"),
    "user": ("user name", "username", "login", "nickname", "screen name"),
    "company": (
        "company",
        "company name",
        "organisation",
        "organization",
        "organisation name",
        "organization name",
        "employer",
        "employer name",
        "vendor",
        "manufacturer",
        "supplier",
        "make",
        "brand",
        "facility name",
        "merchant name",
        "hospital name",
    ),
    "job": ("job", "job title", "occupation", "profession"),
    "city": ("city", "town", "district", "village", "city name", "county"),
    "state": ("state", "province", "region", "state name"),
    "country": ("country", "country name", "nationality"),
    "country code": ("country code",),
    "street": ("street", "street address", "address line 1", "line 1", "address 1", "line1", "address1"),
    "address": ("address", "full address"),
    "postcode": ("postcode", "post code", "zip", "zip code", "zipcode", "postal code", "pincode"),
    "currency": ("currency", "currency code"),
    "language": ("language", "locale"),
    "colour": ("colour", "color"),
    "file": ("file name", "filename"),
    "media type": ("mime type", "content type", "media type"),
    "time zone": ("time zone", "timezone"),
    "sentence": (
        "description",
        "comment",
        "comments",
        "note",
        "notes",
        "message",
        "summary",
        "remark",
        "remarks",
        "detail",
        "reason",
    ),
}
_NAMES = {name: kind for kind, names in _SAID.items() for name in names}

_MADE: dict[str, Callable[[Draws], str]] = {
    "email": lambda draws: of_format("email", draws) or "",
    "mail": lambda draws: of_format("email", draws) or "",
    "phone": lambda draws: of_format("phone", draws) or "",
    "telephone": lambda draws: of_format("phone", draws) or "",
    "mobile": lambda draws: f"+44 7700 900{draws.below(1000):03d}",
    "fax": lambda draws: of_format("phone", draws) or "",
    "url": lambda draws: of_format("uri", draws) or "",
    "uri": lambda draws: of_format("uri", draws) or "",
    "href": lambda draws: of_format("uri", draws) or "",
    "link": lambda draws: of_format("uri", draws) or "",
    "website": lambda draws: of_format("uri", draws) or "",
    "date": lambda draws: of_format("date", draws) or "",
    "dob": lambda draws: of_format("date", draws) or "",
    "birthday": lambda draws: of_format("date", draws) or "",
    "timestamp": lambda draws: of_format("date-time", draws) or "",
    "uuid": lambda draws: of_format("uuid", draws) or "",
    "guid": lambda draws: of_format("uuid", draws) or "",
    "ip": lambda draws: of_format("ipv4", draws) or "",
    "year": lambda draws: str(1980 + draws.below(46)),
    "id": lambda draws: str(100_000 + draws.below(900_000)),
    "code": lambda draws: f"{draws.pick('ABCDEFGHKMNP')}{100 + draws.below(900)}",
    "number": lambda draws: str(10_000 + draws.below(90_000)),
    "title": lambda draws: words(draws, 3).capitalize(),
    "token": lambda draws: f"{draws.hash():016x}{draws.hash():016x}",
    "gender": lambda draws: draws.pick(("female", "male")),
    "sex": lambda draws: draws.pick(("female", "male")),
    "latitude": lambda draws: f"{(draws.below(180_000) - 90_000) / 1000}",
    "longitude": lambda draws: f"{(draws.below(360_000) - 180_000) / 1000}",
    "price": lambda draws: f"{draws.below(100_000) / 100:.2f}",
    "amount": lambda draws: f"{draws.below(100_000) / 100:.2f}",
    "version": lambda draws: f"{1 + draws.below(9)}.{draws.below(10)}.{draws.below(10)}",
}

_RANGES: dict[str, tuple[float, float]] = {
    "latitude": (-90, 90),
    "lat": (-90, 90),
    "longitude": (-180, 180),
    "lng": (-180, 180),
    "lon": (-180, 180),
    "long": (-180, 180),
    "year": (1980, 2026),
    "month": (1, 12),
    "day": (1, 28),
    "hour": (0, 23),
    "minute": (0, 59),
    "second": (0, 59),
    "age": (0, 95),
    "percent": (0, 100),
    "percentage": (0, 100),
    "page": (1, 20),
    "count": (0, 200),
    "total": (0, 200),
    "quantity": (1, 20),
    "price": (1, 999),
    "amount": (1, 9999),
    "rating": (1, 5),
    "score": (0, 100),
    "id": (1, 999_999),
    "number": (1, 9999),
    "size": (1, 100),
}


@lru_cache(maxsize=4096)
def tokens(name: str) -> str:
    """A field name as lower-case words: "firstName", "first_name" and "FIRST-NAME" are all "first name"."""
    spaced = re.sub(r"([a-z0-9])([A-Z])|([A-Z]+)([A-Z][a-z])", r"\1\3 \2\4", name)
    return " ".join(re.findall(r"[^\W_]+", spaced)).lower()


@lru_cache(maxsize=64)
def _pool(kind: str) -> tuple[str, ...]:
    from faker import Faker

    maker = Faker("en_US")
    maker.seed_instance(20_261_101)
    provider = getattr(maker, _POOLS[kind])
    found: list[Any] = [provider() for _ in range(POOL)]
    return tuple(dict.fromkeys(str(value).replace("\n", ", ") for value in found))


def texts(name: str, draws: Draws) -> Iterator[str]:
    """Texts that a field of this name could hold, the likeliest first; none when the name says nothing."""
    for word in _words(name):
        yield draws.pick(_pool(_NAMES[word])) if word in _NAMES else _MADE[word](draws)


@lru_cache(maxsize=4096)
def _words(name: str) -> tuple[str, ...]:
    """What a field's name says of its texts, the most exact first."""
    said = tokens(name)
    tried = (said, " ".join(said.split(" ")[-2:]), said.rpartition(" ")[2])
    return tuple(word for word in dict.fromkeys(tried) if word in _NAMES or word in _MADE)


def span(name: str) -> tuple[float, float] | None:
    """The everyday range of a number of this name, None when the name says nothing."""
    said = tokens(name)
    return _RANGES.get(said) or _RANGES.get(said.rpartition(" ")[2])
