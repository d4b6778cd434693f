"""All messages of a mailbox, in parts that copies share until one of them changes a part (docs/decisions/0281).

A session has its own picture of a mailbox, and the process has one that is up to date. With parts, a copy costs a
pointer for every few hundred messages, and a change the copy of one part: opening a mailbox of 100,000 messages after
one change costs what opening a small one does.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, chain
from typing import Final, Self, overload

from servers.imap.message_part import Part
from storage.mail.types import State

PART: Final = 512
"""Messages of a part when it is made; removals make it smaller."""


class Messages(Sequence[State]):
    """The messages by uid; places count from 0.

    Copies are independent of one another, in any threads; one `Messages` is changed by one thread at a time.
    """

    __slots__ = ("_count", "_owner", "_parts", "_starts")

    def __init__(self, states: Sequence[State] = ()) -> None:
        """`states` ascend by uid."""
        self._owner = object()
        self._parts: list[Part] = []
        self._starts: list[int] = []
        """The place of each part's first message."""
        self._count = 0
        self._extend(states)

    def copy(self) -> Self:
        """An independent copy: both share their parts, and from now on neither changes one of these in place."""
        made = type(self)()
        self._owner = object()
        made._parts, made._starts, made._count = self._parts.copy(), self._starts.copy(), self._count
        return made

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[State]:
        return chain.from_iterable([part.states for part in self._parts])

    @overload
    def __getitem__(self, place: int) -> State: ...
    @overload
    def __getitem__(self, place: slice) -> list[State]: ...
    def __getitem__(self, place: int | slice) -> State | list[State]:
        if isinstance(place, slice):
            return self.at(range(*place.indices(self._count)))
        if place < 0:
            place += self._count
        if not 0 <= place < self._count:
            raise IndexError(place)
        number = bisect_right(self._starts, place) - 1
        return self._parts[number].states[place - self._starts[number]]

    def at(self, places: Sequence[int]) -> list[State]:
        """Those at ascending places."""
        found: list[State] = []
        if isinstance(places, range) and places.step == 1:
            for number, low, high in self._spans(places.start, places.stop):
                found += self._parts[number].states[low:high]
            return found
        done = 0
        while done < len(places):
            number = bisect_right(self._starts, places[done]) - 1
            states, start = self._parts[number].states, self._starts[number]
            end = bisect_left(places, start + len(states), done)
            found += [states[place - start] for place in places[done:end]]
            done = end
        return found

    def uids(self, places: range | None = None) -> list[int]:
        """Those of all messages, or of those at places that follow one another."""
        found: list[int] = []
        places = range(self._count) if places is None else places
        for number, low, high in self._spans(places.start, places.stop):
            found += self._parts[number].uids[low:high]
        return found

    def flags(self, places: range) -> list[str]:
        """Those of messages at places that follow one another."""
        found: list[str] = []
        for number, low, high in self._spans(places.start, places.stop):
            found += self._parts[number].flags[low:high]
        return found

    def amounts(self, places: range) -> dict[str, int]:
        """How many of them have which flags."""
        found: Counter[str] = Counter()
        for number, low, high in self._spans(places.start, places.stop):
            part = self._parts[number]
            found.update(part.amounts if high - low == len(part.uids) else part.flags[low:high])
        return found

    def modseqs(self, places: range) -> list[int]:
        """Those of messages at places that follow one another."""
        return [state.modseq for state in self.at(places)]

    @property
    def last(self) -> int:
        """The highest uid; 0 where there is no message."""
        return self._parts[-1].uids[-1] if self._parts else 0

    def before(self, uid: int) -> int:
        """How many have a lower uid."""
        number = bisect_left(self._parts, uid, key=_last)
        if number == len(self._parts):
            return self._count
        return self._starts[number] + bisect_left(self._parts[number].uids, uid)

    def place(self, uid: int) -> int | None:
        """Where a message is."""
        number = bisect_left(self._parts, uid, key=_last)
        if number == len(self._parts):
            return None
        index = self._parts[number].place(uid)
        return None if index is None else self._starts[number] + index

    def since(self, first: int, last: int, modseq: int) -> list[int]:
        """The places from `first` on, and up to below `last`, of what changed after a change number."""
        found: list[int] = []
        for number, low, high in self._spans(first, last):
            if self._parts[number].modseq > modseq:
                some = enumerate(self._parts[number].states[low:high], self._starts[number] + low)
                found += [place for place, state in some if state.modseq > modseq]
        return found

    def append(self, state: State) -> None:
        """Put one behind all others."""
        self._extend((state,))

    def put(self, place: int, state: State) -> None:
        """Put another state of the same message into its place."""
        number = bisect_right(self._starts, place) - 1
        self._own(number).put(place - self._starts[number], state)

    def change(self, places: range, fresh: Mapping[str, str], modseq: int) -> None:
        """Of messages at places that follow one another, give those with these flags other ones and this number."""
        for number, low, high in self._spans(places.start, places.stop):
            part = self._own(number)
            if high - low == len(part.uids):
                part.change(fresh, modseq)
                continue
            for index, state in enumerate(part.states[low:high], low):
                if state.flags in fresh:
                    part.put(index, state._replace(flags=fresh[state.flags], modseq=modseq))

    def remove(self, places: Sequence[int]) -> None:
        """Take out those at ascending places."""
        done = len(places)
        while done:
            number = bisect_right(self._starts, places[done - 1]) - 1
            start = self._starts[number]
            begin = bisect_left(places, start, 0, done)
            part = self._own(number)
            part.remove([place - start for place in places[begin:done]])
            if not part.uids:
                del self._parts[number]
            done = begin
        self._count_again()

    def update(self, changed: Sequence[State], gone: Sequence[int]) -> None:
        """Take in what happened: states by uid, new messages the last of them, and uids that went."""
        done = 0
        while done < len(changed) and changed[done].uid <= self.last:
            number = bisect_left(self._parts, changed[done].uid, key=_last)
            part = self._own(number)
            while done < len(changed) and changed[done].uid <= part.uids[-1]:
                state = changed[done]
                index = part.place(state.uid)
                if index is not None:
                    part.put(index, state)
                done += 1
        self._extend(changed[done:])
        self.remove(sorted({place for uid in gone if (place := self.place(uid)) is not None}))

    def _extend(self, states: Sequence[State]) -> None:
        done = 0
        if self._parts and states and (room := PART - len(self._parts[-1].uids)) > 0:
            part = self._own(len(self._parts) - 1)
            done = min(room, len(states))
            part.extend(states[:done])
        for at in range(done, len(states), PART):
            self._starts.append(self._count + at)
            self._parts.append(Part(list(states[at : at + PART]), self._owner))
        self._count += len(states)

    def _own(self, number: int) -> Part:
        """A part that may be changed in place."""
        part = self._parts[number]
        if part.owner is not self._owner:
            part = self._parts[number] = part.copy(self._owner)
        return part

    def _spans(self, first: int, last: int) -> Iterator[tuple[int, int, int]]:
        """Number of each part that has some of these places, and from where to where within it."""
        if first >= last:
            return
        for number in range(bisect_right(self._starts, first) - 1, bisect_left(self._starts, last)):
            start = self._starts[number]
            yield number, max(first - start, 0), min(last - start, len(self._parts[number].uids))

    def _count_again(self) -> None:
        ends = list(accumulate([len(part.uids) for part in self._parts], initial=0))
        self._count = ends.pop()
        self._starts = ends


def _last(part: Part) -> int:
    return part.uids[-1]
