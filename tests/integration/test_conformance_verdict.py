"""What becomes of a verdict: derived again from its seed, refused for each reason, replayed, compared, followed."""

from __future__ import annotations

import contextlib
import copy
import json
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from conformance import suites
from conformance.case import Outcome
from conformance.certificate import Subject, certificate_id, issue
from conformance.cli import app as command
from conformance.examples.newborn.right import RightApp
from conformance.examples.newborn.unmarried import UnmarriedApp
from conformance.gateway import Gateway
from conformance.grade import grade, policy
from conformance.rederive import rederive
from conformance.report import Report, from_json, hide, to_json
from conformance.revocation import Revoked, publish
from conformance.run import run
from mockdata.sandbox.messages import problem

NONCE = "n" * 32
APP = Subject("newborn-app", "1.2.0", "d" * 64)
SOME = [
    "complete.father",
    "E1.second-certificate",
    "E3.divorced",
    "fault.resume",
    "fault.cut",
    "access.foreign-token",
    "access.smuggled",
    "access.bad-token",
    "once.repeat",
    "once.at-once",
]


@contextlib.contextmanager
def served(asgi: Any) -> Iterator[str]:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(asgi, log_config=None, log_level="critical"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.005)
        try:
            yield f"http://127.0.0.1:{sock.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(timeout=10)


def conduct(url: str, *seeds: str, **more: Any) -> Report:
    return run(suites.load("newborn"), url, seeds, **{"nonce": NONCE, "hidden": False, "only": SOME, **more})


def told(*words: object, code: int = 0) -> str:
    done = CliRunner().invoke(command, [str(word) for word in words])
    assert done.exit_code == code, done.output
    return done.output


@pytest.fixture(scope="module")
def report() -> Report:
    with served(RightApp().asgi) as url:
        return conduct(url, "first", "second")


@pytest.fixture
def files(tmp_path: Path, report: Report) -> dict[str, Path]:
    """A certificate, its revealed report, its certifier's key."""
    key, now = Ed25519PrivateKey.from_private_bytes(b"k" * 32), datetime.now(UTC)
    # a few cases stand for the whole suite: what they leave untested is not asked here
    verified = {name for case in report.cases for name in case.case.requirements}
    mark = grade(
        Report(
            **{name: getattr(report, name) for name in report.__dataclass_fields__ if name != "requirements"},
            requirements=tuple(r for r in report.requirements if r.id in verified),
        ),
        policy(),
    )
    made = issue(hide(report), mark, APP, {}, key, issued=now - timedelta(1), expires=now + timedelta(30))
    found = {name: tmp_path / name for name in ("certificate.json", "reveal.json", "key.pem", "revocations.json")}
    found["certificate.json"].write_text(json.dumps(made))
    found["reveal.json"].write_text(json.dumps(to_json(report), ensure_ascii=False))
    form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    found["key.pem"].write_bytes(key.public_key().public_bytes(*form))
    entry = Revoked(certificate_id(made), "2026-11-05T00:00:00Z", "it kept citizen numbers")
    found["revocations.json"].write_text(json.dumps(publish([entry], key, issued=now, until=now + timedelta(days=7))))
    return found


def test_a_verdict_is_derived_again_from_its_revealed_seed_without_the_app(files: dict[str, Path]) -> None:
    said = told("rederive", files["certificate.json"], files["reveal.json"], "--key", files["key.pem"])
    assert "the same: " in said
    assert "in 11 cases" in said


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        (("turns", 0, "expected", "state"), "completed", "/turns/0/expected"),
        (("calls", 0, "status"), 201, "/calls/0/status"),
        (("turns", 0, "path"), "/elsewhere", "request"),
    ],
)
def test_what_does_not_follow_from_the_seed_is_named(report: Report, path: Any, value: Any, place: str) -> None:
    document = copy.deepcopy(to_json(report))
    [case] = [case for case in document["cases"] if case["case"]["id"] == "E3.divorced"]
    part: Any = case["runs"][1]
    for step in path[:-1]:
        part = part[step]
    part[path[-1]] = value
    found = rederive(suites.load("newborn"), from_json(document)).difference
    assert found is not None
    assert (found.case, found.seed) == ("E3.divorced", 2)
    assert place in found.place


