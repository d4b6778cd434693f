"""The values of a FETCH for some messages at once: joins of what was computed when they came."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from servers.imap import render
from servers.imap.errors import No
from servers.imap.fetch_items import Item, Section
from servers.imap.finished import Finished
from storage.formats import listed_fields, message_parts
from storage.mail import reading
from storage.mail.reading import Span
from storage.mail.types import Content, State
from storage.store import Transaction

AT_ONCE: Final = 500
_OCTETS_AT_ONCE: Final = 4 * 1024 * 1024
_SMALL: Final = frozenset({"UID", "FLAGS", "INTERNALDATE", "RFC822.SIZE", "MODSEQ", "SAVEDATE"})
_OF_CONTENT: Final = frozenset({"BODY", "PREVIEW", "EMAILID", "THREADID"})
_DECODED: Final = frozenset({"base64", "quoted-printable"})
_ENCODINGS: Final = _DECODED | {"7bit", "8bit", "binary"}

Value = Callable[[State], bytes | None]
"""An item with its value; None: the message is gone."""
Column = tuple[bytes, tuple[Sequence[Any], ...]]
"""An item of many messages: how its values are written, and their lists; None in the first where a message is gone."""


class Chosen(NamedTuple):
    """Messages with their sequence numbers, ascending."""

    numbers: Sequence[int]
    states: Sequence[State]

    def part(self, first: int, last: int) -> Chosen:
        """Those from place `first` on, and up to below `last`."""
        return Chosen(self.numbers[first:last], self.states[first:last])

    def only(self, fits: Callable[[State], bool]) -> Chosen:
        """Those that fit."""
        kept = [pair for pair in zip(*self, strict=True) if fits(pair[1])]
        return Chosen([number for number, _ in kept], [state for _, state in kept])


class Plan(NamedTuple):
    """What must be read for some items."""

    small: bool
    """Nothing: the states alone tell everything."""
    paged: bool
    """Octets of the messages are: of many, some at a time."""
    contents: bool
    listed: bool
    """The header fields that are kept apart."""
    headers: bool
    raw: bool
    parts: bool


@lru_cache(64)
def plan(items: tuple[Item, ...]) -> Plan:
    """Judge what is asked for; programs ask for the same again and again."""
    sections = [item for item in items if item.section is not None]
    raw = any(_needs_body(item) for item in sections)
    return Plan(
        small=all(item.name in _SMALL for item in items),
        paged=any(not _is_listed(item) for item in sections),
        contents=any(item.name in _OF_CONTENT or _needs_content(item) for item in items),
        listed=any(map(_is_listed, sections)),
        headers=not raw and any(_is_header(item) and not _is_listed(item) for item in sections),
        raw=raw,
        parts=any(item.section is not None and item.section.part for item in sections),
    )


def pages(chosen: Chosen, *, paged: bool) -> list[Chosen]:
    """Messages in portions: where they are `paged`, not more octets than fit well into memory."""
    states = chosen.states
    if not paged:
        return [chosen.part(at, at + AT_ONCE) for at in range(0, len(states), AT_ONCE)]
    found: list[Chosen] = []
    begin = octets = 0
    for at, state in enumerate(states):
        if at > begin and (octets + state.octets > _OCTETS_AT_ONCE or at - begin >= AT_ONCE):
            found.append(chosen.part(begin, at))
            begin, octets = at, 0
        octets += state.octets
    return [*found, chosen.part(begin, len(states))] if states else []


class Values:
    """The values of `items` for one portion of messages, read in one transaction."""

    def __init__(
        self,
        tx: Transaction,
        items: tuple[Item, ...],
        states: Sequence[State],
        span: Span | None = None,
        *,
        utf8: bool,
        flags: Callable[[Sequence[State]], list[bytes]] | None = None,
        finished: Finished | None = None,
    ) -> None:
        """`span` holds the messages, if there is one that holds little else; `flags` writes what FLAGS asks for.

        `finished` holds what was read before.
        """
        self._tx: Final = tx
        self._flags: Final = flags
        self._utf8: Final = utf8
        numbers = [state.content for state in states]
        needed = plan(items)
        self._span_of_all: Final = span
        self._finished: Final = finished or Finished()
        self._contents: Final = reading.contents_of(tx, numbers) if needed.contents else {}
        self._listed: Final = reading.fields_of(tx, numbers, span) if needed.listed else {}
        self._headers: Final = reading.headers(tx, numbers) if needed.headers else {}
        self._raw: Final = reading.raw_of(tx, numbers) if needed.raw else {}
        self._octets_of: Final = {state.content: state.octets for state in states} if needed.raw else {}
        found = reading.parts_of(tx, numbers) if needed.parts else {}
        self._parts: Final = {number: {part.section: part for part in parts} for number, parts in found.items()}
        self._states: Final = states
        self._numbers: Final = numbers
        self.columns: Final[list[Column]] = [self._column(item) for item in items]

    def lines(self, numbers: Sequence[int]) -> tuple[bytes, bool]:
        """A FETCH response for each message with its sequence number, and whether some are gone."""
        form = b"* %%d FETCH (%b)\r\n" % b" ".join(form for form, _ in self.columns)
        values = [numbers, *(values for _, lists in self.columns for values in lists)]
        # Neither octets nor a length are ever empty here: what is false is not there.
        if all(all(lists[0]) for form, lists in self.columns if b"%b" in form):
            return render.rows(form, values), False
        kept = [row for row in zip(*values, strict=True) if None not in row]
        return b"".join([form % row for row in kept]), True

    def octets(self, item: Item, state: State) -> bytes | None:
        """What BODY[…] of one of the messages holds; None: there is no such part, or the message is gone."""
        return self._octets(item)(state.content) if self._is_there(state.content) else None

    def decoded(self, item: Item, state: State) -> bytes | None:
        """The same of a part, without its transfer encoding (RFC 3516 §4.3).

        Raises:
            No: an encoding that nobody knows.
        """
        assert item.section is not None
        found = self._decoded(state.content, item.section, item.partial) if self._is_there(state.content) else None
        return None if found is None else _cut(found, item.partial)

    def _column(self, item: Item) -> Column:
        """What a state tells, or one look-up, without a call for each message."""
        states = self._states
        match item.name:
            case "UID":
                return b"UID %d", ([state.uid for state in states],)
            case "FLAGS":
                assert self._flags is not None
                return b"%b", (self._flags(states),)
            case "INTERNALDATE":
                return b"INTERNALDATE %b", ([render.date_time(state.internal) for state in states],)
            case "RFC822.SIZE":
                return b"RFC822.SIZE %d", ([state.octets for state in states],)
            case "MODSEQ":
                return b"MODSEQ (%d)", ([state.modseq for state in states],)
            case "SAVEDATE":
                return b"SAVEDATE %b", ([render.date_time(state.saved) for state in states],)
            case "ENVELOPE":
                return b"ENVELOPE %b", (self._made("ENVELOPE", reading.envelopes),)
            case "BODYSTRUCTURE":
                return b"BODYSTRUCTURE %b", (self._made("BODYSTRUCTURE", reading.bodystructures),)
        if _is_listed(item) and item.partial is None and item.section is not None:
            return self._fields(item, item.section)
        make = self._maker(item)
        return b"%b", ([make(state) for state in states],)

    def _made(
        self, what: str, read: Callable[[Transaction, Sequence[int], Span | None], dict[int, bytes]]
    ) -> Sequence[bytes | None]:
        """What was computed when the messages came, from memory where this process read it before."""
        return self._finished.of(what, self._numbers, lambda: read(self._tx, self._numbers, self._span_of_all))

    def _fields(self, item: Item, section: Section) -> Column:
        """Chosen header fields from what is kept apart: the question of every program that lists mails."""
        rows = list(map(self._listed.get, self._numbers))
        found = listed_fields.choose(rows, tuple(sorted({name.lower() for name in section.fields})))
        octets = [None if one is None else len(one) + 2 for one in found]
        if "" in {row[1] for row in rows if row is not None}:  # only what is kept in one piece can have a NUL
            found = [None if one is None else render.shown(one) for one in found]
        return item.label + b" {%d}\r\n%b\r\n", (octets, found)

    def _maker(self, item: Item) -> Value:
        match item.name:
            case "BODY":
                return self._from_content(lambda one: b"BODY %b" % one.body)
            case "EMAILID":
                return self._from_content(lambda one: b"EMAILID (%b)" % one.email_id.encode())
            case "THREADID":
                return self._from_content(lambda one: b"THREADID (%b)" % one.thread_id.encode())
            case "PREVIEW":
                return self._from_content(lambda one: b"PREVIEW " + render.text(one.preview, utf8=self._utf8))
            case "BINARY.SIZE[":
                return self._sized(item)
            case "BINARY[":
                return self._binary(item)
            case _:
                return self._body(item)

    def _from_content(self, value: Callable[[Content], bytes]) -> Value:
        def make(state: State) -> bytes | None:
            found = self._contents.get(state.content)
            return None if found is None else value(found)

        return make

    def _body(self, item: Item) -> Value:
        """BODY[…]: literals, or NIL where there is no such part."""
        octets = self._octets(item)

        def make(state: State) -> bytes | None:
            if not self._is_there(state.content):
                return None
            found = octets(state.content)
            return item.label + (b" NIL" if found is None else b" " + render.literal(found))

        return make

    def _octets(self, item: Item) -> Callable[[int], bytes | None]:
        section = item.section
        assert section is not None
        if _is_header(item):
            chosen = _selection(section)

            def header(number: int) -> bytes | None:
                block = self._headers.get(number)
                if _is_listed(item):
                    block = listed_fields.plain(*self._listed[number][1:])
                if block is None:
                    block = self._slice(number, 0, self._contents[number].header_octets)
                return _cut(chosen(block), item.partial)

            return header

        def body(number: int) -> bytes | None:
            span = self._span(number, section)
            if span is None:
                return None
            first, last = span
            if section.fields:
                return _cut(_selection(section)(self._slice(number, first, last)), item.partial)
            if item.partial is not None:
                first = min(first + item.partial[0], last)
                last = min(first + item.partial[1], last)
            return self._slice(number, first, last)

        return body

    def _span(self, number: int, section: Section) -> tuple[int, int] | None:
        """Where a section's octets are."""
        if not section.part:
            match section.what:
                case "TEXT":
                    return self._contents[number].header_octets, self._octets_of[number]
                case "":
                    return 0, self._octets_of[number]
                case _:
                    return 0, self._contents[number].header_octets
        part = self._parts[number].get(section.part)
        if part is None:
            return None
        match section.what:
            case "":
                return part.body, part.end
            case "MIME":
                return part.header, part.body
            case "TEXT":
                return (part.inner, part.end) if part.inner else None
            case _:
                return (part.body, part.inner) if part.inner else None

    def _slice(self, number: int, first: int, last: int) -> bytes:
        blob, body = self._raw[number]
        if blob is None:
            return bytes((body or b"")[first:last])
        return reading.read_blob(self._tx, blob, first, last - first)

    def _is_there(self, number: int) -> bool:
        return number in self._raw or number in self._headers or number in self._listed

    def _decoded(self, number: int, section: Section, partial: tuple[int, int] | None = None) -> bytes | None:
        """A part without its transfer encoding (RFC 3516 §4.3), whole: a `partial` one is likely to be asked for again.

        Raises:
            No: an encoding that nobody knows.
        """
        if not section.part:
            return self._slice(number, 0, self._octets_of[number])
        part = self._parts[number].get(section.part)
        if part is None:
            return None
        if part.kind.startswith("multipart/"):
            return self._slice(number, part.body, part.end)
        if part.encoding not in _ENCODINGS:
            raise No("an encoding that nobody knows", "UNKNOWN-CTE")

        def decode() -> bytes:
            return message_parts.unencoded(self._slice(number, part.body, part.end), part.encoding)

        if partial is None or part.encoding not in _DECODED:
            return decode()
        return self._finished.decoded.of(number, part.section, decode)

    def _binary(self, item: Item) -> Value:
        section = item.section
        assert section is not None

        def make(state: State) -> bytes | None:
            if state.content not in self._raw:
                return None
            found = self._decoded(state.content, section, item.partial)
            if found is None:
                return item.label + b" NIL"
            found = _cut(found, item.partial)
            return item.label + b" " + render.binary(found)

        return make

    def _sized(self, item: Item) -> Value:
        section = item.section
        assert section is not None

        def make(state: State) -> bytes | None:
            if state.content not in self._raw:
                return None
            found = self._decoded(state.content, section)
            return item.label + b" %d" % (0 if found is None else len(found))

        return make


