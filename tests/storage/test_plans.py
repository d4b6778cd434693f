"""Plans: gates, limits, whose plan counts for a group, and what a downgrade leaves alone (ACC-09…12, 21)."""

from __future__ import annotations

import pytest

from storage import groups, plans, principals
from storage.errors import Denied, Exists, GateClosed, LimitReached, NotFound, Refused
from storage.store import Store
from storage.types import SITE, Actor, Principal, SpaceKind
from tests.storage import desk


def test_free_and_full_are_there_from_the_start(store: Store, alice: Actor) -> None:
    with store.read(SITE) as tx:
        assert [plan.name for plan in plans.listing(tx)] == ["free", "full"]
        assert plans.find(tx, "free").gates == frozenset()
        assert plans.find(tx, "full").gates == frozenset(plans.GATES)
        assert plans.of(tx, alice.id).name == "full"  # DESIGN §3: an account gets `full`
    store.migrate()
    with store.read(SITE) as tx:
        assert len(plans.listing(tx)) == 2


def test_a_closed_gate_refuses_and_names_itself(store: Store, alice: Actor) -> None:
    with store.write(SITE) as tx:
        plans.allows(tx, alice.id, "imap")
        plans.assign(tx, alice.id, "free")
        with pytest.raises(GateClosed) as caught:
            plans.allows(tx, alice.id, "imap")
    assert caught.value.gate == "imap"


def test_a_group_has_the_plan_of_its_admin(store: Store, alice: Actor, bob: Actor, iab: Principal) -> None:
    """ACC-10, GRP-16, GRP-20: and of the new admin as soon as there is one."""
    with store.write(SITE) as tx:
        plans.add(tx, "small", [], {"docs_bytes": 10})
        plans.assign(tx, alice.id, "small")
        assert plans.limit(tx, iab.id, "docs_bytes") == 10
        assert plans.limit(tx, bob.id, "docs_bytes") is None
        groups.set_admin(tx, iab, principals.find(tx, SpaceKind.PRIVATE, "bob"))
        assert plans.limit(tx, iab.id, "docs_bytes") is None


def test_groups_max_counts_what_one_administers(store: Store, alice: Actor) -> None:
    """GRP-03, GRP-17; ACC-21: a lowered limit takes no group away."""
    with store.write(SITE) as tx:
        plans.assign(tx, alice.id, "free")  # one group, and alice has IAB
    with store.write(alice) as tx:
        with pytest.raises(LimitReached) as caught:
            groups.create(tx, "CHOIR")
        assert [one.group.name for one in groups.listing(tx)] == ["IAB"]
    assert (caught.value.limit, caught.value.maximum) == ("groups_max", 1)
    with store.write(SITE) as tx:
        plans.change(tx, "free", limits={"groups_max": None})
    with store.write(alice) as tx:
        assert groups.create(tx, "CHOIR").name == "CHOIR"


def test_group_members_max_is_of_the_admins_plan(store: Store, alice: Actor, iab: Principal) -> None:
    """GRP-18, ACC-21: those who are in stay in, nobody else comes in."""
    with store.write(SITE) as tx:
        plans.add(tx, "tiny", [], {"group_members_max": 1})
        plans.assign(tx, alice.id, "tiny")
        with pytest.raises(LimitReached) as caught:
            groups.add_member(tx, iab, principals.find(tx, SpaceKind.PRIVATE, "carol"))
        assert len(groups.members(tx, iab)) == 2
    assert caught.value.limit == "group_members_max"


def test_contacts_max_refuses_additions_only(store: Store, alice: Actor) -> None:
    """ACC-21: while usage exceeds the limit only additions are refused."""
    with store.write(alice) as tx:
        for number in range(3):
            desk.put(tx, desk.contacts(tx, "alice"), f"{number}.vcf", desk.card(f"uid-{number}"))
    with store.write(SITE) as tx:
        plans.add(tx, "two", [], {"contacts_max": 2})
        plans.assign(tx, alice.id, "two")
    with store.write(alice) as tx:
        with pytest.raises(LimitReached):
            desk.put(tx, desk.contacts(tx, "alice"), "new.vcf", desk.card("uid-new"))
        desk.put(tx, desk.contacts(tx, "alice"), "1.vcf", desk.card("uid-1", "Changed"))
        assert desk.contacts(tx, "alice").item_count == 3


def test_only_the_site_administrator_defines_and_assigns(store: Store, alice: Actor) -> None:
    with store.write(alice) as tx:
        for attempt in (
            lambda: plans.add(tx, "mine", [], {}),
            lambda: plans.change(tx, "free", open_gates=["imap"]),
            lambda: plans.assign(tx, alice.id, "free"),
            lambda: plans.remove(tx, "free"),
        ):
            with pytest.raises(Denied):
                attempt()


def test_mistakes_in_a_plan_are_refused(store: Store, alice: Actor) -> None:
    with store.write(SITE) as tx:
        with pytest.raises(Refused, match="no gate telepathy"):
            plans.add(tx, "x", ["telepathy"], {})
        with pytest.raises(Refused, match="no limit shoes"):
            plans.add(tx, "x", [], {"shoes": 2})
        with pytest.raises(Refused):
            plans.change(tx, "free", limits={"groups_max": -1})
        with pytest.raises(Refused):
            plans.change(tx, "free", limits={"shoes": None})
        with pytest.raises(Exists):
            plans.add(tx, "free", [], {})
        with pytest.raises(NotFound):
            plans.assign(tx, alice.id, "nothing")
        with pytest.raises(Refused):
            plans.remove(tx, "full")
        plans.add(tx, "x", ["imap"], {})
        plans.assign(tx, alice.id, "x")
        with pytest.raises(Refused):
            plans.remove(tx, "x")
        plans.assign(tx, alice.id, "full")
        plans.remove(tx, "x")
        with pytest.raises(NotFound):
            plans.find(tx, "x")


def test_gates_open_and_close(store: Store) -> None:
    with store.write(SITE) as tx:
        changed = plans.change(tx, "free", open_gates=["imap", "eas"], limits={"mail_bytes": 5})
        assert changed.gates == {"imap", "eas"}
        changed = plans.change(tx, "free", close_gates=["eas"])
        assert changed == plans.find(tx, "free")
        assert changed.gates == {"imap"}
        assert changed.limits["mail_bytes"] == 5
