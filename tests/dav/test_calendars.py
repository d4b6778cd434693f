"""The kernel's tables of calendar and address book properties: RFC 4791 §5.2, RFC 7809, RFC 7953, RFC 6352 §6.2."""

from __future__ import annotations

import pytest

from servers.dav import errors
from servers.http.errors import HttpError
from storage import errors as storage
from storage.store import Store
from storage.types import Right
from tests.dav import desk
from tests.dav.desk import CALDAV, CARDDAV, DAV, Answer, Client

EVENTS = "/dav/alice/private/events/"
CONTACTS = "/dav/alice/private/contacts/"


def patch(client: Client, path: str, inner: str) -> Answer:
    body = (
        f'<D:propertyupdate xmlns:D="DAV:" xmlns:C="{CALDAV[1:-1]}" xmlns:A="{CARDDAV[1:-1]}">'
        f"<D:set><D:prop>{inner}</D:prop></D:set></D:propertyupdate>"
    )
    return client.request("PROPPATCH", path, body)


def test_time_zones_by_reference(alice: Client) -> None:
    """RFC 7809 §5.2."""
    assert "200 OK" in patch(alice, EVENTS, "<C:calendar-timezone-id>Europe/Berlin</C:calendar-timezone-id>").text
    read = alice.propfind(EVENTS, f"{CALDAV}calendar-timezone-id", f"{CALDAV}calendar-timezone")
    name = read.prop(EVENTS, f"{CALDAV}calendar-timezone-id")
    assert name is not None
    assert name.text == "Europe/Berlin"
    zone = read.prop(EVENTS, f"{CALDAV}calendar-timezone")
    assert zone is not None
    text = zone.text or ""
    assert "BEGIN:VTIMEZONE" in text
    again = patch(alice, EVENTS, f"<C:calendar-timezone>{text}</C:calendar-timezone>")
    assert "200 OK" in again.text
    unknown = patch(alice, EVENTS, "<C:calendar-timezone-id>Mars/Olympus</C:calendar-timezone-id>")
    assert "valid-timezone" in unknown.text


def test_availability_is_kept_as_sent(alice: Client) -> None:
    """RFC 7953 §7.2."""
    text = (
        "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//t//EN\nBEGIN:VAVAILABILITY\nUID:v\nDTSTAMP:20250101T000000Z\n"
        "END:VAVAILABILITY\nEND:VCALENDAR"
    )
    inner = f"<C:calendar-availability>{text}</C:calendar-availability>"
    assert "200 OK" in patch(alice, EVENTS, inner).text
    found = alice.propfind(EVENTS, f"{CALDAV}calendar-availability").prop(EVENTS, f"{CALDAV}calendar-availability")
    assert found is not None
    assert found.text == text
    for wrong in ("hello", "BEGIN:VCALENDAR\nEND:VCALENDAR"):
        refused = patch(alice, EVENTS, f"<C:calendar-availability>{wrong}</C:calendar-availability>")
        assert "valid-calendar-data" in refused.text


def test_what_a_calendar_can_hold(alice: Client) -> None:
    names = (
        "supported-calendar-data",
        "max-resource-size",
        "max-instances",
        "supported-collation-set",
        "min-date-time",
    )
    answer = alice.propfind(EVENTS, *[CALDAV + name for name in names])
    assert all(answer.prop(EVENTS, CALDAV + name) is not None for name in names)
    sets = alice.propfind("/dav/alice/private/", f"{CALDAV}supported-calendar-component-sets")
    assert len(sets.xml.findall(f".//{CALDAV}supported-calendar-component-set")) == 4


def test_address_books(store: Store) -> None:
    books = Client(desk.app(store, desk.BOOKS))
    assert "200 OK" in patch(books, CONTACTS, "<A:addressbook-description>Us</A:addressbook-description>").text
    answer = books.propfind(
        CONTACTS, f"{CARDDAV}addressbook-description", f"{CARDDAV}supported-address-data", f"{CALDAV}calendar-timezone"
    )
    described = answer.prop(CONTACTS, f"{CARDDAV}addressbook-description")
    assert described is not None
    assert described.text == "Us"
    versions = [one.get("version") for one in answer.xml.iter(f"{CARDDAV}address-data-type")]
    assert versions == ["3.0", "4.0"]
    assert answer.prop(CONTACTS, f"{CALDAV}calendar-timezone") is None


def test_an_alias_is_the_collection_itself(alice: Client) -> None:
    """docs/decisions/0052: locks and tokens are the same under both names."""
    alias, real = "/dav/alice/private/group-IAB-events/", "/dav/groups/IAB/events/"
    alice.request("PUT", real + "a.ics", desk.event("a"))
    body = '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>'
    made = alice.request("LOCK", alias + "a.ics", body, depth="0")
    assert made.status == 200
    token = made.headers["lock-token"]
    assert alice.request("PUT", real + "a.ics", desk.event("a", "x")).status == 423
    assert alice.request("PUT", alias + "a.ics", desk.event("a", "x"), **{"if": f"({token})"}).status == 204
    assert alice.request("LOCK", alias + "a.ics", **{"if": f"({token})"}).status == 200
    assert alice.request("UNLOCK", alias + "a.ics", lock_token=token).status == 204
    assert alice.sync(alias).sync_token == alice.sync(real).sync_token


def test_requests_that_would_make_giant_answers(alice: Client) -> None:
    many = alice.propfind(EVENTS, *[f"{{urn:x}}n{number}" for number in range(600)], depth="1")
    assert (many.status, many.precondition) == (403, "{urn:escritoire:dav}limit-reached")
    long = alice.propfind(EVENTS, *[f"{{urn:{'x' * 1000}}}n{number}" for number in range(60)], depth="1")
    assert long.status == 403


@pytest.mark.parametrize(
    ("error", "status", "name"),
    [
        (storage.GateClosed("imap"), 403, "gate-closed"),
        (storage.LimitReached("contacts_max", 5), 403, "limit-reached"),
        (storage.OverQuota("full"), 507, "quota-not-exceeded"),
        (storage.Denied(Right.DELETE, "alice/private/events"), 403, "need-privileges"),
        (storage.LogTruncated("old"), 403, "valid-sync-token"),
        (storage.Locked("alice/private/events"), 423, "lock-token-submitted"),
        (storage.TooManyInstances(5), 403, "max-instances"),
        (storage.Refused("no"), 403, "refused"),
    ],
)
def test_refusals_of_table_0_4(error: storage.StorageError, status: int, name: str) -> None:
    """SPEC 0.4: status and precondition element; the limit and the gate are named."""
    refusal = errors.translate(error, {})
    assert isinstance(refusal, HttpError)
    answer = Answer(refusal.status, {}, refusal.body or b"")
    assert (answer.status, answer.precondition.partition("}")[2]) == (status, name)
    if isinstance(error, storage.LimitReached):
        assert answer.xml[0].text == "contacts_max"
    if isinstance(error, storage.GateClosed):
        assert answer.xml[0].text == "imap"


def test_busy_asks_to_come_again() -> None:
    refusal = errors.translate(storage.Busy("busy"), {})
    assert (refusal.status, dict(refusal.headers)) == (503, {"Retry-After": "1"})
    assert f"{DAV}error" not in str(refusal.body)
