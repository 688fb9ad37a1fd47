"""Files over HTTP, with the bytes that were really sent: a reader that hung up got no more of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fastapi.responses import FileResponse
from starlette.concurrency import run_in_threadpool
from starlette.types import Message, Receive, Scope, Send

_PARTS = (b"range", b"if-range")


class Sent(FileResponse):
    """A file. ``done`` is told how many bytes were sent and whether they were all of it, whatever happened; ``partly``
    False: a part of it fits nothing its reader has, so the whole is sent instead.
    """

    chunk_size = 1024 * 1024

    def __init__(
        self,
        path: Path,
        media_type: str,
        headers: dict[str, str],
        done: Callable[[int, bool], None] | None,
        *,
        partly: bool = True,
    ) -> None:
        super().__init__(path, media_type=media_type, headers=headers)
        self._done, self._partly = done, partly

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        size, sent = Path(self.path).stat().st_size, 0

        async def counting(message: Message) -> None:
            nonlocal sent
            await send(message)
            sent += len(message.get("body", b""))

        if not self._partly:
            scope = {**scope, "headers": [pair for pair in scope["headers"] if pair[0] not in _PARTS]}
        try:
            await super().__call__(scope, receive, counting)
        finally:
            if self._done is not None:
                await run_in_threadpool(self._done, sent, sent == size)
