"""One protocol's process: forked workers that share memory, and what granian must do for us (DESIGN §3, §5)."""

from __future__ import annotations

import ctypes
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509

from conf.load import load
from servers import certificate, endpoints, process
from tests.servers.running import alive, children, eventually, free_port_base
from tests.storage.full_disk import no_room

pytestmark = pytest.mark.slow

TINY = Path(__file__).with_name("tiny.py")


@pytest.fixture
def settings_file(tmp_path: Path) -> Path:
    path = tmp_path / "escritoire.toml"
    path.write_text(f'domain = "tiny.test"\nport_base = {free_port_base()}\n')
    return path


@pytest.fixture
def tiny(settings_file: Path) -> Iterator[subprocess.Popen[bytes]]:
    root = Path(__file__).resolve().parents[2]
    running = subprocess.Popen([sys.executable, TINY, settings_file], env={**os.environ, "PYTHONPATH": str(root)})
    host, port = load(settings_file).address("caldav")
    eventually(lambda: endpoints.answers(host, port), "the process listens")
    eventually(lambda: len(children(running.pid)) == 2, "both workers run")
    yield running
    running.terminate()
    running.wait()


def ask(file: Path, *, body: bytes | None = None, query: str = "") -> dict[str, object]:
    connection = http.client.HTTPConnection(*load(file).address("caldav"), timeout=30)
    connection.request("PUT" if body else "GET", f"/?{query}", body)
    answer: dict[str, object] = json.loads(connection.getresponse().read())
    connection.close()
    return answer


def test_workers_serve_what_make_gave_them(tiny: subprocess.Popen[bytes], settings_file: Path) -> None:
    answer = ask(settings_file, body=b"x" * 100_000)
    assert answer["octets"] == 100_000
    assert answer["domain"] == "tiny.test"
    assert answer["parent"] == tiny.pid
    assert answer["pid"] in children(tiny.pid)


def test_idle_connections_starve_nobody(tiny: subprocess.Popen[bytes], settings_file: Path) -> None:
    """granian's backpressure counts connections, resting ones too; 300 of them must not shut the door."""
    address = load(settings_file).address("caldav")
    resting = [socket.create_connection(address) for _ in range(300)]
    assert ask(settings_file)["octets"] == 0
    for connection in resting:
        connection.close()


def test_connections_are_kept_and_answers_not_delayed(tiny: subprocess.Popen[bytes], settings_file: Path) -> None:
    """Keep-alive, and TCP_NODELAY on the accepted socket: an answer waits for no delayed ACK."""
    connection = http.client.HTTPConnection(*load(settings_file).address("caldav"), timeout=30)
    for _ in range(3):
        connection.request("GET", "/")
        worker = json.loads(connection.getresponse().read())["pid"]
    assert connection.sock is not None
    assert connection.sock.getsockname() in dict(peers(worker, socket.TCP_NODELAY))
    connection.close()


