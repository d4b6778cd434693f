"""Many cards in one file, and one file per card in a zip (CON-23, CON-24)."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from typing import Final

from storage.errors import BadFormat, BadObject, UnsupportedMedia
from storage.formats import utf16
from storage.formats.contentline import unescape_text
from storage.formats.vcard import Card, component_of, read

MAXIMUM_CARDS: Final = 100_000

_FRAME: Final = re.compile(rb"^(?:(BEGIN)|END)[ \t]*:[ \t]*VCARD[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_AGENT: Final = re.compile(rb"AGENT[^\r\n]*:[ \t]*\r?\n\Z", re.IGNORECASE)


def read_cards(data: bytes, *, limit: int = MAXIMUM_CARDS) -> Iterator[Card | BadFormat]:
    """Give each card of a file, or what is wrong with it and at which line; a missing UID is made.

    Raises:
        BadFormat: more cards than `limit`.
    """
    for count, (line, octets) in enumerate(split_cards(data), 1):
        if count > limit:
            raise BadFormat(f"more than {limit} cards", line)
        try:
            yield read(octets, make_uid=True)
        except BadFormat as error:
            yield BadFormat(error.reason, line + max(error.line, 1) - 1)
        except (BadObject, UnsupportedMedia) as error:
            yield BadFormat(str(error), line)


def split_cards(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Cut a file into its cards, unread; each with the line it begins at, counted from 1.

    A card that is not closed goes up to the next BEGIN; text between cards is given as a card, to be refused.
    """
    data = utf16.as_utf8(data)
    if b"\n" not in data:
        data = data.replace(b"\r", b"\n")
    line, counted, begin, depth = 1, 0, 0, 0
    for found in _FRAME.finditer(data):
        at = found.start()
        if found[1]:
            if depth and _AGENT.search(data, max(begin, at - 200), at):  # a card inside a card, vCard 2.1 §2.4.1
                depth += 1
                continue
            if data[begin:at].strip():
                line, counted = line + data.count(b"\n", counted, begin), begin
                yield line, data[begin:at]
            begin, depth = at, 1
        elif depth:
            depth -= 1
            if not depth:
                line, counted = line + data.count(b"\n", counted, begin), begin
                end = found.end() + (data[found.end() : found.end() + 1] == b"\n")
                yield line, data[begin:end]
                begin = end
    if data[begin:].strip():
        yield line + data.count(b"\n", counted, begin), data[begin:]


def join_cards(bodies: Iterable[bytes]) -> bytes:
    """One .vcf with all cards (CON-24)."""
    return b"".join(body if body.endswith(b"\n") else body + b"\r\n" for body in bodies)


def zip_cards(bodies: Iterable[bytes]) -> bytes:
    """A zip with one .vcf per card, named by FN: Outlook reads one card per file (CON-24)."""
    out = io.BytesIO()
    used: set[str] = set()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for body in bodies:
            fn = unescape_text(component_of(body).value("FN"))
            stem = re.sub(r"[^\w .@+-]", "_", fn).strip(" .")[:60] or "contact"
            name, number = stem, 1
            while name.casefold() in used:
                number += 1
                name = f"{stem} ({number})"
            used.add(name.casefold())
            archive.writestr(zipfile.ZipInfo(f"{name}.vcf", (1980, 1, 1, 0, 0, 0)), body)
    return out.getvalue()
