"""A dataset's profile as one HTML page: every column with its values, then what they mean beside published figures."""

from __future__ import annotations

from mockdata.realism import plots
from mockdata.realism.dataset import Column, DataReport
from mockdata.realism.draw import WIDTH, plot, rect, text
from mockdata.realism.page import bars, document, facts, figure, summary, table, tables
from mockdata.realism.report import lines
from mockdata.realism.words import Language, word
from specs import elements
from specs.exporters.markup import Markup, element

_LABEL, _HIGH = 15, 110


def datapage(report: DataReport, language: Language) -> str:
    """The page of a dataset. The same report gives the same bytes."""

    def say(key: str) -> str:
        return word(key, language)

    told = {
        "file": report.file, "interface": f"{report.interface} {report.version}", "table": report.table,
        "dataset rows": f"{report.rows:,}",
    }  # fmt: skip
    if report.missing:
        told["missing"] = ", ".join(report.missing)
    if report.foreign:
        told["foreign"] = ", ".join(report.foreign)
    beside: list[Markup] = []
    if report.marginals:
        by_name = {one.distribution: one.groups for one in lines(report.marginals)}
        overview = figure(say("overview"), plots.deviations(report.marginals, language), say("overview note"))
        beside = [
            element("h2", say("compared")), element("p", say("verdict dataset"), class_="said"),
            element("div", overview, *bars(by_name, language), class_="plots"),
            summary(report.marginals, language), *tables(report.marginals, language),
        ]  # fmt: skip
    drawn = [
        figure(column.name + (f" {column.title}" if column.title else ""), drawing(column, report.rows, language),
               _caption(column, report.rows, language))
        for column in report.columns
    ]  # fmt: skip
    return document(
        language, say("dataset title"),
        element("p", say("dataset lead"), class_="soft"), facts(told, language),
        element("h2", say("columns")), _listed(report, language), element("div", *drawn, class_="plots"), *beside,
    )  # fmt: skip


def _listed(report: DataReport, language: Language) -> Markup:
    rows = [
        element(
            "tr", element("th", column.name, scope="row"), element("td", column.type.split("(")[0].lower()),
            element("td", column.element or ""), element("td", share(column.nulls, report.rows), class_="n"),
            element("td", distinct(column, language), class_="n"),
        )
        for column in report.columns
    ]  # fmt: skip
    return table(("column", "type", "element", "nulls", "distinct"), (3, 4), rows, language)


def share(part: int, rows: int) -> str:
    """Per cent of the rows."""
    return f"{part / rows:.2%}" if rows else "–"


def distinct(column: Column, language: Language) -> str:
    """How many distinct values, said to be about where they were estimated."""
    if column.distinct is None:
        return "–"
    return f"{column.distinct:,}" if column.exact else f"≈ {column.distinct:,}"


def _caption(column: Column, rows: int, language: Language) -> str:
    said = [f"{word('nulls', language)} {share(column.nulls, rows)}"]
    if column.unreadable:
        said.append(f"{word('unreadable', language)} {column.unreadable:,}")
    if column.distinct is None:
        said.append(word("bytes", language))
    elif column.least is None:
        said.append(word("nothing", language))
    else:
        ends = (("least", column.least), ("most", str(column.most)))
        said += [f"{word(key, language)} {_cut(end, 40)}" for key, end in ends]
        if not column.bars:
            said.append(word("unique", language))
    return " · ".join(said)


def _cut(words: str, most: int) -> str:
    """At most so many columns wide, a Chinese character taking two."""
    wide = 0
    for at, character in enumerate(words):
        wide += 2 if ord(character) > 0x2E7F else 1
        if wide > most:
            return words[:at] + "…"
    return words


def drawing(column: Column, rows: int, language: Language) -> Markup:
    """A histogram, or a bar for each common value."""
    title = f"{column.name} {column.title}"
    most = max((bar.rows for bar in column.bars), default=0)
    if not most:
        return Markup("")
    if column.histogram:
        wide = WIDTH / len(column.bars)
        parts = []
        for at, bar in enumerate(column.bars):
            high = bar.rows / most * _HIGH
            parts.append(rect(at * wide + 1, _HIGH + 4 - high, wide - 2, high, "found", f"{bar.label} …: {bar.rows:,}"))
        ends = (column.bars[0].label, column.bars[len(column.bars) // 2].label, _cut(str(column.most), 19))
        for x, label, anchor in zip((0, WIDTH / 2, WIDTH), ends, ("start", "middle", "end"), strict=True):
            parts.append(text(x, _HIGH + 20, label, anchor, "soft"))
        return plot(_HIGH + 26, title, *parts)
    left, step, parts = 146, 18, []
    meanings = _meanings(column, language)
    for row, bar in enumerate(column.bars):
        label = f"{bar.label} {meanings[bar.label]}" if bar.label in meanings else bar.label
        y = row * step
        parts.append(text(left - 8, y + 13, _cut(label, _LABEL), "end"))
        wide = bar.rows / most * (WIDTH - left - 60)
        parts.append(rect(left, y + 3, wide, step - 6, "found", f"{label}: {bar.rows:,}"))
        parts.append(text(WIDTH, y + 13, share(bar.rows, rows), "end", "soft"))
    return plot(len(column.bars) * step + 2, title, *parts)


def _meanings(column: Column, language: Language) -> dict[str, str]:
    """What the codes of a column mean."""
    found = elements.find(column.element) if column.element else None
    listed = (found[1].codes or {}) if found else {}
    return {code: meaning.get(language) or meaning["zh_CN"] for code, meaning in listed.items()}
