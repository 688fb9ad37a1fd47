"""The newborn app itself: a small HTTP service that handles one application after the other.

Every decision is one method, so that an app that is wrong in exactly one way overrides exactly one of them.
State lives in memory: this is an example of a vendor's app, not a product.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import threading
import uuid
from collections.abc import Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from functools import cached_property
from typing import Any

import httpx2
import jsonschema_rs
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from conformance.examples.newborn import rules
from conformance.examples.newborn.departments import DepartmentDown, DepartmentRefused, Departments
from conformance.examples.newborn.rules import Facts
from specs import library

CHINA = timezone(timedelta(hours=8))
KEY = re.compile(r"[A-Za-z0-9._:-]{8,128}")
LOOPBACK = ("http://127.0.0.1:", "http://localhost:", "http://[::1]:")


class Refusal(Exception):
    """A request that is answered with a problem (RFC 9457)."""

    def __init__(self, status: int, title: str, **more: Any) -> None:
        super().__init__(title)
        self.status, self.title, self.more = status, title, more


@dataclass
class Matter:
    """One handled matter as the app keeps it."""

    id: str
    token: str
    application: Mapping[str, Any]
    today: date
    created: str
    state: str = "in_progress"
    failed_rules: list[str] = field(default_factory=list)
    missing: list[tuple[str, rules.Text]] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    steps: dict[str, str] = field(default_factory=lambda: dict.fromkeys(rules.NEEDS, "skipped"))
    references: dict[str, str] = field(default_factory=dict)
    result: dict[str, str] = field(default_factory=dict)
    facts: Facts = field(default_factory=dict)
    updated: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def wanted(self) -> list[str]:
        """The steps this citizen asked for; those that are not optional always."""
        services = self.application.get("services", list(rules.OPTIONAL))
        return [s for s in rules.NEEDS if s not in rules.OPTIONAL or s in services]


class NewbornApp:
    """A newborn app as the published documents ask for it."""

    def __init__(self, allow: Sequence[str] = LOOPBACK) -> None:
        self.allow = tuple(allow)
        self.matters: dict[str, Matter] = {}
        self.keys: dict[tuple[str, str], tuple[str, str | None]] = {}
        self.lock = threading.Lock()
        self.client = httpx2.Client(timeout=5.0, trust_env=False, follow_redirects=False)
        self.asgi = Starlette(
            routes=[
                Route("/health", self._health),
                Route("/handled-matters", self._submit, methods=["POST"]),
                Route("/handled-matters/{id}", self._read, methods=["GET"]),
                Route("/handled-matters/{id}/resumption", self._resume, methods=["POST"]),
            ],
            lifespan=self._lifespan,
        )

    # -- deciding ------------------------------------------------------------------------------------------

    def today(self, told: str | None) -> date:
        """The day of handling: the platform says it on request, else the app's own clock in China."""
        return date.fromisoformat(told) if told else datetime.now(CHINA).date()

    def gaps(self, application: Mapping[str, Any]) -> list[tuple[str, rules.Text]]:
        """M1: everything that is missing, all at once."""
        found = []
        for pointer, message in rules.GAPS.items():
            value: Any = application
            for name in pointer[1:].split("/"):
                value = value.get(name) if isinstance(value, Mapping) else None
            if value is None:
                found.append((pointer, message))
        return found

    def consents(self, application: Mapping[str, Any]) -> bool:
        """C31: the guardian agreed."""
        return application.get("guardian_consent") is True

    def corrections(self, facts: Facts) -> list[str]:
        """X1 and X2: do names and numbers agree with the registers?"""
        matches = {str(answer["PPJG"]) for answer in facts.values() if answer and "PPJG" in answer}
        return [rule for rule, code in (("X1", "2"), ("X2", "3")) if code in matches]

    def refusals(self, matter: Matter) -> list[str]:
        """Every rule of E1 to E5 that does not hold."""
        judges = {"E1": self.e1, "E2": self.e2, "E3": self.e3, "E4": self.e4, "E5": self.e5}
        return [rule for rule, holds in judges.items() if not holds(matter)]

    def e1(self, matter: Matter) -> bool:
        institution = matter.facts["institution"]
        return institution is not None and institution["QFQX"] == "1"

    def e2(self, matter: Matter) -> bool:
        born = date.fromisoformat(matter.application["newborn"]["CSRQ"])
        return born <= matter.today < rules.months_after(born, rules.LIMIT_MONTHS)

    def e3(self, matter: Matter) -> bool:
        marriage = matter.facts["marriage"]
        return marriage is not None and marriage["ZT"] == "20"

    def e4(self, matter: Matter) -> bool:
        institution = matter.facts["institution"]
        if institution is None:
            return True
        here = rules.province(institution["XZQH"])
        parents = [matter.facts[parent] or {} for parent in ("mother", "father")]
        return all(rules.province(p["HJXZQH"]) == here and p["ZT"] == "1" for p in parents)

    def e5(self, matter: Matter) -> bool:
        household = matter.facts[matter.application["follow"]]
        return household is not None and household["HB"] == "1"

    def e6(self, matter: Matter) -> bool:
        born = date.fromisoformat(matter.application["newborn"]["CSRQ"])
        return matter.today <= rules.months_after(born, 1)

    def visible(self, matter: Matter, token: str) -> bool:
        """A handled matter belongs to the launch that created it."""
        return matter.token == token

    def known(self, token: str, key: str, digest: str) -> str | None:
        """The handled matter this key made before; a key that was used for another body is refused."""
        before = self.keys.get((token, key))
        if before is None:
            return None
        if before[0] != digest:
            raise Refusal(422, "幂等键已用于另一份申请")
        return before[1]

    # -- the four checks -----------------------------------------------------------------------------------

    def check(self, matter: Matter, departments: Departments) -> None:
        """Ask what the rules need to know, and no more."""
        application = matter.application
        mother, father = application["mother"], application["father"]
        marriage = {
            "NAN_XM": father["XM"],
            "NAN_GMSFHM": father["GMSFHM"],
            "NV_XM": mother["XM"],
            "NV_GMSFHM": mother["GMSFHM"],
        }
        facts: dict[str, Mapping[str, Any] | None] = {}
        facts["marriage"] = departments.ask(
            "POST", "civil-affairs.marriages", "/marriage-checks", ["PPJG", "ZT"], marriage
        )
        for name, parent in (("mother", mother), ("father", father)):
            facts[name] = departments.ask(
                "POST",
                "police.households",
                "/household-checks",
                ["PPJG", "HJXZQH", "HB", "ZT"],
                {"XM": parent["XM"], "GMSFHM": parent["GMSFHM"]},
            )
        facts["institution"] = self.institution(application["newborn"]["JGDM"], departments)
        matter.facts = facts
        for step in rules.CHECKS:
            matter.steps[step] = "done"

    def institution(self, code: str, departments: Departments) -> Mapping[str, Any] | None:
        try:
            return departments.ask(
                "GET", "health.birth-certificates", f"/midwifery-institutions/{code}", ["QFQX", "XZQH"]
            )
        except DepartmentRefused as refused:
            if refused.status == 404:
                return None
            raise

    # -- the steps that write ------------------------------------------------------------------------------

    def perform(self, step: str, matter: Matter, departments: Departments) -> None:
        """Do one step; results and the reference shown to the citizen are the department's own."""
        interface, path, fields, body = self.request(step, matter)
        answer = departments.ask("POST", interface, path, fields, body, self.step_key(matter, step))
        self.keep(step, matter, answer)

    def step_key(self, matter: Matter, step: str) -> str:
        """The same for every try of a step, so that trying again does nothing twice."""
        return f"{matter.id}-{step}"

    def keep(self, step: str, matter: Matter, answer: Mapping[str, Any]) -> None:
        kept = {
            "N2": ("CSZMBH", "CSZMBH"),
            "N3": ("GMSFHM", "YWLSH"),
            "N7": ("JZDAH", "JZDAH"),
            "N4": ("CBBH", "CBBH"),
            "N6": ("SBKH", "SBKH"),
            "N5": ("JFPZH", "JFPZH"),
            "N8": ("SLH", "SLH"),
        }
        name, reference = kept[step]
        matter.result[name] = answer[name]
        matter.references[step] = answer[reference]

    def request(self, step: str, matter: Matter) -> tuple[str, str, list[str] | None, dict[str, Any]]:
        """Interface, path, fields wanted and body of a writing step."""
        form, result = matter.application, matter.result
        newborn, mother, father, applicant = (form[n] for n in ("newborn", "mother", "father", "applicant"))
        guardian = form[form["follow"]]
        place = (matter.facts["institution"] or {}).get("XZQH")
        if step == "N2":
            body = {
                **{n: newborn[n] for n in ("XM", "XBDM", "CSRQ", "CSSJ", "JGDM")},
                "CSDXZQH": place,
                "CSSX": newborn.get("CSSX", 1),
                "MQ_XM": mother["XM"],
                "MQ_GMSFHM": mother["GMSFHM"],
                "FQ_XM": father["XM"],
                "FQ_GMSFHM": father["GMSFHM"],
            }
            return "health.birth-certificates", "/birth-certificates", ["CSZMBH"], body
        if step == "N3":
            body = {
                "CSZMBH": result["CSZMBH"],
                "XM": newborn["XM"],
                "XB": newborn["XBDM"],
                "CSRQ": newborn["CSRQ"],
                "CSSJ": newborn["CSSJ"],
                "CSDSSXQ": place,
                "HB": "1",
                "CSDJLB": "01",
                "LHSFZ": guardian["GMSFHM"],
                "FQXM": father["XM"],
                "FQGMSFHM": father["GMSFHM"],
                "MQXM": mother["XM"],
                "MQGMSFHM": mother["GMSFHM"],
                "SBRXM": applicant["XM"],
                "SBRSFZ": applicant["GMSFHM"],
                "SBRLXDH": applicant["LXDH"],
            }
            return "police.birth-registrations", "/birth-registrations", ["GMSFHM", "YWLSH"], body
        if step == "N7":
            body = {
                "CSZMBH": result["CSZMBH"],
                "XM": newborn["XM"],
                "CSRQ": newborn["CSRQ"],
                "MQ_XM": mother["XM"],
                "MQ_GMSFHM": mother["GMSFHM"],
            }
            return "disease-control.immunization-files", "/immunization-files", ["JZDAH"], body
        if step == "N8":
            body = {"MQ_XM": mother["XM"], "MQ_GMSFHM": mother["GMSFHM"], "CSZMBH": result["CSZMBH"]}
            return "medical-insurance.maternity-claims", "/maternity-claims", ["SLH"], body
        if step == "N5":
            body = {"CBBH": result["CBBH"], "GMSFHM": result["GMSFHM"], "ND": str(matter.today.year)}
            return "tax.premiums", "/premiums", ["JFPZH"], body
        child = {
            "GMSFHM": result["GMSFHM"],
            "XM": newborn["XM"],
            "JHR_XM": guardian["XM"],
            "JHR_GMSFHM": guardian["GMSFHM"],
        }
        if step == "N6":
            body = {**child, "LKFS": "2"}
            return "human-resources.social-security-cards", "/social-security-cards", ["SBKH"], body
        division = (matter.facts[form["follow"]] or {}).get("HJXZQH")
        body = {**child, "CBXZQH": division, "XZ": "390", "CBRQ": matter.today.isoformat()}
        return "medical-insurance.enrolments", "/resident-insurance/enrolments", ["CBBH"], body

    # -- handling ------------------------------------------------------------------------------------------

    def handle(self, matter: Matter, departments: Departments) -> None:
        """From application to outcome; raises `DepartmentDown` only while nothing has been done."""
        matter.missing = self.gaps(matter.application)
        agreed = self.consents(matter.application)
        if matter.missing or not agreed:
            matter.state = "incomplete"
            matter.failed_rules = (["M1"] if matter.missing else []) + ([] if agreed else ["C31"])
            matter.missing += [] if agreed else [("/guardian_consent", rules.CONSENT_GAP)]
            return
        self.check(matter, departments)
        matter.failed_rules = self.corrections(matter.facts)
        if matter.failed_rules:
            matter.state = "needs_correction"
            return
        matter.notices = [] if self.e6(matter) else ["E6"]
        matter.failed_rules = self.refusals(matter)
        if matter.failed_rules:
            matter.state = "not_eligible"
            return
        self.carry_out(matter, departments)

    def carry_out(self, matter: Matter, departments: Departments) -> None:
        """Every wanted step that is not done and whose needs are; a failure stops only what needs it."""
        for step in self.order(matter):
            if matter.steps[step] == "done":
                continue
            if not self.ready(step, matter):
                matter.steps[step] = "pending"
                continue
            try:
                self.perform(step, matter, departments)
                matter.steps[step] = "done"
            except DepartmentRefused as refused:
                matter.steps[step] = "failed"
                if refused.existing:
                    matter.references[step] = refused.existing
                if step == "N2" and refused.status == 409:
                    matter.state, matter.failed_rules = "not_eligible", ["E1"]
                    return
            except DepartmentDown:
                self.outage(step, matter)
        done = all(matter.steps[step] == "done" for step in matter.wanted())
        matter.state = "completed" if done else "partially_completed"

    def order(self, matter: Matter) -> list[str]:
        """The writing steps this citizen wants, in an order the process allows."""
        return [step for step in matter.wanted() if step not in rules.CHECKS]

    def ready(self, step: str, matter: Matter) -> bool:
        """Whether a step may be called: what it comes after is done."""
        return all(matter.steps[need] == "done" for need in rules.NEEDS[step])

    def outage(self, step: str, matter: Matter) -> None:
        """A department is down at this step: say so; before the first finished step nothing has happened."""
        matter.steps[step] = "failed"
        if step == "N2":
            raise DepartmentDown(step)

    # -- HTTP ----------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> Any:
        yield
        self.client.close()

    async def _health(self, _: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def _submit(self, request: Request) -> Response:
        body = await request.body()
        return await run_in_threadpool(self._answer, self.submit, request, body)

    async def _read(self, request: Request) -> Response:
        return await run_in_threadpool(self._answer, self.read, request, b"")

    async def _resume(self, request: Request) -> Response:
        return await run_in_threadpool(self._answer, self.resume, request, b"")

    def _answer(self, use: Any, request: Request, body: bytes) -> Response:
        try:
            answer: Response = use(request, body)
            return answer
        except Refusal as refusal:
            return problem(refusal.status, refusal.title, **refusal.more)
        except (DepartmentDown, DepartmentRefused):
            return problem(502, "部门暂时无法访问，尚未办理任何事项，请稍后重试")

    def submit(self, request: Request, body: bytes) -> Response:
        token, gateway = self.token(request), self.gateway(request)
        key = request.headers.get("idempotency-key", "")
        if not KEY.fullmatch(key):
            raise Refusal(400, "缺少请求头 Idempotency-Key，或不合格式")
        application = self.application(body)
        digest = hashlib.sha256(json.dumps(application, sort_keys=True).encode()).hexdigest()
        day = self.day(request)
        with self.lock:
            before = self.known(token, key, digest)
            if before is None:
                matter = Matter(self.new_id(), token, application, day, stamp())
                matter.lock.acquire()
                self.matters[matter.id] = matter
                self.keys[token, key] = (digest, matter.id)
        if before is not None:
            matter = self.matters[before]
            with matter.lock:
                return JSONResponse(self.show(matter))
        try:
            self.handle(matter, Departments(self.client, gateway, token, matter.id))
            matter.updated = stamp()
        except BaseException:
            # Nothing was done: the same key may be sent again, as if it never had been.
            with self.lock:
                del self.matters[matter.id]
                del self.keys[token, key]
            raise
        finally:
            matter.lock.release()
        wrote = any(matter.steps[s] in ("done", "failed") for s in rules.NEEDS if s not in rules.CHECKS)
        return JSONResponse(self.show(matter), 201 if wrote else 200)

    def read(self, request: Request, _: bytes) -> Response:
        matter = self.find(request)
        with matter.lock:
            return JSONResponse(self.show(matter))

    def resume(self, request: Request, _: bytes) -> Response:
        token, gateway = self.token(request), self.gateway(request)
        matter = self.find(request)
        with matter.lock:
            if matter.state == "partially_completed":
                self.carry_out(matter, Departments(self.client, gateway, token, matter.id))
                matter.updated = stamp()
            return JSONResponse(self.show(matter))

    def find(self, request: Request) -> Matter:
        token = self.token(request)
        matter = self.matters.get(request.path_params["id"])
        if matter is None or not self.visible(matter, token):
            raise Refusal(404, "没有这个编号的办件")
        return matter

    def token(self, request: Request) -> str:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Refusal(401, "请从平台启动本应用")
        return token

    def gateway(self, request: Request) -> str:
        address = request.headers.get("tongban-gateway", "").rstrip("/")
        if not address:
            raise Refusal(400, "缺少请求头 Tongban-Gateway")
        if not address.startswith(self.allow):
            raise Refusal(403, "不接受这个入口地址")
        return address

    def day(self, request: Request) -> date:
        try:
            return self.today(request.headers.get("tongban-today"))
        except ValueError:
            raise Refusal(400, "请求头 Tongban-Today 不是日期") from None

    @cached_property
    def form(self) -> Any:
        """The published schema of the application."""
        interface = library.matter("newborn").interface
        operation = interface.operation("submitHandledMatter")
        assert operation.body is not None
        schema = operation.body.contents[0].schema
        assert schema is not None
        return jsonschema_rs.validator_for(interface.standalone(schema), validate_formats=True, mask="…")

    def application(self, body: bytes) -> Mapping[str, Any]:
        """The application as sent; a value of a wrong type is answered with every place at once."""
        try:
            application = json.loads(body)
        except ValueError:
            raise Refusal(400, "请求体不是 JSON") from None
        wrong = [
            {"pointer": "".join(f"/{part}" for part in error.instance_path), "message": error.message[:500]}
            for error in self.form.iter_errors(application)
        ]
        if wrong:
            raise Refusal(422, "申请内容不合要求", errors=wrong[:100])
        return dict(application)

    def new_id(self) -> str:
        return f"hm-{uuid.uuid4().hex}"

    def show(self, matter: Matter) -> dict[str, Any]:
        """The handled matter as the citizen sees it."""
        shown = {step: (s if step in matter.wanted() else "skipped") for step, s in matter.steps.items()}
        return {
            "id": matter.id,
            "matter": "newborn",
            "state": matter.state,
            "failed_rules": [{"rule": r, "message": dict(rules.MESSAGES[r])} for r in matter.failed_rules],
            "missing": [{"pointer": p, "message": dict(message)} for p, message in matter.missing],
            "notices": [{"rule": r, "message": dict(rules.MESSAGES[r])} for r in matter.notices],
            "steps": [
                {"step": step, "state": state}
                | ({"reference": matter.references[step]} if step in matter.references else {})
                for step, state in shown.items()
            ],
            "result": matter.result,
            "created_at": matter.created,
            "updated_at": matter.updated or matter.created,
        }


def problem(status: int, title: str, **more: Any) -> Response:
    """An RFC 9457 problem."""
    body = {"type": "about:blank", "title": title, "status": status, **more}
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return JSONResponse(body, status, headers=headers, media_type="application/problem+json")


def stamp() -> str:
    return datetime.now(CHINA).isoformat(timespec="seconds")


def main(app: type[NewbornApp]) -> None:
    """Serve an app: `python -m conformance.examples.newborn.right --port 9001`."""
    import uvicorn

    parser = argparse.ArgumentParser(description=app.__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument(
        "--allow", action="append", metavar="PREFIX", help="gateway addresses to accept (default: loopback)"
    )
    chosen = parser.parse_args()
    service = app(tuple(chosen.allow) if chosen.allow else LOOPBACK)
    uvicorn.run(service.asgi, host=chosen.host, port=chosen.port, log_level="warning")
