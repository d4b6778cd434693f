"""CALDAV:filter from XML to the values that storage understands (RFC 4791 §9.7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from lxml import etree

from servers.caldav import ranges
from servers.dav import xml
from servers.dav.errors import refuse
from servers.dav.names import CALDAV
from servers.http.errors import BadRequest
from storage.formats import collation
from storage.formats.calendar_filter import CompFilter, ParamFilter, PropFilter, TextMatch, TimeRange

MOST_CONDITIONS: Final = 200
"""In one filter; a client's query has a handful."""
_OUTER: Final = frozenset({"VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VTIMEZONE", "VAVAILABILITY"})
_HOLDERS: Final[Mapping[str, frozenset[str]]] = {
    **dict.fromkeys(_OUTER, frozenset({"VCALENDAR"})),
    "VCALENDAR": frozenset(),
    "VALARM": frozenset({"VEVENT", "VTODO"}),
    "STANDARD": frozenset({"VTIMEZONE"}),
    "DAYLIGHT": frozenset({"VTIMEZONE"}),
    "AVAILABLE": frozenset({"VAVAILABILITY"}),
}
"""In which components one can stand (RFC 5545 §3.6, RFC 7953 §3.1); names that are not here, anywhere."""
_DATED: Final = frozenset(
    {"COMPLETED", "CREATED", "DTEND", "DTSTAMP", "DTSTART", "DUE", "LAST-MODIFIED"}
    | {"ACKNOWLEDGED", "EXDATE", "RDATE", "RECURRENCE-ID", "TRIGGER"}
)
"""Properties that a time range can be asked of (RFC 4791 §9.9), beside those that begin with X-."""


def read(root: etree._Element) -> CompFilter:
    """The filter of a calendar-query.

    Raises:
        BadRequest: it breaks the grammar.
        HttpError: 403 valid-filter, supported-filter, supported-collation (RFC 4791 §7.8).
    """
    found = root.find(f"{CALDAV}filter")
    if found is None:
        raise BadRequest("a calendar-query holds a CALDAV:filter")  # §9.5
    if sum(1 for _ in found.iterdescendants()) > MOST_CONDITIONS:
        raise refuse(403, f"{CALDAV}supported-filter", reason="too many conditions")
    outer = [_comp(child) for child in xml.children(found, f"{CALDAV}comp-filter")]
    if len(outer) != 1 or outer[0].name != "VCALENDAR":
        raise refuse(403, f"{CALDAV}valid-filter", reason="the outermost comp-filter names VCALENDAR")
    return outer[0]


def _name(element: etree._Element) -> str:
    name = element.get("name", "").strip().upper()
    if not name:
        raise refuse(403, f"{CALDAV}valid-filter", reason="every filter names what it is about")
    return name


def _comp(element: etree._Element, within: str | None = None) -> CompFilter:
    absent = element.find(f"{CALDAV}is-not-defined") is not None
    name, span = _name(element), _range(element)
    if name == "VCALENDAR" and span is not None:
        raise refuse(403, f"{CALDAV}valid-filter", reason="a time range on VCALENDAR has no meaning")
    if name in _HOLDERS and within not in _HOLDERS[name] | {None}:  # §7.8
        raise refuse(403, f"{CALDAV}valid-filter", reason=f"no {name} stands in a {within}")
    return CompFilter(
        name,
        absent,
        span,
        tuple(_prop(child) for child in xml.children(element, f"{CALDAV}prop-filter")),
        tuple(_comp(child, name) for child in xml.children(element, f"{CALDAV}comp-filter")),
    )


def _prop(element: etree._Element) -> PropFilter:
    name, span = _name(element), _range(element)
    if span is not None and name not in _DATED and not name.startswith("X-"):  # §7.8
        raise refuse(403, f"{CALDAV}valid-filter", reason=f"{name} is no time, a time range has no meaning there")
    return PropFilter(
        name,
        element.find(f"{CALDAV}is-not-defined") is not None,
        span,
        _text(element),
        tuple(_param(child) for child in xml.children(element, f"{CALDAV}param-filter")),
    )


def _param(element: etree._Element) -> ParamFilter:
    absent = element.find(f"{CALDAV}is-not-defined") is not None
    return ParamFilter(_name(element), absent, _text(element))


def _range(element: etree._Element) -> TimeRange | None:
    found = element.find(f"{CALDAV}time-range")
    return None if found is None else TimeRange(*ranges.read(found))


def _text(element: etree._Element) -> TextMatch | None:
    found = element.find(f"{CALDAV}text-match")
    if found is None:
        return None
    name = found.get("collation", collation.ASCII_CASEMAP).lower()
    if name == "default":
        name = collation.ASCII_CASEMAP  # §9.7.5
    if name not in collation.IDENTIFIERS:
        raise refuse(403, f"{CALDAV}supported-collation", reason="this collation is not known here")
    return TextMatch(found.text or "", name, found.get("negate-condition", "no") == "yes")
