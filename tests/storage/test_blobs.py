"""Large bodies: whole or absent, stored once, collected only when nothing can refer to them (DESIGN §2)."""

from __future__ import annotations

import contextlib
import hashlib
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from storage import blob_collection, check, items
from storage.blobs import BlobStore
from storage.errors import NoRoom, NotFound
from storage.store import Store
from storage.types import SITE, Actor
from tests.storage import desk
from tests.storage.full_disk import no_room


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "blobs")


def _age(blobs: BlobStore, key: str, seconds: float = 200_000) -> None:
    then = time.time() - seconds
    os.utime(blobs.path(key), (then, then))


def test_a_body_lies_under_its_hash_and_is_stored_once(blobs: BlobStore) -> None:
    key = blobs.put(b"body")
    assert key == hashlib.sha256(b"body").hexdigest()
    assert blobs.path(key) == blobs.root / key[:2] / key[2:4] / key
    inode = blobs.path(key).stat().st_ino
    assert blobs.put(b"body") == key
    assert blobs.path(key).stat().st_ino == inode
    assert list(blobs.keys()) == [key]
    assert blobs.read(key) == b"body"
    assert blobs.size(key) == 4
    assert blobs.intact(key)


def test_a_stream_gets_the_same_key(blobs: BlobStore) -> None:
    with blobs.writer() as incoming:
        for piece in (b"bo", b"", b"dy"):
            incoming.write(piece)
    assert (incoming.key, incoming.size) == (blobs.put(b"body"), 4)
    assert list((blobs.root / "tmp").iterdir()) == []


def test_a_broken_stream_leaves_nothing(blobs: BlobStore) -> None:
    def break_off() -> None:
        with blobs.writer() as incoming:
            incoming.write(b"half")
            raise ValueError("gone")

    with pytest.raises(ValueError, match="gone"):
        break_off()
    assert list(blobs.keys()) == []
    assert list((blobs.root / "tmp").iterdir()) == []


@pytest.mark.parametrize("key", ["", "../../etc/passwd", "a" * 63, "A" * 64, "a" * 64 + "\n", "a" * 63 + "/"])
def test_what_is_no_key_leads_nowhere(blobs: BlobStore, key: str) -> None:
    for act in (blobs.path, blobs.open, blobs.read, blobs.size, blobs.remove):
        with pytest.raises(NotFound):
            act(key)


def test_an_absent_body_is_not_found(blobs: BlobStore) -> None:
    with pytest.raises(NotFound):
        blobs.open("0" * 64)
    assert blobs.stored("0" * 64) is None
    assert not blobs.intact("0" * 64)
    assert blobs.remove("0" * 64)


def test_a_file_cut_short_is_replaced_by_the_next_put(blobs: BlobStore) -> None:
    key = blobs.put(b"whole body")
    blobs.path(key).write_bytes(b"whole")
    assert not blobs.intact(key)
    blobs.put(b"whole body")
    assert blobs.intact(key)


def test_putting_what_is_there_makes_it_young_again(blobs: BlobStore) -> None:
    key = blobs.put(b"body")
    _age(blobs, key)
    assert not blobs.remove(blobs.put(b"body"), older_than_s=3600)
    assert blobs.read(key) == b"body"


def test_removal_never_takes_what_a_put_was_promised(blobs: BlobStore) -> None:
    """Every `put` that returned is followed by a readable body, however often a collector runs."""
    key = blobs.put(b"body")
    stop = threading.Event()

    def collector() -> None:
        while not stop.is_set():
            blobs.remove(key, older_than_s=3600)

    thread = threading.Thread(target=collector)
    thread.start()
    try:
        for _ in range(200):
            with contextlib.suppress(FileNotFoundError):
                _age(blobs, key)
            assert blobs.put(b"body") == key
            assert blobs.read(key) == b"body"
    finally:
        stop.set()
        thread.join()


