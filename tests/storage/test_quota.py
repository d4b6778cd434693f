"""Limits of plans per space and tool; what is there stays (ACC-12, ACC-21, GRP-16, RFC 4331)."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import sqlalchemy as sa

from storage import items, quota
from storage.errors import LimitReached, OverQuota
from storage.plans import LIMITS
from storage.schema import accounts, collections, plans
from storage.store import Store
from storage.types import SITE, Actor, Principal, Tool
from tests.storage import desk


def _plan(store: Store, login: str, **limits: int) -> None:
    who = desk.principal(store, login)
    with store.write(SITE) as tx:
        values = {"name": f"small-{limits}", "gates": "[]", "limits": json.dumps(limits)}
        number = tx.db.execute(sa.insert(plans).values(values).returning(plans.c.id)).scalar_one()
        tx.db.execute(sa.update(accounts).where(accounts.c.id == who.id).values(plan_id=number))


def test_usage_counts_the_space_and_the_tool(store: Store, alice: Actor) -> None:
    _plan(store, "alice", contacts_max=5)
    with store.write(alice) as tx:
        book = desk.contacts(tx, "alice")
        desk.put(tx, book, "a.vcf", desk.card("a"))
        desk.put(tx, desk.events(tx, "alice"), "a.ics", desk.event("a"))
        assert quota.used(tx, book.space, Tool.CONTACTS) == quota.Usage(len(desk.card("a")), 1, None, 5)
        assert quota.used(tx, book.space, Tool.CALENDAR) == quota.Usage(len(desk.event("a")), 1, None, None)


def test_the_limit_is_named_and_only_additions_are_refused(store: Store, alice: Actor) -> None:
    with store.write(alice) as tx:
        for number in range(3):
            desk.put(tx, desk.contacts(tx, "alice"), f"{number}.vcf", desk.card(str(number)))
    _plan(store, "alice", contacts_max=2)  # a downgrade deletes nothing (ACC-21)
    with store.write(alice) as tx:
        book = desk.contacts(tx, "alice")
        with pytest.raises(LimitReached) as refused:
            desk.put(tx, book, "new.vcf", desk.card("new"))
        assert (refused.value.limit, refused.value.maximum) == ("contacts_max", 2)
        desk.put(tx, book, "0.vcf", desk.card("0", "A longer name"))
        items.delete(tx, book, "0.vcf")
        items.delete(tx, book, "1.vcf")
        desk.put(tx, book, "new.vcf", desk.card("new"))
        desk.put(tx, desk.events(tx, "alice"), "a.ics", desk.event("a"))


def test_a_group_has_the_full_capacity_of_its_admins_plan(store: Store, alice: Actor, iab: Principal) -> None:
    """GRP-16: in addition to the admin's own space, and whatever the other members' plans say."""
    _plan(store, "alice", contacts_max=1)
    with store.write(alice) as tx:
        desk.put(tx, desk.contacts(tx, "alice"), "a.vcf", desk.card("a"))
        desk.put(tx, desk.contacts(tx, "IAB"), "a.vcf", desk.card("a"))
        assert quota.used(tx, iab, Tool.CONTACTS).count == 1
        with pytest.raises(LimitReached):
            desk.put(tx, desk.contacts(tx, "IAB"), "b.vcf", desk.card("b"))


def test_octets_are_a_capacity(store: Store, alice: Actor) -> None:
    _plan(store, "alice", docs_bytes=1_000)
    with store.write(alice) as tx:
        book = desk.contacts(tx, "alice")
        tx.db.execute(
            sa.update(collections)
            .where(collections.c.id == book.id)
            .values(tool=Tool.DOCUMENTS.value, octets=900, item_count=1)
        )
        disk = replace(book, tool=Tool.DOCUMENTS)
        quota.check_add(tx, disk, 100, 1)
        quota.check_add(tx, disk, -50, 0)
        with pytest.raises(OverQuota):
            quota.check_add(tx, disk, 101, 1)
        usage = quota.used(tx, book.space, Tool.WIKI)  # one allowance for the whole disk
        assert (usage.octets, usage.available_octets) == (900, 100)


def test_every_limit_is_one_that_plans_know() -> None:
    for measure in quota.MEASURES.values():
        assert {measure.octets, measure.count} - {""} <= set(LIMITS)
