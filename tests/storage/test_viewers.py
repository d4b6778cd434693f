"""What belongs to the viewer and not to the item: alarms, colours, categories (SYS-08, CAL-05, CAL-15, CON-13)."""

from __future__ import annotations

import itertools
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage import collections, grants, items
from storage.errors import Denied, NotFound, StorageError
from storage.store import Store
from storage.types import Actor, ModSeq, Right, SpaceKind, Tool, View, Written
from tests.storage import bodies, desk


def _put(store: Store, who: Actor, space: str, body: bytes, name: str = "a", where: str = "events") -> Written:
    with store.write(who) as tx:
        return bodies.put(tx, bodies.find(tx, space, where), name, body)


def _read(store: Store, who: Actor, space: str, name: str = "a", where: str = "events") -> tuple[bytes, str, ModSeq]:
    """Body, validator, and the collection's token; sizes are right on the way."""
    with store.read(who) as tx:
        here = bodies.find(tx, space, where)
        item = items.get(tx, here, name)
        assert item.body is not None
        assert item.size == len(item.body)
        assert [row.etag for row in items.rows(tx, here) if row.name == name] == [item.etag]
        return item.body, item.etag, here.modseq


def _allow(store: Store, owner: Actor, space: str, right: Right, where: str = "events") -> None:
    with store.write(owner) as tx:
        grants.grant(tx, bodies.find(tx, space, where), desk.principal(store, "bob"), right)


def test_the_owner_keeps_his_alarms_when_another_writes(store: Store, alice: Actor, bob: Actor) -> None:
    """SYS-08: bob neither sees nor removes alice's alarm and colour, and she does not get his."""
    _allow(store, alice, "alice", Right.SEE | Right.EDIT)
    _put(store, alice, "alice", bodies.event("u", alarm=5, color="red"))
    plain, _, _ = _read(store, bob, "alice")
    assert plain == bodies.event("u")
    _put(store, bob, "alice", bodies.event("u", summary="Lunch", alarm=30, color="blue"))
    hers, _, _ = _read(store, alice, "alice")
    his, _, _ = _read(store, bob, "alice")
    assert (b"-PT5M" in hers, b"-PT30M" in hers, b"COLOR:red" in hers, b"Lunch" in hers) == (True, False, True, True)
    assert his == bodies.event("u", summary="Lunch", alarm=30, color="blue")


def test_the_owner_without_alarms_any_more(store: Store, alice: Actor, bob: Actor) -> None:
    """An alarm that the owner removed does not stand in the way of another's edit."""
    _allow(store, alice, "alice", Right.SEE | Right.EDIT)
    _put(store, alice, "alice", bodies.event("u", alarm=5))
    _put(store, alice, "alice", bodies.event("u"))
    _put(store, bob, "alice", bodies.event("u", summary="Lunch", alarm=7))
    assert _read(store, alice, "alice")[0] == bodies.event("u", summary="Lunch")
    assert b"-PT7M" in _read(store, bob, "alice")[0]


def test_an_alarm_needs_only_to_see(store: Store, alice: Actor, bob: Actor) -> None:
    """SYS-08: "needs only the see right", and moves nobody else's validator or token."""
    _put(store, alice, "alice", bodies.event("u"))
    with pytest.raises(Denied):
        _put(store, bob, "alice", bodies.event("u", alarm=5))
    _allow(store, alice, "alice", Right.SEE)
    before, mine = _read(store, alice, "alice"), _read(store, bob, "alice")
    written = _put(store, bob, "alice", bodies.event("u", alarm=5))
    after = _read(store, bob, "alice")
    assert written.same_octets
    assert (after[0], after[1]) == (bodies.event("u", alarm=5), written.etag)
    assert after[1] != mine[1]
    assert after[2] > mine[2]
    assert _read(store, alice, "alice") == before
    with pytest.raises(Denied):
        _put(store, bob, "alice", bodies.event("u", summary="other", alarm=5))
    _put(store, bob, "alice", bodies.event("u"))
    assert _read(store, bob, "alice")[:2] == mine[:2]


