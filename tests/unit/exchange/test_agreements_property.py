"""Over random sequences of events: no illegal state is reached, and every clock ends or breaches exactly once."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.agreements import calendar, clocks, proceeding_store, store
from exchange.agreements.calendar import Calendar
from exchange.agreements.clocks import MET, MOOT, Running
from exchange.agreements.model import MOVES, STEPS, AgreementState, ApplicationState
from exchange.agreements.proceedings import RULES, Act, Kind, Proceeding, Side, advance, begin, verbs
from exchange.agreements.service import Agreements
from exchange.agreements.supervising import Supervising
from exchange.errors import Conflict, Forbidden, Invalid, TongbanError, Unprocessable
from tests.unit.exchange.test_agreements import WISH, publish

NATIONAL = clocks.presets()["national"]
SHIPPED = Calendar(calendar.shipped())
LOADED = Calendar([*calendar.shipped(), calendar.year(2027, [date(2027, 1, d) for d in (1, 4, 5)], [], "notice")])
CONSENT = {"authority": "x", "notice": "y"}

# ---- one clock, any sequence


EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("days"), st.integers(0, 20)),
        st.tuples(st.just("extend"), st.integers(1, 12)),
        st.tuples(st.sampled_from(["stop", "go on", "load", "sweep", "meet", "drop"]), st.just(0)),
    ),
    max_size=25,
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(clocks.presets())), st.sampled_from(["C1", "C3", "C4", "C6", "C7"]), EVENTS)
def test_a_clock_ends_once_and_breaches_at_most_once_and_never_in_time(
    preset_id: str, rule: str, events: list[tuple[str, int]]
) -> None:
    preset = clocks.presets()[preset_id]
    day, days = date(2026, 12, 14), SHIPPED
    clock = clocks.start("clk_1", preset, rule, "apl_1", "police", day, days)
    breaches = ends = 0
    for event, amount in events:
        before = clock
        if event == "days":
            day += timedelta(days=amount)
        elif event == "extend":
            try:
                clock = clocks.extended(clock, preset, days, amount, CONSENT, day)
            except (Unprocessable, Conflict):
                assert clock == before
        elif event == "stop":
            clock = clocks.stopped(clock, day)
        elif event == "go on":
            clock = clocks.resumed(clock, preset, days, day)
        elif event == "load":
            days = LOADED
            clock = clocks.recomputed(clock, preset, days)
        elif event == "sweep":
            clock, new = clocks.breached(clock, str(day), day)
            breaches += new
        else:
            clock, new = clocks.ended(clock, str(day), day, MET if event == "meet" else MOOT)
            breaches += new
            ends += before.is_open
        sound(clock, before, preset, breaches, ends)
    # whatever happened: let it run, look once more, and it has ended or breached, or stands still
    clock, new = clocks.breached(clock, "end", day + timedelta(days=400))
    breaches += new
    assert (clock.breached_at is not None) == (breaches == 1)
    assert not clock.is_open or clock.breached_at is not None or clock.stopped_on is not None


def sound(clock: Running, before: Running, preset: clocks.Preset, breaches: int, ends: int) -> None:
    """What holds after every event."""
    assert breaches <= 1
    assert ends <= 1
    assert clock.extended <= preset.rules[clock.rule].extension
    assert clock.is_open == (clock.outcome is None)
    if before.breached_at is not None:
        assert clock.due == before.due  # what was late stays late
    if not before.is_open:
        assert clock == before
    if clock.due != before.due:
        assert clock.former[-1] == str(before.due)
    if clock.breached_at is not None and before.breached_at is None:
        assert before.due is not None
        assert before.stopped_on is None  # whoever is kept from acting is not late
        assert date.fromisoformat(clock.breached_at) > before.due


# ---- proceedings, any sequence


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(RULES)),
    st.lists(st.tuples(st.integers(0, 20), st.sampled_from(list(Side)), st.booleans()), max_size=20),
)
def test_proceedings_reach_no_state_the_table_does_not_lead_to(kind: Kind, acts: list[tuple[int, Side, bool]]) -> None:
    rules = RULES[kind]
    said = dict.fromkeys((*rules.wants, *(name for move in rules.moves.values() for name in move.wants)), "x")
    opener = sorted(rules.by)[0]
    found = begin("prc_1", kind, "agr_1", ("c", "p"), "i", Act("open", opener, "me", "t", "x", said))
    known = sorted(rules.moves)
    for number, side, speaks in acts:
        verb = known[number % len(known)]
        able = verbs(found, side)
        act = Act(verb, side, "me", "t", "x" if speaks else "", said if speaks else {})
        try:
            after = advance(found, act)
        except Unprocessable:
            assert not speaks
            continue
        except (Forbidden, Conflict):
            assert verb not in able
            continue
        assert verb in able
        step(found, after, kind, verb, side)
        found = after
    with pytest.raises(Invalid):
        advance(found, Act("celebrate", Side.SYSTEM, "me", "t"))


def step(before: Proceeding, after: Proceeding, kind: Kind, verb: str, side: Side) -> None:
    """One move is one of the table's, by a side that may, and a closed proceeding does not move."""
    rules = RULES[kind]
    assert before.is_open
    assert side in rules.moves[verb].by
    assert after.state in {rules.moves[verb].ways[before.state], before.state}
    assert after.acts[:-1] == before.acts
    assert after.is_open == (after.state not in rules.final)
    if kind is Kind.DISPUTE and after.state == "settled":
        offered = [act.side for act in before.acts if act.verb == "offer"]
        accepted = {act.side for act in after.acts if act.verb == "accept"}
        assert accepted == {Side.CONSUMER, Side.PROVIDER} or (offered and offered[-1] is not side)


