"""Who takes part in the story: seven departments, two offices, three vendors, the public; their people and programs."""

from __future__ import annotations

import secrets
from typing import Any

from exchange.demo.client import Api
from exchange.demo.memory import Memory
from specs import library

OFFICES = (
    ("data-office", "data_office", {"zh_CN": "数据资源管理局", "en": "Data Office"}, "officer"),
    ("finance-office", "finance", {"zh_CN": "财政局", "en": "Finance Office"}, "finance"),
    ("citizens", "public", {"zh_CN": "公众", "en": "The public"}, "citizen"),
)
VENDORS = (
    ("linan-software", {"zh_CN": "临安软件", "en": "Lin'an Software"}),
    ("kuaiban-tech", {"zh_CN": "快办科技", "en": "Kuaiban Technology"}),
    ("quanzhi-data", {"zh_CN": "全知数据", "en": "Quanzhi Data"}),
)


class World:
    """Parties with one member and one program each; departments also have a reviewer."""

    def __init__(self, base_url: str, operator_secret: str, memory: Memory) -> None:
        self.base_url, self.memory = base_url, memory
        self.operator = Api(base_url, "operator", operator_secret)

    def populate(self) -> tuple[int, int]:
        """Register everyone; how many parties and members there are. Can be repeated."""
        for department in library.departments():
            self._party(department.id, "department", department.name, ("engineer", "reviewer"), uscc=department.uscc)
        for identifier, kind, name, role in OFFICES:
            self._party(identifier, kind, name, (role,))
        for identifier, name in VENDORS:
            self._party(identifier, "vendor", name, ("developer",))
        members = [name for name in self.memory.values if name.startswith("member ")]
        parties = [name for name in self.memory.values if name.startswith("party ")]
        return len(parties), len(members)

    def program(self, party: str) -> Api:
        """The API as a party's program."""
        client = self.memory.values[f"client {party}"]
        return Api(self.base_url, client["client_id"], client["client_secret"])

    def people(self) -> list[dict[str, str]]:
        """Everyone who can sign in: login, password, party, role."""
        return [value for name, value in self.memory.values.items() if name.startswith("member ")]

    def _party(self, identifier: str, kind: str, name: Any, roles: tuple[str, ...], uscc: str | None = None) -> None:
        def register() -> dict[str, Any]:
            body = {"id": identifier, "kind": kind, "name": dict(name), "uscc": uscc}
            self.operator.call("POST", "/api/v1/parties", json=body, allow=(409,))
            return body

        self.memory.once(f"party {identifier}", register)
        for role in roles:
            login = f"{role}@{identifier}"
            # the password is remembered before it is set, so a kill in between loses nothing
            given = self.memory.once(
                f"member {login}",
                lambda login=login, role=role: {
                    "login": login,
                    "password": secrets.token_urlsafe(9),
                    "party": identifier,
                    "role": role,
                },
            )
            self.memory.once(
                f"joined {login}",
                lambda given=given: bool(
                    self.operator.call(
                        "POST",
                        f"/api/v1/parties/{identifier}/members",
                        json={
                            "login": given["login"],
                            "name": given["login"],
                            "roles": [given["role"]],
                            "password": given["password"],
                        },
                        allow=(409,),
                    )
                ),
            )
        if kind != "public":
            self.memory.once(
                f"client {identifier}",
                lambda: self.operator.post(
                    f"/api/v1/parties/{identifier}/clients", {"label": "story", "roles": list(roles)}
                ),
            )
