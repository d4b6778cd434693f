"""What an account itself said about a meeting to people outside: what it asked, what it left (RFC 5546 §2.1.5).

An answer from outside may be one to an older form of the meeting. It counts as long as the organizer has not asked
anew since: his SEQUENCE grows also with changes that nobody is told of by mail, such as another attendee's leaving.
And what an attendee left stays left when a change crosses his refusal.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final, NamedTuple

from storage.formats import itip
from storage.formats.contentline import Component
from storage.scheduling import sequencing
from storage.scheduling.people import Person
from storage.scheduling.sequencing import WHOLE, Revision
from storage.store import Transaction

_OWN: Final = ""
"""Whose messages: those of the account itself."""
_LEAST: Final = 1
"""A meeting that is there again begins so much above what was said of the one before."""


class Asked(NamedTuple):
    """Which answers of somebody still count."""

    least: Mapping[str, int]
    """The SEQUENCE at which all were asked last, by instance."""
    newer: frozenset[str] = frozenset()
    """Instances of which a newer answer came."""

    def counts(self, instance: str, answer: Component, *, apart: bool = True) -> bool:
        """Whether an answer still counts for an instance, which is a component `apart` or one of the series."""
        least = max(self.least.get(WHOLE, 0), self.least.get(instance, 0) if apart else 0)
        return instance not in self.newer and itip.sequence(answer) >= least


def ask(tx: Transaction, organizer: Person, uid: str, sequences: Mapping[str, int]) -> None:
    """Remember at which SEQUENCE the organizer asked for answers, by instance."""
    about = sequencing.mark(organizer, uid, _OWN)
    for instance, sequence in [*sequences.items()][: sequencing.INSTANCES_MAX]:
        sequencing.remember(tx, about, instance, Revision(sequence, ""))


def begin(tx: Transaction, organizer: Person, new: Component) -> None:
    """A meeting begins: if there was one with its UID, its SEQUENCE goes on from there, else its mails would be old."""
    uid = itip.parts(new)[0].value("UID").strip()
    before = sequencing.known(tx, sequencing.mark(organizer, uid, _OWN))
    if not before:
        return
    about = {name: value for name, value in sequencing.mark(organizer, uid, _OWN).items() if name != "sender"}
    sequencing.forget(tx, about)
    least = max(before.values()) + _LEAST
    itip.raise_sequence(new, least)
    ask(tx, organizer, uid, {WHOLE: least})


def asked(tx: Transaction, organizer: Person, present: Component, newer: frozenset[str] = frozenset()) -> Asked:
    """What the organizer asked last."""
    parts = itip.parts(present)
    about = sequencing.mark(organizer, parts[0].value("UID").strip(), _OWN)
    return Asked(sequencing.known(tx, about, {WHOLE, *map(itip.instance, parts)}), newer)


def leave(tx: Transaction, attendee: Person, uid: str, answers: Iterable[Component]) -> None:
    """Remember the instances that an attendee left, of a meeting of somebody outside."""
    left = {itip.instance(each): itip.sequence(each) for each in answers if itip.instance(each)}
    ask(tx, attendee, uid, left)


def left(tx: Transaction, attendee: Person, uid: str) -> frozenset[str]:
    """What an attendee left."""
    return frozenset(sequencing.known(tx, sequencing.mark(attendee, uid, _OWN)))


def come_back(tx: Transaction, attendee: Person, uid: str, instances: Collection[str] | None = None) -> None:
    """He is asked anew: forget that he left the meeting's instances, or these."""
    sequencing.forget(tx, sequencing.mark(attendee, uid, _OWN), instances)
