"""A right newborn app written otherwise than the example: from the published documents alone, on nothing but the
standard library, with HTTP/1.0, odd header case, a process run in parallel, patient retries, short random ids.

What the suite says of it is what it says of apps nobody here has seen: it must find nothing above a remark.
"""

from __future__ import annotations

import argparse
import json
import re
import secrets
import threading
import time
import urllib.error
import urllib.request
from calendar import monthrange
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta, timezone
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jsonschema_rs

from specs import library

BEIJING = timezone(timedelta(hours=8))
CHECKS = ("N1", "N0-mother", "N0-father", "N0-institution")
STEPS = (*CHECKS, "N2", "N3", "N7", "N4", "N6", "N5", "N8")
NEEDS = {"N2": (), "N3": ("N2",), "N7": ("N2",), "N8": ("N2",), "N4": ("N3",), "N6": ("N3",), "N5": ("N4",)}
OPTIONAL = {"N4", "N5", "N6", "N8"}
PLACES = {
    "N2": ("health.birth-certificates/birth-certificates", "CSZMBH", "CSZMBH"),
    "N3": ("police.birth-registrations/birth-registrations", "GMSFHM,YWLSH", "GMSFHM"),
    "N7": ("disease-control.immunization-files/immunization-files", "JZDAH", "JZDAH"),
    "N4": ("medical-insurance.enrolments/resident-insurance/enrolments", "CBBH", "CBBH"),
    "N6": ("human-resources.social-security-cards/social-security-cards", "SBKH", "SBKH"),
    "N5": ("tax.premiums/premiums", "JFPZH", "JFPZH"),
    "N8": ("medical-insurance.maternity-claims/maternity-claims", "SLH", "SLH"),
}
MATTER = library.matter("newborn").interface
RULES = {rule["id"]: rule for rule in MATTER.extensions["x-rules"]}
SCHEMA = MATTER.standalone(MATTER.operation("submitHandledMatter").body.contents[0].schema)  # type: ignore[union-attr, arg-type]
FORM = jsonschema_rs.validator_for(SCHEMA, validate_formats=True)


class Down(Exception):
    """A department cannot be reached."""


class Problem(Exception):
    def __init__(self, status: int, title: str, errors: Any = None) -> None:
        super().__init__(title)
        self.body = {"type": "about:blank", "title": title, "status": status} | ({"errors": errors} if errors else {})


