"""What the start-up suite knows of one hidden country: founders, names that are free or taken, the right answers."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from conformance import expressions
from conformance.case import Text
from conformance.expressions import ExpressionError
from conformance.oracle import OracleError
from conformance.suites.start_up import founders
from conformance.suites.start_up.founders import LABELS, Founder, Team
from conformance.suites.world import World
from mockdata.population import pools

NAMES = "market-regulation.names"
COMPANIES = "market-regulation.company-registrations"
TRADES = (
    ("软件", "I65", "软件开发；信息技术咨询服务"),
    ("物流", "G59", "普通货物仓储；装卸搬运"),
    ("广告", "L72", "广告设计；广告制作"),
)
ROLES = ("legal_representative", "shareholders", "directors", "supervisors", "liaison", "agent")
FORBIDDEN = "国家级"
VARIANTS = 8
"""Names of one label by brand alone; beyond them the last character varies."""


class StartUp(World):
    """The world of the start-up suite."""

    def team(self, label: str) -> Team:
        """The people of a label."""
        return founders.teams(self.population, self.seed)[label]

    def subject(self, case: str) -> Founder:
        """The intended legal representative of a case of D1 to D5."""
        amount = float(self.suite.settings["D5_least_amount"])
        return founders.barred(self.population, self.seed, self.today, case, amount)

    # -- applications --------------------------------------------------------------------------------------

    def application(
        self,
        label: str,
        *,
        representative: Founder | None = None,
        agent: bool = False,
        variant: int = 0,
        staff: int = 3,
        services: list[str] | None = None,
    ) -> dict[str, Any]:
        """An application of the founders of a label, complete and free of anything that bars unless told otherwise."""
        first, second, third, fourth = self.team(label)
        head = representative or first
        random = hashlib.sha256(f"{self.seed}/company/{label}/{variant}".encode()).digest()
        trade, industry, scope = TRADES[random[0] % len(TRADES)]
        place, division = self._place(random[1])
        shares = [(head, 10_000 * (10 + random[2])), (second, 10_000 * (5 + random[3]))]
        made: dict[str, Any] = {
            "company": {
                "DWMC": f"{place}{self._brand(label, variant)}{trade}有限公司",
                "XZQH": division,
                "HYDM": industry,
                "ZZXS": "有限公司",
                "ZTLXDM": "1100",
                "JYFW": scope,
                "JYCS": f"{place}迎春路{random[4] + 1}号",
                "ZCZB": sum(amount for _, amount in shares),
            },
            "legal_representative": _checked(head),
            "shareholders": [{**_checked(one), "RJCZE": amount} for one, amount in shares],
            "directors": [_checked(head), _checked(third)],
            "supervisors": [_checked(fourth)],
            "liaison": {**_checked(second), "LXDH": second.mobile},
            "financial_officer": {"XM": third.name, "GMSFHM": third.number},
            "documents": {"address_proof": f"zs-{random[5:13].hex()}", "articles": f"zc-{random[13:21].hex()}"},
            "deposits": {"ZGRS": staff, "JCBL": 0.05 + random[21] % 8 / 100, "JCJS": 3000 + 100 * random[22]},
            "seals": ["01", "02"],
            "account_day": self.days_old(-2 - random[23] % 10).isoformat(),
        }
        made["deposits"]["JCBL"] = round(made["deposits"]["JCBL"], 2)
        if agent:
            made["agent"] = {**_checked(third), "LXDH": third.mobile}
        if services is not None:
            made["services"] = services
        return made

    def _brand(self, label: str, variant: int) -> str:
        names = founders.brands(self.seed, pools.brands())
        return names(LABELS.index(label) * VARIANTS + variant % VARIANTS) + "安宁泰和"[variant // VARIANTS]

    def _place(self, random: int) -> tuple[str, str]:
        """Name and code of the division a firm is founded in; a country has two of them, the same for all cases."""
        firms = self.population.firms
        key = hashlib.sha256(f"{self.seed}/division/{random % 2}".encode()).digest()
        firm = np.array([int.from_bytes(key[:8], "big") % firms.count])
        entry = self.population.world.divisions.entries[int(firms.division(firm)[0])]
        return (entry.city or entry.province) + entry.name, f"{firms.divisions.numbers[firms.division(firm)[0]]:06d}"

    def taken_name(self, application: Mapping[str, Any]) -> str:
        """The name of a firm that is registered in the division of an application."""
        firms, division = self.population.firms, int(application["company"]["XZQH"])
        place = int(np.flatnonzero(firms.divisions.numbers[firms.layout.division] == division)[0])
        first, last = int(firms.offset[place]), int(firms.offset[place + 1])
        key = hashlib.sha256(f"{self.seed}/taken".encode()).digest()
        return str(firms.names(np.array([first + int.from_bytes(key[:8], "big") % (last - first)]))[0])

    def refusable(self, label: str, variant: int = 0) -> tuple[dict[str, Any], frozenset[str]]:
        """Somebody else's face, or, for an app that does not mind faces, a name that is not allowed."""
        application = self.application(label, variant=variant)
        if "R1" in self.ignored:
            application["company"]["DWMC"] = FORBIDDEN + application["company"]["DWMC"]
            return application, frozenset({"N1"})
        self.other_face(application, "/supervisors/0")
        return application, frozenset({"R1"})

    def other_face(self, application: dict[str, Any], *pointers: str) -> None:
        """Let somebody else stand before the camera for these persons."""
        for pointer in pointers:
            entry = person_at(application, pointer)
            entry["RXCYH"] = face(f"{self.seed}/{entry['GMSFHM']}")

    def forget(self) -> None:
        """Somebody has written: ask the departments anew."""
        self._answers.clear()

    # -- what follows --------------------------------------------------------------------------------------

    def facts(self, application: Mapping[str, Any]) -> Mapping[str, Any]:
        """Nothing beside the application itself."""
        return {}

    def learn(self, application: Mapping[str, Any]) -> Mapping[str, Any]:
        """The answers of B1, of B2 for every place a person stands at, and of the three B3."""
        head = application["legal_representative"]
        whom = {"XM": head["XM"], "GMSFHM": head["GMSFHM"]}
        return {
            "name": self.ask(NAMES, "POST", "/names", declared(application["company"], head["GMSFHM"])),
            "persons": [{"pointer": pointer, **self._real(entry)} for pointer, entry in persons(application)],
            "court": self.ask("court.legal-rep-checks", "POST", "/legal-rep-checks", whom),
            "market": self.ask("market-regulation.legal-rep-checks", "POST", "/legal-rep-checks", whom),
            "bank": self.ask("central-bank.legal-rep-checks", "POST", "/legal-rep-checks", whom),
        }

    def _real(self, entry: Mapping[str, Any]) -> Mapping[str, Any]:
        body = {name: entry[name] for name in ("XM", "GMSFHM", "RXCYH")}
        answer: Mapping[str, Any] = self.ask("police.real-name-checks", "POST", "/real-name-checks", body)
        return answer

    def concerned(self, application: Mapping[str, Any]) -> dict[str, frozenset[str]]:
        """Rule → whom it is about, for the broken rules that name persons. Raises `OracleError`."""
        failed = self.expect(application).failed
        facts = {"application": application, **self.learn(application)}
        found: dict[str, frozenset[str]] = {}
        for rule in self.suite.app.extensions["x-rules"]:
            if rule["id"] in failed and "concerns" in rule:
                try:
                    found[rule["id"]] = frozenset(expressions.evaluate(rule["concerns"], facts))
                except ExpressionError as error:
                    raise OracleError(f"rule {rule['id']}: {error}") from None
        return found

    def describe(self, application: Mapping[str, Any]) -> Text:
        """The company and its legal representative."""
        company, head = (application.get(name) or {} for name in ("company", "legal_representative"))
        name, who, number = company.get("DWMC", "–"), head.get("XM", "–"), head.get("GMSFHM", "–")
        return {
            "zh_CN": f"企业 {name}，法定代表人 {who} {number}",
            "en": f"company {name}, legal representative {who} {number}",
        }

    def rival(self, application: Mapping[str, Any], label: str) -> None:
        """Somebody else is registered under the name of an application. Raises `OracleError`."""
        company, head = application["company"], self.team(label)[0]
        _, answer = self.gateway.ask(NAMES, "POST", "/names", declared(company, head.number))
        body = {
            "MCSBH": answer.get("MCSBH"),
            **{name: company[name] for name in ("DWMC", "XZQH", "ZTLXDM", "HYDM", "JYFW", "JYCS", "ZCZB")},
            "FR_XM": head.name,
            "FR_GMSFHM": head.number,
            "LXR_XM": head.name,
            "LXR_LXDH": head.mobile,
            "GDONG_XM": [head.name],
            "GDONG_GMSFHM": [head.number],
            "RJCZE": [company["ZCZB"]],
            "ZSWJ": "zs-another-one",
            "ZCWJ": "zc-another-one",
        }
        status, told = self.gateway.ask(
            COMPANIES, "POST", "/company-registrations", body, key=f"rival-{label.replace('/', '-')}"
        )
        if status != 201:
            raise OracleError(f"the rival was not registered: {status} {told}")
        self.forget()


