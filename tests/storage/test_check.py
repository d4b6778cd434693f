"""The check finds each kind of damage and mends what loses nothing."""

from __future__ import annotations

import os
import time

import pytest
import sqlalchemy as sa

from storage import check, grants, items
from storage.attachments.tables import attachments
from storage.mail.tables import bodies
from storage.outbound import queue
from storage.outbound.tables import messages as queued
from storage.schema import card_index, collections, event_index, memberships, versions
from storage.schema import grants as grant_rows
from storage.schema import items as item_rows
from storage.store import Store
from storage.types import SITE, Actor, Principal, Right
from tests.storage import desk
from tests.storage.mail import mails
from tests.storage.test_attachments import attach, event


@pytest.fixture
def used(store: Store, alice: Actor, bob: Actor) -> Store:
    """A desk with some of everything."""
    with store.write(alice) as tx:
        for space in ("alice", "IAB"):
            calendar, book = desk.events(tx, space), desk.contacts(tx, space)
            for name in ("a", "b", "c"):
                desk.put(tx, calendar, f"{name}.ics", desk.event(name))
                desk.put(tx, book, f"{name}.vcf", desk.card(name, note="n" * 70_000 if name == "b" else ""))
            desk.put(tx, calendar, "a.ics", desk.event("a", "changed"))
            items.delete(tx, book, "c.vcf")
        grants.grant(tx, desk.events(tx, "alice"), desk.principal(store, "bob"), Right.SEE)
        grants.grant(tx, desk.events(tx, "alice"), desk.principal(store, "IAB"), Right.EDIT)
        grants.grant(tx, desk.events(tx, "IAB"), desk.principal(store, "bob"), Right.ADD)
    return store


def _run(store: Store, repair: bool = False) -> list[check.Problem]:
    with store.write(SITE) as tx:
        return check.run(tx, repair)


def _kinds(store: Store, repair: bool = False) -> set[str]:
    return {problem.kind for problem in _run(store, repair)}


def test_a_sound_desk_has_no_problems(used: Store) -> None:
    steps: list[tuple[str, int, int]] = []
    with used.write(SITE) as tx:
        assert check.run(tx, progress=lambda *step: steps.append(step)) == []
    assert ("bodies", 10, 10) in steps


def test_counters_are_mended(used: Store) -> None:
    with used.write(SITE) as tx:
        tx.db.execute(sa.update(collections).values(item_count=7, octets=1))
    assert _kinds(used) == {"counter"}
    assert all(problem.repaired for problem in _run(used, repair=True))
    assert _run(used) == []


def test_numbers_are_raised_never_lowered(used: Store, alice: Actor) -> None:
    with used.write(alice) as tx:
        before = desk.events(tx, "alice").modseq
        tx.db.execute(sa.update(collections).values(modseq=1, shared_modseq=1, uid_next=1))
    assert _kinds(used) == {"number"}
    _run(used, repair=True)
    assert _run(used) == []
    with used.read(alice) as tx:
        assert desk.events(tx, "alice").modseq == before


def test_an_index_row_is_made_anew(used: Store, alice: Actor) -> None:
    with used.write(alice) as tx:
        book, calendar = desk.contacts(tx, "alice"), desk.events(tx, "alice")
        item = items.get(tx, book, "a.vcf").id
        event = items.get(tx, calendar, "a.ics").id
        tx.db.execute(sa.delete(card_index).where(card_index.c.item_id == item))
        tx.db.execute(sa.update(event_index).where(event_index.c.item_id == event).values(collection_id=book.id))
        tx.db.execute(sa.insert(card_index).values(item_id=event, collection_id=calendar.id, uid="stray"))
    problems = _run(used)
    assert {problem.kind for problem in problems} == {"index"}
    assert {problem.where for problem in problems} == {"alice/contacts/a.vcf", "alice/events/a.ics"}
    _run(used, repair=True)
    assert _run(used) == []


