"""The Arazzo executor against Redocly's `respect`, the specification's own cases and the JSONPath compliance suite.

`measure()` runs, against one service on this machine:

- every row of tests/data/arazzo/conditions.yaml as a document of its own, through both executors;
- every document of tests/data/arazzo/flows.yaml: what was asked of the service, in order, and whether it passed;
- the public examples, where `TONGBAN_ARAZZO_SPECIFICATION` names a checkout of OAI/Arazzo-Specification (its branch
  `dev` also holds tests/schema, whose cases are run through the form check);
- the compliance suite of RFC 9535, where `TONGBAN_JSONPATH_SUITE` names its cts.json.

Each disagreement is a row that says who is right. `respect` (npm) is installed into a folder of the benchmark's own.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from conformance.arazzo import flow
from conformance.arazzo.documents import Refused
from conformance.arazzo.form import errors
from conformance.arazzo.report import Report
from conformance.arazzo.selectors import SelectorError, nodes
from exchange.bench import row
from specs import SpecError
from specs.parse import parse
from tests.unit.conformance.arazzo_service import OPENAPI, Service, serving

DATA = Path(__file__).parent.parent / "data" / "arazzo"
RESPECT = "@redocly/cli@2"
ANSWERS: dict[str, tuple[int, Any]] = {
    "GET /pet/findByTags": (200, [{"id": 1}]),
    "GET /pet/findByStatus": (200, [{"id": 1}]),
    "POST /store/order": (200, {"id": 9}),
    "GET /authorize": (200, {"access_token": "a", "code": "c"}),
    "POST /oauth/token": (200, {"access_token": "a", "refresh_token": "r", "expires_in": 60}),
}
EXAMPLES: dict[str, dict[str, dict[str, Any]]] = {
    "pet-coupons.arazzo.yaml": {
        "apply-coupon": {"my_pet_tags": ["puppy"], "store_id": "s1"},
        "buy-available-pet": {"store_id": "s1"},
        "place-order": {"pet_id": 1, "quantity": 1},
    },
    "bnpl-arazzo.yaml": {"ApplyForLoanAtCheckout": {}},
    "oauth.arazzo.yaml": {
        "client-credentials-flow": {"client_id": "a", "client_secret": "b"},
        "authorization-code-flow": {"client_id": "a", "client_secret": "b", "redirect_uri": "https://e.example/"},
        "refresh-token-flow": {"my_client_id": "a", "my_client_secret": "b", "my_redirect_uri": "https://e.example/"},
    },
    "FAPI-PAR.arazzo.yaml": {"OIDC-PAR-AuthzCode": {}},
}


def measure() -> list[dict[str, Any]]:
    """Rows for `exchange.bench`."""
    with tempfile.TemporaryDirectory() as name, serving() as service:
        folder = Path(name)
        respect = _respect(folder)
        rows = [*_conditions(folder, service, respect), *_flows(folder, service, respect)]
        if specification := os.environ.get("TONGBAN_ARAZZO_SPECIFICATION", ""):
            rows += [*_examples(Path(specification), folder, service, respect), *_schema_cases(Path(specification))]
        else:
            rows += _left_out("public examples and schema cases", "TONGBAN_ARAZZO_SPECIFICATION")
    suite = os.environ.get("TONGBAN_JSONPATH_SUITE", "")
    return [*rows, *(_jsonpath(Path(suite)) if suite else _left_out("RFC 9535 suite", "TONGBAN_JSONPATH_SUITE"))]


def _left_out(what: str, setting: str) -> list[dict[str, Any]]:
    return [row(what, "left out", "", f"set {setting} to run it", None, "", None)]


# --- conditions


def _conditions(folder: Path, service: Service, respect: list[str]) -> Iterator[dict[str, Any]]:
    table = parse(DATA / "conditions.yaml").value
    answer = table["answer"]
    more = {name: value for name, value in answer["headers"].items() if name != "content-type"}
    service.answers["POST /orders"] = [(answer["status"], answer["body"], more)]
    (folder / "shop.yaml").write_text(OPENAPI % service.url, "utf-8")
    files = {}
    for number, entry in enumerate(table["rows"]):
        criterion = {key: entry[key] for key in ("context", "condition", "type") if key in entry}
        criterion |= {"x-exact": True} if entry.get("exact") else {}
        step = {"stepId": "s", "operationId": "$sourceDescriptions.shop.createOrder", "successCriteria": [criterion]}
        step |= {"requestBody": {"payload": {"a": 1}}}
        inputs = {"type": "object", "properties": {name: {} for name in table["inputs"]}}
        files[f"c{number:03d}.yaml"] = _document([{"workflowId": "w", "inputs": inputs, "steps": [step]}])
    for name, document in files.items():
        (folder / name).write_text(json.dumps(document), "utf-8")
    theirs = _responded(folder, [*files], table["inputs"], respect, criteria=True)
    ours: dict[str, bool] = {}
    for name in files:
        ours[name] = _ran(folder / name, service, table["inputs"]).passed
    wanted = {name: entry["passes"] for name, entry in zip(files, table["rows"], strict=True)}
    right = sum(ours[name] is wanted[name] for name in files)
    yield row(
        "condition rows as the specification says",
        right,
        f"of {len(files)}",
        "tongban",
        None,
        "all",
        right == len(files),
    )
    if not theirs:
        yield row("condition rows by respect", "left out", "", "npm is not there", None, "", None)
        return
    fixed = [name for name, entry in zip(files, table["rows"], strict=True) if not entry.get("open")]
    theirs_right = sum(theirs.get(name) is wanted[name] for name in fixed)
    yield row("stated rules kept", theirs_right, f"of {len(fixed)}", "redocly respect", None, "", None)
    agreed = sum(theirs.get(name) is ours[name] for name in files)
    yield row("verdicts that agree", agreed, f"of {len(files)}", "redocly respect", None, "", None)
    for name, entry in zip(files, table["rows"], strict=True):
        if theirs.get(name) is not ours[name]:
            said = {True: "passes", False: "fails", None: "no verdict"}[theirs.get(name)]
            who = "the specification leaves it open" if entry.get("open") else "tongban is right"
            told = f"{entry.get('type', 'simple')}: {entry['condition']} ({entry['rule']})"
            yield row(
                f"disagreement: {told}", "passes" if ours[name] else "fails", "", f"respect: {said}", who, "", None
            )


# --- flows


def _flows(folder: Path, service: Service, respect: list[str]) -> Iterator[dict[str, Any]]:
    table = parse(DATA / "flows.yaml").value
    agreed, right, told = 0, 0, []
    for number, entry in enumerate(table):
        name = f"f{number:03d}.yaml"
        (folder / name).write_text(json.dumps(_document(entry["workflows"], entry.get("components"))), "utf-8")
        found = []
        for mine in (True, False) if respect else (True,):
            service.asked.clear()
            service.answers.clear()
            for place, turns in entry.get("answers", {}).items():
                service.answers[place] = [tuple(turn) for turn in turns]
            inputs, workflow = entry.get("inputs", {}), entry["workflows"][0]["workflowId"]
            if mine:
                passed: bool | None = _ran(folder / name, service, inputs, workflow).passed
            else:
                passed = _responded(folder, [name], inputs, respect, ["--workflow", workflow]).get(name)
            asked = [f"{path} {one['body']}".strip() for path, one in zip(service.paths, service.asked, strict=True)]
            found.append((passed, [_plain(one) for one in asked]))
        wanted = (entry["passes"], [_plain(one) for one in entry["asked"]])
        right += found[0] == wanted
        if found[0] != wanted:
            told.append(row(f"wrong: {entry['rule']}", str(found[0]), "", str(wanted), "tongban is wrong", "", False))
        if respect and found[0] == found[1]:
            agreed += 1
        elif respect:
            who = "the specification leaves it open" if entry.get("open") else "tongban is right"
            who = who if found[0] == wanted else "respect is right" if found[1] == wanted else "both are wrong"
            ours, theirs = (f"{'passes' if p else 'fails' if p is False else 'no verdict'} {a}" for p, a in found)
            told.append(row(f"disagreement: {entry['rule']}", ours, "", f"respect: {theirs}", who, "", None))
    yield row("flows as the specification says", right, f"of {len(table)}", "tongban", None, "all", right == len(table))
    if respect:
        yield row("flows that agree", agreed, f"of {len(table)}", "redocly respect", None, "", None)
    yield from told


def _plain(asked: str) -> str:
    """A request as method, path and body, JSON bodies in one spelling."""
    head, _, body = asked.partition(" {")
    return f"{head} {json.dumps(json.loads('{' + body), sort_keys=True)}" if body else asked


def _document(workflows: list[Any], components: Any = None) -> dict[str, Any]:
    made = {
        "arazzo": "1.0.1",
        "info": {"title": "t", "version": "1"},
        "sourceDescriptions": [{"name": "shop", "url": "./shop.yaml", "type": "openapi"}],
        "workflows": workflows,
    }
    return {**made, "components": components} if components else made


def _ran(path: Path, service: Service, inputs: dict[str, Any], *workflow: str) -> Report:
    planned = flow.plan(path, servers={"shop": service.url}, workflows=workflow)
    return flow.run(planned, inputs)[0]


# --- Redocly


def _respect(folder: Path) -> list[str]:
    """The command of `respect`, installed beside; [] where npm is not there."""
    if shutil.which("npm") is None:
        return []
    home = Path(tempfile.gettempdir()) / "tongban-bench-respect"
    command = home / "node_modules" / ".bin" / "redocly"
    if not command.exists():
        words = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(home), RESPECT]
        subprocess.run(words, capture_output=True, timeout=300, check=False)
    return [str(command), "respect"] if command.exists() else []


def _responded(
    folder: Path,
    names: list[str],
    inputs: dict[str, Any],
    respect: list[str],
    more: list[str] | None = None,
    criteria: bool = False,
) -> dict[str, bool]:
    """Whether each document passed; a document without a verdict (refused) is absent.

    With `criteria` only the criteria count: `respect` also asks that the status be documented, whatever they say.
    """
    if not respect:
        return {}
    out = folder / "respect.json"
    out.unlink(missing_ok=True)
    words = [*respect, *names, "--json-output", out.name, "--input", json.dumps(inputs), *(more or [])]
    environment = {**os.environ, "REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}
    subprocess.run(words, cwd=folder, capture_output=True, timeout=300, env=environment, check=False)
    if not out.exists():
        return {}
    files = json.loads(out.read_text("utf-8"))["files"]
    verdicts = {}
    for name, found in files.items():
        flows = found.get("executedWorkflows", [])
        checks = [check for one in flows for step in one["executedSteps"] for check in step.get("checks", [])]
        checks = [check for check in checks if check["name"] == "success criteria check"]
        if flows and criteria:
            verdicts[Path(name).name] = bool(checks) and all(check["passed"] for check in checks)
        elif flows:
            verdicts[Path(name).name] = all(one["status"] == "success" for one in flows)
    return verdicts


# --- public examples, schema cases, JSONPath


def _examples(root: Path, folder: Path, service: Service, respect: list[str]) -> Iterator[dict[str, Any]]:
    place = folder / "examples"
    shutil.copytree(root / "examples" / "1.0.0", place)
    service.answers |= {path: [answer] for path, answer in ANSWERS.items()}
    for path in sorted(place.glob("*arazzo.yaml")):
        name = parse(path).value["sourceDescriptions"][0]["name"]
        for workflow, inputs in EXAMPLES.get(path.name, {"": {}}).items():
            chosen = [workflow] if workflow else []
            try:
                report = flow.run(flow.plan(path, servers={name: service.url}, workflows=chosen), inputs)[0]
                told = "passes" if report.passed else f"fails: {report.flows[0].reason}"
            except (Refused, SpecError, flow.UsageError) as error:
                told = f"refused: {error}".replace(f"{place}/", "")
            options = ["--server", f"{name}={service.url}", *[word for id in chosen for word in ("--workflow", id)]]
            theirs = _responded(place, [path.name], inputs, respect, options).get(path.name)
            said = {True: "passes", False: "fails", None: "refused"}[theirs]
            agree = "agree" if told.startswith(said) else "see the value"
            yield row(f"example {path.name} {workflow}".strip(), told[:240], "", f"respect: {said}", agree, "", None)


def _schema_cases(root: Path) -> Iterator[dict[str, Any]]:
    for kind in ("pass", "fail"):
        files = sorted((root / "tests" / "schema" / kind).glob("*.yaml"))
        right = sum(bool(list(errors(parse(path).value))) is (kind == "fail") for path in files)
        if files:
            against = "OAI/Arazzo-Specification tests/schema"
            yield row(f"schema cases: {kind}", right, f"of {len(files)}", against, None, "all", right == len(files))


def _jsonpath(suite: Path) -> Iterator[dict[str, Any]]:
    cases = json.loads(suite.read_text("utf-8"))["tests"]
    right = sum(_complies(case) for case in cases)
    yield row(
        "RFC 9535 compliance", right, f"of {len(cases)}", "the suite's cts.json", None, "all", right == len(cases)
    )


def _complies(case: dict[str, Any]) -> bool:
    try:
        found = [node.value for node in nodes(case["selector"], case.get("document"))]
    except SelectorError:
        return bool(case.get("invalid_selector"))
    if case.get("invalid_selector"):
        return False
    return found in (case["results"] if "results" in case else [case["result"]])
