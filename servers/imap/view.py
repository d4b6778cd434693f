"""A selected mailbox as one client was told of it: which number is which message (RFC 9051 §2.3.1, §7.5.1).

Other clients' changes come in by `refresh`; a removal is kept back until the client may hear of it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar, cast

from servers.imap import render
from servers.imap.contexts import Context
from servers.imap.errors import Bad
from servers.imap.finished import Finished
from servers.imap.messages import Messages
from servers.imap.reader import STAR, Set
from storage.mail import reading
from storage.mail.types import Changes, Flagged, Known, KnownSpan, Mailbox, Restated, State
from storage.store import Transaction
from storage.types import CollectionId

RECENT: Final = "\\Recent"
_SHARED_MAX: Final = 200
_SHARED_STATES: Final = 2_000_000
_COMPUTED_MAX: Final = 100
_T = TypeVar("_T")


class Shared:
    """Whole mailboxes as this process last read them; each is brought up to date by its change number before use."""

    def __init__(self) -> None:
        self.finished: Final = Finished()
        self._lock: Final = threading.Lock()
        self._known: OrderedDict[CollectionId, tuple[int, Messages]] = OrderedDict()
        self._computed: OrderedDict[tuple[CollectionId, str], tuple[tuple[int, ...], Any]] = OrderedDict()

    def states(self, tx: Transaction, number: CollectionId) -> tuple[int, Messages]:
        """The change number and all messages of a mailbox in this transaction; the messages are the caller's own."""
        with self._lock:
            known = self._known.get(number)
        if known is not None:
            found = reading.changes(tx, number, known[0])
            if found.complete:
                listed = known[1].copy()
                listed.update(found.states, found.vanished)
                return found.modseq, self._keep(number, found.modseq, listed)
        whole = reading.snapshot(tx, number)
        return whole.modseq, self._keep(number, whole.modseq, Messages(whole.states))

    def computed(self, number: CollectionId, what: str, states: Sequence[State], compute: Callable[[], _T]) -> _T:
        """What depends on which messages there are and on nothing else (sort orders, threads), computed once."""
        uids = tuple([state.uid for state in states])
        key = (number, what)
        with self._lock:
            known = self._computed.get(key)
        if known is not None and known[0] == uids:
            return cast(_T, known[1])
        fresh = compute()
        with self._lock:
            self._computed[key] = uids, fresh
            self._computed.move_to_end(key)
            while len(self._computed) > _COMPUTED_MAX:
                self._computed.popitem(last=False)
        return fresh

    def _keep(self, number: CollectionId, modseq: int, listed: Messages) -> Messages:
        """Keep a copy, which nobody changes, unless a newer one is there."""
        with self._lock:
            known = self._known.get(number)
            if known is None or known[0] < modseq:
                self._known[number] = modseq, listed.copy()
            self._known.move_to_end(number)
            while len(self._known) > _SHARED_MAX or (
                len(self._known) > 1 and sum(len(one[1]) for one in self._known.values()) > _SHARED_STATES
            ):
                self._known.popitem(last=False)
        return listed


@dataclass(slots=True)
class News:
    """What a client must be told."""

    vanished: list[int] = field(default_factory=list)
    """Uids, ascending."""
    expunged: list[int] = field(default_factory=list)
    """The same as sequence numbers, each as it is when the ones before it are gone (RFC 9051 §7.5.1)."""
    changed: list[tuple[int, State]] = field(default_factory=list)
    """Sequence number (after the removals) and state."""
    came: list[State] = field(default_factory=list)
    """New messages."""

    @property
    def grown(self) -> bool:
        return bool(self.came)