def test_a_killed_writer_leaves_only_what_the_sweep_removes(blobs: BlobStore) -> None:
    program = (
        "import sys, time; from pathlib import Path; from storage.blobs import BlobStore\n"
        "with BlobStore(Path(sys.argv[1])).writer() as w:\n"
        "    w.write(b'x' * 2_000_000); print('written', flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, blobs.root], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"written\n"
        writer.send_signal(signal.SIGKILL)
    assert list(blobs.keys()) == []
    (left,) = (blobs.root / "tmp").iterdir()
    assert blobs.sweep() == 0  # it could still be at work
    os.utime(left, (0, 0))
    assert blobs.sweep() == 1
    assert list((blobs.root / "tmp").iterdir()) == []


def test_only_unreferenced_old_bodies_are_collected(store: Store, alice: Actor) -> None:
    blobs = store.blobs
    with store.write(alice) as tx:
        book = desk.contacts(tx, "alice")
        desk.put(tx, book, "kept.vcf", desk.card("1", note="k" * 70_000))
        desk.put(tx, book, "replaced.vcf", desk.card("2", note="r" * 70_000))
        desk.put(tx, book, "replaced.vcf", desk.card("2", note="small"))
    stray, young = blobs.put(b"stray"), blobs.put(b"young")
    for key in list(blobs.keys()):
        if key != young:
            _age(blobs, key)
    with store.read(alice) as tx:
        assert blob_collection.collect(tx) == 1
        assert blob_collection.missing(tx) == []
    assert blobs.stored(stray) is None
    assert blobs.stored(young) is not None
    assert len(list(blobs.keys())) == 3  # the kept version counts as a reference (SYS-06)
    with store.read(alice) as tx:
        body = items.get(tx, desk.contacts(tx, "alice"), "kept.vcf").body
        assert body is not None
        assert len(body) > 70_000


def test_a_body_put_for_a_transaction_in_flight_stays(store: Store, alice: Actor, bob: Actor) -> None:
    """The collector runs between the put and the commit, on content that was old and unreferenced."""
    body = desk.card("1", note="n" * 70_000)
    _age(store.blobs, store.blobs.put(body))
    done: list[int] = []

    def collector() -> None:
        with store.read(bob) as tx:
            done.append(blob_collection.collect(tx))

    with store.write(alice) as tx:
        desk.put(tx, desk.contacts(tx, "alice"), "a.vcf", body)
        thread = threading.Thread(target=collector)
        thread.start()
        thread.join(30)
    assert done == [0]
    with store.read(alice) as tx:
        assert blob_collection.missing(tx) == []


def _write_until_killed(url: str, root: Path, who: Actor, said: Connection) -> None:
    store = Store.open(url, root)
    for number in range(10_000):
        with store.write(who) as tx:
            body = desk.card(str(number), note=f"{number:06}" * 12_000)
            desk.put(tx, desk.contacts(tx, who.login), f"{number}.vcf", body)
        said.send(number)


@pytest.mark.slow
def test_kill_9_loses_no_acknowledged_body_and_leaks_none(store: Store, url: str, alice: Actor) -> None:
    spawn = multiprocessing.get_context("spawn")
    heard, said = spawn.Pipe(duplex=False)
    writer = spawn.Process(target=_write_until_killed, args=(url, store.blobs.root, alice, said))
    writer.start()
    last = 0
    while last < 20:
        last = heard.recv()
    writer.kill()
    writer.join()
    while heard.poll():
        last = heard.recv()
    with store.write(SITE) as tx:
        assert check.run(tx) == []
    with store.read(alice) as tx:
        present = {row.name for row in items.rows(tx, desk.contacts(tx, "alice"))}
    assert {f"{number}.vcf" for number in range(last + 1)} <= present
    for path in (store.blobs.root / "tmp").iterdir():
        os.utime(path, (0, 0))
    for key in list(store.blobs.keys()):
        _age(store.blobs, key)
    with store.read(SITE) as tx:
        blob_collection.collect(tx)
    assert len(list(store.blobs.keys())) == len(present)
    assert list((store.blobs.root / "tmp").iterdir()) == []


def test_a_full_disk(blobs: BlobStore) -> None:
    """Nothing of it stays, and it is said as what it is: of a whole body by the transaction that it is put in."""
    with no_room(), pytest.raises(OSError, match="File too large"):
        blobs.put(b"x" * 300_000)
    with no_room(), pytest.raises(NoRoom), blobs.writer() as incoming:
        incoming.write(b"x" * 300_000)
    assert os.listdir(blobs.root / "tmp") == []
    assert blobs.read(blobs.put(b"x" * 300_000)) == b"x" * 300_000