def _is_header(item: Item) -> bool:
    """Of the message itself."""
    section = item.section
    return section is not None and item.name == "BODY[" and not section.part and section.what.startswith("HEADER")


def _is_listed(item: Item) -> bool:
    """Header fields that are kept apart."""
    section = item.section
    return (
        section is not None
        and _is_header(item)
        and section.what == "HEADER.FIELDS"
        and all(name.lower().encode() in listed_fields.LISTED for name in section.fields)
    )


def _needs_body(item: Item) -> bool:
    return item.section is not None and not _is_header(item)


def _needs_content(item: Item) -> bool:
    """To know where its header ends."""
    section = item.section
    return section is not None and not section.part and bool(section.what) and not _is_listed(item)


def _cut(data: bytes, partial: tuple[int, int] | None) -> bytes:
    return data if partial is None else data[partial[0] : partial[0] + partial[1]]


def _selection(section: Section) -> Callable[[bytes], bytes]:
    """What of a header block is wanted; the blank line belongs to it (RFC 9051 §6.4.5.1)."""
    if not section.fields:
        return lambda block: block
    names = tuple(sorted({name.lower() for name in section.fields}))
    pattern = listed_fields.pattern(names)
    if section.what == "HEADER.FIELDS":
        return lambda block: b"".join(pattern.findall(block)) + b"\r\n"
    return lambda block: pattern.sub(b"", block)
