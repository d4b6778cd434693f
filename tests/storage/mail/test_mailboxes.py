"""Mailboxes: the system folders, names, places, renaming, deleting, subscriptions (MSG-36…40, IMAP-05)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage import check
from storage.errors import Exists, Fixed, NotFound, Refused
from storage.mail import mailboxes, names
from storage.store import Store
from storage.types import SITE, Actor
from tests.storage import desk
from tests.storage.mail.mails import mail, put, uids


def listing(store: Store, who: Actor) -> list[str]:
    with store.read(who) as tx:
        return [box.name for box in mailboxes.every(tx)]


def test_every_account_has_the_system_folders(store: Store, alice: Actor) -> None:
    """MSG-36, IMAP-04, IMAP-05: by their wire names, with their uses, subscribed."""
    with store.read(alice) as tx:
        found = mailboxes.every(tx)
        assert mailboxes.subscribed_names(tx) == [box.name for box in found]
    assert [(box.name, box.use) for box in found] == [
        ("INBOX", ""),
        ("Sent Items", "\\Sent"),
        ("Trash", "\\Trash"),
        ("Drafts", "\\Drafts"),
        ("Templates", ""),
        ("Spam?", "\\Junk"),
    ]
    assert all(box.system and box.subscribed and box.exists == 0 for box in found)
    assert len({box.uid_validity for box in found}) == 6


def test_own_folders_follow_by_name(store: Store, alice: Actor) -> None:
    """MSG-37, RFC 9051 §6.3.4: missing parents are made; INBOX in any case; NFC."""
    with store.write(alice) as tx:
        mailboxes.create(tx, "Work/2026/Tax")
        mailboxes.create(tx, "Ärger")
        mailboxes.create(tx, "Trash/old")
        assert mailboxes.find(tx, "A\u0308rger").name == "Ärger"
        assert mailboxes.find(tx, "inbox").name == "INBOX"
        assert mailboxes.find(tx, "Work").has_children
    assert listing(store, alice) == [
        *("INBOX", "Sent Items", "Trash", "Trash/old", "Drafts", "Templates", "Spam?"),
        *("Work", "Work/2026", "Work/2026/Tax", "Ärger"),
    ]


def test_names_that_cannot_be(store: Store, alice: Actor) -> None:
    with store.write(alice) as tx:
        for name in (
            "",
            "/",
            "a//b",
            "/a",
            "a\0",
            "a*",
            "a%b",
            "x" * 256,
            "/".join("abcdefghijklmnopqrstuvwxyz"),
            " a",
        ):
            with pytest.raises(Refused):
                mailboxes.create(tx, name)
        for name in ("INBOX/sub", "inbox/sub", "Sent Items/x", "Spam?/x"):  # MSG-38
            with pytest.raises(Fixed):
                mailboxes.create(tx, name)
        with pytest.raises(Exists):
            mailboxes.create(tx, "Inbox")
        with pytest.raises(NotFound):
            mailboxes.find(tx, "a\0b")


@given(st.text(max_size=40))
def test_any_name_is_cleaned_or_refused(text: str) -> None:
    try:
        found = names.clean(text)
    except names.BadName:
        return
    assert names.clean(found) == found
    found.encode()


def test_nobody_sees_anothers_mail(store: Store, alice: Actor) -> None:
    """MSG-67, SYS-09: not by name, not by number, and not in DAV homes."""
    bob = desk.actor(store, "bob")
    with store.write(alice) as tx:
        made = mailboxes.create(tx, "Secret")
    assert "Secret" not in listing(store, bob)
    with store.read(bob) as tx, pytest.raises(NotFound):
        mailboxes.by_id(tx, made.id)


def test_rename_takes_everything_below_along(store: Store, alice: Actor) -> None:
    """MSG-39, RFC 9051 §6.3.6."""
    with store.write(alice) as tx:
        mailboxes.create(tx, "a/b/c")
        mailboxes.subscribe(tx, "a/b", True)
    put(store, alice, "a/b", mail())
    with store.write(alice) as tx:
        before = mailboxes.find(tx, "a/b")
        mailboxes.rename(tx, "a", "x/y")
    assert listing(store, alice)[6:] == ["x", "x/y", "x/y/b", "x/y/b/c"]
    with store.write(alice) as tx:
        after = mailboxes.find(tx, "x/y/b")
        assert (after.id, after.uid_validity, after.exists, after.subscribed) == (
            before.id,
            before.uid_validity,
            1,
            True,
        )
        assert "a/b" not in mailboxes.subscribed_names(tx)
        with pytest.raises(Fixed):
            mailboxes.rename(tx, "x/y", "x/y/z")
        with pytest.raises(Fixed):
            mailboxes.rename(tx, "Trash", "Bin")
        with pytest.raises(Exists):
            mailboxes.rename(tx, "x/y/b", "Drafts")
        mailboxes.rename(tx, "x/y/b", "b")  # MSG-39: back to the top
    with store.write(SITE) as tx:
        assert check.run(tx) == []


def test_renaming_inbox_moves_its_mails(store: Store, alice: Actor) -> None:
    put(store, alice, "INBOX", mail("1"), mail("2"))
    with store.write(alice) as tx:
        mailboxes.rename(tx, "INBOX", "old")
    assert len(uids(store, alice, "old")) == 2
    assert uids(store, alice, "INBOX") == []


def test_delete_puts_the_mails_into_the_trash(store: Store, alice: Actor) -> None:
    """MSG-39: content goes to Trash, not lost; from the Trash it goes for good."""
    with store.write(alice) as tx:
        mailboxes.create(tx, "a/b")
        old = mailboxes.find(tx, "a").uid_validity
    put(store, alice, "a", mail("1"))
    put(store, alice, "a/b", mail("2"), mail("3"))
    with store.write(alice) as tx:
        mailboxes.delete(tx, "a")
        assert mailboxes.find(tx, "Trash").exists == 3
        with pytest.raises(NotFound):
            mailboxes.find(tx, "a/b")
        with pytest.raises(Fixed):
            mailboxes.delete(tx, "Drafts")
        assert mailboxes.create(tx, "a").uid_validity > old
        mailboxes.create(tx, "Trash/x")
    put(store, alice, "Trash/x", mail("4"))
    with store.write(alice) as tx:
        mailboxes.delete(tx, "Trash/x")
        assert mailboxes.find(tx, "Trash").exists == 3
    with store.write(SITE) as tx:
        assert check.run(tx) == []


def test_special_use_is_given_once(store: Store, alice: Actor) -> None:
    """RFC 6154 §3."""
    with store.write(alice) as tx:
        assert mailboxes.create(tx, "Old", "\\Archive").use == "\\Archive"
        with pytest.raises(Fixed):
            mailboxes.create(tx, "Older", "\\Archive")
        with pytest.raises(Refused):
            mailboxes.create(tx, "Odd", "\\Nonsense")


def test_subscriptions_are_names(store: Store, alice: Actor) -> None:
    """RFC 9051 §6.3.7: a name stays on the list when its mailbox goes."""
    with store.write(alice) as tx:
        mailboxes.create(tx, "a")
        mailboxes.subscribe(tx, "a", True)
        mailboxes.subscribe(tx, "a", True)
        mailboxes.subscribe(tx, "later", True)
        mailboxes.subscribe(tx, "Templates", False)
        mailboxes.delete(tx, "a")
        found = mailboxes.subscribed_names(tx)
    assert {"a", "later"} <= set(found)
    assert "Templates" not in found
