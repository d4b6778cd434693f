"""kill -9 of the whole server amid writes, twenty times, on both engines: what was acknowledged is there, every token leads on.

1,000 acknowledged PUTs for each engine; a twentieth of them overwrites, a twentieth removes, some bodies go to the blob store.
"""

from __future__ import annotations

import http.client
import random
import re
import threading
from dataclasses import dataclass, field
from typing import Final

import pytest

from storage import collections, items
from storage.store import Store
from storage.types import SITE, SpaceKind
from tests.interop import objects
from tests.interop.desk import Desk, calendar
from tests.interop.wire import DAV, Wire

KILLS: Final = 20
PUTS: Final = 1000
WRITERS: Final = 4
LARGE: Final = "DESCRIPTION:" + "x" * 70_000  # beyond 64 KiB: lies in the blob store
GONE: Final = (http.client.HTTPException, OSError)

pytestmark = pytest.mark.slow


@dataclass(slots=True)
class Ledger:
    """What was acknowledged: name -> marker in the body; and what was under way when the line broke."""

    stored: dict[str, str] = field(default_factory=dict)
    unsure: dict[str, set[str | None]] = field(default_factory=dict)
    puts: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def settle(self, found: dict[str, str]) -> None:
        """After a restart: everything acknowledged is there, the rest is one of what it may be."""
        for name, marker in self.stored.items():
            if name not in self.unsure:
                assert found.get(name) == marker, f"{name}: acknowledged {marker}, found {found.get(name)}"
        for name, states in self.unsure.items():
            assert found.get(name) in states, f"{name}: {found.get(name)} is none of {states}"
        known = set(self.stored) | set(self.unsure)
        assert set(found) <= known, f"{sorted(set(found) - known)} were never written"
        self.stored = dict(found)
        self.unsure = {}


@dataclass(slots=True)
class Follower:
    """A client that only synchronises: token and what it believes to be there (name -> ETag)."""

    token: str = ""
    state: dict[str, str] = field(default_factory=dict)

    def copy(self) -> Follower:
        return Follower(self.token, dict(self.state))

    def follow(self, wire: Wire, path: str) -> None:
        """Apply the changes since the token (RFC 6578 §3.2)."""
        answer = wire.sync(path, self.token)
        for href, item in answer.responses().items():
            name = href.removeprefix(path)
            if item.status == 404:
                self.state.pop(name, None)
            elif name:
                self.state[name] = item.text(f"{DAV}getetag")
        self.token = answer.sync_token


def write(root: str, path: str, ledger: Ledger, number: int, turn: int, stop: threading.Event) -> None:
    """Put, overwrite and remove objects of this writer's own until told to stop or the server is gone."""
    wire, chance = Wire(root, "alice"), random.Random(turn * 100 + number)
    mine: list[str] = []
    for n in range(10_000):
        if stop.is_set():
            break
        name, marker = f"r{turn}-w{number}-{n}.ics", f"r{turn}w{number}n{n}"
        removing = bool(mine) and chance.random() < 0.05
        if removing:
            name = mine.pop(chance.randrange(len(mine)))
        elif mine and chance.random() < 0.05:
            name = chance.choice(mine)
        more = (LARGE,) if chance.random() < 0.02 else ()
        try:
            if removing:
                status = wire("DELETE", path + name).status
            else:
                status = wire(
                    "PUT", path + name, objects.event(name[:-4], marker, "20260316T090000Z", "20260316T100000Z", *more)
                ).status
        except GONE:
            with ledger.lock:
                ledger.unsure[name] = {ledger.stored.get(name), None if removing else marker}
            break
        assert status in (201, 204), status
        with ledger.lock:
            if removing:
                del ledger.stored[name]
            else:
                ledger.stored[name] = marker
                ledger.puts += 1
        if not removing and name not in mine:
            mine.append(name)
    wire.close()


def shadow(root: str, path: str, follower: Follower, tokens: list[Follower], stop: threading.Event) -> None:
    """Synchronise without pause during the writing, so that tokens are taken between any two commits."""
    wire = Wire(root, "alice")
    while not stop.is_set():
        try:
            follower.follow(wire, path)
        except GONE:
            break
        if random.random() < 0.05:
            tokens.append(follower.copy())
    wire.close()


