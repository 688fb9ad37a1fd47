"""The columns of a government resource catalogue sheet: headers, and values as text and as an entry has them.

Follows 政务信息资源目录编制指南(试行): core metadata and code values; further columns by article 13 of the Regulation
on Government Data Sharing. A value the guide does not know stays as it is written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from specs.entry import FORMAT_CLASSES, SHARING_CLASSES, SHARING_MODES, UPDATE_FREQUENCIES
from specs.importers.names import listed
from specs.words import Text


@dataclass(frozen=True, slots=True)
class SheetColumn:
    """A column. `group` is the header above `header` in a two-row header; `other` are further headers it goes by;
    `item`: it says something of an item, not of the resource."""

    key: str
    header: str
    group: str = ""
    other: tuple[str, ...] = ()
    item: bool = False
    width: int = 14


_TABLE = """
class_1 | 类 | 信息资源分类 | 12 | 信息资源分类 信息资源分类类 信息资源分类1 一级分类 类名称
class_2 | 项 | 信息资源分类 | 12 | 信息资源分类项 信息资源分类2 二级分类 项名称
class_3 | 目 | 信息资源分类 | 12 | 信息资源分类目 信息资源分类3 三级分类 目名称
class_4 | 细目 | 信息资源分类 | 12 | 信息资源分类细目 信息资源分类4 四级分类 细目名称
name | 信息资源名称 | | 24 | 资源名称 数据目录名称 目录名称 信息资源名
code | 信息资源代码 | | 18 | 资源代码 信息资源编码 资源编码 目录代码 目录编码
provider | 信息资源提供方 | | 20 | 提供方 提供单位 资源提供方 提供部门 信息资源提供单位
uscc | 信息资源提供方代码 | | 22 | 提供方代码 资源提供方代码 提供单位代码 统一社会信用代码
abstract | 信息资源摘要 | | 36 | 摘要 资源摘要
format_class | 分类 | 信息资源格式 | 12 | 信息资源格式分类 格式分类 数据格式 信息资源格式
format_type | 类型 | 信息资源格式 | 12 | 信息资源格式类型 格式类型
item_name | 信息项名称 | 信息项信息 | 20 | 数据项名称 信息项 数据项 字段中文名 字段中文名称
item_type | 数据类型 | 信息项信息 | 12 | 信息项数据类型 字段类型 类型
item_length | 长度 | 信息项信息 | 8 | 数据长度 字段长度 信息项长度
item_code | 信息项英文名 | 信息项信息 | 16 | 字段名 英文名 字段英文名 字段英文名称 信息项代码 字段名称 信息项英文名称
sharing_class | 共享类型 | 共享属性 | 14 | 共享属性类型 共享属性
conditions | 共享条件 | 共享属性 | 30 | 使用条件 共享属性共享条件
sharing_mode | 共享方式 | 共享属性 | 12 | 共享方式分类
open_to_public | 是否向社会开放 | 开放属性 | 10 | 社会开放 是否开放 开放类型 开放属性
open_conditions | 开放条件 | 开放属性 | 20 |
update_frequency | 更新周期 | | 10 | 更新频率 数据更新频率 信息资源更新周期
issue_date | 发布日期 | | 12 | 发布时间 信息资源发布日期
related | 关联资源代码 | | 18 | 关联信息资源代码 关联资源 关联目录代码
classification | 数据分级 | | 12 | 数据分类分级 安全级别 数据级别
"""


def _columns() -> tuple[SheetColumn, ...]:
    rows = [[part.strip() for part in line.split("|")] for line in _TABLE.strip().splitlines()]
    return tuple(
        SheetColumn(key, header, group, tuple(other.split()), key.startswith("item_"), int(width))
        for key, header, group, width, other in rows
    )


COLUMNS = _columns()
BY_KEY: Mapping[str, SheetColumn] = {column.key: column for column in COLUMNS}


def bare(header: str) -> str:
    """A header without blanks, marks and remarks in brackets: `信息资源 名称（必填）*` → `信息资源名称`."""
    plain = re.sub(r"[（(【\[].*?[）)】\]]", "", header)
    return re.sub(r"[\s*＊:：、/\\·]+", "", plain)


def column_of(header: str, group: str = "") -> SheetColumn | None:
    """The column of a header (and the one above it), None for one nobody knows."""
    below, above = bare(header), bare(group)
    for column in COLUMNS:
        if above and column.group == above and below in {column.header, *column.other}:
            return column
    for column in COLUMNS:
        names = {column.header, *column.other}
        if (below in names and below not in _GROUPED) or (above and above + below in names):
            return column
    return None


_GROUPED = {"类", "项", "目", "细目", "分类", "类型"}
"""Headers that mean something only below another one."""


# --- values: text of a cell ↔ value of an entry


def _words(table: Mapping[str, str]) -> dict[str, str]:
    """Each word of a list as a key of what the list stands for."""
    return {word: value for value, words in table.items() for word in words.split()}


_CLASS_WORDS = _words({"1": "无条件 无条件共享类 普遍共享", "2": "有条件 有条件共享类", "3": "不予 不予共享类"})
_MODE_WORDS = _words(
    {
        "service-interface": "接口 接口服务 webservice服务 webservice",
        "batch-exchange": "库表 库表交换 数据库",
        "file-download": "文件",
    }
)
_CYCLE_WORDS = _words(
    {"1": "实时更新", "2": "每天 日", "3": "周", "4": "每月度 月", "5": "每季 季度", "6": "年 每年度"}
)
_LEVEL_WORDS = _words({"core": "核心 核心数据", "important": "重要 重要数据"}) | {
    f"一般{mark}级": f"general-{number}" for number in range(1, 5) for mark in (str(number), "一二三四"[number - 1])
}
_YES = dict.fromkeys(listed("是 1 开放 可以 有条件开放"), True) | dict.fromkeys(listed("否 0 不开放 2"), False)


@lru_cache(maxsize=4096)
def value_of(key: str, text: str) -> Any:
    """The value an entry has for what a cell says; None when the guide does not know it."""
    plain = text.strip()
    if key == "sharing_class":
        return _code(plain, SHARING_CLASSES, _CLASS_WORDS)
    if key == "sharing_mode":
        return _code(plain, SHARING_MODES, _MODE_WORDS)
    if key == "update_frequency":
        return _code(plain, UPDATE_FREQUENCIES, _CYCLE_WORDS)
    if key == "format_class":
        return _code(plain, FORMAT_CLASSES, {})
    if key == "classification":
        return plain if plain in _LEVEL_WORDS.values() else _LEVEL_WORDS.get(plain)
    if key == "open_to_public":
        return _YES.get(plain)
    if key == "issue_date":
        return _date(plain)
    return text


def text_of(key: str, value: Any) -> str:
    """What a cell says for a value: the guide's own words; a value the guide does not know as it is."""
    known: Mapping[str, Mapping[str, Text]] = {
        "sharing_class": SHARING_CLASSES,
        "sharing_mode": SHARING_MODES,
        "update_frequency": UPDATE_FREQUENCIES,
        "format_class": FORMAT_CLASSES,
    }
    if key in known and value in known[key]:
        return known[key][value]["zh_CN"]
    if key == "open_to_public" and isinstance(value, bool):
        return "是" if value else "否"
    if key == "classification":
        return next((word for word, level in _LEVEL_WORDS.items() if level == value), str(value))
    return str(value)


