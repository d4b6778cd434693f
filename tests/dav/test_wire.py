"""The kernel behind its real server: raw bytes over a socket (RFC 9112, SYS-03)."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.dav import desk

AUTH = b"Authorization: Basic YWxpY2U6YWxpY2U=\r\n"
EVENTS = b"/dav/alice/private/events/"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(folder: Path, protocol: str, port: int, **settings: object) -> Iterator[None]:
    """One process of one worker, until the block ends."""
    environ = {
        **os.environ,
        "DESK_FOLDER": str(folder),
        "DESK_PROTOCOL": protocol,
        "DESK_SETTINGS": json.dumps(settings),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--factory", "--host", "127.0.0.1"]
    command += [
        "--port",
        str(port),
        "--blocking-threads",
        "2",
        "--no-ws",
        "--log-level",
        "error",
        "tests.dav.served:make",
    ]
    process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 90
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


class Wire:
    """One connection, kept alive."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.rest = b""

    def __del__(self) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answer(self, *, head: bool = False) -> tuple[int, bytes, bytes]:
        """Status, header and body of the next answer."""
        while b"\r\n\r\n" not in self.rest:
            self._more()
        header, self.rest = self.rest.split(b"\r\n\r\n", 1)
        length = 0
        for line in header.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        if head or header.startswith((b"HTTP/1.1 204", b"HTTP/1.1 304", b"HTTP/1.1 100")):
            length = 0
        while len(self.rest) < length:
            self._more()
        body, self.rest = self.rest[:length], self.rest[length:]
        return int(header.split()[1]), header, body

    def ask(self, method: bytes, path: bytes, fields: bytes = b"", body: bytes = b"") -> tuple[int, bytes, bytes]:
        length = b"Content-Length: %d\r\n" % len(body) if body else b""
        self.send(b"%b %b HTTP/1.1\r\nHost: desk.test\r\n%b%b%b\r\n%b" % (method, path, AUTH, length, fields, body))
        return self.answer(head=method == b"HEAD")

    def _more(self) -> None:
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("closed")
        self.rest += data


@pytest.fixture(scope="module")
def port(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder = tmp_path_factory.mktemp("served") / "desk"
    shutil.copytree(template, folder)
    number = free_port()
    with served(folder, "caldav", number):
        yield number


def test_one_connection_serves_many_requests(port: int) -> None:
    wire = Wire(port)
    body = desk.event("w1")
    assert wire.ask(b"PUT", EVENTS + b"w1.ics", b"", body)[0] == 201
    status, header, read = wire.ask(b"GET", EVENTS + b"w1.ics")
    assert (status, read) == (200, body)
    assert b"date:" in header.lower()
    assert wire.ask(b"HEAD", EVENTS + b"w1.ics")[2] == b""
    assert wire.ask(b"PROPFIND", b"/dav/none/x", b"Depth: 0\r\n", b"<x/>" * 2000)[0] == 404  # unread body
    assert wire.ask(b"GET", EVENTS + b"none.ics")[0] == 404
    assert wire.ask(b"BREW", EVENTS)[0] == 501
    assert wire.ask(b"GET", EVENTS + b"w1.ics")[0] == 200


def test_chunked_bodies(port: int) -> None:
    wire = Wire(port)
    body = desk.event("w2")
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:7], body[7:])) + b"0\r\n\r\n"
    wire.send(b"PUT %bw2.ics HTTP/1.1\r\nHost: d\r\n%bTransfer-Encoding: chunked\r\n\r\n%b" % (EVENTS, AUTH, chunks))
    assert wire.answer()[0] == 201
    assert wire.ask(b"GET", EVENTS + b"w2.ics")[2] == body


def test_expect_100_continue(port: int) -> None:
    wire = Wire(port)
    body = desk.event("w3")
    head = b"PUT %bw3.ics HTTP/1.1\r\nHost: d\r\n%bContent-Length: %d\r\nExpect: 100-continue\r\n\r\n"
    wire.send(head % (EVENTS, AUTH, len(body)))
    assert wire.answer()[0] == 100
    wire.send(body)
    assert wire.answer()[0] == 201


