"""Invitations: letters, single-use links, 30 days, sending again, withdrawing (GRP-07…10, GRP-18)."""

from __future__ import annotations

import pytest

from storage import groups, invitations, plans, principals
from storage.errors import Denied, Exists, LimitReached, NotFound, Refused
from storage.store import Store
from storage.types import SITE, Actor, Principal
from tests.storage import desk

BASE = "https://desk.example.test/portal/join?token="


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
