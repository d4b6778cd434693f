"""After a restored backup no client is given a number that means something else (docs/decisions/0295)."""

from __future__ import annotations

import pytest

from storage import changes, check, folders, restored
from storage.errors import Denied, LogTruncated
from storage.mail import appending, flagging, mailboxes, reading
from storage.store import Store
from storage.types import SITE, Actor, ModSeq, SpaceKind
from tests.storage import desk

MAIL = b"Subject: x\r\n\r\nbody\r\n"


def test_mails(store: Store, alice: Actor) -> None:
    """RFC 9051 §2.3.1.1, RFC 7162 §3.2.5: uids and numbers that were given out since the backup name nothing else."""
    with store.write(alice) as tx:
        box = mailboxes.create(tx, "Work")
        for _ in range(2):
            kept = appending.append(tx, box := mailboxes.find(tx, "Work"), appending.prepare(store, MAIL))
        content = reading.snapshot(tx, box.id).states[-1].content
    with store.write(SITE) as tx:
        restored.renumber(tx)
        assert check.run(tx) == []
    with store.write(alice) as tx:
        now = mailboxes.find(tx, "Work")
        assert now.uid_validity == box.uid_validity
        lost = ModSeq(box.modseq + 7)
        found = reading.changes(tx, now.id, lost)
        assert not found.complete
        assert [one.uid for one in found.states] == [1, 2]
        assert appending.append(tx, now, appending.prepare(store, b"Subject: y\r\n\r\n")).uid > kept.uid + 10_000
        assert reading.snapshot(tx, now.id).states[-1].content > content + 10_000
        assert mailboxes.create(tx, "New").id > now.id + 10_000
        flagging.set_flags(tx, mailboxes.find(tx, "Work"), [1], "add", "\\Seen")
    with store.read(alice) as tx:
        since = reading.changes(tx, now.id, mailboxes.find(tx, "Work").modseq - 1)
        assert since.complete
        assert [one.uid for one in since.states] == [1]


def test_tokens(store: Store, alice: Actor) -> None:
    """RFC 6578 §3.2: those from before the backup and from after it are void, and the new ones are not."""
    with store.write(alice) as tx:
        calendar = desk.events(tx, "IAB")
        desk.put(tx, calendar, "a.ics", desk.event("a"))
        number = desk.events(tx, "IAB").modseq
        root = folders.find(tx, SpaceKind.PRIVATE, "alice", "")
    with store.write(SITE) as tx:
        restored.renumber(tx)
    with store.write(alice) as tx:
        now = desk.events(tx, "IAB")
        for before in (number, ModSeq(number + 5)):
            with pytest.raises(LogTruncated):
                changes.since(tx, now, before)
        desk.put(tx, now, "b.ics", desk.event("b"))
        found = changes.since(tx, desk.events(tx, "IAB"), now.modseq)
        assert [one.name for one in found.items] == ["b.ics"]
    with store.read(alice) as tx:
        assert folders.find(tx, SpaceKind.PRIVATE, "alice", "").modseq > root.modseq


def test_who_may(store: Store, alice: Actor) -> None:
    with store.write(alice) as tx, pytest.raises(Denied):
        restored.renumber(tx)
