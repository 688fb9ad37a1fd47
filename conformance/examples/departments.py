"""How the example apps talk to departments: through the gateway they were handed, with the citizen's token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx2


class DepartmentDown(Exception):
    """A department does not answer, or answers 5xx or 429: nothing is known, so nothing may be claimed."""


class DepartmentRefused(Exception):
    """A department gave a reason why not; `existing` is the record that is there already, if it says so."""

    def __init__(self, status: int, detail: str, existing: str | None) -> None:
        super().__init__(detail)
        self.status = status
        self.existing = existing


@dataclass(frozen=True, slots=True)
class Departments:
    """Every department, on behalf of one citizen. `matter` is the app's own id of the handled matter."""

    client: httpx2.Client
    gateway: str
    token: str
    matter: str

    def ask(
        self,
        method: str,
        interface: str,
        path: str,
        fields: Sequence[str] | None,
        body: Any = None,
        key: str | None = None,
    ) -> Mapping[str, Any]:
        """One call; raises `DepartmentDown` or `DepartmentRefused`.

        `fields` are the only ones asked for (None: all), because what a department does not send cannot leak.
        A write carries its `key`, so that sending it again does nothing twice.
        """
        headers = {"Authorization": f"Bearer {self.token}", "Tongban-Handled-Matter": self.matter}
        if key is not None:
            headers["Idempotency-Key"] = key
        # In OpenAPI's form style the comma parts the values, so it must not be percent-encoded.
        url = f"{self.gateway}/{interface}{path}" + (f"?fields={','.join(fields)}" if fields is not None else "")
        try:
            answer = self.client.request(method, url, headers=headers, json=body)
            document = answer.json()
        except (httpx2.HTTPError, ValueError) as error:
            raise DepartmentDown(f"{interface}: {type(error).__name__}") from None
        if answer.status_code >= 500 or answer.status_code == 429:
            raise DepartmentDown(f"{interface}: {answer.status_code}")
        if answer.status_code >= 400:
            detail = str(document.get("detail") or document.get("title") or answer.status_code)
            raise DepartmentRefused(answer.status_code, detail, document.get("existing"))
        return dict(document)
