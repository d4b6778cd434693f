"""Meetings as objects: whose they are, what each attendee gets of them, and the messages between people (RFC 5546).

Pure functions over parsed VCALENDARs; who has an account here, and what is written where, is storage/scheduling's.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

from storage.formats import instances, timezones, timing
from storage.formats.contentline import Component, Property, render
from storage.formats.icalendar import PRODID, STORABLE

NEEDS_ACTION: Final = "NEEDS-ACTION"
DECLINED: Final = "DECLINED"
DELEGATED: Final = "DELEGATED"
_MAIL: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
"""What a mail of ours can be addressed to; others are not known here (SCHEDULE-STATUS 3.7)."""
PRIVATE_COMMENT: Final = "X-CALENDARSERVER-PRIVATE-COMMENT"
REPLY_TIME: Final = "X-MICROSOFT-CDO-REPLYTIME"
"""When an attendee answered, in his own copy, as Outlook writes it ([MS-OXCICAL])."""
NO_COUNTER: Final = "X-MICROSOFT-DISALLOW-COUNTER"
"""TRUE: the organizer wants no other time proposed ([MS-OXCICAL])."""
"""Where Apple's clients write an attendee's word to the organizer; sent as COMMENT."""
_SERVERS: Final = frozenset({"SCHEDULE-STATUS", "SCHEDULE-FORCE-SEND", "SCHEDULE-AGENT"})
"""Parameters between a client and its server, never sent to others (RFC 6638 §7)."""
RESPONSE_COMMENT: Final = "X-RESPONSE-COMMENT"
"""What an attendee wrote with his answer, to the organizer alone (MTG-08)."""
_TEXTS: Final = ("SUMMARY", "DESCRIPTION", "LOCATION")
"""What everybody must answer anew to, beside the times (MTG-13)."""
_KEPT: Final = frozenset({"TRANSP", "CATEGORIES", "CLASS", "COLOR", "PRIORITY"})
"""What is each attendee's own in his copy."""
_VIEWERS: Final = re.compile(r"COLOR|X-MOZ-LASTACK|X-MOZ-SNOOZE-TIME.*")
"""What is each viewer's own in any event (SYS-08)."""
_PROGRESS: Final = frozenset({"PERCENT-COMPLETE", "COMPLETED", "STATUS"})
"""And in his copy of a to-do, how far he has come (RFC 6638 §3.2.2.1, RFC 5546 §3.4.3)."""


def address(value: str) -> str:
    """The calendar user address in the form that is compared: `mailto:` addresses without it, lower case."""
    text = value.strip()
    return text[7:].strip().lower() if text[:7].lower() == "mailto:" else text


def is_mail(value: str) -> bool:
    """Whether an address of `address` can receive mail."""
    return _MAIL.fullmatch(value) is not None


def clone(component: Component) -> Component:
    """A copy that shares nothing which is ever changed in place."""
    return Component(
        component.name, copies(component.properties), [clone(each) for each in component.components], component.line
    )


def copies(properties: Iterable[Property]) -> list[Property]:
    """The same of properties."""
    return [Property(each.name, each.value, [*each.params], each.group, each.line) for each in properties]


def parts(calendar: Component) -> list[Component]:
    """Its events (to-dos, journals), the master first."""
    found = [each for each in calendar.components if each.name in STORABLE]
    return sorted(found, key=lambda each: each.get("RECURRENCE-ID") is not None)


def instance(component: Component) -> str:
    """RECURRENCE-ID as it is written, "" for the master."""
    return component.value("RECURRENCE-ID").strip().upper()


def organizer(calendar: Component) -> Property | None:
    """The first ORGANIZER."""
    return next((found for each in parts(calendar) if (found := each.get("ORGANIZER")) is not None), None)


def attendee(component: Component, who: Collection[str]) -> Property | None:
    """The ATTENDEE that is one of these addresses."""
    return next((prop for prop in component.all("ATTENDEE") if address(prop.value) in who), None)


def attendees(calendar: Component) -> dict[str, Property]:
    """Everybody invited to any instance, by address."""
    found: dict[str, Property] = {}
    for each in parts(calendar):
        for prop in each.all("ATTENDEE"):
            found.setdefault(address(prop.value), prop)
    return found


