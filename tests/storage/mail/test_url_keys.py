"""URLs by which others read single messages: who made them, who may use them, until when (RFC 4467)."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from storage import accounts
from storage.errors import NotFound
from storage.formats.imap_url import MessageUrl, parse
from storage.mail import mailboxes, url_keys, url_parts
from storage.mail.tables import url_keys as keys
from storage.store import Store
from storage.types import SITE, Actor
from tests.storage import desk
from tests.storage.mail.mails import mail, put


@pytest.fixture
def uid(store: Store, alice: Actor) -> int:
    """Of a mail in alice's drafts."""
    (found,) = put(store, alice, "Drafts", mail("Tea"))
    return found


def sign(store: Store, actor: Actor, uid: int, access: str, *, box: str = "Drafts", owner: str = "") -> MessageUrl:
    rump = f"imap://{owner or actor.login}@h/{box}/;uid={uid}/;section=text;urlauth={access}".encode()
    url = parse(rump)
    assert url is not None
    with store.write(actor) as tx:
        signed = parse(b"%b:internal:%b" % (rump, url_keys.sign(tx, url, rump).encode()))
    assert signed is not None
    return signed


def opens(store: Store, login: str, url: MessageUrl, *, submitting: bool = False) -> bool:
    with store.read(desk.actor(store, login)) as tx:
        try:
            return url_keys.opened(tx, url, submitting=submitting).actor.login == "alice"
        except NotFound:
            return False


def test_who_may_use_it(store: Store, alice: Actor, uid: int) -> None:
    table = {access: sign(store, alice, uid, access) for access in ("user+bob", "submit+bob", "authuser", "anonymous")}
    for login, submitting, allowed in (
        ("bob", False, {"user+bob", "authuser", "anonymous"}),
        ("bob", True, {"submit+bob", "authuser", "anonymous"}),
        ("carol", False, {"authuser", "anonymous"}),
        ("carol", True, {"authuser", "anonymous"}),
    ):
        found = {access for access, url in table.items() if opens(store, login, url, submitting=submitting)}
        assert found == allowed, (login, submitting)


def test_names_that_nobody_has(store: Store, alice: Actor, uid: int) -> None:
    """A NUL, which PostgreSQL takes in no text, is in no name: neither in the owner's nor in the bearer's."""
    assert not opens(store, "bob", sign(store, alice, uid, "user+bob%00"))
    with pytest.raises(NotFound):
        sign(store, alice, uid, "authuser", owner="alice%00")
    foreign = parse(b"imap://alice%00@h/Drafts/;uid=1;urlauth=anonymous:internal:" + b"0" * 66)
    assert foreign is not None
    assert not opens(store, "bob", foreign)


def test_only_ones_own_mailboxes(store: Store, alice: Actor, uid: int) -> None:
    for box, owner in (("Drafts", "bob"), ("Drafts", "nobody"), ("Nowhere", "alice"), ("a*b", "alice")):
        with pytest.raises(NotFound):
            sign(store, alice, uid, "authuser", box=box, owner=owner)


def test_keys(store: Store, alice: Actor, uid: int) -> None:
    url = sign(store, alice, uid, "user+bob")
    assert sign(store, alice, uid, "user+bob") == url
    with store.write(alice) as tx:
        url_keys.reset(tx, mailboxes.find(tx, "INBOX"))
    with store.write(desk.actor(store, "bob")) as tx:
        url_keys.forget(tx)
    assert opens(store, "bob", url)
    with store.write(alice) as tx:
        url_keys.reset(tx, mailboxes.find(tx, "Drafts"))
    assert not opens(store, "bob", url)
    again = sign(store, alice, uid, "user+bob")
    assert opens(store, "bob", again)
    with store.write(alice) as tx:
        url_keys.forget(tx)
    assert not opens(store, "bob", again)
    assert not opens(store, "bob", url._replace(authority=None))


def test_what_ends_with_its_owner_or_mailbox(store: Store, alice: Actor) -> None:
    """Access is the owner's at the moment of use (RFC 4467 §7)."""
    with store.write(alice) as tx:
        mailboxes.create(tx, "Box")
    (uid,) = put(store, alice, "Box", mail())
    boxed, other = sign(store, alice, uid, "user+bob", box="Box"), sign(store, alice, 1, "user+bob", box="INBOX")
    with store.write(alice) as tx:
        mailboxes.delete(tx, "Box")
        assert tx.db.execute(sa.select(sa.func.count()).select_from(keys)).scalar_one() == 1
    assert not opens(store, "bob", boxed)
    with store.write(SITE) as tx:
        accounts.suspend(tx, accounts.find(tx, "alice").principal)
    assert not opens(store, "bob", other)


def test_what_is_submitted(store: Store, alice: Actor, uid: int) -> None:
    url = sign(store, alice, uid, "submit+bob")
    with store.read(desk.actor(store, "bob")) as tx:
        assert url_parts.submitted(tx, url) == b"Hello\r\n"
        for wrong in (url._replace(uid=uid + 1), url._replace(section=b"2"), url._replace(uid_validity=1)):
            with pytest.raises(NotFound):
                url_parts.submitted(tx, wrong)
