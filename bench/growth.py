"""Work on one item must not grow with the number of items in its collection, nor with the number of accounts.

    python -m bench.growth               100, 1,000 and 10,000 items; 1, 100 and 10,000 accounts
    python -m bench.growth --large       100,000 items as well
    python -m bench.growth --no-store    print only

The desk is filled through the storage library (that is not measured), then every operation runs over HTTP on one connection.
Shown is the server's processor time for each operation, which other programs on the machine hardly move, and the median of
the time on the clock. Events follow each other without a gap, so that a day holds the same number whatever N is.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.dav import RESULTS
from bench.dav_bench import tree
from bench.peers import LOGIN, PASSWORD, free_base, program, serving
from storage import accounts, calendar, collections, contacts, groups, items
from storage.store import Store
from storage.types import SITE, Actor, SpaceKind

FIRST = datetime(2024, 1, 1, tzinfo=UTC)
BATCH = 500
XML = {"Content-Type": "text/xml; charset=utf-8"}
EVENTS = f"/dav/{LOGIN}/private/events/"
BOOK = f"/dav/{LOGIN}/private/contacts/"


def event(number: int, revision: int = 0) -> bytes:
    """Give an event of an hour; number n begins n hours after the first."""
    start = FIRST + timedelta(hours=number)
    return (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Escritoire//growth//EN\r\nBEGIN:VEVENT\r\n"
        f"UID:g{number}@bench.example\r\nDTSTAMP:20240101T000000Z\r\nDTSTART:{start:%Y%m%dT%H%M%SZ}\r\n"
        f"DTEND:{start + timedelta(hours=1):%Y%m%dT%H%M%SZ}\r\nSUMMARY:Event {number}\r\nLOCATION:Room {number % 17}\r\n"
        f"SEQUENCE:{revision}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    ).encode()


def card(number: int, revision: int = 0) -> bytes:
    """Give a card with a name and an address of its own."""
    return (
        f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:k{number}\r\nFN:Person {number}\r\nN:Person;Number {number};;;\r\n"
        f"EMAIL;TYPE=WORK:person.{number}@example.org\r\nTEL;TYPE=CELL:+49 170 {number:07d}\r\nNOTE:{revision}\r\nEND:VCARD\r\n"
    ).encode()


class Client:
    """One keep-alive connection."""

    def __init__(self, url: str) -> None:
        where = urlsplit(url)
        self.connection = HTTPConnection(where.hostname or "", where.port, timeout=120)
        self.headers = {"Authorization": "Basic " + b64encode(f"{LOGIN}:{PASSWORD}".encode()).decode()}

    def __call__(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        self.connection.request(method, path, body or None, {**self.headers, **(headers or {})})
        reply = self.connection.getresponse()
        return reply.status, reply.read()

    def expect(
        self, status: int, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> bytes:
        """Send, and stop the measurement when the answer is another one."""
        got, answer = self(method, path, body, headers)
        if got != status:
            raise SystemExit(f"{method} {path}: {got} instead of {status}: {answer[:300]!r}")
        return answer


def fill(store: Store, wanted: int, have: int) -> None:
    """Bring the calendar and the address book of the measured account from `have` to `wanted` items."""
    with store.read(SITE) as tx:
        who = Actor(accounts.find(tx, LOGIN).principal.id, LOGIN)
    for start in range(have, wanted, BATCH):
        with store.write(who) as tx:
            events = collections.find(tx, SpaceKind.PRIVATE, LOGIN, "events")
            book = collections.find(tx, SpaceKind.PRIVATE, LOGIN, "contacts")
            for number in range(start, min(start + BATCH, wanted)):
                items.put(tx, events, f"g{number}.ics", calendar.prepare(event(number)))
                items.put(tx, book, f"k{number}.vcf", contacts.prepare(card(number), "text/vcard"))


def populate(store: Store, wanted: int, have: int) -> None:
    """Bring the desk to `wanted` accounts beside the measured one, ten and ten in a group; nine share one with it."""
    for start in range(have, wanted, 10):
        with store.write(SITE) as tx:
            people = [
                accounts.create(tx, f"p{number}", "*", email=f"p{number}@example.test", display_name=f"Person {number}")
                for number in range(start, min(start + 10, wanted))
            ]
            group = groups.create(tx, f"G{start}", admin=people[0])
            for person in people[1:]:
                groups.add_member(tx, group, person)
            if start == 0:
                groups.add_member(tx, group, accounts.find(tx, LOGIN).principal)


def operations(
    caldav: Client, carddav: Client, count: int, chance: random.Random
) -> Iterator[tuple[str, Callable[[int], None]]]:
    """Give each operation on one item (or on a bounded number of them) with its name; the argument is the turn."""

    def pick() -> int:
        return chance.randrange(count)

    yield "GET an event", lambda _: void(caldav.expect(200, "GET", f"{EVENTS}g{pick()}.ics"))
    yield "PUT over an event", put_over(caldav, pick)
    yield (
        "PUT a new event",
        lambda n: void(
            caldav.expect(
                201,
                "PUT",
                f"{EVENTS}new{n}.ics",
                event(-1 - n).replace(b"UID:g", b"UID:n"),
                {"Content-Type": "text/calendar"},
            )
        ),
    )
    yield "DELETE an event", lambda n: void(caldav.expect(204, "DELETE", f"{EVENTS}new{n}.ics"))
    ask = b'<D:propfind xmlns:D="DAV:"><D:prop><D:getetag/><D:getcontentlength/></D:prop></D:propfind>'
    yield (
        "PROPFIND of one event",
        lambda _: void(caldav.expect(207, "PROPFIND", f"{EVENTS}g{pick()}.ics", ask, {**XML, "Depth": "0"})),
    )
    ctag = b'<D:propfind xmlns:D="DAV:" xmlns:S="http://calendarserver.org/ns/"><D:prop><S:getctag/><D:sync-token/></D:prop></D:propfind>'
    yield (
        "PROPFIND of the calendar, depth 0",
        lambda _: void(caldav.expect(207, "PROPFIND", EVENTS, ctag, {**XML, "Depth": "0"})),
    )
    yield "multiget of ten", lambda _: multiget(caldav, chance.sample(range(count), 10))
    yield "query of one day", lambda _: one_day(caldav, count, chance)
    yield "sync after one change", sync_after_one(caldav, pick)
    yield "GET a card", lambda _: void(carddav.expect(200, "GET", f"{BOOK}k{pick()}.vcf"))
    yield "PUT over a card", lambda n: put(carddav, f"{BOOK}k{pick()}.vcf", "text/vcard", card, n)
    yield "query of one address", lambda _: one_address(carddav, pick())
    me = b'<D:propfind xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:current-user-principal/><C:calendar-home-set/><D:group-membership/></D:prop></D:propfind>'
    yield (
        "PROPFIND of the principal",
        lambda _: void(caldav.expect(207, "PROPFIND", f"/dav/principals/accounts/{LOGIN}/", me, {**XML, "Depth": "0"})),
    )
    home = b'<D:propfind xmlns:D="DAV:"><D:prop><D:resourcetype/><D:displayname/><D:current-user-privilege-set/></D:prop></D:propfind>'
    yield (
        "PROPFIND of the home, depth 1",
        lambda _: void(caldav.expect(207, "PROPFIND", f"/dav/{LOGIN}/private/", home, {**XML, "Depth": "1"})),
    )


def void(_: object) -> None:
    return None


def put(client: Client, path: str, media_type: str, body: Callable[[int, int], bytes], revision: int) -> None:
    number = int(re.findall(r"(\d+)\.", path)[-1])
    client.expect(204, "PUT", path, body(number, revision + 1_000), {"Content-Type": media_type})


def put_over(client: Client, pick: Callable[[], int]) -> Callable[[int], None]:
    return lambda n: put(client, f"{EVENTS}g{pick()}.ics", "text/calendar", event, n)


def multiget(client: Client, numbers: list[int]) -> None:
    hrefs = "".join(f"<D:href>{EVENTS}g{n}.ics</D:href>" for n in numbers)
    body = f'<C:calendar-multiget xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/><C:calendar-data/></D:prop>{hrefs}</C:calendar-multiget>'
    answer = client.expect(207, "REPORT", EVENTS, body.encode(), {**XML, "Depth": "1"})
    if answer.count(b"BEGIN:VEVENT") != len(numbers):
        raise SystemExit("multiget: wrong number of events")


def one_day(client: Client, count: int, chance: random.Random) -> None:
    first = chance.randrange(max(1, count - 24))
    start = FIRST + timedelta(hours=first)
    body = (
        '<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/><C:calendar-data/></D:prop><C:filter>'
        f'<C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:time-range start="{start:%Y%m%dT%H%M%SZ}" end="{start + timedelta(hours=24):%Y%m%dT%H%M%SZ}"/>'
        "</C:comp-filter></C:comp-filter></C:filter></C:calendar-query>"
    )
    answer = client.expect(207, "REPORT", EVENTS, body.encode(), {**XML, "Depth": "1"})
    if answer.count(b"BEGIN:VEVENT") != 24:
        raise SystemExit(f"query of one day: {answer.count(b'BEGIN:VEVENT')} events instead of 24")


def sync_after_one(client: Client, pick: Callable[[], int]) -> Callable[[int], None]:
    token = [b""]

    def ask() -> bytes:
        body = (
            b'<D:sync-collection xmlns:D="DAV:"><D:sync-token>'
            + token[0]
            + b"</D:sync-token><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>"
        )
        answer = client.expect(207, "REPORT", EVENTS, body, XML)
        token[0] = re.findall(rb"<[^>]*sync-token[^>]*>([^<]+)<", answer)[-1]
        return answer

    ask()

    def run(turn: int) -> None:
        put(client, f"{EVENTS}g{pick()}.ics", "text/calendar", event, turn + 10_000)
        if ask().count(b"getetag>") < 1:
            raise SystemExit("sync: the change is missing")

    return run


def one_address(client: Client, number: int) -> None:
    body = (
        '<C:addressbook-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><D:prop><D:getetag/><C:address-data/></D:prop><C:filter>'
        f'<C:prop-filter name="EMAIL"><C:text-match match-type="equals">person.{number}@example.org</C:text-match></C:prop-filter></C:filter></C:addressbook-query>'
    )
    answer = client.expect(207, "REPORT", BOOK, body.encode(), {**XML, "Depth": "1"})
    if answer.count(b"BEGIN:VCARD") != 1:
        raise SystemExit("query of one address: wrong answer")


def cpu_ns(pids: tuple[int, ...]) -> int:
    """Give the processor time of the living threads of the processes and all of their children."""
    spent = 0
    for pid in tree(pids):  # type: ignore[no-untyped-call]
        for task in Path(f"/proc/{pid}/task").glob("*/schedstat"):
            with contextlib.suppress(OSError):
                spent += int(task.read_text().split()[0])
    return spent


def measure(folder: Path, count: int, turns: int) -> dict[str, tuple[float, float]]:
    """Serve the desk and give each operation's processor time and its median on the clock, in ms."""
    out: dict[str, tuple[float, float]] = {}
    with serving(folder) as endpoints:
        caldav, carddav = Client(str(endpoints["caldav"]["url"])), Client(str(endpoints["carddav"]["url"]))
        pids = (int(endpoints["caldav"]["pid"]), int(endpoints["carddav"]["pid"]))
        for client in (caldav, carddav):
            for _ in range(30):
                client.expect(207, "PROPFIND", f"/dav/{LOGIN}/private/", b"", {"Depth": "1"})
        for name, operation in operations(caldav, carddav, count, random.Random(5)):
            times, before = [], cpu_ns(pids)
            for turn in range(turns):
                start = time.perf_counter()
                operation(turn)
                times.append(time.perf_counter() - start)
            spent = (cpu_ns(pids) - before) / turns / 1e6
            out[name] = (round(spent, 3), round(statistics.median(times) * 1000, 3))
    return out


