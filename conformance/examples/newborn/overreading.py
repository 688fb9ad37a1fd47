"""A newborn app that collects: it reads fields of the departments that the matter has no need of."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from conformance.examples.departments import DepartmentRefused, Departments
from conformance.examples.newborn.matter import Matter
from conformance.examples.newborn.service import NewbornApp, main


class OverreadingApp(NewbornApp):
    """Takes whole answers where two fields would do, and looks the parents up in the resident register."""

    def check(self, matter: Matter, departments: Departments) -> None:
        super().check(matter, _Greedy(departments.client, departments.gateway, departments.token, matter.id))
        for parent in ("mother", "father"):
            wanted, whom = ["PPJG", "LXDH", "MZDM", "HJDZ"], dict(matter.application[parent])
            # Nobody of that number: the register has nothing to collect, which is no fault of the application.
            with suppress(DepartmentRefused):
                departments.ask("POST", "police.residents", "/resident-queries", wanted, whom)


class _Greedy(Departments):
    """Asks for every field of every answer."""

    def ask(
        self,
        method: str,
        interface: str,
        path: str,
        fields: Sequence[str] | None,
        body: Any = None,
        key: str | None = None,
    ) -> Mapping[str, Any]:
        return Departments.ask(self, method, interface, path, None, body, key)


if __name__ == "__main__":
    main(OverreadingApp)
