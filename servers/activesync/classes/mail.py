"""Mails as a device is shown them ([MS-ASEMAIL] §2.2.2, [MS-ASAIRS])."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, NamedTuple, Self

from servers.activesync import bodies
from servers.activesync.classes import mail_categories, mail_follow_up, mail_meeting
from servers.activesync.options import HTML, MIME, Options
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSync, AirSyncBase, Email, Email2
from storage.formats import mail_parts, mime_fields, mime_words
from storage.formats.addresses import Address, parse_addresses
from storage.formats.message_parts import Part
from storage.mail import flags as words
from storage.mail import follow_ups, reading
from storage.mail.flags import ANSWERED, DELETED, FLAGGED, SEEN
from storage.mail.follow_ups import FollowUp
from storage.mail.types import DRAFTS, Content, Mailbox, State
from storage.store import Transaction

FORWARDED: Final = "$Forwarded"
_SHOWN: Final = (SEEN, FLAGGED, ANSWERED, FORWARDED)
_ADDRESS_MAX: Final = 32_000


def is_shown(state: State) -> bool:
    """Whether devices are shown a mail: `\\Deleted` waits for its removal."""
    return not words.has(state.flags, DELETED)


class _Version(NamedTuple):
    """What a device can see change of a mail."""

    flags: str
    """A digit for each of `_SHOWN`."""
    categories: str = ""
    """A mark of them, "" where there are none; so with what is said of the flag."""
    details: str = ""

    @classmethod
    def read(cls, text: str) -> Self:
        return cls(*text.split("."))

    def __str__(self) -> str:
        return ".".join(self).rstrip(".")


def version(state: State, details: FollowUp | None) -> str | None:
    """What a device can see change of a mail; None if it is not to be shown. `details` are those of its flag."""
    if not is_shown(state):
        return None
    flags = _version(state.flags)
    return str(flags if details is None else flags._replace(details=_mark(repr(tuple(details)))))


@lru_cache(4096)
def _version(flags: str) -> _Version:
    categories = "\n".join(sorted(mail_categories.listed(flags)))
    shown = "".join("1" if words.has(flags, flag) else "0" for flag in _SHOWN)
    return _Version(shown, _mark(categories) if categories else "")


def _mark(text: str) -> str:
    return hashlib.blake2s(text.encode(), digest_size=4).hexdigest()


def heard(before: str | None, after: str, said: Element) -> str:
    """The version that a device holds which has `said` something of a mail; what others changed it did not hear yet.

    `before` is what it held, `after` what there is now.
    """
    now, was = _Version.read(after), _Version.read(before or "")
    if len(was.flags) != len(now.flags):
        return after
    read = now.flags[0] if Email.Read in said else was.flags[0]
    flag = now if Email.Flag in said else was
    categories = now.categories if Email.Categories in said else was.categories
    return str(_Version(read + flag.flags[1] + was.flags[2:], categories, flag.details))


def changed(state: State, details: FollowUp | None, protocol: int, before: str) -> Element:
    """ApplicationData of a change of flags: only of those that are other than in the version `before`.

    "If only the Read flag has changed [...] the server MUST include the Read element as the only child element"
    ([MS-ASEMAIL] §3.2.5.4).
    """
    now, was = _Version.read(version(state, details) or ""), _Version.read(before)
    told = [_read(state), _flag(state, details), *_verb(state, protocol), *_categories(state, protocol)]
    if len(was.flags) != len(now.flags):
        return AirSync.ApplicationData(*told)
    parts = [_read(state)] if now.flags[0] != was.flags[0] else []
    parts += [_flag(state, details)] if (now.flags[1], now.details) != (was.flags[1], was.details) else []
    parts += _verb(state, protocol) if now.flags[2:] != was.flags[2:] else []
    parts += _categories(state, protocol) if now.categories != was.categories else []
    return AirSync.ApplicationData(*(parts or told))


def whole(
    tx: Transaction, mailbox: Mailbox, states: Sequence[State], options: Options, protocol: int
) -> dict[int, list[Element]]:
    """All of each mail, by uid; those that went meanwhile are left out. All of them stand in memory at once."""
    numbers = list(dict.fromkeys(state.content for state in states))
    contents = reading.contents_of(tx, numbers)
    listed = reading.listed_of(tx, numbers)
    parts = reading.parts_of(tx, numbers)
    details = follow_ups.of(tx, mailbox.id, (state.uid for state in states))
    bodies_of = dict(reading.bodies_of(tx, numbers))
    found: dict[int, list[Element]] = {}
    for state in states:
        content = contents.get(state.content)
        data = bodies_of.get(state.content)
        if content is None or data is None or state.content not in parts:
            continue
        header = _header(bytes(listed.get(state.content, b"")))
        attached = mail_parts.attachments(data, parts[state.content])
        shown: list[Element | None] = [
            *_addressed(header),
            Email.DateReceived(date(state.internal)),
            _read(state),
            *mail_meeting.classified(data, parts[state.content], protocol),
            Email.InternetCPID("65001"),
            _flag(state, details.get(state.uid)),
            *_verb(state, protocol),
            *_categories(state, protocol),
            _sender(header, protocol),
            *_drafted(mailbox, header, protocol),
            *_conversation(content, header, state, protocol),
            _attachments(mailbox, state, attached),
            *_bodies(data, parts[state.content], options, protocol),
        ]
        found[state.uid] = [one for one in shown if one is not None]
    return found


def _sender(header: Mapping[bytes, bytes], protocol: int) -> Element | None:
    """Who sent it, where that is somebody else than who wrote it ([MS-ASEMAIL] §2.2.2.70)."""
    return Email2.Sender.given(_listed(header.get(b"sender", b""), str)) if protocol >= 140 else None


def _drafted(mailbox: Mailbox, header: Mapping[bytes, bytes], protocol: int) -> list[Element | None]:
    """What only drafts have, from 16.0 on ([MS-ASEMAIL] §2.2.2.13, §2.2.2.43)."""
    if protocol < 160 or mailbox.name != DRAFTS:
        return []
    hidden = mime_words.printable(mime_words.decode_words(header.get(b"bcc", b"")))[:_ADDRESS_MAX]
    return [Email2.IsDraft(1), Email2.Bcc.given(hidden)]


def date(seconds: float) -> str:
    """A moment as mails have it ([MS-ASDTYPE] §2.3)."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _read(state: State) -> Element:
    return Email.Read(1 if words.has(state.flags, SEEN) else 0)


