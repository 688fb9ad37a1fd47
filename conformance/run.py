"""A conformance run: a fresh hidden country per seed, every case played on it, everything written down.

The run is black box: it knows the app's base URL and nothing else. Same seeds and same app give the same
report but for times, ports, the app's own ids, and launch tokens and idempotency keys: these belong to one run
(they follow from its nonce), because an app that is still running must not take a second run for a repeat.
"""

from __future__ import annotations

import hashlib
import time
import traceback
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache
from typing import Any

from conformance import observe
from conformance.case import Case, CaseRun, DepartmentCall, Kind, Outcome, Text
from conformance.certificate import commitment
from conformance.expressions import ExpressionError
from conformance.fuzz import FuzzError
from conformance.gateway import Gateway, GatewayError
from conformance.oracle import OracleError
from conformance.pacing import Rate
from conformance.plan import plan
from conformance.report import CaseReport, Coverage, Report
from conformance.stage import Episode, Inconclusive, Stage
from conformance.subjects import NoSubject
from conformance.suites.suite import Suite
from conformance.transport import AppUnreachable, Ask, HttpTransport, RateLimited, Transport
from mockdata.population import Population

CHINA = timezone(timedelta(hours=8))
AS_OF = date(2026, 11, 1)
"""The day the hidden population stands at; the virtual today of a seed lies in the year after it."""

SHOWN = 3
"""Sightings of one observation whose requests are quoted in full; the others are named in one line each."""

LISTED = 12
"""Sightings of one observation that are listed at all."""

COMES_UP, COMES_BACK = 3.0, 30.0
"""Seconds an app is waited for that does not answer yet, and one that is not ready, at the beginning or restarted."""

BROKEN, UNAVAILABLE = 500, 503
"""A department's answer that no script asks for (a fault of ours), and what an app says that is out of service."""

GOOD = frozenset({Outcome.PASS, Outcome.WARN})
"""Outcomes of a positive control that make a refusal believable."""

Progress = Callable[[int, int, str], None]
Told = Callable[[Case, int, CaseRun], None]
"""Hears each case as it ends: the case, the number of the seed from 1, what came of it."""


class RunError(Exception):
    """The run could not take place (app unreachable, hidden gateway not started): nobody's verdict."""


def second_seed(seed: str) -> str:
    """The seed a practice run adds to the one it was given, so that one seed repeats the whole run."""
    return hashlib.sha256(f"{seed}/second".encode()).hexdigest()[:16]


def virtual_today(seed: str) -> date:
    """The day a seed's country lives in: after AS_OF, within a year, never the 29th to 31st.

    Months that lack a day would make "exactly one year" a matter of opinion.
    """
    offset = int.from_bytes(hashlib.sha256(f"{seed}/today".encode()).digest()[:4], "big") % 330
    day = AS_OF + timedelta(days=1 + offset)
    return day.replace(day=min(day.day, 28))


@lru_cache(maxsize=2)
def country(seed: str) -> Population:
    """The hidden population of a seed (pure in the seed, so it may be kept)."""
    return Population(seed, as_of=AS_OF)


def run(
    suite: Suite[Any],
    app_url: str,
    seeds: Sequence[str],
    *,
    nonce: str,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    progress: Progress = lambda done, total, what: None,
    hidden: bool = True,
    quick: bool = False,
    only: Collection[str] = (),
    rate: Rate | None = None,
    told: Told = lambda case, seed, run: None,
    transport: Transport | None = None,
    restart: Callable[[], None] | None = None,
    linger: Callable[[Report, str], None] | None = None,
) -> Report:
    """Put every case of the suite to the app at `app_url`, once per seed.

    `hidden` keeps the seeds out of the report (graded runs). `only` names single cases. `rate` is the limit the app
    declares, which is kept to; `told` hears every case as it ends. `restart` ends the app and starts it again;
    without it nobody can, and the case of it is left out. `linger(report, url)` is called with the
    gateway of the last seed still up. Raises `RunError` when the app does not answer at
    all, `PlanError` for an unknown case, ValueError for a bad address or nonce.
    """
    cases = plan(suite, quick=quick, only=only, restarts=restart is not None)
    committed = commitment(seeds, nonce)
    line = transport or HttpTransport(app_url, rate=rate)
    total = sum(len(seeds) if case.every_seed else 1 for case in cases)
    started = clock()
    day = started.astimezone(CHINA).date()
    session = _Session(suite, cases, app_url, line, progress, told, total, nonce, day, restart)

    def report() -> Report:
        return replace(
            session.report(quick),
            commitment=committed,
            started=_stamp(started),
            finished=_stamp(clock()),
            seeds=None if hidden else tuple(seeds),
            nonce=None if hidden else nonce,
        )

    try:
        session.greet()
        for position, seed in enumerate(seeds):
            today = virtual_today(seed)
            with Gateway(suite.departments.values(), country(seed), seed=seed, today=today, salt=nonce) as gateway:
                session.play(gateway, seed, today)
                if linger is not None and position == len(seeds) - 1:
                    linger(report(), gateway.url)
    except GatewayError as error:
        raise RunError(str(error)) from error
    finally:
        line.close()
    return report()


