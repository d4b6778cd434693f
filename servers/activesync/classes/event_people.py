"""Who takes part in an event, and how he answered ([MS-ASCAL] §2.2.2.3 to 5, §2.2.2.33; RFC 5545 §3.8.4)."""

from __future__ import annotations

import re
from typing import Final

from servers.activesync.classes import event_times, property_text
from servers.activesync.classes.item_class import Context
from servers.activesync.options import number
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import Calendar
from storage.formats import itip
from storage.formats.contentline import Component, Property

_STATUS: Final = {"NEEDS-ACTION": 5, "TENTATIVE": 2, "ACCEPTED": 3, "DECLINED": 4}
PARTSTAT: Final = {2: "TENTATIVE", 3: "ACCEPTED", 4: "DECLINED"}
_ROLES: Final = {1: "REQ-PARTICIPANT", 2: "OPT-PARTICIPANT", 3: "NON-PARTICIPANT"}
ATTENDEES_MAX: Final = 1_000
_ADDRESS: Final = re.compile(r"[^\s<>\"@:]{1,64}@[^\s<>\"@:]{1,255}")


def own_attendee(component: Component, context: Context) -> Property | None:
    """The account's own line among the attendees."""
    return itip.attendee(component, context.own)


def organizes(component: Component, context: Context) -> bool:
    """Whether it is the account's own meeting."""
    prop = component.get("ORGANIZER")
    return prop is not None and itip.address(prop.value) in context.own


def attends(component: Component, context: Context) -> bool:
    """Whether somebody else invited the account to it."""
    prop = component.get("ORGANIZER")
    return prop is not None and not organizes(component, context) and own_attendee(component, context) is not None


def is_open(component: Component, context: Context) -> bool:
    """Whether the account did not answer yet, or not for certain."""
    own = own_attendee(component, context) if attends(component, context) else None
    return own is not None and itip.partstat(own) in ("NEEDS-ACTION", "TENTATIVE")


def organizer(component: Component, context: Context) -> list[Element]:
    """OrganizerName and OrganizerEmail."""
    prop = component.get("ORGANIZER")
    if prop is None:
        return []
    name = Calendar.OrganizerName.given(prop.param("CN") or "")
    address = Calendar.OrganizerEmail.given(itip.address(prop.value)[:256])
    return [one for one in (name, address) if one is not None]


def meeting(component: Component, context: Context) -> list[Element | None]:
    """MeetingStatus, the attendees, and what the account said itself."""
    people = component.all("ATTENDEE")
    if component.get("ORGANIZER") is None:
        return [Calendar.MeetingStatus(0)]
    mine = organizes(component, context)
    cancelled = component.value("STATUS").strip().upper() == "CANCELLED"
    status = (1 if mine else 3) + (4 if cancelled else 0)
    own = own_attendee(component, context)
    elements: list[Element | None] = [Calendar.MeetingStatus(status)]
    if people:
        elements.append(Calendar.Attendees(*(_attendee(one) for one in people[:ATTENDEES_MAX])))
    if context.version >= 140:
        answer = 1 if mine else _STATUS.get(itip.partstat(own), 0) if own is not None else 0
        asked = own is not None and (own.param("RSVP") or "").upper() == "TRUE"
        elements += [Calendar.ResponseRequested(1 if asked or mine else 0), Calendar.ResponseType(answer)]
        replied = component.get(itip.REPLY_TIME)
        if replied is not None and answer in PARTSTAT and (at := event_times.of_stamp(replied)):
            elements.append(Calendar.AppointmentReplyTime(event_times.wire(at)))
    return elements


def _attendee(prop: Property) -> Element:
    address = itip.address(prop.value)
    role = (prop.param("ROLE") or "").upper()
    kind = (prop.param("CUTYPE") or "").upper()
    number_of = 3 if kind in ("RESOURCE", "ROOM") else 2 if role == "OPT-PARTICIPANT" else 1
    return Calendar.Attendee(
        Calendar.Email(address[:256]),
        Calendar.Name(prop.param("CN") or address[:256]),
        Calendar.AttendeeStatus(_STATUS.get(itip.partstat(prop), 0)),
        Calendar.AttendeeType(number_of),
    )


def write(component: Component, said: list[Element]) -> None:
    """Make the attendees those of a device; who was there keeps what is known of him."""
    before = {itip.address(prop.value): prop for prop in component.all("ATTENDEE")}
    after: dict[str, Property] = {}
    for one in said[:ATTENDEES_MAX]:
        address = (one.text_of(Calendar.Email) or "").strip()
        address = address[7:] if address[:7].lower() == "mailto:" else address
        if _ADDRESS.fullmatch(address) is None:
            continue
        prop = before.get(address.lower()) or Property(
            "ATTENDEE", f"mailto:{address}", [("PARTSTAT", ["NEEDS-ACTION"]), ("RSVP", ["TRUE"])]
        )
        name = property_text.clean(" ".join((one.text_of(Calendar.Name) or "").split()))
        if name and name.lower() != address.lower() and prop.param("CN") != name:
            itip.set_param(prop, "CN", name[:256])
        _set_role(prop, number(one.text_of(Calendar.AttendeeType), 1))
        after[address.lower()] = prop
    component.properties = [prop for prop in component.properties if prop.name != "ATTENDEE"] + list(after.values())


def _set_role(prop: Property, kind: int) -> None:
    role = (prop.param("ROLE") or "").upper()
    if kind == 2 and role != "OPT-PARTICIPANT":
        itip.set_param(prop, "ROLE", _ROLES[2])
    elif kind == 1 and role == "OPT-PARTICIPANT":
        itip.set_param(prop, "ROLE", _ROLES[1])
    elif kind == 3 and (prop.param("CUTYPE") or "").upper() not in ("RESOURCE", "ROOM"):
        itip.set_param(prop, "CUTYPE", "RESOURCE")


def is_fixed(component: Component) -> bool:
    """Whether its organizer wants no other time proposed."""
    return component.value(itip.NO_COUNTER).strip().upper() == "TRUE"


def write_fixed(component: Component, data: Element) -> None:
    """DisallowNewTimeProposal; one that is left out stays, since few devices know it ([MS-ASCAL] §2.2.2.17)."""
    said = data.text_of(Calendar.DisallowNewTimeProposal)
    if said is None or (said.strip().lower() in ("1", "true")) == is_fixed(component):
        return
    if is_fixed(component):
        component.properties = [one for one in component.properties if one.name != itip.NO_COUNTER]
    else:
        itip.set_value(component, itip.NO_COUNTER, "TRUE")


def answer(component: Component, data: Element, context: Context) -> None:
    """Read an answer out of a changed event: devices that know no other way change their own line or ResponseType."""
    own = own_attendee(component, context)
    if own is None:
        return
    stated = number(data.text_of(Calendar.ResponseType), 0)
    people = data.find(Calendar.Attendees)
    for one in [] if people is None else people.all(Calendar.Attendee):
        if (one.text_of(Calendar.Email) or "").strip().lower() == itip.address(own.value):
            stated = number(one.text_of(Calendar.AttendeeStatus), 0) or stated
    if stated in PARTSTAT and itip.partstat(own) != PARTSTAT[stated]:
        itip.set_param(own, "PARTSTAT", PARTSTAT[stated])
        itip.set_value(component, itip.REPLY_TIME, event_times.wire(int(context.now)))
