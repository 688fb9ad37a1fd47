"""The picture of who gives to whom, as ECharts options."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


def options(pairs: Sequence[dict[str, Any]], name: Callable[[str], str]) -> dict[str, Any] | None:
    """Sankey of delivered calls, or None when nothing was delivered.

    Providers stand left, consumers right; the sides get different node names because a department can be on both and
    a Sankey must not run in circles.
    """
    links = [
        {"source": f"p:{pair['provider']}", "target": f"c:{pair['consumer']}", "value": pair["delivered"]}
        for pair in pairs
        if pair["delivered"]
    ]
    if not links:
        return None
    nodes = sorted({link[side] for link in links for side in ("source", "target")})
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
                        "label": {"formatter": name(node[2:]), "position": "right" if node[0] == "p" else "left"},
                        "tooltip": {"formatter": name(node[2:])},
                    }
                    for node in nodes
                ],
                "links": links,
            }
        ]
    }