def test_a_client_that_renews_its_stamps_changes_only_its_alarm(store: Store, alice: Actor, bob: Actor) -> None:
    _allow(store, alice, "alice", Right.SEE)
    _put(store, alice, "alice", bodies.event("u"))
    written = _put(store, bob, "alice", bodies.event("u", stamp="20250202T000000Z", alarm=5))
    assert not written.same_octets  # the stamp is not his to change
    assert _read(store, bob, "alice")[0] == bodies.event("u", alarm=5)


def test_alarms_of_group_events(store: Store, alice: Actor, bob: Actor) -> None:
    """CAL-15: each keeps his own, the creator included."""
    _put(store, alice, "IAB", bodies.event("u", alarm=5))
    assert _read(store, bob, "IAB")[0] == bodies.event("u")
    _put(store, bob, "IAB", bodies.event("u", alarm=9))
    assert _read(store, alice, "IAB")[0] == bodies.event("u", alarm=5)
    assert _read(store, bob, "IAB")[0] == bodies.event("u", alarm=9)
    _put(store, alice, "IAB", bodies.event("u", summary="Moved", alarm=5))
    his, _, _ = _read(store, bob, "IAB")
    assert (b"SUMMARY:Moved" in his, b"-PT9M" in his, b"-PT5M" in his) == (True, True, False)


@pytest.mark.parametrize("space", ["alice", "IAB"])
def test_categories_belong_to_who_set_them(store: Store, alice: Actor, bob: Actor, space: str) -> None:
    """CON-13: two members see different categories on the same contact; CON-14: removals count."""
    if space == "alice":
        _allow(store, alice, "alice", Right.SEE, "contacts")
    _put(store, alice, space, bodies.card("u", categories="Family"), "c", "contacts")
    assert _read(store, bob, space, "c", "contacts")[0] == bodies.card("u")
    before = _read(store, alice, space, "c", "contacts")
    assert _put(store, bob, space, bodies.card("u", categories="Work,Golf"), "c", "contacts").same_octets
    assert _read(store, bob, space, "c", "contacts")[0] == bodies.card("u", categories="Work,Golf")
    assert _read(store, alice, space, "c", "contacts") == before
    _put(store, bob, space, bodies.card("u"), "c", "contacts")
    assert _read(store, bob, space, "c", "contacts")[0] == bodies.card("u")
    _put(store, alice, space, bodies.card("u", "Countess", "Family"), "c", "contacts")
    assert b"CATEGORIES" not in _read(store, bob, space, "c", "contacts")[0]


def test_an_override_by_the_owner_lengthens_another_viewers_body(store: Store, alice: Actor, bob: Actor) -> None:
    """A viewer's alarm rings for an instance that was moved meanwhile: his listing says the octets he will read."""
    rule = "RRULE:FREQ=DAILY;COUNT=5\r\n"
    moved = (
        "BEGIN:VEVENT\r\nUID:u\r\nDTSTAMP:20250101T000000Z\r\nRECURRENCE-ID:20250602T100000Z\r\n"
        "DTSTART:20250602T120000Z\r\nSUMMARY:Tea\r\nEND:VEVENT\r\n"
    )
    _allow(store, alice, "alice", Right.SEE)
    _put(store, alice, "alice", bodies.event("u", more=rule))
    _put(store, bob, "alice", bodies.event("u", more=rule, alarm=5))
    _put(store, alice, "alice", bodies.event("u", more=rule, overrides=moved))
    assert _read(store, bob, "alice")[0].count(b"BEGIN:VALARM") == 2


