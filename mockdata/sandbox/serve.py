"""Sandboxes on a port, in a thread, for programs; and how a port is taken."""

from __future__ import annotations

import socket
import threading
import time
from types import TracebackType
from typing import Any

LOOPBACK = "127.0.0.1"
PATIENCE = 10.0


def listen(host: str = LOOPBACK, port: int = 0) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises OSError when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        made.listen(2048)
    except OSError:
        made.close()
        raise
    return made


def url_of(listening: socket.socket) -> str:
    """The base URL of a listening socket."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _server(app: Any) -> Any:
    import uvicorn

    from mockdata.sandbox.wire import OneWrite

    config = uvicorn.Config(
        app, log_level="critical", access_log=False, lifespan="off", server_header=False, timeout_graceful_shutdown=2,
        http=OneWrite,
    )  # fmt: skip
    return uvicorn.Server(config)


class ServedSandbox:
    """Serves an ASGI application in a thread for the length of a `with` block.

    `url` is its base URL. Raises OSError when the port is taken, RuntimeError when the server does not come
    up.
    """

    def __init__(self, app: Any, host: str = LOOPBACK, port: int = 0) -> None:
        self.app = app
        self._socket = listen(host, port)
        self.url = url_of(self._socket)
        self._server = _server(app)
        self._thread: threading.Thread | None = None

    def __enter__(self) -> ServedSandbox:
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name=f"sandbox {self.url}", daemon=True
        )
        self._thread.start()
        end = time.monotonic() + PATIENCE
        while not self._server.started:
            if time.monotonic() > end or not self._thread.is_alive():
                self._close()
                raise RuntimeError(f"the server on {self.url} did not start")
            time.sleep(0.002)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _close(self) -> None:
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(PATIENCE)
        self._socket.close()
