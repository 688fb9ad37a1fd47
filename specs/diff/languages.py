"""Whether every text that one pattern allows is allowed by another: decided exactly for plain regular expressions.

Patterns are turned into finite automata over ranges of characters and walked side by side. What is no regular language
(look-arounds, back-references), and what would grow too large, stays undecided. Classes are those of ECMA-262.
"""

from __future__ import annotations

import re
import warnings
from collections import deque
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

MOST_STATES = 3_000
MOST_WORK = 1_000_000
"""States looked at for one question."""
MOST_PAIRS = 6_000
_LAST = 0x10FFFF
Ranges = tuple[tuple[int, int], ...]
_ALL: Ranges = ((0, _LAST),)
_DIGIT: Ranges = ((0x30, 0x39),)
_WORD: Ranges = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
_SPACE: Ranges = (
    (0x09, 0x0D), (0x20, 0x20), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029), (0x202F, 0x202F),
    (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF),
)  # fmt: skip
_LINE_ENDS: Ranges = ((0x0A, 0x0A), (0x0D, 0x0D), (0x2028, 0x2029))
_NICE = ("a", "0", "A", "中", "-", " ", "_")


class _Undecided(Exception):
    """The pattern is no plain regular expression, or too large."""


@dataclass(slots=True)
class _Automaton:
    """States are numbers; `moves`: state → (ranges, state); `free`: state → states reached without reading."""

    moves: list[list[tuple[Ranges, int]]] = field(default_factory=list)
    free: list[list[int]] = field(default_factory=list)
    start: int = 0
    end: int = 0
    spent: int = 0

    def state(self) -> int:
        if len(self.moves) >= MOST_STATES:
            raise _Undecided
        self.moves.append([])
        self.free.append([])
        return len(self.moves) - 1

    def closed(self, states: set[int]) -> frozenset[int]:
        """The states reached from these without reading."""
        waiting, found = list(states), set(states)
        while waiting:
            for state in self.free[waiting.pop()]:
                if state not in found:
                    found.add(state)
                    waiting.append(state)
        self.spent += len(found) + 1
        if self.spent > MOST_WORK:
            raise _Undecided
        return frozenset(found)


def surplus(pattern: str, other: str) -> tuple[bool, str | None]:
    """(decided, a shortest text that `pattern` allows and `other` does not; None when there is none)."""
    try:
        return True, _first_apart(_fresh(pattern), _fresh(other))
    except _Undecided:
        return False, None


def lengths(pattern: str) -> tuple[int, float]:
    """The least and greatest length, in characters, of the texts a pattern allows; (0, inf) when undecided."""
    try:
        made = _fresh(pattern)
        return _shortest(made), _longest(made)
    except _Undecided:
        return 0, float("inf")


def _fresh(pattern: str) -> _Automaton:
    made = _automaton(pattern)
    made.spent = 0
    return made


@lru_cache(maxsize=512)
def _automaton(pattern: str) -> _Automaton:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = re._parser.parse(pattern)
        if tree.state.flags & ~re.UNICODE:
            raise _Undecided
        made = _Automaton()
        made.start, made.end = made.state(), made.state()
        _branches(made, list(tree), made.start, made.end)
        return made
    except (re.error, RecursionError, OverflowError) as error:
        raise _Undecided from error


def _branches(made: _Automaton, parts: list[Any], start: int, end: int) -> None:
    """One alternative of the whole pattern: without ^ anything may stand before it, without $ anything after."""
    if len(parts) == 1 and str(parts[0][0]) in ("BRANCH", "SUBPATTERN"):
        op, argument = parts[0]
        if str(op) == "BRANCH":
            for option in argument[1]:
                _branches(made, list(option), start, end)
            return
        if not argument[1] and not argument[2]:
            _branches(made, list(argument[3]), start, end)
            return
    first = bool(parts) and _anchor(parts[0]) == "AT_BEGINNING"
    last = len(parts) > first and _anchor(parts[-1]) == "AT_END"
    before = start if first else _loop(made, start, _ALL)
    after = made.state()
    _sequence(made, parts[first : len(parts) - last], before, after)
    made.free[after if last else _loop(made, after, _ALL)].append(end)


def _anchor(part: Any) -> str:
    return str(part[1]) if str(part[0]) == "AT" else ""


def _loop(made: _Automaton, start: int, ranges: Ranges) -> int:
    state = made.state()
    made.free[start].append(state)
    made.moves[state].append((ranges, state))
    return state


def _sequence(made: _Automaton, parts: list[Any], start: int, end: int) -> None:
    for op, argument in parts:
        following = made.state()
        _part(made, str(op), argument, start, following)
        start = following
    made.free[start].append(end)


def _part(made: _Automaton, op: str, argument: Any, start: int, end: int) -> None:
    match op:
        case "LITERAL":
            made.moves[start].append((((argument, argument),), end))
        case "NOT_LITERAL":
            made.moves[start].append((_without(((argument, argument),)), end))
        case "ANY":
            made.moves[start].append((_without(_LINE_ENDS), end))
        case "IN":
            made.moves[start].append((_class(argument), end))
        case "BRANCH":
            for option in argument[1]:
                _sequence(made, list(option), start, end)
        case "SUBPATTERN":
            if argument[1] or argument[2]:
                raise _Undecided  # flags for a part
            _sequence(made, list(argument[3]), start, end)
        case "MAX_REPEAT" | "MIN_REPEAT":
            _repeated(made, argument, start, end)
        case _:
            raise _Undecided


