"""Search keys as values of the store's query (RFC 9051 §6.4.4; RFC 5032, 6203, 7162, 8474, 8514)."""

from __future__ import annotations

import calendar
import codecs
import time
from datetime import date
from typing import Final

from servers.imap.errors import Bad, No
from servers.imap.reader import STAR, Reader
from servers.imap.view import View
from storage.mail import flags
from storage.mail import query as ask
from storage.mail.query import Query

DEPTH_MAX: Final = 50
KEYS_MAX: Final = 1_000
_DAY_S: Final = 86_400
_UID_MAX: Final = 2**32 - 1
_FLAGS: Final = {
    "ANSWERED": flags.ANSWERED,
    "DELETED": flags.DELETED,
    "DRAFT": flags.DRAFT,
    "FLAGGED": flags.FLAGGED,
    "SEEN": flags.SEEN,
}


class Keys:
    """Reads the keys of one search."""

    def __init__(self, reader: Reader, view: View) -> None:
        self._reader: Final = reader
        self._view: Final = view
        self._charset = "utf-8"
        self._count = 0
        self.modseq = False
        """MODSEQ was asked for: the answer tells the highest (RFC 7162 §3.1.5)."""

    def charset(self) -> None:
        """`CHARSET name`.

        Raises:
            No: BADCHARSET.
        """
        name = self._reader.text()
        try:
            found = codecs.lookup(name)
            text = found._is_text_encoding
        except (LookupError, ValueError):
            text = False
        if not text:
            raise No("there is no such character set", "BADCHARSET (UTF-8 US-ASCII)")
        self._charset = name

    def all(self) -> Query:
        """All keys up to the end: each of them must hold."""
        return ask.And(tuple(self._several(0, b"")))

    def _several(self, depth: int, end: bytes) -> list[Query]:
        found = [self._key(depth)]
        while not self._reader.done and not (end and self._reader.peek(end)):
            self._reader.space()
            if self._reader.done or (end and self._reader.peek(end)):
                break
            found.append(self._key(depth))
        return found

    def _key(self, depth: int) -> Query:
        self._count += 1
        if depth > DEPTH_MAX or self._count > KEYS_MAX:
            raise Bad("the search is too complicated")
        reader = self._reader
        if reader.take(b"("):
            found = self._several(depth + 1, b")")
            reader.need(b")")
            return ask.And(tuple(found))
        if reader.peek(b"*") or reader.peek(b"$") or reader.peek_digit():
            return self._uids(uid=False)
        return self._named(reader.word(), depth)

    def _named(self, name: str, depth: int) -> Query:
        if name in _FLAGS:
            return ask.Flag(_FLAGS[name])
        if name.startswith("UN") and name[2:] in _FLAGS:
            return ask.Flag(_FLAGS[name[2:]], False)
        match name:
            case "ALL":
                return ask.All()
            case "RECENT" | "OLD" | "NEW":  # RFC 3501 §6.4.4
                recent = ask.Uids(tuple((low, high - 1) for low, high in self._view.recent))
                if name == "OLD":
                    return ask.Not(recent)
                return recent if name == "RECENT" else ask.And((recent, ask.Flag(flags.SEEN, False)))
            case "SAVEDATESUPPORTED":
                return ask.All()
        self._reader.space()
        match name:
            case "NOT":
                return ask.Not(self._key(depth + 1))
            case "OR":
                first = self._key(depth + 1)
                self._reader.space()
                return ask.Or((first, self._key(depth + 1)))
            case "FUZZY":
                return ask.Fuzzy(self._key(depth + 1))
            case "UID":
                return self._uids(uid=True)
            case "KEYWORD" | "UNKEYWORD":
                return ask.Flag(self._reader.flag(), name == "KEYWORD")
            case "FROM" | "TO" | "CC" | "BCC":
                return ask.Address(name.lower(), self._text())  # type: ignore[arg-type]
            case "SUBJECT":
                return ask.Subject(self._text())
            case "BODY":
                return ask.Body(self._text())
            case "TEXT":
                return ask.Text(self._text())
            case "HEADER":
                field = self._text()
                self._reader.space()
                return ask.Header(field, self._text())
            case "LARGER":
                return ask.Larger(self._reader.number())
            case "SMALLER":
                return ask.Smaller(self._reader.number())
            case "MODSEQ":
                return self._modseq()
            case "EMAILID":
                return ask.EmailId(self._text())
            case "THREADID":
                return ask.ThreadId(self._text())
            case "OLDER":
                return ask.Internal(before=int(time.time()) - self._interval() + 1)
            case "YOUNGER":
                return ask.Internal(since=int(time.time()) - self._interval())
        return self._dated(name)

    def _dated(self, name: str) -> Query:
        """By whole days, in UTC as INTERNALDATE is told."""
        for start, kind in (("SENT", ask.Sent), ("SAVED", ask.Saved), ("", ask.Internal)):
            word = name.removeprefix(start)
            if word in ("BEFORE", "ON", "SINCE") and name == start + word:
                day = _seconds(self._reader.date())
                if word == "BEFORE":
                    return kind(before=day)
                return kind(since=day, before=None if word == "SINCE" else day + _DAY_S)
        raise Bad(f"there is no search key {name}")

    def _text(self) -> str:
        try:
            return self._reader.astring().decode(self._charset)
        except (UnicodeDecodeError, LookupError):
            raise Bad("the text is not of that character set") from None

    def _interval(self) -> int:
        found = self._reader.number()
        if not found:
            raise Bad("an interval has at least one second")
        return found

    def _uids(self, *, uid: bool) -> Query:
        given = self._reader.set()
        self._reader.numbered |= not uid and not given.saved
        chosen = self._view.chosen(given, uid=uid, sought=True)
        spans: list[tuple[int, int]] = []
        for _, state in chosen:
            if spans and spans[-1][1] == state.uid - 1:
                spans[-1] = (spans[-1][0], state.uid)
            else:
                spans.append((state.uid, state.uid))
        if uid and any((low == STAR) != (high == STAR) for low, high in given.spans):
            # What comes later is in "7:*" too, where the results are kept up to date (RFC 5267 §4.3).
            spans.append((self._view.states.last + 1, _UID_MAX))
        return ask.Uids(tuple(spans))

    def _modseq(self) -> Query:
        """`MODSEQ ["/flags/name" all] number`: one number is kept for all metadata of a message."""
        if self._reader.peek(b'"'):
            self._reader.string()
            self._reader.space()
            self._reader.word()
            self._reader.space()
        self.modseq = True
        return ask.ModSeq(self._reader.number())


def _seconds(day: date) -> int:
    return calendar.timegm(day.timetuple())
