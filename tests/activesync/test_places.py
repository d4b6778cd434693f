"""Location of 16.x: its parts go both ways, and stay with the text that they belong to ([MS-ASAIRS] §2.2.2.28)."""

from __future__ import annotations

import pytest

from servers.activesync.classes import events
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSync, Calendar
from servers.activesync.wbxml.pages import AirSyncBase as Base
from tests.activesync.test_events import MEETING, context, ics, merged, shown, swap

MUSEUM = Base.Location(
    Base.DisplayName("Museum"), Base.Annotation("Hall; 3, left"), Base.Street('Museumsinsel "1"\nB'), Base.City("München"),
    Base.State("Bayern"), Base.Country("Deutschland"), Base.PostalCode("80538"), Base.Latitude("48.1299"),
    Base.Longitude("-11.5833"), Base.Accuracy("10"), Base.Altitude("520.5"), Base.AltitudeAccuracy("3"),
    Base.LocationUri("https://far.test/?a=1;b"),
)  # fmt: skip
PIN = (
    'X-APPLE-STRUCTURED-LOCATION;VALUE=URI;X-ADDRESS="Museumsinsel 1\\\\n80538 München";X-APPLE-MAPKIT-HANDLE=CAES;'
    'X-APPLE-RADIUS=70;X-TITLE="Museum":geo:48.129900,11.583300'
)


def place(body: bytes) -> Element | None:
    return shown(body, 161).find(Base.Location)


def change(body: bytes, *elements: Element) -> bytes:
    return merged(AirSync.ApplicationData(*elements), body, 161).encode()


def is_same(body: bytes) -> bool:
    """Whether a phone that sends back what it was shown changes nothing."""
    folded = events.CLASS.merge(shown(body, 161), body, "", context(161))
    return events.CLASS.merge(shown(folded, 161), folded, "", context(161)) == folded


def test_all_parts_go_there_and_back() -> None:
    body = change(MEETING, MUSEUM)
    assert place(body) == MUSEUM
    text = body.decode().replace("\r\n ", "")
    assert "LOCATION:Museum\r\n" in text
    assert "GEO:48.1299;-11.5833\r\n" in text
    assert "geo:48.1299,-11.5833" in text
    assert "X-TITLE=Museum" in text
    assert is_same(body)
    assert change(body, Calendar.Subject("Other")).count(b"GEO:") == 1  # left out is kept


def test_another_text_is_another_place() -> None:
    """Whoever changes the text, the parts of the old place are gone with it."""
    body = change(MEETING, MUSEUM)
    elsewhere = body.replace(b"LOCATION:Museum\r\n", b"LOCATION:Cafe\r\n")  # a program that knows the text alone
    found = place(elsewhere)
    assert found is not None
    assert [one.tag for one in found.children] == [Base.DisplayName]
    pinned = place(elsewhere.replace(b"GEO:48.1299", b"GEO:48.2"))  # it knows points as well
    assert pinned is not None
    assert pinned.text_of(Base.Latitude) == "48.2"
    for after in (
        change(body, Base.Location(Base.DisplayName("Cafe"))).decode(),
        merged(swap(shown(body), Calendar.Location("Cafe")), body),
    ):
        assert "LOCATION:Cafe" in after
        assert not any(name in after for name in ("GEO", "X-APPLE", "X-ESCRITOIRE-PLACE"))
    assert "GEO" in merged(swap(shown(body), Calendar.Subject("Same place")), body)


@pytest.mark.parametrize("nothing", [Base.Location(), Base.Location(Base.DisplayName())])
def test_an_empty_one_takes_everything_away(nothing: Element) -> None:
    after = change(change(MEETING, MUSEUM), nothing)
    assert place(after) is None
    assert not any(name in after for name in (b"LOCATION", b"GEO", b"X-ESCRITOIRE-PLACE"))


def test_what_apple_and_others_say_is_shown_and_kept() -> None:
    body = ics("DTSTART:20260706T080000Z", "DTEND:20260706T090000Z", "LOCATION:Museum", PIN)
    found = place(body)
    assert found is not None
    assert found.text_of(Base.Street) == "Museumsinsel 1 80538 München"
    assert (found.text_of(Base.Latitude), found.text_of(Base.Longitude)) == ("48.129900", "11.583300")
    assert "X-APPLE-MAPKIT-HANDLE=CAES;X-APPLE-RADIUS=70;X-TITLE=Museum:geo:" in merged(shown(body, 161), body, 161)
    assert is_same(body)
    geo = ics("DTSTART:20260706T080000Z", "DTEND:20260706T090000Z", "GEO:37.386013;-122.082932")
    found = place(geo)
    assert found is not None
    assert [one.text for one in found.children] == ["37.386013", "-122.082932"]


@pytest.mark.parametrize(
    ("latitude", "expected"), [("91", None), ("x", None), ("", None), ("4.8e1", "GEO:48.000000;2")]
)
def test_points_that_are_none(latitude: str, expected: str | None) -> None:
    text = change(MEETING, Base.Location(Base.DisplayName("A"), Base.Latitude(latitude), Base.Longitude("2"))).decode()
    assert ("GEO" in text) is (expected is not None)
    assert expected is None or expected in text


def test_a_place_without_a_name_has_its_address() -> None:
    body = change(MEETING, Base.Location(Base.Street("Elm Street 1"), Base.City("Springwood")))
    assert b"LOCATION:Elm Street 1\\, Springwood" in body
    found = place(body)
    assert found is not None
    assert found.text_of(Base.DisplayName) is None
    assert found.text_of(Base.City) == "Springwood"
