"""An event that a device answers or forwards ([MS-ASCMD] §2.2.1.19, §2.2.1.20): which, its text, who gets it how."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from email.header import Header

from servers.activesync import composing, hierarchy, object_changes, outgoing
from servers.activesync.call import Call
from servers.activesync.classes import event_exceptions, event_people, event_times, events
from servers.activesync.classes.item_class import Context, Unconvertible
from servers.activesync.object_content import ObjectContent
from servers.activesync.options import HTML, Options, number
from servers.activesync.outgoing import Refused
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSyncBase, ComposeMail
from storage import items, kinds
from storage.errors import Busy, NotFound, StorageError
from storage.formats import icalendar, itip, message_text
from storage.formats.addresses import Address, format_address
from storage.formats.contentline import Component, render, unescape_text
from storage.scheduling import forwarding, mailing
from storage.store import Transaction
from storage.types import Collection as Calendar

_NO_DATE, _NO_SERIES = 104, 146
FORWARDEES_MAX = 500


@dataclass(frozen=True, slots=True)
class Event:
    """An event, or one instance of a series."""

    source: Calendar
    name: str
    media_type: str
    calendar: Component
    parts: list[Component]
    """What is meant: the one instance, or all that there is, the master first."""
    context: Context

    @property
    def meets(self) -> bool:
        """Whether others take part; an appointment has one person alone."""
        return self.parts[0].get("ORGANIZER") is not None

    @property
    def own(self) -> bool:
        """Whether it is the account's own meeting, to which it may invite."""
        return event_people.organizes(self.parts[0], self.context)


def find(tx: Transaction, call: Call, folder: str, identified: str, instance: str) -> Event:
    """The event that a Source names.

    Raises:
        Refused: 150, there is none; 104, 146: the instance is no time, or is one of no series.
    """
    try:
        source, item_class = hierarchy.collection(tx, folder)
        name = object_changes.name_of(tx, call.device, source, item_class, identified)
        item = items.get(tx, source, name) if name is not None and item_class is events.CLASS else None
    except NotFound:
        item = None
    if item is None or item.body is None:
        raise Refused(outgoing.MISSING)
    found = icalendar.load(item.body)
    context = ObjectContent(source, events.CLASS).context(tx, call, {}, Options())
    parts = itip.parts(found.calendar)
    if instance:
        parts = [_instance(found, instance, context)]
    return Event(source, item.name, item.media_type, found.calendar, parts, context)


def _instance(found: icalendar.CalendarObject, instance: str, context: Context) -> Component:
    try:
        original = event_times.seconds_of(instance)
    except Unconvertible:
        raise Refused(_NO_DATE) from None
    if found.master is None or not found.series.recurring:
        raise Refused(_NO_SERIES)
    part = event_exceptions.known_instance(found, original, context)
    if part is None:
        raise Refused(outgoing.MISSING)
    return part


def quotable(event: Event) -> bytes:
    """The event as a mail that can be quoted."""
    part = event.parts[0]
    people = ", ".join(itip.address(one.value) for one in part.all("ATTENDEE")[:100])
    organizer, summary = itip.address(part.value("ORGANIZER")), mailing.line(part.value("SUMMARY"))
    head = [("From", organizer), ("To", people), ("Subject", summary)]
    rows = []
    for name, label in (("DTSTART", "Begin"), ("DTEND", "End"), ("LOCATION", "Place")):
        prop = part.get(name)
        if prop is not None and prop.value:
            rows.append(f"{label}: {mailing.line(prop.value) if name == 'LOCATION' else mailing.when(prop)}")
    text = unescape_text(part.value("DESCRIPTION")).strip()
    lines = [f"{name}: {value}" for name, value in head if value]
    lines += ["MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit", ""]
    return "\r\n".join([*lines, *rows, *(["", *text.splitlines()] if text else []), ""]).encode("utf-8", "replace")


def forwarded(event: Event) -> tuple[bytes, str] | None:
    """The object that goes with the mail, and its method; None where the calendar invites by itself (MTG-02)."""
    if event.meets and event.own:
        return None
    method = "REQUEST" if event.meets else ""
    return forwarding.passed_on(event.calendar, event.parts, method), method


def pass_on(tx: Transaction, event: Event, addresses: Collection[str], names: Mapping[str, str], sender: str) -> None:
    """Invite them to one's own meeting; of somebody else's, tell him.

    Raises:
        Refused: 120, the calendar does not let him.
    """
    if not event.meets:
        return
    if not event.own:
        forwarding.tell(tx, sender, event.parts[0], addresses)
        return
    others = {one: names.get(one, "") for one in addresses if one.lower() not in event.context.own}
    forwarding.invite(event.parts, others)
    try:
        items.put(tx, event.source, event.name, kinds.EVENTS.prepare(render(event.calendar), event.media_type))
    except Busy:
        raise
    except StorageError:
        raise Refused(outgoing.FAILED) from None


def people_of(said: Element) -> dict[str, str]:
    """The Forwardees: names by address ([MS-ASCMD] §2.2.3.79).

    Raises:
        Refused: one of them is no address, or they are too many.
    """
    found: dict[str, str] = {}
    every = said.all(ComposeMail.Forwardee)
    if len(every) > FORWARDEES_MAX:
        raise Refused(outgoing.FAILED)  # all of them, or none
    for one in every:
        address = (one.text_of(ComposeMail.Email) or "").strip()
        if not itip.is_mail(address.lower()):
            raise Refused(outgoing.UNRESOLVED)
        found[address] = " ".join((one.text_of(ComposeMail.Name) or "").split())[:256]
    return found


def note(event: Event, names: Mapping[str, str], body: Element | None) -> tuple[bytes, bool]:
    """The mail to Forwardees, and whether its writer says anything in it."""
    text = "" if body is None else body.text_of(AirSyncBase.Data) or ""
    markup = body is not None and number(body.text_of(AirSyncBase.Type), 1) == HTML
    plain = message_text.plain(text) if markup else text
    texts = [("plain", plain), ("html", text)] if markup else [("plain", plain)]
    to = b",\r\n ".join(format_address(Address(name, *one.rpartition("@")[::2])) for one, name in names.items())
    subject = f"FW: {mailing.line(event.parts[0].value('SUMMARY'))}"[:1_000]
    encoded = Header(subject, None if subject.isascii() else "utf-8").encode(linesep="\r\n").encode()
    head = b"To: " + to + b"\r\nSubject: " + encoded + b"\r\nMIME-Version: 1.0\r\n"
    return head + composing.body(texts, [], []), bool(plain.strip())