def test_an_altered_report_and_other_seeds_are_refused_before_anything_is_derived(files: dict[str, Path]) -> None:
    document = json.loads(files["reveal.json"].read_text())
    words = ["rederive", files["certificate.json"], files["reveal.json"], "--key", files["key.pem"]]
    for change, reason in (
        ({"requests": 1}, "wrong-report"),
        ({"seeds": ["first", "third"]}, "wrong-seed"),
        ({"seeds": None, "nonce": None}, "hidden"),
    ):
        files["reveal.json"].write_text(json.dumps(document | change))
        assert f"refused ({reason})" in told(*words, code=1)


def test_every_bad_certificate_is_refused_for_its_own_reason(files: dict[str, Path]) -> None:
    verify = ["verify", files["certificate.json"], "--key", files["key.pem"]]
    assert "whether it was revoked was not checked" in told(*verify)
    good = ["--app-digest", "sha256:" + "d" * 64, "--app-version", "1.2.0", "--matter", "newborn"]
    assert "valid: newborn-app 1.2.0" in told(*verify, *good)
    policies = Path(str(Path(suites.__file__).parents[1])) / "policies"
    assert "valid" in told(*verify, "--policy", policies / "grade-2.yaml")
    assert "it kept citizen numbers" in told(*verify, "--revocations", files["revocations.json"], code=1)
    for more, reason in (
        (["--app-digest", "e" * 64], "wrong-app"),
        (["--app-version", "1.2.1"], "wrong-version"),
        (["--policy", policies / "grade-1.yaml"], "wrong-policy"),
        (["--revocations", files["revocations.json"]], "revoked"),
        (["--revocations", files["certificate.json"]], "list-malformed"),
    ):
        assert json.loads(told(*verify, *more, "--json", code=1).splitlines()[0])["reason"] == reason
    whole = files["certificate.json"].read_text()
    files["certificate.json"].write_text(whole.replace('"sig": "', '"sig": "AA'))
    assert "refused" in told(*verify, code=1)


def test_one_case_is_played_again_on_the_same_data(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    with served(UnmarriedApp().asgi) as url:
        path.write_text(json.dumps(to_json(conduct(url, "first", "second", only=["E3.divorced"]))))
        said = told("replay", path, "E3.divorced", "--app", url, code=1)
        assert "FAIL then, FAIL now, with the same findings" in said
    with served(RightApp().asgi) as url:
        made = told("replay", path, "E3.divorced", "--app", url, "--json")
    again = json.loads(made[made.index("{") : made.rindex("}") + 1])
    first = json.loads(path.read_text())
    assert again["seeds"] == ["first", "second"]
    subjects = [[run["subject"] for run in case["runs"]] for doc in (first, again) for case in doc["cases"]]
    assert subjects[:2] == subjects[2:]
    later = tmp_path / "later.json"
    later.write_text(json.dumps(again))
    assert "fixed (1)" in told("compare", path, later)
    assert "broken (1)" in told("compare", later, path, code=1)
    assert "had no case E9" in told("replay", path, "E9", "--app", "http://127.0.0.1:9", code=2)


def test_a_department_of_ours_that_breaks_is_our_error(monkeypatch: pytest.MonkeyPatch) -> None:
    handled = Gateway._handled

    def broken(self: Gateway, request: Any) -> Any:
        return problem(500, "broke down") if "marriage-checks" in request.path else handled(self, request)

    monkeypatch.setattr(Gateway, "_handled", broken)
    with served(RightApp().asgi) as url:
        made = conduct(url, "first", only=["complete.father"])
    case = made.case("complete.father")
    assert case.outcome is Outcome.ERROR
    assert "civil-affairs.marriages" in case.runs[0].note["en"]


class Closed:
    """Says that it is out of service, or only that one thing is."""

    def __init__(self, asgi: Any, *, healthy: bool) -> None:
        self.asgi, self.healthy, self.asked = asgi, healthy, 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            health = scope["path"] == "/health"
            self.asked += health
            if not (health and (self.healthy or self.asked == 1)):
                await send({"type": "http.response.start", "status": 503, "headers": [(b"content-length", b"0")]})
                await send({"type": "http.response.body", "body": b""})
                return
        await self.asgi(scope, receive, send)


@pytest.mark.parametrize(("healthy", "outcome"), [(False, Outcome.INCONCLUSIVE), (True, Outcome.FAIL)])
def test_an_app_out_of_service_shows_nothing_and_one_that_only_says_so_fails(healthy: bool, outcome: Outcome) -> None:
    with served(Closed(RightApp().asgi, healthy=healthy)) as url:
        assert conduct(url, "first", only=["complete.father"]).case("complete.father").outcome is outcome
