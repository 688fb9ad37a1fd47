"""Objects: which members to have, what each must be, and names for those nobody named."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mockdata.instances import formats, patterns
from mockdata.instances.checks import Checks, matches
from mockdata.instances.dead import Dead
from mockdata.instances.draws import Draws
from mockdata.instances.merge import Atom, Conjunction, Demand
from mockdata.instances.negation import MEMBER, STRANGER
from mockdata.instances.strings import spelled, template
from mockdata.instances.suggestions import Path

if TYPE_CHECKING:
    from mockdata.instances.values import Maker

NAME_TRIES = 40


class ObjectPlan:
    """What is known about one object before its members are drawn."""

    def __init__(self, checks: Checks, state: Conjunction) -> None:
        self.checks = checks
        self.state = state
        self.atoms = state.atoms
        schemas = state.schemas
        self.low = max((int(schema.get("minProperties", 0)) for schema in schemas), default=0)
        self.high = min((int(s["maxProperties"]) for s in schemas if "maxProperties" in s), default=None)
        self.names = [
            atom.demand(atom.schema["propertyNames"]) for atom in self.atoms if "propertyNames" in atom.schema
        ]
        self.members = [
            (atom, atom.schema[word], word == STRANGER)
            for atom in self.atoms
            for word in (MEMBER, STRANGER)
            if word in atom.schema
        ]
        self.needs = self._needs(schemas)
        self.known = dict.fromkeys(name for schema in schemas for name in schema.get("properties", {}))
        self.known.update(dict.fromkeys(self.needs))
        self.patterns = dict.fromkeys(p for schema in schemas for p in schema.get("patternProperties", {}))
        self.open = not any(s.get("additionalProperties") is False for s in schemas)
        self._demands: dict[str, list[Demand]] = {}
        self._allowed: dict[str, bool] = {}

    @cached_property
    def meagre(self) -> bool:
        """Whether the members that are named leave no choice, so that only others can tell two objects apart."""
        return all(
            isinstance(demand.schema, dict)
            and (
                "const" in demand.schema
                or len(demand.schema.get("enum", "ab")) == 1
                or demand.schema.get("type") == "null"
            )
            for name in self.known
            for demand in self.demands(name)[:1]
        )

    @staticmethod
    def _needs(schemas: list[dict[str, Any]]) -> dict[str, list[str]]:
        needs: dict[str, list[str]] = {}
        for schema in schemas:
            for word in ("dependentRequired", "dependencies"):
                for name, others in schema.get(word, {}).items():
                    if isinstance(others, list):
                        needs.setdefault(name, []).extend(others)
        return needs

    def demands(self, name: str) -> list[Demand]:
        """What is demanded of the member of that name."""
        known = self._demands.get(name)
        if known is not None:
            return known
        found: list[Demand] = []
        evaluated: list[Atom] = []
        for atom in self.atoms:
            here = self._direct(atom, name)
            found += here
            if here or "additionalProperties" in atom.schema:
                evaluated.append(atom)
        for atom in sorted(self.atoms, key=lambda atom: -len(atom.lineage)):  # inner ones evaluate for outer ones
            if "unevaluatedProperties" in atom.schema and not any(atom.covers(other) for other in evaluated):
                found.append(atom.demand(atom.schema["unevaluatedProperties"]))
                evaluated.append(atom)
        self._demands[name] = found
        return found

    @staticmethod
    def _direct(atom: Atom, name: str) -> list[Demand]:
        schema = atom.schema
        found = [atom.demand(schema["properties"][name])] if name in schema.get("properties", {}) else []
        found += [
            atom.demand(inner)
            for pattern, inner in schema.get("patternProperties", {}).items()
            if matches(pattern, name)
        ]
        if not found and "additionalProperties" in schema:
            found.append(atom.demand(schema["additionalProperties"]))
        return found

    def allowed(self, name: str) -> bool:
        """Whether a member of that name may be there at all, as far as that shows without drawing it."""
        known = self._allowed.get(name)
        if known is None:
            known = self._possible(name) and all(self.checks.holds(demand.schema, name) for demand in self.names)
            self._allowed[name] = known
        return known

    def _possible(self, name: str) -> bool:
        return self.state.members.get(name) != [] and not any(demand.schema is False for demand in self.demands(name))

    def closure(self, name: str) -> list[str]:
        """The name and everything `dependentRequired` brings with it."""
        found = [name]
        for one in found:
            found += [other for other in self.needs.get(one, ()) if other not in found]
        return found

    def new_names(self, maker: Maker, draws: Draws, taken: dict[str, Any]) -> Iterator[str]:
        """Allowed names nobody named, from `patternProperties`, `propertyNames` or plain words."""
        for attempt in range(NAME_TRIES):
            name = self._new_name(maker, draws.child(attempt), attempt)
            if name is not None and name not in taken and self.allowed(name):
                yield name

    def _new_name(self, maker: Maker, draws: Draws, attempt: int) -> str | None:
        if self.patterns and (attempt % 2 == 0 or not self.open):
            try:
                return spelled(template(draws.pick(list(self.patterns)), draws), draws)
            except patterns.Unsupported:
                return None
        if self.names and attempt % 3 != 2:
            return self._drawn_name(maker, self.names, draws)
        word = draws.pick(formats.WORDS)
        return word if attempt < 20 else f"{word}{draws.below(1000)}"

    def _drawn_name(self, maker: Maker, demands: list[Demand], draws: Draws) -> str | None:
        text = Demand(_STRING, maker.references.start)
        try:
            name = maker.value([text, *demands], draws, ("",))
        except Dead:
            return None
        return name if isinstance(name, str) else None

    def asked_names(self, maker: Maker, wanted: Demand, strange: bool, draws: Draws) -> Iterator[str]:
        """Names for a member that must exist under a name condition (made when a `not` is broken). `strange`:
        `propertyNames` does not bind them.
        """
        for attempt in range(NAME_TRIES):
            name = self._drawn_name(maker, [wanted, *(() if strange else self.names)], draws.child(attempt))
            if name is not None and (self._possible(name) if strange else self.allowed(name)):
                yield name


_STRING: dict[str, Any] = {"type": "string"}


def build(maker: Maker, state: Conjunction, draws: Draws, path: Path) -> dict[str, Any]:
    """An object for the conjunction. Raises Dead."""
    plan = state.notes.get("object")
    if plan is None or plan.checks is not maker.checks:
        plan = state.notes["object"] = ObjectPlan(maker.checks, state)
    made: dict[str, Any] = {}
    for name in _must(plan):
        if name not in made:
            _member(maker, plan, name, made, draws, path)
    for number in range(len(plan.members)):
        _asked(maker, plan, number, made, draws.child(f"asked {number}"), path)
    if plan.high is not None and len(made) > plan.high:
        raise maker.dead(state, f"{len(made)} members are required, maxProperties is {plan.high}")
    for name in plan.known:
        if name not in made and _wanted(maker, plan, name, draws, path):
            _optional(maker, plan, name, made, draws, path)
    extra = plan.low - len(made)
    bare = not plan.known or (plan.meagre and not maker.sending)  # an answer should show what its document names
    if extra <= 0 and bare and (plan.open or plan.patterns) and maker.generous(path):
        extra = draws.below(3) if plan.known else 1 + draws.below(2)
    _more(maker, plan, extra, made, draws, path)
    if len(made) < plan.low:
        raise maker.dead(state, f"no further member found to reach minProperties {plan.low}")
    return _ordered(plan, made)


def _must(plan: ObjectPlan) -> list[str]:
    names: dict[str, None] = {}
    for name in plan.state.required:
        names.update(dict.fromkeys(plan.closure(name)))
    return list(names)


def _member(maker: Maker, plan: ObjectPlan, name: str, made: dict[str, Any], draws: Draws, path: Path) -> None:
    if not plan.allowed(name):
        raise maker.dead(plan.state, f"member {name!r} is required and not allowed")
    made[name] = maker.value(plan.demands(name), draws.child(name), (*path, name))


def _wanted(maker: Maker, plan: ObjectPlan, name: str, draws: Draws, path: Path) -> bool:
    if not maker.optional((*path, name), draws.child(f"have {name}")):
        return False
    return not maker.unsent(plan.demands(name)) and plan.allowed(name)


def _optional(maker: Maker, plan: ObjectPlan, name: str, made: dict[str, Any], draws: Draws, path: Path) -> None:
    """Add an optional member with all it brings along, or nothing."""
    wanted = [one for one in plan.closure(name) if one not in made]
    if plan.high is not None and len(made) + len(wanted) > plan.high:
        return
    trial = dict(made)
    try:
        for one in wanted:
            _member(maker, plan, one, trial, draws, path)
    except Dead:
        return
    made.update(trial)


def _asked(maker: Maker, plan: ObjectPlan, number: int, made: dict[str, Any], draws: Draws, path: Path) -> None:
    atom, (wanted, inner), strange = plan.members[number]
    for name in plan.asked_names(maker, atom.demand(wanted), strange, draws):
        try:
            demands = [*plan.demands(name), atom.demand(inner)]
            made[name] = maker.value(demands, draws.child(name), (*path, name))
        except Dead:
            continue
        return
    raise maker.dead(plan.state, "no member found that breaks what must be broken")


def _more(maker: Maker, plan: ObjectPlan, count: int, made: dict[str, Any], draws: Draws, path: Path) -> None:
    if plan.high is not None:
        count = min(count, plan.high - len(made))
    if count <= 0:
        return
    goal = len(made) + count
    for name in plan.known:
        if len(made) < goal and plan.low > len(made) and name not in made and plan.allowed(name):
            _optional(maker, plan, name, made, draws, path)
    for name in plan.new_names(maker, draws.child("more"), made):
        if len(made) >= goal:
            return
        _optional(maker, plan, name, made, draws, path)


def _ordered(plan: ObjectPlan, made: dict[str, Any]) -> dict[str, Any]:
    """Members in the order the schema names them."""
    return {name: made[name] for name in [*(n for n in plan.known if n in made), *made]}
