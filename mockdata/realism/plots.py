"""The plots of a report: deviations, pyramid, bars beside published figures, surnames by rank, households, years."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mockdata.population.figures import TOLERANCE, Marginal
from mockdata.population.vitals import Year
from mockdata.realism.draw import WIDTH, dot, line, path, plot, rect, text
from mockdata.realism.words import LEVELS, Language, distribution, group, word
from specs.exporters.markup import Markup

_EDGE = 0.06
_TICKS = (-0.06, -0.04, -0.02, 0, 0.02, 0.04, 0.06)


def shown(value: float, unit: str) -> str:
    """A figure in its unit: shares as per cent, three significant digits at least."""
    if unit == "share":
        return f"{value:.2%}" if value >= 0.001 else f"{value:.4%}"
    return f"{value:,.0f}" if unit == "yuan" else f"{value:.3f}"


def signed(deviation: float) -> str:
    """A relative deviation as per cent with its sign; none for what rounds to nothing."""
    return "0.00%" if abs(deviation) < 0.00005 else f"{deviation:+.2%}"


def told(one: Marginal, language: Language) -> str:
    """One comparison in a line."""
    name = group(one.distribution, one.group, language)
    return f"{name}: {shown(one.found, one.unit)} / {shown(one.expected, one.unit)} ({signed(one.relative)})"


def deviations(marginals: Sequence[Marginal], language: Language) -> Markup:
    """One line a distribution, one dot a group, the tolerance as a band."""
    names = list(dict.fromkeys(one.distribution for one in marginals))
    left, right, step, top = 146, WIDTH - 14, 22, 26
    bottom = top + step * len(names)
    middle, reach = (left + right) / 2, (right - left) / 2

    def at(deviation: float) -> float:
        return middle + max(-1.0, min(1.0, deviation / _EDGE)) * reach

    parts = [rect(at(-TOLERANCE), top - 6, at(TOLERANCE) - at(-TOLERANCE), bottom - top + 6, "band")]
    for tick in _TICKS:
        parts.append(line(at(tick), top - 6, at(tick), bottom, "axis" if tick == 0 else "grid"))
        parts.append(text(at(tick), top - 11, f"{tick:+.0%}" if tick else "0", "middle", "soft"))
    for row, name in enumerate(names):
        y = top + step * row + step / 2
        parts.append(text(left - 10, y + 4, distribution(name, language), "end"))
        for one in (one for one in marginals if one.distribution == name):
            kind = {"holds": "held", "misses": "missed", "open": "open", "shown": "hollow"}[one.verdict]
            parts.append(dot(at(one.relative), y, kind, told(one, language)))
    return plot(bottom + 6, word("overview", language), *parts)


def pyramid(shares: tuple[Sequence[float], Sequence[float]], language: Language) -> Markup:
    """Men to the left, women to the right, a bar a year of age, the oldest on top."""
    ages, bar = len(shares[0]), 3.2
    top, middle, half = 22, WIDTH / 2, WIDTH / 2 - 34
    most = max(max(side) for side in shares) or 1.0
    bottom = top + ages * bar
    parts = [
        text(middle - half / 2, 12, word("men", language), "middle"),
        text(middle + half / 2, 12, word("women", language), "middle"),
    ]
    for age in range(0, ages, 10):
        y = bottom - (age + 0.5) * bar
        parts += [text(middle, y + 4, str(age), "middle", "soft"), line(40, y, middle - 13, y, "grid")]
        parts.append(line(middle + 13, y, WIDTH - 40, y, "grid"))
    for side, (sign, kind) in enumerate(((-1, "men"), (1, "women"))):
        for age, share in enumerate(shares[side]):
            width = share / most * (half - 16)
            x = middle + 14 if sign > 0 else middle - 14 - width
            named = f"{word(kind, language)}, {age}: {share:.3%}"
            parts.append(rect(x, bottom - (age + 1) * bar, width, bar - 0.5, kind, named))
    parts.append(text(36, bottom + 16, f"{most:.2%}", "start", "soft"))
    parts.append(text(WIDTH - 36, bottom + 16, f"{most:.2%}", "end", "soft"))
    return plot(bottom + 22, word("pyramid", language), *parts)


def paired(name: str, marginals: Sequence[Marginal], language: Language) -> Markup:
    """A bar a group for what was found, an upright mark for what is published."""
    left, right, step = 112, WIDTH - 60, 18
    most = max(max(one.found, one.expected) for one in marginals) or 1.0
    parts = []
    for row, one in enumerate(marginals):
        y = row * step + 3
        parts.append(text(left - 8, y + 11, group(name, one.group, language), "end"))
        parts.append(rect(left, y, one.found / most * (right - left), step - 6, "found", told(one, language)))
        mark = left + one.expected / most * (right - left)
        parts.append(line(mark, y - 2, mark, y + step - 4, "mark"))
        parts.append(text(WIDTH, y + 11, shown(one.found, one.unit), "end", "soft"))
    return plot(len(marginals) * step + 4, distribution(name, language), *parts)


def zipf(names: Sequence[tuple[str, float]], language: Language) -> Markup:
    """Share against rank, both logarithmic, the commonest named."""
    left, right, top, bottom = 48, WIDTH - 12, 10, 250
    ranks = math.log10(max(len(names), 10))
    high = math.ceil(math.log10(max(names[0][1], 1e-6)) * 2) / 2
    low = math.floor(math.log10(max(names[-1][1], 1e-6)) * 2) / 2

    def at(rank: float, share: float) -> tuple[float, float]:
        x = left + math.log10(rank) / ranks * (right - left)
        return x, bottom - (math.log10(max(share, 1e-9)) - low) / (high - low) * (bottom - top)

    parts = []
    for power in range(math.ceil(low), math.floor(high) + 1):
        y = at(1, 10.0**power)[1]
        parts += [line(left, y, right, y, "grid"), text(left - 6, y + 4, f"{10.0 ** (power + 2):g}%", "end", "soft")]
    for rank in (1, 3, 10, 30, 100, 300):
        if rank <= len(names):
            x = at(rank, 1)[0]
            parts += [line(x, top, x, bottom, "grid"), text(x, bottom + 16, str(rank), "middle", "soft")]
    first = names[0][1]
    reach = min(len(names), first / 10.0**low)
    parts.append(path([at(1, first), at(reach, first / reach)], "reference"))
    for rank, (name, share) in enumerate(names, start=1):
        x, y = at(rank, share)
        parts.append(dot(x, y, "held", f"{rank}. {name} {share:.3%}", 2.2))
        if rank <= 5:
            parts.append(text(x + 5, y - 5, name))
    parts.append(text((left + right) / 2, bottom + 32, word("rank", language), "middle", "soft"))
    return plot(bottom + 38, word("zipf", language), *parts)


def households(marginals: Sequence[Marginal], language: Language) -> Markup:
    """The cells of size by generations as a heat map, what is published below what was found."""
    cells: dict[tuple[int, int], Marginal] = {}
    for one in marginals:
        persons, generations = one.group.removesuffix("代").split("人")
        cells[int(persons), LEVELS.index(generations)] = one
    sizes, levels = max(size for size, _ in cells), max(level for _, level in cells) + 1
    left, top, high = 66, 22, 34
    wide = (WIDTH - left) / levels
    most = max(one.found for one in cells.values()) or 1.0
    parts = []
    for level in range(levels):
        head = f"{LEVELS[level]}代" if language == "zh_CN" else f"{level + 1} gen."
        parts.append(text(left + (level + 0.5) * wide, 13, head, "middle", "soft"))
    for size in range(1, sizes + 1):
        head = f"{size}人" if language == "zh_CN" else f"{size} pers."
        parts.append(text(left - 8, top + (size - 1) * high + 21, head, "end", "soft"))
    for (size, level), one in cells.items():
        x, y = left + level * wide, top + (size - 1) * high
        shade = 0.06 + 0.4 * one.found / most
        parts.append(rect(x + 1, y + 1, wide - 2, high - 2, "found", told(one, language), shade))
        parts.append(text(x + wide / 2, y + 15, f"{one.found:.2%}", "middle"))
        parts.append(text(x + wide / 2, y + 28, f"{one.expected:.2%}", "middle", "soft"))
    return plot(top + sizes * high + 2, word("heat", language), *parts)


def by_year(years: Sequence[Year], living: int, language: Language) -> Markup:
    """Births and deaths of each year in a thousand of the living."""
    left, right, top, bottom = 34, WIDTH - 6, 22, 210
    most = max(max(year.births, year.deaths) for year in years) / living * 1000 or 1.0
    step = (right - left) / len(years)
    tick = next(one for one in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if most / one <= 6)

    def at(value: float) -> float:
        return bottom - value / most * (bottom - top)

    parts = [
        rect(left, 4, 9, 9, "men"),
        text(left + 13, 12.5, word("births", language)),
        rect(left + 70, 4, 9, 9, "women"),
    ]
    parts.append(text(left + 83, 12.5, word("deaths", language)))
    parts.append(text(right, 12.5, word("per thousand", language), "end", "soft"))
    for value in range(0, math.floor(most) + 1, tick):
        parts += [
            line(left, at(value), right, at(value), "grid"),
            text(left - 5, at(value) + 4, str(value), "end", "soft"),
        ]
    every = math.ceil(len(years) / 9)
    for place, year in enumerate(years):
        x = left + place * step
        for turn, (kind, name, count) in enumerate((("men", "births", year.births), ("women", "deaths", year.deaths))):
            rate = count / living * 1000
            named = f"{year.year} {word(name, language)}: {count:,} ({rate:.2f})"
            parts.append(rect(x + step * (0.12 + 0.38 * turn), at(rate), step * 0.36, bottom - at(rate), kind, named))
        if place % every == 0:
            parts.append(text(x + step / 2, bottom + 16, str(year.year), "middle", "soft"))
    return plot(bottom + 22, word("years", language), *parts)
