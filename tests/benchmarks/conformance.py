"""Who finds what: every faulty app against the suite and against plain Schemathesis; errors of the tester; its cost.

`tongban bench conformance`. About a quarter of an hour on two cores.
"""

from __future__ import annotations

import contextlib
import importlib.util
import socket
import sys
import threading
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import uvicorn

from conformance import suites
from conformance.case import Outcome
from conformance.examples.newborn.right import RightApp
from conformance.examples.newborn.service import NewbornApp
from conformance.fuzz import FuzzError, fuzz
from conformance.gateway import Gateway
from conformance.report import Report
from conformance.run import country, run
from exchange.bench import row

NONCE, SEED, SEEDS = "b" * 32, "bench", 20


def measure() -> list[dict[str, Any]]:
    """The rows: one a mutant, then the shares, the right app over many seeds, times."""
    mutants = _mutants()
    suite = suites.load("newborn")
    plain = _plain(RightApp)
    rows, found, named = [], 0, 0
    for name, fault in sorted(mutants.FAULTS.items()):
        report = _conduct(fault.app(), quick=not fault.slow)
        requirements = {r.id for r in report.requirements if report.requirement(r.id) is Outcome.FAIL}
        seen, true = bool(report.failing), fault.requirements <= requirements
        found, named = found + seen, named + true
        others = _plain(fault.app)
        told = "not run" if others is None or plain is None else f"{len(others - plain)} more"
        value = ", ".join(sorted(requirements & fault.requirements)) or "nothing"
        print(
            f"{name}: {value}{'' if true else f' (not {sorted(fault.requirements - requirements)})'}", file=sys.stderr
        )
        rows.append(row(f"mutant {name}", value, "requirements", f"plain Schemathesis: {told}", None, "", None))
    count = len(mutants.FAULTS)
    rows.append(row("mutants found", found / count, f"of {count}", "", None, "≥ 0.98", found / count >= 0.98))
    rows.append(row("true requirement named", named / count, f"of {count}", "", None, "≥ 0.98", named / count >= 0.98))
    rows += _cheaters(mutants)
    above = [
        f"{seed}: {case.case.id}"
        for seed in range(SEEDS)
        for case in _conduct(RightApp(), seed=f"right-{seed}").cases
        if case.outcome not in (Outcome.PASS, Outcome.WARN)
    ]
    rows.append(
        row(
            "right app, findings above WARN",
            len(above),
            f"in {SEEDS} seeds {above[:3] or ''}",
            "",
            None,
            "0",
            not above,
        )
    )
    started = time.perf_counter()
    report = _conduct(RightApp(), quick=False, seeds=("full", "full/2"))
    seconds = time.perf_counter() - started
    rows.append(
        row(
            "S1, full run on two seeds",
            round(seconds, 1),
            "s",
            f"{report.requests} requests",
            None,
            "≤ 60",
            seconds <= 60,
        )
    )
    return [*rows, _overhead(suite)]


def _overhead(suite: Any) -> dict[str, Any]:
    """What the runner adds when the app takes 0.4 s for everything: wall time over the app's own answering time."""

    class Slow(NewbornApp):
        def _answer(self, use: Any, request: Any, body: bytes) -> Any:
            time.sleep(0.4)
            return super()._answer(use, request, body)

    started = time.perf_counter()
    report = _conduct(Slow(), quick=True)
    wall = time.perf_counter() - started
    own = sum(
        turn.milliseconds
        for c in report.cases
        if c.case.id not in suite.observations
        for r in c.runs
        for turn in r.turns
    )
    added = wall / (own / 1000) - 1
    return row(
        "runner's own time over a slow app's",
        round(added, 3),
        "share",
        f"{own / 1000:.1f} s of the app",
        None,
        "≤ 0.2",
        added <= 0.2,
    )


def _cheaters(mutants: Any) -> Iterator[dict[str, Any]]:
    """Apps that learnt or recorded one run and are put through others."""
    teacher, recorder = mutants.attacked.Learns(), mutants.attacked.Records()
    _conduct(teacher)
    _conduct(recorder)
    for kind, told in ((mutants.attacked.Memorised, teacher), (mutants.attacked.Replays, recorder)):
        for seed in (SEED, "hidden"):
            cheater = kind()
            setattr(
                cheater,
                "learnt" if kind is mutants.attacked.Memorised else "heard",
                getattr(told, "learnt" if kind is mutants.attacked.Memorised else "heard"),
            )
            report = _conduct(cheater, seed=seed)
            if kind is mutants.attacked.Replays and seed != SEED:
                continue  # with nothing to replay it is the right app
            yield row(
                f"cheater {kind.__name__}, {'its own' if seed == SEED else 'another'} seed",
                len(report.failing),
                "cases failed",
                "",
                None,
                "≥ 1",
                bool(report.failing),
            )


def _conduct(
    app: NewbornApp, *, seed: str = SEED, seeds: tuple[str, ...] = (), quick: bool = True, only: Any = ()
) -> Report:
    with _served(app.asgi) as url:
        return run(suites.load("newborn"), url, seeds or (seed,), nonce=NONCE, quick=quick, only=only)


def _plain(app: type[NewbornApp]) -> set[tuple[str, str, int]] | None:
    """What plain Schemathesis says about an app, with a token and the departments at hand; None when it broke down."""
    suite = suites.load("newborn")
    today = date(2026, 12, 1)
    with (
        Gateway(suite.departments.values(), country(SEED), seed=SEED, today=today) as gateway,
        _served(app().asgi) as url,
    ):
        headers = {
            "Authorization": f"Bearer {gateway.launch('fuzz')}",
            "Tongban-Gateway": gateway.url,
            "Tongban-Today": today.isoformat(),
        }
        try:
            found = fuzz(suite.app.document.text, url, headers, seed=1, examples=10, seconds=30)
        except FuzzError:
            return None
    return {(one.operation, one.check, one.status) for one in found}


def _mutants() -> Any:
    path = Path(__file__).parent.parent / "faulty" / "mutants.py"
    spec = importlib.util.spec_from_file_location("newborn_mutants", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@contextlib.contextmanager
def _served(asgi: Any) -> Iterator[str]:
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
