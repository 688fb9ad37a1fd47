"""A verdict repeated: twenty runs of one seed against one app, and one derived again without it."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import uvicorn

from conformance import suites
from conformance.examples.newborn.right import RightApp
from conformance.examples.newborn.unmarried import UnmarriedApp
from conformance.rederive import rederive
from conformance.report import stable
from conformance.run import run
from exchange.bench import row

TIMES = 20
SEED = "the-same"


@contextlib.contextmanager
def _served(asgi: Any) -> Iterator[str]:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(asgi, log_config=None, log_level="critical"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.005)
        try:
            yield f"http://127.0.0.1:{sock.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(timeout=10)


def measure() -> list[dict[str, Any]]:
    """Rows in the columns of `exchange.bench`."""
    suite = suites.load("newborn")
    rows = []
    for name, app in (("right", RightApp()), ("faulty", UnmarriedApp())):
        with _served(app.asgi) as url:
            made = [run(suite, url, [SEED], nonce=f"{i:032d}", hidden=False, quick=True) for i in range(TIMES)]
        same = sum(stable(report) == stable(made[0]) for report in made)
        rows.append(
            row(f"same report of the {name} app, same seed", same, f"of {TIMES} runs", "", None, "all", same == TIMES)
        )
    began = time.process_time()
    found = rederive(suite, made[-1])
    took = time.process_time() - began
    rows.append(
        row("expected answers derived again", found.expected, "answers", "the report", None, "no difference",
            found.difference is None)
    )  # fmt: skip
    rows.append(row("CPU of a derivation, one seed", round(took, 2), "s", "", None, "", None))
    return rows
