"""What may be stored in a calendar, and that it is stored as it came (RFC 4791 §4.1, CAL-01, "bad input")."""

from __future__ import annotations

import tomllib
from pathlib import Path

import icalendar as oracle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage import errors
from storage.errors import BadFormat, BadObject, StorageError, TooManyAttendees
from storage.formats import calendar_views
from storage.formats.contentline import parse, render
from storage.formats.icalendar import MAX_ATTENDEES, class_of, load, read
from storage.formats.series import Series

CORPUS = Path(__file__).parents[1] / "corpora" / "icalendar"
EXPECTED = tomllib.loads((CORPUS / "expected.toml").read_text(encoding="utf-8"))


def event(*lines: str, uid: str = "one@example.test") -> bytes:
    """A calendar with one event."""
    return calendar("BEGIN:VEVENT", f"UID:{uid}", "DTSTAMP:20240101T000000Z", *lines, "END:VEVENT")


def calendar(*lines: str) -> bytes:
    whole = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Test//Test//EN", *lines, "END:VCALENDAR"]
    return "".join(line + "\r\n" for line in whole).encode()


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_corpus(name: str) -> None:
    data = (CORPUS / f"{name}.ics").read_bytes()
    want = EXPECTED[name]
    if "error" in want:
        with pytest.raises(getattr(errors, want["error"])) as caught:
            read(data)
        assert want["text"] in str(caught.value)
        return
    found = read(data)
    if want["stored"] == "same":
        assert found.body == data
    else:
        assert found.body != data
        assert want["contains"] in found.body.decode("utf-8")
        assert read(found.body).body == found.body  # repaired once and for all
    again = load(found.body)
    assert (again.uid, again.component, again.series) == (found.uid, found.component, found.series)
    calendar_views.busy_stub(found)
    calendar_views.split_viewer(found)


def test_corpus_is_complete() -> None:
    assert {path.stem for path in CORPUS.glob("*.ics")} == set(EXPECTED)


@pytest.mark.parametrize("name", sorted(name for name in EXPECTED if EXPECTED[name].get("stored") == "repaired"))
def test_repairs_are_icalendar_for_others(name: str) -> None:
    """Another reader takes what we made of it."""
    body = read((CORPUS / f"{name}.ics").read_bytes()).body
    parsed = oracle.Calendar.from_ical(body)
    assert [str(part["UID"]) for part in parsed.walk("VEVENT")] == [read(body).uid]


def test_what_is_known_of_it() -> None:
    found = read(
        event(
            "DTSTART:20240110T100000Z",
            "DTEND:20240110T110000Z",
            "SUMMARY:Budget\\, part 2\\; end",
            "ORGANIZER;CN=Ann:mailto:ann@example.test",
            "ATTENDEE:mailto:bob@example.test",
            "ATTENDEE:mailto:eve@example.test",
            "STATUS:tentative",
            "TRANSP:TRANSPARENT",
            "CLASS:CONFIDENTIAL",
        )
    )
    assert found.component == "VEVENT"
    assert found.uid == "one@example.test"
    assert found.summary == "Budget, part 2; end"
    assert found.organizer == "mailto:ann@example.test"
    assert found.attendees == 2
    assert found.status == "TENTATIVE"
    assert found.transparent
    assert found.klass == "CONFIDENTIAL"
    assert not found.has_alarms
    assert not found.has_viewer_parts
    assert found.series.span == (1704880800, 1704884400)


@pytest.mark.slow
def test_attendee_limit() -> None:
    """CALDAV:max-attendees-per-instance (RFC 4791 §5.2.9)."""
    many = [f"ATTENDEE:mailto:a{number}@example.test" for number in range(MAX_ATTENDEES + 1)]
    assert read(event("DTSTART:20240110T100000Z", *many[1:])).attendees == MAX_ATTENDEES
    with pytest.raises(TooManyAttendees):
        read(event("DTSTART:20240110T100000Z", *many))
    with pytest.raises(StorageError):
        read(event("DTSTART:20240110T100000Z", *many * 10))


