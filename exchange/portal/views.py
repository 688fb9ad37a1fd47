"""What services give, shaped for templates: names instead of ids, and whether the reader may act."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from exchange.errors import NotFound
from exchange.market.model import HandledMatter
from exchange.market.service import Market
from exchange.oversight.model import Finding
from specs import library

Text = Mapping[str, str]


def matter(identifier: str) -> library.Matter:
    """The matter of that id. Raises `NotFound`."""
    try:
        return library.matter(identifier)
    except KeyError:
        raise NotFound(f"no matter {identifier}", hint="see /market") from None


def levels(code: str) -> list[tuple[int, str]]:
    """The five levels of satisfaction in words of the language, best first."""
    words = {
        "zh_CN": ("非常满意", "满意", "基本满意", "不满意", "非常不满意"),
        "en": ("very satisfied", "satisfied", "fairly satisfied", "dissatisfied", "very dissatisfied"),
    }
    return list(zip((5, 4, 3, 2, 1), words[code], strict=True))


def listing(market: Market, item: Any) -> dict[str, Any]:
    """A listed app as the market shows it."""
    app, version, ratings = market.app_of(item)
    given = [rating.level for rating in ratings]
    return {
        "id": item.id,
        "name": {"zh_CN": app.name_zh, "en": app.name_en},
        "vendor": item.vendor,
        "version": version.version,
        "grade": item.grade,
        "certification": item.certification,
        "ratings": len(given),
        "mean": sum(given) / len(given) if given else None,
    }


def apps(market: Market, wanted: Iterable[str]) -> dict[str, Text]:
    """Listing id → name of its app, for those still listed."""
    names: dict[str, Text] = {}
    for item in market.listings():
        if item.id in set(wanted):
            app, _, _ = market.app_of(item)
            names[item.id] = {"zh_CN": app.name_zh, "en": app.name_en}
    return names


def factor(exact: str) -> str:
    """A statement's exact factor (``6/5``) as people write it (``1.2``)."""
    return f"{float(Fraction(exact)):.4g}"


def handled(market: Market, item: HandledMatter) -> dict[str, Any]:
    """A handled matter with every step the departments were asked for, done or not."""
    known, rating = matter(item.matter), next(iter(market.ratings(item.id)), None)
    done = set(item.steps)
    return {
        "id": item.id,
        "title": known.title,
        "state": item.state,
        "at": item.opened_at,
        "steps": [
            {"title": step.title, "department": step.department}
            for step in known.steps
            if f"{step.interface}#{step.operation}" in done
        ],
        "reminded": item.reminded_at is not None,
        "rateable": item.completed_at is not None and rating is None,
        "level": rating.level if rating else None,
    }


def findings(
    found: Sequence[Finding], name: Callable[[str], str], pairs: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Findings with the names of parties in their sentences; identifiers of interfaces and agreements stay."""
    parties = {str(pair[side]) for pair in pairs for side in ("provider", "consumer")}
    if not parties:
        return [item.to_dict() for item in found]
    # an identifier such as police.residents begins with a party's; only the party standing alone is replaced
    pattern = re.compile(rf"(?<![\w.#-])({'|'.join(map(re.escape, sorted(parties)))})(?![\w.#-])", re.ASCII)
    named = {party: name(party) for party in parties}
    return [
        item.to_dict()
        | {key: pattern.sub(lambda hit: named[hit[1]], getattr(item, key)) for key in ("detail_zh", "detail_en")}
        for item in found
    ]
