"""The supervised desk with its real processes: who listens, who comes back, and that nobody is left (SYS-02)."""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest

from conf.endpoints import HTTP_PROTOCOLS, LINE_PROTOCOLS, PORT_OFFSETS
from conf.load import load
from conf.settings import Settings
from servers import demo, front
from tests.servers.running import PATIENCE_S, alive, children, eventually, free_port_base, proportional_kib

pytestmark = pytest.mark.slow

ESCRITOIRE = Path(sys.executable).parent / "escritoire"
EVERY = {one.name for one in HTTP_PROTOCOLS} | {door.name for one in LINE_PROTOCOLS for door in one.listeners}


class Desk:
    """A furnished desk in `data` and whatever was started of it."""

    def __init__(self, data: Path, text: str = "") -> None:
        self.file = data / "escritoire.toml"
        self.file.write_text(f'domain = "localhost"\nport_base = {free_port_base()}\n{text}')
        self.endpoints = data / "run" / "endpoints.json"
        self.log = data / "log"
        self.started: list[subprocess.Popen[bytes]] = []

    @property
    def settings(self) -> Settings:
        return load(self.file)

    def serve(self, *names: str) -> subprocess.Popen[bytes]:
        command = [str(ESCRITOIRE), "--data", str(self.file.parent), "serve", *names]
        with self.log.open("wb") as log:
            self.started.append(subprocess.Popen(command, stderr=log))
        return self.started[-1]

    def listeners(self) -> dict[str, dict[str, str | int]]:
        eventually(self.endpoints.exists, "endpoints.json")
        found: dict[str, dict[str, str | int]] = json.loads(self.endpoints.read_text())
        return found

    def pid(self, name: str) -> int:
        return int(self.listeners()[name]["pid"])

    def get(self, name: str, path: str = "/dav/alice/private/events/review.ics", login: str = "alice") -> int:
        connection = http.client.HTTPConnection(*self.settings.address(name), timeout=PATIENCE_S)
        basic = base64.b64encode(f"{login}:{demo.password(login)}".encode()).decode()
        connection.request("GET", path, headers={"Authorization": f"Basic {basic}"})
        status = connection.getresponse().status
        connection.close()
        return status


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a store in it; the tests of this file only read."""
    data = tmp_path_factory.mktemp("desk")
    desk = Desk(data)
    demo.furnish(desk.settings, date(2026, 3, 4))
    return data


@pytest.fixture
def desk(furnished: Path) -> Iterator[Desk]:
    one = Desk(furnished)
    yield one
    for process in one.started:
        process.kill()
        process.wait()
    eventually(lambda: not desk_processes(one), "the processes end")
    one.endpoints.unlink(missing_ok=True)


def desk_processes(desk: Desk) -> list[int]:
    """Every living process that was started with this desk's directory, workers included."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if str(desk.file.parent).encode() in line and alive(int(entry.name)):
                found.append(int(entry.name))
    return found


def test_everything_listens_and_stops(desk: Desk) -> None:
    """endpoints.json as DESIGN §3 has it, there when all listen, gone at the end; SIGTERM is a clean end."""
    supervisor = desk.serve()
    listeners = desk.listeners()
    assert set(listeners) == EVERY
    for name, listener in listeners.items():
        if "url" in listener:
            assert listener["url"] == desk.settings.own_url(name)
        else:  # a door of a line protocol
            assert listener["port"] == desk.settings.port_base + PORT_OFFSETS[name]
            assert listener["tls"] in ("none", "starttls", "implicit")
        assert int(listener["pid"]) in children(supervisor.pid)
    assert desk.get("caldav") == 200
    assert desk.get("carddav", "/dav/alice/private/contacts/dora.vcf") == 200
    supervisor.terminate()
    assert supervisor.wait() == 0
    assert not desk.endpoints.exists()
    assert desk_processes(desk) == []


def test_memory_is_shared_and_given_back(desk: Desk) -> None:
    """Two workers of one protocol under 120 MiB, also after many passwords were checked at a time (SYS-17)."""
    supervisor = desk.serve()
    desk.listeners()
    with ThreadPoolExecutor(16) as many:
        statuses = set(many.map(lambda number: desk.get("caldav", login=f"stranger{number}"), range(48)))
        assert statuses <= {401, 429}
        assert desk.get("caldav") == 200
    assert proportional_kib(desk.pid("caldav")) < 120 * 1024
    supervisor.terminate()
    assert supervisor.wait() == 0


def test_what_dies_comes_back_alone(desk: Desk) -> None:
    supervisor = desk.serve()
    dead, other = desk.pid("caldav"), desk.pid("carddav")
    workers = children(dead)
    os.kill(dead, signal.SIGKILL)
    eventually(lambda: desk.pid("caldav") != dead, "a new process in endpoints.json")
    assert desk.get("caldav") == 200
    assert desk.pid("carddav") == other
    assert not any(map(alive, workers))
    supervisor.send_signal(signal.SIGINT)
    assert supervisor.wait() == 0


def test_a_killed_supervisor_leaves_no_orphans(desk: Desk) -> None:
    supervisor = desk.serve()
    desk.listeners()
    supervisor.kill()
    supervisor.wait()
    eventually(lambda: not desk_processes(desk), "all processes end")
    desk.endpoints.unlink()
    again = desk.serve()
    assert set(desk.listeners()) == EVERY
    assert desk.get("caldav") == 200
    again.terminate()
    assert again.wait() == 0


