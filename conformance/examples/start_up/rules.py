"""The start-up matter as its vendor understood the published documents: rules, texts and the order of steps."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from datetime import date

Text = Mapping[str, str]

YEARS_AFTER_SENTENCE = 5
YEARS_AFTER_FAILURE = 3
LARGE_DEBT = 500_000
LISTED_CRIMES = ("01", "02", "03", "04", "05")
ANSWERABLE = ("1", "2", "3")
"""Legal representative, director, factory director or manager."""

CHECKS = ("B1", "B2", "B3-court", "B3-market", "B3-bank")
BRANCHES = ("B5", "B6", "B7", "B8", "B9")
OPTIONAL = ("B5", "B9")
NEEDS: Mapping[str, tuple[str, ...]] = {
    "B1": (),
    "B2": ("B1",),
    "B3-court": ("B2",),
    "B3-market": ("B2",),
    "B3-bank": ("B2",),
    "B4": ("B3-court", "B3-market", "B3-bank"),
    **dict.fromkeys(BRANCHES, ("B4",)),
}
"""Every step in the order it is shown, with the steps it comes after."""

CONTENT: Mapping[str, Text] = {
    "/company/DWMC": {"zh_CN": "请填写企业名称", "en": "Give the name of the firm"},
    "/company/XZQH": {"zh_CN": "请选择登记地", "en": "Choose the place of registration"},
    "/company/HYDM": {"zh_CN": "请选择行业", "en": "Choose the industry"},
    "/company/ZZXS": {"zh_CN": "请选择组织形式", "en": "Choose the legal form"},
    "/company/ZTLXDM": {"zh_CN": "请选择主体类型", "en": "Choose the kind of entity"},
    "/company/JYFW": {"zh_CN": "请填写经营范围", "en": "Give the scope of business"},
    "/company/JYCS": {"zh_CN": "请填写住所", "en": "Give the address"},
    "/company/ZCZB": {"zh_CN": "请填写注册资本", "en": "Give the registered capital"},
    "/legal_representative/XM": {"zh_CN": "请填写法定代表人姓名", "en": "Give the legal representative's name"},
    "/legal_representative/GMSFHM": {"zh_CN": "请填写法定代表人号码", "en": "Give the legal representative's number"},
    "/legal_representative/RXCYH": {"zh_CN": "请法定代表人刷脸", "en": "Take the legal representative's face"},
    "/shareholders": {"zh_CN": "请填写股东", "en": "Give the shareholders"},
    "/directors": {"zh_CN": "请填写董事", "en": "Give the directors"},
    "/supervisors": {"zh_CN": "请填写监事", "en": "Give the supervisors"},
    "/liaison/XM": {"zh_CN": "请填写联络员姓名", "en": "Give the contact person's name"},
    "/liaison/GMSFHM": {"zh_CN": "请填写联络员号码", "en": "Give the contact person's number"},
    "/liaison/RXCYH": {"zh_CN": "请联络员刷脸", "en": "Take the contact person's face"},
    "/liaison/LXDH": {"zh_CN": "请填写联络员电话", "en": "Give the contact person's telephone"},
    "/financial_officer/XM": {"zh_CN": "请填写财务负责人姓名", "en": "Give the financial officer's name"},
    "/financial_officer/GMSFHM": {"zh_CN": "请填写财务负责人号码", "en": "Give the financial officer's number"},
    "/deposits/ZGRS": {"zh_CN": "请填写职工人数", "en": "Give the number of staff"},
    "/deposits/JCBL": {"zh_CN": "请填写缴存比例", "en": "Give the rate of deposits"},
    "/deposits/JCJS": {"zh_CN": "请填写缴存基数", "en": "Give the base of deposits"},
}
DOCUMENTS: Mapping[str, Text] = {
    "/documents/address_proof": {"zh_CN": "请上传住所文件", "en": "Upload the proof of the address"},
    "/documents/articles": {"zh_CN": "请上传公司章程", "en": "Upload the articles of association"},
}

MESSAGES: Mapping[str, Text] = {
    "M1": {"zh_CN": "申请内容不全，缺项已全部列出。", "en": "The application has gaps; all of them are listed."},
    "M2": {"zh_CN": "登记材料不全，缺少的已全部列出。", "en": "Documents are missing; all of them are listed."},
    "X1": {
        "zh_CN": "所列人员姓名与登记不一致，请先校核。",
        "en": "The names listed differ from the register.",
    },
    "X2": {"zh_CN": "所列人员号码查无此人，请核对。", "en": "Nobody has the numbers of the persons listed."},
    "N1": {"zh_CN": "企业名称不可用，请另起名称。", "en": "The name may not be used; choose another one."},
    "R1": {"zh_CN": "所列人员未通过实名核验。", "en": "The persons listed did not pass the real-name check."},
    "D1": {
        "zh_CN": "法定代表人须具有完全民事行为能力。",
        "en": "The legal representative needs civil capacity.",
    },
    "D2": {
        "zh_CN": "执行期满未逾五年，不得担任法定代表人。",
        "en": "Not for five years after a sentence.",
    },
    "D3": {
        "zh_CN": "对破产负有个人责任未逾三年，不得担任。",
        "en": "Not for three years after a bankruptcy.",
    },
    "D4": {
        "zh_CN": "对吊销负有个人责任未逾三年，不得担任。",
        "en": "Not for three years after a revocation.",
    },
    "D5": {"zh_CN": "个人有数额较大的到期债务，不得担任。", "en": "Not with a large debt overdue."},
    "S58": {"zh_CN": "请自用工之日起三十日内为职工参保。", "en": "Insure your staff within thirty days of hiring."},
}


def years_after(start: date, years: int) -> date:
    """The corresponding day, the last day of the month where there is none."""
    year = start.year + years
    return date(year, start.month, min(start.day, monthrange(year, start.month)[1]))


_LETTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_PLAIN = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def inner_right(code: str) -> bool:
    """Whether character 17 of a unified social credit code is right (GB 11714)."""
    total = sum(
        weight * _PLAIN.index(letter) for weight, letter in zip((3, 7, 9, 10, 5, 8, 4, 2), code[8:16], strict=True)
    )
    return code[16] == "0123456789X0"[11 - total % 11]


def outer_right(code: str) -> bool:
    """Whether character 18 of a unified social credit code is right (GB 32100)."""
    total = sum(pow(3, place, 31) * _LETTERS.index(letter) for place, letter in enumerate(code[:17]))
    return code[17] == _LETTERS[(31 - total % 31) % 31]