def plus(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


class Case:
    """One handled matter."""

    FORM = FORM

    def __init__(self, form: Any, today: date, call: Any, key: str) -> None:
        self.id = secrets.token_hex(5)
        self.form, self.today, self.call, self.key = form, today, call, key
        self.created = self.updated = now()
        self.state, self.failed, self.missing, self.notices = "", [], [], []
        self.steps = dict.fromkeys(STEPS, "skipped")
        self.references: dict[str, str] = {}
        self.result: dict[str, str] = {}
        wanted = set(form.get("services", OPTIONAL))
        self.wanted = {
            step for step in NEEDS if step not in OPTIONAL or step in wanted or (step == "N4" and "N5" in wanted)
        }
        self.lock = threading.Lock()

    def run(self) -> None:
        gaps = [gap for gap in RULES["M1"]["gaps"] if not reach(self.form, gap["pointer"])]
        agreed = self.form.get("guardian_consent") is True
        if gaps or not agreed:
            self.state = "incomplete"
            self.failed = (["M1"] if gaps else []) + ([] if agreed else ["C31"])
            self.missing = gaps + ([] if agreed else RULES["C31"]["gaps"])
            return
        mother, father = self.form["mother"], self.form["father"]
        couple = {f"NAN_{k}": v for k, v in father.items()} | {f"NV_{k}": v for k, v in mother.items()}
        household = "police.households/household-checks?fields=PPJG,HJXZQH,HB,ZT"
        code = self.form["newborn"]["JGDM"]
        asks = (
            ("POST", "civil-affairs.marriages/marriage-checks?fields=PPJG,ZT", couple),
            ("POST", household, mother),
            ("POST", household, father),
            ("GET", f"health.birth-certificates/midwifery-institutions/{code}?fields=QFQX,XZQH", None),
        )
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda ask: self.call(self.id, *ask), asks))
        if any(status not in (200, 404) for status, _ in answers):
            raise Down
        self.steps |= dict.fromkeys(CHECKS, "done")
        marriage, self.mother, self.father, self.institution = (a if s == 200 else None for s, a in answers)
        persons = [answer or {} for answer in (marriage, self.mother, self.father)]
        matches = {answer.get("PPJG") for answer in persons}
        self.failed = [rule for rule, code in (("X1", "2"), ("X2", "3")) if code in matches]
        if self.failed:
            self.state = "needs_correction"
            return
        self.failed = list(self.refusals(marriage))
        if self.failed:
            self.state = "not_eligible"
            return
        self.write()

    def refusals(self, marriage: Any) -> Any:
        born = date.fromisoformat(self.form["newborn"]["CSRQ"])
        self.notices = [] if self.today <= plus(born, 1) else ["E6"]
        here = self.institution
        if not here or here["QFQX"] != "1":
            yield "E1"
        if not born <= self.today < plus(born, 12):
            yield "E2"
        if marriage["ZT"] != "20":
            yield "E3"
        homes = (self.mother, self.father)
        if here and any(home["HJXZQH"][:2] != here["XZQH"][:2] or home["ZT"] != "1" for home in homes):
            yield "E4"
        if (self.father if self.form["follow"] == "father" else self.mother)["HB"] != "1":
            yield "E5"

    def write(self) -> None:
        for step in self.wanted:
            if self.steps[step] != "done":
                self.steps[step] = "pending"
        for step in NEEDS:
            ready = all(self.steps[need] == "done" for need in NEEDS[step])
            if step not in self.wanted or self.steps[step] == "done" or not ready:
                continue
            place, fields, name = PLACES[step]
            try:
                status, answer = self.call(
                    self.id, "POST", f"{place}?fields={fields}", self.body(step), f"{self.key}-{step}"
                )
            except Down:
                status, answer = 0, {}
            if status in (200, 201):
                self.steps[step] = "done"
                self.result[name] = self.references[step] = answer[name]
            else:
                self.steps[step] = "failed"
                if step == "N2" and status == 409:
                    self.state, self.failed = "not_eligible", ["E1"]
                    self.references |= {"N2": answer["existing"]} if answer.get("existing") else {}
                    self.steps |= {other: "skipped" for other in NEEDS if other != "N2"}
                    return
                if step == "N2":
                    raise Down
        done = all(self.steps[step] == "done" for step in self.wanted)
        self.state = "completed" if done else "partially_completed"

    def body(self, step: str) -> dict[str, Any]:
        form, child, got = self.form, self.form["newborn"], self.result
        mother, father, applicant, guardian = form["mother"], form["father"], form["applicant"], form[form["follow"]]
        home = self.father if form["follow"] == "father" else self.mother
        birth = {"XM": child["XM"], "CSRQ": child["CSRQ"]}
        woman = {"MQ_XM": mother["XM"], "MQ_GMSFHM": mother["GMSFHM"]}
        paper = {"CSZMBH": got.get("CSZMBH")}
        kin = {
            "GMSFHM": got.get("GMSFHM"),
            "XM": child["XM"],
            "JHR_XM": guardian["XM"],
            "JHR_GMSFHM": guardian["GMSFHM"],
        }
        man = {"FQ_XM": father["XM"], "FQ_GMSFHM": father["GMSFHM"]}
        place = self.institution["XZQH"]
        clinic = {name: child[name] for name in ("XBDM", "CSSJ", "JGDM")} | {"CSSX": child.get("CSSX", 1)}
        family = {
            "FQXM": father["XM"],
            "FQGMSFHM": father["GMSFHM"],
            "MQXM": mother["XM"],
            "MQGMSFHM": mother["GMSFHM"],
        }
        who = {"SBRXM": applicant["XM"], "SBRSFZ": applicant["GMSFHM"], "SBRLXDH": applicant["LXDH"]}
        register = {"XB": child["XBDM"], "CSSJ": child["CSSJ"], "CSDSSXQ": place, "HB": "1", "CSDJLB": "01"}
        return {
            "N2": {**birth, **clinic, "CSDXZQH": place, **woman, **man},
            "N3": {**paper, **birth, **register, "LHSFZ": guardian["GMSFHM"], **family, **who},
            "N7": {**paper, **birth, **woman},
            "N8": {**paper, **woman},
            "N4": {**kin, "CBXZQH": home["HJXZQH"], "XZ": "390", "CBRQ": self.today.isoformat()},
            "N6": {**kin, "LKFS": "2"},
            "N5": {"CBBH": got.get("CBBH"), "GMSFHM": got.get("GMSFHM"), "ND": str(self.today.year)},
        }[step]

    def shown(self) -> dict[str, Any]:
        def said(names: list[str]) -> list[Any]:
            return [{"rule": name, "message": RULES[name]["message"]} for name in names]

        return {
            "id": self.id,
            "matter": "newborn",
            "state": self.state,
            "failed_rules": said(self.failed),
            "missing": self.missing,
            "notices": said(self.notices),
            "steps": [
                {"step": s, "state": self.steps[s]} | ({"reference": r} if (r := self.references.get(s)) else {})
                for s in STEPS
            ],
            "result": self.result,
            "created_at": self.created,
            "updated_at": self.updated,
        }


def now() -> str:
    return datetime.now(BEIJING).isoformat(timespec="seconds")


def reach(form: Any, pointer: str) -> bool:
    for name in pointer.split("/")[1:]:
        if not isinstance(form, dict) or name not in form:
            return False
        form = form[name]
    return True


