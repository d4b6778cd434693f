"""curl, byte by byte: discovery, OPTIONS, refusals and conditions as they stand on the wire (SPEC 0.3, 0.4; SYS-06, SYS-14)."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.interop import objects
from tests.interop.desk import PASSWORDS, Desk, calendar, contacts, group_calendar, principal
from tests.interop.wire import CAL, Answer, Wire

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")


def curl(url: str, *options: str, login: str | None = "alice", body: str = "") -> Answer:
    """Send one request; give the answer after any 1xx."""
    who = ["-u", f"{login}:{PASSWORDS[login]}"] if login else []
    data = ["--data-binary", "@-"] if body else []
    done = subprocess.run(
        ["curl", "-s", "-S", "-i", "--path-as-is", *who, *options, *data, url],
        input=body.encode(),
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr.decode()
    head, _, rest = done.stdout.partition(b"\r\n\r\n")
    while head.startswith(b"HTTP/1.1 1"):
        head, _, rest = rest.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        key = name.strip().lower()
        headers[key] = f"{headers[key]}, {value.strip()}" if key in headers else value.strip()
    return Answer(int(first.split()[1]), headers, rest)


def tokens(value: str) -> set[str]:
    return {v.strip() for v in value.split(",")}


@pytest.mark.parametrize("method", ["GET", "PROPFIND", "OPTIONS"])
@pytest.mark.parametrize("protocol", ["caldav", "carddav"])
def test_well_known(desk: Desk, protocol: str, method: str) -> None:
    """RFC 6764 §5: a redirect to the context path, also for PROPFIND, and without a password or with one."""
    root = desk.caldav if protocol == "caldav" else desk.carddav
    for login in (None, "alice"):
        answer = curl(f"{root}/.well-known/{protocol}", "-X", method, login=login)
        assert answer.status in (301, 302, 303, 307, 308)
        assert answer.headers["location"]
        # RFC 6764 §5: "the server MUST NOT" need a cache; a moved server must be found again.
    followed = curl(
        f"{root}/.well-known/{protocol}",
        "-X",
        "PROPFIND",
        "-L",
        "--post301",
        "--post302",
        "--post303",
        "-H",
        "Depth: 0",
        "-H",
        "Content-Type: text/xml",
        body='<propfind xmlns="DAV:"><prop><current-user-principal/></prop></propfind>',
    )
    final = followed
    while final.status in (301, 302, 303, 307, 308):  # -i prints every answer on the way
        head, _, rest = final.body.partition(b"\r\n\r\n")
        final = Answer(int(head.split()[1]), {}, rest)
    assert final.one().hrefs("{DAV:}current-user-principal") == [principal("alice")]


def test_options_announce_what_is_there(desk: Desk) -> None:
    """RFC 4791 §5.1, RFC 6352 §6.1, RFC 4918 §18: classes 1, 2, 3, access-control, the protocol's own word."""
    answer = curl(desk.calendar_url("alice"), "-X", "OPTIONS")
    assert answer.status in (200, 204)
    assert {"1", "2", "3", "access-control", "calendar-access"} <= tokens(answer.headers["dav"])
    # RFC 9110 §10.2.1: the methods of this very resource, a collection: no PUT. Evolution calls a calendar writable
    # that allows DELETE and one of PUT and POST (RFC 5995).
    assert {
        "OPTIONS",
        "GET",
        "HEAD",
        "POST",
        "DELETE",
        "PROPFIND",
        "PROPPATCH",
        "COPY",
        "MOVE",
        "LOCK",
        "UNLOCK",
        "REPORT",
    } <= tokens(answer.headers["allow"])
    item = curl(desk.calendar_url("alice") + "new.ics", "-X", "OPTIONS")
    assert "PUT" in tokens(item.headers["allow"])
    # No scheduling yet (RFC 6638), so it is not announced.
    assert "calendar-auto-schedule" in tokens(answer.headers["dav"])  # RFC 6638 §2
    answer = curl(desk.contacts_url("alice"), "-X", "OPTIONS")
    assert {"1", "2", "3", "access-control", "addressbook"} <= tokens(answer.headers["dav"])


def test_wrong_credentials(desk: Desk) -> None:
    """RFC 9110 §15.5.2: 401 with a challenge; nobody learns which logins exist (SPEC 0.4)."""
    nobody = curl(desk.calendar_url("alice"), login=None)
    wrong = curl(desk.calendar_url("alice"), "-u", "alice:wrong-password", login=None)
    unknown = curl(desk.calendar_url("alice"), "-u", "nobody-here:wrong-password", login=None)
    for answer in (nobody, wrong, unknown):
        assert answer.status == 401
        assert answer.headers["www-authenticate"].startswith("Basic realm=")
        assert 'charset="UTF-8"' in answer.headers["www-authenticate"]  # RFC 7617 §2.1
    varying = {"date"}
    assert {k: v for k, v in wrong.headers.items() if k not in varying} == {
        k: v for k, v in unknown.headers.items() if k not in varying
    }
    assert wrong.body == unknown.body


