"""The index of mails' texts follows the delivery within seconds, and does not get in its way (MSG-46)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from servers.jobs import mail_index
from servers.jobs.mail_index import MailIndex
from storage.mail import indexing, mailboxes, moving, reading, searching
from storage.mail import query as ask
from storage.store import Store
from storage.types import SITE, Actor
from tests.storage import desk
from tests.storage.mail.mails import mail, put


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    one = Store.open(f"sqlite:///{tmp_path}/desk.sqlite3", tmp_path / "blobs")
    one.migrate()
    desk.furnish(one)
    yield one
    one.close()


@pytest.fixture
def alice(store: Store) -> Actor:
    return desk.actor(store, "alice")


def test_what_came_is_indexed_when_no_more_comes(store: Store, alice: Actor) -> None:
    index = MailIndex(store)
    assert index.look() == 0
    put(store, alice, "INBOX", mail("one"), mail("two"))
    assert index.look() == 0  # perhaps more is under way
    put(store, alice, "INBOX", mail("three"))
    assert index.look() == 0
    assert indexing.newest(store) is not None
    assert index.look() == 3
    assert indexing.newest(store) is None
    assert index.look() == 0


def test_an_endless_stream_is_indexed_all_the_same(store: Store, alice: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_000.0]
    monkeypatch.setattr(mail_index.time, "monotonic", lambda: now[0])
    index = MailIndex(store)
    came = 0
    done = 0
    for number in range(int(mail_index.WAIT_S / mail_index.LOOK_S) + 2):
        put(store, alice, "INBOX", mail(f"mail {number}"))
        came += 1
        now[0] += mail_index.LOOK_S
        done = index.look()
        if done:
            break
    assert done == came > 10


def test_what_deletions_leave_is_merged(store: Store, alice: Actor) -> None:
    def segments() -> int:
        with store.read(SITE) as tx:
            return int(tx.raw.execute("SELECT count(DISTINCT segid) FROM message_search_idx").fetchone()[0])

    index = MailIndex(store)
    for number in range(12):  # fewer than FTS5 merges by itself
        put(store, alice, "INBOX", mail(f"number {number} is as long as it needs to be"))
        assert indexing.run(store) == 1
    indexing.Tidy(store).run()
    few = segments()
    for uid in range(1, 9):
        with store.write(alice) as tx:
            moving.remove(tx, mailboxes.find(tx, "INBOX"), [uid])
    assert segments() >= few + 8
    assert index.look() == 0
    assert segments() <= few + 3
    with store.write(SITE) as tx:
        tx.raw.execute("INSERT INTO message_search(message_search) VALUES ('integrity-check')")


@pytest.mark.slow
def test_a_long_mail_is_a_step_of_its_own(store: Store, alice: Actor) -> None:
    texts = ("long " * 30_000, "short ", "long " * 10_000, "longer " * 10_000)
    put(store, alice, "INBOX", *(mail(str(number), text=f"{text}\r\n") for number, text in enumerate(texts)))
    assert indexing.run(store) == 4
    with store.read(alice) as tx:
        box = mailboxes.find(tx, "INBOX")
        states = reading.snapshot(tx, box.id).states
        assert searching.search(tx, box.id, states, ask.Body("longer longer")) == [4]


def test_a_look_has_an_end_and_the_next_goes_on(store: Store, alice: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    put(store, alice, "INBOX", *(mail(str(number)) for number in range(35)))
    index = MailIndex(store)
    assert index.look() == 0
    monkeypatch.setattr(mail_index, "MOST_S", -1.0)
    assert index.look() == 0
    monkeypatch.setattr(mail_index, "MOST_S", 60.0)
    assert index.look() == 35
