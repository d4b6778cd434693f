"""Old mails become a document, whatever else happens to their mailbox meanwhile (MSG-73, MSG-74)."""

from __future__ import annotations

import pytest

from storage.bodies import Body
from storage.mail import archiving, mailboxes
from storage.store import Store
from storage.types import Actor
from tests.storage.mail.mails import mail, put, uids


def test_another_mailbox_that_takes_the_name(store: Store, alice: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what was archived goes to the Trash, and it goes from where it is by then."""
    with store.write(alice) as tx:
        mailboxes.create(tx, "Work")
    put(store, alice, "Work", mail("old"))
    keep = archiving._put

    def meanwhile(store: Store, actor: Actor, body: Body) -> str:
        with store.write(actor) as tx:
            mailboxes.rename(tx, "Work", "Done")
            mailboxes.create(tx, "Work")
        put(store, actor, "Work", mail("new"))
        return keep(store, actor, body)

    monkeypatch.setattr(archiving, "_put", meanwhile)
    made = archiving.run(store, alice, "Work", remove=True)
    assert (made.mails, made.moved) == (1, 1)
    assert [len(uids(store, alice, box)) for box in ("Work", "Done", "Trash")] == [1, 0, 1]
