"""What makes a server of small answers quick: one write an answer, and a collector that leaves old objects alone."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


def settle() -> None:
    """Once, before serving: what is loaded by now stays for the life of the process, so the garbage collector need not
    walk through it again while all callers wait (a tenth of a second each time). What comes later is mostly freed
    without its help: it looks more seldom.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(2_000, 20, 50)


class OneWrite(HttpToolsProtocol):
    """HTTP/1.1 for `uvicorn.Config(http=OneWrite)`: head and body of an answer leave in one system call, which costs as
    much as drawing a body.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(_Joining(transport, self.loop))  # type: ignore[arg-type]


class _Joining:
    """A transport that keeps what is written until the next write of the same turn of the loop, or its end: who sends
    only a head now and a body later is not kept waiting.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._kept = b""

    def write(self, data: bytes) -> None:
        if self._kept:
            both, self._kept = (self._kept, data), b""
            self._transport.writelines(both)
        elif data:
            self._kept = data
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        if self._kept:
            data, self._kept = self._kept, b""
            self._transport.write(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def abort(self) -> None:
        self._kept = b""
        self._transport.abort()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