@dataclass
class _Session:
    """What accumulates over the seeds of one run."""

    suite: Suite[Any]
    cases: tuple[Case, ...]
    app_url: str
    line: Transport
    progress: Progress
    told: Told
    total: int
    salt: str
    day: date
    restart: Callable[[], None] | None = None
    results: dict[str, list[CaseRun]] = field(default_factory=dict)
    seeds: list[str] = field(default_factory=list)
    days: list[str] = field(default_factory=list)
    calls: list[DepartmentCall] = field(default_factory=list)
    operations: set[str] = field(default_factory=set)
    requests: int = 0
    done: int = 0
    lost: str = ""

    def greet(self) -> None:
        """The app must be there and ready before anything is judged; one that has just been started is waited for."""
        begun = time.monotonic()
        while True:
            try:
                if self.line.send(Ask("GET", "/health")).status != UNAVAILABLE:
                    return
                said, patience = "it says that it is not ready (503)", COMES_BACK
            except AppUnreachable as error:
                said, patience = f"it does not answer: {error}", COMES_UP
            except RateLimited as error:
                raise RunError(f"the app at {self.app_url} lets nobody in: {error}") from None
            if time.monotonic() - begun > patience:
                raise RunError(f"the app at {self.app_url} cannot be tested, {said}")
            time.sleep(0.25)

    def play(self, gateway: Gateway, seed: str, today: date) -> None:
        """Every case on one seed, then the observations, then the controls."""
        world = self.suite.world(self.suite, gateway, country(seed), seed, today)
        episodes: list[Episode] = []
        runs: dict[str, CaseRun] = {}
        cases = [case for case in self.cases if case.every_seed or not self.seeds]
        for case in cases:
            self.progress(self.done, self.total, case.id)
            if case.id in self.suite.observations:
                runs[case.id] = self._observe(case, episodes)
            else:
                stage = Stage(self.suite, case, world, gateway, self.line, seed, today, self.salt, self.day, self._back)
                runs[case.id] = self._script(stage)
                episodes += [episode for episode in stage.episodes if episode.documented]
            self.done += 1
            self.told(case, len(self.seeds) + 1, runs[case.id])
        self.progress(self.done, self.total, "")
        for case in cases:
            self.results.setdefault(case.id, []).append(_controlled(case, runs))
        self.seeds.append(seed)
        self.days.append(today.isoformat())
        self.calls += [item.call for item in gateway.record()]
        self.operations |= {episode.operation for episode in episodes}
        self.requests += sum(len(run.turns) for name, run in runs.items() if name not in self.suite.observations)

    @property
    def _back(self) -> Callable[[], None] | None:
        """Restart the app and wait until it answers; RateLimited and AppUnreachable as for any request."""
        again = self.restart
        if again is None:
            return None

        def restarted() -> None:
            again()
            until = time.monotonic() + COMES_BACK
            while True:
                try:
                    if self.line.send(Ask("GET", "/health")).status != UNAVAILABLE or time.monotonic() > until:
                        return
                except AppUnreachable:
                    if time.monotonic() > until:
                        raise
                time.sleep(0.1)

        return restarted

    def _script(self, stage: Stage[Any]) -> CaseRun:
        if self.lost:
            return stage.run(Outcome.INCONCLUSIVE, _note("应用已无响应", f"the app had gone silent: {self.lost}"))
        try:
            self.suite.scripts[stage.case.id](stage)
        except Inconclusive as reason:
            return stage.run(Outcome.INCONCLUSIVE, reason.text)
        except RateLimited as error:
            return stage.run(Outcome.INCONCLUSIVE, _note("应用限流", f"rate limited: {error}"))
        except AppUnreachable as error:
            return self._silent(stage, error)
        except (OracleError, ExpressionError, NoSubject, GatewayError, FuzzError) as error:
            return stage.run(Outcome.ERROR, _note(f"测试程序自身出错：{error}", f"our own error: {error}"))
        except Exception as error:
            return stage.run(Outcome.ERROR, _mistake(error))
        return self._excused(stage)

    def _excused(self, stage: Stage[Any]) -> CaseRun:
        """The result, unless what went wrong was our own department's fault or an outage the app itself declares.

        Trouble that the case makes at a department excuses nobody: what the app does then is what is judged.
        """
        if not stage.problems:
            return stage.run()
        calls = [item for episode in stage.episodes for item in episode.calls]
        ours = [item.call for item in calls if item.call.status == BROKEN and not item.troubled]
        if ours:
            place = f"{ours[0].interface}#{ours[0].operation}"
            return _set_aside(
                stage.run(),
                Outcome.ERROR,
                _note(f"测试用的部门 {place} 自身出错", f"our own department {place} broke"),
            )
        if stage.troubled:
            return stage.run()
        if any(episode.reply.status == UNAVAILABLE for episode in stage.episodes):
            try:
                healthy = self.line.send(Ask("GET", "/health")).status != UNAVAILABLE
            except (AppUnreachable, RateLimited):
                healthy = False
            if not healthy:
                words = _note("应用声明暂停服务（503）", "the app says that it is out of service (503)")
                return _set_aside(stage.run(), Outcome.INCONCLUSIVE, words)
        return stage.run()

    def _silent(self, stage: Stage[Any], error: AppUnreachable) -> CaseRun:
        """No answer: an outage shows nothing; an app that lives on and drops one request is at fault."""
        try:
            self.line.send(Ask("GET", "/health"))
        except (AppUnreachable, RateLimited):
            self.lost = str(error)
            if not stage.troubled:
                return stage.run(Outcome.INCONCLUSIVE, _note("应用无响应", f"the app went silent: {error}"))
        stage.problem(
            "answer.comes",
            _note("每个请求都应得到答复", "an answer to every request"),
            str(error),
            requirements=("robust",),
        )
        return stage.run()

    def _observe(self, case: Case, episodes: list[Episode]) -> CaseRun:
        try:
            sightings = list(self.suite.observations[case.id](self.suite, episodes))
        except Exception as error:
            return CaseRun(Outcome.ERROR, note=_mistake(error))
        if not episodes:
            return CaseRun(Outcome.INCONCLUSIVE, note=_note("没有可观察的请求", "nothing happened to observe"))
        quoted = [s.episode for s in sightings[:SHOWN] if s.episode is not None]
        unlisted = len(sightings) - LISTED
        stage_problems = tuple(sighting.problem for sighting in sightings[:LISTED])
        return CaseRun(
            outcome=max((p.outcome for p in stage_problems), key=list(Outcome).index, default=Outcome.PASS),
            problems=stage_problems,
            turns=tuple(episode.turn for episode in quoted),
            calls=tuple(item.call for episode in quoted for item in episode.calls),
            note=_note(f"另有 {unlisted} 处", f"and {unlisted} more") if unlisted > 0 else {},
        )

    def report(self, quick: bool) -> Report:
        """The report so far; commitment, times and seeds are the caller's to fill in."""
        suite = self.suite
        verified = {name for case in self.cases for name in case.requirements}
        touched = {(call.interface, call.operation) for call in self.calls}
        known = [(node.interface, node.operation) for node in suite.order.nodes.values()]
        return Report(
            suite=suite.name,
            suite_version=suite.version,
            title=suite.title,
            app=self.app_url,
            commitment="",
            started="",
            finished="",
            today=", ".join(self.days),
            quick=quick,
            requirements=suite.requirements,
            cases=tuple(self._case(case) for case in self.cases),
            readings=observe.readings(self.calls, suite.needs, suite.order),
            coverage=Coverage(
                requirements_untested=tuple(r.id for r in suite.requirements if r.id not in verified),
                app_operations=tuple(operation.id for operation in suite.app.operations),
                app_operations_untested=tuple(
                    operation.id
                    for operation in suite.app.operations
                    if operation.id not in self.operations and operation.path != "/health"
                ),
                department_operations=tuple(f"{i}#{o}" for i, o in dict.fromkeys(known)),
                department_operations_untouched=tuple(
                    f"{i}#{o}" for i, o in dict.fromkeys(known) if (i, o) not in touched
                ),
            ),
            documents=suite.documents,
            requests=self.requests,
        )

    def _case(self, case: Case) -> CaseReport:
        runs = tuple(self.results.get(case.id, ()))
        command = f"tongban conform run --app {self.app_url} --matter {self.suite.name} --case {case.id}"
        return CaseReport(case, runs, f"{command} --keep-gateway")


