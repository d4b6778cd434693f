"""Items: preconditions (SYS-06), names (SYS-13), creators (ACL-05), and what hidden ones must not betray (SYS-09)."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from storage import calendar, check, collections, grants, history, items, plans
from storage.errors import (
    Conflict,
    Denied,
    LimitReached,
    NotFound,
    Stale,
    StorageError,
    TooLarge,
    UidConflict,
    UnsupportedComponent,
    UnsupportedMedia,
)
from storage.schema import items as item_rows
from storage.store import Limits, Store, Transaction
from storage.types import ANY, SITE, Actor, Collection, Precondition, Right, SpaceKind, Tool, Written
from tests.storage import bodies, desk


def _put(
    store: Store, who: Actor, space: str, name: str, body: bytes, precondition: Precondition | None = None
) -> Written:
    book = body.startswith(b"BEGIN:VCARD")
    with store.write(who) as tx:
        here = bodies.find(tx, space, "contacts" if book else "events")
        return bodies.put(tx, here, name, body, precondition or Precondition())


def _get(store: Store, who: Actor, space: str, name: str) -> bytes | None:
    with store.read(who) as tx:
        return items.get(tx, bodies.find(tx, space, "events"), name).body


def _delete(store: Store, who: Actor, space: str, name: str, precondition: Precondition | None = None) -> None:
    with store.write(who) as tx:
        items.delete(tx, bodies.find(tx, space, "events"), name, precondition or Precondition())


def _allow(store: Store, owner: Actor, space: str, right: Right, item: str | None = None, to: str = "bob") -> None:
    with store.write(owner) as tx:
        grants.grant(tx, bodies.find(tx, space, "events"), desk.principal(store, to), right, item)


def test_what_was_put_is_read_to_the_octet(store: Store, alice: Actor) -> None:
    body = bodies.event("u1", more="X-UNKNOWN;X-P=1:kept\r\n", alarm=5, color="red")
    written = _put(store, alice, "alice", "a.ics", body)
    assert (written.created, written.same_octets) == (True, True)
    with store.read(alice) as tx:
        here = desk.events(tx, "alice")
        item = items.get(tx, here, "a.ics")
        assert (item.body, item.size, item.etag) == (body, len(body), written.etag)
        (row,) = items.rows(tx, here)
        (light,) = items.listing(tx, here)
        (brief,) = items.brief(tx, here)
        assert (row.name, row.etag, row.size, row.modseq) == ("a.ics", item.etag, item.size, item.modseq)
        assert (light.body, light.etag) == (None, item.etag)
        assert tuple(brief)[:2] == ("a.ics", item.etag)
        many = items.many(tx, here, ["a.ics", "absent", "a.ics"])
        assert {name: found.body for name, found in many.items()} == {"a.ics": body}
        assert (here.item_count, here.modseq) == (1, item.modseq)


def test_many_names_at_once(store: Store, alice: Actor, bob: Actor) -> None:
    with store.write(alice) as tx:
        here = desk.events(tx, "alice")
        for number in range(30):
            bodies.put(tx, here, f"n{number}", bodies.event(f"u{number}"))
    wanted = [f"n{number}" for number in range(1300)]
    for who in (alice, bob):
        with store.read(who) as tx:
            found = items.many(tx, desk.events(tx, "alice"), wanted, body=False)
            assert sorted(found) == sorted(f"n{number}" for number in range(30))


@pytest.mark.parametrize(
    ("precondition", "on_absent", "on_present"),
    [
        (Precondition(), True, True),
        (Precondition(none_match=ANY), True, False),
        (Precondition(match=ANY), False, True),
        (Precondition(match=frozenset({"stale"})), False, False),
        (Precondition(none_match=frozenset({"stale"})), True, True),
        (Precondition(schedule_tag="9"), False, False),
    ],
)
def test_preconditions(
    store: Store, alice: Actor, precondition: Precondition, on_absent: bool, on_present: bool
) -> None:
    """SYS-06, RFC 9110 §13: what the client read is what it overwrites, or nothing is written."""

    def holds(name: str, uid: str) -> bool:
        try:
            _put(store, alice, "alice", name, bodies.event(uid, summary="new"), precondition)
        except Stale:
            return False
        return True

    _put(store, alice, "alice", "there", bodies.event("u1"))
    assert holds("absent", "u2") is on_absent
    assert holds("there", "u1") is on_present


def test_an_etag_is_good_for_one_write(store: Store, alice: Actor) -> None:
    first = _put(store, alice, "alice", "a", bodies.event("u"))
    mine = Precondition(match=frozenset({first.etag}))
    _put(store, alice, "alice", "a", bodies.event("u", summary="mine"), mine)
    with pytest.raises(Stale):
        _put(store, alice, "alice", "a", bodies.event("u", summary="late"), mine)
    with pytest.raises(Stale):
        _delete(store, alice, "alice", "a", mine)
    assert b"mine" in (_get(store, alice, "alice", "a") or b"")


def test_schedule_tags(store: Store, alice: Actor) -> None:
    """RFC 6638 §3.2.10: only what has an ORGANIZER has one."""
    assert _put(store, alice, "alice", "a", bodies.event("a")).schedule_tag == ""
    meeting = "ORGANIZER:mailto:alice@example.test\r\n"
    tag = _put(store, alice, "alice", "m", bodies.event("m", more=meeting)).schedule_tag
    assert tag
    newer = _put(
        store, alice, "alice", "m", bodies.event("m", summary="x", more=meeting), Precondition(schedule_tag=tag)
    )
    assert newer.schedule_tag != tag


def test_one_uid_one_item(store: Store, alice: Actor) -> None:
    """RFC 4791 §5.3.2.1 `no-uid-conflict`: neither twice, nor another one under the same name."""
    _put(store, alice, "alice", "a", bodies.event("u"))
    with pytest.raises(UidConflict) as refused:
        _put(store, alice, "alice", "b", bodies.event("u"))
    assert refused.value.name == "a"
    with pytest.raises(UidConflict):
        _put(store, alice, "alice", "a", bodies.event("other"))
    _put(store, alice, "IAB", "a", bodies.event("u"))  # another collection
    _delete(store, alice, "alice", "a")
    _put(store, alice, "alice", "b", bodies.event("u"))


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\0b", "a\nb", "a\x7fb", "x" * 256, "ä" * 128])
def test_impossible_names(store: Store, alice: Actor, name: str) -> None:
    with pytest.raises(Conflict):
        _put(store, alice, "alice", name, bodies.event("u"))


def test_names_are_nfc_however_they_are_spelt(store: Store, alice: Actor) -> None:
    """SYS-13."""
    _put(store, alice, "alice", "Cafe\u0301.ics", bodies.event("u"))
    _put(store, alice, "alice", "Caf\u00e9.ics", bodies.event("u", summary="again"))
    assert b"again" in (_get(store, alice, "alice", "Cafe\u0301.ics") or b"")
    with store.read(alice) as tx:
        assert [row.name for row in items.rows(tx, desk.events(tx, "alice"))] == ["Caf\u00e9.ics"]
    _delete(store, alice, "alice", "Cafe\u0301.ics")


def test_large_bodies_lie_in_the_blob_store(store: Store, alice: Actor) -> None:
    large = bodies.event("u", more=f"DESCRIPTION:{'x' * 70_000}\r\n")
    assert _put(store, alice, "alice", "a", large).same_octets
    with store.read(alice) as tx:
        row = tx.db.execute(sa.select(item_rows)).one()
        assert (row.body, store.blobs.read(row.blob)) == (None, large)
    assert _get(store, alice, "alice", "a") == large
    small = bodies.event("u")
    _put(store, alice, "alice", "a", small)
    assert _get(store, alice, "alice", "a") == small
    with store.read(alice) as tx:
        here = desk.events(tx, "alice")
        (kept,) = history.listing(tx, here, "a")
        assert history.read(tx, here, kept.id) == large


def test_what_is_replaced_or_removed_is_kept(store: Store, alice: Actor) -> None:
    """SYS-06, also where only an alarm changed: the body is gone from the item all the same."""
    versions = [bodies.event("u", alarm=number) for number in (5, 10)] + [bodies.event("u", summary="new")]
    for body in versions:
        _put(store, alice, "alice", "a", body)
    _delete(store, alice, "alice", "a")
    with store.read(alice) as tx:
        here = desk.events(tx, "alice")
        kept = [history.read(tx, here, version.id) for version in history.listing(tx, here, "a")]
        assert kept == versions[::-1]
        assert (here.item_count, next(version.removed for version in history.listing(tx, here))) == (0, True)


def test_wrong_kinds_are_refused(store: Store, alice: Actor) -> None:
    with pytest.raises(UnsupportedComponent):
        _put(store, alice, "alice", "a", bodies.thing("VTODO", "u"))
    prepared = calendar.prepare(bodies.event("u"))
    with pytest.raises(UnsupportedMedia), store.write(alice) as tx:
        items.put(tx, desk.contacts(tx, "alice"), "a", prepared)


def test_too_large(url: str, store: Store, alice: Actor) -> None:
    small = Store.open(url, store.blobs.root, limits=Limits(resource_octets=500))
    with pytest.raises(TooLarge) as refused:
        _put(small, alice, "alice", "a", bodies.event("u", more=f"DESCRIPTION:{'x' * 500}\r\n"))
    assert refused.value.maximum == 500
    small.close()


def test_the_plan_limits_contacts(store: Store, alice: Actor) -> None:
    """ACC-12 `contacts_max`; what is there may still be changed (ACC-21)."""
    with store.write(SITE) as tx:
        plans.add(tx, "tiny", (), {"contacts_max": 1})
        plans.assign(tx, alice.id, "tiny")
    _put(store, alice, "alice", "a", bodies.card("u"))
    with pytest.raises(LimitReached) as refused:
        _put(store, alice, "alice", "b", bodies.card("v"))
    assert (refused.value.limit, refused.value.maximum) == ("contacts_max", 1)
    _put(store, alice, "alice", "a", bodies.card("u", "Longer Name"))


def test_counters_follow(store: Store, alice: Actor) -> None:
    _put(store, alice, "alice", "a", bodies.event("a", alarm=5))
    _put(store, alice, "alice", "a", bodies.event("a", alarm=50, summary="longer by far"))
    _put(store, alice, "alice", "a", bodies.event("a", summary="longer by far"))
    _put(store, alice, "alice", "b", bodies.event("b"))
    _delete(store, alice, "alice", "b")
    with store.read(SITE) as tx:
        assert check.run(tx) == []


# --- rights of creators (ACL-05, CAL-14, CON-10) ------------------------------------------------------------


def test_the_creator_edits_but_does_not_delete(store: Store, alice: Actor, bob: Actor) -> None:
    """ACL-05, CAL-14: a DELETE is refused though he added it himself."""
    for space in ("alice", "IAB"):
        with pytest.raises(Denied):
            _put(store, bob, space, "b", bodies.event("b"))
        _allow(store, alice, space, Right.ADD)
        _put(store, bob, space, "b", bodies.event("b"))
        _put(store, bob, space, "b", bodies.event("b", summary="by its creator"))
        with pytest.raises(Denied) as refused:
            _delete(store, bob, space, "b")
        assert refused.value.missing is Right.DELETE
        _put(store, alice, space, "a", bodies.event("a"))
        with pytest.raises(Denied):
            _put(store, bob, space, "a", bodies.event("a", summary="by somebody else"))
        _allow(store, alice, space, Right.DELETE)
        _delete(store, bob, space, "b")
        _delete(store, bob, space, "a")


def test_the_admin_deletes_but_does_not_edit(store: Store, alice: Actor, bob: Actor) -> None:
    """ACL-06."""
    _allow(store, alice, "IAB", Right.ADD)
    _put(store, bob, "IAB", "b", bodies.event("b"))
    with pytest.raises(Denied):
        _put(store, alice, "IAB", "b", bodies.event("b", summary="by the admin"))
    _delete(store, alice, "IAB", "b")


def test_who_adds_contacts_edits_his_own(store: Store, alice: Actor, bob: Actor) -> None:
    """CON-10."""
    with store.write(alice) as tx:
        grants.grant(tx, desk.contacts(tx, "alice"), desk.principal(store, "bob"), Right.SEE | Right.ADD)
        bodies.put(tx, desk.contacts(tx, "alice"), "a", bodies.card("a"))
    _put(store, bob, "alice", "b", bodies.card("b"))
    _put(store, bob, "alice", "b", bodies.card("b", "Bee"))
    with pytest.raises(Denied):
        _put(store, bob, "alice", "a", bodies.card("a", "Eh"))
    with pytest.raises(Denied), store.write(bob) as tx:
        items.delete(tx, desk.contacts(tx, "alice"), "b")


def test_a_stranger_finds_nothing(store: Store, alice: Actor, carol: Actor) -> None:
    _put(store, alice, "alice", "a", bodies.event("a"))
    for space in ("alice", "IAB"):
        with pytest.raises(NotFound):
            _get(store, carol, space, "a")
        with pytest.raises(NotFound):
            _put(store, carol, space, "a", bodies.event("a"))


# --- hidden names (SYS-09) ----------------------------------------------------------------------------------


def _words(action: Callable[[], object]) -> tuple[str, str, str, str]:
    """All that a refusal says."""
    try:
        action()
    except StorageError as error:
        fields = (str(getattr(error, "missing", "")), str(getattr(error, "on", "")), str(getattr(error, "name", "")))
        return (type(error).__name__ + str(error).replace("secret", "NAME").replace("nothing", "NAME"), *fields)
    return ("", "", "", "")


_PRECONDITIONS = (
    Precondition(),
    Precondition(match=ANY),
    Precondition(none_match=ANY),
    Precondition(match=frozenset({"x"})),
    Precondition(schedule_tag="1"),
)


@pytest.mark.parametrize("right", [Right.NONE, Right.SEE | Right.EDIT | Right.DELETE])
def test_a_private_name_is_as_good_as_none(store: Store, alice: Actor, bob: Actor, right: Right) -> None:
    """SYS-09: GET, PUT and DELETE say the same of a hidden name as of one that is not there."""
    _put(store, alice, "alice", "secret", bodies.event("u-secret", klass="PRIVATE"))
    if right:
        _allow(store, alice, "alice", right)
    actions: list[Callable[[str, Precondition], object]] = [
        lambda name, _: _get(store, bob, "alice", name),
        lambda name, asked: _delete(store, bob, "alice", name, asked),
        lambda name, asked: _put(store, bob, "alice", name, bodies.event("u-new"), asked),
        lambda name, asked: _put(store, bob, "alice", name, bodies.event("u-secret"), asked),
    ]
    for action, asked in itertools.product(actions, _PRECONDITIONS):
        hidden = _words(functools.partial(action, "secret", asked))
        assert hidden == _words(functools.partial(action, "nothing", asked))
        assert hidden[0]


def test_who_may_add_is_refused_in_the_words_of_a_missing_right(store: Store, alice: Actor, bob: Actor) -> None:
    _put(store, alice, "alice", "secret", bodies.event("u-secret", klass="PRIVATE"))
    _allow(store, alice, "alice", Right.ADD)
    with pytest.raises(Denied) as refused:
        _put(store, bob, "alice", "secret", bodies.event("u-new"))
    assert (refused.value.missing, refused.value.on) == (Right.ADD, "alice/private/events")
    with pytest.raises(UidConflict) as conflict:
        _put(store, bob, "alice", "new", bodies.event("u-secret"))
    assert conflict.value.name == ""


def test_a_busy_block_does_not_say_whose_uid_it_is(store: Store, alice: Actor, bob: Actor) -> None:
    """CAL-07: nothing but times, so also no answer to "is this the event of that UID?"."""
    _put(store, alice, "alice", "a", bodies.event("u"))
    with pytest.raises(Denied):
        _put(store, bob, "alice", "b", bodies.event("u"))
    with pytest.raises(Denied):
        _put(store, bob, "alice", "a", bodies.event("u"))
    _allow(store, alice, "alice", Right.ADD)
    with pytest.raises(UidConflict) as conflict:
        _put(store, bob, "alice", "b", bodies.event("u"))
    assert conflict.value.name == ""


def test_a_confidential_event_without_a_block_is_hidden(store: Store, alice: Actor, bob: Actor) -> None:
    """CAL-06: busy only, also for holders of "see details"; a cancelled one takes no time."""
    _allow(store, alice, "alice", Right.SEE | Right.EDIT)
    _put(store, alice, "alice", "a", bodies.event("a", klass="CONFIDENTIAL", summary="Surgery"))
    assert b"Surgery" not in (_get(store, bob, "alice", "a") or b"Surgery")
    _put(store, alice, "alice", "a", bodies.event("a", klass="CONFIDENTIAL", summary="Surgery", status="CANCELLED"))
    with pytest.raises(NotFound):
        _get(store, bob, "alice", "a")


def test_hiding_it_from_oneself(store: Store, alice: Actor, bob: Actor) -> None:
    """ACL-24 holds for its creator too: nothing of the answer claims that he can read it back."""
    _allow(store, alice, "alice", Right.ADD)
    assert not _put(store, bob, "alice", "p", bodies.event("p", klass="PRIVATE")).same_octets
    with pytest.raises(NotFound):
        _get(store, bob, "alice", "p")
    assert _get(store, alice, "alice", "p")


def test_extra_collections_take_what_they_say(store: Store, alice: Actor) -> None:
    with store.write(alice) as tx:
        mixed: Collection = collections.create(tx, SpaceKind.PRIVATE, "alice", "mixed", Tool.CALENDAR)
        for component in ("VEVENT", "VTODO", "VJOURNAL"):
            bodies.put(tx, mixed, component, bodies.thing(component, component))
        assert {row.component for row in items.rows(tx, mixed)} == {"VEVENT", "VTODO", "VJOURNAL"}


def test_the_site_administrator_writes_as_the_owner(store: Store, alice: Actor) -> None:
    """ACC-20: at the command line, alarms included."""
    for number in (0, 5, 9):
        _put(store, SITE, "alice", "a", bodies.event("a", alarm=number))
        _put(store, SITE, "IAB", "a", bodies.event("a", alarm=number))
    assert b"-PT9M" in (_get(store, alice, "alice", "a") or b"")
    assert b"VALARM" not in (_get(store, alice, "IAB", "a") or b"VALARM")


def test_a_body_that_comes_and_goes_in_one_transaction(store: Store, alice: Actor) -> None:
    def both(tx: Transaction) -> None:
        here = desk.events(tx, "alice")
        bodies.put(tx, here, "a", bodies.event("a"))
        items.delete(tx, here, "a")
        bodies.put(tx, here, "a", bodies.event("b"))

    with store.write(alice) as tx:
        both(tx)
    assert b"UID:b" in (_get(store, alice, "alice", "a") or b"")