def partstat(prop: Property | None) -> str:
    """How he answered; NEEDS-ACTION if he did not (RFC 5545 §3.2.12)."""
    return ((prop.param("PARTSTAT") if prop is not None else "") or NEEDS_ACTION).upper()


def delegate(prop: Property | None) -> str:
    """Whom an attendee sends in his stead, "" if nobody who can receive mail (RFC 5545 §3.2.5)."""
    if prop is None or partstat(prop) != DELEGATED:
        return ""
    found = address(prop.param("DELEGATED-TO") or "")
    return found if is_mail(found) else ""


def set_param(prop: Property, name: str, value: str) -> None:
    """Give a property one value of a parameter; "" takes the parameter away."""
    prop.params = [(known, values) for known, values in prop.params if known != name]
    if value:
        prop.params.append((name, [value]))


def set_value(component: Component, name: str, value: str) -> None:
    """Give a component one property of that name; its parameters go."""
    component.properties = [prop for prop in component.properties if prop.name != name]
    component.properties.append(Property(name, value))


def agent(prop: Property) -> str:
    """Who sends messages to somebody (RFC 6638 §7.1): SERVER, CLIENT, or NONE for all that is not known."""
    found = (prop.param("SCHEDULE-AGENT") or "SERVER").upper()
    return found if found in ("SERVER", "CLIENT") else "NONE"


def sequence(component: Component) -> int:
    """SEQUENCE, 0 if there is none or it is no number."""
    text = component.value("SEQUENCE").strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


def latest(calendar: Component) -> int:
    """The highest SEQUENCE of its parts."""
    return max(map(sequence, parts(calendar)), default=0)


def raise_sequence(calendar: Component, least: int) -> None:
    """Let no part have a lower SEQUENCE than this one (RFC 5546 §2.1.4)."""
    for each in parts(calendar):
        if sequence(each) < least:
            set_value(each, "SEQUENCE", str(least))


def changed(old: Component, new: Component) -> bool:
    """Whether time, subject, description or place of any instance changed (MTG-13)."""
    before, after = ({instance(each): each for each in parts(one)} for one in (old, new))
    old_zones, new_zones = _zones(old), _zones(new)
    return before.keys() != after.keys() or any(
        _differs(old_zones, before[key], new_zones, after[key]) for key in before
    )


def _zones(calendar: Component) -> Component:
    """The time zones alone, which else would be looked for among thousands of instances with each of these."""
    return Component("VCALENDAR", [], calendar.of("VTIMEZONE"))


def _differs(old_calendar: Component, old: Component, new_calendar: Component, new: Component) -> bool:
    return (
        any(_plain(old, name) != _plain(new, name) for name in _TEXTS)
        or not timing.same(old_calendar, old, new_calendar, new)
        or timing.exceptions(old_calendar, old) != timing.exceptions(new_calendar, new)
    )


def statuses(calendar: Component) -> list[str]:
    """STATUS of each instance."""
    return [status(each) for each in parts(calendar)]


def status(component: Component) -> str:
    """STATUS; CONFIRMED where nothing is said."""
    return component.value("STATUS").strip().upper() or "CONFIRMED"


def facts(calendar: Component) -> list[tuple[str, list[str]]]:
    """What everybody answered to (MTG-13), of the first component, as it is written."""
    first = parts(calendar)[0]
    names = (*timing.TIMES, "EXDATE", *_TEXTS)
    return [(name, values) for name in names if (values := sorted(_values(first, name)))]


def _values(component: Component, name: str) -> Iterator[str]:
    for prop in component.all(name):
        text = prop.value.strip()
        if name in ("RDATE", "EXDATE"):
            yield from text.split(",")
        elif name == "RRULE":
            yield ";".join(sorted(text.upper().split(";")))
        elif text:
            yield text.replace("\\N", "\\n")