class View:
    """One client's numbering."""

    def __init__(self, mailbox: Mailbox, shared: Shared, *, read_only: bool) -> None:
        self.mailbox: Final = mailbox
        self.read_only: Final = read_only
        self.modseq = mailbox.modseq
        """Up to which changes have come in."""
        self.told = mailbox.exists
        """How many messages the client knows of."""
        self.saved: list[int] = []
        """Uids of the last search (RFC 5182)."""
        self.recent: list[tuple[int, int]] = []
        """From which uid on, and up to below which, messages are recent for this client (RFC 3501 §2.3.2)."""
        self.mine: set[int] = set()
        """Uids of messages that this client itself put here; they are not fetched for it (RFC 5465 §5.2)."""
        self.contexts: dict[str, Context] = {}
        """By the tags of their searches (RFC 5267 §4.3)."""
        self.keywords = set(mailbox.keywords.split())
        """Those that the client knows to be in use here."""
        self._shared: Final = shared
        self._states: Messages | None = None
        self._gone: frozenset[int] = frozenset()
        """Removed, and the client does not know it yet."""
        self._unheard: frozenset[int] = frozenset()
        """Changed by others before the messages were at hand, and not told yet."""
        self._whole = mailbox.modseq
        """Where `_gone` began."""
        self.behind = False
        """Whether the client was told that it does not know all yet."""

    @property
    def id(self) -> CollectionId:
        return self.mailbox.id

    @property
    def loaded(self) -> bool:
        """Whether its messages are at hand."""
        return self._states is not None

    def load(self, tx: Transaction) -> None:
        """Have all messages at hand that there were when the mailbox was selected, removed ones included."""
        if self._states is not None:
            return
        modseq, listed = self._shared.states(tx, self.id)
        if modseq != self.modseq:
            before = reading.changes(tx, self.id, self.modseq)
            lost = [uid for uid in before.vanished if uid < self.mailbox.uid_next]
            self._gone = self._gone.union(lost)
            changed = before.states if before.complete else listed
            self._unheard = frozenset(one.uid for one in changed if one.uid < self.mailbox.uid_next)
            ghosts = [State(uid, 0, "", 0, 0, 0, 0) for uid in lost]
            listed = Messages(sorted([*(one for one in listed if one.uid < self.mailbox.uid_next), *ghosts]))
        self._states = listed

    def refresh(self, tx: Transaction, *, removals: bool) -> News:
        """Take in what changed; with `removals`, the client is told what went (RFC 9051 §7.5.1)."""
        found = reading.changes(tx, self.id, self.modseq)
        news = News()
        if found.modseq == self.modseq and not (removals and self._gone):
            return news
        self.load(tx)
        states = self.states
        unheard, self._unheard = self._unheard, frozenset()
        if not found.complete:
            found = self._compared(tx)
        last = states.last
        changed: list[State] = []
        for state in found.states:
            if state.uid > last:
                states.append(state)
                news.came.append(state)
                continue
            place = states.place(state.uid)
            if place is not None and (state.uid in unheard or states[place] != state):
                states.put(place, state)
                changed.append(state)
        if found.vanished:
            self._whole = self.whole
            self._gone = self._gone.union(uid for uid in found.vanished if states.place(uid) is not None)
        self.modseq = found.modseq
        if removals and self._gone:
            self._remove(news)
        news.changed = [(place + 1, state) for state in changed if (place := states.place(state.uid)) is not None]
        self.told = len(states)
        return news

    def put(self, states: Iterable[State]) -> None:
        """Take in what this client itself changed, so that it is not told again."""
        if self._states is None:
            return
        for state in states:
            place = self._states.place(state.uid)
            if place is not None:
                self._states.put(place, state)

    def restate(self, places: range, done: Restated) -> None:
        """The same for messages at places that follow one another, of which `known_span` was right."""
        if done.fresh:
            self.states.change(places, done.fresh, done.modseq)
        self.modseq = done.modseq

    def known(self, states: Sequence[State]) -> Known | None:
        """Messages and the change number at which they are right."""
        return None if self._gone else Known(self.modseq, states)

    def known_span(self, places: Sequence[int]) -> KnownSpan | None:
        """The same for messages that follow one another."""
        if self._gone or not isinstance(places, range):
            return None
        states = self.states
        return KnownSpan(self.modseq, states.uids(places), states.amounts(places), lambda: states.flags(places))

    def caught_up(self, done: Flagged) -> None:
        """What this client changed needs not be read again, unless somebody else changed something before."""
        if done.before == self.modseq and not self._gone:
            self.modseq = done.modseq

    @property
    def states(self) -> Messages:
        """By sequence number from 1 on; `load` first."""
        assert self._states is not None
        return self._states

    @property
    def gone(self) -> frozenset[int]:
        """Uids that the client still counts and that are no more."""
        return self._gone

    @property
    def whole(self) -> int:
        """Up to which change the client knows all, removals too (RFC 7162 §3.2)."""
        return self._whole if self._gone else self.modseq

    @property
    def unheard(self) -> Iterator[str]:
        """The flags of messages that others changed before they were at hand, until that is told."""
        return (self.states[place].flags for uid in self._unheard if (place := self.states.place(uid)) is not None)

    def is_recent(self, uid: int) -> bool:
        """Whether this client was the first to be told of a message."""
        return any(low <= uid < high for low, high in self.recent)

    def shown(self, state: State) -> State:
        """A message as this client sees its flags."""
        if not self.recent or not self.is_recent(state.uid):
            return state
        return state._replace(flags=f"{state.flags} {RECENT}".lstrip())

    def flags_of(self, states: Sequence[State]) -> list[bytes]:
        """The flags of many messages as this client sees them, as they are sent."""
        return self.written([state.flags for state in states], [state.uid for state in states] if self.recent else ())

    def written(self, flags: Sequence[str], uids: Sequence[int]) -> list[bytes]:
        """The same; uids are not needed where nothing is `recent`."""
        plain = {text: render.flags(text) for text in set(flags)}
        if not self.recent:
            return [plain[text] for text in flags]
        fresh = {text: render.flags(f"{text} {RECENT}".lstrip()) for text in plain}
        low, high = self.recent[0][0], self.recent[-1][1]
        pairs = zip(flags, uids, strict=True)
        if len(self.recent) == 1:  # a mailbox that came while nobody looked
            return [(fresh if low <= uid < high else plain)[text] for text, uid in pairs]
        return [(fresh if self.is_recent(uid) else plain)[text] for text, uid in pairs]

    def number(self, uid: int) -> int | None:
        """The sequence number of a uid."""
        place = None if self._states is None else self._states.place(uid)
        return None if place is None else place + 1

    def numbered(self, given: Set, *, uid: bool) -> tuple[Sequence[int], list[State]]:
        """Sequence numbers and states of what a set means, as in `places`."""
        places = self.places(given, uid=uid)
        if isinstance(places, range):
            return range(places.start + 1, places.stop + 1), self.states.at(places)
        return [place + 1 for place in places], self.states.at(places)

    def changed(self, given: Set, since: int, *, uid: bool) -> tuple[Sequence[int], list[State]]:
        """Of what `numbered` gives, the messages in which something changed after a change number."""
        places = self.places(given, uid=uid)
        if isinstance(places, range):
            places = self.states.since(places.start, places.stop, since)
        else:
            pairs = zip(places, self.states.at(places), strict=True)
            places = [place for place, state in pairs if state.modseq > since]
        return [place + 1 for place in places], self.states.at(places)

    def chosen(self, given: Set, *, uid: bool, sought: bool = False) -> list[tuple[int, State]]:
        """Sequence number and state of what a set means, as in `places`."""
        places = self.places(given, uid=uid, sought=sought)
        return [(place + 1, state) for place, state in zip(places, self.states.at(places), strict=True)]

    def places(self, given: Set, *, uid: bool, sought: bool = False) -> Sequence[int]:
        """Where in `states` the messages are that a set means, ascending (RFC 9051 §9).

        A search may name messages that there are not (`sought`): RFC 9051 §9 has them refused where something is
        done with them (COPY, FETCH, STORE).

        Raises:
            Bad: a sequence number that there is not.
        """
        if sought and not uid:
            given = given._replace(spans=tuple(self._existing(given.spans)))
        if not given.saved and len(given.spans) == 1:
            ((low, high),) = given.spans
            return self._uid_range(low, high) if uid else self._number_range(low, high)
        if given.saved:
            return [place for one in self.saved if (place := self.states.place(one)) is not None]
        indexes: set[int] = set()
        for low, high in given.spans:
            indexes.update(self._uid_range(low, high) if uid else self._number_range(low, high))
        return sorted(indexes)

    def _existing(self, spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        """What of some spans of sequence numbers there is."""
        count = len(self.states)
        for low, high in spans:
            ends = low or count, high or count  # `STAR` is 0
            if count and min(ends) <= count:
                yield min(ends), min(max(ends), count)

    def _uid_range(self, low: int, high: int) -> range:
        highest = self.states.last
        first, last = (highest if one == STAR else one for one in (low, high))
        first, last = min(first, last), max(first, last)
        return range(self.states.before(first), self.states.before(last + 1))

    def _number_range(self, low: int, high: int) -> range:
        count = len(self.states)
        first, last = (count if one == STAR else one for one in (low, high))
        first, last = min(first, last), max(first, last)
        if last > count or first < 1:
            if not count and STAR in (low, high):
                return range(0)
            raise Bad(f"there is no message {last}: the mailbox has {count}")
        return range(first - 1, last)

    def _remove(self, news: News) -> None:
        news.vanished = sorted(self._gone)
        places = [place for uid in news.vanished if (place := self.states.place(uid)) is not None]
        news.expunged = [place + 1 - before for before, place in enumerate(places)]
        gone, self._gone = self._gone, frozenset()
        self.states.remove(places)
        self.saved = [uid for uid in self.saved if uid not in gone]

    def _compared(self, tx: Transaction) -> Changes:
        """The changes, where the log does not reach back so far."""
        whole = reading.snapshot(tx, self.id)
        present = {state.uid for state in whole.states}
        return Changes(whole.modseq, whole.states, [one.uid for one in self.states if one.uid not in present], True)
