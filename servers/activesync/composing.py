"""SmartReply and SmartForward: the device's text, and below it the mail that it answers or passes on.

A reply quotes the original's text, a forward carries its attachments too; pictures within the text stay in it
([MS-ASCMD] §2.2.1.19, §2.2.1.20). The message is made anew of the parts of both; each part's octets stay as they are.
"""

from __future__ import annotations

import base64
import html
import quopri
import secrets
from collections.abc import Sequence
from typing import Final

from servers.activesync.options import HTML, PLAIN
from storage.formats import mail_header, mail_parts, message_parts, message_text, mime_words
from storage.formats.message_parts import Part

_SECURED: Final = ("multipart/signed", "application/pkcs7-mime", "application/x-pkcs7-mime", "multipart/encrypted")
_SHOWN: Final = (b"From", b"Date", b"To", b"Cc", b"Subject")
CONTENT: Final = (
    b"content-type", b"content-transfer-encoding", b"content-disposition", b"content-id",
    b"content-description", b"content-language",
)  # fmt: skip
_REFERENCES_OCTETS: Final = 8_000


def joined(mail: bytes, original: bytes | None, *, forward: bool, meeting: tuple[bytes, str] | None = None) -> bytes:
    """The mail with the original below its text; one that is signed or encrypted stays as it is.

    `meeting` is an object of iCalendar that goes with it, and its METHOD, "" where it has none (RFC 6047 §2.4). Without
    an original nothing but that is added.
    """
    header, _ = mail_header.split(mail)
    above, _ = mail_header.split(original or b"")
    parts = message_parts.sections(message_parts.read(mail))
    below = message_parts.sections(message_parts.read(original)) if original else []
    if parts and parts[0].kind in _SECURED:
        return mail
    mine = mail_parts.forms(mail, parts)
    if original is None:
        texts = [(name, mine[kind]) for kind, name in ((PLAIN, "plain"), (HTML, "html")) if kind in mine]
    else:
        texts = _texts(mine, mail_parts.forms(original, below), above)
    attached = octets(mail, parts, mail_parts.attachments(mail, parts))
    if forward and original:
        attached += octets(original, below, mail_parts.attachments(original, below))
    head = mail_header.without(header, *CONTENT)
    if not mail_header.values(head, b"in-reply-to"):
        head += _threaded(head, above, forward=forward)
    if not mail_header.values(head, b"mime-version"):
        head += b"MIME-Version: 1.0\r\n"
    inline = [one for one, is_inline in attached if is_inline]
    others = [one for one, is_inline in attached if not is_inline]
    if meeting is not None and not meeting[1]:
        others.append(_calendar(*meeting))
    texts = texts or [("plain", "")]
    return head + body(texts, inline, others, _calendar(*meeting) if meeting is not None and meeting[1] else b"")


def _texts(mine: dict[int, str], theirs: dict[int, str], header: bytes) -> list[tuple[str, str]]:
    """The texts of the new mail with their subtypes, plain first; in the forms that the device wrote."""
    lines = [(name.decode(), _shown(header, name)) for name in _SHOWN]
    told = [(name, text) for name, text in lines if text]
    found: list[tuple[str, str]] = []
    if PLAIN in mine or HTML not in mine:
        quoted = theirs.get(PLAIN) or (message_text.plain(theirs[HTML]) if HTML in theirs else "")
        block = "\n".join(f"{name}: {text}" for name, text in told)
        found.append(("plain", f"{mine.get(PLAIN, '')}\n\n-----Original Message-----\n{block}\n\n{quoted}"))
    if HTML in mine:
        markup = theirs.get(HTML) or f"<pre>{html.escape(theirs.get(PLAIN, ''), quote=False)}</pre>"
        block = "<br>\r\n".join(f"<b>{name}:</b> {html.escape(text)}" for name, text in told)
        under = f"<hr>\r\n<div>{block}</div><br>\r\n<div>{_inside(markup)}</div>\r\n"
        found.append(("html", _inserted(mine[HTML], under)))
    return found