def copy_for(calendar: Component, who: Collection[str]) -> Component | None:
    """What one attendee gets of the organizer's object; None if he is invited to nothing (RFC 6638 §3.2.1, §3.2.6).

    Alarms, what is the organizer's alone, and what only servers say to their clients stay behind; instances he is not
    invited to become exceptions.
    """
    result = Component("VCALENDAR", [prop for prop in copies(calendar.properties) if prop.name != "METHOD"])
    result.components = [clone(each) for each in calendar.components if each.name == "VTIMEZONE"]
    invited: list[Component] = []
    gone: list[Component] = []
    for each in parts(calendar):
        (invited if attendee(each, who) is not None else gone).append(each)
    if not invited:
        return None
    for each in invited:
        own = clone(each)
        own.components = [inner for inner in own.components if inner.name != "VALARM"]
        own.properties = [prop for prop in own.properties if not _VIEWERS.fullmatch(prop.name)]
        for mine in own.properties:
            if mine.name in ("ATTENDEE", "ORGANIZER"):
                mine.params = [pair for pair in mine.params if pair[0] not in _SERVERS | {RESPONSE_COMMENT}]
        if own.get("RECURRENCE-ID") is None:
            for missed in gone:
                prop = missed.get("RECURRENCE-ID")
                if prop is not None:
                    own.properties.append(Property("EXDATE", prop.value, [p for p in prop.params if p[0] != "RANGE"]))
        result.components.append(own)
    return result


def keep_own(old: Component, new: Component, who: Collection[str] = ()) -> bool:
    """Carry an attendee's own alarms, tags, colour and transparency over into his new copy; say if there are any.

    What `who` declined, and is asked anew, is no longer free because he declined it. An instance that becomes one of
    its own has the alarms and the colour of his series.
    """
    found = False
    before = {instance(each): each for each in parts(old)}
    for each in parts(new):
        mine = before.get(instance(each))
        if mine is None:
            found = ("" in before and _as_series(before[""], each)) or found
            continue
        alarms = [clone(inner) for inner in mine.components if inner.name == "VALARM"]
        each.components += alarms
        found = found or bool(alarms)
        called_off = each.value("STATUS").strip().upper() == "CANCELLED"
        own = _KEPT | _PROGRESS if each.name == "VTODO" and not called_off else _KEPT
        if partstat(attendee(mine, who)) == DECLINED != partstat(attendee(each, who)):
            own = own - {"TRANSP"}
        kept = [prop for prop in mine.properties if prop.name in own or prop.name.startswith("X-MOZ-")]
        names = {prop.name for prop in kept}
        theirs = [prop for prop in each.properties if prop.name in names]
        if theirs != kept:
            found = True
            each.properties = [prop for prop in each.properties if prop.name not in names] + copies(kept)
    return found


def _as_series(series: Component, part: Component) -> bool:
    """Give an instance what is its attendee's own in the series; say if there is anything."""
    relative = (one for one in series.of("VALARM") if not one.value("TRIGGER").strip()[:1].isdigit())
    alarms, colours = [clone(one) for one in relative], copies(series.all("COLOR"))
    part.components += alarms
    part.properties += colours
    return bool(alarms or colours)


def refused(calendar: Component, who: str) -> bool:
    """Whether somebody declined everything he is invited to."""
    asked = [mine for each in parts(calendar) if (mine := attendee(each, {who})) is not None]
    return bool(asked) and all(partstat(mine) == DECLINED for mine in asked)


def open_for(calendar: Component, who: str) -> bool:
    """Whether somebody has something to answer to."""
    asked = [attendee(each, {who}) for each in parts(calendar)]
    return any(mine is not None and partstat(mine) == NEEDS_ACTION for mine in asked)


def stay_away(old: Component, new: Component, who: str) -> bool:
    """Leave out of an attendee's new copy the instances that he declined and took away; say if there are any."""
    master, model = parts(new)[0], parts(old)[0]
    if instance(master) or instance(model):
        return False
    left = {value.upper() for value in _values(model, "EXDATE")} - {instance(each) for each in parts(old)}
    gone = [each for each in parts(new) if instance(each) in left and partstat(attendee(each, {who})) == DECLINED]
    for each in gone:
        moment = each.get("RECURRENCE-ID")
        new.components.remove(each)
        if moment is not None:
            params = [pair for pair in moment.params if pair[0] != "RANGE"]
            master.properties.append(Property("EXDATE", moment.value.strip(), params))
    return bool(gone)


