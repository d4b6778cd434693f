"""Atom 1.0 (RFC 4287)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from servers.feeds.feed import Entry, Feed
from servers.feeds.xmltext import as_html, element, empty, text

MEDIA_TYPE: Final = "application/atom+xml; charset=utf-8"
_HEAD: Final = '<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">\n'


def render(feed: Feed) -> bytes:
    """The whole document."""
    return "".join(_document(feed)).encode()


def _document(feed: Feed) -> Iterator[str]:
    yield _HEAD
    yield element("id", feed.id)
    yield element("title", feed.title)
    yield element("subtitle", feed.subtitle)
    yield element("updated", _date(feed.updated))
    yield empty("link", rel="self", href=feed.url, type="application/atom+xml")  # §4.1.1 SHOULD
    yield empty("link", rel="alternate", href=feed.home)
    yield _author(feed.author or "Escritoire")  # §4.1.1: here, or in every entry
    yield element("generator", "Escritoire")
    for entry in feed.entries:
        yield from _entry(entry)
    yield "</feed>\n"


def _entry(entry: Entry) -> Iterator[str]:
    yield "<entry>\n"
    yield element("id", entry.id)
    yield element("title", entry.title or "»")  # §4.1.2: there must be one
    yield element("updated", _date(entry.updated))
    if entry.published is not None:
        yield element("published", _date(entry.published))
    if entry.author:
        yield _author(entry.author)
    if entry.link:
        yield empty("link", rel="alternate", href=entry.link)
    if entry.enclosure is not None:
        file = entry.enclosure
        yield empty("link", rel="enclosure", href=file.url, length=str(file.octets), type=file.media_type)
    yield from (empty("category", term=category) for category in entry.categories)
    # §4.1.2: content, or an alternate link; an empty one is content too.
    yield f'<content type="html">{text(entry.html or as_html(entry.text))}</content>\n'
    yield "</entry>\n"


def _author(name: str) -> str:
    return f"<author>{element('name', name)}</author>\n"


def _date(seconds: float) -> str:
    """RFC 3339, as §3.3 wants it."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
