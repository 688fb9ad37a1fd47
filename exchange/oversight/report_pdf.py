"""A supervision report as PDF. The font is Adobe's CID font for simplified Chinese, which every viewer brings along, so
no font file is shipped or needed.
"""

from __future__ import annotations

import io
from typing import Any

from exchange.oversight.supervision import Report
from specs.words import Text

FONT = "STSong-Light"
WORDS: dict[str, Text] = {
    "title": {"zh_CN": "政务数据共享监督报告", "en": "Supervision report on data sharing"},
    "law": {
        "zh_CN": "依据《政务数据共享条例》第三十八条",
        "en": "under article 38 of the Regulation on Government Data Sharing",
    },
    "period": {"zh_CN": "统计期间", "en": "Period"},
    "made": {"zh_CN": "生成时间", "en": "Made at"},
    "item": {"zh_CN": "指标", "en": "Figure"},
    "value": {"zh_CN": "数值", "en": "Value"},
    "look": {"zh_CN": "需关注", "en": "to look at"},
    "basis": {
        "zh_CN": "本报告全部数字由存证账本前 {size} 条记录计算得出，可据此复核。",
        "en": "Every figure was counted from the first {size} entries of the ledger and can be counted again.",
    },
}


def pdf(report: Report, language: str, name: str) -> bytes:
    """The report in one language, A4; ``name`` is the department's. The same report gives the same bytes."""
    from reportlab.lib import colors
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.lib.units import mm
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

    pdfmetrics.registerFont(UnicodeCIDFont(FONT))
    ink, soft, line, warn = map(colors.HexColor, ("#17233a", "#5b6b85", "#dbe2ec", "#b3261e"))

    def style(size: float, color: Any = ink, **more: Any) -> Any:
        return ParagraphStyle(
            "s", fontName=FONT, fontSize=size, leading=size * 1.5, textColor=color, wordWrap="CJK", **more
        )

    def say(key: str) -> str:
        return WORDS[key][language]

    small, plain = style(9, soft), style(10)
    parts: list[Any] = [
        Paragraph(say("title"), style(20)),
        Paragraph(_safe(name), style(14, spaceBefore=2)),
        Paragraph(say("law"), small),
        Paragraph(f"{say('period')}: {report.since} – {report.until} · {say('made')}: {report.made_at}", small),
        Spacer(1, 5 * mm),
    ]
    for section in report.sections:
        rows: list[list[Any]] = [
            [Paragraph(_safe(section.title[language]), style(12)), Paragraph(say("value"), small), ""]
        ]
        for one in section.figures:
            mark = Paragraph(say("look"), style(9, warn)) if one.look else ""
            rows.append([Paragraph(_safe(one.title[language]), plain), Paragraph(one.value, plain), mark])
        table = Table(rows, colWidths=[110 * mm, 30 * mm, 30 * mm], repeatRows=1)
        lines = ("LINEBELOW", (0, 0), (-1, -1), 0.5, line)
        close = [(f"{edge}PADDING", (0, 0), (-1, -1), 1.5) for edge in ("TOP", "BOTTOM")]
        table.setStyle(TableStyle([lines, ("VALIGN", (0, 0), (-1, -1), "MIDDLE"), *close]))
        parts += [table, Spacer(1, 5 * mm)]
    parts.append(Paragraph(say("basis").format(size=f"{report.size:,}"), small))
    made = io.BytesIO()
    document = SimpleDocTemplate(
        made, pagesize=A4, leftMargin=20 * mm, rightMargin=20 * mm, topMargin=18 * mm, bottomMargin=18 * mm,
        title=say("title"), author="Tongban", invariant=1,
    )  # fmt: skip
    document.build(parts)
    return made.getvalue()


def _safe(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
