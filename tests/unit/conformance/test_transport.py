import json
import shlex
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from conformance.pacing import Rate
from conformance.transport import AppUnreachable, Ask, HttpTransport, RateLimited, base_url


@pytest.fixture
def app():
    heard = []
    answers = []

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            heard.append((self.command, self.path, dict(self.headers), body))
            status, headers, content = answers.pop(0) if answers else (200, {}, b'{"ok": true}')
            if not status:  # hangs up
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _answer

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    server.heard, server.answers = heard, answers
    server.url = f"http://127.0.0.1:{server.server_port}"
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def line(url, **more):
    return HttpTransport(url, pause=0, **more)


def test_nothing_marks_the_tester(app) -> None:
    transport = line(app.url)
    reply = transport.send(Ask("POST", "/x", {"Authorization": "Bearer t"}, {"名": "值"}))
    transport.close()
    assert (reply.status, reply.json) == (200, {"ok": True})
    [(method, path, headers, body)] = app.heard
    assert (method, path, json.loads(body)) == ("POST", "/x", {"名": "值"})
    assert "Mozilla" in headers["User-Agent"]
    told = " ".join(f"{name} {value}" for name, value in headers.items()).lower()
    assert not any(word in told for word in ("tongban", "httpx", "python", "schemathesis", "test"))


def test_a_rate_limit_is_waited_out(app) -> None:
    slept = []
    app.answers += [(429, {"Retry-After": "2"}, b"{}")]
    transport = line(app.url, sleep=slept.append)
    assert transport.send(Ask("GET", "/x")).status == 200
    transport.close()
    assert slept[0] == 2.0  # and from then on a little slower
    assert transport.pace.pause == pytest.approx(0.05)


def test_an_app_that_stays_closed_is_rate_limited_and_not_failed(app) -> None:
    app.answers += [(429, {"Retry-After": "4"}, b"{}")] * 9
    transport = line(app.url, patience=6, sleep=lambda _: None)
    with pytest.raises(RateLimited):
        transport.send(Ask("GET", "/x"))
    transport.close()


def test_all_requests_together_wait_no_longer_than_the_budget(app) -> None:
    slept = []
    app.answers += [(429, {"Retry-After": "60"}, b"{}"), (200, {}, b"{}")] * 9
    transport = line(app.url, budget=130, sleep=slept.append)
    for _ in range(2):
        assert transport.send(Ask("GET", "/x")).status == 200
    with pytest.raises(RateLimited):
        transport.send(Ask("GET", "/x"))
    transport.close()
    assert slept.count(60.0) == 2


def test_the_limit_an_app_declares_is_kept_to(app) -> None:
    slept = []
    app.answers += [(200, {"RateLimit-Policy": '"d";q=60;w=60', "RateLimit": '"d";r=0;t=20'}, b"{}")]
    transport = line(app.url, sleep=slept.append)
    for _ in range(2):
        transport.send(Ask("GET", "/x"))
    transport.close()
    assert 19 < slept[0] <= 20
    declared = HttpTransport(app.url, rate=Rate.parse("60/m"), sleep=slept.append)
    for _ in range(2):
        declared.send(Ask("GET", "/x"))
    declared.close()
    assert 1 < slept[-1] <= 1.05


def test_requests_are_paced(app) -> None:
    slept = []
    transport = HttpTransport(app.url, pause=5, sleep=slept.append)
    transport.send(Ask("GET", "/x"))
    transport.send(Ask("GET", "/x"))
    transport.close()
    assert len(slept) == 1
    assert 0 < slept[0] <= 5


def test_a_connection_that_was_just_closed_is_made_anew_and_silence_again_is_told(app) -> None:
    app.answers += [(0, {}, b""), (200, {}, b"{}"), (0, {}, b""), (0, {}, b"")]
    transport = line(app.url)
    assert transport.send(Ask("GET", "/x")).status == 200
    with pytest.raises(AppUnreachable):
        transport.send(Ask("GET", "/x"))
    transport.close()


def test_an_app_that_says_when_it_opens_is_not_asked_before(app) -> None:
    app.answers += [(429, {"Retry-After": "600"}, b"{}")]
    transport = line(app.url, sleep=lambda _: None)
    for _ in range(3):
        with pytest.raises(RateLimited):
            transport.send(Ask("GET", "/x"))
    transport.close()
    assert len(app.heard) == 1


def test_redirects_are_answers_and_are_not_followed(app) -> None:
    app.answers += [(302, {"Location": "http://127.0.0.1:1/"}, b"")]
    transport = line(app.url)
    assert transport.send(Ask("GET", "/x")).status == 302
    transport.close()
    assert len(app.heard) == 1


def test_no_json_is_kept_as_text(app) -> None:
    app.answers += [(200, {}, b"<html>\xff")]
    transport = line(app.url)
    reply = transport.send(Ask("GET", "/x"))
    transport.close()
    assert reply.json is None
    assert reply.text.startswith("<html>")


def test_nobody_there_is_unreachable() -> None:
    transport = line("http://127.0.0.1:9")
    with pytest.raises(AppUnreachable, match="/x"):
        transport.send(Ask("GET", "/x"))
    transport.close()


def test_the_curl_line_survives_the_shell() -> None:
    transport = line("http://127.0.0.1:9")
    words = shlex.split(transport.curl(Ask("POST", "/x", {"Idempotency-Key": "it's"}, {"XM": "O'Neil 名"})))
    transport.close()
    assert words[:5] == ["curl", "-sS", "-X", "POST", "http://127.0.0.1:9/x"]
    assert "Idempotency-Key: it's" in words
    assert json.loads(words[-1]) == {"XM": "O'Neil 名"}


@pytest.mark.parametrize("url", ["ftp://a", "127.0.0.1:80", "http://u:p@a", "http://a?x=1", "http://"])
def test_a_bad_address_is_said(url) -> None:
    with pytest.raises(ValueError, match="address"):
        base_url(url)
