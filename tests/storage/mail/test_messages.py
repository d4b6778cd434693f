"""Messages in, out and between mailboxes: numbers, counters, contents, quota (MSG-40…44, MSG-62, RFC 7162)."""

from __future__ import annotations

import pytest

from storage import check, plans
from storage.errors import NotFound, OverQuota, TooLarge
from storage.mail import appending, delivery, flagging, flags, forgetting, mailboxes, moving, reading, recipients, trash
from storage.mail.reading import Span
from storage.store import Store
from storage.types import SITE, Actor
from tests.storage import desk
from tests.storage.mail.mails import flags_of, mail, put, uids


def consistent(store: Store) -> None:
    with store.write(SITE) as tx:
        assert check.run(tx) == []


def test_what_came_is_read_back(store: Store, alice: Actor) -> None:
    """To the octet, small and large; with what was computed of it."""
    small, large = mail("Tea", text="hello\r\n"), mail("Big", text="x" * 70_000 + "\r\n")
    first, second = put(store, alice, "INBOX", small, large, flags="\\Seen", internal=1_000_000_000)
    with store.read(alice) as tx:
        found = reading.snapshot(tx, mailboxes.find(tx, "INBOX").id)
        assert [state.uid for state in found.states] == [first, second]
        one, two = found.states
        assert (one.flags, one.internal, one.octets) == ("\\Seen", 1_000_000_000, len(small))
        assert reading.body(tx, one.content) == small
        assert reading.body(tx, two.content) == large
        assert reading.body_range(tx, two.content, 60_000, 5) == large[60_000:60_005]
        assert reading.body_range(tx, one.content, len(small) - 2, 50) == b"\r\n"
        both = [one.content, two.content]
        contents = reading.contents_of(tx, both)
        assert b"Tea" in contents[one.content].envelope
        assert contents[one.content].envelope == reading.envelopes(tx, both)[one.content]
        assert reading.bodystructures(tx, both)[one.content].startswith(b"(")
        assert contents[two.content].octets == len(large)
        for number, body in reading.headers(tx, both).items():
            assert body == (small if number == one.content else large).partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        assert b"Subject: Tea" in reading.listed_of(tx, both)[one.content]
        assert reading.parts(tx, one.content)
        with pytest.raises(NotFound):
            reading.body(tx, 10**9)
    bob = desk.actor(store, "bob")
    with store.read(bob) as tx:
        assert reading.contents_of(tx, both) == {}
        with pytest.raises(NotFound):
            reading.body(tx, one.content)
    consistent(store)


def test_a_span_gives_what_the_numbers_give(store: Store, alice: Actor) -> None:
    """IMAP-06: a long FETCH walks over the mailbox; a span of somebody else's mailbox holds nothing."""
    put(store, alice, "INBOX", *(mail(f"mail {number}", more=f"X-Mailer: {number}") for number in range(12)))
    put(store, alice, "INBOX", mail("mail 3", more="X-Mailer: 3"))  # the same octets: the same content
    with store.read(alice) as tx:
        box = mailboxes.find(tx, "INBOX")
        states = reading.snapshot(tx, box.id).states[2:13]
        numbers = [one.content for one in states]
        span = Span(box.id, states[0].uid, states[-1].uid)
        assert len(states) == 11
        assert len(set(numbers)) == 10
        for ask in (reading.envelopes, reading.bodystructures, reading.fields_of):
            assert ask(tx, numbers, span) == ask(tx, numbers)
            assert len(ask(tx, numbers)) == 10
    with store.read(desk.actor(store, "bob")) as tx:
        for ask in (reading.envelopes, reading.bodystructures, reading.fields_of):
            assert ask(tx, numbers, span) == ask(tx, numbers) == {}


