"""Reading the parts of a command (RFC 9051 §9); whatever does not fit is `Bad`."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Final, NamedTuple, TypeVar

from servers.imap.errors import Bad
from storage.mail import utf7
from storage.mail.spans import Spans

_ATOM: Final = re.compile(rb"[^\x00-\x20\x7f-\xff(){%*\"\\\]]+")
_ASTRING: Final = re.compile(rb"[^\x00-\x20\x7f-\xff(){%*\"\\]+")
_LIST_MAILBOX: Final = re.compile(rb"[^\x00-\x20\x7f(){\"\\]+")
_QUOTED: Final = re.compile(rb'"((?:[^"\\\r\n\x00]|\\["\\])*)"')
_END: Final = re.compile(rb" *\Z")
_ESCAPED: Final = re.compile(rb"\\(.)")
_LITERAL: Final = re.compile(rb"~?\{(\d{1,20})\+?\}\r?\n")
_NUMBER: Final = re.compile(rb"\d{1,20}")
_SET: Final = re.compile(rb"(?:\$|(?:\d{1,10}|\*)(?::(?:\d{1,10}|\*))?)(?:,(?:\d{1,10}|\*)(?::(?:\d{1,10}|\*))?)*")
_FLAG: Final = re.compile(rb"\\?[^\x00-\x20\x7f-\xff(){%*\"\\\]]+|\\\*")
_DATE: Final = re.compile(rb'"?(\d{1,2})-([A-Za-z]{3})-(\d{4})"?')
_DATE_TIME: Final = re.compile(rb'"([ \d]?\d)-([A-Za-z]{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)"')
_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
STAR: Final = 0
"""`*` in a set: the largest number in use."""
_UID_MAX: Final = 2**32 - 1
_NUMBER_MAX: Final = 2**63 - 1
_T = TypeVar("_T")


class Set(NamedTuple):
    """A sequence set as written; ends may be `STAR`."""

    spans: tuple[tuple[int, int], ...]
    saved: bool = False
    """`$`: the result of the last search (RFC 5182)."""

    @property
    def uids(self) -> Spans:
        """Its uids, whether they are here or not: 7:3 is 3:7, and `*` is the highest that there may ever be."""
        ends = ((low or _UID_MAX, high or _UID_MAX) for low, high in self.spans)
        return Spans((min(pair), max(pair)) for pair in ends)


class Reader:
    """A command from left to right."""

    def __init__(self, data: bytes) -> None:
        self._data: Final = data
        self._at = 0
        self.utf8 = False
        """Mailbox names are UTF-8, not modified UTF-7 (RFC 9051 §5.1, RFC 6855)."""
        self.numbered = False
        """A search key was a set of message numbers."""

    @property
    def done(self) -> bool:
        """Nothing follows but the blanks that some clients leave at the end."""
        return _END.match(self._data, self._at) is not None

    def end(self) -> None:
        """Raises: Bad: there is more."""
        if not self.done:
            raise Bad("there is more than the command takes")

    @property
    def rest(self) -> bytes:
        """What follows."""
        return self._data[self._at :]

    @property
    def read(self) -> int:
        """How many octets were read."""
        return self._at

    def skip(self, count: int) -> None:
        """Pass over octets that were read in another way."""
        self._at += count

    def peek(self, start: bytes) -> bool:
        """Whether these octets come next, in any case."""
        return self._data[self._at : self._at + len(start)].upper() == start

    def peek_digit(self) -> bool:
        return self._data[self._at : self._at + 1].isdigit()

    def take(self, start: bytes) -> bool:
        """Pass over these octets if they come next."""
        if not self.peek(start):
            return False
        self._at += len(start)
        return True

    def need(self, start: bytes) -> None:
        """Raises: Bad: something else comes next."""
        if not self.take(start):
            raise Bad(f"{start.decode()!r} was expected at octet {self._at}")

    def space(self) -> None:
        """One blank, or the several that some clients send."""
        self.need(b" ")
        while self.take(b" "):
            pass

    def atom(self) -> str:
        return self.match(_ATOM, "an atom").decode("ascii")

    def word(self) -> str:
        """An atom in capitals."""
        return self.atom().upper()

    def number(self) -> int:
        found = int(self.match(_NUMBER, "a number"))
        if found > _NUMBER_MAX:
            raise Bad("the number is too large")
        return found

    def string(self) -> bytes:
        """A quoted string or a literal."""
        quoted = _QUOTED.match(self._data, self._at)
        if quoted is not None:
            self._at = quoted.end()
            if self.utf8:
                _check_utf8(quoted[1])
            return _ESCAPED.sub(rb"\1", quoted[1]) if b"\\" in quoted[1] else quoted[1]
        return self.literal()

    def literal(self) -> bytes:
        found = _LITERAL.match(self._data, self._at)
        if found is None:
            raise Bad(f"a string was expected at octet {self._at}")
        start = found.end()
        end = start + int(found[1])
        if end > len(self._data):
            raise Bad("the literal is cut off")
        self._at = end
        return self._data[start:end]

    def astring(self) -> bytes:
        found = _ASTRING.match(self._data, self._at)
        if found is None:
            return self.string()
        self._at = found.end()
        return found[0]

    def nstring(self) -> bytes | None:
        return None if self.take(b"NIL") else self.string()

    def text(self) -> str:
        """An astring as text."""
        return self.astring().decode("utf-8", "replace")

    def mailbox(self) -> str:
        return self._name(self.astring())

    def list_mailbox(self) -> str:
        """A name that may hold wildcards (RFC 9051 §9, list-mailbox)."""
        found = _LIST_MAILBOX.match(self._data, self._at)
        if found is None:
            return self._name(self.string())
        self._at = found.end()
        return self._name(found[0])

    def _name(self, octets: bytes) -> str:
        return octets.decode("utf-8", "replace") if self.utf8 else utf7.decode(octets)

    def set(self) -> Set:
        """A sequence set (RFC 9051 §9)."""
        written = self.match(_SET, "a set of numbers")
        if written == b"$":
            return Set((), True)
        if b"$" in written:
            raise Bad("$ stands alone")
        spans: list[tuple[int, int]] = []
        for part in written.split(b","):
            low, colon, high = part.partition(b":")
            first = _end(low)
            last = _end(high) if colon else first
            spans.append((first, last))
        return Set(tuple(spans))

    def flag(self) -> str:
        return self.match(_FLAG, "a flag").decode("ascii")

    def flags(self) -> list[str]:
        """A list of flags in parentheses."""
        return self.listed(self.flag)

    def listed(self, one: Callable[[], _T]) -> list[_T]:
        """Things in parentheses, separated by blanks."""
        self.need(b"(")
        while self.take(b" "):  # aioimaplib 2.0.3 sends `ID ( "name" "x" )`
            pass
        found: list[_T] = []
        while not self.take(b")"):
            if found:
                self.space()
                if self.take(b")"):
                    break
            found.append(one())
        return found

    def date(self) -> date:
        found = _DATE.match(self._data, self._at)
        if found is None:
            raise Bad("a date such as 1-Feb-1994 was expected")
        self._at = found.end()
        try:
            return date(int(found[3]), _MONTHS[found[2].decode().lower()], int(found[1]))
        except (KeyError, ValueError):
            raise Bad("there is no such date") from None

    def at_date_time(self) -> bool:
        return _DATE_TIME.match(self._data, self._at) is not None

    def date_time(self) -> float:
        """A date-time as seconds since the epoch."""
        found = _DATE_TIME.match(self._data, self._at)
        if found is None:
            raise Bad('a time such as "17-Jul-1996 02:44:25 -0700" was expected')
        self._at = found.end()
        try:
            zone = timedelta(hours=int(found[8]), minutes=int(found[9]))
            moment = datetime(
                int(found[3]),
                _MONTHS[found[2].decode().lower()],
                int(found[1]),
                int(found[4]),
                int(found[5]),
                59 if found[6] == b"60" else int(found[6]),  # a leap second: the clock here has none
                tzinfo=timezone(zone if found[7] == b"+" else -zone),
            )
            return moment.astimezone(UTC).timestamp()
        except (KeyError, ValueError, OverflowError):
            raise Bad("there is no such time") from None

    def match(self, pattern: re.Pattern[bytes], what: str) -> bytes:
        """Raises: Bad: something else comes next."""
        found = pattern.match(self._data, self._at)
        if found is None:
            raise Bad(f"{what} was expected at octet {self._at}")
        self._at = found.end()
        return found[0]

    def try_match(self, pattern: re.Pattern[bytes]) -> bytes | None:
        """The same, or None and nothing is passed over."""
        found = pattern.match(self._data, self._at)
        if found is None:
            return None
        self._at = found.end()
        return found[0]


def _check_utf8(octets: bytes) -> None:
    """Raises: Bad: it is no UTF-8 (RFC 6855 §3)."""
    try:
        octets.decode("utf-8")
    except UnicodeDecodeError:
        raise Bad("the string is not UTF-8") from None


def _end(text: bytes) -> int:
    if text == b"*":
        return STAR
    number = int(text)
    if not 0 < number < 2**32:
        raise Bad("numbers of messages begin with 1 and have 32 bits")
    return number