@pytest.mark.parametrize(
    ("master", "override", "whole"),
    [
        ("PUBLIC", None, "PUBLIC"),
        ("", None, "PUBLIC"),
        ("private", None, "PRIVATE"),
        ("X-SECRET", None, "PRIVATE"),  # RFC 5545 §3.8.1.3
        ("CONFIDENTIAL", "PUBLIC", "CONFIDENTIAL"),
        ("PUBLIC", "PUBLIC", "PUBLIC"),
        ("PUBLIC", "PRIVATE", "CONFIDENTIAL"),  # its details must not be read with those of the series
        ("PUBLIC", "CONFIDENTIAL", "CONFIDENTIAL"),
        ("PRIVATE", "PUBLIC", "PRIVATE"),
        (None, "PRIVATE", "PRIVATE"),
        (None, "PUBLIC", "PUBLIC"),
    ],
)
def test_class_of_the_whole(master: str | None, override: str | None, whole: str) -> None:
    """CAL-06, ACL-24: one body serves every viewer, so the strictest instance decides."""
    lines: list[str] = []
    head = ["BEGIN:VEVENT", "UID:u", "DTSTAMP:20240101T000000Z"]
    if override is not None:
        lines += [
            *head,
            "RECURRENCE-ID:20240111T100000Z",
            "DTSTART:20240111T120000Z",
            f"CLASS:{override}",
            "END:VEVENT",
        ]
    if master is not None:
        lines += [*head, "DTSTART:20240110T100000Z", "RRULE:FREQ=DAILY", f"CLASS:{master}", "END:VEVENT"]
    found = read(calendar(*lines))
    assert found.klass == whole
    assert (found.master is None) == (master is None)
    if master is not None:
        assert class_of(found.components[0]) == ("PUBLIC" if not master else class_of(found.components[0]))


def test_series_may_be_handed_over() -> None:
    found = read(event("DTSTART:20240110T100000Z", "RRULE:FREQ=DAILY"))
    stored = Series.loads(found.series.dumps())
    assert load(found.body, stored).series is stored


PIECES = st.sampled_from(
    [
        "BEGIN:VEVENT",
        "END:VEVENT",
        "BEGIN:VALARM",
        "END:VALARM",
        "BEGIN:VTODO",
        "END:VTODO",
        "UID:a",
        "UID:b",
        "DTSTAMP:20240101T000000Z",
        "DTSTART:20240110T100000Z",
        "DTSTART;VALUE=DATE:20240110",
        "DTEND:20240110",
        "DTSTART;TZID=Europe/Paris:20240331T023000",
        "DURATION:-P1D",
        "RRULE:FREQ=WEEKLY;COUNT=2",
        "RRULE:FREQ=",
        "RECURRENCE-ID:20240110T100000Z",
        "EXDATE:20240110T100000Z",
        "CLASS:PRIVATE",
        "COLOR:red",
        "TRIGGER:-PT5M",
        "ACTION:DISPLAY",
        " folded",
        "SUMMARY:\u00e9\U0001f600\\n",
        "",
        "DUE:20240110T100000",
        "STATUS:CANCELLED",
    ]
)


@settings(max_examples=200)
@given(st.lists(PIECES, max_size=12), st.booleans())
def test_any_lines_are_stored_or_refused(lines: list[str], wrapped: bool) -> None:
    """Nothing but our own refusals comes out, and what is stored can be read back and shown to everybody."""
    inner = ["BEGIN:VEVENT", "UID:a", *lines, "END:VEVENT"] if wrapped else lines
    try:
        found = read(calendar(*inner))
    except StorageError:
        return
    assert read(found.body).body == found.body
    assert parse(render(found.calendar)) == [found.calendar]
    stub = calendar_views.busy_stub(found)
    if stub is not None:
        assert read(stub).klass == "PUBLIC"
    shared, mine = calendar_views.split_viewer(found)
    if mine is not None:
        assert read(calendar_views.merge_viewer(shared, mine)).series == found.series


def test_the_line_is_that_of_the_client() -> None:
    """ "Name the line of what cannot": folded lines before it are counted as the client wrote them."""
    with pytest.raises(BadFormat) as caught:
        read(event("SUMMARY:a", " b", " c", "DTSTART:nonsense"))
    assert caught.value.line == 10


@pytest.mark.parametrize("inner", ["VTODO", "VEVENT", "VJOURNAL"])
def test_an_event_holds_no_other_one(inner: str) -> None:
    """RFC 5545 §3.6: such an object could not be divided among its viewers; not in an alarm either."""
    nested = [f"BEGIN:{inner}", "COLOR:red", f"END:{inner}"]
    for lines in (nested, ["BEGIN:VALARM", *nested, "END:VALARM"]):
        with pytest.raises(BadObject):
            read(calendar("BEGIN:VEVENT", "UID:a", "DTSTART:20240110T100000Z", *lines, "END:VEVENT"))
