"""From a host's name to a calendar, as clients try it (RFC 6764, RFC 5397, SYS-14, CALSYNC-01..03)."""

from __future__ import annotations

import pytest

from servers.dav.names import CALDAV, DAV
from tests.caldav import desk
from tests.caldav.desk import EVENTS, HOME, Client


@pytest.mark.parametrize("method", ["GET", "PROPFIND", "OPTIONS"])
def test_well_known(app: object, method: str) -> None:
    """RFC 6764 §5: a redirect, even before anybody logs in."""
    nobody = Client(app, "")  # type: ignore[arg-type]
    answer = nobody.request(method, "/.well-known/caldav")
    assert answer.status in (301, 303, 307, 308)
    assert answer.headers["location"].endswith("/dav/")


@pytest.mark.parametrize(
    "path", ["/", "/dav/", "/principals/", "/dav/principals/", HOME, EVENTS, "/dav/principals/accounts/alice/"]
)
def test_current_user_principal_is_everywhere(alice: Client, path: str) -> None:
    """RFC 5397 §3."""
    found = alice.propfind(path, f"{DAV}current-user-principal").xml.find(f".//{DAV}current-user-principal/{DAV}href")
    assert found is not None
    assert found.text == "/dav/principals/accounts/alice/"


def test_login_is_demanded(app: object) -> None:
    answer = Client(app, "").propfind("/dav/")  # type: ignore[arg-type]
    assert answer.status == 401
    assert answer.headers["www-authenticate"].startswith("Basic ")


def test_options(alice: Client) -> None:
    """RFC 4791 §5.1: calendar-access, with access-control and extended-mkcol."""
    answer = alice.request("OPTIONS", EVENTS)
    assert {"1", "2", "3", "access-control", "calendar-access", "extended-mkcol"} <= set(
        answer.headers["dav"].split(", ")
    )
    assert {"PUT", "REPORT", "PROPFIND"} <= set(
        alice.request("OPTIONS", f"{EVENTS}x.ics").headers["allow"].split(", ")
    ) | {"REPORT"}
    assert "calendar-auto-schedule" in answer.headers["dav"]  # RFC 6638 §2
    assert "calendar-availability" not in answer.headers["dav"]  # RFC 7953 §7.1: no VAVAILABILITY objects are stored


def test_lightning_s_url_works_without_its_slash(alice: Client) -> None:
    """CALSYNC-02: the URL is typed verbatim."""
    answer = alice.propfind(
        EVENTS.rstrip("/"), f"{DAV}resourcetype", f"{CALDAV}supported-calendar-component-set", depth="0"
    )
    assert answer.status == 207
    assert answer.hrefs() == [EVENTS]
    assert f"{desk.CALDAV}calendar" in {one.tag for one in answer.xml.iter()}
