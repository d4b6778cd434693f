"""Some messages that follow one another in a mailbox; many copies of the mailbox may share them (messages.py)."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence

from storage.mail.types import State

_Later = Mapping[str, tuple[str, int]]
"""What becomes of flags, and the change number that goes with it."""


class Part:
    """Messages by uid; its owner alone changes it in place.

    When flags change by text, the states are made up only when somebody looks at them: thousands of messages are
    flagged at once more often than they are read, and making a state takes longer than all the rest.
    """

    __slots__ = ("_amounts", "_now", "modseq", "owner", "uids")

    def __init__(self, states: list[State], owner: object) -> None:
        self._now: tuple[list[State], _Later] = states, {}
        """Messages, and how their flags have changed since."""
        self._amounts: Mapping[str, int] | None = None
        self.uids: list[int] = [state.uid for state in states]
        self.modseq = max([state.modseq for state in states], default=0)
        """No message here has a higher one."""
        self.owner = owner

    def copy(self, owner: object) -> Part:
        """The same, for somebody else to change."""
        made = Part([], owner)
        states, later = self._now
        made._now = states.copy(), later
        made._amounts, made.uids, made.modseq = self._amounts, self.uids.copy(), self.modseq
        return made

    @property
    def states(self) -> list[State]:
        """Not to be changed by others."""
        states, later = self._now
        if later:
            make = tuple.__new__  # `_replace` takes ten times as long
            states = [
                state if (now := later.get(state[2])) is None else make(State, (state[0], now[1], now[0], *state[3:]))
                for state in states
            ]
            self._now = states, {}  # whoever else does this at the same time finds the same
        return states

    @property
    def flags(self) -> list[str]:
        """The flags of each."""
        states, later = self._now
        if not later:
            return [state[2] for state in states]
        now = {old: text for old, (text, _) in later.items()}
        return [now.get(flags, flags) for flags in [state[2] for state in states]]

    @property
    def amounts(self) -> Mapping[str, int]:
        """How many have which flags."""
        if self._amounts is None:
            self._amounts = Counter(self.flags)
        return self._amounts

    def place(self, uid: int) -> int | None:
        """Where a message is."""
        index = bisect_left(self.uids, uid)
        return index if index < len(self.uids) and self.uids[index] == uid else None

    def put(self, index: int, state: State) -> None:
        """Another state of a message."""
        self.states[index] = state
        self.modseq = max(self.modseq, state.modseq)
        self._amounts = None

    def extend(self, states: Sequence[State]) -> None:
        """More messages behind the others."""
        self.states.extend(states)
        self.uids.extend([state.uid for state in states])
        self.modseq = max([self.modseq, *(state.modseq for state in states)])
        self._amounts = None

    def remove(self, indexes: Sequence[int]) -> None:
        """Take out those at ascending places."""
        states = self.states
        for index in reversed(indexes):
            del states[index], self.uids[index]
        self._amounts = None

    def change(self, fresh: Mapping[str, str], modseq: int) -> None:
        """Give all with these flags other ones and this number."""
        amounts: Counter[str] = Counter()
        for text, amount in self.amounts.items():
            amounts[fresh.get(text, text)] += amount
        self._amounts = amounts
        states, later = self._now
        done = {old: (fresh[text], modseq) if text in fresh else (text, since) for old, (text, since) in later.items()}
        self._now = states, {old: (new, modseq) for old, new in fresh.items()} | done
        self.modseq = modseq
