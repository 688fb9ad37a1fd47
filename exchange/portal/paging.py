"""Long lists a page at a time: numbered pages, newest or most urgent first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

from fastapi import Query

SIZE = 50
T = TypeVar("T")
Number = Annotated[int, Query(ge=1, le=1_000_000)]
"""Which page is asked for."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list of ``total`` items. ``name``: the query parameter that chooses it."""

    items: Sequence[T]
    number: int
    total: int
    name: str = "page"
    size: int = SIZE

    @property
    def last(self) -> int:
        """Number of the last page; 1 for an empty list."""
        return max(1, -(-self.total // self.size))


def start(number: int, size: int = SIZE) -> int:
    """How many items stand before a page."""
    return (number - 1) * size


def cut(every: Sequence[T], number: int, name: str = "page", size: int = SIZE) -> Page[T]:
    """A page of a list that is there as a whole."""
    return Page(every[start(number, size) : number * size], number, len(every), name, size)
