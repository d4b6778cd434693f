"""What a FETCH asks for (RFC 9051 §6.4.5, RFC 3516, RFC 8970, RFC 8474, RFC 8514, RFC 7162)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from servers.imap import render
from servers.imap.errors import Bad
from servers.imap.reader import Reader

_SIMPLE: Final = frozenset(
    {
        *("UID", "FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BODY", "BODYSTRUCTURE", "MODSEQ"),
        *("EMAILID", "THREADID", "SAVEDATE"),
    }
)
_MACROS: Final = {
    "ALL": ("FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE"),
    "FAST": ("FLAGS", "INTERNALDATE", "RFC822.SIZE"),
    "FULL": ("FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BODY"),
}
_NAME: Final = re.compile(rb"[A-Za-z0-9.]+")
_NUMBERS: Final = re.compile(rb"\d{1,9}(?:\.\d{1,9})*")
_FIELD: Final = re.compile(r"[\x21-\x39\x3b-\x7e]{1,200}\Z")
_PLAIN: Final = re.compile(r"[^(){%*\"\\]+\Z")
_FIELDS_MAX: Final = 200
_ITEMS_MAX: Final = 100
_REMEMBERED_OCTETS: Final = 500


@dataclass(frozen=True, slots=True)
class Section:
    """Which octets of a message (RFC 9051 §6.4.5.1)."""

    part: str = ""
    """"" is the message itself, else "1", "1.2" …"""
    what: str = ""
    """"", HEADER, HEADER.FIELDS, HEADER.FIELDS.NOT, TEXT, MIME."""
    fields: tuple[str, ...] = ()

    @property
    def label(self) -> bytes:
        """As it stands between the brackets of the answer."""
        words = ".".join(word for word in (self.part, self.what) if word)
        if self.fields:
            words += f" ({' '.join(map(_written, self.fields))})"
        return words.encode()


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that is asked for."""

    name: str
    """A simple name, BODY[, BINARY[, BINARY.SIZE[, RFC822…, PREVIEW."""
    section: Section | None = None
    peek: bool = True
    partial: tuple[int, int] | None = None
    label: bytes = b""
    """What comes before the value in the answer."""


def _written(field: str) -> str:
    """The name of a header field as an astring (RFC 9051 §9, header-fld-name)."""
    return field if _PLAIN.match(field) else render.string(field.encode()).decode()


def read(reader: Reader) -> tuple[Item, ...]:
    """The items of a FETCH; programs ask for the same ones again and again, so they are remembered.

    Raises:
        Bad: there is no such item.
    """
    rest = reader.rest
    if len(rest) > _REMEMBERED_OCTETS:
        return _read(reader)
    found, octets = _remembered(rest, reader.utf8)
    reader.skip(octets)
    return found


@lru_cache(256)
def _remembered(rest: bytes, utf8: bool) -> tuple[tuple[Item, ...], int]:
    reader = Reader(rest)
    reader.utf8 = utf8
    return _read(reader), reader.read


def _read(reader: Reader) -> tuple[Item, ...]:
    if reader.peek(b"("):
        found = reader.listed(lambda: _one(reader))
    else:
        name = _name(reader)
        if name in _MACROS:
            return tuple(Item(one, label=one.encode()) for one in _MACROS[name])
        found = [_item(reader, name)]
    if not 0 < len(found) <= _ITEMS_MAX:
        raise Bad(f"FETCH takes 1 to {_ITEMS_MAX} items")
    return tuple(dict.fromkeys(found))


def _one(reader: Reader) -> Item:
    return _item(reader, _name(reader))


def _name(reader: Reader) -> str:
    return reader.match(_NAME, "an item").decode().upper()


def _item(reader: Reader, name: str) -> Item:
    if name in ("BODY", "BODY.PEEK") and reader.peek(b"["):
        section = _section(reader)
        partial = _partial(reader)
        start = b"" if partial is None else b"<%d>" % partial[0]
        return Item("BODY[", section, name == "BODY.PEEK", partial, b"BODY[%b]%b" % (section.label, start))
    if name in ("BINARY", "BINARY.PEEK", "BINARY.SIZE") and reader.peek(b"["):
        section = _section(reader)
        if section.what:
            raise Bad("BINARY takes a part")
        partial = None if name == "BINARY.SIZE" else _partial(reader)
        start = b"" if partial is None else b"<%d>" % partial[0]
        word = "BINARY.SIZE" if name == "BINARY.SIZE" else "BINARY"
        return Item(f"{word}[", section, name != "BINARY", partial, b"%b[%b]%b" % (word.encode(), section.label, start))
    if name == "PREVIEW":
        if reader.take(b" (LAZY)"):  # RFC 8970 §3.1: it is at hand anyway
            pass
        return Item("PREVIEW", label=b"PREVIEW")
    if name == "RFC822":
        return Item("BODY[", Section(), False, None, b"RFC822")
    if name == "RFC822.HEADER":
        return Item("BODY[", Section(what="HEADER"), True, None, b"RFC822.HEADER")
    if name == "RFC822.TEXT":
        return Item("BODY[", Section(what="TEXT"), False, None, b"RFC822.TEXT")
    if name in _SIMPLE:
        return Item(name, label=name.encode())
    raise Bad(f"FETCH knows no {name}")


def _section(reader: Reader) -> Section:
    reader.need(b"[")
    part = ""
    numbers = reader.try_match(_NUMBERS)
    if numbers is not None:
        part = numbers.decode()
        if part.startswith("0") or ".0" in part:
            raise Bad("parts begin with 1")
        if not reader.take(b"."):
            reader.need(b"]")
            return Section(part)
    what = ""
    fields: tuple[str, ...] = ()
    if not reader.peek(b"]"):
        what = _name(reader)
        if what in ("HEADER.FIELDS", "HEADER.FIELDS.NOT"):
            reader.space()
            names = reader.listed(reader.text)
            if not 0 < len(names) <= _FIELDS_MAX or not all(_FIELD.match(name) for name in names):
                raise Bad("there is no such header field")
            fields = tuple(names)
        elif what not in ("HEADER", "TEXT", "MIME") or (what == "MIME" and not part):
            raise Bad(f"a message has no {what}")
    reader.need(b"]")
    return Section(part, what, fields)


def _partial(reader: Reader) -> tuple[int, int] | None:
    if not reader.take(b"<"):
        return None
    start = reader.number()
    reader.need(b".")
    count = reader.number()
    reader.need(b">")
    if not count:
        raise Bad("nothing is asked for")
    return start, count
