"""Who finds what: every faulty app of the three matters against its suite and against plain Schemathesis; errors of
the tester; what it costs.

`tongban bench conformance`, about an hour on two cores; every row is printed as it comes. `TONGBAN_BENCH_MATTER` plays
one matter, `TONGBAN_BENCH_SEEDS` (default 20) says on how many seeds the right apps are run.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from itertools import chain
from typing import Any

from conformance import suites
from conformance.case import Outcome
from conformance.examples.fund.right import RightApp as RightWithdrawals
from conformance.examples.newborn.right import RightApp as RightBirths
from conformance.examples.newborn.service import NewbornApp
from conformance.examples.start_up.right import RightApp as RightStartUps
from exchange.bench import row
from tests.benchmarks._apps import SEED, conduct, faulty, plain

SEEDS = int(os.environ.get("TONGBAN_BENCH_SEEDS", 20))
MATTERS: dict[str, tuple[str, Any]] = {
    "newborn": ("mutants", RightBirths),
    "start-up": ("start_ups", RightStartUps),
    "fund-withdrawal": ("withdrawals", RightWithdrawals),
}


def measure() -> list[dict[str, Any]]:
    """Rows for `exchange.bench`: one a faulty app, then shares, the right apps over many seeds, times."""
    chosen = os.environ.get("TONGBAN_BENCH_MATTER")
    rows: list[dict[str, Any]] = []
    for matter in MATTERS:
        if chosen in (None, matter):
            parts = [_table(matter), _right(matter)]
            if matter == "newborn":
                parts += [_cheaters(), _overhead()]
            for made in chain(*parts):
                print(made["metric"], made["value"], made["unit"], made["against"], file=sys.stderr, flush=True)
                rows.append(made)
    return rows


def _table(matter: str) -> Iterator[dict[str, Any]]:
    """Every faulty app: the requirement that names its fault, what else was named, and what plain fuzzing adds."""
    module, right = MATTERS[matter]
    faults, usual = faulty(module).FAULTS, plain(matter, right)
    found = named = only = fuzzed = 0
    for name, fault in sorted(faults.items()):
        report = conduct(matter, fault.app(), quick=not getattr(fault, "slow", False))
        told = {r.id for r in report.requirements if report.requirement(r.id) is Outcome.FAIL}
        found, named = found + bool(report.failing), named + (fault.requirements <= told)
        only += told == fault.requirements
        others = plain(matter, fault.app)
        more = None if others is None or usual is None else len(others - usual)
        fuzzed += bool(more)
        against = "plain Schemathesis: " + ("broke down" if more is None else f"{more} more" if more else "nothing")
        if beyond := ", ".join(sorted(told - fault.requirements)):
            against += f"; also named {beyond}"
        value = ", ".join(sorted(told & fault.requirements)) or "nothing"
        yield row(f"{matter}: {name}", value, "", against, None, "", None)
    count = len(faults)
    beside = f"plain Schemathesis: {fuzzed}"
    yield row(f"{matter}: faulty apps found", found, f"of {count}", beside, None, "≥ 0.98", found >= 0.98 * count)
    yield row(f"{matter}: true requirement named", named, f"of {count}", "", None, "≥ 0.98", named >= 0.98 * count)
    yield row(f"{matter}: no other requirement named", only, f"of {count}", "", None, "", None)


def _right(matter: str) -> Iterator[dict[str, Any]]:
    """The right app over many seeds, and how long a whole run of it takes."""
    right = MATTERS[matter][1]
    seen = [
        f"{seed}: {case.case.id} {case.outcome.value}"
        for seed in range(SEEDS)
        for case in conduct(matter, right(), f"right-{seed}").cases
        if case.outcome is not Outcome.PASS
    ]
    above = [one for one in seen if not one.endswith("WARN")]
    unit = f"in {SEEDS} seeds"
    yield row(f"{matter}: right app, above WARN", len(above), unit, ", ".join(above[:3]), None, "0", not above)
    yield row(f"{matter}: right app, WARN", len(seen) - len(above), unit, "", None, "", None)
    started = time.perf_counter()
    report = conduct(matter, right(), "full", "full/2", quick=False)
    seconds = round(time.perf_counter() - started, 1)
    odd = [f"{case.case.id} {case.outcome.value}" for case in report.cases if case.outcome is not Outcome.PASS]
    what = f"{report.requests} requests; {', '.join(odd) or 'all PASS'}"
    yield row(f"{matter}: full run on two seeds", seconds, "s", what, None, "≤ 60", seconds <= 60)


def _cheaters() -> Iterator[dict[str, Any]]:
    """Apps that learnt or recorded one run and are put through others."""
    attacked = faulty("mutants").attacked
    teacher, recorder = attacked.Learns(), attacked.Records()
    conduct("newborn", teacher)
    conduct("newborn", recorder)
    for kind, what, kept, seed in (
        (attacked.Memorised, "learnt", teacher.learnt, SEED),
        (attacked.Memorised, "learnt", teacher.learnt, "hidden"),
        (attacked.Replays, "heard", recorder.heard, SEED),  # on another seed it has nothing to replay: the right app
    ):
        cheater = kind()
        setattr(cheater, what, kept)
        failed = len(conduct("newborn", cheater, seed).failing)
        which = "its own" if seed == SEED else "another"
        yield row(f"cheater {kind.__name__}, {which} seed", failed, "cases failed", "", None, "≥ 1", failed > 0)


def _overhead() -> Iterator[dict[str, Any]]:
    """What the runner adds when the app takes 0.4 s for everything: wall time over the app's own answering time."""

    class Slow(NewbornApp):
        def _answer(self, use: Any, request: Any, body: bytes) -> Any:
            time.sleep(0.4)
            return super()._answer(use, request, body)

    observations = suites.load("newborn").observations
    started = time.perf_counter()
    report = conduct("newborn", Slow())
    wall = time.perf_counter() - started
    own = sum(
        turn.milliseconds / 1000
        for case in report.cases
        if case.case.id not in observations
        for one in case.runs
        for turn in one.turns
    )
    added = wall / own - 1
    what = f"{own:.1f} s of the app"
    yield row("runner's own time over a slow app's", round(added, 3), "share", what, None, "≤ 0.2", added <= 0.2)
