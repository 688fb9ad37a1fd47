"""One handled start-up as the example apps keep it, and what the departments are sent for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from conformance.examples.handled import Handled
from conformance.examples.start_up import rules

ROLES = ("legal_representative", "shareholders", "directors", "supervisors", "liaison", "agent")


@dataclass
class Matter(Handled):
    """One handled start-up: `checks` are the answers of B1 and the B3, `faces` those of B2 by place in the form."""

    steps: dict[str, str] = field(default_factory=lambda: dict.fromkeys(rules.NEEDS, "skipped"))
    checks: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    faces: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    concerns: dict[str, list[str]] = field(default_factory=dict)
    licence: str = ""

    def wanted(self) -> list[str]:
        """The steps this citizen asked for; those that are not optional always."""
        services = self.application.get("services", list(rules.OPTIONAL))
        return [s for s in rules.NEEDS if s not in rules.OPTIONAL or s in services]


def people(form: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Everybody whose name and face are checked, with the place in the form."""
    for role in ROLES:
        entry = form.get(role)
        if isinstance(entry, list):
            yield from ((f"/{role}/{at}", one) for at, one in enumerate(entry))
        elif entry:
            yield f"/{role}", entry


def declared(form: Mapping[str, Any]) -> dict[str, Any]:
    """What B1 is sent."""
    company = {name: form["company"][name] for name in ("DWMC", "XZQH", "HYDM", "ZZXS")}
    return {**company, "FR_GMSFHM": form["legal_representative"]["GMSFHM"]}


def sent(step: str, matter: Matter) -> tuple[str, str, list[str] | None, dict[str, Any]]:
    """Interface, path, fields wanted and body of a writing step."""
    form = matter.application
    company, head, liaison = form["company"], form["legal_representative"], form["liaison"]
    representative = {"FR_XM": head["XM"], "FR_GMSFHM": head["GMSFHM"]}
    contact = {"LXR_XM": liaison["XM"], "LXR_LXDH": liaison["LXDH"]}
    if step == "B4":
        shareholders = form["shareholders"]
        body = {
            "MCSBH": matter.checks["B1"]["MCSBH"],
            **{n: company[n] for n in ("DWMC", "XZQH", "ZTLXDM", "HYDM", "JYFW", "JYCS", "ZCZB")},
            **representative,
            **contact,
            "GDONG_XM": [one["XM"] for one in shareholders],
            "GDONG_GMSFHM": [one["GMSFHM"] for one in shareholders],
            "RJCZE": [one["RJCZE"] for one in shareholders],
            "ZSWJ": form["documents"]["address_proof"],
            "ZCWJ": form["documents"]["articles"],
        }
        return "market-regulation.company-registrations", "/company-registrations", ["TYSHXYDM", "ZZBS"], body
    firm = {"TYSHXYDM": matter.result["TYSHXYDM"], "DWMC": company["DWMC"]}
    if step == "B5":
        body = {**firm, **representative, "YZLX": form.get("seals", ["01"])}
        return "police.seals", "/seals", ["YZBABH"], body
    if step == "B6":
        officer = form["financial_officer"]
        body = {
            "TYSHXYDM": firm["TYSHXYDM"],
            "ZZBS": matter.licence,
            **representative,
            "CWFZR_XM": officer["XM"],
            "CWFZR_GMSFHM": officer["GMSFHM"],
            "JYFW": company["JYFW"],
            "HYDM": company["HYDM"],
        }
        return "tax.tax-registrations", "/tax-registrations", ["SFHDBH"], body
    if step == "B7":
        body = {**firm, "JYCS": company["JYCS"], **representative, **contact}
        return "human-resources.employer-registrations", "/employer-registrations", ["DWBH"], body
    if step == "B8":
        body = {**firm, **{n: form["deposits"][n] for n in ("ZGRS", "JCBL", "JCJS")}}
        return "housing-fund.fund-registrations", "/fund-registrations", ["DWZH"], body
    day = form.get("account_day", (matter.today + timedelta(days=1)).isoformat())
    return "bank.account-appointments", "/account-appointments", ["KHYYH"], {**firm, "KHYYRQ": day}