def _shown(header: bytes, name: bytes) -> str:
    found = mail_header.values(header, name.lower())
    return " ".join(mime_words.printable(mime_words.decode_words(found[0])).split())[:2_000] if found else ""


def _inside(markup: str) -> str:
    """What stands within the body of an HTML document."""
    lower = markup.lower()
    begin = lower.find("<body")
    begin = markup.find(">", begin) + 1 if begin >= 0 else 0
    end = lower.rfind("</body")
    return markup[begin : end if end >= begin else len(markup)]


def _inserted(markup: str, under: str) -> str:
    end = markup.lower().rfind("</body")
    return markup[:end] + under + markup[end:] if end >= 0 else markup + under


def octets(data: bytes, parts: Sequence[Part], attached: Sequence[mail_parts.Attached]) -> list[tuple[bytes, bool]]:
    """Each attachment with its header, and whether it belongs into the text."""
    places = {part.section: part for part in parts}
    found: list[tuple[bytes, bool]] = []
    for one in attached:
        part = places[one.section]
        octets = data[part.header : part.end]
        if part.header >= part.body:  # it has no header of its own: the mail is this very part
            octets = b"Content-Type: application/octet-stream\r\n\r\n" + data[part.body : part.end]
        found.append((octets, one.inline and bool(one.content_id)))
    return found


def _threaded(head: bytes, above: bytes, *, forward: bool) -> bytes:
    """In-Reply-To and References of RFC 5322 §3.6.4; a forward begins a thread of its own in the eyes of nobody."""
    number = mail_header.values(above, b"message-id")
    if not number or mail_header.values(head, b"references"):
        return b""
    known = b" ".join(b" ".join(mail_header.values(above, b"references")).split())
    kept = known if len(known) < _REFERENCES_OCTETS else known.partition(b" ")[0][:_REFERENCES_OCTETS]
    own = b" ".join(number[0].split())[:_REFERENCES_OCTETS]
    references = b"\r\n ".join([*kept.split(b" "), own] if kept else [own])
    return (b"" if forward else b"In-Reply-To: " + own + b"\r\n") + b"References: " + references + b"\r\n"


def body(texts: list[tuple[str, str]], inline: list[bytes], attached: list[bytes], meeting: bytes = b"") -> bytes:
    """The fields of the contents and the contents: texts (subtype and text), pictures within them, attachments.

    `meeting` is a part that says the same to programs.
    """
    written = [_text(kind, text) for kind, text in texts]
    markup = any(kind == "html" for kind, _ in texts)
    if inline and markup:
        written[-1] = _multipart("related", [written[-1], *inline])
    elif inline:
        attached = [*inline, *attached]
    written += [meeting] if meeting else []
    whole = written[0] if len(written) == 1 else _multipart("alternative", written)
    return _multipart("mixed", [whole, *attached]) if attached else whole


def _text(kind: str, text: str) -> bytes:
    lines = "\n".join(text.splitlines()) + "\n"
    encoded = quopri.encodestring(lines.encode("utf-8", "replace")).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    head = f"Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    return head.encode() + encoded


def _calendar(octets: bytes, method: str) -> bytes:
    kind = f"; method={method}" if method else '; name="event.ics"'
    place = "" if method else 'Content-Disposition: attachment; filename="event.ics"\r\n'
    head = f"Content-Type: text/calendar; charset=utf-8{kind}\r\n{place}Content-Transfer-Encoding: base64\r\n\r\n"
    return head.encode() + base64.encodebytes(octets).replace(b"\n", b"\r\n")


def _multipart(kind: str, parts: Sequence[bytes]) -> bytes:
    boundary = f"=_{secrets.token_hex(16)}".encode()
    head = b'Content-Type: multipart/' + kind.encode() + b'; boundary="' + boundary + b'"\r\n\r\n'
    return head + b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts) + b"--" + boundary + b"--\r\n"
