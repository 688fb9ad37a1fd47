"""The mother of the story: she proves who she is, and sees who used her newborn's data."""

from __future__ import annotations

import re
from typing import Any

from exchange.demo.client import Api
from exchange.demo.evidence import expect

REGISTER, DEPARTMENT = "police.birth-registrations", "civil-affairs"
WISH = {
    "interface": REGISTER,
    "operations": ["getBirthRegistration"],
    "fields": ["GMSFHM", "FQGMSFHM", "MQGMSFHM", "JHRYGMSFHM", "JHREGMSFHM"],
    "legal_basis": "中华人民共和国个人信息保护法第四十四条",
    "scenario": "监护人查询未成年子女数据使用情况",
    "purpose": "核验监护关系",
    "mode": "service",
    "duration_days": 365,
    "approved_by": "共享工作机构负责人",
}
"""What the department applies for, so that guardians can be told from others."""


def as_guardian(base_url: str, mother: str, child: str, registration: str) -> int:
    """How many uses of the child's data the register of births lets its mother see. Raises `NotShown`, `Upstream`."""
    web = Api(base_url)
    asked = web.post("/api/v1/usage/codes", {"number": mother})
    code = re.findall(r"\d{6}", asked["told"])[0]
    own = web.post("/api/v1/usage/proofs", {"challenge": asked["challenge"], "code": code})
    body = {"number": child, "reference": registration}
    path = "/api/v1/usage/representations"
    expect(web.call("POST", path, json=body, allow=(401,)).status_code == 401, "a child was shown without any proof")
    made = web.call("POST", path, json=body, headers=_bearer(own)).json()
    seen = web.call("GET", "/api/v1/usage", headers=_bearer(made)).json()
    expect(seen["items"][0]["interface"] == REGISTER, "that the register was asked is not among the uses")
    return int(seen["total"])


def _bearer(proof: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {proof['proof']}"}
