"""Fetching calendars of the Internet: servers that answer, servers that lie, and ways into private networks (CAL-21)."""

from __future__ import annotations

import gzip
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator

import pytest

from servers.outbound import fetching
from servers.outbound.fetching import Answer, Fetcher, Unreachable

CALENDAR = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nEND:VCALENDAR\r\n"
LOOPBACK = ("127.0.0.0/8",)
Serve = Callable[..., str]


def answer(body: bytes, *fields: str, status: str = "200 OK") -> bytes:
    head = "\r\n".join([f"HTTP/1.1 {status}", *fields, f"Content-Length: {len(body)}"])
    return head.encode() + b"\r\n\r\n" + body


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server that says the same octets to everybody, and keeps what it was asked."""
    listeners: list[socket.socket] = []

    def start(
        said: bytes | Callable[[socket.socket], None], asked: list[bytes] | None = None, host: str = "127.0.0.1"
    ) -> str:
        listener = socket.create_server((host, 0))
        listeners.append(listener)

        def run() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                with client:
                    request = client.recv(65536)
                    if asked is not None:
                        asked.append(request)
                    try:
                        if callable(said):
                            said(client)
                        else:
                            client.sendall(said)
                    except OSError:
                        continue

        threading.Thread(target=run, daemon=True).start()
        return f"http://{host}:{listener.getsockname()[1]}"

    yield start
    for one in listeners:
        one.close()


def test_what_is_asked_and_had(serve: Serve) -> None:
    """RFC 9110 §8.8, §13.1.2: with the validators that are known."""
    asked: list[bytes] = []
    url = serve(answer(CALENDAR, 'ETag: "7"', "Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT"), asked)
    found = Fetcher(LOOPBACK).fetch(f"{url}/a.ics?b=1", '"6"')
    assert found == Answer(CALENDAR, '"7"', "Mon, 01 Jan 2024 00:00:00 GMT")
    assert asked[0].startswith(b"GET /a.ics?b=1 HTTP/1.1\r\n")
    assert b'If-None-Match: "6"\r\n' in asked[0]
    assert Fetcher(LOOPBACK).fetch(serve(answer(b"", status="304 Not Modified"))).data is None
    packed = serve(answer(gzip.compress(CALENDAR), "Content-Encoding: gzip"))
    assert Fetcher(LOOPBACK).fetch(packed).data == CALENDAR
    pieces = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nBEGI\r\n1\r\nN\r\n0\r\n\r\n"
    assert Fetcher(LOOPBACK).fetch(serve(pieces)).data == b"BEGIN"
    moved = serve(answer(b"", f"Location: {url}/b.ics", status="301 Moved"))
    assert Fetcher(LOOPBACK).fetch(moved).data == CALENDAR


@pytest.mark.parametrize(
    "host",
    [
        *(
            "127.0.0.1",
            "localhost",
            "10.0.0.1",
            "192.168.1.1",
            "172.16.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
        ),
        *("[::1]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[fe80::1]", "[fd00::1]", "[ff02::1]"),
        *("2130706433", "0x7f000001", "127.1", "224.0.0.1", "255.255.255.255"),
    ],
)
def test_no_way_into_private_networks(host: str) -> None:
    with pytest.raises(Unreachable):
        Fetcher().fetch(f"http://{host}:8080/")


def test_redirects_are_judged_anew(serve: Serve) -> None:
    for place in ("file:///etc/passwd", "ftp://x.example/", "http://10.0.0.1/", "http://127.0.0.1:25/", "gopher:"):
        url = serve(answer(b"", f"Location: {place}", status="302 Found"))
        with pytest.raises(Unreachable):
            Fetcher(LOOPBACK).fetch(url)
    with pytest.raises(Unreachable, match="more than 5"):
        Fetcher(LOOPBACK).fetch(serve(answer(b"", "Location: /again", status="302 Found")))


def test_a_redirect_to_loopback_is_not_followed(serve: Serve) -> None:
    """Whoever may be asked sends us to whom nobody outside may ask: there is somebody, and he hears nothing."""
    asked: list[bytes] = []
    there = serve(answer(CALENDAR), asked)
    for place in (there, there.replace("127.0.0.1", "localhost"), there.replace("127.0.0.1", "[::ffff:127.0.0.1]")):
        url = serve(answer(b"", f"Location: {place}/a.ics", status="302 Found"), host="127.0.0.2")
        with pytest.raises(Unreachable, match="private network"):
            Fetcher(("127.0.0.2/32",)).fetch(url)
    assert asked == []


@pytest.mark.parametrize("place", ["file:///etc/passwd", "file://localhost/etc/passwd", "FILE:/etc/passwd", "data:,x"])
def test_a_redirect_to_a_file_is_not_followed(serve: Serve, place: str) -> None:
    with pytest.raises(Unreachable, match="which is not fetched"):
        Fetcher(LOOPBACK).fetch(serve(answer(b"", f"Location: {place}", status="301 Moved")))


@pytest.mark.slow
def test_a_gzip_bomb_is_not_unpacked(serve: Serve) -> None:
    """A thousand times as large as it comes, and one that goes on for ever."""

    def endless(client: socket.socket) -> None:
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n")
        for _ in range(100_000):
            client.sendall(packer.compress(b"\0" * 1_000_000))

    bomb = answer(gzip.compress(b"\0" * 200_000_000), "Content-Encoding: gzip")
    for said in (bomb, endless):
        with pytest.raises(Unreachable, match="larger than 10 MiB"):
            Fetcher(LOOPBACK).fetch(serve(said))


@pytest.mark.parametrize(
    "said",
    [
        answer(gzip.compress(b"\0" * (fetching.OCTETS_MAX + 1)), "Content-Encoding: gzip"),
        answer(b"\0" * (fetching.OCTETS_MAX + 1)),
        answer(gzip.compress(CALENDAR)[:-9], "Content-Encoding: gzip"),
        answer(b"no gzip", "Content-Encoding: gzip"),
        answer(CALENDAR, "Content-Encoding: br"),
        answer(CALENDAR)[:-5],
        answer(b"", status="404 Not Found"),
        b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1_000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"SSH-2.0-OpenSSH\r\n",
        b"\0" * 1000,
        b"",
    ],
    ids=lambda said: repr(said[:40]),
)
def test_servers_that_lie(serve: Serve, said: bytes) -> None:
    with pytest.raises(Unreachable):
        Fetcher(LOOPBACK).fetch(serve(said))


def test_what_never_ends_and_comes_fast(serve: Serve) -> None:
    def pour(client: socket.socket) -> None:
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(100_000):
            client.sendall(b"X" * 100_000)

    with pytest.raises(Unreachable, match="larger than 10 MiB"):
        Fetcher(LOOPBACK).fetch(serve(pour))


def test_a_head_that_never_ends(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "SECONDS_MAX", 0.5)

    def trickle(client: socket.socket) -> None:
        client.sendall(b"HTTP/1.1 200 OK\r\nX: ")
        for _ in range(200):
            client.sendall(b".")
            time.sleep(0.05)

    with pytest.raises(Unreachable):
        Fetcher(LOOPBACK).fetch(serve(trickle))


def test_what_never_ends(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "SECONDS_MAX", 0.5)

    def trickle(client: socket.socket) -> None:
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(200):
            client.sendall(b".")
            time.sleep(0.05)

    begin = time.monotonic()
    with pytest.raises(Unreachable, match="did not come within"):  # what was cut off is not taken for all of it
        Fetcher(LOOPBACK).fetch(serve(trickle))
    assert time.monotonic() - begin < 5
