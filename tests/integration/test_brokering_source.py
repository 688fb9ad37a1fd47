"""Providers over real HTTP: reuse, limits and refusals of the connection itself."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from exchange.brokering import sources
from exchange.brokering.sources import Outgoing, ServiceSource, SourceFailure


class Provider(BaseHTTPRequestHandler):
    """A department's service that can misbehave: the path says how."""

    protocol_version = "HTTP/1.1"
    seen: list[dict[str, Any]]
    peers: set[int]

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        told = {"path": self.path, "body": self.rfile.read(length), "headers": dict(self.headers)}
        self.seen.append(told)
        self.peers.add(self.client_address[1])
        {"/slow": self._slow, "/away": self._away, "/cut": self._cut, "/large": self._large}.get(
            self.path.split("?")[0], self._good
        )()

    do_POST = do_GET

    def _good(self) -> None:
        body = b'{"ok":true}'
        self.send_response(200)
        if self.path.startswith("/zipped"):
            body = gzip.compress(body * 1000)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Type", "application/json")
        self.send_header("Set-Cookie", "id=1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _slow(self) -> None:
        time.sleep(1.5)
        self.close_connection = True

    def _away(self) -> None:
        self.send_response(302)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _cut(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.write(b"half")
        self.close_connection = True

    def _large(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            for _ in range(64):
                self.wfile.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
        except OSError:
            pass  # the broker hung up, as it should
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def provider() -> Iterator[tuple[str, type[Provider]]]:
    kind = type("Fresh", (Provider,), {"seen": [], "peers": set()})
    server = type("Server", (ThreadingHTTPServer,), {"request_queue_size": 128, "daemon_threads": True})(
        ("127.0.0.1", 0), kind
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", kind
    server.shutdown()
    server.server_close()


@pytest.fixture
def source() -> Iterator[ServiceSource]:
    made = ServiceSource(lambda _i, _d, _e: ("Authorization", "Bearer ours"), allow_loopback=True, total=1.0)
    yield made
    made.close()


def call(endpoint: str, path: str, query: str = "", body: bytes = b"") -> Outgoing:
    return Outgoing("police.x", "police", endpoint, "POST" if body else "GET", path, query, {"accept": "a/b"}, body)


def test_an_answer_comes_whole_with_our_credential_and_without_our_traces(
    source: ServiceSource, provider: tuple[str, type[Provider]]
) -> None:
    url, server = provider
    answer = source.fetch(call(f"{url}/base/", "/a%20b", "q=%E5%8A%9E", b"{}"))
    assert (answer.status, answer.body) == (200, b'{"ok":true}')
    seen = server.seen[0]
    assert (seen["path"], seen["body"]) == ("/base/a%20b?q=%E5%8A%9E", b"{}")
    assert seen["headers"]["Authorization"] == "Bearer ours"
    assert "User-Agent" not in seen["headers"]
    source.fetch(call(url, "/again"))
    assert "Cookie" not in server.seen[1]["headers"]


def test_connections_are_reused(source: ServiceSource, provider: tuple[str, type[Provider]]) -> None:
    url, server = provider
    for _ in range(20):
        source.fetch(call(url, "/a"))
    assert len(server.peers) == 1


def test_many_threads_share_one_source(source: ServiceSource, provider: tuple[str, type[Provider]]) -> None:
    url, _ = provider
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda n: source.fetch(call(url, f"/{n}")).status, range(200)))
    assert answers == [200] * 200


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("/slow", "provider-timeout"),
        ("/cut", "provider-unreachable"),
        ("/large", "answer-too-large"),
        ("/zipped", "answer-encoded"),
    ],
)
def test_a_provider_that_misbehaves_is_named_and_the_next_call_works(
    source: ServiceSource,
    provider: tuple[str, type[Provider]],
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    rule: str,
) -> None:
    monkeypatch.setattr(sources, "LARGEST_ANSWER", 1_000_000)
    with pytest.raises(SourceFailure) as failed:
        source.fetch(call(provider[0], path))
    assert failed.value.rule == rule
    assert source.fetch(call(provider[0], "/a")).status == 200


def test_a_redirect_is_not_followed(source: ServiceSource, provider: tuple[str, type[Provider]]) -> None:
    assert source.fetch(call(provider[0], "/away")).status == 302
    assert [seen["path"] for seen in provider[1].seen] == ["/away"]


def test_addresses_no_provider_may_have_are_never_connected_to(provider: tuple[str, type[Provider]]) -> None:
    port = provider[0].rpartition(":")[2]
    strict = ServiceSource(lambda _i, _d, _e: None, allow_loopback=False)
    try:
        for host in ("127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "169.254.169.254"):
            with pytest.raises(SourceFailure, match="unreachable"):
                strict.fetch(call(f"http://{host}:{port}", "/a"))
    finally:
        strict.close()
    assert provider[1].seen == []


def test_a_closed_port_is_unreachable_at_once(source: ServiceSource, provider: tuple[str, type[Provider]]) -> None:
    began = time.perf_counter()
    with pytest.raises(SourceFailure, match="unreachable"):
        source.fetch(call("http://127.0.0.1:9", "/a"))
    assert time.perf_counter() - began < 0.5


def test_closing_twice_and_using_again(provider: tuple[str, type[Provider]]) -> None:
    source = ServiceSource(lambda _i, _d, _e: None, allow_loopback=True)
    fetch: Callable[[], int] = lambda: source.fetch(call(provider[0], "/a")).status  # noqa: E731
    assert fetch() == 200
    source.close()
    source.close()
    assert fetch() == 200
    source.close()