def _repeated(made: _Automaton, argument: Any, start: int, end: int) -> None:
    low, high, inner = argument
    for _ in range(low):
        following = made.state()
        _sequence(made, list(inner), start, following)
        start = following
    if high is re._constants.MAXREPEAT:
        around = made.state()
        made.free[start].append(around)
        _sequence(made, list(inner), around, around)
        made.free[around].append(end)
        return
    for _ in range(high - low):
        made.free[start].append(end)
        following = made.state()
        _sequence(made, list(inner), start, following)
        start = following
    made.free[start].append(end)


def _class(items: list[Any]) -> Ranges:
    found: list[tuple[int, int]] = []
    for op, argument in items:
        match str(op):
            case "LITERAL":
                found.append((argument, argument))
            case "RANGE":
                found.append((argument[0], argument[1]))
            case "CATEGORY":
                name = str(argument)
                ranges = {"DIGIT": _DIGIT, "WORD": _WORD, "SPACE": _SPACE}.get(name.rpartition("_")[2])
                if ranges is None:
                    raise _Undecided
                found += _without(ranges) if "_NOT_" in name else ranges
            case "NEGATE":
                pass
            case _:
                raise _Undecided
    ranges = _joined(found)
    return _without(ranges) if items and str(items[0][0]) == "NEGATE" else ranges


def _joined(ranges: list[tuple[int, int]]) -> Ranges:
    made: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if made and low <= made[-1][1] + 1:
            made[-1] = made[-1][0], max(made[-1][1], high)
        else:
            made.append((low, high))
    return tuple(made)


def _without(ranges: Ranges) -> Ranges:
    made, at = [], 0
    for low, high in _joined(list(ranges)):
        if at < low:
            made.append((at, low - 1))
        at = high + 1
    return tuple([*made, (at, _LAST)] if at <= _LAST else made)


def _first_apart(one: _Automaton, other: _Automaton) -> str | None:
    """Breadth first over pairs of sets of states: the first text that ends in `one` alone."""
    start = one.closed({one.start}), other.closed({other.start})
    waiting, seen = deque([(start, "")]), {start}
    while waiting:
        (ours, theirs), text = waiting.popleft()
        if one.end in ours and other.end not in theirs:
            return text
        moves = [[m for state in states for m in made.moves[state]] for made, states in ((one, ours), (other, theirs))]
        for letter in _letters(moves[0], moves[1]):
            code = ord(letter)
            reached = tuple(
                made.closed({to for ranges, to in part if any(low <= code <= high for low, high in ranges)})
                for made, part in ((one, moves[0]), (other, moves[1]))
            )
            pair = reached[0], reached[1]
            if pair[0] and pair not in seen:
                if len(seen) >= MOST_PAIRS:
                    raise _Undecided
                seen.add(pair)
                waiting.append((pair, text + letter))
    return None


def _letters(ours: list[tuple[Ranges, int]], theirs: list[tuple[Ranges, int]]) -> list[str]:
    """One character for each class of characters that no move tells apart."""
    edges = {0}
    for ranges, _ in (*ours, *theirs):
        for low, high in ranges:
            edges |= {low, high + 1}
    starts = sorted(edge for edge in edges if edge <= _LAST)
    spans = list(zip(starts, [*(edge - 1 for edge in starts[1:]), _LAST], strict=True))
    made = [next((letter for letter in _NICE if low <= ord(letter) <= high), chr(low)) for low, high in spans]
    return sorted(made, key=lambda letter: letter not in _NICE)


def _shortest(made: _Automaton) -> int:
    states, length, seen = made.closed({made.start}), 0, set[frozenset[int]]()
    while made.end not in states and states and states not in seen:
        seen.add(states)
        states, length = made.closed({to for state in states for _, to in made.moves[state]}), length + 1
    return length if made.end in states else 0


def _longest(made: _Automaton) -> float:
    """The number of steps until nothing more can be read; infinite when a state comes again."""
    alive = _leading(made, made.end)
    states, length, longest = made.closed({made.start}) & alive, 0, 0
    while states:
        if made.end in states:
            longest = length
        length += 1
        if length > len(made.moves):
            return float("inf")
        states = made.closed({to for state in states for _, to in made.moves[state]}) & alive
    return longest


def _leading(made: _Automaton, end: int) -> frozenset[int]:
    """The states from which the end can be reached."""
    back: dict[int, list[int]] = {}
    for state, moves in enumerate(made.moves):
        for to in (*made.free[state], *(to for _, to in moves)):
            back.setdefault(to, []).append(state)
    waiting, found = [end], {end}
    while waiting:
        for state in back.get(waiting.pop(), ()):
            if state not in found:
                found.add(state)
                waiting.append(state)
    return frozenset(found)
