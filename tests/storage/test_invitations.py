"""Invitations: letters, single-use links, 30 days, sending again, withdrawing (GRP-07…10, GRP-18)."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
import sqlalchemy as sa

from storage import groups, invitation_mail, invitations, plans, principals
from storage.errors import Denied, Exists, LimitReached, NotFound, Refused
from storage.mail import sending
from storage.outbound import tables as outbound
from storage.store import Store
from storage.types import SITE, Actor, Principal
from tests.storage import desk

BASE = "https://desk.example.test/feeds/group/"


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


def test_invitations_go_by_mail(store: Store, alice: Actor, bob: Actor, iab: Principal) -> None:
    """GRP-07, GRP-08, GRP-09: from the admin, in the language chosen, to everybody or to nobody."""
    with store.write(alice) as tx:
        letters = invitations.invite(tx, iab, "gast@x.test", name="Zoë\r\nBcc: x@y.test", language="de", link_base=BASE)
        letters += invitations.invite(tx, iab, "b@x.test;c@x.test", language="fr", link_base=BASE)
        assert invitation_mail.send(tx, iab, letters) == "alice@example.test"
    mails = {str(one["To"]): one for one in sent(store)}
    assert sorted(mails) == ["\"Zoë Bcc: x@y.test\" <gast@x.test>", "b@x.test", "c@x.test"]
    for letter, mail in zip(letters, mails.values(), strict=True):
        assert (mail["From"], mail["Auto-Submitted"]) == ("Alice <alice@example.test>", "auto-generated")
        assert mail["Bcc"] is None
        assert letter.link in mail.get_content()
    assert [mail["Content-Language"] for mail in mails.values()] == ["de", "fr", "fr"]
    with store.write(SITE) as tx:
        plans.change(tx, plans.FULL, limits={"smtp_messages_per_day": 4})
        plans.change(tx, plans.FREE, limits={"smtp_messages_per_day": 4})
    with pytest.raises(sending.TooMany), store.write(alice) as tx:
        invitation_mail.send(tx, iab, invitations.invite(tx, iab, "d@x.test;e@x.test", link_base=BASE))
    with store.read(alice) as tx:
        assert len(invitations.pending(tx, iab)) == 3
    assert len(sent(store)) == 3


def sent(store: Store) -> list[EmailMessage]:
    """What waits in the queue, the oldest first."""
    with store.read(SITE) as tx:
        bodies = [row.body for row in tx.db.execute(sa.select(outbound.messages).order_by(outbound.messages.c.id))]
    return [message_from_bytes(body, policy=policy.default) for body in bodies]  # type: ignore[misc]
