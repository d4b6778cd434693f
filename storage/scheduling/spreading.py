"""One form of a meeting to all whom it concerns: together where they are alike, a part later where they are many."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from storage.formats import itip
from storage.formats.contentline import Component
from storage.scheduling import delivery, inviting, later, telling
from storage.scheduling.people import Person
from storage.scheduling.views import View
from storage.store import Transaction
from storage.types import SITE

MAILS: Final = 50
"""So many people outside get a mail each, written at once; more of them share mails, written a moment later."""
COPIES: Final = 50
"""So many copies with something of their owner's own are rewritten at once."""
PENDING: Final = "1.0"
"""RFC 6638 §3.2.9: the message is on its way."""


def send(
    tx: Transaction, sender: str, here: Mapping[str, Person], sent: Mapping[str, tuple[View, View | None]]
) -> dict[str, str]:
    """Bring everybody his form of a meeting instead of the one he had; gives each SCHEDULE-STATUS.

    `here` are those who have an account; `sent` has both forms by address.
    """
    done = inviting.send(tx, {address: here[address] for address in sent if address in here}, sent)
    told = dict.fromkeys(done, delivery.DELIVERED)
    told |= send_mails(tx, sender, {one: view for one, (view, _) in sent.items() if one not in here})
    left = {one: forms for one, forms in sent.items() if one in here and one not in done}
    changes = [one for one, (_, was) in left.items() if was is not None]
    if len(changes) > COPIES or (changes and later.waits(tx, left[changes[0]][0].uid)):
        for view, addresses in _by_view({one: left[one][0] for one in changes}):
            later.rewrite(tx, sender, addresses, view)
        told |= dict.fromkeys(changes, PENDING)
    for address, (now, was) in left.items():
        if address not in told:
            told[address] = delivery.request(tx, sender, address, here[address], now, was)
    reached = {one for one, status in told.items() if one in here and status in (delivery.DELIVERED, PENDING)}
    _tell(tx, sender, here, {one: sent[one] for one in reached})
    return told


def _tell(
    tx: Transaction, sender: str, here: Mapping[str, Person], sent: Mapping[str, tuple[View, View | None]]
) -> None:
    """Mail those who are invited, and those who are to answer anew (MTG-06, MTG-13)."""
    invited = {one: now for one, (now, was) in sent.items() if was is None and not itip.refused(now.calendar, one)}
    differ: dict[tuple[int, int], bool] = {}
    changed: dict[str, View] = {}
    for one, (now, was) in sent.items():
        if was is not None:
            key = (id(now), id(was))
            if key not in differ:
                differ[key] = itip.changed(was.calendar, now.calendar) or (
                    itip.statuses(was.calendar) != itip.statuses(now.calendar)
                )
            if differ[key] and (itip.open_for(now.calendar, one) or _called_off(now.calendar)):
                changed[one] = now
    for what, found in ((telling.INVITED, invited), (telling.CHANGED, changed)):
        for view, addresses in _by_view(found):
            telling.tell(tx, sender, what, view.calendar, {one: here[one] for one in addresses})


def cancel(
    tx: Transaction,
    sender: str,
    gone: Mapping[str, View],
    *,
    called_off: bool = True,
    mails: bool = True,
    notices: bool = True,
) -> None:
    """Tell everybody that he is no longer invited to what he had (MTG-15); without `mails`, by his calendar only.

    Unless it is `called_off`, others still are (MTG-14). Without `notices` people here get no mail beside it.
    """
    from storage.scheduling import people

    here = people.of_addresses(tx, list(gone))
    for view, addresses in _by_view(gone):
        for each in itip.parts(view.calendar):
            itip.set_value(each, "SEQUENCE", str(itip.sequence(each) + 1))
        if not called_off:
            itip.uninvite(view.calendar, set(addresses))
        outside = {one: view for one in addresses if one not in here}
        if mails:
            send_mails(tx, sender, outside, "CANCEL", called_off=called_off)
        inboxes = len(outside) < len(addresses)
        message = itip.message(view.calendar, "CANCEL", called_off=called_off) if inboxes else b""
        inside = {here[address] for address in addresses if address in here}
        served = inviting.withdraw(tx, inside, view, message) if len(inside) > 1 else set()
        for address in addresses:
            if address in here and here[address].id not in served:
                delivery.withdraw(tx, here[address], view.calendar, message)
        told = {one: here[one] for one in addresses if one in here and not itip.refused(view.calendar, one)}
        if told and mails and notices:
            telling.tell(tx, sender, telling.CANCELLED, view.calendar, told)


def _called_off(meeting: Component) -> bool:
    return "CANCELLED" in itip.statuses(meeting)


def send_mails(
    tx: Transaction, sender: str, outside: Mapping[str, View], method: str = "REQUEST", *, called_off: bool = True
) -> dict[str, str]:
    """Send people outside their forms of a meeting by mail; gives each SCHEDULE-STATUS."""
    told: dict[str, str] = {}
    for view, addresses in _by_view(outside):
        able = [one for one in addresses if itip.is_mail(one)] if itip.is_mail(sender) else []
        if len(able) <= MAILS:
            for one in addresses:
                told[one] = delivery.mail(tx, sender, one, method, view.calendar, called_off=called_off)
            continue
        told |= dict.fromkeys(addresses, delivery.INVALID)
        told |= dict.fromkeys(able, _counted(tx, len(able)))
        if told[able[0]] == delivery.SENT:
            later.mail(tx, sender, able, method, view, called_off=called_off)
    return told


def _counted(tx: Transaction, mails: int) -> str:
    from storage.mail import sending

    if tx.actor.id != SITE.id:
        try:
            sending.count(tx, mails)  # SMTP-05: an invitation is a mail like any other
        except sending.TooMany:
            return delivery.FAILED
    return delivery.SENT


def _by_view(people: Mapping[str, View]) -> list[tuple[View, list[str]]]:
    found: dict[int, tuple[View, list[str]]] = {}
    for address, view in people.items():
        found.setdefault(id(view), (view, []))[1].append(address)
    return list(found.values())
