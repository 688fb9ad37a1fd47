"""The newborn matter as its vendor understood the published documents: rules, texts and the order of steps."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from datetime import date
from typing import Any

Text = Mapping[str, str]
Facts = Mapping[str, Mapping[str, Any] | None]
"""Answers of the four checks: marriage, mother, father (households) and institution (None: unknown)."""

LIMIT_MONTHS = 12

NEEDS: Mapping[str, tuple[str, ...]] = {
    "N1": (),
    "N0-mother": (),
    "N0-father": (),
    "N0-institution": (),
    "N2": ("N1", "N0-mother", "N0-father", "N0-institution"),
    "N3": ("N2",),
    "N7": ("N2",),
    "N4": ("N3",),
    "N6": ("N3",),
    "N5": ("N4",),
    "N8": ("N2",),
}
"""Every step in the order it is shown, with the steps it comes after."""

CHECKS = ("N1", "N0-mother", "N0-father", "N0-institution")
OPTIONAL = ("N4", "N5", "N6", "N8")

GAPS: Mapping[str, Text] = {
    "/newborn/XM": {"zh_CN": "请填写新生儿姓名", "en": "Give the newborn's name"},
    "/newborn/XBDM": {"zh_CN": "请填写新生儿性别", "en": "Give the newborn's sex"},
    "/newborn/CSRQ": {"zh_CN": "请填写出生日期", "en": "Give the date of birth"},
    "/newborn/CSSJ": {"zh_CN": "请填写出生时间", "en": "Give the time of birth"},
    "/newborn/JGDM": {"zh_CN": "请选择接生机构", "en": "Choose the midwifery institution"},
    "/mother/XM": {"zh_CN": "请填写母亲姓名", "en": "Give the mother's name"},
    "/mother/GMSFHM": {"zh_CN": "请填写母亲公民身份号码", "en": "Give the mother's citizen number"},
    "/father/XM": {"zh_CN": "请填写父亲姓名", "en": "Give the father's name"},
    "/father/GMSFHM": {"zh_CN": "请填写父亲公民身份号码", "en": "Give the father's citizen number"},
    "/follow": {"zh_CN": "请选择随父或随母落户", "en": "Choose whose household the child joins"},
    "/applicant/XM": {"zh_CN": "请填写申请人姓名", "en": "Give the applicant's name"},
    "/applicant/GMSFHM": {"zh_CN": "请填写申请人公民身份号码", "en": "Give the applicant's citizen number"},
    "/applicant/LXDH": {"zh_CN": "请填写申请人联系电话", "en": "Give the applicant's telephone number"},
}
CONSENT_GAP: Text = {"zh_CN": "需要监护人同意", "en": "The guardian's consent is needed"}

MESSAGES: Mapping[str, Text] = {
    "M1": {"zh_CN": "申请内容不全，缺项已全部列出。", "en": "The application has gaps; all of them are listed."},
    "C31": {
        "zh_CN": "处理未满十四周岁儿童的个人信息须经监护人同意。",
        "en": "A child's personal data may be processed only with the guardian's consent.",
    },
    "X1": {
        "zh_CN": "父亲或母亲的姓名与登记不一致，请先申请校核。",
        "en": "The name of a parent differs from the register; ask for verification first.",
    },
    "X2": {
        "zh_CN": "父亲或母亲的公民身份号码查无此人，请核对。",
        "en": "No person has the citizen number given for a parent; check it.",
    },
    "E1": {
        "zh_CN": "出生机构没有签发权限，或已经签发过出生医学证明。",
        "en": "The institution may not issue birth certificates, or one has been issued already.",
    },
    "E2": {
        "zh_CN": "新生儿已满一周岁（或出生日期晚于今天），请到窗口办理。",
        "en": "The child is one year old or more (or not yet born); apply at the counter.",
    },
    "E3": {
        "zh_CN": "父母之间没有存续的婚姻登记，各单项事项仍可分别办理。",
        "en": "There is no marriage in force between the parents; each single matter stays open.",
    },
    "E4": {
        "zh_CN": "父母双方户籍须在出生机构所在省且状态正常。",
        "en": "Both parents must be registered, in force, in the province of the institution.",
    },
    "E5": {
        "zh_CN": "落户的一方须为家庭户，集体户不能联办。",
        "en": "The parent whose household is joined must be in a family household.",
    },
    "E6": {
        "zh_CN": "本次申报已逾一个月，照常办理。",
        "en": "The birth is declared later than one month; it is handled all the same.",
    },
}


def months_after(start: date, months: int) -> date:
    """The corresponding day, the last day of the month where there is none."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))


def province(division: object) -> str:
    """The province of a county-level division."""
    return str(division)[:2]
