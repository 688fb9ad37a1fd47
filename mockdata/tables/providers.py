"""Any Faker provider by name, as a pool filled once per seed.

A field asks for one with `x-faker: company`, `x-faker: company@zh_CN` or, with arguments, `x-faker: {provider:
numerify, locale: en_GB, arguments: {text: "##-##"}}` (ODCS: custom property `faker`). A dotted name is a community
provider: `faker_vehicle.VehicleProvider.vehicle_make`. Values that break the field's own constraints never enter the
pool. Today is `as_of` while a pool is filled. The only module that imports Faker by name of a field.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from mockdata.seeds import stream
from mockdata.tables import arrow
from mockdata.tables.columns import Pool, Recipe
from mockdata.tables.community import community
from mockdata.tables.today import today

if TYPE_CHECKING:
    from mockdata.tables.place import Place

POOL = 2000
"""Values of a pool; a unique column gets as many as the provider can give, up to fifty times this."""
POOL_BYTES = 16_000_000
DRAWS_EACH = 40
"""Draws made for one place in the pool before the provider counts as unable to fill it."""
_REFUSED = frozenset({"binary", "image", "tar", "zip", "json_bytes", "pyobject", "enum"})
"""Providers whose output is no single readable value or can be of any size."""


def provider(schema: dict[str, Any], type: pa.DataType, place: Place, unique: bool) -> Recipe:
    """The pool a field asks for. Raises PlanError for an unknown provider or locale (naming near ones), arguments the
    provider refuses, or values that never meet the field's constraints.
    """
    name, locale, arguments = _asked(schema["x-faker"], place)
    try:
        spelled = json.dumps(arguments, sort_keys=True)
    except (TypeError, ValueError):
        raise place.fault("x-faker: arguments must be plain JSON values") from None
    rest = place.standalone({word: value for word, value in schema.items() if not word.startswith("x-")})
    values = _fill(name, locale, spelled, json.dumps(rest), unique, place)
    try:
        pool = Pool(f"{name}@{locale}", values, type, unique)
        arrow.convert(pa.array(list(values[:50]), pa.string()), type, rest)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise place.fault(f"provider {name!r} gives values like {values[0]!r}, not of type {type}") from None
    return pool


def _asked(declared: Any, place: Place) -> tuple[str, str, Mapping[str, Any]]:
    default = "zh_CN" if place.language == "zh_CN" else "en_US"
    if isinstance(declared, str):
        name, _, locale = declared.strip().partition("@")
        return name, locale or default, {}
    if isinstance(declared, Mapping) and isinstance(declared.get("provider"), str):
        arguments = declared.get("arguments", {})
        if isinstance(arguments, Mapping):
            return declared["provider"], str(declared.get("locale", default)), arguments
    raise place.fault(
        "x-faker must name a provider",
        "write x-faker: company, x-faker: company@zh_CN or {provider, locale, arguments}",
    )


@lru_cache(maxsize=64)
def _faker(locale: str) -> Any:
    from faker import Faker

    return Faker(locale.replace("-", "_"))


def _method(name: str, locale: str, place: Place) -> tuple[Any, Any]:
    from faker.config import AVAILABLE_LOCALES

    if not isinstance(locale, str) or locale.replace("-", "_") not in AVAILABLE_LOCALES:
        raise place.fault(f"unknown Faker locale {locale!r}", _near(locale, AVAILABLE_LOCALES))
    faker = _faker(locale)
    if "." in name:
        module, _, rest = name.rpartition(".")
        found = community(module, place)
        if not _public(found, rest):
            known = [word for word in dir(found) if _public(found, word)]
            raise place.fault(f"the provider {module} has no {rest!r}", _near(rest, known))
        return faker, getattr(found(faker), rest)
    known = sorted({word for part in faker.get_providers() for word in dir(part) if _public(type(part), word)})
    if name not in known:
        raise place.fault(f"unknown Faker provider {name!r} for locale {locale}", _near(name, known))
    return faker, getattr(faker, name)


def _public(kind: Any, word: str) -> bool:
    return not word.startswith("_") and word not in _REFUSED and callable(getattr(kind, word, None))


def _near(wanted: str, known: Any) -> str:
    near = difflib.get_close_matches(wanted, list(known), 3, 0.5)
    return f"near ones: {', '.join(near)}" if near else "see the Faker documentation for what there is"


def _fill(name: str, locale: str, arguments: str, rest: str, unique: bool, place: Place) -> tuple[str, ...]:
    import jsonschema_rs

    faker, method = _method(name, locale, place)
    faker.seed_instance(stream(place.seed, "faker", name, locale, arguments) % 2**32)
    judge = jsonschema_rs.validator_for(json.loads(rest), validate_formats=True)
    wanted = POOL * 50 if unique else POOL
    values: dict[str, None] = {}
    size = misses = 0
    shown: Any = None
    with today(place.as_of):
        while len(values) < wanted and size < POOL_BYTES and misses < DRAWS_EACH * (len(values) + 10):
            try:
                shown = method(**json.loads(arguments))
            except Exception as error:  # a provider may raise whatever it likes
                raise place.fault(f"provider {name!r} refused its arguments: {error}") from None
            value = _plain(shown)
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            if text in values or not judge.is_valid(value):
                misses += 1
                continue
            values[text] = None
            size += len(text)
    if not values:
        raise place.fault(
            f"provider {name!r} gives values like {_plain(shown)!r}, which the field's own constraints forbid",
            "relax type, length, pattern or range, or choose another provider",
        )
    return tuple(values)


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return value.strftime("%Y-%m-%dT%H:%M:%SZ")
        case date():
            return value.isoformat()
        case Decimal():
            return float(value)
        case str() | bool() | int() | float() | None:
            return value
        case Mapping():
            return {str(key): _plain(part) for key, part in value.items()}
        case list() | tuple() | set():
            return [_plain(part) for part in value]
        case _:
            return str(value)
