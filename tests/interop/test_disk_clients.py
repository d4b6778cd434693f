"""cadaver and curl on the disk: what people type, and what breaks off in the middle (DOC-01, DOC-08, DOC-10)."""

from __future__ import annotations

import base64
import http.client
import os
import shutil
import socket
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.interop.desk import PASSWORDS, Desk
from tests.interop.disk import folder, root
from tests.interop.test_cadaver import cadaver
from tests.interop.wire import Wire


@pytest.mark.skipif(shutil.which("cadaver") is None, reason="needs cadaver (Debian: cadaver)")
def test_cadaver(desk: Desk, tmp_path: Path) -> None:
    """Folders, files, properties, locks, search as cadaver writes them."""
    (tmp_path / "one.txt").write_text("from cadaver")
    out = cadaver(
        tmp_path, root(desk) + folder(desk), "alice",
        "mkcol inside", "put one.txt", "copy one.txt two.txt", "move two.txt inside/three.txt", "ls", "cd inside",
        "get three.txt back.txt", "lock three.txt", "propset three.txt colour red", "propget three.txt colour",
        "unlock three.txt", "cd ..", "move inside outside", "ls", "delete one.txt", "rmcol outside", "ls",
    )  # fmt: skip
    assert (tmp_path / "back.txt").read_text() == "from cadaver"
    assert "failed" not in out, out
    assert "red" in out
    assert "outside" in out.split("Moving", 2)[2]
    assert "collection is empty" in out.rsplit("Listing collection", 1)[1]


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_curl_resumes_a_download(desk: Desk, tmp_path: Path) -> None:
    """RFC 9110 §14: `curl -C -` goes on where it was broken off."""
    path = folder(desk) + "a.bin"
    body = os.urandom(400_000)
    wire = Wire(root(desk), "alice")
    assert wire("PUT", path, body).status == 201
    (tmp_path / "a.bin").write_bytes(body[:123_456])
    subprocess.run(
        ["curl", "-s", "-f", "-C", "-", "-u", f"alice:{PASSWORDS['alice']}", "-o", "a.bin", root(desk) + path],
        cwd=tmp_path, check=True, timeout=60,
    )  # fmt: skip
    assert (tmp_path / "a.bin").read_bytes() == body
    wire.close()


def _raw(desk: Desk) -> tuple[socket.socket, str]:
    url = urlsplit(root(desk))
    pair = base64.b64encode(f"alice:{PASSWORDS['alice']}".encode()).decode()
    return socket.create_connection((url.hostname, url.port), timeout=20), f"Host: x\r\nAuthorization: Basic {pair}\r\n"


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.parametrize("size", [3, 400_000])
def test_curl_uploads_from_a_pipe(desk: Desk, size: int) -> None:
    """DOC-08, RFC 9112 §7.1: `curl -T -` does not know how much will come (docs/decisions/0285)."""
    path = folder(desk) + "a.bin"
    body = os.urandom(size)
    command = ["curl", "-s", "-f", "-u", f"alice:{PASSWORDS['alice']}", "-T", "-", root(desk) + path]
    subprocess.run(command, input=body, check=True, timeout=60)
    wire = Wire(root(desk), "alice")
    assert wire("GET", path).body == body
    wire.close()


def test_chunks_that_are_none_leave_nothing(desk: Desk) -> None:
    """RFC 9112 §7.1: what came before the broken chunk is no file."""
    path = folder(desk) + "a.bin"
    connection, fields = _raw(desk)
    head = f"PUT {path} HTTP/1.1\r\n{fields}Transfer-Encoding: chunked\r\n\r\n"
    connection.sendall(head.encode() + b"5\r\nhello\r\nzz\r\nworld\r\n")
    connection.recv(64)  # a refusal, or the end
    connection.close()
    wire = Wire(root(desk), "alice")
    assert wire("GET", path).status == 404
    wire.close()


@pytest.mark.parametrize("sent", [0, 10, 150_000])
@pytest.mark.parametrize("manner", ["length", "chunked", "finder"])
def test_a_dropped_connection_leaves_nothing(desk: Desk, manner: str, sent: int) -> None:
    """The upload of half a file is no file, and what was there before stays (SYS-06)."""
    place = folder(desk)
    wire = Wire(root(desk), "alice")
    assert wire("PUT", place + "old.bin", b"as it was").status == 201
    for name in ("old.bin", "new.bin"):
        connection, fields = _raw(desk)
        body = b"x" * sent
        if manner == "length":
            head, data = "Content-Length: 200000\r\n", body
        else:
            head = "Transfer-Encoding: chunked\r\n"
            head += "X-Expected-Entity-Length: 200000\r\n" if manner == "finder" else ""
            data = b"%x\r\n" % sent + body + b"\r\n" if sent else b""
        connection.sendall(f"PUT {place}{name} HTTP/1.1\r\n{fields}{head}\r\n".encode() + data)
        connection.close()
    # The next answer comes after the broken ones ended: each worker takes requests in turn, so ask some.
    for _ in range(20):
        assert wire("GET", place + "old.bin").body == b"as it was"
        assert wire("GET", place + "new.bin").status == 404
    wire.close()


def test_full_is_said_before_the_body_is_sent(desk: Desk) -> None:
    """Expect: 100-continue (RFC 9110 §10.1.1): who has no room is told so instead of being asked to go on."""
    path = "/docs/alice/private/missing/a.bin"
    connection, fields = _raw(desk)
    connection.sendall(
        f"PUT {path} HTTP/1.1\r\n{fields}Content-Length: 5000000000\r\nExpect: 100-continue\r\n\r\n".encode()
    )
    assert connection.recv(64).startswith(b"HTTP/1.1 409")
    connection.close()


def test_an_unread_body_does_not_confuse_the_next_request(desk: Desk) -> None:
    """A refusal before the body was read: the connection is closed, or the next request is understood."""
    url = urlsplit(root(desk))
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=20)
    pair = base64.b64encode(f"alice:{PASSWORDS['alice']}".encode()).decode()
    fields = {"Authorization": f"Basic {pair}"}
    try:
        connection.request("PUT", "/docs/alice/private/missing/a.bin", b"x" * 300_000, fields)
        answer = connection.getresponse()
        assert answer.status == 409
        answer.read()
    except (BrokenPipeError, ConnectionResetError):
        connection.close()
    connection.request("GET", "/docs/alice/private/", headers=fields)
    assert connection.getresponse().status == 200
    connection.close()
