"""Which mails are looked into for meetings (RFC 6047 §2.4): none is missed, whatever its case and its size."""

from __future__ import annotations

import pytest

from storage.formats import imip

CALENDAR = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//a//b//EN\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:one\r\n"
    "DTSTAMP:20250101T000000Z\r\nDTSTART:20250101T100000Z\r\nORGANIZER:mailto:a@example.org\r\n"
    "ATTENDEE:mailto:b@example.org\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


def mail(kind: str, before: int) -> bytes:
    head = "From: a@example.org\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=q\r\n\r\n--q\r\n\r\n"
    return (head + "x" * before + f"\r\n--q\r\nContent-Type: {kind}\r\n\r\n{CALENDAR}--q--\r\n").encode()


@pytest.mark.parametrize("kind", ["text/calendar; method=REQUEST", "Text/Calendar", "APPLICATION/ICS"])
@pytest.mark.parametrize("before", [0, *range(1024 * 1024 - 150, 1024 * 1024, 9)])
def test_a_calendar_is_found(kind: str, before: int) -> None:
    found = imip.find(mail(kind, before))
    assert found is not None
    assert (found.method, found.sender, found.uid) == ("REQUEST", "a@example.org", "one")


@pytest.mark.parametrize(
    "kind", ["text/calendar; method=CANCEL", 'text/calendar; METHOD="reply"', "text/calendar; method=x"]
)
def test_methods_that_do_not_fit(kind: str) -> None:
    """RFC 6047 §2.4: the parameter and METHOD say the same, or nobody knows what the sender meant."""
    assert imip.find(mail(kind, 10)) is None
    assert imip.find(mail('text/calendar; METHOD="request"', 10)) is not None


def test_others_are_not() -> None:
    assert imip.find(mail("text/plain", 10)) is None
    assert imip.find(b"") is None