def make(folder: Path) -> Store:
    """Make a desk with the measured account, and open its store for filling."""
    command = program("escritoire")
    data = str(folder)
    quiet: dict[str, Any] = {"check": True, "stdout": subprocess.DEVNULL}
    subprocess.run(
        [command, "init", "--data", data, "--domain", "example.test", "--port-base", str(free_base())], **quiet
    )
    subprocess.run(
        [command, "--data", data, "user", "add", LOGIN, "--password-stdin"], input=PASSWORD.encode() + b"\n", **quiet
    )
    return Store.open(f"sqlite:///{data}/desk.sqlite3", folder / "blobs")


def table(title: str, runs: dict[int, dict[str, tuple[float, float]]]) -> str:
    """Render processor time and median side by side, with the factor of the former between the first and the last."""
    sizes = list(runs)
    lines = [
        f"## {title}",
        "",
        "| CPU ms / median ms | " + " | ".join(f"{n:,}" for n in sizes) + " | CPU, last : first |",
        "|---|" + "---|" * (len(sizes) + 1),
    ]
    for name in runs[sizes[0]]:
        values = [runs[n][name] for n in sizes]
        cells = " | ".join(f"{spent:.2f} / {median:.2f}" for spent, median in values)
        lines.append(f"| {name} | {cells} | {values[-1][0] / values[0][0]:.2f} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Parse the switches, measure, print, store."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.growth", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--large", action="store_true", help="100,000 items as well")
    parser.add_argument("--items", help="comma separated sizes instead")
    parser.add_argument("--accounts", help="comma separated numbers of accounts instead")
    parser.add_argument("--turns", type=int, default=150, help="repetitions of each operation")
    parser.add_argument("--directory", help="where the desks are (default: the temporary directory)")
    parser.add_argument("--no-store", action="store_true")
    options = parser.parse_args()
    sizes = (
        [int(n) for n in options.items.split(",")]
        if options.items
        else [100, 1_000, 10_000, *([100_000] if options.large else [])]
    )
    people = [int(n) for n in options.accounts.split(",")] if options.accounts else [1, 100, 10_000]
    by_items: dict[int, dict[str, tuple[float, float]]] = {}
    by_accounts: dict[int, dict[str, tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory(prefix="growth-", dir=options.directory) as place:
        store, have = make(Path(place) / "items"), 0
        for size in sizes:
            print(f"{size} items …", file=sys.stderr, flush=True)
            fill(store, size, have)
            have = size
            by_items[size] = measure(Path(place) / "items", size, options.turns)
        store.close()
        store, have = make(Path(place) / "accounts"), 0
        fill(store, 100, 0)
        for number in people:
            print(f"{number} accounts …", file=sys.stderr, flush=True)
            populate(store, number - 1, have)
            have = max(number - 1, have)
            by_accounts[number] = measure(Path(place) / "accounts", 100, options.turns)
        store.close()
    date = time.strftime("%Y-%m-%d")
    text = (
        f"# Growth, {date}\n\nSQLite, one connection, {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}; {options.turns} repetitions.\n\n"
        + table("Items in the calendar and in the address book", by_items)
        + "\n"
        + table("Accounts of the desk (100 items in the measured one)", by_accounts)
    )
    print(text)
    if not options.no_store:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"growth-{date}.md").write_text(text)
        (RESULTS / f"growth-{date}.json").write_text(
            json.dumps({"date": date, "items": by_items, "accounts": by_accounts}, indent=1) + "\n"
        )


if __name__ == "__main__":
    main()
