"""A folder of a group that tells of its documents by itself, some minutes later, once (DOC-19)."""

from __future__ import annotations

import email
from email import policy

import pytest
import sqlalchemy as sa

from storage import automatic_notices, grants, groups, transplant
from storage.errors import Denied, Fixed
from storage.notice_tables import due
from storage.outbound import administration, queue
from storage.store import Store
from storage.types import SITE, Actor, Right
from tests.storage import desk, disk


@pytest.fixture
def reports(store: Store, alice: Actor) -> Store:
    """The group's folder Reports, which tells of its documents."""
    with store.write(alice) as tx:
        disk.mkdir(tx, "IAB", "Reports")
        automatic_notices.watch(tx, disk.folder(tx, "IAB", "Reports"), True)
        grants.grant(tx, disk.folder(tx, "IAB", "Reports"), desk.principal(store, "IAB"), Right.ADD)
    return store


def later(store: Store) -> int:
    """Let the minutes pass."""
    with store.write(SITE) as tx:
        tx.db.execute(sa.update(due).values(due=due.c.due - automatic_notices.WAIT_S - 1))
    return automatic_notices.run(store)


def mails(store: Store) -> list[tuple[str, str, str]]:
    """What waits to be sent: sender, recipients and text; taken off the queue."""
    found: list[tuple[str, str, str]] = []
    with store.write(SITE) as tx:
        for one in administration.every(tx):
            read = email.message_from_bytes(queue.body(tx, one.id), policy=policy.default)
            text = f"{read['Subject']}\n{read.get_content()}".replace("\r\n", "\n")
            found.append((one.sender, ",".join(sorted(to.address for to in one.recipients)), text))
            administration.delete(tx, one.id)
    return sorted(found)


def test_what_was_written_in_these_minutes_is_in_one_mail(reports: Store, alice: Actor, bob: Actor) -> None:
    with reports.write(alice) as tx:
        disk.put(tx, "IAB", "Reports/a.pdf")
    with reports.write(alice) as tx:
        disk.put(tx, "IAB", "Reports/b.pdf")
        disk.put(tx, "IAB", "Reports/~$b.docx")  # a work file (DOC-28)
        disk.put(tx, "IAB", "elsewhere.pdf")
    assert automatic_notices.run(reports) == 0
    assert automatic_notices.next_due(reports) is not None
    assert later(reports) == 2
    ((sender, to, text),) = mails(reports)
    assert (sender, to) == ("alice@example.test", "bob@example.test")
    assert "Reports/a.pdf\nReports/b.pdf" in text
    assert "elsewhere" not in text
    assert later(reports) == 0
    with reports.write(bob) as tx:
        disk.put(tx, "IAB", "Reports/mine.pdf")
    assert later(reports) == 1
    ((sender, to, text),) = mails(reports)
    assert (sender, to) == ("bob@example.test", "alice@example.test")
    assert "New document: mine.pdf" in text
    assert automatic_notices.next_due(reports) is None


def test_only_its_creators_changes_are_told_of(reports: Store, alice: Actor, bob: Actor) -> None:
    """DOC-19: in nobody else's name; however it is saved (DOC-28)."""
    with reports.write(alice) as tx:
        disk.put(tx, "IAB", "Reports/a.pdf")
        grants.grant(tx, disk.folder(tx, "IAB", "Reports"), desk.principal(reports, "bob"), Right.EDIT, "a.pdf")
    later(reports)
    mails(reports)
    with reports.write(bob) as tx:
        disk.put(tx, "IAB", "Reports/a.pdf", b"by bob")
    assert automatic_notices.next_due(reports) is None
    with reports.write(alice) as tx:
        disk.put(tx, "IAB", "Reports/~a.tmp", b"saved")
        disk.move(tx, "IAB", "Reports/~a.tmp", "Reports/a.pdf", overwrite=True)
    assert later(reports) == 1
    assert len(mails(reports)) == 1


def test_whoever_may_not_read_it_is_not_told(reports: Store, alice: Actor) -> None:
    """ACL-09; and what is gone, or in the Trash, by then is not told of at all."""
    carol = desk.principal(reports, "carol")
    with reports.write(SITE) as tx:
        groups.add_member(tx, desk.principal(reports, "IAB"), carol)
    with reports.write(alice) as tx:
        for name in ("a.pdf", "secret.pdf", "gone.pdf"):
            disk.put(tx, "IAB", f"Reports/{name}")
        secret, bob = disk.file(tx, "IAB", "Reports/secret.pdf"), desk.principal(reports, "bob")
        for whom in (desk.principal(reports, "IAB"), bob):
            grants.withdraw(tx, secret.folder, whom, Right.SEE, secret.name)
        grants.grant(tx, secret.folder, carol, Right.SEE, secret.name)
        disk.move(tx, "IAB", "Reports/gone.pdf", "gone.pdf")
        transplant.delete(tx, disk.file(tx, "IAB", "gone.pdf"))
    later(reports)
    told = {to: text for _, to, text in mails(reports)}
    assert told.keys() == {"bob@example.test", "carol@example.test"}
    assert "secret" not in told["bob@example.test"]
    assert "Reports/secret.pdf" in told["carol@example.test"]
    assert not any("gone" in text for text in told.values())


def test_it_is_for_the_admin_and_for_groups(store: Store, alice: Actor, bob: Actor) -> None:
    with store.write(alice) as tx:
        disk.mkdir(tx, "IAB", "Reports")
        disk.mkdir(tx, "alice", "own")
        with pytest.raises(Fixed):
            automatic_notices.watch(tx, disk.folder(tx, "alice", "own"), True)
    with store.write(bob) as tx, pytest.raises(Denied):
        automatic_notices.watch(tx, disk.folder(tx, "IAB", "Reports"), True)
    with store.write(alice) as tx:
        automatic_notices.watch(tx, disk.folder(tx, "IAB", "Reports"), True)
        automatic_notices.watch(tx, disk.folder(tx, "IAB", "Reports"), False)
        disk.put(tx, "IAB", "Reports/a.pdf")
    assert automatic_notices.next_due(store) is None


def test_a_creator_who_left_or_may_send_no_more_stops_nobody(reports: Store, alice: Actor, bob: Actor) -> None:
    with reports.write(bob) as tx:
        disk.put(tx, "IAB", "Reports/b.pdf")
    with reports.write(alice) as tx:
        disk.put(tx, "IAB", "Reports/a.pdf")
    with reports.write(bob) as tx:
        groups.leave(tx, desk.principal(reports, "IAB"))
    assert later(reports) == 0  # nobody is left who could be told
    assert automatic_notices.next_due(reports) is None


def test_what_left_its_folder_is_not_told_of(reports: Store, alice: Actor) -> None:
    with reports.write(alice) as tx:
        disk.put(tx, "IAB", "Reports/a.pdf")
        disk.move(tx, "IAB", "Reports/a.pdf", "a.pdf")
    assert later(reports) == 0
    assert mails(reports) == []
    with reports.write(SITE) as tx:
        tx.db.execute(sa.update(due).values(due=0.0))
    assert automatic_notices.run(reports) == 0
    with reports.read(SITE) as tx:
        assert tx.db.execute(sa.select(due)).all() == []
