"""HTML built from elements that escape what they hold: text can become markup only by going through `element`."""

from __future__ import annotations

import re
from html import escape
from urllib.parse import urlsplit

_VOID = {"input", "meta", "link", "br"}
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Content = str | Markup


def element(tag: str, *content: Content, **attributes: str | bool | None) -> Markup:
    """`<tag …>content</tag>`. A str is escaped, a Markup kept. Attribute names: a leading or trailing `_` is dropped,
    inner ones become hyphens; None and False leave the attribute out, True writes it without a value."""
    written = [tag]
    for name, value in attributes.items():
        word = name.strip("_").replace("_", "-")
        if value is True:
            written.append(word)
        elif value is not None and value is not False:
            written.append(f'{word}="{escape(_clean(value), quote=True)}"')
    opening = f"<{' '.join(written)}>"
    return Markup(opening if tag in _VOID else f"{opening}{join(*content)}</{tag}>")


def join(*content: Content) -> Markup:
    """Pieces one after another, escaped where they are plain text."""
    return Markup("".join(one if isinstance(one, Markup) else escape(_clean(one), quote=False) for one in content))


def web_address(text: str) -> str | None:
    """`text` if a link may lead there: http, https or mailto; None for anything else (javascript:, data:)."""
    try:
        scheme = urlsplit(text.strip()).scheme.lower()
    except ValueError:
        return None
    return text.strip() if scheme in {"http", "https", "mailto"} else None


def _clean(text: str) -> str:
    return _CONTROL.sub("\ufffd", text)