def test_lost_and_altered_bodies_are_told(used: Store, alice: Actor) -> None:
    with used.write(alice) as tx:
        book = desk.contacts(tx, "alice")
        key = tx.db.execute(sa.select(item_rows.c.blob).where(item_rows.c.blob.is_not(None))).scalars().first()
        assert key is not None
        tx.db.execute(sa.update(item_rows).where(item_rows.c.name == "a.vcf").values(body=b"x" * 10, size=10))
        tx.db.execute(sa.update(versions).values(body=b"short"))
        assert book.item_count == 2
    os.unlink(used.blobs.path(key))
    found = _run(used, repair=True)
    assert {(problem.kind, problem.repaired) for problem in found if problem.kind != "counter"} == {
        ("blob", False),
        ("body", False),
    }
    assert {problem.where for problem in found if problem.kind == "blob"} == {
        "alice/contacts/b.vcf",
        "IAB/contacts/b.vcf",
    }


def test_stray_blobs_are_removed_when_old(used: Store) -> None:
    key = used.blobs.put(b"stray")
    assert _run(used) == []
    then = time.time() - 200_000
    os.utime(used.blobs.path(key), (then, then))
    assert [problem.where for problem in _run(used, repair=True)] == [key]
    assert _run(used) == []
    assert used.blobs.stored(key) is None


def test_one_admin_a_group(used: Store, bob: Actor, iab: Principal) -> None:
    with used.write(SITE) as tx:
        tx.db.execute(sa.update(memberships).values(role="admin"))
    assert _kinds(used, repair=True) == {"member"}
    assert _run(used) == []
    with used.write(SITE) as tx:
        rows = tx.db.execute(sa.select(memberships.c.account_id, memberships.c.role))
        roles = {row.account_id: row.role for row in rows}
        assert roles[bob.id] == "member"
        tx.db.execute(sa.update(memberships).values(role="member"))
    assert _kinds(used, repair=True) == {"member"}
    assert _run(used) == []


def test_grants_to_whom_they_cannot_belong_go(used: Store, carol: Actor, alice: Actor) -> None:
    """ACL-04, ACL-10."""
    with used.write(SITE) as tx:
        for space in ("alice", "IAB"):
            calendar = desk.events(tx, space)
            values = {"collection_id": calendar.id, "grantee_id": carol.id, "rights": Right.SEE.value}
            tx.db.execute(sa.insert(grant_rows).values(**values, granted_by=alice.id, since_modseq=1, created=tx.now))
    found = _run(used, repair=True)
    assert {(problem.kind, problem.where) for problem in found} == {
        ("grant", "alice/events"),
        ("grant", "IAB/events"),
    }
    assert _run(used) == []


@pytest.mark.slow
@pytest.mark.parametrize("size", [1_000, 100_000])
def test_mails_attachments_and_letters_on_their_way_are_read(store: Store, alice: Actor, size: int) -> None:
    """A small one lies in its row, a large one in a file."""
    mails.put(store, alice, "INBOX", mails.mail(text="x" * size))
    with store.write(alice) as tx:
        event(tx, "alice", "plan")
        managed_id = attach(tx, "alice", "plan.ics", b"y" * size)
        to = [queue.Target("ada@example.org")]
        letter = queue.enqueue(tx, sender="alice@example.test", recipients=to, data=mails.mail(text="z" * size))
    with store.read(SITE) as tx:
        assert check.run(tx) == []
    with store.write(SITE) as tx:
        for table in (bodies, attachments, queued):
            for row in tx.db.execute(sa.select(*table.primary_key, table.c.blob, table.c.body)).all():
                if row.blob is None:
                    tx.db.execute(sa.update(table).values(body=row.body[:-9] + b"?" + row.body[-8:]))
                else:
                    with store.blobs.path(row.blob).open("r+b") as file:
                        file.write(b"?")
    with store.read(SITE) as tx:
        found = {(one.kind, one.where, one.text) for one in check.run(tx)}
        assert not check.run(tx, bodies=False)
    expected = {
        ("body", "alice/mail/INBOX", "uid 1 is not what was written"),
        ("body", "alice", f"attachment {managed_id} is not what was written"),
    }
    in_a_file = {("body", "outbound queue", f"mail {letter} is not what was written")}
    assert found == (expected | in_a_file if size > 65_536 else expected)  # a letter's row has no hash
