"""Values an answer should hold because they are known: a stored record, an id in the path, a person."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

Path = tuple[str | int, ...]
Source = Callable[[Path, Sequence[Mapping[str, Any]]], Iterable[Any]]
"""Offers values for a path, given the schema objects in force there; the likeliest first."""


def lookup(value: Any, path: Path) -> Any:
    """The part of a value at a path; raises LookupError when there is none."""
    for token in path:
        if isinstance(value, list):
            if not isinstance(token, int) or token >= len(value):
                raise LookupError(path)
            value = value[token]
        elif isinstance(value, dict) and token in value:
            value = value[token]
        else:
            raise LookupError(path)
    return value


def replaced(value: Any, path: Path, part: Any) -> Any:
    """The value with another part at a path, which must be there; the rest is shared."""
    if not path:
        return part
    inner = replaced(value[path[0]], path[1:], part)
    if isinstance(value, list):
        return [inner if at == path[0] else other for at, other in enumerate(value)]
    return {name: inner if name == path[0] else other for name, other in value.items()}


def variants(value: Any) -> Iterator[Any]:
    """The value, and the same in the other spelling where schemas disagree on text or number."""
    yield value
    if isinstance(value, bool):
        return
    if isinstance(value, int | float):
        yield str(value)
    elif isinstance(value, str):
        try:
            yield int(value)
        except ValueError:
            return


class Suggestions:
    """Layers of known values, the first one strongest.

    A layer is a value laid over the answer at a place, or a `Source`. A value laid over also makes the
    optional members it holds appear. Nothing is forced: what the schema does not allow is not used.
    """

    def __init__(self) -> None:
        self._laid: list[tuple[Path, Any]] = []
        self._sources: list[Source] = []
        self._speakers: list[Source] = []

    def lay(self, value: Any, at: Path = ()) -> Suggestions:
        """Lay a value over the answer at a path; returns self."""
        self._laid.append((at, value))
        return self

    def ask(self, source: Source, *, speaks: bool = False) -> Suggestions:
        """Ask a source where no laid value is known; returns self. `speaks`: the optional members it offers
        something for are to appear.
        """
        self._sources.append(source)
        if speaks:
            self._speakers.append(source)
        return self

    @property
    def sources(self) -> tuple[Source, ...]:
        """The sources asked, in order."""
        return tuple(self._sources)

    def speaks(self, path: Path) -> bool:
        """Whether `at` may have anything for a path; quick, where nothing is known."""
        if self._sources:
            return True
        return any([path[: len(start)] == start for start, _ in self._laid])  # noqa: C419  # a list is quicker

    def at(self, path: Path, schemas: Sequence[Mapping[str, Any]]) -> Iterator[Any]:
        """Values for a path, the strongest first."""
        for start, value in self._laid:
            if path[: len(start)] == start:
                try:
                    found = lookup(value, path[len(start) :])
                except LookupError:
                    continue
                yield from variants(found)
        for source in self._sources:
            for offered in source(path, schemas):
                yield from variants(offered)

    def has(self, path: Path) -> bool:
        """Whether a laid value holds something at that path or below it, or a speaking source offers
        something.
        """
        for start, value in self._laid:
            if start[: len(path)] == path:
                return True
            if path[: len(start)] == start:
                try:
                    lookup(value, path[len(start) :])
                except LookupError:
                    continue
                return True
        return bool(self._speakers) and any(any(True for _ in speaker(path, ())) for speaker in self._speakers)


def echo(body: dict[str, Any]) -> Source:
    """Offers a member of the request to the member of the answer of the same name and place, or of the same
    name.
    """

    def source(path: Path, schemas: Any) -> list[Any]:
        if not path or any(isinstance(token, int) for token in path):
            return []
        for tried in (path, path[1:], path[-1:]):
            try:
                return [lookup(body, tried)] if tried else []
            except LookupError:
                continue
        return []

    return source
