"""An example app over HTTP: who may ask, in which form, once; and what the citizen is shown. Whatever the matter.

State lives in memory: this is an example of a vendor's app, not a product.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import threading
import uuid
from collections.abc import Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from functools import cached_property
from typing import Any

import httpx2
import jsonschema_rs
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from conformance.examples.carrying import Carrying
from conformance.examples.departments import DepartmentDown, DepartmentRefused, Departments
from conformance.examples.handled import CHINA
from specs import library

KEY = re.compile(r"[A-Za-z0-9._:-]{8,128}")
PROTECTED = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
LOOPBACK = ("http://127.0.0.1:", "http://localhost:", "http://[::1]:")


class Refusal(Exception):
    """A request that is answered with a problem (RFC 9457)."""

    def __init__(self, status: int, title: str, **more: Any) -> None:
        super().__init__(title)
        self.status, self.title, self.more = status, title, more


class VendorApp(Carrying):
    """The HTTP side of an app; a matter adds how its application is handled.

    `MATTER` is the id of the matter, `MESSAGES` what the citizen is told of each rule.
    """

    MATTER: str
    MESSAGES: Mapping[str, Mapping[str, str]]

    def today(self, told: str | None) -> date:
        """The day of handling."""
        raise NotImplementedError

    def open(self, token: str, key: str, application: Mapping[str, Any], day: date) -> Any:
        """A new handled matter."""
        raise NotImplementedError

    def handle(self, matter: Any, departments: Departments) -> None:
        """From application to outcome; raises `DepartmentDown` only while nothing has been done."""
        raise NotImplementedError

    def __init__(self, allow: Sequence[str] = LOOPBACK) -> None:
        self.allow = tuple(allow)
        self.matters: dict[str, Any] = {}
        self.keys: dict[tuple[str, str], tuple[str, str | None]] = {}
        self.lock = threading.Lock()
        self.client = httpx2.Client(timeout=5.0, trust_env=False, follow_redirects=False)
        self.asgi = Starlette(
            routes=[
                Route("/health", self._health),
                Route("/handled-matters", self._submit, methods=["POST"]),
                Route("/handled-matters/{id}", self._read, methods=["GET"]),
                Route("/handled-matters/{id}/resumption", self._resume, methods=["POST"]),
            ],
            lifespan=self._lifespan,
        )

    def visible(self, matter: Any, token: str) -> bool:
        """A handled matter belongs to the launch that created it."""
        return bool(matter.token == token)

    def known(self, token: str, key: str, digest: str) -> str | None:
        """The handled matter this key made before; a key that was used for another body is refused."""
        before = self.keys.get((token, key))
        if before is None:
            return None
        if before[0] != digest:
            raise Refusal(422, "幂等键已用于另一份申请")
        return before[1]

    # -- HTTP ----------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> Any:
        yield
        self.client.close()

    async def _health(self, _: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def _submit(self, request: Request) -> Response:
        body = await request.body()
        return await run_in_threadpool(self._answer, self.submit, request, body)

    async def _read(self, request: Request) -> Response:
        return await run_in_threadpool(self._answer, self.read, request, b"")

    async def _resume(self, request: Request) -> Response:
        return await run_in_threadpool(self._answer, self.resume, request, b"")

    def _answer(self, use: Any, request: Request, body: bytes) -> Response:
        try:
            found: Response = use(request, body)
            return found
        except Refusal as refusal:
            return problem(refusal.status, refusal.title, **refusal.more)
        except (DepartmentDown, DepartmentRefused):
            return problem(502, "部门暂时无法访问，尚未办理任何事项，请稍后重试")

    def submit(self, request: Request, body: bytes) -> Response:
        token, gateway = self.token(request), self.gateway(request)
        key = request.headers.get("idempotency-key", "")
        if not KEY.fullmatch(key):
            raise Refusal(400, "缺少请求头 Idempotency-Key，或不合格式")
        application = self.application(body)
        digest = hashlib.sha256(json.dumps(application, sort_keys=True).encode()).hexdigest()
        day = self.day(request)
        with self.lock:
            before = self.known(token, key, digest)
            if before is None:
                matter = self.open(token, key, application, day)
                matter.lock.acquire()
                self.matters[matter.id] = matter
                self.keys[token, key] = (digest, matter.id)
        if before is not None:
            matter = self.matters[before]
            with matter.lock:
                return answer(self.show(matter))
        try:
            self.handle(matter, Departments(self.client, gateway, token, matter.id))
            matter.updated = stamp()
        except BaseException:
            # Nothing was done: the same key may be sent again, as if it never had been.
            with self.lock:
                del self.matters[matter.id]
                del self.keys[token, key]
            raise
        finally:
            matter.lock.release()
        wrote = any(matter.steps[s] in ("done", "failed") for s in self.NEEDS if s not in self.CHECKS)
        return answer(self.show(matter), 201 if wrote else 200)

    def read(self, request: Request, _: bytes) -> Response:
        matter = self.find(request)
        with matter.lock:
            return answer(self.show(matter))

    def resume(self, request: Request, _: bytes) -> Response:
        token, gateway = self.token(request), self.gateway(request)
        matter = self.find(request)
        with matter.lock:
            if matter.state == "partially_completed":
                self.carry_out(matter, Departments(self.client, gateway, token, matter.id))
                matter.updated = stamp()
            return answer(self.show(matter))

    def find(self, request: Request) -> Any:
        token = self.token(request)
        matter = self.matters.get(request.path_params["id"])
        if matter is None or not self.visible(matter, token):
            raise Refusal(404, "没有这个编号的办件")
        return matter

    def token(self, request: Request) -> str:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Refusal(401, "请从平台启动本应用")
        return token

    def gateway(self, request: Request) -> str:
        address = request.headers.get("tongban-gateway", "").rstrip("/")
        if not address:
            raise Refusal(400, "缺少请求头 Tongban-Gateway")
        if not address.startswith(self.allow) or "@" in address:
            raise Refusal(403, "不接受这个入口地址")
        return address

    def day(self, request: Request) -> date:
        try:
            return self.today(request.headers.get("tongban-today"))
        except ValueError:
            raise Refusal(400, "请求头 Tongban-Today 不是日期") from None

    @cached_property
    def form(self) -> Any:
        """The published schema of the application."""
        interface = library.matter(self.MATTER).interface
        operation = interface.operation("submitHandledMatter")
        assert operation.body is not None
        schema = operation.body.contents[0].schema
        assert schema is not None
        return jsonschema_rs.validator_for(interface.standalone(schema), validate_formats=True, mask="…")

    def application(self, body: bytes) -> Mapping[str, Any]:
        """The application as sent; a value of a wrong type is answered with every place at once."""
        try:
            application = json.loads(body)
        except ValueError:
            raise Refusal(400, "请求体不是 JSON") from None
        wrong = [
            {"pointer": "".join(f"/{part}" for part in error.instance_path), "message": error.message[:500]}
            for error in self.form.iter_errors(application)
        ]
        if wrong:
            raise Refusal(422, "申请内容不合要求", errors=wrong[:100])
        return dict(application)

    def new_id(self) -> str:
        return f"hm-{uuid.uuid4().hex}"

    def told(self, matter: Any, rule: str) -> dict[str, Any]:
        """What the citizen is told of one rule."""
        return {"rule": rule, "message": dict(self.MESSAGES[rule])}

    def show(self, matter: Any) -> dict[str, Any]:
        """The handled matter as the citizen sees it."""
        shown = {step: (s if step in matter.wanted() else "skipped") for step, s in matter.steps.items()}
        return {
            "id": matter.id,
            "matter": self.MATTER,
            "state": matter.state,
            "failed_rules": [self.told(matter, rule) for rule in matter.failed_rules],
            "missing": [{"pointer": p, "message": dict(message)} for p, message in matter.missing],
            "notices": [self.told(matter, rule) for rule in matter.notices],
            "steps": [
                {"step": step, "state": state}
                | ({"reference": matter.references[step]} if step in matter.references else {})
                for step, state in shown.items()
            ],
            "result": matter.result,
            "created_at": matter.created,
            "updated_at": matter.updated or matter.created,
        }


def answer(document: Mapping[str, Any], status: int = 200) -> Response:
    """A handled matter: its citizen's only, so no cache may keep it."""
    return JSONResponse(document, status, headers=PROTECTED)


def problem(status: int, title: str, **more: Any) -> Response:
    """An RFC 9457 problem."""
    body = {"type": "about:blank", "title": title, "status": status, **more}
    headers = {**PROTECTED, **({"WWW-Authenticate": "Bearer"} if status == 401 else {})}
    return JSONResponse(body, status, headers=headers, media_type="application/problem+json")


def stamp() -> str:
    return datetime.now(CHINA).isoformat(timespec="seconds")


def main(app: type[VendorApp]) -> None:
    """Serve an app: `python -m conformance.examples.newborn.right --port 9001`."""
    import uvicorn

    parser = argparse.ArgumentParser(description=app.__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument(
        "--allow", action="append", metavar="PREFIX", help="gateway addresses to accept (default: loopback)"
    )
    chosen = parser.parse_args()
    service = app(tuple(chosen.allow) if chosen.allow else LOOPBACK)
    uvicorn.run(service.asgi, host=chosen.host, port=chosen.port, log_level="warning")
