"""The short way between wire and front gives the answers the server's own way gives, byte for byte."""

import asyncio
import re
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import pytest
import uvicorn

from exchange.brokering.direct import WHOLE, Direct
from mockdata.sandbox.serve import listen
from mockdata.sandbox.wire import OneWrite

HOST = b"Host: h\r\n"


async def front(scope, receive, send):
    """Tells what it was asked; `/exchange/x/<what>` makes it do something else."""
    what = scope["path"].rpartition("/")[2]
    message = await receive()
    body = bytearray(message.get("body", b""))
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
    if what == "raise":
        raise RuntimeError("on purpose")
    if what == "wait":
        await asyncio.sleep(0.2)
    told = repr((scope["method"], scope["path"], scope["raw_path"], scope["query_string"], scope["headers"],
                 scope["client"][0], len(body), bytes(body[:20]))).encode()  # fmt: skip
    status = 204 if what == "empty" else 200
    headers = [(b"x-front", b"1")]
    if what == "split":
        headers.append((b"x-bad", b"a\r\nx-injected: 1"))
    if status != 204:
        headers.append((b"content-length", str(3 * len(told) if what == "parts" else len(told)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    if what == "parts":
        for _ in range(2):
            await send({"type": "http.response.body", "body": told, "more_body": True})
            await asyncio.sleep(0.01)
    if what == "short":
        told = told[:-1]
    await send({"type": "http.response.body", "body": b"" if status == 204 else told})


async def behind(scope, receive, send):
    """What stands behind: the fronts, and everything else."""
    if scope["path"].startswith("/exchange/"):
        await front(scope, receive, send)
        return
    await send({"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


@contextmanager
def served(protocol):
    """A server of that protocol; gives its port."""
    with listen("127.0.0.1", 0) as listener:
        config = uvicorn.Config(behind, http=protocol, access_log=False, log_level="critical", lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield listener.getsockname()[1]
        server.should_exit = True
        thread.join(10)
        assert not thread.is_alive()


@pytest.fixture(scope="module")
def ports():
    with served(OneWrite) as own, served(partial(Direct, fronts={"exchange": front})) as direct:
        yield own, direct


def said(port, request, parts=1):
    """Everything the server says to these bytes until it is silent or hangs up; times and ports left out."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as wire:
        size = -(-len(request) // parts)
        for at in range(0, len(request), size):
            wire.sendall(request[at : at + size])
            if parts > 1:
                time.sleep(0.02)
        wire.settimeout(0.35)
        heard = b""
        try:
            while data := wire.recv(65536):
                heard += data
        except TimeoutError:
            heard += b"<open>"
        except ConnectionResetError:
            heard += b"<reset>"
    return re.sub(rb"date: [^\r]*\r\n", b"", heard)


def both(ports, request, parts=1):
    """What the short way says, and what the server's own says, asked at the same time."""
    own, direct = ports
    with ThreadPoolExecutor(2) as pool:
        return tuple(pool.map(lambda port: said(port, request, parts), (direct, own)))


def get(path, *lines):
    return b"GET %b HTTP/1.1\r\n%b%b\r\n" % (path, HOST, b"".join(line + b"\r\n" for line in lines))


def post(body, path=b"/exchange/x/post"):
    return b"POST %b HTTP/1.1\r\n%bContent-Length: %d\r\n\r\n%b" % (path, HOST, len(body), body)


ASKED = {
    "plain": get(b"/exchange/x/1?a=%20b", b"Authorization: Bearer x", b"X-A: 1", b"x-a: 2"),
    "kept alive": get(b"/exchange/x/1", b"Connection: keep-alive"),
    "closed": get(b"/exchange/x/1", b"Connection: close"),
    "elsewhere": get(b"/other/x"),
    "too short a path": get(b"/exchange"),
    "escaped": get(b"/exchange/x/a%2Fb"),
    "escaped first": get(b"/%65xchange/x/a"),
    "another method": b"PROPFIND /exchange/x/1 HTTP/1.1\r\n" + HOST + b"\r\n",
    "a body": post(b"b" * 500),
    "the largest": post(b"b" * WHOLE),
    "more": post(b"b" * (WHOLE + 1)),
    "no body": post(b""),
    "chunked": b"POST /exchange/x/p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "an old client": b"GET /exchange/x/1 HTTP/1.0\r\n\r\n",
    "continue": b"POST /exchange/x/p HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nb",
    "one after the other": get(b"/exchange/x/wait") + get(b"/exchange/x/2") + post(b"three") + get(b"/other"),
    "empty": get(b"/exchange/x/empty") + get(b"/exchange/x/2"),
    "in parts": get(b"/exchange/x/parts") + get(b"/exchange/x/2"),
    "no http": b"nonsense\r\n\r\n",
    "two lengths": b"POST /exchange/x/p HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nbb",
    "an odd length": b"POST /exchange/x/p HTTP/1.1\r\nHost: h\r\nContent-Length: +1\r\n\r\nb",
}


@pytest.mark.parametrize("name", ASKED)
def test_the_answer_is_the_servers_own(ports, name):
    heard, own = both(ports, ASKED[name])
    assert heard
    assert heard == own


@pytest.mark.parametrize("name", ["plain", "a body", "the largest", "one after the other"])
def test_requests_may_come_in_pieces(ports, name):
    heard, own = both(ports, ASKED[name], parts=7)
    assert heard == own


@pytest.mark.parametrize("what", [b"raise", b"split", b"short"])
def test_a_front_that_fails_says_nothing_half(ports, what):
    _, direct = ports
    heard = said(direct, get(b"/exchange/x/" + what) + get(b"/exchange/x/2"))
    assert heard in (b"", b"<reset>")
    assert said(direct, get(b"/exchange/x/1")).startswith(b"HTTP/1.1 200 OK\r\n")


def test_who_hangs_up_disturbs_nobody(ports):
    _, direct = ports
    for request in (get(b"/exchange/x/wait"), post(b"b" * 500)[:-100], get(b"/exchange/x/parts")):
        with socket.create_connection(("127.0.0.1", direct), timeout=5) as wire:
            wire.sendall(request)
    time.sleep(0.3)
    assert said(direct, get(b"/exchange/x/1")).startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_server_that_ends_answers_first(ports):
    with served(partial(Direct, fronts={"exchange": front})) as port:
        wire = socket.create_connection(("127.0.0.1", port), timeout=5)
        wire.sendall(get(b"/exchange/x/wait"))
        time.sleep(0.05)
    with wire:
        heard = wire.recv(65536)
    assert heard.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"connection: close" in heard
