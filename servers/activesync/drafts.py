"""Drafts that a device writes ([MS-ASEMAIL] §3.1.5, from 16.0 on): elements become a message, or a message is changed.

A mail in a mailbox never changes: a changed draft is a new mail in the old one's place, and the device is told so.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.header import Header
from typing import Final
from urllib.parse import quote

from servers.activesync import composing
from servers.activesync.classes.item_class import Unconvertible
from servers.activesync.options import HTML, MIME, PLAIN, number
from servers.activesync.wbxml.code_page import Tag
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSyncBase, Email, Email2
from storage.formats import mail_header, mail_parts, message_parts
from storage.formats.addresses import format_address, parse_addresses

_FIELDS: Final[Mapping[Tag, bytes]] = {
    Email.To: b"To", Email.Cc: b"Cc", Email2.Bcc: b"Bcc", Email.ReplyTo: b"Reply-To",
}  # fmt: skip
_IMPORTANCE: Final = {0: b"low", 1: b"", 2: b"high"}
_TYPE: Final = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,60}/[A-Za-z0-9!#$&^_.+-]{1,60}")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]+")
_CONTENTS: Final = frozenset({Email.Subject, Email.Importance, AirSyncBase.Body, AirSyncBase.Attachments, *_FIELDS})
ATTACHMENTS_MAX: Final = 200


@dataclass(slots=True)
class Draft:
    """A message, and which of its attachments the device has just added."""

    mime: bytes
    added: dict[str, str] = field(default_factory=dict)
    """ClientId to section."""


def concerns(data: Element) -> bool:
    """Whether a change is one of the message itself, and not only of its flags."""
    return any(one.tag in _CONTENTS for one in data.children)


def written(data: Element, before: bytes | None) -> Draft:
    """The message of an Add, or of a Change of the draft `before`; what the device leaves out stays.

    Raises:
        Unconvertible: an attachment is none.
    """
    said = data.find(AirSyncBase.Body)
    whole = said is not None and said.text_of(AirSyncBase.Type) == str(MIME)
    if whole and said is not None:
        content = said.find(AirSyncBase.Data)
        octets = b"" if content is None else content.octets
        before = b"\r\n".join(octets.splitlines()) + b"\r\n"
    header, _ = mail_header.split(before or b"")
    for tag, name in _FIELDS.items():
        text = data.text_of(tag)
        if text is not None:
            people = b",\r\n ".join(format_address(one) for one in parse_addresses(text) if one.mailbox)
            header = _with(header, name, people)
    if (subject := data.text_of(Email.Subject)) is not None:
        clean = _CONTROL.sub(" ", subject).strip()
        encoded = Header(clean, None if clean.isascii() else "utf-8").encode(linesep="\r\n")
        header = _with(header, b"Subject", encoded.encode())
    if (level := data.text_of(Email.Importance)) is not None:
        header = _with(header, b"Importance", _IMPORTANCE.get(number(level, 1), b""))
    attachments = data.find(AirSyncBase.Attachments)
    if before is not None and attachments is None and (said is None or whole):
        _, rest = mail_header.split(before)
        return Draft(header + rest)
    return _rebuilt(header, before or b"", None if whole else said, attachments)


def _rebuilt(header: bytes, before: bytes, said: Element | None, attachments: Element | None) -> Draft:
    """A message of the texts and attachments that there are now."""
    parts = message_parts.sections(message_parts.read(before)) if before else []
    forms = mail_parts.forms(before, parts) if parts else {}
    if said is not None:
        kind = HTML if said.text_of(AirSyncBase.Type) == str(HTML) else PLAIN
        forms = {kind: (said.text_of(AirSyncBase.Data) or "").replace("\r\n", "\n")}
    texts = [(name, forms[kind]) for kind, name in ((PLAIN, "plain"), (HTML, "html")) if kind in forms]
    commands = [] if attachments is None else attachments.known[:ATTACHMENTS_MAX]
    gone = {
        (one.text_of(AirSyncBase.FileReference) or "").rpartition(":")[2]
        for one in commands
        if one.tag is AirSyncBase.Delete
    }
    attached = [one for one in mail_parts.attachments(before, parts) if one.section not in gone] if parts else []
    kept = composing.octets(before, parts, attached)
    fresh = [(_attachment(one), AirSyncBase.ContentId in one) for one in commands if one.tag is AirSyncBase.Add]
    clients = [one.text_of(AirSyncBase.ClientId) or "" for one in commands if one.tag is AirSyncBase.Add]
    every = [*kept, *fresh]
    inline, other = [one for one, within in every if within], [one for one, within in every if not within]
    head = mail_header.without(header, *composing.CONTENT)
    if not mail_header.values(head, b"mime-version"):
        head += b"MIME-Version: 1.0\r\n"
    mime = head + composing.body(texts or [("plain", "")], inline, other)
    return Draft(mime, _sections(mime, [one for one, _ in fresh], clients))


def _sections(mime: bytes, fresh: Sequence[bytes], clients: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    parts = message_parts.sections(message_parts.read(mime))
    for octets, client in zip(fresh, clients, strict=True):
        for part in parts:
            if part.section not in found.values() and mime[part.header : part.end] == octets and client:
                found[client] = part.section
                break
    return found


def _attachment(said: Element) -> bytes:
    """One part, its header with it ([MS-ASAIRS] §2.2.2.4)."""
    content = said.find(AirSyncBase.Content)
    if content is None:
        raise Unconvertible("an attachment without its content")
    octets = content.value
    if isinstance(octets, str):
        try:
            octets = base64.b64decode("".join(octets.split()), validate=True)
        except (binascii.Error, ValueError):
            raise Unconvertible("an attachment that is no base64") from None
    name = _CONTROL.sub(" ", said.text_of(AirSyncBase.DisplayName) or "attachment").replace('"', "'").strip()[:255]
    kind = said.text_of(AirSyncBase.ContentType) or ""
    if not _TYPE.fullmatch(kind) or kind.startswith(("multipart/", "message/")):
        kind = "application/octet-stream"
    given = f'filename="{name}"' if name.isascii() else f"filename*=utf-8''{quote(name, safe='')}"
    identified = _CONTROL.sub("", said.text_of(AirSyncBase.ContentId) or "").strip("<> ")[:200]
    place = "inline" if said.text_of(AirSyncBase.IsInline) == "1" else "attachment"
    head = f"Content-Type: {kind}\r\nContent-Disposition: {place}; {given}\r\nContent-Transfer-Encoding: base64\r\n"
    if identified and identified.isascii():
        head += f"Content-ID: <{identified}>\r\n"
    return head.encode() + b"\r\n" + base64.encodebytes(octets).replace(b"\n", b"\r\n").removesuffix(b"\r\n")


def _with(header: bytes, name: bytes, value: bytes) -> bytes:
    rest = mail_header.without(header, name.lower())
    return rest + name + b": " + value + b"\r\n" if value else rest
