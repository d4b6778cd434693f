"""Many at one account's mail at once: no mail is lost or doubled, and who follows the changes sees what there is (SYS-07)."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from storage import check
from storage.errors import Busy, Exists, Fixed, NotFound
from storage.mail import appending, delivery, flagging, mailboxes, moving, reading
from storage.mail.recipients import Recipient
from storage.mail.tables import contents, messages
from storage.store import Store, Transaction
from storage.types import SITE, Actor, CollectionId
from tests.storage.mail.mails import mail

pytestmark = pytest.mark.slow

SECONDS = 3.0
THREADS = 5
ALLOWED = {Busy}
"""Whom a deadlock ended is to try again."""
NAMES = ("INBOX", "Trash", "Sent Items", "a", "b", "a/x", "a/x/y", "b/z")
WORDS = ("\\Seen", "\\Flagged", *(f"word{number}" for number in range(40)))


class Busybody(threading.Thread):
    """Does this and that until the time is over, and keeps account of the mails that came and went."""

    def __init__(self, store: Store, me: Actor, number: int, until: float) -> None:
        super().__init__()
        self.came: list[str] = []
        self.gone: list[str] = []
        self.errors: list[Exception] = []
        self._store, self._me, self._number, self._until = store, me, number, until
        self._random = random.Random(number)
        self._made = 0

    def run(self) -> None:
        kinds: list[Callable[[], None]] = [self._deliver, self._append, self._flag, self._move, self._move]
        kinds += [self._remove, self._lists]
        while time.time() < self._until:
            try:
                self._random.choice(kinds)()
            except (NotFound, Exists, Fixed):
                pass  # somebody else was quicker
            except Exception as error:
                self.errors.append(error)

    def _mail(self) -> tuple[str, appending.Prepared]:
        self._made += 1
        name = f"{self._number}.{self._made}@x"
        thread = f"{self._random.randrange(20)}@thread"
        return name, appending.prepare(self._store, mail(message_id=name, references=f"{thread} {self._made}@both"))

    def _any(self) -> str:
        return self._random.choice(NAMES)

    def _deliver(self) -> None:
        name, prepared = self._mail()
        to = Recipient(self._me.id, self._me.login, f"{self._me.login}@example.test", "en")
        delivery.deliver(self._store, prepared, to, spam=self._random.random() < 0.2)
        self.came.append(name)

    def _append(self) -> None:
        name, prepared = self._mail()
        with self._store.write(self._me) as tx:
            appending.append(tx, mailboxes.find(tx, self._any()), prepared, flags=self._random.choice(WORDS))
        self.came.append(name)

    def _some(self, tx: Transaction, number: CollectionId) -> list[int]:
        there = [state.uid for state in reading.snapshot(tx, number).states]
        return self._random.sample(there, min(5, len(there)))

    def _flag(self) -> None:
        with self._store.write(self._me) as tx:
            box = mailboxes.find(tx, self._any())
            flagging.set_flags(tx, box, self._some(tx, box.id), "add", self._random.choice(WORDS))

    def _move(self) -> None:
        with self._store.read(self._me) as tx:
            source = mailboxes.find(tx, self._any()).id
            uids = self._some(tx, source)
        with self._store.write(self._me) as tx:
            target = mailboxes.find(tx, self._any(), beside=source)
            moving.move(tx, mailboxes.by_id(tx, source), uids, target)

    def _remove(self) -> None:
        with self._store.write(self._me) as tx:
            box = mailboxes.find(tx, "Trash")
            named = dict(tx.db.execute(_NAMES.where(messages.c.collection_id == box.id)).all())
            gone = [named[uid] for uid in moving.remove(tx, box, self._some(tx, box.id))]
        self.gone += gone

    def _lists(self) -> None:
        name, other = self._any(), self._any()
        with self._store.write(self._me) as tx:
            match self._random.randrange(5):
                case 0:
                    mailboxes.delete(tx, name)
                case 1:
                    mailboxes.rename(tx, name, other)
                case _:
                    mailboxes.create(tx, name)


_NAMES = sa.select(messages.c.uid, contents.c.message_id).join(contents, contents.c.id == messages.c.content_id)


class Follower:
    """Knows each mailbox by what it was told of it, step by step."""

    def __init__(self, store: Store, me: Actor) -> None:
        self._store, self._me = store, me
        self.seen: dict[CollectionId, tuple[int, dict[int, str]]] = {}

    def step(self) -> None:
        with self._store.read(self._me) as tx:
            before, self.seen = self.seen, {}
            for box in mailboxes.every(tx):
                number, known = before.get(box.id, (0, {}))
                found = reading.changes(tx, box.id, number)
                assert found.modseq >= number
                known.update((state.uid, state.flags) for state in found.states)
                for uid in found.vanished:
                    known.pop(uid, None)
                self.seen[box.id] = found.modseq, known


def test_many_at_one_account(store: Store, alice: Actor) -> None:
    until = time.time() + SECONDS
    many = [Busybody(store, alice, number, until) for number in range(THREADS)]
    follower = Follower(store, alice)
    for one in many:
        one.start()
    while time.time() < until:
        follower.step()
        time.sleep(0.01)
    for one in many:
        one.join()
    follower.step()
    assert {type(error) for one in many for error in one.errors} <= ALLOWED
    with store.read(alice) as tx:
        for box in mailboxes.every(tx):
            told = {state.uid: state.flags for state in reading.snapshot(tx, box.id).states}
            assert follower.seen[box.id] == (box.modseq, told)
            words = {word for text in told.values() for word in text.split() if word[0] != "\\"}
            assert words <= set(box.keywords.split())
        there = Counter(name for _, name in tx.db.execute(_NAMES))
    gone = Counter(name for one in many for name in one.gone)
    assert there + gone == Counter(name for one in many for name in one.came)
    with store.read(SITE) as tx:
        assert check.run(tx) == []
