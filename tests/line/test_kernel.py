"""The kernel of line protocols on real sockets: TLS, injection, pipelining, back-pressure, PROXY, limits, waiting."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from servers.parent import bound_to_this_process
from storage import accounts
from storage.mail import appending, mailboxes
from storage.store import Store
from storage.types import SITE, Actor

PATIENCE_S = 60.0
TRUSTING = ssl._create_unverified_context()


class Tiny:
    """The process, its doors and its store."""

    def __init__(self, place: Path) -> None:
        self.store = Store.open(f"sqlite:///{place}/desk.sqlite3", place / "blobs")
        self.store.migrate()
        with self.store.write(SITE) as tx:
            who = accounts.create(tx, "alice", "*")
        self.alice = Actor(who.id, who.name)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.line.tiny", str(place)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            preexec_fn=bound_to_this_process(),
        )
        assert self.process.stdout is not None
        self.starttls, self.implicit, self.proxied, self.proxied_tls = (
            int(self.process.stdout.readline()) for _ in range(4)
        )

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(PATIENCE_S)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.store.close()

    def connect(self, port: int | None = None, *, first: bytes = b"", tls: bool = False) -> Client:
        return Client(port or self.starttls, first, tls=tls)


class Client:
    def __init__(self, port: int, first: bytes = b"", *, tls: bool = False) -> None:
        self.socket: socket.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        if first:
            self.socket.sendall(first)
        if tls:
            self.secure()
        self.file = self.socket.makefile("rb")
        self.hello = self.line() if not first or tls or b"PROXY" in first or b"\r\n\r\n\0" in first else b""

    def secure(self) -> None:
        self.socket = TRUSTING.wrap_socket(self.socket)
        self.file = self.socket.makefile("rb")

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def line(self) -> bytes:
        return self.file.readline().rstrip(b"\r\n")

    def ask(self, line: bytes) -> bytes:
        self.send(line + b"\r\n")
        return self.line()

    def close(self) -> None:
        self.file.close()
        self.socket.close()


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tiny]:
    it = Tiny(tmp_path_factory.mktemp("tiny"))
    yield it
    it.end()


@pytest.fixture
def connect(tiny: Tiny) -> Iterator[Callable[..., Client]]:
    opened: list[Client] = []

    def make(*args: int, first: bytes = b"", tls: bool = False) -> Client:
        opened.append(tiny.connect(*args, first=first, tls=tls))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def test_pipelining_keeps_the_order(connect: Callable[..., Client]) -> None:
    """Slow, quick and immediate answers, all sent at once."""
    client = connect()
    client.send(
        b"sleep 0.2\r\nquick one\r\nnow\r\ntwo\r\n" + b"".join(b"quick %d\r\n" % number for number in range(300))
    )
    assert [client.line() for _ in range(4)] == [b"slept", b"echo quick one", b"at once", b"echo two"]
    assert [client.line() for _ in range(300)] == [b"echo quick %d" % number for number in range(300)]


def test_a_long_command_is_worked_on(connect: Callable[..., Client]) -> None:
    """RFC 9585 §3: said every so often until the answer comes, and never within it."""
    client = connect()
    client.send(b"sleep 0.7\r\nnext\r\n")
    said = [client.line()]
    while said[-1].startswith(b"at it"):
        said.append(client.line())
    assert len(said) >= 3
    assert said[-1] == b"slept"
    assert client.line() == b"echo next"


def test_starttls_forgets_what_was_sent_before(connect: Callable[..., Client]) -> None:
    """RFC 3207 §6, CVE-2011-0411: a command injected in the clear is nobody's."""
    client = connect()
    assert client.ask(b"tls") == b"no"
    client.send(b"starttls\r\ninjected\r\n")
    assert client.line() == b"begin"
    client.secure()
    assert client.ask(b"tls") == b"yes"
    assert client.ask(b"after") == b"echo after"


def test_tls_from_the_first_octet(connect: Callable[..., Client], tiny: Tiny) -> None:
    """RFC 8314; TLS 1.2 at least."""
    client = connect(tiny.implicit, tls=True)
    assert client.hello == b"hello 127.0.0.1 tiny-implicit"
    assert client.ask(b"tls") == b"yes"
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", tiny.implicit), timeout=PATIENCE_S) as raw, pytest.raises(ssl.SSLError):
        old.wrap_socket(raw)


def test_a_client_that_does_not_read_costs_no_memory(connect: Callable[..., Client], tiny: Tiny) -> None:
    """An answer of 60 MB is made as it is taken."""
    client = connect()
    client.send(b"big 60000000\r\n")
    time.sleep(1.0)
    status = Path(f"/proc/{tiny.process.pid}/status").read_text()
    resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    assert resident < 250_000
    taken = 0
    while (line := client.line()) != b"end":
        taken += len(line) + 2
    assert taken == 60_000_000 // 1024 * 1024


