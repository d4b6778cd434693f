"""The same objects and the same questions to two servers; every answer is reduced to what the RFC lets one compare.

A case has an id; what it gives is plain data: names of members, times of instances, status numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.interop.objects import calendar_object, card, event, todo
from tests.interop.wire import CAL, CARD, NAMESPACES, Answer, Wire

BERLIN: Final = """BEGIN:VTIMEZONE
TZID:Europe/Berlin
BEGIN:DAYLIGHT
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
TZNAME:CEST
DTSTART:19700329T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
END:DAYLIGHT
BEGIN:STANDARD
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
TZNAME:CET
DTSTART:19701025T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
END:STANDARD
END:VTIMEZONE"""


def vevent(*lines: str) -> str:
    return "\n".join(["BEGIN:VEVENT", "DTSTAMP:20260101T000000Z", *lines, "END:VEVENT"])


OBJECTS: Final[Mapping[str, str]] = {
    "plain": event(
        "plain", "Standup", "20260310T090000Z", "20260310T093000Z", "LOCATION:Room 1", "CATEGORIES:WORK,DAILY"
    ),
    "allday": event("allday", "Fair", "20260312", "20260314", "TRANSP:TRANSPARENT"),
    "moment": calendar_object(vevent("UID:moment", "DTSTART:20260315T120000Z", "SUMMARY:Noon shot")),
    "day-without-end": calendar_object(
        vevent("UID:day-without-end", "DTSTART;VALUE=DATE:20260316", "SUMMARY:Birthday")
    ),
    "duration": calendar_object(
        vevent("UID:duration", "DTSTART:20260317T230000Z", "DURATION:PT3H", "SUMMARY:Night shift")
    ),
    "zoned": calendar_object(
        BERLIN,
        vevent(
            "UID:zoned",
            "DTSTART;TZID=Europe/Berlin:20260329T013000",
            "DTEND;TZID=Europe/Berlin:20260329T033000",
            "SUMMARY:Clock change",
        ),
    ),
    "floating": event("floating", "Wherever", "20260318T100000", "20260318T110000"),
    "weekly": event(
        "weekly",
        "Choir",
        "20260302T180000Z",
        "20260302T190000Z",
        "RRULE:FREQ=WEEKLY;COUNT=5",
        "EXDATE:20260316T180000Z",
    ),
    "endless": event("endless", "Backup", "20200101T030000Z", "20200101T031500Z", "RRULE:FREQ=MONTHLY;BYMONTHDAY=1"),
    "until": event(
        "until", "Course", "20260401T080000Z", "20260401T090000Z", "RRULE:FREQ=DAILY;UNTIL=20260405T080000Z"
    ),
    "rdate": event("rdate", "Extra", "20260501T080000Z", "20260501T090000Z", "RDATE:20260520T080000Z,20260522T080000Z"),
    "all-excluded": event(
        "all-excluded",
        "Never",
        "20260601T080000Z",
        "20260601T090000Z",
        "RRULE:FREQ=DAILY;COUNT=2",
        "EXDATE:20260601T080000Z,20260602T080000Z",
    ),
    "override": calendar_object(
        vevent(
            "UID:override",
            "DTSTART:20260701T080000Z",
            "DTEND:20260701T090000Z",
            "RRULE:FREQ=DAILY;COUNT=3",
            "SUMMARY:Sprint",
        ),
        vevent(
            "UID:override",
            "RECURRENCE-ID:20260702T080000Z",
            "DTSTART:20260710T080000Z",
            "DTEND:20260710T090000Z",
            "SUMMARY:Sprint moved",
        ),
    ),
    "dst-series": calendar_object(
        BERLIN,
        vevent(
            "UID:dst-series",
            "DTSTART;TZID=Europe/Berlin:20261020T090000",
            "DTEND;TZID=Europe/Berlin:20261020T100000",
            "RRULE:FREQ=WEEKLY;COUNT=3",
            "SUMMARY:Across the change",
        ),
    ),
    "alarm": event(
        "alarm",
        "With alarm",
        "20260320T090000Z",
        "20260320T100000Z",
        "BEGIN:VALARM\nACTION:DISPLAY\nDESCRIPTION:soon\nTRIGGER:-PT30M\nEND:VALARM",
    ),
    "meeting": event(
        "meeting",
        "Board",
        "20260321T090000Z",
        "20260321T100000Z",
        "ORGANIZER:mailto:alice@example.test",
        "ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:bob@example.test",
        "ATTENDEE;PARTSTAT=ACCEPTED:mailto:carol@example.test",
    ),
    "cancelled": event("cancelled", "Off", "20260322T090000Z", "20260322T100000Z", "STATUS:CANCELLED"),
    "tentative": event("tentative", "Maybe", "20260323T090000Z", "20260323T100000Z", "STATUS:TENTATIVE"),
    "last-day": event(
        "last-day", "Month end", "20260131T080000Z", "20260131T090000Z", "RRULE:FREQ=MONTHLY;BYMONTHDAY=31;COUNT=4"
    ),
    "second-friday": event(
        "second-friday", "Meetup", "20260109T180000Z", "20260109T200000Z", "RRULE:FREQ=MONTHLY;BYDAY=2FR;COUNT=6"
    ),
    "leap": event("leap", "Leap day", "20240229", "20240301", "RRULE:FREQ=YEARLY"),
    "umlaut": event("umlaut", "Käsefondue für Größen", "20260324T180000Z", "20260324T190000Z"),
    "todo-due": todo("todo-due", "Tax return", "DUE:20260310T120000Z"),
    "todo-start-due": todo("todo-start-due", "Project", "DTSTART:20260301T080000Z", "DUE:20260401T080000Z"),
    "todo-done": todo(
        "todo-done", "Old one", "COMPLETED:20260305T120000Z", "CREATED:20260101T120000Z", "STATUS:COMPLETED"
    ),
    "todo-bare": todo("todo-bare", "Some day"),
    "journal": calendar_object(
        "BEGIN:VJOURNAL\nUID:journal\nDTSTAMP:20260101T000000Z\nDTSTART;VALUE=DATE:20260310\nSUMMARY:Diary\nEND:VJOURNAL"
    ),
    "journal-bare": calendar_object(
        "BEGIN:VJOURNAL\nUID:journal-bare\nDTSTAMP:20260101T000000Z\nSUMMARY:Note\nEND:VJOURNAL"
    ),
}

# Bodies of which only the fate is compared: stored or refused.
DOUBTFUL: Final[Mapping[str, str]] = {
    "no-uid": calendar_object(vevent("DTSTART:20260310T090000Z", "SUMMARY:No UID")),
    "two-uids": calendar_object(
        vevent("UID:d1", "DTSTART:20260310T090000Z"), vevent("UID:d2", "DTSTART:20260310T090000Z")
    ),
    "two-kinds": calendar_object(
        vevent("UID:d3", "DTSTART:20260310T090000Z"), "BEGIN:VTODO\nUID:d3\nDTSTAMP:20260101T000000Z\nEND:VTODO"
    ),
    "method": event("d4").replace("VERSION:2.0", "VERSION:2.0\r\nMETHOD:REQUEST"),
    "no-dtstart": calendar_object(vevent("UID:d5", "SUMMARY:When?")),
    "no-dtstamp": event("d6").replace("DTSTAMP:20260101T000000Z\r\n", ""),
    "end-before-start": event("d7", "Backwards", "20260310T090000Z", "20260310T080000Z"),
    "unknown-zone": calendar_object(vevent("UID:d8", "DTSTART;TZID=Nowhere/City:20260310T090000", "SUMMARY:Lost")),
    "bare-lf": event("d9").replace("\r\n", "\n"),
    "bad-date": calendar_object(vevent("UID:d10", "DTSTART:20261310T090000Z")),
    "bad-rule": event("d11", "Odd", "20260310T090000Z", "20260310T093000Z", "RRULE:FREQ=SOMETIMES"),
    "not-ical": "this is no calendar\r\n",
    "empty-calendar": calendar_object(),
    "only-zone": calendar_object(BERLIN),
    "unclosed": event("d12").replace("END:VEVENT\r\n", ""),
    "duplicate-uid": event("plain", "The same UID again"),
    "unknown-component": calendar_object("BEGIN:X-THING\nUID:d13\nEND:X-THING"),
    "no-version": event("d14").replace("VERSION:2.0\r\n", ""),
}

CARDS: Final[Mapping[str, str]] = {
    "ada": card(
        "ada",
        "Ada Lovelace",
        "EMAIL;TYPE=HOME:ada@example.org",
        "TEL;TYPE=CELL:+44 20 7946 0001",
        "ORG:Analytical Engines;Research",
        "NICKNAME:Countess",
        "CATEGORIES:MATHS,ENGLAND",
    ),
    "emmy": card(
        "emmy",
        "Emmy Noether",
        "EMAIL;TYPE=WORK:noether@example.net",
        "EMAIL;TYPE=HOME:emmy@example.org",
        "BDAY:1882-03-23",
    ),
    "kaethe": card(
        "kaethe",
        "Käthe Kollwitz",
        "NOTE:Artist\\, Berlin",
        "ADR;TYPE=HOME:;;Weißenburger Straße 25;Berlin;;10435;Germany",
    ),
    "bare": card("bare", "Anon Ymous"),
    "v4": card("v4", "Grete Hermann", "TEL;VALUE=uri;TYPE=home:tel:+49-421-1234").replace("VERSION:3.0", "VERSION:4.0"),
}


@dataclass(frozen=True, slots=True)
class Desk2:
    """One of the two servers, with its three filled collections and one for what is written in a case."""

    calendar: Wire
    contacts: Wire
    events: str
    tasks: str
    book: str
    scratch: str


Case = Callable[[Desk2], Any]


def fill(wire: Wire, path: str, objects: Mapping[str, str], suffix: str) -> dict[str, int]:
    """PUT every object; give the status of each."""
    return {name: wire("PUT", f"{path}{name}{suffix}", body).status for name, body in objects.items()}


def names(answer: Answer, path: str) -> list[str] | int:
    """Give the members that an answer names, sorted; the status when it is no multistatus."""
    if answer.status != 207:
        return answer.status
    found = answer.responses()
    return sorted(
        href[len(path) :].rpartition(".")[0] if item.status in (None, 200) else f"{href[len(path) :]} {item.status}"
        for href, item in found.items()
        if href != path
    )


def query(filters: str, *, tasks: bool = False, component: str = "VEVENT") -> Case:
    """Ask a calendar-query whose VCALENDAR filter holds a comp-filter of `component` with `filters` inside."""
    return raw_query(f'<C:comp-filter name="{component}">{filters}</C:comp-filter>', tasks=tasks)


def raw_query(inside: str, *, tasks: bool = False) -> Case:
    def run(desk: Desk2) -> Any:
        path = desk.tasks if tasks else desk.events
        return names(desk.calendar("REPORT", path, query_body(inside, "<D:getetag/>"), {"Depth": "1"}), path)

    return run


def query_body(inside: str, props: str) -> str:
    return (
        f'<?xml version="1.0" encoding="utf-8"?><C:calendar-query {NAMESPACES}><D:prop>{props}</D:prop><C:filter>'
        f'<C:comp-filter name="VCALENDAR">{inside}</C:comp-filter></C:filter></C:calendar-query>'
    )


def between(start: str, end: str) -> str:
    attributes = (f'start="{start}" ' if start else "") + (f'end="{end}"' if end else "")
    return f"<C:time-range {attributes}/>"


def text(name: str, value: str, more: str = "", collation: str = "i;ascii-casemap") -> str:
    return f'<C:prop-filter name="{name}"><C:text-match collation="{collation}" {more}>{value}</C:text-match></C:prop-filter>'


def instances(start: str, end: str, kind: str = "expand") -> Case:
    """Give (UID, start, recurrence id) of each component that a restricted calendar-data holds."""

    def run(desk: Desk2) -> Any:
        props = f'<C:calendar-data><C:{kind} start="{start}" end="{end}"/></C:calendar-data>'
        inside = f'<C:comp-filter name="VEVENT">{between(start, end)}</C:comp-filter>'
        answer = desk.calendar("REPORT", desk.events, query_body(inside, props), {"Depth": "1"})
        if answer.status != 207:
            return answer.status
        out = []
        for item in answer.responses().values():
            out += components(item.text(f"{CAL}calendar-data"))
        return sorted(out)

    return run


def components(data: str) -> list[tuple[str, str, str, bool]]:
    """Give UID, DTSTART, RECURRENCE-ID and whether there is a rule, of each VEVENT."""
    flat = re.sub(r"\r?\n[ \t]", "", data)
    out = []
    for block in re.findall(r"BEGIN:VEVENT\r?\n(.*?)END:VEVENT", flat, re.S):
        got = dict(re.findall(r"^(UID|DTSTART|RECURRENCE-ID|RRULE)(?:;[^:\r\n]*)?:([^\r\n]*)", block, re.M))
        out.append((got.get("UID", ""), got.get("DTSTART", ""), got.get("RECURRENCE-ID", ""), "RRULE" in got))
    return out


def free_busy(start: str, end: str) -> Case:
    def run(desk: Desk2) -> Any:
        body = f"<C:free-busy-query {NAMESPACES}>{between(start, end)}</C:free-busy-query>"
        answer = desk.calendar("REPORT", desk.events, body, {"Depth": "1"})
        flat = re.sub(r"\r?\n[ \t]", "", answer.text)
        periods = []
        for params, value in re.findall(r"^FREEBUSY((?:;[^:\r\n]*)?):([^\r\n]*)", flat, re.M):
            kind = re.search(r"FBTYPE=([A-Z-]+)", params)
            periods += [(kind.group(1) if kind else "BUSY", period.partition("/")[0]) for period in value.split(",")]
        return answer.status, sorted(periods)

    return run


def cards(test: str, *filters: str, limit: int = 0) -> Case:
    def run(desk: Desk2) -> Any:
        bound = f"<CR:limit><CR:nresults>{limit}</CR:nresults></CR:limit>" if limit else ""
        body = (
            f'<CR:addressbook-query {NAMESPACES}><D:prop><D:getetag/></D:prop><CR:filter test="{test}">{"".join(filters)}</CR:filter>{bound}'
            "</CR:addressbook-query>"
        )
        answer = desk.contacts("REPORT", desk.book, body, {"Depth": "1"})
        found = names(answer, desk.book)
        if limit and isinstance(found, list):
            return [len(found), 507 in {item.status for item in answer.responses().values()}]
        return found

    return run


def field(name: str, value: str, kind: str = "contains", more: str = "") -> str:
    return f'<CR:prop-filter name="{name}"><CR:text-match collation="i;unicode-casemap" match-type="{kind}" {more}>{value}</CR:text-match></CR:prop-filter>'


def request(method: str, where: str, body: str = "", **headers: str) -> Case:
    """Give the status of one request; `where` is a field of the desk, "/" and a name."""

    def run(desk: Desk2) -> Any:
        collection, _, name = where.partition("/")
        path = getattr(desk, collection) + name
        wire = desk.contacts if collection == "book" else desk.calendar
        return wire(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()}).status

    return run


def doubtful(name: str) -> Case:
    """Put one doubtful body into the events; give whether it was taken."""

    def run(desk: Desk2) -> Any:
        path = f"{desk.events}doubtful-{name}.ics"
        status = desk.calendar("PUT", path, DOUBTFUL[name], {"Content-Type": "text/calendar"}).status
        if status < 300:
            desk.calendar("DELETE", path)
        return "stored" if status < 300 else "refused"

    return run


def round_trip(name: str) -> Case:
    """Give the sorted content lines of a stored object: nothing may be lost."""

    def run(desk: Desk2) -> Any:
        path = desk.tasks if name.startswith(("todo", "journal")) else desk.events
        flat = re.sub(r"\r?\n[ \t]", "", desk.calendar("GET", f"{path}{name}.ics").text)
        return sorted(line for line in flat.splitlines() if line and not line.startswith("PRODID"))

    return run


def sync_life(desk: Desk2) -> Any:
    """Create, change, remove and create again between tokens; give what each synchronisation names."""
    wire, path = desk.calendar, desk.scratch
    out = []
    token = ""

    def step() -> None:
        nonlocal token
        answer = wire.sync(path, token)
        out.append(names(answer, path))
        token = answer.sync_token or token

    step()
    wire("PUT", f"{path}a.ics", event("a"))
    wire("PUT", f"{path}b.ics", event("b"))
    step()
    wire("PUT", f"{path}a.ics", event("a", "Changed"))
    wire("DELETE", f"{path}b.ics")
    step()
    wire("PUT", f"{path}b.ics", event("b", "Back"))
    step()
    step()
    wire("PUT", f"{path}c.ics", event("c"))
    wire("DELETE", f"{path}c.ics")
    step()
    return out


def initial_sync_after_removal(desk: Desk2) -> Any:
    wire, path = desk.calendar, desk.scratch
    wire("PUT", f"{path}gone.ics", event("gone"))
    wire.sync(path)
    wire("DELETE", f"{path}gone.ics")
    found = names(wire.sync(path), path)
    return "gone.ics 404" in found if isinstance(found, list) else found


def bad_token(desk: Desk2) -> Any:
    answer = desk.calendar.sync(desk.scratch, "http://example.org/no-such-token")
    return answer.status, answer.precondition() if answer.status in (403, 409) else ""


def limited_sync(desk: Desk2) -> Any:
    answer = desk.calendar.sync(desk.events, limit=3)
    found = names(answer, desk.events)
    return answer.status, len(found) if isinstance(found, list) else found


def announced(desk: Desk2) -> Any:
    return sorted(v.strip() for v in desk.calendar("OPTIONS", desk.events).headers.get("dav", "").split(","))


def lock_works(desk: Desk2) -> Any:
    body = '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>'
    answer = desk.calendar("LOCK", f"{desk.events}plain.ics", body, {"Depth": "0", "Timeout": "Second-60"})
    token = answer.headers.get("lock-token")
    if token:
        desk.calendar("UNLOCK", f"{desk.events}plain.ics", "", {"Lock-Token": token})
    return answer.status


def etag_after_same_put(desk: Desk2) -> Any:
    """Give whether the ETag of a PUT is that of the next GET."""
    path = f"{desk.scratch}etag.ics"
    put = desk.calendar("PUT", path, event("etag"))
    got = desk.calendar("GET", path)
    return put.headers.get("etag") == got.headers["etag"]


def propfind(props: str) -> Case:
    """Give which of `props` a calendar has (200) and which it says it has not (404)."""

    def run(desk: Desk2) -> Any:
        found = desk.calendar.propfind(desk.events, props).one()
        return {status: sorted(p) for status, p in sorted(found.props.items())}

    return run


def depth_infinity(desk: Desk2) -> Any:
    return desk.calendar.propfind(desk.events.rsplit("/", 2)[0] + "/", "<D:resourcetype/>", "infinity").status


def multiget(desk: Desk2) -> Any:
    hrefs = "".join(f"<D:href>{desk.events}{n}.ics</D:href>" for n in ("plain", "nothing", "allday"))
    body = f"<C:calendar-multiget {NAMESPACES}><D:prop><D:getetag/></D:prop>{hrefs}</C:calendar-multiget>"
    return names(desk.calendar("REPORT", desk.events, body, {"Depth": "1"}), desk.events)


def card_version(wanted: str) -> Case:
    """Give the version of the card that a multiget asking for `wanted` gets."""

    def run(desk: Desk2) -> Any:
        body = (
            f'<CR:addressbook-multiget {NAMESPACES}><D:prop><CR:address-data content-type="text/vcard" version="{wanted}"/></D:prop>'
            f"<D:href>{desk.book}ada.vcf</D:href></CR:addressbook-multiget>"
        )
        data = desk.contacts("REPORT", desk.book, body, {"Depth": "1"}).one().text(f"{CARD}address-data")
        return re.findall(r"VERSION:(\S+)", data)

    return run


def partial(desk: Desk2) -> Any:
    """RFC 4791 §9.6.1-4: only the properties asked for."""
    props = '<C:calendar-data><C:comp name="VCALENDAR"><C:prop name="VERSION"/><C:comp name="VEVENT"><C:prop name="UID"/><C:prop name="SUMMARY"/></C:comp></C:comp></C:calendar-data>'
    body = f"<C:calendar-multiget {NAMESPACES}><D:prop>{props}</D:prop><D:href>{desk.events}plain.ics</D:href></C:calendar-multiget>"
    data = desk.calendar("REPORT", desk.events, body, {"Depth": "1"}).one().text(f"{CAL}calendar-data")
    return [line for line in data.splitlines() if line.strip()]


def mkcalendar_twice(desk: Desk2) -> Any:
    return desk.calendar("MKCALENDAR", desk.events).status


def collection_inside(desk: Desk2) -> Any:
    return desk.calendar("MKCOL", f"{desk.events}inside/").status


def unknown_report(desk: Desk2) -> Any:
    answer = desk.calendar("REPORT", desk.events, f"<CS:no-such-report {NAMESPACES}/>", {"Depth": "1"})
    return answer.status


MARCH: Final = ("20260301T000000Z", "20260401T000000Z")
CASES: Final[Mapping[str, Case]] = {
    **{f"put:{name}": doubtful(name) for name in DOUBTFUL},
    **{f"round-trip:{name}": round_trip(name) for name in OBJECTS},
    "range:march": query(between(*MARCH)),
    "range:one-day": query(between("20260310T000000Z", "20260311T000000Z")),
    "range:touching-start": query(between("20260310T080000Z", "20260310T090000Z")),
    "range:touching-end": query(between("20260310T093000Z", "20260310T100000Z")),
    "range:inside": query(between("20260310T091000Z", "20260310T091100Z")),
    "range:moment": query(between("20260315T120000Z", "20260315T120100Z")),
    "range:moment-before": query(between("20260315T115900Z", "20260315T120000Z")),
    "range:day-without-end": query(between("20260316T200000Z", "20260316T210000Z")),
    "range:over-midnight": query(between("20260318T000000Z", "20260318T010000Z")),
    "range:excluded-instance": query(between("20260316T180000Z", "20260316T190000Z")),
    "range:after-count": query(between("20260406T180000Z", "20260406T190000Z")),
    "range:endless-far": query(between("20400101T000000Z", "20400102T000000Z")),
    "range:until-last": query(between("20260405T080000Z", "20260405T083000Z")),
    "range:until-after": query(between("20260406T080000Z", "20260406T083000Z")),
    "range:rdate": query(between("20260522T080000Z", "20260522T083000Z")),
    "range:all-excluded": query(between("20260601T000000Z", "20260603T000000Z")),
    "range:moved-away": query(between("20260702T080000Z", "20260702T083000Z")),
    "range:moved-here": query(between("20260710T080000Z", "20260710T083000Z")),
    "range:dst-before": query(between("20261020T070000Z", "20261020T073000Z")),
    "range:dst-after": query(between("20261027T080000Z", "20261027T083000Z")),
    "range:dst-after-old-offset": query(between("20261027T070000Z", "20261027T073000Z")),
    "range:31st": query(between("20260401T000000Z", "20260430T235959Z")),
    "range:fourth-31st": query(between("20260731T080000Z", "20260731T083000Z")),
    "range:second-friday": query(between("20260313T180000Z", "20260313T190000Z")),
    "range:leap-day": query(between("20280229T000000Z", "20280301T000000Z")),
    "range:no-leap-day": query(between("20270228T000000Z", "20270302T000000Z")),
    "range:floating": query(between("20260318T100000Z", "20260318T110000Z")),
    "range:open-end": query(between("20260901T000000Z", "")),
    "range:open-start": query(between("", "20200201T000000Z")),
    "range:todo-march": query(between(*MARCH), tasks=True, component="VTODO"),
    "range:todo-due-day": query(between("20260310T000000Z", "20260311T000000Z"), tasks=True, component="VTODO"),
    "range:todo-far": query(between("20300101T000000Z", "20300102T000000Z"), tasks=True, component="VTODO"),
    "range:journal": query(between("20260310T000000Z", "20260311T000000Z"), tasks=True, component="VJOURNAL"),
    "range:journal-next-day": query(between("20260311T000000Z", "20260312T000000Z"), tasks=True, component="VJOURNAL"),
    "range:alarm": query(
        f'<C:comp-filter name="VALARM">{between("20260320T083000Z", "20260320T084000Z")}</C:comp-filter>'
    ),
    "range:alarm-elsewhere": query(
        f'<C:comp-filter name="VALARM">{between("20260320T093000Z", "20260320T094000Z")}</C:comp-filter>'
    ),
    "range:reversed": query(between("20260401T000000Z", "20260301T000000Z")),
    "range:bad": query(between("yesterday", "tomorrow")),
    "filter:no-filter": raw_query(""),
    "filter:component": query(""),
    "filter:component-absent": raw_query('<C:comp-filter name="VTODO"><C:is-not-defined/></C:comp-filter>'),
    "filter:todo": query("", tasks=True, component="VTODO"),
    "filter:journal": query("", tasks=True, component="VJOURNAL"),
    "filter:has-alarm": query('<C:comp-filter name="VALARM"/>'),
    "filter:no-alarm": query('<C:comp-filter name="VALARM"><C:is-not-defined/></C:comp-filter>'),
    "filter:summary": query(text("SUMMARY", "choir")),
    "filter:summary-octet": query(text("SUMMARY", "choir", collation="i;octet")),
    "filter:summary-negated": query(text("SUMMARY", "o", 'negate-condition="yes"')),
    "filter:summary-umlaut": query(text("SUMMARY", "größen")),
    "filter:summary-umlaut-unicode": query(text("SUMMARY", "GRÖSSEN", collation="i;unicode-casemap")),
    "filter:unknown-collation": query(text("SUMMARY", "x", collation="i;klingon")),
    "filter:category": query(text("CATEGORIES", "daily")),
    "filter:defined": query('<C:prop-filter name="LOCATION"/>'),
    "filter:not-defined": query('<C:prop-filter name="LOCATION"><C:is-not-defined/></C:prop-filter>'),
    "filter:uid": query(text("UID", "weekly", collation="i;octet")),
    "filter:partstat": query(
        '<C:prop-filter name="ATTENDEE"><C:text-match>bob@example.test</C:text-match><C:param-filter name="PARTSTAT"><C:text-match>NEEDS-ACTION</C:text-match></C:param-filter></C:prop-filter>'
    ),
    "filter:partstat-of-another": query(
        '<C:prop-filter name="ATTENDEE"><C:text-match>bob@example.test</C:text-match><C:param-filter name="PARTSTAT"><C:text-match>ACCEPTED</C:text-match></C:param-filter></C:prop-filter>'
    ),
    "filter:param-not-defined": query(
        '<C:prop-filter name="ATTENDEE"><C:param-filter name="PARTSTAT"><C:is-not-defined/></C:param-filter></C:prop-filter>'
    ),
    "filter:two-properties": query(text("SUMMARY", "standup") + text("LOCATION", "room 2")),
    "filter:anyof-is-not-caldav": query(between("20260310T000000Z", "20260311T000000Z") + text("SUMMARY", "standup")),
    "filter:open-todos": query(
        '<C:prop-filter name="COMPLETED"><C:is-not-defined/></C:prop-filter>', tasks=True, component="VTODO"
    ),
    "filter:property-range": query(
        f'<C:prop-filter name="COMPLETED">{between(*MARCH)}</C:prop-filter>', tasks=True, component="VTODO"
    ),
    "filter:unknown-component": query("", component="VPARTY"),
    "expand:march": instances(*MARCH),
    "expand:override": instances("20260701T000000Z", "20260715T000000Z"),
    "expand:dst": instances("20261001T000000Z", "20261130T000000Z"),
    "expand:rdate": instances("20260501T000000Z", "20260531T000000Z"),
    "limit-recurrence-set:override-outside": instances("20260701T000000Z", "20260702T000000Z", "limit-recurrence-set"),
    "limit-recurrence-set:override-inside": instances("20260709T000000Z", "20260711T000000Z", "limit-recurrence-set"),
    "partial": partial,
    "free-busy:march": free_busy(*MARCH),
    "free-busy:july": free_busy("20260701T000000Z", "20260801T000000Z"),
    "multiget": multiget,
    "sync:life": sync_life,
    "sync:initial-after-removal": initial_sync_after_removal,
    "sync:bad-token": bad_token,
    "sync:limit": limited_sync,
    "options": announced,
    "lock": lock_works,
    "etag": etag_after_same_put,
    "propfind:depth-infinity": depth_infinity,
    "propfind:calendar": propfind(
        "<D:resourcetype/><D:displayname/><D:getetag/><D:sync-token/><CS:getctag/><C:supported-calendar-component-set/><C:supported-calendar-data/><C:max-resource-size/><C:supported-collation-set/><D:supported-report-set/><D:owner/><D:current-user-privilege-set/><D:quota-used-bytes/><D:supportedlock/><D:nonsense/>"
    ),
    "mkcalendar:existing": mkcalendar_twice,
    "mkcol:inside-calendar": collection_inside,
    "report:unknown": unknown_report,
    "get:missing": request("GET", "events/none.ics"),
    "get:calendar": request("GET", "events"),
    "head:event": request("HEAD", "events/plain.ics"),
    "delete:missing": request("DELETE", "events/none.ics"),
    "put:if-none-match-existing": request("PUT", "events/plain.ics", OBJECTS["plain"], If_None_Match="*"),
    "put:if-match-wrong": request("PUT", "events/plain.ics", OBJECTS["plain"], If_Match='"wrong"'),
    "delete:if-match-wrong": request("DELETE", "events/plain.ics", If_Match='"wrong"'),
    "put:card-into-calendar": request("PUT", "events/card.ics", CARDS["ada"]),
    "put:event-into-book": request("PUT", "book/event.vcf", OBJECTS["plain"]),
    "propfind:broken-xml": request("PROPFIND", "events", "<D:propfind", Depth="0"),
    "propfind:entities": request(
        "PROPFIND",
        "events",
        '<!DOCTYPE x [<!ENTITY a "aaaa">]><propfind xmlns="DAV:"><prop><displayname/></prop>&a;</propfind>',
        Depth="0",
    ),
    "method:unknown": request("BREW", "events"),
    "copy:inside-calendar": request("COPY", "events/plain.ics"),
    "card:fn-contains": cards("anyof", field("FN", "noe")),
    "card:fn-equals": cards("anyof", field("FN", "ada lovelace", "equals")),
    "card:fn-starts": cards("anyof", field("FN", "emmy", "starts-with")),
    "card:fn-ends": cards("anyof", field("FN", "noether", "ends-with")),
    "card:fn-umlaut": cards("anyof", field("FN", "KÄTHE")),
    "card:negated": cards("anyof", field("FN", "a", more='negate-condition="yes"')),
    "card:allof": cards("allof", field("FN", "e"), field("EMAIL", "example.org")),
    "card:anyof": cards("anyof", field("FN", "ada"), field("EMAIL", "example.net")),
    "card:not-defined": cards("anyof", '<CR:prop-filter name="EMAIL"><CR:is-not-defined/></CR:prop-filter>'),
    "card:defined": cards("anyof", '<CR:prop-filter name="NICKNAME"/>'),
    "card:param": cards(
        "anyof",
        '<CR:prop-filter name="EMAIL"><CR:param-filter name="TYPE"><CR:text-match match-type="equals">work</CR:text-match></CR:param-filter></CR:prop-filter>',
    ),
    "card:prop-allof": cards(
        "anyof",
        '<CR:prop-filter name="EMAIL" test="allof"><CR:text-match>noether</CR:text-match><CR:param-filter name="TYPE"><CR:text-match>home</CR:text-match></CR:param-filter></CR:prop-filter>',
    ),
    "card:escaped-comma": cards("anyof", field("NOTE", "Artist, Berlin")),
    "card:org": cards("anyof", field("ORG", "research")),
    "card:limit": cards("anyof", field("FN", "e"), limit=1),
    "card:no-filter": cards("anyof"),
    "card:version-3": card_version("3.0"),
    "card:version-4": card_version("4.0"),
}
