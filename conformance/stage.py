"""One case on one seed: citizens who use the app, what was said, and what was found wrong."""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from conformance.case import Case, CaseRun, Outcome, Problem, Text, Turn, gravest, told
from conformance.observe import Recorded
from conformance.oracle import Expectation
from conformance.transport import AppUnreachable, Ask, Reply, Transport, visitor

if TYPE_CHECKING:
    from conformance.gateway import Gateway, Trouble
    from conformance.suites.suite import Suite

W = TypeVar("W")
WAITS, PAUSE = 60, 0.25
"""How often and how long (seconds) an app that answers `in_progress` is waited for."""

LONGEST_QUOTE = 1500
"""Characters of an answer that is no JSON kept in a report."""

NOTHING = 0
"""The status of a turn that got no answer; what stands for the answer says why."""

PASSING = frozenset({"date", "connection", "keep-alive", "transfer-encoding", "content-length", "content-encoding"})
"""Headers of an answer that belong to the connection or the moment."""


class Inconclusive(Exception):
    """The case cannot show anything here; `text` says why in both languages."""

    def __init__(self, text: Text) -> None:
        super().__init__(text.get("en", ""))
        self.text = text


@dataclass(frozen=True, slots=True)
class Episode:
    """One request of a citizen to the app, with the department calls it set off.

    `operation` is the app's operation id; `expectation` is None where no answer was foretold. What is not
    `documented` in the interface is no matter of observations: only its case judges it.
    """

    case: str
    operation: str
    launch: str
    ask: Ask
    reply: Reply
    turn: Turn
    calls: tuple[Recorded, ...]
    expectation: Expectation | None = None
    documented: bool = True

    @property
    def answer(self) -> Mapping[str, Any]:
        """The JSON object answered, or an empty one."""
        return self.reply.json if isinstance(self.reply.json, dict) else {}


