"""Answers over a real connection: in one piece where they are ready, in their pieces where they are not."""

import asyncio
import http.client
import socket
import struct

from mockdata.sandbox.serve import ServedSandbox

DATA_SEGMENTS_IN = 152
"""Where Linux's struct tcp_info has the segments with data that came in."""
START = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"6")]}


async def at_once(scope, receive, send):
    await send(START)
    await send({"type": "http.response.body", "body": b"abcdef"})


async def in_pieces(scope, receive, send):
    await send(START)
    await asyncio.sleep(0.2)
    await send({"type": "http.response.body", "body": b"abc", "more_body": True})
    await asyncio.sleep(0.2)
    await send({"type": "http.response.body", "body": b"def"})


async def empty(scope, receive, send):
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


def pieces(app):
    """What one read after the other brings until the answer is whole, and how many segments brought it."""
    with ServedSandbox(app) as served:
        host, _, port = served.url.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), timeout=5) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            found = []
            while not b"".join(found).endswith((b"abcdef", b"\r\n\r\nabcdef")):
                found.append(connection.recv(65536))
            told = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 160)
            return found, struct.unpack_from("I", told, DATA_SEGMENTS_IN)[0]


def test_a_ready_answer_is_one_piece():
    (whole,), segments = pieces(at_once)
    assert segments == 1
    assert whole.startswith(b"HTTP/1.1 200")
    assert whole.endswith(b"\r\n\r\nabcdef")


def test_a_head_does_not_wait_for_its_body():
    (head, *rest), _ = pieces(in_pieces)
    assert head.endswith(b"\r\n\r\n")
    assert rest == [b"abc", b"def"]


def test_an_answer_without_a_body_arrives_and_the_connection_stays():
    with ServedSandbox(empty) as served:
        connection = http.client.HTTPConnection(served.url.removeprefix("http://"), timeout=5)
        for _ in range(3):
            connection.request("GET", "/")
            answer = connection.getresponse()
            assert answer.status == 204
            assert answer.read() == b""
        connection.close()
