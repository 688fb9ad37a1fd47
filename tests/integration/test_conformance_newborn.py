"""The newborn suite end to end: real apps in processes and threads of their own, real HTTP, the command as typed."""

from __future__ import annotations

import contextlib
import json
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import httpx2
import pytest
import uvicorn

from conformance import suites
from conformance.case import Outcome
from conformance.certificate import commitment
from conformance.examples.newborn.right import RightApp
from conformance.examples.newborn.unmarried import UnmarriedApp
from conformance.grade import grade, policy
from conformance.report import from_json, stable, to_json
from conformance.run import RunError, run, virtual_today
from conformance.suites.general import facts, loads
from conformance.transport import HttpTransport

COMMAND = [sys.executable, "-m", "exchange.cli", "conform"]
NONCE = "n" * 32


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


@contextlib.contextmanager
def started(name: str) -> Iterator[str]:
    """An example app as its vendor starts it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", f"conformance.examples.newborn.{name}", "--port", str(port)]
    process = subprocess.Popen(command)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            with contextlib.suppress(httpx2.HTTPError):
                if httpx2.get(f"{url}/health").status_code == 200:
                    break
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=10)


def conduct(url: str, *seeds: str, **more: Any) -> Any:
    return run(suites.load("newborn"), url, seeds or ("one",), **{"quick": True, "nonce": NONCE, **more})


def command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *words], capture_output=True, text=True, timeout=240)


def test_the_right_app_earns_an_a_on_two_hidden_seeds_with_fuzzing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "LEISURE", 0.3)
    monkeypatch.setattr(facts, "WANDER", 0.1)
    monkeypatch.setattr(loads, "SECONDS", 2.0)
    monkeypatch.setattr(loads, "LEAST", 10)
    seen: list[int] = []
    with served(RightApp().asgi) as url:
        report = conduct(url, "hidden-1", "hidden-2", quick=False, progress=lambda done, total, what: seen.append(done))
    assert [c.case.id for c in report.cases if c.outcome is not Outcome.PASS] == []
    assert all(len(c.runs) == 2 or not c.case.every_seed for c in report.cases)
    mark = grade(report, policy())
    assert (mark.letter, mark.score, mark.listable) == ("A", 1.0, True)
    assert report.coverage.requirements_untested == ("durable",)  # nobody said how to restart it
    assert report.coverage.app_operations_untested == ()
    assert report.coverage.department_operations_untouched == ()
    assert all(reading.in_process and reading.unneeded == () for reading in report.readings)
    assert seen == sorted(seen)
    assert seen[-1] == sum(len(c.runs) for c in report.cases)
    assert report.commitment == commitment(["hidden-1", "hidden-2"], NONCE)
    text = json.dumps(to_json(report))
    assert "hidden-1" not in text
    assert from_json(json.loads(text)) == report


def test_the_same_seed_gives_the_same_report_and_another_seed_another() -> None:
    with served(UnmarriedApp().asgi) as url:  # one app for all: a second run must not look like a repeat to it
        first, again, other = (
            stable(conduct(url, seed, nonce=nonce * 32))
            for seed, nonce in (("same", "a"), ("same", "b"), ("other", "c"))
        )
    assert first == again
    assert first["cases"] != other["cases"]
    assert {c["outcome"] for c in first["cases"]} >= {"PASS", "FAIL"}


def test_a_failure_can_be_read_and_repeated_with_curl() -> None:
    told: list[str] = []

    def linger(report: Any, gateway: str) -> None:
        """While the gateway is still up, the printed line is typed into a shell."""
        case = report.case("E3.divorced")
        [episode] = [turn for r in case.runs for turn in r.turns]
        assert gateway in episode.curl
        words = shlex.split(episode.curl)
        position = next(i for i, word in enumerate(words) if word.startswith("Idempotency-Key"))
        words[position] += "-by-hand"
        done = subprocess.run(words, capture_output=True, text=True, timeout=120)
        told.append(
            json.loads(done.stdout)["failed_rules"][0]["rule"] if "failed_rules" in done.stdout else done.stdout
        )

    with served(UnmarriedApp().asgi) as url:
        report = conduct(url, only=["E3.divorced"], linger=linger)
    # the first try issued the certificate, so a second application is refused for that very reason: it got through
    assert told == ["E1"]
    case = report.case("E3.divorced")
    assert case.outcome is Outcome.FAIL
    [problem] = case.problems()
    assert problem.requirements == ("E3",)
    assert "completed" in problem.got["en"]
    assert "已办结" in problem.got["zh_CN"]
    assert "E3" in problem.expected["en"]
    assert "父母婚姻存续" in problem.expected["zh_CN"]
    marriage = next(call for r in case.runs for call in r.calls if call.operation == "verifyMarriage")
    assert (marriage.fields, marriage.status) == (("PPJG", "ZT"), 200)
    assert {c.case.id for c in report.cases} == {"E3.divorced", "complete.father"}


def test_an_app_that_learned_one_seed_by_heart_is_found_flaky() -> None:
    class Learned(RightApp):
        """Wrong on the day of the second seed only."""

        def e3(self, matter: Any) -> bool:
            return matter.today == virtual_today("second") or super().e3(matter)

    with served(Learned().asgi) as url:
        report = conduct(url, "first", "second", only=["E3.divorced", "E3.strangers"])
    case = report.case("E3.divorced")
    assert [r.outcome for r in case.runs] == [Outcome.PASS, Outcome.FAIL]
    assert case.flaky
    assert case.outcome is Outcome.FAIL


def test_a_refusal_is_worth_nothing_from_an_app_that_refuses_everybody() -> None:
    class Never(RightApp):
        def refusals(self, matter: Any) -> list[str]:
            return ["E3"]

    with served(Never().asgi) as url:
        report = conduct(url, only=["E3.divorced"])
    assert report.case("complete.father").outcome is Outcome.FAIL
    assert report.case("E3.divorced").outcome is Outcome.INCONCLUSIVE
    assert "complete.father" in report.case("E3.divorced").runs[0].note["en"]


def test_an_app_that_works_in_the_background_is_waited_for() -> None:
    class Later(RightApp):
        """Answers at once that it is at work, and is finished when it is asked again."""

        def show(self, matter: Any) -> dict[str, Any]:
            shown = super().show(matter)
            first = not getattr(matter, "asked", False)
            matter.asked = True
            return {**shown, "state": "in_progress"} if first else shown

    with served(Later().asgi) as url:
        report = conduct(url, only=["complete.father", "observe.answers"], quick=True)
    assert report.case("complete.father").outcome is Outcome.PASS


class Limited:
    """Lets in so many requests and answers 429 to all others."""

    def __init__(self, asgi: Any, allowed: int) -> None:
        self.asgi, self.left = asgi, allowed

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            self.left -= 1
            if self.left < 0:
                headers = [(b"retry-after", b"60"), (b"content-length", b"0")]
                await send({"type": "http.response.start", "status": 429, "headers": headers})
                await send({"type": "http.response.body", "body": b""})
                return
        await self.asgi(scope, receive, send)


def test_a_rate_limit_is_inconclusive_and_gives_no_grade() -> None:
    with served(Limited(RightApp().asgi, 4)) as url:
        report = conduct(url, transport=HttpTransport(url, patience=6))
    assert report.failing == ()
    assert report.counts()["INCONCLUSIVE"] > 30
    mark = grade(report, policy())
    assert (mark.letter, mark.listable) == ("undecided", False)


def test_an_app_that_dies_on_the_way_is_inconclusive() -> None:
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(served(RightApp().asgi))

        def stop(done: int, total: int, what: str) -> None:
            if done == 6:
                stack.close()

        report = conduct(url, progress=stop)
    assert report.failing == ()
    assert report.case("complete.father").outcome is Outcome.PASS
    assert report.case("once.repeat").outcome is Outcome.INCONCLUSIVE
    assert grade(report, policy()).letter == "undecided"


def test_nobody_at_the_address_is_an_error_and_no_verdict() -> None:
    with pytest.raises(RunError, match="does not answer"):
        conduct("http://127.0.0.1:9")


def test_a_mistake_of_the_suite_is_ours_and_not_the_apps(monkeypatch: pytest.MonkeyPatch) -> None:
    suite = suites.load("newborn")

    def mistaken(stage: Any) -> None:
        raise KeyError("nothing there")

    monkeypatch.setitem(suite.scripts, "complete.mother", mistaken)
    with served(RightApp().asgi) as url:
        report = conduct(url, only=["complete.mother"])
    case = report.case("complete.mother")
    assert case.outcome is Outcome.ERROR
    assert "nothing there" in case.runs[0].note["en"]


def test_the_command_passes_the_right_app_and_writes_both_reports(tmp_path: Any) -> None:
    html, junit = tmp_path / "report.html", tmp_path / "junit.xml"
    with started("right") as url:
        done = command(
            "run", "--app", url, "--quick", "--seed", "s7", "--html", str(html), "--junit", str(junit), "--json"
        )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["grade"]["letter"] == "A"
    assert report["seeds"] == ["s7"]
    assert "practice seed s7" in done.stderr
    page = html.read_text()
    assert "新生儿出生一件事" in page
    assert "E3" in page
    suite = ElementTree.parse(junit).getroot().find("testsuite")
    assert suite is not None
    assert (suite.get("failures"), suite.get("errors"), suite.get("skipped")) == ("0", "0", "0")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["junit.xml", "report.html"]


def test_the_command_names_what_is_wrong_and_exits_1() -> None:
    with started("overreading") as url:
        done = command("run", "--app", url, "--quick", "--seed", "s8")
    assert done.returncode == 1
    assert "grade refused" in done.stdout
    for words in (
        "police.residents#queryResident",
        "read without need: DJJG (Registering authority), DJRQ",
        "art 6",
        "curl -sS -X POST",
    ):
        assert words in done.stdout


def test_the_command_keeps_the_gateway_up_until_it_is_told_to_end() -> None:
    with started("unmarried") as url:
        words = ["run", "--app", url, "--seed", "s9", "--case", "E3.divorced", "--keep-gateway"]
        process = subprocess.Popen([*COMMAND, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        gateway = ""
        for line in process.stderr:
            if "stay up at" in line:
                gateway = line.split("stay up at ")[1].split(";")[0]
                break
        assert httpx2.get(f"{gateway}/police.households/household-checks").status_code == 401
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "E3.divorced" in out
    with pytest.raises(httpx2.HTTPError):
        httpx2.get(gateway)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("run", "--app", "http://127.0.0.1:9"), 4, "does not answer"),
        (("run", "--app", "nonsense"), 2, "no http(s) address"),
        (("run", "--app", "http://127.0.0.1:9", "--matter", "newborm"), 2, "there is no suite"),
        (("run", "--app", "http://127.0.0.1:9", "--case", "E3.divorce"), 2, "E3.divorced"),
        (("run", "--app", "http://127.0.0.1:9", "--html", "/nowhere/at/all.html"), 4, "/nowhere/at/all.html"),
        (("run", "--app", "http://127.0.0.1:9", "--what"), 2, "--what"),
        (("verify", "/nowhere", "--key", "/nowhere"), 3, "No such file"),
        (("cases", "--matter", "nothing"), 2, "there is no suite"),
    ],
)
def test_mistakes_get_one_line_and_their_code(words: tuple[str, ...], code: int, says: str) -> None:
    done = command(*words)
    assert done.returncode == code, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_the_cases_are_listed_with_their_laws() -> None:
    rows = json.loads(command("cases", "--json").stdout)
    assert len(rows) > 60
    divorced = next(row for row in rows if row["case"] == "E3.divorced")
    assert divorced["control"] == "complete.father"
    assert divorced["requirements"][0]["id"] == "E3"
    assert divorced["requirements"][0]["law"]["zh_CN"]


def test_a_certificate_is_verified_by_the_command(tmp_path: Any) -> None:
    from datetime import UTC, datetime, timedelta

    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from conformance.certificate import Subject, issue

    with served(RightApp().asgi) as url:
        report = conduct(url)
    key, now = Ed25519PrivateKey.generate(), datetime.now(UTC)
    made = issue(
        report,
        grade(report, policy()),
        Subject.hosted("newborn-app", "1.0.0", url, "f" * 64),
        {},
        key,
        issued=now,
        expires=now + timedelta(days=30),
    )
    certificate, public = tmp_path / "certificate.json", tmp_path / "key.pem"
    certificate.write_text(json.dumps(made))
    form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    public.write_bytes(key.public_key().public_bytes(*form))
    good = command("verify", str(certificate), "--key", str(public))
    assert good.returncode == 0
    assert "grade A" in good.stdout
    assert "not its code" in good.stdout
    wrong = command("verify", str(certificate), "--key", str(public), "--app-version", "2.0.0", "--json")
    assert (wrong.returncode, json.loads(wrong.stdout)["reason"]) == (1, "wrong-version")
    certificate.write_text(json.dumps(made).replace('"sig": "', '"sig": "AA'))
    forged = command("verify", str(certificate), "--key", str(public))
    assert forged.returncode == 1
    assert "Traceback" not in forged.stderr
