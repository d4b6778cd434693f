"""What moving mails teaches the spam filter: once, after the move, and nothing by itself (MSG-47)."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import sqlalchemy as sa

from storage.mail import appending, delivery, learning, mailboxes, moving, recipients
from storage.mail.learning import Lesson, Outcome
from storage.mail.tables import lessons
from storage.store import Limits, Store
from storage.types import SITE, Actor
from tests.storage import desk
from tests.storage.mail.mails import mail, put, uids


@pytest.fixture
def store(url: str, tmp_path: Path) -> Iterator[Store]:
    """A desk with a filter that learns."""
    opened = Store.open(url, tmp_path / "blobs", limits=Limits(spam_learning=True))
    desk.furnish(opened)
    yield opened
    opened.close()


class Filter:
    """The outside: says what it is told to say, and keeps what it was taught."""

    def __init__(self, *says: Outcome) -> None:
        self.says = list(says)
        self.heard: list[tuple[bool, bytes]] = []

    def __call__(self, lesson: Lesson) -> Outcome:
        self.heard.append((lesson.spam, lesson.data))
        return self.says.pop(0) if self.says else Outcome.TAUGHT


def taught(store: Store) -> list[bool]:
    """Hand over all that is due; what was said of the mails."""
    heard = Filter()
    learning.run(store, heard)
    return [spam for spam, _ in heard.heard]


def transfer(store: Store, actor: Actor, source: str, target: str, *, copy: bool = False) -> None:
    """Move or copy all that is in a mailbox."""
    with store.write(actor) as tx:
        boxes = mailboxes.find(tx, source), mailboxes.find(tx, target)
        found = uids(store, actor, source)
        (moving.copy if copy else moving.move)(tx, boxes[0], found, boxes[1])


def make_due(store: Store) -> None:
    with store.write(SITE) as tx:
        tx.db.execute(sa.update(lessons).where(lessons.c.due.is_not(None)).values(due=tx.now - 1))


@pytest.mark.parametrize(
    ("source", "target", "said"),
    [
        ("INBOX", "Spam?", [True]),
        ("Trash", "Spam?", [True]),
        ("Spam?", "INBOX", [False]),
        ("Spam?", "Friends", [False]),
        ("Spam?", "Trash", []),
        ("Spam?", "Trash/Old", []),
        ("Spam?", "Spam?", []),
        ("INBOX", "Trash", []),
        ("INBOX", "Friends", []),
    ],
)
@pytest.mark.parametrize("copy", [False, True])
def test_what_a_move_says(store: Store, alice: Actor, source: str, target: str, said: list[bool], copy: bool) -> None:
    with store.write(alice) as tx:
        for name in {"Friends", "Trash/Old"}:
            mailboxes.create(tx, name)
    put(store, alice, source, mail())
    transfer(store, alice, source, target, copy=copy)
    assert taught(store) == said


def test_the_filter_gets_the_mail_as_it_came(store: Store, alice: Actor) -> None:
    large = mail("large", text="x" * 78 * 2_000)  # its octets are not in the database
    put(store, alice, "INBOX", mail("one"), large)
    transfer(store, alice, "INBOX", "Spam?")
    heard = Filter()
    assert learning.run(store, heard) == 2
    assert sorted(heard.heard) == sorted([(True, mail("one")), (True, large)])


def test_a_delivery_teaches_nothing(store: Store, alice: Actor) -> None:
    with store.read(SITE) as tx:
        to = recipients.find(tx, "alice@example.test", frozenset({"example.test"}))
    assert to is not None
    delivery.deliver(store, appending.prepare(store, mail()), to, spam=True)
    put(store, alice, "Spam?", mail("by a client"))
    assert learning.waiting(store) == 0


def test_without_a_filter_that_learns_nothing_is_kept(url: str, store: Store, alice: Actor, tmp_path: Path) -> None:
    without = Store.open(url, tmp_path / "blobs")
    put(without, alice, "INBOX", mail())
    transfer(without, alice, "INBOX", "Spam?")
    assert learning.waiting(store) == 0
    without.close()


def test_nothing_is_taught_twice(store: Store, alice: Actor) -> None:
    put(store, alice, "INBOX", mail(), mail())
    transfer(store, alice, "INBOX", "Spam?")
    assert taught(store) == [True], "one content, however many copies"
    put(store, alice, "INBOX", mail())
    transfer(store, alice, "INBOX", "Spam?")
    assert taught(store) == []
    transfer(store, alice, "Spam?", "INBOX")
    assert taught(store) == [False], "its reader changed his mind"


def test_there_and_back_before_it_was_handed_over(store: Store, alice: Actor) -> None:
    """What counts is where it went last; what the filter knows is not said again."""
    put(store, alice, "INBOX", mail())
    transfer(store, alice, "INBOX", "Spam?")
    transfer(store, alice, "Spam?", "INBOX")
    assert taught(store) == [False]
    transfer(store, alice, "INBOX", "Spam?")
    transfer(store, alice, "Spam?", "INBOX")
    assert taught(store) == []


def test_a_move_while_the_filter_learns(store: Store, alice: Actor) -> None:
    put(store, alice, "INBOX", mail())
    transfer(store, alice, "INBOX", "Spam?")

    def learns(lesson: Lesson) -> Outcome:
        if lesson.spam:
            transfer(store, alice, "Spam?", "INBOX")
            assert taught(store) == [], "one at a time, whoever asks"
        return Outcome.TAUGHT

    learning.run(store, learns)
    assert taught(store) == [False]


def test_several_workers_teach_each_mail_once(url: str, store: Store, alice: Actor, tmp_path: Path) -> None:
    count = 23
    put(store, alice, "INBOX", *(mail(f"nr {number}") for number in range(count)))
    transfer(store, alice, "INBOX", "Spam?")
    heard = Filter()

    def work() -> None:
        own = Store.open(url, tmp_path / "blobs")
        while learning.waiting(own):
            learning.run(own, heard)
        own.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(heard.heard) == len(set(heard.heard)) == count


def test_a_move_that_fails_enters_nothing(store: Store, alice: Actor) -> None:
    put(store, alice, "INBOX", mail())
    with suppress(ZeroDivisionError), store.write(alice) as tx:
        moving.move(tx, mailboxes.find(tx, "INBOX"), [1], mailboxes.find(tx, "Spam?"))
        raise ZeroDivisionError
    assert learning.waiting(store) == 0


def test_a_filter_that_is_away_is_asked_again_later(store: Store, alice: Actor) -> None:
    put(store, alice, "INBOX", *(mail(f"nr {number}") for number in range(7)))
    transfer(store, alice, "INBOX", "Spam?")
    away = Filter(Outcome.AGAIN)
    assert learning.run(store, away) == 0
    assert len(away.heard) == 1, "the others would only wait as long"
    assert len(taught(store)) == 6
    assert taught(store) == [], "the first has its time"
    make_due(store)
    assert taught(store) == [True]


def test_it_is_given_up_after_days(store: Store, alice: Actor) -> None:
    put(store, alice, "INBOX", mail())
    transfer(store, alice, "INBOX", "Spam?")
    with store.write(SITE) as tx:
        tx.db.execute(sa.update(lessons).values(created=time.time() - learning.LIFETIME_S))
    learning.run(store, Filter(Outcome.AGAIN))
    assert learning.waiting(store) == 0


def test_what_it_refuses_is_not_asked_again(store: Store, alice: Actor) -> None:
    put(store, alice, "INBOX", mail())
    transfer(store, alice, "INBOX", "Spam?")
    learning.run(store, Filter(Outcome.REFUSED))
    assert learning.waiting(store) == 0


def test_whoever_died_with_a_lesson_loses_it(store: Store, alice: Actor) -> None:
    put(store, alice, "INBOX", mail())
    transfer(store, alice, "INBOX", "Spam?")

    def dies(_: Lesson) -> Outcome:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learning.run(store, dies)
    assert taught(store) == []
    with store.write(SITE) as tx:
        tx.db.execute(sa.update(lessons).values(lease_until=tx.now - 1))
    assert taught(store) == [True]


def test_a_mail_that_is_gone_is_taught_no_more(store: Store, alice: Actor) -> None:
    put(store, alice, "INBOX", mail())
    transfer(store, alice, "INBOX", "Spam?")
    with store.write(alice) as tx:
        moving.remove_all(tx, mailboxes.find(tx, "Spam?"))
    assert learning.waiting(store) == 0
    assert taught(store) == []


def test_large_mails_are_not_taught(store: Store, alice: Actor) -> None:
    put(store, alice, "INBOX", mail(text="x\r\n" * (learning.OCTETS_MAX // 3)))
    transfer(store, alice, "INBOX", "Spam?")
    assert learning.waiting(store) == 0
