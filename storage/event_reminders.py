"""What the desk itself reminds of, set on an event by its owner: by mail, by SMS, or not at all (REM-01…04)."""

from __future__ import annotations

from typing import Final

from storage import calendar, items
from storage import collections as tree
from storage.errors import Denied, Refused
from storage.formats import icalendar
from storage.formats.contentline import Component, Property, render
from storage.mail import recipients
from storage.sms import number
from storage.store import Transaction
from storage.types import Collection, Precondition, Right, SpaceKind, Tool

LONGEST_S: Final = 366 * 86_400


def choose(tx: Transaction, collection: Collection, name: str, *, mail_s: int | None, sms_s: int | None) -> None:
    """Set how many seconds before an event, or each of a series, the desk reminds by mail and by SMS; None is not.

    They take the place of those that it had. What rings on devices stays as it is (REM-09).

    Raises:
        NotFound: the actor sees no such event.
        Denied: he may not write it.
        Refused: it is a group's event, there is no address or number to remind at, or it is too long before.
        Stale: it was changed meanwhile.
    """
    if collection.tool not in (Tool.CALENDAR, Tool.TASKS) or collection.space.kind is not SpaceKind.PRIVATE:
        raise Refused("the desk reminds of events in private calendars only (CAL-15)")
    if any(one is not None and not 0 <= one <= LONGEST_S for one in (mail_s, sms_s)):
        raise Refused(f"a reminder comes at most {LONGEST_S // 86_400} days before")
    owner = collection.space
    alarms: list[tuple[int, str]] = []
    if mail_s is not None:
        own = recipients.addresses_of(tx, owner.id)
        if not own:
            raise Refused(f"{owner.name} has no confirmed address to be reminded at")
        alarms.append((mail_s, recipients.default_sender(tx, owner.id, own)))
    if sms_s is not None:
        phone = number.own(tx, owner.id, owner.name)
        if not phone:
            raise Refused(f"the personal record of {owner.name} has no complete mobile number (REM-02)")
        alarms.append((sms_s, f"{phone}@sms"))
    item = items.get(tx, collection, name)
    if not item.rights & Right.EDIT:  # else only his own alarms would be stored, which remind nobody (SYS-08)
        raise Denied(Right.EDIT, tree.path(collection, item.name))
    found = icalendar.load(item.body or b"").calendar
    for part in found.components:
        if part.name not in ("VEVENT", "VTODO"):
            continue
        part.components = [one for one in part.components if not _is_ours(one)]
        part.components += [_alarm(part, before, address) for before, address in alarms]
    items.put(
        tx, collection, item.name, calendar.prepare(render(found)), Precondition(match=frozenset({item.etag}))
    )


def _is_ours(component: Component) -> bool:
    return component.name == "VALARM" and component.value("ACTION").strip().upper() == "EMAIL"


def _alarm(part: Component, before_s: int, address: str) -> Component:
    """RFC 5545 §3.6.6: an EMAIL alarm has a summary, a description and somebody to send them to."""
    text = part.value("SUMMARY") or "Reminder"
    fields = [
        *(("ACTION", "EMAIL"), ("TRIGGER", f"-PT{before_s // 60}M" if before_s else "PT0S")),
        *(("SUMMARY", text), ("DESCRIPTION", text), ("ATTENDEE", f"mailto:{address}")),
    ]
    return Component("VALARM", [Property(name, value) for name, value in fields])
