"""CALDAV:filter from XML to the values that storage understands (RFC 4791 §9.7)."""

from __future__ import annotations

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


def _comp(element: etree._Element) -> CompFilter:
    absent = element.find(f"{CALDAV}is-not-defined") is not None
    name, span = _name(element), _range(element)
    if name == "VCALENDAR" and span is not None:
        raise refuse(403, f"{CALDAV}valid-filter", reason="a time range on VCALENDAR has no meaning")
    return CompFilter(
        name,
        absent,
        span,
        tuple(_prop(child) for child in xml.children(element, f"{CALDAV}prop-filter")),
        tuple(_comp(child) for child in xml.children(element, f"{CALDAV}comp-filter")),
    )


def _prop(element: etree._Element) -> PropFilter:
    return PropFilter(
        _name(element),
        element.find(f"{CALDAV}is-not-defined") is not None,
        _range(element),
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
