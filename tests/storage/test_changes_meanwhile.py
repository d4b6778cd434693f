"""Others write while somebody is told what changed: all that he is told is of one moment (SYS-07, EAS-04)."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from storage import changes, items
from storage.mail import change_log, mailboxes, moving, reading
from storage.mail.types import Mailbox
from storage.store import Store
from storage.types import Actor
from tests.storage import desk
from tests.storage.mail.mails import mail, put


def test_items(store: Store, alice: Actor) -> None:
    """What came, changed and went after the collection was read has to wait, with its number."""
    with store.write(alice) as tx:
        for name in ("stays", "changes", "goes"):
            desk.put(tx, desk.contacts(tx, "alice"), name, desk.card(name))
    with store.read(alice) as tx:
        before = desk.contacts(tx, "alice")
    with store.write(alice) as tx:
        desk.put(tx, before, "new", desk.card("new"))
        desk.put(tx, before, "changes", desk.card("changes", "Bea"))
        items.delete(tx, before, "goes")
    with store.write(alice) as tx:
        nothing = changes.since(tx, before, before.modseq)
        assert (nothing.items, nothing.removed, nothing.modseq) == ([], (), before.modseq)
        for limit in (1, 2, 10):
            told = changes.since(tx, before, before.modseq, limit=limit)
            assert (told.items, told.removed, told.modseq, told.truncated) == ([], (), before.modseq, False)
        later = changes.since(tx, desk.contacts(tx, "alice"), before.modseq)
        assert {row.name for row in later.items} == {"new", "changes"}
        assert later.removed == ("goes",)


def test_mails(store: Store, alice: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mail that another process removes while the changes are read is told of once, the next time."""
    box = seen(store, alice)
    uids = put(store, alice, "INBOX", mail("Tea"), mail("Cake"))
    until = seen(store, alice).modseq
    look = change_log.since

    def others_remove(*args: Any) -> list[tuple[int, int]]:
        found = look(*args)
        if not others:
            others.append(threading.Thread(target=remove))
            others[0].start()
            others[0].join()
        return found

    def remove() -> None:
        with store.write(alice) as tx:
            moving.remove(tx, mailboxes.find(tx, "INBOX"), uids)

    others: list[threading.Thread] = []
    monkeypatch.setattr(change_log, "since", others_remove)
    # Only PostgreSQL lets others write meanwhile.
    with (store.read if store.engines.sqlite else store.write)(alice) as tx:
        found = reading.changes(tx, box.id, box.modseq)
        assert (found.modseq, found.vanished) == (until, [])
    with store.read(alice) as tx:
        assert reading.changes(tx, box.id, until).vanished == list(uids)


def seen(store: Store, alice: Actor) -> Mailbox:
    with store.read(alice) as tx:
        return mailboxes.find(tx, "INBOX")