def test_numbers_tell_what_changed(store: Store, alice: Actor) -> None:
    """RFC 7162 §3: each change takes one number; what went is told as vanished; nothing changes for nothing."""
    first, second, third = put(store, alice, "INBOX", mail("1"), mail("2"), mail("3"))
    with store.write(alice) as tx:
        box = mailboxes.find(tx, "INBOX")
        since = box.modseq
        done = flagging.set_flags(tx, box, [second, 999], "add", "\\Seen $Forwarded")
        assert [(state.uid, state.flags) for state in done.states] == [(second, "\\Seen $Forwarded")]
    with store.write(alice) as tx:
        again = flagging.set_flags(tx, mailboxes.find(tx, "INBOX"), [second], "add", "\\Seen")
        assert again.modseq == done.modseq
        late = flagging.set_flags(
            tx, mailboxes.find(tx, "INBOX"), [first, second], "add", "\\Flagged", unchanged_since=since
        )
        assert late.failed == [second]
        assert moving.remove(tx, mailboxes.find(tx, "INBOX"), [third]) == [third]
    with store.read(alice) as tx:
        found = reading.changes(tx, box.id, since)
        assert [(state.uid, state.flags) for state in found.states] == [
            (first, "\\Flagged"),
            (second, "\\Seen $Forwarded"),
        ]
        assert (found.vanished, found.complete) == ([third], True)
        assert reading.changes(tx, box.id, found.modseq).states == []
        assert not reading.changes(tx, box.id, found.modseq + 5).complete
        now = mailboxes.find(tx, "INBOX")
        assert (now.exists, now.unseen, now.deleted) == (2, 1, 0)
    consistent(store)


def test_flags_are_canonical() -> None:
    """RFC 9051 §2.3.2: without regard to case, no \\Recent, no nonsense."""
    assert flags.canonical(["\\SEEN", "\\seen", "$forwarded", "zeta", "Alpha", "\\Recent", "\\answered"]) == (
        "\\Answered \\Seen $Forwarded Alpha zeta"
    )
    assert flags.changed("\\Seen Alpha", "remove", "alpha") == "\\Seen"
    assert flags.changed("\\Seen", "add", "\\Flagged") == "\\Flagged \\Seen"
    for bad in ("\\Nonsense", "a b", "a(", "", "a\x00", "ü", "x" * 251, 'a"'):
        with pytest.raises(flags.BadFlag):
            flags.canonical([bad])


def test_copy_and_move(store: Store, alice: Actor) -> None:
    """RFC 9051 §6.4.7, RFC 6851: flags and dates go along; the copy shares the content; numbers of both boxes move."""
    first, second = put(store, alice, "INBOX", mail("1"), mail("2", text="y" * 80_000), flags="\\Flagged", internal=5)
    with store.write(alice) as tx:
        inbox, drafts = mailboxes.find(tx, "INBOX"), mailboxes.find(tx, "Drafts")
        copied = moving.copy(tx, inbox, [second, first, 77], drafts)
        assert [old for old, _ in copied] == [first, second]
    with store.write(alice) as tx:
        inbox, drafts = mailboxes.find(tx, "INBOX"), mailboxes.find(tx, "Drafts")
        moved = moving.move(tx, inbox, [first], drafts)
        assert moved == [(first, copied[-1][1] + 1)]
    assert uids(store, alice, "INBOX") == [second]
    assert list(flags_of(store, alice, "Drafts").values()) == ["\\Flagged"] * 3
    with store.read(alice) as tx:
        found = reading.changes(tx, inbox.id, inbox.modseq)
        assert found.vanished == [first]
        states = reading.snapshot(tx, drafts.id).states
        assert len({state.content for state in states}) == 2
        assert {state.internal for state in states} == {5}
    consistent(store)


def test_moving_within_a_mailbox_gives_new_uids(store: Store, alice: Actor) -> None:
    (uid,) = put(store, alice, "INBOX", mail("1"))
    with store.write(alice) as tx:
        inbox = mailboxes.find(tx, "INBOX")
        ((_, fresh),) = moving.move(tx, inbox, [uid], inbox)
    assert uids(store, alice, "INBOX") == [fresh]
    consistent(store)