def test_conditions(desk: Desk, calendar_path: str) -> None:
    """RFC 9110 §13, SYS-06: 412 instead of a lost update, strong ETags, 304 for a known one."""
    url = desk.caldav + calendar_path + "one.ics"
    put = ("-X", "PUT", "-H", "Content-Type: text/calendar; charset=utf-8")
    first = curl(url, *put, "-H", "If-None-Match: *", body=objects.event("one", "First"))
    assert first.status == 201
    again = curl(url, *put, "-H", "If-None-Match: *", body=objects.event("one", "Second"))
    assert again.status == 412
    got = curl(url)
    etag = got.headers["etag"]
    assert etag.startswith('"')  # strong
    assert "First" in got.text
    assert got.headers["content-type"].replace(" ", "").lower().startswith("text/calendar;")
    assert curl(url, "-H", f"If-None-Match: {etag}").status == 304
    second = curl(url, *put, "-H", f"If-Match: {etag}", body=objects.event("one", "Second"))
    assert second.status == 204
    stale = curl(url, *put, "-H", f"If-Match: {etag}", body=objects.event("one", "Lost"))
    assert stale.status == 412
    assert curl(url, "-X", "DELETE", "-H", f"If-Match: {etag}").status == 412
    assert "Second" in curl(url).text
    assert curl(url, *put, "-H", 'If-Match: "x"', body=objects.event("one")).status == 412
    assert (
        curl(desk.caldav + calendar_path + "none.ics", *put, "-H", "If-Match: *", body=objects.event("none")).status
        == 412
    )
    assert curl(url, "-X", "DELETE").status == 204
    assert curl(url).status == 404


def test_etag_of_a_put_means_octet_equality(desk: Desk, calendar_path: str) -> None:
    """RFC 4791 §5.3.4: a strong ETag is returned by PUT only when GET gives the same octets."""
    url = desk.caldav + calendar_path + "octets.ics"
    body = objects.event("octets", "Exactly so", "20260316T090000Z", "20260316T100000Z", "X-UNKNOWN;X-P=1:kept")
    answer = curl(url, "-X", "PUT", "-H", "Content-Type: text/calendar", body=body)
    got = curl(url)
    if "etag" in answer.headers:
        assert got.headers["etag"] == answer.headers["etag"]
        assert got.text == body
    assert "X-UNKNOWN;X-P=1:kept" in got.text  # CAL-01


def test_hidden_is_absent(desk: Desk, calendar_path: str) -> None:
    """SYS-09: a stranger's answers for an existing and a missing thing are the same."""
    for existing, missing in (
        (calendar_path, calendar("alice", "no-such-calendar")),
        (calendar("alice"), calendar("no-such-person")),
        (group_calendar(), group_calendar("NOGROUP")),
        (contacts("alice"), contacts("no-such-person")),
        (principal("alice"), principal("no-such-person")),
    ):
        for options in (
            ("-X", "GET"),
            ("-X", "PROPFIND", "-H", "Depth: 0"),
            ("-X", "PUT", "-H", "Content-Type: text/calendar"),
            ("-X", "DELETE"),
        ):
            body = objects.event("x") if "PUT" in options else ""
            one = curl(desk.caldav + existing, *options, login="carol", body=body)
            two = curl(desk.caldav + missing, *options, login="carol", body=body)
            assert one.status == two.status, (existing, options, one.status, two.status)
            assert one.status == 404 or (one.status == 405 and ("PUT" in options or "DELETE" in options))
            assert one.body.replace(existing.encode(), b"") == two.body.replace(missing.encode(), b"")
    assert curl(desk.caldav + group_calendar("iab"), login="alice").status == 404  # GROUP is case-sensitive (SPEC 0.3)


def test_visible_but_not_allowed(desk: Desk, calendar_path: str) -> None:
    """SPEC 0.4: 403 with `DAV:need-privileges` (RFC 3744 §7.1.1) when the item may be seen."""
    url = desk.caldav + calendar_path + "one.ics"
    assert curl(url, "-X", "PUT", "-H", "Content-Type: text/calendar", body=objects.event("one")).status == 201
    for options, body in (
        (("-X", "PUT", "-H", "Content-Type: text/calendar"), objects.event("one", "Changed")),
        (
            (
                "-X",
                "DELETE",
            ),
            "",
        ),
    ):
        answer = curl(url, *options, login="bob", body=body)
        assert answer.status == 403
        assert answer.precondition() == "{DAV:}need-privileges"
    # ACL-27: rights are changed in the suite only.
    answer = curl(desk.caldav + calendar_path, "-X", "ACL", "-H", "Content-Type: text/xml", body='<acl xmlns="DAV:"/>')
    assert answer.status == 403


