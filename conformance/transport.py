"""Plain HTTP to the app under test, indistinguishable from a citizen's client.

The client carries the usual headers of a phone browser, no mark of a test tool, and keeps to the limit the app
declares (`conformance.pacing`). A 429 is waited out as `Retry-After` asks, within a budget; when the app stays
closed the answer is `RateLimited`, which becomes INCONCLUSIVE and never a fault. Redirects are not followed and
proxies of the environment are not used, so nothing but the given address is ever called.
"""

from __future__ import annotations

import hashlib
import json
import shlex
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx2

from conformance.pacing import Pace, Rate, retry_after

PHONE: Mapping[str, str] = {
    "User-Agent": (
        "Mozilla/5.0 (Linux; Android 14; V2309A) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/128.0.0.0 Mobile Safari/537.36"
    ),
    "Accept": "application/json, text/plain, */*",
    "Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8",
}
ENCODINGS = "gzip, deflate"
"""What browsers accept over plain HTTP, and every request of a run: no two tools of ours may differ in it."""
MODELS = ("V2309A", "PHK110", "2211133C", "ALN-AL00", "SM-S9180", "M2012K11AC", "RMX3888", "LE2120")
SYSTEMS = ("Mac OS X 10_15_7", "Windows NT 10.0; Win64; x64")


def visitor(name: str) -> dict[str, str]:
    """The headers of one citizen's browser, drawn from the ones in use: the same for the same name.

    A single fixed set would be a mark by which an app could tell the tester.
    """
    draw = hashlib.sha256(name.encode()).digest()
    chrome = f"{120 + draw[0] % 20}.0.{6000 + draw[1]}.{draw[2] % 200}"
    if draw[3] % 4:
        model = MODELS[draw[4] % len(MODELS)]
        system = f"Linux; Android {11 + draw[5] % 5}; {model}"
        browser = f"Chrome/{chrome} Mobile Safari/537.36"
        if draw[6] % 2:
            browser += f" XWEB/{1100000 + draw[7] * 97} MMWEBSDK/20240404 MicroMessenger/8.0.{40 + draw[8] % 20}"
    else:
        system = SYSTEMS[draw[4] % 2]
        system = f"Macintosh; Intel {system}" if system.startswith("Mac") else system
        browser = f"Chrome/{chrome} Safari/537.36"
    return {
        "User-Agent": f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) {browser}",
        "Accept": "application/json, text/plain, */*" if draw[9] % 3 else "application/json",
        "Accept-Language": ("zh-CN,zh;q=0.9,en;q=0.8", "zh-CN,zh;q=0.9", "zh-CN,en-US;q=0.9")[draw[10] % 3],
    }


PATIENCE = 61.0
"""Seconds one request waits at most for an app that answers 429: limits are mostly told by the minute."""
LONGEST_ANSWER = 2_000_000
"""Bytes read of one answer; a longer one is cut and fails as not being JSON."""


class AppUnreachable(Exception):
    """The app does not answer at all; `str()` is one line for people."""


class RateLimited(Exception):
    """The app kept answering 429 beyond the patience of the run."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: `path` is relative to the app's base URL, `body` is sent as JSON (None: no body)."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    raw: bytes | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer: `json` is None when the body is no JSON (then `text` says what came)."""

    status: int
    headers: Mapping[str, str]
    json: Any
    text: str
    seconds: float


class Transport(Protocol):
    """How a run reaches the app: over the network here, inside the process in unit tests.

    `pause` is the least time (seconds) between two requests that the app's declared limit allows, 0 without one.
    """

    @property
    def url(self) -> str: ...

    @property
    def pause(self) -> float: ...

    def send(self, ask: Ask) -> Reply: ...

    def together(self, asks: Sequence[Ask]) -> tuple[Reply, ...]: ...

    def curl(self, ask: Ask) -> str: ...

    def close(self) -> None: ...


