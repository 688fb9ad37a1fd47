"""A reference page as Markdown (CommonMark with tables), in one language."""

from __future__ import annotations

import re
from collections.abc import Iterator

from specs.exporters.blocks import Block, Cell, Facts, Grid, Heading, Link, Mono, Prose, Sample
from specs.exporters.reference import reference
from specs.model import Interface
from specs.words import say

_SPECIAL = re.compile(r"([\\`*_\[\]<>#|~&])")


def markdown(interface: Interface, language: str = "zh_CN") -> str:
    """The page; what is not said in `language` is shown in the language there is."""
    lines = [line for block in reference(interface) for line in (*_lines(block, language), "")]
    return "\n".join(lines).rstrip() + "\n"


def _lines(block: Block, language: str) -> Iterator[str]:
    if isinstance(block, Heading):
        words = _plain(say(block.words, language))
        yield f"{'#' * block.level} {' '.join(part for part in (_code(block.mono), words) if part)}"
    elif isinstance(block, Prose):
        yield from (_plain(line) for line in say(block.words, language).strip().splitlines())
    elif isinstance(block, Facts):
        for label, cell in block.rows:
            yield f"- {_plain(say(label, language))}: {_cell(cell, language)}"
    elif isinstance(block, Grid):
        yield _row([_plain(say(column, language)) for column in block.columns])
        yield "|" + "---|" * len(block.columns)
        yield from (_row([_cell(cell, language) for cell in row]) for row in block.rows)
    elif isinstance(block, Sample):
        fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", block.text)), default=0))
        yield f"{_plain(say(block.words, language))}:"
        yield ""
        yield f"{fence}json" if block.text[:1] in "{[" else fence
        yield from block.text.splitlines()
        yield fence


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: Cell, language: str) -> str:
    return _code(cell.text) if isinstance(cell, Mono | Link) else _plain(say(cell, language))


def _plain(text: str) -> str:
    """Text that means itself: nothing in it is markup."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _code(text: str) -> str:
    text = " ".join(text.split())
    if not text:
        return ""
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    edge = " " if text[0] == "`" or text[-1] == "`" else ""
    return f"{fence}{edge}{text}{edge}{fence}".replace("|", "\\|")
