"""The picture of who gives what to whom, as ECharts options."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from exchange.oversight.model import DIMENSIONS, Sum

MOST = 12
"""Values in the middle; what is rarer flows through one node."""
REST = "…"


def options(pairs: Sequence[dict[str, Any]], name: Callable[[str], str]) -> dict[str, Any] | None:
    """Sankey of delivered calls, or None when nothing was delivered.

    Providers stand left, consumers right; the sides get different node names because a department can be on both and
    a Sankey must not run in circles.
    """
    links = {(f"p:{pair['provider']}", f"c:{pair['consumer']}"): pair["delivered"] for pair in pairs}
    return _drawn(links, name, lambda value: value)


def through(
    sums: Iterable[Sum], dimension: str, name: Callable[[str], str], word: Callable[[str], str]
) -> dict[str, Any] | None:
    """The same with one of `DIMENSIONS` in the middle: provider → purpose → consumer. ``word`` says a value."""
    left: Counter[tuple[str, str]] = Counter()
    right: Counter[tuple[str, str]] = Counter()
    total: Counter[str] = Counter()
    for one in sums:
        if one.channel.state == "delivered":
            for value in DIMENSIONS[dimension](one.channel):
                left[f"p:{one.channel.provider}", value] += one.calls
                right[value, f"c:{one.channel.consumer}"] += one.calls
                total[value] += one.calls
    shown = {value for value, _ in total.most_common(MOST)}
    links: Counter[tuple[str, str]] = Counter()
    for (source, value), calls in left.items():
        links[source, f"m:{value if value in shown else REST}"] += calls
    for (value, target), calls in right.items():
        links[f"m:{value if value in shown else REST}", target] += calls
    return _drawn(links, name, word)


def _drawn(
    counted: dict[tuple[str, str], int], name: Callable[[str], str], word: Callable[[str], str]
) -> dict[str, Any] | None:
    links = [
        {"source": source, "target": target, "value": value} for (source, target), value in counted.items() if value
    ]
    if not links:
        return None
    nodes = sorted({str(link[side]) for link in links for side in ("source", "target")})
    return {
        "series": [
            {
                "type": "sankey",
                "left": 10,
                "right": 10,
                "top": 16,
                "bottom": 16,
                "nodeGap": 14,
                "emphasis": {"focus": "adjacency"},
                "lineStyle": {"color": "gradient", "opacity": 0.35},
                # the label is the party's name; the node's own name keeps the sides apart
                "data": [
                    {
                        "name": node,
                        # consumers stand at the right edge: their names go to the left of the bar, or they are cut off
                        "label": {
                            "formatter": (word if node[0] == "m" else name)(node[2:]),
                            "position": "left" if node[0] == "c" else "right",
                        },
                        "tooltip": {"formatter": (word if node[0] == "m" else name)(node[2:])},
                    }
                    for node in nodes
                ],
                "links": links,
            }
        ]
    }


def by_day(days: Sequence[dict[str, Any]], delivered: str, refused: str) -> dict[str, Any] | None:
    """Calls day by day, delivered and refused, as bars; None for a single day, which needs no picture."""
    if len(days) < 2:
        return None
    return {
        "grid": {"left": 56, "right": 16, "top": 36, "bottom": 32},
        "legend": {"data": [delivered, refused]},
        "tooltip": {"trigger": "axis"},
        "xAxis": {"type": "category", "data": [day["day"] for day in days]},
        "yAxis": {"type": "value", "minInterval": 1},
        "series": [
            {"type": "bar", "stack": "calls", "name": delivered, "data": [day["delivered"] for day in days],
             "itemStyle": {"color": "#1b4f9c"}},
            {"type": "bar", "stack": "calls", "name": refused, "data": [day["refused"] for day in days],
             "itemStyle": {"color": "#b3261e"}},
        ],
    }  # fmt: skip