class Office:
    """The app's memory."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.cases: dict[str, tuple[str, Any]] = {}
        self.keys: dict[tuple[str, str], tuple[Any, Any]] = {}


class Handler(BaseHTTPRequestHandler):
    """Plain HTTP/1.0: the connection ends with every answer."""

    office: Office
    kind: type[Any]
    """The handled matters of this app."""

    def do_GET(self) -> None:
        self.answering(self.get)

    def do_POST(self) -> None:
        self.answering(self.post)

    def log_message(self, *_: object) -> None:
        pass

    def answering(self, use: Any) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.content = self.rfile.read(length)
        try:
            status, body = use()
        except Problem as problem:
            status, body = problem.body["status"], problem.body
        except Down:
            status, body = 502, {"type": "about:blank", "title": "部门无法访问", "status": 502}
        data = json.dumps(body, ensure_ascii=status < 400, indent=1).encode()
        self.send_response(status)
        self.send_header(
            "CONTENT-type", "application/json" if status < 400 else "application/problem+json; charset=utf-8"
        )
        if status == 401:
            self.send_header("www-AUTHENTICATE", "Bearer")
        self.end_headers()  # no length: the end of the connection is the end of the answer
        self.wfile.write(data)

    def get(self) -> Any:
        path = self.path.partition("?")[0]
        if path == "/health":
            return 200, {"status": "ok"}
        if found := re.fullmatch(r"/handled-matters/([A-Za-z0-9_-]+)", path):
            return self.own(found[1])
        raise Problem(404, "没有这个地址")

    def post(self) -> Any:
        path = self.path.partition("?")[0]
        if path == "/handled-matters":
            return self.submit()
        if found := re.fullmatch(r"/handled-matters/([A-Za-z0-9_-]+)/resumption", path):
            self.own(found[1])
            call = self.caller()
            case = self.office.cases[found[1]][1]
            with case.lock:
                if case.state == "partially_completed":
                    case.call = call
                    case.write()
                    case.updated = now()
                return 200, case.shown()
        raise Problem(404, "没有这个地址")

    def token(self) -> str:
        found = re.fullmatch(r"[Bb]earer +(\S+)", self.headers.get("Authorization") or "")
        if not found:
            raise Problem(401, "缺少令牌")
        return found[1]

    def own(self, name: str) -> Any:
        token = self.token()
        owner, case = self.office.cases.get(name, ("", None))
        if case is None or owner != token:
            raise Problem(404, "没有这个办件")
        with case.lock:
            return 200, case.shown()

    def caller(self) -> Any:
        token, base = self.token(), (self.headers.get("Tongban-Gateway") or "").rstrip("/")
        if not base:
            raise Problem(400, "缺少 Tongban-Gateway")
        if not base.startswith(("http://127.0.0.1", "http://localhost")):
            raise Problem(403, "不允许的入口地址")

        def call(matter: str, method: str, place: str, body: Any, key: str = "") -> tuple[int, Any]:
            headers = {
                "Authorization": f"Bearer {token}",
                "tongban-handled-matter": matter,
                "Content-Type": "application/json",
            }
            headers |= {"idempotency-key": key} if key else {}
            data = None if body is None else json.dumps(body).encode()
            for attempt in range(3):
                request = urllib.request.Request(f"{base}/{place}", data, headers, method=method)
                try:
                    with OPENER.open(request, timeout=5) as answer:
                        return answer.status, json.load(answer)
                except urllib.error.HTTPError as error:
                    if error.code < 500 and error.code != 429:
                        return error.code, json.loads(error.read() or b"{}")
                except (OSError, HTTPException, ValueError):
                    pass
                time.sleep(0.2 * attempt)
            raise Down

        return call

    def submit(self) -> Any:
        token, call = self.token(), self.caller()
        key = self.headers.get("Idempotency-Key") or ""
        if not re.fullmatch(r"[A-Za-z0-9._:-]{8,128}", key):
            raise Problem(400, "缺少幂等键")
        try:
            form = json.loads(self.content)
        except ValueError:
            raise Problem(400, "不是 JSON") from None
        errors = [
            {"pointer": "".join(f"/{part}" for part in error.instance_path)[:200], "message": "不合要求"}
            for error in self.kind.FORM.iter_errors(form)
        ]
        if errors:
            raise Problem(422, "内容不合要求", errors[:100])
        try:
            told = self.headers.get("Tongban-Today")
            today = date.fromisoformat(told) if told else datetime.now(BEIJING).date()
        except ValueError:
            raise Problem(400, "日期不对") from None
        with self.office.lock:
            before = self.office.keys.get((token, key))
            if before is None:
                case = self.kind(form, today, call, key)
                case.lock.acquire()
                self.office.keys[token, key] = form, case
        if before is not None:
            if before[0] != form:
                raise Problem(422, "幂等键已用于另一份申请")
            with before[1].lock:
                return 200, before[1].shown()
        try:
            case.run()
        except BaseException:
            with self.office.lock:
                del self.office.keys[token, key]
            raise
        finally:
            case.lock.release()
        with self.office.lock:
            self.office.cases[case.id] = token, case
        return (201 if case.state in ("completed", "partially_completed") else 200), case.shown()


OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


def start(port: int = 0, kind: type[Any] = Case) -> Server:
    """A server that listens; `serve_forever` is the caller's."""
    return Server(("127.0.0.1", port), type("Own", (Handler,), {"office": Office(), "kind": kind}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    start(parser.parse_args().port).serve_forever()
