"""Who takes part in the story: seven departments, two offices, three vendors, the public; their people and programs."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from functools import partial

from exchange.demo.client import Api
from exchange.demo.memory import Memory
from specs import library

OFFICES = (
    ("data-office", "data_office", {"zh_CN": "数据资源管理局", "en": "Data Office"}, "officer"),
    ("finance-office", "finance", {"zh_CN": "财政局", "en": "Finance Office"}, "finance"),
    ("citizens", "public", {"zh_CN": "公众", "en": "The public"}, "citizen"),
)
MATTER = "newborn"
"""The matter of the story; departments that take part in other matters only are not there."""

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
        present = {interface.department for interface in library.around(MATTER).values()}
        for department in (one for one in library.departments() if one.id in present):
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

    def _party(
        self, identifier: str, kind: str, name: Mapping[str, str], roles: tuple[str, ...], uscc: str | None = None
    ) -> None:
        if f"party {identifier}" not in self.memory.values:
            body = {"id": identifier, "kind": kind, "name": dict(name), "uscc": uscc}
            # 409: registered before a kill that came between the answer and our remembering it
            self.operator.call("POST", "/api/v1/parties", json=body, allow=(409,))
            self.memory.put(f"party {identifier}", body)
        for role in roles:
            self._member(identifier, role)
        if kind != "public":
            wish = {"label": "story", "roles": list(roles)}
            self.memory.once(
                f"client {identifier}", partial(self.operator.post, f"/api/v1/parties/{identifier}/clients", wish)
            )

    def _member(self, party: str, role: str) -> None:
        login = f"{role}@{party}"
        if f"member {login}" in self.memory.values:
            return
        # remembered before it is set, so a kill in between loses no password
        password = self.memory.once(f"password {login}", partial(secrets.token_urlsafe, 9))
        body = {"login": login, "name": login, "roles": [role], "password": password}
        self.operator.call("POST", f"/api/v1/parties/{party}/members", json=body, allow=(409,))
        self.memory.put(f"member {login}", {"login": login, "password": password, "party": party, "role": role})