def base_url(text: str) -> str:
    """The app's base URL without a trailing slash; ValueError with a readable reason when it is none."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{text!r} is no http(s) address")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError(f"{text!r}: credentials, query and fragment do not belong into the app's address")
    return text.rstrip("/")


class HttpTransport:
    """httpx2 over the network, paced.

    `pause` is the least time between the beginnings of two requests in seconds, `rate` the limit the app declares;
    `patience` the most seconds one request waits for an app that answers 429, `budget` the most all of them wait;
    `sleep` and `clock` are given so that tests need not wait. Several threads may send at once.
    """

    def __init__(
        self,
        url: str,
        *,
        pause: float = 0.01,
        timeout: float = 20.0,
        patience: float = PATIENCE,
        budget: float = 10 * PATIENCE,
        rate: Rate | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.url = base_url(url)
        self.pace = Pace(pause, rate)
        self._patience, self._budget, self._sleep, self._clock = patience, budget, sleep, clock
        self._timeout = timeout
        self._next = self._closed = float("-inf")
        self._turn = threading.Lock()
        self._client = httpx2.Client(
            timeout=httpx2.Timeout(timeout, connect=5.0),
            # Servers close an idle connection after two seconds or more; a request must not meet that moment.
            limits=httpx2.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=1.0),
            follow_redirects=False,
            trust_env=False,
            headers={**PHONE, "Accept-Encoding": ENCODINGS},
        )

    @property
    def pause(self) -> float:
        """Seconds between two requests that the app's declared limit asks for."""
        return self.pace.declared.pause if self.pace.declared else 0.0

    def together(self, asks: Sequence[Ask]) -> tuple[Reply, ...]:
        """Send several requests at one moment; raises as `send` does."""
        with ThreadPoolExecutor(len(asks)) as pool:
            return tuple(pool.map(self.send, asks))

    def send(self, ask: Ask) -> Reply:
        """Send one request; raises `AppUnreachable` or `RateLimited`."""
        waited = 0.0
        pause = 0.5
        closed = self._closed - self._clock()
        if closed > 0:
            raise RateLimited(f"{ask.method} {ask.path}: the app lets nobody in for another {closed:.0f} s")
        while True:
            reply = self._once(ask)
            if reply.status != 429:
                return reply
            pause = retry_after(reply.headers.get("retry-after")) or pause
            if waited + pause > self._patience or pause > self._budget:
                self._closed = self._clock() + pause
                raise RateLimited(f"{ask.method} {ask.path}: still 429 after waiting {waited:.1f} s")
            self._sleep(pause)
            waited += pause
            self._budget -= pause
            pause *= 2

    def _once(self, ask: Ask) -> Reply:
        with self._turn:  # each takes the next moment that is free
            now = self._clock()
            full = max(0.0, min(self.pace.full_until - now, self._patience, self._budget))
            self._budget -= full
            wait = max(self._next - now, full)
            self._next = now + max(wait, 0.0) + self.pace.pause
        if wait > 0:
            self._sleep(wait)
        headers = dict(ask.headers)
        content = _content(ask)
        if content is not None:
            headers["Content-Type"] = "application/json"
        started = self._clock()
        try:
            try:
                status, received, text = self._exchange(ask, headers, content, started)
            except (httpx2.RemoteProtocolError, httpx2.ReadError, httpx2.WriteError):
                # A connection that was kept may have been closed just then: what a new one says counts.
                status, received, text = self._exchange(ask, headers, content, started)
        except httpx2.TimeoutException:
            raise AppUnreachable(f"{ask.method} {ask.path}: no answer in time") from None
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise AppUnreachable(f"{ask.method} {ask.path}: {error or type(error).__name__}") from None
        ended = self._clock()
        with self._turn:
            slower = self.pace.pause
            self.pace.heard(status, received, ended)
            self._next += self.pace.pause - slower
        return Reply(status, received, _json(text), text, ended - started)

    def _exchange(
        self, ask: Ask, headers: Mapping[str, str], content: bytes | None, started: float
    ) -> tuple[int, dict[str, str], str]:
        with self._client.stream(ask.method, self.url + ask.path, headers=headers, content=content) as answer:
            text = _read(answer, lambda: self._clock() - started > 2 * self._timeout)
            return answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, text

    def curl(self, ask: Ask) -> str:
        """The shell line that repeats `ask`."""
        return curl(self.url, ask)

    def close(self) -> None:
        self._client.close()


def curl(url: str, ask: Ask) -> str:
    """The shell line that sends `ask` to an app at `url`."""
    parts = ["curl", "-sS", "-X", ask.method, url + ask.path]
    for name, value in ask.headers.items():
        parts += ["-H", f"{name}: {value}"]
    content = _content(ask)
    if content is not None:
        parts += ["-H", "Content-Type: application/json", "--data-raw", content.decode(errors="replace")]
    return " ".join(shlex.quote(part) for part in parts)


def _content(ask: Ask) -> bytes | None:
    if ask.raw is not None:
        return ask.raw
    return None if ask.body is None else json.dumps(ask.body, ensure_ascii=False).encode()


def _read(answer: httpx2.Response, late: Callable[[], bool]) -> str:
    parts, size = [], 0
    for part in answer.iter_bytes():
        if late():  # the client's own time-out starts anew with every byte
            raise httpx2.ReadTimeout("the answer never ends")
        parts.append(part)
        size += len(part)
        if size > LONGEST_ANSWER:
            break
    return b"".join(parts)[:LONGEST_ANSWER].decode(errors="replace")


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
