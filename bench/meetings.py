"""What meetings, free-busy requests and reminders cost, against a plain PUT in the same run.

    python -m bench.meetings               print and keep the figures
    python -m bench.meetings --no-store    print only

All of it runs in this process through the storage library and the WSGI application, on a new SQLite desk; shown is processor
time, which other programs hardly move. The rows and what is wanted of them are those of the fourth issue.
"""

from __future__ import annotations

import argparse
import gc
import io
import json
import statistics
import tempfile
import time
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from auth import passwords
from bench.dav import RESULTS
from servers.caldav.app import PROTOCOL
from servers.dav import application
from servers.dav.settings import DavSettings
from storage import accounts, calendar, collections, groups, items, reminders
from storage.scheduling import later
from storage.store import Store
from storage.types import SITE, Actor, SpaceKind

PEOPLE = 21
EVENTS = 5_000
DUE = 10_000
FIRST = datetime(2025, 6, 1, tzinfo=UTC)


def event(uid: str, attendees: int, *, start: datetime = FIRST, more: str = "") -> bytes:
    """Give an event of an hour, organized by the first person if anybody is invited."""
    people = "".join(
        f"ATTENDEE;CN=Person {n};PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:p{n}@bench.example\r\n" for n in range(1, attendees + 1)
    )
    head = "ORGANIZER;CN=Person 0:mailto:p0@bench.example\r\n" if attendees else ""
    return (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Escritoire//meetings//EN\r\nBEGIN:VEVENT\r\n"
        f"UID:{uid}\r\nDTSTAMP:20250101T000000Z\r\nDTSTART:{start:%Y%m%dT%H%M%SZ}\r\n"
        f"DTEND:{start + timedelta(hours=1):%Y%m%dT%H%M%SZ}\r\nSUMMARY:Meeting {uid}\r\nLOCATION:Room 7\r\n{head}{people}{more}"
        "END:VEVENT\r\nEND:VCALENDAR\r\n"
    ).encode()


class Desk:
    """A new desk whose people share a group, and its calendar process."""

    def __init__(self, folder: Path) -> None:
        self.store = Store.open(f"sqlite:///{folder}/desk.sqlite3", folder / "blobs")
        self.store.migrate()
        hashed = passwords.make_hash("secret")
        with self.store.write(SITE) as tx:
            self.people = [
                accounts.create(tx, f"p{n}", hashed, email=f"p{n}@bench.example", display_name=f"Person {n}") for n in range(PEOPLE)
            ]
            team = groups.create(tx, "TEAM", admin=self.people[0])
            for one in self.people[1:]:
                groups.add_member(tx, team, one)
        self.app = application.make(self.store, PROTOCOL, DavSettings())

    def request(self, method: str, path: str, body: bytes) -> bytes:
        """One request by the first person."""
        sent: dict[str, Any] = {
            "REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": "", "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1", "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(body), "HTTP_HOST": "bench",
            "CONTENT_LENGTH": str(len(body)), "CONTENT_TYPE": "text/calendar",
            "HTTP_AUTHORIZATION": "Basic " + b64encode(b"p0:secret").decode(),
        }  # fmt: skip
        got: list[str] = []
        answer = b"".join(self.app(sent, lambda status, headers, *_: got.append(status)))
        assert got[0][0] == "2", (got, answer[:500])
        return answer

    def fill(self, person: int, bodies: list[bytes]) -> None:
        """Put events into somebody's calendar."""
        who = self.people[person]
        for begin in range(0, len(bodies), 500):
            with self.store.write(Actor(who.id, who.name)) as tx:
                home = collections.find(tx, SpaceKind.PRIVATE, who.name, "events")
                for number, body in enumerate(bodies[begin : begin + 500], begin):
                    items.put(tx, home, f"f{number}.ics", calendar.prepare(body))


def cpu_ms(work: Callable[[int], object], turns: int) -> float:
    """The median of some turns."""
    times = []
    for turn in range(turns):
        before = time.process_time()
        work(turn)
        times.append((time.process_time() - before) * 1000)
    return statistics.median(times)


def measure(desk: Desk) -> list[dict[str, Any]]:
    """All rows."""
    home = "/dav/p0/private/events"
    desk.request("PUT", f"{home}/warm.ics", event("warm", PEOPLE - 1))
    later.run(desk.store)
    plain = cpu_ms(lambda n: desk.request("PUT", f"{home}/a{n}.ics", event(f"a{n}", 0)), 60)
    meeting = cpu_ms(lambda n: desk.request("PUT", f"{home}/m{n}.ics", event(f"m{n}", PEOPLE - 1)), 60)
    before = time.process_time()
    tasks = later.run(desk.store)
    afterwards = (time.process_time() - before) * 1000 / max(1, tasks)
    for person in range(1, PEOPLE):
        desk.fill(person, [event(f"b{n}", 0, start=FIRST + timedelta(hours=2 * n)) for n in range(EVENTS)])
    ask = event("fb", PEOPLE - 1).replace(b"VEVENT", b"VFREEBUSY").replace(b"VERSION:2.0", b"VERSION:2.0\r\nMETHOD:REQUEST")
    ask = ask.replace(b"DTEND:20250601T010000Z", b"DTEND:20250701T000000Z")
    gc.collect()
    gc.freeze()  # as every server process does
    busy = cpu_ms(lambda _: desk.request("POST", "/dav/p0/private/outbox/", ask), 20)
    # All fall due at one moment, when they are stored and nothing else is to do.
    soon = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=45)
    alarm = "BEGIN:VALARM\r\nACTION:EMAIL\r\nTRIGGER:-P1D\r\nSUMMARY:x\r\nDESCRIPTION:x\r\nEND:VALARM\r\n"
    desk.fill(0, [event(f"r{n}", 0, start=soon + timedelta(days=1), more=alarm) for n in range(DUE)])
    time.sleep(max(0.0, soon.timestamp() + 1 - time.time()))
    began = time.perf_counter()
    sent = reminders.run(desk.store)
    seconds = time.perf_counter() - began
    return [
        {"row": "PUT of an event, CPU ms", "value": round(plain, 2), "wanted": ""},
        {"row": f"PUT of a meeting with {PEOPLE - 1} attendees here : plain PUT", "value": round(meeting / plain, 1), "wanted": "<= 5"},
        {"row": "what `jobs` does for it a moment later (inboxes), CPU ms", "value": round(afterwards, 2), "wanted": ""},
        {"row": f"free-busy of {PEOPLE - 1} people, a month, {EVENTS} events each, CPU ms", "value": round(busy, 1), "wanted": "<= 30"},
        {"row": f"{DUE} due reminders, {sent} sent, s", "value": round(seconds, 1), "wanted": "<= 60"},
    ]


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.meetings", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--no-store", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(Desk(Path(folder)))
    lines = [f"# Meetings, {date.today()}", "", "SQLite, one process, 2 cores.", "", "| row | measured | wanted |", "|---|---|---|"]
    lines += [f"| {one['row']} | {one['value']} | {one['wanted']} |" for one in rows]
    print("\n".join(lines))
    if not options.no_store:
        (RESULTS / f"meetings-{date.today()}.md").write_text("\n".join(lines) + "\n")
        (RESULTS / f"meetings-{date.today()}.json").write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
