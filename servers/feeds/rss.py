"""RSS 2.0 (the RSS Advisory Board's 2.0.11), with Atom's self link, Dublin Core's creator, and events."""

from __future__ import annotations

from collections.abc import Iterator
from email.utils import formatdate
from typing import Final

from servers.feeds.feed import Entry, Feed
from servers.feeds.xmltext import as_html, element, empty

MEDIA_TYPE: Final = "application/rss+xml; charset=utf-8"
_HEAD: Final = (
    '<?xml version="1.0" encoding="utf-8"?>\n'
    '<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    ' xmlns:ev="http://purl.org/rss/1.0/modules/event/"{podcast}>\n<channel>\n'
)
_ITUNES: Final = ' xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"'


def render(feed: Feed) -> bytes:
    """The whole document."""
    return "".join(_document(feed)).encode()


def _document(feed: Feed) -> Iterator[str]:
    yield _HEAD.format(podcast=_ITUNES if feed.podcast else "")
    yield element("title", feed.title)
    yield element("link", feed.home)
    yield element("description", feed.subtitle or feed.title)  # required, as are title and link
    yield empty("atom:link", href=feed.url, rel="self", type="application/rss+xml")
    yield element("lastBuildDate", _date(feed.updated))
    yield element("generator", "Escritoire")
    yield element("ttl", str(feed.minutes))
    if feed.podcast:
        yield element("itunes:author", feed.author)
        yield element("itunes:summary", feed.subtitle or feed.title)
    for entry in feed.entries:
        yield from _item(entry, feed)
    yield "</channel>\n</rss>\n"


def _item(entry: Entry, feed: Feed) -> Iterator[str]:
    yield "<item>\n"
    yield element("title", entry.title)
    yield element("link", entry.link)
    yield element("guid", entry.id, isPermaLink="false")
    yield element("pubDate", _date(entry.updated if entry.published is None else entry.published))
    yield element("description", entry.html or as_html(entry.text))  # readers take it for HTML
    yield element("dc:creator", entry.author)  # `author` would have to be a mail address
    yield from (element("category", category) for category in entry.categories)
    if entry.enclosure is not None:
        file = entry.enclosure
        yield empty("enclosure", url=file.url, length=str(file.octets), type=file.media_type)
    yield element("ev:startdate", entry.starts)
    yield element("ev:enddate", entry.ends)
    yield element("ev:location", entry.place)
    if feed.podcast:
        yield element("itunes:author", entry.author or feed.author)
        yield element("itunes:summary", entry.text)
    yield "</item>\n"


def _date(seconds: float) -> str:
    """RFC 822 with a year of four digits."""
    return formatdate(int(seconds), usegmt=True)
