"""Providers over real HTTP: reuse, limits and refusals of the connection itself."""

from __future__ import annotations

import gzip
import hashlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from exchange.brokering import sources
from exchange.brokering.sources import Outgoing, ServiceSource, SourceFailure
from exchange.catalogue.endpoint import Network


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
        {"/slow": self._slow, "/away": self._away, "/cut": self._cut, "/large": self._large, "/file": self._large}.get(
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
        self.send_header("Content-Type", "application/json" if self.path == "/large" else "application/pdf")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            for _ in range(64):
                self.wfile.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
            self.wfile.write(b"0\r\n\r\n")
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
    made = ServiceSource(lambda _i, _d, _e: ("Authorization", "Bearer ours"), Network.of(loopback=True), total=1.0)
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
        ("/file", "answer-too-large"),
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
    monkeypatch.setattr(sources, "LARGEST_FILE", 2_000_000)
    with pytest.raises(SourceFailure) as failed:
        source.fetch(call(provider[0], path))
    assert failed.value.rule == rule
    assert source.fetch(call(provider[0], "/a")).status == 200


def test_a_large_file_waits_on_disk_with_its_hash(source: ServiceSource, provider: tuple[str, type[Provider]]) -> None:
    answer = source.fetch(call(provider[0], "/file"))
    assert (answer.status, answer.body) == (200, b"")
    assert answer.spool is not None
    assert answer.spool.size == 64 * 0x10000
    assert answer.spool.sha256 == hashlib.sha256(b"x" * 64 * 0x10000).hexdigest()
    assert b"".join(answer.spool.pieces()) == b"x" * 64 * 0x10000
    answer.spool.close()


def test_a_redirect_is_not_followed(source: ServiceSource, provider: tuple[str, type[Provider]]) -> None:
    assert source.fetch(call(provider[0], "/away")).status == 302
    assert [seen["path"] for seen in provider[1].seen] == ["/away"]


def test_addresses_no_provider_may_have_are_never_connected_to(provider: tuple[str, type[Provider]]) -> None:
    port = provider[0].rpartition(":")[2]
    strict = ServiceSource(lambda _i, _d, _e: None, Network())
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
    source = ServiceSource(lambda _i, _d, _e: None, Network.of(loopback=True))
    fetch: Callable[[], int] = lambda: source.fetch(call(provider[0], "/a")).status  # noqa: E731
    assert fetch() == 200
    source.close()
    source.close()
    assert fetch() == 200
    source.close()


class Raw:
    """A provider that says exactly these bytes, one answer after the other, and writes down what it heard."""

    def __init__(self, *answers: bytes, tls: ssl.SSLContext | None = None) -> None:
        self.answers, self.heard, self.connections = list(answers), [b""], 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.tls = tls
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while self.answers:
            try:
                taken, _ = self.listener.accept()
            except OSError:
                return  # the test is over
            self.connections += 1
            try:
                with self.tls.wrap_socket(taken, server_side=True) if self.tls else taken as one:
                    while self.answers and (heard := one.recv(65536)):
                        self.heard.append(heard)
                        answer = self.answers.pop(0)
                        one.sendall(answer)
                        if b"HANGUP" in answer or b"Connection: close" in answer:
                            break
            except OSError:
                continue

    def __enter__(self) -> Raw:
        return self

    def __exit__(self, *_: object) -> None:
        self.listener.close()


OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
WHOLE = OK + b"Content-Length: 2\r\n\r\n{}"


def test_answers_of_every_shape_are_heard_whole(source: ServiceSource) -> None:
    shapes = [
        WHOLE,
        OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + WHOLE,
        b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + WHOLE,
        b"HTTP/1.1 204 No Content\r\n\r\n",
        OK + b"Connection: close\r\n\r\n{}",
        WHOLE,
    ]
    with Raw(*shapes) as provider:
        answers = [source.fetch(call(f"http://127.0.0.1:{provider.port}", "/a")) for _ in shapes]
    assert [(one.status, one.body) for one in answers] == [(200, b"{}")] * 4 + [(204, b"")] + [(200, b"{}")] * 2
    assert provider.connections == 2
    assert "link" not in answers[3].headers


@pytest.mark.parametrize(
    "answer",
    [
        WHOLE + b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        OK + b"X: " + b"x" * 70_000 + b"\r\nContent-Length: 2\r\n\r\n{}",
        OK + b"Content-Length: 9\r\n\r\n{}HANGUP",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{}\r\nHANGUP",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
        b"SSH-2.0-x\r\n",
        b"HTTP/1.1 20x OK\r\n\r\n",
    ],
)
def test_what_two_programs_could_read_differently_is_no_answer(source: ServiceSource, answer: bytes) -> None:
    with Raw(answer, WHOLE) as provider:
        url = f"http://127.0.0.1:{provider.port}"
        if answer.startswith(WHOLE):  # a good answer with another one behind it that nobody asked for
            assert source.fetch(call(url, "/a")).body == b"{}"
        else:
            with pytest.raises(SourceFailure, match=r"unreachable|too-large"):
                source.fetch(call(url, "/a"))
        # and nothing of it is taken for the answer to somebody else's call
        assert source.fetch(call(url, "/b")).body == b"{}"
    assert provider.connections == 2


def test_a_head_has_no_body_and_a_body_has_its_length(source: ServiceSource) -> None:
    with Raw(OK + b"Content-Length: 70\r\n\r\n", WHOLE, WHOLE) as provider:
        url = f"http://127.0.0.1:{provider.port}"
        head = Outgoing("police.x", "police", url, "HEAD", "/a", "", {}, b"")
        assert (source.fetch(head).status, source.fetch(call(url, "/a", body=b"{}")).status) == (200, 200)
        source.fetch(Outgoing("police.x", "police", url, "DELETE", "/a", "", {}, b""))
    assert b"\r\nContent-Length: 2\r\n\r\n{}" in provider.heard[2]
    assert b"ontent-Length" not in provider.heard[3]


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\nb", "a\0b"])
def test_a_header_cannot_break_out_of_its_line(source: ServiceSource, value: str) -> None:
    with Raw(WHOLE) as provider:
        broken = Outgoing("police.x", "police", f"http://127.0.0.1:{provider.port}", "GET", "/a", "", {"x": value}, b"")
        with pytest.raises(SourceFailure, match="unreachable"):
            source.fetch(broken)
    assert provider.heard == [b""]


def test_certificates_are_believed_only_for_their_name(tmp_path: Path) -> None:
    certificate, key = certified(tmp_path, "localhost")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    trusting = ssl.create_default_context(cafile=str(certificate))
    network = Network.of(loopback=True)
    with Raw(WHOLE, WHOLE, WHOLE, tls=tls) as provider:
        for context, host, rule in (
            (trusting, "localhost", None),
            (trusting, "127.0.0.1", "provider-unreachable"),
            (None, "localhost", "provider-unreachable"),
        ):
            source = ServiceSource(lambda *_: None, network, tls=context)
            try:
                if rule is None:
                    assert source.fetch(call(f"https://{host}:{provider.port}", "/a")).body == b"{}"
                else:
                    with pytest.raises(SourceFailure, match=rule):
                        source.fetch(call(f"https://{host}:{provider.port}", "/a"))
            finally:
                source.close()


def certified(folder: Path, name: str) -> tuple[Path, Path]:
    """Paths of a certificate of its own making, and of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    certificate = folder / "certificate.pem"
    certificate.write_bytes(made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return certificate, folder / "key.pem"
