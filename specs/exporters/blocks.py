"""What a reference page is made of, in both languages at once, before anybody decides between Markdown and HTML."""

from __future__ import annotations

from dataclasses import dataclass

from specs.model import Operation
from specs.words import Text


@dataclass(frozen=True, slots=True)
class Mono:
    """A name or value as it stands in a document: shown as code, the same in every language."""

    text: str


@dataclass(frozen=True, slots=True)
class Link:
    """A place of the page: what it is called, and its anchor."""

    text: str
    anchor: str


Cell = Text | Mono | Link


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of level 1 to 4. `mono` goes before the words (a method and path); `anchor` is what links lead to."""

    level: int
    words: Text
    anchor: str = ""
    mono: str = ""


@dataclass(frozen=True, slots=True)
class Prose:
    """Paragraphs as somebody wrote them, parted by empty lines."""

    words: Text


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and values."""

    rows: tuple[tuple[Text, Cell], ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table."""

    columns: tuple[Text, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class Sample:
    """An example: what it shows, and its text."""

    words: Text
    text: str


@dataclass(frozen=True, slots=True)
class Trial:
    """The place where an operation can be tried."""

    operation: Operation


Block = Heading | Prose | Facts | Grid | Sample | Trial
