"""One form of a meeting to all whom it concerns: together where they are alike, a part later where they are many."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from storage.formats import itip
from storage.scheduling import delivery, inviting, later
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
    told |= _mails(tx, sender, {one: view for one, (view, _) in sent.items() if one not in here})
    left = {one: forms for one, forms in sent.items() if one in here and one not in done}
    changes = [one for one, (_, was) in left.items() if was is not None]
    if len(changes) > COPIES or (changes and later.waits(tx, left[changes[0]][0].uid)):
        for view, addresses in _by_view({one: left[one][0] for one in changes}):
            later.rewrite(tx, sender, addresses, view)
        told |= dict.fromkeys(changes, PENDING)
    for address, (now, was) in left.items():
        if address not in told:
            told[address] = delivery.request(tx, sender, address, here[address], now, was)
    return told


def cancel(tx: Transaction, sender: str, gone: Mapping[str, View]) -> None:
    """Tell everybody that he is no longer invited to what he had (MTG-15)."""
    from storage.scheduling import people

    here = people.of_addresses(tx, list(gone))
    for view, addresses in _by_view(gone):
        for each in itip.parts(view.calendar):
            itip.set_value(each, "SEQUENCE", str(itip.sequence(each) + 1))
        outside = {one: view for one in addresses if one not in here}
        _mails(tx, sender, outside, "CANCEL")
        message = itip.message(view.calendar, "CANCEL") if len(outside) < len(addresses) else b""
        for address in addresses:
            if address in here:
                delivery.withdraw(tx, here[address], view.calendar, message)


def _mails(tx: Transaction, sender: str, outside: Mapping[str, View], method: str = "REQUEST") -> dict[str, str]:
    told: dict[str, str] = {}
    for view, addresses in _by_view(outside):
        able = [one for one in addresses if itip.is_mail(one)] if itip.is_mail(sender) else []
        if len(able) <= MAILS:
            told |= {one: delivery.mail(tx, sender, one, method, view.calendar) for one in addresses}
            continue
        told |= dict.fromkeys(addresses, delivery.INVALID)
        told |= dict.fromkeys(able, _counted(tx, len(able)))
        if told[able[0]] == delivery.SENT:
            later.mail(tx, sender, able, method, view)
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
