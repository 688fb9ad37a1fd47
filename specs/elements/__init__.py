"""The data elements: what a field means, whatever document it stands in.

Sources: GA/T 543.1-2011 and GA/T 1054.1-2013 (identifiers, composition of qualifier and element), the
national standards named per element and code list. `verified` says whether the entry was read in its
standard; an entry that was not must be compared with it before anybody relies on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from specs.finding import Finding, Severity, SpecError
from specs.parse import parse
from specs.words import Text, named

_FOLDER = Path(__file__).parent
_PARTS = ("codes", "qualifiers", "elements", "pinyin", "words")
_LEVELS = frozenset({"core", "important", "general-4", "general-3", "general-2", "general-1"})


@dataclass(frozen=True, slots=True)
class CodeList:
    """A code list: `values` maps each code (always a string, leading zeros count) to its meaning."""

    id: str
    title: Text
    values: Mapping[str, Text]
    standard: str
    verified: bool


@dataclass(frozen=True, slots=True)
class Qualifier:
    """Whose element a field carries: FQ = the father's. `code` is the number of GA/T 1054.1 ("DQ00013"),
    `aliases` further initials (FDDBR for FR), `synonyms` other words for the role."""

    id: str
    title: Text
    standard: str
    verified: bool
    code: str | None = None
    aliases: tuple[str, ...] = ()
    synonyms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Element:
    """One data element.

    `id` is the identifier (pinyin initials in capitals), `aliases` further identifiers of the same element
    (XB for XBDM), `synonyms` other names a field may have. `schema` is JSON Schema 2020-12 of the value as
    interfaces carry it. `codes` are the values of the list `code_list`, None without one. `sensitivity` is
    core | important | general-4 … general-1 (GB/T 43697). `attribute` is the fact of the virtual population
    the element carries, `check` the rule of its check character (iso7064-mod11-2, iso7064-mod37-36,
    gb32100, gb11714, luhn).
    """

    id: str
    title: Text
    description: Text
    synonyms: tuple[str, ...]
    schema: dict[str, Any]
    codes: Mapping[str, Text] | None
    sensitivity: str
    standard: str
    verified: bool
    attribute: str | None = None
    aliases: tuple[str, ...] = ()
    code_list: str | None = None
    code: str | None = None
    check: str | None = None


def dictionary() -> Mapping[str, Element]:
    """Every element by its identifier. Raises SpecError when a data file of the dictionary is broken."""
    return _dictionary().elements


def code_lists() -> Mapping[str, CodeList]:
    """Every code list by its id ("sex", "ethnic-group")."""
    return _dictionary().code_lists


def qualifiers() -> Mapping[str, Qualifier]:
    """Every qualifier by its initials."""
    return _dictionary().qualifiers


def spellings() -> Mapping[str, str]:
    """Pinyin of every Chinese name of the dictionary, syllables parted by spaces ("gong min shen fen hao ma").
    Kept as data so that nothing has to guess pronunciations at run time; see `specs.elements.spelling`."""
    return _dictionary().spellings


def words() -> Mapping[str, Any]:
    """The lists of words.yaml by name: what names of fields are made of, whatever element they mean."""
    return _dictionary().words


def resolve(identifier: str) -> tuple[str | None, Element]:
    """The element a field identifier stands for, with its qualifier (None without one).

    Both compositions of GA/T 543 are read: divided (`MQ_GMSFHM`) and undivided (`MQGMSFHM`). An identifier
    that is an element itself is never taken apart (HJDZ, QFJG), and the longest qualifier wins (JHRYXM is
    JHRY + XM). Letter case does not matter. Raises KeyError naming near identifiers.
    """
    return find(identifier) or (None, named(identifier, _dictionary().names, "data element"))


def find(identifier: str) -> tuple[str | None, Element] | None:
    """The same, but None for an identifier nobody knows: for those who only ask."""
    known = _dictionary()
    wanted = identifier.strip().upper()
    if (plain := known.names.get(wanted)) is not None:
        return None, plain
    for mark in known.longest_first:
        rest = wanted.removeprefix(mark)
        if rest != wanted and (element := known.names.get(rest.removeprefix("_"))) is not None:
            return known.marks[mark], element
    return None


@dataclass(frozen=True, slots=True)
class _Dictionary:
    elements: Mapping[str, Element]
    names: Mapping[str, Element]
    code_lists: Mapping[str, CodeList]
    qualifiers: Mapping[str, Qualifier]
    marks: Mapping[str, str]  # identifier or alias of a qualifier → its identifier
    longest_first: tuple[str, ...]
    spellings: Mapping[str, str]
    words: Mapping[str, Any]


@cache
def _dictionary() -> _Dictionary:
    entries = _entries()
    lists = {id: _code_list(id, entry) for id, (_, entry) in entries["codes"].items()}
    qualifiers = {id: _qualifier(id, entry) for id, (_, entry) in entries["qualifiers"].items()}
    elements = {id: _element(id, entry, lists, file) for id, (file, entry) in entries["elements"].items()}
    names = dict(elements)
    for element in elements.values():
        for alias in element.aliases:
            if alias in names:
                raise _broken("elements", f"{alias} names both {names[alias].id} and {element.id}")
            names[alias] = element
    marks = {mark: one.id for one in qualifiers.values() for mark in (one.id, *one.aliases)}
    return _Dictionary(
        elements=MappingProxyType(elements),
        names=MappingProxyType(names),
        code_lists=MappingProxyType(lists),
        qualifiers=MappingProxyType(qualifiers),
        marks=MappingProxyType(marks),
        longest_first=tuple(sorted(marks, key=lambda mark: (-len(mark), mark))),
        spellings=MappingProxyType({name: spelled for name, (_, spelled) in entries["pinyin"].items()}),
        words=MappingProxyType({name: listed for name, (_, listed) in entries["words"].items()}),
    )


def _entries() -> dict[str, dict[str, tuple[str, Any]]]:
    """The entries of each part over all files, each with the file it stands in."""
    found: dict[str, dict[str, tuple[str, Any]]] = {part: {} for part in _PARTS}
    for path in sorted(_FOLDER.glob("*.yaml")):
        for part, entries in parse(path, path.name).value.items():
            for id, entry in entries.items():
                if id in found[part]:
                    raise _broken(path.name, f"{id} is already in {found[part][id][0]}")
                found[part][id] = path.name, entry
    return found


def _code_list(id: str, entry: dict[str, Any]) -> CodeList:
    standard = entry["standard"]
    values = MappingProxyType(dict(entry["values"]))
    return CodeList(id, entry["title"], values, standard["document"], standard["verified"])


def _qualifier(id: str, entry: dict[str, Any]) -> Qualifier:
    standard = entry["standard"]
    return Qualifier(
        id=id,
        title=entry["title"],
        standard=standard["document"],
        verified=standard["verified"],
        code=entry.get("code"),
        aliases=tuple(entry.get("aliases", ())),
        synonyms=tuple(entry.get("synonyms", ())),
    )


def _element(id: str, entry: dict[str, Any], lists: Mapping[str, CodeList], file: str) -> Element:
    name = entry.get("codes")
    if name is not None and name not in lists:
        raise _broken(file, f"{id} names an unknown code list {name!r}")
    if entry["sensitivity"] not in _LEVELS:
        raise _broken(file, f"{id} has an unknown sensitivity {entry['sensitivity']!r}")
    codes = lists[name].values if name is not None else None
    schema = entry["schema"] if codes is None else {"type": "string", "enum": list(codes)}
    return Element(
        id=id,
        title=entry["title"],
        description=entry["description"],
        synonyms=tuple(entry["synonyms"]),
        schema=schema,
        codes=codes,
        sensitivity=entry["sensitivity"],
        standard=entry["standard"]["document"],
        verified=entry["standard"]["verified"],
        attribute=entry.get("attribute"),
        aliases=tuple(entry.get("aliases", ())),
        code_list=name,
        code=entry.get("code"),
        check=entry.get("check"),
    )


def _broken(file: str, message: str) -> SpecError:
    return SpecError([Finding("element-dictionary", Severity.ERROR, message, file)])
