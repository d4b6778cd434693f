"""What phones cost: first synchronisations, and a request that finds nothing new.

    python -m bench.activesync               print and keep the figures
    python -m bench.activesync --no-store    print only
    python -m bench.activesync --quick       a tenth of everything

All of it runs in this process through the ASGI callable, on a new SQLite desk; shown is processor time, which other programs
hardly move. The rows and what is wanted of them are those of the fifth issue; SOGo 5.8 on the same kind of machine gave 58 mails,
1,554 contacts and 1,063 events a second, and 80 ms for 20 folders.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import multiprocessing
import tempfile
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from auth import authenticate, passwords
from bench.dav import RESULTS
from servers.activesync import app, application
from servers.activesync.call import EasSettings
from servers.activesync.wbxml.decoder import decode
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.encoder import encode
from servers.activesync.wbxml.pages import AirSync, AirSyncBase, FolderHierarchy
from storage import accounts, items, kinds
from storage import collections as tree
from storage.mail import appending, mailboxes
from storage.mail.routing import Site
from storage.store import Store
from storage.types import SITE, Actor, SpaceKind

MAILS, CONTACTS, EVENTS, FOLDERS = 10_000, 5_000, 5_000, 100
WINDOW = 100
FIRST = datetime(2026, 1, 5, 8, tzinfo=UTC)


class Phone:
    """One device of the account `p`, over the ASGI callable."""

    def __init__(self, store: Store) -> None:
        settings = EasSettings(site=Site("bench.example", ("bench.example",), {}))

        def verify(store: Store, login: str, password: str, address: str) -> Actor:
            return authenticate.verify(store, login, password, address=address, protocol="activesync")

        self._app = application.make(store, settings, verify)
        self._keys: dict[str, str] = {}
        self.folders: dict[int, list[str]] = {}

    def post(self, command: str, body: Element) -> Element | None:
        """Send a command; its answer."""
        octets = self.send(command, encode(body))
        return decode(octets) if octets else None

    def send(self, command: str, body: bytes) -> bytes:
        """Send a command's octets; the answer's."""
        return asyncio.run(self._send(f"Cmd={command}&User=p&DeviceId=BENCH&DeviceType=Bench", body))

    async def _send(self, query: str, data: bytes) -> bytes:
        pair = b64encode(b"p:secret-of-p").decode()
        fields = {"authorization": f"Basic {pair}", "ms-asprotocolversion": "14.1", "content-length": str(len(data))}
        scope = {
            "type": "http", "method": "POST", "path": "/Microsoft-Server-ActiveSync", "query_string": query.encode(),
            "scheme": "http", "client": ("127.0.0.1", 1),
            "headers": [(name.encode(), value.encode()) for name, value in fields.items()],
        }  # fmt: skip
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": data, "more_body": False}

        async def take(message: Any) -> None:
            sent.append(message)

        await self._app(scope, receive, take)
        assert sent[0]["status"] == 200, sent[0]
        return b"".join(one.get("body", b"") for one in sent[1:])

    def folder_sync(self) -> None:
        """Learn the folders, by their type."""
        answer = self.post("FolderSync", FolderHierarchy.FolderSync(FolderHierarchy.SyncKey("0")))
        changes = None if answer is None else answer.find(FolderHierarchy.Changes)
        assert changes is not None
        for one in changes.all(FolderHierarchy.Add):
            kind = int(one.text_of(FolderHierarchy.Type) or 0)
            self.folders.setdefault(kind, []).append(one.text_of(FolderHierarchy.ServerId) or "")

    def collection(self, folder: str) -> Element:
        """A Collection that asks for what changed."""
        key = self._keys.get(folder, "0")
        wanted = AirSyncBase.BodyPreference(AirSyncBase.Type(2), AirSyncBase.TruncationSize(32_768))
        options = AirSync.Options(AirSync.FilterType(0), wanted)
        return AirSync.Collection(
            AirSync.SyncKey(key), AirSync.CollectionId(folder), AirSync.WindowSize(WINDOW), options
        )

    def sync(self, *folders: str) -> int:
        """Synchronise folders until nothing is left; how many items came."""
        came = 0
        while folders:
            answer = self.post("Sync", AirSync.Sync(AirSync.Collections(*(self.collection(one) for one in folders))))
            if answer is None:
                return came
            collections = answer.find(AirSync.Collections)
            assert collections is not None
            left: list[str] = []
            for one in collections.all(AirSync.Collection):
                folder = one.text_of(AirSync.CollectionId) or ""
                fresh = self._keys.get(folder, "0") == "0"
                assert one.text_of(AirSync.Status) == "1"
                self._keys[folder] = one.text_of(AirSync.SyncKey) or ""
                commands = one.find(AirSync.Commands)
                came += 0 if commands is None else len(commands.children)
                if fresh or AirSync.MoreAvailable in one:
                    left.append(folder)
            folders = tuple(left)
        return came


def opened(folder: Path) -> Store:
    """The store of the desk that is measured."""
    return Store.open(f"sqlite:///{folder}/desk.sqlite3", folder / "blobs")


def furnish(folder: Path, part: int) -> None:
    """Make the desk and fill the account with what is measured, a `part`-th of it."""
    store = opened(folder)
    store.migrate()
    with store.write(SITE) as tx:
        number = accounts.create(tx, "p", passwords.make_hash("secret-of-p"), email="p@bench.example").id
    actor = Actor(number, "p")
    prepared = [appending.New(appending.prepare(store, mail(one)), "", 1_700_000_000 + one) for one in range(MAILS // part)]
    with store.write(actor) as tx:
        appending.append_many(tx, mailboxes.find(tx, "INBOX"), prepared)
        for one in range(FOLDERS):
            mailboxes.create(tx, f"Folder {one:03}")
    for name, count, make, kind in (
        ("contacts", CONTACTS, card, kinds.CARDS), ("events", EVENTS, event, kinds.EVENTS),
    ):  # fmt: skip
        ready = [kind.prepare(make(one), "text/vcard" if name == "contacts" else "text/calendar") for one in range(count // part)]
        with store.write(actor) as tx:
            held = tree.find(tx, SpaceKind.PRIVATE, "p", name)
            for one, body in enumerate(ready):
                items.put(tx, held, f"{one}.x", body)
    store.close()


def mail(number: int) -> bytes:
    """A mail with two texts."""
    text = f"Mail {number}, as they are written every day: " + "some words and some more. " * 20
    return (
        f"From: Person {number % 50} <p{number % 50}@far.example>\r\nTo: p@bench.example\r\nSubject: Mail {number}\r\n"
        f"Message-ID: <{number}@far.example>\r\nDate: Mon, 05 Jan 2026 08:00:00 +0000\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/alternative; boundary="b"\r\n\r\n'
        f"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
        f"--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html><body><p>{text}</p></body></html>\r\n--b--\r\n"
    ).encode()


def card(number: int) -> bytes:
    """A contact."""
    return (
        f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:c{number}\r\nFN:First{number} Last{number}\r\nN:Last{number};First{number};;;\r\n"
        f"ORG:Company {number % 100}\r\nTEL;TYPE=CELL:+49 170 {number}\r\nTEL;TYPE=WORK:+49 30 {number}\r\n"
        f"EMAIL;TYPE=INTERNET:c{number}@far.example\r\nADR;TYPE=HOME:;;Street {number};City;;12345;Country\r\n"
        f"BDAY:1980-05-{number % 28 + 1:02}\r\nEND:VCARD\r\n"
    ).encode()


def event(number: int) -> bytes:
    """An event of an hour in Berlin, every fourth one a series."""
    start = FIRST + timedelta(hours=number % 8, days=number // 8 % 700)
    rule = "RRULE:FREQ=WEEKLY;COUNT=10\r\n" if number % 4 == 0 else ""
    return (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//bench//EN\r\nBEGIN:VEVENT\r\n"
        f"UID:e{number}\r\nDTSTAMP:20260101T000000Z\r\nDTSTART;TZID=Europe/Berlin:{start:%Y%m%dT%H%M%S}\r\n"
        f"DTEND;TZID=Europe/Berlin:{start + timedelta(hours=1):%Y%m%dT%H%M%S}\r\nSUMMARY:Event {number}\r\n"
        f"LOCATION:Room {number % 9}\r\nDESCRIPTION:what there is to say of it\r\n{rule}"
        "BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:x\r\nTRIGGER:-PT15M\r\nEND:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    ).encode()


def spent(work: Callable[[], int]) -> tuple[float, int]:
    """Processor seconds of some work, and what it gives."""
    begun = time.process_time()
    found = work()
    return time.process_time() - begun, found


def as_served() -> None:
    """Let the collector do what it does in the server's process."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*app.COLLECTED)