def test_expunge_takes_the_flagged_ones_and_their_contents(store: Store, alice: Actor) -> None:
    """IMAP-03, MSG-42: final; a copy elsewhere keeps the octets."""
    first, second, third = put(store, alice, "INBOX", mail("1"), mail("2"), mail("3"))
    with store.write(alice) as tx:
        inbox = mailboxes.find(tx, "INBOX")
        moving.copy(tx, inbox, [first], mailboxes.find(tx, "Drafts"))
        flagging.set_flags(tx, mailboxes.find(tx, "INBOX"), [first, second], "add", "\\Deleted")
        assert mailboxes.find(tx, "INBOX").deleted == 2
        assert moving.expunge(tx, mailboxes.find(tx, "INBOX"), [second, third]) == [second]
        assert moving.expunge(tx, mailboxes.find(tx, "INBOX")) == [first]
        kept = reading.snapshot(tx, mailboxes.find(tx, "Drafts").id).states[0]
        assert reading.body(tx, kept.content) == mail("1")
    consistent(store)


def test_what_an_expunge_would_free(store: Store, alice: Actor) -> None:
    """RFC 9208 §4.1.4: the octets of what is flagged as deleted, whatever other flags it has."""
    first, second = mail("one"), mail("a longer one")
    put(store, alice, "INBOX", first, flags="\\Deleted")
    put(store, alice, "INBOX", second, flags="\\Answered \\Deleted \\Seen keyword")
    put(store, alice, "INBOX", mail("three"), flags="\\Draft Deleted")
    put(store, alice, "Drafts", mail("four"), flags="\\Deleted")
    with store.read(alice) as tx:
        assert reading.deleted_octets(tx, mailboxes.find(tx, "INBOX").id) == len(first) + len(second)
        assert reading.deleted_octets(tx, mailboxes.find(tx, "Templates").id) == 0


def test_large_bodies_are_collected_when_nothing_refers_to_them(store: Store, alice: Actor) -> None:
    from storage import blob_collection

    (uid,) = put(store, alice, "INBOX", mail(text="z" * 100_000))
    with store.read(SITE) as tx:
        assert blob_collection.collect(tx, 0) == 0
    with store.write(alice) as tx:
        moving.remove(tx, mailboxes.find(tx, "INBOX"), [uid])
    with store.read(SITE) as tx:
        assert blob_collection.collect(tx, 0) == 1


def limited(store: Store, octets: int) -> None:
    with store.write(SITE) as tx:
        plans.change(tx, plans.FULL, limits={"mail_bytes": octets})


def test_quota_and_the_trash(store: Store, alice: Actor) -> None:
    """MSG-44, MSG-62: appending is refused; delivery takes from the Trash, oldest first, only what is needed."""
    one = mail("1", text="a" * 1_000)
    limited(store, 4 * len(one) + 100)
    put(store, alice, "Trash", mail("t1", text="b" * 1_000), mail("t2", text="b" * 1_000))
    put(store, alice, "INBOX", one, one)
    with pytest.raises(OverQuota):
        put(store, alice, "INBOX", one)
    with store.write(alice) as tx, pytest.raises(OverQuota):
        moving.copy(tx, mailboxes.find(tx, "INBOX"), uids(store, alice, "INBOX"), mailboxes.find(tx, "Drafts"))
    with store.read(SITE) as tx:
        who = recipients.find(tx, "alice@example.test")
    assert who is not None
    with store.read(who.actor) as tx:
        assert delivery.would_fit(tx, len(one))
        assert not delivery.would_fit(tx, 5 * len(one))
    delivery.deliver(store, appending.prepare(store, one), who)
    assert len(uids(store, alice, "Trash")) == 1
    with pytest.raises(OverQuota):
        delivery.deliver(store, appending.prepare(store, mail("big", text="c" * 3_000)), who)
    assert len(uids(store, alice, "Trash")) == 1
    consistent(store)


def test_no_message_is_larger_than_the_limit(store: Store) -> None:
    """MSG-62: 50 MB, whatever the plan."""
    with pytest.raises(TooLarge):
        appending.prepare(store, b"x" * 52_428_801)


