"""What a process holds of a mailbox after changes, few or many, is what the mailbox holds (IMAP-02, RFC 7162 §3.2.5)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from servers.imap.view import Listed, _merged_whole, merged
from storage.mail.types import State


def state(uid: int, modseq: int = 1) -> State:
    return State(uid, modseq, "", 1, 1, 1, 1)


@given(st.sets(st.integers(1, 30)), st.sets(st.integers(1, 40)), st.sets(st.integers(1, 40)))
def test_few_changes_as_many(present: set[int], touched: set[int], gone: set[int]) -> None:
    last = max(present, default=0)
    known = Listed.of([state(uid) for uid in sorted(present)])
    changed = [state(uid, 2) for uid in sorted(touched - gone) if uid in present or uid > last]
    before = known.copy()
    found = merged(known, changed, sorted(gone))
    assert known == before  # others look at it
    assert found == _merged_whole(known, changed, sorted(gone))
    assert found.uids == [one.uid for one in found.states]
    assert found.uids == sorted((present | {one.uid for one in changed}) - gone)


def test_nothing_changed() -> None:
    known = Listed.of([state(1)])
    assert merged(known, [], []) is known


def test_many_changes() -> None:
    known = Listed.of([state(uid) for uid in range(1, 1_001)])
    found = merged(known, [state(uid, 2) for uid in range(2, 1_002, 2)], list(range(1, 1_001, 2)))
    assert found.uids == list(range(2, 1_001, 2))
    assert {one.modseq for one in found.states} == {2}