def without_news(folder: Path, asked: bytes) -> float:
    """Processor seconds of a request that finds nothing new, the least of 40."""
    store = opened(folder)
    phone = Phone(store)
    as_served()
    found = [spent(lambda: len(phone.send("Sync", asked))) for _ in range(40)]
    assert not any(came for _, came in found)
    store.close()
    return min(seconds for seconds, _ in found)


def rows(part: int) -> Iterator[dict[str, Any]]:
    """Measure; each row with what is wanted."""
    with tempfile.TemporaryDirectory() as folder:
        # In processes of their own: the one that is measured has never held all of it, as no server process has.
        apart = multiprocessing.get_context("fork").Process(target=furnish, args=(Path(folder), part))
        apart.start()
        apart.join()
        assert apart.exitcode == 0
        store = opened(Path(folder))
        as_served()
        phone = Phone(store)
        phone.folder_sync()
        for name, kind, wanted in (("mails", 2, 2_000), ("contacts", 9, 3_000), ("events", 8, 2_000)):
            number = phone.folders[kind][0]
            seconds, came = spent(lambda number=number: phone.sync(number))  # type: ignore[misc]
            yield {"row": f"first Sync of {came} {name}", "value": came / seconds, "unit": "items/s", "wanted": f">= {wanted}"}
        every = [one for kind in phone.folders.values() for one in kind][:FOLDERS]
        phone.sync(*every)
        asked = encode(AirSync.Sync(AirSync.Collections(*(phone.collection(one) for one in every))))
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as fresh:
            seconds = fresh.submit(without_news, Path(folder), asked).result()
        yield {"row": f"Sync of {len(every)} folders without news", "value": seconds * 1000, "unit": "ms", "wanted": "<= 3"}
        store.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--no-store", action="store_true", help="print only")
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    arguments = parser.parse_args()
    found = []
    for row in rows(10 if arguments.quick else 1):
        print(f"{row['row']:45} {row['value']:10.1f} {row['unit']:8} wanted {row['wanted']}", flush=True)
        found.append(row)
    if not arguments.no_store and not arguments.quick:
        stem = RESULTS / f"activesync-{date.today()}"
        stem.with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n")
        lines = ["| row | measured | wanted |", "|---|---|---|"]
        lines += [f"| {one['row']} | {one['value']:,.1f} {one['unit']} | {one['wanted']} |" for one in found]
        stem.with_suffix(".md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
