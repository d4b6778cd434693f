"""What a sender is told: a delivery status notification for one or more recipients (RFC 3464, RFC 6522, RFC 6533)."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from email.header import Header
from email.utils import format_datetime
from typing import Final

from servers.outbound.options import Options
from servers.outbound.wire import Letter
from storage.outbound.types import Lease, Notice, Report

FULL_OCTETS: Final = 1024 * 1024
"""A larger mail comes back as its header, even if the sender would rather have it whole (RFC 3461 §4.3)."""
_UNASKED_OCTETS: Final = 64 * 1024
_CRLF: Final = "\r\n"
_LINE: Final = 900
"""Octets: with its name a field stays below the 998 of RFC 5322 §2.1.1."""

_REPLY: Final = re.compile(r"[2-5]\d\d(?: |\Z)")
"""An answer of another server begins like this, and nothing that we say ourselves."""

_SUBJECTS: Final = {
    "en": {
        Report.FAILED: "Undelivered mail returned to sender",
        Report.DELAYED: "Delayed mail (still being tried)",
        Report.RELAYED: "Mail relayed to a system that sends no reports",
        Report.DELIVERED: "Mail delivered",
    },
    "fr": {
        Report.FAILED: "Votre mail n'a pas pu être remis",
        Report.DELAYED: "Mail retardé (les essais continuent)",
        Report.RELAYED: "Mail transmis à un système qui n'envoie pas d'avis",
        Report.DELIVERED: "Mail remis",
    },
    "de": {
        Report.FAILED: "Ihre Mail konnte nicht zugestellt werden",
        Report.DELAYED: "Mail verspätet (wird weiter versucht)",
        Report.RELAYED: "Mail an ein System übergeben, das keine Berichte sendet",
        Report.DELIVERED: "Mail zugestellt",
    },
    "nl": {
        Report.FAILED: "Uw mail kon niet worden bezorgd",
        Report.DELAYED: "Mail vertraagd (wordt opnieuw geprobeerd)",
        Report.RELAYED: "Mail doorgegeven aan een systeem dat geen berichten stuurt",
        Report.DELIVERED: "Mail bezorgd",
    },
}
_WORDS: Final = {
    "en": {
        Report.FAILED: "Your mail could not be delivered to the addresses below, and will not be tried again.",
        Report.DELAYED: "Your mail could not be delivered to the addresses below yet. It is tried again.",
        Report.RELAYED: "Your mail was handed to the next system on its way, which sends no reports.",
        Report.DELIVERED: "Your mail was delivered to the addresses below.",
    },
    "fr": {
        Report.FAILED: "Votre mail n'a pas pu être remis aux adresses ci-dessous, et ne sera plus essayé.",
        Report.DELAYED: "Votre mail n'a pas encore pu être remis aux adresses ci-dessous. Les essais continuent.",
        Report.RELAYED: "Votre mail a été transmis au système suivant, qui n'envoie pas d'avis.",
        Report.DELIVERED: "Votre mail a été remis aux adresses ci-dessous.",
    },
    "de": {
        Report.FAILED: "Ihre Mail konnte an diese Adressen nicht zugestellt werden und wird nicht mehr versucht.",
        Report.DELAYED: "Ihre Mail konnte an diese Adressen noch nicht zugestellt werden. Es wird weiter versucht.",
        Report.RELAYED: "Ihre Mail wurde dem nächsten System übergeben, das keine Berichte sendet.",
        Report.DELIVERED: "Ihre Mail wurde an diese Adressen zugestellt.",
    },
    "nl": {
        Report.FAILED: "Uw mail kon niet op deze adressen worden bezorgd en wordt niet meer geprobeerd.",
        Report.DELAYED: "Uw mail kon nog niet op deze adressen worden bezorgd. Het wordt opnieuw geprobeerd.",
        Report.RELAYED: "Uw mail is doorgegeven aan het volgende systeem, dat geen berichten stuurt.",
        Report.DELIVERED: "Uw mail is op deze adressen bezorgd.",
    },
}
"""By the language of who sent it; another language gets English (SYS-16). What other servers said stays as it is."""


def compose(
    lease: Lease, letter: Letter, notices: Sequence[Notice], options: Options, now: float, language: str = "en"
) -> bytes:
    """The report on recipients of one kind, to the mail's sender; it goes out with a null reverse-path."""
    language = language if language in _WORDS else "en"
    report = notices[0].report
    international = letter.international or not all(
        text.isascii() for one in notices for text in (one.recipient.address, one.recipient.orcpt, lease.sender)
    )
    boundary = f"report-{secrets.token_hex(12)}"
    whole = report is Report.FAILED and _whole(lease, letter)
    original = letter.data if whole else letter.header
    kinds = _KINDS[international]
    message_id = _one_line(letter.field("Message-ID"))
    top = [
        f"From: Mail Delivery System <postmaster@{options.domain}>",
        f"To: <{_one_line(lease.sender)}>",
        f"Subject: {Header(_SUBJECTS[language][report]).encode(linesep=_CRLF)}",
        f"Date: {_date(now)}",
        f"Message-ID: <{secrets.token_hex(16)}@{options.hostname}>",
        *((f"In-Reply-To: {message_id}", f"References: {message_id}") if message_id else ()),
        "Auto-Submitted: auto-replied",  # RFC 3834 §5
        "MIME-Version: 1.0",
        f'Content-Type: multipart/report; report-type=delivery-status; boundary="{boundary}"',
    ]
    parts = [
        ("text/plain; charset=utf-8", _text(notices, _WORDS[language][report], options), True),
        (kinds[0], _status(lease, notices, options, international=international), True),
        (kinds[1] if whole else kinds[2], original, False),
    ]
    lines = ["\r\n".join(top).encode(), b"", b"This is a report in several parts (RFC 3464)."]
    for kind, content, _ in parts:
        lines += [f"--{boundary}".encode(), f"Content-Type: {kind}".encode()]
        lines += [] if content.isascii() else [b"Content-Transfer-Encoding: 8bit"]
        lines += [b"", content]
    return b"\r\n".join([*lines, f"--{boundary}--".encode(), b""])


