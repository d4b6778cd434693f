"""The desk's own words in feeds and pages are in the reader's language, at once (ACC-03)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from servers import feeds
from servers.feeds import words
from storage import preferences, principals
from storage.store import Store
from tests.dav.desk import Client
from tests.feeds import desk, disk
from tests.feeds.test_events import HOUR, MIDDAY


def speak(store: Store, login: str, language: str) -> None:
    with store.write(desk.actor(store, login)) as tx:
        preferences.set_language(tx, principals.me(tx), language)


def test_titles_of_feeds(store: Store, alice: Client, bob: Client) -> None:
    """ACC-03: effective for the next feed, whose validator changes; co-members read in their own language."""
    desk.put(store, "alice", "a.ics", desk.event("a", MIDDAY, MIDDAY + HOUR, "Tea", "LOCATION:Room {5}\r\n"))
    paths = {
        "/feeds/alice/private/events/today.rss": ("Alice: today", "Alice: aujourd'hui", "Alice: heute", "Alice: vandaag"),
        "/feeds/alice/private/docs/index.atom": (
            "Alice: Documents",
            "Alice: Documents",
            "Alice: Dokumente",
            "Alice: Documenten",
        ),
        "/feeds/alice/changes.rss": (
            "Alice: recent changes",
            "Alice: changements récents",
            "Alice: letzte Änderungen",
            "Alice: recente wijzigingen",
        ),
        "/feeds/alice/reminders.rss": (
            "Alice: reminders",
            "Alice: rappels",
            "Alice: Erinnerungen",
            "Alice: herinneringen",
        ),
        "/feeds/alice/infos.rss": ("Alice: infos", "Alice: infos", "Alice: Mitteilungen", "Alice: mededelingen"),
    }
    for path, titles in paths.items():
        tags = set()
        for language, title in zip(("en", "fr-BE", "de", "nl"), titles, strict=True):
            speak(store, "alice", language)
            answer = alice.request("GET", path)
            assert desk.read(answer).feed.title == title
            tags.add(answer.headers["etag"])
        assert len(tags) == 4
    speak(store, "alice", "fr")
    (mine,) = desk.read(alice.request("GET", "/feeds/alice/private/events/today.rss")).entries
    assert "Lieu : Room {5}" in mine.summary
    (his,) = desk.read(bob.request("GET", "/feeds/alice/private/events/today.rss")).entries
    assert his.title.endswith(" Busy")
    speak(store, "bob", "es")
    (his,) = desk.read(bob.request("GET", "/feeds/alice/private/events/today.rss")).entries
    assert his.title.endswith(" Busy")


def test_pages_of_the_wiki(store: Store, alice: Client) -> None:
    """WIKI-06, WIKI-09."""
    disk.write(store, "alice", "wiki/index.html", b"<p>x")
    before = alice.request("GET", "/wiki/alice/private/index")
    assert ">Home</a>" in before.text
    speak(store, "alice", "de")
    after = alice.request("GET", "/wiki/alice/private/index", if_none_match=before.headers["etag"])
    assert after.status == 200
    assert ">Startseite</a>" in after.text
    missing = alice.request("GET", "/wiki/alice/private/{New}")
    assert "Eine Seite {New} gibt es nicht." in missing.text
    assert "als <a href" in missing.text


@pytest.mark.parametrize("text", sorted(words._WORDS))
def test_every_text_keeps_its_places(text: str) -> None:
    """What is put into a text is put into each translation of it."""
    places = text.count("{}")
    for language in ("en", "fr", "de", "nl", "es"):
        said = words.say(language, text, *(f"<{number}>" for number in range(places)))
        assert re.findall(r"<\d>", said) == [f"<{number}>" for number in range(places)]


def test_whatever_is_said_is_known() -> None:
    """A text without its translations would be an error for those who read another language."""
    assert feeds.__file__ is not None
    for source in Path(feeds.__file__).parent.glob("*.py"):
        for text in re.findall(r'\bsay\(\s*["\']([^"\']+)["\']', source.read_text()):
            assert text in words._WORDS, (source.name, text)
