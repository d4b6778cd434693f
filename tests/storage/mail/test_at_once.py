"""Two programs at one account's mail at the same moment: nothing is lost or forgotten, and nothing breaks (SYS-07)."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from storage.errors import Exists, NotFound
from storage.formats.mail_files import Filed
from storage.mail import appending, flagging, importing, mailboxes, moving, numbers, recent, sending, trash
from storage.mail.tables import contents, sendings, threads, told
from storage.store import Store, Transaction
from storage.types import Actor
from tests.storage.at_once import Other, beside, writing
from tests.storage.mail.mails import flags_of, mail, put


def make(store: Store, alice: Actor, *names: str) -> None:
    with store.write(alice) as tx:
        for name in names:
            mailboxes.create(tx, name)


def names(store: Store, alice: Actor) -> set[str]:
    with store.read(alice) as tx:
        return {one.name for one in mailboxes.every(tx) if not one.system}


def append(tx: Transaction, name: str, data: bytes) -> None:
    appending.append(tx, mailboxes.find(tx, name), appending.prepare(tx.store, data))


def test_one_name_is_made_once(store: Store, alice: Actor) -> None:
    """RFC 9051 §6.3.4: it is an error to create a mailbox that exists, whoever was the first."""
    other = writing(store, alice, lambda tx: mailboxes.create(tx, "Tea"))
    with beside(store, alice, other) as tx:
        mailboxes.create(tx, "Tea")
    assert isinstance(other.error, Exists)


def test_two_below_one_that_is_missing(store: Store, alice: Actor) -> None:
    other = writing(store, alice, lambda tx: mailboxes.create(tx, "Tea/black"))
    with beside(store, alice, other) as tx:
        mailboxes.create(tx, "Tea/green")
    assert other.error is None
    assert names(store, alice) == {"Tea", "Tea/black", "Tea/green"}


def test_below_one_that_goes(store: Store, alice: Actor) -> None:
    make(store, alice, "Tea")
    other = writing(store, alice, lambda tx: mailboxes.create(tx, "Tea/black"))
    with beside(store, alice, other) as tx:
        mailboxes.delete(tx, "Tea")
    assert other.error is None
    assert names(store, alice) == {"Tea", "Tea/black"}


def test_a_mail_in_a_mailbox_that_came_as_those_above_it_go(store: Store, alice: Actor) -> None:
    """What was in a mailbox that is deleted goes to the Trash (MSG-39), and in no case for good."""
    make(store, alice, "Tea/black")
    other = writing(store, alice, lambda tx: mailboxes.delete(tx, "Tea"))
    with beside(store, alice, other) as tx:
        mailboxes.create(tx, "Tea/black/cups")
        append(tx, "Tea/black/cups", mail())
    assert other.error is None
    assert names(store, alice) == set()
    assert len(flags_of(store, alice, "Trash")) == 1


def test_what_came_below_one_that_is_renamed(store: Store, alice: Actor) -> None:
    """RFC 9051 §6.3.6: inferior names are renamed too."""
    make(store, alice, "Tea/black")
    other = writing(store, alice, lambda tx: mailboxes.rename(tx, "Tea", "Drinks"))
    with beside(store, alice, other) as tx:
        mailboxes.create(tx, "Tea/black/cups")
    assert other.error is None
    assert names(store, alice) == {"Drinks", "Drinks/black", "Drinks/black/cups"}


def test_two_subscribe(store: Store, alice: Actor) -> None:
    other = writing(store, alice, lambda tx: mailboxes.subscribe(tx, "Tea", True))
    with beside(store, alice, other) as tx:
        mailboxes.subscribe(tx, "Tea", True)
    assert other.error is None


@pytest.mark.parametrize("second", [mail("Re: Tea", message_id="a@x"), mail("Re: Tea", references="a@x")])
def test_one_thread_in_two_mailboxes(store: Store, alice: Actor, second: bytes) -> None:
    """A mail to oneself comes into INBOX as the copy of it comes into Sent Items; one thread, too (RFC 8474 §5.2)."""
    other = writing(store, alice, lambda tx: append(tx, "Sent Items", second))
    with beside(store, alice, other) as tx:
        append(tx, "INBOX", mail(message_id="a@x"))
    assert other.error is None
    with store.read(alice) as tx:
        assert len(set(tx.db.execute(sa.select(contents.c.thread)).scalars())) == 1


def test_who_joins_a_thread_brings_its_own_ids_along(store: Store, alice: Actor) -> None:
    second = mail("Re: Tea", message_id="0@x", references="a@x z@x")
    other = writing(store, alice, lambda tx: append(tx, "Sent Items", second))
    with beside(store, alice, other) as tx:
        append(tx, "INBOX", mail(message_id="a@x"))
    assert other.error is None
    with store.read(alice) as tx:
        assert len(set(tx.db.execute(sa.select(threads.c.thread)).scalars())) == 1


def test_the_first_two_mails_of_a_day(store: Store, alice: Actor) -> None:
    """Both are counted, and both go (SMTP-05)."""
    other = writing(store, alice, sending.count)
    with beside(store, alice, other) as tx:
        sending.count(tx)
    assert other.error is None
    with store.read(alice) as tx:
        assert tx.db.execute(sa.select(sendings.c.messages)).scalar_one() == 2


def test_keywords_of_two(store: Store, alice: Actor) -> None:
    """Each is told in FLAGS from then on (RFC 9051 §7.3.5), whichever came second."""
    first, second = put(store, alice, "INBOX", mail("Tea"), mail("Cake"))

    def flag(tx: Transaction, uid: int, word: str) -> None:
        flagging.set_flags(tx, mailboxes.find(tx, "INBOX"), [uid], "add", word)

    other = writing(store, alice, lambda tx: flag(tx, second, "cake"))
    with beside(store, alice, other) as tx:
        flag(tx, first, "tea")
    assert other.error is None
    with store.read(alice) as tx:
        assert mailboxes.find(tx, "INBOX").keywords.split() == ["cake", "tea"]


def test_nobody_who_moves_is_in_the_way_of_another(store: Store, alice: Actor) -> None:
    """Both mailboxes are locked in one order, whichever way the mails go."""
    uids = put(store, alice, "INBOX", mail())
    with store.read(alice) as tx:
        inbox, bin_ = mailboxes.find(tx, "INBOX"), mailboxes.find(tx, "Trash")

    def throw(tx: Transaction) -> None:
        target = mailboxes.find(tx, "Trash", beside=inbox.id)
        moving.move(tx, mailboxes.by_id(tx, inbox.id), uids, target)

    other = writing(store, alice, throw)
    with store.write(alice) as tx:
        numbers.lock(tx, inbox.id)
        other.start()
        numbers.lock(tx, bin_.id)
    other.join()
    assert other.error is None
    assert len(flags_of(store, alice, "Trash")) == 1


def test_what_leaves_the_trash_as_that_is_emptied(store: Store, alice: Actor) -> None:
    """MSG-43: what is in the Trash goes after a week; what was taken out of it stays, and the others are emptied."""
    make(store, alice, "Trash/gone", "Trash/kept")
    for name in ("Trash/gone", "Trash/kept", "Trash"):
        put(store, alice, name, mail())
    other = Other(store, lambda: trash.purge(store, days=-1))
    with store.write(alice) as tx:
        mailboxes.rename(tx, "Trash/kept", "Kept")
        mailboxes.delete(tx, "Trash/gone")
        numbers.lock(tx, mailboxes.find(tx, "Trash").id)
        other.start()
        time.sleep(0.2 if store.engines.sqlite else 0)  # until it has looked for what is due
    other.join()
    assert other.error is None
    assert len(flags_of(store, alice, "Kept")) == 1
    assert flags_of(store, alice, "Trash") == {}


def test_a_mailbox_that_goes_as_its_mark_is_written(store: Store, alice: Actor) -> None:
    """Of the others it is known all the same which messages are recent (RFC 3501 §2.3.2)."""
    make(store, alice, "Tea")
    with store.read(alice) as tx:
        tea, inbox = mailboxes.find(tx, "Tea").id, mailboxes.find(tx, "INBOX").id
    recent.told(store, tea, 7)
    recent.told(store, inbox, 7)
    other = Other(store, lambda: recent.flush(store))
    with beside(store, alice, other) as tx:
        mailboxes.delete(tx, "Tea")
    assert other.error is None
    with store.read(alice) as tx:
        assert tx.db.execute(sa.select(told.c.collection_id, told.c.uid)).all() == [(inbox, 7)]


def test_a_move_into_a_mailbox_that_went(store: Store, alice: Actor) -> None:
    """The mail stays where it was (RFC 6851 §3.3), and whoever moves it hears that there is no such mailbox."""
    make(store, alice, "Tea")
    uids = put(store, alice, "INBOX", mail())
    with store.read(alice) as tx:
        inbox, tea = mailboxes.find(tx, "INBOX"), mailboxes.find(tx, "Tea")
    other = writing(store, alice, lambda tx: moving.move(tx, inbox, uids, tea))
    with beside(store, alice, other) as tx:
        mailboxes.delete(tx, "Tea")
    assert isinstance(other.error, NotFound)
    assert list(flags_of(store, alice, "INBOX")) == uids


def test_a_folder_that_goes_as_mails_are_imported(store: Store, alice: Actor) -> None:
    """It is made anew for those that come after (MSG-70)."""

    def mails() -> Iterator[Filed]:
        for number in range(250):
            if number == 150:
                with store.write(alice) as tx:
                    mailboxes.delete(tx, "Tea")
            yield Filed("Tea", mail(f"{number}", message_id=f"{number}@x"), (), None)

    report = importing.run(store, alice, mails())
    assert (report.added, report.failed, report.stopped) == (250, [], "")
    assert len(flags_of(store, alice, "Trash")) + len(flags_of(store, alice, "Tea")) == 250
