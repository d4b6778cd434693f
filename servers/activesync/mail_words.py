"""What a device writes into the field of a search, as a query ([MS-ASCMD] §2.2.3.80.1, §2.2.3.80.2; [MS-KQL]; MSG-46).

Words, "phrases", `from:` and other properties, AND, OR, NOT, `-word` and parentheses. People write it: nothing is an
error, and what is no property, or no value of one, is sought as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Final

from servers.activesync.classes import mail_categories
from storage.mail import query as ask
from storage.mail.flags import FLAGGED, SEEN
from storage.mail.query import Query

TEXT_MAX: Final = 500
WORDS_MAX: Final = 20
_NAMES: Final = (
    "from|to|cc|bcc|participants|subject|body|category|received|date|sent|size|importance|kind"
    "|hasattachments?|isread|read|isflagged|flagged"
)
_PROPERTY: Final = rf"(?P<name>{_NAMES})\s*(?P<how>:?(?:<=|>=|<>|<|>|=)|:)\s*"
_TOKEN: Final = re.compile(
    rf'\s*(?:(?P<mark>[()])|(?P<not>-(?=[\w"]))?(?:{_PROPERTY})?(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s()"]+)))',
    re.IGNORECASE,
)
_SIZE: Final = re.compile(r"(\d{1,12})(b|kb|mb|gb)?", re.IGNORECASE)
_UNITS: Final = {"": 1, "b": 1, "kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30}
_DAY: Final = re.compile(r"(?:(\d{4})-(\d{1,2})-(\d{1,2})|(\d{1,2})/(\d{1,2})/(\d{4}))(?:T\S*)?", re.IGNORECASE)
_TRUTH: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_DEPTH_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class Clock:
    """What days are counted by."""

    now: float
    zone: tzinfo

    def start(self, day: date) -> int:
        """When a day begins, in seconds."""
        return int(datetime.combine(day, time.min, self.zone).timestamp())

    @property
    def today(self) -> date:
        return datetime.fromtimestamp(self.now, self.zone).date()


def read(text: str, clock: Clock) -> Query:
    """The query of a text; what lies beyond its limits is not looked at."""
    return _Reader(text[:TEXT_MAX], clock).all()


class _Reader:
    def __init__(self, text: str, clock: Clock) -> None:
        self._tokens: Final = list(_TOKEN.finditer(text))
        self._clock: Final = clock
        self._at = 0
        self._words = self._depth = 0

    def all(self) -> Query:
        """Everything; a parenthesis that closes nothing is passed over."""
        found: list[Query] = []
        while self._at < len(self._tokens):
            found.append(self._either())
            self._at += 1
        return _of(ask.And, [one for one in found if one != ask.All()])

    def _either(self) -> Query:
        """[MS-KQL] §2.1.3: AND binds closer."""
        found = [self._both()]
        while self._operator() == "OR":
            self._at += 1
            found.append(self._both())
        return _of(ask.Or, [one for one in found if one != ask.All()])

    def _both(self) -> Query:
        found: list[Query] = []
        while self._at < len(self._tokens) and self._mark() != ")" and self._operator() != "OR":
            if self._operator() == "AND":
                self._at += 1
            else:
                found.append(self._one())
        return _of(ask.And, [one for one in found if one != ask.All()])

    def _one(self) -> Query:
        if self._operator() == "NOT":
            self._at += 1
            return _not(self._one()) if self._at < len(self._tokens) and self._mark() != ")" else ask.All()
        token = self._tokens[self._at]
        self._at += 1
        if token["mark"]:
            return self._grouped()
        self._words += 1
        if self._words > WORDS_MAX:
            return ask.All()
        term = _term(token, self._clock)
        return _not(term) if token["not"] else term

    def _grouped(self) -> Query:
        if self._depth == _DEPTH_MAX:
            return ask.All()
        self._depth += 1
        found = self._either()
        self._depth -= 1
        self._at += 1
        return found

    def _mark(self) -> str | None:
        return self._tokens[self._at]["mark"]

    def _operator(self) -> str | None:
        """AND, OR, NOT, which are written in capitals ([MS-KQL] §2.1.3)."""
        if self._at >= len(self._tokens):
            return None
        token = self._tokens[self._at]
        return token["word"] if token["word"] in ("AND", "OR", "NOT") and not token["name"] else None


def _of(kind: Callable[[tuple[Query, ...]], Query], terms: list[Query]) -> Query:
    return ask.All() if not terms else terms[0] if len(terms) == 1 else kind(tuple(terms))


def _not(term: Query) -> Query:
    return term if term == ask.All() else ask.Not(term)


def _term(token: re.Match[str], clock: Clock) -> Query:
    text = token["phrase"] if token["phrase"] is not None else token["word"].rstrip("*")
    name, how = (token["name"] or "").lower(), (token["how"] or "").lstrip(":") or "="
    if not text:
        return ask.All()
    found = _property(name, "=" if how == "<>" else how, text, clock) if name else ask.Text(text)
    if found is None:
        return ask.Text(token[0].strip())
    return ask.Not(found) if how == "<>" else found


def _property(name: str, how: str, text: str, clock: Clock) -> Query | None:
    """None if it has no such value."""
    if name in _DATES:
        return _dated(_DATES[name], how, text.lower(), clock)
    if name == "size":
        return _sized(how, text)
    if name in _CHOICES:
        truth = _TRUTH.get(text.lower())
        return None if truth is None else _CHOICES[name](truth)
    return _TEXTS[name](text)


def _important(text: str) -> Query:
    high = ask.Or((ask.Header("importance", "high"), ask.Header("x-priority", "1"), ask.Header("x-priority", "2")))
    low = ask.Or((ask.Header("importance", "low"), ask.Header("x-priority", "5")))
    return {"high": high, "low": low}.get(text.lower(), ask.Not(ask.Or((high, low))))


_TEXTS: Final[Mapping[str, Callable[[str], Query]]] = {
    "from": lambda text: ask.Address("from", text),
    "to": lambda text: ask.Address("to", text),
    "cc": lambda text: ask.Address("cc", text),
    "bcc": lambda text: ask.Address("bcc", text),
    "participants": lambda text: ask.Or(
        (ask.Address("from", text), ask.Address("to", text), ask.Address("cc", text), ask.Address("bcc", text))
    ),
    "subject": ask.Subject,
    "body": ask.Body,
    "category": lambda text: ask.Or(tuple(ask.Flag(word) for word in mail_categories.keywords_of(text))),
    "importance": _important,
    "kind": lambda text: ask.All() if text.lower() in ("email", "mail", "message") else ask.Not(ask.All()),
}
_CHOICES: Final[Mapping[str, Callable[[bool], Query]]] = {
    "hasattachment": ask.Attachments,
    "hasattachments": ask.Attachments,
    "isread": lambda truth: ask.Flag(SEEN, truth),
    "read": lambda truth: ask.Flag(SEEN, truth),
    "isflagged": lambda truth: ask.Flag(FLAGGED, truth),
    "flagged": lambda truth: ask.Flag(FLAGGED, truth),
}


def _sized(how: str, text: str) -> Query | None:
    first, dots, last = text.partition("..")
    least, most = _octets(first), _octets(last if dots else first)
    if least is None or most is None:
        return None
    terms = {
        "=": (ask.Larger(least - 1), ask.Smaller(most + 1)),
        ">": (ask.Larger(least),), ">=": (ask.Larger(least - 1),),
        "<": (ask.Smaller(most),), "<=": (ask.Smaller(most + 1),),
    }[how]  # fmt: skip
    return _of(ask.And, list(terms))


def _octets(text: str) -> int | None:
    found = _SIZE.fullmatch(text)
    return None if found is None else int(found[1]) * _UNITS[(found[2] or "").lower()]


_DATES: Final[Mapping[str, Callable[[int | None, int | None], Query]]] = {
    "received": ask.Internal, "date": ask.Internal, "sent": ask.Sent,
}  # fmt: skip


def _dated(kind: Callable[[int | None, int | None], Query], how: str, text: str, clock: Clock) -> Query | None:
    """A day, or from one to another; weeks begin on Monday."""
    begin, dots, last = text.partition("..")
    first, until = _span(begin, clock), _span(last if dots else begin, clock)
    if first is None or until is None:
        return None
    if kind is ask.Sent:  # by the day that is written there, whatever its zone
        since, before = _midnight(first[0]), _midnight(until[1])
    else:
        since, before = clock.start(first[0]), clock.start(until[1])
    return kind(*{
        "=": (since, before), ">": (before, None), ">=": (since, None), "<": (None, since), "<=": (None, before),
    }[how])  # fmt: skip


def _midnight(day: date) -> int:
    return (day - date(1970, 1, 1)).days * 86_400


def _span(text: str, clock: Clock) -> tuple[date, date] | None:
    """The first day that a text means, and the first that it does not; None if it means none."""
    today = clock.today
    if text in _RELATIVE:
        return _RELATIVE[text](today)
    found = _DAY.fullmatch(text)
    if found is None:
        return None
    year, month, day = (int(one) for one in (found.group(1, 2, 3) if found[1] else found.group(6, 4, 5)))
    try:
        first = date(year, month, day)
        return first, first + timedelta(days=1)
    except (ValueError, OverflowError):
        return None


def _days(first: date, count: int) -> tuple[date, date]:
    return first, first + timedelta(days=count)


def _week(today: date, back: int) -> tuple[date, date]:
    return _days(today - timedelta(days=today.weekday() + 7 * back), 7)


def _month(today: date, back: int) -> tuple[date, date]:
    first = today.replace(day=1)
    for _ in range(back):
        first = (first - timedelta(days=1)).replace(day=1)
    return first, (first + timedelta(days=32)).replace(day=1)


def _year(today: date, back: int) -> tuple[date, date]:
    return date(today.year - back, 1, 1), date(today.year - back + 1, 1, 1)


_RELATIVE: Final[Mapping[str, Callable[[date], tuple[date, date]]]] = {
    "today": lambda today: _days(today, 1),
    "yesterday": lambda today: _days(today - timedelta(days=1), 1),
    "this week": lambda today: _week(today, 0),
    "last week": lambda today: _week(today, 1),
    "this month": lambda today: _month(today, 0),
    "last month": lambda today: _month(today, 1),
    "this year": lambda today: _year(today, 0),
    "last year": lambda today: _year(today, 1),
}
