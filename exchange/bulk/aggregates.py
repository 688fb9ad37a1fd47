"""Counts and sums with differential privacy: an agreed mode in which no row ever leaves, with a budget per agreement.

The noise is OpenDP's discrete Laplace on whole numbers, so no floating-point trick undoes it. Groups are the values the
agreement lists, never those found in the data: which groups exist would tell something itself.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from exchange.brokering.model import Decision
from exchange.brokering.sources import SourceFailure
from exchange.bulk import making, store
from exchange.bulk.conditions import Fragment, joined, quoted, translate
from exchange.bulk.desk import Desk
from exchange.bulk.evidence import Ask
from exchange.bulk.model import Source, refuse
from exchange.bulk.plan import Unenforceable, arrow_types, filtered, reads
from exchange.bulk.privacy import Allowance, Noise, Question, allowance, check, laplace, scales
from exchange.bulk.terms import Terms, digest, terms_of
from exchange.errors import Forbidden, Unprocessable
from exchange.parties.access import Caller


@dataclass(frozen=True, slots=True)
class Answered:
    """A noisy answer. ``remaining``: what is left of the agreement's budget."""

    delivery: str
    rows: tuple[Mapping[str, Any], ...]
    epsilon: float
    remaining: float
    scales: Mapping[str, float] = field(default_factory=dict)


class Aggregates:
    """Answers questions while the budget lasts."""

    def __init__(self, desk: Desk, noise: Noise = laplace) -> None:
        self.desk, self.noise = desk, noise

    def ask(self, caller: Caller | None, agreement_id: str, table: str, purpose: str, question: Question) -> Answered:
        """A noisy answer; its share of the budget is spent, durably, before it is told.

        Raises `Forbidden` with the rule (``budget-spent``, ``no-aggregates`` …) and `Upstream`, recorded;
        `Unprocessable` for a question the agreement does not cover.
        """
        desk = self.desk
        caller = desk.caller(caller, agreement_id, table, purpose)
        found, of = desk.agreement(agreement_id)
        known = found.scope.get(table) if found else None
        ask = Ask(caller.party, caller.id, of, table if known else "-", purpose, "/tables/{table}/aggregates")
        agreement, record = desk.hold(found, of, ask, aggregates=True)
        source, terms = desk.readable(ask, agreement, record)
        try:
            allowed = allowance(terms)
        except Unprocessable as error:
            words = {"zh_CN": "授权条件无法识别", "en": error.detail}
            raise desk.evidence.refused(ask, agreement, Decision(False, "unknown-term", words)) from None
        check(question, allowed)
        self._within(ask, agreement_id, question, allowed)
        try:
            exact = self._exact(source, terms, question, allowed)
        except (Unenforceable, SourceFailure) as error:
            raise desk.stopped(ask, agreement, error) from None
        width = scales(question, allowed)
        rows = tuple(self._noisy(key, values, question, allowed, width) for key, values in exact.items())
        return self._released(ask, agreement_id, terms, question, allowed, rows, width)

    def remaining(self, caller: Caller | None, agreement_id: str, table: str) -> float:
        """What is left of an agreement's budget, for both its sides and the authority."""
        found = self.desk.agreements.agreement(caller, agreement_id)
        if "aggregates" not in found.terms:
            raise Unprocessable("the agreement says nothing of aggregates")
        with self.desk.database.reading() as tx:
            return max(0.0, allowance(terms_of(found, table)).epsilon - store.spent(tx, agreement_id))

    def _exact(
        self, source: Source, terms: Terms, question: Question, allowed: Allowance
    ) -> dict[tuple[str, ...], list[int]]:
        """Exact counts and clamped sums, in whole steps, of every public group; empty groups are zero."""
        import duckdb

        with self.desk.connecting.sources.open(source, None) as reading:
            connection = reading.connection
            types = arrow_types(connection)
            filter = filtered(connection, terms)
            conditions = [filter.where] if filter.where else []
            wanted = list(filter.reads)
            if question.where:
                agreed = {name: types[name] for name in terms.columns}
                conditions.append(translate(question.where, agreed))
                wanted += reads(question.where, agreed)
            if allowed.person is not None and allowed.person not in types:
                raise Unenforceable("column-missing", allowed.person)
            wanted += [allowed.person] if allowed.person else []
            select = _statement(question, allowed, conditions)
            reading.rows(tuple(dict.fromkeys(wanted)))
            try:
                found = connection.execute(select.sql, list(select.values)).fetchall()
            except duckdb.Error:
                raise SourceFailure("source-unreadable") from None
        size = len(question.by)
        empty = [0] * (int(question.count) + len(question.sums))
        told = {tuple(row[:size]): [int(value or 0) for value in row[size:]] for row in found}
        keys = itertools.product(*(allowed.groups[name] for name in question.by))
        return {key: told.get(key, empty) for key in keys}

    def _noisy(
        self,
        key: tuple[str, ...],
        values: Sequence[int],
        question: Question,
        allowed: Allowance,
        width: Mapping[str, float],
    ) -> dict[str, Any]:
        row: dict[str, Any] = dict(zip(question.by, key, strict=True))
        left = list(values)
        if question.count:
            row["count"] = self.noise(left.pop(0), width["count"])
        for name, value in zip(question.sums, left, strict=True):
            row[f"sum_{name}"] = self.noise(value, width[name]) * allowed.measures[name][2]
        return row

    def _within(self, ask: Ask, agreement_id: str, question: Question, allowed: Allowance) -> None:
        with self.desk.database.reading() as tx:
            spent = store.spent(tx, agreement_id)
        if spent + question.epsilon > allowed.epsilon * (1 + 1e-12):
            raise self._overspent(ask, agreement_id, allowed.epsilon - spent)

    def _overspent(self, ask: Ask, agreement_id: str, left: float) -> Forbidden:
        found, _ = self.desk.agreement(agreement_id)
        return self.desk.evidence.refused(ask, found, refuse("budget-spent", f"{max(left, 0.0):g} left"))

    def _released(
        self,
        ask: Ask,
        agreement_id: str,
        terms: Terms,
        question: Question,
        allowed: Allowance,
        rows: tuple[Mapping[str, Any], ...],
        width: Mapping[str, float],
    ) -> Answered:
        desk, body = self.desk, orjson.dumps(rows)
        file = making.told(body, len(rows))
        with desk.database.transaction() as tx:
            agreement, record = desk.agreement(agreement_id, tx)
            decision = desk.decide(agreement, record, ask, desk.clock(), aggregates=True)
            if decision.allowed and agreement is not None:
                decision = desk.unchanged(tx, agreement, record, ask.table, digest(terms))
            total = store.spent(tx, agreement_id) + question.epsilon
            over = total > allowed.epsilon * (1 + 1e-12)
            if decision.allowed and agreement is not None and not over:
                store.spend(tx, agreement_id, total)
                # as text: two programs may write one fraction in two ways, and the entry is hashed
                more = {"epsilon": f"{question.epsilon:g}", "epsilon_spent": f"{total:g}"}
                fields = tuple(dict.fromkeys((*question.by, *question.sums)))
                made = desk.evidence.delivered(tx, ask, agreement, file, fields, (), more)
                return Answered(made.id, rows, question.epsilon, allowed.epsilon - total, width)
        if decision.allowed:
            raise self._overspent(ask, agreement_id, allowed.epsilon - total + question.epsilon)
        raise desk.evidence.refused(ask, agreement, decision)


