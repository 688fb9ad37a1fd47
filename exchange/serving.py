"""Run the service in this process: one lock per data folder, one port, a clean end."""

from __future__ import annotations

import ctypes
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import partial
from types import TracebackType

import uvicorn

from exchange.app import Exchange, create_app
from exchange.brokering.direct import Direct
from exchange.errors import Unavailable
from exchange.locking import locked
from exchange.settings import Settings
from mockdata.sandbox.serve import listen
from mockdata.sandbox.wire import settle

_ARENA_MAX = -8
"""M_ARENA_MAX of glibc's malloc.h."""


def few_heaps() -> None:
    """Let all threads share two heaps of the C library, here and in the processes started from here. By itself glibc
    gives eight a core to the threads of a service, and what one holds free no other can use: 140 MiB of the story.
    Nothing where the operator has decided (MALLOC_ARENA_MAX) or the C library is another one.
    """
    if "MALLOC_ARENA_MAX" not in os.environ:
        os.environ["MALLOC_ARENA_MAX"] = "2"
        with suppress(AttributeError, OSError):
            ctypes.CDLL(None).mallopt(_ARENA_MAX, 2)


def run(settings: Settings) -> None:
    """Serve until interrupted. Raises `Unavailable` when the folder or the port cannot be had."""
    with reserved(settings) as (settings, listener):
        app = create_app(settings)
        if secret := app.state.operator_secret:
            print(f"operator: client_id=operator client_secret={secret} (shown once)", file=sys.stderr)
        print(f"tongban serves {settings.base_url}", file=sys.stderr)
        settle()
        uvicorn.Server(_config(app)).run(sockets=[listener])


class Serving:
    """The service in a thread of this process, for the demo and for tests; stops when the block ends.

    ``settings`` are those in force: port 0 has become the port that was free.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._held = ExitStack()

    def __enter__(self) -> Serving:
        with ExitStack() as stack:
            self.settings, listener = stack.enter_context(reserved(self.settings))
            server = uvicorn.Server(_config(create_app(self.settings)))
            self._thread = threading.Thread(
                target=server.run, kwargs={"sockets": [listener]}, name="tongban-http", daemon=True
            )
            self._thread.start()
            stack.callback(self._end, server)
            deadline = time.monotonic() + 60
            while not server.started:
                if not self._thread.is_alive() or time.monotonic() > deadline:
                    raise Unavailable("the service did not start", hint="see the log above")
                time.sleep(0.02)
            self._held = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._held.close()

    def _end(self, server: uvicorn.Server) -> None:
        server.should_exit = True
        self._thread.join(timeout=30)

    def wait(self) -> None:
        """Block until the server ends (a signal, or `__exit__` from elsewhere)."""
        while self._thread.is_alive():
            self._thread.join(timeout=0.5)


@contextmanager
def reserved(settings: Settings) -> Iterator[tuple[Settings, socket.socket]]:
    """The data folder and the port, held while the block runs; port 0 takes a free one.

    Raises `Unavailable` when either cannot be had: found out before any work is done.
    """
    with locked(settings.home), bound(settings) as listener:
        yield replace(settings, port=listener.getsockname()[1]), listener


@contextmanager
def bound(settings: Settings) -> Iterator[socket.socket]:
    """A listening socket. Raises `Unavailable` when the port is taken: found out before any work is done."""
    try:
        listener = listen(settings.host, settings.port)
    except OSError as error:
        raise Unavailable(
            f"port {settings.port} on {settings.host} cannot be used: {error.strerror}",
            hint=f"end what uses it, or choose another one: --port {settings.port + 1}",
        ) from error
    with listener:
        yield listener


def _config(app: Exchange) -> uvicorn.Config:
    # access logs would carry paths; the ledger and the recorded calls are the record
    return uvicorn.Config(
        app,
        http=partial(Direct, fronts=app.fronts),  # type: ignore[arg-type]  # called like the class
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=5,
        server_header=False,
    )
