"""Phones that wait: how soon a change wakes one, and what thousands of them cost while nothing happens.

    python -m bench.waiting               5,000 devices; print and keep the figures
    python -m bench.waiting --no-store    print only
    python -m bench.waiting --quick       500 devices

The desk is served as an operator serves it (`escritoire serve`, default settings, SQLite); changes come through the processes of
IMAP, CalDAV and LMTP. A wake is timed from the moment at which the change is sent until the phone has its answer. The rows and
what is wanted of them are those of the fifth issue; SOGo 5.8 on the same kind of machine woke a phone after 9.3 s and used 2 MB
for each one that waited.
"""

from __future__ import annotations

import argparse
import asyncio
import imaplib
import json
import smtplib
import statistics
import subprocess
import tempfile
import time
import urllib.request
from base64 import b64encode
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.activesync import event, mail
from bench.dav import RESULTS
from bench.dav_bench import tree
from bench.growth import cpu_ns
from bench.peers import free_base, program, serving
from servers.activesync.wbxml.decoder import decode
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.encoder import encode
from servers.activesync.wbxml.pages import AirSync, FolderHierarchy, Ping

DEVICES, PER_ACCOUNT = 5_000, 100
WAKES = 40
QUIET_S = 20.0
HEARTBEAT_S = 3_000
INBOX, CALENDAR = 2, 8


class Phone:
    """One device on one connection."""

    def __init__(self, port: int, login: str, number: int) -> None:
        self._port, self._login = port, login
        self._query = f"User={login}&DeviceId=D{number:05}&DeviceType=Bench"
        self._pair = b64encode(f"{login}:secret-of-{login}".encode()).decode()
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self.folders: dict[int, str] = {}
        self._keys: dict[str, str] = {}

    async def send(self, command: str, body: Element) -> None:
        """Send a command and wait for nothing."""
        if self._writer is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        octets = encode(body)
        self._writer.write(
            f"POST /Microsoft-Server-ActiveSync?Cmd={command}&{self._query} HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Basic {self._pair}\r\nMS-ASProtocolVersion: 14.1\r\n"
            f"Content-Type: application/vnd.ms-sync.wbxml\r\nContent-Length: {len(octets)}\r\n\r\n".encode()
            + octets
        )
        await self._writer.drain()

    async def answer(self) -> Element | None:
        """The answer to what was sent."""
        assert self._reader is not None
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode().lower()
        assert " 200 " in head.splitlines()[0], head
        length = next(int(line.split(":")[1]) for line in head.splitlines() if line.startswith("content-length:"))
        octets = await self._reader.readexactly(length)
        return decode(octets) if octets else None

    async def ask(self, command: str, body: Element) -> Element | None:
        """Send a command; its answer."""
        await self.send(command, body)
        return await self.answer()

    async def begin(self) -> None:
        """Learn the folders, and synchronise the mailbox and the calendar."""
        found = await self.ask("FolderSync", FolderHierarchy.FolderSync(FolderHierarchy.SyncKey("0")))
        changes = None if found is None else found.find(FolderHierarchy.Changes)
        assert changes is not None
        for one in changes.all(FolderHierarchy.Add):
            kind = int(one.text_of(FolderHierarchy.Type) or 0)
            self.folders.setdefault(kind, one.text_of(FolderHierarchy.ServerId) or "")
        await self.sync()

    async def sync(self) -> None:
        """Take all news of both folders."""
        left = [self.folders[INBOX], self.folders[CALENDAR]]
        while left:
            asked = [
                AirSync.Collection(AirSync.SyncKey(self._keys.get(one, "0")), AirSync.CollectionId(one)) for one in left
            ]
            found = await self.ask("Sync", AirSync.Sync(AirSync.Collections(*asked)))
            collections = None if found is None else found.find(AirSync.Collections)
            left = []
            for one in [] if collections is None else collections.all(AirSync.Collection):
                folder = one.text_of(AirSync.CollectionId) or ""
                if self._keys.get(folder, "0") == "0" or AirSync.MoreAvailable in one:
                    left.append(folder)
                self._keys[folder] = one.text_of(AirSync.SyncKey) or ""

    async def wait(self) -> None:
        """Begin to wait for news of both folders."""
        watched = [
            Ping.Folder(Ping.Id(self.folders[one]), Ping.Class(name))
            for one, name in ((INBOX, "Email"), (CALENDAR, "Calendar"))
        ]
        await self.send("Ping", Ping.Ping(Ping.HeartbeatInterval(HEARTBEAT_S), Ping.Folders(*watched)))

    def close(self) -> None:
        """End the connection; the next command opens another one."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None


class Desk:
    """The served desk, and the programs that change it."""

    def __init__(self, endpoints: dict[str, dict[str, Any]], login: str) -> None:
        self._login, self._password, self._number = login, f"secret-of-{login}", 0
        self._imap = imaplib.IMAP4("127.0.0.1", int(endpoints["imap"]["port"]))
        self._imap.login(login, self._password)
        self._lmtp = smtplib.LMTP("127.0.0.1", int(endpoints["lmtp"]["port"]))
        self._caldav = str(endpoints["caldav"]["url"]).rstrip("/")

    def append(self) -> None:
        """A mail is put into the mailbox by a mail program."""
        answer, _ = self._imap.append("INBOX", "", imaplib.Time2Internaldate(time.time()), mail(self._next()))
        assert answer == "OK"

    def deliver(self) -> None:
        """A mail comes."""
        self._lmtp.sendmail("a@far.example", [f"{self._login}@bench.example"], mail(self._next()))

    def put(self) -> None:
        """An event is put into the calendar by a calendar program."""
        pair = b64encode(f"{self._login}:{self._password}".encode()).decode()
        number = self._next()
        address = f"{self._caldav}/dav/{self._login}/private/events/{number}.ics"
        headers = {"Authorization": f"Basic {pair}", "Content-Type": "text/calendar"}
        with urllib.request.urlopen(urllib.request.Request(address, event(number), headers, method="PUT")) as answer:
            assert answer.status == 201

    def _next(self) -> int:
        self._number += 1
        return self._number


async def woken_ms(phone: Phone, change: Callable[[], None]) -> float:
    """Median of the milliseconds from the sending of a change to the phone's answer."""
    loop, times = asyncio.get_running_loop(), []
    phone.close()  # it may have been idle for longer than the server keeps a connection
    for _ in range(WAKES):
        await phone.sync()
        await phone.wait()
        await asyncio.sleep(0.1)
        begun = time.perf_counter()
        changed = loop.run_in_executor(None, change)
        found = await phone.answer()
        times.append((time.perf_counter() - begun) * 1000)
        assert found is not None
        assert found.text_of(Ping.Status) == "2", found
        await changed
    return statistics.median(times)


