"""A message to one person: into his calendar and inbox here, or into the mail queue (RFC 6638 §3.2.1)."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from storage.errors import StorageError, UidConflict
from storage.formats import itip
from storage.formats.contentline import Component
from storage.kinds import Prepared
from storage.scheduling import applying, copies, inbox, people, restricted
from storage.scheduling.asking import Asked
from storage.scheduling.people import Person
from storage.scheduling.views import View, Views
from storage.store import Transaction
from storage.types import SITE

DELIVERED: Final = "1.2"
SENT: Final = "1.1"
"""Status codes of RFC 6638 §3.2.9; of what was mailed nobody knows more."""
INVALID: Final = "3.7"
FAILED: Final = "5.1"
FOLLOWED: Final = 200
"""Attendees of a meeting with more of them see each other's answers in rounds; the organizer at once."""
MOST_INSTANCES: Final = 200
"""Instances that one answer from outside may speak of."""


def request(
    tx: Transaction, sender: str, recipient: str, person: Person | None, view: View, was: View | None = None
) -> str:
    """Invite somebody, or tell him of a change to what it `was`; `person` is his account here. Returns the status."""
    if person is None:
        return mail(tx, sender, recipient, "REQUEST", view.calendar)
    theirs = people.acting(tx, person)
    try:
        if not update(theirs, person, view, was, recipient=recipient):
            return DELIVERED
    except StorageError:
        return FAILED  # his quota, his locks: the organizer's meeting stands
    inbox.put(theirs, person.login, view.request, view.calendar)
    return DELIVERED


def update(
    tx: Transaction,
    person: Person,
    view: View,
    was: View | None = None,
    *,
    recipient: str,
    keep_tag: bool = False,
) -> bool:
    """Write the copy of the person who acts; what is his own in it stays. A copy that `was` put there has nothing.

    Gives whether there was anything to write: what he refused and took away comes back when he is asked anew (MTG-08).

    Raises:
        UidConflict: what bears this UID in his calendars is not this organizer's.
    """
    present = copies.find(tx, person.id, view.uid)
    if present is None:
        if keep_tag or (was is not None and itip.refused(view.calendar, recipient)):
            return False
        copies.create(tx, person.login, view.prepared)
        return True
    if not same_organizer(tx, present.calendar, view.calendar):
        raise UidConflict("")  # something of his own that bears the same UID
    if was is not None and present.body == was.prepared.body:
        copies.replace(tx, present, view.prepared, keep_tag=keep_tag)
        return True
    copies.replace(tx, present, merged(present, view, recipient), keep_tag=keep_tag)
    return True


def merged(present: copies.Copy, view: View, recipient: str) -> Prepared:
    """Somebody's new copy, with what is his own in the one he has."""
    fresh = itip.clone(view.calendar)
    own = itip.keep_own(present.calendar, fresh, {recipient})
    own = itip.stay_away(present.calendar, fresh, recipient) or own
    return copies.prepare(fresh) if own else view.prepared


def uninvite(tx: Transaction, sender: str, recipient: str, found: Component) -> str:
    """Tell somebody that he is no longer invited; `found` is what he had (MTG-14)."""
    person = people.of_address(tx, recipient)
    itip.uninvite(found, {recipient})
    if person is None:
        return mail(tx, sender, recipient, "CANCEL", found, called_off=False)
    withdraw(tx, person, found, itip.message(found, "CANCEL", called_off=False))
    return DELIVERED


def withdraw(tx: Transaction, person: Person, found: Component, message: bytes) -> None:
    """Take somebody's copy of a meeting of this organizer out of his calendar, and leave him the message."""
    theirs = people.acting(tx, person)
    present = copies.find(theirs, person.id, itip.parts(found)[0].value("UID").strip())
    if present is None or not same_organizer(tx, present.calendar, found):
        return
    copies.remove(theirs, present)
    inbox.put(theirs, person.login, message, found)


def reply(tx: Transaction, sender: str, recipient: str, answer: Component, *, notice: bool = False) -> str:
    """Bring an attendee's answer to the organizer, with a mail of it if there is to be a `notice` (MTG-07…09).

    It has every instance whose answer changed: what it does not have stays as it was answered.
    """
    person = people.of_address(tx, recipient)
    if person is None:
        return mail(tx, sender, recipient, "REPLY", answer)
    try:
        status = answered(tx, person, frozenset({sender}), answer, whole=False)
    except StorageError:
        return FAILED  # the organizer may not write there any more: the attendee's own answer stands
    if notice and status == DELIVERED:
        from storage.scheduling import notices

        notices.tell(tx, sender, recipient, answer)
    return status


def answered(
    tx: Transaction,
    person: Person,
    who: frozenset[str],
    answer: Component,
    *,
    method: str = "REPLY",
    whole: bool = True,
    asked: Asked | None = None,
) -> str:
    """Write an answer into the organizer's object, and into the other attendees' copies (MTG-11).

    `method` is what the message says that it came with: a COUNTER answers too. Where `whole` is set, an answer to a
    series is one to all its instances, as programs elsewhere mean it. Of somebody outside, only what he says to what he
    was `asked` counts.

    Raises:
        LimitReached: too many instances were answered apart.
    """
    if whole and len(itip.parts(answer)) > MOST_INSTANCES:
        return INVALID  # whoever has a copy here says so of each instance in it
    uid = itip.parts(answer)[0].value("UID").strip()
    theirs = people.acting(tx, person)
    present = organized(tx, person, uid)
    if present is None:
        return INVALID
    had = Views(itip.clone(present.calendar))
    old = had.meeting if _delegates(present.calendar, answer) else None
    if not applying.apply(present.calendar, who, answer, whole=whole, asked=asked):
        return INVALID
    settled = old is None or not _exchange(theirs, old, present.calendar)
    # Whoever has not seen the delegate would remove him: then the organizer's client must read again.
    copies.replace(theirs, present, copies.prepare(present.calendar), keep_tag=settled)
    inbox.put(theirs, person.login, itip.message(answer, method), answer)
    _follow(tx, person, who, had, Views(present.calendar))
    return DELIVERED