def test_a_block_has_a_validator_of_its_own(store: Store, alice: Actor, bob: Actor) -> None:
    """CAL-07: the validator of the details would confirm guesses; the block's changes with the block alone."""
    _put(store, alice, "alice", bodies.event("u", summary="Surgery"))
    block = _read(store, bob, "alice")
    assert b"Surgery" not in block[0]
    assert b"UID:u\r\n" not in block[0]
    _put(store, alice, "alice", bodies.event("u", summary="Holiday"))
    _put(store, alice, "alice", bodies.event("u", summary="Holiday", alarm=5))
    assert _read(store, bob, "alice")[:2] == block[:2]
    _put(store, alice, "alice", bodies.event("u", start="DTSTART:20250603T100000Z"))
    assert _read(store, bob, "alice")[1] != block[1]
    assert _read(store, alice, "alice")[1][:30] not in _read(store, bob, "alice")[1]


def test_an_opened_event_among_blocks(store: Store, alice: Actor, bob: Actor) -> None:
    """CAL-10: details of the granted event and stubs for the rest."""
    for name in ("a", "b"):
        _put(store, alice, "alice", bodies.event(name, summary=f"About {name}"), name)
    with store.write(alice) as tx:
        grants.grant(tx, desk.events(tx, "alice"), desk.principal(store, "bob"), Right.SEE, "a")
    with store.read(bob) as tx:
        views = {item.name: item.view for item in items.listing(tx, desk.events(tx, "alice"))}
    assert views == {"a": View.FULL, "b": View.BUSY}
    assert b"About a" in _read(store, bob, "alice", "a")[0]
    assert b"About b" not in _read(store, bob, "alice", "b")[0]


_step = st.tuples(
    st.sampled_from(("alice", "bob")),
    st.sampled_from(("s1", "s2")),
    st.integers(0, 2),
    st.sampled_from(("20250101T000000Z", "20250202T000000Z")),
    st.sampled_from(("", "CONFIDENTIAL")),
)
_count = itertools.count()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("space", "tool"), [("alice", Tool.CALENDAR), ("IAB", Tool.CALENDAR), ("alice", Tool.CONTACTS)]
)
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(_step, min_size=3, max_size=12), right=st.sampled_from((Right.SEE, Right.SEE | Right.EDIT)))
def test_answers_and_validators_are_true(
    store: Store, space: str, tool: Tool, steps: list[tuple[str, str, int, str, str]], right: Right
) -> None:
    """Whenever `same_octets` is said, a GET gives these octets; a validator changes when, and only when, the body does."""
    people = {name: desk.actor(store, name) for name in ("alice", "bob")}
    where = f"v{next(_count)}"
    with store.write(people["alice"]) as tx:
        kind = SpaceKind.GROUP if space == "IAB" else SpaceKind.PRIVATE
        here = collections.create(tx, kind, space, where, tool, components=("VEVENT",) if tool is Tool.CALENDAR else ())
        with suppress(StorageError):
            grants.grant(tx, here, desk.principal(store, "bob"), right & Right.EDIT if space == "IAB" else right)
    known: dict[str, tuple[bytes, str, ModSeq]] = {}
    validators: dict[tuple[str, str], bytes] = {}
    for who, summary, own, stamp, klass in steps:
        if tool is Tool.CONTACTS:
            body = bodies.card("u", summary, ",".join("xyz"[:own]))
        else:
            body = bodies.event("u", summary=summary, alarm=own, stamp=stamp, klass=klass)
        try:
            written = _put(store, people[who], space, body, "a", where)
        except StorageError:
            written = None
        for login, person in people.items():
            try:
                found = _read(store, person, space, "a", where)
            except NotFound:
                continue
            assert validators.setdefault((login, found[1]), found[0]) == found[0]
            before = known.get(login)
            if before is not None:
                assert (before[0] == found[0]) is (before[1] == found[1])
                assert before[2] == found[2] or written is not None
                assert before[2] < found[2] or before[0] == found[0]
            known[login] = found
            if written is not None and login == who:
                assert written.etag == found[1]
                assert not written.same_octets or found[0] == body
