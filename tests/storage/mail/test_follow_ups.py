"""Details of flags: kept with the message wherever it goes, gone with the flag (IMAP-02, MSG-40)."""

from __future__ import annotations

import sqlalchemy as sa

from storage.mail import flagging, follow_ups, mailboxes, moving
from storage.mail.follow_ups import FollowUp
from storage.mail.tables import follow_ups as table
from storage.store import Store
from storage.types import Actor
from tests.storage.mail.test_messages import mail, put

DUE = FollowUp(kind="Answer", due="2026-03-07T01:00:00.000Z", reminder="1")


def rows(store: Store, actor: Actor) -> int:
    with store.read(actor) as tx:
        return int(tx.db.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


def test_a_change_of_details_has_a_number_of_its_own(store: Store, alice: Actor) -> None:
    first, second = put(store, alice, "INBOX", mail("1"), mail("2"), flags="\\Flagged")
    with store.write(alice) as tx:
        box = mailboxes.find(tx, "INBOX")
        follow_ups.put(tx, box, first, DUE)
        follow_ups.put(tx, box, second, None)  # it had none
        now = mailboxes.find(tx, "INBOX")
        assert now.modseq == box.modseq + 1
        assert [one.modseq == now.modseq for one in flagging.states_in(tx, now, [(first, second)])] == [True, False]
        follow_ups.put(tx, now, first, DUE)
        assert mailboxes.find(tx, "INBOX").modseq == now.modseq
        assert follow_ups.of(tx, box.id, [first, second, 99]) == {first: DUE}


def test_they_go_with_the_flag_and_with_the_message(store: Store, alice: Actor) -> None:
    uids = put(store, alice, "INBOX", *(mail(str(number)) for number in range(6)), flags="\\Flagged")
    with store.write(alice) as tx:
        box, sent = mailboxes.find(tx, "INBOX"), mailboxes.find(tx, "Sent Items")
        for number, uid in enumerate(uids):
            follow_ups.put(tx, box, uid, DUE._replace(subject=str(number)))
        copied = moving.copy(tx, box, [uids[0], uids[2]], sent)
        assert [one.subject for one in follow_ups.of(tx, sent.id, [new for _, new in copied]).values()] == ["0", "2"]
        moved = moving.move(tx, box, [uids[3]], sent)
        assert follow_ups.of(tx, sent.id, [moved[0][1]])[moved[0][1]].subject == "3"
        flagging.set_flags(tx, box, [uids[0], uids[4]], "remove", "\\Flagged")
        flagging.set_flags(tx, box, [uids[1]], "add", "\\Seen")
        moving.remove(tx, box, [uids[5]])
        assert set(follow_ups.of(tx, box.id, uids)) == {uids[1], uids[2]}
    assert rows(store, alice) == 5
    with store.write(alice) as tx:
        moving.remove_all(tx, mailboxes.find(tx, "Sent Items"))
        mailboxes.create(tx, "Bills")
        moving.move_all(tx, mailboxes.find(tx, "INBOX"), mailboxes.find(tx, "Bills"))
        mailboxes.delete(tx, "Bills")
    assert rows(store, alice) == 2
    with store.write(alice) as tx:
        moving.remove_all(tx, mailboxes.find(tx, "Trash"))
    assert rows(store, alice) == 0