def spread(
    tx: Transaction,
    organizer: Person,
    sender: str,
    answer: Component,
    old: Component,
    new: Component,
    *,
    notice: bool,
) -> None:
    """Bring an answer that was written into the meeting itself to its organizer and into everybody's copies."""
    theirs = people.acting(tx, organizer)
    inbox.put(theirs, organizer.login, itip.message(answer, "REPLY"), answer)
    _follow(tx, organizer, frozenset(), Views(old), Views(new))
    head = itip.organizer(new)
    if notice and head is not None:
        from storage.scheduling import notices

        notices.tell(tx, sender, itip.address(head.value), answer)


def _follow(tx: Transaction, organizer: Person, who: frozenset[str], had: Views, have: Views) -> None:
    """Write an answer into the other attendees' copies; where they are many, a while later."""
    from storage.scheduling import inviting, later, rounds

    others = [address for address in itip.attendees(have.meeting) if address not in who]
    uid = itip.parts(have.meeting)[0].value("UID").strip()
    # While copies wait to be rewritten as they were before this answer, it comes after them.
    if len(others) > FOLLOWED or (len(others) > inviting.AT_ONCE and later.waits(tx, uid)):
        rounds.gather(tx, organizer, uid, len(others))
        return
    here = {one: person for one, person in people.of_addresses(tx, others).items() if person != organizer}
    forms = {one: (view, had.of(one)) for one in here if (view := have.of(one)) is not None}
    served = inviting.send(tx, {one: here[one] for one in forms}, forms, keep_tag=True)
    for address in forms.keys() - served:
        with suppress(StorageError):  # his copy cannot be written: the answer stands in the organizer's
            view, was = forms[address]
            update(people.acting(tx, here[address]), here[address], view, was, recipient=address, keep_tag=True)


def _delegates(meeting: Component, answer: Component) -> bool:
    everybody = [*itip.attendees(meeting).values(), *itip.attendees(answer).values()]
    return any(itip.delegate(prop) or prop.param("DELEGATED-TO") for prop in everybody)


def _exchange(tx: Transaction, old: Component, new: Component) -> bool:
    """Invite delegates who came, tell those who went; gives whether there are any (RFC 5546 §3.2.2.3).

    Raises:
        UnknownAttendee: the organizer who acts could not have invited one of them himself.
    """
    before, after = itip.attendees(old), itip.attendees(new)
    added, gone = after.keys() - before.keys(), before.keys() - after.keys()
    restricted.check(tx, added)
    head = itip.organizer(new)
    sender, views = itip.address(head.value) if head is not None else "", Views(new)
    for address in sorted(added):
        view = views.of(address)
        if view is not None:
            status = request(tx, sender, address, people.of_address(tx, address), view)
            itip.set_param(after[address], "SCHEDULE-STATUS", status)
    for address in sorted(gone):
        had = itip.copy_for(old, frozenset({address}))
        if had is not None:
            uninvite(tx, sender, address, had)
    return bool(added or gone)


def organized(tx: Transaction, person: Person, uid: str) -> copies.Copy | None:
    """The meeting of this UID, if it is he who organizes it."""
    theirs = people.acting(tx, person)
    present = copies.find(theirs, person.id, uid) or in_groups(theirs, uid)
    head = itip.organizer(present.calendar) if present is not None else None
    if head is None or people.of_address(tx, itip.address(head.value)) != person:
        return None
    return present


def same_organizer(tx: Transaction, one: Component, other: Component) -> bool:
    """Whether two objects are one person's meeting: a UID alone may be anybody's."""
    first, second = itip.organizer(one), itip.organizer(other)
    if first is None or second is None:
        return False
    addresses = itip.address(first.value), itip.address(second.value)
    return addresses[0] == addresses[1] or (
        (person := people.of_address(tx, addresses[0])) is not None and person == people.of_address(tx, addresses[1])
    )


def in_groups(tx: Transaction, uid: str) -> copies.Copy | None:
    """A meeting of this UID in a calendar of one of the actor's groups (MTG-18)."""
    from storage import principals

    for group in principals.groups_of(tx, principals.me(tx)):
        found = copies.find(tx, group.id, uid)
        if found is not None:
            return found
    return None


def mail(
    tx: Transaction, sender: str, recipient: str, method: str, found: Component, *, called_off: bool = True
) -> str:
    """Send a message to somebody outside; it counts as one of the actor's mails. Returns the status.

    `called_off` is as for `itip.message`.
    """
    if not itip.is_mail(recipient) or not itip.is_mail(sender):
        return INVALID
    from storage.mail import sending

    if tx.actor.id != SITE.id:
        try:
            sending.count(tx)  # SMTP-05: an invitation is a mail like any other
        except sending.TooMany:
            return FAILED
    from storage.scheduling import mailing  # the standard library's mails are large, and few meetings need them

    answer = itip.partstat(next(iter(itip.attendees(found).values()), None)) if method == "REPLY" else ""
    message = itip.message(found, method, called_off=called_off)
    mailing.send(tx, sender=sender, recipients=[recipient], method=method, found=found, message=message, answer=answer)
    return SENT
