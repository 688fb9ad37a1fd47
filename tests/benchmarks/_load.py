"""Load from a process of its own: ``python _load.py HOST PORT CONNECTIONS SECONDS PATH...``, closed loop, JSON out.
Header lines besides the usual ones come as a JSON list in ``LOAD_HEADERS``.

Every connection asks for one path after the other, each path once before any comes again. Latencies in milliseconds.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
import time
from collections.abc import Iterator
from typing import Any


class Caller(asyncio.Protocol):
    """One connection: the next request goes out when the answer to the last one is whole."""

    def __init__(
        self, paths: Iterator[bytes], until: float, latencies: list[float], ended: asyncio.Future[None]
    ) -> None:
        self.paths, self.until, self.latencies, self.ended = paths, until, latencies, ended
        self.buffer, self.failed = b"", 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport
        self.send()

    def send(self) -> None:
        self.began = time.perf_counter()
        self.transport.write(next(self.paths))

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, gap, rest = self.buffer.partition(b"\r\n\r\n")
        if not gap or not _whole(head, rest):
            return
        now = time.perf_counter()
        self.latencies.append((now - self.began) * 1000)
        self.failed += head.split(b" ", 2)[1] != b"200"
        self.buffer = b""
        if now < self.until:
            self.send()
        else:
            self.transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(None)


def _whole(head: bytes, rest: bytes) -> bool:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return len(rest) >= int(line.split(b":")[1])
    return rest.endswith(b"0\r\n\r\n")  # chunked


async def load(host: str, port: int, connections: int, seconds: float, paths: list[str]) -> dict[str, float]:
    """What came of the load."""
    more = "".join(f"{line}\r\n" for line in json.loads(os.environ.get("LOAD_HEADERS", "[]")))
    head = f"host: {host}\r\naccept: */*\r\n{more}"
    texts = itertools.cycle([f"GET {path} HTTP/1.1\r\n{head}\r\n".encode() for path in paths])
    latencies: list[float] = []
    began = time.perf_counter()
    loop = asyncio.get_running_loop()
    callers = []
    for _ in range(connections):
        ended: asyncio.Future[None] = loop.create_future()
        _, caller = await loop.create_connection(lambda: Caller(texts, began + seconds, latencies, ended), host, port)  # noqa: B023
        callers.append(caller)
    await asyncio.gather(*(caller.ended for caller in callers))
    took = time.perf_counter() - began
    latencies.sort()
    return {
        "rate": len(latencies) / took,
        "p50": latencies[len(latencies) // 2],
        "p99": latencies[len(latencies) * 99 // 100],
        "failed": sum(caller.failed for caller in callers),
    }


if __name__ == "__main__":
    try:
        import uvloop

        run = uvloop.run
    except ImportError:
        run = asyncio.run
    host, port, connections, seconds, *paths = sys.argv[1:]
    if paths[0].startswith("@"):
        with open(paths[0][1:], encoding="utf-8") as file:
            paths = file.read().split()
    print(json.dumps(run(load(host, int(port), int(connections), float(seconds), paths))))
