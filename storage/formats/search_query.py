"""What is searched for in documents, from a form or a typed line, as one neutral expression (DOC-35, DOC-36).

The typed language: words and "phrases", `field:word`, `size>1M`, `date>=2024-01-01`, AND OR NOT, parentheses,
and `*` for any letters, but not at the beginning of a word. Words that stand beside each other must all be found.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from enum import Enum
from typing import Final

from storage.errors import BadFormat

MOST_CHARACTERS: Final = 4_000
MOST_TERMS: Final = 100
MOST_LEVELS: Final = 32


class Field(Enum):
    """What a term looks at; the value is its name in the typed language."""

    ANY = "any"
    """Name, content, description and author's name."""
    NAME = "name"
    CONTENT = "content"
    DESCRIPTION = "description"
    AUTHOR = "author"
    EXT = "ext"
    SIZE = "size"
    DATE = "date"


@dataclass(frozen=True, slots=True)
class Words:
    """Words that follow each other, as they were typed."""

    field: Field
    words: tuple[str, ...]
    prefix: bool = False
    """The last one is the beginning of a word."""

    @property
    def pieces(self) -> tuple[str, ...]:
        """Of a single word with `*` in it what stands between these, folded; nothing of other words."""
        only = self.words[0] if len(self.words) == 1 else ""
        return tuple(fold(piece) for piece in only.split("*")) if "*" in only else ()


@dataclass(frozen=True, slots=True)
class Between:
    """`low` <= size or date < `high`; in octets, or seconds since the epoch. None is without end."""

    field: Field
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Extension:
    """The name ends in a dot and this, without case."""

    value: str


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Expression


Expression = Words | Between | Extension | And | Or | Not

_WORD: Final = re.compile(r"[^\W_]+")
_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<bracket>[()])|(?P<field>[A-Za-z]+)(?P<op>:|[<>]=?|=)|(?P<phrase>"[^"]*"\*?)|(?P<word>[^\s()"]+))"""
)
_CHUNK: Final = re.compile(r"[^\W_]+(?:\*+[^\W_]+)*\**")
_LEADING: Final = re.compile(r"(?<![^\W_])(?<!\*)\*")
_PIECE: Final = re.compile(r"""\"(?P<quoted>[^"]*)"(?P<star>\*?)|(?P<plain>[^\s"]+)""")
_OPERATORS: Final = frozenset({"AND", "OR", "NOT"})
_UNITS: Final = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_SIZE: Final = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)\s*([KMGT]?)(?:i?B)?\Z", re.IGNORECASE)
_DATE: Final = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?\Z")


def fold(text: str) -> str:
    """Without case and without accents, so that they do not count in a comparison."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(one for one in apart if not unicodedata.combining(one))


def words_of(text: str) -> list[str]:
    """The words of a text, folded; `_` separates."""
    if text.isascii():
        return _WORD.findall(text.lower())
    return [fold(one) for one in _WORD.findall(unicodedata.normalize("NFC", text))]


def is_like(word: str, pieces: Sequence[str]) -> bool:
    """Whether a folded word consists of these pieces with anything between them, in one pass over it."""
    first, *middle, last = pieces
    if len(word) < len(first) + len(last) or not word.startswith(first) or not word.endswith(last):
        return False
    at, end = len(first), len(word) - len(last)
    for piece in middle:
        at = word.find(piece, at, end)
        if at < 0:
            return False
        at += len(piece)
    return True


def simple(criteria: Sequence[tuple[Field, str]], *, every: bool = True, zone: tzinfo = UTC) -> Expression:
    """The expression of a form: all criteria must hold, or with `every` off at least one (DOC-35).

    Raises:
        BadFormat: there is none, or a term begins with `*`, or cannot be of its field.
    """
    if sum(len(text) for _, text in criteria) > MOST_CHARACTERS or len(criteria) > MOST_TERMS:
        raise BadFormat("the search is too long")
    parts = tuple(_criterion(field, text, zone) for field, text in criteria if text.strip())
    if not parts:
        raise BadFormat("say what to search for")
    return _joined(parts, every)


