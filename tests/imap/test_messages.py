"""What a session holds of a mailbox is what happened in it, and nobody else's copy changes with it (IMAP-02)."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from servers.imap import messages
from servers.imap.messages import Messages
from storage.mail.types import State

FLAGS = st.sampled_from(["", "\\Seen", "\\Flagged", "\\Flagged \\Seen"])


def state(uid: int, modseq: int = 1) -> State:
    return State(uid, modseq, "", 1, 1, 1, 1)


class Copies(RuleBasedStateMachine):
    """A few mailboxes of small parts beside plain lists."""

    @initialize(count=st.integers(0, 30))
    def begin(self, count: int) -> None:
        self.modseq = 1
        self.look = True
        plain = [state(2 * uid) for uid in range(1, count + 1)]
        self.pairs = [(Messages(plain), plain)]

    def pair(self, chosen: int) -> tuple[Messages, list[State]]:
        self.modseq += 1
        self.look = True
        return self.pairs[chosen % len(self.pairs)]

    @rule(chosen=st.integers(0, 3))
    def copy(self, chosen: int) -> None:
        found, plain = self.pair(chosen)
        self.pairs = [*self.pairs[-2:], (found.copy(), plain.copy())]

    @rule(chosen=st.integers(0, 3), step=st.integers(1, 3))
    def append(self, chosen: int, step: int) -> None:
        found, plain = self.pair(chosen)
        new = state((plain[-1].uid if plain else 0) + step, self.modseq)
        found.append(new)
        plain.append(new)

    @rule(chosen=st.integers(0, 3), place=st.integers(0, 60), flags=FLAGS)
    def put(self, chosen: int, place: int, flags: str) -> None:
        found, plain = self.pair(chosen)
        if plain:
            place %= len(plain)
            plain[place] = plain[place]._replace(flags=flags, modseq=self.modseq)
            found.put(place, plain[place])

    @rule(
        chosen=st.integers(0, 3),
        first=st.integers(0, 60),
        count=st.integers(0, 60),
        fresh=st.dictionaries(FLAGS, FLAGS),
        look=st.booleans(),
    )
    def change(self, chosen: int, first: int, count: int, fresh: dict[str, str], look: bool) -> None:
        """Several in a row are not made up before somebody looks."""
        found, plain = self.pair(chosen)
        self.look = look
        first = min(first, len(plain))
        places = range(first, min(first + count, len(plain)))
        found.change(places, fresh, self.modseq)
        for place in places:
            if plain[place].flags in fresh:
                plain[place] = plain[place]._replace(flags=fresh[plain[place].flags], modseq=self.modseq)

    @rule(chosen=st.integers(0, 3), places=st.sets(st.integers(0, 60)))
    def remove(self, chosen: int, places: set[int]) -> None:
        found, plain = self.pair(chosen)
        there = sorted(place for place in places if place < len(plain))
        found.remove(there)
        plain[:] = [one for place, one in enumerate(plain) if place not in there]

    @rule(chosen=st.integers(0, 3), touched=st.sets(st.integers(1, 90)), gone=st.sets(st.integers(1, 90)))
    def update(self, chosen: int, touched: set[int], gone: set[int]) -> None:
        found, plain = self.pair(chosen)
        last = plain[-1].uid if plain else 0
        present = {one.uid for one in plain}
        changed = [state(uid, self.modseq) for uid in sorted(touched - gone) if uid in present or uid > last]
        found.update(changed, sorted(gone))
        now = {one.uid: one for one in plain if one.uid not in gone} | {one.uid: one for one in changed}
        plain[:] = [now[uid] for uid in sorted(now)]

    @invariant()
    def same(self) -> None:
        for found, plain in self.pairs:
            flags = [one.flags for one in plain]
            assert found.flags(range(len(plain))) == flags
            for first in (0, min(3, len(plain))):
                assert found.amounts(range(first, len(plain))) == Counter(flags[first:])
            if not self.look:
                continue
            uids = [one.uid for one in plain]
            assert (list(found), len(found), found.uids()) == (plain, len(plain), uids)
            assert found.last == (uids[-1] if uids else 0)
            assert [found[place] for place in range(-len(plain), len(plain))] == plain * 2
            assert [found.before(uid) for uid in range(100)] == [bisect_left(uids, uid) for uid in range(100)]
            assert [uid for uid in range(100) if found.place(uid) is not None] == [uid for uid in uids if uid < 100]
            assert [found.place(uid) for uid in uids] == list(range(len(uids)))
            for first, last in ((0, len(plain)), (3, 17), (5, 5), (len(plain) // 2, len(plain))):
                last = min(last, len(plain))
                assert found[first:last] == plain[first:last]
                since = self.modseq - 3
                wanted = [place for place in range(first, last) if plain[place].modseq > since]
                assert found.since(first, last, since) == wanted
                assert found.uids(range(first, last)) == uids[first:last]
                assert found.modseqs(range(first, last)) == [one.modseq for one in plain[first:last]]
                assert found.at(wanted) == [plain[place] for place in wanted]


@pytest.mark.slow
def test_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever happens to one, the others stay as they are."""
    monkeypatch.setattr(messages, "PART", 4)
    run_state_machine_as_test(Copies)


def test_there_is_no_such_place() -> None:
    found = Messages([state(1)])
    for place in (1, -2):
        with pytest.raises(IndexError):
            found[place]
    assert not Messages()
    assert Messages()[:] == []
