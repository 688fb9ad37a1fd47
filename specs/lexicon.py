"""Every way to write a data element's name, looked up in constant time: Chinese, English, initials, full pinyin."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

from specs import elements
from specs.namewords import namewords
from specs.words import is_chinese

Words = tuple[str, ...]

_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[\u3400-\u9fff]+")


@dataclass(frozen=True)
class Lexicon:
    """Names → element ids and names of roles → qualifiers. `english` goes by the set of words (sorted), since "date of
    birth" and "birth date" are one; `initials` may be ambiguous, so it gives every element;
    `spoken` are the Chinese names of each element, `vocabulary` every English word of a name."""

    chinese: Mapping[str, str]
    english: Mapping[Words, str]
    initials: Mapping[str, Words]
    pinyin: Mapping[str, str]
    roles: Mapping[str, str]
    english_roles: Mapping[Words, str]
    role_initials: Mapping[str, str]
    role_pinyin: Mapping[str, str]
    spoken: Mapping[str, Words]
    vocabulary: frozenset[str]


@cache
def lexicon() -> Lexicon:
    """The lexicon of the dictionary. Made once."""
    spelled = elements.spellings()
    chinese: dict[str, str] = {}
    english: dict[Words, str] = {}
    initials: dict[str, list[str]] = {}
    pinyin: dict[str, str] = {}
    said: dict[str, Words] = {}
    for element in elements.dictionary().values():
        names = (element.title.get("zh_CN", ""), *element.synonyms)
        spoken = [name for name in names if is_chinese(name)]
        said[element.id] = tuple(spoken)
        for name in spoken:
            chinese.setdefault(name, element.id)
            if name in spelled:
                syllables = spelled[name].split()
                known = initials.setdefault("".join(syllable[0] for syllable in syllables).upper(), [])
                known += [] if element.id in known else [element.id]
                pinyin.setdefault("".join(syllables), element.id)
        for name in (element.title.get("en", ""), *(n for n in element.synonyms if not is_chinese(n))):
            if len(words_of(name)) > 1 or name in element.synonyms:  # a title of one word is a heading, no name: Year
                english.setdefault(key(words_of(name)), element.id)
    roles: dict[str, str] = {}
    english_roles: dict[Words, str] = {}
    role_initials: dict[str, str] = {}
    role_pinyin: dict[str, str] = {}
    for role in elements.qualifiers().values():
        for mark in (role.id, *role.aliases):
            role_initials.setdefault(mark, role.id)
        for name in (role.title.get("zh_CN", ""), *(n for n in role.synonyms if is_chinese(n))):
            roles.setdefault(name, role.id)
            syllables = spelled[name].split() if name in spelled else []
            if len(syllables) > 1:
                role_initials.setdefault("".join(syllable[0] for syllable in syllables).upper(), role.id)
                role_pinyin.setdefault("".join(syllables), role.id)
        for name in (role.title.get("en", ""), *(n for n in role.synonyms if not is_chinese(n))):
            english_roles.setdefault(words_of(name), role.id)
    return Lexicon(
        chinese, english, {one: tuple(ids) for one, ids in initials.items()}, pinyin, roles, english_roles,
        role_initials, role_pinyin, said, _vocabulary(english, english_roles),
    )  # fmt: skip


def _vocabulary(*phrases: Mapping[Words, str]) -> frozenset[str]:
    known = {word for mapping in phrases for phrase in mapping for word in phrase}
    known |= {word for word in namewords().abbreviations if len(word) > 2 or word == "no"}
    return frozenset(word for word in known if len(word) > 2 or word in ("no", "id"))


@lru_cache(maxsize=65536)
def words_of(name: str) -> Words:
    """The words of a name, lower case, abbreviations spelled out, words that say nothing left out.

    `mother_idNo` → mother, id, number; `dateOfBirth` → date, birth; `e-mail` → email.
    """
    text = name.replace("'s", " ").replace("’s", " ").replace("E-mail", "email").replace("e-mail", "email")
    parts = [part.lower() for part in _PARTS.findall(text)]
    return tuple(_spelled_out(parts))


def _spelled_out(parts: Iterable[str]) -> Iterator[str]:
    for part in parts:
        if part in namewords().silent:
            continue
        for word in namewords().abbreviations.get(part, part).split():
            yield _singular(word)


def _singular(word: str) -> str:
    keeps = len(word) < 4 or word.endswith(("ss", "us", "is", "ies")) or not word.endswith("s")
    return word if keeps else word[:-1]


def key(words: Words) -> Words:
    """What phrases of the same words share."""
    return tuple(sorted(set(words)))
