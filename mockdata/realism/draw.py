"""Pieces of SVG. Colours are classes of the page's style sheet, so that a plot is right on a light and a dark page."""

from __future__ import annotations

from specs.exporters.markup import Content, Markup, element

WIDTH = 420
"""Units across of every plot; a phone shows it at about nine tenths of a CSS pixel a unit."""


def number(value: float) -> str:
    """A coordinate, to a tenth."""
    return f"{value:.1f}".removesuffix(".0")


def plot(height: float, told: str, *content: Content) -> Markup:
    """A whole plot; `told` is read out in its place."""
    return element("svg", *content, viewBox=f"0 0 {WIDTH} {number(height)}", role="img", aria_label=told)


def text(x: float, y: float, words: str, anchor: str = "start", kind: str = "") -> Markup:
    """Words at a point. `anchor`: start, middle or end."""
    return element("text", words, x=number(x), y=number(y), text_anchor=anchor, class_=kind or None)


def rect(x: float, y: float, width: float, height: float, kind: str, told: str = "", shade: float = 1) -> Markup:
    """A filled box; `told` appears under the pointer."""
    title = (element("title", told),) if told else ()
    dim = None if shade == 1 else f"{shade:.3f}"
    size = {"x": number(x), "y": number(y), "width": number(max(width, 0)), "height": number(height)}
    return element("rect", *title, class_=kind, fill_opacity=dim, **size)


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Markup:
    """A line between two points."""
    return element("line", x1=number(x1), y1=number(y1), x2=number(x2), y2=number(y2), class_=kind)


def path(points: list[tuple[float, float]], kind: str) -> Markup:
    """A line through points."""
    return element("polyline", points=" ".join(f"{number(x)},{number(y)}" for x, y in points), class_=kind)


def dot(x: float, y: float, kind: str, told: str = "", radius: float = 3.4) -> Markup:
    """A dot; `told` appears under the pointer."""
    title = (element("title", told),) if told else ()
    return element("circle", *title, cx=number(x), cy=number(y), r=number(radius), class_=kind)
