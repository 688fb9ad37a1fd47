"""Words that names of fields are made of: data about language, kept in elements/words.yaml beside the dictionary."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from specs import elements


@dataclass(frozen=True)
class NameWords:
    """The lists of words.yaml; each is explained there."""

    abbreviations: Mapping[str, str]
    silent: frozenset[str]
    noise: frozenset[str]
    chinese_noise: tuple[str, ...]
    carried: frozenset[str]
    tails: Mapping[str, str]
    weak_tails: frozenset[str]
    other_before: Mapping[str, frozenset[str]]
    usual: frozenset[str]
    pairs: Mapping[str, str]
    composed: tuple[tuple[re.Pattern[str], str], ...]
    person: frozenset[str]
    person_facts: frozenset[str]
    organisation: frozenset[str]
    ambiguous: Mapping[str, frozenset[str]]
    common: frozenset[str]


@cache
def namewords() -> NameWords:
    """The words, read once."""
    words = elements.words()
    groups = {
        name: frozenset(words[name]) for name in ("person", "person_facts", "organisation", "place_facts", "vehicle")
    }
    ambiguous = {
        phrase: frozenset().union(*(groups[one[1:]] if one.startswith("$") else {one} for one in beside))
        for phrase, beside in words["ambiguous"].items()
    }
    return NameWords(
        abbreviations=words["abbreviations"],
        silent=frozenset(words["silent"]),
        noise=frozenset(words["noise"]),
        chinese_noise=tuple(words["chinese_noise"]),
        carried=frozenset(words["carried"]),
        tails=words["tails"],
        weak_tails=frozenset(words["weak_tails"]),
        other_before={id: frozenset(those) for id, those in words["other_before"].items()},
        usual=frozenset(words["usual"]),
        pairs=words["pairs"],
        composed=tuple((re.compile(pattern), id) for pattern, id in words["composed"]),
        person=groups["person"],
        person_facts=groups["person_facts"],
        organisation=groups["organisation"],
        ambiguous=ambiguous,
        common=frozenset(words["common"]),
    )