def test_one_protocol_is_one_process_without_a_supervisor(desk: Desk) -> None:
    """What systemd's units run; each keeps its own entry in endpoints.json."""
    calendars, contacts = desk.serve("caldav"), desk.serve("carddav")
    eventually(lambda: set(desk.listeners()) == {"caldav", "carddav"}, "both entries")
    assert desk.pid("caldav") == calendars.pid
    calendars.terminate()
    assert calendars.wait() == 0
    assert set(desk.listeners()) == {"carddav"}
    assert desk.get("carddav", "/dav/alice/private/contacts/dora.vcf") == 200
    contacts.terminate()
    assert contacts.wait() == 0
    assert not desk.endpoints.exists()


def test_a_taken_port_is_refused_before_anything_starts(desk: Desk) -> None:
    with socket.create_server(desk.settings.address("carddav"), reuse_port=True):
        supervisor = desk.serve()
        assert supervisor.wait() == 1
    said = desk.log.read_bytes()
    assert b"cannot listen on 127.0.0.1 port" in said
    assert b"Traceback" not in said
    assert not desk.endpoints.exists()


@pytest.mark.parametrize("names", [(), ("caldav",), ("imap",)])
def test_what_cannot_be_written_is_said_before_anything_starts(tmp_path: Path, names: tuple[str, ...]) -> None:
    desk = Desk(tmp_path)
    (tmp_path / "run").write_bytes(b"")
    assert desk.serve(*names).wait(PATIENCE_S) == 1
    assert desk.log.read_text() == f"Error: {tmp_path}/run: File exists\n"


@pytest.mark.parametrize("name", ["jobs", "outbound"])
def test_a_worker_waits_for_its_database(tmp_path: Path, name: str) -> None:
    desk = Desk(tmp_path, '[database]\nurl = "postgresql+psycopg://nobody@127.0.0.1:1/desk"\n')
    process = desk.serve(name)
    eventually(lambda: f"WARNING {name} waiting reason=" in desk.log.read_text(), "it tells that it waits")
    process.terminate()
    assert process.wait(PATIENCE_S) == 0
    assert "Traceback" not in desk.log.read_text()


def test_a_mistake_at_the_start_ends_all(furnished: Path) -> None:
    """What ends before everything listened is no accident to repair: status 1, and nobody is left."""
    desk = Desk(furnished, '[tls]\ncertificate = "no.pem"\nkey = "no.pem"\n[carddav]\ntls = true\n')
    supervisor = desk.serve()
    assert supervisor.wait() == 1
    said = desk.log.read_bytes()
    assert b"no.pem" in said
    # The mail protocols read the same files: whoever is the first to see it.
    assert re.search(rb"process ended before it listened child=(carddav|imap|pop3|smtp)", said)
    assert b"Traceback" not in said
    assert desk_processes(desk) == []


FRONT = '[front]\nenabled = true\ntls = "internal"\nhttps_port = 0\nhttp_port = 0\n'


@pytest.fixture
def fronted(furnished: Path) -> Iterator[Desk]:
    one = Desk(furnished, FRONT)
    supervisor = one.serve()
    assert set(one.listeners()) == {*EVERY, "front"}
    yield one
    supervisor.terminate()
    assert supervisor.wait() == 0


def ask_front(desk: Desk, path: str, **fields: str) -> http.client.HTTPResponse:
    trust = ssl.create_default_context(cafile=str(front.authority(desk.settings)))
    connection = http.client.HTTPSConnection("localhost", desk.settings.https_port, context=trust, timeout=PATIENCE_S)
    basic = base64.b64encode(b"alice:alice-demo").decode()
    connection.request("GET", path, headers={"Authorization": f"Basic {basic}", **fields})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


def test_the_front_gives_all_one_origin(fronted: Desk) -> None:
    """SYS-03, SYS-05, SYS-14: calendars, contacts and discovery under one https address; http only redirects."""
    assert ask_front(fronted, "/dav/alice/private/events/review.ics").status == 200
    assert ask_front(fronted, "/dav/alice/private/contacts/dora.vcf").status == 200
    assert ask_front(fronted, "/dav/groups/IAB/contacts/frida.vcf").status == 200
    origin = fronted.settings.origin
    for name in ("caldav", "carddav"):
        answer = ask_front(fronted, f"/.well-known/{name}")
        assert answer.status in {301, 307, 308}
        assert (answer.headers["Location"] or "").startswith((origin, "/"))
    plain = http.client.HTTPConnection("127.0.0.1", fronted.settings.http_port, timeout=PATIENCE_S)
    plain.request("GET", "/dav/", headers={"Host": "localhost"})
    redirect = plain.getresponse()
    assert (redirect.status, redirect.headers["Location"]) == (308, f"{origin}/dav/")
    plain.close()


def test_the_front_outlives_a_restart_behind_it(fronted: Desk) -> None:
    """A request that comes while a server starts again waits for it, and is answered."""
    assert ask_front(fronted, "/dav/alice/private/events/review.ics").status == 200
    dead = fronted.pid("caldav")
    os.kill(dead, signal.SIGKILL)
    eventually(lambda: not alive(dead), "the process is dead")
    assert ask_front(fronted, "/dav/alice/private/events/review.ics").status == 200
