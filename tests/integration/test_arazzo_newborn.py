"""The shipped newborn process, carried out as it is written against a hidden country's departments."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from conformance import suites
from conformance.cli import app
from conformance.gateway import Gateway
from conformance.run import country
from specs import library

PROCESS = Path(library.__file__).parent / "matters" / "newborn" / "process.arazzo.yaml"
TODAY = date(2026, 11, 20)


def given(application: dict[str, Any], division: str) -> dict[str, Any]:
    """The inputs of the process that an application says."""
    child, mother, father, applicant = (application[name] for name in ("newborn", "mother", "father", "applicant"))
    return {
        "mother_name": mother["XM"],
        "mother_number": mother["GMSFHM"],
        "father_name": father["XM"],
        "father_number": father["GMSFHM"],
        "newborn_name": child["XM"],
        "newborn_sex": child["XBDM"],
        "birth_date": child["CSRQ"],
        "birth_time": child["CSSJ"],
        "birth_order": 1,
        "institution": child["JGDM"],
        "follow_name": father["XM"],
        "follow_number": father["GMSFHM"],
        "follow_division": division,
        "applicant_name": applicant["XM"],
        "applicant_number": applicant["GMSFHM"],
        "applicant_phone": applicant["LXDH"],
        "today": TODAY.isoformat(),
        "year": str(TODAY.year),
        "idempotency_key": "flow-1",
    }


@pytest.fixture(scope="module")
def suite() -> Any:
    return suites.load("newborn")


def test_the_newborn_process_runs_from_the_checks_to_the_last_department(suite: Any, tmp_path: Path) -> None:
    with Gateway(suite.departments.values(), country("flow"), seed="flow", today=TODAY, salt="s") as gateway:
        world = suite.world(suite, gateway, country("flow"), "flow", TODAY)
        family = world.families["complete.father"]
        inputs = tmp_path / "inputs.json"
        inputs.write_text(json.dumps(given(world.application("complete.father"), family.father.division)), "utf-8")
        process = library.matter("newborn").process.process
        assert process is not None
        servers = [f"--server={one.name}={gateway.url}/{one.interface}" for one in process.sources]
        words = ["flow", str(PROCESS), *servers, f"--input=@{inputs}", "--json"]
        token = f"--header=Authorization: Bearer {gateway.launch('citizen')}"
        found = CliRunner().invoke(app, [*words, token])
        report = json.loads(found.stdout or "{}")
        assert found.exit_code == 0, found.stderr + json.dumps(report, ensure_ascii=False, indent=1)[:4000]
        (flow,) = report["workflows"]
        order = [step["step"] for step in flow["steps"]]
        assert order.index("N2") < order.index("N3") < order.index("N4") < order.index("N5")
        assert set(flow["outputs"]) == {"CSZMBH", "GMSFHM", "JZDAH", "CBBH", "JFPZH", "SBKH", "SLH"}
        assert all(flow["outputs"].values())
        assert report["requests"] == len(gateway.record(["citizen"])) == len(order)
        # The same application again: the certificate is there already, and the process stops where it says so.
        stranger = f"--header=Authorization: Bearer {gateway.launch('other')}"
        again = CliRunner().invoke(app, [*words, stranger, "--input=idempotency_key=flow-2"])
        assert again.exit_code == 1, again.stderr
        failed = [step for step in json.loads(again.stdout)["workflows"][0]["steps"] if not step["passed"]]
        assert [step["step"] for step in failed] == ["N2"]
        assert failed[0]["attempts"][0]["response"]["status"] == 409
        assert failed[0]["attempts"][0]["curl"].startswith("curl -sS -X POST")