def test_recipients(store: Store, alice: Actor) -> None:
    """MSG-66, MSG-09: addresses without case, suffixes, logins at the desk's own domains; strangers are none."""
    with store.read(SITE) as tx:
        for address in ("alice@example.test", "ALICE@Example.TEST", "alice+shop@example.test", "alice@desk.test"):
            found = recipients.find(tx, address, {"desk.test"})
            assert found is not None
            assert (found.account, found.address) == (alice.id, address)
        for address in ("nobody@example.test", "alice@other.test", "alice", "@example.test", "", "+x@example.test"):
            assert recipients.find(tx, address, {"desk.test"}) is None
        own = recipients.sender_addresses(tx, alice.id, "alice", ["desk.test"])
    assert own == ("alice@example.test", "alice@desk.test")
    assert recipients.may_send_from(own, "Alice+x@example.test")
    assert not recipients.may_send_from(own, "bob@example.test")


def test_delivery(store: Store, alice: Actor) -> None:
    with store.read(SITE) as tx:
        who = recipients.find(tx, "alice@example.test")
    assert who is not None
    prepared = appending.prepare(store, mail())
    assert delivery.deliver(store, prepared, who).mailbox == "INBOX"
    assert delivery.deliver(store, prepared, who, spam=True).mailbox == "Spam?"
    consistent(store)


def test_the_trash_is_purged_after_some_days(store: Store, alice: Actor) -> None:
    """MSG-43: by the time at which a mail came into the Trash."""
    put(store, alice, "Trash", mail("1"))
    put(store, alice, "INBOX", mail("2"))
    assert trash.purge(store, 7) == 0
    assert trash.purge(store, -1) == 1
    assert uids(store, alice, "Trash") == []
    assert len(uids(store, alice, "INBOX")) == 1


def test_threads_are_known_at_once(store: Store, alice: Actor) -> None:
    """RFC 8474 §5.2: an answer has its question's thread, in whichever order they come."""
    put(store, alice, "INBOX", mail("Re: q", message_id="b@x", references="a@x"))
    put(store, alice, "Sent Items", mail("q", message_id="a@x"), mail("other", message_id="c@x"))
    with store.read(alice) as tx:
        numbers = [
            state.content
            for name in ("INBOX", "Sent Items")
            for state in reading.snapshot(tx, mailboxes.find(tx, name).id).states
        ]
        found = reading.contents_of(tx, numbers)
    answer, question, other = (found[number] for number in numbers)
    assert answer.thread_id == question.thread_id != other.thread_id


def test_a_mailbox_that_was_read_before_it_changed(store: Store, alice: Actor) -> None:
    prepared = [appending.prepare(store, mail(f"mail {number}")) for number in range(3)]
    with store.write(alice) as tx:
        box = mailboxes.find(tx, "INBOX")
        placed = [appending.append(tx, box, one) for one in prepared]
    assert [one.uid for one in placed] == [1, 2, 3]
    assert [one.modseq - box.modseq for one in placed] == [1, 2, 3]
    consistent(store)


def test_the_same_octets_are_one_content_of_an_account(store: Store, alice: Actor) -> None:
    prepared = appending.prepare(store, mail("once"))
    with store.write(alice) as tx:
        box, limited = mailboxes.to_fill(tx, "inbox")
        found = appending.append_many(tx, box, [appending.New(prepared)] * 2, fits=not limited)
        states = reading.snapshot(tx, box.id).states
    assert [one.uid for one in found] == [1, 2]
    assert len({state.content for state in states}) == 1
    consistent(store)


def test_old_removals_are_forgotten(store: Store, alice: Actor) -> None:
    """SYS-07: a number below the floor is answered by a snapshot; one above goes on."""
    put(store, alice, "INBOX", mail("1"), mail("2"))
    with store.write(alice) as tx:
        box = mailboxes.find(tx, "INBOX")
        moving.remove(tx, box, [1])
    with store.read(alice) as tx:
        now = mailboxes.by_id(tx, box.id).modseq
    assert forgetting.run(store, 0) == 0
    assert forgetting.run(store, 2**40) == 1
    with store.read(alice) as tx:
        assert not reading.changes(tx, box.id, now - 1).complete
        assert reading.changes(tx, box.id, now).complete
    consistent(store)