def _flag(state: State, details: FollowUp | None) -> Element:
    return mail_follow_up.shown(words.has(state.flags, FLAGGED), details)


def _verb(state: State, protocol: int) -> list[Element]:
    """What was done with it ([MS-ASEMAIL] §2.2.2.45)."""
    verb = 1 if words.has(state.flags, ANSWERED) else 3 if words.has(state.flags, FORWARDED) else 0
    return [Email2.LastVerbExecuted(verb)] if verb and protocol >= 140 else []


def _categories(state: State, protocol: int) -> list[Element]:
    """The element is there, and empty, where there are none ([MS-ASEMAIL] §2.2.2.16)."""
    if protocol < 140:
        return []
    return [Email.Categories(*(Email.Category(name) for name in mail_categories.listed(state.flags)))]


def _header(block: bytes) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for _, name, value in mime_fields.fields(block):
        found.setdefault(name.lower(), mime_words.unfold(value))
    return found


def _addressed(header: Mapping[bytes, bytes]) -> list[Element | None]:
    def text(name: bytes) -> str:
        return mime_words.printable(mime_words.decode_words(header.get(name, b"")))[:_ADDRESS_MAX]

    importance = header.get(b"importance", b"").strip().lower()
    urgent = header.get(b"x-priority", b"").strip()[:1]
    level = 2 if importance == b"high" or urgent in (b"1", b"2") else 0 if importance == b"low" or urgent == b"5" else 1
    return [
        Email.To.given(text(b"to")),
        Email.Cc.given(text(b"cc")),
        Email.From.given(text(b"from")),
        Email.ReplyTo.given(_listed(header.get(b"reply-to", b""), str)),
        Email.Subject.given(text(b"subject")),
        Email.DisplayTo.given(_listed(header.get(b"to", b""), lambda one: one.name or one.address)),
        Email.ThreadTopic.given(text(b"subject")),
        Email.Importance(level),
    ]


def _listed(field: bytes, show: Callable[[Address], str]) -> str:
    """Addresses of a header field with semicolons between them ([MS-ASEMAIL] §2.2.2.29, §2.2.2.68)."""
    return mime_words.printable("; ".join(show(one) for one in parse_addresses(field)))[:_ADDRESS_MAX]


def conversation_id(thread: int) -> bytes:
    """What a device calls a thread."""
    return hashlib.md5(f"{thread}".encode(), usedforsecurity=False).digest()


def _conversation(content: Content, header: Mapping[bytes, bytes], state: State, protocol: int) -> list[Element]:
    """ConversationId: the same for all of one thread ([MS-ASCON] §2.2.2.3)."""
    if protocol < 140:
        return []
    ticks = int((state.internal + 11_644_473_600) * 10_000_000)
    level = len(header.get(b"references", b"").split()[:60])
    index = ticks.to_bytes(8, "big")[:5] + b"\0" * 5 * level
    return [Email2.ConversationId(conversation_id(content.thread)), Email2.ConversationIndex(index)]


def _attachments(mailbox: Mailbox, state: State, attached: Sequence[mail_parts.Attached]) -> Element | None:
    if not attached:
        return None
    return AirSyncBase.Attachments(
        *(
            AirSyncBase.Attachment(
                AirSyncBase.DisplayName(one.name),
                AirSyncBase.FileReference(f"{mailbox.id}:{state.uid}:{one.section}"),
                AirSyncBase.Method(5 if one.message else 1),
                AirSyncBase.EstimatedDataSize(one.octets),
                AirSyncBase.ContentId.given(one.content_id),
                AirSyncBase.IsInline(1) if one.inline else None,
            )
            for one in attached
        )
    )


def _bodies(data: bytes, parts: Sequence[Part], options: Options, protocol: int) -> list[Element | None]:
    forms = mail_parts.forms(data, parts)
    part = None if options.part is None or protocol < 141 else bodies.part(forms, options.part)
    native = AirSyncBase.NativeBodyType(2 if HTML in forms else 1)
    top = parts[0].kind if parts else ""
    secured = top in ("multipart/signed", "application/pkcs7-mime", "application/x-pkcs7-mime")
    if options.mime == 2 or (options.mime == 1 and secured):
        wanted = next((one for one in options.bodies if one.kind == MIME), None)
        if wanted is not None or not options.bodies:
            size = wanted.size if wanted is not None else options.mime_size
            return [bodies.mime(data, size), part, native]
    return [bodies.body(forms, options.bodies), part, native]