def advanced(text: str, *, zone: tzinfo = UTC) -> Expression:
    """The expression of a typed line (DOC-36); days are those of `zone`.

    Raises:
        BadFormat: it cannot be read; the reason is for whoever typed it.
    """
    if len(text) > MOST_CHARACTERS:
        raise BadFormat("the search is too long")
    return _Parser(text, zone).whole()


def terms(expression: Expression) -> Iterator[Words]:
    """All words that documents are to have; those behind a NOT are left out."""
    if isinstance(expression, Words):
        yield expression
    elif isinstance(expression, And | Or):
        for part in expression.parts:
            yield from terms(part)


class _Parser:
    """Recursive descent over the tokens; its depth is bounded."""

    def __init__(self, text: str, zone: tzinfo) -> None:
        self._tokens: Final = list(_tokens(text))
        self._zone: Final = zone
        self._at = 0
        self._terms = 0

    def whole(self) -> Expression:
        if not self._tokens:
            raise BadFormat("say what to search for")
        found = self._either(0)
        if self._at < len(self._tokens):
            raise BadFormat("there is a ) without its (")
        return found

    def _either(self, level: int) -> Expression:
        if level > MOST_LEVELS:
            raise BadFormat("the search has too many parentheses")
        parts = [self._all(level)]
        while self._takes("OR"):
            parts.append(self._all(level))
        return _joined(tuple(parts), every=False)

    def _all(self, level: int) -> Expression:
        parts = [self._one(level)]
        while True:
            goes_on = self._at < len(self._tokens) and self._word() not in {"OR", ")"}
            if not self._takes("AND") and not goes_on:
                return _joined(tuple(parts), every=True)
            parts.append(self._one(level))

    def _one(self, level: int) -> Expression:
        if level > MOST_LEVELS:
            raise BadFormat("the search has too many parentheses")
        if self._at >= len(self._tokens):
            raise BadFormat("something is missing at the end")
        if self._takes("NOT"):
            return Not(self._one(level + 1))
        if self._takes("("):
            inner = self._either(level + 1)
            if not self._takes(")"):
                raise BadFormat("there is a ( without its )")
            return inner
        if self._word() in {"AND", "OR", ")"}:
            raise BadFormat(f"something is missing before {self._word()}")
        return self._term()

    def _term(self) -> Expression:
        self._terms += 1
        if self._terms > MOST_TERMS:
            raise BadFormat("the search has too many terms")
        token = self._next()
        if token["field"] is None:
            return _criterion(Field.ANY, token["phrase"] or token["word"] or "", self._zone)
        field, op = _field(token["field"]), token["op"] or ":"
        if self._at >= len(self._tokens) or self._tokens[self._at]["bracket"] or self._tokens[self._at]["field"]:
            raise BadFormat(f"what shall {token['field']}{op} be?")
        value = self._next()
        text = value["phrase"] or value["word"] or ""
        if field in (Field.SIZE, Field.DATE):
            return _compared(field, op, text.strip('"'), self._zone)
        if op not in {":", "="}:
            raise BadFormat(f"{field.value} cannot be compared with {op}")
        return _criterion(field, text, self._zone)

    def _word(self) -> str:
        token = self._tokens[self._at]
        return token["bracket"] or (token["word"] if token["word"] in _OPERATORS else "") or ""

    def _takes(self, word: str) -> bool:
        if self._at < len(self._tokens) and self._word() == word:
            self._at += 1
            return True
        return False

    def _next(self) -> dict[str, str | None]:
        self._at += 1
        return self._tokens[self._at - 1]


def _tokens(text: str) -> Iterator[dict[str, str | None]]:
    at, end, valued = 0, len(text.rstrip()), False
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None:
            raise BadFormat('there is a " without its "')
        at = found.end()
        sign = found["word"] is not None and not _WORD.search(found["word"]) and "*" not in found["word"]
        if sign and not valued:
            continue  # an & or a dash between words
        valued = found["field"] is not None
        yield found.groupdict()


