"""Right apps that hold no rule of their own: they carry out the published documents as they stand.

Stages, rules, gaps and conditions are read from the app interface, steps and what they send and read from the process
and matter.yaml; only what the documents say in words is written here. HTTP is `stranger`'s.
"""

from __future__ import annotations

import argparse
import re
import secrets
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import jsonschema_rs
from newborn_stranger import Down, now, reach, start

from conformance import expressions
from specs import library
from specs.check_digits import uscc_problem
from specs.library import MatterStep


class Interpreter:
    """One handled matter, carried out as its documents say; a matter adds its inputs and variables."""

    ID: str
    VARIABLES: Mapping[str, str]
    """Step of the checks → the rules' variable its answer is."""
    TAKEN: str
    """The rule that does not hold when the first write is answered 409."""
    FORM: Any

    def __init_subclass__(cls) -> None:
        cls.matter = library.matter(cls.ID)
        cls.api = cls.matter.interface
        schema = cls.api.standalone(cls.api.operation("submitHandledMatter").body.contents[0].schema)
        cls.FORM = jsonschema_rs.validator_for(schema, validate_formats=True)
        cls.rules = {rule["id"]: rule for rule in cls.api.extensions["x-rules"]}
        written = cls.matter.process.document.value["workflows"][0]["steps"]
        cls.written = {step["stepId"]: step for step in written}
        cls.writes = [step for step in cls.matter.steps if step.writes]

    def __init__(self, form: Any, today: date, call: Any, key: str) -> None:
        self.id = secrets.token_urlsafe(9)
        self.form, self.today, self.call, self.key = form, today, call, key
        self.created = self.updated = now()
        self.state, self.failed, self.missing, self.notices = "completed", [], [], []
        self.steps = {step.id: "skipped" for step in self.matter.steps}
        self.answers: dict[str, Any] = {}
        self.facts: dict[str, Any] = {
            **dict.fromkeys(self.VARIABLES.values()),
            "application": form,
            "today": today.isoformat(),
            "settings": dict(self.matter.settings),
        }
        self.lock = threading.Lock()

    # -- what the documents say in words ---------------------------------------------------------------------

    def inputs(self) -> Mapping[str, Any]:
        """The inputs of the process, from the application."""
        raise NotImplementedError

    def wanted(self, step: MatterStep) -> bool:
        """Whether this application has the step."""
        return step.when is None or bool(expressions.holds(step.when, self.facts))

    def believed(self, step: MatterStep, answer: Any) -> bool:
        return True

    def told(self, rule: str) -> dict[str, Any]:
        return {"rule": rule, "message": self.rules[rule]["message"]}

    # -- carrying out ----------------------------------------------------------------------------------------

    def run(self) -> None:
        for stage in self.api.extensions["x-rule-stages"]:
            for step in self.ordered(stage["calls"]):
                if self.wanted(step):
                    self.check(step)
            broken = [rule for rule in stage["rules"] if not expressions.holds(self.rules[rule]["holds"], self.facts)]
            if stage["state"] == "notice":
                self.notices = broken
            elif broken:
                self.state, self.failed, self.notices = stage["state"], broken, []
                self.missing = [
                    {"pointer": gap["pointer"], "message": gap["message"]}
                    for rule in broken
                    for gap in self.rules[rule].get("gaps", ())
                    if not reach(self.form, gap["pointer"])
                    and expressions.holds(gap.get("when", "true"), {"application": self.form})
                ]
                return
        self.write()

    def ordered(self, names: list[str]) -> Iterator[MatterStep]:
        waiting = [self.matter.step(name) for name in names]
        while waiting:
            step = next(s for s in waiting if not any(need in {w.id for w in waiting} for need in s.needs))
            waiting.remove(step)
            yield step

    def check(self, step: MatterStep) -> None:
        status, answer = self.ask(step, self.inputs())
        if status != 200:
            raise Down
        self.steps[step.id] = "done"
        self.answers[step.id] = answer
        self.facts[self.VARIABLES[step.id]] = answer

    def ask(self, step: MatterStep, inputs: Mapping[str, Any], key: str = "") -> tuple[int, Any]:
        path = self.matter.interfaces[step.interface].operation(step.operation).path
        body = {}
        for name, source in self.written[step.id]["requestBody"]["payload"].items():
            if found := re.fullmatch(r"\$inputs\.(\w+)", str(source)):
                body[name] = inputs[found[1]]
            elif found := re.fullmatch(r"\$steps\.([\w-]+)\.outputs\.(\w+)", str(source)):
                body[name] = self.answers[found[1]][found[2]]
            else:
                body[name] = source
        place = f"{step.interface}{path}?fields={','.join(step.reads)}"
        return self.call(self.id, "POST", place, body, key)

    def write(self) -> None:
        due = [step for step in self.writes if self.wanted(step)]
        first, inputs = self.writes[0].id, self.inputs()
        for step in due:
            if self.steps[step.id] == "done":
                continue
            try:
                status, answer = self.ask(step, inputs, f"{self.key}-{step.id}")
            except Down:
                status, answer = 0, {}
            if status == 201 and self.believed(step, answer):
                self.steps[step.id], self.answers[step.id] = "done", answer
                continue
            self.steps[step.id] = "failed"
            if step.id == first:
                if status != 409:
                    raise Down
                self.state, self.failed, self.notices = "not_eligible", [self.TAKEN], []
                return
        done = all(self.steps[step.id] == "done" for step in due)
        self.state = "completed" if done else "partially_completed"

    def shown(self) -> dict[str, Any]:
        result = {}
        for name, source in self.matter.process.document.value["workflows"][0]["outputs"].items():
            step, _, field = source.removeprefix("$steps.").partition(".outputs.")
            if self.steps[step] == "done":
                result[name] = self.answers[step][field]
        return {
            "id": self.id,
            "matter": self.ID,
            "state": self.state,
            "failed_rules": [self.told(rule) for rule in self.failed],
            "missing": self.missing,
            "notices": [self.told(rule) for rule in self.notices],
            "steps": [{"step": name, "state": state} for name, state in self.steps.items()],
            "result": result,
            "created_at": self.created,
            "updated_at": self.updated,
        }


