"""Invitations: letters, single-use links, 30 days, sending again, withdrawing (GRP-07…10, GRP-18)."""

from __future__ import annotations

import email
from email.message import EmailMessage
from email.policy import default

import pytest

from storage import contacts, groups, invitation_mail, invitations, items, plans, preferences, principals
from storage.errors import Denied, Exists, LimitReached, NotFound, Refused
from storage.mail import sending
from storage.outbound import administration, queue
from storage.store import Store
from storage.types import PUBLIC, SITE, Actor, Principal
from tests.storage import desk

BASE = "https://desk.example.test/feeds/groups/join/"


def test_a_link_brings_in_once(store: Store, alice: Actor, carol: Actor, bob: Actor, iab: Principal) -> None:
    with store.write(alice) as tx:
        (letter,) = invitations.invite(tx, iab, "Guest@Example.test", name="Carol", language="fr", link_base=BASE)
        (held,) = invitations.pending(tx, iab)
    assert letter.link == BASE + letter.token
    assert letter.link in letter.text
    assert "Bonjour Carol" in letter.text
    assert "Alice" in letter.subject
    assert (held.address, held.language) == ("guest@example.test", "fr")
    with store.write(SITE) as tx, pytest.raises(Refused):
        invitations.accept(tx, letter.token)
    with store.write(bob) as tx, pytest.raises(Exists):
        invitations.accept(tx, letter.token)
    with store.write(carol) as tx:
        assert invitations.accept(tx, letter.token).name == "IAB"
        assert groups.role(tx, iab.id, carol.id) is groups.Role.MEMBER
        groups.leave(tx, iab)
        with pytest.raises(NotFound):
            invitations.accept(tx, letter.token)


def test_several_addresses_in_one_language(store: Store, alice: Actor, iab: Principal) -> None:
    """GRP-08: separated by `;`, without a name; one wrong address and nobody is invited."""
    with store.write(alice) as tx:
        letters = invitations.invite(tx, iab, "a@x.test; b@x.test;A@x.test;", language="xx", link_base=BASE)
        assert [letter.invitation.address for letter in letters] == ["a@x.test", "b@x.test"]
        assert letters[0].text.startswith("Hello,")  # SYS-16: English where we have no other
        for wrong, name in (("a@x.test; nonsense", ""), ("a@x.test;b@x.test", "Ada"), (" ; ", "")):
            with pytest.raises(Refused):
                invitations.invite(tx, iab, wrong, name=name, link_base=BASE)
        assert len(invitations.pending(tx, iab)) == 2


def test_only_the_admin_invites(store: Store, alice: Actor, bob: Actor, carol: Actor, iab: Principal) -> None:
    with store.write(alice) as tx:
        groups.set_co_admin(tx, iab, desk.principal(store, "bob"), True)
    with store.write(bob) as tx:
        with pytest.raises(Denied):
            invitations.invite(tx, iab, "a@x.test", link_base=BASE)
        with pytest.raises(Denied):
            invitations.pending(tx, iab)
    with store.write(carol) as tx, pytest.raises(NotFound):
        invitations.invite(tx, iab, "a@x.test", link_base=BASE)


def test_links_end_when_sent_again_withdrawn_or_after_30_days(
    store: Store, alice: Actor, carol: Actor, iab: Principal
) -> None:
    """GRP-09, GRP-10."""
    with store.write(alice) as tx:
        (first,) = invitations.invite(tx, iab, "a@x.test", link_base=BASE)
        (renewed,) = invitations.invite(tx, iab, "a@x.test", link_base=BASE)
        again = invitations.resend(tx, iab, renewed.invitation.id, link_base=BASE)
        (withdrawn,) = invitations.invite(tx, iab, "b@x.test", link_base=BASE)
        invitations.delete(tx, iab, withdrawn.invitation.id)
        with pytest.raises(NotFound):
            invitations.delete(tx, iab, withdrawn.invitation.id)
        with pytest.raises(NotFound):
            invitations.resend(tx, iab, withdrawn.invitation.id, link_base=BASE)
    with store.write(carol) as tx:
        for dead in (first, renewed, withdrawn):
            with pytest.raises(NotFound):
                invitations.accept(tx, dead.token)
        tx.now += invitations.VALIDITY_S + 1
        with pytest.raises(NotFound):
            invitations.accept(tx, again.token)
        tx.now -= invitations.VALIDITY_S + 1
        assert invitations.accept(tx, again.token).name == "IAB"


def test_a_full_group_refuses_and_the_link_stays(store: Store, alice: Actor, carol: Actor, iab: Principal) -> None:
    """GRP-18: an invitation accepted beyond the member limit is refused."""
    with store.write(SITE) as tx:
        plans.add(tx, "two", [], {"group_members_max": 2})
        plans.assign(tx, alice.id, "two")
    with store.write(alice) as tx:
        (letter,) = invitations.invite(tx, iab, "a@x.test", link_base=BASE)
    with store.write(carol) as tx, pytest.raises(LimitReached):
        invitations.accept(tx, letter.token)
    with store.write(SITE) as tx:
        plans.assign(tx, alice.id, "full")
    with store.write(carol) as tx:
        invitations.accept(tx, letter.token)
        assert [who.name for who in principals.members(tx, iab)] == ["alice", "bob", "carol"]


