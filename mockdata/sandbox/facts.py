"""What is known about persons, marriages and institutions: the functions mock rules call, and values for
fields.

Facts come from the virtual population, by the elements of the dictionary; identifiers to assign follow their
element.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from functools import cached_property, lru_cache
from typing import Any

from mockdata.instances import Instances, Unsatisfiable
from mockdata.instances.suggestions import Path, Source
from mockdata.sandbox.business import Business
from mockdata.sandbox.overlay import Overlay
from mockdata.seeds import stream
from specs import elements

NUMBER = "GMSFHM"
_NUMBER_ATTRIBUTE = "citizen_number"
PEOPLE_KEPT = 4_096


class Facts:
    """The facts of one population, seen through one overlay. Without a population nobody and nothing is known.

    `population` is a mockdata.population.Population, or a function that makes one when a fact is first asked for: many
    documents never ask.
    """

    def __init__(self, population: Any, overlay: Overlay, seed: int | str) -> None:
        self._given = population
        self.overlay = overlay
        self.seed = seed
        self._makers: dict[str, Instances] = {}
        self._business = Business(lambda: self.population, overlay, seed)
        # persons, marriages and institutions stay the same for a day, and one request asks for them several times
        self._person = lru_cache(maxsize=PEOPLE_KEPT)(self._look_up)
        self._marriage = lru_cache(maxsize=PEOPLE_KEPT)(self._married)
        self._place = lru_cache(maxsize=PEOPLE_KEPT)(self._institution)
        self._kept = lru_cache(maxsize=PEOPLE_KEPT)(self._recorded)

    @cached_property
    def population(self) -> Any:
        """The population, None without one."""
        return self._given() if callable(self._given) else self._given

    @cached_property
    def _own(self) -> tuple[str, ...]:
        """The elements of the person register that speak of the person and not of relatives."""
        from mockdata.population import registers

        return tuple(sorted(name for name in registers.register("person").elements if "_" not in name))

    def person(self, number: Any) -> dict[str, Any] | None:
        """The facts of the person with a citizen number, by element; None when nobody has it."""
        if self.population is None or not isinstance(number, str) or len(number) != 18:
            return None
        found = self._person(number)
        return None if found is None else dict(found)

    def _look_up(self, number: str) -> dict[str, Any] | None:
        from mockdata.population import registers

        found = registers.person(self.population, number, self._own)
        if found is None:
            return None
        known = elements.dictionary()
        aliases = {alias: value for name, value in found.items() if name in known for alias in known[name].aliases}
        return {**aliases, **found}

    def somebody(self, seed: int) -> dict[str, Any] | None:
        """The facts of some person, the same for the same seed."""
        if self.population is None:
            return None
        index = stream(self.seed, "somebody", seed) % self.population.size
        return self.person(self.population.record(index, (_NUMBER_ATTRIBUTE,))[_NUMBER_ATTRIBUTE])

    def married(self, one: Any, other: Any) -> dict[str, Any] | None:
        """The registered marriage between two persons, in force or dissolved; None when there is none."""
        if self.population is None or not isinstance(one, str) or not isinstance(other, str):
            return None
        found = self._marriage(one, other)
        return None if found is None else dict(found)

    def _married(self, one: str, other: str) -> dict[str, Any] | None:
        from mockdata.population import registers

        return registers.married(self.population, one, other)

    def institution(self, code: Any) -> dict[str, Any] | None:
        """The midwifery institution with a code, by element; None when there is none."""
        if self.population is None or not isinstance(code, str):
            return None
        found = self._place(code)
        return None if found is None else dict(found)

    def _institution(self, code: str) -> dict[str, Any] | None:
        from mockdata.population import registers

        return registers.institution(self.population, code)

    def record(self, name: Any, element: Any, value: Any) -> dict[str, Any] | None:
        """The record of a register (docs/population.md) with this value of a key element; None when there is none.

        Raises ValueError for a register or key there is not.
        """
        if self.population is None or not isinstance(value, str):
            return None
        try:
            found = self._kept(str(name), str(element), value)
        except KeyError as error:
            raise ValueError(str(error)) from None
        return None if found is None else dict(found)

    def _recorded(self, name: str, element: str, value: str) -> dict[str, Any] | None:
        from mockdata.population import registers

        return registers.register(name).find(self.population, element, [value])[0]

    def kin(self, one: Any, other: Any) -> str | None:
        """What the second person is to the first (GB/T 4761: spouse, child, parent); None for anybody else."""
        if self.population is None or not isinstance(one, str) or not isinstance(other, str):
            return None
        from mockdata.population import registers

        return registers.kin(self.population, one, other)

    def stored(self, resource: Any, fields: Any, values: Any) -> dict[str, Any] | None:
        """The latest record an interface holds whose field (or fields) has this value (or values)."""
        names = [fields] if isinstance(fields, str) else list(fields)
        wanted = [values] if isinstance(fields, str) else list(values)
        if len(names) != len(wanted):
            raise ValueError("stored() needs as many values as fields")
        record = self.overlay.find(str(resource), names, wanted)
        return None if record is None or record.value is None else dict(record.value)

    def assign(self, name: Any) -> Any:
        """A fresh identifier that follows the element of that name. Raises ValueError for an unknown
        element.
        """
        try:
            element = elements.resolve(str(name))[1]
        except KeyError as error:
            raise ValueError(str(error)) from None
        number = self.overlay.count(f"assign {element.id}")
        if element.check == "iso7064-mod37-36":
            return self._certificate(number)
        if element.id not in self._makers:
            self._makers[element.id] = Instances(element.schema)
        try:
            while True:
                value = self._makers[element.id].example(stream(self.seed, "assign", element.id, number))
                if self.overlay.answered(("assigned", element.id, str(value))) is None:
                    break
                number = self.overlay.count(f"assign {element.id}")
        except Unsatisfiable as error:
            raise ValueError(f"{element.id}: {error}") from None
        self.overlay.remember(("assigned", element.id, str(value)), True)
        return value

    @staticmethod
    def _certificate(number: int) -> str:
        from mockdata.identifiers import certificate_identifier

        issuer = "11909900009900021A"
        return certificate_identifier(f"{issuer}001", issuer, f"{number:014d}")

    def assign_number(self, division: Any, birth_date: Any, sex: Any) -> str:
        """A citizen number nobody has, for a division, a date of birth and a sex ("1" male, "2" female).

        Raises ValueError for a division or date that cannot be in one, or when the day has no number left.
        """
        import numpy as np

        from mockdata import identifiers

        spelled = str(birth_date).replace("-", "")
        if len(str(division)) != 6 or not str(division).isdigit() or len(spelled) != 8 or not spelled.isdigit():
            raise ValueError("assign_number(division of 6 digits, date yyyy-MM-dd, sex)")
        odd = 1 if str(sex) == "1" else 0
        sequences = np.arange(998 + odd, odd, -2, dtype=np.int64)
        areas = np.full(len(sequences), int(str(division)), dtype=np.int64)
        days = np.full(len(sequences), int(identifiers.day_numbers(np.array([int(spelled)]))[0]), dtype=np.int64)
        if days[0] < 0:
            raise ValueError(f"{birth_date} is no date")
        for number in identifiers.text_column(identifiers.citizen_numbers(areas, days, sequences)).to_pylist():
            key = ("citizen number", number)
            known = self.population is not None and int(self.population.index_of([number])[0]) >= 0
            if not known and self.overlay.answered(key) is None:
                self.overlay.remember(key, True)
                return str(number)
        raise ValueError(f"no citizen number is left for {division} {birth_date}")

    def functions(self) -> dict[str, Callable[..., Any]]:
        """The functions of mock rules by name."""
        return {
            "person": self.person,
            "married": self.married,
            "institution": self.institution,
            "record": self.record,
            "kin": self.kin,
            "stored": self.stored,
            "assign": self.assign,
            "assign_number": self.assign_number,
            "days_between": days_between,
            **self._business.functions(),
        }

    def _people(self, said: Iterable[tuple[str, Any]]) -> dict[str, dict[str, Any]]:
        """The persons named by (field name, value) pairs, by qualifier; the only one also without qualifier."""
        people: dict[str, dict[str, Any]] = {}
        for name, value in said:
            qualifier, element = _parts(name)
            if element == NUMBER and (found := self.person(value)) is not None:
                people.setdefault(qualifier, found)
        if len(people) == 1:
            people.setdefault("", next(iter(people.values())))
        return people

    def source(self, request: Iterable[tuple[str, Any]], seed: int) -> Source | None:
        """Offers facts to fields bound to elements (`x-element`): of the persons a request names, else of somebody.

        `request` are (field name, value) pairs of its body, path and query. A field of the answer belongs to the
        person whose qualifier it shares (MQ_XM to MQ_GMSFHM), a field without qualifier to the only person named.
        """
        if self._given is None:
            return None
        said = list(request)
        named: dict[str, dict[str, Any]] | None = None
        strangers: dict[str, dict[str, Any] | None] = {}

        def source(path: Path, schemas: Any) -> list[Any]:
            nonlocal named
            bound = next((one["x-element"] for one in schemas if isinstance(one.get("x-element"), str)), None)
            if bound is None or not path:
                return []
            if named is None:
                named = self._people(said)
            qualifier, element = _parts(str(path[-1]))
            facts = named.get(qualifier)
            if facts is None and not named:
                key = f"{qualifier} {path[:-1]}"
                if key not in strangers:
                    strangers[key] = self.somebody(stream(seed, key))
                facts = strangers[key]
            if facts is None:
                return []
            value = facts.get(element or bound, facts.get(bound))
            return [] if value is None else [value]

        return source


def _parts(name: str) -> tuple[str, str]:
    try:
        qualifier, element = elements.resolve(name)
    except KeyError:
        return "", ""
    return qualifier or "", element.id


def days_between(start: Any, end: Any) -> int:
    """Days from one date (yyyy-MM-dd…) to another; negative when it is earlier. Raises ValueError for other
    text.
    """
    return (date.fromisoformat(str(end)[:10]) - date.fromisoformat(str(start)[:10])).days