def test_a_flood_is_not_kept(connect: Callable[..., Client]) -> None:
    """A line without end, and a client far ahead of us: it waits, and loses nothing."""
    client = connect()
    client.send(b"x" * 1_000_000)
    assert client.line() == b""
    ahead = connect()
    ahead.send(b"sleep 0.3\r\n")
    ahead.socket.settimeout(PATIENCE_S)
    ahead.send(b"quick y\r\n" * 20_000)
    assert ahead.line() == b"slept"
    assert all(ahead.line() == b"echo quick y" for _ in range(20_000))


def test_compression(connect: Callable[..., Client]) -> None:
    """RFC 4978: both ways; a bomb is unpacked piece by piece."""
    client = connect()
    assert client.ask(b"deflate") == b"squeeze"
    squeeze, expand = zlib.compressobj(9, zlib.DEFLATED, -15), zlib.decompressobj(-15)

    def send(data: bytes) -> None:
        client.send(squeeze.compress(data) + squeeze.flush(zlib.Z_SYNC_FLUSH))

    def read(until: bytes) -> bytes:
        got = b""
        while not got.endswith(until):
            got += expand.decompress(client.socket.recv(65_536))
        return got

    send(b"hi\r\n")
    assert read(b"\r\n") == b"echo hi\r\n"
    send(b"quick z\r\n" * 10_000 + b"last\r\n")
    assert read(b"last\r\n").count(b"echo quick z") == 10_000
    send(b"x" * 50_000_000)
    assert client.socket.recv(10) == b""


def test_the_proxy_protocol(connect: Callable[..., Client], tiny: Tiny) -> None:
    """Versions 1 and 2, before TLS too; nothing without it; from nobody who is no front."""
    client = connect(tiny.proxied, first=b"PROXY TCP4 192.0.2.7 192.0.2.1 4711 25\r\nhi\r\n")
    assert client.hello == b"hello 192.0.2.7 tiny-starttls"
    assert client.line() == b"echo hi"
    body = (
        socket.inet_aton("192.0.2.9")
        + socket.inet_aton("192.0.2.1")
        + (4711).to_bytes(2, "big")
        + (25).to_bytes(2, "big")
    )
    second = b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + len(body).to_bytes(2, "big") + body
    client = connect(tiny.proxied, first=second)
    assert client.hello == b"hello 192.0.2.9 tiny-starttls"
    client = connect(tiny.proxied_tls, first=second, tls=True)
    assert client.hello == b"hello 192.0.2.9 tiny-implicit"
    assert connect(tiny.proxied, first=b"hi there, this is no header\r\n").line() == b""
    client = connect(tiny.starttls, first=b"PROXY TCP4 192.0.2.7 192.0.2.1 4711 25\r\n")
    assert client.hello == b"hello 127.0.0.1 tiny-starttls"


def test_connections_of_one_address(connect: Callable[..., Client], tiny: Tiny) -> None:
    """SYS-17: five of one address, this machine's own are not counted."""
    header = b"PROXY TCP4 192.0.2.50 192.0.2.1 4711 25\r\n"
    kept = [connect(tiny.proxied, first=header) for _ in range(5)]
    assert all(one.hello.startswith(b"hello") for one in kept)
    assert connect(tiny.proxied, first=header).hello == b""
    kept[0].close()
    end = time.monotonic() + PATIENCE_S
    while not connect(tiny.proxied, first=header).hello:
        assert time.monotonic() < end


def test_waiting(connect: Callable[..., Client], tiny: Tiny) -> None:
    """A change by anybody wakes the session; what happened before is told as well; a command ends it."""
    client = connect()
    assert client.ask(b"wait") == b"waiting"
    assert client.line() == b"woken"
    with tiny.store.write(tiny.alice) as tx:
        appending.append(tx, mailboxes.find(tx, "INBOX"), appending.prepare(tiny.store, b"a: b\r\n\r\n"))
    assert client.line() == b"woken"
    assert client.ask(b"done") == b"echo done"


@pytest.mark.slow
def test_waiting_while_the_database_is_away(tmp_path: Path) -> None:
    """IMAP-06, RFC 2177: who began to wait then was never told of anything, until he asked of himself."""
    tiny = Tiny(tmp_path)
    database, aside = tmp_path / "desk.sqlite3", tmp_path / "aside"
    database.rename(aside)
    database.mkdir()  # so that nobody can open it
    client = tiny.connect()
    assert client.ask(b"wait") == b"waiting"
    time.sleep(0.5)
    database.rmdir()
    aside.rename(database)
    assert client.line() == b"woken"
    with tiny.store.write(tiny.alice) as tx:
        appending.append(tx, mailboxes.find(tx, "INBOX"), appending.prepare(tiny.store, b"a: b\r\n\r\n"))
    assert client.line() == b"woken"
    client.close()
    tiny.end()


@pytest.mark.slow
def test_ends(connect: Callable[..., Client]) -> None:
    """A mistake of ours, a farewell, an idle client: each is told, then the connection closes."""
    for line, said in ((b"fail", b"failed"), (b"bye", b"bye")):
        client = connect()
        assert client.ask(line) == said
        assert client.line() == b""
    client = connect()
    assert client.ask(b"idle") == b"soon"
    assert client.line() == b"too late"
    assert client.line() == b""
