"""What the fund suite knows of one hidden country: applicants for its cases, and the right answers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from conformance.case import Text
from conformance.suites.fund_withdrawal.people import Person, people
from conformance.suites.world import World

CLOSING = ("G2", "G3", "G4")
"""Grounds that close the account (Regulations on the Administration of Housing Provident Funds, art 24)."""
CHECKS = (
    "property", "spouse_property", "marriage", "registration", "kinship", "loan", "retirement", "wages", "spouse_wages",
)  # fmt: skip


class Fund(World):
    """The world of the fund suite."""

    @property
    def people(self) -> Mapping[str, Person]:
        """People by label, the same whatever cases run."""
        return people(self.population, self.seed, self.today.isoformat())

    def person(self, label: str) -> Person:
        """The person of a label."""
        return self.people[label]

    # -- applications --------------------------------------------------------------------------------------

    def application(self, label: str) -> dict[str, Any]:
        """An application on the ground of a purchase, complete and granted."""
        return self.purchase(label)

    def of(self, label: str, ground: str, amount: int | None = None, **evidence: Any) -> dict[str, Any]:
        """An application of the person `label`; a closing one takes the whole balance unless told otherwise."""
        person = self.person(label)
        balance = person.balance
        return {
            "ground": ground,
            "amount": amount if amount is not None else balance if ground in CLOSING else max(balance // 3, 1),
            "payee_account": "62" + str(int.from_bytes(self._random(label)[:7], "big")).zfill(17)[:15],
            "applicant": {"XM": person.name, "GMSFHM": person.number, "LXDH": person.mobile},
            **evidence,
        }

    def purchase(self, label: str, amount: int | None = None, contract: str | None = None) -> dict[str, Any]:
        """Somebody who has signed a contract of sale."""
        number = contract or str(self.person(label).facts["contract"])
        return self.of(label, "G1", amount, contract={"WQHTBH": number})

    def repaying(self, label: str, amount: int | None = None, loan: str | None = None) -> dict[str, Any]:
        """Somebody who repays a housing loan."""
        facts = self.person(label).facts
        wanted = amount if amount is not None else int(facts["repaid"]) // 2
        return self.of(label, "G5", wanted, loan={"DKHTBH": loan or str(facts["loan"])})

    def renting(self, label: str, rent: int | None = None) -> dict[str, Any]:
        """Somebody who rents, with the spouse if the label has one; the rent defaults to well above the set share."""
        spouse = self.person(label).other
        more: dict[str, Any] = {"marital": "unmarried"}
        if spouse is not None:
            more = {"marital": "married", "spouse": {"XM": spouse.name, "GMSFHM": spouse.number}}
        wanted = rent if rent is not None else self.share(label) * 2 + 10
        return self.of(label, "G6", rent={"YZJ": wanted}, **more)

    def share(self, label: str, *, family: bool = True) -> int:
        """The monthly rent that is exactly the set share of the family's wages (or of the applicant's own)."""
        facts = self.person(label).facts
        wages = int(facts["wages"]) + (int(facts.get("wages_other", 0)) if family else 0)
        return wages * int(self.suite.settings["G6_rent_percent"]) // 100

    def inheriting(self, label: str, heir: Person | None = None) -> dict[str, Any]:
        """The heir of somebody who has died (or another applicant) asks for the account."""
        dead = self.person(label)
        applicant = heir or dead.other
        assert applicant is not None
        found = self.of(label, "G7", deceased={"XM": dead.name, "GMSFHM": dead.number})
        return found | {"applicant": {"XM": applicant.name, "GMSFHM": applicant.number, "LXDH": applicant.mobile}}

    def refusable(self, label: str, variant: int = 0) -> tuple[dict[str, Any], frozenset[str]]:
        """A contract of sale that does not exist; for an app that minds none, an amount above the balance."""
        if "E11" in self.ignored:
            return self.purchase(label, self.person(label).balance + 1 + variant), frozenset({"E2"})
        return self.purchase(label, contract=f"WQ{999_999_999_000 + variant}"), frozenset({"E11"})

    def _random(self, label: str) -> bytes:
        return hashlib.sha256(f"{self.seed}/withdrawal/{label}".encode()).digest()

    # -- what follows --------------------------------------------------------------------------------------

    def facts(self, application: Mapping[str, Any]) -> Mapping[str, Any]:
        """Nothing but the application itself."""
        return {}

    def learn(self, application: Mapping[str, Any]) -> Mapping[str, Any]:
        """The answers of the checks the ground has, None for the others."""
        ground = application["ground"]
        applicant = {name: application["applicant"][name] for name in ("XM", "GMSFHM")}
        holder = application["deceased"] if ground == "G7" else applicant
        known: dict[str, Any] = dict.fromkeys(CHECKS)
        # an account changes with every withdrawal, so it is asked anew
        known["account"] = self.ask("housing-fund.accounts", "POST", "/account-queries", dict(holder), anew=True)
        if ground == "G1":
            known["property"] = self._property(applicant | {"WQHTBH": application["contract"]["WQHTBH"]})
        elif ground in ("G2", "G3"):
            known["retirement"] = self.ask("human-resources.retirement-checks", "POST", "/retirement-checks", applicant)
        elif ground == "G4":
            known["registration"] = self._registration(applicant)
        elif ground == "G5":
            loan = applicant | {"DKHTBH": application["loan"]["DKHTBH"]}
            known["loan"] = self.ask("central-bank.loan-checks", "POST", "/loan-checks", loan)
        elif ground == "G6":
            known |= self._family(application, applicant)
        else:
            known["registration"] = self._registration(dict(holder))
            asked = {
                "GMSFHM": holder["GMSFHM"],
                "SQR_XM": applicant["XM"],
                "SQR_GMSFHM": applicant["GMSFHM"],
            }
            known["kinship"] = self.ask("police.registration-checks", "POST", "/kinship-checks", asked)
        return known

    def _family(self, application: Mapping[str, Any], applicant: Mapping[str, Any]) -> Mapping[str, Any]:
        known = {"property": self._property(applicant), "wages": self._wages(applicant)}
        if application["marital"] != "married":
            return known
        spouse = dict(application["spouse"])
        man, woman = (applicant, spouse) if int(applicant["GMSFHM"][16]) % 2 else (spouse, applicant)
        couple = {
            "NAN_XM": man["XM"],
            "NAN_GMSFHM": man["GMSFHM"],
            "NV_XM": woman["XM"],
            "NV_GMSFHM": woman["GMSFHM"],
        }
        marriage = self.ask("civil-affairs.marriages", "POST", "/marriage-checks", couple)
        known["marriage"] = marriage
        if (marriage["PPJG"], marriage["ZT"]) == ("1", "20"):
            known |= {"spouse_property": self._property(spouse), "spouse_wages": self._wages(spouse)}
        return known

    def _property(self, asked: Mapping[str, Any]) -> Any:
        return self.ask("real-estate.property-checks", "POST", "/property-checks", dict(asked))

    def _registration(self, asked: Mapping[str, Any]) -> Any:
        return self.ask("police.registration-checks", "POST", "/registration-checks", dict(asked))

    def _wages(self, asked: Mapping[str, Any]) -> Any:
        year = {"ND": str(self.today.year - 1)}
        return self.ask("tax.wage-checks", "POST", "/wage-checks", {**asked, **year})

    def describe(self, application: Mapping[str, Any]) -> Text:
        """The applicant, the ground and the amount."""
        applicant = application.get("applicant") or {}
        name, number = applicant.get("XM", "–"), applicant.get("GMSFHM", "–")
        ground, amount = application.get("ground", "–"), application.get("amount", "–")
        return {
            "zh_CN": f"申请人 {name} {number}，情形 {ground}，金额 {amount} 元",
            "en": f"applicant {name} {number}, ground {ground}, {amount} yuan",
        }
