"""The fund withdrawal as its vendor understood the published documents: steps, gaps and texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Text = Mapping[str, str]
Answer = Mapping[str, Any]

STEPS = (
    "H1", "H2-purchase", "H2-rent", "H3", "H2-spouse", "H4-abroad", "H4-death", "H4-kin", "H5", "H6-retired",
    "H6-capacity", "H7", "H7-spouse", "H8",
)  # fmt: skip

CLOSING = ("G2", "G3", "G4")
USABLE = ("01", "02")
HEIRS = ("1", "2", "3", "5")
RENT_PERCENT = 25

ALWAYS: Mapping[str, Text] = {
    "/ground": {"zh_CN": "请选择提取情形", "en": "Choose the ground"},
    "/amount": {"zh_CN": "请填写提取金额", "en": "Give the amount"},
    "/payee_account": {"zh_CN": "请填写收款账号", "en": "Give the payee account"},
    "/applicant/XM": {"zh_CN": "请填写申请人姓名", "en": "Give the applicant's name"},
    "/applicant/GMSFHM": {"zh_CN": "请填写申请人公民身份号码", "en": "Give the applicant's citizen number"},
    "/applicant/LXDH": {"zh_CN": "请填写申请人联系电话", "en": "Give the applicant's telephone number"},
}
EVIDENCE: Mapping[str, Mapping[str, Text]] = {
    "G1": {"/contract/WQHTBH": {"zh_CN": "请填写网签合同编号", "en": "Give the number of the contract of sale"}},
    "G5": {"/loan/DKHTBH": {"zh_CN": "请填写贷款合同编号", "en": "Give the number of the loan"}},
    "G6": {
        "/rent/YZJ": {"zh_CN": "请填写月租金", "en": "Give the monthly rent"},
        "/marital": {"zh_CN": "请填写婚姻状况", "en": "Say whether you are married"},
    },
    "G7": {
        "/deceased/XM": {"zh_CN": "请填写已故职工姓名", "en": "Give the name of the person who died"},
        "/deceased/GMSFHM": {
            "zh_CN": "请填写已故职工公民身份号码",
            "en": "Give the citizen number of the person who died",
        },
    },
}
SPOUSE: Mapping[str, Text] = {
    "/spouse/XM": {"zh_CN": "请填写配偶姓名", "en": "Give the spouse's name"},
    "/spouse/GMSFHM": {"zh_CN": "请填写配偶公民身份号码", "en": "Give the spouse's citizen number"},
}

MESSAGES: Mapping[str, Text] = {
    "M1": {"zh_CN": "申请内容不全，缺项已全部列出。", "en": "The application has gaps; all of them are listed."},
    "X1": {"zh_CN": "账户持有人姓名与登记不一致，请先校核。", "en": "The account holder's name differs."},
    "X2": {"zh_CN": "账户持有人号码查无此人，请核对。", "en": "Nobody has the account holder's number."},
    "X3": {"zh_CN": "姓名与其他登记不一致，请先校核。", "en": "A name differs from a register."},
    "X4": {"zh_CN": "号码查无此人，请核对。", "en": "Nobody has a number given."},
    "E1": {"zh_CN": "没有可以提取的账户，或已经销户、冻结。", "en": "There is no account, or it is closed or frozen."},
    "E2": {"zh_CN": "提取金额超过账户余额。", "en": "The amount is above the balance."},
    "E3": {"zh_CN": "销户提取须提取全部余额。", "en": "A closing withdrawal takes the whole balance."},
    "E11": {"zh_CN": "网签合同不在本人名下，或没有这份合同。", "en": "The contract is not yours, or there is none."},
    "E12": {"zh_CN": "尚未退休。", "en": "You have not retired."},
    "E13": {"zh_CN": "没有完全丧失劳动能力的鉴定结论。", "en": "Capacity to work is not wholly lost."},
    "E14": {"zh_CN": "劳动关系尚未终止。", "en": "The employment has not ended."},
    "E15": {"zh_CN": "没有批准出境定居的记录。", "en": "There is no approval to settle abroad."},
    "E16": {"zh_CN": "购房贷款不在本人名下，或没有这笔贷款。", "en": "The loan is not yours, or there is none."},
    "E17": {"zh_CN": "提取金额超过近十二个月还款额。", "en": "The amount is above what was repaid."},
    "E18": {"zh_CN": "与所填配偶没有存续的婚姻登记。", "en": "There is no marriage in force with the spouse named."},
    "E19": {"zh_CN": "本人或配偶有自有住房。", "en": "You or your spouse own a home."},
    "E20": {"zh_CN": "房租没有超出规定比例。", "en": "The rent is not above the set share."},
    "E21": {"zh_CN": "户籍记录显示职工没有死亡。", "en": "The account holder has not died."},
    "E22": {"zh_CN": "申请人不是继承人。", "en": "The applicant is no heir."},
}
