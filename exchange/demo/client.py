"""How the story talks to the service: plain HTTP, as anyone would."""

from __future__ import annotations

import time
from typing import Any

import httpx2

from exchange.errors import Upstream


class Api:
    """JSON over HTTP as one party; renews its access token before it ends."""

    def __init__(self, base_url: str, client_id: str = "", secret: str = "") -> None:
        self.base_url, self.client_id, self.secret = base_url, client_id, secret
        self._token, self._until = "", 0.0
        self.http = httpx2.Client(base_url=base_url, timeout=60.0)

    def get(self, path: str, **query: Any) -> Any:
        """The JSON of a GET. Raises `Upstream` with the problem's words."""
        return self.call("GET", path, params=query).json()

    def post(self, path: str, body: Any = None) -> Any:
        """The JSON of a POST."""
        return self.call("POST", path, json=body if body is not None else {}).json()

    def call(self, method: str, path: str, *, allow: tuple[int, ...] = (), **options: Any) -> httpx2.Response:
        """The response. Raises `Upstream` for an error status that is not in ``allow``."""
        headers = {**self.authorization(), **options.pop("headers", {})}
        response = self.http.request(method, path, headers=headers, **options)
        if response.status_code >= 400 and response.status_code not in allow:
            try:
                said = response.json()
                words = f"{said.get('detail')} {said.get('hint', '')}".strip()
            except ValueError:
                words = response.text[:200]
            raise Upstream(f"{method} {path} answered {response.status_code}: {words}")
        return response

    def authorization(self) -> dict[str, str]:
        """The header that says who calls; nothing for nobody."""
        if not self.client_id:
            return {}
        if time.monotonic() > self._until:
            answer = self.http.post(
                "/oauth/token",
                data={
                    "grant_type": "client_credentials",
                    "client_id": self.client_id,
                    "client_secret": self.secret,
                },
            )
            if answer.status_code != 200:
                raise Upstream(f"no token for {self.client_id}: {answer.status_code}")
            self._token = answer.json()["access_token"]
            self._until = time.monotonic() + answer.json()["expires_in"] - 60
        return {"Authorization": f"Bearer {self._token}"}

    def until(self, path: str, done: Any, *, seconds: float = 300, tick: Any = None) -> Any:
        """Poll a GET until ``done(answer)``. Raises `Upstream` after ``seconds``."""
        deadline = time.monotonic() + seconds
        while True:
            answer = self.get(path)
            if done(answer):
                return answer
            if time.monotonic() > deadline:
                raise Upstream(f"{path} was not finished after {seconds:.0f} s")
            if tick:
                tick(answer)
            time.sleep(0.2)


class Person(Api):
    """The API as a person: signed in with a password, as a browser is."""

    def __init__(self, base_url: str, member: dict[str, str]) -> None:
        super().__init__(base_url)
        self._csrf = ""
        answer = self.http.post("/api/v1/sessions", json={"login": member["login"], "password": member["password"]})
        if answer.status_code != 201:
            raise Upstream(f"{member['login']} cannot sign in: {answer.status_code} {answer.text[:200]}")
        self._csrf = answer.json()["csrf_token"]

    def authorization(self) -> dict[str, str]:
        """A session is carried by its cookie; writing also takes the session's token."""
        return {"X-CSRF-Token": self._csrf}
