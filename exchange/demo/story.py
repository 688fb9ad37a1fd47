"""The newborn story in eight steps. Each step acts through the API, then checks that the service shows what it should.

A step that was interrupted is simply done again: everything it creates is remembered or idempotent.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2

from exchange.demo import guardian
from exchange.demo.apps import Apps
from exchange.demo.client import Api, Person
from exchange.demo.evidence import contradictions, expect, prove
from exchange.demo.family import Family, family
from exchange.demo.memory import Memory
from exchange.demo.world import MATTER, World
from exchange.settings import Settings
from specs import Kind, library

PURPOSE = "社会保障卡制发身份核验"
APPS = (
    ("linan-software", "right", {"zh_CN": "安心出生", "en": "Safe Start"}),
    ("kuaiban-tech", "unmarried", {"zh_CN": "快办出生", "en": "Quick Birth"}),
    ("quanzhi-data", "overreading", {"zh_CN": "全知出生", "en": "Birth Insight"}),
)


class Story:
    """All steps over one running service. ``tell`` is called with short progress texts."""

    def __init__(
        self,
        settings: Settings,
        operator_secret: str,
        memory: Memory,
        apps: Apps,
        rows: int,
        tell: Callable[[str], object],
    ) -> None:
        self.settings, self.memory, self.apps, self.tell = settings, memory, apps, tell
        self.rows = rows
        self.world = World(settings.base_url, operator_secret, memory)
        self.steps: tuple[tuple[str, Callable[[], str]], ...] = (
            ("parties", self.parties),
            ("interfaces", self.interfaces),
            ("datasets", self.datasets),
            ("sandboxes", self.sandboxes),
            ("market", self.market),
            ("sharing", self.sharing),
            ("citizen", self.citizen),
            ("oversight", self.oversight),
        )

    def parties(self) -> str:
        """Seven departments, two offices, the public and three vendors, with members and credentials."""
        parties, members = self.world.populate()
        shown = self.world.operator.get("/api/v1/parties")["items"]
        expect(len(shown) >= parties, f"{parties} parties were registered, {len(shown)} are shown")
        return f"{parties} parties, {members} members with credentials"

    def interfaces(self) -> str:
        """Every document of the matter, registered and published through the API; services are seen to work first."""
        published = 0
        matter = library.matter(MATTER)
        documents = [*library.around(MATTER).values(), matter.interface, matter.process]
        for interface in documents:
            assert interface.department is not None
            identifier, api = interface.id, self.world.program(interface.department)
            text = interface.document.text.decode()
            made = api.post("/api/v1/interfaces", {"filename": interface.document.name, "document": text})
            expect(made["id"] == identifier, f"{identifier} was registered as {made['id']}")
            if made["state"] != "published":
                if identifier in library.around(MATTER) and interface.kind is Kind.API:
                    self._open(api, identifier)
                    probe = api.post(f"/api/v1/interfaces/{identifier}/probes")
                    expect(probe["passed"], f"{identifier} does not answer as documented: {probe['results']}")
                api.post(f"/api/v1/interfaces/{identifier}/versions/{made['version']}/publication")
            published += 1
            self.tell(f"{published} published")
        shown = self._all(self.world.operator, "/api/v1/interfaces")
        live = [item for item in shown if item["state"] == "published"]
        expect(len(live) == published, f"{published} were published, the catalogue shows {len(live)}")
        kinds = [sum(item["kind"] == kind for item in live) for kind in ("api", "dataset", "process")]
        return f"{published} published: {kinds[0]} services, {kinds[1]} datasets, {kinds[2]} process"

    def datasets(self) -> str:
        """A dataset per contract from one population, each with its validation result; joined, they never disagree."""
        vendor = self.world.program("linan-software")
        asked = {}
        for interface in library.around(MATTER).values():
            if interface.kind is not Kind.DATASET:
                continue
            wish = {
                "interface": interface.id,
                "table": interface.tables[0].name,
                "rows": self.rows,
                "seed": self.settings.population_seed,
                "format": "parquet",
                "purpose": "develop a newborn app",
            }
            asked[interface.id] = self._made(
                vendor, "/api/v1/datasets", wish, partial(_same, "interface", interface.id)
            )
        folder = Path(self.settings.home) / "story"
        folder.mkdir(exist_ok=True)
        files = {}
        for interface_id, identifier in asked.items():
            path = f"/api/v1/datasets/{identifier}"
            done = vendor.until(path, _over, tick=lambda there, name=interface_id: self.tell(_progress(name, there)))
            expect(done["state"] == "done", f"the dataset of {interface_id} ended {done['state']}: {done.get('error')}")
            expect(done["rows"] == self.rows, f"{interface_id} has {done['rows']} rows")
            expect(bool(done["quality"]["success"]), f"{interface_id} fails its own expectations")
            file = next(file for file in done["files"] if file["kind"] == "data")
            files[interface_id] = folder / f"{interface_id}.parquet"
            files[interface_id].write_bytes(vendor.call("GET", file["url"]).content)
        compared = contradictions(files)
        return f"{len(files)} datasets × {self.rows:,} rows, all expectations met, {compared:,} shared citizens agree"

    def sandboxes(self) -> str:
        """Every department's service is simulated by a sandbox; a vendor's own answers from the same population."""
        vendor = self.world.program("linan-software")
        every = [i.id for i in library.around(MATTER).values() if i.kind is Kind.API]
        box = self.memory.once("sandbox vendor", partial(vendor.post, "/api/v1/sandboxes", {"interfaces": every}))
        asked = 0
        for name, path, body, expected in self._family().questions():
            answer = httpx2.post(
                f"{box['url']}/{name}{path}",
                json=body,
                headers={"Authorization": f"Bearer {box['key']}", "Idempotency-Key": f'"{asked}"'},
                timeout=30,
            )
            expect(answer.status_code == 200, f"{name}{path} answered {answer.status_code}: {answer.text[:200]}")
            got = answer.json()
            wrong = {field: (got.get(field), value) for field, value in expected.items() if got.get(field) != value}
            expect(not wrong, f"{name} contradicts the population: {wrong}")
            asked += 1
        return f"{len(every)} departmental sandboxes; {asked} departments asked over HTTP agree on one family"

    def market(self) -> str:
        """A demand, three orders, three apps tested on hidden data: exactly the right one is listed."""
        lead = self.world.program(library.matter(MATTER).department)
        title = {"zh_CN": "新生儿出生一件事应用", "en": "An app for the newborn matter"}
        demand = self._made(
            lead, "/api/v1/demands", {"matter": MATTER, "title": title}, partial(_same, "matter", MATTER)
        )
        runs = {variant: self._submit(demand, vendor, variant, name) for vendor, variant, name in APPS}
        verdicts = {}
        for variant in runs:
            runs[variant], verdicts[variant] = self._verdict(variant, *runs[variant])
        self._check_verdicts(runs, verdicts)
        listed = self.world.operator.get(f"/api/v1/matters/{MATTER}/listings")["items"]
        vendors = [item["vendor"] for item in listed]
        expect(vendors == ["linan-software"], f"listed are {vendors}, not exactly the right app")
        self.memory.put("listing", listed[0]["id"])
        failing = len(verdicts["unmarried"]["failing"]), len(verdicts["overreading"]["failing"])
        grade = verdicts["right"]["grade"]
        return f"right app listed with grade {grade}; refused: {failing[0]} and {failing[1]} failing cases"

    def sharing(self) -> str:
        """One department applies for another's data, gets only the agreed fields; another purpose is refused."""
        asking = self.world.program("human-resources")
        agreed = ["XM", "CSRQ"]
        wish = {
            "interface": "police.residents",
            "operations": ["queryResident"],
            "fields": agreed,
            "legal_basis": "社会保险经办条例第六条",
            "scenario": "社会保障卡申领",
            "purpose": PURPOSE,
            "mode": "service",
            "duration_days": 365,
            "approved_by": "共享工作机构负责人",
        }
        present = self._consented(asking, wish)
        self._consented(self.world.program(guardian.DEPARTMENT), guardian.WISH)
        person = self._family().mother
        who = {"XM": person["XM"], "GMSFHM": person["GMSFHM"]}
        headers = {"Tongban-Agreement": present["agreement"], "Tongban-Purpose": quote(PURPOSE)}
        path = "/exchange/police.residents/resident-queries"
        answer = asking.call("POST", path, headers=headers, json=who)
        expect(set(answer.json()) == set(agreed), f"{sorted(answer.json())} left, agreed were {agreed}")
        expect(answer.json()["XM"] == person["XM"], "the name that came is not that of the population")
        receipt = asking.call("GET", f"/api/v1/receipts/{answer.headers['Tongban-Receipt']}").text
        expect("c2sp.org/tlog-proof@v1" in receipt, "the receipt is no tlog-proof")
        other = asking.call(
            "POST", path, headers={**headers, "Tongban-Purpose": quote("商业营销")}, allow=(403,), json=who
        )
        expect(other.status_code == 403, "a call for another purpose was not refused")
        rule = other.json()["rule"]
        expect(rule == "purpose-mismatch", f"it was refused by {rule}")
        return f"got {', '.join(agreed)} and nothing else, with receipt; other purpose refused by rule {rule}"

    def citizen(self) -> str:
        """A citizen opens the listed app; departments confirm every step; the matter is rated; a statement is made."""
        citizen = self._person("citizen@citizens")
        matter = self.memory.values.get("handled matter")
        if matter is None:
            opened = citizen.post(f"/api/v1/listings/{self.memory.values['listing']}/launches")
            answer = httpx2.post(
                f"{opened['app_url']}/handled-matters",
                json=self._family().application(_today()),
                headers={
                    "Authorization": f"Bearer {opened['token']}",
                    "Tongban-Gateway": opened["gateway"],
                    "Idempotency-Key": opened["launch"],
                },
                timeout=60,
            )
            expect(
                answer.status_code in (200, 201),
                f"the app answered {answer.status_code}: {answer.text[:300]}",
            )
            expect(answer.json()["state"] == "completed", f"the app says {answer.text[:400]}")
            matter = opened["handled_matter"]
            done = {step["step"]: step.get("reference") for step in answer.json()["steps"]}
            self.memory.put("child", {"number": answer.json()["result"]["GMSFHM"], "registration": done["N3"]})
            self.memory.put("handled matter", matter)
        recorded = citizen.get(f"/api/v1/handled-matters/{matter}")
        expect(
            recorded["state"] == "completed",
            f"the gateway's record says {recorded['state']}: {recorded['steps']}",
        )
        rated = citizen.call(
            "POST",
            f"/api/v1/handled-matters/{matter}/rating",
            json={"level": 5, "comment": "很方便"},
            allow=(409,),
        )
        expect(rated.status_code in (201, 409), "the rating was not taken")
        finance = self.world.program("finance-office")
        today = _today()
        asked = self.memory.once(
            "settlement",
            lambda: finance.post(
                "/api/v1/settlements",
                {
                    "period_start": today.replace(day=1).isoformat(),
                    "period_end": (today + timedelta(days=1)).isoformat(),
                },
            )["id"],
        )
        made = finance.until(f"/api/v1/settlements/{asked}", lambda a: a["statement"])
        line = made["statement"]["lines"][0]
        expect(line["vendor"] == "linan-software", "the fee goes to another vendor")
        steps, fee = len(recorded["steps"]), line["amount_fen"] / 100
        return f"handled matter completed in {steps} confirmed steps, rated 5, fee {fee:.2f} yuan"

    def oversight(self) -> str:
        """The data officer sees every flow, among them the refused one; the whole log is proved offline."""
        officer = self.world.program("data-office")
        flows = self._flows(officer)
        refused = [flow for flow in flows if flow["state"] == "refused" and flow["rule"] == "purpose-mismatch"]
        expect(bool(refused), "the refused call is not among the flows")
        matter = [flow for flow in flows if flow["launch"] and flow["state"] == "delivered"]
        recorded = self._person("citizen@citizens").get(
            f"/api/v1/handled-matters/{self.memory.values['handled matter']}"
        )
        seen = {f"{flow['interface']}#{flow['operation']}" for flow in matter}
        expect(set(recorded["steps"]) <= seen, "a step of the handled matter is not among the flows")
        child = self.memory.values["child"]
        mother = str(self._family().mother["GMSFHM"])
        uses = guardian.as_guardian(self.settings.base_url, mother, child["number"], child["registration"])
        bundle = Path(self.settings.home) / "story" / "ledger.bundle"
        bundle.write_bytes(officer.call("GET", "/api/v1/ledger/bundle").content)
        return f"{len(flows)} flows shown, {len(refused)} refused; a guardian saw {uses} uses; {prove(bundle)}"

    def _consented(self, asking: Api, wish: dict[str, Any]) -> dict[str, Any]:
        """An application to the police and their consent."""
        application = self._made(asking, "/api/v1/applications", wish, partial(_same, "interface", wish["interface"]))
        present = asking.get(f"/api/v1/applications/{application}")
        if present["state"] == "filed":
            answer = f"/api/v1/applications/{application}/answer"
            self._person("reviewer@police").call("POST", answer, json={"decision": "consent"}, allow=(409,))
            present = asking.get(f"/api/v1/applications/{application}")
        expect(present["state"] == "consented", f"the application is {present['state']}: {present.get('missing')}")
        return dict(present)

    def _open(self, api: Api, interface: str) -> None:
        wish = {"interfaces": [interface], "seed": self.settings.population_seed}
        box = self.memory.once(f"sandbox {interface}", partial(api.post, "/api/v1/sandboxes", wish))
        if f"endpoint {interface}" not in self.memory.values:
            place = {"url": f"{box['url']}/{interface}"}
            api.call("PUT", f"/api/v1/interfaces/{interface}/endpoint", json=place)
            self.memory.put(f"endpoint {interface}", place["url"])

    def _submit(self, demand: str, vendor: str, variant: str, name: dict[str, str]) -> tuple[Api, str]:
        api = self.world.program(vendor)
        order = api.post(f"/api/v1/demands/{demand}/orders")["id"]
        app = self._made(api, "/api/v1/apps", {"order": order, "name": name}, partial(_same, "order_id", order))
        url, digest = self.apps.start(variant)
        version = api.post(
            f"/api/v1/apps/{app}/versions",
            {"version": "1.0.0", "url": url, "artefact_digest": f"sha256:{digest}"},
        )["id"]
        submit = f"/api/v1/app-versions/{version}/certifications"
        return api, str(self.memory.once(f"certification {vendor}", lambda: api.post(submit)["id"]))

    def _verdict(self, variant: str, api: Api, run: str) -> tuple[tuple[Api, str], dict[str, Any]]:
        def ended(there: dict[str, Any]) -> bool:
            return there["state"] not in {"queued", "running"}

        self.tell(f"testing the app {variant}")
        verdict = api.until(f"/api/v1/certifications/{run}", ended)
        if verdict["state"] == "errored":
            # nobody's verdict: the app was not up when the service resumed its test; its vendor asks again
            run = api.post(f"/api/v1/app-versions/{verdict['app_version']}/certifications")["id"]
            self.memory.put(f"certification {verdict['vendor']}", run)
            verdict = api.until(f"/api/v1/certifications/{run}", ended)
        return (api, run), verdict

    def _check_verdicts(self, runs: dict[str, tuple[Api, str]], verdicts: dict[str, Any]) -> None:
        states = {variant: verdict["state"] for variant, verdict in verdicts.items()}
        wanted = {"right": "passed", "unmarried": "refused", "overreading": "refused"}
        expect(states == wanted, f"the verdicts are {states}: {[v.get('reasons') for v in verdicts.values()]}")
        api, run = runs["right"]
        expect(
            bool(api.get(f"/api/v1/certifications/{run}/certificate")["envelopes"]),
            "there is no signed certificate",
        )
        for variant in ("unmarried", "overreading"):
            api, run = runs[variant]
            report = api.call("GET", f"/api/v1/certifications/{run}/report.json").text
            expect("curl " in report, f"the report on the app {variant} has no curl line")
        expect("E3" in json.dumps(verdicts["unmarried"]["reasons"]), "E3 is not named")

    def example(self) -> str:
        """A family to type into the newborn form."""
        wish = self._family().application(_today())
        people = (f"{role} {wish[role]['XM']} {wish[role]['GMSFHM']}" for role in ("mother", "father"))
        return f"{', '.join(people)}, institution {wish['newborn']['JGDM']}"

    def _family(self) -> Family:
        return family(self.settings)

    def _person(self, login: str) -> Api:
        return Person(self.settings.base_url, self.memory.values[f"member {login}"])

    def _made(self, api: Api, path: str, body: dict[str, Any], same: Callable[[dict[str, Any]], bool]) -> str:
        """The id of the one thing there that is ``same``, or of a new one: a repeated step makes nothing twice."""
        there = next((item for item in self._all(api, path) if same(item)), None)
        return str((there or api.post(path, body))["id"])

    def _all(self, api: Api, path: str) -> list[dict[str, Any]]:
        items, token = [], None
        while True:
            answer = api.get(path, **({"page_token": token} if token else {}))
            items += answer["items"]
            token = answer.get("next_page_token")
            if not token:
                return items

    def _flows(self, officer: Api) -> list[dict[str, Any]]:
        return list(officer.get("/api/v1/flows", limit=1000)["items"])


def _same(name: str, value: object, there: dict[str, Any]) -> bool:
    return bool(there[name] == value)


def _over(answer: dict[str, Any]) -> bool:
    return answer["state"] in {"done", "failed", "cancelled"}


def _progress(name: str, there: dict[str, Any]) -> str:
    return f"{name} {there.get('progress') or there['state']}"


def _today() -> date:
    return datetime.now(UTC).date()


def timed(step: Callable[[], str]) -> tuple[str, float]:
    """What a step says, and its seconds."""
    began = time.perf_counter()
    return step(), time.perf_counter() - began