def persons(application: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Every place a person to be checked stands at, with what stands there."""
    found: list[tuple[str, Mapping[str, Any]]] = []
    for role in ROLES:
        entry = application.get(role)
        if isinstance(entry, list):
            found += [(f"/{role}/{at}", one) for at, one in enumerate(entry)]
        elif entry is not None:
            found.append((f"/{role}", entry))
    return found


def person_at(application: dict[str, Any], pointer: str) -> dict[str, Any]:
    """What stands at one of those places."""
    role, _, at = pointer[1:].partition("/")
    entry: dict[str, Any] = application[role][int(at)] if at else application[role]
    return entry


def declared(company: Mapping[str, Any], representative: str) -> dict[str, Any]:
    """What B1 is asked about a company and its intended legal representative."""
    return {**{name: company[name] for name in ("DWMC", "XZQH", "HYDM", "ZZXS")}, "FR_GMSFHM": representative}


def changed(application: Mapping[str, Any], **company: Any) -> dict[str, Any]:
    """The application with other facts of the company."""
    made = copy.deepcopy(dict(application))
    made["company"] |= company
    return made


def face(number: str) -> str:
    """A face sample as the published interface has it: for a citizen number, that person's own."""
    return hashlib.sha256(number.encode()).hexdigest()[:16].upper()


def _checked(one: Founder) -> dict[str, Any]:
    return {"XM": one.name, "GMSFHM": one.number, "RXCYH": face(one.number)}