def test_every_state_of_every_kind_can_be_reached_and_left_unless_it_is_final() -> None:
    for kind, rules in RULES.items():
        reached, waiting = {rules.first}, [rules.first]
        while waiting:
            state = waiting.pop()
            for move in rules.moves.values():
                target = move.ways.get(state)
                if target is not None and target not in reached:
                    reached.add(target)
                    waiting.append(target)
        assert reached == rules.states, kind
        assert rules.final, kind


def test_nothing_leads_from_incomplete_to_refused_nor_from_an_end() -> None:
    assert not any(
        ApplicationState.INCOMPLETE in sources and target is ApplicationState.REFUSED
        for sources, target in STEPS.values()
    )
    ended = {ApplicationState.CONSENTED, ApplicationState.REFUSED, ApplicationState.WITHDRAWN}
    assert not any(sources & ended for sources, _ in STEPS.values())
    over = {AgreementState.TERMINATED, AgreementState.EXPIRED}
    assert not any(sources & over for sources, _ in MOVES.values())


# ---- the whole service, any sequence


def edges() -> dict[str, set[tuple[str | None, str]]]:
    """Kind → (state, next state) of everything an agreement goes through; None: not there yet."""
    found: dict[str, set[tuple[str | None, str]]] = {
        "application": {(None, "filed"), (None, "incomplete")},
        "agreement": {(None, "active")},
    }
    for name, table in (("application", STEPS), ("agreement", MOVES)):
        found[name] |= {(source.value, target.value) for sources, target in table.values() for source in sources}
    for kind, rules in RULES.items():
        ways = {way for move in rules.moves.values() for way in move.ways.items()}
        found[kind.value] = {(None, rules.first)} | {(source, target) for source, target in ways}
    # one side's acceptance of a decision waits for the other's
    found["dispute"] |= {(state, state) for state in ("authority-decided", "superior-decided")}
    return found


EDGES = edges()