@pytest.mark.parametrize(
    ("body", "media_type", "precondition"),
    [
        ("this is no calendar", "text/calendar", f"{CAL}valid-calendar-data"),
        (
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nEND:VCALENDAR\r\n",
            "text/calendar",
            f"{CAL}valid-calendar-object-resource",
        ),
        (objects.event("a"), "application/json", f"{CAL}supported-calendar-data"),
        (
            objects.event("a").replace("END:VCALENDAR\r\n", "") + objects.event("b").split("EN\r\n", 1)[1],
            "text/calendar",
            f"{CAL}valid-calendar-object-resource",
        ),
    ],
)
def test_bad_calendar_data(desk: Desk, calendar_path: str, body: str, media_type: str, precondition: str) -> None:
    """RFC 4791 §5.3.2.1: each kind of bad body has its precondition, and nothing is stored."""
    url = desk.caldav + calendar_path + "bad.ics"
    answer = curl(url, "-X", "PUT", "-H", f"Content-Type: {media_type}", body=body)
    assert answer.status in (403, 415)
    if answer.status == 403:
        assert answer.precondition() == precondition
    assert curl(url).status == 404


def test_the_same_uid_twice(desk: Desk, calendar_path: str) -> None:
    """RFC 4791 §5.3.2.1 no-uid-conflict: refused, with the href of the one that holds it."""
    put = ("-X", "PUT", "-H", "Content-Type: text/calendar")
    assert curl(desk.caldav + calendar_path + "one.ics", *put, body=objects.event("same")).status == 201
    answer = curl(desk.caldav + calendar_path + "two.ics", *put, body=objects.event("same"))
    assert answer.status in (403, 409)
    assert answer.precondition() == f"{CAL}no-uid-conflict"
    assert (calendar_path + "one.ics") in answer.text


def test_chunked_expect_and_compression(desk: Desk, wire: Callable[..., Wire], calendar_path: str) -> None:
    """RFC 9112 §7.1, RFC 9110 §10.1.1, §8.4: a chunked PUT with 100-continue, and gzip only when asked for."""
    url = desk.caldav + calendar_path + "chunked.ics"
    body = objects.event("chunked", "Long", "20260316T090000Z", "20260316T100000Z", "DESCRIPTION:" + "word " * 5000)
    put = curl(
        url,
        "-X",
        "PUT",
        "-H",
        "Content-Type: text/calendar",
        "-H",
        "Transfer-Encoding: chunked",
        "-H",
        "Expect: 100-continue",
        body=body,
    )
    assert put.status == 201
    plain = curl(url)
    assert "content-encoding" not in plain.headers
    assert plain.body.count(b"word ") == 5000 or plain.body.replace(b"\r\n ", b"").count(b"word ") == 5000
    assert curl(url, "--compressed").body == plain.body
    for n in range(20):
        assert (
            curl(
                desk.caldav + calendar_path + f"{n}.ics",
                "-X",
                "PUT",
                "-H",
                "Content-Type: text/calendar",
                body=objects.event(f"u{n}"),
            ).status
            == 201
        )
    ask = '<propfind xmlns="DAV:"><prop><getetag/><getlastmodified/></prop></propfind>'
    options = ("-X", "PROPFIND", "-H", "Depth: 1", "-H", "Content-Type: text/xml")
    plain = curl(desk.caldav + calendar_path, *options, body=ask)
    packed = curl(desk.caldav + calendar_path, *options, "--compressed", body=ask)
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.body == plain.body
    assert "accept-encoding" in packed.headers["vary"].lower()


@pytest.fixture
def strict_desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk of its own with `require_if_match`."""
    it = Desk(tmp_path / "data")
    it.make()
    settings = it.data / "escritoire.toml"
    settings.write_text(settings.read_text() + "\n[security]\nrequire_if_match = true\n")
    it.add_user("alice")
    it.start()
    yield it
    it.stop()


def test_precondition_required(strict_desk: Desk) -> None:
    """RFC 6585 §3, SYS-06: with the switch on, replacing unseen is 428; creating and conditional writes go on."""
    url = strict_desk.calendar_url("alice") + "one.ics"
    put = ("-X", "PUT", "-H", "Content-Type: text/calendar")
    assert curl(url, *put, "-H", "If-None-Match: *", body=objects.event("one")).status == 201
    assert curl(url, *put, body=objects.event("one", "Unseen")).status == 428
    etag = curl(url).headers["etag"]
    assert curl(url, *put, "-H", f"If-Match: {etag}", body=objects.event("one", "Seen")).status == 204
