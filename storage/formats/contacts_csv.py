"""Contacts as CSV, our own and Outlook's: read whatever delimiter and encoding, write both (CON-23, CON-24)."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from storage.errors import BadFormat
from storage.formats import contact_columns, numbered_columns
from storage.formats.flat_contact import PLACES, Row, card_of, clean, row_of
from storage.formats.vcard import Card

MAXIMUM_ROWS: Final = 100_000
_DELIMITERS: Final = ",;\t|"


@dataclass(frozen=True, slots=True)
class Header:
    """What the first line says."""

    delimiter: str
    language: str
    """Of Outlook's column names: en, de, fr; it decides how dates are read."""
    fields: tuple[str, ...]
    """The field of each column, "" for one that is not understood."""
    ignored: tuple[str, ...]
    """Names of the columns that are not understood."""
    names: tuple[str, ...]
    """All of them."""
    together: bool
    """Some say something only with others (numbered_columns.py)."""


def read(data: bytes, *, limit: int = MAXIMUM_ROWS) -> Iterator[Card | BadFormat]:
    """Give a card, or what is wrong with it and at which line, for each row; at most `limit` rows.

    Raises:
        BadFormat: no known column name in the first line, quotes that do not pair, or more rows than `limit`.
    """
    text = decoded(data)
    found = header(text)
    source, skipped = _source(text)
    rows = csv.reader(source, delimiter=found.delimiter, strict=True)
    line = skipped + 1
    count = 0
    try:
        for cells in rows:
            begin, line = line, skipped + rows.line_num + 1
            if begin == skipped + 1 or not any(cell.strip() for cell in cells):
                continue
            count += 1
            if count > limit:
                raise BadFormat(f"more than {limit} rows", begin)
            try:
                if any(cell.strip() for cell in cells[len(found.fields) :]):
                    raise BadFormat("more cells than the first line has columns")
                yield card_of(_row(found, cells))
            except BadFormat as error:
                yield BadFormat(error.reason, begin)
    except csv.Error as error:
        raise BadFormat(f"not CSV: {error}", skipped + rows.line_num) from None


def unknown(data: bytes) -> list[str]:
    """The names of the columns that hold something and are not understood, as far as the file can be read.

    Raises:
        BadFormat: as in `read`, of the first line.
    """
    text = decoded(data)
    found = header(text)
    left = {at for at, name in enumerate(found.names) if not found.fields[at] and name in found.ignored}
    told: set[int] = set()
    rows = csv.reader(_source(text)[0], delimiter=found.delimiter, strict=True)
    with suppress(csv.Error):
        next(rows)
        for cells in rows:
            new = {at for at in left if at < len(cells) and cells[at].strip()}
            told |= new
            left -= new
            if not left:
                break
    shown = ((at, " ".join(found.names[at].split())) for at in sorted(told))
    return [name if name and name.isprintable() else f"column {at + 1}" for at, name in shown]


def write(cards: Iterable[Card]) -> bytes:
    """Our own CSV: UTF-8, comma, CRLF (RFC 4180), one column per field; of each card three e-mails (CON-05)."""
    return _written(list(contact_columns.OWN.values()), _cells(cards, list(contact_columns.OWN), row_of)).encode()


def write_outlook(cards: Iterable[Card]) -> bytes:
    """Outlook's CSV with its English column names; Windows-1252, or UTF-8 with its mark where that cannot say it."""
    text = _written(list(contact_columns.OUTLOOK.values()), _cells(cards, list(contact_columns.OUTLOOK), _outlook_row))
    try:
        return text.encode("cp1252")
    except UnicodeEncodeError:
        return text.encode("utf-8-sig")


def header(text: str) -> Header:
    """Read the first line.

    Raises:
        BadFormat: it names no column that we know.
    """
    stated = re.match(r"sep=(.)\r?\n", text)  # Excel says so on a line before the names
    first = text[stated.end() if stated else 0 :].lstrip("\n\r").partition("\n")[0]
    delimiter = stated[1] if stated else _delimiter(first)
    if delimiter in '"\r\n':
        raise BadFormat("that is no delimiter", 1)
    source, skipped = _source(text)
    names: list[str] = []
    try:
        names = next(csv.reader(source, delimiter=delimiter, strict=True), names)
    except csv.Error as error:
        raise BadFormat(f"not CSV: {error}", skipped + 1) from None
    keys = [contact_columns.key(name) for name in names]
    together = numbered_columns.belongs(names)
    fields: list[str] = []
    for at, key in enumerate(keys):
        field = "" if at in together else contact_columns.FIELDS.get(key, "")
        if field in fields:
            # French Outlook has two columns `Titre`: salutation, then function.
            field = "function" if field == "prefix" and "function" not in fields else ""
        fields.append(field)
    if not any(fields) and not together:
        raise BadFormat("no known column name in the first line", skipped + 1)
    hits = {language: sum(key in table for key in keys) for language, table in contact_columns.LANGUAGES.items()}
    language = max(hits, key=lambda name: hits[name])
    columns = enumerate(zip(names, fields, strict=True))
    ignored = tuple(name for at, (name, field) in columns if not field and at not in together)
    return Header(delimiter, language, tuple(fields), ignored, tuple(names), bool(together))


