"""Strings that match a pattern, by the column.

A pattern is compiled once into *shapes*: fixed-length rows of alphabets, one for each way its alternatives
and repetitions can fall out. A string is then a shape and one character out of each alphabet: a number in
mixed radix. So whole columns are filled with NumPy and no regular expression engine runs per row. What a
shape cannot express (look-around, back-references, word boundaries) is settled by drawing again until it
matches.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from itertools import groupby
from math import prod
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from mockdata.instances import ecma
from mockdata.instances.ecma import Unsupported
from mockdata.instances.matching import matcher
from mockdata.instances.shapes import ALPHANUMERIC, SLACK, Cell, Concat, Shape, Shapes, Times, choose, generator

__all__ = ["Template", "Unsupported", "compile"]

Hashes = npt.NDArray[np.uint64]

LONGEST = 1_000_000
ROUNDS = 64  # how often a row is drawn again before it falls back on a string known to match


def _mix(values: Hashes, salt: int) -> Hashes:
    """splitmix64's finaliser over values moved by `salt` golden-ratio steps (wraps around on purpose)."""
    z = values + np.uint64(salt * 0x9E3779B97F4A7C15 % 2**64)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


class Run(NamedTuple):
    """Neighbouring cells of a shape: `times` letters drawn from the same `letters` (their number is `radix`), or a text
    that is always the same (radix 1). `used_up`: a new word of 64 bits has to be drawn for it.
    """

    letters: str
    radix: int
    times: int
    used_up: bool


def _runs(shape: Shape) -> Iterator[Run]:
    room = 1 << 64
    for cell, cells in groupby(shape):
        letters, radix, count = "".join(map(chr, cell)), len(cell), sum(1 for _ in cells)
        if radix == 1:
            yield Run(letters * count, 1, count, False)
            continue
        while count:
            used_up = room < radix << 16
            if used_up:
                room = 1 << 64
            fits = 0
            while fits < count and room >= radix << 16:
                room //= radix
                fits += 1
            yield Run(letters, radix, fits, used_up)
            count -= fits


