"""CALDAV:filter beside time ranges: properties, parameters, text, absence, alarms, collations (RFC 4791 §9.7, §7.5)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from servers.dav.names import CALDAV
from storage.store import Store
from tests.caldav import desk
from tests.caldav.desk import EVENTS, TASKS, Client

OBJECTS: dict[str, tuple[str, ...]] = {
    "straße": (
        "DTSTART:20250601T100000Z",
        "SUMMARY:Straßenfest",
        "DESCRIPTION:one\\, two\\nthree; four",
        "STATUS:TENTATIVE",
        "CATEGORIES:Town,Fun",
    ),
    "ÉTÉ": ("DTSTART:20250602T100000Z", "SUMMARY:Été", "LOCATION:Café", "STATUS:CONFIRMED"),
    "meeting": (
        "DTSTART:20250603T100000Z",
        "DTEND:20250603T110000Z",
        "SUMMARY:Board meeting",
        "ORGANIZER;CN=Alice:mailto:alice@example.test",
        "ATTENDEE;CN=Alice;PARTSTAT=ACCEPTED:mailto:alice@example.test",
        "ATTENDEE;CN=Bob;PARTSTAT=NEEDS-ACTION;ROLE=OPT-PARTICIPANT:mailto:bob@example.test",
        "DTSTAMP:20240101T000000Z",
        "X-ESCROW;X-KIND=a:1",
    ),
    "alarmed": (
        "DTSTART:20250604T100000Z",
        "DTEND:20250604T110000Z",
        "SUMMARY:Dentist",
        *(
            "BEGIN:VALARM",
            "ACTION:DISPLAY",
            "TRIGGER:-PT1H",
            "DESCRIPTION:soon",
            "REPEAT:2",
            "DURATION:PT10M",
            "END:VALARM",
        ),
    ),
    "daily": (
        "DTSTART:20250701T100000Z",
        "DURATION:PT1H",
        "RRULE:FREQ=DAILY;COUNT=3",
        "SUMMARY:Standup",
        *("BEGIN:VALARM", "ACTION:AUDIO", "TRIGGER;RELATED=END:PT15M", "END:VALARM"),
        *desk.next_event(
            *("UID:daily", "DTSTAMP:20250101T000000Z", "RECURRENCE-ID:20250702T100000Z"),
            *("DTSTART:20250702T150000Z", "DURATION:PT1H", "SUMMARY:Late standup"),
        ),
    ),
}


@pytest.fixture(scope="module")
def alice(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("filters") / "desk"
    shutil.copytree(template, folder)
    store = Store.open(f"sqlite:///{folder}/desk.sqlite3", folder / "blobs")
    client = Client(desk.app(store), "alice")
    for uid, lines in OBJECTS.items():
        desk.put(client, f"{EVENTS}{uid}.ics", desk.event(uid, *lines))
    desk.put(
        client, f"{TASKS}done.ics", desk.event("done", "STATUS:COMPLETED", "COMPLETED:20250601T100000Z", around="VTODO")
    )
    desk.put(client, f"{TASKS}open.ics", desk.event("open", "SUMMARY:Buy milk", "DUE:20250605T100000Z", around="VTODO"))
    yield client
    store.close()


def prop(name: str, inside: str = "", comp: str = "VEVENT") -> str:
    return f'<C:comp-filter name="{comp}"><C:prop-filter name="{name}">{inside}</C:prop-filter></C:comp-filter>'


def text(wanted: str, collation: str = "", negate: bool = False) -> str:
    attributes = (f' collation="{collation}"' if collation else "") + (' negate-condition="yes"' if negate else "")
    return f"<C:text-match{attributes}>{wanted}</C:text-match>"


ALL = set(OBJECTS)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        # §9.7.1, §9.7.2: empty filters ask for existence, is-not-defined for absence
        ("", ALL),
        ('<C:comp-filter name="VEVENT"/>', ALL),
        ('<C:comp-filter name="VTODO"/>', set()),
        ('<C:comp-filter name="VTODO"><C:is-not-defined/></C:comp-filter>', ALL),
        ('<C:comp-filter name="VEVENT"><C:is-not-defined/></C:comp-filter>', set()),
        (prop("LOCATION"), {"ÉTÉ"}),
        (prop("LOCATION", "<C:is-not-defined/>"), ALL - {"ÉTÉ"}),
        (prop("x-escrow"), {"meeting"}),
        # §9.7.5: a substring, unescaped, of any value
        (prop("SUMMARY", text("MEET")), {"meeting"}),
        (prop("SUMMARY", text("nothing of the kind")), set()),
        (prop("SUMMARY", text("standup", negate=True)), ALL - {"daily"}),
        (prop("DESCRIPTION", text("one, two")), {"straße"}),
        (prop("DESCRIPTION", text("three; four")), {"straße"}),
        (prop("CATEGORIES", text("fun")), {"straße"}),
        (prop("STATUS", text("confirmed", negate=True)), {"straße"}),  # others have none to test
        (prop("UID", text("MEETING")), {"meeting"}),
        (prop("UID", text("MEETING", "i;octet")), set()),
        # §7.5: the three collations
        (prop("SUMMARY", text("straßenfest")), {"straße"}),
        (prop("SUMMARY", text("STRASSENFEST")), set()),
        (prop("SUMMARY", text("été")), set()),  # i;ascii-casemap leaves É alone
        (prop("SUMMARY", text("été", "i;unicode-casemap")), {"ÉTÉ"}),
        (prop("SUMMARY", text("ete", "i;unicode-casemap")), set()),
        (prop("SUMMARY", text("Été", "i;octet")), {"ÉTÉ"}),
        (prop("SUMMARY", text("board", "i;octet")), set()),
        (prop("SUMMARY", text("board", "default")), {"meeting"}),
        # §9.7.3
        (prop("ATTENDEE", '<C:param-filter name="ROLE"/>'), {"meeting"}),
        (prop("ATTENDEE", '<C:param-filter name="RSVP"/>'), set()),
        (prop("ATTENDEE", '<C:param-filter name="RSVP"><C:is-not-defined/></C:param-filter>'), {"meeting"}),
        (
            prop("ATTENDEE", f'{text("bob@")}<C:param-filter name="PARTSTAT">{text("needs-action")}</C:param-filter>'),
            {"meeting"},
        ),
        (prop("ATTENDEE", f'{text("bob@")}<C:param-filter name="PARTSTAT">{text("accepted")}</C:param-filter>'), set()),
        # §9.9: times of properties
        (prop("DTSTAMP", '<C:time-range start="20240101T000000Z" end="20240101T000001Z"/>'), {"meeting"}),
        (prop("DTSTAMP", '<C:time-range start="20250101T000001Z"/>'), set()),
        (
            prop("DTEND", '<C:time-range start="20250701T110000Z" end="20250701T110001Z"/>'),
            {"daily"},
        ),  # effective DTEND
        (prop("DTSTART", '<C:time-range start="20250702T150000Z" end="20250702T150001Z"/>'), {"daily"}),
        # the instance in the range is the one that is late
        (
            '<C:comp-filter name="VEVENT"><C:time-range start="20250703T000000Z" end="20250704T000000Z"/>'
            f'<C:prop-filter name="SUMMARY">{text("late")}</C:prop-filter></C:comp-filter>',
            set(),
        ),
        (
            '<C:comp-filter name="VEVENT"><C:time-range start="20250702T150000Z" end="20250702T153000Z"/>'
            f'<C:prop-filter name="SUMMARY">{text("late")}</C:prop-filter></C:comp-filter>',
            {"daily"},
        ),
    ],
)
def test_conditions(alice: Client, condition: str, expected: set[str]) -> None:
    assert desk.names(desk.query(alice, EVENTS, condition)) == expected


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("20250604T090000Z", "20250604T090001Z", {"alarmed"}),  # (start <= trigger-time) AND (end > trigger-time)
        ("20250604T080000Z", "20250604T090000Z", set()),
        ("20250604T091000Z", "20250604T091001Z", {"alarmed"}),  # repeated
        ("20250604T092000Z", "20250604T092001Z", {"alarmed"}),  # twice
        ("20250604T093000Z", "20250604T100000Z", set()),
        ("20250703T111500Z", "20250703T111501Z", {"daily"}),  # a quarter of an hour after each end
        ("20250702T111500Z", "20250702T111501Z", set()),  # but that instance is late, and has no alarm
        ("20250704T000000Z", "20250801T000000Z", set()),
    ],
)
def test_alarms(alice: Client, start: str, end: str, expected: set[str]) -> None:
    """RFC 4791 §7.8.5, §9.9."""
    inner = desk.span(start, end, "VALARM")
    assert desk.names(desk.query(alice, EVENTS, f'<C:comp-filter name="VEVENT">{inner}</C:comp-filter>')) == expected


def test_events_without_alarms(alice: Client) -> None:
    condition = (
        '<C:comp-filter name="VEVENT"><C:comp-filter name="VALARM"><C:is-not-defined/></C:comp-filter></C:comp-filter>'
    )
    assert desk.names(desk.query(alice, EVENTS, condition)) == {
        "straße",
        "ÉTÉ",
        "meeting",
        "daily",
    }  # the late instance


def test_pending_todos(alice: Client) -> None:
    """RFC 4791 §7.8.9."""
    condition = (
        '<C:comp-filter name="VTODO"><C:prop-filter name="COMPLETED"><C:is-not-defined/></C:prop-filter>'
        f'<C:prop-filter name="STATUS">{text("CANCELLED", negate=True)}</C:prop-filter></C:comp-filter>'
    )
    assert desk.names(desk.query(alice, TASKS, condition)) == set()  # a STATUS is demanded by the second
    condition = '<C:comp-filter name="VTODO"><C:prop-filter name="COMPLETED"><C:is-not-defined/></C:prop-filter></C:comp-filter>'
    assert desk.names(desk.query(alice, TASKS, condition)) == {"open"}


@pytest.mark.parametrize(
    ("condition", "element"),
    [
        # §7.8 gives these two as examples
        ('<C:comp-filter name="VTODO"><C:comp-filter name="VEVENT"/></C:comp-filter>', "valid-filter"),
        (prop("SUMMARY", '<C:time-range start="20250101T000000Z"/>'), "valid-filter"),
        ('<C:comp-filter name="VALARM"/>', "valid-filter"),
        ("<C:comp-filter/>", "valid-filter"),
        (prop(""), "valid-filter"),
        # §9.9
        (desk.span(), "valid-filter"),
        (desk.span("20250102T000000Z", "20250101T000000Z"), "valid-filter"),
        (desk.span("20250102T000000Z", "20250102T000000Z"), "valid-filter"),
        (desk.span("20250102T000000"), "valid-filter"),  # no UTC
        (desk.span("20250102"), "valid-filter"),
        (desk.span("20251332T000000Z"), "valid-filter"),
        (desk.span("yesterday"), "valid-filter"),
        (desk.span("00000101T000000Z"), "min-date-time"),
        # §7.5.1
        (prop("SUMMARY", text("x", "i;klingon")), "supported-collation"),
        (prop("SUMMARY", text("x", "*")), "supported-collation"),
        ("".join(prop("SUMMARY", text(str(number))) for number in range(101)), "supported-filter"),
    ],
)
def test_refused(alice: Client, condition: str, element: str) -> None:
    answer = desk.query(alice, EVENTS, condition)
    assert (answer.status, answer.precondition) == (403, f"{CALDAV}{element}")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("<C:calendar-query><D:prop><D:getetag/></D:prop></C:calendar-query>", 400),  # §9.5: a filter
        ("<C:calendar-query><D:prop/><C:filter/></C:calendar-query>", 403),
        ('<C:calendar-query><D:prop/><C:filter><C:comp-filter name="VEVENT"/></C:filter></C:calendar-query>', 403),
        ("<C:free-busy-query/>", 400),  # §9.11
        ("<C:calendar-multiget><D:prop/></C:calendar-multiget>", 400),  # §9.10
    ],
)
def test_bodies_that_break_the_grammar(alice: Client, body: str, status: int) -> None:
    assert desk.report(alice, EVENTS, body, depth="1").status == status


def test_depth(alice: Client) -> None:
    """RFC 4791 §7.8: the calendar itself is no object; without the field its members are meant (docs/protocols)."""
    assert desk.names(desk.query(alice, EVENTS, "", depth="0")) == set()
    assert desk.names(desk.query(alice, EVENTS, "", depth="infinity")) == ALL
    body = '<C:calendar-query><D:prop/><C:filter><C:comp-filter name="VCALENDAR"/></C:filter></C:calendar-query>'
    assert desk.names(desk.report(alice, EVENTS, body)) == ALL
    assert desk.names(desk.query(alice, f"{EVENTS}meeting.ics", "", depth="0")) == {"meeting"}
    assert desk.names(desk.query(alice, f"{EVENTS}meeting.ics", '<C:comp-filter name="VTODO"/>', depth="0")) == set()


def test_results_beyond_the_limit_are_cut_and_told(alice: Client, template: Path, tmp_path: Path) -> None:
    """RFC 4791 §7.8, DAV:number-of-matches-within-limits."""
    shutil.copytree(template, tmp_path / "desk")
    store = Store.open(f"sqlite:///{tmp_path}/desk/desk.sqlite3", tmp_path / "desk/blobs")
    client = Client(desk.app(store, max_results=2), "alice")
    for number in range(3):
        desk.put(client, f"{EVENTS}{number}.ics", desk.event(str(number), "DTSTART:20250601T100000Z"))
    answer = desk.query(client, EVENTS, '<C:comp-filter name="VEVENT"/>')
    assert len(answer.hrefs()) == 3
    assert answer.hrefs()[-1] == EVENTS
    assert answer.status_of(EVENTS).startswith("507")
    assert "number-of-matches-within-limits" in answer.text
    store.close()
