"""The people of the storage tests, and short ways to write as one of them."""

from __future__ import annotations

import sqlalchemy as sa

from storage import accounts, collections, groups, items, kinds
from storage.schema import principals
from storage.store import Store, Transaction
from storage.types import SITE, Actor, Collection, Principal, PrincipalId, SpaceKind, Written


def furnish(store: Store) -> None:
    """Make alice, bob and carol, and the group IAB with alice as its admin and bob as a member."""
    with store.write(SITE) as tx:
        people = {
            login: accounts.create(tx, login, "*", email=f"{login}@example.test", display_name=login.title())
            for login in ("alice", "bob", "carol")
        }
        iab = groups.create(tx, "IAB", admin=people["alice"])
        groups.add_member(tx, iab, people["bob"])


def principal(store: Store, name: str) -> Principal:
    """An account or a group, whoever may know of it."""
    with store.read(SITE) as tx:
        row = tx.db.execute(sa.select(principals).where(principals.c.name == name)).one()
    return Principal(PrincipalId(row.id), SpaceKind(row.kind), row.name, row.display_name, row.email)


def actor(store: Store, login: str) -> Actor:
    """Somebody who acts."""
    return Actor(principal(store, login).id, login)


def events(tx: Transaction, space: str) -> Collection:
    """The calendar of a user or of a group in capitals."""
    return collections.find(tx, SpaceKind.GROUP if space.isupper() else SpaceKind.PRIVATE, space, "events")


def contacts(tx: Transaction, space: str) -> Collection:
    """The address book of a user or of a group in capitals."""
    return collections.find(tx, SpaceKind.GROUP if space.isupper() else SpaceKind.PRIVATE, space, "contacts")


def card(uid: str, name: str = "Ada", note: str = "") -> bytes:
    """A vCard 3.0; a long `note` makes it one for the blob store."""
    text = f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:{name}\r\nN:{name};;;;\r\n"
    return (text + (f"NOTE:{note}\r\n" if note else "") + "END:VCARD\r\n").encode()


def event(uid: str, summary: str = "Tea", day: str = "20250601") -> bytes:
    """An event of one hour."""
    return (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//tests//EN\r\nBEGIN:VEVENT\r\n"
        f"UID:{uid}\r\nDTSTAMP:20250101T000000Z\r\nDTSTART:{day}T100000Z\r\nDTEND:{day}T110000Z\r\n"
        f"SUMMARY:{summary}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    ).encode()


def put(tx: Transaction, collection: Collection, name: str, body: bytes) -> Written:
    """Store one of the bodies above, prepared without a parser: these tests are not about formats."""
    uid = body.split(b"UID:")[1].split(b"\r\n")[0].decode()
    index: dict[str, object]
    if body.startswith(b"BEGIN:VCARD"):
        media_type, component = "text/vcard", ""
        index = dict.fromkeys(("fn", "n", "org", "nickname", "email", "tel"), "")
    else:
        media_type, component = "text/calendar", "VEVENT"
        index = {"component": component, "starts": 1_748_772_000, "ends": 1_748_775_600, "klass": "PUBLIC"}
        index |= {"transparent": False, "status": "", "organizer": "", "summary": ""}
        index |= {"series": None, "stub": body, "lengthy": False}
    prepared = kinds.Prepared(body, media_type, component, uid, False, False, True, None, "", index)
    return items.put(tx, collection, name, prepared)
