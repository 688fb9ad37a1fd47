"""A hosted sandbox of notes, for every test of hosted sandboxes."""

from __future__ import annotations

import http.server
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from exchange.jobs import Jobs
from exchange.sandboxes import model
from exchange.sandboxes.service import Sandboxes
from exchange.settings import Settings
from mockdata.sandbox.messages import Request, Response

NOTES = """
openapi: 3.1.0
info: {title: 便笺, version: 1.0.0, description: 便笺, x-interface-id: police.notes, x-department: police,
  x-en: {title: Notes, description: Notes}}
security: [{bearer: []}]
paths:
  /notes:
    get:
      operationId: listNotes
      summary: 列表
      responses: {"200": {description: ok, content: {application/json: {schema:
        {type: array, items: {$ref: "#/components/schemas/Note"}}}}}}
    post:
      operationId: addNote
      summary: 新增
      parameters: [{name: Idempotency-Key, in: header, schema: {type: string}}]
      requestBody: {required: true, content: {application/json: {schema: {$ref: "#/components/schemas/Note"}}}}
      responses: {"201": {description: made, content: {application/json: {schema:
        {$ref: "#/components/schemas/Note"}}}}}
  /notes/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string}}]
    get:
      operationId: getNote
      summary: 查看
      responses: {"200": {description: ok, content: {application/json: {schema:
        {$ref: "#/components/schemas/Note"}}}}, "404": {description: none}}
    delete: {operationId: removeNote, summary: 删除, responses: {"204": {description: gone}, "404": {description: no}}}
components:
  securitySchemes: {bearer: {type: http, scheme: bearer}}
  schemas:
    Note:
      type: object
      required: [id, text]
      properties: {id: {type: string}, text: {type: string, maxLength: 50}}
"""


def made(services: Any, home: Path | None = None, **more: str) -> Sandboxes:
    """The service on a database, as a worker of its own has it."""
    settings = Settings(
        home=home or services.home,
        population_size=100_000,
        public_url="http://tongban.test",
        **more,  # type: ignore[arg-type]
    )
    jobs = Jobs(services.database, settings.home, "w1", services.clock)
    return Sandboxes(services.database, services.ledger, jobs, services.catalogue, settings, b"s" * 32, services.clock)


def ask(sandboxes: Sandboxes, opened: model.Opened, method: str, path: str, value: Any = None, **more: str) -> Response:
    """What a sandbox answers its key."""
    body = b"" if value is None else orjson.dumps(value)
    headers = {"authorization": f"Bearer {opened.key}", "content-type": "application/json", **more}
    request = Request(method, f"/{opened.hosted.id}/police.notes{path}", "", tuple(headers.items()), body)
    return sandboxes.handle(request)


class Listener:
    """A real server on this machine that keeps (path, JSON, headers) of what is posted to it, and answers with the
    statuses it was told, then 204."""

    def __init__(self, *statuses: int) -> None:
        self.got: list[tuple[str, Any, Mapping[str, str]]] = []
        self.statuses = list(statuses)
        listener = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                status = listener.statuses.pop(0) if listener.statuses else 204
                named = {name.lower(): value for name, value in self.headers.items()}
                listener.got.append((self.path, orjson.loads(body), named | {"body": body.decode()}))
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"

    def wait(self, count: int, seconds: float = 10.0) -> None:
        """Until so many messages are there."""
        end = time.monotonic() + seconds
        while len(self.got) < count:
            assert time.monotonic() < end, f"{len(self.got)} of {count} came"
            time.sleep(0.01)

    def __enter__(self) -> Listener:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
