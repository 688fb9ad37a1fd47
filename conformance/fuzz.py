"""The one adapter to Schemathesis: a short, bounded round of odd input, its findings classified.

Fuzzing shows robustness and the shape of answers; eligibility, authorisation and minimisation are shown by our
own cases. The engine runs in a child process in a throw-away folder, because it imports slowly, leaves a
`.hypothesis/` behind, and must lose the headers by which an app could recognise it; those are taken off in the
HTTP library just before sending. `schemathesis.engine` is not a documented interface: the version is pinned and
a contract test names what is used here.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from conformance.transport import ENCODINGS, PHONE

CHECKS = (
    "not_a_server_error", "response_schema_conformance", "status_code_conformance", "negative_data_rejection",
    "content_type_conformance", "positive_data_acceptance",
)  # fmt: skip
"""Checks of the engine that are listened to; each finding is classified by `classify`."""


class FuzzError(Exception):
    """The fuzzing engine itself failed: our error, never the app's."""


class Class(StrEnum):
    """What a raw finding is worth. A grade counts classes, never raw findings."""

    DEFECT = "defect"
    OPEN = "open"
    """Shows nothing by itself: whether the request was lawful is for our own data to say."""
    DEVIATION = "deviation"
    NOISE = "noise"


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding of the engine, classified; `curl` repeats the request, which is `method` to `headers` and `body`."""

    operation: str
    check: str
    title: str
    message: str
    curl: str
    kind: Class
    status: int = 0
    method: str = ""
    path: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None


def classify(check: str, message: str, status: int) -> Class:
    """What a finding is worth (facts of several calibration runs; see docs/conformance.md).

    A rate limit and a gateway's 502 show nothing; a lawful-looking request that is refused may break a rule no schema
    can say; an answer that breaks its schema and a 5xx are defects; a
    status the document forgot is the document's owner's business.
    """
    if status in (429, 502) or "connection" in message.lower():
        return Class.NOISE
    if check in ("not_a_server_error", "response_schema_conformance"):
        return Class.DEFECT
    if check == "positive_data_acceptance":
        return Class.OPEN
    if check == "negative_data_rejection":
        return Class.DEVIATION
    if check == "content_type_conformance":
        return Class.NOISE if "problem+json" in message else Class.DEVIATION
    return Class.NOISE if status in (400, 404, 405, 415, 422) else Class.DEVIATION


_ENGINE = threading.Lock()
"""One engine at a time: it takes a processor and 150 MiB, and runs side by side would each be slowed by the others."""


def fuzz(
    document: bytes,
    app_url: str,
    headers: Mapping[str, str],
    *,
    seed: int,
    examples: int = 12,
    seconds: float = 60.0,
    pause: float = 0.0,
    least: float = 0.0,
) -> tuple[Finding, ...]:
    """Fuzz the app that claims to offer `document` (OpenAPI, YAML or JSON bytes); unique findings, stable order.

    `headers` go with every request (token, gateway). The same seed sends the same requests (some 450 for an app
    of four operations), unless the app is so slow that `seconds` cut the round short. `pause` seconds lie between
    two requests on average, `least` at least. Raises `FuzzError`.
    """
    order = {
        "document": document.decode(),
        "url": app_url,
        "headers": {**PHONE, **headers},
        "seed": seed,
        "examples": examples,
        "seconds": seconds,
        "pause": pause,
        "least": least,
    }
    with _ENGINE, tempfile.TemporaryDirectory(prefix="tongban-fuzz-") as folder:
        try:
            done = subprocess.run(
                [sys.executable, "-W", "ignore", "-m", "conformance.fuzz"],
                input=json.dumps(order),
                capture_output=True,
                text=True,
                cwd=folder,
                env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
                timeout=seconds + 60,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise FuzzError(f"the fuzzing engine did not end within {seconds + 60:.0f} s") from None
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        raise FuzzError(f"the fuzzing engine failed: {last[0]}")
    return _unique(Finding(**{**entry, "kind": Class(entry["kind"])}) for entry in json.loads(done.stdout))


def _unique(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """One finding per operation, check, title and status; a crash is not counted once per later request."""
    found: dict[tuple[str, str, str, int], Finding] = {}
    for item in findings:
        found.setdefault((item.operation, item.check, item.title, item.status), item)
    return tuple(found[name] for name in sorted(found))


def _child(order: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Inside the child process: run the engine and listen."""
    import requests
    import schemathesis
    import yaml
    from schemathesis.config import SchemathesisConfig
    from schemathesis.engine import events, from_schema

    send = requests.adapters.HTTPAdapter.send
    pace = random.Random(order["seed"])
    deadline = time.monotonic() + order["seconds"]

    def unmarked(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        if time.monotonic() > deadline:  # a slow app: what was found so far counts, the rest is let go
            raise requests.exceptions.ConnectionError("the round is over")
        # The engine's first probe asks for a path with its own name in it.
        request.url = request.url.replace("schemathesis", "static")
        for name in [n for n in request.headers if n.lower().startswith("x-schemathesis")]:
            del request.headers[name]
        # As the other requests of the run come: one browser's headers, and no even beat.
        for name in ("User-Agent", "Accept", "Accept-Language"):
            request.headers[name] = order["headers"][name]
        request.headers["Accept-Encoding"] = ENCODINGS
        time.sleep(max(order["least"], pace.expovariate(1 / order["pause"]) if order["pause"] else 0))
        return send(self, request, *args, **kwargs)

    setattr(requests.adapters.HTTPAdapter, "send", unmarked)  # noqa: B010 - mypy forbids the plain assignment
    config = SchemathesisConfig.from_dict(
        {
            "base-url": order["url"],
            "seed": order["seed"],
            "workers": 1,
            "headers": order["headers"],
            "continue-on-failure": True,
            "request-timeout": 15,
            "generation": {"max-examples": order["examples"], "database": "none", "deterministic": True},
            "phases": {"stateful": {"enabled": False}, "coverage": {"unexpected-methods": []}},
            "checks": {"enabled": False, **{name: {"enabled": True} for name in CHECKS}},
            "cache": {"enabled": False},
            "output": {"sanitization": {"enabled": False}},
        }
    )
    schema = schemathesis.openapi.from_dict(yaml.safe_load(order["document"]), config=config)
    found: list[dict[str, Any]] = []
    for event in from_schema(schema).execute():
        if isinstance(event, events.FatalError):
            raise FuzzError(str(event.exception))
        if isinstance(event, events.ScenarioFinished):
            for case, nodes in event.recorder.checks.items():
                told = event.recorder.interactions.get(case)
                status = told.response.status_code if told is not None and told.response is not None else 0
                for node in nodes:
                    if node.failure_info is not None:
                        failure = node.failure_info.failure
                        kind = classify(node.name, str(failure.message), status)
                        found.append(
                            asdict(
                                Finding(
                                    operation=str(failure.operation),
                                    check=node.name,
                                    title=str(failure.title),
                                    message=str(failure.message)[:500],
                                    curl=str(node.failure_info.code_sample),
                                    kind=kind,
                                    status=status,
                                    **_sent(told.request if told is not None else None, order["url"]),
                                )
                            )
                        )
    return found


def _sent(request: Any, url: str) -> dict[str, Any]:
    """The request of a finding, so that it can be made again."""
    if request is None or not str(request.uri).startswith(url):
        return {}
    body = request.body if isinstance(request.body, bytes) else None
    return {
        "method": str(request.method),
        "path": str(request.uri)[len(url) :],
        "headers": {name: str(values[0]) for name, values in request.headers.items() if values},
        "body": None if body is None else body.decode("utf-8", "replace"),
    }


if __name__ == "__main__":
    try:
        print(json.dumps(_child(json.load(sys.stdin)), ensure_ascii=False))
    except Exception as error:  # the parent reports one line; a traceback would help nobody there
        print(f"{type(error).__name__}: {error}".splitlines()[0], file=sys.stderr)
        sys.exit(1)