class StartUp(Interpreter):
    """A business start-up."""

    ID, TAKEN = "start-up", "N1"
    VARIABLES: Mapping[str, str] = {
        "B1": "name",
        "B2": "persons",
        "B3-court": "court",
        "B3-market": "market",
        "B3-bank": "bank",
    }

    def inputs(self) -> Mapping[str, Any]:
        form = self.form
        company, head, liaison = form["company"], form["legal_representative"], form["liaison"]
        tomorrow = (self.today + timedelta(days=1)).isoformat()
        return {
            "firm_name": company["DWMC"],
            "division": company["XZQH"],
            "industry": company["HYDM"],
            "legal_form": company["ZZXS"],
            "entity_kind": company["ZTLXDM"],
            "scope": company["JYFW"],
            "address": company["JYCS"],
            "capital": company["ZCZB"],
            "representative_name": head["XM"],
            "representative_number": head["GMSFHM"],
            "contact_name": liaison["XM"],
            "contact_phone": liaison["LXDH"],
            "shareholder_names": [one["XM"] for one in form["shareholders"]],
            "shareholder_numbers": [one["GMSFHM"] for one in form["shareholders"]],
            "shareholder_capital": [one["RJCZE"] for one in form["shareholders"]],
            "address_proof": form["documents"]["address_proof"],
            "articles": form["documents"]["articles"],
            "seals": form.get("seals", ["01"]),
            "officer_name": form["financial_officer"]["XM"],
            "officer_number": form["financial_officer"]["GMSFHM"],
            "staff": form["deposits"]["ZGRS"],
            "deposit_rate": form["deposits"]["JCBL"],
            "deposit_base": form["deposits"]["JCJS"],
            "account_day": form.get("account_day", tomorrow),
        }

    def wanted(self, step: MatterStep) -> bool:
        chosen = self.form.get("services")
        return step.required or chosen is None or step.id in chosen

    def check(self, step: MatterStep) -> None:
        if step.id != "B2":
            super().check(step)
            return
        places = []
        for role in ("legal_representative", "shareholders", "directors", "supervisors", "liaison", "agent"):
            entry = self.form.get(role, [])
            places += (
                [(f"/{role}/{at}", one) for at, one in enumerate(entry)]
                if isinstance(entry, list)
                else [(f"/{role}", entry)]
            )
        people = {(one["XM"], one["GMSFHM"], one["RXCYH"]): None for _, one in places}

        def known(one: tuple[str, str, str]) -> Any:
            return self.ask(step, dict(zip(("person_name", "person_number", "person_face"), one, strict=True)))

        with ThreadPoolExecutor(3) as pool:
            answers = dict(zip(people, pool.map(known, people), strict=True))
        if any(status != 200 for status, _ in answers.values()):
            raise Down
        self.steps["B2"] = "done"
        self.facts["persons"] = [
            {"pointer": place, **answers[one["XM"], one["GMSFHM"], one["RXCYH"]][1]} for place, one in places
        ]

    def believed(self, step: MatterStep, answer: Any) -> bool:
        return step.id != "B4" or not uscc_problem(answer["TYSHXYDM"])

    def told(self, rule: str) -> dict[str, Any]:
        about = self.rules[rule].get("concerns")
        return super().told(rule) | ({"concerns": list(expressions.evaluate(about, self.facts))} if about else {})


