"""Instances that are different in one thing, and as their series in all others ([MS-ASCAL] §2.2.2.21).

To a device an exception says what is different; what it does not say is the series'. In iCalendar each instance says
everything, so that what changes in the series has to be changed in those instances that had it from there.
"""

from __future__ import annotations

from typing import Final

from servers.activesync.classes import event_place
from storage.formats import itip
from storage.formats.contentline import Component, Property

_GROUPS: Final = (
    ("SUMMARY",), ("LOCATION", "GEO", event_place.OWN, event_place.APPLE), ("DESCRIPTION", "X-ALT-DESC"), ("CLASS",),
    ("TRANSP", "X-MICROSOFT-CDO-BUSYSTATUS"), ("CATEGORIES",), ("ORGANIZER",), (itip.NO_COUNTER,),
)  # fmt: skip
"""What changes together."""


def follow(calendar: Component, was: Component, now: Component) -> None:
    """Give the instances of a series what a device changed in it, where they had what it `was`."""
    parts = [one for one in calendar.of(now.name) if one is not now and one.get("RECURRENCE-ID") is not None]
    if not parts:
        return
    changed = [names for names in _GROUPS if _said(was, names) != _said(now, names)]
    rings = was.of("VALARM") != now.of("VALARM")
    invites = _people(was) != _people(now)
    for part in parts:
        for names in changed:
            if _said(part, names) == _said(was, names):
                part.properties = [one for one in part.properties if one.name not in names]
                part.properties += itip.copies(_said(now, names))
        if rings and part.of("VALARM") == was.of("VALARM"):
            part.components = [one for one in part.components if one.name != "VALARM"]
            part.components += [itip.clone(one) for one in now.of("VALARM")]
        if invites and _people(part).keys() == _people(was).keys():
            _invite(part, _people(now))


def _said(part: Component, names: tuple[str, ...]) -> list[Property]:
    return [one for one in part.properties if one.name in names]


def _people(part: Component) -> dict[str, Property]:
    return {itip.address(one.value): one for one in part.all("ATTENDEE")}


def _invite(part: Component, people: dict[str, Property]) -> None:
    """Make its guests these; whoever was there keeps his answer."""
    there = _people(part)
    part.properties = [one for one in part.properties if one.name != "ATTENDEE"]
    part.properties += [there.get(address) or itip.copies([one])[0] for address, one in people.items()]