def attendee_may(old: Component, new: Component, who: Collection[str]) -> bool:
    """Whether an attendee changed only what is his: answer, delegate, alarms, instances left (RFC 6638 §3.2.2.1)."""
    before, after = ({instance(each): each for each in parts(one)} for one in (old, new))
    if "" in before and "" not in after:
        return False
    old_zones, new_zones = _zones(old), _zones(new)
    zones = Component("VCALENDAR", [], [*old_zones.components, *new_zones.components])
    series = instances.Whole.alone(zones, before[""]) if "" in before else None
    master = _Said(before[""], who) if "" in before else None
    for key, each in after.items():
        model = _Said(before[key], who) if key and key in before else master
        if model is None:
            return False
        now = _Said(each, who)
        if model.texts != now.texts:
            return False
        if key in before:
            gone, left = timing.exceptions(old_zones, before[key]), timing.exceptions(new_zones, each)
            if not gone <= left or not timing.same(old_zones, before[key], new_zones, each):
                return False
        elif series is None or not series.plain(each):  # an instance of its own, made to answer for it alone
            return False
        own = {*who, delegate(now.mine), address((model.mine and model.mine.param("DELEGATED-TO")) or "")}
        if model.invited | own != now.invited | own:
            return False
    return True


class _Said:
    """What a component says that an attendee may not change: read once of a series, with which many are compared."""

    def __init__(self, part: Component, who: Collection[str]) -> None:
        status = () if part.name == "VTODO" else ("STATUS",)  # of a to-do it is how far he has come
        self.texts: Final = [_plain(part, name) for name in (*_TEXTS, *status, "ORGANIZER")]
        self.mine: Final = attendee(part, who)
        self.invited: Final = {address(prop.value) for prop in part.all("ATTENDEE")}


def _plain(component: Component, name: str) -> list[str]:
    if name == "ORGANIZER":
        return [address(component.value(name))]
    found = sorted(_values(component, name))
    return [] if name == "STATUS" and found in (["CONFIRMED"], []) else found


def uninvite(calendar: Component, gone: Collection[str]) -> None:
    """Let an object say that these people are taken out of a meeting that takes place (RFC 5546 §3.2.5)."""
    for each in parts(calendar):
        each.properties = [
            prop
            for prop in each.properties
            if prop.name != "STATUS" and (prop.name != "ATTENDEE" or address(prop.value) in gone)
        ]


def message(calendar: Component, method: str, *, called_off: bool = True) -> bytes:
    """An object as a message (RFC 5546 §3.2); a CANCEL without `called_off` takes out those in it only (§3.2.5)."""
    sent = clone(calendar)
    sent.properties = [prop for prop in sent.properties if prop.name != "METHOD"]
    sent.properties.append(Property("METHOD", method))
    for each in parts(sent):
        if method == "CANCEL" and called_off:
            set_value(each, "STATUS", "CANCELLED")
        set_value(each, "DTSTAMP", stamp())
    # "MUST be present if any date/time refers to a timezone" (§3.2.2): a client here may leave it out.
    sent.components = [*timezones.missing(sent), *sent.components]
    return render(sent)


def reply(calendar: Component, who: Collection[str]) -> Component:
    """What an attendee answers: of each instance himself alone, or with whom he sends (RFC 5546 §3.2.2.3, §3.2.3)."""
    result = Component("VCALENDAR", [Property("VERSION", "2.0"), Property("PRODID", PRODID)])
    result.components = [clone(each) for each in calendar.components if each.name == "VTIMEZONE"]
    for each in parts(calendar):
        me = attendee(each, who)
        if me is None:
            continue
        own = Component(each.name)
        for name in (
            "UID",
            "SEQUENCE",
            "RECURRENCE-ID",
            "DTSTART",
            "DTEND",
            "DURATION",
            "SUMMARY",
            "ORGANIZER",
            "COMMENT",
            *(("DUE", *sorted(_PROGRESS)) if each.name == "VTODO" else ()),
        ):
            own.properties += copies(each.all(name))
        sent = attendee(each, {delegate(me)})
        own.properties += copies([me] if sent is None else [me, sent])
        own.properties += [Property("DTSTAMP", stamp()), Property("REQUEST-STATUS", "2.0;Success")]
        if word := each.value(PRIVATE_COMMENT):
            set_value(own, "COMMENT", word)
        unserved(own)
        result.components.append(own)
    return result


def unserved(component: Component) -> None:
    """Take away what only a server says to its client (RFC 6638 §7)."""
    for prop in component.properties:
        prop.params = [pair for pair in prop.params if pair[0] not in _SERVERS]


def stamp() -> str:
    """Now, as DTSTAMP has it."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
