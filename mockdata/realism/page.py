"""A report as one HTML file: plots as inline SVG, every group in a table, for any screen, no script."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from mockdata.population.figures import SHOWN, Marginal
from mockdata.realism import plots
from mockdata.realism.report import Report, lines
from mockdata.realism.words import Language, distribution, group, source, word
from specs.exporters.markup import Content, Markup, element, join

_PAIRED = ("省份", "年龄", "家庭户规模", "家庭户代数", "民族", "收入五等分")
"""Distributions that get bars."""


def page(report: Report, language: Language) -> str:
    """The page of a population. The same report gives the same bytes."""

    def say(key: str) -> str:
        return word(key, language)

    told = {
        **{key: str(value) for key, value in report.population.items() if key not in ("scenarios", "size")},
        "size": f"{report.population['size']:,}", "living": f"{report.living:,}", "rows": f"{report.rows:,}",
        "generator": report.generator,
    }  # fmt: skip
    if "scenarios" in report.population:
        told["scenarios"] = ", ".join(report.population["scenarios"])
    by_name = {one.distribution: one.groups for one in lines(report.marginals)}
    drawn = [
        figure(say("overview"), plots.deviations(report.marginals, language), say("overview note")),
        figure(say("pyramid"), plots.pyramid(report.pyramid, language), say("pyramid note")),
        figure(say("zipf"), plots.zipf(report.surnames, language), say("zipf note")),
        figure(say("heat"), plots.households(by_name["户规模与代数"], language), say("heat note")),
    ]
    if report.years:
        drawn.insert(2, figure(say("years"), plots.by_year(report.years, report.living, language), say("years note")))
    return document(
        language, say("title"),
        element("p", say("lead"), class_="soft"), facts(told, language), verdict(report, language),
        summary(report.marginals, language),
        element("div", *drawn, *bars(by_name, language), class_="plots"),
        element("h2", say("all groups")), *tables(report.marginals, language), _how(language),
    )  # fmt: skip


def bars(by_name: dict[str, tuple[Marginal, ...]], language: Language) -> list[Markup]:
    """The distributions that have enough groups for bars."""
    note = word("paired note", language)
    return [
        # beside the Han nobody else could be seen
        figure(
            distribution(name, language),
            plots.paired(name, [one for one in by_name[name] if (name, one.group) != ("民族", "01")], language),
            note,
        )
        for name in _PAIRED
        if name in by_name
    ]


def document(language: Language, title: str, *content: Content) -> str:
    """A whole page under a policy that lets nothing be loaded and nothing run."""
    style = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode("ascii")
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    head = join(
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("link", rel="icon", href="data:,"),
        element("title", title),
        element("style", Markup(style)),
    )
    body = element("body", element("main", element("h1", title), *content))
    whole = element("html", element("head", head), body, lang="zh-CN" if language == "zh_CN" else "en")
    return f"<!doctype html>\n{whole}\n"


def figure(title: str, drawn: Markup, note: str = "") -> Markup:
    """A plot under its title, with a line on how to read it."""
    read = (element("figcaption", note, class_="note"),) if note else ()
    return element("figure", element("h3", title), drawn, *read)


def facts(told: dict[str, str], language: Language) -> Markup:
    """What the report is of."""
    pairs = (join(element("dt", word(key, language)), element("dd", value)) for key, value in told.items())
    return element("dl", *(element("div", pair) for pair in pairs), class_="facts")


def verdict(report: Report, language: Language) -> Markup:
    """The one sentence the report comes to."""
    if report.free is not None:
        return element("p", word(f"verdict {report.free}", language), class_="said")
    waiting = sum(one.verdict == "open" for one in report.marginals)
    kind = "bad" if report.missed else "open" if waiting else "good"
    words = word(f"verdict {kind}", language).format(n=len(report.missed) or waiting)
    return element("p", words, class_=f"said {kind}")


def summary(marginals: Sequence[Marginal], language: Language) -> Markup:
    """One row a distribution: how many groups are held and shown, and the largest deviation of the held ones."""
    rows = []
    for one in lines(marginals):
        verdict = one.worst.verdict
        rows.append(
            element(
                "tr", element("th", distribution(one.distribution, language), scope="row"),
                element("td", str(one.held), class_="n"), element("td", str(len(one.groups) - one.held), class_="n"),
                element("td", plots.signed(one.worst.relative), class_="n"),
                element("td", word(verdict, language), class_=verdict),
            )
        )  # fmt: skip
    return table(("distribution", "held groups", "shown groups", "worst", "verdict"), (1, 2, 3), rows, language)


def tables(marginals: Sequence[Marginal], language: Language) -> Iterable[Markup]:
    """Every group, a table a distribution."""
    for found in lines(marginals):
        rows, name = [], found.distribution
        for one in found.groups:
            rows.append(
                element(
                    "tr", element("th", group(name, one.group, language), scope="row"),
                    element("td", plots.shown(one.expected, one.unit), class_="n"),
                    element("td", plots.shown(one.found, one.unit), class_="n"),
                    element("td", plots.signed(one.relative), class_="n"),
                    element("td", word(one.verdict, language), class_=one.verdict),
                    element("td", source(one.source, language), class_="source"),
                )
            )  # fmt: skip
        where = ", ".join(dict.fromkeys(source(one.source, language) for one in found.groups))
        heads = ("group", "expected", "found", "deviation", "verdict", "source")
        head = element("summary", f"{distribution(name, language)} ", element("span", where, class_="soft"))
        yield element("details", head, table(heads, (1, 2, 3), rows, language), open=True)


def table(heads: Sequence[str], numbers: Sequence[int], rows: Sequence[Markup], language: Language) -> Markup:
    """A table that scrolls by itself where it is too wide."""
    titles = [
        element("th", word(head, language), scope="col", class_=_kind(head, at in numbers))
        for at, head in enumerate(heads)
    ]
    whole = element("table", element("thead", element("tr", *titles)), element("tbody", *rows))
    return element("div", whole, class_="scroll", tabindex="0", role="region", aria_label=word(heads[0], language))


def _kind(head: str, is_number: bool) -> str | None:
    return "n" if is_number else "source" if head == "source" else None


def _how(language: Language) -> Markup:
    """How it is judged, what is shown only and why, and what has no figures at all."""
    why = [
        element("li", f"{distribution(name, language)}: " if language == "en" else f"{name}：", word(reason, language))
        for name, reason in SHOWN.items()
    ]
    return join(
        element("h2", word("how", language)),
        element("ul", element("li", word("how held", language)), element("li", word("how open", language)),
                element("li", word("how shown", language), element("ul", *why))),
        element("p", word("unverified", language), class_="note"),
        element("p", word("unpublished", language), class_="note"),
    )  # fmt: skip