def _code(text: str, known: Mapping[str, Text], more: Mapping[str, str]) -> str | None:
    if text in known:
        return text
    if re.fullmatch(r"0\d", text) and text[1] in known:  # 01 for 1
        return text[1]
    for code, words in known.items():
        if text == words["zh_CN"] or re.fullmatch(rf"0?{re.escape(code)}\s*[-—.、:：]?\s*{words['zh_CN']}", text):
            return code
    return more.get(re.sub(r"\s", "", text).lower())


def _date(text: str) -> str | None:
    found = re.fullmatch(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(\s+00:00:00)?", text)
    found = found or re.fullmatch(r"(\d{4})(\d{2})(\d{2})", text)
    if not found:
        return None
    try:
        return date(int(found[1]), int(found[2]), int(found[3])).isoformat()
    except ValueError:
        return None


# --- items: type and length of a cell ↔ of a contract

_TYPES = _words(
    {
        "string": "字符型 字符型C C 字符 字符串 文本 文本型 备注型 备注型M M"
        " VARCHAR VARCHAR2 CHAR NVARCHAR STRING TEXT",
        "number": "数值型 数值型N N 数值 数字 货币型 货币型Y Y 双精度型 双精度型B B 浮点型 浮点型F F"
        " DECIMAL NUMBER NUMERIC DOUBLE FLOAT",
        "integer": "整型 整型I I 整数 整数型 INT INTEGER BIGINT",
        "date": "日期型 日期型D D 日期 DATE",
        "timestamp": "日期时间型 日期时间型T T 日期时间 DATETIME TIMESTAMP",
        "boolean": "逻辑型 逻辑型L L 布尔型 BOOLEAN BOOL",
    }
)
_TYPE_WORDS = {
    "string": "字符型",
    "number": "数值型",
    "integer": "整型",
    "date": "日期型",
    "timestamp": "日期时间型",
    "boolean": "逻辑型",
}


@lru_cache(maxsize=4096)
def type_of(text: str) -> tuple[str, str]:
    """logicalType ("" when unknown) and the length written into the type: `varchar(50)` → string, "50"; `C18`."""
    plain = re.sub(r"[\s（(]*[）)]*$", "", text.strip().replace("（", "(").replace("）", ")"))
    found = re.fullmatch(r"(.+?)\s*\(\s*([\d, .]+)\s*\)?", plain) or re.fullmatch(r"([A-Za-z])\.{0,2}(\d+)", plain)
    word, length = (found[1], found[2].replace(" ", "")) if found else (plain, "")
    word = re.sub(r"[\s(),，/、-]", "", word)
    return _TYPES.get(word) or _TYPES.get(word.upper(), ""), length


def type_text(logical: str) -> str:
    """The guide's word for a logicalType."""
    return _TYPE_WORDS.get(logical, "通用型" if logical else "")