def _joined(parts: tuple[Expression, ...], every: bool) -> Expression:
    if len(parts) == 1:
        return parts[0]
    return And(parts) if every else Or(parts)


def _field(name: str) -> Field:
    try:
        return Field(name.lower())
    except ValueError:
        known = ", ".join(one.value for one in Field)
        raise BadFormat(f"there is no field {name}; there are {known}") from None


def _criterion(field: Field, text: str, zone: tzinfo) -> Expression:
    if field in (Field.SIZE, Field.DATE):
        found = re.match(r"\s*([<>]=?|=|:)?\s*(.*)", text, re.DOTALL)
        assert found is not None  # each part may be empty
        return _compared(field, found[1] or "=", found[2].strip(), zone)
    if field is Field.EXT:
        extension = unicodedata.normalize("NFC", text.strip().strip('"').removeprefix(".")).lower()
        if not extension or "*" in extension:
            raise BadFormat("ext: is what stands behind a name's last dot, such as ext:pdf")
        return Extension(extension)
    parts = tuple(_phrase(field, *piece) for piece in _pieces(text))
    if not parts:
        raise BadFormat(f"there is no word in {text.strip()[:40]!r}")
    return _joined(parts, every=True)


def _pieces(text: str) -> Iterator[tuple[str, bool]]:
    """What is between quotes as a whole, the rest word by word; with True if a `*` ends it.

    Raises:
        BadFormat: a `*` stands at the beginning of a word (DOC-35), or between the words of a phrase.
    """
    for found in _PIECE.finditer(unicodedata.normalize("NFC", text)):
        quoted, star, plain = found["quoted"], found["star"], found["plain"]
        piece = plain if quoted is None else quoted + (star or "")
        whole = piece.rstrip("*")
        if piece.startswith("*"):
            raise BadFormat("a * cannot stand at the beginning of a word")
        if "*" in whole:
            if quoted is not None:
                raise BadFormat("between quotes a * stands at the end only")
            if _LEADING.search(piece):
                raise BadFormat("a * cannot stand at the beginning of a word")
            for chunk in _CHUNK.findall(piece):
                stem = chunk.rstrip("*")
                yield (chunk, False) if "*" in stem else (stem, stem != chunk)
            continue
        if _WORD.search(whole):
            yield whole, whole != piece and bool(_WORD.search(whole[-1]))


def _phrase(field: Field, text: str, prefix: bool) -> Words:
    if "*" in text:
        return Words(field, (text,))
    return Words(field, tuple(_WORD.findall(text)), prefix)


def _compared(field: Field, op: str, text: str, zone: tzinfo) -> Between:
    low, high = _size(text) if field is Field.SIZE else _day(text, zone)
    if op == "<":
        return Between(field, None, low)
    if op == "<=":
        return Between(field, None, high)
    if op == ">":
        return Between(field, high, None)
    if op == ">=":
        return Between(field, low, None)
    return Between(field, low, high)


def _size(text: str) -> tuple[float, float]:
    found = _SIZE.match(text)
    if found is None:
        raise BadFormat("a size is a number of octets, or with K, M, G: size>1M")
    octets = float(int(float(found[1]) * _UNITS[found[2].upper()]))
    return octets, octets + 1


def _day(text: str, zone: tzinfo) -> tuple[float, float]:
    """The seconds in which a day, a month or a year begins and ends."""
    found = _DATE.match(text)
    try:
        if found is None:
            raise ValueError(text)
        year, month, day = int(found[1]), int(found[2] or 1), int(found[3] or 1)
        first = date(year, month, day)
        if found[3]:
            after = first + timedelta(days=1)
        elif found[2]:
            after = date(year + month // 12, month % 12 + 1, 1)
        else:
            after = date(year + 1, 1, 1)
        return _midnight(first, zone), _midnight(after, zone)
    except (ValueError, OverflowError):
        raise BadFormat("a date is a day, a month or a year: date>=2024-01-31") from None


def _midnight(day: date, zone: tzinfo) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()
