"""A small service that answers what a test tells it to, and remembers what it was asked."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

OPENAPI = """
openapi: 3.1.0
info: {title: Shop, version: '1'}
servers: [{url: %s}]
paths:
  /orders:
    get:
      operationId: listOrders
      parameters:
        - {name: state, in: query, explode: false, schema: {type: array, items: {type: string}}}
        - {name: tag, in: query, schema: {type: array, items: {type: string}}}
        - {name: X-Trace, in: header, schema: {type: string}}
        - {name: session, in: cookie, schema: {type: string}}
      responses: {'200': {description: ok, content: {application/json: {}}}}
    post:
      operationId: createOrder
      requestBody: {content: {application/json: {}}}
      responses: {'201': {description: created}}
  /orders/{id}:
    get:
      operationId: getOrder
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      responses: {'200': {description: ok}}
  /search:
    get: {operationId: search, responses: {'200': {description: ok}}}
  /login:
    post:
      operationId: login
      requestBody: {content: {application/x-www-form-urlencoded: {}}}
      responses: {'200': {description: ok}}
"""

HEAD = """
arazzo: 1.1.0
info: {title: t, version: '1'}
sourceDescriptions: [{name: shop, url: ./shop.yaml, type: openapi}%s]
workflows:
"""


@dataclass
class Service:
    """`answers` by "METHOD /path": (status, body, headers) in turn, the last one for ever; a float waits first."""

    url: str = ""
    answers: dict[str, list[Any]] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)

    def answer(
        self, method: str, path: str, headers: dict[str, str], content: bytes
    ) -> tuple[int, Any, dict[str, str]]:
        plain = path.partition("?")[0]
        self.asked.append({"method": method, "path": path, "headers": headers, "body": content.decode()})
        turns = self.answers.get(f"{method} {plain}", [(200, {"path": plain})])
        found = turns.pop(0) if len(turns) > 1 else turns[0]
        if isinstance(found, float):
            time.sleep(found)
            found = (200, {})
        status, body, *more = found
        return status, body, more[0] if more else {}

    @property
    def paths(self) -> list[str]:
        return [f"{one['method']} {one['path']}" for one in self.asked]


@contextmanager
def serving() -> Iterator[Service]:
    """A service on a free port of this machine."""
    service = Service()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def reply(self) -> None:
            content = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, body, more = service.answer(self.command, self.path, headers, content)
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            try:
                self.send_response(status)
                for name, value in {
                    "content-type": "application/json",
                    "content-length": str(len(raw)),
                    **more,
                }.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(raw)
            except OSError:
                pass

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = reply

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            """A client that goes away is what some tests are about."""

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    service.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)


def written(folder: Path, workflows: str, sources: str = "", server: str = "https://shop.example/v1") -> Path:
    """An Arazzo document of these workflows beside its OpenAPI document."""
    (folder / "shop.yaml").write_text(OPENAPI % server, encoding="utf-8")
    path = folder / "flow.arazzo.yaml"
    path.write_text(HEAD % sources + workflows, encoding="utf-8")
    return path
