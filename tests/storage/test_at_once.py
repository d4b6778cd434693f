"""The same login, name or address given twice at the same moment: somebody gets it, and nothing breaks (ACC-01)."""

from __future__ import annotations

import sqlalchemy as sa

from storage import accounts, addresses, check, groups
from storage import principals as people
from storage.errors import Busy, Exists
from storage.mail import appending, mailboxes
from storage.schema import addresses as rows
from storage.store import Store
from storage.types import SITE, Actor
from tests.storage import desk
from tests.storage.at_once import beside, writing
from tests.storage.mail.mails import mail


def test_one_login(store: Store) -> None:
    other = writing(store, SITE, lambda tx: accounts.create(tx, "dora", "*"))
    with beside(store, SITE, other) as tx:
        accounts.create(tx, "dora", "*")
    assert isinstance(other.error, Exists)


def test_one_group(store: Store, alice: Actor, bob: Actor) -> None:
    """Names are compared without case (GRP-04)."""
    other = writing(store, bob, lambda tx: groups.create(tx, "TEA"))
    with beside(store, alice, other) as tx:
        groups.create(tx, "Tea")
    assert isinstance(other.error, Exists)


def test_an_address_that_is_confirmed_as_somebody_claims_it(store: Store, alice: Actor, bob: Actor) -> None:
    """Only what is a mere claim yields to the next one (MTG-17)."""
    with store.write(alice) as tx:
        token = addresses.add(tx, people.me(tx), "tea@example.test").token
    other = writing(store, bob, lambda tx: addresses.add(tx, people.me(tx), "tea@example.test"))
    with beside(store, alice, other) as tx:
        addresses.confirm_by_token(tx, token)
    assert isinstance(other.error, Exists)
    with store.read(alice) as tx:
        assert ("tea@example.test", True) in {
            (one.address, one.confirmed) for one in addresses.listing(tx, people.me(tx))
        }


def test_two_claims(store: Store, alice: Actor, bob: Actor) -> None:
    """PostgreSQL tells the second one to try again; SQLite lets one after the other."""
    other = writing(store, bob, lambda tx: addresses.add(tx, people.me(tx), "tea@example.test"))
    with beside(store, alice, other) as tx:
        addresses.add(tx, people.me(tx), "tea@example.test")
    assert other.error is None if store.engines.sqlite else isinstance(other.error, Busy)
    with store.write(bob) as tx:
        addresses.add(tx, people.me(tx), "tea@example.test")


def test_two_addresses_confirmed(store: Store) -> None:
    """The first one is the main one, and stays it (ACC-02)."""
    with store.write(SITE) as tx:
        dora = accounts.create(tx, "dora", "*")
    me = desk.actor(store, "dora")
    with store.write(me) as tx:
        tokens = [addresses.add(tx, dora, f"{name}@example.test").token for name in ("tea", "cake")]
    other = writing(store, me, lambda tx: addresses.confirm_by_token(tx, tokens[1]))
    with beside(store, me, other) as tx:
        addresses.confirm_by_token(tx, tokens[0])
    assert other.error is None
    with store.read(SITE) as tx:
        here = sa.and_(rows.c.account_id == dora.id, rows.c.position == 0)
        assert list(tx.db.execute(sa.select(rows.c.address).where(here)).scalars()) == ["tea@example.test"]


def test_an_account_that_is_removed_as_mail_comes(store: Store) -> None:
    """Mail that is coming in comes in, and then it goes with its account: neither is in the other's way (ACC-01)."""
    with store.write(SITE) as tx:
        dora = accounts.create(tx, "dora", "*")
    other = writing(store, SITE, lambda tx: accounts.remove(tx, dora))
    with store.write(desk.actor(store, "dora")) as tx:
        inbox = mailboxes.find(tx, "INBOX")
        other.start()
        appending.append(tx, inbox, appending.prepare(store, mail()))
    other.join()
    assert other.error is None
    with store.read(SITE) as tx:
        assert "dora" not in {one.principal.name for one in accounts.listing(tx)}
        assert check.run(tx) == []
