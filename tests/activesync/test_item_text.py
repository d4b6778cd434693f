"""Texts and categories of tasks and notes, whatever form a device wants them in ([MS-ASAIRS] §2.2.2.9, NOTE-02, EAS-01)."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from servers.activesync import html_text
from servers.activesync.classes import notes, tasks
from servers.activesync.classes.item_class import Context, ItemClass, Unconvertible
from servers.activesync.options import HTML, PLAIN, Options, Preference
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSync, AirSyncBase, Notes, Tasks
from storage import collections as tree
from storage import items, kinds
from storage.formats import icalendar
from storage.formats.contentline import escape_text, unescape_text
from storage.store import Store
from storage.types import Actor, SpaceKind
from tests.activesync.phone import Phone
from tests.activesync.test_tasks_and_notes import context, ics, swap

KINDS = st.sampled_from([PLAIN, HTML])
NAMES = {"Tasks": "VTODO", "Notes": "VJOURNAL"}


def wanting(kind: int) -> Context:
    return Context(Options(0, (Preference(kind, None, False, 0),)), 141, context().zone, context().now)


def stored(item_class: ItemClass, text: str, *more: str) -> bytes:
    return ics("SUMMARY: s ", f"DESCRIPTION:{escape_text(text)}", *more, component=NAMES[item_class.name])


def shown(item_class: ItemClass, body: bytes, kind: int = PLAIN) -> Element:
    return AirSync.ApplicationData(*item_class.show(body, wanting(kind)))


def text_of(body: bytes) -> str:
    return unescape_text(icalendar.load(body).components[0].value("DESCRIPTION"))


def body_of(kind: int, text: str) -> Element:
    return AirSyncBase.Body(AirSyncBase.Type(kind), AirSyncBase.Data(text))


TEXTS = st.text(st.sampled_from(" \n\tabé<>&;,\\\"'#-/\u00a0\u2028"), max_size=30)


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(st.sampled_from([tasks.CLASS, notes.CLASS]), TEXTS, KINDS)
@example(notes.CLASS, "one\ntwo\n\nthree", HTML)
@example(tasks.CLASS, "- one\n  - two ", HTML)
def test_a_text_that_comes_back_changes_nothing(item_class: ItemClass, text: str, kind: int) -> None:
    """Also a device that knows HTML alone must not double the lines of a note."""
    body = icalendar.read(stored(item_class, text)).body
    assert item_class.merge(shown(item_class, body, kind), body, "", wanting(kind)) == body


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(st.sampled_from("ab é<>&"), max_size=8).map(str.strip), max_size=5), KINDS)
def test_lines_are_lines_in_either_form(lines: list[str], kind: int) -> None:
    """What one device wrote another reads, by way of the HTML that it is given."""
    text = "\n".join(" ".join(line.split()) for line in lines).strip()
    body = icalendar.read(stored(notes.CLASS, text)).body
    given_text = shown(notes.CLASS, body, kind).text_of(AirSyncBase.Body, AirSyncBase.Data) or ""
    assert (html_text.plain(given_text) if kind == HTML else given_text) == text


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("one<br>\r\ntwo", "one\ntwo"),
        ("<p>one</p>\r\n<p>two</p>", "one\n\ntwo"),
        ("<div>one</div><div>two</div>", "one\ntwo"),
        ("<div>one</div><div><br></div><div>two</div>", "one\n\ntwo"),
        ("<ul><li>one</li>\n<li>two</li></ul>", "one\ntwo"),
        ("a\r\n  b&nbsp;&amp;&lt;c&#62;", "a b &<c>"),
        ("<style>p { x }</style><script>bad()</script>x<!-- y -->", "x"),
        ("", ""),
        ("<p", ""),
        ("1 < 2 &lt;p&gt;", "1 < 2 <p>"),
    ],
)
def test_html_is_read_as_people_read_it(markup: str, text: str) -> None:
    assert html_text.plain(markup) == text


@pytest.mark.parametrize(
    "piece", ["<p", "<br", "<div ", "<", "<!--", "<p>", " <br> ", "<script>", "&lt", "\x1c", "<p <p>"]
)
def test_hostile_html_takes_no_time(piece: str) -> None:
    begin = time.perf_counter()
    html_text.plain(piece * (1_000_000 // len(piece)))
    assert time.perf_counter() - begin < 5


def test_html_is_kept_beside_the_text_and_not_for_longer() -> None:
    body = stored(notes.CLASS, "old")
    bold = "<html><body><p>one <b>two</b></p></body></html>"
    made = notes.CLASS.merge(swap(shown(notes.CLASS, body, HTML), body_of(HTML, bold)), body, "", wanting(HTML))
    assert text_of(made) == "one two"
    assert shown(notes.CLASS, made, HTML).text_of(AirSyncBase.Body, AirSyncBase.Data) == bold
    assert shown(notes.CLASS, made, PLAIN).text_of(AirSyncBase.Body, AirSyncBase.Data) == "one two"
    assert notes.CLASS.merge(shown(notes.CLASS, made, HTML), made, "", wanting(HTML)) == made
    assert notes.CLASS.merge(shown(notes.CLASS, made, PLAIN), made, "", wanting(PLAIN)) == made
    # A CalDAV client writes another text, and leaves what it does not know.
    stale = made.replace(b"DESCRIPTION:one two", b"DESCRIPTION:three")
    assert "three" in (shown(notes.CLASS, stale, HTML).text_of(AirSyncBase.Body, AirSyncBase.Data) or "")
    plain = notes.CLASS.merge(swap(shown(notes.CLASS, made), body_of(PLAIN, "four")), made, "", wanting(PLAIN))
    assert b"X-ALT-DESC" not in plain
    assert text_of(plain) == "four"


def test_formatting_alone_keeps_the_lines_as_they_are() -> None:
    body = stored(notes.CLASS, "one\n  two")
    bold = "<b>one</b><br>two"
    made = notes.CLASS.merge(swap(shown(notes.CLASS, body, HTML), body_of(HTML, bold)), body, "", wanting(HTML))
    assert text_of(made) == "one\n  two"
    assert b"X-ALT-DESC;FMTTYPE=text/html:<b>one</b><br>two" in made


def test_several_texts_of_a_journal_become_one_when_it_is_written() -> None:
    """RFC 5545 §3.6.3 lets a journal entry have several."""
    body = ics("SUMMARY:n", "DESCRIPTION:one", "X-A:1", "DESCRIPTION:two", component="VJOURNAL")
    data = shown(notes.CLASS, body)
    assert data.text_of(AirSyncBase.Body, AirSyncBase.Data) == "one\ntwo"
    assert notes.CLASS.merge(data, body, "", wanting(PLAIN)) == body
    made = notes.CLASS.merge(swap(data, body_of(PLAIN, "one\nthree")), body, "", wanting(PLAIN))
    assert made.count(b"DESCRIPTION") == 1
    assert text_of(made) == "one\nthree"


@pytest.mark.parametrize("item_class", [tasks.CLASS, notes.CLASS])
def test_a_text_that_is_gone_is_gone_on_the_device(item_class: ItemClass) -> None:
    body = ics("SUMMARY:x", component=NAMES[item_class.name])
    assert AirSyncBase.Body in shown(item_class, body)
    made = item_class.merge(
        swap(shown(item_class, stored(item_class, "a")), body_of(PLAIN, "")), stored(item_class, "a"), "", wanting(1)
    )
    assert b"DESCRIPTION" not in made


def test_too_long_a_text_is_refused_and_not_cut() -> None:
    with pytest.raises(Unconvertible):
        notes.CLASS.merge(AirSync.ApplicationData(body_of(PLAIN, "x" * 1_000_001)), None, "u", wanting(PLAIN))


@pytest.mark.parametrize("kind", ["IPM.Note", "IPM.StickyNoteX", "x", "IPM"])
def test_a_note_of_another_class_is_refused(kind: str) -> None:
    """[MS-ASNOTE] §2.2.2.5: Status 6."""
    with pytest.raises(Unconvertible):
        notes.CLASS.merge(AirSync.ApplicationData(Notes.MessageClass(kind)), None, "u", wanting(PLAIN))


def test_a_class_below_that_of_notes_is_kept() -> None:
    made = notes.CLASS.merge(
        AirSync.ApplicationData(Notes.MessageClass("IPM.StickyNote.Blue")), None, "u", wanting(PLAIN)
    )
    assert shown(notes.CLASS, made).text_of(Notes.MessageClass) == "IPM.StickyNote.Blue"
    back = notes.CLASS.merge(AirSync.ApplicationData(Notes.MessageClass("IPM.StickyNote")), made, "", wanting(PLAIN))
    assert b"MESSAGE-CLASS" not in back


def test_categories_that_are_left_out_are_removed_and_texts_are_not() -> None:
    """[MS-ASNOTE] §3.2.5.3."""
    body = stored(notes.CLASS, "text", "CATEGORIES:a,b")
    made = notes.CLASS.merge(AirSync.ApplicationData(Notes.MessageClass("IPM.StickyNote")), body, "", wanting(PLAIN))
    assert b"CATEGORIES" not in made
    assert text_of(made) == "text"
    assert b"SUMMARY" in made
    dated = AirSync.ApplicationData(Notes.LastModifiedDate("20200101T000000Z"))
    assert notes.CLASS.merge(dated, body, "", wanting(PLAIN)) == body  # the desk says when it was changed


@pytest.mark.parametrize(("item_class", "tag", "one"), [
    (tasks.CLASS, Tasks.Categories, Tasks.Category), (notes.CLASS, Notes.Categories, Notes.Category),
])  # fmt: skip
def test_more_categories_than_a_device_takes(item_class: ItemClass, tag: type, one: type) -> None:
    body = stored(item_class, "t", "CATEGORIES:" + ",".join(f"c{number}" for number in range(310)))
    data = shown(item_class, body)
    assert item_class.merge(data, body, "", wanting(PLAIN)) == body
    made = item_class.merge(swap(data, tag(one("new"))), body, "", wanting(PLAIN)).replace(b"\r\n ", b"")
    assert b"CATEGORIES:new,c300,c301" in made


def test_a_phone_that_wants_html_leaves_the_lines_of_a_note(phone: Phone, store: Store, alice: Actor) -> None:
    """On either engine, over the wire: its user renames a note, and the text stays what it is."""
    text = "milk\neggs\n\n  and tea"

    def notes_of(act: Callable[..., object]) -> object:
        with store.write(alice) as tx:
            return act(tx, tree.find(tx, SpaceKind.PRIVATE, "alice", "notes"))

    body = stored(notes.CLASS, text, "X-KEPT:1")
    notes_of(lambda tx, folder: items.put(tx, folder, "n.ics", kinds.EVENTS.prepare(body, "text/calendar")))
    phone.folder_sync()
    folder = next(number for number, (_, kind) in phone.folders.items() if kind == 10)
    phone.sync(folder, body=HTML)
    ((number, found),) = phone.items[folder].items()
    assert found.text_of(AirSyncBase.Body, AirSyncBase.Type) == "2"
    data = AirSync.ApplicationData(*swap(found, Notes.Subject("Shopping")).children)
    phone.sync_once(folder, AirSync.Change(AirSync.ServerId(number), data), body=HTML)
    kept = notes_of(lambda tx, folder: items.get(tx, folder, "n.ics").body)
    assert isinstance(kept, bytes)
    assert text_of(kept) == text
    assert b"SUMMARY:Shopping" in kept
    assert b"X-KEPT:1" in kept
    bad = phone.sync_once(
        folder, AirSync.Add(AirSync.ClientId("1"), AirSync.ApplicationData(Notes.MessageClass("IPM.Note")))
    )
    assert bad is not None
    assert bad.text_of(AirSync.Responses, AirSync.Add, AirSync.Status) == "6"
