"""kill -9 of the whole server amid 200 uploads and moves of trees: every acknowledged file is whole, `check` finds nothing.

SYS-06, DOC-12, DOC-13: no row without its body, no quota that counts what is not there, no half-moved tree.
"""

from __future__ import annotations

import hashlib
import http.client
import random
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from tests.interop.desk import Desk
from tests.interop.disk import root
from tests.interop.wire import DAV, Wire

KILLS: Final = 4
UPLOADS: Final = 200
WRITERS: Final = 4
HOME: Final = "/docs/alice/private/"
GONE: Final = (http.client.HTTPException, OSError)

pytestmark = pytest.mark.slow


@pytest.fixture
def own_desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk of this test's own with alice, not yet started."""
    it = Desk(tmp_path / "data")
    it.make()
    it.add_user("alice")
    yield it
    if it.process is not None:
        it.kill()


@dataclass(slots=True)
class Ledger:
    """What was acknowledged: file name to digest; what was under way; where the tree is."""

    stored: dict[str, str] = field(default_factory=dict)
    unsure: set[str] = field(default_factory=set)
    places: set[str] = field(default_factory=lambda: {"tree0"})
    lock: threading.Lock = field(default_factory=threading.Lock)


def body_of(number: int) -> bytes:
    """Every third one goes to the blob store."""
    size = 200_000 if number % 3 == 0 else 2_000
    return random.Random(number).randbytes(size)


def upload(desk: Desk, ledger: Ledger, share: int, stop: threading.Event) -> None:
    wire = Wire(root(desk), "alice")
    for number in range(share, UPLOADS, WRITERS):
        name = f"{number}.bin"
        if name in ledger.stored or stop.is_set():
            continue
        body = body_of(number)
        ledger.unsure.add(name)
        try:
            answer = wire("PUT", HOME + name, body)
        except GONE:
            wire.close()
            return
        if answer.status in (201, 204):
            with ledger.lock:
                ledger.unsure.discard(name)
                ledger.stored[name] = hashlib.sha256(body).hexdigest()
    wire.close()


def wander(desk: Desk, ledger: Ledger, stop: threading.Event) -> None:
    """Move the tree to and fro; copies are thrown away."""
    wire = Wire(root(desk), "alice")
    number = 0
    while not stop.is_set():
        (here,) = ledger.places
        there = f"tree{(int(here[4:]) + 1) % 1000}"
        ledger.places = {here, there}
        try:
            assert wire("MOVE", f"{HOME}{here}/", headers={"Destination": f"{HOME}{there}/"}).status == 201
            ledger.places = {there}
            number += 1
            wire("COPY", f"{HOME}{there}/", headers={"Destination": f"{HOME}copy{number}/"})
            wire("DELETE", f"{HOME}copy{number}/")
        except GONE:
            break
    wire.close()


def test_what_was_acknowledged_is_whole(own_desk: Desk) -> None:
    desk, ledger, seed = own_desk, Ledger(), random.Random(7)
    desk.start("webdav")
    wire = Wire(root(desk), "alice")
    for path in ("tree0/", "tree0/inner/"):
        assert wire("MKCOL", HOME + path).status == 201
    for number in range(30):
        assert wire("PUT", f"{HOME}tree0/inner/{number}", body_of(number)).status == 201
    wire.close()
    for _ in range(KILLS):
        stop = threading.Event()
        threads = [threading.Thread(target=upload, args=(desk, ledger, share, stop)) for share in range(WRITERS)]
        threads.append(threading.Thread(target=wander, args=(desk, ledger, stop)))
        for one in threads:
            one.start()
        stop.wait(seed.uniform(0.4, 1.2))
        desk.kill()
        stop.set()
        for one in threads:
            one.join()
        desk.start("webdav")
        settle(desk, ledger)
    stop = threading.Event()
    for share in range(WRITERS):
        upload(desk, ledger, share, stop)
    settle(desk, ledger)
    assert len(ledger.stored) == UPLOADS
    desk.stop()
    assert "the store is consistent" in desk.cli("check")


def settle(desk: Desk, ledger: Ledger) -> None:
    """After a restart: everything acknowledged is whole, the tree is in one place, and complete."""
    wire = Wire(root(desk), "alice")
    for name, digest in ledger.stored.items():
        answer = wire("GET", HOME + name)
        assert answer.status == 200, name
        assert hashlib.sha256(answer.body).hexdigest() == digest, name
    for name in list(ledger.unsure):
        answer = wire("GET", HOME + name)
        assert answer.status in (200, 404)
        if answer.status == 200:
            assert answer.body == body_of(int(name.removesuffix(".bin"))), "half a file"
            ledger.stored[name] = hashlib.sha256(answer.body).hexdigest()
    ledger.unsure.clear()
    found = [place for place in ledger.places if wire.propfind(f"{HOME}{place}/", "<D:getetag/>", "0").status == 207]
    assert len(found) == 1, found
    ledger.places = set(found)
    members = wire.propfind(f"{HOME}{found[0]}/inner/", "<D:getcontentlength/>", "1").responses()
    lengths = {path.rpartition("/")[2]: one.text(f"{DAV}getcontentlength") for path, one in members.items()}
    assert {name: int(size) for name, size in lengths.items() if name} == {
        str(number): len(body_of(number)) for number in range(30)
    }
    wire.close()