def decoded(data: bytes) -> str:
    """Text of a file that a spreadsheet or Outlook wrote: UTF-16 or UTF-8 if it can be, else Windows-1252.

    Raises:
        BadFormat: NUL characters.
    """
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = data.decode("utf-16", "replace")
    elif data[1:2] == b"\0" and data[:1].isascii():
        text = data.decode("utf-16-le", "replace")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("cp1252", "replace")
    if "\0" in text:
        raise BadFormat("a NUL is not allowed here", text.count("\n", 0, text.index("\0")) + 1)
    return text


def _source(text: str) -> tuple[io.StringIO, int]:
    """The text from the column names on, and how many lines come before them."""
    body = re.sub(r"\Asep=.\r?\n", "", text).lstrip("\r\n")
    return io.StringIO(body, newline=""), text.count("\n", 0, len(text) - len(body))


def _delimiter(line: str) -> str:
    """The one that occurs most outside quotes in the first line."""
    bare = re.sub(r'"[^"]*"', "", line)
    return max(_DELIMITERS, key=bare.count)


def _row(found: Header, cells: list[str]) -> Row:
    row: Row = numbered_columns.row(found.names, cells) if found.together else {}
    more = row.pop("comment", "")
    for field, cell in zip(found.fields, cells, strict=False):
        if field and (value := clean(cell)):
            row[field] = value
    if more:
        row["comment"] = "\n".join(filter(None, (row.get("comment", ""), more)))
    for place in PLACES:
        street = [row.pop(f"{place}_street{more}", "") for more in ("", "_2", "_3")]
        if any(street):
            row[f"{place}_street"] = "\n".join(filter(None, street))
    for field in ("birthday", "anniversary"):
        if field in row:
            row[field] = _date(row[field], found.language)
    return row


_NUMBERS: Final = re.compile(r"(\d{1,4})[./ -](\d{1,2})[./ -](\d{1,4})(?:[ T].*)?")


def _date(text: str, language: str) -> str:
    """`1985-04-12`, of Outlook's date in its language's order; "" for Outlook's `0/0/00`; else the text."""
    if re.fullmatch(r"\d{8}", text):
        return f"{text[:4]}-{text[4:6]}-{text[6:]}"
    found = _NUMBERS.fullmatch(text)
    if found is None:
        return text
    first, second, third = (int(number) for number in found.groups())
    if first == second == 0:
        return ""
    if len(found[1]) == 4:
        year, month, day = first, second, third
    else:
        month, day, year = (first, second, third) if language == "en" else (second, first, third)
        if month > 12:
            month, day = day, month
        if len(found[3]) <= 2:
            year += 1900 if year > 30 else 2000
    return f"{year:04}-{month:02}-{day:02}" if 1 <= month <= 12 and 1 <= day <= 31 else text


def _outlook_row(card: Card) -> Row:
    row = row_of(card)
    if not any(row.get(field) for field in ("family", "given", "company")):
        row["given"] = row.get("fn", "")  # Outlook shows nothing else as a name
    for place in PLACES:
        lines = row.get(f"{place}_street", "").split("\n")
        if more := row.get(f"{place}_extended"):
            lines.append(more)
        lines += [""] * (3 - len(lines))
        row[f"{place}_street"], row[f"{place}_street_2"] = lines[:2]
        row[f"{place}_street_3"] = ", ".join(filter(None, lines[2:]))
    for field in ("birthday", "anniversary"):
        found = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)", row.get(field, ""))
        row[field] = f"{int(found[2])}/{int(found[3])}/{found[1]}" if found else ""
    return row


def _cells(cards: Iterable[Card], fields: list[str], flatten: Callable[[Card], Row]) -> Iterator[list[str]]:
    for card in cards:
        row = flatten(card)
        yield [row.get(field, "") for field in fields]


def _written(names: list[str], rows: Iterator[list[str]]) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(names)
    writer.writerows(rows)
    return out.getvalue()