# RFC 3464, or RFC 6533 where addresses or headers are not ASCII: status, whole message, header alone.
_KINDS: Final = {
    False: ("message/delivery-status", "message/rfc822", "text/rfc822-headers"),
    True: ("message/global-delivery-status", "message/global", "message/global-headers"),
}


def _whole(lease: Lease, letter: Letter) -> bool:
    """RET speaks of failures; what it does not say is ours to choose (RFC 3461 §4.3)."""
    if lease.requiretls or lease.ret == "HDRS":  # RFC 8689 §5: the body stays where it was safe
        return False
    return len(letter.data) <= (FULL_OCTETS if lease.ret == "FULL" else _UNASKED_OCTETS)


def _text(notices: Sequence[Notice], words: str, options: Options) -> bytes:
    lines = [f"This is the mail system at {options.hostname}.", "", words, ""]
    for one in notices:
        lines.append(f"<{_one_line(one.recipient.address)}>")
        said = _one_line(one.result.reply)
        who = f"{one.result.host} said: " if one.result.host and _REPLY.match(said) else ""
        lines.append(f"    {who}{said or one.result.status}")
        if one.retry_until is not None:
            lines.append(f"    It is tried until {_date(one.retry_until)}.")
        lines.append("")
    return "\r\n".join(lines).encode()


def _status(lease: Lease, notices: Sequence[Notice], options: Options, *, international: bool) -> bytes:
    """The fields of RFC 3464 §2.2 and §2.3."""
    fields = [f"Original-Envelope-Id: {_one_line(lease.envid)}"] if lease.envid else []
    fields += [f"Reporting-MTA: dns; {options.hostname}", f"Arrival-Date: {_date(lease.created)}"]
    for one in notices:
        address = _one_line(one.recipient.address)
        kind = "utf-8" if international and not address.isascii() else "rfc822"  # RFC 6533 §3
        said = _one_line(one.result.reply)
        fields.append("")
        fields += [f"Original-Recipient: {_original(one.recipient.orcpt)}"] if one.recipient.orcpt else []
        fields += [f"Final-Recipient: {kind}; {address}", f"Action: {one.report.value}", f"Status: {one.result.status}"]
        fields += [f"Remote-MTA: dns; {one.result.host}"] if one.result.host else []
        if _REPLY.match(said) and one.result.host:
            fields.append(f"Diagnostic-Code: smtp; {said}")
        elif said and one.report in {Report.FAILED, Report.DELAYED}:
            fields.append(f"Diagnostic-Code: x-escritoire; {said}")
        fields += [f"Will-Retry-Until: {_date(one.retry_until)}"] if one.retry_until is not None else []
    return "\r\n".join([*fields, ""]).encode()


def _original(orcpt: str) -> str:
    kind, _, address = _one_line(orcpt).partition(";")
    return f"{kind}; {address}"


def _one_line(value: str) -> str:
    """Whatever came from outside, on one line of a header."""
    plain = "".join(c if c.isprintable() else "?" for c in value[:_LINE])
    return plain.encode("utf-8", "replace")[:_LINE].decode("utf-8", "ignore")


def _date(seconds: float) -> str:
    return format_datetime(datetime.fromtimestamp(seconds, UTC))
