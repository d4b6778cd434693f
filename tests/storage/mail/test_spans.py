"""Sets of numbers as spans."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from storage.mail import mailboxes, searching
from storage.mail import query as ask
from storage.mail.flags import SEEN
from storage.mail.spans import Spans
from storage.mail.types import State
from storage.store import Store
from storage.types import Actor

_SPANS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)))


@given(_SPANS)
def test_spans_hold_what_each_of_them_holds(spans: list[tuple[int, int]]) -> None:
    """Whatever their order, and however they overlap; one that ends before it begins is empty."""
    found = Spans(spans)
    held = {number for first, last in spans for number in range(first, last + 1)}
    assert {number for number in range(-1, 32) if number in found} == held
    assert {number for first, last in found for number in range(first, last + 1)} == held
    assert all(before[1] < after[0] for before, after in pairwise(found))


def test_a_search_for_thousands_of_uids(store: Store, alice: Actor) -> None:
    """IMAP-02, SYS-17: every second uid of a large mailbox, among all; it took minutes when each was compared with each."""
    states = [State(uid, 1, "", 1, 1, 1, uid) for uid in range(1, 100_001)]
    odd = tuple((uid, uid) for uid in range(1, 100_001, 2))
    with store.read(alice) as tx:
        number = mailboxes.find(tx, "INBOX").id
        found = searching.search(tx, number, states, ask.And((ask.Uids(odd), ask.Flag(SEEN, False))))
    assert found == list(range(1, 100_001, 2))
