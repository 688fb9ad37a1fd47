"""What a person reads, by language; and how a wrong name is answered."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

Named = TypeVar("Named")

Text = Mapping[str, str]
"""What a person reads, by language: {"zh_CN": …, "en": …}; either may be missing."""


class _Nothing(Mapping[str, Any]):
    """An empty mapping that cannot change and can be hashed, so that it may be a field's default."""

    def __getitem__(self, key: str) -> Any:
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __hash__(self) -> int:
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mapping) and not other

    def __repr__(self) -> str:
        return "{}"


NOTHING: Mapping[str, Any] = _Nothing()

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_CHINESE = re.compile("[\u3400-\u9fff]")


def say(text: Text, language: str = "zh_CN") -> str:
    """The words in `language`, else in whatever language there is, else ""."""
    return text.get(language) or next((words for words in text.values() if words), "")


def harmless(text: str) -> str:
    """Without what a terminal would obey: escape sequences, other control characters, changes of direction."""
    return _CONTROL.sub("\ufffd", text)


def is_chinese(text: str) -> bool:
    """Whether `text` holds a Chinese character."""
    return _CHINESE.search(text) is not None


def words(text: Any, english: Any = None) -> Text:
    """`text` under its own language, guessed from its script, and `english` under "en"."""
    if text is None and english is None:
        return NOTHING
    made: dict[str, str] = {}
    if isinstance(text, str) and text.strip():
        made["zh_CN" if is_chinese(text) else "en"] = text
    if isinstance(english, str) and english.strip():
        made["en"] = english
    return made


def named(name: str, values: Mapping[str, Named], what: str) -> Named:
    """The value of that name. Raises KeyError naming near ones."""
    if name in values:
        return values[name]
    near = difflib.get_close_matches(name, values, n=3, cutoff=0.4) or sorted(values)[:3]
    raise KeyError(f"no {what} {name!r}; near: {', '.join(near) or 'none'}")
