"""FETCH (RFC 9051 §6.4.5; RFC 7162 §3.1.4, §3.2.6; RFC 9394 §3.2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from servers.imap import fetch_items, others, render
from servers.imap.connection import Answer, Connection
from servers.imap.errors import Bad, No
from servers.imap.fetch_items import Item
from servers.imap.fetch_values import Chosen, Values, pages, plan
from servers.imap.partial import Range, read_range
from servers.imap.reader import Reader, Set
from storage.errors import NoRoom
from storage.mail import flagging, mailboxes, reading
from storage.mail.flags import SEEN
from storage.mail.reading import Span

_LINES_AT_ONCE = 1_000


@dataclass(slots=True)
class Modifiers:
    """What stands in the second parentheses."""

    since: int | None = None
    vanished: bool = False
    part: Range | None = None


def fetch(connection: Connection, reader: Reader, tag: str) -> Answer:
    return _fetch(connection, reader, uid=False)


def uid_fetch(connection: Connection, reader: Reader, tag: str) -> Answer:
    return _fetch(connection, reader, uid=True)


def _fetch(connection: Connection, reader: Reader, *, uid: bool) -> Answer:
    view = connection.selected
    reader.space()
    written = reader.set()
    reader.space()
    items = fetch_items.read(reader)
    modifiers = _modifiers(connection, reader, uid=uid)
    reader.end()
    names = {item.name for item in items}
    if uid and "UID" not in names:
        items = (Item("UID", label=b"UID"), *items)
    if "MODSEQ" in names or modifiers.since is not None:
        connection.enabled.add("CONDSTORE")
        if "MODSEQ" not in names:
            items = (*items, Item("MODSEQ", label=b"MODSEQ"))
    connection.load()
    since, part = modifiers.since, modifiers.part
    chosen = Chosen(*(view.numbered(written, uid=uid) if since is None else view.changed(written, since, uid=uid)))
    gone = view.gone
    alive = chosen.only(lambda state: state.uid not in gone) if gone else chosen
    missing = len(alive.states) < len(chosen.states) and not uid
    if part is not None:
        alive = Chosen(part.of(alive.numbers), part.of(alive.states))
    before: list[bytes] = _vanished(connection, written, modifiers) if modifiers.vanished else []
    seen: frozenset[int] = frozenset()
    if not view.read_only and any(not item.peek for item in items):
        alive, seen = _see(connection, alive)
        before.append(others.new_keywords(view, {state.flags for state in alive.states if state.uid in seen}))
    data = _lines(connection, items, alive, seen, missing=missing)
    if len(alive.states) <= 20 and not missing:
        # A short answer is made at once: no long one needs to be drawn from a thread. Where some are gone, what is
        # there is told all the same before that is said (RFC 9051 §7.1, EXPUNGEISSUED).
        return Answer(_at_once(before, data))
    return Answer(_after(before, data))


def _at_once(told: list[bytes], data: Iterable[bytes]) -> tuple[bytes, ...]:
    """All of it; that some went in this very moment is said behind the others."""
    try:
        for one in data:
            told.append(one)
    except No as error:
        raise No(str(error), error.code, b"".join(told)) from error
    return tuple(told)


def _after(before: list[bytes], data: Iterable[bytes]) -> Iterator[bytes]:
    yield from before
    yield from data


def _modifiers(connection: Connection, reader: Reader, *, uid: bool) -> Modifiers:
    found = Modifiers()
    if reader.done:
        return found
    reader.space()
    reader.need(b"(")
    while not reader.take(b")"):
        word = reader.word()
        if word == "CHANGEDSINCE":
            reader.space()
            found.since = reader.number()
        elif word == "VANISHED":
            found.vanished = True
        elif word == "PARTIAL":
            reader.space()
            found.part = read_range(reader)
        else:
            raise Bad(f"FETCH has no modifier {word}")
        reader.take(b" ")
    if found.vanished and not (uid and found.since is not None and connection.qresync):
        raise Bad("VANISHED stands with UID FETCH and CHANGEDSINCE, after ENABLE QRESYNC")  # RFC 7162 §3.2.6
    return found


def _vanished(connection: Connection, written: Set, modifiers: Modifiers) -> list[bytes]:
    """What of the set went since then (RFC 7162 §3.2.6)."""
    view = connection.selected
    with connection.store.read(connection.me) as tx:
        found = reading.changes(tx, view.id, modifiers.since or 0)
    chosen, highest = written.uids, view.mailbox.uid_next - 1
    if found.complete:
        gone = [uid for uid in found.vanished if uid in chosen]
    else:
        spans = (range(low, min(high, highest) + 1) for low, high in chosen)
        gone = [uid for span in spans for uid in span if view.number(uid) is None]
    return [b"* VANISHED (EARLIER) %b\r\n" % render.number_set(gone)] if gone else []


def _see(connection: Connection, chosen: Chosen) -> tuple[Chosen, frozenset[int]]:
    """Set \\Seen on what is read (RFC 9051 §6.4.5): the messages as they are then, and those that changed.

    `view` takes that in with what is told of it (`_lines`).
    """
    view = connection.selected
    fresh = [state.uid for state in chosen.states if SEEN not in state.flags]
    if not fresh:
        return chosen, frozenset()
    try:
        with connection.store.write(connection.me) as tx:
            done = flagging.set_flags(tx, mailboxes.by_id(tx, view.id), fresh, "add", SEEN)
    except NoRoom:  # what is there can be read all the same
        return chosen, frozenset()
    now = {state.uid: state for state in done.states}
    return Chosen(chosen.numbers, [now.get(state.uid, state) for state in chosen.states]), frozenset(now)


def _lines(
    connection: Connection,
    items: tuple[Item, ...],
    chosen: Chosen,
    seen: frozenset[int],
    *,
    missing: bool,
) -> Iterator[bytes]:
    names = [item.name for item in items]
    view = connection.selected
    if seen and "FLAGS" not in names:
        items = (*items, Item("FLAGS", label=b"FLAGS"))  # the client is told that they are seen now
    if seen and connection.condstore:  # … which ones, and by which change (RFC 7162 §3.2.4)
        items = (*items, *(Item(name, label=name.encode()) for name in ("MODSEQ", "UID") if name not in names))
    needed = plan(items)
    if needed.small:
        yield from _small(connection, items, names, chosen)
        chosen = chosen.part(0, 0)
    for page in pages(chosen, paged=needed.paged):
        with connection.store.read(connection.me) as tx:
            span = _span(connection, page)
            values = Values(
                tx, items, page.states, span,
                utf8=connection.utf8, flags=view.flags_of, finished=connection.shared.finished,
            )  # fmt: skip
            lines, some_gone = values.lines(page.numbers)
        view.put(state for state in page.states if state.uid in seen)
        missing = missing or some_gone
        yield lines
    if missing:
        raise No("some of the messages are gone", "EXPUNGEISSUED")


def _span(connection: Connection, page: Chosen) -> Span | None:
    """Where messages follow one another, or nearly so: then they are read in one walk."""
    begin, end = page.states[0], page.states[-1]
    near = 8 < page.numbers[-1] - page.numbers[0] < 2 * len(page.states)
    return Span(connection.selected.id, begin.uid, end.uid) if near else None


def _small(connection: Connection, items: tuple[Item, ...], names: Sequence[str], chosen: Chosen) -> Iterator[bytes]:
    """From memory alone; the two questions of every synchronisation have a way of their own."""
    flags_of = connection.selected.flags_of
    for at in range(0, len(chosen.states), _LINES_AT_ONCE):
        numbers, states = page = chosen.part(at, at + _LINES_AT_ONCE)
        if names == ["UID", "FLAGS"]:
            columns = numbers, [state.uid for state in states], flags_of(states)
            yield render.rows(b"* %d FETCH (UID %d %b)\r\n", columns)
        elif names == ["FLAGS"]:
            yield render.rows(b"* %d FETCH (%b)\r\n", (numbers, flags_of(states)))
        else:
            with connection.store.read(connection.me) as tx:
                values = Values(tx, items, page.states, utf8=connection.utf8, flags=flags_of)
            yield values.lines(page.numbers)[0]