def _controlled(case: Case, runs: dict[str, CaseRun]) -> CaseRun:
    """A refusal is worth something only if the same app accepts what it should accept."""
    run = runs[case.id]
    control = runs.get(case.control or "")
    if run.outcome is not Outcome.PASS or control is None or control.outcome in GOOD:
        return run
    if case.kind is Kind.POSITIVE:
        return run
    return replace(
        run,
        outcome=Outcome.INCONCLUSIVE,
        note=_note(
            f"对照用例 {case.control} 未通过，本用例的通过不作数",
            f"its positive control {case.control} did not pass, so this pass shows nothing",
        ),
    )


def _set_aside(run: CaseRun, outcome: Outcome, note: Text) -> CaseRun:
    """A run whose problems do not count: they are let go, the note says why."""
    return replace(run, outcome=outcome, problems=(), note=note)


def _mistake(error: Exception) -> Text:
    """A mistake in a suite must not end the run, and must be found: it is an ERROR that names its line."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    told = f"{type(error).__name__}: {error} ({place.filename.rsplit('/', 1)[-1]}:{place.lineno})"
    return _note(f"测试程序自身出错：{told}", f"our own error: {told}")


def _note(zh: str, en: str) -> Text:
    return {"zh_CN": zh, "en": en}


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")