def pss_mib(pids: tuple[int, ...]) -> float:
    """Proportional memory of the processes and all of their children."""
    total = 0
    for pid in tree(pids):  # type: ignore[no-untyped-call]
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            total += int(line.split()[1]) if line.startswith("Pss:") else 0
    return total / 1024


async def all_of(work: list[Callable[[], Awaitable[None]]]) -> None:
    """Do everything, 16 at a time."""
    some = asyncio.Semaphore(16)

    async def one(what: Callable[[], Awaitable[None]]) -> None:
        async with some:
            await what()

    await asyncio.gather(*(one(what) for what in work))


async def rows(endpoints: dict[str, dict[str, Any]], devices: int) -> list[dict[str, Any]]:
    """Measure; each row with what is wanted."""
    found: list[dict[str, Any]] = []

    def add(row: str, value: float, unit: str, wanted: str) -> None:
        found.append({"row": row, "value": value, "unit": unit, "wanted": wanted})
        print(f"{row:60} {value:10.2f} {unit:6} wanted {wanted}", flush=True)

    port, pids = int(urlsplit(endpoints["activesync"]["url"]).port or 0), (int(endpoints["activesync"]["pid"]),)
    async with AsyncExitStack() as stack:
        phone = Phone(port, "p0", 99_999)
        stack.callback(phone.close)
        await phone.begin()
        desk = Desk(endpoints, "p0")
        ways = (("an APPEND by IMAP", desk.append), ("a PUT by CalDAV", desk.put), ("a delivery by LMTP", desk.deliver))
        for name, change in ways:
            add(f"{name} reaches a phone in Ping (median)", await woken_ms(phone, change), "ms", "<= 50")
        phones = [Phone(port, f"p{1 + number // PER_ACCOUNT}", number) for number in range(devices)]
        for one in phones:
            stack.callback(one.close)
        await all_of([one.begin for one in phones])
        await asyncio.sleep(5)
        before = pss_mib(pids)
        await all_of([one.wait for one in phones])
        await asyncio.sleep(20)
        after = pss_mib(pids)
        add(f"memory with {devices:,} phones waiting", after, "MiB", "< 400")
        add("of it for each phone", (after - before) * 1024 / devices, "KiB", "< 50")
        spent = cpu_ns(pids)
        await asyncio.sleep(QUIET_S)
        add("processor time while nothing happens", (cpu_ns(pids) - spent) / 1e7 / QUIET_S, "%", "about 0")
        for name, change in ways:
            add(f"{name}, {devices:,} others waiting (median)", await woken_ms(phone, change), "ms", "<= 50")
    return found


def furnish(folder: Path, accounts: int) -> None:
    """A desk with some accounts, as an operator makes it."""
    command = program("escritoire")
    quiet: dict[str, Any] = {"check": True, "stdout": subprocess.DEVNULL}
    subprocess.run(
        [command, "init", "--data", folder, "--domain", "bench.example", "--port-base", str(free_base())], **quiet
    )
    for number in range(accounts):
        given = f"secret-of-p{number}\n".encode()
        subprocess.run(
            [command, "--data", folder, "user", "add", f"p{number}", "--password-stdin"], input=given, **quiet
        )


def table(found: list[dict[str, Any]]) -> Iterator[str]:
    """The rows in Markdown."""
    yield "| row | measured | wanted |"
    yield "|---|---|---|"
    for one in found:
        yield f"| {one['row']} | {one['value']:,.2f} {one['unit']} | {one['wanted']} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--no-store", action="store_true", help="print only")
    parser.add_argument("--quick", action="store_true", help="a tenth of the devices")
    arguments = parser.parse_args()
    devices = DEVICES // 10 if arguments.quick else DEVICES
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "desk"
        furnish(folder, 1 + devices // PER_ACCOUNT)
        with serving(folder, ("activesync", "caldav", "imap", "smtp")) as endpoints:
            found = asyncio.run(rows(endpoints, devices))
    if not arguments.no_store and not arguments.quick:
        stem = RESULTS / f"waiting-{date.today()}"
        stem.with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n")
        stem.with_suffix(".md").write_text("\n".join(table(found)) + "\n")


if __name__ == "__main__":
    main()