class Template:
    """A compiled pattern. Made by `compile`; immutable, safe to share between threads.

    `pattern` as written; `shortest` and `longest` the lengths (code points) it will produce; `checked`
    whether strings are drawn again until they match, for look-around, back-references or inner anchors.
    """

    def __init__(self, syntax: ecma.Syntax, shapes: Sequence[Shape], checked: bool) -> None:
        self.pattern = syntax.pattern
        self.shapes = tuple(shapes)
        self.checked = checked
        self.shortest = min(len(shape) for shape in shapes)
        self.longest = max(len(shape) for shape in shapes)
        self._syntax = syntax
        self._matcher = matcher(syntax)
        self._ascii = all(cell[-1] < 0x80 for shape in shapes for cell in shape)
        self._codes = {cell: np.array(cell, dtype=np.uint32) for shape in shapes for cell in shape}
        self._fallback: tuple[str, ...] = ()
        if checked:
            trial = np.arange(4096, dtype=np.uint64)
            drawn = dict.fromkeys(self._draw(_mix(trial, 7)).to_pylist())
            self._fallback = tuple(text for text in drawn if self.matches(text))
            if not self._fallback:
                raise Unsupported(self.pattern, "nothing was found that meets its look-around or back-references")

    def matches(self, text: str) -> bool:
        """Whether the pattern is found in `text` (unanchored, as JSON Schema wants it)."""
        return self._matcher.search(text) is not None

    def strings(self, hashes: Hashes) -> pa.StringArray:
        """One matching string for each 64-bit hash; the same hash always gives the same string."""
        hashes = np.asarray(hashes, dtype=np.uint64)
        out = self._draw(hashes)
        if not self.checked:
            return out
        texts: list[str] = out.to_pylist()
        bad = [row for row, text in enumerate(texts) if not self.matches(text)]
        for attempt in range(1, ROUNDS + 1):
            if not bad:
                break
            again = self._draw(_mix(hashes[bad], 1000 + attempt)).to_pylist()
            for row, text in zip(bad, again, strict=True):
                texts[row] = text
            bad = [row for row in bad if not self.matches(texts[row])]
        for row in bad:
            texts[row] = self._fallback[int(hashes[row]) % len(self._fallback)]
        return pa.array(texts, pa.string())

    def example(self, hash: int) -> str:
        """The string for one hash (any integer; taken modulo 2^64)."""
        text: str = self.strings(np.array([hash % 2**64], dtype=np.uint64))[0].as_py()
        return text

    @cached_property
    def runs(self) -> tuple[tuple[Run, ...], ...]:
        """Each shape as runs of equal cells, for whoever spells one string."""
        return tuple(tuple(_runs(shape)) for shape in self.shapes)

    @cached_property
    def _distinct(self) -> tuple[tuple[Shape, ...], npt.NDArray[np.uint64]]:
        """Shapes no two of which share a string, and the running total of the ranks given to each."""
        sets = {cell: frozenset(cell) for cell in self._codes}
        chosen: list[Shape] = []
        for shape in sorted(self.shapes, key=lambda s: -prod(len(cell) for cell in s)):
            rivals = (zip(shape, other, strict=True) for other in chosen if len(other) == len(shape))
            if not any(all(not sets[a].isdisjoint(sets[b]) for a, b in pairs) for pairs in rivals):
                chosen.append(shape)
        ceiling = 2**62 // len(chosen)
        sizes = [min(prod(len(cell) for cell in shape), ceiling) for shape in chosen]
        return tuple(chosen), np.cumsum(np.array(sizes, dtype=np.uint64))

    @property
    def size(self) -> int | None:
        """How many strings `unrank` can tell apart (a lower bound, at most 2^62); None when `checked`."""
        return None if self.checked else int(self._distinct[1][-1])

    def unrank(self, ranks: Hashes) -> pa.StringArray:
        """Distinct strings for distinct ranks in [0, size). Raises Unsupported when `checked`."""
        if self.checked:
            raise Unsupported(self.pattern, "look-around or back-references forbid numbering its strings")
        shapes, totals = self._distinct
        ranks = np.asarray(ranks, dtype=np.uint64)
        which = np.searchsorted(totals, ranks, side="right")
        starts = np.concatenate([np.zeros(1, np.uint64), totals[:-1]])
        return self._build(shapes, which, ranks - starts[which], _mix(ranks, 3), exact=True)

    def _draw(self, hashes: Hashes) -> pa.StringArray:
        which = (_mix(hashes, 1) % np.uint64(len(self.shapes))).astype(np.int64)
        return self._build(self.shapes, which, _mix(hashes, 2), _mix(hashes, 2), exact=False)

    def _build(
        self, shapes: Sequence[Shape], which: npt.NDArray[Any], ranks: Hashes, spare: Hashes, exact: bool
    ) -> pa.StringArray:
        lengths = np.array([len(shape) for shape in shapes], dtype=np.int64)[which]
        offsets = np.zeros(len(which) + 1, dtype=np.int64)
        np.cumsum(lengths, out=offsets[1:])
        codes = np.empty(int(offsets[-1]), dtype=np.uint8 if self._ascii else np.uint32)
        order = np.argsort(which, kind="stable") if len(shapes) > 1 else np.arange(len(which))
        bounds = np.searchsorted(which[order], np.arange(len(shapes) + 1))
        for number, shape in enumerate(shapes):
            rows = order[bounds[number] : bounds[number + 1]]
            if len(rows) and shape:
                _fill(codes, offsets[rows], [self._codes[c] for c in shape], ranks[rows], spare[rows], exact)
        text: Any = codes
        if not self._ascii:
            text = codes.tobytes().decode("utf-32-le").encode()
            # Bytes each code point takes in UTF-8, summed up to where every row begins.
            steps = np.array([0x80, 0x800, 0x10000], dtype=np.uint32)
            widths = 1 + np.searchsorted(steps, codes, side="right")
            offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(widths)])[offsets]
        if offsets[-1] > np.iinfo(np.int32).max:
            raise Unsupported(self.pattern, "too many characters for one batch of rows")
        return pa.StringArray.from_buffers(len(which), pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(text))


