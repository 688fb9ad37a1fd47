"""What is known about firms and those who head them: functions mock rules of a business start-up call."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import date
from functools import lru_cache
from typing import Any

from mockdata.sandbox.overlay import Overlay
from mockdata.seeds import hashed, stream

_NAMES_KEPT, _FILES_KEPT = 8, 1_024
_DIGITS = 10**12


class Business:
    """Firms and restrictions of one population, seen through one overlay. `population` gives it when first asked."""

    def __init__(self, population: Callable[[], Any], overlay: Overlay, seed: int | str) -> None:
        self._population, self._overlay, self._seed = population, overlay, seed
        self._names = lru_cache(maxsize=_NAMES_KEPT)(self._registered)
        # one answer asks for every field of a file
        self._files = lru_cache(maxsize=_FILES_KEPT)(self._on_file)

    def restrictions(self, number: Any, today: Any) -> dict[str, Any] | None:
        """What bars a person from heading a firm on a day, by element; None when nobody has the number."""
        found = self._files(number, str(today)[:10]) if isinstance(number, str) and len(number) == 18 else None
        return None if found is None else dict(found)

    def _on_file(self, number: str, today: str) -> dict[str, Any] | None:
        from mockdata.population import dockets

        population = self._population()
        if population is None:
            return None
        index = int(population.index_of([number])[0])
        if index < 0:
            return None
        born = date.fromisoformat(f"{number[6:10]}-{number[10:12]}-{number[12:14]}")
        return dockets.restrictions(population, index, born, date.fromisoformat(today))

    @staticmethod
    def face(number: Any) -> str:
        """The registered face of the person with a citizen number: the first 16 digits of its sha256, in capitals.

        A rule anybody can follow: whoever tries an app in a sandbox can be the person, or somebody else.
        """
        return hashlib.sha256(str(number).encode()).hexdigest()[:16].upper()

    def firm_named(self, name: Any, division: Any) -> bool:
        """Whether a firm of the population is registered in a division under this name."""
        population, code = self._population(), str(division)
        return population is not None and code.isdigit() and str(name) in self._names(int(code))

    def _registered(self, division: int) -> frozenset[str]:
        import numpy as np

        firms = self._population().firms
        where = np.flatnonzero(firms.divisions.numbers[firms.layout.division] == division)
        found: set[str] = set()
        for place in where:
            found.update(firms.names(np.arange(firms.offset[place], firms.offset[place + 1])).to_pylist())
        return frozenset(found)

    def declaration(self, name: Any, division: Any) -> str:
        """The number under which a name is declared in a division."""
        word = int(hashed(stream(self._seed, "name declaration", str(division), str(name)), [0])[0])
        return f"MC{word % _DIGITS:012d}"

    def assign_credit_code(self, division: Any) -> str:
        """A unified social credit code no firm has, with both check characters. Raises ValueError for no division."""
        import numpy as np

        from mockdata import identifiers

        code = str(division)
        if len(code) != 6 or not code.isdigit():
            raise ValueError("assign_credit_code(division of 6 digits)")
        population = self._population()
        while True:
            count = self._overlay.count("credit code")
            word = hashed(stream(self._seed, "credit code"), [count])
            body = identifiers.bodies((word >> np.uint64(34)).astype(np.int64) % identifiers.BODY_CAPACITY)
            made = str(identifiers.text_column(identifiers.credit_codes("91", np.array([int(code)]), body))[0])
            key = ("credit code", made)
            known = population is not None and int(population.firms.find([made])[0]) >= 0
            if not known and self._overlay.answered(key) is None:
                self._overlay.remember(key, True)
                return made

    def functions(self) -> dict[str, Callable[..., Any]]:
        """The functions by name."""
        return {
            "restrictions": self.restrictions,
            "face": self.face,
            "firm_named": self.firm_named,
            "declaration": self.declaration,
            "assign_credit_code": self.assign_credit_code,
        }
