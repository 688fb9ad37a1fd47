"""Excel workbooks (ECMA-376), written as a stream: cells are spelled by the column with Arrow's string kernels.

Days and moments are real dates, numbers real numbers. What Excel would spoil is text: whole numbers of more than 15
digits, days before March 1900 (Excel knows a 29 February 1900). Equal rows give equal bytes.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import IO, Any
from xml.sax.saxutils import escape, quoteattr

import pyarrow as pa
import pyarrow.compute as pc

from mockdata.tables.arrow import convert
from mockdata.tables.jsonlines import holds_any, nested_as_text
from mockdata.tables.layout import SHEET_ROWS
from mockdata.tables.recipes import PlanError

CELL = 32_767
"""Characters of one cell."""
DIGITS = 10**15
SLICE = 16_384
"""Rows spelled at a time: their XML is a few megabytes."""
EPOCH, MARCH_1900 = 25_569, -25_508
"""1970-01-01 as Excel counts days; 1900-03-01 as days since 1970."""
_CONTROLS = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x{fffe}\x{ffff}]"
_ESCAPE_LIKE = r"_(x[0-9A-Fa-f]{4}_)"
_ODD = b"&<>_\r\xef" + bytes(range(32))
"""Without one of these bytes a text needs no escaping; U+FFFE and U+FFFF begin with 0xEF."""
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"

_STYLES = (
    f'{_HEAD}<styleSheet xmlns="{_MAIN}"><numFmts count="2"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/>'
    '<numFmt numFmtId="165" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss"/></numFmts>'
    '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    '</fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="4"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="165" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)
_SHEET = (
    f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">'
    '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><sheetData>'
)


class Workbook:
    """One table on as many sheets as it takes, a header on each. Raises PlanError for a text no cell holds."""

    def __init__(self, path: Path, schema: pa.Schema, title: str, sheet_rows: int = SHEET_ROWS) -> None:
        self.title = re.sub(r"[\[\]:*?/\\]", "_", title).strip("'")[:25] or "data"
        self.rows = sheet_rows - 1
        header = [f'<c s="3" t="inlineStr"><is><t>{escape(_legal(name))}</t></is></c>' for name in schema.names]
        self.header = f"<row>{''.join(header)}</row>".encode()
        self.archive = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
        self.names: list[str] = []
        self.left = 0
        self.sheet: IO[bytes] | None = None
        relation = f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
        self.archive.writestr(_entry("_rels/.rels"), _relations(relation))
        self.archive.writestr(_entry("xl/styles.xml"), _STYLES)
        self._next_sheet()

    def write(self, batch: pa.RecordBatch) -> None:
        at = 0
        while at < batch.num_rows:
            if not self.left:
                self._next_sheet()
            assert self.sheet is not None
            part = batch.slice(at, min(SLICE, self.left))
            self.sheet.write(_rows(part))
            self.left -= part.num_rows
            at += part.num_rows

    def close(self) -> None:
        self._end_sheet()
        with self.archive:
            sheets, relations, types = "", "", ""
            for number, name in enumerate(self.names, 1):
                sheets += f'<sheet name={quoteattr(name)} sheetId="{number}" r:id="rId{number}"/>'
                relations += (
                    f'<Relationship Id="rId{number}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{number}.xml"/>'
                )
                types += f'<Override PartName="/xl/worksheets/sheet{number}.xml" ContentType="{_TYPE}.worksheet+xml"/>'
            relations += f'<Relationship Id="rId0" Type="{_OFFICE}/styles" Target="styles.xml"/>'
            self.archive.writestr(
                _entry("xl/workbook.xml"),
                f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{sheets}</sheets></workbook>',
            )
            self.archive.writestr(_entry("xl/_rels/workbook.xml.rels"), _relations(relations))
            self.archive.writestr(
                _entry("[Content_Types].xml"),
                f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types">'
                '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
                '<Default Extension="xml" ContentType="application/xml"/>'
                f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
                f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/>{types}</Types>',
            )

    def _next_sheet(self) -> None:
        self._end_sheet()
        number = len(self.names) + 1
        self.names.append(self.title if number == 1 else f"{self.title} {number}")
        self.sheet = self.archive.open(f"xl/worksheets/sheet{number}.xml", "w", force_zip64=True)
        self.sheet.write(_SHEET.encode() + self.header)
        self.left = self.rows

    def _end_sheet(self) -> None:
        if self.sheet is not None:
            self.sheet.write(b"</sheetData></worksheet>")
            self.sheet.close()
            self.sheet = None


def _entry(name: str) -> zipfile.ZipInfo:
    """An entry without the time of day, which would show in the bytes."""
    entry = zipfile.ZipInfo(name)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _relations(entries: str) -> str:
    return f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{entries}</Relationships>'


def _rows(batch: pa.RecordBatch) -> bytes:
    flat = [
        nested_as_text(batch.select([name])).column(0) if pa.types.is_nested(column.type) else column
        for name, column in zip(batch.schema.names, batch.columns, strict=True)
    ]
    cells: list[Any] = [pc.fill_null(_cells(c, n), "<c/>") for n, c in zip(batch.schema.names, flat, strict=True)]
    rows = pc.binary_join_element_wise(pa.scalar("<row>"), *cells, pa.scalar("</row>"), "")
    whole = pc.binary_join(pa.ListArray.from_arrays(pa.array([0, len(rows)], pa.int32()), rows), "")
    return bytes(whole[0].as_buffer())


def _cells(column: pa.Array, name: str) -> pa.Array:
    type = column.type
    if pa.types.is_dictionary(type):
        return _cells(column.dictionary_decode(), name)
    if pa.types.is_boolean(type):
        return _wrapped('<c t="b"><v>', pc.cast(pc.cast(column, pa.int8()), pa.string()), "</v></c>")
    if pa.types.is_date(type):
        days = pc.cast(pc.cast(column, pa.date32()), pa.int32())
        serial = pc.cast(pc.add(days, EPOCH), pa.string())
        return _unless(pc.less(days, MARCH_1900), '<c s="1"><v>', serial, convert(column, pa.string(), {}))
    if pa.types.is_timestamp(type):
        moments = pc.cast(pc.cast(column, pa.timestamp("us", type.tz)), pa.int64())
        days = pc.add(pc.divide(pc.cast(moments, pa.float64(), safe=False), 86_400e6), float(EPOCH))
        early = pc.less(days, float(MARCH_1900 + EPOCH))
        return _unless(early, '<c s="2"><v>', pc.cast(days, pa.string()), convert(column, pa.string(), {}))
    if pa.types.is_integer(type) or pa.types.is_decimal(type):
        most = DIGITS / 10.0**type.scale if pa.types.is_decimal(type) else float(DIGITS)
        long = pc.greater_equal(pc.abs(pc.cast(column, pa.float64(), safe=False)), most)
        plain = pc.cast(column, pa.string())
        return _unless(long, "<c><v>", plain, plain)
    if pa.types.is_floating(type):
        return _wrapped("<c><v>", pc.cast(column, pa.string()), "</v></c>")
    return _text(pc.cast(column, pa.string()), name)


def _unless(odd: pa.Array, start: str, value: pa.Array, text: pa.Array) -> pa.Array:
    """The value as a number, or as a text where `odd`."""
    made = _wrapped(start, value, "</v></c>")
    if not pc.any(odd).as_py():
        return made
    return pc.if_else(odd, _wrapped('<c t="inlineStr"><is><t>', text, "</t></is></c>"), made)


def _text(column: pa.Array, name: str) -> pa.Array:
    longest = pc.max(pc.utf8_length(column)).as_py() or 0
    if longest > CELL:
        raise PlanError(
            name, "", f"has a text of {longest:,} characters, and a cell of a sheet holds {CELL:,}",
            "give the field a maxLength, or write another format",
        )  # fmt: skip
    if holds_any(column, _ODD):
        column = _escaped(column)
    return _wrapped('<c t="inlineStr"><is><t xml:space="preserve">', column, "</t></is></c>")


def _escaped(column: pa.Array) -> pa.Array:
    if pc.any(pc.match_substring_regex(column, _ESCAPE_LIKE)).as_py():
        column = pc.replace_substring_regex(column, _ESCAPE_LIKE, r"_x005F_\1")
    if pc.any(pc.match_substring_regex(column, _CONTROLS)).as_py():
        for code in (*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF):
            column = pc.replace_substring(column, chr(code), f"_x{code:04X}_")
    for sign, name_ in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\r", "_x000D_")):
        column = pc.replace_substring(column, sign, name_)
    return column


def _legal(name: str) -> str:
    return re.sub(r"[\x00-\x1f\ufffe\uffff]", "_", name)


def _wrapped(start: str, values: pa.Array, end: str) -> pa.Array:
    return pc.binary_join_element_wise(pa.scalar(start), values, pa.scalar(end), "")
