"""A description as its author meant it: paragraphs, lists, links, code and emphasis, in Markdown or in HTML.

Nothing of it becomes markup but through elements made here; what is not understood stays as it is written.
"""

from __future__ import annotations

import re

from specs.exporters.markup import Content, Markup, element, join, web_address

MAX_STYLED = 20_000
"""A longer description is shown as it is written."""

_LINK = re.compile(
    r"<a\b[^<>]{0,200}?\bhref\s*=\s*[\"']?([^\"'<>\s]{1,2000})[\"']?[^<>]{0,200}>([^<>]{1,400})</a>", re.I
)
_BREAK = re.compile(r"<br\s*/?>|</?p(?:\s[^<>]{0,200})?>|</?(?:ul|ol|div)>", re.IGNORECASE)
_ITEM = re.compile(r"<li>", re.IGNORECASE)
_STRONG = re.compile(r"</?(?:b|strong|h[1-6])>", re.IGNORECASE)
_TAG = re.compile(r"</?(?:i|em|u|span|li|small|sup|sub)>", re.IGNORECASE)
_INLINE = re.compile(r"\[([^\[\]\n]{1,400})\]\(([^()\s]{1,2000})\)|\*\*([^*\n]{1,400})\*\*|`([^`\n]{1,400})`")
_LISTED = re.compile(r"\s{0,3}[-*+]\s+(?=\S)")


def paragraphs(text: str) -> list[Markup]:
    """The elements a description consists of."""
    plain = text.replace("\r\n", "\n").strip()
    if len(plain) > MAX_STYLED:
        return [element("p", *_lines(part, styled=False)) for part in re.split(r"\n{2,}", plain)]
    plain = _LINK.sub(r"[\2](\1)", plain)
    plain = _TAG.sub("", _STRONG.sub("**", _ITEM.sub("\n- ", _BREAK.sub("\n", plain))))
    plain = re.sub(r"(?m)[ \t]*\\[ \t]*$", "", plain)  # a hard line break of Markdown
    made: list[Markup] = []
    for part in re.split(r"\n[ \t]*\n", plain):
        made += _paragraph([line for line in part.split("\n") if line.strip()])
    return made


def _paragraph(lines: list[str]) -> list[Markup]:
    """A paragraph, and the lists in it."""
    made: list[Markup] = []
    at = 0
    while at < len(lines):
        listed = bool(_LISTED.match(lines[at]))
        end = at
        while end < len(lines) and bool(_LISTED.match(lines[end])) is listed:
            end += 1
        part = lines[at:end]
        if listed:
            made.append(element("ul", *(element("li", *_styled(_LISTED.sub("", line, count=1))) for line in part)))
        else:
            made.append(element("p", *_lines("\n".join(part), styled=True)))
        at = end
    return made


def _lines(text: str, styled: bool) -> list[Content]:
    made: list[Content] = []
    for line in text.split("\n"):
        made += [*(_styled(re.sub(r"^#{1,6}\s+", "", line)) if styled else [line]), element("br")]
    return made[:-1]


def _styled(line: str) -> list[Content]:
    made: list[Content] = []
    at = 0
    for found in _INLINE.finditer(line):
        label, address, strong, code = found.groups()
        made.append(line[at : found.start()])
        if strong:
            made.append(element("strong", strong))
        elif code:
            made.append(element("code", code))
        else:
            leads = web_address(address)
            made.append(element("a", label, href=leads, rel="noreferrer") if leads else join(found[0]))
        at = found.end()
    return [*made, line[at:]]