def _statement(question: Question, allowed: Allowance, conditions: Sequence[Fragment]) -> Fragment:
    """One SELECT: at most so many rows of a person, clamped, rounded to whole steps, summed by public groups."""
    where = joined(" AND ".join(f"{{{n}}}" for n in range(len(conditions))), *conditions) if conditions else None
    inner = Fragment("SELECT * FROM source") if where is None else joined("SELECT * FROM source WHERE {0}", where)
    if allowed.person is not None:
        # which rows of a person count must not depend on anything but the person's own rows: not on how the others lie
        limit = Fragment("CAST(? AS INTEGER)", (allowed.contributions,))
        used = ", ".join(quoted(name) for name in (*question.by, *question.sums))
        order = f" ORDER BY hash({used}), {used}" if used else ""
        ranked = _brace(f"row_number() OVER (PARTITION BY {quoted(allowed.person)}{order})")
        inner = joined(f"SELECT * FROM ({{0}}) QUALIFY {ranked} <= {{1}}", inner, limit)
    parts = [Fragment(f"CAST({quoted(name)} AS VARCHAR)") for name in question.by]
    grouped = len(parts)
    if question.count:
        parts.append(Fragment("count(*)"))
    parts += [_sum(name, *allowed.measures[name]) for name in question.sums]
    marks = ", ".join(f"{{{n}}}" for n in range(len(parts)))
    made = joined(f"SELECT {marks} FROM ({{{len(parts)}}})", *parts, inner)
    if not grouped:
        return made
    return Fragment(f"{made.sql} GROUP BY {', '.join(str(n + 1) for n in range(grouped))}", made.values)


def _sum(name: str, low: float, high: float, step: float) -> Fragment:
    bounds = [Fragment("CAST(? AS DOUBLE)", (value,)) for value in (low, high, step)]
    column = Fragment(f"CAST({quoted(name)} AS DOUBLE)")
    plain = joined("least(greatest({0}, {1}), {2})", column, bounds[0], bounds[1])
    whole = joined("CAST(round({0} / {1}) AS HUGEINT)", plain, bounds[2])
    # NaN is no number: it counts as no value, or one row could shift a sum without bound
    return joined("sum(CASE WHEN NOT isnan({0}) THEN {1} END)", column, whole)


def _brace(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")
