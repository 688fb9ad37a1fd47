"""The PDF of a supervision report says every figure, in its place, in both languages."""

from __future__ import annotations

import re
import zlib
from base64 import a85decode
from collections.abc import Iterator
from datetime import date

import pytest

from exchange.oversight.report_pdf import pdf
from exchange.oversight.supervision import Material, Report, sections
from tests.unit.oversight.test_dimensions import sums


def texts(document: bytes) -> Iterator[str]:
    """The texts of a PDF in the order they are drawn: strings of the CID font are UTF-16."""
    for packed in re.findall(rb"stream\r?\n(.*?)endstream", document, re.DOTALL):
        try:
            content = zlib.decompress(a85decode(packed.strip().removesuffix(b"~>")))
        except (ValueError, zlib.error):
            continue
        for raw in re.findall(rb"\(((?:[^()\\]|\\.)*)\) Tj", content, re.DOTALL):
            plain = re.sub(rb"\\([0-7]{3})", lambda m: bytes([int(m.group(1), 8)]), raw)
            plain = re.sub(rb"\\([()\\])", rb"\1", plain)
            yield plain.decode("utf-16-be")


@pytest.mark.parametrize("language", ["zh_CN", "en"])
def test_every_figure_stands_behind_its_title(language: str) -> None:
    events = {
        ("p0", "provider", "agreement.granted", "on-time"): 7,
        ("p0", "provider", "application.refused", "late"): 5,
        ("p0", "party", "clock.breached", "C4"): 5,
    }
    samples = [{"rows": 60, "checks": 200, "failed": 3}]
    parts = sections("p0", Material(sums(), events, [], [], [], samples, 1234))
    report = Report("p0", date(2026, 10, 1), date(2026, 10, 31), "2026-11-02T01:00:00.000Z", 4321, parts)
    said = "".join("".join(texts(pdf(report, language, "三局 <A&B>"))).split())
    assert "三局<A&B>" in said
    at = 0
    for section in report.sections:
        for words in (section.title[language], *(f"{one.title[language]}{one.value}" for one in section.figures)):
            at = said.find("".join(words.split()), at)
            assert at >= 0, words
    assert "58.3%" in said  # 7 of 12 in time
    assert "98.5%" in said  # 197 of 200 expectations
    assert "4,321" in said[at:]
    assert "2026-10-01" in said