def mails(store: Store) -> list[tuple[str, EmailMessage]]:
    """What is in the queue: to whom, and the mail; the oldest first."""
    with store.read(SITE) as tx:
        found = sorted(administration.every(tx), key=lambda one: one.id)
        return [
            (one.recipients[0].address, email.message_from_bytes(queue.body(tx, one.id), policy=default))  # type: ignore[misc]
            for one in found
        ]


def test_letters_go_out_by_mail_from_the_admin(store: Store, alice: Actor, iab: Principal) -> None:
    """GRP-09; they are mails of his day (SMTP-05), and nobody writes who may not send (SMTP-03)."""
    with store.write(SITE) as tx:
        plans.add(tx, "three", [], {"smtp_messages_per_day": 3})
        plans.assign(tx, alice.id, "three")
    with store.write(alice) as tx:
        letters = invitations.invite(tx, iab, "a@x.test; b@x.test", language="de", link_base=BASE)
        assert invitation_mail.send(tx, groups.sheet(tx, iab), letters) == 2
    (to, first), (_, second) = mails(store)
    assert to == "a@x.test"
    assert (first["From"], first["To"]) == ("Alice <alice@example.test>", "a@x.test")
    assert "lädt Sie" in first["Subject"]
    assert letters[0].link in first.get_content()
    assert letters[1].link in second.get_content()
    with store.write(alice) as tx:
        more = invitations.invite(tx, iab, "c@x.test; d@x.test", link_base=BASE)
        with pytest.raises(Refused):
            invitation_mail.send(tx, groups.sheet(tx, iab), more)
    with store.write(SITE) as tx:
        sending.set_blocked(tx, alice.id, blocked=True)
    with store.write(alice) as tx, pytest.raises(Refused):
        invitation_mail.send(tx, groups.sheet(tx, iab), more[:1])
    with store.write(SITE) as tx:
        invitation_mail.send(tx, groups.sheet(tx, iab), more)
    assert len(mails(store)) == 4


def test_people_of_address_books_in_their_language(store: Store, alice: Actor, iab: Principal) -> None:
    """GRP-07, CON-30."""
    card = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{0}\r\nFN:{0}\r\nN:{0};;;;\r\n{1}END:VCARD\r\n"
    with store.write(alice) as tx:
        book = desk.contacts(tx, "alice")
        for name, lines in (
            ("Dora", "EMAIL;TYPE=INTERNET:dora@x.test\r\nX-ESCRITOIRE-LANG:fr\r\n"),
            ("Emil", "EMAIL:Emil@X.test\r\nEMAIL:other@x.test\r\nX-ESCRITOIRE-LANG:?!\r\n"),
            ("Nemo", "TEL:1\r\n"),
        ):
            items.put(tx, book, f"{name}.vcf", contacts.prepare(card.format(name, lines).encode()))
        cards = {name: items.get(tx, desk.contacts(tx, "alice"), f"{name}.vcf") for name in ("Dora", "Emil", "Nemo")}
        letters = invitations.invite_contacts(tx, iab, [cards["Dora"], cards["Emil"]], link_base=BASE)
        assert [(one.invitation.address, one.invitation.name) for one in letters] == [
            ("dora@x.test", "Dora"),
            ("emil@x.test", "Emil"),
        ]
        assert "Bonjour Dora" in letters[0].text
        assert "Hello Emil" in letters[1].text
        (chosen,) = invitations.invite_contacts(tx, iab, [cards["Dora"]], language="nl", link_base=BASE)
        assert "Dag Dora" in chosen.text
        with pytest.raises(Refused):
            invitations.invite_contacts(tx, iab, [cards["Emil"], cards["Nemo"]], link_base=BASE)


def test_declining_needs_no_account_and_the_admin_is_told(store: Store, alice: Actor, iab: Principal) -> None:
    with store.write(SITE) as tx:
        preferences.set_language(tx, desk.principal(store, "alice"), "fr")
    with store.write(alice) as tx:
        (letter,) = invitations.invite(tx, iab, "a@x.test", link_base=BASE)
    with store.read(PUBLIC) as tx:  # as the page does: PostgreSQL lets nobody lock a row here
        found = invitations.offer(tx, letter.token)
    with store.write(PUBLIC) as tx:
        assert (found.group, found.admin, found.address) == ("IAB", "Alice", "a@x.test")
        invitations.decline(tx, letter.token)
        for dead in (invitations.decline, invitations.offer):
            with pytest.raises(NotFound):
                dead(tx, letter.token)
    ((to, mail),) = mails(store)
    assert to == "alice@example.test"
    assert "a@x.test a décliné" in mail.get_content()


def test_so_many_at_once_and_no_more(store: Store, alice: Actor, iab: Principal) -> None:
    many = ";".join(f"g{number}@x.test" for number in range(invitations.ADDRESSES_AT_ONCE + 1))
    with store.write(alice) as tx, pytest.raises(LimitReached):
        invitations.invite(tx, iab, many, link_base=BASE)