@dataclass
class Stage(Generic[W]):
    """What a script acts on. `problem` collects findings; `run` turns them into the case's result."""

    suite: Suite[W]
    case: Case
    world: W
    gateway: Gateway
    transport: Transport
    seed: str
    today: date
    salt: str = ""
    day: date | None = None
    """The day of the clock on which the run began, in China."""
    restart: Callable[[], None] | None = None
    """Ends the app and starts it again; None: nobody told how."""
    subject: Text = field(default_factory=dict)
    note: Text = field(default_factory=dict)
    sleep: Callable[[float], None] = time.sleep
    episodes: list[Episode] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    _tokens: dict[str, str] = field(default_factory=dict)

    # -- citizens ------------------------------------------------------------------------------------------

    def launch(
        self, name: str = "citizen", down: Iterable[str] = (), troubles: Mapping[str, Trouble] | None = None
    ) -> str:
        """One citizen opens the app; `down` names departments' interfaces or operations that fail for this citizen,
        `troubles` what else happens at them."""
        launch = f"{self.case.id}/{name}"
        self._tokens[launch] = self.gateway.launch(launch, down, troubles)
        return launch

    @property
    def troubled(self) -> bool:
        """Whether one of the case's citizens met trouble that the case made at a department."""
        return any(item.troubled for item in self.gateway.record(self._tokens))

    def token(self, launch: str) -> str:
        """The token of a launch."""
        return self._tokens[launch]

    def key(self, name: str = "") -> str:
        """An idempotency key as clients make them (a UUID), the same for the same run, seed, case and name."""
        digest = hashlib.sha256(f"{self.seed}/{self.salt}/{self.case.id}/{name}".encode()).digest()
        return str(uuid.UUID(bytes=digest[:16], version=4))

    def headers(self, launch: str | None, key: str | None = None) -> dict[str, str]:
        """The headers of a citizen's request; without `launch` those of somebody who never signed in."""
        headers = visitor(f"{self.seed}/{launch or self.case.id}")
        headers |= {"Tongban-Gateway": self.gateway.url, "Tongban-Today": self.today.isoformat()}
        if launch is not None:
            headers["Authorization"] = f"Bearer {self._tokens[launch]}"
        if key is not None:
            headers["Idempotency-Key"] = key
        return headers

    # -- requests ------------------------------------------------------------------------------------------

    def submit(
        self,
        application: Any,
        launch: str,
        *,
        key: str | None = None,
        expectation: Expectation | None = None,
    ) -> Episode:
        """Submit an application under a launch; the key defaults to one of this launch's own."""
        ask = self.submission(application, launch, key)
        return self.settled(self.send("submitHandledMatter", ask, launch, expectation))

    def submission(self, application: Any, launch: str, key: str | None = None) -> Ask:
        """The request that submits an application under a launch."""
        headers = self.headers(launch, key or self.key(launch))
        return Ask("POST", self.path("submitHandledMatter"), headers, application)

    def resume(self, matter: str, launch: str) -> Episode:
        """Ask the app to go on with a handled matter."""
        path = self.path("resumeHandledMatter").replace("{id}", matter)
        return self.settled(self.send("resumeHandledMatter", Ask("POST", path, self.headers(launch)), launch))

    def settled(self, episode: Episode) -> Episode:
        """The answer once the app is no longer at work: what it says then is judged, with all it has called."""
        matter = episode.answer.get("id")
        place = next(number for number, known in enumerate(self.episodes) if known is episode)
        for _ in range(WAITS):
            if episode.answer.get("state") != "in_progress" or not isinstance(matter, str):
                break
            self.sleep(PAUSE)
            again = self.read(matter, episode.launch)
            calls = episode.calls + again.calls
            turn = replace(
                episode.turn,
                status=again.turn.status,
                answer=again.turn.answer,
                calls=len(calls),
                headers=again.turn.headers,
                milliseconds=episode.turn.milliseconds + again.turn.milliseconds,
            )
            episode = replace(episode, reply=again.reply, turn=turn, calls=calls)
            self.episodes.pop()
            self.episodes[place] = episode
        return episode

    def read(self, matter: str, launch: str | None) -> Episode:
        """Read a handled matter back under a launch (None: without a token)."""
        path = self.path("getHandledMatter").replace("{id}", matter)
        return self.send("getHandledMatter", Ask("GET", path, self.headers(launch)), launch or "")

    def send(
        self,
        operation: str,
        ask: Ask,
        launch: str,
        expectation: Expectation | None = None,
        *,
        documented: bool = True,
    ) -> Episode:
        """Send any request and keep what it set off."""
        before = len(self.gateway.record([launch]))
        try:
            reply = self.transport.send(ask)
        except AppUnreachable as error:
            self._kept("", ask, launch, Reply(NOTHING, {}, None, str(error), 0.0), before, expectation, False)
            raise
        return self._kept(operation, ask, launch, reply, before, expectation, documented)

    def together(self, operation: str, ask: Ask, launch: str, times: int = 2) -> tuple[Episode, ...]:
        """Send the same request several times at one moment; all that was set off is kept with the first.

        Which of the equal requests got which answer nobody can tell: the one that says it made something comes first.
        """
        before = len(self.gateway.record([launch]))
        replies = sorted(self.transport.together([ask] * times), key=lambda reply: reply.status != 201)
        return tuple(
            self._kept(operation, ask, launch, reply, before if number == 0 else None)
            for number, reply in enumerate(replies)
        )

    def attempt(self, ask: Ask, launch: str = "") -> Episode:
        """Send what the interface does not know of; an app that lives on may well close the connection (status 0)."""
        try:
            return self.send("", ask, launch, documented=False)
        except AppUnreachable:
            self.transport.send(Ask("GET", "/health"))
            return self.episodes[-1]

    def _kept(
        self,
        operation: str,
        ask: Ask,
        launch: str,
        reply: Reply,
        before: int | None,
        expectation: Expectation | None = None,
        documented: bool = True,
    ) -> Episode:
        calls = () if before is None else self.gateway.record([launch])[before:]
        turn = Turn(
            ask.method,
            ask.path,
            reply.status,
            reply.json if reply.json is not None else reply.text[:LONGEST_QUOTE],
            self.transport.curl(ask),
            round(reply.seconds * 1000, 1),
            expectation.expected if expectation else None,
            len(calls),
            {name: value for name, value in reply.headers.items() if name not in PASSING},
        )
        episode = Episode(self.case.id, operation, launch, ask, reply, turn, calls, expectation, documented)
        self.episodes.append(episode)
        return episode

    def path(self, operation: str) -> str:
        """The path template of one of the app's operations."""
        return self.suite.app.operation(operation).path

    # -- findings ------------------------------------------------------------------------------------------

    def problem(
        self,
        check: str,
        expected: Text,
        got: str | Text,
        *,
        requirements: Sequence[str] | None = None,
        outcome: Outcome = Outcome.FAIL,
    ) -> None:
        """Note one thing that is wrong; it speaks against the case's requirements unless told others."""
        named = tuple(self.case.requirements if requirements is None else requirements)
        self.problems.append(Problem(check, outcome, named, expected, told(got)))

    def run(self, outcome: Outcome | None = None, note: Text | None = None) -> CaseRun:
        """The result: the gravest problem, unless the run itself could show nothing."""
        found = gravest(problem.outcome for problem in self.problems)
        return CaseRun(
            outcome=found if outcome is None or found is Outcome.FAIL else outcome,
            problems=tuple(self.problems),
            subject=self.subject,
            turns=tuple(episode.turn for episode in self.episodes),
            calls=tuple(item.call for episode in self.episodes for item in episode.calls),
            note=note or self.note,
        )
