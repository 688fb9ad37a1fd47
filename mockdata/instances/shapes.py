"""The ways a pattern's alternatives and repetitions can fall out.

A shape is a fixed-length row of alphabets: one string for each way of picking a character out of each.
Counting shapes by length with exact integers lets any one be made from its number, the others unlisted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from mockdata.instances import ecma

Alphabet = tuple[int, ...]
Shape = tuple[Alphabet, ...]

MAX_SHAPES = 256
SLACK = 24  # how much longer than its shortest match an unbounded pattern may get
# Broad classes (`.`, `[^x]`, `\p{L}`) take their characters from the first window that has any: values stay
# readable.
WINDOWS: tuple[ecma.Ranges, ...] = (
    ((0x61, 0x7A), (0x41, 0x5A), (0x30, 0x39)),
    ((0x21, 0x7E),),
    ((0x20, 0x20),),
    ((0x4E00, 0x9FA5),),
    ((0xA1, 0x24F),),
    ((0x00, 0xD7FF),),
    ((0xE000, 0xFFFD),),
    ((0x10000, 0x1FFFF),),
)
ALPHANUMERIC: Alphabet = tuple(code for low, high in WINDOWS[0] for code in range(low, high + 1))
_BLANK = frozenset(code for low, high in ecma.SPACES for code in range(low, high + 1)) - {0x20}
_CONTROL = frozenset((*range(0x20), *range(0x7F, 0xA0)))


@dataclass(frozen=True, slots=True)
class Cell:
    alphabet: Alphabet


@dataclass(frozen=True, slots=True)
class Concat:
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    options: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Times:
    part: Part
    low: int
    high: int | None


Part = Cell | Concat | Choice | Times
EMPTY = Concat(())


def _within(chars: ecma.Chars, low: int, high: int) -> Alphabet:
    members = {code for a, b in chars.ranges for code in range(max(a, low), min(b, high) + 1)}
    for name, negated in chars.properties:
        members.update(ecma.property_members(name, negated, low, high))
    if chars.negated:
        members = set(range(low, high + 1)) - members
    return tuple(sorted(code for code in members if not 0xD800 <= code <= 0xDFFF))


@lru_cache(maxsize=4096)
def _alphabet(chars: ecma.Chars) -> Alphabet:
    """The characters to draw from: everything listed by hand, a readable part of anything broad."""
    explicit = not chars.negated and not chars.properties
    if explicit and sum(high - low + 1 for low, high in chars.ranges) <= 0x8000:
        members = _within(chars, 0, ecma.MAX_CODE_POINT)
        return tuple(code for code in members if code not in _CONTROL and code not in _BLANK) or members
    for window in WINDOWS:
        found = tuple(code for low, high in window for code in _within(chars, low, high))
        if found:
            return found
    return ()


def generator(node: ecma.Node, groups: dict[int, ecma.Node], depth: int = 0) -> Part:
    """The tree to draw from: assertions become empty, a back-reference becomes its group once more."""
    if depth > 400:
        return EMPTY
    match node:
        case ecma.Chars():
            return Cell(_alphabet(node))
        case ecma.Seq(parts):
            return Concat(tuple(generator(part, groups, depth + 1) for part in parts))
        case ecma.Alt(options):
            drawn = tuple(generator(option, groups, depth + 1) for option in options)
            if all(isinstance(option, Cell) for option in drawn):
                union = {code for option in drawn if isinstance(option, Cell) for code in option.alphabet}
                return Cell(tuple(sorted(union)))
            return Choice(drawn)
        case ecma.Repeat(inner, low, high):
            return Times(generator(inner, groups, depth + 1), low, high)
        case ecma.Group(inner, _):
            return generator(inner, groups, depth + 1)
        case ecma.Back(number):
            return generator(groups[number], groups, depth + 1) if number in groups else EMPTY
        case _:
            return EMPTY


class Shapes:
    """How many shapes of each length a tree has, and the k-th of them (exact integers, so none is missed)."""

    def __init__(self, longest: int) -> None:
        self.longest = longest
        self._counts: dict[int, dict[int, int]] = {}
        self._powers: dict[int, list[dict[int, int]]] = {}
        self._kept: list[Part] = []  # ids are only unique while their objects live

    def shortest(self, part: Part) -> int | None:
        match part:
            case Cell(alphabet):
                return 1 if alphabet else None
            case Concat(parts):
                lengths = [self.shortest(inner) for inner in parts]
                return None if None in lengths else sum(length or 0 for length in lengths)
            case Choice(options):
                found = [length for length in map(self.shortest, options) if length is not None]
                return min(found, default=None)
            case Times(inner, low, _):
                if low == 0:
                    return 0
                length = self.shortest(inner)
                return None if length is None else length * low

    def _product(self, left: dict[int, int], right: dict[int, int]) -> dict[int, int]:
        out: dict[int, int] = {}
        for a, m in left.items():
            for b, n in right.items():
                if a + b <= self.longest:
                    out[a + b] = out.get(a + b, 0) + m * n
        return out

    def counts(self, part: Part) -> dict[int, int]:
        known = self._counts.get(id(part))
        if known is not None:
            return known
        out: dict[int, int] = {}
        match part:
            case Cell(alphabet):
                out = {1: 1} if alphabet else {}
            case Concat(parts):
                out = {0: 1}
                for inner in parts:
                    out = self._product(out, self.counts(inner))
            case Choice(options):
                for option in options:
                    for length, count in self.counts(option).items():
                        out[length] = out.get(length, 0) + count
            case Times(inner, low, high):
                single = self._single(inner)
                if single:
                    width, count = single
                    top = self.longest // width if high is None else min(high, self.longest // width)
                    out = {n * width: count**n for n in range(low, top + 1)}
                else:
                    for power in self.powers(part)[low:]:
                        for length, count in power.items():
                            out[length] = out.get(length, 0) + count
        self._counts[id(part)] = out
        self._kept.append(part)
        return out

    def _single(self, part: Part) -> tuple[int, int] | None:
        """(width, shapes) of a part whose matches all have one length, which makes repeating it cheap."""
        counts = self.counts(part)
        if len(counts) == 1:
            width, count = next(iter(counts.items()))
            return (width, count) if width else None
        return None

    def powers(self, times: Times) -> list[dict[int, int]]:
        known = self._powers.get(id(times))
        if known is None:
            once = self.counts(times.part)
            top = times.low + SLACK if times.high is None else min(times.high, times.low + SLACK)
            known = [{0: 1}]
            while len(known) <= top:
                known.append(self._product(known[-1], once))
            self._powers[id(times)] = known
        return known

    def shape(self, part: Part, length: int, rank: int) -> Shape:
        """The shape number `rank` (below counts(part)[length]) among those of one length."""
        match part:
            case Cell(alphabet):
                return (alphabet,)
            case Concat(parts):
                tails: list[dict[int, int]] = [{0: 1}]
                for inner in reversed(parts):
                    tails.append(self._product(self.counts(inner), tails[-1]))
                tails.reverse()
                return self._sequence(parts, tails[1:], length, rank)
            case Choice(options):
                for option in options:
                    count = self.counts(option).get(length, 0)
                    if rank < count:
                        return self.shape(option, length, rank)
                    rank -= count
            case Times(inner, low, _):
                single = self._single(inner)
                if single:
                    width, count = single
                    digits = [rank // count**n % count for n in range(length // width)]
                    pieces = {digit: self.shape(inner, width, digit) for digit in set(digits)}
                    return tuple(cell for digit in digits for cell in pieces[digit])
                powers = self.powers(part)
                for n in range(low, len(powers)):
                    count = powers[n].get(length, 0)
                    if rank < count:
                        return self._sequence((inner,) * n, powers[:n][::-1], length, rank)
                    rank -= count
        raise AssertionError("rank out of range")

    def _sequence(self, parts: Sequence[Part], tails: Sequence[dict[int, int]], length: int, rank: int) -> Shape:
        cells: list[Alphabet] = []
        for part, tail in zip(parts, tails, strict=True):
            for width, count in self.counts(part).items():
                rest = tail.get(length - width, 0)
                if rank < count * rest:
                    cells.extend(self.shape(part, width, rank // rest))
                    rank, length = rank % rest, length - width
                    break
                rank -= count * rest
        return tuple(cells)


def choose(shapes: Shapes, tree: Part, counts: dict[int, int]) -> list[Shape]:
    """All shapes when they are few, else the same number of every length, spread by a fixed stride."""
    lengths = list(counts)
    if len(lengths) > MAX_SHAPES:
        lengths = [lengths[i * (len(lengths) - 1) // (MAX_SHAPES - 1)] for i in range(MAX_SHAPES)]
    few = sum(counts.values()) <= MAX_SHAPES
    share = max(1, MAX_SHAPES // len(lengths))
    chosen: dict[Shape, None] = {}
    for length in lengths:
        count = counts[length]
        wanted = count if few else min(count, share)
        for rank in (i * (count - 1) // max(wanted - 1, 1) for i in range(wanted)):
            chosen[shapes.shape(tree, length, rank)] = None
    return list(chosen)