def test_a_peer_that_is_gone_gives_its_thread_back(tiny: subprocess.Popen[bytes], settings_file: Path) -> None:
    """SYS-17: half a body, and the network went away: without keep-alive probes the thread waits for the rest for ever.

    Nor does it wait for ever for one who takes nothing of his answer (RFC 9293 §3.8.3, "user timeout").
    """
    asked = ((socket.SOL_SOCKET, socket.SO_KEEPALIVE), (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT))

    def options() -> list[int]:
        """Of a new connection each time: the first ones may come before a worker is so far."""
        with socket.create_connection(load(settings_file).address("caldav")) as one:
            one.sendall(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345")
            here, workers = one.getsockname(), children(tiny.pid)
            found = [dict(peers(pid, option, level)).get(here) for level, option in asked for pid in workers]
        return [value for value in found if value is not None]

    eventually(lambda: options() == [1, process.DEAD_S * 1000], "connections are watched")


def peers(pid: int, option: int, level: int = socket.IPPROTO_TCP) -> Iterator[tuple[tuple[str, int], int]]:
    """Peers of the connections of process `pid`, and how they have the option; its descriptors are borrowed."""
    libc = ctypes.CDLL(None)
    handle = os.pidfd_open(pid)
    for descriptor in os.listdir(f"/proc/{pid}/fd"):
        borrowed = libc.syscall(438, handle, int(descriptor), 0)  # pidfd_getfd
        if borrowed < 0:
            continue
        try:
            found = _peer(borrowed, option, level)
        finally:
            os.close(borrowed)
        if found and found[1]:
            yield found
    os.close(handle)


def _peer(descriptor: int, option: int, level: int) -> tuple[tuple[str, int], int] | None:
    try:
        one = socket.socket(fileno=descriptor)
    except OSError:  # a file, a pipe
        return None
    try:
        return one.getpeername(), one.getsockopt(level, option)
    except OSError:  # listening, or no TCP
        return None
    finally:
        one.detach()


def test_a_dead_worker_is_replaced(tiny: subprocess.Popen[bytes], settings_file: Path) -> None:
    first = children(tiny.pid)
    os.kill(first[0], signal.SIGKILL)
    eventually(lambda: len(set(children(tiny.pid)) - {first[0]}) == 2, "a second worker again")
    assert ask(settings_file)["octets"] == 0


def test_requests_under_way_are_finished(tiny: subprocess.Popen[bytes], settings_file: Path) -> None:
    answers: list[dict[str, object]] = []
    asking = threading.Thread(target=lambda: answers.append(ask(settings_file, body=b"x", query="2")))
    asking.start()
    threading.Event().wait(1)
    tiny.terminate()
    asking.join()
    assert answers[0]["octets"] == 1
    assert tiny.wait() == 0


def test_no_worker_outlives_a_killed_process(tiny: subprocess.Popen[bytes]) -> None:
    workers = children(tiny.pid)
    tiny.kill()
    tiny.wait()
    eventually(lambda: not any(map(alive, workers)), "the workers end")


def test_an_address_of_another_machine_is_refused_in_words() -> None:
    with pytest.raises(process.CannotListen, match="no interface of this machine has this address"):
        process.require_free("192.0.2.1", 0)


def test_a_taken_port_is_refused_in_words() -> None:
    """The workers' SO_REUSEPORT would share it without a word."""
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(process.CannotListen, match=f"port {port}: Address already in use"):
            process.require_free("127.0.0.1", port)


def test_a_full_disk_keeps_nobody_from_serving(settings_file: Path) -> None:
    """SYS-02: a desk whose disk was full did not start, and ended as soon as one of its processes was replaced."""
    settings = load(settings_file)
    endpoints.put(settings, {"caldav": os.getpid()})
    with no_room(0):
        endpoints.put(settings, {"carddav": os.getpid()})
        endpoints.drop(settings, {"carddav"})
    assert set(endpoints.read(settings)) == {"caldav"}
    endpoints.put(settings, {"carddav": os.getpid()})
    assert set(endpoints.read(settings)) == {"caldav", "carddav"}


def certify(folder: Path, name: str) -> None:
    """A certificate for `name`, put into the place of the one before as certbot does: by links that lead elsewhere."""
    fresh = folder / name
    fresh.mkdir()
    certificate._make(fresh / "it.crt", fresh / "it.key", ("localhost", name))
    for end in ("crt", "key"):
        (folder / "new").symlink_to(fresh / f"it.{end}")
        (folder / "new").rename(folder / f"it.{end}")


def test_a_renewed_certificate(settings_file: Path, tmp_path: Path) -> None:
    """SYS-05: it is taken over without a restart."""
    certify(tmp_path, "old.test")
    lines = f'[tls]\ncertificate = "{tmp_path}/it.crt"\nkey = "{tmp_path}/it.key"\n[caldav]\ntls = true\nworkers = 2\n'
    settings_file.write_text(settings_file.read_text() + lines)
    address, root = load(settings_file).address("caldav"), Path(__file__).resolve().parents[2]
    running = subprocess.Popen([sys.executable, TINY, settings_file], env={**os.environ, "PYTHONPATH": str(root)})

    def shown() -> str:
        try:
            pem = ssl.get_server_certificate(address)
        except OSError:
            return ""
        return str(x509.load_pem_x509_certificate(pem.encode()).subject.rfc4514_string())

    try:
        eventually(lambda: shown() == "CN=old.test", "the process listens")
        certify(tmp_path, "new.test")
        eventually(lambda: {shown() for _ in range(8)} == {"CN=new.test"}, "all workers have the new one")
        assert running.poll() is None
    finally:
        running.terminate()
        running.wait()