def _fill(
    codes: npt.NDArray[Any], starts: npt.NDArray[np.int64], alphabets: Sequence[npt.NDArray[np.uint32]],
    ranks: Hashes, spare: Hashes, exact: bool,
) -> None:  # fmt: skip
    """Write one shape's rows. `exact`: the last positions spell the rank out, the rest come from `spare`."""
    word, room, salt = ranks, 2**62 if exact else 2**40, 0
    for position in range(len(alphabets) - 1, -1, -1):
        alphabet = alphabets[position]
        radix = len(alphabet)
        if radix == 1:
            codes[starts + position] = alphabet[0]
            continue
        if room < radix * (1 if exact and salt == 0 else 2**16):
            salt += 1
            word, room = _mix(spare, 16 + salt), 2**62
        word, digit = np.divmod(word, np.uint64(radix))
        room //= radix
        codes[starts + position] = alphabet[digit]


def _without_edge(node: ecma.Node, kind: str) -> tuple[ecma.Node, bool]:
    """The node without its anchors at one edge, and whether every way through it was anchored there."""
    match node:
        case ecma.Mark(found) if found == kind:
            return ecma.Seq(()), True
        case ecma.Group(inner, number):
            inner, anchored = _without_edge(inner, kind)
            return ecma.Group(inner, number), anchored
        case ecma.Alt(options):
            pairs = [_without_edge(option, kind) for option in options]
            return ecma.Alt(tuple(pair[0] for pair in pairs)), all(pair[1] for pair in pairs)
        case ecma.Seq(parts) if parts:
            at = 0 if kind == "start" else -1
            edge, anchored = _without_edge(parts[at], kind)
            return ecma.Seq((edge, *parts[1:]) if at == 0 else (*parts[:-1], edge)), anchored
        case _:
            return node, False


def _asserts(node: ecma.Node) -> bool:
    match node:
        case ecma.Mark() | ecma.Look() | ecma.Back():
            return True
        case ecma.Seq(nodes) | ecma.Alt(nodes):
            return any(_asserts(inner) for inner in nodes)
        case ecma.Repeat(inner) | ecma.Group(inner):
            return _asserts(inner)
        case _:
            return False


def _shortfall(pattern: str, shortest: int | None, low: int, high: int | None) -> Unsupported:
    if shortest is None:
        return Unsupported(pattern, "it matches no string at all")
    if high is not None and shortest > high:
        return Unsupported(pattern, f"its shortest match has {shortest} characters, maxLength is {high}")
    return Unsupported(pattern, f"it has no match of length {low} to {'any' if high is None else high}")


@lru_cache(maxsize=1024)
def compile(pattern: str, min_length: int = 0, max_length: int | None = None) -> Template:
    """Compile an ECMA-262 pattern for strings of min_length…max_length code points.

    Raises Unsupported(pattern, reason) when the pattern cannot be read, when no string of such a length
    matches, or when look-around and back-references leave nothing that could be found by drawing.
    """
    if max_length is not None and min_length > max_length:
        raise Unsupported(pattern, f"minLength {min_length} is more than maxLength {max_length}")
    syntax = ecma.parse(pattern)
    core, at_start = _without_edge(syntax.root, "start")
    core, at_end = _without_edge(core, "end")
    plain = generator(core, syntax.groups)
    pad = Times(Cell(ALPHANUMERIC), 0, None)
    padded = Concat((*(() if at_start else (pad,)), plain, *(() if at_end else (pad,))))
    shortest = Shapes(0).shortest(plain)
    if shortest is None or (max_length is not None and shortest > max_length):
        raise _shortfall(pattern, shortest, min_length, max_length)
    longest = max(shortest, min_length) + SLACK
    longest = longest if max_length is None else min(longest, max_length)
    if longest > LONGEST:
        raise Unsupported(pattern, f"its strings would be over {LONGEST:,} characters long")
    checked = _asserts(core)
    for tree in (plain, padded):
        shapes = Shapes(longest)
        counts = {n: count for n, count in sorted(shapes.counts(tree).items()) if n >= min_length and count}
        if not counts:
            checked = True  # padding may meet an anchor inside one of the alternatives
            continue
        chosen = choose(shapes, tree, counts)
        try:
            return Template(syntax, chosen, checked)
        except Unsupported:
            if tree is padded:
                raise
            checked = True
    raise _shortfall(pattern, shortest, min_length, max_length)