def on_server(wire: Wire, path: str) -> tuple[dict[str, str], dict[str, str]]:
    """Give name -> ETag and name -> marker of everything stored, bodies read."""
    body = (
        '<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/><C:calendar-data/></D:prop>'
        '<C:filter><C:comp-filter name="VCALENDAR"/></C:filter></C:calendar-query>'
    )
    found = wire("REPORT", path, body, {"Depth": "1"}).responses()
    etags = {href.removeprefix(path): item.text(f"{DAV}getetag") for href, item in found.items()}
    markers = {}
    for href, item in found.items():
        summary = re.search(r"SUMMARY:(\S+)", item.text("{urn:ietf:params:xml:ns:caldav}calendar-data"))
        assert summary is not None, f"{href} has lost its body"
        markers[href.removeprefix(path)] = summary.group(1)
    return etags, markers


def test_kill_amid_writes(own_desk: Desk) -> None:
    """SYS-06, SYS-07: nothing acknowledged is lost, nothing half done is seen, and no token misses a change."""
    path, ledger, follower, tokens = calendar("alice"), Ledger(), Follower(), [Follower()]
    own_desk.start("caldav")
    for turn in range(KILLS):
        stop, goal = threading.Event(), (turn + 1) * PUTS // KILLS
        threads = [
            threading.Thread(target=write, args=(own_desk.caldav, path, ledger, number, turn, stop))
            for number in range(WRITERS)
        ]
        threads.append(threading.Thread(target=shadow, args=(own_desk.caldav, path, follower, tokens, stop)))
        for thread in threads:
            thread.start()
        while ledger.puts < goal and all(thread.is_alive() for thread in threads[:WRITERS]):
            threads[0].join(0.002)
        assert ledger.puts >= goal, own_desk.log()
        own_desk.kill()
        stop.set()
        for thread in threads:
            thread.join()
        own_desk.start("caldav")
        with Wire(own_desk.caldav, "alice") as wire:
            etags, markers = on_server(wire, path)
            ledger.settle(markers)
            follower.follow(wire, path)
            assert follower.state == etags
        tokens.append(follower.copy())
    assert ledger.puts >= PUTS
    with Wire(own_desk.caldav, "alice") as wire:
        etags, _ = on_server(wire, path)
        for earlier in tokens:
            earlier.follow(wire, path)
            assert earlier.state == etags
    own_desk.stop()
    own_desk.cli("check")  # exit status 0: rows, numbers, index and blobs agree


def test_eight_writers_on_one_collection(own_desk: Desk) -> None:
    """SYS-07: each change takes the next number: none is lost, none is used twice, and a follower misses nothing."""
    path, each = calendar("alice"), 25
    own_desk.start("caldav")
    store = Store.open(own_desk.database_url or f"sqlite:///{own_desk.data}/desk.sqlite3", own_desk.data / "blobs")

    def numbers() -> tuple[int, list[int]]:
        with store.read(SITE) as tx:
            events = collections.find(tx, SpaceKind.PRIVATE, "alice", "events")
            return events.modseq, sorted(row.modseq for row in items.rows(tx, events))

    before, _ = numbers()
    failed: list[str] = []

    def writer(number: int) -> None:
        with Wire(own_desk.caldav, "alice") as wire:
            for n in range(each):
                status = wire("PUT", f"{path}e{number}-{n}.ics", objects.event(f"e{number}-{n}")).status
                if status != 201:
                    failed.append(f"e{number}-{n}: {status}")

    follower, stop = Follower(), threading.Event()
    tokens: list[Follower] = []
    threads = [threading.Thread(target=writer, args=(number,)) for number in range(8)]
    watcher = threading.Thread(target=shadow, args=(own_desk.caldav, path, follower, tokens, stop))
    for thread in [*threads, watcher]:
        thread.start()
    for thread in threads:
        thread.join()
    stop.set()
    watcher.join()
    assert failed == []
    after, taken = numbers()
    store.close()
    assert after == before + 8 * each
    assert taken == list(range(before + 1, before + 8 * each + 1))
    with Wire(own_desk.caldav, "alice") as wire:
        etags, _ = on_server(wire, path)
        for one in [follower, *tokens]:
            one.follow(wire, path)
            assert one.state == etags