class Withdrawal(Interpreter):
    """A withdrawal from the housing fund."""

    ID, TAKEN = "fund-withdrawal", "E1"
    VARIABLES: Mapping[str, str] = {
        "H1": "account",
        "H2-purchase": "property",
        "H2-rent": "property",
        "H2-spouse": "spouse_property",
        "H3": "marriage",
        "H4-abroad": "registration",
        "H4-death": "registration",
        "H4-kin": "kinship",
        "H5": "loan",
        "H6-retired": "retirement",
        "H6-capacity": "retirement",
        "H7": "wages",
        "H7-spouse": "spouse_wages",
    }

    def inputs(self) -> Mapping[str, Any]:
        form, ground = self.form, self.form["ground"]
        me = form["applicant"]
        holder, spouse = form["deceased"] if ground == "G7" else me, form.get("spouse") or {}
        dead = form.get("deceased") or {}
        man, woman = (me, spouse) if int(me["GMSFHM"][16]) % 2 else (spouse, me)
        return {
            "holder_name": holder["XM"],
            "holder_number": holder["GMSFHM"],
            "applicant_name": me["XM"],
            "applicant_number": me["GMSFHM"],
            "spouse_name": spouse.get("XM"),
            "spouse_number": spouse.get("GMSFHM"),
            "husband_name": man.get("XM"),
            "husband_number": man.get("GMSFHM"),
            "wife_name": woman.get("XM"),
            "wife_number": woman.get("GMSFHM"),
            "deceased_name": dead.get("XM"),
            "deceased_number": dead.get("GMSFHM"),
            "contract_number": (form.get("contract") or {}).get("WQHTBH"),
            "loan_number": (form.get("loan") or {}).get("DKHTBH"),
            "year": str(self.today.year - 1),
            "ground": ground,
            "amount": form["amount"],
            "payee_account": form["payee_account"],
            "close": "1" if ground in ("G2", "G3", "G4") else "0",
        }

    def shown(self) -> dict[str, Any]:
        return super().shown() | {"due_on": (self.today + timedelta(days=3)).isoformat()}


KINDS = {kind.ID: kind for kind in (StartUp, Withdrawal)}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("matter", choices=KINDS)
    parser.add_argument("--port", type=int, required=True)
    chosen = parser.parse_args()
    start(chosen.port, KINDS[chosen.matter]).serve_forever()