def test_a_body_that_ends_too_early_stores_nothing(port: int) -> None:
    wire = Wire(port)
    body = desk.event("w4")
    wire.send(
        b"PUT %bw4.ics HTTP/1.1\r\nHost: d\r\n%bContent-Length: %d\r\n\r\n%b" % (EVENTS, AUTH, len(body) + 9, body)
    )
    wire.socket.shutdown(socket.SHUT_WR)
    with suppress(ConnectionError):  # the server below may simply close
        assert wire.answer()[0] == 400
    assert Wire(port).ask(b"GET", EVENTS + b"w4.ics")[0] == 404


@pytest.mark.parametrize(
    ("path", "statuses"),
    [
        (b"a%2Fb.ics", {400, 404, 409}),
        (b"..%2f..%2fx", {400}),
        (b"%2e%2e/x", {400}),
        (b"%00.ics", {400}),
        (b"%ff.ics", {400}),
        (b"a" * 5000, {414}),
    ],
)
def test_hostile_paths(port: int, path: bytes, statuses: set[int]) -> None:
    """docs/decisions/0050."""
    for method in (b"GET", b"PUT"):
        assert Wire(port).ask(method, EVENTS + path, b"", desk.event("x") if method == b"PUT" else b"")[0] in statuses


def test_names_beyond_ascii(port: int) -> None:
    wire = Wire(port)
    name = "Größe ☃.ics".encode()
    quoted = b"".join(b"%%%02X" % octet for octet in name)
    assert wire.ask(b"PUT", EVENTS + quoted, b"", desk.event("w5"))[0] == 201
    assert wire.ask(b"GET", EVENTS + quoted)[0] == 200


def test_too_large_is_refused_and_the_next_request_works(port: int) -> None:
    wire = Wire(port)
    wire.send(b"PUT %bw6.ics HTTP/1.1\r\nHost: d\r\n%bContent-Length: 99999999\r\n\r\n" % (EVENTS, AUTH))
    status, _, body = wire.answer()
    assert status == 403
    assert b"max-resource-size" in body
    assert Wire(port).ask(b"GET", EVENTS)[0] == 200


@pytest.mark.slow
def test_two_processes_behind_one_origin(template: Path, tmp_path: Path) -> None:
    """SYS-03, docs/decisions/0055: whichever process is asked finds the answer."""
    folder = tmp_path / "desk"
    shutil.copytree(template, folder)
    calendars, books = free_port(), free_port()
    siblings = {"caldav": f"http://127.0.0.1:{calendars}", "carddav": f"http://127.0.0.1:{books}"}
    common = {"front": True, "siblings": siblings, "trusted_proxies": ["127.0.0.1"]}
    with served(folder, "caldav", calendars, **common), served(folder, "carddav", books, **common):
        wire = Wire(calendars)
        make = (
            b'<D:mkcol xmlns:D="DAV:" xmlns:A="urn:ietf:params:xml:ns:carddav"><D:set><D:prop><D:resourcetype>'
            b"<D:collection/><A:addressbook/></D:resourcetype></D:prop></D:set></D:mkcol>"
        )
        friends = b"/dav/alice/private/friends/"
        assert wire.ask(b"MKCOL", friends, b"", make)[0] == 201
        status, header, _ = wire.ask(b"PUT", friends + b"a.vcf", b"Content-Type: text/vcard\r\n", desk.card("a"))
        assert status == 201
        assert b"etag:" in header.lower()
        status, _, body = wire.ask(b"GET", friends + b"a.vcf")
        assert (status, body) == (200, desk.card("a"))
        assert wire.ask(b"HEAD", friends + b"a.vcf")[0] == 200
        status, _, body = wire.ask(
            b"PROPFIND", friends, b"Depth: 1\r\n", b'<propfind xmlns="DAV:"><prop><getetag/></prop></propfind>'
        )
        assert status == 207
        assert friends + b"a.vcf" in body
        assert wire.ask(b"GET", b"/dav/alice/private/contacts/none.vcf")[0] == 404
        assert wire.ask(b"DELETE", friends + b"a.vcf")[0] == 204
        assert Wire(books).ask(b"PUT", EVENTS + b"x.ics", b"", desk.event("x"))[0] == 201
        assert wire.ask(b"GET", EVENTS + b"x.ics")[0] == 200
