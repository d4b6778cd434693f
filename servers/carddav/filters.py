"""CARDDAV:filter from XML to the values that storage understands (RFC 6352 §10.5)."""

from __future__ import annotations

from typing import Final

from lxml import etree

from servers.dav import xml
from servers.dav.errors import refuse
from servers.dav.names import CARDDAV
from servers.http.errors import BadRequest
from storage.formats import collation
from storage.formats.vcard_filter import (
    UNICODE,
    CardFilter,
    MatchType,
    ParamFilter,
    PropFilter,
    TextMatch,
)

MOST_CONDITIONS: Final = 200
"""In one filter; a person's search has a handful."""


def read(root: etree._Element) -> CardFilter:
    """The filter of an addressbook-query.

    Raises:
        BadRequest: it breaks the grammar.
        HttpError: 403 supported-collation, supported-filter.
    """
    found = root.find(f"{CARDDAV}filter")
    if found is None:
        raise BadRequest("an addressbook-query holds a CARDDAV:filter")  # RFC 6352 §10.3
    if sum(1 for _ in found.iterdescendants()) > MOST_CONDITIONS:
        raise refuse(403, f"{CARDDAV}supported-filter", reason="too many conditions")
    props = tuple(_prop(child) for child in xml.children(found, f"{CARDDAV}prop-filter"))
    return CardFilter(props, _all_of(found))


def _all_of(element: etree._Element) -> bool:
    test = element.get("test", "anyof")
    if test not in ("anyof", "allof"):
        raise BadRequest("the test of a filter is anyof or allof")
    return test == "allof"


def _prop(element: etree._Element) -> PropFilter:
    if not element.get("name"):
        raise BadRequest("a prop-filter has a name")
    name, group = PropFilter.names(element.get("name", ""))
    return PropFilter(
        name,
        group,
        element.find(f"{CARDDAV}is-not-defined") is not None,
        tuple(_text(child) for child in xml.children(element, f"{CARDDAV}text-match")),
        tuple(_param(child) for child in xml.children(element, f"{CARDDAV}param-filter")),
        _all_of(element),
    )


def _param(element: etree._Element) -> ParamFilter:
    if not element.get("name"):
        raise BadRequest("a param-filter has a name")
    text = element.find(f"{CARDDAV}text-match")
    absent = element.find(f"{CARDDAV}is-not-defined") is not None
    return ParamFilter(element.get("name", "").upper(), absent, None if text is None else _text(text))


def _text(element: etree._Element) -> TextMatch:
    name = element.get("collation", UNICODE).lower()
    if name == "default":
        name = UNICODE
    if name not in collation.IDENTIFIERS:
        raise refuse(403, f"{CARDDAV}supported-collation", reason="this collation is not known here")
    try:
        match_type = MatchType(element.get("match-type", "contains"))
    except ValueError:
        raise BadRequest("the match-type is equals, contains, starts-with or ends-with") from None
    negate = element.get("negate-condition", "no") == "yes"
    return TextMatch(element.text or "", match_type, name, negate)