class Machine:
    """Random use cases of three parties over many days, and what has to hold after each of them."""

    def __init__(self, services: Any, seed: int) -> None:
        self.services, self.dice = services, random.Random(seed)
        self.agreements = Agreements(services.database, services.ledger, services.catalogue, services.clock)
        self.supervising = Supervising(self.agreements)
        self.parties = {
            "c": services.department("human-resources"),
            "p": services.department("police"),
            "a": services.officer(),
        }
        self.done: Counter[str] = Counter()

    def run(self, events: int) -> None:
        for _ in range(events):
            event = self.dice.choice([self.file, self.complete, self.answer, self.move, self.open, self.act, self.time])
            before, size = self.states(), self.services.ledger.size()
            try:
                event()
                self.done[event.__name__] += 1
            except TongbanError:
                self.done["refused"] += 1
            self.lawful(before, size)
        for days in (400, 30):  # what ended in the first sweep starts the clock of its disposal
            self.services.clock.advance(days=days)
            self.agreements.due()
        self.sound()

    def file(self) -> None:
        wish = WISH if self.dice.random() < 0.7 else replace(WISH, purpose="")
        self.agreements.apply(self.parties["c"], replace(wish, duration_days=self.dice.choice([3, 30])))

    def complete(self) -> None:
        self.agreements.complete(self.parties["c"], self.one(self.applications()), WISH)

    def answer(self) -> None:
        decision = self.dice.choice(["consent", "consent", "refuse"])
        id = self.one(self.applications())
        if self.dice.random() < 0.1:
            self.agreements.withdraw(self.parties["c"], id)
        days = self.dice.choice([None, 5])
        self.agreements.answer(self.parties["p"], id, decision, "reason", "law", "delete", days)

    def move(self) -> None:
        verb = self.dice.choice(["suspend", "resume", "terminate"])
        who = self.parties[self.dice.choice("cpa")]
        getattr(self.agreements, verb)(who, self.one(self.granted()), "because")

    def open(self) -> None:
        kind = self.dice.choice(["extension", "order", "ending", "ticket", "dispute", "return", "update"])
        subject = self.one(self.applications() if kind == "extension" else self.granted())
        subject = "police.residents" if kind == "update" else subject
        facts = {
            "extension": {"days": self.dice.randint(1, 6)},
            "order": {"code": "R40-2", "due": self.soon()},
            "ending": {"due": self.soon(), "basis": "law"},
            "return": {"division": self.dice.choice(["330100", "330200"])},
            "update": {"reference": "law"},
            "ticket": {"field": "XM", "key": "1", "observed": "a", "claimed": "b"},
        }.get(kind, {})
        side = {"order": "pa", "ticket": "c", "dispute": "cp", "return": "c", "update": "pa"}.get(kind, "p")
        self.supervising.open(self.parties[self.dice.choice(side)], kind, subject, "because", facts)

    def act(self) -> None:
        found = self.dice.choice(self.supervising.proceedings(self.parties["a"], open_only=True) or [None])
        if found is None:
            return
        side = self.dice.choice("cpa")
        names = {"c": Side.CONSUMER, "p": Side.PROVIDER, "a": Side.AUTHORITY}
        verb = self.dice.choice(verbs(found, names[side]) or ["accept"])
        wanted = RULES[found.kind].moves[verb].wants if verb in RULES[found.kind].moves else ()
        facts = {name: self.soon() if name in ("due", "done_on") else "1.0.0" for name in wanted if name != "text"}
        self.supervising.act(self.parties[side], found.id, verb, "because", facts)

    def time(self) -> None:
        self.services.clock.advance(days=self.dice.choice([0.3, 1, 4, 9]))
        if self.dice.random() < 0.6:
            self.agreements.due()

    def soon(self) -> str:
        return (self.services.clock() + timedelta(days=self.dice.randint(1, 6))).date().isoformat()

    def applications(self) -> list[str]:
        return [one.id for one in self.agreements.applications(self.parties["a"])][-4:]

    def granted(self) -> list[str]:
        return [one.id for one in self.agreements.agreements(self.parties["a"], limit=1000)][-3:]

    def one(self, known: list[str]) -> str:
        return self.dice.choice(known or ["agr_none"])

    def states(self) -> dict[str, tuple[str, str, int]]:
        """Id → kind, state and number of acts of everything there is."""
        with self.services.database.reading() as tx:
            found = {one.id: ("application", one.state.value, 0) for one in store.applications(tx, party=None)}
            found |= {one.id: ("agreement", one.state.value, 0) for one in store.agreements(tx)}
            return found | {one.id: (one.kind.value, one.state, len(one.acts)) for one in proceeding_store.listed(tx)}

    def lawful(self, before: dict[str, tuple[str, str, int]], size: int) -> None:
        """Whatever moved went an edge of its table, and each act left its own entry, naming what was moved and how."""
        told: Counter[tuple[str, str]] = Counter()
        for entry in self.services.ledger.entries(after=size - 1, limit=1000):
            kind = {"agreement.granted": "agreement.active", "agreement.resumed": "agreement.active"}.get(entry.kind)
            for name in ("proceeding", "agreement", "application"):
                if name in entry.body:
                    told[kind or entry.kind, entry.body[name]] += 1
        for id, (kind, state, acts) in self.states().items():
            _, was, had = before.get(id, (kind, None, 0))
            acted = sum(times for (name, about), times in told.items() if about == id and name.startswith(f"{kind}."))
            if kind not in ("application", "agreement"):
                assert acted == acts - had, (id, kind, state)
            if state != was:
                assert (was, state) in EDGES[kind], (id, kind)
                recorded = "filed" if (kind, was, state) == ("application", None, "incomplete") else state
                recorded = "completed" if (kind, was, state) == ("application", "incomplete", "filed") else recorded
                recorded = "active" if recorded == "consented" else recorded
                told_as = "agreement" if recorded == "active" else kind
                assert told[f"{told_as}.{recorded}", id] == 1, (id, kind, was, state)

    def sound(self) -> None:
        """After the end of time: every clock ended or breached, each breach told once, with its code and proof."""
        with self.services.database.reading() as tx:
            every = store.clocks(tx)
            kept = {one.clock: one for one in proceeding_store.violations(tx) if one.clock}
        entries = self.services.ledger.entries(kind="clock.breached", limit=1000)
        told = Counter(entry.body["clock"] for entry in entries)
        assert told == Counter({clock.id: 1 for clock in every if clock.breached_at})
        assert kept.keys() == {clock.id for clock in every if clock.breached_at and clock.code}
        for clock in every:
            late = clock.breached_at is not None
            assert late or not clock.is_open or clock.due is None or clock.stopped_on is not None, clock
        for entry in entries:
            assert entry.body["code"] == NATIONAL.rules[entry.body["rule"]].breach
            assert kept[entry.body["clock"]].evidence == entry.leaf.hex()
        # time has passed for all: nothing is in force, and whatever ended asks for disposal once
        granted = self.agreements.agreements(self.parties["a"], limit=1000)
        assert all(one.state in (AgreementState.TERMINATED, AgreementState.EXPIRED) for one in granted)
        disposals = Counter(one.subject for one in self.supervising.proceedings(self.parties["a"], kind="disposal"))
        assert disposals == Counter({one.id: 1 for one in granted})
        ends = Counter(
            entry.body["agreement"]
            for kind in ("agreement.terminated", "agreement.expired")
            for entry in self.services.ledger.entries(kind=kind, limit=1000)
        )
        assert ends == disposals
        assert not [c for c in every if c.stopped_on and c.is_open]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the rules are the same; PostgreSQL sweeps below
@pytest.mark.parametrize("seed", range(2))
def test_any_sequence_of_use_cases_leaves_every_clock_ended_or_breached_once(services: Any, seed: int) -> None:
    publish(services, "police/residents/openapi.yaml")
    machine = Machine(services, seed)
    machine.run(100)
    assert min(machine.done[name] for name in ("file", "time", "refused")) > 5
    assert sum(machine.done[name] for name in ("answer", "move", "open", "act")) > 10
