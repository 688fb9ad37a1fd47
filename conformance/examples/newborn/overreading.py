"""A newborn app that collects: it reads fields of the departments that the matter has no need of."""

from collections.abc import Mapping, Sequence
from typing import Any

from conformance.examples.newborn.departments import Departments
from conformance.examples.newborn.service import Matter, NewbornApp, main


class OverreadingApp(NewbornApp):
    """Takes whole answers where two fields would do, and looks the parents up in the resident register."""

    def check(self, matter: Matter, departments: Departments) -> None:
        super().check(matter, _Greedy(departments.client, departments.gateway, departments.token, matter.id))
        for parent in ("mother", "father"):
            departments.ask(
                "POST",
                "police.residents",
                "/resident-queries",
                ["PPJG", "LXDH", "MZDM", "HJDZ"],
                dict(matter.application[parent]),
            )


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
